use super::payment::*;
use super::world::*;
use rescind_model::*;

fn scanned(outcome: SaleOutcome, when: Instant) -> Command {
    Command::RecordScan(scan(outcome, when))
}

#[test]
fn a_code_begins_unpaid_and_ends_by_time() {
    let mut world = World::unpaid();
    assert_eq!(world.events[0].kind, EventKind::CodeCreated);
    assert_eq!((world.outcome(), world.left()), (SaleOutcome::Unpaid, 0));
    assert_eq!(crate::due(&world.ledger), Some(at(CODE_LIVES)));
    world.now = at(CODE_LIVES - 1);
    assert_eq!(world.system(&Command::PassTime), vec![]);
    world.wait(1);
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::CodeExpired]);
    assert_eq!((world.outcome(), crate::due(&world.ledger)), (SaleOutcome::Expired, None));
    assert_eq!(world.system(&Command::PassTime), vec![]);
}

#[test]
fn what_is_no_code_is_refused() {
    type Change = fn(&mut Sale, &mut PaymentCode, &mut SaleOutcome);
    let changes: [Change; 9] = [
        |_, _, outcome| *outcome = SaleOutcome::Good,
        |_, _, outcome| *outcome = SaleOutcome::Held,
        |sale, _, _| sale.channel = Channel::Card,
        |sale, _, _| sale.fee_charged = cny(10_001),
        |_, code, _| code.expires_at = code.created_at,
        |_, code, _| code.expires_at.unix_ms = i64::MAX,
        |_, code, _| code.reference = String::new(),
        |_, code, _| code.reference = "a b".to_owned(),
        |_, code, _| code.scanned_at = Some(at(1)),
    ];
    for (index, change) in changes.iter().enumerate() {
        let (mut sale, mut code, mut outcome) = (code_sale(), code(), SaleOutcome::Unpaid);
        change(&mut sale, &mut code, &mut outcome);
        let id = "c-0".parse().unwrap();
        let answer = crate::open(&sale, outcome, &Origin::Code(code), &Actor::System, &id, at(0));
        assert!(matches!(answer, Err(Rejection::Invalid(_))), "change {index} gave {answer:?}");
    }
}

#[test]
fn a_scan_writes_what_was_paid_once() {
    for outcome in [SaleOutcome::Good, SaleOutcome::Unknown] {
        let mut world = World::unpaid();
        world.wait(MINUTE);
        let when = at(MINUTE - SECOND);
        assert_eq!(world.system(&scanned(outcome, when)), vec![EventKind::CodeScanned]);
        let expected = Sale {
            paid_at: when,
            business_day: BusinessDay::new(2026, 11, 19).unwrap(),
            fee_charged: cny(38),
            payer_token: Some("scanner".to_owned()),
            retrieval_reference: Some("999999999999".to_owned()),
            ..code_sale()
        };
        assert_eq!(world.ledger.sale, expected);
        assert_eq!(world.ledger.code, Some(PaymentCode { scanned_at: Some(when), ..code() }));
        assert_eq!(world.outcome(), outcome);
        // The code's time no longer matters. If nobody finds out what became of the scan, a person is called.
        let doubted = outcome == SaleOutcome::Unknown;
        assert_eq!(crate::due(&world.ledger), doubted.then(|| at(MINUTE + 10 * MINUTE)));

        let before = world.ledger.clone();
        world.wait(HOUR);
        assert_eq!(world.system(&scanned(outcome, when)), vec![]);
        assert_eq!(world.ledger, before);
        let other = [scanned(outcome, at(1)), {
            let mut other = scan(outcome, when);
            other.fee_charged = cny(39);
            Command::RecordScan(other)
        }];
        for command in other {
            let contradicts = Rejection::Contradicts(token::Token::token(outcome).to_owned());
            assert_eq!(world.refused(&command, &Actor::System), contradicts);
        }
    }
}

#[test]
fn a_scan_that_says_more_is_not_the_same_scan() {
    let mut world = World::scanned_unheard();
    let when = world.now;
    let why = world.refused(&scanned(SaleOutcome::Good, when), &Actor::System);
    assert_eq!(why, Rejection::Contradicts("unknown".to_owned()));
    assert_eq!(world.system(&Command::RecordSaleOutcome(SaleOutcome::Good)), vec![EventKind::SaleOutcomeKnown]);
    // The first scan, delivered again, knew nothing: it does not speak against what is known.
    assert_eq!(world.system(&scanned(SaleOutcome::Unknown, when)), vec![]);
    assert_eq!((world.outcome(), world.left()), (SaleOutcome::Good, 10_000));
}

