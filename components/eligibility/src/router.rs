//! The router: decisions on one way, and on all ways at once.

use crate::engine::Engine;
use crate::report::Report;
use crate::situation::{Asked, Situation};
use crate::{
    arrival, coupon, evidence, fee, hold, legal, offline, order_close, proof, refund, reversal, rule, tier, void,
};
use rescind_model::{
    Decision, DecisionError, Executor, Facts, Money, Obligations, OperationQuestion, Outcome, RefundQuestion,
    SaleOutcome, Trouble, VoidQuestion, Way,
};

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
        let looks = looks(&situation, amount)?;
        // Collecting results would grow the list step by step: decisions are large.
        let mut decisions = Vec::with_capacity(looks.size_hint().0);
        for look in looks {
            decisions.push(look.decide(&situation, &mut Report::with_findings(situation.drift()))?);
        }
        Ok(decisions)
    }

    /// Decides a void.
    ///
    /// # Errors
    /// See [`DecisionError`]: then nothing was decided.
    pub fn decide_void(&self, facts: &Facts, question: &VoidQuestion) -> Result<Decision, DecisionError> {
        let situation = Situation::new(self, facts)?;
        self.void_question(question)?.decide(&situation, &mut Report::with_findings(situation.drift()))
    }

    /// Decides a reversal, an order close or something done to a hold.
    ///
    /// # Errors
    /// See [`DecisionError`]: then nothing was decided. `way` is missing where it is `void` or `refund`.
    pub fn decide_operation(&self, facts: &Facts, question: &OperationQuestion) -> Result<Decision, DecisionError> {
        let situation = Situation::new(self, facts)?;
        self.operation_question(question)?.decide(&situation, &mut Report::with_findings(situation.drift()))
    }

    /// Decides a refund, including its automatic review: `allow` with a plan that needs nobody is approved at once.
    ///
    /// # Errors
    /// See [`DecisionError`]: then nothing was decided.
    pub fn decide_refund(&self, facts: &Facts, question: &RefundQuestion) -> Result<Decision, DecisionError> {
        let situation = Situation::new(self, facts)?;
        self.refund_question(question)?.decide(&situation, &mut Report::with_findings(situation.drift()))
    }

    #[inline]
    pub(crate) fn void_question<'q>(&self, question: &'q VoidQuestion) -> Result<Look<'q>, DecisionError> {
        let amount = self.asked_minor(&question.amount)?;
        if question.legal {
            return Ok(Look::Legal(amount));
        }
        let reason = question.reason.as_deref();
        Ok(Look::Void(amount, Asked::Decide { reason, evidence: &question.evidence }))
    }

    #[inline]
    pub(crate) fn refund_question<'q>(&self, question: &'q RefundQuestion) -> Result<Look<'q>, DecisionError> {
        let amount = self.asked_minor(&question.amount)?;
        let reason = question.reason.as_deref();
        Ok(Look::Refund(amount, Asked::Decide { reason, evidence: &question.evidence }))
    }

    #[inline]
    pub(crate) fn operation_question<'q>(&self, question: &'q OperationQuestion) -> Result<Look<'q>, DecisionError> {
        let amount = question.amount.as_ref().map(|amount| self.asked_minor(amount)).transpose()?;
        let OperationQuestion { way, trouble, penalty, .. } = *question;
        let asked = Asked::Decide { reason: question.reason.as_deref(), evidence: &[] };
        Ok(Look::Operation(Operation { way, amount, trouble, penalty }, asked))
    }
}

