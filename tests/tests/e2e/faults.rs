//! A component that traps, loops or eats memory, beside the real ones: that request alone fails.

use anyhow::{Context as _, Result, ensure};
use http::Method;
use rescind_tests::{Server, Shop, checkout};
use tokio::task::JoinSet;

/// GET answers, POST traps, PUT never ends, DELETE asks for memory for ever.
const FAULTY: &str = include_str!("../../../crates/host/tests/faulty.wat");

/// The application of the checkout with one more component, at `/faulty`.
async fn server(folder: &std::path::Path) -> Result<Server> {
    std::fs::write(folder.join("faulty.wasm"), wat::parse_str(FAULTY)?)?;
    let root = checkout::root()?;
    let manifest = std::fs::read_to_string(root.join("spin.toml"))?;
    let components = format!("{}/target/components/", root.display());
    let manifest = manifest.replace("\"target/components/", &format!("\"{components}"));
    let more = "\n[[trigger.http]]\nroute = \"/faulty\"\ncomponent = \"faulty\"\n\n[component.faulty]\nsource = \"faulty.wasm\"\n";
    let path = folder.join("spin.toml");
    std::fs::write(&path, manifest + more)?;
    Server::with(|setup| setup.manifest = path).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_fails_costs_exactly_its_request() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = server(folder.path()).await?;
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    for n in 0..24 {
        shop.sale(&format!("S-{n}")).days_ago(2).register().await?;
    }
    // The one that never ends is ended by the deadline of a request, 30 s.
    for (round, method) in [Method::POST, Method::DELETE, Method::PUT].into_iter().enumerate() {
        let failing = tokio::spawn({
            let (client, method) = (server.client(), method.clone());
            async move { client.call(method, "/faulty", None, String::new()).await }
        });
        let mut beside = JoinSet::new();
        for n in 0..8 {
            let shop = shop.clone();
            beside.spawn(async move {
                let sale = format!("S-{}", round * 8 + n);
                shop.system.see(&format!("/v1/transactions/{sale}/ways-back")).await?;
                shop.supervisor.tell("/v1/refunds", &shop.refund(&sale, "1.00")).await?.is(201)
            });
        }
        while let Some(one) = beside.join_next().await {
            one?.with_context(|| format!("beside {method}"))?;
        }
        let failed = failing.await??;
        let problem = failed.is(500)?;
        ensure!(
            problem["code"] == "internal" && failed.header("content-type") == "application/problem+json",
            "{failed}"
        );
        ensure!(!failed.text.contains("wasm") && !failed.text.contains("trap"), "the inside does not show: {failed}");
        server.client().call(Method::GET, "/faulty", None, String::new()).await?.is(200)?;
    }
    let metrics = server.client().get("/metrics").await?.text;
    for reason in ["trap", "memory", "deadline"] {
        let line = format!("rescind_host_component_failures_total{{reason=\"{reason}\"}} 1\n");
        ensure!(metrics.contains(&line), "{line}{metrics}");
    }
    Ok(())
}