#[test]
fn what_counts_is_when_a_code_was_scanned_and_not_when_that_was_heard() {
    let mut late = World::unpaid();
    late.now = at(CODE_LIVES + HOUR);
    let too_late = scanned(SaleOutcome::Good, at(CODE_LIVES));
    assert_eq!(late.refused(&too_late, &Actor::System), Rejection::WrongState("expired".to_owned()));
    let mut expired = late.clone();
    expired.system(&Command::PassTime);
    assert_eq!(expired.refused(&too_late, &Actor::System), Rejection::WrongState("expired".to_owned()));
    for mut world in [late, expired] {
        let in_time = scanned(SaleOutcome::Good, at(CODE_LIVES - 1));
        assert_eq!(world.system(&in_time), vec![EventKind::CodeScanned]);
        assert_eq!((world.outcome(), world.left()), (SaleOutcome::Good, 10_000));
        let paid = crate::entry::balance(&world.ledger, Account::Customer);
        let fee = crate::entry::balance(&world.ledger, Account::AcquiringFees);
        assert_eq!((paid, fee), (Ok(10_000), Ok(-38)));
    }
}

#[test]
fn a_scan_and_a_cancellation_exclude_each_other() {
    let scan_it = |world: &World| scanned(SaleOutcome::Good, world.now);
    let mut cancelled = World::unpaid();
    cancelled.begin("X-1", Way::OrderClose, 10_000);
    let conflict = Rejection::ConflictsWith("X-1".to_owned());
    assert_eq!(cancelled.refused(&scan_it(&cancelled), &Actor::System), conflict);
    cancelled.send(target("X-1"));
    assert_eq!(cancelled.refused(&scan_it(&cancelled), &Actor::System), conflict);
    // Nothing of the code's own ends while it is being closed.
    cancelled.now = at(CODE_LIVES + MINUTE);
    assert_eq!(cancelled.system(&Command::PassTime), vec![]);
    let mut failed = cancelled.clone();
    assert_eq!(cancelled.done(target("X-1")), vec![EventKind::OperationDone]);
    assert_eq!(cancelled.outcome(), SaleOutcome::Cancelled);
    let in_time = scanned(SaleOutcome::Good, at(1));
    assert_eq!(cancelled.refused(&in_time, &Actor::System), Rejection::Contradicts("cancelled".to_owned()));

    // The provider could not close it: it was paid.
    let called = vec![EventKind::OperationFailed, EventKind::OperationAttention];
    assert_eq!(failed.failed(target("X-1")), called);
    assert_eq!(failed.outcome(), SaleOutcome::Unpaid);
    assert_eq!(failed.system(&in_time), vec![EventKind::CodeScanned]);

    let mut paid = World::unpaid();
    paid.system(&scan_it(&paid));
    assert_eq!(paid.may_not("X-1", Way::OrderClose, 10_000), Rejection::WrongState("good".to_owned()));
    paid.authorise("V-1", Executor::Courier);
    paid.send(void_target("V-1"));
    paid.done(void_target("V-1"));
    assert_eq!(paid.left(), 0);
}

#[test]
fn an_expired_code_can_still_be_closed_at_the_provider() {
    let mut world = World::unpaid();
    world.now = at(CODE_LIVES);
    world.system(&Command::PassTime);
    world.begin("X-1", Way::OrderClose, 10_000);
    world.send(target("X-1"));
    let mut failed = world.clone();
    failed.failed(target("X-1"));
    assert_eq!(failed.outcome(), SaleOutcome::Expired);
    world.done(target("X-1"));
    assert_eq!(world.outcome(), SaleOutcome::Cancelled);
}

