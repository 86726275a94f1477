//! The component against the native engine, and against everything that could make it break off.
//!
//! It is read from `target/components`, or from where `RESCIND_ELIGIBILITY` says; `cargo xtask build --components` makes it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that fails, fails"
)]

mod contract;
mod mutation;
mod same_answer;
mod world;
