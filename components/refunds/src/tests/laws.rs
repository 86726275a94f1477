//! Laws that hold after any sequence of commands, by anyone, at any time.

use super::payment;
use super::ways;
use super::world::*;
use crate::{apply, conservation, due, limits, room};
use proptest::prelude::*;
use rescind_model::standing::Standing;
use rescind_model::*;
use std::collections::BTreeSet;

/// One random step: a command, who gives it, and how the clock moves before.
#[derive(Debug, Clone)]
struct Step {
    command: Command,
    by: Actor,
    wait: i64,
}

fn wait() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => 0..5 * SECOND,
        2 => 0..20 * MINUTE,
        1 => 0..30 * HOUR,
        1 => -2 * HOUR..0,
    ]
}

fn actor() -> impl Strategy<Value = Actor> {
    let actors = vec![
        Actor::System,
        Actor::System,
        terminal(),
        rita(),
        olga(),
        manager("mona"),
        manager("max"),
        person("rita", &["manager"]),
        person("dora", &["director"]),
        person("carl", &[]),
        sue(),
        person("lee", &["legal"]),
    ];
    prop::sample::select(actors)
}

fn void_name() -> impl Strategy<Value = String> {
    (0..3).prop_map(|number| format!("V-{number}"))
}

fn refund_name() -> impl Strategy<Value = String> {
    (0..5).prop_map(|number| format!("R-{number}"))
}

fn target(ways: u32) -> impl Strategy<Value = Target> {
    prop_oneof![
        10 => void_name().prop_map(|id| void_target(&id)),
        20 => refund_name().prop_map(|id| refund_target(&id)),
        ways.saturating_mul(2) => ways::name().prop_map(|id| payment::target(&id)),
    ]
}

fn executor() -> impl Strategy<Value = Executor> {
    prop::sample::select(vec![Executor::Courier, Executor::Courier, Executor::Terminal])
}

fn fees() -> impl Strategy<Value = Vec<Fee>> {
    let fee = (0..40_i64).prop_map(|minor| Fee {
        kind: FeeKind::AcquiringReturned,
        amount: cny(minor),
        payer: Party::Acquirer,
    });
    let charged = (
        prop::sample::select(vec![FeeKind::Operation, FeeKind::Late]),
        0..50_i64,
        prop::sample::select(vec![Party::Merchant, Party::Customer, Party::Acquirer]),
    );
    let charged = charged.prop_map(|(kind, minor, payer)| Fee { kind, amount: cny(minor), payer });
    prop_oneof![
        2 => prop::collection::vec(fee.clone(), 0..2),
        1 => (fee, prop::collection::vec(charged, 0..3)).prop_map(|(fee, others)| [vec![fee], others].concat()),
    ]
}

fn submission() -> impl Strategy<Value = Command> {
    let amount = prop_oneof![Just(10_000_i64), 1..10_001_i64, 1..4_000_i64];
    (refund_name(), amount, 0..4_u32, executor(), fees()).prop_map(|(id, minor, needed, executor, fees)| {
        let mut wanted = refund_of(&id, minor, needed);
        wanted.decision.obligations.executor = executor;
        wanted.decision.obligations.fees = fees;
        Command::SubmitRefund(wanted)
    })
}

fn case_name() -> impl Strategy<Value = String> {
    (0..4).prop_map(|number| format!("C-{number}"))
}

fn order_name() -> impl Strategy<Value = String> {
    (0..4).prop_map(|number| format!("O-{number}"))
}

/// Amounts that several cases and refunds have in common: grants are to be found.
fn referred_way() -> impl Strategy<Value = (Way, i64)> {
    prop_oneof![Just((Way::Void, 10_000)), Just((Way::Refund, 2_000)), Just((Way::Refund, 3_000))]
}

fn referral() -> impl Strategy<Value = Command> {
    let used = (referred_way(), case_name(), void_name(), refund_name(), 0..2_u32).prop_map(
        |((way, minor), case, void, refund, needed)| {
            if way == Way::Void {
                return Command::AuthoriseVoid(referred_void(&void, &case));
            }
            let mut wanted = refund_of(&refund, minor, needed);
            wanted.decision.outcome = Outcome::Refer;
            wanted.decision.findings = vec![finding("void.count", Outcome::Refer)];
            wanted.grounds.grant = Some(case.parse().unwrap());
            Command::SubmitRefund(wanted)
        },
    );
    prop_oneof![
        2 => (case_name(), referred_way()).prop_map(|(id, (way, minor))| open_case(&id, way, minor)),
        1 => (case_name(), prop::sample::select(vec!["sue", "mona"])).prop_map(|(id, to)| assign_case(&id, to)),
        2 => (case_name(), prop::bool::weighted(0.8)).prop_map(|(id, grant)| decide_case(&id, grant)),
        3 => used,
    ]
}

