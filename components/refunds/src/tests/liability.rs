use super::world::*;
use rescind_model::*;

fn failed() -> World {
    let mut world = World::clearing("R-1");
    let kinds = world.failed(refund_target("R-1"));
    assert_eq!(kinds, vec![EventKind::RefundFailed, EventKind::LiabilityOpened]);
    world
}

fn retry() -> Command {
    Command::Retry("R-1".parse().unwrap())
}

#[test]
fn a_failed_refund_is_owed_to_the_customer_until_a_retry_clears() {
    let mut world = failed();
    let owed = world.ledger.liabilities[0].clone();
    let expected = Liability {
        id: owed.id.clone(),
        cause: LiabilityCause::RefundFailed,
        refund: "R-1".parse().unwrap(),
        amount: cny(6_000),
        debtor: Party::Merchant,
        creditor: Party::Customer,
        state: LiabilityState::Open,
        because: Some("refund-failed".to_owned()),
        opened_at: at(0),
        ended_by: None,
        updated_at: at(0),
    };
    assert_eq!(owed, expected);
    assert!(LiabilityId::parse(owed.id.as_str()).is_ok());
    // It fails again: what is owed is owed once.
    world.wait(SECOND);
    world.system(&retry());
    world.send(refund_target("R-1"));
    assert_eq!(world.failed(refund_target("R-1")), vec![EventKind::RefundFailed]);
    world.system(&retry());
    world.send(refund_target("R-1"));
    assert_eq!(world.done(refund_target("R-1")), vec![EventKind::RefundCleared, EventKind::LiabilityEnded]);
    let settled = Liability {
        state: LiabilityState::Settled,
        because: Some("refund-cleared".to_owned()),
        updated_at: at(SECOND),
        ..expected
    };
    assert_eq!(world.ledger.liabilities, vec![settled]);
    assert_eq!(world.balance(Account::Liabilities), 0);
}

#[test]
fn each_failed_refund_is_owed_for_itself() {
    let mut world = failed();
    world.submit("R-2", 1_000, 0);
    world.send(refund_target("R-2"));
    assert_eq!(world.failed(refund_target("R-2")), vec![EventKind::RefundFailed, EventKind::LiabilityOpened]);
    assert_eq!(world.balance(Account::Liabilities), -7_000);
    world.system(&Command::Retry("R-2".parse().unwrap()));
    world.send(refund_target("R-2"));
    world.done(refund_target("R-2"));
    let owed = world.ledger.liabilities.iter().map(|owed| (owed.refund.as_str(), owed.amount.minor, owed.state));
    let expected = [("R-1", 6_000, LiabilityState::Open), ("R-2", 1_000, LiabilityState::Settled)];
    assert_eq!(owed.collect::<Vec<_>>(), expected);
    assert_eq!(world.balance(Account::Liabilities), -6_000);
}

#[test]
fn what_was_agreed_with_the_customer_is_not_paid_again() {
    for (state, paid) in
        [(LiabilityState::Settled, true), (LiabilityState::Agreed, true), (LiabilityState::WrittenOff, false)]
    {
        let mut world = failed();
        let owed = world.ledger.liabilities[0].id.clone();
        world.wait(SECOND);
        assert_eq!(world.act(&end_liability(&owed, state), &rita()), vec![EventKind::LiabilityEnded]);
        let liability = &world.ledger.liabilities[0];
        assert_eq!((liability.state, liability.because.as_deref()), (state, Some("agreed by letter")));
        assert_eq!(liability.ended_by.as_ref().map(PersonId::as_str), Some("rita"));
        assert_eq!(world.act(&end_liability(&owed, state), &rita()), vec![]);
        let conflict = Rejection::ConflictsWith(owed.to_string());
        match world.attempt(&retry(), &Actor::System) {
            Ok(_) => assert!(!paid),
            Err(why) => assert_eq!((why, paid), (conflict, true)),
        }
    }
}

#[test]
fn what_a_retry_may_pay_is_not_ended_meanwhile() {
    let mut world = failed();
    world.system(&retry());
    let owed = world.ledger.liabilities[0].id.clone();
    let end = end_liability(&owed, LiabilityState::Agreed);
    assert_eq!(world.refused(&end, &rita()), Rejection::ConflictsWith("R-1".to_owned()));
    world.send(refund_target("R-1"));
    world.wait(SECOND);
    world.failed(refund_target("R-1"));
    assert_eq!(world.act(&end, &rita()), vec![EventKind::LiabilityEnded]);
    let other = end_liability(&owed, LiabilityState::Settled);
    assert_eq!(world.refused(&other, &rita()), Rejection::Contradicts("agreed".to_owned()));
}

