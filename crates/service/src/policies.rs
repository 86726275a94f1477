//! Policies as stored: documents by content hash, never changed, and the versions of a name, each one document for ever.
//! What a name stands for at an instant is in `activation`.

use crate::activation::{Activation, Activations};
use crate::app::App;
use crate::directory::Listed;
use crate::error::Error;
use crate::ports::{Policy as _, Ports};
use crate::principal::Principal;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::list::{Entry, Position};
use rescind_model::{Digest, Instant, PolicyIdentity};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Who installs what the host has in its folder of packs.
pub(crate) const DEPLOYMENT: &str = "deployment";

/// A policy that decides, and the candidate beside it.
pub(crate) struct Deciding<P> {
    /// What decides.
    pub(crate) policy: Arc<P>,
    /// What would, if it were in force: counts are gathered for it too.
    pub(crate) candidate: Option<Arc<P>>,
}

/// A compiled document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// The canonical form. It is text (JSON), kept as such so that its hash is that of the very bytes.
    pub canonical: String,
}

impl Record for PolicyDocument {
    const FORMAT: &'static str = "policy/1";
    fn holds(&self, id: &str) -> bool {
        Digest::of(self.canonical.as_bytes()).as_str() == id
    }
}

/// When a document may be in force, by what it says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effective {
    /// From this instant on. Absent: since ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Instant>,
    /// Until before this instant. Absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
}

impl Effective {
    /// Whether it may be in force at an instant.
    #[must_use]
    pub fn holds_at(&self, at: Instant) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

impl PolicyDocument {
    /// When it may be in force: its local dates `effective`, in its time zone.
    ///
    /// # Errors
    /// What cannot be read. A document that was loaded has nothing of that kind.
    fn effective(&self) -> Result<Effective, Error> {
        let document: serde_json::Value =
            serde_json::from_str(&self.canonical).map_err(|e| Error::Internal(format!("a policy document: {e}")))?;
        let zone = document.get("time-zone").and_then(serde_json::Value::as_str).unwrap_or("+00:00");
        let bound = |name: &str| {
            let date = document.get("effective").and_then(|effective| effective.get(name));
            let begins = date.and_then(serde_json::Value::as_str).map(|date| format!("{date}T00:00:00{zone}"));
            begins.map(|text| Instant::parse(&text)).transpose()
        };
        let wrong = |e: rescind_model::time::TimeError| Error::Internal(format!("when a policy is effective: {e}"));
        Ok(Effective { from: bound("from").map_err(wrong)?, until: bound("until").map_err(wrong)? })
    }

    /// The roles it names, wherever: of operators, of those whose approval counts, of those it passes to.
    pub(crate) fn roles(&self) -> Vec<String> {
        let document: serde_json::Value = serde_json::from_str(&self.canonical).unwrap_or_default();
        let mut roles = Vec::new();
        let mut rest = vec![&document];
        while let Some(value) = rest.pop() {
            match value {
                serde_json::Value::Array(items) => rest.extend(items),
                serde_json::Value::Object(fields) => {
                    for (name, value) in fields {
                        if name == "roles" || name == "operator-roles" {
                            let named = value.as_array().into_iter().flatten();
                            roles.extend(named.filter_map(|role| role.as_str().map(str::to_owned)));
                        } else {
                            rest.push(value);
                        }
                    }
                }
                _ => {}
            }
        }
        roles.sort_unstable();
        roles.dedup();
        roles
    }
}

/// One version of a policy: the same document for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyVersion {
    /// The name, as the document says it.
    pub name: String,
    /// Its author's version.
    pub version: String,
    /// The document.
    pub hash: Digest,
    /// When it may be in force.
    #[serde(default)]
    pub effective: Effective,
    /// The key with which it was installed; `deployment` where the host did.
    pub by: String,
    /// When.
    pub at: Instant,
}

impl Record for PolicyVersion {
    const FORMAT: &'static str = "policy-version/1";
    fn holds(&self, id: &str) -> bool {
        self.hash.as_str() == id
    }
}

impl PolicyVersion {
    /// The identity that its decisions carry.
    #[must_use]
    pub fn identity(&self) -> PolicyIdentity {
        PolicyIdentity { name: self.name.clone(), version: self.version.clone(), hash: self.hash.clone() }
    }
}

