//! Bundles as a terminal meets them: genuine, altered, old, cut off, signed by keys that came and went.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may fail loudly"
)]

mod drafts;
mod keys;
mod others;
mod refusals;
mod slots;
mod text;
mod world;
