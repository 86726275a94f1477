//! What hangs on time, with clocks that nobody can trust.

use crate::world::{DAY, HOUR, MINUTE, OPENING, Shop, at, bundle_key, content, li, policy, rules, sale, sale_id};
use rescind_model::{Forwarding, Outcome, SaleOutcome};
use rescind_terminal::{Code, Source, TerminalError};

/// 23:00 in Shanghai: the cut-off of that day.
const CUT_OFF: i64 = OPENING + 12 * HOUR;

fn look(shop: &Shop, terminal: &mut rescind_terminal::Terminal, id: &str) -> (Outcome, Vec<String>) {
    let answer = terminal.check_void(shop.reading(), &sale_id(id), Some("wrong-amount".into()), li()).unwrap();
    (answer.decision.outcome, rules(&answer).into_iter().map(ToOwned::to_owned).collect())
}

#[test]
fn near_a_limit_in_time_the_server_decides() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    // The void window is half an hour; the clock may be off by six seconds and a little.
    shop.later(30 * MINUTE - 7_000);
    assert_eq!(look(&shop, &mut terminal, "S-1").0, Outcome::Allow);
    shop.later(2_000);
    assert_eq!(look(&shop, &mut terminal, "S-1"), (Outcome::Refer, vec!["offline.clock".to_owned()]));
    shop.later(4_000);
    assert!(look(&shop, &mut terminal, "S-1").1.contains(&"offline.clock".to_owned()));
}

#[test]
fn around_the_cut_off_the_server_decides() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    let mut same_day = content(2, Code::Native);
    same_day.policies[0].canonical = policy("same = [\"business-day\"]");
    terminal.apply_bundle(shop.reading(), same_day.sign(&[], &bundle_key()).unwrap()).unwrap();
    shop.now = CUT_OFF - 2 * MINUTE;
    shop.sells(&mut terminal, "S-1", 12_000);
    assert_eq!(look(&shop, &mut terminal, "S-1").0, Outcome::Allow);
    shop.now = CUT_OFF - 8_000;
    assert_eq!(look(&shop, &mut terminal, "S-1"), (Outcome::Refer, vec!["offline.clock".to_owned()]));
}

#[test]
fn a_terminal_that_is_alone_for_a_day_decides_nothing_more() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    shop.later(DAY - 10 * MINUTE);
    let mut sold = sale("S-1", 12_000, shop.now);
    sold.business_day = rescind_model::BusinessDay::new(2026, 11, 24).unwrap();
    terminal.record_sale(shop.reading(), sold, SaleOutcome::Good, Forwarding::Kept).unwrap();
    assert_eq!(look(&shop, &mut terminal, "S-1").0, Outcome::Allow);
    shop.later(10 * MINUTE);
    let (outcome, rules) = look(&shop, &mut terminal, "S-1");
    assert!(outcome == Outcome::Refer && rules.contains(&"offline.contact".to_owned()), "{rules:?}");
}

#[test]
fn after_a_restart_nothing_that_hangs_on_time_is_decided_before_the_server_was_heard() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    terminal.close();
    shop.restart(MINUTE);
    let mut terminal = shop.open();
    assert_eq!(terminal.status(shop.reading()).unwrap().clock.source, Source::Unknown);
    let (outcome, rules) = look(&shop, &mut terminal, "S-1");
    assert!(outcome == Outcome::Refer && rules.contains(&"offline.clock".to_owned()), "{rules:?}");
    // A proof cannot be checked either.
    let begun = terminal.begin(shop.reading(), &shop.begin("V-1", "S-1", 12_000));
    assert!(matches!(begun, Err(TerminalError::ClockUnknown)), "{begun:?}");
    assert!(terminal.hear(shop.reading(), shop.reading(), at(shop.now)).unwrap());
    assert_eq!(look(&shop, &mut terminal, "S-1").0, Outcome::Allow);
}

#[test]
fn a_clock_that_is_set_back_opens_no_window_again_and_is_told_once() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    shop.later(40 * MINUTE);
    assert!(look(&shop, &mut terminal, "S-1").1.contains(&"void.window".to_owned()));
    shop.wall_off = -30 * MINUTE;
    let before = terminal.status(shop.reading()).unwrap().journal.counters.records;
    let (outcome, rules) = look(&shop, &mut terminal, "S-1");
    assert!(outcome != Outcome::Allow && rules.contains(&"void.window".to_owned()), "{rules:?}");
    look(&shop, &mut terminal, "S-1");
    // The incident is one record, however often it is asked.
    assert_eq!(terminal.status(shop.reading()).unwrap().journal.counters.records, before);
    let batch = terminal.export(shop.reading(), 1, 100).unwrap().unwrap().batch;
    let text = String::from_utf8_lossy(&batch).into_owned();
    assert_eq!(text.matches("clock-set-back").count(), 1);
}

#[test]
fn a_server_that_says_an_earlier_time_is_not_believed_and_a_slow_answer_tells_nothing() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    shop.later(HOUR);
    shop.sells(&mut terminal, "S-1", 12_000);
    assert!(!terminal.hear(shop.reading(), shop.reading(), at(shop.now - 30 * MINUTE)).unwrap());
    let asked = shop.reading();
    shop.later(10_001);
    assert!(!terminal.hear(asked, shop.reading(), at(shop.now)).unwrap());
    let backwards = terminal.hear(shop.reading(), asked, at(shop.now));
    assert!(matches!(backwards, Err(TerminalError::Argument(_))));
    assert_eq!(terminal.status(shop.reading()).unwrap().clock.now, at(shop.now));
}
