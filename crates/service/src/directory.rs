//! Merchants, terminals, persons, API keys and reviewers' systems: set up by the admin.

use crate::app::App;
use crate::error::Error;
use crate::policies::ActivePolicy;
use crate::ports::Ports;
use crate::principal::{Bearer, Grant, Principal};
use crate::store::Record;
use crate::store::key::Key;
use crate::store::list::Entry;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rescind_model::{Digest, Instant, MerchantId, PersonId, TerminalId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use subtle::ConstantTimeEq as _;

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// Items in the order they were added.
    pub items: Vec<T>,
    /// Where to go on, if there is more.
    pub next: Option<String>,
}

/// A merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merchant {
    /// Names it.
    pub id: MerchantId,
    /// Its name for people, printed on slips.
    pub name: String,
    /// The name of the policy that decides for it.
    pub policy: String,
    /// The offset of its wall clock from UTC in minutes.
    pub utc_offset_minutes: i32,
}

/// A terminal of a merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terminal {
    /// Whose.
    pub merchant: MerchantId,
    /// Names it within the merchant.
    pub id: TerminalId,
    /// Where it stands, for people.
    pub label: String,
}

/// A person with roles at merchants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Names the person.
    pub id: PersonId,
    /// The person's name.
    pub name: String,
    /// Roles, per merchant.
    pub grants: Vec<Grant>,
}

/// A key as it is stored: never the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiKey {
    view: KeyView,
    /// SHA-256 of the secret. The secret is 256 random bits, so that a slow hash would add nothing.
    secret: Digest,
}

/// What may be shown of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyView {
    /// The key's public id, the middle part of its token.
    pub id: String,
    /// What it is for.
    pub label: String,
    /// Whom it stands for.
    pub bearer: Bearer,
    /// Since when.
    pub created_at: Instant,
    /// Since when it is void.
    pub revoked_at: Option<Instant>,
}

/// A reviewers' system that may send signed webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Names it, in the webhook's address.
    pub id: String,
    /// Whose refunds it reviews.
    pub merchant: MerchantId,
    /// What it is.
    pub label: String,
    /// Its users, and the persons they are here.
    pub principals: BTreeMap<String, PersonId>,
    /// The signing secret, `whsec_…`. Kept because an HMAC needs it; never shown again.
    pub(crate) secret: String,
}

macro_rules! records {
    ($($type:ty, $format:literal, |$this:ident, $id:ident| $holds:expr;)*) => {$(
        impl Record for $type {
            const FORMAT: &'static str = $format;
            fn holds(&self, $id: &str) -> bool { let $this = self; $holds }
        }
    )*};
}

records! {
    Merchant, "merchant/1", |this, id| mark(this) == id;
    Terminal, "terminal/1", |this, id| mark(this) == id;
    Person, "person/1", |this, id| mark(this) == id;
    ApiKey, "key/1", |this, id| mark(this) == id;
    Source, "source/1", |this, id| mark(this) == id;
}

/// The content itself names the write: the same content written by two is one.
fn mark<T: Serialize>(value: &T) -> String {
    serde_json::to_vec(value).map(|bytes| Digest::of(&bytes).hex).unwrap_or_default()
}

/// Shortest admin token that a deployment may give: 128 bits as hexadecimal digits. A shorter one is no token.
const ADMIN_TOKEN_BYTES: usize = 32;

/// Longest name for people, in characters.
const LABEL_CHARS: usize = 64;

fn check_label(field: &str, text: &str) -> Result<(), Error> {
    let length = text.chars().count();
    if length == 0 || length > LABEL_CHARS || text.chars().any(char::is_control) {
        return Err(Error::invalid(
            field,
            format!("expected 1 to {LABEL_CHARS} characters without control characters"),
        ));
    }
    if rescind_model::card_number::mask(text).found {
        return Err(Error::invalid(field, "expected a name without a card number"));
    }
    Ok(())
}

