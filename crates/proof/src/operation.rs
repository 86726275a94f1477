//! What an operation is, as one digest. Both sides compute it: who asks for a proof, and who is shown one.

use crate::wire::{put_long, put_long_some};
use alloc::vec::Vec;
use sha2::{Digest as _, Sha256};

/// The SHA-256 that stands for one operation.
pub type OperationDigest = [u8; 32];

/// A fee that the operator saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenFee<'a> {
    /// What it is for: `acquiring-returned`, `operation`, `late`.
    pub kind: &'a str,
    /// How much, in whole minor units.
    pub minor: i64,
    /// The amount's ISO 4217 currency.
    pub currency: &'a str,
    /// Who pays it: `merchant`, `customer`, `acquirer`.
    pub payer: &'a str,
}

/// An operation that somebody is about to ask for, in the words of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation<'a> {
    /// The merchant.
    pub merchant: &'a str,
    /// The sale, payment code or hold it is done to.
    pub sale: &'a str,
    /// The way: `void`, `refund`, `reversal`, …
    pub way: &'a str,
    /// The amount in whole minor units. Where a request may leave it out, the amount that is then meant.
    pub minor: i64,
    /// The amount's ISO 4217 currency.
    pub currency: &'a str,
    /// The reason code, if one is given.
    pub reason: Option<&'a str>,
    /// The terminal it is asked for at, if any.
    pub terminal: Option<&'a str>,
    /// Whose key asks for it: `terminal`, `person`, `system`, …
    pub holder: &'a str,
    /// Whether it keeps a penalty.
    pub penalty: bool,
    /// The legal order it carries out, if any.
    pub order: Option<&'a str>,
    /// The granted case it rests on, if any.
    pub case: Option<&'a str>,
    /// The fees that the operator saw, as they were decided. Absent: the operator was shown none, and vouches for none.
    pub fees: Option<&'a [SeenFee<'a>]>,
}

/// The digest of an operation: the same on every machine for ever, different for any other operation.
#[must_use]
pub fn operation_digest(operation: &Operation<'_>) -> OperationDigest {
    let mut bytes = Vec::new();
    put_long(&mut bytes, "rescind-operation/3");
    put_long(&mut bytes, operation.merchant);
    put_long(&mut bytes, operation.sale);
    put_long(&mut bytes, operation.way);
    bytes.extend(operation.minor.to_be_bytes());
    put_long(&mut bytes, operation.currency);
    put_long_some(&mut bytes, operation.reason);
    put_long_some(&mut bytes, operation.terminal);
    put_long(&mut bytes, operation.holder);
    bytes.push(u8::from(operation.penalty));
    put_long_some(&mut bytes, operation.order);
    put_long_some(&mut bytes, operation.case);
    bytes.push(u8::from(operation.fees.is_some()));
    // None, too, has a number of fees: bytes that end differ from bytes that go on.
    let fees = operation.fees.unwrap_or_default();
    bytes.extend(u64::try_from(fees.len()).unwrap_or(u64::MAX).to_be_bytes());
    for fee in fees {
        put_long(&mut bytes, fee.kind);
        bytes.extend(fee.minor.to_be_bytes());
        put_long(&mut bytes, fee.currency);
        put_long(&mut bytes, fee.payer);
    }
    Sha256::digest(&bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::string::String;
    use core::fmt::Write as _;
    use proptest::prelude::*;

    const VOID: Operation<'static> = Operation {
        merchant: "M-1",
        sale: "S-1",
        way: "void",
        minor: 10_000,
        currency: "CNY",
        reason: Some("wrong-amount"),
        terminal: Some("T1"),
        holder: "terminal",
        penalty: false,
        order: None,
        case: None,
        fees: None,
    };

    const FEE: SeenFee<'static> = SeenFee { kind: "operation", minor: 38, currency: "CNY", payer: "merchant" };

    #[test]
    fn the_digest_is_what_it_always_was() {
        let mut hex = String::new();
        for byte in operation_digest(&VOID) {
            write!(hex, "{byte:02x}").unwrap();
        }
        assert_eq!(hex, "22630f2b10e41b924b644f9d9934fd5498b0f7058194102ad281026005fdcd63");
    }

    #[test]
    fn every_part_matters() {
        let others = [
            VOID,
            Operation { merchant: "M-2", ..VOID },
            Operation { sale: "S-2", ..VOID },
            Operation { way: "refund", ..VOID },
            Operation { minor: 10_001, ..VOID },
            Operation { currency: "USD", ..VOID },
            Operation { reason: Some("wrong"), ..VOID },
            Operation { reason: Some(""), ..VOID },
            Operation { reason: None, ..VOID },
            Operation { terminal: Some("T2"), ..VOID },
            Operation { terminal: None, ..VOID },
            Operation { holder: "system", ..VOID },
            Operation { penalty: true, ..VOID },
            Operation { order: Some("S-1~1"), ..VOID },
            Operation { case: Some("S-1~1"), ..VOID },
            Operation { fees: Some(&[]), ..VOID },
            Operation { fees: Some(&[FEE]), ..VOID },
            Operation { fees: Some(&[FEE, FEE]), ..VOID },
            Operation { fees: Some(&[SeenFee { kind: "late", ..FEE }]), ..VOID },
            Operation { fees: Some(&[SeenFee { minor: 39, ..FEE }]), ..VOID },
            Operation { fees: Some(&[SeenFee { currency: "USD", ..FEE }]), ..VOID },
            Operation { fees: Some(&[SeenFee { payer: "customer", ..FEE }]), ..VOID },
            // What ends one text and begins the next matters too.
            Operation { merchant: "M-1S", sale: "-1", ..VOID },
            Operation { reason: None, terminal: Some("wrong-amount"), ..VOID },
        ];
        let digests: BTreeSet<_> = others.iter().map(operation_digest).collect();
        assert_eq!(digests.len(), others.len());
    }

    proptest! {
        #[test]
        fn no_two_operations_share_their_bytes(
            a in ("[a-z]{0,3}", "[a-z]{0,3}", proptest::option::of("[a-z]{0,3}")),
            b in ("[a-z]{0,3}", "[a-z]{0,3}", proptest::option::of("[a-z]{0,3}")),
        ) {
            let of = |(merchant, sale, reason): &(String, String, Option<String>)| operation_digest(&Operation {
                merchant, sale, reason: reason.as_deref(), ..VOID
            });
            prop_assert_eq!(of(&a) == of(&b), a == b);
        }
    }
}
