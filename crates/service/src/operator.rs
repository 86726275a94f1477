//! Operators: persons with an operator number at a merchant, who show at a till who they are.
//!
//! An attempt to guess a PIN is counted, by compare-and-swap, *before* the hash is checked: however many try at once, no
//! more than [`PIN_ATTEMPTS`] in a row are checked at all. A number that is not there, a wrong PIN and a locked operator
//! take the same reads, the same write and the same hash, and are refused in the same words.
//!
//! Before that, each key has a bounded number of attempts over all numbers: nobody locks a whole shop, and nobody has the
//! service hash for nothing. A person's own key knows of no number but that person's.
//!
//! **Who sets a PIN does not become its operator.** A PIN that somebody else set is good for one thing: for choosing
//! another with it, within [`SET_PIN_LIFETIME`]. At a till nobody but the two of them can say who chose it: it is shown of
//! the operator until the operator's own key, or somebody else than who set the first one, has confirmed it. A device is added by the operator, with the operator's own key
//! or own PIN.

use crate::app::App;
use crate::directory::Listed;
use crate::error::Error;
use crate::limits::{
    BEARER_ATTEMPTS, BEARER_WINDOW, INTENT_PATIENCE, OPERATOR_DEVICES, PIN_ATTEMPTS, PIN_ATTEMPTS_EVER,
    SET_PIN_LIFETIME,
};
use crate::pin::{Pin, PinHash};
use crate::ports::Ports;
use crate::principal::{Bearer, Deed, Principal};
use crate::secret::bytes_of;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::list::Entry;
use crate::store::marks::Marks;
use rescind_model::{Digest, Instant, MerchantId, PersonId, Role};
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
    /// Answers for what the law demands. Stands at no till, and shows who they are all the same.
    Compliance,
}

impl OperatorRole {
    /// The role as policies and grants name it.
    #[must_use]
    pub fn role(self) -> Role {
        let value = match self {
            Self::Cashier => "cashier",
            Self::Supervisor => "supervisor",
            Self::Manager => "manager",
            Self::Compliance => "compliance",
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
    /// Under which key the operator added it.
    pub added_by: String,
}

/// Who set the PIN that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinSet {
    /// The person; absent: an admin.
    pub by: Option<PersonId>,
    /// Under which key.
    pub key: String,
    /// When.
    pub at: Instant,
    /// Whether it was the operator: a PIN of anybody else's has to be changed before it is good for anything.
    pub own: bool,
    /// Whether the key was the operator's own.
    #[serde(default)]
    pub under_own_key: bool,
}

/// That the operator's own PIN was chosen with one that somebody else had set, under a key that is not the operator's own.
/// Stands until it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unconfirmed {
    /// Who had set the other one; absent: an admin.
    pub set_by: Option<PersonId>,
    /// Under which key.
    pub set_with: String,
    /// Under which key the own one was chosen.
    pub chosen_with: String,
    /// When.
    pub chosen_at: Instant,
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

impl Operator {
    /// Whether what this operator could be known by is what it was: then whoever showed it a moment ago still may.
    pub(crate) fn is_known_as(&self, before: &Self) -> bool {
        self.pin == before.pin
            && self.view.pin_set == before.view.pin_set
            && self.view.devices == before.view.devices
            && self.view.person == before.view.person
            && self.view.role == before.view.role
    }
}

/// Which number a person has at a merchant: one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NumberOf {
    number: OperatorNumber,
    /// When it was taken. The operator is made right after.
    at: Instant,
    mark: String,
}

impl Record for NumberOf {
    const FORMAT: &'static str = "operator-of/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

/// Attempts under one holder's keys that were wrong, or are being checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attempts {
    since: Instant,
    count: u32,
    mark: String,
}

impl Record for Attempts {
    const FORMAT: &'static str = "operator-attempts/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
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
    /// Wrong ones since the PIN was set: being right in between does not clear them.
    pub failures_ever: u32,
    /// Since when it is locked, if it is.
    pub locked_at: Option<Instant>,
    /// Devices that can sign.
    pub devices: Vec<Device>,
    /// Since when.
    pub created_at: Instant,
    /// The last reset.
    pub reset: Option<Reset>,
    /// Who set the PIN that is in force.
    pub pin_set: PinSet,
    /// That nobody has confirmed who chose it.
    #[serde(default)]
    pub unconfirmed: Option<Unconfirmed>,
}

