//! The components that a component is composed with, as the service's ports see them.

/// Implements [`rescind_service::ports::Pure`] for a type over a world's generated imports, which each component has in a
/// module of its own.
#[macro_export]
macro_rules! composed {
    ($(#[$doc:meta])* $name:ident, $transitions:path, $messages:path) => {
        $(#[$doc])*
        pub struct $name;

        const _: () = {
            use $messages as messages;
            use $transitions as transitions;
            use $crate::model::{
                Actor, Audience, Command, ConfirmationRequest, CommandId, Decision, Duration, Instant, Ledger, Locale, Message, Notice,
                Origin, Rejection, RenderError, Sale, SaleOutcome, SealError, SealHeaders, SlipRequest, Transition,
            };

            impl $crate::service::ports::Pure for $name {
                fn open_ledger(
                    sale: &Sale,
                    outcome: SaleOutcome,
                    origin: &Origin,
                    by: &Actor,
                    command: &CommandId,
                    now: Instant,
                ) -> Result<Transition, Rejection> {
                    transitions::open(sale, outcome, origin, by, command, now)
                }
                fn apply(
                    ledger: &Ledger,
                    command: &Command,
                    by: &Actor,
                    id: &CommandId,
                    now: Instant,
                ) -> Result<Transition, Rejection> {
                    transitions::apply(ledger, command, by, id, now)
                }
                fn due(ledger: &Ledger) -> Option<Instant> {
                    transitions::due(ledger)
                }
                fn render(notice: &Notice, audience: Audience, locale: Locale) -> Result<Option<Message>, RenderError> {
                    messages::render(notice, audience, locale)
                }
                fn explain(
                    decision: &Decision,
                    locale: Locale,
                    utc_offset_minutes: i32,
                ) -> Result<Vec<String>, RenderError> {
                    messages::explain(decision, locale, utc_offset_minutes)
                }
                fn slip(request: &SlipRequest, locale: Locale) -> Result<String, RenderError> {
                    messages::slip(request, locale)
                }
                fn confirmation(request: &ConfirmationRequest, locale: Locale) -> Result<Message, RenderError> {
                    messages::confirmation(request, locale)
                }
                fn seal(secrets: &[String], id: &str, at: Instant, body: &[u8]) -> Result<SealHeaders, SealError> {
                    messages::seal(secrets, id, at, body)
                }
                fn verify(
                    secrets: &[String],
                    headers: &SealHeaders,
                    body: &[u8],
                    now: Instant,
                    tolerance: Duration,
                ) -> Result<(), SealError> {
                    messages::verify(secrets, headers, body, now, tolerance)
                }
            }
        };
    };
}
