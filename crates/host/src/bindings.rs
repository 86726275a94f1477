//! Generated from `wit/`: the interfaces this host implements itself.

#[expect(
    clippy::all,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "generated code is not ours to change"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "rescind:host/imports",
        imports: { default: trappable },
        with: {
            "wasi:keyvalue/store.bucket": crate::keyvalue::Bucket,
            "wasi:keyvalue/atomics.cas": crate::keyvalue::Cas,
        },
    });
}

pub(crate) use generated::{spin, wasi};
