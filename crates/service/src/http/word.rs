//! Words of a fixed vocabulary on the wire: the tokens of the model.

use crate::code::CodeState;
use crate::operator::OperatorRole;
use rescind_model::token::Token;
use rescind_model::{Audience, Locale};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A vocabulary that can be read and written.
pub trait Vocabulary: Sized + Copy + 'static {
    /// The word of this value.
    fn word(self) -> &'static str;
    /// All words with their values.
    fn words() -> Vec<(Self, &'static str)>;
    /// The value of a word.
    ///
    /// # Errors
    /// All words there are.
    fn read(word: &str) -> Result<Self, String> {
        let words = Self::words();
        words.iter().find(|(_, w)| *w == word).map(|(value, _)| *value).ok_or_else(|| {
            let all: Vec<&str> = words.iter().map(|(_, w)| *w).collect();
            format!("expected one of {}, found {word:?}", all.join(", "))
        })
    }
}

macro_rules! of_tokens {
    ($($name:ident)*) => {$(
        impl Vocabulary for rescind_model::$name {
            fn word(self) -> &'static str { self.token() }
            fn words() -> Vec<(Self, &'static str)> { Self::ALL.to_vec() }
        }
    )*};
}
of_tokens! { Channel CardType SettlementMode SaleOutcome Way Outcome Executor Party FeeKind OperationState RefundState EventKind AuthenticationMethod Trouble Presenter }
of_tokens! { CaseState OrderState LiabilityCause LiabilityState FundingBasis Account Side }

macro_rules! of_words {
    ($($name:ident { $($value:ident $word:literal)* })*) => {$(
        impl Vocabulary for $name {
            fn word(self) -> &'static str { match self { $(Self::$value => $word,)* } }
            fn words() -> Vec<(Self, &'static str)> { vec![$((Self::$value, $word),)*] }
        }
    )*};
}
of_words! {
    Locale { ZhCn "zh-CN" En "en" }
    Audience { Merchant "merchant" Customer "customer" Reviewer "reviewer" }
    SaleNewsType { OutcomeKnown "outcome-known" Settled "settled" PaidOut "paid-out" }
    ResultType { Done "done" Failed "failed" Unknown "unknown" Reversed "reversed" }
    OperatorRole { Cashier "cashier" Supervisor "supervisor" Manager "manager" Compliance "compliance" }
    VerdictType { Approve "approve" Decline "decline" }
    CodeState {
        Unscanned "unscanned" Scanned "scanned" Paid "paid" Expired "expired" Cancelled "cancelled" Cancelling "cancelling"
        CancelFailed "cancel-failed" CancelUnknown "cancel-unknown"
    }
    NextType {
        Undone "undone" Refused "refused" NewSale "new-sale" Reprint "reprint" WaysBack "ways-back"
    }
}

/// What happened to a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaleNewsType {
    /// Its outcome became known.
    OutcomeKnown,
    /// It was cleared to the merchant.
    Settled,
    /// Its money was paid out.
    PaidOut,
}

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultType {
    /// It took place.
    Done,
    /// Definitively not.
    Failed,
    /// Nobody knows.
    Unknown,
    /// An unknown void was itself reversed.
    Reversed,
}

/// What a reviewer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictType {
    /// Yes.
    Approve,
    /// No.
    Decline,
}

/// What follows from a trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextType {
    /// The payment is being undone.
    Undone,
    /// It is not: the decision says why.
    Refused,
    /// Nothing was taken: a new sale may be made.
    NewSale,
    /// The payment is good: print its slip again.
    Reprint,
    /// The payment stands: these are the ways back.
    WaysBack,
}

/// A word as JSON has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<T>(pub T);

macro_rules! aliases {
    ($($alias:ident $value:ty, $doc:literal;)*) => {$(#[doc = $doc] pub type $alias = Word<$value>;)*};
}
// Names of their own, because the schemas of generic types are those of their parts.
aliases! {
    ChannelWord rescind_model::Channel, "How the payer paid.";
    CardTypeWord rescind_model::CardType, "The kind of card.";
    SettlementModeWord rescind_model::SettlementMode, "When the merchant gets the money.";
    SaleOutcomeWord rescind_model::SaleOutcome, "What is known of a sale.";
    WayWord rescind_model::Way, "A way back.";
    OutcomeWord rescind_model::Outcome, "What a decision says.";
    ExecutorWord rescind_model::Executor, "Who carries an operation out.";
    PartyWord rescind_model::Party, "Who pays.";
    FeeKindWord rescind_model::FeeKind, "What a fee is for.";
    OperationStateWord rescind_model::OperationState, "How far an operation got.";
    RefundStateWord rescind_model::RefundState, "How far a refund got.";
    EventKindWord rescind_model::EventKind, "What happened.";
    LocaleWord Locale, "A language.";
    AudienceWord Audience, "For whom a message is.";
    SaleNewsTypeWord SaleNewsType, "What happened to a sale.";
    ResultTypeWord ResultType, "What became of an operation.";
    AuthenticationMethodWord rescind_model::AuthenticationMethod, "How an operator showed who they are.";
    OperatorRoleWord OperatorRole, "As what an operator stands at a till.";
    VerdictTypeWord VerdictType, "What a reviewer says.";
    TroubleWord rescind_model::Trouble, "What went wrong at the till.";
    PresenterWord rescind_model::Presenter, "Who shows a payment code.";
    CodeStateWord CodeState, "How far a payment code got.";
    NextTypeWord NextType, "What follows from a trouble.";
    CaseStateWord rescind_model::CaseState, "How far a referral got.";
    OrderStateWord rescind_model::OrderState, "How far a legal order got.";
    LiabilityCauseWord rescind_model::LiabilityCause, "Why somebody owes money.";
    LiabilityStateWord rescind_model::LiabilityState, "How far a liability got.";
    FundingBasisWord rescind_model::FundingBasis, "What limits the refunds of a business day.";
    AccountWord rescind_model::Account, "An account.";
    SideWord rescind_model::Side, "A side of an account.";
}

impl<T: Vocabulary> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.word())
    }
}

impl<'de, T: Vocabulary> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::read(&text).map(Self).map_err(de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
mod schema {
    use super::{Vocabulary, Word};
    use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};

    impl<T: Vocabulary> utoipa::PartialSchema for Word<T> {
        fn schema() -> RefOr<Schema> {
            let words = T::words().into_iter().map(|(_, word)| word);
            ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
        }
    }
    impl<T: Vocabulary> utoipa::ToSchema for Word<T> {
        fn name() -> std::borrow::Cow<'static, str> {
            let full = std::any::type_name::<T>();
            full.rsplit("::").next().unwrap_or(full).to_owned().into()
        }
    }
}
