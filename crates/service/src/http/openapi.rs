//! The OpenAPI document, written from the types that requests are read into and answers written from. It is kept as
//! `crates/service/openapi.json`; a test compares the two, and its routes with the router's.

use crate::evidence::Media;
use crate::http::answer::Nothing;
use crate::http::bundle::{COSE, LineView, PublishedView};
use crate::http::case::{Assignment, CaseAsk, CaseVerdict, CaseView};
use crate::http::checkpoint::{CheckpointKeyView, CheckpointView};
use crate::http::code;
use crate::http::confirmation::{ConfirmationView, NewConfirmation};
use crate::http::decision::{DecisionView, PolicyView};
use crate::http::decision_record::RecordView;
use crate::http::directory::{
    CreatedKey, CreatedSource, KeyShown, MerchantView, NewGrants, NewKey, NewMerchant, NewPerson, NewSettings,
    NewSource, NewTerminal, PersonView, SourceView, TerminalChange, TerminalView,
};
use crate::http::endpoint::{CreatedEndpoint, EndpointView, NewEndpoint};
use crate::http::event::{Feed, ToldEvent};
use crate::http::evidence::{EvidenceErasure, EvidenceParts, PieceView};
use crate::http::export::ExportView;
use crate::http::funding::{Balances, Entries, FundsView, PayIn, ReceiptView};
use crate::http::health::{Health, Meaning, Readiness};
use crate::http::hold::{Completion, HoldView, NewHold};
use crate::http::inquiry::{Information, Question, ReturnNews, TraceAsk};
use crate::http::instruction::IDEMPOTENCY_KEY;
use crate::http::liability::{Claim, LiabilityEnd, LiabilityView};
use crate::http::operation::{OperationAsk, OperationResult, OperationView, Resolution};
use crate::http::operator::{DeviceShown, NewDevice, NewOperator, NewPin, OperatorShown, PinChange};
use crate::http::order::{NewOrder, OrderView};
use crate::http::payment_code::{CancellationReport, CodeView, NewCode, NewScan};
use crate::http::personal::{ErasureView, NewErasure};
use crate::http::policy::{ActivationView, CandidateView, NewActivation, NewCandidate, Shadow, VersionView};
use crate::http::problem::{PROBLEM_JSON, ProblemView};
use crate::http::proof::{OPERATOR_PROOF, ProofKey};
use crate::http::refund::{Because, Consent, RefundAsk, RefundSummary, RefundView};
use crate::http::review::Review;
use crate::http::sale::{ClosedBatch, NewSale, SaleNews, SaleSummary, SaleView, WaysBack};
use crate::http::session::{Challenge, NewChallenge, NewProof, NewSession, OperatorProof, OperatorSession};
use crate::http::sync;
use crate::http::trouble::{TroubleAnswer, TroubleReport};
use crate::http::void::VoidAsk;
use crate::http::word::{Vocabulary, Word};
use crate::limits::{BODY_BYTES, LIST_DEFAULT, LIST_LIMIT};
use core::fmt::Write as _;
use http::Method;
use http::header::IF_NONE_MATCH;
use rescind_model::{Audience, CaseState, LiabilityState, Locale, RefundState};
use serde::Serialize as _;
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ArrayBuilder, ComponentsBuilder, Content, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Ref,
    RefOr, Required, Response, ResponseBuilder, Schema, ServerBuilder, request_body::RequestBodyBuilder, schema::Type,
};
use utoipa::{PartialSchema, ToSchema};

/// The document.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = Document::default();
    document.open_routes();
    document.sales();
    document.terminals();
    document.voids();
    document.refunds();
    document.others();
    document.privacy();
    document.operators();
    document.tick();
    document.admin();
    document.policies();
    document.bundles();
    document.beginnings();
    document.persons_in_it();
    document.accounts();
    document.checkpoints();
    document.finish()
}

/// The document as it is kept and served.
///
/// # Errors
/// Never in practice: it consists of texts.
pub fn text() -> Result<String, serde_json::Error> {
    // One space: the gateway carries this text, and readers of a difference need lines, not width.
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
    document().serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))?;
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

/// Every route of the document.
#[must_use]
pub fn routes() -> Vec<(Method, String)> {
    let mut routes = Vec::new();
    for (path, item) in document().paths.paths {
        for (method, operation) in [
            (Method::GET, &item.get),
            (Method::POST, &item.post),
            (Method::PUT, &item.put),
            (Method::DELETE, &item.delete),
        ] {
            if operation.is_some() {
                routes.push((method, path.clone()));
            }
        }
    }
    routes
}

#[derive(Default)]
struct Document {
    paths: PathsBuilder,
    schemas: Vec<(String, RefOr<Schema>)>,
}

/// Who may call a route, and what it is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Anybody.
    Nothing,
    /// A signed webhook.
    Seal,
    /// A key.
    Key,
    /// A key; it is about one merchant.
    Merchant,
    /// The same, and it is carried out once per `Idempotency-Key`.
    IdempotencyKey,
}

/// A route being described.
struct Route<'a> {
    document: &'a mut Document,
    method: HttpMethod,
    path: &'static str,
    operation: Operation,
}

impl Document {
    fn route(&mut self, method: HttpMethod, path: &'static str, needs: Needs, summary: &str) -> Route<'_> {
        let mut operation = Operation::new();
        operation.summary = Some(summary.to_owned());
        operation.tags = path.strip_prefix("/v1/").and_then(|p| p.split('/').next()).map(|tag| vec![tag.to_owned()]);
        operation.operation_id = Some(operation_id(&method, path));
        operation.responses.responses.insert("default".to_owned(), RefOr::Ref(Ref::from_response_name("Problem")));
        if matches!(needs, Needs::Nothing | Needs::Seal) {
            operation.security = Some(Vec::new());
        }
        let mut route = Route { document: self, method, path, operation };
        for name in path.split('/').filter_map(|part| part.strip_prefix('{').and_then(|p| p.strip_suffix('}'))) {
            route = route.parameter(name, ParameterIn::Path, true, "", String::schema());
        }
        match needs {
            Needs::Merchant | Needs::IdempotencyKey => {
                let about = "The merchant. Needed if the key reaches several.";
                route = route.query("merchant", about, String::schema());
            }
            Needs::Seal => {
                for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
                    route = route.parameter(name, ParameterIn::Header, true, "Standard Webhooks.", String::schema());
                }
            }
            Needs::Nothing | Needs::Key => {}
        }
        if needs == Needs::IdempotencyKey {
            let about = "The caller's own key: new for each request, the same for each retry of it. The first answer is given \
                         again, with `Idempotency-Replayed: true`.";
            route = route.parameter(IDEMPOTENCY_KEY, ParameterIn::Header, true, about, String::schema());
        }
        route
    }

