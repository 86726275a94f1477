//! Translating a component ahead of time.

use crate::error::DeciderError;
use crate::profile::{Target, engine_profile};
use crate::runtime::{Runtime, Verified};
use wasmtime::Engine;

/// A component translated for one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    target: Target,
    bytes: Vec<u8>,
}

impl Translation {
    /// Translates a component.
    ///
    /// # Errors
    /// [`DeciderError::Profile`] for an unknown target, [`DeciderError::Translation`] if the bytes are no component, or one
    /// that needs more than the profile has.
    pub fn of(component: &[u8], target: &Target) -> Result<Self, DeciderError> {
        // The pool plays no part in translating: one instance is the smallest.
        let engine = Engine::new(&engine_profile(target, 1)?)
            .map_err(|error| DeciderError::Profile { target: target.to_string(), reason: format!("{error:#}") })?;
        let bytes = engine
            .precompile_component(component)
            .map_err(|error| DeciderError::Translation { target: target.to_string(), reason: format!("{error:#}") })?;
        Ok(Self { target: target.clone(), bytes })
    }

    /// What is put into a bundle.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Loads it in the process that made it, for as many instances at once.
    ///
    /// # Errors
    /// As [`Runtime::with_instances`]; [`DeciderError::Mismatch`] for the target of another machine.
    pub fn run(&self, instances: u32) -> Result<Runtime, DeciderError> {
        // SAFETY: made by `of`, the only way to make one, and never given away to be changed.
        #[expect(unsafe_code, reason = "this process translated it, see above")]
        let verified = unsafe { Verified::new(&self.bytes) };
        Runtime::with_instances(&self.target, verified, instances)
    }
}
