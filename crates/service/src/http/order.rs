//! Legal orders, and the report of them for the regulator.

use crate::error::Error;
use crate::http::Shared;
use crate::http::answer::{self, Listing, Nothing};
use crate::http::caller::Caller;
use crate::http::id::Id;
use crate::http::instruction::{About, Instruction};
use crate::http::money::Amount;
use crate::http::operation::EvidenceView;
use crate::http::problem::{Noun, Problem};
use crate::http::text::{Text, Texts};
use crate::http::time::Time;
use crate::http::word::{OperationStateWord, OrderStateWord, Word};
use crate::order::find;
use crate::ports::Ports;
use crate::proof::ShownProof;
use crate::sale::Aggregate;
use axum::extract::State;
use axum::response::Response;
use core::fmt::Write as _;
use http::header::{ACCEPT, CONTENT_DISPOSITION, LINK};
use http::{HeaderMap, HeaderValue, StatusCode};
use rescind_model::token::Token as _;
use rescind_model::{Instant, LegalOrder, OrderId, SaleId, VoidOperation};
use serde::{Deserialize, Serialize};

/// A legal order that is put forward.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewOrder {
    /// The authority's reference.
    reference: Text,
    /// Why.
    reason: Text,
}

/// A legal order.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = LegalOrder))]
pub struct OrderView {
    /// Names it.
    id: String,
    /// The sale.
    sale: String,
    /// The authority's reference.
    reference: String,
    /// Why.
    reason: String,
    /// How much: what was left when it was put forward.
    amount: Amount,
    /// How far it got.
    state: OrderStateWord,
    /// The first person.
    proposed_by: String,
    /// When.
    proposed_at: Time,
    /// When it ends unless a second person agrees.
    expires_at: Time,
    /// The second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_by: Option<String>,
    /// When it last changed.
    updated_at: Time,
    /// The void that carries it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    /// How far that got.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OperationStateWord>,
    /// What ended it, or the last that was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome_evidence: Option<EvidenceView>,
    /// Present and true if this request held a card number, which was masked.
    #[serde(skip_serializing_if = "answer::is_false")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    masked: bool,
}

fn in_ledger<'a>(aggregate: &'a Aggregate, id: &OrderId) -> Result<(&'a LegalOrder, Option<&'a VoidOperation>), Error> {
    let ledger = &aggregate.ledger;
    let missing = || Error::Internal(format!("the ledger of {} does not hold {id}", ledger.sale.id));
    let order = find(aggregate, id).ok_or_else(missing)?;
    let void = order.operation.as_ref().and_then(|id| ledger.voids.iter().find(|void| void.id == *id));
    Ok((order, void))
}

impl OrderView {
    /// The order of that name in a sale's ledger.
    ///
    /// # Errors
    /// If it is not there, which the core does not let happen.
    pub fn find(aggregate: &Aggregate, id: &OrderId) -> Result<Self, Error> {
        let (order, void) = in_ledger(aggregate, id)?;
        Ok(Self {
            id: order.id.value.clone(),
            sale: aggregate.ledger.sale.id.value.clone(),
            reference: order.reference.clone(),
            reason: order.reason.clone(),
            amount: Amount(order.amount.clone()),
            state: Word(order.state),
            proposed_by: order.proposed_by.value.clone(),
            proposed_at: Time(order.proposed_at),
            expires_at: Time(order.expires_at),
            confirmed_by: order.confirmed_by.as_ref().map(|p| p.value.clone()),
            updated_at: Time(order.updated_at),
            operation: order.operation.as_ref().map(|o| o.value.clone()),
            outcome: void.map(|void| Word(void.state)),
            outcome_evidence: void.and_then(|void| void.evidence.as_ref()).map(EvidenceView::of),
            masked: false,
        })
    }

    fn with_masked(self, masked: bool) -> Self {
        Self { masked, ..self }
    }
}

/// `POST /v1/transactions/{id}/legal-orders`
pub async fn propose<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
    instruction: Instruction<NewOrder>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::on_sale(Noun::Order, &id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let mut texts = Texts::default();
            let (reference, reason) = (texts.take(ask.reference), texts.take(ask.reason));
            let (aggregate, order) =
                app.propose_order(&scope.who, &scope.merchant, &id, &reference, &reason, &command).await?;
            Ok((StatusCode::CREATED, OrderView::find(&aggregate, &order)?.with_masked(texts.masked())))
        })
        .await
}

