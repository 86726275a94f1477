//! `[[charge]]`: what a sale is charged.

use super::fee::fee_rule;
use super::matcher::matcher;
use super::reader::{Reader, Section};
use crate::document::ChargeRule;

pub(super) fn charge_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<ChargeRule> {
    let name = r.required(s, "name", |r, item| r.text(&item));
    let matches = r.optional(s, "match", |r, item| r.table(item, matcher));
    let fee = r.required(s, "fee", |r, item| r.table(item, fee_rule));
    Some(ChargeRule { fee: fee?, matches: matches?, name: name? })
}
