//! What a case expects of what a policy says apart from any one payment: how long things live, and who may do what is rare.

use super::expect::{Difference, length};
use crate::notation;
use rescind_eligibility::Engine;
use rescind_model::{Duration, Role};
use serde::Deserialize;

/// What is expected; what is left out is not compared.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Lives {
    /// Who decides referrals.
    support_roles: Option<Vec<String>>,
    /// How long a referral waits for them.
    cases: Option<String>,
    /// How long what they grant holds.
    grants: Option<String>,
    /// Who carries out legal orders.
    legal_roles: Option<Vec<String>>,
    /// How long a legal order waits for the second person.
    orders: Option<String>,
    /// How long a payment code can be paid.
    codes: Option<String>,
    /// How long a hold can be completed.
    holds: Option<String>,
    /// How many days after the payment personal data is kept.
    personal_data_days: Option<u32>,
}

impl Lives {
    /// The places of a policy whose values are compared.
    pub(super) fn places(&self) -> Vec<&'static str> {
        let places = [
            ("support.roles", self.support_roles.is_some()),
            ("support.case-lives", self.cases.is_some()),
            ("support.grant-lives", self.grants.is_some()),
            ("legal.roles", self.legal_roles.is_some()),
            ("legal.order-lives", self.orders.is_some()),
            ("code.time-to-live", self.codes.is_some()),
            ("hold.validity", self.holds.is_some()),
            ("privacy.retention-days", self.personal_data_days.is_some()),
        ];
        places.into_iter().filter(|(_, is_compared)| *is_compared).map(|(place, _)| place).collect()
    }

    /// Compares what is expected with what the policy says.
    pub(super) fn compare(&self, engine: &Engine, differences: &mut Vec<Difference>) {
        let terms = engine.terms();
        for (field, expected, found) in [
            ("cases", &self.cases, Some(terms.case_lives)),
            ("grants", &self.grants, Some(terms.grant_lives)),
            ("orders", &self.orders, Some(terms.order_lives)),
            ("codes", &self.codes, terms.code_lives),
            ("holds", &self.holds, terms.hold_lives),
        ] {
            differences.extend(expected.as_ref().and_then(|expected| lives(field, expected, found)));
        }
        for (field, expected, found) in [
            ("support-roles", &self.support_roles, &terms.support_roles),
            ("legal-roles", &self.legal_roles, &terms.legal_roles),
        ] {
            differences.extend(expected.as_ref().and_then(|expected| roles(field, expected, found)));
        }
        if let Some(expected) = self.personal_data_days.filter(|days| *days != terms.retention_days) {
            let found = terms.retention_days.to_string();
            differences.push(Difference::one("lives.personal-data-days", expected.to_string(), found));
        }
    }
}

fn lives(field: &str, expected: &str, found: Option<Duration>) -> Option<Difference> {
    let is_same = length(expected).is_some() && length(expected) == found;
    let found = || found.map_or_else(|| "none".to_owned(), notation::lasting);
    (!is_same).then(|| Difference::one(format!("lives.{field}"), expected, found()))
}

fn roles(field: &str, expected: &[String], found: &[Role]) -> Option<Difference> {
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    let field = format!("lives.{field}");
    (expected != found).then(|| Difference { field, expected: expected.to_vec(), found })
}
