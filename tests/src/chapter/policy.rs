//! A merchant's terms change: the new version is tried beside the old one, put in force at a time, and every decision that
//! was made can be made again.

use super::{FINDING, becomes, clear, finding, register, void};
use crate::policies::{CONTRACT, Policies};
use crate::shop::{Shop, text};
use crate::stage::Stage;
use crate::teller::Teller;
use crate::{checkout, eventually, moment, program};
use anyhow::{Context as _, Result, ensure};
use core::time::Duration;
use http::Request;
use rescind_model::Duration as Lasting;
use serde_json::{Value, json};

/// The terms that the merchant begins with: 30 minutes.
const FIRST: &str = "1.0.0";
/// The terms that follow: three minutes.
const SECOND: &str = "2.0.0";

/// How far ahead the second terms are put in force: long enough to look at what waits for its time.
const AHEAD: Lasting = Lasting { ms: 6_000 };

/// How long a comparison or an activation may take to show.
const SOON: Duration = Duration::from_secs(40);

/// Plays it.
///
/// # Errors
/// Something was not as expected.
pub async fn tell(teller: &mut Teller, stage: &Stage) -> Result<()> {
    teller.chapter("Terms that change");
    let terms = Terms { policies: Policies::packs()?, admin: stage.server.admin() };
    let shop = first_terms(teller, stage, &terms).await?;
    installed(teller, &terms).await?;
    tried(teller, &terms, &shop).await?;
    let promised = in_force(teller, &terms, &shop).await?;
    decides(teller, stage, &shop, &promised).await?;
    broken(teller, &terms, &shop).await?;
    made_again(teller, &terms, &shop).await
}

/// Where the author of the terms works, and who installs them.
struct Terms {
    policies: Policies,
    admin: crate::Client,
}

impl Terms {
    /// Compiles a pack of the folder, as its author does.
    async fn compiled(&self, teller: &Teller, file: &str) -> Result<String> {
        let out = file.replace(".toml", ".policy");
        let ended = program::run(self.policies.path(), &["policy", "compile", file, "--out", &out]).await?;
        teller.command(&ended);
        ended.well()?;
        self.policies.read(&out)
    }

    async fn in_force(&self) -> Result<Value> {
        let listed = self.admin.see("/v1/policies").await?;
        let found = listed["items"].as_array().and_then(|all| all.iter().find(|policy| policy["name"] == CONTRACT));
        found.cloned().with_context(|| format!("{CONTRACT} is not in force: {listed}"))
    }
}

fn at(path: &str) -> String {
    format!("/v1/policies/{CONTRACT}{path}")
}

async fn first_terms(teller: &mut Teller, stage: &Stage, terms: &Terms) -> Result<Shop> {
    teller.step("A merchant's contract is written down: Lakala's rules under a name of their own, compiled, in force");
    let file = terms.policies.add_contract(FIRST, "30 minutes", "100.00")?;
    let compiled = terms.compiled(teller, &file).await?;
    let essence = ["/name", "/version", "/hash", "/installed_by"];
    let made = teller.put("admin", &terms.admin, &at("?activate=now"), compiled, &essence).await?.is(200)?;
    ensure!(terms.in_force().await?["hash"] == made["hash"], "it is in force");
    let shop = stage.shop("M-terms", CONTRACT).await?;
    register(teller, &shop, shop.sale("S-1")).await?;
    Ok(shop)
}

