//! The rules of what is done to a hold (预授权): released as a whole, completed up to its ceiling, and a completion voided.

use crate::engine::joined;
use crate::report::{Report, Until};
use crate::situation::{Asked, Situation};
use crate::{fee, operation, proof, rule, window};
use rescind_model::token::Token as _;
use rescind_model::{DecisionError, Hold, Outcome, Remedy, Role, SaleOutcome, Value, Way};
use rescind_policy::document::{AuthenticationRule, HoldRules};

/// Judges the release of a hold; all that stand in the way are reported. It is never too late to give money free.
pub(crate) fn judge_release(
    s: &Situation<'_>,
    amount: i64,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let rules = s.engine.hold_rules();
    if rules.is_none_or(|rules| !rules.enabled) {
        // Holds made before they were switched off still have to end.
        operation::disabled(rule::HOLD_RELEASE_ENABLED, Outcome::Refer, report, || Remedy::ContactSupport);
    }
    let Some(hold) = held(rule::HOLD_RELEASE_NO_HOLD, rule::HOLD_RELEASE_OUTCOME, s, report)? else { return Ok(()) };
    operation::nothing_under_way(rule::HOLD_RELEASE_IN_PROGRESS, s, report);
    operation::whole(rule::HOLD_RELEASE_AMOUNT, s, amount, hold.authorised.minor, report);
    if let Some(rules) = rules {
        let operator = Operator {
            roles: &rules.release_roles,
            role_id: rule::HOLD_RELEASE_OPERATOR_ROLE,
            proof: rules.release_authentication.as_ref(),
            proof_id: rule::HOLD_RELEASE_AUTHENTICATION,
        };
        operator.judge(s, asked, report)?;
    }
    Ok(())
}

/// Who may do this to a hold (any of these roles; empty: anybody), and how fresh their proof has to be.
pub(crate) fn operator_of(rules: &HoldRules, way: Way) -> Option<(&[Role], Option<&AuthenticationRule>)> {
    match way {
        Way::HoldRelease => Some((&rules.release_roles, rules.release_authentication.as_ref())),
        Way::HoldCompletion => Some((&rules.completion_roles, rules.completion_authentication.as_ref())),
        Way::CompletionVoid => {
            rules.completion_void.as_ref().map(|void| (void.operator_roles.as_slice(), void.authentication.as_ref()))
        }
        Way::Void | Way::Refund | Way::Reversal | Way::OrderClose => None,
    }
}

/// Who may do something to a hold, and how they prove who they are.
struct Operator<'a> {
    /// Any of these; empty: anybody.
    roles: &'a [Role],
    role_id: &'static str,
    proof: Option<&'a AuthenticationRule>,
    proof_id: &'static str,
}

impl Operator<'_> {
    fn judge(&self, s: &Situation<'_>, asked: Asked<'_>, report: &mut Report) -> Result<(), DecisionError> {
        self.must_hold_a_role(s, asked, report)?;
        if let Asked::Decide { .. } = asked {
            proof::of_operator(self.proof_id, self.proof, s, report);
        }
        Ok(())
    }

    fn must_hold_a_role(&self, s: &Situation<'_>, asked: Asked<'_>, report: &mut Report) -> Result<(), DecisionError> {
        let Some(first) = self.roles.first() else { return Ok(()) };
        let asker = &s.facts.asker;
        let nobody = asker.person.is_none() && asker.roles.is_empty();
        match asked {
            Asked::Probe => return Ok(()),
            Asked::Assess if nobody => return Ok(()),
            Asked::Decide { .. } if nobody => return Err(DecisionError::MissingFact("asker.person".to_owned())),
            Asked::Assess | Asked::Decide { .. } => {}
        }
        if !asker.roles.iter().any(|role| self.roles.contains(role)) {
            report.stands(self.role_id, Outcome::Deny, Until::Changed, || {
                let held = asker.roles.first().map_or(Value::Absent, |role| Value::Text(role.as_str().to_owned()));
                (held, Value::Text(joined(self.roles)), Remedy::AskRole(first.clone()))
            });
        }
        Ok(())
    }
}

/// Judges a completion; all that stand in the way are reported.
pub(crate) fn judge_completion(
    s: &Situation<'_>,
    amount: i64,
    keeps_penalty: bool,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let rules = s.engine.hold_rules();
    if rules.is_none_or(|rules| !rules.enabled) {
        operation::disabled(rule::HOLD_COMPLETION_ENABLED, Outcome::Deny, report, || s.way_back());
    }
    let (no_hold, outcome) = (rule::HOLD_COMPLETION_NO_HOLD, rule::HOLD_COMPLETION_OUTCOME);
    let Some(hold) = held(no_hold, outcome, s, report)? else { return Ok(()) };
    operation::nothing_under_way(rule::HOLD_COMPLETION_IN_PROGRESS, s, report);
    report.ends(hold.expires_at);
    if s.now >= hold.expires_at {
        report.stands(rule::HOLD_COMPLETION_VALIDITY, Outcome::Deny, Until::Changed, || {
            (Value::At(s.now), Value::At(hold.expires_at), s.way_back())
        });
    }
    let ceiling = hold.ceiling.minor;
    if amount > ceiling {
        report.stands(rule::HOLD_COMPLETION_CEILING, Outcome::Deny, Until::Changed, || {
            (s.amount(amount), s.amount(ceiling), Remedy::ReduceTo(s.money(ceiling)))
        });
    }
    if keeps_penalty {
        let most = most_penalty(rules, hold)?;
        if amount > most {
            report.stands(rule::HOLD_COMPLETION_PENALTY, Outcome::Deny, Until::Changed, || {
                let remedy = if most > 0 { Remedy::ReduceTo(s.money(most)) } else { s.way_back() };
                (s.amount(amount), s.amount(most), remedy)
            });
        }
    }
    if let Some(rules) = rules {
        let operator = Operator {
            roles: &rules.completion_roles,
            role_id: rule::HOLD_COMPLETION_OPERATOR_ROLE,
            proof: rules.completion_authentication.as_ref(),
            proof_id: rule::HOLD_COMPLETION_AUTHENTICATION,
        };
        operator.judge(s, asked, report)?;
    }
    Ok(())
}

