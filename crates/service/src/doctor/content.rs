//! What is named by what is in it: decisions, policies, evidence, personal texts, bundles.

use super::finding::Code;
use super::repair::Repair;
use super::shelf::{Listed, short};
use super::walk::Walk;
use crate::activation::Activations;
use crate::bundle::{Line, Upload};
use crate::error::Error;
use crate::evidence::Piece;
use crate::personal::{Kept, PersonalRecord};
use crate::policies::{PolicyDocument, PolicyVersion};
use crate::retention::Progress;
use crate::sale::Aggregate;
use crate::secret::{bytes_of, hex_of};
use crate::store::key::Key;
use crate::store::list::Page;
use rescind_model::record::{DecisionRecord, WaysRecord, ways_digest};
use rescind_model::{Digest, MerchantId, SaleId, commitment};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What a record's name begins with where all ways were asked for at once.
const WAYS: &str = "w-";

/// What is remembered of contents.
#[derive(Default)]
pub(super) struct Contents {
    /// Decisions that no list named so far.
    unlisted: HashSet<u128>,
    /// Policies that were looked for, and whether they are there.
    policies: BTreeMap<String, bool>,
    /// Uploads of bundles that a record names.
    uploads: BTreeSet<String>,
    /// The first day on which what goes has not gone.
    pub(super) retained_from: Option<i64>,
}

/// The SHA-256 of some parts, put together.
fn whole(parts: &[Vec<u8>]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hex_of(&hash.finalize())
}

impl<K: Listed> Walk<'_, '_, K> {
    /// Which uploads the records of bundles name, and how far retention got.
    pub(super) async fn read_uploads(&mut self) -> Result<(), Error> {
        self.contents.retained_from = self.shelf.read::<Progress>(&Key::retention()).await?.map(|there| there.day);
        self.again::<Line>("bundles:", |this, _, line| {
            let published = line.published.iter().map(|published| published.upload.id.clone());
            this.contents.uploads.extend(published);
            this.contents.uploads.extend(line.leaving.iter().map(|leaving| leaving.upload.id.clone()));
        })
        .await
    }

    /// Whether a policy is there.
    async fn is_policy(&mut self, hash: &Digest) -> Result<bool, Error> {
        if let Some(known) = self.contents.policies.get(hash.as_str()) {
            return Ok(*known);
        }
        let there = self.shelf.has(&Key::policy(hash)).await?;
        self.contents.policies.insert(hash.to_string(), there);
        Ok(there)
    }

    async fn needs_policy(&mut self, key: &str, hash: &Digest) -> Result<(), Error> {
        if !self.is_policy(hash).await? {
            self.found(Code::PolicyMissing, key, format!("there is no policy {hash}"));
        }
        Ok(())
    }

    pub(super) async fn decision(&mut self, key: &str, merchant: &str, id: &str, bytes: &[u8]) -> Result<(), Error> {
        self.contents.unlisted.insert(short(&[merchant, id]));
        let (stored, made, policy) = if id.starts_with(WAYS) {
            let Some(there) = self.fitting::<WaysRecord>(key, bytes, |there| Key::decision(&there.merchant, &there.id))
            else {
                return Ok(());
            };
            (there.input_digest, ways_digest(&there.facts, there.amount.as_ref()), there.policy)
        } else {
            let read = self.fitting::<DecisionRecord>(key, bytes, |there| Key::decision(&there.merchant, &there.id));
            let Some(there) = read else { return Ok(()) };
            (there.input_digest, there.input.digest(), there.policy)
        };
        if stored != made {
            self.found(Code::DecisionDigest, key, format!("it says {stored}, and its input is {made}"));
        }
        self.needs_policy(key, &policy.hash).await
    }

    pub(super) async fn listed_decisions(
        &mut self,
        key: &str,
        name: &str,
        merchant: &str,
        page: &Page,
    ) -> Result<(), Error> {
        for entry in &page.entries {
            if self.contents.unlisted.remove(&short(&[merchant, &entry.id])) {
                continue;
            }
            // Once their time is over, decisions go before the page that names them.
            if !self.is_going(name).await? {
                self.found(Code::DecisionMissing, key, format!("{} is listed and not there", entry.id));
            }
        }
        Ok(())
    }

    /// Whether a list of decisions is being worked off by retention.
    async fn is_going(&self, list: &str) -> Result<bool, Error> {
        let Some(day) = self.contents.retained_from else { return Ok(false) };
        // As `retention` names it: the lane without a leading zero.
        let Some((rest, lane)) = list.rsplit_once(':') else { return Ok(false) };
        let lane = lane.parse::<u8>().map_or_else(|_| lane.to_owned(), |lane| lane.to_string());
        self.is_listed(&Key::retention_day(day), &format!("{rest}:{lane}")).await
    }

    /// Decisions that no list names: those that nothing rests on go.
    pub(super) async fn name_unlisted_decisions(&mut self) -> Result<(), Error> {
        if self.contents.unlisted.is_empty() {
            return Ok(());
        }
        let mut unlisted: Vec<(String, MerchantId, Option<SaleId>, String)> = Vec::new();
        let mut remember = |this: &mut Self, key: &str, merchant: MerchantId, sale: Option<SaleId>, id: String| {
            if this.contents.unlisted.contains(&short(&[merchant.as_str(), &id])) {
                unlisted.push((key.to_owned(), merchant, sale, id));
            }
        };
        self.again::<DecisionRecord>("decision:", |this, key, there| {
            remember(this, key, there.merchant, Some(there.sale), there.id);
        })
        .await?;
        self.again::<WaysRecord>("decision:", |this, key, there| remember(this, key, there.merchant, None, there.id))
            .await?;
        for (key, merchant, sale, id) in unlisted {
            let aggregate = match &sale {
                Some(sale) => self.shelf.read::<Aggregate>(&Key::sale(&merchant, sale)).await?,
                None => None,
            };
            let ledger =
                serde_json::to_string(&aggregate.map(|a| a.ledger)).map_err(|e| Error::Internal(e.to_string()))?;
            if ledger.contains(&format!("\"{id}\"")) {
                self.found(Code::DecisionMissing, &key, "an operation rests on it, and no list names it");
            } else {
                let repair = Repair::Remove { key: Key::met(&key) };
                self.mend(Code::DecisionUnlisted, &key, "no list names it, and nothing rests on it", vec![repair]);
            }
        }
        Ok(())
    }

