//! `[reversal]`.

use super::reader::{Reader, Section};
use crate::document::ReversalRules;
use crate::scalar::Span;

pub(super) fn reversal_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<ReversalRules> {
    let enabled = r.required(s, "enabled", |r, item| r.flag(&item));
    let executor = r.required(s, "executor", |r, item| r.word(&item));
    let queries = queries(r, s);
    let window = r.optional(s, "window", |r, item| r.scalar(&item, Span::parse));
    let minimum_wait = r.optional(s, "minimum-wait", |r, item| r.scalar(&item, Span::parse));
    let after_window = r.optional(s, "after-window", |r, item| r.word(&item));
    let slip = r.required(s, "slip", |r, item| r.flag(&item));
    Some(ReversalRules {
        after_window: after_window?,
        enabled: enabled?,
        executor: executor?,
        minimum_wait: minimum_wait?,
        queries: queries?,
        slip: slip?,
        window: window?,
    })
}

pub(super) fn queries(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Vec<Span>> {
    r.list(s, "queries", |r, item| r.scalar(&item, Span::parse))
}
