//! What people are told about a terminal: that something is wrong with what it handed in, and what became of operations
//! that did not go as the terminal had let them.
//!
//! A notice is in the merchant's feed once, among the events of its sales, and is delivered to the merchant's endpoints. It
//! gets there as they do: it is assigned a page by compare-and-swap, and moves on to the next only if that page is full
//! without it. Before it is written it is noted that it may have to be published; a tick makes good what was interrupted.

use crate::app::App;
use crate::error::Error;
use crate::limits::{INTENT_PATIENCE, NOTICE_BYTES, NOTICES_WAITING};
use crate::ports::Ports;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::list::Entry;
use crate::store::marks::Marks;
use crate::terminal::journal::name_of;
use rescind_model::{
    CaseId, Instant, Locale, MerchantId, Message, Money, OperationId, RefundId, SaleId, TerminalId, card_number,
};
use serde::{Deserialize, Serialize};

/// What a reference to a notice begins with in a feed, where events have the name of their sale: a sale's holds no slash.
const REFERENCE: &str = "notice/";

/// Every code of a notice that is made here, besides those of refused batches (`batch.…`) and of proofs (`proof.…`), which are
/// problem codes too, and what a terminal itself found (`terminal.…`). Part of the API's contract, like those.
pub const CODES: [&str; 18] = [
    "became.case",
    "became.refund",
    "became.refused",
    "decision.differs",
    "decision.form",
    "journal.replaced",
    "operation.differs",
    "operation.name-taken",
    "operation.nameless",
    "operation.undecided",
    "operation.without-sale",
    "outcome.without-operation",
    "policy.not-loaded",
    "policy.unknown",
    "proof.missing",
    "record.refused",
    "sale.differs",
    "sale.not-kept",
];

/// What kind of notice it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Something that should not be. A person has to look at it.
    Incident,
    /// What became of an operation that a terminal had let wait for the server.
    Operation,
}

impl Kind {
    /// Its type, in the feed and in webhooks.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Incident => "terminal.incident",
            Self::Operation => "terminal.operation",
        }
    }
}

/// Something about a terminal that people are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalNotice {
    /// Names it within the merchant.
    pub id: String,
    /// Whose terminal.
    pub merchant: MerchantId,
    /// Which.
    pub terminal: TerminalId,
    /// Since when it is known here.
    pub at: Instant,
    /// What kind.
    pub kind: Kind,
    /// What exactly: stable, such as `decision.differs`.
    pub code: String,
    /// The number of the journal's record it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// The sale it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<SaleId>,
    /// The operation it is about, by the terminal's name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    /// How much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The refund that was opened instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundId>,
    /// The case that was opened instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// What was found, in words for people. Never with a card number.
    pub detail: String,
}

/// A notice and how far it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    pub(crate) notice: TerminalNotice,
    /// The page of the feed that it was assigned to.
    page: Option<u64>,
    pub(crate) published: bool,
    marks: Marks,
}

impl Record for Stored {
    const FORMAT: &'static str = "terminal-notice/1";
    fn holds(&self, id: &str) -> bool {
        self.marks.has(id)
    }
}

/// A notice that may not be in its feed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Waiting {
    pub(crate) merchant: MerchantId,
    pub(crate) id: String,
    pub(crate) since: Instant,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllWaiting {
    pub(crate) notices: Vec<Waiting>,
    pub(crate) marks: Marks,
}

impl Record for AllWaiting {
    const FORMAT: &'static str = "notices/1";
    fn holds(&self, id: &str) -> bool {
        self.marks.has(id)
    }
}

/// The notice that a feed's entry refers to, if it is one.
pub(crate) fn referred(entry: &Entry) -> Option<&str> {
    entry.id.strip_prefix(REFERENCE)
}

impl TerminalNotice {
    /// A notice. `name` tells it from others of its terminal: the same name is the same notice.
    #[must_use]
    pub fn new(merchant: &MerchantId, terminal: &TerminalId, kind: Kind, code: &str, name: &str, at: Instant) -> Self {
        Self {
            id: name_of(merchant, terminal, name),
            merchant: merchant.clone(),
            terminal: terminal.clone(),
            at,
            kind,
            code: code.to_owned(),
            record: None,
            sale: None,
            operation: None,
            amount: None,
            refund: None,
            case: None,
            detail: String::new(),
        }
    }

