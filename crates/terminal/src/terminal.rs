//! The terminal.

use crate::answer::{Answer, Done};
use crate::ask::{Ask, Begin, Operator, Subject};
use crate::book::Book;
use crate::clock::{Reading, Source, Time, tell};
use crate::error::TerminalError;
use crate::limits;
use crate::operator::Standing;
use crate::setup::Setup;
use crate::slip;
use crate::status::{BundleStatus, JournalStatus, Status};
use rescind_bundle::{Disk, Ed25519, Engine, Folder, Refusal, Signer, Store, Update, Verified, verify};
use rescind_decider::{Decider, Runtime};
use rescind_journal::{
    Acknowledgement, BundleChange, Entry, Export, Incident, Journal, JournalId, Opening, OperationAnswer,
    OperationOutcome, OperationResult, Owner, Record, Room, SalesForwarded, StoredOperation, StoredSale,
    TerminalCounts, TimeAnchor,
};
use rescind_model::record::{self, DecisionRecord, Input, Question};
use rescind_model::{
    Balance, Counted, Decision, Digest, Duration, Facts, Forwarding, Hold, Instant, Money, OfflineEffect,
    OfflineSituation, OperationId, PaymentCode, Period, Sale, SaleId, SaleOutcome, SaleStatus, Tally, VoidQuestion,
    Way,
};

/// Between two notes on the disk that time went on, while nothing else is written.
const NOTE_OF_TIME: Duration = Duration { ms: 600_000 };

/// Within its folder: the journal, and the folder of bundles.
const JOURNAL: &str = "journal.redb";
const BUNDLES: &str = "bundles";

/// A terminal. One thread at a time uses it; it can be moved between threads.
pub struct Terminal<D: Disk = Folder> {
    setup: Setup,
    signer: Box<dyn Signer + Send>,
    engine: Engine,
    store: Store<D>,
    journal: Journal,
    book: Book,
    /// What decides. Absent: there is no bundle, or `unusable` says what is wrong with it.
    active: Option<Active>,
    unusable: Option<String>,
    /// Counts of this terminal that the server told last.
    counted: Option<TerminalCounts>,
    /// Whether the clock's being set back was written down.
    set_back_noted: bool,
}

impl<D: Disk> std::fmt::Debug for Terminal<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").field("terminal", &self.setup.terminal).finish_non_exhaustive()
    }
}

/// A bundle that is loaded.
struct Active {
    decider: Decider,
    component: Digest,
}

/// What came of an acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Synced {
    /// How many records were let go.
    pub released: u64,
    /// How many still wait.
    pub waiting: u64,
    /// Whether the server's time was taken over.
    pub time_taken: bool,
    /// What became of operations, to be shown to the operator.
    pub operations: Vec<OperationAnswer>,
}

impl Terminal<Folder> {
    /// Opens the terminal in its folder, or begins it. The folder is locked for everybody else.
    ///
    /// That there is no usable bundle is no error: records can be exported without one, and [`Terminal::status`] says what
    /// is wrong.
    ///
    /// # Errors
    /// [`TerminalError::Argument`], [`TerminalError::Disk`], [`TerminalError::Damaged`]; [`TerminalError::Conflict`] for
    /// the folder of another terminal.
    pub fn open(setup: Setup, signer: Box<dyn Signer + Send>, reading: Reading) -> Result<Self, TerminalError> {
        setup.check()?;
        let disk = |error: std::io::Error| TerminalError::Disk(error.to_string());
        std::fs::create_dir_all(&setup.folder).map_err(disk)?;
        let journal = Journal::open(&setup.folder.join(JOURNAL), &opening(&setup)?)?;
        let folder = Folder::open(setup.folder.join(BUNDLES)).map_err(disk)?;
        Self::open_on(setup, signer, folder, journal, reading)
    }
}

/// How its journal is opened.
fn opening(setup: &Setup) -> Result<Opening, TerminalError> {
    Ok(Opening {
        owner: Owner { merchant: setup.merchant.clone(), terminal: setup.terminal.clone() },
        id: JournalId(setup.new_journal()?),
        room: Room { records: setup.max_records, bytes: setup.max_bytes },
    })
}

impl<D: Disk> Terminal<D> {
    /// Opens the terminal on a disk and with a journal of the caller's.
    ///
    /// # Errors
    /// As [`Terminal::open`].
    pub fn open_on(
        setup: Setup,
        signer: Box<dyn Signer + Send>,
        disk: D,
        journal: Journal,
        reading: Reading,
    ) -> Result<Self, TerminalError> {
        setup.check()?;
        let engine = crate::engine(setup.code);
        let store = Store::open(disk, setup.trust.clone(), engine.clone(), journal.bundle_version(), &Ed25519)?;
        let mut this = Self {
            setup,
            signer,
            engine,
            store,
            journal,
            book: Book::default(),
            active: None,
            unusable: None,
            counted: None,
            set_back_noted: false,
        };
        this.read_book()?;
        this.load();
        this.note_bundle(reading)?;
        Ok(this)
    }

