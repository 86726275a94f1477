//! Holds (预授权): money that is reserved and not captured. A hold's id is that of the sale it becomes; one record decides
//! between a completion and a release.

use crate::app::App;
use crate::error::Error;
use crate::operation::OperationAsk;
use crate::ports::{Policy as _, Ports};
use crate::principal::{Deed, Principal};
use crate::sale::{Aggregate, Beginning, ChargedFee, Timing};
use rescind_model::{
    CardType, Channel, CommandId, Hold, Instant, MerchantId, Money, OperationId, Origin, PersonId, Sale, SaleId,
    SaleOutcome, SettlementMode, SlipNumbers,
};
use serde::Serialize;

/// A hold to register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldAsk {
    /// Names the hold, and the sale it becomes.
    pub id: SaleId,
    /// The amount reserved.
    pub amount: Money,
    /// When it was authorised.
    pub authorised_at: Instant,
    /// The issuer's authorisation code.
    pub authorisation_code: Option<String>,
    /// What is known of it: held, unknown, declined or failed.
    pub outcome: SaleOutcome,
    /// The slip's numbers, if a terminal printed one.
    pub slip: Option<SlipNumbers>,
    /// The merchant's own order number.
    pub order_number: Option<String>,
    /// The network's retrieval reference number.
    pub retrieval_reference: Option<String>,
    /// The person who operated the terminal.
    pub operator: Option<PersonId>,
    /// How the payer paid.
    pub channel: Channel,
    /// The kind of card.
    pub card_type: Option<CardType>,
    /// What is sold.
    pub kind: String,
    /// A keyed hash that stands for the payer.
    pub payer_token: Option<String>,
    /// When the service is due.
    pub service_at: Option<Instant>,
    /// When the merchant will get the money.
    pub settlement: SettlementMode,
}

impl<P: Ports> App<P> {
    /// Registers a hold: its ceiling and validity are the policy's. The same again is harmless.
    ///
    /// # Errors
    /// [`Error::Conflict`] `hold.disabled` where the policy knows none, `sale.conflict` for another payment of that id.
    pub async fn register_hold(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        ask: &HoldAsk,
    ) -> Result<(Aggregate, bool), Error> {
        who.may(Deed::RegisterSale, merchant)?;
        let merchant = self.merchant(merchant).await?;
        let policy = self.policy_of(&merchant).await?;
        let terms = policy.terms();
        let (Some(percent), Some(lives)) = (terms.hold_ceiling_percent, terms.hold_lives) else {
            return Err(Error::Conflict {
                code: "hold.disabled",
                message: format!("the policy {} knows no holds", merchant.policy),
            });
        };
        let hold = Hold {
            authorised: ask.amount.clone(),
            ceiling: ceiling(&ask.amount, percent).map_err(|e| Error::invalid("/amount", e))?,
            authorised_at: ask.authorised_at,
            expires_at: ask.authorised_at.plus(lives).map_err(|e| Error::invalid("/authorised_at", e))?,
            authorisation_code: ask.authorisation_code.clone(),
        };
        let sale = Sale {
            id: ask.id.clone(),
            merchant: merchant.id.clone(),
            slip: ask.slip.clone(),
            order_number: ask.order_number.clone(),
            retrieval_reference: ask.retrieval_reference.clone(),
            operator: ask.operator.clone(),
            captured: ask.amount.clone(),
            coupon: None,
            fee_charged: ask.amount.zero_like(),
            channel: ask.channel,
            card_type: ask.card_type,
            kind: ask.kind.clone(),
            payer_token: ask.payer_token.clone(),
            contact: None,
            service_at: ask.service_at,
            paid_at: ask.authorised_at,
            business_day: policy.business_day_of(ask.authorised_at)?,
            settlement: ask.settlement,
        };
        let content = serde_json::to_vec(&("hold", &merchant.id, ask)).map_err(|e| Error::Internal(e.to_string()))?;
        self.begin_payment(
            who,
            &Beginning {
                sale,
                fee: ChargedFee::Told,
                outcome: ask.outcome,
                origin: Origin::Hold(hold),
                content,
                timing: Timing::Now,
            },
        )
        .await
    }

    /// A payment that began as a hold.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that does not exist, is not the asker's, or began otherwise.
    pub async fn hold(&self, who: &Principal, merchant: &MerchantId, id: &SaleId) -> Result<Aggregate, Error> {
        self.sale_begun_as(who, merchant, id, "hold", |ledger| ledger.hold.is_some()).await
    }

    /// Completes or releases a hold, or voids its completion, if the policy and the ledger let it.
    ///
    /// # Errors
    /// No such hold; otherwise as [`App::operate`].
    pub async fn change_hold(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &SaleId,
        ask: &OperationAsk,
        command: &CommandId,
    ) -> Result<(Aggregate, OperationId), Error> {
        who.may(Deed::TakeBack, merchant)?;
        let hold = self.hold(who, merchant, id).await?;
        if let (Some(fee), amount) = (&ask.fee_charged, ask.amount.as_ref().unwrap_or(&hold.ledger.sale.captured))
            && fee.exceeds(amount).map_err(|e| Error::invalid("/fee_charged", e))?
        {
            return Err(Error::invalid("/fee_charged", format!("expected at most the amount, {amount}")));
        }
        self.operate_on(who, hold, ask, command).await
    }
}

/// The most that a completion may capture. What is not a whole minor unit is dropped: the ceiling is never exceeded.
fn ceiling(held: &Money, percent: u32) -> Result<Money, String> {
    let too_much = || format!("{percent} % of {held} is more than an amount can be");
    let minor = i128::from(held.minor).checked_mul(i128::from(percent)).and_then(|n| n.checked_div(100));
    let minor = minor.and_then(|n| i64::try_from(n).ok()).ok_or_else(too_much)?;
    Money::new(minor, &held.currency).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ceiling_is_never_rounded_up() {
        for (held, percent, most) in [(10_000, 115, 11_500), (1, 115, 1), (13, 115, 14), (100, 100, 100)] {
            let held = Money::new(held, "CNY").unwrap();
            assert_eq!(ceiling(&held, percent), Ok(Money::new(most, "CNY").unwrap()));
        }
        assert!(ceiling(&Money::new(99_999_999_999_999, "CNY").unwrap(), 115).is_err());
    }
}
