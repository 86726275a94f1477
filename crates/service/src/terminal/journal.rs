//! What is known of a terminal's journal: by which key it is signed, and up to where it was dealt with. One record per
//! terminal; its compare-and-swap is what lets one sync at a time work on it.

use crate::app::App;
use crate::directory::Terminal;
use crate::error::Error;
use crate::limits::{BAD_BATCH_WINDOW, BAD_BATCHES, NOTICE_BYTES, SYNC_LEASE};
use crate::ports::Ports;
use crate::principal::Principal;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::marks::Marks;
use crate::terminal::notice::{Kind, TerminalNotice};
use rescind_bundle::PublicKey;
use rescind_journal::Head;
use rescind_model::{Digest, Instant, MerchantId, TerminalId};
use serde::{Deserialize, Serialize};

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownJournal {
    /// What batches are signed with.
    pub(crate) key: Option<PublicKey>,
    /// Before this place every record was dealt with: what was acknowledged last.
    pub(crate) known: Option<Head>,
    /// The end of the farthest batch that was genuine: what the terminal has that is not dealt with lies before it.
    pub(crate) seen: Option<Head>,
    /// Who works on it.
    pub(crate) work: Option<Work>,
    /// The last time that another journal was let begin.
    pub(crate) replaced: Option<Replacement>,
    /// Batches that were refused lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<Refused>,
    pub(crate) marks: Marks,
}

/// A sync under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Work {
    /// A random text.
    pub(crate) owner: String,
    /// Since when.
    pub(crate) since: Instant,
}

impl Work {
    fn is_alive(&self, now: Instant) -> bool {
        now.since(self.since) <= SYNC_LEASE
    }
}

/// That another journal was let begin, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replacement {
    key: PublicKey,
    reason: String,
    by: String,
    at: Instant,
    /// Up to where the one before was dealt with. What it had after that is lost.
    before: Option<Head>,
}

/// How many batches were refused since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refused {
    since: Instant,
    count: u32,
}

impl Record for KnownJournal {
    const FORMAT: &'static str = "terminal-journal/1";
    fn holds(&self, id: &str) -> bool {
        self.marks.has(id)
    }
}

/// A key for a terminal's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalKey {
    /// The public key, as the terminal's status says it.
    pub key: PublicKey,
    /// Why the terminal begins another journal. Absent: the journal that is known goes on, signed by this key.
    pub replace: Option<String>,
}

/// What a sync has while it works.
pub(crate) struct Claim {
    pub(crate) owner: String,
    /// The journal as it was when the work began.
    pub(crate) journal: KnownJournal,
}

pub(crate) fn in_flight() -> Error {
    Error::TooMany {
        code: "sync.in-flight",
        message: "another sync of this terminal is under way: send the same batch again in a moment",
        retry_after: 1,
    }
}

impl<P: Ports> App<P> {
    /// The key that a terminal's journal is signed with, if one was registered.
    ///
    /// # Errors
    /// The store's.
    pub async fn journal_key(&self, merchant: &MerchantId, terminal: &TerminalId) -> Result<Option<PublicKey>, Error> {
        Ok(self.known_journal(merchant, terminal).await?.key)
    }

    pub(crate) async fn known_journal(
        &self,
        merchant: &MerchantId,
        terminal: &TerminalId,
    ) -> Result<KnownJournal, Error> {
        let key = Key::terminal_journal(merchant, terminal).checked()?;
        Ok(self.records().await?.read::<KnownJournal>(&key).await?.unwrap_or_default())
    }

