//! Tests of the transitions, as sentences of the domain.
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may overflow loudly")]

mod approval;
mod arguments;
mod laws;
mod outcome;
mod refund;
mod sale;
mod table;
mod time;
mod void;
mod world;
