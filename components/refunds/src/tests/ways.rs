//! The laws of what is neither void nor refund: its random commands, and what holds after each.

use super::payment::*;
use super::world::*;
use proptest::prelude::*;
use rescind_model::token::Token;
use rescind_model::*;
use std::collections::BTreeSet;

/// A name that is taken now and then.
pub(super) fn name() -> impl Strategy<Value = String> {
    (0..6).prop_map(|number| format!("X-{number}"))
}

fn way() -> impl Strategy<Value = Way> {
    use Way::{CompletionVoid, HoldCompletion, HoldRelease, OrderClose, Reversal};
    prop::sample::select(vec![Reversal, OrderClose, HoldRelease, HoldCompletion, HoldCompletion, CompletionVoid])
}

fn authorisation() -> impl Strategy<Value = Command> {
    let amount = prop_oneof![6 => Just(10_000_i64), 2 => Just(4_000_i64), 1 => 1..11_600_i64];
    let executor = prop::sample::select(vec![Executor::Courier, Executor::Courier, Executor::Terminal]);
    let fee = prop_oneof![3 => Just(None), 1 => (0..60_i64).prop_map(Some)];
    (name(), way(), amount, executor, fee, 0..3_usize).prop_map(|(id, way, minor, executor, fee, waits)| {
        let mut wanted = wanted(&id, way, minor);
        let obligations = &mut wanted.decision.obligations;
        obligations.executor = executor;
        obligations.queries = vec![Duration::seconds(3); waits];
        let fee = fee.map(|minor| Fee { kind: FeeKind::AcquiringReturned, amount: cny(minor), payer: Party::Acquirer });
        obligations.fees = fee.into_iter().collect();
        Command::Authorise(wanted)
    })
}

/// An operation from its beginning on, as far as it gets.
pub(super) fn life() -> impl Strategy<Value = Vec<Command>> {
    let says = prop::sample::select(vec![ResultOf::Done, ResultOf::Failed, ResultOf::Unknown]);
    (authorisation(), says, 0..3_usize).prop_map(|(begins, says, until)| {
        let Command::Authorise(wanted) = &begins else { return vec![begins] };
        let target = Target::Operation(wanted.id.clone());
        let sent = Command::RecordSent(target.clone());
        let heard = report(target, says(evidence("x", at(0))));
        [vec![begins], [sent, heard].into_iter().take(until).collect()].concat()
    })
}

/// Commands about the payment itself.
pub(super) fn command() -> impl Strategy<Value = Command> {
    use SaleOutcome::{Declined, Failed, Good, Held, Unknown};
    let scanned = (prop::sample::select(vec![Good, Good, Unknown, Declined, Failed]), 0..CODE_LIVES + MINUTE);
    let told = prop::sample::select(vec![Good, Declined, Failed]);
    let named = 0..3_u8;
    prop_oneof![
        8 => authorisation(),
        2 => scanned.prop_map(|(outcome, when)| Command::RecordScan(scan(outcome, at(when)))),
        1 => told.clone().prop_map(|outcome| late(outcome, at(0))),
        1 => (told, named).prop_map(|(outcome, named)| match named {
            0 => outcome_of(outcome, None, Some("999999999999")),
            1 => outcome_of(outcome, Some(at(SECOND)), None),
            _ => outcome_of(outcome, Some(at(0)), None),
        }),
        1 => Just(Command::RecordSaleOutcome(Held)),
        1 => Just(Command::RecordTrouble(TroubleReport { trouble: Trouble::NoAnswer, note: None })),
    ]
}

/// A payment of any beginning; a sale or code that a coupon paid a part of, or not.
pub(super) fn beginning() -> impl Strategy<Value = World> {
    (0..10_u8, prop::option::of(1..10_001_i64)).prop_map(|(which, coupon)| {
        let sale = Sale { coupon: coupon.map(cny), ..sale() };
        match which {
            0 => {
                let sale = Sale { coupon: sale.coupon, ..code_sale() };
                World::begun(&sale, SaleOutcome::Unpaid, &Origin::Code(code()))
            }
            1 => World::held(),
            2 => World::with(&sale, SaleOutcome::Unknown),
            3 => World::scanned_unheard(),
            4 => World::begun(&held_sale(), SaleOutcome::Unknown, &Origin::Hold(hold())),
            5 | 6 => World::completed(10_000),
            _ => World::with(&sale, SaleOutcome::Good),
        }
    })
}

