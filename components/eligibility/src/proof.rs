//! What an operator and a customer have to prove: who they are, freshly, for this very operation.
//!
//! Proofs are judged when an operation is asked for, which then has a digest among the facts. Whoever looks at ways, or
//! checks an operation before asking for it, is told by the obligations what will be demanded: a bound proof can only be
//! given once the operation is known. The ledger takes no operation without the proofs that its decision demands.

use crate::report::{Report, Until};
use crate::situation::Situation;
use crate::window::CLOCK_SKEW;
use rescind_model::token::Token as _;
use rescind_model::{AuthenticationDemand, IdentityKind, Outcome, Remedy, Value};
use rescind_policy::document::{AuthenticationRule, IdentityRule};

/// What the policy demands, as an obligation.
pub(crate) fn demand(rule: Option<&AuthenticationRule>) -> Option<AuthenticationDemand> {
    rule.map(|rule| AuthenticationDemand { max_age: rule.max_age.duration(), bound: rule.bound })
}

/// Judges the operator's proof.
pub(crate) fn of_operator(id: &'static str, rule: Option<&AuthenticationRule>, s: &Situation<'_>, report: &mut Report) {
    let (Some(rule), Some(operation)) = (rule, &s.facts.operation) else { return };
    let limit = rule.max_age.duration();
    let observed = match &s.facts.authentication {
        None => Value::Absent,
        Some(proof) if s.facts.asker.person.as_ref() != Some(&proof.person) => Value::Text("other-person".to_owned()),
        Some(proof) => match &proof.operation {
            // One that names an operation counts for no other, whether the policy demands a bound proof or not.
            Some(given_for) if given_for != operation => Value::Text("other-operation".to_owned()),
            None if rule.bound => Value::Text("unbound".to_owned()),
            // The clock that gave it may be ahead; by more than clocks differ, it proves nothing.
            _ if proof.at.since(s.facts.now) > CLOCK_SKEW => Value::At(proof.at),
            _ if s.facts.now.since(proof.at) <= limit => return,
            _ => Value::Lasting(s.facts.now.since(proof.at)),
        },
    };
    report.stands(id, Outcome::Deny, Until::Changed, || (observed, Value::Lasting(limit), Remedy::Authenticate));
}

/// How the customer has to be identified for this amount: any one of these; nothing demanded if empty.
pub(crate) fn kinds(rules: &[IdentityRule], amount: i64) -> &[IdentityKind] {
    // Rules ascend by amount: the last that applies is the strictest.
    let applies = |rule: &&IdentityRule| rule.above.is_none_or(|above| amount > above.minor());
    rules.iter().rev().find(applies).map_or(&[], |rule| &rule.any_of)
}

/// Judges the customer's proofs.
pub(crate) fn of_customer(
    id: &'static str,
    rules: &[IdentityRule],
    s: &Situation<'_>,
    amount: i64,
    report: &mut Report,
) {
    let kinds = kinds(rules, amount);
    let (Some(first), Some(_)) = (kinds.first(), &s.facts.operation) else { return };
    if s.facts.identity.iter().any(|proof| kinds.contains(&proof.kind)) {
        return;
    }
    report.stands(id, Outcome::Deny, Until::Changed, || {
        let given = s.facts.identity.first().map_or(Value::Absent, |proof| Value::Text(proof.kind.token().to_owned()));
        let demanded: Vec<&str> = kinds.iter().map(|kind| kind.token()).collect();
        (given, Value::Text(demanded.join("|")), Remedy::Identify(*first))
    });
}
