//! Salted commitments: what stands in a ledger for a text that must be erasable.
//!
//! `SHA-256("rescind-personal/1" 0 ‖ salt ‖ kind ‖ text)`, kind and text encoded as [`crate::encoding`] says. The salt is
//! 32 random bytes and is kept beside the text, nowhere else. Once both are gone, nobody can find the text by trying: there
//! are few telephone numbers, and too many salts.

use crate::Digest;
use crate::encoding::text;

/// Changes whenever the encoding does.
const VERSION: &[u8] = b"rescind-personal/1\0";

/// The commitment to a text of a kind.
#[must_use]
pub fn of(salt: &[u8; 32], kind: &str, words: &str) -> Digest {
    let mut bytes = VERSION.to_vec();
    bytes.extend_from_slice(salt);
    text(&mut bytes, kind);
    text(&mut bytes, words);
    Digest::of(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_salt_kind_or_text_is_another_commitment() {
        let one = of(&[1; 32], "phone", "13812345678");
        assert_eq!(one, of(&[1; 32], "phone", "13812345678"));
        assert_ne!(one, of(&[2; 32], "phone", "13812345678"));
        assert_ne!(one, of(&[1; 32], "note", "13812345678"));
        assert_ne!(one, of(&[1; 32], "phone", "13812345679"));
        assert_ne!(of(&[0; 32], "a", "bc"), of(&[0; 32], "ab", "c"));
    }
}