    /// Reads from the journal what is known of each sale.
    fn read_book(&mut self) -> Result<(), TerminalError> {
        let mut book = Book::default();
        let (mut next, end) = (self.journal.acknowledged().next, self.journal.head().next);
        while next < end {
            let records = self.journal.records(next, limits::PAGE)?;
            let Some(last) = records.last() else { break };
            next = last.number.saturating_add(1);
            records.iter().for_each(|record| book.follow(record));
        }
        self.book = book;
        Ok(())
    }

    /// Loads the active bundle, if there is one that is whole.
    fn load(&mut self) {
        let Some(bundle) = self.store.active() else {
            self.unusable = self.store.damaged().first().map(|(slot, why)| format!("{}: {why}", slot.file()));
            return;
        };
        match loaded(&self.setup, bundle) {
            Ok(active) => (self.active, self.unusable) = (Some(active), None),
            Err(error) => (self.active, self.unusable) = (None, Some(error.to_string())),
        }
    }

    /// Writes down which bundle is active, if the journal does not know: the power may have gone in between.
    fn note_bundle(&mut self, reading: Reading) -> Result<(), TerminalError> {
        let known = self.journal.bundle_version();
        let Some(bundle) = self.store.active().filter(|bundle| bundle.version() > known) else { return Ok(()) };
        let change = BundleChange {
            before: (known > 0).then_some(known),
            version: bundle.version(),
            bundle: Digest { hex: hex::encode(bundle.digest()) },
        };
        self.append(reading, vec![Entry::Bundle(change)]).map(|_| ())
    }

    // ------------------------------------------------------------------------------------------------ time

    /// The time, as far as it is known. That a clock was set back is written down, once.
    ///
    /// # Errors
    /// [`TerminalError::Disk`].
    fn time(&mut self, reading: Reading) -> Result<Time, TerminalError> {
        let time = tell(self.journal.time(), &self.setup.boot, &self.setup.clocks, reading);
        match time.set_back {
            Some((seen, shows)) if !self.set_back_noted => {
                let incident = Entry::Incident(Incident::ClockSetBack { seen, shows });
                self.write(time.now, vec![incident])?;
                self.set_back_noted = true;
            }
            Some(_) => {}
            None => self.set_back_noted = false,
        }
        let noted = self.journal.time().highest;
        if time.source != Source::Unknown && noted.is_none_or(|noted| time.now.since(noted) >= NOTE_OF_TIME) {
            self.journal.see(time.now)?;
        }
        Ok(time)
    }

    /// Takes over the server's time: `server` is what it said, between `asked` and `heard`. Returns whether it was taken: a
    /// time that took longer than [`limits::ROUND_TRIP`] tells too little, and one that lies before what was seen is an
    /// incident.
    ///
    /// # Errors
    /// [`TerminalError::Argument`] if the readings are not in order; [`TerminalError::Disk`].
    pub fn hear(&mut self, asked: Reading, heard: Reading, server: Instant) -> Result<bool, TerminalError> {
        let took = heard.monotonic_ms.checked_sub(asked.monotonic_ms);
        let took =
            took.ok_or_else(|| TerminalError::Argument("the answer was heard before it was asked for".into()))?;
        Instant::from_unix_ms(server.unix_ms).map_err(|error| TerminalError::Argument(error.to_string()))?;
        Instant::from_unix_ms(heard.wall.unix_ms).map_err(|error| TerminalError::Argument(error.to_string()))?;
        if took > limits::ROUND_TRIP.ms {
            return Ok(false);
        }
        let half = took / 2;
        let signed = i64::try_from(half).unwrap_or(0);
        let anchor = TimeAnchor {
            server,
            wall: Instant { unix_ms: heard.wall.unix_ms.saturating_sub(signed).max(0) },
            monotonic_ms: heard.monotonic_ms.saturating_sub(half),
            boot: self.setup.boot.clone(),
        };
        let seen = self.journal.time().highest;
        let base = i64::try_from(self.setup.clocks.base.ms).unwrap_or(i64::MAX);
        let earlier = seen.filter(|seen| server.unix_ms.saturating_add(base) < seen.unix_ms);
        if let Some(seen) = earlier {
            // Either the server is wrong or what was seen was: people have to look at it, time does not go back.
            let detail = format!("the server says {server}, and {seen} was seen");
            let incident = Incident::Other { code: "time.server-behind".to_owned(), detail };
            self.write(seen, vec![Entry::Incident(incident)])?;
            return Ok(false);
        }
        self.write(server, vec![Entry::Anchor(anchor)])?;
        self.set_back_noted = false;
        Ok(true)
    }

