//! The embedded host of `rescind serve`.

pub mod error;
pub mod limits;
pub mod store;
