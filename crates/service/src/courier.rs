//! What must follow a commit: publishing, provider calls, timers, deliveries. Everything here may be interrupted and
//! repeated at any point: each step reads what is, does the next thing under a reference that makes a repetition
//! harmless, and writes what came of it.

#[cfg(test)]
mod tests;

pub(crate) mod unheard;

use crate::app::App;
use crate::endpoint::{Cursor, Endpoint};
use crate::error::Error;
use crate::feed::Told;
use crate::limits::{
    AFTER_ERROR, BUCKET_WIDTHS, DELIVERY_BACKOFF, ENDPOINT_SLICE, LANES, LIST_DEFAULT, LIST_LIMIT, NEXT_STEPS,
    NOT_OURS_NOW, PARALLEL, SECOND_MS, SLOW_WAITS, STEPS, TICK_BUDGET,
};
use crate::planted::{Mistake, made};
use crate::ports::{Outbound, Ports};
use crate::sale::{Aggregate, Outcome};
use crate::store::Record;
use crate::store::key::Key;
use crate::store::lane::Lane;
use crate::store::list::{Entry, Position};
use crate::terminal::notice::TerminalNotice;
use rescind_model::step::{self, Step};
use rescind_model::token::Token as _;
use rescind_model::{
    Actor, Audience, Command, CommandId, Digest, Duration, Evidence, Executor, Instant, MerchantId, Money, Operation,
    OperationId, OperationState, OutcomeReport, Refund, RefundId, RefundState, Rejection, ResultOf, Sale, SaleId,
    SaleOutcome, Target, TraceReport, Way,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a tick did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct TickReport {
    /// Commands whose events were published.
    pub published: u32,
    /// Sales that had something due.
    pub driven: u32,
    /// Webhooks delivered.
    pub delivered: u32,
    /// Webhooks that were not taken.
    pub undelivered: u32,
    /// Personal texts and pieces of evidence whose time was over.
    pub erased: u32,
    /// Checkpoints made.
    pub checkpoints: u32,
}

/// A span of time in which sales are due: near ones are short, far ones long; a long one is poured into shorter ones
/// when it begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bucket {
    /// When it begins, in ms.
    pub(crate) start: i64,
    /// How long it is, in ms.
    pub(crate) width: i64,
    /// Nothing may be added any more: it is being worked off.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub(crate) closing: bool,
}

/// The buckets that hold something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Buckets {
    pub(crate) buckets: Vec<Bucket>,
    mark: String,
}

impl Record for Buckets {
    const FORMAT: &'static str = "buckets/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

/// Merchants whose endpoints have something to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Waiting {
    /// By merchant: a number that grows with each new event, so that clearing the note misses none.
    pub(crate) merchants: BTreeMap<MerchantId, u64>,
    pub(crate) mark: String,
}

impl Record for Waiting {
    const FORMAT: &'static str = "waiting/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

/// What the provider protocol answers (`rescind-acquirer` documents it).
#[derive(Debug, Deserialize)]
struct ProviderAnswer {
    status: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    provider_reference: Option<String>,
    /// Which attempt under the reference the answer is about.
    #[serde(default)]
    attempt: Option<u32>,
}

/// The provider's code for an order that cannot be closed, because it was paid.
const PAID: &str = "paid";

/// The provider's word for what it has never seen.
const NOT_FOUND: &str = "not-found";

/// When a sale is due.
type Reminder = (Instant, MerchantId, SaleId);

/// What is to be done for a sale now.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Due {
    /// Send an operation to the provider, for the first time or again.
    Send(Target),
    /// Ask what became of it.
    Query(Target),
    /// Have an unknown void reversed.
    Reverse(Target),
    /// Ask what became of the payment that an operation is to undo.
    AskForSale(OperationId),
    /// Ask whether a refund has arrived.
    Trace(RefundId),
    /// See whether a queued refund has its funds.
    Fund(RefundId),
    /// Let timers run.
    PassTime,
}

impl Due {
    /// Whether it takes the provider.
    fn wants_provider(&self) -> bool {
        !matches!(self, Self::Fund(_) | Self::PassTime)
    }
}

/// What the provider says of a payment.
enum Heard {
    /// It took place: paid, or held.
    Stands(Evidence),
    /// It did not take place and never will: declined, closed, reversed.
    Ended(Evidence),
    /// The provider has never seen it. It may still arrive.
    Unseen(Evidence),
    /// Not paid so far, or nobody knows.
    Open(Evidence),
}

/// What is sent to the provider.
struct Message<'a> {
    kind: &'a str,
    reference: &'a str,
    /// The void that a reversal undoes.
    original: Option<&'a str>,
    amount: &'a Money,
    attempt: u32,
}

impl<P: Ports> App<P> {
    pub(crate) fn out_of_time(&self, begun: Instant) -> bool {
        self.ports.now().since(begun) > TICK_BUDGET
    }
}

impl<P: Outbound> App<P> {
    /// Does whatever is due: publishes, carries out, asks, expires, delivers.
    ///
    /// # Errors
    /// The store's. What was done is done; the next tick goes on.
    pub async fn tick(&self) -> Result<TickReport, Error> {
        let begun = self.ports.now();
        let mut report = TickReport::default();
        // What can clear goes to its provider in the same tick.
        let released = self.work_off_queues(|| self.out_of_time(begun)).await?;
        report.driven = report.driven.saturating_add(released);
        for lane in 0..LANES {
            report.published = report.published.saturating_add(self.publish_or_log(lane).await);
            report.driven = report.driven.saturating_add(self.work_off_lane(lane, begun).await?);
        }
        report.driven = report.driven.saturating_add(self.work_off_buckets(begun).await?);
        report.driven = report.driven.saturating_add(self.drive_unheard(begun).await.unwrap_or_else(|error| {
            self.ports.log(&format!("old payments are looked through in the next tick: {error}: {error:?}"));
            0
        }));
        let notices = self.publish_notices().await.unwrap_or_else(|error| {
            self.ports.log(&format!("notices wait for the next tick: {error}: {error:?}"));
            0
        });
        report.published = report.published.saturating_add(notices);
        // What the work above made happen is told in the same tick.
        report.published = report.published.saturating_add(self.publish_waiting().await);
        for lane in 0..LANES {
            self.work_off_lane(lane, begun).await?;
        }
        for lane in 0..LANES {
            self.deliver_lane(lane, begun, &mut report).await?;
        }
        self.deliver_letters(begun, &mut report).await?;
        if !self.out_of_time(begun) {
            report.erased = self.retain().await?;
        }
        // However busy the tick was: a day that is over gets its checkpoint. It holds up nothing else.
        report.checkpoints = self.make_checkpoints(begun).await.unwrap_or_else(|error| {
            self.ports.log(&format!("checkpoints wait for the next tick: {error}: {error:?}"));
            0
        });
        Ok(report)
    }

