//! Sales paid for in advance: some kinds cannot be cancelled, of others a penalty is kept, the more the nearer the service.
//!
//! A step of the schedule is in force from its span before the service on, that instant included, and ever after.

use crate::place::Place;
use crate::report::{Report, Until, answers, denies};
use crate::situation::Situation;
use crate::{fee, refund, rule};
use rescind_model::{DecisionError, Instant, Outcome, Remedy, Sale, Value};
use rescind_policy::document::{PenaltyStep, Permission, PrepaidRule};
use rescind_policy::word::Word as _;

const SECOND_MS: i64 = 1_000;

/// A sale paid for in advance, at one instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prepaid<'a> {
    rule: &'a PrepaidRule,
    service_at: Option<Instant>,
    /// Minor units that are kept now. `None`: it depends on when the service is due, which nobody said.
    kept: Option<i64>,
}

impl<'a> Prepaid<'a> {
    /// The rule for a sale's kind, if it has one.
    pub(crate) fn of(
        rules: &'a [PrepaidRule],
        sale: &Sale,
        captured: i64,
        now: Instant,
    ) -> Result<Option<Self>, DecisionError> {
        let Some(rule) = rules.iter().find(|rule| rule.kind == sale.kind) else { return Ok(None) };
        let service_at = sale.service_at;
        let kept = if service_at.is_none() && rule.penalty.iter().any(|step| step.within.is_some()) {
            None
        } else {
            let in_force = |step: &&PenaltyStep| begins(step, service_at).is_none_or(|begins| begins <= now);
            let step = rule.penalty.iter().find(in_force);
            Some(step.map(|step| fee::penalty(step.fixed, step.rate, captured)).transpose()?.unwrap_or(0))
        };
        Ok(Some(Self { rule, service_at, kept }))
    }

    /// Minor units that are kept now.
    pub(crate) fn kept(&self) -> i64 {
        self.kept.unwrap_or(0)
    }

    /// Every instant at which another step comes into force.
    fn edges(&self, report: &mut Report) {
        for begins in self.rule.penalty.iter().filter_map(|step| begins(step, self.service_at)) {
            report.edge(begins);
        }
    }

    /// The steps of the schedule that were tried, up to the one in force.
    fn steps(&self, s: &Situation<'_>, report: &mut Report) {
        for (index, step) in self.rule.penalty.iter().enumerate() {
            let begins = begins(step, self.service_at);
            let applies = begins.is_none_or(|begins| begins <= s.now);
            report.comes_with(rule::PREPAID_PENALTY, Place::PenaltyStep(&self.rule.kind, index), applies, || {
                (Value::At(s.now), begins.map_or(Value::Absent, Value::At))
            });
            if applies {
                return;
            }
        }
    }

    /// From the next step of the schedule on that keeps more than `spared`, the way is over.
    fn ends(&self, s: &Situation<'_>, spared: i64, report: &mut Report) -> Result<(), DecisionError> {
        for step in &self.rule.penalty {
            if let Some(begins) = begins(step, self.service_at).filter(|begins| *begins > s.now)
                && fee::penalty(step.fixed, step.rate, s.captured)? > spared
            {
                report.ends(begins);
            }
        }
        Ok(())
    }
}

/// When a step comes into force. `None`: it always was.
fn begins(step: &PenaltyStep, service_at: Option<Instant>) -> Option<Instant> {
    let (within, service_at) = (step.within?, service_at?);
    let before_ms = i64::from(within.seconds()).saturating_mul(SECOND_MS);
    Some(Instant { unix_ms: service_at.unix_ms.saturating_sub(before_ms) })
}

/// A void takes the whole sale, so nothing of it may have to be kept.
pub(crate) fn judge_void(s: &Situation<'_>, report: &mut Report) -> Result<(), DecisionError> {
    let Some(prepaid) = &s.prepaid else { return Ok(()) };
    let kind = &prepaid.rule.kind;
    let cancellable = prepaid.rule.cancellable;
    report.asks(
        rule::VOID_KIND_NOT_CANCELLABLE,
        Place::Prepaid(kind, "cancellable"),
        answers(cancellable, true),
        || (Value::Text(kind.clone()), Value::Text(cancellable.word().to_owned())),
        || {
            let refers = cancellable == Permission::Refer;
            if refers { Remedy::ContactSupport } else { s.refund_instead(s.refundable()) }
        },
    );
    prepaid.edges(report);
    let Some(kept) = prepaid.kept else {
        undated(rule::VOID_PENALTY, kind, report);
        return Ok(());
    };
    prepaid.steps(s, report);
    report.asks(
        rule::VOID_PENALTY,
        Place::Prepaid(kind, "penalty"),
        denies(kept > 0),
        || (s.amount(kept), s.amount(0)),
        || s.refund_instead(s.refundable()),
    );
    if kept == 0 { prepaid.ends(s, 0, report) } else { Ok(()) }
}

/// A refund leaves the penalty where it is.
pub(crate) fn judge_refund(s: &Situation<'_>, amount: i64, report: &mut Report) -> Result<(), DecisionError> {
    let Some(prepaid) = &s.prepaid else { return Ok(()) };
    let kind = &prepaid.rule.kind;
    let cancellable = prepaid.rule.cancellable;
    report.asks(
        rule::REFUND_KIND_NOT_CANCELLABLE,
        Place::Prepaid(kind, "cancellable"),
        answers(cancellable, true),
        || (Value::Text(kind.clone()), Value::Text(cancellable.word().to_owned())),
        || refund::void_or_support(s, amount),
    );
    prepaid.edges(report);
    if prepaid.kept.is_none() {
        undated(rule::REFUND_PENALTY, kind, report);
        return Ok(());
    }
    prepaid.steps(s, report);
    let most = s.refundable();
    let keeps = amount > most && s.left > 0;
    // The schedule says what is kept, not that nobody may give it back: where it leaves nothing, support decides.
    let verdict = if most > 0 { Outcome::Deny } else { Outcome::Refer };
    report.asks(
        rule::REFUND_PENALTY,
        Place::Prepaid(kind, "penalty"),
        keeps.then_some((verdict, Until::Changed)),
        || (s.amount(amount), s.amount(most)),
        || if most > 0 { s.reduce_refund_to(most) } else { s.support() },
    );
    if keeps && most == 0 { Ok(()) } else { prepaid.ends(s, s.left.saturating_sub(amount), report) }
}

/// Nobody said when the service is due: how much is kept cannot be known, so support decides.
fn undated(id: &'static str, kind: &str, report: &mut Report) {
    report.asks(
        id,
        Place::Prepaid(kind, "penalty"),
        Some((Outcome::Refer, Until::Changed)),
        || (Value::Absent, Value::Absent),
        || Remedy::ContactSupport,
    );
}
