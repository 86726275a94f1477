//! Who does the deeds. An actor does one after the other, and asks again under the same key until it is told how it went.

use crate::auditor::Promise;
use crate::cents;
use crate::deed::Deed;
use crate::provider::Payment;
use crate::shop::{Ask, Reply, Shop};
use core::cell::RefCell;
use serde_json::{Value, json};

/// Requests that were never answered for good: they are asked again when all is well.
pub type Open = RefCell<Vec<(Deed, Ask)>>;

/// The name of a payment of a run.
#[must_use]
pub fn sale_name(sale: usize) -> String {
    format!("S-{sale}")
}

fn refund_name(sale: usize, refund: usize) -> String {
    format!("R-{sale}-{refund}")
}

/// Attempts before an actor turns to something else. What it left open is asked for again in the end.
const ATTEMPTS: usize = 4;

/// Does deeds one after the other. `lane` and the number of a deed make its idempotency key.
pub async fn act(shop: &Shop, lane: usize, deeds: Vec<(usize, Deed)>, open: &Open) {
    for (number, deed) in deeds {
        let pause = shop.sim.with(|inside| match inside.rng.u8(..) {
            0..120 => inside.rng.i64(1..60),
            120..220 => inside.rng.i64(60..4_000),
            220..250 => inside.rng.i64(4_000..40_000),
            _ => inside.rng.i64(40_000..400_000),
        });
        shop.sim.sleep(pause).await;
        let Some(ask) = ask_for(shop, number, &deed) else { continue };
        shop.sim.with(|inside| {
            let now = inside.under_way.entry(deed.sale()).or_insert(0);
            *now = now.saturating_add(1);
            inside.contenders = inside.contenders.max(*now);
        });
        let twice = shop.sim.with(|inside| inside.rng.u8(..) < 16);
        let done = if twice {
            let (one, two) = both(until_told(shop, lane, &deed, &ask), until_told(shop, lane, &deed, &ask)).await;
            one && two
        } else {
            until_told(shop, lane, &deed, &ask).await
        };
        shop.sim.with(|inside| {
            if let Some(now) = inside.under_way.get_mut(&deed.sale()) {
                *now = now.saturating_sub(1);
            }
        });
        if !done {
            open.borrow_mut().push((deed, ask));
        }
    }
}

/// Two at once.
async fn both<A, B>(one: impl Future<Output = A>, two: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut two) = (Box::pin(one), Box::pin(two));
    let (mut first, mut second) = (None, None);
    core::future::poll_fn(|context| {
        if first.is_none()
            && let core::task::Poll::Ready(value) = one.as_mut().poll(context)
        {
            first = Some(value);
        }
        if second.is_none()
            && let core::task::Poll::Ready(value) = two.as_mut().poll(context)
        {
            second = Some(value);
        }
        match (first.take(), second.take()) {
            (Some(one), Some(two)) => core::task::Poll::Ready((one, two)),
            (one, two) => {
                (first, second) = (one, two);
                core::task::Poll::Pending
            }
        }
    })
    .await
}

/// Sends a request until it is answered for good; whether it was.
pub async fn until_told(shop: &Shop, lane: usize, deed: &Deed, ask: &Ask) -> bool {
    for attempt in 0..ATTEMPTS {
        let machine = shop.sim.with(|inside| inside.rng.usize(0..2));
        shop.sim.with(|inside| {
            note_intent(inside, deed);
            inside.tell(|_| {
                format!(
                    "{} {lane} asks gateway {machine} (attempt {attempt}): {} {} {}",
                    ask.who, ask.method, ask.path, ask.body
                )
            });
        });
        let reply = shop.send(deed.name(), machine, ask).await;
        shop.sim.with(|inside| {
            inside.tell(|_| {
                let told = reply.as_ref().map_or("nothing".to_owned(), |reply| {
                    format!("{} {}", reply.status, reply.text.chars().take(160).collect::<String>())
                });
                format!("{} {lane} is told for {} {}: {told}", ask.who, ask.method, ask.path)
            });
        });
        let wait = match &reply {
            Some(reply) if reply.status == 409 && reply.code() == "idempotency.in-flight" => 36_000,
            Some(reply) if reply.status < 500 => {
                told(shop, deed, ask, reply);
                return true;
            }
            _ => shop.sim.with(|inside| inside.rng.i64(200..6_000)),
        };
        shop.sim.sleep(wait).await;
    }
    false
}

