use super::world::*;
use rescind_model::*;

#[test]
fn a_refund_out_of_range_is_refused_by_name() {
    type Change = fn(&mut RefundSubmission);
    let changes: [(Change, &str); 16] = [
        (|wanted| wanted.id.value = "R 1".to_owned(), "refund id"),
        (|wanted| wanted.provider_reference = String::new(), "provider-reference"),
        (|wanted| wanted.provider_reference = "x".repeat(129), "provider-reference"),
        (|wanted| wanted.provider_reference = "a b".to_owned(), "provider-reference"),
        (|wanted| (wanted.request.amount, wanted.decision.amount) = (cny(0), cny(0)), "amount"),
        (|wanted| (wanted.request.amount, wanted.decision.amount) = (cny(-1), cny(-1)), "the amount"),
        (
            |wanted| {
                wanted.request.amount.currency = "JPY".to_owned();
                wanted.decision.amount.currency = "JPY".to_owned();
            },
            "amount",
        ),
        (|wanted| wanted.request.note = Some(Digest { hex: "00".to_owned() }), "digest"),
        (|wanted| wanted.request.reason = "x".repeat(501), "reason"),
        (|wanted| wanted.request.evidence = vec![wanted.request.evidence[0].clone(); 17], "evidence"),
        (|wanted| wanted.request.evidence[0].kind = "a photo".to_owned(), "evidence"),
        (|wanted| wanted.request.evidence[0].content.hex = "00".to_owned(), "digest"),
        (|wanted| wanted.request.operator = Some(PersonId { value: String::new() }), "person id"),
        (|wanted| wanted.decision.obligations.approvals = Some(plan(17)), "plan"),
        (
            |wanted| {
                let mut nobody = plan(1);
                nobody.roles.clear();
                nobody.escalations.clear();
                wanted.decision.obligations.approvals = Some(nobody);
            },
            "plan",
        ),
        (
            |wanted| {
                let fee = Fee {
                    kind: FeeKind::Late,
                    amount: Money { minor: 1, currency: "JPY".to_owned() },
                    payer: Party::Customer,
                };
                wanted.decision.obligations.fees = vec![fee];
            },
            "fees",
        ),
    ];
    let world = World::new();
    for (index, (change, what)) in changes.iter().enumerate() {
        let mut wanted = refund_of("R-1", 6_000, 0);
        change(&mut wanted);
        match world.refused(&Command::SubmitRefund(wanted), &rita()) {
            Rejection::Invalid(text) => assert!(text.starts_with(what), "change {index}: {text}"),
            other => panic!("change {index}: {other:?}"),
        }
    }
}

#[test]
fn card_numbers_are_masked_wherever_people_type() {
    let typed = "card 4111111111111111";
    let masked = "card 411111******1111";
    let mut world = World::new();
    let mut wanted = refund_of("R-1", 6_000, 1);
    wanted.request.reason = typed.to_owned();
    world.act(&Command::SubmitRefund(wanted), &rita());
    world.act(&Command::Decline(refusal("R-1", typed)), &manager("mona"));
    let mut void = void_of("V-1", Executor::Courier);
    void.reason = typed.to_owned();
    world.act(&Command::AuthoriseVoid(void), &rita());
    let refund = world.refund();
    assert_eq!(refund.request.reason, masked);
    assert_eq!(refund.ended_because.as_deref(), Some(masked));
    assert_eq!(world.void().reason, masked);
    assert!(!format!("{:?}{:?}", world.ledger, world.events).contains("4111111111111111"));
}

#[test]
fn a_damaged_ledger_is_refused_whatever_the_command() {
    let mut world = World::clearing("R-1");
    world.submit("R-2", 4_000, 0);
    type Damage = fn(&mut Ledger);
    let damages: [Damage; 5] = [
        |ledger| ledger.refunds[0].request.amount.minor = 6_001,
        |ledger| ledger.refunds[0].request.amount.minor = -1,
        |ledger| ledger.refunds[0].request.amount.currency = "JPY".to_owned(),
        |ledger| ledger.sale.captured.minor = 9_999,
        |ledger| ledger.refunds[1].request.amount.minor = i64::MAX,
    ];
    for damage in damages {
        let mut damaged = world.clone();
        damage(&mut damaged.ledger);
        for command in [Command::PassTime, Command::RecordSettled, Command::Clear("R-2".parse().unwrap())] {
            match damaged.refused(&command, &Actor::System) {
                Rejection::Invalid(text) => assert!(text.starts_with("ledger: "), "{text}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_name_that_is_not_in_the_ledger_is_no_operation() {
    let world = World::clearing("R-1");
    let mona = manager("mona");
    let refund = || "R-9".parse().unwrap();
    let done = || ResultOf::Done(evidence("00", at(0)));
    let commands = [
        consent("R-9"),
        Command::Decline(refusal("R-9", "x")),
        Command::Withdraw(refusal("R-9", "x")),
        Command::Clear(refund()),
        Command::Retry(refund()),
        Command::RecordSent(refund_target("R-9")),
        Command::RecordSent(void_target("R-1")),
        Command::RecordQuery(refund_target("R-9")),
        Command::RecordQuery(void_target("R-1")),
        report(refund_target("R-9"), done()),
        report(void_target("R-1"), done()),
        resolution(refund_target("R-9"), true, "sven"),
        resolution(void_target("R-1"), true, "sven"),
    ];
    for command in commands {
        assert_eq!(world.refused(&command, &mona), Rejection::NoSuchOperation, "{command:?}");
    }
}

#[test]
fn a_command_and_its_actor_have_names() {
    let world = World::new();
    let bad = CommandId { value: String::new() };
    let answer = crate::apply(&world.ledger, &Command::RecordSettled, &Actor::System, &bad, at(0));
    assert!(matches!(answer, Err(Rejection::Invalid(_))), "{answer:?}");
    let nobody = Actor::Person(ActingPerson { id: PersonId { value: String::new() }, roles: vec![] });
    assert!(matches!(world.refused(&Command::RecordSettled, &nobody), Rejection::Invalid(_)));
    let nowhere = Actor::Terminal(TerminalId { value: "T 1".to_owned() });
    assert!(matches!(world.refused(&Command::RecordSettled, &nowhere), Rejection::Invalid(_)));
}

#[test]
fn the_policy_that_decided_is_named_within_bounds() {
    type Change = fn(&mut PolicyIdentity);
    let changes: [(Change, &str); 3] = [
        (|policy| policy.name = "x".repeat(501), "policy name"),
        (|policy| policy.version = "x".repeat(501), "policy version"),
        (|policy| policy.hash.hex = "00".to_owned(), "digest"),
    ];
    let world = World::new();
    for (change, what) in changes {
        let (mut wanted, mut open) = (refund_of("R-1", 6_000, 0), opening("C-1", Way::Void, 10_000));
        let mut void = void_of("V-1", Executor::Courier);
        for decision in [&mut wanted.decision, &mut open.decision, &mut void.decision] {
            change(&mut decision.policy);
        }
        for command in [Command::SubmitRefund(wanted), Command::OpenCase(open), Command::AuthoriseVoid(void)] {
            let refused = world.refused(&command, &rita());
            assert!(matches!(&refused, Rejection::Invalid(why) if why.starts_with(what)), "{what}: {refused:?}");
        }
    }
}
