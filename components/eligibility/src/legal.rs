//! The void that carries out a legal or compliance order: beyond windows, counts and settlement, never beyond what is left.
//!
//! What stays: the payment must be good, nothing else may be under way, all that is left is taken (no more, no less), and the
//! person is known, holds a role of the policy's list and has proved it as freshly as any void demands. A second person
//! confirms: the obligations say two.

use crate::report::{Report, Until};
use crate::situation::Situation;
use crate::{proof, rule, void};
use rescind_model::{DecisionError, Outcome, Remedy, Value};

/// Judges it; all that stand in the way are reported.
pub(crate) fn judge(s: &Situation<'_>, amount: i64, report: &mut Report) -> Result<(), DecisionError> {
    void::outcome_is_known_good(s, report);
    let rules = s.engine.document().legal.as_ref();
    if rules.is_none() {
        report.stands(rule::LEGAL_ENABLED, Outcome::Deny, Until::Changed, || {
            (Value::Text("disabled".to_owned()), Value::Text("enabled".to_owned()), Remedy::ContactSupport)
        });
    }
    void::nothing_under_way(s, report);
    all_that_is_left(s, amount, report);
    let Some(rules) = rules else { return Ok(()) };
    let asker = &s.facts.asker;
    if asker.person.is_none() {
        return Err(DecisionError::MissingFact("asker.person".to_owned()));
    }
    if !asker.roles.iter().any(|role| rules.roles.contains(role)) {
        report.stands(rule::LEGAL_ROLE, Outcome::Deny, Until::Changed, || {
            let held = asker.roles.first().map_or(Value::Absent, |role| Value::Text(role.as_str().to_owned()));
            let remedy = rules.roles.first().map_or(Remedy::None, |role| Remedy::AskRole(role.clone()));
            (held, Value::Text(s.engine.legal_roles().to_owned()), remedy)
        });
    }
    let demand = s.engine.void_rules().and_then(|rules| rules.authentication.as_ref());
    proof::of_operator(rule::VOID_AUTHENTICATION, demand, s, report);
    Ok(())
}

fn all_that_is_left(s: &Situation<'_>, amount: i64, report: &mut Report) {
    let balance = &s.facts.balance;
    if balance.void_open || balance.operation_open {
        return;
    }
    if s.left == 0 {
        let voided = balance.voided.minor;
        let id = if voided > 0 { rule::VOID_ALREADY_VOIDED } else { rule::VOID_BALANCE };
        report.stands(id, Outcome::Deny, Until::Changed, || {
            let remedy = if balance.reserved.minor > 0 { Remedy::AwaitOutcome } else { Remedy::None };
            (s.amount(if voided > 0 { voided } else { s.left }), s.amount(if voided > 0 { 0 } else { amount }), remedy)
        });
    } else if amount != s.left {
        report.stands(rule::VOID_AMOUNT, Outcome::Deny, Until::Changed, || {
            let more = amount > s.left;
            let remedy =
                if more { Remedy::ReduceTo(s.money(s.left)) } else { Remedy::Provide("full-amount".to_owned()) };
            (s.amount(amount), s.amount(s.left), remedy)
        });
    }
}