/// What is known before a request is sent: from then on it may have happened.
fn note_intent(inside: &mut crate::sim::Inside, deed: &Deed) {
    match deed {
        Deed::Approve { sale, refund, by } => {
            let who = APPROVERS.get(*by).copied().unwrap_or("reviewer");
            inside.auditor.approvals.entry(refund_name(*sale, *refund)).or_default().insert(who);
        }
        Deed::Register { sale, cents, good, .. } => {
            // A payment of unknown outcome took place, or did not, or never reached the acquirer.
            let name = sale_name(*sale);
            match (good, sale.wrapping_add(usize::try_from(*cents).unwrap_or(0)) % 3) {
                (true, _) | (false, 0) => inside.provider.pays(&name, Payment::Paid, *cents),
                (false, 1) => inside.provider.pays(&name, Payment::Declined, 0),
                (false, _) => {}
            }
        }
        Deed::Code { sale, cents } => {
            inside.codes.insert(sale_name(*sale), *cents);
            inside.provider.pays(&sale_name(*sale), Payment::NotPaid, 0);
        }
        Deed::Hold { sale, cents } => inside.provider.pays(&sale_name(*sale), Payment::Held, *cents),
        _ => {}
    }
}

/// Who approves.
const APPROVERS: [&str; 3] = ["reviewer", "reviewer-2", "manager-2"];

/// An answer for good.
fn told(shop: &Shop, deed: &Deed, ask: &Ask, reply: &Reply) {
    shop.sim.with(|inside| {
        if let Deed::Withdraw { sale, refund } | Deed::Decline { sale, refund } = deed
            && reply.status < 300
        {
            inside.auditor.ended.insert(refund_name(*sale, *refund));
        }
        if reply.status >= 500 || reply.text.is_empty() {
            return;
        }
        let Some(key) = &ask.key else { return };
        let keeps = !matches!(reply.status, 400 | 403 | 404 | 413);
        if !keeps {
            return;
        }
        let before = inside.auditor.promises.iter().find(|promise| promise.key == *key).cloned();
        match before {
            Some(before) if (before.status, &before.text) != (reply.status, &reply.text) => {
                let what = format!(
                    "one-effect: under {key} {} was told {} {} and then {} {}",
                    ask.who, before.status, before.text, reply.status, reply.text
                );
                inside.auditor.object(what);
            }
            Some(_) => {}
            None => inside.auditor.promises.push(Promise {
                who: ask.who,
                path: ask.path.clone(),
                body: ask.body.clone(),
                key: key.clone(),
                status: reply.status,
                text: reply.text.clone(),
            }),
        }
    });
}

fn money(cents: i64) -> Value {
    json!({"amount": cents::write(cents), "currency": "CNY"})
}

fn slip(name: &str) -> Value {
    json!({"terminal": "T1", "batch": "000001", "voucher": name, "trace": name})
}

