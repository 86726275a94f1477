//! The rules of what is done to a hold (预授权): released as a whole, completed up to its ceiling, and a completion voided.

use crate::engine::joined;
use crate::place::Place::{Field, Nowhere};
use crate::report::{Report, denies};
use crate::situation::{Asked, Situation};
use crate::{effective, fee, offline, operation, proof, rule, window};
use rescind_model::token::Token as _;
use rescind_model::{DecisionError, Hold, Outcome, Remedy, Role, SaleOutcome, Value, Way};
use rescind_policy::document::{AuthenticationRule, CompletionVoidRules, HoldRules};

/// Judges the release of a hold; all that stand in the way are reported. It is never too late to give money free.
pub(crate) fn judge_release(
    s: &Situation<'_>,
    amount: i64,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let holds = s.hold();
    report.holds("hold", holds.as_ref());
    effective::judge(s, report);
    let rules = holds.map(|holds| holds.rules);
    // Holds made before they were switched off still have to end.
    enabled(rule::HOLD_RELEASE_ENABLED, rules, Outcome::Refer, report, || Remedy::ContactSupport);
    if let Some(hold) = held(rule::HOLD_RELEASE_NO_HOLD, rule::HOLD_RELEASE_OUTCOME, s, report)? {
        operation::nothing_under_way(rule::HOLD_RELEASE_IN_PROGRESS, s, report);
        operation::whole(rule::HOLD_RELEASE_AMOUNT, s, amount, hold.authorised.minor, report);
        if let Some(rules) = rules {
            let operator = Operator {
                roles: &rules.release_roles,
                role_id: rule::HOLD_RELEASE_OPERATOR_ROLE,
                role_place: "release-roles",
                proof: rules.release_authentication,
                proof_id: rule::HOLD_RELEASE_AUTHENTICATION,
                proof_place: "release-authentication",
            };
            operator.judge(s, asked, report)?;
        }
    }
    offline::judge(s, Way::HoldRelease, amount, report);
    Ok(())
}

/// There must be holds at the moment; `verdict` where there are none.
fn enabled(
    id: &'static str,
    rules: Option<&HoldRules>,
    verdict: Outcome,
    report: &mut Report,
    remedy: impl FnOnce() -> Remedy,
) {
    let place = if rules.is_some() { Field("enabled") } else { Nowhere };
    operation::enabled(id, place, rules.is_some_and(|rules| rules.enabled), verdict, report, remedy);
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
    role_place: &'static str,
    proof: Option<AuthenticationRule>,
    proof_id: &'static str,
    proof_place: &'static str,
}

