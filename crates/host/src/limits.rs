//! Every limit of the host, with its reason. All are upper bounds; those an operator may want to change are the
//! defaults of [`crate::HostBuilder`].

use std::time::Duration;

// --- Requests -------------------------------------------------------------------------------------------------

/// Largest request body, in bytes, where the application names no path that takes more
/// ([`crate::HostBuilder::larger_bodies`]). The largest body elsewhere is a piece of evidence, a fourth of it.
pub const REQUEST_BODY_BYTES: usize = 1024 * 1024;

/// Larger bodies that are taken in at a time. Bundles for terminals are published one by one; four of 6 MiB are less than
/// an instance may take.
pub const LARGER_BODIES: usize = 4;

/// Largest response of a guest, in bytes. Answers are kept whole until they are durable, so they must be bounded;
/// the console's largest asset is far below.
pub const RESPONSE_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Time a client has to send the head of its request, from the moment it is connected or has its last answer: an idle
/// connection is closed after it, too. Frees connections from clients that never send one.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// Time a client has to send its body. 1 MiB in 30 s is a slow mobile link; slower is an attack or a dead peer.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Time an answer may wait for a client that reads none of it. Then its connection is dropped: a client that asks and
/// never reads would hold it for ever. A mobile link that comes back within 30 s loses nothing.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Wall-clock time one request may take in its component, outbound calls included. Terminals give up after 30 s.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(30);

/// Time work after the response may take (`spawn`). It is an optimisation, never the only path.
pub const AFTER_RESPONSE_DEADLINE: Duration = Duration::from_secs(30);

/// Requests that wait for an instance before new ones are refused with 503: at 1,000 requests/s, half a second of work.
pub const WAITING_REQUESTS: usize = 512;

/// Longest time a request waits for an instance before it is refused with 503. A refusal within 5 s lets a terminal try again.
pub const WAIT_FOR_INSTANCE: Duration = Duration::from_secs(5);

/// Seconds a refused client is asked to wait (`Retry-After`): the queues drain in less.
pub const RETRY_AFTER_SECONDS: u32 = 1;

/// Longest `x-request-id` taken from a client, in bytes: room for a UUID with a prefix, no room for abuse of the log.
pub const REQUEST_ID_BYTES: usize = 64;

/// Connections open at once. Keeps the process below the usual limit of 4,096 file descriptors with room for outbound ones.
pub const CONNECTIONS: usize = 2048;

/// Time given to requests in flight when the host stops. More than one request deadline is never needed.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(35);

// --- Instances ------------------------------------------------------------------------------------------------

/// Linear memory of one component instance, in bytes, over all core modules of it. A gateway with its three
/// components and a loaded policy needs below 8 MiB.
pub const INSTANCE_MEMORY_BYTES: usize = 64 * 1024 * 1024;

/// Instances that live at once, over all components. One serves one request at a time and is free again before
/// the commit is waited for, so a few per core are enough.
pub const INSTANCES: u32 = 32;

/// Requests one instance serves before it is replaced: bounds what a slow leak in a guest can hold.
pub const REUSES: u32 = 10_000;

/// Time an unused instance is kept. Longer than the gap between two requests of a quiet shop's queue.
pub const IDLE: Duration = Duration::from_secs(60);

/// Time between two ticks of the epoch: how long a busy guest keeps its thread from others.
pub const EPOCH_TICK: Duration = Duration::from_millis(5);

/// Core modules in one composed component: gateway, three dependencies and the adapters between them.
pub const CORE_INSTANCES_PER_COMPONENT: u32 = 64;

/// Linear memories in one composed component.
pub const MEMORIES_PER_COMPONENT: u32 = 12;

/// Tables in one composed component (each adapter module has one).
pub const TABLES_PER_COMPONENT: u32 = 24;

/// Entries in one function table. A gateway of 1 MB has about 1,500.
pub const TABLE_ELEMENTS: usize = 20_000;

/// Bytes of each linear memory that stay resident when an instance is dropped: cleared by writing instead of by a
/// system call. What a fresh instance touches is about this much.
pub const KEEP_RESIDENT_BYTES: usize = 128 * 1024;

/// Stack of a guest, in bytes. Enough for recursive JSON of the depth our parsers allow.
pub const GUEST_STACK_BYTES: usize = 1024 * 1024;

