//! One call across the boundary: finds the terminal, lets nobody else in, catches panics, keeps what was answered.

use super::Handle;
use super::buffer::Output;
use super::handle::{self, Held};
use crate::error::{TerminalError, code};
use crate::terminal::Terminal;
use core::ffi::CStr;
use serde::Serialize;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, TryLockError};

thread_local! {
    /// What the last opening on this thread said.
    static OPENING: RefCell<String> = const { RefCell::new(String::new()) };
}

fn opening_said(text: String) {
    OPENING.with(|last| *last.borrow_mut() = text);
}

/// Opens a terminal and writes its number.
pub(super) fn opened(out: *mut Handle, open: impl FnOnce() -> Result<Terminal, TerminalError>) -> i32 {
    if out.is_null() {
        opening_said("terminal is NULL".to_owned());
        return code::ARGUMENT;
    }
    // SAFETY: not null, and writable by the promise of whoever calls the function this is called from.
    unsafe { out.write(0) };
    let tried = catch_unwind(AssertUnwindSafe(|| {
        if !handle::has_room() {
            return Err((code::HANDLES, meaning(code::HANDLES).to_string_lossy().into_owned()));
        }
        let terminal = open().map_err(|error| (error.code(), error.to_string()))?;
        handle::keep(terminal).ok_or_else(|| (code::HANDLES, "too many terminals are open".to_owned()))
    }));
    match tried {
        Ok(Ok(number)) => {
            opening_said(String::new());
            // SAFETY: as above.
            unsafe { out.write(number) };
            code::OK
        }
        Ok(Err((number, said))) => {
            opening_said(said);
            number
        }
        Err(_) => {
            opening_said("a mistake in this library".to_owned());
            code::INTERNAL
        }
    }
}

/// Closes one. If another thread uses it right now, it stays open.
pub(super) fn closed(number: Handle) -> i32 {
    let Some(held) = handle::find(number) else { return code::HANDLE };
    let Ok(guard) = held.try_lock() else { return code::BUSY };
    let Some(_ours) = handle::forget(number) else { return code::HANDLE };
    drop(guard);
    // The last one who knows it: its files are unlocked when this returns.
    let dropped = catch_unwind(AssertUnwindSafe(|| drop((_ours, held))));
    if dropped.is_ok() { code::OK } else { code::INTERNAL }
}

/// A call without an answer of its own.
pub(super) fn with(number: Handle, work: impl FnOnce(&mut Terminal) -> Result<(), TerminalError>) -> i32 {
    locked(number, |held| match work(&mut held.terminal) {
        Ok(()) => code::OK,
        Err(error) => failed(held, &error),
    })
}

/// A call that answers in JSON.
pub(super) fn answered<T: Serialize>(
    number: Handle,
    out: Output,
    work: impl FnOnce(&mut Terminal) -> Result<(i32, T), TerminalError>,
) -> i32 {
    written(number, out, |terminal| {
        let (success, answer) = work(terminal)?;
        let json = serde_json::to_vec(&answer).map_err(|error| TerminalError::Unprintable(error.to_string()))?;
        Ok((success, json))
    })
}

/// A call that answers in bytes. What has an effect must not be lost for want of a buffer: the answer is kept.
pub(super) fn written(
    number: Handle,
    out: Output,
    work: impl FnOnce(&mut Terminal) -> Result<(i32, Vec<u8>), TerminalError>,
) -> i32 {
    let Ok(out) = out.usable() else { return code::ARGUMENT };
    let ended = locked(number, |held| match work(&mut held.terminal) {
        Ok((success, answer)) => {
            held.answer = answer;
            out.write(&held.answer, success)
        }
        Err(error) => {
            held.answer.clear();
            let failed = failed(held, &error);
            out.write(&[], failed)
        }
    });
    told(out, ended)
}

/// An answer that nobody could give is empty.
fn told(out: Output, ended: i32) -> i32 {
    if matches!(ended, code::HANDLE | code::BUSY | code::INTERNAL) { out.write(&[], ended) } else { ended }
}

/// The last answer again.
pub(super) fn last_answer(number: Handle, out: Output) -> i32 {
    let Ok(out) = out.usable() else { return code::ARGUMENT };
    told(out, quietly(number, |held| out.write(&held.answer, code::OK)))
}

/// What went wrong last.
pub(super) fn last_error(number: Handle, out: Output) -> i32 {
    let Ok(out) = out.usable() else { return code::ARGUMENT };
    if number == 0 {
        return OPENING.with(|last| out.write(last.borrow().as_bytes(), code::OK));
    }
    told(out, quietly(number, |held| out.write(held.error.as_bytes(), code::OK)))
}

fn failed(held: &mut Held, error: &TerminalError) -> i32 {
    held.error = error.to_string();
    error.code()
}

/// A call that begins with nothing having gone wrong.
fn locked(number: Handle, work: impl FnOnce(&mut Held) -> i32) -> i32 {
    quietly(number, |held| {
        held.error.clear();
        work(held)
    })
}

/// A call that leaves what was said before.
fn quietly(number: Handle, work: impl FnOnce(&mut Held) -> i32) -> i32 {
    let Some(held) = handle::find(number) else { return code::HANDLE };
    match caught(&held, work) {
        Ok(code) => code,
        Err(Broken::Busy) => code::BUSY,
        Err(Broken::Panicked) => {
            // What it was in the middle of, nobody knows: the disk does, when it is opened again.
            let _forgotten = handle::forget(number);
            code::INTERNAL
        }
    }
}