    // ------------------------------------------------------------------------------------------- the journal

    fn append(&mut self, reading: Reading, entries: Vec<Entry>) -> Result<u64, TerminalError> {
        let time = self.time(reading)?;
        self.write(time.now, entries)
    }

    /// Writes entries down, then follows them.
    fn write(&mut self, at: Instant, entries: Vec<Entry>) -> Result<u64, TerminalError> {
        let first = self.journal.append(at, &entries)?;
        for (entry, number) in entries.into_iter().zip(first..) {
            self.book.follow(&Record { number, at, entry });
        }
        Ok(first)
    }

    /// Stores a sale. `forwarding` says how far it went: `Kept` only if it was never sent to anybody. The same sale may be
    /// stored again with what became known of its outcome; how far it went is never taken back.
    ///
    /// # Errors
    /// [`TerminalError::Conflict`] if another sale has its id, or a known outcome would change;
    /// [`TerminalError::Argument`] for a sale of another merchant, and for an unknown one that was never sent;
    /// [`TerminalError::Full`], [`TerminalError::Disk`].
    pub fn record_sale(
        &mut self,
        reading: Reading,
        sale: Sale,
        outcome: SaleOutcome,
        forwarding: Forwarding,
    ) -> Result<(), TerminalError> {
        if sale.merchant != self.setup.merchant {
            return Err(TerminalError::Argument(format!("sale {} is another merchant's", sale.id)));
        }
        if forwarding == Forwarding::Kept && outcome != SaleOutcome::Good {
            return Err(TerminalError::Argument(
                "a sale that is not known to be good was sent to somebody: it is not kept".to_owned(),
            ));
        }
        let mut entries = Vec::with_capacity(2);
        match self.book.sale(&sale.id) {
            Some(stored) if stored.sale != sale => {
                return Err(TerminalError::Conflict(format!("another sale {} is stored", sale.id)));
            }
            Some(stored) if stored.outcome != outcome && stored.outcome != SaleOutcome::Unknown => {
                return Err(TerminalError::Conflict(format!("the outcome of sale {} is known", sale.id)));
            }
            Some(stored) if stored.outcome == outcome => {}
            Some(_) | None => {
                entries.push(Entry::Sale(Box::new(StoredSale { sale: sale.clone(), outcome })));
            }
        }
        if forwarding != Forwarding::Kept && self.book.is_cancelled(&sale.id) {
            return Err(TerminalError::Cancelled(sale.id.to_string()));
        }
        let known = self.book.sale(&sale.id).map_or(Forwarding::Kept, |stored| stored.forwarding);
        if is_farther(forwarding, known) {
            entries.push(Entry::Forwarding(SalesForwarded { sales: vec![sale.id], state: forwarding }));
        }
        if entries.is_empty() { Ok(()) } else { self.append(reading, entries).map(|_| ()) }
    }

    /// Says that a stored sale is about to be sent (`PerhapsSent`) or has arrived (`Forwarded`). Call it *before* the sale
    /// is sent to anybody, and send nothing unless it succeeds.
    ///
    /// # Errors
    /// [`TerminalError::Cancelled`]: it must not be sent; [`TerminalError::UnknownSale`], [`TerminalError::Disk`].
    pub fn forward(&mut self, reading: Reading, sale: &SaleId, state: Forwarding) -> Result<(), TerminalError> {
        let stored = self.book.sale(sale).ok_or_else(|| TerminalError::UnknownSale(sale.to_string()))?;
        if state == Forwarding::Kept {
            return Err(TerminalError::Argument("a sale is never kept again: perhaps-sent or forwarded".to_owned()));
        }
        if self.book.is_cancelled(sale) {
            return Err(TerminalError::Cancelled(sale.to_string()));
        }
        if !is_farther(state, stored.forwarding) {
            return Ok(());
        }
        let forwarded = SalesForwarded { sales: vec![sale.clone()], state };
        self.append(reading, vec![Entry::Forwarding(forwarded)]).map(|_| ())
    }