/// Amounts of zero stand for what is left when the step is taken.
fn legal() -> impl Strategy<Value = Command> {
    prop_oneof![
        order_name().prop_map(|id| propose_order(&id, 0)),
        (void_name(), order_name()).prop_map(|(void, order)| Command::AuthoriseVoid(ordered_void(&void, &order, 0))),
    ]
}

fn afterwards() -> impl Strategy<Value = Command> {
    let back = (0..3, refund_name()).prop_map(|(id, refund)| return_of(&format!("B-{id}"), &refund, at(0)));
    let arrived = prop::sample::select(vec![None, Some(true), Some(false)]);
    let causes = vec![LiabilityCause::OverReturned, LiabilityCause::RefundFailed, LiabilityCause::RefundReturned];
    let claimed = (0..4, refund_name(), prop::sample::select(causes), 1..3_000_i64);
    let ends = vec![LiabilityState::Settled, LiabilityState::Agreed, LiabilityState::WrittenOff];
    prop_oneof![
        3 => back,
        3 => refund_name().prop_map(|id| Command::RequestTrace(id.parse().unwrap())),
        3 => (refund_name(), arrived).prop_map(|(id, arrived)| traced(&id, arrived, at(0))),
        2 => claimed.prop_map(|(id, refund, cause, minor)| {
            let cause = LiabilityClaim { cause, ..claim(&format!("L-{id}"), &refund, minor) };
            Command::RecordLiability(cause)
        }),
        // A number instead of a name: of the liabilities there are.
        3 => (0..4_u8, prop::sample::select(ends)).prop_map(|(number, state)| {
            end_liability(&format!("{number}").parse().unwrap(), state)
        }),
        1 => (1..9_u8).prop_map(|count| {
            Command::RecordErasure((0..count).map(|number| Digest::of(&[number])).collect())
        }),
    ]
}

/// The command as it is given to this ledger.
fn fitted(ledger: &Ledger, command: &Command) -> Command {
    let left = Standing::of(ledger).unwrap().left;
    let mut command = command.clone();
    match &mut command {
        Command::ProposeOrder(wanted) => wanted.amount = left,
        // Of several, one that can be meant: random names seldom meet.
        Command::ProvideInformation(given) => {
            let mut asked = ledger.refunds.iter().filter(|refund| refund.state == RefundState::NeedsInformation);
            given.refund = asked.next().map_or_else(|| given.refund.clone(), |refund| refund.id.clone());
        }
        Command::ReportReturn(heard) => {
            let mut cleared = ledger.refunds.iter().rev().filter(|refund| refund.state == RefundState::Cleared);
            heard.refund = cleared.next().map_or_else(|| heard.refund.clone(), |refund| refund.id.clone());
        }
        Command::Clear(id) | Command::Retry(id) | Command::RequestTrace(id) => *id = there(ledger, id),
        Command::DecideCase(CaseDecision { id, .. }) | Command::AssignCase(CaseAssignment { id, .. }) => {
            let mut waiting = ledger.cases.iter().rev();
            let waiting = waiting.find(|case| matches!(case.state, CaseState::Open | CaseState::Assigned));
            *id = waiting.map_or_else(|| id.clone(), |case| case.id.clone());
        }
        Command::ReportTrace(heard) => heard.refund = there(ledger, &heard.refund),
        Command::Approve(consent) => consent.refund = there(ledger, &consent.refund),
        Command::RecordSent(target) | Command::RecordQuery(target) => met(ledger, target),
        Command::Report(report) => met(ledger, &mut report.target),
        Command::Resolve(resolution) => met(ledger, &mut resolution.target),
        Command::SubmitRefund(RefundSubmission { grounds, decision, .. })
        | Command::AuthoriseVoid(VoidAuthorisation { grounds, decision, .. })
            if grounds.grant.is_some() =>
        {
            let granted = ledger.cases.iter().find(|case| {
                (case.state, case.way, &case.amount) == (CaseState::Granted, decision.way, &decision.amount)
            });
            grounds.grant = granted.map(|case| case.id.clone()).or(grounds.grant.take());
        }
        Command::SubmitRefund(wanted) if ledger.sale.coupon.is_some() => {
            let standing = Standing::of(ledger).unwrap();
            let amount = &wanted.request.amount;
            if amount.minor <= standing.left.minor {
                let (least, most) = conservation::sponsors_share(ledger, &standing, amount).unwrap();
                wanted.decision.obligations.coupon = Some(cny((least.minor + most.minor) / 2));
            }
        }
        Command::AuthoriseVoid(wanted) if wanted.grounds.order.is_some() => wanted.decision.amount = left,
        Command::EndLiability(end) => {
            let number = end.id.as_str().parse::<usize>().unwrap();
            if let Some(liability) = ledger.liabilities.get(number) {
                end.id = liability.id.clone();
            }
        }
        _ => {}
    }
    command
}

