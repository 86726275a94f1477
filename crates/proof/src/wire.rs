//! Texts and numbers as bytes: every text carries its length, so that two lists of texts are never the same bytes.

use alloc::string::String;
use alloc::vec::Vec;

/// Longest text in bytes: names are at most 128 (`wit/types`), with room to spare.
pub(crate) const TEXT_BYTES: usize = 255;

/// Appends a text of any length with a 4-byte length before it. Only for what is hashed or signed, never carried.
pub(crate) fn put_long(out: &mut Vec<u8>, text: &str) {
    // No text in memory is longer; were one, its bytes would still follow.
    out.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(text.as_bytes());
}

/// Appends a text that may be missing: missing and empty are different bytes.
pub(crate) fn put_long_some(out: &mut Vec<u8>, text: Option<&str>) {
    out.push(u8::from(text.is_some()));
    put_long(out, text.unwrap_or_default());
}

/// Appends a text with a 1-byte length before it; `None` if it is too long.
pub(crate) fn put_short(out: &mut Vec<u8>, text: &str) -> Option<()> {
    out.push(u8::try_from(text.len()).ok()?);
    out.extend(text.as_bytes());
    Some(())
}

/// Reads bytes from front to back; every step fails at the end.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        let length = usize::from(self.byte()?);
        let text = core::str::from_utf8(self.take(length)?).ok()?;
        Some(String::from(text))
    }

    pub(crate) fn number(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }
}
