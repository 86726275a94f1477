//! The whole, end to end: the built `rescind` with its components, over HTTP. One binary, so that it links once.
//!
//! Each test starts a server of its own on a database of its own, so they run side by side. They need what
//! `cargo xtask build` makes; `cargo xtask test` builds it first.

#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
#![allow(clippy::arithmetic_side_effects, reason = "counts of tests; overflow stops the run")]
#![allow(clippy::indexing_slicing, reason = "mostly JSON is indexed, where what is missing reads as null")]
#![allow(clippy::string_slice, reason = "keys and card numbers are ASCII")]

mod backup;
mod chapters;
mod crash;
mod doctor;
mod faults;
mod imports;
mod input;
mod kill;
mod outage;
mod privacy;
mod races;
mod start;
mod story;
mod tenancy;
mod webhooks;
mod world;
