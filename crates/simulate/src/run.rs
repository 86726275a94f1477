//! One run: what is planned for a seed, how it goes, and what must hold in the end.

use crate::actor::{self, Open};
use crate::deed::{self, Deed, SALES};
use crate::errand::{Errand, OWN};
use crate::fault::{Aim, Aimed, CutOff, Fault, Faults, ProviderFault};
use crate::point::{CELLS, Part, Point};
use crate::provider::State;
use crate::schedule;
use crate::shop::{Ask, COURIERS, Shop};
use crate::sim::{CLOCK_WRONG, Death, Inside};
use crate::till;
use core::future::Future;
use core::pin::Pin;
use fastrand::Rng;
use rescind_model::Instant;
use rescind_service::doctor::{self, Finding, Hands, Severity};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The seed of the schedule.
    pub seed: u64,
    /// What is done: lane and deed, numbered.
    pub deeds: Vec<(usize, usize, Deed)>,
    /// What goes wrong.
    pub faults: Faults,
    /// Whether a doctor walks the whole store in the end, which takes as long as the run.
    pub examined: bool,
    /// Whether the pages of lists are small, so that they fill up.
    pub small_pages: bool,
}

/// Who acts at a time.
pub(crate) const LANES: usize = 6;

/// Who does what is done beside an errand.
const BESIDE: usize = 0;

/// One in so many runs ends with a doctor.
const EXAMINED: u64 = 16;

/// Faults that strike before anybody can be through: every run has them.
const EARLY: usize = 4;

/// So many operations of the store there are in every run before its end.
const EARLY_UNTIL: u64 = 200;

impl Plan {
    /// The plan of a seed: at least so many commands and faults.
    #[must_use]
    pub fn of(seed: u64, commands: usize, faults: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let rush = deed::is_rush(&mut rng);
        let errand = (!rush && rng.u8(..) < ERRANDS).then(|| Errand::draw(&mut rng));
        let deeds = deed::draw(&mut rng, commands, rush, errand.as_ref());
        // Payments begin before what is done about them, mostly, and whoever meets others has a payment of their own.
        let first = if rush { SALES.saturating_mul(3) } else { SALES };
        let own = first.saturating_add(errand.as_ref().map_or(0, |errand| errand.deeds.len()));
        let beside = own.saturating_add(errand.as_ref().map_or(0, |errand| errand.beside.len()));
        let everybody = errand.as_ref().and_then(|errand| errand.first).map_or(0, |_| LANES);
        let waits = beside.saturating_add(everybody);
        let lane = |rng: &mut Rng, number: usize| match number {
            _ if number < first => number.checked_rem(SALES).unwrap_or(0),
            // An errand is one thing after the other.
            _ if number < own => OWN,
            _ if number < beside => BESIDE,
            _ if number < waits => number.saturating_sub(beside),
            _ => rng.usize(0..LANES),
        };
        let deeds =
            deeds.into_iter().enumerate().map(|(number, deed)| (lane(&mut rng, number), number, deed)).collect();
        let mut all = Faults::default();
        while all.store.len() < faults.max(EARLY) {
            // Most strike while much is going on.
            let at = match all.store.len() {
                ..EARLY => rng.u64(1..EARLY_UNTIL),
                _ if rng.bool() => rng.u64(1..600),
                _ => rng.u64(1..2_500),
            };
            all.store.insert(at, store_fault(&mut rng));
        }
        for _ in 0..rng.usize(0..6) {
            let part = rng.choice(Part::AIMS).unwrap_or(Part::Sale);
            // Whoever is late with a due time writes where nobody looks any more.
            let fault = match part {
                Part::Due if rng.usize(0..4) > 0 => Fault::Slow(rng.i64(800..8_000)),
                _ => aimed_fault(&mut rng),
            };
            all.aimed.push(Aimed { aim: Aim::Part(part), nth: nth(&mut rng), fault });
        }
        if rng.u8(..) < HELD_UP {
            hold_up(&mut rng, &mut all);
        }
        aim_at_cells(&mut rng, errand.as_ref(), &mut all.aimed);
        let examined = seed.is_multiple_of(EXAMINED) || errand.as_ref().is_some_and(|errand| errand.examined);
        if let Some(errand) = errand {
            all.aimed.extend(errand.aimed);
            all.provider.extend((1_u64..).zip(errand.provider));
            all.clocks = errand.clocks.or(all.clocks);
        }
        if rng.u8(..) < 64 {
            let from = rng.i64(0..60_000);
            let until = from.saturating_add(rng.i64(1_000..40_000));
            all.cut_off.push(CutOff { lane: rng.usize(0..LANES), from, until, arrives: rng.bool() });
        }
        for _ in 0..rng.usize(0..5) {
            all.provider.entry(rng.u64(1..16)).or_insert_with(|| provider_fault(&mut rng));
        }
        let small_pages = rng.bool();
        Self { seed, deeds, faults: all, examined, small_pages }
    }
}

