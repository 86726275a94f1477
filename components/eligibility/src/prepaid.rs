//! Sales paid for in advance: some kinds cannot be cancelled, of others a penalty is kept, the more the nearer the service.
//!
//! A step of the schedule is in force from its span before the service on, that instant included, and ever after.

use crate::report::{Report, Until, verdict};
use crate::situation::Situation;
use crate::{fee, refund, rule};
use rescind_model::{DecisionError, Instant, Outcome, Remedy, Sale, Value};
use rescind_policy::document::{PenaltyStep, Permission, PrepaidRule};

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
    if let Some(verdict) = verdict(prepaid.rule.cancellable) {
        report.stands(rule::VOID_KIND_NOT_CANCELLABLE, verdict, Until::Changed, || {
            let remedy =
                if verdict == Outcome::Refer { Remedy::ContactSupport } else { s.refund_instead(s.refundable()) };
            (kind(s), word(prepaid), remedy)
        });
    }
    match prepaid.kept {
        Some(0) => prepaid.ends(s, 0, report)?,
        Some(kept) => report.stands(rule::VOID_PENALTY, Outcome::Deny, Until::Changed, || {
            (s.amount(kept), s.amount(0), s.refund_instead(s.refundable()))
        }),
        None => undated(rule::VOID_PENALTY, report),
    }
    Ok(())
}

/// A refund leaves the penalty where it is.
pub(crate) fn judge_refund(s: &Situation<'_>, amount: i64, report: &mut Report) -> Result<(), DecisionError> {
    let Some(prepaid) = &s.prepaid else { return Ok(()) };
    if let Some(verdict) = verdict(prepaid.rule.cancellable) {
        report.stands(rule::REFUND_KIND_NOT_CANCELLABLE, verdict, Until::Changed, || {
            (kind(s), word(prepaid), refund::void_instead(s, amount).unwrap_or(refund::support(s)))
        });
    }
    let Some(_) = prepaid.kept else {
        undated(rule::REFUND_PENALTY, report);
        return Ok(());
    };
    let most = s.refundable();
    if amount > most && s.left > 0 {
        // The schedule says what is kept, not that nobody may give it back: where it leaves nothing, support decides.
        let verdict = if most > 0 { Outcome::Deny } else { Outcome::Refer };
        report.stands(rule::REFUND_PENALTY, verdict, Until::Changed, || {
            let remedy = if most > 0 { Remedy::ReduceTo(s.money(most)) } else { refund::support(s) };
            (s.amount(amount), s.amount(most), remedy)
        });
        if most == 0 {
            return Ok(());
        }
    }
    prepaid.ends(s, s.left.saturating_sub(amount), report)
}

/// Nobody said when the service is due: how much is kept cannot be known, so support decides.
fn undated(id: &'static str, report: &mut Report) {
    report.stands(id, Outcome::Refer, Until::Changed, || (Value::Absent, Value::Absent, Remedy::ContactSupport));
}

fn kind(s: &Situation<'_>) -> Value {
    Value::Text(s.facts.sale.kind.clone())
}

fn word(prepaid: &Prepaid<'_>) -> Value {
    use rescind_policy::word::Word as _;
    let cancellable: Permission = prepaid.rule.cancellable;
    Value::Text(cancellable.word().to_owned())
}
