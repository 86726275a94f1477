//! What can be found: each kind has a stable code, says how bad it is, and what it means.

use core::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// What a running system, or whoever asked, finishes without a doctor.
    Unfinished,
    /// A leftover that nobody will come for.
    Untidy,
    /// An invariant does not hold: money or history is in doubt, or something would never be done.
    Broken,
}

impl Severity {
    /// Its word.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Untidy => "untidy",
            Self::Broken => "broken",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub code: Code,
    /// The key it was found under.
    pub key: String,
    /// What exactly, in a sentence. Names ids and numbers, never what is personal.
    pub what: String,
    /// Whether a repair can be derived from what else is stored.
    pub repairable: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, key, what, .. } = self;
        write!(f, "{} {} {key}: {what}", code.severity().token(), code.token())
    }
}

macro_rules! codes {
    ($($name:ident $token:literal $severity:ident $meaning:literal,)*) => {
        /// Kinds of findings.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its word: stable.
            #[must_use]
            pub fn token(self) -> &'static str {
                match self { $(Self::$name => $token,)* }
            }

            /// How bad it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// What it means.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

codes! {
    RecordUnreadable "record.unreadable" Broken "A record of a format that is not known, or that is not what its format says.",
    RecordElsewhere "record.elsewhere" Broken "A record lies under a key that does not fit what is in it.",
    RecordLost "record.lost" Broken "A head points to a body that is not there.",
    BodyOrphan "body.orphan" Untidy "A body that no head points to: its creation lost a race, or never came to an end.",
    KeyUnknown "key.unknown" Untidy "A key that is none of this release's.",
    ProbeLeft "probe.left" Untidy "What a probe of the store left: its request ended before it could remove it.",

    SaleConservation "sale.conservation" Broken "More is cleared, voided, reversed and reserved than was captured, or an amount cannot be.",
    SalePostings "sale.postings" Broken "A double entry does not balance, or is missing.",
    SaleFees "sale.fees" Broken "More of the acquiring fee was given back than was charged.",
    SaleConsent "sale.consent" Broken "A refund went to the provider without the approvals that its plan demands.",
    SaleChain "sale.chain" Broken "An event was changed, taken out, added or moved: the chain of hashes says so.",
    SaleCommits "sale.commits" Broken "The sale was written more or less often than it says.",
    SaleMerchant "sale.merchant" Broken "The merchant of a sale is not there.",
    SaleLimbo "sale.limbo" Broken "Something holds a reservation, and neither time nor a person is called to it.",
    SaleForgotten "sale.forgotten" Broken "Something is due for a sale, and nothing reminds the courier of it.",
    SaleUnheard "sale.unheard" Unfinished "The same for a sale of an old release: the courier is still looking those through, and will find it.",

    EventUntold "event.untold" Broken "An event is not in the feed, and nothing will put it there.",
    EventTwice "event.told-twice" Broken "An event is in the feed more than once.",
    EventOrder "event.order" Broken "The events of a sale are in the feed in another order, or one between two others is missing.",
    EventDangling "event.dangling" Broken "The feed names an event or notice that is not there.",
    IntentWaiting "intent.waiting" Unfinished "A change was announced: the courier publishes what became of it, or gives it up after two minutes.",
    IntentLane "intent.lane" Broken "An intent is in a lane that is not that of its sale: its events may overtake others.",
    NoticeUntold "notice.untold" Broken "A notice about a terminal is not in the feed, and nothing will put it there.",
    NoticeWaiting "notice.waiting" Unfinished "A notice about a terminal is on its way: the courier puts it into the feed.",
    DeliveryWaiting "delivery.waiting" Unfinished "A webhook endpoint has not been told everything: the courier tells it.",
    DeliveryForgotten "delivery.forgotten" Broken "A webhook endpoint has not been told everything, and nothing reminds the courier of it.",
    CursorAhead "cursor.ahead" Broken "Somebody has read further in a feed than it goes: what comes next would be passed over.",

    ListGap "list.gap" Broken "A page is missing, or one that is not full is followed by another: what comes after is not read.",
    ListOverfull "list.overfull" Broken "A page holds more entries than a page may.",
    ListTwice "list.twice" Untidy "A list names the same thing twice.",
    ListTail "list.tail" Broken "The hint at a list's last page points behind it: what is added next would not be read.",
    ListMissing "list.missing" Broken "Something that was published is not in the merchant's list of such things.",
    ListDangling "list.dangling" Broken "A list names something that its sale does not have.",
    IndexMissing "index.missing" Broken "A sale is not found by one of its numbers.",
    IndexUnused "index.unused" Unfinished "A number leads to a sale that was never registered: registering it again finishes it, and until then it is passed over.",
    DirectoryUnused "directory.unused" Unfinished "A directory lists something that was never made: making it again finishes it, and until then it is passed over.",
    BucketLeft "bucket.left" Untidy "A page of due times whose bucket was worked off: it came too late, and its writer wrote elsewhere.",
    RetentionPassed "retention.passed" Broken "A day is over on which something was to be erased, and its list is still there.",

    ClaimOpen "claim.open" Unfinished "A request ended without an answer: the same request under its key finds out what became of it.",
    AnswerLost "answer.lost" Broken "An answer was given and kept, and what it says is not in its sale.",
    PointerUnused "pointer.unused" Unfinished "The id of a refund was taken, and the refund never came: the same request makes it.",
    PointerDangling "pointer.dangling" Broken "The id of a refund leads to a sale that is not there.",
    PointerMissing "pointer.missing" Broken "A refund is not found by its id.",
    TallyOpen "tally.open" Unfinished "An operation is being counted: whoever counts next looks whether it took place.",
    TallyNegative "tally.negative" Broken "A count is below zero.",

    DecisionDigest "decision.digest" Broken "A decision's input has another digest than the record says.",
    DecisionMissing "decision.missing" Broken "A list names a decision that is not there.",
    DecisionUnlisted "decision.unlisted" Untidy "A decision that no list names and nothing rests on: its request ended before it was listed, and it would never be erased.",
    PolicyContent "policy.content" Broken "A policy is not the one its name says.",
    PolicyMissing "policy.missing" Broken "A policy that is in force, or by which something was decided, is not there.",
    EvidenceContent "evidence.content" Broken "A piece of evidence is not what its name says.",
    EvidenceMissing "evidence.missing" Broken "A part of a piece of evidence is not there.",
    EvidenceWaiting "evidence.waiting" Unfinished "A part of evidence whose rest never came: it goes a day after it came.",
    PersonalCommitment "personal.commitment" Broken "A personal text is not the one its commitment was made of.",
    BundleContent "bundle.content" Broken "A published bundle is not the one its record says, or a part of it is missing.",
    BundleLeft "bundle.left" Untidy "A part of a bundle that no record names.",

    CheckpointContent "checkpoint.content" Broken "A checkpoint, or a tree under one, is not what its name or record says, or is missing.",
    CheckpointChain "checkpoint.chain" Broken "A checkpoint does not follow the one before it: one was taken out, or put in another's place.",

    JournalOrder "journal.order" Broken "More of a terminal's journal was dealt with than was ever seen.",
    JournalClaim "journal.claim" Unfinished "A sync ended without letting go: the terminal's next one takes over.",
    BooksAccounts "books.accounts" Broken "A merchant's accounts are not the sum of the postings of its payments.",
    BooksPaidIn "books.paid-in" Broken "What a merchant paid in is not the sum of its receipts.",
    BooksHold "books.hold" Unfinished "Funds are held for something that has not been read yet: the books settle it when they are read next.",
}
