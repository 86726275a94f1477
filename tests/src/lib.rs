//! What runs the whole: the harness under the demo, the benchmark and the tests end to end.
//!
//! Everything here is real: the built `rescind` in a process of its own, the components it serves, a database on disk,
//! HTTP on free ports. Only the acquirer is a simulation (`rescind-acquirer`), in this process, so that its count of
//! effects can be looked at.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use rescind_tests::{Acquirer, Options, Server, Shop};
//!
//! let acquirer = Acquirer::bind("127.0.0.1:0", Options::default()).await?;
//! let server = Server::with_acquirer(&acquirer).await?;
//! let shop = Shop::open(&server, "M-1", "lakala").await?;
//! shop.sale("S-1").days_ago(2).register().await?;
//! let refund = shop.supervisor.tell("/v1/refunds", &shop.refund("S-1", "60.00")).await?.is(201)?;
//! assert_eq!(refund["state"], "approved");
//! # Ok(())
//! # }
//! ```

#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
// Overflow checks are on in every profile: what a test miscounts fails loudly.
#![allow(clippy::arithmetic_side_effects, reason = "counts and indices of tests; overflow stops the run")]
#![allow(clippy::indexing_slicing, reason = "only JSON is indexed, where what is missing reads as null")]

pub mod chapter;
pub mod checkout;
pub mod client;
pub mod doctor;
pub mod moment;
pub mod operator;
pub mod policies;
pub mod poll;
pub mod program;
pub mod receiver;
pub mod server;
pub mod shop;
pub mod stage;
pub mod teller;

pub use client::{Client, Reply};
pub use policies::Policies;
pub use poll::eventually;
pub use receiver::{Delivery, Receiver};
pub use rescind_acquirer::{Acquirer, Options};
pub use server::{Server, Setup, Store};
pub use shop::{Shop, cny};
