use super::payment::*;
use super::world::*;
use rescind_model::*;

#[test]
fn a_hold_begins_held_and_lapses_by_time() {
    let mut world = World::held();
    assert_eq!(world.events[0].kind, EventKind::HoldAuthorised);
    assert_eq!((world.outcome(), world.left()), (SaleOutcome::Held, 0));
    assert_eq!(crate::due(&world.ledger), Some(at(HOLD_LIVES)));
    world.now = at(HOLD_LIVES);
    assert_eq!(world.may_not("C-1", Way::HoldCompletion, 1), Rejection::WrongState("lapsed".to_owned()));
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::HoldLapsed]);
    assert_eq!((world.outcome(), crate::due(&world.ledger)), (SaleOutcome::Lapsed, None));
    for way in [Way::HoldRelease, Way::HoldCompletion, Way::CompletionVoid, Way::Reversal, Way::OrderClose] {
        assert_eq!(world.may_not("X-1", way, 10_000), Rejection::WrongState("lapsed".to_owned()));
    }
}

#[test]
fn what_is_no_hold_is_refused() {
    type Change = fn(&mut Sale, &mut Hold, &mut SaleOutcome);
    let changes: [Change; 10] = [
        |_, _, outcome| *outcome = SaleOutcome::Good,
        |_, _, outcome| *outcome = SaleOutcome::Unpaid,
        |_, hold, _| hold.authorised = cny(9_999),
        |_, hold, _| hold.ceiling = cny(9_999),
        |_, hold, _| hold.ceiling.currency = "JPY".to_owned(),
        |_, hold, _| hold.expires_at = hold.authorised_at,
        |_, hold, _| hold.expires_at.unix_ms = i64::MAX,
        |_, hold, _| hold.authorisation_code = Some("x".repeat(501)),
        |sale, _, _| sale.fee_charged = cny(1),
        |sale, _, _| sale.coupon = Some(cny(1)),
    ];
    for (index, change) in changes.iter().enumerate() {
        let (mut sale, mut hold, mut outcome) = (held_sale(), hold(), SaleOutcome::Held);
        change(&mut sale, &mut hold, &mut outcome);
        let id = "c-0".parse().unwrap();
        let answer = crate::open(&sale, outcome, &Origin::Hold(hold), &Actor::System, &id, at(0));
        assert!(matches!(answer, Err(Rejection::Invalid(_))), "change {index} gave {answer:?}");
    }
}

#[test]
fn an_unknown_hold_becomes_known_or_is_reversed() {
    let unknown = || World::begun(&held_sale(), SaleOutcome::Unknown, &Origin::Hold(hold()));
    let mut world = unknown();
    let good = Command::RecordSaleOutcome(SaleOutcome::Good);
    assert!(matches!(world.refused(&good, &Actor::System), Rejection::Invalid(_)));
    world.system(&Command::RecordSaleOutcome(SaleOutcome::Held));
    assert_eq!((world.outcome(), crate::due(&world.ledger)), (SaleOutcome::Held, Some(at(HOLD_LIVES))));
    for (took_place, outcome) in [(true, SaleOutcome::Reversed), (false, SaleOutcome::Held)] {
        let mut world = unknown();
        world.begin("X-1", Way::Reversal, 10_000);
        world.send(target("X-1"));
        if took_place {
            world.done(target("X-1"))
        } else {
            world.failed(target("X-1"))
        };
        assert_eq!(world.outcome(), outcome);
    }
}

#[test]
fn a_release_gives_all_of_it_back() {
    let mut world = World::held();
    world.begin("X-1", Way::HoldRelease, 10_000);
    world.send(target("X-1"));
    world.done(target("X-1"));
    assert_eq!((world.outcome(), world.left()), (SaleOutcome::Released, 0));
    assert_eq!(crate::due(&world.ledger), None);
    let only_all = World::held().may_not("X-1", Way::HoldRelease, 9_999);
    assert_eq!(only_all, Rejection::NotAllowed("amount".to_owned()));
}

#[test]
fn a_completion_captures_up_to_the_ceiling_and_makes_a_sale_of_it() {
    for minor in [1, 4_000, 10_000, 11_500] {
        let world = World::completed(minor);
        let fee = cny(50.min(minor));
        assert_eq!(world.outcome(), SaleOutcome::Good);
        if minor >= 50 {
            let expected = Sale {
                captured: cny(minor),
                fee_charged: fee,
                business_day: BusinessDay::new(2026, 11, 20).unwrap(),
                paid_at: at(SECOND),
                ..held_sale()
            };
            assert_eq!(world.ledger.sale, expected);
        }
        assert_eq!((world.left(), crate::due(&world.ledger)), (minor, None));
    }
}

