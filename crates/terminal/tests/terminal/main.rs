//! A terminal with a real bundle, through its Rust API and through C.
//!
//! The component is read from `target/components`, or from where `RESCIND_ELIGIBILITY` says; `cargo xtask build
//! --components` makes it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests may fail loudly"
)]

mod bundle;
mod c;
mod header;
mod kill;
mod power;
mod sync;
mod time;
mod void;
mod world;
