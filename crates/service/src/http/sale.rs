//! Sales: registering, finding, what happened to them, and the ways back.

use crate::error::Error;
use crate::http::Shared;
use crate::http::answer::{self, Listing};
use crate::http::body::Json;
use crate::http::caller::{Caller, Parameters};
use crate::http::decision::DecisionView;
use crate::http::event::EventView;
use crate::http::id::Id;
use crate::http::instruction::{About, Instruction};
use crate::http::money::{Amount, Positive, positive};
use crate::http::number::{Number, OrderNumber, PayerToken, not_a_card};
use crate::http::operation::{EvidenceView, OperationView, printing};
use crate::http::personal::{Contact, PersonalView};
use crate::http::problem::{Noun, Problem};
use crate::http::refund::RefundSummary;
use crate::http::text::Texts;
use crate::http::time::Time;
use crate::http::word::{
    CardTypeWord, ChannelWord, PresenterWord, SaleNewsType, SaleNewsTypeWord, SaleOutcomeWord, SettlementModeWord, Word,
};
use crate::limits::SALE_ID_BYTES;
use crate::mask::{self, Eyes, Lens};
use crate::ports::Ports;
use crate::sale::{Aggregate, ChargedFee, SaleEvent, SaleQuery, ScanName};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rescind_model::standing::Standing;
use rescind_model::token::Token as _;
use rescind_model::{
    BusinessDay, Hold, MerchantId, Money, PaymentCode, PersonId, Sale, SaleId, SaleOutcome, SettlementMode,
    SlipNumbers, TerminalId,
};
use serde::{Deserialize, Serialize};

/// A sale to register. The same again is harmless; the same id with other content is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewSale {
    /// Names the sale within the merchant: 1 to 100 characters of `A-Z a-z 0-9 . _ - @ ~`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    id: SaleId,
    /// The merchant who was paid. May be left out if the key belongs to one merchant.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    merchant: Option<MerchantId>,
    /// The numbers on the slip, if a terminal printed one.
    slip: Option<Slip>,
    /// The merchant's own order number.
    order_number: Option<OrderNumber>,
    /// 参考号: the network's retrieval reference number.
    retrieval_reference: Option<Number>,
    /// The person who operated the terminal.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    operator: Option<PersonId>,
    /// The amount captured.
    amount: Positive,
    /// The acquiring fee charged for it. Unless told, what the merchant's policy charges; nothing where it has no charge.
    fee_charged: Option<Amount>,
    /// How the payer paid.
    channel: ChannelWord,
    /// The kind of card, if one was used and the kind is known.
    card_type: Option<CardTypeWord>,
    /// What was sold, as the policy names it. `purchase` unless told.
    kind: Option<Number>,
    /// A keyed hash that stands for the payer. Never a card number, masked or not.
    payer_token: Option<PayerToken>,
    /// How the customer is reached.
    contact: Option<Contact>,
    /// The part of the amount that a coupon paid, and not the payer.
    coupon: Option<Amount>,
    /// When the service that was paid for in advance is due.
    service_at: Option<Time>,
    /// When the payment was made.
    paid_at: Time,
    /// The business day stamped on the payment. The policy's, for that time, unless told.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date))]
    business_day: Option<BusinessDay>,
    /// When the merchant gets the money. `ordinary` unless told.
    settlement: Option<SettlementModeWord>,
    /// What is known of the outcome: `good`, `unknown`, `declined` or `failed`. `good` unless told.
    outcome: Option<SaleOutcomeWord>,
}

/// The numbers on a slip.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Slip {
    /// The terminal that printed it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    terminal: TerminalId,
    /// 批次号.
    batch: Number,
    /// 凭证号.
    voucher: Number,
    /// 流水号.
    trace: Number,
}

impl Slip {
    /// The numbers.
    #[must_use]
    pub fn numbers(self) -> SlipNumbers {
        SlipNumbers { terminal: self.terminal, batch: self.batch.0, voucher: self.voucher.0, trace: self.trace.0 }
    }
}

/// The numbers on a slip.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SlipNumbers))]
pub struct SlipView {
    /// The terminal that printed it.
    terminal: String,
    /// 批次号.
    batch: String,
    /// 凭证号.
    voucher: String,
    /// 流水号.
    trace: String,
}

