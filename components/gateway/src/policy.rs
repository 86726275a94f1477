//! Loaded policies. The cache is the one thing an instance keeps: policies never change, and they are named by content.

use crate::bindings::eligibility::decisions;
use rescind_model::{
    BusinessDay, Decision, DecisionError, Facts, Instant, LoadError, Money, Needs, OperationQuestion, PolicyIdentity,
    RefundQuestion, Sale, Terms, VoidQuestion,
};
use rescind_service::ports;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Policies kept per instance: those in force, at terminals of each class, and candidates; small enough for its memory, as
/// a compiled one has at most 64 KiB.
const KEPT: usize = 32;

static LOADED: Mutex<VecDeque<(String, Arc<Loaded>)>> = Mutex::new(VecDeque::new());

/// A policy loaded into the eligibility component.
pub struct Loaded {
    policy: decisions::Policy,
}

/// One that was loaded before. It is now the one that was used last.
pub fn cached(hash: &str) -> Option<Arc<Loaded>> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let position = loaded.iter().position(|(known, _)| known == hash)?;
    let found = loaded.remove(position)?;
    let policy = Arc::clone(&found.1);
    loaded.push_back(found);
    Some(policy)
}

/// Loads one and keeps it, instead of the one that was not used for longest.
pub fn load(hash: &str, canonical: &[u8]) -> Result<Arc<Loaded>, LoadError> {
    let policy = Arc::new(Loaded { policy: decisions::Policy::load(canonical)? });
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    loaded.retain(|(known, _)| known != hash);
    if loaded.len() >= KEPT {
        loaded.pop_front();
    }
    loaded.push_back((hash.to_owned(), Arc::clone(&policy)));
    Ok(policy)
}

impl ports::Policy for Loaded {
    fn identity(&self) -> PolicyIdentity {
        self.policy.identity()
    }
    fn needs(&self) -> Needs {
        self.policy.needs()
    }
    fn acquiring_fee(&self, sale: &Sale) -> Result<Option<Money>, DecisionError> {
        self.policy.acquiring_fee(sale)
    }
    fn business_day_of(&self, at: Instant) -> Result<BusinessDay, DecisionError> {
        self.policy.business_day_of(at)
    }
    fn assess(&self, facts: &Facts, amount: Option<&Money>) -> Result<Vec<Decision>, DecisionError> {
        self.policy.assess(facts, amount)
    }
    fn decide_void(&self, facts: &Facts, question: &VoidQuestion) -> Result<Decision, DecisionError> {
        self.policy.decide_void(facts, question)
    }
    fn decide_refund(&self, facts: &Facts, question: &RefundQuestion) -> Result<Decision, DecisionError> {
        self.policy.decide_refund(facts, question)
    }
    fn decide_operation(&self, facts: &Facts, question: &OperationQuestion) -> Result<Decision, DecisionError> {
        self.policy.decide_operation(facts, question)
    }
    fn terms(&self) -> Terms {
        self.policy.terms()
    }
}
