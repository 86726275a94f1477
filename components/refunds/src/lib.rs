//! The life of voids, refunds and every other way back, as pure transitions over one ledger per payment.
//!
//! [`open`] starts a ledger, [`apply`] carries one command out, [`due`] says when the courier or a timer has something
//! to do. Each takes everything it needs as arguments (no clock, store or identifier is reached for) and either gives
//! the next ledger with its events or a rejection, and then nothing has changed.
//!
//! # What holds
//!
//! - *conservation*: `cleared + voided + reversed + reserved <= captured`, refunds that came back from the network not counted;
//!   checked before and after every transition. A damaged ledger is refused with `invalid("ledger: …")`, whatever the command.
//! - *consent*: a refund goes to the provider only with the approvals its plan demanded, of exactly what goes out. The
//!   rule is applied again whenever it is cleared, sent the first time, or retried.
//! - *no-limbo*: whatever holds a reservation either has an instant at which something happens to it ([`due`]), or waits
//!   for `clear`, or has `attention` set for a person. A terminal that says nothing is such a case: `pass-time` then sets
//!   `attention`, and neither ends nor releases anything. So is a payment of which nobody knows, and which nobody is undoing.
//! - Nothing but evidence or two persons ends an operation that may have reached the provider. Time never does.
//! - A grant of support is used once, by an operation of the way and amount it was given for, and lifts only the rules that
//!   were referred (`grant`). A legal order takes two persons and exactly what is left (`order`).
//! - Every effect is posted as a double entry in the transition that makes it so; every entry balances, and the balance of
//!   each account follows from the ledger (`entry`).
//! - Every event carries the hash of the one before it ([`chain`]).
//!
//! # One payment, one ledger
//!
//! A payment begins as a sale, as a code that nobody has scanned, or as a hold. What was paid is written into `sale` once a
//! scan or a completion says so; whatever races for it (a scan and a cancellation, a completion and a release) meets in
//! this one record, and whichever is in it first excludes the other. Of all operations but voids and refunds, at most one
//! is under way, and none beside a void or refund. [`rescind_model::step`] says what is next for one.
//!
//! - A code ends by time when it is still unpaid and nothing is under way. A scan that is heard of later and took place
//!   before that end counts all the same, until the code was cancelled.
//! - A scan that was refused leaves the code to the next. From then on what becomes known has to say which scan it is about:
//!   a second word about the refused one is not about the next. One that says it was good after all is a late answer.
//! - A hold ends by time likewise. A completion that was accepted in time may be done later.
//! - A completion names its fee and business day when it is authorised: the instant of acceptance decides the day. The
//!   payment is made when the completion is heard to be done. The void of a completion makes the amount, fee and instant
//!   those of the hold again; the business day stays.
//! - While a reversal or order close is under way, or after it was done, what is heard of the payment itself is a late
//!   answer: kept, and deciding nothing.
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
//! - For an operation that is neither void nor refund, [`rescind_model::step::next_step`] names the call that is next, and
//!   what to record for each answer. Its `failed` means that the payment stands: that a reversal found nothing to reverse
//!   (the provider has never seen the sale, or says it declined it) is `done`.
//! - An unknown payment by code is asked for on the network's schedule before its close or reversal is sent. Until then
//!   `record-sent` is refused with `wrong-state`, and `report` takes what the provider says of the sale: `failed` if the sale
//!   is good, `done` if it was not paid and cannot be any more.
//! - A reversal is sent again, under its one reference, until it is answered: after 2, 4, 8 … s, at most
//!   [`limits::REVERSAL_WAIT_AT_MOST`]. `record-query` counts what was sent in vain. Any other operation whose outcome is
//!   unknown is asked for on its schedule, then every [`limits::LATE_QUERY_EVERY`], and a person is called.
//! - `evidence.at` is when the courier or terminal heard it. A failure whose evidence is equal to the last that was
//!   heard, `at` included, is taken for a repeated delivery: it cannot end a refund that was retried since.
//! - A definitive failure of a cleared refund that the network reports later is refused with `contradicts`: a cleared
//!   refund is never changed. `report-return` is for it, once the money is back.

mod answer;
mod approval;
mod argument;
pub mod bindings;
mod case;
pub mod chain;
mod code;
mod conservation;
pub mod digest;
mod doubt;
mod draft;
mod effect;
mod entry;
mod erasure;
mod grant;
mod hold;
mod incident;
mod inquiry;
mod liability;
pub mod limits;
mod operation;
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

/// A new ledger for a payment, with its first event: `sale-registered`, `code-created` or `hold-authorised`.
///
/// # Errors
/// `invalid` if the payment is not one (nothing captured, a bad name, two currencies, an overlong text), or cannot begin so:
/// a code begins unpaid and free of scans, a hold costs nothing and fits its ceiling, a sale is good, unknown, declined or
/// failed.
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
        Command::RecordBatchClosed => sale::happened(&mut draft, sale::Milestone::BatchClosed)?,
        Command::RecordSettled => sale::happened(&mut draft, sale::Milestone::Settled)?,
        Command::RecordPaidOut => sale::happened(&mut draft, sale::Milestone::PaidOut)?,
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
        Command::RecordTrouble(told) => incident::trouble(&mut draft, told)?,
        Command::RecordLateAnswer(late) => incident::late_answer(&mut draft, late)?,
        Command::RecordScan(scan) => code::scanned(&mut draft, scan)?,
        Command::RecordScanOutcome(told) => code::outcome_known(&mut draft, told)?,
        Command::Authorise(wanted) => operation::authorise(&mut draft, wanted)?,
    }
    draft.finish()
}

/// The earliest instant at which the courier or a timer has something to do for this ledger.
///
/// An operation whose `due-at` has come wants the courier, unless it is a refund in review, which wants `pass-time`. So does
/// a trace whose `due-at` has come: the provider is asked, and `report-trace` says what it knew. If no `due-at` has come,
/// `pass-time` is wanted: a referral, its grant, a legal order, a code or a hold has ended, a terminal has been silent for
/// too long about an operation that it alone may send, or nobody has undone a payment of which nobody knows.
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