/// The refund of this name, or instead of one that does not exist the newest.
fn there(ledger: &Ledger, id: &RefundId) -> RefundId {
    let exists = ledger.refunds.iter().any(|refund| refund.id == *id);
    let newest = ledger.refunds.last().filter(|_| !exists);
    newest.map_or_else(|| id.clone(), |refund| refund.id.clone())
}

/// The same for anything that can be sent.
fn met(ledger: &Ledger, target: &mut Target) {
    match target {
        Target::Refund(id) => *id = there(ledger, id),
        Target::Void(id) if ledger.voids.iter().all(|void| void.id != *id) => {
            *id = ledger.voids.last().map_or_else(|| id.clone(), |void| void.id.clone());
        }
        Target::Operation(id) if ledger.operations.iter().all(|operation| operation.id != *id) => {
            *id = ledger.operations.last().map_or_else(|| id.clone(), |operation| operation.id.clone());
        }
        Target::Void(_) | Target::Operation(_) => {}
    }
}

fn outcome() -> impl Strategy<Value = ResultOf> {
    (0..4_u8, 0..3_i64).prop_map(|(which, when)| {
        let heard = evidence("x", at(when));
        match which {
            0 => ResultOf::Done(heard),
            1 => ResultOf::Failed(heard),
            2 => ResultOf::Unknown(heard),
            _ => ResultOf::Reversed(heard),
        }
    })
}

/// `ways`: how often, of thirty times, it is about something else than voids and refunds.
fn command(ways: u32) -> impl Strategy<Value = Command> {
    prop_oneof![30 => usual(ways), ways => ways::command()]
}

fn usual(ways: u32) -> impl Strategy<Value = Command> {
    let status = prop::sample::select(vec![
        Command::RecordSaleOutcome(SaleOutcome::Good),
        Command::RecordSaleOutcome(SaleOutcome::Failed),
        Command::RecordSaleOutcome(SaleOutcome::Declined),
        Command::RecordBatchClosed,
        Command::RecordSettled,
        Command::RecordPaidOut,
    ]);
    let id = || refund_name().prop_map(|id| id.parse::<RefundId>().unwrap());
    prop_oneof![
        1 => status,
        3 => (void_name(), executor(), fees()).prop_map(|(id, executor, fees)| {
            let mut wanted = void_of(&id, executor);
            wanted.decision.obligations.fees = fees;
            Command::AuthoriseVoid(wanted)
        }),
        6 => submission(),
        6 => refund_name().prop_map(|id| consent(&id)),
        1 => refund_name().prop_map(|id| Command::Decline(refusal(&id, "no"))),
        1 => refund_name().prop_map(|id| Command::Withdraw(refusal(&id, "no"))),
        5 => id().prop_map(Command::Clear),
        4 => id().prop_map(Command::Retry),
        6 => target(ways).prop_map(Command::RecordSent),
        8 => (target(ways), outcome()).prop_map(|(target, outcome)| report(target, outcome)),
        8 => target(ways).prop_map(Command::RecordQuery),
        2 => (target(ways), any::<bool>()).prop_map(|(target, took)| resolution(target, took, "sven")),
        3 => Just(Command::PassTime),
        6 => referral(),
        3 => legal(),
        7 => afterwards(),
        2 => refund_name().prop_map(|id| ask(&id)),
        3 => (refund_name(), 0..3_u8).prop_map(|(id, how)| match how {
            0 => answer(&id, Some("another"), &[]),
            1 => answer(&id, None, &["photo"]),
            _ => answer(&id, None, &[]),
        }),
        2 => id().prop_map(Command::Queue),
    ]
}

/// Mostly whoever may; sometimes anyone.
fn step(ways: u32) -> impl Strategy<Value = Step> {
    (command(ways), actor(), prop::bool::weighted(0.7), wait()).prop_map(|(command, anyone, apt, wait)| {
        let by = match &command {
            _ if !apt => anyone,
            Command::Authorise(_)
            | Command::AuthoriseVoid(_)
            | Command::SubmitRefund(_)
            | Command::Withdraw(_)
            | Command::OpenCase(_)
            | Command::RequestTrace(_)
            | Command::RecordLiability(_)
            | Command::EndLiability(_) => rita(),
            Command::Resolve(_) => manager("mona"),
            Command::AssignCase(_) | Command::DecideCase(_) => sue(),
            Command::ProposeOrder(_) => person("lee", &["legal"]),
            Command::Approve(_) | Command::Decline(_) | Command::AskInformation(_) | Command::ProvideInformation(_) => {
                match anyone {
                    Actor::Person(_) => anyone,
                    Actor::System | Actor::Terminal(_) => manager("mia"),
                }
            }
            _ => Actor::System,
        };
        Step { command, by, wait }
    })
}

