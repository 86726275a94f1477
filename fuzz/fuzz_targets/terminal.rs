//! The C interface as a careless program calls it: any call in any order, on terminals that are open, closed or never
//! were, with genuine texts, damaged ones and rubbish, with buffers that fit, are short or are none, and from a second
//! thread while the first is inside. What its documentation promises must hold of every answer.
//!
//! Its input is a script of calls, six bytes each ([`Call`]); zeros are genuine. Pointers keep the contract: what is said
//! to be readable or writable is, and not a byte more, so that the sanitizer sees every byte too many.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind_bundle::{ClassPolicy, Content, Signer as _, SigningKey, Times, Trust};
use rescind_journal::{Acknowledgement, Head, OperationOutcome, OperationResult};
use rescind_model::record::Question;
use rescind_model::token::Token as _;
use rescind_model::{
    BusinessDay, Channel, Forwarding, Instant, Money, OperationId, OperationQuestion, RefundQuestion, Sale,
    SaleOutcome, SaleStatus, SettlementMode, VoidQuestion, Way,
};
use rescind_proof::{Authenticated, Method, Operation, Proof, operation_digest};
use rescind_terminal::ffi::{self, BatchInfo, ClockReading, Handle};
use rescind_terminal::{Ask, Begin, ClockQuality, Code, Operator, Setup, Shown, Subject, Told, code};
use std::collections::BTreeSet;
use std::ffi::c_void;
use std::path::PathBuf;
use std::ptr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// 2026-11-23T11:00:00+08:00.
const NOW: i64 = 1_795_402_800_000;
const DAY: i64 = 86_400_000;

/// Calls of one script: enough for two lives of a terminal, few enough to be quick.
const CALLS: usize = 40;

const POLICY: &str = include_str!("../terminal.toml");

static CODE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let path = std::env::var_os("RESCIND_PULLEY").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/components/pulley64.cwasm")),
        PathBuf::from,
    );
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; fuzz/README.md says what makes it", path.display()))
});

/// Three versions.
static BUNDLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let compiled = rescind_policy::compile(POLICY, "terminal.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let engine = rescind_terminal::engine(Code::Pulley);
    let bundle = |version| {
        let content = Content {
            name: "fuzz".into(),
            version,
            target: engine.target.clone(),
            wasmtime: engine.wasmtime.clone(),
            profile: engine.profile,
            component: [4; 32],
            code: CODE.clone(),
            policies: vec![ClassPolicy { class: None, canonical: compiled.canonical().to_vec() }],
            proof_keys: vec![proof_key().public(None)],
            times: Times { not_before: NOW - DAY, expires: NOW + DAY, made_at: NOW - DAY, server_time: NOW - DAY },
        };
        content.sign(&[], &key(1)).unwrap()
    };
    (1..=3).map(bundle).collect()
});

/// Where the terminals keep their files: in memory, or it would be the disk that is measured.
static HOME: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let below = if memory.is_dir() { memory } else { std::env::temp_dir() };
    below.join(format!("rescind-fuzz-{}", std::process::id()))
});

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn proof_key() -> rescind_proof::SigningKey {
    rescind_proof::SigningKey::from_seed([3; 32])
}

fn at(unix_ms: i64) -> Instant {
    Instant { unix_ms }
}

fn cny(minor: i64) -> Money {
    Money::new(minor, "CNY").unwrap()
}

/// Bytes of the fuzzer, read from the front; zeros when they have run out.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn take(&mut self, most: usize) -> Vec<u8> {
        let (front, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        front.to_vec()
    }

    fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        bytes.iter_mut().for_each(|byte| *byte = self.byte());
        u64::from_le_bytes(bytes)
    }
}

/// One call of a script: what, on which terminal, at what time, with what, about which sale, into what.
struct Call {
    what: u8,
    device: u8,
    clock: u8,
    payload: u8,
    about: u8,
    out: u8,
}

impl Call {
    fn read(script: &mut Script<'_>) -> Self {
        let mut byte = || script.byte();
        let (what, device, clock) = (byte(), byte(), byte());
        Self { what, device, clock, payload: byte(), about: byte(), out: byte() }
    }
}

/// What the security module does when it is asked to sign, and whose it is.
struct Module {
    handle: AtomicU64,
    manner: u8,
}

