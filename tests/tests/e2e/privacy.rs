//! Card numbers and secrets are nowhere: not in answers, not in the database, not in the log.

use crate::world::World;
use anyhow::{Result, ensure};
use http::{Method, Request};
use rescind_tests::client::fresh_key;
use rescind_tests::operator::{SUPERVISOR, begin};
use rescind_tests::shop::text;
use rescind_tests::{Receiver, Reply, cny};
use serde_json::json;

/// Published test numbers: Visa, UnionPay with 16 and 19 digits.
const CARDS: [&str; 3] = ["4111111111111111", "6200000000000005", "6205500000000000004"];

/// What was answered to what.
#[derive(Default)]
struct Answers(Vec<(String, String)>);

impl Answers {
    fn note(&mut self, reply: Reply) {
        self.0.push((reply.request, reply.text));
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The number as people type it.
fn grouped(card: &str, separator: &str) -> String {
    let groups: Vec<String> = card.as_bytes().chunks(4).map(|g| String::from_utf8_lossy(g).into_owned()).collect();
    groups.join(separator)
}

#[tokio::test]
async fn a_card_number_is_masked_flagged_and_found_nowhere() -> Result<()> {
    let mut world = World::under("lakala").await?;
    let shop = world.shop.clone();
    let receiver = Receiver::start().await?;
    shop.endpoint(&receiver.url()).await?;
    let mut answers = Answers::default();
    for (n, card) in CARDS.iter().enumerate() {
        let (sale, masked) =
            (format!("S-{n}"), format!("{}{}{}", &card[..6], "*".repeat(card.len() - 10), &card[card.len() - 4..]));
        let new = shop.sale(&sale).of("1000.00").days_ago(2).with("order_number", json!(format!("no. {card}")));
        let made = new.register().await?;
        ensure!(made["masked"] == true && made["order_number"] == format!("no. {masked}"), "{made}");
        ensure!(new.send().await?.is(200)?["id"] == sale, "the same sale again is harmless");
        let found = shop.system.see(&format!("/v1/transactions?order_number=no.%20{card}")).await?;
        ensure!(found["items"][0]["id"] == sale, "{found}");

        let mut ask = shop.refund(&sale, "300.00");
        ask["note"] = json!(format!("back to {card}, {} or {} please", grouped(card, " "), grouped(card, "-")));
        let made = shop.manager.tell("/v1/refunds", &ask).await?.is(201)?;
        let refund = format!("/v1/refunds/{}", text(&made, "id")?);
        let seen = shop.manager.see(&refund).await?;
        let note = seen["note"]["text"].as_str();
        ensure!(made["masked"] == true && note.is_some_and(|n| n.contains(&masked)), "{seen}");
        let because = json!({"reason": format!("wrong card {card}")});
        answers.note(shop.reviewer.tell(&format!("{refund}/declines"), &because).await?);
        answers.note(shop.system.get(&refund).await?);
        answers.note(shop.system.get(&format!("{refund}/slip")).await?);
        // Where it cannot be kept as text it is refused, and not repeated.
        for (field, value) in
            [("id", json!(card)), ("payer_token", json!(card)), ("channel", json!(card)), ("paid_at", json!(card))]
        {
            let reply = shop.sale("S-9").with(field, value.clone()).body();
            let reply = if field == "paid_at" { json!({"paid_at": value, "id": "S-9"}) } else { reply };
            let reply = shop.system.post("/v1/transactions", &reply).await?;
            ensure!(reply.status == 422, "{field}: {reply}");
            answers.note(reply);
        }
        let amount = json!({"sale": sale, "amount": {"amount": card, "currency": card}, "reason": "duplicate"});
        answers.note(shop.manager.tell("/v1/refunds", &amount).await?);
        let unknown = json!({"sale": sale, "amount": cny("1.00"), "reason": "duplicate", (*card): card});
        answers.note(shop.manager.tell("/v1/refunds", &unknown).await?);
        let reason = json!({"sale": sale, "amount": cny("1.00"), "reason": card});
        answers.note(shop.manager.tell("/v1/refunds", &reason).await?);
        let desk = json!({"label": format!("desk {card}"), "principals": {}});
        answers.note(shop.admin.post("/v1/review-sources?merchant=M-1", &desk).await?);
        // Where no free text is expected, somebody will put it all the same.
        answers.note(shop.system.get(&format!("/v1/transactions/{card}")).await?);
        answers.note(shop.system.get(&format!("/v1/refunds/{card}/slip")).await?);
        answers.note(shop.system.get(&format!("/v1/{card}")).await?);
        answers.note(shop.system.get(&format!("/v1/refunds?state={card}")).await?);
        answers.note(shop.system.get(&format!("/v1/refunds?{card}=1")).await?);
        answers.note(shop.manager.tell_under(card, "/v1/refunds", &shop.refund(&sale, "1.00")).await?);
        let traced = Request::get("/v1/refunds").header("x-request-id", *card).body(String::new())?;
        answers.note(shop.system.send(traced).await?);
        answers.note(
            shop.system.call(Method::DELETE, &format!("/v1/webhook-endpoints/{card}"), None, String::new()).await?,
        );
    }
    let feed = shop.feed().await?;
    receiver.at_least(feed.len()).await?;
    answers.0.push(("the feed".to_owned(), json!(feed).to_string()));
    for delivery in receiver.deliveries() {
        answers.0.push(("a webhook".to_owned(), String::from_utf8_lossy(&delivery.body).into_owned()));
    }
    let running = world.server.database()?;
    world.server.stop().await?;
    let (stopped, log) = (world.server.database()?, world.server.log()?);
    for card in CARDS {
        for form in [card.to_owned(), grouped(card, " "), grouped(card, "-")] {
            let repeated = answers.0.iter().find(|(_, text)| text.contains(&form));
            ensure!(repeated.is_none(), "an answer repeats {form}: {repeated:?}");
            ensure!(!holds(&running, &form) && !holds(&stopped, &form), "the database holds {form}");
            let line = log.lines().find(|line| line.contains(&form));
            ensure!(line.is_none(), "the log holds {form}: {line:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_long_order_number_is_no_card_number() -> Result<()> {
    let world = World::under("lakala").await?;
    let order = "20261123000000000000001234567890";
    let made = world.shop.sale("S-1").with("order_number", json!(order)).register().await?;
    ensure!(made["order_number"] == order && made.get("masked").is_none(), "{made}");
    Ok(())
}

#[tokio::test]
async fn secrets_are_shown_once_and_logged_never() -> Result<()> {
    let mut world = World::under("lakala").await?;
    let shop = world.shop.clone();
    let receiver = Receiver::start().await?;
    let endpoint = shop.endpoint(&receiver.url()).await?;
    let desk = shop.review_desk(&json!({"kim": shop.person("reviewer")})).await?;
    shop.sale("S-1").days_ago(2).register().await?;
    shop.manager.tell_under(&fresh_key(), "/v1/refunds", &shop.refund("S-1", "1.00")).await?.is(201)?;
    receiver.at_least(3).await?;
    let session = begin(&shop.terminal, &SUPERVISOR).await?;
    let operation = json!({"way": "refund", "sale": "S-1", "amount": cny("1.00"), "reason": "returned-goods"});
    let proof = shop.proof(&shop.terminal, &SUPERVISOR, &operation).await?;
    let asked = shop.terminal.showing(&proof).tell("/v1/refunds", &shop.refund("S-1", "1.00")).await?.is(201)?;
    ensure!(asked["requested_by"] == shop.person("supervisor"), "{asked}");
    let mut listed = String::new();
    for path in ["/v1/keys?limit=100", "/v1/webhook-endpoints?merchant=M-1", "/v1/review-sources?merchant=M-1"] {
        listed += &shop.admin.get(path).await?.text;
    }
    world.server.stop().await?;
    let (database, log) = (world.server.database()?, world.server.log()?);
    for client in [&shop.admin, &shop.system, &shop.terminal, &shop.manager] {
        let secret = client.key().rsplit('_').next().unwrap_or_default();
        ensure!(secret.len() >= 32, "a key has a long secret");
        ensure!(!listed.contains(secret) && !log.contains(secret), "a key shows again");
        ensure!(!holds(&database, secret), "keys are stored hashed");
    }
    // An operator's session, the proof that came of it, and the PIN: neither logged nor stored.
    let token = session.token.rsplit('_').next().unwrap_or_default();
    for secret in [token, &proof] {
        ensure!(secret.len() >= 64 && !log.contains(secret) && !holds(&database, secret), "a session or proof is kept");
    }
    for form in [format!("\"{}\"", SUPERVISOR.pin), format!(" {}", SUPERVISOR.pin)] {
        ensure!(!log.contains(&form) && !holds(&database, &form), "a PIN is kept");
    }
    for secret in [&endpoint.secret, &desk.secret] {
        let bare = secret.trim_start_matches("whsec_");
        ensure!(!listed.contains(bare) && !log.contains(bare), "a signing secret shows again");
    }
    Ok(())
}
