//! A store in memory, honest or with the defects of real backends (`docs/storage.md`).
//!
//! Two kinds of defect, which may be combined. A [`Fault`] is what a backend always does. A [`Trouble`] is what befalls
//! single operations; a [`Plan`] says which, by number, chance, kind and key, so that a test can try every place in turn.
//!
//! Not here, because the port has no such thing: batch reads, which crash on Spin's Redis.

use super::fault::{Compares, Fault};
use crate::ports::{Kv, KvError, Swap};
use core::task::{Poll, Waker};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What befalls an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It fails and has done nothing.
    FailsBefore,
    /// It has done its work and fails: the answer is lost.
    FailsAfter,
    /// A write says that it took place, and did not.
    SaysDone,
    /// A swap says that it did not write, and did.
    SaysRefused,
    /// A read or an opened cell shows the value before the last change that is not [settled](MemoryKv::settle) yet. A
    /// swap from such a cell is refused, as wherever a swap over a value is sound.
    Stale,
    /// It fails and does its work later, when a few more operations were begun: the answer timed out, the request was on
    /// its way. What reads does nothing.
    Late,
    /// It is suspended before it begins, for a while that differs from one to the next: others come in between.
    Slow,
    /// It is suspended before it begins until the store is [released](MemoryKv::release): whoever holds it up chooses what
    /// comes in between.
    Held,
}

/// The operations of the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `get`
    Get,
    /// `set`
    Set,
    /// `delete`
    Delete,
    /// `atomics.cas.new` with `current`
    Open,
    /// `atomics.swap`
    Swap,
    /// `atomics.increment`
    Increment,
}

/// Which operations a trouble befalls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What befalls them.
    pub trouble: Trouble,
    /// Of which kind; `None`: of every kind.
    pub op: Option<Op>,
    /// On keys that begin so.
    pub prefix: String,
    /// How many that match go well first.
    pub after: u64,
    /// How many it then befalls.
    pub times: u64,
    /// One of how many of these it befalls, drawn from the store's seed; 1: each.
    pub one_in: u64,
}

impl Plan {
    /// Every operation.
    #[must_use]
    pub fn always(trouble: Trouble) -> Self {
        Self { trouble, op: None, prefix: String::new(), after: 0, times: u64::MAX, one_in: 1 }
    }

    /// The operation after so many others, and no other.
    #[must_use]
    pub fn once(trouble: Trouble, after: u64) -> Self {
        Self { after, times: 1, ..Self::always(trouble) }
    }

    /// One of so many operations, now and then.
    #[must_use]
    pub fn now_and_then(trouble: Trouble, one_in: u64) -> Self {
        Self { one_in, ..Self::always(trouble) }
    }

    /// Operations on these keys only.
    #[must_use]
    pub fn on(self, prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..self }
    }

    /// Operations of this kind only.
    #[must_use]
    pub fn of(self, op: Op) -> Self {
        Self { op: Some(op), ..self }
    }
}

/// How often each operation of the store was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// `get`
    pub get: u64,
    /// `set`
    pub set: u64,
    /// `delete`
    pub delete: u64,
    /// `atomics.cas.new` with `current`
    pub open: u64,
    /// `atomics.swap`
    pub swap: u64,
    /// `atomics.increment`
    pub increment: u64,
}

impl Calls {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        [self.get, self.set, self.delete, self.open, self.swap, self.increment].iter().sum()
    }

    fn count(&mut self, op: Op) {
        let counter = match op {
            Op::Get => &mut self.get,
            Op::Set => &mut self.set,
            Op::Delete => &mut self.delete,
            Op::Open => &mut self.open,
            Op::Swap => &mut self.swap,
            Op::Increment => &mut self.increment,
        };
        *counter = counter.saturating_add(1);
    }
}

/// A store in memory. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryKv {
    fault: Fault,
    inside: Arc<Mutex<Inside>>,
}

type Value = Option<Vec<u8>>;

/// What lies beside a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Beside {
    /// Changes of the key so far.
    touched: u64,
    /// What DynamoDB compares: counts swaps, gone when the value is removed or set.
    version: Option<u64>,
}

/// A write whose answer was lost on the way there.
#[derive(Debug)]
enum LateWrite {
    Set(String, Vec<u8>),
    Delete(String),
    Swap(MemoryCell, Vec<u8>),
}

