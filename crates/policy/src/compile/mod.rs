//! From TOML to the canonical form.

mod diagnostic;
mod reader;

pub use diagnostic::{Diagnostic, Diagnostics};

use crate::canonical::canonical;
use crate::check::{self, Place};
use crate::document::{
    ArrivalRule, AuthenticationRule, CodeRules, CompletionVoidRules, CountLimit, Document, EscalationRule,
    EvidenceRule, FORMAT, FeeRule, HoldRules, IdentityRule, LateFee, LegalRules, PenaltyLimit, PenaltyStep,
    PrepaidRule, PrivacyRules, RefundRules, RefundWindow, ReversalRules, SupportRules, Tier, Variants, VoidRules,
};
use crate::limits::{DOCUMENT_BYTES, TOML_BYTES};
use crate::scalar::{BadScalar, CutOff, Rate, Span, UtcOffset, number_and_unit};
use core::ops::Range;
use diagnostic::Mistake;
use miette::NamedSource;
use reader::{Item, Reader, Section};
use rescind_model::Digest;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::de::DeTable;

/// A compiled policy: its canonical form and the hash of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    document: Document,
    canonical: Vec<u8>,
    hash: Digest,
}

impl Compiled {
    /// What the policy says.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The canonical form: what is stored, signed and loaded.
    #[must_use]
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// The SHA-256 of the canonical form.
    #[must_use]
    pub fn hash(&self) -> &Digest {
        &self.hash
    }
}

/// Compiles a policy. `file_name` is used in messages only.
///
/// # Errors
/// Everything that is wrong, at once and each at its place: syntax; fields that are missing, unknown or of the wrong kind;
/// then ranges and contradictions of every section that could be read.
pub fn compile(toml_text: &str, file_name: &str) -> Result<Compiled, Diagnostics> {
    if toml_text.len() > TOML_BYTES {
        // The text itself is not carried in the message: it may be anything.
        let mistake =
            whole_file("policy.too-large", format!("at most {TOML_BYTES} bytes"), format!("{} bytes", toml_text.len()));
        return Err(refused(file_name, "", vec![mistake]));
    }
    let (table, errors) = DeTable::parse_recoverable(toml_text);
    if !errors.is_empty() {
        let syntax = errors.iter().map(|error| Mistake {
            code: "policy.syntax",
            span: error.span().unwrap_or(0..0),
            at: String::new(),
            expected: "TOML".to_owned(),
            found: error.message().to_owned(),
            suggestion: None,
        });
        return Err(refused(file_name, toml_text, syntax.collect()));
    }
    let mut reader = Reader::new();
    let mut root = Section::root(&table);
    let parts = document(&mut reader, &mut root);
    reader.finish(&root);
    let (mut mistakes, spans) = reader.into_parts();
    mistakes.extend(contradictions(&parts, &spans));
    let Some(document) = parts.document.filter(|_| mistakes.is_empty()) else {
        if mistakes.is_empty() {
            mistakes.push(whole_file("policy.shape", "a policy".to_owned(), "something else".to_owned()));
        }
        return Err(refused(file_name, toml_text, mistakes));
    };
    let canonical = canonical(&document);
    if canonical.len() > DOCUMENT_BYTES {
        let mistake = whole_file(
            "policy.too-large",
            format!("at most {DOCUMENT_BYTES} bytes compiled"),
            format!("{} bytes", canonical.len()),
        );
        return Err(refused(file_name, toml_text, vec![mistake]));
    }
    let hash = Digest::of(&canonical);
    Ok(Compiled { document, canonical, hash })
}

fn whole_file(code: &'static str, expected: String, found: String) -> Mistake {
    Mistake { code, span: 0..0, at: String::new(), expected, found, suggestion: None }
}

fn refused(file_name: &str, text: &str, mistakes: Vec<Mistake>) -> Diagnostics {
    let source = Arc::new(NamedSource::new(file_name, text.to_owned()));
    let all = mistakes.into_iter().map(|mistake| Diagnostic::new(&source, mistake)).collect();
    Diagnostics::new(file_name, all)
}

/// The document, and what of it could be read when not all could.
struct Parts {
    document: Option<Document>,
    /// With what could not be read left out; nothing if not even the header could be.
    readable: Option<Document>,
    /// Whether the void section could not be read.
    void_is_unreadable: bool,
}