impl<P: Ports> App<P> {
    /// Finds out whose key a request carries.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a missing, malformed, unknown or revoked one: the same for all.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Principal, Error> {
        let token = authorization.and_then(|a| a.strip_prefix("Bearer ")).ok_or(Error::Unauthenticated)?;
        if let Some(given) = self.ports.admin_token().filter(|t| t.len() >= ADMIN_TOKEN_BYTES)
            && bool::from(given.as_bytes().ct_eq(token.as_bytes()))
        {
            return Ok(Principal { key: "deployment".to_owned(), bearer: Bearer::Admin, grants: Vec::new() });
        }
        let (id, secret) = token.strip_prefix("rsk_").and_then(|t| t.split_once('_')).ok_or(Error::Unauthenticated)?;
        if id.len() != 16 || secret.len() != 64 {
            return Err(Error::Unauthenticated);
        }
        let records = self.records().await?;
        let found = records.read::<ApiKey>(&Key::api_key(id)).await?;
        // An unknown key is compared with something too, so that both take the same time.
        let nobody = Digest { hex: "0".repeat(64) };
        let expected = found.as_ref().map_or(&nobody, |k| &k.secret);
        let same = bool::from(expected.as_str().as_bytes().ct_eq(Digest::of(secret.as_bytes()).as_str().as_bytes()));
        let key = found.filter(|k| same && k.view.revoked_at.is_none()).ok_or(Error::Unauthenticated)?;
        let grants = match &key.view.bearer {
            Bearer::Person { person } => self.person(person).await?.map(|p| p.grants).ok_or(Error::Unauthenticated)?,
            Bearer::Admin | Bearer::Terminal { .. } | Bearer::System { .. } => Vec::new(),
        };
        Ok(Principal { key: key.view.id, bearer: key.view.bearer, grants })
    }

    /// A person, if there is one of that name.
    ///
    /// # Errors
    /// The store's.
    pub async fn person(&self, id: &PersonId) -> Result<Option<Person>, Error> {
        self.records().await?.read::<Person>(&Key::person(id)).await
    }

    /// A person who works at a merchant, with the roles there.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field if there is no such person or no role at the merchant: the same for both.
    pub async fn person_at(
        &self,
        field: &str,
        id: &PersonId,
        merchant: &MerchantId,
    ) -> Result<rescind_model::ActingPerson, Error> {
        let person = self.person(id).await?;
        let roles: Vec<_> = person
            .iter()
            .flat_map(|p| &p.grants)
            .filter(|g| g.merchant == *merchant)
            .flat_map(|g| g.roles.iter().cloned())
            .collect();
        if roles.is_empty() {
            return Err(Error::invalid(field, format!("{id} is not a person with a role at this merchant")));
        }
        Ok(rescind_model::ActingPerson { id: id.clone(), roles })
    }

    async fn create<T: Record + Clone + PartialEq>(
        &self,
        key: Key,
        list: Key,
        id: &str,
        what: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let records = self.records().await?;
        let unique = self.unique();
        records.append(&list, &Entry { id: id.to_owned(), at: String::new() }, unique).await?;
        records
            .update::<T, _, _>(&key.checked()?, &mark(value), unique, |there| match there {
                None => Ok((Some(value.clone()), ())),
                Some(same) if same == value => Ok((None, ())),
                Some(_) => Err(Error::Conflict {
                    code: "name.taken",
                    message: format!("there is already another {what} {id}"),
                }),
            })
            .await
    }

    /// Creates a merchant. The same again is harmless.
    ///
    /// # Errors
    /// Not an admin; the policy is not installed; another merchant of that id.
    pub async fn create_merchant(&self, who: &Principal, merchant: Merchant) -> Result<Merchant, Error> {
        who.require_admin()?;
        check_label("/name", &merchant.name)?;
        if !(-720..=840).contains(&merchant.utc_offset_minutes) {
            return Err(Error::invalid("/utc_offset_minutes", "expected -720 to 840"));
        }
        let records = self.records().await?;
        if records.read::<ActivePolicy>(&Key::policy_name(&merchant.policy)).await?.is_none() {
            return Err(Error::invalid("/policy", format!("no policy named {:?} is installed", merchant.policy)));
        }
        let key = Key::merchant(&merchant.id);
        self.create(key, Key::directory("merchants"), merchant.id.as_str(), "merchant", &merchant).await?;
        Ok(merchant)
    }

    /// Merchants, in the order they were created.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_merchants(
        &self,
        who: &Principal,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listed<Merchant>, Error> {
        who.require_admin()?;
        self.listed(&Key::directory("merchants"), after, limit, |id| {
            MerchantId::parse(id).ok().map(|m| Key::merchant(&m))
        })
        .await
    }

    /// Creates a terminal. The same again is harmless.
    ///
    /// # Errors
    /// Not an admin; no such merchant; another terminal of that id.
    pub async fn create_terminal(&self, who: &Principal, terminal: Terminal) -> Result<Terminal, Error> {
        who.require_admin()?;
        check_label("/label", &terminal.label)?;
        self.merchant(&terminal.merchant).await?;
        let key = Key::terminal(&terminal.merchant, &terminal.id);
        let list = Key::directory_at("terminals", &terminal.merchant);
        self.create(key, list, terminal.id.as_str(), "terminal", &terminal).await?;
        Ok(terminal)
    }

    /// A merchant's terminals.
    ///
    /// # Errors
    /// Not an admin, or the store's.
    pub async fn list_terminals(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listed<Terminal>, Error> {
        who.require_admin()?;
        let list = Key::directory_at("terminals", merchant);
        self.listed(&list, after, limit, |id| TerminalId::parse(id).ok().map(|t| Key::terminal(merchant, &t))).await
    }

    /// Creates a person. The same again is harmless.
    ///
    /// # Errors
    /// Not an admin; no such merchant in a grant; another person of that id.
    pub async fn create_person(&self, who: &Principal, person: Person) -> Result<Person, Error> {
        who.require_admin()?;
        check_label("/name", &person.name)?;
        self.check_grants(&person.grants).await?;
        let key = Key::person(&person.id);
        self.create(key, Key::directory("persons"), person.id.as_str(), "person", &person).await?;
        Ok(person)
    }

    async fn check_grants(&self, grants: &[Grant]) -> Result<(), Error> {
        if grants.len() > 64 || grants.iter().any(|g| g.roles.is_empty() || g.roles.len() > 16) {
            return Err(Error::invalid("/grants", "expected at most 64 merchants with 1 to 16 roles each"));
        }
        for grant in grants {
            self.merchant(&grant.merchant)
                .await
                .map_err(|_| Error::invalid("/grants", format!("there is no merchant {}", grant.merchant)))?;
        }
        Ok(())
    }

    /// Persons.
    ///
    /// # Errors
    /// Not an admin, or the store's.
    pub async fn list_persons(
        &self,
        who: &Principal,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listed<Person>, Error> {
        who.require_admin()?;
        self.listed(&Key::directory("persons"), after, limit, |id| PersonId::parse(id).ok().map(|p| Key::person(&p)))
            .await
    }

    /// Gives a person other roles. They hold from the next request on.
    ///
    /// # Errors
    /// Not an admin; no such person or merchant.
    pub async fn replace_grants(&self, who: &Principal, id: &PersonId, grants: Vec<Grant>) -> Result<Person, Error> {
        who.require_admin()?;
        self.check_grants(&grants).await?;
        let person = self.person(id).await?.ok_or(Error::NotFound("person"))?;
        let next = Person { grants, ..person };
        let records = self.records().await?;
        records
            .update::<Person, _, _>(&Key::person(id), &mark(&next), self.unique(), |there| {
                Ok((there.is_none_or(|t| *t != next).then(|| next.clone()), ()))
            })
            .await?;
        Ok(next)
    }

    /// Makes a key. Its token is given once and never again.
    ///
    /// # Errors
    /// Not an admin; the bearer does not exist.
    pub async fn create_key(&self, who: &Principal, bearer: Bearer, label: String) -> Result<(KeyView, String), Error> {
        who.require_admin()?;
        self.make_key(bearer, label).await
    }

    /// As [`App::create_key`], for the host that makes the first admin key.
    ///
    /// # Errors
    /// The bearer does not exist; the store's.
    pub async fn make_key(&self, bearer: Bearer, label: String) -> Result<(KeyView, String), Error> {
        check_label("/label", &label)?;
        match &bearer {
            Bearer::Admin => {}
            Bearer::Person { person } => {
                if self.person(person).await?.is_none() {
                    return Err(Error::invalid("/bearer/person", format!("there is no person {person}")));
                }
            }
            Bearer::Terminal { merchant, terminal } => {
                let records = self.records().await?;
                if records.read::<Terminal>(&Key::terminal(merchant, terminal)).await?.is_none() {
                    return Err(Error::invalid(
                        "/bearer/terminal",
                        format!("there is no terminal {terminal} of {merchant}"),
                    ));
                }
            }
            Bearer::System { merchant } => {
                self.merchant(merchant)
                    .await
                    .map_err(|_| Error::invalid("/bearer/merchant", format!("there is no merchant {merchant}")))?;
            }
        }
        let id = self.random_hex(16);
        let secret = self.random_hex(64);
        let view = KeyView { id: id.clone(), label, bearer, created_at: self.ports.now(), revoked_at: None };
        let key = ApiKey { view: view.clone(), secret: Digest::of(secret.as_bytes()) };
        self.create(Key::api_key(&id), Key::directory("keys"), &id, "key", &key).await?;
        Ok((view, format!("rsk_{id}_{secret}")))
    }

    /// Keys, without their secrets.
    ///
    /// # Errors
    /// Not an admin, or the store's.
    pub async fn list_keys(
        &self,
        who: &Principal,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listed<KeyView>, Error> {
        who.require_admin()?;
        let keys = self.listed::<ApiKey>(&Key::directory("keys"), after, limit, |id| Some(Key::api_key(id))).await?;
        Ok(Listed { items: keys.items.into_iter().map(|k| k.view).collect(), next: keys.next })
    }

    /// Voids a key from the next request on.
    ///
    /// # Errors
    /// Not an admin; no such key.
    pub async fn revoke_key(&self, who: &Principal, id: &str) -> Result<KeyView, Error> {
        who.require_admin()?;
        let records = self.records().await?;
        let key = Key::api_key(id);
        let there = records.read::<ApiKey>(&key).await?.ok_or(Error::NotFound("key"))?;
        let mut next = there;
        if next.view.revoked_at.is_none() {
            next.view.revoked_at = Some(self.ports.now());
            records
                .update::<ApiKey, _, _>(&key, &mark(&next), self.unique(), |there| {
                    let open = there.is_none_or(|t| t.view.revoked_at.is_none());
                    Ok((open.then(|| next.clone()), ()))
                })
                .await?;
        }
        Ok(next.view)
    }

    /// Whether there is any key at all: the host makes the first one.
    ///
    /// # Errors
    /// The store's.
    pub async fn has_keys(&self) -> Result<bool, Error> {
        let records = self.records().await?;
        let slice = records.slice(&Key::directory("keys"), crate::store::list::Position::START, 1).await?;
        Ok(!slice.entries.is_empty())
    }

    /// Lets a reviewers' system send webhooks. Its signing secret is given once and never again.
    ///
    /// # Errors
    /// Not an admin; a principal that is no person of the merchant.
    pub async fn create_source(
        &self,
        who: &Principal,
        merchant: MerchantId,
        label: String,
        principals: BTreeMap<String, PersonId>,
    ) -> Result<(Source, String), Error> {
        // It speaks for persons, so that nobody who asks for refunds may let one in.
        who.require_admin()?;
        check_label("/label", &label)?;
        self.merchant(&merchant).await?;
        if principals.is_empty() || principals.len() > 64 || principals.keys().any(|k| k.is_empty() || k.len() > 128) {
            return Err(Error::invalid("/principals", "expected 1 to 64 names of at most 128 bytes"));
        }
        for person in principals.values() {
            self.person_at("/principals", person, &merchant).await?;
        }
        let id = format!("src-{}", self.random_hex(16));
        let secret = self.webhook_secret();
        let source = Source { id: id.clone(), merchant, label, principals, secret: secret.clone() };
        let list = Key::directory_at("sources", &source.merchant);
        self.create(Key::source(&id), list, &id, "source", &source).await?;
        Ok((source, secret))
    }

    /// A merchant's reviewers' systems.
    ///
    /// # Errors
    /// Not permitted, or the store's.
    pub async fn list_sources(&self, who: &Principal, merchant: &MerchantId) -> Result<Vec<Source>, Error> {
        who.may(crate::principal::Deed::Configure, merchant)?;
        let list = Key::directory_at("sources", merchant);
        let listed = self.listed::<Source>(&list, None, crate::limits::LIST_LIMIT, |id| Some(Key::source(id))).await?;
        Ok(listed.items)
    }

    /// A new signing secret: `whsec_` and 32 random bytes.
    pub(crate) fn webhook_secret(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.ports.random()))
    }
}
