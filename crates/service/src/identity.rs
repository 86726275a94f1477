//! The customer's identity: that whoever wants money back is who paid. Recorded is *that* it was shown and how, never what.

use crate::app::App;
use crate::error::Error;
use crate::ports::Ports;
use crate::principal::{Bearer, Principal};
use rescind_model::{CommandId, IdentityKind, IdentityProof, Instant, Money, Sale, Way};
use subtle::ConstantTimeEq as _;

/// How a customer is identified.
#[derive(Clone, PartialEq, Eq)]
pub enum ShownIdentity {
    /// The card was read: its token.
    Card {
        /// Must equal the sale's payer token.
        token: String,
    },
    /// The terminal verified the cardholder's PIN.
    PinVerified {
        /// Where the terminal's message can be looked up.
        reference: Option<String>,
    },
    /// The customer repeated a code.
    Confirmed {
        /// The confirmation.
        confirmation: String,
        /// The code: never kept.
        code: String,
    },
}

impl core::fmt::Debug for ShownIdentity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Card { .. } => "Card(…)",
            Self::PinVerified { .. } => "PinVerified",
            Self::Confirmed { .. } => "Confirmed(…)",
        })
    }
}

/// An identity that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedIdentity {
    /// For the facts and the record.
    pub proof: IdentityProof,
    /// The confirmation to use up before the operation is committed.
    pub confirmation: Option<String>,
}

impl<P: Ports> App<P> {
    /// Checks how the customer of a sale was identified for an operation. A code that was repeated rightly is not used up
    /// yet: that is [`App::consume_confirmation`], once the policy has agreed.
    ///
    /// # Errors
    /// [`Error::Unproved`] `identity.mismatch`, `confirmation.*`; [`Error::Forbidden`] for who cannot know.
    pub async fn check_identity(
        &self,
        who: &Principal,
        sale: &Sale,
        way: Way,
        amount: &Money,
        shown: &ShownIdentity,
        command: &CommandId,
    ) -> Result<CheckedIdentity, Error> {
        if let ShownIdentity::Confirmed { confirmation, code } = shown {
            let repeated = self.check_confirmation(sale, way, amount, confirmation, code, command).await?;
            let proof = IdentityProof {
                kind: IdentityKind::CustomerConfirmed,
                reference: Some(repeated.reference),
                at: repeated.at,
            };
            return Ok(CheckedIdentity { proof, confirmation: Some(confirmation.clone()) });
        }
        let proof = at_the_counter(who, sale, shown, self.ports.now())?;
        Ok(CheckedIdentity { proof, confirmation: None })
    }
}

/// What is shown at the counter: nothing has to be looked up for it.
///
/// # Errors
/// As [`App::check_identity`].
pub(crate) fn at_the_counter(
    who: &Principal,
    sale: &Sale,
    shown: &ShownIdentity,
    at: Instant,
) -> Result<IdentityProof, Error> {
    match shown {
        ShownIdentity::Card { token } => {
            // Persons see payer tokens in sales: theirs would prove that they can read.
            if !matches!(who.bearer, Bearer::Terminal { .. } | Bearer::System { .. }) {
                return Err(Error::Forbidden("a card is read by a terminal or the merchant's system".to_owned()));
            }
            let paid = sale.payer_token.as_deref().unwrap_or_default().as_bytes();
            let same: bool = paid.ct_eq(token.as_bytes()).into();
            if paid.is_empty() || !same {
                return Err(Error::Unproved {
                    code: "identity.mismatch",
                    message: "this is not the card that paid, or it is not known which card did",
                });
            }
            Ok(IdentityProof { kind: IdentityKind::CardPresented, reference: None, at })
        }
        ShownIdentity::PinVerified { reference } => {
            if !matches!(who.bearer, Bearer::Terminal { .. }) {
                return Err(Error::Forbidden("only a terminal can say that it verified a PIN".to_owned()));
            }
            Ok(IdentityProof { kind: IdentityKind::PinVerified, reference: reference.clone(), at })
        }
        ShownIdentity::Confirmed { .. } => {
            Err(Error::Internal("a confirmation is not shown at the counter".to_owned()))
        }
    }
}
