//! Tests of the engine as its callers see it, in one binary for link time.

mod cases;
mod laws;
mod rules;
mod world;
