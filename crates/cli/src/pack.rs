//! `rescind policy`: packs as files.

use crate::stdio::say;
use anyhow::{Context as _, bail};
use clap::Subcommand;
use rescind_policy::{Compiled, compile};
use std::path::{Path, PathBuf};

/// Check and compile policies.
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Check packs and print what is wrong with them.
    Check {
        /// Files, or folders of packs.
        #[arg(default_value = "policies")]
        paths: Vec<PathBuf>,
    },
    /// Write a pack's canonical form, which `PUT /v1/policies/{name}` and the terminal take.
    Compile {
        /// The pack.
        pack: PathBuf,
        /// Where to write it.
        #[arg(long)]
        out: PathBuf,
    },
}

impl Policy {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Check { paths } => {
                let mut checked = 0_usize;
                for path in paths {
                    for (file, compiled) in read(&path)? {
                        let document = compiled.document();
                        let (name, version, hash) = (&document.name, &document.version, compiled.hash());
                        say(format_args!("{}: {name} {version} {hash}", file.display()))?;
                        checked = checked.saturating_add(1);
                    }
                }
                say(format_args!("{checked} packs, all good"))?;
                Ok(())
            }
            Self::Compile { pack, out } => {
                let compiled = read_one(&pack)?;
                std::fs::write(&out, compiled.canonical())
                    .with_context(|| format!("cannot write {}", out.display()))?;
                say(format_args!("{} {}", compiled.hash(), out.display()))?;
                Ok(())
            }
        }
    }
}

/// Compiles every pack of a folder (`*.toml` that are not `*.cases.toml`), or one file. What is wrong with any is told at
/// once.
pub fn read(path: &Path) -> anyhow::Result<Vec<(PathBuf, Compiled)>> {
    if path.is_file() {
        return Ok(vec![(path.to_owned(), read_one(path)?)]);
    }
    let folder =
        std::fs::read_dir(path).with_context(|| format!("cannot read the folder of policies {}", path.display()))?;
    let mut files = Vec::new();
    for entry in folder {
        let file = entry?.path();
        let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if name.ends_with(".toml") && !name.ends_with(".cases.toml") {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        bail!("{} holds no policy packs (*.toml)", path.display());
    }
    let (mut packs, mut refused) = (Vec::new(), Vec::new());
    for file in files {
        match read_one(&file) {
            Ok(compiled) => packs.push((file, compiled)),
            Err(reason) => refused.push(format!("{reason:#}")),
        }
    }
    if refused.is_empty() { Ok(packs) } else { bail!("{}", refused.join("\n")) }
}

fn read_one(file: &Path) -> anyhow::Result<Compiled> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the policy {}: it has to be UTF-8 text", file.display()))?;
    compile(&text, &file.display().to_string()).map_err(|diagnostics| {
        let report = miette::Report::new(diagnostics);
        anyhow::anyhow!("the policy {} is refused; correct it and start again\n{report:?}", file.display())
    })
}
