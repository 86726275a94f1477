//! Every limit of this crate, with its reason.

/// Longest title of a message: what phones show of a notification without cutting it. The WIT promises it.
pub const TITLE_CHARS: usize = 40;

/// Longest merchant name: more fills a slip with nothing else.
pub const MERCHANT_NAME_CHARS: usize = 128;

/// Longest free text (a reason, a provider's note) that is repeated in a message or on a slip; the rest is elided.
pub const NOTE_CHARS: usize = 160;

/// Digits of a confirmation code: fewer can be guessed, more cannot be repeated from memory.
pub const CONFIRMATION_DIGITS: core::ops::RangeInclusive<usize> = 4..=10;

/// Longest `webhook-signature` header that is looked at: sixteen signatures of the known version fit twice.
pub const SIGNATURE_BYTES: usize = 2_048;

/// Most entries of a `webhook-signature` header that are looked at: each costs one HMAC per secret.
pub const SIGNATURE_ENTRIES: usize = 16;

/// Most secrets at once: the old and the new one during a rotation, with room.
pub(crate) const SECRETS: usize = 8;

/// Length of a secret in bytes (Standard Webhooks: 24 to 64).
pub(crate) const SECRET_BYTES: core::ops::RangeInclusive<usize> = 24..=64;

/// Longest `webhook-id`: longer ones are nobody's.
pub(crate) const ID_BYTES: usize = 256;

/// The merchant's offset from UTC in minutes: the extremes in use are -12:00 and +14:00.
pub(crate) const OFFSET_MINUTES: core::ops::RangeInclusive<i32> = -720..=840;