/// An operation's kind and state.
pub(super) fn named(operation: &Operation) -> String {
    format!("{} {}", operation.kind.token(), operation.state.token())
}

/// Every outcome of a payment, and every kind of operation in every state.
pub(super) fn all() -> BTreeSet<String> {
    let outcomes = SaleOutcome::ALL.iter().map(|(_, token)| (*token).to_owned());
    let kinds = Way::ALL.iter().filter(|(way, _)| !matches!(way, Way::Void | Way::Refund));
    let states = kinds.flat_map(|(_, way)| OperationState::ALL.iter().map(move |(_, state)| format!("{way} {state}")));
    outcomes.chain(states).collect()
}

fn open(ledger: &Ledger) -> Vec<&Operation> {
    ledger.operations.iter().filter(|operation| operation.state.holds_reservation()).collect()
}

/// What holds of any ledger.
pub(super) fn holds(ledger: &Ledger) {
    let open = open(ledger);
    assert!(open.len() <= 1, "two operations under way: {open:#?}");
    let voids = ledger.voids.iter().filter(|void| void.state.holds_reservation()).count();
    let refunds = ledger.refunds.iter().filter(|refund| refund.state.holds_reservation()).count();
    assert!(open.is_empty() || voids + refunds == 0, "an operation beside a void or refund");
    let standing = standing::Standing::of(ledger).unwrap();
    assert_eq!(standing.operation_open, !open.is_empty());
    let parts = [&standing.cleared, &standing.voided, &standing.reversed, &standing.reserved];
    let spoken_for: i64 = parts.iter().map(|part| part.minor).sum();
    let captured = ledger.sale.captured.minor;
    assert!(spoken_for <= captured);
    let capturable = matches!(ledger.status.outcome, SaleOutcome::Good | SaleOutcome::Unknown);
    assert_eq!(standing.left.minor, if capturable { captured - spoken_for } else { 0 });
    assert!(standing.fee_returned.minor <= ledger.sale.fee_charged.minor);
    // What has ended for good leaves nothing under way.
    use SaleOutcome::{Cancelled, Lapsed, Released, Reversed};
    if matches!(ledger.status.outcome, Cancelled | Lapsed | Released | Reversed) {
        assert_eq!(open, Vec::<&Operation>::new());
    }
    if let Some(hold) = &ledger.hold {
        assert!(captured <= hold.ceiling.minor);
        if ledger.status.outcome != SaleOutcome::Good && voids + refunds == 0 {
            assert_eq!(ledger.sale.captured, hold.authorised, "{:?}", ledger.status.outcome);
        }
    }
}

/// Whether this outcome may follow that one, and by what.
fn follows(old: SaleOutcome, new: SaleOutcome, kinds: &[EventKind], ended: Option<(Way, OperationState)>) -> bool {
    use OperationState::{Done, Failed as Undone};
    use SaleOutcome::*;
    let said = |kind| kinds.contains(&kind);
    match (old, new) {
        (Unknown, Good | Declined | Failed | Held) if said(EventKind::SaleOutcomeKnown) => true,
        // A code is as it was before its scan.
        (Unknown, Unpaid) => said(EventKind::SaleOutcomeKnown),
        (Unpaid | Expired, Good | Unknown | Declined | Failed) => said(EventKind::CodeScanned),
        (Unpaid, Expired) => said(EventKind::CodeExpired),
        (Held, Lapsed) => said(EventKind::HoldLapsed),
        (Unpaid | Expired, Cancelled) => ended == Some((Way::OrderClose, Done)),
        (Unknown, Reversed) => matches!(ended, Some((Way::Reversal | Way::OrderClose, Done))),
        (Unknown, Good | Held) => matches!(ended, Some((Way::Reversal | Way::OrderClose, Undone))),
        (Held, Good) => ended == Some((Way::HoldCompletion, Done)),
        (Held, Released) => ended == Some((Way::HoldRelease, Done)),
        (Good, Held) => ended == Some((Way::CompletionVoid, Done)),
        _ => false,
    }
}

