//! `[hold]`.

use super::only_switched_off;
use super::proof::authentication_rule;
use super::reader::{Reader, Section};
use super::reversal::queries;
use crate::document::{CompletionVoidRules, HoldRules, PenaltyLimit};
use crate::scalar::{Rate, Span};

pub(super) fn hold_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Option<HoldRules>> {
    let enabled = r.required(s, "enabled", |r, item| r.flag(&item));
    if only_switched_off(s, enabled) {
        return Some(None);
    }
    let executor = r.required(s, "executor", |r, item| r.word(&item));
    let ceiling_percent = r.required(s, "ceiling-percent", |r, item| r.count(&item));
    let validity = r.required(s, "validity", |r, item| r.scalar(&item, Span::parse));
    let release_roles = r.list(s, "release-roles", |r, item| r.role(&item));
    let release_authentication = r.optional(s, "release-authentication", |r, item| r.table(item, authentication_rule));
    let completion_roles = r.list(s, "completion-roles", |r, item| r.role(&item));
    let completion_authentication =
        r.optional(s, "completion-authentication", |r, item| r.table(item, authentication_rule));
    let completion_void = r.optional(s, "completion-void", |r, item| r.table(item, completion_void_rules));
    let penalty = r.optional(s, "penalty", |r, item| r.table(item, penalty_limit));
    let queries = queries(r, s);
    let slip = r.required(s, "slip", |r, item| r.flag(&item));
    Some(Some(HoldRules {
        ceiling_percent: ceiling_percent?,
        completion_authentication: completion_authentication?,
        completion_roles: completion_roles?,
        completion_void: completion_void?,
        enabled: enabled?,
        executor: executor?,
        penalty: penalty?,
        queries: queries?,
        release_authentication: release_authentication?,
        release_roles: release_roles?,
        slip: slip?,
        validity: validity?,
    }))
}

fn completion_void_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<CompletionVoidRules> {
    let until_settlement = r.required(s, "until-settlement", |r, item| r.flag(&item));
    let window = r.optional(s, "window", |r, item| r.scalar(&item, Span::parse));
    let operator_roles = r.list(s, "operator-roles", |r, item| r.role(&item));
    let authentication = r.optional(s, "authentication", |r, item| r.table(item, authentication_rule));
    Some(CompletionVoidRules {
        authentication: authentication?,
        operator_roles: operator_roles?,
        until_settlement: until_settlement?,
        window: window?,
    })
}

fn penalty_limit(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<PenaltyLimit> {
    let cap = r.optional(s, "cap", |r, item| r.amount(&item));
    let max_rate = r.optional(s, "max-rate", |r, item| r.scalar(&item, Rate::parse));
    Some(PenaltyLimit { cap: cap?, max_rate: max_rate? })
}
