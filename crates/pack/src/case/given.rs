//! What a case tells of a payment, made into the facts that a decision depends on. Whatever is not said is the most
//! ordinary.

use super::{ASKER, THIS, instant, money, token};
use rescind_eligibility::Engine;
use rescind_model::{
    Authentication, AuthenticationMethod, Balance, Counted, Digest, Duration, Forwarding, Hold, Instant, Money,
    OfflineSituation, PaymentCode, Period, PersonId, Presenter, Sale, SaleStatus, SlipNumbers, Tally, TallyNeed, Way,
};
use rescind_policy::scalar::Span;
use rescind_policy::word::Word as _;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The word by which a case takes the fee from the policy's schedule of charges.
const BY_POLICY: &str = "by-policy";

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct SaleCase {
    captured: Option<String>,
    /// An amount, or `by-policy`: what the policy's `[[charge]]` says.
    fee_charged: Option<String>,
    channel: Option<String>,
    card_type: Option<String>,
    kind: Option<String>,
    /// Who was paid, by id.
    merchant: Option<String>,
    /// What stands for the payer.
    payer_token: Option<String>,
    settlement: Option<String>,
    business_day: Option<String>,
    coupon: Option<String>,
    service_at: Option<String>,
    outcome: Option<String>,
    batch_closed_at: Option<String>,
    settled_at: Option<String>,
    paid_out_at: Option<String>,
}

impl SaleCase {
    pub(super) fn facts(&self, engine: &Engine, paid_at: Instant) -> Result<Sale, String> {
        let name = |text: &str| text.to_owned();
        let charged = match self.fee_charged.as_deref() {
            Some(BY_POLICY) | None => money(engine, "0.00")?,
            Some(text) => money(engine, text)?,
        };
        let mut sale = Sale {
            id: "S-1".parse().map_err(|e| format!("{e}"))?,
            merchant: self.merchant.as_deref().unwrap_or("M-1").parse().map_err(|e| format!("{e}"))?,
            slip: Some(SlipNumbers {
                terminal: "T-1".parse().map_err(|e| format!("{e}"))?,
                batch: name("000001"),
                voucher: name("000001"),
                trace: name("000001"),
            }),
            order_number: None,
            retrieval_reference: None,
            operator: None,
            captured: money(engine, self.captured.as_deref().unwrap_or("100.00"))?,
            fee_charged: charged,
            channel: token(self.channel.as_deref().unwrap_or("card"))?,
            card_type: self.card_type.as_deref().map(token).transpose()?,
            kind: name(self.kind.as_deref().unwrap_or("purchase")),
            payer_token: self.payer_token.clone(),
            coupon: self.coupon.as_deref().map(|text| money(engine, text)).transpose()?,
            contact: None,
            service_at: self.service_at.as_deref().map(instant).transpose()?,
            paid_at,
            business_day: match &self.business_day {
                Some(text) => super::day(text)?,
                None => engine.business_day_of(paid_at).map_err(|e| format!("{e:?}"))?,
            },
            settlement: token(self.settlement.as_deref().unwrap_or("ordinary"))?,
        };
        if self.is_charged_by_policy() {
            let charge = engine.acquiring_fee(&sale).map_err(|e| format!("{e:?}"))?;
            sale.fee_charged = charge.ok_or("the policy has no [[charge]] for this sale: say its fee-charged")?;
        }
        Ok(sale)
    }

    pub(super) fn status(&self) -> Result<SaleStatus, String> {
        Ok(SaleStatus {
            outcome: token(self.outcome.as_deref().unwrap_or("good"))?,
            batch_closed_at: self.batch_closed_at.as_deref().map(instant).transpose()?,
            settled_at: self.settled_at.as_deref().map(instant).transpose()?,
            paid_out_at: self.paid_out_at.as_deref().map(instant).transpose()?,
            late: None,
        })
    }

    pub(super) fn is_charged_by_policy(&self) -> bool {
        self.fee_charged.as_deref() == Some(BY_POLICY)
    }

