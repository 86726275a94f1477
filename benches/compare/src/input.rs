//! Questions, from a fixed seed.

use rescind_model::record::{Input, Question};
use rescind_model::{
    Asker, Balance, BusinessDay, CardType, Channel, Facts, Instant, Money, RefundQuestion, Role, Sale, SaleOutcome,
    SaleStatus, SettlementMode, SlipNumbers,
};

struct Draw(u64);

impl Draw {
    fn below(&mut self, end: i64) -> i64 {
        // xorshift64*: good enough to scatter.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        i64::try_from((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % u64::try_from(end).unwrap()).unwrap()
    }

    fn once_in(&mut self, times: i64) -> bool {
        self.below(times) == 0
    }
}

fn cny(minor: i64) -> Money {
    Money { minor, currency: "CNY".to_owned() }
}

/// Most sales are ordinary and their refund is open; each rule stands in the way of some.
pub fn questions(count: usize) -> Vec<Input> {
    let mut draw = Draw(0x5EED);
    (0..count)
        .map(|_| {
            let captured = 10_000 + draw.below(600_000);
            let paid = 1_763_800_000_000 + draw.below(1_000_000_000);
            let late = if draw.once_in(8) { 5_000_000_000 } else { 2_000_000_000 };
            let now = paid + 86_400_000 + draw.below(late);
            let cleared = if draw.once_in(4) { captured / 4 } else { 0 };
            let day = BusinessDay { year: 2025, month: 11, day: 22 };
            Input {
                facts: Facts {
                    sale: Sale {
                        id: "S-20251122-000123".parse().unwrap(),
                        merchant: "M-8225".parse().unwrap(),
                        slip: Some(SlipNumbers {
                            terminal: "T-1".parse().unwrap(),
                            batch: "000017".to_owned(),
                            voucher: "000123".to_owned(),
                            trace: "004711".to_owned(),
                        }),
                        order_number: None,
                        retrieval_reference: Some("123456789012".to_owned()),
                        operator: None,
                        captured: cny(captured),
                        coupon: None,
                        fee_charged: cny(captured * 6 / 1_000),
                        channel: Channel::Card,
                        card_type: Some(CardType::Credit),
                        kind: if draw.once_in(9) { "top-up" } else { "purchase" }.to_owned(),
                        payer_token: None,
                        contact: None,
                        service_at: None,
                        paid_at: Instant { unix_ms: paid },
                        business_day: day,
                        settlement: if draw.once_in(9) { SettlementMode::RealTime } else { SettlementMode::Ordinary },
                    },
                    status: SaleStatus {
                        outcome: if draw.once_in(12) { SaleOutcome::Declined } else { SaleOutcome::Good },
                        batch_closed_at: None,
                        settled_at: None,
                        paid_out_at: None,
                        late: None,
                    },
                    balance: Balance {
                        cleared: cny(cleared),
                        voided: cny(0),
                        reserved: cny(0),
                        void_open: draw.once_in(20),
                        refunds_sent: u32::from(cleared > 0),
                        refunds_counted: if draw.once_in(12) { 20 } else { u32::from(cleared > 0) },
                        last_refund_at: (cleared > 0).then(|| Instant { unix_ms: now - draw.below(100_000) }),
                        fee_returned: cny(0),
                        coupon_returned: cny(0),
                        operation_open: draw.once_in(20),
                        requested: cny(cleared),
                    },
                    now: Instant { unix_ms: now },
                    business_day: Some(BusinessDay { year: 2025, month: 11, day: 24 }),
                    tallies: Vec::new(),
                    requested_today: None,
                    asker: Asker {
                        person: "P-1".parse().ok(),
                        roles: vec![Role::parse("cashier").unwrap()],
                        terminal: "T-1".parse().ok(),
                        terminal_class: None,
                    },
                    code: None,
                    hold: None,
                    operation: None,
                    authentication: None,
                    identity: Vec::new(),
                    offline: None,
                },
                question: Question::Refund(RefundQuestion {
                    amount: cny(50 + if draw.once_in(9) { captured } else { draw.below(captured * 4 / 5) }),
                    reason: if draw.once_in(9) {
                        None
                    } else {
                        Some(if draw.once_in(9) { "no-reason" } else { "quality" }.to_owned())
                    },
                    evidence: if draw.once_in(6) { Vec::new() } else { vec!["receipt".to_owned()] },
                }),
            }
        })
        .collect()
}
