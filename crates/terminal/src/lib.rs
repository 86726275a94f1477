//! Rescind in a terminal's firmware: decides without the server, with the bytes it decides with, and tells it later.
//!
//! A [`Terminal`] holds a signed bundle (the eligibility component and a policy), a journal that survives a loss of power,
//! and the time as the server told it. It answers whether a sale can be voided, refunded or undone; begins what is
//! allowed; and exports what it did, for the server to decide again. It has no network, no clock and no thread that calls
//! anything: whoever embeds it sends what it exports, tells it what the clocks show, and prints what it answers.
//!
//! Three things it never does, whoever calls it in whatever order (`DOMAIN.md` §8):
//!
//! - it decides by no bundle that was not verified, and loads no code that was not signed;
//! - it says *done* of nothing that was possibly sent: that a sale is on its way is on the disk before it is;
//! - it forgets nothing that it was asked to keep, unless the server acknowledged that very record.
//!
//! | file | idea |
//! |---|---|
//! | `setup` | who the terminal is |
//! | `clock` | what time it is, and how sure that is |
//! | `ask` | what is asked |
//! | `operator` | who asks, and what they showed |
//! | `book` | what the journal says of each sale |
//! | `terminal` | the terminal |
//! | `answer`, `slip` | what it answers, and what it prints |
//! | `status` | what a service engineer looks at |
//! | `error` | how it thinks about errors |
//! | `ffi` | the same for C: `include/rescind_terminal.h` |
//!
//! A guide for firmware engineers is `docs/firmware.md`.

mod answer;
mod ask;
mod book;
mod clock;
mod error;
pub mod ffi;
pub mod limits;
mod operator;
mod setup;
mod slip;
mod status;
mod terminal;

pub use answer::{Answer, Clock, Done, Texts};
pub use ask::{Ask, Begin, Operator, Shown, Subject, Told};
pub use clock::{ClockQuality, Reading, Source, Time, tell};
pub use error::{TerminalError, code};
pub use setup::{Code, Setup};
pub use status::{BundleStatus, JournalStatus, Status};
pub use terminal::{Synced, Terminal};

/// The engine that bundles for a kind of code have to be made for on this device: target, version, profile.
#[must_use]
pub fn engine(code: Code) -> rescind_bundle::Engine {
    let target = code.target();
    let mut profile = [0; 32];
    // A digest's text is 64 digits; should it ever not be, no bundle fits, which is what must happen then.
    let digits = hex::decode_to_slice(&rescind_decider::profile_digest(&target).hex, &mut profile);
    if digits.is_err() {
        profile = [0; 32];
    }
    rescind_bundle::Engine { target: target.to_string(), wasmtime: rescind_decider::engine_version(), profile }
}