    /// Says what became of an operation that the terminal itself carried out after it was queued.
    ///
    /// # Errors
    /// [`TerminalError::Conflict`] for one that is done here, that has ended, or was never begun;
    /// [`TerminalError::Argument`] for one that is to be withdrawn: the server may have it already.
    pub fn record_outcome(
        &mut self,
        reading: Reading,
        operation: &OperationId,
        result: OperationResult,
        detail: Option<String>,
    ) -> Result<(), TerminalError> {
        let conflict = |what: &str| Err(TerminalError::Conflict(format!("operation {operation} {what}")));
        let Some(begun) = self.book.operation(operation) else { return conflict("was not begun here") };
        if result == OperationResult::Withdrawn {
            return Err(TerminalError::Argument("what the server may have cannot be withdrawn".to_owned()));
        }
        match (begun.operation.effect, begun.result) {
            (OfflineEffect::CancelsLocally, _) => return conflict("is done"),
            (OfflineEffect::Queued, Some(before)) if before == result => return Ok(()),
            (OfflineEffect::Queued, Some(OperationResult::Unknown) | None) => {}
            (OfflineEffect::Queued, Some(_)) => return conflict("has ended"),
        }
        let outcome = OperationOutcome { operation: operation.clone(), result, detail };
        self.append(reading, vec![Entry::Outcome(outcome)]).map(|_| ())
    }

    /// Records from a number on as a signed batch, to be sent to the server. `None` if there are none. It can be asked for
    /// as often as needed. Before a sale that never left the terminal is given out, it is written down that it may have.
    ///
    /// A sync ends when a batch that was acknowledged had `remaining` 0: what the acknowledgement itself leaves behind goes
    /// with the next one.
    ///
    /// # Errors
    /// [`TerminalError::Disk`], [`TerminalError::Damaged`], [`TerminalError::Sign`].
    pub fn export(&mut self, reading: Reading, from: u64, most: usize) -> Result<Option<Export>, TerminalError> {
        let Some(export) = self.journal.export(from, most, self.signer.as_ref())? else { return Ok(None) };
        let count = usize::try_from(export.last.saturating_sub(export.first)).unwrap_or(usize::MAX);
        let mut leaving = Vec::new();
        for record in self.journal.records(export.first, count.saturating_add(1))? {
            if let Entry::Sale(stored) = record.entry {
                let kept = self.book.sale(&stored.sale.id).is_some_and(|sale| sale.forwarding == Forwarding::Kept);
                if kept && !leaving.contains(&stored.sale.id) {
                    leaving.push(stored.sale.id);
                }
            }
        }
        if leaving.is_empty() {
            return Ok(Some(export));
        }
        let forwarded = SalesForwarded { sales: leaving, state: Forwarding::PerhapsSent };
        self.append(reading, vec![Entry::Forwarding(forwarded)])?;
        let remaining = self.journal.head().next.saturating_sub(export.last).saturating_sub(1);
        Ok(Some(Export { remaining, ..export }))
    }

    /// Takes the server's answer to a batch: lets go of what it has, takes over its time and counts. The same answer may
    /// come again.
    ///
    /// # Errors
    /// [`TerminalError::Acknowledgement`] if the server knows another story; then nothing is let go.
    /// [`TerminalError::Argument`], [`TerminalError::Disk`].
    pub fn acknowledge(
        &mut self,
        asked: Reading,
        heard: Reading,
        answer: &Acknowledgement,
    ) -> Result<Synced, TerminalError> {
        let released = self.journal.acknowledge(&answer.head)?;
        if released > 0 {
            self.read_book()?;
        }
        let time_taken = self.hear(asked, heard, answer.server_time)?;
        // An older answer that comes again counts less than there is.
        if answer.head == self.journal.acknowledged() {
            self.counted.clone_from(&answer.counted);
        }
        let waiting = self.journal.counters().records;
        Ok(Synced { released, waiting, time_taken, operations: answer.operations.clone() })
    }

    // --------------------------------------------------------------------------------------------- the bundle

    /// Takes a bundle, if it is genuine, newer, for this terminal, holds now, and its component and policy can be loaded.
    /// Once this returns, it decides, also after a power loss. If it does not, what was active still does.
    ///
    /// # Errors
    /// [`TerminalError::Refused`], [`TerminalError::ClockUnknown`] before the server was heard,
    /// [`TerminalError::Decider`], [`TerminalError::NoBundle`] for one without a policy for this class of terminals,
    /// [`TerminalError::Disk`].
    pub fn apply_bundle(&mut self, reading: Reading, bytes: Vec<u8>) -> Result<Update, TerminalError> {
        let time = self.time(reading)?;
        if time.source == Source::Unknown {
            return Err(TerminalError::ClockUnknown);
        }
        match self.try_bundle(&time, bytes) {
            Ok(update) => {
                self.note_bundle(reading)?;
                Ok(update)
            }
            Err(error) => {
                if let TerminalError::Refused(refusal) = &error {
                    let incident = Incident::BundleRefused { code: refusal.code().to_owned() };
                    self.write(time.now, vec![Entry::Incident(incident)])?;
                }
                Err(error)
            }
        }
    }

