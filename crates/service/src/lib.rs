//! The logic of the gateway and the courier, generic over its ports.
//!
//! Data goes one way: `http` parses → a function of [`App`] gathers facts, asks the pure components and commits → `http`
//! writes the answer. Nothing here knows which store, clock or engine is behind the ports.
//!
//! | file | idea |
//! |---|---|
//! | `ports` | what is needed from the world |
//! | `store/` | records on a store that lies: read-back, creation, pages, lanes, tallies |
//! | `principal`, `directory` | who asks; merchants, terminals, persons, keys |
//! | `sale`, `void`, `refund`, `operation` | what can be done |
//! | `feed`, `endpoint`, `review` | what is told to others, and what reviewers' systems tell us |
//! | `personal`, `evidence` | what is kept outside the ledger, because it must be erasable |
//! | `mask` | who sees what of it |
//! | `retention` | the days on which it goes |
//! | `upcast` | records of older formats |
//! | `courier` | what must follow a commit: publishing, provider calls, timers, deliveries |
//! | `http/` | the API |

pub mod app;
pub mod courier;
pub mod directory;
pub mod endpoint;
pub mod error;
pub mod evidence;
pub mod feed;
pub mod gauge;
pub mod http;
pub mod idempotency;
pub mod limits;
pub mod mask;
#[cfg(feature = "native")]
pub mod native;
pub mod operation;
pub mod personal;
pub mod policies;
pub mod ports;
pub mod principal;
pub mod refund;
pub mod retention;
pub mod review;
pub mod sale;
pub mod store;
mod take_back;
#[cfg(feature = "testkit")]
pub mod testkit;
mod upcast;
pub mod void;

pub use app::App;
pub use error::Error;
