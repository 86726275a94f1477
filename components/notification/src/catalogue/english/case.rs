//! Referrals, legal orders, liabilities: what people decide beside the policy.

use super::operation;
use crate::catalogue::{Debt, Deed, Story};
use rescind_model::Audience::{Customer, Merchant, Reviewer};
use rescind_model::{EventKind, LiabilityCause, LiabilityState, Party, Way};

/// A way with its amount, within a sentence.
pub(super) fn phrase(way: Way, amount: &str) -> String {
    let deed = match way {
        Way::Void => return format!("void of {amount}"),
        Way::Refund => return format!("refund of {amount}"),
        Way::Reversal => Deed::Reversal,
        Way::OrderClose => Deed::OrderClose,
        Way::HoldRelease => Deed::HoldRelease,
        Way::HoldCompletion => Deed::HoldCompletion,
        Way::CompletionVoid => Deed::CompletionVoid,
    };
    operation::phrase(deed, amount)
}

pub(super) fn message(story: &Story, sale: &str, because: &str) -> Option<(&'static str, String)> {
    let Story { merchant, amount, number, .. } = story;
    let by = story.until.as_ref().map_or_else(String::new, |at| format!(" Please decide before {at}."));
    let what = story.way.map_or_else(String::new, |way| phrase(way, amount));
    let case = format!("{what} ({sale}, case {number})");
    let order = format!("legal void of {amount} ({sale}, authority's reference {number})");
    Some(match (story.kind, story.audience) {
        (EventKind::CaseOpened, Merchant) => {
            ("Passed to support", format!("The {case} was passed to support and waits for an answer."))
        }
        (EventKind::CaseOpened, Reviewer) => ("Case waiting", format!("{merchant} asks for the {case}.{by}")),
        (EventKind::CaseAssigned, Merchant) => {
            ("Support is looking at it", format!("Support is looking at the {case}."))
        }
        (EventKind::CaseAssigned, Reviewer) => ("Case assigned", format!("{merchant}: the {case} was assigned.{by}")),
        (EventKind::CaseGranted, Merchant) => {
            let until = story.until.as_ref().map_or_else(String::new, |at| format!(" before {at}"));
            (
                "Support has agreed",
                format!("Support has agreed to the {case}. Try it again{until}; this works once and for nothing else."),
            )
        }
        (EventKind::CaseRefused, Merchant) => {
            ("Support has not agreed", format!("Support has not agreed to the {case}.{because}"))
        }
        (EventKind::CaseExpired, Merchant) if story.granted => (
            "Support's consent expired",
            format!("Support's consent to the {case} was not used in time. Ask again if it is still wanted."),
        ),
        (EventKind::CaseExpired, Merchant) => {
            ("Case expired", format!("The {case} was not decided by support in time. Ask again if it is still wanted."))
        }
        (EventKind::CaseExpired, Reviewer) if !story.granted => {
            ("Case expired", format!("{merchant}: the {case} was not decided in time and needs no decision any more."))
        }

        (EventKind::OrderProposed, Reviewer) => (
            "Legal void waiting for a second person",
            format!("{merchant}: a {order} was put forward and needs a second person.{because}"),
        ),
        (EventKind::OrderConfirmed, Merchant) => (
            "Legal void confirmed",
            format!("A {order} was confirmed by two persons and is carried out. Do not refund the sale yourself."),
        ),
        (EventKind::OrderConfirmed, Reviewer) => {
            ("Legal void confirmed", format!("{merchant}: the {order} was confirmed by a second person."))
        }
        (EventKind::OrderExpired, Reviewer) => {
            ("Legal void expired", format!("{merchant}: the {order} was not confirmed in time and has expired."))
        }

        (EventKind::LiabilityOpened | EventKind::LiabilityEnded, audience) => {
            let debt = story.debt?;
            match audience {
                Merchant => liability_for_merchant(story, debt, sale, because),
                Customer if debt.concerns_customer() => liability_for_customer(story, debt, sale),
                Customer | Reviewer => return None,
            }
        }
        _ => return None,
    })
}

fn liability_for_merchant(story: &Story, debt: Debt, sale: &str, because: &str) -> (&'static str, String) {
    let Story { amount, refund, .. } = story;
    let cause = match debt.cause {
        LiabilityCause::OverReturned => "too much was returned",
        LiabilityCause::RefundFailed => "the refund failed",
        LiabilityCause::RefundReturned => "the refund came back",
    };
    let (debtor, creditor) = (party(debt.debtor), party(debt.creditor));
    let owed = format!("{amount} that the {debtor} owes the {creditor} ({sale}, refund {refund}: {cause})");
    if story.kind == EventKind::LiabilityOpened {
        return ("Money is owed", format!("Recorded: {owed}.{because}"));
    }
    match debt.state {
        LiabilityState::Settled => ("Debt settled", format!("Settled: {owed}.{because}")),
        LiabilityState::Agreed => ("Debt ended by agreement", format!("Ended by agreement: {owed}.{because}")),
        LiabilityState::Open | LiabilityState::WrittenOff => {
            ("Debt written off", format!("Written off: {owed}.{because}"))
        }
    }
}

fn liability_for_customer(story: &Story, debt: Debt, sale: &str) -> (&'static str, String) {
    let Story { merchant, amount, .. } = story;
    let owed = format!("{amount} that {merchant} owes you ({sale})");
    if story.kind == EventKind::LiabilityOpened {
        let cause = match debt.cause {
            LiabilityCause::OverReturned => "",
            LiabilityCause::RefundFailed => " because a refund failed",
            LiabilityCause::RefundReturned => " because a refund came back",
        };
        return (
            "The merchant owes you money",
            format!("The {owed}{cause} is on record. Please ask the merchant how you get it."),
        );
    }
    match debt.state {
        LiabilityState::Settled => ("Debt settled", format!("The {owed} is settled.")),
        LiabilityState::Agreed => ("Debt ended by agreement", format!("The {owed} is ended as you both agreed.")),
        LiabilityState::Open | LiabilityState::WrittenOff => (
            "Debt closed",
            format!("The record of the {owed} is closed. Please ask the merchant if you have questions."),
        ),
    }
}

fn party(party: Party) -> &'static str {
    match party {
        Party::Merchant => "merchant",
        Party::Customer => "customer",
        Party::Acquirer => "acquirer",
    }
}
