//! Which rules of a way hold for one question: those of the first variant that matches, else the section itself.

use crate::engine::Prepared;
use rescind_model::{Instant, Sale};
use rescind_policy::document::{Matcher, TimeBand, Variant, Weekday};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// Days within which what is matched by weekday and time of day changes, if it ever does.
const WEEK: i64 = 7;

/// 1970-01-01 was a Thursday: the third day after a Monday.
const WEEK_OFFSET: i64 = 3;

/// What matchers are held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// The sale.
    pub(crate) sale: &'a Sale,
    /// When it is asked.
    pub(crate) now: Instant,
    /// How far local time is ahead of UTC.
    pub(crate) offset_ms: i64,
    /// The class of the terminal it is asked at.
    pub(crate) terminal_class: Option<&'a str>,
    /// How far the clock may be off, in milliseconds, if it is not the server's.
    pub(crate) drift_ms: Option<i64>,
}

impl Asking<'_> {
    fn local_ms(&self) -> i64 {
        self.now.unix_ms.saturating_add(self.offset_ms)
    }
}

/// The rules of one way that hold for one question.
#[derive(Debug)]
pub(crate) struct Held<'a, R, M> {
    /// What holds.
    pub(crate) rules: &'a R,
    /// What was made ready of it when the policy was loaded.
    pub(crate) ready: &'a M,
    /// The next instant at which other rules could hold.
    pub(crate) changes_at: Option<Instant>,
    /// The first instant, of those that a clock which may be off could not have reached yet, at which they could.
    pub(crate) changed_at: Option<Instant>,
    /// The section itself.
    #[cfg_attr(target_arch = "wasm32", allow(dead_code, reason = "only explanations name it"))]
    pub(crate) base: Option<&'a R>,
    /// Its variants.
    #[cfg_attr(target_arch = "wasm32", allow(dead_code, reason = "only explanations name them"))]
    variants: &'a [Variant<R>],
    /// Which variant it is, if any.
    #[cfg_attr(target_arch = "wasm32", allow(dead_code, reason = "only explanations name it"))]
    index: Option<usize>,
}

#[cfg(not(target_arch = "wasm32"))]
impl<'a, R, M> Held<'a, R, M> {
    /// The variant's name and rules.
    pub(crate) fn variant(&self) -> Option<(&'a str, &'a R)> {
        let variant = self.index.and_then(|index| self.variants.get(index))?;
        Some((variant.name.as_str(), &variant.rules))
    }

    /// The variants that were tried, and whether each matched.
    pub(crate) fn asked(&self, section: &'static str) -> impl Iterator<Item = (String, bool)> {
        let tried = self.index.map_or(self.variants.len(), |index| index.saturating_add(1));
        let chosen = self.index;
        let variants = self.variants.iter().take(tried).enumerate();
        variants.map(move |(index, variant)| (format!("{section}.when[{}]", variant.name), Some(index) == chosen))
    }
}

/// Chooses what holds.
pub(crate) fn choose<'a, R, M>(
    base: Option<&'a R>,
    variants: &'a [Variant<R>],
    prepared: &'a Prepared<M>,
    asking: &Asking<'_>,
) -> Option<Held<'a, R, M>> {
    let index =
        if variants.is_empty() { None } else { variants.iter().position(|variant| matches(&variant.matches, asking)) };
    let changes_at = |from_ms| prepared.timed.then(|| changes_at(variants, index, asking, from_ms)).flatten();
    // What held until just now may hold still, if the clock is ahead.
    let earliest_ms = asking.drift_ms.map(|drift_ms| asking.local_ms().saturating_sub(drift_ms));
    let (changes_at, changed_at) = (changes_at(asking.local_ms()), earliest_ms.and_then(changes_at));
    let (rules, ready) = match index {
        Some(index) => (&variants.get(index)?.rules, prepared.variants.get(index)?),
        None => (base?, prepared.base.as_ref()?),
    };
    Some(Held { rules, ready, changes_at, changed_at, base, variants, index })
}

/// Whether a matcher says anything that time of day or weekday decides.
pub(crate) fn is_timed(matcher: &Matcher) -> bool {
    matcher.between.is_some() || !matcher.weekday.is_empty()
}

