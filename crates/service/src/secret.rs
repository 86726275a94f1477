//! The pepper: 32 random bytes of this deployment, made once and kept under a key of their own.
//!
//! What it is good for: whoever gets hold of operators' records, or of confirmations (a dump of a part, an export, a log of
//! values), cannot try PINs and codes without it. What it is not good for: it lies in the same store, so whoever has all
//! of the store has it too, and a PIN of six digits then falls within hours whatever the hash. Then every PIN has to be
//! set anew. Access to the store is what protects; this narrows what a partial leak gives away.

use crate::app::App;
use crate::error::Error;
use crate::ports::Ports;
use crate::store::Record;
use crate::store::key::Key;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The stored form. No `Debug`: it must not end up in a message.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Secret {
    /// 64 hexadecimal digits.
    hex: String,
}

impl Record for Secret {
    const FORMAT: &'static str = "secret/1";
    fn holds(&self, id: &str) -> bool {
        self.hex == id
    }
}

/// The pepper. No `Debug`, and gone with the request.
pub(crate) struct Pepper([u8; 32]);

impl Pepper {
    /// Its bytes, for the hash that takes a secret.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A keyed digest of some parts, for one purpose: HMAC-SHA256 in hexadecimal digits.
    pub(crate) fn seal(&self, purpose: &str, parts: &[&str]) -> Result<String, Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(|e| Error::Internal(e.to_string()))?;
        for part in core::iter::once(&purpose).chain(parts) {
            let length = u64::try_from(part.len()).map_err(|e| Error::Internal(e.to_string()))?;
            mac.update(&length.to_be_bytes());
            mac.update(part.as_bytes());
        }
        Ok(hex_of(&mac.finalize().into_bytes()))
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Hexadecimal digits as so many bytes.
pub(crate) fn bytes_of<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let digits: Vec<u8> =
        hex.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some((high << 4) | low),
            _ => None,
        })
        .collect::<Option<_>>()?;
    bytes.try_into().ok()
}

impl<P: Ports> App<P> {
    /// The pepper of this deployment; made at the first call there ever is.
    pub(crate) async fn pepper(&self) -> Result<Pepper, Error> {
        self.secret("pepper").await
    }

    /// What salts the heads in checkpoints. Apart from the pepper: it may be shown to whoever has to make old trees again.
    pub(crate) async fn checkpoint_salt(&self) -> Result<Pepper, Error> {
        self.secret("checkpoint-salt").await
    }

    async fn secret(&self, of: &str) -> Result<Pepper, Error> {
        let records = self.records().await?;
        let key = Key::secret(of);
        let there = match records.read::<Secret>(&key).await? {
            Some(there) => there,
            None => {
                let made = Secret { hex: self.random_hex(64) };
                records
                    .update::<Secret, _, _>(&key, &made.hex, self.unique(), |there| {
                        Ok(match there {
                            Some(there) => (None, there.clone()),
                            None => (Some(made.clone()), made.clone()),
                        })
                    })
                    .await?
            }
        };
        bytes_of(&there.hex).map(Pepper).ok_or_else(|| Error::Internal(format!("the {of} is damaged")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_bytes_are_each_other() {
        assert_eq!(bytes_of::<2>("0aff"), Some([0x0a, 0xff]));
        assert_eq!(hex_of(&[0x0a, 0xff]), "0aff");
        for bad in ["0af", "0aff00", "0agg", ""] {
            assert_eq!(bytes_of::<2>(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_sealed_for_one_purpose_is_not_sealed_for_another() {
        let seal = |key: u8, purpose: &str, parts: &[&str]| Pepper([key; 32]).seal(purpose, parts).unwrap();
        let all = [
            seal(1, "a", &["bc"]),
            seal(2, "a", &["bc"]),
            seal(1, "ab", &["c"]),
            seal(1, "a", &["b", "c"]),
            seal(1, "a", &[]),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }
}
