//! Refunds: asking, looking, agreeing, refusing, and sending to clearing.

use crate::app::App;
use crate::error::Error;
use crate::http::Shared;
use crate::http::answer::{self, Listing, Nothing};
use crate::http::caller::Caller;
use crate::http::decision::{ArrivalView, FeeView, PlanView, PolicyView, SeenFee};
use crate::http::event::EventView;
use crate::http::id::Id;
use crate::http::identity::Identity;
use crate::http::inquiry::{InquiryView, ReturnView, TraceView};
use crate::http::instruction::{About, Instruction};
use crate::http::liability::LiabilityView;
use crate::http::limits::EVIDENCE_ITEMS;
use crate::http::money::{Amount, Positive};
use crate::http::number::{Number, not_a_card};
use crate::http::operation::{EvidenceView, OperationResult, Resolution, print};
use crate::http::personal::{Contact, PersonalView};
use crate::http::problem::{Noun, Problem};
use crate::http::text::{Text, Texts};
use crate::http::time::Time;
use crate::http::word::{ExecutorWord, FundingBasisWord, RefundStateWord, Vocabulary as _, Word};
use crate::mask::Lens;
use crate::ports::Ports;
use crate::proof::ShownProof;
use crate::refund::RefundChange;
use crate::sale::Aggregate;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{CaseId, Digest, EvidenceItem, PersonId, Refund, RefundId, RefundState, SaleId, Target};
use serde::{Deserialize, Serialize};

/// A refund that is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefundAsk {
    /// The caller's own id for it; one is made if it is left out.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    id: Option<RefundId>,
    /// The sale.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    sale: SaleId,
    /// How much of it.
    amount: Positive,
    /// The reason code.
    reason: Option<Text>,
    /// Free text.
    note: Option<Text>,
    /// How the customer is reached about it.
    contact: Option<Contact>,
    /// Evidence, named by its content, whether that is stored here or elsewhere.
    #[serde(default)]
    evidence: Vec<EvidencePiece>,
    /// The person who asks. A person's own key stands for itself; so does an `Operator-Proof`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    requester: Option<PersonId>,
    /// The person who operates the terminal, if one is used.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    operator: Option<PersonId>,
    /// The granted case it rests on, where the policy leaves it to support.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    case: Option<CaseId>,
    /// The fees that were seen, as a check decided them. If they are others by then, nothing is done.
    fees: Option<Vec<SeenFee>>,
    /// The cleared refund of the same sale whose wrong amount this one corrects.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    corrects: Option<RefundId>,
    /// How the customer was identified, where the policy demands it.
    identity: Option<Identity>,
}

/// One piece of evidence.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EvidencePiece {
    /// What it is, as the policy names it: `receipt`, `photo` …
    kind: Number,
    /// The SHA-256 of the content, 64 lower-case hexadecimal digits.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    content: Digest,
}

/// A piece of evidence.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = EvidenceItem))]
pub struct PieceView {
    /// What it is.
    kind: String,
    /// The SHA-256 of the content.
    content: String,
    /// Whether the content is stored here. Absent where it was not looked up: in lists and in answers to instructions.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<bool>,
}

impl PieceView {
    /// Pieces in their order.
    pub fn all(items: &[EvidenceItem]) -> Vec<Self> {
        let view =
            |item: &EvidenceItem| Self { kind: item.kind.clone(), content: item.content.hex.clone(), stored: None };
        items.iter().map(view).collect()
    }
}

/// Pieces as the core knows them.
pub fn pieces(pieces: Vec<EvidencePiece>) -> Vec<EvidenceItem> {
    pieces.into_iter().map(|piece| EvidenceItem { kind: piece.kind.0, content: piece.content }).collect()
}

impl RefundAsk {
    fn check(&self) -> Result<(), Error> {
        if self.evidence.len() > EVIDENCE_ITEMS {
            return Err(Error::invalid("/evidence", format!("expected at most {EVIDENCE_ITEMS} pieces")));
        }
        self.id.as_ref().map_or(Ok(()), |id| not_a_card(&id.value)).map_err(|e| Error::invalid("/id", e))
    }

    fn parsed(self, proof: ShownProof, texts: &mut Texts) -> Result<crate::refund::RefundAsk, Error> {
        let identity = self.identity.map(Identity::parsed).transpose()?;
        Ok(crate::refund::RefundAsk {
            proof,
            identity,
            id: self.id,
            sale: self.sale,
            amount: self.amount.0,
            reason: texts.take_some(self.reason),
            note: texts.take_some(self.note),
            contact: self.contact.map(Contact::parsed),
            evidence: pieces(self.evidence),
            requester: self.requester,
            operator: self.operator,
            case: self.case,
            fees: SeenFee::all(self.fees),
            corrects: self.corrects,
        })
    }
}

