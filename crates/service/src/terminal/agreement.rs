//! A terminal's decision, made again here from what it was made of: by the policy it names, in the component that decides
//! here. Both have to give the same bytes.

use crate::app::App;
use crate::error::Error;
use crate::http::sale::as_registered;
use crate::policies::PolicyDocument;
use crate::ports::{Policy, Ports};
use crate::store::key::Key;
use rescind_journal::{Head, Owner};
use rescind_model::record::{Answer, DecisionRecord, FORMAT, Question};
use rescind_model::{Digest, LoadError, MerchantId, TerminalId, card_number};
use serde_json::Value;
use std::sync::Arc;

/// What a decision turned out to be. Codes are stable.
pub(crate) enum Agreement {
    /// The same, byte for byte. It is kept here.
    Same,
    /// It cannot be relied on.
    Not {
        /// `decision.form`, `policy.unknown`, `policy.not-loaded`, `decision.differs`.
        code: &'static str,
        /// What was found.
        detail: String,
    },
}

impl Agreement {
    fn not(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Not { code, detail: detail.into() }
    }
}

/// The name under which a terminal's decision is kept here. Names that are made here have no dot.
pub(crate) fn kept_name(terminal: &TerminalId, head: &Head, number: u64) -> String {
    format!("t-{terminal}.{}.{number}", head.journal)
}

/// Asks a policy what was asked at the terminal.
fn ask_again(policy: &impl Policy, record: &DecisionRecord) -> Answer {
    let facts = &record.input.facts;
    let answer = match &record.input.question {
        Question::Void(question) => policy.decide_void(facts, question),
        Question::Refund(question) => policy.decide_refund(facts, question),
        Question::Operation(question) => policy.decide_operation(facts, question),
    };
    match answer {
        Ok(decision) => Answer::Decided(decision),
        Err(error) => Answer::Error(error),
    }
}

/// The reason code of a question.
pub(crate) fn reason_of(question: &Question) -> Option<&str> {
    match question {
        Question::Void(question) => question.reason.as_deref(),
        Question::Refund(question) => question.reason.as_deref(),
        Question::Operation(question) => question.reason.as_deref(),
    }
}

/// What is wrong with a record that its terminal cannot have written so.
fn misformed(record: &DecisionRecord, owner: &Owner) -> Option<&'static str> {
    let facts = &record.input.facts;
    let asked_at = facts.asker.terminal.as_ref();
    let reason = reason_of(&record.input.question);
    let wrong = [
        (record.format != FORMAT, "its form"),
        (record.merchant != owner.merchant || facts.sale.merchant != owner.merchant, "its merchant"),
        (record.sale != facts.sale.id, "its sale"),
        (record.at != facts.now, "its time"),
        (record.input_digest != record.input.digest(), "the digest of its input"),
        (asked_at != Some(&owner.terminal), "its terminal"),
        (facts.offline.is_none(), "it was not decided offline"),
        (reason.is_some_and(|text| card_number::mask(text).found), "its reason"),
        // Texts are kept here as they are: none may hold what must not be kept.
        (as_registered(&facts.sale).ok().as_ref() != Some(&facts.sale), "what it says of its sale"),
    ];
    wrong.into_iter().find(|(is_wrong, _)| *is_wrong).map(|(_, what)| what)
}

/// A policy that was asked for by its hash.
enum Found<P> {
    Loaded(Arc<P>),
    Unknown,
    Refused(LoadError),
}

impl<P: Ports> App<P> {
    /// Makes a terminal's decision again.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn agree(
        &self,
        record: &DecisionRecord,
        owner: &Owner,
        head: &Head,
        number: u64,
    ) -> Result<Agreement, Error> {
        if let Some(what) = misformed(record, owner) {
            return Ok(Agreement::not(
                "decision.form",
                format!("decision {}: not what it should be: {what}", record.id),
            ));
        }
        let policy = match self.policy_by_hash(&record.policy.hash).await? {
            Found::Loaded(policy) => policy,
            Found::Unknown => {
                let detail = format!("no policy {} ({}) is installed here", record.policy.hash, record.policy.name);
                return Ok(Agreement::not("policy.unknown", detail));
            }
            Found::Refused(error) => {
                let detail = format!("policy {} cannot be loaded: {}", record.policy.hash, error.code);
                return Ok(Agreement::not("policy.not-loaded", detail));
            }
        };
        let here = ask_again(&*policy, record);
        let bytes = |answer: &Answer| serde_json::to_vec(answer).map_err(|e| Error::Internal(e.to_string()));
        let (ours, theirs) = (bytes(&here)?, bytes(&record.answer)?);
        if ours != theirs || policy.identity() != record.policy {
            let detail = format!(
                "decided there: {}, by component {}; decided here: {}; the first difference is at {}",
                Digest::of(&theirs),
                record.component,
                Digest::of(&ours),
                first_difference(&theirs, &ours),
            );
            return Ok(Agreement::not("decision.differs", detail));
        }
        let day = policy.business_day_of(record.at).ok();
        let kept = DecisionRecord { id: kept_name(&owner.terminal, head, number), ..record.clone() };
        match day {
            Some(day) => self.keep_foreign_decision(&kept, day).await?,
            None => return Ok(Agreement::not("decision.form", "its time is on no business day")),
        }
        Ok(Agreement::Same)
    }

    async fn policy_by_hash(&self, hash: &Digest) -> Result<Found<P::Policy>, Error> {
        if let Some(policy) = self.ports.cached_policy(hash.as_str()) {
            return Ok(Found::Loaded(policy));
        }
        let Some(document) = self.records().await?.read::<PolicyDocument>(&Key::policy(hash)).await? else {
            return Ok(Found::Unknown);
        };
        Ok(match self.ports.load_policy(hash.as_str(), document.canonical.as_bytes()) {
            Ok(policy) => Found::Loaded(policy),
            Err(error) => Found::Refused(error),
        })
    }

    /// A decision of a terminal's that agreed, if there is one of that number.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn agreed_decision(
        &self,
        merchant: &MerchantId,
        terminal: &TerminalId,
        head: &Head,
        number: u64,
    ) -> Result<Option<DecisionRecord>, Error> {
        let key = Key::decision(merchant, &kept_name(terminal, head, number));
        self.records().await?.read::<DecisionRecord>(&key).await
    }
}

/// Where two JSON texts first differ, as a JSON pointer: names of fields, never what stands in them.
fn first_difference(one: &[u8], other: &[u8]) -> String {
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    differs_at(&read(one), &read(other)).unwrap_or_else(|| "the policy's name or version".to_owned())
}

fn differs_at(one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().find_map(|name| {
                let nothing = Value::Null;
                let (one, other) = (one.get(name).unwrap_or(&nothing), other.get(name).unwrap_or(&nothing));
                differs_at(one, other).map(|rest| format!("/{name}{rest}"))
            })
        }
        (Value::Array(one), Value::Array(other)) => {
            let most = one.len().max(other.len());
            (0..most).find_map(|index| match (one.get(index), other.get(index)) {
                (Some(one), Some(other)) => differs_at(one, other).map(|rest| format!("/{index}{rest}")),
                _ => Some(format!("/{index}")),
            })
        }
        (one, other) => (one != other).then(String::new),
    }
}
