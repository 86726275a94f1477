use super::world::*;
use rescind_model::*;

fn in_review(needed: u32) -> World {
    let mut world = World::new();
    world.submit("R-1", 6_000, needed);
    world
}

#[test]
fn the_last_approval_completes_the_consent() {
    let mut world = in_review(2);
    let waiting = world.refund().clone();
    world.wait(SECOND);
    assert_eq!(world.act(&consent("R-1"), &manager("mona")), vec![EventKind::RefundApprovalGiven]);
    let approval = |by: &str, ms| Approval {
        by: by.parse().unwrap(),
        role: "manager".parse().unwrap(),
        revision: 1,
        digest: waiting.digest.clone(),
        at: at(ms),
    };
    let once = Refund { approvals: vec![approval("mona", SECOND)], updated_at: at(SECOND), ..waiting.clone() };
    assert_eq!(*world.refund(), once);
    world.wait(SECOND);
    let kinds = world.act(&consent("R-1"), &manager("max"));
    assert_eq!(kinds, vec![EventKind::RefundApprovalGiven, EventKind::RefundApproved]);
    let twice = Refund {
        state: RefundState::Approved,
        approvals: vec![approval("mona", SECOND), approval("max", 2 * SECOND)],
        updated_at: at(2 * SECOND),
        due_at: None,
        ..waiting
    };
    assert_eq!(*world.refund(), twice);
    assert_eq!(world.refused(&consent("R-1"), &manager("mia")), Rejection::WrongState("approved".to_owned()));
}

#[test]
fn requester_operator_and_approvers_are_distinct_persons_with_a_role() {
    let mut world = in_review(3);
    let requester = person("rita", &["cashier", "manager"]);
    assert_eq!(world.refused(&consent("R-1"), &requester), not_permitted("requester"));
    assert_eq!(world.refused(&consent("R-1"), &olga()), not_permitted("operator"));
    assert_eq!(world.refused(&consent("R-1"), &person("carl", &["cashier"])), not_permitted("role"));
    assert_eq!(world.refused(&consent("R-1"), &person("carl", &[])), not_permitted("role"));
    for by in [Actor::System, terminal()] {
        assert_eq!(world.refused(&consent("R-1"), &by), not_permitted("not-a-person"));
    }
    world.act(&consent("R-1"), &manager("mona"));
    assert_eq!(world.refused(&consent("R-1"), &manager("mona")), not_permitted("already-approved"));
}

#[test]
fn naming_another_operator_does_not_let_the_sales_operator_approve() {
    let mut world = in_review(1);
    // The refund names olga; sam operated the terminal when the sale was made.
    world.ledger.sale.operator = Some("sam".parse().unwrap());
    assert_eq!(world.refused(&consent("R-1"), &manager("sam")), not_permitted("operator"));
    assert_eq!(world.refused(&consent("R-1"), &olga()), not_permitted("operator"));
    // Nor does what sam consented to before that was known.
    world.act(&consent("R-1"), &manager("mona"));
    world.ledger.sale.operator = Some("mona".parse().unwrap());
    let clear = Command::Clear("R-1".parse().unwrap());
    assert_eq!(world.refused(&clear, &manager("max")), Rejection::NotAllowed("consent".to_owned()));
}

#[test]
fn an_approval_is_of_what_the_person_saw() {
    let mut world = in_review(1);
    let saw = |revision, digest: Option<Digest>| {
        Command::Approve(Consent { refund: "R-1".parse().unwrap(), revision, digest })
    };
    let other = Some(Digest::of(b"other"));
    let current = Some(world.refund().digest.clone());
    let mona = manager("mona");
    assert_eq!(world.refused(&saw(Some(2), None), &mona), Rejection::Changed(1));
    assert_eq!(world.refused(&saw(Some(1), other.clone()), &mona), Rejection::Changed(1));
    assert_eq!(world.refused(&saw(None, other), &mona), Rejection::Changed(1));
    assert_eq!(world.act(&saw(Some(1), current), &mona).len(), 2);
}

#[test]
fn an_escalation_lets_its_roles_approve_from_its_instant_on() {
    let mut world = in_review(1);
    let dora = person("dora", &["director"]);
    world.wait(HOUR - 1);
    assert_eq!(world.refused(&consent("R-1"), &dora), not_permitted("role"));
    world.wait(1);
    // The instant counts, not whether a timer has run.
    world.act(&consent("R-1"), &dora);
    assert_eq!(world.refund().approvals[0].role.as_str(), "director");
}

