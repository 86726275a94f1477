//! Who sees what of personal data: one table, applied to every answer. What nobody put a lens on shows nothing personal:
//! a view is masked until [`App::lens`] says whose eyes it is for.
//!
//! Logs, the feed, webhooks, and answers that are kept under an idempotency key are for nobody's eyes in particular: they
//! carry commitments and masked values, never texts.

use crate::app::App;
use crate::error::Error;
use crate::personal::{Kept, Kind, PersonalRecord};
use crate::ports::Ports;
use crate::principal::{Bearer, Principal};
use crate::sale::Aggregate;
use crate::store::key::Key;
use rescind_model::{Digest, MerchantId, RefundId};
use std::collections::BTreeMap;

/// How much is seen of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// That it is there.
    Hidden,
    /// Enough to recognise it.
    Masked,
    /// All of it.
    Full,
}

/// What somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eyes {
    /// Notes.
    pub note: Sight,
    /// What reviewers ask: whoever stands at the till may have to answer.
    pub question: Sight,
    /// How the customer is reached.
    pub contact: Sight,
    /// What stands for the payer.
    pub payer: Sight,
}

impl Eyes {
    /// What those see who are nobody in particular: terminals, admins, roles that only a policy knows, the log.
    pub const NOBODY: Self = Self { question: Sight::Hidden, ..eyes(Sight::Hidden, Sight::Masked, Sight::Masked) };

    /// What somebody sees at a merchant. Of several roles, each adds what it sees.
    #[must_use]
    pub fn of(who: &Principal, merchant: &MerchantId) -> Self {
        match &who.bearer {
            // The operator of Rescind sets things up; that needs nobody's telephone number.
            Bearer::Admin => Self::NOBODY,
            Bearer::Terminal { .. } => Self { question: Sight::Full, ..Self::NOBODY },
            // The merchant's own back office, which gave the data.
            Bearer::System { .. } => eyes(Sight::Full, Sight::Full, Sight::Full),
            Bearer::Person { .. } => {
                let roles = who.roles_at(merchant);
                let held = ROLES.iter().filter(|(role, _)| roles.iter().any(|r| r.as_str() == *role));
                held.fold(Self::NOBODY, |all, (_, seen)| Self {
                    note: all.note.max(seen.note),
                    question: all.question.max(seen.question),
                    contact: all.contact.max(seen.contact),
                    payer: all.payer.max(seen.payer),
                })
            }
        }
    }
}

const fn eyes(note: Sight, contact: Sight, payer: Sight) -> Eyes {
    Eyes { note, question: Sight::Full, contact, payer }
}

/// The table: role, and what it sees of notes, contacts, payer tokens. Each of them sees questions.
const ROLES: [(&str, Eyes); 8] = [
    ("cashier", eyes(Sight::Hidden, Sight::Masked, Sight::Masked)),
    // Approves what fits the till, and has to know what for.
    ("supervisor", eyes(Sight::Full, Sight::Masked, Sight::Masked)),
    ("reviewer", eyes(Sight::Full, Sight::Full, Sight::Full)),
    ("manager", eyes(Sight::Full, Sight::Full, Sight::Full)),
    ("finance", eyes(Sight::Full, Sight::Full, Sight::Full)),
    ("support", eyes(Sight::Full, Sight::Full, Sight::Full)),
    ("compliance", eyes(Sight::Full, Sight::Full, Sight::Full)),
    // Follows what was done and why; calls nobody.
    ("auditor", eyes(Sight::Full, Sight::Masked, Sight::Full)),
];

/// A text as one with this sight sees it.
#[must_use]
pub fn seen(sight: Sight, kind: Kind, text: &str) -> Option<String> {
    match sight {
        Sight::Full => Some(text.to_owned()),
        Sight::Hidden => None,
        Sight::Masked => match kind {
            Kind::Note | Kind::Question => None,
            Kind::Phone => Some(phone(text)),
            Kind::Email => Some(email(text)),
            Kind::App => Some(ends(text, 2, 0)),
        },
    }
}

/// `138****5678`.
fn phone(text: &str) -> String {
    ends(text.strip_prefix("+86").unwrap_or(text), 3, 4)
}

/// `a***@b.c`.
fn email(text: &str) -> String {
    let (name, domain) = text.rsplit_once('@').unwrap_or((text, ""));
    let first: String = name.chars().take(1).collect();
    format!("{first}***@{domain}")
}

/// A token that stands for the payer: its last four characters, enough to compare two by eye.
#[must_use]
pub fn payer(sight: Sight, token: &str) -> String {
    if sight == Sight::Full { token.to_owned() } else { ends(token, 0, 4) }
}

/// The ends of a text, if at least three characters between them stay hidden.
fn ends(text: &str, first: usize, last: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() < first.saturating_add(last).saturating_add(3) {
        return "****".to_owned();
    }
    let head: String = chars.iter().take(first).collect();
    let tail: String = chars.iter().skip(chars.len().saturating_sub(last)).collect();
    format!("{head}****{tail}")
}

/// What is personal about one payment, as somebody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lens {
    eyes: Eyes,
    record: PersonalRecord,
    old_notes: BTreeMap<RefundId, String>,
    stored: BTreeMap<String, bool>,
}

