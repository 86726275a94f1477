//! The demonstration shop: a merchant under each shipped policy, with persons, a terminal, keys and sales of several
//! kinds. Made once per database; its keys are printed when they are made.

use crate::native::{self, Native, now};
use crate::stdio::say;
use anyhow::anyhow;
use rescind_model::{
    CardType, Channel, Instant, MerchantId, Money, PersonId, Role, Sale, SaleId, SaleOutcome, SettlementMode,
    SlipNumbers, TerminalId,
};
use rescind_service::directory::{Merchant, Person, Terminal};
use rescind_service::operator::{OperatorAsk, OperatorNumber, OperatorRole};
use rescind_service::pin::Pin;
use rescind_service::principal::{Bearer, Grant, Principal};
use rescind_service::{App, Error};

/// The persons of the shop, each with the one role of that name.
const PERSONS: [&str; 6] = ["cashier", "supervisor", "manager", "reviewer", "finance", "support"];

/// Who stands at the till: number, and as what.
const OPERATORS: [(&str, &str, OperatorRole); 3] = [
    ("01", "cashier", OperatorRole::Cashier),
    ("07", "supervisor", OperatorRole::Supervisor),
    ("09", "manager", OperatorRole::Manager),
];

/// A sale of the shop.
struct Stock {
    id: &'static str,
    amount: &'static str,
    minutes_ago: i64,
    channel: Channel,
    kind: &'static str,
    settlement: SettlementMode,
    outcome: SaleOutcome,
}

const DAY: i64 = 24 * 60;

/// Young ones to void, older ones to refund, and one of each kind that can be neither.
const STOCK: [Stock; 8] = [
    stock("S-1001", "128.00", 2, Channel::Card),
    stock("S-1002", "45.50", 3, Channel::PaymentCode),
    stock("S-1003", "300.00", 90, Channel::Card),
    stock("S-1004", "100.00", 3 * DAY, Channel::Card),
    stock("S-1005", "2400.00", 5 * DAY, Channel::Card),
    stock("S-1006", "88.00", 40 * DAY, Channel::PaymentCode),
    Stock { settlement: SettlementMode::RealTime, ..stock("S-1007", "66.00", 4, Channel::PaymentCode) },
    Stock { outcome: SaleOutcome::Unknown, ..stock("S-1008", "20.00", 1, Channel::Card) },
];

const fn stock(id: &'static str, amount: &'static str, minutes_ago: i64, channel: Channel) -> Stock {
    Stock {
        id,
        amount,
        minutes_ago,
        channel,
        kind: "purchase",
        settlement: SettlementMode::Ordinary,
        outcome: SaleOutcome::Good,
    }
}

