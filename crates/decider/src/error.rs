//! What a decider can fail with. None of these is an answer: whoever asks must not take one for `deny`.

use rescind_model::LoadError;

/// Why there is no decider, or no decision of its.
#[derive(Debug, thiserror::Error)]
pub enum DeciderError {
    /// The engine cannot be made for this target.
    #[error("no engine for {target}: {reason}")]
    Profile {
        /// The target.
        target: String,
        /// What the engine says.
        reason: String,
    },
    /// The component could not be translated.
    #[error("the component could not be translated for {target}: {reason}")]
    Translation {
        /// The target.
        target: String,
        /// What the translator says.
        reason: String,
    },
    /// The translated component is not for this engine: another version, processor or profile.
    #[error(
        "the translated component does not fit this engine: {reason}; translate it anew for this target and version"
    )]
    Mismatch {
        /// What differs.
        reason: String,
    },
    /// The component is not an eligibility component, or wants to reach out.
    #[error(
        "expected a component that exports `rescind:eligibility/decisions@0.2.0` and imports no function: {reason}"
    )]
    Contract {
        /// What is missing or too much.
        reason: String,
    },
    /// The component refused the policy.
    #[error("the policy was refused ({code}): {message}")]
    Policy {
        /// The stable code.
        code: String,
        /// What was expected and found.
        message: String,
    },
    /// No instance could be made: too many at once, or no memory.
    #[error("no instance could be made: {reason}")]
    Instance {
        /// What the engine says.
        reason: String,
    },
    /// The call did not end in time.
    #[error("the component did not answer within its time")]
    Deadline,
    /// The component broke off. The instance is gone, the next call gets a new one.
    #[error("the component broke off: {reason}")]
    Trap {
        /// What the engine says.
        reason: String,
    },
}

impl DeciderError {
    /// What a call failed with.
    pub(crate) fn call(error: &wasmtime::Error) -> Self {
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(wasmtime::Trap::Interrupt) => Self::Deadline,
            _ => Self::Trap { reason: format!("{error:#}") },
        }
    }

    /// What making an instance failed with.
    pub(crate) fn instance(error: &wasmtime::Error) -> Self {
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(_) => Self::call(error),
            None => Self::Instance { reason: format!("{error:#}") },
        }
    }

    pub(crate) fn policy(error: LoadError) -> Self {
        let LoadError { code, message } = error;
        Self::Policy { code, message }
    }
}
