//! The router: decisions on one way, and on all ways at once.

use crate::engine::Engine;
use crate::report::Report;
use crate::situation::{Asked, Situation};
use crate::{coupon, fee, hold, legal, order_close, proof, refund, reversal, rule, tier, void};
use rescind_model::{
    Arrival, Decision, DecisionError, Executor, Facts, Money, Obligations, OperationQuestion, Outcome, RefundQuestion,
    Remedy, SaleOutcome, Trouble, VoidQuestion, Way,
};
use rescind_policy::document::{ArrivalRule, CouponRule};

/// How many distinct persons stand behind a legal order.
const LEGAL_PERSONS: u32 = 2;

impl Engine {
    /// Looks at all ways back at once: the void of the whole sale; the refund of `amount`, or of what is left and not kept
    /// as a penalty; then what else the payment's state can mean: a reversal while the outcome is unknown, an order close
    /// of a code that is not paid, release and completion of a hold, the void of a completion. Reasons, evidence and
    /// proofs are not asked for yet: obligations name them.
    ///
    /// # Errors
    /// See [`DecisionError`]: then nothing was decided.
    pub fn assess(&self, facts: &Facts, amount: Option<&Money>) -> Result<Vec<Decision>, DecisionError> {
        let situation = Situation::new(self, facts)?;
        let asked = amount.map(|amount| self.asked_minor(amount)).transpose()?;
        // Where a penalty keeps all of it, the answer still has to say so.
        let rest = if situation.refundable() > 0 { situation.refundable() } else { situation.left };
        let mut decisions = vec![
            void_decision(&situation, situation.captured, Asked::Assess)?,
            refund_decision(&situation, asked.unwrap_or(rest), Asked::Assess)?,
        ];
        for way in ways_of(facts) {
            let amount = asked.filter(|_| *way == Way::HoldCompletion);
            let question = Operation { way: *way, amount, trouble: None, penalty: false };
            decisions.push(operation_decision(&situation, question, Asked::Assess)?);
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
        if question.legal {
            return legal_decision(&situation, amount);
        }
        void_decision(&situation, amount, Asked::Decide { reason: question.reason.as_deref(), evidence: &[] })
    }

    /// Decides a reversal, an order close or something done to a hold.
    ///
    /// # Errors
    /// See [`DecisionError`]: then nothing was decided. `way` is missing where it is `void` or `refund`.
    pub fn decide_operation(&self, facts: &Facts, question: &OperationQuestion) -> Result<Decision, DecisionError> {
        let situation = Situation::new(self, facts)?;
        let amount = question.amount.as_ref().map(|amount| self.asked_minor(amount)).transpose()?;
        let asked = Asked::Decide { reason: question.reason.as_deref(), evidence: &[] };
        let OperationQuestion { way, trouble, penalty, .. } = *question;
        operation_decision(&situation, Operation { way, amount, trouble, penalty }, asked)
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

/// What else than void and refund the state of a payment can mean.
fn ways_of(facts: &Facts) -> &'static [Way] {
    match facts.status.outcome {
        SaleOutcome::Unknown if facts.code.is_some() => &[Way::Reversal, Way::OrderClose],
        SaleOutcome::Unknown => &[Way::Reversal],
        SaleOutcome::Unpaid | SaleOutcome::Expired => &[Way::OrderClose],
        SaleOutcome::Held => &[Way::HoldRelease, Way::HoldCompletion],
        SaleOutcome::Good if facts.hold.is_some() => &[Way::CompletionVoid],
        _ => &[],
    }
}

fn void_decision(s: &Situation<'_>, amount: i64, asked: Asked<'_>) -> Result<Decision, DecisionError> {
    let mut report = Report::with_findings();
    void::judge(s, amount, asked, &mut report)?;
    let rules = s.engine.void_rules();
    let mut obligations = nothing(rules.map_or(Executor::Courier, |rules| rules.executor));
    if let Some(rules) = rules.filter(|_| report.outcome() != Outcome::Deny) {
        obligations.fees = fee::of_void(s, rules, false)?;
        obligations.operator_roles.clone_from(&rules.operator_roles);
        obligations.slip = rules.slip;
        obligations.arrival = arrival(s, &rules.arrival);
        obligations.authentication = proof::demand(rules.authentication.as_ref());
        obligations.identity = proof::kinds(&rules.identity, s.captured).to_vec();
        obligations.coupon = coupon::of_void(s);
    }
    Ok(taking_back(s, Way::Void, amount, report, obligations))
}

/// A void that carries out a legal order.
fn legal_decision(s: &Situation<'_>, amount: i64) -> Result<Decision, DecisionError> {
    let mut report = Report::with_findings();
    legal::judge(s, amount, &mut report)?;
    let (rules, orders) = (s.engine.void_rules(), s.engine.document().legal.as_ref());
    let mut obligations = nothing(rules.map_or(Executor::Courier, |rules| rules.executor));
    if let Some(orders) = orders.filter(|_| report.outcome() != Outcome::Deny) {
        obligations.operator_roles.clone_from(&orders.roles);
        obligations.persons = LEGAL_PERSONS;
        obligations.coupon = coupon::of_void(s);
        if let Some(rules) = rules {
            obligations.fees = fee::of_void(s, rules, true)?;
            obligations.slip = rules.slip;
            obligations.arrival = arrival(s, &rules.arrival);
            obligations.authentication = proof::demand(rules.authentication.as_ref());
        }
    }
    Ok(taking_back(s, Way::Void, amount, report, obligations))
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
        obligations.authentication = proof::demand(rules.authentication.as_ref());
        obligations.identity = proof::kinds(&rules.identity, amount).to_vec();
        obligations.coupon = coupon::of_refund(s, rules.coupon.unwrap_or(CouponRule::Proportion), amount)?;
        obligations.penalty = (s.penalty() > 0).then(|| s.money(s.penalty()));
        obligations.funding = rules.funding;
    }
    Ok(taking_back(s, Way::Refund, amount, report, obligations))
}

/// A reversal, an order close or something done to a hold.
#[derive(Debug, Clone, Copy)]
struct Operation {
    way: Way,
    /// Minor units; absent: all of it.
    amount: Option<i64>,
    trouble: Option<Trouble>,
    penalty: bool,
}

fn operation_decision(s: &Situation<'_>, question: Operation, asked: Asked<'_>) -> Result<Decision, DecisionError> {
    let mut report = Report::with_findings();
    let held = s.facts.hold.as_ref();
    let (holds, codes) = (s.engine.hold_rules(), s.engine.code_rules());
    let all = || held.map_or(s.captured, |hold| hold.authorised.minor);
    let amount = match (question.amount, question.way) {
        (Some(amount), _) => amount,
        (None, Way::HoldRelease) => all(),
        // All that may be kept; where nothing may, the whole hold, so that the answer says so.
        (None, Way::HoldCompletion) if question.penalty => {
            let most = held.map(|hold| hold::most_penalty(holds, hold)).transpose()?;
            most.filter(|most| *most > 0).unwrap_or_else(all)
        }
        (None, Way::HoldCompletion) => all(),
        (None, _) => s.captured,
    };
    let (executor, slip) = match question.way {
        Way::Reversal => {
            reversal::judge(s, amount, question.trouble, &mut report)?;
            let by_void = s.engine.void_rules().map(|rules| (rules.executor, false));
            s.engine.document().reversal.as_ref().map(|rules| (rules.executor, rules.slip)).or(by_void)
        }
        Way::OrderClose => {
            order_close::judge(s, amount, &mut report)?;
            codes.map(|rules| (rules.executor, rules.slip))
        }
        Way::HoldRelease => {
            hold::judge_release(s, amount, asked, &mut report)?;
            holds.map(|rules| (rules.executor, rules.slip))
        }
        Way::HoldCompletion => {
            hold::judge_completion(s, amount, question.penalty, asked, &mut report)?;
            holds.map(|rules| (rules.executor, rules.slip))
        }
        Way::CompletionVoid => {
            hold::judge_completion_void(s, amount, asked, &mut report)?;
            holds.map(|rules| (rules.executor, rules.slip))
        }
        Way::Void | Way::Refund => return Err(DecisionError::MissingFact("way".to_owned())),
    }
    .unwrap_or((Executor::Courier, false));
    let mut obligations = nothing(executor);
    if report.outcome() != Outcome::Deny {
        obligations.slip = slip;
        obligations.queries = s.engine.queries(question.way).to_vec();
        let operator = holds.and_then(|rules| hold::operator_of(rules, question.way));
        if let Some((roles, proof)) = operator {
            obligations.operator_roles = roles.to_vec();
            obligations.authentication = proof::demand(proof);
        }
    }
    Ok(decision(s, question.way, amount, report, obligations))
}

/// A decision on a void or a refund.
fn taking_back(s: &Situation<'_>, way: Way, amount: i64, report: Report, obligations: Obligations) -> Decision {
    let mut decision = decision(s, way, amount, report, obligations);
    if !s.can_be_taken_back() {
        // Whatever else stands in the way, following its advice would lead to the same refusal.
        for finding in decision.findings.iter_mut().filter(|finding| finding.rule != rule::SALE_OUTCOME) {
            finding.remedy = Remedy::None;
        }
    }
    decision
}

fn decision(s: &Situation<'_>, way: Way, amount: i64, report: Report, obligations: Obligations) -> Decision {
    let (outcome, opens_at, open_until) = (report.outcome(), report.opens_at(), report.open_until());
    let findings = report.into_findings();
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
        offline: None,
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
    Some(Arrival {
        min_days: rule.min_days,
        max_days: rule.max_days,
        working_days: rule.working_days,
        earliest: None,
        latest: None,
    })
}