    pub(super) fn policy(&mut self, key: &str, hash: &str, bytes: &[u8]) {
        let Some((there, _)) = self.decode::<PolicyDocument>(key, bytes) else { return };
        let made = Digest::of(there.canonical.as_bytes());
        if made.as_str() != hash {
            self.found(Code::PolicyContent, key, format!("its content is {made}"));
        }
    }

    pub(super) async fn activations(&mut self, key: &str, bytes: &[u8]) -> Result<(), Error> {
        let Some(there) = self.fitting::<Activations>(key, bytes, |there| Key::policy_name(&there.name)) else {
            return Ok(());
        };
        let candidate = there.candidate.as_ref().map(|candidate| &candidate.hash);
        for hash in there.list.iter().map(|activation| &activation.hash).chain(candidate) {
            self.needs_policy(key, hash).await?;
        }
        Ok(())
    }

    pub(super) async fn policy_version(&mut self, key: &str, bytes: &[u8]) -> Result<(), Error> {
        let fits = |there: &PolicyVersion| Key::policy_version(&there.name, &there.version);
        match self.fitting::<PolicyVersion>(key, bytes, fits) {
            Some(there) => self.needs_policy(key, &there.hash).await,
            None => Ok(()),
        }
    }

    pub(super) async fn evidence(
        &mut self,
        key: &str,
        merchant: &str,
        content: &str,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let Ok(of) = MerchantId::parse(merchant) else { return Ok(()) };
        let Some(piece) = self.fitting::<Piece>(key, bytes, |there| Key::evidence(&of, &there.content)) else {
            return Ok(());
        };
        if piece.erased.is_some() {
            return Ok(());
        }
        let mut parts = Vec::new();
        for part in &piece.parts {
            match self.shelf.raw(Key::evidence_part(&of, &piece.content, part).as_str()).await? {
                Some(bytes) => parts.push(bytes),
                None => self.found(Code::EvidenceMissing, key, format!("part {part} is not there")),
            }
        }
        let made = whole(&parts);
        if parts.len() == piece.parts.len() && made != content {
            self.found(Code::EvidenceContent, key, format!("its parts are {made}"));
        }
        Ok(())
    }

    /// A part of evidence: bytes under the name that is their digest.
    pub(super) async fn evidence_part(&mut self, key: &str, bytes: &[u8]) -> Result<(), Error> {
        let parts: Vec<&str> = key.split(':').collect();
        let [_, merchant, content, part] = parts.as_slice() else {
            self.found(Code::KeyUnknown, key, "it is no part of evidence");
            return Ok(());
        };
        let made = Digest::of(bytes);
        if made.as_str() != *part {
            self.found(Code::EvidenceContent, key, format!("its content is {made}"));
        }
        let (Ok(merchant), Ok(content), Ok(part)) =
            (MerchantId::parse(merchant), Digest::parse(content), Digest::parse(part))
        else {
            return Ok(());
        };
        let piece = self.shelf.read::<Piece>(&Key::evidence(&merchant, &content)).await?;
        if !piece.is_some_and(|piece| piece.erased.is_none() && piece.parts.contains(&part)) {
            self.found(Code::EvidenceWaiting, key, "no piece names it: it goes when its day is over");
        }
        Ok(())
    }

    pub(super) fn personal(&mut self, key: &str, merchant: &str, sale: &str, bytes: &[u8]) {
        let Some((there, _)) = self.decode::<PersonalRecord>(key, bytes) else { return };
        for (index, item) in there.items.iter().enumerate() {
            let Kept::Text { salt, text } = &item.kept else { continue };
            let made = bytes_of::<32>(salt.as_str()).map(|salt| commitment::of(&salt, item.kind.word(), text));
            if made.as_ref() != Some(&item.commitment) {
                // Never the text itself.
                let what = format!("text {index} of {merchant}/{sale} is not what its commitment says");
                self.found(Code::PersonalCommitment, key, what);
            }
        }
    }

    pub(super) async fn bundles(&mut self, key: &str, bytes: &[u8]) -> Result<(), Error> {
        let Some(line) = self.fitting::<Line>(key, bytes, |there| Key::bundles(&there.name)) else { return Ok(()) };
        for published in &line.published {
            let Upload { id, parts: count } = &published.upload;
            let mut parts = Vec::new();
            for number in 0..*count {
                parts.extend(self.shelf.raw(Key::bundle_part(id, number).as_str()).await?);
            }
            let made = whole(&parts);
            if made != published.content.as_str() {
                let what = format!("version {} for {} is {made}", published.version, published.target);
                self.found(Code::BundleContent, key, what);
            }
        }
        Ok(())
    }

    pub(super) fn bundle_part(&mut self, key: &str) {
        let upload = key.split(':').nth(1).unwrap_or_default();
        if !self.contents.uploads.contains(upload) {
            let repair = Repair::Delete { key: key.to_owned() };
            self.mend(Code::BundleLeft, key, format!("no record names the upload {upload}"), vec![repair]);
        }
    }
}
