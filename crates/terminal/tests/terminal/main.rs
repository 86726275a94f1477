//! A terminal with a real bundle, through its Rust API and through C.
//!
//! The component is read from `target/components`, or from where `RESCIND_ELIGIBILITY` says; `cargo xtask build
//! --components` makes it.

mod bundle;
mod c;
mod header;
mod power;
mod sync;
mod time;
mod void;
mod world;
