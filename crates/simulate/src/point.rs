//! Where somebody died: by what they had written last. A step has no number that would mean the same in two runs, but what
//! is written has a kind: a claim, an intent, the sale.

use crate::sim::Death;
use std::sync::LazyLock;

/// What a key of the store is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// An idempotency key.
    Claim,
    /// A decision, or the list of a day's.
    Decision,
    /// A refund's pointer to its sale.
    Name,
    /// What spans sales.
    Count,
    /// A lane of intents.
    Intent,
    /// A sale.
    Sale,
    /// A list by which something is found.
    List,
    /// When something is due.
    Due,
    /// Which spans of time something is due in.
    Spans,
    /// The feed.
    Feed,
    /// That an endpoint has something to be told.
    Note,
    /// How far an endpoint was told.
    Cursor,
    /// What the first of two persons said.
    Resolution,
    /// What a terminal owes.
    Outstanding,
    /// Anything else.
    Other,
}

impl Part {
    /// Those that faults are aimed at.
    pub const AIMS: [Self; 14] = [
        Self::Claim,
        Self::Decision,
        Self::Name,
        Self::Count,
        Self::Intent,
        Self::Sale,
        Self::List,
        Self::Due,
        Self::Due,
        Self::Due,
        Self::Feed,
        Self::Note,
        Self::Cursor,
        Self::Resolution,
    ];

    /// What a key is about (`docs/architecture.md`, Keys).
    #[must_use]
    pub fn of(key: &str) -> Self {
        match key.split(':').next().unwrap_or_default() {
            "idem" => Self::Claim,
            "decision" | "decisions" => Self::Decision,
            "refund" => Self::Name,
            "voids" | "refunded" | "asked" | "rolling" => Self::Count,
            "lane" if key.contains(":tail") => Self::Note,
            "lane" => Self::Intent,
            "sale" => Self::Sale,
            "index" | "refunds" | "cases" | "orders" | "liabilities" | "queued" | "cancels" | "list" => Self::List,
            "due" if key == "due" => Self::Spans,
            "due" => Self::Due,
            "feed" => Self::Feed,
            "cursor" => Self::Cursor,
            "resolution" => Self::Resolution,
            "outstanding" => Self::Outstanding,
            _ => Self::Other,
        }
    }
}

/// How far a request, or a courier, had got: what it had done last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// Nothing was written.
    Start,
    /// The idempotency key was claimed.
    Claimed,
    /// A decision was recorded.
    Decided,
    /// A refund's name was taken.
    Named,
    /// What is counted was reserved.
    Reserved,
    /// One of two persons' word was written down.
    Said,
    /// What a terminal owes was written down.
    Owed,
    /// The intent was written down, or given its page.
    Announced,
    /// The sale was written, and not yet read back.
    Committed,
    /// The sale was written and read back.
    Proved,
    /// The reservation was confirmed.
    Counted,
    /// Something was entered in a list, and not yet in the feed.
    Listed,
    /// Events were put into the feed.
    Published,
    /// It was noted that endpoints have something to be told.
    Noted,
    /// The intent was struck out.
    Struck,
    /// The provider was called and had not answered.
    Called,
    /// The provider had answered, and the answer was not written down.
    Answered,
    /// When something is due next was written down.
    Timed,
    /// An endpoint was told, and its cursor stood where it was.
    Delivered,
    /// The cursor was moved.
    Moved,
    /// The answer was kept under the idempotency key.
    Kept,
    /// All was done, and the answer did not arrive.
    Untold,
}

impl Point {
    /// All of them, in the order in which they are met.
    pub const ALL: [Self; 22] = [
        Self::Start,
        Self::Claimed,
        Self::Decided,
        Self::Named,
        Self::Reserved,
        Self::Said,
        Self::Owed,
        Self::Announced,
        Self::Committed,
        Self::Proved,
        Self::Counted,
        Self::Listed,
        Self::Published,
        Self::Noted,
        Self::Struck,
        Self::Called,
        Self::Answered,
        Self::Timed,
        Self::Delivered,
        Self::Moved,
        Self::Kept,
        Self::Untold,
    ];

    /// Its name in the matrix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "before any write",
            Self::Claimed => "claim",
            Self::Decided => "decision",
            Self::Named => "name",
            Self::Reserved => "reservation",
            Self::Said => "word",
            Self::Owed => "debt",
            Self::Announced => "intent",
            Self::Committed => "commit",
            Self::Proved => "read-back",
            Self::Counted => "confirmation",
            Self::Listed => "list",
            Self::Published => "feed",
            Self::Noted => "note",
            Self::Struck => "strike",
            Self::Called => "call",
            Self::Answered => "answer heard",
            Self::Timed => "due time",
            Self::Delivered => "delivery",
            Self::Moved => "cursor",
            Self::Kept => "answer kept",
            Self::Untold => "answer lost",
        }
    }

    /// Where somebody is who has now written something of that part.
    #[must_use]
    pub const fn after(self, part: Part, claimed: bool, committed: bool) -> Self {
        match part {
            Part::Claim if claimed => Self::Kept,
            Part::Claim => Self::Claimed,
            Part::Decision => Self::Decided,
            Part::Name => Self::Named,
            Part::Count if committed => Self::Counted,
            Part::Count => Self::Reserved,
            Part::Resolution => Self::Said,
            Part::Outstanding => Self::Owed,
            Part::Intent if matches!(self, Self::Published | Self::Noted) => Self::Struck,
            Part::Intent => Self::Announced,
            Part::Sale => Self::Committed,
            Part::List => Self::Listed,
            Part::Feed => Self::Published,
            Part::Note => Self::Noted,
            Part::Due | Part::Spans => Self::Timed,
            Part::Cursor => Self::Moved,
            Part::Other => self,
        }
    }
}

