//! A search for a cleared refund that has not arrived: the provider is asked until it knows.

use crate::argument;
use crate::draft::{Draft, Subject, wrong_state};
use crate::limits::LATE_QUERY_EVERY;
use crate::{liability, report, room};
use rescind_model::{EventKind, Evidence, RefundId, RefundState, Rejection, Trace, TraceReport};

/// A person asks where a cleared refund is. One search at a time; when it has ended, another may begin.
pub(crate) fn request(draft: &mut Draft<'_>, id: &RefundId) -> Result<(), Rejection> {
    let clock = draft.clock();
    let person = draft.person()?;
    let returned = liability::is_returned(&draft.ledger, id);
    let refund = draft.refund(id)?;
    if refund.state != RefundState::Cleared {
        return Err(wrong_state(refund.state));
    }
    if returned {
        return Err(Rejection::WrongState("returned".to_owned()));
    }
    if refund.trace.as_ref().is_some_and(|trace| trace.arrived.is_none()) {
        return Err(Rejection::WrongState("tracing".to_owned()));
    }
    refund.trace = Some(Trace {
        requested_by: person.id.clone(),
        requested_at: clock.at,
        due_at: clock.due_now(),
        queries: 0,
        arrived: None,
        evidence: None,
    });
    refund.updated_at = clock.at;
    let subject = Subject::refund(refund);
    draft.record(EventKind::RefundTraceRequested, &subject, None);
    room::admit(draft)
}

/// Takes in what the provider found out.
pub(crate) fn report(draft: &mut Draft<'_>, heard: &TraceReport) -> Result<(), Rejection> {
    let clock = draft.clock();
    report::must_be_of_provider(draft.actor(), &heard.evidence)?;
    let refund = draft.refund(&heard.refund)?;
    let trace = refund.trace.as_mut().ok_or(Rejection::NoSuchOperation)?;
    match (trace.arrived, heard.arrived) {
        (None, Some(arrived)) => answer(draft, &heard.refund, arrived, argument::evidence(&heard.evidence)),
        (None, None) => {
            trace.queries = trace.queries.saturating_add(1);
            trace.due_at = clock.due_in(LATE_QUERY_EVERY);
            trace.evidence = Some(argument::evidence(&heard.evidence));
            refund.updated_at = clock.at;
            Ok(())
        }
        (Some(known), Some(said)) if known != said => Err(Rejection::Contradicts(word(known).to_owned())),
        (Some(_), _) => Ok(()),
    }
}

/// The refund came back: whatever is being searched for did not arrive.
pub(crate) fn end(draft: &mut Draft<'_>, id: &RefundId, evidence: Evidence) -> Result<(), Rejection> {
    let open = draft.refund(id)?.trace.as_ref().is_some_and(|trace| trace.arrived.is_none());
    if open { answer(draft, id, false, evidence) } else { Ok(()) }
}

fn answer(draft: &mut Draft<'_>, id: &RefundId, arrived: bool, evidence: Evidence) -> Result<(), Rejection> {
    let at = draft.clock().at;
    let refund = draft.refund(id)?;
    let trace = refund.trace.as_mut().ok_or(Rejection::NoSuchOperation)?;
    trace.arrived = Some(arrived);
    trace.due_at = None;
    trace.evidence = Some(evidence);
    refund.updated_at = at;
    let subject = Subject::refund(refund);
    draft.record(EventKind::RefundTraceAnswered, &subject, Some(word(arrived).to_owned()));
    Ok(())
}

fn word(arrived: bool) -> &'static str {
    if arrived { "arrived" } else { "not-arrived" }
}
