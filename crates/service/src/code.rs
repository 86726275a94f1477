//! Payment codes: made, scanned at most once, cancelled, reported. A code is a payment that nobody has made yet; its id is
//! the sale's, and one record decides between a scan and a cancellation.

use crate::app::App;
use crate::error::Error;
use crate::limits::LIST_LIMIT;
use crate::operation::{OperationAsk, find_operation};
use crate::ports::{Policy as _, Ports};
use crate::principal::{Bearer, Deed, Principal};
use crate::sale::{Aggregate, Beginning, ChargedFee, Timing, is_late};
use crate::store::key::Key;
use crate::store::list::Position;
use rescind_model::{
    BusinessDay, Channel, Command, CommandId, Evidence, Instant, LateAnswer, MerchantId, Money, OperationId,
    OperationState, Origin, PaymentCode, PersonId, Presenter, Sale, SaleId, SaleOutcome, Scan, SettlementMode,
    SlipNumbers, Way,
};
use serde::Serialize;

/// A payment code to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CodeAsk {
    /// Names the code, and the sale it becomes.
    pub id: SaleId,
    /// The amount asked for.
    pub amount: Money,
    /// The part of it that a coupon will pay.
    pub coupon: Option<Money>,
    /// Who shows it.
    pub presented_by: Presenter,
    /// What the network calls the order. The id, unless told.
    pub reference: Option<String>,
    /// The slip's numbers, if a terminal made it.
    pub slip: Option<SlipNumbers>,
    /// The merchant's own order number.
    pub order_number: Option<String>,
    /// The person who operates the terminal.
    pub operator: Option<PersonId>,
    /// What is sold.
    pub kind: String,
    /// When the service that is paid for in advance is due.
    pub service_at: Option<Instant>,
    /// When the merchant will get the money.
    pub settlement: SettlementMode,
}

/// That a code was scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanAsk {
    /// What is known of the payment.
    pub outcome: SaleOutcome,
    /// When it was scanned. Now, unless told.
    pub at: Option<Instant>,
    /// The business day stamped on it. The policy's, for that time, unless told.
    pub business_day: Option<BusinessDay>,
    /// The acquiring fee that was charged. None, unless told.
    pub fee_charged: Option<Money>,
    /// A keyed hash that stands for the payer.
    pub payer_token: Option<String>,
    /// The network's retrieval reference number.
    pub retrieval_reference: Option<String>,
}

/// How far a code got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeState {
    /// Nobody has scanned it, and it can still be paid.
    Unscanned,
    /// It was scanned; the payment's outcome is unknown, or it was not paid.
    Scanned,
    /// It was paid.
    Paid,
    /// Its time ran out.
    Expired,
    /// It was cancelled, or what was scanned was undone.
    Cancelled,
    /// It is being cancelled.
    Cancelling,
    /// The provider did not cancel it.
    CancelFailed,
    /// Nobody knows whether it was cancelled.
    CancelUnknown,
}

impl CodeState {
    /// How far a code got by an instant, whether or not a timer has run since.
    #[must_use]
    pub fn of(aggregate: &Aggregate, code: &PaymentCode, now: Instant) -> Self {
        let ledger = &aggregate.ledger;
        match ledger.status.outcome {
            SaleOutcome::Good => return Self::Paid,
            SaleOutcome::Cancelled | SaleOutcome::Reversed => return Self::Cancelled,
            _ => {}
        }
        let undoes = |kind| matches!(kind, Way::OrderClose | Way::Reversal);
        match ledger.operations.iter().rev().find(|o| undoes(o.kind)).map(|o| o.state) {
            Some(OperationState::Authorised | OperationState::Sent) => Self::Cancelling,
            Some(OperationState::Unknown) => Self::CancelUnknown,
            Some(OperationState::Failed) => Self::CancelFailed,
            Some(OperationState::Done) | None if code.scanned_at.is_some() => Self::Scanned,
            Some(OperationState::Done) | None => {
                let over = ledger.status.outcome == SaleOutcome::Expired || now >= code.expires_at;
                if over { Self::Expired } else { Self::Unscanned }
            }
        }
    }
}

/// Cancellations of codes in the order they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellations {
    /// The day they are of.
    pub business_day: BusinessDay,
    /// Each with its payment.
    pub items: Vec<(Aggregate, OperationId)>,
    /// Where to go on, if there is more.
    pub next: Option<String>,
}