    fn get(&mut self, path: &'static str, needs: Needs, summary: &str) -> Route<'_> {
        self.route(HttpMethod::Get, path, needs, summary)
    }

    fn post(&mut self, path: &'static str, needs: Needs, summary: &str) -> Route<'_> {
        self.route(HttpMethod::Post, path, needs, summary)
    }

    fn reference<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name().into_owned();
        T::schemas(&mut self.schemas);
        self.schemas.push((name.clone(), T::schema()));
        RefOr::Ref(Ref::from_schema_name(name))
    }
}

impl Route<'_> {
    fn parameter(
        mut self,
        name: &str,
        place: ParameterIn,
        required: bool,
        about: &str,
        schema: impl Into<RefOr<Schema>>,
    ) -> Self {
        let mut parameter = Parameter::new(name);
        parameter.parameter_in = place;
        parameter.required = if required { Required::True } else { Required::False };
        parameter.description = (!about.is_empty()).then(|| about.to_owned());
        parameter.schema = Some(schema.into());
        self.operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
        self
    }

    fn query(self, name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.parameter(name, ParameterIn::Query, false, about, schema)
    }

    /// `after` and `limit`.
    fn paged(self) -> Self {
        let limit = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(LIST_LIMIT))
            .default(Some(LIST_DEFAULT.into()));
        self.query("after", "The `next` or `position` after which to go on.", String::schema()).query(
            "limit",
            "At most how many items.",
            limit.build(),
        )
    }

    /// The header that shows which operator asks.
    fn proved(self) -> Self {
        let about = "An operator's proof for this very operation, or the token of the operator's session. Not a part of the \
                     request: the same request with a newer proof is the same under its key.";
        self.parameter(OPERATOR_PROOF, ParameterIn::Header, false, about, String::schema())
    }

    /// A slip's parameters, and the slip.
    fn prints(self) -> Self {
        let locale = <Word<Locale>>::schema();
        self.query("locale", "The language, `zh-CN` unless told.", locale)
            .query("reprint", "Whether it was printed before: it is then marked.", bool::schema())
            .text("The slip: lines of at most 32 columns, a Chinese character taking two.")
    }

    fn body<T: ToSchema>(mut self, needed: bool) -> Self {
        let schema = self.document.reference::<T>();
        let required = if needed { Required::True } else { Required::False };
        let body = RequestBodyBuilder::new().content("application/json", Content::new(Some(schema)));
        self.operation.request_body = Some(RefOr::T(body.required(Some(required)).build()));
        self
    }

    fn bytes(mut self, about: &str) -> Self {
        let content = Content::new(Some(Schema::Object(ObjectBuilder::new().schema_type(Type::Object).build())));
        let body = RequestBodyBuilder::new().content("application/json", content).description(Some(about));
        self.operation.request_body = Some(RefOr::T(body.required(Some(Required::True)).build()));
        self
    }

    /// A body of somebody's own bytes.
    fn content(mut self, about: &str) -> Self {
        let mut body = RequestBodyBuilder::new().description(Some(about));
        for (_, media) in Media::ALL {
            body = body.content(media, Content::new(Some(binary())));
        }
        self.operation.request_body = Some(RefOr::T(body.required(Some(Required::True)).build()));
        self
    }

    /// A bundle as body.
    fn cose(self, about: &str) -> Self {
        self.media(&[COSE], about)
    }

    /// A body of these media types, which is not JSON.
    fn media(mut self, media: &[&str], about: &str) -> Self {
        let mut body = RequestBodyBuilder::new().description(Some(about));
        for media in media {
            body = body.content(*media, Content::new(Some(binary())));
        }
        self.operation.request_body = Some(RefOr::T(body.required(Some(Required::True)).build()));
        self
    }

    /// A bundle as answer.
    fn cose_answer(mut self, about: &str) -> Self {
        let response = ResponseBuilder::new().description(about).content(COSE, Content::new(Some(binary())));
        self.respond(200, response.build());
        self
    }

    fn unchanged(mut self, about: &str) -> Self {
        self.respond(304, ResponseBuilder::new().description(about).build());
        self
    }

    /// An answer of somebody's own bytes.
    fn file(mut self, about: &str) -> Self {
        let mut response = ResponseBuilder::new().description(about);
        for (_, media) in Media::ALL {
            response = response.content(media, Content::new(Some(binary())));
        }
        self.respond(200, response.build());
        self
    }

    fn answer<T: ToSchema>(mut self, status: u16, about: &str) -> Self {
        let schema = self.document.reference::<T>();
        let content = Content::new(Some(schema));
        let response = ResponseBuilder::new().description(about).content("application/json", content).build();
        self.respond(status, response);
        self
    }

    /// A page of a list: the schema of `answer::Listing`.
    fn lists<T: ToSchema>(self, about: &str) -> Self {
        self.lists_as::<T>(200, about)
    }

    fn lists_as<T: ToSchema>(mut self, status: u16, about: &str) -> Self {
        let next = "Where the next page begins: give it as `after`. Absent on the last page.";
        let next = ObjectBuilder::new().schema_type(Type::String).description(Some(next));
        let page = ObjectBuilder::new()
            .property("items", ArrayBuilder::new().items(self.document.reference::<T>()))
            .required("items")
            .property("next", next);
        let content = Content::new(Some(Schema::Object(page.build())));
        let response = ResponseBuilder::new().description(about).content("application/json", content).build();
        self.respond(status, response);
        self
    }

    /// The same, or a table.
    fn lists_or_csv<T: ToSchema>(mut self, about: &str) -> Self {
        self = self.lists::<T>(about);
        if let Some(RefOr::T(response)) = self.operation.responses.responses.get_mut("200") {
            response.content.insert("text/csv".to_owned(), RefOr::T(Content::new(Some(String::schema()))));
        }
        self
    }

    /// The same, or one JSON text per line.
    fn lists_or_lines<T: ToSchema>(mut self, about: &str) -> Self {
        self = self.lists::<T>(about);
        if let Some(RefOr::T(response)) = self.operation.responses.responses.get_mut("200") {
            response.content.insert("application/jsonl".to_owned(), RefOr::T(Content::new(Some(String::schema()))));
        }
        self
    }

    fn text(mut self, about: &str) -> Self {
        let response =
            ResponseBuilder::new().description(about).content("text/plain", Content::new(Some(String::schema())));
        self.respond(200, response.build());
        self
    }

    fn nothing(mut self, about: &str) -> Self {
        self.respond(204, ResponseBuilder::new().description(about).build());
        self
    }

    fn respond(&mut self, status: u16, response: Response) {
        self.operation.responses.responses.insert(status.to_string(), RefOr::T(response));
    }

    fn end(self) {
        let paths = core::mem::take(&mut self.document.paths);
        self.document.paths = paths.path(self.path, PathItem::new(self.method, self.operation));
    }
}

