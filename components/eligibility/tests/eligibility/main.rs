//! Tests of the engine as its callers see it, in one binary for link time.

#![allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails, as it should")]

#[cfg(test)]
mod documents;
#[cfg(test)]
mod explanation;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod offline;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod variant;
#[cfg(test)]
mod windows;
#[cfg(test)]
mod world;
