//! One component instance and one request in it.
//!
//! An instance serves one request at a time, from the first byte of the request to the last of the answer and whatever
//! the guest spawned to do after it; then it may serve the next. wasmtime's own `ProxyHandler` is not used: it hands an
//! instance the next request as soon as the *head* of an answer is out, so a trap while a body is being written
//! would take a bystander with it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use tokio::sync::oneshot;
use tokio::time::Instant;
use wasmtime::component::{Accessor, Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, UpdateDeadline};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p3::Request;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre, http as wasi_http};
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::bindings::{spin, wasi};
use crate::destination::Pattern;
use crate::error::HostError;
use crate::guest_log::GuestLog;
use crate::limits;
use crate::manifest::Grants;
use crate::metrics::Metrics;
use crate::outbound::{Hooks, Outbound};
use crate::store::{Session, Store};
use crate::variables;

/// A component, ready to be instantiated.
pub(crate) struct Guest {
    pre: ServicePre<InstanceData>,
    context: Arc<ComponentContext>,
}

/// What all instances of a component share.
pub(crate) struct ComponentContext {
    pub(crate) id: Arc<str>,
    pub(crate) grants: Grants,
    pub(crate) store: Arc<dyn Store>,
    allowed: Arc<[Pattern]>,
    outbound: Outbound,
    metrics: Arc<Metrics>,
    memory: usize,
}

/// The state of one instance.
pub(crate) struct InstanceData {
    pub(crate) table: ResourceTable,
    pub(crate) component: Arc<ComponentContext>,
    pub(crate) request: RequestScope,
    http: WasiHttpCtx,
    wasi: WasiCtx,
    log: GuestLog,
    hooks: Hooks,
    memory: Memory,
}

/// What belongs to the request an instance is serving.
#[derive(Debug, Clone)]
pub(crate) struct RequestScope {
    pub(crate) id: Arc<str>,
    pub(crate) session: Arc<Session>,
    /// Wall-clock time it may take.
    pub(crate) deadline: Duration,
}

/// Why a request got no answer from its component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No instance could be made.
    Instantiate,
    /// It trapped.
    Trap,
    /// It wanted more memory than an instance may have.
    Memory,
    /// It took too long.
    Deadline,
    /// It answered with an error instead of a response.
    Error,
    /// Its answer was too large or broke off.
    Body,
}

impl Failure {
    /// All of them, in the order of [`Failure::label`]s in the metrics.
    pub(crate) const ALL: [Self; 6] =
        [Self::Instantiate, Self::Trap, Self::Memory, Self::Deadline, Self::Error, Self::Body];

    /// Its name in logs and metrics.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Instantiate => "instantiate",
            Self::Trap => "trap",
            Self::Memory => "memory",
            Self::Deadline => "deadline",
            Self::Error => "error",
            Self::Body => "body",
        }
    }
}

/// Counts the memory of an instance over all its core modules.
#[derive(Debug)]
struct Memory {
    used: usize,
    limit: usize,
    exceeded: bool,
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.exceeded = true;
            // Not `Ok(false)`: a guest that cannot allocate aborts with a trap that does not say why.
            return Err(wasmtime::format_err!(
                "the instance may have {} bytes of memory and asked for {used}",
                self.limit
            ));
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= limits::TABLE_ELEMENTS)
    }
}

