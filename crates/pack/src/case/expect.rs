//! What a case expects of a decision, and how it differs from what was found.

use super::days::Days;
use super::lives::Lives;
use crate::notation;
use core::fmt;
use rescind_eligibility::Engine;
use rescind_model::token::Token;
use rescind_model::{Decision, Duration, Instant, Money};
use rescind_policy::scalar::Span;
use serde::{Deserialize, Serialize};

/// One field in which an answer is not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// Where: `void.outcome`, `refund.findings`, `charge`, `error`.
    pub field: String,
    /// What the case expects, one line per item of a list.
    pub expected: Vec<String>,
    /// What the engine answers, likewise.
    pub found: Vec<String>,
}

impl Difference {
    pub(super) fn one(field: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { field: field.into(), expected: vec![expected.into()], found: vec![found.into()] }
    }
}

/// `void.outcome: expected allow, found deny`; lists line by line, as a diff.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let ([expected], [found]) = (self.expected.as_slice(), self.found.as_slice()) {
            return write!(f, "{}: expected {expected}, found {found}", self.field);
        }
        write!(f, "{}:", self.field)?;
        let missing = self.expected.iter().filter(|line| !self.found.contains(line)).map(|line| ('-', line));
        let extra = self.found.iter().filter(|line| !self.expected.contains(line)).map(|line| ('+', line));
        let mut lines: Vec<(char, &String)> = missing.chain(extra).collect();
        if lines.is_empty() {
            // The same lines in another order or number.
            lines = self.expected.iter().map(|line| ('-', line)).collect();
            lines.extend(self.found.iter().map(|line| ('+', line)));
        }
        lines.into_iter().try_for_each(|(sign, line)| write!(f, "\n  {sign} {line}"))
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Expect {
    pub(super) void: Option<Answer>,
    pub(super) refund: Option<Answer>,
    pub(super) reversal: Option<Answer>,
    pub(super) order_close: Option<Answer>,
    pub(super) hold_release: Option<Answer>,
    pub(super) hold_completion: Option<Answer>,
    pub(super) completion_void: Option<Answer>,
    /// What the sale is charged by the policy's schedule: an amount, or `none`.
    pub(super) charge: Option<String>,
    /// The kind of error.
    pub(super) error: Option<String>,
    /// How long things live under the policy, and who may do what is rare.
    pub(super) lives: Option<Lives>,
    /// Which days are worked.
    pub(super) days: Option<Days>,
}

impl Expect {
    /// Whether nothing is said.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_of_a_payment() && !self.is_of_the_policy()
    }

    /// Whether only something is expected that no question has to be asked for.
    pub(super) fn is_of_the_policy_alone(&self) -> bool {
        self.is_of_the_policy() && !self.is_of_a_payment()
    }

    fn is_of_the_policy(&self) -> bool {
        self.charge.is_some() || self.lives.is_some() || self.days.is_some()
    }

    fn is_of_a_payment(&self) -> bool {
        self.error.is_some() || self.answers().iter().any(|(_, answer)| answer.is_some())
    }

    /// The answers by way.
    pub(super) fn answers(&self) -> [(&'static str, Option<&Answer>); 7] {
        [
            ("void", self.void.as_ref()),
            ("refund", self.refund.as_ref()),
            ("reversal", self.reversal.as_ref()),
            ("order-close", self.order_close.as_ref()),
            ("hold-release", self.hold_release.as_ref()),
            ("hold-completion", self.hold_completion.as_ref()),
            ("completion-void", self.completion_void.as_ref()),
        ]
    }
}

/// What is expected of one way. Findings are compared in full; what is left out is not compared.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Answer {
    outcome: String,
    /// `rule remedy`, such as `void.window use-refund-from 2026-11-23T23:00:00+08:00`.
    #[serde(default)]
    findings: Vec<String>,
    open_until: Option<String>,
    opens_at: Option<String>,
    tier: Option<String>,
    needed: Option<u32>,
    /// Roles whose approval counts.
    approvers: Option<Vec<String>>,
    /// How long after submission the request ends without the last approval: `72 hours`.
    expires_after: Option<String>,
    /// Whom it passes to and when: `24 hours manager`; of several roles `24 hours manager|owner`.
    escalation: Option<Vec<String>>,
    /// What the policy allows, by finding: `void.reason wrong-amount|duplicate`.
    limits: Option<Vec<String>>,
    fees: Option<Vec<String>>,
    evidence: Option<Vec<String>>,
    operator_roles: Option<Vec<String>>,
    executor: Option<String>,
    slip: Option<bool>,
    /// `1 to 3 working days`, or `none`.
    arrival: Option<String>,
    /// The local dates of the arrival: `2026-11-24 to 2026-11-26`; `none` where no calendar reaches so far.
    arrives: Option<String>,
    amount: Option<String>,
    /// `120000 ms, bound` or `none`.
    authentication: Option<String>,
    identity: Option<Vec<String>>,
    persons: Option<u32>,
    coupon: Option<String>,
    penalty: Option<String>,
    funding: Option<String>,
    /// Milliseconds.
    queries: Option<Vec<u64>>,
    /// What it may do offline: `queued`, `cancels-locally`, or `none`.
    offline: Option<String>,
}

