//! Evidence: receipts, photographs, letters, stored by the SHA-256 of their content. Refunds and cases name evidence by
//! that digest, whether its content is stored here or elsewhere.
//!
//! Content comes in one piece or in parts; each part is a value of its own, named by its digest too, so that whatever is
//! written under a name is what the name says. The record is written last: without it there is no evidence, and parts that
//! nothing names go after a day. An erased piece leaves its record, without parts, until its time is over, so that an
//! upload that was on its way does not bring it back.

use crate::app::App;
use crate::error::Error;
use crate::limits::{
    EVIDENCE_PART_BYTES, EVIDENCE_PARTS, EVIDENCE_SALES, EVIDENCE_UPLOAD_WAITS, PROOF_ATTEMPTS, TEXT_BYTES,
};
use crate::ports::{Kv as _, Ports};
use crate::principal::{Bearer, Deed, Principal};
use crate::retention::Ends;
use crate::sale::Aggregate;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::list::{Entry, Position};
use rescind_model::{
    Actor, CaseState, CommandId, Digest, EvidenceItem, Instant, Ledger, MerchantId, RefundState, SaleId, card_number,
};
use serde::{Deserialize, Serialize};

/// What content may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Media {
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `application/pdf`
    Pdf,
    /// `text/plain`, UTF-8.
    Text,
}

impl Media {
    /// All of them, with the media type.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Jpeg, "image/jpeg"),
        (Self::Png, "image/png"),
        (Self::Pdf, "application/pdf"),
        (Self::Text, "text/plain"),
    ];

    /// The media type.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(media, _)| *media == self).map_or("application/octet-stream", |(_, name)| name)
    }

    /// Reads a media type, its parameters left aside.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let name = name.split(';').next().unwrap_or_default().trim();
        Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(media, _)| *media)
    }

    /// Holds content against what it says it is.
    fn check(self, content: &[u8]) -> Result<(), Error> {
        let begins = match self {
            Self::Jpeg => content.starts_with(&[0xff, 0xd8, 0xff]),
            Self::Png => content.starts_with(b"\x89PNG\r\n\x1a\n"),
            Self::Pdf => content.starts_with(b"%PDF-"),
            Self::Text => {
                let text = core::str::from_utf8(content).ok().filter(|t| !t.contains('\0') && !t.trim().is_empty());
                // Masked, it would not be what its digest says.
                if text.is_some_and(|t| card_number::mask(t).found) {
                    return Err(Error::invalid("", "the text holds a card number: mask it first"));
                }
                text.is_some()
            }
        };
        if begins { Ok(()) } else { Err(Error::invalid("", format!("the content is not {}", self.name()))) }
    }
}

/// Why content is not there any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// When.
    pub at: Instant,
    /// By whom.
    pub by: String,
    /// Why.
    pub because: String,
}

/// The record of one piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// The SHA-256 of the content.
    pub content: Digest,
    /// What it is.
    pub media: Media,
    /// Bytes.
    pub size: u64,
    /// Its parts in order; none once it is erased.
    pub parts: Vec<Digest>,
    /// Who gave it: a person, a terminal, the merchant's system.
    pub given_by: String,
    /// When.
    pub stored_at: Instant,
    /// When it goes.
    pub keep_until: Instant,
    /// Whether it went before.
    pub erased: Option<Erased>,
    /// A mark of the last change, so that it can be proved.
    mark: String,
}

impl Record for Piece {
    const FORMAT: &'static str = "evidence/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

/// The evidence that a ledger names.
#[must_use]
pub fn named_in(ledger: &Ledger) -> Vec<Digest> {
    let refunds = ledger.refunds.iter().flat_map(|r| &r.request.evidence);
    let cases = ledger.cases.iter().flat_map(|c| &c.evidence);
    let mut all: Vec<Digest> = Vec::new();
    for item in refunds.chain(cases) {
        if !all.contains(&item.content) {
            all.push(item.content.clone());
        }
    }
    all
}

/// Whether something under way rests on a piece.
fn is_needed(ledger: &Ledger, content: &Digest) -> bool {
    let names = |items: &[EvidenceItem]| items.iter().any(|i| i.content == *content);
    let refunds = ledger.refunds.iter().any(|refund| {
        let over = matches!(
            refund.state,
            RefundState::Cleared | RefundState::Declined | RefundState::Withdrawn | RefundState::Expired
        );
        !over && names(&refund.request.evidence)
    });
    let cases = ledger.cases.iter().any(|case| {
        let open = matches!(case.state, CaseState::Open | CaseState::Assigned | CaseState::Granted);
        open && names(&case.evidence)
    });
    refunds || cases
}

/// Who gave or erased something, for the record.
#[must_use]
pub(crate) fn name_of(who: &Principal) -> String {
    match &who.bearer {
        Bearer::Person { person } => person.to_string(),
        Bearer::Terminal { terminal, .. } => format!("terminal {terminal}"),
        Bearer::System { .. } => "system".to_owned(),
        Bearer::Admin => "admin".to_owned(),
    }
}

fn mismatch(field: &str) -> Error {
    Error::invalid(field, "the content's SHA-256 is another one")
}

impl<P: Ports> App<P> {
    /// Stores evidence that comes in one piece. Again is harmless.
    ///
    /// # Errors
    /// Not permitted; the content is not what its name or media type says; [`Error::Conflict`] `evidence.erased`.
    pub async fn give_evidence(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        content: &Digest,
        media: Media,
        bytes: &[u8],
    ) -> Result<(Piece, bool), Error> {
        who.may(Deed::GiveEvidence, merchant)?;
        if Digest::of(bytes) != *content {
            return Err(mismatch("content"));
        }
        media.check(bytes)?;
        self.put_part(merchant, content, content, bytes).await?;
        self.record_evidence(who, merchant, content, media, vec![content.clone()], bytes.len()).await
    }

