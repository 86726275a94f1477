//! Tests of the policy document as its callers see it, in one binary for link time.

#![allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails, as it should")]

#[cfg(test)]
mod canonical;
#[cfg(test)]
mod diagnostics;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod packs;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod variants;
