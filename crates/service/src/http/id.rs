//! Names in paths. What cannot be a name names nothing: 404, like everything else that is not there.

use crate::error::Error;
use crate::http::problem::Problem;
use axum::extract::{FromRequestParts, Path};
use core::str::FromStr;
use http::request::Parts;
use rescind_model::{CaseId, LiabilityId, MerchantId, OperationId, OrderId, PersonId, RefundId, SaleId};

/// Something that is named in a path.
pub trait Named: FromStr {
    /// What it is, for people.
    const NOUN: &'static str;
}

impl Named for SaleId {
    const NOUN: &'static str = "transaction";
}
impl Named for OperationId {
    const NOUN: &'static str = "operation";
}
impl Named for RefundId {
    const NOUN: &'static str = "refund";
}
impl Named for PersonId {
    const NOUN: &'static str = "person";
}
impl Named for MerchantId {
    const NOUN: &'static str = "merchant";
}
impl Named for CaseId {
    const NOUN: &'static str = "case";
}
impl Named for OrderId {
    const NOUN: &'static str = "legal order";
}
impl Named for LiabilityId {
    const NOUN: &'static str = "liability";
}

/// The one name in a path.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<T: Named + Send, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let name = path.ok().and_then(|Path(text)| T::from_str(&text).ok());
        name.map(Self).ok_or_else(|| Problem::from(Error::NotFound(T::NOUN)))
    }
}

/// The one text in a path that is no name of the domain: a key, an endpoint, a policy.
#[derive(Debug)]
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        // The same characters as names: it becomes part of a storage key.
        let fits = |t: &str| SaleId::parse(t).is_ok();
        let text = path.ok().map(|Path(text)| text).filter(|t| fits(t));
        text.map(Self).ok_or_else(|| Problem::from(Error::NotFound("item")))
    }
}
