//! `count`: how many operations in a time.

use super::reader::{Reader, Section};
use crate::document::CountLimit;
use crate::scalar::Span;

pub(super) fn count_limit(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<CountLimit> {
    let counted = r.required(s, "counted", |r, item| r.word(&item));
    let per_business_day = r.optional(s, "per-business-day", |r, item| r.count(&item));
    let at_most = r.optional(s, "at-most", |r, item| r.count(&item));
    let within = r.optional(s, "within", |r, item| r.scalar(&item, Span::parse));
    let at_ceiling = r.required(s, "at-ceiling", |r, item| r.word(&item));
    Some(CountLimit {
        at_ceiling: at_ceiling?,
        at_most: at_most?,
        counted: counted?,
        per_business_day: per_business_day?,
        within: within?,
    })
}
