//! Operators' PINs: which ones are taken, and how they are kept.
//!
//! Argon2id with a random salt and the deployment's pepper. A hash alone does not protect a PIN of six digits; what does
//! is that nobody gets more than [`PIN_ATTEMPTS`](crate::limits::PIN_ATTEMPTS) guesses (`operator`), and that the hashes
//! are not given away.

use crate::error::Error;
use crate::limits::{PIN_MEMORY_KIB, PIN_PASSES};
use crate::secret::{Pepper, bytes_of, hex_of};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

/// A PIN as it was typed: 6 to 12 digits. No `Display`, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

impl core::fmt::Debug for Pin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Pin(…)")
    }
}

impl Pin {
    /// Takes digits as a PIN.
    ///
    /// # Errors
    /// What was expected; never what was found.
    pub fn parse(digits: &str) -> Result<Self, &'static str> {
        let fits = (6..=12).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if fits { Ok(Self(digits.to_owned())) } else { Err("expected a PIN of 6 to 12 digits") }
    }

    /// Fails on a PIN that would be tried first: one digit repeated, a run up or down, a group repeated.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn must_be_hard_to_guess(&self) -> Result<(), Error> {
        let digits = self.0.as_bytes();
        let steps = |by: u8| digits.windows(2).all(|w| matches!(w, [a, b] if ahead(*a, by) == *b));
        // 0 is a repetition, 1 a run up, 9 a run down; all modulo ten, as on a keypad where 0 follows 9.
        let run = steps(0) || steps(1) || steps(9);
        let halves = [2_usize, 3].iter().any(|group| {
            digits.len().checked_rem(*group) == Some(0)
                && digits.len() > *group
                && digits.chunks(*group).all(|chunk| Some(chunk) == digits.chunks(*group).next())
        });
        if run || halves {
            return Err(Error::invalid("/pin", "expected a PIN that is harder to guess: no run, nothing repeated"));
        }
        Ok(())
    }
}

fn ahead(digit: u8, by: u8) -> u8 {
    let value = digit.wrapping_sub(b'0').wrapping_add(by).checked_rem(10).unwrap_or(0);
    value.wrapping_add(b'0')
}

/// A PIN as it is stored: never the digits. The costs are kept with it, so that they can be raised for new ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PinHash {
    memory_kib: u32,
    passes: u32,
    /// 32 hexadecimal digits.
    salt: String,
    /// 64 hexadecimal digits.
    hash: String,
}

impl PinHash {
    /// Hashes a PIN with a salt that nobody else has.
    pub(crate) fn of(pin: &Pin, salt: String, pepper: &Pepper) -> Result<Self, Error> {
        let made = Self { memory_kib: PIN_MEMORY_KIB, passes: PIN_PASSES, salt, hash: String::new() };
        Ok(Self { hash: made.compute(pin, pepper)?, ..made })
    }

    /// What no PIN has: checked in place of an operator who is not there.
    pub(crate) fn nobodys() -> Self {
        Self { memory_kib: PIN_MEMORY_KIB, passes: PIN_PASSES, salt: "00".repeat(16), hash: "-".repeat(64) }
    }

    /// Whether it is the hash of this PIN, in a time that does not depend on the answer.
    pub(crate) fn fits(&self, pin: &Pin, pepper: &Pepper) -> Result<bool, Error> {
        Ok(self.compute(pin, pepper)?.as_bytes().ct_eq(self.hash.as_bytes()).into())
    }

    fn compute(&self, pin: &Pin, pepper: &Pepper) -> Result<String, Error> {
        let failed = |e: argon2::Error| Error::Internal(format!("a PIN cannot be hashed: {e}"));
        let salt: [u8; 16] =
            bytes_of(&self.salt).ok_or_else(|| Error::Internal("a PIN's salt is damaged".to_owned()))?;
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32)).map_err(failed)?;
        let argon =
            Argon2::new_with_secret(pepper.bytes(), Algorithm::Argon2id, Version::V0x13, params).map_err(failed)?;
        let mut out = [0_u8; 32];
        argon.hash_password_into(pin.0.as_bytes(), &salt, &mut out).map_err(failed)?;
        Ok(hex_of(&out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_that_are_tried_first_are_refused() {
        for bad in ["000000", "123456", "654321", "789012", "210987", "121212", "123123"] {
            assert!(Pin::parse(bad).unwrap().must_be_hard_to_guess().is_err(), "{bad}");
        }
        for good in ["839274", "112233", "100000", "135790"] {
            assert!(Pin::parse(good).unwrap().must_be_hard_to_guess().is_ok(), "{good}");
        }
        for not_one in ["", "123", "48271", "1234567890123", "12a456", "１２３４５６", " 123456"] {
            assert!(Pin::parse(not_one).is_err(), "{not_one}");
        }
    }

    #[test]
    fn a_pin_is_never_shown() {
        assert_eq!(format!("{:?}", Pin::parse("839274").unwrap()), "Pin(…)");
    }
}
