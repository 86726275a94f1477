//! What a provider or a terminal said.

use crate::draft::Draft;
use crate::{operation, refund, void};
use rescind_model::{Actor, Evidence, Executor, OutcomeReport, Rejection, ResultOf, Target};

/// Takes a report in. It is never refused for want of room.
pub(crate) fn take(draft: &mut Draft<'_>, report: &OutcomeReport) -> Result<(), Rejection> {
    let executor = match &report.target {
        Target::Void(id) => draft.void(id)?.executor,
        Target::Refund(id) => draft.refund(id)?.executor,
        Target::Operation(id) => draft.operation(id)?.executor,
    };
    must_know(draft.actor(), executor)?;
    must_have_source(&report.outcome)?;
    match &report.target {
        Target::Void(id) => void::hear(draft, id, &report.outcome),
        Target::Refund(id) => refund::hear(draft, id, &report.outcome),
        Target::Operation(id) => operation::hear(draft, id, &report.outcome),
    }
}

/// A terminal knows what it did itself, the courier hears from the provider about everything. A person has no evidence:
/// two of them may resolve.
fn must_know(by: &Actor, executor: Executor) -> Result<(), Rejection> {
    match by {
        Actor::System => Ok(()),
        Actor::Terminal(_) if executor == Executor::Terminal => Ok(()),
        Actor::Terminal(_) | Actor::Person(_) => Err(Rejection::NotPermitted("not-the-executor".to_owned())),
    }
}

/// Something that only the provider can know, told by the courier.
pub(crate) fn must_be_of_provider(by: &Actor, evidence: &Evidence) -> Result<(), Rejection> {
    if *by != Actor::System {
        return Err(Rejection::NotPermitted("not-the-executor".to_owned()));
    }
    if evidence.source != "provider" {
        return Err(Rejection::Invalid("evidence: expected the source provider".to_owned()));
    }
    Ok(())
}

/// What ends an operation comes from the provider or the terminal. A `resolution` has a command of its own.
fn must_have_source(outcome: &ResultOf) -> Result<(), Rejection> {
    match outcome {
        ResultOf::Unknown(evidence) if evidence.source != "resolution" => Ok(()),
        ResultOf::Done(evidence)
        | ResultOf::Failed(evidence)
        | ResultOf::Reversed(evidence)
        | ResultOf::Unknown(evidence) => must_be_provider_or_terminal(evidence),
    }
}

/// Evidence from somebody who can know.
pub(crate) fn must_be_provider_or_terminal(evidence: &Evidence) -> Result<(), Rejection> {
    if matches!(evidence.source.as_str(), "provider" | "terminal") {
        Ok(())
    } else {
        Err(Rejection::Invalid("evidence: expected the source provider or terminal".to_owned()))
    }
}
