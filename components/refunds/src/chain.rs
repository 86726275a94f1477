//! The chain of a ledger's events. It is part of the vocabulary, because whoever keeps a ledger can hold its history
//! against it without this component.

pub use rescind_model::chain::*;