/// Of 256 runs without a rush, those with an errand.
const ERRANDS: u8 = 208;

/// Of 256 runs, those in which couriers are held up between their lanes and what is due.
const HELD_UP: u8 = 40;

/// Whoever is held up there comes to what others have noted meanwhile, and they are held up while they note it. Mostly one
/// courier is ahead of the other: what is far off for the one is due for the other.
fn hold_up(rng: &mut Rng, faults: &mut Faults) {
    for _ in 0..10 {
        let fault = Fault::Slow(rng.i64(1_500..15_000));
        faults.aimed.push(Aimed { aim: Aim::Spans, nth: rng.u64(1..20), fault });
    }
    for _ in 0..10 {
        let aim = Aim::Part(Part::Due);
        faults.aimed.push(Aimed { aim, nth: rng.u64(1..24), fault: Fault::Slow(rng.i64(800..9_000)) });
    }
    if rng.u8(..) < 192 {
        let (most, half) = (CLOCK_WRONG, CLOCK_WRONG.checked_div(2).unwrap_or(0));
        let behind = rng.i64(half..most).saturating_neg();
        faults.clocks = Some([rng.i64(0..most), rng.i64(0..most), behind, rng.i64(half..most)]);
    }
}

/// Whoever is at an errand dies over it, mostly; and somebody over whatever it may be.
fn aim_at_cells(rng: &mut Rng, errand: Option<&Errand>, aimed: &mut Vec<Aimed>) {
    let mut aim = |rng: &mut Rng, (deed, point): Death| {
        let nth = if rng.u8(..) < 192 { 1 } else { rng.u64(1..4) };
        let (at, fault) = match point {
            // What becomes of an answer is decided before it is given.
            Point::Untold => (Point::Start, Fault::AnswerLost),
            _ => (point, cell_fault(rng)),
        };
        aimed.push(Aimed { aim: Aim::Cell((deed, at)), nth, fault });
    };
    let row = errand.and_then(|errand| rng.choice(errand.rows.iter().copied()));
    if let Some(row) = row {
        for _ in 0..rng.usize(1..3) {
            let cells: Vec<Death> = CELLS.iter().filter(|(deed, _)| *deed == row).copied().collect();
            let cell = rng.choice(cells);
            cell.into_iter().for_each(|cell| aim(rng, cell));
        }
    }
    for _ in 0..rng.usize(0..3) {
        let cell = rng.choice(CELLS.iter().copied());
        cell.into_iter().for_each(|cell| aim(rng, cell));
    }
}

/// What befalls whoever has got as far as a cell of the matrix: they die there, mostly.
fn cell_fault(rng: &mut Rng) -> Fault {
    match rng.usize(0..12) {
        0..7 => Fault::CrashBefore,
        7..9 => Fault::CrashAfter,
        9 => Fault::FailsBefore,
        10 => Fault::FailsAfter,
        _ => Fault::Slow(rng.i64(800..25_000)),
    }
}

fn store_fault(rng: &mut Rng) -> Fault {
    match rng.usize(0..24) {
        0..4 => Fault::CrashBefore,
        4..8 => Fault::CrashAfter,
        8..10 => Fault::FailsBefore,
        10..13 => Fault::FailsAfter,
        13 => Fault::SaysDone,
        14 => Fault::SaysRefused,
        15 => Fault::Slow(rng.i64(500..60_000)),
        // Long enough for others to come in between, short enough to live on.
        21.. => Fault::Slow(rng.i64(50..6_000)),
        16 => Fault::Restart,
        17 => Fault::ClockStep(rng.i64(-60_000..60_000)),
        18 => Fault::Parted(rng.i64(200..8_000)),
        _ => Fault::AnswerLost,
    }
}

