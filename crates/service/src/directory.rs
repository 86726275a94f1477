//! Merchants, terminals, persons, API keys and reviewers' systems: set up by the admin.

use crate::app::App;
use crate::error::Error;
use crate::limits::{
    ADMIN_TOKEN_BYTES, GRANT_ROLES, GRANTS, LABEL_CHARS, LIST_LIMIT, PAGE_ENTRIES, POLICIES_BY_CLASS, PRINCIPAL_BYTES,
    PRINCIPALS, SWAP_ATTEMPTS, UTC_OFFSET_MINUTES,
};
use crate::ports::Ports;
use crate::principal::{Bearer, Grant, Principal, ROLES};
use crate::store::key::Key;
use crate::store::list::Entry;
use crate::store::{Commit, Record};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rescind_model::{Digest, Instant, MerchantId, PersonId, Role, TerminalId};
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
    /// The names of those that decide at terminals of some classes instead.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies_by_class: BTreeMap<String, String>,
    /// Whether what is only asked, without being carried out, is recorded too.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub record_checks: bool,
    /// The offset of its wall clock from UTC in minutes.
    pub utc_offset_minutes: i32,
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_yes(flag: &bool) -> bool {
    *flag
}

impl Merchant {
    /// A merchant under one policy, with everything else as usual.
    #[must_use]
    pub fn new(id: MerchantId, name: &str, policy: &str, utc_offset_minutes: i32) -> Self {
        Self {
            id,
            name: name.to_owned(),
            policy: policy.to_owned(),
            policies_by_class: BTreeMap::new(),
            record_checks: true,
            utc_offset_minutes,
        }
    }

    /// The name of the policy that decides at terminals of a class.
    #[must_use]
    pub fn policy_at(&self, class: Option<&str>) -> &str {
        class.and_then(|class| self.policies_by_class.get(class)).unwrap_or(&self.policy)
    }

    /// The names of all policies that decide for it.
    pub fn policies(&self) -> impl Iterator<Item = &str> {
        core::iter::once(&self.policy).chain(self.policies_by_class.values()).map(String::as_str)
    }
}

/// What decides for a merchant, and what is recorded of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantSettings {
    /// As [`Merchant::policy`].
    pub policy: String,
    /// As [`Merchant::policies_by_class`].
    pub policies_by_class: BTreeMap<String, String>,
    /// As [`Merchant::record_checks`].
    pub record_checks: bool,
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
    /// What kind of terminal it is, in the words of the merchant's policies: `counter`, `unattended`, … Absent: none in
    /// particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
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
pub(crate) struct ApiKey {
    pub(crate) view: KeyView,
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
    /// Since when nothing is taken from it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Instant>,
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
    Revocations, "revocations/1", |this, id| this.keys.iter().any(|k| k == id);
    Source, "source/1", |this, id| mark(this) == id;
}

/// Admin keys whose end was decided, newest last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revocations {
    keys: Vec<String>,
}

/// The content itself names the write: the same content written by two is one.
fn mark<T: Serialize>(value: &T) -> String {
    serde_json::to_vec(value).map(|bytes| Digest::of(&bytes).hex).unwrap_or_default()
}

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

/// A class of terminals is a word, as policies write it.
fn check_class(field: &str, class: &str) -> Result<(), Error> {
    let fits = TerminalId::parse(class).is_ok() && class.len() <= LABEL_CHARS;
    let message = format!("expected a word of at most {LABEL_CHARS} letters, digits, '-', '_' and '.'");
    if fits { Ok(()) } else { Err(Error::invalid(field, message)) }
}

fn check_terminal(terminal: &Terminal) -> Result<(), Error> {
    check_label("/label", &terminal.label)?;
    terminal.class.as_deref().map_or(Ok(()), |class| check_class("/class", class))
}

