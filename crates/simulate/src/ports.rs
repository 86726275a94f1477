//! The application's ports, over what a run shares.

use crate::fault::{Fault, ProviderFault};
use crate::point::Point;
use crate::sim::{Inside, Sim, Verb};
use core::ops::Bound;
use rescind_model::{Instant, LoadError};
use rescind_service::doctor::Listed;
use rescind_service::native::{NativePolicy, NativePure};
use rescind_service::ports::{Kv, KvError, NoAnswer, Outbound, OutboundAnswer, Ports, Swap};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the acquirer is.
const ACQUIRER: &str = "http://acquirer";

/// One machine's ports.
pub struct SimPorts {
    kv: SimKv,
    machine: usize,
    /// Every policy that was ever loaded, by its hash, and whether it was in the run under way.
    policies: Mutex<BTreeMap<String, (Arc<NativePolicy>, bool)>>,
}

impl SimPorts {
    /// The ports of a machine.
    #[must_use]
    pub fn new(sim: Sim, machine: usize) -> Self {
        Self { kv: SimKv { sim }, machine, policies: Mutex::default() }
    }

    /// Forgets what was loaded, as a new machine would: every run begins alike.
    pub fn forget(&self) {
        for (_, known) in self.policies.lock().unwrap_or_else(PoisonError::into_inner).values_mut() {
            *known = false;
        }
    }
}

impl Ports for SimPorts {
    type Kv = SimKv;
    type Policy = NativePolicy;
    type Pure = NativePure;

    fn kv(&self) -> &SimKv {
        &self.kv
    }
    fn now(&self) -> Instant {
        let offset = |inside: &mut Inside| inside.offsets.get(self.machine).copied().unwrap_or(0);
        Instant { unix_ms: self.kv.sim.with(|inside| inside.clock.saturating_add(offset(inside))) }
    }
    fn random(&self) -> [u8; 32] {
        self.kv.sim.with(Inside::random)
    }
    fn cached_policy(&self, hash: &str) -> Option<Arc<NativePolicy>> {
        let policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        policies.get(hash).filter(|(_, known)| *known).map(|(policy, _)| Arc::clone(policy))
    }
    fn load_policy(&self, hash: &str, canonical: &[u8]) -> Result<Arc<NativePolicy>, LoadError> {
        let mut policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((policy, known)) = policies.get_mut(hash) {
            *known = true;
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(NativePolicy::load(canonical)?);
        policies.insert(hash.to_owned(), (Arc::clone(&policy), true));
        Ok(policy)
    }
    fn component(&self) -> &str {
        "native"
    }
    fn log(&self, message: &str) {
        let machine = self.machine;
        self.kv.sim.with(|inside| inside.tell(|_| format!("    machine {machine} logs: {message}")));
    }
}

impl Outbound for SimPorts {
    fn acquirer_url(&self) -> Option<&str> {
        Some(ACQUIRER)
    }
    fn tick_token(&self) -> Option<&str> {
        None
    }
    async fn send(
        &self,
        method: &'static str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<OutboundAnswer, NoAnswer> {
        let sim = &self.kv.sim;
        let lost = || NoAnswer("the connection broke".to_owned());
        let Some(path) = url.strip_prefix(ACQUIRER) else {
            return self.deliver(headers, &body).await;
        };
        let asked = Asked::of(method, path, &body);
        let (fault, aimed, pause) = sim.with(|inside| {
            inside.at(asked.deed, Point::Called);
            if let Some(sent) = &asked.sends {
                inside.auditor.saw_call(sent, asked.attempt);
            }
            inside.calling.push(asked.reference.clone());
            let aimed = inside.aimed_at_call();
            let fault = inside.next_provider_fault().or(match aimed {
                Some(Fault::FailsBefore) => Some(ProviderFault::NotReached),
                Some(Fault::FailsAfter) => Some(ProviderFault::AnswerLost),
                Some(Fault::Slow(ms)) => Some(ProviderFault::Slow(ms)),
                _ => None,
            });
            (fault, aimed, inside.rng.i64(5..80))
        });
        let _called = Called { sim, reference: &asked.reference };
        let dies = |when: Fault| async move {
            if aimed == Some(when) {
                sim.with(|inside| inside.kill(inside.running));
                sim.dies().await;
            }
        };
        dies(Fault::CrashBefore).await;
        sim.sleep(match fault {
            Some(ProviderFault::Slow(ms)) => ms,
            _ => pause,
        })
        .await;
        match fault {
            Some(ProviderFault::NotReached | ProviderFault::Silent(_)) => return Err(lost()),
            Some(ProviderFault::ServerError) => return Ok(OutboundAnswer { status: 500, body: b"{}".to_vec() }),
            _ => {}
        }
        let (status, answer) = sim.with(|inside| {
            let now = inside.clock;
            let (status, answer) = inside.provider.answer(method, path, &body, now, fault);
            inside.auditor.saw_provider(&inside.provider);
            inside.tell(|_| {
                let asked = if method == "POST" { String::from_utf8_lossy(&body).into_owned() } else { String::new() };
                format!("    acquirer: {method} {path} {asked} -> {status} {answer}")
            });
            (status, answer)
        });
        dies(Fault::CrashAfter).await;
        sim.sleep(pause).await;
        if fault == Some(ProviderFault::AnswerLost) {
            return Err(lost());
        }
        sim.with(|inside| inside.at(asked.deed, Point::Answered));
        Ok(OutboundAnswer { status, body: answer.to_string().into_bytes() })
    }
}

/// What the acquirer is asked.
struct Asked {
    /// What the courier is at.
    deed: &'static str,
    /// Under which reference.
    reference: String,
    /// The reference, if an operation of the ledger itself is sent.
    sends: Option<String>,
    /// Which attempt.
    attempt: u64,
}

impl Asked {
    fn of(method: &str, path: &str, body: &[u8]) -> Self {
        if (method, path) != ("POST", "/operations") {
            let reference = path.split('/').nth(2).unwrap_or_default().to_owned();
            return Self { deed: "ask", reference, sends: None, attempt: 0 };
        }
        let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let attempt = body.get("attempt").and_then(serde_json::Value::as_u64).unwrap_or(0);
        let reference = text("reference");
        if text("original").is_empty() {
            Self { deed: "send", sends: Some(reference.clone()), reference, attempt }
        } else {
            Self { deed: "reverse", sends: None, reference: text("original"), attempt }
        }
    }
}

/// A call that is under way, until it is heard or given up.
struct Called<'a> {
    sim: &'a Sim,
    reference: &'a str,
}