/// Collects what differs in one way.
struct Comparison<'a> {
    way: &'static str,
    differences: &'a mut Vec<Difference>,
}

impl Comparison<'_> {
    fn lines(&mut self, field: &str, expected: &[String], found: Vec<String>) {
        if *expected != *found {
            let field = format!("{}.{field}", self.way);
            self.differences.push(Difference { field, expected: expected.to_vec(), found });
        }
    }

    /// Compares if something is expected.
    fn text(&mut self, field: &str, expected: Option<&String>, found: impl FnOnce() -> String) {
        let Some(expected) = expected else { return };
        let found = found();
        if *expected != found {
            self.differences.push(Difference::one(format!("{}.{field}", self.way), expected, found));
        }
    }

    /// Compares lengths of time, in whatever unit they are written.
    fn span(&mut self, field: &str, expected: Option<&String>, found: impl FnOnce() -> Option<Duration>) {
        let Some(expected) = expected else { return };
        let found = found();
        if length(expected).is_none() || length(expected) != found {
            let found = found.map_or_else(|| "none".to_owned(), notation::lasting);
            self.differences.push(Difference::one(format!("{}.{field}", self.way), expected, found));
        }
    }

    /// Compares whom a request passes to, and when.
    fn escalation(&mut self, expected: Option<&Vec<String>>, found: impl FnOnce() -> Vec<(Duration, String)>) {
        let Some(expected) = expected else { return };
        let found = found();
        let said =
            |line: &String| line.rsplit_once(' ').and_then(|(after, roles)| Some((length(after)?, roles.to_owned())));
        let read: Option<Vec<(Duration, String)>> = expected.iter().map(said).collect();
        if read.as_ref() != Some(&found) {
            let found =
                found.into_iter().map(|(after, roles)| format!("{} {roles}", notation::lasting(after))).collect();
            let field = format!("{}.escalation", self.way);
            self.differences.push(Difference { field, expected: expected.clone(), found });
        }
    }

    fn list(&mut self, field: &str, expected: Option<&Vec<String>>, found: impl FnOnce() -> Vec<String>) {
        if let Some(expected) = expected {
            self.lines(field, expected, found());
        }
    }
}

/// A length of time as a policy writes it, such as `72 hours`. `None`: it is written otherwise.
pub(super) fn length(text: &str) -> Option<Duration> {
    Span::parse(text).ok().map(Span::duration)
}

/// Roles as one text.
fn joined(roles: &[rescind_model::Role]) -> String {
    let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    roles.join("|")
}