    /// Does what is due for the sales of published intents, notes when they are due next, strikes the intents out.
    async fn work_off_lane(&self, number: u8, begun: Instant) -> Result<u32, Error> {
        let records = self.records().await?;
        let key = Key::lane(number);
        let Some(lane) = records.read::<Lane>(&key).await? else { return Ok(0) };
        let mut sales: Vec<(MerchantId, SaleId)> = Vec::new();
        let mut struck: Vec<String> = Vec::new();
        for intent in lane.intents.iter().filter(|i| i.published) {
            let sale = (intent.merchant.clone(), intent.sale.clone());
            if !sales.contains(&sale) {
                sales.push(sale);
            }
            struck.push(intent.id.clone());
        }
        if sales.is_empty() {
            return Ok(0);
        }
        let driven = self.drive_all(&sales, begun).await?;
        let mark = self.random_hex(16);
        records
            .update::<Lane, _, _>(&key, &mark, self.unique(), |there| {
                let Some(mut next) = there.cloned() else { return Ok((None, ())) };
                next.intents.retain(|i| !(i.published && struck.contains(&i.id)));
                next.mark.clone_from(&mark);
                Ok((Some(next), ()))
            })
            .await?;
        Ok(driven)
    }

    /// Drives sales side by side and notes when each is due next.
    async fn drive_all(&self, sales: &[(MerchantId, SaleId)], begun: Instant) -> Result<u32, Error> {
        let mut driven = 0_u32;
        for part in sales.chunks(PARALLEL) {
            if self.out_of_time(begun) {
                // The provider is slow: what is left is due in the next tick.
                let now = self.ports.now();
                let later: Vec<Reminder> = part.iter().map(|(m, s)| (now, m.clone(), s.clone())).collect();
                self.remind(&later).await?;
                continue;
            }
            let results = side_by_side(part.iter().map(|(m, s)| self.drive(m, s)).collect()).await;
            let mut next: Vec<Reminder> = Vec::new();
            for ((merchant, sale), result) in part.iter().zip(results) {
                // One sale that cannot be worked on must not hold up the others.
                let (did, due) = match result {
                    Ok(done) => done,
                    Err(error) => {
                        self.ports.log(&format!("sale {merchant}/{sale}: {error}: {error:?}"));
                        (true, self.ports.now().plus(AFTER_ERROR).ok())
                    }
                };
                driven = driven.saturating_add(u32::from(did));
                if let Some(due) = due {
                    next.push((due, merchant.clone(), sale.clone()));
                }
            }
            if !made(Mistake::ForgetDue) {
                self.remind(&next).await?;
            }
        }
        Ok(driven)
    }

    /// Does what is due for one sale. Gives whether there was anything, and when something is due next.
    async fn drive(&self, merchant: &MerchantId, sale: &SaleId) -> Result<(bool, Option<Instant>), Error> {
        let records = self.records().await?;
        let mut did = false;
        for _ in 0..STEPS {
            let Some(aggregate) = records.read::<Aggregate>(&Key::sale(merchant, sale)).await? else {
                return Ok((did, None));
            };
            let now = self.ports.now();
            match self.ports.due(&aggregate.ledger) {
                Some(due) if due <= now => {}
                later => return Ok((did, later)),
            }
            did = true;
            // What is due without being the courier's to do is for a timer: a terminal that has been silent too long, a
            // code, hold, case or order that ended. Where no provider is configured, timers must run all the same.
            let possible = |step: &Due| self.ports.acquirer_url().is_some() || !step.wants_provider();
            let step = next_step(&aggregate, now).filter(possible).unwrap_or(Due::PassTime);
            if !self.take_step(&aggregate, &step).await? {
                // No provider is configured, another courier is at it, or no timer is due yet: look again soon.
                return Ok((did, now.plus(NOT_OURS_NOW).ok()));
            }
        }
        Ok((did, self.ports.now().plus(NEXT_STEPS).ok()))
    }

    /// Takes one step; `false` if it is not ours to take now.
    async fn take_step(&self, aggregate: &Aggregate, step: &Due) -> Result<bool, Error> {
        match step {
            Due::PassTime => {
                let after = self.change(aggregate, Command::PassTime).await?.aggregate();
                Ok(after.commits != aggregate.commits)
            }
            Due::Send(target) => self.send_out(aggregate, target).await,
            Due::Query(target) => {
                let Some(outcome) = self.ask(aggregate, target).await? else {
                    // The provider has never seen it. It acts on a reference at most once, so the same is sent again.
                    return self.send_out(aggregate, target).await;
                };
                self.take_answer(aggregate, target, outcome).await?;
                Ok(true)
            }
            Due::Reverse(target) => {
                let outcome = self.reverse(aggregate, target).await?;
                self.take_answer(aggregate, target, outcome).await?;
                Ok(true)
            }
            Due::AskForSale(id) => {
                let target = Target::Operation(id.clone());
                let outcome = match self.ask_for_sale(aggregate).await? {
                    Heard::Stands(evidence) => ResultOf::Failed(evidence),
                    Heard::Ended(evidence) => ResultOf::Done(evidence),
                    // It may still be paid: asked for again on the network's schedule, then closed or reversed.
                    Heard::Unseen(_) | Heard::Open(_) => {
                        self.change(aggregate, Command::RecordQuery(target)).await?;
                        return Ok(true);
                    }
                };
                self.report_outcome(aggregate, &target, outcome).await?;
                Ok(true)
            }
            Due::Trace(id) => self.trace(aggregate, id).await,
            Due::Fund(id) => self.fund(aggregate, id).await,
        }
    }