impl<P: Ports> App<P> {
    /// Makes a payment code that lives as long as the policy says. The same again is harmless.
    ///
    /// # Errors
    /// [`Error::Conflict`] `code.disabled` where the policy knows none, `sale.conflict` for another payment of that id.
    pub async fn create_code(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        ask: &CodeAsk,
    ) -> Result<(Aggregate, bool), Error> {
        who.may(Deed::RegisterSale, merchant)?;
        let merchant = self.merchant(merchant).await?;
        let policy = self.policy_of(&merchant).await?;
        let lives = policy.terms().code_lives.ok_or_else(|| Error::Conflict {
            code: "code.disabled",
            message: format!("the policy {} knows no payment codes", merchant.policy),
        })?;
        let now = self.ports.now();
        let expires_at = now.plus(lives).map_err(|e| Error::Internal(format!("a code's end: {e}")))?;
        let code = PaymentCode {
            presented_by: ask.presented_by,
            reference: ask.reference.clone().unwrap_or_else(|| ask.id.to_string()),
            created_at: now,
            expires_at,
            scanned_at: None,
        };
        let sale = Sale {
            id: ask.id.clone(),
            merchant: merchant.id.clone(),
            slip: ask.slip.clone(),
            order_number: ask.order_number.clone(),
            retrieval_reference: None,
            operator: ask.operator.clone(),
            captured: ask.amount.clone(),
            coupon: ask.coupon.clone(),
            fee_charged: ask.amount.zero_like(),
            channel: Channel::PaymentCode,
            card_type: None,
            kind: ask.kind.clone(),
            payer_token: None,
            contact: None,
            service_at: ask.service_at,
            paid_at: now,
            business_day: policy.business_day_of(now)?,
            settlement: ask.settlement,
        };
        let content = serde_json::to_vec(&("payment-code", &merchant.id, ask));
        let content = content.map_err(|e| Error::Internal(e.to_string()))?;
        self.begin_payment(
            who,
            &Beginning {
                sale,
                fee: ChargedFee::Told,
                outcome: SaleOutcome::Unpaid,
                origin: Origin::Code(code),
                content,
                timing: Timing::Now,
            },
        )
        .await
    }

    /// A payment that began as a code.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that does not exist, is not the asker's, or began otherwise.
    pub async fn payment_code(&self, who: &Principal, merchant: &MerchantId, id: &SaleId) -> Result<Aggregate, Error> {
        self.sale_begun_as(who, merchant, id, "payment code", |ledger| ledger.code.is_some()).await
    }

    /// Records that a code was scanned. Against a cancellation the payment's record decides, once.
    ///
    /// # Errors
    /// No such code; it was cancelled, or is being, which is kept as a late answer; it was scanned otherwise; it had
    /// expired.
    pub async fn scan(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &SaleId,
        ask: &ScanAsk,
        command: &CommandId,
    ) -> Result<Aggregate, Error> {
        who.may(Deed::ReportSale, merchant)?;
        let there = self.payment_code(who, merchant, id).await?;
        let sale = &there.ledger.sale;
        let accepted = self.ports.now();
        // It was scanned before it was heard of, whatever the terminal's clock says.
        let made = there.ledger.code.as_ref().map_or(accepted, |code| code.created_at);
        let at = ask.at.map_or(accepted, |at| at.max(made).min(accepted));
        let business_day = match ask.business_day {
            Some(day) => day,
            None => self.business_day_of(merchant, at).await?,
        };
        let mut scanned = sale.clone();
        scanned.business_day = business_day;
        scanned.paid_at = at;
        scanned.payer_token.clone_from(&ask.payer_token);
        let fee_charged = match &ask.fee_charged {
            Some(fee) => fee.clone(),
            None => self.charge_of(&scanned).await?,
        };
        if fee_charged.exceeds(&sale.captured).map_err(|e| Error::invalid("/fee_charged", e))? {
            return Err(Error::invalid("/fee_charged", format!("expected at most the amount, {}", sale.captured)));
        }
        let scan = Scan {
            at,
            outcome: ask.outcome,
            business_day,
            fee_charged,
            payer_token: ask.payer_token.clone(),
            retrieval_reference: ask.retrieval_reference.clone(),
        };
        if scan.retrieval_reference.is_some() {
            scanned.retrieval_reference.clone_from(&scan.retrieval_reference);
        }
        self.index_anew(sale, &scanned).await?;
        let change = Command::RecordScan(scan);
        let actor = who.actor(merchant);
        match self.transact(merchant, id, command, |app, a| app.plain(a, &change, &actor, command)).await {
            Err(Error::Rejected(why)) => {
                self.note_late_scan(who, merchant, id, ask.outcome, command).await?;
                Err(Error::Rejected(why))
            }
            done => Ok(done?.aggregate()),
        }
    }

