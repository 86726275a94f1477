use super::world::*;
use rescind_model::*;

fn request() -> Command {
    Command::RequestTrace("R-1".parse().unwrap())
}

#[test]
fn a_refund_that_did_not_arrive_is_searched_for_until_the_provider_knows() {
    let mut world = World::cleared("R-1");
    world.wait(HOUR);
    assert_eq!(world.act(&request(), &rita()), vec![EventKind::RefundTraceRequested]);
    assert_eq!(crate::due(&world.ledger), Some(at(HOUR)));
    assert_eq!(world.refused(&request(), &rita()), Rejection::WrongState("tracing".to_owned()));
    for query in 1..=20 {
        world.now = crate::due(&world.ledger).unwrap();
        assert_eq!(world.system(&traced("R-1", None, world.now)), vec![]);
        let trace = world.refund().trace.clone().unwrap();
        assert_eq!((trace.queries, trace.arrived), (query, None));
        assert_eq!(trace.due_at, Some(Instant { unix_ms: world.now.unix_ms + 10 * MINUTE }));
    }
    assert_eq!(world.system(&traced("R-1", Some(true), world.now)), vec![EventKind::RefundTraceAnswered]);
    let expected = Trace {
        requested_by: "rita".parse().unwrap(),
        requested_at: at(HOUR),
        due_at: None,
        queries: 20,
        arrived: Some(true),
        evidence: Some(evidence("trace", world.now)),
    };
    assert_eq!(world.refund().trace, Some(expected));
    assert_eq!(world.events.last().unwrap().reason.as_deref(), Some("arrived"));
    assert_eq!(crate::due(&world.ledger), None);
    assert_eq!((world.refund().state, world.left()), (RefundState::Cleared, 4_000));
    // Hearing it again changes nothing; another search may follow.
    for known in [None, Some(true)] {
        assert_eq!(world.system(&traced("R-1", known, world.now)), vec![]);
    }
    let other = world.refused(&traced("R-1", Some(false), world.now), &Actor::System);
    assert_eq!(other, Rejection::Contradicts("arrived".to_owned()));
    assert_eq!(world.act(&request(), &rita()), vec![EventKind::RefundTraceRequested]);
}

#[test]
fn a_person_asks_and_the_provider_answers() {
    let mut world = World::cleared("R-1");
    assert_eq!(world.refused(&request(), &Actor::System), not_permitted("not-a-person"));
    let early = world.refused(&traced("R-1", Some(true), at(0)), &Actor::System);
    assert_eq!(early, Rejection::NoSuchOperation);
    world.act(&request(), &rita());
    for by in [rita(), terminal()] {
        assert_eq!(world.refused(&traced("R-1", Some(true), at(0)), &by), not_permitted("not-the-executor"));
    }
    let world = World::clearing("R-1");
    assert_eq!(world.refused(&request(), &rita()), Rejection::WrongState("clearing".to_owned()));
}
