//! Money that somebody owes because of a refund: too much was returned, or the customer still waits.
//!
//! A refund that fails or comes back opens one by itself, of the merchant to the customer and for the customer's part. A
//! failed refund has one, however often it fails; when a retry clears, it is settled. Any other end is a person's word: what
//! was agreed outside is only recorded here. Too much returned is a person's word from the beginning.

use crate::argument::{self, valid};
use crate::draft::{Draft, Subject, contradicts, wrong_state};
use crate::{entry, limits, refund, room};
use rescind_model::token::Token;
use rescind_model::{
    Digest, EventKind, Ledger, Liability, LiabilityCause, LiabilityClaim, LiabilityEnd, LiabilityId, LiabilityState,
    Money, Party, PersonId, Refund, RefundId, RefundState, Rejection,
};

impl Subject {
    pub(crate) fn liability(liability: &Liability) -> Self {
        Self {
            refund: Some(liability.refund.clone()),
            amount: Some(liability.amount.clone()),
            about: Some(liability.id.to_string()),
            ..Self::default()
        }
    }
}

/// A person records that somebody owes money.
pub(crate) fn record(draft: &mut Draft<'_>, claim: &LiabilityClaim) -> Result<(), Rejection> {
    draft.person()?;
    valid(LiabilityId::parse(claim.id.as_str()))?;
    let because = argument::reason(&claim.because)?;
    valid(Money::new(claim.amount.minor, &claim.amount.currency))?;
    if claim.amount.is_zero() {
        return Err(Rejection::Invalid("amount: expected more than zero".to_owned()));
    }
    if claim.debtor == claim.creditor {
        return Err(Rejection::Invalid("creditor: expected another than the debtor".to_owned()));
    }
    let ledger = &draft.ledger;
    if ledger.liabilities.iter().any(|liability| liability.id == claim.id) {
        return Err(Rejection::NameTaken);
    }
    let refund = refund::find(ledger, &claim.refund)?;
    if valid(claim.amount.exceeds(&refund.request.amount))? {
        return Err(Rejection::ExceedsBalance(refund.request.amount.clone()));
    }
    let came_back = is_returned(ledger, &refund.id);
    let fits = match claim.cause {
        LiabilityCause::OverReturned => refund.state == RefundState::Cleared && !came_back,
        LiabilityCause::RefundFailed => refund.state == RefundState::Failed,
        LiabilityCause::RefundReturned => came_back,
    };
    if !fits {
        return Err(if came_back { Rejection::WrongState("returned".to_owned()) } else { wrong_state(refund.state) });
    }
    if let Some(open) = open_of(ledger, &refund.id, claim.cause) {
        return Err(Rejection::ConflictsWith(open.id.to_string()));
    }
    if ledger.liabilities.len() >= limits::LIABILITIES {
        return Err(Rejection::LimitReached("liabilities".to_owned()));
    }
    let refund = claim.refund.clone();
    begin(draft, claim.id.clone(), claim.cause, refund, claim.amount.clone(), (claim.debtor, claim.creditor), because)?;
    room::admit(draft)
}

/// A refund failed or came back: the merchant owes the customer's part of it, if it does not yet. Never refused for want of
/// room, which is kept for it.
pub(crate) fn open_for(draft: &mut Draft<'_>, id: &RefundId, cause: LiabilityCause) -> Result<(), Rejection> {
    let ledger = &draft.ledger;
    let refund = refund::find(ledger, id)?;
    let amount = customers_part(refund)?;
    if amount.is_zero() || open_of(ledger, id, cause).is_some() {
        return Ok(());
    }
    let name = name_for(ledger, id);
    begin(draft, name, cause, id.clone(), amount, (Party::Merchant, Party::Customer), cause.token().to_owned())
}

/// A refund cleared after it had failed: what was owed for that is paid.
pub(crate) fn settle(draft: &mut Draft<'_>, id: &RefundId) -> Result<(), Rejection> {
    let Some(open) = open_of(&draft.ledger, id, LiabilityCause::RefundFailed) else { return Ok(()) };
    let open = open.id.clone();
    finish(draft, &open, LiabilityState::Settled, "refund-cleared".to_owned(), None)
}