/// Stack of a guest together with the host functions it calls, in bytes: SQLite runs on it.
pub const FIBER_STACK_BYTES: usize = 4 * 1024 * 1024;

/// Log lines one request may write through its standard output or error; the rest is dropped with one remark.
pub const LOG_LINES_PER_REQUEST: usize = 100;

/// Longest log line of a guest, in bytes; the rest is cut off.
pub const LOG_LINE_BYTES: usize = 4096;

// --- Key-value store ------------------------------------------------------------------------------------------

/// Longest key, in bytes. The narrowest backend Rescind is made for (DynamoDB) allows 1,024.
pub const KEY_BYTES: usize = 1024;

/// Largest value, in bytes. The narrowest backend Rescind is made for (DynamoDB) allows 400 kB; more is a growing value, a defect.
pub const VALUE_BYTES: usize = 1024 * 1024;

/// Writes not yet durable at which new requests are refused with 503: several commits' worth.
pub const QUEUED_WRITES: usize = 4096;

/// Writes not yet durable at which a running request's write is refused. Above [`QUEUED_WRITES`], so that requests let in can finish.
pub const QUEUED_WRITES_HARD: usize = 16_384;

/// Bytes not yet durable at which a running request's write is refused; half of it refuses new requests.
pub const QUEUED_BYTES_HARD: usize = 128 * 1024 * 1024;

/// Keys in one answer of `list-keys`; more come with a cursor.
pub const KEYS_PER_PAGE: usize = 1000;

/// Largest component that is archived, in bytes. Ours are below 1 MB; one that brings an interpreter has some 20 MB.
pub const COMPONENT_BYTES: usize = 64 * 1024 * 1024;

/// Buckets and compare-and-swap handles one instance may hold at once: a leak in a guest ends here.
pub const HANDLES: usize = 1024;

/// Ranges of lost writes that are told apart. Beyond it the oldest are merged, which can only refuse more, never less.
pub const LOST_RANGES: usize = 64;

/// Pages in the write-ahead log (of 4 KiB) at which it is copied into the database: 16 MiB. It is longer for as long as
/// somebody reads an older state, as a backup does.
pub const WAL_PAGES: u32 = 4096;

/// Size the write-ahead log file is cut back to, in bytes.
pub const WAL_FILE_BYTES: u32 = 64 * 1024 * 1024;

/// Time between two lines of the log while the database is checked at the start: some 20 s for each GB.
pub const CHECK_REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// Longest time a start waits for a backup that reads the database. One of 10 GB is made in less.
pub const WAIT_FOR_BACKUP: Duration = Duration::from_secs(600);

/// Longest manifest of a backup that is read, in bytes: a dozen short fields.
pub const MANIFEST_BYTES: u64 = 64 * 1024;

/// Page cache of one SQLite connection, in KiB.
pub const SQLITE_CACHE_KIB: u32 = 32 * 1024;

// --- Outbound HTTP --------------------------------------------------------------------------------------------

/// Time to resolve a name, connect and shake hands.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Time until the head of the answer arrives. Webhook receivers are told to answer at once.
pub const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(15);

/// Time between two pieces of an answer's body.
pub const BETWEEN_BYTES_TIMEOUT: Duration = Duration::from_secs(10);

/// Largest answer read from another server, in bytes. Nobody's answer is needed beyond its status and a short reason.
pub const OUTBOUND_RESPONSE_BYTES: usize = 1024 * 1024;

/// Idle connections kept to one other server.
pub const OUTBOUND_IDLE_PER_HOST: usize = 4;

/// Time an idle connection to another server is kept.
pub const OUTBOUND_IDLE: Duration = Duration::from_secs(30);

/// Outbound requests in flight at once, over all components: bounds file descriptors.
pub const OUTBOUND_REQUESTS: usize = 256;

// --- Ticker, telemetry ----------------------------------------------------------------------------------------

/// Shortest time between two ticks. A tick walks every due list; more often than this is a loop.
pub const TICK_MINIMUM: Duration = Duration::from_millis(50);

/// Spans waiting for export; beyond it new ones are dropped and counted.
pub const SPANS: usize = 4096;

/// Spans in one export request.
pub const SPANS_PER_EXPORT: usize = 512;

/// Time between two exports of spans.
pub const EXPORT_INTERVAL: Duration = Duration::from_secs(2);

/// Time one export may take.
pub const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
