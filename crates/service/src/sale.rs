//! Sales: one aggregate each, which carries every money invariant of the sale in one compare-and-swap.

use crate::announcement::Announcement;
use crate::app::App;
use crate::directory::{Merchant, Terminal};
use crate::error::Error;
use crate::limits::{
    EVENTS_TO_WEIGH, LIST_LIMIT, RECENT_COMMANDS, SALE_BYTES, SALE_BYTES_TO_END, SALE_ID_BYTES, SWAP_ATTEMPTS,
};
use crate::personal::Personal;
use crate::planted::{Mistake, made};
use crate::ports::{Kv, Policy as _, Ports};
use crate::principal::{Bearer, Deed, Principal};
use crate::retention::Ends;
use crate::store::key::Key;
use crate::store::list::{Entry, Position};
use crate::store::{Commit, Record, Slot};
use rescind_model::standing::Standing;
use rescind_model::{
    ActingPerson, Actor, Asker, Balance, BusinessDay, Command, CommandId, Decision, Digest, Event, Evidence, Facts,
    Instant, LateAnswer, Ledger, Locale, MerchantId, Money, Origin, RefundId, Sale, SaleId, SaleOutcome, ScanOutcome,
    TerminalId, Transition, Way,
};
use serde::{Deserialize, Serialize};

/// One sale: its ledger, and everything that ever happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// What money depends on.
    pub ledger: Ledger,
    /// History: event *n* is at index *n* − 1.
    pub events: Vec<Event>,
    /// Counts the changes.
    pub commits: u64,
    /// The newest commands: some change the ledger without an event, and must be found again too.
    pub recent: Vec<CommandId>,
    /// Notes of refunds from before ledgers held commitments only. Kept until they are erased, see `upcast`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<OldNote>,
}

/// The note of a refund that was asked for under the contracts 0.1.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldNote {
    /// The refund.
    pub refund: RefundId,
    /// What was written, card numbers masked.
    pub text: String,
}

impl Record for Aggregate {
    const FORMAT: &'static str = "sale/2";
    fn holds(&self, id: &str) -> bool {
        self.recent.iter().any(|c| c.as_str() == id) || self.events.iter().rev().any(|e| e.command.as_str() == id)
    }

    fn upcast(format: &str, data: serde_json::Value) -> Option<Result<Self, String>> {
        crate::upcast::sale(format, data)
    }
}

impl Aggregate {
    /// The first state. Its command follows from the sale's content, so that two who register the same sale at once have
    /// the same; the writer tells whose record it became.
    fn first(transition: Transition, writer: CommandId) -> Self {
        Self {
            ledger: transition.ledger,
            events: transition.events,
            commits: 1,
            recent: vec![writer],
            notes: Vec::new(),
        }
    }

    /// Whether there is room for another void or refund and all that will happen to it.
    ///
    /// # Errors
    /// [`Error::Conflict`] `record.full`.
    pub(crate) fn must_have_room(&self) -> Result<(), Error> {
        self.must_weigh_less_than(SALE_BYTES)
    }

    fn must_weigh_less_than(&self, most: usize) -> Result<(), Error> {
        if self.events.len() < EVENTS_TO_WEIGH {
            return Ok(());
        }
        let bytes = serde_json::to_vec(self).map_err(|e| Error::Internal(e.to_string()))?.len();
        if bytes < most {
            return Ok(());
        }
        Err(Error::Conflict {
            code: "record.full",
            message: "this sale has too long a history for another operation".to_owned(),
        })
    }

    /// The state after a transition.
    fn after(&self, transition: Transition, command: &CommandId) -> Self {
        let mut events = self.events.clone();
        events.extend(transition.events);
        let kept = self.recent.len().saturating_sub(RECENT_COMMANDS.saturating_sub(1));
        let recent = self.recent.iter().skip(kept).chain([command]).cloned().collect();
        let notes = self.notes.clone();
        Self { ledger: transition.ledger, events, commits: self.commits.saturating_add(1), recent, notes }
    }
}

/// How a slip is found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaleQuery {
    /// Terminal, batch and voucher.
    Slip {
        /// The terminal.
        terminal: TerminalId,
        /// Batch number.
        batch: String,
        /// Voucher number.
        voucher: String,
    },
    /// Trace number and business day.
    Trace {
        /// Trace number.
        trace: String,
        /// Business day.
        business_day: BusinessDay,
    },
    /// The merchant's order number.
    Order(String),
    /// The network's retrieval reference.
    Retrieval(String),
}