/// `POST /v1/refunds/{id}/approvals` is `post_refunds_id_approvals`.
fn operation_id(method: &HttpMethod, path: &str) -> String {
    let verb = match method {
        HttpMethod::Get => "get",
        HttpMethod::Put => "put",
        HttpMethod::Delete => "delete",
        _ => "post",
    };
    let parts = path.split(['/', '.']).filter(|part| !part.is_empty() && *part != "v1");
    parts.fold(verb.to_owned(), |mut id, part| {
        id.push('_');
        id.extend(part.chars().filter(|c| *c != '{' && *c != '}').map(|c| if c == '-' { '_' } else { c }));
        id
    })
}

/// A vocabulary as a parameter's schema.
fn words<T: Vocabulary>() -> RefOr<Schema> {
    <Word<T>>::schema()
}

impl Document {
    fn open_routes(&mut self) {
        self.get("/healthz", Needs::Nothing, "Whether it is up").answer::<Health>(200, "It is.").end();
        self.get("/readyz", Needs::Nothing, "Whether its store answers and can keep money safe")
            .answer::<Readiness>(200, "It does.")
            .end();
        self.get("/metrics", Needs::Nothing, "Numbers for Prometheus").text("The Prometheus text format.").end();
        self.get("/openapi.json", Needs::Nothing, "This document").answer::<Object>(200, "This document.").end();
        self.get("/problems/{code}", Needs::Nothing, "What a problem code means")
            .answer::<Meaning>(200, "Its meaning.")
            .end();
    }

    fn sales(&mut self) {
        self.post("/v1/transactions", Needs::Merchant, "Register a sale")
            .body::<NewSale>(true)
            .answer::<SaleView>(201, "It is registered.")
            .answer::<SaleView>(200, "It was registered before with the same content.")
            .end();
        self.get("/v1/transactions", Needs::Merchant, "Find sales by the numbers on a slip")
            .query("terminal", "With `batch` and `voucher`.", String::schema())
            .query("batch", "批次号.", String::schema())
            .query("voucher", "凭证号.", String::schema())
            .query("trace", "流水号, with `business_day`.", String::schema())
            .query("business_day", "清算日.", day())
            .query("order_number", "The merchant's own order number.", String::schema())
            .query("retrieval_reference", "参考号.", String::schema())
            .paged()
            .lists::<SaleSummary>("All sales that match and that the key's holder may see.")
            .end();
        self.get("/v1/transactions/{id}", Needs::Merchant, "A sale with everything about it")
            .answer::<SaleView>(200, "The sale.")
            .end();
        self.post("/v1/transactions/{id}/events", Needs::IdempotencyKey, "Say what happened to a sale")
            .body::<SaleNews>(true)
            .answer::<SaleView>(200, "The sale as it stands now.")
            .end();
        self.get("/v1/transactions/{id}/ways-back", Needs::Merchant, "Every way to take a sale back, as things stand")
            .query(
                "amount",
                "An amount in the sale's currency, `60.00`. All that is left unless told.",
                String::schema(),
            )
            .answer::<WaysBack>(200, "One decision for each way.")
            .end();
        self.post("/v1/terminals/{id}/batches/{n}/close", Needs::Merchant, "Close a terminal's batch")
            .answer::<ClosedBatch>(200, "It is closed, now or since before.")
            .end();
    }

    fn terminals(&mut self) {
        self.post("/v1/terminal/sync", Needs::Merchant, "A terminal hands in what it did without the server")
            .query("locale", "The language of `detail`, `zh-CN` unless told.", words::<Locale>())
            .media(
                &sync::MEDIA,
                "One signed batch of the journal, as the terminal's library exports it. At most 576 KiB.",
            )
            .answer::<SyncAnswer>(200, "How far it is dealt with. The same batch again gets the same answer.")
            .end();
    }

    fn voids(&mut self) {
        self.post(
            "/v1/transactions/{id}/voids/check",
            Needs::Merchant,
            "Whether a void is possible; without any effect",
        )
        .proved()
        .body::<VoidAsk>(false)
        .answer::<DecisionView>(200, "The decision, whatever it is.")
        .end();
        self.post("/v1/transactions/{id}/voids", Needs::IdempotencyKey, "Void a sale")
            .proved()
            .body::<VoidAsk>(false)
            .answer::<OperationView>(201, "It is authorised and the sale reserved for it.")
            .end();
        self.get("/v1/operations/{id}", Needs::Merchant, "A void or other operation and how far it got")
            .answer::<OperationView>(200, "The operation.")
            .end();
        self.post(
            "/v1/operations/{id}/results",
            Needs::IdempotencyKey,
            "A terminal says what became of an operation it carries out",
        )
        .body::<OperationResult>(true)
        .answer::<OperationView>(200, "The operation as it stands now.")
        .end();
        self.post("/v1/operations/{id}/resolutions", Needs::IdempotencyKey, "Two persons end an unknown operation")
            .body::<Resolution>(true)
            .answer::<OperationView>(200, "The operation as it stands now.")
            .end();
        self.get("/v1/operations/{id}/slip", Needs::Merchant, "An operation's slip").prints().end();
    }