/// The most that can be kept of a hold as a penalty; nothing where the policy names no limit for it.
pub(crate) fn most_penalty(rules: Option<&HoldRules>, hold: &Hold) -> Result<i64, DecisionError> {
    let Some(limit) = rules.and_then(|rules| rules.penalty) else { return Ok(0) };
    let held = hold.authorised.minor;
    let share = limit.max_rate.map(|rate| fee::penalty(None, Some(rate), held)).transpose()?;
    Ok(held.min(share.unwrap_or(held)).min(limit.cap.map_or(held, |cap| cap.minor())))
}

/// Judges the void of a completion; all that stand in the way are reported.
pub(crate) fn judge_completion_void(
    s: &Situation<'_>,
    amount: i64,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let rules = s.engine.hold_rules().filter(|rules| rules.enabled).and_then(|rules| rules.completion_void.as_ref());
    let refund_instead = || s.refund_instead(s.refundable());
    if rules.is_none() {
        operation::disabled(rule::COMPLETION_VOID_ENABLED, Outcome::Deny, report, || {
            if s.is_good() { refund_instead() } else { s.way_back() }
        });
    }
    let outcome = s.facts.status.outcome;
    if s.facts.hold.is_none() {
        return no_hold(rule::COMPLETION_VOID_NO_HOLD, s, report);
    }
    if outcome != SaleOutcome::Good {
        report.stands(rule::COMPLETION_VOID_OUTCOME, Outcome::Deny, Until::Changed, || {
            let (found, limit) = (outcome.token(), SaleOutcome::Good.token());
            (Value::Text(found.to_owned()), Value::Text(limit.to_owned()), s.way_back())
        });
        return Ok(());
    }
    operation::nothing_under_way(rule::COMPLETION_VOID_IN_PROGRESS, s, report);
    let balance = &s.facts.balance;
    if balance.refunds_sent > 0 {
        report.stands(rule::COMPLETION_VOID_AFTER_REFUND, Outcome::Deny, Until::Changed, || {
            (Value::Count(u64::from(balance.refunds_sent)), Value::Count(0), refund_instead())
        });
    }
    if s.left < s.captured && !balance.operation_open && !balance.void_open {
        report.stands(rule::COMPLETION_VOID_BALANCE, Outcome::Deny, Until::Changed, || {
            (s.amount(s.left), s.amount(s.captured), refund_instead())
        });
    }
    operation::whole(rule::COMPLETION_VOID_AMOUNT, s, amount, s.captured, report);
    let Some(rules) = rules else { return Ok(()) };
    if let Some(settled) = s.facts.status.settled_at.filter(|_| rules.until_settlement) {
        report.stands(rule::COMPLETION_VOID_SETTLED, Outcome::Deny, Until::Changed, || {
            (Value::At(settled), Value::Absent, refund_instead())
        });
    }
    if let Some(length) = rules.window {
        // From the completion on: what was paid, and when, is written when it is.
        let completed = s.facts.sale.paid_at;
        let end = window::after(completed, length)?;
        report.ends(end);
        if s.now >= end {
            report.stands(rule::COMPLETION_VOID_WINDOW, Outcome::Deny, Until::Changed, || {
                (Value::Lasting(s.now.since(completed)), Value::Lasting(length.duration()), refund_instead())
            });
        }
    }
    let operator = Operator {
        roles: &rules.operator_roles,
        role_id: rule::COMPLETION_VOID_OPERATOR_ROLE,
        proof: rules.authentication.as_ref(),
        proof_id: rule::COMPLETION_VOID_AUTHENTICATION,
    };
    operator.judge(s, asked, report)
}

/// The hold, as long as money is held.
fn held<'a>(
    no_hold_id: &'static str,
    outcome_id: &'static str,
    s: &Situation<'a>,
    report: &mut Report,
) -> Result<Option<&'a Hold>, DecisionError> {
    let Some(hold) = &s.facts.hold else {
        no_hold(no_hold_id, s, report)?;
        return Ok(None);
    };
    let outcome = s.facts.status.outcome;
    if outcome == SaleOutcome::Held {
        return Ok(Some(hold));
    }
    report.stands(outcome_id, Outcome::Deny, Until::Changed, || {
        let (found, limit) = (outcome.token(), SaleOutcome::Held.token());
        (Value::Text(found.to_owned()), Value::Text(limit.to_owned()), s.way_back())
    });
    Ok(None)
}

fn no_hold(id: &'static str, s: &Situation<'_>, report: &mut Report) -> Result<(), DecisionError> {
    let outcome = s.facts.status.outcome;
    if matches!(outcome, SaleOutcome::Held | SaleOutcome::Released | SaleOutcome::Lapsed) {
        return Err(DecisionError::MissingFact("hold".to_owned()));
    }
    report.stands(id, Outcome::Deny, Until::Changed, || (Value::Absent, Value::Text("hold".to_owned()), s.way_back()));
    Ok(())
}
