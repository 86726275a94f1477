//! The life of voids and refunds as pure transitions over one ledger per sale.
//!
//! [`open`] starts a ledger, [`apply`] carries one command out, [`due`] says when the courier or a timer has something
//! to do. Each takes everything it needs as arguments (no clock, store or identifier is reached for) and either gives
//! the next ledger with its events or a rejection, and then nothing has changed.
//!
//! # What holds
//!
//! - *conservation*: `cleared + voided + reserved <= captured`, refunds that came back from the network not counted; checked
//!   before and after every transition. A damaged ledger is refused with `invalid("ledger: …")`, whatever the command.
//! - *consent*: a refund goes to the provider only with the approvals its plan demanded, of exactly what goes out. The
//!   rule is applied again whenever it is cleared, sent the first time, or retried.
//! - *no-limbo*: whatever holds a reservation either has an instant at which something happens to it ([`due`]), or waits
//!   for `clear`, or has `attention` set for a person. A terminal that says nothing is such a case: `pass-time` then sets
//!   `attention`, and neither ends nor releases anything.
//! - Nothing but evidence or two persons ends an operation that may have reached the provider. Time never does.
//! - A grant of support is used once, by an operation of the way and amount it was given for, and lifts only the rules that
//!   were referred (`grant`). A legal order takes two persons and exactly what is left (`order`).
//! - Every effect is posted as a double entry in the transition that makes it so; every entry balances, and the balance of
//!   each account follows from the ledger (`entry`).
//! - Every event carries the hash of the one before it ([`chain`]).
//!
//! # Time
//!
//! Clocks go back. What is written down is dated no earlier than anything the ledger has dated before, and deadlines are
//! judged by that same instant, so that what has expired stays expired. When the courier is due next counts from the
//! clock as it stands, so that a clock that was wrong for a moment does not delay it.
//!
//! # What the courier must know
//!
//! - Record `record-sent` *before* sending. If the answer never comes, the operation is due again
//!   [`limits::ANSWER_WITHIN`] later: report what became of it, `unknown` if nothing is known.
//! - `report(unknown)` on an operation that is already unknown changes nothing, not even when it is due: a query in vain
//!   is `record-query`. So is a reversal of a void sent in vain.
//! - `evidence.at` is when the courier or terminal heard it. A failure whose evidence is equal to the last that was
//!   heard, `at` included, is taken for a repeated delivery: it cannot end a refund that was retried since.
//! - A definitive failure of a cleared refund that the network reports later is refused with `contradicts`: a cleared
//!   refund is never changed. `report-return` is for it, once the money is back.

mod approval;
mod argument;
pub mod bindings;
mod case;
pub mod chain;
mod conservation;
pub mod digest;
mod draft;
mod entry;
mod erasure;
mod grant;
mod inquiry;
mod liability;
pub mod limits;
mod order;
mod query;
mod refund;
mod report;
mod resolution;
mod returned;
mod room;
mod sale;
mod sending;
mod timer;
mod trace;
mod void;

#[cfg(test)]
mod tests;

use draft::Draft;
use rescind_model::{Actor, Command, CommandId, Instant, Ledger, Origin, Rejection, Sale, SaleOutcome, Transition};

/// A new ledger for a sale, with its first event.
///
/// # Errors
/// `invalid` if the sale is not one: nothing captured, a bad name, two currencies, an overlong text.
pub fn open(
    sale: &Sale,
    outcome: SaleOutcome,
    origin: &Origin,
    by: &Actor,
    command: &CommandId,
    now: Instant,
) -> Result<Transition, Rejection> {
    let ledger = sale::ledger(sale, outcome, origin)?;
    let mut draft = Draft::of(&ledger, by, command, now)?;
    sale::register(&mut draft)?;
    draft.finish()
}

