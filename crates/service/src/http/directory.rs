//! Merchants, terminals, persons, keys and reviewers' systems, as the admin sets them up.

use crate::app::App;
use crate::directory::{KeyView, Listed, Merchant, MerchantSettings, Person, Source, Terminal};
use crate::error::Error;
use crate::http::Shared;
use crate::http::answer::{self, Listing};
use crate::http::body::Json;
use crate::http::caller::Caller;
use crate::http::id::{Id, Segment};
use crate::http::number::Number;
use crate::http::problem::Problem;
use crate::http::text::Text;
use crate::http::time::Time;
use crate::ports::Ports;
use crate::principal::{Bearer, Grant};
use crate::terminal::journal::JournalKey;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_bundle::PublicKey;
use rescind_model::{MerchantId, PersonId, Role, TerminalId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A page of a directory.
fn listing<T, V>(listed: Listed<T>, view: impl Fn(T) -> V) -> Listing<V> {
    Listing { items: listed.items.into_iter().map(view).collect(), next: listed.next }
}

/// A merchant to set up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewMerchant {
    /// Names it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    id: MerchantId,
    /// Its name for people, printed on slips.
    name: Text,
    /// The name of the policy that decides for it.
    policy: Number,
    /// The names of those that decide at terminals of some classes instead, by class.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, String>))]
    policies_by_class: BTreeMap<String, Number>,
    /// Whether what is only asked (a void's check, all ways back) is recorded as a decision too. It is unless told.
    record_checks: Option<bool>,
    /// The offset of its wall clock from UTC in minutes, -720 to 840. China: 480, which is also taken if left out.
    utc_offset_minutes: Option<i32>,
}

/// A merchant.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Merchant))]
pub struct MerchantView {
    /// Names it.
    id: String,
    /// Its name for people.
    name: String,
    /// The name of the policy that decides for it.
    policy: String,
    /// Those that decide at terminals of some classes instead.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    policies_by_class: BTreeMap<String, String>,
    /// Whether what is only asked is recorded. Absent: it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    record_checks: Option<bool>,
    /// The offset of its wall clock from UTC in minutes.
    utc_offset_minutes: i32,
}

/// What decides for a merchant. It replaces what was there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewSettings {
    /// The name of the policy that decides for it.
    policy: Number,
    /// The names of those that decide at terminals of some classes instead, by class.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, String>))]
    policies_by_class: BTreeMap<String, Number>,
    /// Whether what is only asked is recorded as a decision too. It is unless told.
    record_checks: Option<bool>,
}

impl MerchantView {
    fn of(merchant: Merchant) -> Self {
        Self {
            id: merchant.id.value,
            name: merchant.name,
            policy: merchant.policy,
            policies_by_class: merchant.policies_by_class,
            record_checks: (!merchant.record_checks).then_some(false),
            utc_offset_minutes: merchant.utc_offset_minutes,
        }
    }
}

/// China keeps one time, eight hours before UTC, without daylight saving.
const CHINA_OFFSET_MINUTES: i32 = 480;

/// `POST /v1/merchants`
pub async fn create_merchant<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Json(new): Json<NewMerchant>,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    let offset = new.utc_offset_minutes.unwrap_or(CHINA_OFFSET_MINUTES);
    let merchant = Merchant {
        policies_by_class: by_class(new.policies_by_class),
        record_checks: new.record_checks.unwrap_or(true),
        ..Merchant::new(new.id, &new.name.text, &new.policy.0, offset)
    };
    answer::json(StatusCode::CREATED, &MerchantView::of(app.create_merchant(&who, merchant).await?))
}

fn by_class(named: BTreeMap<String, Number>) -> BTreeMap<String, String> {
    named.into_iter().map(|(class, name)| (class, name.0)).collect()
}

