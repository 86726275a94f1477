//! The API as callers meet it: real routes over the real core and the real pure components, with a store in memory.

mod bad_input;
mod document;
mod faults;
mod funding;
mod idempotency;
mod noise;
mod people;
mod permission;
mod shop;
mod story;
mod webhook;
