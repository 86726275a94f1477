//! The life of voids and refunds as pure transitions.

pub mod bindings;