/// Carries one command out.
///
/// # Errors
/// See [`Rejection`]. A command that finds its work already done is not an error: it gives the same ledger, no events.
pub fn apply(
    ledger: &Ledger,
    command: &Command,
    by: &Actor,
    id: &CommandId,
    now: Instant,
) -> Result<Transition, Rejection> {
    let mut draft = Draft::of(ledger, by, id, now)?;
    match command {
        Command::RecordSaleOutcome(outcome) => sale::outcome_known(&mut draft, *outcome)?,
        Command::RecordBatchClosed => sale::happened(&mut draft, sale::Milestone::BatchClosed),
        Command::RecordSettled => sale::happened(&mut draft, sale::Milestone::Settled),
        Command::RecordPaidOut => sale::happened(&mut draft, sale::Milestone::PaidOut),
        Command::AuthoriseVoid(wanted) => void::authorise(&mut draft, wanted)?,
        Command::SubmitRefund(wanted) => refund::submit(&mut draft, wanted)?,
        Command::Approve(consent) => approval::approve(&mut draft, consent)?,
        Command::Decline(refusal) => approval::decline(&mut draft, refusal)?,
        Command::Withdraw(refusal) => refund::withdraw(&mut draft, refusal)?,
        Command::Clear(id) => refund::clear(&mut draft, id)?,
        Command::Retry(id) => refund::retry(&mut draft, id)?,
        Command::RecordSent(target) => sending::record(&mut draft, target)?,
        Command::Report(report) => report::take(&mut draft, report)?,
        Command::RecordQuery(target) => query::record(&mut draft, target)?,
        Command::Resolve(resolution) => resolution::resolve(&mut draft, resolution)?,
        Command::PassTime => timer::pass(&mut draft),
        Command::OpenCase(wanted) => case::open(&mut draft, wanted)?,
        Command::AssignCase(assignment) => case::assign(&mut draft, assignment)?,
        Command::DecideCase(decision) => case::decide(&mut draft, decision)?,
        Command::ProposeOrder(wanted) => order::propose(&mut draft, wanted)?,
        Command::AskInformation(question) => inquiry::ask(&mut draft, question)?,
        Command::ProvideInformation(answer) => inquiry::answer(&mut draft, answer)?,
        Command::Queue(id) => refund::queue(&mut draft, id)?,
        Command::ReportReturn(report) => returned::report(&mut draft, report)?,
        Command::RecordLiability(claim) => liability::record(&mut draft, claim)?,
        Command::EndLiability(end) => liability::end(&mut draft, end)?,
        Command::RequestTrace(id) => trace::request(&mut draft, id)?,
        Command::ReportTrace(report) => trace::report(&mut draft, report)?,
        Command::RecordErasure(commitments) => erasure::record(&mut draft, commitments)?,
        _ => return Err(Rejection::Invalid("command: not carried out yet".to_owned())),
    }
    draft.finish()
}

/// The earliest instant at which the courier or a timer has something to do for this ledger.
///
/// An operation whose `due-at` has come wants the courier, unless it is a refund in review, which wants `pass-time`. So does
/// a trace whose `due-at` has come: the provider is asked, and `report-trace` says what it knew. If no `due-at` has come,
/// `pass-time` is wanted: a referral, its grant or a legal order has ended, or a terminal has been silent for too long about
/// an operation that it alone may send.
#[must_use]
pub fn due(ledger: &Ledger) -> Option<Instant> {
    timer::due(ledger)
}

/// The component's face: the same functions, by the interface's calling convention.
#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(unsafe_code, reason = "the generated exports are the component's ABI")]

    use crate::bindings;
    use rescind_model::{Actor, Command, CommandId, Instant, Ledger, Origin, Rejection, Sale, SaleOutcome, Transition};

    struct Refunds;

    impl bindings::exports::rescind::refunds::transitions::Guest for Refunds {
        fn open(
            sale: Sale,
            outcome: SaleOutcome,
            origin: Origin,
            by: Actor,
            command: CommandId,
            now: Instant,
        ) -> Result<Transition, Rejection> {
            crate::open(&sale, outcome, &origin, &by, &command, now)
        }

        fn apply(
            ledger: Ledger,
            command: Command,
            by: Actor,
            id: CommandId,
            now: Instant,
        ) -> Result<Transition, Rejection> {
            crate::apply(&ledger, &command, &by, &id, now)
        }

        fn due(ledger: Ledger) -> Option<Instant> {
            crate::due(&ledger)
        }
    }

    bindings::export!(Refunds with_types_in bindings);
}