/// A refund without its history.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefundSummary {
    /// Names it within the merchant.
    id: String,
    /// The sale.
    sale: String,
    /// How far it got.
    state: RefundStateWord,
    /// How much.
    amount: Amount,
    /// The reason code.
    reason: String,
    /// What the requester wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<PersonalView>,
    /// How the customer is reached about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<PersonalView>,
    /// Evidence given.
    evidence: Vec<PieceView>,
    /// The person who asked.
    requested_by: String,
    /// The person who operated the terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<String>,
    /// Counts changes of the request, from 1. Approvals are given to one revision.
    revision: u32,
    /// The digest of the sale's name, the request and its revision. Approvals are given to it.
    digest: String,
    /// The approvals it needs.
    plan: PlanView,
    /// The approvals it has.
    approvals: Vec<ApprovalView>,
    /// When it ends unless the last approval is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    /// Fees that come with it.
    fees: Vec<FeeView>,
    /// When the money should arrive after clearing.
    #[serde(skip_serializing_if = "Option::is_none")]
    arrival: Option<ArrivalView>,
    /// Who carries it out.
    executor: ExecutorWord,
    /// The reference every attempt gives to the provider.
    provider_reference: String,
    /// How often it was sent to the provider.
    attempts: u32,
    /// Whether a person has to look at it.
    attention: bool,
    /// The policy that allowed it.
    policy: PolicyView,
    /// When it was submitted.
    submitted_at: Time,
    /// When it last changed.
    updated_at: Time,
    /// When something is due to happen next.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Time>,
    /// What the provider said: what ended it, or the last that was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome_evidence: Option<EvidenceView>,
    /// Why it was declined or withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_because: Option<String>,
    /// The refund whose wrong amount this one corrects.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrects: Option<String>,
    /// The case whose grant it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    /// What limits the day on which it clears.
    #[serde(skip_serializing_if = "Option::is_none")]
    funding: Option<FundingBasisWord>,
    /// Questions of reviewers, oldest first. At most the last is unanswered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    inquiries: Vec<InquiryView>,
    /// The search for it, if it did not arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<TraceView>,
    /// Present and true if this request held a card number, which was masked.
    #[serde(skip_serializing_if = "answer::is_false")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    masked: bool,
}

/// One person's consent.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Approval))]
pub struct ApprovalView {
    /// Who approved.
    by: String,
    /// The role that made it count.
    role: String,
    /// The revision that was approved.
    revision: u32,
    /// The digest that was approved.
    digest: String,
    /// When.
    at: Time,
}

/// A refund with everything that happened to it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Refund))]
pub struct RefundView {
    #[serde(flatten)]
    refund: RefundSummary,
    /// That the network gave it back after it had cleared.
    #[serde(skip_serializing_if = "Option::is_none")]
    returned: Option<ReturnView>,
    /// What somebody owes because of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    liabilities: Vec<LiabilityView>,
    /// Everything that happened to it, oldest first.
    history: Vec<EventView>,
}

impl RefundSummary {
    /// A refund of a sale.
    #[must_use]
    pub fn of(sale: &SaleId, refund: &Refund) -> Self {
        let request = &refund.request;
        let waits =
            matches!(refund.state, RefundState::Submitted | RefundState::InReview | RefundState::NeedsInformation);
        Self {
            id: refund.id.value.clone(),
            sale: sale.value.clone(),
            state: Word(refund.state),
            amount: Amount(request.amount.clone()),
            reason: request.reason.clone(),
            note: request.note.as_ref().map(PersonalView::of),
            contact: request.contact.as_ref().map(PersonalView::of),
            evidence: PieceView::all(&request.evidence),
            requested_by: request.requested_by.value.clone(),
            operator: request.operator.as_ref().map(|p| p.value.clone()),
            revision: refund.revision,
            digest: refund.digest.hex.clone(),
            plan: PlanView::of(&refund.plan),
            approvals: refund
                .approvals
                .iter()
                .map(|a| ApprovalView {
                    by: a.by.value.clone(),
                    role: a.role.value.clone(),
                    revision: a.revision,
                    digest: a.digest.hex.clone(),
                    at: Time(a.at),
                })
                .collect(),
            expires_at: refund.submitted_at.plus(refund.plan.expires_after).ok().filter(|_| waits).map(Time),
            fees: FeeView::all(&refund.fees),
            arrival: refund.arrival.as_ref().map(ArrivalView::of),
            executor: Word(refund.executor),
            provider_reference: refund.provider_reference.clone(),
            attempts: refund.attempts,
            attention: refund.attention,
            policy: PolicyView::of(&refund.policy),
            submitted_at: Time(refund.submitted_at),
            updated_at: Time(refund.updated_at),
            due_at: refund.due_at.map(Time),
            outcome_evidence: refund.evidence.as_ref().map(EvidenceView::of),
            ended_because: refund.ended_because.clone(),
            corrects: request.corrects.as_ref().map(|r| r.value.clone()),
            case: refund.grounds.grant.as_ref().map(|c| c.value.clone()),
            funding: refund.funding.map(Word),
            inquiries: InquiryView::all(&refund.inquiries),
            trace: refund.trace.as_ref().map(TraceView::of),
            masked: false,
        }
    }

