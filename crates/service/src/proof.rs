//! Operators' proofs in the gateway: the key that signs them, giving them out, and what a proof that is shown is worth.
//!
//! A proof is not used up. It is bound to one operation on one sale for two minutes, and what it authorises can take
//! place once: a second void of the sale, or another amount, is another operation, and a retry under the same
//! idempotency key is the same one. A record of used proofs would be one more write on every void, and would forbid
//! nothing that the ledger does not forbid.

use crate::app::App;
use crate::error::Error;
use crate::identity::CheckedIdentity;
use crate::limits::{PROOF_KEYS, PROOF_LIFETIME, PROOF_SKEW};
use crate::operator::OperatorView;
use crate::ports::Ports;
use crate::principal::{Bearer, Principal};
use crate::secret::{bytes_of, hex_of};
use crate::session::TOKEN_PREFIX;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::marks::Marks;
use rescind_model::token::Token as _;
use rescind_model::{
    ActingPerson, Actor, Asker, Authentication, AuthenticationMethod, CaseId, Digest, Duration, Facts, Fee, Grounds,
    Instant, MerchantId, Money, OrderId, PersonId, Role, SaleId, TerminalId, Way,
};
use rescind_proof::{
    Authenticated, Method, Operation, OperationDigest, Proof, ProofError, ProofKey, SeenFee, SigningKey,
};
use serde::{Deserialize, Serialize};

/// An operation that somebody wants a proof for, or shows one for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedOperation {
    /// Which way.
    pub way: Way,
    /// On which sale.
    pub sale: SaleId,
    /// How much: of a request that may leave it out, what is then meant.
    pub amount: Money,
    /// The reason code.
    pub reason: Option<String>,
    /// The terminal, where the key is not a terminal's own.
    pub terminal: Option<TerminalId>,
    /// Whether a completion keeps a penalty.
    pub penalty: bool,
    /// The legal order that it carries out.
    pub order: Option<OrderId>,
    /// The granted referral that it rests on.
    pub case: Option<CaseId>,
    /// The fees that the operator saw. What is decided in the end has to be the same.
    pub fees: Option<Vec<Fee>>,
}

/// What came with a request to show which operator asks: a proof, or the token of a session. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ShownProof(pub Option<String>);

impl core::fmt::Debug for ShownProof {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(if self.0.is_some() { "ShownProof(…)" } else { "ShownProof" })
    }
}

/// A proof that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedProof {
    /// The text, for the `Operator-Proof` header.
    pub text: String,
    /// The digest of the operation it is for.
    pub operation: Digest,
    /// When it ends.
    pub expires_at: Instant,
}

/// Who asks for an operation, and what they showed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The asker as the policy sees it.
    pub asker: Asker,
    /// The digest of the operation.
    pub operation: Digest,
    /// The operator's proof, checked.
    pub authentication: Option<Authentication>,
}

/// What was shown for an operation, besides that it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// The digest of the operation.
    pub operation: Option<Digest>,
    /// The operator's proof, checked.
    pub authentication: Option<Authentication>,
    /// The customer's identity, checked.
    pub identity: Option<CheckedIdentity>,
}

impl Shown {
    /// Puts into the facts what was shown.
    pub fn tell(&self, facts: &mut Facts) {
        facts.operation.clone_from(&self.operation);
        facts.authentication.clone_from(&self.authentication);
        facts.identity = self.identity.iter().map(|identity| identity.proof.clone()).collect();
    }

    /// What the operation rests on.
    #[must_use]
    pub fn grounds(&self) -> Grounds {
        Grounds {
            authentication: self.authentication.clone(),
            identity: self.identity.as_ref().map(|identity| identity.proof.clone()),
            ..Grounds::none()
        }
    }
}

impl Standing {
    /// What was shown, with the customer's identity.
    #[must_use]
    pub fn shown(&self, identity: Option<CheckedIdentity>) -> Shown {
        Shown { operation: Some(self.operation.clone()), authentication: self.authentication.clone(), identity }
    }

    /// The person who asks.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field if neither key, request nor proof says who.
    pub fn person(&self, field: &str) -> Result<PersonId, Error> {
        self.asker.person.clone().ok_or_else(|| {
            Error::invalid(
                field,
                "expected the person who asks: neither this key is a person's own, nor is a proof shown",
            )
        })
    }