/// A sale without its history.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SaleSummary {
    /// Names the sale within the merchant.
    id: String,
    /// The merchant who was paid.
    merchant: String,
    /// The numbers on the slip.
    #[serde(skip_serializing_if = "Option::is_none")]
    slip: Option<SlipView>,
    /// The merchant's own order number.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_number: Option<String>,
    /// 参考号.
    #[serde(skip_serializing_if = "Option::is_none")]
    retrieval_reference: Option<String>,
    /// The person who operated the terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<String>,
    /// The amount captured.
    amount: Amount,
    /// The acquiring fee charged for it.
    fee_charged: Amount,
    /// How the payer paid.
    channel: ChannelWord,
    /// The kind of card.
    #[serde(skip_serializing_if = "Option::is_none")]
    card_type: Option<CardTypeWord>,
    /// What was sold.
    kind: String,
    /// A keyed hash that stands for the payer: its last four characters, unless the key's holder may see all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_token: Option<String>,
    /// How the customer is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<PersonalView>,
    /// The part of the amount that a coupon paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon: Option<Amount>,
    /// When the service that was paid for in advance is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    service_at: Option<Time>,
    /// When the payment was made; until then, when it was asked for.
    paid_at: Time,
    /// The business day of the payment.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    business_day: BusinessDay,
    /// When the merchant gets the money.
    settlement: SettlementModeWord,
    /// What happened to the sale itself.
    status: StatusView,
    /// How much of it is spoken for.
    balance: BalanceView,
    /// Present and true if this request held a card number, which was masked.
    #[serde(skip_serializing_if = "answer::is_false")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    masked: bool,
}

/// What happened to a sale after it was registered.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SaleStatus))]
pub struct StatusView {
    /// Whether the payment took place.
    outcome: SaleOutcomeWord,
    /// When the terminal's batch was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_closed_at: Option<Time>,
    /// When it was cleared to the merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_at: Option<Time>,
    /// When its money was paid out.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_out_at: Option<Time>,
    /// What was said of the payment after its reversal had begun. It decided nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    late: Option<LateView>,
    /// Present as long as nobody knows whether the payment took place.
    #[serde(skip_serializing_if = "Option::is_none")]
    doubt: Option<DoubtView>,
}

/// That nobody knows whether a payment took place.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Doubt))]
pub struct DoubtView {
    /// Since when.
    since: Time,
    /// Whether a person has to look at it: for a while nobody has undone it.
    attention: bool,
}

/// An answer about a payment that came after its reversal had begun.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = LateAnswer))]
pub struct LateView {
    /// What it says of the payment.
    outcome: SaleOutcomeWord,
    /// Who said it, and when.
    evidence: EvidenceView,
}

/// How much of a sale is spoken for.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Balance))]
pub struct BalanceView {
    /// What was captured.
    captured: Amount,
    /// What can still be taken back.
    left: Amount,
    /// What is reserved by voids and refunds under way.
    reserved: Amount,
    /// What was refunded.
    cleared: Amount,
    /// What was voided.
    voided: Amount,
}

/// A sale with everything about it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Sale))]
pub struct SaleView {
    #[serde(flatten)]
    sale: SaleSummary,
    /// The payment code it began as.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<CodeFacts>,
    /// The hold it began as.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<HoldFacts>,
    /// Its voids and other operations, oldest first.
    operations: Vec<OperationView>,
    /// Its refunds, oldest first.
    refunds: Vec<RefundSummary>,
    /// Everything that happened, oldest first.
    history: Vec<EventView>,
}