    /// Registers the key that a terminal's journal is signed with. It can be changed once everything that was seen of the
    /// journal is dealt with; or, with a reason, together with the journal itself, which then begins anew. The same again is
    /// harmless.
    ///
    /// # Errors
    /// Not an admin; no such terminal; [`Error::Conflict`] `journal.open`.
    pub async fn register_journal_key(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        terminal: &TerminalId,
        wanted: &JournalKey,
    ) -> Result<(), Error> {
        who.require_admin()?;
        if wanted.replace.as_ref().is_some_and(|reason| reason.trim().is_empty() || reason.len() > NOTICE_BYTES) {
            return Err(Error::invalid(
                "/replace_journal",
                format!("expected a reason of at most {NOTICE_BYTES} bytes"),
            ));
        }
        let records = self.records().await?;
        if records.read::<Terminal>(&Key::terminal(merchant, terminal)).await?.is_none() {
            return Err(Error::NotFound("terminal"));
        }
        let key = Key::terminal_journal(merchant, terminal).checked()?;
        let (now, mark) = (self.ports.now(), self.random_hex(16));
        let replacement = records
            .update::<KnownJournal, _, _>(&key, &mark, self.unique(), |there| {
                let there = there.cloned().unwrap_or_default();
                let mut next = there.clone();
                next.key = Some(wanted.key.clone());
                match &wanted.replace {
                    Some(reason) => {
                        let same = |done: &&Replacement| done.key == wanted.key && done.reason == *reason;
                        if let Some(done) = there.replaced.as_ref().filter(same) {
                            return Ok((None, Some(done.clone())));
                        }
                        // A sync under way finds that it is not its journal any more.
                        (next.known, next.seen, next.work) = (None, None, None);
                        next.replaced = Some(Replacement {
                            key: wanted.key.clone(),
                            reason: reason.clone(),
                            by: who.key.clone(),
                            at: now,
                            before: there.known,
                        });
                    }
                    None if there.key.as_ref() == Some(&wanted.key) => return Ok((None, None)),
                    None if there.key.is_some() && there.known != there.seen => {
                        return Err(Error::Conflict {
                            code: "journal.open",
                            message:
                                "the terminal has records that are not dealt with: let it sync first, or give the \
                                      reason why another journal begins"
                                    .to_owned(),
                        });
                    }
                    None => {}
                }
                next.marks.add(&mark);
                let replaced = next.replaced.clone().filter(|_| wanted.replace.is_some());
                Ok((Some(next), replaced))
            })
            .await?;
        let Some(done) = replacement else { return Ok(()) };
        let before = done.before.map_or_else(
            || "nothing was known of it".to_owned(),
            |head| format!("journal {} was dealt with before record {}", head.journal, head.next),
        );
        let detail = format!("{}; {before}", rescind_model::card_number::mask(&done.reason).text);
        let name = format!("replaced\n{}\n{}\n{}", done.key, done.at.unix_ms, done.reason);
        let notice = TerminalNotice::new(merchant, terminal, Kind::Incident, "journal.replaced", &name, done.at);
        self.notify(TerminalNotice { detail, ..notice }).await
    }

    /// Takes the right to work on a terminal's journal, as long as it still is what a batch was checked against. `None`: it is
    /// not any more. `end`: where the batch ends.
    pub(crate) async fn claim_journal(
        &self,
        place: &Key,
        checked: &KnownJournal,
        end: &Head,
    ) -> Result<Option<Claim>, Error> {
        let (now, owner) = (self.ports.now(), self.random_hex(32));
        self.records()
            .await?
            .update::<KnownJournal, _, _>(place, &owner, self.unique(), |there| {
                let there = there.cloned().unwrap_or_default();
                if there.key != checked.key || there.known != checked.known {
                    return Ok((None, None));
                }
                if there.work.as_ref().is_some_and(|work| work.is_alive(now)) {
                    return Err(in_flight());
                }
                let farther = there.seen.is_none_or(|seen| seen.journal != end.journal || seen.next < end.next);
                let mut next = KnownJournal {
                    work: Some(Work { owner: owner.clone(), since: now }),
                    seen: if farther { Some(*end) } else { there.seen },
                    ..there
                };
                next.marks.add(&owner);
                let claim = Claim { owner: owner.clone(), journal: next.clone() };
                Ok((Some(next), Some(claim)))
            })
            .await
    }

    /// Gives it back, with how far the work got.
    ///
    /// # Errors
    /// [`Error::TooMany`] `sync.in-flight` if it was taken over meanwhile: nothing may be acknowledged then.
    pub(crate) async fn release_journal(&self, place: &Key, owner: &str, known: Option<Head>) -> Result<(), Error> {
        let mark = self.random_hex(16);
        self.records()
            .await?
            .update::<KnownJournal, _, _>(place, &mark, self.unique(), |there| {
                let there = there.ok_or_else(|| Error::Unavailable("a journal is not seen yet".to_owned()))?;
                if there.work.as_ref().is_none_or(|work| work.owner != owner) {
                    return Err(in_flight());
                }
                let mut next = KnownJournal { known: known.or(there.known), work: None, ..there.clone() };
                next.marks.add(&mark);
                Ok((Some(next), ()))
            })
            .await
    }

    /// Counts a batch that was refused; `true` if it is to be reported by itself.
    pub(crate) async fn count_refused_batch(&self, place: &Key) -> Result<bool, Error> {
        let (now, mark) = (self.ports.now(), self.random_hex(16));
        self.records()
            .await?
            .update::<KnownJournal, _, _>(place, &mark, self.unique(), |there| {
                let there = there.cloned().unwrap_or_default();
                let lately = there.refused.as_ref().filter(|refused| now.since(refused.since) <= BAD_BATCH_WINDOW);
                let refused = lately.cloned().unwrap_or(Refused { since: now, count: 0 });
                if refused.count >= BAD_BATCHES {
                    return Ok((None, false));
                }
                let count = refused.count.saturating_add(1);
                let mut next = KnownJournal { refused: Some(Refused { count, ..refused }), ..there };
                next.marks.add(&mark);
                Ok((Some(next), true))
            })
            .await
    }
}

/// Names something of a terminal for ever: the first 32 digits of the digest of its parts.
pub(crate) fn name_of(merchant: &MerchantId, terminal: &TerminalId, what: &str) -> String {
    crate::idempotency::short(&Digest::of(format!("{merchant}\n{terminal}\n{what}").as_bytes()))
}
