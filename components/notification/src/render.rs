//! Messages about events: who is told what.

use crate::catalogue::{Confirmation, Debt, Deed, Language, SaleName, Story, language};
use crate::clock::Clock;
use crate::limits::{CONFIRMATION_DIGITS, MERCHANT_NAME_CHARS};
use crate::{amount, arrival, plain};
use rescind_model::token::Token;
use rescind_model::{
    Actor, Audience, CaseState, ConfirmationRequest, Event, EventKind, Evidence, Hold, Instant, LegalOrder, Liability,
    LiabilityState, Locale, Message, Money, Notice, Operation, OperationState, OrderState, PaymentCode, PersonId,
    Referral, Refund, RefundState, RenderError, Sale, VoidOperation, Way,
};

/// The reason of an operation that is done and needs a person because of what was said of the payment since.
const LATE_ANSWER: &str = "late-answer";

/// Writes a message about an event. `None` for an audience that is not concerned: customers hear nothing of reviews,
/// referrals, legal orders and of money that is not owed to them; reviewers only of what waits for them (or no longer
/// does); nobody of a sale that was merely registered or of data that was erased.
///
/// # Errors
/// - [`RenderError::Incomplete`] if the notice lacks what the event is about (void, refund, operation, referral, order,
///   liability, code or hold), holds another one, or holds one that is not in the state the event announces: a success
///   is only told when it is one.
/// - [`RenderError::Unprintable`] for an unknown currency, an amount, instant, offset or name out of range.
pub fn render(notice: &Notice, audience: Audience, locale: Locale) -> Result<Option<Message>, RenderError> {
    let clock = Clock::ahead_by(notice.utc_offset_minutes)?;
    let language = language(locale);
    let about = About::of(notice)?;
    let story = story(notice, &about, audience, clock, locale)?;
    Ok(language.message(&story).map(|(title, body)| Message { title, body }))
}

