//! The void that carries out a legal or compliance order: beyond windows, counts and settlement, never beyond what is left.
//!
//! What stays: the payment must be good, nothing else may be under way, all that is left is taken (no more, no less), and the
//! person is known, holds a role of the policy's list and has proved it as freshly as any void demands. A second person
//! confirms: the obligations say two. A terminal alone cannot carry one out: only the server knows the order.

use crate::place::Place::{Document, Field, Nowhere};
use crate::report::{Report, denies};
use crate::situation::Situation;
use crate::{proof, rule, tally, void};
use rescind_model::{DecisionError, Remedy, Value};

/// Judges it; all that stand in the way are reported.
pub(crate) fn judge(s: &Situation<'_>, amount: i64, report: &mut Report) -> Result<(), DecisionError> {
    let voids = s.void();
    report.holds("void", voids.as_ref());
    void::outcome_is_known_good(s, report);
    let rules = s.engine.document().legal.as_ref();
    report.asks(
        rule::LEGAL_ENABLED,
        Nowhere,
        denies(rules.is_none()),
        || void::enabled_or_not(rules.is_some()),
        || Remedy::ContactSupport,
    );
    void::nothing_under_way(s, report);
    all_that_is_left(s, amount, report);
    if let Some(rules) = rules {
        let asker = &s.facts.asker;
        if asker.person.is_none() {
            return Err(DecisionError::MissingFact("asker.person".to_owned()));
        }
        report.asks(
            rule::LEGAL_ROLE,
            Document("legal.roles"),
            denies(!asker.roles.iter().any(|role| rules.roles.contains(role))),
            || {
                let held = asker.roles.first().map_or(Value::Absent, |role| Value::Text(role.as_str().to_owned()));
                (held, Value::Text(s.engine.legal_roles.clone()))
            },
            || rules.roles.first().map_or(Remedy::None, |role| Remedy::AskRole(role.clone())),
        );
        let demand = voids.and_then(|held| held.rules.authentication);
        proof::of_operator(rule::VOID_AUTHENTICATION, Field("authentication"), demand, s, report);
    }
    if s.facts.offline.is_some() {
        tally::unknown_offline(s, Nowhere, true, report, || Value::Text("legal-order".to_owned()));
    }
    Ok(())
}

fn all_that_is_left(s: &Situation<'_>, amount: i64, report: &mut Report) {
    let balance = &s.facts.balance;
    if balance.void_open || balance.operation_open {
        return;
    }
    let voided = balance.voided.minor;
    if s.left == 0 {
        let id = if voided > 0 { rule::VOID_ALREADY_VOIDED } else { rule::VOID_BALANCE };
        report.asks(
            id,
            Nowhere,
            denies(true),
            || (s.amount(if voided > 0 { voided } else { s.left }), s.amount(if voided > 0 { 0 } else { amount })),
            || if balance.reserved.minor > 0 { Remedy::AwaitOutcome } else { Remedy::None },
        );
        return;
    }
    report.asks(
        rule::VOID_AMOUNT,
        Nowhere,
        denies(amount != s.left),
        || (s.amount(amount), s.amount(s.left)),
        || {
            let more = amount > s.left;
            if more { Remedy::ReduceTo(s.money(s.left)) } else { Remedy::Provide("full-amount".to_owned()) }
        },
    );
}
