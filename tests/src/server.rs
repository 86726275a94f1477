//! A `rescind serve` in a process of its own.

use crate::checkout;
use crate::client::{Address, Client};
use anyhow::{Context as _, Result, bail, ensure};
use core::time::Duration;
use rescind_acquirer::Acquirer;
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

/// The longest a start may take: a first one compiles the components, on two cores beside other tests.
const START: Duration = Duration::from_secs(240);

/// The longest a stop may take.
const STOP: Duration = Duration::from_secs(40);

/// How writes become durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// Many requests' writes in one commit.
    Group,
    /// Each write its own commit.
    PerWriteCommit,
}

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The application.
    pub manifest: PathBuf,
    /// The database.
    pub db: PathBuf,
    /// The folder of policies.
    pub policies: PathBuf,
    /// The acquirer, if there is one.
    pub acquirer_url: Option<String>,
    /// How writes become durable.
    pub store: Store,
    /// Between two ticks.
    pub tick_ms: u32,
    /// The keys that sign bundles for terminals, if it publishes any.
    pub bundle_keys: Option<PathBuf>,
}

impl Setup {
    /// The application of the checkout with its packs, on a database in a folder.
    ///
    /// # Errors
    /// There is no checkout.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        let root = checkout::root()?;
        Ok(Self {
            manifest: root.join("spin.toml"),
            db: folder.join("rescind.db"),
            policies: root.join("policies"),
            acquirer_url: None,
            store: Store::Group,
            tick_ms: 100,
            bundle_keys: None,
        })
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(checkout::program()?);
        command.current_dir(checkout::root()?).arg("serve");
        command.arg("--manifest").arg(&self.manifest);
        command.arg("--db").arg(&self.db);
        command.arg("--policies").arg(&self.policies);
        command.args(["--listen", "127.0.0.1:0", "--plain-http", "http://127.0.0.1:*", "--allow-private", "127.0.0.1"]);
        command.args(["--tick-ms", &self.tick_ms.to_string()]);
        command.args(["--store", if self.store == Store::Group { "group" } else { "per-write-commit" }]);
        if let Some(url) = &self.acquirer_url {
            command.args(["--acquirer-url", url]);
        }
        if let Some(keys) = &self.bundle_keys {
            command.arg("--bundle-keys").arg(keys);
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        Ok(command)
    }

    /// Starts a server that is expected to refuse: gives how it ended, and all it wrote.
    ///
    /// # Errors
    /// It serves.
    pub async fn refusal(&self) -> Result<(ExitStatus, String)> {
        let mut command = self.command()?;
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        let output = match tokio::time::timeout(START, output).await {
            Ok(output) => output.context("rescind cannot be started")?,
            Err(_) => bail!("rescind did not end by itself within {} s", START.as_secs()),
        };
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status, String::from_utf8_lossy(&said).into_owned()))
    }
}

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    setup: Setup,
    child: Option<Child>,
    address: Address,
    admin: String,
    /// With the database and the logs in it. Gone with the server, unless `RESCIND_TESTS_KEEP` is set.
    folder: TempDir,
    starts: u32,
}