/// Opens the shop, if it is not there yet, and prints its keys.
pub async fn open(app: &App<Native>) -> anyhow::Result<()> {
    let wrong = |e: Error| anyhow!("the demonstration shop cannot be set up: {e}");
    let admin = Principal { key: "serve --demo".to_owned(), bearer: Bearer::Admin, grants: Vec::new() };
    let merchant = MerchantId::parse("demo-shop")?;
    if app.merchant(&merchant).await.is_ok() {
        say(format_args!("the demonstration shop is there already; its keys were shown when it was made"))?;
        return Ok(());
    }
    let terminal = TerminalId::parse("T1")?;
    let shop = Merchant::new(merchant.clone(), "示例小店 Demo Shop", "lakala", 480);
    app.create_merchant(&admin, shop).await.map_err(wrong)?;
    let label = "counter 1".to_owned();
    let counter = Terminal { merchant: merchant.clone(), id: terminal.clone(), label, class: None };
    app.create_terminal(&admin, counter).await.map_err(wrong)?;
    say(format_args!("demonstration shop {merchant} (policy lakala, terminal {terminal}); its keys, shown once:"))?;
    for name in PERSONS {
        let person = PersonId::parse(name)?;
        let grants = vec![Grant { merchant: merchant.clone(), roles: vec![Role::parse(name)?] }];
        app.create_person(&admin, Person { id: person.clone(), name: name.to_owned(), grants }).await.map_err(wrong)?;
        let (_, token) = app.make_key(Bearer::Person { person }, name.to_owned()).await.map_err(wrong)?;
        say(format_args!("  export {}_KEY={token}", name.to_uppercase()))?;
    }
    let at_terminal = Bearer::Terminal { merchant: merchant.clone(), terminal: terminal.clone() };
    let back_office = Bearer::System { merchant: merchant.clone() };
    for (name, bearer) in [("TERMINAL", at_terminal), ("BACK_OFFICE", back_office.clone())] {
        let (_, token) = app.make_key(bearer, name.to_lowercase()).await.map_err(wrong)?;
        say(format_args!("  export {name}_KEY={token}"))?;
    }
    let who = Principal { key: "serve --demo".to_owned(), bearer: back_office, grants: Vec::new() };
    for (number, name, role) in OPERATORS {
        // Whoever registers an operator gives a first PIN; the operator then chooses another.
        let ((first, _), (own, digits)) = (pin()?, pin()?);
        let number = OperatorNumber::parse(number).map_err(|e| anyhow!("{e}"))?;
        let ask = OperatorAsk { number: number.clone(), person: PersonId::parse(name)?, role, pin: first.clone() };
        app.create_operator(&admin, &merchant, ask).await.map_err(wrong)?;
        app.change_pin(&who, &merchant, &number, &first, &own).await.map_err(wrong)?;
        say(format_args!("  export {0}_NUMBER={number} {0}_PIN={digits}", name.to_uppercase()))?;
    }
    for (number, stock) in STOCK.iter().enumerate() {
        let sale = sale(app, &merchant, &terminal, number, stock).await?;
        app.register_sale(&who, sale, stock.outcome).await.map_err(wrong)?;
    }
    say(format_args!("  sales {} to {}", STOCK.first().map_or("", |s| s.id), STOCK.last().map_or("", |s| s.id)))?;
    app.ports.durable().await?;
    Ok(())
}

/// A PIN of six digits that nobody would try first, and its digits.
fn pin() -> anyhow::Result<(Pin, String)> {
    // All but a few of a million are taken.
    for _ in 0..16 {
        let digits: String = native::random().iter().take(6).map(|byte| (byte % 10).to_string()).collect();
        let pin = Pin::parse(&digits).map_err(|e| anyhow!("{e}"))?;
        if pin.must_be_hard_to_guess().is_ok() {
            return Ok((pin, digits));
        }
    }
    Err(anyhow!("no PIN could be drawn that is hard to guess"))
}

async fn sale(
    app: &App<Native>,
    merchant: &MerchantId,
    terminal: &TerminalId,
    number: usize,
    stock: &Stock,
) -> anyhow::Result<Sale> {
    let age = stock.minutes_ago.checked_mul(60_000).ok_or_else(|| anyhow!("too old"))?;
    let paid_at = Instant::from_unix_ms(now().unix_ms.saturating_sub(age))?;
    let business_day = app.business_day_of(merchant, paid_at).await.map_err(|e| anyhow!("no business day: {e}"))?;
    let voucher = number.saturating_add(1);
    Ok(Sale {
        id: SaleId::parse(stock.id)?,
        merchant: merchant.clone(),
        slip: Some(SlipNumbers {
            terminal: terminal.clone(),
            batch: "000001".to_owned(),
            voucher: format!("{voucher:06}"),
            trace: format!("{:06}", voucher.saturating_add(100)),
        }),
        order_number: Some(format!("ORDER-{}", stock.id)),
        retrieval_reference: Some(format!("{:012}", voucher.saturating_add(880_000))),
        operator: Some(PersonId::parse("cashier")?),
        captured: Money::parse(stock.amount, "CNY")?,
        coupon: None,
        fee_charged: Money::parse("0.60", "CNY")?,
        channel: stock.channel,
        card_type: (stock.channel == Channel::Card).then_some(CardType::Debit),
        kind: stock.kind.to_owned(),
        payer_token: Some(format!("payer-{voucher}")),
        contact: None,
        service_at: None,
        paid_at,
        business_day,
        settlement: stock.settlement,
    })
}