    fn try_bundle(&mut self, time: &Time, bytes: Vec<u8>) -> Result<Update, TerminalError> {
        let now = time.now.unix_ms;
        // Tried before it replaces anything: a genuine bundle can still be one that this build cannot load.
        let offered = verify(bytes, self.store.trust(), now, None, &self.engine, &Ed25519)?;
        holds(&offered, time)?;
        let active = loaded(&self.setup, &offered)?;
        let update = self.store.install(offered.bytes().to_vec(), now, &Ed25519)?;
        (self.active, self.unusable) = (Some(active), None);
        Ok(update)
    }

    // ---------------------------------------------------------------------------------------------- decisions

    /// Whether a stored sale can be voided as a whole, by whoever stands at the terminal. Nothing is written: a look.
    ///
    /// # Errors
    /// As [`Terminal::check`].
    pub fn check_void(
        &mut self,
        reading: Reading,
        sale: &SaleId,
        reason: Option<String>,
        operator: Operator,
    ) -> Result<Answer, TerminalError> {
        let stored = self.book.sale(sale).ok_or_else(|| TerminalError::UnknownSale(sale.to_string()))?;
        let amount = stored.sale.captured.clone();
        let question = Question::Void(VoidQuestion { amount, reason, legal: false, evidence: Vec::new() });
        let sale = Subject::Stored(sale.clone());
        self.check(
            reading,
            &Ask { sale, question, operator: Some(operator), proof: None, identity: Vec::new(), fees: None },
        )
    }

    /// Decides without writing anything. Who shows nothing only looks: the obligations say what will have to be shown.
    ///
    /// # Errors
    /// [`TerminalError::NoBundle`], [`TerminalError::UnknownSale`], [`TerminalError::Proof`],
    /// [`TerminalError::Undecidable`], [`TerminalError::Decider`].
    pub fn check(&mut self, reading: Reading, ask: &Ask) -> Result<Answer, TerminalError> {
        let time = self.time(reading)?;
        let mut facts = self.facts(ask, &time)?;
        if facts.authentication.is_none() && facts.identity.is_empty() {
            facts.operation = None;
        }
        match self.decider()?.decider.decide(&facts, &ask.question)? {
            record::Answer::Decided(decision) => Answer::of(decision, &time, self.setup.utc_offset_minutes),
            record::Answer::Error(error) => Err(error.into()),
        }
    }

    /// Looks at all ways back at once, for one amount (the whole sale if absent). Nothing is written.
    ///
    /// # Errors
    /// As [`Terminal::check`].
    pub fn assess(
        &mut self,
        reading: Reading,
        sale: &Subject,
        amount: Option<&Money>,
        operator: Option<&Operator>,
    ) -> Result<Vec<Answer>, TerminalError> {
        let time = self.time(reading)?;
        let about = self.about(sale)?;
        let standing = self.standing_of(operator);
        let facts = self.gather(about, standing, &time)?;
        let decisions = self.decider()?.decider.assess(&facts, amount)??;
        decisions.into_iter().map(|decision| Answer::of(decision, &time, self.setup.utc_offset_minutes)).collect()
    }

    /// Decides and writes the decision down, with everything it depended on. Nothing is begun.
    ///
    /// # Errors
    /// As [`Terminal::check`]; [`TerminalError::Full`], [`TerminalError::Disk`].
    pub fn decide(&mut self, reading: Reading, ask: &Ask) -> Result<Answer, TerminalError> {
        let time = self.time(reading)?;
        let record = self.decision(ask, &time)?;
        let number = self.write(time.now, vec![Entry::Decision(Box::new(record.clone()))])?;
        let mut answer = Answer::of(decided(&record)?.clone(), &time, self.setup.utc_offset_minutes)?;
        answer.record = Some(number);
        Ok(answer)
    }