/// Which write of a kind: every other time one of the first, which create what others will find.
fn nth(rng: &mut Rng) -> u64 {
    if rng.bool() { rng.u64(1..4) } else { rng.u64(1..16) }
}

/// What befalls a write: whoever writes dies, or is held up for so long that others come in between.
fn aimed_fault(rng: &mut Rng) -> Fault {
    match rng.usize(0..12) {
        0..3 => Fault::CrashBefore,
        3..6 => Fault::CrashAfter,
        6 => Fault::FailsBefore,
        7 => Fault::FailsAfter,
        _ => Fault::Slow(rng.i64(800..25_000)),
    }
}

fn provider_fault(rng: &mut Rng) -> ProviderFault {
    match rng.usize(0..10) {
        8.. => ProviderFault::Silent(rng.i64(5_000..300_000)),
        0 => ProviderFault::NotReached,
        1 | 2 => ProviderFault::AnswerLost,
        3 => ProviderFault::ServerError,
        4 => ProviderFault::Late(rng.i64(100..60_000)),
        5 => ProviderFault::Declines,
        6 => ProviderFault::SaysDuplicate,
        _ => ProviderFault::Slow(rng.i64(500..40_000)),
    }
}

/// How a run went.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What does not hold.
    pub violations: Vec<String>,
    /// What happened, if it was to be told.
    pub story: Vec<String>,
    /// Requests that were sent.
    pub requests: usize,
    /// Operations of the store.
    pub operations: u64,
    /// Commands that were given: attempts and repetitions not counted.
    pub commands: usize,
    /// Where somebody died, and how often.
    pub deaths: BTreeMap<Death, u64>,
    /// Which kinds of faults befell what.
    pub befell: BTreeSet<(&'static str, &'static str)>,
    /// The faults of the store that struck.
    pub struck: Vec<Fault>,
    /// All faults that struck.
    pub faults: usize,
    /// Most requests on one sale at a time.
    pub contenders: usize,
    /// How often each operation moved money at the acquirer.
    pub moved: usize,
}

/// Runs a plan.
#[must_use]
pub fn run(shop: &Shop, plan: &Plan, with_story: bool) -> Outcome {
    shop.begin(plan.seed, plan.faults.clone(), with_story);
    let open = Open::default();
    let done = acts(shop, plan, &open).and_then(|()| rests(shop, plan, &open));
    if let Err(error) = done {
        shop.sim.with(|inside| inside.auditor.object(error.to_string()));
    }
    shop.sim.with(|inside: &mut Inside| Outcome {
        violations: inside.auditor.violations.clone(),
        story: inside.story.take().unwrap_or_default(),
        requests: inside.requests.len(),
        operations: inside.operations,
        commands: inside.commands,
        deaths: core::mem::take(&mut inside.deaths),
        befell: core::mem::take(&mut inside.befell),
        faults: inside.struck.len().saturating_add(inside.cuts).saturating_add(inside.provider_faults),
        struck: core::mem::take(&mut inside.struck),
        contenders: inside.contenders,
        moved: inside.provider.operations.values().filter(|operation| operation.state == State::Done).count(),
    })
}

/// Everybody does what is planned, while couriers work and faults strike.
fn acts(shop: &Shop, plan: &Plan, open: &Open) -> anyhow::Result<()> {
    let mut work: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::new();
    for lane in 0..LANES {
        let deeds: Vec<(usize, Deed)> = plan
            .deeds
            .iter()
            .filter(|(of, _, _)| *of == lane)
            .map(|(_, number, deed)| (*number, deed.clone()))
            .collect();
        work.push(Box::pin(actor::act(shop, lane, deeds, open)));
    }
    for machine in COURIERS {
        work.push(Box::pin(async move {
            loop {
                // In quick succession, and then not for a while.
                let pause = shop.sim.with(|inside| match inside.clock == crate::shop::NOON || inside.rng.bool() {
                    true => inside.rng.i64(1..3_000),
                    false => inside.rng.i64(5_000..40_000),
                });
                shop.sim.sleep(pause).await;
                shop.tick(machine).await;
            }
        }));
    }
    schedule::together(&shop.sim, work, LANES)
}

