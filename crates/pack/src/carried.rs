//! What a policy states and an answer only carries: who carries an operation out, whether a slip is printed, who approves and
//! until when, how long things live. No rule stands in the way of it, so only a case that compares it shows that it is right.

use crate::field;
use rescind_model::{Decision, Outcome, Way};
use rescind_policy::Document;
use rescind_policy::document::Variant;
use serde::Serialize;
use serde_json::{Map, Value};

/// A value that answers carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Carried {
    /// Where the policy states it: `refund.tier[one-person].expires-after`.
    pub place: String,
    /// The field of an answer, or of what a case expects of the policy itself, in which it is compared.
    pub compared_in: &'static str,
}

/// Of which ways a field of a section is carried, and in which field of the answer.
struct CarriedField {
    section: &'static str,
    /// Within the section.
    path: &'static str,
    ways: &'static [Way],
    compared_in: &'static str,
}

const fn carried(
    section: &'static str,
    path: &'static str,
    ways: &'static [Way],
    compared_in: &'static str,
) -> CarriedField {
    CarriedField { section, path, ways, compared_in }
}

const OF_HOLDS: &[Way] = &[Way::HoldRelease, Way::HoldCompletion, Way::CompletionVoid];

/// Fields of sections that answers carry.
const FIELDS: [CarriedField; 25] = [
    carried("void", "executor", &[Way::Void], "executor"),
    carried("void", "slip", &[Way::Void], "slip"),
    carried("void", "operator-roles", &[Way::Void], "operator-roles"),
    carried("void", "authentication", &[Way::Void], "authentication"),
    carried("void", "identity", &[Way::Void], "identity"),
    carried("void", "reasons", &[Way::Void], "limits"),
    carried("refund", "executor", &[Way::Refund], "executor"),
    carried("refund", "slip", &[Way::Refund], "slip"),
    carried("refund", "authentication", &[Way::Refund], "authentication"),
    carried("refund", "identity", &[Way::Refund], "identity"),
    carried("refund", "reasons", &[Way::Refund], "limits"),
    carried("refund", "funding", &[Way::Refund], "funding"),
    carried("reversal", "executor", &[Way::Reversal], "executor"),
    carried("reversal", "slip", &[Way::Reversal], "slip"),
    carried("reversal", "queries", &[Way::Reversal], "queries"),
    carried("code", "executor", &[Way::OrderClose], "executor"),
    carried("code", "slip", &[Way::OrderClose], "slip"),
    carried("code", "queries", &[Way::OrderClose], "queries"),
    carried("hold", "executor", OF_HOLDS, "executor"),
    carried("hold", "slip", OF_HOLDS, "slip"),
    carried("hold", "queries", OF_HOLDS, "queries"),
    carried("hold", "release-roles", &[Way::HoldRelease], "operator-roles"),
    carried("hold", "release-authentication", &[Way::HoldRelease], "authentication"),
    carried("hold", "completion-roles", &[Way::HoldCompletion], "operator-roles"),
    carried("hold", "completion-authentication", &[Way::HoldCompletion], "authentication"),
];

/// The same of what stands deeper in its section.
const DEEPER: [CarriedField; 2] = [
    carried("hold", "completion-void.operator-roles", &[Way::CompletionVoid], "operator-roles"),
    carried("hold", "completion-void.authentication", &[Way::CompletionVoid], "authentication"),
];

/// Fields of an approval tier that answers carry.
const OF_TIER: [(&str, &str); 4] =
    [("needed", "needed"), ("roles", "approvers"), ("expires-after", "expires-after"), ("escalation", "escalation")];

/// What a policy says by itself: no answer carries it.
const BY_ITSELF: [(&str, &str, &str); 7] = [
    ("code", "time-to-live", "lives"),
    ("support", "roles", "lives"),
    ("support", "case-lives", "lives"),
    ("support", "grant-lives", "lives"),
    ("legal", "roles", "lives"),
    ("legal", "order-lives", "lives"),
    ("privacy", "retention-days", "lives"),
];

/// The parts of a calendar.
pub(crate) const CALENDAR: [&str; 4] = ["holidays", "until", "weekend", "workdays"];

/// The reason rules, whose limit lists the reasons.
const REASONS: [&str; 2] = ["void.reason", "refund.reason"];

