use super::world::*;
use rescind_model::*;

fn lee() -> Actor {
    person("lee", &["legal"])
}

fn lou() -> Actor {
    person("lou", &["legal"])
}

fn carry_out(void: &str, order: &str, minor: i64) -> Command {
    Command::AuthoriseVoid(ordered_void(void, order, minor))
}

#[test]
fn two_persons_carry_an_order_into_a_void() {
    let mut world = World::new();
    assert_eq!(world.act(&propose_order("O-1", 10_000), &lee()), vec![EventKind::OrderProposed]);
    assert_eq!(crate::due(&world.ledger), Some(at(HOUR)));
    world.wait(SECOND);
    let kinds = world.act(&carry_out("V-1", "O-1", 10_000), &lou());
    assert_eq!(kinds, vec![EventKind::OrderConfirmed, EventKind::VoidAuthorised]);
    let expected = LegalOrder {
        id: "O-1".parse().unwrap(),
        reference: "court 12/2026".to_owned(),
        reason: "seizure".to_owned(),
        amount: cny(10_000),
        state: OrderState::Confirmed,
        proposed_by: "lee".parse().unwrap(),
        proposed_at: at(0),
        expires_at: at(HOUR),
        confirmed_by: Some("lou".parse().unwrap()),
        updated_at: at(SECOND),
        operation: Some("V-1".parse().unwrap()),
    };
    assert_eq!(world.ledger.orders, vec![expected]);
    let void = Some("V-1".parse().unwrap());
    for (kind, operation) in [(EventKind::OrderProposed, &None), (EventKind::OrderConfirmed, &void)] {
        let event = world.events.iter().find(|event| event.kind == kind).unwrap();
        let subject = (event.about.as_deref(), &event.amount, &event.operation);
        assert_eq!(subject, (Some("O-1"), &Some(cny(10_000)), operation), "{kind:?}");
    }
    assert_eq!(world.void().grounds.order.as_ref().map(OrderId::as_str), Some("O-1"));
    assert_eq!(world.left(), 0);
}

#[test]
fn the_two_persons_are_two() {
    let mut world = World::new();
    for by in [Actor::System, terminal()] {
        assert_eq!(world.refused(&propose_order("O-1", 10_000), &by), not_permitted("not-a-person"));
    }
    world.act(&propose_order("O-1", 10_000), &lee());
    assert_eq!(world.refused(&carry_out("V-1", "O-1", 10_000), &lee()), not_permitted("same-person"));
    assert_eq!(world.refused(&carry_out("V-1", "O-9", 10_000), &lou()), Rejection::NoSuchOperation);
    // A void that needs two persons has them by an order, and only a void has one.
    let mut alone = ordered_void("V-1", "O-1", 10_000);
    alone.grounds.order = None;
    let world = World::new();
    let why = world.refused(&Command::AuthoriseVoid(alone), &lou());
    assert_eq!(why, Rejection::NotAllowed("persons".to_owned()));
    let mut refund = refund_of("R-1", 6_000, 0);
    refund.grounds.order = Some("O-1".parse().unwrap());
    let why = world.refused(&Command::SubmitRefund(refund), &rita());
    assert_eq!(why, Rejection::NotAllowed("order".to_owned()));
}

#[test]
fn an_order_takes_what_is_left_after_refunds_and_never_more() {
    let mut world = World::cleared("R-1");
    let all = world.refused(&propose_order("O-1", 10_000), &lee());
    assert_eq!(all, Rejection::ExceedsBalance(cny(4_000)));
    let part = world.refused(&propose_order("O-1", 3_999), &lee());
    assert_eq!(part, Rejection::NotAllowed("amount".to_owned()));
    world.act(&propose_order("O-1", 4_000), &lee());
    // An ordinary void is still forbidden.
    let ordinary = Command::AuthoriseVoid(void_of("V-1", Executor::Courier));
    assert_eq!(world.refused(&ordinary, &lou()), Rejection::ConflictsWith("R-1".to_owned()));
    assert_eq!(world.refused(&carry_out("V-1", "O-1", 10_000), &lou()), Rejection::ExceedsBalance(cny(4_000)));
    world.act(&carry_out("V-1", "O-1", 4_000), &lou());
    assert_eq!((world.void().amount.clone(), world.left()), (cny(4_000), 0));
    world.send(void_target("V-1"));
    world.done(void_target("V-1"));
    assert_eq!(world.left(), 0);
    assert_eq!(world.refused(&propose_order("O-2", 4_000), &lee()), Rejection::ExceedsBalance(cny(0)));
    assert_eq!(world.balance(Account::Customer), 0);
    // What the network gives back afterwards can be refunded again.
    world.system(&return_of("B-1", "R-1", at(0)));
    assert_eq!(world.left(), 6_000);
    world.submit("R-2", 6_000, 0);
    assert_eq!(world.left(), 0);
}

