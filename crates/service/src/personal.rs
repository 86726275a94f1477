//! What is personal about a payment (`DOMAIN.md` §9): how its customer is reached, and what people wrote about it. The
//! ledger holds salted commitments; the texts are here, one record per payment, and can be erased.
//!
//! - **Before the commit.** A text is written before the command that commits to it. If the command never comes through,
//!   the text stands alone until retention, an erasure, or the next text that needs its room takes it away.
//! - **The same commitment on a retry.** The salt is 32 random bytes, kept beside the text under the command's name (its
//!   *scope*). A retry finds it there. It is not derived from a secret of the deployment: whoever had that secret could
//!   try telephone numbers against a commitment long after the text was erased.
//! - **Erased stays erased.** An erased text leaves its scope and commitment behind. A request that was on its way when it
//!   was erased finds them and does not write the text again.

use crate::announcement::Announcement;
use crate::app::App;
use crate::error::Error;
use crate::limits::{DAY_MS, ERASED_AT_ONCE, INTENT_PATIENCE, PERSONAL_ITEMS, PERSONAL_QUESTIONS, SWAP_ATTEMPTS};
use crate::ports::{Policy as _, Ports};
use crate::principal::{Deed, Principal};
use crate::refund::check_text;
use crate::retention::Ends;
use crate::sale::Aggregate;
use crate::store::Record;
use crate::store::key::Key;
use rescind_model::{
    Actor, Command, CommandId, Digest, Duration, EventKind, Instant, Ledger, MerchantId, SaleId, commitment,
};
use serde::{Deserialize, Serialize};

/// What kind of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Free text.
    Note,
    /// What a reviewer asked.
    Question,
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A user of the merchant's app.
    App,
}

impl Kind {
    /// Its word, also under the commitment.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Question => "question",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::App => "app",
        }
    }
}

/// A text that must not stand in a ledger.
#[derive(Clone, PartialEq, Eq)]
pub struct Personal {
    /// What it is.
    pub kind: Kind,
    /// The text.
    pub text: String,
}

impl core::fmt::Debug for Personal {
    /// Without the text: what is printed may end in a log.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Personal({})", self.kind.word())
    }
}

/// The text, or that it is gone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Kept {
    /// It is there.
    Text {
        /// 32 random bytes as hexadecimal digits.
        salt: Digest,
        /// The text.
        text: String,
    },
    /// It was erased.
    Erased {
        /// When.
        at: Instant,
        /// By whom: a person, or `retention`.
        by: String,
        /// Why.
        because: String,
    },
}

impl core::fmt::Debug for Kept {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(if matches!(self, Self::Text { .. }) { "Text" } else { "Erased" })
    }
}

/// One text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    /// The command it belongs to, and which of its texts it is.
    scope: String,
    pub(crate) kind: Kind,
    pub(crate) commitment: Digest,
    pub(crate) kept: Kept,
    stored_at: Instant,
    keep_until: Instant,
}

/// All of one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct PersonalRecord {
    pub(crate) items: Vec<Item>,
    /// A mark of the last change, so that it can be proved.
    mark: String,
}

impl Record for PersonalRecord {
    const FORMAT: &'static str = "personal/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

impl PersonalRecord {
    /// What a commitment stands for.
    #[must_use]
    pub fn find(&self, commitment: &Digest) -> Option<(Kind, &Kept)> {
        self.items.iter().find(|i| i.commitment == *commitment).map(|i| (i.kind, &i.kept))
    }

    /// Whether another text of this kind may be kept: questions take no room from notes and contacts, nor these from them.
    fn has_room_for(&self, kind: Kind) -> bool {
        let asks = kind == Kind::Question;
        let there = self.items.iter().filter(|item| (item.kind == Kind::Question) == asks).count();
        there < if asks { PERSONAL_QUESTIONS } else { PERSONAL_ITEMS }
    }