impl SaleQuery {
    pub(crate) fn key(&self, merchant: &MerchantId) -> Key {
        match self {
            Self::Slip { terminal, batch, voucher } => {
                Key::index(merchant, "slip", &format!("{terminal}\n{batch}\n{voucher}"))
            }
            Self::Trace { trace, business_day } => Key::index(merchant, "trace", &format!("{business_day}\n{trace}")),
            Self::Order(order) => Key::index(merchant, "order", order),
            Self::Retrieval(reference) => Key::index(merchant, "retrieval", reference),
        }
    }

    /// All the ways a sale will be looked for.
    pub(crate) fn of(sale: &Sale) -> Vec<Self> {
        let mut queries = Vec::new();
        if let Some(slip) = &sale.slip {
            queries.push(Self::Slip {
                terminal: slip.terminal.clone(),
                batch: slip.batch.clone(),
                voucher: slip.voucher.clone(),
            });
            queries.push(Self::Trace { trace: slip.trace.clone(), business_day: sale.business_day });
        }
        queries.extend(sale.order_number.clone().map(Self::Order));
        queries.extend(sale.retrieval_reference.clone().map(Self::Retrieval));
        queries
    }
}

/// Sales that match, in the order they were registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Those the asker may see.
    pub items: Vec<Aggregate>,
    /// Where to go on, if there is more.
    pub next: Option<String>,
}

/// Which scan of a payment code is meant: by the network's reference where the scan has one, else by its instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanName {
    /// When it was scanned.
    pub at: Option<Instant>,
    /// The network's retrieval reference number.
    pub retrieval_reference: Option<String>,
}

/// What became known of a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaleEvent {
    /// Its outcome; of a payment code, that of the scan that is named.
    OutcomeKnown {
        /// What became known.
        outcome: SaleOutcome,
        /// Which scan it is about, where it was said.
        scan: Option<ScanName>,
    },
    /// It was cleared to the merchant.
    Settled,
    /// Its money was paid out.
    PaidOut,
}

/// A terminal's closed batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClosedBatch {
    closed_at: Instant,
}

impl Record for ClosedBatch {
    const FORMAT: &'static str = "batch/1";
    fn holds(&self, _id: &str) -> bool {
        // Closing is final and has no author: whoever finds it closed has closed it.
        true
    }
}

/// Where the acquiring fee of a payment is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargedFee {
    /// Whoever registers it says so.
    Told,
    /// Nobody said: it is what the merchant's policy charges.
    ByPolicy,
}

/// The acquiring fee that a policy charges for a payment; nothing where it has no charge for it.
pub(crate) fn charge_by(
    policy: &impl crate::ports::Policy,
    sale: &Sale,
) -> Result<Money, rescind_model::DecisionError> {
    let fee = policy.acquiring_fee(sale)?.unwrap_or_else(|| sale.captured.zero_like());
    // A least fee is no more than the payment itself.
    Ok(if fee.minor > sale.captured.minor { sale.captured.clone() } else { fee })
}

/// Whether a terminal may begin a payment while it owes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    /// It begins now: what the terminal owes comes first.
    Now,
    /// It took place before the server could be asked.
    Past,
}

/// How a payment begins.
pub(crate) struct Beginning {
    pub(crate) sale: Sale,
    pub(crate) fee: ChargedFee,
    pub(crate) outcome: SaleOutcome,
    pub(crate) origin: Origin,
    /// What was asked for, in bytes: the same again is the same payment.
    pub(crate) content: Vec<u8>,
    pub(crate) timing: Timing,
}

/// Why a transition was not committed, for callers that go on.
pub(crate) enum Outcome {
    /// It was.
    Committed(Aggregate),
    /// The command is in the aggregate already.
    Already(Aggregate),
}

impl Outcome {
    pub(crate) fn aggregate(self) -> Aggregate {
        match self {
            Self::Committed(aggregate) | Self::Already(aggregate) => aggregate,
        }
    }
}

