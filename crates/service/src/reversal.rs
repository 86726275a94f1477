//! What went wrong at the till, and what follows from it (`DOMAIN.md` §5.2): an unknown payment is undone at once, of one
//! that was refused nothing was taken, of a good one the slip is printed again.

use crate::app::App;
use crate::error::Error;
use crate::operation::{OperationAsk, find_operation};
use crate::ports::Ports;
use crate::principal::{Deed, Principal};
use crate::refund::check_text;
use crate::sale::{Aggregate, Outcome};
use crate::store::Record as _;
use crate::void::tail;
use rescind_model::{
    Channel, Command, CommandId, Decision, EventKind, Ledger, MerchantId, OperationId, PersonId, SaleId, SaleOutcome,
    TerminalId, Trouble, TroubleReport, Way,
};

/// Something went wrong at the till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TroubleAsk {
    /// What.
    pub trouble: Trouble,
    /// A short text, masked.
    pub note: Option<String>,
    /// The operator, where the key is not a person's own.
    pub operator: Option<PersonId>,
    /// The terminal, where the key is not a terminal's own.
    pub terminal: Option<TerminalId>,
}

/// What follows from a trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The payment is being undone by this operation. No new sale of it before that has ended.
    Undone(OperationId),
    /// It is not being undone: the decision says what stands in the way, and what to do.
    Refused(Box<Decision>),
    /// Nothing was taken: a new sale may be made under a new trace number.
    NewSale,
    /// The payment is good: its slip is printed again.
    Reprint,
    /// The payment stands: these are the ways back.
    WaysBack(Vec<Decision>),
}

/// A trouble that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Troubled {
    /// The payment as it stands now.
    pub aggregate: Aggregate,
    /// What follows.
    pub next: Next,
}

/// The ways to undo a payment that may or may not have taken place, best first; none for any other.
fn undoing(ledger: &Ledger, trouble: Trouble) -> &'static [Way] {
    if matches!(trouble, Trouble::Declined | Trouble::Unauthorised) {
        return &[];
    }
    match ledger.status.outcome {
        SaleOutcome::Unknown if ledger.code.is_some() && ledger.sale.channel == Channel::PaymentCode => {
            &[Way::OrderClose, Way::Reversal]
        }
        SaleOutcome::Unknown => &[Way::Reversal],
        // An expired code may have been paid at a provider that does not know of its expiry.
        SaleOutcome::Unpaid | SaleOutcome::Expired if trouble != Trouble::PrinterFault => &[Way::OrderClose],
        _ => &[],
    }
}

fn told(ask: &TroubleAsk) -> TroubleReport {
    TroubleReport { trouble: ask.trouble, note: ask.note.clone() }
}

fn takes_nothing(outcome: SaleOutcome) -> bool {
    use SaleOutcome::{Cancelled, Declined, Failed, Lapsed, Released, Reversed};
    matches!(outcome, Declined | Failed | Reversed | Cancelled | Released | Lapsed)
}

/// Troubles of one payment that are written down. A till has one, and asks once more: whoever has more fills the record.
const TROUBLES: usize = 16;

/// Another trouble can be written down.
///
/// # Errors
/// [`Error::Conflict`] `record.full` after [`TROUBLES`] of them.
fn must_be_few(there: &Aggregate) -> Result<(), Error> {
    let told = there.events.iter().filter(|event| event.kind == EventKind::SaleTrouble).count();
    if told < TROUBLES {
        return Ok(());
    }
    Err(Error::Conflict {
        code: "record.full",
        message: format!("{TROUBLES} troubles of this payment are on record: its outcome has to be found out"),
    })
}

