//! A world with one sale, and short ways to act in it.

use crate::{apply, open};
use rescind_model::*;

pub(super) const START: i64 = 1_795_000_000_000;

/// One ledger with its history and a clock.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) ledger: Ledger,
    pub(super) events: Vec<Event>,
    pub(super) now: Instant,
    pub(super) commands: u32,
}

pub(super) fn cny(minor: i64) -> Money {
    Money { minor, currency: "CNY".to_owned() }
}

pub(super) fn at(ms_after_start: i64) -> Instant {
    Instant { unix_ms: START + ms_after_start }
}

pub(super) const SECOND: i64 = 1_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;

pub(super) fn sale() -> Sale {
    Sale {
        id: "S-1".parse().unwrap(),
        merchant: "M-1".parse().unwrap(),
        slip: Some(SlipNumbers {
            terminal: "T-1".parse().unwrap(),
            batch: "000001".to_owned(),
            voucher: "000123".to_owned(),
            trace: "000456".to_owned(),
        }),
        order_number: None,
        retrieval_reference: Some("123456789012".to_owned()),
        operator: Some("olga".parse().unwrap()),
        captured: cny(10_000),
        coupon: None,
        fee_charged: cny(60),
        channel: Channel::Card,
        card_type: Some(CardType::Credit),
        kind: "purchase".to_owned(),
        payer_token: Some("payer".to_owned()),
        contact: None,
        service_at: None,
        paid_at: at(-MINUTE),
        business_day: BusinessDay::new(2026, 11, 18).unwrap(),
        settlement: SettlementMode::Ordinary,
    }
}

pub(super) fn person(id: &str, roles: &[&str]) -> Actor {
    let roles = roles.iter().map(|role| role.parse().unwrap()).collect();
    Actor::Person(ActingPerson { id: id.parse().unwrap(), roles })
}

/// Asks for refunds.
pub(super) fn rita() -> Actor {
    person("rita", &["cashier"])
}

/// Operated the terminal; a manager as well.
pub(super) fn olga() -> Actor {
    person("olga", &["cashier", "manager"])
}

pub(super) fn manager(id: &str) -> Actor {
    person(id, &["manager"])
}

pub(super) fn terminal() -> Actor {
    Actor::Terminal("T-1".parse().unwrap())
}

pub(super) fn policy() -> PolicyIdentity {
    PolicyIdentity { name: "test".to_owned(), version: "1".to_owned(), hash: Digest::of(b"policy") }
}

pub(super) fn allowed(way: Way, amount: Money) -> Decision {
    Decision {
        way,
        amount,
        outcome: Outcome::Allow,
        findings: vec![],
        obligations: Obligations {
            offline: None,
            fees: vec![],
            approvals: None,
            evidence: vec![],
            operator_roles: vec![],
            executor: Executor::Courier,
            slip: false,
            arrival: Some(Arrival { min_days: 1, max_days: 3, working_days: true, earliest: None, latest: None }),
            identity: vec![],
            authentication: None,
            persons: 1,
            coupon: None,
            penalty: None,
            funding: None,
            queries: vec![],
        },
        opens_at: None,
        open_until: None,
        policy: policy(),
    }
}

/// `needed` managers within a day; after an hour directors too.
pub(super) fn plan(needed: u32) -> ApprovalPlan {
    ApprovalPlan {
        tier: "large".to_owned(),
        needed,
        roles: vec!["manager".parse().unwrap()],
        expires_after: Duration { ms: 24 * 3_600_000 },
        escalations: vec![Escalation { after: Duration { ms: 3_600_000 }, roles: vec!["director".parse().unwrap()] }],
    }
}

pub(super) fn void_of(id: &str, executor: Executor) -> VoidAuthorisation {
    let mut decision = allowed(Way::Void, cny(10_000));
    decision.obligations.executor = executor;
    VoidAuthorisation {
        id: id.parse().unwrap(),
        reason: "wrong-amount".to_owned(),
        terminal: Some("T-1".parse().unwrap()),
        provider_reference: format!("ref-{id}"),
        decision,
        grounds: Grounds::none(),
    }
}

