//! What the service needs from the world. Everything it does goes through these traits, so that the same code runs as a
//! component on Spin, on the embedded host, and natively under a simulator.

use core::future::Future;
use rescind_model::{
    Actor, Audience, BusinessDay, Command, CommandId, ConfirmationRequest, Decision, DecisionError, Duration, Facts,
    Instant, Ledger, LoadError, Locale, Message, Money, Needs, Notice, OperationQuestion, Origin, PolicyIdentity,
    RefundQuestion, Rejection, RenderError, Sale, SaleOutcome, SealError, SealHeaders, SlipRequest, Terms, Transition,
    VoidQuestion,
};
use std::sync::Arc;

/// A store could not be reached or answered nonsense. Says nothing about whether a write took place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key-value store failed: {0}")]
pub struct KvError(pub String);

/// What a store said of a swap. It is not believed: `store::Records` reads back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// It says it wrote.
    Swapped,
    /// It says it did not.
    Refused,
}

/// A key-value store as `wasi:keyvalue` offers it, with all its faults.
///
/// What it must do and what it may do wrong is `docs/storage.md`; `testkit::contract` asks any implementation. In short:
///
/// - **It must** give every instance what was last written, byte for byte; keep keys apart; and never write by a swap over
///   a value that was changed or removed since the cell was opened.
/// - **It may** fail before or after it did its work, or do it later than it failed; say of any write that it took place or
///   not, whatever it did; write by a swap over nothing although something is there by now, if its counters are sound;
///   count unsoundly, if its swaps over nothing are sound. Old reads are borne where they decide nothing, never trusted.
/// - **It is refused** (`store::probe`) if it has no swaps, or neither way of creating a record with one winner.
///
/// Keys are 1 to `limits::KEY_BYTES` bytes, values 1 to `limits::VALUE_BYTES`. An error says nothing about whether the
/// operation took place.
pub trait Kv: Send + Sync {
    /// What a compare-and-swap compares with: the value that was seen when it was opened. It is used for one swap.
    type Cell: Send;

    /// Reads a value: the last that was written, by whichever instance.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, KvError>> + Send;
    /// Writes a value whatever was there. Only for keys nobody else writes.
    fn set(&self, key: &str, value: &[u8]) -> impl Future<Output = Result<(), KvError>> + Send;
    /// Removes a value; nothing is as good as removed. Only where nobody writes any more: it compares with nothing.
    fn delete(&self, key: &str) -> impl Future<Output = Result<(), KvError>> + Send;
    /// Reads a value and remembers it for a swap.
    fn open(&self, key: &str) -> impl Future<Output = Result<(Option<Vec<u8>>, Self::Cell), KvError>> + Send;
    /// Writes a value if the one that was seen is still there. Over a value this holds on every store; over nothing
    /// only where `store::probe` found it so.
    fn swap(&self, cell: Self::Cell, value: &[u8]) -> impl Future<Output = Result<Swap, KvError>> + Send;
    /// Adds to an 8-byte number and gives the sum; a missing one counts as zero. Used with 0 alone, and only where heads
    /// are made by it: many backends count in another form, or tell two callers the same sum.
    fn increment(&self, key: &str, delta: i64) -> impl Future<Output = Result<i64, KvError>> + Send;
}

/// A loaded policy: the `policy` resource of `rescind:eligibility`.
pub trait Policy: Send + Sync {
    /// Name, version and content hash.
    fn identity(&self) -> PolicyIdentity;
    /// Counts to gather before asking.
    fn needs(&self) -> Needs;
    /// How long things live under this policy, and who may do what is rare.
    fn terms(&self) -> Terms;
    /// The acquiring fee that the policy's schedule of charges has for a sale, if it has one for it.
    ///
    /// # Errors
    /// An amount of another currency or out of range.
    fn acquiring_fee(&self, sale: &Sale) -> Result<Option<Money>, DecisionError>;
    /// The business day of an instant.
    ///
    /// # Errors
    /// A time out of range.
    fn business_day_of(&self, at: Instant) -> Result<BusinessDay, DecisionError>;
    /// All ways back.
    ///
    /// # Errors
    /// See [`DecisionError`].
    fn assess(&self, facts: &Facts, amount: Option<&Money>) -> Result<Vec<Decision>, DecisionError>;
    /// Decides a void.
    ///
    /// # Errors
    /// See [`DecisionError`].
    fn decide_void(&self, facts: &Facts, question: &VoidQuestion) -> Result<Decision, DecisionError>;
    /// Decides a refund.
    ///
    /// # Errors
    /// See [`DecisionError`].
    fn decide_refund(&self, facts: &Facts, question: &RefundQuestion) -> Result<Decision, DecisionError>;
    /// Decides a reversal, an order close or something done to a hold.
    ///
    /// # Errors
    /// See [`DecisionError`].
    fn decide_operation(&self, facts: &Facts, question: &OperationQuestion) -> Result<Decision, DecisionError>;
}