impl WasiView for InstanceData {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl wasmtime_wasi_io::IoView for InstanceData {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for InstanceData {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

impl spin::variables::variables::Host for InstanceData {}

impl<T> spin::variables::variables::HostWithStore<T> for HasSelf<InstanceData> {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, spin::variables::variables::Error>> {
        Ok(accessor.with(|mut access| variables::get(&access.get().component.grants.variables, &name)))
    }
}

/// What a component may be given besides its grants.
pub(crate) struct Means {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) outbound: Outbound,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) memory: usize,
}

impl Guest {
    /// Links `component` with exactly what its grants allow.
    pub(crate) fn link(
        engine: &Engine,
        id: &str,
        component: &Component,
        grants: Grants,
        means: Means,
    ) -> Result<Self, HostError> {
        let refuse = |reason: String| HostError::Component { component: id.to_owned(), reason };
        let allowed: Vec<Pattern> = grants
            .allowed_outbound_hosts
            .iter()
            .map(|text| Pattern::parse(text))
            .collect::<Result<_, _>>()
            .map_err(refuse)?;
        check_imports(engine, component, &grants).map_err(refuse)?;
        let linker = linker(engine, !allowed.is_empty()).map_err(|error| refuse(format!("{error:#}")))?;
        let pre = linker.instantiate_pre(component).and_then(ServicePre::new).map_err(|error| {
            refuse(format!("it cannot be linked: {error:#}; expected a component that exports wasi:http/handler@0.3.0"))
        })?;
        let context = ComponentContext {
            id: id.into(),
            grants,
            store: means.store,
            allowed: allowed.into(),
            outbound: means.outbound,
            metrics: means.metrics,
            memory: means.memory,
        };
        Ok(Self { pre, context: Arc::new(context) })
    }

    /// Makes an instance.
    pub(crate) async fn instantiate(&self, engine: &Engine) -> Result<Instance, Failure> {
        let mut store = wasmtime::Store::new(engine, InstanceData::new(&self.context));
        store.limiter(|data| &mut data.memory);
        store.set_epoch_deadline(1);
        // Every tick of the epoch a busy guest gives its thread away; the deadline is kept outside.
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
        match self.pre.instantiate_async(&mut store).await {
            Ok(service) => Ok(Instance { store, service, served: 0 }),
            Err(error) => {
                tracing::error!(
                    component = &*self.context.id,
                    error = format!("{error:#}"),
                    "no instance could be made"
                );
                Err(Failure::Instantiate)
            }
        }
    }
}

impl InstanceData {
    fn new(context: &Arc<ComponentContext>) -> Self {
        let log = GuestLog::new(Arc::clone(&context.id));
        let request = RequestScope { id: "".into(), session: Arc::new(Session::new()), deadline: Duration::ZERO };
        Self {
            table: ResourceTable::new(),
            http: WasiHttpCtx::new(),
            wasi: WasiCtx::builder().stdout(log.clone()).stderr(log.clone()).build(),
            log,
            hooks: Hooks {
                allowed: Arc::clone(&context.allowed),
                outbound: context.outbound.clone(),
                store: Arc::clone(&context.store),
                session: Arc::clone(&request.session),
                metrics: Arc::clone(&context.metrics),
                component: Arc::clone(&context.id),
            },
            request,
            memory: Memory { used: 0, limit: context.memory, exceeded: false },
            component: Arc::clone(context),
        }
    }

    fn start(&mut self, scope: RequestScope) {
        self.log.start(&scope.id);
        self.hooks.session = Arc::clone(&scope.session);
        self.request = scope;
    }
}

/// An instance between requests.
pub(crate) struct Instance {
    store: wasmtime::Store<InstanceData>,
    service: Service,
    served: u32,
}

/// Where the answer goes, as soon as it is whole.
pub(crate) type AnswerSender = oneshot::Sender<Result<http::Response<Bytes>, Failure>>;

impl Instance {
    /// Serves one request and the work the guest does after it. Gives itself back if it may serve another.
    pub(crate) async fn serve(
        mut self,
        request: http::Request<Bytes>,
        scope: RequestScope,
        answer: AnswerSender,
    ) -> Option<Self> {
        let deadline = scope.deadline;
        let answered = AtomicBool::new(false);
        self.store.data_mut().start(scope);
        self.served = self.served.saturating_add(1);
        let mut answer = Some(answer);
        let outcome = {
            let service = &self.service;
            let (answered, answer) = (&answered, &mut answer);
            let run = self.store.run_concurrent(async move |accessor: &Accessor<InstanceData>| {
                let response = call(accessor, service, request).await?;
                answered.store(true, Ordering::Release);
                if let Some(sender) = answer.take()
                    && sender.send(response).is_err()
                {
                    tracing::debug!("the client left before its answer");
                }
                poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
                wasmtime::error::Ok(())
            });
            with_deadlines(run, deadline, answered).await
        };
        let failure = match &outcome {
            Ok(Ok(Ok(()))) => return (self.served < limits::REUSES).then_some(self),
            Ok(Ok(Err(error)) | Err(error)) => self.explain(error),
            Err(Elapsed) => Failure::Deadline,
        };
        self.report(failure, &outcome_text(&outcome), answered.load(Ordering::Acquire));
        if let Some(sender) = answer
            && sender.send(Err(failure)).is_err()
        {
            tracing::debug!("the client left before its answer");
        }
        None
    }

