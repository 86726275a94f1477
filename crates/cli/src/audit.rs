//! `rescind audit`: what a payment was when a checkpoint was made, taken out as a file and checked without the service.

use crate::stdio::{complain, say};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use rescind_audit::limits::EXPORT_BYTES;
use rescind_audit::{Hash, verify};
use rescind_bundle::PublicKey;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit status if nothing could be checked, as after a wrong argument.
const UNCHECKED: u8 = 2;

/// Take out what proves a payment's history, and check it with nothing but the file and a public key.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check a file. Exit status 0: all that is printed as proved holds. 1: it does not, and nothing of the file is proved.
    /// 2: it could not be checked.
    Verify(Verify),
    /// Fetch the file of a payment, or of a row of checkpoints, from the service.
    Export(Export),
}

/// What to check.
#[derive(Debug, Args)]
pub struct Verify {
    /// The file, as it was given out.
    file: PathBuf,
    /// A public key that may have signed: `ed25519:` and 64 hexadecimal digits. From the deployment itself (`GET
    /// /v1/checkpoint-keys`), but on another way than the file. May be repeated.
    #[arg(long = "key", required = true)]
    keys: Vec<String>,
    /// The hash of a checkpoint that was kept before: one of those in the file has to be that one.
    #[arg(long)]
    kept: Option<String>,
}

/// What to fetch.
#[derive(Debug, Args)]
pub struct Export {
    /// Where the application is.
    #[arg(long, env = "RESCIND_URL", default_value = "http://127.0.0.1:3000")]
    url: String,
    /// An API key of somebody who may.
    #[arg(long, env = "RESCIND_KEY", hide_env_values = true)]
    token: String,
    /// The merchant, if the key reaches several.
    #[arg(long)]
    merchant: Option<String>,
    /// The payment.
    #[arg(long, required_unless_present = "checkpoint", conflicts_with = "checkpoint")]
    sale: Option<String>,
    /// Only up to this event of it. Unless told, up to the newest that is in a checkpoint.
    #[arg(long, requires = "sale")]
    event: Option<u64>,
    /// The last checkpoint of the row. With a payment, the payment's own unless told.
    #[arg(long, requires = "sale")]
    until: Option<u64>,
    /// Instead of a payment, the row of checkpoints up to this one.
    #[arg(long)]
    checkpoint: Option<u64>,
    /// The first of that row.
    #[arg(long, requires = "checkpoint")]
    since: Option<u64>,
    /// Where to write it.
    #[arg(long)]
    out: PathBuf,
}

impl Audit {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Verify(verify) => verify.run(),
            Self::Export(export) => export.run().map(|()| ExitCode::SUCCESS),
        }
    }
}

impl Verify {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let asked = self.keys().and_then(|keys| Ok((keys, self.kept()?, read(&self.file)?)));
        let (keys, kept, bytes) = match asked {
            Ok(asked) => asked,
            Err(error) => {
                complain(format_args!("error: {error:#}"));
                return Ok(ExitCode::from(UNCHECKED));
            }
        };
        let proved = match verify(&bytes, &keys) {
            Ok(proved) => proved,
            Err(refused) => return Ok(self.refused(&refused)),
        };
        if let Some(kept) = kept
            && !proved.has_checkpoint(kept)
        {
            return Ok(self.refused(&"none of its checkpoints is the one that was kept: it is of another history"));
        }
        for line in proved.report() {
            say(format_args!("{line}"))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn refused(&self, why: &dyn std::fmt::Display) -> ExitCode {
        complain(format_args!("refused: {}: {why}", self.file.display()));
        ExitCode::FAILURE
    }

    fn keys(&self) -> anyhow::Result<Vec<PublicKey>> {
        self.keys.iter().map(|key| PublicKey::parse(key).with_context(|| format!("--key {key}"))).collect()
    }

    fn kept(&self) -> anyhow::Result<Option<Hash>> {
        let hash = |text: &String| Hash::parse(text).with_context(|| format!("--kept {text}: expected 64 digits"));
        self.kept.as_ref().map(hash).transpose()
    }
}

/// A file's bytes, at most one more than any export has: that many are refused with the right words.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let most = u64::try_from(EXPORT_BYTES)?.saturating_add(1);
    let mut bytes = Vec::new();
    opened.take(most).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(bytes)
}

impl Export {
    fn run(&self) -> anyhow::Result<()> {
        let (path, queries) = match (&self.sale, self.checkpoint) {
            (Some(sale), _) => {
                (format!("/v1/transactions/{sale}/audit"), [("event", self.event), ("until", self.until)])
            }
            (None, Some(number)) => (format!("/v1/checkpoints/{number}"), [("since", self.since), ("", None)]),
            (None, None) => bail!("say what to take out: --sale or --checkpoint"),
        };
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let mut request = agent.get(&url).header("authorization", format!("Bearer {}", self.token));
        for (name, value) in queries {
            if let Some(value) = value {
                request = request.query(name, value.to_string());
            }
        }
        if let Some(merchant) = &self.merchant {
            request = request.query("merchant", merchant);
        }
        let mut response = request.call().with_context(|| format!("{url} does not answer"))?;
        let body = response.body_mut().with_config().limit(u64::try_from(EXPORT_BYTES)?).read_to_vec()?;
        if !response.status().is_success() {
            bail!("{} {}", response.status(), String::from_utf8_lossy(&body));
        }
        std::fs::write(&self.out, &body).with_context(|| format!("cannot write {}", self.out.display()))?;
        say(format_args!("{}: {} bytes; check it with `rescind audit verify`", self.out.display(), body.len()))?;
        Ok(())
    }
}
