//! What the caller gives, and where it wants its answer.

use crate::error::{TerminalError, code};

/// Bytes of the caller, not looked at yet. It does not outlive the call it was made in.
#[derive(Clone, Copy)]
pub(super) struct Input {
    start: *const u8,
    length: usize,
}

impl Input {
    /// Bytes of the caller.
    ///
    /// # Safety
    /// If `start` is not null, it is readable for `length` until the call returns, and nobody writes there meanwhile.
    pub(super) unsafe fn new(start: *const u8, length: usize) -> Self {
        Self { start, length }
    }

    /// The bytes.
    pub(super) fn bytes<'a>(self, limit: usize, what: &str) -> Result<&'a [u8], TerminalError> {
        if self.length > limit {
            let length = self.length;
            return Err(TerminalError::Argument(format!("{what} has {length} bytes, expected at most {limit}")));
        }
        if self.length == 0 {
            return Ok(&[]);
        }
        if self.start.is_null() {
            return Err(TerminalError::Argument(format!("{what} is NULL")));
        }
        // SAFETY: readable for the length by the promise made to `new`; the limit is far below `isize::MAX`.
        Ok(unsafe { core::slice::from_raw_parts(self.start, self.length) })
    }

    pub(super) fn text<'a>(self, limit: usize, what: &str) -> Result<&'a str, TerminalError> {
        core::str::from_utf8(self.bytes(limit, what)?)
            .map_err(|error| TerminalError::Argument(format!("{what} is not UTF-8: {error}")))
    }
}

/// There is no place for an answer.
pub(super) struct Unusable;

/// Where the caller wants its answer.
#[derive(Clone, Copy)]
pub(super) struct Output {
    start: *mut u8,
    capacity: usize,
    needed: *mut usize,
}

impl Output {
    /// A buffer of the caller.
    ///
    /// # Safety
    /// If `start` is not null, it is writable for `capacity` until the call returns; if `needed` is not null, it is
    /// writable. Nobody else uses either meanwhile.
    pub(super) unsafe fn new(start: *mut u8, capacity: usize, needed: *mut usize) -> Self {
        Self { start, capacity, needed }
    }

    /// This, if an answer can be written at all. Otherwise what is needed is 0, if there is a place to say so.
    pub(super) fn usable(self) -> Result<Self, Unusable> {
        if self.needed.is_null() {
            return Err(Unusable);
        }
        if self.start.is_null() && self.capacity != 0 {
            // SAFETY: not null, and writable by the promise made to `new`.
            unsafe { self.needed.write(0) };
            return Err(Unusable);
        }
        Ok(self)
    }

    /// Writes an answer, all of it or nothing, and how long it is. `success` is what it answers when it fitted.
    pub(super) fn write(self, answer: &[u8], success: i32) -> i32 {
        let Ok(_) = self.usable() else { return code::ARGUMENT };
        // SAFETY: not null, and writable by the promise made to `new`.
        unsafe { self.needed.write(answer.len()) };
        if answer.len() > self.capacity {
            return code::BUFFER;
        }
        if !answer.is_empty() {
            // SAFETY: writable for `capacity`, which is enough; the answer is ours, so they do not overlap.
            unsafe { core::ptr::copy_nonoverlapping(answer.as_ptr(), self.start, answer.len()) };
        }
        success
    }
}
