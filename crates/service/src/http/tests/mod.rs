//! The API as callers meet it: real routes over the real core and the real pure components, with a store in memory.

mod bad_input;
mod document;
mod faults;
mod idempotency;
mod noise;
mod permission;
mod privacy;
mod shop;
mod story;
mod webhook;
