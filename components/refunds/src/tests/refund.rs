use super::world::*;
use rescind_model::*;

/// Computed by another program (Python's hashlib) from the table in `digest.rs`.
const DIGEST: &str = "e728267ddbd81b67b62d1a384d2b51a1868674f398c8185f638599ce9a408666";
const BARE_DIGEST: &str = "ee907ca185f56856802fd8f0c527e122b6b058b2e1ca91860a0539ac3faab1dc";

fn submitted() -> Refund {
    Refund {
        id: "R-1".parse().unwrap(),
        request: request(6_000),
        revision: 1,
        digest: Digest::parse(DIGEST).unwrap(),
        state: RefundState::Approved,
        plan: ApprovalPlan {
            tier: "automatic".to_owned(),
            needed: 0,
            roles: vec![],
            expires_after: Duration { ms: 0 },
            escalations: vec![],
        },
        approvals: vec![],
        fees: vec![],
        arrival: Some(Arrival { min_days: 1, max_days: 3, working_days: true, earliest: None, latest: None }),
        executor: Executor::Courier,
        provider_reference: "ref-R-1".to_owned(),
        attempts: 0,
        queries: 0,
        attention: false,
        policy: policy(),
        submitted_at: at(0),
        updated_at: at(0),
        due_at: None,
        evidence: None,
        ended_because: None,
        grounds: Grounds::none(),
        inquiries: vec![],
        coupon: None,
        funding: None,
        trace: None,
    }
}

#[test]
fn a_refund_that_needs_nobody_is_approved_at_once_and_waits_to_be_cleared() {
    let before = World::new();
    let mut world = before.clone();
    assert_eq!(world.submit("R-1", 6_000, 0), vec![EventKind::RefundSubmitted, EventKind::RefundApproved]);
    let chain = world.ledger.chain.clone();
    assert_eq!(world.ledger, Ledger { refunds: vec![submitted()], events: 3, chain, ..before.ledger });
    assert_eq!(crate::due(&world.ledger), None);
    let event = |before: &Event, kind, reason: Option<&str>| {
        let event = Event {
            sequence: before.sequence + 1,
            kind,
            at: at(0),
            command: "c-1".parse().unwrap(),
            operation: None,
            refund: Some("R-1".parse().unwrap()),
            amount: Some(cny(6_000)),
            actor: rita(),
            reason: reason.map(str::to_owned),
            about: None,
            link: Digest::of(b""),
        };
        linked(&before.link, event)
    };
    let submitted = event(&world.events[0], EventKind::RefundSubmitted, Some("goods-returned"));
    let approved = event(&submitted, EventKind::RefundApproved, None);
    assert_eq!(world.events[1..], [submitted, approved]);
}

#[test]
fn a_refund_that_needs_people_waits_in_review() {
    let mut world = World::new();
    assert_eq!(world.submit("R-1", 6_000, 2), vec![EventKind::RefundSubmitted, EventKind::RefundInReview]);
    let expected = Refund { state: RefundState::InReview, plan: plan(2), due_at: Some(at(HOUR)), ..submitted() };
    assert_eq!(*world.refund(), expected);
    assert_eq!(world.left(), 4_000);
}

#[test]
fn a_refund_clears() {
    let mut world = World::new();
    world.submit("R-1", 6_000, 0);
    world.wait(SECOND);
    assert_eq!(world.clear("R-1"), vec![EventKind::RefundClearing]);
    let clearing =
        Refund { state: RefundState::Clearing, updated_at: at(SECOND), due_at: Some(at(SECOND)), ..submitted() };
    assert_eq!(*world.refund(), clearing);
    assert_eq!(world.send(refund_target("R-1")), vec![]);
    let sent = Refund { attempts: 1, due_at: Some(at(31 * SECOND)), ..clearing };
    assert_eq!(*world.refund(), sent);
    world.wait(SECOND);
    assert_eq!(world.done(refund_target("R-1")), vec![EventKind::RefundCleared]);
    let cleared = Refund {
        state: RefundState::Cleared,
        updated_at: at(2 * SECOND),
        due_at: None,
        evidence: Some(evidence("00", at(2 * SECOND))),
        ..sent
    };
    assert_eq!(*world.refund(), cleared);
    assert_eq!(world.left(), 4_000);
}

