//! Who asks, and what they showed for it. Checked here as the server checks it, without a line.

use crate::ask::{Ask, Operator, Shown};
use crate::clock::Time;
use crate::error::TerminalError;
use crate::setup::Setup;
use rescind_model::record::Question;
use rescind_model::token::Token as _;
use rescind_model::{
    Asker, Authentication, AuthenticationMethod, Digest, IdentityKind, IdentityProof, Instant, Money, PersonId, Role,
    Sale,
};
use rescind_proof::{Method, Operation, ProofError, ProofKey, SeenFee, operation_digest};
use subtle::ConstantTimeEq as _;

/// Who asks, with what was shown.
pub(crate) struct Standing {
    pub(crate) asker: Asker,
    pub(crate) operation: Digest,
    pub(crate) authentication: Option<Authentication>,
    pub(crate) identity: Vec<IdentityProof>,
}

impl Standing {
    /// Checks what was shown.
    ///
    /// # Errors
    /// [`TerminalError::Proof`], [`TerminalError::OtherProof`] for a proof that does not hold: nobody's word is taken instead of it.
    pub(crate) fn of(
        setup: &Setup,
        keys: &[ProofKey],
        sale: &Sale,
        amount: &Money,
        ask: &Ask,
        time: &Time,
    ) -> Result<Self, TerminalError> {
        let digest = digest(setup, sale, amount, ask);
        let operation = Digest { hex: hex::encode(digest) };
        let mut asker = Asker {
            person: ask.operator.as_ref().map(|operator| operator.person.clone()),
            roles: ask.operator.as_ref().map_or_else(Vec::new, |operator| operator.roles.clone()),
            terminal: Some(setup.terminal.clone()),
            terminal_class: setup.class.clone(),
        };
        let authentication = match &ask.proof {
            None => None,
            Some(text) => {
                let (person, roles, authentication) = proved(setup, keys, text, &digest, ask.operator.as_ref(), time)?;
                (asker.person, asker.roles) = (Some(person), roles);
                Some(authentication)
            }
        };
        let identity = ask.identity.iter().filter_map(|shown| identified(sale, shown, time.now)).collect();
        Ok(Self { asker, operation, authentication, identity })
    }
}

/// The digest of the operation, as the server computes it for a terminal's key.
fn digest(setup: &Setup, sale: &Sale, amount: &Money, ask: &Ask) -> rescind_proof::OperationDigest {
    let (reason, penalty) = match &ask.question {
        Question::Void(question) => (question.reason.as_deref(), false),
        Question::Refund(question) => (question.reason.as_deref(), false),
        Question::Operation(question) => (question.reason.as_deref(), question.penalty),
    };
    let fees: Option<Vec<SeenFee<'_>>> = ask.fees.as_ref().map(|fees| {
        let seen = fees.iter().map(|fee| SeenFee {
            kind: fee.kind.token(),
            minor: fee.amount.minor,
            currency: &fee.amount.currency,
            payer: fee.payer.token(),
        });
        seen.collect()
    });
    operation_digest(&Operation {
        merchant: setup.merchant.as_str(),
        sale: sale.id.as_str(),
        way: ask.question.way().token(),
        minor: amount.minor,
        currency: &amount.currency,
        reason,
        terminal: Some(setup.terminal.as_str()),
        holder: "terminal",
        penalty,
        order: None,
        case: None,
        fees: fees.as_deref(),
    })
}

fn proved(
    setup: &Setup,
    keys: &[ProofKey],
    text: &str,
    digest: &rescind_proof::OperationDigest,
    named: Option<&Operator>,
    time: &Time,
) -> Result<(PersonId, Vec<Role>, Authentication), TerminalError> {
    // A proof lives for minutes: a clock that may be off by more proves nothing.
    let bound = i64::try_from(time.bound.ms).unwrap_or(i64::MAX);
    if bound > rescind_proof::MAX_LIFETIME_MS {
        return Err(TerminalError::ClockUnknown);
    }
    let proof = rescind_proof::verify(text, keys, time.now.unix_ms, bound)?;
    // The tolerance is for a terminal whose clock is slow. Where it may have expired, it has.
    if proof.expires_at_unix_ms <= time.latest().unix_ms {
        return Err(ProofError::Expired.into());
    }
    if proof.merchant != setup.merchant.as_str() {
        return Err(TerminalError::OtherProof("of another merchant"));
    }
    if proof.terminal.as_deref() != Some(setup.terminal.as_str()) {
        return Err(TerminalError::OtherProof("of another terminal"));
    }
    proof.must_be_for(digest)?;
    let malformed = |_| TerminalError::Proof(ProofError::Malformed);
    let person = PersonId::parse(&proof.person).map_err(malformed)?;
    if named.is_some_and(|named| named.person != person) {
        return Err(TerminalError::OtherProof("of another person"));
    }
    let roles: Result<Vec<Role>, _> = proof.roles.iter().map(|role| Role::parse(role)).collect();
    let authentication = Authentication {
        person: person.clone(),
        method: match proof.authenticated.method {
            Method::Pin => AuthenticationMethod::Pin,
            Method::Signature => AuthenticationMethod::Signature,
        },
        at: Instant::from_unix_ms(proof.authenticated.at_unix_ms)
            .map_err(|_| TerminalError::Proof(ProofError::Malformed))?,
        operation: Some(Digest { hex: hex::encode(digest) }),
    };
    Ok((person, roles.map_err(malformed)?, authentication))
}

/// What it proves of the customer; a card that is another one proves nothing.
fn identified(sale: &Sale, shown: &Shown, now: Instant) -> Option<IdentityProof> {
    let (kind, reference) = match shown {
        Shown::Card(token) => {
            let paid = sale.payer_token.as_deref()?;
            if !bool::from(paid.as_bytes().ct_eq(token.as_bytes())) {
                return None;
            }
            (IdentityKind::CardPresented, None)
        }
        Shown::Pin(reference) => (IdentityKind::PinVerified, reference.clone()),
    };
    Some(IdentityProof { kind, reference, at: now })
}
