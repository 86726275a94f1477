//! The keys that sign checkpoints. They are for this purpose and no other; public keys are kept
//! for ever, because what they signed is.

use crate::app::App;
use crate::error::Error;
use crate::limits::CHECKPOINT_KEYS;
use crate::ports::Ports;
use crate::principal::Principal;
use crate::secret::bytes_of;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::marks::Marks;
use rescind_bundle::{PublicKey, Signer as _, SigningKey};
use rescind_model::Instant;
use serde::{Deserialize, Serialize};

/// A key as it is stored. No `Debug`: the seed must not end up in a message.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    public: PublicKey,
    created_at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retired_at: Option<Instant>,
    /// Gone once the key is retired: nobody can sign with it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
}

/// The keys of a deployment, oldest first; the last one signs.
#[derive(Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredKeys {
    keys: Vec<StoredKey>,
    marks: Marks,
}

impl Record for StoredKeys {
    const FORMAT: &'static str = "checkpoint-keys/1";
    fn holds(&self, id: &str) -> bool {
        self.marks.has(id)
    }
}

/// A public key, for whoever checks checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointKey {
    /// The key.
    pub public: PublicKey,
    /// Since when it signs.
    pub created_at: Instant,
    /// Since when its successor does.
    pub retired_at: Option<Instant>,
}

impl StoredKeys {
    fn published(self) -> Vec<CheckpointKey> {
        let published = |key: StoredKey| CheckpointKey {
            public: key.public,
            created_at: key.created_at,
            retired_at: key.retired_at,
        };
        self.keys.into_iter().map(published).collect()
    }
}

impl<P: Ports> App<P> {
    /// The public keys that checkpoints are checked with, the one that signs last. The first is made when it is first needed.
    ///
    /// # Errors
    /// The store's.
    pub async fn checkpoint_keys(&self) -> Result<Vec<CheckpointKey>, Error> {
        Ok(self.stored_checkpoint_keys().await?.published())
    }

    /// Lets a new key sign checkpoints. What the old one signed stays signed; its private half is gone.
    ///
    /// # Errors
    /// Not an admin; as many keys as may be; the store's.
    pub async fn rotate_checkpoint_keys(&self, who: &Principal) -> Result<Vec<CheckpointKey>, Error> {
        who.require_admin()?;
        let made = self.change_checkpoint_keys(true).await?;
        self.ports.log(&format!("{} rotated the key that signs checkpoints", who.key));
        Ok(made.published())
    }

    /// The key that signs.
    pub(super) async fn checkpoint_signer(&self) -> Result<SigningKey, Error> {
        let keys = self.stored_checkpoint_keys().await?;
        let seed = keys.keys.last().and_then(|key| key.seed.as_deref()).and_then(bytes_of);
        seed.map(SigningKey::from_seed).ok_or_else(|| Error::Internal("the checkpoint key is damaged".to_owned()))
    }

    async fn stored_checkpoint_keys(&self) -> Result<StoredKeys, Error> {
        match self.records().await?.read::<StoredKeys>(&Key::secret("checkpoint-keys")).await? {
            Some(keys) if !keys.keys.is_empty() => Ok(keys),
            _ => self.change_checkpoint_keys(false).await,
        }
    }

    async fn change_checkpoint_keys(&self, rotate: bool) -> Result<StoredKeys, Error> {
        let now = self.ports.now();
        let seed = self.random_hex(64);
        let bytes = bytes_of(&seed).ok_or_else(|| Error::Internal("chance is no bytes".to_owned()))?;
        let public = SigningKey::from_seed(bytes).public().clone();
        let made = StoredKey { public, created_at: now, retired_at: None, seed: Some(seed) };
        let mark = self.random_hex(16);
        self.records()
            .await?
            .update::<StoredKeys, _, _>(&Key::secret("checkpoint-keys"), &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                if !rotate && !next.keys.is_empty() {
                    return Ok((None, next));
                }
                if next.keys.len() >= CHECKPOINT_KEYS {
                    return Err(Error::Conflict {
                        code: "checkpoint.keys-full",
                        message: format!("there are {CHECKPOINT_KEYS} keys, and none is forgotten"),
                    });
                }
                for key in &mut next.keys {
                    key.retired_at = key.retired_at.or(Some(now));
                    key.seed = None;
                }
                next.keys.push(made.clone());
                next.marks.add(&mark);
                Ok((Some(next.clone()), next))
            })
            .await
    }
}
