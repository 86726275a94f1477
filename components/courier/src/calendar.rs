//! All that the courier reads of a policy: when its business days begin and end, for what waits for the funds of a day, and
//! how long things are kept. It decides nothing: what was decided is in the ledger.

use rescind_model::{
    BusinessDay, Decision, DecisionError, Facts, Instant, LoadError, Money, Needs, OperationQuestion, PolicyIdentity,
    RefundQuestion, Sale, Terms, VoidQuestion,
};
use rescind_service::ports;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Policies kept per instance, as in the gateway: they never change, and they are named by content.
const KEPT: usize = 16;

static LOADED: Mutex<VecDeque<(String, Arc<Calendar>)>> = Mutex::new(VecDeque::new());

/// A policy, as far as the courier reads it.
pub struct Calendar(rescind_policy::Policy);

/// One that was read before.
pub fn cached(hash: &str) -> Option<Arc<Calendar>> {
    let loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    loaded.iter().find(|(known, _)| known == hash).map(|(_, policy)| Arc::clone(policy))
}

/// Reads one and keeps it.
pub fn load(hash: &str, canonical: &[u8]) -> Result<Arc<Calendar>, LoadError> {
    let refused = |e: rescind_policy::LoadError| LoadError { code: e.code().to_owned(), message: e.to_string() };
    let policy = Arc::new(Calendar(rescind_policy::Policy::from_canonical(canonical).map_err(refused)?));
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if loaded.len() >= KEPT {
        loaded.pop_front();
    }
    loaded.push_back((hash.to_owned(), Arc::clone(&policy)));
    Ok(policy)
}

fn decides_nothing<T>() -> Result<T, DecisionError> {
    Err(DecisionError::MissingFact("anything: the courier decides nothing".to_owned()))
}

impl ports::Policy for Calendar {
    fn identity(&self) -> PolicyIdentity {
        self.0.identity().clone()
    }
    fn business_day_of(&self, at: Instant) -> Result<BusinessDay, DecisionError> {
        self.0.document().clock().business_day_of(at)
    }
    fn terms(&self) -> Terms {
        self.0.document().terms()
    }
    fn acquiring_fee(&self, _sale: &Sale) -> Result<Option<Money>, DecisionError> {
        decides_nothing()
    }
    fn needs(&self) -> Needs {
        // Nothing is gathered for decisions that are not made.
        Needs { tallies: Vec::new(), requested_today: false }
    }
    fn assess(&self, _facts: &Facts, _amount: Option<&Money>) -> Result<Vec<Decision>, DecisionError> {
        decides_nothing()
    }
    fn decide_void(&self, _facts: &Facts, _question: &VoidQuestion) -> Result<Decision, DecisionError> {
        decides_nothing()
    }
    fn decide_refund(&self, _facts: &Facts, _question: &RefundQuestion) -> Result<Decision, DecisionError> {
        decides_nothing()
    }
    fn decide_operation(&self, _facts: &Facts, _question: &OperationQuestion) -> Result<Decision, DecisionError> {
        decides_nothing()
    }
}
