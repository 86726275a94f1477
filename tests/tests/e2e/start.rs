//! What is damaged is refused at the start, with its name and what to do.

use anyhow::{Context as _, Result, ensure};
use rescind_tests::server::Setup;
use rescind_tests::{Policies, Server, Shop, checkout};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// A stopped server's database, with something in it.
async fn database() -> Result<Server> {
    let mut server = Server::start().await?;
    let shop = Shop::open(&server, "M-1", "lakala").await?;
    for n in 0..200 {
        shop.sale(&format!("S-{n}")).days_ago(2).register().await?;
    }
    server.stop().await?;
    Ok(server)
}

/// It refuses to serve, and says all of this.
async fn refused(setup: &Setup, says: &[&str]) -> Result<()> {
    let (status, said) = setup.refusal().await?;
    ensure!(status.code() == Some(1), "it ended with {status}: {said}");
    for text in says {
        ensure!(said.contains(text), "it does not say {text:?}: {said}");
    }
    ensure!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
    Ok(())
}

fn overwrite(path: &Path, at: SeekFrom, bytes: &[u8]) -> Result<()> {
    let mut file = std::fs::OpenOptions::new().read(true).write(true).open(path)?;
    file.seek(at)?;
    Ok(file.write_all(bytes)?)
}

fn name(path: &Path) -> Result<&str> {
    path.to_str().context("a path is text")
}

#[tokio::test]
async fn a_damaged_database_is_refused_by_name_and_left_as_it_is() -> Result<()> {
    let server = database().await?;
    let db = server.setup().db.clone();
    let sound = std::fs::read(&db)?;
    let length = u64::try_from(sound.len())?;
    ensure!(length > 100_000, "the database has some size: {length}");
    type Damage = fn(&Path, u64) -> Result<()>;
    let damages: [(&str, Damage); 4] = [
        ("its head overwritten", |path, _| overwrite(path, SeekFrom::Start(0), &[0x5a; 4096])),
        ("pages in the middle overwritten", |path, length| {
            overwrite(path, SeekFrom::Start(length / 2), &[0xff; 16_384])
        }),
        ("cut off", |path, length| Ok(std::fs::OpenOptions::new().write(true).open(path)?.set_len(length / 3)?)),
        ("another file altogether", |path, _| Ok(std::fs::write(path, "terminal,batch,voucher\n".repeat(1_000))?)),
    ];
    for (what, damage) in damages {
        std::fs::write(&db, &sound)?;
        damage(&db, length)?;
        let damaged = std::fs::read(&db)?;
        refused(server.setup(), &[name(&db)?]).await.with_context(|| what.to_owned())?;
        ensure!(std::fs::read(&db)? == damaged, "{what}: the file was changed");
    }
    std::fs::write(&db, &sound)?;
    Ok(())
}

#[tokio::test]
async fn the_refusal_of_a_database_says_what_to_do() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let setup = Setup::in_folder(folder.path())?;
    std::fs::write(&setup.db, "x".repeat(10_000))?;
    let (_, said) = setup.refusal().await?;
    let said = said.to_lowercase();
    ensure!(said.contains("backup") || said.contains("restore"), "what to do? {said}");
    Ok(())
}

#[tokio::test]
async fn a_second_server_on_the_same_database_is_refused() -> Result<()> {
    let mut server = Server::start().await?;
    let db = server.setup().db.clone();
    refused(server.setup(), &[name(&db)?, "in use"]).await?;
    server.client().get("/healthz").await?.is(200)?;
    // However the first one ends, the next may take over.
    server.kill9().await?;
    server.start_again().await?;
    server.client().get("/healthz").await?.is(200)?;
    Ok(())
}

#[tokio::test]
async fn a_damaged_policy_is_refused_with_file_line_and_remedy() -> Result<()> {
    for (file, from, to, says) in [
        (
            "lakala.toml",
            "window = \"30 minutes\"",
            "window = \"thirty minutes\"",
            vec!["lakala.toml", "thirty minutes"],
        ),
        (
            "lakala.toml",
            "until-settlement = true",
            "until-setlement = true",
            vec!["lakala.toml", "until-setlement", "until-settlement"],
        ),
        ("unionpay.toml", "cut-off = \"23:00\"", "cut-off = \"25:00\"", vec!["unionpay.toml", "25:00"]),
        ("unionpay.toml", "[refund]", "[refund", vec!["unionpay.toml"]),
        ("lakala.toml", "currency = \"CNY\"", "currency = \"YUAN\"", vec!["lakala.toml", "YUAN"]),
    ] {
        let policies = Policies::packs()?;
        let damaged = rescind_tests::policies::edit(&policies.read(file)?, &[(from, to)])?;
        let line = damaged.lines().position(|line| line.contains(to)).context("the line is there")? + 1;
        policies.write(file, &damaged)?;
        let folder = tempfile::tempdir()?;
        let mut setup = Setup::in_folder(folder.path())?;
        policies.path().clone_into(&mut setup.policies);
        let line = line.to_string();
        let mut all = says.clone();
        all.push(&line);
        refused(&setup, &all).await.with_context(|| format!("{from} → {to}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn all_damages_of_all_policies_are_told_at_once() -> Result<()> {
    let policies = Policies::packs()?;
    for (file, from, to) in
        [("lakala.toml", "\"30 minutes\"", "\"soon\""), ("unionpay.toml", "\"11 months\"", "\"long\"")]
    {
        policies.write(file, &rescind_tests::policies::edit(&policies.read(file)?, &[(from, to)])?)?;
    }
    let folder = tempfile::tempdir()?;
    let mut setup = Setup::in_folder(folder.path())?;
    policies.path().clone_into(&mut setup.policies);
    refused(&setup, &["lakala.toml", "soon", "unionpay.toml", "long"]).await
}

#[tokio::test]
async fn missing_policies_and_a_damaged_application_are_refused_by_name() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut setup = Setup::in_folder(folder.path())?;
    setup.policies = folder.path().join("nowhere");
    refused(&setup, &[name(&setup.policies)?]).await?;

    let mut setup = Setup::in_folder(folder.path())?;
    setup.manifest = folder.path().join("nowhere.toml");
    refused(&setup, &["nowhere.toml"]).await?;

    // A component that was cut off while it was copied.
    let mut bytes = Vec::new();
    std::fs::File::open(checkout::component("gateway")?)?.read_to_end(&mut bytes)?;
    bytes.truncate(bytes.len() / 2);
    std::fs::write(folder.path().join("gateway.wasm"), bytes)?;
    let root = checkout::root()?;
    let manifest = std::fs::read_to_string(root.join("spin.toml"))?;
    let manifest = manifest.replace("\"target/components/gateway.wasm\"", "\"gateway.wasm\"");
    let manifest = manifest.replace("\"target/components/", &format!("\"{}/target/components/", root.display()));
    setup.manifest = folder.path().join("spin.toml");
    std::fs::write(&setup.manifest, manifest)?;
    refused(&setup, &["gateway"]).await
}
