//! What a run shares: the store, the clocks, chance, the acquirer, and whoever watches. One thread; whoever waits, waits
//! on virtual time, and which of those who could go on goes on next is drawn.

use crate::auditor::Auditor;
use crate::fault::{Aim, Fault, Faults, ProviderFault};
use crate::model::Model;
use crate::point::{Part, Point};
use crate::provider::Provider;
use core::future::poll_fn;
use core::task::Poll;
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Machines: two gateways and two couriers.
pub const MACHINES: usize = 4;

/// How long a host lets a request live, in ms.
const REQUEST_LIVES: i64 = 30_000;

/// By how many ms the clock of a machine can be wrong: two differ by less than an intent is waited for beyond the longest
/// request (`INTENT_PATIENCE`, 120 s).
pub const CLOCK_WRONG: i64 = 40_000;

/// Of 256 times that somebody is alone, how often they go on at once.
const STAYS: u8 = 240;

/// What is asked of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A value is read.
    Get,
    /// A value is read, to be swapped later.
    Open,
    /// A value is written, whatever is there.
    Set,
    /// A value is written, if what was read is still there.
    Swap,
    /// A value is removed.
    Delete,
    /// A number is added to.
    Increment,
}

impl Verb {
    /// Whether it changes what lies there.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Set | Self::Swap | Self::Delete)
    }
}

impl core::fmt::Display for Verb {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::Open => "open",
            Self::Set => "set",
            Self::Swap => "swap",
            Self::Delete => "delete",
            Self::Increment => "increment",
        })
    }
}

/// What lies in a store. Cheap to copy.
pub type Values = BTreeMap<String, Arc<[u8]>>;

/// What a run shares. Clones are the same.
#[derive(Clone)]
pub struct Sim {
    inside: Arc<Mutex<Inside>>,
}

/// One request, or one turn of a courier.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who asks for what, in the matrix.
    pub deed: &'static str,
    /// The machine that works on it.
    pub machine: usize,
    /// What it has done last.
    pub point: Point,
    /// Whether it has written an idempotency key.
    claimed: bool,
    /// Whether it has written a sale.
    committed: bool,
    /// Whether it has looked at the spans of time in which something is due.
    looked: bool,
    /// When it began, in true time.
    pub began: i64,
    /// Whether its machine died over it.
    pub dead: bool,
    /// Whether its answer is not delivered.
    pub answer_lost: bool,
    /// Whether it is over, in whatever way.
    pub over: bool,
}

impl Request {
    /// One that begins.
    #[must_use]
    pub const fn new(deed: &'static str, machine: usize, began: i64) -> Self {
        Self {
            deed,
            machine,
            point: Point::Start,
            claimed: false,
            committed: false,
            looked: false,
            began,
            dead: false,
            answer_lost: false,
            over: false,
        }
    }

    /// Whether it is a courier's turn, whatever that is at.
    #[must_use]
    pub const fn is_turn(&self) -> bool {
        let [first, _] = crate::shop::COURIERS;
        self.machine >= first
    }

    fn wrote(&mut self, part: Part, happened: Option<&'static str>) {
        self.point = self.point.after(part, self.claimed, self.committed);
        self.claimed |= part == Part::Claim;
        self.committed |= part == Part::Sale;
        if self.is_turn() {
            // What a courier is at shows in what it writes.
            self.deed = match (part, happened) {
                (Part::Sale, happened) => happened.unwrap_or("ask"),
                (Part::Feed | Part::Note, _) => "publish",
                (Part::Intent, _) if self.point == Point::Struck => "publish",
                (Part::Due | Part::Spans, _) => "remind",
                (Part::Cursor, _) => "deliver",
                // Marks and numbers that nothing depends on.
                (Part::Other, _) => self.deed,
                _ => "tick",
            };
        }
    }

    /// The provider or an endpoint was called, or answered.
    pub const fn called(&mut self, deed: &'static str, point: Point) {
        self.deed = deed;
        self.point = point;
    }
}

