use super::world::*;
use rescind_model::*;

#[test]
fn a_case_is_opened_on_a_decision_that_refers() {
    let mut world = World::new();
    assert_eq!(world.act(&open_case("C-1", Way::Void, 10_000), &rita()), vec![EventKind::CaseOpened]);
    let expected = Referral {
        id: "C-1".parse().unwrap(),
        way: Way::Void,
        amount: cny(10_000),
        rules: vec!["void.count".to_owned()],
        reason: Some("wrong-amount".to_owned()),
        penalty: false,
        evidence: vec![EvidenceItem { kind: "receipt".to_owned(), content: Digest::of(b"receipt") }],
        opened_by: "rita".parse().unwrap(),
        opened_at: at(0),
        state: CaseState::Open,
        assigned_to: None,
        decided_by: None,
        because: None,
        expires_at: at(24 * HOUR),
        consumed_by: None,
        updated_at: at(0),
        policy: policy(),
    };
    assert_eq!(world.ledger.cases, vec![expected]);
    let event = world.events.last().unwrap();
    assert_eq!((event.about.as_deref(), event.amount.as_ref()), (Some("C-1"), Some(&cny(10_000))));
    assert_eq!(crate::due(&world.ledger), Some(at(24 * HOUR)));
    assert_eq!(world.left(), 10_000);
}

#[test]
fn what_is_allowed_or_denied_is_no_case() {
    type Change = fn(&mut CaseOpening);
    let no = |what: &str| Rejection::NotAllowed(what.to_owned());
    let changes: [(Change, Rejection); 6] = [
        (|wanted| wanted.decision.outcome = Outcome::Allow, no("outcome")),
        (|wanted| wanted.decision.outcome = Outcome::Deny, no("outcome")),
        (|wanted| wanted.decision.findings.push(finding("void.settled", Outcome::Deny)), no("outcome")),
        (|wanted| wanted.decision.findings.clear(), no("findings")),
        (|wanted| wanted.decision.amount = cny(10_001), Rejection::ExceedsBalance(cny(10_000))),
        (|wanted| wanted.decision.amount = cny(0), Rejection::Invalid("amount: expected more than zero".to_owned())),
    ];
    let world = World::new();
    for (change, why) in changes {
        let mut wanted = opening("C-1", Way::Void, 10_000);
        change(&mut wanted);
        assert_eq!(world.refused(&Command::OpenCase(wanted), &rita()), why);
    }
    for by in [Actor::System, terminal()] {
        assert_eq!(world.refused(&open_case("C-1", Way::Void, 10_000), &by), not_permitted("not-a-person"));
    }
}

#[test]
fn one_way_and_amount_has_one_live_case() {
    let mut world = World::new();
    world.act(&open_case("C-1", Way::Refund, 6_000), &rita());
    let again = open_case("C-2", Way::Refund, 6_000);
    assert_eq!(world.refused(&again, &rita()), Rejection::ConflictsWith("C-1".to_owned()));
    assert_eq!(world.refused(&open_case("C-1", Way::Refund, 5_000), &rita()), Rejection::NameTaken);
    world.act(&open_case("C-3", Way::Refund, 5_000), &rita());
    world.act(&open_case("C-4", Way::Void, 6_000), &rita());
    world.act(&decide_case("C-1", true), &sue());
    assert_eq!(world.refused(&again, &rita()), Rejection::ConflictsWith("C-1".to_owned()));
    // A grant that has ended makes way, even before a timer has run.
    world.wait(HOUR);
    assert_eq!(world.act(&again, &rita()), vec![EventKind::CaseOpened]);
}

#[test]
fn whoever_opened_a_case_does_not_decide_it_and_whoever_it_is_assigned_to_does() {
    let mut world = World::new();
    world.act(&open_case("C-1", Way::Void, 10_000), &rita());
    let sam = person("sam", &["support"]);
    assert_eq!(world.refused(&decide_case("C-1", true), &rita()), not_permitted("requester"));
    assert_eq!(world.refused(&decide_case("C-1", true), &Actor::System), not_permitted("not-a-person"));
    assert_eq!(world.refused(&assign_case("C-1", "rita"), &sam), not_permitted("requester"));
    assert_eq!(world.refused(&decide_case("C-2", true), &sam), Rejection::NoSuchOperation);
    assert_eq!(world.act(&assign_case("C-1", "sue"), &sam), vec![EventKind::CaseAssigned]);
    assert_eq!(world.act(&assign_case("C-1", "sue"), &sam), vec![]);
    assert_eq!(world.refused(&decide_case("C-1", true), &sam), not_permitted("not-assigned"));
    let silent = Command::DecideCase(CaseDecision {
        id: "C-1".parse().unwrap(),
        grant: false,
        because: " ".to_owned(),
        holds_for: Duration { ms: 1 },
    });
    assert_eq!(world.refused(&silent, &sue()), Rejection::ReasonRequired);
    world.wait(SECOND);
    assert_eq!(world.act(&decide_case("C-1", true), &sue()), vec![EventKind::CaseGranted]);
    let case = &world.ledger.cases[0];
    assert_eq!((case.state, case.expires_at), (CaseState::Granted, at(HOUR + SECOND)));
    assert_eq!(case.decided_by.as_ref().map(PersonId::as_str), Some("sue"));
    assert_eq!(case.because.as_deref(), Some("receipt seen"));
}