impl OperatorView {
    /// Whether it is locked: also while its last attempt is being checked.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.failures >= PIN_ATTEMPTS || self.failures_ever >= PIN_ATTEMPTS_EVER
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
pub(crate) struct Nobody {
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

/// A point of the curve, checked in place of a device that is not there: what it would fit counts for nothing.
const NOBODYS_DEVICE: [u8; 32] = {
    let mut point = [0x66; 32];
    point[0] = 0x58;
    point
};

impl Operator {
    /// Another PIN is in force, and nobody has tried it yet.
    fn renew(&mut self, hash: &PinHash, set: PinSet) {
        self.pin.clone_from(hash);
        self.view.failures = 0;
        self.view.failures_ever = 0;
        self.view.locked_at = None;
        self.view.unconfirmed = self.unconfirmed_after(&set);
        self.view.pin_set = set;
    }

    /// What is to be confirmed once another PIN is in force. A PIN that somebody else sets has not been chosen yet; one that
    /// the operator's own key chose needs no more; any other leaves open what was open.
    fn unconfirmed_after(&self, set: &PinSet) -> Option<Unconfirmed> {
        let before = &self.view.pin_set;
        match (before.own, set.own) {
            (_, false) => None,
            (_, true) if set.under_own_key => None,
            (true, true) => self.view.unconfirmed.clone(),
            (false, true) => Some(Unconfirmed {
                set_by: before.by.clone(),
                set_with: before.key.clone(),
                chosen_with: set.key.clone(),
                chosen_at: set.at,
            }),
        }
    }
}

/// Who sets a PIN for this person's operator.
fn pin_set(who: &Principal, operator: &PersonId, at: Instant) -> PinSet {
    let by = person_of(who).cloned();
    let own = by.as_ref() == Some(operator);
    PinSet { own, by, key: who.key.clone(), at, under_own_key: own }
}

/// Where a holder's attempts are counted: over all their keys.
fn attempts_of(who: &Principal, merchant: &MerchantId) -> Result<Key, Error> {
    let holder = serde_json::to_vec(&who.bearer).map_err(|e| Error::Internal(e.to_string()))?;
    Key::operator_attempts(merchant, &Digest::of(&holder)).checked()
}

/// The PIN can still be exchanged for another: it is the operator's own, or was set not long ago.
fn must_not_have_expired(set: &PinSet, now: Instant) -> Result<(), Error> {
    if set.own || now.since(set.at) <= SET_PIN_LIFETIME {
        return Ok(());
    }
    Err(Error::Unproved {
        code: "operator.pin-expired",
        message: "somebody else set this PIN too long ago: have it reset, and choose another with the new one",
    })
}

fn must_change() -> Error {
    Error::Unproved {
        code: "operator.pin-must-change",
        message: "somebody else set this PIN: choose another with POST /v1/operators/{number}/pin",
    }
}

/// The person of a key, if it is a person's.
fn person_of(who: &Principal) -> Option<&PersonId> {
    match &who.bearer {
        Bearer::Person { person } => Some(person),
        Bearer::Admin | Bearer::Terminal { .. } | Bearer::System { .. } => None,
    }
}

/// Whether this key may speak for an operator at all: a person's own key is used by that person.
fn may_be(who: &Principal, operator: &Operator) -> bool {
    person_of(who).is_none_or(|person| *person == operator.view.person)
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
    /// Not permitted; a person without that role at the merchant; a PIN that is easily guessed; a number that is taken; a
    /// person who has one.
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
        let now = self.ports.now();
        let view = OperatorView {
            pin_set: pin_set(who, &ask.person, now),
            number: ask.number,
            person: ask.person,
            role: ask.role,
            failures: 0,
            failures_ever: 0,
            locked_at: None,
            devices: Vec::new(),
            created_at: now,
            reset: None,
            unconfirmed: None,
        };
        let pin = PinHash::of(&ask.pin, self.random_hex(32), &self.pepper().await?)?;
        let mark = self.random_hex(16);
        let mut operator = Operator { view: view.clone(), pin, refused: 0, marks: Marks::default() };
        operator.marks.add(&mark);
        self.take_number(merchant, &view, now).await?;
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
        self.ports.log(&format!(
            "{} made operator {merchant}/{} of {} and set its first PIN",
            who.key, view.number, view.person
        ));
        Ok(view)
    }

