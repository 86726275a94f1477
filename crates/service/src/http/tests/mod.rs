//! The API as callers meet it: real routes over the real core and the real pure components, with a store in memory.

#![allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails, as it should")]

mod bad_input;
mod bundle;
mod checkpoint;
mod confirmation;
mod device;
mod doctor;
mod document;
mod faults;
mod funding;
mod hold;
mod idempotency;
mod noise;
mod operator;
mod payment_code;
mod people;
mod permission;
mod policy;
mod privacy;
mod proof;
mod race;
mod route;
mod shop;
mod store;
mod story;
mod sync;
mod till;
mod trouble;
mod ways;
mod webhook;