/// A text behind a commitment, as somebody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glimpse {
    /// What it is.
    pub kind: Option<Kind>,
    /// The text, whole or masked; absent if it is not for these eyes.
    pub text: Option<String>,
    /// Whether it is gone.
    pub erased: bool,
}

impl Lens {
    /// What its holder sees.
    #[must_use]
    pub fn eyes(&self) -> Eyes {
        self.eyes
    }

    /// What a commitment stands for.
    #[must_use]
    pub fn look(&self, commitment: &Digest) -> Glimpse {
        match self.record.find(commitment) {
            Some((kind, Kept::Text { text, .. })) => {
                let sight = match kind {
                    Kind::Note => self.eyes.note,
                    Kind::Question => self.eyes.question,
                    Kind::Phone | Kind::Email | Kind::App => self.eyes.contact,
                };
                Glimpse { kind: Some(kind), text: seen(sight, kind, text), erased: false }
            }
            Some((kind, Kept::Erased { .. })) => Glimpse { kind: Some(kind), text: None, erased: true },
            None => Glimpse { kind: None, text: None, erased: true },
        }
    }

    /// The note of a refund from before there were commitments.
    #[must_use]
    pub fn old_note(&self, refund: &RefundId) -> Option<Glimpse> {
        let text = self.old_notes.get(refund)?;
        Some(Glimpse { kind: Some(Kind::Note), text: seen(self.eyes.note, Kind::Note, text), erased: false })
    }

    /// Whether evidence is stored here; `None` if that was not looked up.
    #[must_use]
    pub fn is_stored(&self, content: &Digest) -> Option<bool> {
        self.stored.get(content.as_str()).copied()
    }
}

impl<P: Ports> App<P> {
    /// What somebody sees of a payment's personal data. Reads nothing where there is none.
    ///
    /// # Errors
    /// The store's.
    pub async fn lens(&self, who: &Principal, merchant: &MerchantId, aggregate: &Aggregate) -> Result<Lens, Error> {
        let sale = &aggregate.ledger.sale.id;
        let record = if crate::personal::commitments(&aggregate.ledger).is_empty() {
            PersonalRecord::default()
        } else {
            self.records().await?.read::<PersonalRecord>(&Key::personal(merchant, sale)).await?.unwrap_or_default()
        };
        let old_notes = aggregate.notes.iter().map(|n| (n.refund.clone(), n.text.clone())).collect();
        Ok(Lens { eyes: Eyes::of(who, merchant), record, old_notes, stored: BTreeMap::new() })
    }

    /// The same, knowing also which of the evidence that these name is stored.
    ///
    /// # Errors
    /// The store's.
    pub async fn lens_with_evidence(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        aggregate: &Aggregate,
        named: Vec<Digest>,
    ) -> Result<Lens, Error> {
        let mut lens = self.lens(who, merchant, aggregate).await?;
        for content in named {
            if !lens.stored.contains_key(content.as_str()) {
                let there = self.is_evidence_stored(merchant, &content).await?;
                lens.stored.insert(content.hex, there);
            }
        }
        Ok(lens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::{Grant, ROLES as KNOWN};
    use rescind_model::{PersonId, Role};

    #[test]
    fn enough_is_seen_to_recognise_and_too_little_to_use() {
        for (kind, text, masked) in [
            (Kind::Phone, "+8613812345678", "138****5678"),
            (Kind::Phone, "13812345678", "138****5678"),
            (Kind::Phone, "+4915112345678", "+49****5678"),
            (Kind::Phone, "12345", "****"),
            (Kind::Email, "anna@example.com", "a***@example.com"),
            (Kind::App, "wx_18273645", "wx****"),
            (Kind::App, "wx", "****"),
        ] {
            assert_eq!(seen(Sight::Masked, kind, text).as_deref(), Some(masked), "{text}");
            assert_eq!(seen(Sight::Full, kind, text).as_deref(), Some(text));
            assert_eq!(seen(Sight::Hidden, kind, text), None);
        }
        assert_eq!(seen(Sight::Masked, Kind::Note, "anything"), None);
        assert_eq!(payer(Sight::Masked, "9f86d081884c7d65"), "****7d65");
        assert_eq!(payer(Sight::Masked, "abcdef"), "****");
    }

    #[test]
    fn every_known_role_is_in_the_table_and_an_unknown_one_sees_nothing() {
        for role in KNOWN {
            assert!(ROLES.iter().any(|(known, _)| *known == role), "{role}");
        }
        let merchant = MerchantId::parse("M-1").unwrap();
        let person = |roles: &[&str]| Principal {
            key: "k".to_owned(),
            bearer: Bearer::Person { person: PersonId::parse("p").unwrap() },
            grants: vec![Grant {
                merchant: merchant.clone(),
                roles: roles.iter().map(|r| Role::parse(r).unwrap()).collect(),
            }],
        };
        assert_eq!(Eyes::of(&person(&["area-lead"]), &merchant), Eyes::NOBODY);
        assert_eq!(Eyes::of(&person(&[]), &merchant), Eyes::NOBODY);
        let both = Eyes::of(&person(&["cashier", "auditor"]), &merchant);
        assert_eq!(both, eyes(Sight::Full, Sight::Masked, Sight::Full));
        let elsewhere = MerchantId::parse("M-2").unwrap();
        assert_eq!(Eyes::of(&person(&["manager"]), &elsewhere), Eyes::NOBODY);
    }
}
