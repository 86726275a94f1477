//! The facts of one question, checked once, with what follows from them and the policy.

use crate::business_day::{checked, date};
use crate::engine::{Engine, QueriesReady, RefundReady, VoidReady};
use crate::prepaid::Prepaid;
use crate::report::{Drift, Openness, Report};
use crate::variant::{Asking, Held, choose};
use crate::window::CLOCK_SKEW;
use crate::{hold, order_close, refund, reversal, void};
use chrono::NaiveDate;
use rescind_model::limits::AMOUNT_MINOR;
use rescind_model::{
    BusinessDay, DecisionError, Duration, Facts, Instant, Money, Outcome, Remedy, SaleOutcome, Value, Way,
};
use rescind_policy::document::{CodeRules, HoldRules, RefundRules, ReversalRules, Since, VoidRules};

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
/// INVARIANT: every amount is in the policy's currency and in range; `0 <= left <= captured`; `captured > 0`;
/// `coupon-returned <= coupon <= captured`; every instant and day is a
/// time between 1970 and 9999; `now >= paid_at`; `today >= sale.business_day`.
pub(crate) struct Situation<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) facts: &'a Facts,
    /// When it is asked, not before the payment.
    pub(crate) now: Instant,
    /// The business day of the question, not before that of the sale.
    pub(crate) today: BusinessDay,
    /// The same as a date to compute with.
    pub(crate) date: NaiveDate,
    /// The cut-off that ends the sale's business day.
    pub(crate) sale_day_ends: Instant,
    /// Minor units captured.
    pub(crate) captured: i64,
    /// Minor units captured and not spoken for.
    pub(crate) left: i64,
    /// Minor units that a coupon paid, of those captured.
    pub(crate) coupon: i64,
    /// The rule for a kind of sale that is paid for in advance.
    pub(crate) prepaid: Option<Prepaid<'a>>,
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
        let coupon = match &sale.coupon {
            Some(coupon) => engine.minor("sale.coupon", coupon)?,
            None => 0,
        };
        let coupon_returned = engine.minor("balance.coupon-returned", &balance.coupon_returned)?;
        if coupon > captured || coupon_returned > coupon {
            return Err(DecisionError::BadAmount("sale.coupon: more than the sale, or less than went back".to_owned()));
        }
        if let Some(hold) = &facts.hold {
            engine.minor("hold.authorised", &hold.authorised)?;
            engine.minor("hold.ceiling", &hold.ceiling)?;
            [hold.authorised_at, hold.expires_at].into_iter().try_for_each(|at| checked(at).map(|_| ()))?;
        }
        if let Some(code) = &facts.code {
            [code.created_at, code.expires_at].into_iter().try_for_each(|at| checked(at).map(|_| ()))?;
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

        if let Some(here) = &facts.offline {
            engine.minor("offline.total", &here.total)?;
            [here.last_contact, here.bundle_made].into_iter().try_for_each(|at| checked(at).map(|_| ()))?;
        }

        let paid = checked(sale.paid_at)?;
        let now = checked(facts.now)?;
        let proved_at = facts.authentication.as_ref().map(|proof| proof.at);
        for at in [
            status.batch_closed_at,
            status.settled_at,
            status.paid_out_at,
            balance.last_refund_at,
            sale.service_at,
            proved_at,
        ] {
            at.map(checked).transpose()?;
        }
        if paid.since(now) > CLOCK_SKEW {
            return Err(DecisionError::BadTime(format!("the question ({now}) was asked before the payment ({paid})")));
        }
        let stamped = match facts.business_day {
            Some(day) => day,
            None => engine.clock.business_day_of(now)?,
        };
        let (of_sale, of_question) = (date(sale.business_day)?, date(stamped)?);
        let behind = of_sale.signed_duration_since(of_question).num_days();
        if behind > 1 {
            return Err(DecisionError::BadTime(format!(
                "the business day of the question ({stamped}) is before that of the sale ({})",
                sale.business_day
            )));
        }
        let prepaid = Prepaid::of(&engine.document().prepaid, sale, captured, now.max(paid))?;
        Ok(Self {
            engine,
            facts,
            now: now.max(paid),
            today: stamped.max(sale.business_day),
            date: of_question.max(of_sale),
            sale_day_ends: engine.clock.end_of_business_day(sale.business_day)?,
            captured,
            left,
            coupon,
            prepaid,
        })
    }

    /// What chooses among variants.
    fn asking(&self) -> Asking<'a> {
        Asking {
            sale: &self.facts.sale,
            now: self.now,
            offset_ms: self.engine.offset_ms,
            terminal_class: self.facts.asker.terminal_class.as_deref(),
            drift_ms: self.drift().map(|drift| drift.bound_ms()),
        }
    }

    /// The rules of voids that hold, if there are any.
    pub(crate) fn void(&self) -> Option<Held<'a, VoidRules, VoidReady>> {
        let (engine, document) = (self.engine, self.engine.document());
        choose(document.void.as_ref(), &document.when.void, &engine.void, &self.asking())
    }

    /// The rules of refunds that hold, if there are any.
    pub(crate) fn refund(&self) -> Option<Held<'a, RefundRules, RefundReady>> {
        let (engine, document) = (self.engine, self.engine.document());
        choose(document.refund.as_ref(), &document.when.refund, &engine.refund, &self.asking())
    }

    /// The rules of reversals that hold, if the policy has a word on them.
    pub(crate) fn reversal(&self) -> Option<Held<'a, ReversalRules, QueriesReady>> {
        let (engine, document) = (self.engine, self.engine.document());
        choose(document.reversal.as_ref(), &document.when.reversal, &engine.reversal, &self.asking())
    }

    /// The rules of payment codes that hold, if there are any.
    pub(crate) fn code(&self) -> Option<Held<'a, CodeRules, QueriesReady>> {
        let (engine, document) = (self.engine, self.engine.document());
        choose(document.code.as_ref(), &document.when.code, &engine.code, &self.asking())
    }

    /// The rules of holds that hold, if there are any.
    pub(crate) fn hold(&self) -> Option<Held<'a, HoldRules, QueriesReady>> {
        let (engine, document) = (self.engine, self.engine.document());
        choose(document.hold.as_ref(), &document.when.hold, &engine.hold, &self.asking())
    }

    /// When the outcome of an operation is asked for, one wait after another.
    pub(crate) fn queries(&self, way: Way) -> &'a [Duration] {
        match way {
            Way::Reversal => self.reversal().map_or(&self.engine.usual_queries, |held| held.ready.queries.as_slice()),
            Way::OrderClose => self.code().map_or(&[], |held| held.ready.queries.as_slice()),
            Way::HoldRelease | Way::HoldCompletion | Way::CompletionVoid => {
                self.hold().map_or(&[], |held| held.ready.queries.as_slice())
            }
            Way::Void | Way::Refund => &[],
        }
    }

    /// From when a window runs.
    pub(crate) fn began(&self, since: Option<Since>) -> Instant {
        let paid = self.facts.sale.paid_at;
        match (since, &self.facts.hold) {
            (Some(Since::Authorisation), Some(hold)) => hold.authorised_at.min(paid),
            _ => paid,
        }
    }

    /// How far the clock may be off, if it is not the server's.
    pub(crate) fn drift(&self) -> Option<Drift> {
        self.facts.offline.as_ref().map(|here| Drift::new(self.now, here.clock_bound))
    }

    /// Support helps with money that was taken and is still there.
    pub(crate) fn support(&self) -> Remedy {
        if self.is_good() && self.left > 0 { Remedy::ContactSupport } else { Remedy::None }
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

    /// Minor units that were taken back or are on their way, by refunds and by voids: what came back from the network after
    /// a void by legal order can be refunded, and the void stays what it was.
    pub(crate) fn taken_back(&self) -> i64 {
        let balance = &self.facts.balance;
        balance.requested.minor.saturating_add(balance.voided.minor)
    }

    /// Minor units kept of a prepaid sale as a penalty.
    pub(crate) fn penalty(&self) -> i64 {
        self.prepaid.as_ref().map_or(0, Prepaid::kept)
    }

    /// Minor units left that no penalty keeps.
    pub(crate) fn refundable(&self) -> i64 {
        self.left.saturating_sub(self.penalty()).max(0)
    }

    /// The advice on the way that takes this payment back whole, whatever is known of its outcome.
    pub(crate) fn way_back(&self) -> Remedy {
        match self.facts.status.outcome {
            SaleOutcome::Good => self.way_back_of_good(),
            // The provider may not know that a code's time is over: only its close makes certain that nobody paid.
            SaleOutcome::Unknown | SaleOutcome::Unpaid | SaleOutcome::Expired | SaleOutcome::Held => {
                self.way_back_of_open()
            }
            // Nothing was taken, or nothing any more.
            SaleOutcome::Declined | SaleOutcome::Failed | SaleOutcome::Reversed | SaleOutcome::Cancelled => {
                Remedy::NewSale
            }
            SaleOutcome::Released | SaleOutcome::Lapsed => Remedy::None,
        }
    }

    fn way_back_of_good(&self) -> Remedy {
        if !self.can_be_taken_back() {
            Remedy::None
        } else if self.completion_void_is_open() {
            Remedy::UseCompletionVoid
        } else if self.void_is_open() {
            Remedy::UseVoid
        } else {
            self.refund_instead(self.refundable())
        }
    }

    /// The advice on a payment that is not good and not at its end: unknown, unpaid, expired or held.
    pub(crate) fn way_back_of_open(&self) -> Remedy {
        let mut report = Report::sum_only(self.drift());
        let outcome = self.facts.status.outcome;
        if self.facts.balance.operation_open {
            return Remedy::AwaitOutcome;
        }
        let (judged, remedy) = match outcome {
            SaleOutcome::Unknown => (reversal::judge(self, self.captured, None, &mut report), Remedy::UseReversal),
            SaleOutcome::Unpaid | SaleOutcome::Expired => {
                (order_close::judge(self, self.captured, &mut report), Remedy::UseOrderClose)
            }
            SaleOutcome::Held => {
                let all = self.facts.hold.as_ref().map_or(self.captured, |hold| hold.authorised.minor);
                (hold::judge_release(self, all, Asked::Probe, &mut report), Remedy::UseHoldRelease)
            }
            _ => return Remedy::None,
        };
        match (judged, report.openness()) {
            (Ok(()), Openness::Open(_) | Openness::From(_)) => remedy,
            _ => Remedy::ContactSupport,
        }
    }

    /// The advice to ask for a refund of up to `amount` instead of a void.
    pub(crate) fn refund_instead(&self, amount: i64) -> Remedy {
        if !self.can_be_taken_back() {
            return Remedy::None;
        }
        if self.facts.balance.void_open || self.facts.balance.operation_open || self.left == 0 {
            return Remedy::AwaitOutcome;
        }
        match self.refund_openness(amount) {
            Openness::Open(_) => Remedy::UseRefund,
            Openness::From(at) => Remedy::UseRefundFrom(at),
            Openness::Closed => Remedy::ContactSupport,
        }
    }

    /// The advice to ask for a refund of `most` instead of more, unless that is closed too.
    pub(crate) fn reduce_refund_to(&self, most: i64) -> Remedy {
        match self.refund_instead(most) {
            Remedy::UseRefund | Remedy::UseRefundFrom(_) => Remedy::ReduceTo(self.money(most)),
            remedy => remedy,
        }
    }

    fn refund_openness(&self, amount: i64) -> Openness {
        let largest = self.refund().and_then(|held| held.rules.max_amount).map_or(i64::MAX, |most| most.minor());
        if self.refundable() == 0 {
            return Openness::Closed;
        }
        let mut report = Report::sum_only(self.drift());
        match refund::judge(self, amount.min(self.refundable()).min(largest), Asked::Probe, &mut report) {
            Ok(()) => report.openness(),
            Err(_) => Openness::Closed,
        }
    }

    /// Whether the whole sale can be voided now.
    pub(crate) fn void_is_open(&self) -> bool {
        let mut report = Report::sum_only(self.drift());
        void::judge(self, self.captured, Asked::Probe, &mut report).is_ok()
            && report.openness() == Openness::Open(Outcome::Allow)
    }

    /// Whether the completion of a hold can be voided now.
    pub(crate) fn completion_void_is_open(&self) -> bool {
        let mut report = Report::sum_only(self.drift());
        self.facts.hold.is_some()
            && hold::judge_completion_void(self, self.captured, Asked::Probe, &mut report).is_ok()
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