/// What the record may weigh for a command. One that begins something leaves half of it to what is under way; a person's
/// word about that leaves a quarter to outcomes. Those, and what gives a reservation back, are taken in whatever it weighs.
fn room_for(change: &Command) -> Option<usize> {
    match change {
        Command::AskInformation(_)
        | Command::ProvideInformation(_)
        | Command::AssignCase(_)
        | Command::RecordLiability(_)
        | Command::RequestTrace(_)
        | Command::RecordTrouble(_)
        | Command::Retry(_) => Some(SALE_BYTES),
        Command::Approve(_) | Command::DecideCase(_) | Command::EndLiability(_) => Some(SALE_BYTES_TO_END),
        // The rest of what begins something has facts gathered for it, and asks for room there (`take_back`, `case`, `order`).
        _ => None,
    }
}

impl<P: Ports> App<P> {
    /// Registers a sale, and how its customer is reached. The same again is harmless.
    ///
    /// # Errors
    /// As [`App::register_sale`].
    pub async fn register_sale_with(
        &self,
        who: &Principal,
        mut sale: Sale,
        fee: ChargedFee,
        contact: Option<&Personal>,
        outcome: SaleOutcome,
    ) -> Result<(Aggregate, bool), Error> {
        if let Some(contact) = contact {
            who.may(Deed::RegisterSale, &sale.merchant)?;
            self.check_sale(who, &sale).await?;
            sale.contact = Some(Box::pin(self.keep_contact_of_sale(&sale.merchant, &sale.id, contact)).await?);
        }
        self.register(who, sale, fee, outcome, Timing::Now).await
    }

    /// Registers a sale. The same sale again is harmless; `created` says whether it was new.
    ///
    /// # Errors
    /// [`Error::Conflict`] `sale.conflict` for another sale of that id; [`Error::Invalid`] for values that cannot be.
    pub async fn register_sale(
        &self,
        who: &Principal,
        sale: Sale,
        outcome: SaleOutcome,
    ) -> Result<(Aggregate, bool), Error> {
        self.register(who, sale, ChargedFee::Told, outcome, Timing::Now).await
    }

    /// Registers a sale that took place while its terminal could not ask. The same again is harmless.
    ///
    /// # Errors
    /// As [`App::register_sale`].
    pub(crate) async fn register_past_sale(
        &self,
        who: &Principal,
        sale: Sale,
        outcome: SaleOutcome,
    ) -> Result<(Aggregate, bool), Error> {
        self.register(who, sale, ChargedFee::Told, outcome, Timing::Past).await
    }

    async fn register(
        &self,
        who: &Principal,
        sale: Sale,
        fee: ChargedFee,
        outcome: SaleOutcome,
        timing: Timing,
    ) -> Result<(Aggregate, bool), Error> {
        let content = serde_json::to_vec(&(&sale, outcome)).map_err(|e| Error::Internal(e.to_string()))?;
        self.begin_payment(who, &Beginning { sale, fee, outcome, origin: Origin::Sale, content, timing }).await
    }

    /// The acquiring fee that the merchant's policy charges for a payment: that of the terminal's class, where one was used.
    /// Nothing where it has no charge for it, or where no policy can be asked; the log then says so.
    pub(crate) async fn charge_of(&self, sale: &Sale) -> Result<Money, Error> {
        let merchant = self.merchant(&sale.merchant).await?;
        let class = self.class_of(&merchant, sale).await?;
        let deciding = match self.deciding(&merchant, class.as_deref(), self.ports.now()).await {
            Ok(deciding) => deciding,
            Err(Error::Unavailable(why)) => {
                // The payment took place: it is taken in whatever is wrong with the policy.
                self.ports.log(&format!("ALERT no charge for sale {} of {}: {why}", sale.id, sale.merchant));
                return Ok(sale.captured.zero_like());
            }
            Err(other) => return Err(other),
        };
        Ok(charge_by(&*deciding.policy, sale).unwrap_or_else(|why| {
            self.ports.log(&format!("no charge for sale {} of {}: {why:?}", sale.id, sale.merchant));
            sale.captured.zero_like()
        }))
    }

