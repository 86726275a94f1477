//! A shop with one terminal, its bundle, its clocks, and a server that is far away.

use rescind_bundle::{ClassPolicy, Content, Signer as _, SigningKey, Times, Trust};
#[cfg(not(rescind_translated))]
use rescind_decider::Translation;
use rescind_journal::{Acknowledgement, Head, Owner, verify_batch};
use rescind_model::record::Question;
use rescind_model::token::Token as _;
use rescind_model::{
    BusinessDay, Channel, Duration, Forwarding, Instant, MerchantId, Money, OperationId, Sale, SaleId, SaleOutcome,
    SettlementMode, SlipNumbers, VoidQuestion,
};
use rescind_proof::{Authenticated, Method, Operation, Proof, operation_digest};
use rescind_terminal::{Ask, Begin, ClockQuality, Code, Operator, Reading, Setup, Subject, Terminal};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tempfile::TempDir;

/// 2026-11-23T10:00:00+08:00: when the bundle was made.
pub const MADE: i64 = 1_795_399_200_000;
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
/// When the shop opens: an hour later.
pub const OPENING: i64 = MADE + HOUR;

static COMPONENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let path = std::env::var_os("RESCIND_ELIGIBILITY")
        .map_or_else(|| root().join("target/components/eligibility.wasm"), PathBuf::from);
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask build --components` makes it", path.display()))
});

static NATIVE: LazyLock<Vec<u8>> = LazyLock::new(|| translated(Code::Native));
static PULLEY: LazyLock<Vec<u8>> = LazyLock::new(|| translated(Code::Pulley));

/// The policy that terminals get: Lakala's, as far as a terminal can know what it asks for.
static POLICY: LazyLock<Vec<u8>> = LazyLock::new(|| policy(""));

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What `cargo xtask cross` translated, on another machine.
#[cfg(rescind_translated)]
fn translated(code: Code) -> Vec<u8> {
    let folder = std::env::var_os("RESCIND_TRANSLATED").map(PathBuf::from).unwrap();
    std::fs::read(folder.join(format!("{}.cwasm", code.target()))).unwrap()
}

/// A debug build of the translator takes its time: what it made is kept, under the name of what it was made of.
#[cfg(not(rescind_translated))]
fn translated(code: Code) -> Vec<u8> {
    let target = code.target();
    let made_of = rescind_model::Digest::of(&COMPONENT).hex;
    let profile = rescind_decider::profile_digest(&target).hex;
    let file =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{target}-{}-{}.cwasm", &made_of[..16], &profile[..8]));
    if let Ok(kept) = std::fs::read(&file) {
        return kept;
    }
    let bytes = Translation::of(&COMPONENT, &target).unwrap().bytes().to_vec();
    let fresh = file.with_extension(format!("{}", std::process::id()));
    std::fs::write(&fresh, &bytes).unwrap();
    std::fs::rename(&fresh, &file).unwrap();
    bytes
}

/// Lakala's rules without the count that only the server knows, with a terminal's ceilings; `more` goes into `[void]`.
pub fn policy(more: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(root().join("policies/lakala.toml")).unwrap();
    let (before, count) = text.split_once("[[void.count]]").unwrap();
    let (_, after) = count.split_once("# 退款 -").unwrap();
    let text = format!(
        "{before}{more}\n# 退款 -{after}\n[offline]\nvoid = \"allow\"\nreversal = \"allow\"\nrefund = \"deny\"\nother = \"refer\"\n\
         at-ceiling = \"refer\"\nmax-amount = \"500.00\"\nmax-total = \"1000.00\"\nmax-count = 5\nmax-records = 40\n\
         contact-age = \"24 hours\"\nbundle-age = \"7 days\"\n"
    )
    .replace("leaves-to-layers = [\"offline\"]", "");
    let compiled = rescind_policy::compile(&text, "terminal.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    compiled.canonical().to_vec()
}

pub fn at(ms: i64) -> Instant {
    Instant { unix_ms: ms }
}

pub fn cny(minor: i64) -> Money {
    Money::new(minor, "CNY").unwrap()
}

pub fn sale_id(id: &str) -> SaleId {
    SaleId::parse(id).unwrap()
}

pub fn bundle_key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

pub fn terminal_key() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

pub fn proof_key() -> rescind_proof::SigningKey {
    rescind_proof::SigningKey::from_seed([3; 32])
}

/// What is in a bundle of a version.
pub fn content(version: u64, code: Code) -> Content {
    let engine = rescind_terminal::engine(code);
    let component = rescind_model::Digest::of(&COMPONENT);
    let mut digest = [0; 32];
    hex::decode_to_slice(&component.hex, &mut digest).unwrap();
    Content {
        name: "test".into(),
        version,
        target: engine.target,
        wasmtime: engine.wasmtime,
        profile: engine.profile,
        component: digest,
        code: match code {
            Code::Native => NATIVE.clone(),
            Code::Pulley => PULLEY.clone(),
        },
        policies: vec![ClassPolicy { class: None, canonical: POLICY.clone() }],
        proof_keys: vec![proof_key().public(None)],
        times: Times { not_before: MADE, expires: MADE + 30 * DAY, made_at: MADE, server_time: MADE },
    }
}

pub fn bundle(version: u64) -> Vec<u8> {
    content(version, Code::Native).sign(&[], &bundle_key()).unwrap()
}

pub fn setup(folder: &Path, boot: &str) -> Setup {
    Setup {
        merchant: MerchantId::parse("M-1").unwrap(),
        merchant_name: "静安小店".into(),
        terminal: "T1".parse().unwrap(),
        class: None,
        utc_offset_minutes: 480,
        folder: folder.to_path_buf(),
        trust: Trust::first("test", bundle_key().public().clone()),
        code: Code::Native,
        boot: boot.into(),
        journal_id: "00112233445566778899aabbccddeeff".into(),
        clocks: ClockQuality {
            base: Duration { ms: 6_000 },
            monotonic_ppm: 100,
            wall_ppm: 100,
            wall_is_protected: false,
        },
        max_records: 60,
        max_bytes: 1024 * 1024,
    }
}

/// Who stands at the terminal.
pub fn li() -> Operator {
    Operator { person: "li".parse().unwrap(), roles: vec!["supervisor".parse().unwrap()] }
}

/// A good sale of a minute ago.
pub fn sale(id: &str, minor: i64, paid_at: i64) -> Sale {
    Sale {
        id: sale_id(id),
        merchant: MerchantId::parse("M-1").unwrap(),
        slip: Some(SlipNumbers {
            terminal: "T1".parse().unwrap(),
            batch: "000001".into(),
            voucher: "000123".into(),
            trace: "000456".into(),
        }),
        order_number: None,
        retrieval_reference: None,
        operator: None,
        captured: cny(minor),
        coupon: None,
        fee_charged: cny(minor * 6 / 1_000),
        channel: Channel::Card,
        card_type: None,
        kind: "purchase".into(),
        payer_token: Some("tok-1".into()),
        contact: None,
        service_at: None,
        paid_at: at(paid_at),
        business_day: BusinessDay::new(2026, 11, 23).unwrap(),
        settlement: SettlementMode::Ordinary,
    }
}

/// A shop, its clocks, and what the server knows of its terminal.
pub struct Shop {
    pub folder: TempDir,
    /// The true time.
    pub now: i64,
    /// When the device was started.
    pub started: i64,
    pub boot: String,
    /// How far the wall clock is off.
    pub wall_off: i64,
    pub known: Option<Head>,
}

impl Shop {
    pub fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            now: OPENING,
            started: OPENING - 5_000,
            boot: "run-1".into(),
            wall_off: 0,
            known: None,
        }
    }

    /// What the device's clocks show.
    pub fn reading(&self) -> Reading {
        let monotonic_ms = u64::try_from(self.now - self.started).unwrap();
        Reading { wall: at(self.now + self.wall_off), monotonic_ms }
    }

    pub fn open(&self) -> Terminal {
        let setup = setup(self.folder.path(), &self.boot);
        Terminal::open(setup, Box::new(terminal_key()), self.reading()).unwrap()
    }

    /// A terminal that heard the server and has its first bundle.
    pub fn ready(&self) -> Terminal {
        let mut terminal = self.open();
        assert!(terminal.hear(self.reading(), self.reading(), at(self.now)).unwrap());
        terminal.apply_bundle(self.reading(), bundle(1)).unwrap();
        terminal
    }

    /// The same a while later.
    pub fn later(&mut self, ms: i64) -> &mut Self {
        self.now += ms;
        self
    }

    /// The device starts anew.
    pub fn restart(&mut self, off_ms: i64) {
        self.now += off_ms;
        self.started = self.now - 1_000;
        self.boot = format!("run-{}", self.started);
    }

    /// Stores a good sale of now that never left the terminal.
    pub fn sells(&self, terminal: &mut Terminal, id: &str, minor: i64) {
        terminal.record_sale(self.reading(), sale(id, minor, self.now), SaleOutcome::Good, Forwarding::Kept).unwrap();
    }

    /// A void of a stored sale, with the supervisor's proof of a second ago.
    pub fn void(&self, id: &str, minor: i64) -> Ask {
        Ask {
            sale: Subject::Stored(sale_id(id)),
            question: Question::Void(VoidQuestion {
                amount: cny(minor),
                reason: Some("wrong-amount".into()),
                legal: false,
                evidence: vec![],
            }),
            operator: Some(Operator { person: "li".parse().unwrap(), roles: vec![] }),
            proof: Some(self.proof(id, minor, self.now - 1_000)),
            identity: vec![],
            fees: None,
        }
    }

    pub fn proof(&self, id: &str, minor: i64, given_at: i64) -> String {
        let digest = operation_digest(&Operation {
            merchant: "M-1",
            sale: id,
            way: rescind_model::Way::Void.token(),
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
            authenticated: Authenticated { method: Method::Pin, at_unix_ms: given_at },
            expires_at_unix_ms: given_at + 120_000,
            operation: digest,
        };
        proof_key().sign(&proof).unwrap()
    }

    pub fn begin(&self, operation: &str, id: &str, minor: i64) -> Begin {
        Begin { operation: OperationId::parse(operation).unwrap(), ask: self.void(id, minor) }
    }

    /// The server's answer to a batch: it takes all of it.
    pub fn answer(&self, batch: &[u8]) -> Acknowledgement {
        let owner = Owner { merchant: MerchantId::parse("M-1").unwrap(), terminal: "T1".parse().unwrap() };
        let key = terminal_key();
        let batch = verify_batch(batch, key.public(), &rescind_bundle::Ed25519, &owner, self.known.as_ref()).unwrap();
        Acknowledgement { head: batch.end, server_time: at(self.now), counted: None, operations: vec![] }
    }

    /// Everything goes to the server, and it acknowledges.
    pub fn sync(&mut self, terminal: &mut Terminal) -> u64 {
        let mut released = 0;
        while let Some(export) = terminal.export(self.reading(), 1, 20).unwrap() {
            let answer = self.answer(&export.batch);
            released += terminal.acknowledge(self.reading(), self.reading(), &answer).unwrap().released;
            self.known = Some(answer.head);
            if export.remaining == 0 {
                break;
            }
        }
        released
    }
}

/// The rules that stand in the way.
pub fn rules(answer: &rescind_terminal::Answer) -> Vec<&str> {
    answer.decision.findings.iter().map(|finding| finding.rule.as_str()).collect()
}
