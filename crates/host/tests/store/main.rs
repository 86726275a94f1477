//! The embedded store on disks that fail, full queues, and backups, as the rest of the program sees it.

#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may fail loudly"
)]

mod backup;
mod disk;
mod history;
mod pages;
mod power;
mod queue;
mod trouble;
