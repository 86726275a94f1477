//! Every limit of a policy document, with its reason.

/// Largest compiled document in bytes. The packs are 2 to 3 KiB; a terminal reads one per decision at worst.
pub const DOCUMENT_BYTES: usize = 64 * 1024;

/// Largest TOML text in bytes: a compiled document plus its comments.
pub const TOML_BYTES: usize = 256 * 1024;

/// Longest name of a policy, tier, reason, kind or piece of evidence, in bytes. They are printed on slips and in keys.
pub const WORD_BYTES: usize = 64;

/// Longest version text in bytes.
pub const VERSION_BYTES: usize = 32;

/// Longest source text in bytes: a paragraph.
pub const SOURCE_BYTES: usize = 1_000;

/// Longest list of reasons, kinds, evidence rules or arrival rules: a menu nobody can read is a mistake.
pub const LIST_ITEMS: usize = 64;

/// Most approval tiers. Four levels of authority are usual.
pub const TIERS: usize = 16;

/// Most escalations of one tier.
pub const ESCALATIONS: usize = 8;

/// Most roles named in one place.
pub const ROLES: usize = 16;

/// Most persons one tier can demand. More than a handful never meet.
pub const PERSONS: u32 = 10;

/// Longest span of time in seconds: 366 days. Longer is said in days or months.
pub const SPAN_SECONDS: u32 = 366 * 86_400;

/// Most queries of one schedule. UnionPay asks six times.
pub const QUERIES: usize = 16;

/// Oldest operator's proof that can be accepted, in seconds: one of yesterday proves nothing about who stands there now.
pub const PROOF_SECONDS: u32 = 86_400;

/// Highest ceiling of a completion, in percent of its hold. Networks allow 115; tips at restaurants a little more.
pub const CEILING_PERCENT: u32 = 200;

/// Most identity rules of one way: there are three kinds of proof.
pub const IDENTITY_RULES: usize = 8;

/// Most steps of a penalty schedule.
pub const PENALTY_STEPS: usize = 16;

/// Longest retention of personal data in days: thirty years.
pub const RETENTION_DAYS: u32 = 10_958;

/// Longest refund window in days: ten years.
pub const WINDOW_DAYS: u32 = 3_660;

/// Longest refund window in months: ten years.
pub const WINDOW_MONTHS: u32 = 120;

/// Highest count of anything: operations of a day, refunds of a sale.
pub const COUNT: u32 = 1_000_000;

/// Longest arrival estimate in days.
pub const ARRIVAL_DAYS: u32 = 366;

/// Highest rate: 100 %, in millionths.
pub const RATE_MILLIONTHS: u32 = 1_000_000;

/// Farthest time zone from UTC in minutes (UTC+14:00 is the farthest in use).
pub const ZONE_MINUTES: i32 = 14 * 60;

/// Most variants of one way. They are compared two by two when a policy is loaded, and looked through for each decision.
pub const VARIANTS: usize = 32;

/// Most documents that one is put together from: provider, group, merchant, terminal class, and as many again.
pub const LAYERS: usize = 8;

/// Most places that a policy leaves to its layers: there are about so many fields.
pub const LEFT_PLACES: usize = 128;

/// Most holidays, and most workdays, of a calendar: fifteen years of China's.
pub const CALENDAR_DAYS: usize = 512;

/// Longest time over which operations are counted, in seconds: 31 days. Each operation in it has to be remembered.
pub const ROLLING_SECONDS: u32 = 31 * 86_400;

/// Most operations that can be allowed within such a time. The service remembers the newest 2,048 of each count: with that
/// many it always sees whether the limit is reached, with one more it might not.
pub const ROLLING_COUNT: u32 = 2_000;

/// Most records a terminal may hold that the server has not acknowledged. Clover's limit is 500; the storage of a small
/// terminal ends about here.
pub const OFFLINE_RECORDS: u32 = 10_000;

/// Longest list that is read at all; each has a smaller limit of its own besides. Twice the longest of those.
pub const READ_ITEMS: usize = 1_024;

/// Most diagnostics shown for one document; after that the reader starts again anyway.
pub const DIAGNOSTICS: usize = 100;
