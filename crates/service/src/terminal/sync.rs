//! A sync: one batch of a terminal's journal, taken in record by record.
//!
//! A batch that is not the terminal's own, whole, and the continuation of what is known is refused as a whole, reported, and
//! nothing of it is applied. Of one that is, every record is dealt with in order, and dealt with means that what follows from
//! it is durable. How far that got is acknowledged: the terminal lets go of that, and sends the rest again. So a sync may be
//! stopped anywhere, and any batch may come again.
//!
//! | record | what follows |
//! |---|---|
//! | sale | it is registered, as one that took place |
//! | decision | it is made again; if it is the same it is kept, if not that is an incident, and nothing rests on it |
//! | operation | see `operation` |
//! | outcome | it is reported, if the operation is the terminal's to carry out |
//! | incident | people are told |
//! | forwarding, time, bundle | nothing |
//!
//! What can never be taken in (a sale that contradicts another, an operation that the ledger refuses) is an incident too, and
//! is acknowledged: a terminal whose journal fills up takes no money.

use crate::app::App;
use crate::count::terminal_tallies;
use crate::directory::{Merchant, Terminal};
use crate::error::Error;
use crate::http::sale::{as_registered, one_of};
use crate::limits::{SWAP_ATTEMPTS, SYNC_BUDGET, SYNC_OPERATION, SYNC_WORK};
use crate::ports::{Policy as _, Ports};
use crate::principal::{Bearer, Deed, Principal};
use crate::sale::SaleEvent;
use crate::store::key::Key;
use crate::terminal::agreement::Agreement;
use crate::terminal::journal::KnownJournal;
use crate::terminal::notice::{Kind, TerminalNotice};
use crate::terminal::operation::Offline;
use rescind_bundle::Ed25519;
use rescind_journal::{
    Acknowledgement, BadBatch, Batch, Entry, Head, Incident, OperationAnswer, Owner, Record as JournalRecord,
    StoredOperation, StoredSale, TerminalCounts, verify_batch,
};
use rescind_model::record::DecisionRecord;
use rescind_model::{CommandId, Digest, Instant, Locale, MerchantId, SaleId, SaleOutcome, TerminalId};

/// Why a batch is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// The batch itself is not what it should be. It is reported.
    #[error(transparent)]
    Batch(#[from] BadBatch),
    /// Anything else.
    #[error(transparent)]
    Error(#[from] Error),
}

/// Errors that end a sync, because the same record may be taken in later.
pub(crate) struct Stop;

impl Stop {
    pub(crate) fn is(error: &Error) -> bool {
        matches!(
            error,
            Error::Unavailable(_)
                | Error::StoreRefused(_)
                | Error::Internal(_)
                | Error::KeyInFlight
                | Error::TooMany { .. }
        )
    }
}

/// A batch being taken in.
pub(crate) struct Sync<'a, P: Ports> {
    pub(crate) app: &'a App<P>,
    pub(crate) who: &'a Principal,
    pub(crate) merchant: Merchant,
    pub(crate) terminal: Terminal,
    /// The journal: only its id matters.
    pub(crate) head: Head,
    pub(crate) locale: Locale,
    /// When the record that is dealt with was written, by the terminal's idea of the time.
    pub(crate) record_time: Instant,
}

/// How far a batch was dealt with.
struct Progress {
    head: Head,
    /// What stopped it before its end.
    stopped: Option<Error>,
}

