//! Messages about events: who is told what.

use crate::catalogue::{Language, SaleName, Story, language};
use crate::clock::Clock;
use crate::limits::MERCHANT_NAME_CHARS;
use crate::{amount, plain};
use rescind_model::token::Token as _;
use rescind_model::{
    Actor, Audience, ConfirmationRequest, Event, EventKind, Evidence, Locale, Message, Notice, OperationState,
    PersonId, Refund, RefundState, RenderError, Sale, SaleOutcome, VoidOperation,
};

/// Writes a message about an event. `None` for an audience that is not concerned: customers hear nothing of reviews,
/// reviewers only of what waits for them (or no longer does), nobody of a sale that was merely registered.
///
/// # Errors
/// - [`RenderError::Incomplete`] if the notice lacks the void or refund the event is about, holds another one, or holds one
///   that is not in the state the event announces: a success is only told when it is one.
/// - [`RenderError::Unprintable`] for an unknown currency, an amount, offset or name out of range.
pub fn render(notice: &Notice, audience: Audience, locale: Locale) -> Result<Option<Message>, RenderError> {
    Clock::ahead_by(notice.utc_offset_minutes)?;
    let language = language(locale);
    let about = About::of(notice)?;
    let story = story(notice, &about, audience, locale, language)?;
    Ok(language.message(&story).map(|(title, body)| Message { title: title.to_owned(), body }))
}

/// Writes the message that carries a confirmation code to a customer.
///
/// # Errors
/// [`RenderError::Unprintable`] for an unknown currency, an amount, offset or name out of range.
pub fn confirmation(request: &ConfirmationRequest, locale: Locale) -> Result<Message, RenderError> {
    let merchant = merchant_name(&request.merchant_name)?;
    let amount = amount::show(&request.amount, locale)?;
    let code = plain::line(&request.code);
    Ok(match locale {
        Locale::ZhCn => {
            Message { title: "确认码".to_owned(), body: format!("{merchant}:{amount} 的确认码为 {code}。") }
        }
        Locale::En => Message {
            title: "Confirmation code".to_owned(),
            body: format!("{merchant}: your code for {amount} is {code}."),
        },
    })
}

/// The merchant's name as it can be shown.
pub(crate) fn merchant_name(name: &str) -> Result<String, RenderError> {
    if name.chars().count() > MERCHANT_NAME_CHARS {
        return Err(RenderError::Unprintable(format!("merchant-name: more than {MERCHANT_NAME_CHARS} characters")));
    }
    let shown = plain::line(name);
    if shown.is_empty() { Err(RenderError::Incomplete("merchant-name".to_owned())) } else { Ok(shown) }
}

/// What the provider gave as its reason: the code with its meaning, and its note.
pub(crate) fn provider_reason(evidence: Option<&Evidence>, language: &dyn Language) -> Option<String> {
    let evidence = evidence?;
    // `00` is what a reversal of the operation was answered with: no reason for a failure.
    let code = evidence.code.as_deref().filter(|code| *code != "00").and_then(plain::note);
    let code = code.map(|code| language.coded(&code));
    let note = evidence.note.as_deref().map(|note| match note.split_once(": ") {
        // Two persons resolved it: `first, second: why`. Who they were is in the ledger, not on paper.
        Some((_, why)) if evidence.source == "resolution" => why,
        _ => note,
    });
    let note = note.and_then(plain::note);
    match (code, note) {
        (Some(code), Some(note)) => Some(format!("{code}, {note}")),
        (code, note) => code.or(note),
    }
}