/// Signs, and meanwhile lets another thread try to get in.
unsafe extern "C" fn sign(
    context: *mut c_void,
    message: *const u8,
    message_length: usize,
    signature: *mut u8,
    capacity: usize,
    length: *mut usize,
) -> i32 {
    // SAFETY: `context` is a module that lives until its terminal is closed; the rest is what the type promises.
    let (module, message) =
        unsafe { (&*context.cast::<Module>(), std::slice::from_raw_parts(message, message_length)) };
    let handle = module.handle.load(Ordering::Relaxed);
    let refused = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let mut out = Out::of(0, 4_096);
            // SAFETY: our own buffer.
            let status =
                unsafe { ffi::rescind_terminal_status(handle, now(0), out.start(), out.capacity, out.needed()) };
            out.check(status, false);
            (status, ffi::rescind_terminal_close(handle), ffi::rescind_terminal_hear(handle, now(0), now(0), NOW))
        });
        thread.join().unwrap()
    });
    assert_eq!(refused, (code::BUSY, code::BUSY, code::BUSY), "a second thread got in");
    let signed = key(2).sign(&[message]).unwrap();
    let (answer, written): (i32, &[u8]) = match module.manner % 5 {
        1 => (7, &[]),
        2 => (0, &[]),
        3 => (0, &[0x5a; 12]),
        _ => (0, &signed),
    };
    assert!(capacity >= written.len());
    // SAFETY: writable for the capacity; the length is writable.
    unsafe {
        ptr::copy_nonoverlapping(written.as_ptr(), signature, written.len());
        length.write(if module.manner % 5 == 4 { capacity + 1 } else { written.len() });
    }
    answer
}

fn now(clock: u8) -> ClockReading {
    let after = i64::from(clock & 0x3f) * 700;
    let reading = ClockReading { wall_unix_ms: NOW + after, monotonic_ms: 60_000 + u64::try_from(after).unwrap() };
    match clock >> 6 {
        0 | 1 => reading,
        2 => ClockReading { wall_unix_ms: NOW - i64::from(clock) * 900_000, ..reading },
        _ if clock == 255 => ClockReading { wall_unix_ms: i64::MIN, monotonic_ms: u64::MAX },
        _ => ClockReading { monotonic_ms: u64::from(clock & 0x3f), ..reading },
    }
}

/// A buffer for an answer, of exactly the capacity that is told.
struct Out {
    bytes: Option<Box<[u8]>>,
    capacity: usize,
    needed: Box<usize>,
    /// Whether `needed` is told, and whether the buffer is one.
    has_needed: bool,
    is_usable: bool,
}

/// What buffers hold before a call, to see what was written.
const BLANK: u8 = 0xa5;

/// What `needed` holds before a call.
const UNTOLD: usize = usize::MAX;

impl Out {
    fn of(manner: u8, large: usize) -> Self {
        let (capacity, null, has_needed) = match manner % 8 {
            0 | 1 => (large, false, true),
            2 => (0, true, true),
            3 => (0, false, true),
            4 => (usize::from(manner), false, true),
            5 => (40, true, true),
            6 => (large, false, false),
            _ => (600, false, true),
        };
        let bytes = (!null).then(|| vec![BLANK; capacity].into_boxed_slice());
        Self {
            bytes,
            capacity,
            needed: Box::new(UNTOLD),
            has_needed,
            is_usable: has_needed && (!null || capacity == 0),
        }
    }

    fn start(&mut self) -> *mut u8 {
        self.bytes.as_mut().map_or(ptr::null_mut(), |bytes| bytes.as_mut_ptr())
    }

    fn needed(&mut self) -> *mut usize {
        if self.has_needed { &raw mut *self.needed } else { ptr::null_mut() }
    }