#[test]
fn a_completion_beyond_the_ceiling_or_without_its_fee_is_refused() {
    let world = World::held();
    assert_eq!(world.may_not("C-1", Way::HoldCompletion, 11_501), Rejection::ExceedsBalance(cny(11_500)));
    let mut bare = wanted("C-1", Way::HoldCompletion, 1_000);
    bare.capture = None;
    let mut dear = wanted("C-1", Way::HoldCompletion, 1_000);
    dear.capture = Some(Capture { fee_charged: cny(1_001), ..capture() });
    let mut dated = wanted("C-1", Way::HoldCompletion, 1_000);
    dated.capture = Some(Capture { business_day: BusinessDay { year: 2026, month: 2, day: 30 }, ..capture() });
    let mut other = wanted("C-1", Way::HoldRelease, 10_000);
    other.capture = Some(capture());
    let mut penalty = wanted("C-1", Way::HoldRelease, 10_000);
    penalty.penalty = true;
    let mut nothing = wanted("C-1", Way::HoldCompletion, 0);
    nothing.capture = Some(Capture { fee_charged: cny(0), ..capture() });
    let mut foreign = wanted("C-1", Way::HoldCompletion, 1_000);
    foreign.decision.amount.currency = "JPY".to_owned();
    foreign.capture = Some(Capture { fee_charged: foreign.decision.amount.clone(), ..capture() });
    for bad in [bare, dear, dated, other, penalty, nothing, foreign] {
        let why = world.refused(&Command::Authorise(bad.clone()), &rita());
        assert!(matches!(why, Rejection::Invalid(_)), "{bad:?} gave {why:?}");
    }
}

#[test]
fn a_penalty_is_a_completion_that_releases_the_rest() {
    let mut world = World::held();
    let mut kept = wanted("C-1", Way::HoldCompletion, 3_000);
    kept.penalty = true;
    world.act(&Command::Authorise(kept), &rita());
    assert!(world.operation().penalty);
    world.send(target("C-1"));
    world.done(target("C-1"));
    assert_eq!((world.outcome(), world.ledger.sale.captured.clone()), (SaleOutcome::Good, cny(3_000)));
}

#[test]
fn a_completion_and_a_release_exclude_each_other() {
    let mut world = World::held();
    world.begin("C-1", Way::HoldCompletion, 4_000);
    let conflict = Rejection::ConflictsWith("C-1".to_owned());
    assert_eq!(world.may_not("X-1", Way::HoldRelease, 10_000), conflict);
    assert_eq!(world.may_not("C-2", Way::HoldCompletion, 4_000), conflict);
    world.send(target("C-1"));
    world.unknown(target("C-1"));
    // Accepted in time: the hold does not lapse under it, and it may be done later.
    world.now = at(HOLD_LIVES + HOUR);
    assert_eq!(world.system(&Command::PassTime), vec![]);
    assert_eq!(world.may_not("X-1", Way::HoldRelease, 10_000), conflict);
    let mut failed = world.clone();
    world.done(target("C-1"));
    assert_eq!((world.outcome(), world.left()), (SaleOutcome::Good, 4_000));
    assert_eq!(world.may_not("X-1", Way::HoldRelease, 4_000), Rejection::WrongState("good".to_owned()));
    failed.failed(target("C-1"));
    assert_eq!((failed.outcome(), crate::due(&failed.ledger)), (SaleOutcome::Held, Some(at(HOLD_LIVES))));
    assert_eq!(failed.system(&Command::PassTime), vec![EventKind::HoldLapsed]);

    let mut released = World::held();
    released.begin("X-1", Way::HoldRelease, 10_000);
    assert_eq!(released.may_not("C-1", Way::HoldCompletion, 1), Rejection::ConflictsWith("X-1".to_owned()));
}

#[test]
fn the_void_of_a_completion_makes_the_hold_stand_again() {
    let mut world = World::completed(4_000);
    world.begin("X-1", Way::CompletionVoid, 4_000);
    assert_eq!(world.left(), 0);
    let conflict = Rejection::ConflictsWith("X-1".to_owned());
    let mut void = void_of("V-1", Executor::Courier);
    void.decision.amount = cny(4_000);
    assert_eq!(world.refused(&Command::AuthoriseVoid(void), &rita()), conflict);
    assert_eq!(world.refused(&Command::SubmitRefund(refund_of("R-1", 1, 0)), &rita()), conflict);
    world.send(target("X-1"));
    let mut failed = world.clone();
    failed.failed(target("X-1"));
    assert_eq!((failed.outcome(), failed.left()), (SaleOutcome::Good, 4_000));
    world.done(target("X-1"));
    // The business day stays that of the completion.
    let expected = Sale { business_day: capture().business_day, ..held_sale() };
    assert_eq!((world.outcome(), world.ledger.sale.clone()), (SaleOutcome::Held, expected));
    assert_eq!(crate::due(&world.ledger), Some(at(HOLD_LIVES)));
    world.begin("C-2", Way::HoldCompletion, 11_500);
    world.send(target("C-2"));
    world.done(target("C-2"));
    assert_eq!((world.outcome(), world.left()), (SaleOutcome::Good, 11_500));
}

