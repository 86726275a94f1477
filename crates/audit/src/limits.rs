//! Every limit of this crate, with its reason.

/// Largest export that is read, in bytes. A payment's record has at most 380 kB; written out, with its checkpoints, a few times
/// that.
pub const EXPORT_BYTES: usize = 8 * 1024 * 1024;

/// Checkpoints in one export: a year of days, and some.
pub const CHECKPOINTS: usize = 400;

/// Largest payload of a checkpoint: names of 128 bytes, hashes and numbers.
pub const CHECKPOINT_BYTES: usize = 1_024;

/// Hashes between a leaf and its root: trees of this crate's users have at most 512 leaves, those of strangers up to 2⁶³.
pub const SIBLINGS: usize = 64;
