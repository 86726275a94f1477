use super::payment::*;
use super::table::check;
use super::world::*;
use rescind_model::step::Step;
use rescind_model::token::Token;
use rescind_model::*;

fn reversing() -> World {
    let mut world = World::unheard();
    world.begin("X-1", Way::Reversal, 10_000);
    world.send(target("X-1"));
    world
}

#[test]
fn of_a_payment_that_nobody_knows_of_and_nobody_undoes_a_person_is_called_once() {
    for mut world in [World::unheard(), World::scanned_unheard()] {
        let since = world.now;
        assert_eq!(world.ledger.doubt, Some(Doubt { since, attention: false }));
        world.wait(10 * MINUTE - 1);
        assert_eq!(crate::due(&world.ledger), Some(Instant { unix_ms: since.unix_ms + 10 * MINUTE }));
        assert_eq!(world.system(&Command::PassTime), vec![]);
        let mut undone = world.clone();
        world.wait(1);
        assert_eq!(world.system(&Command::PassTime), vec![EventKind::SaleAttention]);
        assert_eq!(world.ledger.doubt, Some(Doubt { since, attention: true }));
        assert_eq!((world.outcome(), crate::due(&world.ledger)), (SaleOutcome::Unknown, None));
        world.wait(HOUR);
        assert_eq!(world.system(&Command::PassTime), vec![]);
        world.system(&Command::RecordSaleOutcome(SaleOutcome::Good));
        assert_eq!(world.ledger.doubt, None);

        // Whoever undoes it is looked after by what it is undone with.
        undone.begin("X-1", Way::Reversal, 10_000);
        undone.wait(1);
        assert_eq!(undone.system(&Command::PassTime), vec![]);
        assert_eq!(undone.ledger.doubt, Some(Doubt { since, attention: false }));
        if undone.step() == Some(Step::Send) {
            undone.send(target("X-1"));
        }
        undone.done(target("X-1"));
        assert_eq!((undone.outcome(), undone.ledger.doubt), (SaleOutcome::Reversed, None));
    }
}

#[test]
fn a_reversal_reserves_the_whole_payment_and_is_written_down_whole() {
    let mut world = World::unheard();
    assert_eq!(world.begin("X-1", Way::Reversal, 10_000), vec![EventKind::OperationAuthorised]);
    let event = world.events.last().unwrap();
    assert_eq!((&event.operation, &event.amount), (&Some("X-1".parse().unwrap()), &Some(cny(10_000))));
    let expected = Operation {
        id: "X-1".parse().unwrap(),
        kind: Way::Reversal,
        amount: cny(10_000),
        cause: "no-answer".to_owned(),
        penalty: false,
        capture: None,
        requested_by: rita(),
        terminal: Some("T-1".parse().unwrap()),
        executor: Executor::Courier,
        provider_reference: "ref-X-1".to_owned(),
        state: OperationState::Authorised,
        attempts: 0,
        queries: 0,
        schedule: vec![],
        attention: false,
        fees: vec![],
        policy: policy(),
        authorised_at: at(0),
        updated_at: at(0),
        due_at: Some(at(0)),
        evidence: None,
        grounds: Grounds::none(),
    };
    assert_eq!(*world.operation(), expected);
    assert_eq!((world.left(), world.step()), (0, Some(Step::Send)));
    let last = world.events.last().unwrap();
    assert_eq!((last.operation.clone(), last.reason.as_deref()), (Some("X-1".parse().unwrap()), Some("no-answer")));

    world.send(target("X-1"));
    world.done(target("X-1"));
    assert_eq!((world.outcome(), world.left(), world.step()), (SaleOutcome::Reversed, 0, None));
    let standing = standing::Standing::of(&world.ledger).unwrap();
    assert_eq!((standing.reversed, standing.reserved), (cny(10_000), cny(0)));
    assert_eq!(crate::due(&world.ledger), None);
}

#[test]
fn a_card_reversal_is_stored_and_forwarded_until_it_is_answered() {
    let mut world = reversing();
    assert_eq!(world.unknown(target("X-1")), vec![EventKind::OperationUnknown]);
    let mut waits = vec![];
    for attempt in 1..=12 {
        let due = world.operation().due_at.unwrap();
        waits.push(due.since(world.now).ms / 1_000);
        world.now = due;
        assert_eq!(world.step(), Some(Step::Send));
        assert_eq!(world.send(target("X-1")), vec![]);
        let called = if attempt == 10 { vec![EventKind::OperationAttention] } else { vec![] };
        assert_eq!(world.queries(&target("X-1"), 1), called, "attempt {attempt}");
        assert_eq!(world.operation().attempts, attempt + 1);
    }
    assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]);
    assert_eq!(world.left(), 0);
    world.wait(10_000 * HOUR);
    assert_eq!(world.system(&Command::PassTime), vec![]);
    assert_eq!(world.done(target("X-1")), vec![EventKind::OperationDone]);
    assert!(!world.operation().attention);
}