/// What the checks find in everything that could be read.
fn contradictions(parts: &Parts, spans: &BTreeMap<Place, Range<usize>>) -> Vec<Mistake> {
    let Some(document) = &parts.readable else { return Vec::new() };
    let problems = check::problems(document).into_iter();
    problems
        .filter(|problem| !(parts.void_is_unreadable && problem.code == "policy.no-remedy"))
        .map(|problem| Mistake {
            code: problem.code,
            span: span_of(&problem.at, spans),
            at: problem.at.to_string(),
            expected: problem.expected,
            found: problem.found,
            suggestion: problem.suggestion,
        })
        .collect()
}

/// The span of a place, or of the nearest thing around it: what is missing has no span of its own.
fn span_of(place: &Place, spans: &BTreeMap<Place, Range<usize>>) -> Range<usize> {
    let mut place = place.clone();
    loop {
        if let Some(span) = spans.get(&place) {
            return span.clone();
        }
        if place.0.pop().is_none() {
            return 0..0;
        }
    }
}

fn document(r: &mut Reader, root: &mut Section<'_, '_>) -> Parts {
    let format = r.required(root, "format", |r, item| {
        let format = r.count(&item)?;
        // One mistake instead of a hundred: a later language is not this one with mistakes.
        (format == FORMAT)
            .then_some(format)
            .or_else(|| r.scalar(&item, |_| Err(BadScalar { expected: "1, the only format this Rescind knows" })))
    });
    let name = r.required(root, "name", |r, item| r.text(&item));
    let version = r.required(root, "version", |r, item| r.text(&item));
    let source = r.required(root, "source", |r, item| r.text(&item));
    let currency = r.required(root, "currency", |r, item| r.text(&item));
    let time_zone = r.required(root, "time-zone", |r, item| r.scalar(&item, UtcOffset::parse));
    let cut_off = r.required(root, "cut-off", |r, item| r.scalar(&item, CutOff::parse));
    r.set_currency(currency.as_deref().unwrap_or(""));
    let void = r.optional(root, "void", |r, item| r.table(item, void_rules)).map(Option::flatten);
    let refund = r.optional(root, "refund", |r, item| r.table(item, refund_rules)).map(Option::flatten);
    let reversal = r.optional(root, "reversal", |r, item| r.table(item, reversal_rules));
    let code = r.optional(root, "code", |r, item| r.table(item, code_rules)).map(Option::flatten);
    let hold = r.optional(root, "hold", |r, item| r.table(item, hold_rules)).map(Option::flatten);
    let prepaid = r.list(root, "prepaid", |r, item| r.table(item, prepaid_rule));
    let support = r.optional(root, "support", |r, item| r.table(item, support_rules));
    let legal = r.optional(root, "legal", |r, item| r.table(item, legal_rules));
    let privacy = r.optional(root, "privacy", |r, item| r.table(item, privacy_rules));

    let money = void.is_some() && refund.is_some() && reversal.is_some();
    let began = code.is_some() && hold.is_some() && prepaid.is_some();
    let people = support.is_some() && legal.is_some() && privacy.is_some();
    let (void_is_unreadable, complete) = (void.is_none(), money && began && people);
    let header = || -> Option<Document> {
        Some(Document {
            calendar: None,
            charge: Vec::new(),
            code: code.flatten(),
            currency: currency?,
            cut_off: cut_off?,
            effective: None,
            format: format?,
            hold: hold.flatten(),
            layers: Vec::new(),
            leaves_to_layers: Vec::new(),
            legal: legal.flatten(),
            name: name?,
            offline: None,
            prepaid: prepaid.unwrap_or_default(),
            privacy: privacy.flatten(),
            refund: refund.flatten(),
            reversal: reversal.flatten(),
            source: source?,
            support: support.flatten(),
            time_zone: time_zone?,
            version: version?,
            void: void.flatten(),
            when: Variants::default(),
        })
    };
    let readable = header();
    Parts { document: readable.clone().filter(|_| complete), readable, void_is_unreadable }
}

/// Whether a section says nothing but `enabled = false`.
fn only_switched_off(s: &Section<'_, '_>, enabled: Option<bool>) -> bool {
    enabled == Some(false) && s.len() == 1
}

