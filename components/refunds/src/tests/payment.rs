//! Payments that began as a code or a hold, and short ways to act on them.

use super::world::*;
use rescind_model::*;

/// How long a code can be paid, and a hold be completed (shorter than any policy's, so that random clocks reach it).
pub(super) const CODE_LIVES: i64 = 5 * MINUTE;
pub(super) const HOLD_LIVES: i64 = 48 * HOUR;

pub(super) fn code() -> PaymentCode {
    PaymentCode {
        presented_by: Presenter::Merchant,
        reference: "order-1".to_owned(),
        created_at: at(0),
        expires_at: at(CODE_LIVES),
        scanned_at: None,
    }
}

pub(super) fn code_sale() -> Sale {
    Sale { channel: Channel::PaymentCode, card_type: None, payer_token: None, fee_charged: cny(0), ..sale() }
}

pub(super) fn hold() -> Hold {
    Hold {
        authorised: cny(10_000),
        ceiling: cny(11_500),
        authorised_at: at(0),
        expires_at: at(HOLD_LIVES),
        authorisation_code: Some("A1B2C3".to_owned()),
    }
}

pub(super) fn held_sale() -> Sale {
    Sale { fee_charged: cny(0), paid_at: at(0), ..sale() }
}

pub(super) fn scan(outcome: SaleOutcome, at: Instant) -> Scan {
    Scan {
        at,
        outcome,
        business_day: BusinessDay::new(2026, 11, 19).unwrap(),
        fee_charged: cny(38),
        payer_token: Some("scanner".to_owned()),
        retrieval_reference: Some("999999999999".to_owned()),
    }
}

pub(super) fn capture() -> Capture {
    Capture { fee_charged: cny(50), business_day: BusinessDay::new(2026, 11, 20).unwrap() }
}

/// An operation that the courier carries out, allowed for this way and amount.
pub(super) fn wanted(id: &str, way: Way, minor: i64) -> OperationAuthorisation {
    OperationAuthorisation {
        id: id.parse().unwrap(),
        cause: "no-answer".to_owned(),
        penalty: false,
        capture: (way == Way::HoldCompletion).then(|| Capture { fee_charged: cny(minor.min(50)), ..capture() }),
        terminal: Some("T-1".parse().unwrap()),
        provider_reference: format!("ref-{id}"),
        decision: allowed(way, cny(minor)),
        grounds: Grounds::none(),
    }
}

pub(super) fn target(id: &str) -> Target {
    Target::Operation(id.parse().unwrap())
}

pub(super) fn late(outcome: SaleOutcome, at: Instant) -> Command {
    Command::RecordLateAnswer(LateAnswer { outcome, evidence: evidence("late", at) })
}

pub(super) fn outcome_of(outcome: SaleOutcome, at: Option<Instant>, reference: Option<&str>) -> Command {
    let retrieval_reference = reference.map(str::to_owned);
    Command::RecordScanOutcome(ScanOutcome {
        outcome,
        at,
        retrieval_reference,
        evidence: evidence("scan", super::world::at(1)),
    })
}

impl World {
    /// A code for 100.00, made now, for five minutes.
    pub(super) fn unpaid() -> Self {
        Self::begun(&code_sale(), SaleOutcome::Unpaid, &Origin::Code(code()))
    }

    /// A hold of 100.00, at most 115.00, for two days.
    pub(super) fn held() -> Self {
        Self::begun(&held_sale(), SaleOutcome::Held, &Origin::Hold(hold()))
    }

    /// A card sale of 100.00 whose outcome nobody knows.
    pub(super) fn unheard() -> Self {
        Self::with(&sale(), SaleOutcome::Unknown)
    }

    /// A code that was scanned, and nobody knows what became of it.
    pub(super) fn scanned_unheard() -> Self {
        let mut world = Self::unpaid();
        world.wait(SECOND);
        world.system(&Command::RecordScan(scan(SaleOutcome::Unknown, world.now)));
        world
    }

    /// A hold of which this much was captured.
    pub(super) fn completed(minor: i64) -> Self {
        let mut world = Self::held();
        world.wait(SECOND);
        world.begin("C-1", Way::HoldCompletion, minor);
        world.send(target("C-1"));
        world.done(target("C-1"));
        world
    }

    /// Authorises an operation.
    pub(super) fn begin(&mut self, id: &str, way: Way, minor: i64) -> Vec<EventKind> {
        self.act(&Command::Authorise(wanted(id, way, minor)), &rita())
    }

    /// Why an operation may not begin.
    pub(super) fn may_not(&self, id: &str, way: Way, minor: i64) -> Rejection {
        self.refused(&Command::Authorise(wanted(id, way, minor)), &rita())
    }

    pub(super) fn operation(&self) -> &Operation {
        self.ledger.operations.last().unwrap()
    }

    pub(super) fn outcome(&self) -> SaleOutcome {
        self.ledger.status.outcome
    }

    pub(super) fn step(&self) -> Option<step::Step> {
        step::next_step(self.operation(), &self.ledger)
    }
}
