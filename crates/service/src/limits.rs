//! Every limit of the service, with its reason.

use rescind_model::Duration;

/// Longest sale id in bytes. Operation ids are a sale id, `~` and 16 digits, and must be names (128 bytes) themselves.
pub const SALE_ID_BYTES: usize = 100;

/// Largest stored value. DynamoDB takes 400 kB with its own attributes, Akamai 1 MB.
pub const VALUE_BYTES: usize = 380_000;

/// Size of a sale's record from which it takes no new void or refund: the other half is for those under way to end.
pub const SALE_BYTES: usize = 190_000;

/// Size of a sale's record from which persons can no longer agree to, decide or end what is in it: what is left is for
/// outcomes, which are always taken in.
pub const SALE_BYTES_TO_END: usize = 285_000;

/// Events from which a sale's size is looked at; fewer cannot reach [`SALE_BYTES`].
pub const EVENTS_TO_WEIGH: usize = 100;

/// Longest key. DynamoDB's limit for a sort key is 1,024 bytes; Cosmos takes 1,023.
pub const KEY_BYTES: usize = 512;

/// Entries in one page of a list: 128 short entries stay well below [`VALUE_BYTES`] and a rewrite stays cheap.
pub const PAGE_ENTRIES: usize = 128;

/// Entries in one page of a list: [`PAGE_ENTRIES`].
#[cfg(not(feature = "testkit"))]
#[must_use]
#[inline(always)]
pub const fn page_entries() -> usize {
    PAGE_ENTRIES
}

#[cfg(feature = "testkit")]
std::thread_local! {
    static PAGES: core::cell::Cell<usize> = const { core::cell::Cell::new(PAGE_ENTRIES) };
}

/// Entries in one page of a list: [`PAGE_ENTRIES`], unless this thread made its pages small.
#[cfg(feature = "testkit")]
#[must_use]
pub fn page_entries() -> usize {
    PAGES.get()
}

/// Makes pages small for whoever works in this thread, so that a short test meets full ones. At most [`PAGE_ENTRIES`]; at
/// least 1.
#[cfg(feature = "testkit")]
pub fn make_pages(entries: usize) {
    PAGES.set(entries.clamp(1, PAGE_ENTRIES));
}

/// Intents in one lane: as many wait at once before whoever comes next is told to come back.
pub const LANE_INTENTS: usize = 128;

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

/// Swaps of which none takes place before a store is said to have none: where one in six operations fails, that all of these
/// do while every read and write succeeds comes once in some hundred thousand probes.
pub const PROBE_SWAPS: u32 = 8;

/// Longest idempotency key (the IETF draft leaves it open; Stripe takes 255).
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;

/// How long a request may hold an idempotency key before another takes over. Longer than any request lives
/// (`rescind serve` ends them after 30 seconds).
pub const IDEMPOTENCY_LEASE: Duration = Duration { ms: 35_000 };

/// How long an intent may wait for the commit it announces. Longer than any request lives.
pub const INTENT_PATIENCE: Duration = Duration { ms: 120_000 };

/// Unconfirmed reservations in one tally: more than requests can be in flight.
pub const TALLY_OPEN: usize = 512;

/// Activations of a policy that are read with each decision; older ones lie on pages of their own. Ten changes a day for a
/// week, in 16 kB.
pub const ACTIVATIONS: usize = 64;

/// Activations of a policy that wait for their time.
pub const ACTIVATIONS_AHEAD: usize = 32;

/// How long before its time an activation can still be taken back. By the clock of another instance it may hold a little
/// earlier; as [`PROOF_SKEW`].
pub const CANCEL_AHEAD: Duration = Duration { ms: 5_000 };

/// Differences between a candidate and what is in force that are kept for each merchant, the newest.
pub const SHADOW_DIFFERENCES: usize = 100;

/// Kinds of difference that are counted apart for each merchant; those beyond are counted together.
pub const SHADOW_KINDS: usize = 128;

/// Decisions that one request compares: some hundred reads. What is beyond waits for the next.
pub const SHADOW_DECISIONS: usize = 500;

/// Merchants whose comparison one answer sums up.
pub const SHADOW_MERCHANTS: usize = 50;

/// Days back from today that are looked at for decisions to compare: a candidate is tried for weeks.
pub const SHADOW_DAYS: i64 = 62;

/// Decisions of one lane that one step of retention removes.
pub const DECISIONS_AT_ONCE: usize = 4 * PAGE_ENTRIES;

/// Terminal classes with a policy of their own, per merchant.
pub const POLICIES_BY_CLASS: usize = 16;

/// Operations that one count over a moving span remembers, the newest: with names of 34 characters less than half of
/// [`VALUE_BYTES`]. More than any policy can ask for (2,000), so that what is forgotten changes no answer.
pub const ROLLING_COUNTED: usize = 2_048;

