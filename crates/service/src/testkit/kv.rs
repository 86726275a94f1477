//! A store in memory, honest or with the defects of real backends (`DESIGN.md`, storage table).
//!
//! Two kinds of defect, which may be combined. A [`Fault`] is what a backend always does. A [`Trouble`] is what befalls
//! single operations; a [`Plan`] says which, by number, kind and key, so that a test can try every place in turn.
//!
//! Not here, because the port has no such thing: batch reads (`batch.get-many` crashes on Spin's Redis) and labels
//! (the application has one store; that Redis keeps all labels in one keyspace cannot be seen through it).

use crate::ports::{Kv, KvError, Swap};
use core::task::{Poll, Waker};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How a backend misbehaves, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not at all: the embedded store, DynamoDB, Cosmos.
    None,
    /// A swap over nothing writes whatever is there by now, and an increment of what is no number ends the store: Spin's
    /// SQLite.
    UpsertOverNothing,
    /// Every swap says it failed, whether it wrote or not: Spin's Redis.
    SaysRefused,
}

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
}

impl Plan {
    /// Every operation.
    #[must_use]
    pub fn always(trouble: Trouble) -> Self {
        Self { trouble, op: None, prefix: String::new(), after: 0, times: u64::MAX }
    }

    /// The operation after so many others, and no other.
    #[must_use]
    pub fn once(trouble: Trouble, after: u64) -> Self {
        Self { after, times: 1, ..Self::always(trouble) }
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

#[derive(Debug, Default)]
struct Inside {
    values: BTreeMap<String, Vec<u8>>,
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
        let before = match value {
            Some(value) => self.values.insert(key.to_owned(), value),
            None => self.values.remove(key),
        };
        self.before.insert(key.to_owned(), before);
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
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.seed >> 62
    }
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
        let values = self.with(|i| i.values.clone());
        Self { fault: self.fault, inside: Arc::new(Mutex::new(Inside { values, ..Inside::default() })) }
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
        self.settle();
        self.with(|i| i.plans.clear());
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
            effect(i, trouble)
        });
        if trouble == Some(Trouble::FailsAfter) { Err(failed("after")) } else { told }
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
            if trouble != Some(Trouble::SaysDone) {
                i.write(key, Some(value.to_vec()));
            }
            Ok(())
        })
        .await
    }

    async fn delete(&self, key: &str) -> Result<(), KvError> {
        self.operation(Op::Delete, key, |i, trouble| {
            if trouble != Some(Trouble::SaysDone) {
                i.write(key, None);
            }
            Ok(())
        })
        .await
    }

    async fn open(&self, key: &str) -> Result<(Value, Self::Cell), KvError> {
        let seen = self.operation(Op::Open, key, |i, trouble| Ok(i.read(key, trouble))).await?;
        Ok((seen.clone(), MemoryCell { key: key.to_owned(), seen }))
    }

    async fn swap(&self, cell: Self::Cell, value: &[u8]) -> Result<Swap, KvError> {
        let fault = self.fault;
        let MemoryCell { key, seen } = cell;
        self.operation(Op::Swap, &key, |i, trouble| {
            if trouble == Some(Trouble::SaysDone) {
                return Ok(Swap::Swapped);
            }
            let upsert = fault == Fault::UpsertOverNothing && seen.is_none();
            let matches = upsert || i.values.get(&key) == seen.as_ref();
            if matches {
                i.write(&key, Some(value.to_vec()));
            }
            let hidden = fault == Fault::SaysRefused || trouble == Some(Trouble::SaysRefused);
            Ok(if matches && !hidden { Swap::Swapped } else { Swap::Refused })
        })
        .await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, KvError> {
        let fault = self.fault;
        self.operation(Op::Increment, key, |i, trouble| {
            let there = match i.values.get(key) {
                None => Some(0),
                Some(bytes) => bytes.as_slice().try_into().ok().map(i64::from_le_bytes),
            };
            let Some(there) = there else {
                // Spin's SQLite panics, and answers nobody until it is started again.
                i.ended = fault == Fault::UpsertOverNothing;
                return Err(KvError("increment of a value that is no number".to_owned()));
            };
            let sum = there.checked_add(delta).ok_or_else(|| KvError("increment overflows".to_owned()))?;
            if trouble != Some(Trouble::SaysDone) {
                i.write(key, Some(sum.to_le_bytes().to_vec()));
            }
            Ok(sum)
        })
        .await
    }
}
