//! Voids without the server: what is done, what waits, what only the server can decide.

use crate::world::{HOUR, MINUTE, Shop, at, cny, li, rules, sale, sale_id};
use rescind_journal::OperationResult;
use rescind_model::record::Question;
use rescind_model::{
    Forwarding, OfflineEffect, OperationId, OperationQuestion, Outcome, RefundQuestion, SaleOutcome, SaleStatus,
    Trouble, Way,
};
use rescind_terminal::{Ask, Begin, Subject, TerminalError, Told};

const DONE: &str = "撤销成功";
const WAITING: &str = "待联机确认";

#[test]
fn a_sale_that_never_left_the_terminal_and_its_void_cancel_each_other() {
    let shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    let look = terminal.check_void(shop.reading(), &sale_id("S-1"), Some("wrong-amount".into()), li()).unwrap();
    assert_eq!(look.decision.obligations.offline, Some(OfflineEffect::CancelsLocally), "{look:#?}");
    assert!(look.decision.obligations.authentication.is_some() && look.record.is_none());
    let answer = terminal.begin(shop.reading(), &shop.begin("V-1", "S-1", 12_000)).unwrap();
    let done = answer.operation.unwrap();
    assert_eq!(done.effect, OfflineEffect::CancelsLocally);
    assert!(done.slip.chinese.contains(DONE) && !done.slip.chinese.contains(WAITING), "{}", done.slip.chinese);
    // It must not be sent as a sale any more, and not be voided again.
    let sent = terminal.forward(shop.reading(), &sale_id("S-1"), Forwarding::PerhapsSent);
    assert!(matches!(sent, Err(TerminalError::Cancelled(_))), "{sent:?}");
    let again = terminal.begin(shop.reading(), &shop.begin("V-2", "S-1", 12_000)).unwrap();
    assert_eq!((again.decision.outcome, again.operation), (Outcome::Deny, None));
}

#[test]
fn a_sale_that_was_perhaps_sent_is_never_cancelled_here() {
    for state in [Forwarding::PerhapsSent, Forwarding::Forwarded] {
        let shop = Shop::new();
        let mut terminal = shop.ready();
        shop.sells(&mut terminal, "S-1", 12_000);
        terminal.forward(shop.reading(), &sale_id("S-1"), state).unwrap();
        let answer = terminal.begin(shop.reading(), &shop.begin("V-1", "S-1", 12_000)).unwrap();
        let queued = answer.operation.unwrap();
        assert_eq!(queued.effect, OfflineEffect::Queued);
        for slip in [&queued.slip.chinese, &queued.slip.english] {
            assert!(!slip.contains(DONE), "{slip}");
        }
        assert!(queued.slip.chinese.contains(WAITING), "{}", queued.slip.chinese);
        // It holds the sale: nothing else can be done to it here.
        let other = terminal.begin(shop.reading(), &shop.begin("V-2", "S-1", 12_000)).unwrap();
        assert!(other.operation.is_none() && rules(&other).contains(&"void.in-progress"), "{:?}", rules(&other));
    }
}

#[test]
fn a_sale_that_was_given_out_for_the_server_is_perhaps_sent_also_after_a_restart() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    // Exported, but whether it arrived nobody knows: the line broke, then the power.
    terminal.export(shop.reading(), 1, 100).unwrap().unwrap();
    terminal.close();
    let mut terminal = shop.later(MINUTE).open();
    let answer = terminal.begin(shop.reading(), &shop.begin("V-1", "S-1", 12_000)).unwrap();
    assert_eq!(answer.operation.unwrap().effect, OfflineEffect::Queued);
}

#[test]
fn the_same_name_is_begun_once_and_its_slip_is_marked() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    shop.sells(&mut terminal, "S-2", 12_000);
    let begin = shop.begin("V-1", "S-1", 12_000);
    let first = terminal.begin(shop.reading(), &begin).unwrap();
    let head = terminal.status(shop.reading()).unwrap().journal.head;
    terminal.close();
    // The answer was lost with the power; the caller asks again.
    let mut terminal = shop.later(MINUTE).open();
    let again = terminal.begin(shop.reading(), &begin).unwrap();
    assert_eq!(terminal.status(shop.reading()).unwrap().journal.head, head);
    assert_eq!((&again.decision, again.record), (&first.decision, first.record));
    let done = again.operation.unwrap();
    assert!(done.replayed && done.slip.chinese.contains("重打印"), "{}", done.slip.chinese);
    let other = terminal.begin(shop.reading(), &shop.begin("V-1", "S-2", 12_000));
    assert!(matches!(other, Err(TerminalError::Conflict(_))), "{other:?}");
}