/// `PUT /v1/merchants/{id}/settings`
pub async fn replace_settings<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<MerchantId>,
    Json(new): Json<NewSettings>,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    let settings = MerchantSettings {
        policy: new.policy.0,
        policies_by_class: by_class(new.policies_by_class),
        record_checks: new.record_checks.unwrap_or(true),
    };
    answer::json(StatusCode::OK, &MerchantView::of(app.replace_settings(&who, &id, settings).await?))
}

/// `GET /v1/merchants`
pub async fn list_merchants<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let (who, asked) = caller.general(&["after", "limit"])?;
    let page = asked.page()?;
    let listed = app.list_merchants(&who, page.after.as_deref(), page.limit).await?;
    answer::json(StatusCode::OK, &listing(listed, MerchantView::of))
}

/// A terminal to set up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewTerminal {
    /// Whose. May be named in the query instead.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    merchant: Option<MerchantId>,
    /// Names it within the merchant.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    id: TerminalId,
    /// Where it stands, for people.
    label: Text,
    /// What kind of terminal it is, in the words of the merchant's policies: `counter`, `unattended`, …
    class: Option<Number>,
}

/// What is said of a terminal. It replaces what was there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TerminalChange {
    /// Where it stands, for people.
    label: Text,
    /// What kind of terminal it is. Absent: none in particular.
    class: Option<Number>,
    /// The public key that the terminal signs its journal with, `ed25519:` and 64 hexadecimal digits, as the terminal says it.
    /// Absent: the one that is registered stays. Another one is taken once every record that was seen of the journal is dealt
    /// with.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    journal_key: Option<PublicKey>,
    /// Why the terminal begins another journal: the device was replaced, or lost its own. What the old one had and was not
    /// handed in is lost. Comes with `journal_key`.
    replace_journal: Option<Text>,
}

/// A terminal.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Terminal))]
pub struct TerminalView {
    /// Whose.
    merchant: String,
    /// Names it within the merchant.
    id: String,
    /// Where it stands.
    label: String,
    /// What kind of terminal it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    /// The public key that it signs its journal with.
    #[serde(skip_serializing_if = "Option::is_none")]
    journal_key: Option<String>,
}

impl TerminalView {
    async fn of<P: Ports>(app: &App<P>, terminal: Terminal) -> Result<Self, Error> {
        let key = app.journal_key(&terminal.merchant, &terminal.id).await?;
        let Terminal { merchant, id, label, class } = terminal;
        let journal_key = key.map(|key| key.to_string());
        Ok(Self { merchant: merchant.value, id: id.value, label, class, journal_key })
    }
}

/// `POST /v1/terminals`
pub async fn create_terminal<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Json(new): Json<NewTerminal>,
) -> Result<Response, Problem> {
    let scope = caller.scope_or(new.merchant)?;
    let class = new.class.map(|class| class.0);
    let terminal = Terminal { merchant: scope.merchant, id: new.id, label: new.label.text, class };
    answer::json(StatusCode::CREATED, &TerminalView::of(&app, app.create_terminal(&scope.who, terminal).await?).await?)
}

/// `PUT /v1/terminals/{id}`
pub async fn replace_terminal<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(id): Segment,
    Json(new): Json<TerminalChange>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let id = TerminalId::parse(&id).map_err(|_| Error::NotFound("terminal"))?;
    let class = new.class.map(|class| class.0);
    let terminal = Terminal { merchant: scope.merchant, id, label: new.label.text, class };
    let replace = new.replace_journal.map(|reason| reason.text);
    if replace.is_some() && new.journal_key.is_none() {
        return Err(Error::invalid("/journal_key", "expected the key that the new journal is signed with").into());
    }
    let terminal = app.replace_terminal(&scope.who, terminal).await?;
    if let Some(key) = new.journal_key {
        let key = JournalKey { key, replace };
        app.register_journal_key(&scope.who, &terminal.merchant, &terminal.id, &key).await?;
    }
    answer::json(StatusCode::OK, &TerminalView::of(&app, terminal).await?)
}

