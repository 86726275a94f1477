//! `kill -9` at random moments, again and again on one database, under every kind of work at once: after each, the database
//! is in order as it was left, and whatever was acknowledged is there; in the end everything that was asked for has happened
//! once, by the acquirer's own books.
//!
//! `RESCIND_KILL_ROUNDS` says how many rounds (`cargo xtask kill --rounds 200`), `RESCIND_KILL_SEED` from which number the
//! moments are drawn.

use crate::world::World;
use anyhow::{Context as _, Result, bail, ensure};
use rescind_acquirer::{Behaviour, SaleEffects};
use rescind_tests::client::fresh_key;
use rescind_tests::doctor::doctor;
use rescind_tests::operator::{Operator, SUPERVISOR};
use rescind_tests::shop::text;
use rescind_tests::{Client, Delivery, Receiver, Reply, cny, moment};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Rounds of an ordinary test run.
const ROUNDS: u64 = 10;
/// Customers at once.
const CUSTOMERS: u64 = 8;
/// The shortest and the longest time until a server is killed, in ms.
const LIVES: (u64, u64) = (150, 1_500);
/// After so long a request that died with its server may come again: its key is free.
const LEASE: Duration = Duration::from_secs(36);
/// How often what was acknowledged is asked for again under its key, in each round.
const REPLAYED: usize = 8;
/// Rounds between two repairs.
const REPAIRED_EVERY: u64 = 5;
/// Orders that are asked for again in one life, at most.
const ASKED_AGAIN: usize = 64;
/// How long a customer waits who was not answered: a courier that is behind makes everybody wait.
const PAUSE: Duration = Duration::from_millis(100);
/// When nothing was delivered for so long, nothing more comes.
const QUIET: Duration = Duration::from_secs(30);
/// Rounds between two who void.
const RELIEVED_EVERY: u64 = 5;
/// Questions at once.
const QUESTIONS: usize = 16;
/// So much of why an order was left open tells it from other reasons.
const WHY: usize = 600;

/// What a request is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Deed {
    Register,
    Void,
    Submit,
    Approve,
    Decline,
    Clear,
}

/// One request, the same whenever it is sent.
#[derive(Debug, Clone)]
struct Order {
    deed: Deed,
    sale: String,
    caller: Client,
    path: String,
    key: String,
    body: Value,
    /// Who proves it, if it takes a proof.
    prover: Option<Prover>,
}

/// Somebody who may void, with a key of their own.
#[derive(Debug, Clone)]
struct Prover {
    at: Client,
    who: Operator,
}

impl Order {
    async fn send(&self) -> Result<Reply> {
        match self.deed {
            // A sale is its own key.
            Deed::Register => self.caller.post(&self.path, &self.body).await,
            _ => self.caller.tell_under(&self.key, &self.path, &self.body).await,
        }
    }
}

/// What is known of all requests.
#[derive(Debug, Default)]
struct Register {
    /// Acknowledged, with the answer, in this round.
    fresh: Vec<(Order, Reply)>,
    /// Acknowledged before.
    kept: Vec<(Order, Reply)>,
    /// Not answered, or answered that nothing is known.
    open: Vec<Open>,
    /// Why orders were left open, and how often, in this round.
    whys: BTreeMap<String, u64>,
}

/// An order that is not answered yet, since when, and why.
#[derive(Debug)]
struct Open {
    since: Instant,
    order: Order,
    why: String,
}

impl Register {
    fn leave(&mut self, order: Order, why: impl core::fmt::Display) {
        let why = why.to_string();
        let shape: String = why.chars().filter(|c| !c.is_ascii_digit()).take(WHY).collect();
        let times = self.whys.entry(shape).or_default();
        *times = times.saturating_add(1);
        self.open.push(Open { since: Instant::now(), order, why });
    }
}

/// The shop's customers: everything they ask for is written down.
struct Counter {
    world: World,
    register: Mutex<Register>,
    numbers: AtomicU64,
    /// Who voids now. Each dead check of a PIN counts as a wrong one, so that nobody could go on for all rounds.
    prover: Prover,
}

impl Counter {
    fn register(&self) -> std::sync::MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same order again. A proof holds for two minutes: the same request with a newer one is the same request.
    async fn ask_again(&self, mut order: Order) -> Result<Option<Value>> {
        if let Some(prover) = &order.prover {
            match self.world.shop.proving_void(&prover.at, &prover.who, &order.sale).await {
                Ok(supervisor) => order.caller = supervisor,
                Err(why) => {
                    self.register().leave(order, format!("no proof: {why:#}"));
                    return Ok(None);
                }
            }
        }
        self.ask(order).await
    }