#[test]
fn an_unknown_code_payment_is_asked_for_on_the_networks_schedule_and_then_closed() {
    let mut usual = World::scanned_unheard();
    usual.begin("X-1", Way::OrderClose, 10_000);
    let mut own = World::scanned_unheard();
    let mut close = wanted("X-1", Way::OrderClose, 10_000);
    close.decision.obligations.queries = vec![Duration::seconds(5), Duration::seconds(10)];
    own.act(&Command::Authorise(close), &rita());
    for (mut world, schedule) in [(usual, vec![1, 2, 4, 8, 16, 32]), (own, vec![5, 10])] {
        let mut waits = vec![];
        while world.step() == Some(Step::AskForSale) {
            let refused = world.refused(&Command::RecordSent(target("X-1")), &Actor::System);
            assert_eq!(refused, Rejection::WrongState("authorised".to_owned()));
            let due = world.operation().due_at.unwrap();
            waits.push(due.since(world.now).ms / 1_000);
            world.now = due;
            assert_eq!(world.queries(&target("X-1"), 1), vec![]);
        }
        assert_eq!(waits, schedule);
        assert_eq!((world.step(), world.operation().due_at), (Some(Step::Send), Some(world.now)));
        assert_eq!(world.send(target("X-1")), vec![EventKind::OperationSent]);
        assert_eq!((world.operation().queries, world.operation().attempts), (0, 1));
        world.unknown(target("X-1"));
        assert_eq!(world.step(), Some(Step::AskForOperation));
        let times = u32::try_from(schedule.len()).unwrap();
        assert_eq!(world.queries(&target("X-1"), times), vec![EventKind::OperationAttention]);
        let wait = world.operation().due_at.unwrap().since(world.now);
        assert_eq!(wait, crate::limits::LATE_QUERY_EVERY);
        world.done(target("X-1"));
        assert_eq!(world.outcome(), SaleOutcome::Reversed);
    }
}

#[test]
fn what_the_provider_says_of_the_sale_can_spare_its_close() {
    for (paid, outcome) in [(true, SaleOutcome::Good), (false, SaleOutcome::Reversed)] {
        let mut world = World::scanned_unheard();
        world.begin("X-1", Way::OrderClose, 10_000);
        if paid {
            world.failed(target("X-1"))
        } else {
            world.done(target("X-1"))
        };
        assert_eq!((world.outcome(), world.operation().attempts), (outcome, 0));
    }
    // Once the asking is over, something unsent has no outcome.
    let mut world = World::scanned_unheard();
    world.begin("X-1", Way::OrderClose, 10_000);
    world.queries(&target("X-1"), 6);
    let done = report(target("X-1"), ResultOf::Done(evidence("00", world.now)));
    assert_eq!(world.refused(&done, &Actor::System), Rejection::WrongState("authorised".to_owned()));
}

#[test]
fn a_code_payment_that_is_reversed_is_asked_for_first_too_and_a_card_never() {
    let mut code = World::scanned_unheard();
    code.begin("X-1", Way::Reversal, 10_000);
    assert_eq!(code.step(), Some(Step::AskForSale));
    let mut card = World::unheard();
    let mut reversal = wanted("X-1", Way::Reversal, 10_000);
    reversal.decision.obligations.queries = vec![Duration::seconds(5)];
    card.act(&Command::Authorise(reversal), &rita());
    assert_eq!((card.step(), card.operation().due_at), (Some(Step::Send), Some(card.now)));
    // A terminal asks for itself.
    let mut terminals = World::scanned_unheard();
    let mut close = wanted("X-1", Way::OrderClose, 10_000);
    close.decision.obligations.executor = Executor::Terminal;
    terminals.act(&Command::Authorise(close), &terminal());
    assert_eq!((terminals.step(), terminals.operation().due_at), (None, None));
}

#[test]
fn an_unpaid_code_is_closed_at_once() {
    let mut world = World::unpaid();
    world.begin("X-1", Way::OrderClose, 10_000);
    assert_eq!((world.step(), world.operation().due_at), (Some(Step::Send), Some(world.now)));
    world.send(target("X-1"));
    world.wait(31 * SECOND);
    assert_eq!(world.step(), Some(Step::AskForOperation));
}

