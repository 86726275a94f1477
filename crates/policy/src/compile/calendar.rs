//! `[calendar]` and `[effective]`: which days are worked, and on which days a policy is in force.

use super::reader::{Reader, Section};
use crate::document::{Calendar, Effective};
use crate::scalar::Date;

pub(super) fn calendar(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Calendar> {
    let weekend = r.required(s, "weekend", |r, item| r.items(&item, |r, item| r.word(&item)));
    let holidays = r.list(s, "holidays", |r, item| r.scalar(&item, Date::parse));
    let workdays = r.list(s, "workdays", |r, item| r.scalar(&item, Date::parse));
    let until = r.required(s, "until", |r, item| r.scalar(&item, Date::parse));
    Some(Calendar { holidays: holidays?, until: until?, weekend: weekend?, workdays: workdays? })
}

pub(super) fn effective(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Effective> {
    let from = r.optional(s, "from", |r, item| r.scalar(&item, Date::parse));
    let until = r.optional(s, "until", |r, item| r.scalar(&item, Date::parse));
    Some(Effective { from: from?, until: until? })
}