/// `POST /v1/legal-orders/{id}/confirmations`
pub async fn confirm<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<OrderId>,
    proof: ShownProof,
    instruction: Instruction<Nothing>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::within(Noun::Order, id.as_str());
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |Nothing {}, command| async move {
            let (aggregate, order) = app.confirm_order(&scope.who, &scope.merchant, &id, &proof, &command).await?;
            Ok((StatusCode::OK, OrderView::find(&aggregate, &order)?))
        })
        .await
}

/// `GET /v1/compliance-reports`
pub async fn report<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let scope = caller.scope(&["from", "to", "after", "limit"])?;
    let page = scope.asked.page()?;
    let from = scope.asked.read_with("from", Instant::parse)?;
    let to = scope.asked.read_with("to", Instant::parse)?;
    let listed =
        app.compliance_report(&scope.who, &scope.merchant, from, to, page.after.as_deref(), page.limit).await?;
    if !wants_csv(&headers) {
        let items = listed.items.iter().map(|(aggregate, id)| OrderView::find(aggregate, id));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        return answer::json(StatusCode::OK, &Listing { items, next: listed.next });
    }
    let mut table = CSV_HEADER.join(",");
    table.push_str("\r\n");
    for (aggregate, id) in &listed.items {
        table.push_str(&csv_line(aggregate, id)?);
    }
    let mut response = answer::text("text/csv; charset=utf-8", table);
    let name = HeaderValue::from_static("attachment; filename=\"compliance-report.csv\"");
    response.headers_mut().insert(CONTENT_DISPOSITION, name);
    if let Some(next) = listed.next {
        // The table has no place for it (RFC 8288).
        let mut link = format!("</v1/compliance-reports?merchant={}&after={next}", scope.merchant);
        for bound in ["from", "to"] {
            if let Some(at) = scope.asked.read_with(bound, Instant::parse)? {
                // Writing to a string cannot fail.
                let _infallible = write!(link, "&{bound}={at}").is_ok();
            }
        }
        link.push_str(">; rel=\"next\"");
        let link = HeaderValue::from_str(&link).map_err(|e| Problem::internal(e.to_string()))?;
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

/// Whether CSV is asked for before JSON.
fn wants_csv(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds =
        accepted.flat_map(|value| value.split(',')).map(|kind| kind.split(';').next().unwrap_or(kind).trim());
    kinds.find(|kind| matches!(*kind, "text/csv" | "application/json" | "*/*")) == Some("text/csv")
}

const CSV_HEADER: [&str; 16] = [
    "order",
    "merchant",
    "sale",
    "reference",
    "reason",
    "amount",
    "currency",
    "state",
    "proposed_by",
    "proposed_at",
    "confirmed_by",
    "updated_at",
    "operation",
    "outcome",
    "outcome_code",
    "outcome_reference",
];

fn csv_line(aggregate: &Aggregate, id: &OrderId) -> Result<String, Error> {
    let (order, void) = in_ledger(aggregate, id)?;
    let sale = &aggregate.ledger.sale;
    let evidence = void.and_then(|void| void.evidence.as_ref());
    let cells: [String; 16] = [
        order.id.value.clone(),
        sale.merchant.value.clone(),
        sale.id.value.clone(),
        order.reference.clone(),
        order.reason.clone(),
        order.amount.decimal_text(),
        order.amount.currency.clone(),
        order.state.token().to_owned(),
        order.proposed_by.value.clone(),
        order.proposed_at.to_string(),
        order.confirmed_by.as_ref().map(|p| p.value.clone()).unwrap_or_default(),
        order.updated_at.to_string(),
        order.operation.as_ref().map(|o| o.value.clone()).unwrap_or_default(),
        void.map(|void| void.state.token().to_owned()).unwrap_or_default(),
        evidence.and_then(|e| e.code.clone()).unwrap_or_default(),
        evidence.and_then(|e| e.reference.clone()).unwrap_or_default(),
    ];
    let mut line = cells.map(|cell| csv_cell(&cell)).join(",");
    line.push_str("\r\n");
    Ok(line)
}

/// A cell by RFC 4180. What a spreadsheet would take for a formula is made text: people wrote it, or an authority did.
fn csv_cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_never_a_formula() {
        for (text, cell) in [
            ("plain", "plain"),
            ("a, b", "\"a, b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("@sum(a,b)", "\"'@sum(a,b)\""),
            ("", ""),
        ] {
            assert_eq!(csv_cell(text), cell);
        }
    }
}
