//! A cleared refund that the network gave back. The refund stays as it is: what came back is a new record.

use crate::argument::{self, valid};
use crate::draft::{Draft, Subject, wrong_state};
use crate::{entry, liability, refund, report, room, trace};
use rescind_model::{EventKind, LiabilityCause, OperationId, RefundReturn, RefundState, Rejection, ReturnReport};

/// Takes in that a cleared refund came back: its amount and fees are the payment's again, and the customer is owed.
///
/// It happens to a refund once. Hearing of it again under the same name changes nothing. It is never refused for want of
/// room.
pub(crate) fn report(draft: &mut Draft<'_>, heard: &ReturnReport) -> Result<(), Rejection> {
    let at = draft.clock().at;
    report::must_be_of_provider(draft.actor(), &heard.evidence)?;
    valid(OperationId::parse(heard.id.as_str()))?;
    let refund = refund::find(&draft.ledger, &heard.refund)?.clone();
    if let Some(known) = draft.ledger.returns.iter().find(|back| back.id == heard.id) {
        return if known.refund == heard.refund { Ok(()) } else { Err(Rejection::NameTaken) };
    }
    if let Some(known) = draft.ledger.returns.iter().find(|back| back.refund == heard.refund) {
        return Err(Rejection::ConflictsWith(known.id.to_string()));
    }
    if refund.state != RefundState::Cleared {
        return Err(wrong_state(refund.state));
    }
    room::unused_name(&draft.ledger, heard.id.as_str())?;
    let evidence = argument::evidence(&heard.evidence);
    let reason = crate::void::gist(&evidence);
    draft.ledger.returns.push(RefundReturn {
        id: heard.id.clone(),
        refund: refund.id.clone(),
        amount: refund.request.amount.clone(),
        evidence: evidence.clone(),
        at,
    });
    entry::returned(draft, refund.id.as_str())?;
    let subject = Subject { operation: Some(heard.id.clone()), ..Subject::refund(&refund) };
    draft.record(EventKind::RefundReturned, &subject, reason);
    trace::end(draft, &refund.id, evidence)?;
    liability::open_for(draft, &refund.id, LiabilityCause::RefundReturned)
}
