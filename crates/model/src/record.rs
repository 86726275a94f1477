//! A decision with everything it depended on, so that it can be made again by anyone, anywhere, and compared byte by byte.

use crate::{
    Decision, DecisionError, Digest, Facts, Instant, MerchantId, Money, OperationQuestion, PolicyIdentity,
    RefundQuestion, SaleId, VoidQuestion, Way,
};
use serde::{Deserialize, Serialize};

/// The version of this record's form.
pub const FORMAT: &str = "decision/1";

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Whether a void is open.
    Void(VoidQuestion),
    /// Whether a refund is open.
    Refund(RefundQuestion),
    /// Whether anything else is.
    Operation(OperationQuestion),
}

impl Question {
    /// The way that is asked for.
    #[must_use]
    pub fn way(&self) -> Way {
        match self {
            Self::Void(_) => Way::Void,
            Self::Refund(_) => Way::Refund,
            Self::Operation(question) => question.way,
        }
    }

    /// The amount that is asked for. `None`: all of it.
    #[must_use]
    pub fn amount(&self) -> Option<&Money> {
        match self {
            Self::Void(question) => Some(&question.amount),
            Self::Refund(question) => Some(&question.amount),
            Self::Operation(question) => question.amount.as_ref(),
        }
    }
}

/// All that a decision depends on besides policy and component.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What was known.
    pub facts: Facts,
    /// What was asked.
    pub question: Question,
}

impl Input {
    /// The SHA-256 of its JSON as this program writes it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Serializing cannot fail: texts, integers, lists and records only. Should it ever, no digest equals it.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// What was answered.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every answer is a decision: a box would only be one more allocation"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// A decision.
    Decided(Decision),
    /// None could be made.
    Error(DecisionError),
}

/// A decision as it is kept, exported, replayed and tried against another policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DecisionRecord {
    /// [`FORMAT`].
    pub format: String,
    /// Names it within the merchant.
    pub id: String,
    /// Whose sale it is about.
    pub merchant: MerchantId,
    /// The sale.
    pub sale: SaleId,
    /// When it was decided.
    pub at: Instant,
    /// By which policy.
    pub policy: PolicyIdentity,
    /// By which bytes of the eligibility component.
    pub component: Digest,
    /// The digest of the input.
    pub input_digest: Digest,
    /// The input.
    pub input: Input,
    /// The answer.
    pub answer: Answer,
}

/// The version of the form of [`WaysRecord`].
pub const WAYS_FORMAT: &str = "ways/1";

/// All ways back at once: what was known, and the answer for each. Kept, exported and made again like a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WaysRecord {
    /// [`WAYS_FORMAT`].
    pub format: String,
    /// Names it within the merchant.
    pub id: String,
    /// Whose sale it is about.
    pub merchant: MerchantId,
    /// The sale.
    pub sale: SaleId,
    /// When it was decided.
    pub at: Instant,
    /// By which policy.
    pub policy: PolicyIdentity,
    /// By which bytes of the eligibility component.
    pub component: Digest,
    /// The digest of facts and amount: [`ways_digest`].
    pub input_digest: Digest,
    /// What was known.
    pub facts: Facts,
    /// For how much. Absent: for all that is left.
    pub amount: Option<Money>,
    /// The answers. Empty where none could be made.
    pub answers: Vec<Decision>,
    /// Why none could be made. Absent where there are answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<DecisionError>,
}

impl WaysRecord {
    /// What was answered.
    ///
    /// # Errors
    /// Why nothing was.
    pub fn answer(&self) -> Result<&[Decision], &DecisionError> {
        self.error.as_ref().map_or(Ok(&self.answers), Err)
    }
}

/// The SHA-256 of what the answers for all ways depend on besides policy and component: the JSON of facts and amount, in a
/// list.
#[must_use]
pub fn ways_digest(facts: &Facts, amount: Option<&Money>) -> Digest {
    // As for an input: should serializing ever fail, no digest equals it.
    Digest::of(&serde_json::to_vec(&(facts, amount)).unwrap_or_default())
}
