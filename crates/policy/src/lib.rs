//! The policy document: what a provider's rules say, in a form that is written by people, checked as a whole, and read by
//! the component that decides.
//!
//! A policy is written in TOML and **compiled** (feature `compile`) into its **canonical form**; only that form is
//! stored, hashed, signed, sent to terminals and decided from.
//!
//! # Why a canonical form
//!
//! A decision names the policy that made it by hash, and anyone must be able to check that hash: a terminal in ten years,
//! an auditor with another language. So equal content has to be equal bytes. The form is JSON after RFC 8785: keys sorted,
//! no spaces, one way to escape a text. The part of RFC 8785 that is hard to implement (numbers) is left out: there are
//! integers below 2^53 and texts only, no fraction, no null. A comment or a line break in the TOML changes no hash; any
//! value does. The form begins to be read with its `format`, and a reader refuses a format it does not know, a field it
//! does not know, and bytes that it would have written differently; so there is nothing in a policy that was hashed
//! but not understood.
//!
//! # Why TOML for people
//!
//! A policy has comments (each value's source), amounts as texts (`"100.00"`) and spans with their unit (`"30 minutes"`),
//! and a mistake is shown at its place in the file, all mistakes at once.
//!
//! # Layers
//!
//! A merchant restricts its provider's policy, and a class of terminals the merchant's, in a file of its own that says only
//! what it restricts. `compile_layers` (feature `compile`) makes one effective document of them, in which the stricter of each field
//! holds. Nothing that decides knows of layers. Which way a new version went ([`Comparison`], feature `compile`) is judged by the
//! same table.
//!
//! ```
//! # #[cfg(feature = "compile")] {
//! let compiled = rescind_policy::compile(include_str!("../../../policies/lakala.toml"), "lakala.toml").unwrap();
//! let policy = rescind_policy::Policy::from_canonical(compiled.canonical()).unwrap();
//! assert_eq!(policy.identity().hash, *compiled.hash());
//!
//! let shop = r#"
//! format = 1
//! layer = "merchant"
//! extends = "lakala"
//! name = "shop"
//! version = "1.0.0"
//! source = "the shop's own rules"
//! [void]
//! window = "10 minutes"
//! "#;
//! let lakala = include_str!("../../../policies/lakala.toml");
//! let compiled = rescind_policy::compile_layers(&[(lakala, "lakala.toml"), (shop, "shop.toml")]).unwrap();
//! assert_eq!(compiled.document().void.as_ref().unwrap().window.unwrap().seconds(), 600);
//! # }
//! ```

pub mod business_day;
mod canonical;
pub mod check;
#[cfg(feature = "compile")]
mod compile;
pub mod document;
pub mod limits;
mod matcher;
pub mod scalar;
#[cfg(feature = "schema")]
mod schema;
mod strictness;
mod terms;
pub mod word;
mod working_days;

pub use canonical::{LoadError, Policy, canonical};
#[cfg(feature = "compile")]
pub use compile::{
    Comparison, Compiled, Course, Diagnostic, Diagnostics, Held, Order, compile, compile_layers, extends,
};
pub use document::Document;
#[cfg(feature = "schema")]
pub use schema::schema;
pub use working_days::WorkingDays;