/// Writes the message that carries a confirmation code to a customer: what for, how much, until when, and that the
/// code is nobody else's business.
///
/// # Errors
/// - [`RenderError::Unprintable`] for a code that is not 4 to 10 decimal digits (the code itself is not repeated), an
///   unknown currency, or an amount, instant, offset or name out of range.
/// - [`RenderError::Incomplete`] without a merchant name.
pub fn confirmation(request: &ConfirmationRequest, locale: Locale) -> Result<Message, RenderError> {
    let code = &request.code;
    if !CONFIRMATION_DIGITS.contains(&code.len()) || !code.bytes().all(|b| b.is_ascii_digit()) {
        let (least, most) = CONFIRMATION_DIGITS.into_inner();
        return Err(RenderError::Unprintable(format!("code: expected {least} to {most} decimal digits")));
    }
    let (title, body) = language(locale).confirmation(&Confirmation {
        merchant: merchant_name(&request.merchant_name)?,
        way: request.way,
        amount: amount::show(&request.amount, locale)?,
        code: code.clone(),
        until: Clock::ahead_by(request.utc_offset_minutes)?.show(request.expires_at)?,
    });
    Ok(Message { title, body })
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
    Operation(&'a Operation),
    Code(&'a PaymentCode),
    Hold(&'a Hold),
    Referral(&'a Referral),
    Order(&'a LegalOrder),
    Liability(&'a Liability),
}

impl<'a> About<'a> {
    fn of(notice: &'a Notice) -> Result<Self, RenderError> {
        let Event { kind, operation, refund: refund_id, about, .. } = &notice.event;
        let token = kind.token();
        let about = about.as_deref();
        Ok(match token.split_once('.').map_or(token, |(subject, _)| subject) {
            "void" => {
                let named = operation.as_ref().map(|id| id.as_str());
                let void = held(notice.void_operation.as_ref(), |v| v.id.as_str(), named, "void-operation", token)?;
                check_state(*kind == EventKind::VoidDone, void.state == OperationState::Done, token)?;
                Self::Void(void)
            }
            "refund" => {
                let named = refund_id.as_ref().map(|id| id.as_str());
                let refund = held(notice.refund.as_ref(), |r| r.id.as_str(), named, "refund", token)?;
                check_refund(refund, *kind, token)?;
                Self::Refund(refund)
            }
            "operation" => {
                let named = operation.as_ref().map(|id| id.as_str());
                let operation = held(notice.operation.as_ref(), |o| o.id.as_str(), named, "operation", token)?;
                check_state(*kind == EventKind::OperationDone, operation.state == OperationState::Done, token)?;
                if deed(operation, OrderStanding::of(notice.code.as_ref())).is_none() {
                    return Err(lacks("operation", token));
                }
                Self::Operation(operation)
            }
            "case" => {
                let case = held(notice.referral.as_ref(), |c| c.id.as_str(), about, "referral", token)?;
                // A grant may be used or run out before its message is written.
                let granted = matches!(case.state, CaseState::Granted | CaseState::Consumed | CaseState::Expired);
                check_state(*kind == EventKind::CaseGranted, granted, token)?;
                Self::Referral(case)
            }
            "order" => {
                let order = held(notice.order.as_ref(), |o| o.id.as_str(), about, "order", token)?;
                check_state(*kind == EventKind::OrderConfirmed, order.state == OrderState::Confirmed, token)?;
                Self::Order(order)
            }
            "liability" => {
                let liability = held(notice.liability.as_ref(), |l| l.id.as_str(), about, "liability", token)?;
                check_state(*kind == EventKind::LiabilityEnded, liability.state != LiabilityState::Open, token)?;
                Self::Liability(liability)
            }
            "code" => Self::Code(notice.code.as_ref().ok_or_else(|| lacks("code", token))?),
            "hold" => Self::Hold(notice.hold.as_ref().ok_or_else(|| lacks("hold", token))?),
            _ => Self::Sale,
        })
    }

    fn refund(&self) -> Option<&'a Refund> {
        if let Self::Refund(refund) = self { Some(refund) } else { None }
    }

    fn operation(&self) -> Option<&'a Operation> {
        if let Self::Operation(operation) = self { Some(operation) } else { None }
    }

    fn referral(&self) -> Option<&'a Referral> {
        if let Self::Referral(case) = self { Some(case) } else { None }
    }

    fn liability(&self) -> Option<&'a Liability> {
        if let Self::Liability(liability) = self { Some(liability) } else { None }
    }

    fn amount(&self, sale: &'a Sale) -> &'a Money {
        match self {
            Self::Sale | Self::Code(_) => &sale.captured,
            Self::Void(void) => &void.amount,
            Self::Refund(refund) => &refund.request.amount,
            Self::Operation(operation) => &operation.amount,
            Self::Hold(hold) => &hold.authorised,
            Self::Referral(case) => &case.amount,
            Self::Order(order) => &order.amount,
            Self::Liability(liability) => &liability.amount,
        }
    }

    /// When it ends by itself.
    fn ends_at(&self) -> Option<Instant> {
        match self {
            Self::Code(code) => Some(code.expires_at),
            Self::Hold(hold) => Some(hold.expires_at),
            Self::Referral(case) => Some(case.expires_at),
            Self::Order(order) => Some(order.expires_at),
            Self::Sale | Self::Void(_) | Self::Refund(_) | Self::Operation(_) | Self::Liability(_) => None,
        }
    }

    fn reason(&self, event: &Event, language: &dyn Language) -> Option<String> {
        let said = event.reason.as_deref();
        match self {
            Self::Sale | Self::Code(_) | Self::Hold(_) => None,
            Self::Void(void) => provider_reason(void.evidence.as_ref(), language).or(said_by(said, language)),
            Self::Operation(o) => provider_reason(o.evidence.as_ref(), language).or(said_by(said, language)),
            Self::Refund(refund) => {
                let ended = refund.ended_because.as_deref();
                match event.kind {
                    EventKind::RefundFailed => {
                        provider_reason(refund.evidence.as_ref(), language).or(said_by(said.or(ended), language))
                    }
                    EventKind::RefundTraceAnswered => {
                        let heard = refund.trace.as_ref().and_then(|trace| trace.evidence.as_ref());
                        provider_reason(heard, language).or(said_by(said, language))
                    }
                    EventKind::RefundReturned => said_by(said, language),
                    _ => said_by(ended.or(said), language),
                }
            }
            Self::Referral(case) => match event.kind {
                EventKind::CaseOpened => said_by(case.reason.as_deref().or(said), language),
                _ => said_by(case.because.as_deref().or(said), language),
            },
            Self::Order(order) => said_by(Some(&order.reason), language),
            Self::Liability(liability) => said_by(liability.because.as_deref().or(said), language),
        }
    }
}

/// What the notice holds, if it is what the event names.
fn held<'a, T>(
    found: Option<&'a T>,
    id: impl Fn(&'a T) -> &'a str,
    named: Option<&str>,
    what: &str,
    token: &str,
) -> Result<&'a T, RenderError> {
    found.filter(|found| named.is_none_or(|named| named == id(found))).ok_or_else(|| lacks(what, token))
}

/// 撤销成功 and 退款成功 are said of what is done and of nothing else (`DOMAIN.md` §5).
fn check_state(announced: bool, is_so: bool, token: &str) -> Result<(), RenderError> {
    if announced && !is_so {
        return Err(RenderError::Incomplete(format!(
            "{token}: what it is about is not in the state that is announced"
        )));
    }
    Ok(())
}

fn check_refund(refund: &Refund, kind: EventKind, token: &str) -> Result<(), RenderError> {
    let cleared = refund.state == RefundState::Cleared;
    match kind {
        EventKind::RefundCleared | EventKind::RefundReturned => check_state(true, cleared, token),
        EventKind::RefundTraceRequested | EventKind::RefundTraceAnswered if refund.trace.is_none() => {
            Err(lacks("trace", token))
        }
        EventKind::RefundInformationAsked if refund.inquiries.is_empty() => Err(lacks("inquiry", token)),
        _ => Ok(()),
    }
}

fn lacks(what: &str, token: &str) -> RenderError {
    RenderError::Incomplete(format!("{what}: {token} is about one, and the notice does not hold it"))
}

/// What is known of the order that an operation closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderStanding {
    /// A code that nobody scanned: nobody can have paid it.
    Unscanned,
    /// Anything else: somebody may have paid.
    MayBePaid,
}

impl OrderStanding {
    fn of(code: Option<&PaymentCode>) -> Self {
        if code.is_some_and(|code| code.scanned_at.is_none()) { Self::Unscanned } else { Self::MayBePaid }
    }
}

/// What an operation does, as people tell them apart. Nothing for a void or refund, which have records of their own.
pub(crate) fn deed(operation: &Operation, order: OrderStanding) -> Option<Deed> {
    Some(match operation.kind {
        Way::Void | Way::Refund => return None,
        Way::Reversal => Deed::Reversal,
        Way::OrderClose if order == OrderStanding::Unscanned => Deed::CodeCancel,
        Way::OrderClose => Deed::OrderClose,
        Way::HoldRelease => Deed::HoldRelease,
        Way::HoldCompletion if operation.penalty => Deed::Penalty,
        Way::HoldCompletion => Deed::HoldCompletion,
        Way::CompletionVoid => Deed::CompletionVoid,
    })
}

fn story(
    notice: &Notice,
    about: &About<'_>,
    audience: Audience,
    clock: Clock,
    locale: Locale,
) -> Result<Story, RenderError> {
    let event = &notice.event;
    let said = event.reason.as_deref();
    let language = language(locale);
    let reason = about.reason(event, language);
    let refund = about.refund();
    let liability = about.liability();
    let refund_id = refund.map(|r| r.id.as_str()).or(liability.map(|l| l.refund.as_str()));
    let number = match about {
        About::Referral(case) => case.id.as_str(),
        About::Order(order) => &order.reference,
        _ => "",
    };
    Ok(Story {
        kind: event.kind,
        audience,
        merchant: merchant_name(&notice.merchant_name)?,
        sale: sale_name(&notice.sale),
        amount: amount::show(about.amount(&notice.sale), locale)?,
        refund: refund_id.map_or_else(String::new, plain::line),
        reason: reason.map(|r| if audience == Audience::Customer { without_persons(&r, &persons(notice)) } else { r }),
        arrival: refund.map(|r| arrival::of_refund(r, event.at, clock)).transpose()?.flatten(),
        approvals_left: refund.map_or(0, approvals_left),
        outcome: said.and_then(leading_token),
        hold: notice.hold.is_some(),
        deed: about.operation().and_then(|operation| deed(operation, OrderStanding::of(notice.code.as_ref()))),
        contested: said == Some(LATE_ANSWER),
        number: plain::note(number).unwrap_or_default(),
        until: about.ends_at().map(|at| clock.show(at)).transpose()?,
        trouble: said.and_then(leading_token),
        arrived: refund.and_then(|r| r.trace.as_ref()).and_then(|trace| trace.arrived),
        way: about.referral().map(|case| case.way),
        granted: about.referral().is_some_and(|case| case.decided_by.is_some()),
        debt: liability.map(|l| Debt { cause: l.cause, debtor: l.debtor, creditor: l.creditor, state: l.state }),
    })
}

/// A word of a vocabulary, alone or before a colon and a note.
fn leading_token<T: Token>(text: &str) -> Option<T> {
    T::from_token(text.split_once(':').map_or(text, |(token, _)| token).trim())
}

fn said_by(reason: Option<&str>, language: &dyn Language) -> Option<String> {
    let reason = plain::note(reason?)?;
    let text = language.word(unended(&reason));
    Some(text).filter(|t| !t.is_empty())
}

/// A text without its full stop: one follows in the message.
fn unended(text: &str) -> &str {
    text.trim_end_matches(['.', '。', ' '])
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

/// The people at the merchant, in review and in support whom a notice names.
fn persons(notice: &Notice) -> Vec<&str> {
    let mut persons: Vec<&str> = Vec::new();
    persons.extend(person(&notice.event.actor));
    persons.extend(notice.sale.operator.as_ref().map(PersonId::as_str));
    persons.extend(notice.void_operation.as_ref().map(|void| void.requested_by.as_str()));
    persons.extend(notice.operation.as_ref().and_then(|operation| person(&operation.requested_by)));
    if let Some(refund) = &notice.refund {
        persons.push(refund.request.requested_by.as_str());
        persons.extend(refund.request.operator.as_ref().map(PersonId::as_str));
        persons.extend(refund.approvals.iter().map(|approval| approval.by.as_str()));
        persons.extend(refund.trace.as_ref().map(|trace| trace.requested_by.as_str()));
        for inquiry in &refund.inquiries {
            persons.push(inquiry.asked_by.as_str());
            persons.extend(inquiry.answered_by.as_ref().map(PersonId::as_str));
        }
    }
    if let Some(case) = &notice.referral {
        persons.push(case.opened_by.as_str());
        persons.extend([&case.assigned_to, &case.decided_by].into_iter().flatten().map(PersonId::as_str));
    }
    if let Some(order) = &notice.order {
        persons.push(order.proposed_by.as_str());
        persons.extend(order.confirmed_by.as_ref().map(PersonId::as_str));
    }
    persons.extend(notice.liability.as_ref().and_then(|l| l.ended_by.as_ref()).map(PersonId::as_str));
    persons
}

fn person(actor: &Actor) -> Option<&str> {
    if let Actor::Person(person) = actor { Some(person.id.as_str()) } else { None }
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