#[derive(Debug, Default)]
struct Inside {
    values: BTreeMap<String, Vec<u8>>,
    beside: BTreeMap<String, Beside>,
    /// Writes that come late, each with how many operations it lets go first.
    late: Vec<(u64, LateWrite)>,
    /// Numbers that others were told.
    told: BTreeMap<String, i64>,
    /// What was there before the last change, until it is settled.
    before: BTreeMap<String, Value>,
    plans: Vec<Plan>,
    /// A number from which suspensions are drawn.
    seed: u64,
    /// How often what was held was let go.
    releases: u64,
    /// Who is told when it is.
    waiting: Vec<Waker>,
    /// Ended by an increment of what is no number.
    ended: bool,
    calls: Calls,
}

impl Inside {
    fn write(&mut self, key: &str, value: Value) {
        let there = self.beside.entry(key.to_owned()).or_default();
        *there = Beside { touched: there.touched.saturating_add(1), version: None };
        let before = match value {
            Some(value) => self.values.insert(key.to_owned(), value),
            None => self.values.remove(key),
        };
        self.before.insert(key.to_owned(), before);
    }

    /// A cell as it is opened; a stale one can never be swapped.
    fn cell(&self, key: &str, trouble: Option<Trouble>) -> MemoryCell {
        let beside = self.beside.get(key).copied().unwrap_or_default();
        let stale = Beside { touched: u64::MAX, version: Some(u64::MAX) };
        let seen = self.read(key, trouble);
        let old = seen.as_ref() != self.values.get(key);
        MemoryCell { key: key.to_owned(), seen, beside: if old { stale } else { beside } }
    }

    /// Carries a swap out; whether it wrote.
    fn swap(&mut self, fault: Fault, cell: &MemoryCell, value: &[u8]) -> bool {
        let MemoryCell { key, seen, beside } = cell;
        let now = self.beside.get(key).copied().unwrap_or_default();
        let there = self.values.get(key);
        let same = match fault.compares() {
            Compares::Touch => beside.touched == now.touched,
            Compares::Version if seen.is_some() && beside.version.is_some() => beside.version == now.version,
            Compares::Version | Compares::Value => there == seen.as_ref(),
        };
        let writes = same || (fault.upserts() && seen.is_none());
        if writes {
            let next = now.version.unwrap_or(0).saturating_add(1);
            self.write(key, Some(value.to_vec()));
            if let Some(beside) = self.beside.get_mut(key) {
                beside.version = Some(next);
            }
        }
        writes
    }

    fn arrive(&mut self, fault: Fault, write: LateWrite) {
        match write {
            LateWrite::Set(key, value) => self.write(&key, Some(value)),
            LateWrite::Delete(key) => self.write(&key, None),
            LateWrite::Swap(cell, value) => {
                self.swap(fault, &cell, &value);
            }
        }
    }

    /// One more operation begins: what was late for so long arrives.
    fn pass(&mut self, fault: Fault) {
        for (left, _) in &mut self.late {
            *left = left.saturating_sub(1);
        }
        for (_, write) in self.late.extract_if(.., |(left, _)| *left == 0).collect::<Vec<_>>() {
            self.arrive(fault, write);
        }
    }

    fn postpone(&mut self, write: LateWrite) {
        let after = self.draw(8).saturating_add(1);
        self.late.push((after, write));
    }

    fn read(&self, key: &str, trouble: Option<Trouble>) -> Value {
        let older = self.before.get(key).filter(|_| trouble == Some(Trouble::Stale));
        older.cloned().unwrap_or_else(|| self.values.get(key).cloned())
    }

    /// What befalls the next operation: the first plan that matches says.
    fn trouble(&mut self, op: Op, key: &str) -> Option<Trouble> {
        let mut befalls = None;
        for plan in &mut self.plans {
            if plan.op.is_some_and(|o| o != op) || !key.starts_with(&plan.prefix) {
                continue;
            }
            if plan.one_in > 1 && drawn(&mut self.seed, plan.one_in) != 0 {
                continue;
            }
            if plan.after > 0 {
                plan.after = plan.after.saturating_sub(1);
            } else if plan.times > 0 && befalls.is_none() {
                plan.times = plan.times.saturating_sub(1);
                befalls = Some(plan.trouble);
            }
        }
        befalls
    }

