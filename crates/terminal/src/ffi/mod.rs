//! The same for C: `include/rescind_terminal.h`, which is generated from here.
//!
//! Terminals are numbers, not pointers: one that was closed is refused and not followed into freed memory. Everything the
//! caller gives is copied or only read during the call; everything it gets is written into its own buffers. A panic ends
//! at this boundary: the call answers `RESCIND_INTERNAL`, and that terminal is closed.
#![allow(unsafe_code, reason = "the C boundary: pointers of the caller are read and written here and nowhere else")]

mod buffer;
mod call;
mod handle;
mod signer;

use crate::ask::{self, Ask, Begin, Operator, Subject};
use crate::clock::Reading;
use crate::error::{TerminalError, code};
use crate::limits;
use crate::setup::Setup;
use crate::terminal::Terminal;
use buffer::{Input, Output};
use call::{answered, opened, with, written};
use rescind_bundle::{PublicKey, SigningKey, Update};
use rescind_journal::{Acknowledgement, OperationOutcome};
use rescind_model::{Forwarding, Instant, Money, OperationId, Sale, SaleId, SaleOutcome};
use serde::{Deserialize, Serialize};

pub use signer::SignCallback;

/// A terminal that was opened. 0 is none.
pub type Handle = u64;

/// What the device's clocks show at one moment. Read both together, directly before the call.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// The wall clock: milliseconds since 1970-01-01T00:00:00Z.
    pub wall_unix_ms: i64,
    /// Milliseconds of a clock that nobody can set, that also counts while the device sleeps, and that begins anew with every
    /// run of the device: on Linux CLOCK_BOOTTIME.
    pub monotonic_ms: u64,
}

impl ClockReading {
    fn read(self) -> Result<Reading, TerminalError> {
        let wall = Instant::from_unix_ms(self.wall_unix_ms)
            .map_err(|error| TerminalError::Argument(format!("the wall clock: {error}")))?;
        Ok(Reading { wall, monotonic_ms: self.monotonic_ms })
    }
}

/// Which records a batch holds.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchInfo {
    /// The number of its first record; 0 if there is nothing to export.
    pub first: u64,
    /// The number of its last record: the next batch begins after it.
    pub last: u64,
    /// How many records come after it.
    pub remaining: u64,
}

/// A sale as it is to be stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaleToStore {
    sale: Sale,
    outcome: SaleOutcome,
    forwarding: Forwarding,
}

/// A look at all ways.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    sale: Subject,
    #[serde(default)]
    amount: Option<Money>,
    #[serde(default)]
    operator: Option<Operator>,
}

/// A look at the void of a stored sale.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VoidLook {
    sale: SaleId,
    #[serde(default)]
    reason: Option<String>,
    operator: Operator,
}

/// What became of a bundle.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Applied {
    Installed { before: Option<u64>, version: u64 },
    Unchanged,
}

/// Opens a terminal in its folder, or begins it.
///
/// `setup` is JSON (docs/firmware.md); `key` is the text of the key that signs what it exports, as `rescind bundle keygen`
/// writes it: it is copied, and overwritten when the terminal is closed. On success `*terminal` is what all other calls
/// take. On failure rescind_terminal_last_error(0, …) says why, on the same thread.
///
/// # Safety
/// `setup` and `key` are readable for their lengths; `terminal` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_open(
    setup: *const u8,
    setup_length: usize,
    key: *const u8,
    key_length: usize,
    now: ClockReading,
    terminal: *mut Handle,
) -> i32 {
    // SAFETY: the caller's promise.
    let (setup, key) = unsafe { (Input::new(setup, setup_length), Input::new(key, key_length)) };
    opened(terminal, || {
        let key = key.text(limits::SETUP_BYTES, "the key")?;
        let key = SigningKey::parse_secret(key).map_err(|error| TerminalError::Argument(error.to_string()))?;
        let setup = Setup::read(setup.bytes(limits::SETUP_BYTES, "the setup")?)?;
        Terminal::open(setup, Box::new(key), now.read()?)
    })
}