enum Broken {
    Busy,
    Panicked,
}

fn caught(held: &Mutex<Held>, work: impl FnOnce(&mut Held) -> i32) -> Result<i32, Broken> {
    let mut guard = match held.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::WouldBlock) => return Err(Broken::Busy),
        Err(TryLockError::Poisoned(_)) => return Err(Broken::Panicked),
    };
    catch_unwind(AssertUnwindSafe(|| work(&mut guard))).map_err(|_| Broken::Panicked)
}

/// What a number means.
pub(super) fn meaning(number: i32) -> &'static CStr {
    match number {
        code::OK => c"done",
        code::ARGUMENT => c"what was given cannot be",
        code::BUFFER => c"the buffer is too small; rescind_terminal_answer gives the answer",
        code::HANDLE => c"no such terminal: it was closed, or never opened",
        code::BUSY => c"another thread uses this terminal right now",
        code::FULL => c"the journal is full: the server has to acknowledge first",
        code::NO_BUNDLE => c"there is no bundle to decide by",
        code::REFUSED => c"the bundle is not taken; what was active still is",
        code::CLOCK_UNKNOWN => c"the time is not known: let the server tell it",
        code::UNKNOWN_SALE => c"no such sale is stored here",
        code::CONFLICT => c"it contradicts what is stored",
        code::NOT_ALLOWED => c"the policy does not allow it; the answer says why",
        code::PROOF => c"the operator's proof does not hold",
        code::CANCELLED => c"the sale was cancelled here and must not be sent",
        code::ACKNOWLEDGEMENT => c"the server's answer does not fit this journal",
        code::DISK => c"the disk failed: close the terminal and open it again",
        code::DAMAGED => c"what is on the disk does not fit itself",
        code::DECIDER => c"the component gave no answer",
        code::UNDECIDABLE => c"these facts decide nothing",
        code::UNPRINTABLE => c"a message or slip could not be written",
        code::SIGN => c"the terminal's key could not sign",
        code::INTERNAL => c"a mistake in this library; the terminal was closed: open it again",
        code::HANDLES => c"too many terminals are open",
        _ => c"no error of this library",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ClockQuality, Reading};
    use crate::setup::{Code, Setup};
    use rescind_bundle::{Signer as _, SigningKey, Trust};
    use rescind_model::Instant;
    use std::path::Path;

    fn terminal(folder: &Path) -> Result<Terminal, TerminalError> {
        let key = SigningKey::from_seed([2; 32]);
        let setup = Setup {
            merchant: "M-1".parse().unwrap(),
            merchant_name: "小店".into(),
            terminal: "T1".parse().unwrap(),
            class: None,
            utc_offset_minutes: 480,
            folder: folder.to_path_buf(),
            trust: Trust::first("test", key.public().clone()),
            code: Code::Native,
            boot: "run-1".into(),
            journal_id: "00".repeat(16),
            clocks: ClockQuality::default(),
            max_records: 10,
            max_bytes: 100_000,
        };
        Terminal::open(setup, Box::new(key), Reading { wall: Instant { unix_ms: 0 }, monotonic_ms: 0 })
    }

    fn open(folder: &Path) -> Handle {
        let mut number = 0;
        assert_eq!(opened(&raw mut number, || terminal(folder)), code::OK);
        number
    }

    #[test]
    fn a_panic_ends_at_the_boundary_and_the_terminal_can_be_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let number = open(folder.path());
        assert_eq!(with(number, |_| panic!("a mistake")), code::INTERNAL);
        assert_eq!(with(number, |_| Ok(())), code::HANDLE);
        let mut other = 0;
        assert_eq!(opened(&raw mut other, || panic!("a mistake")), code::INTERNAL);
        assert_eq!(other, 0);
        let again = open(folder.path());
        assert_eq!(with(again, |_| Ok(())), code::OK);
        assert_eq!(closed(again), code::OK);
    }

    #[test]
    fn without_a_terminal_the_answer_is_empty_and_that_is_told() {
        for call in [last_answer, last_error, |number, out| written(number, out, |_| Ok((code::OK, vec![1])))] {
            let mut text = [7_u8; 4];
            let mut needed = 99;
            // SAFETY: both are ours.
            let out = unsafe { Output::new(text.as_mut_ptr(), text.len(), &raw mut needed) };
            assert_eq!((call(u64::MAX, out), needed, text), (code::HANDLE, 0, [7; 4]));
            needed = 99;
            // SAFETY: as above; NULL is not written to.
            let nowhere = unsafe { Output::new(core::ptr::null_mut(), 4, &raw mut needed) };
            assert_eq!((call(u64::MAX, nowhere), needed), (code::ARGUMENT, 0));
        }
    }

    #[test]
    fn every_number_has_a_text_of_its_own() {
        let texts: std::collections::BTreeSet<_> = (code::OK..=code::HANDLES).map(meaning).collect();
        assert_eq!(i32::try_from(texts.len()).unwrap(), code::HANDLES + 1);
        assert!(!texts.contains(meaning(-1)));
    }
}