impl Answer {
    /// The fields that are compared, by their names in the file: the outcome and the findings always are.
    pub(super) fn compared(&self) -> Vec<&'static str> {
        let fields = [
            ("open-until", self.open_until.is_some()),
            ("opens-at", self.opens_at.is_some()),
            ("tier", self.tier.is_some()),
            ("needed", self.needed.is_some()),
            ("approvers", self.approvers.is_some()),
            ("expires-after", self.expires_after.is_some()),
            ("escalation", self.escalation.is_some()),
            ("limits", self.limits.is_some()),
            ("fees", self.fees.is_some()),
            ("evidence", self.evidence.is_some()),
            ("operator-roles", self.operator_roles.is_some()),
            ("executor", self.executor.is_some()),
            ("slip", self.slip.is_some()),
            ("arrival", self.arrival.is_some() || self.arrives.is_some()),
            ("amount", self.amount.is_some()),
            ("authentication", self.authentication.is_some()),
            ("identity", self.identity.is_some()),
            ("persons", self.persons.is_some()),
            ("coupon", self.coupon.is_some()),
            ("penalty", self.penalty.is_some()),
            ("funding", self.funding.is_some()),
            ("queries", self.queries.is_some()),
            ("offline", self.offline.is_some()),
        ];
        fields.into_iter().filter(|(_, is_compared)| *is_compared).map(|(field, _)| field).collect()
    }

    /// Compares what is expected with a decision.
    pub(super) fn compare(&self, engine: &Engine, decision: &Decision, differences: &mut Vec<Difference>) {
        let zone = engine.document().time_zone;
        let none = || "none".to_owned();
        let at = |at: Option<Instant>| at.map_or_else(none, |at| notation::local(zone, at));
        let money = |money: &Option<Money>| money.as_ref().map_or_else(none, Money::decimal_text);
        let needs = &decision.obligations;
        let plan = needs.approvals.as_ref();
        let mut c = Comparison { way: decision.way.token(), differences };

        c.text("outcome", Some(&self.outcome), || decision.outcome.token().to_owned());
        let findings = decision.findings.iter().map(|finding| notation::finding(zone, finding)).collect();
        c.lines("findings", &self.findings, findings);
        c.text("open-until", self.open_until.as_ref(), || at(decision.open_until));
        c.text("opens-at", self.opens_at.as_ref(), || at(decision.opens_at));
        c.text("amount", self.amount.as_ref(), || decision.amount.decimal_text());
        c.text("tier", self.tier.as_ref(), || plan.map_or_else(none, |plan| plan.tier.clone()));
        c.text("needed", self.needed.map(|n| n.to_string()).as_ref(), || {
            plan.map_or(0, |plan| plan.needed).to_string()
        });
        c.list("approvers", self.approvers.as_ref(), || {
            plan.map(|plan| plan.roles.iter().map(ToString::to_string).collect()).unwrap_or_default()
        });
        c.span("expires-after", self.expires_after.as_ref(), || plan.map(|plan| plan.expires_after));
        c.escalation(self.escalation.as_ref(), || {
            let steps = plan.map(|plan| plan.escalations.as_slice()).unwrap_or_default();
            steps.iter().map(|step| (step.after, joined(&step.roles))).collect()
        });
        c.list("limits", self.limits.as_ref(), || {
            let limit = |finding: &rescind_model::Finding| {
                format!("{} {}", finding.rule, notation::value(zone, &finding.limit))
            };
            decision.findings.iter().map(limit).collect()
        });
        c.list("fees", self.fees.as_ref(), || {
            let fee = |fee: &rescind_model::Fee| {
                format!("{} {} {}", fee.kind.token(), fee.amount.decimal_text(), fee.payer.token())
            };
            needs.fees.iter().map(fee).collect()
        });
        c.list("evidence", self.evidence.as_ref(), || needs.evidence.clone());
        c.list("operator-roles", self.operator_roles.as_ref(), || {
            needs.operator_roles.iter().map(ToString::to_string).collect()
        });
        c.text("executor", self.executor.as_ref(), || needs.executor.token().to_owned());
        c.text("slip", self.slip.map(|slip| slip.to_string()).as_ref(), || needs.slip.to_string());
        c.text("arrival", self.arrival.as_ref(), || needs.arrival.as_ref().map_or_else(none, notation::arrival));
        c.text("arrives", self.arrives.as_ref(), || {
            let dates = needs.arrival.as_ref().and_then(|arrival| arrival.earliest.zip(arrival.latest));
            dates.map_or_else(none, |(earliest, latest)| format!("{earliest} to {latest}"))
        });
        c.text("authentication", self.authentication.as_ref(), || {
            needs.authentication.as_ref().map_or_else(none, |demand| {
                format!("{} ms, {}", demand.max_age.ms, if demand.bound { "bound" } else { "unbound" })
            })
        });
        c.list("identity", self.identity.as_ref(), || {
            needs.identity.iter().map(|kind| kind.token().to_owned()).collect()
        });
        c.text("persons", self.persons.map(|n| n.to_string()).as_ref(), || needs.persons.to_string());
        c.text("coupon", self.coupon.as_ref(), || money(&needs.coupon));
        c.text("penalty", self.penalty.as_ref(), || money(&needs.penalty));
        c.text("funding", self.funding.as_ref(), || needs.funding.map_or("none", Token::token).to_owned());
        let queries = |waits: Vec<u64>| waits.iter().map(u64::to_string).collect::<Vec<_>>();
        c.list("queries", self.queries.clone().map(queries).as_ref(), || {
            queries(needs.queries.iter().map(|wait| wait.ms).collect())
        });
        c.text("offline", self.offline.as_ref(), || needs.offline.map_or("none", notation::offline).to_owned());
    }
}