    /// Takes away what these commitments stand for; `false` if nothing was there.
    fn wipe(&mut self, named: &[Digest], gone: &Kept) -> bool {
        let mut changed = false;
        for item in self.items.iter_mut().filter(|i| named.contains(&i.commitment)) {
            if matches!(item.kept, Kept::Text { .. }) {
                item.kept = gone.clone();
                changed = true;
            }
        }
        changed
    }
}

/// What is to be done about a text whose scope holds another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Other {
    /// The command came to nothing and its key was used again.
    Replace,
    /// The first stays.
    Refuse,
}

/// An erasure that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureAsk {
    /// Why.
    pub reason: String,
    /// What. Everything personal about the payment, if absent.
    pub commitments: Option<Vec<Digest>>,
}

/// What an erasure did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Erasure {
    /// What nobody can open any more, now or since before.
    pub erased: Vec<Digest>,
    /// Evidence that stays, because an operation under way rests on it.
    pub kept: Vec<Digest>,
}

/// Every commitment in a ledger.
#[must_use]
pub fn commitments(ledger: &Ledger) -> Vec<Digest> {
    let requests = ledger.refunds.iter().flat_map(|r| [r.request.note.as_ref(), r.request.contact.as_ref()]);
    let questions = ledger.refunds.iter().flat_map(|r| &r.inquiries).map(|inquiry| Some(&inquiry.question));
    let mut all: Vec<Digest> = Vec::new();
    for commitment in [ledger.sale.contact.as_ref()].into_iter().chain(requests).chain(questions).flatten() {
        if !all.contains(commitment) {
            all.push(commitment.clone());
        }
    }
    all
}

/// Everything whose erasure a ledger tells of.
fn told(aggregate: &Aggregate) -> Vec<&str> {
    let events = aggregate.events.iter().filter(|e| e.kind == EventKind::DataErased);
    events.filter_map(|e| e.reason.as_deref()).flat_map(|text| text.split(' ')).collect()
}

impl<P: Ports> App<P> {
    /// Keeps a text of a command, before it is committed; gives the commitment to it. The same again gives the same.
    ///
    /// `field` tells the texts of one command apart. Call it only while the payment does not hold the command yet.
    ///
    /// # Errors
    /// [`Error::Conflict`] `record.full`; the store's.
    pub(crate) async fn keep_text(
        &self,
        merchant: &MerchantId,
        ledger: &Ledger,
        command: &CommandId,
        field: &str,
        personal: &Personal,
    ) -> Result<Digest, Error> {
        let scope = format!("{command}/{field}");
        let live = commitments(ledger);
        self.keep(merchant, &ledger.sale.id, &scope, personal, &live, Other::Replace).await
    }

    /// Keeps how the customer of a sale is reached, before the sale is registered; gives the commitment to it. Of one that
    /// is registered, gives the commitment it has, if it is to the same contact or nobody can tell any more.
    ///
    /// # Errors
    /// [`Error::Conflict`] `sale.conflict`; the store's.
    pub(crate) async fn keep_contact_of_sale(
        &self,
        merchant: &MerchantId,
        sale: &SaleId,
        personal: &Personal,
    ) -> Result<Digest, Error> {
        let records = self.records().await?;
        let there = records.read::<Aggregate>(&Key::sale(merchant, sale)).await?;
        if let Some(there) = there {
            let differs = || Error::Conflict {
                code: "sale.conflict",
                message: format!("sale {sale} is registered with other content"),
            };
            let registered = there.ledger.sale.contact.ok_or_else(differs)?;
            let record = records.read::<PersonalRecord>(&Key::personal(merchant, sale)).await?.unwrap_or_default();
            return match record.find(&registered) {
                Some((kind, Kept::Text { text, .. })) if kind != personal.kind || *text != personal.text => {
                    Err(differs())
                }
                _ => Ok(registered),
            };
        }
        self.keep(merchant, sale, "sale/contact", personal, &[], Other::Refuse).await
    }