pub(super) fn request(minor: i64) -> RefundRequest {
    RefundRequest {
        amount: cny(minor),
        reason: "goods-returned".to_owned(),
        note: Some(Digest::of(b"one of two")),
        evidence: vec![EvidenceItem { kind: "receipt".to_owned(), content: Digest::of(b"receipt") }],
        requested_by: "rita".parse().unwrap(),
        operator: Some("olga".parse().unwrap()),
        contact: None,
        corrects: None,
    }
}

pub(super) fn refund_of(id: &str, minor: i64, needed: u32) -> RefundSubmission {
    let mut decision = allowed(Way::Refund, cny(minor));
    decision.obligations.approvals = (needed > 0).then(|| plan(needed));
    RefundSubmission {
        id: id.parse().unwrap(),
        request: request(minor),
        provider_reference: format!("ref-{id}"),
        decision,
        grounds: Grounds::none(),
    }
}

/// A person of support.
pub(super) fn sue() -> Actor {
    person("sue", &["support"])
}

pub(super) fn finding(rule: &str, verdict: Outcome) -> Finding {
    Finding {
        rule: rule.to_owned(),
        verdict,
        observed: Value::Count(4),
        limit: Value::Count(3),
        remedy: Remedy::ContactSupport,
    }
}

/// What the policy does not allow by itself: the count of the day is used up.
pub(super) fn referred(way: Way, minor: i64) -> Decision {
    Decision {
        outcome: Outcome::Refer,
        findings: vec![finding("void.count", Outcome::Refer)],
        ..allowed(way, cny(minor))
    }
}

pub(super) fn opening(id: &str, way: Way, minor: i64) -> CaseOpening {
    CaseOpening {
        id: id.parse().unwrap(),
        decision: referred(way, minor),
        reason: Some(if way == Way::Refund { "goods-returned" } else { "wrong-amount" }.to_owned()),
        penalty: false,
        evidence: vec![EvidenceItem { kind: "receipt".to_owned(), content: Digest::of(b"receipt") }],
        lives: Duration { ms: 24 * 3_600_000 },
    }
}

pub(super) fn open_case(id: &str, way: Way, minor: i64) -> Command {
    Command::OpenCase(opening(id, way, minor))
}

pub(super) fn assign_case(id: &str, to: &str) -> Command {
    Command::AssignCase(CaseAssignment { id: id.parse().unwrap(), to: to.parse().unwrap() })
}

/// A grant holds for an hour.
pub(super) fn decide_case(id: &str, grant: bool) -> Command {
    Command::DecideCase(CaseDecision {
        id: id.parse().unwrap(),
        grant,
        because: "receipt seen".to_owned(),
        holds_for: Duration { ms: 3_600_000 },
    })
}

/// A void that the policy refers and the grant of a case lifts.
pub(super) fn referred_void(id: &str, case: &str) -> VoidAuthorisation {
    VoidAuthorisation {
        decision: referred(Way::Void, 10_000),
        grounds: Grounds { grant: Some(case.parse().unwrap()), ..Grounds::none() },
        ..void_of(id, Executor::Courier)
    }
}

pub(super) fn propose_order(id: &str, minor: i64) -> Command {
    Command::ProposeOrder(OrderProposal {
        id: id.parse().unwrap(),
        reference: "court 12/2026".to_owned(),
        reason: "seizure".to_owned(),
        amount: cny(minor),
        lives: Duration { ms: 3_600_000 },
    })
}

/// A void that carries an order out.
pub(super) fn ordered_void(id: &str, order: &str, minor: i64) -> VoidAuthorisation {
    let mut decision = allowed(Way::Void, cny(minor));
    decision.obligations.persons = 2;
    VoidAuthorisation {
        decision,
        grounds: Grounds { order: Some(order.parse().unwrap()), ..Grounds::none() },
        ..void_of(id, Executor::Courier)
    }
}

