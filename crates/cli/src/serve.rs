//! `rescind serve`: the application on its embedded store.

use crate::stdio::{announce, say};
use crate::{bundle, native, provision, shop};
use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use rescind_host::Host;
use rescind_host::store::{PerWriteStore, SqliteStore, Store};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where bundles are published: the one thing that comes in larger bodies.
const LARGER_BODIES: &str = "/v1/bundles/";

/// Serve the application on its embedded store.
#[derive(Debug, Args)]
pub struct Serve {
    /// The application.
    #[arg(long, default_value = "spin.toml")]
    manifest: PathBuf,
    /// The database. Made if it is not there.
    #[arg(long, default_value = "rescind.db")]
    db: PathBuf,
    /// How writes become durable.
    #[arg(long, value_enum, default_value_t = Durability::Group)]
    store: Durability,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// The folder of policy packs. All are checked and put in force at the start.
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    /// A set of keys that sign bundles for terminals, as `rescind bundle keygen` writes it; may be repeated, one for each
    /// line of bundles. Without it the variable `bundle_keys` counts.
    #[arg(long = "bundle-keys")]
    bundle_keys: Vec<PathBuf>,
    /// Base address of the provider adapter. Without it nothing is sent to a provider.
    #[arg(long)]
    acquirer_url: Option<String>,
    /// A host pattern that may be called without TLS, such as `http://127.0.0.1:*`.
    #[arg(long)]
    plain_http: Option<String>,
    /// Private hosts or networks that may be called all the same: names, addresses, `10.0.0.0/8`.
    #[arg(long)]
    allow_private: Vec<String>,
    /// Milliseconds between ticks: timers, provider calls, deliveries.
    #[arg(long, default_value_t = 200)]
    tick_ms: u64,
    /// The folder for compiled components, so that a restart is quick. It must be this user's alone.
    #[arg(long, default_value = "target/compiled")]
    cache: PathBuf,
    /// Add a small shop with sales of several kinds, keys for everybody in it, and a simulated acquirer.
    #[arg(long)]
    demo: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Durability {
    /// Many requests' writes in one commit; answers wait for it.
    Group,
    /// Each write its own commit, for comparison.
    PerWriteCommit,
}

impl Serve {
    /// Serves until it is told to stop.
    pub fn run(self) -> anyhow::Result<()> {
        let filter = std::env::var("RESCIND_LOG").unwrap_or_else(|_| "info".to_owned());
        rescind_host::logging::start(&filter)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> anyhow::Result<()> {
        let sets = self.bundle_keys.iter().map(|file| bundle::read_trust(file));
        let bundle_keys: Vec<rescind_bundle::Trust> = sets.collect::<anyhow::Result<_>>()?;
        let store: Arc<dyn Store> = match self.store {
            Durability::Group => Arc::new(SqliteStore::open(&self.db)?),
            Durability::PerWriteCommit => Arc::new(PerWriteStore::open(&self.db)?),
        };
        let (app, admin) = provision::provision(&store, &self.policies).await?;
        if let Some(token) = admin {
            // Not quietly, even if nobody reads on: the key is stored, and only whoever sees this line can ever use it.
            say(format_args!("admin key (shown once): {token}")).map_err(|unwritten| {
                let db = self.db.display();
                anyhow!("{unwritten}; the first admin key was made and nobody saw it: remove {db}, which is new, and start again")
            })?;
        }
        let mut allow_private = self.allow_private.clone();
        let mut acquirer_url = self.acquirer_url.clone();
        let mut plain_http = self.plain_http.clone();
        // Kept until the end: the simulated acquirer ends when it is dropped.
        let mut simulated = None;
        if self.demo {
            if acquirer_url.is_none() {
                let options = rescind_acquirer::Options::default();
                let acquirer = rescind_acquirer::Acquirer::bind(("127.0.0.1", 0), options).await;
                let acquirer = acquirer.context("the simulated acquirer cannot listen")?;
                announce(format_args!("simulated acquirer on {}", acquirer.url()));
                acquirer_url = Some(acquirer.url());
                simulated = Some(acquirer);
            }
            plain_http.get_or_insert_with(|| "http://127.0.0.1:*".to_owned());
            allow_private.push("127.0.0.1".to_owned());
            shop::open(&app).await?;
        }
        let tick_token: String = native::random().iter().map(|b| format!("{b:02x}")).collect();
        let mut builder = Host::builder(&self.manifest)
            .store(store)
            .variables_from_environment()
            .variable("tick_token", &tick_token)
            .listen(self.listen)
            .allow_private(allow_private)
            .cache(&self.cache)
            .larger_bodies(LARGER_BODIES, rescind_bundle::limits::BUNDLE_BYTES)
            .tick(Duration::from_millis(self.tick_ms), &tick_token);
        if !bundle_keys.is_empty() {
            builder = builder.variable("bundle_keys", serde_json::to_string(&bundle_keys)?);
        }
        if let Some(url) = acquirer_url {
            builder = builder.variable("acquirer_url", url);
        }
        if let Some(pattern) = plain_http {
            builder = builder.variable("plain_http", pattern);
        }
        let host = builder.build().await?;
        announce(format_args!("listening on http://{}", host.address()));
        host.serve(rescind_host::stop_signal()).await;
        drop(simulated);
        Ok(())
    }
}
