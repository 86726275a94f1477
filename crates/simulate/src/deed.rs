//! What the persons and machines of a run do. A deed names what it is about by number, so that a run that fails can be
//! told again with some of them left out.

use crate::errand::{Errand, OWN};
use crate::run::LANES;
use fastrand::Rng;

/// Sales in one run.
pub const SALES: usize = 4;

/// Refunds per sale.
pub const REFUNDS: usize = 3;

/// One thing that somebody does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "a field is the number of a sale, of a refund of that sale, or an amount in cents")]
pub enum Deed {
    /// The back office registers a sale of so many cents.
    Register { sale: usize, cents: i64, good: bool, today: bool },
    /// Somebody looks whether a void would be allowed.
    CheckVoid { sale: usize },
    /// The supervisor voids a sale.
    Void { sale: usize },
    /// The manager asks for a refund of so many cents.
    Refund { sale: usize, refund: usize, cents: i64 },
    /// One of three persons who may approves the first revision.
    Approve { sale: usize, refund: usize, by: usize },
    /// A reviewer declines.
    Decline { sale: usize, refund: usize },
    /// The manager takes it back.
    Withdraw { sale: usize, refund: usize },
    /// Finance lets it go to the provider.
    Clear { sale: usize, refund: usize },
    /// Finance has it tried again.
    Retry { sale: usize, refund: usize },
    /// A reviewer asks something.
    Inquire { sale: usize, refund: usize },
    /// The manager answers.
    Inform { sale: usize, refund: usize },
    /// The terminal says that it got no answer.
    Trouble { sale: usize },
    /// The acquirer's feed says how the sale ended.
    OutcomeKnown { sale: usize, good: bool },
    /// The sale was settled.
    Settle { sale: usize },
    /// An order with a code that nobody has paid.
    Code { sale: usize, cents: i64 },
    /// The code was scanned, and paid.
    Scan { sale: usize },
    /// The code is cancelled.
    Cancel { sale: usize },
    /// Money is held.
    Hold { sale: usize, cents: i64 },
    /// Part of what is held is captured.
    Complete { sale: usize, cents: i64 },
    /// What is held is let go.
    Release { sale: usize },
    /// The void of a completion.
    VoidCompletion { sale: usize },
    /// Somebody reads the sale and all that happened to it.
    Look { sale: usize },
    /// A reviewers' system says what one of its users decided: a webhook, which may come again and late.
    Review { sale: usize, refund: usize, by: usize, approves: bool },
    /// One of two persons says what became of something that nobody knows the outcome of, of whatever sale.
    Resolve { sale: usize, by: usize },
    /// A legal order is put forward.
    Order { sale: usize },
    /// A person, the second one or the first again, carries out whichever waits.
    Confirm { sale: usize, by: usize },
    /// A terminal hands in a batch of its journal, as often as it likes.
    Sync { batch: usize },
    /// An operator starts a courier again.
    Restart { courier: usize },
    /// Whoever does this waits until so many ms after the beginning: for the others who do.
    Meet { at: i64 },
}

