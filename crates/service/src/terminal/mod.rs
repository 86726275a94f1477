//! What terminals did without the server (`DOMAIN.md` §8): their journals are taken in, every decision is made again, and
//! what still stands is carried out.
//!
//! | file | idea |
//! |---|---|
//! | `journal` | what is known of a terminal's journal: its key, and how far it was dealt with |
//! | `sync` | one batch, record by record, and the acknowledgement |
//! | `agreement` | a decision, made again from what it was made of |
//! | `operation` | an operation that was begun offline: recorded if it is done, decided now if it waits |
//! | `notice` | what people are told about a terminal, in the merchant's feed |
//!
//! Nothing is applied twice, whatever is interrupted or sent again: a record is acknowledged only after all that follows
//! from it is durable, an operation has one record under the terminal's name for it ([`Key::offline_operation`]), and its
//! commands follow from terminal, journal and number. A terminal keeps what is not acknowledged, so the next sync goes on
//! where this one was stopped; what must follow in a sale is the sale's own intent, which the courier works off.
//!
//! [`Key::offline_operation`]: crate::store::key::Key::offline_operation

mod agreement;
pub mod journal;
pub mod notice;
pub(crate) mod operation;
pub mod sync;