/// How long such an operation is remembered: the longest span that a policy can ask for, 31 days. A policy with a longer span
/// than the one before it then finds what was done before.
pub const ROLLING_KEPT: Duration = Duration { ms: 31 * 86_400_000 };

/// Longest free text (notes, reasons) in bytes, after masking.
pub const TEXT_BYTES: usize = 500;

/// Largest request body in bytes.
pub const BODY_BYTES: usize = 64 * 1024;

/// Largest piece of evidence in one request, and largest part of a larger one: one value of the store, with room to spare
/// below [`VALUE_BYTES`].
pub const EVIDENCE_PART_BYTES: usize = 256 * 1024;

/// Parts of a piece of evidence: 5 MiB in all, a good photograph or a scanned contract.
pub const EVIDENCE_PARTS: usize = 20;

/// Largest bundle: what terminals take.
pub const BUNDLE_BYTES: usize = rescind_bundle::limits::BUNDLE_BYTES;

/// Largest part of a bundle: one value of the store, as [`EVIDENCE_PART_BYTES`].
pub const BUNDLE_PART_BYTES: usize = 256 * 1024;

/// Engines that bundles of one line are published for: seven kinds of processor and byte code, and four versions of the
/// engine in the field at once. They lie in one record; each takes 16 policies and some 5 kB at most.
pub const BUNDLES_OF_A_LINE: usize = 28;

/// Uploads of one line under way, broken off, or replaced a moment ago: a new version for each engine, twice over.
pub const BUNDLE_UPLOADS: usize = 2 * BUNDLES_OF_A_LINE;

/// After which an upload cannot be under way any more, nor somebody still be reading what was replaced: longer than any
/// request lives.
pub const BUNDLE_LEAVES: Duration = INTENT_PATIENCE;

/// How long parts wait for the rest of the evidence.
pub const EVIDENCE_UPLOAD_WAITS: Duration = Duration { ms: 86_400_000 };

/// Sales that are looked at before evidence is erased: as many as one answer lists.
pub const EVIDENCE_SALES: usize = LIST_LIMIT;

/// Notes and contacts of one payment: two for each refund it can have, one for itself, and some whose command is under way.
pub const PERSONAL_ITEMS: usize = 160;

/// Reviewers' questions about one payment. They are counted apart, so that none takes the place of a note: 64 refunds with 16
/// questions each would not fit. With these and [`PERSONAL_ITEMS`], texts of [`TEXT_BYTES`] of which every byte takes two to
/// write stay below [`VALUE_BYTES`].
pub const PERSONAL_QUESTIONS: usize = 96;

/// Commitments that one command says were erased (`rescind:refunds` takes as many).
pub const ERASED_AT_ONCE: usize = 64;

/// A day in ms.
pub const DAY_MS: i64 = 86_400_000;

/// Days of retention that one tick works off: after a year's standstill it catches up within a dozen ticks.
pub const RETENTION_DAYS_AT_ONCE: u32 = 32;

/// What one tick erases at most, so that it leaves time for money.
pub const RETENTION_ITEMS_AT_ONCE: u32 = 64;

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

/// Longest name for people (merchants, persons, labels), in characters: it is printed on slips and shown in lists.
pub const LABEL_CHARS: usize = 64;

/// Shortest admin token that a deployment may give: 128 bits as hexadecimal digits. A shorter one is no token.
pub const ADMIN_TOKEN_BYTES: usize = 32;

/// Merchants at which one person has roles: the grants are one record, read with each request of the person's.
pub const GRANTS: usize = 64;

/// Roles of a person at one merchant: a policy names at most as many in one place.
pub const GRANT_ROLES: usize = 16;

/// Users of one reviewers' system: they are one record, read with each webhook.
pub const PRINCIPALS: usize = 64;

/// Longest name of such a user, in bytes.
pub const PRINCIPAL_BYTES: usize = 128;

/// Wall clocks there are: from UTC-12 to UTC+14, in minutes.
pub const UTC_OFFSET_MINUTES: core::ops::RangeInclusive<i32> = -720..=840;

/// Longest address of a webhook endpoint, in bytes.
pub const URL_BYTES: usize = 1_024;

/// How long the first person's word about an operation that no evidence will end waits for the second's: a working day
/// and its night.
pub const PROPOSAL_HOLDS: Duration = Duration { ms: 86_400_000 };

/// How long after the first of two persons said that an operation did not take place the second may say so: by then whatever was
/// being sent again when the first spoke has arrived. As long as [`INTENT_PATIENCE`], which no request outlives.
pub const WORDS_APART: Duration = INTENT_PATIENCE;

