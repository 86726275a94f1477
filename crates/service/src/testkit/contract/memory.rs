//! The store in memory as a subject, with a fault and with trouble now and then.

use super::{Caller, Subject, turns};
use crate::ports::KvError;
use crate::testkit::{Fault, MemoryKv, Plan, Trouble};

/// A store in memory whose operations are suspended now and then, so that callers meet.
#[derive(Debug)]
pub struct Memory {
    kv: MemoryKv,
    seed: u64,
    trouble: Option<Trouble>,
}

impl Memory {
    /// An empty store with a fault.
    #[must_use]
    pub fn new(fault: Fault, seed: u64) -> Self {
        Self::over(MemoryKv::new(fault), seed, None)
    }

    /// The same, and one of so many operations has trouble besides.
    #[must_use]
    pub fn troubled(fault: Fault, trouble: Trouble, one_in: u64, seed: u64) -> Self {
        let kv = MemoryKv::new(fault);
        kv.plan(Plan::now_and_then(trouble, one_in));
        Self::over(kv, seed, Some(trouble))
    }

    /// A store that holds something already.
    #[must_use]
    pub fn holding(kv: MemoryKv, seed: u64) -> Self {
        Self::over(kv, seed, None)
    }

    fn over(kv: MemoryKv, seed: u64, trouble: Option<Trouble>) -> Self {
        // After the trouble: of plans that match, the first holds.
        kv.plan(Plan::always(Trouble::Slow));
        kv.seed(seed);
        Self { kv, seed, trouble }
    }

    /// The store.
    #[must_use]
    pub fn kv(&self) -> &MemoryKv {
        &self.kv
    }
}

impl Subject for Memory {
    type Kv = MemoryKv;

    fn name(&self) -> String {
        let fault = self.kv.fault();
        self.trouble.map_or_else(|| format!("{fault:?}"), |trouble| format!("{fault:?}, {trouble:?}"))
    }

    async fn instance(&self) -> Result<MemoryKv, KvError> {
        Ok(self.kv.clone())
    }

    async fn together<'a, T: Send + 'a>(&'a self, callers: Vec<Caller<'a, T>>) -> Vec<T> {
        turns(callers, self.seed).await
    }

    async fn rest(&self) {
        self.kv.rest();
    }

    fn is_troubled(&self) -> bool {
        self.trouble.is_some()
    }
}