    fn refunds(&mut self) {
        self.post("/v1/refunds", Needs::IdempotencyKey, "Ask for a refund")
            .proved()
            .body::<RefundAsk>(true)
            .answer::<RefundView>(201, "It is submitted, its amount reserved, and the automatic review done.")
            .end();
        self.get("/v1/refunds", Needs::Merchant, "Refunds in the order they were submitted")
            .query("state", "Only those in this state.", words::<RefundState>())
            .paged()
            .lists::<RefundSummary>("A page of refunds.")
            .end();
        self.get("/v1/refunds/{id}", Needs::Merchant, "A refund with everything that happened to it")
            .answer::<RefundView>(200, "The refund.")
            .end();
        for (path, summary) in [
            ("/v1/refunds/{id}/declines", "A person refuses a refund"),
            ("/v1/refunds/{id}/withdrawals", "The requester takes a refund back"),
        ] {
            let route = self.post(path, Needs::IdempotencyKey, summary).body::<Because>(true);
            route.answer::<RefundView>(200, "The refund as it stands now.").end();
        }
        for (path, summary) in [
            ("/v1/refunds/{id}/clearings", "Send an approved refund to clearing"),
            ("/v1/refunds/{id}/retries", "Try a failed refund again, under its old reference"),
        ] {
            let route = self.post(path, Needs::IdempotencyKey, summary).body::<Nothing>(false);
            route.answer::<RefundView>(200, "The refund as it stands now.").end();
        }
        self.post("/v1/refunds/{id}/approvals", Needs::IdempotencyKey, "A person agrees to a refund")
            .body::<Consent>(false)
            .answer::<RefundView>(200, "The refund as it stands now.")
            .end();
        self.post("/v1/refunds/{id}/resolutions", Needs::IdempotencyKey, "Two persons end an unknown refund")
            .body::<Resolution>(true)
            .answer::<RefundView>(200, "The refund as it stands now.")
            .end();
        self.get("/v1/refunds/{id}/slip", Needs::Merchant, "A refund's slip").prints().end();
        self.post("/v1/webhooks/reviews", Needs::Seal, "A reviewers' system approves or declines")
            .parameter("source", ParameterIn::Query, true, "Which reviewers' system.", String::schema())
            .body::<Review>(true)
            .answer::<RefundView>(200, "The refund as it stands now.")
            .end();
    }

    fn others(&mut self) {
        self.get("/v1/events", Needs::Merchant, "The feed: everything that happened at a merchant, each event once")
            .paged()
            .query("audience", "Adds a message for this audience.", words::<Audience>())
            .query("locale", "The message's language, `zh-CN` unless told.", words::<Locale>())
            .answer::<Feed>(200, "A part of the feed.")
            .end();
        self.post("/v1/webhook-endpoints", Needs::Merchant, "Have a merchant's events delivered")
            .body::<NewEndpoint>(true)
            .answer::<CreatedEndpoint>(201, "The endpoint, with its signing secret.")
            .end();
        self.get("/v1/webhook-endpoints", Needs::Merchant, "A merchant's webhook endpoints")
            .lists::<EndpointView>("All of them.")
            .end();
        self.route(HttpMethod::Delete, "/v1/webhook-endpoints/{id}", Needs::Merchant, "Deliver there no more")
            .nothing("It is gone.")
            .end();
    }

    /// What is kept outside the ledger.
    fn privacy(&mut self) {
        self.post("/v1/transactions/{id}/erasures", Needs::IdempotencyKey, "Erase what is personal about a payment")
            .body::<NewErasure>(true)
            .answer::<ErasureView>(200, "What is gone. Again is harmless.")
            .end();
        self.route(HttpMethod::Put, "/v1/evidence/{content}", Needs::Merchant, "Give evidence in one piece")
            .content("The content, at most 256 KiB, with its media type. Its SHA-256 is its name.")
            .answer::<PieceView>(201, "It is stored.")
            .answer::<PieceView>(200, "It was stored before.")
            .end();
        self.route(HttpMethod::Put, "/v1/evidence/{content}/parts/{part}", Needs::Merchant, "Give a part of evidence")
            .content("The part, at most 256 KiB. Its SHA-256 is its name; its media type does not matter.")
            .nothing("It is stored, and waits a day for the rest.")
            .end();
        self.post("/v1/evidence/{content}/completions", Needs::Merchant, "Make evidence of the parts that were given")
            .body::<EvidenceParts>(true)
            .answer::<PieceView>(201, "It is stored.")
            .answer::<PieceView>(200, "It was stored before.")
            .end();
        self.get("/v1/evidence/{content}", Needs::Merchant, "The content of evidence").file("The content.").end();
        self.get("/v1/evidence/{content}/description", Needs::Merchant, "What is known of evidence")
            .answer::<PieceView>(200, "Who gave it, and until when it is kept.")
            .end();
        self.route(HttpMethod::Delete, "/v1/evidence/{content}", Needs::Merchant, "Erase evidence")
            .body::<EvidenceErasure>(false)
            .answer::<PieceView>(200, "What is known of it; the content is gone.")
            .end();
    }

