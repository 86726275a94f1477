//! Journals as a terminal and its server live with them: chained, counted, sent, let go, and cut off at any moment.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may fail loudly"
)]

mod batches;
mod counting;
mod file;
mod power;
mod world;
