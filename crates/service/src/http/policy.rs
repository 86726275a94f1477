//! Policies: putting a compiled one in force, and seeing which are.

use crate::http::Shared;
use crate::http::answer::{self, Listing};
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::decision::PolicyView;
use crate::http::id::Segment;
use crate::http::problem::Problem;
use crate::ports::Ports;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;

/// `PUT /v1/policies/{name}`
pub async fn install<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(name): Segment,
    request: Request,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    who.require_admin()?;
    let canonical = body::bytes_of(request).await?;
    let identity = app.install_policy(&who, &name, &canonical).await?;
    answer::json(StatusCode::OK, &PolicyView::of(&identity))
}

/// `GET /v1/policies`
pub async fn list<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    let items = app.list_policies(&who).await?.iter().map(PolicyView::of).collect();
    answer::json(StatusCode::OK, &Listing { items, next: None })
}