/// When a courier works after the last fault, in ms from one turn to the next: at once, when what was held up by faults is
/// taken up again (30 s), when an intent or a reservation that nobody confirmed is given up (2 min), when an endpoint is tried
/// again at the latest (1 h).
const REST: [i64; 6] = [1_000, 5_000, 31_000, 121_000, 1_000, 3_600_000];

/// The batch in which all is that the terminal did: it hands that in until it is taken.
const LAST_BATCH: usize = 3;

/// So many of them in which nothing that is due waits. What is left then is asked for again every ten minutes, for ever, though
/// a person was called: time goes on in longer steps, so that whatever ends by time ends.
const PATIENT: usize = 40;

/// How long those steps are, in ms: six hours. Forty of them are longer than any review is open (72 hours).
const LONG: i64 = 21_600_000;

/// Whoever asks again for what was left open: none of the actors.
const NOBODY: usize = usize::MAX;

/// Turns after those: one whenever something is due. More than anything takes that ends.
const TURNS: usize = 80;

/// All is well from now on: what was left open is asked for again, everything due is done, and what must hold holds.
fn rests(shop: &Shop, plan: &Plan, open: &Open) -> anyhow::Result<()> {
    let broken = shop.sim.with(|inside| {
        inside.faults = Faults::default();
        inside.silent_until = i64::MIN;
        inside.join_up();
        inside.offsets = [0; crate::sim::MACHINES];
        inside.tell(|_| "--- from here on all is well".to_owned());
        inside.has_ended()
    });
    if broken {
        shop.sim.with(|inside| inside.auditor.object("durable: the store was made to end".to_owned()));
    }
    let all = Deed::Sync { batch: LAST_BATCH };
    if let Some(ask) = actor::ask_for(shop, usize::MAX, &all) {
        open.borrow_mut().push((all, ask));
    }
    let left: Vec<(Deed, Ask)> = open.borrow_mut().drain(..).collect();
    schedule::alone(&shop.sim, async {
        for (deed, ask) in &left {
            if !actor::until_told(shop, NOBODY, deed, ask).await && !actor::until_told(shop, NOBODY, deed, ask).await {
                let what = format!("no-limbo: {} {} {} is never answered", ask.who, ask.method, ask.path);
                shop.sim.with(|inside| inside.auditor.object(what));
            }
        }
        for wait in REST {
            turn(shop, wait).await;
        }
        shop.sim.with(noted);
        for number in 0..TURNS {
            // A turn tells an endpoint no more than fits into its share: a backlog takes several.
            let due = |inside: &mut Inside| next_due(inside).or_else(|| has_to_tell(inside).then_some(SHARE_WAITS));
            let Some(wait) = shop.sim.with(due) else { break };
            turn(shop, if number < PATIENT { wait } else { wait.max(LONG) }).await;
        }
        // Either nothing is due any more, or it stands where somebody will look.
        shop.sim.with(noted);
        holds(shop).await;
        if plan.examined {
            healthy(shop).await;
        }
    })
}

/// How long an endpoint waits after its share of a turn, in ms, and a little more.
const SHARE_WAITS: i64 = 2_500;

/// Whether an endpoint has something to be told.
fn has_to_tell(inside: &Inside) -> bool {
    let notes = inside.values.range("lane:".to_owned()..).map(|(key, _)| key);
    let mut notes = notes.take_while(|key| key.starts_with("lane:")).filter(|key| key.ends_with(":tail"));
    notes.any(|key| {
        let note = crate::auditor::committed(key, &inside.values);
        let note = note.and_then(|note| serde_json::from_slice::<Value>(note).ok()).unwrap_or_default();
        note.pointer("/d/merchants").and_then(Value::as_object).is_some_and(|merchants| !merchants.is_empty())
    })
}

/// The doctor that operators have (`rescind doctor`) finds nothing broken, and nothing untidy that it could not put right.
async fn healthy(shop: &Shop) {
    let now = Instant { unix_ms: shop.sim.with(|inside| inside.clock) };
    let mut findings: Vec<Finding> = Vec::new();
    if let Err(error) = doctor::examine(shop.store(), now, Hands::Off, &mut findings).await {
        shop.sim.with(|inside| inside.auditor.object(format!("doctor: {error}")));
    }
    let bad = |finding: &&Finding| match finding.code.severity() {
        Severity::Unfinished => false,
        Severity::Untidy => !finding.repairable,
        Severity::Broken => true,
    };
    for finding in findings.iter().filter(bad) {
        shop.sim.with(|inside| inside.auditor.object(format!("doctor: {finding}")));
    }
}

