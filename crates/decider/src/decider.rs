//! A policy that is kept loaded.

use crate::error::DeciderError;
use crate::instance::Loaded;
use crate::runtime::Runtime;
use rescind_model::record::{Answer, Question};
use rescind_model::{BusinessDay, Decision, DecisionError, Facts, Instant, Money, Needs, PolicyIdentity, Sale, Terms};

/// Decides by one policy, kept loaded in one instance.
///
/// Should the component ever break off or not end, that call fails and the next one is answered by a new instance.
#[derive(Debug)]
pub struct Decider {
    loaded: Option<Loaded>,
    runtime: Runtime,
    document: Box<[u8]>,
    identity: PolicyIdentity,
}

impl Decider {
    pub(crate) fn new(mut loaded: Loaded, document: &[u8]) -> Result<Self, DeciderError> {
        let identity = loaded.identity()?;
        Ok(Self { runtime: loaded.runtime(), loaded: Some(loaded), document: document.into(), identity })
    }

    /// The policy's name, version and content hash.
    #[must_use]
    pub fn identity(&self) -> &PolicyIdentity {
        &self.identity
    }

    /// Decides. [`Answer::Error`] is the component's word that these facts decide nothing, and as much an answer as a
    /// decision.
    ///
    /// # Errors
    /// [`DeciderError::Trap`] or [`DeciderError::Deadline`]: there is no answer.
    pub fn decide(&mut self, facts: &Facts, question: &Question) -> Result<Answer, DeciderError> {
        self.ask(|loaded| loaded.decide(facts, question))
    }

    /// Looks at all ways back at once, for one amount (the whole sale if `None`).
    ///
    /// # Errors
    /// As [`Decider::decide`].
    pub fn assess(
        &mut self,
        facts: &Facts,
        amount: Option<&Money>,
    ) -> Result<Result<Vec<Decision>, DecisionError>, DeciderError> {
        self.ask(|loaded| loaded.assess(facts, amount))
    }

    /// Which counts have to be gathered before it is asked.
    ///
    /// # Errors
    /// As [`Decider::decide`].
    pub fn needs(&mut self) -> Result<Needs, DeciderError> {
        self.ask(Loaded::needs)
    }

    /// How long things live under this policy, and who may do what is rare.
    ///
    /// # Errors
    /// As [`Decider::decide`].
    pub fn terms(&mut self) -> Result<Terms, DeciderError> {
        self.ask(Loaded::terms)
    }

    /// The acquiring fee that the policy's schedule of charges has for a sale.
    ///
    /// # Errors
    /// As [`Decider::decide`].
    pub fn acquiring_fee(&mut self, sale: &Sale) -> Result<Result<Option<Money>, DecisionError>, DeciderError> {
        self.ask(|loaded| loaded.acquiring_fee(sale))
    }

    /// The business day an instant belongs to under this policy's time zone and cut-off.
    ///
    /// # Errors
    /// As [`Decider::decide`].
    pub fn business_day_of(&mut self, at: Instant) -> Result<Result<BusinessDay, DecisionError>, DeciderError> {
        self.ask(|loaded| loaded.business_day_of(at))
    }

    fn ask<T>(&mut self, question: impl FnOnce(&mut Loaded) -> Result<T, DeciderError>) -> Result<T, DeciderError> {
        let mut loaded = match self.loaded.take() {
            Some(loaded) => loaded,
            None => self.runtime.instance()?.load(&self.document)?,
        };
        let answer = question(&mut loaded)?;
        // Only what answered is asked again: an instance that broke off is dropped here.
        self.loaded = Some(loaded);
        Ok(answer)
    }
}
