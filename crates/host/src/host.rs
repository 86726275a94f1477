//! The host as a whole: from a manifest to a server.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::app::{App, Incoming};
use crate::body_limit::BodyLimits;
use crate::compose::compose;
use crate::engine::{self, Capacity, Clock};
use crate::error::HostError;
use crate::instance::{Guest, Means};
use crate::limits;
use crate::manifest::Manifest;
use crate::metrics::Metrics;
use crate::network::Exceptions;
use crate::outbound::Outbound;
use crate::pool::Pool;
use crate::problem::Problem;
use crate::server::{self, Patience};
use crate::store::{Component, Kept, Store};
use crate::ticker::Tick;
use crate::trace::Tracer;

/// Prefix of the environment variables that Spin reads variables from.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// Collects what a [`Host`] needs.
pub struct HostBuilder {
    manifest: PathBuf,
    store: Option<Arc<dyn Store>>,
    variables: BTreeMap<String, String>,
    from_environment: bool,
    listen: SocketAddr,
    allow_private: Vec<String>,
    tick: Option<(Duration, String)>,
    cache: Option<PathBuf>,
    deadline: Duration,
    instances: u32,
    memory: usize,
    patience: Patience,
    larger_bodies: Vec<(String, usize)>,
}

/// An application that is loaded, linked and bound to its address, but does not serve yet.
pub struct Host {
    app: Arc<App>,
    listener: TcpListener,
    address: SocketAddr,
    tick: Option<Tick>,
    patience: Patience,
    _clock: Clock,
}

impl fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the variables: some are secrets.
        f.debug_struct("HostBuilder")
            .field("manifest", &self.manifest)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("address", &self.address)
            .field("components", &self.app.components)
            .finish_non_exhaustive()
    }
}

impl HostBuilder {
    /// The key-value store behind every store name of the manifest. Required. The host closes it when it stops.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Gives an application variable a value. It must be defined under `[variables]`.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Takes values of variables from `SPIN_VARIABLE_<NAME>`, as Spin does. [`HostBuilder::variable`] goes first.
    #[must_use]
    pub fn variables_from_environment(mut self) -> Self {
        self.from_environment = true;
        self
    }

    /// The address to listen on; port 0 takes a free one. The default is 127.0.0.1:3000, as in Spin.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Opens private networks to outbound requests: names, addresses or networks (`10.0.0.0/8`). A component still
    /// needs the host in its `allowed_outbound_hosts`.
    #[must_use]
    pub fn allow_private(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allow_private.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Sends `POST /v1/tick` to the application, with `token` as bearer token, each time `interval` after the last
    /// tick was done. At least [`limits::TICK_MINIMUM`].
    #[must_use]
    pub fn tick(mut self, interval: Duration, token: impl Into<String>) -> Self {
        self.tick = Some((interval, token.into()));
        self
    }

    /// The folder for compiled components, so that a restart is quick. It must be this user's alone. Without it every
    /// start compiles.
    #[must_use]
    pub fn cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }

    /// Wall-clock time a request may take in its component. The default is [`limits::REQUEST_DEADLINE`].
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Instances that may live at once, 1 to 1,000. The default is [`limits::INSTANCES`].
    #[must_use]
    pub fn instances(mut self, instances: u32) -> Self {
        self.instances = instances;
        self
    }

