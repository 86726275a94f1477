//! What became of an operation.

use crate::catalogue::{Deed, Story};
use rescind_model::Audience::{Customer, Merchant, Reviewer};
use rescind_model::EventKind;

/// The operation's name at the head of a line.
pub(super) fn name(deed: Deed) -> &'static str {
    match deed {
        Deed::Reversal => "Reversal",
        Deed::OrderClose => "Order close",
        Deed::CodeCancel => "Code cancellation",
        Deed::HoldRelease => "Hold release",
        Deed::HoldCompletion => "Hold completion",
        Deed::Penalty => "Penalty",
        Deed::CompletionVoid => "Completion void",
    }
}

pub(super) fn message(story: &Story, sale: &str, because: &str) -> Option<(String, String)> {
    let deed = story.deed?;
    let (name, merchant) = (name(deed), &story.merchant);
    let it = format!("{} ({sale})", phrase(deed, &story.amount));
    Some(match (story.kind, story.audience) {
        (EventKind::OperationAuthorised, Merchant) => {
            (format!("{name} requested"), format!("The {it} has been submitted and is being processed."))
        }
        (EventKind::OperationSent, Merchant) => {
            (format!("{name} under way"), format!("The {it} was sent and is being processed."))
        }
        (EventKind::OperationDone, Merchant) => {
            (format!("{name} successful"), format!("The {it} succeeded. {}.", effect(deed, story.hold)))
        }
        (EventKind::OperationFailed, Merchant) => {
            (format!("{name} failed"), format!("The {it} failed; {}.{because}", stands(deed)))
        }
        (EventKind::OperationUnknown, Merchant) => (
            format!("{name} outcome unknown"),
            format!("The outcome of the {it} is unknown and is being looked up. {}.", forbidden(deed)),
        ),
        (EventKind::OperationAttention, Merchant) if story.contested => (
            format!("{name} contested"),
            format!(
                "An answer after the {it} says that the payment took place; a person is looking at it. Do not repeat anything."
            ),
        ),
        (EventKind::OperationAttention, Reviewer) if story.contested => (
            format!("{name} contested"),
            format!(
                "{merchant}: an answer after the {it} says that the payment took place. Compare it with the provider's records."
            ),
        ),
        (EventKind::OperationAttention, Merchant) => (
            format!("{name} needs attention"),
            format!("The {it} cannot be finished automatically; a person is looking at it. {}.", forbidden(deed)),
        ),
        (EventKind::OperationAttention, Reviewer) => (
            format!("{name} needs attention"),
            format!(
                "{merchant}: the {it} cannot be finished automatically and needs a person. Compare it with the provider's records and resolve it."
            ),
        ),
        (EventKind::OperationResolved, Merchant) => {
            (format!("{name} resolved"), format!("Two persons looked at the {it} and settled its outcome.{because}"))
        }
        (kind, Customer) => {
            let (title, body) = customer(kind, deed, story, sale)?;
            (title.to_owned(), body)
        }
        _ => return None,
    })
}

/// The operation with its amount, within a sentence.
pub(super) fn phrase(deed: Deed, amount: &str) -> String {
    match deed {
        Deed::Reversal => format!("reversal of {amount}"),
        Deed::OrderClose => format!("closing of the order for {amount}"),
        Deed::CodeCancel => format!("cancellation of the payment code for {amount}"),
        Deed::HoldRelease => format!("release of the hold of {amount}"),
        Deed::HoldCompletion => format!("completion of the hold for {amount}"),
        Deed::Penalty => format!("penalty of {amount} out of the hold"),
        Deed::CompletionVoid => format!("void of the completion of {amount}"),
    }
}

/// What the operation did, now that it is done.
fn effect(deed: Deed, hold: bool) -> &'static str {
    match deed {
        Deed::Reversal if hold => "If money was reserved, it is released",
        Deed::Reversal | Deed::OrderClose => "If money was taken, it goes back the way it was paid",
        Deed::CodeCancel => "The code can no longer be paid",
        Deed::HoldRelease => "All reserved money is released",
        Deed::HoldCompletion => "The amount is captured, and the rest of the hold, if any, is released",
        Deed::Penalty => "The rest of the hold, if any, is released",
        Deed::CompletionVoid => "Nothing is captured any more, and the hold stands again",
    }
}

/// What holds now that the operation failed.
fn stands(deed: Deed) -> &'static str {
    match deed {
        Deed::Reversal | Deed::OrderClose => "the payment still stands",
        Deed::CodeCancel => "the code is as it was before",
        Deed::HoldRelease | Deed::HoldCompletion | Deed::Penalty => "the hold still stands",
        Deed::CompletionVoid => "the completion still stands",
    }
}

/// What must not be done while nobody knows.
fn forbidden(deed: Deed) -> &'static str {
    match deed {
        Deed::Reversal | Deed::OrderClose | Deed::CodeCancel => "Do not repeat it or charge again until it is known",
        Deed::HoldRelease | Deed::HoldCompletion | Deed::Penalty | Deed::CompletionVoid => "Do not repeat it",
    }
}