    async fn keep(
        &self,
        merchant: &MerchantId,
        sale: &SaleId,
        scope: &str,
        personal: &Personal,
        live: &[Digest],
        other: Other,
    ) -> Result<Digest, Error> {
        let now = self.ports.now();
        let keep_until = self.keep_until(merchant, now).await?;
        // First the day it ends on: an entry without a text is passed over, a text without one would stay for ever.
        self.ends_on(merchant, &Ends::Personal(sale.clone()), keep_until).await?;
        let bytes = self.ports.random();
        let salt = Digest { hex: bytes.iter().map(|b| format!("{b:02x}")).collect() };
        let fresh = Item {
            scope: scope.to_owned(),
            kind: personal.kind,
            commitment: commitment::of(&bytes, personal.kind.word(), &personal.text),
            kept: Kept::Text { salt, text: personal.text.clone() },
            stored_at: now,
            keep_until,
        };
        let mark = self.random_hex(32);
        let key = Key::personal(merchant, sale).checked()?;
        let change = |there: Option<&PersonalRecord>| {
            let mut next = there.cloned().unwrap_or_default();
            if let Some(item) = next.items.iter().find(|i| i.scope == scope) {
                let same = match &item.kept {
                    Kept::Text { text, .. } => item.kind == personal.kind && *text == personal.text,
                    Kept::Erased { .. } => true,
                };
                if same {
                    return Ok((None, item.commitment.clone()));
                }
                let abandoned = now.since(item.stored_at) > INTENT_PATIENCE;
                if other == Other::Refuse && !abandoned {
                    let message = format!("sale {sale} is being registered with other content");
                    return Err(Error::Conflict { code: "sale.conflict", message });
                }
                next.items.retain(|i| i.scope != scope);
            }
            if !next.has_room_for(personal.kind) {
                // Texts of commands that came to nothing make room.
                next.items.retain(|i| live.contains(&i.commitment) || now.since(i.stored_at) <= INTENT_PATIENCE);
            }
            if !next.has_room_for(personal.kind) {
                let what = if personal.kind == Kind::Question { "questions" } else { "notes and contacts" };
                return Err(Error::Conflict { code: "record.full", message: format!("this sale has too many {what}") });
            }
            next.items.push(fresh.clone());
            next.mark.clone_from(&mark);
            Ok((Some(next), fresh.commitment.clone()))
        };
        let records = self.records().await?;
        if records.leaves_bodies() && records.read::<PersonalRecord>(&key).await?.is_none() {
            // An empty one first: a body whose head was never won would keep the text where no erasure finds it.
            let empty = PersonalRecord { items: Vec::new(), mark: self.random_hex(32) };
            records
                .update::<PersonalRecord, _, _>(&key, &empty.mark, self.unique(), |there| {
                    Ok((there.is_none().then(|| empty.clone()), ()))
                })
                .await?;
        }
        records.update::<PersonalRecord, _, _>(&key, &mark, self.unique(), change).await
    }

    /// Until when what is stored now is kept, by the merchant's policy.
    pub(crate) async fn keep_until(&self, merchant: &MerchantId, now: Instant) -> Result<Instant, Error> {
        let merchant = self.merchant(merchant).await?;
        let days = self.policy_of(&merchant).await?.terms().retention_days.max(1);
        let day = u64::try_from(DAY_MS).unwrap_or_default();
        let length = Duration { ms: u64::from(days).saturating_mul(day) };
        now.plus(length).map_err(|e| Error::Internal(format!("retention of {}: {e}", merchant.id)))
    }