fn void_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Option<VoidRules>> {
    let enabled = r.required(s, "enabled", |r, item| r.flag(&item));
    if only_switched_off(s, enabled) {
        return Some(None);
    }
    let executor = r.required(s, "executor", |r, item| r.word(&item));
    let window = r.optional(s, "window", |r, item| r.scalar(&item, Span::parse));
    let minimum_wait = r.optional(s, "minimum-wait", |r, item| r.scalar(&item, Span::parse));
    let until_settlement = r.required(s, "until-settlement", |r, item| r.flag(&item));
    let same = r.list(s, "same", |r, item| r.word(&item));
    let paid_out = r.required(s, "paid-out", |r, item| r.word(&item));
    let after_refund = r.required(s, "after-refund", |r, item| r.word(&item));
    let min_amount = r.optional(s, "min-amount", |r, item| r.amount(&item));
    let max_amount = r.optional(s, "max-amount", |r, item| r.amount(&item));
    let count = r.list(s, "count", |r, item| r.table(item, count_limit));
    let since = r.optional(s, "since", |r, item| r.word(&item));
    let kinds_not_voidable = r.list(s, "kinds-not-voidable", |r, item| r.text(&item));
    let evidence = r.list(s, "evidence", |r, item| r.table(item, evidence_rule));
    let closed = r.optional(s, "closed", |r, item| r.word(&item));
    let instead = r.optional(s, "instead", |r, item| r.word(&item));
    let operator_roles = r.list(s, "operator-roles", |r, item| r.role(&item));
    let authentication = r.optional(s, "authentication", |r, item| r.table(item, authentication_rule));
    let identity = r.list(s, "identity", |r, item| r.table(item, identity_rule));
    let reason = r.required(s, "reason", |r, item| r.word(&item));
    let reasons = r.list(s, "reasons", |r, item| r.text(&item));
    let operation_fee = r.optional(s, "operation-fee", |r, item| r.table(item, fee_rule));
    let acquiring_fee = r.required(s, "acquiring-fee", |r, item| r.word(&item));
    let slip = r.required(s, "slip", |r, item| r.flag(&item));
    let arrival = r.list(s, "arrival", |r, item| r.table(item, arrival_rule));
    Some(Some(VoidRules {
        acquiring_fee: acquiring_fee?,
        after_refund: after_refund?,
        arrival: arrival?,
        authentication: authentication?,
        closed: closed?,
        count: count?,
        enabled: enabled?,
        evidence: evidence?,
        executor: executor?,
        identity: identity?,
        instead: instead?,
        kinds_not_voidable: kinds_not_voidable?,
        max_amount: max_amount?,
        min_amount: min_amount?,
        minimum_wait: minimum_wait?,
        operation_fee: operation_fee?,
        operator_roles: operator_roles?,
        paid_out: paid_out?,
        reason: reason?,
        reasons: reasons?,
        same: same?,
        since: since?,
        slip: slip?,
        until_settlement: until_settlement?,
        window: window?,
    }))
}

