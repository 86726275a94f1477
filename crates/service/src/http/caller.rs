//! Who asks, about which merchant, with which parameters. Always the first argument of a handler: nothing is read of a
//! request, and nothing is said about it, before its key was checked.

use crate::error::Error;
use crate::http::Shared;
use crate::http::limits::POSITION_BYTES;
use crate::http::problem::Problem;
use crate::limits::{LIST_DEFAULT, LIST_LIMIT};
use crate::ports::Ports;
use crate::principal::Principal;
use axum::extract::{FromRequestParts, Query};
use core::fmt::Display;
use core::str::FromStr;
use http::header::AUTHORIZATION;
use http::request::Parts;
use rescind_model::MerchantId;
use std::collections::BTreeMap;

/// Somebody whose key was checked, and the parameters of the query.
#[derive(Debug)]
pub struct Caller {
    /// Who.
    pub who: Principal,
    parameters: Parameters,
}

/// A request about one merchant.
#[derive(Debug)]
pub struct Scope {
    /// Who asks.
    pub who: Principal,
    /// About which merchant.
    pub merchant: MerchantId,
    /// With which parameters, all of them known ones.
    pub asked: Parameters,
}

/// The parameters of a query.
#[derive(Debug)]
pub struct Parameters(BTreeMap<String, String>);

/// Which part of a list is wanted.
#[derive(Debug)]
pub struct Page {
    /// The position after which it begins.
    pub after: Option<String>,
    /// At most how many items.
    pub limit: usize,
}

impl<P: Ports> FromRequestParts<Shared<P>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared<P>) -> Result<Self, Problem> {
        let mut given = parts.headers.get_all(AUTHORIZATION).iter();
        // Two headers of which one is valid would leave open whose request it is.
        let only = match (given.next(), given.next()) {
            (Some(one), None) => one.to_str().ok().map(str::to_owned),
            _ => None,
        };
        let who = app.authenticate(only.as_deref()).await?;
        Ok(Self { who, parameters: Parameters::read(parts)? })
    }
}

impl Caller {
    /// The request as one about a merchant: the key's own, or the one that `merchant` names.
    ///
    /// # Errors
    /// A parameter that is not among the known ones; a merchant that is somebody else's, not there, or must be named.
    pub fn scope(mut self, known: &[&str]) -> Result<Scope, Error> {
        let named = self.parameters.0.remove("merchant");
        let named = named.map(|text| MerchantId::parse(&text).map_err(|_| Error::NotFound("merchant"))).transpose()?;
        let merchant = self.who.merchant(named.as_ref())?;
        self.parameters.only(known)?;
        Ok(Scope { who: self.who, merchant, asked: self.parameters })
    }

    /// The request as one about the merchant in its path.
    ///
    /// # Errors
    /// As [`Caller::scope`]; a merchant of another name in the query is not there either.
    pub fn scope_at(mut self, merchant: &MerchantId, known: &[&str]) -> Result<Scope, Error> {
        let named = self.parameters.0.insert("merchant".to_owned(), merchant.value.clone());
        if named.is_some_and(|other| other != merchant.value) {
            return Err(Error::NotFound("merchant"));
        }
        self.scope(known)
    }

    /// The same for a request whose body may name the merchant too.
    ///
    /// # Errors
    /// As [`Caller::scope`], and two different names.
    pub fn scope_or(mut self, in_body: Option<MerchantId>) -> Result<Scope, Error> {
        if let Some(id) = in_body {
            let here = self.parameters.0.insert("merchant".to_owned(), id.value.clone());
            if here.is_some_and(|other| other != id.value) {
                return Err(Error::invalid("/merchant", "expected the merchant that the query names"));
            }
        }
        self.scope(&[])
    }

    /// The request as one about no merchant in particular.
    ///
    /// # Errors
    /// A parameter that is not among the known ones.
    pub fn general(self, known: &[&str]) -> Result<(Principal, Parameters), Error> {
        self.parameters.only(known)?;
        Ok((self.who, self.parameters))
    }
}

impl Parameters {
    /// Reads the query. Each parameter may be given once.
    ///
    /// # Errors
    /// Not a query, or a parameter given twice.
    pub fn read(parts: &Parts) -> Result<Self, Error> {
        let unreadable =
            |_| Error::Malformed { field: "query".to_owned(), message: "expected name=value pairs".to_owned() };
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(unreadable)?;
        let mut all = BTreeMap::new();
        for (name, value) in pairs {
            if all.contains_key(&name) {
                return Err(Error::Malformed { field: name, message: "expected it once, found it twice".to_owned() });
            }
            all.insert(name, value);
        }
        Ok(Self(all))
    }

    /// Fails on a parameter that the route does not know: a misspelt filter must not widen what is shown.
    ///
    /// # Errors
    /// [`Error::Malformed`] naming it.
    pub fn only(&self, known: &[&str]) -> Result<(), Error> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => {
                let expected = if known.is_empty() { "no parameters".to_owned() } else { known.join(", ") };
                Err(Error::Malformed {
                    field: name.clone(),
                    message: format!("unknown parameter: this route knows {expected}"),
                })
            }
        }
    }

    /// A parameter's text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter as a type.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming it.
    pub fn read_as<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Error> {
        self.text(name).map(|text| text.parse().map_err(|e| Error::invalid(name, e))).transpose()
    }

    /// A parameter read by a function.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming it.
    pub fn read_with<T, E: Display>(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Error> {
        self.text(name).map(|text| read(text).map_err(|e| Error::invalid(name, e))).transpose()
    }

    /// `after` and `limit`.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the one.
    pub fn page(&self) -> Result<Page, Error> {
        let limit = self.read_with("limit", |text| {
            let limit = text.parse::<usize>().ok().filter(|n| (1..=LIST_LIMIT).contains(n));
            limit.ok_or_else(|| format!("expected a number from 1 to {LIST_LIMIT}"))
        })?;
        let after = self.read_with("after", |text| {
            let fits = !text.is_empty() && text.len() <= POSITION_BYTES && text.bytes().all(|b| b.is_ascii_graphic());
            if fits { Ok(text.to_owned()) } else { Err("expected a position that a list gave as next") }
        })?;
        Ok(Page { after, limit: limit.unwrap_or(LIST_DEFAULT) })
    }
}
