//! The component's export: one conversion per call, nothing decided here.

use crate::bindings::exports::rescind::eligibility::decisions::{Guest, GuestPolicy, Policy};
use crate::engine::Engine;
use rescind_model::{
    BusinessDay, Decision, DecisionError, Facts, Instant, LoadError, Money, Needs, OperationQuestion, PolicyIdentity,
    RefundQuestion, Sale, Terms, VoidQuestion,
};

/// The component.
pub struct Eligibility;

impl Guest for Eligibility {
    type Policy = Engine;
}

impl GuestPolicy for Engine {
    fn load(document: Vec<u8>) -> Result<Policy, LoadError> {
        Self::load(&document).map(Policy::new)
    }

    fn identity(&self) -> PolicyIdentity {
        self.identity().clone()
    }

    fn needs(&self) -> Needs {
        self.needs()
    }

    fn terms(&self) -> Terms {
        self.terms()
    }

    fn acquiring_fee(&self, sale: Sale) -> Result<Option<Money>, DecisionError> {
        self.acquiring_fee(&sale)
    }

    fn business_day_of(&self, at: Instant) -> Result<BusinessDay, DecisionError> {
        self.business_day_of(at)
    }

    fn assess(&self, facts: Facts, amount: Option<Money>) -> Result<Vec<Decision>, DecisionError> {
        self.assess(&facts, amount.as_ref())
    }

    fn decide_void(&self, facts: Facts, question: VoidQuestion) -> Result<Decision, DecisionError> {
        self.decide_void(&facts, &question)
    }

    fn decide_refund(&self, facts: Facts, question: RefundQuestion) -> Result<Decision, DecisionError> {
        self.decide_refund(&facts, &question)
    }

    fn decide_operation(&self, facts: Facts, question: OperationQuestion) -> Result<Decision, DecisionError> {
        self.decide_operation(&facts, &question)
    }
}

#[cfg(target_arch = "wasm32")]
mod component {
    #![allow(unsafe_code, reason = "the generated exports are the component's ABI")]

    use super::Eligibility;
    use crate::bindings;

    bindings::export!(Eligibility with_types_in bindings);
}