#[test]
fn a_scan_out_of_range_is_refused() {
    type Change = fn(&mut Scan);
    let changes: [Change; 8] = [
        |scan| scan.outcome = SaleOutcome::Unpaid,
        |scan| scan.outcome = SaleOutcome::Reversed,
        |scan| scan.at = at(-1),
        |scan| scan.at = at(HOUR),
        |scan| scan.business_day.month = 13,
        |scan| scan.fee_charged = cny(10_001),
        |scan| scan.fee_charged.currency = "JPY".to_owned(),
        |scan| scan.payer_token = Some("x".repeat(501)),
    ];
    let mut world = World::unpaid();
    world.wait(MINUTE);
    for (index, change) in changes.iter().enumerate() {
        let mut bad = scan(SaleOutcome::Good, at(0));
        change(&mut bad);
        let why = world.refused(&Command::RecordScan(bad), &Actor::System);
        assert!(matches!(why, Rejection::Invalid(_)), "change {index} gave {why:?}");
    }
    let no_code = World::new().refused(&scanned(SaleOutcome::Good, at(0)), &Actor::System);
    assert_eq!(no_code, Rejection::WrongState("good".to_owned()));
}

#[test]
fn a_declined_scan_leaves_the_code_as_it_was() {
    for outcome in [SaleOutcome::Declined, SaleOutcome::Failed] {
        let mut world = World::unpaid();
        world.wait(SECOND);
        let before = world.ledger.clone();
        assert_eq!(world.system(&scanned(outcome, world.now)), vec![EventKind::CodeScanned]);
        let told = world.events.last().unwrap().reason.clone();
        assert_eq!(told.as_deref(), Some(token::Token::token(outcome)));
        let refused = RefusedScan {
            at: world.now,
            retrieval_reference: Some("999999999999".to_owned()),
            payer_token: Some("scanner".to_owned()),
        };
        let expected = Ledger { events: 2, chain: world.ledger.chain.clone(), refused_scan: Some(refused), ..before };
        assert_eq!(world.ledger, expected);
        let mut closed = world.clone();
        closed.begin("X-1", Way::OrderClose, 10_000);
        world.wait(SECOND);
        world.system(&scanned(SaleOutcome::Good, world.now));
        assert_eq!((world.outcome(), world.left()), (SaleOutcome::Good, 10_000));
    }
}

#[test]
fn a_scan_that_turns_out_declined_leaves_the_code_to_be_paid_or_closed() {
    for outcome in [SaleOutcome::Declined, SaleOutcome::Failed] {
        let mut world = World::scanned_unheard();
        let when = world.now;
        let asked = Sale {
            paid_at: code().created_at,
            business_day: world.ledger.sale.business_day,
            fee_charged: cny(0),
            payer_token: None,
            retrieval_reference: None,
            ..code_sale()
        };
        assert_eq!(world.system(&Command::RecordSaleOutcome(outcome)), vec![EventKind::SaleOutcomeKnown]);
        assert_eq!(world.events.last().unwrap().reason.as_deref(), Some(token::Token::token(outcome)));
        assert_eq!((world.outcome(), &world.ledger.code), (SaleOutcome::Unpaid, &Some(code())));
        assert_eq!((&world.ledger.sale, &world.ledger.doubt), (&asked, &None));
        assert_eq!(crate::due(&world.ledger), Some(at(CODE_LIVES)));
        // Where there is no room for another scan, the payment ends.
        let mut full = World::scanned_unheard();
        full.ledger.events = crate::limits::EVENTS - 5;
        full.system(&Command::RecordSaleOutcome(outcome));
        assert_eq!((full.outcome(), crate::due(&full.ledger)), (outcome, None));
        // The first scan, delivered again, knew nothing: there is no payment to be found out about.
        assert_eq!(world.system(&scanned(SaleOutcome::Unknown, when)), vec![]);
        assert_eq!(world.outcome(), SaleOutcome::Unpaid);

        let mut closed = world.clone();
        closed.begin("X-1", Way::OrderClose, 10_000);
        closed.send(target("X-1"));
        closed.done(target("X-1"));
        assert_eq!(closed.outcome(), SaleOutcome::Cancelled);
        let mut expired = world.clone();
        expired.now = at(CODE_LIVES);
        assert_eq!(expired.system(&Command::PassTime), vec![EventKind::CodeExpired]);
        world.wait(SECOND);
        assert_eq!(world.system(&scanned(SaleOutcome::Good, world.now)), vec![EventKind::CodeScanned]);
        assert_eq!((world.outcome(), world.left()), (SaleOutcome::Good, 10_000));
    }
}

/// Another payer's scan of the code of [`World::scanned_unheard`], after its first was refused.
fn scanned_again(first: SaleOutcome, when: Instant) -> World {
    let mut world = World::scanned_unheard();
    world.system(&Command::RecordSaleOutcome(first));
    world.wait(SECOND);
    let reference = Some("888888888888".to_owned());
    let second = Scan { retrieval_reference: reference, ..scan(SaleOutcome::Unknown, when) };
    assert_eq!(world.system(&Command::RecordScan(second)), vec![EventKind::CodeScanned]);
    world
}

