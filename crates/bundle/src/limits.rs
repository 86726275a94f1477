//! Every limit of a bundle, with its reason.

/// Largest bundle in bytes. The component takes less than 1 MB natively; two slots of this size fit 16 MB of flash.
pub const BUNDLE_BYTES: usize = 6 * 1024 * 1024;

/// Largest translated component in bytes: five times what ours takes.
pub const CODE_BYTES: usize = 4 * 1024 * 1024;

/// Most policies: one for each class of terminal.
pub const POLICIES: usize = 16;

/// Largest policy in bytes: what a policy document may have.
pub const POLICY_BYTES: usize = 64 * 1024;

/// Most keys that check operators' proofs. There is one, and for two minutes its predecessor.
pub const PROOF_KEYS: usize = 16;

/// Most keys that are trusted at once, and most that are remembered as retired.
pub const KEYS: usize = 16;

/// Most changes of keys a bundle can carry: one a year for longer than any terminal lives.
pub const CHANGES: usize = 64;

/// Largest change of keys in bytes: [`KEYS`] keys twice, with their frame.
pub const CHANGE_BYTES: usize = 8 * 1024;

/// Longest public key in bytes. Ed25519 takes 32, SM2 65.
pub const PUBLIC_KEY_BYTES: usize = 128;

/// Longest signature in bytes. Ed25519 takes 64, SM2 in DER 72.
pub const SIGNATURE_BYTES: usize = 128;

/// Longest name, target or version in bytes. They are shown in one line.
pub const TEXT_BYTES: usize = 128;

/// Longest protected header in bytes: all changes of keys, and a little.
pub const HEADER_BYTES: usize = CHANGES * CHANGE_BYTES + 1_024;

/// Latest instant in ms since the Unix epoch: the end of the year 9999.
pub const LAST_UNIX_MS: i64 = 253_402_300_799_999;
