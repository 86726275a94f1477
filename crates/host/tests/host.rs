//! The host around a component that fails on demand (`faulty.wat`).

#![allow(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use rescind_host::store::{
    Archive, Component, Figures, Kept, Keys, Seen, Session, SqliteStore, Store, StoreError, Swap,
};
use rescind_host::{Handler, Host, HostBuilder, HostError, OpenError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const FAULTY: &str = include_str!("faulty.wat");

const MANIFEST: &str = r#"
    spin_manifest_version = 2
    [application]
    name = "test"
    [[trigger.http]]
    route = "/v1/..."
    component = "faulty"
    [component.faulty]
    source = "faulty.wasm"
"#;

/// A folder with an application and a store.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self::with(FAULTY)
    }

    fn with(component: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("faulty.wasm"), wat::parse_str(component).unwrap()).unwrap();
        std::fs::write(folder.path().join("spin.toml"), MANIFEST).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The store. The instances of a host that was dropped let go of it a little later, on threads of their own.
    fn store(&self) -> Arc<SqliteStore> {
        let started = std::time::Instant::now();
        loop {
            match SqliteStore::open(&self.path("rescind.db")) {
                Err(OpenError::InUse { .. }) if started.elapsed() < Duration::from_secs(20) => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                opened => return Arc::new(opened.unwrap()),
            }
        }
    }

    fn builder(&self) -> HostBuilder {
        Host::builder(self.path("spin.toml")).store(self.store()).listen(([127, 0, 0, 1], 0).into())
    }

    async fn refusal(&self) -> String {
        match self.builder().build().await {
            Ok(_) => panic!("the host started"),
            Err(HostError::Component { component, reason }) => format!("{component}: {reason}"),
            Err(other) => panic!("{other}"),
        }
    }
}

fn request(method: Method, path: &str) -> Request<Bytes> {
    Request::builder().method(method).uri(path).body(Bytes::new()).unwrap()
}

async fn status(handler: &Handler, method: Method) -> StatusCode {
    handler.handle(request(method, "/v1/x")).await.status()
}