    /// Writes down that a person has this number, before the operator is made. What came to nothing gives way.
    async fn take_number(&self, merchant: &MerchantId, view: &OperatorView, now: Instant) -> Result<(), Error> {
        let records = self.records().await?;
        let key = Key::number_of(merchant, &view.person).checked()?;
        let has = |number: &OperatorNumber| Error::Conflict {
            code: "operator.has-number",
            message: format!("{} has the number {number} at this merchant: one person, one number", view.person),
        };
        let mut stale = None;
        if let Some(there) = records.read::<NumberOf>(&key).await?
            && there.number != view.number
        {
            let operator = self.operator(merchant, &there.number).await?;
            let is_theirs = operator.is_some_and(|o| o.view.person == view.person);
            if is_theirs || now.since(there.at) <= INTENT_PATIENCE {
                return Err(has(&there.number));
            }
            stale = Some(there.mark);
        }
        let taken = NumberOf { number: view.number.clone(), at: now, mark: self.random_hex(16) };
        records
            .update::<NumberOf, _, _>(&key, &taken.mark, self.unique(), |there| match there {
                Some(there) if there.number != taken.number && Some(&there.mark) != stale.as_ref() => {
                    Err(has(&there.number))
                }
                _ => Ok((Some(taken.clone()), ())),
            })
            .await
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

    /// Gives an operator a new PIN and unlocks it. A supervisor does so for cashiers only. Unless it is the operator's own
    /// key, the PIN is good for choosing another only.
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
        let reset = Reset { by: person_of(who).cloned(), at: self.ports.now() };
        let view = self
            .change_operator(merchant, number, |operator| {
                operator.renew(&hash, pin_set(who, &operator.view.person, reset.at));
                operator.view.reset = Some(reset.clone());
                Ok(operator.view.clone())
            })
            .await?;
        // Whoever knew the old PIN is out.
        self.end_sessions(merchant, number).await?;
        self.ports.log(&format!("{} reset the PIN of operator {merchant}/{number}", who.key));
        Ok(view)
    }

    /// An operator chooses another PIN, with the one in force: also the one that somebody else set. Sessions end.
    ///
    /// # Errors
    /// Not permitted; a PIN that is easily guessed, or the same; as [`App::begin_session`].
    pub async fn change_pin(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        number: &OperatorNumber,
        pin: &Pin,
        new: &Pin,
    ) -> Result<(), Error> {
        who.may(Deed::ShowOperator, merchant)?;
        if pin == new {
            return Err(Error::invalid("/new_pin", "expected another PIN than the one in force"));
        }
        new.must_be_hard_to_guess().map_err(|e| match e {
            Error::Invalid { message, .. } => Error::invalid("/new_pin", message),
            other => other,
        })?;
        let checked = self.check_pin(who, merchant, number, pin).await?;
        self.must_hold_role(merchant, &checked.view).await?;
        let now = self.ports.now();
        must_not_have_expired(&checked.view.pin_set, now)?;
        let hash = PinHash::of(new, self.random_hex(32), &self.pepper().await?)?;
        self.change_operator(merchant, number, |operator| {
            // Somebody set another in between: this one is not in force any more.
            if operator.pin != checked.pin {
                return Err(refused());
            }
            let under_own_key = person_of(who) == Some(&operator.view.person);
            let by = Some(operator.view.person.clone());
            operator.renew(&hash, PinSet { by, key: who.key.clone(), at: now, own: true, under_own_key });
            Ok(())
        })
        .await?;
        self.end_sessions(merchant, number).await?;
        let set_by = if checked.view.pin_set.own { "the operator" } else { checked.view.pin_set.key.as_str() };
        let key = &who.key;
        self.ports.log(&format!(
            "operator {merchant}/{number} chose another PIN, under {key}; {set_by} had set the one before"
        ));
        Ok(())
    }