    /// The person as the actor of a command.
    ///
    /// # Errors
    /// As [`Standing::person`].
    pub fn actor(&self, field: &str) -> Result<Actor, Error> {
        Ok(Actor::Person(ActingPerson { id: self.person(field)?, roles: self.asker.roles.clone() }))
    }
}

/// A key as it is stored. No `Debug`: the seed must not end up in a message.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    seed: String,
    created_at: Instant,
    retired_at: Option<Instant>,
}

/// The keys of a deployment, oldest first; the last one signs.
#[derive(Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredKeys {
    keys: Vec<StoredKey>,
    marks: Marks,
}

impl Record for StoredKeys {
    const FORMAT: &'static str = "proof-keys/1";
    fn holds(&self, id: &str) -> bool {
        self.marks.has(id)
    }
}

/// A public key, for whoever checks proofs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedKey {
    /// Its id, as 16 hexadecimal digits.
    pub id: String,
    /// The ed25519 public key.
    pub public: [u8; 32],
    /// Since when.
    pub created_at: Instant,
    /// Since when a successor signs.
    pub retired_at: Option<Instant>,
}

impl StoredKey {
    fn signer(&self) -> Result<SigningKey, Error> {
        let seed = bytes_of(&self.seed).ok_or_else(|| Error::Internal("a proof key is damaged".to_owned()))?;
        Ok(SigningKey::from_seed(seed))
    }

    fn public(&self) -> Result<ProofKey, Error> {
        Ok(self.signer()?.public(self.retired_at.map(|at| at.unix_ms)))
    }

    fn published(&self) -> Result<PublishedKey, Error> {
        let key = self.public()?;
        Ok(PublishedKey {
            id: hex_of(&key.id()),
            public: key.public,
            created_at: self.created_at,
            retired_at: self.retired_at,
        })
    }
}

/// What the API says of a proof that does not hold.
fn not_held(error: ProofError) -> Error {
    let (code, message) = match error {
        ProofError::Expired | ProofError::NotYetValid => {
            ("proof.expired", "a proof holds for two minutes: let the operator give a new one")
        }
        ProofError::OtherOperation => (
            "proof.other-operation",
            "a proof is for one way, sale, amount, reason, terminal, penalty, legal order, case and fees, exactly as they are \
             asked for, under the same kind of key",
        ),
        ProofError::Malformed
        | ProofError::UnknownKey
        | ProofError::RetiredKey
        | ProofError::BadSignature
        | ProofError::TooLong => ("proof.invalid", "let the operator give a new proof"),
    };
    Error::Unproved { code, message }
}

fn seen(fee: &Fee) -> SeenFee<'_> {
    SeenFee {
        kind: fee.kind.token(),
        minor: fee.amount.minor,
        currency: &fee.amount.currency,
        payer: fee.payer.token(),
    }
}

fn other_person() -> Error {
    Error::Unproved { code: "proof.other-person", message: "who asks is not whom the proof names" }
}

/// An operator behind a request, checked.
struct Behind {
    person: PersonId,
    role: Vec<Role>,
    authentication: Authentication,
}

impl<P: Ports> App<P> {
    /// The digest of an operation as this key asks for it. A terminal's key stands for its terminal.
    pub(crate) fn digest_of(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        operation: &AskedOperation,
    ) -> Result<OperationDigest, Error> {
        let terminal = match (&who.bearer, &operation.terminal) {
            (Bearer::Terminal { terminal, .. }, Some(named)) if named != terminal => {
                return Err(Error::invalid("/operation/terminal", "a terminal asks for itself only"));
            }
            (Bearer::Terminal { terminal, .. }, _) => Some(terminal),
            (_, named) => named.as_ref(),
        };
        let fees: Option<Vec<SeenFee<'_>>> = operation.fees.as_ref().map(|fees| fees.iter().map(seen).collect());
        Ok(rescind_proof::operation_digest(&Operation {
            merchant: merchant.as_str(),
            sale: operation.sale.as_str(),
            way: operation.way.token(),
            minor: operation.amount.minor,
            currency: &operation.amount.currency,
            reason: operation.reason.as_deref(),
            terminal: terminal.map(TerminalId::as_str),
            // A terminal's proof is not one for a system that names that terminal.
            holder: match &who.bearer {
                Bearer::Admin => "admin",
                Bearer::Person { .. } => "person",
                Bearer::Terminal { .. } => "terminal",
                Bearer::System { .. } => "system",
            },
            penalty: operation.penalty,
            order: operation.order.as_ref().map(OrderId::as_str),
            case: operation.case.as_ref().map(CaseId::as_str),
            fees: fees.as_deref(),
        }))
    }

