//! A terminal without a network: it decides alone, by the server's own component in a signed bundle; the server agrees
//! afterwards, and takes nothing that was tampered with.

use super::{becomes, clear};
use crate::operator::SUPERVISOR;
use crate::policies::HANDHELD;
use crate::program::Ended;
use crate::shop::{Shop, TERMINAL, text};
use crate::stage::Stage;
use crate::teller::Teller;
use crate::{checkout, program};
use anyhow::{Context as _, Result, ensure};
use http::Request;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// Plays it.
///
/// # Errors
/// Something was not as expected.
pub async fn tell(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.chapter("Without a network: the terminal decides alone, with the same bytes");
    let shop = stage.shop("M-alone", HANDHELD).await?;
    published(teller, stage).await?;
    let device = first_start(teller, stage, &shop).await?;
    alone(teller, &device).await?;
    let [early, late] = meanwhile(teller, &device, &shop).await?;
    tampered(teller, &device, &shop).await?;
    back(teller, stage, &device, &shop, &early, &late).await?;
    same_answer(teller, stage, &shop).await
}

/// A terminal in a data directory, and what it is called with.
struct Device {
    folder: TempDir,
    url: String,
    token: String,
}

impl Device {
    /// Plays a script and tells it.
    async fn plays(&self, teller: &Teller, more: &[&str], script: &[&str]) -> Result<Ended> {
        std::fs::write(self.folder.path().join("script"), script.join("\n"))?;
        let told = ["terminal", "--data", "device", "--locale", "zh-cn", "--script", "script"];
        let environment = [("RESCIND_URL", self.url.as_str()), ("RESCIND_TERMINAL_KEY", self.token.as_str())];
        let ended = program::run_with(self.folder.path(), &[&told, more].concat(), &environment).await?;
        teller.command(&ended);
        ended.well()?;
        Ok(ended)
    }
}

async fn published(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.step(
        "Whoever runs the terminals has a key that signs what they decide with; the server knows its public half",
    );
    teller.command(&stage.keys_made);

    teller
        .step("The component, translated for this processor, goes into a signed bundle with the policy for handhelds");
    let component = checkout::component("eligibility")?;
    let component = component.to_str().context("the checkout's path is text")?;
    let pack = stage.policies().join("handheld.toml");
    let pack = pack.to_str().context("the folder's path is text")?;
    let build = [
        ["bundle", "build", "--name", HANDHELD, "--version", "1"].as_slice(),
        &["--component", component, "--policy", pack, "--key", "bundles.key", "--out", "out"],
    ];
    std::fs::create_dir(stage.keys().join("out"))?;
    let ended = program::run(stage.keys(), &build.concat()).await?;
    teller.command(&ended);
    ended.well()?;
    let made = only_file(&stage.keys().join("out"))?;
    let bytes = std::fs::read(&made)?;

    teller.step("It is published. Altered by one byte it would not be");
    let put = |bytes: Vec<u8>| {
        let request = Request::put(format!("/v1/bundles/{HANDHELD}")).header("content-type", "application/cose");
        request.body(bytes)
    };
    let mut altered = bytes.clone();
    let middle = altered.len() / 2;
    *altered.get_mut(middle).context("a bundle has a middle")? ^= 1;
    let no = stage.server.admin().send(put(altered)?).await?;
    teller.note(&format!("PUT /v1/bundles/{HANDHELD}   [admin]   {} bytes, one of them altered", bytes.len()));
    teller.answer(&no, &["/code", "/detail"]);
    ensure!(no.status.is_client_error(), "an altered bundle is published: {no}");
    let yes = stage.server.admin().send(put(bytes)?).await?;
    teller.note(&format!("PUT /v1/bundles/{HANDHELD}   [admin]"));
    teller.answer(&yes, &["/name", "/version", "/target"]);
    ensure!(yes.status.is_success(), "{yes}");
    Ok(())
}

fn only_file(folder: &Path) -> Result<std::path::PathBuf> {
    let mut files = std::fs::read_dir(folder)?;
    let file = files.next().context("no bundle was made")??.path();
    ensure!(files.next().is_none(), "more than one bundle was made");
    Ok(file)
}

