//! Every limit of a decider, with its reason.

use std::time::Duration;

/// Most linear memory of one instance, in bytes. Stack, code's data, a loaded policy and the largest facts need below
/// 3 MiB; a document that makes the component want more is refused instead of starving its host.
pub const MEMORY_BYTES: usize = 16 * 1024 * 1024;

/// Most entries of one function table. Ours has some hundred.
pub const TABLE_ELEMENTS: usize = 2_000;

/// Bytes of an instance's memory that stay resident when it ends, so that the next one finds its pages mapped: stack, data
/// and heap of one decision.
pub const RESIDENT_BYTES: usize = 128 * 1024;

/// Bytes of tables that stay resident likewise.
pub const RESIDENT_TABLE_BYTES: usize = 16 * 1024;

/// Stack of one call into the component outside its linear memory, in bytes: decisions do not recurse, and documents are
/// parsed to a bounded depth.
pub const WASM_STACK_BYTES: usize = 256 * 1024;

/// Most bytes of metadata of one instance. Ours needs below 8 KiB.
pub const INSTANCE_BYTES: usize = 64 * 1024;

/// Time between two ticks of the clock that ends calls which do not end by themselves.
pub const TICK: Duration = Duration::from_millis(50);

/// Ticks one call may take, loading a policy included: five seconds. A decision takes microseconds, the largest document
/// some milliseconds; but it is a clock of the wall, and on a busy machine a thread can stand still for more than a second
/// (seen with one second). What is not done after five never will be.
pub const TICKS_PER_CALL: u64 = 100;

/// Instances at once unless told otherwise: one warm, and some for decisions of their own.
pub const INSTANCES: u32 = 16;