#[test]
fn sending_an_approved_refund_clears_it_on_the_way() {
    let mut world = World::new();
    world.submit("R-1", 6_000, 0);
    assert_eq!(world.send(refund_target("R-1")), vec![EventKind::RefundClearing]);
    assert_eq!((world.refund().state, world.refund().attempts), (RefundState::Clearing, 1));
}

#[test]
fn a_second_refund_cannot_exceed_what_is_left() {
    // hyperswitch issue 13182: two refunds of 60 on 100 both succeed.
    let mut world = World::new();
    world.submit("R-1", 6_000, 1);
    let second = |minor| Command::SubmitRefund(refund_of("R-2", minor, 0));
    assert_eq!(world.refused(&second(6_000), &rita()), Rejection::ExceedsBalance(cny(4_000)));
    assert_eq!(world.refused(&second(4_001), &rita()), Rejection::ExceedsBalance(cny(4_000)));
    world.act(&second(4_000), &rita());
    assert_eq!(world.left(), 0);
}

#[test]
fn every_end_without_money_gives_the_amount_back() {
    let ends: [fn(&mut World); 4] = [
        |world| {
            world.act(&Command::Decline(refusal("R-1", "no")), &manager("mona"));
        },
        |world| {
            world.act(&Command::Withdraw(refusal("R-1", "no")), &rita());
        },
        |world| {
            world.wait(24 * HOUR);
            world.system(&Command::PassTime);
        },
        |world| {
            world.act(&consent("R-1"), &manager("mona"));
            world.clear("R-1");
            world.send(refund_target("R-1"));
            world.failed(refund_target("R-1"));
        },
    ];
    for end in ends {
        let mut world = World::new();
        world.submit("R-1", 6_000, 1);
        assert_eq!(world.left(), 4_000);
        end(&mut world);
        assert_eq!((world.left(), world.refund().due_at), (10_000, None));
    }
}

#[test]
fn a_void_excludes_refunds_while_it_is_open_or_done() {
    let mut world = World::new();
    world.authorise("V-1", Executor::Courier);
    let refund = Command::SubmitRefund(refund_of("R-1", 1, 0));
    let conflict = Rejection::ConflictsWith("V-1".to_owned());
    assert_eq!(world.refused(&refund, &rita()), conflict);
    world.send(void_target("V-1"));
    assert_eq!(world.refused(&refund, &rita()), conflict);
    let mut done = world.clone();
    done.done(void_target("V-1"));
    assert_eq!(done.refused(&refund, &rita()), conflict);
    world.failed(void_target("V-1"));
    world.act(&refund, &rita());
}

#[test]
fn a_refund_needs_a_decision_that_allows_exactly_it() {
    type Change = fn(&mut RefundSubmission);
    let changes: [(Change, &str); 6] = [
        (|wanted| wanted.decision.way = Way::Void, "way"),
        (|wanted| wanted.decision.outcome = Outcome::Refer, "outcome"),
        (|wanted| wanted.decision.outcome = Outcome::Deny, "outcome"),
        (|wanted| wanted.decision.amount = cny(5_999), "amount"),
        (|wanted| wanted.decision.obligations.evidence = vec!["photo".to_owned()], "evidence"),
        (
            |wanted| {
                let fee = Fee { kind: FeeKind::AcquiringReturned, amount: cny(61), payer: Party::Acquirer };
                wanted.decision.obligations.fees = vec![fee];
            },
            "fees",
        ),
    ];
    let world = World::new();
    for (change, what) in changes {
        let mut wanted = refund_of("R-1", 6_000, 0);
        change(&mut wanted);
        let why = world.refused(&Command::SubmitRefund(wanted), &rita());
        assert_eq!(why, Rejection::NotAllowed(what.to_owned()));
    }
}

#[test]
fn nobody_submits_in_the_name_of_another_person() {
    let world = World::new();
    let command = Command::SubmitRefund(refund_of("R-1", 6_000, 1));
    assert_eq!(world.refused(&command, &manager("mona")), not_permitted("not-requester"));
    for by in [Actor::System, terminal()] {
        assert!(world.attempt(&command, &by).is_ok());
    }
}

