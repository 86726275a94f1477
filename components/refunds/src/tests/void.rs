use super::world::*;
use rescind_model::*;

fn authorised(executor: Executor) -> VoidOperation {
    VoidOperation {
        id: "V-1".parse().unwrap(),
        amount: cny(10_000),
        reason: "wrong-amount".to_owned(),
        requested_by: "rita".parse().unwrap(),
        terminal: Some("T-1".parse().unwrap()),
        executor,
        provider_reference: "ref-V-1".to_owned(),
        state: OperationState::Authorised,
        reversing: false,
        queries: 0,
        attention: false,
        fees: vec![],
        policy: policy(),
        authorised_at: at(0),
        updated_at: at(0),
        due_at: (executor == Executor::Courier).then(|| at(0)),
        evidence: None,
        grounds: Grounds::none(),
    }
}

#[test]
fn a_void_reserves_the_whole_sale() {
    let before = World::new();
    let mut world = before.clone();
    assert_eq!(world.authorise("V-1", Executor::Courier), vec![EventKind::VoidAuthorised]);
    let chain = world.ledger.chain.clone();
    let expected = Ledger { voids: vec![authorised(Executor::Courier)], events: 2, chain, ..before.ledger };
    assert_eq!(world.ledger, expected);
    let event = Event {
        sequence: 2,
        kind: EventKind::VoidAuthorised,
        at: at(0),
        command: "c-1".parse().unwrap(),
        operation: Some("V-1".parse().unwrap()),
        refund: None,
        amount: Some(cny(10_000)),
        actor: rita(),
        reason: Some("wrong-amount".to_owned()),
        about: None,
        link: Digest::of(b""),
    };
    assert_eq!(world.events.last(), Some(&linked(&world.events[0].link, event)));
    assert_eq!(world.left(), 0);
    assert_eq!(crate::due(&world.ledger), Some(at(0)));
}

#[test]
fn a_void_is_sent_and_done() {
    let mut world = World::new();
    world.authorise("V-1", Executor::Courier);
    world.wait(SECOND);
    assert_eq!(world.send(void_target("V-1")), vec![EventKind::VoidSent]);
    let sent = VoidOperation {
        state: OperationState::Sent,
        updated_at: at(SECOND),
        due_at: Some(at(31 * SECOND)),
        ..authorised(Executor::Courier)
    };
    assert_eq!(*world.void(), sent);
    world.wait(SECOND);
    assert_eq!(world.done(void_target("V-1")), vec![EventKind::VoidDone]);
    let done = VoidOperation {
        state: OperationState::Done,
        updated_at: at(2 * SECOND),
        due_at: None,
        evidence: Some(evidence("00", at(2 * SECOND))),
        ..sent
    };
    assert_eq!(*world.void(), done);
    assert_eq!(world.left(), 0);
    assert_eq!(crate::due(&world.ledger), None);
}

#[test]
fn a_void_sent_again_gives_no_second_event_and_leaves_time_to_answer() {
    let mut world = World::new();
    world.authorise("V-1", Executor::Courier);
    world.send(void_target("V-1"));
    world.wait(40 * SECOND);
    assert_eq!(world.send(void_target("V-1")), vec![]);
    assert_eq!(world.void().due_at, Some(at(70 * SECOND)));
    world.unknown(void_target("V-1"));
    assert_eq!(world.send(void_target("V-1")), vec![]);
    assert_eq!((world.void().state, world.void().due_at), (OperationState::Unknown, Some(at(70 * SECOND))));
}

#[test]
fn a_terminal_reports_a_void_it_was_authorised_to_do() {
    type Say = fn(Evidence) -> ResultOf;
    let said: [(Say, EventKind, OperationState); 4] = [
        (ResultOf::Done, EventKind::VoidDone, OperationState::Done),
        (ResultOf::Failed, EventKind::VoidFailed, OperationState::Failed),
        (ResultOf::Reversed, EventKind::VoidFailed, OperationState::Failed),
        (ResultOf::Unknown, EventKind::VoidUnknown, OperationState::Unknown),
    ];
    for (say, kind, state) in said {
        let mut world = World::new();
        world.authorise("V-1", Executor::Terminal);
        // Nobody but the terminal may send it: the courier is never due.
        assert_eq!(*world.void(), authorised(Executor::Terminal));
        let heard = report(void_target("V-1"), say(evidence("x", at(0))));
        assert_eq!(world.act(&heard, &terminal()), vec![kind]);
        assert_eq!(world.void().state, state);
    }
}

#[test]
fn a_terminal_says_nothing_of_what_the_courier_does_and_a_person_has_no_evidence() {
    let mut world = World::new();
    world.authorise("V-1", Executor::Courier);
    world.send(void_target("V-1"));
    let heard = report(void_target("V-1"), ResultOf::Failed(evidence("51", at(0))));
    for by in [terminal(), rita(), manager("mona")] {
        assert_eq!(world.refused(&heard, &by), not_permitted("not-the-executor"));
    }
}

