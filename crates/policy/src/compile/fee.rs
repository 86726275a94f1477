//! Fees: what an operation, asking late, or a sale costs.

use super::reader::{Reader, Section};
use crate::document::{FeeRule, LateFee};
use crate::scalar::{Rate, Span};

pub(super) fn fee_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<FeeRule> {
    let payer = r.required(s, "payer", |r, item| r.word(&item));
    let fixed = r.optional(s, "fixed", |r, item| r.amount(&item));
    let rate = r.optional(s, "rate", |r, item| r.scalar(&item, Rate::parse));
    let floor = r.optional(s, "floor", |r, item| r.amount(&item));
    let cap = r.optional(s, "cap", |r, item| r.amount(&item));
    Some(FeeRule { cap: cap?, fixed: fixed?, floor: floor?, payer: payer?, rate: rate? })
}

pub(super) fn late_fee(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<LateFee> {
    let after = r.required(s, "after", |r, item| r.scalar(&item, Span::parse));
    let fee = fee_rule(r, s);
    Some(LateFee { after: after?, fee: fee? })
}