    fn operators(&mut self) {
        self.post("/v1/operators", Needs::Merchant, "Give a person an operator number")
            .body::<NewOperator>(true)
            .answer::<OperatorShown>(201, "The operator.")
            .end();
        self.get("/v1/operators", Needs::Merchant, "A merchant's operators, and which of them are locked")
            .paged()
            .lists::<OperatorShown>("A page of operators.")
            .end();
        self.post("/v1/operators/{number}/resets", Needs::Merchant, "Give an operator a new PIN, and unlock it")
            .body::<NewPin>(true)
            .answer::<OperatorShown>(200, "The operator. Its sessions have ended.")
            .end();
        self.post("/v1/operators/{number}/pin", Needs::Merchant, "An operator chooses another PIN")
            .body::<PinChange>(true)
            .nothing("It is in force, and the operator's sessions have ended.")
            .end();
        let confirm = "Confirm that it was the operator who chose the PIN in force";
        self.post("/v1/operators/{number}/confirmations", Needs::Merchant, confirm)
            .answer::<OperatorShown>(200, "The operator. Nothing is left to be confirmed.")
            .end();
        self.post("/v1/operators/{number}/devices", Needs::Merchant, "Register a device that signs for an operator")
            .body::<NewDevice>(true)
            .answer::<DeviceShown>(201, "The device.")
            .end();
        self.route(
            HttpMethod::Delete,
            "/v1/operators/{number}/devices/{device}",
            Needs::Merchant,
            "Take a device from an operator",
        )
        .nothing("It signs no more, and the operator's sessions have ended.")
        .end();
        self.post("/v1/operator-challenges", Needs::Merchant, "A challenge for an operator's device")
            .body::<NewChallenge>(true)
            .answer::<Challenge>(201, "The challenge, as a text for a QR code.")
            .end();
        self.post("/v1/operator-sessions", Needs::Merchant, "An operator begins to work")
            .body::<NewSession>(true)
            .answer::<OperatorSession>(201, "The session, with its token.")
            .end();
        self.route(HttpMethod::Delete, "/v1/operator-sessions/{id}", Needs::Merchant, "An operator stops working")
            .nothing("It has ended.")
            .end();
        self.post("/v1/operator-sessions/{id}/proofs", Needs::Merchant, "Step up: a proof for one operation")
            .body::<NewProof>(true)
            .answer::<OperatorProof>(201, "The proof, for the `Operator-Proof` header.")
            .end();
        self.get("/v1/proof-keys", Needs::Key, "The public keys that operators' proofs are checked with")
            .lists::<ProofKey>("All of them, the one that signs last.")
            .end();
        self.post("/v1/proof-keys/rotations", Needs::Key, "Let a new key sign operators' proofs")
            .lists_as::<ProofKey>(201, "All of them, the new one last.")
            .end();
        self.post("/v1/confirmations", Needs::IdempotencyKey, "Send the customer a code, to be repeated")
            .body::<NewConfirmation>(true)
            .answer::<ConfirmationView>(201, "It is being sent.")
            .end();
    }

    /// The courier's, which answers beside this router.
    fn tick(&mut self) {
        self.post("/v1/tick", Needs::Key, "Let time pass: publish, execute, deliver, expire what is due")
            .answer::<Object>(200, "What was done, as counts.")
            .end();
    }

    fn admin(&mut self) {
        self.post("/v1/merchants", Needs::Key, "Set a merchant up")
            .body::<NewMerchant>(true)
            .answer::<MerchantView>(201, "The merchant. The same again is harmless.")
            .end();
        self.route(HttpMethod::Put, "/v1/merchants/{id}/settings", Needs::Key, "Give a merchant other policies")
            .body::<NewSettings>(true)
            .answer::<MerchantView>(200, "The merchant, from the next request on.")
            .end();
        self.get("/v1/merchants", Needs::Key, "Merchants").paged().lists::<MerchantView>("A page of merchants.").end();
        self.post("/v1/terminals", Needs::Merchant, "Set a terminal up")
            .body::<NewTerminal>(true)
            .answer::<TerminalView>(201, "The terminal. The same again is harmless.")
            .end();
        self.route(HttpMethod::Put, "/v1/terminals/{id}", Needs::Merchant, "Give a terminal another label or class")
            .body::<TerminalChange>(true)
            .answer::<TerminalView>(200, "The terminal, from the next request on.")
            .end();
        self.get("/v1/terminals", Needs::Merchant, "A merchant's terminals")
            .paged()
            .lists::<TerminalView>("A page of terminals.")
            .end();
        self.post("/v1/persons", Needs::Key, "Set a person up")
            .body::<NewPerson>(true)
            .answer::<PersonView>(201, "The person. The same again is harmless.")
            .end();
        self.get("/v1/persons", Needs::Key, "Persons").paged().lists::<PersonView>("A page of persons.").end();
        self.route(HttpMethod::Put, "/v1/persons/{id}/grants", Needs::Key, "Give a person other roles")
            .body::<NewGrants>(true)
            .answer::<PersonView>(200, "The person, from the next request on.")
            .end();
        self.post("/v1/keys", Needs::Key, "Make a key")
            .body::<NewKey>(true)
            .answer::<CreatedKey>(201, "The key, with its token.")
            .end();
        self.get("/v1/keys", Needs::Key, "Keys, without their secrets")
            .paged()
            .lists::<KeyShown>("A page of keys.")
            .end();
        self.route(HttpMethod::Delete, "/v1/keys/{id}", Needs::Key, "Revoke a key")
            .answer::<KeyShown>(200, "The key, void from the next request on. The last admin key stays.")
            .end();
        self.post("/v1/review-sources", Needs::Merchant, "Let a reviewers' system send webhooks")
            .body::<NewSource>(true)
            .answer::<CreatedSource>(201, "The system, with its signing secret.")
            .end();
        self.get("/v1/review-sources", Needs::Merchant, "A merchant's reviewers' systems")
            .lists::<SourceView>("All of them.")
            .end();
        self.route(HttpMethod::Delete, "/v1/review-sources/{id}", Needs::Key, "Revoke a reviewers' system")
            .answer::<SourceView>(
                200,
                "The system. Nothing is taken from it from the next message on; what it said stands.",
            )
            .end();
        self.get("/v1/policies", Needs::Key, "Policies that decide")
            .lists::<PolicyView>("Those of the merchants that the key reaches.")
            .end();
    }