/// Steps mostly of refunds, or as often of everything else.
fn any_steps(length: usize) -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![steps(length, SELDOM), steps(length, OFTEN)]
}

const SELDOM: u32 = 1;
const OFTEN: u32 = 6;

/// Steps; a query in vain seldom comes alone.
fn steps(length: usize, ways: u32) -> impl Strategy<Value = Vec<Step>> {
    let burst = (step(ways), 1..20_usize).prop_map(|(step, times)| {
        let times = if matches!(step.command, Command::RecordQuery(_)) { times } else { 1 };
        vec![step; times]
    });
    let life = (ways::life(), wait()).prop_map(|(commands, wait)| {
        let step = |command| Step {
            by: if matches!(command, Command::Authorise(_)) { rita() } else { Actor::System },
            command,
            wait,
        };
        commands.into_iter().map(step).collect()
    });
    let bursts = prop_oneof![60 => burst, ways => life];
    prop::collection::vec(bursts, 1..length).prop_map(|bursts| bursts.concat())
}

/// *conservation*, summed anew with numbers that cannot overflow.
fn conserves(ledger: &Ledger) {
    let voids = ledger.voids.iter().filter(|void| void.state != OperationState::Failed);
    let refunds = ledger.refunds.iter().filter(|refund| {
        use RefundState::{Declined, Expired, Failed, Withdrawn};
        let returned = ledger.returns.iter().any(|back| back.refund == refund.id);
        !(returned || matches!(refund.state, Declined | Expired | Failed | Withdrawn))
    });
    let voided: Vec<_> = voids.map(|void| i128::from(void.amount.minor)).collect();
    let refunded: Vec<_> = refunds.map(|refund| i128::from(refund.request.amount.minor)).collect();
    let spoken_for: i128 = voided.iter().chain(&refunded).sum();
    assert!(spoken_for <= i128::from(ledger.sale.captured.minor), "{spoken_for} of {:?}", ledger.sale.captured);
    let ordered = ledger.orders.iter().any(|order| order.state == OrderState::Confirmed);
    assert!(ordered || voided.is_empty() || refunded.is_empty(), "a void and a refund of one sale");
    assert!(ordered || voided.len() <= 1, "two voids of one sale");
    for void in &ledger.voids {
        let of_order = void.grounds.order.is_some();
        assert!(of_order || void.amount == ledger.sale.captured, "{void:?}");
    }
    let standing = Standing::of(ledger).unwrap();
    assert!(standing.fee_returned.minor <= ledger.sale.fee_charged.minor, "{:?}", standing.fee_returned);
}

/// *consent*, by the plan each refund was submitted with.
fn consents(ledger: &Ledger) {
    use RefundState::{Approved, Cleared, Clearing, Failed, Unknown};
    for refund in &ledger.refunds {
        let sale = &ledger.sale;
        let digest = crate::digest::of_request(&sale.merchant, &sale.id, &refund.id, refund.revision, &refund.request);
        assert_eq!(digest, refund.digest);
        if !matches!(refund.state, Approved | Clearing | Unknown | Cleared | Failed) {
            continue;
        }
        let persons: BTreeSet<_> = refund.approvals.iter().map(|approval| approval.by.as_str()).collect();
        assert_eq!(persons.len(), refund.approvals.len(), "a person approved twice");
        assert!(persons.len() >= refund.plan.needed as usize, "{persons:?} for {}", refund.plan.needed);
        assert!(!persons.contains("rita") && !persons.contains("olga"), "{persons:?}");
        let current = |given: &Approval| given.digest == digest && given.revision == refund.revision;
        assert!(refund.approvals.iter().all(current));
        let answered = refund.inquiries.iter().filter_map(|inquiry| inquiry.answered_by.as_ref());
        assert!(answered.into_iter().all(|by| !persons.contains(by.as_str())), "{persons:?}");
        for approval in &refund.approvals {
            let by_plan = approval.role.as_str() == "manager";
            let escalated =
                approval.role.as_str() == "director" && approval.at.since(refund.submitted_at).ms >= 3_600_000;
            assert!(by_plan || escalated, "{approval:?}");
        }
    }
}