impl Operator<'_> {
    fn judge(&self, s: &Situation<'_>, asked: Asked<'_>, report: &mut Report) -> Result<(), DecisionError> {
        let listed = || joined(self.roles);
        proof::of_role(self.role_id, Field(self.role_place), self.roles, listed, s, asked, report)?;
        if let Asked::Decide { .. } = asked {
            proof::of_operator(self.proof_id, Field(self.proof_place), self.proof, s, report);
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
    let holds = s.hold();
    report.holds("hold", holds.as_ref());
    effective::judge(s, report);
    let rules = holds.map(|holds| holds.rules);
    enabled(rule::HOLD_COMPLETION_ENABLED, rules, Outcome::Deny, report, || s.way_back());
    if let Some(hold) = held(rule::HOLD_COMPLETION_NO_HOLD, rule::HOLD_COMPLETION_OUTCOME, s, report)? {
        operation::nothing_under_way(rule::HOLD_COMPLETION_IN_PROGRESS, s, report);
        within_the_hold(s, rules, hold, amount, report);
        if keeps_penalty {
            within_the_penalty(s, rules, hold, amount, report)?;
        }
        if let Some(rules) = rules {
            let operator = Operator {
                roles: &rules.completion_roles,
                role_id: rule::HOLD_COMPLETION_OPERATOR_ROLE,
                role_place: "completion-roles",
                proof: rules.completion_authentication,
                proof_id: rule::HOLD_COMPLETION_AUTHENTICATION,
                proof_place: "completion-authentication",
            };
            operator.judge(s, asked, report)?;
        }
    }
    offline::judge(s, Way::HoldCompletion, amount, report);
    Ok(())
}

fn within_the_hold(s: &Situation<'_>, rules: Option<&HoldRules>, hold: &Hold, amount: i64, report: &mut Report) {
    // What the policy said when the hold was made stands in the hold.
    let place = |field| if rules.is_some() { Field(field) } else { Nowhere };
    report.ends(hold.expires_at);
    report.asks(
        rule::HOLD_COMPLETION_VALIDITY,
        place("validity"),
        denies(s.now >= hold.expires_at),
        || (Value::At(s.now), Value::At(hold.expires_at)),
        || s.way_back(),
    );
    let ceiling = hold.ceiling.minor;
    report.asks(
        rule::HOLD_COMPLETION_CEILING,
        place("ceiling-percent"),
        denies(amount > ceiling),
        || (s.amount(amount), s.amount(ceiling)),
        || Remedy::ReduceTo(s.money(ceiling)),
    );
}

fn within_the_penalty(
    s: &Situation<'_>,
    rules: Option<&HoldRules>,
    hold: &Hold,
    amount: i64,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let most = most_penalty(rules, hold)?;
    report.asks(
        rule::HOLD_COMPLETION_PENALTY,
        if rules.is_some_and(|rules| rules.penalty.is_some()) { Field("penalty") } else { Nowhere },
        denies(amount > most),
        || (s.amount(amount), s.amount(most)),
        || if most > 0 { Remedy::ReduceTo(s.money(most)) } else { s.way_back() },
    );
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
    let holds = s.hold();
    report.holds("hold", holds.as_ref());
    effective::judge(s, report);
    let stated = holds.and_then(|holds| holds.rules.completion_void.as_ref().map(|void| (holds.rules.enabled, void)));
    let rules = stated.filter(|(enabled, _)| *enabled).map(|(_, void)| void);
    operation::enabled(
        rule::COMPLETION_VOID_ENABLED,
        if stated.is_some() { Field("completion-void") } else { Nowhere },
        rules.is_some(),
        Outcome::Deny,
        report,
        || if s.is_good() { s.refund_instead(s.refundable()) } else { s.way_back() },
    );
    if s.facts.hold.is_none() {
        no_hold(rule::COMPLETION_VOID_NO_HOLD, s, report)?;
    } else if is_completed(s, report) {
        of_completion(s, rules, amount, asked, report)?;
    }
    offline::judge(s, Way::CompletionVoid, amount, report);
    Ok(())
}

/// Whether the hold was completed.
fn is_completed(s: &Situation<'_>, report: &mut Report) -> bool {
    let outcome = s.facts.status.outcome;
    report.asks(
        rule::COMPLETION_VOID_OUTCOME,
        Nowhere,
        denies(outcome != SaleOutcome::Good),
        || (Value::Text(outcome.token().to_owned()), Value::Text(SaleOutcome::Good.token().to_owned())),
        || s.way_back(),
    );
    outcome == SaleOutcome::Good
}

fn of_completion(
    s: &Situation<'_>,
    rules: Option<&CompletionVoidRules>,
    amount: i64,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let refund_instead = || s.refund_instead(s.refundable());
    operation::nothing_under_way(rule::COMPLETION_VOID_IN_PROGRESS, s, report);
    let balance = &s.facts.balance;
    report.asks(
        rule::COMPLETION_VOID_AFTER_REFUND,
        Nowhere,
        denies(balance.refunds_sent > 0),
        || (Value::Count(u64::from(balance.refunds_sent)), Value::Count(0)),
        refund_instead,
    );
    report.asks(
        rule::COMPLETION_VOID_BALANCE,
        Nowhere,
        denies(s.left < s.captured && !balance.operation_open && !balance.void_open),
        || (s.amount(s.left), s.amount(s.captured)),
        refund_instead,
    );
    operation::whole(rule::COMPLETION_VOID_AMOUNT, s, amount, s.captured, report);
    let Some(rules) = rules else { return Ok(()) };
    if rules.until_settlement {
        let settled = s.facts.status.settled_at;
        report.asks(
            rule::COMPLETION_VOID_SETTLED,
            Field("completion-void.until-settlement"),
            denies(settled.is_some()),
            || (settled.map_or(Value::Absent, Value::At), Value::Absent),
            refund_instead,
        );
    }
    if let Some(length) = rules.window {
        // From the completion on: what was paid, and when, is written when it is.
        let completed = s.facts.sale.paid_at;
        let end = window::after(completed, length)?;
        report.ends(end);
        report.asks(
            rule::COMPLETION_VOID_WINDOW,
            Field("completion-void.window"),
            denies(s.now >= end),
            || (Value::Lasting(s.now.since(completed)), Value::Lasting(length.duration())),
            refund_instead,
        );
    }
    let operator = Operator {
        roles: &rules.operator_roles,
        role_id: rule::COMPLETION_VOID_OPERATOR_ROLE,
        role_place: "completion-void.operator-roles",
        proof: rules.authentication,
        proof_id: rule::COMPLETION_VOID_AUTHENTICATION,
        proof_place: "completion-void.authentication",
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
    let is_held = outcome == SaleOutcome::Held;
    report.asks(
        outcome_id,
        Nowhere,
        denies(!is_held),
        || (Value::Text(outcome.token().to_owned()), Value::Text(SaleOutcome::Held.token().to_owned())),
        || s.way_back(),
    );
    Ok(is_held.then_some(hold))
}

fn no_hold(id: &'static str, s: &Situation<'_>, report: &mut Report) -> Result<(), DecisionError> {
    let outcome = s.facts.status.outcome;
    if matches!(outcome, SaleOutcome::Held | SaleOutcome::Released | SaleOutcome::Lapsed) {
        return Err(DecisionError::MissingFact("hold".to_owned()));
    }
    report.asks(id, Nowhere, denies(true), || (Value::Absent, Value::Text("hold".to_owned())), || s.way_back());
    Ok(())
}