impl SaleSummary {
    fn of(aggregate: &Aggregate) -> Result<Self, Problem> {
        let ledger = &aggregate.ledger;
        let sale = &ledger.sale;
        let standing = Standing::of(ledger)
            .map_err(|e| Problem::internal(format!("the ledger of {}/{} is damaged: {e}", sale.merchant, sale.id)))?;
        Ok(Self {
            id: sale.id.value.clone(),
            merchant: sale.merchant.value.clone(),
            slip: sale.slip.as_ref().map(|slip| SlipView {
                terminal: slip.terminal.value.clone(),
                batch: slip.batch.clone(),
                voucher: slip.voucher.clone(),
                trace: slip.trace.clone(),
            }),
            order_number: sale.order_number.clone(),
            retrieval_reference: sale.retrieval_reference.clone(),
            operator: sale.operator.as_ref().map(|p| p.value.clone()),
            amount: Amount(sale.captured.clone()),
            fee_charged: Amount(sale.fee_charged.clone()),
            channel: Word(sale.channel),
            card_type: sale.card_type.map(Word),
            kind: sale.kind.clone(),
            payer_token: sale.payer_token.as_deref().map(|token| mask::payer(Eyes::NOBODY.payer, token)),
            contact: sale.contact.as_ref().map(PersonalView::of),
            coupon: sale.coupon.clone().map(Amount),
            service_at: sale.service_at.map(Time),
            paid_at: Time(sale.paid_at),
            business_day: sale.business_day,
            settlement: Word(sale.settlement),
            status: StatusView {
                outcome: Word(ledger.status.outcome),
                batch_closed_at: ledger.status.batch_closed_at.map(Time),
                settled_at: ledger.status.settled_at.map(Time),
                paid_out_at: ledger.status.paid_out_at.map(Time),
                late: ledger
                    .status
                    .late
                    .as_ref()
                    .map(|late| LateView { outcome: Word(late.outcome), evidence: EvidenceView::of(&late.evidence) }),
                doubt: ledger
                    .doubt
                    .as_ref()
                    .map(|doubt| DoubtView { since: Time(doubt.since), attention: doubt.attention }),
            },
            balance: BalanceView {
                captured: Amount(sale.captured.clone()),
                left: Amount(standing.left),
                reserved: Amount(standing.reserved),
                cleared: Amount(standing.cleared),
                voided: Amount(standing.voided),
            },
            masked: false,
        })
    }
}

impl SaleSummary {
    /// The same, with what is personal as a lens shows it.
    fn seen(mut self, lens: &Lens, sale: &Sale) -> Self {
        self.payer_token = sale.payer_token.as_deref().map(|token| mask::payer(lens.eyes().payer, token));
        self.contact = sale.contact.as_ref().map(|commitment| PersonalView::through(lens, commitment));
        self
    }
}

impl SaleView {
    /// The same, with what is personal as a lens shows it. Never for an answer that is kept.
    fn seen(mut self, lens: &Lens, aggregate: &Aggregate) -> Self {
        let ledger = &aggregate.ledger;
        self.sale = self.sale.seen(lens, &ledger.sale);
        let refunds = self.refunds.into_iter().zip(&ledger.refunds);
        self.refunds = refunds.map(|(view, refund)| view.seen(lens, refund)).collect();
        self
    }

    /// A sale.
    ///
    /// # Errors
    /// If its ledger is damaged.
    pub fn of(aggregate: &Aggregate) -> Result<Self, Problem> {
        let id = &aggregate.ledger.sale.id;
        Ok(Self {
            sale: SaleSummary::of(aggregate)?,
            code: aggregate.ledger.code.as_ref().map(CodeFacts::of),
            hold: aggregate.ledger.hold.as_ref().map(HoldFacts::of),
            operations: OperationView::all(aggregate),
            refunds: aggregate.ledger.refunds.iter().map(|r| RefundSummary::of(id, r)).collect(),
            history: aggregate.events.iter().map(|e| EventView::of(id, e)).collect(),
        })
    }

    /// The same, flagged.
    #[must_use]
    pub fn with_masked(mut self, masked: bool) -> Self {
        self.sale.masked = masked;
        self
    }
}

/// What a payment code says of itself.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeFacts {
    /// Who shows it.
    presented_by: PresenterWord,
    /// What the network calls the order.
    reference: String,
    /// When it was made.
    created_at: Time,
    /// The first instant at which it can no longer be paid.
    expires_at: Time,
    /// When it was scanned.
    #[serde(skip_serializing_if = "Option::is_none")]
    scanned_at: Option<Time>,
}

impl CodeFacts {
    /// Those of a code.
    #[must_use]
    pub fn of(code: &PaymentCode) -> Self {
        Self {
            presented_by: Word(code.presented_by),
            reference: code.reference.clone(),
            created_at: Time(code.created_at),
            expires_at: Time(code.expires_at),
            scanned_at: code.scanned_at.map(Time),
        }
    }
}

/// What a hold says of itself.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HoldFacts {
    /// The amount reserved.
    authorised: Amount,
    /// The most that a completion may capture.
    ceiling: Amount,
    /// When it was made.
    authorised_at: Time,
    /// The first instant at which it can no longer be completed.
    expires_at: Time,
    /// The issuer's authorisation code.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorisation_code: Option<String>,
}

