//! Evidence: what has to be given, by amount, reason and time.

use crate::place::Place;
use crate::report::{Report, denies};
use crate::situation::{Asked, Situation};
use crate::window;
use rescind_model::{DecisionError, Remedy, Value};
use rescind_policy::document::EvidenceRule;

/// Whether a rule demands its evidence of this amount and reason, and when it does. Without a reason: whatever it will be.
fn is_meant(rule: &EvidenceRule, amount: i64, reason: Option<&str>) -> bool {
    rule.above.is_none_or(|above| amount > above.minor())
        && (rule.reasons.is_empty() || reason.is_some_and(|reason| rule.reasons.iter().any(|r| r == reason)))
}

/// Whether its time has come.
fn is_due(rule: &EvidenceRule, s: &Situation<'_>) -> bool {
    rule.after.is_none_or(|after| window::after(s.facts.sale.paid_at, after).is_ok_and(|from| s.now >= from))
}

/// The kinds of evidence demanded now for this amount and reason, each once. Without a reason: those demanded whatever it
/// will be.
pub(crate) fn demanded(rules: &[EvidenceRule], s: &Situation<'_>, amount: i64, reason: Option<&str>) -> Vec<String> {
    let applies = |rule: &&EvidenceRule| is_meant(rule, amount, reason) && is_due(rule, s);
    let mut kinds: Vec<String> = Vec::new();
    for rule in rules.iter().filter(applies) {
        if !kinds.contains(&rule.kind) {
            kinds.push(rule.kind.clone());
        }
    }
    kinds
}

/// Judges the evidence that was given.
pub(crate) fn judge(
    id: &'static str,
    rules: &[EvidenceRule],
    s: &Situation<'_>,
    amount: i64,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    for (index, rule) in rules.iter().enumerate() {
        if let Some(after) = rule.after {
            report.edge(window::after(s.facts.sale.paid_at, after)?);
        }
        let Asked::Decide { reason, evidence } = asked else { continue };
        let is_given = evidence.contains(&rule.kind);
        let (meant, due) = (is_meant(rule, amount, reason), is_due(rule, s));
        if let Some(after) = rule.after.filter(|_| meant && !due && !is_given) {
            // It suffices as it is until then.
            report.ends(window::after(s.facts.sale.paid_at, after)?);
        }
        // Two rules can demand the same kind: it is asked for once.
        let asked_before = || {
            let before = rules.iter().take(index);
            before
                .into_iter()
                .any(|other| other.kind == rule.kind && is_meant(other, amount, reason) && is_due(other, s))
        };
        let lacks = meant && due && !is_given;
        if lacks && asked_before() {
            continue;
        }
        report.asks(
            id,
            Place::Item("evidence", index),
            denies(lacks),
            || {
                let kind = Value::Text(rule.kind.clone());
                match (rule.above, rule.after) {
                    _ if lacks => (Value::Absent, kind),
                    _ if is_given => (kind.clone(), kind),
                    (Some(above), _) if amount <= above.minor() => (s.amount(amount), s.amount(above.minor())),
                    (_, Some(after)) if !due => {
                        (Value::Lasting(s.now.since(s.facts.sale.paid_at)), Value::Lasting(after.duration()))
                    }
                    _ => (Value::Absent, Value::Absent),
                }
            },
            || Remedy::Provide(rule.kind.clone()),
        );
    }
    Ok(())
}
