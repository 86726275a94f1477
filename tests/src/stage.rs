//! What a chapter is played on: a server, an acquirer, a receiver of webhooks.

use crate::policies::{HANDHELD, Policies};
use crate::program::{self, Ended};
use crate::receiver::Receiver;
use crate::server::Server;
use crate::shop::{Shop, cny};
use anyhow::{Context as _, Result, ensure};
use rescind_acquirer::{
    Acquirer, Arrival, Arriving, Behaviour, Kind, Match, Means, Options, PaymentEffects, PaymentState, Question,
    Script, Word,
};
use rescind_model::{MerchantId, SaleId};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// Everything that runs.
#[derive(Debug)]
pub struct Stage {
    /// The server.
    pub server: Server,
    /// The acquirer it sends to.
    pub acquirer: Acquirer,
    /// Where webhooks go.
    pub receiver: Receiver,
    /// How the keys were made that sign bundles for terminals under [`HANDHELD`].
    pub keys_made: Ended,
    /// Where they are: `bundles.key`, and `trust.json` for terminals.
    keys: TempDir,
    /// Read again at every start.
    policies: Policies,
}

impl Stage {
    /// Starts everything: the packs, [`QUICK`](crate::policies::QUICK), [`BRIEF`](crate::policies::BRIEF) and [`HANDHELD`] are
    /// in force.
    ///
    /// # Errors
    /// Something does not start.
    pub async fn open() -> Result<Self> {
        let acquirer = Acquirer::bind("127.0.0.1:0", Options::default()).await?;
        let receiver = Receiver::start().await?;
        let policies = Policies::packs()?;
        policies.add_quick()?;
        policies.add_brief()?;
        policies.add_handheld()?;
        let keys = tempfile::tempdir()?;
        let keygen = ["bundle", "keygen", "--out", "bundles.key", "--name", HANDHELD, "--trust", "trust.json"];
        let keys_made = program::run(keys.path(), &keygen).await?;
        keys_made.well()?;
        let server = Server::with(|setup| {
            setup.acquirer_url = Some(acquirer.url());
            policies.path().clone_into(&mut setup.policies);
            setup.bundle_keys = Some(keys.path().join("trust.json"));
        })
        .await?;
        Ok(Self { server, acquirer, receiver, keys_made, keys, policies })
    }

    /// Where the keys are that sign bundles.
    #[must_use]
    pub fn keys(&self) -> &Path {
        self.keys.path()
    }

    /// Where the policies are.
    #[must_use]
    pub fn policies(&self) -> &Path {
        self.policies.path()
    }

    /// Opens a shop under a policy.
    ///
    /// # Errors
    /// Something was not answered as expected.
    pub async fn shop(&self, merchant: &str, policy: &str) -> Result<Shop> {
        Shop::open(&self.server, merchant, policy).await
    }

    /// Lets a payment reach the acquirer as a terminal or a payer's telephone would send it: past Rescind.
    ///
    /// # Errors
    /// The acquirer refuses it.
    pub fn arrives(
        &self,
        shop: &Shop,
        sale: &str,
        means: Means,
        state: Arriving,
        amount: &str,
    ) -> Result<PaymentState> {
        let money = |amount: &str| serde_json::from_value(cny(amount)).context("an amount is an amount");
        let ceiling = if means == Means::Hold { Some(money("1150.00")?) } else { None };
        let arrival = Arrival {
            merchant: MerchantId::parse(&shop.merchant)?,
            sale: SaleId::parse(sale)?,
            means,
            state,
            amount: money(amount)?,
            ceiling,
        };
        self.acquirer.arrive(&arrival).map_err(|refusal| anyhow::anyhow!("the acquirer refuses {sale}: {refusal:?}"))
    }

    /// Makes the next operation of a kind for a sale go wrong.
    ///
    /// # Errors
    /// There is no such thing to go wrong.
    pub fn script(&self, kind: Kind, sale: &str, behaviour: Behaviour) -> Result<()> {
        let matching = Match { kind: Some(kind), sale: Some(sale.to_owned()), ..Match::default() };
        Ok(self.acquirer.script(Script { matching, times: 1, behaviour })?)
    }

    /// Answers questions about a sale with a word, so many times.
    ///
    /// # Errors
    /// The word answers no such question.
    pub fn says(&self, question: Question, sale: &str, times: u32, status: Word) -> Result<()> {
        let matching = Match { question: Some(question), sale: Some(sale.to_owned()), ..Match::default() };
        Ok(self.acquirer.script(Script { matching, times, behaviour: Behaviour::Says { status } })?)
    }

    /// What the acquirer's own books say of a payment.
    ///
    /// # Errors
    /// It was never seen.
    pub fn payment(&self, shop: &Shop, sale: &str) -> Result<PaymentEffects> {
        let found = self.acquirer.effects().payments.remove(&format!("{}/{sale}", shop.merchant));
        found.with_context(|| format!("the acquirer knows no payment {sale}"))
    }

    /// What the acquirer voided and refunded of a sale: `["128.00", "0.00"]`; nothing if it did nothing.
    #[must_use]
    pub fn moved(&self, shop: &Shop, sale: &str) -> [String; 2] {
        let done = self.acquirer.effects().sales.remove(&format!("{}/{sale}", shop.merchant));
        done.map_or_else(|| ["0.00".to_owned(), "0.00".to_owned()], |done| [done.voided, done.refunded])
    }

    /// No reference took effect twice, and this one did once.
    ///
    /// # Errors
    /// It is otherwise.
    pub fn did_once(&self, operation: &Value) -> Result<()> {
        let reference = operation["provider_reference"].as_str().context("an operation has a provider reference")?;
        let effects = self.acquirer.effects();
        let own = effects.references.get(reference).with_context(|| format!("{reference} never arrived"))?;
        ensure!(own.effects == 1, "{reference} took effect {} times in {} calls", own.effects, own.calls);
        Ok(())
    }
}