#[test]
fn only_the_requester_takes_a_refund_back_and_says_why() {
    let mut world = World::new();
    world.submit("R-1", 6_000, 1);
    let withdraw = |reason| Command::Withdraw(refusal("R-1", reason));
    assert_eq!(world.refused(&withdraw("x"), &manager("mona")), not_permitted("not-requester"));
    assert_eq!(world.refused(&withdraw("x"), &Actor::System), not_permitted("not-a-person"));
    assert_eq!(world.refused(&withdraw("  "), &rita()), Rejection::ReasonRequired);
    world.wait(SECOND);
    assert_eq!(world.act(&withdraw("bought again"), &rita()), vec![EventKind::RefundWithdrawn]);
    let expected = Refund {
        state: RefundState::Withdrawn,
        plan: plan(1),
        updated_at: at(SECOND),
        ended_because: Some("bought again".to_owned()),
        ..submitted()
    };
    assert_eq!(*world.refund(), expected);
}

#[test]
fn a_failed_refund_is_retried_under_its_old_reference_without_new_approval() {
    let mut world = World::new();
    world.submit("R-1", 6_000, 1);
    world.act(&consent("R-1"), &manager("mona"));
    world.clear("R-1");
    world.send(refund_target("R-1"));
    world.failed(refund_target("R-1"));
    let failed = world.refund().clone();
    world.wait(SECOND);
    assert_eq!(world.system(&Command::Retry("R-1".parse().unwrap())), vec![EventKind::RefundRetried]);
    let expected = Refund { state: RefundState::Clearing, updated_at: at(SECOND), due_at: Some(at(SECOND)), ..failed };
    assert_eq!(*world.refund(), expected);
    assert_eq!(world.left(), 4_000);
    world.send(refund_target("R-1"));
    world.done(refund_target("R-1"));
    assert_eq!((world.refund().attempts, world.left()), (2, 4_000));
}

#[test]
fn a_retry_reserves_anew_or_not_at_all() {
    let mut world = World::clearing("R-1");
    world.failed(refund_target("R-1"));
    world.submit("R-2", 5_000, 0);
    let retry = Command::Retry("R-1".parse().unwrap());
    assert_eq!(world.refused(&retry, &Actor::System), Rejection::ExceedsBalance(cny(5_000)));
    world.act(&Command::Withdraw(refusal("R-2", "x")), &rita());
    assert_eq!(world.system(&retry), vec![EventKind::RefundRetried]);
}

#[test]
fn a_failure_delivered_again_does_not_end_a_refund_that_was_retried_since() {
    let mut world = World::clearing("R-1");
    let old = report(refund_target("R-1"), ResultOf::Failed(evidence("51", world.now)));
    world.system(&old);
    world.wait(SECOND);
    world.system(&Command::Retry("R-1".parse().unwrap()));
    world.send(refund_target("R-1"));
    let before = world.ledger.clone();
    assert_eq!(world.system(&old), vec![]);
    assert_eq!(world.ledger, before);
    assert_eq!(world.failed(refund_target("R-1")), vec![EventKind::RefundFailed]);
}

#[test]
fn a_retry_gives_back_no_more_of_the_fee_than_was_charged() {
    // A fee of 1 on 4: halves of 2 each round to 1, because the first had failed when the second was decided.
    let mut bought = sale();
    (bought.captured, bought.fee_charged) = (cny(4), cny(1));
    let mut world = World::with(&bought, SaleOutcome::Good);
    let half = |id: &str| {
        let mut wanted = refund_of(id, 2, 0);
        let fee = Fee { kind: FeeKind::AcquiringReturned, amount: cny(1), payer: Party::Acquirer };
        wanted.decision.obligations.fees = vec![fee];
        Command::SubmitRefund(wanted)
    };
    world.act(&half("R-1"), &rita());
    world.clear("R-1");
    world.send(refund_target("R-1"));
    world.failed(refund_target("R-1"));
    world.act(&half("R-2"), &rita());
    world.system(&Command::Retry("R-1".parse().unwrap()));
    let fees: Vec<i64> = world.ledger.refunds.iter().map(|refund| refund.fees[0].amount.minor).collect();
    assert_eq!(fees, [0, 1]);
}

#[test]
fn a_digest_is_of_the_documented_bytes() {
    let digest = |revision, request| {
        let (merchant, sale, refund) = ("M-1".parse().unwrap(), "S-1".parse().unwrap(), "R-1".parse().unwrap());
        crate::digest::of_request(&merchant, &sale, &refund, revision, &request)
    };
    assert_eq!(digest(1, request(6_000)).as_str(), DIGEST);
    let bare = RefundRequest { reason: String::new(), note: None, evidence: vec![], operator: None, ..request(6_000) };
    assert_eq!(digest(2, bare).as_str(), BARE_DIGEST);
}

