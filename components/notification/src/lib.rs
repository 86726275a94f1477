//! Says what happened, to people and to systems.

pub mod bindings;
