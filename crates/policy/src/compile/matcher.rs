//! `match`: for which sales something holds.

use super::reader::{Reader, Section};
use crate::document::{Matcher, TimeBand};
use crate::scalar::{Date, TimeOfDay};

pub(super) fn matcher(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Matcher> {
    let amount_from = r.optional(s, "amount-from", |r, item| r.amount(&item));
    let amount_below = r.optional(s, "amount-below", |r, item| r.amount(&item));
    let between = r.optional(s, "between", |r, item| r.table(item, time_band));
    let card_type = r.list(s, "card-type", |r, item| r.word(&item));
    let channel = r.list(s, "channel", |r, item| r.word(&item));
    let kind = r.list(s, "kind", |r, item| r.text(&item));
    let merchant = r.list(s, "merchant", |r, item| r.text(&item));
    let paid_from = r.optional(s, "paid-from", |r, item| r.scalar(&item, Date::parse));
    let paid_before = r.optional(s, "paid-before", |r, item| r.scalar(&item, Date::parse));
    let terminal_class = r.list(s, "terminal-class", |r, item| r.text(&item));
    let weekday = r.list(s, "weekday", |r, item| r.word(&item));
    Some(Matcher {
        amount_below: amount_below?,
        amount_from: amount_from?,
        between: between?,
        card_type: card_type?,
        channel: channel?,
        kind: kind?,
        merchant: merchant?,
        paid_before: paid_before?,
        paid_from: paid_from?,
        terminal_class: terminal_class?,
        weekday: weekday?,
    })
}

fn time_band(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<TimeBand> {
    let from = r.required(s, "from", |r, item| r.scalar(&item, TimeOfDay::parse));
    let until = r.required(s, "until", |r, item| r.scalar(&item, TimeOfDay::parse));
    Some(TimeBand { from: from?, until: until? })
}
