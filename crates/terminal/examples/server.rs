//! A server for a workbench: checks one batch of a terminal as the real one does, and prints its acknowledgement. It
//! decides nothing and carries nothing out.
//!
//! `server PUBLIC-KEY MERCHANT TERMINAL UNIX-MS STATE BATCH`: `STATE` is a file in which it keeps what it acknowledged.

use rescind_bundle::{Ed25519, PublicKey};
use rescind_journal::{Acknowledgement, Head, Owner, verify_batch};
use rescind_model::{Instant, MerchantId, TerminalId};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [key, merchant, terminal, now, state, batch] = given.as_slice() else {
        return Err("expected PUBLIC-KEY MERCHANT TERMINAL UNIX-MS STATE BATCH".into());
    };
    let known: Option<Head> = match std::fs::read(state) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let owner = Owner { merchant: MerchantId::parse(merchant)?, terminal: TerminalId::parse(terminal)? };
    let batch = verify_batch(&std::fs::read(batch)?, &PublicKey::parse(key)?, &Ed25519, &owner, known.as_ref())?;
    std::fs::write(state, serde_json::to_vec(&batch.end)?)?;
    let server_time = Instant::from_unix_ms(now.parse()?)?;
    let answer = Acknowledgement { head: batch.end, server_time, counted: None, operations: Vec::new() };
    println!("{}", serde_json::to_string(&answer)?);
    Ok(())
}