    /// Sends an order and writes down what came of it; the answer, if it is acknowledged.
    async fn ask(&self, order: Order) -> Result<Option<Value>> {
        let reply = match order.send().await {
            Ok(reply) => reply,
            Err(why) => {
                self.register().leave(order, format!("{why:#}"));
                return Ok(None);
            }
        };
        if reply.status.is_server_error() || reply.is_code("idempotency.in-flight") {
            self.register().leave(order, reply);
            return Ok(None);
        }
        ensure!(reply.status.is_success(), "{order:?}: {reply}");
        let said = reply.json()?;
        self.register().fresh.push((order, reply));
        Ok(Some(said))
    }

    /// One customer comes, and stays for as long as there are answers; whether there were answers to all.
    async fn serve(&self) -> Result<bool> {
        let n = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (shop, sale) = (&self.world.shop, format!("K-{n}"));
        let order = |deed: Deed, caller: &Client, path: &str, body: Value| Order {
            prover: (deed == Deed::Void).then(|| self.prover.clone()),
            deed,
            sale: sale.clone(),
            caller: caller.clone(),
            path: path.to_owned(),
            key: fresh_key(),
            body,
        };
        let new = match n % 4 {
            0 => shop.sale(&sale),
            1 => shop.sale(&sale).days_ago(2),
            _ => shop.sale(&sale).of("5000.00").days_ago(2),
        };
        let registered = order(Deed::Register, &shop.system, "/v1/transactions", new.body());
        if self.ask(registered).await?.is_none() {
            return Ok(false);
        }
        if n.is_multiple_of(4) {
            // Whoever has no proof asks for nothing; the server may be gone.
            let proof = shop.proving_void(&self.prover.at, &self.prover.who, &sale).await;
            let Ok(supervisor) = proof else { return Ok(false) };
            let path = format!("/v1/transactions/{sale}/voids");
            return Ok(self.ask(order(Deed::Void, &supervisor, &path, shop.void())).await?.is_some());
        }
        // Up to 999.00 the automatic review approves, up to 1000.00 one person.
        let amount = if n % 4 == 1 { "60.00" } else { "1000.00" };
        let submitted = order(Deed::Submit, &shop.manager, "/v1/refunds", shop.refund(&sale, amount));
        let Some(made) = self.ask(submitted).await? else { return Ok(false) };
        let path = format!("/v1/refunds/{}", text(&made, "id")?);
        if n % 4 == 3 {
            let no = order(Deed::Decline, &shop.reviewer, &format!("{path}/declines"), json!({"reason": "no receipt"}));
            return Ok(self.ask(no).await?.is_some());
        }
        if n % 4 == 2 {
            let yes = order(Deed::Approve, &shop.reviewer, &format!("{path}/approvals"), json!({"revision": 1}));
            if self.ask(yes).await?.is_none() {
                return Ok(false);
            }
        }
        // What the acquirer is to do is used up once the refund is sent. An unknown void is undone and not asked for again: those
        // are left to the kills.
        match n % 7 {
            1 => self.world.script(&sale, Behaviour::Timeout { took_place: true, hold_ms: Some(50) })?,
            3 => self.world.script(&sale, Behaviour::LateSuccess { after_ms: 300 })?,
            5 => self.world.script(&sale, Behaviour::Timeout { took_place: false, hold_ms: Some(50) })?,
            _ => {}
        }
        let clear = order(Deed::Clear, &shop.finance, &format!("{path}/clearings"), json!({}));
        Ok(self.ask(clear).await?.is_some())
    }

    /// Orders whose keys are free again: as many as one life has time for.
    fn due(&self) -> Vec<Order> {
        let mut register = self.register();
        let open = core::mem::take(&mut register.open);
        let (mut due, mut open): (Vec<Open>, Vec<Open>) = open.into_iter().partition(|one| one.since.elapsed() > LEASE);
        open.extend(due.split_off(due.len().min(ASKED_AGAIN)));
        register.open = open;
        due.into_iter().map(|one| one.order).collect()
    }
}