    /// The notice in words, for staff.
    #[must_use]
    pub fn message(&self, locale: Locale) -> Message {
        let terminal = &self.terminal;
        let about = match (&self.sale, &self.operation, locale) {
            (Some(sale), Some(operation), Locale::ZhCn) => format!("交易 {sale},操作 {operation}。"),
            (Some(sale), Some(operation), Locale::En) => format!("Sale {sale}, operation {operation}. "),
            (Some(sale), None, Locale::ZhCn) => format!("交易 {sale}。"),
            (Some(sale), None, Locale::En) => format!("Sale {sale}. "),
            (None, _, _) => String::new(),
        };
        let (title, what) = match (self.kind, locale) {
            (Kind::Incident, Locale::ZhCn) => (format!("终端 {terminal} 异常"), "请人工核查"),
            (Kind::Incident, Locale::En) => (format!("Incident at terminal {terminal}"), "A person has to look at it"),
            (Kind::Operation, locale) => {
                let became = match (self.code.as_str(), locale) {
                    ("became.refund", Locale::ZhCn) => "脱机撤销已过时限,已转为退货申请",
                    ("became.refund", Locale::En) => "It was too late for the void: a refund was opened instead",
                    ("became.case", Locale::ZhCn) => "脱机操作已转客服处理",
                    ("became.case", Locale::En) => "Support decides about the operation",
                    (_, Locale::ZhCn) => "脱机操作未获通过,未执行",
                    (_, Locale::En) => "The operation was refused and not carried out",
                };
                let title = match locale {
                    Locale::ZhCn => format!("终端 {terminal} 脱机操作"),
                    Locale::En => format!("Offline operation at {terminal}"),
                };
                (title, became)
            }
        };
        let detail = &self.detail;
        let body = match locale {
            Locale::ZhCn => format!("{what}({})。{about}{detail}", self.code),
            Locale::En => format!("{what} ({}). {about}{detail}", self.code),
        };
        Message { title, body }
    }
}

impl<P: Ports> App<P> {
    /// Tells people something, once: the same name again is the same notice, and what it said first counts.
    ///
    /// # Errors
    /// The store's. It is told all the same, by a tick or by whoever says it again, unless nothing was written yet.
    pub(crate) async fn notify(&self, mut notice: TerminalNotice) -> Result<(), Error> {
        let (merchant, id) = (notice.merchant.clone(), notice.id.clone());
        let key = Key::notice(&merchant, &id).checked()?;
        let records = self.records().await?;
        if records.read::<Stored>(&key).await?.is_some_and(|there| there.published) {
            return self.strike_notice(&merchant, &id).await;
        }
        let detail = card_number::mask(&notice.detail).text;
        notice.detail = cut(detail, NOTICE_BYTES);
        self.ports.log(&format!("terminal {}/{}: {} {}", merchant, notice.terminal, notice.kind.token(), notice.code));
        let now = self.ports.now();
        self.change_waiting(|waiting| {
            let there = waiting.iter().any(|w| w.merchant == merchant && w.id == id);
            if !there {
                waiting.push(Waiting { merchant: merchant.clone(), id: id.clone(), since: now });
            }
            waiting.len() <= NOTICES_WAITING
        })
        .await?;
        let mark = self.random_hex(16);
        records
            .update::<Stored, _, _>(&key, &mark, self.unique(), |there| {
                if there.is_some() {
                    return Ok((None, ()));
                }
                let mut marks = Marks::default();
                marks.add(&mark);
                Ok((Some(Stored { notice: notice.clone(), page: None, published: false, marks }), ()))
            })
            .await?;
        self.publish_notice(&merchant, &id).await
    }

    /// A notice.
    pub(crate) async fn notice(&self, merchant: &MerchantId, id: &str) -> Result<Option<TerminalNotice>, Error> {
        Ok(self.records().await?.read::<Stored>(&Key::notice(merchant, id)).await?.map(|there| there.notice))
    }