    /// Confirms that it was the operator who chose the own PIN: the operator with the own key, or whoever may reset the PIN
    /// and has not set the one before. Again is harmless.
    ///
    /// # Errors
    /// Not permitted; no such operator; whoever set the PIN that it was chosen with.
    pub async fn confirm_operator(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        number: &OperatorNumber,
    ) -> Result<OperatorView, Error> {
        let there = self.operator(merchant, number).await?;
        let own = there.as_ref().is_some_and(|o| person_of(who) == Some(&o.view.person));
        if !own {
            who.may(Deed::ResetOperators, merchant)?;
        }
        let there = there.ok_or(Error::NotFound("operator"))?;
        if !own && there.view.role != OperatorRole::Cashier {
            who.may(Deed::ManageOperators, merchant)?;
        }
        let view = self
            .change_operator(merchant, number, |operator| {
                // An admin is no person: nobody can tell one from another.
                let set = operator.view.unconfirmed.take();
                if set.is_some_and(|set| set.set_by.as_ref() == person_of(who)) {
                    let message = "somebody else than who set the first PIN, or the operator's own key, confirms this";
                    return Err(Error::Forbidden(message.to_owned()));
                }
                Ok(operator.view.clone())
            })
            .await?;
        self.ports.log(&format!("{} confirmed the PIN of operator {merchant}/{number}", who.key));
        Ok(view)
    }