#[test]
fn each_way_leads_out_of_its_own_states_only() {
    let mut expired = World::unpaid();
    expired.now = at(CODE_LIVES);
    expired.system(&Command::PassTime);
    let worlds = [
        ("good", World::new()),
        ("unknown card", World::unheard()),
        ("unknown code", World::scanned_unheard()),
        ("declined", World::with(&sale(), SaleOutcome::Declined)),
        ("failed", World::with(&sale(), SaleOutcome::Failed)),
        ("unpaid", World::unpaid()),
        ("expired", expired),
        ("held", World::held()),
        ("completed", World::completed(10_000)),
    ];
    let ways = [Way::Reversal, Way::OrderClose, Way::HoldRelease, Way::HoldCompletion, Way::CompletionVoid];
    let mut found = vec![];
    for (name, world) in &worlds {
        for way in ways {
            let begun = world.attempt(&Command::Authorise(wanted("X-1", way, 10_000)), &rita());
            match begun {
                Ok(_) => found.push((*name, way.token())),
                Err(Rejection::WrongState(state)) => assert_eq!(state, world.outcome().token()),
                Err(other) => panic!("{name} {way:?}: {other:?}"),
            }
        }
    }
    let expected = [
        ("unknown card", "reversal"),
        ("unknown code", "reversal"),
        ("unknown code", "order-close"),
        ("unpaid", "order-close"),
        ("expired", "order-close"),
        ("held", "hold-release"),
        ("held", "hold-completion"),
        ("completed", "completion-void"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_decision_allows_exactly_what_is_authorised() {
    type Change = fn(&mut OperationAuthorisation);
    let changes: [(Change, Rejection); 7] = [
        (|w| w.decision.outcome = Outcome::Deny, Rejection::NotAllowed("outcome".to_owned())),
        (|w| w.decision.outcome = Outcome::Refer, Rejection::NotAllowed("outcome".to_owned())),
        (|w| w.decision.amount = cny(9_999), Rejection::NotAllowed("amount".to_owned())),
        (|w| w.decision.obligations.approvals = Some(plan(1)), Rejection::NotAllowed("approvals".to_owned())),
        (
            |w| {
                let fee = Fee { kind: FeeKind::AcquiringReturned, amount: cny(61), payer: Party::Acquirer };
                w.decision.obligations.fees = vec![fee];
            },
            Rejection::NotAllowed("fees".to_owned()),
        ),
        (
            |w| w.decision.way = Way::Void,
            Rejection::Invalid("way: a void or refund has a command of its own".to_owned()),
        ),
        (
            |w| w.decision.obligations.queries = vec![Duration::seconds(1); 33],
            Rejection::Invalid("queries: expected at most 32 waits, found 33".to_owned()),
        ),
    ];
    let world = World::unheard();
    for (change, expected) in changes {
        let mut wanted = wanted("X-1", Way::Reversal, 10_000);
        change(&mut wanted);
        assert_eq!(world.refused(&Command::Authorise(wanted), &rita()), expected);
    }
    // A plan by which nobody has to agree asks for nothing.
    let mut alone = wanted("X-1", Way::Reversal, 10_000);
    alone.decision.obligations.approvals = Some(plan(0));
    assert!(world.attempt(&Command::Authorise(alone), &rita()).is_ok());
}

#[test]
fn what_a_hold_captured_is_not_lapsed_when_its_time_is_over() {
    let mut world = World::completed(10_000);
    world.now = hold().expires_at;
    let again = Command::Authorise(wanted("X-1", Way::HoldCompletion, 10_000));
    assert_eq!(world.refused(&again, &rita()), Rejection::WrongState("good".to_owned()));
}

#[test]
fn a_grant_of_support_lifts_what_a_decision_refers_once() {
    let mut world = World::held();
    let mut release = wanted("X-1", Way::HoldRelease, 10_000);
    release.decision.outcome = Outcome::Refer;
    release.decision.findings = vec![Finding {
        rule: "hold-release.kind".to_owned(),
        verdict: Outcome::Refer,
        observed: Value::Absent,
        limit: Value::Absent,
        remedy: Remedy::ContactSupport,
    }];
    let day = Duration { ms: 24 * 3_600_000 };
    let case = CaseOpening {
        id: "K-1".parse().unwrap(),
        decision: release.decision.clone(),
        reason: None,
        penalty: false,
        evidence: vec![],
        lives: day,
    };
    world.act(&Command::OpenCase(case), &rita());
    release.grounds.grant = Some("K-1".parse().unwrap());
    let early = world.refused(&Command::Authorise(release.clone()), &rita());
    assert_eq!(early, Rejection::WrongState("open".to_owned()));
    let support = person("sue", &["support"]);
    let assignment = CaseAssignment { id: "K-1".parse().unwrap(), to: "sue".parse().unwrap() };
    world.act(&Command::AssignCase(assignment), &support);
    let decision = CaseDecision {
        id: "K-1".parse().unwrap(),
        grant: true,
        because: "the hotel agreed".to_owned(),
        holds_for: day,
    };
    world.act(&Command::DecideCase(decision), &support);
    let kinds = world.act(&Command::Authorise(release.clone()), &rita());
    assert_eq!(kinds, vec![EventKind::CaseConsumed, EventKind::OperationAuthorised]);
    assert_eq!(world.operation().grounds.grant, Some("K-1".parse().unwrap()));
    world.send(target("X-1"));
    world.failed(target("X-1"));
    release.id = "X-2".parse().unwrap();
    release.provider_reference = "ref-X-2".to_owned();
    let again = world.refused(&Command::Authorise(release), &rita());
    assert_eq!(again, Rejection::WrongState("consumed".to_owned()));
}

#[test]
fn a_grant_for_a_completion_is_for_a_penalty_or_for_none() {
    for kept in [true, false] {
        let mut world = World::held();
        let mut completion = wanted("C-1", Way::HoldCompletion, 10_000);
        completion.decision.outcome = Outcome::Refer;
        completion.decision.findings = vec![finding("hold-completion.window", Outcome::Refer)];
        completion.penalty = kept;
        completion.grounds.grant = Some("K-1".parse().unwrap());
        let mut case = opening("K-1", Way::HoldCompletion, 10_000);
        case.decision = completion.decision.clone();
        (case.penalty, case.reason) = (kept, None);
        world.act(&Command::OpenCase(case), &rita());
        world.act(&decide_case("K-1", true), &sue());
        let mut other = completion.clone();
        other.penalty = !kept;
        let no = Rejection::NotAllowed("grant".to_owned());
        assert_eq!(world.refused(&Command::Authorise(other), &rita()), no);
        world.act(&Command::Authorise(completion), &rita());
        assert_eq!(world.operation().penalty, kept);
    }
    let mut release = opening("K-1", Way::HoldRelease, 10_000);
    release.penalty = true;
    let no = Rejection::Invalid("penalty: only a completion keeps one".to_owned());
    assert_eq!(World::held().refused(&Command::OpenCase(release), &rita()), no);
}

#[test]
fn names_and_references_are_used_once_whatever_the_operation() {
    let mut world = World::completed(10_000);
    let mut void = void_of("C-1", Executor::Courier);
    assert_eq!(world.refused(&Command::AuthoriseVoid(void.clone()), &rita()), Rejection::NameTaken);
    assert_eq!(world.refused(&Command::SubmitRefund(refund_of("C-1", 1, 0)), &rita()), Rejection::NameTaken);
    assert_eq!(world.may_not("C-1", Way::CompletionVoid, 10_000), Rejection::NameTaken);
    let taken = Rejection::Invalid("provider-reference: already that of C-1".to_owned());
    void.id = "V-1".parse().unwrap();
    void.provider_reference = "ref-C-1".to_owned();
    assert_eq!(world.refused(&Command::AuthoriseVoid(void), &rita()), taken);
    world.authorise("V-1", Executor::Courier);
    world.send(void_target("V-1"));
    world.failed(void_target("V-1"));
    assert_eq!(world.may_not("V-1", Way::CompletionVoid, 10_000), Rejection::NameTaken);
}

#[test]
fn an_unheard_void_or_refund_leaves_no_room_for_an_operation_and_the_other_way_round() {
    let mut world = World::completed(10_000);
    world.authorise("V-1", Executor::Courier);
    assert_eq!(world.may_not("X-1", Way::CompletionVoid, 10_000), Rejection::ConflictsWith("V-1".to_owned()));
    // A sale whose reversal is under way becomes good by the end of the reversal only.
    let mut world = reversing();
    for outcome in [SaleOutcome::Good, SaleOutcome::Declined, SaleOutcome::Failed] {
        let why = world.refused(&Command::RecordSaleOutcome(outcome), &Actor::System);
        assert_eq!(why, Rejection::ConflictsWith("X-1".to_owned()));
    }
    world.failed(target("X-1"));
    assert_eq!((world.outcome(), world.left()), (SaleOutcome::Good, 10_000));
    assert_eq!(world.authorise("V-1", Executor::Courier), vec![EventKind::VoidAuthorised]);
}

#[test]
fn a_late_answer_decides_nothing_and_calls_a_person_only_when_the_payer_may_have_paid() {
    let world = World::unheard();
    let early = world.refused(&late(SaleOutcome::Good, at(0)), &Actor::System);
    assert_eq!(early, Rejection::WrongState("unknown".to_owned()));

    for outcome in [SaleOutcome::Good, SaleOutcome::Declined, SaleOutcome::Failed] {
        let mut open = reversing();
        open.unknown(target("X-1"));
        let before = open.operation().clone();
        assert_eq!(open.system(&late(outcome, at(1))), vec![EventKind::SaleLateAnswer]);
        assert_eq!((open.operation(), open.outcome(), open.left()), (&before, SaleOutcome::Unknown, 0));
        open.done(target("X-1"));
        assert_eq!((open.outcome(), open.operation().attention), (SaleOutcome::Reversed, false));

        let mut done = reversing();
        done.done(target("X-1"));
        let kinds = done.system(&late(outcome, at(1)));
        let called = outcome == SaleOutcome::Good;
        let expected = if called {
            vec![EventKind::SaleLateAnswer, EventKind::OperationAttention]
        } else {
            vec![EventKind::SaleLateAnswer]
        };
        assert_eq!((kinds, done.operation().attention), (expected, called));
        assert_eq!((done.outcome(), done.left()), (SaleOutcome::Reversed, 0));
        let kept = LateAnswer { outcome, evidence: evidence("late", at(1)) };
        assert_eq!(done.ledger.status.late, Some(kept));
        assert_eq!(done.system(&late(outcome, at(2))), vec![]);
        let other = if outcome == SaleOutcome::Declined { SaleOutcome::Failed } else { SaleOutcome::Declined };
        let why = done.refused(&late(other, at(2)), &Actor::System);
        assert_eq!(why, Rejection::Contradicts(outcome.token().to_owned()));
    }

    let mut cancelled = World::unpaid();
    cancelled.begin("X-1", Way::OrderClose, 10_000);
    cancelled.send(target("X-1"));
    cancelled.done(target("X-1"));
    cancelled.system(&late(SaleOutcome::Good, at(1)));
    assert_eq!((cancelled.outcome(), cancelled.operation().attention), (SaleOutcome::Cancelled, true));
}

#[test]
fn a_late_answer_is_an_answer_and_comes_from_who_can_know() {
    let world = reversing();
    for outcome in [SaleOutcome::Unknown, SaleOutcome::Reversed, SaleOutcome::Held] {
        assert!(matches!(world.refused(&late(outcome, at(0)), &Actor::System), Rejection::Invalid(_)));
    }
    let hearsay = Evidence { source: "resolution".to_owned(), ..evidence("x", at(0)) };
    let command = Command::RecordLateAnswer(LateAnswer { outcome: SaleOutcome::Good, evidence: hearsay });
    assert!(matches!(world.refused(&command, &Actor::System), Rejection::Invalid(_)));
}

#[test]
fn two_persons_look_after_a_late_answer_without_changing_what_is_final() {
    let mut world = reversing();
    world.done(target("X-1"));
    world.system(&late(SaleOutcome::Good, at(1)));
    let mona = manager("mona");
    let contrary = world.refused(&resolution(target("X-1"), false, "sven"), &mona);
    assert_eq!(contrary, Rejection::Contradicts("done".to_owned()));
    let seen = world.act(&resolution(target("X-1"), true, "sven"), &mona);
    assert_eq!(seen, vec![EventKind::OperationResolved]);
    assert_eq!((world.operation().attention, world.outcome()), (false, SaleOutcome::Reversed));
    let again = world.refused(&resolution(target("X-1"), true, "sven"), &mona);
    assert_eq!(again, Rejection::WrongState("done".to_owned()));
}

#[test]
fn a_reversal_is_left_alone_until_a_person_is_called() {
    let mut world = reversing();
    world.unknown(target("X-1"));
    let mona = manager("mona");
    let command = resolution(target("X-1"), false, "sven");
    assert_eq!(world.refused(&command, &mona), Rejection::WrongState("unknown".to_owned()));
    world.queries(&target("X-1"), 10);
    assert_eq!(world.act(&command, &mona), vec![EventKind::OperationResolved, EventKind::OperationFailed]);
    assert_eq!((world.outcome(), world.left()), (SaleOutcome::Good, 10_000));
}

#[test]
fn a_trouble_is_told_masked_and_changes_nothing_else() {
    let mut world = World::new();
    let before = world.ledger.clone();
    let trouble =
        |trouble, note: Option<&str>| Command::RecordTrouble(TroubleReport { trouble, note: note.map(str::to_owned) });
    let printer = trouble(Trouble::PrinterFault, None);
    assert_eq!(world.act(&printer, &terminal()), vec![EventKind::SaleTrouble]);
    world.act(&trouble(Trouble::Unauthorised, Some("card 4111111111111111")), &rita());
    let reasons: Vec<_> = world.events.iter().skip(1).filter_map(|event| event.reason.as_deref()).collect();
    assert_eq!(reasons, ["printer-fault", "unauthorised: card 411111******1111"]);
    let after = world.ledger.clone();
    assert_eq!(after, Ledger { events: 3, chain: after.chain.clone(), ..before });
    let long = trouble(Trouble::NoAnswer, Some(&"x".repeat(501)));
    assert!(matches!(world.refused(&long, &rita()), Rejection::Invalid(_)));
    let error = loop {
        match world.attempt(&printer, &terminal()) {
            Ok(next) => world.ledger = next.ledger,
            Err(error) => break error,
        }
    };
    assert_eq!(error, Rejection::LimitReached("events".to_owned()));
}

#[test]
fn a_terminal_reports_what_it_did_and_is_missed_when_it_does_not() {
    let begun = || {
        let mut world = World::unheard();
        let mut reversal = wanted("X-1", Way::Reversal, 10_000);
        reversal.decision.obligations.executor = Executor::Terminal;
        world.act(&Command::Authorise(reversal), &terminal());
        world
    };
    let mut world = begun();
    assert_eq!(crate::due(&world.ledger), Some(at(10 * MINUTE)));
    let done = report(target("X-1"), ResultOf::Done(evidence("00", at(0))));
    assert_eq!(world.refused(&done, &rita()), not_permitted("not-the-executor"));
    assert_eq!(world.act(&done, &terminal()), vec![EventKind::OperationDone]);
    assert_eq!(world.outcome(), SaleOutcome::Reversed);

    let mut silent = begun();
    silent.wait(10 * MINUTE);
    assert_eq!(silent.system(&Command::PassTime), vec![EventKind::OperationAttention]);
    assert_eq!((crate::due(&silent.ledger), silent.left()), (None, 0));
    // What it does not know either, the courier takes over.
    silent.act(&report(target("X-1"), ResultOf::Unknown(evidence("timeout", at(0)))), &terminal());
    assert_eq!((silent.step(), silent.operation().attempts), (Some(Step::Send), 1));
    let couriers = World::unheard();
    let refused = |world: &World| world.refused(&done, &terminal());
    assert_eq!(refused(&couriers), Rejection::NoSuchOperation);
    assert_eq!(refused(&reversing()), not_permitted("not-the-executor"));
}

#[test]
fn a_ledger_takes_so_many_operations() {
    let mut world = World::held();
    for number in 0..64 {
        let id = format!("X-{number}");
        world.begin(&id, Way::HoldRelease, 10_000);
        world.send(target(&id));
        world.failed(target(&id));
    }
    let why = world.may_not("X-64", Way::HoldRelease, 10_000);
    assert_eq!(why, Rejection::LimitReached("operations".to_owned()));
}

#[test]
fn a_damaged_operation_is_refused_whatever_the_command() {
    type Damage = fn(&mut Ledger);
    let damages: [Damage; 4] = [
        |ledger| ledger.operations[0].amount = cny(0),
        |ledger| ledger.operations[0].amount.currency = "JPY".to_owned(),
        |ledger| ledger.sale.captured = cny(11_501),
        |ledger| ledger.hold.as_mut().unwrap().ceiling = cny(9_999),
    ];
    for damage in damages {
        let mut world = World::completed(10_000);
        damage(&mut world.ledger);
        match world.refused(&Command::PassTime, &Actor::System) {
            Rejection::Invalid(text) => assert!(text.starts_with("ledger: "), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

/// The rows of the tables: every state an operation can be in.
fn every_state(start: &World, way: Way) -> Vec<(&'static str, World)> {
    let begun = |executor| {
        let mut world = start.clone();
        let mut wanted = wanted("X-1", way, 10_000);
        wanted.decision.obligations.executor = executor;
        world.act(&Command::Authorise(wanted), &rita());
        world
    };
    let then = |world: &World, act: fn(&mut World)| {
        let mut next = world.clone();
        act(&mut next);
        next
    };
    let authorised = begun(Executor::Courier);
    let mut ready = authorised.clone();
    let asking = ready.step() == Some(Step::AskForSale);
    if asking {
        ready.queries(&target("X-1"), 6);
    }
    let sent = then(&ready, |world| drop(world.send(target("X-1"))));
    let unknown = then(&sent, |world| drop(world.unknown(target("X-1"))));
    let attention = then(&unknown, |world| drop(world.queries(&target("X-1"), 10)));
    let done = then(&sent, |world| drop(world.done(target("X-1"))));
    let failed = then(&sent, |world| drop(world.failed(target("X-1"))));
    let mut rows = vec![];
    if asking {
        rows.push(("asking", authorised));
    }
    rows.extend([
        ("authorised", ready),
        ("at-terminal", begun(Executor::Terminal)),
        ("sent", sent),
        ("unknown", unknown),
        ("attention", attention),
        ("done", done),
        ("failed", failed),
    ]);
    rows
}

fn every_word() -> Vec<(&'static str, Command, Actor)> {
    let heard = |say: fn(Evidence) -> ResultOf| report(target("X-1"), say(evidence("x", at(SECOND))));
    vec![
        ("sent", Command::RecordSent(target("X-1")), Actor::System),
        ("done", heard(ResultOf::Done), Actor::System),
        ("failed", heard(ResultOf::Failed), Actor::System),
        ("unknown", heard(ResultOf::Unknown), Actor::System),
        ("query", Command::RecordQuery(target("X-1")), Actor::System),
        ("resolve", resolution(target("X-1"), true, "sven"), manager("mona")),
        ("time", Command::PassTime, Actor::System),
    ]
}

#[test]
fn every_state_of_an_operation_against_every_word() {
    let close = "
                    | sent                | done                | failed                  | unknown                   | query      | resolve                                | time
        asking      | wrong               | done operation.done | failed operation.failed | wrong                     | authorised | wrong                                  | =
        authorised  | sent operation.sent | wrong               | wrong                   | wrong                     | wrong      | wrong                                  | =
        at-terminal | sent operation.sent | done operation.done | failed operation.failed | unknown operation.unknown | wrong      | wrong                                  | =
        sent        | sent                | done operation.done | failed operation.failed | unknown operation.unknown | wrong      | wrong                                  | =
        unknown     | unknown             | done operation.done | failed operation.failed | =                         | unknown    | done operation.resolved operation.done | =
        attention   | unknown             | done operation.done | failed operation.failed | =                         | unknown    | done operation.resolved operation.done | =
        done        | wrong               | =                   | contradicts             | =                         | wrong      | wrong                                  | =
        failed      | wrong               | contradicts         | =                       | =                         | wrong      | wrong                                  | =
    ";
    let state: fn(&Ledger) -> &'static str = |ledger| ledger.operations.last().unwrap().state.token();
    check(close, &every_state(&World::scanned_unheard(), Way::OrderClose), &every_word(), state);
    let others: String =
        close.lines().filter(|line| !line.contains("asking")).map(|line| format!("{line}\n")).collect();
    let worlds = [
        (World::unpaid(), Way::OrderClose),
        (World::held(), Way::HoldRelease),
        (World::held(), Way::HoldCompletion),
        (World::completed(10_000), Way::CompletionVoid),
    ];
    for (world, way) in worlds {
        // What cannot be closed or released may have been paid: a person is called, and has the last word.
        let called = others.replace("operation.failed |", "operation.failed operation.attention |").replace(
            "| =                       | =                         | wrong      | wrong ",
            "| = | = | wrong | contradicts ",
        );
        let is_doubtful = matches!(way, Way::OrderClose | Way::HoldRelease);
        check(if is_doubtful { &called } else { &others }, &every_state(&world, way), &every_word(), state);
    }
    let alone = "unknown     | unknown             | done operation.done | failed operation.failed | =                         | unknown    | wrong";
    let reversal: String = others
        .lines()
        .map(|line| if line.trim().starts_with("unknown ") { format!("{alone} | =\n") } else { format!("{line}\n") })
        .collect();
    check(&reversal, &every_state(&World::unheard(), Way::Reversal), &every_word(), state);
}

#[test]
fn every_end_of_an_operation_has_its_effect_on_the_payment() {
    let mut expired = World::unpaid();
    expired.now = at(CODE_LIVES);
    expired.system(&Command::PassTime);
    let rows = [
        (World::unheard(), Way::Reversal, "reversed", "good"),
        (World::scanned_unheard(), Way::Reversal, "reversed", "good"),
        (World::scanned_unheard(), Way::OrderClose, "reversed", "good"),
        (World::unpaid(), Way::OrderClose, "cancelled", "unpaid"),
        (expired, Way::OrderClose, "cancelled", "expired"),
        (World::held(), Way::HoldRelease, "released", "held"),
        (World::held(), Way::HoldCompletion, "good", "held"),
        (World::completed(10_000), Way::CompletionVoid, "held", "good"),
    ];
    for (start, way, if_done, if_failed) in rows {
        for (name, world) in every_state(&start, way) {
            if matches!(name, "asking" | "authorised" | "done" | "failed") {
                continue;
            }
            for (done, expected) in [(true, if_done), (false, if_failed)] {
                let mut world = world.clone();
                if done {
                    world.done(target("X-1"))
                } else {
                    world.failed(target("X-1"))
                };
                assert_eq!(world.outcome().token(), expected, "{way:?} {name} done: {done}");
                let standing = standing::Standing::of(&world.ledger).unwrap();
                assert_eq!((standing.reserved.minor, standing.operation_open), (0, false));
                let left = if expected == "good" { 10_000 } else { 0 };
                assert_eq!(standing.left, cny(left), "{way:?} {name} done: {done}");
            }
        }
    }
}

#[test]
fn only_a_void_is_reversed() {
    let said = report(target("X-1"), ResultOf::Reversed(evidence("00", at(0))));
    let why = reversing().refused(&said, &Actor::System);
    assert_eq!(why, Rejection::Invalid("outcome: only a void can be reversed".to_owned()));
}

#[test]
fn a_person_looks_after_a_code_that_cannot_be_closed_and_a_hold_that_cannot_be_released() {
    let cases = [(World::unpaid(), Way::OrderClose, "paid"), (World::held(), Way::HoldRelease, "captured")];
    for (mut world, way, code) in cases {
        let before = world.outcome();
        world.begin("X-1", way, 10_000);
        world.send(target("X-1"));
        let refused = ResultOf::Failed(evidence(code, world.now));
        let kinds = world.system(&report(target("X-1"), refused));
        assert_eq!(kinds, vec![EventKind::OperationFailed, EventKind::OperationAttention]);
        assert!(world.operation().attention);
        // Time does not end what may have been paid.
        world.wait(10_000 * HOUR);
        assert_eq!((world.system(&Command::PassTime), world.outcome()), (vec![], before));
        assert_eq!(crate::due(&world.ledger), None);
        let looked = resolution(target("X-1"), false, "bob");
        assert_eq!(world.act(&looked, &manager("mia")), vec![EventKind::OperationResolved]);
        assert_eq!(world.system(&Command::PassTime).len(), 1);
        assert!(matches!(world.outcome(), SaleOutcome::Expired | SaleOutcome::Lapsed));
    }
}

#[test]
fn a_payment_that_is_said_to_be_good_after_it_was_undone_calls_a_person_whatever_was_said_before() {
    for before in [None, Some(SaleOutcome::Declined), Some(SaleOutcome::Good)] {
        let mut world = reversing();
        if let Some(before) = before {
            world.system(&late(before, world.now));
        }
        world.wait(SECOND);
        world.done(target("X-1"));
        assert!(!world.operation().attention);
        world.wait(SECOND);
        let good = late(SaleOutcome::Good, world.now);
        assert_eq!(world.system(&good), vec![EventKind::SaleLateAnswer, EventKind::OperationAttention], "{before:?}");
        assert!(world.operation().attention);
        // Once.
        assert_eq!(world.system(&good), vec![]);
        world.act(&resolution(target("X-1"), true, "bob"), &manager("mia"));
        world.wait(SECOND);
        assert_eq!(world.system(&late(SaleOutcome::Good, world.now)), vec![]);
    }
}

#[test]
fn a_payment_that_was_said_to_be_good_and_then_never_seen_calls_a_person_at_once() {
    let mut world = reversing();
    world.system(&late(SaleOutcome::Good, world.now));
    let unseen = ResultOf::Done(evidence("not-found", world.now));
    let kinds = world.system(&report(target("X-1"), unseen));
    assert_eq!(kinds, vec![EventKind::OperationDone, EventKind::OperationAttention]);
    assert_eq!(world.system(&late(SaleOutcome::Good, world.now)), vec![]);
}
