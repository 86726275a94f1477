//! Operations as they are asked for and answered.

use crate::limits::{ATTEMPTS, REFERENCE_BYTES, TEXT_BYTES};
use crate::refusal::Refusal;
use rescind_model::{MerchantId, Money, SaleId};
use serde::{Deserialize, Serialize};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// 撤销: cancels a sale.
    Void,
    /// 退货: returns money of a sale.
    Refund,
    /// 冲正: undoes a void, or the sale itself.
    Reversal,
    /// 关单、撤销付款码: ends an order that nobody has paid.
    OrderClose,
    /// 预授权完成: captures all or part of a hold and releases the rest.
    HoldCompletion,
    /// 预授权撤销: releases a hold.
    HoldRelease,
    /// 预授权完成撤销: cancels a completion; the hold stands again.
    CompletionVoid,
}

/// How far an operation got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It took place.
    Done,
    /// It did not and will not; code `94` is the exception, see the crate's documentation.
    Failed,
    /// Not decided yet.
    Processing,
}

/// The answer to an operation or a question about one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The caller's reference.
    pub reference: String,
    /// How far it got.
    pub status: Status,
    /// The response code.
    pub code: String,
    /// Our reference for it.
    pub provider_reference: String,
    /// When it got there: RFC 3339.
    pub at: String,
    /// The attempt this is the answer to.
    pub attempt: u32,
    /// Whether the same was asked before.
    pub duplicate: bool,
}

/// A caller's reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Reference(String);

impl Reference {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let visible = text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'/' | b'?' | b'#' | b'%'));
        if visible && !text.is_empty() && text.len() <= REFERENCE_BYTES {
            Ok(Self(text.to_owned()))
        } else {
            Err(Refusal::Invalid(format!(
                "reference: expected 1 to {REFERENCE_BYTES} visible ASCII characters without / ? # %"
            )))
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a reference stands for: the same content under it is the same operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) what: What,
    pub(crate) merchant: MerchantId,
    pub(crate) sale: SaleId,
    pub(crate) known_by: KnownBy,
    pub(crate) amount: Money,
}

/// How the network knows the payment: whatever of it the caller has. Only a real provider needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownBy {
    /// 参考号.
    pub(crate) retrieval_reference: Option<String>,
    /// What the network calls the order of a payment code.
    pub(crate) order: Option<String>,
    /// The issuer's authorisation code of a hold.
    pub(crate) authorisation_code: Option<String>,
    /// The numbers on the sales slip.
    pub(crate) slip: Option<Slip>,
}

/// The numbers on a sales slip.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slip {
    pub(crate) terminal: String,
    pub(crate) batch: String,
    pub(crate) voucher: String,
    pub(crate) trace: String,
}

impl KnownBy {
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let Self { retrieval_reference, order, authorisation_code, slip } = self;
        let mut texts = vec![
            ("retrieval_reference", retrieval_reference.as_deref()),
            ("order", order.as_deref()),
            ("authorisation_code", authorisation_code.as_deref()),
        ];
        if let Some(Slip { terminal, batch, voucher, trace }) = slip {
            texts.extend([terminal, batch, voucher, trace].map(|text| ("slip", Some(text.as_str()))));
        }
        match texts.into_iter().find(|(_, text)| text.is_some_and(|text| text.len() > TEXT_BYTES)) {
            Some((what, _)) => Err(Refusal::Invalid(format!("{what}: longer than {TEXT_BYTES} bytes"))),
            None => Ok(()),
        }
    }
}

/// The kind with what only one kind has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Void,
    Refund,
    /// Of a void.
    Reversal {
        original: Reference,
    },
    /// 冲正 of the payment itself: of a sale, of a payment by code, of a hold.
    SaleReversal,
    OrderClose,
    HoldCompletion,
    HoldRelease,
    CompletionVoid,
}

/// What a reversal undoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Undoes {
    /// A void, named by `original`.
    Void,
    /// The sale itself.
    Sale,
}

