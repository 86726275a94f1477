//! `arrival`: when money arrives.

use super::reader::{Item, Reader, Section};
use crate::document::ArrivalRule;

pub(super) fn arrival_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<ArrivalRule> {
    let channel = r.optional(s, "channel", |r, item: Item<'_, '_>| r.word(&item));
    let card_type = r.optional(s, "card-type", |r, item: Item<'_, '_>| r.word(&item));
    let min_days = r.required(s, "min-days", |r, item| r.count(&item));
    let max_days = r.required(s, "max-days", |r, item| r.count(&item));
    let working_days = r.required(s, "working-days", |r, item| r.flag(&item));
    Some(ArrivalRule {
        card_type: card_type?,
        channel: channel?,
        max_days: max_days?,
        min_days: min_days?,
        working_days: working_days?,
    })
}
