//! The log: lines on standard error. On this target a panic's message is seen nowhere else.

use std::panic::PanicHookInfo;

/// Writes a line.
pub fn line(text: &str) {
    let stderr = wasip2::cli::stderr::get_stderr();
    let line = format!("{text}\n");
    // One write takes at most 4,096 bytes.
    for part in line.as_bytes().chunks(4_000) {
        // There is nowhere left to say that the log cannot be written.
        let _unwritten = stderr.blocking_write_and_flush(part);
    }
}

/// Sends panics to the log. Call it first.
pub fn panics() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let place = info.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        line(&format!("panic{place}: {}", info.payload_as_str().unwrap_or("no message")));
    }));
}