/// One second: the shortest bucket of due times, in ms.
pub const SECOND_MS: i64 = 1_000;

/// Widths of buckets of due times by how far away the time is, both in ms: seconds within a minute, minutes within an
/// hour, hours within two days, then days. So the index of buckets stays short: 60 + 60 + 48, and a few days.
pub const BUCKET_WIDTHS: [(i64, i64); 4] = [
    (60 * SECOND_MS, SECOND_MS),
    (3_600 * SECOND_MS, 60 * SECOND_MS),
    (172_800 * SECOND_MS, 3_600 * SECOND_MS),
    (i64::MAX, 86_400 * SECOND_MS),
];

/// Waits between deliveries to an endpoint that fails, in seconds: soon at first, then seldom; the last for ever.
pub const DELIVERY_BACKOFF: [u32; 6] = [5, 30, 120, 600, 1_800, 3_600];

/// When a sale that could not be worked on is tried again: it must not take up every tick.
pub const AFTER_ERROR: Duration = Duration { ms: 30_000 };

/// When a step that is not ours to take is looked at again: another courier is at it, or no provider is configured.
pub const NOT_OURS_NOW: Duration = Duration { ms: 5_000 };

/// When a sale that used up its steps in one tick is worked on again.
pub const NEXT_STEPS: Duration = Duration { ms: 1_000 };

/// Time one endpoint may take of a tick, so that a slow one leaves some for the others.
pub const ENDPOINT_SLICE: Duration = Duration { ms: 1_000 };

/// How long an endpoint that used up its time waits for its next turn.
pub const SLOW_WAITS: Duration = Duration { ms: 2_000 };

/// Steps one sale may take in one tick: sent, answered, and room for a second operation.
pub const STEPS: u8 = 6;

/// Memory of one PIN's hash, in KiB: with five passes one of the settings that OWASP recommends for Argon2id. A request runs
/// in an instance of at most 64 MiB that keeps what it has grown to, so the setting with the least memory is the right one.
pub const PIN_MEMORY_KIB: u32 = 7 * 1024;

/// Passes over that memory. A hash takes tens of milliseconds: nothing to whoever types a PIN, all the difference to
/// whoever tries a million.
pub const PIN_PASSES: u32 = 5;

/// Wrong PINs in a row after which an operator is locked until reset: a cashier mistypes, and PCI DSS allows 10.
pub const PIN_ATTEMPTS: u32 = 5;

/// Wrong PINs since the PIN was set after which an operator is locked, however often the right one came in between.
pub const PIN_ATTEMPTS_EVER: u32 = 30;

/// Wrong PINs under one holder's keys, over all numbers, within [`BEARER_WINDOW`]: a till sees a shift change, not a search.
pub const BEARER_ATTEMPTS: u32 = 20;

/// How long wrong PINs count towards [`BEARER_ATTEMPTS`], from the first.
pub const BEARER_WINDOW: Duration = Duration { ms: 3_600_000 };

/// How long a PIN that somebody else set can be exchanged for an own one: until the operator's next shift.
pub const SET_PIN_LIFETIME: Duration = Duration { ms: 86_400_000 };

/// Devices of one operator: a telephone and its successor, twice.
pub const OPERATOR_DEVICES: usize = 4;

/// Sessions of one operator at a time; the oldest gives way. They lie in one record.
pub const OPERATOR_SESSIONS: usize = 16;

/// Used challenges that are remembered per operator until they expire; more within their two minutes are no work.
pub const USED_CHALLENGES: usize = 64;

/// How long a session holds without being used.
pub const SESSION_IDLE: Duration = Duration { ms: 15 * 60_000 };

/// How long a session holds at most: a shift.
pub const SESSION_LIFETIME: Duration = Duration { ms: 8 * 3_600_000 };

/// How much of a session's idleness may go by before its use is written down: not every request writes.
pub const SESSION_TOUCH: Duration = Duration { ms: 60_000 };

/// How long a challenge waits for its signature: as long as it takes to scan a code.
pub const CHALLENGE_LIFETIME: Duration = Duration { ms: 120_000 };

/// How long a proof holds: from the PIN to the request that needs it, with one retry.
pub const PROOF_LIFETIME: Duration = Duration { ms: 120_000 };

/// How far the clocks of two instances may be apart when one checks what the other signed.
pub const PROOF_SKEW: Duration = Duration { ms: 5_000 };

/// Signing keys that are remembered, retired ones included. A proof outlives its key's retirement by minutes only.
pub const PROOF_KEYS: usize = 8;

/// How long a customer has to repeat a code.
pub const CONFIRMATION_LIFETIME: Duration = Duration { ms: 600_000 };

/// Tries to repeat one code: 5 in 1,000,000 is the chance of whoever guesses.
pub const CONFIRMATION_TRIES: u32 = 5;