#[test]
fn a_grant_lets_one_void_through() {
    let mut world = World::granted(Way::Void, 10_000);
    let kinds = world.act(&Command::AuthoriseVoid(referred_void("V-1", "C-1")), &rita());
    assert_eq!(kinds, vec![EventKind::CaseConsumed, EventKind::VoidAuthorised]);
    let case = &world.ledger.cases[0];
    assert_eq!((case.state, case.consumed_by.as_deref()), (CaseState::Consumed, Some("V-1")));
    assert_eq!(world.void().grounds.grant.as_ref().map(CaseId::as_str), Some("C-1"));
    // It failed, and had no effect: the grant is used all the same.
    world.send(void_target("V-1"));
    world.failed(void_target("V-1"));
    let again = Command::AuthoriseVoid(referred_void("V-2", "C-1"));
    assert_eq!(world.refused(&again, &rita()), Rejection::WrongState("consumed".to_owned()));
}

#[test]
fn a_grant_lets_one_refund_through() {
    let mut world = World::granted(Way::Refund, 6_000);
    let mut wanted = refund_of("R-1", 6_000, 0);
    wanted.decision = referred(Way::Refund, 6_000);
    wanted.grounds.grant = Some("C-1".parse().unwrap());
    let kinds = world.act(&Command::SubmitRefund(wanted.clone()), &rita());
    assert_eq!(kinds, vec![EventKind::CaseConsumed, EventKind::RefundSubmitted, EventKind::RefundApproved]);
    assert_eq!(world.refund().grounds, wanted.grounds);
    wanted.id = "R-2".parse().unwrap();
    wanted.provider_reference = "ref-R-2".to_owned();
    wanted.request.amount = cny(4_000);
    wanted.decision = referred(Way::Refund, 4_000);
    let why = world.refused(&Command::SubmitRefund(wanted), &rita());
    assert_eq!(why, Rejection::WrongState("consumed".to_owned()));
}

#[test]
fn a_grant_is_for_its_way_its_amount_and_its_rules() {
    let granted = World::granted(Way::Refund, 6_000);
    let refund = |minor, rules: &[(&str, Outcome)]| {
        let mut wanted = refund_of("R-1", minor, 0);
        wanted.decision = referred(Way::Refund, minor);
        wanted.decision.findings = rules.iter().map(|(rule, verdict)| finding(rule, *verdict)).collect();
        wanted.grounds.grant = Some("C-1".parse().unwrap());
        Command::SubmitRefund(wanted)
    };
    let no = Rejection::NotAllowed("grant".to_owned());
    assert_eq!(granted.refused(&refund(5_999, &[("void.count", Outcome::Refer)]), &rita()), no);
    assert_eq!(granted.refused(&refund(6_000, &[("refund.window", Outcome::Refer)]), &rita()), no);
    let more = [("void.count", Outcome::Refer), ("refund.window", Outcome::Refer)];
    assert_eq!(granted.refused(&refund(6_000, &more), &rita()), no);
    // What denies is not lifted, even under a rule that was referred once.
    assert_eq!(granted.refused(&refund(6_000, &[("void.count", Outcome::Deny)]), &rita()), no);
    assert_eq!(granted.refused(&Command::AuthoriseVoid(referred_void("V-1", "C-1")), &rita()), no);
    assert_eq!(
        granted.refused(&Command::AuthoriseVoid(referred_void("V-1", "C-9")), &rita()),
        Rejection::NoSuchOperation
    );
    assert!(granted.attempt(&refund(6_000, &[("void.count", Outcome::Refer)]), &rita()).is_ok());
}

#[test]
fn a_grant_that_is_not_needed_is_not_used() {
    let mut world = World::granted(Way::Void, 10_000);
    let mut wanted = void_of("V-1", Executor::Courier);
    wanted.grounds.grant = Some("C-1".parse().unwrap());
    assert_eq!(world.act(&Command::AuthoriseVoid(wanted), &rita()), vec![EventKind::VoidAuthorised]);
    assert_eq!(world.ledger.cases[0].state, CaseState::Granted);
    assert_eq!(world.void().grounds, Grounds::none());
}

#[test]
fn a_refused_authorisation_uses_no_grant() {
    let mut world = World::granted(Way::Void, 10_000);
    let mut wanted = referred_void("V-1", "C-1");
    wanted.decision.obligations.approvals = Some(plan(1));
    let why = world.refused(&Command::AuthoriseVoid(wanted), &rita());
    assert_eq!(why, Rejection::NotAllowed("approvals".to_owned()));
    assert_eq!(world.act(&Command::AuthoriseVoid(referred_void("V-1", "C-1")), &rita()).len(), 2);
}

