//! What goes to the server, and what comes back.

use crate::world::{MINUTE, Shop, at, li, sale_id};
use rescind_journal::{Became, OperationAnswer};
use rescind_model::{OperationId, RefundId};
use rescind_terminal::TerminalError;

#[test]
fn what_is_exported_can_be_exported_again_and_is_let_go_once_it_was_acknowledged() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    terminal.begin(shop.reading(), &shop.begin("V-1", "S-1", 12_000)).unwrap();
    let first = terminal.export(shop.reading(), 1, 4).unwrap().unwrap();
    let again = terminal.export(shop.reading(), 1, 4).unwrap().unwrap();
    assert_eq!((&first.batch, first.first, first.last), (&again.batch, again.first, again.last));
    assert_eq!((first.last, first.remaining), (3, 3), "the decision goes with its operation");
    let mut answer = shop.answer(&first.batch);
    answer.operations.push(OperationAnswer {
        operation: OperationId::parse("V-1").unwrap(),
        became: Became::Refund(RefundId::parse("RF-1").unwrap()),
        detail: Some("超过撤销时限,已转为退货申请".into()),
    });
    let synced = terminal.acknowledge(shop.reading(), shop.reading(), &answer).unwrap();
    assert_eq!((synced.released, synced.time_taken, &synced.operations), (3, true, &answer.operations));
    // The same answer again lets nothing more go.
    let synced = terminal.acknowledge(shop.reading(), shop.reading(), &answer).unwrap();
    assert_eq!(synced.released, 0);
    shop.known = Some(answer.head);
    shop.sync(&mut terminal);
    // What the server knows is forgotten here, with its records.
    let gone = terminal.check_void(shop.reading(), &sale_id("S-1"), None, li());
    assert!(matches!(gone, Err(TerminalError::UnknownSale(_))));
}

#[test]
fn an_answer_to_another_story_lets_nothing_go() {
    let mut shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    let export = terminal.export(shop.reading(), 1, 100).unwrap().unwrap();
    let mut answer = shop.answer(&export.batch);
    answer.head.link.0[0] ^= 1;
    shop.later(MINUTE);
    let refused = terminal.acknowledge(shop.reading(), shop.reading(), &answer);
    assert!(matches!(refused, Err(TerminalError::Acknowledgement(_))), "{refused:?}");
    let status = terminal.status(shop.reading()).unwrap();
    assert_eq!(status.journal.acknowledged.next, 1);
    assert_eq!(status.last_contact, Some(at(shop.now - MINUTE)));
}

#[test]
fn decisions_can_be_made_again_from_what_was_exported() {
    let shop = Shop::new();
    let mut terminal = shop.ready();
    shop.sells(&mut terminal, "S-1", 12_000);
    terminal.begin(shop.reading(), &shop.begin("V-1", "S-1", 12_000)).unwrap();
    let export = terminal.export(shop.reading(), 1, 100).unwrap().unwrap();
    let answer = shop.answer(&export.batch);
    assert_eq!(answer.head.next, export.last + 1);
    let owner = rescind_journal::Owner { merchant: "M-1".parse().unwrap(), terminal: "T1".parse().unwrap() };
    let key = crate::world::terminal_key();
    let public = rescind_bundle::Signer::public(&key);
    let batch = rescind_journal::verify_batch(&export.batch, public, &rescind_bundle::Ed25519, &owner, None).unwrap();
    let decided = batch.records.iter().find_map(|(record, _)| match &record.entry {
        rescind_journal::Entry::Decision(decided) => Some(decided.as_ref().clone()),
        _ => None,
    });
    let decided = decided.unwrap();
    // The same component and policy, elsewhere: the same answer.
    let content = crate::world::content(1, rescind_terminal::Code::Pulley);
    // SAFETY: translated by this process.
    #[expect(unsafe_code, reason = "a translation that the test made")]
    let code = unsafe { rescind_decider::Verified::new(&content.code) };
    let runtime = rescind_decider::Runtime::with_instances(&rescind_decider::Target::Pulley, code, 1).unwrap();
    let again = runtime.decide_once(&content.policies[0].canonical, &decided.input.facts, &decided.input.question);
    assert_eq!(serde_json::to_vec(&again.unwrap()).unwrap(), serde_json::to_vec(&decided.answer).unwrap());
    assert_eq!(decided.input_digest, decided.input.digest());
}
