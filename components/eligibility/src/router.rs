//! The router: decisions on one way, and on all ways at once.

use crate::engine::Engine;
use crate::report::Report;
use crate::situation::{Asked, Situation};
use crate::{fee, refund, rule, tier, void};
use rescind_model::{
    Arrival, Decision, DecisionError, Executor, Facts, Money, Obligations, OperationQuestion, Outcome, RefundQuestion,
    Remedy, SaleOutcome, VoidQuestion, Way,
};
use rescind_policy::document::ArrivalRule;

impl Engine {
    /// Looks at all ways back at once, in the order void, refund, reversal: the void of the whole sale; the refund of
    /// `amount`, or of what is left; and a reversal while the outcome of the sale is unknown. Reasons and evidence are not
    /// asked for yet: obligations name them.
    ///
    /// # Errors
    /// See [`DecisionError`]: then nothing was decided.
    pub fn assess(&self, facts: &Facts, amount: Option<&Money>) -> Result<Vec<Decision>, DecisionError> {
        let situation = Situation::new(self, facts)?;
        let amount = match amount {
            Some(amount) => self.asked_minor(amount)?,
            None => situation.left,
        };
        let mut decisions = vec![
            void_decision(&situation, situation.captured, Asked::Assess)?,
            refund_decision(&situation, amount, Asked::Assess)?,
        ];
        if facts.status.outcome == SaleOutcome::Unknown {
            decisions.push(reversal_decision(&situation));
        }
        Ok(decisions)
    }

    /// Decides a void.
    ///
    /// # Errors
    /// See [`DecisionError`]: then nothing was decided.
    pub fn decide_void(&self, facts: &Facts, question: &VoidQuestion) -> Result<Decision, DecisionError> {
        let situation = Situation::new(self, facts)?;
        let amount = self.asked_minor(&question.amount)?;
        void_decision(&situation, amount, Asked::Decide { reason: question.reason.as_deref(), evidence: &[] })
    }

    /// Decides a reversal, an order close or something done to a hold.
    ///
    /// # Errors
    /// See [`DecisionError`]: then nothing was decided.
    pub fn decide_operation(&self, facts: &Facts, question: &OperationQuestion) -> Result<Decision, DecisionError> {
        let situation = Situation::new(self, facts)?;
        match question.way {
            Way::Reversal if facts.status.outcome == SaleOutcome::Unknown => Ok(reversal_decision(&situation)),
            _ => Err(DecisionError::MissingFact("way".to_owned())),
        }
    }

    /// Decides a refund, including its automatic review: `allow` with a plan that needs nobody is approved at once.
    ///
    /// # Errors
    /// See [`DecisionError`]: then nothing was decided.
    pub fn decide_refund(&self, facts: &Facts, question: &RefundQuestion) -> Result<Decision, DecisionError> {
        let situation = Situation::new(self, facts)?;
        let amount = self.asked_minor(&question.amount)?;
        let asked = Asked::Decide { reason: question.reason.as_deref(), evidence: &question.evidence };
        refund_decision(&situation, amount, asked)
    }
}

fn void_decision(s: &Situation<'_>, amount: i64, asked: Asked<'_>) -> Result<Decision, DecisionError> {
    let mut report = Report::with_findings();
    void::judge(s, amount, asked, &mut report)?;
    let rules = s.engine.void_rules();
    let mut obligations = nothing(rules.map_or(Executor::Courier, |rules| rules.executor));
    if let Some(rules) = rules.filter(|_| report.outcome() != Outcome::Deny) {
        obligations.fees = fee::of_void(s, rules)?;
        obligations.operator_roles.clone_from(&rules.operator_roles);
        obligations.slip = rules.slip;
        obligations.arrival = arrival(s, &rules.arrival);
    }
    Ok(decision(s, Way::Void, amount, report, obligations))
}

fn refund_decision(s: &Situation<'_>, amount: i64, asked: Asked<'_>) -> Result<Decision, DecisionError> {
    let mut report = Report::with_findings();
    refund::judge(s, amount, asked, &mut report)?;
    let rules = s.engine.refund_rules();
    let mut obligations = nothing(rules.map_or(Executor::Courier, |rules| rules.executor));
    if let Some(rules) = rules.filter(|_| report.outcome() != Outcome::Deny) {
        let reason = if let Asked::Decide { reason, .. } = asked { reason } else { None };
        obligations.fees = fee::of_refund(s, rules, amount)?;
        obligations.approvals = tier::plan(s, rules, amount)?;
        obligations.evidence = refund::demanded(rules, amount, reason).cloned().collect();
        obligations.slip = rules.slip;
        obligations.arrival = arrival(s, &rules.arrival);
    }
    Ok(decision(s, Way::Refund, amount, report, obligations))
}

/// A sale whose outcome nobody knows is reversed as a whole; that is never too late.
fn reversal_decision(s: &Situation<'_>) -> Decision {
    let executor = s.engine.void_rules().map_or(Executor::Courier, |rules| rules.executor);
    decision(s, Way::Reversal, s.captured, Report::with_findings(), nothing(executor))
}

fn decision(s: &Situation<'_>, way: Way, amount: i64, report: Report, obligations: Obligations) -> Decision {
    let (outcome, opens_at, open_until) = (report.outcome(), report.opens_at(), report.open_until());
    let mut findings = report.into_findings();
    if !s.can_be_taken_back() {
        // Whatever else stands in the way, following its advice would lead to the same refusal.
        for finding in findings.iter_mut().filter(|finding| finding.rule != rule::SALE_OUTCOME) {
            finding.remedy = Remedy::None;
        }
    }
    Decision {
        way,
        amount: s.money(amount),
        outcome,
        obligations,
        opens_at,
        open_until,
        findings,
        policy: s.engine.identity().clone(),
    }
}

fn nothing(executor: Executor) -> Obligations {
    Obligations {
        fees: Vec::new(),
        approvals: None,
        evidence: Vec::new(),
        operator_roles: Vec::new(),
        executor,
        slip: false,
        arrival: None,
        identity: Vec::new(),
        authentication: None,
        persons: 1,
        coupon: None,
        penalty: None,
        funding: None,
        queries: Vec::new(),
    }
}

fn arrival(s: &Situation<'_>, rules: &[ArrivalRule]) -> Option<Arrival> {
    let sale = &s.facts.sale;
    let matches = |rule: &&ArrivalRule| {
        rule.channel.is_none_or(|channel| channel == sale.channel)
            && rule.card_type.is_none_or(|card_type| Some(card_type) == sale.card_type)
    };
    let rule = rules.iter().find(matches)?;
    Some(Arrival { min_days: rule.min_days, max_days: rule.max_days, working_days: rule.working_days })
}