    /// Sends an operation, for the first time or again.
    async fn send_out(&self, aggregate: &Aggregate, target: &Target) -> Result<bool, Error> {
        if made(Mistake::SendFirst) {
            let outcome = self.submit(aggregate, target).await?;
            if let Outcome::Committed(sent) = self.change(aggregate, Command::RecordSent(target.clone())).await? {
                self.take_answer(&sent, target, outcome).await?;
            }
            return Ok(true);
        }
        let sale = &aggregate.ledger.sale;
        // Only what is unknown is ended by persons. Each word is seen here, or comes after what is sent here has arrived.
        let unknown = is_unknown(aggregate, target) && !made(Mistake::SendDenied);
        if unknown && self.is_denied(&sale.merchant, &sale.id, target).await? {
            let after = self.change(aggregate, Command::RecordQuery(target.clone())).await?.aggregate();
            return Ok(after.commits != aggregate.commits);
        }
        // Durable before any effect: the host holds the request back until this write is.
        match self.change(aggregate, Command::RecordSent(target.clone())).await? {
            Outcome::Already(_) => Ok(false),
            Outcome::Committed(_) if unknown && self.is_denied(&sale.merchant, &sale.id, target).await? => Ok(true),
            Outcome::Committed(sent) => {
                let outcome = self.submit(&sent, target).await?;
                self.take_answer(&sent, target, outcome).await?;
                Ok(true)
            }
        }
    }

    /// Writes down what became of an operation, or that nobody could say.
    async fn take_answer(&self, aggregate: &Aggregate, target: &Target, outcome: ResultOf) -> Result<(), Error> {
        match self.weigh(aggregate, target, outcome).await? {
            ResultOf::Unknown(_) if is_unknown(aggregate, target) => {
                self.ports.log(&format!("{}: outcome still unknown", describe(target)));
                self.change(aggregate, Command::RecordQuery(target.clone())).await?;
                Ok(())
            }
            outcome => self.report_outcome(aggregate, target, outcome).await,
        }
    }

    /// A refusal to undo a payment that nobody knows the outcome of does not say that the payment stands. What does is
    /// the provider's word about the payment itself.
    async fn weigh(&self, aggregate: &Aggregate, target: &Target, outcome: ResultOf) -> Result<ResultOf, Error> {
        let ResultOf::Failed(refusal) = outcome else { return Ok(outcome) };
        let undoes_unknown = aggregate.ledger.status.outcome == SaleOutcome::Unknown
            && find(aggregate, target).is_some_and(|o| matches!(o.kind, Way::Reversal | Way::OrderClose));
        if !undoes_unknown || refusal.code.as_deref() == Some(PAID) {
            return Ok(ResultOf::Failed(refusal));
        }
        let code = refusal.code.as_deref().unwrap_or("no code");
        let with_refusal = |evidence: Evidence| Evidence { note: Some(format!("refused with {code}")), ..evidence };
        Ok(match self.ask_for_sale(aggregate).await? {
            Heard::Stands(evidence) => ResultOf::Failed(with_refusal(evidence)),
            Heard::Ended(evidence) | Heard::Unseen(evidence) => ResultOf::Done(with_refusal(evidence)),
            Heard::Open(evidence) => ResultOf::Unknown(with_refusal(evidence)),
        })
    }

    /// Asks whether a refund has arrived.
    async fn trace(&self, aggregate: &Aggregate, id: &RefundId) -> Result<bool, Error> {
        let target = Target::Refund(id.clone());
        let Some((_, reference, _)) = operation(aggregate, &target) else { return Ok(false) };
        let url = format!("{}/operations/{reference}/trace", self.provider()?);
        let (arrived, evidence) = match self.ports.send("GET", &url, &[], Vec::new()).await {
            Ok(answer) => {
                let said: Option<ProviderAnswer> = serde_json::from_slice(&answer.body).ok();
                let arrived = match said.as_ref().map(|said| said.status.as_str()) {
                    Some("arrived") if answer.status == 200 => Some(true),
                    Some("not-arrived") if answer.status == 200 => Some(false),
                    _ => None,
                };
                let note = arrived.is_none().then(|| format!("answered with status {}", answer.status));
                (arrived, self.evidence(said.as_ref(), note))
            }
            Err(none) => (None, self.evidence(None, Some(none.to_string()))),
        };
        let report = TraceReport { refund: id.clone(), arrived, evidence };
        let after = self.change(aggregate, Command::ReportTrace(report)).await?.aggregate();
        Ok(after.commits != aggregate.commits)
    }

    /// A refund that waits for the merchant's funds is due. Whether there are any is the funding ledger's to say; until
    /// it does, only the refund's own deadline runs.
    async fn fund(&self, aggregate: &Aggregate, id: &RefundId) -> Result<bool, Error> {
        self.ports.log(&format!("refund {id}: waits for funds"));
        let after = self.change(aggregate, Command::PassTime).await?.aggregate();
        Ok(after.commits != aggregate.commits)
    }

    /// A command of the courier. Its id follows from the state it acts on: two couriers at one state are one command.
    async fn change(&self, aggregate: &Aggregate, change: Command) -> Result<Outcome, Error> {
        let sale = &aggregate.ledger.sale;
        let text = format!("{}:{}:{}:{change:?}", sale.merchant, sale.id, aggregate.commits);
        let command = CommandId { value: format!("k-{}", crate::idempotency::short(&Digest::of(text.as_bytes()))) };
        let seen = aggregate.commits;
        let outcome = self
            .transact(&sale.merchant, &sale.id, &command, |app, there| {
                if there.commits != seen {
                    // Decided on a state that is gone: look again.
                    return Err(Error::Unavailable("the sale changed".to_owned()));
                }
                app.plain(there, &change, &Actor::System, &command)
            })
            .await;
        match outcome {
            Err(Error::Unavailable(why)) if why == "the sale changed" => Ok(Outcome::Already(aggregate.clone())),
            other => other,
        }
    }