#[test]
fn nobody_decides_after_the_deadline_even_if_no_timer_has_run() {
    let mut world = in_review(1);
    world.wait(24 * HOUR - 1);
    assert!(world.attempt(&consent("R-1"), &manager("mona")).is_ok());
    world.wait(1);
    let expired = Rejection::WrongState("expired".to_owned());
    assert_eq!(world.refused(&consent("R-1"), &manager("mona")), expired);
    assert_eq!(world.refused(&Command::Decline(refusal("R-1", "x")), &manager("mona")), expired);
    assert_eq!(world.refused(&Command::Withdraw(refusal("R-1", "x")), &rita()), expired);
}

#[test]
fn whoever_could_approve_can_decline_with_a_reason() {
    let mut world = in_review(2);
    let decline = |reason| Command::Decline(refusal("R-1", reason));
    assert_eq!(world.refused(&decline("no"), &rita()), not_permitted("requester"));
    assert_eq!(world.refused(&decline("no"), &olga()), not_permitted("operator"));
    assert_eq!(world.refused(&decline("no"), &person("carl", &["cashier"])), not_permitted("role"));
    assert_eq!(world.refused(&decline("no"), &Actor::System), not_permitted("not-a-person"));
    assert_eq!(world.refused(&decline(" \n"), &manager("mona")), Rejection::ReasonRequired);
    // Who has approved may think again.
    world.act(&consent("R-1"), &manager("mona"));
    assert_eq!(world.act(&decline("receipt forged"), &manager("mona")), vec![EventKind::RefundDeclined]);
    let refund = world.refund();
    assert_eq!((refund.state, refund.ended_because.as_deref()), (RefundState::Declined, Some("receipt forged")));
    assert_eq!(world.left(), 10_000);
}

#[test]
fn a_refund_that_needs_information_can_be_declined_or_taken_back_but_not_approved() {
    let mut world = in_review(1);
    world.ledger.refunds[0].state = RefundState::NeedsInformation;
    let wrong = Rejection::WrongState("needs-information".to_owned());
    assert_eq!(world.refused(&consent("R-1"), &manager("mona")), wrong);
    assert!(world.attempt(&Command::Decline(refusal("R-1", "x")), &manager("mona")).is_ok());
    assert!(world.attempt(&Command::Withdraw(refusal("R-1", "x")), &rita()).is_ok());
    world.wait(24 * HOUR);
    assert_eq!(world.system(&Command::PassTime), vec![EventKind::RefundExpired]);
}

#[test]
fn complete_consent_is_kept_however_long_it_takes() {
    let mut world = in_review(1);
    world.act(&consent("R-1"), &manager("mona"));
    world.wait(1_000 * HOUR);
    assert_eq!(world.system(&Command::PassTime), vec![]);
    assert_eq!(world.clear("R-1"), vec![EventKind::RefundClearing]);
}

#[test]
fn nothing_clears_without_the_consent_its_plan_demanded() {
    let mut approved = in_review(2);
    approved.act(&consent("R-1"), &manager("mona"));
    approved.act(&consent("R-1"), &manager("max"));
    type Change = fn(&mut Refund);
    let changes: [Change; 8] = [
        |refund| {
            refund.approvals.pop();
        },
        |refund| refund.revision = 2,
        |refund| refund.request.amount.minor = 6_001,
        |refund| refund.request.note = None,
        |refund| refund.approvals[0].by = "max".parse().unwrap(),
        |refund| refund.approvals[0].by = "rita".parse().unwrap(),
        |refund| refund.approvals[0].by = "olga".parse().unwrap(),
        |refund| refund.approvals[0].digest = Digest::of(b"other"),
    ];
    let no = Rejection::NotAllowed("consent".to_owned());
    for (index, change) in changes.iter().enumerate() {
        for (state, command) in [
            (RefundState::Approved, Command::Clear("R-1".parse().unwrap())),
            (RefundState::Queued, Command::Clear("R-1".parse().unwrap())),
            (RefundState::Approved, Command::RecordSent(refund_target("R-1"))),
            (RefundState::Failed, Command::Retry("R-1".parse().unwrap())),
        ] {
            let mut world = approved.clone();
            world.ledger.refunds[0].state = state;
            assert!(world.attempt(&command, &Actor::System).is_ok(), "{command:?}");
            change(&mut world.ledger.refunds[0]);
            assert_eq!(world.refused(&command, &Actor::System), no, "change {index}, {command:?}");
        }
    }
}