async fn installed(teller: &mut Teller, terms: &Terms) -> Result<()> {
    teller.step("The next version: voids within 3 minutes. What decides is its compiled form; a version never changes");
    let file = terms.policies.add_contract(SECOND, "3 minutes", "50.00")?;
    let source = Request::put(at("")).header("content-type", "application/toml");
    let no = terms.admin.send(source.body(terms.policies.read(&file)?)?).await?;
    teller.note(&format!("PUT {} as TOML", at("")));
    teller.answer(&no, &["/code", "/detail"]);
    no.refused(415, "policy.source")?;
    let essence = ["/name", "/version", "/hash"];
    let compiled = terms.compiled(teller, &file).await?;
    let made = teller.put("admin", &terms.admin, &at(""), compiled, &essence).await?.is(200)?;
    let other = terms.policies.add_contract("2.0.0-draft", "5 minutes", "50.00")?;
    let other = terms.compiled(teller, &other).await?.replace("2.0.0-draft", SECOND);
    let no = teller.put("admin", &terms.admin, &at(""), other, &["/code", "/detail"]).await?;
    no.refused(409, "policy.version-taken")?;

    teller.step("It is listed, and not in force");
    let essence = ["/items/0/version", "/items/0/hash", "/items/1/version", "/items/1/hash"];
    let listed = teller.get("admin", &terms.admin, &at("/versions"), &essence).await?.is(200)?;
    ensure!(listed["items"][0]["version"] == FIRST && listed["items"][1]["hash"] == made["hash"], "{listed}");
    ensure!(terms.in_force().await?["version"] == FIRST, "nothing else happened");
    Ok(())
}

async fn check(teller: &Teller, shop: &Shop, sale: &str) -> Result<Value> {
    let path = format!("/v1/transactions/{sale}/voids/check");
    let essence = ["/outcome", "/findings/0/rule", "/findings/0/limit", "/open_until", "/policy/version"];
    teller.post("supervisor", &shop.supervisor, &path, &shop.void(), &essence).await?.is(200)
}

async fn tried(teller: &mut Teller, terms: &Terms, shop: &Shop) -> Result<()> {
    teller.step("The new version decides beside the old one, without effect");
    let set = json!({"version": SECOND}).to_string();
    teller.put("admin", &terms.admin, &at("/shadow"), set, &["/version", "/since"]).await?.is(200)?;
    shop.sale("S-2").minutes_ago(1).register().await?;
    shop.sale("S-3").days_ago(2).register().await?;
    for (sale, outcome) in [("S-1", "allow"), ("S-2", "allow"), ("S-3", "deny")] {
        let decided = check(teller, shop, sale).await?;
        ensure!(decided["outcome"] == outcome && decided["policy"]["version"] == FIRST, "{sale}: {decided}");
    }

    teller.step("What it would have answered otherwise is counted and listed, each with its record");
    let path = at("/shadow?merchant=M-terms");
    let compared = eventually("the comparison to be complete", SOON, async || {
        let compared = terms.admin.see(&path).await?;
        Ok((compared["complete"] == true).then_some(compared))
    })
    .await?;
    teller.note(&format!("GET {path}"));
    teller.parts(&compared, &["/equal", "/different", "/kinds"]);
    let all = compared["equal"].as_u64().zip(compared["different"].as_u64()).map(|(equal, other)| equal + other);
    ensure!(all == Some(3) && compared["equal"] != 0, "three checks were compared: {compared}");
    let kinds = compared["kinds"].as_array().context("there are kinds")?;
    let refused = json!({"way": "void", "from": "allow", "to": "deny", "rule": "void.window", "count": 1});
    ensure!(kinds.contains(&refused), "S-1 would have been refused: {compared}");
    let differences = compared["differences"].as_array().context("there are differences")?;
    let of_the_first = differences.iter().find(|d| d["sale"] == "S-1").context("S-1 is among them")?;
    let record = format!("/v1/decisions/{}", text(of_the_first, "decision")?);
    let essence = ["/id", "/way", "/outcome", "/policy/version", "/input_digest", "/component"];
    let kept = teller.get("manager", &shop.manager, &record, &essence).await?.is(200)?;
    ensure!(kept["outcome"] == "allow" && kept["policy"]["version"] == FIRST, "{kept}");
    Ok(())
}

