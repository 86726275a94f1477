use super::world::*;
use rescind_model::*;

#[test]
fn a_cleared_refund_that_came_back_is_a_new_record_and_owed() {
    let mut world = World::cleared("R-1");
    let before = world.ledger.clone();
    world.wait(HOUR);
    let kinds = world.system(&return_of("B-1", "R-1", world.now));
    assert_eq!(kinds, vec![EventKind::RefundReturned, EventKind::LiabilityOpened]);
    assert_eq!(world.ledger.refunds, before.refunds);
    let expected = RefundReturn {
        id: "B-1".parse().unwrap(),
        refund: "R-1".parse().unwrap(),
        amount: cny(6_000),
        evidence: evidence("returned", at(HOUR)),
        at: at(HOUR),
    };
    assert_eq!(world.ledger.returns, vec![expected]);
    let owed = &world.ledger.liabilities[0];
    assert_eq!((owed.cause, owed.amount.minor), (LiabilityCause::RefundReturned, 6_000));
    assert_eq!((owed.debtor, owed.creditor), (Party::Merchant, Party::Customer));
    assert_eq!(world.left(), 10_000);
    // The customer can be refunded again, and then nothing is owed: a person says so.
    let owed = owed.id.clone();
    world.submit("R-2", 6_000, 0);
    world.send(refund_target("R-2"));
    world.done(refund_target("R-2"));
    world.act(&end_liability(&owed, LiabilityState::Settled), &rita());
    assert_eq!((world.balance(Account::Customer), world.balance(Account::Liabilities)), (4_000, 0));
}

#[test]
fn a_return_gives_the_fees_back_too() {
    let mut world = World::new();
    let mut wanted = refund_of("R-1", 5_000, 0);
    let fee = |kind, minor, payer| Fee { kind, amount: cny(minor), payer };
    wanted.decision.obligations.fees = vec![
        fee(FeeKind::AcquiringReturned, 30, Party::Acquirer),
        fee(FeeKind::Operation, 100, Party::Merchant),
        fee(FeeKind::Late, 50, Party::Customer),
    ];
    let accounts = [Account::AcquiringFees, Account::OperationFees, Account::LateFees, Account::Customer];
    let balances = |world: &World| accounts.map(|account| world.balance(account));
    world.act(&Command::SubmitRefund(wanted), &rita());
    assert_eq!(balances(&world), [-60, 0, 0, 10_000]);
    world.send(refund_target("R-1"));
    world.done(refund_target("R-1"));
    assert_eq!(balances(&world), [-30, -100, -50, 5_050]);
    // Another refund and its fee stand as they were.
    let mut other = refund_of("R-2", 1_000, 0);
    other.decision.obligations.fees = vec![fee(FeeKind::Operation, 7, Party::Merchant)];
    world.act(&Command::SubmitRefund(other), &rita());
    world.send(refund_target("R-2"));
    world.done(refund_target("R-2"));
    assert_eq!(balances(&world), [-30, -107, -50, 4_050]);
    world.system(&return_of("B-1", "R-1", at(0)));
    assert_eq!(balances(&world), [-60, -7, 0, 9_000]);
    assert_eq!(standing::Standing::of(&world.ledger).unwrap().fee_returned, cny(0));
}

#[test]
fn a_refund_comes_back_once() {
    let mut world = World::cleared("R-1");
    world.submit("R-2", 1_000, 0);
    world.send(refund_target("R-2"));
    world.system(&return_of("B-1", "R-1", at(0)));
    let before = world.ledger.clone();
    assert_eq!(world.system(&return_of("B-1", "R-1", at(1))), vec![]);
    assert_eq!(world.ledger, before);
    let refused = |id, refund| world.refused(&return_of(id, refund, at(0)), &Actor::System);
    assert_eq!(refused("B-2", "R-1"), Rejection::ConflictsWith("B-1".to_owned()));
    assert_eq!(refused("B-1", "R-2"), Rejection::NameTaken);
    assert_eq!(refused("B-2", "R-2"), Rejection::WrongState("clearing".to_owned()));
    assert_eq!(refused("B-2", "R-9"), Rejection::NoSuchOperation);
    let refund = Command::SubmitRefund(refund_of("B-1", 1, 0));
    assert_eq!(world.refused(&refund, &rita()), Rejection::NameTaken);
    let mut taken = World::cleared("R-1");
    taken.submit("R-2", 1_000, 0);
    assert_eq!(taken.refused(&return_of("R-2", "R-1", at(0)), &Actor::System), Rejection::NameTaken);
}

