//! Announcing a change: a command's intent is written down in the lane of its sale before the sale is changed.
//!
//! What is in the feed was struck from its lane. Whoever announces the same command after that, because they had read the sale
//! before, would have it published again. So the lane is looked at before the sale is read, and the intent is entered only if
//! nothing was published from the lane in between; else the sale is read again, and shows what was carried out.

use crate::app::App;
use crate::error::Error;
use crate::limits::SWAP_ATTEMPTS;
use crate::planted::{Mistake, made};
use crate::ports::{Kv, Ports};
use crate::store::lane::{Intent, Lane};
use crate::store::{Commit, Slot};
use rescind_model::{CommandId, MerchantId, SaleId};
use std::collections::BTreeMap;

/// How far an announcement has got: at first, nothing was looked at.
pub(crate) struct Announcement<C>(Stage<C>);

enum Stage<C> {
    Unseen,
    /// The lane, as it was before the sale was read.
    Seen(Slot<C, Lane>),
    Made,
}

impl<C> Default for Announcement<C> {
    fn default() -> Self {
        Self(Stage::Unseen)
    }
}

impl<C> Announcement<C> {
    /// Whether the intent is written down.
    pub(crate) const fn is_made(&self) -> bool {
        matches!(self.0, Stage::Made)
    }
}

impl<P: Ports> App<P> {
    /// Looks at a sale's lane. The sale is to be read after this.
    pub(crate) async fn look_at_lane(
        &self,
        merchant: &MerchantId,
        sale: &SaleId,
        announcement: &mut Announcement<<P::Kv as Kv>::Cell>,
    ) -> Result<(), Error> {
        if !announcement.is_made() {
            let lane = Self::lane_of(merchant, sale);
            announcement.0 = Stage::Seen(self.records().await?.open::<Lane>(&lane).await?);
        }
        Ok(())
    }

    /// Writes an intent down: the sale, as it was read after the lane, is about to be changed by this command. `false`: it may
    /// have been changed by it already, and the sale has to be read again.
    pub(crate) async fn announce(
        &self,
        merchant: &MerchantId,
        sale: &SaleId,
        command: &CommandId,
        announcement: &mut Announcement<<P::Kv as Kv>::Cell>,
    ) -> Result<bool, Error> {
        if made(Mistake::NoIntent) {
            return Ok(true);
        }
        let mut slot = match core::mem::take(announcement).0 {
            Stage::Seen(slot) => slot,
            Stage::Made => {
                announcement.0 = Stage::Made;
                return Ok(true);
            }
            Stage::Unseen => return Ok(false),
        };
        let records = self.records().await?;
        let now = self.ports.now();
        let lane = Self::lane_of(merchant, sale);
        let struck = slot.value.as_ref().map_or(0, |lane| lane.struck);
        for attempt in 0..SWAP_ATTEMPTS {
            let mut next = slot.value.clone().unwrap_or_default();
            let mut id = command.to_string();
            if let Some(there) = next.intents.iter_mut().find(|intent| intent.id == id) {
                if there.at >= now {
                    announcement.0 = Stage::Made;
                    return Ok(true);
                }
                // An old announcement of the same command may be about to be given up: it is made anew, and proved by a mark,
                // because its id is there before the write.
                there.at = now;
                id = self.random_hex(16);
                next.mark.clone_from(&id);
            } else if next.struck != struck {
                return Ok(false);
            } else if next.is_full() && attempt == 0 {
                // It may have been worked off since it was looked at.
                slot = records.open::<Lane>(&lane).await?;
                continue;
            } else if next.is_full() {
                let why = "too much is waiting to be published; the courier is behind";
                return Err(Error::Unavailable(why.to_owned()));
            } else {
                next.intents.push(Intent {
                    id: id.clone(),
                    merchant: merchant.clone(),
                    sale: sale.clone(),
                    at: now,
                    page: None,
                    lists: BTreeMap::new(),
                    published: false,
                });
            }
            if records.commit(slot, &next, &id, self.unique()).await? == Commit::Written {
                announcement.0 = Stage::Made;
                return Ok(true);
            }
            slot = records.open::<Lane>(&lane).await?;
        }
        Err(Error::Unavailable(format!("{lane} is written by too many at once")))
    }
}
