//! What really happened, for tests to look at.

use crate::operation::Kind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All effects so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    /// By the caller's reference.
    pub references: BTreeMap<String, ReferenceEffects>,
    /// By `merchant/sale`.
    pub sales: BTreeMap<String, SaleEffects>,
}

/// What one reference did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceEffects {
    /// What was asked for under it.
    pub kind: Kind,
    /// How often it took effect; more than once would be our mistake. A reversal that found nothing to undo: 0.
    pub effects: u64,
    /// How often it was called.
    pub calls: u64,
}

/// What happened to one sale. Amounts are decimal texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleEffects {
    /// The currency of all amounts.
    pub currency: String,
    /// Voided now.
    pub voided: String,
    /// Refunded.
    pub refunded: String,
    /// Voided once and reversed.
    pub reversed: String,
    /// How many voids and refunds took effect.
    pub count: u64,
}
