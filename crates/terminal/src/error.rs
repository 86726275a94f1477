//! How a terminal thinks about errors.
//!
//! An error is never an answer: nothing is allowed or denied by it, and unless it says otherwise nothing was changed. Its
//! number is the same in every version; its text is for the log of an engineer, names what was expected and found, and
//! holds nothing secret. What a customer or cashier reads is in answers, not here.

use rescind_bundle::{Refusal, StoreError};
use rescind_decider::DeciderError;
use rescind_journal::JournalError;
use rescind_model::{DecisionError, RenderError};
use rescind_proof::ProofError;

/// Why a terminal does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// What was given cannot be.
    #[error("{0}")]
    Argument(String),
    /// The journal is full: the server has to acknowledge first.
    #[error("the journal is full: {records} records wait for the server")]
    Full {
        /// How many.
        records: u64,
    },
    /// There is no bundle, or it does not hold now: nothing is decided before there is one.
    #[error("there is no bundle to decide by: {0}")]
    NoBundle(String),
    /// The bundle is not taken. Whatever was active still is.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The time is not known well enough for this: the server has to be heard first.
    #[error("the time is not known: let the server tell it first")]
    ClockUnknown,
    /// There is no such sale here.
    #[error("no sale {0} is stored here")]
    UnknownSale(String),
    /// The same name stands for something else already, or what is told contradicts what is stored.
    #[error("{0}")]
    Conflict(String),
    /// The policy does not allow it: the answer says why.
    #[error("the policy does not allow it: {0}")]
    NotAllowed(String),
    /// What the operator showed does not hold.
    #[error("the operator's proof: {0}")]
    Proof(#[from] ProofError),
    /// The operator's proof is of another merchant, terminal or person.
    #[error("the operator's proof is {0}")]
    OtherProof(&'static str),
    /// The sale was cancelled here: it must not be sent any more.
    #[error("sale {0} was cancelled here and must not be sent")]
    Cancelled(String),
    /// The server's answer does not fit this journal.
    #[error("the server's answer does not fit this journal: {0}")]
    Acknowledgement(String),
    /// The disk failed. Close the terminal and open it again: that shows what was written.
    #[error("the disk failed: {0}")]
    Disk(String),
    /// What is on the disk does not fit itself. It must not be used further, and should be kept for an inquiry.
    #[error("damaged: {0}")]
    Damaged(String),
    /// The component broke off, did not end, or refused its policy.
    #[error(transparent)]
    Decider(#[from] DeciderError),
    /// The component said that these facts decide nothing.
    #[error("these facts decide nothing: {0}")]
    Undecidable(String),
    /// A message or slip could not be written.
    #[error("could not be written for people: {0}")]
    Unprintable(String),
    /// The terminal's key could not sign.
    #[error("{0}")]
    Sign(String),
}

/// The numbers of errors: part of the C ABI, never changed, never used again.
pub mod code {
    /// It is done.
    pub const OK: i32 = 0;
    /// What was given cannot be.
    pub const ARGUMENT: i32 = 1;
    /// The caller's buffer is too small; how much is needed was said. Nothing has to be done again: `rescind_terminal_answer` gives the answer.
    pub const BUFFER: i32 = 2;
    /// There is no such terminal: it was closed, or never opened.
    pub const HANDLE: i32 = 3;
    /// Another thread uses this terminal right now.
    pub const BUSY: i32 = 4;
    /// The journal is full: the server has to acknowledge first.
    pub const FULL: i32 = 5;
    /// There is no bundle to decide by.
    pub const NO_BUNDLE: i32 = 6;
    /// The bundle is not taken; whatever was active still is.
    pub const REFUSED: i32 = 7;
    /// The time is not known.
    pub const CLOCK_UNKNOWN: i32 = 8;
    /// There is no such sale.
    pub const UNKNOWN_SALE: i32 = 9;
    /// It contradicts what is stored.
    pub const CONFLICT: i32 = 10;
    /// The policy does not allow it; the answer says why.
    pub const NOT_ALLOWED: i32 = 11;
    /// The operator's proof does not hold.
    pub const PROOF: i32 = 12;
    /// The sale was cancelled here and must not be sent.
    pub const CANCELLED: i32 = 13;
    /// The server's answer does not fit.
    pub const ACKNOWLEDGEMENT: i32 = 14;
    /// The disk failed: close and open again.
    pub const DISK: i32 = 15;
    /// What is on the disk does not fit itself.
    pub const DAMAGED: i32 = 16;
    /// The component gave no answer.
    pub const DECIDER: i32 = 17;
    /// These facts decide nothing.
    pub const UNDECIDABLE: i32 = 18;
    /// A message or slip could not be written.
    pub const UNPRINTABLE: i32 = 19;
    /// The terminal's key could not sign.
    pub const SIGN: i32 = 20;
    /// A mistake in this library. The terminal was closed; open it again.
    pub const INTERNAL: i32 = 21;
    /// Too many terminals are open.
    pub const HANDLES: i32 = 22;
}

impl TerminalError {
    /// Its number, one of [`code`].
    #[must_use]
    pub fn code(&self) -> i32 {
        match self {
            Self::Argument(_) => code::ARGUMENT,
            Self::Full { .. } => code::FULL,
            Self::NoBundle(_) => code::NO_BUNDLE,
            Self::Refused(_) => code::REFUSED,
            Self::ClockUnknown => code::CLOCK_UNKNOWN,
            Self::UnknownSale(_) => code::UNKNOWN_SALE,
            Self::Conflict(_) => code::CONFLICT,
            Self::NotAllowed(_) => code::NOT_ALLOWED,
            Self::Proof(_) | Self::OtherProof(_) => code::PROOF,
            Self::Cancelled(_) => code::CANCELLED,
            Self::Acknowledgement(_) => code::ACKNOWLEDGEMENT,
            Self::Disk(_) => code::DISK,
            Self::Damaged(_) => code::DAMAGED,
            Self::Decider(_) => code::DECIDER,
            Self::Undecidable(_) => code::UNDECIDABLE,
            Self::Unprintable(_) => code::UNPRINTABLE,
            Self::Sign(_) => code::SIGN,
        }
    }
}

impl From<JournalError> for TerminalError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Full { records, .. } => Self::Full { records },
            JournalError::BadAcknowledgement(why) => Self::Acknowledgement(why.to_owned()),
            JournalError::Damaged(what) => Self::Damaged(what),
            JournalError::OtherOwner { .. } => Self::Conflict(error.to_string()),
            JournalError::BadEntry(_) | JournalError::Uncountable(_) => Self::Argument(error.to_string()),
            JournalError::Disk(_) | JournalError::OpenAgain => Self::Disk(error.to_string()),
            JournalError::Sign(error) => Self::Sign(error.to_string()),
        }
    }
}

impl From<StoreError> for TerminalError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => Self::Refused(refusal),
            StoreError::Disk(_) | StoreError::ReadBack(_) | StoreError::OpenAgain | StoreError::Pointer(_) => {
                Self::Disk(error.to_string())
            }
        }
    }
}

impl From<RenderError> for TerminalError {
    fn from(error: RenderError) -> Self {
        Self::Unprintable(match error {
            RenderError::Incomplete(what) | RenderError::Unprintable(what) => what,
        })
    }
}

impl From<DecisionError> for TerminalError {
    fn from(error: DecisionError) -> Self {
        Self::Undecidable(format!("{error:?}"))
    }
}