/// `GET /v1/terminals`
pub async fn list_terminals<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let scope = caller.scope(&["after", "limit"])?;
    let page = scope.asked.page()?;
    let listed = app.list_terminals(&scope.who, &scope.merchant, page.after.as_deref(), page.limit).await?;
    let mut items = Vec::with_capacity(listed.items.len());
    for terminal in listed.items {
        items.push(TerminalView::of(&app, terminal).await?);
    }
    answer::json(StatusCode::OK, &Listing { items, next: listed.next })
}

/// A person to set up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewPerson {
    /// Names the person.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    id: PersonId,
    /// The person's name.
    name: Text,
    /// Roles, per merchant.
    #[serde(default)]
    grants: Vec<NewGrant>,
}

/// Roles of a person at a merchant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewGrant {
    /// At which merchant.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    merchant: MerchantId,
    /// Which roles: `cashier`, `supervisor`, `manager`, `reviewer`, `finance`, `support`, `auditor`, `compliance`, and
    /// those that the merchant's policy names.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    roles: Vec<Role>,
}

/// A person.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Person))]
pub struct PersonView {
    /// Names the person.
    id: String,
    /// The person's name.
    name: String,
    /// Roles, per merchant.
    grants: Vec<GrantView>,
}

/// Roles of a person at a merchant.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Grant))]
pub struct GrantView {
    /// At which merchant.
    merchant: String,
    /// Which roles.
    roles: Vec<String>,
}

impl PersonView {
    fn of(person: Person) -> Self {
        let grant = |grant: Grant| GrantView {
            merchant: grant.merchant.value,
            roles: grant.roles.into_iter().map(|r| r.value).collect(),
        };
        Self { id: person.id.value, name: person.name, grants: person.grants.into_iter().map(grant).collect() }
    }
}

fn granted(grants: Vec<NewGrant>) -> Vec<Grant> {
    grants.into_iter().map(|g| Grant { merchant: g.merchant, roles: g.roles }).collect()
}

/// `POST /v1/persons`
pub async fn create_person<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Json(new): Json<NewPerson>,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    let person = Person { id: new.id, name: new.name.text, grants: granted(new.grants) };
    answer::json(StatusCode::CREATED, &PersonView::of(app.create_person(&who, person).await?))
}

/// `GET /v1/persons`
pub async fn list_persons<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let (who, asked) = caller.general(&["after", "limit"])?;
    let page = asked.page()?;
    let listed = app.list_persons(&who, page.after.as_deref(), page.limit).await?;
    answer::json(StatusCode::OK, &listing(listed, PersonView::of))
}

/// All the roles a person is to have from now on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewGrants {
    /// Roles, per merchant. They replace what the person has.
    grants: Vec<NewGrant>,
}

/// `PUT /v1/persons/{id}/grants`
pub async fn replace_grants<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<PersonId>,
    Json(new): Json<NewGrants>,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    answer::json(StatusCode::OK, &PersonView::of(app.replace_grants(&who, &id, granted(new.grants)).await?))
}

/// Whom a key stands for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Holder {
    /// The operator of Rescind: sets things up, moves no money.
    Admin {},
    /// A person.
    Person {
        /// Who.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        person: PersonId,
    },
    /// A terminal.
    Terminal {
        /// Whose.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        merchant: MerchantId,
        /// Which.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        terminal: TerminalId,
    },
    /// A merchant's back office.
    System {
        /// Whose.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        merchant: MerchantId,
    },
}

impl From<Holder> for Bearer {
    fn from(holder: Holder) -> Self {
        match holder {
            Holder::Admin {} => Self::Admin,
            Holder::Person { person } => Self::Person { person },
            Holder::Terminal { merchant, terminal } => Self::Terminal { merchant, terminal },
            Holder::System { merchant } => Self::System { merchant },
        }
    }
}

impl From<Bearer> for Holder {
    fn from(bearer: Bearer) -> Self {
        match bearer {
            Bearer::Admin => Self::Admin {},
            Bearer::Person { person } => Self::Person { person },
            Bearer::Terminal { merchant, terminal } => Self::Terminal { merchant, terminal },
            Bearer::System { merchant } => Self::System { merchant },
        }
    }
}