/// The two pure components that need nothing loaded first: `rescind:refunds` and `rescind:notification`.
pub trait Pure: Send + Sync + 'static {
    /// `rescind:refunds` `open`.
    ///
    /// # Errors
    /// See [`Rejection`].
    fn open_ledger(
        sale: &Sale,
        outcome: SaleOutcome,
        origin: &Origin,
        by: &Actor,
        command: &CommandId,
        now: Instant,
    ) -> Result<Transition, Rejection>;
    /// `rescind:refunds` `apply`.
    ///
    /// # Errors
    /// See [`Rejection`].
    fn apply(
        ledger: &Ledger,
        command: &Command,
        by: &Actor,
        id: &CommandId,
        now: Instant,
    ) -> Result<Transition, Rejection>;
    /// `rescind:refunds` `due`.
    fn due(ledger: &Ledger) -> Option<Instant>;
    /// `rescind:notification` `render`.
    ///
    /// # Errors
    /// See [`RenderError`].
    fn render(notice: &Notice, audience: Audience, locale: Locale) -> Result<Option<Message>, RenderError>;
    /// `rescind:notification` `explain`.
    ///
    /// # Errors
    /// See [`RenderError`].
    fn explain(decision: &Decision, locale: Locale, utc_offset_minutes: i32) -> Result<Vec<String>, RenderError>;
    /// `rescind:notification` `slip`.
    ///
    /// # Errors
    /// See [`RenderError`].
    fn slip(request: &SlipRequest, locale: Locale) -> Result<String, RenderError>;
    /// `rescind:notification` `confirmation`.
    ///
    /// # Errors
    /// See [`RenderError`].
    fn confirmation(request: &ConfirmationRequest, locale: Locale) -> Result<Message, RenderError>;
    /// `rescind:notification` `seal`.
    ///
    /// # Errors
    /// See [`SealError`].
    fn seal(secrets: &[String], id: &str, at: Instant, body: &[u8]) -> Result<SealHeaders, SealError>;
    /// `rescind:notification` `verify`.
    ///
    /// # Errors
    /// See [`SealError`].
    fn verify(
        secrets: &[String],
        headers: &SealHeaders,
        body: &[u8],
        now: Instant,
        tolerance: Duration,
    ) -> Result<(), SealError>;
}