/// As rescind_terminal_open, with a key that stays in a security module. `public_key` is its public half as text
/// (`ed25519:…`); `sign` is called, with `context`, by rescind_terminal_export and on the thread that calls that.
///
/// # Safety
/// As rescind_terminal_open; `sign` keeps what its type says, and `context` lives until the terminal is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_open_with_signer(
    setup: *const u8,
    setup_length: usize,
    public_key: *const u8,
    public_key_length: usize,
    sign: SignCallback,
    context: *mut core::ffi::c_void,
    now: ClockReading,
    terminal: *mut Handle,
) -> i32 {
    // SAFETY: the caller's promise.
    let (setup, key) = unsafe { (Input::new(setup, setup_length), Input::new(public_key, public_key_length)) };
    opened(terminal, || {
        let key = PublicKey::parse(key.text(limits::SETUP_BYTES, "the public key")?)
            .map_err(|error| TerminalError::Argument(error.to_string()))?;
        let sign = sign.ok_or_else(|| TerminalError::Argument("sign: expected a function".to_owned()))?;
        let setup = Setup::read(setup.bytes(limits::SETUP_BYTES, "the setup")?)?;
        // SAFETY: the caller's promise about `sign` and `context`.
        let signer = unsafe { signer::Module::new(key, sign, context) };
        Terminal::open(setup, Box::new(signer), now.read()?)
    })
}

/// Ends a terminal. Everything that was answered is on the disk already. Its number is never used again.
#[unsafe(no_mangle)]
pub extern "C" fn rescind_terminal_close(terminal: Handle) -> i32 {
    call::closed(terminal)
}

/// Whether a stored sale can be voided as a whole: nothing is written. `look` is JSON: the sale's id, the operator, and
/// perhaps a reason code.
///
/// # Safety
/// `look` is readable for its length, `answer` is writable for `capacity`, `needed` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_check_void(
    terminal: Handle,
    now: ClockReading,
    look: *const u8,
    look_length: usize,
    answer: *mut u8,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (look, out) = unsafe { (Input::new(look, look_length), Output::new(answer, capacity, needed)) };
    answered(terminal, out, |terminal| {
        let look = look.bytes(limits::ASK_BYTES, "what is looked at")?;
        let VoidLook { sale, reason, operator } = ask::read(look, limits::ASK_BYTES, "what is looked at")?;
        Ok((code::OK, terminal.check_void(now.read()?, &sale, reason, operator)?))
    })
}

/// Decides without writing anything. `ask` is JSON.
///
/// # Safety
/// `ask` is readable for its length, `answer` is writable for `capacity`, `needed` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_check(
    terminal: Handle,
    now: ClockReading,
    ask: *const u8,
    ask_length: usize,
    answer: *mut u8,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (ask, out) = unsafe { (Input::new(ask, ask_length), Output::new(answer, capacity, needed)) };
    answered(terminal, out, |terminal| {
        let ask = Ask::read(ask.bytes(limits::ASK_BYTES, "what is asked")?)?;
        Ok((code::OK, terminal.check(now.read()?, &ask)?))
    })
}

/// Looks at all ways back at once: a list of answers. `look` is JSON: the sale, and perhaps an amount and the operator.
///
/// # Safety
/// As rescind_terminal_check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_assess(
    terminal: Handle,
    now: ClockReading,
    look: *const u8,
    look_length: usize,
    answer: *mut u8,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (look, out) = unsafe { (Input::new(look, look_length), Output::new(answer, capacity, needed)) };
    answered(terminal, out, |terminal| {
        let look = look.bytes(limits::ASK_BYTES, "what is looked at")?;
        let look: Look = ask::read(look, limits::ASK_BYTES, "what is looked at")?;
        Ok((code::OK, terminal.assess(now.read()?, &look.sale, look.amount.as_ref(), look.operator.as_ref())?))
    })
}

/// Decides any operation and writes the decision down; nothing is begun. `ask` is JSON.
///
/// # Safety
/// As rescind_terminal_check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_decide(
    terminal: Handle,
    now: ClockReading,
    ask: *const u8,
    ask_length: usize,
    answer: *mut u8,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (ask, out) = unsafe { (Input::new(ask, ask_length), Output::new(answer, capacity, needed)) };
    answered(terminal, out, |terminal| {
        let ask = Ask::read(ask.bytes(limits::ASK_BYTES, "what is asked")?)?;
        Ok((code::OK, terminal.decide(now.read()?, &ask)?))
    })
}

/// Stores a sale. `sale` is JSON: the sale, its outcome, and how far it went.
///
/// # Safety
/// `sale` is readable for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_record_sale(
    terminal: Handle,
    now: ClockReading,
    sale: *const u8,
    sale_length: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let sale = unsafe { Input::new(sale, sale_length) };
    with(terminal, |terminal| {
        let sale = sale.bytes(limits::ASK_BYTES, "the sale")?;
        let SaleToStore { sale, outcome, forwarding } = ask::read(sale, limits::ASK_BYTES, "the sale")?;
        terminal.record_sale(now.read()?, sale, outcome, forwarding)
    })
}