fn problem(response: &Response<Bytes>) -> serde_json::Value {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_a_loop_and_a_memory_blow_up_cost_exactly_their_request() {
    let world = World::new();
    let host = world.builder().deadline(Duration::from_millis(500)).instances(16).build().await.unwrap();
    let handler = host.handler();
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let mut failing = request(method.clone(), "/v1/x");
        failing.headers_mut().insert("x-request-id", "the-failing-one".parse().unwrap());
        let failed = tokio::spawn({
            let handler = handler.clone();
            async move { handler.handle(failing).await }
        });
        let bystanders: Vec<_> = (0..8)
            .map(|_| {
                let handler = handler.clone();
                tokio::spawn(async move { status(&handler, Method::GET).await })
            })
            .collect();
        for bystander in bystanders {
            assert_eq!(bystander.await.unwrap(), StatusCode::OK, "beside {method}");
        }
        let failed = failed.await.unwrap();
        assert_eq!(failed.status(), StatusCode::INTERNAL_SERVER_ERROR, "{method}");
        assert_eq!(failed.headers()["x-request-id"], "the-failing-one");
        let expected = serde_json::json!({
            "type": "about:blank", "title": "The request could not be completed", "status": 500, "code": "internal", "instance": "the-failing-one",
        });
        assert_eq!(problem(&failed), expected);
        assert_eq!(status(&handler, Method::GET).await, StatusCode::OK, "after {method}");
    }
    let metrics = handler.handle(request(Method::GET, "/metrics")).await;
    let metrics = String::from_utf8(metrics.into_body().to_vec()).unwrap();
    for reason in ["trap", "memory", "deadline"] {
        let line = format!("rescind_host_component_failures_total{{reason=\"{reason}\"}} 1\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_used_again_and_bounded() {
    let world = World::new();
    let host = world.builder().instances(2).build().await.unwrap();
    let handler = host.handler();
    for _ in 0..50 {
        assert_eq!(status(&handler, Method::GET).await, StatusCode::OK);
    }
    let all: Vec<_> = (0..50)
        .map(|_| {
            let handler = handler.clone();
            tokio::spawn(async move { status(&handler, Method::GET).await })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap(), StatusCode::OK);
    }
    let metrics = handler.handle(request(Method::GET, "/metrics")).await;
    let metrics = String::from_utf8(metrics.into_body().to_vec()).unwrap();
    // Two at the most; one, if the machine never had two requests under way at the same moment.
    let made = ["1", "2"].map(|n| format!("rescind_host_instances_made_total {n}\n"));
    assert!(made.iter().any(|line| metrics.contains(line)), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_for_an_instance_is_told_to_come_back() {
    let world = World::new();
    let host = world
        .builder()
        .instances(1)
        .deadline(rescind_host::limits::WAIT_FOR_INSTANCE + Duration::from_secs(1))
        .build()
        .await
        .unwrap();
    let handler = host.handler();
    let busy = tokio::spawn({
        let handler = handler.clone();
        async move { status(&handler, Method::PUT).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let refused = handler.handle(request(Method::GET, "/v1/x")).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(problem(&refused)["code"], "busy");
    assert_eq!(busy.await.unwrap(), StatusCode::INTERNAL_SERVER_ERROR);
}

/// A store that is in trouble: it says so when it is asked whether it is ready, or at the end.
struct Troubled {
    store: Arc<SqliteStore>,
    ready: Option<StoreError>,
    durable: Option<StoreError>,
}

impl Store for Troubled {
    fn get(&self, session: &Session, store: &str, key: &str) -> Result<Seen, StoreError> {
        self.store.get(session, store, key)
    }
    fn set(&self, session: &Session, store: &str, key: &str, value: Bytes) -> Result<(), StoreError> {
        self.store.set(session, store, key, value)
    }
    fn delete(&self, session: &Session, store: &str, key: &str) -> Result<(), StoreError> {
        self.store.delete(session, store, key)
    }
    fn keys(&self, session: &Session, store: &str, after: Option<&str>, limit: usize) -> Result<Keys, StoreError> {
        self.store.keys(session, store, after, limit)
    }
    fn increment(&self, session: &Session, store: &str, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.store.increment(session, store, key, delta)
    }
    fn swap(&self, session: &Session, store: &str, key: &str, seen: &Seen, value: Bytes) -> Result<Swap, StoreError> {
        self.store.swap(session, store, key, seen, value)
    }
    fn durable<'a>(&'a self, _: &'a Session) -> futures_util::future::BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(std::future::ready(self.durable.clone().map_or(Ok(()), Err)))
    }
    fn ready(&self) -> Result<(), StoreError> {
        self.ready.clone().map_or(Ok(()), Err)
    }
    fn blocks(&self) -> bool {
        false
    }
    fn keep_component(&self, component: &Component) -> Result<Kept, StoreError> {
        self.store.keep_component(component)
    }
    fn figures(&self) -> Figures {
        self.store.figures()
    }
    fn close(&self) {
        self.store.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_trouble_is_a_clean_503_with_a_time_to_come_back() {
    let busy = || StoreError::Busy { waiting: 4096 };
    let lost = || StoreError::Lost { reason: "database or disk is full".to_owned() };
    let stopped = || StoreError::Stopped { reason: "disk I/O error".to_owned() };
    // What the store says when it is asked before, and after; the request; what is answered. POST traps if it is run.
    let cases = [
        (Some(busy()), None, Method::POST, Some("busy")),
        (Some(busy()), None, Method::GET, None),
        (None, Some(lost()), Method::GET, Some("not-durable")),
        (Some(stopped()), None, Method::POST, Some("store-stopped")),
        (Some(stopped()), None, Method::GET, Some("store-stopped")),
        (None, Some(stopped()), Method::GET, Some("store-stopped")),
    ];
    let world = World::new();
    for (ready, durable, method, expected) in cases {
        let store = Troubled { store: world.store(), ready, durable };
        let builder = Host::builder(world.path("spin.toml")).store(Arc::new(store)).listen(([127, 0, 0, 1], 0).into());
        let response = builder.build().await.unwrap().handler().handle(request(method.clone(), "/v1/x")).await;
        let Some(code) = expected else {
            assert_eq!(response.status(), StatusCode::OK, "{method}");
            continue;
        };
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{method} {code}");
        assert_eq!(problem(&response)["code"], code);
        assert_eq!(response.headers()["retry-after"], "1");
        let said = String::from_utf8(response.body().to_vec()).unwrap();
        assert!(!said.contains("disk"), "what is wrong inside is nobody's business outside: {said}");
    }
}

/// Sends raw bytes and gives everything the server answers until it closes.
async fn exchange(address: std::net::SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_socket_requests_are_bounded_and_stopping_is_clean() {
    let world = World::new();
    let store = world.store();
    let host = Host::builder(world.path("spin.toml"))
        .store(store.clone())
        .larger_bodies("/v1/large", rescind_host::limits::REQUEST_BODY_BYTES + 1)
        .listen(([127, 0, 0, 1], 0).into())
        .build()
        .await
        .unwrap();
    let address = host.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(host.serve(async { stopped.await.unwrap() }));

    let answer = exchange(address, "GET /v1/a HTTP/1.1\r\nhost: x\r\n\r\nGET /v1/b HTTP/1.1\r\nhost: x\r\nx-request-id: mine\r\nconnection: close\r\n\r\n").await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert!(answer.contains("x-request-id: mine\r\n"), "{answer}");

    let answer = exchange(address, "GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("\"no-route\""), "{answer}");

    let too_large = rescind_host::limits::REQUEST_BODY_BYTES + 1;
    let answer = exchange(
        address,
        &format!("GET /v1/a HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {too_large}\r\n\r\n"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("application/problem+json"), "{answer}");
    // More is taken where the application says so, whether its length is announced or not.
    let body = "x".repeat(too_large);
    let length = format!("content-length: {too_large}");
    let announced = format!("GET /v1/large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{length}\r\n\r\n{body}");
    let chunked = format!(
        "GET /v1/large HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n{too_large:x}\r\n{body}\r\n0\r\n\r\n"
    );
    for request in [announced, chunked] {
        let answer = exchange(address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    let idle = TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap();
    drop(idle);
    assert!(matches!(store.ready(), Err(StoreError::Stopped { .. })));
    drop(store);
    world.store();
}

/// A server with one connection, which a client holds. `hold` is done when that client has lost it.
async fn the_only_slot_is_freed(builder: HostBuilder, hold: impl AsyncFnOnce(TcpStream)) {
    let host = builder.connections(1).build().await.unwrap();
    let address = host.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(host.serve(async { stopped.await.unwrap() }));
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    // Little that the system takes for a client who does not read.
    socket.set_recv_buffer_size(4096).unwrap();
    let holder = socket.connect(address).await.unwrap();
    let long = Duration::from_secs(60);
    tokio::time::timeout(long, hold(holder)).await.unwrap();
    let next = exchange(address, "GET /v1/a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let answer = tokio::time::timeout(long, next).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stop.send(()).unwrap();
    server.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_loses_its_connection() {
    let world = World::new();
    let patient = Duration::from_secs(600);
    let builder = world.builder().head_timeout(patient).write_timeout(Duration::from_millis(200));
    the_only_slot_is_freed(builder, async |mut stalled| {
        // Without the timeout this never ends: the server stops reading while nobody takes its answers.
        while stalled.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await.is_ok() {}
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_nothing_loses_its_connection() {
    for before in ["", "GET /v1/a HTT", "GET /v1/a HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let world = World::new();
        let patient = Duration::from_secs(600);
        let builder = world.builder().head_timeout(Duration::from_millis(200)).write_timeout(patient);
        the_only_slot_is_freed(builder, async |mut idle| {
            idle.write_all(before.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            idle.read_to_end(&mut answer).await.unwrap();
        })
        .await;
    }
}

const RULES: &str = r#"(component
    (core module $m (func (export "limit") (result i32) (i32.const 7)))
    (core instance $i (instantiate $m))
    (func $limit (result u32) (canon lift (core func $i "limit")))
    (instance $out (export "limit" (func $limit)))
    (export "shop:rules/check@0.1.0" (instance $out)))"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_decides_is_archived_before_it_can() {
    let world = World::with(&FAULTY.replacen(
        "(component",
        "(component (import \"shop:rules/check@0.1.0\" (instance (export \"limit\" (func (result u32)))))",
        1,
    ));
    let manifest = format!(
        "{MANIFEST}[component.faulty.dependencies]\n\"shop:rules/check@0.1.0\" = {{ path = \"rules.wasm\" }}\n"
    );
    std::fs::write(world.path("spin.toml"), manifest).unwrap();
    let mut builds = Vec::new();
    for number in ["7", "8", "8"] {
        let bytes = wat::parse_str(RULES.replace('7', number)).unwrap();
        std::fs::write(world.path("rules.wasm"), &bytes).unwrap();
        builds.push(bytes);
        let host = world.builder().build().await.unwrap();
        assert_eq!(status(&host.handler(), Method::GET).await, StatusCode::OK);
    }
    let archive = Archive::open(&world.path("rescind.db")).unwrap();
    let mut kept = Vec::new();
    for entry in archive.list().unwrap() {
        assert_eq!((entry.name.as_str(), entry.whole), ("rules", true));
        kept.push(archive.get(&entry.digest).unwrap().bytes().to_vec());
    }
    kept.sort();
    builds.sort();
    builds.dedup();
    assert_eq!(kept, builds);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiled_component_is_kept_and_a_damaged_one_is_not_run() {
    let world = World::new();
    let cache = world.path("cache");
    let build = || async {
        let host = world.builder().cache(&cache).build().await.unwrap();
        assert_eq!(status(&host.handler(), Method::GET).await, StatusCode::OK);
    };
    build().await;
    let kept: Vec<_> = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1);
    build().await;
    let mut bytes = std::fs::read(&kept[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&kept[0], &bytes).unwrap();
    build().await;
    assert_ne!(std::fs::read(&kept[0]).unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_is_refused_by_name() {
    for (import, expected) in [
        (
            "wasi:http/client@0.3.0",
            "faulty: it imports wasi:http/client@0.3.0, but spin.toml gives it no allowed_outbound_hosts",
        ),
        (
            "wasi:keyvalue/store@0.2.0-draft2",
            "faulty: it imports wasi:keyvalue/store@0.2.0-draft2, but spin.toml gives it no key_value_stores",
        ),
        (
            "wasi:filesystem/types@0.3.0",
            "faulty: it imports wasi:filesystem/types@0.3.0, which this host does not offer",
        ),
        ("shop:rules/check@0.1.0", "faulty: it imports shop:rules/check@0.1.0, which this host does not offer"),
    ] {
        let world = World::with(&format!("(component (import \"{import}\" (instance (export \"f\" (func)))))"));
        let refusal = world.refusal().await;
        assert!(refusal.starts_with(expected), "{refusal}");
    }
    let refusal = World::with("(component)").refusal().await;
    assert!(refusal.contains("wasi:http/handler@0.3.0"), "{refusal}");
}