fn customer(kind: EventKind, deed: Deed, story: &Story, sale: &str) -> Option<(&'static str, String)> {
    let Story { merchant, amount, .. } = story;
    let payment = format!("our payment of {amount} to {merchant} ({sale})");
    let hold = format!("he hold of {merchant} on your money ({sale})");
    Some(match (kind, deed) {
        (EventKind::OperationAuthorised, Deed::Reversal) if story.hold => (
            "Hold being reversed",
            format!("T{hold} could not be confirmed and is being reversed. If money was reserved, it is released."),
        ),
        (EventKind::OperationDone, Deed::Reversal) if story.hold => (
            "Hold reversed",
            format!("T{hold} is reversed and nothing was taken. If money was reserved, it is released."),
        ),
        (EventKind::OperationFailed, Deed::Reversal) if story.hold => (
            "Hold still stands",
            format!("T{hold} was not reversed and still stands. Please ask the merchant what to do next."),
        ),
        (EventKind::OperationUnknown, Deed::Reversal) if story.hold => (
            "Hold being confirmed",
            format!("The outcome of t{hold} is unknown and is being looked up. You need not do anything."),
        ),
        (EventKind::OperationAuthorised, Deed::Reversal) => (
            "Payment being reversed",
            format!(
                "Y{payment} could not be confirmed and is being reversed; do not pay again yet. If money was taken, it comes back the way it was paid."
            ),
        ),
        (EventKind::OperationAuthorised, Deed::OrderClose) => (
            "Order being closed",
            format!(
                "The order of y{payment} is being closed; do not pay again yet. If money was taken, it comes back the way it was paid."
            ),
        ),
        (EventKind::OperationAuthorised, Deed::HoldRelease) => (
            "Release of a hold requested",
            format!("The release of t{hold}, {amount}, has been submitted and is being processed."),
        ),
        (EventKind::OperationAuthorised, Deed::HoldCompletion) => (
            "Completion of a hold requested",
            format!("{amount} out of t{hold} is about to be taken. The rest, if any, will be released."),
        ),
        (EventKind::OperationAuthorised, Deed::Penalty) => (
            "Penalty requested",
            format!("A penalty of {amount} out of t{hold} is about to be taken. The rest, if any, will be released."),
        ),
        (EventKind::OperationAuthorised, Deed::CompletionVoid) => (
            "Cancellation requested",
            format!("The cancellation of the {amount} taken out of t{hold} has been submitted and is being processed."),
        ),

        (EventKind::OperationDone, Deed::Reversal) => (
            "Payment reversed",
            format!("Y{payment} is reversed. If money was taken, it comes back the way it was paid."),
        ),
        (EventKind::OperationDone, Deed::OrderClose) => (
            "Order closed",
            format!("The order of y{payment} is closed. If money was taken, it comes back the way it was paid."),
        ),
        (EventKind::OperationDone, Deed::CodeCancel) => (
            "Payment code cancelled",
            format!("The code for y{payment} is cancelled and nothing was taken. Do not pay with this code any more."),
        ),
        (EventKind::OperationDone, Deed::HoldRelease) => {
            ("Hold released", format!("T{hold}, {amount}, is released and nothing was taken."))
        }
        (EventKind::OperationDone, Deed::HoldCompletion) => {
            ("Hold completed", format!("{amount} out of t{hold} was taken. The rest, if any, is released."))
        }
        (EventKind::OperationDone, Deed::Penalty) => {
            ("Penalty taken", format!("A penalty of {amount} out of t{hold} was taken. The rest, if any, is released."))
        }
        (EventKind::OperationDone, Deed::CompletionVoid) => (
            "Payment out of a hold cancelled",
            format!("The {amount} taken out of t{hold} comes back; the hold stands again."),
        ),

        (EventKind::OperationFailed, Deed::Reversal | Deed::OrderClose) => (
            "Payment still stands",
            format!("Y{payment} was not cancelled and still stands. Please ask the merchant what to do next."),
        ),
        (EventKind::OperationFailed, Deed::HoldRelease) => (
            "Release of a hold failed",
            format!("T{hold} could not be released and still stands. Please ask the merchant what to do next."),
        ),
        (EventKind::OperationFailed, Deed::HoldCompletion | Deed::Penalty) => (
            "Completion of a hold failed",
            format!(
                "{amount} out of t{hold} could not be taken; nothing was taken, and the hold still stands. Please ask the merchant what to do next."
            ),
        ),
        (EventKind::OperationFailed, Deed::CompletionVoid) => (
            "Cancellation failed",
            format!(
                "The {amount} taken out of t{hold} could not be given back and the completion still stands. Please ask the merchant what to do next."
            ),
        ),

        (EventKind::OperationUnknown, Deed::Reversal | Deed::OrderClose) => (
            "Payment being confirmed",
            format!("The outcome of y{payment} is unknown and is being looked up. Do not pay again yet."),
        ),
        (EventKind::OperationUnknown, Deed::CodeCancel) => (
            "Code cancellation being confirmed",
            format!(
                "Whether the code for y{payment} is cancelled is unknown and is being looked up. Do not pay with this code."
            ),
        ),
        (EventKind::OperationUnknown, _) => (
            "Hold being confirmed",
            format!(
                "The outcome of the {} ({merchant}, {sale}) is unknown and is being looked up. You need not do anything.",
                phrase(deed, amount)
            ),
        ),
        _ => return None,
    })
}
