//! How this API thinks about errors.
//!
//! An error is an answer too, and most callers are programs. So:
//!
//! - **One form.** Everything that is not a success is `application/problem+json` (RFC 9457): `type`, `title`, `status`,
//!   `detail`, and our `code`. Also what the router itself answers: unknown routes, methods, bodies that are no JSON.
//! - **The code is the contract.** `code.rs` lists all codes, each with its one status. A code never changes its meaning;
//!   `title` and `detail` are for people and may change any day. `type` is `/problems/<code>` and can be fetched.
//! - **What a program needs is a member, not a sentence.** `field` (JSON pointer, parameter or header), `decision` with its
//!   findings, `left`, `revision`, `state`, `reason`: see [`Problem::of`].
//! - **Four groups.** 400, 413, 422 `body.*`: the request was not understood; nothing was stored, mend it and send it
//!   again under the same key. 401, 403, 404: not for you; a thing of somebody else and a thing that is not look the same,
//!   and all 401 are the same bytes. 409, 422: understood, and refused by policy or ledger; stored under the
//!   `Idempotency-Key` and given again for it. 5xx: nothing is known; the same request under the same key finds out.
//! - **Inside and outside are different fields.** `Problem::inside` is for the operator's log; it never reaches the caller.
//!   What does reach the caller repeats at most a little of what the caller sent, with card numbers masked.

use crate::error::Error;
use crate::http::code::{self, Code};
use crate::http::decision::DecisionView;
use crate::http::limits::ECHO_CHARS;
use crate::http::money::Amount;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use rescind_model::token::Token as _;
use rescind_model::{Decision, Outcome, Rejection, card_number};
use serde::Serialize;
use serde_json::{Map, Value};

/// The media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What a request is about, where a code says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    /// A sale.
    Sale,
    /// A void.
    Operation,
    /// A refund.
    Refund,
    /// A referral.
    Case,
    /// A legal order.
    Order,
    /// A liability.
    Liability,
}

/// Anything that is not a success.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: String,
    members: Map<String, Value>,
    /// For the operator's log.
    inside: Option<String>,
    /// Seconds after which trying again makes sense.
    retry_after: Option<u32>,
}

/// Anything that is not a success: problem details (RFC 9457).
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Problem))]
pub(crate) struct ProblemView<'a> {
    /// `/problems/` and the code.
    r#type: String,
    /// The code in words.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What was expected, what was found, and what to do.
    detail: &'a str,
    /// Stable: programs may depend on it.
    code: &'a str,
    /// Further members: `field`, `decision`, `left`, `reason`, `revision`, `state` …
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, Value>))]
    members: &'a Map<String, Value>,
}

/// The part of a problem that the operator's log gets; travels beside the response, never in it.
#[derive(Debug, Clone)]
pub(crate) struct Inside(pub(crate) String);

