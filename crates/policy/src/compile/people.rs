//! `[support]`, `[legal]` and `[privacy]`: who does what is rare, and how long personal data is kept.

use super::reader::{Reader, Section};
use crate::document::{LegalRules, PrivacyRules, SupportRules};
use crate::scalar::Span;

pub(super) fn support_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<SupportRules> {
    let roles = r.list(s, "roles", |r, item| r.role(&item));
    let grant_lives = r.required(s, "grant-lives", |r, item| r.scalar(&item, Span::parse));
    let case_lives = r.required(s, "case-lives", |r, item| r.scalar(&item, Span::parse));
    Some(SupportRules { case_lives: case_lives?, grant_lives: grant_lives?, roles: roles? })
}

pub(super) fn legal_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<LegalRules> {
    let roles = r.list(s, "roles", |r, item| r.role(&item));
    let order_lives = r.required(s, "order-lives", |r, item| r.scalar(&item, Span::parse));
    Some(LegalRules { order_lives: order_lives?, roles: roles? })
}

pub(super) fn privacy_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<PrivacyRules> {
    let retention_days = r.required(s, "retention-days", |r, item| r.count(&item));
    Some(PrivacyRules { retention_days: retention_days? })
}
