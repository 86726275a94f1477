//! After a refund cleared: a search for one that has not arrived, and one that the network gave back.

use crate::app::App;
use crate::error::Error;
use crate::ports::Ports;
use crate::principal::{Deed, Principal};
use crate::sale::Aggregate;
use crate::void::tail;
use rescind_model::{Command, CommandId, Evidence, MerchantId, OperationId, PersonId, RefundId, ReturnReport};

impl<P: Ports> App<P> {
    /// Has a cleared refund that has not arrived searched for. The courier asks the provider.
    ///
    /// # Errors
    /// Not permitted; no such refund; it has not cleared, came back, or is being searched for.
    pub async fn request_trace(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &RefundId,
        requester: Option<&PersonId>,
        command: &CommandId,
    ) -> Result<(Aggregate, RefundId), Error> {
        who.may(Deed::Trace, merchant)?;
        let actor = self.person_for(who, merchant, requester).await?;
        self.tell_refund(who, merchant, id, Command::RequestTrace(id.clone()), &actor, command).await
    }

    /// Records that the network gave a cleared refund back: its amount is the payment's again, and the customer is owed.
    ///
    /// # Errors
    /// Not the provider's feed; no such refund; it has not cleared, or came back before.
    pub async fn report_return(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        id: &RefundId,
        evidence: Evidence,
        command: &CommandId,
    ) -> Result<(Aggregate, RefundId), Error> {
        who.may(Deed::ReportReturn, merchant)?;
        let sale = self.sale_of_refund(merchant, id).await?;
        let name = OperationId { value: format!("{sale}~{}", tail(command)) };
        let change = Command::ReportReturn(ReturnReport { id: name, refund: id.clone(), evidence });
        self.tell_refund(who, merchant, id, change, &who.actor(merchant), command).await
    }
}