    /// Records an outcome, whatever happened to the sale meanwhile. A refusal speaks of the attempt that was made in this state:
    /// where another courier, by a clock that runs ahead, has sent it again since, that may still take place.
    async fn report_outcome(&self, aggregate: &Aggregate, target: &Target, outcome: ResultOf) -> Result<(), Error> {
        let sale = &aggregate.ledger.sale;
        let text = format!("{}:{}:{}:{outcome:?}", sale.merchant, describe(target), aggregate.commits);
        let command = CommandId { value: format!("k-{}", crate::idempotency::short(&Digest::of(text.as_bytes()))) };
        let attempt = attempts(aggregate, target);
        let report = |there: &Aggregate| {
            let outcome = match &outcome {
                ResultOf::Failed(refusal) if attempts(there, target) > attempt && !made(Mistake::AnyRefusal) => {
                    let note = format!("attempt {attempt} was refused, and a later one is not answered");
                    ResultOf::Unknown(Evidence { note: Some(note), ..refusal.clone() })
                }
                other => other.clone(),
            };
            Command::Report(OutcomeReport { target: target.clone(), outcome })
        };
        let reported = self
            .transact(&sale.merchant, &sale.id, &command, |app, there| {
                app.plain(there, &report(there), &Actor::System, &command)
            })
            .await;
        match reported {
            Ok(_) => Ok(()),
            // Somebody knew better first; the ledger keeps what was final. Any other refusal is a fault that has to be seen.
            Err(Error::Rejected(rejection @ (Rejection::Contradicts(_) | Rejection::WrongState(_)))) => {
                self.ports.log(&format!("{}: a late outcome was not taken: {rejection:?}", describe(target)));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn evidence(&self, answer: Option<&ProviderAnswer>, note: Option<String>) -> Evidence {
        Evidence {
            source: "provider".to_owned(),
            code: answer.and_then(|a| a.code.clone()),
            reference: answer.and_then(|a| a.provider_reference.clone()),
            note: note.map(|n| rescind_model::card_number::mask(&n).text),
            at: self.ports.now(),
        }
    }

    /// What an answer of the provider means. Only a plain word of the provider is definitive.
    fn judge(&self, status: u16, body: &[u8]) -> ResultOf {
        let answer: Option<ProviderAnswer> = serde_json::from_slice(body).ok();
        match (&answer, status) {
            // 94, duplicate transmission: it took place at the first time.
            (Some(a), 200) if a.status == "done" || a.code.as_deref() == Some("94") => {
                ResultOf::Done(self.evidence(answer.as_ref(), None))
            }
            (Some(a), 200) if a.status == "failed" => ResultOf::Failed(self.evidence(answer.as_ref(), None)),
            _ => ResultOf::Unknown(self.evidence(answer.as_ref(), Some(format!("answered with status {status}")))),
        }
    }

    fn provider(&self) -> Result<&str, Error> {
        self.ports.acquirer_url().ok_or_else(|| Error::Internal("no acquirer is configured".to_owned()))
    }

    async fn submit(&self, aggregate: &Aggregate, target: &Target) -> Result<ResultOf, Error> {
        let Some((kind, reference, amount)) = operation(aggregate, target) else {
            return Err(Error::Internal(format!("{} is gone", describe(target))));
        };
        let attempt = attempts(aggregate, target);
        let reference = if made(Mistake::AnotherReference) { self.random_hex(32) } else { reference };
        self.post(aggregate, Message { kind, reference: &reference, original: None, amount: &amount, attempt }).await
    }

    async fn reverse(&self, aggregate: &Aggregate, target: &Target) -> Result<ResultOf, Error> {
        let Some((_, reference, amount)) = operation(aggregate, target) else {
            return Err(Error::Internal(format!("{} is gone", describe(target))));
        };
        let own = format!("{reference}-R");
        let original = Some(reference.as_str());
        let message = Message { kind: "reversal", reference: &own, original, amount: &amount, attempt: 1 };
        Ok(match self.post(aggregate, message).await? {
            ResultOf::Done(evidence) => ResultOf::Reversed(evidence),
            // A reversal that is refused says nothing about the void.
            ResultOf::Failed(evidence) => ResultOf::Unknown(evidence),
            other => other,
        })
    }

    async fn post(&self, aggregate: &Aggregate, message: Message<'_>) -> Result<ResultOf, Error> {
        let Message { kind, reference, original, amount, attempt } = message;
        let mut body = payment(aggregate);
        body.insert("reference".to_owned(), reference.into());
        body.insert("attempt".to_owned(), attempt.into());
        body.insert("kind".to_owned(), kind.into());
        body.insert("original".to_owned(), original.into());
        if kind == Way::Reversal.token() && original.is_none() {
            body.insert("undoes".to_owned(), "sale".into());
        }
        let amount = serde_json::json!({ "amount": amount.decimal_text(), "currency": amount.currency });
        body.insert("amount".to_owned(), amount);
        let body = serde_json::Value::Object(body).to_string().into_bytes();
        let url = format!("{}/operations", self.provider()?);
        Ok(match self.ports.send("POST", &url, &[("content-type", "application/json")], body).await {
            Ok(answer) => self.judge(answer.status, &answer.body),
            Err(none) if made(Mistake::SilenceIsRefusal) => {
                ResultOf::Failed(self.evidence(None, Some(none.to_string())))
            }
            Err(none) => ResultOf::Unknown(self.evidence(None, Some(none.to_string()))),
        })
    }

    /// Asks what became of the payment itself.
    async fn ask_for_sale(&self, aggregate: &Aggregate) -> Result<Heard, Error> {
        let url = format!("{}/sales/query", self.provider()?);
        let body = serde_json::Value::Object(payment(aggregate)).to_string().into_bytes();
        let answer = match self.ports.send("POST", &url, &[("content-type", "application/json")], body).await {
            Ok(answer) => answer,
            Err(none) => return Ok(Heard::Open(self.evidence(None, Some(none.to_string())))),
        };
        let said: Option<ProviderAnswer> = serde_json::from_slice(&answer.body).ok();
        let evidence = self.evidence(said.as_ref(), None);
        Ok(match (said.as_ref().map(|said| said.status.as_str()), answer.status) {
            (Some("paid" | "held"), 200) => Heard::Stands(evidence),
            (Some("declined" | "undone"), 200) => Heard::Ended(evidence),
            // Only the protocol's own "not found" counts; a proxy's 404 says nothing.
            (Some(NOT_FOUND), 404) => Heard::Unseen(Evidence { code: Some(NOT_FOUND.to_owned()), ..evidence }),
            (_, status) => Heard::Open(Evidence { note: Some(format!("answered with status {status}")), ..evidence }),
        })
    }

    /// Asks what became of an operation. `None`: the provider has never seen it.
    async fn ask(&self, aggregate: &Aggregate, target: &Target) -> Result<Option<ResultOf>, Error> {
        let Some((_, reference, _)) = operation(aggregate, target) else {
            return Err(Error::Internal(format!("{} is gone", describe(target))));
        };
        let url = format!("{}/operations/{reference}", self.provider()?);
        Ok(match self.ports.send("GET", &url, &[], Vec::new()).await {
            Ok(answer) if answer.status == 404 => {
                let known: Option<ProviderAnswer> = serde_json::from_slice(&answer.body).ok();
                // Only the protocol's own "not found" counts; a proxy's 404 says nothing.
                if known.is_some_and(|k| k.status == NOT_FOUND) {
                    None
                } else {
                    Some(ResultOf::Unknown(self.evidence(None, Some("answered with status 404".to_owned()))))
                }
            }
            Ok(answer) => {
                let about: Option<ProviderAnswer> = serde_json::from_slice(&answer.body).ok();
                match self.judge(answer.status, &answer.body) {
                    // An earlier attempt failed; the current one has not arrived.
                    ResultOf::Failed(_)
                        if about.is_some_and(|a| a.attempt.is_some_and(|n| n < attempts(aggregate, target))) =>
                    {
                        None
                    }
                    outcome => Some(outcome),
                }
            }
            Err(none) => Some(ResultOf::Unknown(self.evidence(None, Some(none.to_string())))),
        })
    }

    /// Notes that sales are due.
    async fn remind(&self, due: &[Reminder]) -> Result<(), Error> {
        let records = self.records().await?;
        let mut rest: Vec<(&Reminder, Option<(i64, i64)>)> = due.iter().map(|item| (item, None)).collect();
        while !rest.is_empty() {
            let now = self.ports.now();
            let mut groups: BTreeMap<(i64, i64), Vec<&Reminder>> = BTreeMap::new();
            for (item, closed) in rest {
                let bucket = closed.map_or_else(|| bucket_of(item.0, now), |closed| bucket_beside(closed, item.0));
                groups.entry(bucket).or_default().push(item);
            }
            let mut again = Vec::new();
            for ((start, width), items) in groups {
                if !self.open_bucket(start, width).await? {
                    again.extend(items.into_iter().map(|item| (item, Some((start, width)))));
                    continue;
                }
                let list = bucket_key(start, width);
                let entries: Vec<Entry> = items
                    .iter()
                    .map(|(at, m, s)| Entry { id: format!("{m}:{s}:{}", at.unix_ms), at: at.unix_ms.to_string() })
                    .collect();
                let page = records.tail(&list).await?;
                records.add_from(&list, page, &entries, self.unique()).await?;
                // It may have been closed while we wrote: then the note may have been missed.
                if !made(Mistake::LateForBucket) && !self.bucket_is_open(start, width).await? {
                    again.extend(items.into_iter().map(|item| (item, Some((start, width)))));
                }
            }
            rest = again;
        }
        Ok(())
    }

    async fn bucket_is_open(&self, start: i64, width: i64) -> Result<bool, Error> {
        let there = self.records().await?.read::<Buckets>(&Key::due_index()).await?.unwrap_or_default();
        Ok(there.buckets.iter().any(|b| b.start == start && b.width == width && !b.closing))
    }

    /// Makes sure a bucket is in the index; `false` if it is being worked off.
    async fn open_bucket(&self, start: i64, width: i64) -> Result<bool, Error> {
        let records = self.records().await?;
        let there = records.read::<Buckets>(&Key::due_index()).await?.unwrap_or_default();
        if let Some(bucket) = there.buckets.iter().find(|b| b.start == start && b.width == width) {
            return Ok(made(Mistake::LateForBucket) || !bucket.closing);
        }
        let mark = self.random_hex(16);
        records
            .update::<Buckets, _, _>(&Key::due_index(), &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                if let Some(bucket) = next.buckets.iter().find(|b| b.start == start && b.width == width) {
                    return Ok((None, !bucket.closing));
                }
                next.buckets.push(Bucket { start, width, closing: false });
                next.buckets.sort();
                next.mark.clone_from(&mark);
                Ok((Some(next), true))
            })
            .await
    }

    /// Works off the buckets whose time has come.
    async fn work_off_buckets(&self, begun: Instant) -> Result<u32, Error> {
        let records = self.records().await?;
        let mut driven = 0_u32;
        let Some(index) = records.read::<Buckets>(&Key::due_index()).await? else { return Ok(0) };
        for bucket in index.buckets {
            let now = self.ports.now();
            // A second's bucket is worked off when it is over, a longer one when it begins.
            let ripe = if bucket.width <= SECOND_MS { bucket.start.saturating_add(bucket.width) } else { bucket.start };
            if ripe > now.unix_ms || self.out_of_time(begun) {
                continue;
            }
            let (start, width) = (bucket.start, bucket.width);
            self.change_bucket(start, width, |b| Some(Bucket { closing: true, ..b })).await?;
            let list = bucket_key(start, width);
            let mut at = Position::START;
            loop {
                let slice = records.slice(&list, at, LIST_LIMIT).await?;
                let mut due: Vec<(MerchantId, SaleId)> = Vec::new();
                let mut later: Vec<Reminder> = Vec::new();
                for (position, entry) in &slice.entries {
                    at = *position;
                    let mut parts = entry.id.split(':');
                    let merchant = parts.next().and_then(|m| MerchantId::parse(m).ok());
                    let sale = parts.next().and_then(|s| SaleId::parse(s).ok());
                    let time = entry.at.parse::<i64>().ok().and_then(|ms| Instant::from_unix_ms(ms).ok());
                    let (Some(merchant), Some(sale), Some(time)) = (merchant, sale, time) else { continue };
                    if time <= now {
                        due.push((merchant, sale));
                    } else {
                        later.push((time, merchant, sale));
                    }
                }
                self.remind(&later).await?;
                driven = driven.saturating_add(self.drive_all(&due, begun).await?);
                if !slice.more {
                    break;
                }
            }
            let last = records.tail(&list).await?;
            for page in 0..=last {
                records.remove(&list.page(page)).await?;
            }
            records.remove(&list.tail()).await?;
            self.change_bucket(start, width, |_| None).await?;
        }
        Ok(driven)
    }

    async fn change_bucket(
        &self,
        start: i64,
        width: i64,
        change: impl Fn(Bucket) -> Option<Bucket> + Send + Sync,
    ) -> Result<(), Error> {
        let mark = self.random_hex(16);
        self.records()
            .await?
            .update::<Buckets, _, _>(&Key::due_index(), &mark, self.unique(), |there| {
                let Some(there) = there else { return Ok((None, ())) };
                let buckets = there.buckets.iter().cloned();
                let buckets =
                    buckets.filter_map(|b| if b.start == start && b.width == width { change(b) } else { Some(b) });
                Ok((Some(Buckets { buckets: buckets.collect(), mark: mark.clone() }), ()))
            })
            .await
    }

    /// Delivers what waits for the endpoints of the merchants of one lane.
    async fn deliver_lane(&self, number: u8, begun: Instant, report: &mut TickReport) -> Result<(), Error> {
        let records = self.records().await?;
        let key = Key::lane(number).tail();
        let Some(waiting) = records.read::<Waiting>(&key).await? else { return Ok(()) };
        for (merchant, seen) in waiting.merchants {
            if self.out_of_time(begun) {
                return Ok(());
            }
            let endpoints = self.endpoints_of(&merchant).await?;
            let mut all = true;
            for part in endpoints.chunks(PARALLEL) {
                let results = side_by_side(part.iter().map(|e| self.deliver(&merchant, e, begun)).collect()).await;
                for result in results {
                    let (delivered, failed, caught_up) = result.unwrap_or_else(|error| {
                        self.ports.log(&format!("deliveries of {merchant} wait: {error}: {error:?}"));
                        (0, 1, false)
                    });
                    report.delivered = report.delivered.saturating_add(delivered);
                    report.undelivered = report.undelivered.saturating_add(failed);
                    all &= caught_up;
                }
            }
            if all {
                let mark = self.random_hex(16);
                records
                    .update::<Waiting, _, _>(&key, &mark, self.unique(), |there| {
                        let Some(mut next) = there.cloned() else { return Ok((None, ())) };
                        if next.merchants.get(&merchant) != Some(&seen) {
                            return Ok((None, ()));
                        }
                        next.merchants.remove(&merchant);
                        next.mark.clone_from(&mark);
                        Ok((Some(next), ()))
                    })
                    .await?;
            }
        }
        Ok(())
    }

    /// Delivers to one endpoint, in order, until it has everything or fails. Gives delivered, failed, caught up.
    async fn deliver(
        &self,
        merchant: &MerchantId,
        endpoint: &Endpoint,
        begun: Instant,
    ) -> Result<(u32, u32, bool), Error> {
        let records = self.records().await?;
        let key = Key::cursor(merchant, &endpoint.id);
        let start =
            Cursor { at: endpoint.from, failures: 0, failing_since: None, not_before: None, mark: String::new() };
        let mut cursor = records.read::<Cursor>(&key).await?.unwrap_or(start);
        if cursor.not_before.is_some_and(|t| t > self.ports.now()) {
            return Ok((0, 0, false));
        }
        let mut delivered = 0_u32;
        let entered = self.ports.now();
        loop {
            let page = self.read_feed(merchant, cursor.at, LIST_DEFAULT).await?;
            let mut failed = false;
            let mut moved = false;
            let mut slow = false;
            for item in &page.items {
                let took = match &item.told {
                    Told::OfSale { event, aggregate } => self.tell(endpoint, event, aggregate).await?,
                    Told::OfTerminal(notice) => self.tell_notice(endpoint, notice).await?,
                };
                if !took && !made(Mistake::TellOnce) {
                    failed = true;
                    break;
                }
                delivered = delivered.saturating_add(1);
                cursor.at = Position::parse(&item.position)?;
                moved = true;
                // A slow receiver gets its share of the tick and then waits; it must not hold up the others.
                if self.out_of_time(begun) || self.ports.now().since(entered) > ENDPOINT_SLICE {
                    slow = true;
                    break;
                }
            }
            let now = self.ports.now();
            if failed {
                let index = usize::try_from(cursor.failures).unwrap_or(usize::MAX);
                let [.., longest] = DELIVERY_BACKOFF;
                let wait = DELIVERY_BACKOFF.get(index).copied().unwrap_or(longest);
                cursor.failures = cursor.failures.saturating_add(1);
                cursor.failing_since = cursor.failing_since.or(Some(now));
                cursor.not_before = now.plus(Duration::seconds(wait)).ok();
            } else if moved {
                cursor.failures = 0;
                cursor.failing_since = None;
                cursor.not_before = if slow { now.plus(SLOW_WAITS).ok() } else { None };
            }
            if failed || moved {
                self.save_cursor(&key, &mut cursor).await?;
            }
            if failed {
                return Ok((delivered, 1, false));
            }
            if page.items.is_empty() {
                return Ok((delivered, 0, true));
            }
            if slow || self.out_of_time(begun) {
                return Ok((delivered, 0, false));
            }
        }
    }

    /// Writes a cursor; never backwards, should another courier be ahead.
    async fn save_cursor(&self, key: &Key, cursor: &mut Cursor) -> Result<(), Error> {
        cursor.mark = self.random_hex(16);
        let next = cursor.clone();
        self.records()
            .await?
            .update::<Cursor, _, _>(key, &next.mark, self.unique(), |there| {
                let ahead = there.is_some_and(|t| t.at > next.at);
                Ok(((!ahead).then(|| next.clone()), ()))
            })
            .await
    }

    /// Sends one event to one endpoint; `false` if it did not take it.
    async fn tell(
        &self,
        endpoint: &Endpoint,
        event: &rescind_model::Event,
        aggregate: &Aggregate,
    ) -> Result<bool, Error> {
        let sale = &aggregate.ledger.sale;
        let message = self.render(aggregate, event, endpoint.audience, endpoint.locale).await?;
        if message.is_none() && endpoint.audience != Audience::Merchant {
            // Customers and reviewers are told what concerns them; the merchant's systems are told everything.
            return Ok(true);
        }
        let body = serde_json::json!({
            "type": event.kind.token(),
            "timestamp": event.at.to_string(),
            "data": crate::http::event::body(aggregate, event, message.as_ref()),
        })
        .to_string()
        .into_bytes();
        // The same event has the same id at each attempt, so that receivers can tell repetitions.
        let name = Digest::of(format!("{}:{}:{}:{}", endpoint.id, sale.merchant, sale.id, event.sequence).as_bytes());
        let id = format!("msg_{}", crate::idempotency::short(&name));
        self.send_sealed(endpoint, &id, body).await
    }

    /// Sends a notice about a terminal to one endpoint; `false` if it did not take it. Customers and reviewers have nothing to
    /// do with it.
    async fn tell_notice(&self, endpoint: &Endpoint, notice: &TerminalNotice) -> Result<bool, Error> {
        if endpoint.audience != Audience::Merchant {
            return Ok(true);
        }
        let message = notice.message(endpoint.locale);
        let body = serde_json::json!({
            "type": notice.kind.token(),
            "timestamp": notice.at.to_string(),
            "data": crate::http::event::notice_body(notice, Some(&message)),
        })
        .to_string()
        .into_bytes();
        let name = Digest::of(format!("{}:{}:notice:{}", endpoint.id, notice.merchant, notice.id).as_bytes());
        let id = format!("msg_{}", crate::idempotency::short(&name));
        self.send_sealed(endpoint, &id, body).await
    }

    /// Seals a body and sends it to an endpoint; `false` if it did not take it.
    pub(crate) async fn send_sealed(&self, endpoint: &Endpoint, id: &str, body: Vec<u8>) -> Result<bool, Error> {
        let secrets = core::slice::from_ref(&endpoint.secret);
        let headers = self
            .ports
            .seal(secrets, id, self.ports.now(), &body)
            .map_err(|e| Error::Internal(format!("endpoint {}: {e:?}", endpoint.id)))?;
        let headers = [
            ("content-type", "application/json"),
            ("webhook-id", headers.id.as_str()),
            ("webhook-timestamp", headers.timestamp.as_str()),
            ("webhook-signature", headers.signature.as_str()),
        ];
        match self.ports.send("POST", &endpoint.url, &headers, body).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(true),
            Ok(answer) => {
                self.ports.log(&format!("endpoint {} answered {}", endpoint.id, answer.status));
                Ok(false)
            }
            Err(none) => {
                self.ports.log(&format!("endpoint {}: {none}", endpoint.id));
                Ok(false)
            }
        }
    }
}

impl<P: Ports> App<P> {
    /// Notes that a merchant's endpoints have something to be told.
    pub(crate) async fn note_deliveries(&self, lane: &Key, merchant: &MerchantId) -> Result<(), Error> {
        if self.endpoints_of(merchant).await?.is_empty() {
            return Ok(());
        }
        let mark = self.random_hex(16);
        self.records()
            .await?
            .update::<Waiting, _, _>(&lane.tail(), &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                let seen = next.merchants.entry(merchant.clone()).or_insert(0);
                *seen = seen.wrapping_add(1);
                next.mark.clone_from(&mark);
                Ok((Some(next), ()))
            })
            .await
    }
}

