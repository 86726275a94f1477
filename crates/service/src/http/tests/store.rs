//! A deployment whose store cannot keep money safe: everybody is told so, at the start and at each change, and nothing is
//! changed.

use super::shop::{Shop, refund, sale};
use crate::ports::Ports as _;
use crate::store::Unsound;
use crate::testkit::{Fault, MemoryKv};
use serde_json::json;

fn kv(shop: &Shop) -> &MemoryKv {
    shop.world.app.ports.kv()
}

#[tokio::test]
async fn on_a_store_that_cannot_keep_money_safe_nothing_is_done_and_everybody_is_told() {
    for (fault, why) in [(Fault::NoAtomics, Unsound::NoAtomics), (Fault::NoCreation, Unsound::NoCreation)] {
        let sound = Shop::new().await;
        sound.sale_of_today("S-1").await;
        sound.sale_of_yesterday("S-2").await;
        let seen = sound.get(&sound.system, "/v1/transactions/S-1").await.expect(200);
        let shop = sound.moved_to(fault).await;
        let before = kv(&shop).keys();
        let ready = shop.get("", "/readyz").await;
        let told = ready.refused(503, "store.refused");
        assert!(told["detail"].as_str().unwrap().contains(&why.to_string()), "{told}");
        assert!(!ready.headers.contains_key("retry-after"), "it does not mend by itself");
        // The gateway itself is up.
        assert_eq!(shop.get("", "/healthz").await.expect(200), json!({"status": "ok"}));

        let asks = [
            ("/v1/transactions", sale("S-3", "2026-11-23T11:55:00+08:00")),
            ("/v1/transactions/S-1/troubles", json!({"trouble": "printer-fault"})),
            ("/v1/transactions/S-1/events", json!({"type": "settled"})),
            ("/v1/refunds", refund("S-2", "1.00")),
        ];
        // Each under a key of its own, and again under the same.
        for _ in 0..2 {
            for (path, body) in &asks {
                let reply = shop.call(&shop.manager, "POST", path, Some(path), &body.to_string()).await;
                reply.refused(503, "store.refused");
            }
            shop.void("S-1", "void").await.refused(503, "store.refused");
        }
        // What is there can be read.
        assert_eq!(shop.get(&shop.system, "/v1/transactions/S-1").await.expect(200), seen);
        // The courier does nothing, whatever it says.
        drop(shop.world.app.tick().await);
        assert_eq!(shop.world.app.ports.sent().len(), 0);
        assert_eq!(kv(&shop).keys(), before, "nothing was written");
        let logged = shop.world.app.ports.logged();
        assert!(logged.iter().any(|line| line.contains("refused") && line.contains(&why.to_string())), "{logged:?}");

        // The same database on a store that can is as it was.
        let back = shop.moved_to(Fault::None).await;
        back.get("", "/readyz").await.expect(200);
        back.void("S-1", "void").await.expect(201);
    }
}

#[tokio::test]
async fn readiness_says_whether_the_store_answers_now() {
    let shop = Shop::new().await;
    assert_eq!(shop.get("", "/readyz").await.expect(200), json!({"status": "ready"}));
    kv(&shop).plan(crate::testkit::Plan::always(crate::testkit::Trouble::FailsBefore));
    let reply = shop.get("", "/readyz").await;
    reply.refused(503, "store.unavailable");
    assert_eq!(reply.headers["retry-after"], "1");
    assert_eq!(shop.get("", "/healthz").await.expect(200), json!({"status": "ok"}));
    kv(&shop).calm();
    shop.get("", "/readyz").await.expect(200);
}

#[tokio::test]
async fn sound_stores_are_ready_whatever_they_say_of_swaps() {
    for fault in Fault::ALL.into_iter().filter(|fault| !matches!(fault, Fault::NoAtomics | Fault::NoCreation)) {
        let shop = Shop::on(fault, "lakala").await;
        shop.get("", "/readyz").await.expect(200);
        shop.sale_of_yesterday("S-1").await;
        let first = shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "60.00")).await;
        assert!(first.status.is_success(), "{fault:?}: {}", first.text);
        // 100.00 were captured: the second does not fit.
        let second = shop.tell(&shop.manager, "/v1/refunds", &refund("S-1", "60.00")).await;
        assert_eq!(second.status, 422, "{fault:?}: {}", second.text);
    }
}