/// A person ends a liability.
pub(crate) fn end(draft: &mut Draft<'_>, wanted: &LiabilityEnd) -> Result<(), Rejection> {
    let person = draft.person()?;
    if wanted.state == LiabilityState::Open {
        return Err(Rejection::Invalid("state: expected settled, agreed or written-off".to_owned()));
    }
    let because = argument::reason(&wanted.because)?;
    let liability = find(draft, &wanted.id)?;
    let now = liability.state;
    if now == wanted.state {
        return Ok(());
    }
    if now != LiabilityState::Open {
        return Err(contradicts(now));
    }
    let of = liability.refund.clone();
    // A retry under way may pay it: ended now, it would be paid twice.
    let cause = liability.cause;
    let state = refund::find(&draft.ledger, &of)?.state;
    if cause == LiabilityCause::RefundFailed && state != RefundState::Failed {
        return Err(Rejection::ConflictsWith(of.to_string()));
    }
    finish(draft, &wanted.id, wanted.state, because, Some(person.id.clone()))
}

/// A failed refund whose money the customer has had in another way is not tried again.
pub(crate) fn must_not_be_paid(ledger: &Ledger, id: &RefundId) -> Result<(), Rejection> {
    let paid = ledger.liabilities.iter().find(|liability| {
        liability.refund == *id
            && liability.cause == LiabilityCause::RefundFailed
            && matches!(liability.state, LiabilityState::Settled | LiabilityState::Agreed)
    });
    paid.map_or(Ok(()), |liability| Err(Rejection::ConflictsWith(liability.id.to_string())))
}

/// Whether a cleared refund came back.
pub(crate) fn is_returned(ledger: &Ledger, id: &RefundId) -> bool {
    ledger.returns.iter().any(|back| back.refund == *id)
}

fn find<'d>(draft: &'d mut Draft<'_>, id: &LiabilityId) -> Result<&'d mut Liability, Rejection> {
    draft.ledger.liabilities.iter_mut().find(|liability| liability.id == *id).ok_or(Rejection::NoSuchOperation)
}

fn open_of<'l>(ledger: &'l Ledger, id: &RefundId, cause: LiabilityCause) -> Option<&'l Liability> {
    let of_it = |liability: &&Liability| liability.refund == *id && liability.cause == cause;
    ledger.liabilities.iter().filter(of_it).find(|liability| liability.state == LiabilityState::Open)
}

/// What the customer was to get: the amount less the coupon sponsor's part.
fn customers_part(refund: &Refund) -> Result<Money, Rejection> {
    let amount = &refund.request.amount;
    refund.coupon.as_ref().map_or_else(|| Ok(amount.clone()), |coupon| valid(amount.minus(coupon)))
}

/// A name that follows from what there is, unlike any other: of this payment by the number, of others by the hash.
fn name_for(ledger: &Ledger, refund: &RefundId) -> LiabilityId {
    let sale = &ledger.sale;
    let mut number = ledger.liabilities.len();
    loop {
        let text = format!("{}\n{}\n{refund}\n{number}", sale.merchant, sale.id);
        let name = LiabilityId { value: format!("L-{}", Digest::of(text.as_bytes()).short()) };
        if !ledger.liabilities.iter().any(|liability| liability.id == name) {
            return name;
        }
        number = number.saturating_add(1);
    }
}

fn begin(
    draft: &mut Draft<'_>,
    id: LiabilityId,
    cause: LiabilityCause,
    refund: RefundId,
    amount: Money,
    (debtor, creditor): (Party, Party),
    because: String,
) -> Result<(), Rejection> {
    let at = draft.clock().at;
    let liability = Liability {
        id,
        cause,
        refund,
        amount,
        debtor,
        creditor,
        state: LiabilityState::Open,
        because: Some(because.clone()),
        opened_at: at,
        ended_by: None,
        updated_at: at,
    };
    entry::owed(draft, &liability)?;
    draft.record(EventKind::LiabilityOpened, &Subject::liability(&liability), Some(because));
    draft.ledger.liabilities.push(liability);
    Ok(())
}

fn finish(
    draft: &mut Draft<'_>,
    id: &LiabilityId,
    state: LiabilityState,
    because: String,
    by: Option<PersonId>,
) -> Result<(), Rejection> {
    let at = draft.clock().at;
    let liability = find(draft, id)?;
    liability.state = state;
    liability.because = Some(because.clone());
    liability.ended_by = by;
    liability.updated_at = at;
    let ended = liability.clone();
    entry::released(draft, &ended)?;
    draft.record(EventKind::LiabilityEnded, &Subject::liability(&ended), Some(because));
    Ok(())
}