impl Drop for Called<'_> {
    fn drop(&mut self) {
        self.sim.with(|inside| {
            if let Some(at) = inside.calling.iter().position(|calling| calling == self.reference) {
                inside.calling.remove(at);
            }
        });
    }
}

impl SimPorts {
    /// The merchant's endpoint takes a delivery, or does not.
    async fn deliver(&self, headers: &[(&str, &str)], body: &[u8]) -> Result<OutboundAnswer, NoAnswer> {
        let sim = &self.kv.sim;
        let pause = sim.with(|inside| inside.rng.i64(5..50));
        sim.sleep(pause).await;
        let troubled = sim.with(|inside| !inside.faults.is_empty() && inside.rng.u8(..) < 40);
        let taken = !troubled || sim.with(|inside| inside.rng.bool());
        if taken {
            let id = headers.iter().find(|(name, _)| *name == "webhook-id").map(|(_, id)| (*id).to_owned());
            let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            let event = body.pointer("/data/id").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
            sim.with(|inside| {
                inside.delivered.push((id.unwrap_or_default(), event));
                inside.at("deliver", Point::Delivered);
            });
        }
        if troubled {
            Err(NoAnswer("the endpoint is silent".to_owned()))
        } else {
            Ok(OutboundAnswer { status: 204, body: Vec::new() })
        }
    }
}

/// The store of a run, as one machine sees it.
pub struct SimKv {
    sim: Sim,
}

/// What a swap compares with.
pub struct SimCell {
    key: String,
    seen: Option<Arc<[u8]>>,
}

impl SimKv {
    /// The store of a run.
    #[must_use]
    pub const fn of(sim: Sim) -> Self {
        Self { sim }
    }

