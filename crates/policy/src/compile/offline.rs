//! `[offline]`: how far a terminal goes without the server.

use super::reader::{Reader, Section};
use crate::document::OfflineRules;
use crate::scalar::Span;

pub(super) fn offline_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<OfflineRules> {
    let void = r.required(s, "void", |r, item| r.word(&item));
    let refund = r.required(s, "refund", |r, item| r.word(&item));
    let reversal = r.required(s, "reversal", |r, item| r.word(&item));
    let other = r.required(s, "other", |r, item| r.word(&item));
    let at_ceiling = r.required(s, "at-ceiling", |r, item| r.word(&item));
    let max_amount = r.optional(s, "max-amount", |r, item| r.amount(&item));
    let max_total = r.optional(s, "max-total", |r, item| r.amount(&item));
    let max_count = r.optional(s, "max-count", |r, item| r.count(&item));
    let max_records = r.required(s, "max-records", |r, item| r.count(&item));
    let bundle_age = r.required(s, "bundle-age", |r, item| r.scalar(&item, Span::parse));
    let contact_age = r.required(s, "contact-age", |r, item| r.scalar(&item, Span::parse));
    Some(OfflineRules {
        at_ceiling: at_ceiling?,
        bundle_age: bundle_age?,
        contact_age: contact_age?,
        max_amount: max_amount?,
        max_count: max_count?,
        max_records: max_records?,
        max_total: max_total?,
        other: other?,
        refund: refund?,
        reversal: reversal?,
        void: void?,
    })
}
