//! `[void]`.

use super::arrival::arrival_rule;
use super::count::count_limit;
use super::fee::fee_rule;
use super::only_switched_off;
use super::proof::{authentication_rule, evidence_rule, identity_rule};
use super::reader::{Reader, Section};
use crate::document::VoidRules;
use crate::scalar::Span;

pub(super) fn void_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Option<VoidRules>> {
    let enabled = r.required(s, "enabled", |r, item| r.flag(&item));
    if only_switched_off(s, enabled) {
        return Some(None);
    }
    let executor = r.required(s, "executor", |r, item| r.word(&item));
    let window = r.optional(s, "window", |r, item| r.scalar(&item, Span::parse));
    let minimum_wait = r.optional(s, "minimum-wait", |r, item| r.scalar(&item, Span::parse));
    let until_settlement = r.required(s, "until-settlement", |r, item| r.flag(&item));
    let same = r.list(s, "same", |r, item| r.word(&item));
    let paid_out = r.required(s, "paid-out", |r, item| r.word(&item));
    let after_refund = r.required(s, "after-refund", |r, item| r.word(&item));
    let min_amount = r.optional(s, "min-amount", |r, item| r.amount(&item));
    let max_amount = r.optional(s, "max-amount", |r, item| r.amount(&item));
    let count = r.list(s, "count", |r, item| r.table(item, count_limit));
    let since = r.optional(s, "since", |r, item| r.word(&item));
    let kinds_not_voidable = r.list(s, "kinds-not-voidable", |r, item| r.text(&item));
    let evidence = r.list(s, "evidence", |r, item| r.table(item, evidence_rule));
    let closed = r.optional(s, "closed", |r, item| r.word(&item));
    let instead = r.optional(s, "instead", |r, item| r.word(&item));
    let operator_roles = r.list(s, "operator-roles", |r, item| r.role(&item));
    let authentication = r.optional(s, "authentication", |r, item| r.table(item, authentication_rule));
    let identity = r.list(s, "identity", |r, item| r.table(item, identity_rule));
    let reason = r.required(s, "reason", |r, item| r.word(&item));
    let reasons = r.list(s, "reasons", |r, item| r.text(&item));
    let operation_fee = r.optional(s, "operation-fee", |r, item| r.table(item, fee_rule));
    let acquiring_fee = r.required(s, "acquiring-fee", |r, item| r.word(&item));
    let slip = r.required(s, "slip", |r, item| r.flag(&item));
    let arrival = r.list(s, "arrival", |r, item| r.table(item, arrival_rule));
    Some(Some(VoidRules {
        acquiring_fee: acquiring_fee?,
        after_refund: after_refund?,
        arrival: arrival?,
        authentication: authentication?,
        closed: closed?,
        count: count?,
        enabled: enabled?,
        evidence: evidence?,
        executor: executor?,
        identity: identity?,
        instead: instead?,
        kinds_not_voidable: kinds_not_voidable?,
        max_amount: max_amount?,
        min_amount: min_amount?,
        minimum_wait: minimum_wait?,
        operation_fee: operation_fee?,
        operator_roles: operator_roles?,
        paid_out: paid_out?,
        reason: reason?,
        reasons: reasons?,
        same: same?,
        since: since?,
        slip: slip?,
        until_settlement: until_settlement?,
        window: window?,
    }))
}
