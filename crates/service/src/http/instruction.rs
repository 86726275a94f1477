//! Instructions: requests that change money. Each is carried out once per merchant and `Idempotency-Key`, and its first
//! answer is its answer.

use crate::app::App;
use crate::error::Error;
use crate::http::answer;
use crate::http::body;
use crate::http::caller::Scope;
use crate::http::code;
use crate::http::decision::DecisionView;
use crate::http::money::Amount;
use crate::http::problem::{Noun, Problem};
use crate::idempotency::{Answer, Begin, Subject, Ticket};
use crate::ports::Ports;
use crate::principal::Principal;
use crate::register::sale_in;
use axum::extract::{FromRequest, OriginalUri, Request};
use axum::response::Response;
use core::future::Future;
use http::{HeaderMap, StatusCode};
use rescind_model::standing::Standing;
use rescind_model::{CommandId, Digest, MerchantId, OperationId, RefundId, Rejection, SaleId};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The header's name, as errors and documents write it.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// What keys of reviewers' webhooks begin with; no caller's own key may.
pub const WEBHOOK_KEYS: &str = "webhook:";

/// A request that changes money: what is asked for, and the key it is asked under.
#[derive(Debug)]
pub struct Instruction<T> {
    /// What is asked for.
    pub ask: T,
    key: String,
    /// Method, path and canonical body.
    payload: String,
}

/// What an instruction is about.
#[derive(Debug)]
pub struct About {
    /// What kind of thing.
    pub noun: Noun,
    /// On which sale, or of which refund, if the request says so.
    pub subject: Option<Subject>,
}

impl About {
    /// Something on a sale.
    #[must_use]
    pub fn on_sale(noun: Noun, sale: &SaleId) -> Self {
        Self { noun, subject: Some(Subject::Sale(sale.clone())) }
    }

    /// A void. Its sale is a part of its name.
    #[must_use]
    pub fn operation(id: &OperationId) -> Self {
        Self { noun: Noun::Operation, subject: sale_in(id.as_str()).map(Subject::Sale) }
    }

    /// Something whose sale is a part of its name.
    #[must_use]
    pub fn within(noun: Noun, name: &str) -> Self {
        Self { noun, subject: sale_in(name).map(Subject::Sale) }
    }

    /// A refund.
    #[must_use]
    pub fn refund(id: &RefundId) -> Self {
        Self { noun: Noun::Refund, subject: Some(Subject::Refund(id.clone())) }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Instruction<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let key = key_of(request.headers())?;
        let path = request.extensions().get::<OriginalUri>().map_or_else(|| request.uri().path(), |uri| uri.path());
        let head = format!("{} {path}", request.method());
        let bytes = body::bytes_of(request).await?;
        let ask = body::parse(&bytes)?;
        let payload = format!("{head}\n{}", body::canonical(&bytes)?);
        Ok(Self { ask, key, payload })
    }
}

/// The one `Idempotency-Key` of a request.
///
/// # Errors
/// None, several, or one that is kept for webhooks.
pub fn key_of(headers: &HeaderMap) -> Result<String, Problem> {
    let malformed = |message: &str| Problem::field(code::KEY_MALFORMED, IDEMPOTENCY_KEY, message);
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    match (given.next(), given.next()) {
        (None, _) => Err(Problem::new(
            code::KEY_MISSING,
            "Send a key of your own, new for each request and the same for each retry of it: Idempotency-Key: <key>",
        )),
        (Some(key), None) => {
            let key = key.to_str().map_err(|_| malformed("expected printable ASCII characters"))?;
            if key.starts_with(WEBHOOK_KEYS) {
                return Err(malformed("keys that begin with webhook: are those of reviewers' webhooks"));
            }
            Ok(key.to_owned())
        }
        (Some(_), Some(_)) => Err(malformed("expected one, found several")),
    }
}