    /// Erases what is personal about a payment, and has the ledger tell of it. Again is harmless.
    ///
    /// Evidence that its refunds and cases name goes too, unless something under way rests on it.
    ///
    /// # Errors
    /// Not permitted; no such payment; [`Error::Invalid`] for a commitment that is not the payment's.
    pub async fn erase(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        sale: &SaleId,
        ask: &ErasureAsk,
        command: &CommandId,
    ) -> Result<Erasure, Error> {
        who.may(Deed::Erase, merchant)?;
        check_text("/reason", &ask.reason)?;
        let aggregate = self.sale(who, merchant, sale).await?;
        let key = Key::personal(merchant, sale);
        let record = self.records().await?.read::<PersonalRecord>(&key).await?.unwrap_or_default();
        let mut named = commitments(&aggregate.ledger);
        let old = aggregate.notes.iter().filter_map(|note| {
            let refund = aggregate.ledger.refunds.iter().find(|r| r.id == note.refund);
            refund.map(|r| r.digest.clone())
        });
        named.extend(old);
        named.extend(record.items.iter().map(|i| i.commitment.clone()));
        named.extend(told(&aggregate).into_iter().filter_map(|hex| Digest::parse(hex).ok()));
        let evidence = crate::evidence::named_in(&aggregate.ledger);
        if let Some(asked) = &ask.commitments {
            if let Some(stranger) = asked.iter().find(|c| !named.contains(c) && !evidence.contains(c)) {
                return Err(Error::invalid("/commitments", format!("{stranger} is none of this payment's")));
            }
            named.retain(|c| asked.contains(c));
        }
        named.sort_by(|a, b| a.hex.cmp(&b.hex));
        named.dedup();
        let by = crate::evidence::name_of(who);
        let gone = Kept::Erased { at: self.ports.now(), by: by.clone(), because: ask.reason.clone() };
        self.wipe(merchant, sale, &gone, &named).await?;
        let mut done = Erasure { erased: named, kept: Vec::new() };
        for content in evidence {
            if ask.commitments.as_ref().is_some_and(|asked| !asked.contains(&content)) {
                continue;
            }
            match self.wipe_evidence(who, merchant, &content, Some(&ask.reason)).await {
                Ok(true) => done.erased.push(content),
                Ok(false) => {}
                Err(Error::Conflict { .. }) => done.kept.push(content),
                Err(error) => return Err(error),
            }
        }
        self.tell_erased(&who.actor(merchant), merchant, sale, &done.erased, command).await?;
        Ok(done)
    }

    /// Takes texts away.
    async fn wipe(&self, merchant: &MerchantId, sale: &SaleId, gone: &Kept, named: &[Digest]) -> Result<(), Error> {
        let mark = self.random_hex(32);
        let change = |there: Option<&PersonalRecord>| {
            let Some(mut next) = there.cloned() else { return Ok((None, ())) };
            if !next.wipe(named, gone) {
                return Ok((None, ()));
            }
            next.mark.clone_from(&mark);
            Ok((Some(next), ()))
        };
        let key = Key::personal(merchant, sale).checked()?;
        self.records().await?.update::<PersonalRecord, _, _>(&key, &mark, self.unique(), change).await
    }

    /// Has the ledger tell what was erased, as far as it does not yet; old notes go with it.
    pub(crate) async fn tell_erased(
        &self,
        actor: &Actor,
        merchant: &MerchantId,
        sale: &SaleId,
        erased: &[Digest],
        command: &CommandId,
    ) -> Result<(), Error> {
        let mut announcement = Announcement::default();
        for _ in 0..SWAP_ATTEMPTS {
            let (slot, mut there) = self.open_sale(merchant, sale, &mut announcement).await?;
            let news: Vec<Digest> = {
                let told = told(&there);
                erased.iter().filter(|c| !told.contains(&c.as_str())).take(ERASED_AT_ONCE).cloned().collect()
            };
            if news.is_empty() {
                return Ok(());
            }
            // Each part is a command of its own; which one follows from what it tells.
            let mut text = command.to_string();
            for digest in &news {
                text.push_str(digest.as_str());
            }
            let part = CommandId { value: format!("e-{}", crate::idempotency::short(&Digest::of(text.as_bytes()))) };
            let transition = self.plain(&there, &Command::RecordErasure(news.clone()), actor, &part)?;
            let refunds = &there.ledger.refunds;
            let is_old =
                |note: &crate::sale::OldNote| refunds.iter().any(|r| r.id == note.refund && news.contains(&r.digest));
            let notes: Vec<_> = there.notes.iter().filter(|n| !is_old(n)).cloned().collect();
            there.notes = notes;
            if self.try_commit(slot, &there, transition, &part, &mut announcement).await?.is_some() {
                announcement = Announcement::default();
            }
        }
        Err(Error::Unavailable(format!("sale {sale} is written by too many at once")))
    }