#[test]
fn only_the_provider_knows_what_came_back() {
    let world = World::cleared("R-1");
    for by in [rita(), terminal()] {
        assert_eq!(world.refused(&return_of("B-1", "R-1", at(0)), &by), not_permitted("not-the-executor"));
    }
    let Command::ReportReturn(mut heard) = return_of("B-1", "R-1", at(0)) else { panic!() };
    heard.evidence.source = "terminal".to_owned();
    assert!(matches!(world.refused(&Command::ReportReturn(heard), &Actor::System), Rejection::Invalid(_)));
}

#[test]
fn what_came_back_is_not_searched_for() {
    let mut world = World::cleared("R-1");
    let trace = Command::RequestTrace("R-1".parse().unwrap());
    world.act(&trace, &rita());
    let kinds = world.system(&return_of("B-1", "R-1", at(0)));
    assert_eq!(kinds, vec![EventKind::RefundReturned, EventKind::RefundTraceAnswered, EventKind::LiabilityOpened]);
    let found = world.refund().trace.clone().unwrap();
    assert_eq!((found.arrived, found.due_at), (Some(false), None));
    assert_eq!(world.refused(&trace, &rita()), Rejection::WrongState("returned".to_owned()));
    assert_eq!(crate::due(&world.ledger), None);
}

fn with_coupon(coupon: i64) -> World {
    let sale = Sale { coupon: Some(cny(coupon)), ..sale() };
    World::with(&sale, SaleOutcome::Good)
}

fn with_part(id: &str, minor: i64, coupon: i64) -> Command {
    let mut wanted = refund_of(id, minor, 0);
    wanted.decision.obligations.coupon = Some(cny(coupon));
    Command::SubmitRefund(wanted)
}

/// 80.00 are refunded, the rest is voided by legal order, and the network gives the 80.00 back meanwhile.
fn returned_during_legal_void(coupon: i64) -> World {
    let mut world = with_coupon(coupon);
    world.act(&with_part("R-1", 8_000, coupon * 8 / 10), &rita());
    world.clear("R-1");
    world.send(refund_target("R-1"));
    world.done(refund_target("R-1"));
    world.act(&propose_order("O-1", 2_000), &person("lea", &["legal"]));
    world.act(&Command::AuthoriseVoid(ordered_void("V-1", "O-1", 2_000)), &person("leo", &["legal"]));
    world.send(void_target("V-1"));
    let reserved = world.ledger.clone();
    world.system(&return_of("B-1", "R-1", world.now));
    for ledger in [&reserved, &world.ledger] {
        let void = standing::coupon_of_void(ledger, &ledger.voids[0]).unwrap();
        assert_eq!(void, cny(coupon * 2 / 10), "what was promised stays promised");
    }
    world
}

#[test]
fn a_void_takes_the_coupon_it_was_promised_whatever_comes_back_meanwhile() {
    for coupon in [5_000, 2_000, 10_000] {
        let mut world = returned_during_legal_void(coupon);
        assert_eq!(world.done(void_target("V-1")), vec![EventKind::VoidDone]);
        assert_eq!(world.balance(Account::CouponSponsor), coupon * 8 / 10);
        assert_eq!(world.balance(Account::Customer), 8_000 - coupon * 8 / 10);
        let standing = standing::Standing::of(&world.ledger).unwrap();
        assert_eq!((standing.left, standing.coupon_returned), (cny(8_000), cny(coupon * 2 / 10)));
        // What the policy splits by what was taken back so far is what the ledger takes.
        world.act(&with_part("R-2", 1_000, coupon / 10), &rita());
        world.act(&with_part("R-3", 7_000, coupon * 7 / 10), &rita());
    }
}

#[test]
fn two_persons_can_end_a_void_during_which_a_refund_came_back() {
    let mut world = returned_during_legal_void(5_000);
    world.unknown(void_target("V-1"));
    assert_eq!(world.act(&resolution(void_target("V-1"), true, "bob"), &manager("mia")), vec![EventKind::VoidDone]);
    assert_eq!(world.balance(Account::CouponSponsor), 4_000);
}