    fn explain(&self, error: &wasmtime::Error) -> Failure {
        if self.store.data().memory.exceeded {
            return Failure::Memory;
        }
        if error.downcast_ref::<BodyError>().is_some() { Failure::Body } else { Failure::Trap }
    }

    fn report(&self, failure: Failure, error: &str, after_answer: bool) {
        let data = self.store.data();
        data.component.metrics.failure(failure);
        let (component, request_id) = (&*data.component.id, &*data.request.id);
        tracing::error!(
            component,
            request_id,
            failure = failure.label(),
            after_answer,
            error,
            "the component failed; its instance is discarded"
        );
    }
}

/// What is wrong with the body of an answer.
#[derive(Debug, thiserror::Error)]
#[error("its answer {0}")]
struct BodyError(String);

type Outcome = Result<Result<wasmtime::Result<()>, wasmtime::Error>, Elapsed>;

/// The time was up.
struct Elapsed;

fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Ok(Ok(Err(error)) | Err(error)) => format!("{error:#}"),
        Err(Elapsed) => "the time was up".to_owned(),
        Ok(Ok(Ok(()))) => String::new(),
    }
}

/// Runs until done, the deadline for the answer, or the one for the work after it.
async fn with_deadlines(
    run: impl Future<Output = Result<wasmtime::Result<()>, wasmtime::Error>>,
    deadline: Duration,
    answered: &AtomicBool,
) -> Outcome {
    let mut run = pin!(run);
    let mut timer = pin!(tokio::time::sleep(deadline));
    let mut after = false;
    loop {
        tokio::select! {
            biased;
            result = &mut run => return Ok(result),
            () = &mut timer => {
                if after || !answered.load(Ordering::Acquire) {
                    return Err(Elapsed);
                }
                after = true;
                let next = Instant::now().checked_add(limits::AFTER_RESPONSE_DEADLINE).unwrap_or_else(Instant::now);
                timer.as_mut().reset(next);
            }
        }
    }
}

/// Calls the guest and collects its whole answer. The outer error ends the instance.
async fn call(
    accessor: &Accessor<InstanceData>,
    service: &Service,
    request: http::Request<Bytes>,
) -> wasmtime::Result<Result<http::Response<Bytes>, Failure>> {
    let (request, sent) = accessor.with(|mut access| {
        let hooks = &mut access.data_mut().hooks;
        let (request, sent) = Request::from_http(hooks, request.map(Full::new));
        // Boxed here: the plain type would borrow the store.
        let sent: Pin<Box<dyn Future<Output = Result<(), wasmtime_wasi_http::Error>> + Send>> = Box::pin(sent);
        (request, sent)
    });
    let response = match service.handle(accessor, request).await? {
        Ok(response) => response,
        Err(code) => {
            accessor.with(|mut access| report_error(access.data_mut(), &code));
            return Ok(Err(Failure::Error));
        }
    };
    let response = accessor.with(|mut access| response.into_http(&mut access, sent))?;
    let (head, body) = response.into_parts();
    match Limited::new(body, limits::RESPONSE_BODY_BYTES).collect().await {
        Ok(body) => Ok(Ok(http::Response::from_parts(head, body.to_bytes()))),
        Err(error) => {
            let what =
                if error.is::<LengthLimitError>() { "is too large".to_owned() } else { format!("broke off: {error}") };
            Err(wasmtime::Error::new(BodyError(what)))
        }
    }
}

fn report_error(data: &InstanceData, code: &ErrorCode) {
    data.component.metrics.failure(Failure::Error);
    tracing::error!(component = &*data.component.id, request_id = &*data.request.id, error = ?code, "the component answered with an error");
}

