//! Every limit of the vocabulary, with its reason.

/// Longest name (sale, refund, person …) in bytes. Keys are made of up to four names and must stay below the 1,024
/// bytes that the strictest store (DynamoDB, sort key) takes.
pub const NAME_BYTES: usize = 128;

/// Largest amount in minor units: 999,999,999,999.99 of a two-decimal currency. Sums of 90,000 of them still fit an `i64`.
pub const AMOUNT_MINOR: i64 = 99_999_999_999_999;

/// Shortest and longest card number (ISO/IEC 7812).
pub const CARD_DIGITS: core::ops::RangeInclusive<usize> = 12..=19;
