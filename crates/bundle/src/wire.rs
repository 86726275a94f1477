//! CBOR as this crate reads it: definite lengths, every length held against a limit before anything is done by it.

use minicbor::Decoder;
use minicbor::data::Type;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They end too early.
    #[error("it ends too early")]
    Truncated,
    /// Something follows the end, or is written longer than it has to be.
    #[error("it is longer than what it says")]
    Overlong,
    /// Something else stands there.
    #[error("at byte {at}: expected {expected}")]
    Unexpected {
        /// Where, counted from the beginning of this part.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// More than is allowed.
    #[error("{what}: at most {limit}, found {found}")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// How long it may be.
        limit: usize,
        /// How long it says it is.
        found: u64,
    },
}

/// Reads from front to back. What is read is borrowed from the bytes; nothing is allocated here.
pub struct Reader<'a>(Decoder<'a>);

impl<'a> Reader<'a> {
    /// At the beginning.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Decoder::new(bytes))
    }

    /// How far it got, in bytes.
    #[must_use]
    pub fn position(&self) -> usize {
        self.0.position()
    }

    /// A tag, as said.
    ///
    /// # Errors
    /// [`Malformed`] if something else follows.
    pub fn tag(&mut self, tag: u64, expected: &'static str) -> Result<(), Malformed> {
        let at = self.position();
        let found = self.0.tag().map_err(|error| because(&error, at, expected))?;
        if found.as_u64() == tag { Ok(()) } else { Err(Malformed::Unexpected { at, expected }) }
    }

    /// The head of a list of exactly so many items.
    ///
    /// # Errors
    /// [`Malformed`] if something else follows.
    pub fn items(&mut self, count: u64, expected: &'static str) -> Result<(), Malformed> {
        let at = self.position();
        let found = self.0.array().map_err(|error| because(&error, at, expected))?;
        if found == Some(count) { Ok(()) } else { Err(Malformed::Unexpected { at, expected }) }
    }

    /// The head of a list of at most so many items.
    ///
    /// # Errors
    /// [`Malformed`] if something else follows, or too many.
    pub fn list(&mut self, limit: usize, what: &'static str) -> Result<usize, Malformed> {
        let at = self.position();
        let found = self.0.array().map_err(|error| because(&error, at, what))?;
        within(found.ok_or(Malformed::Unexpected { at, expected: what })?, limit, what)
    }

    /// The head of a map of exactly so many entries.
    ///
    /// # Errors
    /// [`Malformed`] if something else follows.
    pub fn map(&mut self, count: u64, expected: &'static str) -> Result<(), Malformed> {
        let at = self.position();
        let found = self.0.map().map_err(|error| because(&error, at, expected))?;
        if found == Some(count) { Ok(()) } else { Err(Malformed::Unexpected { at, expected }) }
    }

    /// An entry's number, as said.
    ///
    /// # Errors
    /// [`Malformed`] if something else follows.
    pub fn entry(&mut self, number: u64, expected: &'static str) -> Result<(), Malformed> {
        let at = self.position();
        if self.number(expected)? == number { Ok(()) } else { Err(Malformed::Unexpected { at, expected }) }
    }

    /// A text, as said.
    ///
    /// # Errors
    /// [`Malformed`] if something else follows.
    pub fn exactly(&mut self, text: &str, expected: &'static str) -> Result<(), Malformed> {
        let at = self.position();
        let found = self.0.str().map_err(|error| because(&error, at, expected))?;
        if found == text { Ok(()) } else { Err(Malformed::Unexpected { at, expected }) }
    }

    /// A text of at most so many bytes.
    ///
    /// # Errors
    /// [`Malformed`] if something else follows, or too much.
    pub fn text(&mut self, limit: usize, what: &'static str) -> Result<&'a str, Malformed> {
        let at = self.position();
        let found = self.0.str().map_err(|error| because(&error, at, what))?;
        within(u64::try_from(found.len()).unwrap_or(u64::MAX), limit, what)?;
        Ok(found)
    }

    /// Bytes, at most so many.
    ///
    /// # Errors
    /// [`Malformed`] if something else follows, or too much.
    pub fn bytes(&mut self, limit: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
        let at = self.position();
        let found = self.0.bytes().map_err(|error| because(&error, at, what))?;
        within(u64::try_from(found.len()).unwrap_or(u64::MAX), limit, what)?;
        Ok(found)
    }

    /// Bytes, exactly so many.
    ///
    /// # Errors
    /// [`Malformed`] if something else follows.
    pub fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], Malformed> {
        let at = self.position();
        self.bytes(N, expected)?.try_into().map_err(|_| Malformed::Unexpected { at, expected })
    }

    /// A number that is not negative.
    ///
    /// # Errors
    /// [`Malformed`] if something else follows.
    pub fn number(&mut self, expected: &'static str) -> Result<u64, Malformed> {
        let at = self.position();
        self.0.u64().map_err(|error| because(&error, at, expected))
    }

    /// A number.
    ///
    /// # Errors
    /// [`Malformed`] if something else follows.
    pub fn signed(&mut self, expected: &'static str) -> Result<i64, Malformed> {
        let at = self.position();
        self.0.i64().map_err(|error| because(&error, at, expected))
    }

    /// Whether null stands here; it is then behind.
    ///
    /// # Errors
    /// [`Malformed`] at the end of the bytes.
    pub fn absent(&mut self, expected: &'static str) -> Result<bool, Malformed> {
        let at = self.position();
        let absent = self.0.datatype().map_err(|error| because(&error, at, expected))? == Type::Null;
        if absent {
            self.0.null().map_err(|error| because(&error, at, expected))?;
        }
        Ok(absent)
    }

    /// That nothing follows.
    ///
    /// # Errors
    /// [`Malformed::Overlong`].
    pub fn end(&self) -> Result<(), Malformed> {
        if self.position() == self.0.input().len() { Ok(()) } else { Err(Malformed::Overlong) }
    }
}

fn because(error: &minicbor::decode::Error, at: usize, expected: &'static str) -> Malformed {
    if error.is_end_of_input() { Malformed::Truncated } else { Malformed::Unexpected { at, expected } }
}

fn within(found: u64, limit: usize, what: &'static str) -> Result<usize, Malformed> {
    usize::try_from(found).ok().filter(|found| *found <= limit).ok_or(Malformed::TooLong { what, limit, found })
}
