//! What an operator's own device signs instead of a PIN: the very text of the QR code it scanned.

use alloc::string::String;
use core::fmt::Write as _;
use ed25519_dalek::{Signature, VerifyingKey};

/// An operation as whoever signs sees it: the digest binds all of it, the rest is for the eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownOperation<'a> {
    /// Its digest.
    pub digest: &'a crate::OperationDigest,
    /// The way.
    pub way: &'a str,
    /// The sale.
    pub sale: &'a str,
    /// The amount as people read it: `100.00 CNY`.
    pub amount: &'a str,
}

/// A challenge, as it is shown in a QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// The merchant.
    pub merchant: &'a str,
    /// The operator's number.
    pub operator: &'a str,
    /// The terminal that shows it, if one does.
    pub terminal: Option<&'a str>,
    /// The operation it is for; absent: for a session.
    pub operation: Option<ShownOperation<'a>>,
    /// The challenge itself: names and dashes only.
    pub challenge: &'a str,
}

impl Challenge<'_> {
    /// The text of the QR code, and what is signed: its UTF-8 bytes. Names hold neither `;` nor `=`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::from("rescind-challenge/1");
        let parts =
            [("merchant", self.merchant), ("operator", self.operator), ("terminal", self.terminal.unwrap_or("-"))];
        for (name, value) in parts {
            text.push(';');
            text.push_str(name);
            text.push('=');
            text.push_str(value);
        }
        text.push_str(";operation=");
        match self.operation {
            None => text.push_str("session"),
            Some(operation) => {
                for byte in operation.digest {
                    // Writing to a string cannot fail.
                    let _infallible = write!(text, "{byte:02x}").is_ok();
                }
                // Nobody signs what they cannot read.
                for (name, value) in [("way", operation.way), ("sale", operation.sale), ("amount", operation.amount)] {
                    text.push(';');
                    text.push_str(name);
                    text.push('=');
                    text.push_str(value);
                }
            }
        }
        text.push_str(";challenge=");
        text.push_str(self.challenge);
        text
    }
}

/// Whether these bytes can be the public key of a device: a point, and none of those whose signatures fit everything.
#[must_use]
pub fn is_device_key(public: &[u8; 32]) -> bool {
    VerifyingKey::from_bytes(public).is_ok_and(|key| !key.is_weak())
}

/// Whether a device signed a challenge.
#[must_use]
pub fn device_signed(challenge: &Challenge<'_>, public: &[u8; 32], signature: &[u8; 64]) -> bool {
    let signature = Signature::from_bytes(signature);
    VerifyingKey::from_bytes(public).is_ok_and(|key| key.verify_strict(challenge.text().as_bytes(), &signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    const DIGEST: [u8; 32] = [5; 32];
    const VOID: ShownOperation<'static> =
        ShownOperation { digest: &DIGEST, way: "void", sale: "S-1", amount: "100.00 CNY" };
    const SESSION: Challenge<'static> =
        Challenge { merchant: "M-1", operator: "07", terminal: Some("T1"), operation: None, challenge: "1-a-b" };

    #[test]
    fn the_text_says_what_it_is_for() {
        assert_eq!(
            SESSION.text(),
            "rescind-challenge/1;merchant=M-1;operator=07;terminal=T1;operation=session;challenge=1-a-b"
        );
        let bound = Challenge { operation: Some(VOID), terminal: None, ..SESSION }.text();
        assert!(bound.contains(";terminal=-;operation=05050505"), "{bound}");
        assert!(bound.ends_with("05;way=void;sale=S-1;amount=100.00 CNY;challenge=1-a-b"), "{bound}");
    }

    #[test]
    fn a_signature_is_for_one_challenge_and_one_key() {
        let device = SigningKey::from_seed([1; 32]);
        let public = device.public(None).public;
        let signature = device.sign_challenge(&SESSION);
        assert!(device_signed(&SESSION, &public, &signature));
        for other in [
            Challenge { merchant: "M-2", ..SESSION },
            Challenge { operator: "08", ..SESSION },
            Challenge { terminal: None, ..SESSION },
            Challenge { operation: Some(VOID), ..SESSION },
            Challenge { challenge: "1-a-c", ..SESSION },
        ] {
            assert!(!device_signed(&other, &public, &signature), "{other:?}");
        }
        let stranger = SigningKey::from_seed([2; 32]).public(None).public;
        assert!(!device_signed(&SESSION, &stranger, &signature));
        assert!(is_device_key(&public));
        // The neutral point: its signatures would fit many messages.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert!(!is_device_key(&neutral) && !device_signed(&SESSION, &neutral, &[0; 64]));
    }
}