    /// The same, with what is personal as a lens shows it.
    #[must_use]
    pub fn seen(mut self, lens: &Lens, refund: &Refund) -> Self {
        let request = &refund.request;
        let look = |commitment: &Digest| PersonalView::through(lens, commitment);
        let old = || lens.old_note(&refund.id).map(PersonalView::bare);
        self.note = request.note.as_ref().map(look).or_else(old);
        self.contact = request.contact.as_ref().map(look);
        for (piece, item) in self.evidence.iter_mut().zip(&request.evidence) {
            piece.stored = lens.is_stored(&item.content);
        }
        for (view, inquiry) in self.inquiries.iter_mut().zip(&refund.inquiries) {
            view.seen(lens, inquiry);
        }
        self
    }
}

fn find<'a>(aggregate: &'a Aggregate, id: &RefundId) -> Result<&'a Refund, Error> {
    let refund = aggregate.ledger.refunds.iter().find(|r| r.id == *id);
    refund.ok_or_else(|| Error::Internal(format!("the ledger of {} does not hold {id}", aggregate.ledger.sale.id)))
}

impl RefundView {
    /// The refund of that name in a sale's ledger.
    ///
    /// # Errors
    /// If it is not there, which the core does not let happen.
    pub fn find((aggregate, id): &(Aggregate, RefundId)) -> Result<Self, Error> {
        let sale = &aggregate.ledger.sale.id;
        let own = aggregate.events.iter().filter(|e| e.refund.as_ref() == Some(id));
        Ok(Self {
            refund: RefundSummary::of(sale, find(aggregate, id)?),
            returned: aggregate.ledger.returns.iter().find(|back| back.refund == *id).map(ReturnView::of),
            liabilities: aggregate
                .ledger
                .liabilities
                .iter()
                .filter(|liability| liability.refund == *id)
                .map(|liability| LiabilityView::of(sale, liability))
                .collect(),
            history: own.map(|e| EventView::of(sale, e)).collect(),
        })
    }

    /// The same, with what is personal as a lens shows it. Never for an answer that is kept.
    #[must_use]
    pub fn seen(self, lens: &Lens, refund: &Refund) -> Self {
        Self { refund: self.refund.seen(lens, refund), ..self }
    }

    /// The same, flagged.
    #[must_use]
    pub fn with_masked(mut self, masked: bool) -> Self {
        self.refund.masked = masked;
        self
    }
}

/// `POST /v1/refunds`
pub async fn submit<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    proof: ShownProof,
    instruction: Instruction<RefundAsk>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    instruction.ask.check()?;
    let about = About::on_sale(Noun::Refund, &instruction.ask.sale);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let mut texts = Texts::default();
            let ask = ask.parsed(proof, &mut texts)?;
            let submitted = app.submit_refund(&scope.who, &scope.merchant, &ask, &command).await?;
            Ok((StatusCode::CREATED, RefundView::find(&submitted)?.with_masked(texts.masked())))
        })
        .await
}

/// `GET /v1/refunds/{id}`
pub async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let found = app.refund(&scope.who, &scope.merchant, &id).await?;
    let refund = find(&found.0, &id)?;
    let named = refund.request.evidence.iter().map(|item| item.content.clone()).collect();
    let lens = app.lens_with_evidence(&scope.who, &scope.merchant, &found.0, named).await?;
    answer::json(StatusCode::OK, &RefundView::find(&found)?.seen(&lens, refund))
}