/// What is done, as rows of the matrix: what actors do, and what a courier's turn is at.
pub const ROWS: [&str; 36] = [
    "register",
    "code",
    "hold",
    "check-void",
    "look",
    "void",
    "refund",
    "approve",
    "review",
    "decline",
    "withdraw",
    "clear",
    "retry",
    "inquire",
    "inform",
    "trouble",
    "outcome-known",
    "settle",
    "scan",
    "cancel",
    "complete",
    "release",
    "void-completion",
    "resolve",
    "order",
    "confirm",
    "sync",
    "tick",
    "publish",
    "send",
    "reverse",
    "ask",
    "report",
    "timer",
    "remind",
    "deliver",
];

/// Requests that carry no idempotency key: what they register has an id of the caller's or a number in a journal, or they
/// change nothing.
const WITHOUT_KEY: [&str; 6] = ["register", "code", "hold", "check-void", "look", "sync"];

/// Requests that change nothing.
const LOOKS: [&str; 2] = ["check-void", "look"];

/// Requests that a policy decides.
const DECIDED: [&str; 11] = [
    "check-void",
    "void",
    "refund",
    "trouble",
    "cancel",
    "complete",
    "release",
    "void-completion",
    "order",
    "confirm",
    "sync",
];

/// What a courier's turn is at. Until it shows, it is a tick.
const TURN: [&str; 9] = ["tick", "publish", "send", "reverse", "ask", "report", "timer", "remind", "deliver"];

/// Every cell of the matrix in which somebody can die.
pub static CELLS: LazyLock<Vec<Death>> = LazyLock::new(|| {
    let cells = ROWS.iter().flat_map(|deed| Point::ALL.into_iter().map(|point| (*deed, point)));
    cells.filter(|(deed, point)| cannot(deed, *point).is_none()).collect()
});

/// Why nobody can die there; `None` if somebody can.
#[must_use]
pub fn cannot(deed: &str, point: Point) -> Option<&'static str> {
    let one_of = |deeds: &[&str]| deeds.contains(&deed);
    if TURN.contains(&deed) {
        let met: &[Point] = match deed {
            "tick" => &[Point::Start, Point::Announced, Point::Listed],
            "publish" => &[Point::Published, Point::Noted, Point::Struck],
            "send" => &[Point::Committed, Point::Proved, Point::Called, Point::Answered],
            "ask" => &[Point::Called, Point::Answered, Point::Committed, Point::Proved],
            "reverse" => &[Point::Called, Point::Answered],
            "report" | "timer" => &[Point::Committed, Point::Proved],
            "remind" => &[Point::Timed],
            _ => &[Point::Delivered, Point::Moved],
        };
        return (!met.contains(&point))
            .then_some("what a turn is at is named by its last write or call, and this is none of it");
    }
    match point {
        Point::Start | Point::Untold => None,
        Point::Claimed | Point::Kept => one_of(&WITHOUT_KEY).then_some("it has no idempotency key"),
        Point::Decided => (!one_of(&DECIDED)).then_some("no policy is asked"),
        Point::Named => (deed != "refund").then_some("only a refund has a name of its own"),
        Point::Reserved => {
            (!one_of(&["check-void", "void", "refund", "trouble", "sync"])).then_some("nothing about it is counted")
        }
        Point::Counted => (!one_of(&["void", "refund", "trouble", "sync"])).then_some("it adds to no count"),
        Point::Said => (deed != "resolve").then_some("one person's word is enough"),
        Point::Owed => Some("the courier carries everything out here, and no terminal owes anything"),
        Point::Announced | Point::Committed | Point::Proved => one_of(&LOOKS).then_some("it changes nothing"),
        Point::Listed => (!one_of(&["register", "code", "hold", "scan", "sync"])).then_some("it is found by its sale"),
        // A sync puts what people are told of its terminal into the feed itself.
        Point::Published | Point::Noted => (deed != "sync").then_some("the courier publishes"),
        Point::Struck => Some("the courier publishes"),
        Point::Called | Point::Answered => Some("the courier calls the provider"),
        Point::Timed => Some("the courier notes when something is due"),
        Point::Delivered | Point::Moved => Some("the courier delivers"),
    }
}

/// Whether somebody can die there though it is none of their own work, and once in some hundred thousand runs: what is refused of a
/// good payment is decided with a look at what its other ways count, and whoever counts settles what somebody
/// else reserved and died over.
#[must_use]
pub fn by_the_way(deed: &str, point: Point) -> bool {
    point == Point::Reserved && ["cancel", "complete", "release", "void-completion"].contains(&deed)
}

#[cfg(test)]
mod tests {
    use super::{Part, Point};

    #[test]
    fn a_request_is_where_its_last_write_left_it() {
        let way = ["idem:M:1", "decision:M:2", "voids:M:3", "lane:04", "sale:M:S", "voids:M:3", "idem:M:1"];
        let mut at = Point::Start;
        let (mut claimed, mut committed) = (false, false);
        let mut met = Vec::new();
        for key in way {
            let part = Part::of(key);
            at = at.after(part, claimed, committed);
            claimed |= part == Part::Claim;
            committed |= part == Part::Sale;
            met.push(at.name());
        }
        let expected = ["claim", "decision", "reservation", "intent", "commit", "confirmation", "answer kept"];
        assert_eq!(met, expected);
        assert_eq!((Part::of("lane:04:tail"), Part::of("feed:M:p00000000")), (Part::Note, Part::Feed));
    }
}