#[test]
fn ceilings_hold_across_a_restart() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    for (n, minor) in [(1, 40_000), (2, 40_000), (3, 30_000)] {
        shop.sells(&mut terminal, &format!("S-{n}"), minor);
    }
    shop.sells(&mut terminal, "S-4", 50_001);
    let large = terminal.begin(shop.reading(), &shop.begin("V-4", "S-4", 50_001)).unwrap();
    assert_eq!((large.decision.outcome, rules(&large)), (Outcome::Refer, vec!["offline.amount"]));
    assert!(large.messages.chinese[0].contains("脱机单笔限额"), "{:?}", large.messages);
    for n in [1, 2] {
        let begin = shop.begin(&format!("V-{n}"), &format!("S-{n}"), 40_000);
        assert!(terminal.begin(shop.reading(), &begin).unwrap().operation.is_some());
    }
    terminal.close();
    let mut terminal = shop.later(MINUTE).open();
    // 400.00 twice, and 300.00 more is above 1,000.00 in all.
    let third = terminal.begin(shop.reading(), &shop.begin("V-3", "S-3", 30_000)).unwrap();
    assert_eq!((third.decision.outcome, rules(&third)), (Outcome::Refer, vec!["offline.total"]));
    // The server heard of all of it: there is room again.
    shop.sync(&mut terminal);
    assert_eq!(terminal.status(shop.reading()).unwrap().journal.counters.operations, 0);
}

#[test]
fn an_operator_has_to_prove_who_they_are_for_this_very_void() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    let without = Ask { proof: None, ..shop.void("S-1", 12_000) };
    let begin = |ask: Ask| Begin { operation: OperationId::parse("V-1").unwrap(), ask };
    let answer = terminal.begin(shop.reading(), &begin(without)).unwrap();
    assert!(answer.operation.is_none() && rules(&answer).contains(&"void.authentication"), "{:?}", rules(&answer));
    let tried = |terminal: &mut rescind_terminal::Terminal, shop: &Shop, proof: String| {
        let ask = Ask { proof: Some(proof), ..shop.void("S-1", 12_000) };
        terminal.begin(shop.reading(), &begin(ask)).map(|answer| answer.operation.is_some())
    };
    let other_amount = shop.proof("S-1", 11_999, shop.now - 1_000);
    assert!(matches!(tried(&mut terminal, &shop, other_amount), Err(TerminalError::Proof(_))));
    assert!(matches!(tried(&mut terminal, &shop, "rsp1.AAAA".into()), Err(TerminalError::Proof(_))));
    // It may have expired, for all that the clock knows: it has. 120 s, less the 6 s that the clock may be off.
    let given = shop.now;
    shop.later(114_000);
    assert!(matches!(tried(&mut terminal, &shop, shop.proof("S-1", 12_000, given)), Err(TerminalError::Proof(_))));
    shop.later(-1_000);
    assert!(tried(&mut terminal, &shop, shop.proof("S-1", 12_000, given)).is_ok());
}

#[test]
fn what_only_the_server_knows_it_decides() {
    let shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    let question =
        Question::Refund(RefundQuestion { amount: cny(1_000), reason: Some("wrong-amount".into()), evidence: vec![] });
    let refund = Ask { question, proof: None, ..shop.void("S-1", 12_000) };
    let answer = terminal.decide(shop.reading(), &refund).unwrap();
    assert!(
        answer.decision.outcome == Outcome::Deny && rules(&answer).contains(&"offline.way"),
        "{:?}",
        rules(&answer)
    );
    assert!(answer.record.is_some());
    // A sale of which the server told is never done here.
    let told = Told {
        sale: sale("S-9", 12_000, shop.now - MINUTE),
        status: SaleStatus {
            outcome: SaleOutcome::Good,
            batch_closed_at: None,
            settled_at: None,
            paid_out_at: None,
            late: None,
        },
        balance: None,
        code: None,
        hold: None,
    };
    let ask = Ask { sale: Subject::Told(told), ..shop.void("S-9", 12_000) };
    let answer = terminal.begin(shop.reading(), &Begin { operation: OperationId::parse("V-9").unwrap(), ask }).unwrap();
    assert_eq!(answer.operation.unwrap().effect, OfflineEffect::Queued);
    let ways = terminal.assess(shop.reading(), &Subject::Stored(sale_id("S-1")), None, Some(&li())).unwrap();
    assert!(ways.iter().any(|answer| answer.decision.way == Way::Void && answer.is_allowed()), "{ways:#?}");
}

