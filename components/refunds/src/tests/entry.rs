use super::world::*;
use crate::draft::Draft;
use crate::entry;
use rescind_model::*;

const ACCOUNTS: [Account; 8] = [
    Account::Customer,
    Account::Merchant,
    Account::Acquirer,
    Account::AcquiringFees,
    Account::OperationFees,
    Account::LateFees,
    Account::CouponSponsor,
    Account::Liabilities,
];

fn balances(world: &World) -> [i64; 8] {
    ACCOUNTS.map(|account| world.balance(account))
}

fn whats(world: &World) -> Vec<&str> {
    world.ledger.entries.iter().map(|entry| entry.what.as_str()).collect()
}

/// 100.00, of which a coupon paid 20.00.
fn with_coupon() -> World {
    let mut bought = sale();
    bought.coupon = Some(cny(2_000));
    World::with(&bought, SaleOutcome::Good)
}

fn refund_with_coupon(id: &str, minor: i64, coupon: Option<i64>) -> RefundSubmission {
    let mut wanted = refund_of(id, minor, 0);
    wanted.decision.obligations.coupon = coupon.map(cny);
    wanted
}

#[test]
fn a_sale_is_posted_when_it_is_known_to_be_good() {
    assert_eq!(balances(&with_coupon()), [8_000, -9_940, 0, -60, 0, 0, 2_000, 0]);
    let mut world = World::with(&sale(), SaleOutcome::Unknown);
    assert_eq!(whats(&world), [""; 0]);
    world.wait(SECOND);
    world.system(&Command::RecordSaleOutcome(SaleOutcome::Good));
    assert_eq!(whats(&world), ["sale", "acquiring-fee"]);
    let first = &world.ledger.entries[0];
    assert_eq!((first.sequence, first.at, first.command.as_str()), (1, at(SECOND), "c-1"));
    assert_eq!(balances(&world), [10_000, -9_940, 0, -60, 0, 0, 0, 0]);
    let mut declined = World::with(&sale(), SaleOutcome::Unknown);
    declined.system(&Command::RecordSaleOutcome(SaleOutcome::Declined));
    assert_eq!(whats(&declined), [""; 0]);
}

#[test]
fn a_sale_without_a_fee_posts_none() {
    let mut bought = sale();
    bought.fee_charged = cny(0);
    assert_eq!(whats(&World::with(&bought, SaleOutcome::Good)), ["sale"]);
}

#[test]
fn a_void_undoes_the_sale() {
    let mut world = with_coupon();
    let mut wanted = void_of("V-1", Executor::Courier);
    wanted.decision.obligations.fees =
        vec![Fee { kind: FeeKind::AcquiringReturned, amount: cny(60), payer: Party::Acquirer }];
    world.act(&Command::AuthoriseVoid(wanted), &rita());
    world.send(void_target("V-1"));
    assert_eq!(whats(&world), ["sale", "acquiring-fee"]);
    world.done(void_target("V-1"));
    assert_eq!(whats(&world), ["sale", "acquiring-fee", "void", "fee"]);
    assert_eq!(balances(&world), [0; 8]);
    assert_eq!(world.ledger.entries[2].about.as_deref(), Some("V-1"));
}

#[test]
fn a_refund_gives_payer_and_sponsor_their_parts() {
    let mut world = with_coupon();
    world.act(&Command::SubmitRefund(refund_with_coupon("R-1", 5_000, Some(1_000))), &rita());
    world.send(refund_target("R-1"));
    assert_eq!(whats(&world), ["sale", "acquiring-fee"]);
    world.done(refund_target("R-1"));
    assert_eq!(balances(&world), [4_000, -4_940, 0, -60, 0, 0, 1_000, 0]);
    // What failed is not posted; what is owed is the customer's part.
    world.act(&Command::SubmitRefund(refund_with_coupon("R-2", 5_000, Some(1_000))), &rita());
    world.send(refund_target("R-2"));
    world.failed(refund_target("R-2"));
    assert_eq!(world.ledger.liabilities[0].amount, cny(4_000));
    assert_eq!(balances(&world), [4_000, -940, 0, -60, 0, 0, 1_000, -4_000]);
}