    /// How often the next slow operation lets others go first: 0 to 3 times.
    fn suspensions(&mut self) -> u64 {
        self.draw(4)
    }

    fn draw(&mut self, below: u64) -> u64 {
        drawn(&mut self.seed, below)
    }
}

/// The next number of a seed, below a bound.
pub(super) fn drawn(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    // The upper bits: the lower ones have short periods.
    (*seed >> 33).checked_rem(below).unwrap_or(0)
}

impl MemoryKv {
    /// An empty store.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, inside: Arc::default() }
    }

    /// A store of its own with the same content, all of it settled, and no trouble.
    #[must_use]
    pub fn copy(&self) -> Self {
        self.copied_to(self.fault)
    }

    /// The same in another kind of store: a database that moved.
    #[must_use]
    pub fn copied_to(&self, fault: Fault) -> Self {
        let values = self.with(|i| i.values.clone());
        Self { fault, inside: Arc::new(Mutex::new(Inside { values, ..Inside::default() })) }
    }

    fn with<R>(&self, f: impl FnOnce(&mut Inside) -> R) -> R {
        f(&mut self.inside.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has operations befallen by trouble from now on.
    pub fn plan(&self, plan: Plan) {
        self.with(|i| i.plans.push(plan));
    }

    /// Lets go on what is held, and holds nothing that begins later unless another plan says so.
    pub fn release(&self) {
        let waiting = self.with(|i| {
            i.plans.retain(|plan| plan.trouble != Trouble::Held);
            i.releases = i.releases.saturating_add(1);
            core::mem::take(&mut i.waiting)
        });
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until what is held is let go.
    async fn held(&self) {
        let before = self.with(|i| i.releases);
        core::future::poll_fn(|context| {
            self.with(|i| {
                if i.releases != before {
                    return Poll::Ready(());
                }
                i.waiting.push(context.waker().clone());
                Poll::Pending
            })
        })
        .await;
    }

    /// Chooses how long slow operations are suspended.
    pub fn seed(&self, seed: u64) {
        self.with(|i| i.seed = seed);
    }

    /// Trouble is over, and everything is settled.
    pub fn calm(&self) {
        self.with(|i| i.plans.clear());
        self.rest();
    }

    /// What was late arrives, and everything is settled. Trouble goes on.
    pub fn rest(&self) {
        self.with(|i| {
            for (_, write) in core::mem::take(&mut i.late) {
                i.arrive(self.fault, write);
            }
        });
        self.settle();
    }

    /// What was written is seen by everybody from now on: no read is staler than this moment.
    pub fn settle(&self) {
        self.with(|i| i.before.clear());
    }

    /// How it misbehaves always.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// How often each operation was called so far.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.with(|i| i.calls)
    }

    /// All keys.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.with(|i| i.values.keys().cloned().collect())
    }

    /// At most `limit` keys that follow one, each with its value, whatever trouble there is.
    #[must_use]
    pub fn rows_after(&self, key: Option<&str>, limit: usize) -> Vec<(String, Vec<u8>)> {
        use core::ops::Bound;
        let from = key.map_or(Bound::Unbounded, Bound::Excluded);
        self.with(|i| {
            let rows = i.values.range::<str, _>((from, Bound::Unbounded)).take(limit);
            rows.map(|(key, value)| (key.clone(), value.clone())).collect()
        })
    }

    /// The largest value.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.with(|i| i.values.values().map(Vec::len).max().unwrap_or(0))
    }

    /// One operation, with what befalls it.
    async fn operation<R>(
        &self,
        op: Op,
        key: &str,
        effect: impl FnOnce(&mut Inside, Option<Trouble>) -> Result<R, KvError>,
    ) -> Result<R, KvError> {
        let trouble = self.with(|i| {
            i.calls.count(op);
            i.trouble(op, key)
        });
        if trouble == Some(Trouble::Slow) {
            for _ in 0..self.with(Inside::suspensions) {
                suspended().await;
            }
        }
        if trouble == Some(Trouble::Held) {
            self.held().await;
        }
        let failed = |when: &str| KvError(format!("{op:?} {key} failed {when} its effect"));
        if trouble == Some(Trouble::FailsBefore) {
            return Err(failed("before"));
        }
        let told = self.with(|i| {
            if i.ended {
                return Err(KvError("the store has ended".to_owned()));
            }
            i.pass(self.fault);
            effect(i, trouble)
        });
        match trouble {
            Some(Trouble::FailsAfter) => Err(failed("after")),
            Some(Trouble::Late) => Err(failed("perhaps before")),
            _ => told,
        }
    }
}

