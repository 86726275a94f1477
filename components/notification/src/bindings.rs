//! Generated from `wit/notification`; the vocabulary comes from the model.
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
    path: ["../../wit/types", "../../wit/notification"],
    world: "rescind:notification/notification",
    with: { "rescind:types/types@0.2.0": rescind_model::types },
    generate_unused_types: true,
    additional_derives: [PartialEq, Eq],
    pub_export_macro: true,
});