async fn first_start(teller: &mut Teller, stage: &Stage, shop: &Shop) -> Result<Device> {
    teller.step("A new terminal starts, and its own public key is registered");
    let folder = tempfile::tempdir()?;
    std::fs::copy(stage.keys().join("trust.json"), folder.path().join("trust.json"))?;
    let url = format!("http://{}", stage.server.authority());
    let device = Device { folder, url, token: shop.terminal.key().to_owned() };
    let merchant = ["--merchant", shop.merchant.as_str(), "--merchant-name", "静安小店", "--terminal", TERMINAL];
    let ended = device.plays(teller, &[merchant.as_slice(), &["--trust", "trust.json"]].concat(), &[]).await?;
    let key = ended.said.lines().find_map(|line| line.strip_prefix("journal key, to be registered for it: "));
    let key = key.context("a new terminal says its key")?;
    let path = format!("/v1/terminals/{TERMINAL}?merchant={}", shop.merchant);
    let body = json!({"label": "handheld", "journal_key": key}).to_string();
    teller.put("admin", &shop.admin, &path, body, &["/id", "/journal_key"]).await?.is(200)?;
    Ok(device)
}

/// The line goes: what is done, what waits, what is refused.
async fn alone(teller: &mut Teller, device: &Device) -> Result<()> {
    teller.step("In the morning it fetches the bundle, an operator logs in, and two sales go to the server");
    let login = format!("login {} {}", SUPERVISOR.number, SUPERVISOR.pin);
    let morning = [
        "bundle",
        "expect 数据包已校验并启用",
        "bundle",
        "expect 数据包已是最新",
        login.as_str(),
        "sale 80.00",
        "expect 服务器已登记",
        "sale 160.00",
        "expect 服务器已登记",
    ];
    let offline = [
        "offline",
        "# A sale that never leaves the terminal, and its void: done here.",
        "sale 120.00",
        "expect 已存入本机",
        "void last wrong-amount",
        "expect 撤销成功",
        "expect-not 待联机确认",
        "# What the server has can only wait for it.",
        "void 1 duplicate",
        "expect 待联机确认",
        "expect-not 撤销成功",
        "void 2 duplicate",
        "expect 待联机确认",
        "# 360.00 so far; 500.00 may be voided alone.",
        "sale 200.00",
        "void last wrong-amount",
        "expect [offline.total]",
        "status",
        "expect ¥140.00",
    ];
    device.plays(teller, &[], &[morning.as_slice(), &offline].concat()).await?;
    Ok(())
}

/// The ids of the first two sales. The second is settled while the terminal does not hear of it.
async fn meanwhile(teller: &mut Teller, device: &Device, shop: &Shop) -> Result<[String; 2]> {
    let ended = device.plays(&Teller::quiet(), &["--offline"], &["check 1", "check 2"]).await?;
    let id = |voucher: &str| {
        let words = ended.said.split_whitespace();
        let found = words.filter(|word| word.starts_with(TERMINAL)).find(|word| word.ends_with(voucher));
        found.map(str::to_owned).with_context(|| format!("{ended}"))
    };
    let [early, late] = [id("000001")?, id("000002")?];
    teller.step("Meanwhile the second sale is settled: for its void it is too late, and the terminal cannot know");
    let path = format!("/v1/transactions/{late}/events");
    let news = json!({"type": "settled"});
    let (settled, _) = teller.tell("back office", &shop.system, &path, &news, &["/status/settled_at"]).await?;
    settled.is(200)?;
    Ok([early, late])
}

/// What somebody altered on the way is refused, and people are told.
async fn tampered(teller: &mut Teller, device: &Device, shop: &Shop) -> Result<()> {
    teller.step("Somebody takes the records off the terminal, makes 80.00 into 90.00 in one, and hands them in");
    device.plays(teller, &["--offline"], &["export batch.cbor"]).await?;
    let mut batch = std::fs::read(device.folder.path().join("batch.cbor"))?;
    let (from, to) = (b"\"minor\":8000", b"\"minor\":9000");
    let at = batch.windows(from.len()).position(|part| part == from).context("the batch has no 80.00 in it")?;
    batch.splice(at..at + from.len(), to.iter().copied());
    let request = Request::post("/v1/terminal/sync").header("content-type", "application/cbor").body(batch)?;
    let no = shop.terminal.send(request).await?;
    teller.note("POST /v1/terminal/sync   [terminal]   the altered batch");
    teller.answer(&no, &["/code", "/detail"]);
    no.refused(403, "batch.signature")?;
    let incidents = incidents(shop).await?;
    teller.note("GET /v1/events   [back office]");
    for incident in &incidents {
        teller.parts(incident, &["/type", "/terminal", "/code", "/detail"]);
    }
    ensure!(matches!(incidents.as_slice(), [one] if one["code"] == "batch.signature"), "{incidents:?}");
    Ok(())
}