async fn in_force(teller: &mut Teller, terms: &Terms, shop: &Shop) -> Result<String> {
    teller.step("Under the old terms a refund of 60.00 needs nobody's approval, and is approved");
    shop.sale("S-4").days_ago(3).register().await?;
    let essence = ["/id", "/state", "/plan/tier", "/plan/needed", "/policy/version"];
    let ask = shop.refund("S-4", "60.00");
    let (made, _) = teller.tell("supervisor", &shop.supervisor, "/v1/refunds", &ask, &essence).await?;
    let promised = made.is(201)?;
    ensure!(promised["state"] == "approved" && promised["policy"]["version"] == FIRST, "{promised}");

    teller.step("The new terms are to hold from an instant on: until then the old ones decide");
    let from = moment::now().plus(AHEAD)?;
    let ask = json!({"version": SECOND, "at": from.to_string()});
    let (no, _) = teller.tell("manager", &shop.manager, &at("/activations"), &ask, &["/code"]).await?;
    no.refused(403, "auth.forbidden")?;
    let essence = ["/version", "/from", "/asked_by"];
    let (made, _) = teller.tell("admin", &terms.admin, &at("/activations"), &ask, &essence).await?;
    let made = made.is(201)?;
    let listed = teller.get("admin", &terms.admin, &at("/activations"), &["/items"]).await?.is(200)?;
    let states = |listed: &Value| -> Vec<(String, String)> {
        let word = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let items = listed["items"].as_array().into_iter().flatten();
        items.map(|item| (word(item, "version"), word(item, "state"))).collect()
    };
    let of = |first: &str, second: &str| [(FIRST.to_owned(), first.to_owned()), (SECOND.to_owned(), second.to_owned())];
    ensure!(states(&listed) == of("in-force", "scheduled"), "{listed}");
    eventually("the new terms to hold", SOON, async || {
        let listed = terms.admin.see(&at("/activations")).await?;
        Ok((states(&listed) == of("superseded", "in-force")).then_some(()))
    })
    .await?;
    ensure!(moment::now() >= from, "not a moment earlier");
    let holds = terms.in_force().await?;
    ensure!(holds["version"] == SECOND, "{holds}");
    teller.note(&format!("… since {}: {}", text(&made, "from")?, text(&holds, "version")?));
    text(&promised, "id")
}

async fn decides(teller: &mut Teller, stage: &Stage, shop: &Shop, promised: &str) -> Result<()> {
    teller.step("Now three minutes hold: what was open is refused, with its limit; what is fresh is voided");
    let no = void(teller, shop, "S-1", &FINDING).await?.refused(422, "decision.deny")?;
    let limit = json!({"type": "lasting", "ms": 180_000});
    ensure!(finding(&no, "void.window")["limit"] == limit, "{no}");
    shop.sale("S-5").minutes_ago(0).register().await?;
    let yes = void(teller, shop, "S-5", &["/id", "/state", "/policy/version"]).await?.is(201)?;
    let done = becomes(teller, shop, &text(&yes, "id")?, &["done"]).await?;
    stage.did_once(&done)?;

    teller.step("The refund of before keeps what it was promised; a new one like it needs an approver");
    let cleared = clear(teller, shop, promised, &["cleared"]).await?;
    ensure!(cleared["policy"]["version"] == FIRST && cleared["plan"]["needed"] == 0, "{cleared}");
    stage.did_once(&cleared)?;
    shop.sale("S-6").days_ago(3).register().await?;
    let essence = ["/id", "/state", "/plan/tier", "/plan/needed", "/policy/version"];
    let ask = shop.refund("S-6", "60.00");
    let (made, _) = teller.tell("manager", &shop.manager, "/v1/refunds", &ask, &essence).await?;
    let made = made.is(201)?;
    ensure!(made["state"] == "in-review" && made["policy"]["version"] == SECOND, "{made}");
    Ok(())
}

