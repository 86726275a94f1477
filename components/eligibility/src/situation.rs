//! The facts of one question, checked once, with what follows from them and the policy.

use crate::business_day::{checked, date};
use crate::engine::Engine;
use crate::report::{Openness, Report};
use crate::window::CLOCK_SKEW;
use crate::{refund, void};
use rescind_model::limits::AMOUNT_MINOR;
use rescind_model::{BusinessDay, DecisionError, Facts, Instant, Money, Outcome, Remedy, SaleOutcome, Value};

/// What is asked of the rules.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// Whether the way is open at all, to advise on another way. Who asks and what they would still have to give plays no part.
    Probe,
    /// Which ways are open, before reason and evidence are chosen.
    Assess,
    /// May it be done, with what was given?
    Decide {
        /// The reason code.
        reason: Option<&'a str>,
        /// The kinds of evidence.
        evidence: &'a [String],
    },
}

/// Facts that were checked.
///
/// INVARIANT: every amount is in the policy's currency and in range; `0 <= left <= captured`; `captured > 0`; every instant and day is a
/// time between 1970 and 9999; `now >= paid_at`; `today >= sale.business_day`.
pub(crate) struct Situation<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) facts: &'a Facts,
    /// When it is asked, not before the payment.
    pub(crate) now: Instant,
    /// The business day of the question, not before that of the sale.
    pub(crate) today: BusinessDay,
    /// The cut-off that ends the sale's business day.
    pub(crate) sale_day_ends: Instant,
    /// Minor units captured.
    pub(crate) captured: i64,
    /// Minor units captured and not spoken for.
    pub(crate) left: i64,
}

impl<'a> Situation<'a> {
    /// Checks facts.
    ///
    /// # Errors
    /// Amounts of another currency, out of range or contradicting each other; times out of range or before the payment.
    pub(crate) fn new(engine: &'a Engine, facts: &'a Facts) -> Result<Self, DecisionError> {
        let Facts { sale, status, balance, .. } = facts;
        let captured = engine.minor("sale.captured", &sale.captured)?;
        if captured == 0 {
            return Err(DecisionError::BadAmount("sale.captured: expected more than nothing".to_owned()));
        }
        let charged = engine.minor("sale.fee-charged", &sale.fee_charged)?;
        let cleared = engine.minor("balance.cleared", &balance.cleared)?;
        let voided = engine.minor("balance.voided", &balance.voided)?;
        let reserved = engine.minor("balance.reserved", &balance.reserved)?;
        let returned = engine.minor("balance.fee-returned", &balance.fee_returned)?;
        let requested = engine.minor("balance.requested", &balance.requested)?;
        if let Some(requested) = &facts.requested_today {
            engine.minor("requested-today", requested)?;
        }
        // INVARIANT (*conservation*): a ledger that says otherwise is damaged, and nothing is decided on it.
        let spoken_for = cleared.saturating_add(voided).saturating_add(reserved);
        let left = captured
            .checked_sub(spoken_for)
            .filter(|left| *left >= 0)
            .ok_or_else(|| DecisionError::BadAmount("balance: more is spoken for than was captured".to_owned()))?;
        if returned > charged {
            return Err(DecisionError::BadAmount("balance.fee-returned: more than was charged".to_owned()));
        }
        if requested > captured {
            return Err(DecisionError::BadAmount("balance.requested: more than was captured".to_owned()));
        }

        let paid = checked(sale.paid_at)?;
        let now = checked(facts.now)?;
        for at in [status.batch_closed_at, status.settled_at, status.paid_out_at, balance.last_refund_at] {
            at.map(checked).transpose()?;
        }
        if paid.since(now) > CLOCK_SKEW {
            return Err(DecisionError::BadTime(format!("the question ({now}) was asked before the payment ({paid})")));
        }
        let stamped = match facts.business_day {
            Some(day) => day,
            None => engine.clock.business_day_of(now)?,
        };
        let behind = date(sale.business_day)?.signed_duration_since(date(stamped)?).num_days();
        if behind > 1 {
            return Err(DecisionError::BadTime(format!(
                "the business day of the question ({stamped}) is before that of the sale ({})",
                sale.business_day
            )));
        }
        Ok(Self {
            engine,
            facts,
            now: now.max(paid),
            today: stamped.max(sale.business_day),
            sale_day_ends: engine.clock.end_of_business_day(sale.business_day)?,
            captured,
            left,
        })
    }

    /// An amount in the sale's currency.
    pub(crate) fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.facts.sale.captured.currency.clone() }
    }

    /// An amount as something observed or a limit.
    pub(crate) fn amount(&self, minor: i64) -> Value {
        Value::Amount(self.money(minor))
    }

    /// Whether the sale took place.
    pub(crate) fn is_good(&self) -> bool {
        self.facts.status.outcome == SaleOutcome::Good
    }

    /// Whether money of the sale is there to be taken back, now or once what is under way has ended.
    pub(crate) fn can_be_taken_back(&self) -> bool {
        let balance = &self.facts.balance;
        self.is_good() && balance.voided.minor == 0 && (self.left > 0 || balance.reserved.minor > 0)
    }

    /// The advice to ask for a refund of up to `amount` instead of a void.
    pub(crate) fn refund_instead(&self, amount: i64) -> Remedy {
        if !self.can_be_taken_back() {
            return Remedy::None;
        }
        if self.facts.balance.void_open || self.left == 0 {
            return Remedy::AwaitOutcome;
        }
        match self.refund_openness(amount) {
            Openness::Open(_) => Remedy::UseRefund,
            Openness::From(at) => Remedy::UseRefundFrom(at),
            Openness::Closed => Remedy::ContactSupport,
        }
    }

    fn refund_openness(&self, amount: i64) -> Openness {
        let largest =
            self.engine.refund_rules().and_then(|rules| rules.max_amount).map_or(i64::MAX, |most| most.minor());
        let mut report = Report::sum_only();
        match refund::judge(self, amount.min(self.left).min(largest), Asked::Probe, &mut report) {
            Ok(()) => report.openness(),
            Err(_) => Openness::Closed,
        }
    }

    /// Whether the whole sale can be voided now.
    pub(crate) fn void_is_open(&self) -> bool {
        let mut report = Report::sum_only();
        void::judge(self, self.captured, Asked::Probe, &mut report).is_ok()
            && report.openness() == Openness::Open(Outcome::Allow)
    }
}

impl Engine {
    /// The minor units of an amount in the policy's currency.
    pub(crate) fn minor(&self, name: &str, money: &Money) -> Result<i64, DecisionError> {
        let currency = &self.document().currency;
        if money.currency != *currency {
            // What was given is not repeated: it may be any text.
            return Err(DecisionError::BadAmount(format!("{name}: expected an amount in {currency}")));
        }
        if !(0..=AMOUNT_MINOR).contains(&money.minor) {
            return Err(DecisionError::BadAmount(format!("{name}: expected 0 to {AMOUNT_MINOR} minor units")));
        }
        Ok(money.minor)
    }

    /// The minor units of an amount that is asked for: more than nothing.
    pub(crate) fn asked_minor(&self, money: &Money) -> Result<i64, DecisionError> {
        match self.minor("amount", money)? {
            0 => Err(DecisionError::BadAmount("amount: expected more than nothing".to_owned())),
            minor => Ok(minor),
        }
    }
}
