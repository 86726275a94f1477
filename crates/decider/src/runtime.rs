//! A component that is ready to be asked.

use crate::contract::{Contract, TYPES};
use crate::decider::Decider;
use crate::error::DeciderError;
use crate::instance::Instance;
use crate::limits;
use crate::profile::{Target, engine_profile};
use crate::ticker::Ticker;
use rescind_model::Facts;
use rescind_model::record::{Answer, Question};
use std::fmt;
use std::sync::Arc;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, Store};

/// A translated component whose origin was proved.
///
/// A translation is machine code or byte code that the engine runs as it is: whoever writes it owns the process. So it is
/// taken only as this type, and making one is `unsafe`.
#[derive(Debug, Clone, Copy)]
pub struct Verified<'a>(&'a [u8]);

impl<'a> Verified<'a> {
    /// Says that these bytes may be run.
    ///
    /// # Safety
    /// These very bytes, in this very buffer, must have come out of [`Translation::of`](crate::Translation) of a build of
    /// this crate, and that must have been proved since they were last in somebody else's hands: by a signature of a key
    /// this device trusts over a digest of *these* bytes (not of a file that is then read again), or because this process
    /// made them. A checksum proves nothing here: it protects against accidents, not against people.
    ///
    /// What need *not* be checked: that they fit this engine. Version, processor and profile are compared when they are
    /// loaded, and what differs is refused.
    #[expect(unsafe_code, reason = "the promise that the caller makes, and the only way to make it")]
    #[must_use]
    pub unsafe fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) pre: InstancePre<()>,
    pub(crate) contract: Contract,
    /// Stops when the last instance is gone.
    _ticker: Ticker,
}

/// A component, ready to make instances of. Cheap to clone; clones share their pool.
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
}

impl From<Arc<Shared>> for Runtime {
    fn from(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

impl Runtime {
    /// Loads a translation for as many instances at once as [`limits::INSTANCES`].
    ///
    /// # Errors
    /// As [`Runtime::with_instances`].
    pub fn load(target: &Target, translation: Verified<'_>) -> Result<Self, DeciderError> {
        Self::with_instances(target, translation, limits::INSTANCES)
    }

    /// Loads a translation. `target` is what it was translated for; `instances` how many may live at once, one or more.
    ///
    /// # Errors
    /// [`DeciderError::Profile`] for an unknown target; [`DeciderError::Mismatch`] if the translation is of another version,
    /// processor or profile; [`DeciderError::Contract`] if it is no eligibility component, or imports anything that could
    /// do something.
    pub fn with_instances(target: &Target, translation: Verified<'_>, instances: u32) -> Result<Self, DeciderError> {
        let config = engine_profile(target, instances.max(1))?;
        let engine = Engine::new(&config)
            .map_err(|error| DeciderError::Profile { target: target.to_string(), reason: format!("{error:#}") })?;
        // SAFETY: `Verified::new` has the caller's promise that these bytes are a translation of ours, unaltered.
        #[expect(unsafe_code, reason = "loading translated code that was verified, see above")]
        let component = unsafe { Component::deserialize(&engine, translation.0) }
            .map_err(|error| DeciderError::Mismatch { reason: format!("{error:#}") })?;
        Self::of(engine, &component)
    }

    /// A component in an engine of another profile, such as the server's: for holding its answers against those of this
    /// one. What a call may cost is then that engine's affair, but for its time.
    ///
    /// # Errors
    /// [`DeciderError::Contract`] if it is no eligibility component, or imports anything that could do something.
    #[cfg(feature = "compile")]
    pub fn in_engine(engine: Engine, component: &Component) -> Result<Self, DeciderError> {
        Self::of(engine, component)
    }

    fn of(engine: Engine, component: &Component) -> Result<Self, DeciderError> {
        let contract = |error: &wasmtime::Error| DeciderError::Contract { reason: format!("{error:#}") };
        let mut linker = Linker::<()>::new(&engine);
        linker.instance(TYPES).map_err(|error| contract(&error))?;
        let pre = linker.instantiate_pre(component).map_err(|error| contract(&error))?;
        let ticker = Ticker::start(&engine)?;
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(limits::TICKS_PER_CALL);
        let instance = pre.instantiate(&mut store).map_err(|error| DeciderError::instance(&error))?;
        let contract = Contract::check(component, &instance, &mut store)?;
        Ok(Self { shared: Arc::new(Shared { engine, pre, contract, _ticker: ticker }) })
    }

    /// A new instance, with no policy yet.
    ///
    /// # Errors
    /// [`DeciderError::Instance`] if too many are alive.
    pub fn instance(&self) -> Result<Instance, DeciderError> {
        Instance::new(&self.shared)
    }

    /// Loads a compiled policy into an instance of its own, to be asked often.
    ///
    /// # Errors
    /// [`DeciderError::Policy`] if it is refused; [`DeciderError::Instance`] if too many instances are alive.
    pub fn decider(&self, document: &[u8]) -> Result<Decider, DeciderError> {
        Decider::new(self.instance()?.load(document)?, document)
    }

    /// Decides in an instance that is made for this question and ends with it.
    ///
    /// # Errors
    /// As [`Runtime::decider`] and [`Decider::decide`].
    pub fn decide_once(&self, document: &[u8], facts: &Facts, question: &Question) -> Result<Answer, DeciderError> {
        self.instance()?.load(document)?.decide(facts, question)
    }
}
