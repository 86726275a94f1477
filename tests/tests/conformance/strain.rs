//! What is done to a question to bring it to another edge: one fact put where some rule looks. Whether the result makes
//! sense does not matter: engines have to agree on nonsense too.

use rescind_eligibility::Engine;
use rescind_model::record::Question;
use rescind_model::token::Token as _;
use rescind_model::{
    Authentication, AuthenticationMethod, BusinessDay, CardType, Channel, Digest, Duration, Evidence, Facts,
    Forwarding, Hold, IdentityKind, IdentityProof, Instant, LateAnswer, Money, OfflineSituation, OperationQuestion,
    PaymentCode, PersonId, Presenter, RefundQuestion, Role, SaleOutcome, SettlementMode, VoidQuestion, Way,
};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Facts and one question, which a strain changes.
pub struct Strained<'a> {
    pub engine: &'a Engine,
    pub facts: &'a mut Facts,
    pub question: &'a mut Question,
}

/// One change, by the name it has in the file of vectors.
pub type Strain = (&'static str, fn(&mut Strained<'_>));

/// All of them. Names are kept in the file of vectors: one that is changed or removed means writing it anew.
pub const STRAINS: &[Strain] = &[
    ("good", |s| s.facts.status.outcome = SaleOutcome::Good),
    ("unknown", |s| s.facts.status.outcome = SaleOutcome::Unknown),
    ("outcome-1", |s| s.outcome(0)),
    ("outcome-2", |s| s.outcome(1)),
    ("outcome-3", |s| s.outcome(2)),
    ("outcome-4", |s| s.outcome(3)),
    ("outcome-5", |s| s.outcome(4)),
    ("outcome-6", |s| s.outcome(5)),
    ("outcome-7", |s| s.outcome(6)),
    ("outcome-8", |s| s.outcome(7)),
    ("outcome-9", |s| s.outcome(8)),
    ("outcome-10", |s| s.outcome(9)),
    ("outcome-11", |s| s.outcome(10)),
    ("late-answer", |s| {
        let evidence = Evidence {
            source: "provider".to_owned(),
            code: Some("00".to_owned()),
            reference: None,
            note: Some("迟到的应答".to_owned()),
            at: s.facts.now,
        };
        s.facts.status.late = Some(LateAnswer { outcome: SaleOutcome::Good, evidence });
    }),
    ("batch-closed", |s| s.facts.status.batch_closed_at = Some(s.facts.now)),
    ("settled", |s| s.facts.status.settled_at = Some(s.facts.now)),
    ("paid-out", |s| s.facts.status.paid_out_at = Some(s.facts.now)),
    ("unsettled", |s| {
        let status = &mut s.facts.status;
        (status.batch_closed_at, status.settled_at, status.paid_out_at) = (None, None, None);
    }),
    ("real-time", |s| s.facts.sale.settlement = SettlementMode::RealTime),
    ("ordinary", |s| s.facts.sale.settlement = SettlementMode::Ordinary),
    ("void-open", |s| s.facts.balance.void_open = true),
    ("operation-open", |s| s.facts.balance.operation_open = true),
    ("voided", |s| s.facts.balance.voided = s.facts.sale.captured.clone()),
    ("half-cleared", |s| {
        let half = s.money(s.captured() / 2);
        let now = s.facts.now;
        let balance = &mut s.facts.balance;
        (balance.cleared, balance.requested) = (half.clone(), half);
        (balance.refunds_sent, balance.refunds_counted) = (1, 1);
        balance.last_refund_at = Some(now);
    }),
    ("cleared-long-ago", |s| {
        let half = s.money(s.captured() / 2);
        let balance = &mut s.facts.balance;
        (balance.cleared, balance.requested) = (half.clone(), half);
        (balance.refunds_sent, balance.refunds_counted) = (1, 1);
        balance.last_refund_at = Some(s.facts.sale.paid_at);
    }),
    ("half-reserved", |s| {
        let half = s.money(s.captured() / 2);
        let balance = &mut s.facts.balance;
        (balance.reserved, balance.requested) = (half.clone(), half);
        balance.refunds_counted = 1;
    }),
    ("refunded-often", |s| s.facts.balance.refunds_counted = 60),
    ("untouched", |s| {
        let zero = s.money(0);
        let balance = &mut s.facts.balance;
        for amount in [
            &mut balance.cleared,
            &mut balance.voided,
            &mut balance.reserved,
            &mut balance.requested,
            &mut balance.fee_returned,
            &mut balance.coupon_returned,
        ] {
            *amount = zero.clone();
        }
        (balance.void_open, balance.operation_open) = (false, false);
        (balance.refunds_sent, balance.refunds_counted, balance.last_refund_at) = (0, 0, None);
    }),
    ("no-counts", |s| s.facts.tallies.clear()),
    ("high-counts", |s| s.facts.tallies.iter_mut().for_each(|tally| tally.count = 9_999)),
    ("low-counts", |s| s.facts.tallies.iter_mut().for_each(|tally| tally.count = 0)),
    ("requested-not-known", |s| s.facts.requested_today = None),
    ("requested-much", |s| s.facts.requested_today = Some(s.money(1_000_000_000))),
    ("requested-nothing", |s| s.facts.requested_today = Some(s.money(0))),
    ("nobody", |s| s.facts.asker.person = None),
    ("no-roles", |s| s.facts.asker.roles.clear()),
    ("all-roles", |s| {
        let roles = ["cashier", "supervisor", "manager", "reviewer", "support", "legal", "compliance", "finance"];
        s.facts.asker.roles = roles.iter().map(|role| Role::parse(role).unwrap()).collect();
    }),
    ("no-proof", |s| s.facts.authentication = None),
    ("fresh-proof", |s| s.proof(0, true)),
    ("stale-proof", |s| s.proof(DAY, true)),
    ("proof-of-another-operation", |s| s.proof(0, false)),
    ("proof-of-another-person", |s| {
        s.proof(0, true);
        if let Some(proof) = &mut s.facts.authentication {
            proof.person = PersonId::parse("P-999").unwrap();
        }
    }),
    ("looked-at", |s| s.facts.operation = None),
    ("identified", |s| {
        let proof = |(kind, _): &(IdentityKind, &str)| IdentityProof { kind: *kind, reference: None, at: s.facts.now };
        s.facts.identity = IdentityKind::ALL.iter().map(proof).collect();
    }),
    ("unidentified", |s| s.facts.identity.clear()),
    ("code", |s| s.code(None, 365 * DAY)),
    ("code-scanned", |s| s.code(Some(s.facts.sale.paid_at), 365 * DAY)),
    ("code-expired", |s| s.code(None, 1)),
    ("no-code", |s| s.facts.code = None),
    ("hold", |s| s.hold(400 * DAY)),
    ("hold-expired", |s| s.hold(1)),
    ("no-hold", |s| s.facts.hold = None),
    ("alone-kept", |s| s.alone(Forwarding::Kept)),
    ("alone-perhaps-sent", |s| s.alone(Forwarding::PerhapsSent)),
    ("alone-forwarded", |s| s.alone(Forwarding::Forwarded)),
    ("alone-out-of-contact", |s| s.offline(|offline, now| offline.last_contact = ago(now, 40 * DAY))),
    ("alone-old-bundle", |s| s.offline(|offline, now| offline.bundle_made = ago(now, 400 * DAY))),
    ("alone-many-records", |s| s.offline(|offline, _| offline.stored_records = 100_000)),
    ("alone-many-operations", |s| s.offline(|offline, _| offline.operations = 100_000)),
    ("alone-much", |s| s.offline(|offline, _| offline.total.minor = 1_000_000_000)),
    ("alone-bad-clock", |s| s.offline(|offline, _| offline.clock_bound = Duration { ms: 40 * 86_400_000 })),
    ("online", |s| s.facts.offline = None),
    ("at-once", |s| s.facts.now = s.facts.sale.paid_at),
    ("a-minute-later", |s| s.later(MINUTE)),
    ("an-hour-later", |s| s.later(HOUR)),
    ("a-day-later", |s| s.later(DAY)),
    ("forty-days-later", |s| s.later(40 * DAY)),
    ("four-hundred-days-later", |s| s.later(400 * DAY)),
    ("ten-years-later", |s| s.later(3_653 * DAY)),
    ("before-the-payment", |s| s.later(-10 * MINUTE)),
    ("long-ago", |s| {
        let earlier = |at: Instant| ago(at, 9_000 * DAY);
        (s.facts.now, s.facts.sale.paid_at) = (earlier(s.facts.now), earlier(s.facts.sale.paid_at));
        s.facts.sale.business_day = s.engine.business_day_of(s.facts.sale.paid_at).unwrap();
        s.facts.business_day = None;
    }),
    ("no-time", |s| s.facts.now = Instant { unix_ms: i64::MIN }),
    ("no-day", |s| s.facts.business_day = Some(BusinessDay { year: 2026, month: 13, day: 40 })),
    ("another-currency", |s| {
        if let Some(amount) = amount_of(s.question) {
            amount.currency = "XXX".to_owned();
        }
    }),
    ("nothing", |s| s.amount(|_| 0)),
    ("one-more", |s| s.amount(|captured| captured + 1)),
    ("half", |s| s.amount(|captured| captured / 2)),
    ("the-whole", |s| s.amount(|captured| captured)),
    ("large", |s| s.scale(50_000_000)),
    ("small", |s| s.scale(1)),
    ("no-reason", |s| *reason_of(s.question) = None),
    ("another-reason", |s| *reason_of(s.question) = Some("不是理由".to_owned())),
    ("no-evidence", |s| s.evidence(&[])),
    ("all-evidence", |s| {
        let kinds = ["receipt", "photo", "statement", "signed-form", "order", "id-card", "chat", "legal-order"];
        s.evidence(&kinds);
    }),
    ("legal", |s| {
        if let Question::Void(question) = s.question {
            question.legal = true;
        }
    }),
    ("huge-by-debit-card", |s| {
        s.scale(1_000_000_000);
        (s.facts.sale.channel, s.facts.sale.card_type) = (Channel::Card, Some(CardType::Debit));
    }),
    ("card", |s| (s.facts.sale.channel, s.facts.sale.card_type) = (Channel::Card, Some(CardType::Debit))),
    ("credit-card", |s| (s.facts.sale.channel, s.facts.sale.card_type) = (Channel::Card, Some(CardType::Credit))),
    ("by-code", |s| (s.facts.sale.channel, s.facts.sale.card_type) = (Channel::PaymentCode, None)),
    ("coupon", |s| s.facts.sale.coupon = Some(s.money(s.captured() / 3))),
    ("service-soon", |s| s.facts.sale.service_at = Some(ago(s.facts.now, -HOUR))),
    ("service-past", |s| s.facts.sale.service_at = Some(ago(s.facts.now, HOUR))),
    ("completed", |s| {
        s.hold(400 * DAY);
        s.facts.status.outcome = SaleOutcome::Good;
        s.ask(Way::CompletionVoid, false);
    }),
    ("completed-and-settled", |s| {
        s.hold(400 * DAY);
        (s.facts.status.outcome, s.facts.status.settled_at) = (SaleOutcome::Good, Some(s.facts.now));
        s.ask(Way::CompletionVoid, false);
    }),
    ("hotel-in-36-hours", |s| {
        s.facts.sale.kind = "hotel-reservation".to_owned();
        s.facts.sale.service_at = Some(ago(s.facts.now, -36 * HOUR));
    }),
    ("hotel-next-month", |s| {
        s.facts.sale.kind = "hotel-reservation".to_owned();
        s.facts.sale.service_at = Some(ago(s.facts.now, -30 * DAY));
    }),
    ("ask-void", |s| {
        let (amount, reason) = (s.asked_amount(), reason_of(s.question).clone());
        *s.question = Question::Void(VoidQuestion { amount, reason, legal: false, evidence: vec![] });
    }),
    ("ask-refund", |s| {
        let (amount, reason) = (s.asked_amount(), reason_of(s.question).clone());
        *s.question = Question::Refund(RefundQuestion { amount, reason, evidence: vec![] });
    }),
    ("ask-reversal", |s| s.ask(Way::Reversal, false)),
    ("ask-order-close", |s| s.ask(Way::OrderClose, false)),
    ("ask-hold-release", |s| s.ask(Way::HoldRelease, false)),
    ("ask-hold-completion", |s| s.ask(Way::HoldCompletion, false)),
    ("ask-penalty", |s| s.ask(Way::HoldCompletion, true)),
    ("ask-completion-void", |s| s.ask(Way::CompletionVoid, false)),
];