#[test]
fn a_completion_is_posted_and_its_void_posts_the_opposite() {
    let balances = |world: &World| {
        let accounts = [Account::Customer, Account::Merchant, Account::AcquiringFees, Account::OperationFees];
        accounts.map(|account| crate::entry::balance(&world.ledger, account).unwrap())
    };
    assert_eq!(World::held().ledger.entries, vec![]);
    let mut world = World::completed(4_000);
    assert_eq!(balances(&world), [4_000, -3_950, -50, 0]);
    let mut void = wanted("X-1", Way::CompletionVoid, 4_000);
    let fee = |kind, minor, payer| Fee { kind, amount: cny(minor), payer };
    void.decision.obligations.fees =
        vec![fee(FeeKind::AcquiringReturned, 50, Party::Acquirer), fee(FeeKind::Operation, 7, Party::Merchant)];
    world.act(&Command::Authorise(void), &rita());
    world.send(target("X-1"));
    let mut failed = world.clone();
    failed.failed(target("X-1"));
    assert_eq!(balances(&failed), [4_000, -3_950, -50, 0]);
    world.done(target("X-1"));
    assert_eq!(balances(&world), [0, 7, 0, -7]);
    let entries = world.ledger.entries.iter().map(|entry| (entry.what.as_str(), entry.about.as_deref()));
    let expected =
        [("sale", Some("C-1")), ("acquiring-fee", Some("C-1")), ("completion-void", Some("X-1")), ("fee", Some("X-1"))];
    assert!(entries.eq(expected), "{:#?}", world.ledger.entries);
    world.begin("C-2", Way::HoldCompletion, 11_500);
    world.send(target("C-2"));
    world.done(target("C-2"));
    assert_eq!(balances(&world), [11_500, -11_443, -50, -7]);
}

#[test]
fn only_a_whole_and_unsettled_completion_can_be_voided() {
    let mut settled = World::completed(4_000);
    settled.system(&Command::RecordSettled);
    assert_eq!(settled.may_not("X-1", Way::CompletionVoid, 4_000), Rejection::WrongState("settled".to_owned()));
    let mut refunded = World::completed(4_000);
    refunded.submit("R-1", 1_000, 0);
    let conflict = Rejection::ConflictsWith("R-1".to_owned());
    assert_eq!(refunded.may_not("X-1", Way::CompletionVoid, 4_000), conflict);
    refunded.clear("R-1");
    refunded.send(refund_target("R-1"));
    refunded.failed(refund_target("R-1"));
    // The network has seen a refund of it.
    assert_eq!(refunded.may_not("X-1", Way::CompletionVoid, 4_000), conflict);
    assert_eq!(World::new().may_not("X-1", Way::CompletionVoid, 10_000), Rejection::WrongState("good".to_owned()));
    // Whatever else is true of it: a payment without a hold has no completion.
    let mut settled = World::new();
    settled.system(&Command::RecordSettled);
    assert_eq!(settled.may_not("X-1", Way::CompletionVoid, 10_000), Rejection::WrongState("good".to_owned()));
    let part = World::completed(4_000).may_not("X-1", Way::CompletionVoid, 3_999);
    assert_eq!(part, Rejection::NotAllowed("amount".to_owned()));
}

#[test]
fn what_was_settled_of_one_completion_says_nothing_of_the_next() {
    let mut world = World::completed(5_000);
    world.begin("V-1", Way::CompletionVoid, 5_000);
    world.send(target("V-1"));
    world.system(&Command::RecordBatchClosed);
    world.system(&Command::RecordSettled);
    world.done(target("V-1"));
    assert_eq!(world.outcome(), SaleOutcome::Held);
    let status = &world.ledger.status;
    assert_eq!((status.batch_closed_at, status.settled_at, status.paid_out_at), (None, None, None));
    for command in [Command::RecordSettled, Command::RecordPaidOut] {
        assert_eq!(world.refused(&command, &Actor::System), Rejection::WrongState("held".to_owned()));
    }
    world.begin("C-2", Way::HoldCompletion, 6_000);
    world.send(target("C-2"));
    world.done(target("C-2"));
    world.begin("V-2", Way::CompletionVoid, 6_000);
}
