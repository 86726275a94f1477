//! Policies as stored: documents by content hash, never changed; names that stand for one of them.

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

impl PolicyDocument {
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

/// Which document a name stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivePolicy {
    /// The name, as the document says it.
    pub name: String,
    /// Its author's version.
    pub version: String,
    /// The document.
    pub hash: Digest,
    /// Since when.
    pub since: Instant,
}

impl Record for ActivePolicy {
    const FORMAT: &'static str = "active-policy/1";
    fn holds(&self, id: &str) -> bool {
        self.hash.as_str() == id
    }
}

impl<P: Ports> App<P> {
    /// Puts a compiled policy in force under its name. It is loaded first: one that cannot be loaded replaces nothing.
    ///
    /// # Errors
    /// Not an admin; the document is refused; it has another name.
    pub async fn install_policy(&self, who: &Principal, name: &str, canonical: &[u8]) -> Result<PolicyIdentity, Error> {
        who.require_admin()?;
        self.put_policy(name, canonical).await
    }

    /// As [`App::install_policy`], for the host that provisions its own store.
    ///
    /// # Errors
    /// The document is refused; it has another name; the store's.
    pub async fn put_policy(&self, name: &str, canonical: &[u8]) -> Result<PolicyIdentity, Error> {
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
        let records = self.records().await?;
        let unique = self.unique();
        records
            .update::<PolicyDocument, _, _>(&Key::policy(&hash), hash.as_str(), unique, |there| {
                Ok((there.is_none().then(|| PolicyDocument { canonical: text.to_owned() }), ()))
            })
            .await?;
        let since = self.ports.now();
        records
            .update::<ActivePolicy, _, _>(&Key::policy_name(name), hash.as_str(), unique, |there| {
                let active = ActivePolicy {
                    name: name.to_owned(),
                    version: identity.version.clone(),
                    hash: hash.clone(),
                    since,
                };
                Ok((there.is_none_or(|t| t.hash != hash).then_some(active), ()))
            })
            .await?;
        let entry = Entry { id: name.to_owned(), at: String::new() };
        records.append(&Key::directory("policies"), &entry, unique).await?;
        Ok(identity)
    }

    /// The policies in force.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_policies(&self, _who: &Principal) -> Result<Vec<PolicyIdentity>, Error> {
        let records = self.records().await?;
        let slice = records.slice(&Key::directory("policies"), Position::START, crate::limits::LIST_LIMIT).await?;
        let mut identities: Vec<PolicyIdentity> = Vec::new();
        for (_, entry) in slice.entries {
            if let Some(active) = records.read::<ActivePolicy>(&Key::policy_name(&entry.id)).await?
                && identities.iter().all(|i| i.name != active.name)
            {
                identities.push(PolicyIdentity { name: active.name, version: active.version, hash: active.hash });
            }
        }
        Ok(identities)
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
