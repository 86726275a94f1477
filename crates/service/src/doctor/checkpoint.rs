//! Checkpoints: each is what was signed, follows the one before it, and has all its trees under it.

use super::finding::Code;
use super::shelf::Listed;
use super::walk::Walk;
use crate::checkpoint::{Heads, Kept, Volume, Work, day_tree};
use crate::error::Error;
use crate::store::key::Key;
use rescind_model::MerchantId;

impl<K: Listed> Walk<'_, '_, K> {
    pub(super) async fn checkpoint(
        &mut self,
        key: &str,
        merchant: &str,
        number: &str,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let Some((kept, _)) = self.decode::<Kept>(key, bytes) else { return Ok(()) };
        let Ok(signed) = kept.read() else {
            self.found(Code::CheckpointContent, key, "what was signed cannot be read");
            return Ok(());
        };
        let said = &signed.checkpoint;
        if said.merchant.as_str() != merchant || number.parse() != Ok(said.number) {
            let what = format!("what is in it is checkpoint {} of {}", said.number, said.merchant);
            self.found(Code::RecordElsewhere, key, what);
            return Ok(());
        }
        // Numbers have as many digits as they need to stand in their order.
        let before = self.checkpoint.take().filter(|before| before.checkpoint.merchant == said.merchant);
        let follows =
            before.as_ref().map_or(said.number == 1 && said.previous.is_none(), |before| signed.follows(before));
        if !follows {
            self.found(Code::CheckpointChain, key, "it does not follow the one before it");
        }
        if day_tree(&kept.volumes).root() != said.tree {
            self.found(Code::CheckpointContent, key, "its volumes are not those that were signed");
        }
        for volume in &kept.volumes {
            let root = volume.tree.root.to_string();
            if !self.shelf.has(&Key::checkpoint_volume(&said.merchant, &root)).await? {
                self.found(Code::CheckpointContent, key, format!("volume {root} is not there"));
            }
        }
        self.checkpoint = Some(signed);
        Ok(())
    }

    pub(super) fn checkpoint_page(&mut self, key: &str, root: &str, bytes: &[u8]) {
        let Some((heads, _)) = self.decode::<Heads>(key, bytes) else { return };
        let made = heads.tree().map(|tree| tree.root().root.to_string());
        if made.as_deref() != Some(root) {
            self.found(Code::CheckpointContent, key, "its heads are another tree");
        }
    }

    pub(super) async fn checkpoint_volume(
        &mut self,
        key: &str,
        merchant: &str,
        root: &str,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let Some((volume, _)) = self.decode::<Volume>(key, bytes) else { return Ok(()) };
        if volume.tree().root().root.to_string() != root {
            self.found(Code::CheckpointContent, key, "its pages are another tree");
        }
        let Ok(merchant) = MerchantId::parse(merchant) else { return Ok(()) };
        for page in &volume.pages {
            let root = page.tree.root.to_string();
            if !self.shelf.has(&Key::checkpoint_page(&merchant, &root)).await? {
                self.found(Code::CheckpointContent, key, format!("page {root} is not there"));
            }
        }
        Ok(())
    }

    pub(super) fn checkpoint_work(&mut self, key: &str, merchant: &str, bytes: &[u8]) {
        if let Some((work, _)) = self.decode::<Work>(key, bytes) {
            self.has_read(key, merchant, work.until);
        }
    }
}
