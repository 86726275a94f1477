//! The encoding under every digest: no two values share one, because every length is written before what it measures.
//!
//! | what | how |
//! |---|---|
//! | text | its length in bytes as 8 bytes, then its UTF-8 bytes |
//! | amount | 8 bytes, two's complement |
//! | revision | 4 bytes |
//! | list | its length as 8 bytes, then its items |
//! | option | one byte, 0 for absent or 1, then the value if there is one |
//!
//! All numbers are big-endian.

/// Appends a length.
pub fn length(bytes: &mut Vec<u8>, length: usize) {
    // A `usize` is never wider than 64 bits on any target Rust has.
    bytes.extend_from_slice(&u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
}

/// Appends a text.
pub fn text(bytes: &mut Vec<u8>, text: &str) {
    length(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

/// Appends a text that may be missing.
pub fn optional(bytes: &mut Vec<u8>, value: Option<&str>) {
    bytes.push(u8::from(value.is_some()));
    if let Some(value) = value {
        text(bytes, value);
    }
}
