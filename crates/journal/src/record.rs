//! What is written down: one record, one fact.

use rescind_model::record::DecisionRecord;
use rescind_model::{
    BusinessDay, Digest, Forwarding, Instant, Money, OfflineEffect, OperationId, PersonId, Sale, SaleId, SaleOutcome,
    Way,
};
use serde::{Deserialize, Serialize};

use crate::limits;

/// One record of a journal. As bytes it is its JSON as the terminal wrote it; those bytes are chained and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its number; the first is 1.
    pub number: u64,
    /// When it was written, by the terminal's idea of the time.
    pub at: Instant,
    /// What happened.
    pub entry: Entry,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A sale that the server has not heard of.
    Sale(Box<StoredSale>),
    /// A decision, with everything it depended on.
    Decision(Box<DecisionRecord>),
    /// An operation that was begun because of a decision.
    Operation(Box<StoredOperation>),
    /// What became of an operation.
    Outcome(OperationOutcome),
    /// Sales are on their way, or there.
    Forwarding(SalesForwarded),
    /// The server was heard and said what time it is.
    Anchor(TimeAnchor),
    /// Another bundle is active.
    Bundle(BundleChange),
    /// Something that should not be.
    Incident(Incident),
}

/// A sale that the terminal made without the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredSale {
    /// The sale, as it will be registered.
    pub sale: Sale,
    /// What the terminal knows of its outcome.
    pub outcome: SaleOutcome,
}

/// An operation that the terminal began without the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StoredOperation {
    /// Names it; made by the terminal.
    pub id: OperationId,
    /// The sale it is about.
    pub sale: SaleId,
    /// The way back.
    pub way: Way,
    /// The amount.
    pub amount: Money,
    /// Whether it is done, or waits for the server.
    pub effect: OfflineEffect,
    /// The number of the decision that allowed it.
    pub decision: u64,
    /// The business day it counts for.
    pub day: BusinessDay,
    /// The reason code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who operated the terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<PersonId>,
    /// The operator's proof, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// How far sales went from now on. Written before anything is sent, so that none that was perhaps sent is ever taken for
/// one that was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SalesForwarded {
    /// The sales: at most as many as a batch has records.
    pub sales: Vec<SaleId>,
    /// `perhaps-sent` or `forwarded`: none is ever kept again.
    pub state: Forwarding,
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationOutcome {
    /// Which operation.
    pub operation: OperationId,
    /// What became of it.
    pub result: OperationResult,
    /// In words, such as the server's refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// How an operation ended at the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationResult {
    /// It is done.
    Done,
    /// It failed, and nothing was moved.
    Failed,
    /// Nobody knows.
    Unknown,
    /// The operator took it back before the server heard of it.
    Withdrawn,
}

/// The server's time, held against the terminal's clocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TimeAnchor {
    /// What the server said.
    pub server: Instant,
    /// What the wall clock showed: its difference to the server outlives a restart.
    pub wall: Instant,
    /// What the monotonic clock showed, in ms since it began.
    pub monotonic_ms: u64,
    /// Names the run of the monotonic clock: it begins anew with every boot.
    pub boot: String,
}

/// Another bundle is active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleChange {
    /// The version before, if there was one.
    pub before: Option<u64>,
    /// The version from now on.
    pub version: u64,
    /// The SHA-256 of the bundle.
    pub bundle: Digest,
}

/// Something that should not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Incident {
    /// The wall clock shows less than it did.
    #[serde(rename_all = "kebab-case")]
    ClockSetBack {
        /// The latest time that was seen before.
        seen: Instant,
        /// What it shows now.
        shows: Instant,
    },
    /// A bundle was offered and refused, or found damaged.
    BundleRefused {
        /// The refusal's code, such as `bundle.signature`.
        code: String,
    },
    /// Something else, by a code and in words.
    Other {
        /// A stable code.
        code: String,
        /// What happened.
        detail: String,
    },
}

impl Entry {
    /// Whether it is new business, which a full journal refuses. Everything else follows from business that was taken, or
    /// from the world, and has a reserve.
    #[must_use]
    pub fn is_business(&self) -> bool {
        match self {
            Self::Sale(_) | Self::Decision(_) | Self::Operation(_) => true,
            Self::Outcome(_) | Self::Forwarding(_) | Self::Anchor(_) | Self::Bundle(_) | Self::Incident(_) => false,
        }
    }

    /// Whether its texts are within [`limits::TEXT_BYTES`], and a proof within [`limits::PROOF_BYTES`].
    #[must_use]
    pub fn has_short_texts(&self) -> bool {
        let short = |text: &str| text.len() <= limits::TEXT_BYTES;
        let short_some = |text: &Option<String>| text.as_deref().is_none_or(short);
        match self {
            Self::Sale(_) | Self::Decision(_) | Self::Bundle(_) | Self::Incident(Incident::ClockSetBack { .. }) => true,
            Self::Forwarding(forwarded) => forwarded.sales.len() <= limits::BATCH_RECORDS,
            Self::Operation(operation) => {
                let proof = operation.proof.as_deref();
                short_some(&operation.reason) && proof.is_none_or(|proof| proof.len() <= limits::PROOF_BYTES)
            }
            Self::Outcome(outcome) => short_some(&outcome.detail),
            Self::Anchor(anchor) => short(&anchor.boot),
            Self::Incident(Incident::BundleRefused { code }) => short(code),
            Self::Incident(Incident::Other { code, detail }) => short(code) && short(detail),
        }
    }
}