/// What is asked of one way, its amount in minor units.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Look<'q> {
    /// A void.
    Void(i64, Asked<'q>),
    /// A void that carries out a legal order.
    Legal(i64),
    /// A refund.
    Refund(i64, Asked<'q>),
    /// Anything else.
    Operation(Operation, Asked<'q>),
}

impl Look<'_> {
    /// Decides it, and leaves in the report what was asked.
    #[inline]
    pub(crate) fn decide(self, s: &Situation<'_>, report: &mut Report) -> Result<Decision, DecisionError> {
        match self {
            Self::Void(amount, asked) => void_decision(s, amount, asked, report),
            Self::Legal(amount) => legal_decision(s, amount, report),
            Self::Refund(amount, asked) => refund_decision(s, amount, asked, report),
            Self::Operation(operation, asked) => operation_decision(s, operation, asked, report),
        }
    }
}

/// Every way that the state of a payment can mean.
pub(crate) fn looks(
    s: &Situation<'_>,
    amount: Option<&Money>,
) -> Result<impl Iterator<Item = Look<'static>>, DecisionError> {
    let asked = amount.map(|amount| s.engine.asked_minor(amount)).transpose()?;
    // Where a penalty keeps all of it, the answer still has to say so.
    let rest = if s.refundable() > 0 { s.refundable() } else { s.left };
    let back = [Look::Void(s.captured, Asked::Assess), Look::Refund(asked.unwrap_or(rest), Asked::Assess)];
    let others = ways_of(s.facts).iter().map(move |way| {
        let amount = asked.filter(|_| *way == Way::HoldCompletion);
        Look::Operation(Operation { way: *way, amount, trouble: None, penalty: false }, Asked::Assess)
    });
    Ok(back.into_iter().chain(others))
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

fn void_decision(
    s: &Situation<'_>,
    amount: i64,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<Decision, DecisionError> {
    void::judge(s, amount, asked, report)?;
    let rules = s.void().map(|held| held.rules);
    let mut obligations = nothing(rules.map_or(Executor::Courier, |rules| rules.executor));
    if let Some(rules) = rules.filter(|_| report.outcome() != Outcome::Deny) {
        let reason = if let Asked::Decide { reason, .. } = asked { reason } else { None };
        obligations.fees = fee::of_void(s, rules, false, report)?;
        obligations.evidence = evidence::demanded(&rules.evidence, s, s.captured, reason);
        obligations.operator_roles.clone_from(&rules.operator_roles);
        obligations.slip = rules.slip;
        obligations.arrival = arrival::estimate(rule::VOID_ARRIVAL, &rules.arrival, s, report);
        obligations.authentication = proof::demand(rules.authentication.as_ref());
        obligations.identity = proof::kinds(&rules.identity, s.captured).to_vec();
        obligations.coupon = coupon::of_void(s);
    }
    Ok(taking_back(s, Way::Void, amount, report, obligations))
}

/// A void that carries out a legal order.
fn legal_decision(s: &Situation<'_>, amount: i64, report: &mut Report) -> Result<Decision, DecisionError> {
    legal::judge(s, amount, report)?;
    let (rules, orders) = (s.void().map(|held| held.rules), s.engine.document().legal.as_ref());
    let mut obligations = nothing(rules.map_or(Executor::Courier, |rules| rules.executor));
    if let Some(orders) = orders.filter(|_| report.outcome() != Outcome::Deny) {
        obligations.operator_roles.clone_from(&orders.roles);
        obligations.persons = LEGAL_PERSONS;
        obligations.coupon = coupon::of_void(s);
        if let Some(rules) = rules {
            obligations.fees = fee::of_void(s, rules, true, report)?;
            obligations.slip = rules.slip;
            obligations.arrival = arrival::estimate(rule::VOID_ARRIVAL, &rules.arrival, s, report);
            obligations.authentication = proof::demand(rules.authentication.as_ref());
        }
    }
    Ok(taking_back(s, Way::Void, amount, report, obligations))
}

fn refund_decision(
    s: &Situation<'_>,
    amount: i64,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<Decision, DecisionError> {
    refund::judge(s, amount, asked, report)?;
    let held = s.refund();
    let mut obligations = nothing(held.as_ref().map_or(Executor::Courier, |held| held.rules.executor));
    if let Some(held) = held.filter(|_| report.outcome() != Outcome::Deny) {
        let rules = held.rules;
        let reason = if let Asked::Decide { reason, .. } = asked { reason } else { None };
        obligations.fees = fee::of_refund(s, rules, amount, report)?;
        obligations.approvals = tier::plan(s, &held, amount, report)?;
        obligations.evidence = evidence::demanded(&rules.evidence, s, amount, reason);
        obligations.slip = rules.slip;
        obligations.arrival = arrival::estimate(rule::REFUND_ARRIVAL, &rules.arrival, s, report);
        obligations.authentication = proof::demand(rules.authentication.as_ref());
        obligations.identity = proof::kinds(&rules.identity, amount).to_vec();
        obligations.coupon = coupon::of_refund(s, rules.coupon, amount, report)?;
        obligations.penalty = (s.penalty() > 0).then(|| s.money(s.penalty()));
        obligations.funding = rules.funding;
    }
    Ok(taking_back(s, Way::Refund, amount, report, obligations))
}

/// A reversal, an order close or something done to a hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    way: Way,
    /// Minor units; absent: all of it.
    amount: Option<i64>,
    trouble: Option<Trouble>,
    penalty: bool,
}

fn operation_decision(
    s: &Situation<'_>,
    question: Operation,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<Decision, DecisionError> {
    let held = s.facts.hold.as_ref();
    let (holds, codes) = (s.hold().map(|held| held.rules), s.code().map(|held| held.rules));
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
            reversal::judge(s, amount, question.trouble, report)?;
            let by_void = s.void().map(|held| (held.rules.executor, false));
            s.reversal().map(|held| (held.rules.executor, held.rules.slip)).or(by_void)
        }
        Way::OrderClose => {
            order_close::judge(s, amount, report)?;
            codes.map(|rules| (rules.executor, rules.slip))
        }
        Way::HoldRelease => {
            hold::judge_release(s, amount, asked, report)?;
            holds.map(|rules| (rules.executor, rules.slip))
        }
        Way::HoldCompletion => {
            hold::judge_completion(s, amount, question.penalty, asked, report)?;
            holds.map(|rules| (rules.executor, rules.slip))
        }
        Way::CompletionVoid => {
            hold::judge_completion_void(s, amount, asked, report)?;
            holds.map(|rules| (rules.executor, rules.slip))
        }
        Way::Void | Way::Refund => return Err(DecisionError::MissingFact("way".to_owned())),
    }
    .unwrap_or((Executor::Courier, false));
    let mut obligations = nothing(executor);
    if report.outcome() != Outcome::Deny {
        obligations.slip = slip;
        obligations.queries = s.queries(question.way).to_vec();
        let operator = holds.and_then(|rules| hold::operator_of(rules, question.way));
        if let Some((roles, proof)) = operator {
            obligations.operator_roles = roles.to_vec();
            obligations.authentication = proof::demand(proof);
        }
    }
    Ok(decision(s, question.way, amount, report, obligations))
}

/// A decision on a void or a refund.
fn taking_back(s: &Situation<'_>, way: Way, amount: i64, report: &mut Report, obligations: Obligations) -> Decision {
    if !s.can_be_taken_back() {
        // Whatever else stands in the way, following its advice would lead to the same refusal.
        report.gives_no_advice_but_on(rule::SALE_OUTCOME);
    }
    decision(s, way, amount, report, obligations)
}

fn decision(s: &Situation<'_>, way: Way, amount: i64, report: &mut Report, mut obligations: Obligations) -> Decision {
    let outcome = report.outcome();
    let here = s.facts.offline.as_ref().filter(|_| outcome == Outcome::Allow);
    obligations.offline = here.map(|here| offline::effect(here, way));
    Decision {
        way,
        amount: s.money(amount),
        outcome,
        obligations,
        opens_at: report.opens_at(),
        open_until: report.open_until(),
        findings: report.take_findings(),
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
