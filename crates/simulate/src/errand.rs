//! What leads to something that seldom happens by itself: a few deeds about one payment, one after the other, and what the
//! provider does meanwhile. Most runs have one besides whatever else is done, and the faults that are aimed in it.

use crate::deed::{Deed, Kind, SALES};
use crate::fault::{Aim, Aimed, Fault, ProviderFault};
use crate::point::Point;
use crate::sim::MACHINES;
use fastrand::Rng;

/// The payment that it is about: the last one.
pub const OWN: usize = SALES - 1;

/// The refund that it is about.
const REFUND: usize = 0;

/// What one goes through after the other.
#[derive(Debug, Clone)]
pub struct Errand {
    /// How its payment begins.
    pub(crate) kind: Kind,
    /// How much was paid, in cents.
    pub(crate) cents: i64,
    /// Whether it was paid on the day of the run: then it can be voided, and is not refunded.
    pub(crate) today: bool,
    /// What is done about it.
    pub(crate) deeds: Vec<Deed>,
    /// What somebody else does about it meanwhile.
    pub(crate) beside: Vec<Deed>,
    /// What the provider does with its first calls.
    pub(crate) provider: Vec<ProviderFault>,
    /// What has to go wrong for it.
    pub(crate) aimed: Vec<Aimed>,
    /// By how many ms each machine's clock has to be wrong for it, if that matters.
    pub(crate) clocks: Option<[i64; MACHINES]>,
    /// Whether only a doctor sees what comes of it.
    pub(crate) examined: bool,
    /// Until when everybody else waits, in ms after the run began, so that it comes to what the provider does first.
    pub(crate) first: Option<i64>,
    /// What it is for, as rows of the matrix: faults are aimed there.
    pub(crate) rows: &'static [&'static str],
}

/// How many there are to choose from.
const ERRANDS: usize = 27;

