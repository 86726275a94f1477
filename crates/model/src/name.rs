//! Names: sales, merchants, persons, operations, roles. Printable ASCII without spaces, short enough to be part of a key.

use crate::limits::NAME_BYTES;
use crate::{
    CaseId, CommandId, Digest, LiabilityId, MerchantId, OperationId, OrderId, PersonId, RefundId, Role, SaleId,
    TerminalId,
};
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: expected 1 to {NAME_BYTES} characters of A-Z a-z 0-9 . _ - @ ~, found {found}")]
pub struct BadName {
    what: &'static str,
    found: String,
}

/// The characters a name may hold: safe in URLs, in keys of every store (Cosmos forbids `/ \ ? # '`), and in logs.
/// `:` is left out: it separates names within keys.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= NAME_BYTES
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@' | b'~'))
}

fn describe(text: &str) -> String {
    if text.is_empty() {
        "nothing".to_owned()
    } else if text.len() > NAME_BYTES {
        format!("{} bytes", text.len())
    } else {
        match text.chars().find(|c| !is_name(&c.to_string())) {
            Some(c) => format!("the character {c:?}"),
            None => "something else".to_owned(),
        }
    }
}

macro_rules! names {
    ($($name:ident $what:literal;)*) => {$(
        impl $name {
            /// Takes a text as a name.
            ///
            /// # Errors
            /// [`BadName`] if it is empty, too long, or holds a character that names do not have.
            pub fn parse(text: &str) -> Result<Self, BadName> {
                if is_name(text) {
                    Ok(Self { value: text.to_owned() })
                } else {
                    Err(BadName { what: $what, found: describe(text) })
                }
            }

            /// The name's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.value
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.value)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool { self.value == other.value }
        }
        impl Eq for $name {}
        impl core::hash::Hash for $name {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) { self.value.hash(state); }
        }
        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> { Some(self.cmp(other)) }
        }
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> core::cmp::Ordering { self.value.cmp(&other.value) }
        }
        impl core::str::FromStr for $name {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> { Self::parse(text) }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.value)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    )*};
}

names! {
    SaleId "sale id";
    MerchantId "merchant id";
    TerminalId "terminal id";
    PersonId "person id";
    OperationId "operation id";
    RefundId "refund id";
    CommandId "command id";
    CaseId "referral id";
    OrderId "order id";
    LiabilityId "liability id";
    Role "role";
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("digest: expected 64 lower-case hexadecimal digits (a SHA-256)")]
pub struct BadDigest;

impl Digest {
    /// The SHA-256 of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        let hash = sha2::Sha256::digest(bytes);
        let mut hex = String::with_capacity(64);
        for byte in hash {
            for nibble in [byte >> 4, byte & 15] {
                hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        Self { hex }
    }

    /// Takes a text as a digest.
    ///
    /// # Errors
    /// [`BadDigest`] if it is not 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, BadDigest> {
        if text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(Self { hex: text.to_owned() })
        } else {
            Err(BadDigest)
        }
    }

    /// The hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.hex
    }

    /// The first 16 hexadecimal digits, enough to tell digests apart in a text for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.hex.get(..16).unwrap_or(&self.hex)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex)
    }
}
impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.hex == other.hex
    }
}
impl Eq for Digest {}
impl core::hash::Hash for Digest {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.hex.hash(state);
    }
}
impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex)
    }
}
impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_only_what_every_store_and_url_takes() {
        for good in ["S-1", "a.b_c~d@e", "0"] {
            assert_eq!(SaleId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "a:b", "售", "a\n", "?", &"x".repeat(129)] {
            assert!(SaleId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_digest_is_the_sha_256() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").as_str(), empty);
        assert!(Digest::parse(&empty.to_uppercase()).is_err());
    }
}