    /// Begins an operation if it is allowed now: decides anew, and writes decision and operation down in one step. Only the
    /// void of a sale that never left the terminal is done by that; everything else waits for the server, and its slip
    /// says so. A name that was begun before gives its answer again, and nothing happens.
    ///
    /// If it is not allowed, the decision is written down and answered, and [`Answer::operation`] is absent.
    ///
    /// # Errors
    /// As [`Terminal::decide`]; [`TerminalError::Conflict`] if the name stands for something else, or the fees are others
    /// than those that were seen.
    pub fn begin(&mut self, reading: Reading, begin: &Begin) -> Result<Answer, TerminalError> {
        let time = self.time(reading)?;
        if let Some(before) = self.book.operation(&begin.operation).map(|begun| begun.operation.clone()) {
            return self.begun_before(begin, &before, &time);
        }
        let sale = self.about(&begin.ask.sale)?.sale.id;
        self.book.must_have_room(&sale)?;
        let record = self.decision(&begin.ask, &time)?;
        let decision = decided(&record)?.clone();
        let mut answer = Answer::of(decision.clone(), &time, self.setup.utc_offset_minutes)?;
        if !answer.is_allowed() {
            answer.record = Some(self.write(time.now, vec![Entry::Decision(Box::new(record))])?);
            return Ok(answer);
        }
        if begin.ask.fees.as_ref().is_some_and(|seen| *seen != decision.obligations.fees) {
            return Err(TerminalError::Conflict("the fees are others than those that were seen".to_owned()));
        }
        let effect = self.effect(&sale, &decision)?;
        let day = self.decider()?.decider.business_day_of(time.now)??;
        let number = self.journal.head().next;
        let operation = StoredOperation {
            id: begin.operation.clone(),
            sale,
            way: decision.way,
            amount: decision.amount.clone(),
            effect,
            decision: number,
            day,
            reason: reason(&begin.ask.question),
            operator: record.input.facts.asker.person.clone(),
            proof: begin.ask.proof.clone(),
        };
        // Printed before it is written: what cannot be printed is not begun.
        let slip = slip::print(&self.setup, &operation, &record, &decision, time.now, false)?;
        let entries = vec![Entry::Decision(Box::new(record)), Entry::Operation(Box::new(operation))];
        answer.record = Some(self.write(time.now, entries)?);
        answer.operation = Some(Done { id: begin.operation.clone(), effect, slip, replayed: false });
        Ok(answer)
    }

    /// What it may do. The policy's word is not enough: what was possibly sent is never done here.
    fn effect(&self, sale: &SaleId, decision: &Decision) -> Result<OfflineEffect, TerminalError> {
        let effect = decision.obligations.offline;
        let effect = effect.ok_or_else(|| TerminalError::Undecidable("it does not say what it may do here".into()))?;
        let kept = self.book.sale(sale).is_some_and(|stored| {
            stored.forwarding == Forwarding::Kept
                && stored.outcome == SaleOutcome::Good
                && stored.sale.captured == decision.amount
        });
        Ok(match effect {
            OfflineEffect::CancelsLocally if kept && decision.way == Way::Void => OfflineEffect::CancelsLocally,
            OfflineEffect::CancelsLocally | OfflineEffect::Queued => OfflineEffect::Queued,
        })
    }

    fn begun_before(&mut self, begin: &Begin, before: &StoredOperation, time: &Time) -> Result<Answer, TerminalError> {
        let sale = match &begin.ask.sale {
            Subject::Stored(id) => id,
            Subject::Told(told) => &told.sale.id,
        };
        let asked = begin.ask.question.amount();
        let same = *sale == before.sale
            && begin.ask.question.way() == before.way
            && asked.is_none_or(|amount| *amount == before.amount)
            && reason(&begin.ask.question) == before.reason;
        if !same {
            return Err(TerminalError::Conflict(format!("operation {} is something else", before.id)));
        }
        self.answer_of(before, time)
    }

    /// The slip of an operation again, marked as a reprint, with the decision that allowed it.
    ///
    /// # Errors
    /// [`TerminalError::Conflict`] if it was not begun here, or the server has it and it is forgotten here.
    pub fn reprint(&mut self, reading: Reading, operation: &OperationId) -> Result<Answer, TerminalError> {
        let time = self.time(reading)?;
        let begun = self.book.operation(operation).map(|begun| begun.operation.clone());
        let begun = begun.ok_or_else(|| TerminalError::Conflict(format!("operation {operation} is not kept here")))?;
        self.answer_of(&begun, &time)
    }

    fn answer_of(&self, operation: &StoredOperation, time: &Time) -> Result<Answer, TerminalError> {
        let gone = || TerminalError::Conflict(format!("the decision on operation {} is at the server", operation.id));
        let record = self.journal.records(operation.decision, 1)?.pop().ok_or_else(gone)?;
        let Entry::Decision(record) = record.entry else { return Err(gone()) };
        let decision = decided(&record)?;
        let slip = slip::print(&self.setup, operation, &record, decision, time.now, true)?;
        let mut answer = Answer::of(decision.clone(), time, self.setup.utc_offset_minutes)?;
        answer.record = Some(operation.decision);
        answer.operation = Some(Done { id: operation.id.clone(), effect: operation.effect, slip, replayed: true });
        Ok(answer)
    }

    /// Decides, with everything that goes into the record.
    fn decision(&mut self, ask: &Ask, time: &Time) -> Result<DecisionRecord, TerminalError> {
        let facts = self.facts(ask, time)?;
        let head = self.journal.head();
        let active = self.decider()?;
        let answer = active.decider.decide(&facts, &ask.question)?;
        let (policy, component) = (active.decider.identity().clone(), active.component.clone());
        let journal: String = head.journal.to_string().chars().take(8).collect();
        let input = Input { facts, question: ask.question.clone() };
        Ok(DecisionRecord {
            format: record::FORMAT.to_owned(),
            id: format!("{}.{journal}.{}", self.setup.terminal, head.next),
            merchant: self.setup.merchant.clone(),
            sale: input.facts.sale.id.clone(),
            at: time.now,
            policy,
            component,
            input_digest: input.digest(),
            input,
            answer,
        })
    }

