//! What no reading finds: the engine is asked about good, unrefunded sales at every edge of the document, one millisecond
//! before, at and after it, and at every instant its own answers name.

use super::{DENY_WITHOUT_ALTERNATIVE, Lint, NO_REMEDY, REFUND_CLOSES_BEFORE_VOID, Severity, UNDECIDABLE, UNTRIED};
use crate::backtest::grouped;
use crate::boundary::Boundaries;
use crate::notation;
use chrono::NaiveDate;
use rescind_eligibility::Engine;
use rescind_eligibility::rule::REFUND_WINDOW;
use rescind_model::token::Token as _;
use rescind_model::{
    Asker, Balance, BusinessDay, CardType, Channel, Counted, Decision, DecisionError, Duration, Facts, Instant,
    MerchantId, Money, Outcome, PersonId, Remedy, Role, Sale, SaleId, SaleOutcome, SaleStatus, SettlementMode,
    SlipNumbers, Tally, TerminalId, Way,
};
use std::collections::{BTreeMap, BTreeSet};

/// Questions at most: the search ends in some seconds, whatever the document.
pub(super) const QUESTIONS: usize = 400_000;

/// Instants tried for one sale at most.
const INSTANTS: usize = 400;

/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;

/// Local noon of 2026-11-23, a Monday, in UTC: the middle of a day like any other. Moved by the policy's zone.
const MONDAY_NOON_UTC_MS: i64 = 1_795_435_200_000;

/// Local noon of 2028-02-29.
const LEAP_NOON_UTC_MS: i64 = 1_835_438_400_000;

/// A sale that is asked about.
#[derive(Debug, Clone)]
struct Probe {
    kind: String,
    merchant: String,
    class: Option<String>,
    channel: Channel,
    card: Option<CardType>,
    settlement: SettlementMode,
    amount: i64,
    paid: Instant,
    /// Whether it is settled and paid out as time goes by, or stays as it is.
    settles: bool,
    /// Whether every count has reached its ceiling.
    counted_out: bool,
    /// Whether a terminal printed a slip.
    slip: bool,
    /// Whether its payer can be told from others.
    payer: bool,
}

