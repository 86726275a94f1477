//! Tests of the transitions, as sentences of the domain.
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may overflow loudly")]

mod approval;
mod arguments;
mod case;
mod chain;
mod entry;
mod erasure;
mod inquiry;
mod laws;
mod liability;
mod order;
mod outcome;
mod refund;
mod returned;
mod sale;
mod table;
mod time;
mod trace;
mod void;
mod world;