#[test]
fn a_second_word_about_a_refused_scan_does_not_take_back_the_next() {
    use SaleOutcome::{Declined, Failed, Good, Unknown};
    for first in [Declined, Failed] {
        let mut world = scanned_again(first, at(2 * SECOND));
        let before = world.ledger.clone();
        for again in [Declined, Failed] {
            assert_eq!(world.system(&outcome_of(again, Some(at(SECOND)), None)), vec![]);
            assert_eq!(world.system(&outcome_of(again, None, Some("999999999999"))), vec![]);
            let unnamed = world.refused(&Command::RecordSaleOutcome(again), &Actor::System);
            let asks = matches!(&unnamed, Rejection::Invalid(why) if why.contains("by its at or retrieval-reference"));
            assert!(asks, "{unnamed:?}");
            let nowhere = world.refused(&outcome_of(again, Some(at(0)), None), &Actor::System);
            assert!(matches!(&nowhere, Rejection::Invalid(why) if why.contains("no such scan")), "{nowhere:?}");
        }
        assert_eq!((&world.ledger, world.outcome()), (&before, Unknown));
        let mut declined = world.clone();
        let back = declined.system(&outcome_of(Declined, Some(at(2 * SECOND)), None));
        assert_eq!((back, declined.outcome()), (vec![EventKind::SaleOutcomeKnown], SaleOutcome::Unpaid));
        let good = world.system(&outcome_of(Good, None, Some("888888888888")));
        assert_eq!((good, world.outcome(), world.left()), (vec![EventKind::SaleOutcomeKnown], Good, 10_000));
        // One that was declined as it was scanned is not taken for the next either.
        let mut at_once = World::unpaid();
        at_once.system(&scanned(first, at(0)));
        at_once.wait(SECOND);
        let second = Scan { retrieval_reference: None, ..scan(Unknown, at_once.now) };
        at_once.system(&Command::RecordScan(second));
        assert!(matches!(at_once.refused(&Command::RecordSaleOutcome(first), &Actor::System), Rejection::Invalid(_)));
        assert_eq!(at_once.system(&outcome_of(first, None, Some("999999999999"))), vec![]);
        assert_eq!(at_once.outcome(), Unknown);
    }
    let mut sale = World::unheard();
    assert!(matches!(sale.refused(&outcome_of(Good, Some(at(0)), None), &Actor::System), Rejection::Invalid(_)));
    assert_eq!(sale.system(&Command::RecordSaleOutcome(Good)), vec![EventKind::SaleOutcomeKnown]);
}

#[test]
fn a_refused_scan_that_was_good_after_all_calls_a_person() {
    use SaleOutcome::{Declined, Expired, Good, Unknown, Unpaid};
    let called = vec![EventKind::SaleLateAnswer, EventKind::SaleAttention];
    let kept = LateAnswer { outcome: Good, evidence: evidence("scan", at(1)) };
    let mut unpaid = World::scanned_unheard();
    unpaid.system(&Command::RecordSaleOutcome(Declined));
    let mut expired = unpaid.clone();
    expired.now = at(CODE_LIVES);
    expired.system(&Command::PassTime);
    let second = scanned_again(Declined, at(2 * SECOND));
    let mut paid = second.clone();
    paid.system(&outcome_of(Good, Some(at(2 * SECOND)), None));
    for (mut world, outcome) in [(unpaid.clone(), Unpaid), (expired, Expired), (second, Unknown), (paid, Good)] {
        let good = outcome_of(Good, None, Some("999999999999"));
        assert_eq!(world.system(&good), called);
        assert_eq!((world.outcome(), &world.ledger.status.late), (outcome, &Some(kept.clone())));
        assert_eq!(world.system(&good), vec![]);
    }
    // Where there is no payment, whichever scan was good calls a person: said with its name, or as a late answer without.
    let mut another = unpaid.clone();
    assert_eq!(another.system(&outcome_of(Good, None, Some("777777777777"))), called);
    let mut unnamed = unpaid.clone();
    assert_eq!(unnamed.system(&late(Good, at(1))), called);
    assert_eq!(unpaid.refused(&late(Declined, at(1)), &Actor::System), Rejection::WrongState("unpaid".to_owned()));
    // Nothing new is made of what no scan is known to be: one that came to nothing, another beside a payment, or the first.
    let unknown_scan = |world: &World, outcome| {
        let refused = world.refused(&outcome_of(outcome, None, Some("777777777777")), &Actor::System);
        assert!(matches!(&refused, Rejection::Invalid(why) if why.contains("no such scan")), "{refused:?}");
    };
    unknown_scan(&unpaid, Declined);
    unknown_scan(&scanned_again(Declined, at(2 * SECOND)), Good);
    unknown_scan(&World::unpaid(), Good);
    // The scan itself, told with what became of it, is the payment.
    assert_eq!(unnamed.system(&scanned(Good, at(SECOND))), vec![EventKind::CodeScanned]);
    assert_eq!((unnamed.outcome(), unnamed.left()), (Good, 10_000));
}