/// Runs futures side by side until all have ended; results in the order given.
pub(crate) async fn side_by_side<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|f| (Some(Box::pin(f)), None)).collect();
    core::future::poll_fn(|context| {
        let mut open = false;
        for (future, result) in &mut running {
            if let Some(f) = future {
                match f.as_mut().poll(context) {
                    core::task::Poll::Ready(output) => {
                        *result = Some(output);
                        *future = None;
                    }
                    core::task::Poll::Pending => open = true,
                }
            }
        }
        if open { core::task::Poll::Pending } else { core::task::Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, result)| result).collect()
}

/// The operation's name in the log.
fn describe(target: &Target) -> String {
    match target {
        Target::Void(id) => format!("void {id}"),
        Target::Refund(id) => format!("refund {id}"),
        Target::Operation(id) => format!("operation {id}"),
    }
}

/// Kind, provider reference and amount of an operation.
fn operation(aggregate: &Aggregate, target: &Target) -> Option<(&'static str, String, Money)> {
    match target {
        Target::Void(id) => {
            let void = aggregate.ledger.voids.iter().find(|v| v.id == *id)?;
            Some(("void", void.provider_reference.clone(), void.amount.clone()))
        }
        Target::Refund(id) => {
            let refund = aggregate.ledger.refunds.iter().find(|r| r.id == *id)?;
            Some(("refund", refund.provider_reference.clone(), refund.request.amount.clone()))
        }
        Target::Operation(_) => {
            let operation = find(aggregate, target)?;
            Some((operation.kind.token(), operation.provider_reference.clone(), operation.amount.clone()))
        }
    }
}

