//! Confirmations: a customer agrees to an operation by repeating a code that was sent to them.
//!
//! A code goes to whom the merchant's systems name, or to the sale's own contact. Never to whom the till names: who stands
//! there would send the code to themselves.
//!
//! A code is bound to one sale, way and amount, is good for ten minutes and one operation, and is kept as a keyed digest.
//! A try is counted, by compare-and-swap, before the code is compared, so that a race gives nobody more tries. Until it is
//! delivered the code itself lies in the `outbox`, and nowhere else.

use crate::app::App;
use crate::error::Error;
use crate::limits::{CONFIRMATION_LIFETIME, CONFIRMATION_TRIES, CONFIRMATION_WINDOW, CONFIRMATIONS, CONTACT_BYTES};
use crate::outbox::Letter;
use crate::personal::{Kept, PersonalRecord};
use crate::ports::Ports;
use crate::principal::{Bearer, Deed, Principal};
use crate::secret::Pepper;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::marks::Marks;
use rescind_model::{CommandId, Instant, MerchantId, Money, Sale, SaleId, Way};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

/// A confirmation that is asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfirmationAsk {
    /// Of which sale.
    pub sale: SaleId,
    /// Which way.
    pub way: Way,
    /// How much.
    pub amount: Money,
    /// How the customer is reached: the merchant's system alone may say so. For all others it is the sale's contact.
    pub contact: Option<String>,
}

/// A confirmation, without its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedConfirmation {
    /// Names it.
    pub id: String,
    /// When it ends.
    pub expires_at: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    id: String,
    way: Way,
    amount: Money,
    salt: String,
    /// The code under the pepper.
    seal: String,
    /// Keyed digest of where it was sent; absent where the merchant's system knows.
    contact: Option<String>,
    tries: u32,
    created_at: Instant,
    expires_at: Instant,
    /// The command whose operation rests on it.
    consumed_by: Option<CommandId>,
}

/// All codes of one sale: bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmations {
    items: Vec<Confirmation>,
    marks: Marks,
}

impl Record for Confirmations {
    const FORMAT: &'static str = "confirmations/1";
    fn holds(&self, id: &str) -> bool {
        self.marks.has(id)
    }
}

fn ended() -> Error {
    Error::Unproved { code: "confirmation.ended", message: "have a new code sent to the customer" }
}

/// A code that was repeated rightly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repeated {
    /// When.
    pub(crate) at: Instant,
    /// The confirmation, and the keyed digest of where its code was sent.
    pub(crate) reference: String,
}

fn seal_of(pepper: &Pepper, sale: &Sale, id: &str, salt: &str, code: &str) -> Result<String, Error> {
    pepper.seal("confirmation/1", &[sale.merchant.as_str(), sale.id.as_str(), id, salt, code])
}

/// The keyed digest of an address: tells two apart, and cannot be tried without the pepper.
fn sealed_contact(pepper: &Pepper, merchant: &MerchantId, contact: &str) -> Result<String, Error> {
    let whole = pepper.seal("confirmation-contact/1", &[merchant.as_str(), contact])?;
    Ok(whole.chars().take(32).collect())
}

impl<P: Ports> App<P> {
    /// Sends a code to a sale's customer, through the merchant's endpoints that take such messages.
    ///
    /// # Errors
    /// Not permitted; no such sale; a contact that is not the asker's to name; [`Error::Conflict`]
    /// `confirmation.no-channel`, `confirmation.no-contact`, `limit.reached`.
    pub async fn ask_confirmation(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        ask: &ConfirmationAsk,
        command: &CommandId,
    ) -> Result<AskedConfirmation, Error> {
        who.may(Deed::TakeBack, merchant)?;
        let sale = self.sale(who, merchant, &ask.sale).await?.ledger.sale;
        let fits = ask.amount.exceeds(&sale.captured).map_err(|e| Error::invalid("/amount", e))?;
        if fits {
            return Err(Error::invalid("/amount", "expected at most the sale's amount"));
        }
        if ask.contact.as_ref().is_some_and(|c| c.len() > CONTACT_BYTES || c.chars().any(char::is_control)) {
            return Err(Error::invalid("/contact", format!("expected at most {CONTACT_BYTES} bytes of text")));
        }
        let contact = self.contact_for(who, &sale, ask.contact.as_ref()).await?;
        if !self.endpoints_of(merchant).await?.iter().any(|e| e.customer_messages) {
            return Err(Error::Conflict {
                code: "confirmation.no-channel",
                message: "set a webhook endpoint up with customer_messages: it passes the message on".to_owned(),
            });
        }
        let id = format!("cf-{}", crate::void::tail(command));
        let now = self.ports.now();
        let expires_at = now.plus(CONFIRMATION_LIFETIME).map_err(|e| Error::Internal(e.to_string()))?;
        let code = format!("{:06}", self.unique().checked_rem(1_000_000).unwrap_or(0));
        let salt = self.random_hex(32);
        let pepper = self.pepper().await?;
        let seal = seal_of(&pepper, &sale, &id, &salt, &code)?;
        let to = contact.as_deref().map(|contact| sealed_contact(&pepper, merchant, contact)).transpose()?;
        let made = Confirmation {
            id: id.clone(),
            way: ask.way,
            amount: ask.amount.clone(),
            salt,
            seal,
            contact: to,
            tries: 0,
            created_at: now,
            expires_at,
            consumed_by: None,
        };
        // What can be repeated comes before what is sent. A request that broke off in between is begun anew under its
        // key, with a new code: the last one sent is the one that counts.
        self.change_confirmations(merchant, &sale.id, |there| {
            there.retain(|c| now.since(c.created_at) <= CONFIRMATION_WINDOW);
            if let Some(same) = there.iter_mut().find(|c| c.id == made.id) {
                *same = Confirmation { tries: same.tries, consumed_by: same.consumed_by.clone(), ..made.clone() };
                return Ok(());
            }
            if there.len() >= CONFIRMATIONS {
                return Err(Error::Conflict {
                    code: "limit.reached",
                    message: format!("at most {CONFIRMATIONS} codes are sent for one sale within a day"),
                });
            }
            there.push(made.clone());
            Ok(())
        })
        .await?;
        let letter = Letter {
            id: id.clone(),
            merchant: merchant.clone(),
            sale: sale.id.clone(),
            way: ask.way,
            amount: ask.amount.clone(),
            code,
            contact,
            created_at: now,
            expires_at,
            delivered: Vec::new(),
            failures: 0,
            not_before: None,
        };
        if !self.post_letter(letter).await? {
            return Err(Error::Unavailable("too many messages wait already; the courier is behind".to_owned()));
        }
        Ok(AskedConfirmation { id, expires_at })
    }

