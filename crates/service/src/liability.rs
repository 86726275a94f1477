//! Money that somebody owes because of a refund: recorded by a person or opened by the ledger itself, ended by a person or
//! by the retry that pays it.

use crate::app::App;
use crate::error::Error;
use crate::ports::Ports;
use crate::principal::{Deed, Principal};
use crate::refund::check_text;
use crate::register::{Registered, liability_index, sale_in};
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::store::list::Position;
use crate::void::tail;
use rescind_model::{
    Command, CommandId, Liability, LiabilityCause, LiabilityClaim, LiabilityEnd, LiabilityId, LiabilityState,
    MerchantId, Money, Party, RefundId, SaleId,
};

/// A liability in its payment.
#[must_use]
pub fn find<'a>(aggregate: &'a Aggregate, id: &LiabilityId) -> Option<&'a Liability> {
    aggregate.ledger.liabilities.iter().find(|liability| liability.id == *id)
}

impl<P: Ports> App<P> {
    /// A person records that somebody owes money because of a refund: too much returned is the customer's to give back,
    /// anything else the merchant's to pay.
    ///
    /// # Errors
    /// Not permitted; no such refund; the ledger's rejections.
    #[expect(clippy::too_many_arguments, reason = "each is a part of what is claimed")]
    pub async fn record_liability(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        refund: &RefundId,
        cause: LiabilityCause,
        amount: Money,
        because: String,
        command: &CommandId,
    ) -> Result<(Aggregate, LiabilityId), Error> {
        who.may(Deed::Owe, merchant)?;
        check_text("/because", &because)?;
        let sale = self.sale_of_refund(merchant, refund).await?;
        let id = LiabilityId { value: format!("{sale}~{}", tail(command)) };
        let (debtor, creditor) = match cause {
            LiabilityCause::OverReturned => (Party::Customer, Party::Merchant),
            LiabilityCause::RefundFailed | LiabilityCause::RefundReturned => (Party::Merchant, Party::Customer),
        };
        let claim = LiabilityClaim { id: id.clone(), cause, refund: refund.clone(), amount, debtor, creditor, because };
        let change = Command::RecordLiability(claim);
        let (aggregate, _) = self.tell_refund(who, merchant, refund, change, &who.actor(merchant), command).await?;
        Ok((aggregate, id))
    }

    /// A merchant's liabilities in the order they came up, of one state or all.
    ///
    /// # Errors
    /// Not permitted, or a position that is not one.
    pub async fn list_liabilities(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        state: Option<LiabilityState>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Registered<LiabilityId>, Error> {
        who.may(Deed::Read, merchant)?;
        self.registered(&Key::liabilities(merchant), merchant, after, limit, |aggregate, name| {
            let id = LiabilityId::parse(name).ok()?;
            let liability = find(aggregate, &id)?;
            let wanted = state.is_none_or(|s| liability.state == s) && crate::sale::visible(who, merchant, aggregate);
            wanted.then_some(id)
        })
        .await
    }

    /// A person ends a liability.
    ///
    /// # Errors
    /// Not permitted; no such liability; a retry that may pay it is under way; it ended otherwise.
    pub async fn end_liability(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &LiabilityId,
        state: LiabilityState,
        because: String,
        command: &CommandId,
    ) -> Result<(Aggregate, LiabilityId), Error> {
        who.may(Deed::Owe, merchant)?;
        check_text("/because", &because)?;
        let sale = self.sale_of_liability(merchant, id).await?;
        let none = |e| if matches!(e, Error::NotFound(_)) { Error::NotFound("liability") } else { e };
        let aggregate = self.sale(who, merchant, &sale).await.map_err(none)?;
        find(&aggregate, id).ok_or(Error::NotFound("liability"))?;
        let change = Command::EndLiability(LiabilityEnd { id: id.clone(), state, because });
        let actor = who.actor(merchant);
        let outcome = self
            .transact(merchant, &sale, command, |app, a| app.plain(a, &change, &actor, command))
            .await
            .map_err(none)?;
        Ok((outcome.aggregate(), id.clone()))
    }

    /// The payment of a liability: a part of its name, or found where the ledger named it.
    async fn sale_of_liability(&self, merchant: &MerchantId, id: &LiabilityId) -> Result<SaleId, Error> {
        if let Some(sale) = sale_in(id.as_str()) {
            return Ok(sale);
        }
        let records = self.records().await?;
        let index = liability_index(merchant, id.as_str());
        for published in [false, true] {
            if published {
                // Its first event may still wait to be told.
                self.publish_waiting().await;
            }
            let slice = records.slice(&index, Position::START, 1).await?;
            if let Some(sale) = slice.entries.first().and_then(|(_, entry)| SaleId::parse(&entry.id).ok()) {
                return Ok(sale);
            }
        }
        Err(Error::NotFound("liability"))
    }
}
