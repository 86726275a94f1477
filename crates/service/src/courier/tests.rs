//! The courier between a real ledger and the simulated acquirer, over its protocol.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly, in their helpers too, and count small things"
)]

use super::*;
use crate::announcement::Announcement;
use crate::feed::Told;
use crate::ports::{NoAnswer, OutboundAnswer, Pure as _};
use crate::testkit::{TestPorts, World};
use rescind_acquirer::{
    Acquirer, Arrival, Arriving, Behaviour, Kind, Match, Means, Options, PaymentState, Question, Refusal, Script, Word,
};
use rescind_model::{
    ActingPerson, ApprovalPlan, Capture, Channel, Decision, Grounds, Hold, Obligations, OperationAuthorisation, Origin,
    Outcome as Verdict, PaymentCode, PersonId, PolicyIdentity, Presenter, RefundRequest, RefundSubmission, Role,
    SettlementMode, Transition,
};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A merchant whose one payment is `S-1`, and the acquirer behind it.
struct Counter {
    world: World,
    acquirer: Acquirer,
    clock: Arc<AtomicI64>,
    merchant: MerchantId,
    sale: SaleId,
}

/// One request over HTTP/1.1; no answer if the connection is closed without one.
fn exchange(address: std::net::SocketAddr, method: &str, path: &str, body: &[u8]) -> Result<OutboundAnswer, NoAnswer> {
    let none = |error: std::io::Error| NoAnswer(error.to_string());
    let mut stream = TcpStream::connect(address).map_err(none)?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: acquirer\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).map_err(none)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(none)?;
    let text = String::from_utf8(answer).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Err(NoAnswer("closed".to_owned())) };
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok(OutboundAnswer { status, body: body.as_bytes().to_vec() })
}

fn cny(amount: &str) -> Money {
    Money::parse(amount, "CNY").unwrap()
}

/// A decision that allows this to the courier.
fn decision(way: Way, amount: &str) -> Decision {
    Decision {
        way,
        amount: cny(amount),
        outcome: Verdict::Allow,
        findings: Vec::new(),
        obligations: Obligations {
            offline: None,
            fees: Vec::new(),
            approvals: None,
            evidence: Vec::new(),
            operator_roles: Vec::new(),
            executor: Executor::Courier,
            slip: false,
            arrival: None,
            identity: Vec::new(),
            authentication: None,
            persons: 1,
            coupon: None,
            penalty: None,
            funding: None,
            queries: Vec::new(),
        },
        opens_at: None,
        open_until: None,
        policy: PolicyIdentity { name: "test".to_owned(), version: "1".to_owned(), hash: Digest::of(b"test") },
    }
}

impl Counter {
    /// A payment of 60.00, as it began.
    async fn with(channel: Channel, outcome: SaleOutcome, origin: Origin) -> Self {
        let world = World::new();
        let now = world.app.ports.now();
        let clock = Arc::new(AtomicI64::new(now.unix_ms));
        let shown = Arc::clone(&clock);
        let told = Options {
            clock: Arc::new(move || Instant { unix_ms: shown.load(Ordering::SeqCst) }),
            hold: Duration { ms: 0 },
        };
        let acquirer = Acquirer::bind("127.0.0.1:0", told).await.unwrap();
        let address = acquirer.address();
        world.app.ports.answer_with(Box::new(move |method, url, body| {
            exchange(address, method, url.strip_prefix("http://acquirer").unwrap(), body)
        }));
        let (merchant, sale) = (MerchantId::parse("m-1").unwrap(), SaleId::parse("S-1").unwrap());
        let paid = Sale {
            id: sale.clone(),
            merchant: merchant.clone(),
            slip: None,
            order_number: None,
            retrieval_reference: None,
            operator: None,
            captured: cny("60.00"),
            coupon: None,
            fee_charged: cny("0.00"),
            channel,
            card_type: None,
            kind: "purchase".to_owned(),
            payer_token: None,
            contact: None,
            service_at: None,
            paid_at: now,
            business_day: rescind_model::BusinessDay::new(2026, 11, 23).unwrap(),
            settlement: SettlementMode::Ordinary,
        };
        let command = CommandId::parse("c-open").unwrap();
        let transition =
            <TestPorts as Ports>::Pure::open_ledger(&paid, outcome, &origin, &Actor::System, &command, now);
        let Transition { ledger, events } = transition.unwrap();
        let first = Aggregate { ledger, events, commits: 1, recent: vec![command.clone()], notes: Vec::new() };
        let records = world.app.records().await.unwrap();
        let slot = records.open::<Aggregate>(&Key::sale(&merchant, &sale)).await.unwrap();
        records.commit(slot, &first, command.as_str(), 1).await.unwrap();
        Self { world, acquirer, clock, merchant, sale }
    }

