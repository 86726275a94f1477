//! Checks a document as a whole: ranges, references, contradictions, and a sale that would be left without a remedy.
//!
//! The same checks run when a policy is compiled (each problem is shown at its place in the file) and when a compiled
//! policy is loaded (the first problem refuses it), so nothing can be loaded that could not have been written.

mod calendar;
mod charge;
mod offline;
mod variant;

#[cfg(feature = "compile")]
use crate::document::Matcher;
use crate::document::{
    ArrivalRule, AuthenticationRule, CodeRules, CountLimit, Demand, Document, EvidenceRule, FeeRule, HoldRules,
    IdentityRule, PenaltyStep, Permission, PrepaidRule, RefundRules, RefundWindow, ReversalRules, Tier, VoidRules,
};
use crate::limits::{
    ARRIVAL_DAYS, CEILING_PERCENT, COUNT, ESCALATIONS, IDENTITY_RULES, LIST_ITEMS, PENALTY_STEPS, PERSONS,
    PROOF_SECONDS, QUERIES, RETENTION_DAYS, ROLES, ROLLING_COUNT, ROLLING_SECONDS, SOURCE_BYTES, TIERS, VERSION_BYTES,
    WINDOW_DAYS, WINDOW_MONTHS, WORD_BYTES,
};
use crate::scalar::{Amount, Span};
use core::fmt;
use rescind_model::{Money, Role, money};

/// One step into a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into a field.
    Key(&'static str),
    /// Into an item of a list.
    Index(usize),
}
use Step::{Index, Key};

/// Where something is in a document: `refund.tier[1].up-to`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub Vec<Step>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Key(key) if position == 0 => f.write_str(key)?,
                Key(key) => write!(f, ".{key}")?,
                Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Something a policy must not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: Place,
    /// A stable code, such as `policy.range`.
    pub code: &'static str,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// What to write instead.
    pub suggestion: Option<String>,
}

/// All problems of a document, in its order.
#[must_use]
pub fn problems(document: &Document) -> Vec<Problem> {
    let mut check = Check { currency: &document.currency, variant: None, problems: Vec::new() };
    check.header(document);
    check.layers(document);
    check.calendar(document.calendar.as_ref());
    check.effective(document.effective.as_ref());
    check.charges(&document.charge);
    let when = &document.when;
    check.way("void", document.void.as_ref(), &when.void, Check::void);
    check.way("refund", document.refund.as_ref(), &when.refund, Check::refund);
    check.way("reversal", document.reversal.as_ref(), &when.reversal, Check::reversal);
    check.way("code", document.code.as_ref(), &when.code, Check::code);
    check.way("hold", document.hold.as_ref(), &when.hold, Check::hold);
    check.unchanged(document);
    check.offline(document.offline.as_ref());
    check.prepaid(&document.prepaid);
    check.people(document);
    check.remedies(document);
    check.problems
}

/// The problems of one matcher that stands somewhere.
#[cfg(feature = "compile")]
pub(crate) fn matcher(currency: &str, at: &[Step], matcher: &Matcher) -> Vec<Problem> {
    let mut check = Check { currency, variant: None, problems: Vec::new() };
    check.matcher(at, matcher);
    check.problems
}

