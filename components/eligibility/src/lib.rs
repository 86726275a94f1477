//! Decides which way a payment can be taken back.

pub mod bindings;
