//! One instance of the component.

use crate::contract::{Checked, Contract, Export};
use crate::error::DeciderError;
use crate::limits;
use crate::runtime::{Runtime, Shared};
use crate::wire::{Incoming, Outgoing};
use rescind_model::record::{Answer, Question};
use rescind_model::{BusinessDay, Decision, DecisionError, Facts, Instant, Money, Needs, PolicyIdentity, Sale, Terms};
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

/// A new instance, with no policy yet. Instances are pooled: making one takes microseconds.
pub struct Instance {
    // Before the runtime: what it holds must go first.
    store: Store<()>,
    instance: wasmtime::component::Instance,
    runtime: Arc<Shared>,
}

impl Instance {
    pub(crate) fn new(runtime: &Arc<Shared>) -> Result<Self, DeciderError> {
        let mut store = Store::new(&runtime.engine, ());
        store.set_epoch_deadline(limits::TICKS_PER_CALL);
        let instance = runtime.pre.instantiate(&mut store).map_err(|error| DeciderError::instance(&error))?;
        Ok(Self { store, instance, runtime: Arc::clone(runtime) })
    }

    /// Loads a compiled policy: the canonical form that `rescind policy compile` writes.
    ///
    /// # Errors
    /// [`DeciderError::Policy`] if the component refuses it; [`DeciderError::Trap`] and [`DeciderError::Deadline`] if it
    /// never comes so far.
    pub fn load(mut self, document: &[u8]) -> Result<Loaded, DeciderError> {
        let runtime = Arc::clone(&self.runtime);
        let (loaded,) = self.call(&runtime.contract.load, (document,))?;
        match loaded {
            Ok(policy) => Ok(Loaded { instance: self, policy }),
            Err(refused) => Err(DeciderError::policy(refused.model())),
        }
    }

    fn call<E: Export>(&mut self, export: &Checked<E>, params: E::Params<'_>) -> Result<E::Answer, DeciderError> {
        self.store.set_epoch_deadline(limits::TICKS_PER_CALL);
        let function = export
            .of(&self.instance, &mut self.store)
            .ok_or_else(|| DeciderError::Contract { reason: format!("{} is gone", E::NAME) })?;
        function.call(&mut self.store, params).map_err(|error| DeciderError::call(&error))
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").finish_non_exhaustive()
    }
}

/// An instance with a policy. After an error it must not be asked again: the component broke off midway.
#[derive(Debug)]
pub struct Loaded {
    instance: Instance,
    policy: ResourceAny,
}

impl Loaded {
    pub(crate) fn runtime(&self) -> Runtime {
        Runtime::from(Arc::clone(&self.instance.runtime))
    }

    fn ask<'a, E: Export>(
        &mut self,
        export: fn(&Contract) -> &Checked<E>,
        params: impl FnOnce(ResourceAny) -> E::Params<'a>,
    ) -> Result<E::Answer, DeciderError> {
        let runtime = Arc::clone(&self.instance.runtime);
        self.instance.call(export(&runtime.contract), params(self.policy))
    }

    /// Decides.
    ///
    /// # Errors
    /// [`DeciderError::Trap`] or [`DeciderError::Deadline`].
    pub fn decide(&mut self, facts: &Facts, question: &Question) -> Result<Answer, DeciderError> {
        let (decided,) = match question {
            Question::Void(question) => self.ask(|c| &c.decide_void, |p| (p, facts.shape(), question.shape())),
            Question::Refund(question) => self.ask(|c| &c.decide_refund, |p| (p, facts.shape(), question.shape())),
            Question::Operation(question) => {
                self.ask(|c| &c.decide_operation, |p| (p, facts.shape(), question.shape()))
            }
        }?;
        Ok(match decided {
            Ok(decision) => Answer::Decided(decision.model()),
            Err(error) => Answer::Error(error.model()),
        })
    }

    pub(crate) fn assess(
        &mut self,
        facts: &Facts,
        amount: Option<&Money>,
    ) -> Result<Result<Vec<Decision>, DecisionError>, DeciderError> {
        let (assessed,) = self.ask(|c| &c.assess, |p| (p, facts.shape(), amount.map(Outgoing::shape)))?;
        Ok(assessed.map(Incoming::model).map_err(Incoming::model))
    }

    pub(crate) fn identity(&mut self) -> Result<PolicyIdentity, DeciderError> {
        let (identity,) = self.ask(|c| &c.identity, |p| (p,))?;
        Ok(identity.model())
    }

    pub(crate) fn needs(&mut self) -> Result<Needs, DeciderError> {
        let (needs,) = self.ask(|c| &c.needs, |p| (p,))?;
        Ok(needs.model())
    }

    pub(crate) fn terms(&mut self) -> Result<Terms, DeciderError> {
        let (terms,) = self.ask(|c| &c.terms, |p| (p,))?;
        Ok(terms.model())
    }

    pub(crate) fn acquiring_fee(&mut self, sale: &Sale) -> Result<Result<Option<Money>, DecisionError>, DeciderError> {
        let (fee,) = self.ask(|c| &c.acquiring_fee, |p| (p, sale.shape()))?;
        Ok(fee.map(Incoming::model).map_err(Incoming::model))
    }

    pub(crate) fn business_day_of(&mut self, at: Instant) -> Result<Result<BusinessDay, DecisionError>, DeciderError> {
        let (day,) = self.ask(|c| &c.business_day_of, |p| (p, at.shape()))?;
        Ok(day.map(Incoming::model).map_err(Incoming::model))
    }
}