    /// Retention: takes away the texts of a payment whose time is over. The ledger tells first: after the texts are gone
    /// nothing would say which they were.
    pub(crate) async fn expire_personal(
        &self,
        merchant: &MerchantId,
        sale: &SaleId,
        day: i64,
        now: Instant,
    ) -> Result<u32, Error> {
        let records = self.records().await?;
        let key = Key::personal(merchant, sale).checked()?;
        let record = records.read::<PersonalRecord>(&key).await?.unwrap_or_default();
        let over = |item: &Item| item.keep_until <= now;
        let mut erased: Vec<Digest> = Vec::new();
        if let Some(aggregate) = records.read::<Aggregate>(&Key::sale(merchant, sale)).await? {
            let live = commitments(&aggregate.ledger);
            let ended = record.items.iter().filter(|i| over(i)).map(|i| i.commitment.clone());
            erased.extend(ended.filter(|c| live.contains(c)));
            for note in &aggregate.notes {
                let refund = aggregate.ledger.refunds.iter().find(|r| r.id == note.refund);
                if let Some(refund) = refund
                    && self.keep_until(merchant, refund.submitted_at).await? <= now
                {
                    erased.push(refund.digest.clone());
                }
            }
            let command = CommandId { value: format!("retention-{day}") };
            self.tell_erased(&Actor::System, merchant, sale, &erased, &command).await?;
        }
        let mark = self.random_hex(32);
        let change = |there: Option<&PersonalRecord>| {
            let Some(mut next) = there.cloned() else { return Ok((None, 0)) };
            let before = next.items.len();
            next.items.retain(|i| !over(i));
            next.mark.clone_from(&mark);
            let gone = before.saturating_sub(next.items.len());
            Ok(((gone > 0).then_some(next), gone))
        };
        let gone = records.update::<PersonalRecord, _, _>(&key, &mark, self.unique(), change).await?;
        Ok(u32::try_from(gone).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{TEXT_BYTES, VALUE_BYTES};

    fn full_of(kind: Kind, count: usize) -> Vec<Item> {
        let at = Instant { unix_ms: i64::MAX };
        let item = |number: usize| Item {
            scope: format!("{}-{number}/question", "f".repeat(64)),
            kind,
            commitment: Digest::of(&number.to_be_bytes()),
            kept: Kept::Text { salt: Digest::of(b"salt"), text: "\"".repeat(TEXT_BYTES) },
            stored_at: at,
            keep_until: at,
        };
        (0..count).map(item).collect()
    }

    #[test]
    fn questions_and_notes_take_no_room_from_each_other_and_a_full_record_can_be_stored() {
        let mut record = PersonalRecord { items: full_of(Kind::Question, PERSONAL_QUESTIONS), mark: String::new() };
        let room = |record: &PersonalRecord| [Kind::Question, Kind::Note, Kind::Phone].map(|k| record.has_room_for(k));
        assert_eq!(room(&record), [false, true, true]);
        record.items.extend(full_of(Kind::Note, PERSONAL_ITEMS - 1));
        assert_eq!(room(&record), [false, true, true]);
        record.items.extend(full_of(Kind::Phone, 1));
        assert_eq!(room(&record), [false, false, false]);
        let bytes = serde_json::to_vec(&record).unwrap().len();
        assert!(bytes < VALUE_BYTES, "{bytes}");
        record.items.retain(|item| item.kind != Kind::Question);
        assert_eq!(room(&record), [true, false, false]);
    }
}