/// `GET /v1/refunds`
pub async fn list<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let scope = caller.scope(&["state", "after", "limit"])?;
    let page = scope.asked.page()?;
    let state = scope.asked.read_with("state", RefundState::read)?;
    let listed = app.list_refunds(&scope.who, &scope.merchant, state, page.after.as_deref(), page.limit).await?;
    let mut items = Vec::with_capacity(listed.items.len());
    for (aggregate, id) in &listed.items {
        let refund = find(aggregate, id)?;
        let lens = app.lens(&scope.who, &scope.merchant, aggregate).await?;
        items.push(RefundSummary::of(&aggregate.ledger.sale.id, refund).seen(&lens, refund));
    }
    answer::json(StatusCode::OK, &Listing { items, next: listed.next })
}

/// A person's consent to a refund, bound to what the person saw.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Consent {
    /// The revision the person saw. The current one unless told.
    revision: Option<u32>,
    /// The digest the person saw. The current one unless told.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    digest: Option<Digest>,
}

/// Changes a refund that is there, and shows it. `read` also says whether something was masked.
async fn change<P: Ports, T: Send>(
    app: &App<P>,
    caller: Caller,
    id: RefundId,
    instruction: Instruction<T>,
    read: fn(T) -> (RefundChange, bool),
) -> Result<Response, Problem> {
    let scope = &caller.scope(&[])?;
    let about = About::refund(&id);
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let (change, masked) = read(ask);
            let refund = app.change_refund(&scope.who, &scope.merchant, &id, change, &command).await?;
            Ok((StatusCode::OK, RefundView::find(&refund)?.with_masked(masked)))
        })
        .await
}

/// `POST /v1/refunds/{id}/approvals`
pub async fn approve<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
    instruction: Instruction<Consent>,
) -> Result<Response, Problem> {
    change(&app, caller, id, instruction, |Consent { revision, digest }| {
        (RefundChange::Approve { revision, digest }, false)
    })
    .await
}

/// A reason for saying no.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Because {
    /// Why.
    reason: Text,
}

/// `POST /v1/refunds/{id}/declines`
pub async fn decline<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
    instruction: Instruction<Because>,
) -> Result<Response, Problem> {
    change(&app, caller, id, instruction, |Because { reason }| {
        (RefundChange::Decline { reason: reason.text }, reason.masked)
    })
    .await
}

/// `POST /v1/refunds/{id}/withdrawals`
pub async fn withdraw<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
    instruction: Instruction<Because>,
) -> Result<Response, Problem> {
    change(&app, caller, id, instruction, |Because { reason }| {
        (RefundChange::Withdraw { reason: reason.text }, reason.masked)
    })
    .await
}

/// `POST /v1/refunds/{id}/clearings`
pub async fn clear<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
    instruction: Instruction<Nothing>,
) -> Result<Response, Problem> {
    change(&app, caller, id, instruction, |Nothing {}| (RefundChange::Clear, false)).await
}

/// `POST /v1/refunds/{id}/retries`
pub async fn retry<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
    instruction: Instruction<Nothing>,
) -> Result<Response, Problem> {
    change(&app, caller, id, instruction, |Nothing {}| (RefundChange::Retry, false)).await
}

/// `POST /v1/refunds/{id}/results`
pub async fn report<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
    instruction: Instruction<OperationResult>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::refund(&id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |result, command| async move {
            let mut texts = Texts::default();
            let result = result.parsed(&scope.who, app.ports.now(), &mut texts);
            let refund = app.report_refund(&scope.who, &scope.merchant, &id, result, &command).await?;
            Ok((StatusCode::OK, RefundView::find(&refund)?.with_masked(texts.masked())))
        })
        .await
}

/// `POST /v1/refunds/{id}/resolutions`
pub async fn resolve<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
    instruction: Instruction<Resolution>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::refund(&id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let Text { text, masked } = ask.reason;
            let target = Target::Refund(id.clone());
            let aggregate =
                app.resolve(&scope.who, &scope.merchant, &target, ask.took_place, ask.second, text, &command).await?;
            Ok((StatusCode::OK, RefundView::find(&(aggregate, id))?.with_masked(masked)))
        })
        .await
}

/// `GET /v1/refunds/{id}/slip`
pub async fn slip<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<RefundId>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&["locale", "reprint"])?;
    print(&app, &scope, &Target::Refund(id)).await
}
