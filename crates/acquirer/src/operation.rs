//! Operations as they are asked for and answered.

use crate::limits::{ATTEMPTS, REFERENCE_BYTES};
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
    /// 冲正: undoes a void.
    Reversal,
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
    pub(crate) retrieval_reference: Option<String>,
    pub(crate) amount: Money,
}

/// The kind with what only one kind has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Void,
    Refund,
    Reversal { original: Reference },
}

impl What {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Void => Kind::Void,
            Self::Refund => Kind::Refund,
            Self::Reversal { .. } => Kind::Reversal,
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
pub(crate) struct AmountBody {
    pub(crate) amount: String,
    pub(crate) currency: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallBody {
    reference: String,
    kind: Kind,
    #[serde(default)]
    original: Option<String>,
    merchant: MerchantId,
    sale: SaleId,
    #[serde(default)]
    retrieval_reference: Option<String>,
    amount: AmountBody,
    #[serde(default = "first_attempt")]
    attempt: u32,
}

fn first_attempt() -> u32 {
    1
}

impl Call {
    /// Reads a call.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let body: CallBody = json(body)?;
        let what = match (body.kind, body.original) {
            (Kind::Void, None) => What::Void,
            (Kind::Refund, None) => What::Refund,
            (Kind::Reversal, Some(original)) => What::Reversal { original: Reference::parse(&original)? },
            (Kind::Reversal, None) => {
                return Err(Refusal::Invalid("original: a reversal names the void it reverses".to_owned()));
            }
            (_, Some(_)) => return Err(Refusal::Invalid("original: only a reversal has one".to_owned())),
        };
        let amount = Money::parse(&body.amount.amount, &body.amount.currency)?;
        if amount.is_zero() {
            return Err(Refusal::Invalid("amount: expected more than zero".to_owned()));
        }
        if !(1..=ATTEMPTS).contains(&body.attempt) {
            return Err(Refusal::Invalid(format!("attempt: expected 1 to {ATTEMPTS}")));
        }
        if body.retrieval_reference.as_ref().is_some_and(|text| text.len() > REFERENCE_BYTES) {
            return Err(Refusal::Invalid(format!("retrieval_reference: longer than {REFERENCE_BYTES} bytes")));
        }
        let reference = Reference::parse(&body.reference)?;
        if matches!(&what, What::Reversal { original } if *original == reference) {
            return Err(Refusal::Invalid("reference: a reversal has a reference of its own".to_owned()));
        }
        Ok(Self {
            reference,
            attempt: body.attempt,
            content: Content {
                what,
                merchant: body.merchant,
                sale: body.sale,
                retrieval_reference: body.retrieval_reference,
                amount,
            },
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