    /// Bytes of memory of one instance. The default is [`limits::INSTANCE_MEMORY_BYTES`].
    #[must_use]
    pub fn instance_memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Connections open at once, at least 1. The default is [`limits::CONNECTIONS`].
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.patience.connections = connections;
        self
    }

    /// Takes bodies of at most so many bytes on paths that begin so, where that is more than
    /// [`limits::REQUEST_BODY_BYTES`]; at most [`limits::LARGER_BODIES`] of the larger ones at a time.
    #[must_use]
    pub fn larger_bodies(mut self, prefix: impl Into<String>, bytes: usize) -> Self {
        self.larger_bodies.push((prefix.into(), bytes));
        self
    }

    /// Time a client has for the head of a request; an idle connection is closed after it. The default is
    /// [`limits::HEAD_TIMEOUT`].
    #[must_use]
    pub fn head_timeout(mut self, time: Duration) -> Self {
        self.patience.head = time;
        self
    }

    /// Time an answer may wait for a client that reads none of it. The default is [`limits::WRITE_TIMEOUT`].
    #[must_use]
    pub fn write_timeout(mut self, time: Duration) -> Self {
        self.patience.write = time;
        self
    }

    /// Reads the manifest, composes, compiles and links its components, and binds the address. Needs tokio's
    /// multi-threaded runtime.
    ///
    /// # Errors
    /// [`HostError`], naming the file, component, import or setting that is wrong and what was expected.
    pub async fn build(self) -> Result<Host, HostError> {
        let wrong = |setting, reason: &str| HostError::Setting { setting, reason: reason.to_owned() };
        if !(1..=1000).contains(&self.instances) {
            return Err(wrong("instances", "expected a number from 1 to 1,000"));
        }
        if !(1..=Semaphore::MAX_PERMITS).contains(&self.patience.connections) {
            return Err(wrong("connections", "expected at least 1"));
        }
        if tokio::runtime::Handle::current().runtime_flavor() == tokio::runtime::RuntimeFlavor::CurrentThread {
            return Err(wrong(
                "runtime",
                "the host needs tokio's multi-threaded runtime: a busy component would stop everything else",
            ));
        }
        let store = self.store.clone().ok_or_else(|| wrong("store", "none was given"))?;
        let tick = self.tick.as_ref().map(|(interval, token)| Tick::new(*interval, token)).transpose()?;
        let exceptions = Exceptions::parse(&self.allow_private)
            .map_err(|reason| HostError::Setting { setting: "allow_private", reason })?;
        let manifest = Manifest::read(&self.manifest)?;
        let tracer = Tracer::from_environment(&manifest.name, &manifest.version)?;
        let engine = engine::engine(Capacity { instances: self.instances, memory: self.memory })?;
        let clock = Clock::start(&engine)?;
        let metrics = Arc::new(Metrics::default());
        let outbound = Outbound::new(exceptions)?;
        let values = manifest.variables(&self.given_variables(&manifest))?;
        let ids: Vec<Arc<str>> = served_components(&manifest);
        let mut guests = Vec::new();
        for id in &ids {
            let Some(component) = manifest.components.get(&**id) else {
                continue;
            };
            let grants = manifest.grants(id, component, &values)?;
            let composed = compose(id, component)?;
            tokio::task::block_in_place(|| archive(&*store, &composed.dependencies))?;
            let cache = self.cache.as_deref();
            let compiled = tokio::task::block_in_place(|| engine::compile(&engine, id, &composed.bytes, cache))?;
            let means = Means {
                store: Arc::clone(&store),
                outbound: outbound.clone(),
                metrics: Arc::clone(&metrics),
                memory: self.memory,
            };
            guests.push(Guest::link(&engine, id, &compiled, grants, means)?);
        }
        let routes = manifest
            .routes
            .iter()
            .filter_map(|(route, id)| Some((route.clone(), ids.iter().position(|known| **known == **id)?)))
            .collect();
        let listen = |error: std::io::Error| HostError::Listen { address: self.listen, reason: error.to_string() };
        let listener = TcpListener::bind(self.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let pool = Arc::new(Pool::new(engine, guests, self.instances, Arc::clone(&metrics)));
        let body_limits = BodyLimits::new(self.larger_bodies);
        let app = App { routes, components: ids, pool, store, metrics, tracer, deadline: self.deadline, body_limits };
        Ok(Host { app: Arc::new(app), listener, address, tick, patience: self.patience, _clock: clock })
    }

    fn given_variables(&self, manifest: &Manifest) -> BTreeMap<String, String> {
        let mut given = BTreeMap::new();
        if self.from_environment {
            let value = |name: &str| std::env::var(format!("{ENVIRONMENT_PREFIX}{}", name.to_uppercase())).ok();
            given.extend(manifest.variable_names().filter_map(|name| Some((name.to_owned(), value(name)?))));
        }
        given.extend(self.variables.clone());
        given
    }
}

