//! Decisions as a busy year would leave them, drawn by seed over all kinds, channels, states and times: test data for
//! backtests and replays, and examples for comparisons. No two inputs are the same.

use crate::boundary::{Boundaries, OTHER};
use crate::case::decide;
use crate::draw::Draw;
use rescind_eligibility::Engine;
use rescind_model::name::BadName;
use rescind_model::record::{Answer, DecisionRecord, FORMAT, Input, Question};
use rescind_model::time::TimeError;
use rescind_model::token::Token;
use rescind_model::{
    Asker, Authentication, AuthenticationMethod, Balance, BusinessDay, CardType, Channel, Digest, Duration, Facts,
    Forwarding, Hold, IdentityKind, IdentityProof, Instant, MerchantId, Money, Needs, OfflineSituation,
    OperationQuestion, PaymentCode, PersonId, Presenter, RefundQuestion, Role, Sale, SaleId, SaleOutcome, SaleStatus,
    SettlementMode, SlipNumbers, Tally, TallyNeed, TerminalId, Trouble, VoidQuestion, Way,
};

/// 2026-01-01T00:00:00Z: the year that is drawn from begins.
const YEAR_BEGINS_MS: i64 = 1_767_225_600_000;

/// How long it is.
const YEAR_MS: u64 = 31_536_000_000;

/// The longest time between payment and question that is drawn.
const OLDEST_MS: u64 = 400 * 86_400_000;

/// The largest amount that is drawn freely, in minor units.
const LARGEST: u64 = 5_000_000;

/// Why nothing could be generated: the policy has no place for what is drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be generated for this policy: {0}")]
pub struct CannotGenerate(String);

impl From<BadName> for CannotGenerate {
    fn from(error: BadName) -> Self {
        Self(error.to_string())
    }
}

impl From<TimeError> for CannotGenerate {
    fn from(error: TimeError) -> Self {
        Self(error.to_string())
    }
}

/// Generates decisions of one policy.
#[derive(Debug)]
pub struct Generator<'a> {
    engine: &'a Engine,
    edges: Boundaries,
    needs: Needs,
    ages: Vec<Duration>,
    amounts: Vec<i64>,
    seed: u64,
}

impl<'a> Generator<'a> {
    /// Draws around the edges of the engine's own policy.
    #[must_use]
    pub fn new(engine: &'a Engine, seed: u64) -> Self {
        Self::with(engine, Boundaries::of(engine), engine.needs(), seed)
    }

    /// Draws around the edges of two policies, with what both of them count: for comparing them. The first decides.
    #[must_use]
    pub fn between(engine: &'a Engine, other: &Engine, seed: u64) -> Self {
        let (mut needs, more) = (engine.needs(), other.needs());
        let new = |need: &TallyNeed| !needs.tallies.contains(need);
        let tallies: Vec<TallyNeed> = more.tallies.into_iter().filter(new).collect();
        needs.tallies.extend(tallies);
        needs.requested_today |= more.requested_today;
        Self::with(engine, Boundaries::of(engine).and(Boundaries::of(other)), needs, seed)
    }

    fn with(engine: &'a Engine, edges: Boundaries, needs: Needs, seed: u64) -> Self {
        let (ages, amounts) = (edges.ages_around(), edges.amounts_around());
        Self { engine, edges, needs, ages, amounts, seed }
    }

    /// The decision number `index`: depends on seed and number alone.
    ///
    /// # Errors
    /// The policy has no place for what is drawn.
    pub fn record(&self, index: u64, component: &Digest) -> Result<DecisionRecord, CannotGenerate> {
        let input = self.input(index)?;
        let answer = match decide(self.engine, &input.facts, &input.question) {
            Ok(decision) => Answer::Decided(decision),
            Err(error) => Answer::Error(error),
        };
        Ok(DecisionRecord {
            format: FORMAT.to_owned(),
            id: format!("D-{index}"),
            merchant: input.facts.sale.merchant.clone(),
            sale: input.facts.sale.id.clone(),
            at: input.facts.now,
            policy: self.engine.identity().clone(),
            component: component.clone(),
            input_digest: input.digest(),
            input,
            answer,
        })
    }

