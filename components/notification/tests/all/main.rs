//! What people read: messages, sentences, slips.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may fail loudly, in their helpers too"
)]

mod counter;
mod messages;
mod sentences;
mod slips;
