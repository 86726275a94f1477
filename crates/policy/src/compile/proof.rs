//! What has to be shown: evidence, the operator's proof, the customer's identity.

use super::reader::{Reader, Section};
use crate::document::{AuthenticationRule, EvidenceRule, IdentityRule};
use crate::scalar::Span;

pub(super) fn evidence_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<EvidenceRule> {
    let kind = r.required(s, "kind", |r, item| r.text(&item));
    let above = r.optional(s, "above", |r, item| r.amount(&item));
    let after = r.optional(s, "after", |r, item| r.scalar(&item, Span::parse));
    let reasons = r.list(s, "reasons", |r, item| r.text(&item));
    Some(EvidenceRule { above: above?, after: after?, kind: kind?, reasons: reasons? })
}

pub(super) fn authentication_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<AuthenticationRule> {
    let max_age = r.required(s, "max-age", |r, item| r.scalar(&item, Span::parse));
    let bound = r.required(s, "bound", |r, item| r.flag(&item));
    Some(AuthenticationRule { bound: bound?, max_age: max_age? })
}

pub(super) fn identity_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<IdentityRule> {
    let above = r.optional(s, "above", |r, item| r.amount(&item));
    let any_of = r.list(s, "any-of", |r, item| r.word(&item));
    Some(IdentityRule { above: above?, any_of: any_of? })
}