/// The interfaces this host has, by name and version (`@0.3` is every 0.3.x).
const INTERFACES: [&str; 18] = [
    "wasi:http/types@0.3",
    "wasi:http/client@0.3",
    "wasi:clocks/types@0.3",
    "wasi:clocks/monotonic-clock@0.3",
    "wasi:clocks/system-clock@0.3",
    "wasi:random/random@0.3",
    "wasi:random/insecure@0.3",
    "wasi:random/insecure-seed@0.3",
    "wasi:cli/stdout@0.3",
    "wasi:cli/stderr@0.3",
    "wasi:cli/stdout@0.2",
    "wasi:cli/stderr@0.2",
    "wasi:io/error@0.2",
    "wasi:io/poll@0.2",
    "wasi:io/streams@0.2",
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    "wasi:keyvalue/batch@0.2.0-draft2",
];

const VARIABLES: &str = "spin:variables/variables@3.0.0";
const CLIENT: &str = "wasi:http/client@";

/// Refuses what cannot be given, by name, before anything is linked.
fn check_imports(engine: &Engine, component: &Component, grants: &Grants) -> Result<(), String> {
    let kind = component.component_type();
    for (name, item) in kind.imports(engine) {
        let wasmtime::component::types::ComponentItem::ComponentInstance(interface) = item.ty else {
            return Err(format!("it imports {name:?}, which is not an interface; this host offers interfaces only"));
        };
        // An interface of types gives nothing: any is fine.
        let only_types = interface
            .exports(engine)
            .all(|(_, export)| matches!(export.ty, wasmtime::component::types::ComponentItem::Type(_)));
        if only_types {
            continue;
        }
        let offered = name == VARIABLES
            || INTERFACES
                .iter()
                .any(|known| name == *known || name.strip_prefix(known).is_some_and(|rest| rest.starts_with('.')));
        if !offered {
            let offered = INTERFACES.iter().chain([&VARIABLES]).copied().collect::<Vec<_>>().join(", ");
            return Err(format!(
                "it imports {name}, which this host does not offer (it offers {offered}): build it without, satisfy it with a dependency, or run it on Spin"
            ));
        }
        if name.starts_with(CLIENT) && grants.allowed_outbound_hosts.is_empty() {
            return Err(format!(
                "it imports {name}, but spin.toml gives it no allowed_outbound_hosts: name the hosts it may call, or build it without outbound requests"
            ));
        }
        if name.starts_with("wasi:keyvalue/") && grants.key_value_stores.is_empty() {
            return Err(format!(
                "it imports {name}, but spin.toml gives it no key_value_stores: name the stores it may use, or build it without"
            ));
        }
    }
    Ok(())
}

fn linker(engine: &Engine, outbound: bool) -> wasmtime::Result<Linker<InstanceData>> {
    let mut linker: Linker<InstanceData> = Linker::new(engine);
    wasi_http::types::add_to_linker::<_, WasiHttp>(&mut linker, InstanceData::http)?;
    if outbound {
        wasi_http::client::add_to_linker::<_, WasiHttp>(&mut linker, InstanceData::http)?;
    }
    wasmtime_wasi::p3::clocks::add_to_linker(&mut linker)?;
    wasmtime_wasi::p3::random::add_to_linker(&mut linker)?;
    wasmtime_wasi::p3::bindings::cli::stdout::add_to_linker::<_, WasiCli>(&mut linker, InstanceData::cli)?;
    wasmtime_wasi::p3::bindings::cli::stderr::add_to_linker::<_, WasiCli>(&mut linker, InstanceData::cli)?;
    // A panic hook cannot await: it writes through the older, synchronous streams.
    wasmtime_wasi::p2::bindings::cli::stdout::add_to_linker::<_, WasiCli>(&mut linker, InstanceData::cli)?;
    wasmtime_wasi::p2::bindings::cli::stderr::add_to_linker::<_, WasiCli>(&mut linker, InstanceData::cli)?;
    wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
    wasi::keyvalue::store::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data)?;
    wasi::keyvalue::atomics::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data)?;
    wasi::keyvalue::batch::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data)?;
    spin::variables::variables::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data)?;
    Ok(linker)
}
