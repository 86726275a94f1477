use super::world::*;
use crate::chain::{Broken, link, start, verify};
use proptest::prelude::*;
use rescind_model::*;

/// A history with every kind of field in it.
fn history() -> World {
    let mut world = World::new();
    world.submit("R-1", 3_000, 1);
    world.act(&consent("R-1"), &manager("mona"));
    world.clear("R-1");
    world.send(refund_target("R-1"));
    world.wait(SECOND);
    world.failed(refund_target("R-1"));
    world.act(&open_case("C-1", Way::Refund, 2_000), &rita());
    let mut wanted = refund_of("R-2", 1_000, 0);
    wanted.decision.obligations.executor = Executor::Terminal;
    world.act(&Command::SubmitRefund(wanted), &rita());
    world.clear("R-2");
    world.act(&report(refund_target("R-2"), ResultOf::Done(evidence("00", at(0)))), &terminal());
    world.system(&return_of("B-1", "R-2", at(0)));
    world
}

/// Computed by another program (Python's hashlib) from the text in `chain.rs`.
const START: &str = "8c5928e0b978a1f1f67676f7e0e8f066bbdab6a69eb3d4cae03cfd551f878804";
const FIRST: &str = "dd1a99a5cf50ccd756a820271218c82ff0695ba5658d18cc3bd93050c7e8dc97";
const OTHER: &str = "457a19a9baf68ef651962e2134ef873dfc5f509c43c9165e1f364a6f42c2958a";

#[test]
fn a_link_is_of_the_documented_bytes() {
    let first = start(&sale().merchant, &sale().id);
    assert_eq!(first.as_str(), START);
    let world = World::new();
    assert_eq!(world.events[0].link.as_str(), FIRST);
    let event = Event {
        sequence: 2,
        kind: EventKind::CaseConsumed,
        at: Instant { unix_ms: 1 },
        command: "c-1".parse().unwrap(),
        operation: Some("V-1".parse().unwrap()),
        refund: Some("R-1".parse().unwrap()),
        amount: None,
        actor: person("rita", &["cashier", "manager"]),
        reason: Some("撤".to_owned()),
        about: Some("C-1".to_owned()),
        link: first.clone(),
    };
    assert_eq!(link(&first, &event).as_str(), OTHER);
}

#[test]
fn a_whole_history_holds() {
    let world = history();
    assert!(world.events.len() > 10);
    assert_eq!(verify(&world.ledger, &world.events), Ok(()));
    assert_eq!(world.ledger.chain, world.events.last().unwrap().link);
}

#[test]
fn what_was_cut_off_or_belongs_elsewhere_is_found() {
    let world = history();
    let all = world.events.len() as u64;
    let shorter = &world.events[..world.events.len() - 1];
    assert_eq!(verify(&world.ledger, shorter), Err(Broken::Length { expected: all, found: all - 1 }));
    assert_eq!(verify(&world.ledger, &[]), Err(Broken::Length { expected: all, found: 0 }));
    let missing = Broken::Sequence { expected: 1, found: 2 };
    assert_eq!(verify(&world.ledger, &world.events[1..]), Err(missing));
    let mut other = world.ledger.clone();
    other.sale.id = "S-2".parse().unwrap();
    assert_eq!(verify(&other, &world.events), Err(Broken::Link(1)));
    let mut head = world.ledger.clone();
    head.chain = Digest::of(b"other");
    assert_eq!(verify(&head, &world.events), Err(Broken::Head));
}

/// Changes of every field of an event, none of which leaves it as it was.
fn changes() -> Vec<fn(&mut Event)> {
    vec![
        |event| event.sequence += 1,
        |event| {
            let other = event.kind == EventKind::RefundFailed;
            event.kind = if other { EventKind::RefundCleared } else { EventKind::RefundFailed };
        },
        |event| event.at.unix_ms += 1,
        |event| event.command.value.push('x'),
        |event| event.operation = event.operation.is_none().then(|| "V-9".parse().unwrap()),
        |event| event.refund = event.refund.is_none().then(|| "R-9".parse().unwrap()),
        |event| event.amount = event.amount.is_none().then(|| cny(0)),
        |event| match &mut event.amount {
            Some(amount) => amount.minor += 1,
            None => event.amount = Some(cny(1)),
        },
        |event| match &mut event.amount {
            Some(amount) => amount.currency = "JPY".to_owned(),
            None => event.amount = Some(cny(1)),
        },
        |event| match &mut event.actor {
            Actor::Person(person) => person.id.value.push('x'),
            Actor::Terminal(_) => event.actor = Actor::System,
            Actor::System => event.actor = terminal(),
        },
        |event| match &mut event.actor {
            Actor::Person(person) => person.roles.push("auditor".parse().unwrap()),
            Actor::Terminal(terminal) => terminal.value.push('x'),
            Actor::System => event.actor = rita(),
        },
        |event| event.reason = Some(event.reason.clone().unwrap_or_default() + "x"),
        |event| event.reason = event.reason.is_none().then(String::new),
        |event| event.about = event.about.is_none().then(|| "C-9".to_owned()),
        |event| (event.reason, event.about) = (event.about.take(), Some(format!("{:?}", event.reason))),
        |event| event.link = Digest::of(event.link.as_str().as_bytes()),
    ]
}

proptest! {
    #[test]
    fn any_change_removal_or_reordering_is_found(
        index in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        change in 0..changes().len(),
        how in 0..4_u8,
    ) {
        let world = history();
        let mut events = world.events.clone();
        let (here, there) = (index.index(events.len()), other.index(events.len()));
        match how {
            0 => changes()[change](&mut events[here]),
            1 => {
                events.remove(here);
            }
            2 => {
                prop_assume!(here != there);
                events.swap(here, there);
            }
            _ => {
                let again = events[here].clone();
                events.insert(there, again);
            }
        }
        let before = world.events.clone();
        prop_assert_ne!(&events, &before);
        prop_assert!(verify(&world.ledger, &events).is_err());
        // Whoever numbers and links them anew does not meet the ledger's head.
        let mut head = start(&world.ledger.sale.merchant, &world.ledger.sale.id);
        for (number, event) in (1..).zip(&mut events) {
            event.sequence = number;
            event.link = link(&head, event);
            head = event.link.clone();
        }
        // But for the fields that numbering and linking restored.
        prop_assume!(events != before);
        prop_assert!(verify(&world.ledger, &events).is_err());
    }
}