    /// What decides, if its bundle holds. Time that is unknown is no reason: whatever hangs on it is then not decided.
    fn decider(&mut self) -> Result<&mut Active, TerminalError> {
        let why = || self.unusable.clone().unwrap_or_else(|| "none was ever applied".to_owned());
        if self.active.is_none() {
            return Err(TerminalError::NoBundle(why()));
        }
        self.active.as_mut().ok_or_else(|| TerminalError::NoBundle("none".to_owned()))
    }

    fn facts(&mut self, ask: &Ask, time: &Time) -> Result<Facts, TerminalError> {
        let about = self.about(&ask.sale)?;
        let amount = ask.question.amount().unwrap_or(&about.sale.captured);
        let bundle = self.store.active().ok_or_else(|| TerminalError::NoBundle("none was ever applied".to_owned()))?;
        let standing = Standing::of(&self.setup, bundle.proof_keys(), &about.sale, amount, ask, time)?;
        self.gather(about, standing, time)
    }

    /// Who looks: nobody has to show anything for that.
    fn standing_of(&self, operator: Option<&Operator>) -> Standing {
        Standing {
            asker: rescind_model::Asker {
                person: operator.map(|operator| operator.person.clone()),
                roles: operator.map_or_else(Vec::new, |operator| operator.roles.clone()),
                terminal: Some(self.setup.terminal.clone()),
                terminal_class: self.setup.class.clone(),
            },
            operation: Digest { hex: String::new() },
            authentication: None,
            identity: Vec::new(),
        }
    }

    /// The sale, with what is known of it.
    fn about(&self, subject: &Subject) -> Result<About, TerminalError> {
        Ok(match subject {
            Subject::Stored(id) => {
                let stored = self.book.sale(id).ok_or_else(|| TerminalError::UnknownSale(id.to_string()))?;
                About {
                    sale: stored.sale.clone(),
                    status: status_of(stored.outcome),
                    forwarding: stored.forwarding,
                    balance: None,
                    code: None,
                    hold: None,
                }
            }
            Subject::Told(told) => {
                if told.sale.merchant != self.setup.merchant {
                    return Err(TerminalError::Argument(format!("sale {} is another merchant's", told.sale.id)));
                }
                if self.book.sale(&told.sale.id).is_some_and(|stored| stored.sale != told.sale) {
                    return Err(TerminalError::Conflict(format!("another sale {} is stored", told.sale.id)));
                }
                About {
                    sale: told.sale.clone(),
                    status: told.status.clone(),
                    forwarding: Forwarding::Forwarded,
                    balance: told.balance.clone(),
                    code: told.code.clone(),
                    hold: told.hold.clone(),
                }
            }
        })
    }

    /// Facts, from what is on the disk and nothing else.
    fn gather(&mut self, about: About, standing: Standing, time: &Time) -> Result<Facts, TerminalError> {
        let bundle = self.store.active().ok_or_else(|| TerminalError::NoBundle("none was ever applied".to_owned()))?;
        holds(bundle, time).map_err(|refusal| TerminalError::NoBundle(refusal.to_string()))?;
        let made_at = bundle.times().made_at;
        let balance = self.book.balance(&about.sale, about.balance.as_ref())?;
        let tallies = self.tallies(time)?;
        let counters = self.journal.counters();
        let currency = &about.sale.captured.currency;
        let offline = OfflineSituation {
            forwarding: about.forwarding,
            clock_bound: time.bound,
            last_contact: self.journal.time().anchor.as_ref().map_or(Instant { unix_ms: 0 }, |anchor| anchor.server),
            bundle_made: Instant { unix_ms: made_at },
            stored_records: u32::try_from(counters.records).unwrap_or(u32::MAX),
            operations: counters.operations,
            total: counters.total(currency).cloned().unwrap_or_else(|| about.sale.captured.zero_like()),
        };
        Ok(Facts {
            sale: about.sale,
            status: about.status,
            balance,
            now: time.now,
            business_day: None,
            tallies,
            requested_today: None,
            asker: standing.asker,
            code: about.code,
            hold: about.hold,
            operation: Some(standing.operation).filter(|operation| !operation.hex.is_empty()),
            authentication: standing.authentication,
            identity: standing.identity,
            offline: Some(offline),
        })
    }

