//! The world in memory, for tests: real pure components, a store that behaves or misbehaves as real ones do, a clock
//! that moves when told to.

pub mod contract;
mod fault;
mod kv;
mod till;
mod world;

pub use fault::Fault;
pub use kv::{Calls, MemoryKv, Op, Plan, Trouble};
pub use till::Till;
pub use world::{Provider, TestPorts, World};
