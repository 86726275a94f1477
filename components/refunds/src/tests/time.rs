use super::world::*;
use rescind_model::*;

#[test]
fn a_review_escalates_once_per_step_and_then_expires() {
    let mut wanted = refund_of("R-1", 6_000, 1);
    let step = |hours: u64, role: &str| Escalation {
        after: Duration { ms: hours * 3_600_000 },
        roles: vec![role.parse().unwrap(), "auditor".parse().unwrap()],
    };
    let plan = wanted.decision.obligations.approvals.as_mut().unwrap();
    // Out of order, two at once, and one that never comes.
    plan.escalations = vec![step(3, "c"), step(1, "a"), step(3, "d"), step(24, "never")];
    let mut world = World::new();
    world.act(&Command::SubmitRefund(wanted), &rita());
    assert_eq!(crate::due(&world.ledger), Some(at(HOUR)));
    world.wait(HOUR - 1);
    assert_eq!(world.system(&Command::PassTime), vec![]);
    world.wait(1);
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::RefundEscalated]);
    assert_eq!(world.system(&Command::PassTime), vec![]);
    assert_eq!(crate::due(&world.ledger), Some(at(3 * HOUR)));
    world.wait(5 * HOUR);
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::RefundEscalated; 2]);
    let reasons: Vec<_> = world.events.iter().filter(|e| e.kind == EventKind::RefundEscalated).collect();
    let reasons: Vec<_> = reasons.into_iter().filter_map(|event| event.reason.as_deref()).collect();
    assert_eq!(reasons, ["a auditor", "c auditor", "d auditor"]);
    assert_eq!(crate::due(&world.ledger), Some(at(24 * HOUR)));
    world.now = at(24 * HOUR);
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::RefundExpired]);
    assert_eq!((world.refund().state, world.left()), (RefundState::Expired, 10_000));
    assert_eq!(crate::due(&world.ledger), None);
}

#[test]
fn a_timer_that_comes_too_late_for_an_escalation_only_expires() {
    let mut world = World::new();
    world.submit("R-1", 6_000, 1);
    world.wait(48 * HOUR);
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::RefundExpired]);
}

#[test]
fn an_escalation_at_once_is_told_at_once() {
    let mut wanted = refund_of("R-1", 6_000, 1);
    wanted.decision.obligations.approvals.as_mut().unwrap().escalations[0].after = Duration { ms: 0 };
    let mut world = World::new();
    world.act(&Command::SubmitRefund(wanted), &rita());
    assert_eq!(crate::due(&world.ledger), Some(at(0)));
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::RefundEscalated]);
    assert_eq!(crate::due(&world.ledger), Some(at(24 * HOUR)));
}

#[test]
fn time_never_ends_what_may_have_reached_the_provider() {
    let mut clearing = World::new();
    clearing.submit("R-1", 6_000, 1);
    clearing.act(&consent("R-1"), &manager("mona"));
    let mut approved = clearing.clone();
    clearing.clear("R-1");
    let mut sent = clearing.clone();
    sent.send(refund_target("R-1"));
    let mut unknown = sent.clone();
    unknown.unknown(refund_target("R-1"));
    let mut void = World::new();
    void.authorise("V-1", Executor::Courier);
    let mut sent_void = void.clone();
    sent_void.send(void_target("V-1"));
    let mut unknown_void = sent_void.clone();
    unknown_void.unknown(void_target("V-1"));
    for world in [&mut approved, &mut clearing, &mut sent, &mut unknown, &mut void, &mut sent_void, &mut unknown_void] {
        let before = world.ledger.clone();
        world.wait(100_000 * HOUR);
        assert_eq!(world.system(&Command::PassTime), vec![]);
        assert_eq!(world.ledger, before);
    }
}

#[test]
fn a_clock_that_goes_back_dates_nothing_earlier_than_what_is_written() {
    let mut world = World::new();
    world.wait(HOUR);
    world.submit("R-1", 6_000, 0);
    world.wait(-2 * HOUR);
    world.clear("R-1");
    let refund = world.refund();
    assert_eq!((refund.submitted_at, refund.updated_at), (at(HOUR), at(HOUR)));
    // The courier's work is due by the clock as it stands.
    assert_eq!(refund.due_at, Some(at(-HOUR)));
    assert_eq!(world.events.last().map(|event| event.at), Some(at(HOUR)));
    world.send(refund_target("R-1"));
    assert_eq!(world.refund().due_at, Some(at(-HOUR + 30 * SECOND)));
}

#[test]
fn what_has_escalated_stays_escalated_when_the_clock_goes_back() {
    let mut world = World::new();
    world.submit("R-1", 6_000, 1);
    world.wait(HOUR);
    world.system(&Command::PassTime);
    world.wait(-HOUR);
    assert_eq!(world.system(&Command::PassTime), vec![]);
    world.act(&consent("R-1"), &person("dora", &["director"]));
    assert_eq!(world.refund().approvals[0].at, at(HOUR));
}

#[test]
fn what_is_due_first_is_due() {
    let mut world = World::new();
    world.submit("R-1", 1_000, 1);
    world.wait(MINUTE);
    world.submit("R-2", 1_000, 1);
    assert_eq!(crate::due(&world.ledger), Some(at(HOUR)));
    world.submit("R-3", 1_000, 0);
    world.clear("R-3");
    assert_eq!(crate::due(&world.ledger), Some(at(MINUTE)));
}

#[test]
fn the_end_of_time_is_not_an_error() {
    let mut world = World::new();
    world.now = Instant { unix_ms: 253_402_300_799_999 };
    let mut wanted = refund_of("R-1", 6_000, 1);
    wanted.decision.obligations.approvals.as_mut().unwrap().expires_after = Duration { ms: u64::MAX };
    world.act(&Command::SubmitRefund(wanted), &rita());
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::RefundExpired]);
    world.authorise("V-1", Executor::Courier);
    world.send(void_target("V-1"));
    world.now = Instant { unix_ms: i64::MAX };
    assert!(matches!(world.refused(&Command::PassTime, &Actor::System), Rejection::Invalid(_)));
    world.now = Instant { unix_ms: -1 };
    assert!(matches!(world.refused(&Command::PassTime, &Actor::System), Rejection::Invalid(_)));
}
