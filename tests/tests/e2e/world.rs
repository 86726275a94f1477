//! What most tests begin with: an acquirer, a server that sends to it, and a shop.

use anyhow::{Context as _, Result, ensure};
use rescind_acquirer::{Behaviour, Match, SaleEffects, Script};
use rescind_tests::client::fresh_key;
use rescind_tests::{Acquirer, Options, Policies, Server, Shop, moment};
use serde_json::{Value, json};

pub struct World {
    pub acquirer: Acquirer,
    pub server: Server,
    pub shop: Shop,
    /// Read again at every start.
    _policies: Option<Policies>,
}

impl World {
    /// A shop under a pack, at a time when the business day does not end within the test.
    pub async fn under(policy: &str) -> Result<Self> {
        moment::clear_of_the_cut_off(rescind_model::Duration::minutes(1)).await;
        let acquirer = Acquirer::bind("127.0.0.1:0", Options::default()).await?;
        let server = Server::with_acquirer(&acquirer).await?;
        let shop = Shop::open(&server, "M-1", policy).await?;
        Ok(Self { acquirer, server, shop, _policies: None })
    }

    /// A shop under the `open` variant: hundreds of voids and refunds a day without a person.
    pub async fn open() -> Result<Self> {
        let acquirer = Acquirer::bind("127.0.0.1:0", Options::default()).await?;
        let policies = Policies::with_open()?;
        let server = Server::with(|setup| {
            setup.acquirer_url = Some(acquirer.url());
            policies.path().clone_into(&mut setup.policies);
        })
        .await?;
        let shop = Shop::open(&server, "M-1", "open").await?;
        Ok(Self { acquirer, server, shop, _policies: Some(policies) })
    }

    /// Makes the next call for a sale go wrong.
    pub fn script(&self, sale: &str, behaviour: Behaviour) -> Result<()> {
        let matching = Match { sale: Some(sale.to_owned()), ..Match::default() };
        Ok(self.acquirer.script(Script { matching, times: 1, behaviour })?)
    }

    /// What the acquirer did for a sale.
    pub fn effects(&self, sale: &str) -> Option<SaleEffects> {
        self.acquirer.effects().sales.get(&format!("{}/{sale}", self.shop.merchant)).cloned()
    }

    /// The acquirer's own count: this much voided and refunded of a sale, in one effect.
    pub fn did_once(&self, sale: &str, voided: &str, refunded: &str) -> Result<()> {
        let seen = self.effects(sale).with_context(|| format!("the acquirer did nothing for {sale}"))?;
        let expected = SaleEffects {
            currency: "CNY".into(),
            voided: voided.into(),
            refunded: refunded.into(),
            reversed: "0.00".into(),
            count: 1,
        };
        ensure!(seen == expected, "{sale}: {seen:?}");
        Ok(())
    }

    /// No reference took effect twice.
    pub fn nothing_twice(&self) -> Result<()> {
        let effects = self.acquirer.effects();
        let twice: Vec<_> = effects.references.iter().filter(|(_, reference)| reference.effects > 1).collect();
        ensure!(twice.is_empty(), "more than one effect: {twice:?}");
        Ok(())
    }

    /// Asks for a refund of a sale that needs nobody's approval, and gives its id.
    pub async fn approved_refund(&self, sale: &str, amount: &str) -> Result<String> {
        let made =
            self.shop.manager.insist(&fresh_key(), "/v1/refunds", &self.shop.refund(sale, amount)).await?.is(201)?;
        ensure!(made["state"] == "approved", "{made}");
        rescind_tests::shop::text(&made, "id")
    }

    /// Sends an approved refund to clearing.
    pub async fn clear(&self, refund: &str) -> Result<Value> {
        self.shop.finance.insist(&fresh_key(), &format!("/v1/refunds/{refund}/clearings"), &json!({})).await?.is(200)
    }
}

/// The types of a history, oldest first.
pub fn types(history: &Value) -> Vec<&str> {
    history.as_array().into_iter().flatten().filter_map(|event| event["type"].as_str()).collect()
}

/// The finding of a rule in a refusal or a decision.
pub fn finding<'v>(answer: &'v Value, rule: &str) -> &'v Value {
    let findings = answer.pointer("/decision/findings").or_else(|| answer.get("findings"));
    let found = findings.and_then(Value::as_array).and_then(|all| all.iter().find(|f| f["rule"] == rule));
    found.unwrap_or(&Value::Null)
}
