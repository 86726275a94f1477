//! Events: the history of a sale, and the feed of a merchant.

use crate::feed::Told;
use crate::http::Shared;
use crate::http::answer;
use crate::http::caller::Caller;
use crate::http::money::Amount;
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::http::word::{EventKindWord, Vocabulary, Word};
use crate::ports::Ports;
use crate::sale::Aggregate;
use crate::terminal::notice::TerminalNotice;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{Actor, Audience, Event, Locale, Message, SaleId};
use serde::Serialize;

/// One thing that happened to a sale.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Event))]
pub struct EventView {
    /// The sale's id, a dot, and the event's number within the sale.
    id: String,
    /// What happened.
    r#type: EventKindWord,
    /// When.
    at: Time,
    /// The sale it happened to.
    sale: String,
    /// Counts the sale's events from 1, without gaps.
    sequence: u64,
    /// The void or other operation it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    /// The refund it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<String>,
    /// The amount it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Amount>,
    /// Who did it.
    actor: ActorView,
    /// A reason code or short note.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The referral, legal order or liability it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
}

/// Who did something.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Actor))]
pub enum ActorView {
    /// A person.
    Person {
        /// Who.
        id: String,
        /// The roles the person held at that moment.
        roles: Vec<String>,
    },
    /// A terminal.
    Terminal {
        /// Which.
        id: String,
    },
    /// Rescind itself, or a merchant's system.
    System,
}

impl ActorView {
    /// Somebody.
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        match actor {
            Actor::Person(person) => Self::Person {
                id: person.id.value.clone(),
                roles: person.roles.iter().map(|r| r.value.clone()).collect(),
            },
            Actor::Terminal(terminal) => Self::Terminal { id: terminal.value.clone() },
            Actor::System => Self::System,
        }
    }
}

impl EventView {
    /// An event of a sale.
    #[must_use]
    pub fn of(sale: &SaleId, event: &Event) -> Self {
        Self {
            id: format!("{sale}.{}", event.sequence),
            r#type: Word(event.kind),
            at: Time(event.at),
            sale: sale.value.clone(),
            sequence: event.sequence,
            operation: event.operation.as_ref().map(|o| o.value.clone()),
            refund: event.refund.as_ref().map(|r| r.value.clone()),
            amount: event.amount.clone().map(Amount),
            actor: ActorView::of(&event.actor),
            reason: event.reason.clone(),
            about: event.about.clone(),
        }
    }
}

/// An event as it is told to others: in the feed, and as the `data` of a webhook.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ToldEvent {
    /// What happened.
    #[serde(flatten)]
    event: EventView,
    /// The merchant it happened at.
    merchant: String,
    /// The event in words, if it concerns the audience.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageView>,
}

/// Something about a terminal, as it is told to others: in the feed, and as the `data` of a webhook.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ToldNotice {
    /// Names it within the merchant.
    id: String,
    /// `terminal.incident`: something that should not be, a person has to look at it. `terminal.operation`: what became of an
    /// operation that the terminal had let wait for the server, where it did not go as hoped.
    r#type: &'static str,
    /// Since when it is known.
    at: Time,
    /// The merchant.
    merchant: String,
    /// The terminal.
    terminal: String,
    /// What exactly: `decision.differs`, `batch.fork`, `became.refund`, …
    code: String,
    /// The number of the journal's record it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<u64>,
    /// The sale it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    sale: Option<String>,
    /// The operation it is about, by the terminal's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    /// The amount it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Amount>,
    /// The refund that was opened instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<String>,
    /// The case that was opened instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    /// What was found.
    detail: String,
    /// The same in words, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageView>,
}

impl ToldNotice {
    fn of(notice: &TerminalNotice, message: Option<&Message>) -> Self {
        Self {
            id: notice.id.clone(),
            r#type: notice.kind.token(),
            at: Time(notice.at),
            merchant: notice.merchant.value.clone(),
            terminal: notice.terminal.value.clone(),
            code: notice.code.clone(),
            record: notice.record,
            sale: notice.sale.as_ref().map(|sale| sale.value.clone()),
            operation: notice.operation.as_ref().map(|operation| operation.value.clone()),
            amount: notice.amount.clone().map(Amount),
            refund: notice.refund.as_ref().map(|refund| refund.value.clone()),
            case: notice.case.as_ref().map(|case| case.value.clone()),
            detail: notice.detail.clone(),
            message: message.map(MessageView::of),
        }
    }
}

/// A notice as the `data` of a webhook.
#[must_use]
pub fn notice_body(notice: &TerminalNotice, message: Option<&Message>) -> impl Serialize + use<> {
    ToldNotice::of(notice, message)
}

/// An entry of the feed.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeedEntry {
    /// Its position: give it as `after` to go on behind it.
    position: String,
    /// What happened.
    #[serde(flatten)]
    told: FeedNews,
}

/// What an entry of the feed tells.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum FeedNews {
    /// Something happened to a sale.
    Event(Box<ToldEvent>),
    /// Something about a terminal.
    Notice(Box<ToldNotice>),
}

impl ToldEvent {
    fn of(aggregate: &Aggregate, event: &Event, message: Option<&Message>) -> Self {
        let sale = &aggregate.ledger.sale;
        Self {
            event: EventView::of(&sale.id, event),
            merchant: sale.merchant.value.clone(),
            message: message.map(MessageView::of),
        }
    }
}

/// An event as the `data` of a webhook.
#[must_use]
pub fn body(aggregate: &Aggregate, event: &Event, message: Option<&Message>) -> impl Serialize + use<> {
    ToldEvent::of(aggregate, event, message)
}

/// A text for people.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Message))]
pub struct MessageView {
    /// One line.
    title: String,
    /// One or two sentences.
    body: String,
}

impl MessageView {
    fn of(message: &Message) -> Self {
        Self { title: message.title.clone(), body: message.body.clone() }
    }
}

/// A part of the feed.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Feed {
    /// What happened, oldest first.
    items: Vec<FeedEntry>,
    /// Where to go on: always there, also when nothing new happened.
    next: String,
}

/// `GET /v1/events`
pub async fn list<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let scope = caller.scope(&["after", "limit", "audience", "locale"])?;
    let page = scope.asked.page()?;
    let audience = scope.asked.read_with("audience", Audience::read)?;
    let locale = scope.asked.read_with("locale", Locale::read)?.unwrap_or(Locale::ZhCn);
    let feed = app.events(&scope.who, &scope.merchant, page.after.as_deref(), page.limit).await?;
    let mut items = Vec::with_capacity(feed.items.len());
    for item in feed.items {
        let told = match &item.told {
            Told::OfSale { event, aggregate } => {
                let message = match audience {
                    Some(audience) => app.render(aggregate, event, audience, locale).await?,
                    None => None,
                };
                FeedNews::Event(Box::new(ToldEvent::of(aggregate, event, message.as_ref())))
            }
            Told::OfTerminal(notice) => {
                let message = audience.filter(|a| *a == Audience::Merchant).map(|_| notice.message(locale));
                FeedNews::Notice(Box::new(ToldNotice::of(notice, message.as_ref())))
            }
        };
        items.push(FeedEntry { position: item.position, told });
    }
    answer::json(StatusCode::OK, &Feed { items, next: feed.next })
}
