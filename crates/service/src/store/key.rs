//! Keys. Names never hold `:`, so parts cannot run into each other; texts from outside are hashed.

use crate::error::Error;
use crate::limits::KEY_BYTES;
use core::fmt;
use rescind_model::{BusinessDay, Digest, MerchantId, PersonId, RefundId, SaleId, TerminalId};

/// The key of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A short stand-in for a text that may hold anything.
fn hashed(text: &str) -> String {
    Digest::of(text.as_bytes()).as_str().chars().take(32).collect()
}

impl Key {
    /// A key as it was met in a store.
    #[cfg(feature = "native")]
    pub(crate) fn met(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Fails on a key that some store would refuse.
    ///
    /// # Errors
    /// [`Error::Internal`]: names are checked where they come in, so this does not happen.
    pub fn checked(self) -> Result<Self, Error> {
        if self.0.len() <= KEY_BYTES {
            Ok(self)
        } else {
            Err(Error::Internal(format!("key of {} bytes", self.0.len())))
        }
    }

    /// One sale with everything that money depends on.
    #[must_use]
    pub fn sale(merchant: &MerchantId, sale: &SaleId) -> Self {
        Self(format!("sale:{merchant}:{sale}"))
    }

    /// Where a refund with a caller-made id is.
    #[must_use]
    pub fn refund(merchant: &MerchantId, refund: &RefundId) -> Self {
        Self(format!("refund:{merchant}:{refund}"))
    }

    /// One idempotency key of a merchant.
    #[must_use]
    pub fn idempotency(merchant: &MerchantId, key: &str) -> Self {
        Self(format!("idem:{merchant}:{}", hashed(key)))
    }

    /// What one of two persons said about an operation of a sale.
    #[must_use]
    pub fn resolution(merchant: &MerchantId, sale: &SaleId, operation: &str) -> Self {
        Self(format!("resolution:{merchant}:{sale}:{}", hashed(operation)))
    }

    /// A merchant.
    #[must_use]
    pub fn merchant(merchant: &MerchantId) -> Self {
        Self(format!("merchant:{merchant}"))
    }

    /// A terminal.
    #[must_use]
    pub fn terminal(merchant: &MerchantId, terminal: &TerminalId) -> Self {
        Self(format!("terminal:{merchant}:{terminal}"))
    }

    /// A person.
    #[must_use]
    pub fn person(person: &PersonId) -> Self {
        Self(format!("person:{person}"))
    }

    /// An API key, by its public id.
    #[must_use]
    pub fn api_key(id: &str) -> Self {
        Self(format!("key:{}", hashed(id)))
    }

    /// The admin keys whose end was decided.
    #[must_use]
    pub fn revocations() -> Self {
        Self("revocations".to_owned())
    }

    /// A reviewers' system.
    #[must_use]
    pub fn source(id: &str) -> Self {
        Self(format!("source:{}", hashed(id)))
    }

    /// A compiled policy by content.
    #[must_use]
    pub fn policy(hash: &Digest) -> Self {
        Self(format!("policy:{hash}"))
    }

    /// Which content a policy name stands for now.
    #[must_use]
    pub fn policy_name(name: &str) -> Self {
        Self(format!("policy-name:{}", hashed(name)))
    }

    /// One version of a policy.
    #[must_use]
    pub fn policy_version(name: &str, version: &str) -> Self {
        Self(format!("policy-version:{}:{}", hashed(name), hashed(version)))
    }

    /// The versions of a policy.
    #[must_use]
    pub fn policy_versions(name: &str) -> Self {
        Self(format!("policy-versions:{}", hashed(name)))
    }

    /// What was in force under a name and is too long ago to lie beside what is.
    #[must_use]
    pub fn policy_past(name: &str) -> Self {
        Self(format!("policy-past:{}", hashed(name)))
    }

    /// How a candidate would have decided at a merchant.
    #[must_use]
    pub fn shadow(name: &str, merchant: &MerchantId) -> Self {
        Self(format!("shadow:{}:{merchant}", hashed(name)))
    }

    /// One decision of a merchant's.
    #[must_use]
    pub fn decision(merchant: &MerchantId, id: &str) -> Self {
        Self(format!("decision:{merchant}:{id}"))
    }

    /// The decisions of a merchant's day in one lane.
    #[must_use]
    pub fn decisions(merchant: &MerchantId, day: BusinessDay, lane: u8) -> Self {
        Self(format!("decisions:{merchant}:{day}:{lane:02}"))
    }

    /// A closed batch of a terminal.
    #[must_use]
    pub fn batch(merchant: &MerchantId, terminal: &TerminalId, batch: &str) -> Self {
        Self(format!("batch:{merchant}:{terminal}:{}", hashed(batch)))
    }

    /// How many voids somebody had in a business day.
    #[must_use]
    pub fn void_tally(merchant: &MerchantId, day: BusinessDay, counted: &str, subject: &str) -> Self {
        Self(format!("voids:{merchant}:{day}:{counted}:{}", hashed(subject)))
    }

    /// How many refunds somebody had in a business day.
    #[must_use]
    pub fn refund_tally(merchant: &MerchantId, day: BusinessDay, counted: &str, subject: &str) -> Self {
        Self(format!("refunded:{merchant}:{day}:{counted}:{}", hashed(subject)))
    }

    /// How many operations of a way somebody had within a span of so many ms.
    #[must_use]
    pub fn rolling_tally(merchant: &MerchantId, way: &str, counted: &str, subject: &str) -> Self {
        Self(format!("rolling:{merchant}:{way}:{counted}:{}", hashed(subject)))
    }

    /// How much a person asked to be refunded in a business day.
    #[must_use]
    pub fn requested_tally(merchant: &MerchantId, day: BusinessDay, person: &PersonId) -> Self {
        Self(format!("asked:{merchant}:{day}:{person}"))
    }

    /// A lane of intents.
    #[must_use]
    pub fn lane(number: u8) -> Self {
        Self(format!("lane:{number:02}"))
    }

    /// The buckets of time in which something is due.
    #[must_use]
    pub fn due_index() -> Self {
        Self("due".to_owned())
    }

    /// The list of what is due in a bucket.
    #[must_use]
    pub fn due(start: i64, width: i64) -> Self {
        Self(format!("due:{start}:{width}"))
    }

    /// The feed of a merchant.
    #[must_use]
    pub fn feed(merchant: &MerchantId) -> Self {
        Self(format!("feed:{merchant}"))
    }

    /// The refunds of a merchant.
    #[must_use]
    pub fn refunds(merchant: &MerchantId) -> Self {
        Self(format!("refunds:{merchant}"))
    }

    /// The cancellations of payment codes at a merchant on a business day.
    #[must_use]
    pub fn cancellations(merchant: &MerchantId, day: BusinessDay) -> Self {
        Self(format!("cancels:{merchant}:{day}"))
    }

    /// The reversals that a terminal owes.
    #[must_use]
    pub fn outstanding(merchant: &MerchantId, terminal: &TerminalId) -> Self {
        Self(format!("outstanding:{merchant}:{terminal}"))
    }

    /// What is known of a terminal's journal.
    #[must_use]
    pub fn terminal_journal(merchant: &MerchantId, terminal: &TerminalId) -> Self {
        Self(format!("journal:{merchant}:{terminal}"))
    }

    /// What became of an operation that a terminal began offline, by the terminal's name for it.
    #[must_use]
    pub fn offline_operation(merchant: &MerchantId, terminal: &TerminalId, journal: &str, operation: &str) -> Self {
        Self(format!("offline:{merchant}:{terminal}:{}", hashed(&format!("{journal}\n{operation}"))))
    }

    /// Something about a terminal that people are told.
    #[must_use]
    pub fn notice(merchant: &MerchantId, id: &str) -> Self {
        Self(format!("notice:{merchant}:{id}"))
    }

    /// Notices that may not be in their feed yet.
    #[must_use]
    pub fn notices() -> Self {
        Self("notices".to_owned())
    }

    /// The referrals of a merchant.
    #[must_use]
    pub fn cases(merchant: &MerchantId) -> Self {
        Self(format!("cases:{merchant}"))
    }

    /// The legal orders of a merchant.
    #[must_use]
    pub fn orders(merchant: &MerchantId) -> Self {
        Self(format!("orders:{merchant}"))
    }

    /// The liabilities of a merchant.
    #[must_use]
    pub fn liabilities(merchant: &MerchantId) -> Self {
        Self(format!("liabilities:{merchant}"))
    }

    /// The refunds of a merchant that were queued, in order.
    #[must_use]
    pub fn queued(merchant: &MerchantId) -> Self {
        Self(format!("queued:{merchant}"))
    }

    /// What a merchant's payments amount to, and the funds for its refunds.
    #[must_use]
    pub fn books(merchant: &MerchantId) -> Self {
        Self(format!("books:{merchant}"))
    }

    /// One payment of a merchant into the funds for its refunds.
    #[must_use]
    pub fn receipt(merchant: &MerchantId, id: &str) -> Self {
        Self(format!("funds:{merchant}:{}", hashed(id)))
    }

    /// The sales that share a number.
    #[must_use]
    pub fn index(merchant: &MerchantId, kind: &str, value: &str) -> Self {
        Self(format!("index:{merchant}:{kind}:{}", hashed(value)))
    }

    /// A directory list: `merchants`, `persons`, `keys`, `policies`.
    #[must_use]
    pub fn directory(of: &str) -> Self {
        Self(format!("list:{of}"))
    }

    /// A directory list within a merchant: `terminals`, `sources`.
    #[must_use]
    pub fn directory_at(of: &str, merchant: &MerchantId) -> Self {
        Self(format!("list:{of}:{merchant}"))
    }

    /// The webhook endpoints of a merchant.
    #[must_use]
    pub fn endpoints(merchant: &MerchantId) -> Self {
        Self(format!("endpoints:{merchant}"))
    }

    /// How far deliveries to an endpoint got.
    #[must_use]
    pub fn cursor(merchant: &MerchantId, endpoint: &str) -> Self {
        Self(format!("cursor:{merchant}:{}", hashed(endpoint)))
    }

    /// An operator of a merchant, by number.
    #[must_use]
    pub fn operator(merchant: &MerchantId, number: &str) -> Self {
        Self(format!("operator:{merchant}:{number}"))
    }

    /// Which operator number a person has at a merchant.
    #[must_use]
    pub fn number_of(merchant: &MerchantId, person: &PersonId) -> Self {
        Self(format!("number-of:{merchant}:{person}"))
    }

    /// Attempts to guess PINs under one holder's keys.
    #[must_use]
    pub fn operator_attempts(merchant: &MerchantId, holder: &Digest) -> Self {
        Self(format!("operator-attempts:{merchant}:{holder}"))
    }

    /// What is written instead of an operator who is not there, so that it takes as long.
    #[must_use]
    pub fn nobody(merchant: &MerchantId) -> Self {
        Self(format!("nobody:{merchant}"))
    }

    /// An operator's sessions.
    #[must_use]
    pub fn operator_sessions(merchant: &MerchantId, number: &str) -> Self {
        Self(format!("operator-sessions:{merchant}:{number}"))
    }

    /// The codes that were sent to the customer of a sale.
    #[must_use]
    pub fn confirmations(merchant: &MerchantId, sale: &SaleId) -> Self {
        Self(format!("confirmations:{merchant}:{sale}"))
    }

    /// A lane of messages to customers.
    #[must_use]
    pub fn outbox(lane: u8) -> Self {
        Self(format!("outbox:{lane:02}"))
    }

    /// What nobody but this deployment may know.
    #[must_use]
    pub fn secret(of: &str) -> Self {
        Self(format!("secret:{of}"))
    }

    /// What is personal about one payment.
    #[must_use]
    pub fn personal(merchant: &MerchantId, sale: &SaleId) -> Self {
        Self(format!("personal:{merchant}:{sale}"))
    }

    /// Evidence, by its content.
    #[must_use]
    pub fn evidence(merchant: &MerchantId, content: &Digest) -> Self {
        Self(format!("evidence:{merchant}:{content}"))
    }

    /// A part of evidence: bytes, no record.
    #[must_use]
    pub fn evidence_part(merchant: &MerchantId, content: &Digest, part: &Digest) -> Self {
        Self(format!("evidence-part:{merchant}:{content}:{part}"))
    }

    /// What is published of a line of bundles.
    #[must_use]
    pub fn bundles(name: &str) -> Self {
        Self(format!("bundles:{}", hashed(name)))
    }

    /// A part of a bundle: bytes, no record.
    #[must_use]
    pub fn bundle_part(upload: &str, number: u32) -> Self {
        Self(format!("bundle-part:{upload}:{number:04}"))
    }

    /// How far payments of the first format were looked through for those that nobody knows of.
    #[must_use]
    pub fn unheard() -> Self {
        Self("unheard".to_owned())
    }

    /// How far all merchants' checkpoints are.
    #[must_use]
    pub fn checkpoint_round() -> Self {
        Self("checkpoints".to_owned())
    }

    /// How far a merchant's feed is in checkpoints, and the one that is being made.
    #[must_use]
    pub fn checkpoint_work(merchant: &MerchantId) -> Self {
        Self(format!("checkpoint-work:{merchant}"))
    }

    /// One checkpoint of a merchant's.
    #[must_use]
    pub fn checkpoint(merchant: &MerchantId, number: u64) -> Self {
        Self(format!("checkpoint:{merchant}:{number:010}"))
    }

    /// The heads of a page, by the root of their tree.
    #[must_use]
    pub fn checkpoint_page(merchant: &MerchantId, root: &str) -> Self {
        Self(format!("checkpoint-page:{merchant}:{root}"))
    }

    /// The pages of a volume, by the root of their tree.
    #[must_use]
    pub fn checkpoint_volume(merchant: &MerchantId, root: &str) -> Self {
        Self(format!("checkpoint-volume:{merchant}:{root}"))
    }

    /// How far retention got.
    #[must_use]
    pub fn retention() -> Self {
        Self("retain".to_owned())
    }

    /// What ends on a day, counted from the Unix epoch.
    #[must_use]
    pub fn retention_day(day: i64) -> Self {
        Self(format!("retain:{day}"))
    }

    /// What the last tick saw.
    #[must_use]
    pub fn gauges() -> Self {
        Self("gauges".to_owned())
    }

    /// A page of a list.
    #[must_use]
    pub fn page(&self, number: u64) -> Self {
        Self(format!("{}:p{number:08}", self.0))
    }

    /// The hint at the last page of a list.
    #[must_use]
    pub fn tail(&self) -> Self {
        Self(format!("{}:tail", self.0))
    }
}
