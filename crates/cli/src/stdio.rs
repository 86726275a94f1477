//! Standard output and error, either of which may be closed or full. `println!` would panic there.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// Standard output took no more.
#[derive(Debug)]
pub struct Unwritten(io::Error);

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "standard output cannot be written: {}", self.0)
    }
}

impl std::error::Error for Unwritten {}

/// What a shell reports for a tool that wrote to a pipe which nobody reads any more: 128 and SIGPIPE.
const SIGPIPE_STATUS: u8 = 141;

/// Writes one line of the command's answer.
pub fn say(line: fmt::Arguments<'_>) -> Result<(), Unwritten> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(Unwritten)
}

/// Writes one line that a server only wants to be known: it serves all the same if nobody listens.
pub fn announce(line: fmt::Arguments<'_>) {
    if let Err(unwritten) = say(line) {
        complain(format_args!("warning: {unwritten}"));
    }
}

/// Writes one line to standard error. If that is closed there is nobody left to tell.
pub fn complain(line: fmt::Arguments<'_>) {
    writeln!(io::stderr(), "{line}").unwrap_or(());
}

/// How the command ends after this error. A reader who has seen enough (`rescind … | head`) is no error to speak of.
pub fn failure(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<Unwritten>().is_some_and(|e| e.0.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::from(SIGPIPE_STATUS);
    }
    complain(format_args!("error: {error:#}"));
    ExitCode::FAILURE
}