#[test]
fn a_person_records_that_too_much_was_returned() {
    let mut world = World::cleared("R-1");
    let kinds = world.act(&Command::RecordLiability(claim("L-1", "R-1", 600)), &rita());
    assert_eq!(kinds, vec![EventKind::LiabilityOpened]);
    let event = world.events.last().unwrap();
    assert_eq!((event.about.as_deref(), event.reason.as_deref()), (Some("L-1"), Some("typed a zero too many")));
    assert_eq!((&event.refund, &event.amount), (&Some("R-1".parse().unwrap()), &Some(cny(600))));
    assert_eq!((world.balance(Account::Liabilities), world.balance(Account::Customer)), (-600, 4_600));
    // A provision, no movement: the balance of the sale is what it was.
    assert_eq!(world.left(), 4_000);
    let id = "L-1".parse().unwrap();
    world.act(&end_liability(&id, LiabilityState::WrittenOff), &rita());
    assert_eq!((world.balance(Account::Liabilities), world.balance(Account::Customer)), (0, 4_000));
}

#[test]
fn a_claim_is_of_a_refund_that_gives_cause_for_it() {
    type Change = fn(&mut LiabilityClaim);
    let changes: [(Change, Rejection); 7] = [
        (|claim| claim.amount = cny(6_001), Rejection::ExceedsBalance(cny(6_000))),
        (|claim| claim.amount = cny(0), Rejection::Invalid("amount: expected more than zero".to_owned())),
        (
            |claim| claim.creditor = Party::Customer,
            Rejection::Invalid("creditor: expected another than the debtor".to_owned()),
        ),
        (|claim| claim.because = " ".to_owned(), Rejection::ReasonRequired),
        (|claim| claim.refund = "R-9".parse().unwrap(), Rejection::NoSuchOperation),
        (|claim| claim.cause = LiabilityCause::RefundFailed, Rejection::WrongState("cleared".to_owned())),
        (|claim| claim.cause = LiabilityCause::RefundReturned, Rejection::WrongState("cleared".to_owned())),
    ];
    let mut world = World::cleared("R-1");
    for (change, why) in changes {
        let mut wanted = claim("L-1", "R-1", 600);
        change(&mut wanted);
        assert_eq!(world.refused(&Command::RecordLiability(wanted), &rita()), why);
    }
    let recorded = Command::RecordLiability(claim("L-1", "R-1", 600));
    assert_eq!(World::clearing("R-1").refused(&recorded, &rita()), Rejection::WrongState("clearing".to_owned()));
    let mut returned = world.clone();
    returned.system(&return_of("B-1", "R-1", at(0)));
    assert_eq!(returned.refused(&recorded, &rita()), Rejection::WrongState("returned".to_owned()));
    assert_eq!(world.refused(&recorded, &Actor::System), not_permitted("not-a-person"));
    world.act(&recorded, &rita());
    assert_eq!(world.refused(&recorded, &rita()), Rejection::NameTaken);
    let second = Command::RecordLiability(claim("L-2", "R-1", 600));
    assert_eq!(world.refused(&second, &rita()), Rejection::ConflictsWith("L-1".to_owned()));
    let open = end_liability(&"L-1".parse().unwrap(), LiabilityState::Open);
    assert!(matches!(world.refused(&open, &rita()), Rejection::Invalid(_)));
    let nothing = end_liability(&"L-9".parse().unwrap(), LiabilityState::Settled);
    assert_eq!(world.refused(&nothing, &rita()), Rejection::NoSuchOperation);
}

#[test]
fn a_correction_names_a_refund_that_cleared() {
    let mut world = World::cleared("R-1");
    world.submit("R-2", 100, 1);
    let correction = |of: &str| {
        let mut wanted = refund_of("R-3", 400, 0);
        wanted.request.corrects = Some(of.parse().unwrap());
        Command::SubmitRefund(wanted)
    };
    assert_eq!(world.refused(&correction("R-9"), &rita()), Rejection::NoSuchOperation);
    assert_eq!(world.refused(&correction("R-2"), &rita()), Rejection::WrongState("in-review".to_owned()));
    world.act(&correction("R-1"), &rita());
    assert_eq!(world.refund().request.corrects.as_ref().map(RefundId::as_str), Some("R-1"));
}