#[test]
fn an_operation_brings_the_proofs_its_decision_demands() {
    let world = World::new();
    let proof = |operation| Authentication {
        person: "rita".parse().unwrap(),
        method: AuthenticationMethod::Pin,
        at: at(0),
        operation,
    };
    let shown = |kind| IdentityProof { kind, reference: Some("4111111111111111".to_owned()), at: at(0) };
    let wanted = |authentication, identity| {
        let mut wanted = void_of("V-1", Executor::Courier);
        wanted.decision.obligations.authentication =
            Some(AuthenticationDemand { max_age: Duration { ms: 60_000 }, bound: true });
        wanted.decision.obligations.identity = vec![IdentityKind::CardPresented, IdentityKind::PinVerified];
        wanted.grounds = Grounds { authentication, identity, ..Grounds::none() };
        Command::AuthoriseVoid(wanted)
    };
    let bound = || Some(proof(Some(Digest::of(b"operation"))));
    let no = |what: &str| Rejection::NotAllowed(what.to_owned());
    let pin = || Some(shown(IdentityKind::PinVerified));
    assert_eq!(world.refused(&wanted(None, pin()), &rita()), no("authentication"));
    assert_eq!(world.refused(&wanted(Some(proof(None)), pin()), &rita()), no("authentication"));
    assert_eq!(world.refused(&wanted(bound(), None), &rita()), no("identity"));
    let code = Some(shown(IdentityKind::CustomerConfirmed));
    assert_eq!(world.refused(&wanted(bound(), code), &rita()), no("identity"));
    let next = world.attempt(&wanted(bound(), pin()), &rita()).unwrap();
    let kept = &next.ledger.voids[0].grounds;
    assert_eq!(kept.authentication, bound());
    // Whoever put a card number there: it is masked.
    assert_eq!(kept.identity.as_ref().and_then(|proof| proof.reference.as_deref()), Some("411111******1111"));
}

#[test]
fn time_ends_a_case_and_a_grant_once() {
    let mut world = World::new();
    world.act(&open_case("C-1", Way::Void, 10_000), &rita());
    world.act(&open_case("C-2", Way::Refund, 1), &rita());
    world.act(&decide_case("C-2", true), &sue());
    world.act(&open_case("C-3", Way::Refund, 2), &rita());
    world.act(&decide_case("C-3", false), &sue());
    assert_eq!(crate::due(&world.ledger), Some(at(HOUR)));
    world.wait(HOUR);
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::CaseExpired]);
    world.wait(23 * HOUR - 1);
    assert_eq!(world.system(&Command::PassTime), vec![]);
    world.wait(1);
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::CaseExpired]);
    assert_eq!(crate::due(&world.ledger), None);
    let states: Vec<_> = world.ledger.cases.iter().map(|case| case.state).collect();
    assert_eq!(states, [CaseState::Expired, CaseState::Expired, CaseState::Refused]);
}

#[test]
fn whoever_granted_a_case_does_not_use_it() {
    let world = World::granted(Way::Void, 10_000);
    let void = Command::AuthoriseVoid(referred_void("V-1", "C-1"));
    assert_eq!(world.refused(&void, &sue()), not_permitted("same-person"));
    let mut world = world;
    world.act(&void, &rita());
}

#[test]
fn a_grant_is_for_the_reason_that_support_was_told() {
    let mut world = World::granted(Way::Void, 10_000);
    let mut wanted = referred_void("V-1", "C-1");
    wanted.reason = "customer-request".to_owned();
    let no = Rejection::NotAllowed("grant".to_owned());
    assert_eq!(world.refused(&Command::AuthoriseVoid(wanted.clone()), &rita()), no);
    wanted.reason = String::new();
    assert_eq!(world.refused(&Command::AuthoriseVoid(wanted), &rita()), no);
    world.act(&Command::AuthoriseVoid(referred_void("V-1", "C-1")), &rita());

    // A case without a reason was granted for any.
    let mut open = opening("C-1", Way::Void, 10_000);
    open.reason = None;
    let mut world = World::new();
    world.act(&Command::OpenCase(open), &rita());
    world.act(&decide_case("C-1", true), &sue());
    world.act(&Command::AuthoriseVoid(referred_void("V-1", "C-1")), &rita());
}

#[test]
fn whoever_granted_a_case_does_not_use_it_through_a_terminal_or_a_system() {
    let wanted = |requester: &str, operator: &str| {
        let mut wanted = refund_of("R-1", 6_000, 0);
        wanted.decision = referred(Way::Refund, 6_000);
        wanted.request.requested_by = requester.parse().unwrap();
        wanted.grounds.grant = Some("C-1".parse().unwrap());
        wanted.grounds.authentication = Some(Authentication {
            person: operator.parse().unwrap(),
            method: AuthenticationMethod::Pin,
            at: at(0),
            operation: None,
        });
        Command::SubmitRefund(wanted)
    };
    let mut world = World::granted(Way::Refund, 6_000);
    for (requester, operator) in [("sue", "olga"), ("rita", "sue")] {
        assert_eq!(world.refused(&wanted(requester, operator), &Actor::System), not_permitted("same-person"));
    }
    assert!(world.act(&wanted("rita", "olga"), &Actor::System).contains(&EventKind::CaseConsumed));
}