impl Deed {
    /// Its name in the matrix.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Register { .. } => "register",
            Self::CheckVoid { .. } => "check-void",
            Self::Void { .. } => "void",
            Self::Refund { .. } => "refund",
            Self::Approve { .. } => "approve",
            Self::Decline { .. } => "decline",
            Self::Withdraw { .. } => "withdraw",
            Self::Clear { .. } => "clear",
            Self::Retry { .. } => "retry",
            Self::Inquire { .. } => "inquire",
            Self::Inform { .. } => "inform",
            Self::Trouble { .. } => "trouble",
            Self::OutcomeKnown { .. } => "outcome-known",
            Self::Settle { .. } => "settle",
            Self::Code { .. } => "code",
            Self::Scan { .. } => "scan",
            Self::Cancel { .. } => "cancel",
            Self::Hold { .. } => "hold",
            Self::Complete { .. } => "complete",
            Self::Release { .. } => "release",
            Self::VoidCompletion { .. } => "void-completion",
            Self::Look { .. } => "look",
            Self::Review { .. } => "review",
            Self::Resolve { .. } => "resolve",
            Self::Order { .. } => "order",
            Self::Confirm { .. } => "confirm",
            Self::Sync { .. } => "sync",
            Self::Restart { .. } => "restart",
            Self::Meet { .. } => "meet",
        }
    }

    /// Whether it is certain to be a command: whether there is something to scan or to resolve shows when it comes to it.
    #[must_use]
    pub const fn is_command(&self) -> bool {
        !matches!(
            self,
            Self::CheckVoid { .. }
                | Self::Look { .. }
                | Self::OutcomeKnown { .. }
                | Self::Scan { .. }
                | Self::Resolve { .. }
                | Self::Confirm { .. }
                | Self::Restart { .. }
                | Self::Meet { .. }
        )
    }

    /// The sale it is about; of what is about none, the first.
    #[must_use]
    pub const fn sale(&self) -> usize {
        match self {
            Self::Sync { .. } | Self::Restart { .. } | Self::Meet { .. } => 0,
            Self::Register { sale, .. }
            | Self::CheckVoid { sale }
            | Self::Void { sale }
            | Self::Refund { sale, .. }
            | Self::Approve { sale, .. }
            | Self::Decline { sale, .. }
            | Self::Withdraw { sale, .. }
            | Self::Clear { sale, .. }
            | Self::Retry { sale, .. }
            | Self::Inquire { sale, .. }
            | Self::Inform { sale, .. }
            | Self::Trouble { sale }
            | Self::OutcomeKnown { sale, .. }
            | Self::Settle { sale }
            | Self::Code { sale, .. }
            | Self::Scan { sale }
            | Self::Cancel { sale }
            | Self::Hold { sale, .. }
            | Self::Complete { sale, .. }
            | Self::Release { sale }
            | Self::VoidCompletion { sale }
            | Self::Look { sale }
            | Self::Review { sale, .. }
            | Self::Resolve { sale, .. }
            | Self::Order { sale }
            | Self::Confirm { sale, .. } => *sale,
        }
    }
}

/// How a payment of a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Good,
    Unknown,
    Code,
    Hold,
}

/// Of 100 runs, those in which all payments are good and all of them are voided at about the same time.
const RUSHES: usize = 30;

/// Of the deeds of a run with an errand, in 8, those that leave its payment alone.
const LEAVES_ALONE: u8 = 6;

/// Whether a run is one in which everybody voids at the same time.
pub(crate) fn is_rush(rng: &mut Rng) -> bool {
    rng.usize(0..100) < RUSHES
}