/// A key to make.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewKey {
    /// What it is for.
    label: Text,
    /// Whom it stands for.
    bearer: Holder,
}

/// A key, without its secret.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Key))]
pub struct KeyShown {
    /// Its public id.
    id: String,
    /// What it is for.
    label: String,
    /// Whom it stands for.
    bearer: Holder,
    /// Since when.
    created_at: Time,
    /// Since when it is void.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Time>,
}

/// A new key with its token.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedKey {
    #[serde(flatten)]
    key: KeyShown,
    /// The token: `Authorization: Bearer <token>`. Shown once.
    token: String,
}

impl KeyShown {
    fn of(view: KeyView) -> Self {
        Self {
            id: view.id,
            label: view.label,
            bearer: view.bearer.into(),
            created_at: Time(view.created_at),
            revoked_at: view.revoked_at.map(Time),
        }
    }
}

/// `POST /v1/keys`
pub async fn create_key<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Json(new): Json<NewKey>,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    let (view, token) = app.create_key(&who, new.bearer.into(), new.label.text).await?;
    answer::json(StatusCode::CREATED, &CreatedKey { key: KeyShown::of(view), token })
}

/// `GET /v1/keys`
pub async fn list_keys<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let (who, asked) = caller.general(&["after", "limit"])?;
    let page = asked.page()?;
    let listed = app.list_keys(&who, page.after.as_deref(), page.limit).await?;
    answer::json(StatusCode::OK, &listing(listed, KeyShown::of))
}

/// `DELETE /v1/keys/{id}`
pub async fn revoke_key<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    answer::json(StatusCode::OK, &KeyShown::of(app.revoke_key(&who, &id).await?))
}

/// A reviewers' system to let in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewSource {
    /// Whose refunds it reviews. May be left out if the key belongs to one merchant.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    merchant: Option<MerchantId>,
    /// What it is.
    label: Text,
    /// Its names for its users, and the persons they are here.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, String>))]
    principals: BTreeMap<String, PersonId>,
}

/// A reviewers' system.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ReviewSource))]
pub struct SourceView {
    /// Names it: give it as `source` to `/v1/webhooks/reviews`.
    id: String,
    /// Whose refunds it reviews.
    merchant: String,
    /// What it is.
    label: String,
    /// Its names for its users, and the persons they are here.
    principals: BTreeMap<String, String>,
    /// Since when nothing is taken from it any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Time>,
}

/// A new reviewers' system with its secret.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedSource {
    #[serde(flatten)]
    source: SourceView,
    /// The signing secret, `whsec_…`. Shown once.
    secret: String,
}

impl SourceView {
    fn of(source: Source) -> Self {
        Self {
            id: source.id,
            merchant: source.merchant.value,
            label: source.label,
            principals: source.principals.into_iter().map(|(name, person)| (name, person.value)).collect(),
            revoked_at: source.revoked_at.map(Time),
        }
    }
}

/// `POST /v1/review-sources`
pub async fn create_source<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Json(new): Json<NewSource>,
) -> Result<Response, Problem> {
    let scope = caller.scope_or(new.merchant)?;
    let (source, secret) = app.create_source(&scope.who, scope.merchant, new.label.text, new.principals).await?;
    answer::json(StatusCode::CREATED, &CreatedSource { source: SourceView::of(source), secret })
}

/// `GET /v1/review-sources`
pub async fn list_sources<P: Ports>(State(app): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let items = app.list_sources(&scope.who, &scope.merchant).await?.into_iter().map(SourceView::of).collect();
    answer::json(StatusCode::OK, &Listing { items, next: None })
}

/// `DELETE /v1/review-sources/{id}`
pub async fn revoke_source<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let (who, _) = caller.general(&[])?;
    answer::json(StatusCode::OK, &SourceView::of(app.revoke_source(&who, &id).await?))
}
