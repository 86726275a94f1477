//! Operators: persons with an operator number at a merchant, who show at a till who they are.
//!
//! An attempt to guess a PIN is counted, by compare-and-swap, *before* the hash is checked: however many try at once, no
//! more than [`PIN_ATTEMPTS`] in a row are checked at all. A number that is not there, a wrong PIN and a locked operator
//! take the same reads, the same write and the same hash, and are refused in the same words.

use crate::app::App;
use crate::directory::Listed;
use crate::error::Error;
use crate::limits::{OPERATOR_DEVICES, PIN_ATTEMPTS};
use crate::pin::{Pin, PinHash};
use crate::ports::Ports;
use crate::principal::{Bearer, Deed, Principal};
use crate::secret::bytes_of;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::list::Entry;
use crate::store::marks::Marks;
use rescind_model::{Instant, MerchantId, PersonId, Role};
use serde::{Deserialize, Serialize};

/// An operator's number: what is typed at a till.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperatorNumber(String);

impl OperatorNumber {
    /// Takes a text as an operator's number.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let fits = (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if fits { Ok(Self(text.to_owned())) } else { Err("expected 1 to 12 characters of A-Z a-z 0-9") }
    }

    /// The number's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Display for OperatorNumber {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::str::FromStr for OperatorNumber {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        Self::parse(text)
    }
}

/// As what an operator stands at the till. A proof stands for the operator in this role, not for all that the person holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperatorRole {
    /// Sells.
    Cashier,
    /// Stands by for what a cashier may not do.
    Supervisor,
    /// Runs the shop.
    Manager,
}

impl OperatorRole {
    /// The role as policies and grants name it.
    #[must_use]
    pub fn role(self) -> Role {
        let value = match self {
            Self::Cashier => "cashier",
            Self::Supervisor => "supervisor",
            Self::Manager => "manager",
        };
        Role { value: value.to_owned() }
    }
}

/// An operator's device, which can sign challenges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Names it within the operator.
    pub id: String,
    /// What it is.
    pub label: String,
    /// Its ed25519 public key: 64 hexadecimal digits.
    pub public_key: String,
    /// Since when.
    pub added_at: Instant,
}

/// That somebody gave an operator a new PIN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// The person; absent: an admin.
    pub by: Option<PersonId>,
    /// When.
    pub at: Instant,
}

/// An operator as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operator {
    pub(crate) view: OperatorView,
    pin: PinHash,
    /// Attempts while it was locked.
    pub(crate) refused: u64,
    marks: Marks,
}

/// What may be shown of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorView {
    /// The number.
    pub number: OperatorNumber,
    /// The person.
    pub person: PersonId,
    /// As what the person stands at the till.
    pub role: OperatorRole,
    /// Attempts to guess the PIN since it was last right.
    pub failures: u32,
    /// Since when it is locked, if it is.
    pub locked_at: Option<Instant>,
    /// Devices that can sign.
    pub devices: Vec<Device>,
    /// Since when.
    pub created_at: Instant,
    /// The last reset.
    pub reset: Option<Reset>,
}

impl OperatorView {
    /// Whether it is locked: also while its last attempt is being checked.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.failures >= PIN_ATTEMPTS
    }
}

impl Record for Operator {
    const FORMAT: &'static str = "operator/1";
    fn holds(&self, id: &str) -> bool {
        self.marks.has(id)
    }
}

/// What is written for a number that is not there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nobody {
    attempts: u64,
    mark: String,
}

impl Record for Nobody {
    const FORMAT: &'static str = "nobody/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

/// An operator who is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorAsk {
    /// The number.
    pub number: OperatorNumber,
    /// The person.
    pub person: PersonId,
    /// As what.
    pub role: OperatorRole,
    /// The first PIN.
    pub pin: Pin,
}

/// The one refusal of everybody who did not show who they are.
pub(crate) fn refused() -> Error {
    Error::Unproved {
        code: "operator.refused",
        message: "the number, what was shown for it, or the operator's state does not allow it: try again with care, or \
                  have the PIN reset",
    }
}