/// Draws what a run is about, at least so many commands: each payment has deeds that belong to it, in an order that makes
/// sense more often than not, and some that do not. The payments come first, then a rush, if it is one, or what an errand is.
#[must_use]
pub fn draw(rng: &mut Rng, commands: usize, rush: bool, errand: Option<&Errand>) -> Vec<Deed> {
    let mut deeds = Vec::new();
    let mut kinds = Vec::new();
    let first = errand.and_then(|errand| errand.first);
    for sale in 0..SALES {
        let kind = match rng.usize(0..10) {
            _ if rush => Kind::Good,
            _ if sale == OWN && errand.is_some() => errand.map_or(Kind::Good, |errand| errand.kind),
            _ if first.is_some() => Kind::Good,
            0..6 => Kind::Good,
            6 => Kind::Unknown,
            7 => Kind::Code,
            _ => Kind::Hold,
        };
        kinds.push(kind);
        let (cents, today) = (*pick(rng, &[5_000, 10_000, 20_000, 150_000, 300_000]), rush || rng.u8(..) < 90);
        let (cents, today) =
            errand.filter(|_| sale == OWN).map_or((cents, today), |errand| (errand.cents, errand.today));
        deeds.push(match kind {
            Kind::Good => Deed::Register { sale, cents, good: true, today },
            Kind::Unknown => Deed::Register { sale, cents, good: false, today: true },
            Kind::Code => Deed::Code { sale, cents },
            Kind::Hold => Deed::Hold { sale, cents },
        });
    }
    if rush {
        // One after the other they would be counted rightly whatever the order of counting is.
        let at = rng.i64(1_500..6_000);
        deeds.extend((0..SALES).map(|_| Deed::Meet { at }));
        deeds.extend((0..SALES).map(|sale| Deed::Void { sale }));
    }
    deeds.extend(errand.iter().flat_map(|errand| errand.deeds.iter().chain(&errand.beside).cloned()));
    deeds.extend(first.into_iter().flat_map(|at| (0..LANES).map(move |_| Deed::Meet { at })));
    while deeds.iter().filter(|deed| deed.is_command()).count() < commands {
        let all = if errand.is_some() && rng.u8(0..8) < LEAVES_ALONE { OWN } else { SALES };
        let sale = rng.usize(0..all);
        let kind = kinds.get(sale).copied().unwrap_or(Kind::Good);
        deeds.push(one(rng, sale, kind));
    }
    deeds
}

fn pick<'a, T>(rng: &mut Rng, all: &'a [T; 5]) -> &'a T {
    let [a, b, c, d, e] = all;
    match rng.usize(0..5) {
        0 => a,
        1 => b,
        2 => c,
        3 => d,
        _ => e,
    }
}

fn one(rng: &mut Rng, sale: usize, kind: Kind) -> Deed {
    let refund = rng.usize(0..REFUNDS);
    let roll = rng.usize(0..100);
    if kind == Kind::Code && roll < 45 {
        return match roll % 3 {
            0 => Deed::Scan { sale },
            1 => Deed::Cancel { sale },
            _ => Deed::OutcomeKnown { sale, good: true },
        };
    }
    if kind == Kind::Hold && roll < 50 {
        return match roll % 4 {
            0 | 1 => Deed::Complete { sale, cents: *pick(rng, &[1_000, 5_000, 10_000, 20_000, 150_000]) },
            2 => Deed::Release { sale },
            _ => Deed::VoidCompletion { sale },
        };
    }
    if kind == Kind::Unknown && roll < 40 {
        return match roll % 4 {
            0 | 1 => Deed::Trouble { sale },
            2 => Deed::OutcomeKnown { sale, good: rng.bool() },
            _ => Deed::Look { sale },
        };
    }
    match rng.usize(0..119) {
        0..12 => Deed::Void { sale },
        12..34 => Deed::Refund { sale, refund, cents: *pick(rng, &[2_000, 6_000, 10_000, 50_000, 120_000]) },
        34..46 => Deed::Approve { sale, refund, by: rng.usize(0..3) },
        46..54 => Deed::Review { sale, refund, by: rng.usize(0..3), approves: rng.usize(0..4) > 0 },
        54..68 => Deed::Clear { sale, refund },
        68..71 => Deed::Decline { sale, refund },
        71..74 => Deed::Withdraw { sale, refund },
        74..78 => Deed::Retry { sale, refund },
        78..80 => Deed::Inquire { sale, refund },
        80..82 => Deed::Inform { sale, refund },
        82..84 => Deed::Settle { sale },
        84..87 => Deed::CheckVoid { sale },
        87..93 => Deed::Trouble { sale },
        93..96 => Deed::Look { sale },
        96..104 => Deed::Resolve { sale, by: rng.usize(0..2) },
        104..107 => Deed::Order { sale },
        107..110 => Deed::Confirm { sale, by: rng.usize(0..3) },
        113..117 => Deed::Resolve { sale, by: rng.usize(0..2) },
        110..113 => Deed::Sync { batch: rng.usize(0..4) },
        _ => Deed::Restart { courier: rng.usize(0..2) },
    }
}