/// A courier's turn after so many ms.
async fn turn(shop: &Shop, wait: i64) {
    shop.sim.sleep(wait).await;
    let [courier, _] = COURIERS;
    if !shop.tick(courier).await {
        shop.sim.with(|inside| inside.auditor.object("no-limbo: a tick fails though all is well".to_owned()));
    }
}

/// *no-limbo*: of every sale of which something is due, or will be ended by time, the time stands where a courier will look.
fn noted(inside: &mut Inside) {
    let parsed = |key: &str, inside: &Inside| -> Value {
        let bytes = crate::auditor::committed(key, &inside.values);
        bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
    };
    let mut found: BTreeSet<String> = BTreeSet::new();
    for bucket in list(&parsed("due", inside), "/d/buckets") {
        let number = |name: &str| bucket.get(name).and_then(Value::as_i64).unwrap_or(0);
        let pages = format!("due:{}:{}:p", number("start"), number("width"));
        let keys: Vec<String> = inside.values.range(pages.clone()..).map(|(key, _)| key.clone()).collect();
        for key in keys.iter().take_while(|key| key.starts_with(&pages)).filter(|key| !key.contains('#')) {
            let page = parsed(key, inside);
            let sales = list(&page, "/d/entries").iter().filter_map(|entry| text(entry, "/id").rsplit_once(':'));
            found.extend(sales.map(|(sale, _)| sale.to_owned()));
        }
    }
    let sales: Vec<String> =
        inside.values.keys().filter(|key| key.starts_with("sale:") && !key.contains('#')).cloned().collect();
    for key in sales {
        let sale = parsed(&key, inside);
        if (is_due(&sale) || time_ends(&sale)) && !key.strip_prefix("sale:").is_some_and(|sale| found.contains(sale)) {
            inside.auditor.object(format!("no-limbo: something about {key} is due, and nobody will look"));
        }
    }
}

/// Whether something about a sale has an instant at which it is to be done.
fn is_due(sale: &Value) -> bool {
    let ways = ["/d/ledger/voids", "/d/ledger/refunds", "/d/ledger/operations"];
    ways.iter().any(|way| list(sale, way).iter().any(|one| !one.pointer("/due_at").is_none_or(Value::is_null)))
}

/// Whether there is something about a sale that time ends: a code that nobody paid, a hold that nobody completed, a case or an
/// order that nobody decided. What is under way, or a person's to look at, ends the first two in its own way.
fn time_ends(sale: &Value) -> bool {
    let any = |way: &str, states: &[&str]| list(sale, way).iter().any(|one| states.contains(&text(one, "/state")));
    let under_way = any("/d/ledger/operations", &["Authorised", "Sent", "Unknown"]);
    let asks = |one: &Value| one.pointer("/attention") == Some(&Value::Bool(true));
    let attention = list(sale, "/d/ledger/operations").iter().any(asks);
    let waits = ["Unpaid", "Held"].contains(&text(sale, "/d/ledger/status/outcome"));
    (waits && !under_way && !attention)
        || any("/d/ledger/cases", &["Open", "Assigned", "Granted"])
        || any("/d/ledger/orders", &["Proposed"])
}

/// How long it is until the next bucket of due times begins; `None` if there is none.
fn next_due(inside: &Inside) -> Option<i64> {
    let index: Value = serde_json::from_slice(crate::auditor::committed("due", &inside.values)?).ok()?;
    let starts =
        list(&index, "/d/buckets").iter().filter_map(|bucket| bucket.pointer("/start").and_then(Value::as_i64));
    Some(starts.min()?.saturating_sub(inside.clock).max(0).saturating_add(1_100))
}

