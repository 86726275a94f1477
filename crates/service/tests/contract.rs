//! The storage contract (`docs/storage.md`), asked of every store there is a model of, and of Redis where a server can be
//! started. The tables go to standard error whatever the test runner captures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "contract/spin_redis.rs"]
mod spin_redis;

use rescind_service::error::Error;
use rescind_service::ports::{Kv, KvError, Swap};
use rescind_service::store::{Creation, Unsound, probe};
use rescind_service::testkit::contract::{Caller, Effort, Line, Memory, Report, Subject, Verdict, report};
use rescind_service::testkit::{Fault, MemoryKv, Trouble, World};
use spin_redis::{Server, SpinRedis, Unwatch};
use std::io::Write as _;

/// Past the capture: what a store does is to be seen without asking for it.
fn say(text: &impl std::fmt::Display) {
    #[expect(clippy::explicit_write, reason = "what eprintln! prints is kept from view while a test passes")]
    writeln!(std::io::stderr(), "{text}").unwrap();
}

/// What is expected of each: how it creates, and which promises of the store itself are not kept and coped with.
const EXPECTED: [(Fault, Creation, &[&str]); 8] = [
    (Fault::None, Creation::Direct, &[]),
    (Fault::UpsertOverNothing, Creation::Headed, &["creation-race"]),
    (Fault::SaysRefused, Creation::Direct, &["head-made-once", "swap-tells"]),
    (Fault::SaysSwapped, Creation::Direct, &["head-made-once", "swap-tells"]),
    (Fault::VersionBeginsAnew, Creation::Direct, &["swap-over-remade", "head-made-once"]),
    (Fault::ToldTwice, Creation::Direct, &["head-made-once", "counter-tells"]),
    (Fault::NoCreation, Creation::Refused(Unsound::NoCreation), &[]),
    (Fault::NoAtomics, Creation::Refused(Unsound::NoAtomics), &[]),
];

#[tokio::test]
async fn every_model_keeps_the_contract_or_is_refused() {
    for (fault, creation, coped) in EXPECTED {
        let told = report(&Memory::new(fault, 1), Effort::LITTLE).await;
        say(&told);
        assert_eq!(told.creation, creation, "{told}");
        assert_eq!(told.coped(), coped, "{told}");
        let refused = matches!(creation, Creation::Refused(_));
        assert_eq!((told.is_kept(), told.is_refused()), (!refused, refused), "{told}");
    }
}

#[tokio::test]
async fn other_schedules_make_no_difference_to_what_is_relied_on() {
    for seed in 2..10 {
        for (fault, creation, _) in EXPECTED {
            let told = report(&Memory::new(fault, seed), Effort::LITTLE).await;
            assert_eq!(told.creation, creation, "seed {seed}: {told}");
            assert_eq!(told.is_kept(), !matches!(creation, Creation::Refused(_)), "seed {seed}: {told}");
        }
    }
}

/// What may befall a store besides what it always does. None has both a swap that overwrites and stale reads.
fn troubles(fault: Fault) -> Vec<Trouble> {
    let all = [
        Trouble::FailsBefore,
        Trouble::FailsAfter,
        Trouble::SaysDone,
        Trouble::SaysRefused,
        Trouble::Late,
        Trouble::Stale,
    ];
    all.into_iter().filter(|t| *t != Trouble::Stale || fault != Fault::UpsertOverNothing).collect()
}

#[tokio::test]
async fn the_protocol_holds_while_operations_fail_lie_are_late_or_read_what_was() {
    let sound = EXPECTED.into_iter().filter(|(_, creation, _)| !matches!(creation, Creation::Refused(_)));
    for (fault, creation, _) in sound {
        let mut line = format!("{fault:?}:");
        for trouble in troubles(fault) {
            for seed in 1..4 {
                let told = report(&Memory::troubled(fault, trouble, 6, seed), Effort::LITTLE).await;
                assert_eq!(told.creation, creation, "seed {seed}: {told}");
                assert!(told.is_kept(), "seed {seed}: {told}");
                if seed == 1 {
                    line.push_str(&format!(" {trouble:?} {} passed;", told.lines.len()));
                }
            }
        }
        say(&line);
    }
}

#[tokio::test]
async fn what_others_left_in_one_keyspace_makes_no_difference() {
    // Spin's Redis puts no label before keys: another label, or another application, writes among ours.
    for fault in [Fault::SaysRefused, Fault::None] {
        let kv = MemoryKv::new(fault);
        for (key, value) in [("session:1", "x"), ("sale", "17"), ("contract", "y"), ("probe", "z"), ("list:", "w")] {
            kv.set(key, value.as_bytes()).await.unwrap();
        }
        let told = report(&Memory::holding(kv.clone(), 1), Effort::LITTLE).await;
        assert!(told.is_kept(), "{told}");
        assert_eq!(kv.get("sale").await.unwrap().as_deref(), Some(b"17".as_slice()));
    }
}