pub(super) fn ask(refund: &str) -> Command {
    let question = Digest::of(b"which of two?");
    Command::AskInformation(InformationRequest { refund: refund.parse().unwrap(), question })
}

pub(super) fn answer(refund: &str, note: Option<&str>, evidence: &[&str]) -> Command {
    let item = |content: &&str| EvidenceItem { kind: "photo".to_owned(), content: Digest::of(content.as_bytes()) };
    let evidence = evidence.iter().map(item).collect();
    Command::ProvideInformation(Information {
        refund: refund.parse().unwrap(),
        note: note.map(|note| Digest::of(note.as_bytes())),
        evidence,
    })
}

pub(super) fn return_of(id: &str, refund: &str, now: Instant) -> Command {
    let evidence = evidence("returned", now);
    Command::ReportReturn(ReturnReport { id: id.parse().unwrap(), refund: refund.parse().unwrap(), evidence })
}

pub(super) fn traced(refund: &str, arrived: Option<bool>, now: Instant) -> Command {
    let evidence = evidence("trace", now);
    Command::ReportTrace(TraceReport { refund: refund.parse().unwrap(), arrived, evidence })
}

pub(super) fn claim(id: &str, refund: &str, minor: i64) -> LiabilityClaim {
    LiabilityClaim {
        id: id.parse().unwrap(),
        cause: LiabilityCause::OverReturned,
        refund: refund.parse().unwrap(),
        amount: cny(minor),
        debtor: Party::Customer,
        creditor: Party::Merchant,
        because: "typed a zero too many".to_owned(),
    }
}

pub(super) fn end_liability(id: &LiabilityId, state: LiabilityState) -> Command {
    let because = "agreed by letter".to_owned();
    Command::EndLiability(LiabilityEnd { id: id.clone(), state, because })
}

pub(super) fn evidence(code: &str, at: Instant) -> Evidence {
    Evidence {
        source: "provider".to_owned(),
        code: Some(code.to_owned()),
        reference: Some("P-1".to_owned()),
        note: None,
        at,
    }
}

pub(super) fn void_target(id: &str) -> Target {
    Target::Void(id.parse().unwrap())
}

pub(super) fn refund_target(id: &str) -> Target {
    Target::Refund(id.parse().unwrap())
}

pub(super) fn report(target: Target, outcome: ResultOf) -> Command {
    Command::Report(OutcomeReport { target, outcome })
}

pub(super) fn consent(id: &str) -> Command {
    Command::Approve(Consent { refund: id.parse().unwrap(), revision: None, digest: None })
}

pub(super) fn refusal(id: &str, reason: &str) -> Refusal {
    Refusal { refund: id.parse().unwrap(), reason: reason.to_owned() }
}

pub(super) fn resolution(target: Target, took_place: bool, second: &str) -> Command {
    Command::Resolve(Resolution {
        target,
        took_place,
        second: second.parse().unwrap(),
        reason: "statement of the acquirer".to_owned(),
    })
}

pub(super) fn not_permitted(why: &str) -> Rejection {
    Rejection::NotPermitted(why.to_owned())
}

/// An event with the link it gets after another's.
pub(super) fn linked(previous: &Digest, event: Event) -> Event {
    Event { link: crate::chain::link(previous, &event), ..event }
}

impl World {
    /// A good sale of 100.00 with a fee of 0.60.
    pub(super) fn new() -> Self {
        Self::with(&sale(), SaleOutcome::Good)
    }

    pub(super) fn with(sale: &Sale, outcome: SaleOutcome) -> Self {
        Self::begun(sale, outcome, &Origin::Sale)
    }

    pub(super) fn begun(sale: &Sale, outcome: SaleOutcome, origin: &Origin) -> Self {
        let first = open(sale, outcome, origin, &Actor::System, &"c-0".parse().unwrap(), at(0)).unwrap();
        Self { ledger: first.ledger, events: first.events, now: at(0), commands: 0 }
    }