/// What the system user reads.
async fn read(shop: &Shop, path: &str) -> Value {
    let ask = Ask {
        who: "system",
        method: "GET",
        path: path.to_owned(),
        body: String::new(),
        key: None,
        seal: None,
        batch: None,
    };
    let reply = shop.send("audit", 0, &ask).await;
    match reply {
        Some(reply) if reply.status == 200 => reply.json(),
        Some(reply) if reply.status == 404 => Value::Null,
        other => {
            shop.sim.with(|inside| inside.auditor.object(format!("durable: {path} is answered with {other:?}")));
            Value::Null
        }
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn cents(value: &Value, pointer: &str) -> i64 {
    crate::cents::parse(text(value, pointer)).unwrap_or(0)
}

/// What must hold in the end.
async fn holds(shop: &Shop) {
    let mut happened: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut refunds: BTreeSet<String> = BTreeSet::new();
    let names = (0..SALES).map(actor::sale_name);
    for name in names.chain([till::VOIDED, till::KEPT, till::KNOWN].map(str::to_owned)) {
        let shown = read(shop, &format!("/v1/transactions/{name}")).await;
        if shown.is_null() {
            if [till::VOIDED, till::KEPT, till::KNOWN].contains(&name.as_str()) {
                shop.sim.with(|inside| inside.auditor.object(format!("durable: {name} is not there")));
            }
            continue;
        }
        let ids = list(&shown, "/history").iter().map(|event| text(event, "/id").to_owned()).collect();
        happened.insert(name.clone(), ids);
        refunds.extend(list(&shown, "/refunds").iter().map(|refund| text(refund, "/id").to_owned()));
        no_limbo(shop, &name, &shown);
        if [till::VOIDED, till::KEPT].contains(&name.as_str()) {
            stands(shop, &name, &shown);
        } else {
            agrees(shop, &name, &shown);
        }
    }
    told(shop, &happened).await;
    shop.sim.with(|inside| listed(inside, refunds));
    keeps(shop).await;
    let waiting = shop.sim.with(|inside| {
        // A body that no head points to is nobody's.
        let lanes = inside.values.keys().filter(|key| key.starts_with("lane:") && !key.contains('#'));
        let open = lanes.filter(|key| {
            let lane = crate::auditor::committed(key, &inside.values);
            lane.and_then(|lane| serde_json::from_slice::<Value>(lane).ok())
                .is_some_and(|lane| !list(&lane, "/d/intents").is_empty())
        });
        open.count()
    });
    if waiting > 0 {
        shop.sim.with(|inside| inside.auditor.object(format!("no-limbo: {waiting} lanes hold intents for ever")));
    }
}

/// Lists of a merchant's things.
const LISTS: [&str; 6] = ["refunds", "queued", "cases", "orders", "liabilities", "cancels"];

/// *told*: every refund is in the list of refunds, and nothing is in a list twice.
fn listed(inside: &mut Inside, mut refunds: BTreeSet<String>) {
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    let mut wrong: Vec<String> = Vec::new();
    for name in LISTS {
        let prefix = format!("{name}:");
        let keys = inside.values.range(prefix.clone()..).map(|(key, _)| key);
        for key in keys.take_while(|key| key.starts_with(&prefix)).filter(|key| !key.contains('#')) {
            let Some((of, _)) = key.rsplit_once(":p") else { continue };
            let bytes = crate::auditor::committed(key, &inside.values);
            let page: Value = bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
            for entry in list(&page, "/d/entries") {
                let id = text(entry, "/id").to_owned();
                if name == "refunds" {
                    refunds.remove(&id);
                }
                if !seen.insert((of.to_owned(), id.clone())) {
                    wrong.push(format!("told: {id} is in {of} twice"));
                }
            }
        }
    }
    wrong.extend(refunds.iter().map(|refund| format!("told: {refund} is not in the list of refunds")));
    for what in wrong {
        inside.auditor.object(what);
    }
}

/// *no-limbo*: every operation ended, or somebody was called.
fn no_limbo(shop: &Shop, name: &str, shown: &Value) {
    let mut open = Vec::new();
    for operation in list(shown, "/operations") {
        let ended = ["done", "failed"].contains(&text(operation, "/state"));
        if !ended && operation.pointer("/attention") != Some(&Value::Bool(true)) {
            open.push(format!("{} {}", text(operation, "/kind"), text(operation, "/state")));
        }
    }
    for refund in list(shown, "/refunds") {
        let state = text(refund, "/state");
        let ended = ["cleared", "failed", "declined", "withdrawn", "expired", "approved"].contains(&state);
        if !ended && refund.pointer("/attention") != Some(&Value::Bool(true)) {
            open.push(format!("refund {} {state}", text(refund, "/id")));
        }
    }
    if !open.is_empty() {
        shop.sim.with(|inside| inside.auditor.object(format!("no-limbo: {name} still has {open:?}")));
    }
}

/// What a terminal did with a sale that never left it is in its ledger, once.
fn stands(shop: &Shop, name: &str, shown: &Value) {
    let expected = if name == till::VOIDED { till::CENTS } else { 0 };
    let voided = list(shown, "/operations").iter().filter(|one| text(one, "/state") == "done");
    let voided = voided.fold(0_i64, |sum, one| sum.saturating_add(cents(one, "/amount/amount")));
    if voided != expected {
        let what = format!("durable: of {name} {voided} is voided, where the terminal voided {expected}");
        shop.sim.with(|inside| inside.auditor.object(what));
    }
}

/// The ledger says what the acquirer's books say.
fn agrees(shop: &Shop, name: &str, shown: &Value) {
    let sum = |path: &str, state: &str, kind: Option<&str>| {
        list(shown, path)
            .iter()
            .filter(|one| text(one, "/state") == state && kind.is_none_or(|kind| text(one, "/kind") == kind))
            .fold(0_i64, |sum, one| sum.saturating_add(cents(one, "/amount/amount")))
    };
    let refunded = sum("/refunds", "cleared", None);
    let voided = sum("/operations", "done", Some("void"));
    let attention = list(shown, "/operations").iter().chain(list(shown, "/refunds"));
    let asks = attention.clone().any(|one| one.pointer("/attention") == Some(&Value::Bool(true)));
    shop.sim.with(|inside| {
        let Some(book) = inside.provider.books.get(name).cloned() else {
            if refunded != 0 || voided != 0 {
                let what = format!("same books: {name} gave back money that the acquirer knows nothing of");
                inside.auditor.object(what);
            }
            return;
        };
        if !asks && (book.refunded, book.voided) != (refunded, voided) {
            let what =
                format!("same books: of {name} {refunded} is refunded and {voided} voided; the acquirer says {book:?}");
            inside.auditor.object(what);
        }
    });
}

/// *told*: every event is in the feed once, in order per sale, and was delivered.
async fn told(shop: &Shop, happened: &BTreeMap<String, Vec<String>>) {
    let mut feed: Vec<String> = Vec::new();
    let mut after = String::new();
    loop {
        let page = read(shop, &format!("/v1/events?limit=100{after}")).await;
        let items = list(&page, "/items");
        feed.extend(items.iter().map(|item| text(item, "/id").to_owned()));
        if items.is_empty() {
            break;
        }
        after = format!("&after={}", text(&page, "/next"));
    }
    let delivered: Vec<String> = shop.sim.with(|inside| {
        let mut seen = BTreeSet::new();
        inside.delivered.iter().map(|(_, event)| event.clone()).filter(|event| seen.insert(event.clone())).collect()
    });
    for (sale, events) in happened {
        let prefix = format!("{sale}.");
        let of_sale =
            |all: &[String]| -> Vec<String> { all.iter().filter(|id| id.starts_with(&prefix)).cloned().collect() };
        let (in_feed, arrived) = (of_sale(&feed), of_sale(&delivered));
        if in_feed != *events {
            shop.sim.with(|inside| {
                inside.auditor.object(format!("told: of {sale} happened {events:?}, the feed says {in_feed:?}"));
            });
        }
        if arrived != *events {
            shop.sim.with(|inside| {
                inside.auditor.object(format!("told: of {sale} happened {events:?}, delivered was {arrived:?}"));
            });
        }
    }
}

/// *durable*, *one-effect*: what was answered is answered so again.
async fn keeps(shop: &Shop) {
    let promises = shop.sim.with(|inside| {
        let mut all = inside.auditor.promises.clone();
        inside.rng.shuffle(&mut all);
        all.truncate(5);
        all
    });
    for promise in promises {
        let again = shop.send("audit", 0, &promise.ask).await;
        let same = again.as_ref().is_some_and(|again| (again.status, &again.text) == (promise.status, &promise.text));
        if !same {
            shop.sim.with(|inside| {
                inside.auditor.object(format!(
                    "durable: for {} {} was told {} {}, and now {again:?}",
                    promise.ask.path, promise.ask.who, promise.status, promise.text
                ));
            });
        }
    }
}
