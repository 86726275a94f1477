//! Generated from `wit/app`; the vocabulary comes from the model.
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
    path: ["../../wit/types", "../../wit/eligibility", "../../wit/refunds", "../../wit/notification", "../../wit/app"],
    world: "rescind:app/courier",
    with: { "rescind:types/types@0.2.0": rescind_model::types },
    generate_all,
});

pub use rescind::*;