/// Where somebody died: over what, and how far they had got.
pub type Death = (&'static str, Point);

/// Everything inside.
pub struct Inside {
    /// Which store it is.
    pub model: Model,
    /// What lies in it.
    pub values: Values,
    /// The store has ended, until it is started again.
    ended: bool,
    /// Increments that wait to be told the number that another was told.
    told: BTreeMap<String, i64>,
    /// The true time in Unix ms.
    pub clock: i64,
    /// By how many ms each machine's clock is wrong.
    pub offsets: [i64; MACHINES],
    /// Operations of the store so far.
    pub operations: u64,
    /// Calls of the acquirer so far.
    pub calls: u64,
    /// What is to go wrong.
    pub faults: Faults,
    /// Chance of the schedule.
    pub rng: Rng,
    /// Numbers that have to be unique.
    dice: u64,
    /// Requests so far.
    pub requests: Vec<Request>,
    /// Whose turn it is.
    pub running: Option<usize>,
    /// When whoever was polled last wants to be polled again.
    pub wake: i64,
    /// When the first of the others wants to go on: until then whoever is at work is alone.
    pub horizon: i64,
    /// The acquirer.
    pub provider: Provider,
    /// The amounts of open orders, in cents.
    pub codes: BTreeMap<String, i64>,
    /// What the merchant's endpoint was told, in order.
    pub delivered: Vec<(String, String)>,
    /// Who watches.
    pub auditor: Auditor,
    /// Where somebody died, and how often.
    pub deaths: BTreeMap<Death, u64>,
    /// What kinds of faults befell what.
    pub befell: BTreeSet<(&'static str, &'static str)>,
    /// How often what each fault is aimed at came to pass so far.
    met: Vec<u64>,
    /// Until when each machine does not hear the store.
    parted: [i64; MACHINES],
    /// Until when the acquirer is not reached.
    pub silent_until: i64,
    /// How often a line was cut off.
    pub cuts: usize,
    /// Calls of the provider that went wrong.
    pub provider_faults: usize,
    /// References about which the provider is being called.
    pub calling: Vec<String>,
    /// Commands that actors gave.
    pub commands: usize,
    /// Kinds of faults that struck, each as often as it did.
    pub struck: Vec<Fault>,
    /// What happened, for whoever reads the story of a failure.
    pub story: Option<Vec<String>>,
    /// Most requests on one sale at a time.
    pub contenders: usize,
    /// Requests under way by sale.
    pub under_way: BTreeMap<usize, usize>,
}

impl Sim {
    /// A run over what lies in a store.
    #[must_use]
    pub fn new(model: Model, values: Values, clock: i64, seed: u64, faults: Faults) -> Self {
        let met = vec![0; faults.aimed.len()];
        let inside = Inside {
            model,
            values,
            ended: false,
            told: BTreeMap::new(),
            clock,
            offsets: [0; MACHINES],
            operations: 0,
            calls: 0,
            faults,
            rng: Rng::with_seed(seed),
            dice: seed << 20,
            requests: Vec::new(),
            running: None,
            wake: i64::MAX,
            horizon: i64::MIN,
            provider: Provider::default(),
            codes: BTreeMap::new(),
            delivered: Vec::new(),
            auditor: Auditor::default(),
            deaths: BTreeMap::new(),
            befell: BTreeSet::new(),
            met,
            parted: [i64::MIN; MACHINES],
            silent_until: i64::MIN,
            cuts: 0,
            provider_faults: 0,
            calling: Vec::new(),
            commands: 0,
            struck: Vec::new(),
            story: None,
            contenders: 0,
            under_way: BTreeMap::new(),
        };
        Self { inside: Arc::new(Mutex::new(inside)) }
    }

    /// Looks inside.
    pub fn with<R>(&self, look: impl FnOnce(&mut Inside) -> R) -> R {
        look(&mut self.inside.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another run in the place of this one: the machines stay, and what they remember of the deployment.
    pub fn begin(&self, run: Self) {
        let inside = match Arc::try_unwrap(run.inside) {
            Ok(mutex) => mutex.into_inner().unwrap_or_else(PoisonError::into_inner),
            Err(_) => return,
        };
        self.with(|there| *there = inside);
    }

    /// Waits for so many ms of true time, and at least until somebody else had a turn.
    pub async fn sleep(&self, ms: i64) {
        let until = self.with(|inside| inside.clock.saturating_add(ms.max(1)));
        poll_fn(|context| {
            self.with(|inside| {
                if inside.clock >= until {
                    return Poll::Ready(());
                }
                inside.wake = inside.wake.min(until);
                context.waker().wake_by_ref();
                Poll::Pending
            })
        })
        .await;
    }

    /// Waits for ever: whoever is dead.
    pub async fn dies(&self) {
        core::future::pending::<()>().await;
    }
}

impl Inside {
    /// Adds a line to the story, if somebody will read it.
    pub fn tell(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.story.is_some() {
            let line = format!("{} {}", self.time(), line(self));
            if let Some(story) = &mut self.story {
                story.push(line);
            }
        }
    }

    /// The true time, as the story writes it.
    fn time(&self) -> String {
        let ms = self.clock.rem_euclid(86_400_000);
        let part = |by: i64, of: i64| ms.checked_div(by).and_then(|n| n.checked_rem(of)).unwrap_or(0);
        format!("{:02}:{:02}:{:02}.{:03}", part(3_600_000, 24), part(60_000, 60), part(1_000, 60), part(1, 1_000))
    }

    /// Lets so many ms pass at once, if nobody else would do anything meanwhile; whether they passed. Not always: whoever does
    /// several things side by side is one for the schedule, and each of them has to get its turns.
    pub fn passes(&mut self, ms: i64) -> bool {
        let until = self.clock.saturating_add(ms);
        let alone = until < self.horizon && self.rng.u8(..) < STAYS;
        let lives = self.running.is_none_or(|request| !self.is_dead(request));
        if !(alone && lives) {
            return false;
        }
        self.clock = until;
        self.running.is_none_or(|request| !self.is_dead(request))
    }

    /// Whoever is at work has called somebody, or was answered.
    pub fn at(&mut self, deed: &'static str, point: Point) {
        if let Some(request) = self.running.and_then(|at| self.requests.get_mut(at)) {
            request.called(deed, point);
        }
    }

    /// What befalls the next operation of the store.
    pub fn next_fault(&mut self, verb: Verb, key: &str) -> Option<Fault> {
        self.operations = self.operations.saturating_add(1);
        let drawn = self.faults.store.get(&self.operations).copied();
        let aimed = self.aimed_at(verb, key);
        let running = self.running;
        let request = running.and_then(|at| self.requests.get(at));
        let (deed, machine) = request.map_or(("nobody", 0), |request| (request.deed, request.machine));
        let Some(fault) = drawn.or(aimed) else {
            let parted = self.parted.get(machine).is_some_and(|until| self.clock < *until);
            return (parted && running.is_some())
                .then(|| if self.rng.bool() { Fault::FailsBefore } else { Fault::FailsAfter });
        };
        // What cannot befall this operation befalls it otherwise: a fault that was drawn strikes.
        let lies = matches!(self.model, Model::Lying);
        let fault = match fault {
            Fault::SaysDone if !lies || !verb.writes() => Fault::FailsBefore,
            // Nobody waits for what a courier's turn came to.
            Fault::AnswerLost if request.is_some_and(Request::is_turn) => Fault::FailsAfter,
            Fault::SaysRefused if !lies || verb != Verb::Swap => Fault::FailsAfter,
            other => other,
        };
        self.struck.push(fault);
        let name = fault.name();
        self.befell.insert((deed, name));
        self.tell(|_| format!("!!! {name} befalls {deed} on machine {machine}: {verb} {key}"));
        match fault {
            Fault::Restart => self.restart(machine),
            Fault::ClockStep(ms) => {
                if let Some(offset) = self.offsets.get_mut(machine) {
                    *offset = offset.saturating_add(ms).clamp(-CLOCK_WRONG, CLOCK_WRONG);
                }
            }
            Fault::Parted(ms) => {
                if let Some(until) = self.parted.get_mut(machine) {
                    *until = self.clock.saturating_add(ms);
                }
            }
            Fault::AnswerLost => {
                if let Some(request) = running.and_then(|at| self.requests.get_mut(at)) {
                    request.answer_lost = true;
                }
            }
            Fault::CrashBefore => self.kill(running),
            _ => {}
        }
        Some(fault)
    }

    /// The fault that is aimed at this operation, if one is.
    fn aimed_at(&mut self, verb: Verb, key: &str) -> Option<Fault> {
        let request = self.requests.get_mut(self.running?)?;
        let cell = (request.deed, request.point);
        let looks = !verb.writes() && request.is_turn() && !request.looked && Part::of(key) == Part::Spans;
        request.looked |= looks;
        self.aimed(|aim| match aim {
            Aim::Part(part) => verb.writes() && Part::of(key) == part,
            Aim::Cell(at) => at == cell,
            Aim::Call(_) => false,
            Aim::Spans => looks,
        })
    }

    /// The fault that is aimed at what comes to pass, if one is: the first of several.
    fn aimed(&mut self, comes_to_pass: impl Fn(Aim) -> bool) -> Option<Fault> {
        let mut strikes = None;
        for (aimed, met) in self.faults.aimed.iter().zip(&mut self.met) {
            if comes_to_pass(aimed.aim) {
                *met = met.saturating_add(1);
                if *met == aimed.nth {
                    strikes = strikes.or(Some(aimed.fault));
                }
            }
        }
        strikes
    }

    /// What is aimed at whoever calls the provider now.
    pub fn aimed_at_call(&mut self) -> Option<Fault> {
        let request = self.requests.get(self.running?)?;
        let (deed, machine) = (request.deed, request.machine);
        let fault = self.aimed(|aim| aim == Aim::Cell((deed, Point::Called)) || aim == Aim::Call(deed))?;
        self.struck.push(fault);
        let name = fault.name();
        self.befell.insert((deed, name));
        self.tell(|_| format!("!!! {name} befalls {deed} on machine {machine}: it calls the acquirer"));
        Some(fault)
    }

    /// A machine is started again: whatever it was at is lost.
    pub fn restart(&mut self, machine: usize) {
        for at in 0..self.requests.len() {
            if self.requests.get(at).is_some_and(|request| request.machine == machine) {
                self.kill(Some(at));
            }
        }
        self.ended = false;
    }

    /// A machine dies over a request.
    pub fn kill(&mut self, request: Option<usize>) {
        if let Some(request) = request.and_then(|at| self.requests.get_mut(at))
            && !request.dead
            && !request.over
        {
            request.dead = true;
            let at = (request.deed, request.point);
            self.died(at);
        }
    }

    fn died(&mut self, at: Death) {
        let count = self.deaths.entry(at).or_insert(0);
        *count = count.saturating_add(1);
    }

    /// Every machine hears the store again.
    pub const fn join_up(&mut self) {
        self.parted = [i64::MIN; MACHINES];
    }

    /// Each machine's clock is wrong by something, in half of the runs.
    pub fn set_clocks(&mut self) {
        if let Some(clocks) = self.faults.clocks {
            self.offsets = clocks;
        } else if self.rng.bool() {
            for offset in &mut self.offsets {
                *offset = self.rng.i64(-CLOCK_WRONG..CLOCK_WRONG);
            }
        }
    }

    /// A request is over; whether its answer is lost.
    pub fn ends(&mut self, request: usize) -> bool {
        let Some(request) = self.requests.get_mut(request) else { return false };
        request.over = true;
        let (lost, at) = (request.answer_lost, (request.deed, Point::Untold));
        if lost && !request.dead {
            self.died(at);
        }
        lost
    }

    /// Whether a request is dead: its machine died over it, or ended it because it took too long.
    #[must_use]
    pub fn is_dead(&self, request: usize) -> bool {
        let late = |began: i64| self.clock.saturating_sub(began) > REQUEST_LIVES;
        self.requests.get(request).is_some_and(|request| request.dead || late(request.began))
    }

    /// Whether an actor's line is cut now, and if so, whether what is sent arrives all the same.
    pub fn cut_off(&mut self, lane: usize, deed: &'static str) -> Option<bool> {
        let now = self.clock.saturating_sub(crate::shop::NOON);
        let cut = self.faults.cut_off.iter().find(|cut| cut.lane == lane && (cut.from..cut.until).contains(&now))?;
        let arrives = cut.arrives;
        self.cuts = self.cuts.saturating_add(1);
        self.befell.insert((deed, if arrives { "cut-off-after" } else { "cut-off-before" }));
        self.tell(|_| format!("!!! {lane} is cut off; what is sent {}", if arrives { "arrives" } else { "is lost" }));
        Some(arrives)
    }

    /// What befalls the next call of the acquirer.
    pub fn next_provider_fault(&mut self) -> Option<ProviderFault> {
        self.calls = self.calls.saturating_add(1);
        if self.clock < self.silent_until {
            return Some(ProviderFault::NotReached);
        }
        let fault = self.faults.provider.get(&self.calls).copied()?;
        if let ProviderFault::Silent(ms) = fault {
            self.silent_until = self.clock.saturating_add(ms);
        }
        self.provider_faults = self.provider_faults.saturating_add(1);
        self.tell(|_| format!("!!! the acquirer: {fault:?}"));
        Some(fault)
    }

    /// Numbers nobody else gets.
    pub fn random(&mut self) -> [u8; 32] {
        self.dice = self.dice.wrapping_add(1);
        let mut rng = Rng::with_seed(self.dice);
        let mut bytes = [0_u8; 32];
        rng.fill(&mut bytes);
        bytes
    }

    /// Whether the store answers nobody.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// The store ends.
    pub const fn end(&mut self) {
        self.ended = true;
    }

    /// Writes or removes a value, and lets the auditor look.
    pub fn write(&mut self, key: &str, value: Option<Arc<[u8]>>) {
        let makes_head = value.as_deref() == Some(0_i64.to_le_bytes().as_slice());
        match value {
            Some(value) => self.values.insert(key.to_owned(), value),
            None => self.values.remove(key),
        };
        let head = key.split_once('#').map(|(head, _)| head);
        if makes_head || head.is_some_and(|head| !crate::auditor::leads_to(head, key, &self.values)) {
            // Nobody finds it yet.
            return;
        }
        let part = Part::of(key);
        let happened = match part {
            Part::Sale => self.auditor.saw_write(key, &self.values),
            Part::Feed => {
                self.auditor.saw_feed(key, &self.values);
                None
            }
            _ => None,
        };
        if let Some(request) = self.running.and_then(|at| self.requests.get_mut(at)) {
            request.wrote(part, happened);
        }
    }

    /// Somebody reads a value. Whoever reads the sale that they wrote have their proof.
    pub fn looks_at(&mut self, key: &str) -> Option<&Arc<[u8]>> {
        if let Some(request) = self.running.and_then(|at| self.requests.get_mut(at))
            && request.point == Point::Committed
            && Part::of(key) == Part::Sale
        {
            request.point = Point::Proved;
        }
        self.values.get(key)
    }

    /// Adds to a number as this store does; `None` if it is none.
    pub fn add(&mut self, key: &str, delta: i64) -> Option<i64> {
        let there = match self.values.get(key) {
            None => 0,
            Some(bytes) => i64::from_le_bytes(bytes.as_ref().try_into().ok()?),
        };
        let sum = there.saturating_add(delta);
        self.write(key, Some(Arc::from(sum.to_le_bytes().as_slice())));
        if self.model != Model::Cosmos {
            return Some(sum);
        }
        // Now and then one is told what another was told.
        let told = self.told.insert(key.to_owned(), sum);
        Some(told.filter(|_| self.rng.u8(..) < 64).unwrap_or(sum))
    }
}
