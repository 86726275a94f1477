//! Generated from `wit/`: the interfaces this host implements itself.

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