impl Problem {
    /// A problem of a kind.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), members: Map::new(), inside: None, retry_after: None }
    }

    /// A problem with a field: a JSON pointer into the body, or the name of a parameter or header.
    #[must_use]
    pub fn field(code: Code, field: &str, message: &str) -> Self {
        // The name of an unknown field is the caller's text too.
        let (field, message) = (short(field), short(message));
        let detail = if field.is_empty() { message } else { format!("{field}: {message}") };
        Self::new(code, detail).with("field", field)
    }

    /// The same with one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        // A member that cannot be written is left out: the problem itself must get through.
        if let Ok(value) = serde_json::to_value(value) {
            self.members.insert(name.to_owned(), value);
        }
        self
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    fn inside(mut self, message: String) -> Self {
        self.inside = Some(message);
        self
    }

    /// A failure on our side.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(code::INTERNAL, "It is not known whether it took place. Send the same request again, with the same Idempotency-Key if it had one.")
            .inside(message.into())
    }

    /// An error of the core about a void, sale or refund. Every variant has its line here: a new one does not compile
    /// without.
    #[must_use]
    pub fn of(error: Error, about: Noun) -> Self {
        match error {
            Error::Unauthenticated => Self::new(code::AUTH_REQUIRED, "Send a valid key: Authorization: Bearer rsk_…"),
            Error::Forbidden(why) => Self::new(code::AUTH_FORBIDDEN, why),
            Error::NotFound(what) => Self::new(code::NOT_FOUND, format!("there is no such {what}")),
            Error::Malformed { field, message } => Self::field(malformed(&field), &field, &message),
            Error::Invalid { field, message } => Self::field(invalid(&field), &field, &message),
            Error::Conflict { code, message } => match code::find(code) {
                Some(known) => Self::new(known, message),
                None => Self::new(Code { code, ..code::CONFLICT }, message),
            },
            Error::Unproved { code, message } => Self::new(code::find(code).unwrap_or(code::AUTH_FORBIDDEN), message),
            Error::Decided(decision) => Self::decided(&decision, &DecisionView::of(&decision)),
            Error::ExceedsBalance { left } => {
                Self::new(code::BALANCE_EXCEEDED, format!("{left} is left of the sale")).with("left", Amount(left))
            }
            Error::Rejected(rejection) => Self::rejected(rejection, about),
            Error::ReversalOutstanding(operation) => {
                let detail = format!("report first what became of {operation}, then register the sale");
                Self::new(code::REVERSAL_OUTSTANDING, detail).with("operation", operation.value)
            }
            Error::KeyReused => Self::new(code::KEY_REUSED, "Use a new key for a new request."),
            Error::KeyInFlight => {
                Self::new(code::KEY_IN_FLIGHT, "Send the same request again in a moment to get its answer.")
                    .retry_after(1)
            }
            Error::TooMany { code, message, retry_after } => {
                Self::new(code::find(code).unwrap_or(code::TOO_MANY_ATTEMPTS), message).retry_after(retry_after)
            }
            Error::TooLarge(limit) => {
                Self::new(code::BODY_TOO_LARGE, format!("at most {limit} bytes are taken")).with("limit", limit)
            }
            Error::Unavailable(why) => {
                let detail = "It is not known whether it took place. Send the same request again, with the same Idempotency-Key if it had one.";
                Self::new(code::STORE_UNAVAILABLE, detail).retry_after(1).inside(why)
            }
            // Without Retry-After: it does not mend by itself.
            Error::StoreRefused(why) => {
                let detail = format!(
                    "The key-value store of this deployment is refused: {why}. Nothing took place. Its operator has to give it another store (docs/storage.md)."
                );
                Self::new(code::STORE_REFUSED, detail)
            }
            Error::Internal(why) => Self::internal(why),
        }
    }

    /// A refusal by the policy, with the decision as it is shown.
    #[must_use]
    pub fn decided(decision: &Decision, shown: &DecisionView) -> Self {
        let code = if decision.outcome == Outcome::Refer { code::DECISION_REFER } else { code::DECISION_DENY };
        let rules: Vec<&str> = decision.findings.iter().map(|f| f.rule.as_str()).collect();
        let detail = format!("{}: {}", decision.outcome.token(), rules.join(", "));
        Self::new(code, detail).with("decision", shown)
    }

    fn rejected(rejection: Rejection, about: Noun) -> Self {
        match rejection {
            Rejection::NoSuchOperation => Self::of(Error::NotFound("operation"), about),
            Rejection::NameTaken => Self::new(code::NAME_TAKEN, "another operation of this sale has that name"),
            Rejection::WrongState(state) => {
                let code = match about {
                    Noun::Sale => code::SALE_WRONG_STATE,
                    Noun::Operation => code::OPERATION_WRONG_STATE,
                    Noun::Refund => code::REFUND_WRONG_STATE,
                    Noun::Case => code::CASE_WRONG_STATE,
                    Noun::Order => code::ORDER_WRONG_STATE,
                    Noun::Liability => code::LIABILITY_WRONG_STATE,
                };
                Self::new(code, format!("its state is {state}")).with("state", state)
            }
            Rejection::ExceedsBalance(left) => Self::of(Error::ExceedsBalance { left }, about),
            Rejection::SaleNotGood(outcome) => {
                Self::new(code::SALE_NOT_GOOD, format!("the outcome of the sale is {outcome}")).with("state", outcome)
            }
            Rejection::ConflictsWith(id) => {
                Self::new(code::OPERATION_CONFLICT, format!("{id} is under way or took place"))
                    .with("conflicts_with", id)
            }
            Rejection::Changed(revision) => {
                Self::new(code::REFUND_CHANGED, format!("it is now at revision {revision}: look at it again"))
                    .with("revision", revision)
            }
            Rejection::NotPermitted(reason) => {
                let detail = match reason.as_str() {
                    "requester" => "who asked for it cannot agree to it",
                    "operator" => "who operated the terminal cannot agree to it",
                    "already-approved" => "this person has agreed to it already",
                    "role" => "none of this person's roles counts for it",
                    "same-person" => "it takes two different persons",
                    "not-requester" => "only who asked for it can take it back",
                    "not-assigned" => "somebody else looks at it",
                    "not-a-person" => "it takes a person",
                    _ => "this person must not do this",
                };
                Self::new(code::NOT_PERMITTED, detail).with("reason", reason)
            }
            Rejection::ReasonRequired => Self::field(code::REASON_REQUIRED, "/reason", "expected a reason, found none"),
            Rejection::NotAllowed(why) => Self::new(code::OPERATION_NOT_ALLOWED, short(&why)),
            Rejection::Contradicts(state) => {
                Self::new(code::OUTCOME_CONTRADICTS, format!("it ended as {state}")).with("state", state)
            }
            Rejection::LimitReached(limit) => {
                Self::new(code::LIMIT_REACHED, format!("the ledger of the sale takes no more: {limit}"))
                    .with("limit", limit)
            }
            Rejection::Invalid(what) => Self::new(code::ARGUMENT_INVALID, short(&what)),
        }
    }

    /// Whether it is of a kind.
    #[must_use]
    pub fn is(&self, code: Code) -> bool {
        self.code == code
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.code.status
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> String {
        let view = ProblemView {
            r#type: format!("/problems/{}", self.code.code),
            title: self.code.title,
            status: self.code.status,
            detail: &self.detail,
            code: self.code.code,
            members: &self.members,
        };
        // It consists of texts and JSON values: writing it cannot fail.
        serde_json::to_string(&view).unwrap_or_default()
    }

    /// The headers that come with it, other than the content type.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.code == code::AUTH_REQUIRED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        headers
    }

    /// The answer to a method the route does not know; the router puts `Allow` beside it.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(code::METHOD_NOT_ALLOWED, "The Allow header names the methods this route knows.")
    }
}