/// The components that have a route, each once. The others are only parts of these.
fn served_components(manifest: &Manifest) -> Vec<Arc<str>> {
    let mut ids: Vec<Arc<str>> = manifest.routes.iter().map(|(_, id)| Arc::from(id.as_str())).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Keeps the bytes of what will decide before it can: records name them by digest.
fn archive(store: &dyn Store, components: &[Component]) -> Result<(), HostError> {
    for component in components {
        let (name, digest) = (component.name(), component.digest());
        let kept = store.keep_component(component);
        match kept.map_err(|source| HostError::Archive { component: name.to_owned(), source })? {
            Kept::Already => {}
            Kept::Now => tracing::info!(component = name, digest, "archived a component that decides"),
            Kept::Repaired => {
                tracing::error!(
                    component = name,
                    digest,
                    "the archived bytes of this component were damaged; they were written again, but check the disk"
                );
            }
        }
    }
    Ok(())
}

impl Host {
    /// A builder for the application of this manifest (`spin.toml`).
    pub fn builder(manifest: impl Into<PathBuf>) -> HostBuilder {
        HostBuilder {
            manifest: manifest.into(),
            store: None,
            variables: BTreeMap::new(),
            from_environment: false,
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            allow_private: Vec::new(),
            tick: None,
            cache: None,
            deadline: limits::REQUEST_DEADLINE,
            instances: limits::INSTANCES,
            memory: limits::INSTANCE_MEMORY_BYTES,
            patience: Patience {
                connections: limits::CONNECTIONS,
                head: limits::HEAD_TIMEOUT,
                write: limits::WRITE_TIMEOUT,
            },
            larger_bodies: Vec::new(),
        }
    }

    /// The address it is bound to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Something that answers requests without a socket, also while the host serves.
    #[must_use]
    pub fn handler(&self) -> Handler {
        Handler { app: Arc::clone(&self.app) }
    }

    /// Serves until `stop` resolves. Then takes no new connection, finishes what is in flight (at most
    /// [`limits::STOP_TIMEOUT`]) and closes the store with everything durable.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(false);
        let ticker = self.tick.map(|tick| tokio::spawn(tick.run(Arc::clone(&self.app), stopped.clone())));
        let sweeper = tokio::spawn(sweep(Arc::clone(&self.app), stopped.clone()));
        let server = tokio::spawn(server::serve(self.listener, Arc::clone(&self.app), self.patience, stopped));
        tracing::info!(address = %self.address, components = ?self.app.components, "serving");
        stop.await;
        tracing::info!("stopping: no new connections, finishing those in flight");
        stopping.send_replace(true);
        for task in [Some(server), ticker, Some(sweeper)].into_iter().flatten() {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the host ended badly");
            }
        }
        // What components still do after their answers.
        if tokio::time::timeout(limits::AFTER_RESPONSE_DEADLINE, self.app.pool.settled()).await.is_err() {
            tracing::warn!("some components were still working and were cut off");
        }
        tokio::task::block_in_place(|| self.app.store.close());
        tracing::info!("stopped, everything is stored");
    }
}

async fn sweep(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let pause = limits::IDLE.checked_div(4).unwrap_or(limits::IDLE);
    loop {
        tokio::select! {
            () = server::stopping(&mut stop) => return,
            () = tokio::time::sleep(pause) => app.pool.sweep(),
        }
    }
}

/// Answers requests without a socket, exactly as the server does.
#[derive(Clone)]
pub struct Handler {
    app: Arc<App>,
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("components", &self.app.components).finish_non_exhaustive()
    }
}

impl Handler {
    /// Answers one request; the answer is durable. Bodies over [`limits::REQUEST_BODY_BYTES`], or over what its path takes,
    /// are answered with 413.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let limit = self.app.body_limits.of(request.uri().path());
        let read = async |body: Bytes| if body.len() > limit { Err(Problem::TooLarge) } else { Ok(body) };
        self.app.answer(Incoming { request, client: None }, read).await
    }
}

/// Resolves when the operating system asks the process to stop: SIGTERM or ctrl-c.
pub async fn stop_signal() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        let terminated = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = interrupted => {}
            () = terminated => {}
        }
    }
    #[cfg(not(unix))]
    interrupted.await;
}
