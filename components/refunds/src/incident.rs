//! What was said about a payment besides its operations: a trouble at the till, an answer that came too late.

use crate::argument;
use crate::draft::{Draft, Subject, contradicts, wrong_state};
use crate::{report, room};
use rescind_model::token::Token;
use rescind_model::{EventKind, LateAnswer, OperationState, Rejection, SaleOutcome, TroubleReport, Way};

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
/// person's to look at: the payer may have been charged for nothing.
///
/// The first answer is kept. The same again is nothing new; another contradicts it.
pub(crate) fn late_answer(draft: &mut Draft<'_>, late: &LateAnswer) -> Result<(), Rejection> {
    if !matches!(late.outcome, SaleOutcome::Good | SaleOutcome::Declined | SaleOutcome::Failed) {
        return Err(Rejection::Invalid("outcome: expected good, declined or failed".to_owned()));
    }
    report::must_be_provider_or_terminal(&late.evidence)?;
    let at = draft.clock().at;
    let status = &mut draft.ledger.status;
    let undoes = |kind| matches!(kind, Way::Reversal | Way::OrderClose);
    if !draft.ledger.operations.iter().any(|operation| undoes(operation.kind)) {
        return Err(wrong_state(status.outcome));
    }
    match &status.late {
        Some(before) if before.outcome == late.outcome => return Ok(()),
        Some(before) => return Err(contradicts(before.outcome)),
        None => {}
    }
    status.late = Some(LateAnswer { outcome: late.outcome, evidence: argument::evidence(&late.evidence) });
    let undone = matches!(status.outcome, SaleOutcome::Reversed | SaleOutcome::Cancelled);
    let subject = Subject::sale(Some(draft.ledger.sale.captured.clone()));
    draft.record(EventKind::SaleLateAnswer, &subject, Some(late.outcome.token().to_owned()));
    if !(undone && late.outcome == SaleOutcome::Good) {
        return Ok(());
    }
    let by = draft.ledger.operations.iter_mut().rev();
    let by = by.filter(|operation| undoes(operation.kind)).find(|operation| operation.state == OperationState::Done);
    if let Some(operation) = by {
        operation.attention = true;
        operation.updated_at = at;
        let subject = Subject::operation(operation);
        draft.record(EventKind::OperationAttention, &subject, Some("late-answer".to_owned()));
    }
    Ok(())
}