async fn broken(teller: &mut Teller, terms: &Terms, shop: &Shop) -> Result<()> {
    teller.step("A third version has a slip of the pen: its author is shown the place");
    let file = terms.policies.add_contract("3.0.0", "3 minuts", "50.00")?;
    let ended = program::run(terms.policies.path(), &["policy", "check", &file]).await?;
    teller.command(&ended);
    let complaint = ended.refused()?;
    ensure!(complaint.contains(&file) && complaint.contains("3 minuts"), "{ended}");

    teller.step("Who installs it nevertheless is refused, and the version in force goes on deciding");
    let sound = terms.admin.see(&at(&format!("/versions/{SECOND}"))).await?;
    let mut wrong = sound.clone();
    wrong["version"] = json!("3.0.0");
    wrong["void"]["window"] = json!("3 minuts");
    let no = teller.put("admin", &terms.admin, &at("?activate=now"), wrong.to_string(), &["/code", "/detail"]).await?;
    no.refused(422, "body.invalid")?;
    let (no, _) = teller
        .tell("admin", &terms.admin, &at("/activations"), &json!({"version": "3.0.0"}), &["/code", "/detail"])
        .await?;
    no.refused(422, "body.invalid")?;
    ensure!(terms.in_force().await?["version"] == SECOND, "what is in force stays in force");
    let decided = check(teller, shop, "S-1").await?;
    ensure!(decided["outcome"] == "deny" && decided["policy"]["version"] == SECOND, "{decided}");
    Ok(())
}

async fn made_again(teller: &mut Teller, terms: &Terms, shop: &Shop) -> Result<()> {
    teller.step("Everything that was decided is taken out, with everything it depended on");
    let lines = exported(shop).await?;
    let decided_by = |version: &str| -> Result<usize> {
        let mut count = 0;
        for line in lines.lines() {
            let record: Value = serde_json::from_str(line).context("a line is a record")?;
            count += usize::from(record["policy"]["version"] == version);
        }
        Ok(count)
    };
    let (old, new) = (decided_by(FIRST)?, decided_by(SECOND)?);
    teller.note("GET /v1/decisions   [back office]   Accept: application/jsonl");
    teller.note(&format!("{old} decisions by {FIRST}, {new} by {SECOND}"));
    ensure!(old >= 4 && new >= 4, "three checks and a refund; two voids, a refund and a check: {old} and {new}");
    terms.policies.write("decisions.jsonl", &lines)?;

    teller.step("The component's own bytes make all of it again, each by the version that decided: equal to the byte");
    let folder = terms.policies.path();
    std::fs::create_dir(folder.join("versions"))?;
    for version in [FIRST, SECOND] {
        let document = terms.admin.get(&at(&format!("/versions/{version}"))).await?;
        document.is(200)?;
        terms.policies.write(&format!("versions/{CONTRACT}-{version}.json"), &document.text)?;
    }
    let component = checkout::component("eligibility")?;
    let component = component.to_str().context("the checkout's path is text")?;
    let replay = ["policy", "replay", "decisions.jsonl", "--policies", "versions", "--component", component];
    let ended = program::run(folder, &replay).await?;
    teller.command(&ended);
    let all = format!("{0} decisions made again: {0} equal to the byte, 0 different", old + new);
    ensure!(ended.well()?.contains(&all) && !ended.said.contains("other bytes"), "{ended}");

    teller.step("And what the new terms would have answered before they held");
    let pack = format!("{CONTRACT}-{SECOND}.toml");
    let backtest = [
        "policy",
        "backtest",
        "--policy",
        pack.as_str(),
        "decisions.jsonl",
        "--only",
        CONTRACT,
        "--csv",
        "changes.csv",
    ];
    let ended = program::run(folder, &backtest).await?;
    teller.command(&ended);
    let said = ended.well()?;
    ensure!(said.contains("void.window denies now (allow → deny)"), "{ended}");
    let changes = terms.policies.read("changes.csv")?;
    ensure!(changes.lines().skip(1).any(|line| line.contains("S-1") && line.contains("void.window")), "{changes}");
    Ok(())
}

/// All records of the day, a line each, page after page.
async fn exported(shop: &Shop) -> Result<String> {
    let mut lines = String::new();
    let mut next = Some("/v1/decisions?limit=5".to_owned());
    while let Some(path) = next {
        let page = Request::get(&path).header("accept", "application/jsonl").body(String::new())?;
        let page = shop.system.send(page).await?;
        ensure!(page.status == 200 && page.header("content-type").starts_with("application/jsonl"), "{page}");
        lines.push_str(&page.text);
        // `</v1/decisions?…>; rel="next"`
        let link = page.header("link").strip_prefix('<').and_then(|link| link.split_once('>'));
        next = link.map(|(path, _)| format!("{path}&limit=5"));
    }
    Ok(lines)
}
