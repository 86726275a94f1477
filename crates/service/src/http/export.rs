//! Everything about one payment as one file.

use crate::export::Exported;
use crate::http::Shared;
use crate::http::answer;
use crate::http::caller::Caller;
use crate::http::case::CaseView;
use crate::http::decision::PolicyView;
use crate::http::event::EventView;
use crate::http::funding::{BalanceLine, EntryView, balances_of};
use crate::http::id::Id;
use crate::http::order::OrderView;
use crate::http::personal::PersonalView;
use crate::http::problem::Problem;
use crate::http::time::Time;
use crate::ports::Ports;
use axum::extract::State;
use axum::response::Response;
use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};
use rescind_model::{Digest, Ledger, RefundId, SaleId};
use serde::Serialize;

/// The format of the file. Changes whenever it does.
const FORMAT: &str = "rescind-export/1";

/// Everything about one payment.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Export))]
pub struct ExportView {
    /// `rescind-export/1`.
    format: &'static str,
    /// When it was taken out.
    exported_at: Time,
    /// The key with which it was.
    exported_by: String,
    /// Whether personal data and what people wrote is masked in it.
    masked: bool,
    /// The sale.
    sale: String,
    /// The merchant.
    merchant: String,
    /// The ledger as it is stored: every operation with what was decided about it (policy, plan, fees, grounds).
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, serde_json::Value>))]
    ledger: Ledger,
    /// Everything that happened, oldest first.
    events: Vec<LinkedEvent>,
    /// Whether the events fit their chain.
    chain: ChainView,
    /// The double entries.
    entries: Vec<EntryView>,
    /// What they amount to.
    balances: Vec<BalanceLine>,
    /// Referrals.
    cases: Vec<CaseView>,
    /// Legal orders.
    orders: Vec<OrderView>,
    /// Notes and contacts, as whoever takes it out may see them. None if it is masked.
    personal: Vec<ExportedPersonal>,
    /// Evidence: what it is, its content's hash, and who gave it.
    evidence: Vec<GivenEvidence>,
    /// The policies that decided.
    policies: Vec<ExportedPolicyView>,
    /// How far the merchant's webhook endpoints were told.
    deliveries: Vec<DeliveryView>,
    /// The SHA-256 of the component that makes transitions here.
    component: String,
}

/// An event with its place in the chain.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkedEvent {
    #[serde(flatten)]
    event: EventView,
    /// The command that made it happen.
    command: String,
    /// SHA-256 over the link before it and all other fields of this event.
    link: String,
}

/// Whether a history fits its chain.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Chain))]
pub struct ChainView {
    /// Whether it does. It was verified before anything was masked.
    intact: bool,
    /// Where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<String>,
    /// The link of the last event.
    head: String,
}

/// Something personal, and what it is about.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportedPersonal {
    /// The refund; the sale itself if it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<String>,
    /// What it is.
    #[serde(flatten)]
    personal: PersonalView,
}

/// Every text of a payment, as a lens shows it.
fn personal_of(exported: &Exported) -> Vec<ExportedPersonal> {
    if exported.masked {
        return Vec::new();
    }
    let ledger = &exported.aggregate.ledger;
    let look = |refund: Option<&RefundId>, commitment: &Digest| ExportedPersonal {
        refund: refund.map(|refund| refund.value.clone()),
        personal: PersonalView::through(&exported.lens, commitment),
    };
    let mut all: Vec<ExportedPersonal> = ledger.sale.contact.iter().map(|c| look(None, c)).collect();
    for refund in &ledger.refunds {
        let request = &refund.request;
        let questions = refund.inquiries.iter().map(|inquiry| &inquiry.question);
        let all_of_it = request.note.iter().chain(&request.contact).chain(questions);
        all.extend(all_of_it.map(|c| look(Some(&refund.id), c)));
        all.extend(exported.lens.old_note(&refund.id).map(|glimpse| ExportedPersonal {
            refund: Some(refund.id.value.clone()),
            personal: PersonalView::bare(glimpse),
        }));
    }
    all
}

/// A piece of evidence, and for what it was given.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GivenEvidence {
    /// What it is.
    kind: String,
    /// The SHA-256 of its content.
    content: String,
    /// The refund or case it was given for.
    about: String,
    /// Who asked for that.
    by: String,
    /// When that was asked for.
    at: Time,
}

/// A policy that decided.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportedPolicyView {
    /// Its identity. The hash is the SHA-256 of its canonical document.
    #[serde(flatten)]
    policy: PolicyView,
    /// Whether the document is kept here and hashes to that.
    kept: bool,
}

/// How far a webhook endpoint was told.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Delivery))]
pub struct DeliveryView {
    /// The endpoint.
    endpoint: String,
    /// Since when it exists; what happened before was not for it.
    since: Time,
    /// Numbers of the payment's events that it has not been told of.
    waiting: Vec<u64>,
    /// Whether there are no others.
    complete: bool,
    /// Since when deliveries fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Time>,
}

impl ExportView {
    fn of(exported: Exported, key: &str) -> Result<Self, Problem> {
        let personal = personal_of(&exported);
        let aggregate = &exported.aggregate;
        let ledger = &aggregate.ledger;
        let sale = &ledger.sale;
        let events = aggregate.events.iter().map(|event| LinkedEvent {
            event: EventView::of(&sale.id, event),
            command: event.command.value.clone(),
            link: event.link.hex.clone(),
        });
        let cases = ledger.cases.iter().map(|case| CaseView::find(aggregate, &case.id));
        let orders = ledger.orders.iter().map(|order| OrderView::find(aggregate, &order.id));
        Ok(Self {
            format: FORMAT,
            exported_at: Time(exported.at),
            exported_by: key.to_owned(),
            masked: exported.masked,
            sale: sale.id.value.clone(),
            merchant: sale.merchant.value.clone(),
            ledger: ledger.clone(),
            events: events.collect(),
            chain: ChainView {
                intact: exported.broken.is_none(),
                broken: exported.broken,
                head: ledger.chain.hex.clone(),
            },
            entries: ledger.entries.iter().map(EntryView::of).collect(),
            balances: balances_of(&ledger.entries),
            cases: cases.collect::<Result<_, _>>()?,
            orders: orders.collect::<Result<_, _>>()?,
            personal,
            evidence: exported
                .evidence
                .into_iter()
                .map(|item| GivenEvidence {
                    kind: item.kind,
                    content: item.content.hex,
                    about: item.about,
                    by: item.by.value,
                    at: Time(item.at),
                })
                .collect(),
            policies: exported
                .policies
                .iter()
                .map(|policy| ExportedPolicyView { policy: PolicyView::of(&policy.identity), kept: policy.kept })
                .collect(),
            deliveries: exported
                .deliveries
                .into_iter()
                .map(|delivery| DeliveryView {
                    endpoint: delivery.endpoint,
                    since: Time(delivery.since),
                    waiting: delivery.waiting,
                    complete: delivery.complete,
                    failing_since: delivery.failing_since.map(Time),
                })
                .collect(),
            component: exported.component,
        })
    }
}

/// `GET /v1/transactions/{id}/export`
pub async fn export<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let exported = app.export(&scope.who, &scope.merchant, &id).await?;
    let mut response = answer::json(StatusCode::OK, &ExportView::of(exported, &scope.who.key)?)?;
    // Names hold nothing that would have to be quoted.
    let name = format!("attachment; filename=\"{}-{id}.json\"", scope.merchant);
    let name = HeaderValue::from_str(&name).map_err(|e| Problem::internal(e.to_string()))?;
    response.headers_mut().insert(CONTENT_DISPOSITION, name);
    Ok(response)
}