    /// Makes the record of a payment, however it begins. The same again is harmless; `created` says whether it was new.
    pub(crate) async fn begin_payment(
        &self,
        who: &Principal,
        beginning: &Beginning,
    ) -> Result<(Aggregate, bool), Error> {
        let Beginning { sale, fee, outcome, origin, content, timing } = beginning;
        let merchant = sale.merchant.clone();
        who.may(Deed::RegisterSale, &merchant)?;
        self.check_sale(who, sale).await?;
        let command = CommandId { value: format!("s-{}", crate::idempotency::short(&Digest::of(content))) };
        let records = self.records().await?;
        let unique = self.unique();
        let key = Key::sale(&merchant, &sale.id).checked()?;
        let actor = who.actor(&merchant);
        let same = |there: &Aggregate| {
            // What somebody else registered is not shown to whoever sends the same; what was the asker's own is.
            let own = there.events.first().is_some_and(|e| e.actor == actor);
            // The outcome may have become known since: only what was registered is compared. What was paid of a code or
            // hold is written later; its first command follows from what was asked for.
            let registered = there.events.first().is_some_and(|e| e.command == command);
            // What the policy charged then is not held against what it charges now.
            let charged = there.ledger.sale.fee_charged.clone();
            let asked = || match fee {
                ChargedFee::Told => there.ledger.sale == *sale,
                ChargedFee::ByPolicy => there.ledger.sale == Sale { fee_charged: charged, ..sale.clone() },
            };
            if registered && (own || visible(who, &merchant, there)) && (*origin != Origin::Sale || asked()) {
                Ok(())
            } else {
                Err(Error::Conflict {
                    code: "sale.conflict",
                    message: format!("sale {} is registered with other content", sale.id),
                })
            }
        };
        let mut announcement = Announcement::default();
        self.look_at_lane(&merchant, &sale.id, &mut announcement).await?;
        if let Some(there) = records.read::<Aggregate>(&key).await? {
            same(&there)?;
            return Ok((there, false));
        }
        // DOMAIN.md §5.2: what it owes comes before the terminal's next transaction. What a merchant's systems register
        // has taken place already.
        if let (Bearer::Terminal { terminal, .. }, Some(_), Timing::Now) = (&who.bearer, &sale.slip, timing) {
            self.must_owe_nothing(&merchant, terminal).await?;
        }
        self.index(sale, SaleQuery::of(sale)).await?;
        let now = self.ports.now();
        let charged = match fee {
            ChargedFee::Told => None,
            ChargedFee::ByPolicy => Some(Sale { fee_charged: self.charge_of(sale).await?, ..sale.clone() }),
        };
        let opened = charged.as_ref().unwrap_or(sale);
        let transition = self.ports.open_ledger(opened, *outcome, origin, &actor, &command, now)?;
        let writer = CommandId { value: format!("w-{}", self.random_hex(32)) };
        let aggregate = Aggregate::first(transition, writer.clone());
        for attempt in 0..SWAP_ATTEMPTS {
            let announced = self.announce(&merchant, &sale.id, &command, &mut announcement).await?;
            if !announced {
                self.look_at_lane(&merchant, &sale.id, &mut announcement).await?;
            }
            let slot = records.open::<Aggregate>(&key).await?;
            if let Some(there) = slot.value {
                same(&there)?;
                return Ok((there, false));
            }
            if !announced {
                continue;
            }
            let unique = unique.wrapping_add(u64::from(attempt));
            if records.commit(slot, &aggregate, writer.as_str(), unique).await? == Commit::Written {
                return Ok((aggregate, true));
            }
        }
        Err(Error::Unavailable(format!("{key} is written by too many at once")))
    }

    /// Found by its numbers before it is there: an entry without a sale is passed over, a sale without one is lost.
    async fn index(&self, sale: &Sale, queries: Vec<SaleQuery>) -> Result<(), Error> {
        let records = self.records().await?;
        let unique = self.unique();
        for query in queries {
            let entry = Entry { id: sale.id.to_string(), at: String::new() };
            records.append(&query.key(&sale.merchant), &entry, unique).await?;
        }
        Ok(())
    }

    /// The same for the numbers that a payment is about to get.
    pub(crate) async fn index_anew(&self, before: &Sale, after: &Sale) -> Result<(), Error> {
        let known = SaleQuery::of(before);
        self.index(after, SaleQuery::of(after).into_iter().filter(|query| !known.contains(query)).collect()).await
    }