impl HoldFacts {
    /// Those of a hold.
    #[must_use]
    pub fn of(hold: &Hold) -> Self {
        Self {
            authorised: Amount(hold.authorised.clone()),
            ceiling: Amount(hold.ceiling.clone()),
            authorised_at: Time(hold.authorised_at),
            expires_at: Time(hold.expires_at),
            authorisation_code: hold.authorisation_code.clone(),
        }
    }
}

/// A name that a payment can have.
///
/// # Errors
/// If it is too long, or a card number.
pub fn check_id(id: &SaleId) -> Result<(), Error> {
    if id.value.len() > SALE_ID_BYTES {
        return Err(Error::invalid("/id", format!("expected at most {SALE_ID_BYTES} bytes")));
    }
    not_a_card(&id.value).map_err(|e| Error::invalid("/id", e))
}

/// A sale as a terminal stored it, held to the form of one that is registered: numbers that can be, no card number anywhere.
///
/// # Errors
/// What cannot be.
pub fn as_registered(sale: &Sale) -> Result<Sale, Error> {
    check_id(&sale.id)?;
    let number = |field: &str, text: &str| Number::parse(text).map(|n| n.0).map_err(|e| Error::invalid(field, e));
    let slip = sale.slip.as_ref().map(|slip| {
        Ok::<_, Error>(SlipNumbers {
            terminal: slip.terminal.clone(),
            batch: number("/slip/batch", &slip.batch)?,
            voucher: number("/slip/voucher", &slip.voucher)?,
            trace: number("/slip/trace", &slip.trace)?,
        })
    });
    let order = sale.order_number.as_deref().map(OrderNumber::parse).transpose();
    let token = sale.payer_token.as_deref().map(PayerToken::parse).transpose();
    let reference = sale.retrieval_reference.as_deref().map(|text| number("/retrieval_reference", text));
    Ok(Sale {
        slip: slip.transpose()?,
        order_number: order.map_err(|e| Error::invalid("/order_number", e))?.map(|number| number.0.text),
        retrieval_reference: reference.transpose()?,
        kind: number("/kind", &sale.kind)?,
        payer_token: token.map_err(|e| Error::invalid("/payer_token", e))?.map(|token| token.0),
        coupon: sale.coupon.clone().filter(|coupon| !coupon.is_zero()),
        ..sale.clone()
    })
}

/// An outcome that is among those that can be.
///
/// # Errors
/// If it is not.
pub fn one_of(outcome: SaleOutcome, known: &[SaleOutcome]) -> Result<SaleOutcome, Error> {
    if known.contains(&outcome) {
        return Ok(outcome);
    }
    let known: Vec<&str> = known.iter().map(|o| o.token()).collect();
    Err(Error::invalid("/outcome", format!("expected one of {}, found {}", known.join(", "), outcome.token())))
}

/// `POST /v1/transactions`
pub async fn register<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Json(mut new): Json<NewSale>,
) -> Result<Response, Problem> {
    let scope = caller.scope_or(new.merchant.clone())?;
    let business_day = match new.business_day {
        Some(day) => day,
        None => app.business_day_of(&scope.merchant, new.paid_at.0).await?,
    };
    let mut texts = Texts::default();
    let known = [SaleOutcome::Good, SaleOutcome::Unknown, SaleOutcome::Declined, SaleOutcome::Failed];
    let outcome = one_of(new.outcome.map_or(SaleOutcome::Good, |o| o.0), &known)?;
    let contact = new.contact.take().map(Contact::parsed);
    let fee = if new.fee_charged.is_some() { ChargedFee::Told } else { ChargedFee::ByPolicy };
    let sale = new.into_sale(scope.merchant, business_day, &mut texts)?;
    let (aggregate, created) = app
        .register_sale_with(&scope.who, sale, fee, contact.as_ref(), outcome)
        .await
        .map_err(|e| Problem::of(e, Noun::Sale))?;
    let lens = app.lens(&scope.who, &aggregate.ledger.sale.merchant, &aggregate).await?;
    let view = SaleView::of(&aggregate)?.seen(&lens, &aggregate).with_masked(texts.masked());
    answer::json(if created { StatusCode::CREATED } else { StatusCode::OK }, &view)
}