impl Errand {
    /// Draws one.
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "a table")]
    pub fn draw(rng: &mut Rng) -> Self {
        let (sale, refund) = (OWN, REFUND);
        let wait = |ms: i64| Deed::Meet { at: ms };
        let look = Deed::Look { sale };
        let asks = |cents: i64| Deed::Refund { sale, refund, cents };
        let approve = |by: usize| Deed::Approve { sale, refund, by };
        let review = |by: usize, approves: bool| Deed::Review { sale, refund, by, approves };
        let clear = Deed::Clear { sale, refund };
        // So much that one person has to agree at least.
        let some = 50_000;
        let yesterday = |deeds: Vec<Deed>, rows: &'static [&'static str]| Self {
            kind: Kind::Good,
            cents: 150_000,
            today: false,
            deeds,
            beside: Vec::new(),
            provider: Vec::new(),
            aimed: Vec::new(),
            clocks: None,
            examined: false,
            first: None,
            rows,
        };
        let today = |kind: Kind, cents: i64, deeds: Vec<Deed>, rows: &'static [&'static str]| Self {
            kind,
            cents,
            today: true,
            ..yesterday(deeds, rows)
        };
        let unknown =
            |cents: i64, deeds: Vec<Deed>, rows: &'static [&'static str]| today(Kind::Unknown, cents, deeds, rows);
        match rng.usize(0..ERRANDS) {
            0 => yesterday(vec![asks(120_000), approve(0), approve(1), clear], &["approve", "clear", "send", "report"]),
            1 => yesterday(vec![asks(some), review(0, true), review(1, true), clear], &["review", "clear"]),
            2 => yesterday(vec![asks(some), review(1, false)], &["review"]),
            3 => yesterday(vec![asks(some), Deed::Decline { sale, refund }], &["decline"]),
            4 => yesterday(vec![asks(some), Deed::Withdraw { sale, refund }], &["withdraw"]),
            5 | 6 => {
                let inform = Deed::Inform { sale, refund };
                yesterday(vec![asks(some), Deed::Inquire { sale, refund }, inform, approve(0)], &["inquire", "inform"])
            }
            7 | 8 => {
                // It goes out soon, is refused, and somebody has it tried again.
                let again = Deed::Retry { sale, refund };
                let before = vec![asks(6_000), approve(0), approve(1), clear];
                let after = vec![wait(rng.i64(20_000..70_000)), again.clone(), again];
                let refused = vec![ProviderFault::Declines; 4];
                Self { provider: refused, ..yesterday([before, after].concat(), &["retry"]) }
            }
            9 | 10 => {
                // Nobody is told what became of it, and two persons look it up: that it took place is said at once, that it
                // did not only some time after the first said so.
                let first = rng.i64(25_000..45_000);
                let second = first.saturating_add(rng.i64(120_500..150_000));
                let said = [wait(first), resolve(0), resolve(1), wait(second), resolve(1), resolve(0), resolve(1)];
                let silent = ProviderFault::Silent(300_000);
                let provider = if rng.bool() { vec![ProviderFault::AnswerLost, silent] } else { vec![silent] };
                let deeds = [vec![Deed::Void { sale }], said.to_vec()].concat();
                Self { provider, ..today(Kind::Good, 20_000, deeds, &["resolve", "resolve", "ask"]) }
            }
            11 => {
                // A void is asked for in vain until it is reversed; the provider is back by then, or soon after.
                let deeds = vec![Deed::Void { sale }, wait(120_000), look.clone(), wait(185_000), look];
                let silent = vec![ProviderFault::Silent(rng.i64(70_000..130_000))];
                Self { provider: silent, ..today(Kind::Good, 20_000, deeds, &["reverse"]) }
            }
            12 => {
                let known = Deed::OutcomeKnown { sale, good: true };
                let cents = if rng.bool() { 10_000 } else { 150_000 };
                unknown(cents, vec![known], &["outcome-known"])
            }
            13 => unknown(150_000, vec![Deed::Trouble { sale }], &["trouble", "ask", "ask"]),
            14 => {
                let confirms = [1, 2, 0].map(|by| Deed::Confirm { sale, by });
                let deeds = [vec![Deed::Order { sale }], confirms.to_vec()].concat();
                yesterday(deeds, &["order", "confirm", "confirm"])
            }
            15 => {
                let (deed, rows): (_, &[&str]) = match rng.bool() {
                    true => (Deed::Scan { sale }, &["code", "scan"]),
                    false => (Deed::Cancel { sale }, &["code", "cancel"]),
                };
                today(Kind::Code, 20_000, vec![deed], rows)
            }
            16 => {
                let (void, release) = (Deed::VoidCompletion { sale }, Deed::Release { sale });
                let complete = Deed::Complete { sale, cents: 10_000 };
                let (deeds, rows): (_, &[&str]) = match rng.bool() {
                    true => (vec![complete, wait(rng.i64(20_000..50_000)), void], &["complete", "void-completion"]),
                    false => (vec![release], &["hold", "release"]),
                };
                today(Kind::Hold, 20_000, deeds, rows)
            }
            17 => {
                // A code that nobody scans ends after five minutes.
                let deeds = vec![wait(300_000), look.clone(), wait(345_000), look];
                today(Kind::Code, 20_000, deeds, &["timer", "code"])
            }
            18 | 19 => {
                // What one courier has sent has not arrived when the other, whose clock is ahead, asks for it and sends it
                // again; then the first attempt arrives and is refused.
                let aim = Aim::Cell(("ask", Point::Committed));
                let slow = |nth, ms| Aimed { aim, nth, fault: Fault::Slow(ms) };
                let mut aimed = vec![slow(1, rng.i64(10_000..18_000)), slow(2, rng.i64(20_000..27_000))];
                // The answer to the second is lost.
                let aim = Aim::Cell(("send", Point::Called));
                aimed.extend((2..6).map(|nth| Aimed { aim, nth, fault: Fault::FailsAfter }));
                let ahead = rng.i64(23_000..28_000).saturating_sub(12_000);
                let mut provider = vec![ProviderFault::Late(0); rng.usize(1..4)];
                provider.push(ProviderFault::Declines);
                let clocks = Some([-35_000, -30_000, -12_000, ahead]);
                Self { aimed, provider, clocks, ..yesterday(vec![asks(6_000), approve(0), clear], &[]) }
            }
            20 | 23 => {
                // Who decides dies over it; until the same is asked for again, others are decided about the same payment.
                let point = if rng.bool() { Point::Decided } else { Point::Reserved };
                let dies = Aimed { aim: Aim::Cell(("void", point)), nth: 1, fault: Fault::CrashBefore };
                let met = rng.i64(5_000..9_000);
                let others = vec![Deed::CheckVoid { sale }; 6];
                let beside = [vec![wait(met.saturating_add(1_500))], others].concat();
                let deeds = vec![wait(met), Deed::Void { sale }];
                Self {
                    aimed: vec![dies],
                    beside,
                    examined: true,
                    first: Some(30_000),
                    ..today(Kind::Good, 20_000, deeds, &[])
                }
            }
            21 | 22 => {
                // Two persons say that a void did not take place, by clocks that make more of the time in between than it
                // was; while the second says so, the provider is back, the void is asked for again, and the answer is lost.
                let unheard = |nth| Aimed { aim: Aim::Call("send"), nth, fault: Fault::FailsAfter };
                let slow = |nth, ms| Aimed { aim: Aim::Cell(("resolve", Point::Claimed)), nth, fault: Fault::Slow(ms) };
                let mut aimed: Vec<_> = (2..5).map(unheard).collect();
                aimed.extend((1..16).map(|nth| slow(nth, rng.i64(2_500..4_500))));
                let (first, second) = (rng.i64(24_000..34_000), rng.i64(62_000..80_000));
                let deeds = vec![wait(2_000), Deed::Void { sale }, wait(first), resolve(0), wait(second), resolve(1)];
                let provider = vec![ProviderFault::Silent(rng.i64(50_000..60_000))];
                // The couriers' are ahead, too: nothing is due later for them than somebody meant.
                let clocks = Some([-39_500, 39_500, 39_500, 39_500]);
                let first = Some(100_000);
                Self { aimed, provider, clocks, first, ..today(Kind::Good, 20_000, deeds, &[]) }
            }
            _ => {
                // Whoever reserved died over it, twice, and said nothing for so long that it cannot be alive: the next who
                // looks at the count clears up.
                // A trouble is written down before that: who looks then is whoever goes on after one who died over it.
                let (next, rows): (_, &[&str]) = match rng.usize(0..5) {
                    0 => (Deed::CheckVoid { sale: 0 }, &["check-void"]),
                    1 => (Deed::Sync { batch: 3 }, &["sync"]),
                    _ => (Deed::Trouble { sale }, &["trouble"]),
                };
                let dies = |deed, point, nth| Aimed { aim: Aim::Cell((deed, point)), nth, fault: Fault::CrashBefore };
                let deeds = vec![Deed::Void { sale }, wait(220_000), next.clone(), next];
                let mut aimed = vec![dies("void", Point::Reserved, 1), dies("void", Point::Reserved, 2)];
                aimed.extend([Point::Proved, Point::Reserved, Point::Counted].map(|point| dies("trouble", point, 1)));
                Self { aimed, ..today(Kind::Good, 20_000, deeds, rows) }
            }
        }
    }
}

fn resolve(by: usize) -> Deed {
    Deed::Resolve { sale: OWN, by }
}
