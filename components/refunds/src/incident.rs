//! What was said about a payment besides its operations: a trouble at the till, an answer that came too late.

use crate::argument;
use crate::draft::{Draft, Subject, contradicts, wrong_state};
use crate::{report, room};
use rescind_model::token::Token;
use rescind_model::{
    EventKind, LateAnswer, Ledger, Operation, OperationState, Rejection, SaleOutcome, TroubleReport, Way,
};

/// The code of evidence that says: the provider has never seen it.
const NOT_FOUND: &str = "not-found";

/// Something went wrong at the till. For the record: what follows from it is decided on its own.
pub(crate) fn trouble(draft: &mut Draft<'_>, told: &TroubleReport) -> Result<(), Rejection> {
    let mut reason = told.trouble.token().to_owned();
    if let Some(note) = told.note.as_deref().filter(|note| !note.trim().is_empty()) {
        reason = format!("{reason}: {}", argument::text("note", note)?);
    }
    draft.record(EventKind::SaleTrouble, &Subject::sale(None), Some(reason));
    room::admit(draft)
}

/// An answer about the payment came after its reversal or order close had begun. It is kept, and decides nothing: only
/// evidence about the operation ends the operation. One that says `good` of a payment that was undone by then is a
/// person's to look at, whatever was said before: the payer may have been charged for nothing.
///
/// So is one that says `good` of a code whose scan was refused: it was paid once more than is known, or the refusal was wrong.
///
/// The first answer is kept, unless another calls a person. The same again is nothing new; any other contradicts it.
pub(crate) fn late_answer(draft: &mut Draft<'_>, late: &LateAnswer) -> Result<(), Rejection> {
    if !matches!(late.outcome, SaleOutcome::Good | SaleOutcome::Declined | SaleOutcome::Failed) {
        return Err(Rejection::Invalid("outcome: expected good, declined or failed".to_owned()));
    }
    report::must_be_provider_or_terminal(&late.evidence)?;
    let undoes = |kind| matches!(kind, Way::Reversal | Way::OrderClose);
    let good = late.outcome == SaleOutcome::Good;
    let refused = good && draft.ledger.refused_scan.is_some();
    if !refused && !draft.ledger.operations.iter().any(|operation| undoes(operation.kind)) {
        return Err(wrong_state(draft.ledger.status.outcome));
    }
    let undone = undone_by(&draft.ledger).is_some();
    let calls = if undone {
        good && !was_called(&draft.ledger)
    } else {
        refused && !can_call(&draft.ledger) && !was_said_good(&draft.ledger)
    };
    let status = &mut draft.ledger.status;
    match &status.late {
        _ if calls => {}
        Some(before) if before.outcome == late.outcome => return Ok(()),
        Some(before) => return Err(contradicts(before.outcome)),
        None => {}
    }
    status.late = Some(LateAnswer { outcome: late.outcome, evidence: argument::evidence(&late.evidence) });
    let subject = Subject::sale(Some(draft.ledger.sale.captured.clone()));
    draft.record(EventKind::SaleLateAnswer, &subject, Some(late.outcome.token().to_owned()));
    match (calls, undone) {
        (true, true) => call(draft),
        (true, false) => {
            draft.record(EventKind::SaleAttention, &subject, Some("late-answer".to_owned()));
            Ok(())
        }
        (false, _) => Ok(()),
    }
}

/// Whether the late answer on record says `good`.
pub(crate) fn was_said_good(ledger: &Ledger) -> bool {
    ledger.status.late.as_ref().is_some_and(|late| late.outcome == SaleOutcome::Good)
}

/// What undid the payment, if something did.
fn undone_by(ledger: &Ledger) -> Option<&Operation> {
    if !matches!(ledger.status.outcome, SaleOutcome::Reversed | SaleOutcome::Cancelled) {
        return None;
    }
    let mut done = ledger.operations.iter().rev().filter(|operation| operation.state == OperationState::Done);
    done.find(|operation| matches!(operation.kind, Way::Reversal | Way::OrderClose))
}

/// Whether a person was called about a late answer: the one on record says `good` and was not heard before the payment was
/// undone.
pub(crate) fn was_called(ledger: &Ledger) -> bool {
    let undone_at = undone_by(ledger).and_then(|operation| operation.evidence.as_ref()).map(|evidence| evidence.at);
    let late = ledger.status.late.as_ref().filter(|late| late.outcome == SaleOutcome::Good);
    late.zip(undone_at).is_some_and(|(late, undone_at)| late.evidence.at >= undone_at)
}

/// Whether a payment was undone, or may be: a late answer can then call a person.
pub(crate) fn can_call(ledger: &Ledger) -> bool {
    let undoes = |operation: &&Operation| matches!(operation.kind, Way::Reversal | Way::OrderClose);
    let mut undoing = ledger.operations.iter().filter(undoes);
    undone_by(ledger).is_some() || undoing.any(|operation| operation.state.holds_reservation())
}

/// A payment was undone because the provider has never seen it, and somebody has said that it is good: one of them is wrong.
pub(crate) fn undone(draft: &mut Draft<'_>) -> Result<(), Rejection> {
    let unseen = undone_by(&draft.ledger).and_then(|operation| operation.evidence.as_ref());
    let unseen = unseen.is_some_and(|evidence| evidence.code.as_deref() == Some(NOT_FOUND));
    if unseen && was_said_good(&draft.ledger) { call(draft) } else { Ok(()) }
}

/// Calls a person to look after what was undone. The answer on record counts as heard no earlier than that.
fn call(draft: &mut Draft<'_>) -> Result<(), Rejection> {
    let at = draft.clock().at;
    let Some(by) = undone_by(&draft.ledger) else { return Ok(()) };
    let (id, undone_at) = (by.id.clone(), by.evidence.as_ref().map(|evidence| evidence.at));
    if let (Some(late), Some(undone_at)) = (&mut draft.ledger.status.late, undone_at) {
        late.evidence.at = late.evidence.at.max(undone_at);
    }
    let operation = draft.operation(&id)?;
    if operation.attention {
        return Ok(());
    }
    operation.attention = true;
    operation.updated_at = at;
    let subject = Subject::operation(operation);
    draft.record(EventKind::OperationAttention, &subject, Some("late-answer".to_owned()));
    Ok(())
}
