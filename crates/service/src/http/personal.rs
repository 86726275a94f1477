//! What is personal: contacts coming in, glimpses going out, and erasures.

use crate::http::Shared;
use crate::http::caller::Caller;
use crate::http::id::Id;
use crate::http::instruction::{About, Instruction};
use crate::http::number::not_a_card;
use crate::http::problem::{Noun, Problem};
use crate::http::text::{Text, Texts};
use crate::limits::CONTACT_BYTES;
use crate::mask::{Glimpse, Lens};
use crate::personal::{ErasureAsk, Kind, Personal};
use crate::ports::Ports;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rescind_model::{Digest, SaleId};
use serde::{Deserialize, Deserializer, Serialize, de};

/// How the customer is reached: one of the three. Kept outside the payment's record, and erasable.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Contact {
    /// A telephone number: digits, spaces and hyphens, with `+` and the country's code unless it is a mainland one.
    Phone(#[cfg_attr(feature = "openapi", schema(inline))] Phone),
    /// An e-mail address.
    Email(#[cfg_attr(feature = "openapi", schema(inline))] Email),
    /// The user's name in the merchant's app, as the merchant's systems know it.
    App(#[cfg_attr(feature = "openapi", schema(inline))] AppUser),
}

impl Contact {
    /// As the core takes it.
    #[must_use]
    pub fn parsed(self) -> Personal {
        match self {
            Self::Phone(Phone(text)) => Personal { kind: Kind::Phone, text },
            Self::Email(Email(text)) => Personal { kind: Kind::Email, text },
            Self::App(AppUser(text)) => Personal { kind: Kind::App, text },
        }
    }
}

/// A telephone number, spaces and hyphens left out.
#[derive(Debug)]
pub struct Phone(String);

/// An e-mail address.
#[derive(Debug)]
pub struct Email(String);

/// A user of an app.
#[derive(Debug)]
pub struct AppUser(String);

/// Longest number without a country's code: a mainland mobile number.
const NATIONAL_DIGITS: usize = 11;

/// E.164.
const INTERNATIONAL_DIGITS: core::ops::RangeInclusive<usize> = 7..=15;

impl Phone {
    fn parse(text: &str) -> Result<Self, String> {
        let number: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let digits = number.strip_prefix('+').unwrap_or(&number);
        let international = digits.len() != number.len();
        let fits = if international {
            INTERNATIONAL_DIGITS.contains(&digits.len())
        } else {
            (5..=NATIONAL_DIGITS).contains(&digits.len())
        };
        if !fits || !digits.bytes().all(|b| b.is_ascii_digit()) {
            // What was given is not repeated: it may be somebody's number all the same.
            return Err("expected a telephone number of 5 to 11 digits, or + and 7 to 15".to_owned());
        }
        Ok(Self(number))
    }
}

impl Email {
    fn parse(text: &str) -> Result<Self, String> {
        let bad = || "expected an e-mail address, name@domain".to_owned();
        let (name, domain) = text.rsplit_once('@').ok_or_else(bad)?;
        let clean = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_control() || c.is_whitespace());
        if text.len() > CONTACT_BYTES || !clean(name) || !clean(domain) || !domain.contains('.') {
            return Err(bad());
        }
        not_a_card(name)?;
        Ok(Self(text.to_owned()))
    }
}

impl AppUser {
    fn parse(text: &str) -> Result<Self, String> {
        let fits = text.bytes().all(|b| b.is_ascii_graphic());
        if text.is_empty() || text.len() > CONTACT_BYTES || !fits {
            return Err(format!("expected 1 to {CONTACT_BYTES} printable characters without spaces"));
        }
        not_a_card(text)?;
        Ok(Self(text.to_owned()))
    }
}

macro_rules! read_from_text {
    ($($name:ident)*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                use utoipa::openapi::{ObjectBuilder, schema::Type};
                ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(CONTACT_BYTES)).into()
            }
        }
        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    )*};
}
read_from_text! { Phone Email AppUser }