    async fn card_sale(outcome: SaleOutcome) -> Self {
        Self::with(Channel::Card, outcome, Origin::Sale).await
    }

    /// A code that nobody has scanned yet, known to the acquirer as an open order.
    async fn code() -> Self {
        let created_at = World::new().app.ports.now();
        let code = PaymentCode {
            presented_by: Presenter::Merchant,
            reference: "4200001".to_owned(),
            created_at,
            expires_at: created_at.plus(Duration::minutes(30)).unwrap(),
            scanned_at: None,
        };
        let counter = Self::with(Channel::PaymentCode, SaleOutcome::Unpaid, Origin::Code(code)).await;
        counter.arrives(Means::Code, Arriving::Unpaid).unwrap();
        counter
    }

    /// A hold of 60.00 with a ceiling of 69.00, known to the acquirer.
    async fn hold() -> Self {
        let authorised_at = World::new().app.ports.now();
        let hold = Hold {
            authorised: cny("60.00"),
            ceiling: cny("69.00"),
            authorised_at,
            expires_at: authorised_at.plus(Duration::minutes(60)).unwrap(),
            authorisation_code: Some("A1B2C3".to_owned()),
        };
        let counter = Self::with(Channel::Card, SaleOutcome::Held, Origin::Hold(hold)).await;
        counter.arrives(Means::Hold, Arriving::Held).unwrap();
        counter
    }

    fn arrives(&self, means: Means, state: Arriving) -> Result<PaymentState, Refusal> {
        self.acquirer.arrive(&Arrival {
            merchant: self.merchant.clone(),
            sale: self.sale.clone(),
            means,
            state,
            amount: (&cny("60.00")).into(),
            ceiling: (means == Means::Hold).then(|| (&cny("69.00")).into()),
        })
    }

    fn script(&self, kind: Kind, times: u32, behaviour: Behaviour) {
        let matching = Match { kind: Some(kind), ..Match::default() };
        self.acquirer.script(Script { matching, times, behaviour }).unwrap();
    }

    fn says(&self, times: u32, status: Word) {
        let matching = Match { question: Some(Question::Sale), ..Match::default() };
        self.acquirer.script(Script { matching, times, behaviour: Behaviour::Says { status } }).unwrap();
    }

    fn pass(&self, seconds: u32) {
        let time = Duration::seconds(seconds);
        self.world.app.ports.pass(time);
        self.clock.fetch_add(i64::try_from(time.ms).unwrap(), Ordering::SeqCst);
    }

    async fn change(&self, name: &str, change: Command) {
        self.change_as(name, &Actor::System, change).await;
    }

    async fn change_as(&self, name: &str, actor: &Actor, change: Command) {
        let command = CommandId::parse(name).unwrap();
        let app = &self.world.app;
        app.transact(&self.merchant, &self.sale, &command, |app, there| app.plain(there, &change, actor, &command))
            .await
            .unwrap();
    }

    /// Authorises operation `O-1` (its reference is `P-1`) for the courier.
    async fn authorise(&self, way: Way, amount: &str) {
        self.authorise_as("1", way, amount).await;
    }

    async fn authorise_as(&self, number: &str, way: Way, amount: &str) {
        let capture = (way == Way::HoldCompletion).then(|| Capture {
            fee_charged: cny("0.30"),
            business_day: rescind_model::BusinessDay::new(2026, 11, 23).unwrap(),
        });
        let wanted = OperationAuthorisation {
            id: OperationId::parse(&format!("O-{number}")).unwrap(),
            cause: "no-answer".to_owned(),
            penalty: false,
            capture,
            terminal: None,
            provider_reference: format!("P-{number}"),
            decision: decision(way, amount),
            grounds: Grounds::none(),
        };
        self.change(&format!("c-{number}"), Command::Authorise(wanted)).await;
    }