    async fn check_sale(&self, who: &Principal, sale: &Sale) -> Result<(), Error> {
        if sale.id.as_str().len() > SALE_ID_BYTES || sale.id.as_str().contains('~') {
            return Err(Error::invalid("/id", format!("expected at most {SALE_ID_BYTES} characters and no '~'")));
        }
        let amount = |field: &str, money: &Money| {
            Money::new(money.minor, &money.currency).map(|_| ()).map_err(|e| Error::invalid(field, e))
        };
        amount("/amount", &sale.captured)?;
        amount("/fee_charged", &sale.fee_charged)?;
        if sale.captured.is_zero() {
            return Err(Error::invalid("/amount", "expected more than zero"));
        }
        if let Some(coupon) = &sale.coupon {
            amount("/coupon", coupon)?;
            if coupon.exceeds(&sale.captured).map_err(|e| Error::invalid("/coupon", e))? {
                return Err(Error::invalid("/coupon", "expected at most the sale's amount"));
            }
        }
        sale.captured.same_currency(&sale.fee_charged).map_err(|e| Error::invalid("/fee_charged", e))?;
        if sale.fee_charged.minor > sale.captured.minor {
            return Err(Error::invalid("/fee_charged", "expected at most the sale's amount"));
        }
        if let (Bearer::Terminal { terminal, .. }, Some(slip)) = (&who.bearer, &sale.slip)
            && slip.terminal != *terminal
        {
            return Err(Error::Forbidden("a terminal registers its own sales only".to_owned()));
        }
        if matches!(who.bearer, Bearer::Terminal { .. }) && sale.slip.is_none() {
            return Err(Error::invalid("/slip", "a terminal's sale has a slip"));
        }
        if let Some(slip) = &sale.slip {
            let records = self.records().await?;
            if records.read::<Terminal>(&Key::terminal(&sale.merchant, &slip.terminal)).await?.is_none() {
                return Err(Error::invalid("/slip/terminal", format!("there is no terminal {}", slip.terminal)));
            }
        }
        if let Some(operator) = &sale.operator {
            self.person_at("/operator", operator, &sale.merchant).await?;
        }
        Ok(())
    }

    /// The business day of an instant under the merchant's policy.
    ///
    /// # Errors
    /// No such merchant or policy.
    pub async fn business_day_of(&self, merchant: &MerchantId, at: Instant) -> Result<BusinessDay, Error> {
        let merchant = self.merchant(merchant).await?;
        Ok(self.policy_of(&merchant).await?.business_day_of(at)?)
    }

    /// A sale, if the asker may see it.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that does not exist and one that is not the asker's.
    pub async fn sale(&self, who: &Principal, merchant: &MerchantId, id: &SaleId) -> Result<Aggregate, Error> {
        who.may(Deed::Read, merchant)?;
        let found = self.records().await?.read::<Aggregate>(&Key::sale(merchant, id)).await?;
        let aggregate = found.filter(|a| visible(who, merchant, a)).ok_or(Error::NotFound("transaction"))?;
        self.with_batch(aggregate).await
    }

    /// A payment that began in one way, by the name that it has there.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that does not exist, is not the asker's, or began otherwise.
    pub(crate) async fn sale_begun_as(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &SaleId,
        noun: &'static str,
        began_so: fn(&Ledger) -> bool,
    ) -> Result<Aggregate, Error> {
        let not_found = |e| if matches!(e, Error::NotFound(_)) { Error::NotFound(noun) } else { e };
        let found = self.sale(who, merchant, id).await.map_err(not_found)?;
        if began_so(&found.ledger) { Ok(found) } else { Err(Error::NotFound(noun)) }
    }

    /// Overlays the closing of the terminal's batch, which is recorded once for all its sales.
    pub(crate) async fn with_batch(&self, mut aggregate: Aggregate) -> Result<Aggregate, Error> {
        let ledger = &mut aggregate.ledger;
        if ledger.status.batch_closed_at.is_none()
            && let Some(slip) = &ledger.sale.slip
        {
            let key = Key::batch(&ledger.sale.merchant, &slip.terminal, &slip.batch);
            let closed = self.records().await?.read::<ClosedBatch>(&key).await?;
            ledger.status.batch_closed_at = closed.map(|c| c.closed_at);
        }
        Ok(aggregate)
    }

