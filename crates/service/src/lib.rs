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
//! | `sale`, `code`, `hold` | how a payment begins |
//! | `announcement` | what is written down before a payment is changed, so that what follows is not forgotten or told twice |
//! | `void`, `refund`, `operation`, `reversal` | what can be done; what follows from a trouble |
//! | `policies`, `activation`, `shadow` | versions of policies, which holds when, and how a candidate would have decided |
//! | `bundle` | bundles that terminals decide with: checked, kept in parts, given out |
//! | `decision` | every decision with what it depended on |
//! | `count` | what a policy limits by count |
//! | `outstanding` | reversals that a terminal owes before its next sale |
//! | `operator`, `pin`, `session`, `proof` | operators at a till, and what shows that it is them |
//! | `identity`, `confirmation` | that the customer is who paid |
//! | `secret` | what only this deployment knows |
//! | `case`, `order`, `inquiry`, `liability`, `trace` | what is asked of persons, and what is left to do after a refund |
//! | `books`, `funding` | what a merchant's payments amount to, and what limits the refunds of a day |
//! | `register`, `export` | lists over all payments, everything about one payment |
//! | `checkpoint` | what a merchant's payments were at the end of a day, signed; what that proves |
//! | `feed`, `endpoint`, `review` | what is told to others, and what reviewers' systems tell us |
//! | `personal`, `evidence` | what is kept outside the ledger, because it must be erasable |
//! | `mask` | who sees what of it |
//! | `retention` | the days on which it goes |
//! | `upcast` | records of older formats |
//! | `terminal/` | what terminals did without the server, taken in: `POST /v1/terminal/sync` |
//! | `doctor` | a whole store, walked and checked; natively only |
//! | `outbox` | messages to customers that are not events |
//! | `courier` | what must follow a commit: publishing, provider calls, timers, deliveries; `courier/unheard` old payments that nobody knows of |
//! | `http/` | the API |

pub mod activation;
mod announcement;
pub mod app;
pub mod books;
pub mod bundle;
pub mod case;
pub mod checkpoint;
pub mod code;
pub mod confirmation;
mod count;
pub mod courier;
pub mod decision;
pub mod directory;
#[cfg(feature = "native")]
pub mod doctor;
pub mod endpoint;
pub mod error;
pub mod evidence;
pub mod export;
pub mod feed;
pub mod funding;
pub mod gauge;
pub mod hold;
pub mod http;
pub mod idempotency;
pub mod identity;
pub mod inquiry;
pub mod liability;
pub mod limits;
pub mod mask;
#[cfg(feature = "native")]
pub mod native;
pub mod operation;
pub mod operator;
pub mod order;
pub mod outbox;
mod outstanding;
pub mod personal;
pub mod pin;
#[cfg(feature = "planted")]
pub mod planted;
#[cfg(not(feature = "planted"))]
mod planted;
pub mod policies;
pub mod ports;
pub mod principal;
pub mod proof;
pub mod refund;
pub mod register;
pub mod retention;
pub mod reversal;
pub mod review;
pub mod sale;
mod secret;
pub mod session;
pub mod shadow;
pub mod store;
mod take_back;
pub mod terminal;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod trace;
mod upcast;
pub mod void;

pub use app::App;
pub use error::Error;