#[tokio::test]
async fn a_probe_of_a_store_that_is_refused_leaves_nothing_and_asks_again() {
    for (fault, why) in [(Fault::NoAtomics, Unsound::NoAtomics), (Fault::NoCreation, Unsound::NoCreation)] {
        let kv = MemoryKv::new(fault);
        assert_eq!(probe(&kv, 7).await.unwrap(), Creation::Refused(why));
        assert!(kv.keys().is_empty(), "{:?}", kv.keys());
        let world = World::on(fault);
        for _ in 0..2 {
            assert_eq!(world.app.records().await.unwrap().writable(), Err(Error::StoreRefused(why)));
        }
        let logged = world.app.ports.logged();
        assert!(logged.iter().all(|line| line.contains(&why.to_string())) && logged.len() == 2, "{logged:?}");
    }
}

/// A store whose swaps over a value write whatever was seen: the probe, which tries creation alone, does not notice.
struct Blind(Memory);

struct BlindKv(MemoryKv);

impl Kv for BlindKv {
    type Cell = (String, Option<<MemoryKv as Kv>::Cell>);

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        self.0.get(key).await
    }
    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        self.0.set(key, value).await
    }
    async fn delete(&self, key: &str) -> Result<(), KvError> {
        self.0.delete(key).await
    }
    async fn open(&self, key: &str) -> Result<(Option<Vec<u8>>, Self::Cell), KvError> {
        let (seen, cell) = self.0.open(key).await?;
        let cell = seen.is_none().then_some(cell);
        Ok((seen, (key.to_owned(), cell)))
    }
    async fn swap(&self, cell: Self::Cell, value: &[u8]) -> Result<Swap, KvError> {
        match cell {
            (_, Some(over_nothing)) => self.0.swap(over_nothing, value).await,
            (key, None) => self.0.set(&key, value).await.map(|()| Swap::Swapped),
        }
    }
    async fn increment(&self, key: &str, delta: i64) -> Result<i64, KvError> {
        self.0.increment(key, delta).await
    }
}

impl Subject for Blind {
    type Kv = BlindKv;

    fn name(&self) -> String {
        "blind".to_owned()
    }
    async fn instance(&self) -> Result<BlindKv, KvError> {
        self.0.instance().await.map(BlindKv)
    }
    async fn together<'a, T: Send + 'a>(&'a self, callers: Vec<Caller<'a, T>>) -> Vec<T> {
        self.0.together(callers).await
    }
}

#[tokio::test]
async fn a_store_that_overwrites_does_not_pass() {
    let told = report(&Blind(Memory::new(Fault::None, 1)), Effort::LITTLE).await;
    assert!(!told.is_kept() && !told.is_refused(), "{told}");
    let failed = |line: &Line| matches!(line.verdict, Verdict::Failed(_));
    let found: Vec<&str> = told.lines.iter().filter(|line| failed(line)).map(|line| line.case.name).collect();
    for name in
        ["swap-over-change", "swap-over-removal", "swaps-race", "record-update-race", "record-proof", "tally-race"]
    {
        assert!(found.contains(&name), "{name} should have noticed: {told}");
    }
}

/// A server, or `None` where there is none and nobody demands one.
async fn server() -> Option<Server> {
    match Server::start().await {
        Ok(server) => Some(server),
        Err(why) if std::env::var_os("RESCIND_REDIS").is_none_or(|v| v.is_empty() || v == "0") => {
            say(&format!(
                "SKIPPED, nothing was asked of Redis: {why}. Install redis-server; RESCIND_REDIS=1 demands it."
            ));
            None
        }
        Err(why) => panic!("RESCIND_REDIS demands a Redis server: {why}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_keeps_the_contract_as_spin_uses_it_and_as_it_would_mended() {
    let Some(server) = server().await else { return };
    for unwatch in [Unwatch::WithKey, Unwatch::Mended] {
        let told: Report = report(&SpinRedis::new(&server, unwatch).await.unwrap(), Effort::MUCH).await;
        say(&told);
        assert_eq!(told.creation, Creation::Direct, "{told}");
        assert!(told.is_kept(), "{told}");
        assert_eq!(told.coped(), ["head-made-once", "swap-tells"], "{told}");
        let Some(Verdict::Coped(tells)) = told.verdict("swap-tells") else { panic!("{told}") };
        let all_refused = unwatch == Unwatch::WithKey;
        assert_eq!(tells.contains(" 0 as refused"), !all_refused, "{tells}");
    }
    let (version, connections) = server.figures().await.unwrap();
    say(&format!("Redis {version}, {connections} connections in all"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_to_redis_that_breaks_after_the_watch_never_writes_unwatched() {
    let Some(server) = server().await else { return };
    let spin = SpinRedis::new(&server, Unwatch::WithKey).await.unwrap();
    for round in 0..20 {
        let key = format!("broken:{round}");
        let (one, two) = (spin.instance().await.unwrap(), spin.instance().await.unwrap());
        two.set(&key, b"seen").await.unwrap();
        let (_, cell) = one.open(&key).await.unwrap();
        server.break_connections().await.unwrap();
        // The client connects again by itself, without the watch.
        let mut other = Err(KvError(String::new()));
        for _ in 0..50 {
            other = two.set(&key, b"other").await;
            if other.is_ok() {
                break;
            }
        }
        other.unwrap();
        let said = one.swap(cell, b"late").await;
        let there = two.get(&key).await.unwrap();
        assert_eq!(there.as_deref(), Some(b"other".as_slice()), "round {round}: the swap said {said:?}");
    }
}
