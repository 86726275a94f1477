//! Component, packs, and questions drawn from a seed.

#[cfg(not(rescind_translated))]
use rescind_decider::Translation;
use rescind_decider::{Runtime, Target};
use rescind_eligibility::Engine;
use rescind_model::record::{Input, Question};
use rescind_model::token::Token;
use rescind_model::{
    Asker, Authentication, AuthenticationMethod, Balance, BusinessDay, CardType, Channel, Counted, Digest, Duration,
    Evidence, Facts, Forwarding, Hold, IdentityKind, IdentityProof, Instant, LateAnswer, Money, OfflineSituation,
    OperationQuestion, PaymentCode, Period, PersonId, Presenter, RefundQuestion, Role, Sale, SaleOutcome, SaleStatus,
    SettlementMode, SlipNumbers, Tally, TallyNeed, Trouble, VoidQuestion, Way,
};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

#[cfg(not(rescind_translated))]
static COMPONENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let path = std::env::var_os("RESCIND_ELIGIBILITY")
        .map_or_else(|| root().join("target/components/eligibility.wasm"), PathBuf::from);
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask build --components` makes it", path.display()))
});

pub(crate) static NATIVE: LazyLock<Runtime> = LazyLock::new(|| runtime(&machine(), 8));
pub(crate) static PULLEY: LazyLock<Runtime> = LazyLock::new(|| runtime(&Target::Pulley, 8));

#[cfg(not(rescind_translated))]
pub(crate) fn component() -> &'static [u8] {
    &COMPONENT
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// This machine's own code; Pulley's where the engine generates none for it.
pub(crate) fn machine() -> Target {
    if cfg!(rescind_translated) { Target::native() } else { Target::Host }
}

#[cfg(not(rescind_translated))]
pub(crate) fn runtime(target: &Target, instances: u32) -> Runtime {
    Translation::of(component(), target).unwrap().run(instances).unwrap()
}

#[cfg(rescind_translated)]
pub(crate) fn runtime(target: &Target, instances: u32) -> Runtime {
    let bytes = translated(target);
    // SAFETY: translated by `cargo xtask cross` for this very run.
    #[expect(unsafe_code, reason = "see above")]
    let verified = unsafe { rescind_decider::Verified::new(&bytes) };
    Runtime::with_instances(target, verified, instances).unwrap()
}

/// What was translated for a target: here, or on another machine if this one is emulated.
#[cfg(not(rescind_translated))]
pub(crate) fn translated(target: &Target) -> Vec<u8> {
    Translation::of(component(), target).unwrap().bytes().to_vec()
}

#[cfg(rescind_translated)]
pub(crate) fn translated(target: &Target) -> Vec<u8> {
    let folder = std::env::var_os("RESCIND_TRANSLATED").map(PathBuf::from).unwrap();
    std::fs::read(folder.join(format!("{target}.cwasm"))).unwrap()
}

/// A pack by its name, with its text and its compiled form.
pub(crate) struct Pack {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) document: Vec<u8>,
}

/// Every pack that stands by itself; layers do not.
pub(crate) fn packs() -> Vec<Pack> {
    let mut packs = Vec::new();
    for entry in std::fs::read_dir(root().join("policies")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(name) = file.strip_suffix(".toml").filter(|name| !name.ends_with(".cases")) else { continue };
        let text = std::fs::read_to_string(&path).unwrap();
        if text.lines().any(|line| line.starts_with("layer =")) {
            continue;
        }
        let compiled = rescind_policy::compile(&text, &file).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        packs.push(Pack { name: name.to_owned(), text, document: compiled.canonical().to_vec() });
    }
    packs.sort_by(|left, right| left.name.cmp(&right.name));
    packs
}

/// Numbers from a seed: `SplitMix64`.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn within(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.next() % u64::try_from(to - from + 1).unwrap()).unwrap()
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn word<T: Token + Copy + 'static>(&mut self) -> T {
        T::ALL[self.below(T::ALL.len())].0
    }

    fn maybe<T>(&mut self, times: usize, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.once_in(times) { Some(make(self)) } else { None }
    }

    fn mostly<T>(&mut self, times: usize, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.once_in(times) { None } else { Some(make(self)) }
    }

    /// Facts and a question about a sale of this policy's currency.
    pub(crate) fn input(&mut self, engine: &Engine) -> Input {
        let facts = self.facts(engine);
        let question = self.question(engine, &facts);
        Input { facts, question }
    }

    fn facts(&mut self, engine: &Engine) -> Facts {
        let currency = engine.document().currency.clone();
        let money = |minor: i64| Money { minor, currency: currency.clone() };
        let most = self.of(&[100, 10_000, 600_000, 10_000_000]);
        let captured = self.within(1, most);
        let paid = 1_763_800_000_000 + self.within(0, 100_000_000_000);
        let late = self.of(&[7_200_000, 200_000_000, 3_000_000_000, 40_000_000_000]);
        let early = if self.once_in(20) { -400_000 } else { 0 };
        let now = paid + self.within(early, late);
        let at = |ms: i64| Instant { unix_ms: ms };
        let outcome = if self.once_in(3) { self.word() } else { SaleOutcome::Good };
        let mut status = SaleStatus {
            outcome,
            batch_closed_at: self.maybe(6, |_| at(now)),
            settled_at: self.maybe(5, |_| at(now)),
            paid_out_at: self.maybe(9, |_| at(now)),
            late: None,
        };
        status.late = self.maybe(12, |draw| LateAnswer {
            outcome: draw.word(),
            evidence: Evidence {
                source: "provider".to_owned(),
                code: Some("00".to_owned()),
                reference: None,
                note: Some("迟到的应答".to_owned()),
                at: at(now),
            },
        });
        let cleared = if self.once_in(3) { captured * self.within(0, 100) / 100 } else { 0 };
        let reserved = if self.once_in(5) { (captured - cleared) * self.within(0, 100) / 100 } else { 0 };
        let fee_charged = captured * 6 / 1_000;
        let balance = Balance {
            cleared: money(cleared),
            voided: money(if self.once_in(40) { captured - cleared - reserved } else { 0 }),
            reserved: money(reserved),
            void_open: self.once_in(15),
            refunds_sent: u32::from(cleared > 0),
            refunds_counted: u32::try_from(if cleared > 0 { self.below(60) } else { 0 }).unwrap(),
            last_refund_at: self.maybe(4, |draw| at(now - draw.within(0, 120_000))),
            fee_returned: money(fee_charged * cleared / captured),
            coupon_returned: money(0),
            operation_open: self.once_in(15),
            requested: money(cleared + reserved),
        };
        // What a payment of this outcome began as, but for some that contradict themselves.
        let coded = matches!(outcome, SaleOutcome::Unpaid | SaleOutcome::Cancelled | SaleOutcome::Expired);
        let has_code = self.once_in(8) != coded;
        let code = has_code.then(|| PaymentCode {
            presented_by: self.word::<Presenter>(),
            reference: "O-1".to_owned(),
            created_at: at(paid),
            expires_at: at(paid + 300_000),
            scanned_at: self.maybe(2, |_| at(paid + 1_000)),
        });
        let holds = matches!(outcome, SaleOutcome::Held | SaleOutcome::Released | SaleOutcome::Lapsed);
        let has_hold = self.once_in(8) != holds;
        let hold = has_hold.then(|| Hold {
            authorised: money(captured),
            ceiling: money(captured * 115 / 100),
            authorised_at: at(paid),
            expires_at: at(paid + 30 * 86_400_000),
            authorisation_code: self.maybe(2, |_| "A-1".to_owned()),
        });
        let person = PersonId::parse("P-1").unwrap();
        let roles = ["cashier", "supervisor", "manager", "reviewer", "support", "legal"];
        Facts {
            sale: Sale {
                id: "S-1".parse().unwrap(),
                merchant: self.of(&["M-1", "M-2"]).parse().unwrap(),
                slip: self.maybe(2, |_| SlipNumbers {
                    terminal: "T-1".parse().unwrap(),
                    batch: "1".to_owned(),
                    voucher: "000123".to_owned(),
                    trace: "1".to_owned(),
                }),
                order_number: self.maybe(2, |_| "订单-1".to_owned()),
                retrieval_reference: self.maybe(2, |_| "123456789012".to_owned()),
                operator: self.maybe(2, |_| person.clone()),
                captured: money(captured),
                coupon: self.maybe(5, |draw| money(captured * draw.within(0, 100) / 100)),
                fee_charged: money(fee_charged),
                channel: self.word::<Channel>(),
                card_type: self.maybe(2, Self::word::<CardType>),
                kind: self
                    .of(&["purchase", "purchase", "purchase", "top-up", "hotel-reservation", "travel-package", ""])
                    .to_owned(),
                payer_token: self.maybe(2, |_| "token".to_owned()),
                contact: self.maybe(3, |_| Digest::of(b"contact")),
                service_at: self.maybe(3, |draw| at(paid + draw.within(-86_400_000, 1_400_000_000))),
                paid_at: at(if self.once_in(200) { i64::MIN } else { paid }),
                business_day: engine.business_day_of(at(paid)).unwrap(),
                settlement: if self.once_in(6) { SettlementMode::RealTime } else { SettlementMode::Ordinary },
            },
            status,
            balance,
            now: at(now),
            business_day: self.maybe(4, |draw| match draw.once_in(30) {
                true => BusinessDay { year: 2026, month: 13, day: 40 },
                false => engine.business_day_of(at(now)).unwrap(),
            }),
            tallies: self.tallies(engine),
            requested_today: self
                .mostly(12, |draw| Money { minor: draw.within(0, 500_000), currency: currency.clone() }),
            asker: Asker {
                person: self.mostly(12, |_| person.clone()),
                roles: (0..1 + self.below(3)).map(|_| Role::parse(self.of(&roles)).unwrap()).collect(),
                terminal: self.maybe(2, |_| "T-1".parse().unwrap()),
                terminal_class: self.maybe(4, |draw| draw.of(&["counter", "unattended"]).to_owned()),
            },
            code,
            hold,
            operation: self.mostly(12, |_| Digest::of(b"this")),
            authentication: self.mostly(8, |draw| Authentication {
                person: person.clone(),
                method: draw.word::<AuthenticationMethod>(),
                at: at(now - draw.within(0, 150_000)),
                operation: draw.mostly(8, |_| Digest::of(b"this")),
            }),
            identity: (0..self.below(3))
                .map(|_| IdentityProof { kind: self.word::<IdentityKind>(), reference: None, at: at(now) })
                .collect(),
            offline: self.maybe(4, |draw| OfflineSituation {
                forwarding: draw.of(&[Forwarding::Kept, Forwarding::PerhapsSent, Forwarding::Forwarded]),
                clock_bound: Duration { ms: draw.next() % 600_000 },
                last_contact: at(now - draw.within(0, 100_000_000)),
                bundle_made: at(now - draw.within(0, 1_000_000_000)),
                stored_records: u32::try_from(draw.below(600)).unwrap(),
                operations: u32::try_from(draw.below(20)).unwrap(),
                total: Money { minor: draw.within(0, 1_000_000), currency: currency.clone() },
            }),
        }
    }

    fn tallies(&mut self, engine: &Engine) -> Vec<Tally> {
        let mut tallies: Vec<Tally> = engine
            .needs()
            .tallies
            .into_iter()
            .map(|need| Tally { need, count: u32::try_from(self.below(5)).unwrap() })
            .collect();
        if self.once_in(20) {
            let need = TallyNeed {
                way: Way::Refund,
                counted: self.of(&[
                    Counted::MerchantAccount,
                    Counted::PayerToken,
                    Counted::Operator,
                    Counted::Terminal,
                ]),
                period: Period::Rolling(Duration { ms: 86_400_000 }),
            };
            tallies = vec![Tally { need, count: 1 }];
        }
        tallies
    }

    fn question(&mut self, engine: &Engine, facts: &Facts) -> Question {
        let captured = facts.sale.captured.minor;
        let minor = match self.below(8) {
            0..4 => captured,
            4..7 => self.within(1, captured),
            _ => self.of(&[0, captured + 1, i64::MAX, -1]),
        };
        let currency = if self.once_in(50) { "XXX".to_owned() } else { engine.document().currency.clone() };
        let amount = Money { minor, currency };
        let reason =
            self.mostly(8, |draw| draw.of(&["duplicate", "wrong-amount", "customer-request", "不是理由"]).to_owned());
        let evidence: Vec<String> = self.maybe(2, |_| "receipt".to_owned()).into_iter().collect();
        match self.below(3) {
            0 => Question::Void(VoidQuestion { amount, reason, legal: self.once_in(8), evidence }),
            1 => Question::Refund(RefundQuestion { amount, reason, evidence }),
            _ => Question::Operation(OperationQuestion {
                way: self.word::<Way>(),
                amount: self.maybe(2, |_| amount),
                trouble: self.maybe(3, Self::word::<Trouble>),
                reason,
                penalty: self.once_in(5),
            }),
        }
    }
}

/// The native engine's answer.
pub(crate) fn native(engine: &Engine, input: &Input) -> rescind_model::record::Answer {
    let decided = match &input.question {
        Question::Void(question) => engine.decide_void(&input.facts, question),
        Question::Refund(question) => engine.decide_refund(&input.facts, question),
        Question::Operation(question) => engine.decide_operation(&input.facts, question),
    };
    match decided {
        Ok(decision) => rescind_model::record::Answer::Decided(decision),
        Err(error) => rescind_model::record::Answer::Error(error),
    }
}