    /// Signs that an operator showed who they are.
    pub(crate) async fn issue_proof(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        operator: &OperatorView,
        method: AuthenticationMethod,
        digest: OperationDigest,
        operation: &AskedOperation,
    ) -> Result<IssuedProof, Error> {
        let now = self.ports.now();
        let expires_at = now.plus(PROOF_LIFETIME).map_err(|e| Error::Internal(e.to_string()))?;
        let terminal = match &who.bearer {
            Bearer::Terminal { terminal, .. } => Some(terminal),
            Bearer::Admin | Bearer::Person { .. } | Bearer::System { .. } => operation.terminal.as_ref(),
        };
        let proof = Proof {
            merchant: merchant.to_string(),
            terminal: terminal.map(ToString::to_string),
            person: operator.person.to_string(),
            operator: operator.number.to_string(),
            roles: vec![operator.role.role().to_string()],
            authenticated: Authenticated {
                method: match method {
                    AuthenticationMethod::Pin => Method::Pin,
                    AuthenticationMethod::Signature => Method::Signature,
                },
                at_unix_ms: now.unix_ms,
            },
            expires_at_unix_ms: expires_at.unix_ms,
            operation: digest,
        };
        let text = self.signer().await?.sign(&proof).map_err(|e| Error::Internal(e.to_string()))?;
        Ok(IssuedProof { text, operation: Digest { hex: hex_of(&digest) }, expires_at })
    }

    /// Who asks for an operation, as the policy will see it: the key's person, or the named one, or the operator whose
    /// proof is shown. `proof` is a proof for this very operation, or the token of a session, which is bound to none.
    ///
    /// Call it after looking whether the command was carried out already: a retry may come after its proof expired.
    ///
    /// # Errors
    /// [`Error::Unproved`] with `proof.*` or `session.ended`; [`Error::Invalid`] for an unknown person or terminal.
    pub async fn standing_of_asker(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        named: Option<&PersonId>,
        operation: &AskedOperation,
        proof: &ShownProof,
    ) -> Result<Standing, Error> {
        let digest = self.digest_of(who, merchant, operation)?;
        let behind = match proof.0.as_deref() {
            None => None,
            Some(token) if token.starts_with(TOKEN_PREFIX) => {
                let session = self.session(who, merchant, token).await?;
                let authentication = session.authentication();
                Some(Behind { person: session.person, role: vec![session.role.role()], authentication })
            }
            Some(text) => Some(self.check_proof(who, merchant, text, &digest, (self.ports.now(), PROOF_SKEW)).await?),
        };
        let person = named.or(behind.as_ref().map(|b| &b.person));
        let mut asker = self.asker(who, merchant, person, operation.terminal.as_ref()).await?;
        let authentication = match behind {
            None => None,
            Some(behind) => {
                if asker.person.as_ref() != Some(&behind.person) {
                    return Err(other_person());
                }
                if !matches!(who.bearer, Bearer::Person { .. }) {
                    // At a till the operator stands as cashier or supervisor, whatever else the person is; and only as
                    // long as the person is that.
                    asker.roles.retain(|role| behind.role.contains(role));
                }
                Some(behind.authentication)
            }
        };
        Ok(Standing { asker, operation: Digest { hex: hex_of(&digest) }, authentication })
    }

    /// What a proof was worth that was shown to a terminal without a line, at an instant of the terminal's clock, which may
    /// be off by so much. `operations` are the forms in which the operation may have been asked for.
    ///
    /// # Errors
    /// [`Error::Unproved`] with `proof.*`.
    pub(crate) async fn proof_shown_at(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        text: &str,
        operations: &[AskedOperation],
        (at, off_by): (Instant, Duration),
    ) -> Result<Authentication, Error> {
        let mut why = Error::Unproved { code: "proof.invalid", message: "it names no operation" };
        let skew = Duration { ms: PROOF_SKEW.ms.saturating_add(off_by.ms) };
        for operation in operations {
            let digest = self.digest_of(who, merchant, operation)?;
            match self.check_proof(who, merchant, text, &digest, (at, skew)).await {
                Ok(behind) => return Ok(behind.authentication),
                Err(error @ Error::Unproved { .. }) => why = error,
                Err(other) => return Err(other),
            }
        }
        Err(why)
    }

