//! What really happened, for tests to look at.

use crate::operation::Kind;
use crate::payment::{Means, PaymentState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All effects so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    /// By the caller's reference.
    pub references: BTreeMap<String, ReferenceEffects>,
    /// By `merchant/sale`.
    pub sales: BTreeMap<String, SaleEffects>,
    /// Payments the acquirer was told of, and those that can never take place any more. By `merchant/sale`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub payments: BTreeMap<String, PaymentEffects>,
}

/// What one reference did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceEffects {
    /// What was asked for under it.
    pub kind: Kind,
    /// How often it took effect; more than once would be our mistake. What found nothing to change: 0.
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

/// What became of a payment. Amounts are decimal texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentEffects {
    /// How it is paid. Absent: only its end was heard of.
    pub means: Option<Means>,
    /// How far it got.
    pub state: PaymentState,
    /// The currency of all amounts.
    pub currency: String,
    /// What was asked for or held.
    pub amount: String,
    /// What is captured now.
    pub captured: String,
    /// How many reversals, closes, completions, releases and voids of completions changed it.
    pub changes: u64,
}