    /// What terminals decide with.
    fn bundles(&mut self) {
        self.route(HttpMethod::Put, "/v1/bundles/{name}", Needs::Key, "Publish a bundle for terminals")
            .cose("The signed bundle that `rescind bundle` makes, at most 6 MiB; also as `application/octet-stream`.")
            .answer::<PublishedView>(201, "It is published, instead of an earlier version for its engine.")
            .answer::<PublishedView>(200, "It was published before.")
            .end();
        self.get("/v1/bundles", Needs::Key, "What is published for terminals")
            .paged()
            .lists::<LineView>("A page of lines of bundles.")
            .end();
        self.get("/v1/bundles/{name}", Needs::Key, "What is published of one line of bundles")
            .answer::<LineView>(200, "One bundle for each engine.")
            .end();
        let engine = "The version of the engine, as the terminal's status says. Any unless told.";
        let line = "The line whose keys the terminal was provisioned with. Unless told, the one with the name of the policy for \
                    the terminal's class, or of its merchant's policy.";
        self.get("/v1/terminal/bundle", Needs::Key, "The bundle for the terminal whose key asks")
            .parameter(
                "target",
                ParameterIn::Query,
                true,
                "What its code runs on, such as `pulley32`.",
                String::schema(),
            )
            .query("engine", engine, String::schema())
            .query("profile", "The digest of the engine's profile, likewise.", String::schema())
            .query("name", line, String::schema())
            .parameter(
                IF_NONE_MATCH.as_str(),
                ParameterIn::Header,
                false,
                "The `ETag` of the bundle that it has.",
                String::schema(),
            )
            .cose_answer("The bundle. Its SHA-256 is the `ETag`.")
            .unchanged("It is the one that it has.")
            .end();
    }

    /// Versions of policies, which of them holds when, and what was decided.
    fn policies(&mut self) {
        self.route(HttpMethod::Put, "/v1/policies/{name}", Needs::Key, "Install a version of a policy")
            .query(
                "activate",
                "`now` puts it in force at once. Otherwise nothing changes but that it is there.",
                String::schema(),
            )
            .bytes("The canonical form that `rescind policy compile` writes, byte for byte: its hash is its identity.")
            .answer::<VersionView>(200, "The version. The same again is harmless.")
            .end();
        self.get(
            "/v1/policies/{name}/versions",
            Needs::Key,
            "The versions of a policy in the order they were installed",
        )
        .paged()
        .lists::<VersionView>("A page of versions.")
        .end();
        self.get("/v1/policies/{name}/versions/{version}", Needs::Key, "A version's canonical document")
            .answer::<Object>(200, "The document, byte for byte as it was hashed. The hash is the `ETag`.")
            .end();
        self.post("/v1/policies/{name}/activations", Needs::Key, "Put a version in force, at once or at a time")
            .parameter(
                IDEMPOTENCY_KEY,
                ParameterIn::Header,
                true,
                "New for each activation, the same for each retry.",
                String::schema(),
            )
            .body::<NewActivation>(true)
            .answer::<ActivationView>(201, "It holds from that instant on.")
            .end();
        self.get("/v1/policies/{name}/activations", Needs::Key, "Which version holds when")
            .query("past", "`true`: those that are too long ago to be listed with the others.", String::schema())
            .paged()
            .lists::<ActivationView>("In the order they were asked for.")
            .end();
        self.route(
            HttpMethod::Delete,
            "/v1/policies/{name}/activations/{id}",
            Needs::Key,
            "Take back an activation whose time has not come",
        )
        .answer::<ActivationView>(200, "It is cancelled. Again is harmless.")
        .end();
        self.route(
            HttpMethod::Put,
            "/v1/policies/{name}/shadow",
            Needs::Key,
            "Let a version decide beside, without effect",
        )
        .body::<NewCandidate>(true)
        .answer::<CandidateView>(200, "It is compared from now on.")
        .end();
        self.get("/v1/policies/{name}/shadow", Needs::Key, "What the candidate would have decided otherwise")
            .query("merchant", "At this merchant only.", String::schema())
            .answer::<Shadow>(200, "Counts, and the newest differences.")
            .end();
        self.route(HttpMethod::Delete, "/v1/policies/{name}/shadow", Needs::Key, "Compare no longer")
            .nothing("There is no candidate.")
            .end();
        self.get("/v1/decisions", Needs::Merchant, "The decisions of a merchant's business day, in no particular order")
            .query("day", "清算日. Today unless told.", day())
            .query("outcome", "Only those with this answer.", words::<rescind_model::Outcome>())
            .paged()
            .lists_or_lines::<RecordView>(
                "A page of decisions. With `Accept: application/jsonl` one record per line, for `rescind policy replay` and `backtest`; its next page is in `Link`.",
            )
            .end();
        self.get("/v1/decisions/{id}", Needs::Merchant, "A decision with everything it depended on")
            .answer::<RecordView>(200, "The record.")
            .end();
    }

