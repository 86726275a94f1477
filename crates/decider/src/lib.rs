//! The eligibility component as everybody's decider: the same bytes that decide behind the gateway, embedded in any program
//! that has no WASI, no async runtime and no compiler: a terminal's firmware, a replay of a million records.
//!
//! - [`engine_profile`] is the one configuration of the engine, for whoever translates a component and whoever runs it.
//! - [`Translation::of`] (feature `compile`) translates a component for a [`Target`], ahead of time.
//! - [`Runtime::load`] takes a translation that the caller has verified; it needs no compiler.
//! - [`Runtime::decider`] loads a policy into an instance of its own and answers question after question;
//!   [`Runtime::decide_once`] answers one in an instance that nothing else ever saw.
//!
//! A decision depends on nothing but policy, facts and question, so both give the same answer, byte for byte, natively and
//! in Pulley; `tests/same_answer.rs` holds them against each other. What the component wants from its host is checked when
//! it is loaded: it is nothing.
//!
//! # Limits
//!
//! Memory, stack and time of every call are bounded ([`limits`]). What goes beyond fails with a [`DeciderError`], never with
//! an answer, and a [`Decider`] goes on with a new instance. A runtime and its deciders can be moved to other threads; a
//! decider answers one question at a time.

mod contract;
mod decider;
mod error;
mod identity;
mod instance;
pub mod limits;
mod profile;
mod runtime;
mod ticker;
#[cfg(feature = "compile")]
mod translation;
mod wire;

pub use decider::Decider;
pub use error::DeciderError;
pub use identity::{engine_version, profile_digest};
pub use instance::{Instance, Loaded};
pub use profile::{Target, engine_profile};
pub use runtime::{Runtime, Verified};
#[cfg(feature = "compile")]
pub use translation::Translation;