impl NewSale {
    fn into_sale(self, merchant: MerchantId, business_day: BusinessDay, texts: &mut Texts) -> Result<Sale, Error> {
        check_id(&self.id)?;
        let captured = self.amount.0;
        let fee_charged = self.fee_charged.map_or_else(|| captured.zero_like(), |fee| fee.0);
        if fee_charged.exceeds(&captured).map_err(|e| Error::invalid("/fee_charged", e))? {
            return Err(Error::invalid("/fee_charged", format!("expected at most the amount, {captured}")));
        }
        Ok(Sale {
            id: self.id,
            merchant,
            slip: self.slip.map(Slip::numbers),
            order_number: texts.take_some(self.order_number.map(|number| number.0)),
            retrieval_reference: self.retrieval_reference.map(|number| number.0),
            operator: self.operator,
            captured,
            fee_charged,
            channel: self.channel.0,
            card_type: self.card_type.map(|word| word.0),
            kind: self.kind.map_or_else(|| "purchase".to_owned(), |kind| kind.0),
            payer_token: self.payer_token.map(|token| token.0),
            coupon: self.coupon.map(|coupon| coupon.0).filter(|coupon| !coupon.is_zero()),
            contact: None,
            service_at: self.service_at.map(|at| at.0),
            paid_at: self.paid_at.0,
            business_day,
            settlement: self.settlement.map_or(SettlementMode::Ordinary, |word| word.0),
        })
    }
}

/// `GET /v1/transactions/{id}`
pub async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let aggregate = app.sale(&scope.who, &scope.merchant, &id).await?;
    let lens = app.lens(&scope.who, &scope.merchant, &aggregate).await?;
    answer::json(StatusCode::OK, &SaleView::of(&aggregate)?.seen(&lens, &aggregate))
}

/// `GET /v1/transactions/{id}/slip`
pub async fn slip<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&["locale", "reprint"])?;
    let (locale, reprint) = printing(&scope)?;
    let text = app.sale_slip(&scope.who, &scope.merchant, &id, locale, reprint).await?;
    Ok(answer::text("text/plain; charset=utf-8", text))
}

/// `GET /v1/transactions`
pub async fn search<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let scope = caller.scope(&[
        "terminal",
        "batch",
        "voucher",
        "trace",
        "business_day",
        "order_number",
        "retrieval_reference",
        "after",
        "limit",
    ])?;
    let page = scope.asked.page()?;
    let query = query_of(&scope.asked)?;
    let found = app.search_sales(&scope.who, &scope.merchant, &query, page.after.as_deref(), page.limit).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for aggregate in &found.items {
        let lens = app.lens(&scope.who, &scope.merchant, aggregate).await?;
        items.push(SaleSummary::of(aggregate)?.seen(&lens, &aggregate.ledger.sale));
    }
    answer::json(StatusCode::OK, &Listing { items, next: found.next })
}

/// One of the four ways to find a sale; filters of two ways at once are refused, for they would not narrow anything.
fn query_of(asked: &Parameters) -> Result<SaleQuery, Error> {
    let terminal = asked.read_as::<TerminalId>("terminal")?;
    let batch = asked.read_as::<Number>("batch")?;
    let voucher = asked.read_as::<Number>("voucher")?;
    let trace = asked.read_as::<Number>("trace")?;
    let day = asked.read_with("business_day", BusinessDay::parse)?;
    let order = asked.read_as::<OrderNumber>("order_number")?;
    let reference = asked.read_as::<Number>("retrieval_reference")?;
    match (terminal, batch, voucher, trace, day, order, reference) {
        (Some(terminal), Some(batch), Some(voucher), None, None, None, None) => {
            Ok(SaleQuery::Slip { terminal, batch: batch.0, voucher: voucher.0 })
        }
        (None, None, None, Some(trace), Some(business_day), None, None) => {
            Ok(SaleQuery::Trace { trace: trace.0, business_day })
        }
        (None, None, None, None, None, Some(order), None) => Ok(SaleQuery::Order(order.0.text)),
        (None, None, None, None, None, None, Some(reference)) => Ok(SaleQuery::Retrieval(reference.0)),
        _ => Err(Error::Malformed {
            field: "query".to_owned(),
            message: "expected exactly one of: terminal + batch + voucher; trace + business_day; order_number; \
                      retrieval_reference"
                .to_owned(),
        }),
    }
}