/// *no-limbo*: what holds a reservation is due, or waits to be cleared, or is a person's.
fn is_never_in_limbo(ledger: &Ledger) {
    let mut expected = vec![];
    let mut attend = |holds: bool, terminals: bool, due_at: Option<Instant>, attention: bool, updated_at: Instant| {
        let silent_from = (terminals && !attention).then(|| Instant { unix_ms: updated_at.unix_ms + 10 * MINUTE });
        assert!(!terminals || due_at.is_none(), "the courier is due for what only the terminal may send");
        assert_eq!(holds, due_at.is_some() || silent_from.is_some() || attention, "{ledger:#?}");
        expected.extend([due_at, silent_from].into_iter().flatten());
    };
    for void in &ledger.voids {
        let unheard = matches!(void.state, OperationState::Authorised | OperationState::Sent);
        let terminals = void.executor == Executor::Terminal && unheard;
        attend(void.state.holds_reservation(), terminals, void.due_at, void.attention, void.updated_at);
    }
    for operation in &ledger.operations {
        let unheard = matches!(operation.state, OperationState::Authorised | OperationState::Sent);
        let terminals = operation.executor == Executor::Terminal && unheard;
        let holds = operation.state.holds_reservation();
        // A late answer can call a person to what has ended.
        let attention = operation.attention && holds;
        attend(holds, terminals, operation.due_at, attention, operation.updated_at);
        assert_eq!(step::next_step(operation, ledger).is_some(), operation.due_at.is_some(), "{operation:#?}");
    }
    let mut unfunded = vec![];
    for refund in &ledger.refunds {
        // Approved or queued, a refund waits to be cleared; queued for too long, it is a person's as well.
        if refund.state == RefundState::Queued {
            assert_eq!(refund.due_at, None);
            let from = Instant { unix_ms: refund.updated_at.unix_ms + limits::FUNDS_WITHIN.ms as i64 };
            unfunded.extend((!refund.attention).then_some(from));
            continue;
        }
        let holds = refund.state.holds_reservation() && refund.state != RefundState::Approved;
        let terminals = refund.executor == Executor::Terminal && refund.state == RefundState::Clearing;
        attend(holds, terminals, refund.due_at, refund.attention, refund.updated_at);
    }
    expected.extend(unfunded);
    expected.extend(ledger.refunds.iter().filter_map(|refund| refund.trace.as_ref()?.due_at));
    for refund in &ledger.refunds {
        let open = refund.trace.as_ref().is_some_and(|trace| trace.arrived.is_none());
        assert_eq!(open, refund.trace.as_ref().is_some_and(|trace| trace.due_at.is_some()));
    }
    let live = [CaseState::Open, CaseState::Assigned, CaseState::Granted];
    let cases = ledger.cases.iter().filter(|case| live.contains(&case.state));
    expected.extend(cases.map(|case| case.expires_at));
    let orders = ledger.orders.iter().filter(|order| order.state == OrderState::Proposed);
    expected.extend(orders.map(|order| order.expires_at));
    expected.extend(ways::ends_at(ledger));
    expected.extend(ways::calls_from(ledger));
    assert_eq!(due(ledger), expected.into_iter().min());
}

/// A grant is used by one operation, for what it was given for, by somebody else's word.
fn grants_once(ledger: &Ledger) {
    let voids = ledger.voids.iter().map(|void| (void.id.as_str(), Way::Void, &void.amount, &void.grounds));
    let refunds = ledger.refunds.iter();
    let refunds = refunds.map(|refund| (refund.id.as_str(), Way::Refund, &refund.request.amount, &refund.grounds));
    let mut uses = vec![];
    for (id, way, amount, grounds) in voids.chain(refunds) {
        let Some(grant) = &grounds.grant else { continue };
        let case = ledger.cases.iter().find(|case| case.id == *grant).unwrap();
        assert_eq!((case.state, case.consumed_by.as_deref()), (CaseState::Consumed, Some(id)));
        assert_eq!((case.way, &case.amount), (way, amount));
        assert_ne!(case.decided_by.as_ref(), Some(&case.opened_by));
        uses.push(grant);
    }
    let consumed = ledger.cases.iter().filter(|case| case.state == CaseState::Consumed);
    assert_eq!(uses.len(), consumed.count());
    for order in ledger.orders.iter().filter(|order| order.state == OrderState::Confirmed) {
        assert!(order.confirmed_by.as_ref().is_some_and(|second| *second != order.proposed_by));
        let void = ledger.voids.iter().find(|void| Some(&void.id) == order.operation.as_ref()).unwrap();
        assert_eq!((&void.amount, void.grounds.order.as_ref()), (&order.amount, Some(&order.id)));
    }
}