    /// Ticks every second for a while.
    async fn run(&self, seconds: u32) {
        for _ in 0..seconds {
            self.world.app.tick().await.unwrap();
            self.pass(1);
        }
    }

    async fn there(&self) -> Aggregate {
        let records = self.world.app.records().await.unwrap();
        records.read::<Aggregate>(&Key::sale(&self.merchant, &self.sale)).await.unwrap().unwrap()
    }

    /// The newest operation's state and the payment's outcome.
    async fn state(&self) -> (OperationState, SaleOutcome) {
        let there = self.there().await;
        (there.ledger.operations.last().unwrap().state, there.ledger.status.outcome)
    }

    /// How often the reference took effect and was called; nothing if it was never sent.
    fn effects(&self, reference: &str) -> (u64, u64) {
        self.acquirer.effects().references.get(reference).map_or((0, 0), |r| (r.effects, r.calls))
    }

    /// The acquirer's own view of the payment: state, captured, changes.
    fn payment(&self) -> (PaymentState, String, u64) {
        let payment = self.acquirer.effects().payments.remove("m-1/S-1").unwrap();
        (payment.state, payment.captured, payment.changes)
    }

    /// How often a path was called.
    fn asked(&self, path: &str) -> usize {
        self.world.app.ports.sent().iter().filter(|sent| sent.url.ends_with(path)).count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_unknown_card_sale_is_reversed_at_once() {
    let counter = Counter::card_sale(SaleOutcome::Unknown).await;
    counter.arrives(Means::Card, Arriving::Paid).unwrap();
    counter.authorise(Way::Reversal, "60.00").await;
    counter.run(1).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Reversed));
    assert_eq!((counter.effects("P-1"), counter.asked("/sales/query")), ((1, 1), 0));
    assert_eq!(counter.payment(), (PaymentState::Reversed, "0.00".to_owned(), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_reversal_is_stored_and_forwarded_until_it_is_answered_and_has_one_effect() {
    let counter = Counter::card_sale(SaleOutcome::Unknown).await;
    counter.arrives(Means::Card, Arriving::Paid).unwrap();
    counter.script(Kind::Reversal, 1, Behaviour::Timeout { took_place: false, hold_ms: None });
    counter.script(Kind::Reversal, 1, Behaviour::ServerError);
    counter.script(Kind::Reversal, 1, Behaviour::LateSuccess { after_ms: 10_000 });
    counter.authorise(Way::Reversal, "60.00").await;
    counter.run(1).await;
    assert_eq!(counter.state().await, (OperationState::Unknown, SaleOutcome::Unknown));
    counter.run(60).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Reversed));
    let (effects, calls) = counter.effects("P-1");
    assert_eq!(effects, 1);
    // Every sending is one more of the same message, and was written down before.
    let there = counter.there().await;
    let operation = there.ledger.operations.last().unwrap();
    assert_eq!((u64::from(operation.attempts), calls >= 4), (calls, true));
    let bodies: Vec<_> = counter.world.app.ports.sent().into_iter().map(|sent| sent.body).collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "the very same message");
    assert_eq!(counter.payment(), (PaymentState::Reversed, "0.00".to_owned(), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_reversal_whose_answers_are_lost_has_one_effect() {
    let counter = Counter::card_sale(SaleOutcome::Unknown).await;
    counter.arrives(Means::Card, Arriving::Paid).unwrap();
    counter.script(Kind::Reversal, 2, Behaviour::Timeout { took_place: true, hold_ms: None });
    counter.script(Kind::Reversal, 1, Behaviour::Duplicate);
    counter.authorise(Way::Reversal, "60.00").await;
    counter.run(30).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Reversed));
    assert_eq!(counter.effects("P-1"), (1, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_sale_that_never_arrived_is_reversed_and_cannot_arrive_any_more() {
    let counter = Counter::card_sale(SaleOutcome::Unknown).await;
    counter.authorise(Way::Reversal, "60.00").await;
    counter.run(1).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Reversed));
    assert_eq!(counter.effects("P-1"), (0, 1));
    assert_eq!(counter.arrives(Means::Card, Arriving::Paid), Err(Refusal::Undone));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_refused_reversal_does_not_make_a_sale_good_but_the_providers_word_about_it_does() {
    let decline = || Behaviour::Decline { code: "57".to_owned() };
    // The provider says that it was paid.
    let counter = Counter::card_sale(SaleOutcome::Unknown).await;
    counter.arrives(Means::Card, Arriving::Paid).unwrap();
    counter.script(Kind::Reversal, 1, decline());
    counter.authorise(Way::Reversal, "60.00").await;
    counter.run(1).await;
    assert_eq!(counter.state().await, (OperationState::Failed, SaleOutcome::Good));
    let there = counter.there().await;
    let evidence = there.ledger.operations[0].evidence.clone().unwrap();
    assert_eq!((evidence.code.as_deref(), evidence.note.as_deref()), (Some("paid"), Some("refused with 57")));

    // It says that it was declined.
    let counter = Counter::card_sale(SaleOutcome::Unknown).await;
    counter.arrives(Means::Card, Arriving::Declined).unwrap();
    counter.script(Kind::Reversal, 1, decline());
    counter.authorise(Way::Reversal, "60.00").await;
    counter.run(1).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Reversed));

    // It cannot tell, and then it can.
    let counter = Counter::card_sale(SaleOutcome::Unknown).await;
    counter.arrives(Means::Card, Arriving::Paid).unwrap();
    counter.script(Kind::Reversal, 1, decline());
    counter.says(2, Word::Unknown);
    counter.authorise(Way::Reversal, "60.00").await;
    counter.run(1).await;
    assert_eq!(counter.state().await, (OperationState::Unknown, SaleOutcome::Unknown));
    counter.run(30).await;
    assert_eq!(counter.state().await, (OperationState::Failed, SaleOutcome::Good));
    assert_eq!(counter.effects("P-1").0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_reversal_that_nobody_answers_calls_a_person_and_goes_on() {
    let counter = Counter::card_sale(SaleOutcome::Unknown).await;
    counter.arrives(Means::Card, Arriving::Paid).unwrap();
    counter.script(Kind::Reversal, 12, Behaviour::ServerError);
    counter.authorise(Way::Reversal, "60.00").await;
    for _ in 0..40 {
        counter.world.app.tick().await.unwrap();
        counter.pass(60);
    }
    let called = |there: &Aggregate| {
        there.events.iter().filter(|e| e.kind == rescind_model::EventKind::OperationAttention).count()
    };
    assert_eq!((counter.state().await.0, called(&counter.there().await)), (OperationState::Unknown, 1));
    for _ in 0..60 {
        counter.world.app.tick().await.unwrap();
        counter.pass(60);
    }
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Reversed));
    assert_eq!(counter.effects("P-1"), (1, 13));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_unknown_payment_by_code_that_was_paid_stands_and_nothing_is_sent() {
    for way in [Way::OrderClose, Way::Reversal] {
        let counter = Counter::with(Channel::PaymentCode, SaleOutcome::Unknown, Origin::Sale).await;
        counter.arrives(Means::Code, Arriving::Paid).unwrap();
        counter.says(3, Word::Unknown);
        counter.authorise(way, "60.00").await;
        counter.run(20).await;
        assert_eq!(counter.state().await, (OperationState::Failed, SaleOutcome::Good));
        assert_eq!((counter.asked("/sales/query"), counter.effects("P-1")), (4, (0, 0)));
        assert_eq!(counter.payment(), (PaymentState::Paid, "60.00".to_owned(), 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_unknown_payment_by_code_that_nobody_pays_is_asked_for_six_times_and_then_closed() {
    let counter = Counter::with(Channel::PaymentCode, SaleOutcome::Unknown, Origin::Sale).await;
    counter.arrives(Means::Code, Arriving::Unpaid).unwrap();
    counter.authorise(Way::OrderClose, "60.00").await;
    counter.run(60).await;
    assert_eq!(counter.state().await, (OperationState::Authorised, SaleOutcome::Unknown), "it may still be paid");
    counter.run(20).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Reversed));
    assert_eq!((counter.asked("/sales/query"), counter.effects("P-1")), (6, (1, 1)));
    assert_eq!(counter.arrives(Means::Code, Arriving::Paid), Err(Refusal::Undone));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_payment_by_code_that_is_paid_at_the_last_moment_is_not_closed() {
    let counter = Counter::with(Channel::PaymentCode, SaleOutcome::Unknown, Origin::Sale).await;
    counter.arrives(Means::Code, Arriving::Paid).unwrap();
    counter.says(6, Word::NotPaid);
    counter.authorise(Way::OrderClose, "60.00").await;
    counter.run(80).await;
    assert_eq!(counter.state().await, (OperationState::Failed, SaleOutcome::Good));
    assert_eq!(counter.effects("P-1"), (0, 1));
    assert_eq!(counter.asked("/sales/query"), 6, "the provider's code says it: paid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_declined_payment_by_code_needs_nothing() {
    let counter = Counter::with(Channel::PaymentCode, SaleOutcome::Unknown, Origin::Sale).await;
    counter.arrives(Means::Code, Arriving::Declined).unwrap();
    counter.authorise(Way::Reversal, "60.00").await;
    counter.run(5).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Reversed));
    assert_eq!((counter.asked("/sales/query"), counter.effects("P-1")), (1, (0, 0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_unscanned_code_is_cancelled_at_once() {
    let counter = Counter::code().await;
    counter.authorise(Way::OrderClose, "60.00").await;
    counter.run(1).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Cancelled));
    assert_eq!((counter.asked("/sales/query"), counter.effects("P-1")), (0, (1, 1)));
    let body: serde_json::Value = serde_json::from_slice(&counter.world.app.ports.sent()[0].body).unwrap();
    assert_eq!((&body["kind"], &body["order"]), (&"order-close".into(), &"4200001".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_code_that_was_paid_meanwhile_is_not_cancelled() {
    let counter = Counter::code().await;
    counter.arrives(Means::Code, Arriving::Paid).unwrap();
    counter.authorise(Way::OrderClose, "60.00").await;
    counter.run(1).await;
    // That it was paid stands in the evidence; the payment itself is written by the scan.
    assert_eq!(counter.state().await, (OperationState::Failed, SaleOutcome::Unpaid));
    let there = counter.there().await;
    assert_eq!(there.ledger.operations[0].evidence.as_ref().unwrap().code.as_deref(), Some("paid"));
    assert_eq!(counter.payment(), (PaymentState::Paid, "60.00".to_owned(), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_cancellation_of_a_code_whose_answer_is_lost_is_asked_for() {
    let counter = Counter::code().await;
    counter.script(Kind::OrderClose, 1, Behaviour::Timeout { took_place: true, hold_ms: None });
    counter.authorise(Way::OrderClose, "60.00").await;
    counter.run(1).await;
    assert_eq!(counter.state().await, (OperationState::Unknown, SaleOutcome::Unpaid));
    counter.run(5).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Cancelled));
    assert_eq!((counter.effects("P-1"), counter.asked("/operations/P-1")), ((1, 1), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_code_that_nobody_scans_expires_by_the_timer() {
    let counter = Counter::code().await;
    // An intent brings the ledger to the courier's notice; a real code is announced when it is made.
    let (merchant, sale) = (counter.merchant.clone(), counter.sale.clone());
    let command = CommandId::parse("c-open").unwrap();
    let app = &counter.world.app;
    let mut announcement = Announcement::default();
    app.look_at_lane(&merchant, &sale, &mut announcement).await.unwrap();
    assert!(app.announce(&merchant, &sale, &command, &mut announcement).await.unwrap());
    counter.run(1).await;
    assert_eq!(counter.there().await.ledger.status.outcome, SaleOutcome::Unpaid);
    counter.pass(1_800);
    counter.run(3).await;
    assert_eq!(counter.there().await.ledger.status.outcome, SaleOutcome::Expired);
    assert!(counter.world.app.ports.sent().is_empty(), "time alone ended it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_completion_whose_answer_is_lost_is_asked_for_and_done_once() {
    let counter = Counter::hold().await;
    counter.script(Kind::HoldCompletion, 1, Behaviour::Timeout { took_place: true, hold_ms: None });
    counter.authorise(Way::HoldCompletion, "65.00").await;
    counter.run(1).await;
    assert_eq!(counter.state().await, (OperationState::Unknown, SaleOutcome::Held));
    counter.run(5).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Good));
    assert_eq!((counter.effects("P-1"), counter.asked("/operations/P-1")), ((1, 1), 1));
    assert_eq!(counter.payment(), (PaymentState::Captured, "65.00".to_owned(), 1));
    assert_eq!(counter.there().await.ledger.sale.captured, cny("65.00"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_completion_that_never_arrived_is_sent_again() {
    let counter = Counter::hold().await;
    counter.script(Kind::HoldCompletion, 1, Behaviour::Timeout { took_place: false, hold_ms: None });
    counter.authorise(Way::HoldCompletion, "60.00").await;
    counter.run(5).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Good));
    assert_eq!(counter.effects("P-1"), (1, 2));
    assert_eq!(counter.there().await.ledger.operations[0].attempts, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_refused_completion_leaves_the_hold() {
    let counter = Counter::hold().await;
    counter.script(Kind::HoldCompletion, 1, Behaviour::Decline { code: "51".to_owned() });
    counter.authorise(Way::HoldCompletion, "60.00").await;
    counter.run(1).await;
    assert_eq!(counter.state().await, (OperationState::Failed, SaleOutcome::Held));
    assert_eq!(counter.payment(), (PaymentState::Held, "0.00".to_owned(), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_completion_is_voided_and_the_hold_released() {
    let counter = Counter::hold().await;
    counter.authorise_as("1", Way::HoldCompletion, "40.00").await;
    counter.run(2).await;
    counter.authorise_as("2", Way::CompletionVoid, "40.00").await;
    counter.run(2).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Held));
    counter.script(Kind::HoldRelease, 1, Behaviour::LateSuccess { after_ms: 3_000 });
    counter.authorise_as("3", Way::HoldRelease, "60.00").await;
    counter.run(1).await;
    assert_eq!(counter.state().await, (OperationState::Unknown, SaleOutcome::Held));
    counter.run(20).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Released));
    assert_eq!([counter.effects("P-1").0, counter.effects("P-2").0, counter.effects("P-3").0], [1, 1, 1]);
    assert_eq!(counter.payment(), (PaymentState::Released, "0.00".to_owned(), 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_courier_that_dies_between_writing_and_sending_is_made_up_for() {
    for (way, outcome) in [(Way::Reversal, SaleOutcome::Reversed), (Way::HoldCompletion, SaleOutcome::Good)] {
        let counter = if way == Way::Reversal {
            let counter = Counter::card_sale(SaleOutcome::Unknown).await;
            counter.arrives(Means::Card, Arriving::Paid).unwrap();
            counter
        } else {
            Counter::hold().await
        };
        counter.authorise(way, "60.00").await;
        let target = Target::Operation(OperationId::parse("O-1").unwrap());
        counter.change("c-dead", Command::RecordSent(target)).await;
        counter.run(20).await;
        assert_eq!((counter.state().await.0, counter.effects("P-1")), (OperationState::Sent, (0, 0)), "time to answer");
        counter.run(20).await;
        assert_eq!(counter.state().await, (OperationState::Done, outcome));
        assert_eq!(counter.effects("P-1"), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_courier_that_dies_between_sending_and_writing_has_no_second_effect() {
    for (way, outcome) in [(Way::Reversal, SaleOutcome::Reversed), (Way::HoldRelease, SaleOutcome::Released)] {
        let counter = if way == Way::Reversal {
            let counter = Counter::card_sale(SaleOutcome::Unknown).await;
            counter.arrives(Means::Card, Arriving::Paid).unwrap();
            counter
        } else {
            Counter::hold().await
        };
        counter.authorise(way, "60.00").await;
        let target = Target::Operation(OperationId::parse("O-1").unwrap());
        counter.change("c-dead", Command::RecordSent(target.clone())).await;
        counter.world.app.submit(&counter.there().await, &target).await.unwrap();
        assert_eq!((counter.state().await.0, counter.effects("P-1")), (OperationState::Sent, (1, 1)));
        counter.run(40).await;
        assert_eq!(counter.state().await, (OperationState::Done, outcome));
        assert_eq!(counter.effects("P-1").0, 1);
    }
}

/// A cleared refund `R-1` of 10.00 for which somebody searches.
/// A refund of 10.00 that is to be sent.
async fn cleared() -> Counter {
    let counter = Counter::card_sale(SaleOutcome::Good).await;
    let id = RefundId::parse("R-1").unwrap();
    let person = |name: &str| {
        let id = PersonId::parse(name).unwrap();
        Actor::Person(ActingPerson { id, roles: vec![Role::parse("manager").unwrap()] })
    };
    let request = RefundRequest {
        amount: cny("10.00"),
        reason: "returned-goods".to_owned(),
        note: None,
        evidence: Vec::new(),
        requested_by: PersonId::parse("cashier").unwrap(),
        operator: None,
        contact: None,
        corrects: None,
    };
    let plan = ApprovalPlan {
        tier: "none".to_owned(),
        needed: 0,
        roles: Vec::new(),
        expires_after: Duration::minutes(60),
        escalations: Vec::new(),
    };
    let mut decision = decision(Way::Refund, "10.00");
    decision.obligations.approvals = Some(plan);
    let wanted = RefundSubmission {
        id: id.clone(),
        request,
        provider_reference: "RR-1".to_owned(),
        decision,
        grounds: Grounds::none(),
    };
    counter.change_as("c-submit", &person("cashier"), Command::SubmitRefund(wanted)).await;
    counter.change_as("c-clear", &person("manager"), Command::Clear(id)).await;
    counter
}

async fn traced() -> Counter {
    let counter = cleared().await;
    counter.run(2).await;
    let refund = counter.there().await.ledger.refunds.remove(0);
    assert_eq!(refund.state, RefundState::Cleared);
    let manager =
        ActingPerson { id: PersonId::parse("manager").unwrap(), roles: vec![Role::parse("manager").unwrap()] };
    counter.change_as("c-trace", &Actor::Person(manager), Command::RequestTrace(refund.id)).await;
    counter
}

impl Counter {
    fn trace_says(&self, times: u32, behaviour: Behaviour) {
        let matching = Match { question: Some(Question::Trace), ..Match::default() };
        self.acquirer.script(Script { matching, times, behaviour }).unwrap();
    }

    /// Whether the refund arrived, and how often that was asked for in vain.
    async fn search(&self) -> (Option<bool>, u32) {
        let trace = self.there().await.ledger.refunds[0].trace.clone().unwrap();
        (trace.arrived, trace.queries)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_refund_that_is_searched_for_is_asked_for_until_the_provider_knows() {
    let counter = traced().await;
    counter.trace_says(1, Behaviour::ServerError);
    counter.trace_says(1, Behaviour::Timeout { took_place: false, hold_ms: None });
    counter.trace_says(1, Behaviour::Says { status: Word::Unknown });
    counter.run(1).await;
    assert_eq!(counter.search().await, (None, 1));
    for _ in 0..40 {
        counter.pass(60);
        counter.run(1).await;
    }
    assert_eq!(counter.search().await, (Some(true), 3));
    assert_eq!((counter.asked("/operations/RR-1/trace"), counter.effects("RR-1")), (4, (1, 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_refund_that_did_not_arrive_is_told_so_and_asked_for_no_more() {
    let counter = traced().await;
    counter.trace_says(1, Behaviour::Says { status: Word::NotArrived });
    counter.run(30).await;
    assert_eq!(counter.search().await, (Some(false), 0));
    assert_eq!(counter.asked("/operations/RR-1/trace"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_announces_what_was_published_meanwhile_has_to_read_the_sale_again() {
    // Every event has a page of its own: none is found again on the page that is open for adding.
    crate::limits::make_pages(1);
    let counter = Counter::card_sale(SaleOutcome::Unknown).await;
    counter.arrives(Means::Card, Arriving::Paid).unwrap();
    let (app, command) = (&counter.world.app, CommandId::parse("c-1").unwrap());
    let told = async || -> Vec<u64> {
        let feed = app.read_feed(&counter.merchant, Position::START, 100).await.unwrap();
        let sequence = |told: &Told| match told {
            Told::OfSale { event, .. } => event.sequence,
            Told::OfTerminal(_) => 0,
        };
        feed.items.iter().map(|item| sequence(&item.told)).collect()
    };
    // One has read the lane, and the sale; another with the same command is quicker, and its event is told, and more.
    let mut late = Announcement::default();
    app.look_at_lane(&counter.merchant, &counter.sale, &mut late).await.unwrap();
    counter.authorise(Way::Reversal, "60.00").await;
    counter.run(40).await;
    let before = told().await;
    assert!(before.len() > 2 && before.is_sorted(), "{before:?}");
    assert!(!app.announce(&counter.merchant, &counter.sale, &command, &mut late).await.unwrap());
    counter.run(3).await;
    assert_eq!(told().await, before);
    // Whoever looks again and finds it missing may.
    app.look_at_lane(&counter.merchant, &counter.sale, &mut late).await.unwrap();
    let other = CommandId::parse("c-2").unwrap();
    assert!(app.announce(&counter.merchant, &counter.sale, &other, &mut late).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_due_finds_another_place_where_somebody_ahead_is_working_its_bucket_off() {
    let counter = Counter::card_sale(SaleOutcome::Unknown).await;
    let app = &counter.world.app;
    let now = app.ports.now();
    let records = app.records().await.unwrap();
    for (away, refused) in [(40 * 60_000, 1), (40 * 60_000, 2), (5_000, 1), (5_000, 3), (3 * 86_400_000, 4)] {
        let due = now.plus(Duration { ms: away }).unwrap();
        let mut at = bucket_of(due, now);
        let mut closed = Vec::new();
        for _ in 0..refused {
            closed.push(at);
            at = bucket_beside(at, due);
        }
        records
            .update::<Buckets, _, _>(&Key::due_index(), &format!("{away} {refused}"), 7, |there| {
                let mut next = there.cloned().unwrap_or_default();
                next.buckets = closed
                    .iter()
                    .map(|(start, width)| Bucket { start: *start, width: *width, closing: true })
                    .collect();
                next.mark = format!("{away} {refused}");
                Ok((Some(next), ()))
            })
            .await
            .unwrap();
        app.remind(&[(due, counter.merchant.clone(), counter.sale.clone())]).await.unwrap();
        let noted = records.slice(&bucket_key(at.0, at.1), Position::START, 10).await.unwrap();
        assert!(noted.entries.iter().any(|(_, e)| e.at == due.unix_ms.to_string()), "{away} {refused}: {noted:?}");
        // Looked at when it is due or after it, and soon.
        let looked_at = if at.1 == SECOND_MS { at.0 + at.1 } else { at.0 };
        assert!(looked_at <= due.unix_ms + 4 * SECOND_MS, "{away} {refused}: {at:?}");
    }
}

/// Two couriers whose clocks differ send a refund again: the refusal of the first attempt does not end the second.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_refusal_does_not_end_a_refund_that_was_sent_again() {
    let counter = cleared().await;
    let (app, target) = (&counter.world.app, Target::Refund(counter.there().await.ledger.refunds[0].id.clone()));
    let sent = async || match app.change(&counter.there().await, Command::RecordSent(target.clone())).await.unwrap() {
        Outcome::Committed(sent) => sent,
        Outcome::Already(_) => panic!("nobody else changed it"),
    };
    let state = async || counter.there().await.ledger.refunds[0].state;
    let refused = || ResultOf::Failed(app.evidence(None, Some("51".to_owned())));
    // The first has sent it. By the other's clock no answer will come any more.
    let (first, second) = (sent().await, sent().await);
    assert_eq!((attempts(&first, &target), attempts(&second, &target)), (1, 2));
    assert_eq!(state().await, RefundState::Clearing);
    app.report_outcome(&first, &target, refused()).await.unwrap();
    assert_eq!(state().await, RefundState::Unknown, "the second may take place");
    app.report_outcome(&second, &target, refused()).await.unwrap();
    assert_eq!(state().await, RefundState::Failed, "and when that is refused too, it has ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_couriers_at_one_reversal_have_one_effect() {
    let counter = Counter::card_sale(SaleOutcome::Unknown).await;
    counter.arrives(Means::Card, Arriving::Paid).unwrap();
    counter.authorise(Way::Reversal, "60.00").await;
    let (one, two) = tokio::join!(counter.world.app.tick(), counter.world.app.tick());
    one.unwrap();
    two.unwrap();
    counter.run(40).await;
    assert_eq!(counter.state().await, (OperationState::Done, SaleOutcome::Reversed));
    assert_eq!(counter.effects("P-1").0, 1);
}