/// Says that a stored sale is about to be sent (`arrived` is 0) or has arrived (1). Call it before the sale is sent to
/// anybody, and send nothing unless it answers RESCIND_OK.
///
/// # Safety
/// `sale` is readable for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_forward(
    terminal: Handle,
    now: ClockReading,
    sale: *const u8,
    sale_length: usize,
    arrived: i32,
) -> i32 {
    // SAFETY: the caller's promise.
    let sale = unsafe { Input::new(sale, sale_length) };
    with(terminal, |terminal| {
        let sale = name(SaleId::parse(sale.text(limits::ASK_BYTES, "the sale")?))?;
        let state = match arrived {
            0 => Forwarding::PerhapsSent,
            1 => Forwarding::Forwarded,
            _ => return Err(TerminalError::Argument("arrived: expected 0 or 1".to_owned())),
        };
        terminal.forward(now.read()?, &sale, state)
    })
}

/// Begins an operation if it is allowed now. `begin` is JSON: the operation's name and what is asked. The answer has the
/// slip. RESCIND_NOT_ALLOWED: nothing was begun, and the answer says why. The same name never begins twice: after a
/// restart or RESCIND_BUFFER the same call gives the same answer.
///
/// # Safety
/// As rescind_terminal_check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_record_operation(
    terminal: Handle,
    now: ClockReading,
    begin: *const u8,
    begin_length: usize,
    answer: *mut u8,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (begin, out) = unsafe { (Input::new(begin, begin_length), Output::new(answer, capacity, needed)) };
    answered(terminal, out, |terminal| {
        let begin = Begin::read(begin.bytes(limits::ASK_BYTES, "the operation")?)?;
        let answer = terminal.begin(now.read()?, &begin)?;
        let code = if answer.operation.is_some() { code::OK } else { code::NOT_ALLOWED };
        Ok((code, answer))
    })
}

/// Says what became of an operation that the terminal itself carried out after it was queued. `outcome` is JSON.
///
/// # Safety
/// `outcome` is readable for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_record_outcome(
    terminal: Handle,
    now: ClockReading,
    outcome: *const u8,
    outcome_length: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let outcome = unsafe { Input::new(outcome, outcome_length) };
    with(terminal, |terminal| {
        let outcome = outcome.bytes(limits::ASK_BYTES, "the outcome")?;
        let outcome: OperationOutcome = ask::read(outcome, limits::ASK_BYTES, "the outcome")?;
        terminal.record_outcome(now.read()?, &outcome.operation, outcome.result, outcome.detail)
    })
}

/// The slip of an operation again, marked as a reprint.
///
/// # Safety
/// `operation` is readable for its length, `answer` is writable for `capacity`, `needed` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_reprint(
    terminal: Handle,
    now: ClockReading,
    operation: *const u8,
    operation_length: usize,
    answer: *mut u8,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (operation, out) = unsafe { (Input::new(operation, operation_length), Output::new(answer, capacity, needed)) };
    answered(terminal, out, |terminal| {
        let operation = name(OperationId::parse(operation.text(limits::ASK_BYTES, "the operation")?))?;
        Ok((code::OK, terminal.reprint(now.read()?, &operation)?))
    })
}

/// Records from the number `from` on, at most `most`, as a signed batch to be sent to the server as it is. `*info` says
/// which; with nothing to export, `*needed` and `info->first` are 0.
///
/// # Safety
/// `batch` is writable for `capacity`, `needed` and `info` are writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_export(
    terminal: Handle,
    now: ClockReading,
    from: u64,
    most: usize,
    batch: *mut u8,
    capacity: usize,
    needed: *mut usize,
    info: *mut BatchInfo,
) -> i32 {
    // SAFETY: the caller's promise.
    let out = unsafe { Output::new(batch, capacity, needed) };
    if info.is_null() {
        return code::ARGUMENT;
    }
    let mut found = BatchInfo::default();
    let code = written(terminal, out, |terminal| {
        let Some(export) = terminal.export(now.read()?, from, most)? else { return Ok((code::OK, Vec::new())) };
        found = BatchInfo { first: export.first, last: export.last, remaining: export.remaining };
        Ok((code::OK, export.batch))
    });
    // SAFETY: not null, and writable by the caller's promise.
    unsafe { info.write(found) };
    code
}