    /// Payment codes, holds, and what goes wrong at the till.
    fn beginnings(&mut self) {
        self.get("/v1/transactions/{id}/slip", Needs::Merchant, "A sale's own slip").prints().end();
        self.post("/v1/transactions/{id}/troubles", Needs::IdempotencyKey, "Say what went wrong at the till")
            .body::<TroubleReport>(true)
            .answer::<TroubleAnswer>(200, "It is recorded, and what follows from it is under way.")
            .end();
        self.post("/v1/transactions/{id}/reversals", Needs::IdempotencyKey, "Reverse a payment of unknown outcome")
            .proved()
            .body::<OperationAsk>(false)
            .answer::<OperationView>(201, "It is authorised.")
            .end();
        self.post("/v1/refunds/{id}/results", Needs::IdempotencyKey, "A terminal says what became of a refund")
            .body::<OperationResult>(true)
            .answer::<RefundView>(200, "The refund as it stands now.")
            .end();
        self.post("/v1/payment-codes", Needs::Merchant, "Make a payment code")
            .body::<NewCode>(true)
            .answer::<CodeView>(201, "It is made.")
            .answer::<CodeView>(200, "It was made before with the same content.")
            .end();
        self.get("/v1/payment-codes/cancellations", Needs::Merchant, "The cancellations of payment codes on a day")
            .query("business_day", "清算日. Today unless told.", day())
            .paged()
            .answer::<CancellationReport>(200, "A page of the report.")
            .end();
        self.get("/v1/payment-codes/{id}", Needs::Merchant, "A payment code and how far it got")
            .answer::<CodeView>(200, "The code.")
            .end();
        self.post("/v1/payment-codes/{id}/scans", Needs::IdempotencyKey, "Say that a payment code was scanned")
            .body::<NewScan>(true)
            .answer::<CodeView>(200, "The code as it stands now.")
            .end();
        self.post("/v1/payment-codes/{id}/cancellations", Needs::IdempotencyKey, "Cancel a payment code")
            .proved()
            .body::<OperationAsk>(false)
            .answer::<OperationView>(202, "It is authorised. Whether the code is cancelled is for the provider to say.")
            .end();
        self.post("/v1/holds", Needs::Merchant, "Register a hold")
            .body::<NewHold>(true)
            .answer::<HoldView>(201, "It is registered.")
            .answer::<HoldView>(200, "It was registered before with the same content.")
            .end();
        self.get("/v1/holds/{id}", Needs::Merchant, "A hold and what became of it")
            .answer::<HoldView>(200, "The hold.")
            .end();
        self.post("/v1/holds/{id}/completions", Needs::IdempotencyKey, "Capture all or part of a hold")
            .proved()
            .body::<Completion>(false)
            .answer::<OperationView>(201, "It is authorised.")
            .end();
        for (path, summary) in [
            ("/v1/holds/{id}/releases", "Release a hold"),
            ("/v1/holds/{id}/completion-voids", "Void the completion of a hold: the hold stands again"),
        ] {
            let route = self.post(path, Needs::IdempotencyKey, summary).proved().body::<OperationAsk>(false);
            route.answer::<OperationView>(201, "It is authorised.").end();
        }
    }

    /// What takes persons: support, legal orders, and what is left to do after a refund.
    fn persons_in_it(&mut self) {
        self.post(
            "/v1/transactions/{id}/cases",
            Needs::IdempotencyKey,
            "Open a case where the policy leaves it to support",
        )
        .body::<CaseAsk>(true)
        .answer::<CaseView>(201, "It is open and waits for support.")
        .end();
        self.get("/v1/cases", Needs::Merchant, "A merchant's cases in the order they were opened")
            .query("state", "Only those in this state.", words::<CaseState>())
            .paged()
            .lists::<CaseView>("A page of cases.")
            .end();
        self.get("/v1/cases/{id}", Needs::Merchant, "A case").answer::<CaseView>(200, "The case.").end();
        self.post(
            "/v1/cases/{id}/assignments",
            Needs::IdempotencyKey,
            "A person of support takes a case, or is given it",
        )
        .body::<Assignment>(false)
        .answer::<CaseView>(200, "The case as it stands now.")
        .end();
        for (path, summary) in [
            ("/v1/cases/{id}/grants", "Support grants a case: for one use, for what it was opened for"),
            ("/v1/cases/{id}/refusals", "Support refuses a case"),
        ] {
            let route = self.post(path, Needs::IdempotencyKey, summary).body::<CaseVerdict>(true);
            route.answer::<CaseView>(200, "The case as it stands now.").end();
        }
        self.post(
            "/v1/transactions/{id}/legal-orders",
            Needs::IdempotencyKey,
            "The first of two persons puts a legal order forward",
        )
        .body::<NewOrder>(true)
        .answer::<OrderView>(201, "It waits for the second person.")
        .end();
        self.post(
            "/v1/legal-orders/{id}/confirmations",
            Needs::IdempotencyKey,
            "The second person carries a legal order into a void",
        )
        .proved()
        .body::<Nothing>(false)
        .answer::<OrderView>(200, "The order, with the void that carries it out.")
        .end();
        self.get("/v1/compliance-reports", Needs::Merchant, "Legal orders, for the regulator")
            .query("from", "Only those put forward at this instant or later.", time())
            .query("to", "Only those put forward before this instant.", time())
            .paged()
            .lists_or_csv::<OrderView>("A page of orders. With `Accept: text/csv` a table; its next page is in `Link`.")
            .end();
        self.post("/v1/refunds/{id}/inquiries", Needs::IdempotencyKey, "A reviewer asks the merchant something")
            .body::<Question>(true)
            .answer::<RefundView>(200, "The refund as it stands now.")
            .end();
        self.post(
            "/v1/refunds/{id}/information",
            Needs::IdempotencyKey,
            "The merchant answers; earlier approvals fall",
        )
        .body::<Information>(true)
        .answer::<RefundView>(200, "The refund as it stands now.")
        .end();
        self.post(
            "/v1/refunds/{id}/traces",
            Needs::IdempotencyKey,
            "Have a cleared refund that has not arrived searched for",
        )
        .body::<TraceAsk>(false)
        .answer::<RefundView>(200, "The refund; what the provider finds out is told later.")
        .end();
        self.post("/v1/refunds/{id}/returns", Needs::IdempotencyKey, "The network gave a cleared refund back")
            .body::<ReturnNews>(false)
            .answer::<RefundView>(200, "The refund, with what is owed now.")
            .end();
        self.post(
            "/v1/refunds/{id}/liabilities",
            Needs::IdempotencyKey,
            "Record that somebody owes money because of a refund",
        )
        .body::<Claim>(true)
        .answer::<LiabilityView>(201, "The liability.")
        .end();
        self.get("/v1/liabilities", Needs::Merchant, "A merchant's liabilities in the order they came up")
            .query("state", "Only those in this state.", words::<LiabilityState>())
            .paged()
            .lists::<LiabilityView>("A page of liabilities.")
            .end();
        self.post("/v1/liabilities/{id}/ends", Needs::IdempotencyKey, "A person ends a liability")
            .body::<LiabilityEnd>(true)
            .answer::<LiabilityView>(200, "The liability as it stands now.")
            .end();
    }