/// What was found, with the first sale that shows it.
type Found = BTreeMap<(Severity, &'static str, String, String), String>;

/// Searches.
pub(super) fn lint(engine: &Engine, questions: usize) -> Vec<Lint> {
    let document = engine.document();
    if document.void.is_none() && document.refund.is_none() {
        return Vec::new();
    }
    let edges = Boundaries::of(engine);
    let mut found = Found::new();
    let probes = probes(engine, &edges);
    let (mut asked, mut tried, mut cut_short) = (0_usize, 0_usize, 0_usize);
    for probe in &probes {
        if asked >= questions {
            break;
        }
        let (times, whole) = ask(engine, &edges, probe, &mut found);
        asked = asked.saturating_add(times);
        tried = tried.saturating_add(1);
        cut_short = cut_short.saturating_add(usize::from(!whole));
    }
    let mut lints = untried(probes.len(), tried, cut_short);
    let lint =
        |((severity, code, place, message), example)| Lint { severity, code, place, message, example: Some(example) };
    lints.extend(found.into_iter().map(lint));
    lints
}

/// What the search had no time for.
fn untried(all: usize, tried: usize, cut_short: usize) -> Vec<Lint> {
    let number = |n: usize| grouped(u64::try_from(n).unwrap_or(u64::MAX));
    let mut said = Vec::new();
    if tried < all {
        let left = all.saturating_sub(tried);
        said.push(format!(
            "{} of {} kinds of sale were not tried: nothing is said about them",
            number(left),
            number(all)
        ));
    }
    if cut_short > 0 {
        said.push(format!("{} kinds of sale were tried at {} instants only", number(cut_short), number(INSTANTS)));
    }
    let lint =
        |message| Lint { severity: Severity::Note, code: UNTRIED, place: "policy".to_owned(), message, example: None };
    said.into_iter().map(lint).collect()
}

/// Sales of every kind that the document tells apart: one thing is varied at a time besides kind, channel and settlement.
fn probes(engine: &Engine, edges: &Boundaries) -> Vec<Probe> {
    let payers = [
        (Channel::Card, Some(CardType::Debit)),
        (Channel::Card, Some(CardType::Credit)),
        (Channel::Card, Some(CardType::Prepaid)),
        (Channel::Card, None),
        (Channel::PaymentCode, None),
    ];
    let instants = paid(engine, edges);
    let Some(monday) = instants.first().copied() else { return Vec::new() };
    let mut probes = Vec::new();
    for kind in &edges.kinds {
        for (channel, card) in payers {
            for settlement in [SettlementMode::Ordinary, SettlementMode::RealTime] {
                for settles in [true, false] {
                    probes.push(Probe {
                        kind: kind.clone(),
                        merchant: "M-1".to_owned(),
                        class: None,
                        channel,
                        card,
                        settlement,
                        amount: 10_000,
                        paid: monday,
                        settles,
                        counted_out: false,
                        slip: true,
                        payer: true,
                    });
                }
            }
        }
    }
    let base = probes.clone();
    let ordinary = |probe: &&Probe| probe.settlement == SettlementMode::Ordinary && probe.kind == "purchase";
    for probe in &base {
        probes.push(Probe { counted_out: true, ..probe.clone() });
        probes.push(Probe { slip: false, ..probe.clone() });
        probes.push(Probe { payer: false, ..probe.clone() });
        probes.extend(edges.terminal_classes.iter().map(|c| Probe { class: Some(c.clone()), ..probe.clone() }));
        probes.extend(edges.merchants.iter().map(|m| Probe { merchant: m.clone(), ..probe.clone() }));
        probes.extend(edges.amounts_around().into_iter().map(|amount| Probe { amount, ..probe.clone() }));
    }
    for probe in base.iter().filter(ordinary) {
        probes.extend(instants.iter().skip(1).map(|paid| Probe { paid: *paid, ..probe.clone() }));
    }
    // What is paid on some days may be of any kind.
    let days = paid_around_days(engine, edges);
    for probe in base.iter().filter(|probe| probe.settlement == SettlementMode::Ordinary) {
        probes.extend(days.iter().map(|paid| Probe { paid: *paid, ..probe.clone() }));
    }
    probes
}

/// How long before the end of the calendar payments are tried: windows of working days reach beyond it from there.
const BEFORE_CALENDAR_ENDS: [i64; 4] = [60, 7, 1, 0];

/// When payments are made around the days with which other rules begin, and towards the end of the calendar: the last
/// instant of the business day before, the first of it, and the noon of it.
fn paid_around_days(engine: &Engine, edges: &Boundaries) -> Vec<Instant> {
    let clock = engine.document().clock();
    let begins = |day: NaiveDate| {
        let before = BusinessDay::from_date(day.pred_opt()?).ok()?;
        clock.end_of_business_day(before).ok().map(|at| at.unix_ms)
    };
    let mut at: Vec<i64> = Vec::new();
    for day in &edges.paid_from {
        if let Some(begins) = begins(*day) {
            at.extend([begins.saturating_sub(1), begins, begins.saturating_add(DAY_MS.div_euclid(2))]);
        }
    }
    if let Some(ends) = edges.calendar_ends.and_then(begins) {
        at.extend(BEFORE_CALENDAR_ENDS.iter().map(|days| ends.saturating_sub(days.saturating_mul(DAY_MS))));
        at.push(ends.saturating_add(DAY_MS));
    }
    at.into_iter().filter_map(|ms| Instant::from_unix_ms(ms).ok()).collect()
}

/// When payments are made: at noon, around the cut-off and every time of day that the document names, at the end of a month
/// and a year, and on a leap day.
fn paid(engine: &Engine, edges: &Boundaries) -> Vec<Instant> {
    let zone = i64::from(engine.document().time_zone.minutes()).saturating_mul(60_000);
    let noon = MONDAY_NOON_UTC_MS.saturating_sub(zone);
    let mut at = vec![noon];
    for minutes in &edges.times_of_day {
        // Twelve hours before noon is midnight.
        let edge = noon.saturating_sub(DAY_MS.div_euclid(2)).saturating_add(i64::from(*minutes).saturating_mul(60_000));
        at.extend([edge.saturating_sub(1), edge, edge.saturating_add(1)]);
    }
    // 2026-12-31, 2027-01-31, and a Saturday.
    for days in [38_i64, 69, 5] {
        at.push(noon.saturating_add(days.saturating_mul(DAY_MS)));
    }
    at.push(LEAP_NOON_UTC_MS.saturating_sub(zone));
    at.into_iter().filter_map(|ms| Instant::from_unix_ms(ms).ok()).collect()
}

/// Asks about one sale at every instant that may matter; gives how often it was asked, and whether those were all.
fn ask(engine: &Engine, edges: &Boundaries, probe: &Probe, found: &mut Found) -> (usize, bool) {
    let mut due: BTreeSet<i64> = edges
        .ages_around()
        .into_iter()
        .filter_map(|age| probe.paid.plus(age).ok())
        .map(|instant| instant.unix_ms)
        .collect();
    let mut done = BTreeSet::new();
    while let Some(ms) = due.pop_first() {
        if done.contains(&ms) {
            continue;
        }
        if done.len() >= INSTANTS {
            return (done.len(), false);
        }
        done.insert(ms);
        let Some(facts) = Instant::from_unix_ms(ms).ok().and_then(|now| facts(engine, probe, now)) else { continue };
        match engine.assess(&facts, None) {
            Ok(decisions) => {
                for edge in decisions.iter().flat_map(instants_named) {
                    due.extend([edge.saturating_sub(1), edge, edge.saturating_add(1)]);
                }
                due.retain(|ms| *ms >= probe.paid.unix_ms && !done.contains(ms));
                judge(engine, &facts, &decisions, found);
            }
            // Whoever pays by something that always has a token can count by it.
            Err(DecisionError::MissingFact(fact)) if !probe.payer => note(
                found,
                Severity::Note,
                UNDECIDABLE,
                "policy",
                format!(
                    "nothing is decided about a payment whose payer cannot be told from others ({fact} is missing): count by something else where that happens"
                ),
                &facts,
                engine,
            ),
            Err(error) => note(
                found,
                Severity::Problem,
                UNDECIDABLE,
                "policy",
                format!("nothing is decided: {error:?}"),
                &facts,
                engine,
            ),
        }
    }
    (done.len(), true)
}

/// The instants at which an answer says that it changes.
fn instants_named(decision: &Decision) -> Vec<i64> {
    let mut named: Vec<i64> =
        [decision.opens_at, decision.open_until].into_iter().flatten().map(|at| at.unix_ms).collect();
    named.extend(decision.findings.iter().filter_map(|finding| match &finding.remedy {
        Remedy::UseRefundFrom(at) | Remedy::RetryAfter(at) => Some(at.unix_ms),
        _ => None,
    }));
    named
}

fn judge(engine: &Engine, facts: &Facts, decisions: &[Decision], found: &mut Found) {
    let of = |way: Way| decisions.iter().find(|decision| decision.way == way);
    let (Some(void), Some(refund)) = (of(Way::Void), of(Way::Refund)) else { return };
    let open = |decision: &Decision| decision.outcome != Outcome::Deny || decision.opens_at.is_some();
    if open(void)
        && open(refund)
        && let (Some(void_ends), Some(refund_ends)) = (void.open_until, refund.open_until)
        && refund_ends < void_ends
        && void.outcome != Outcome::Deny
    {
        let message = "a sale can still be voided when its refund window is over".to_owned();
        note(found, Severity::Problem, REFUND_CLOSES_BEFORE_VOID, "refund.window", message, facts, engine);
    }
    // Support decides on what is referred; on what is denied it can only say that it is.
    let helps = |remedy: &Remedy| !matches!(remedy, Remedy::None | Remedy::ContactSupport);
    let remedied = |decision: &Decision| decision.findings.iter().any(|finding| helps(&finding.remedy));
    if decisions.iter().any(|decision| open(decision) || remedied(decision)) {
        return;
    }
    let inside = !refund.findings.iter().any(|finding| finding.rule == REFUND_WINDOW);
    let rules: Vec<&str> = void.findings.iter().chain(&refund.findings).map(|finding| finding.rule.as_str()).collect();
    let rules: BTreeSet<&str> = rules.into_iter().collect();
    let rules = rules.into_iter().collect::<Vec<_>>().join(", ");
    if inside && engine.document().refund.is_some() {
        let message = format!(
            "a good, unrefunded sale inside its refund window has no way back and no remedy ({rules}): refer one of them"
        );
        note(found, Severity::Problem, NO_REMEDY, "refund", message, facts, engine);
    } else {
        let message =
            format!("nothing can be done about a good, unrefunded sale ({rules}); refer where support may decide");
        let place = if engine.document().refund.is_some() { "refund.after-window" } else { "refund" };
        note(found, Severity::Note, DENY_WITHOUT_ALTERNATIVE, place, message, facts, engine);
    }
}

fn note(
    found: &mut Found,
    severity: Severity,
    code: &'static str,
    place: &str,
    message: String,
    facts: &Facts,
    engine: &Engine,
) {
    let key = (severity, code, place.to_owned(), message);
    found.entry(key).or_insert_with(|| example(engine, facts));
}

/// A sale in words.
fn example(engine: &Engine, facts: &Facts) -> String {
    let (zone, sale) = (engine.document().time_zone, &facts.sale);
    let card = sale.card_type.map(|card| format!(" {}", card.token())).unwrap_or_default();
    let settled = match (sale.settlement, facts.status.paid_out_at.is_some(), facts.status.settled_at.is_some()) {
        (SettlementMode::RealTime, ..) => ", paid out in real time",
        (_, true, _) => ", paid out",
        (_, _, true) => ", settled",
        _ => "",
    };
    let class = facts.asker.terminal_class.as_ref().map(|class| format!(", at a terminal of class {class}"));
    let counts = if facts.tallies.iter().any(|tally| tally.count > 0) { ", every count at its ceiling" } else { "" };
    let slip = if sale.slip.is_none() { ", without a slip" } else { "" };
    let payer = if sale.payer_token.is_none() { ", of a payer who is not known" } else { "" };
    format!(
        "{} of {} by {}{card} paid {}, asked {} later{settled}{}{counts}{slip}{payer}",
        sale.kind,
        sale.captured.decimal_text(),
        sale.channel.token(),
        notation::local(zone, sale.paid_at),
        notation::lasting(facts.now.since(sale.paid_at)),
        class.unwrap_or_default(),
    )
}

/// A good, unrefunded sale; `None` if the policy's time or names cannot hold it.
fn facts(engine: &Engine, probe: &Probe, now: Instant) -> Option<Facts> {
    let document = engine.document();
    let money = |minor| Money { minor, currency: document.currency.clone() };
    let business_day = engine.business_day_of(probe.paid).ok()?;
    let settled = document.clock().end_of_business_day(business_day).ok()?;
    let paid_out = match probe.settlement {
        SettlementMode::RealTime => probe.paid,
        SettlementMode::Ordinary => settled.plus(Duration { ms: 86_400_000 }).ok()?,
    };
    let past = |at: Instant| (probe.settles && at <= now).then_some(at);
    let needs = engine.needs();
    let reached = u32::from(probe.counted_out).saturating_mul(u32::MAX);
    // As a host gathers them: of nobody there is no count.
    let counted = needs.tallies.into_iter().filter(|need| probe.payer || need.counted != Counted::PayerToken);
    let tallies = counted.map(|need| Tally { need, count: reached }).collect();
    let roles = Boundaries::of_roles(document).into_iter().filter_map(|role| Role::parse(&role).ok()).collect();
    let terminal = TerminalId::parse("T-1").ok()?;
    Some(Facts {
        sale: Sale {
            id: SaleId::parse("S-1").ok()?,
            merchant: MerchantId::parse(&probe.merchant).ok()?,
            slip: probe.slip.then(|| SlipNumbers {
                terminal: terminal.clone(),
                batch: "000001".to_owned(),
                voucher: "000001".to_owned(),
                trace: "000001".to_owned(),
            }),
            order_number: None,
            retrieval_reference: None,
            operator: None,
            captured: money(probe.amount),
            coupon: None,
            fee_charged: money(0),
            channel: probe.channel,
            card_type: probe.card,
            kind: probe.kind.clone(),
            payer_token: probe.payer.then(|| "0123456789abcdef".to_owned()),
            contact: None,
            service_at: None,
            paid_at: probe.paid,
            business_day,
            settlement: probe.settlement,
        },
        status: SaleStatus {
            outcome: SaleOutcome::Good,
            batch_closed_at: past(settled).filter(|_| probe.slip),
            settled_at: past(settled),
            paid_out_at: past(paid_out),
            late: None,
        },
        balance: Balance {
            cleared: money(0),
            voided: money(0),
            reserved: money(0),
            void_open: false,
            refunds_sent: 0,
            refunds_counted: 0,
            last_refund_at: None,
            fee_returned: money(0),
            coupon_returned: money(0),
            operation_open: false,
            requested: money(0),
        },
        now,
        business_day: None,
        tallies,
        requested_today: Some(money(0)),
        asker: Asker {
            person: PersonId::parse("P-1").ok(),
            roles,
            terminal: Some(terminal),
            terminal_class: probe.class.clone(),
        },
        code: None,
        hold: None,
        operation: None,
        authentication: None,
        identity: Vec::new(),
        offline: None,
    })
}
