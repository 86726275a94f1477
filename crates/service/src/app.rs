//! The application: ports, and what every part of it needs.

use crate::error::Error;
use crate::policies::PolicyDocument;
use crate::ports::Ports;
use crate::store::key::Key;
use crate::store::{Creation, Records, probe};
use crate::{directory::Merchant, store};
use rescind_model::{Digest, MerchantId};
use std::sync::{Arc, OnceLock};

/// The service over its ports. Holds nothing that a request could change: instances are reused.
pub struct App<P: Ports> {
    /// The world.
    pub ports: P,
    /// How the store creates: a fact about the deployment, found out once.
    creation: OnceLock<Creation>,
}

impl<P: Ports> App<P> {
    /// An application over these ports.
    pub fn new(ports: P) -> Self {
        Self { ports, creation: OnceLock::new() }
    }

    /// The records of the store; finds out how it creates at the first call.
    ///
    /// # Errors
    /// The store's.
    pub async fn records(&self) -> Result<Records<'_, P::Kv>, Error> {
        let creation = match self.creation.get() {
            Some(creation) => *creation,
            None => {
                let found = probe(self.ports.kv(), self.unique()).await?;
                if let Creation::Refused(why) = found {
                    self.ports.log(&format!("this store is refused, nothing is written to it: {why}"));
                    // Asked anew next time: should it have been a moment's trouble, the instance must not stay so.
                    found
                } else {
                    *self.creation.get_or_init(|| found)
                }
            }
        };
        Ok(Records::new(self.ports.kv(), creation, self.ports.component()).decided_by(self.ports.eligibility()))
    }

    /// A number nobody else uses.
    pub fn unique(&self) -> u64 {
        let random = self.ports.random();
        random.iter().take(8).fold(0_u64, |n, b| (n << 8) | u64::from(*b))
    }

    /// Random text of `digits` hexadecimal digits, at most 64.
    pub fn random_hex(&self, digits: usize) -> String {
        let random = self.ports.random();
        random.iter().map(|b| format!("{b:02x}")).collect::<String>().chars().take(digits).collect()
    }

    /// A merchant.
    ///
    /// # Errors
    /// [`Error::NotFound`], or the store's.
    pub async fn merchant(&self, id: &MerchantId) -> Result<Merchant, Error> {
        let records = self.records().await?;
        records.read::<Merchant>(&Key::merchant(id)).await?.ok_or(Error::NotFound("merchant"))
    }

    /// The policy that holds for a merchant now, whatever the terminal.
    ///
    /// # Errors
    /// If there is none that can be loaded.
    pub async fn policy_of(&self, merchant: &Merchant) -> Result<Arc<P::Policy>, Error> {
        Ok(self.deciding(merchant, None, self.ports.now()).await?.policy)
    }

    pub(crate) async fn policy_document(&self, hash: &Digest) -> Result<PolicyDocument, Error> {
        let stored = self.records().await?.read::<PolicyDocument>(&Key::policy(hash)).await?;
        stored.ok_or_else(|| Error::Internal(format!("policy {hash} is missing")))
    }

    /// The lane of a sale, as a key.
    pub(crate) fn lane_of(merchant: &MerchantId, sale: &rescind_model::SaleId) -> Key {
        Key::lane(store::lane::of(merchant, sale))
    }
}