    /// Where a code goes: to whom the merchant's system names, or else to the sale's own contact. Nobody at a till may say.
    async fn contact_for(&self, who: &Principal, sale: &Sale, named: Option<&String>) -> Result<Option<String>, Error> {
        let is_system = matches!(who.bearer, Bearer::System { .. });
        if named.is_some() && !is_system {
            let why = "the code goes to the sale's contact: only the merchant's system may name another";
            return Err(Error::invalid("/contact", why));
        }
        if named.is_some() {
            return Ok(named.cloned());
        }
        let own = match &sale.contact {
            None => None,
            Some(commitment) => {
                let key = Key::personal(&sale.merchant, &sale.id);
                let record = self.records().await?.read::<PersonalRecord>(&key).await?.unwrap_or_default();
                match record.find(commitment) {
                    Some((_, Kept::Text { text, .. })) => Some(text.clone()),
                    _ => None,
                }
            }
        };
        // The merchant's system passes the message on, and knows its customer by the sale.
        if own.is_some() || is_system {
            return Ok(own);
        }
        Err(Error::Conflict {
            code: "confirmation.no-contact",
            message: "the sale has no contact, or it was erased: the merchant's system has to ask for the code"
                .to_owned(),
        })
    }

    /// Checks a code that the customer repeated. Counts the try first. A retry of the command that used the confirmation up
    /// passes as it did before.
    pub(crate) async fn check_confirmation(
        &self,
        sale: &Sale,
        way: Way,
        amount: &Money,
        id: &str,
        code: &str,
        command: &CommandId,
    ) -> Result<Repeated, Error> {
        let now = self.ports.now();
        let counted = self
            .change_confirmations(&sale.merchant, &sale.id, |there| {
                let found = there.iter_mut().find(|c| c.id == id && c.way == way && c.amount == *amount);
                let found = found.ok_or_else(ended)?;
                let ours = found.consumed_by.as_ref().is_none_or(|by| by == command);
                if !ours || found.tries >= CONFIRMATION_TRIES || found.expires_at <= now {
                    return Err(ended());
                }
                found.tries = found.tries.saturating_add(1);
                Ok(found.clone())
            })
            .await?;
        let seal = seal_of(&self.pepper().await?, sale, id, &counted.salt, code)?;
        if bool::from(seal.as_bytes().ct_eq(counted.seal.as_bytes())) {
            let reference = match &counted.contact {
                None => id.to_owned(),
                Some(contact) => format!("{id}:{contact}"),
            };
            return Ok(Repeated { at: now, reference });
        }
        if counted.tries >= CONFIRMATION_TRIES {
            return Err(ended());
        }
        Err(Error::Unproved { code: "confirmation.wrong-code", message: "ask the customer to read the code again" })
    }

    /// Uses a confirmation up for a command: one wins.
    ///
    /// # Errors
    /// `confirmation.ended` for all others.
    pub async fn consume_confirmation(
        &self,
        merchant: &MerchantId,
        sale: &SaleId,
        id: &str,
        command: &CommandId,
    ) -> Result<(), Error> {
        self.change_confirmations(merchant, sale, |there| {
            let found = there.iter_mut().find(|c| c.id == id).ok_or_else(ended)?;
            match &found.consumed_by {
                Some(by) if by != command => Err(ended()),
                _ => {
                    found.consumed_by = Some(command.clone());
                    Ok(())
                }
            }
        })
        .await
    }

    async fn change_confirmations<R: Send>(
        &self,
        merchant: &MerchantId,
        sale: &SaleId,
        mut change: impl FnMut(&mut Vec<Confirmation>) -> Result<R, Error> + Send,
    ) -> Result<R, Error> {
        let mark = self.random_hex(16);
        let key = Key::confirmations(merchant, sale).checked()?;
        let records = self.records().await?;
        records
            .update::<Confirmations, _, _>(&key, &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                let result = change(&mut next.items)?;
                next.marks.add(&mark);
                Ok((Some(next), result))
            })
            .await
    }
}