impl<P: Ports> App<P> {
    /// Installs a compiled policy without putting it in force. It is loaded first: one that cannot be loaded is refused. The
    /// same again is harmless.
    ///
    /// # Errors
    /// Not an admin; the document is refused; it has another name; [`Error::Conflict`] `policy.version-taken` if that version
    /// has another content.
    pub async fn install_policy(&self, who: &Principal, name: &str, canonical: &[u8]) -> Result<PolicyVersion, Error> {
        who.require_admin()?;
        self.install(&who.key, name, canonical).await
    }

    /// Installs a compiled policy and puts it in force at once.
    ///
    /// # Errors
    /// As [`App::install_policy`]; [`Error::Conflict`] `policy.not-effective` outside the document's own dates.
    pub async fn install_and_activate(
        &self,
        who: &Principal,
        name: &str,
        canonical: &[u8],
    ) -> Result<PolicyVersion, Error> {
        who.require_admin()?;
        let version = self.install(&who.key, name, canonical).await?;
        let now = self.ports.now();
        if !version.effective.holds_at(now) {
            return Err(crate::activation::not_effective(&version));
        }
        let in_force = self.activations(name).await?.and_then(|a| a.at(now).next().map(|a| a.hash.clone()));
        if in_force.as_ref() != Some(&version.hash) {
            let id = self.random_hex(32);
            self.put_in_force(name, &Activation::of(id, &version, now, &who.key, now)).await?;
        }
        Ok(version)
    }

    /// Installs a compiled policy and puts it in force, for the host that provisions its own store: at once, or from the day
    /// on which the document says that it begins. What was put in force before is not put in force again: what was chosen
    /// since over the API stays chosen.
    ///
    /// # Errors
    /// The document is refused; it has another name; that version has another content; the store's.
    pub async fn put_policy(&self, name: &str, canonical: &[u8]) -> Result<PolicyIdentity, Error> {
        let version = self.install(DEPLOYMENT, name, canonical).await?;
        let now = self.ports.now();
        let known = self.activations(name).await?.is_some_and(|a| a.list.iter().any(|a| a.hash == version.hash));
        let from = version.effective.from.map_or(now, |from| from.max(now));
        if !version.effective.holds_at(from) {
            self.ports.log(&format!("policy {name} {} is not put in force: its time is over", version.version));
        } else if !known {
            let id = self.random_hex(32);
            self.put_in_force(name, &Activation::of(id, &version, from, DEPLOYMENT, now)).await?;
        }
        Ok(version.identity())
    }

    async fn install(&self, by: &str, name: &str, canonical: &[u8]) -> Result<PolicyVersion, Error> {
        let refused = |message: String| Error::Invalid { field: String::new(), message };
        let text =
            core::str::from_utf8(canonical).map_err(|_| refused("a compiled policy is UTF-8 text".to_owned()))?;
        let hash = Digest::of(canonical);
        let policy = self
            .ports
            .load_policy(hash.as_str(), canonical)
            .map_err(|e| refused(format!("{}: {}", e.code, e.message)))?;
        let identity = policy.identity();
        if identity.name != name {
            return Err(refused(format!("expected a policy named {name:?}, found {:?}", identity.name)));
        }
        let document = PolicyDocument { canonical: text.to_owned() };
        let version = PolicyVersion {
            name: identity.name,
            version: identity.version,
            hash: hash.clone(),
            effective: document.effective()?,
            by: by.to_owned(),
            at: self.ports.now(),
        };
        self.keep_version(document, version).await
    }

    /// The document first, then the version that names it, then the lists: whoever finds a version finds its document.
    async fn keep_version(&self, document: PolicyDocument, version: PolicyVersion) -> Result<PolicyVersion, Error> {
        let taken = || Error::Conflict {
            code: "policy.version-taken",
            message: format!(
                "version {:?} of {:?} has another content: what was once installed never changes, so give it a version of its own",
                version.version, version.name
            ),
        };
        let records = self.records().await?;
        let unique = self.unique();
        // Of a store that an earlier release wrote, only what is in force is known.
        let before = self.activations(&version.name).await?;
        if before.is_some_and(|a| a.list.iter().any(|a| a.version == version.version && a.hash != version.hash)) {
            return Err(taken());
        }
        let hash = version.hash.clone();
        records
            .update::<PolicyDocument, _, _>(&Key::policy(&hash), hash.as_str(), unique, |there| {
                Ok((there.is_none().then(|| document.clone()), ()))
            })
            .await?;
        let key = Key::policy_version(&version.name, &version.version);
        let kept = records
            .update::<PolicyVersion, _, _>(&key, hash.as_str(), unique, |there| match there {
                None => Ok((Some(version.clone()), version.clone())),
                Some(same) if same.hash == version.hash => Ok((None, same.clone())),
                Some(_) => Err(taken()),
            })
            .await?;
        let entry = |id: &str| Entry { id: id.to_owned(), at: String::new() };
        records.append(&Key::policy_versions(&kept.name), &entry(&kept.version), unique).await?;
        records.append(&Key::directory("policies"), &entry(&kept.name), unique).await?;
        Ok(kept)
    }