impl What {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Void => Kind::Void,
            Self::Refund => Kind::Refund,
            Self::Reversal { .. } | Self::SaleReversal => Kind::Reversal,
            Self::OrderClose => Kind::OrderClose,
            Self::HoldCompletion => Kind::HoldCompletion,
            Self::HoldRelease => Kind::HoldRelease,
            Self::CompletionVoid => Kind::CompletionVoid,
        }
    }
}

/// One call: a reference, what it stands for, and which try it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) reference: Reference,
    pub(crate) content: Content,
    pub(crate) attempt: u32,
}

/// An amount as JSON has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmountBody {
    /// A decimal text.
    pub amount: String,
    /// ISO 4217.
    pub currency: String,
}

impl From<&Money> for AmountBody {
    fn from(money: &Money) -> Self {
        Self { amount: money.decimal_text(), currency: money.currency.clone() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallBody {
    reference: String,
    kind: Kind,
    #[serde(default)]
    undoes: Option<Undoes>,
    #[serde(default)]
    original: Option<String>,
    merchant: MerchantId,
    sale: SaleId,
    #[serde(default)]
    retrieval_reference: Option<String>,
    #[serde(default)]
    order: Option<String>,
    #[serde(default)]
    authorisation_code: Option<String>,
    #[serde(default)]
    slip: Option<Slip>,
    amount: AmountBody,
    #[serde(default = "first_attempt")]
    attempt: u32,
}

fn first_attempt() -> u32 {
    1
}

impl CallBody {
    fn what(&self) -> Result<What, Refusal> {
        let invalid = |why: &str| Err(Refusal::Invalid(why.to_owned()));
        match (self.kind, self.undoes, &self.original) {
            (Kind::Reversal, Some(Undoes::Sale), None) => Ok(What::SaleReversal),
            (Kind::Reversal, Some(Undoes::Sale), Some(_)) => {
                invalid("original: a sale is named by merchant and sale, and by what the network knows it by")
            }
            (Kind::Reversal, _, Some(original)) => Ok(What::Reversal { original: Reference::parse(original)? }),
            (Kind::Reversal, _, None) => invalid("original: a reversal names the void it reverses"),
            (_, Some(_), _) => invalid("undoes: only a reversal undoes something"),
            (_, None, Some(_)) => invalid("original: only a reversal has one"),
            (Kind::Void, ..) => Ok(What::Void),
            (Kind::Refund, ..) => Ok(What::Refund),
            (Kind::OrderClose, ..) => Ok(What::OrderClose),
            (Kind::HoldCompletion, ..) => Ok(What::HoldCompletion),
            (Kind::HoldRelease, ..) => Ok(What::HoldRelease),
            (Kind::CompletionVoid, ..) => Ok(What::CompletionVoid),
        }
    }
}

impl AmountBody {
    /// The amount, which is more than zero.
    pub(crate) fn money(&self) -> Result<Money, Refusal> {
        let amount = Money::parse(&self.amount, &self.currency)?;
        if amount.is_zero() {
            return Err(Refusal::Invalid("amount: expected more than zero".to_owned()));
        }
        Ok(amount)
    }
}

impl Call {
    /// Reads a call.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let body: CallBody = json(body)?;
        let what = body.what()?;
        let amount = body.amount.money()?;
        if !(1..=ATTEMPTS).contains(&body.attempt) {
            return Err(Refusal::Invalid(format!("attempt: expected 1 to {ATTEMPTS}")));
        }
        let CallBody { retrieval_reference, order, authorisation_code, slip, .. } = body;
        let known_by = KnownBy { retrieval_reference, order, authorisation_code, slip };
        known_by.check()?;
        let reference = Reference::parse(&body.reference)?;
        if matches!(&what, What::Reversal { original } if *original == reference) {
            return Err(Refusal::Invalid("reference: a reversal has a reference of its own".to_owned()));
        }
        Ok(Self {
            reference,
            attempt: body.attempt,
            content: Content { what, merchant: body.merchant, sale: body.sale, known_by, amount },
        })
    }
}

/// Reads JSON: what is no JSON at all is malformed, what does not fit is invalid.
pub(crate) fn json<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|e| match e.classify() {
        serde_json::error::Category::Data => Refusal::Invalid(e.to_string()),
        _ => Refusal::Malformed(e.to_string()),
    })
}