/// What holds of any step.
pub(super) fn continues(before: &Ledger, next: &Transition) {
    let after = &next.ledger;
    let kinds: Vec<_> = next.events.iter().map(|event| event.kind).collect();
    let mut ended = None;
    assert!(before.operations.len() <= after.operations.len());
    for (old, new) in before.operations.iter().zip(&after.operations) {
        let was_open = old.state.holds_reservation();
        if was_open && !new.state.holds_reservation() {
            assert_eq!(ended, None, "two operations ended at once");
            ended = Some((new.kind, new.state));
        }
        if !was_open {
            // Only a late answer, or who looks after it, touches what has ended.
            let seen = Operation { attention: new.attention, updated_at: new.updated_at, ..old.clone() };
            assert_eq!(*new, seen);
        }
        let promised = |operation: &Operation| Operation {
            state: OperationState::Authorised,
            attempts: 0,
            queries: 0,
            attention: false,
            updated_at: operation.authorised_at,
            due_at: None,
            evidence: None,
            ..operation.clone()
        };
        assert_eq!(promised(old), promised(new));
        assert!(old.attempts <= new.attempts && old.updated_at <= new.updated_at);
    }
    let (old, new) = (before.status.outcome, after.status.outcome);
    assert!(old == new || follows(old, new, &kinds, ended), "{old:?} became {new:?} by {kinds:?}, {ended:?}");
    if before.status.late.is_some() && after.status.late != before.status.late {
        // Only what calls a person takes the place of the first answer.
        let called = [EventKind::OperationAttention, EventKind::SaleAttention];
        assert!(called.iter().any(|kind| kinds.contains(kind)), "{kinds:?}");
        assert_eq!(after.status.late.as_ref().map(|late| late.outcome), Some(SaleOutcome::Good));
    }
    let put_back = (old, new) == (SaleOutcome::Unknown, SaleOutcome::Unpaid);
    let written = kinds.contains(&EventKind::CodeScanned)
        || put_back
        || matches!(ended, Some((Way::HoldCompletion | Way::CompletionVoid, OperationState::Done)));
    if !written {
        assert_eq!((&after.sale, &after.code, &after.hold), (&before.sale, &before.code, &before.hold));
    }
    if let (Some(old), Some(new)) = (&before.code, &after.code) {
        assert!(old.scanned_at.is_none() || old == new || put_back, "a code was scanned twice");
    }
    assert_eq!(before.hold, after.hold);
    if kinds.contains(&EventKind::CodeScanned) {
        assert_eq!(open(before), Vec::<&Operation>::new(), "a scan of what was being cancelled");
    }
}

/// When time ends the payment itself: not while a person has to find out whether it was paid after all.
pub(super) fn ends_at(ledger: &Ledger) -> Option<Instant> {
    let refused = |operation: &&Operation| operation.state == OperationState::Failed && operation.attention;
    let mut doubtful = ledger.operations.iter().filter(refused);
    match ledger.status.outcome {
        _ if !open(ledger).is_empty() => None,
        _ if doubtful.any(|operation| matches!(operation.kind, Way::OrderClose | Way::HoldRelease)) => None,
        SaleOutcome::Unpaid => ledger.code.as_ref().map(|code| code.expires_at),
        SaleOutcome::Held => ledger.hold.as_ref().map(|hold| hold.expires_at),
        _ => None,
    }
}

/// When a person is called about a payment that nobody knows of and nobody undoes.
pub(super) fn calls_from(ledger: &Ledger) -> Option<Instant> {
    let unknown = ledger.status.outcome == SaleOutcome::Unknown;
    assert_eq!(unknown, ledger.doubt.is_some(), "a doubt about {:?}", ledger.status.outcome);
    let waits = ledger.doubt.as_ref().filter(|doubt| !doubt.attention && open(ledger).is_empty())?;
    Some(Instant { unix_ms: waits.since.unix_ms + 10 * MINUTE })
}

#[test]
fn a_proof_for_one_operation_stands_behind_no_other() {
    let mut world = World::new();
    let digest = Some(Digest::of(b"a refund of 10.00"));
    let proof = Authentication {
        person: "rita".parse().unwrap(),
        method: AuthenticationMethod::Pin,
        at: world.now,
        operation: digest,
    };
    let proved = |id: &str, proof: &Authentication| {
        let mut wanted = refund_of(id, 1_000, 0);
        wanted.grounds.authentication = Some(proof.clone());
        Command::SubmitRefund(wanted)
    };
    world.act(&proved("R-1", &proof), &rita());
    assert_eq!(world.refused(&proved("R-2", &proof), &rita()), not_permitted("proof-used"));
    // Given anew it is another; one that is bound to nothing is a session's.
    let anew = Authentication { at: at(1), ..proof.clone() };
    world.act(&proved("R-3", &anew), &rita());
    let session = Authentication { operation: None, ..proof };
    world.act(&proved("R-4", &session), &rita());
    world.act(&proved("R-5", &session), &rita());
}