    /// Finds sales by the numbers on a slip. Several hits are possible: all are shown.
    ///
    /// # Errors
    /// Not permitted, or a position that is not one.
    pub async fn search_sales(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        query: &SaleQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Found, Error> {
        who.may(Deed::Read, merchant)?;
        let from = after.map_or(Ok(Position::START), Position::parse)?;
        let records = self.records().await?;
        let slice = records.slice(&query.key(merchant), from, limit.clamp(1, LIST_LIMIT)).await?;
        let mut items: Vec<Aggregate> = Vec::new();
        let mut last = from;
        for (position, entry) in slice.entries {
            last = position;
            let Ok(id) = SaleId::parse(&entry.id) else { continue };
            if items.iter().any(|a| a.ledger.sale.id == id) {
                continue;
            }
            if let Some(found) = records.read::<Aggregate>(&Key::sale(merchant, &id)).await?
                && visible(who, merchant, &found)
                // An entry whose sale was then registered with other numbers.
                && SaleQuery::of(&found.ledger.sale).contains(query)
            {
                items.push(self.with_batch(found).await?);
            }
        }
        Ok(Found { items, next: slice.more.then(|| last.to_string()) })
    }

    /// Records what became known of a sale.
    ///
    /// # Errors
    /// No such sale; it contradicts what is known.
    pub async fn record_sale_event(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &SaleId,
        event: SaleEvent,
        command: &CommandId,
    ) -> Result<Aggregate, Error> {
        who.may(Deed::ReportSale, merchant)?;
        self.sale(who, merchant, id).await?;
        let actor = who.actor(merchant);
        // A terminal speaks for itself; all others pass on what the provider told them.
        let source = if matches!(who.bearer, Bearer::Terminal { .. }) { "terminal" } else { "provider" };
        let said =
            Evidence { source: source.to_owned(), code: None, reference: None, note: None, at: self.ports.now() };
        let change = |ledger: &Ledger| match &event {
            SaleEvent::OutcomeKnown { outcome, scan: Some(scan) } => Command::RecordScanOutcome(ScanOutcome {
                outcome: *outcome,
                // As it was heard: no scan was before its code.
                at: scan.at.map(|at| ledger.code.as_ref().map_or(at, |code| at.max(code.created_at))),
                retrieval_reference: scan.retrieval_reference.clone(),
                evidence: said.clone(),
            }),
            // What is heard of a payment that is being undone, or was, decides nothing; it is kept for a person to see.
            SaleEvent::OutcomeKnown { outcome, scan: None } if is_late(ledger, *outcome) => {
                Command::RecordLateAnswer(LateAnswer { outcome: *outcome, evidence: said.clone() })
            }
            SaleEvent::OutcomeKnown { outcome, scan: None } => Command::RecordSaleOutcome(*outcome),
            SaleEvent::Settled => Command::RecordSettled,
            SaleEvent::PaidOut => Command::RecordPaidOut,
        };
        Ok(self
            .transact(merchant, id, command, |app, a| app.plain(a, &change(&a.ledger), &actor, command))
            .await?
            .aggregate())
    }

    /// Closes a terminal's batch: its sales can no longer be voided where the policy says so. Again is harmless.
    ///
    /// # Errors
    /// Not permitted; no such terminal.
    pub async fn close_batch(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        terminal: &TerminalId,
        batch: &str,
    ) -> Result<Instant, Error> {
        who.may(Deed::ReportSale, merchant)?;
        if let Bearer::Terminal { terminal: own, .. } = &who.bearer
            && own != terminal
        {
            return Err(Error::NotFound("terminal"));
        }
        let records = self.records().await?;
        if records.read::<Terminal>(&Key::terminal(merchant, terminal)).await?.is_none() {
            return Err(Error::NotFound("terminal"));
        }
        let now = self.ports.now();
        records
            .update::<ClosedBatch, _, _>(&Key::batch(merchant, terminal, batch), "closed", self.unique(), |there| {
                Ok(match there {
                    Some(closed) => (None, closed.closed_at),
                    None => (Some(ClosedBatch { closed_at: now }), now),
                })
            })
            .await
    }

    /// Every way to take a sale back, for one amount or all that is left.
    ///
    /// # Errors
    /// No such sale, or an amount that cannot be.
    pub async fn ways_back(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &SaleId,
        amount: Option<Money>,
    ) -> Result<Vec<Decision>, Error> {
        let aggregate = self.sale(who, merchant, id).await?;
        let merchant = self.merchant(merchant).await?;
        let now = self.ports.now();
        let asker = self.asker(who, &merchant.id, None, None).await?;
        let deciding = self.deciding_on(who, &merchant, &aggregate.ledger.sale, &asker, now).await?;
        let facts = self.facts_of_all_ways(&aggregate.ledger, &deciding, &asker, now).await?;
        let answer = deciding.policy.assess(&facts, amount.as_ref());
        self.record_ways(&merchant, &deciding.policy.identity(), &facts, amount.as_ref(), answer).await
    }

    /// A decision's sentences for people.
    ///
    /// # Errors
    /// If the decision cannot be rendered.
    pub async fn explain(
        &self,
        merchant: &MerchantId,
        decision: &Decision,
        locale: Locale,
    ) -> Result<Vec<String>, Error> {
        let merchant = self.merchant(merchant).await?;
        self.explain_at(&merchant, decision, locale)
    }

    /// As [`App::explain`], with the merchant at hand.
    ///
    /// # Errors
    /// If the decision cannot be rendered.
    pub fn explain_at(&self, merchant: &Merchant, decision: &Decision, locale: Locale) -> Result<Vec<String>, Error> {
        self.ports
            .explain(decision, locale, merchant.utc_offset_minutes)
            .map_err(|e| Error::Internal(format!("a decision cannot be rendered: {e:?}")))
    }

    /// Who asks, as the policy sees it: the person, or the named operator at a terminal, or whom a system acts for.
    ///
    /// What holds at terminals of a class holds for what is asked *at* one, with its own key. Whoever names a terminal from
    /// elsewhere (whose operations are counted, whose slip it is) is not there, and gets nothing of its class.
    pub(crate) async fn asker(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        operator: Option<&rescind_model::PersonId>,
        terminal: Option<&TerminalId>,
    ) -> Result<Asker, Error> {
        let person: Option<ActingPerson> = match (&who.bearer, operator) {
            (Bearer::Person { person }, _) => Some(ActingPerson { id: person.clone(), roles: who.roles_at(merchant) }),
            (_, Some(operator)) => Some(self.person_at("/operator", operator, merchant).await?),
            (_, None) => None,
        };
        let terminal = match &who.bearer {
            Bearer::Terminal { terminal, .. } => Some(terminal),
            _ => terminal,
        };
        let is_there = matches!(who.bearer, Bearer::Terminal { .. });
        let known = match terminal {
            Some(id) => self.records().await?.read::<Terminal>(&Key::terminal(merchant, id)).await?,
            None => None,
        };
        if terminal.is_some() && known.is_none() && !is_there {
            return Err(Error::invalid("/terminal", "there is no such terminal at this merchant"));
        }
        let terminal_class = known.filter(|_| is_there).and_then(|terminal| terminal.class);
        let terminal = terminal.cloned();
        let (person, roles) = person.map_or((None, Vec::new()), |p| (Some(p.id), p.roles));
        Ok(Asker { person, roles, terminal, terminal_class })
    }

    /// The facts of a decision, gathered before it is asked.
    pub(crate) async fn facts(
        &self,
        ledger: &Ledger,
        policy: &P::Policy,
        asker: &Asker,
        now: Instant,
    ) -> Result<Facts, Error> {
        let standing = Standing::of(ledger).map_err(|e| Error::Internal(format!("ledger {}: {e}", ledger.sale.id)))?;
        let balance = Balance {
            cleared: standing.cleared,
            voided: standing.voided,
            reserved: standing.reserved,
            void_open: standing.void_open,
            refunds_sent: standing.refunds_sent,
            refunds_counted: standing.refunds_counted,
            last_refund_at: standing.last_refund_at,
            fee_returned: standing.fee_returned,
            requested: standing.requested,
            coupon_returned: standing.coupon_returned,
            operation_open: standing.operation_open,
        };
        Ok(Facts {
            offline: None,
            sale: ledger.sale.clone(),
            status: ledger.status.clone(),
            balance,
            now,
            business_day: Some(policy.business_day_of(now)?),
            tallies: Vec::new(),
            requested_today: None,
            asker: asker.clone(),
            code: ledger.code.clone(),
            hold: ledger.hold.clone(),
            operation: None,
            authentication: None,
            identity: Vec::new(),
        })
    }

    /// Applies a command with nothing to gather.
    pub(crate) fn plain(
        &self,
        aggregate: &Aggregate,
        change: &Command,
        actor: &Actor,
        command: &CommandId,
    ) -> Result<Transition, Error> {
        if let Some(most) = room_for(change) {
            aggregate.must_weigh_less_than(most)?;
        }
        Ok(self.ports.apply(&aggregate.ledger, change, actor, command, self.ports.now())?)
    }

    /// Changes a sale by a decision that needs nothing but the sale.
    pub(crate) async fn transact<F>(
        &self,
        merchant: &MerchantId,
        sale: &SaleId,
        command: &CommandId,
        decide: F,
    ) -> Result<Outcome, Error>
    where
        F: Fn(&Self, &Aggregate) -> Result<Transition, Error> + Send + Sync,
    {
        let mut announcement = Announcement::default();
        for _ in 0..SWAP_ATTEMPTS {
            let (slot, there) = self.open_sale(merchant, sale, &mut announcement).await?;
            if there.holds(command.as_str()) {
                return Ok(Outcome::Already(there));
            }
            let transition = decide(self, &there)?;
            if let Some(done) = self.try_commit(slot, &there, transition, command, &mut announcement).await? {
                return Ok(Outcome::Committed(done));
            }
        }
        Err(Error::Unavailable(format!("sale {sale} is written by too many at once")))
    }

    /// A sale that is to be changed: opened after its lane was looked at.
    pub(crate) async fn open_sale(
        &self,
        merchant: &MerchantId,
        sale: &SaleId,
        announcement: &mut Announcement<<P::Kv as Kv>::Cell>,
    ) -> Result<(Slot<<P::Kv as Kv>::Cell, Aggregate>, Aggregate), Error> {
        self.look_at_lane(merchant, sale, announcement).await?;
        let mut slot = self.records().await?.open::<Aggregate>(&Key::sale(merchant, sale)).await?;
        let there = slot.value.take().ok_or(Error::NotFound("transaction"))?;
        Ok((slot, there))
    }

    /// Writes an intent, then the sale. `None`: somebody else won, decide again.
    pub(crate) async fn try_commit(
        &self,
        slot: Slot<<P::Kv as Kv>::Cell, Aggregate>,
        there: &Aggregate,
        transition: Transition,
        command: &CommandId,
        announcement: &mut Announcement<<P::Kv as Kv>::Cell>,
    ) -> Result<Option<Aggregate>, Error> {
        if transition.events.is_empty() && transition.ledger == there.ledger {
            return Ok(Some(there.clone()));
        }
        let records = self.records().await?;
        let next = there.after(transition, command);
        let sale = &there.ledger.sale;
        if !announcement.is_made() && !there.notes.is_empty() {
            // From now on the record is of today's format, and its old notes have a day on which they go.
            let until = Box::pin(self.keep_until(&sale.merchant, self.ports.now())).await?;
            Box::pin(self.ends_on(&sale.merchant, &Ends::Personal(sale.id.clone()), until)).await?;
        }
        if !self.announce(&sale.merchant, &sale.id, command, announcement).await? {
            return Ok(None);
        }
        if made(Mistake::PublishFirst) {
            for event in next.events.iter().filter(|e| e.command == *command) {
                let entry = crate::feed::entry(&sale.id, event);
                records.append(&Key::feed(&sale.merchant), &entry, self.unique()).await?;
            }
        }
        let written = records.commit(slot, &next, command.as_str(), self.unique()).await?;
        Ok((written == Commit::Written).then_some(next))
    }
}

/// Whether an answer about a payment comes after its reversal or order close began, or says that a code was paid whose scan
/// was refused.
pub(crate) fn is_late(ledger: &Ledger, outcome: SaleOutcome) -> bool {
    let undoes = |kind| matches!(kind, Way::Reversal | Way::OrderClose);
    let under_way = ledger.operations.iter().any(|o| undoes(o.kind) && o.state.holds_reservation());
    let undone = matches!(ledger.status.outcome, SaleOutcome::Reversed | SaleOutcome::Cancelled);
    let says = matches!(outcome, SaleOutcome::Good | SaleOutcome::Declined | SaleOutcome::Failed);
    let unpaid = matches!(ledger.status.outcome, SaleOutcome::Unpaid | SaleOutcome::Expired);
    let after_all = ledger.refused_scan.is_some() && unpaid && outcome == SaleOutcome::Good;
    says && (under_way || undone || after_all)
}

/// What a person or terminal sees of a merchant's sales: a terminal its own, a cashier those of the own shift.
pub(crate) fn visible(who: &Principal, merchant: &MerchantId, aggregate: &Aggregate) -> bool {
    let sale = &aggregate.ledger.sale;
    match &who.bearer {
        Bearer::Admin | Bearer::System { .. } => true,
        Bearer::Terminal { terminal, .. } => sale.slip.as_ref().is_some_and(|s| s.terminal == *terminal),
        Bearer::Person { person } => {
            let only_cashier = who.roles_at(merchant).iter().all(|r| r.as_str() == "cashier");
            !only_cashier || sale.operator.as_ref() == Some(person)
        }
    }
}
