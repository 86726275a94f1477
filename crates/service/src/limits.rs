//! Every limit of the service, with its reason.

use rescind_model::Duration;

/// Longest sale id in bytes. Operation ids are a sale id, `~` and 16 digits, and must be names (128 bytes) themselves.
pub const SALE_ID_BYTES: usize = 100;

/// Largest stored value. DynamoDB takes 400 kB with its own attributes, Akamai 1 MB.
pub const VALUE_BYTES: usize = 380_000;

/// Size of a sale's record from which it takes no new void or refund: the other half is for those under way to end.
pub const SALE_BYTES: usize = 190_000;

/// Events from which a sale's size is looked at; fewer cannot reach [`SALE_BYTES`].
pub const EVENTS_TO_WEIGH: usize = 100;

/// Longest key. DynamoDB's limit for a sort key is 1,024 bytes; Cosmos takes 1,023.
pub const KEY_BYTES: usize = 512;

/// Entries in one page of a list: 128 short entries stay well below [`VALUE_BYTES`] and a rewrite stays cheap.
pub const PAGE_ENTRIES: usize = 128;

/// Most items one answer lists.
pub const LIST_LIMIT: usize = 100;

/// Items an answer lists unless told otherwise.
pub const LIST_DEFAULT: usize = 20;

/// Lanes that intents are spread over, so that requests on different sales seldom meet on one record.
pub const LANES: u8 = 16;

/// Attempts to win a compare-and-swap before the caller is told to come back. Each loss means somebody else won.
pub const SWAP_ATTEMPTS: u32 = 64;

/// Attempts to prove a write whose outcome is unclear.
pub const PROOF_ATTEMPTS: u32 = 4;

/// Longest idempotency key (the IETF draft leaves it open; Stripe takes 255).
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;

/// How long a request may hold an idempotency key before another takes over. Longer than any request lives
/// (`rescind serve` ends them after 30 seconds).
pub const IDEMPOTENCY_LEASE: Duration = Duration { ms: 35_000 };

/// How long an intent may wait for the commit it announces. Longer than any request lives.
pub const INTENT_PATIENCE: Duration = Duration { ms: 120_000 };

/// Unconfirmed reservations in one tally: more than requests can be in flight.
pub const TALLY_OPEN: usize = 512;

/// Longest free text (notes, reasons) in bytes, after masking.
pub const TEXT_BYTES: usize = 500;

/// Largest request body in bytes.
pub const BODY_BYTES: usize = 64 * 1024;

/// Longest tolerated difference between a reviewer's clock and ours (Standard Webhooks recommends 5 minutes).
pub const WEBHOOK_TOLERANCE: Duration = Duration { ms: 300_000 };

/// Webhook endpoints per merchant.
pub const ENDPOINTS: usize = 16;

/// Provider operations and deliveries carried out side by side in one tick.
pub const PARALLEL: usize = 16;

/// How long one tick goes on taking up new work; what is left waits for the next.
pub const TICK_BUDGET: Duration = Duration { ms: 10_000 };

/// Commands a sale remembers besides those in its events: a write is looked for within moments, not after 16 others.
pub const RECENT_COMMANDS: usize = 16;
