//! How a payment began, and what went wrong at the till.

use crate::catalogue::Story;
use rescind_model::Audience::{Customer, Merchant, Reviewer};
use rescind_model::{EventKind, SaleOutcome, Trouble};

pub(super) fn message(story: &Story, sale: &str) -> Option<(&'static str, String)> {
    let Story { merchant, amount, .. } = story;
    let until = story.until.as_ref().map_or_else(String::new, |at| format!(", valid until {at}"));
    let code = format!("The payment code for {amount} ({sale})");
    let payment = format!("our payment of {amount} to {merchant} ({sale})");
    // What the till was about.
    let (sold, paid) = if story.hold {
        (format!("hold of {amount} ({sale})"), format!("the hold of {amount} by {merchant} ({sale})"))
    } else {
        (format!("sale of {amount} ({sale})"), format!("y{payment}"))
    };
    Some(match (story.kind, story.audience) {
        (EventKind::CodeCreated, Merchant) => ("Payment code created", format!("{code} is ready{until}.")),
        (EventKind::CodeScanned, Merchant) => match story.outcome {
            Some(SaleOutcome::Good) => {
                ("Payment code paid", format!("{code} was scanned, and the payment is confirmed."))
            }
            Some(SaleOutcome::Declined) => {
                ("Payment declined", format!("{code} was scanned; the payment was declined and nothing was taken."))
            }
            Some(SaleOutcome::Failed) => {
                ("Payment failed", format!("{code} was scanned; the payment failed and nothing was taken."))
            }
            Some(SaleOutcome::Unknown) => (
                "Payment outcome unknown",
                format!(
                    "{code} was scanned; the outcome of the payment is unknown and is being looked up. Do not charge again until it is known."
                ),
            ),
            _ => (
                "Payment code scanned",
                format!("{code} was scanned. Do not charge again until the outcome of the payment is known."),
            ),
        },
        (EventKind::CodeScanned, Customer) => match story.outcome? {
            SaleOutcome::Good => ("Payment confirmed", format!("Y{payment} is confirmed.")),
            SaleOutcome::Unknown => (
                "Payment being confirmed",
                format!("The outcome of y{payment} is unknown and is being looked up. Do not pay again yet."),
            ),
            SaleOutcome::Declined | SaleOutcome::Failed => (
                "Payment not completed",
                format!("Y{payment} was not completed. If money was taken, it comes back the way it was paid."),
            ),
            _ => return None,
        },
        (EventKind::CodeExpired, Merchant) => (
            "Payment code expired",
            format!("{code} has expired and nobody paid it. Make a new one if the payment is still wanted."),
        ),
        (EventKind::CodeExpired, Customer) => (
            "Payment code expired",
            format!(
                "The code for y{payment} has expired and nothing was taken. Ask the merchant for a new one if you still want to pay."
            ),
        ),

        (EventKind::HoldAuthorised, Merchant) if story.outcome == Some(SaleOutcome::Unknown) => (
            "Hold outcome unknown",
            format!(
                "The outcome of the hold of {amount} ({sale}) is unknown and is being looked up. Do not make another until it is known."
            ),
        ),
        (EventKind::HoldAuthorised, Customer) if story.outcome == Some(SaleOutcome::Unknown) => (
            "Hold being confirmed",
            format!(
                "The outcome of the hold of {amount} by {merchant} ({sale}) is unknown and is being looked up. You need not do anything."
            ),
        ),
        (EventKind::HoldAuthorised, Merchant) => {
            ("Hold in force", format!("{amount} ({sale}) is reserved and not taken yet{until}."))
        }
        (EventKind::HoldAuthorised, Customer) => {
            ("Hold in force", format!("{merchant} has reserved {amount} ({sale}){until}. Nothing was taken yet."))
        }
        (EventKind::HoldLapsed, Merchant) => (
            "Hold lapsed",
            format!("The hold of {amount} ({sale}) has lapsed. It can no longer be completed and is released."),
        ),
        (EventKind::HoldLapsed, Customer) => (
            "Hold lapsed",
            format!("The hold of {amount} by {merchant} ({sale}) has lapsed and is released. Nothing was taken."),
        ),

        (EventKind::SaleTrouble, Merchant) => trouble(story.trouble, &sold),
        (EventKind::SaleTrouble, Customer) => match story.trouble? {
            Trouble::NoAnswer | Trouble::HardwareFault | Trouble::SoftwareFault => (
                "Payment being confirmed",
                format!("The outcome of {paid} is unknown and is being looked up. Do not pay again yet."),
            ),
            Trouble::Unauthorised => {
                ("Objection recorded", format!("Your objection to {paid} was recorded and is being processed."))
            }
            Trouble::Declined | Trouble::PrinterFault => return None,
        },
        (EventKind::SaleTrouble, Reviewer) if story.trouble == Some(Trouble::Unauthorised) => (
            "Payer did not authorise",
            format!("{merchant}: the payer says that they did not authorise the {sold}. Please look into it."),
        ),
        (EventKind::SaleLateAnswer, Merchant) => {
            let said = match story.outcome {
                Some(SaleOutcome::Good) => ", saying that the sale took place",
                Some(SaleOutcome::Declined) => ", saying that the sale was declined",
                Some(SaleOutcome::Failed) => ", saying that the sale failed",
                _ => "",
            };
            (
                "Late answer",
                format!(
                    "An answer about the {sold} came after its reversal had begun{said}. It is recorded and the reversal decides; you need not do anything."
                ),
            )
        }
        (EventKind::SaleAttention, Merchant) => (
            "Outcome still unknown",
            format!(
                "Nobody knows whether the {sold} took place, and it is not being undone. Report what went wrong, or ask the provider; do not charge again until it is known."
            ),
        ),
        (EventKind::SaleAttention, Reviewer) => (
            "Outcome still unknown",
            format!(
                "{merchant}: nobody knows whether the {sold} took place, and it is not being undone. Compare it with the provider's records."
            ),
        ),
        _ => return None,
    })
}

fn trouble(trouble: Option<Trouble>, sale: &str) -> (&'static str, String) {
    const WAIT: &str = "Its outcome is unknown and is being looked up; do not charge again until it is known.";
    match trouble {
        Some(Trouble::NoAnswer) => ("No answer", format!("The {sale} got no answer. {WAIT}")),
        Some(Trouble::Declined) => (
            "Sale declined",
            format!(
                "The {sale} was reported as declined: there is nothing to reverse. To charge again, make a new sale under a new trace number."
            ),
        ),
        Some(Trouble::HardwareFault) => ("Terminal fault", format!("The terminal failed during the {sale}. {WAIT}")),
        Some(Trouble::SoftwareFault) => {
            ("Terminal program fault", format!("The terminal's program failed during the {sale}. {WAIT}"))
        }
        Some(Trouble::PrinterFault) => (
            "Slip not printed",
            format!(
                "The slip of the {sale} was not printed; the payment is not affected. Print it again and do not charge again."
            ),
        ),
        Some(Trouble::Unauthorised) => (
            "Payer did not authorise",
            format!(
                "The payer says that they did not authorise the {sale}. Check it, then reverse, void or refund it."
            ),
        ),
        None => ("Trouble recorded", format!("Trouble with the {sale} was recorded.")),
    }
}
