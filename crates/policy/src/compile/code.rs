//! `[code]`.

use super::only_switched_off;
use super::reader::{Reader, Section};
use super::reversal::queries;
use crate::document::CodeRules;
use crate::scalar::Span;

pub(super) fn code_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Option<CodeRules>> {
    let enabled = r.required(s, "enabled", |r, item| r.flag(&item));
    if only_switched_off(s, enabled) {
        return Some(None);
    }
    let executor = r.required(s, "executor", |r, item| r.word(&item));
    let time_to_live = r.required(s, "time-to-live", |r, item| r.scalar(&item, Span::parse));
    let scanned = r.required(s, "scanned", |r, item| r.word(&item));
    let expired = r.required(s, "expired", |r, item| r.word(&item));
    let queries = queries(r, s);
    let slip = r.required(s, "slip", |r, item| r.flag(&item));
    Some(Some(CodeRules {
        enabled: enabled?,
        executor: executor?,
        expired: expired?,
        queries: queries?,
        scanned: scanned?,
        slip: slip?,
        time_to_live: time_to_live?,
    }))
}
