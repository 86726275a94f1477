//! Spin 4.1's key-value store over Redis, command by command, against a real server.
//!
//! What is modelled was read in Spin's sources at 4.1 (`crates/key-value-redis/src/store.rs` for the commands,
//! `crates/factor-key-value/src/host.rs` for what the host makes of a swap) and runs on the client version that Spin is
//! built with:
//!
//! - one connection per process for everything but compare-and-swap; two processes here, and instances in turn of either;
//! - `cas.new` opens a connection of its own; `current` is `WATCH key`, `GET key` on it;
//! - `swap` is `MULTI`, `SET`, `EXEC`, then `UNWATCH key`. Redis takes no argument there and answers with an error, so every
//!   swap is told as failed. [`Unwatch::Mended`] leaves the argument out: then an `EXEC` that a watch stopped gives nil, which
//!   this client takes for a good answer, and every swap is told as done;
//! - after a failed swap the host opens another handle and reads with it, before it answers;
//! - a handle that was swapped stays open until its instance ends.

use redis::aio::ConnectionManager;
use redis::{AsyncCommands as _, Client, RedisResult};
use rescind_service::ports::{Kv, KvError, Swap};
use rescind_service::testkit::contract::{Caller, Subject};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A Redis server of this test's own, gone with it.
pub struct Server {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts one as `deploy/spin-redis.toml` asks for it, or says why it could not.
    pub async fn start() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let free =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).map_err(|e| e.to_string())?;
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &free.port().to_string(), "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"])
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("redis-server could not be started: {e}"))?;
        let server = Self { child, port: free.port(), _folder: folder };
        let client = server.client().map_err(|e| e.to_string())?;
        for _ in 0..100 {
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await
                && connection.ping::<String>().await.is_ok()
            {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("redis-server does not answer".to_owned())
    }

    fn client(&self) -> RedisResult<Client> {
        Client::open(format!("redis://127.0.0.1:{}/1", self.port))
    }

    /// The server's version, and how many connections it took so far.
    pub async fn figures(&self) -> RedisResult<(String, String)> {
        let mut connection = self.client()?.get_multiplexed_async_connection().await?;
        let info: String = redis::cmd("INFO").query_async(&mut connection).await?;
        let of = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_default().to_owned()
        };
        Ok((of("redis_version"), of("total_connections_received")))
    }

    /// Breaks every connection but the one that says so.
    pub async fn break_connections(&self) -> RedisResult<()> {
        let mut connection = self.client()?.get_multiplexed_async_connection().await?;
        redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").exec_async(&mut connection).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What follows a swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwatch {
    /// As Spin 4.1 sends it.
    WithKey,
    /// As Redis takes it.
    Mended,
}

/// Two Spin processes over one server.
pub struct SpinRedis<'a> {
    server: &'a Server,
    processes: Vec<ConnectionManager>,
    unwatch: Unwatch,
    next: AtomicUsize,
}

impl<'a> SpinRedis<'a> {
    /// Over an emptied server.
    pub async fn new(server: &'a Server, unwatch: Unwatch) -> RedisResult<Self> {
        let client = server.client()?;
        let mut processes = Vec::new();
        for _ in 0..2 {
            processes.push(client.get_connection_manager().await?);
        }
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("FLUSHALL").exec_async(&mut connection).await?;
        Ok(Self { server, processes, unwatch, next: AtomicUsize::new(0) })
    }
}

impl Subject for SpinRedis<'_> {
    type Kv = Instance;

    fn name(&self) -> String {
        match self.unwatch {
            Unwatch::WithKey => "Redis as Spin 4.1 uses it".to_owned(),
            Unwatch::Mended => "Redis as Spin would use it with UNWATCH mended".to_owned(),
        }
    }

    async fn instance(&self) -> Result<Instance, KvError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed).checked_rem(self.processes.len()).unwrap_or(0);
        let process = self.processes.get(turn).cloned().ok_or_else(|| KvError("no process".to_owned()))?;
        let client = self.server.client().map_err(|e| failed(&e))?;
        Ok(Instance { client, process, swapped: Mutex::default(), unwatch: self.unwatch })
    }

    /// Each on a thread of its own.
    async fn together<'a, T: Send + 'a>(&'a self, callers: Vec<Caller<'a, T>>) -> Vec<T> {
        let runtime = tokio::runtime::Handle::current();
        std::thread::scope(|scope| {
            let running: Vec<_> = callers.into_iter().map(|caller| scope.spawn(|| runtime.block_on(caller))).collect();
            running.into_iter().filter_map(|caller| caller.join().ok()).collect()
        })
    }
}

/// The store of one component instance.
pub struct Instance {
    client: Client,
    process: ConnectionManager,
    /// Connections of handles that were swapped.
    swapped: Mutex<Vec<ConnectionManager>>,
    unwatch: Unwatch,
}

/// A compare-and-swap handle.
pub struct Handle {
    key: String,
    connection: ConnectionManager,
}

fn failed(error: &redis::RedisError) -> KvError {
    KvError(format!("{error:?}"))
}

impl Instance {
    /// `cas.new` and `current`.
    async fn watch(&self, key: &str) -> RedisResult<(Option<Vec<u8>>, Handle)> {
        let mut connection = self.client.get_connection_manager().await?;
        redis::cmd("WATCH").arg(key).exec_async(&mut connection).await?;
        let value = connection.get(key).await?;
        Ok((value, Handle { key: key.to_owned(), connection }))
    }

    /// The store's own `swap`: an error means that it failed.
    async fn commit(&self, handle: &Handle, value: &[u8]) -> RedisResult<()> {
        let mut connection = handle.connection.clone();
        let written: RedisResult<()> =
            redis::pipe().atomic().set(&handle.key, value).query_async(&mut connection).await;
        let mut unwatch = redis::cmd("UNWATCH");
        if self.unwatch == Unwatch::WithKey {
            unwatch.arg(&handle.key);
        }
        unwatch.exec_async(&mut connection).await?;
        written
    }
}

impl Kv for Instance {
    type Cell = Handle;

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        self.process.clone().get(key).await.map_err(|e| failed(&e))
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        self.process.clone().set(key, value).await.map_err(|e| failed(&e))
    }

    async fn delete(&self, key: &str) -> Result<(), KvError> {
        self.process.clone().del(key).await.map_err(|e| failed(&e))
    }

    async fn open(&self, key: &str) -> Result<(Option<Vec<u8>>, Handle), KvError> {
        self.watch(key).await.map_err(|e| failed(&e))
    }

    async fn swap(&self, cell: Handle, value: &[u8]) -> Result<Swap, KvError> {
        let done = self.commit(&cell, value).await;
        let key = cell.key;
        self.swapped.lock().unwrap_or_else(PoisonError::into_inner).push(cell.connection);
        match done {
            Ok(()) => Ok(Swap::Swapped),
            Err(_) => self.watch(&key).await.map(|_| Swap::Refused).map_err(|e| failed(&e)),
        }
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, KvError> {
        self.process.clone().incr(key, delta).await.map_err(|e| failed(&e))
    }
}