/// The books: every entry balances, and every account says what the ledger says.
fn is_booked(ledger: &Ledger) {
    let mut books = std::collections::BTreeMap::<&str, i64>::new();
    for (number, entry) in (1..).zip(&ledger.entries) {
        assert_eq!(entry.sequence, number);
        assert!(entry.postings.len() >= 2, "{entry:?}");
        let mut sum = 0;
        for line in &entry.postings {
            assert!(line.amount.minor > 0 && line.amount.currency == "CNY", "{entry:?}");
            let signed = if line.side == Side::Debit { line.amount.minor } else { -line.amount.minor };
            *books.entry(token::Token::token(line.account)).or_default() += signed;
            sum += signed;
        }
        assert_eq!(sum, 0, "{entry:?}");
    }
    let posted = |account: Account| books.get(token::Token::token(account)).copied().unwrap_or(0);
    let good = ledger.status.outcome == SaleOutcome::Good;
    let sale = &ledger.sale;
    let (captured, charged) = if good { (sale.captured.minor, sale.fee_charged.minor) } else { (0, 0) };
    let coupon = if good { sale.coupon.as_ref().map_or(0, |coupon| coupon.minor) } else { 0 };
    let standing = Standing::of(ledger).unwrap();

    // Fees of what took place, and was not given back.
    let voids = ledger.voids.iter().filter(|void| void.state == OperationState::Done).map(|void| &void.fees);
    let cleared = ledger.refunds.iter().filter(|refund| {
        refund.state == RefundState::Cleared && !ledger.returns.iter().any(|back| back.refund == refund.id)
    });
    let fees: Vec<_> = voids.chain(cleared.clone().map(|refund| &refund.fees)).flatten().collect();
    let of = |kind: FeeKind| fees.iter().filter(|fee| fee.kind == kind).map(|fee| fee.amount.minor).sum::<i64>();
    let paid_by = |payer| {
        let charged = fees.iter().filter(|fee| fee.kind != FeeKind::AcquiringReturned && fee.payer == payer);
        charged.map(|fee| fee.amount.minor).sum::<i64>()
    };
    let owed_by = |debtor: Option<Party>| {
        let open = ledger.liabilities.iter().filter(|owed| owed.state == LiabilityState::Open);
        open.filter(|owed| debtor == Some(owed.debtor) || debtor.is_none()).map(|owed| owed.amount.minor).sum::<i64>()
    };
    let back = standing.cleared.minor + standing.voided.minor;
    let coupons: i64 = cleared.filter_map(|refund| refund.coupon.as_ref()).map(|coupon| coupon.minor).sum();
    let sponsor = posted(Account::CouponSponsor);
    if standing.voided.is_zero() {
        assert_eq!(sponsor, coupon - coupons);
    } else if back == captured {
        assert_eq!(sponsor, 0);
    }
    assert!((0..=coupon).contains(&sponsor), "{sponsor}");
    let payer = posted(Account::Customer) - paid_by(Party::Customer) - owed_by(Some(Party::Customer));
    assert_eq!(payer + sponsor, captured - back, "customer and sponsor");
    assert!(payer >= 0, "the payer got back more than was paid");
    let returned = of(FeeKind::AcquiringReturned);
    assert!(returned <= charged, "returned fee {returned} of {charged}");
    assert_eq!(posted(Account::AcquiringFees), returned - charged);
    assert_eq!(posted(Account::OperationFees), -of(FeeKind::Operation));
    assert_eq!(posted(Account::LateFees), -of(FeeKind::Late));
    assert_eq!(posted(Account::Acquirer), paid_by(Party::Acquirer) + owed_by(Some(Party::Acquirer)));
    assert_eq!(posted(Account::Liabilities), -owed_by(None));
    let due = captured - back - charged + returned - paid_by(Party::Merchant) - owed_by(Some(Party::Merchant));
    assert_eq!(posted(Account::Merchant), -due, "merchant");
}

