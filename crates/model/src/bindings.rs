//! Generated from `wit/types`.
#![allow(
    unsafe_code,
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::allow_attributes_without_reason,
    clippy::indexing_slicing,
    reason = "generated code"
)]

wit_bindgen::generate!({
    path: "../../wit/types",
    world: "rescind:types/vocabulary",
    generate_all,
    generate_unused_types: true,
    additional_derives: [PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize],
    // Names serialize as plain strings and are checked when read: see `name.rs`.
    additional_derives_ignore: [
        "sale-id", "merchant-id", "terminal-id", "person-id", "operation-id", "refund-id", "command-id", "role",
        "digest", "business-day", "case-id", "order-id", "liability-id",
    ],
});

pub use self::rescind::types::types;