async fn incidents(shop: &Shop) -> Result<Vec<Value>> {
    let feed = shop.feed().await?;
    Ok(feed.into_iter().filter(|entry| entry["type"] == "terminal.incident").collect())
}

/// The line is back: what stands is carried out, what is too late becomes a refund.
async fn back(teller: &mut Teller, stage: &Stage, device: &Device, shop: &Shop, early: &str, late: &str) -> Result<()> {
    teller.step("The line is back: everything is handed in, and the operator hears what became of it");
    let script = ["sync", "expect 撤销 000003 ¥120.00: 完成", "sales", "expect 已转退货", "status", "expect ¥500.00"];
    let ended = device.plays(teller, &[], &script).await?;
    let told = |voucher: &str| ended.said.lines().any(|line| line.contains(&format!("撤销 {voucher}")));
    ensure!(told("000001") && told("000002"), "every operation has its answer: {ended}");

    teller
        .step("The void that waited goes to the acquirer, once. The one that was done at the terminal goes to nobody");
    let sale = shop.look_at(early).await?;
    let void = sale["operations"][0].clone();
    let done = becomes(teller, shop, &text(&void, "id")?, &["done"]).await?;
    stage.did_once(&done)?;
    ensure!(stage.moved(shop, early) == ["80.00", "0.00"], "{:?}", stage.moved(shop, early));
    let kept = early.replace("000001", "000003");
    let path = format!("/v1/transactions/{kept}");
    let essence = ["/amount", "/operations/0/state"];
    let seen = teller.get("back office", &shop.system, &path, &essence).await?.is(200)?;
    ensure!(seen["operations"][0]["state"] == "done", "sale and void are both on record: {seen}");
    ensure!(stage.moved(shop, &kept) == ["0.00", "0.00"], "nothing was sent for it");

    teller.step("The late one is a refund like any other: somebody has to agree, then it clears");
    let listed = shop.system.see("/v1/refunds").await?;
    let refund = listed["items"].as_array().and_then(|all| all.iter().find(|refund| refund["sale"] == late));
    let refund = refund.with_context(|| format!("no refund of {late}: {listed}"))?.clone();
    let id = text(&refund, "id")?;
    teller.parts(&refund, &["/id", "/amount", "/state", "/plan/tier"]);
    ensure!(refund["state"] == "in-review" && refund["amount"]["amount"] == "160.00", "{refund}");
    let path = format!("/v1/refunds/{id}/approvals");
    let (agreed, _) = teller.tell("reviewer", &shop.reviewer, &path, &json!({}), &["/state"]).await?;
    ensure!(agreed.is(200)?["state"] == "approved", "{agreed}");
    let cleared = clear(teller, shop, &id, &["cleared"]).await?;
    stage.did_once(&cleared)?;
    ensure!(stage.moved(shop, late) == ["0.00", "160.00"], "{:?}", stage.moved(shop, late));
    Ok(())
}

/// The server made every decision again, and found the same bytes.
async fn same_answer(teller: &mut Teller, stage: &Stage, shop: &Shop) -> Result<()> {
    teller.step(
        "The server made every decision of the terminal again: the same bytes, so nothing is told but the one incident",
    );
    let incidents = incidents(shop).await?;
    ensure!(matches!(incidents.as_slice(), [one] if one["code"] == "batch.signature"), "{incidents:?}");
    let page = Request::get("/v1/decisions?limit=100").header("accept", "application/jsonl").body(String::new())?;
    let page = shop.system.send(page).await?;
    let own = format!("t-{TERMINAL}.");
    let records = |line: &&str| {
        let record: Value = serde_json::from_str(line).unwrap_or_default();
        record["id"].as_str().is_some_and(|id| id.starts_with(&own))
    };
    let lines: Vec<&str> = page.text.lines().filter(records).collect();
    teller.note(&format!("GET /v1/decisions   [back office]: {} of them were made at the terminal", lines.len()));
    ensure!(lines.len() == 4, "three that were allowed, and one that was not: {}", page.text);

    teller.step("And so can anybody who has the records and the component");
    let folder = stage.keys();
    std::fs::write(folder.join("terminal.jsonl"), lines.join("\n"))?;
    let component = checkout::component("eligibility")?;
    let component = component.to_str().context("the checkout's path is text")?;
    let policies = stage.policies().to_str().context("the folder's path is text")?;
    let replay = ["policy", "replay", "terminal.jsonl", "--policies", policies, "--component", component];
    let ended = program::run(folder, &replay).await?;
    teller.command(&ended);
    ensure!(ended.well()?.contains("4 decisions made again: 4 equal to the byte, 0 different"), "{ended}");
    Ok(())
}
