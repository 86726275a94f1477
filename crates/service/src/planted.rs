//! Mistakes that were made on purpose, one at a time, so that the simulator can be shown to find them
//! (`cargo xtask simulate --mistakes`). Without the feature `planted` none of them can be made: every question is answered
//! with no when this is compiled, and nothing of them is in what is delivered.

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mistake {
    /// What the store says of a swap is believed, and nothing is read back.
    BelieveSwap = 1,
    /// A record is written whatever is there.
    WriteBlindly,
    /// A swap over nothing is used everywhere.
    CreatePlainly,
    /// An idempotency key is not looked up: every request is a new command.
    ForgetKey,
    /// Nothing is written down before a commit.
    NoIntent,
    /// An intent whose commit is not seen yet is given up at once.
    GiveUpAtOnce,
    /// A page of a list is not looked through for what is added to it.
    ListTwice,
    /// What spans sales is counted after the sale was committed.
    CountAfterwards,
    /// A reservation that nobody confirmed is dropped at once.
    DropReservations,
    /// No answer of the provider is read as a refusal.
    SilenceIsRefusal,
    /// An operation that is sent again goes out under another reference.
    AnotherReference,
    /// What the provider was sent is not written down before.
    SendFirst,
    /// A bucket of due times that is being worked off is written to all the same.
    LateForBucket,
    /// An endpoint is taken to have been told before it answered.
    TellOnce,
    /// What a command makes happen is put into the feed before the command is committed.
    PublishFirst,
    /// An intent is struck out before what it announced is in the feed.
    StrikeFirst,
    /// When a sale is due next is not written down.
    ForgetDue,
    /// One person's word ends an operation that it takes two for.
    OneWord,
    /// Whoever takes up what somebody had died over enters it at the end of a list.
    ListAtEnd,
    /// The provider's refusal of one attempt is taken for that of all.
    AnyRefusal,
    /// What comes after an entry that a full page is without is taken to be missing there too.
    FullAtFirst,
    /// What a person says did not take place is sent again all the same.
    SendDenied,
    /// A decision that is recorded again is listed at the end, wherever it was listed before.
    DecideTwice,
}

#[cfg(feature = "planted")]
impl Mistake {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::BelieveSwap,
        Self::WriteBlindly,
        Self::CreatePlainly,
        Self::ForgetKey,
        Self::NoIntent,
        Self::GiveUpAtOnce,
        Self::ListTwice,
        Self::CountAfterwards,
        Self::DropReservations,
        Self::SilenceIsRefusal,
        Self::AnotherReference,
        Self::SendFirst,
        Self::LateForBucket,
        Self::TellOnce,
        Self::PublishFirst,
        Self::StrikeFirst,
        Self::ForgetDue,
        Self::OneWord,
        Self::ListAtEnd,
        Self::FullAtFirst,
        Self::AnyRefusal,
        Self::DecideTwice,
        Self::SendDenied,
    ];
}

#[cfg(feature = "planted")]
static MADE: core::sync::atomic::AtomicU8 = core::sync::atomic::AtomicU8::new(0);

/// Makes a mistake from now on, or none.
#[cfg(feature = "planted")]
#[allow(clippy::as_conversions, reason = "the number of a variant, in a type that has no other")]
pub fn make(mistake: Option<Mistake>) {
    MADE.store(mistake.map_or(0, |mistake| mistake as u8), core::sync::atomic::Ordering::SeqCst);
}

/// Whether this mistake is made.
#[cfg(feature = "planted")]
#[allow(clippy::as_conversions, reason = "the number of a variant, in a type that has no other")]
pub(crate) fn made(mistake: Mistake) -> bool {
    MADE.load(core::sync::atomic::Ordering::Relaxed) == mistake as u8
}

/// Whether this mistake is made: never.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub(crate) const fn made(_: Mistake) -> bool {
    false
}
