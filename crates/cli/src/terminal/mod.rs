//! `rescind terminal`: a payment terminal on the command line. It is the library for firmware (`rescind-terminal`) with a
//! keypad, a display and a line to a server, which can be switched off.
//!
//! | file | idea |
//! |---|---|
//! | `folder` | its data directory |
//! | `clocks`, `line` | what firmware has and the library has not: clocks, and a line to the server |
//! | `roll` | 流水: its own list of sales |
//! | `command` | what can be asked of it |
//! | `till`, `back`, `contact` | carrying that out: selling; taking back; bundle, sync and status |
//! | `verdict`, `trouble` | how decisions and errors are shown |
//! | `screen`, `words` | what is shown, in which language |
//! | `menu`, `script` | by hand, and from a file |

mod back;
mod clocks;
mod command;
mod contact;
mod folder;
mod line;
mod menu;
mod roll;
mod screen;
mod script;
mod till;
mod trouble;
mod verdict;
mod words;

use crate::policy::Language;
use crate::stdio::say;
use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use folder::{Folder, Provision};
use line::Line;
use rescind_bundle::Signer as _;
use screen::Screen;
use std::fs::File;
use std::io::{BufReader, IsTerminal as _, stdin};
use std::path::PathBuf;
use std::process::ExitCode;
use till::Till;

/// Play a payment terminal: sell, void and refund with the server or without it.
///
/// Without `--script`, and with a keyboard, it shows a menu. Otherwise it reads commands, one a line (`help` lists them), and
/// its exit code says whether every `expect` line held. Everything it answered is on the disk: it can be killed at any time.
#[derive(Debug, Args)]
pub struct Terminal {
    /// The terminal's data directory: journal, bundles, its key. Made if it is not there; one program uses it at a time.
    #[arg(long, value_name = "DIR", default_value = "terminal")]
    data: PathBuf,
    /// Where the application is. Without it the terminal is offline.
    #[arg(long, env = "RESCIND_URL", requires = "token")]
    server: Option<String>,
    /// The terminal's API key.
    #[arg(long, env = "RESCIND_TERMINAL_KEY", hide_env_values = true)]
    token: Option<String>,
    /// Begin switched offline: nothing is sent before `online`.
    #[arg(long)]
    offline: bool,
    /// Read commands from a file, `-` for standard input.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// The language of display and slips.
    #[arg(long, value_enum, default_value_t = Language::En)]
    locale: Language,
    #[command(flatten)]
    provision: Provision,
}

impl Terminal {
    /// Runs the terminal.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (folder, key) = Folder::open(&self.data, &self.provision)?;
        if folder.is_new {
            let public = key.public().to_string();
            let engine = rescind_terminal::engine(folder.identity.code);
            say(format_args!("a new terminal {} of {}", folder.identity.terminal, folder.identity.merchant))?;
            say(format_args!("journal key, to be registered for it: {public}"))?;
            say(format_args!("bundles for it have the target {}", engine.target))?;
        }
        let line = Line::new(self.server.zip(self.token), !self.offline);
        let mut till = Till::open(folder, key, line, self.locale.locale()).map_err(|trouble| {
            let mut screen = Screen::default();
            trouble.show(words::Words { locale: self.locale.locale(), utc_offset_minutes: 0 }, &mut screen);
            anyhow!("the terminal does not start\n{}", screen.lines().join("\n"))
        })?;
        if till.is_online() {
            let mut screen = Screen::default();
            if let Err(trouble) = till.greet(&mut screen) {
                trouble.show(till.words(), &mut screen);
            }
            for line in screen.lines() {
                say(format_args!("{line}"))?;
            }
        }
        match self.script {
            Some(file) if file.as_os_str() != "-" => {
                let script = File::open(&file).with_context(|| format!("cannot read {}", file.display()))?;
                if script.metadata().is_ok_and(|metadata| metadata.is_dir()) {
                    bail!("{} is a folder: expected a script, one command a line", file.display());
                }
                script::play(&mut till, BufReader::new(script))
            }
            Some(_) => script::play(&mut till, stdin().lock()),
            None if stdin().is_terminal() => menu::serve(&mut till, &mut stdin().lock()),
            None => script::play(&mut till, stdin().lock()),
        }
    }
}