    /// What the documentation promises of every answer. Gives the answer if there is one here.
    fn check(&self, answered: i32, is_json: bool) -> Option<&[u8]> {
        let bytes = self.bytes.as_deref().unwrap_or_default();
        if !self.is_usable {
            assert_eq!(answered, code::ARGUMENT, "an answer without a place for it");
            assert!(bytes.iter().all(|byte| *byte == BLANK));
            return None;
        }
        let needed = *self.needed;
        assert_ne!(needed, UNTOLD, "{answered}: what is needed was not told");
        match answered {
            code::OK | code::NOT_ALLOWED => {
                let (answer, rest) = bytes.split_at(needed);
                assert!(rest.iter().all(|byte| *byte == BLANK), "more was written than was said");
                assert!(!is_json || serde_json::from_slice::<serde_json::Value>(answer).is_ok(), "not JSON");
                Some(answer)
            }
            code::BUFFER => {
                assert!(needed > self.capacity);
                assert!(bytes.iter().all(|byte| *byte == BLANK), "a part of the answer was written");
                None
            }
            _ => {
                assert_eq!(needed, 0, "{answered}: an error has no answer");
                assert!(bytes.iter().all(|byte| *byte == BLANK));
                None
            }
        }
    }
}

/// A terminal that was opened, as its caller knows it.
struct Device {
    number: Handle,
    folder: usize,
    is_open: bool,
    /// Lives as long as the terminal may sign.
    _module: Option<Box<Module>>,
}

/// What was answered about one folder: it must stay true, whoever opens it next.
#[derive(Default)]
struct Known {
    next: u64,
    begun: BTreeSet<String>,
    released: bool,
}

#[derive(Default)]
struct World {
    devices: Vec<Device>,
    known: [Known; 2],
}

fn setup(folder: usize) -> Setup {
    Setup {
        merchant: "M-1".parse().unwrap(),
        merchant_name: "静安小店".into(),
        terminal: "T1".parse().unwrap(),
        class: None,
        utc_offset_minutes: 480,
        folder: HOME.join(folder.to_string()),
        trust: Trust::first("fuzz", key(1).public().clone()),
        code: Code::Pulley,
        boot: "run-1".into(),
        journal_id: "07".repeat(16),
        clocks: ClockQuality::default(),
        max_records: 24,
        max_bytes: 256 * 1024,
    }
}

fn sale(about: u8) -> Sale {
    Sale {
        id: sale_id(about).parse().unwrap(),
        merchant: "M-1".parse().unwrap(),
        slip: None,
        order_number: None,
        retrieval_reference: None,
        operator: None,
        captured: cny(amount(about)),
        coupon: None,
        fee_charged: cny(72),
        channel: if about & 0x20 == 0 { Channel::Card } else { Channel::PaymentCode },
        card_type: None,
        kind: "purchase".into(),
        payer_token: Some("tok-1".into()),
        contact: None,
        service_at: None,
        paid_at: at(NOW),
        business_day: BusinessDay::new(2026, 11, 23).unwrap(),
        settlement: if about & 0x40 == 0 { SettlementMode::Ordinary } else { SettlementMode::RealTime },
    }
}

fn sale_id(about: u8) -> String {
    format!("S-{}", about % 4)
}

fn operation_id(about: u8) -> String {
    format!("V-{}", about % 8)
}

fn amount(about: u8) -> i64 {
    if about & 0x10 == 0 { 12_000 } else { 90_000 }
}

fn outcome(about: u8) -> SaleOutcome {
    match about >> 6 {
        0 | 1 => SaleOutcome::Good,
        2 => SaleOutcome::Unknown,
        _ => SaleOutcome::Unpaid,
    }
}

fn proof(about: u8) -> String {
    let minor = amount(about);
    let operation = operation_digest(&Operation {
        merchant: "M-1",
        sale: &sale_id(about),
        way: Way::Void.token(),
        minor,
        currency: "CNY",
        reason: Some("wrong-amount"),
        terminal: Some("T1"),
        holder: "terminal",
        penalty: false,
        order: None,
        case: None,
        fees: None,
    });
    let proof = Proof {
        merchant: "M-1".into(),
        terminal: Some("T1".into()),
        person: "li".into(),
        operator: "07".into(),
        roles: vec!["supervisor".into()],
        authenticated: Authenticated { method: Method::Pin, at_unix_ms: NOW },
        expires_at_unix_ms: NOW + 120_000,
        operation,
    };
    proof_key().sign(&proof).unwrap()
}