#[test]
fn requests_that_differ_anywhere_have_different_digests() {
    type Change = fn(&mut RefundRequest);
    let changes: [Change; 14] = [
        |_| {},
        |request| request.amount.minor = 6_001,
        |request| request.amount.currency = "JPY".to_owned(),
        |request| request.reason = "goods".to_owned(),
        |request| request.note = None,
        |request| request.note = Some(Digest::of(b"")),
        |request| (request.note, request.contact) = (None, request.note.clone()),
        |request| request.evidence.clear(),
        |request| request.evidence[0].kind = "photo".to_owned(),
        |request| request.evidence[0].content = Digest::of(b"other"),
        |request| request.requested_by = "olga".parse().unwrap(),
        |request| request.operator = None,
        |request| request.contact = Some(Digest::of(b"contact")),
        |request| request.corrects = Some("R-0".parse().unwrap()),
    ];
    let mut digests = std::collections::BTreeSet::new();
    let mut add = |merchant: &str, sale: &str, refund: &str, revision, request: &RefundRequest| {
        let (merchant, sale) = (merchant.parse().unwrap(), sale.parse().unwrap());
        let digest = crate::digest::of_request(&merchant, &sale, &refund.parse().unwrap(), revision, request);
        assert!(digests.insert(digest.to_string()), "{request:?}");
    };
    for change in changes {
        let mut other = request(6_000);
        change(&mut other);
        add("M", "S", "R", 1, &other);
    }
    add("M", "S", "R", 2, &request(6_000));
    add("MS", "R", "S", 1, &request(6_000));
    add("M", "SR", "S", 1, &request(6_000));
    add("M", "S", "R1", 1, &request(6_000));
}

#[test]
fn a_sale_takes_sixty_four_operations() {
    let mut world = World::new();
    for number in 0..64 {
        let id = format!("R-{number}");
        world.submit(&id, 1, 0);
        world.act(&Command::Withdraw(refusal(&id, "x")), &rita());
    }
    let full = Rejection::LimitReached("operations".to_owned());
    assert_eq!(world.refused(&Command::SubmitRefund(refund_of("R-64", 1, 0)), &rita()), full);
    assert_eq!(world.refused(&Command::AuthoriseVoid(void_of("V-1", Executor::Courier)), &rita()), full);
}

#[test]
fn a_full_history_refuses_what_is_new_and_still_lets_everything_end() {
    let mut world = World::new();
    world.submit("R-2", 1_000, 16);
    world.submit("R-1", 6_000, 0);
    world.clear("R-1");
    world.send(refund_target("R-1"));
    let target = refund_target("R-1");
    let full = loop {
        world.wait(SECOND);
        world.failed(target.clone());
        match world.attempt(&Command::Retry("R-1".parse().unwrap()), &Actor::System) {
            Ok(_) => world.system(&Command::Retry("R-1".parse().unwrap())),
            Err(why) => break why,
        };
    };
    assert_eq!(full, Rejection::LimitReached("events".to_owned()));
    let new = Command::SubmitRefund(refund_of("R-3", 1, 0));
    assert_eq!(world.refused(&new, &rita()), full);
    // The longest way from here: an escalation, sixteen approvals, every detour of a refund.
    world.wait(HOUR);
    world.system(&Command::PassTime);
    for number in 0..16 {
        world.act(&consent("R-2"), &manager(&format!("m{number}")));
    }
    world.clear("R-2");
    world.send(refund_target("R-2"));
    world.unknown(refund_target("R-2"));
    world.queries(&refund_target("R-2"), 7);
    world.act(&resolution(refund_target("R-2"), true, "sven"), &manager("mona"));
    for command in [Command::RecordBatchClosed, Command::RecordSettled, Command::RecordPaidOut] {
        world.system(&command);
    }
    assert_eq!(world.refund().state, RefundState::Failed);
    assert_eq!(world.left(), 9_000);
    assert!(world.ledger.events <= crate::limits::EVENTS, "{}", world.ledger.events);
    assert!(world.ledger.events > 1_000, "{}", world.ledger.events);
}