#[test]
fn a_second_scan_by_a_slow_clock_is_not_the_one_that_was_refused() {
    use SaleOutcome::{Declined, Unknown};
    let told = |reference: Option<&str>, token: &str, when: i64| {
        let (payer_token, retrieval_reference) = (Some(token.to_owned()), reference.map(str::to_owned));
        Command::RecordScan(Scan { payer_token, retrieval_reference, ..scan(Unknown, at(when)) })
    };
    // What was refused, what comes then, and whether that is another scan.
    for (first, then, another) in [
        (told(Some("1"), "p", 0), told(Some("1"), "p", 0), false),
        (told(Some("1"), "p", 0), told(Some("1"), "p", 5), false),
        (told(Some("1"), "p", 0), told(Some("2"), "p", 0), true),
        (told(Some("1"), "p", 5), told(None, "p", 5), true),
        (told(None, "p", 5), told(None, "p", 5), false),
        (told(None, "p", 5), told(None, "q", 5), true),
        (told(None, "p", 5), told(None, "p", 6), true),
        // A clock that is behind says when the code was made.
        (told(None, "p", 0), told(None, "p", 0), true),
    ] {
        let unpaid = Sale { retrieval_reference: None, ..code_sale() };
        let mut world = World::begun(&unpaid, SaleOutcome::Unpaid, &Origin::Code(code()));
        world.wait(SECOND);
        world.system(&first);
        world.system(&Command::RecordSaleOutcome(Declined));
        let expected = if another { vec![EventKind::CodeScanned] } else { vec![] };
        assert_eq!(world.system(&then), expected, "{first:?}, then {then:?}");
    }
}

#[test]
fn of_two_scans_at_one_instant_the_reference_says_which_is_meant() {
    use SaleOutcome::{Declined, Unpaid};
    let mut world = scanned_again(Declined, at(SECOND));
    let both = world.refused(&outcome_of(Declined, Some(at(SECOND)), None), &Actor::System);
    assert!(matches!(&both, Rejection::Invalid(why) if why.contains("twice at that instant")), "{both:?}");
    assert_eq!(world.system(&outcome_of(Declined, Some(at(SECOND)), Some("999999999999"))), vec![]);
    let back = world.system(&outcome_of(Declined, Some(at(SECOND)), Some("888888888888")));
    assert_eq!((back, world.outcome()), (vec![EventKind::SaleOutcomeKnown], Unpaid));
}

#[test]
fn a_scan_that_is_being_undone_gets_a_late_answer() {
    use SaleOutcome::{Declined, Good, Reversed, Unknown};
    let mut world = scanned_again(Declined, at(2 * SECOND));
    world.begin("X-1", Way::Reversal, 10_000);
    let before = world.ledger.clone();
    assert_eq!(world.system(&outcome_of(Declined, None, Some("999999999999"))), vec![]);
    assert_eq!(world.ledger, before);
    let late = world.system(&outcome_of(Good, None, Some("888888888888")));
    assert_eq!((late, world.outcome()), (vec![EventKind::SaleLateAnswer], Unknown));
    while world.step() == Some(step::Step::AskForSale) {
        world.system(&Command::RecordQuery(target("X-1")));
    }
    world.send(target("X-1"));
    world.done(target("X-1"));
    assert_eq!(world.outcome(), Reversed);
    let called = world.system(&outcome_of(Good, None, Some("888888888888")));
    assert_eq!(called, vec![EventKind::SaleLateAnswer, EventKind::OperationAttention]);
}
