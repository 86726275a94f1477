//! Decides which way a payment can be taken back.
//!
//! Pure: the same policy, facts and question give the same decision, byte for byte, in the cloud, in the terminal and on
//! replay. Time, counts and business facts are arguments. An error while deciding is an error, never an answer.
//!
//! As a component it exports `rescind:eligibility/decisions` and imports no function; natively it is [`Engine`].
//!
//! # How it judges
//!
//! - **Every rule is asked**, and all that stand in the way are reported, in the order of [`rule`], each with what it
//!   observed, its limit and a remedy. Deny if any denies, else refer if any refers, else allow.
//! - **The first variant that matches holds**, else the section itself. Where time of day or weekday chooses, `open-until` is
//!   no later than the next instant at which another could hold.
//! - **A terminal alone fails closed**: whatever a ceiling, its clock or a count it cannot have leaves open is referred, and
//!   what is allowed waits for the server, but for the void of a sale that never left it.
//! - **Whoever wants to know why** asks natively with [`Engine::explain`], which says every rule that was asked;
//!   [`Engine::stated`] says every rule that there is to ask.
//! - **Windows are half-open**: `[paid, paid + 30 min)`. The instant of a cut-off belongs to the next business day.
//! - **`open-until`** is the earliest end of all time rules; **`opens-at`** is given when time alone stands in the way.
//! - **A request may seem to come before its payment** by at most [`window::CLOCK_SKEW`]; it is then judged as if it came
//!   with the payment. Beyond that nothing is decided.
//! - **A remedy is true**: `use-refund` is given only where a refund is open, `use-refund-from` only with the instant at
//!   which one opens, `use-void` only where the void of the whole sale is open.
//! - **Every state has a way**: whatever a payment is (unknown, unpaid, held, …), [`Engine::assess`] lists every way that
//!   could be meant, and one of them is open, will be, or names a remedy; unless nothing was taken.

mod arrival;
pub mod bindings;
mod coupon;
mod effective;
mod engine;
mod evidence;
#[cfg(not(target_arch = "wasm32"))]
pub mod explain;
mod export;
mod fee;
mod hold;
mod legal;
mod offline;
mod operation;
mod order_close;
mod place;
mod prepaid;
mod proof;
mod reason;
mod refund;
mod report;
mod reversal;
mod router;
pub mod rule;
mod situation;
#[cfg(not(target_arch = "wasm32"))]
mod stated;
mod tally;
mod tier;
mod variant;
mod void;
pub mod window;

pub use engine::Engine;
#[cfg(not(target_arch = "wasm32"))]
pub use explain::{Considered, Explanation, Sides, Stated};
pub use export::Eligibility;
pub use rescind_policy::business_day;