    /// A version of a policy.
    ///
    /// # Errors
    /// [`Error::NotFound`], or the store's.
    pub async fn policy_version(&self, name: &str, version: &str) -> Result<PolicyVersion, Error> {
        let key = Key::policy_version(name, version);
        if let Some(kept) = self.records().await?.read::<PolicyVersion>(&key).await? {
            return Ok(kept);
        }
        // What an earlier release put in force has no record of its own.
        let before = self.activations(name).await?.and_then(|a| a.list.into_iter().find(|a| a.version == version));
        let before = before.ok_or(Error::NotFound("policy version"))?;
        let effective = self.policy_document(&before.hash).await?.effective()?;
        let Activation { version, hash, by, at, .. } = before;
        Ok(PolicyVersion { name: name.to_owned(), version, hash, effective, by, at })
    }

    /// The canonical document of a version, byte for byte.
    ///
    /// # Errors
    /// As [`App::policy_version`].
    pub async fn canonical_of(&self, name: &str, version: &str) -> Result<(PolicyVersion, String), Error> {
        let version = self.policy_version(name, version).await?;
        let document = self.policy_document(&version.hash).await?;
        Ok((version, document.canonical))
    }

    /// The versions of a policy in the order they were installed.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a name without any; a position that is not one.
    pub async fn list_versions(
        &self,
        _who: &Principal,
        name: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listed<PolicyVersion>, Error> {
        let list = Key::policy_versions(name);
        let listed = self.listed(&list, after, limit, |version| Some(Key::policy_version(name, version))).await?;
        if listed.items.is_empty() && after.is_none() && self.activations(name).await?.is_none() {
            return Err(Error::NotFound("policy"));
        }
        Ok(listed)
    }

    /// The policies in force.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_policies(&self, _who: &Principal) -> Result<Vec<PolicyIdentity>, Error> {
        let now = self.ports.now();
        let mut identities: Vec<PolicyIdentity> = Vec::new();
        for name in self.policy_names().await? {
            let known: Option<Activations> = self.activations(&name).await?;
            if let Some(active) = known.as_ref().and_then(|a| a.at(now).next()) {
                identities.push(PolicyIdentity { name, version: active.version.clone(), hash: active.hash.clone() });
            }
        }
        Ok(identities)
    }

    /// The names under which policies were installed, the first [`crate::limits::LIST_LIMIT`].
    pub(crate) async fn policy_names(&self) -> Result<Vec<String>, Error> {
        let records = self.records().await?;
        let slice = records.slice(&Key::directory("policies"), Position::START, crate::limits::LIST_LIMIT).await?;
        let mut names: Vec<String> = slice.entries.into_iter().map(|(_, entry)| entry.id).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// One page of a directory list, read through to the records it names.
    pub(crate) async fn listed<T: Record>(
        &self,
        list: &Key,
        after: Option<&str>,
        limit: usize,
        key: impl Fn(&str) -> Option<Key> + Send + Sync,
    ) -> Result<Listed<T>, Error> {
        let records = self.records().await?;
        let from = after.map_or(Ok(Position::START), Position::parse)?;
        let slice = records.slice(list, from, limit.clamp(1, crate::limits::LIST_LIMIT)).await?;
        let mut items = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        let mut last = from;
        for (position, entry) in slice.entries {
            last = position;
            if seen.contains(&entry.id) {
                continue;
            }
            if let Some(key) = key(&entry.id)
                && let Some(item) = records.read::<T>(&key).await?
            {
                items.push(item);
            }
            seen.push(entry.id);
        }
        Ok(Listed { items, next: slice.more.then(|| last.to_string()) })
    }
}
