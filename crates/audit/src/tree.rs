//! Merkle trees of RFC 6962 (the library's, with SHA-256), one above the other.
//!
//! A proof of inclusion does not show how many leaves its tree has: other sizes have the same proof. So what a tree above takes
//! as its leaf is size *and* root, as [`Root::as_leaf`] writes them, and the size of the highest is signed.

use crate::hash::Hash;
use crate::limits::SIBLINGS;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{InclusionProof, RootHash};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Change whenever the encoding does.
const VERSION: &[u8] = b"rescind-tree/1\0";

/// Which of the lower trees it is: the root of one must not pass for that of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Its leaves are heads.
    Page,
    /// Its leaves are pages.
    Volume,
}

/// A tree by its size and root hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// How many leaves it has.
    pub size: u64,
    /// The Merkle tree hash of RFC 6962.
    pub root: Hash,
}

impl Root {
    /// What the tree above has as its leaf: a version, one byte for the level (0 for a page, 1 for a volume), the size as 8
    /// bytes, big-endian, and the root.
    #[must_use]
    pub fn as_leaf(&self, level: Level) -> Vec<u8> {
        let mut bytes = VERSION.to_vec();
        bytes.push(match level {
            Level::Page => 0,
            Level::Volume => 1,
        });
        bytes.extend_from_slice(&self.size.to_be_bytes());
        bytes.extend_from_slice(&self.root.0);
        bytes
    }

    /// Whether a leaf stands at a place of this tree, as the hashes beside the way from it to the root show.
    #[must_use]
    pub fn has(&self, leaf: &[u8], index: u64, siblings: &[Hash]) -> bool {
        if siblings.len() > SIBLINGS {
            return false;
        }
        let bytes: Vec<u8> = siblings.iter().flat_map(|sibling| sibling.0).collect();
        let Ok(proof) = InclusionProof::<Sha256>::try_from_bytes(bytes) else { return false };
        let root = RootHash::<Sha256>::new(self.root.0.into(), self.size);
        root.verify_inclusion(&leaf, index, &proof).is_ok()
    }
}

/// A tree in memory.
#[derive(Debug, Clone, Default)]
pub struct Tree(MemoryBackedTree<Sha256, Vec<u8>>);

impl Tree {
    /// The tree of these leaves, in this order.
    #[must_use]
    pub fn of(leaves: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut tree = MemoryBackedTree::new();
        leaves.into_iter().for_each(|leaf| tree.push(leaf));
        Self(tree)
    }

    /// Its size and root. That of no leaves is the SHA-256 of nothing.
    #[must_use]
    pub fn root(&self) -> Root {
        let root = self.0.root();
        Root { size: root.num_leaves(), root: Hash((*root.as_bytes()).into()) }
    }

    /// The hashes beside the way from a leaf to the root, from below; `None` if there is no such leaf.
    #[must_use]
    pub fn siblings(&self, index: u64) -> Option<Vec<Hash>> {
        if index >= self.0.len() {
            return None;
        }
        let proof = self.0.prove_inclusion(usize::try_from(index).ok()?);
        let (hashes, rest) = proof.as_bytes().as_chunks::<32>();
        rest.is_empty().then(|| hashes.iter().map(|hash| Hash(*hash)).collect())
    }
}
