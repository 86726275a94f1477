//! `rescind fill`: many sales at once, to measure what a full database costs.
//!
//! They are registered by the service's own code, natively and without HTTP, and published as the courier does it, so
//! each leaves behind exactly what it leaves behind otherwise: the record, the indexes, the feed.

use crate::native::{Native, now};
use crate::provision;
use crate::stdio::say;
use anyhow::{Context as _, anyhow};
use clap::Args;
use rescind_host::store::{SqliteStore, Store};
use rescind_model::{
    CardType, Channel, Instant, MerchantId, Money, Sale, SaleId, SaleOutcome, SettlementMode, SlipNumbers, TerminalId,
};
use rescind_service::App;
use rescind_service::principal::{Bearer, Principal};
use std::path::PathBuf;
use std::sync::Arc;

/// Sales registered between two publications: far below what the lanes of intents hold.
const PER_PUBLICATION: u64 = 256;

/// Publications between two times that the disk is waited for: what a queue of writes holds, in large commits.
const PER_COMMIT: u64 = 2;

/// Milliseconds ago that the last was paid: not today, whatever the hour, so that it can be refunded.
const LAST_AGO_MS: i64 = 2 * 86_400_000;

/// Milliseconds over which they were paid: all within the month in which a refund can be asked for.
const SPAN_MS: i64 = 20 * 86_400_000;

/// Add sales to a merchant that is there, for measurements. Never on a real database.
#[derive(Debug, Args)]
pub struct Fill {
    /// The database. Nothing may have it open.
    #[arg(long, default_value = "rescind.db")]
    db: PathBuf,
    /// The folder of policy packs.
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    /// The merchant.
    #[arg(long)]
    merchant: String,
    /// Its terminal.
    #[arg(long, default_value = "T1")]
    terminal: String,
    /// How many sales. They are `F-0000000` and so on, 100.00 each by card, paid between 22 and 2 days ago.
    #[arg(long)]
    sales: u64,
}

impl Fill {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
        runtime.block_on(self.fill())
    }

    #[expect(clippy::disallowed_methods, reason = "the command runs on the host, where there is a clock")]
    async fn fill(self) -> anyhow::Result<()> {
        let started = std::time::Instant::now();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&self.db)?);
        let (app, _) = provision::provision(&store, &self.policies).await?;
        let merchant = MerchantId::parse(&self.merchant)?;
        let terminal = TerminalId::parse(&self.terminal)?;
        let who = Principal {
            key: "fill".to_owned(),
            bearer: Bearer::System { merchant: merchant.clone() },
            grants: Vec::new(),
        };
        for number in 0..self.sales {
            let back = u128::from(self.sales.saturating_sub(number)).saturating_mul(u128::from(SPAN_MS.unsigned_abs()));
            let back = i64::try_from(back.checked_div(u128::from(self.sales)).unwrap_or(0))?;
            let paid_at = Instant::from_unix_ms(now().unix_ms.saturating_sub(LAST_AGO_MS).saturating_sub(back))?;
            let sale = sale(&app, &merchant, &terminal, number, paid_at).await?;
            app.register_sale(&who, sale, SaleOutcome::Good).await.map_err(|e| anyhow!("sale {number}: {e}"))?;
            let done = number.saturating_add(1);
            if done.is_multiple_of(PER_PUBLICATION) || done == self.sales {
                app.publish_waiting().await;
            }
            if done.is_multiple_of(PER_PUBLICATION.saturating_mul(PER_COMMIT)) || done == self.sales {
                app.ports.durable().await?;
            }
        }
        let (figures, seconds) = (store.figures(), started.elapsed().as_secs());
        store.close();
        let (sales, writes, commits) = (self.sales, figures.writes, figures.commits);
        say(format_args!("{sales} sales in {seconds} s: {writes} writes in {commits} commits"))?;
        Ok(())
    }
}

async fn sale(
    app: &App<Native>,
    merchant: &MerchantId,
    terminal: &TerminalId,
    number: u64,
    paid_at: Instant,
) -> anyhow::Result<Sale> {
    let business_day = app.business_day_of(merchant, paid_at).await.map_err(|e| anyhow!("no business day: {e}"))?;
    // A batch has the slips 000000 to 000999.
    let (batch, voucher) = (number.checked_div(1_000).unwrap_or(0), number.checked_rem(1_000).unwrap_or(0));
    Ok(Sale {
        id: SaleId::parse(&format!("F-{number:07}"))?,
        merchant: merchant.clone(),
        slip: Some(SlipNumbers {
            terminal: terminal.clone(),
            batch: format!("{batch:06}"),
            voucher: format!("{voucher:06}"),
            trace: format!("{voucher:06}"),
        }),
        order_number: Some(format!("ORDER-{number:07}")),
        retrieval_reference: Some(format!("{number:012}")),
        operator: None,
        captured: Money::parse("100.00", "CNY")?,
        coupon: None,
        fee_charged: Money::parse("0.60", "CNY")?,
        channel: Channel::Card,
        card_type: Some(CardType::Credit),
        kind: "purchase".to_owned(),
        payer_token: Some(format!("payer-{number}")),
        contact: None,
        service_at: None,
        paid_at,
        business_day,
        settlement: SettlementMode::Ordinary,
    })
}