impl<P: Ports> App<P> {
    /// Takes in a batch of a terminal's journal. The same may come again, and one that begins with records that are known.
    ///
    /// # Errors
    /// [`NotTaken::Batch`]; not a terminal's key; [`Error::Conflict`] `journal.no-key`; [`Error::TooMany`] `sync.in-flight`
    /// while another one is under way.
    pub async fn sync(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        bytes: &[u8],
        locale: Locale,
    ) -> Result<Acknowledgement, NotTaken> {
        who.may(Deed::Sync, merchant)?;
        let Bearer::Terminal { terminal, .. } = &who.bearer else {
            return Err(Error::Forbidden("a terminal hands in its own journal".to_owned()).into());
        };
        let place = Key::terminal_journal(merchant, terminal).checked()?;
        for _ in 0..SWAP_ATTEMPTS {
            let journal = self.known_journal(merchant, terminal).await?;
            let batch = self.checked_batch(merchant, terminal, &place, &journal, bytes).await?;
            let mut sync = self.begin_sync(who, merchant, terminal, &batch, locale).await?;
            let known = journal.known.filter(|known| known.next >= batch.end.next);
            if let Some(known) = known {
                return Ok(sync.acknowledgement(&batch, known).await?);
            }
            let Some(claim) = self.claim_journal(&place, &journal, &batch.end).await? else { continue };
            let progress = sync.take_in(&batch).await;
            let moved = progress.head.next > claim.journal.known.map_or(1, |known| known.next);
            let reached = moved.then_some(progress.head);
            match progress.stopped {
                // Part of it is done: that much is acknowledged, and the rest comes again.
                Some(error) if moved => self.ports.log(&format!("a sync of {merchant}/{terminal} stops: {error:?}")),
                Some(error) => {
                    if let Err(why) = self.release_journal(&place, &claim.owner, reached).await {
                        self.ports.log(&format!("a terminal's journal stays taken until its lease ends: {why}"));
                    }
                    return Err(error.into());
                }
                None => {}
            }
            self.release_journal(&place, &claim.owner, reached).await?;
            return Ok(sync.acknowledgement(&batch, progress.head).await?);
        }
        Err(Error::Unavailable("a terminal's journal is written by too many at once".to_owned()).into())
    }

    /// The batch, if it is genuine and goes on with what is known; otherwise people are told.
    async fn checked_batch(
        &self,
        merchant: &MerchantId,
        terminal: &TerminalId,
        place: &Key,
        journal: &KnownJournal,
        bytes: &[u8],
    ) -> Result<Batch, NotTaken> {
        let Some(key) = &journal.key else {
            return Err(NotTaken::Error(Error::Conflict {
                code: "journal.no-key",
                message: "no key is registered for this terminal's journal".to_owned(),
            }));
        };
        let owner = Owner { merchant: merchant.clone(), terminal: terminal.clone() };
        let bad = match verify_batch(bytes, key, &Ed25519, &owner, journal.known.as_ref()) {
            Ok(batch) => return Ok(batch),
            Err(bad) => bad,
        };
        // One that is too large was not looked at: whoever sends it has another program, and hears so.
        if !matches!(bad, BadBatch::TooLarge { .. }) {
            let name = format!("batch\n{}\n{}", bad.code(), Digest::of(bytes));
            let now = self.ports.now();
            let notice = TerminalNotice::new(merchant, terminal, Kind::Incident, bad.code(), &name, now);
            let told = self.notice(merchant, &notice.id).await?.is_some();
            if told || self.count_refused_batch(place).await? {
                let detail = format!("a batch was refused: {bad}");
                self.notify(TerminalNotice { detail, ..notice }).await?;
            }
        }
        Err(bad.into())
    }

    async fn begin_sync<'a>(
        &'a self,
        who: &'a Principal,
        merchant: &MerchantId,
        terminal: &TerminalId,
        batch: &Batch,
        locale: Locale,
    ) -> Result<Sync<'a, P>, Error> {
        let found = self.records().await?.read::<Terminal>(&Key::terminal(merchant, terminal)).await?;
        Ok(Sync {
            app: self,
            who,
            merchant: self.merchant(merchant).await?,
            terminal: found.ok_or(Error::NotFound("terminal"))?,
            head: batch.start,
            locale,
            record_time: self.ports.now(),
        })
    }
}