fn ask(about: u8) -> Ask {
    let amount = cny(amount(about));
    let reason = Some("wrong-amount".to_owned());
    let question = match about & 0x0c {
        0 | 4 => Question::Void(VoidQuestion { amount, reason, legal: about & 4 != 0, evidence: vec![] }),
        8 => Question::Refund(RefundQuestion { amount, reason, evidence: vec!["receipt".into()] }),
        _ => Question::Operation(OperationQuestion {
            way: [Way::Reversal, Way::OrderClose, Way::HoldRelease, Way::HoldCompletion][usize::from(about >> 6)],
            amount: None,
            trouble: None,
            reason,
            penalty: false,
        }),
    };
    let status =
        SaleStatus { outcome: outcome(about), batch_closed_at: None, settled_at: None, paid_out_at: None, late: None };
    let told = Told { sale: sale(about), status, balance: None, code: None, hold: None };
    Ask {
        sale: if about & 0x80 == 0 { Subject::Stored(sale(about).id) } else { Subject::Told(told) },
        question,
        operator: Some(Operator { person: "li".parse().unwrap(), roles: vec!["supervisor".parse().unwrap()] }),
        proof: (about & 1 == 0).then(|| proof(about)),
        identity: vec![Shown::Card("tok-1".into())],
        fees: None,
    }
}

/// What a text is for.
#[derive(Clone, Copy)]
enum Text {
    VoidLook,
    Ask,
    Look,
    Sale,
    SaleId,
    Begin,
    Outcome,
    OperationId,
    Acknowledgement,
    Bundle,
}

impl World {
    fn genuine(&self, text: Text, about: u8, device: Option<&Device>) -> Vec<u8> {
        let json = |value: &dyn Fn() -> serde_json::Result<Vec<u8>>| value().unwrap();
        match text {
            Text::VoidLook => serde_json::json!({
                "sale": sale_id(about), "reason": "wrong-amount", "operator": {"person": "li", "roles": ["supervisor"]}
            })
            .to_string()
            .into_bytes(),
            Text::Ask => json(&|| serde_json::to_vec(&ask(about))),
            Text::Look => {
                serde_json::json!({ "sale": ask(about).sale, "operator": ask(about).operator }).to_string().into_bytes()
            }
            Text::Sale => {
                let forwarding = [Forwarding::Kept, Forwarding::Kept, Forwarding::PerhapsSent, Forwarding::Forwarded];
                let forwarding = forwarding[usize::from(about >> 6)];
                serde_json::json!({ "sale": sale(about), "outcome": outcome(about), "forwarding": forwarding })
                    .to_string()
                    .into_bytes()
            }
            Text::SaleId => sale_id(about).into_bytes(),
            Text::Begin => {
                let begin = Begin { operation: operation_id(about).parse().unwrap(), ask: ask(about) };
                json(&|| serde_json::to_vec(&begin))
            }
            Text::Outcome => {
                let results = [OperationResult::Done, OperationResult::Failed, OperationResult::Unknown];
                let result = results.get(usize::from(about >> 6)).copied().unwrap_or(OperationResult::Withdrawn);
                let operation: OperationId = operation_id(about).parse().unwrap();
                json(&|| {
                    let outcome =
                        OperationOutcome { operation: operation.clone(), result, detail: Some("终端".into()) };
                    serde_json::to_vec(&outcome)
                })
            }
            Text::OperationId => operation_id(about).into_bytes(),
            Text::Acknowledgement => {
                // What the server would say if it had all of it, or, of some, only the beginning.
                let field = if about & 1 == 0 { "head" } else { "acknowledged" };
                let head = device.and_then(|device| status(device)).map(|status| status["journal"][field].clone());
                let head = head.and_then(|head| serde_json::from_value::<Head>(head).ok());
                let Some(head) = head else { return Vec::new() };
                let answer =
                    Acknowledgement { head, server_time: at(NOW + 1_000), counted: None, operations: Vec::new() };
                json(&|| serde_json::to_vec(&answer))
            }
            Text::Bundle => BUNDLES[usize::from(about) % BUNDLES.len()].clone(),
        }
    }

