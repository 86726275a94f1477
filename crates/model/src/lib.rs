//! The words of Rescind.
//!
//! The types themselves are generated from `wit/types`, so that a component's interface and the code behind it cannot
//! drift apart; this crate adds what a WIT cannot say: arithmetic that checks, texts that parse, rules for names, and
//! what follows from a ledger.

mod bindings;
pub mod card_number;
pub mod chain;
pub mod commitment;
pub mod encoding;
pub mod limits;
pub mod money;
pub mod name;
pub mod record;
pub mod request;
pub mod standing;
pub mod step;
pub mod time;
pub mod token;

/// The generated module itself, for `with` in the bindings of other crates.
pub use bindings::types;
pub use bindings::types::*;
