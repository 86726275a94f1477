//! `rescind doctor` over a database that a server has left: in order, in use, changed, and damaged.

use crate::world::World;
use anyhow::{Context as _, Result, ensure};
use rescind_tests::doctor::{Diagnosis, doctor};
use std::path::Path;

/// Replaces some bytes of a file by others, as many, wherever they are: a file also holds what was there before.
fn overwrite(path: &Path, from: &[u8], to: &[u8]) -> Result<()> {
    ensure!(from.len() == to.len(), "as many bytes");
    let mut bytes = std::fs::read(path)?;
    let places: Vec<usize> =
        bytes.windows(from.len()).enumerate().filter(|(_, window)| *window == from).map(|(at, _)| at).collect();
    ensure!(!places.is_empty(), "the file does not say {:?}", String::from_utf8_lossy(from));
    for at in places {
        bytes.get_mut(at..at + to.len()).context("a place in the file")?.copy_from_slice(to);
    }
    Ok(std::fs::write(path, bytes)?)
}

fn codes(diagnosis: &Diagnosis, severity: &str) -> Vec<String> {
    let of_it = diagnosis.findings.iter().filter(|finding| finding["severity"] == severity);
    of_it.filter_map(|finding| finding["code"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_database_is_looked_at_at_rest_and_left_as_it_was() -> Result<()> {
    let mut world = World::open().await?;
    let shop = world.shop.clone();
    for n in 0..3 {
        shop.sale(&format!("S-{n}")).days_ago(2).register().await?;
    }
    let refund = world.approved_refund("S-1", "60.00").await?;
    world.clear(&refund).await?;
    shop.refund_in(&refund, &["cleared"]).await?;
    let db = world.server.setup().db.clone();
    let refused = doctor(&db, false).await.err().context("a database in use was looked at")?.to_string();
    ensure!(refused.contains("in use by another process") && refused.contains("exit status: 2"), "{refused}");

    world.server.stop().await?;
    let before = std::fs::read(&db)?;
    let diagnosis = doctor(&db, false).await?;
    diagnosis.clean()?;
    ensure!(diagnosis.summary["kinds"]["sale"] == 3, "{}", diagnosis.summary);
    ensure!(std::fs::read(&db)? == before, "whoever looks changes nothing");

    // An amount in the history of a sale that somebody changed past the program.
    overwrite(&db, br#""kind":"RefundSubmitted""#, br#""kind":"RefundWithdrawn""#)?;
    let changed = doctor(&db, false).await?;
    ensure!(codes(&changed, "broken").contains(&"sale.chain".to_owned()), "{:#?}", changed.findings);
    ensure!(changed.in_order().is_err());
    std::fs::write(&db, &before)?;
    doctor(&db, true).await?.clean()?;

    // A page that is none any more: nothing is walked.
    let mut torn = before.clone();
    let page = torn.len() / 2 / 4096 * 4096;
    torn.get_mut(page..page + 4096).context("the file is too small")?.fill(0xa5);
    std::fs::write(&db, &torn)?;
    let refused = doctor(&db, false).await.err().context("a torn file was walked")?.to_string();
    ensure!(refused.contains("exit status: 2") && refused.contains("damaged"), "{refused}");
    let missing = db.with_file_name("nothing.db");
    let refused = doctor(&missing, false).await.err().context("a file was made")?.to_string();
    ensure!(refused.contains("exit status: 2") && !missing.exists(), "{refused}");
    Ok(())
}
