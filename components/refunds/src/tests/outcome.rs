use super::world::*;
use rescind_model::*;

#[test]
fn an_unknown_void_is_asked_for_on_the_networks_schedule_and_then_reversed() {
    let mut world = World::new();
    world.authorise("V-1", Executor::Courier);
    let target = void_target("V-1");
    world.send(target.clone());
    assert_eq!(world.unknown(target.clone()), vec![EventKind::VoidUnknown]);
    let mut waits = vec![];
    for _ in 0..5 {
        let due = world.void().due_at.unwrap();
        waits.push(due.since(world.now).ms / 1_000);
        world.now = due;
        assert_eq!(world.queries(&target, 1), vec![]);
    }
    let due = world.void().due_at.unwrap();
    waits.push(due.since(world.now).ms / 1_000);
    assert_eq!(waits, [1, 2, 4, 8, 16, 32]);
    world.now = due;
    assert_eq!(world.queries(&target, 1), vec![EventKind::VoidReversing]);
    let void = world.void();
    assert_eq!((void.state, void.reversing, void.queries, void.attention), (OperationState::Unknown, true, 6, false));
    assert_eq!(void.due_at, Some(world.now));
    assert_eq!(world.left(), 0);
}

fn reversing() -> World {
    let mut world = World::new();
    world.authorise("V-1", Executor::Courier);
    world.send(void_target("V-1"));
    world.unknown(void_target("V-1"));
    world.queries(&void_target("V-1"), 6);
    world
}