/// Something personal, as far as the key's holder may see it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Personal))]
pub struct PersonalView {
    /// What stands for it in the payment's record: a salted commitment.
    #[serde(skip_serializing_if = "Option::is_none")]
    commitment: Option<String>,
    /// `note`, `phone`, `email` or `app`.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// The text, whole or masked. Absent if it is not for this key's holder, and in answers to instructions, which are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Present and true once it was erased.
    #[serde(skip_serializing_if = "crate::http::answer::is_false")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    erased: bool,
}

impl PersonalView {
    /// The commitment alone.
    #[must_use]
    pub fn of(commitment: &Digest) -> Self {
        Self { commitment: Some(commitment.hex.clone()), kind: None, text: None, erased: false }
    }

    /// As a lens shows it.
    #[must_use]
    pub fn through(lens: &Lens, commitment: &Digest) -> Self {
        let Glimpse { kind, text, erased } = lens.look(commitment);
        Self { commitment: Some(commitment.hex.clone()), kind: kind.map(Kind::word), text, erased }
    }

    /// What has no commitment.
    #[must_use]
    pub fn bare(glimpse: Glimpse) -> Self {
        let Glimpse { kind, text, erased } = glimpse;
        Self { commitment: None, kind: kind.map(Kind::word), text, erased }
    }
}

/// An erasure that is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewErasure {
    /// Why. Kept beside what was erased; name nobody.
    reason: Text,
    /// What, by commitment or by the content of evidence. Everything personal about the payment unless told.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
    commitments: Option<Vec<Digest>>,
}

/// What an erasure did.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Erasure))]
pub struct ErasureView {
    /// The payment.
    sale: String,
    /// What nobody can open any more, now or since before.
    erased: Vec<String>,
    /// Evidence that stays, because an operation under way rests on it: compliance can erase it.
    kept: Vec<String>,
}

/// `POST /v1/transactions/{id}/erasures`
pub async fn erase<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Id(id): Id<SaleId>,
    instruction: Instruction<NewErasure>,
) -> Result<Response, Problem> {
    let scope = caller.scope(&[])?;
    let about = About::on_sale(Noun::Sale, &id);
    let (app, scope) = (&*app, &scope);
    instruction
        .carry_out(app, scope, about, |ask, command| async move {
            let reason = Texts::default().take(ask.reason);
            let ask = ErasureAsk { reason, commitments: ask.commitments };
            let done = app.erase(&scope.who, &scope.merchant, &id, &ask, &command).await?;
            let words = |all: Vec<Digest>| all.into_iter().map(|digest| digest.hex).collect();
            Ok((StatusCode::OK, ErasureView { sale: id.value, erased: words(done.erased), kept: words(done.kept) }))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_what_they_say_and_never_card_numbers() {
        let read = |body: &str| serde_json::from_str::<Contact>(body).map(Contact::parsed);
        for (body, kind, text) in [
            (r#"{"phone":"138 1234-5678"}"#, Kind::Phone, "13812345678"),
            (r#"{"phone":"+86 138 1234 5678"}"#, Kind::Phone, "+8613812345678"),
            (r#"{"email":"a.b@example.com"}"#, Kind::Email, "a.b@example.com"),
            (r#"{"app":"wx_1"}"#, Kind::App, "wx_1"),
        ] {
            let read = read(body).unwrap();
            assert_eq!((read.kind, read.text.as_str()), (kind, text));
            assert!(!format!("{read:?}").contains(text));
        }
        for body in [
            r#"{"phone":"4111111111111111"}"#,
            r#"{"phone":"1381234567x"}"#,
            r#"{"phone":""}"#,
            r#"{"email":"4111111111111111@x.cn"}"#,
            r#"{"email":"a@b"}"#,
            r#"{"email":"a b@c.cn"}"#,
            r#"{"app":"4111111111111111"}"#,
            r#"{"phone":"13812345678","email":"a@b.cn"}"#,
            r#"{"fax":"1"}"#,
            "{}",
        ] {
            let error = read(body).unwrap_err().to_string();
            assert!(!error.contains("4111111111111111"), "{error}");
        }
    }
}