#[test]
fn only_a_person_asks_for_a_void() {
    let world = World::new();
    let command = Command::AuthoriseVoid(void_of("V-1", Executor::Courier));
    for by in [Actor::System, terminal()] {
        assert_eq!(world.refused(&command, &by), not_permitted("not-a-person"));
    }
}

#[test]
fn a_void_needs_a_decision_that_allows_exactly_it() {
    type Change = fn(&mut Decision);
    let changes: [(Change, &str); 7] = [
        (|decision| decision.way = Way::Refund, "way"),
        (|decision| decision.outcome = Outcome::Refer, "outcome"),
        (|decision| decision.outcome = Outcome::Deny, "outcome"),
        (|decision| decision.amount.minor = 9_999, "amount"),
        (|decision| decision.amount.currency = "JPY".to_owned(), "amount"),
        (|decision| decision.obligations.approvals = Some(plan(1)), "approvals"),
        (
            |decision| {
                let amount = cny(61);
                decision.obligations.fees =
                    vec![Fee { kind: FeeKind::AcquiringReturned, amount, payer: Party::Acquirer }];
            },
            "fees",
        ),
    ];
    let world = World::new();
    for (change, what) in changes {
        let mut wanted = void_of("V-1", Executor::Courier);
        change(&mut wanted.decision);
        let why = world.refused(&Command::AuthoriseVoid(wanted), &rita());
        assert_eq!(why, Rejection::NotAllowed(what.to_owned()));
    }
}

#[test]
fn a_second_void_is_refused_while_one_is_open_or_done_and_allowed_after_it_failed() {
    let mut world = World::new();
    world.authorise("V-1", Executor::Courier);
    let second = Command::AuthoriseVoid(void_of("V-2", Executor::Courier));
    let conflict = Rejection::ConflictsWith("V-1".to_owned());
    assert_eq!(world.refused(&second, &rita()), conflict);
    world.send(void_target("V-1"));
    world.unknown(void_target("V-1"));
    assert_eq!(world.refused(&second, &rita()), conflict);
    let mut done = world.clone();
    done.done(void_target("V-1"));
    assert_eq!(done.refused(&second, &rita()), conflict);
    world.failed(void_target("V-1"));
    assert_eq!(world.left(), 10_000);
    assert_eq!(world.act(&second, &rita()), vec![EventKind::VoidAuthorised]);
}

#[test]
fn a_void_finds_the_sale_whole_and_never_refunded() {
    let void = Command::AuthoriseVoid(void_of("V-1", Executor::Courier));
    let conflict = Rejection::ConflictsWith("R-1".to_owned());

    let mut waiting = World::new();
    waiting.submit("R-1", 1, 1);
    assert_eq!(waiting.refused(&void, &rita()), conflict);
    // It never reached the provider: the void is open again.
    waiting.act(&Command::Withdraw(refusal("R-1", "changed my mind")), &rita());
    assert_eq!(waiting.act(&void, &rita()), vec![EventKind::VoidAuthorised]);

    // UnionPay: forbidden once any refund was sent, whatever became of it.
    let mut sent = World::clearing("R-1");
    assert_eq!(sent.refused(&void, &rita()), conflict);
    sent.failed(refund_target("R-1"));
    assert_eq!(sent.left(), 10_000);
    assert_eq!(sent.refused(&void, &rita()), conflict);
    let mut cleared = World::clearing("R-1");
    cleared.done(refund_target("R-1"));
    assert_eq!(cleared.refused(&void, &rita()), conflict);

    // A terminal does not announce what it sends.
    let mut silent = World::new();
    let mut wanted = refund_of("R-1", 1, 0);
    wanted.decision.obligations.executor = Executor::Terminal;
    silent.act(&Command::SubmitRefund(wanted), &rita());
    silent.clear("R-1");
    let heard = report(refund_target("R-1"), ResultOf::Failed(evidence("51", at(0))));
    silent.act(&heard, &terminal());
    assert_eq!(silent.refund().attempts, 1);
    assert_eq!(silent.refused(&void, &rita()), conflict);
}

#[test]
fn names_and_provider_references_are_used_once_per_sale() {
    let mut world = World::new();
    world.authorise("X-1", Executor::Courier);
    world.send(void_target("X-1"));
    world.failed(void_target("X-1"));
    let void = Command::AuthoriseVoid(void_of("X-1", Executor::Courier));
    assert_eq!(world.refused(&void, &rita()), Rejection::NameTaken);
    let refund = Command::SubmitRefund(refund_of("X-1", 1, 0));
    assert_eq!(world.refused(&refund, &rita()), Rejection::NameTaken);
    let mut wanted = refund_of("R-1", 1, 0);
    wanted.provider_reference = "ref-X-1".to_owned();
    let why = world.refused(&Command::SubmitRefund(wanted), &rita());
    assert_eq!(why, Rejection::Invalid("provider-reference: already that of X-1".to_owned()));
}
