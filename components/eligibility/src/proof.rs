//! What an operator and a customer have to prove: who they are, freshly, for this very operation.
//!
//! Proofs are judged when an operation is asked for, which then has a digest among the facts. Whoever looks at ways, or
//! checks an operation before asking for it, is told by the obligations what will be demanded: a bound proof can only be
//! given once the operation is known. The ledger takes no operation without the proofs that its decision demands.

use crate::place::Place;
use crate::report::{Report, denies};
use crate::situation::{Asked, Situation};
use crate::window::CLOCK_SKEW;
use rescind_model::token::Token as _;
use rescind_model::{AuthenticationDemand, DecisionError, IdentityKind, Remedy, Role, Value};
use rescind_policy::document::{AuthenticationRule, IdentityRule};

/// Judges whether the operator holds any of these roles; anybody may if there are none.
pub(crate) fn of_role(
    id: &'static str,
    place: Place<'_>,
    roles: &[Role],
    listed: impl FnOnce() -> String,
    s: &Situation<'_>,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let Some(first) = roles.first() else { return Ok(()) };
    let asker = &s.facts.asker;
    let nobody = asker.person.is_none() && asker.roles.is_empty();
    match asked {
        Asked::Probe => return Ok(()),
        // Which ways are open can be asked before anybody signs in; the obligations name the roles.
        Asked::Assess if nobody => return Ok(()),
        Asked::Decide { .. } if nobody => return Err(DecisionError::MissingFact("asker.person".to_owned())),
        Asked::Assess | Asked::Decide { .. } => {}
    }
    report.asks(
        id,
        place,
        denies(!asker.roles.iter().any(|role| roles.contains(role))),
        || {
            let held = asker.roles.first().map_or(Value::Absent, |role| Value::Text(role.as_str().to_owned()));
            (held, Value::Text(listed()))
        },
        || Remedy::AskRole(first.clone()),
    );
    Ok(())
}

/// What the policy demands, as an obligation.
pub(crate) fn demand(rule: Option<&AuthenticationRule>) -> Option<AuthenticationDemand> {
    rule.map(|rule| AuthenticationDemand { max_age: rule.max_age.duration(), bound: rule.bound })
}

/// Judges the operator's proof.
pub(crate) fn of_operator(
    id: &'static str,
    place: Place<'_>,
    rule: Option<AuthenticationRule>,
    s: &Situation<'_>,
    report: &mut Report,
) {
    let (Some(rule), Some(operation)) = (rule, &s.facts.operation) else { return };
    let limit = rule.max_age.duration();
    let (suffices, observed) = match &s.facts.authentication {
        None => (false, Value::Absent),
        Some(proof) if s.facts.asker.person.as_ref() != Some(&proof.person) => {
            (false, Value::Text("other-person".to_owned()))
        }
        Some(proof) => match &proof.operation {
            // One that names an operation counts for no other, whether the policy demands a bound proof or not.
            Some(given_for) if given_for != operation => (false, Value::Text("other-operation".to_owned())),
            None if rule.bound => (false, Value::Text("unbound".to_owned())),
            // The clock that gave it may be ahead; by more than clocks differ, it proves nothing.
            _ if proof.at.since(s.facts.now) > CLOCK_SKEW => (false, Value::At(proof.at)),
            _ => {
                let age = s.facts.now.since(proof.at);
                (age <= limit, Value::Lasting(age))
            }
        },
    };
    report.asks(id, place, denies(!suffices), || (observed, Value::Lasting(limit)), || Remedy::Authenticate);
}

/// The rule on how the customer has to be identified for this amount, with its place in the list.
fn demanded(rules: &[IdentityRule], amount: i64) -> Option<(usize, &IdentityRule)> {
    // Rules ascend by amount: the last that applies is the strictest.
    rules.iter().enumerate().rev().find(|(_, rule)| rule.above.is_none_or(|above| amount > above.minor()))
}

/// How the customer has to be identified for this amount: any one of these; nothing demanded if empty.
pub(crate) fn kinds(rules: &[IdentityRule], amount: i64) -> &[IdentityKind] {
    demanded(rules, amount).map_or(&[], |(_, rule)| &rule.any_of)
}

/// Judges the customer's proofs.
pub(crate) fn of_customer(
    id: &'static str,
    rules: &[IdentityRule],
    s: &Situation<'_>,
    amount: i64,
    report: &mut Report,
) {
    let Some((index, rule)) = demanded(rules, amount).filter(|_| s.facts.operation.is_some()) else { return };
    let Some(first) = rule.any_of.first() else { return };
    report.asks(
        id,
        Place::Item("identity", index),
        denies(!s.facts.identity.iter().any(|proof| rule.any_of.contains(&proof.kind))),
        || {
            let given = s.facts.identity.first().map(|proof| Value::Text(proof.kind.token().to_owned()));
            let demanded: Vec<&str> = rule.any_of.iter().map(|kind| kind.token()).collect();
            (given.unwrap_or(Value::Absent), Value::Text(demanded.join("|")))
        },
        || Remedy::Identify(*first),
    );
}