    /// The question number `index`.
    ///
    /// # Errors
    /// The policy has no place for what is drawn.
    pub fn input(&self, index: u64) -> Result<Input, CannotGenerate> {
        let mut draw = Draw::new(self.seed, index);
        let outcome = outcome(&mut draw);
        let sale = self.sale(&mut draw, index, outcome)?;
        let now = self.now(&mut draw, &sale)?;
        let question = self.question(&mut draw, &sale, outcome);
        let facts = self.facts(&mut draw, sale, outcome, now)?;
        Ok(Input { facts, question })
    }

    fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.engine.document().currency.clone() }
    }

    fn amount(&self, draw: &mut Draw) -> i64 {
        match self.amounts.as_slice() {
            amounts if draw.percent(30) => draw.one_of(amounts).copied().unwrap_or(10_000),
            _ => i64::try_from(draw.magnitude(LARGEST)).unwrap_or(0).max(1),
        }
    }

    fn sale(&self, draw: &mut Draw, index: u64, outcome: SaleOutcome) -> Result<Sale, CannotGenerate> {
        let captured = self.amount(draw);
        let paid_at = Instant::from_unix_ms(YEAR_BEGINS_MS.saturating_add_unsigned(draw.below(YEAR_MS)))?;
        let channel = if draw.percent(55) { Channel::Card } else { Channel::PaymentCode };
        let card_type = match (channel, draw.below(4)) {
            (Channel::Card, 0 | 1) => Some(CardType::Debit),
            (Channel::Card, 2) => Some(CardType::Credit),
            (Channel::Card, _) => (draw.percent(50)).then_some(CardType::Prepaid),
            (Channel::PaymentCode, _) => None,
        };
        let kind = if draw.percent(70) { "purchase".to_owned() } else { word(draw, &self.edges.kinds) };
        let merchant = if draw.percent(50) {
            word(draw, &self.edges.merchants)
        } else {
            format!("M-{}", draw.below(500).saturating_add(2))
        };
        let terminal = TerminalId::parse(&format!("T-{}", draw.below(2_000).saturating_add(1)))?;
        let fee_charged =
            i64::try_from(draw.below(u64::try_from(captured).unwrap_or(0).div_euclid(100).max(1))).unwrap_or_default();
        let trace = format!("{:06}", draw.below(1_000_000));
        let coupon = draw.percent(10).then(|| {
            let most = u64::try_from(captured).unwrap_or(0);
            self.money(i64::try_from(draw.below(most.saturating_add(1))).unwrap_or(0))
        });
        let service = draw.percent(40).then(|| Duration { ms: draw.magnitude(30 * 86_400_000) });
        let prepaid = self.engine.document().prepaid.iter().any(|rule| rule.kind == kind);
        let payment_began = matches!(outcome, SaleOutcome::Held | SaleOutcome::Released | SaleOutcome::Lapsed);
        Ok(Sale {
            id: SaleId::parse(&format!("S-{index}"))?,
            merchant: MerchantId::parse(&merchant)?,
            slip: (!payment_began && draw.percent(80)).then(|| SlipNumbers {
                terminal: terminal.clone(),
                batch: "000001".to_owned(),
                voucher: trace.clone(),
                trace: trace.clone(),
            }),
            order_number: draw.percent(50).then(|| format!("O-{index}")),
            retrieval_reference: draw.percent(80).then(|| format!("{:012}", draw.below(1_000_000_000_000))),
            operator: Some(PersonId::parse(&format!("P-{}", draw.below(5_000).saturating_add(1)))?),
            captured: self.money(captured),
            coupon,
            fee_charged: self.money(fee_charged),
            channel,
            card_type,
            kind,
            payer_token: draw.percent(70).then(|| format!("{:016x}", draw.number())),
            contact: None,
            service_at: service.filter(|_| prepaid).map(|ahead| paid_at.plus(ahead)).transpose()?,
            paid_at,
            business_day: self.business_day(paid_at)?,
            settlement: if draw.percent(10) { SettlementMode::RealTime } else { SettlementMode::Ordinary },
        })
    }

    fn business_day(&self, at: Instant) -> Result<BusinessDay, CannotGenerate> {
        self.engine.business_day_of(at).map_err(|error| CannotGenerate(format!("{error:?}")))
    }

    fn now(&self, draw: &mut Draw, sale: &Sale) -> Result<Instant, CannotGenerate> {
        let age = match draw.below(10) {
            0..=3 => draw.one_of(&self.ages).cloned().unwrap_or(Duration { ms: 0 }),
            4..=6 => Duration { ms: draw.below(2 * 3_600_000) },
            _ => Duration { ms: draw.magnitude(OLDEST_MS) },
        };
        Ok(sale.paid_at.plus(age)?)
    }

    fn question(&self, draw: &mut Draw, sale: &Sale, outcome: SaleOutcome) -> Question {
        let whole = sale.captured.clone();
        let part = i64::try_from(draw.below(u64::try_from(whole.minor).unwrap_or(0))).unwrap_or(0).max(1);
        let ways: &[Way] = match outcome {
            SaleOutcome::Unknown => &[Way::Reversal, Way::Reversal, Way::OrderClose, Way::Void, Way::Refund],
            SaleOutcome::Unpaid | SaleOutcome::Cancelled | SaleOutcome::Expired => &[Way::OrderClose],
            SaleOutcome::Held | SaleOutcome::Released | SaleOutcome::Lapsed => {
                &[Way::HoldRelease, Way::HoldCompletion, Way::HoldCompletion, Way::CompletionVoid]
            }
            _ => &[Way::Void, Way::Void, Way::Refund, Way::Refund, Way::Refund],
        };
        let reason = |draw: &mut Draw, reasons: &[String]| match draw.one_of(reasons) {
            Some(reason) if draw.percent(95) => Some(reason.clone()),
            _ => draw.percent(50).then(|| OTHER.to_owned()),
        };
        let evidence = |draw: &mut Draw, kinds: &[String]| -> Vec<String> {
            kinds.iter().filter(|_| draw.percent(60)).cloned().collect()
        };
        match draw.one_of(ways).copied().unwrap_or(Way::Refund) {
            Way::Void => Question::Void(VoidQuestion {
                amount: if draw.percent(97) { whole } else { self.money(part) },
                reason: reason(draw, &self.edges.void_reasons),
                legal: draw.percent(1),
                evidence: evidence(draw, &self.edges.evidence),
            }),
            Way::Refund => Question::Refund(RefundQuestion {
                amount: match draw.below(10) {
                    0..=4 => whole,
                    5 => self.money(self.amount(draw)),
                    _ => self.money(part),
                },
                reason: reason(draw, &self.edges.refund_reasons),
                evidence: evidence(draw, &self.edges.evidence),
            }),
            way => {
                let completion = way == Way::HoldCompletion;
                Question::Operation(OperationQuestion {
                    way,
                    amount: (completion && draw.percent(60)).then(|| self.money(part)),
                    trouble: (way == Way::Reversal && draw.percent(50))
                        .then(|| draw.one_of(Trouble::ALL).map(|(trouble, _)| *trouble))
                        .flatten(),
                    reason: reason(draw, &self.edges.void_reasons),
                    penalty: completion && draw.percent(15),
                })
            }
        }
    }

    fn facts(&self, draw: &mut Draw, sale: Sale, outcome: SaleOutcome, now: Instant) -> Result<Facts, CannotGenerate> {
        let person = sale.operator.clone();
        let tallies = self.needs.tallies.iter().cloned().map(|need| {
            let near = draw.one_of(&self.edges.counts).copied().unwrap_or(0);
            let count = match draw.below(10) {
                0..=1 => near,
                2 => near.saturating_sub(1),
                _ => u32::try_from(draw.magnitude(3)).unwrap_or(0),
            };
            Tally { need, count }
        });
        let tallies = tallies.collect();
        let requested_today = self.money(i64::try_from(draw.magnitude(LARGEST)).unwrap_or(0));
        let requested_today = (self.needs.requested_today || draw.percent(50)).then_some(requested_today);
        let roles = if draw.percent(85) {
            self.edges.roles.iter().filter(|_| draw.percent(40)).map(|role| Role::parse(role)).collect()
        } else {
            Role::parse("cashier").map(|role| vec![role])
        };
        let class = draw.one_of(&self.edges.terminal_classes).filter(|_| draw.percent(70)).cloned();
        let operation = Digest::of(sale.id.as_str().as_bytes());
        let proved = Duration { ms: draw.magnitude(600_000) };
        let proved_at = Instant::from_unix_ms(now.unix_ms.saturating_sub_unsigned(proved.ms))?;
        let authentication = person.clone().filter(|_| draw.percent(90)).map(|person| Authentication {
            person,
            method: if draw.percent(70) { AuthenticationMethod::Pin } else { AuthenticationMethod::Signature },
            at: proved_at,
            operation: draw.percent(85).then(|| operation.clone()),
        });
        let identity = IdentityKind::ALL.iter().filter(|_| draw.percent(25));
        let identity = identity.map(|(kind, _)| IdentityProof { kind: *kind, reference: None, at: proved_at });
        let identity = identity.collect();
        let offline = (self.engine.document().offline.is_some() && draw.percent(15)).then(|| self.offline(draw, now));
        Ok(Facts {
            status: self.status(draw, &sale, outcome, now)?,
            balance: self.balance(draw, &sale, outcome, now),
            code: self.code(draw, &sale, outcome)?,
            hold: self.hold(draw, &sale, outcome)?,
            business_day: draw.percent(80).then(|| self.business_day(now)).transpose()?,
            asker: Asker {
                person,
                roles: roles?,
                terminal: sale.slip.as_ref().map(|slip| slip.terminal.clone()),
                terminal_class: class,
            },
            sale,
            now,
            tallies,
            requested_today,
            operation: Some(operation),
            authentication,
            identity,
            offline: offline.transpose()?,
        })
    }

    fn status(
        &self,
        draw: &mut Draw,
        sale: &Sale,
        outcome: SaleOutcome,
        now: Instant,
    ) -> Result<SaleStatus, CannotGenerate> {
        let good = outcome == SaleOutcome::Good;
        let day_ends = self.engine.document().clock().end_of_business_day(sale.business_day);
        let day_ends = day_ends.map_err(|error| CannotGenerate(format!("{error:?}")))?;
        // Cleared some time after the business day ended, paid out the day after.
        let settled = day_ends.plus(Duration { ms: draw.below(6 * 3_600_000) })?;
        let paid_out = match sale.settlement {
            SettlementMode::RealTime => sale.paid_at.plus(Duration { ms: draw.below(60_000) })?,
            SettlementMode::Ordinary => settled.plus(Duration { ms: 86_400_000 })?,
        };
        let closed = sale.paid_at.plus(Duration { ms: draw.below(12 * 3_600_000) })?;
        let past = |at: Instant| (good && at <= now).then_some(at);
        Ok(SaleStatus {
            outcome,
            batch_closed_at: past(closed),
            settled_at: past(settled),
            paid_out_at: past(paid_out),
            late: None,
        })
    }

    fn balance(&self, draw: &mut Draw, sale: &Sale, outcome: SaleOutcome, now: Instant) -> Balance {
        let none = || self.money(0);
        let mut balance = Balance {
            cleared: none(),
            voided: none(),
            reserved: none(),
            void_open: false,
            refunds_sent: 0,
            refunds_counted: 0,
            last_refund_at: None,
            fee_returned: none(),
            coupon_returned: none(),
            operation_open: draw.percent(2),
            requested: none(),
        };
        if outcome != SaleOutcome::Good || draw.percent(75) {
            return balance;
        }
        let captured = u64::try_from(sale.captured.minor).unwrap_or(0);
        if draw.percent(10) {
            balance.voided = sale.captured.clone();
            return balance;
        }
        let cleared = draw.below(captured.saturating_add(1));
        let reserved =
            if draw.percent(30) { draw.below(captured.saturating_sub(cleared).saturating_add(1)) } else { 0 };
        let refunds = u32::try_from(draw.magnitude(4)).unwrap_or(0).max(1);
        balance.cleared = self.money(i64::try_from(cleared).unwrap_or(0));
        balance.reserved = self.money(i64::try_from(reserved).unwrap_or(0));
        balance.requested = self.money(i64::try_from(cleared.saturating_add(reserved)).unwrap_or(0));
        balance.refunds_counted = refunds;
        balance.refunds_sent = refunds.saturating_sub(u32::from(reserved > 0));
        let ago = Duration { ms: draw.magnitude(now.since(sale.paid_at).ms) };
        balance.last_refund_at = Instant::from_unix_ms(now.unix_ms.saturating_sub_unsigned(ago.ms)).ok();
        balance
    }

    fn code(&self, draw: &mut Draw, sale: &Sale, outcome: SaleOutcome) -> Result<Option<PaymentCode>, CannotGenerate> {
        let began = match outcome {
            SaleOutcome::Unpaid | SaleOutcome::Cancelled | SaleOutcome::Expired => true,
            SaleOutcome::Unknown => sale.channel == Channel::PaymentCode,
            _ => sale.channel == Channel::PaymentCode && draw.percent(30),
        };
        if !began {
            return Ok(None);
        }
        let lives = self.engine.terms().code_lives.unwrap_or(Duration { ms: 300_000 });
        let scanned = draw.percent(40) || outcome == SaleOutcome::Unknown;
        Ok(Some(PaymentCode {
            presented_by: if draw.percent(50) { Presenter::Merchant } else { Presenter::Payer },
            reference: format!("O-{}", sale.id),
            created_at: sale.paid_at,
            expires_at: sale.paid_at.plus(lives)?,
            scanned_at: scanned.then_some(sale.paid_at),
        }))
    }

    fn hold(&self, draw: &mut Draw, sale: &Sale, outcome: SaleOutcome) -> Result<Option<Hold>, CannotGenerate> {
        let held = matches!(outcome, SaleOutcome::Held | SaleOutcome::Released | SaleOutcome::Lapsed);
        // Some good sales are completions.
        let completed = outcome == SaleOutcome::Good && draw.percent(4);
        if !held && !completed {
            return Ok(None);
        }
        let terms = self.engine.terms();
        let percent = i64::from(terms.hold_ceiling_percent.unwrap_or(100));
        let ceiling = sale.captured.minor.saturating_mul(percent).div_euclid(100);
        let ago = if held { 0 } else { draw.magnitude(86_400_000) };
        let authorised_at = Instant::from_unix_ms(sale.paid_at.unix_ms.saturating_sub_unsigned(ago))?;
        Ok(Some(Hold {
            authorised: sale.captured.clone(),
            ceiling: self.money(ceiling),
            authorised_at,
            expires_at: authorised_at.plus(terms.hold_lives.unwrap_or(Duration { ms: 86_400_000 }))?,
            authorisation_code: Some(format!("{:06}", draw.below(1_000_000))),
        }))
    }

    fn offline(&self, draw: &mut Draw, now: Instant) -> Result<OfflineSituation, CannotGenerate> {
        let ago = |draw: &mut Draw| {
            Instant::from_unix_ms(now.unix_ms.saturating_sub_unsigned(draw.magnitude(14 * 86_400_000)))
        };
        let forwarding = [Forwarding::Kept, Forwarding::PerhapsSent, Forwarding::Forwarded];
        Ok(OfflineSituation {
            forwarding: draw.one_of(&forwarding).copied().unwrap_or(Forwarding::Kept),
            clock_bound: Duration { ms: draw.magnitude(10_000) },
            last_contact: ago(draw)?,
            bundle_made: ago(draw)?,
            stored_records: u32::try_from(draw.magnitude(600)).unwrap_or(0),
            operations: u32::try_from(draw.magnitude(20)).unwrap_or(0),
            total: self.money(i64::try_from(draw.magnitude(LARGEST)).unwrap_or(0)),
        })
    }
}

/// Most payments are good; the rest is what keeps people busy.
fn outcome(draw: &mut Draw) -> SaleOutcome {
    match draw.below(100) {
        0..=74 => SaleOutcome::Good,
        75..=82 => SaleOutcome::Unknown,
        83..=87 => SaleOutcome::Unpaid,
        88..=94 => SaleOutcome::Held,
        _ => draw.one_of(SaleOutcome::ALL).map_or(SaleOutcome::Good, |(outcome, _)| *outcome),
    }
}

fn word(draw: &mut Draw, words: &[String]) -> String {
    draw.one_of(words).cloned().unwrap_or_else(|| OTHER.to_owned())
}