/// Whether an answer shows what was acknowledged.
fn shows(deed: &Deed, acknowledged: &Value, seen: &Value) -> bool {
    let happened = |kind: &str| seen["history"].as_array().is_some_and(|all| all.iter().any(|e| e["type"] == kind));
    seen["id"] == acknowledged["id"]
        && match deed {
            Deed::Register => true,
            Deed::Void => seen["kind"] == "void",
            Deed::Submit => happened("refund.submitted"),
            Deed::Approve => happened("refund.approved"),
            Deed::Decline => seen["state"] == "declined",
            Deed::Clear => happened("refund.clearing"),
        }
}

/// Asks for everything that was acknowledged.
async fn all_there(counter: &Arc<Counter>, what: Vec<(Order, Reply)>) -> Result<()> {
    let lines = Arc::new(Semaphore::new(QUESTIONS));
    let mut questions = JoinSet::new();
    for (order, reply) in what {
        let (counter, lines) = (Arc::clone(counter), Arc::clone(&lines));
        questions.spawn(async move {
            let _line = lines.acquire().await;
            let acknowledged = reply.json()?;
            let id = text(&acknowledged, "id")?;
            let path = match order.deed {
                Deed::Register => format!("/v1/transactions/{id}"),
                Deed::Void => format!("/v1/operations/{id}"),
                _ => format!("/v1/refunds/{id}"),
            };
            let seen = counter.world.shop.system.see(&path).await.context("it was acknowledged")?;
            ensure!(shows(&order.deed, &acknowledged, &seen), "{order:?} was acknowledged with {reply}, and is {seen}");
            anyhow::Ok(())
        });
    }
    while let Some(one) = questions.join_next().await {
        one??;
    }
    Ok(())
}

/// The same answer under the same key, byte for byte.
async fn same_answers(what: &[(Order, Reply)]) -> Result<()> {
    let keyed = what.iter().rev().filter(|(order, _)| order.deed != Deed::Register && order.deed != Deed::Void);
    for (order, reply) in keyed.take(REPLAYED) {
        let again = order.send().await?;
        ensure!(again.text == reply.text, "{order:?} was answered {reply}, and then {again}");
    }
    Ok(())
}

/// One life of a server, and what is left of it.
async fn life(counter: &Arc<Counter>, ms: u64) -> Result<JoinSet<Result<()>>> {
    let mut customers = JoinSet::new();
    let end = Instant::now() + Duration::from_millis(ms);
    for _ in 0..CUSTOMERS {
        let counter = Arc::clone(counter);
        customers.spawn(async move {
            while Instant::now() < end {
                if !counter.serve().await? {
                    tokio::time::sleep(PAUSE).await;
                }
            }
            Ok(())
        });
    }
    for order in counter.due() {
        let counter = Arc::clone(counter);
        customers.spawn(async move { counter.ask_again(order).await.map(drop) });
    }
    tokio::time::sleep_until(end.into()).await;
    Ok(customers)
}

fn environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_it_is_killed_nothing_acknowledged_is_lost_and_nothing_happens_twice() -> Result<()> {
    let rounds = environment("RESCIND_KILL_ROUNDS", ROUNDS);
    let mut chance = environment("RESCIND_KILL_SEED", u64::try_from(moment::now().unix_ms).unwrap_or(1));
    println!("{rounds} rounds, RESCIND_KILL_SEED={chance}");
    let world = World::open().await?;
    let receiver = Receiver::start().await?;
    world.shop.endpoint(&receiver.url()).await?;
    let prover = relief(&world, 0).await?;
    let mut counter = Arc::new(Counter { world, register: Mutex::default(), numbers: AtomicU64::new(0), prover });
    let began = Instant::now();
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for round in 1..=rounds {
        moment::clear_of_the_cut_off(rescind_model::Duration::minutes(1)).await;
        let started = Instant::now();
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let ms = LIVES.0 + (chance >> 33) % (LIVES.1 - LIVES.0);
        let mut customers = life(&counter, ms).await?;
        // Nobody else holds the counter's server: customers only have copies of its address.
        kill(&mut counter, &mut customers).await?;
        let killed = started.elapsed();

        let db = counter.world.server.setup().db.clone();
        let diagnosis = doctor(&db, false).await?;
        diagnosis.in_order().with_context(|| format!("round {round}, killed after {ms} ms"))?;
        for finding in &diagnosis.findings {
            *found.entry(text(finding, "code")?).or_default() += 1;
        }
        if round % REPAIRED_EVERY == 0 {
            doctor(&db, true).await?.clean().with_context(|| format!("round {round}"))?;
        }
        let looked_at = started.elapsed();

        restart(&mut counter).await?;
        let up = started.elapsed();
        if round % RELIEVED_EVERY == 0 {
            let prover = relief(&counter.world, round).await?;
            Arc::get_mut(&mut counter).context("a customer is still there")?.prover = prover;
        }
        let fresh = core::mem::take(&mut counter.register().fresh);
        ensure!(!fresh.is_empty() || ms < 1_000, "round {round}: nothing was acknowledged within {ms} ms");
        all_there(&counter, fresh.clone()).await.with_context(|| format!("round {round}, killed after {ms} ms"))?;
        same_answers(&fresh).await?;
        let open = counter.register().open.len();
        println!(
            "round {round}: killed after {ms} ms, {} acknowledged, {open} open, {} keys; {} ms: {} looked at, {} started, {} asked",
            fresh.len(),
            diagnosis.summary["keys"],
            started.elapsed().as_millis(),
            (looked_at - killed).as_millis(),
            (up - looked_at).as_millis(),
            (started.elapsed() - up).as_millis(),
        );
        counter.register().kept.extend(fresh);
        for (why, times) in core::mem::take(&mut counter.register().whys) {
            println!("  {times} left open: {why}");
        }
    }
    let each = began.elapsed().as_millis() / u128::from(rounds.max(1));
    println!("{rounds} rounds, {each} ms each; what doctors found: {found:?}");
    finish(&counter).await?;
    everything_once(&counter).await?;
    everything_told(&counter, &receiver).await?;
    let counter = Arc::get_mut(&mut counter).context("a customer is still there")?;
    counter.world.server.stop().await?;
    let diagnosis = doctor(&counter.world.server.setup().db, true).await?;
    diagnosis.clean()?;
    println!("in the end: {}", diagnosis.summary);
    Ok(())
}

