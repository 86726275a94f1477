//! Checkpoints: each of their parts is named by what is in it. Whether they prove the histories they commit to is for
//! `rescind audit verify`.

use super::finding::Code;
use super::shelf::Listed;
use super::walk::Walk;
use crate::checkpoint::{Heads, Kept, Volume};
use crate::store::key::Key;
use rescind_model::MerchantId;

impl<K: Listed> Walk<'_, '_, K> {
    pub(super) fn checkpoint(&mut self, key: &str, bytes: &[u8]) {
        let Some((kept, _)) = self.decode::<Kept>(key, bytes) else { return };
        match kept.read() {
            Ok(signed) => {
                let expected = Key::checkpoint(&signed.checkpoint.merchant, signed.checkpoint.number);
                if expected.as_str() != key {
                    self.found(Code::RecordElsewhere, key, format!("what is in it belongs under {expected}"));
                }
            }
            Err(error) => self.found(Code::RecordUnreadable, key, format!("{error:?}")),
        }
    }

    pub(super) fn checkpoint_page(&mut self, key: &str, merchant: &str, bytes: &[u8]) {
        let Ok(merchant) = MerchantId::parse(merchant) else {
            return self.found(Code::KeyUnknown, key, "it names no merchant");
        };
        self.fitting::<Heads>(key, bytes, |heads| {
            let root = heads.tree().map(|tree| tree.root().root.to_string());
            Key::checkpoint_page(&merchant, &root.unwrap_or_default())
        });
    }

    pub(super) fn checkpoint_volume(&mut self, key: &str, merchant: &str, bytes: &[u8]) {
        let Ok(merchant) = MerchantId::parse(merchant) else {
            return self.found(Code::KeyUnknown, key, "it names no merchant");
        };
        self.fitting::<Volume>(key, bytes, |volume| {
            Key::checkpoint_volume(&merchant, &volume.tree().root().root.to_string())
        });
    }
}