impl<P: Ports> App<P> {
    /// Finds out whose key a request carries.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a missing, malformed, unknown or revoked one: the same for all.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Principal, Error> {
        let token = authorization.and_then(|a| a.strip_prefix("Bearer ")).ok_or(Error::Unauthenticated)?;
        if let Some(given) = self.own_admin_token()
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
        let key = key.checked()?;
        // What is there is listed: its entry came first.
        if !records.is_there(&key).await? {
            records.append(&list, &Entry { id: id.to_owned(), at: String::new() }, unique).await?;
        }
        records
            .update::<T, _, _>(&key, &mark(value), unique, |there| match there {
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
        if !UTC_OFFSET_MINUTES.contains(&merchant.utc_offset_minutes) {
            let (from, to) = (UTC_OFFSET_MINUTES.start(), UTC_OFFSET_MINUTES.end());
            return Err(Error::invalid("/utc_offset_minutes", format!("expected {from} to {to}")));
        }
        self.check_policies(&merchant).await?;
        let key = Key::merchant(&merchant.id);
        self.create(key, Key::directory("merchants"), merchant.id.as_str(), "merchant", &merchant).await?;
        Ok(merchant)
    }

    /// Names that stand for a policy: one has been put in force under each.
    async fn check_policies(&self, merchant: &Merchant) -> Result<(), Error> {
        if merchant.policies_by_class.len() > POLICIES_BY_CLASS {
            let message = format!("expected at most {POLICIES_BY_CLASS} classes");
            return Err(Error::invalid("/policies_by_class", message));
        }
        for class in merchant.policies_by_class.keys() {
            check_class("/policies_by_class", class)?;
        }
        for name in merchant.policies() {
            if self.activations(name).await?.is_none() {
                let field = if name == merchant.policy { "/policy" } else { "/policies_by_class" };
                return Err(Error::invalid(field, format!("no policy named {name:?} was put in force")));
            }
        }
        Ok(())
    }

    /// Gives a merchant other policies. They decide from the next request on; what is under way keeps what it was promised.
    ///
    /// # Errors
    /// Not an admin; no such merchant or policy.
    pub async fn replace_settings(
        &self,
        who: &Principal,
        id: &MerchantId,
        settings: MerchantSettings,
    ) -> Result<Merchant, Error> {
        who.require_admin()?;
        let MerchantSettings { policy, policies_by_class, record_checks } = settings;
        let next = Merchant { policy, policies_by_class, record_checks, ..self.merchant(id).await? };
        self.check_policies(&next).await?;
        self.records()
            .await?
            .update::<Merchant, _, _>(&Key::merchant(id), &mark(&next), self.unique(), |there| {
                Ok((there.is_none_or(|t| *t != next).then(|| next.clone()), ()))
            })
            .await?;
        Ok(next)
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
        check_terminal(&terminal)?;
        self.merchant(&terminal.merchant).await?;
        let key = Key::terminal(&terminal.merchant, &terminal.id);
        let list = Key::directory_at("terminals", &terminal.merchant);
        self.create(key, list, terminal.id.as_str(), "terminal", &terminal).await?;
        Ok(terminal)
    }

    /// Gives a terminal another label or class. They hold from the next request on.
    ///
    /// # Errors
    /// Not an admin; no such terminal.
    pub async fn replace_terminal(&self, who: &Principal, terminal: Terminal) -> Result<Terminal, Error> {
        who.require_admin()?;
        check_terminal(&terminal)?;
        let key = Key::terminal(&terminal.merchant, &terminal.id).checked()?;
        self.records()
            .await?
            .update::<Terminal, _, _>(&key, &mark(&terminal), self.unique(), |there| {
                let there = there.ok_or(Error::NotFound("terminal"))?;
                Ok(((*there != terminal).then(|| terminal.clone()), ()))
            })
            .await?;
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

    /// The roles that the policies of a merchant name: those that decide now, at terminals of whatever class, and those whose
    /// time comes, so that nobody lacks a role on the first day.
    async fn roles_named_for(&self, merchant: &Merchant) -> Result<Vec<String>, Error> {
        let now = self.ports.now();
        let mut hashes: Vec<Digest> = Vec::new();
        for name in merchant.policies() {
            let Some(known) = self.activations(name).await? else { continue };
            let ahead = known.list.iter().filter(|a| a.from > now && a.cancelled.is_none());
            hashes.extend(known.at(now).take(1).chain(ahead).map(|a| a.hash.clone()));
        }
        hashes.sort_unstable_by(|one, two| one.as_str().cmp(two.as_str()));
        hashes.dedup();
        let mut roles = Vec::new();
        for hash in hashes {
            roles.extend(self.policy_document(&hash).await?.roles());
        }
        Ok(roles)
    }

    async fn check_grants(&self, grants: &[Grant]) -> Result<(), Error> {
        if grants.len() > GRANTS || grants.iter().any(|g| g.roles.is_empty() || g.roles.len() > GRANT_ROLES) {
            let message = format!("expected at most {GRANTS} merchants with 1 to {GRANT_ROLES} roles each");
            return Err(Error::invalid("/grants", message));
        }
        for grant in grants {
            let merchant = self.merchant(&grant.merchant).await.map_err(|e| match e {
                Error::NotFound(_) => Error::invalid("/grants", format!("there is no merchant {}", grant.merchant)),
                other => other,
            })?;
            let built_in = |role: &Role| ROLES.contains(&role.as_str());
            if grant.roles.iter().all(built_in) {
                continue;
            }
            // A misspelt role would silently be one that may do nothing.
            let named = self.roles_named_for(&merchant).await?;
            let unknown = grant.roles.iter().find(|role| !built_in(role) && !named.iter().any(|n| n == role.as_str()));
            if let Some(role) = unknown {
                let mut known: Vec<&str> = ROLES.iter().copied().chain(named.iter().map(String::as_str)).collect();
                known.sort_unstable();
                known.dedup();
                let message = format!("expected roles among {}; found {role}", known.join(", "));
                return Err(Error::invalid("/grants", message));
            }
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
    /// Not an admin; no such key; [`Error::Conflict`] `key.last-admin` if nobody could set anything up afterwards.
    pub async fn revoke_key(&self, who: &Principal, id: &str) -> Result<KeyView, Error> {
        who.require_admin()?;
        let records = self.records().await?;
        let key = Key::api_key(id);
        let there = records.read::<ApiKey>(&key).await?.ok_or(Error::NotFound("key"))?;
        let mut next = there;
        if next.view.revoked_at.is_none() {
            if next.view.bearer == Bearer::Admin && self.own_admin_token().is_none() {
                self.decide_end_of_admin(id).await?;
            }
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

    /// Decides that an admin key ends, if another one stays. Decided in one record, before the key itself is changed, so
    /// that two who revoke each other's key at once do not both succeed.
    async fn decide_end_of_admin(&self, id: &str) -> Result<(), Error> {
        let records = self.records().await?;
        for _ in 0..SWAP_ATTEMPTS {
            let slot = records.open::<Revocations>(&Key::revocations()).await?;
            let mut next = slot.value.clone().unwrap_or_default();
            if !self.another_admin(|other| other != id && !next.keys.iter().any(|k| k == other)).await? {
                return Err(Error::Conflict {
                    code: "key.last-admin",
                    message: "nobody could set anything up without it: make another admin key first".to_owned(),
                });
            }
            if next.keys.iter().any(|k| k == id) {
                return Ok(());
            }
            // Older ones have long been revoked in their own records.
            let kept = next.keys.len().saturating_sub(PAGE_ENTRIES.saturating_sub(1));
            next.keys.drain(..kept);
            next.keys.push(id.to_owned());
            if records.commit(slot, &next, id, self.unique()).await? == Commit::Written {
                return Ok(());
            }
        }
        Err(Error::Unavailable("too many keys are revoked at once".to_owned()))
    }

    /// Whether there is a valid admin key among those that count.
    async fn another_admin(&self, counts: impl Fn(&str) -> bool + Send + Sync) -> Result<bool, Error> {
        let mut after: Option<String> = None;
        loop {
            let list = Key::directory("keys");
            let page = self.listed::<ApiKey>(&list, after.as_deref(), LIST_LIMIT, |id| Some(Key::api_key(id))).await?;
            let valid = |k: &ApiKey| k.view.bearer == Bearer::Admin && k.view.revoked_at.is_none();
            if page.items.iter().any(|k| valid(k) && counts(&k.view.id)) {
                return Ok(true);
            }
            match page.next {
                None => return Ok(false),
                next => after = next,
            }
        }
    }

    /// The deployment's admin token, if it gives a good one.
    fn own_admin_token(&self) -> Option<&str> {
        self.ports.admin_token().filter(|t| t.len() >= ADMIN_TOKEN_BYTES)
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
        let is_name = |name: &String| (1..=PRINCIPAL_BYTES).contains(&name.len());
        if principals.is_empty() || principals.len() > PRINCIPALS || !principals.keys().all(is_name) {
            let message = format!("expected 1 to {PRINCIPALS} names of 1 to {PRINCIPAL_BYTES} bytes");
            return Err(Error::invalid("/principals", message));
        }
        for person in principals.values() {
            self.person_at("/principals", person, &merchant).await?;
        }
        let id = format!("src-{}", self.random_hex(16));
        let secret = self.webhook_secret();
        let source = Source { id: id.clone(), merchant, label, principals, revoked_at: None, secret: secret.clone() };
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
        let listed = self.listed::<Source>(&list, None, LIST_LIMIT, |id| Some(Key::source(id))).await?;
        Ok(listed.items)
    }

    /// Takes nothing from a reviewers' system any more. What it said before stands. Again is harmless.
    ///
    /// # Errors
    /// Not an admin; no such system.
    pub async fn revoke_source(&self, who: &Principal, id: &str) -> Result<Source, Error> {
        who.require_admin()?;
        let records = self.records().await?;
        let key = Key::source(id);
        let mut next = records.read::<Source>(&key).await?.ok_or(Error::NotFound("review source"))?;
        if next.revoked_at.is_none() {
            next.revoked_at = Some(self.ports.now());
            records
                .update::<Source, _, _>(&key, &mark(&next), self.unique(), |there| {
                    let open = there.is_none_or(|t| t.revoked_at.is_none());
                    Ok((open.then(|| next.clone()), ()))
                })
                .await?;
        }
        Ok(next)
    }

    /// A new signing secret: `whsec_` and 32 random bytes.
    pub(crate) fn webhook_secret(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.ports.random()))
    }
}