    fn accounts(&mut self) {
        self.get(
            "/v1/transactions/{id}/entries",
            Needs::Merchant,
            "The double entries of a payment, and their balances",
        )
        .answer::<Entries>(200, "All of them.")
        .end();
        self.get("/v1/transactions/{id}/export", Needs::Merchant, "Everything about one payment as one file")
            .answer::<ExportView>(200, "The file.")
            .end();
        self.get("/v1/merchants/{id}/balances", Needs::Key, "A merchant's accounts: the sum over all its payments")
            .answer::<Balances>(200, "By currency and account.")
            .end();
        self.get("/v1/merchants/{id}/funding", Needs::Key, "What a merchant has for refunds on a business day")
            .query("business_day", "The day; the current one unless told.", day())
            .answer::<FundsView>(200, "The funds.")
            .end();
        self.post("/v1/merchants/{id}/funds", Needs::IdempotencyKey, "Pay in for refunds; the same id counts once")
            .body::<PayIn>(true)
            .answer::<ReceiptView>(201, "It is counted, and what waited for it goes to clearing.")
            .end();
    }

    fn checkpoints(&mut self) {
        let number = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build();
        self.get("/v1/checkpoints", Needs::Merchant, "A merchant's checkpoints, oldest first")
            .paged()
            .lists::<CheckpointView>("A page of checkpoints.")
            .end();
        self.get(
            "/v1/checkpoints/{number}",
            Needs::Merchant,
            "A row of checkpoints up to one, as a file that proves them",
        )
        .query("since", "The first of the row; the same one unless told. At most 100.", number())
        .answer::<Object>(200, "The file: keep its bytes, and check it with `rescind audit verify`.")
        .end();
        self.get(
            "/v1/transactions/{id}/audit",
            Needs::Merchant,
            "What a payment was when a checkpoint was made, as a file that proves it",
        )
        .query(
            "event",
            "The number of the event up to which; the newest that is in a checkpoint unless told.",
            number(),
        )
        .query("until", "The checkpoint up to which the row goes on; the payment's own unless told.", number())
        .answer::<Object>(200, "The file: keep its bytes, and check it with `rescind audit verify`.")
        .end();
        self.get("/v1/checkpoint-keys", Needs::Key, "The public keys that checkpoints are checked with")
            .lists::<CheckpointKeyView>("All there ever were, the one that signs last.")
            .end();
        self.post("/v1/checkpoint-keys/rotations", Needs::Key, "Let a new key sign checkpoints")
            .lists_as::<CheckpointKeyView>(201, "All there ever were, the new one last.")
            .end();
    }

    fn finish(mut self) -> OpenApi {
        // Delivered to the endpoints, not answered by any route.
        self.reference::<ToldEvent>();
        let problem = self.reference::<ProblemView<'static>>();
        let response = ResponseBuilder::new()
            .description("Anything else: problem details (RFC 9457). The `code` is stable.")
            .content(PROBLEM_JSON, Content::new(Some(problem)))
            .build();
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key, `rsk_…`.")).build();
        let components = ComponentsBuilder::new()
            .schemas_from_iter(self.schemas)
            .response("Problem", response)
            .security_scheme("key", SecurityScheme::Http(token))
            .build();
        OpenApiBuilder::new()
            .info(
                InfoBuilder::new()
                    .title("Rescind")
                    .version(env!("CARGO_PKG_VERSION"))
                    .description(Some(description()))
                    .license(Some(utoipa::openapi::License::new("Apache-2.0")))
                    .build(),
            )
            .servers(Some([ServerBuilder::new().url("/").build()]))
            .paths(self.paths.build())
            .components(Some(components))
            .security(Some([SecurityRequirement::new("key", Vec::<String>::new())]))
            .build()
    }
}

/// What a batch is answered: the acknowledgement of the terminal's journal, whose form is the journal's.
#[derive(utoipa::ToSchema)]
#[schema(as = Acknowledgement)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used: the answer is written by the journal's own type")]
struct SyncAnswer {
    /// Everything before this place is dealt with.
    head: SyncHead,
    /// The server's time.
    server_time: crate::http::time::Time,
    /// What this terminal's own operations of the business day amount to.
    counted: Option<Object>,
    /// What became of the operations before that place.
    operations: Vec<SyncOperation>,
}

/// A place in a terminal's journal.
#[derive(utoipa::ToSchema)]
#[schema(as = JournalHead)]
#[expect(dead_code, reason = "only its schema is used")]
struct SyncHead {
    /// The journal: 32 hexadecimal digits.
    journal: String,
    /// The number of the record that comes next.
    next: u64,
    /// The link of everything before it: 64 hexadecimal digits.
    link: String,
}

/// What became of an operation.
#[derive(utoipa::ToSchema)]
#[schema(as = OfflineOperation)]
#[expect(dead_code, reason = "only its schema is used")]
struct SyncOperation {
    /// The terminal's name for it.
    operation: String,
    /// `accepted`, `done`, `refused`, `{"refund": id}` or `{"case": id}`.
    became: serde_json::Value,
    /// Why, for the operator.
    detail: Option<String>,
}

/// Any JSON object.
#[derive(utoipa::ToSchema)]
struct Object {}

fn binary() -> RefOr<Schema> {
    let format = utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Binary);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
}

fn time() -> RefOr<Schema> {
    crate::http::time::Time::schema()
}

fn day() -> RefOr<Schema> {
    let format = utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Date);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
}

fn description() -> String {
    let mut text = format!(
        "Takes card and code payments back: voids, refunds, and where the money is now.\n\n\
         Amounts are decimal strings with a currency, times RFC 3339. Bodies are JSON of at most {BODY_BYTES} bytes; unknown \
         fields and parameters are refused. Every POST that changes money needs an `Idempotency-Key`.\n\n\
         Problem codes:\n\n| code | status | meaning |\n|---|---|---|\n"
    );
    for code in code::ALL {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "| `{}` | {} | {} |", code.code, code.status, code.title).is_ok();
    }
    text
}