/// The world: a store, a clock, chance, and the three pure components.
pub trait Ports: Send + Sync + 'static {
    /// The store.
    type Kv: Kv;
    /// A loaded policy.
    type Policy: Policy;
    /// The other components.
    type Pure: Pure;

    /// The store.
    fn kv(&self) -> &Self::Kv;
    /// The time.
    fn now(&self) -> Instant;
    /// Unpredictable bytes.
    fn random(&self) -> [u8; 32];

    /// A policy that was loaded before, by the hash of its canonical form.
    fn cached_policy(&self, hash: &str) -> Option<Arc<Self::Policy>>;
    /// Loads a policy and may remember it by hash.
    ///
    /// # Errors
    /// The document is refused.
    fn load_policy(&self, hash: &str, canonical: &[u8]) -> Result<Arc<Self::Policy>, LoadError>;

    /// `rescind:refunds` `open`.
    ///
    /// # Errors
    /// See [`Rejection`].
    fn open_ledger(
        &self,
        sale: &Sale,
        outcome: SaleOutcome,
        origin: &Origin,
        by: &Actor,
        command: &CommandId,
        now: Instant,
    ) -> Result<Transition, Rejection> {
        Self::Pure::open_ledger(sale, outcome, origin, by, command, now)
    }
    /// `rescind:refunds` `apply`.
    ///
    /// # Errors
    /// See [`Rejection`].
    fn apply(
        &self,
        ledger: &Ledger,
        command: &Command,
        by: &Actor,
        id: &CommandId,
        now: Instant,
    ) -> Result<Transition, Rejection> {
        Self::Pure::apply(ledger, command, by, id, now)
    }
    /// `rescind:refunds` `due`.
    fn due(&self, ledger: &Ledger) -> Option<Instant> {
        Self::Pure::due(ledger)
    }
    /// `rescind:notification` `render`.
    ///
    /// # Errors
    /// See [`RenderError`].
    fn render(&self, notice: &Notice, audience: Audience, locale: Locale) -> Result<Option<Message>, RenderError> {
        Self::Pure::render(notice, audience, locale)
    }
    /// `rescind:notification` `explain`.
    ///
    /// # Errors
    /// See [`RenderError`].
    fn explain(
        &self,
        decision: &Decision,
        locale: Locale,
        utc_offset_minutes: i32,
    ) -> Result<Vec<String>, RenderError> {
        Self::Pure::explain(decision, locale, utc_offset_minutes)
    }
    /// `rescind:notification` `slip`.
    ///
    /// # Errors
    /// See [`RenderError`].
    fn slip(&self, request: &SlipRequest, locale: Locale) -> Result<String, RenderError> {
        Self::Pure::slip(request, locale)
    }
    /// `rescind:notification` `confirmation`.
    ///
    /// # Errors
    /// See [`RenderError`].
    fn confirmation(&self, request: &ConfirmationRequest, locale: Locale) -> Result<Message, RenderError> {
        Self::Pure::confirmation(request, locale)
    }
    /// `rescind:notification` `seal`.
    ///
    /// # Errors
    /// See [`SealError`].
    fn seal(&self, secrets: &[String], id: &str, at: Instant, body: &[u8]) -> Result<SealHeaders, SealError> {
        Self::Pure::seal(secrets, id, at, body)
    }
    /// `rescind:notification` `verify`.
    ///
    /// # Errors
    /// See [`SealError`].
    fn verify(
        &self,
        secrets: &[String],
        headers: &SealHeaders,
        body: &[u8],
        now: Instant,
        tolerance: Duration,
    ) -> Result<(), SealError> {
        Self::Pure::verify(secrets, headers, body, now, tolerance)
    }

    /// A token that stands for an admin, given by the deployment: how the first keys are made where the host makes none.
    fn admin_token(&self) -> Option<&str> {
        None
    }

    /// The keys that sign bundles for terminals, as the deployment is told of them: see `bundle_keys` in `spin.toml`.
    fn bundle_keys(&self) -> Option<String> {
        None
    }

    /// The digest of the refunds component that makes the transitions, for the record.
    fn component(&self) -> &str;

    /// The digest of the eligibility component that decides, for the record.
    fn eligibility(&self) -> Option<&str> {
        None
    }

    /// Says something to the operator's log. Never anything personal or secret.
    fn log(&self, message: &str);
}

/// An answer to an outbound request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body, cut at a limit.
    pub body: Vec<u8>,
}

/// No answer to an outbound request. The other side may or may not have got it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no answer: {0}")]
pub struct NoAnswer(pub String);

/// Outbound HTTP: the courier has it, the gateway has not.
pub trait Outbound: Ports {
    /// The base address of the provider's adapter protocol, without a trailing slash.
    fn acquirer_url(&self) -> Option<&str>;
    /// The secret by which the host's own timer is known, if there is one.
    fn tick_token(&self) -> Option<&str>;
    /// Sends a request and waits for the answer, within the courier's time limit.
    fn send(
        &self,
        method: &'static str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> impl Future<Output = Result<OutboundAnswer, NoAnswer>> + Send;
}