fn count_limit(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<CountLimit> {
    let counted = r.required(s, "counted", |r, item| r.word(&item));
    let per_business_day = r.optional(s, "per-business-day", |r, item| r.count(&item));
    let at_most = r.optional(s, "at-most", |r, item| r.count(&item));
    let within = r.optional(s, "within", |r, item| r.scalar(&item, Span::parse));
    let at_ceiling = r.required(s, "at-ceiling", |r, item| r.word(&item));
    Some(CountLimit {
        at_ceiling: at_ceiling?,
        at_most: at_most?,
        counted: counted?,
        per_business_day: per_business_day?,
        within: within?,
    })
}

fn refund_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Option<RefundRules>> {
    let enabled = r.required(s, "enabled", |r, item| r.flag(&item));
    if only_switched_off(s, enabled) {
        return Some(None);
    }
    let executor = r.required(s, "executor", |r, item| r.word(&item));
    let window = r.required(s, "window", |r, item| r.scalar(&item, refund_window));
    let after_window = r.optional(s, "after-window", |r, item| r.word(&item));
    let minimum_wait = r.optional(s, "minimum-wait", |r, item| r.scalar(&item, Span::parse));
    let since = r.optional(s, "since", |r, item| r.word(&item));
    let count = r.list(s, "count", |r, item| r.table(item, count_limit));
    let closed = r.optional(s, "closed", |r, item| r.word(&item));
    let instead = r.optional(s, "instead", |r, item| r.word(&item));
    let same_business_day = r.required(s, "same-business-day", |r, item| r.word(&item));
    let partial = r.required(s, "partial", |r, item| r.flag(&item));
    let max_count = r.optional(s, "max-count", |r, item| r.count(&item));
    let min_spacing = r.optional(s, "min-spacing", |r, item| r.scalar(&item, Span::parse));
    let min_amount = r.optional(s, "min-amount", |r, item| r.amount(&item));
    let max_amount = r.optional(s, "max-amount", |r, item| r.amount(&item));
    let kinds_not_refundable = r.list(s, "kinds-not-refundable", |r, item| r.text(&item));
    let not_refundable = r.optional(s, "not-refundable", |r, item| r.word(&item));
    let real_time = r.required(s, "real-time", |r, item| r.word(&item));
    let reason = r.required(s, "reason", |r, item| r.word(&item));
    let reasons = r.list(s, "reasons", |r, item| r.text(&item));
    let evidence = r.list(s, "evidence", |r, item| r.table(item, evidence_rule));
    let authentication = r.optional(s, "authentication", |r, item| r.table(item, authentication_rule));
    let identity = r.list(s, "identity", |r, item| r.table(item, identity_rule));
    let funding = r.optional(s, "funding", |r, item| r.word(&item));
    let coupon = r.optional(s, "coupon", |r, item| r.word(&item));
    let tiers_by = r.list(s, "tiers-by", |r, item| r.word(&item));
    let tier = r.list(s, "tier", |r, item| r.table(item, tier));
    let operation_fee = r.optional(s, "operation-fee", |r, item| r.table(item, fee_rule));
    let late_fee = r.optional(s, "late-fee", |r, item| r.table(item, late_fee));
    let acquiring_fee = r.required(s, "acquiring-fee", |r, item| r.word(&item));
    let slip = r.required(s, "slip", |r, item| r.flag(&item));
    let arrival = r.list(s, "arrival", |r, item| r.table(item, arrival_rule));
    Some(Some(RefundRules {
        acquiring_fee: acquiring_fee?,
        after_window: after_window?,
        arrival: arrival?,
        authentication: authentication?,
        closed: closed?,
        count: count?,
        coupon: coupon?,
        enabled: enabled?,
        evidence: evidence?,
        executor: executor?,
        funding: funding?,
        identity: identity?,
        instead: instead?,
        kinds_not_refundable: kinds_not_refundable?,
        late_fee: late_fee?,
        max_amount: max_amount?,
        max_count: max_count?,
        min_amount: min_amount?,
        min_spacing: min_spacing?,
        minimum_wait: minimum_wait?,
        not_refundable: not_refundable?,
        operation_fee: operation_fee?,
        partial: partial?,
        real_time: real_time?,
        reason: reason?,
        reasons: reasons?,
        same_business_day: same_business_day?,
        since: since?,
        slip: slip?,
        tier: tier?,
        tiers_by: tiers_by?,
        window: window?,
    }))
}

fn refund_window(text: &str) -> Result<RefundWindow, BadScalar> {
    match number_and_unit(text) {
        Some((days, "day")) => Ok(RefundWindow::Days(days)),
        Some((days, "working day")) => Ok(RefundWindow::WorkingDays(days)),
        Some((months, "month")) => Ok(RefundWindow::Months(months)),
        _ => Err(BadScalar { expected: "a window such as \"30 days\" or \"11 months\"" }),
    }
}

fn evidence_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<EvidenceRule> {
    let kind = r.required(s, "kind", |r, item| r.text(&item));
    let above = r.optional(s, "above", |r, item| r.amount(&item));
    let after = r.optional(s, "after", |r, item| r.scalar(&item, Span::parse));
    let reasons = r.list(s, "reasons", |r, item| r.text(&item));
    Some(EvidenceRule { above: above?, after: after?, kind: kind?, reasons: reasons? })
}

fn tier(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Tier> {
    let name = r.required(s, "name", |r, item| r.text(&item));
    let up_to = r.optional(s, "up-to", |r, item| r.amount(&item));
    let needed = r.required(s, "needed", |r, item| r.count(&item));
    let roles = r.list(s, "roles", |r, item| r.role(&item));
    let expires_after = r.required(s, "expires-after", |r, item| r.scalar(&item, Span::parse));
    let escalation = r.list(s, "escalation", |r, item| r.table(item, escalation_rule));
    Some(Tier {
        escalation: escalation?,
        expires_after: expires_after?,
        name: name?,
        needed: needed?,
        roles: roles?,
        up_to: up_to?,
    })
}

fn escalation_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<EscalationRule> {
    let after = r.required(s, "after", |r, item| r.scalar(&item, Span::parse));
    let roles = r.list(s, "roles", |r, item| r.role(&item));
    Some(EscalationRule { after: after?, roles: roles? })
}

fn fee_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<FeeRule> {
    let payer = r.required(s, "payer", |r, item| r.word(&item));
    let fixed = r.optional(s, "fixed", |r, item| r.amount(&item));
    let rate = r.optional(s, "rate", |r, item| r.scalar(&item, Rate::parse));
    let floor = r.optional(s, "floor", |r, item| r.amount(&item));
    let cap = r.optional(s, "cap", |r, item| r.amount(&item));
    Some(FeeRule { cap: cap?, fixed: fixed?, floor: floor?, payer: payer?, rate: rate? })
}

fn late_fee(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<LateFee> {
    let after = r.required(s, "after", |r, item| r.scalar(&item, Span::parse));
    let fee = fee_rule(r, s);
    Some(LateFee { after: after?, fee: fee? })
}

fn arrival_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<ArrivalRule> {
    let channel = r.optional(s, "channel", |r, item: Item<'_, '_>| r.word(&item));
    let card_type = r.optional(s, "card-type", |r, item: Item<'_, '_>| r.word(&item));
    let min_days = r.required(s, "min-days", |r, item| r.count(&item));
    let max_days = r.required(s, "max-days", |r, item| r.count(&item));
    let working_days = r.required(s, "working-days", |r, item| r.flag(&item));
    Some(ArrivalRule {
        card_type: card_type?,
        channel: channel?,
        max_days: max_days?,
        min_days: min_days?,
        working_days: working_days?,
    })
}

fn authentication_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<AuthenticationRule> {
    let max_age = r.required(s, "max-age", |r, item| r.scalar(&item, Span::parse));
    let bound = r.required(s, "bound", |r, item| r.flag(&item));
    Some(AuthenticationRule { bound: bound?, max_age: max_age? })
}

fn identity_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<IdentityRule> {
    let above = r.optional(s, "above", |r, item| r.amount(&item));
    let any_of = r.list(s, "any-of", |r, item| r.word(&item));
    Some(IdentityRule { above: above?, any_of: any_of? })
}

fn queries(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Vec<Span>> {
    r.list(s, "queries", |r, item| r.scalar(&item, Span::parse))
}

fn reversal_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<ReversalRules> {
    let enabled = r.required(s, "enabled", |r, item| r.flag(&item));
    let executor = r.required(s, "executor", |r, item| r.word(&item));
    let queries = queries(r, s);
    let window = r.optional(s, "window", |r, item| r.scalar(&item, Span::parse));
    let minimum_wait = r.optional(s, "minimum-wait", |r, item| r.scalar(&item, Span::parse));
    let after_window = r.optional(s, "after-window", |r, item| r.word(&item));
    let slip = r.required(s, "slip", |r, item| r.flag(&item));
    Some(ReversalRules {
        after_window: after_window?,
        enabled: enabled?,
        executor: executor?,
        minimum_wait: minimum_wait?,
        queries: queries?,
        slip: slip?,
        window: window?,
    })
}

fn code_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Option<CodeRules>> {
    let enabled = r.required(s, "enabled", |r, item| r.flag(&item));
    if only_switched_off(s, enabled) {
        return Some(None);
    }
    let executor = r.required(s, "executor", |r, item| r.word(&item));
    let time_to_live = r.required(s, "time-to-live", |r, item| r.scalar(&item, Span::parse));
    let scanned = r.required(s, "scanned", |r, item| r.word(&item));
    let expired = r.required(s, "expired", |r, item| r.word(&item));
    let queries = queries(r, s);
    let slip = r.required(s, "slip", |r, item| r.flag(&item));
    Some(Some(CodeRules {
        enabled: enabled?,
        executor: executor?,
        expired: expired?,
        queries: queries?,
        scanned: scanned?,
        slip: slip?,
        time_to_live: time_to_live?,
    }))
}

fn hold_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<Option<HoldRules>> {
    let enabled = r.required(s, "enabled", |r, item| r.flag(&item));
    if only_switched_off(s, enabled) {
        return Some(None);
    }
    let executor = r.required(s, "executor", |r, item| r.word(&item));
    let ceiling_percent = r.required(s, "ceiling-percent", |r, item| r.count(&item));
    let validity = r.required(s, "validity", |r, item| r.scalar(&item, Span::parse));
    let release_roles = r.list(s, "release-roles", |r, item| r.role(&item));
    let release_authentication = r.optional(s, "release-authentication", |r, item| r.table(item, authentication_rule));
    let completion_roles = r.list(s, "completion-roles", |r, item| r.role(&item));
    let completion_authentication =
        r.optional(s, "completion-authentication", |r, item| r.table(item, authentication_rule));
    let completion_void = r.optional(s, "completion-void", |r, item| r.table(item, completion_void_rules));
    let penalty = r.optional(s, "penalty", |r, item| r.table(item, penalty_limit));
    let queries = queries(r, s);
    let slip = r.required(s, "slip", |r, item| r.flag(&item));
    Some(Some(HoldRules {
        ceiling_percent: ceiling_percent?,
        completion_authentication: completion_authentication?,
        completion_roles: completion_roles?,
        completion_void: completion_void?,
        enabled: enabled?,
        executor: executor?,
        penalty: penalty?,
        queries: queries?,
        release_authentication: release_authentication?,
        release_roles: release_roles?,
        slip: slip?,
        validity: validity?,
    }))
}

fn completion_void_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<CompletionVoidRules> {
    let until_settlement = r.required(s, "until-settlement", |r, item| r.flag(&item));
    let window = r.optional(s, "window", |r, item| r.scalar(&item, Span::parse));
    let operator_roles = r.list(s, "operator-roles", |r, item| r.role(&item));
    let authentication = r.optional(s, "authentication", |r, item| r.table(item, authentication_rule));
    Some(CompletionVoidRules {
        authentication: authentication?,
        operator_roles: operator_roles?,
        until_settlement: until_settlement?,
        window: window?,
    })
}

fn penalty_limit(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<PenaltyLimit> {
    let cap = r.optional(s, "cap", |r, item| r.amount(&item));
    let max_rate = r.optional(s, "max-rate", |r, item| r.scalar(&item, Rate::parse));
    Some(PenaltyLimit { cap: cap?, max_rate: max_rate? })
}

fn prepaid_rule(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<PrepaidRule> {
    let kind = r.required(s, "kind", |r, item| r.text(&item));
    let cancellable = r.required(s, "cancellable", |r, item| r.word(&item));
    let penalty = r.list(s, "penalty", |r, item| r.table(item, penalty_step));
    Some(PrepaidRule { cancellable: cancellable?, kind: kind?, penalty: penalty? })
}

fn penalty_step(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<PenaltyStep> {
    let within = r.optional(s, "within", |r, item| r.scalar(&item, Span::parse));
    let fixed = r.optional(s, "fixed", |r, item| r.amount(&item));
    let rate = r.optional(s, "rate", |r, item| r.scalar(&item, Rate::parse));
    Some(PenaltyStep { fixed: fixed?, rate: rate?, within: within? })
}

fn support_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<SupportRules> {
    let roles = r.list(s, "roles", |r, item| r.role(&item));
    let grant_lives = r.required(s, "grant-lives", |r, item| r.scalar(&item, Span::parse));
    let case_lives = r.required(s, "case-lives", |r, item| r.scalar(&item, Span::parse));
    Some(SupportRules { case_lives: case_lives?, grant_lives: grant_lives?, roles: roles? })
}

fn legal_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<LegalRules> {
    let roles = r.list(s, "roles", |r, item| r.role(&item));
    let order_lives = r.required(s, "order-lives", |r, item| r.scalar(&item, Span::parse));
    Some(LegalRules { order_lives: order_lives?, roles: roles? })
}

fn privacy_rules(r: &mut Reader, s: &mut Section<'_, '_>) -> Option<PrivacyRules> {
    let retention_days = r.required(s, "retention-days", |r, item| r.count(&item));
    Some(PrivacyRules { retention_days: retention_days? })
}