/// A field that begins with `/`, or none at all, is in the body; any other is a parameter or header.
fn in_body(field: &str) -> bool {
    field.is_empty() || field.starts_with('/')
}

fn malformed(field: &str) -> Code {
    if field == super::instruction::IDEMPOTENCY_KEY {
        code::KEY_MALFORMED
    } else if in_body(field) {
        code::BODY_MALFORMED
    } else {
        code::PARAMETER_MALFORMED
    }
}

fn invalid(field: &str) -> Code {
    if in_body(field) { code::BODY_INVALID } else { code::PARAMETER_INVALID }
}

/// What may be repeated to the caller: masked, and not much of it.
fn short(message: &str) -> String {
    card_number::mask(message).text.chars().take(ECHO_CHARS).collect()
}

/// For routes about nothing in particular.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::of(error, Noun::Operation)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = StatusCode::from_u16(self.code.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = self.headers();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(inside) = self.inside {
            response.extensions_mut().insert(Inside(inside));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rescind_model::Money;
    use serde_json::json;

    fn told(error: impl Into<Error>, about: Noun) -> (u16, String, Value) {
        let problem = Problem::of(error.into(), about);
        let mut body: Map<String, Value> = serde_json::from_str(&problem.body()).unwrap();
        let code = body["code"].as_str().unwrap().to_owned();
        assert_eq!(body["status"], problem.status());
        for known in ["type", "title", "status", "detail", "code"] {
            assert!(body.remove(known).is_some(), "{known}");
        }
        (problem.status(), code, Value::Object(body))
    }

    #[test]
    fn every_rejection_has_its_code_and_what_a_program_needs() {
        let text = |t: &str| t.to_owned();
        let left = Money::new(4000, "CNY").unwrap();
        for (rejection, status, code, members) in [
            (Rejection::NoSuchOperation, 404, "not-found", json!({})),
            (Rejection::NameTaken, 409, "name.taken", json!({})),
            (Rejection::WrongState(text("cleared")), 409, "refund.wrong-state", json!({"state": "cleared"})),
            (
                Rejection::ExceedsBalance(left),
                422,
                "balance.exceeded",
                json!({"left": {"amount": "40.00", "currency": "CNY"}}),
            ),
            (Rejection::SaleNotGood(text("unknown")), 409, "sale.not-good", json!({"state": "unknown"})),
            (Rejection::ConflictsWith(text("S~1")), 422, "operation.conflict", json!({"conflicts_with": "S~1"})),
            (Rejection::Changed(2), 409, "refund.changed", json!({"revision": 2})),
            (Rejection::NotPermitted(text("role")), 403, "approval.not-permitted", json!({"reason": "role"})),
            (Rejection::ReasonRequired, 422, "reason.required", json!({"field": "/reason"})),
            (Rejection::NotAllowed(text("why")), 422, "operation.not-allowed", json!({})),
            (Rejection::Contradicts(text("done")), 409, "outcome.contradicts", json!({"state": "done"})),
            (Rejection::LimitReached(text("voids")), 422, "limit.reached", json!({"limit": "voids"})),
            (Rejection::Invalid(text("what")), 422, "argument.invalid", json!({})),
        ] {
            assert_eq!(told(rejection, Noun::Refund), (status, code.to_owned(), members));
        }
        assert_eq!(told(Rejection::WrongState(text("done")), Noun::Operation).1, "operation.wrong-state");
        assert_eq!(told(Rejection::WrongState(text("good")), Noun::Sale).1, "sale.wrong-state");
    }

    #[test]
    fn failures_say_when_to_come_back_and_keep_the_inside_for_the_log() {
        for (error, status, retry) in [
            (Error::Unavailable("disk on fire".to_owned()), 503, true),
            (Error::Internal("disk on fire".to_owned()), 500, false),
            (Error::KeyInFlight, 409, true),
        ] {
            let response = Problem::of(error.clone(), Noun::Refund).into_response();
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.headers().contains_key(RETRY_AFTER), retry);
            let (_, _, members) = told(error, Noun::Refund);
            assert_eq!(members, json!({}));
            let inside = response.extensions().get::<Inside>().map(|i| i.0.as_str());
            assert_eq!(inside, (status >= 500).then_some("disk on fire"));
        }
        assert!(!Problem::internal("disk on fire").body().contains("fire"));
    }

    #[test]
    fn a_conflict_with_a_code_of_its_own_keeps_it() {
        let conflict = |code| Error::Conflict { code, message: "in the way".to_owned() };
        assert_eq!(told(conflict("sale.conflict"), Noun::Sale).1, "sale.conflict");
        assert_eq!(told(conflict("brand.new"), Noun::Sale).1, "brand.new");
    }

    #[test]
    fn little_of_what_the_caller_sent_is_repeated_and_no_card_number() {
        let message = format!("found \"4111111111111111 {}\"", "x".repeat(1000));
        let body = Problem::of(Error::invalid("/note", message), Noun::Sale).body();
        assert!(!body.contains("4111111111111111") && body.len() < 500, "{body}");
    }
}
