use super::world::*;
use crate::limits;
use rescind_model::*;

fn commitments(count: usize) -> Vec<Digest> {
    (0..count).map(|number| Digest::of(number.to_string().as_bytes())).collect()
}

#[test]
fn an_erasure_is_told_and_leaves_the_chain_as_it_was() {
    let mut bought = sale();
    bought.contact = Some(Digest::of(b"salt and number"));
    let mut world = World::with(&bought, SaleOutcome::Good);
    let named = [vec![Digest::of(b"salt and number")], commitments(7)].concat();
    let kinds = world.system(&Command::RecordErasure(named.clone()));
    assert_eq!(kinds, vec![EventKind::DataErased; 2]);
    let told: Vec<_> = world.events[1..].iter().filter_map(|event| event.reason.clone()).collect();
    let words: Vec<_> = told.iter().flat_map(|text| text.split(' ')).collect();
    assert_eq!(words, named.iter().map(Digest::as_str).collect::<Vec<_>>());
    assert!(told.iter().all(|text| text.len() <= limits::TEXT_BYTES), "{told:?}");
    assert_eq!(world.ledger.sale, bought);
    assert_eq!(crate::chain::verify(&world.ledger, &world.events), Ok(()));
}

#[test]
fn an_erasure_names_what_it_erased() {
    let world = World::new();
    for named in [vec![], commitments(65), vec![Digest { hex: "00".to_owned() }]] {
        let why = world.refused(&Command::RecordErasure(named), &Actor::System);
        assert!(matches!(why, Rejection::Invalid(_)), "{why:?}");
    }
}

#[test]
fn a_full_history_still_lets_personal_data_be_erased() {
    let mut world = World::clearing("R-1");
    loop {
        world.wait(SECOND);
        world.failed(refund_target("R-1"));
        let retry = Command::Retry("R-1".parse().unwrap());
        if world.attempt(&retry, &Actor::System).is_err() {
            break;
        }
        world.system(&retry);
    }
    for _ in 0..6 {
        world.system(&Command::RecordErasure(commitments(64)));
    }
    let full = Rejection::LimitReached("events".to_owned());
    world.system(&Command::RecordErasure(commitments(21)));
    assert_eq!(world.refused(&Command::RecordErasure(commitments(64)), &Actor::System), full);
    // What was owed can still end.
    let owed = world.ledger.liabilities[0].id.clone();
    assert_eq!(world.act(&end_liability(&owed, LiabilityState::Agreed), &rita()), vec![EventKind::LiabilityEnded]);
}
