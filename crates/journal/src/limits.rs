//! Every limit of a journal, with its reason.

/// Largest record in bytes. A decision with everything it depended on takes 3 to 6 KiB.
pub const RECORD_BYTES: usize = 64 * 1024;

/// Most records in one batch: what a server carries out within the time of one request.
pub const BATCH_RECORDS: usize = 256;

/// Largest sum of a batch's records in bytes; a batch holds at least one record all the same.
pub const BATCH_RECORD_BYTES: usize = 512 * 1024;

/// Largest batch in bytes, frame and signature included.
pub const BATCH_BYTES: usize = BATCH_RECORD_BYTES + 64 * 1024;

/// Most records a journal may be opened for: a busy terminal's month.
pub const RECORDS: u64 = 20_000;

/// Most bytes of records a journal may be opened for: half of what 256 MB of flash can spare with copies and slack.
pub const BYTES: u64 = 64 * 1024 * 1024;

/// Records beyond the room, for what is no new business and must not be lost: outcomes, anchors, bundles, incidents.
pub const RESERVE_RECORDS: u64 = 256;

/// Bytes beyond the room, for the same.
pub const RESERVE_BYTES: u64 = 1024 * 1024;

/// Most records written at once: a decision, its operation, and what came with them.
pub const APPEND_RECORDS: usize = 16;

/// Most currencies counted. A terminal has one, at a border two.
pub const CURRENCIES: usize = 8;

/// Most business days counted. Older days than the newest of these are forgotten.
pub const DAYS: usize = 16;

/// Longest text in an entry, in bytes.
pub const TEXT_BYTES: usize = 1_024;

/// Longest operator's proof in bytes: what `rescind-proof` signs at most.
pub const PROOF_BYTES: usize = 4_096;

/// Largest acknowledgement in bytes: an answer with a sentence for each record of a batch.
pub const ACKNOWLEDGEMENT_BYTES: usize = 512 * 1024;
