use super::world::*;
use rescind_model::*;

fn asked() -> World {
    let mut world = World::new();
    world.submit("R-1", 6_000, 2);
    world.act(&consent("R-1"), &manager("max"));
    world.wait(SECOND);
    assert_eq!(world.act(&ask("R-1"), &manager("mona")), vec![EventKind::RefundInformationAsked]);
    world
}

#[test]
fn an_answer_makes_another_request_of_it_and_earlier_approvals_fall() {
    let mut world = asked();
    let before = world.refund().clone();
    assert_eq!((before.state, before.approvals.len()), (RefundState::NeedsInformation, 1));
    world.wait(SECOND);
    let kinds = world.act(&answer("R-1", Some("the red one"), &["photo"]), &rita());
    assert_eq!(kinds, vec![EventKind::RefundInformationGiven]);
    let mut request = request(6_000);
    request.note = Some(Digest::of(b"the red one"));
    request.evidence.push(EvidenceItem { kind: "photo".to_owned(), content: Digest::of(b"photo") });
    let (merchant, sale) = (&world.ledger.sale.merchant, &world.ledger.sale.id);
    let expected = Refund {
        digest: crate::digest::of_request(merchant, sale, &before.id, 2, &request),
        request,
        revision: 2,
        state: RefundState::InReview,
        approvals: vec![],
        updated_at: at(2 * SECOND),
        inquiries: vec![Inquiry {
            asked_by: "mona".parse().unwrap(),
            question: Digest::of(b"which of two?"),
            asked_at: at(SECOND),
            answered_by: Some("rita".parse().unwrap()),
            answered_at: Some(at(2 * SECOND)),
        }],
        ..before
    };
    assert_eq!(*world.refund(), expected);
    // Consent to what it was is none to what it is.
    let old = Consent { refund: "R-1".parse().unwrap(), revision: Some(1), digest: None };
    assert_eq!(world.refused(&Command::Approve(old), &manager("max")), Rejection::Changed(2));
    world.act(&consent("R-1"), &manager("max"));
    world.act(&consent("R-1"), &manager("mona"));
    assert_eq!(world.clear("R-1"), vec![EventKind::RefundClearing]);
}

#[test]
fn evidence_alone_leaves_the_note_as_it_was() {
    let mut world = asked();
    world.act(&answer("R-1", None, &["a", "b"]), &rita());
    let request = &world.refund().request;
    assert_eq!((request.note.clone(), request.evidence.len()), (Some(Digest::of(b"one of two")), 3));
}

#[test]
fn only_who_could_approve_asks_and_says_what() {
    let mut world = World::new();
    world.submit("R-1", 6_000, 2);
    assert_eq!(world.refused(&ask("R-1"), &rita()), not_permitted("requester"));
    assert_eq!(world.refused(&ask("R-1"), &olga()), not_permitted("operator"));
    assert_eq!(world.refused(&ask("R-1"), &person("carl", &["cashier"])), not_permitted("role"));
    assert_eq!(world.refused(&ask("R-1"), &Actor::System), not_permitted("not-a-person"));
    let silent = InformationRequest { refund: "R-1".parse().unwrap(), question: Digest { hex: "which?".to_owned() } };
    let why = world.refused(&Command::AskInformation(silent), &manager("mona"));
    assert!(matches!(why, Rejection::Invalid(_)), "a text is no commitment: {why:?}");
    assert_eq!(world.refused(&ask("R-9"), &manager("mona")), Rejection::NoSuchOperation);
    world.wait(24 * HOUR);
    assert_eq!(world.refused(&ask("R-1"), &manager("mona")), Rejection::WrongState("expired".to_owned()));
}

#[test]
fn whoever_answers_is_a_requester_from_then_on() {
    let mut world = asked();
    let answered = answer("R-1", Some("the red one"), &[]);
    // Neither who asked nor who agreed writes what is asked for.
    assert_eq!(world.refused(&answered, &manager("mona")), not_permitted("same-person"));
    assert_eq!(world.refused(&answered, &manager("max")), not_permitted("already-approved"));
    assert_eq!(world.refused(&answered, &Actor::System), not_permitted("not-a-person"));
    world.act(&answered, &manager("mia"));
    for command in [consent("R-1"), Command::Decline(refusal("R-1", "x")), ask("R-1")] {
        assert_eq!(world.refused(&command, &manager("mia")), not_permitted("requester"));
    }
    // An approval that is there all the same does not count.
    world.act(&consent("R-1"), &manager("max"));
    world.act(&consent("R-1"), &manager("mona"));
    world.ledger.refunds[0].approvals[1].by = "mia".parse().unwrap();
    let clear = Command::Clear("R-1".parse().unwrap());
    assert_eq!(world.refused(&clear, &Actor::System), Rejection::NotAllowed("consent".to_owned()));
}

#[test]
fn an_answer_says_something_within_its_limits() {
    let world = asked();
    let too_many: Vec<_> = (0..16).map(|number| number.to_string()).collect();
    let too_many: Vec<_> = too_many.iter().map(String::as_str).collect();
    let no_digest =
        Information { refund: "R-1".parse().unwrap(), note: Some(Digest { hex: "00".to_owned() }), evidence: vec![] };
    for (command, what) in [
        (answer("R-1", None, &[]), "information"),
        (Command::ProvideInformation(no_digest), "digest"),
        (answer("R-1", None, &too_many), "evidence"),
    ] {
        match world.refused(&command, &rita()) {
            Rejection::Invalid(text) => assert!(text.starts_with(what), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_review_goes_on_meanwhile() {
    let mut world = asked();
    world.wait(HOUR);
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::RefundEscalated]);
    world.wait(23 * HOUR);
    let late = answer("R-1", Some("x"), &[]);
    assert_eq!(world.refused(&late, &rita()), Rejection::WrongState("expired".to_owned()));
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::RefundExpired]);
    assert_eq!(world.left(), 10_000);
}

#[test]
fn questions_end_some_time() {
    let mut world = World::new();
    world.submit("R-1", 6_000, 2);
    for number in 0..16 {
        world.act(&ask("R-1"), &manager("mona"));
        world.act(&answer("R-1", Some(&number.to_string()), &[]), &rita());
    }
    let full = Rejection::LimitReached("inquiries".to_owned());
    assert_eq!(world.refused(&ask("R-1"), &manager("mona")), full);
    assert_eq!(world.refund().revision, 17);
}