    /// One operation: what befalls it, the time it takes, its effect.
    async fn operation<R>(
        &self,
        verb: Verb,
        key: &str,
        effect: impl FnOnce(&mut Inside, Option<Fault>) -> Result<R, KvError>,
    ) -> Result<R, KvError> {
        let take = |inside: &mut Inside, fault: Option<Fault>| {
            if inside.has_ended() {
                return Err(KvError("the store has ended".to_owned()));
            }
            effect(inside, fault)
        };
        let begun = self.sim.with(|inside| {
            let fault = inside.next_fault(verb, key);
            let pause = inside.rng.i64(1..4);
            if fault.is_none() && inside.passes(pause) {
                return Ok(take(inside, None));
            }
            Err((fault, pause, take))
        });
        let (fault, pause, take) = match begun {
            Ok(told) => return told,
            Err(waits) => waits,
        };
        let failed = |when: &str| KvError(format!("{verb} {key} failed {when} its effect"));
        match fault {
            Some(Fault::Slow(ms)) => self.sim.sleep(ms).await,
            _ => self.sim.sleep(pause).await,
        }
        match fault {
            Some(Fault::CrashBefore | Fault::Restart) => self.sim.dies().await,
            Some(Fault::FailsBefore | Fault::Parted(_)) => return Err(failed("before")),
            _ => {}
        }
        let told = self.sim.with(|inside| take(inside, fault));
        match fault {
            Some(Fault::CrashAfter) => {
                self.sim.with(|inside| inside.kill(inside.running));
                self.sim.dies().await;
                Err(failed("after"))
            }
            Some(Fault::FailsAfter) => Err(failed("after")),
            _ => told,
        }
    }
}

impl Listed for SimKv {
    async fn after(&self, key: Option<&str>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, KvError> {
        let from = key.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = |inside: &mut Inside| {
            let rows = inside.values.range::<str, _>((from, Bound::Unbounded)).take(limit);
            rows.map(|(key, value)| (key.clone(), value.to_vec())).collect()
        };
        Ok(self.sim.with(rows))
    }
}

impl Kv for SimKv {
    type Cell = SimCell;

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        self.operation(Verb::Get, key, |inside, _| Ok(inside.looks_at(key).map(|value| value.to_vec()))).await
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        self.operation(Verb::Set, key, |inside, fault| {
            if fault != Some(Fault::SaysDone) {
                inside.write(key, Some(Arc::from(value)));
            }
            Ok(())
        })
        .await
    }

    async fn delete(&self, key: &str) -> Result<(), KvError> {
        self.operation(Verb::Delete, key, |inside, fault| {
            if fault != Some(Fault::SaysDone) {
                inside.write(key, None);
            }
            Ok(())
        })
        .await
    }

    async fn open(&self, key: &str) -> Result<(Option<Vec<u8>>, Self::Cell), KvError> {
        let seen = self.operation(Verb::Open, key, |inside, _| Ok(inside.looks_at(key).cloned())).await?;
        Ok((seen.as_ref().map(|value| value.to_vec()), SimCell { key: key.to_owned(), seen }))
    }

    async fn swap(&self, cell: Self::Cell, value: &[u8]) -> Result<Swap, KvError> {
        let SimCell { key, seen } = cell;
        self.operation(Verb::Swap, &key, |inside, fault| {
            if fault == Some(Fault::SaysDone) {
                return Ok(Swap::Swapped);
            }
            let backend = inside.model.backend();
            let matches = (backend.upserts() && seen.is_none()) || inside.values.get(&key) == seen.as_ref();
            if matches {
                inside.write(&key, Some(Arc::from(value)));
            }
            let said = backend.says(matches);
            Ok(if fault == Some(Fault::SaysRefused) { Swap::Refused } else { said })
        })
        .await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, KvError> {
        self.operation(Verb::Increment, key, |inside, _| match inside.add(key, delta) {
            Some(sum) => Ok(sum),
            None => {
                if inside.model.backend().ends_by_counting() {
                    inside.end();
                }
                Err(KvError("increment of a value that is no number".to_owned()))
            }
        })
        .await
    }
}