/// Lets others go first, once.
async fn suspended() {
    let mut first = true;
    core::future::poll_fn(|context| {
        if core::mem::take(&mut first) {
            context.waker().wake_by_ref();
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

/// What a swap compares with.
#[derive(Debug)]
pub struct MemoryCell {
    key: String,
    seen: Value,
    beside: Beside,
}

impl MemoryKv {
    fn atomics(&self) -> Result<(), KvError> {
        let none = || KvError("this store has no atomic operations".to_owned());
        self.fault.has_atomics().then_some(()).ok_or_else(none)
    }
}

impl crate::doctor::Listed for MemoryKv {
    async fn after(&self, key: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, KvError> {
        Ok(self.rows_after(key, limit))
    }
}

impl Kv for MemoryKv {
    type Cell = MemoryCell;

    async fn get(&self, key: &str) -> Result<Value, KvError> {
        self.operation(Op::Get, key, |i, trouble| Ok(i.read(key, trouble))).await
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        self.operation(Op::Set, key, |i, trouble| {
            match trouble {
                Some(Trouble::SaysDone) => {}
                Some(Trouble::Late) => i.postpone(LateWrite::Set(key.to_owned(), value.to_vec())),
                _ => i.write(key, Some(value.to_vec())),
            }
            Ok(())
        })
        .await
    }

    async fn delete(&self, key: &str) -> Result<(), KvError> {
        self.operation(Op::Delete, key, |i, trouble| {
            match trouble {
                Some(Trouble::SaysDone) => {}
                Some(Trouble::Late) => i.postpone(LateWrite::Delete(key.to_owned())),
                _ => i.write(key, None),
            }
            Ok(())
        })
        .await
    }

    async fn open(&self, key: &str) -> Result<(Value, Self::Cell), KvError> {
        self.atomics()?;
        let cell = self.operation(Op::Open, key, |i, trouble| Ok(i.cell(key, trouble))).await?;
        Ok((cell.seen.clone(), cell))
    }

    async fn swap(&self, cell: Self::Cell, value: &[u8]) -> Result<Swap, KvError> {
        let fault = self.fault;
        let key = cell.key.clone();
        self.operation(Op::Swap, &key, |i, trouble| {
            match trouble {
                Some(Trouble::SaysDone) => return Ok(Swap::Swapped),
                Some(Trouble::Late) => {
                    i.postpone(LateWrite::Swap(cell, value.to_vec()));
                    return Ok(Swap::Refused);
                }
                _ => {}
            }
            let said = fault.says(i.swap(fault, &cell, value));
            Ok(if trouble == Some(Trouble::SaysRefused) { Swap::Refused } else { said })
        })
        .await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, KvError> {
        let fault = self.fault;
        self.atomics()?;
        self.operation(Op::Increment, key, |i, trouble| {
            let there = match i.values.get(key) {
                None => Some(0),
                Some(bytes) => fault.number(bytes),
            };
            let Some(there) = there else {
                // Spin's SQLite panics, and answers nobody until it is started again.
                i.ended = fault.ends_by_counting();
                return Err(KvError("increment of a value that is no number".to_owned()));
            };
            let sum = there.checked_add(delta).ok_or_else(|| KvError("increment overflows".to_owned()))?;
            if !matches!(trouble, Some(Trouble::SaysDone | Trouble::Late)) {
                let version = i.beside.get(key).and_then(|b| b.version);
                i.write(key, Some(fault.counter(sum)));
                // DynamoDB's counter leaves the version alone: what swaps compare does not notice it.
                if let Some(beside) = i.beside.get_mut(key) {
                    beside.version = version;
                }
            }
            let told = i.told.insert(key.to_owned(), sum);
            let twice = fault == Fault::ToldTwice && i.draw(4) == 0;
            Ok(told.filter(|_| twice).unwrap_or(sum))
        })
        .await
    }
}