    /// The counts that the terminal can know: its own of a business day, on top of what the server told. All others stay
    /// away, and the policy then leaves the decision to the server.
    fn tallies(&mut self, time: &Time) -> Result<Vec<Tally>, TerminalError> {
        let Some(counted) = self.counted.clone() else { return Ok(Vec::new()) };
        let active = self.decider()?;
        let day = active.decider.business_day_of(time.now)??;
        let needs = active.decider.needs()?;
        if counted.day != day {
            return Ok(Vec::new());
        }
        let mut tallies = Vec::new();
        for need in needs.tallies {
            let told = counted.tallies.iter().find(|tally| tally.need == need);
            let own = need.counted == Counted::Terminal && need.period == Period::BusinessDay;
            if let Some(told) = told.filter(|_| own) {
                let count = told.count.saturating_add(self.book.begun_on(day, need.way));
                tallies.push(Tally { need, count });
            }
        }
        Ok(tallies)
    }

    // ------------------------------------------------------------------------------------------------- status

    /// How the terminal is.
    ///
    /// # Errors
    /// [`TerminalError::Disk`].
    pub fn status(&mut self, reading: Reading) -> Result<Status, TerminalError> {
        let time = self.time(reading)?;
        let policy = self.active.as_ref().map(|active| active.decider.identity().clone());
        let bundle = self.store.active().map(|bundle| BundleStatus::of(bundle, policy, &time));
        let (room, counters) = (self.journal.room(), self.journal.counters().clone());
        let journal = JournalStatus {
            acknowledged: self.journal.acknowledged(),
            head: self.journal.head(),
            is_full: counters.records >= room.records || counters.bytes >= room.bytes,
            max_records: room.records,
            max_bytes: room.bytes,
            counters,
        };
        let public_key = self.signer.public().to_string();
        let last_contact = self.journal.time().anchor.as_ref().map(|anchor| anchor.server);
        Ok(Status::of(&self.engine, bundle, self.unusable.clone(), journal, &time, last_contact, public_key))
    }

    /// The bundle that is active.
    #[must_use]
    pub fn bundle(&self) -> Option<&Verified> {
        self.store.active()
    }

    /// Ends it. Everything that was returned is on the disk already.
    pub fn close(self) {
        drop(self);
    }
}

/// A sale with what is known of it.
struct About {
    sale: Sale,
    status: SaleStatus,
    forwarding: Forwarding,
    balance: Option<Balance>,
    code: Option<PaymentCode>,
    hold: Option<Hold>,
}

fn status_of(outcome: SaleOutcome) -> SaleStatus {
    SaleStatus { outcome, batch_closed_at: None, settled_at: None, paid_out_at: None, late: None }
}

fn is_farther(state: Forwarding, than: Forwarding) -> bool {
    let steps = |state| match state {
        Forwarding::Kept => 0,
        Forwarding::PerhapsSent => 1,
        Forwarding::Forwarded => 2,
    };
    steps(state) > steps(than)
}

fn reason(question: &Question) -> Option<String> {
    match question {
        Question::Void(question) => question.reason.clone(),
        Question::Refund(question) => question.reason.clone(),
        Question::Operation(question) => question.reason.clone(),
    }
}

fn decided(record: &DecisionRecord) -> Result<&Decision, TerminalError> {
    match &record.answer {
        record::Answer::Decided(decision) => Ok(decision),
        record::Answer::Error(error) => Err(error.clone().into()),
    }
}

/// Whether a bundle holds, wherever within its bound the time may be. While it is unknown, from when to when is not asked:
/// what depends on time is then left to the server.
fn holds(bundle: &Verified, time: &Time) -> Result<(), Refusal> {
    if time.source == Source::Unknown {
        return bundle.holds_at(time.now.unix_ms.max(bundle.times().not_before));
    }
    bundle.holds_at(time.earliest().unix_ms)?;
    bundle.holds_at(time.latest().unix_ms)
}

/// Loads the component and the policy of a bundle.
fn loaded(setup: &Setup, bundle: &Verified) -> Result<Active, TerminalError> {
    let document = bundle.policy(setup.class.as_deref());
    let document = document.ok_or_else(|| TerminalError::NoBundle("it has no policy for this class".to_owned()))?;
    // SAFETY: the bytes lie in the buffer that `rescind_bundle` verified and owns: signed by a trusted key, never changed
    // since, never read again from a file. What signs bundles puts nothing else into this place.
    #[expect(unsafe_code, reason = "running translated code that was verified, see above")]
    let code = unsafe { rescind_decider::Verified::new(bundle.code()) };
    let runtime = Runtime::with_instances(&setup.code.target(), code, limits::INSTANCES)?;
    let decider = runtime.decider(document)?;
    Ok(Active { decider, component: Digest { hex: hex::encode(bundle.component()) } })
}