/// Everything that a policy states and answers only carry, in its order.
#[must_use]
pub fn of(document: &Document) -> Vec<Carried> {
    let Ok(Value::Object(root)) = serde_json::to_value(document) else { return Vec::new() };
    let when = &document.when;
    let mut found = Vec::new();
    for section in ["void", "refund", "reversal", "code", "hold"] {
        let base = root.get(section).and_then(Value::as_object);
        if let Some(rules) = base {
            of_rules(section, None, rules, None, &mut found);
        }
        let variants = match section {
            "void" => rules_of(&when.void),
            "refund" => rules_of(&when.refund),
            "reversal" => rules_of(&when.reversal),
            "code" => rules_of(&when.code),
            _ => rules_of(&when.hold),
        };
        for (name, rules) in &variants {
            of_rules(section, Some(name), rules, base, &mut found);
        }
    }
    for (section, key, compared_in) in BY_ITSELF {
        let is_there = root.get(section).and_then(|rules| rules.get(key)).is_some();
        let enabled = root.get(section).and_then(|rules| rules.get("enabled"));
        if is_there && enabled != Some(&Value::Bool(false)) {
            found.push(Carried { place: format!("{section}.{key}"), compared_in });
        }
    }
    for key in CALENDAR {
        if root.get("calendar").and_then(|calendar| calendar.get(key)).is_some() {
            found.push(Carried { place: format!("calendar.{key}"), compared_in: "days" });
        }
    }
    found
}

fn rules_of<R: Serialize>(variants: &[Variant<R>]) -> Vec<(String, Map<String, Value>)> {
    let rules = |variant: &Variant<R>| match serde_json::to_value(&variant.rules) {
        Ok(Value::Object(rules)) => Some((variant.name.clone(), rules)),
        _ => None,
    };
    variants.iter().filter_map(rules).collect()
}

/// What a section, or a variant of it, states otherwise than its section.
fn of_rules(
    section: &str,
    variant: Option<&str>,
    rules: &Map<String, Value>,
    base: Option<&Map<String, Value>>,
    found: &mut Vec<Carried>,
) {
    // Where nothing is allowed, answers carry nothing.
    if rules.get("enabled") == Some(&Value::Bool(false)) {
        return;
    }
    let is_stated = |key: &str| rules.contains_key(key) && base.and_then(|base| base.get(key)) != rules.get(key);
    let mut push = |path: String, compared_in| {
        let place = place(section, variant, &path);
        found.push(Carried { place, compared_in });
    };
    for field in FIELDS.iter().filter(|field| field.section == section && is_stated(field.path)) {
        push(field.path.to_owned(), field.compared_in);
    }
    for field in DEEPER.iter().filter(|field| field.section == section) {
        let Some((outer, inner)) = field.path.split_once('.') else { continue };
        if is_stated(outer) && rules.get(outer).and_then(|table| table.get(inner)).is_some() {
            push(field.path.to_owned(), field.compared_in);
        }
    }
    if !is_stated("tier") {
        return;
    }
    for tier in rules.get("tier").and_then(Value::as_array).into_iter().flatten() {
        let name = tier.get("name").and_then(Value::as_str).unwrap_or_default();
        for (key, compared_in) in OF_TIER.iter().filter(|(key, _)| tier.get(*key).is_some()) {
            push(format!("tier[{name}].{key}"), compared_in);
        }
    }
}

fn place(section: &str, variant: Option<&str>, path: &str) -> String {
    let variant = variant.map(str::to_owned);
    field::Place { section: section.to_owned(), variant, path: path.to_owned() }.to_string()
}

/// The places that a case shows to be right by comparing these fields of the decision on a way. Each may be stated by the
/// variant that held or, if that took it over, by its section: both are named, the variant's first.
#[must_use]
pub fn shown(decision: &Decision, variant: Option<&str>, compared: &[&str]) -> Vec<[String; 2]> {
    let way = decision.way;
    let both = |section: &str, path: &str| [place(section, variant, path), place(section, None, path)];
    let is_refused = decision.outcome == Outcome::Deny;
    let mut shown = Vec::new();
    for field in FIELDS.iter().chain(&DEEPER).filter(|field| field.ways.contains(&way)) {
        let is_told = match field.compared_in {
            // Named even by an answer that refuses.
            "executor" => true,
            // A list of reasons is told to whoever gave none of it.
            "limits" => decision.findings.iter().any(|finding| REASONS.contains(&finding.rule.as_str())),
            _ => !is_refused,
        };
        if is_told && compared.contains(&field.compared_in) {
            shown.push(both(field.section, field.path));
        }
    }
    if let Some(plan) = decision.obligations.approvals.as_ref().filter(|_| way == Way::Refund) {
        for (key, _) in OF_TIER.iter().filter(|(_, field)| compared.contains(field)) {
            shown.push(both("refund", &format!("tier[{}].{key}", plan.tier)));
        }
    }
    shown
}