    /// Stores a part of evidence. Again is harmless.
    ///
    /// # Errors
    /// Not permitted; the part is not what its name says; [`Error::TooLarge`].
    pub async fn give_part(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        content: &Digest,
        part: &Digest,
        bytes: &[u8],
    ) -> Result<(), Error> {
        who.may(Deed::GiveEvidence, merchant)?;
        if Digest::of(bytes) != *part {
            return Err(mismatch("part"));
        }
        if bytes.is_empty() {
            return Err(Error::invalid("", "expected a part that is not empty"));
        }
        self.put_part(merchant, content, part, bytes).await
    }

    /// Makes evidence of parts that were given. Again is harmless.
    ///
    /// # Errors
    /// Not permitted; a part is missing; the whole is not what its name or media type says; `evidence.erased`.
    pub async fn complete_evidence(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        content: &Digest,
        media: Media,
        parts: Vec<Digest>,
    ) -> Result<(Piece, bool), Error> {
        who.may(Deed::GiveEvidence, merchant)?;
        if parts.is_empty() || parts.len() > EVIDENCE_PARTS {
            return Err(Error::invalid("/parts", format!("expected 1 to {EVIDENCE_PARTS} parts")));
        }
        if let Some(there) = self.piece(merchant, content).await?.filter(|p| p.erased.is_none()) {
            return Ok((there, false));
        }
        let mut whole = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let missing = || Error::invalid(&format!("/parts/{index}"), "this part was not given");
            whole.extend(self.part(merchant, content, part).await?.ok_or_else(missing)?);
        }
        if Digest::of(&whole) != *content {
            return Err(mismatch("content"));
        }
        media.check(&whole)?;
        let recorded = self.record_evidence(who, merchant, content, media, parts.clone(), whole.len()).await?;
        for part in &parts {
            // A part that waited for too long may have gone just before it was named.
            if recorded.1 && self.part(merchant, content, part).await?.is_none() {
                self.records().await?.remove(&Key::evidence(merchant, content).checked()?).await?;
                return Err(Error::invalid("/parts", "a part went before the rest came: give them again"));
            }
        }
        Ok(recorded)
    }

    async fn record_evidence(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        content: &Digest,
        media: Media,
        parts: Vec<Digest>,
        size: usize,
    ) -> Result<(Piece, bool), Error> {
        let now = self.ports.now();
        let keep_until = self.keep_until(merchant, now).await?;
        self.ends_on(merchant, &Ends::Evidence(content.clone()), keep_until).await?;
        let piece = Piece {
            content: content.clone(),
            media,
            size: u64::try_from(size).unwrap_or(u64::MAX),
            parts,
            given_by: name_of(who),
            stored_at: now,
            keep_until,
            erased: None,
            mark: self.random_hex(32),
        };
        let key = Key::evidence(merchant, content).checked()?;
        let mark = piece.mark.clone();
        let change = |there: Option<&Piece>| match there {
            None => Ok((Some(piece.clone()), (piece.clone(), true))),
            Some(there) if there.erased.is_some() => Err(Error::Conflict {
                code: "evidence.erased",
                message: "this content was erased and is not taken again".to_owned(),
            }),
            Some(there) => Ok((None, (there.clone(), false))),
        };
        self.records().await?.update::<Piece, _, _>(&key, &mark, self.unique(), change).await
    }