    pub(super) fn attempt(&self, command: &Command, by: &Actor) -> Result<Transition, Rejection> {
        let id = format!("c-{}", self.commands + 1).parse().unwrap();
        apply(&self.ledger, command, by, &id, self.now)
    }

    /// Carries a command out; the kinds of the events it gives.
    pub(super) fn act(&mut self, command: &Command, by: &Actor) -> Vec<EventKind> {
        let next = self.attempt(command, by).unwrap_or_else(|why| panic!("{command:?} was refused: {why:?}"));
        self.commands += 1;
        self.ledger = next.ledger;
        let kinds = next.events.iter().map(|event| event.kind).collect();
        self.events.extend(next.events);
        kinds
    }

    pub(super) fn system(&mut self, command: &Command) -> Vec<EventKind> {
        self.act(command, &Actor::System)
    }

    pub(super) fn refused(&self, command: &Command, by: &Actor) -> Rejection {
        self.attempt(command, by).unwrap_err()
    }

    pub(super) fn wait(&mut self, ms: i64) {
        self.now.unix_ms += ms;
    }

    pub(super) fn authorise(&mut self, id: &str, executor: Executor) -> Vec<EventKind> {
        self.act(&Command::AuthoriseVoid(void_of(id, executor)), &rita())
    }

    pub(super) fn submit(&mut self, id: &str, minor: i64, needed: u32) -> Vec<EventKind> {
        self.act(&Command::SubmitRefund(refund_of(id, minor, needed)), &rita())
    }

    pub(super) fn clear(&mut self, id: &str) -> Vec<EventKind> {
        self.system(&Command::Clear(id.parse().unwrap()))
    }

    pub(super) fn send(&mut self, target: Target) -> Vec<EventKind> {
        self.system(&Command::RecordSent(target))
    }

    pub(super) fn done(&mut self, target: Target) -> Vec<EventKind> {
        let outcome = ResultOf::Done(evidence("00", self.now));
        self.system(&report(target, outcome))
    }

    pub(super) fn failed(&mut self, target: Target) -> Vec<EventKind> {
        let outcome = ResultOf::Failed(evidence("51", self.now));
        self.system(&report(target, outcome))
    }

    pub(super) fn unknown(&mut self, target: Target) -> Vec<EventKind> {
        let outcome = ResultOf::Unknown(evidence("timeout", self.now));
        self.system(&report(target, outcome))
    }

    pub(super) fn queries(&mut self, target: &Target, times: u32) -> Vec<EventKind> {
        (0..times).flat_map(|_| self.system(&Command::RecordQuery(target.clone()))).collect()
    }

    /// A refund of 60.00 that is on its way.
    pub(super) fn clearing(id: &str) -> Self {
        let mut world = Self::new();
        world.submit(id, 6_000, 0);
        world.clear(id);
        world.send(refund_target(id));
        world
    }

    /// A refund of 60.00 that cleared.
    pub(super) fn cleared(id: &str) -> Self {
        let mut world = Self::clearing(id);
        world.done(refund_target(id));
        world
    }

    /// A void of a case that was granted.
    pub(super) fn granted(way: Way, minor: i64) -> Self {
        let mut world = Self::new();
        world.act(&open_case("C-1", way, minor), &rita());
        world.act(&decide_case("C-1", true), &sue());
        world
    }

    /// The debits less the credits of an account.
    pub(super) fn balance(&self, account: Account) -> i64 {
        crate::entry::balance(&self.ledger, account).unwrap()
    }

    pub(super) fn void(&self) -> &VoidOperation {
        self.ledger.voids.last().unwrap()
    }

    pub(super) fn refund(&self) -> &Refund {
        self.ledger.refunds.last().unwrap()
    }

    pub(super) fn left(&self) -> i64 {
        standing::Standing::of(&self.ledger).unwrap().left.minor
    }
}