impl<T> Instruction<T> {
    /// Carries it out, or gives the answer it was given before.
    ///
    /// # Errors
    /// Problems that are not stored: the request itself is wrong, or something failed. Refusals are answers.
    pub async fn carry_out<P, R, W, F>(
        self,
        app: &App<P>,
        scope: &Scope,
        about: About,
        work: W,
    ) -> Result<Response, Problem>
    where
        P: Ports,
        R: Serialize,
        W: FnOnce(T, CommandId) -> F,
        F: Future<Output = Result<(StatusCode, R), Error>>,
    {
        // Who asks is part of what is asked: two persons who approve under one key are two requests. The holder, not the
        // key: a retry after a key was replaced is the same request.
        let holder = serde_json::to_string(&scope.who.bearer).map_err(|e| Problem::internal(e.to_string()))?;
        // Under the pepper: bodies hold codes, contacts and notes, which a bare digest would let anybody try.
        let payload = Digest { hex: app.pepper().await?.seal("idempotency/1", &[&holder, &self.payload])? };
        let ask = self.ask;
        once(app, &scope.merchant, &self.key, &payload, &about, Some(&scope.who), |command| work(ask, command)).await
    }
}

/// Does something once per key.
///
/// # Errors
/// As [`Instruction::carry_out`].
pub async fn once<P, R, W, F>(
    app: &App<P>,
    merchant: &MerchantId,
    key: &str,
    payload: &Digest,
    about: &About,
    who: Option<&Principal>,
    work: W,
) -> Result<Response, Problem>
where
    P: Ports,
    R: Serialize,
    W: FnOnce(CommandId) -> F,
    F: Future<Output = Result<(StatusCode, R), Error>>,
{
    let ticket = match app.begin(merchant, key, payload, about.subject.as_ref()).await? {
        Begin::Replay(answer) => return Ok(answer::stored(answer, true)),
        Begin::Fresh(ticket) => ticket,
    };
    let replayed = match app.carried_out_before(&ticket).await {
        Ok(replayed) => replayed,
        Err(error) => return Err(give_back(app, ticket, error, about.noun).await),
    };
    let answer = match work(ticket.command().clone()).await {
        Ok((status, value)) => {
            let body = serde_json::to_string(&value)
                .map_err(|e| Problem::internal(format!("an answer cannot be written: {e}")))?;
            Answer { status: status.as_u16(), body }
        }
        Err(error) if error.is_refusal() => {
            let problem = refusal(app, merchant, about, who, error).await;
            Answer { status: problem.status(), body: problem.body() }
        }
        Err(error) => return Err(give_back(app, ticket, error, about.noun).await),
    };
    // If this fails the caller hears 503 and asks again: the ledger holds the command, so it is not done twice.
    let kept = app.finish(ticket, &answer).await?;
    let replayed = replayed || kept != answer;
    Ok(answer::stored(kept, replayed))
}

/// Gives a key back, so that the request may come again.
async fn give_back<P: Ports>(app: &App<P>, ticket: Ticket, error: Error, noun: Noun) -> Problem {
    if let Err(why) = app.abandon(ticket, &error).await {
        app.ports.log(&format!("an idempotency key stays taken until its lease ends: {why}"));
    }
    Problem::of(error, noun)
}

/// A refusal with all that helps: the decision in words, and what is left of the sale.
async fn refusal<P: Ports>(
    app: &App<P>,
    merchant: &MerchantId,
    about: &About,
    who: Option<&Principal>,
    error: Error,
) -> Problem {
    let about_money = matches!(error, Error::Decided(_) | Error::Rejected(Rejection::ConflictsWith(_)));
    let problem = match &error {
        Error::Decided(decision) => Problem::decided(decision, &DecisionView::told(app, merchant, decision).await),
        _ => Problem::of(error, about.noun),
    };
    if about_money
        && let (Some(subject), Some(who)) = (&about.subject, who)
        && let Ok(sale) = app.sale_of_subject(merchant, subject).await
        && let Ok(aggregate) = app.sale(who, merchant, &sale).await
        && let Ok(standing) = Standing::of(&aggregate.ledger)
    {
        return problem.with("left", Amount(standing.left));
    }
    problem
}