    /// Writes bytes under the name that is their digest, and looks whether they are there.
    async fn put_part(
        &self,
        merchant: &MerchantId,
        content: &Digest,
        part: &Digest,
        bytes: &[u8],
    ) -> Result<(), Error> {
        if bytes.len() > EVIDENCE_PART_BYTES {
            return Err(Error::TooLarge(EVIDENCE_PART_BYTES));
        }
        if self.piece(merchant, content).await?.is_some() {
            // It is whole, or was erased: nothing more is written under its name.
            return Ok(());
        }
        let until = self.ports.now().plus(EVIDENCE_UPLOAD_WAITS).map_err(|e| Error::Internal(e.to_string()))?;
        self.ends_on(merchant, &Ends::Part(content.clone(), part.clone()), until).await?;
        let key = Key::evidence_part(merchant, content, part).checked()?;
        let records = self.records().await?;
        let kv = records.store();
        for _ in 0..PROOF_ATTEMPTS {
            kv.set(key.as_str(), bytes).await?;
            if kv.get(key.as_str()).await?.as_deref() == Some(bytes) {
                return Ok(());
            }
        }
        Err(Error::Unavailable("a part of evidence could not be proved".to_owned()))
    }

    async fn part(&self, merchant: &MerchantId, content: &Digest, part: &Digest) -> Result<Option<Vec<u8>>, Error> {
        let key = Key::evidence_part(merchant, content, part).checked()?;
        Ok(self.records().await?.store().get(key.as_str()).await?)
    }

    async fn remove_part(&self, merchant: &MerchantId, content: &Digest, part: &Digest) -> Result<(), Error> {
        let key = Key::evidence_part(merchant, content, part).checked()?;
        Ok(self.records().await?.store().delete(key.as_str()).await?)
    }

    async fn piece(&self, merchant: &MerchantId, content: &Digest) -> Result<Option<Piece>, Error> {
        self.records().await?.read::<Piece>(&Key::evidence(merchant, content).checked()?).await
    }

    /// Whether the content of evidence is here.
    pub(crate) async fn is_evidence_stored(&self, merchant: &MerchantId, content: &Digest) -> Result<bool, Error> {
        Ok(self.piece(merchant, content).await?.is_some_and(|p| p.erased.is_none()))
    }

    /// What is known of a piece, for those who may see its content.
    ///
    /// # Errors
    /// Not permitted; [`Error::NotFound`].
    pub async fn describe_evidence(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        content: &Digest,
    ) -> Result<Piece, Error> {
        who.may(Deed::ReadEvidence, merchant)?;
        self.piece(merchant, content).await?.ok_or(Error::NotFound("evidence"))
    }

    /// The content of a piece.
    ///
    /// # Errors
    /// Not permitted; [`Error::NotFound`], also once it is erased.
    pub async fn read_evidence(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        content: &Digest,
    ) -> Result<(Media, Vec<u8>), Error> {
        let piece = self.describe_evidence(who, merchant, content).await?;
        let mut whole = Vec::new();
        for part in &piece.parts {
            // Erased while it was being read: then it is not there.
            whole.extend(self.part(merchant, content, part).await?.ok_or(Error::NotFound("evidence"))?);
        }
        if piece.erased.is_some() {
            return Err(Error::NotFound("evidence"));
        }
        if Digest::of(&whole) != *content {
            return Err(Error::Internal(format!("evidence {content} of {merchant} is damaged")));
        }
        Ok((piece.media, whole))
    }

    /// Notes that a payment names evidence, before it does.
    pub(crate) async fn names_evidence(
        &self,
        merchant: &MerchantId,
        sale: &SaleId,
        items: &[EvidenceItem],
    ) -> Result<(), Error> {
        let records = self.records().await?;
        for item in items {
            let key = Key::index(merchant, "evidence", item.content.as_str());
            records.append(&key, &Entry { id: sale.to_string(), at: String::new() }, self.unique()).await?;
        }
        Ok(())
    }

    /// The payments that name a piece, at most [`EVIDENCE_SALES`].
    async fn sales_that_name(&self, merchant: &MerchantId, content: &Digest) -> Result<Vec<Aggregate>, Error> {
        let records = self.records().await?;
        let key = Key::index(merchant, "evidence", content.as_str());
        let slice = records.slice(&key, Position::START, EVIDENCE_SALES).await?;
        let mut found: Vec<Aggregate> = Vec::new();
        for (_, entry) in slice.entries {
            let Ok(sale) = SaleId::parse(&entry.id) else { continue };
            if let Some(aggregate) = records.read::<Aggregate>(&Key::sale(merchant, &sale)).await?
                && named_in(&aggregate.ledger).contains(content)
                && !found.iter().any(|a| a.ledger.sale.id == sale)
            {
                found.push(aggregate);
            }
        }
        Ok(found)
    }

