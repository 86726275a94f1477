//! Who does the deeds. An actor does one after the other, and asks again under the same key until it is told how it went.

use crate::auditor::Promise;
use crate::cents;
use crate::deed::{Deed, SALES};
use crate::provider::{Payment, State};
use crate::shop::{Ask, Reply, Shop};
use core::cell::RefCell;
use serde_json::{Value, json};

/// Requests that were never answered for good: they are asked again when all is well.
pub type Open = RefCell<Vec<(Deed, Ask)>>;

/// Names of payments, two of which share a lane each: what is done about them meets in one record.
const NAMES: [&str; SALES] = ["S-0", "S-2", "S-6", "S-10"];

/// The name of a payment of a run.
#[must_use]
pub fn sale_name(sale: usize) -> String {
    NAMES.get(sale).map_or_else(|| format!("S-{sale}"), |name| (*name).to_owned())
}

fn refund_name(sale: usize, refund: usize) -> String {
    format!("R-{}-{refund}", sale_name(sale))
}

/// Attempts before an actor turns to something else. What it left open is asked for again in the end.
const ATTEMPTS: usize = 4;

/// Somebody else is at it, or was and died over it.
const IN_FLIGHT: [&str; 2] = ["idempotency.in-flight", "sync.in-flight"];

/// How long somebody whose line is cut waits for an answer, in ms.
const LINE_PATIENCE: i64 = 3_000;