    /// An operator registers a device that signs for them: with the operator's own key, or with the operator's own PIN.
    ///
    /// # Errors
    /// Not permitted; no such operator; not a key; too many devices; without a PIN or with a wrong one, as
    /// [`App::begin_session`].
    pub async fn add_device(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        number: &OperatorNumber,
        label: String,
        public_key: [u8; 32],
        pin: Option<&Pin>,
    ) -> Result<Device, Error> {
        who.may(Deed::ShowOperator, merchant)?;
        if !rescind_proof::is_device_key(&public_key) {
            return Err(Error::invalid("/public_key", "expected an ed25519 public key"));
        }
        let device = Device {
            id: format!("dev-{}", self.random_hex(16)),
            label,
            public_key: crate::secret::hex_of(&public_key),
            added_at: self.ports.now(),
            added_by: who.key.clone(),
        };
        let checked = match pin {
            Some(pin) => self.check_own_pin(who, merchant, number, pin).await?,
            None => {
                let there = self.operator(merchant, number).await?;
                let own = there.filter(|o| person_of(who) == Some(&o.view.person));
                own.ok_or_else(|| Error::invalid("/pin", "expected the operator's PIN, or the operator's own key"))?
            }
        };
        self.must_hold_role(merchant, &checked.view).await?;
        self.change_operator(merchant, number, |operator| {
            if operator.pin != checked.pin {
                return Err(refused());
            }
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
        self.ports.log(&format!("operator {merchant}/{number} added device {}, under {}", device.id, who.key));
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
        let there = self.operator(merchant, number).await?;
        if there.is_none_or(|o| person_of(who) != Some(&o.view.person)) {
            who.may(Deed::ManageOperators, merchant)?;
        }
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

    /// Checks a PIN, and that it is the operator's own. The attempt is counted first.
    pub(crate) async fn check_own_pin(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        number: &OperatorNumber,
        pin: &Pin,
    ) -> Result<Operator, Error> {
        let operator = self.check_pin(who, merchant, number, pin).await?;
        if operator.view.pin_set.own { Ok(operator) } else { Err(must_change()) }
    }

    /// Checks a PIN, whoever set it. Gives the operator as it was before, with this attempt counted.
    async fn check_pin(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        number: &OperatorNumber,
        pin: &Pin,
    ) -> Result<Operator, Error> {
        let now = self.ports.now();
        let window = self.count_attempt(who, merchant, now).await?;
        let there = self.operator(merchant, number).await?.filter(|operator| may_be(who, operator));
        let is_there = there.is_some();
        let counted = match there {
            None => self.count_nobody(merchant).await?,
            Some(_) => {
                self.change_operator(merchant, number, |operator| {
                    if operator.view.is_locked() {
                        operator.refused = operator.refused.saturating_add(1);
                        return Ok(None);
                    }
                    operator.view.failures = operator.view.failures.saturating_add(1);
                    operator.view.failures_ever = operator.view.failures_ever.saturating_add(1);
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
            // What is no number may be a PIN in the wrong field.
            if is_there {
                self.ports.log(&format!("operator {merchant}/{number}: a PIN was refused, under {}", who.key));
            } else {
                self.ports.log(&format!("{merchant}: a PIN was refused for a number not known under {}", who.key));
            }
            return Err(refused());
        };
        self.change_operator(merchant, number, |there| {
            // A reset in between has counted from zero already, under another PIN.
            if there.pin == operator.pin {
                there.view.failures = 0;
                there.view.failures_ever = there.view.failures_ever.saturating_sub(1);
                if !there.view.is_locked() {
                    there.view.locked_at = None;
                }
                Ok(())
            } else {
                Err(refused())
            }
        })
        .await?;
        self.take_attempt_back(who, merchant, window).await?;
        Ok(operator)
    }

    /// Counts an attempt under a holder's keys, before anything is looked at; gives when the count began.
    async fn count_attempt(&self, who: &Principal, merchant: &MerchantId, now: Instant) -> Result<Instant, Error> {
        let mark = self.random_hex(16);
        let key = attempts_of(who, merchant)?;
        let records = self.records().await?;
        records
            .update::<Attempts, _, _>(&key, &mark, self.unique(), |there| {
                let running = there.filter(|a| now.since(a.since) < BEARER_WINDOW);
                let (since, count) = running.map_or((now, 0), |a| (a.since, a.count));
                if count >= BEARER_ATTEMPTS {
                    let left = BEARER_WINDOW.ms.saturating_sub(now.since(since).ms).div_ceil(1_000);
                    return Err(Error::TooMany {
                        code: "operator.too-many-attempts",
                        message: "too many wrong PINs under this key",
                        retry_after: u32::try_from(left).unwrap_or(u32::MAX).max(1),
                    });
                }
                Ok((Some(Attempts { since, count: count.saturating_add(1), mark: mark.clone() }), since))
            })
            .await
    }

    /// It was right: it does not count.
    async fn take_attempt_back(&self, who: &Principal, merchant: &MerchantId, since: Instant) -> Result<(), Error> {
        let mark = self.random_hex(16);
        let key = attempts_of(who, merchant)?;
        let records = self.records().await?;
        records
            .update::<Attempts, _, _>(&key, &mark, self.unique(), |there| {
                let Some(same) = there.filter(|a| a.since == since) else { return Ok((None, ())) };
                Ok((Some(Attempts { since, count: same.count.saturating_sub(1), mark: mark.clone() }), ()))
            })
            .await
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

    /// The operator if one of its devices signed. Nobody guesses signatures: nothing is counted, and wrong PINs do not lock
    /// a device. As many are checked for a number that is not there as for any other.
    pub(crate) async fn check_signature(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        number: &OperatorNumber,
        challenge: &rescind_proof::Challenge<'_>,
        signature: &[u8; 64],
    ) -> Result<Operator, Error> {
        let operator = self.operator(merchant, number).await?.filter(|operator| may_be(who, operator));
        let keys: Vec<[u8; 32]> = operator
            .iter()
            .flat_map(|o| o.view.devices.iter().filter_map(|device| bytes_of::<32>(&device.public_key)))
            .collect();
        let mut signed = false;
        for place in 0..OPERATOR_DEVICES {
            let key = keys.get(place);
            let fits = rescind_proof::device_signed(challenge, key.unwrap_or(&NOBODYS_DEVICE), signature);
            signed |= fits && key.is_some();
        }
        operator.filter(|_| signed).ok_or_else(refused)
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
