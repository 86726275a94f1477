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
//! | `case`, `order`, `inquiry`, `liability`, `trace` | what is asked of persons, and what is left to do after a refund |
//! | `books`, `funding` | what a merchant's payments amount to, and what limits the refunds of a day |
//! | `register`, `chain`, `export` | lists over all payments, the chain of events, everything about one payment |
//! | `feed`, `endpoint`, `review` | what is told to others, and what reviewers' systems tell us |
//! | `courier` | what must follow a commit: publishing, provider calls, timers, deliveries |
//! | `http/` | the API |

pub mod app;
pub mod books;
pub mod case;
pub mod chain;
pub mod courier;
pub mod directory;
pub mod endpoint;
pub mod error;
pub mod export;
pub mod feed;
pub mod funding;
pub mod gauge;
pub mod http;
pub mod idempotency;
pub mod inquiry;
pub mod liability;
pub mod limits;
#[cfg(feature = "native")]
pub mod native;
pub mod operation;
pub mod order;
pub mod policies;
pub mod ports;
pub mod principal;
pub mod refund;
pub mod register;
pub mod review;
pub mod sale;
pub mod store;
mod take_back;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod trace;
pub mod void;

pub use app::App;
pub use error::Error;