/// What happened to a sale.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SaleNews {
    /// What.
    r#type: SaleNewsTypeWord,
    /// The outcome, with `outcome-known` and only there.
    outcome: Option<SaleOutcomeWord>,
    /// Which scan of a payment code the outcome is of. Needed once a scan of the code was declined or failed.
    scan: Option<ScanNamed>,
}

/// A scan of a payment code, by its reference where it has one, else by its time; at least one of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ScanName))]
struct ScanNamed {
    /// When it was scanned, as `scanned_at` showed it.
    at: Option<Time>,
    /// 参考号: the network's retrieval reference number.
    retrieval_reference: Option<Number>,
}

impl ScanNamed {
    fn parsed(&self) -> Result<ScanName, Error> {
        if self.at.is_none() && self.retrieval_reference.is_none() {
            return Err(Error::invalid("/scan", "expected at or retrieval_reference"));
        }
        Ok(ScanName {
            at: self.at.as_ref().map(|at| at.0),
            retrieval_reference: self.retrieval_reference.as_ref().map(|reference| reference.0.clone()),
        })
    }
}

impl SaleNews {
    fn event(&self) -> Result<SaleEvent, Error> {
        if self.scan.is_some() && self.r#type.0 != SaleNewsType::OutcomeKnown {
            return Err(Error::invalid("/scan", "a scan comes with outcome-known only"));
        }
        match (self.r#type.0, &self.outcome) {
            (SaleNewsType::OutcomeKnown, Some(outcome)) => {
                let scan = self.scan.as_ref().map(ScanNamed::parsed).transpose()?;
                Ok(SaleEvent::OutcomeKnown { outcome: outcome.0, scan })
            }
            (SaleNewsType::OutcomeKnown, None) => Err(Error::invalid("/outcome", "expected the outcome that is known")),
            (_, Some(_)) => Err(Error::invalid("/outcome", "an outcome comes with outcome-known only")),
            (SaleNewsType::Settled, None) => Ok(SaleEvent::Settled),
            (SaleNewsType::PaidOut, None) => Ok(SaleEvent::PaidOut),
        }
    }
}

/// `POST /v1/transactions/{id}/events`
pub async fn record<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
    instruction: Instruction<SaleNews>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let event = instruction.ask.event()?;
    let about = About::on_sale(Noun::Sale, &id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |_, command| async move {
            let aggregate = app.record_sale_event(&scope.who, &scope.merchant, &id, event, &command).await?;
            let view = SaleView::of(&aggregate).map_err(|p| Error::Internal(p.body()))?;
            Ok((StatusCode::OK, view))
        })
        .await
}

/// A closed batch.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClosedBatch {
    /// The terminal.
    terminal: String,
    /// 批次号.
    batch: String,
    /// When it was closed.
    closed_at: Time,
}

/// `POST /v1/terminals/{id}/batches/{n}/close`
pub async fn close_batch<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let Path((terminal, batch)) = path.map_err(|_| Error::NotFound("terminal"))?;
    let terminal = TerminalId::parse(&terminal).map_err(|_| Error::NotFound("terminal"))?;
    let batch = Number::parse(&batch).map_err(|_| Error::NotFound("batch"))?;
    let closed_at = app
        .close_batch(&scope.who, &scope.merchant, &terminal, &batch.0)
        .await
        .map_err(|e| Problem::of(e, Noun::Sale))?;
    answer::json(StatusCode::OK, &ClosedBatch { terminal: terminal.value, batch: batch.0, closed_at: Time(closed_at) })
}

/// Every way to take a sale back, as things stand.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaysBack {
    /// The sale.
    sale: String,
    /// One decision for each way.
    ways: Vec<DecisionView>,
}

/// `GET /v1/transactions/{id}/ways-back`
pub async fn ways_back<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&["amount"])?;
    let amount: Option<Money> = match scope.asked.text("amount") {
        Some(text) => {
            let sale = app.sale(&scope.who, &scope.merchant, &id).await?.ledger.sale;
            Some(positive(text, &sale.captured.currency).map_err(|e| Error::invalid("amount", e))?)
        }
        None => None,
    };
    let decisions = app.ways_back(&scope.who, &scope.merchant, &id, amount).await?;
    let mut ways = Vec::with_capacity(decisions.len());
    for decision in &decisions {
        ways.push(DecisionView::told(&app, &scope.merchant, decision).await);
    }
    answer::json(StatusCode::OK, &WaysBack { sale: id.value, ways })
}