    pub(super) fn captured(&self) -> &str {
        self.captured.as_deref().unwrap_or("100.00")
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct BalanceCase {
    cleared: Option<String>,
    voided: Option<String>,
    reserved: Option<String>,
    #[serde(default)]
    void_open: bool,
    #[serde(default)]
    refunds_sent: u32,
    #[serde(default)]
    refunds_counted: u32,
    #[serde(default)]
    operation_open: bool,
    coupon_returned: Option<String>,
    last_refund_at: Option<String>,
    fee_returned: Option<String>,
    requested: Option<String>,
}

impl BalanceCase {
    pub(super) fn facts(&self, engine: &Engine) -> Result<Balance, String> {
        let nothing = |text: &Option<String>| money(engine, text.as_deref().unwrap_or("0.00"));
        Ok(Balance {
            cleared: nothing(&self.cleared)?,
            voided: nothing(&self.voided)?,
            reserved: nothing(&self.reserved)?,
            void_open: self.void_open,
            refunds_sent: self.refunds_sent,
            refunds_counted: self.refunds_counted,
            last_refund_at: self.last_refund_at.as_deref().map(instant).transpose()?,
            fee_returned: nothing(&self.fee_returned)?,
            coupon_returned: nothing(&self.coupon_returned)?,
            operation_open: self.operation_open,
            requested: nothing(&self.requested)?,
        })
    }
}

/// How many operations there were so far.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct CountCase {
    /// Of which way: `void` or `refund`.
    way: String,
    /// Whose, as the policy's `counted`.
    counted: String,
    /// Over which span, as the policy's `within`. Absent: in the business day.
    within: Option<String>,
    /// How many, not counting the one that is asked for.
    so_far: u32,
}

impl CountCase {
    fn need(&self) -> Result<TallyNeed, String> {
        let way = match self.way.as_str() {
            "void" => Way::Void,
            "refund" => Way::Refund,
            other => return Err(format!("count: expected `void` or `refund`, found {other:?}")),
        };
        let period = match &self.within {
            None => Period::BusinessDay,
            Some(text) => Period::Rolling(Span::parse(text).map_err(|e| format!("count: {e}"))?.duration()),
        };
        Ok(TallyNeed { way, counted: counted(&self.counted)?, period })
    }
}

fn counted(word: &str) -> Result<Counted, String> {
    Counted::from_word(word).ok_or_else(|| format!("count: expected whose, such as merchant-account, found {word:?}"))
}

/// Every count the policy asks for; zero where the case says nothing. `voids-today` tells what happened whether or not the
/// policy counts it; a `count` that the policy never asks for is a mistake in the case.
pub(super) fn tallies(
    engine: &Engine,
    voids_today: &BTreeMap<String, u32>,
    count: &[CountCase],
) -> Result<Vec<Tally>, String> {
    let mut said: Vec<Tally> = Vec::new();
    for (word, so_far) in voids_today {
        let need = TallyNeed { way: Way::Void, counted: counted(word)?, period: Period::BusinessDay };
        said.push(Tally { need, count: *so_far });
    }
    let needed = engine.needs().tallies;
    for case in count {
        let need = case.need()?;
        if !needed.contains(&need) {
            return Err(format!("the policy does not count {}", crate::notation::need(&need)));
        }
        said.push(Tally { need, count: case.so_far });
    }
    let tally = |need: TallyNeed| {
        let count = said.iter().find(|tally| tally.need == need).map_or(0, |tally| tally.count);
        Tally { need, count }
    };
    Ok(needed.into_iter().map(tally).collect())
}

/// The operator's proof.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct AuthenticationCase {
    /// Whether there is none.
    #[serde(default)]
    absent: bool,
    /// When it was given.
    at: Option<String>,
    /// Whose it is.
    person: Option<String>,
    /// What it was given for: `this`, `other` or `any`.
    operation: Option<String>,
}