/// Whether all that is said is true.
pub(crate) fn matches(matcher: &Matcher, asking: &Asking<'_>) -> bool {
    of_sale(matcher, asking) && of_time(matcher, asking.local_ms())
}

/// Whether what is said of the sale and the terminal is true.
fn of_sale(matcher: &Matcher, asking: &Asking<'_>) -> bool {
    let sale = asking.sale;
    let captured = sale.captured.minor;
    let any = |words: &[String], word: Option<&str>| words.is_empty() || words.iter().any(|w| Some(w.as_str()) == word);
    matcher.amount_from.is_none_or(|from| captured >= from.minor())
        && matcher.amount_below.is_none_or(|below| captured < below.minor())
        && (matcher.channel.is_empty() || matcher.channel.contains(&sale.channel))
        && (matcher.card_type.is_empty() || sale.card_type.is_some_and(|kind| matcher.card_type.contains(&kind)))
        && any(&matcher.kind, Some(&sale.kind))
        && any(&matcher.merchant, Some(&sale.merchant.value))
        && any(&matcher.terminal_class, asking.terminal_class)
        && (matcher.paid_from.is_none() && matcher.paid_before.is_none() || paid_between(matcher, sale))
}

fn paid_between(matcher: &Matcher, sale: &Sale) -> bool {
    sale.business_day.to_date().is_ok_and(|day| {
        matcher.paid_from.is_none_or(|from| day >= from.day())
            && matcher.paid_before.is_none_or(|before| day < before.day())
    })
}

/// Whether what is said of the time of day and the weekday is true.
fn of_time(matcher: &Matcher, local_ms: i64) -> bool {
    matcher.between.is_none_or(|band| is_within(band, local_ms.rem_euclid(DAY_MS)))
        && (matcher.weekday.is_empty() || matcher.weekday.contains(&weekday(local_ms)))
}

fn is_within(band: TimeBand, of_day_ms: i64) -> bool {
    let [from, until] = [band.from, band.until].map(of_day_ms_of);
    if from <= until {
        (from..until).contains(&of_day_ms)
    } else {
        // Over midnight.
        of_day_ms >= from || of_day_ms < until
    }
}

fn of_day_ms_of(time: rescind_policy::scalar::TimeOfDay) -> i64 {
    i64::from(time.minutes()).saturating_mul(MINUTE_MS)
}

fn weekday(local_ms: i64) -> Weekday {
    match local_ms.div_euclid(DAY_MS).saturating_add(WEEK_OFFSET).rem_euclid(WEEK) {
        0 => Weekday::Monday,
        1 => Weekday::Tuesday,
        2 => Weekday::Wednesday,
        3 => Weekday::Thursday,
        4 => Weekday::Friday,
        5 => Weekday::Saturday,
        _ => Weekday::Sunday,
    }
}

/// The first instant after a local time at which time alone makes another choice possible: a variant before the chosen one
/// begins to match, or the chosen one ends to.
fn changes_at<R>(variants: &[Variant<R>], index: Option<usize>, asking: &Asking<'_>, from_ms: i64) -> Option<Instant> {
    let tried = index.map_or(variants.len(), |index| index.saturating_add(1));
    let candidates = variants.iter().take(tried).map(|variant| &variant.matches);
    let local_ms = candidates
        .filter(|matcher| is_timed(matcher) && of_sale(matcher, asking))
        .filter_map(|matcher| next_change(matcher, from_ms))
        .min()?;
    Some(Instant { unix_ms: local_ms.saturating_sub(asking.offset_ms) })
}

/// The next local time at which a matcher's word on the time becomes true or false.
fn next_change(matcher: &Matcher, local_ms: i64) -> Option<i64> {
    let is_true = of_time(matcher, local_ms);
    let today = local_ms.div_euclid(DAY_MS);
    let [one, other] = matcher.between.map_or([0, 0], |band| [band.from, band.until].map(of_day_ms_of));
    let edges = [0, one.min(other), one.max(other)];
    (0..=WEEK)
        .flat_map(|days| edges.map(|edge| today.saturating_add(days).saturating_mul(DAY_MS).saturating_add(edge)))
        .find(|edge| *edge > local_ms && of_time(matcher, *edge) != is_true)
}