/// Codes for one sale within [`CONFIRMATION_WINDOW`]: bounds both the guesses and the messages a customer gets.
pub const CONFIRMATIONS: usize = 5;

/// How long a code counts towards [`CONFIRMATIONS`].
pub const CONFIRMATION_WINDOW: Duration = Duration { ms: 86_400_000 };

/// Longest address of a customer: an e-mail address has at most 254 bytes.
pub const CONTACT_BYTES: usize = 254;

/// Messages to customers that wait in one lane of the outbox; they wait for minutes.
pub const OUTBOX_MESSAGES: usize = 128;

/// Those of one merchant.
pub const OUTBOX_MESSAGES_OF_ONE: usize = 16;

/// Reversals of one terminal that are looked at before its next sale. It owes one at a time, unless troubles of the past
/// are reported late.
pub const OUTSTANDING: usize = 32;

/// Business days a merchant's books tell apart: two months, as long as questions about one come in.
pub const BOOK_DAYS: i64 = 62;

/// Events that one request takes into a merchant's books: some hundred reads. What is beyond waits for the tick.
pub const BOOK_EVENTS: usize = 1_000;

/// Refunds for which funds are held at once, and payments into funds under way: more than requests can be in flight, and
/// few enough for one record.
pub const FUNDING_HOLDS: usize = 512;

/// When a hold of funds ends whatever became of it: the books have long read what its ledger says.
pub const HOLD_ENDS: Duration = Duration { ms: 86_400_000 };

/// Longest id of a payment into funds: a bank's own reference has up to 35 characters.
pub const FUNDS_ID_BYTES: usize = 64;

/// Entries of the feed that one export looks through for those of its payment, from the endpoint that is furthest behind on:
/// 1,024 pages, which an endpoint that fails for days may have before it. Read without their payments, a page is one read.
pub const EXPORT_SCAN: usize = 131_072;

/// How long one sync goes on taking up records; what is left is not acknowledged and comes with the next. Well below what a
/// request may live.
pub const SYNC_BUDGET: Duration = Duration { ms: 10_000 };

/// Work that one sync takes up: a record that changes a sale counts [`SYNC_OPERATION`], one that only registers or keeps
/// something 1. An operation is at most some forty calls of the store, of which a slow one makes a few hundred in a second.
pub const SYNC_WORK: usize = 96;

/// What an operation counts for in [`SYNC_WORK`].
pub const SYNC_OPERATION: usize = 4;

/// How long a sync may hold its terminal's journal before another takes over: as [`IDEMPOTENCY_LEASE`].
pub const SYNC_LEASE: Duration = IDEMPOTENCY_LEASE;

/// Refused batches of one terminal that are reported one by one within [`BAD_BATCH_WINDOW`]. More of them say nothing new,
/// and must not flood the feed.
pub const BAD_BATCHES: u32 = 16;

/// How long refused batches count towards [`BAD_BATCHES`].
pub const BAD_BATCH_WINDOW: Duration = Duration { ms: 3_600_000 };

/// Notices about terminals that may be on their way into a feed at once: requests under way, and those that were
/// interrupted since the last tick.
pub const NOTICES_WAITING: usize = 256;

/// Longest words about a notice, in bytes.
pub const NOTICE_BYTES: usize = 1_000;

/// How long after a day's end its checkpoint waits: for requests that began before ([`INTENT_PATIENCE`]), for what they left to be
/// published, and for clocks that are behind.
pub const CHECKPOINT_WAITS: Duration = Duration { ms: 600_000 };

/// Pages in one volume of a checkpoint: some 100 kB, in the record that says how far a checkpoint is.
pub const CHECKPOINT_PAGES: usize = 512;

/// Volumes in one checkpoint, in the same record: 33 million events. A day with more has several checkpoints.
pub const CHECKPOINT_VOLUMES: usize = 512;

/// Steps towards checkpoints in one tick. Most take in a page: at most 128 payments are read for it, so a tick reads two thousand
/// at most, and a million events take some 500 ticks.
pub const CHECKPOINT_STEPS_AT_ONCE: u32 = 16;

/// Merchants that one tick looks at for their checkpoints: two reads each, for one at which nothing happened.
pub const CHECKPOINT_MERCHANTS_AT_ONCE: usize = 200;

/// Checkpoints that are looked through for one event. It is in that of its day, or one soon after.
pub const CHECKPOINT_SCAN: usize = 512;

/// Checkpoints before an event's day that are looked through for it, unless it is asked for by number: only a clock that was
/// ahead can put it there.
pub const CHECKPOINT_BEHIND: usize = 8;

/// Keys that ever signed checkpoints: none is forgotten. One a year is many.
pub const CHECKPOINT_KEYS: usize = 64;