    async fn check_proof(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        text: &str,
        digest: &OperationDigest,
        (now, skew): (Instant, Duration),
    ) -> Result<Behind, Error> {
        let keys = self.stored_keys().await?.keys;
        let keys = keys.iter().map(StoredKey::public).collect::<Result<Vec<_>, _>>()?;
        let skew = i64::try_from(skew.ms).unwrap_or(0);
        let proof = rescind_proof::verify(text, &keys, now.unix_ms, skew).map_err(not_held)?;
        let terminal = match &who.bearer {
            Bearer::Terminal { terminal, .. } => Some(terminal.as_str()),
            Bearer::Admin | Bearer::Person { .. } | Bearer::System { .. } => proof.terminal.as_deref(),
        };
        if proof.merchant != merchant.as_str() || proof.terminal.as_deref() != terminal {
            return Err(not_held(ProofError::UnknownKey));
        }
        proof.must_be_for(digest).map_err(not_held)?;
        let damaged = |what: &str| Error::Internal(format!("a proof that was signed here holds no {what}"));
        let person = PersonId::parse(&proof.person).map_err(|_| damaged("person"))?;
        let role = proof.roles.iter().map(|r| Role::parse(r)).collect::<Result<_, _>>().map_err(|_| damaged("role"))?;
        let authentication = Authentication {
            person: person.clone(),
            method: match proof.authenticated.method {
                Method::Pin => AuthenticationMethod::Pin,
                Method::Signature => AuthenticationMethod::Signature,
            },
            at: Instant::from_unix_ms(proof.authenticated.at_unix_ms).map_err(|_| damaged("time"))?,
            operation: Some(Digest { hex: hex_of(digest) }),
        };
        Ok(Behind { person, role, authentication })
    }

    /// The public keys that proofs are checked with, newest last. The first is made when it is first asked for.
    ///
    /// # Errors
    /// The store's.
    pub async fn proof_keys(&self) -> Result<Vec<PublishedKey>, Error> {
        self.stored_keys().await?.keys.iter().map(StoredKey::published).collect()
    }

    /// Lets a new key sign. The old one vouches for what it signed before.
    ///
    /// # Errors
    /// Not an admin; the store's.
    pub async fn rotate_proof_keys(&self, who: &Principal) -> Result<Vec<PublishedKey>, Error> {
        who.require_admin()?;
        let made = self.change_keys(true).await?;
        self.ports.log(&format!("{} rotated the key that signs operators' proofs", who.key));
        made.keys.iter().map(StoredKey::published).collect()
    }

    /// The key that signs.
    pub(crate) async fn signer(&self) -> Result<SigningKey, Error> {
        let keys = self.stored_keys().await?;
        keys.keys.last().ok_or_else(|| Error::Internal("there is no proof key".to_owned()))?.signer()
    }

    async fn stored_keys(&self) -> Result<StoredKeys, Error> {
        let records = self.records().await?;
        match records.read::<StoredKeys>(&Key::secret("proof-keys")).await? {
            Some(keys) if !keys.keys.is_empty() => Ok(keys),
            _ => self.change_keys(false).await,
        }
    }

    async fn change_keys(&self, rotate: bool) -> Result<StoredKeys, Error> {
        let now = self.ports.now();
        let made = StoredKey { seed: self.random_hex(64), created_at: now, retired_at: None };
        let mark = self.random_hex(16);
        let records = self.records().await?;
        records
            .update::<StoredKeys, _, _>(&Key::secret("proof-keys"), &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                if !rotate && !next.keys.is_empty() {
                    return Ok((None, next));
                }
                for key in &mut next.keys {
                    key.retired_at = key.retired_at.or(Some(now));
                }
                if next.keys.len() >= PROOF_KEYS {
                    next.keys.remove(0);
                }
                next.keys.push(made.clone());
                next.marks.add(&mark);
                Ok((Some(next.clone()), next))
            })
            .await
    }
}