/// What an event is about, checked against its kind.
enum About<'a> {
    Sale,
    Void(&'a VoidOperation),
    Refund(&'a Refund),
}

impl<'a> About<'a> {
    fn of(notice: &'a Notice) -> Result<Self, RenderError> {
        let Event { kind, operation, refund: refund_id, .. } = &notice.event;
        let token = kind.token();
        if token.starts_with("void.") {
            let void = notice.void_operation.as_ref().ok_or_else(|| lacks("void-operation", token))?;
            if operation.as_ref().is_some_and(|id| *id != void.id) {
                return Err(lacks("void-operation", token));
            }
            Self::check_state(*kind == EventKind::VoidDone, void.state == OperationState::Done, token)?;
            Ok(Self::Void(void))
        } else if token.starts_with("refund.") {
            let refund = notice.refund.as_ref().ok_or_else(|| lacks("refund", token))?;
            if refund_id.as_ref().is_some_and(|id| *id != refund.id) {
                return Err(lacks("refund", token));
            }
            Self::check_state(*kind == EventKind::RefundCleared, refund.state == RefundState::Cleared, token)?;
            Ok(Self::Refund(refund))
        } else {
            Ok(Self::Sale)
        }
    }

    /// 撤销成功 and 退款成功 are said of what is done and of nothing else (`DOMAIN.md` §5).
    fn check_state(announces_success: bool, is_done: bool, token: &str) -> Result<(), RenderError> {
        if announces_success && !is_done {
            return Err(RenderError::Incomplete(format!("{token}: what it is about is not done")));
        }
        Ok(())
    }
}

fn lacks(what: &str, token: &str) -> RenderError {
    RenderError::Incomplete(format!("{what}: {token} is about one, and the notice does not hold it"))
}

fn story(
    notice: &Notice,
    about: &About<'_>,
    audience: Audience,
    locale: Locale,
    language: &dyn Language,
) -> Result<Story, RenderError> {
    let event = &notice.event;
    let said = event.reason.as_deref();
    let (money, reason) = match about {
        About::Sale => (&notice.sale.captured, None),
        About::Void(void) => {
            (&void.amount, provider_reason(void.evidence.as_ref(), language).or(said_by(said, language)))
        }
        About::Refund(refund) => {
            let ended = refund.ended_because.as_deref();
            let reason = match event.kind {
                EventKind::RefundFailed => {
                    provider_reason(refund.evidence.as_ref(), language).or(said_by(said.or(ended), language))
                }
                _ => said_by(ended.or(said), language),
            };
            (&refund.request.amount, reason)
        }
    };
    let refund = if let About::Refund(refund) = about { Some(*refund) } else { None };
    Ok(Story {
        kind: event.kind,
        audience,
        merchant: merchant_name(&notice.merchant_name)?,
        sale: sale_name(&notice.sale),
        amount: amount::show(money, locale)?,
        refund: refund.map_or_else(String::new, |r| plain::line(r.id.as_str())),
        reason: reason.map(|r| if audience == Audience::Customer { without_persons(&r, &persons(notice)) } else { r }),
        arrival: refund.and_then(|r| r.arrival),
        approvals_left: refund.map_or(0, approvals_left),
        outcome: said.and_then(SaleOutcome::from_token),
    })
}

fn said_by(reason: Option<&str>, language: &dyn Language) -> Option<String> {
    // A full stop follows in the message.
    let reason = plain::note(reason?)?;
    let text = language.word(reason.trim_end_matches(['.', '。', ' ']));
    Some(text).filter(|t| !t.is_empty())
}

fn sale_name(sale: &Sale) -> SaleName {
    let order = sale.order_number.as_deref().and_then(plain::note).map(SaleName::Order);
    let reference = || sale.retrieval_reference.as_deref().and_then(plain::note).map(SaleName::Reference);
    order.or_else(reference).unwrap_or_else(|| SaleName::Id(plain::line(sale.id.as_str())))
}

/// Approvals that are still missing for the current revision.
fn approvals_left(refund: &Refund) -> u32 {
    let counted =
        refund.approvals.iter().filter(|a| a.revision == refund.revision && a.digest == refund.digest).count();
    refund.plan.needed.saturating_sub(u32::try_from(counted).unwrap_or(u32::MAX))
}

/// The people at the merchant whom a notice names.
fn persons(notice: &Notice) -> Vec<&str> {
    let mut persons: Vec<&str> = Vec::new();
    if let Actor::Person(person) = &notice.event.actor {
        persons.push(person.id.as_str());
    }
    persons.extend(notice.sale.operator.as_ref().map(PersonId::as_str));
    persons.extend(notice.void_operation.as_ref().map(|void| void.requested_by.as_str()));
    if let Some(refund) = &notice.refund {
        persons.push(refund.request.requested_by.as_str());
        persons.extend(refund.request.operator.as_ref().map(PersonId::as_str));
        persons.extend(refund.approvals.iter().map(|approval| approval.by.as_str()));
    }
    persons
}

/// A text without the ids of these people: customers are told why, not by whom.
pub(crate) fn without_persons(text: &str, persons: &[&str]) -> String {
    // Whole names only: an operator `1` must not change the text `11 days`.
    let mut kept = String::with_capacity(text.len());
    let mut name = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '~') {
            name.push(c);
            continue;
        }
        let bare = name.trim_matches(['.', '-', '_']);
        let known = persons.iter().any(|person| *person == name || (!bare.is_empty() && *person == bare));
        kept.push_str(if known { "***" } else { &name });
        name.clear();
        kept.push(c);
    }
    kept.trim_end().to_owned()
}
