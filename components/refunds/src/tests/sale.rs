use super::world::*;
use crate::open;
use rescind_model::*;

#[test]
fn a_ledger_opens_with_its_first_event() {
    let by = terminal();
    let first = open(&sale(), SaleOutcome::Good, &Origin::Sale, &by, &"c-0".parse().unwrap(), at(0)).unwrap();
    let line = |account, side, minor| Posting { account, side, amount: cny(minor) };
    let entry = |sequence, what: &str, postings| Entry {
        sequence,
        at: at(0),
        command: "c-0".parse().unwrap(),
        what: what.to_owned(),
        about: None,
        postings,
    };
    let paid = vec![line(Account::Customer, Side::Debit, 10_000), line(Account::Merchant, Side::Credit, 10_000)];
    let paid = entry(1, "sale", paid);
    let fee = vec![line(Account::Merchant, Side::Debit, 60), line(Account::AcquiringFees, Side::Credit, 60)];
    let fee = entry(2, "acquiring-fee", fee);
    let event = Event {
        sequence: 1,
        kind: EventKind::SaleRegistered,
        at: at(0),
        command: "c-0".parse().unwrap(),
        operation: None,
        refund: None,
        amount: Some(cny(10_000)),
        actor: by,
        reason: Some("good".to_owned()),
        about: None,
        link: Digest::of(b""),
    };
    let event = linked(&crate::chain::start(&sale().merchant, &sale().id), event);
    let expected = Transition {
        ledger: Ledger {
            sale: sale(),
            status: SaleStatus {
                outcome: SaleOutcome::Good,
                batch_closed_at: None,
                settled_at: None,
                paid_out_at: None,
                late: None,
            },
            voids: vec![],
            code: None,
            hold: None,
            doubt: None,
            refused_scan: None,
            refunds: vec![],
            operations: vec![],
            cases: vec![],
            orders: vec![],
            returns: vec![],
            liabilities: vec![],
            entries: vec![paid, fee],
            events: 1,
            chain: event.link.clone(),
        },
        events: vec![event],
    };
    assert_eq!(first, expected);
}

#[test]
fn the_outcome_of_a_sale_becomes_known_once() {
    for known in [SaleOutcome::Good, SaleOutcome::Declined, SaleOutcome::Failed] {
        let mut world = World::with(&sale(), SaleOutcome::Unknown);
        assert_eq!(world.system(&Command::RecordSaleOutcome(SaleOutcome::Unknown)), vec![]);
        assert_eq!(world.system(&Command::RecordSaleOutcome(known)), vec![EventKind::SaleOutcomeKnown]);
        let settled = world.ledger.clone();
        assert_eq!(world.system(&Command::RecordSaleOutcome(known)), vec![]);
        assert_eq!(world.ledger, settled);
        for other in [SaleOutcome::Good, SaleOutcome::Declined, SaleOutcome::Failed, SaleOutcome::Unknown] {
            if other != known {
                let why = world.refused(&Command::RecordSaleOutcome(other), &Actor::System);
                assert_eq!(why, Rejection::Contradicts(token::Token::token(known).to_owned()));
            }
        }
    }
}

#[test]
fn milestones_are_dated_by_the_first_who_tells() {
    let mut world = World::new();
    let milestones = [
        (Command::RecordBatchClosed, EventKind::SaleBatchClosed),
        (Command::RecordSettled, EventKind::SaleSettled),
        (Command::RecordPaidOut, EventKind::SalePaidOut),
    ];
    for (command, kind) in &milestones {
        world.wait(SECOND);
        assert_eq!(world.system(command), vec![*kind]);
    }
    let before = world.ledger.clone();
    world.wait(SECOND);
    for (command, _) in &milestones {
        assert_eq!(world.system(command), vec![]);
    }
    assert_eq!(world.ledger, before);
    let status = SaleStatus {
        outcome: SaleOutcome::Good,
        batch_closed_at: Some(at(SECOND)),
        settled_at: Some(at(2 * SECOND)),
        paid_out_at: Some(at(3 * SECOND)),
        late: None,
    };
    assert_eq!(world.ledger.status, status);
}

#[test]
fn only_a_sale_known_to_be_good_can_be_taken_back() {
    for outcome in [SaleOutcome::Unknown, SaleOutcome::Declined, SaleOutcome::Failed] {
        let world = World::with(&sale(), outcome);
        let expected = Rejection::SaleNotGood(token::Token::token(outcome).to_owned());
        let void = Command::AuthoriseVoid(void_of("V-1", Executor::Courier));
        assert_eq!(world.refused(&void, &rita()), expected);
        let refund = Command::SubmitRefund(refund_of("R-1", 6_000, 0));
        assert_eq!(world.refused(&refund, &rita()), expected);
    }
}

#[test]
fn what_is_no_sale_has_no_ledger() {
    type Change = fn(&mut Sale);
    let changes: [Change; 13] = [
        |sale| sale.captured = cny(0),
        |sale| sale.captured = cny(-1),
        |sale| sale.captured.currency = "XXX".to_owned(),
        |sale| sale.fee_charged.currency = "JPY".to_owned(),
        |sale| sale.id.value = "S 1".to_owned(),
        |sale| sale.merchant.value = String::new(),
        |sale| sale.operator = Some(PersonId { value: "a:b".to_owned() }),
        |sale| sale.business_day.month = 13,
        |sale| sale.paid_at.unix_ms = -1,
        |sale| sale.order_number = Some("x".repeat(501)),
        |sale| sale.coupon = Some(cny(10_001)),
        |sale| sale.coupon = Some(Money { minor: 1, currency: "JPY".to_owned() }),
        |sale| sale.contact = Some(Digest { hex: "00".to_owned() }),
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut bad = sale();
        change(&mut bad);
        let answer = open(&bad, SaleOutcome::Good, &Origin::Sale, &Actor::System, &"c-0".parse().unwrap(), at(0));
        assert!(matches!(answer, Err(Rejection::Invalid(_))), "change {index} gave {answer:?}");
    }
}