/// An operation that is neither void nor refund.
fn find<'a>(aggregate: &'a Aggregate, target: &Target) -> Option<&'a Operation> {
    let Target::Operation(id) = target else { return None };
    aggregate.ledger.operations.iter().find(|operation| operation.id == *id)
}

/// The payment as the provider is told of it: by its names here, and by whatever the network knows it by.
fn payment(aggregate: &Aggregate) -> serde_json::Map<String, serde_json::Value> {
    let ledger = &aggregate.ledger;
    let Sale { merchant, id, retrieval_reference, slip, .. } = &ledger.sale;
    let slip = slip.as_ref().map(|slip| {
        serde_json::json!({
            "terminal": slip.terminal.as_str(), "batch": slip.batch, "voucher": slip.voucher, "trace": slip.trace,
        })
    });
    let fields: [(&str, serde_json::Value); 6] = [
        ("merchant", merchant.as_str().into()),
        ("sale", id.as_str().into()),
        ("retrieval_reference", retrieval_reference.as_deref().into()),
        ("slip", slip.into()),
        ("order", ledger.code.as_ref().map(|code| code.reference.as_str()).into()),
        ("authorisation_code", ledger.hold.as_ref().and_then(|hold| hold.authorisation_code.as_deref()).into()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Which attempt under its reference the provider is told of. Only a failed refund is tried again on purpose: a void or
/// another operation that is sent again is the same attempt.
fn attempts(aggregate: &Aggregate, target: &Target) -> u32 {
    match target {
        Target::Void(_) | Target::Operation(_) => 1,
        Target::Refund(id) => aggregate.ledger.refunds.iter().find(|r| r.id == *id).map_or(1, |r| r.attempts.max(1)),
    }
}

fn is_unknown(aggregate: &Aggregate, target: &Target) -> bool {
    match target {
        Target::Void(id) => aggregate.ledger.voids.iter().any(|v| v.id == *id && v.state == OperationState::Unknown),
        Target::Refund(id) => aggregate.ledger.refunds.iter().any(|r| r.id == *id && r.state == RefundState::Unknown),
        Target::Operation(_) => find(aggregate, target).is_some_and(|o| o.state == OperationState::Unknown),
    }
}

/// The first thing that is due.
fn next_step(aggregate: &Aggregate, now: Instant) -> Option<Due> {
    let is_due = |at: Option<Instant>| at.is_some_and(|t| t <= now);
    for void in aggregate.ledger.voids.iter().filter(|v| is_due(v.due_at)) {
        let target = Target::Void(void.id.clone());
        match void.state {
            OperationState::Authorised if void.executor == Executor::Courier => return Some(Due::Send(target)),
            OperationState::Authorised => {}
            _ if void.reversing => return Some(Due::Reverse(target)),
            // Sent, and no answer was recorded: a courier died in between.
            OperationState::Sent | OperationState::Unknown => return Some(Due::Query(target)),
            OperationState::Done | OperationState::Failed => {}
        }
    }
    for operation in aggregate.ledger.operations.iter().filter(|o| is_due(o.due_at)) {
        let target = Target::Operation(operation.id.clone());
        match step::next_step(operation, &aggregate.ledger) {
            Some(Step::AskForSale) => return Some(Due::AskForSale(operation.id.clone())),
            Some(Step::Send) => return Some(Due::Send(target)),
            Some(Step::AskForOperation) => return Some(Due::Query(target)),
            None => {}
        }
    }
    if let Some(refund) = aggregate.ledger.refunds.iter().find(|r| is_due(r.due_at)) {
        return Some(step_of(aggregate, refund));
    }
    let traced = aggregate
        .ledger
        .refunds
        .iter()
        .find(|refund| refund.trace.as_ref().is_some_and(|trace| trace.arrived.is_none() && is_due(trace.due_at)));
    traced.map(|refund| Due::Trace(refund.id.clone()))
}

/// What a refund that is due wants.
fn step_of(aggregate: &Aggregate, refund: &Refund) -> Due {
    let target = Target::Refund(refund.id.clone());
    match refund.state {
        // To be sent, for the first time or again. Should a courier have died after sending again, the provider acts on
        // a reference at most once.
        RefundState::Clearing if refund.attempts == 0 || was_retried(aggregate, &refund.id) => Due::Send(target),
        RefundState::Clearing | RefundState::Unknown => Due::Query(target),
        RefundState::Queued => Due::Fund(refund.id.clone()),
        _ => Due::PassTime,
    }
}

/// Whether the last that happened to a refund is that somebody wants it tried again.
fn was_retried(aggregate: &Aggregate, id: &RefundId) -> bool {
    let last = aggregate.events.iter().rev().find(|e| e.refund.as_ref() == Some(id));
    last.is_some_and(|e| e.kind == rescind_model::EventKind::RefundRetried)
}

/// The bucket a time belongs to. Times that are past belong to the next second.
fn bucket_of(at: Instant, now: Instant) -> (i64, i64) {
    let at = at.unix_ms.max(now.unix_ms.saturating_add(SECOND_MS));
    let away = at.saturating_sub(now.unix_ms);
    let width = BUCKET_WIDTHS.iter().find(|(within, _)| away <= *within).map_or(SECOND_MS, |(_, width)| *width);
    let start = at.checked_div_euclid(width).and_then(|n| n.checked_mul(width)).unwrap_or(0);
    (start, width)
}

/// Where a time goes whose bucket is being worked off, which may be by somebody whose clock is ahead, or who died over it: into
/// a narrower one, or the next second's.
fn bucket_beside((start, width): (i64, i64), at: Instant) -> (i64, i64) {
    let narrower = BUCKET_WIDTHS.iter().map(|(_, other)| *other).filter(|other| *other < width).max();
    match narrower {
        Some(narrower) => {
            let at = at.unix_ms.max(start);
            (at.checked_div_euclid(narrower).and_then(|n| n.checked_mul(narrower)).unwrap_or(start), narrower)
        }
        None => (start.saturating_add(width), width),
    }
}

fn bucket_key(start: i64, width: i64) -> Key {
    Key::due(start, width)
}