/// Does deeds one after the other. `lane` and the number of a deed make its idempotency key.
pub async fn act(shop: &Shop, lane: usize, deeds: Vec<(usize, Deed)>, open: &Open) {
    let mut meets = false;
    for (number, deed) in deeds {
        let pause = shop.sim.with(|inside| match inside.rng.u8(..) {
            0..120 => inside.rng.i64(1..60),
            120..220 => inside.rng.i64(60..4_000),
            220..250 => inside.rng.i64(4_000..40_000),
            _ => inside.rng.i64(40_000..400_000),
        });
        match &deed {
            Deed::Meet { at } => {
                let until = shop.sim.with(|inside| crate::shop::NOON.saturating_add(*at).saturating_sub(inside.clock));
                shop.sim.sleep(until.max(1)).await;
                meets = true;
                continue;
            }
            Deed::Restart { courier } => {
                let machine = crate::shop::COURIERS.get(*courier).copied().unwrap_or(0);
                shop.sim.with(|inside| {
                    inside.tell(|_| format!("an operator starts courier {machine} again"));
                    inside.restart(machine);
                });
                continue;
            }
            // Whoever has met the others does at once what they met for.
            _ if meets => meets = false,
            _ => shop.sim.sleep(pause).await,
        }
        let Some(ask) = ask_for(shop, number, &deed) else { continue };
        let changes = ask.method == "POST" && !matches!(deed, Deed::CheckVoid { .. });
        shop.sim.with(|inside| {
            inside.commands = inside.commands.saturating_add(usize::from(changes));
            let now = inside.under_way.entry(deed.sale()).or_insert(0);
            *now = now.saturating_add(1);
            inside.contenders = inside.contenders.max(*now);
        });
        // Webhooks come at least once, often twice, and late.
        let webhook = matches!(deed, Deed::Review { .. });
        let (twice, late) = shop.sim.with(|inside| {
            let twice = inside.rng.u8(..) < if webhook { 128 } else { 24 };
            (twice, if webhook { inside.rng.i64(1..40_000) } else { 0 })
        });
        let done = if twice {
            let again = async {
                if late > 0 {
                    shop.sim.sleep(late).await;
                }
                until_told(shop, lane, &deed, &ask).await
            };
            let (one, two) = both(until_told(shop, lane, &deed, &ask), again).await;
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
        // Two persons who say what became of something are served each by a gateway of their own, at first.
        let machine = match deed {
            Deed::Resolve { by, .. } if attempt == 0 => *by,
            _ => shop.sim.with(|inside| inside.rng.usize(0..2)),
        };
        shop.sim.with(|inside| {
            note_intent(inside, deed, ask);
            inside.tell(|_| {
                format!(
                    "{} {lane} asks gateway {machine} (attempt {attempt}): {} {} {}",
                    ask.who, ask.method, ask.path, ask.body
                )
            });
        });
        let reply = match shop.sim.with(|inside| inside.cut_off(lane, deed.name())) {
            None => shop.send(deed.name(), machine, ask).await,
            Some(arrives) => {
                if arrives {
                    let _unheard = shop.send(deed.name(), machine, ask).await;
                }
                shop.sim.sleep(LINE_PATIENCE).await;
                None
            }
        };
        shop.sim.with(|inside| {
            inside.tell(|_| {
                let told = reply.as_ref().map_or("nothing".to_owned(), |reply| {
                    format!("{} {}", reply.status, reply.text.chars().take(160).collect::<String>())
                });
                format!("{} {lane} is told for {} {}: {told}", ask.who, ask.method, ask.path)
            });
        });
        let wait = match &reply {
            Some(reply) if reply.status == 409 && IN_FLIGHT.contains(&reply.code().as_str()) => 36_000,
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
fn note_intent(inside: &mut crate::sim::Inside, deed: &Deed, ask: &Ask) {
    match deed {
        Deed::Resolve { .. } => {
            let id = ask.path.split('/').nth(3).unwrap_or_default().to_owned();
            inside.auditor.words.entry(id).or_default().insert(ask.who);
        }
        Deed::Approve { sale, refund, by } | Deed::Review { sale, refund, by, approves: true } => {
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
pub const APPROVERS: [&str; 3] = ["reviewer", "reviewer-2", "manager-2"];

/// An answer for good.
fn told(shop: &Shop, deed: &Deed, ask: &Ask, reply: &Reply) {
    shop.sim.with(|inside| {
        if let Deed::Withdraw { sale, refund }
        | Deed::Decline { sale, refund }
        | Deed::Review { sale, refund, approves: false, .. } = deed
            && reply.status < 300
        {
            inside.auditor.ended.insert(refund_name(*sale, *refund));
        }
        if reply.status >= 500 || reply.text.is_empty() {
            return;
        }
        if ask.key.is_none() && ask.seal.is_none() {
            return;
        }
        let keeps = !matches!(reply.status, 400 | 401 | 403 | 404 | 413);
        if !keeps {
            return;
        }
        let before = inside.auditor.promises.iter().find(|promise| promise.ask == *ask).cloned();
        match before {
            Some(before) if (before.status, &before.text) != (reply.status, &reply.text) => {
                let what = format!(
                    "one-effect: for {} {} was told {} {} and then {} {}",
                    ask.path, ask.who, before.status, before.text, reply.status, reply.text
                );
                inside.auditor.object(what);
            }
            Some(_) => {}
            None => inside.auditor.promises.push(Promise {
                ask: ask.clone(),
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

/// The request of a deed, the `number`th of its run; `None` if the world does not let it happen.
pub fn ask_for(shop: &Shop, number: usize, deed: &Deed) -> Option<Ask> {
    let name = sale_name(deed.sale());
    let keyed = |who, path: String, body: Value| Ask {
        who,
        method: "POST",
        path,
        body: body.to_string(),
        key: Some(format!("key-{number}")),
        seal: None,
        batch: None,
    };
    let plain = |who, path: &str, body: Value| Ask {
        who,
        method: "POST",
        path: path.to_owned(),
        body: body.to_string(),
        key: None,
        seal: None,
        batch: None,
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
        Deed::Review { refund, by, approves, .. } => {
            let mut body = json!({
                "refund": refund_name(deed.sale(), *refund), "principal": format!("user-{by}"), "revision": 1,
                "decision": if *approves { "approve" } else { "decline" },
            });
            if !approves && let Some(body) = body.as_object_mut() {
                body.insert("reason".to_owned(), "no".into());
            }
            let ask = plain("webhook", &shop.reviews, body);
            Ask { seal: Some(format!("msg-{number}")), ..ask }
        }
        Deed::Resolve { by, .. } => {
            let (who, second) = if *by == 0 { ("finance", "manager-2") } else { ("manager-2", "finance") };
            let (part, id, took_place) = shop.sim.with(|inside| looked_up(inside, deed.sale()))?;
            let body = json!({"took_place": took_place, "second": format!("M-1.{second}"), "reason": "their books"});
            keyed(who, format!("/v1/{part}/{id}/resolutions"), body)
        }
        Deed::Order { .. } => {
            keyed("compliance", of_sale("legal-orders"), json!({"reference": "court 1", "reason": "a judgment"}))
        }
        Deed::Confirm { by, .. } => {
            let order = shop.sim.with(|inside| inside.auditor.orders.values().next().cloned())?;
            let who = if *by == 0 { "compliance" } else { "compliance-2" };
            keyed(who, format!("/v1/legal-orders/{order}/confirmations"), json!({}))
        }
        Deed::Sync { batch } => Ask { batch: Some(*batch), ..plain("terminal", "/v1/terminal/sync", Value::Null) },
        Deed::Restart { .. } | Deed::Meet { .. } => return None,
        Deed::Look { .. } => Ask {
            who: "system",
            method: "GET",
            path: format!("/v1/transactions/{name}"),
            body: String::new(),
            key: None,
            seal: None,
            batch: None,
        },
    })
}

/// What persons find out about something of which nobody knows, by looking into the acquirer's books: what it is, its name,
/// whether it took place. They wait as long as it is being processed, or asked for.
fn looked_up(inside: &mut crate::sim::Inside, sale: usize) -> Option<(&'static str, String, bool)> {
    let all = &inside.auditor.unknown;
    let of_sale = all.get(&sale_name(sale)).into_iter().flatten();
    let unknown = of_sale.chain(all.values().flatten()).next()?;
    if inside.calling.contains(&unknown.reference) {
        return None;
    }
    let took_place = match inside.provider.operations.get(&unknown.reference).map(|operation| &operation.state) {
        Some(State::Done) => true,
        Some(State::Failed(_)) | None => false,
        Some(State::Processing(_)) => return None,
    };
    Some((if unknown.is_refund { "refunds" } else { "operations" }, unknown.id.clone(), took_place))
}

/// The amount of the order behind a code.
fn code_cents(inside: &crate::sim::Inside, name: &str) -> i64 {
    inside.codes.get(name).copied().unwrap_or(0)
}