impl<P: Ports> App<P> {
    /// Gives a person an operator number.
    ///
    /// # Errors
    /// Not permitted; a person without that role at the merchant; a PIN that is easily guessed; a number that is taken.
    pub async fn create_operator(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        ask: OperatorAsk,
    ) -> Result<OperatorView, Error> {
        who.may(Deed::ManageOperators, merchant)?;
        self.merchant(merchant).await?;
        ask.pin.must_be_hard_to_guess()?;
        let person = self.person_at("/person", &ask.person, merchant).await?;
        if !person.roles.contains(&ask.role.role()) {
            return Err(Error::invalid("/role", "expected a role that the person holds at this merchant"));
        }
        let view = OperatorView {
            number: ask.number,
            person: ask.person,
            role: ask.role,
            failures: 0,
            locked_at: None,
            devices: Vec::new(),
            created_at: self.ports.now(),
            reset: None,
        };
        let pin = PinHash::of(&ask.pin, self.random_hex(32), &self.pepper().await?)?;
        let mark = self.random_hex(16);
        let mut operator = Operator { view: view.clone(), pin, refused: 0, marks: Marks::default() };
        operator.marks.add(&mark);
        let records = self.records().await?;
        let unique = self.unique();
        let entry = Entry { id: view.number.to_string(), at: String::new() };
        records.append(&Key::directory_at("operators", merchant), &entry, unique).await?;
        records
            .update::<Operator, _, _>(
                &Key::operator(merchant, view.number.as_str()).checked()?,
                &mark,
                unique,
                |there| match there {
                    None => Ok((Some(operator.clone()), ())),
                    Some(_) => Err(Error::Conflict {
                        code: "name.taken",
                        message: format!("there is already an operator {}", view.number),
                    }),
                },
            )
            .await?;
        self.ports.log(&format!("{} made operator {merchant}/{}", who.key, view.number));
        Ok(view)
    }

