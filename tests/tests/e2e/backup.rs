//! A backup of a server that goes on, and the server on what was restored from it.

use anyhow::{Context as _, Result, ensure};
use rescind_tests::shop::text;
use rescind_tests::{Policies, Server, Shop, program};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

const CALLERS: usize = 8;
/// Sales that are acknowledged before the backup is begun.
const BEFORE: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_is_backed_up_and_serves_what_it_had_acknowledged_once_restored() -> Result<()> {
    let policies = Policies::with_open()?;
    let mut server = Server::with(|setup| policies.path().clone_into(&mut setup.policies)).await?;
    let shop = Shop::open(&server, "M-1", "open").await?;
    let (next, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let acknowledged = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (shop, next, stop, acknowledged) = (shop.clone(), next.clone(), stop.clone(), acknowledged.clone());
        callers.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let sale = format!("S-{}", next.fetch_add(1, Ordering::Relaxed));
                shop.sale(&sale).days_ago(2).register().await?;
                let refund = shop.manager.tell("/v1/refunds", &shop.refund(&sale, "60.00")).await?.is(201)?;
                acknowledged.lock().map_err(|_| anyhow::anyhow!("a caller panicked"))?.push(text(&refund, "id")?);
            }
            anyhow::Ok(())
        });
    }
    let done = || acknowledged.lock().map(|done| done.clone()).unwrap_or_default();
    while done().len() < BEFORE {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = done();
    let folder = tempfile::tempdir()?;
    let db = server.setup().db.to_str().context("a path is text")?.to_owned();
    let made = program::run(folder.path(), &["backup", "--db", &db, "--to", "copy.db"]).await?;
    ensure!(made.well()?.contains("copy.db: of 2"), "{made}");
    let after = done();
    ensure!(after.len() > before.len(), "nobody was served while the backup was made");
    // The server goes on as if nothing had been.
    while done().len() < after.len() + CALLERS {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    let metrics = server.admin().get("/metrics").await?;
    ensure!(metrics.seen().2.contains("rescind_host_store_failed_commits_total 0"), "a commit failed");

    program::run(folder.path(), &["backup", "verify", "copy.db"]).await?.well()?;
    // Over a server nothing is restored, and over a database only when told.
    let restore = ["restore", "--from", "copy.db", "--db", &db, "--replace"];
    let refused = program::run(folder.path(), &restore).await?;
    ensure!(refused.code == Some(1) && refused.complained.contains("in use by another process"), "{refused}");
    server.stop().await?;
    let refused = program::run(folder.path(), &restore[..5]).await?;
    ensure!(refused.code == Some(1) && refused.complained.contains("is there and not empty"), "{refused}");
    let restored = program::run(folder.path(), &restore).await?;
    ensure!(restored.well()?.contains("what was there before is now "), "{restored}");
    server.start_again().await?;
    for refund in &before {
        shop.system.see(&format!("/v1/refunds/{refund}")).await?;
    }
    let mut gone = 0;
    for refund in done() {
        gone += usize::from(shop.system.get(&format!("/v1/refunds/{refund}")).await?.status == 404);
    }
    ensure!(gone > 0, "what came after the backup is not in it");
    shop.sale("S-new").register().await?;
    Ok(())
}
