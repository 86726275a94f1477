//! `[[prepaid]]`.

use super::reader::{Reader, Section};
use crate::document::{PenaltyStep, PrepaidRule};
use crate::scalar::{Rate, Span};

pub(super) fn prepaid_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<PrepaidRule> {
    let kind = r.required(s, "kind", |r, item| r.text(&item));
    let cancellable = r.required(s, "cancellable", |r, item| r.word(&item));
    let penalty = r.list(s, "penalty", |r, item| r.table(item, penalty_step));
    Some(PrepaidRule { cancellable: cancellable?, kind: kind?, penalty: penalty? })
}

fn penalty_step(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<PenaltyStep> {
    let within = r.optional(s, "within", |r, item| r.scalar(&item, Span::parse));
    let fixed = r.optional(s, "fixed", |r, item| r.amount(&item));
    let rate = r.optional(s, "rate", |r, item| r.scalar(&item, Rate::parse));
    Some(PenaltyStep { fixed: fixed?, rate: rate?, within: within? })
}
