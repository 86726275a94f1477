//! Operator sessions: an operator is at work at a till. A session alone is only as good as it is fresh; for one operation
//! the operator steps up and gets a proof that is bound to it (`proof`).
//!
//! A session belongs to the key under which it began: its token is of no use at another terminal.

use crate::app::App;
use crate::error::Error;
use crate::limits::{
    CHALLENGE_LIFETIME, OPERATOR_SESSIONS, PROOF_SKEW, SESSION_IDLE, SESSION_LIFETIME, SESSION_TOUCH, USED_CHALLENGES,
};
use crate::operator::{Operator, OperatorNumber, OperatorRole, OperatorView, refused};
use crate::pin::Pin;
use crate::ports::Ports;
use crate::principal::{Bearer, Deed, Principal};
use crate::proof::{AskedOperation, IssuedProof};
use crate::secret::{Pepper, hex_of};
use crate::store::Record;
use crate::store::key::Key;
use crate::store::marks::Marks;
use rescind_model::token::Token as _;
use rescind_model::{Authentication, AuthenticationMethod, Digest, Instant, MerchantId, PersonId, TerminalId};
use rescind_proof::OperationDigest;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

/// What the token of a session begins with.
pub const TOKEN_PREFIX: &str = "rso_";

/// How an operator shows who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Showing {
    /// By PIN.
    Pin(Pin),
    /// By a challenge that their device signed.
    Signature {
        /// The challenge as it was given out.
        challenge: String,
        /// The device's signature over the text of the QR code.
        signature: [u8; 64],
    },
}

/// A challenge to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenChallenge {
    /// The challenge, to be sent back.
    pub challenge: String,
    /// The text of the QR code: what the device signs.
    pub text: String,
    /// When it ends.
    pub expires_at: Instant,
}

/// An operator's session, as its holder sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunSession {
    /// Names it.
    pub id: String,
    /// Proves it. Given once.
    pub token: String,
    /// Who.
    pub operator: OperatorView,
    /// How.
    pub method: AuthenticationMethod,
    /// Since when.
    pub began_at: Instant,
    /// When it ends unless it is used.
    pub idle_at: Instant,
    /// When it ends in any case.
    pub expires_at: Instant,
    /// Wrong PINs since the last right one: somebody else's, if the operator knows of none.
    pub failed_before: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Session {
    id: String,
    /// SHA-256 of the secret part of the token: 256 random bits, so that a slow hash would add nothing.
    secret: Digest,
    /// Whose key it began under.
    bearer: Bearer,
    pub(crate) person: PersonId,
    pub(crate) role: OperatorRole,
    method: AuthenticationMethod,
    began_at: Instant,
    seen_at: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Used {
    challenge: Digest,
    expires_at: Instant,
}

/// Everything that is open for one operator, in one record: bounded, and a challenge is used by the very write that
/// makes something of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sessions {
    sessions: Vec<Session>,
    used: Vec<Used>,
    marks: Marks,
}

impl Record for Sessions {
    const FORMAT: &'static str = "operator-sessions/1";
    fn holds(&self, id: &str) -> bool {
        self.marks.has(id)
    }
}

impl Session {
    fn is_open(&self, now: Instant) -> bool {
        now.since(self.seen_at) <= SESSION_IDLE && now.since(self.began_at) <= SESSION_LIFETIME
    }

    /// What it is worth by itself: that its operator was there when it began.
    pub(crate) fn authentication(&self) -> Authentication {
        Authentication { person: self.person.clone(), method: self.method, at: self.began_at, operation: None }
    }
}

impl Sessions {
    fn forget(&mut self, now: Instant) {
        self.sessions.retain(|s| s.is_open(now));
        // Another instance's clock may be a little behind.
        self.used.retain(|u| now.since(u.expires_at) <= PROOF_SKEW);
    }

    /// Uses a challenge up.
    fn use_up(&mut self, challenge: Option<&Used>, now: Instant) -> Result<(), Error> {
        let Some(challenge) = challenge else { return Ok(()) };
        // It may have ended since it was checked, and be forgotten among the used ones.
        if challenge.expires_at <= now {
            return Err(refused());
        }
        if self.used.len() >= USED_CHALLENGES || self.used.iter().any(|u| u.challenge == challenge.challenge) {
            return Err(refused());
        }
        self.used.push(challenge.clone());
        Ok(())
    }
}

