//! The WIT face of this crate: hands every call on.
#![cfg_attr(target_arch = "wasm32", allow(unsafe_code, reason = "the generated exports are the component's ABI"))]

use crate::bindings::exports::rescind::notification::messages::Guest;
use rescind_model::{
    Audience, ConfirmationRequest, Decision, Duration, Instant, Locale, Message, Notice, RenderError, SealError,
    SealHeaders, SlipRequest,
};

/// The component that implements `rescind:notification/messages`.
#[derive(Debug)]
pub struct Component;

impl Guest for Component {
    fn render(notice: Notice, audience: Audience, locale: Locale) -> Result<Option<Message>, RenderError> {
        crate::render(&notice, audience, locale)
    }

    fn explain(decision: Decision, locale: Locale, utc_offset_minutes: i32) -> Result<Vec<String>, RenderError> {
        crate::explain(&decision, locale, utc_offset_minutes)
    }

    fn slip(request: SlipRequest, locale: Locale) -> Result<String, RenderError> {
        crate::slip(&request, locale)
    }

    fn confirmation(request: ConfirmationRequest, locale: Locale) -> Result<Message, RenderError> {
        crate::confirmation(&request, locale)
    }

    fn seal(secrets: Vec<String>, id: String, at: Instant, body: Vec<u8>) -> Result<SealHeaders, SealError> {
        crate::seal(&secrets, &id, at, &body)
    }

    fn verify(
        secrets: Vec<String>,
        headers: SealHeaders,
        body: Vec<u8>,
        now: Instant,
        tolerance: Duration,
    ) -> Result<(), SealError> {
        crate::verify(&secrets, &headers, &body, now, tolerance)
    }
}

#[cfg(target_arch = "wasm32")]
crate::bindings::export!(Component with_types_in crate::bindings);
