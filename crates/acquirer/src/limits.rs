//! Every limit of the simulation, with its reason.

/// Longest request body. An operation is a few hundred bytes.
pub const BODY_BYTES: usize = 64 * 1024;

/// Most references that are remembered. None is ever forgotten, because a forgotten one could pay twice; when this many
/// are known, new ones are refused.
pub const REFERENCES: usize = 100_000;

/// Most payments that are remembered: as many as references, for the same reason.
pub const PAYMENTS: usize = REFERENCES;

/// Most scripts at once: they are searched one by one.
pub const SCRIPTS: usize = 1_000;

/// Longest delay, hold or lateness a script can ask for: ten minutes, longer than any caller waits.
pub const WAIT_MS: u64 = 600_000;

/// Most connections at once; further ones wait to be accepted.
pub const CONNECTIONS: usize = 1_024;

/// Longest reference, as long as the longest name of the vocabulary.
pub(crate) const REFERENCE_BYTES: usize = 128;

/// Longest text that names a payment at the network: as long as the longest the ledger keeps.
pub(crate) const TEXT_BYTES: usize = 500;

/// Longest response code: `reversed` is the longest of ours.
pub(crate) const CODE_BYTES: usize = 8;

/// Most attempts under one reference; nobody tries that often.
pub(crate) const ATTEMPTS: u32 = 1_000_000;

/// Longest time to send a request's head: who opens a connection and says nothing is cut off.
pub(crate) const HEAD_SECONDS: u64 = 30;