impl<P: Ports> Sync<'_, P> {
    /// Deals with the records that are new, as far as one request may go.
    async fn take_in(&mut self, batch: &Batch) -> Progress {
        let begun = self.app.ports.now();
        let known = batch.records.len().saturating_sub(batch.new_records().len());
        let before = known.checked_sub(1).and_then(|last| batch.records.get(last));
        let mut head = before.map_or(batch.start, |(record, link)| after(batch, record, *link));
        let (first, mut work) = (head.next, 0_usize);
        for (record, link) in batch.new_records() {
            work = work.saturating_add(match &record.entry {
                Entry::Operation(_) | Entry::Outcome(_) => SYNC_OPERATION,
                Entry::Sale(_) | Entry::Decision(_) | Entry::Incident(_) => 1,
                Entry::Forwarding(_) | Entry::Anchor(_) | Entry::Bundle(_) => 0,
            });
            // At least one, however long it takes: otherwise the same one would wait for ever.
            let is_enough = work > SYNC_WORK || self.app.ports.now().since(begun) > SYNC_BUDGET;
            if is_enough && head.next != first {
                break;
            }
            self.record_time = record.at;
            if let Err(error) = self.take_record(record).await {
                return Progress { head, stopped: Some(error) };
            }
            head = after(batch, record, *link);
        }
        Progress { head, stopped: None }
    }

    async fn take_record(&self, record: &JournalRecord) -> Result<(), Error> {
        let number = record.number;
        let taken = match &record.entry {
            Entry::Sale(stored) => self.take_sale(number, stored).await,
            Entry::Decision(decision) => self.take_decision(number, decision).await,
            Entry::Operation(operation) => self.take_operation(number, operation).await,
            Entry::Outcome(outcome) => self.take_outcome(number, outcome).await,
            Entry::Incident(incident) => self.pass_on(number, incident).await,
            Entry::Forwarding(_) | Entry::Anchor(_) | Entry::Bundle(_) => Ok(()),
        };
        match taken {
            Err(error) if !Stop::is(&error) => self.incident(number, "record.refused", &error.to_string(), None).await,
            other => other,
        }
    }

    async fn take_sale(&self, number: u64, stored: &StoredSale) -> Result<(), Error> {
        let known = [SaleOutcome::Good, SaleOutcome::Unknown, SaleOutcome::Declined, SaleOutcome::Failed];
        let outcome = one_of(stored.outcome, &known)?;
        // How the customer is reached was never said here: a commitment to it would be one to nothing.
        let sale = rescind_model::Sale { contact: None, ..as_registered(&stored.sale)? };
        let (app, who, merchant) = (self.app, self.who, &self.merchant.id);
        if sale.merchant != *merchant {
            return Err(Error::invalid("/merchant", "it is another merchant's"));
        }
        let id = sale.id.clone();
        let differs = match app.register_past_sale(who, sale.clone(), outcome).await {
            Err(differs @ Error::Conflict { code: "sale.conflict", .. }) => differs,
            other => return other.map(|_| ()),
        };
        let there = app.sale(who, merchant, &id).await?;
        let ledger = &there.ledger;
        let same = ledger.sale.captured == sale.captured
            && ledger.sale.slip == sale.slip
            && ledger.sale.paid_at == sale.paid_at
            && ledger.sale.payer_token == sale.payer_token;
        if !same {
            return self.incident_of_sale(number, "sale.differs", &differs.to_string(), &id).await;
        }
        // It was stored again when its outcome became known, or somebody else registered it.
        if ledger.status.outcome == SaleOutcome::Unknown && outcome != SaleOutcome::Unknown {
            let name = format!("offline\n{merchant}\n{}\n{}\n{number}", self.terminal.id, self.head.journal);
            let command = CommandId { value: format!("c-{}", crate::idempotency::short(&Digest::of(name.as_bytes()))) };
            let event = SaleEvent::OutcomeKnown { outcome, scan: None };
            app.record_sale_event(who, merchant, &id, event, &command).await?;
        }
        Ok(())
    }

    async fn take_decision(&self, number: u64, record: &DecisionRecord) -> Result<(), Error> {
        let owner = Owner { merchant: self.merchant.id.clone(), terminal: self.terminal.id.clone() };
        match self.app.agree(record, &owner, &self.head, number).await? {
            Agreement::Same => Ok(()),
            Agreement::Not { code, detail } => self.incident_of_sale(number, code, &detail, &record.sale).await,
        }
    }

    /// What the terminal itself found wrong.
    async fn pass_on(&self, number: u64, incident: &Incident) -> Result<(), Error> {
        let (code, detail) = match incident {
            Incident::ClockSetBack { seen, shows } => {
                ("clock.set-back".to_owned(), format!("its clock showed {seen}, and then {shows}"))
            }
            Incident::BundleRefused { code } => ("bundle.refused".to_owned(), format!("it refused a bundle: {code}")),
            Incident::Other { code, detail } => (code.clone(), detail.clone()),
        };
        self.incident(number, &format!("terminal.{code}"), &detail, None).await
    }

    /// Reports an incident, once for each record and code.
    pub(crate) async fn incident(
        &self,
        number: u64,
        code: &str,
        detail: &str,
        operation: Option<&StoredOperation>,
    ) -> Result<(), Error> {
        let notice = self.notice(number, code, detail);
        self.app
            .notify(TerminalNotice {
                sale: operation.map(|operation| operation.sale.clone()),
                operation: operation.map(|operation| operation.id.clone()),
                amount: operation.map(|operation| operation.amount.clone()),
                ..notice
            })
            .await
    }

    async fn incident_of_sale(&self, number: u64, code: &str, detail: &str, sale: &SaleId) -> Result<(), Error> {
        self.app.notify(TerminalNotice { sale: Some(sale.clone()), ..self.notice(number, code, detail) }).await
    }

    fn notice(&self, number: u64, code: &str, detail: &str) -> TerminalNotice {
        let name = format!("incident\n{}\n{number}\n{code}", self.head.journal);
        let (merchant, terminal, now) = (&self.merchant.id, &self.terminal.id, self.app.ports.now());
        let notice = TerminalNotice::new(merchant, terminal, Kind::Incident, code, &name, now);
        TerminalNotice { record: Some(number), detail: detail.to_owned(), ..notice }
    }

    /// The answer: up to where everything is dealt with, what became of the operations before that, and the time.
    async fn acknowledgement(&self, batch: &Batch, head: Head) -> Result<Acknowledgement, Error> {
        let mut operations = Vec::new();
        let records = self.app.records().await?;
        for (record, _) in batch.records.iter().filter(|(record, _)| record.number < head.next) {
            let Entry::Operation(operation) = &record.entry else { continue };
            let there = records.read::<Offline>(&self.place_of(&operation.id)?).await?;
            if let Some(said) = there.and_then(|there| there.answer) {
                operations.push(OperationAnswer {
                    operation: operation.id.clone(),
                    became: said.became,
                    detail: said.detail,
                });
            }
        }
        let now = self.app.ports.now();
        Ok(Acknowledgement { head, server_time: now, counted: self.counted(now).await?, operations })
    }

    /// What the terminal can count on from: its own operations of the day that its policy limits. `None` where no policy
    /// can be asked: the terminal then leaves such decisions to the server.
    async fn counted(&self, now: Instant) -> Result<Option<TerminalCounts>, Error> {
        let (app, class) = (self.app, self.terminal.class.as_deref());
        let deciding = match app.deciding(&self.merchant, class, now).await {
            Err(Error::Unavailable(why)) => {
                app.ports.log(&format!("no counts for terminal {}: {why}", self.terminal.id));
                return Ok(None);
            }
            found => found?,
        };
        let day = deciding.policy.business_day_of(now)?;
        let needs = deciding.policy.needs().tallies;
        let tallies = terminal_tallies(app, &self.merchant.id, &self.terminal.id, day, &needs, now).await?;
        Ok(Some(TerminalCounts { day, tallies }))
    }
}

/// The place after a record of a batch.
fn after(batch: &Batch, record: &JournalRecord, link: rescind_journal::Link) -> Head {
    Head { journal: batch.start.journal, next: record.number.saturating_add(1), link }
}
