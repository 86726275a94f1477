//! What an answer means for how far an operation got: the same for a void and for every other operation.
//!
//! | state | done | failed, reversed | unknown |
//! |---|---|---|---|
//! | authorised, for the courier | wrong-state | wrong-state | wrong-state |
//! | authorised, for the courier, the sale asked for first | → done | → failed | wrong-state |
//! | authorised, for the terminal; sent | → done | → failed | → unknown |
//! | unknown | → done | → failed | nothing new |
//! | done | nothing new | contradicts | nothing new |
//! | failed | contradicts | nothing new | nothing new |

use crate::argument;
use crate::draft::{contradicts, wrong_state};
use rescind_model::{Evidence, Executor, OperationState, Rejection, ResultOf};

/// What an answer about something that was authorised and not sent can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// A mistake: the courier records what it sends before it does.
    Mistake,
    /// What the provider says of the sale itself, which can make the operation needless.
    AboutSale,
    /// A terminal's, which reports without announcing that it sends.
    Reported,
}

impl Unsent {
    /// For whoever carries an operation out that is not preceded by asking for the sale.
    pub(crate) fn by(executor: Executor) -> Self {
        match executor {
            Executor::Courier => Self::Mistake,
            Executor::Terminal => Self::Reported,
        }
    }
}

/// What follows from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing that was not known.
    NothingNew,
    /// Nobody knows what became of it.
    Unknown(Evidence),
    /// It took place, or never will.
    Ended(OperationState, Evidence),
}

/// What an answer means, by the table above.
pub(crate) fn meaning(state: OperationState, unsent: Unsent, heard: &ResultOf) -> Result<Meaning, Rejection> {
    use OperationState::{Authorised, Done, Failed, Sent, Unknown};
    match (state, heard) {
        (Done, ResultOf::Done(_) | ResultOf::Unknown(_))
        | (Failed, ResultOf::Failed(_) | ResultOf::Reversed(_) | ResultOf::Unknown(_))
        | (Unknown, ResultOf::Unknown(_)) => Ok(Meaning::NothingNew),
        (Done | Failed, _) => Err(contradicts(state)),
        (Authorised, _) if unsent == Unsent::Mistake => Err(wrong_state(state)),
        (Authorised, ResultOf::Unknown(_)) if unsent == Unsent::AboutSale => Err(wrong_state(state)),
        (Authorised | Sent, ResultOf::Unknown(evidence)) => Ok(Meaning::Unknown(argument::evidence(evidence))),
        (_, ResultOf::Done(evidence)) => Ok(Meaning::Ended(Done, argument::evidence(evidence))),
        (_, ResultOf::Failed(evidence) | ResultOf::Reversed(evidence)) => {
            Ok(Meaning::Ended(Failed, argument::evidence(evidence)))
        }
    }
}
