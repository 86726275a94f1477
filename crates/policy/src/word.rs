//! Closed vocabularies of the document: enums whose values are written as kebab-case words.

use core::fmt;
use core::marker::PhantomData;
use rescind_model::{CardType, Channel, Counted, Executor, FundingBasis, IdentityKind, Party};
use serde::{Deserializer, Serializer, de};

/// A vocabulary with one word per value.
pub trait Word: Sized + Copy + PartialEq + 'static {
    /// All values with their words.
    const ALL: &'static [(Self, &'static str)];

    /// The word of this value.
    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(value, _)| *value == self).map_or("", |(_, word)| word)
    }

    /// The value of a word.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, w)| *w == word).map(|(value, _)| *value)
    }
}

/// Gives types of the model and of this crate their words.
macro_rules! words {
    ($($name:ident { $($value:ident $word:literal,)* })*) => {$(
        impl $crate::word::Word for $name {
            const ALL: &'static [(Self, &'static str)] = &[$(($name::$value, $word),)*];
        }
    )*};
}
pub(crate) use words;

words! {
    Executor { Terminal "terminal", Courier "courier", }
    Party { Merchant "merchant", Customer "customer", Acquirer "acquirer", }
    Channel { Card "card", PaymentCode "payment-code", }
    CardType { Credit "credit", Debit "debit", Prepaid "prepaid", }
    FundingBasis { SameDayIncome "same-day-income", Prefunded "prefunded", }
    IdentityKind {
        CardPresented "card-presented", PinVerified "pin-verified", CustomerConfirmed "customer-confirmed",
    }
    Counted {
        MerchantAccount "merchant-account", PayerToken "payer-token", Operator "operator", Terminal "terminal",
    }
}

struct WordVisitor<T>(PhantomData<T>);

impl<T: Word> de::Visitor<'_> for WordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (_, word)) in T::ALL.iter().enumerate() {
            let separator = if index == 0 { "" } else { " or " };
            write!(f, "{separator}{word:?}")?;
        }
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::from_word(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// `#[serde(with = "word")]`: as its word.
pub(crate) fn serialize<T: Word, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.word())
}

pub(crate) fn deserialize<'de, T: Word, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_str(WordVisitor(PhantomData))
}

/// The same for something that can be absent.
pub(crate) mod option {
    use super::Word;
    use serde::{Deserializer, Serializer};

    #[allow(clippy::ref_option, reason = "the signature serde asks for")]
    pub(crate) fn serialize<T: Word, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T: Word, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        super::deserialize(deserializer).map(Some)
    }
}

/// The same for a list.
pub(crate) mod list {
    use super::{Word, WordVisitor};
    use core::fmt;
    use core::marker::PhantomData;
    use serde::de::{DeserializeSeed, SeqAccess, Visitor};
    use serde::{Deserializer, Serializer};

    pub(crate) fn serialize<T: Word, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| value.word()))
    }

    pub(crate) fn deserialize<'de, T: Word, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }

    struct ListVisitor<T>(PhantomData<T>);

    impl<'de, T: Word> Visitor<'de> for ListVisitor<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of words")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut values = Vec::new();
            while let Some(value) = seq.next_element_seed(Seed(PhantomData))? {
                values.push(value);
            }
            Ok(values)
        }
    }

    struct Seed<T>(PhantomData<T>);

    impl<'de, T: Word> DeserializeSeed<'de> for Seed<T> {
        type Value = T;

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
            deserializer.deserialize_str(WordVisitor(PhantomData))
        }
    }
}