impl<P: Ports> App<P> {
    /// Records a trouble, decides what follows, and does it.
    ///
    /// # Errors
    /// No such payment; not permitted; the ledger has no room. That the policy does not let the payment be undone is no
    /// error: the trouble is recorded all the same.
    pub async fn trouble(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &SaleId,
        ask: &TroubleAsk,
        command: &CommandId,
    ) -> Result<Troubled, Error> {
        who.may(Deed::TakeBack, merchant)?;
        if let Some(note) = &ask.note {
            check_text("/note", note)?;
        }
        let told = told(ask);
        let there = self.sale(who, merchant, id).await?;
        let wanted = OperationAsk {
            trouble: Some(told.clone()),
            operator: ask.operator.clone(),
            terminal: ask.terminal.clone(),
            ..OperationAsk::of(undoing(&there.ledger, ask.trouble))
        };
        if !there.holds(command.as_str()) {
            must_be_few(&there)?;
        }
        if !wanted.ways.is_empty() && !there.holds(command.as_str()) {
            match self.operate_on(who, there, &wanted, command).await {
                Ok((aggregate, operation)) => return Ok(Troubled { aggregate, next: Next::Undone(operation) }),
                // The policy does not let it be undone; or its outcome came, or somebody else undoes it, in between.
                Err(Error::Decided(_) | Error::Rejected(_) | Error::ExceedsBalance { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let aggregate = self.record_trouble(who, merchant, id, ask, told, command).await?;
        let next = self.what_follows(who, merchant, ask, &aggregate, command).await?;
        Ok(Troubled { aggregate, next })
    }

    /// Records a trouble that nothing is done about. Whoever may say what became of a payment says so with `declined`.
    async fn record_trouble(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &SaleId,
        ask: &TroubleAsk,
        told: TroubleReport,
        command: &CommandId,
    ) -> Result<Aggregate, Error> {
        let asker = self.asker(who, merchant, ask.operator.as_ref(), ask.terminal.as_ref()).await?;
        let actor = match asker.person {
            Some(person) => {
                rescind_model::Actor::Person(rescind_model::ActingPerson { id: person, roles: asker.roles })
            }
            None => who.actor(merchant),
        };
        let knows = ask.trouble == Trouble::Declined && who.may(Deed::ReportSale, merchant).is_ok();
        let record = Command::RecordTrouble(told);
        let declined = Command::RecordSaleOutcome(SaleOutcome::Declined);
        self.transact(merchant, id, command, |app, there| {
            there.must_have_room()?;
            must_be_few(there)?;
            let undone = there.ledger.operations.iter().any(|o| o.state.holds_reservation());
            // Of a code that had a scan refused, it may be said of that one.
            let named = there.ledger.refused_scan.is_none();
            let ends = knows && there.ledger.status.outcome == SaleOutcome::Unknown && !undone && named;
            let now = app.ports.now();
            let apply = |ledger: &Ledger, change: &Command| app.ports.apply(ledger, change, &actor, command, now);
            let first = apply(&there.ledger, &record)?;
            if !ends {
                return Ok(first);
            }
            let mut last = apply(&first.ledger, &declined)?;
            last.events.splice(0..0, first.events);
            Ok(last)
        })
        .await
        .map(Outcome::aggregate)
    }

    async fn what_follows(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        ask: &TroubleAsk,
        aggregate: &Aggregate,
        command: &CommandId,
    ) -> Result<Next, Error> {
        let ledger = &aggregate.ledger;
        let own = OperationId { value: format!("{}~{}", ledger.sale.id, tail(command)) };
        if find_operation(aggregate, &own).is_some() {
            return Ok(Next::Undone(own));
        }
        let open = ledger.operations.iter().rev().find(|o| o.state.holds_reservation());
        if let Some(open) = open.filter(|o| matches!(o.kind, Way::Reversal | Way::OrderClose)) {
            return Ok(Next::Undone(open.id.clone()));
        }
        let outcome = ledger.status.outcome;
        if takes_nothing(outcome) {
            return Ok(Next::NewSale);
        }
        let ways = undoing(ledger, ask.trouble);
        if !ways.is_empty() {
            let merchant = self.merchant(merchant).await?;
            let now = self.ports.now();
            let asker = self.asker(who, &merchant.id, ask.operator.as_ref(), ask.terminal.as_ref()).await?;
            let deciding = self.deciding(&merchant, asker.terminal_class.as_deref(), now).await?;
            let facts = self.facts_of_all_ways(ledger, &deciding, &asker, now).await?;
            let wanted = OperationAsk { trouble: Some(told(ask)), ..OperationAsk::of(ways) };
            // It was refused before, and that is on record: what is told here is what follows.
            let (_, decision) = wanted.decide(&*deciding.policy, &facts)?;
            return Ok(Next::Refused(Box::new(decision)));
        }
        if ask.trouble == Trouble::PrinterFault && outcome == SaleOutcome::Good {
            return Ok(Next::Reprint);
        }
        let all = self.ways_back(who, merchant, &ledger.sale.id, None).await?;
        Ok(Next::WaysBack(all))
    }
}