/// Somebody who showed that they are an operator.
struct Shown {
    operator: Operator,
    method: AuthenticationMethod,
    /// Wrong PINs since the last right one.
    failed_before: u32,
    /// The challenge that this uses up.
    challenge: Option<Used>,
}

fn ended() -> Error {
    Error::Unproved { code: "session.ended", message: "begin a new session" }
}

/// An operation as it is shown to whoever signs.
fn shown_of<'a>(
    asked: Option<&'a AskedOperation>,
    digest: Option<&'a OperationDigest>,
    amount: Option<&'a str>,
) -> Option<rescind_proof::ShownOperation<'a>> {
    let (asked, digest, amount) = (asked?, digest?, amount?);
    Some(rescind_proof::ShownOperation { digest, way: asked.way.token(), sale: asked.sale.as_str(), amount })
}

/// The terminal a key stands for.
fn terminal_of(who: &Principal) -> Option<&TerminalId> {
    match &who.bearer {
        Bearer::Terminal { terminal, .. } => Some(terminal),
        Bearer::Admin | Bearer::Person { .. } | Bearer::System { .. } => None,
    }
}

/// Number, public part and secret part of a token.
fn parts_of(token: &str) -> Option<(OperatorNumber, &str, &str)> {
    let mut parts = token.strip_prefix(TOKEN_PREFIX)?.split('_');
    let (number, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none() && id.len() == 16 && secret.len() == 64;
    let number = OperatorNumber::parse(number).ok()?;
    whole.then_some((number, id, secret))
}

/// Number and public part of a session's name.
fn named(id: &str) -> Option<(OperatorNumber, &str)> {
    let (number, id) = id.strip_prefix("os-")?.split_once('-')?;
    Some((OperatorNumber::parse(number).ok()?, id))
}

impl<P: Ports> App<P> {
    /// A challenge for an operator's device: for a session, or for one operation. Nothing is stored before it is used.
    ///
    /// # Errors
    /// Not permitted.
    pub async fn challenge(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        number: &OperatorNumber,
        operation: Option<&AskedOperation>,
    ) -> Result<GivenChallenge, Error> {
        who.may(Deed::ShowOperator, merchant)?;
        let digest = operation.map(|operation| self.digest_of(who, merchant, operation)).transpose()?;
        let expires_at = self.ports.now().plus(CHALLENGE_LIFETIME).map_err(|e| Error::Internal(e.to_string()))?;
        let head = format!("{}-{}", expires_at.unix_ms, self.random_hex(32));
        let seal = seal_of(&self.pepper().await?, who, merchant, number, digest.as_ref(), &head)?;
        let challenge = format!("{head}-{seal}");
        let amount = operation.map(|operation| operation.amount.to_string());
        let text = rescind_proof::Challenge {
            merchant: merchant.as_str(),
            operator: number.as_str(),
            terminal: terminal_of(who).map(TerminalId::as_str),
            operation: shown_of(operation, digest.as_ref(), amount.as_deref()),
            challenge: &challenge,
        }
        .text();
        Ok(GivenChallenge { challenge, text, expires_at })
    }

    async fn show(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        number: &OperatorNumber,
        showing: &Showing,
        operation: Option<(&AskedOperation, &OperationDigest)>,
    ) -> Result<Shown, Error> {
        let shown = match showing {
            Showing::Pin(pin) => {
                let operator = self.check_own_pin(who, merchant, number, pin).await?;
                // Its count has this very attempt.
                let failed_before = operator.view.failures.saturating_sub(1);
                Shown { operator, method: AuthenticationMethod::Pin, failed_before, challenge: None }
            }
            Showing::Signature { challenge, signature } => {
                let digest = operation.map(|(_, digest)| digest);
                let used = self.check_challenge(who, merchant, number, digest, challenge).await?;
                let amount = operation.map(|(asked, _)| asked.amount.to_string());
                let signed = rescind_proof::Challenge {
                    merchant: merchant.as_str(),
                    operator: number.as_str(),
                    terminal: terminal_of(who).map(TerminalId::as_str),
                    operation: shown_of(operation.map(|(asked, _)| asked), digest, amount.as_deref()),
                    challenge,
                };
                let operator = self.check_signature(who, merchant, number, &signed, signature).await?;
                let failed_before = operator.view.failures;
                Shown { operator, method: AuthenticationMethod::Signature, failed_before, challenge: Some(used) }
            }
        };
        self.must_hold_role(merchant, &shown.operator.view).await?;
        Ok(shown)
    }

    /// Fails if the operator's PIN or devices changed since they were shown: what was shown may be the old one.
    async fn must_be_known_as(
        &self,
        merchant: &MerchantId,
        number: &OperatorNumber,
        shown: &Operator,
    ) -> Result<(), Error> {
        let there = self.operator(merchant, number).await?;
        if there.is_some_and(|there| there.is_known_as(shown)) { Ok(()) } else { Err(refused()) }
    }

    /// Whether a challenge is one of ours, for this, and not over.
    async fn check_challenge(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        number: &OperatorNumber,
        operation: Option<&OperationDigest>,
        challenge: &str,
    ) -> Result<Used, Error> {
        let (head, seal) = challenge.rsplit_once('-').ok_or_else(refused)?;
        let expires_at = head.split('-').next().and_then(|ms| ms.parse::<i64>().ok()).ok_or_else(refused)?;
        let expires_at = Instant::from_unix_ms(expires_at).map_err(|_| refused())?;
        let ours = seal_of(&self.pepper().await?, who, merchant, number, operation, head)?;
        let same: bool = ours.as_bytes().ct_eq(seal.as_bytes()).into();
        if !same || expires_at <= self.ports.now() {
            return Err(refused());
        }
        Ok(Used { challenge: Digest::of(challenge.as_bytes()), expires_at })
    }

    /// An operator begins to work.
    ///
    /// # Errors
    /// Not permitted; [`Error::Unproved`] `operator.refused`, the same for all who did not show who they are.
    pub async fn begin_session(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        number: &OperatorNumber,
        showing: &Showing,
    ) -> Result<BegunSession, Error> {
        who.may(Deed::ShowOperator, merchant)?;
        let shown = self.show(who, merchant, number, showing, None).await?;
        let now = self.ports.now();
        let (id, secret) = (self.random_hex(16), self.random_hex(64));
        let session = Session {
            id: id.clone(),
            secret: Digest::of(secret.as_bytes()),
            bearer: who.bearer.clone(),
            person: shown.operator.view.person.clone(),
            role: shown.operator.view.role,
            method: shown.method,
            began_at: now,
            seen_at: now,
        };
        self.change_sessions(merchant, number, |there| {
            there.use_up(shown.challenge.as_ref(), now)?;
            if there.sessions.len() >= OPERATOR_SESSIONS {
                there.sessions.remove(0);
            }
            there.sessions.push(session.clone());
            Ok(())
        })
        .await?;
        // A reset ends the sessions that it finds. This one may have come after, by what was in force before.
        if let Err(error) = self.must_be_known_as(merchant, number, &shown.operator).await {
            self.change_sessions(merchant, number, |there| {
                there.sessions.retain(|s| s.id != id);
                Ok(())
            })
            .await?;
            return Err(error);
        }
        let ends = |after| now.plus(after).map_err(|e| Error::Internal(e.to_string()));
        Ok(BegunSession {
            id: format!("os-{number}-{id}"),
            token: format!("{TOKEN_PREFIX}{number}_{id}_{secret}"),
            operator: shown.operator.view,
            method: shown.method,
            failed_before: shown.failed_before,
            began_at: now,
            idle_at: ends(SESSION_IDLE)?,
            expires_at: ends(SESSION_LIFETIME)?,
        })
    }

    /// An operator shows once more who they are, for one operation.
    ///
    /// # Errors
    /// Not permitted; no such session; `operator.refused`.
    pub async fn step_up(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &str,
        token: &str,
        showing: &Showing,
        operation: &AskedOperation,
    ) -> Result<IssuedProof, Error> {
        who.may(Deed::ShowOperator, merchant)?;
        let (number, public) = named(id).ok_or_else(ended)?;
        if parts_of(token).is_none_or(|(n, p, _)| n != number || p != public) {
            return Err(ended());
        }
        let session = self.session(who, merchant, token).await?;
        let digest = self.digest_of(who, merchant, operation)?;
        let shown = self.show(who, merchant, &number, showing, Some((operation, &digest))).await?;
        // The number may have passed to another person, or to another role, since the session began.
        if shown.operator.view.person != session.person || shown.operator.view.role != session.role {
            return Err(ended());
        }
        let now = self.ports.now();
        self.change_sessions(merchant, &number, |there| {
            there.use_up(shown.challenge.as_ref(), now)?;
            let session = there.sessions.iter_mut().find(|s| s.id == public).ok_or_else(ended)?;
            session.seen_at = now;
            Ok(())
        })
        .await?;
        self.must_be_known_as(merchant, &number, &shown.operator).await?;
        self.issue_proof(who, merchant, &shown.operator.view, shown.method, digest, operation).await
    }

    /// The open session of a token, under the key it began under. Its use is noted now and then.
    pub(crate) async fn session(&self, who: &Principal, merchant: &MerchantId, token: &str) -> Result<Session, Error> {
        let (number, public, secret) = parts_of(token).ok_or_else(ended)?;
        let records = self.records().await?;
        let there = records.read::<Sessions>(&Key::operator_sessions(merchant, number.as_str())).await?;
        let found = there.and_then(|t| t.sessions.into_iter().find(|s| s.id == public)).ok_or_else(ended)?;
        let same: bool =
            found.secret.as_str().as_bytes().ct_eq(Digest::of(secret.as_bytes()).as_str().as_bytes()).into();
        let now = self.ports.now();
        if !same || found.bearer != who.bearer || !found.is_open(now) {
            return Err(ended());
        }
        if now.since(found.seen_at) > SESSION_TOUCH {
            self.change_sessions(merchant, &number, |there| {
                there.sessions.iter_mut().filter(|s| s.id == public).for_each(|s| s.seen_at = now);
                Ok(())
            })
            .await?;
        }
        Ok(found)
    }

    /// An operator stops working. Whoever holds the key may say so; the token may be lost.
    ///
    /// # Errors
    /// No such session under this key.
    pub async fn end_session(&self, who: &Principal, merchant: &MerchantId, id: &str) -> Result<(), Error> {
        who.may(Deed::ShowOperator, merchant)?;
        let missing = || Error::NotFound("operator session");
        let (number, public) = named(id).ok_or_else(missing)?;
        // Looked at first: opening a record that is not there may leave a trace of it.
        let key = Key::operator_sessions(merchant, number.as_str());
        self.records().await?.read::<Sessions>(&key).await?.ok_or_else(missing)?;
        self.change_sessions(merchant, &number, |there| {
            let before = there.sessions.len();
            there.sessions.retain(|s| s.id != public || s.bearer != who.bearer);
            if there.sessions.len() == before { Err(missing()) } else { Ok(()) }
        })
        .await
    }

    /// Ends all of an operator's sessions.
    pub(crate) async fn end_sessions(&self, merchant: &MerchantId, number: &OperatorNumber) -> Result<(), Error> {
        self.change_sessions(merchant, number, |there| {
            there.sessions.clear();
            Ok(())
        })
        .await
    }

    async fn change_sessions(
        &self,
        merchant: &MerchantId,
        number: &OperatorNumber,
        mut change: impl FnMut(&mut Sessions) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let mark = self.random_hex(16);
        let now = self.ports.now();
        let key = Key::operator_sessions(merchant, number.as_str()).checked()?;
        let records = self.records().await?;
        records
            .update::<Sessions, _, _>(&key, &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                next.forget(now);
                change(&mut next)?;
                next.marks.add(&mark);
                Ok((Some(next), ()))
            })
            .await
    }
}

/// What makes a challenge ours: for one operator, one key's holder, and a session or one operation.
fn seal_of(
    pepper: &Pepper,
    who: &Principal,
    merchant: &MerchantId,
    number: &OperatorNumber,
    operation: Option<&OperationDigest>,
    head: &str,
) -> Result<String, Error> {
    let holder = serde_json::to_string(&who.bearer).map_err(|e| Error::Internal(e.to_string()))?;
    let about = operation.map_or_else(|| "session".to_owned(), |digest| hex_of(digest));
    pepper.seal("operator-challenge/1", &[merchant.as_str(), number.as_str(), &holder, &about, head])
}