/// Final states never change, promises never change, nothing is dated back, events continue.
fn continues(before: &Ledger, next: &Transition, command: &CommandId) {
    let after = &next.ledger;
    ways::continues(before, next);
    for (index, event) in next.events.iter().enumerate() {
        assert_eq!(event.sequence, before.events + index as u64 + 1);
        assert_eq!(event.command, *command);
    }
    assert_eq!(after.events, before.events + next.events.len() as u64);
    for (old, new) in before.voids.iter().zip(&after.voids) {
        if matches!(old.state, OperationState::Done | OperationState::Failed) {
            assert_eq!(old, new);
        }
        assert_eq!((&old.id, &old.amount, &old.provider_reference), (&new.id, &new.amount, &new.provider_reference));
        assert!(old.updated_at <= new.updated_at);
    }
    for (old, new) in before.refunds.iter().zip(&after.refunds) {
        if old.state.is_final() {
            // But for the search for it, a refund that ended stays as it is.
            let found = Refund { trace: new.trace.clone(), updated_at: new.updated_at, ..old.clone() };
            assert_eq!(found, *new);
        }
        if old.state == RefundState::Failed && old != new {
            assert_eq!(new.state, RefundState::Clearing);
            assert_eq!(next.events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::RefundRetried]);
        }
        assert_eq!((&old.id, &old.plan, &old.grounds), (&new.id, &new.plan, &new.grounds));
        assert_eq!(old.provider_reference, new.provider_reference);
        assert!(old.attempts <= new.attempts && old.updated_at <= new.updated_at);
        if old.revision == new.revision {
            assert_eq!((&old.request, &old.digest), (&new.request, &new.digest));
            assert!(new.approvals.starts_with(&old.approvals), "an approval was taken away");
        } else {
            assert_eq!((old.state, new.state), (RefundState::NeedsInformation, RefundState::InReview));
            assert_eq!((new.revision, new.approvals.len()), (old.revision + 1, 0));
            assert_ne!(old.digest, new.digest);
        }
    }
    assert!(after.entries.starts_with(&before.entries), "an entry was changed");
    assert!(after.returns.starts_with(&before.returns), "a return was changed");
    for (old, new) in before.cases.iter().zip(&after.cases) {
        if matches!(old.state, CaseState::Refused | CaseState::Consumed | CaseState::Expired) {
            assert_eq!(old, new);
        }
        assert_eq!((&old.id, old.way, &old.amount, &old.rules), (&new.id, new.way, &new.amount, &new.rules));
    }
    for (old, new) in before.liabilities.iter().zip(&after.liabilities) {
        if old.state != LiabilityState::Open {
            assert_eq!(old, new);
        }
        assert_eq!((&old.id, &old.amount, old.cause), (&new.id, &new.amount, new.cause));
    }
    assert!(before.voids.len() <= after.voids.len() && before.refunds.len() <= after.refunds.len());
}

/// What was let in has room to its end: nothing else takes more of it than was kept.
fn keeps_room(before: &Ledger, next: &Transition, command: &Command) {
    let total = |ledger: &Ledger| ledger.events + room::still_to_come(ledger);
    assert!(total(&next.ledger) <= limits::EVENTS + limits::ERASURE_EVENTS);
    let admitted = matches!(
        command,
        Command::SubmitRefund(_)
            | Command::AuthoriseVoid(_)
            | Command::Retry(_)
            | Command::OpenCase(_)
            | Command::AssignCase(_)
            | Command::ProposeOrder(_)
            | Command::AskInformation(_)
            | Command::RecordLiability(_)
            | Command::RequestTrace(_)
            | Command::RecordErasure(_)
            | Command::Authorise(_)
            | Command::RecordTrouble(_)
            | Command::RecordScan(Scan { outcome: SaleOutcome::Declined | SaleOutcome::Failed, .. })
    );
    // A code that is unpaid again can be scanned again.
    let put_back = (before.status.outcome, next.ledger.status.outcome) == (SaleOutcome::Unknown, SaleOutcome::Unpaid);
    if !admitted && !put_back {
        assert!(total(&next.ledger) <= total(before), "{command:?} took room that was not kept");
    }
}

/// Carries out what it can; every law is checked after each step.
fn run(start: &Ledger, steps: &[Step]) -> (Ledger, Vec<Event>, Instant) {
    let mut ledger = start.clone();
    let mut events: Vec<Event> = vec![];
    let mut now = at(0);
    for (number, step) in steps.iter().enumerate() {
        now.unix_ms += step.wait;
        let id: CommandId = format!("c-{number}").parse().unwrap();
        let before = ledger.clone();
        let command = fitted(&ledger, &step.command);
        let answer = apply(&ledger, &command, &step.by, &id, now);
        assert_eq!(ledger, before, "a command changed the ledger it was given");
        assert_eq!(apply(&ledger, &command, &step.by, &id, now), answer, "*same-answer*");
        let Ok(next) = answer else { continue };
        continues(&ledger, &next, &id);
        conserves(&next.ledger);
        ways::holds(&next.ledger);
        consents(&next.ledger);
        is_never_in_limbo(&next.ledger);
        grants_once(&next.ledger);
        is_booked(&next.ledger);
        keeps_room(&ledger, &next, &step.command);
        if step.command == Command::PassTime {
            let again = apply(&next.ledger, &Command::PassTime, &step.by, &id, now).unwrap();
            assert_eq!(again, Transition { ledger: next.ledger.clone(), events: vec![] });
        }
        ledger = next.ledger;
        events.extend(next.events);
    }
    (ledger, events, now)
}