    /// Erases a piece, and has the ledgers that name it tell of it. Again is harmless.
    ///
    /// # Errors
    /// Not permitted; [`Error::NotFound`]; [`Error::Conflict`] `evidence.needed` if something under way rests on it, unless
    /// a person of the role compliance gives a reason.
    pub async fn erase_evidence(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        content: &Digest,
        reason: Option<&str>,
    ) -> Result<Piece, Error> {
        who.may(Deed::Erase, merchant)?;
        if !self.wipe_evidence(who, merchant, content, reason).await? {
            return Err(Error::NotFound("evidence"));
        }
        let erased = core::slice::from_ref(content);
        self.tell_evidence_erased(&who.actor(merchant), merchant, erased, "asked").await?;
        self.piece(merchant, content).await?.ok_or(Error::NotFound("evidence"))
    }

    async fn tell_evidence_erased(
        &self,
        actor: &Actor,
        merchant: &MerchantId,
        erased: &[Digest],
        why: &str,
    ) -> Result<(), Error> {
        for content in erased {
            for aggregate in self.sales_that_name(merchant, content).await? {
                let command = CommandId { value: format!("evidence-{why}") };
                self.tell_erased(actor, merchant, &aggregate.ledger.sale.id, erased, &command).await?;
            }
        }
        Ok(())
    }

    /// Takes a piece away; `false` if there is none.
    pub(crate) async fn wipe_evidence(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        content: &Digest,
        reason: Option<&str>,
    ) -> Result<bool, Error> {
        let Some(piece) = self.piece(merchant, content).await? else { return Ok(false) };
        let may_override = reason.is_some() && who.roles_at(merchant).iter().any(|r| r.as_str() == "compliance");
        if piece.erased.is_none() && !may_override {
            let rests = |a: &Aggregate| is_needed(&a.ledger, content);
            if let Some(needs) = self.sales_that_name(merchant, content).await?.iter().find(|a| rests(a)) {
                return Err(Error::Conflict {
                    code: "evidence.needed",
                    message: format!(
                        "an operation under way on {} rests on it: only compliance erases it, with a reason",
                        needs.ledger.sale.id
                    ),
                });
            }
        }
        let erased = Erased {
            at: self.ports.now(),
            by: name_of(who),
            because: reason.unwrap_or_default().chars().take(TEXT_BYTES).collect(),
        };
        self.strip(merchant, content, erased).await?;
        Ok(true)
    }

    /// Marks a piece as erased, then removes its parts. Whoever repeats it removes those that are left.
    async fn strip(&self, merchant: &MerchantId, content: &Digest, erased: Erased) -> Result<(), Error> {
        let records = self.records().await?;
        let key = Key::evidence(merchant, content).checked()?;
        let mark = self.random_hex(32);
        records
            .update::<Piece, _, _>(&key, &mark, self.unique(), |there| {
                let Some(there) = there.filter(|p| p.erased.is_none()) else { return Ok((None, ())) };
                let next = Piece { erased: Some(erased.clone()), mark: mark.clone(), ..there.clone() };
                Ok((Some(next), ()))
            })
            .await?;
        // The parts' names are struck out last: until then whoever comes again knows what to remove.
        let parts = self.piece(merchant, content).await?.map(|p| p.parts).unwrap_or_default();
        for part in &parts {
            self.remove_part(merchant, content, part).await?;
        }
        if parts.is_empty() {
            return Ok(());
        }
        let mark = self.random_hex(32);
        records
            .update::<Piece, _, _>(&key, &mark, self.unique(), |there| {
                let Some(there) = there.filter(|p| p.erased.is_some()) else { return Ok((None, ())) };
                let next = Piece { parts: Vec::new(), mark: mark.clone(), ..there.clone() };
                Ok((Some(next), ()))
            })
            .await
    }

    /// Retention: takes a piece away whose time is over, and what an erasure left of it.
    pub(crate) async fn expire_evidence(
        &self,
        merchant: &MerchantId,
        content: &Digest,
        day: i64,
        now: Instant,
    ) -> Result<u32, Error> {
        let Some(piece) = self.piece(merchant, content).await?.filter(|p| p.keep_until <= now) else { return Ok(0) };
        let because = "its time was over".to_owned();
        self.strip(merchant, content, Erased { at: now, by: "retention".to_owned(), because }).await?;
        let erased = core::slice::from_ref(content);
        self.tell_evidence_erased(&Actor::System, merchant, erased, &format!("retention-{day}")).await?;
        self.records().await?.remove(&Key::evidence(merchant, content).checked()?).await?;
        Ok(u32::from(piece.erased.is_none()))
    }

    /// Retention: takes a part away that no piece names.
    pub(crate) async fn expire_part(
        &self,
        merchant: &MerchantId,
        content: &Digest,
        part: &Digest,
    ) -> Result<u32, Error> {
        let named = self.piece(merchant, content).await?.is_some_and(|p| p.erased.is_none() && p.parts.contains(part));
        if !named {
            self.remove_part(merchant, content, part).await?;
        }
        Ok(0)
    }
}