    /// Publishes what was interrupted; gives how many there were. One that cannot be is left to the next tick.
    pub(crate) async fn publish_notices(&self) -> Result<u32, Error> {
        let Some(all) = self.records().await?.read::<AllWaiting>(&Key::notices()).await? else { return Ok(0) };
        let mut published = 0_u32;
        let now = self.ports.now();
        for waiting in all.notices {
            let there = self.notice(&waiting.merchant, &waiting.id).await?.is_some();
            let done = match there {
                true => self.publish_notice(&waiting.merchant, &waiting.id).await,
                // It never came to be, and whoever wanted it will say it again.
                false if now.since(waiting.since) > INTENT_PATIENCE => {
                    self.strike_notice(&waiting.merchant, &waiting.id).await
                }
                false => continue,
            };
            match done {
                Ok(()) => published = published.saturating_add(1),
                Err(error) => self.ports.log(&format!("notice {} waits: {error}: {error:?}", waiting.id)),
            }
        }
        Ok(published)
    }

    async fn publish_notice(&self, merchant: &MerchantId, id: &str) -> Result<(), Error> {
        let records = self.records().await?;
        let (key, feed) = (Key::notice(merchant, id), Key::feed(merchant));
        let entry = Entry { id: format!("{REFERENCE}{id}"), at: String::new() };
        let mut full: Option<u64> = None;
        loop {
            let next = match full {
                Some(page) => records.advance(&feed, page, self.unique()).await?,
                None => records.tail(&feed).await?,
            };
            let page = self.assign(&key, next, full).await?;
            let Some(page) = page else { break };
            if records.add_to_page(&feed, page, core::slice::from_ref(&entry), self.unique()).await?.is_empty() {
                break;
            }
            full = Some(page);
        }
        self.note_deliveries(&Key::lane(0), merchant).await?;
        let mark = self.random_hex(16);
        records
            .update::<Stored, _, _>(&key, &mark, self.unique(), |there| {
                let there = there.ok_or_else(|| Error::Unavailable("a notice is not seen yet".to_owned()))?;
                if there.published {
                    return Ok((None, ()));
                }
                let mut next = Stored { published: true, ..there.clone() };
                next.marks.add(&mark);
                Ok((Some(next), ()))
            })
            .await?;
        self.strike_notice(merchant, id).await
    }

    /// The page of a notice, which is this one if it has none, or if the one it has is full without it. `None`: it is
    /// published.
    async fn assign(&self, key: &Key, to: u64, full: Option<u64>) -> Result<Option<u64>, Error> {
        let mark = self.random_hex(16);
        self.records()
            .await?
            .update::<Stored, _, _>(key, &mark, self.unique(), |there| {
                let there = there.ok_or_else(|| Error::Unavailable("a notice is not seen yet".to_owned()))?;
                if there.published {
                    return Ok((None, None));
                }
                match there.page {
                    Some(page) if full != Some(page) => Ok((None, Some(page))),
                    Some(_) | None => {
                        let mut next = Stored { page: Some(to), ..there.clone() };
                        next.marks.add(&mark);
                        Ok((Some(next), Some(to)))
                    }
                }
            })
            .await
    }

    async fn strike_notice(&self, merchant: &MerchantId, id: &str) -> Result<(), Error> {
        let there = self.records().await?.read::<AllWaiting>(&Key::notices()).await?;
        let same = |waiting: &Waiting| waiting.merchant == *merchant && waiting.id == id;
        if !there.is_some_and(|all| all.notices.iter().any(same)) {
            return Ok(());
        }
        self.change_waiting(|waiting| {
            waiting.retain(|waiting| !same(waiting));
            true
        })
        .await
    }

    async fn change_waiting(&self, mut change: impl FnMut(&mut Vec<Waiting>) -> bool + Send) -> Result<(), Error> {
        let mark = self.random_hex(16);
        self.records()
            .await?
            .update::<AllWaiting, _, _>(&Key::notices(), &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                if !change(&mut next.notices) {
                    return Err(Error::Unavailable("too many notices wait: the courier is behind".to_owned()));
                }
                next.marks.add(&mark);
                Ok((Some(next), ()))
            })
            .await
    }
}

/// A text of at most so many bytes.
pub(crate) fn cut(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default().to_owned()
}
