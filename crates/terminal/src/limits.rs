//! Every limit of a terminal, with its reason.

use rescind_model::Duration;

/// Largest text a caller may give in bytes: a sale with its state and what is asked about it takes some 3 KiB.
pub const ASK_BYTES: usize = 64 * 1024;

/// Largest description of a terminal in bytes: names, folders, a handful of keys.
pub const SETUP_BYTES: usize = 64 * 1024;

/// Terminals open at once in one process through the C ABI: a device has one, a test bench a few.
pub const HANDLES: usize = 8;

/// Instances of the component at once: the one that is kept. A bundle that is tried has an engine of its own.
pub const INSTANCES: u32 = 1;

/// Longest time between a question to the server and its answer for which the answer still tells the time. Half of it is
/// how wrong the time can then be, which is part of [`ClockQuality::base`](crate::ClockQuality::base).
pub const ROUND_TRIP: Duration = Duration { ms: 10_000 };

/// How wrong a clock is of which nothing is known. No limit in time is farther away, so nothing is decided by it.
pub const UNKNOWN_BOUND: Duration = Duration { ms: 100 * 366 * 86_400_000 };

/// Most that a crystal may be stated to drift, in parts per million. Beyond this it is no clock.
pub const DRIFT_PPM: u32 = 10_000;

/// By how much the wall clock may fall behind the monotonic one, besides their drift, before it counts as set back: it is
/// disciplined in steps below a second.
pub const STEP: Duration = Duration { ms: 2_000 };

/// Most operations kept of one sale: a ledger has no more.
pub const OPERATIONS: usize = 64;

/// Records read from the journal at once.
pub const PAGE: usize = 256;
