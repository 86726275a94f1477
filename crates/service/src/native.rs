//! The pure components natively: the very code that is compiled to WebAssembly, called without an engine.

use crate::ports::{Policy, Pure};
use rescind_eligibility::Engine;
use rescind_model::{
    Actor, Audience, BusinessDay, Command, CommandId, ConfirmationRequest, Decision, DecisionError, Duration, Facts,
    Instant, Ledger, LoadError, Locale, Message, Money, Needs, Notice, OperationQuestion, Origin, PolicyIdentity,
    RefundQuestion, Rejection, RenderError, Sale, SaleOutcome, SealError, SealHeaders, SlipRequest, Terms, Transition,
    VoidQuestion,
};

/// A policy in the native engine.
pub struct NativePolicy(Engine);

impl NativePolicy {
    /// Loads a compiled policy.
    ///
    /// # Errors
    /// The document is refused.
    pub fn load(canonical: &[u8]) -> Result<Self, LoadError> {
        Ok(Self(Engine::load(canonical)?))
    }
}

impl Policy for NativePolicy {
    fn identity(&self) -> PolicyIdentity {
        self.0.identity().clone()
    }
    fn needs(&self) -> Needs {
        self.0.needs()
    }
    fn acquiring_fee(&self, sale: &Sale) -> Result<Option<Money>, DecisionError> {
        self.0.acquiring_fee(sale)
    }
    fn business_day_of(&self, at: Instant) -> Result<BusinessDay, DecisionError> {
        self.0.business_day_of(at)
    }
    fn assess(&self, facts: &Facts, amount: Option<&Money>) -> Result<Vec<Decision>, DecisionError> {
        self.0.assess(facts, amount)
    }
    fn decide_void(&self, facts: &Facts, question: &VoidQuestion) -> Result<Decision, DecisionError> {
        self.0.decide_void(facts, question)
    }
    fn decide_refund(&self, facts: &Facts, question: &RefundQuestion) -> Result<Decision, DecisionError> {
        self.0.decide_refund(facts, question)
    }
    fn decide_operation(&self, facts: &Facts, question: &OperationQuestion) -> Result<Decision, DecisionError> {
        self.0.decide_operation(facts, question)
    }
    fn terms(&self) -> Terms {
        self.0.terms()
    }
}

/// The other components natively.
pub struct NativePure;

impl Pure for NativePure {
    fn open_ledger(
        sale: &Sale,
        outcome: SaleOutcome,
        origin: &Origin,
        by: &Actor,
        command: &CommandId,
        now: Instant,
    ) -> Result<Transition, Rejection> {
        rescind_refunds::open(sale, outcome, origin, by, command, now)
    }
    fn apply(
        ledger: &Ledger,
        command: &Command,
        by: &Actor,
        id: &CommandId,
        now: Instant,
    ) -> Result<Transition, Rejection> {
        rescind_refunds::apply(ledger, command, by, id, now)
    }
    fn due(ledger: &Ledger) -> Option<Instant> {
        rescind_refunds::due(ledger)
    }
    fn render(notice: &Notice, audience: Audience, locale: Locale) -> Result<Option<Message>, RenderError> {
        rescind_notification::render(notice, audience, locale)
    }
    fn explain(decision: &Decision, locale: Locale, utc_offset_minutes: i32) -> Result<Vec<String>, RenderError> {
        rescind_notification::explain(decision, locale, utc_offset_minutes)
    }
    fn confirmation(request: &ConfirmationRequest, locale: Locale) -> Result<Message, RenderError> {
        rescind_notification::confirmation(request, locale)
    }
    fn slip(request: &SlipRequest, locale: Locale) -> Result<String, RenderError> {
        rescind_notification::slip(request, locale)
    }
    fn seal(secrets: &[String], id: &str, at: Instant, body: &[u8]) -> Result<SealHeaders, SealError> {
        rescind_notification::seal(secrets, id, at, body)
    }
    fn verify(
        secrets: &[String],
        headers: &SealHeaders,
        body: &[u8],
        now: Instant,
        tolerance: Duration,
    ) -> Result<(), SealError> {
        rescind_notification::verify(secrets, headers, body, now, tolerance)
    }
}
