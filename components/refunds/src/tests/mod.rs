//! Tests of the transitions, as sentences of the domain.
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may overflow loudly")]

mod approval;
mod arguments;
mod case;
mod chain;
mod code;
mod entry;
mod erasure;
mod hold;
mod inquiry;
mod laws;
mod liability;
mod operation;
mod order;
mod outcome;
mod payment;
mod refund;
mod returned;
mod sale;
mod table;
mod time;
mod trace;
mod void;
mod ways;
mod world;