fn ago(at: Instant, ms: i64) -> Instant {
    Instant { unix_ms: at.unix_ms.saturating_sub(ms) }
}

fn reason_of(question: &mut Question) -> &mut Option<String> {
    match question {
        Question::Void(question) => &mut question.reason,
        Question::Refund(question) => &mut question.reason,
        Question::Operation(question) => &mut question.reason,
    }
}

fn amount_of(question: &mut Question) -> Option<&mut Money> {
    match question {
        Question::Void(question) => Some(&mut question.amount),
        Question::Refund(question) => Some(&mut question.amount),
        Question::Operation(question) => question.amount.as_mut(),
    }
}

impl Strained<'_> {
    fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.engine.document().currency.clone() }
    }

    fn captured(&self) -> i64 {
        self.facts.sale.captured.minor
    }

    fn outcome(&mut self, index: usize) {
        self.facts.status.outcome = SaleOutcome::ALL[index % SaleOutcome::ALL.len()].0;
    }

    fn later(&mut self, ms: i64) {
        self.facts.now = ago(self.facts.sale.paid_at, -ms);
        self.facts.business_day = None;
    }

    fn proof(&mut self, age: i64, of_this: bool) {
        let this = self.facts.operation.clone().unwrap_or_else(|| Digest::of(b"this"));
        let person = self.facts.asker.person.clone().unwrap_or_else(|| PersonId::parse("P-1").unwrap());
        self.facts.authentication = Some(Authentication {
            person,
            method: AuthenticationMethod::Pin,
            at: ago(self.facts.now, age),
            operation: Some(if of_this { this } else { Digest::of(b"another") }),
        });
    }

    fn code(&mut self, scanned_at: Option<Instant>, lives: i64) {
        let paid_at = self.facts.sale.paid_at;
        self.facts.code = Some(PaymentCode {
            presented_by: Presenter::Merchant,
            reference: "O-1".to_owned(),
            created_at: paid_at,
            expires_at: ago(paid_at, -lives),
            scanned_at,
        });
    }

    fn hold(&mut self, lives: i64) {
        let (paid_at, captured) = (self.facts.sale.paid_at, self.captured());
        self.facts.hold = Some(Hold {
            authorised: self.money(captured),
            ceiling: self.money(captured * 115 / 100),
            authorised_at: paid_at,
            expires_at: ago(paid_at, -lives),
            authorisation_code: Some("A-1".to_owned()),
        });
    }

    fn alone(&mut self, forwarding: Forwarding) {
        let now = self.facts.now;
        self.facts.offline = Some(OfflineSituation {
            forwarding,
            clock_bound: Duration { ms: 6_000 },
            last_contact: ago(now, MINUTE),
            bundle_made: ago(now, HOUR),
            stored_records: 1,
            operations: 0,
            total: self.money(0),
        });
    }

    fn offline(&mut self, change: impl FnOnce(&mut OfflineSituation, Instant)) {
        if self.facts.offline.is_none() {
            self.alone(Forwarding::Kept);
        }
        let now = self.facts.now;
        if let Some(offline) = &mut self.facts.offline {
            change(offline, now);
        }
    }

    fn amount(&mut self, of_captured: impl FnOnce(i64) -> i64) {
        let minor = of_captured(self.captured());
        let money = self.money(minor);
        match self.question {
            Question::Void(question) => question.amount = money,
            Question::Refund(question) => question.amount = money,
            Question::Operation(question) => question.amount = Some(money),
        }
    }

    /// The whole payment is of another amount, and all of it is asked for.
    fn scale(&mut self, minor: i64) {
        let (money, zero) = (self.money(minor), self.money(0));
        let sale = &mut self.facts.sale;
        (sale.captured, sale.fee_charged, sale.coupon) = (money, zero.clone(), None);
        let balance = &mut self.facts.balance;
        for amount in [&mut balance.cleared, &mut balance.voided, &mut balance.reserved, &mut balance.requested] {
            *amount = zero.clone();
        }
        (balance.fee_returned, balance.coupon_returned) = (zero.clone(), zero);
        self.amount(|captured| captured);
    }

    fn evidence(&mut self, kinds: &[&str]) {
        let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        match self.question {
            Question::Void(question) => question.evidence = kinds,
            Question::Refund(question) => question.evidence = kinds,
            Question::Operation(_) => {}
        }
    }

    fn asked_amount(&self) -> Money {
        self.question.amount().cloned().unwrap_or_else(|| self.facts.sale.captured.clone())
    }

    fn ask(&mut self, way: Way, penalty: bool) {
        let reason = reason_of(self.question).clone();
        *self.question = Question::Operation(OperationQuestion { way, amount: None, trouble: None, reason, penalty });
    }
}