/// Ends whatever is open, as the courier, the timer and the terminal would.
fn end_everything(ledger: &Ledger, now: Instant) -> Ledger {
    let mut ledger = ledger.clone();
    let act = |ledger: &Ledger, command: &Command, now| {
        let answer = apply(ledger, command, &Actor::System, &"c-end".parse().unwrap(), now);
        answer.unwrap_or_else(|why| panic!("{command:?}: {why:?}")).ledger
    };
    let failed = |target| report(target, ResultOf::Failed(evidence("end", now)));
    for void in ledger.voids.clone().into_iter().filter(|void| void.state.holds_reservation()) {
        ledger = act(&ledger, &Command::RecordSent(Target::Void(void.id.clone())), now);
        ledger = act(&ledger, &failed(Target::Void(void.id)), now);
    }
    for operation in ledger.operations.clone().into_iter().filter(|operation| operation.state.holds_reservation()) {
        let target = Target::Operation(operation.id);
        while step::next_step(ledger.operations.last().unwrap(), &ledger) == Some(step::Step::AskForSale) {
            ledger = act(&ledger, &Command::RecordQuery(target.clone()), now);
        }
        ledger = act(&ledger, &Command::RecordSent(target.clone()), now);
        ledger = act(&ledger, &failed(target), now);
    }
    for refund in ledger.refunds.clone() {
        if matches!(refund.state, RefundState::Approved | RefundState::Queued) {
            ledger = act(&ledger, &Command::Clear(refund.id.clone()), now);
        }
        if matches!(
            refund.state,
            RefundState::Approved | RefundState::Queued | RefundState::Clearing | RefundState::Unknown
        ) {
            ledger = act(&ledger, &failed(Target::Refund(refund.id.clone())), now);
        }
        if refund.trace.as_ref().is_some_and(|trace| trace.arrived.is_none()) {
            ledger = act(&ledger, &traced(refund.id.as_str(), Some(true), now), now);
        }
    }
    let later = Instant { unix_ms: now.unix_ms + 10_000 * HOUR };
    act(&ledger, &Command::PassTime, later)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn every_law_holds_after_every_command(
        world in ways::beginning(),
        steps in any_steps(80),
    ) {
        let (ledger, events, _) = run(&world.ledger, &steps);
        let history = [world.events, events.clone()].concat();
        prop_assert_eq!(crate::chain::verify(&ledger, &history), Ok(()));
        // The ledger does not keep when something was heard of the payment itself, nor when data was erased.
        use EventKind::{
            CodeExpired, CodeScanned, HoldLapsed, SaleAttention, SaleLateAnswer, SaleOutcomeKnown, SaleTrouble,
        };
        let heard = [
            CodeExpired, CodeScanned, HoldLapsed, SaleAttention, SaleLateAnswer, SaleOutcomeKnown, SaleTrouble,
        ];
        let undated = |kind| heard.contains(&kind) || kind == EventKind::DataErased;
        let dated = events.iter().filter(|event| !undated(event.kind));
        let times: Vec<_> = dated.map(|event| event.at).collect();
        prop_assert!(times.is_sorted(), "an event is dated before the one it follows");
    }

    #[test]
    fn every_reservation_can_end_and_gives_everything_back(world in ways::beginning(), steps in any_steps(60)) {
        let (ledger, _, now) = run(&world.ledger, &steps);
        let ended = end_everything(&ledger, now);
        conserves(&ended);
        ways::holds(&ended);
        let standing = Standing::of(&ended).unwrap();
        prop_assert_eq!(standing.reserved, cny(0));
        if ended.status.outcome == SaleOutcome::Good {
            let accounted = standing.left.minor + standing.cleared.minor + standing.voided.minor;
            prop_assert_eq!(accounted, ended.sale.captured.minor);
        }
        prop_assert_eq!(due(&ended), None);
    }
}

/// The laws would hold of a generator that reaches nothing: this one reaches every state and event.
#[test]
fn random_commands_reach_everything() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let sales = Just(World::new()).boxed();
    let walks = [(sales, steps(80, SELDOM)), (ways::beginning().boxed(), steps(80, OFTEN))];
    let mut seen = BTreeSet::new();
    let mut ends = BTreeSet::new();
    for number in 0..9_000 {
        let (world, steps) = walks[number % 2].new_tree(&mut runner).unwrap().current();
        seen.extend(world.events.iter().map(|event| token::Token::token(event.kind)));
        let (ledger, events, _) = run(&world.ledger, &steps);
        ends.insert(token::Token::token(ledger.status.outcome).to_owned());
        let states = ledger.operations.iter().map(ways::named);
        ends.extend(states);
        seen.extend(events.iter().map(|event| token::Token::token(event.kind)));
    }
    let all: BTreeSet<_> = <EventKind as token::Token>::ALL.iter().map(|(_, token)| *token).collect();
    let missing: Vec<_> = all.difference(&seen).copied().collect();
    assert_eq!(missing, [""; 0]);
    assert_eq!(ends, ways::all());
}