    /// What is given: genuine, of another kind, damaged, cut off, or any bytes.
    fn given(&self, script: &mut Script<'_>, call: &Call, text: Text, device: Option<&Device>) -> Given {
        let mut bytes = match call.payload % 8 {
            0..=2 => self.genuine(text, call.about, device),
            3 => self.genuine(
                [Text::Ask, Text::Sale, Text::Begin][usize::from(call.payload >> 3) % 3],
                call.about,
                device,
            ),
            4 | 5 => {
                let mut bytes = self.genuine(text, call.about, device);
                for _ in 0..=call.payload >> 4 {
                    let place = usize::from(script.byte()) * 256 + usize::from(script.byte());
                    let value = script.byte();
                    match bytes.len() {
                        0 => bytes.push(value),
                        length => bytes[place % length] ^= value,
                    }
                }
                bytes
            }
            6 => {
                let length = usize::from(script.byte());
                script.take(length)
            }
            _ => return Given { bytes: Box::default(), null: Some(usize::from(call.payload >> 3)) },
        };
        if call.payload & 0x80 != 0 {
            bytes.truncate(bytes.len() * usize::from(script.byte()) / 255);
        }
        Given { bytes: bytes.into_boxed_slice(), null: None }
    }

    fn device(&self, call: &Call) -> (Handle, Option<usize>) {
        let index = usize::from(call.device >> 2);
        match call.device & 3 {
            3 => (u64::from(call.device) << (call.about % 60), None),
            _ if self.devices.is_empty() => (0, None),
            // The last one that was opened is asked most.
            0 | 1 => (self.devices[self.devices.len() - 1].number, Some(self.devices.len() - 1)),
            _ => {
                let index = index % self.devices.len();
                (self.devices[index].number, Some(index))
            }
        }
    }

    fn open(&mut self, script: &mut Script<'_>, call: &Call, by_module: bool) {
        let folder = usize::from(call.device & 1);
        let is_taken = self.devices.iter().any(|device| device.is_open && device.folder == folder);
        let mut text = serde_json::to_vec(&setup(folder)).unwrap();
        let mut secret =
            if by_module { key(2).public().to_string() } else { key(2).secret_text().to_string() }.into_bytes();
        let is_genuine = call.payload % 8 < 5;
        match call.payload % 8 {
            5 => {
                let place = (usize::from(script.byte()) * 256 + usize::from(script.byte())) % text.len();
                text[place] ^= script.byte();
            }
            6 => secret = script.take(60),
            7 => text = script.take(200),
            _ => {}
        }
        // A damaged setup could name a folder anywhere on this machine: it is only taken if it does not.
        let folder_is_ours = serde_json::from_slice::<serde_json::Value>(&text).ok().is_none_or(|setup| {
            setup["folder"]
                .as_str()
                .is_none_or(|folder| folder == self::setup(usize::from(call.device & 1)).folder.to_string_lossy())
        });
        if !folder_is_ours {
            return;
        }
        let module = by_module.then(|| Box::new(Module { handle: AtomicU64::new(0), manner: call.about }));
        let context =
            module.as_deref().map_or(ptr::null_mut(), |module| ptr::from_ref(module).cast_mut().cast::<c_void>());
        let (text, secret) = (text.into_boxed_slice(), secret.into_boxed_slice());
        let mut number: Handle = 99;
        let place = if call.out == 255 { ptr::null_mut() } else { &raw mut number };
        // SAFETY: our own buffers; the module lives as long as the device.
        let answered = unsafe {
            match &module {
                Some(_) => ffi::rescind_terminal_open_with_signer(
                    text.as_ptr(),
                    text.len(),
                    secret.as_ptr(),
                    secret.len(),
                    if call.out == 254 { None } else { Some(sign) },
                    context,
                    now(call.clock),
                    place,
                ),
                None => ffi::rescind_terminal_open(
                    text.as_ptr(),
                    text.len(),
                    secret.as_ptr(),
                    secret.len(),
                    now(call.clock),
                    place,
                ),
            }
        };
        known(answered);
        if place.is_null() {
            assert_eq!(answered, code::ARGUMENT);
            return;
        }
        if answered != code::OK {
            assert_eq!(number, 0, "a number of a terminal that was not opened");
            assert!(!said(0).is_empty(), "{answered}: nothing was said");
            let can_be = !is_genuine || is_taken || call.out == 254 || call.clock == 255;
            assert!(can_be, "{answered}: {}", said(0));
            return;
        }
        assert!(!is_taken, "one folder, two terminals");
        assert!(number != 0 && self.devices.iter().all(|device| device.number != number), "a number was used again");
        if let Some(module) = &module {
            module.handle.store(number, Ordering::Relaxed);
        }
        self.devices.push(Device { number, folder, is_open: true, _module: module });
        self.look(self.devices.len() - 1);
    }

