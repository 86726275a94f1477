//! Says what happened, to people and to systems.
//!
//! - [`render()`] writes a notice about an event for the merchant's staff, the customer or a reviewer.
//! - [`explain()`] turns a decision's findings into sentences for the person at the terminal.
//! - [`confirmation()`] writes the code that a customer repeats to agree to an operation.
//! - [`slip()`] prints the slip of a sale, or of what was done to it, for a 32-column printer.
//! - [`seal()`] and [`verify()`] sign and check webhooks by the Standard Webhooks scheme.
//!
//! All are pure functions: times and keys are arguments, nothing is read or sent from here. The texts live in
//! `catalogue`, one file per language; a new language implements one trait and the compiler lists what it has to say.
//!
//! ```
//! use rescind_model::{Instant, SealHeaders};
//!
//! let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
//! let at = Instant::from_unix_ms(1_614_265_330_000).unwrap();
//! let headers = rescind_notification::seal(&secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b"{}").unwrap();
//! let tolerance = rescind_model::Duration::minutes(5);
//! assert!(rescind_notification::verify(&secrets, &headers, b"{}", at, tolerance).is_ok());
//! assert!(rescind_notification::verify(&secrets, &headers, b"[]", at, tolerance).is_err());
//! ```

mod amount;
mod arrival;
pub mod bindings;
mod catalogue;
mod clock;
mod columns;
mod component;
mod explain;
mod limits;
mod plain;
mod render;
mod seal;
mod slip;

pub use component::Component;
pub use explain::explain;
pub use limits::{
    CONFIRMATION_DIGITS, MERCHANT_NAME_CHARS, NOTE_CHARS, SIGNATURE_BYTES, SIGNATURE_ENTRIES, TITLE_CHARS,
};
pub use render::{confirmation, render};
pub use seal::{seal, verify};
pub use slip::{SLIP_COLUMNS, slip};
