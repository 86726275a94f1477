//! The scripted mode: one command a line, answers on standard output. What does not go well has to be expected by the line
//! that follows, and what is expected has to be so; otherwise the command fails in the end.

use super::command::{Command, Step, step};
use super::screen::Screen;
use super::till::{Till, Went};
use crate::stdio::say;
use anyhow::Context as _;
use std::io::BufRead;
use std::process::ExitCode;
use std::time::Duration;

/// Longest line of a script, in bytes: commands are short.
const LINE_BYTES: usize = 4_096;

/// How a script goes.
#[derive(Debug, Default)]
struct Score {
    held: u32,
    failed: u32,
    /// What was shown last.
    shown: Vec<String>,
    /// The line whose command did not go well, until it is expected.
    unexpected: Option<usize>,
}

/// Plays a script to its end.
pub fn play(till: &mut Till, script: impl BufRead) -> anyhow::Result<ExitCode> {
    let mut score = Score::default();
    for (number, line) in script.lines().enumerate() {
        let number = number.saturating_add(1);
        let line = line.with_context(|| format!("line {number} of the script cannot be read"))?;
        if line.len() > LINE_BYTES {
            anyhow::bail!("line {number} of the script has {} bytes, expected at most {LINE_BYTES}", line.len());
        }
        match step(&line) {
            Ok(Step::Remark) => {}
            Ok(Step::Command(command)) => {
                score.must_be_expected()?;
                let wanted = command == Command::Quit;
                score.command(till, number, line.trim(), command)?;
                if wanted {
                    break;
                }
            }
            Ok(Step::Expect(text)) => score.expect(number, &text, true)?,
            Ok(Step::ExpectNot(text)) => score.expect(number, &text, false)?,
            Ok(Step::Wait(seconds)) => {
                score.must_be_expected()?;
                std::thread::sleep(Duration::from_secs(seconds));
            }
            Err(usage) => {
                score.must_be_expected()?;
                score.fails(format_args!("line {number}: {usage}"))?;
            }
        }
    }
    score.must_be_expected()?;
    let Score { held, failed, .. } = score;
    say(format_args!("{held} expectations held, {failed} did not"))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Score {
    fn command(&mut self, till: &mut Till, number: usize, line: &str, command: Command) -> anyhow::Result<()> {
        // What is secret is not repeated.
        let shown = match &command {
            Command::Login { number, .. } => format!("login {number} ******"),
            Command::Void { sale, reason, .. } => format!("void {sale} {reason}"),
            Command::Refund { sale, amount, reason, .. } => format!("refund {sale} {amount} {reason}"),
            _ => line.to_owned(),
        };
        say(format_args!("> {shown}"))?;
        let mut screen = Screen::default();
        let went = till.carry_out(command, &mut screen);
        self.shown = screen.lines().to_vec();
        for line in &self.shown {
            say(format_args!("{line}"))?;
        }
        self.unexpected = (went == Went::Otherwise).then_some(number);
        Ok(())
    }

    fn expect(&mut self, number: usize, text: &str, wanted: bool) -> anyhow::Result<()> {
        self.unexpected = None;
        let found = self.shown.iter().any(|line| line.contains(text));
        if found == wanted {
            self.held = self.held.saturating_add(1);
            return Ok(());
        }
        let not = if wanted { "expected" } else { "did not expect" };
        self.fails(format_args!("line {number}: {not} {text:?}"))
    }

    fn must_be_expected(&mut self) -> anyhow::Result<()> {
        match self.unexpected.take() {
            None => Ok(()),
            Some(number) => {
                self.fails(format_args!("line {number}: this did not go well, and no `expect` follows that says so"))
            }
        }
    }

    fn fails(&mut self, why: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
        self.failed = self.failed.saturating_add(1);
        say(format_args!("✗✗ {why}"))?;
        Ok(())
    }
}
