//! A decision in sentences, for the person at the terminal.

use crate::catalogue::{Advice, Clause, Language, Opening, language};
use crate::clock::Clock;
use crate::{amount, arrival, plain};
use rescind_model::token::Token as _;
use rescind_model::{Decision, Finding, Locale, Outcome, Remedy, RenderError, Value};

/// Writes one sentence per finding of a decision, with what was observed, the limit and what to do instead. For an
/// allowed decision without findings: one sentence that says what is open, until when, what it demands of people, when
/// the money arrives, and at a terminal without the server that it waits for it.
///
/// # Errors
/// [`RenderError::Unprintable`] for an unknown currency, or an amount, instant, day or offset out of range.
pub fn explain(decision: &Decision, locale: Locale, utc_offset_minutes: i32) -> Result<Vec<String>, RenderError> {
    let speaker = Speaker { language: language(locale), locale, clock: Clock::ahead_by(utc_offset_minutes)? };
    if !decision.findings.is_empty() {
        return decision.findings.iter().map(|finding| speaker.finding(finding)).collect();
    }
    let obligations = &decision.obligations;
    let identity: Vec<&str> = obligations.identity.iter().map(|kind| kind.token()).collect();
    let sentence = match decision.outcome {
        Outcome::Allow => speaker.language.allowed(&Opening {
            way: decision.way,
            amount: amount::show(&decision.amount, locale)?,
            until: decision.open_until.map(|at| speaker.clock.show(at)).transpose()?,
            approvals: obligations.approvals.as_ref().map_or(0, |plan| plan.needed),
            penalty: obligations.penalty.as_ref().map(|kept| amount::show(kept, locale)).transpose()?,
            identity: speaker.words(&identity.join("|")),
            authentication: obligations.authentication.is_some(),
            arrival: obligations.arrival.map(arrival::checked).transpose()?,
            offline: obligations.offline,
        }),
        Outcome::Refer | Outcome::Deny => speaker.language.not_allowed(decision.way),
    };
    Ok(vec![sentence])
}

/// A language, with what it needs to say values.
struct Speaker {
    language: &'static dyn Language,
    locale: Locale,
    clock: Clock,
}

impl Speaker {
    fn finding(&self, finding: &Finding) -> Result<String, RenderError> {
        let observed = self.value(&finding.observed)?;
        let limit = self.value(&finding.limit)?;
        let (observed, limit) = (observed.as_deref(), limit.as_deref());
        let rule = finding.rule.as_str();
        let clause = match self.language.clauses().iter().find(|clause| clause.rule == rule) {
            Some(clause) => said(clause, observed, limit, self.language),
            None => {
                let rule = plain::note(rule).unwrap_or_else(|| "?".to_owned());
                format!("{}{}", self.language.unknown_clause(&rule), self.language.seen(observed, limit))
            }
        };
        let advice = self.advice(&finding.remedy, finding.verdict)?.and_then(|a| self.language.remedy(&a));
        Ok(self.language.sentence(&clause, advice.as_deref()))
    }

    fn value(&self, value: &Value) -> Result<Option<String>, RenderError> {
        Ok(match value {
            Value::Absent => None,
            Value::Text(text) => self.words(text),
            Value::Count(count) => Some(count.to_string()),
            Value::Amount(money) => Some(amount::show(money, self.locale)?),
            Value::At(at) => Some(self.clock.show(*at)?),
            Value::Lasting(duration) => Some(self.language.lasting(two_parts(duration.ms))),
            Value::Day(day) => {
                day.to_date().map_err(|e| RenderError::Unprintable(e.to_string()))?;
                Some(day.to_string())
            }
        })
    }

    fn advice(&self, remedy: &Remedy, verdict: Outcome) -> Result<Option<Advice>, RenderError> {
        Ok(match remedy {
            // A referral is a case, not a dead end.
            Remedy::None if verdict == Outcome::Refer => Some(Advice::ContactSupport),
            Remedy::None => None,
            Remedy::UseVoid => Some(Advice::UseVoid),
            Remedy::UseRefund => Some(Advice::UseRefund),
            Remedy::UseRefundFrom(at) => Some(Advice::UseRefundFrom(self.clock.show(*at)?)),
            Remedy::UseReversal => Some(Advice::UseReversal),
            Remedy::AwaitOutcome => Some(Advice::AwaitOutcome),
            Remedy::AskRole(role) => self.words(role.as_str()).map(Advice::AskRole),
            Remedy::RetryAfter(at) => Some(Advice::RetryAfter(self.clock.show(*at)?)),
            Remedy::ReduceTo(money) => Some(Advice::ReduceTo(amount::show(money, self.locale)?)),
            Remedy::Provide(what) if what == "reason" => Some(Advice::ChooseReason),
            Remedy::Provide(what) if what == "full-amount" => Some(Advice::TakeAll),
            Remedy::Provide(what) if what == "connection" => Some(Advice::GoOnline),
            Remedy::Provide(what) => self.words(what).map(Advice::Provide),
            Remedy::UseOrderClose => Some(Advice::UseOrderClose),
            Remedy::UseHoldRelease => Some(Advice::UseHoldRelease),
            Remedy::UseCompletionVoid => Some(Advice::UseCompletionVoid),
            Remedy::Reprint => Some(Advice::Reprint),
            Remedy::NewSale => Some(Advice::NewSale),
            Remedy::Authenticate => Some(Advice::Authenticate),
            Remedy::Identify(kind) => Some(Advice::Identify(*kind)),
            Remedy::ContactSupport => Some(Advice::ContactSupport),
        })
    }

    /// A token, or several with commas or bars between them, in the language's words.
    fn words(&self, text: &str) -> Option<String> {
        let text = plain::note(text)?;
        let words: Vec<String> = text.split([',', '|']).map(|token| self.language.word(token.trim())).collect();
        Some(words.join(match self.locale {
            Locale::ZhCn => "、",
            Locale::En => ", ",
        }))
    }
}

/// A clause in the first form for which the values are there. Where the last form has to do although there are better
/// ones, the values that are there follow in brackets.
fn said(clause: &Clause, observed: Option<&str>, limit: Option<&str>, language: &dyn Language) -> String {
    let Some((bare, better)) = clause.forms.split_last() else { return language.unknown_clause(clause.rule) };
    match better.iter().find_map(|form| fill(form, observed, limit)) {
        Some(text) => text,
        None if better.is_empty() => (*bare).to_owned(),
        None => format!("{bare}{}", language.seen(observed, limit)),
    }
}

/// A form with its values; nothing if it needs one that is absent.
fn fill(clause: &str, observed: Option<&str>, limit: Option<&str>) -> Option<String> {
    let mut text = clause.to_owned();
    for (slot, value) in [("{o}", observed), ("{l}", limit)] {
        if text.contains(slot) {
            text = text.replace(slot, value?);
        }
    }
    Some(text)
}

/// Days, hours, minutes, seconds; only the two largest that are not zero, which is as exact as people want it.
fn two_parts(ms: u64) -> [u64; 4] {
    let mut seconds = ms / 1_000;
    let mut shown = 0_u8;
    [86_400, 3_600, 60, 1_u64].map(|unit| {
        let count = seconds.checked_div(unit).unwrap_or(0);
        seconds = seconds.checked_rem(unit).unwrap_or(0);
        if count > 0 {
            shown = shown.saturating_add(1);
        }
        if shown > 2 { 0 } else { count }
    })
}