#[test]
fn nobody_gets_back_more_than_they_paid() {
    let mut world = with_coupon();
    let refused = |world: &World, minor, coupon| {
        let wanted = Command::SubmitRefund(refund_with_coupon("R-1", minor, coupon));
        world.attempt(&wanted, &rita()).err()
    };
    let no = Some(Rejection::NotAllowed("coupon".to_owned()));
    assert_eq!(refused(&world, 10_000, None), no, "the payer would get the sponsor's part");
    assert_eq!(refused(&world, 10_000, Some(1_999)), no);
    assert_eq!(refused(&world, 10_000, Some(2_001)), no);
    assert_eq!(refused(&world, 1_000, Some(1_001)), no);
    assert_eq!(refused(&world, 10_000, Some(2_000)), None);
    assert_eq!(refused(&world, 8_000, None), None);
    let other = Some(Money { minor: 1, currency: "JPY".to_owned() });
    let mut wanted = refund_with_coupon("R-1", 1_000, None);
    wanted.decision.obligations.coupon = other;
    assert!(matches!(world.refused(&Command::SubmitRefund(wanted), &rita()), Rejection::Invalid(_)));
    world.act(&Command::SubmitRefund(refund_with_coupon("R-2", 8_000, None)), &rita());
    assert_eq!(refused(&world, 2_000, Some(1_999)), no);
    assert_eq!(refused(&world, 2_000, Some(2_000)), None);
    let plain = World::new();
    assert_eq!(refused(&plain, 1_000, Some(1)), no, "no coupon was used");
}

#[test]
fn a_retry_takes_the_part_of_the_coupon_that_is_left() {
    // 4, of which a coupon paid 2: halves. The first failed while the second took all of the coupon.
    let mut bought = sale();
    (bought.captured, bought.coupon, bought.fee_charged) = (cny(4), Some(cny(2)), cny(0));
    let mut world = World::with(&bought, SaleOutcome::Good);
    world.act(&Command::SubmitRefund(refund_with_coupon("R-1", 2, Some(1))), &rita());
    world.send(refund_target("R-1"));
    world.failed(refund_target("R-1"));
    world.act(&Command::SubmitRefund(refund_with_coupon("R-2", 2, Some(2))), &rita());
    world.system(&Command::Retry("R-1".parse().unwrap()));
    for id in ["R-1", "R-2"] {
        world.send(refund_target(id));
        world.done(refund_target(id));
    }
    assert_eq!(world.ledger.refunds[0].coupon, Some(cny(0)));
    assert_eq!(balances(&world), [0; 8]);
}

#[test]
fn only_the_acquirer_gives_its_fee_back() {
    let world = World::new();
    let mut wanted = refund_of("R-1", 6_000, 0);
    wanted.decision.obligations.fees =
        vec![Fee { kind: FeeKind::AcquiringReturned, amount: cny(1), payer: Party::Merchant }];
    let why = world.refused(&Command::SubmitRefund(wanted), &rita());
    assert_eq!(why, Rejection::NotAllowed("fees".to_owned()));
}

#[test]
fn a_capture_is_posted_and_undone_once_and_may_come_again() {
    let mut bought = sale();
    bought.coupon = Some(cny(2_000));
    let mut world = World::with(&bought, SaleOutcome::Unknown);
    let (system, command) = (Actor::System, "c-9".parse().unwrap());
    let mut draft = Draft::of(&world.ledger, &system, &command, at(0)).unwrap();
    // Nothing was posted of an unknown sale: its reversal posts nothing.
    entry::uncaptured(&mut draft, "reversal", "O-1").unwrap();
    assert_eq!(draft.ledger.entries, vec![]);
    for completion in ["O-2", "O-3"] {
        entry::captured(&mut draft, Some(completion)).unwrap();
        entry::fees_of(
            &mut draft,
            &[Fee { kind: FeeKind::Operation, amount: cny(5), payer: Party::Acquirer }],
            completion,
        )
        .unwrap();
        entry::captured(&mut draft, Some(completion)).unwrap();
        assert_eq!(entry::balance(&draft.ledger, Account::Customer), Ok(8_000));
        entry::uncaptured(&mut draft, "completion-void", "O-9").unwrap();
        entry::uncaptured(&mut draft, "completion-void", "O-9").unwrap();
    }
    world.ledger = draft.finish().unwrap().ledger;
    let once = ["sale", "acquiring-fee", "fee", "completion-void"];
    assert_eq!(whats(&world), [once, once].concat());
    assert_eq!(balances(&world), [0, 0, 10, 0, -10, 0, 0, 0]);
}

#[test]
fn a_ledger_whose_entries_do_not_balance_is_damaged() {
    let mut world = World::new();
    world.ledger.entries[0].postings[0].amount.minor += 1;
    let damaged = Rejection::Invalid("ledger: an entry does not balance".to_owned());
    assert_eq!(world.refused(&Command::PassTime, &Actor::System), damaged);
}

#[test]
fn an_entry_in_two_currencies_does_not_balance() {
    let mut world = World::new();
    world.ledger.entries[0].postings[0].amount.currency = "USD".to_owned();
    let damaged = Rejection::Invalid("ledger: an entry does not balance".to_owned());
    assert_eq!(world.refused(&Command::PassTime, &Actor::System), damaged);
}
