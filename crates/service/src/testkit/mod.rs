//! The world in memory, for tests: real pure components, a store that behaves or misbehaves as real ones do, a clock
//! that moves when told to.

mod kv;
mod till;
mod world;

pub use kv::{Calls, Fault, MemoryKv, Op, Plan, Trouble};
pub use till::Till;
pub use world::{Provider, TestPorts, World};