struct Check<'a> {
    currency: &'a str,
    /// The variant whose rules are being checked: they stand at `void.when[0]`, not at `void`.
    variant: Option<usize>,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn problem(
        &mut self,
        at: &[Step],
        code: &'static str,
        expected: impl Into<String>,
        found: impl Into<String>,
        suggestion: Option<String>,
    ) {
        let (expected, found) = (expected.into(), found.into());
        let mut place = at.to_vec();
        if let (Some(variant), Some(rest)) = (self.variant, at.get(1..)) {
            place.truncate(1);
            place.extend([Key("when"), Index(variant)]);
            place.extend_from_slice(rest);
        }
        self.problems.push(Problem { at: Place(place), code, expected, found, suggestion });
    }

    fn header(&mut self, document: &Document) {
        self.word(&[Key("name")], &document.name);
        let version = &document.version;
        if version.is_empty() || version.len() > VERSION_BYTES || !version.bytes().all(|b| b.is_ascii_graphic()) {
            let expected = format!("1 to {VERSION_BYTES} printable ASCII characters without spaces, such as \"1.0.0\"");
            self.problem(&[Key("version")], "policy.text", expected, shown(version), None);
        }
        if document.source.is_empty() || document.source.len() > SOURCE_BYTES {
            let expected = format!("1 to {SOURCE_BYTES} bytes that say where the rules come from");
            self.problem(&[Key("source")], "policy.text", expected, format!("{} bytes", document.source.len()), None);
        }
        if money::decimals(&document.currency).is_none() {
            let expected = "an ISO 4217 code such as CNY";
            self.problem(&[Key("currency")], "policy.currency", expected, shown(&document.currency), None);
        }
    }

    fn void(&mut self, void: &VoidRules) {
        let void_key = Key("void");
        if void.window.is_none() && !void.until_settlement && void.same.is_empty() {
            self.problem(
                &[void_key],
                "policy.void-without-end",
                "an end for voids: `window`, `until-settlement = true` or `same`",
                "none of them, so that a sale could be voided years later",
                Some("until-settlement = true".to_owned()),
            );
        }
        self.wait_and_window(void_key, void.minimum_wait, void.window);
        self.proof(&[void_key, Key("authentication")], void.authentication.as_ref());
        self.identity(void_key, &void.identity);
        self.unique(&[void_key, Key("same")], &void.same);
        self.amounts(void_key, void.min_amount, void.max_amount);
        self.reasons(void_key, void.reason, &void.reasons);
        self.roles(&[void_key, Key("operator-roles")], &void.operator_roles);
        self.counts(void_key, &void.count);
        self.words(&[void_key, Key("kinds-not-voidable")], &void.kinds_not_voidable);
        self.evidence(void_key, &void.evidence, &void.reasons);
        self.closed(void_key, void.closed);
        if let Some(fee) = &void.operation_fee {
            self.fee(&[void_key, Key("operation-fee")], fee);
        }
        self.arrivals(void_key, &void.arrival);
    }

    fn counts(&mut self, section: Step, counts: &[CountLimit]) {
        self.list_length(&[section, Key("count")], counts.len(), LIST_ITEMS);
        for (index, limit) in counts.iter().enumerate() {
            let place = |key| [section, Key("count"), Index(index), Key(key)];
            for (key, most) in [("per-business-day", limit.per_business_day), ("at-most", limit.at_most)] {
                if let Some(most) = most {
                    self.count(&place(key), most, 1, COUNT);
                }
            }
            self.period(&[section, Key("count"), Index(index)], limit);
            if limit.at_ceiling == Permission::Allow {
                let suggestion = Some("at-ceiling = \"refer\"".to_owned());
                self.problem(
                    &place("at-ceiling"),
                    "policy.contradiction",
                    "`refer` or `deny`",
                    "`allow`: no limit",
                    suggestion,
                );
            }
            let same = |other: &CountLimit| other.counted == limit.counted && other.within == limit.within;
            if counts.iter().take(index).any(same) {
                self.problem(
                    &place("counted"),
                    "policy.duplicate",
                    "each count once",
                    "a second one of the same",
                    None,
                );
            }
        }
    }

    /// A count is per business day, or at most so many within a span: one of the two.
    fn period(&mut self, at: &[Step], limit: &CountLimit) {
        let place = |key| [at, &[Key(key)]].concat();
        let expected = "`per-business-day`, or `at-most` and `within`";
        match (limit.per_business_day, limit.at_most, limit.within) {
            (Some(_), None, None) => {}
            (None, Some(at_most), Some(within)) => {
                if at_most > ROLLING_COUNT {
                    let expected = format!("at most {ROLLING_COUNT} within a time; `per-business-day` goes further");
                    self.problem(&place("at-most"), "policy.range", expected, at_most.to_string(), None);
                }
                if within.seconds() > ROLLING_SECONDS {
                    let found = format!("{} seconds", within.seconds());
                    let expected = format!("at most {ROLLING_SECONDS} seconds");
                    self.problem(&place("within"), "policy.range", expected, found, None);
                }
            }
            (None, None, None) => self.problem(at, "policy.contradiction", expected, "neither", None),
            (Some(_), ..) => self.problem(&place("per-business-day"), "policy.contradiction", expected, "both", None),
            (None, Some(_), None) => {
                let suggestion = Some("within = \"24 hours\"".to_owned());
                self.problem(&place("at-most"), "policy.contradiction", expected, "no `within`", suggestion);
            }
            (None, None, Some(_)) => {
                let suggestion = Some("at-most = 3".to_owned());
                self.problem(&place("within"), "policy.contradiction", expected, "no `at-most`", suggestion);
            }
        }
    }

    fn closed(&mut self, section: Step, closed: Option<Permission>) {
        if closed == Some(Permission::Allow) {
            let suggestion = Some("enabled = true".to_owned());
            let found = "`allow`: not closed";
            self.problem(&[section, Key("closed")], "policy.contradiction", "`refer` or `deny`", found, suggestion);
        }
    }

    fn refund(&mut self, refund: &RefundRules) {
        let refund_key = Key("refund");
        match refund.window {
            RefundWindow::Days(days) | RefundWindow::WorkingDays(days) => {
                self.count(&[refund_key, Key("window")], days, 1, WINDOW_DAYS);
            }
            RefundWindow::Months(months) => self.count(&[refund_key, Key("window")], months, 1, WINDOW_MONTHS),
        }
        if refund.same_business_day != Permission::Allow && refund.window == RefundWindow::Days(1) {
            // A business day can last as long as the window, and then a refund opens when it is over.
            self.problem(
                &[refund_key, Key("window")],
                "policy.contradiction",
                "at least 2 days, because refunds open on the next business day only",
                "1 day",
                Some("window = \"2 days\"".to_owned()),
            );
        }
        // The shortest that the window can be: a month has 28 days, a working day is no longer than a day.
        let shortest = match refund.window {
            RefundWindow::Days(days) | RefundWindow::WorkingDays(days) => days,
            RefundWindow::Months(months) => months.saturating_mul(28),
        };
        self.wait_and_window(refund_key, refund.minimum_wait, Span::new(shortest.saturating_mul(86_400)).ok());
        self.counts(refund_key, &refund.count);
        self.closed(refund_key, refund.closed);
        for (field, permission, found) in [
            ("after-window", refund.after_window, "`allow`: no window"),
            ("not-refundable", refund.not_refundable, "`allow`: no such kinds"),
        ] {
            if permission == Some(Permission::Allow) {
                let suggestion = Some(format!("{field} = \"refer\""));
                self.problem(&[refund_key, Key(field)], "policy.contradiction", "`refer` or `deny`", found, suggestion);
            }
        }
        if let Some(count) = refund.max_count {
            self.count(&[refund_key, Key("max-count")], count, 1, COUNT);
        }
        self.amounts(refund_key, refund.min_amount, refund.max_amount);
        self.words(&[refund_key, Key("kinds-not-refundable")], &refund.kinds_not_refundable);
        self.reasons(refund_key, refund.reason, &refund.reasons);
        self.evidence(refund_key, &refund.evidence, &refund.reasons);
        self.proof(&[refund_key, Key("authentication")], refund.authentication.as_ref());
        self.identity(refund_key, &refund.identity);
        if let Some(fee) = &refund.operation_fee {
            self.fee(&[refund_key, Key("operation-fee")], fee);
        }
        if let Some(late) = &refund.late_fee {
            self.fee(&[refund_key, Key("late-fee")], &late.fee);
        }
        self.arrivals(refund_key, &refund.arrival);
        if refund.tiers_by.is_empty() {
            let expected = "`sale`, `requester-day` or both";
            self.problem(
                &[refund_key, Key("tiers-by")],
                "policy.range",
                expected,
                "nothing",
                Some("tiers-by = [\"sale\"]".to_owned()),
            );
        }
        self.unique(&[refund_key, Key("tiers-by")], &refund.tiers_by);
        self.tiers(&refund.tier);
    }

    fn evidence(&mut self, section: Step, rules: &[EvidenceRule], reasons_of_section: &[String]) {
        self.list_length(&[section, Key("evidence")], rules.len(), LIST_ITEMS);
        for (index, EvidenceRule { kind, reasons, .. }) in rules.iter().enumerate() {
            let at = |field| [section, Key("evidence"), Index(index), Key(field)];
            self.word(&at("kind"), kind);
            self.list_length(&at("reasons"), reasons.len(), LIST_ITEMS);
            for (position, reason) in reasons.iter().enumerate() {
                if !reasons_of_section.contains(reason) {
                    let at = [section, Key("evidence"), Index(index), Key("reasons"), Index(position)];
                    let expected = match section {
                        Key(way) => format!("one of the reasons of `{way}.reasons`"),
                        Index(_) => "one of the reasons".to_owned(),
                    };
                    self.problem(&at, "policy.unknown-reason", expected, shown(reason), None);
                }
            }
        }
    }

    fn tiers(&mut self, tiers: &[Tier]) {
        let key = [Key("refund"), Key("tier")];
        if tiers.is_empty() {
            self.problem(&key, "policy.tiers", "at least one `[[refund.tier]]`: who must agree?", "none", None);
        }
        self.list_length(&key, tiers.len(), TIERS);
        let mut below: Option<&Tier> = None;
        for (index, tier) in tiers.iter().enumerate() {
            let at = |field| [Key("refund"), Key("tier"), Index(index), Key(field)];
            let is_last = index.saturating_add(1) == tiers.len();
            self.word(&at("name"), &tier.name);
            match (tier.up_to, is_last) {
                (Some(up_to), true) => {
                    let found = format!("{}: nobody would decide on more", self.amount(up_to));
                    self.problem(&at("up-to"), "policy.tiers", "no `up-to` in the last tier", found, None);
                }
                (None, false) => {
                    self.problem(&at("up-to"), "policy.tiers", "`up-to` in every tier but the last", "none", None);
                }
                _ => {}
            }
            if let Some(below) = below {
                if let (Some(lower), Some(upper)) = (below.up_to, tier.up_to)
                    && upper <= lower
                {
                    let expected = format!("more than the {} of the tier before", self.amount(lower));
                    let found = self.amount(upper);
                    self.problem(&at("up-to"), "policy.tiers", expected, found, None);
                }
                if tier.needed < below.needed {
                    let expected = format!("at least {}, as in the tier before", below.needed);
                    self.problem(
                        &at("needed"),
                        "policy.tiers",
                        expected,
                        format!("{}: more money, fewer persons", tier.needed),
                        None,
                    );
                }
            }
            self.tier(index, tier);
            below = Some(tier);
        }
    }

    fn tier(&mut self, index: usize, tier: &Tier) {
        let at = |field| [Key("refund"), Key("tier"), Index(index), Key(field)];
        self.count(&at("needed"), tier.needed, 0, PERSONS);
        self.roles(&at("roles"), &tier.roles);
        if tier.needed > 0 && tier.roles.is_empty() {
            self.problem(&at("roles"), "policy.tiers", "the roles whose approval counts", "none", None);
        }
        if tier.needed == 0 && !(tier.roles.is_empty() && tier.escalation.is_empty()) {
            let expected = "no roles and no escalation where nobody is needed";
            self.problem(&at("needed"), "policy.contradiction", expected, "0 with roles or an escalation", None);
        }
        self.list_length(&at("escalation"), tier.escalation.len(), ESCALATIONS);
        let mut earlier = None;
        for (position, escalation) in tier.escalation.iter().enumerate() {
            let at = |field| [Key("refund"), Key("tier"), Index(index), Key("escalation"), Index(position), Key(field)];
            self.roles(&at("roles"), &escalation.roles);
            if escalation.roles.is_empty() {
                self.problem(&at("roles"), "policy.tiers", "the roles it passes to", "none", None);
            }
            if escalation.after >= tier.expires_after || earlier.is_some_and(|e| escalation.after <= e) {
                let expected = format!(
                    "later than the one before, and before the request ends after {} seconds",
                    tier.expires_after.seconds()
                );
                self.problem(
                    &at("after"),
                    "policy.tiers",
                    expected,
                    format!("{} seconds", escalation.after.seconds()),
                    None,
                );
            }
            earlier = Some(escalation.after);
        }
    }

    fn reversal(&mut self, reversal: &ReversalRules) {
        let key = Key("reversal");
        self.wait_and_window(key, reversal.minimum_wait, reversal.window);
        let at = [key, Key("after-window")];
        let refer = || Some("after-window = \"refer\"".to_owned());
        match (reversal.window, reversal.after_window) {
            (Some(_), None) => {
                self.problem(&at, "policy.contradiction", "what happens after the window", "nothing", refer());
            }
            (None, Some(_)) => {
                self.problem(&at, "policy.contradiction", "a `window` that it is after", "none", None);
            }
            (Some(_), Some(Permission::Allow)) => {
                self.problem(&at, "policy.contradiction", "`refer` or `deny`", "`allow`: no window", refer());
            }
            _ => {}
        }
        self.list_length(&[key, Key("queries")], reversal.queries.len(), QUERIES);
    }

    fn code(&mut self, code: &CodeRules) {
        let key = Key("code");
        if code.scanned == Permission::Allow {
            self.problem(
                &[key, Key("scanned")],
                "policy.contradiction",
                "`refer` or `deny`, because a scanned code may have been paid",
                "`allow`",
                Some("scanned = \"refer\"".to_owned()),
            );
        }
        self.list_length(&[key, Key("queries")], code.queries.len(), QUERIES);
    }

    fn hold(&mut self, hold: &HoldRules) {
        let key = Key("hold");
        self.count(&[key, Key("ceiling-percent")], hold.ceiling_percent, 100, CEILING_PERCENT);
        self.roles(&[key, Key("release-roles")], &hold.release_roles);
        self.proof(&[key, Key("release-authentication")], hold.release_authentication.as_ref());
        self.roles(&[key, Key("completion-roles")], &hold.completion_roles);
        self.proof(&[key, Key("completion-authentication")], hold.completion_authentication.as_ref());
        if let Some(void) = &hold.completion_void {
            let void_key = Key("completion-void");
            self.roles(&[key, void_key, Key("operator-roles")], &void.operator_roles);
            self.proof(&[key, void_key, Key("authentication")], void.authentication.as_ref());
        }
        self.list_length(&[key, Key("queries")], hold.queries.len(), QUERIES);
        if hold.completion_void.as_ref().is_some_and(|void| void.window.is_none() && !void.until_settlement) {
            self.problem(
                &[key, Key("completion-void")],
                "policy.void-without-end",
                "an end for voids of a completion: `window` or `until-settlement = true`",
                "none of them, so that a completion could be voided years later",
                Some("until-settlement = true".to_owned()),
            );
        }
        if hold.penalty.is_some_and(|penalty| penalty.cap.is_none() && penalty.max_rate.is_none()) {
            let found = "neither, so that a penalty could be the whole hold";
            self.problem(&[key, Key("penalty")], "policy.fee", "`max-rate`, `cap` or both", found, None);
        }
    }

    fn prepaid(&mut self, all: &[PrepaidRule]) {
        self.list_length(&[Key("prepaid")], all.len(), LIST_ITEMS);
        for (index, rule) in all.iter().enumerate() {
            let at = [Key("prepaid"), Index(index), Key("kind")];
            self.word(&at, &rule.kind);
            if all.iter().take(index).any(|other| other.kind == rule.kind) {
                self.problem(&at, "policy.duplicate", "each kind once", "a second rule for it", None);
            }
            self.penalties(index, &rule.penalty);
        }
    }

    fn penalties(&mut self, rule: usize, steps: &[PenaltyStep]) {
        let key = [Key("prepaid"), Index(rule), Key("penalty")];
        self.list_length(&key, steps.len(), PENALTY_STEPS);
        let mut nearer: Option<Span> = None;
        for (index, step) in steps.iter().enumerate() {
            let at = [Key("prepaid"), Index(rule), Key("penalty"), Index(index)];
            let within = [Key("prepaid"), Index(rule), Key("penalty"), Index(index), Key("within")];
            if step.fixed.is_none() && step.rate.is_none() {
                self.problem(&at, "policy.fee", "`fixed`, `rate` or both", "neither", None);
            }
            let is_last = index.saturating_add(1) == steps.len();
            match (step.within, nearer) {
                (None, _) if !is_last => {
                    self.problem(&within, "policy.penalty", "`within` in every step but the last", "none", None);
                }
                (Some(span), Some(before)) if span <= before => {
                    let expected = format!("more than the {} seconds of the step before", before.seconds());
                    self.problem(&within, "policy.penalty", expected, format!("{} seconds", span.seconds()), None);
                }
                _ => {}
            }
            nearer = step.within.or(nearer);
        }
    }

    /// Who decides what is rare, and how long personal data is kept.
    fn people(&mut self, document: &Document) {
        for (key, roles) in [
            ("support", document.support.as_ref().map(|support| &support.roles)),
            ("legal", document.legal.as_ref().map(|legal| &legal.roles)),
        ] {
            let Some(roles) = roles else { continue };
            self.roles(&[Key(key), Key("roles")], roles);
            if roles.is_empty() {
                self.problem(&[Key(key), Key("roles")], "policy.range", "at least one role", "none", None);
            }
        }
        if let Some(privacy) = &document.privacy {
            self.count(&[Key("privacy"), Key("retention-days")], privacy.retention_days, 1, RETENTION_DAYS);
        }
    }

    fn proof(&mut self, at: &[Step], rule: Option<&AuthenticationRule>) {
        if let Some(rule) = rule.filter(|rule| rule.max_age.seconds() > PROOF_SECONDS) {
            self.problem(
                &[at, &[Key("max-age")]].concat(),
                "policy.range",
                format!("at most {PROOF_SECONDS} seconds"),
                format!("{} seconds", rule.max_age.seconds()),
                None,
            );
        }
    }

    fn identity(&mut self, section: Step, rules: &[IdentityRule]) {
        self.list_length(&[section, Key("identity")], rules.len(), IDENTITY_RULES);
        let mut lower: Option<&IdentityRule> = None;
        for (index, rule) in rules.iter().enumerate() {
            let at = |field| [section, Key("identity"), Index(index), Key(field)];
            if rule.any_of.is_empty() {
                self.problem(&at("any-of"), "policy.range", "at least one kind of proof", "none", None);
            }
            self.unique(&at("any-of"), &rule.any_of);
            // Absent is from nothing on: the lowest there is.
            if lower.is_some_and(|lower| rule.above <= lower.above) {
                let found = rule.above.map_or("none".to_owned(), |above| self.amount(above));
                self.problem(&at("above"), "policy.identity", "more than in the rule before", found, None);
            }
            lower = Some(rule);
        }
    }

    fn wait_and_window(&mut self, section: Step, wait: Option<Span>, window: Option<Span>) {
        if let (Some(wait), Some(window)) = (wait, window)
            && wait >= window
        {
            self.problem(
                &[section, Key("minimum-wait")],
                "policy.contradiction",
                format!("less than the window of {} seconds", window.seconds()),
                format!("{} seconds, so that it is over before it begins", wait.seconds()),
                None,
            );
        }
    }

    // ------------------------------------------------------------ pieces

    fn amount(&self, amount: Amount) -> String {
        Money::new(amount.minor(), self.currency)
            .map_or_else(|_| amount.minor().to_string(), |money| money.decimal_text())
    }

    fn word(&mut self, at: &[Step], text: &str) {
        if !is_word(text) {
            let expected = format!("1 to {WORD_BYTES} of a-z, 0-9 and -, such as \"wrong-amount\"");
            let suggestion = text.to_ascii_lowercase().replace([' ', '_'], "-");
            let suggestion = (suggestion != text && !suggestion.is_empty()).then(|| format!("{suggestion:?}"));
            self.problem(at, "policy.word", expected, shown(text), suggestion);
        }
    }

    fn words(&mut self, at: &[Step], words: &[String]) {
        self.list_length(at, words.len(), LIST_ITEMS);
        self.unique(at, words);
        for (index, word) in words.iter().enumerate().filter(|(_, word)| !is_word(word)) {
            let mut place = at.to_vec();
            place.push(Index(index));
            self.word(&place, word);
        }
    }

    fn reasons(&mut self, section: Step, demand: Demand, reasons: &[String]) {
        self.words(&[section, Key("reasons")], reasons);
        if demand == Demand::Mandatory && reasons.is_empty() {
            self.problem(
                &[section, Key("reasons")],
                "policy.contradiction",
                "reasons to choose from, since one is mandatory",
                "none",
                None,
            );
        }
    }

    fn roles(&mut self, at: &[Step], roles: &[Role]) {
        self.list_length(at, roles.len(), ROLES);
        self.unique(at, roles);
    }

    fn unique<T: PartialEq>(&mut self, at: &[Step], items: &[T]) {
        for (index, item) in items.iter().enumerate() {
            if items.iter().take(index).any(|other| other == item) {
                let mut place = at.to_vec();
                place.push(Index(index));
                self.problem(&place, "policy.duplicate", "each item once", "a second one", None);
            }
        }
    }

    fn list_length(&mut self, at: &[Step], length: usize, most: usize) {
        if length > most {
            self.problem(at, "policy.range", format!("at most {most} items"), length.to_string(), None);
        }
    }

    fn count(&mut self, at: &[Step], count: u32, least: u32, most: u32) {
        if !(least..=most).contains(&count) {
            self.problem(at, "policy.range", format!("{least} to {most}"), count.to_string(), None);
        }
    }

    fn amounts(&mut self, section: Step, min: Option<Amount>, max: Option<Amount>) {
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            let (expected, found) = (format!("at most the max-amount of {}", self.amount(max)), self.amount(min));
            self.problem(&[section, Key("min-amount")], "policy.contradiction", expected, found, None);
        }
        if max.is_some_and(|max| max.minor() == 0) {
            self.problem(
                &[section, Key("max-amount")],
                "policy.range",
                "more than zero",
                "0",
                Some("enabled = false".to_owned()),
            );
        }
    }

    fn fee(&mut self, at: &[Step], fee: &FeeRule) {
        if fee.fixed.is_none() && fee.rate.is_none() {
            self.problem(at, "policy.fee", "`fixed`, `rate` or both", "neither", None);
        }
        if let (Some(floor), Some(cap)) = (fee.floor, fee.cap)
            && floor > cap
        {
            let (expected, found) = (format!("a floor of at most the cap of {}", self.amount(cap)), self.amount(floor));
            self.problem(at, "policy.contradiction", expected, found, None);
        }
    }

    fn arrivals(&mut self, section: Step, rules: &[ArrivalRule]) {
        self.list_length(&[section, Key("arrival")], rules.len(), LIST_ITEMS);
        for (index, rule) in rules.iter().enumerate() {
            let at = |field| [section, Key("arrival"), Index(index), Key(field)];
            self.count(&at("max-days"), rule.max_days, 0, ARRIVAL_DAYS);
            if rule.min_days > rule.max_days {
                let expected = format!("at most the max-days of {}", rule.max_days);
                self.problem(&at("min-days"), "policy.contradiction", expected, rule.min_days.to_string(), None);
            }
        }
    }
}

/// Whether a text is a word: of `a-z`, `0-9` and `-`, and not too long.
fn is_word(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let rest = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    first && rest && text.len() <= WORD_BYTES
}

/// A text as it is shown in a message: quoted, not too long.
pub(crate) fn shown(text: &str) -> String {
    let short: String = text.chars().take(WORD_BYTES).collect();
    format!("{short:?}")
}
