//! `[refund]`.

use super::arrival::arrival_rule;
use super::count::count_limit;
use super::fee::{fee_rule, late_fee};
use super::only_switched_off;
use super::proof::{authentication_rule, evidence_rule, identity_rule};
use super::reader::{Reader, Section};
use crate::document::{EscalationRule, RefundRules, RefundWindow, Tier};
use crate::scalar::{BadScalar, Span, number_and_unit};

pub(super) fn refund_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Option<RefundRules>> {
    let enabled = r.required(s, "enabled", |r, item| r.flag(&item));
    if only_switched_off(s, enabled) {
        return Some(None);
    }
    let executor = r.required(s, "executor", |r, item| r.word(&item));
    let window = r.required(s, "window", |r, item| r.scalar(&item, refund_window));
    let after_window = r.optional(s, "after-window", |r, item| r.word(&item));
    let minimum_wait = r.optional(s, "minimum-wait", |r, item| r.scalar(&item, Span::parse));
    let since = r.optional(s, "since", |r, item| r.word(&item));
    let count = r.list(s, "count", |r, item| r.table(item, count_limit));
    let closed = r.optional(s, "closed", |r, item| r.word(&item));
    let instead = r.optional(s, "instead", |r, item| r.word(&item));
    let same_business_day = r.required(s, "same-business-day", |r, item| r.word(&item));
    let partial = r.required(s, "partial", |r, item| r.flag(&item));
    let max_count = r.optional(s, "max-count", |r, item| r.count(&item));
    let min_spacing = r.optional(s, "min-spacing", |r, item| r.scalar(&item, Span::parse));
    let min_amount = r.optional(s, "min-amount", |r, item| r.amount(&item));
    let max_amount = r.optional(s, "max-amount", |r, item| r.amount(&item));
    let kinds_not_refundable = r.list(s, "kinds-not-refundable", |r, item| r.text(&item));
    let not_refundable = r.optional(s, "not-refundable", |r, item| r.word(&item));
    let real_time = r.required(s, "real-time", |r, item| r.word(&item));
    let reason = r.required(s, "reason", |r, item| r.word(&item));
    let reasons = r.list(s, "reasons", |r, item| r.text(&item));
    let evidence = r.list(s, "evidence", |r, item| r.table(item, evidence_rule));
    let authentication = r.optional(s, "authentication", |r, item| r.table(item, authentication_rule));
    let identity = r.list(s, "identity", |r, item| r.table(item, identity_rule));
    let funding = r.optional(s, "funding", |r, item| r.word(&item));
    let coupon = r.optional(s, "coupon", |r, item| r.word(&item));
    let tiers_by = r.list(s, "tiers-by", |r, item| r.word(&item));
    let tier = r.list(s, "tier", |r, item| r.table(item, tier));
    let operation_fee = r.optional(s, "operation-fee", |r, item| r.table(item, fee_rule));
    let late_fee = r.optional(s, "late-fee", |r, item| r.table(item, late_fee));
    let acquiring_fee = r.required(s, "acquiring-fee", |r, item| r.word(&item));
    let slip = r.required(s, "slip", |r, item| r.flag(&item));
    let arrival = r.list(s, "arrival", |r, item| r.table(item, arrival_rule));
    Some(Some(RefundRules {
        acquiring_fee: acquiring_fee?,
        after_window: after_window?,
        arrival: arrival?,
        authentication: authentication?,
        closed: closed?,
        count: count?,
        coupon: coupon?,
        enabled: enabled?,
        evidence: evidence?,
        executor: executor?,
        funding: funding?,
        identity: identity?,
        instead: instead?,
        kinds_not_refundable: kinds_not_refundable?,
        late_fee: late_fee?,
        max_amount: max_amount?,
        max_count: max_count?,
        min_amount: min_amount?,
        min_spacing: min_spacing?,
        minimum_wait: minimum_wait?,
        not_refundable: not_refundable?,
        operation_fee: operation_fee?,
        partial: partial?,
        real_time: real_time?,
        reason: reason?,
        reasons: reasons?,
        same_business_day: same_business_day?,
        since: since?,
        slip: slip?,
        tier: tier?,
        tiers_by: tiers_by?,
        window: window?,
    }))
}

fn refund_window(text: &str) -> Result<RefundWindow, BadScalar> {
    match number_and_unit(text) {
        Some((days, "day")) => Ok(RefundWindow::Days(days)),
        Some((days, "working day")) => Ok(RefundWindow::WorkingDays(days)),
        Some((months, "month")) => Ok(RefundWindow::Months(months)),
        _ => Err(BadScalar { expected: "a window such as \"30 days\" or \"11 months\"" }),
    }
}

fn tier(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Tier> {
    let name = r.required(s, "name", |r, item| r.text(&item));
    let up_to = r.optional(s, "up-to", |r, item| r.amount(&item));
    let needed = r.required(s, "needed", |r, item| r.count(&item));
    let roles = r.list(s, "roles", |r, item| r.role(&item));
    let expires_after = r.required(s, "expires-after", |r, item| r.scalar(&item, Span::parse));
    let escalation = r.list(s, "escalation", |r, item| r.table(item, escalation_rule));
    Some(Tier {
        escalation: escalation?,
        expires_after: expires_after?,
        name: name?,
        needed: needed?,
        roles: roles?,
        up_to: up_to?,
    })
}

fn escalation_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<EscalationRule> {
    let after = r.required(s, "after", |r, item| r.scalar(&item, Span::parse));
    let roles = r.list(s, "roles", |r, item| r.role(&item));
    Some(EscalationRule { after: after?, roles: roles? })
}