    /// A merchant's operators with their lock state.
    ///
    /// # Errors
    /// Not permitted, or the store's.
    pub async fn list_operators(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listed<OperatorView>, Error> {
        who.may(Deed::ResetOperators, merchant)?;
        let list = Key::directory_at("operators", merchant);
        let listed =
            self.listed::<Operator>(&list, after, limit, |number| Some(Key::operator(merchant, number))).await?;
        Ok(Listed { items: listed.items.into_iter().map(|o| o.view).collect(), next: listed.next })
    }

    /// Gives an operator a new PIN and unlocks it. A supervisor does so for cashiers only: whoever sets a PIN could act as
    /// its operator, and must not gain by it.
    ///
    /// # Errors
    /// Not permitted; no such operator; a PIN that is easily guessed.
    pub async fn reset_operator(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        number: &OperatorNumber,
        pin: &Pin,
    ) -> Result<OperatorView, Error> {
        who.may(Deed::ResetOperators, merchant)?;
        pin.must_be_hard_to_guess()?;
        let operator = self.operator(merchant, number).await?.ok_or(Error::NotFound("operator"))?;
        if operator.view.role != OperatorRole::Cashier {
            who.may(Deed::ManageOperators, merchant)?;
        }
        let hash = PinHash::of(pin, self.random_hex(32), &self.pepper().await?)?;
        let by = match &who.bearer {
            Bearer::Person { person } => Some(person.clone()),
            Bearer::Admin | Bearer::Terminal { .. } | Bearer::System { .. } => None,
        };
        let reset = Reset { by, at: self.ports.now() };
        let view = self
            .change_operator(merchant, number, |operator| {
                operator.pin.clone_from(&hash);
                operator.view.failures = 0;
                operator.view.locked_at = None;
                operator.view.reset = Some(reset.clone());
                Ok(operator.view.clone())
            })
            .await?;
        // Whoever knew the old PIN is out.
        self.end_sessions(merchant, number).await?;
        self.ports.log(&format!("{} reset the PIN of operator {merchant}/{number}", who.key));
        Ok(view)
    }

    /// Registers a device that signs for an operator.
    ///
    /// # Errors
    /// Not permitted; no such operator; not a key; too many devices.
    pub async fn add_device(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        number: &OperatorNumber,
        label: String,
        public_key: [u8; 32],
    ) -> Result<Device, Error> {
        who.may(Deed::ManageOperators, merchant)?;
        if !rescind_proof::is_device_key(&public_key) {
            return Err(Error::invalid("/public_key", "expected an ed25519 public key"));
        }
        let device = Device {
            id: format!("dev-{}", self.random_hex(16)),
            label,
            public_key: crate::secret::hex_of(&public_key),
            added_at: self.ports.now(),
        };
        self.change_operator(merchant, number, |operator| {
            if operator.view.devices.len() >= OPERATOR_DEVICES {
                return Err(Error::Conflict {
                    code: "limit.reached",
                    message: format!("an operator has at most {OPERATOR_DEVICES} devices: remove one"),
                });
            }
            operator.view.devices.push(device.clone());
            Ok(())
        })
        .await?;
        self.ports.log(&format!("{} gave operator {merchant}/{number} device {}", who.key, device.id));
        Ok(device)
    }

    /// Removes a device: it was lost.
    ///
    /// # Errors
    /// Not permitted; no such operator or device.
    pub async fn remove_device(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        number: &OperatorNumber,
        device: &str,
    ) -> Result<(), Error> {
        who.may(Deed::ManageOperators, merchant)?;
        self.change_operator(merchant, number, |operator| {
            let before = operator.view.devices.len();
            operator.view.devices.retain(|d| d.id != device);
            if operator.view.devices.len() == before { Err(Error::NotFound("device")) } else { Ok(()) }
        })
        .await?;
        self.end_sessions(merchant, number).await?;
        self.ports.log(&format!("{} took device {device} from operator {merchant}/{number}", who.key));
        Ok(())
    }

    pub(crate) async fn operator(
        &self,
        merchant: &MerchantId,
        number: &OperatorNumber,
    ) -> Result<Option<Operator>, Error> {
        self.records().await?.read::<Operator>(&Key::operator(merchant, number.as_str())).await
    }

    async fn change_operator<R: Send>(
        &self,
        merchant: &MerchantId,
        number: &OperatorNumber,
        mut change: impl FnMut(&mut Operator) -> Result<R, Error> + Send,
    ) -> Result<R, Error> {
        let mark = self.random_hex(16);
        // Looked at first: opening a record that is not there may leave a trace of it.
        self.operator(merchant, number).await?.ok_or(Error::NotFound("operator"))?;
        let key = Key::operator(merchant, number.as_str()).checked()?;
        let records = self.records().await?;
        records
            .update::<Operator, _, _>(&key, &mark, self.unique(), |there| {
                let mut next = there.cloned().ok_or(Error::NotFound("operator"))?;
                let result = change(&mut next)?;
                next.marks.add(&mark);
                Ok((Some(next), result))
            })
            .await
    }

    /// Checks a PIN. The attempt is counted first.
    pub(crate) async fn check_pin(
        &self,
        merchant: &MerchantId,
        number: &OperatorNumber,
        pin: &Pin,
    ) -> Result<OperatorView, Error> {
        let now = self.ports.now();
        let counted = match self.operator(merchant, number).await? {
            None => self.count_nobody(merchant).await?,
            Some(_) => {
                self.change_operator(merchant, number, |operator| {
                    if operator.view.is_locked() {
                        operator.refused = operator.refused.saturating_add(1);
                        return Ok(None);
                    }
                    operator.view.failures = operator.view.failures.saturating_add(1);
                    if operator.view.is_locked() {
                        // Taken back below should this very attempt be right.
                        operator.view.locked_at = Some(now);
                    }
                    Ok(Some(operator.clone()))
                })
                .await?
            }
        };
        let hash = counted.as_ref().map_or_else(PinHash::nobodys, |operator| operator.pin.clone());
        let right = hash.fits(pin, &self.pepper().await?)?;
        let Some(operator) = counted.filter(|_| right) else {
            self.ports.log(&format!("operator {merchant}/{number}: a PIN was refused"));
            return Err(refused());
        };
        self.change_operator(merchant, number, |there| {
            // A reset in between has counted from zero already, under another PIN.
            if there.pin == operator.pin {
                there.view.failures = 0;
                there.view.locked_at = None;
                Ok(())
            } else {
                Err(refused())
            }
        })
        .await?;
        Ok(operator.view)
    }

    async fn count_nobody(&self, merchant: &MerchantId) -> Result<Option<Operator>, Error> {
        let mark = self.random_hex(16);
        // The read that finding an operator takes before its write.
        let records = self.records().await?;
        records.read::<Nobody>(&Key::nobody(merchant)).await?;
        records
            .update::<Nobody, _, _>(&Key::nobody(merchant), &mark, self.unique(), |there| {
                let attempts = there.map_or(0, |n| n.attempts).saturating_add(1);
                Ok((Some(Nobody { attempts, mark: mark.clone() }), None))
            })
            .await
    }

    /// The operator if one of its devices signed. Nobody guesses signatures: nothing is counted.
    pub(crate) async fn check_signature(
        &self,
        merchant: &MerchantId,
        number: &OperatorNumber,
        challenge: &rescind_proof::Challenge<'_>,
        signature: &[u8; 64],
    ) -> Result<OperatorView, Error> {
        let operator = self.operator(merchant, number).await?.filter(|o| !o.view.is_locked()).ok_or_else(refused)?;
        let signed = operator.view.devices.iter().any(|device| {
            bytes_of::<32>(&device.public_key)
                .is_some_and(|public| rescind_proof::device_signed(challenge, &public, signature))
        });
        if signed { Ok(operator.view) } else { Err(refused()) }
    }

    /// Fails unless the person still holds the operator's role: a role that was taken away takes the operator with it.
    pub(crate) async fn must_hold_role(&self, merchant: &MerchantId, operator: &OperatorView) -> Result<(), Error> {
        let person = self.person_at("/person", &operator.person, merchant).await.map_err(|e| match e {
            Error::Invalid { .. } => refused(),
            other => other,
        })?;
        if person.roles.contains(&operator.role.role()) { Ok(()) } else { Err(refused()) }
    }
}