    /// Looks whether all that was ever answered of a folder is still true.
    fn look(&mut self, index: usize) {
        let device = &self.devices[index];
        let status = status(device).unwrap_or_else(|| panic!("no status: {}", said(device.number)));
        let known = &mut self.known[device.folder];
        let next = status["journal"]["head"]["next"].as_u64().unwrap();
        let operations = status["journal"]["counters"]["operations"].as_u64().unwrap();
        assert!(next >= known.next, "records went away: {next} < {}", known.next);
        assert!(known.released || operations >= known.begun.len() as u64, "a count fell");
        known.next = next;
    }

    fn perform(&mut self, script: &mut Script<'_>, call: &Call) {
        let what = call.what % 24;
        if matches!(what, 0 | 1) {
            return self.open(script, call, what == 1);
        }
        let (number, index) = self.device(call);
        let device = index.map(|index| &self.devices[index]);
        let is_open = device.is_some_and(|device| device.is_open);
        let text = match what {
            3 => Text::VoidLook,
            4 | 6 => Text::Ask,
            5 => Text::Look,
            7 | 21 => Text::Sale,
            8 => Text::SaleId,
            9 | 22 => Text::Begin,
            10 => Text::Outcome,
            11 => Text::OperationId,
            13 | 23 => Text::Acknowledgement,
            _ => Text::Bundle,
        };
        let needs_text = matches!(what, 3..=11 | 13 | 15 | 21..=23);
        let given = if needs_text { self.given(script, call, text, device) } else { Given::none() };
        let (clock, mut out) = (now(call.clock), Out::of(call.out, 64 * 1024));
        let (start, capacity, needed) = (out.start(), out.capacity, out.needed());
        let (text, length) = (given.start(), given.length());
        let has_out = matches!(what, 3..=6 | 9 | 11..=13 | 15..=18 | 22 | 23);
        let mut info = BatchInfo { first: 9, last: 9, remaining: 9 };
        // SAFETY: what is given is readable for its length, or NULL; `out` is what its parts say.
        let answered = unsafe {
            match what {
                2 => ffi::rescind_terminal_close(number),
                3 => ffi::rescind_terminal_check_void(number, clock, text, length, start, capacity, needed),
                4 => ffi::rescind_terminal_check(number, clock, text, length, start, capacity, needed),
                5 => ffi::rescind_terminal_assess(number, clock, text, length, start, capacity, needed),
                6 => ffi::rescind_terminal_decide(number, clock, text, length, start, capacity, needed),
                7 | 21 => ffi::rescind_terminal_record_sale(number, clock, text, length),
                8 => ffi::rescind_terminal_forward(number, clock, text, length, i32::from(call.about >> 6)),
                9 | 22 => ffi::rescind_terminal_record_operation(number, clock, text, length, start, capacity, needed),
                10 => ffi::rescind_terminal_record_outcome(number, clock, text, length),
                11 => ffi::rescind_terminal_reprint(number, clock, text, length, start, capacity, needed),
                12 => {
                    let (from, most) = match call.payload % 4 {
                        0 | 1 => (1, 100),
                        2 => (u64::from(call.about), usize::from(call.payload)),
                        _ => (script.number(), usize::try_from(script.number()).unwrap()),
                    };
                    let info = if call.payload == 255 { ptr::null_mut() } else { &raw mut info };
                    ffi::rescind_terminal_export(number, clock, from, most, start, capacity, needed, info)
                }
                13 | 23 => {
                    let asked = now(call.clock.saturating_sub(call.about & 3));
                    ffi::rescind_terminal_acknowledge(number, asked, clock, text, length, start, capacity, needed)
                }
                14 => {
                    let server = if call.payload < 200 { clock.wall_unix_ms } else { script.number().cast_signed() };
                    ffi::rescind_terminal_hear(number, clock, clock, server)
                }
                15 => ffi::rescind_terminal_apply_bundle(number, clock, text, length, start, capacity, needed),
                16 => ffi::rescind_terminal_status(number, clock, start, capacity, needed),
                17 => ffi::rescind_terminal_answer(number, start, capacity, needed),
                18 => ffi::rescind_terminal_last_error(number, start, capacity, needed),
                19 => {
                    let number = i32::from(call.about) - 100;
                    let text = std::ffi::CStr::from_ptr(ffi::rescind_error_text(number));
                    assert!(!text.to_bytes().is_empty());
                    return;
                }
                _ => {
                    assert!(!std::ffi::CStr::from_ptr(ffi::rescind_version()).to_bytes().is_empty());
                    return;
                }
            }
        };
        known(answered);
        if !has_out {
            assert_ne!(answered, code::BUFFER);
        }
        if what == 12 && call.payload == 255 {
            // Without a place for what is in the batch nothing is exported.
            assert_eq!(answered, code::ARGUMENT);
            return;
        }
        let answer = if has_out { out.check(answered, !matches!(what, 12 | 17 | 18)) } else { None };
        if !is_open && !(number == 0 && what == 18) && !(has_out && !out.is_usable) {
            assert_eq!(answered, code::HANDLE, "call {what} on a terminal that is not open");
            return;
        }
        let Some(index) = index else { return };
        let folder = self.devices[index].folder;
        match (what, answered) {
            (2, code::OK) => self.devices[index].is_open = false,
            (2, other) => panic!("an open terminal is not closed: {other}"),
            // The name is in the answer, and it is begun whether or not the answer fitted.
            (9 | 22, code::OK) => {
                let answer: serde_json::Value = serde_json::from_slice(answer.unwrap_or_default()).unwrap();
                let name = answer["operation"]["id"].as_str().unwrap().to_owned();
                self.known[folder].begun.insert(name);
            }
            (12, code::OK) => {
                let length = answer.map_or(0, <[u8]>::len);
                assert_eq!(length == 0, info.first == 0, "{info:?}");
                assert!(info.first == 0 || info.first <= info.last, "{info:?}");
            }
            (13 | 23, code::OK | code::BUFFER) => self.known[folder].released = true,
            _ => {}
        }
        if self.devices[index].is_open && matches!(answered, code::ARGUMENT) && has_out && out.is_usable {
            assert!(!said(number).is_empty(), "call {what}: nothing was said");
        }
    }
}