#[test]
fn an_order_waits_for_nothing_under_way_and_for_a_good_sale() {
    let mut world = World::new();
    world.submit("R-1", 1_000, 1);
    assert_eq!(world.refused(&propose_order("O-1", 9_000), &lee()), Rejection::ConflictsWith("R-1".to_owned()));
    world.act(&Command::Withdraw(refusal("R-1", "x")), &rita());
    world.act(&propose_order("O-1", 10_000), &lee());
    let refund = Command::SubmitRefund(refund_of("R-2", 1_000, 1));
    assert_eq!(world.refused(&refund, &rita()), Rejection::ConflictsWith("O-1".to_owned()));
    let unknown = World::with(&sale(), SaleOutcome::Unknown);
    assert_eq!(unknown.refused(&propose_order("O-1", 10_000), &lee()), Rejection::SaleNotGood("unknown".to_owned()));
    let proposal = |change: fn(&mut OrderProposal)| {
        let Command::ProposeOrder(mut wanted) = propose_order("O-1", 10_000) else { panic!() };
        change(&mut wanted);
        Command::ProposeOrder(wanted)
    };
    let world = World::new();
    let changes: [fn(&mut OrderProposal); 2] =
        [|wanted| wanted.reason.clear(), |wanted| wanted.reference = " ".to_owned()];
    for change in changes {
        assert_eq!(world.refused(&proposal(change), &lee()), Rejection::ReasonRequired);
    }
}

#[test]
fn one_order_waits_at_a_time_and_not_for_ever() {
    let mut world = World::new();
    world.act(&propose_order("O-1", 10_000), &lee());
    let second = propose_order("O-2", 10_000);
    assert_eq!(world.refused(&second, &lou()), Rejection::ConflictsWith("O-1".to_owned()));
    assert_eq!(world.refused(&propose_order("O-1", 10_000), &lou()), Rejection::NameTaken);
    world.wait(HOUR);
    // Too late, even if no timer has run.
    let late = world.refused(&carry_out("V-1", "O-1", 10_000), &lou());
    assert_eq!(late, Rejection::WrongState("expired".to_owned()));
    let mut timer = world.clone();
    assert_eq!(timer.system(&Command::PassTime), vec![EventKind::OrderExpired]);
    assert_eq!(timer.system(&Command::PassTime), vec![]);
    assert_eq!(crate::due(&timer.ledger), None);
    assert_eq!(world.act(&second, &lou()), vec![EventKind::OrderExpired, EventKind::OrderProposed]);
}

#[test]
fn an_order_for_what_is_no_longer_left_makes_way() {
    let mut world = World::cleared("R-1");
    world.act(&propose_order("O-1", 4_000), &lee());
    world.system(&return_of("B-1", "R-1", world.now));
    assert_eq!(world.refused(&carry_out("V-1", "O-1", 10_000), &lou()), Rejection::NotAllowed("amount".to_owned()));
    let mut refunded = world.clone();
    refunded.submit("R-2", 1_000, 0);
    let kinds = world.act(&propose_order("O-2", 10_000), &lee());
    assert_eq!(kinds, vec![EventKind::OrderExpired, EventKind::OrderProposed]);
    world.act(&carry_out("V-1", "O-2", 10_000), &lou());
    world.send(void_target("V-1"));
    world.failed(void_target("V-1"));
    // The next attempt is a new order.
    assert_eq!(world.refused(&carry_out("V-2", "O-2", 10_000), &lou()), Rejection::WrongState("confirmed".to_owned()));
    assert_eq!(world.left(), 10_000);
}

#[test]
fn nothing_takes_what_a_legal_order_waits_for() {
    let mut failed = World::clearing("R-0");
    failed.send(refund_target("R-0"));
    failed.failed(refund_target("R-0"));
    failed.act(&propose_order("O-1", 10_000), &person("lea", &["legal"]));
    let conflict = Rejection::ConflictsWith("O-1".to_owned());
    let retry = Command::Retry("R-0".parse().unwrap());
    assert_eq!(failed.refused(&retry, &rita()), conflict);

    let mut world = World::new();
    world.act(&propose_order("O-1", 10_000), &person("lea", &["legal"]));
    let refund = Command::SubmitRefund(refund_of("R-1", 1, 0));
    let void = Command::AuthoriseVoid(void_of("V-1", Executor::Courier));
    assert_eq!(world.refused(&refund, &rita()), conflict);
    assert_eq!(world.refused(&void, &rita()), conflict);
    let mut carried = world.clone();
    carried.act(&Command::AuthoriseVoid(ordered_void("V-1", "O-1", 10_000)), &person("leo", &["legal"]));
    // It holds nothing up once its time is over.
    world.wait(HOUR);
    world.act(&refund, &rita());

    let mut completed = World::completed(5_000);
    completed.act(&propose_order("O-1", 5_000), &person("lea", &["legal"]));
    assert_eq!(completed.may_not("X-1", Way::CompletionVoid, 5_000), conflict);
}