impl AuthenticationCase {
    pub(super) fn facts(&self, now: &str) -> Result<Option<Authentication>, String> {
        if self.absent {
            return Ok(None);
        }
        let operation = match self.operation.as_deref() {
            None | Some("this") => Some(Digest::of(THIS)),
            Some("other") => Some(Digest::of(b"other")),
            Some("any") => None,
            Some(other) => return Err(format!("expected `this`, `other` or `any`, found {other:?}")),
        };
        let person = PersonId::parse(self.person.as_deref().unwrap_or(ASKER)).map_err(|error| error.to_string())?;
        let at = instant(self.at.as_deref().unwrap_or(now))?;
        Ok(Some(Authentication { person, method: AuthenticationMethod::Pin, at, operation }))
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct CodeCase {
    /// Made at `paid-at` unless told otherwise.
    created_at: Option<String>,
    /// As the policy says unless told otherwise.
    expires_at: Option<String>,
    scanned_at: Option<String>,
    presented_by: Option<String>,
}

impl CodeCase {
    pub(super) fn facts(&self, engine: &Engine, made: Instant) -> Result<PaymentCode, String> {
        let created_at = self.created_at.as_deref().map_or(Ok(made), instant)?;
        let expires_at = match (&self.expires_at, engine.terms().code_lives) {
            (Some(text), _) => instant(text)?,
            (None, Some(lives)) => created_at.plus(lives).map_err(|error| error.to_string())?,
            (None, None) => return Err("the policy has no codes: say when it expires".to_owned()),
        };
        Ok(PaymentCode {
            presented_by: self.presented_by.as_deref().map_or(Ok(Presenter::Merchant), token)?,
            reference: "O-1".to_owned(),
            created_at,
            expires_at,
            scanned_at: self.scanned_at.as_deref().map(instant).transpose()?,
        })
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct HoldCase {
    /// The sale's amount unless told otherwise.
    authorised: Option<String>,
    /// As the policy says unless told otherwise.
    ceiling: Option<String>,
    /// Made at `paid-at` unless told otherwise.
    authorised_at: Option<String>,
    /// As the policy says unless told otherwise.
    expires_at: Option<String>,
}

impl HoldCase {
    pub(super) fn facts(&self, engine: &Engine, sale: &SaleCase, made: Instant) -> Result<Hold, String> {
        let authorised = money(engine, self.authorised.as_deref().unwrap_or(sale.captured()))?;
        let authorised_at = self.authorised_at.as_deref().map_or(Ok(made), instant)?;
        let terms = engine.terms();
        let ceiling = match (&self.ceiling, terms.hold_ceiling_percent) {
            (Some(text), _) => money(engine, text)?,
            (None, Some(percent)) => {
                let minor = authorised.minor.saturating_mul(i64::from(percent)).div_euclid(100);
                Money { minor, currency: authorised.currency.clone() }
            }
            (None, None) => authorised.clone(),
        };
        let lives = terms.hold_lives.map_or_else(|| Span::new(86_400).map(Span::duration), Ok);
        let expires_at = match &self.expires_at {
            Some(text) => instant(text)?,
            None => {
                let lives = lives.map_err(|error| error.to_string())?;
                authorised_at.plus(lives).map_err(|error| error.to_string())?
            }
        };
        Ok(Hold { authorised, ceiling, authorised_at, expires_at, authorisation_code: None })
    }
}

/// That a terminal decides without the server. Said by nothing but `{}`: it holds the sale alone, heard from the server
/// just now, has a fresh bundle, an exact clock and nothing stored.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct OfflineCase {
    /// How far the server has heard of the sale: `kept`, `perhaps-sent` or `forwarded`.
    forwarding: Option<String>,
    /// How far the terminal's clock may be off: `2 seconds`, `500 milliseconds`.
    clock_bound: Option<String>,
    /// When it last heard from the server.
    last_contact: Option<String>,
    /// When its bundle was made.
    bundle_made: Option<String>,
    /// Records that the server has not acknowledged.
    #[serde(default)]
    stored_records: u32,
    /// Operations since the last contact.
    #[serde(default)]
    operations: u32,
    /// Their sum.
    total: Option<String>,
    /// Whether it has no counts at all: neither operations so far, nor what the requester asked for today.
    #[serde(default)]
    pub(super) without_counts: bool,
}

impl OfflineCase {
    pub(super) fn facts(&self, engine: &Engine, now: Instant) -> Result<OfflineSituation, String> {
        Ok(OfflineSituation {
            forwarding: match self.forwarding.as_deref() {
                None | Some("kept") => Forwarding::Kept,
                Some("perhaps-sent") => Forwarding::PerhapsSent,
                Some("forwarded") => Forwarding::Forwarded,
                Some(other) => {
                    return Err(format!("expected `kept`, `perhaps-sent` or `forwarded`, found {other:?}"));
                }
            },
            clock_bound: self.clock_bound.as_deref().map_or(Ok(Duration { ms: 0 }), clock_bound)?,
            last_contact: self.last_contact.as_deref().map_or(Ok(now), instant)?,
            bundle_made: self.bundle_made.as_deref().map_or(Ok(now), instant)?,
            stored_records: self.stored_records,
            operations: self.operations,
            total: money(engine, self.total.as_deref().unwrap_or("0.00"))?,
        })
    }
}

/// `2 seconds`, `500 milliseconds`.
fn clock_bound(text: &str) -> Result<Duration, String> {
    let bad = || format!("expected a length of time such as \"2 seconds\" or \"500 milliseconds\", found {text:?}");
    if let Some((number, "millisecond" | "milliseconds")) = text.split_once(' ') {
        return number.parse().map(|ms| Duration { ms }).map_err(|_| bad());
    }
    Span::parse(text).map(Span::duration).map_err(|_| bad())
}