#[test]
fn a_payment_that_nobody_knows_of_is_reversed_by_the_server_and_its_outcome_can_be_told() {
    let shop = Shop::new();
    let mut terminal = shop.ready();
    let unknown = sale("S-1", 12_000, shop.now);
    // One that nobody knows of was sent to somebody.
    let kept = terminal.record_sale(shop.reading(), unknown.clone(), SaleOutcome::Unknown, Forwarding::Kept);
    assert!(matches!(kept, Err(TerminalError::Argument(_))));
    terminal.record_sale(shop.reading(), unknown, SaleOutcome::Unknown, Forwarding::PerhapsSent).unwrap();
    let question = Question::Operation(OperationQuestion {
        way: Way::Reversal,
        amount: None,
        trouble: Some(Trouble::NoAnswer),
        reason: None,
        penalty: false,
    });
    let ask = Ask { question, proof: None, ..shop.void("S-1", 12_000) };
    let begin = Begin { operation: OperationId::parse("R-1").unwrap(), ask };
    let answer = terminal.begin(shop.reading(), &begin).unwrap();
    let queued = answer.operation.clone().unwrap();
    assert_eq!(queued.effect, OfflineEffect::Queued, "{answer:#?}");
    assert!(queued.slip.chinese.contains(WAITING), "{}", queued.slip.chinese);
    let id = OperationId::parse("R-1").unwrap();
    let taken_back = terminal.record_outcome(shop.reading(), &id, OperationResult::Withdrawn, None);
    assert!(matches!(taken_back, Err(TerminalError::Argument(_))));
    terminal.record_outcome(shop.reading(), &id, OperationResult::Unknown, None).unwrap();
    terminal.record_outcome(shop.reading(), &id, OperationResult::Done, Some("00".into())).unwrap();
    terminal.record_outcome(shop.reading(), &id, OperationResult::Done, None).unwrap();
    let changed = terminal.record_outcome(shop.reading(), &id, OperationResult::Failed, None);
    assert!(matches!(changed, Err(TerminalError::Conflict(_))));
}

#[test]
fn a_sale_is_stored_once_and_never_kept_again() {
    let shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    let head = terminal.status(shop.reading()).unwrap().journal.head;
    shop.sells(&mut terminal, "S-1", 12_000);
    assert_eq!(terminal.status(shop.reading()).unwrap().journal.head, head);
    let other = terminal.record_sale(shop.reading(), sale("S-1", 1, shop.now), SaleOutcome::Good, Forwarding::Kept);
    assert!(matches!(other, Err(TerminalError::Conflict(_))));
    let back = terminal.forward(shop.reading(), &sale_id("S-1"), Forwarding::Kept);
    assert!(matches!(back, Err(TerminalError::Argument(_))));
    let nobody = terminal.forward(shop.reading(), &sale_id("S-7"), Forwarding::Forwarded);
    assert!(matches!(nobody, Err(TerminalError::UnknownSale(_))));
}

#[test]
fn a_full_journal_says_so_and_takes_up_work_again() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    let mut stored = 0;
    let full = loop {
        stored += 1;
        assert!(stored < 100);
        let sold = sale(&format!("S-{stored}"), 100, shop.now);
        if let Err(error) = terminal.record_sale(shop.reading(), sold, SaleOutcome::Good, Forwarding::Kept) {
            break error;
        }
    };
    assert!(matches!(full, TerminalError::Full { records: 60 }), "{full:?}");
    assert!(terminal.status(shop.reading()).unwrap().journal.is_full);
    // Forty records are the policy's ceiling: beyond it nothing is decided, and the journal still takes sales.
    let look = terminal.check_void(shop.reading(), &sale_id("S-1"), Some("wrong-amount".into()), li()).unwrap();
    assert!(rules(&look).contains(&"offline.records"), "{:?}", rules(&look));
    shop.later(HOUR / 60);
    assert!(shop.sync(&mut terminal) >= 60);
    shop.sells(&mut terminal, "S-next", 100);
    assert_eq!(terminal.status(shop.reading()).unwrap().last_contact, Some(at(shop.now)));
}