impl Server {
    /// Starts one without an acquirer.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start() -> Result<Self> {
        Self::with(|_| {}).await
    }

    /// Starts one that sends to an acquirer.
    ///
    /// # Errors
    /// It does not start.
    pub async fn with_acquirer(acquirer: &Acquirer) -> Result<Self> {
        Self::with(|setup| setup.acquirer_url = Some(acquirer.url())).await
    }

    /// Starts one that is set up differently.
    ///
    /// # Errors
    /// It does not start.
    pub async fn with(change: impl FnOnce(&mut Setup)) -> Result<Self> {
        let mut folder = tempfile::tempdir()?;
        if std::env::var_os("RESCIND_TESTS_KEEP").is_some() {
            folder.disable_cleanup(true);
            eprintln!("kept: {}", folder.path().display());
        }
        let mut setup = Setup::in_folder(folder.path())?;
        change(&mut setup);
        let mut server =
            Self { setup, child: None, address: Address::default(), admin: String::new(), folder, starts: 0 };
        server.launch().await?;
        ensure!(server.admin.starts_with("rsk_"), "the first start printed no admin key");
        Ok(server)
    }

    /// A caller without a key.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.address.clone())
    }

    /// The admin.
    #[must_use]
    pub fn admin(&self) -> Client {
        self.client().with_key(&self.admin)
    }

    /// What it was started with.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Where it listens, such as `127.0.0.1:40123`.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.get().trim_start_matches("http://").to_owned()
    }

    /// Ends it at once, as a power failure of the process would: `kill -9`.
    ///
    /// # Errors
    /// It does not run.
    pub async fn kill9(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the server does not run")?;
        child.kill().await.context("the server cannot be killed")
    }

    /// Sends `kill -9` and does not wait for the end, so that callers may still be asking. [`Server::kill9`] then waits.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill_now(&self) -> Result<()> {
        let id = self.child.as_ref().and_then(Child::id).and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(kill_process(id.context("the server has ended")?, Signal::KILL)?)
    }

    /// Stops it as an operator does: SIGTERM.
    ///
    /// # Errors
    /// It does not run, does not stop, or ends with a failure.
    pub async fn stop(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the server does not run")?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(id.context("the server has ended")?, Signal::TERM)?;
        let status = tokio::time::timeout(STOP, child.wait()).await.context("the server does not stop")??;
        ensure!(status.success(), "the server stopped with {status}: {}", self.tail());
        Ok(())
    }

    /// Starts it again on the same database, on another port; its callers find it there.
    ///
    /// # Errors
    /// It runs, or does not start.
    pub async fn start_again(&mut self) -> Result<()> {
        ensure!(self.child.is_none(), "the server still runs");
        self.launch().await
    }

    /// All that it has logged, over all starts.
    ///
    /// # Errors
    /// The file system's.
    pub fn log(&self) -> Result<String> {
        let mut log = String::new();
        for start in 1..=self.starts {
            log.push_str(&String::from_utf8_lossy(&std::fs::read(self.log_file(start))?));
        }
        Ok(log)
    }

    /// All bytes of the database: the file, and what SQLite keeps beside it.
    ///
    /// # Errors
    /// The file system's.
    pub fn database(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut path = self.setup.db.clone().into_os_string();
            path.push(suffix);
            if Path::new(&path).exists() {
                bytes.extend(std::fs::read(&path)?);
            }
        }
        Ok(bytes)
    }

    fn log_file(&self, start: u32) -> PathBuf {
        self.folder.path().join(format!("serve-{start}.log"))
    }

    /// The end of the log, for a failure's message.
    fn tail(&self) -> String {
        let log = self.log().unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    async fn launch(&mut self) -> Result<()> {
        // The first start compiles the components and keeps them; the others wait for that instead of doing it too.
        static COMPILED: OnceLock<Mutex<bool>> = OnceLock::new();
        let mut compiled = COMPILED.get_or_init(Mutex::default).lock().await;
        if *compiled {
            drop(compiled);
            return self.launch_now().await;
        }
        self.launch_now().await?;
        *compiled = true;
        Ok(())
    }

    async fn launch_now(&mut self) -> Result<()> {
        self.starts += 1;
        let log = std::fs::File::create(self.log_file(self.starts))?;
        let mut command = self.setup.command()?;
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().context("rescind cannot be started")?;
        let mut lines = BufReader::new(child.stdout.take().context("rescind has no output")?).lines();
        let announced = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(key) = line.strip_prefix("admin key (shown once): ") {
                    key.trim().clone_into(&mut self.admin);
                } else if let Some(address) = line.strip_prefix("listening on ") {
                    return Ok(Some(address.trim().to_owned()));
                }
            }
            anyhow::Ok(None)
        };
        let announced = tokio::time::timeout(START, announced).await.context("rescind does not start")??;
        let Some(address) = announced else {
            let status = child.wait().await?;
            bail!("rescind ended with {status} instead of serving: {}", self.tail());
        };
        // What else it says is read and dropped, so that it never waits for us.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.address.set(address);
        self.child = Some(child);
        Ok(())
    }
}
