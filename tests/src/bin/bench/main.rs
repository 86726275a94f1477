//! x

#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
fn main() {}
