//! Who signs: a key in a file, or one that never leaves its module. The module is given a message and answers a signature; how
//! that is done is the module's own business.

use super::file::{self, Readers};
use crate::stdio::complain;
use anyhow::{Context as _, bail};
use clap::Args;
use rescind_bundle::cose::{Envelope, Kind};
use rescind_bundle::limits::{BUNDLE_BYTES, SIGNATURE_BYTES};
use rescind_bundle::{Ed25519, PublicKey, SignFailed, Signer, SigningKey, Unverified};
use std::path::PathBuf;

/// Who signs.
#[derive(Debug, Args)]
pub struct Hand {
    /// The file of the key.
    #[arg(long, conflicts_with_all = ["public", "message", "signature"])]
    key: Option<PathBuf>,
    /// The public half of a key in a module, `ed25519:…`. With --message or --signature.
    #[arg(long)]
    public: Option<String>,
    /// Write what the module has to sign here, and nothing else.
    #[arg(long, requires = "public", conflicts_with = "signature")]
    message: Option<PathBuf>,
    /// The module's signature of that message: its bytes, or hexadecimal digits.
    #[arg(long, requires = "public")]
    signature: Option<PathBuf>,
}

/// What is to be done by whom.
pub enum Work {
    /// Write the message for this key to a file.
    Message(PublicKey, PathBuf),
    /// Sign.
    Sign(Box<dyn Signer>),
}

/// A module that has answered.
struct Answered {
    public: PublicKey,
    signature: Vec<u8>,
}

impl Signer for Answered {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, _: &[&[u8]]) -> Result<Vec<u8>, SignFailed> {
        Ok(self.signature.clone())
    }
}

impl Hand {
    pub fn work(&self) -> anyhow::Result<Work> {
        if let Some(key) = &self.key {
            let key: SigningKey = file::read_key(key)?;
            return Ok(Work::Sign(Box::new(key)));
        }
        let Some(public) = &self.public else {
            bail!("say who signs: --key FILE, or --public KEY with --message or --signature");
        };
        let public = PublicKey::parse(public).with_context(|| format!("--public {public}"))?;
        match (&self.message, &self.signature) {
            (Some(message), _) => Ok(Work::Message(public, message.clone())),
            (None, Some(signature)) => {
                let bytes = file::read(signature, "signature", SIGNATURE_BYTES.saturating_mul(2).saturating_add(2))?;
                let digits = std::str::from_utf8(&bytes).ok().and_then(|text| hex::decode(text.trim()).ok());
                Ok(Work::Sign(Box::new(Answered { public, signature: digits.unwrap_or(bytes) })))
            }
            (None, None) => bail!("--public needs --message, to write what is to be signed, or --signature"),
        }
    }
}

/// Writes a message for a module.
pub fn write_message(file: &std::path::Path, message: &[u8]) -> anyhow::Result<()> {
    file::write_new(file, message, Readers::Usual)
}

/// Checks what a module signed, as far as that can be done here.
pub fn check(bytes: &[u8], kind: Kind, public: &PublicKey) -> anyhow::Result<()> {
    match Envelope::read(bytes, kind, BUNDLE_BYTES)?.verify(public, &Ed25519) {
        Ok(()) => Ok(()),
        Err(Unverified::Algorithm(algorithm)) => {
            complain(format_args!("warning: nobody here can check a signature by {algorithm}: try it on a terminal"));
            Ok(())
        }
        Err(Unverified::Signature) => bail!("the signature is not one of key {} for this message", public.id()),
    }
}
