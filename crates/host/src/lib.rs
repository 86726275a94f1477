//! The embedded host of `rescind serve`.
//!
//! Reads the same `spin.toml` as Spin, composes the same components, and gives each exactly what the manifest grants it:
//! `wasi:http@0.3`, `wasi:keyvalue`, `spin:variables`, clocks, randomness and outbound HTTP. It implements what these
//! components need and refuses, by name, at the start, whatever else one imports.
//!
//! ```no_run
//! use std::sync::Arc;
//! use rescind_host::{Host, store::SqliteStore};
//!
//! # async fn run() -> Result<(), rescind_host::HostError> {
//! let store = Arc::new(SqliteStore::open("rescind.db".as_ref())?);
//! let host = Host::builder("spin.toml")
//!     .store(store)
//!     .variables_from_environment()
//!     .listen(([127, 0, 0, 1], 0).into())
//!     .build()
//!     .await?;
//! println!("http://{}", host.address());
//! host.serve(rescind_host::stop_signal()).await;
//! # Ok(())
//! # }
//! ```
//!
//! The way of a request: `server` (sockets) → `app` (id, admission, durability) → `pool` (which instance) → `instance`
//! (one call) → `keyvalue`, `outbound`, `variables` (what the component calls) → `store`.

#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]

mod app;
mod bindings;
mod body_limit;
mod compose;
mod destination;
mod engine;
pub mod error;
mod guest_log;
mod host;
mod instance;
mod keyvalue;
pub mod limits;
pub mod logging;
mod manifest;
mod metrics;
mod network;
mod outbound;
mod pool;
mod problem;
mod request_id;
mod route;
mod server;
pub mod store;
mod template;
mod ticker;
mod trace;
mod variables;
mod write_timeout;

pub use engine::compiled;
pub use error::{ArchiveError, BackupError, HostError, OpenError};
pub use host::{Handler, Host, HostBuilder, stop_signal};