/// What is given to a call: bytes, or NULL with a length.
struct Given {
    bytes: Box<[u8]>,
    null: Option<usize>,
}

impl Given {
    fn none() -> Self {
        Self { bytes: Box::default(), null: None }
    }

    fn start(&self) -> *const u8 {
        if self.null.is_some() { ptr::null() } else { self.bytes.as_ptr() }
    }

    fn length(&self) -> usize {
        self.null.unwrap_or(self.bytes.len())
    }
}

/// Every answer is one of the header's, and none says that this library is wrong or that a sound disk failed.
fn known(answered: i32) {
    assert!((code::OK..=code::HANDLES).contains(&answered), "{answered}");
    assert!(!matches!(answered, code::INTERNAL | code::DAMAGED | code::DECIDER), "{answered}");
}

fn said(number: Handle) -> String {
    let mut out = Out::of(0, 4_096);
    // SAFETY: our own buffer.
    let answered = unsafe { ffi::rescind_terminal_last_error(number, out.start(), out.capacity, out.needed()) };
    String::from_utf8(out.check(answered, false).unwrap_or_default().to_vec()).expect("errors are UTF-8")
}

fn status(device: &Device) -> Option<serde_json::Value> {
    let mut out = Out::of(0, 64 * 1024);
    // SAFETY: our own buffer.
    let answered =
        unsafe { ffi::rescind_terminal_status(device.number, now(0), out.start(), out.capacity, out.needed()) };
    out.check(answered, true).map(|status| serde_json::from_slice(status).unwrap())
}

fuzz_target!(|bytes: &[u8]| {
    if HOME.exists() {
        std::fs::remove_dir_all(&*HOME).unwrap();
    }
    std::fs::create_dir_all(&*HOME).unwrap();
    let (mut script, mut world) = (Script(bytes), World::default());
    for _ in 0..CALLS {
        if script.0.is_empty() {
            break;
        }
        let call = Call::read(&mut script);
        world.perform(&mut script, &call);
    }
    for index in 0..world.devices.len() {
        if world.devices[index].is_open {
            world.look(index);
            assert_eq!(ffi::rescind_terminal_close(world.devices[index].number), code::OK);
        }
        assert_eq!(ffi::rescind_terminal_close(world.devices[index].number), code::HANDLE);
    }
});