/// Somebody who has not voided before.
async fn relief(world: &World, round: u64) -> Result<Prover> {
    let person = format!("relief-{round}").leak();
    let who = Operator { number: format!("{}", 100 + round).leak(), person, ..SUPERVISOR };
    let at = world.shop.hire(who.person, &[who.role]).await?;
    world.shop.register_operator(&who).await?;
    Ok(Prover { at, who })
}

async fn kill(counter: &mut Arc<Counter>, customers: &mut JoinSet<Result<()>>) -> Result<()> {
    // The process is killed by its number while customers are still asking.
    counter.world.server.kill_now()?;
    while let Some(customer) = customers.join_next().await {
        customer??;
    }
    let counter = Arc::get_mut(counter).context("a customer is still there")?;
    counter.world.server.kill9().await
}

async fn restart(counter: &mut Arc<Counter>) -> Result<()> {
    Arc::get_mut(counter).context("a customer is still there")?.world.server.start_again().await
}

/// Everything that was left open is asked for again, until it is answered.
async fn finish(counter: &Arc<Counter>) -> Result<()> {
    let open = core::mem::take(&mut counter.register().open);
    let lines = Arc::new(Semaphore::new(QUESTIONS));
    let mut left = JoinSet::new();
    for Open { order, .. } in open {
        let (counter, lines) = (Arc::clone(counter), Arc::clone(&lines));
        left.spawn(async move {
            let mut end = None;
            loop {
                let line = lines.acquire().await;
                // Its time begins with its turn: there are many.
                let end = *end.get_or_insert_with(|| Instant::now() + 4 * LEASE);
                let answered = counter.ask_again(order.clone()).await?.is_some();
                drop(line);
                if answered {
                    return Ok(());
                }
                if Instant::now() > end {
                    let register = counter.register();
                    let why =
                        register.open.iter().rev().find(|one| one.order.key == order.key).map(|one| one.why.as_str());
                    bail!("{order:?} is never answered: {}", why.unwrap_or_default());
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }
    while let Some(one) = left.join_next().await {
        one??;
    }
    counter.register().open.clear();
    let fresh = core::mem::take(&mut counter.register().fresh);
    all_there(counter, fresh.clone()).await?;
    counter.register().kept.extend(fresh);
    // All of it, of all rounds.
    let kept = counter.register().kept.clone();
    println!("{} acknowledged in all", kept.len());
    all_there(counter, kept).await
}

/// The acquirer's own books hold what was acknowledged, once each, and nothing else.
async fn everything_once(counter: &Arc<Counter>) -> Result<()> {
    let mut expected: BTreeMap<String, SaleEffects> = BTreeMap::new();
    let mut undone: BTreeSet<String> = BTreeSet::new();
    let mut amounts: BTreeMap<String, String> = BTreeMap::new();
    let kept = counter.register().kept.clone();
    let nothing = SaleEffects {
        currency: "CNY".into(),
        voided: "0.00".into(),
        refunded: "0.00".into(),
        reversed: "0.00".into(),
        count: 1,
    };
    for (order, reply) in kept {
        let (sale, said) = (order.sale.clone(), reply.json()?);
        let effects = match order.deed {
            Deed::Submit => {
                amounts.insert(sale.clone(), text(&said["amount"], "amount")?);
                continue;
            }
            Deed::Void => {
                let ended = counter.world.shop.void_in(&text(&said, "id")?, &["done", "failed"]).await?;
                if ended["state"] == "failed" {
                    // Nobody knew what became of it, so it was undone.
                    undone.insert(format!("{}/{sale}", counter.world.shop.merchant));
                    continue;
                }
                SaleEffects { voided: "100.00".into(), ..nothing.clone() }
            }
            Deed::Clear => {
                counter.world.shop.refund_in(&text(&said, "id")?, &["cleared"]).await?;
                let refunded = amounts.get(&sale).context("a refund was cleared that nobody asked for")?.clone();
                SaleEffects { refunded, ..nothing.clone() }
            }
            Deed::Register | Deed::Approve | Deed::Decline => continue,
        };
        let key = format!("{}/{sale}", counter.world.shop.merchant);
        ensure!(expected.insert(key, effects).is_none(), "{sale} was acknowledged twice");
    }
    let done = counter.world.acquirer.effects();
    let found: BTreeMap<String, SaleEffects> = done.sales.into_iter().filter(|(_, one)| one.count > 0).collect();
    let stands = |sale: &String| found.get(sale).is_some_and(|one| one.voided != "0.00" || one.refunded != "0.00");
    let standing: Vec<_> = undone.iter().filter(|sale| stands(sale)).collect();
    ensure!(standing.is_empty(), "undone here, and not at the acquirer: {standing:?}");
    let differ: Vec<_> = expected.iter().filter(|(sale, one)| found.get(*sale) != Some(one)).collect();
    ensure!(differ.is_empty(), "not as it was acknowledged: {differ:?}");
    let more: Vec<_> = found.keys().filter(|sale| !expected.contains_key(*sale) && !undone.contains(*sale)).collect();
    ensure!(more.is_empty(), "done, and never asked for: {more:?}");
    println!("{} effects at the acquirer, each once; {} voids undone", expected.len(), undone.len());
    counter.world.nothing_twice()?;
    for (sale, one) in found.iter().take(100) {
        let id = sale.rsplit('/').next().context("a sale has a name")?;
        let balance = &counter.world.shop.look_at(id).await?["balance"];
        let (voided, cleared) = (cny(&one.voided), cny(&one.refunded));
        ensure!(balance["voided"] == voided && balance["cleared"] == cleared, "{sale}: {balance}, {one:?}");
    }
    Ok(())
}

/// Every event of the feed was delivered, in order per sale.
async fn everything_told(counter: &Arc<Counter>, receiver: &Receiver) -> Result<()> {
    let feed = counter.world.shop.feed().await?;
    let happened: BTreeSet<String> = feed.iter().map(|event| text(event, "id")).collect::<Result<_>>()?;
    ensure!(happened.len() == feed.len(), "the feed tells something twice");
    // However many they are: for as long as more of them come.
    let mut before = receiver.deliveries().len();
    let taken = loop {
        tokio::time::sleep(QUIET).await;
        let all = receiver.deliveries();
        let (now, more) = (all.len(), all.len() > before);
        before = now;
        if !more {
            break all.into_iter().filter(|delivery| delivery.taken).collect::<Vec<Delivery>>();
        }
    };
    let came: BTreeSet<String> = taken.iter().map(|d| text(&d.json()?["data"], "id")).collect::<Result<_>>()?;
    let missing: Vec<&String> = happened.difference(&came).take(10).collect();
    ensure!(
        missing.is_empty(),
        "of {} events {} were delivered; not, among others: {missing:?}",
        happened.len(),
        came.len()
    );
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    for delivery in &taken {
        let data = delivery.json()?["data"].clone();
        let sequence = data["sequence"].as_u64().context("an event has a number")?;
        let last = told.entry(text(&data, "sale")?).or_default();
        // At least once: one that was told before may come again after a restart, with all that follow it.
        ensure!(sequence <= *last + 1, "{data} came after event {last}");
        *last = sequence.max(*last);
    }
    println!("{} events, {} deliveries", feed.len(), taken.len());
    Ok(())
}