#[test]
fn a_reversal_is_forwarded_for_ever_and_a_person_is_called_once() {
    let mut world = reversing();
    let target = void_target("V-1");
    let mut waits = vec![];
    for attempt in 1..=40 {
        world.now = world.void().due_at.unwrap();
        let kinds = world.queries(&target, 1);
        let called = if attempt == 10 { vec![EventKind::VoidAttention] } else { vec![] };
        assert_eq!(kinds, called, "attempt {attempt}");
        waits.push(world.void().due_at.unwrap().since(world.now).ms / 1_000);
    }
    assert_eq!(waits[..11], [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
    assert_eq!(waits[39], 600);
    assert!(world.void().attention);
    assert_eq!(world.left(), 0);
}

#[test]
fn a_reversed_void_leaves_the_sale_standing() {
    let mut world = reversing();
    let outcome = ResultOf::Reversed(evidence("00", world.now));
    let reversed = report(void_target("V-1"), outcome);
    assert_eq!(world.system(&reversed), vec![EventKind::VoidFailed]);
    let void = world.void();
    assert_eq!((void.state, void.reversing, void.due_at), (OperationState::Failed, false, None));
    assert_eq!(world.left(), 10_000);
}

#[test]
fn a_late_success_of_a_void_being_reversed_is_the_truth() {
    let mut world = reversing();
    assert_eq!(world.done(void_target("V-1")), vec![EventKind::VoidDone]);
    assert_eq!((world.void().state, world.void().reversing), (OperationState::Done, false));
}

#[test]
fn an_unknown_refund_keeps_its_reservation_and_is_asked_for_ever() {
    let mut world = World::clearing("R-1");
    let target = refund_target("R-1");
    assert_eq!(world.unknown(target.clone()), vec![EventKind::RefundUnknown]);
    let mut waits = vec![];
    for query in 1..=20 {
        let due = world.refund().due_at.unwrap();
        waits.push(due.since(world.now).ms / 1_000);
        world.now = due;
        let called = if query == 6 { vec![EventKind::RefundAttention] } else { vec![] };
        assert_eq!(world.queries(&target, 1), called, "query {query}");
    }
    assert_eq!(waits[..8], [1, 2, 4, 8, 16, 32, 600, 600]);
    world.wait(10_000 * HOUR);
    assert_eq!(world.system(&Command::PassTime), vec![]);
    let refund = world.refund();
    assert_eq!((refund.state, refund.attention, refund.queries), (RefundState::Unknown, true, 20));
    assert_eq!(world.left(), 4_000);
    assert_eq!(world.done(target), vec![EventKind::RefundCleared]);
    assert!(!world.refund().attention);
}

#[test]
fn an_unknown_refund_that_is_sent_again_stays_unknown() {
    let mut world = World::clearing("R-1");
    world.unknown(refund_target("R-1"));
    assert_eq!(world.send(refund_target("R-1")), vec![]);
    let refund = world.refund();
    assert_eq!((refund.state, refund.attempts), (RefundState::Unknown, 2));
    assert_eq!(refund.provider_reference, "ref-R-1");
}

#[test]
fn hearing_the_same_again_changes_nothing() {
    let mut void = World::new();
    void.authorise("V-1", Executor::Courier);
    void.send(void_target("V-1"));
    let mut refund = World::clearing("R-1");
    for (world, target) in [(&mut void, void_target("V-1")), (&mut refund, refund_target("R-1"))] {
        for say in [ResultOf::Done, ResultOf::Failed, ResultOf::Unknown] {
            let mut world = world.clone();
            world.system(&report(target.clone(), say(evidence("1", world.now))));
            let before = world.ledger.clone();
            world.wait(HOUR);
            assert_eq!(world.system(&report(target.clone(), say(evidence("2", world.now)))), vec![]);
            assert_eq!(world.ledger, before);
        }
    }
}

#[test]
fn a_cleared_refund_is_never_changed() {
    let mut world = World::clearing("R-1");
    world.done(refund_target("R-1"));
    let late = report(refund_target("R-1"), ResultOf::Failed(evidence("51", world.now)));
    assert_eq!(world.refused(&late, &Actor::System), Rejection::Contradicts("cleared".to_owned()));
}

#[test]
fn only_a_void_can_be_reversed() {
    let world = World::clearing("R-1");
    let said = report(refund_target("R-1"), ResultOf::Reversed(evidence("00", world.now)));
    let why = world.refused(&said, &Actor::System);
    assert_eq!(why, Rejection::Invalid("outcome: only a void can be reversed".to_owned()));
}

#[test]
fn what_ends_an_operation_comes_from_the_provider_or_the_terminal() {
    let world = World::clearing("R-1");
    for source in ["resolution", "courier", ""] {
        for say in [ResultOf::Done, ResultOf::Failed] {
            let heard = Evidence { source: source.to_owned(), ..evidence("00", world.now) };
            let why = world.refused(&report(refund_target("R-1"), say(heard)), &Actor::System);
            assert!(matches!(why, Rejection::Invalid(_)), "{why:?}");
        }
    }
    let timeout = Evidence { source: "courier".to_owned(), ..evidence("timeout", world.now) };
    let unknown = report(refund_target("R-1"), ResultOf::Unknown(timeout));
    assert!(world.attempt(&unknown, &Actor::System).is_ok());
}

#[test]
fn long_or_private_evidence_is_cut_and_masked_never_refused() {
    let mut world = World::clearing("R-1");
    let heard =
        Evidence { note: Some(format!("card 4111111111111111 {}", "撤".repeat(400))), ..evidence("00", world.now) };
    world.system(&report(refund_target("R-1"), ResultOf::Done(heard)));
    let note = world.refund().evidence.clone().unwrap().note.unwrap();
    assert!(note.starts_with("card 411111******1111 撤"), "{note}");
    assert!(note.len() <= 500, "{}", note.len());
}

#[test]
fn two_persons_end_what_no_evidence_will_end() {
    for (took_place, state, kinds, left) in [
        (true, RefundState::Cleared, vec![EventKind::RefundCleared], 4_000),
        (false, RefundState::Failed, vec![EventKind::RefundFailed, EventKind::LiabilityOpened], 10_000),
    ] {
        let mut world = World::clearing("R-1");
        world.unknown(refund_target("R-1"));
        let command = resolution(refund_target("R-1"), took_place, "sven");
        let expected = [vec![EventKind::RefundResolved], kinds].concat();
        assert_eq!(world.act(&command, &manager("mona")), expected);
        let by_two = Evidence {
            source: "resolution".to_owned(),
            code: None,
            reference: None,
            note: Some("mona, sven: statement of the acquirer".to_owned()),
            at: at(0),
        };
        assert_eq!((world.refund().state, world.refund().evidence.clone()), (state, Some(by_two)));
        assert_eq!(world.left(), left);
    }
    for (took_place, state, kind, left) in [
        (true, OperationState::Done, EventKind::VoidDone, 0),
        (false, OperationState::Failed, EventKind::VoidFailed, 10_000),
    ] {
        let mut world = World::new();
        world.authorise("V-1", Executor::Courier);
        world.send(void_target("V-1"));
        world.unknown(void_target("V-1"));
        let command = resolution(void_target("V-1"), took_place, "sven");
        assert_eq!(world.act(&command, &manager("mona")), vec![kind]);
        assert_eq!(world.void().state, state);
        assert_eq!(world.left(), left);
    }
}

#[test]
fn a_resolution_takes_two_persons_and_a_reason() {
    let mut world = World::clearing("R-1");
    world.unknown(refund_target("R-1"));
    let command = |second: &str, reason: &str| {
        Command::Resolve(Resolution {
            target: refund_target("R-1"),
            took_place: false,
            second: PersonId { value: second.to_owned() },
            reason: reason.to_owned(),
        })
    };
    let mona = manager("mona");
    assert_eq!(world.refused(&command("mona", "x"), &mona), not_permitted("same-person"));
    assert_eq!(world.refused(&command("sven", ""), &mona), Rejection::ReasonRequired);
    assert_eq!(world.refused(&command("sven", "x"), &Actor::System), not_permitted("not-a-person"));
    assert!(matches!(world.refused(&command("", "x"), &mona), Rejection::Invalid(_)));
}

#[test]
fn a_reversal_is_not_cut_short_before_a_person_is_called() {
    let mut world = reversing();
    let command = resolution(void_target("V-1"), false, "sven");
    let wrong = Rejection::WrongState("unknown".to_owned());
    assert_eq!(world.refused(&command, &manager("mona")), wrong);
    world.queries(&void_target("V-1"), 10);
    assert_eq!(world.act(&command, &manager("mona")), vec![EventKind::VoidFailed]);
    assert_eq!((world.void().attention, world.void().reversing), (false, false));
}

#[test]
fn a_silent_terminal_is_a_persons_to_look_after_and_may_still_report() {
    let mut world = World::new();
    world.authorise("V-1", Executor::Terminal);
    assert_eq!(crate::due(&world.ledger), Some(at(10 * MINUTE)));
    world.wait(10 * MINUTE - 1);
    assert_eq!(world.system(&Command::PassTime), vec![]);
    world.wait(1);
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::VoidAttention]);
    assert_eq!(world.system(&Command::PassTime), vec![]);
    assert_eq!(crate::due(&world.ledger), None);
    assert_eq!((world.void().state, world.void().attention), (OperationState::Authorised, true));
    assert_eq!(world.left(), 0);
    let heard = report(void_target("V-1"), ResultOf::Done(evidence("00", world.now)));
    assert!(world.attempt(&heard, &terminal()).is_ok());
    world.act(&resolution(void_target("V-1"), false, "sven"), &manager("mona"));
    assert_eq!(world.left(), 10_000);

    let mut world = World::new();
    let mut wanted = refund_of("R-1", 6_000, 0);
    wanted.decision.obligations.executor = Executor::Terminal;
    world.act(&Command::SubmitRefund(wanted), &rita());
    world.clear("R-1");
    world.wait(10 * MINUTE);
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::RefundAttention]);
    let command = resolution(refund_target("R-1"), true, "sven");
    assert_eq!(world.act(&command, &manager("mona")).len(), 2);
}
