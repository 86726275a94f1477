//! `POST /v1/terminal/sync`: a terminal hands in what it did without the server.

use crate::http::Shared;
use crate::http::answer;
use crate::http::body::at_most;
use crate::http::caller::Caller;
use crate::http::code::{self, Code};
use crate::http::problem::Problem;
use crate::http::word::Vocabulary as _;
use crate::ports::Ports;
use crate::terminal::sync::NotTaken;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use rescind_journal::BadBatch;
use rescind_model::Locale;

/// What a batch may be called.
pub const MEDIA: [&str; 3] = ["application/cbor", "application/cose", "application/octet-stream"];

/// Largest batch in bytes.
pub const BATCH_BYTES: usize = rescind_journal::limits::BATCH_BYTES;

/// `POST /v1/terminal/sync`
pub async fn sync<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let scope = caller.scope(&["locale"])?;
    scope.who.may(crate::principal::Deed::Sync, &scope.merchant)?;
    let locale = scope.asked.read_with("locale", Locale::read)?.unwrap_or(Locale::ZhCn);
    let media = request.headers().get(CONTENT_TYPE).and_then(|media| media.to_str().ok());
    let media = media.map(|media| media.split(';').next().unwrap_or(media).trim().to_ascii_lowercase());
    if !media.is_some_and(|media| MEDIA.contains(&media.as_str())) {
        let detail = format!("send the batch as it was exported, as one of {}", MEDIA.join(", "));
        return Err(Problem::new(code::BATCH_MEDIA, detail));
    }
    let bytes = at_most(request, BATCH_BYTES).await?;
    match app.sync(&scope.who, &scope.merchant, &bytes, locale).await {
        Ok(acknowledged) => answer::json(StatusCode::OK, &acknowledged),
        Err(NotTaken::Error(error)) => Err(error.into()),
        Err(NotTaken::Batch(bad)) => Err(refused(&bad)),
    }
}

/// A batch that is not taken: each reason has its code, and what a terminal needs to go on is a member.
fn refused(bad: &BadBatch) -> Problem {
    let problem = Problem::new(code_of(bad), bad.to_string());
    match bad {
        BadBatch::Gap { expected, found } => problem.with("expected", expected).with("found", found),
        BadBatch::Fork { before } => problem.with("before", before),
        BadBatch::OtherJournal { expected, found } => problem.with("expected", expected).with("found", found),
        BadBatch::Record { number, .. } => problem.with("record", number),
        BadBatch::TooLarge { limit, .. } => problem.with("limit", limit),
        BadBatch::Malformed(_) | BadBatch::Unverified(_) | BadBatch::OtherOwner { .. } | BadBatch::Chain => problem,
    }
}

fn code_of(bad: &BadBatch) -> Code {
    match bad {
        BadBatch::TooLarge { .. } => code::BODY_TOO_LARGE,
        _ => code::find(bad.code()).unwrap_or(code::BATCH_MALFORMED),
    }
}