    /// Keeps that a code was scanned which is being cancelled, or was: it decides nothing, and a person has to see it.
    async fn note_late_scan(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &SaleId,
        outcome: SaleOutcome,
        command: &CommandId,
    ) -> Result<(), Error> {
        let (there, actor, at) = (self.sale(who, merchant, id).await?, who.actor(merchant), self.ports.now());
        if !is_late(&there.ledger, outcome) {
            return Ok(());
        }
        // A command of its own: the scan itself is refused, however often it is sent.
        let command = CommandId { value: format!("{command}-late") };
        let source = if matches!(who.bearer, Bearer::Terminal { .. }) { "terminal" } else { "provider" };
        let evidence = Evidence { source: source.to_owned(), code: None, reference: None, note: None, at };
        let change = Command::RecordLateAnswer(LateAnswer { outcome, evidence });
        match self.transact(merchant, id, &command, |app, a| app.plain(a, &change, &actor, &command)).await {
            // Whatever it is late for has ended otherwise meanwhile: then it is not.
            Ok(_) | Err(Error::Rejected(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Cancels a code, if the policy and the ledger let it.
    ///
    /// # Errors
    /// No such code; otherwise as [`App::operate`].
    pub async fn cancel_code(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &SaleId,
        ask: &OperationAsk,
        command: &CommandId,
    ) -> Result<(Aggregate, OperationId), Error> {
        who.may(Deed::TakeBack, merchant)?;
        let there = self.payment_code(who, merchant, id).await?;
        self.operate_on(who, there, ask, command).await
    }

    /// The cancellations of codes that were asked for on a business day: today, unless told.
    ///
    /// # Errors
    /// Not permitted, or a position that is not one.
    pub async fn list_cancellations(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        day: Option<BusinessDay>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Cancellations, Error> {
        who.may(Deed::Read, merchant)?;
        let business_day = match day {
            Some(day) => day,
            None => self.business_day_of(merchant, self.ports.now()).await?,
        };
        self.publish_waiting().await;
        let mut from = after.map_or(Ok(Position::START), Position::parse)?;
        let records = self.records().await?;
        let mut items: Vec<(Aggregate, OperationId)> = Vec::new();
        let list = Key::cancellations(merchant, business_day);
        let slice = records.slice(&list, from, limit.clamp(1, LIST_LIMIT)).await?;
        for (position, entry) in slice.entries {
            from = position;
            let (Ok(sale), Ok(id)) = (SaleId::parse(&entry.at), OperationId::parse(&entry.id)) else { continue };
            // Whoever was interrupted while listing may have listed it on two pages.
            if items.iter().any(|(_, known)| *known == id) {
                continue;
            }
            let Some(aggregate) = records.read::<Aggregate>(&Key::sale(merchant, &sale)).await? else { continue };
            if find_operation(&aggregate, &id).is_some() && crate::sale::visible(who, merchant, &aggregate) {
                items.push((aggregate, id));
            }
        }
        Ok(Cancellations { business_day, items, next: slice.more.then(|| from.to_string()) })
    }

    /// The business day that an order close is listed under: the policy's, for when it was asked for. Where the policy
    /// cannot be asked, the payment's own: one merchant's trouble must not hold up the lists of others.
    pub(crate) async fn day_of_cancellation(&self, aggregate: &Aggregate, at: Instant) -> BusinessDay {
        let sale = &aggregate.ledger.sale;
        match self.business_day_of(&sale.merchant, at).await {
            Ok(day) => day,
            Err(why) => {
                self.ports.log(&format!("the business day of a cancellation at {}: {why}: {why:?}", sale.merchant));
                sale.business_day
            }
        }
    }
}

/// Whether an event says that the cancellation of a code was authorised.
pub(crate) fn is_cancellation(aggregate: &Aggregate, event: &rescind_model::Event) -> bool {
    let operation = event.operation.as_ref().and_then(|id| find_operation(aggregate, id));
    event.kind == rescind_model::EventKind::OperationAuthorised
        && aggregate.ledger.code.is_some()
        && operation.is_some_and(|operation| operation.kind == Way::OrderClose)
}