/// Takes the server's answer to a batch. `asked` was read when the batch was sent, `heard` when the answer had come;
/// `acknowledgement` is the answer's body, JSON.
///
/// # Safety
/// `acknowledgement` is readable for its length, `answer` is writable for `capacity`, `needed` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_acknowledge(
    terminal: Handle,
    asked: ClockReading,
    heard: ClockReading,
    acknowledgement: *const u8,
    acknowledgement_length: usize,
    answer: *mut u8,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (given, out) =
        unsafe { (Input::new(acknowledgement, acknowledgement_length), Output::new(answer, capacity, needed)) };
    answered(terminal, out, |terminal| {
        let given = given.bytes(rescind_journal::limits::ACKNOWLEDGEMENT_BYTES, "the acknowledgement")?;
        let given = Acknowledgement::read(given).map_err(|error| TerminalError::Argument(error.to_string()))?;
        Ok((code::OK, terminal.acknowledge(asked.read()?, heard.read()?, &given)?))
    })
}

/// Takes over the server's time, in milliseconds since 1970, which it said between `asked` and `heard`.
#[unsafe(no_mangle)]
pub extern "C" fn rescind_terminal_hear(
    terminal: Handle,
    asked: ClockReading,
    heard: ClockReading,
    server_unix_ms: i64,
) -> i32 {
    with(terminal, |terminal| {
        let server = Instant::from_unix_ms(server_unix_ms);
        let server = server.map_err(|error| TerminalError::Argument(error.to_string()))?;
        terminal.hear(asked.read()?, heard.read()?, server).map(|_| ())
    })
}

/// Takes a bundle, if it is genuine, newer, for this terminal, and holds now. Otherwise what was active still is.
///
/// # Safety
/// `bundle` is readable for its length, `answer` is writable for `capacity`, `needed` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_apply_bundle(
    terminal: Handle,
    now: ClockReading,
    bundle: *const u8,
    bundle_length: usize,
    answer: *mut u8,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (bundle, out) = unsafe { (Input::new(bundle, bundle_length), Output::new(answer, capacity, needed)) };
    answered(terminal, out, |terminal| {
        let bundle = bundle.bytes(rescind_bundle::limits::BUNDLE_BYTES, "the bundle")?.to_vec();
        let applied = match terminal.apply_bundle(now.read()?, bundle)? {
            Update::Installed { before, version } => Applied::Installed { before, version },
            Update::Unchanged => Applied::Unchanged,
        };
        Ok((code::OK, applied))
    })
}

/// How the terminal is, as JSON.
///
/// # Safety
/// `answer` is writable for `capacity`, `needed` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_status(
    terminal: Handle,
    now: ClockReading,
    answer: *mut u8,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let out = unsafe { Output::new(answer, capacity, needed) };
    answered(terminal, out, |terminal| Ok((code::OK, terminal.status(now.read()?)?)))
}

/// The answer of the last call that had one, again: after RESCIND_BUFFER, with a larger buffer.
///
/// # Safety
/// `answer` is writable for `capacity`, `needed` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_answer(
    terminal: Handle,
    answer: *mut u8,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let out = unsafe { Output::new(answer, capacity, needed) };
    call::last_answer(terminal, out)
}

/// What the last call that failed said, as UTF-8 for the log of an engineer; empty if the last call did not fail. For
/// terminal 0: what the last rescind_terminal_open on this thread said.
///
/// # Safety
/// `text` is writable for `capacity`, `needed` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rescind_terminal_last_error(
    terminal: Handle,
    text: *mut u8,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let out = unsafe { Output::new(text, capacity, needed) };
    call::last_error(terminal, out)
}

/// What an error's number means, as a text that ends with a zero byte and lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn rescind_error_text(number: i32) -> *const core::ffi::c_char {
    call::meaning(number).as_ptr()
}

/// The version of this library, as a text that ends with a zero byte and lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn rescind_version() -> *const core::ffi::c_char {
    const VERSION: &core::ffi::CStr =
        match core::ffi::CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => c"",
        };
    VERSION.as_ptr()
}

fn name<T>(parsed: Result<T, rescind_model::name::BadName>) -> Result<T, TerminalError> {
    parsed.map_err(|error| TerminalError::Argument(error.to_string()))
}