/// The request of a deed; `None` if the world does not let it happen.
fn ask_for(shop: &Shop, number: usize, deed: &Deed) -> Option<Ask> {
    let name = sale_name(deed.sale());
    let keyed = |who, path: String, body: Value| Ask {
        who,
        method: "POST",
        path,
        body: body.to_string(),
        key: Some(format!("key-{number}")),
    };
    let plain = |who, path: &str, body: Value| Ask {
        who,
        method: "POST",
        path: path.to_owned(),
        body: body.to_string(),
        key: None,
    };
    let of_sale = |part: &str| format!("/v1/transactions/{name}/{part}");
    let of_refund = |refund: usize, part: &str| format!("/v1/refunds/{}/{part}", refund_name(deed.sale(), refund));
    Some(match deed {
        Deed::Register { cents, good, today, .. } => {
            let paid_at = if *today { "2026-11-23T11:50:00+08:00" } else { "2026-11-22T12:00:00+08:00" };
            plain(
                "system",
                "/v1/transactions",
                json!({
                    "id": name, "amount": money(*cents), "fee_charged": money(60), "channel": "card", "card_type": "credit",
                    "slip": slip(&name), "order_number": format!("ORDER-{name}"), "payer_token": "9f86d081884c7d65",
                    "paid_at": paid_at, "outcome": if *good { "good" } else { "unknown" },
                }),
            )
        }
        Deed::Code { cents, .. } => plain(
            "system",
            "/v1/payment-codes",
            json!({
                "id": name, "amount": money(*cents), "presented_by": "merchant", "reference": format!("N-{name}"),
                "slip": slip(&name), "order_number": format!("ORDER-{name}"),
            }),
        ),
        Deed::Hold { cents, .. } => plain(
            "system",
            "/v1/holds",
            json!({
                "id": name, "amount": money(*cents), "authorised_at": "2026-11-23T11:50:00+08:00",
                "authorisation_code": "A12345", "card_type": "credit", "slip": slip(&name),
                "order_number": format!("ORDER-{name}"),
            }),
        ),
        Deed::CheckVoid { .. } => plain("supervisor", &of_sale("voids/check"), json!({"reason": "wrong-amount"})),
        Deed::Void { .. } => keyed("supervisor", of_sale("voids"), json!({"reason": "wrong-amount"})),
        Deed::Refund { refund, cents, sale } => keyed(
            "manager",
            "/v1/refunds".to_owned(),
            json!({
                "id": refund_name(*sale, *refund), "sale": name, "amount": money(*cents), "reason": "returned-goods",
            }),
        ),
        Deed::Approve { refund, by, .. } => {
            let who = APPROVERS.get(*by).copied().unwrap_or("reviewer");
            keyed(who, of_refund(*refund, "approvals"), json!({"revision": 1}))
        }
        Deed::Decline { refund, .. } => keyed("reviewer", of_refund(*refund, "declines"), json!({"reason": "no"})),
        Deed::Withdraw { refund, .. } => keyed("manager", of_refund(*refund, "withdrawals"), json!({"reason": "no"})),
        Deed::Clear { refund, .. } => keyed("finance", of_refund(*refund, "clearings"), json!({})),
        Deed::Retry { refund, .. } => keyed("finance", of_refund(*refund, "retries"), json!({})),
        Deed::Inquire { refund, .. } => keyed("reviewer", of_refund(*refund, "inquiries"), json!({"question": "why?"})),
        Deed::Inform { refund, .. } => keyed("manager", of_refund(*refund, "information"), json!({"note": "because"})),
        Deed::Trouble { .. } => keyed("terminal", of_sale("troubles"), json!({"trouble": "no-answer"})),
        Deed::OutcomeKnown { good, .. } => {
            // The acquirer's feed says what is in its books.
            let payment = shop.sim.with(|inside| inside.provider.books.get(&name).map(|book| book.payment));
            let outcome = match payment? {
                Payment::Paid if *good => "good",
                Payment::Declined => "declined",
                _ => return None,
            };
            keyed("system", of_sale("events"), json!({"type": "outcome-known", "outcome": outcome}))
        }
        Deed::Settle { .. } => keyed("system", of_sale("events"), json!({"type": "settled"})),
        Deed::Scan { .. } => {
            let (cents, paid) = shop.sim.with(|inside| {
                let cents = code_cents(inside, &name);
                (cents, inside.provider.scanned(&name, cents))
            });
            if !paid || cents == 0 {
                return None;
            }
            let scan = json!({"outcome": "good", "retrieval_reference": "632714000118"});
            keyed("terminal", format!("/v1/payment-codes/{name}/scans"), scan)
        }
        Deed::Cancel { .. } => keyed("supervisor", format!("/v1/payment-codes/{name}/cancellations"), json!({})),
        Deed::Complete { cents, .. } => {
            keyed("supervisor", format!("/v1/holds/{name}/completions"), json!({"amount": money(*cents)}))
        }
        Deed::Release { .. } => keyed("supervisor", format!("/v1/holds/{name}/releases"), json!({})),
        Deed::VoidCompletion { .. } => {
            keyed("supervisor", format!("/v1/holds/{name}/completion-voids"), json!({"reason": "wrong-amount"}))
        }
        Deed::Look { .. } => Ask {
            who: "system",
            method: "GET",
            path: format!("/v1/transactions/{name}"),
            body: String::new(),
            key: None,
        },
    })
}

/// The amount of the order behind a code.
fn code_cents(inside: &crate::sim::Inside, name: &str) -> i64 {
    inside.codes.get(name).copied().unwrap_or(0)
}
