//! English.

mod case;
mod operation;
mod origin;
mod rule;

use super::{Advice, Clause, Confirmation, Deed, Language, Opening, SaleName, SlipWords, Story};
use rescind_model::Audience::{Customer, Merchant, Reviewer};
use rescind_model::{Arrival, EventKind, IdentityKind, OfflineEffect, OperationState, RefundState, SaleOutcome, Way};

pub(super) struct English;

impl Language for English {
    fn message(&self, story: &Story) -> Option<(String, String)> {
        let Story { merchant, amount, refund, .. } = story;
        let sale = match &story.sale {
            SaleName::Order(number) => format!("order {number}"),
            SaleName::Reference(number) => format!("reference {number}"),
            SaleName::Id(id) => format!("sale {id}"),
        };
        let because = story.reason.as_ref().map_or_else(String::new, |reason| format!(" Reason: {reason}."));
        let arrives = story.arrival.map_or_else(String::new, |a| format!(" {}.", self.arrival(a)));
        let sold = if story.hold { "hold" } else { "sale" };
        let (title, body) = match (story.kind, story.audience) {
            (EventKind::SaleOutcomeKnown, Merchant) => match story.outcome? {
                SaleOutcome::Held => {
                    ("Hold in force", format!("The hold of {amount} ({sale}) is confirmed: the money is reserved."))
                }
                SaleOutcome::Good => {
                    ("Sale confirmed", format!("The sale of {amount} ({sale}) is confirmed: it took place."))
                }
                SaleOutcome::Declined => (
                    if story.hold { "Hold declined" } else { "Sale declined" },
                    format!("The {sold} of {amount} ({sale}) was declined. There is nothing to take back."),
                ),
                SaleOutcome::Failed => (
                    if story.hold { "Hold failed" } else { "Sale failed" },
                    format!(
                        "The {sold} of {amount} ({sale}) failed and was not captured. There is nothing to take back."
                    ),
                ),
                _ => return None,
            },
            (EventKind::SaleOutcomeKnown, Customer) => match story.outcome? {
                SaleOutcome::Held => {
                    ("Hold in force", format!("{merchant} has reserved {amount} ({sale}). Nothing was taken yet."))
                }
                SaleOutcome::Declined | SaleOutcome::Failed if story.hold => (
                    "Hold not made",
                    format!(
                        "The hold of {amount} by {merchant} ({sale}) was not made and nothing was taken. If money was reserved, your bank releases it."
                    ),
                ),
                SaleOutcome::Good => {
                    ("Payment confirmed", format!("Your payment of {amount} to {merchant} ({sale}) is confirmed."))
                }
                SaleOutcome::Declined | SaleOutcome::Failed => (
                    "Payment not completed",
                    format!(
                        "Your payment of {amount} to {merchant} ({sale}) was not completed. If money was taken, it comes back the way it was paid."
                    ),
                ),
                _ => return None,
            },
            (EventKind::SaleBatchClosed, Merchant) => (
                "Batch closed",
                format!(
                    "The terminal's batch with the sale of {amount} ({sale}) is closed. If it can no longer be voided, ask for a refund."
                ),
            ),
            (EventKind::SaleSettled, Merchant) => (
                "Sale settled",
                format!("The sale of {amount} ({sale}) is settled. To take it back from now on, ask for a refund."),
            ),
            (EventKind::SalePaidOut, Merchant) => (
                "Sale paid out",
                format!(
                    "The money of the sale of {amount} ({sale}) was paid out to your bank. To take it back from now on, ask for a refund."
                ),
            ),

            (EventKind::VoidAuthorised, Merchant) => {
                ("Void requested", format!("The void of {amount} ({sale}) has been submitted and is being processed."))
            }
            (EventKind::VoidAuthorised, Customer) => (
                "Cancellation requested",
                format!(
                    "The cancellation of your payment of {amount} to {merchant} ({sale}) has been submitted and is being processed."
                ),
            ),
            (EventKind::VoidSent, Merchant) => {
                ("Void under way", format!("The void of {amount} ({sale}) was sent and is being processed."))
            }
            (EventKind::VoidDone, Merchant) => (
                "Void successful",
                format!("The sale of {amount} ({sale}) is voided. The money goes back the way it was paid."),
            ),
            (EventKind::VoidDone, Customer) => (
                "Payment cancelled",
                format!(
                    "Your payment of {amount} to {merchant} ({sale}) is cancelled. The money comes back the way it was paid."
                ),
            ),
            (EventKind::VoidFailed, Merchant) => {
                ("Void failed", format!("The void of {amount} ({sale}) failed; the sale still stands.{because}"))
            }
            (EventKind::VoidFailed, Customer) => (
                "Cancellation failed",
                format!(
                    "Your payment of {amount} to {merchant} ({sale}) could not be cancelled and still stands. Please ask the merchant what to do next."
                ),
            ),
            (EventKind::VoidUnknown, Merchant) => (
                "Void outcome unknown",
                format!(
                    "The outcome of the void of {amount} ({sale}) is not known yet and is being looked up. Do not void or refund it again."
                ),
            ),
            (EventKind::VoidUnknown, Customer) => (
                "Cancellation being confirmed",
                format!(
                    "We are confirming the cancellation of your payment of {amount} to {merchant} ({sale}). You need not do anything."
                ),
            ),
            (EventKind::VoidReversing, Merchant) => (
                "Void being reversed",
                format!(
                    "The outcome of the void of {amount} ({sale}) stayed unknown, so the void is being reversed. Do not void or refund the sale until that has ended."
                ),
            ),
            (EventKind::VoidAttention, Merchant) => (
                "Void needs attention",
                format!(
                    "The void of {amount} ({sale}) cannot be finished automatically; a person is looking at it. Do not repeat it."
                ),
            ),
            (EventKind::VoidAttention, Reviewer) => (
                "Void needs attention",
                format!(
                    "{merchant}: the void of {amount} ({sale}) has no known outcome and needs a person. Compare it with the provider's records and resolve it."
                ),
            ),

            (EventKind::RefundSubmitted, Merchant) => (
                "Refund requested",
                format!("Refund {refund} of {amount} ({sale}) has been submitted and is being processed."),
            ),
            (EventKind::RefundSubmitted, Customer) => (
                "Refund requested",
                format!(
                    "The refund of {amount} for your payment to {merchant} ({sale}) has been submitted and is being processed."
                ),
            ),
            (EventKind::RefundInReview, Merchant) => {
                ("Refund in review", format!("Refund {refund} of {amount} ({sale}) is waiting for approval."))
            }
            (EventKind::RefundInReview, Reviewer) => (
                "Refund waiting for your review",
                format!(
                    "{merchant} asks to refund {amount} ({sale}, refund {refund}).{}",
                    approvals(story.approvals_left)
                ),
            ),
            (EventKind::RefundApprovalGiven, Merchant) => (
                "Refund: approval given",
                format!(
                    "Refund {refund} of {amount} ({sale}) was approved by one person.{}",
                    approvals(story.approvals_left)
                ),
            ),
            (EventKind::RefundApprovalGiven, Reviewer) if story.approvals_left > 0 => (
                "Refund: further approval needed",
                format!(
                    "{merchant}: refund {refund} of {amount} ({sale}) was approved by one person.{}",
                    approvals(story.approvals_left)
                ),
            ),
            (EventKind::RefundApproved, Merchant) => {
                ("Refund approved", format!("Refund {refund} of {amount} ({sale}) is approved and goes to clearing."))
            }
            (EventKind::RefundApproved, Customer) => (
                "Refund approved",
                format!(
                    "The refund of {amount} for your payment to {merchant} ({sale}) is approved and is being processed."
                ),
            ),
            (EventKind::RefundDeclined, Merchant) => {
                ("Refund declined", format!("Refund {refund} of {amount} ({sale}) was declined.{because}"))
            }
            (EventKind::RefundDeclined, Customer) => (
                "Refund declined",
                format!("The refund of {amount} for your payment to {merchant} ({sale}) was declined.{because}"),
            ),
            (EventKind::RefundWithdrawn, Merchant) => (
                "Refund request withdrawn",
                format!("Refund {refund} of {amount} ({sale}) was withdrawn; no money moves.{because}"),
            ),
            (EventKind::RefundWithdrawn, Customer) => (
                "Refund request withdrawn",
                format!(
                    "The request to refund {amount} for your payment to {merchant} ({sale}) was withdrawn. Your payment stands."
                ),
            ),
            (EventKind::RefundWithdrawn, Reviewer) => (
                "Refund request withdrawn",
                format!("{merchant}: refund {refund} of {amount} ({sale}) was withdrawn and needs no review any more."),
            ),
            (EventKind::RefundExpired, Merchant) => (
                "Refund request expired",
                format!(
                    "Refund {refund} of {amount} ({sale}) was not approved in time; no money moves. Submit it again if it is still wanted."
                ),
            ),
            (EventKind::RefundExpired, Customer) => (
                "Refund request expired",
                format!(
                    "The request to refund {amount} for your payment to {merchant} ({sale}) was not decided in time. Please ask the merchant to submit it again."
                ),
            ),
            (EventKind::RefundExpired, Reviewer) => (
                "Refund request expired",
                format!(
                    "{merchant}: refund {refund} of {amount} ({sale}) was not approved in time and needs no review any more."
                ),
            ),
            (EventKind::RefundEscalated, Merchant) => (
                "Refund review escalated",
                format!("Refund {refund} of {amount} ({sale}) is still waiting, so more people can approve it now."),
            ),
            (EventKind::RefundEscalated, Reviewer) => (
                "Refund waiting: passed on to you",
                format!(
                    "{merchant}: refund {refund} of {amount} ({sale}) was not approved in time and has been passed on.{}",
                    approvals(story.approvals_left)
                ),
            ),
            (EventKind::RefundQueued, Merchant) => (
                "Refund queued",
                format!(
                    "Refund {refund} of {amount} ({sale}) is approved and waits until your funds of the day suffice. You need not submit it again."
                ),
            ),
            (EventKind::RefundQueued, Customer) => (
                "Refund waiting to be sent",
                format!(
                    "The refund of {amount} for your payment to {merchant} ({sale}) is approved and waits to be sent. You need not do anything."
                ),
            ),
            (EventKind::RefundClearing, Merchant) => (
                "Refund in clearing",
                format!("Refund {refund} of {amount} ({sale}) is on its way through the network.{arrives}"),
            ),
            (EventKind::RefundClearing, Customer) => (
                "Refund on its way",
                format!("The refund of {amount} for your payment to {merchant} ({sale}) is being processed.{arrives}"),
            ),
            (EventKind::RefundCleared, Merchant) => {
                ("Refund successful", format!("Refund {refund} of {amount} ({sale}) succeeded.{arrives}"))
            }
            (EventKind::RefundCleared, Customer) => (
                "Refund successful",
                format!(
                    "The refund of {amount} for your payment to {merchant} ({sale}) succeeded; it goes back the way you paid.{arrives}"
                ),
            ),
            (EventKind::RefundFailed, Merchant) => {
                ("Refund failed", format!("Refund {refund} of {amount} ({sale}) failed; no money has moved.{because}"))
            }
            (EventKind::RefundFailed, Customer) => (
                "Refund failed",
                format!(
                    "The refund of {amount} for your payment to {merchant} ({sale}) could not be made. Please ask the merchant what to do next."
                ),
            ),
            (EventKind::RefundUnknown, Merchant) => (
                "Refund outcome unknown",
                format!(
                    "The outcome of refund {refund} of {amount} ({sale}) is not known yet and is being looked up. Do not submit it again."
                ),
            ),
            (EventKind::RefundUnknown, Customer) => (
                "Refund being confirmed",
                format!(
                    "We are confirming the refund of {amount} for your payment to {merchant} ({sale}). You need not do anything."
                ),
            ),
            (EventKind::RefundAttention, Merchant) => (
                "Refund needs attention",
                format!(
                    "Refund {refund} of {amount} ({sale}) cannot be finished automatically; a person is looking at it. Do not submit it again."
                ),
            ),
            (EventKind::RefundAttention, Reviewer) => (
                "Refund needs attention",
                format!(
                    "{merchant}: refund {refund} of {amount} ({sale}) cannot be finished automatically and needs a person. Compare it with the provider's records and resolve it."
                ),
            ),
            (EventKind::RefundRetried, Merchant) => (
                "Refund tried again",
                format!("Refund {refund} of {amount} ({sale}) is being tried again under its old reference."),
            ),
            (EventKind::RefundRetried, Customer) => (
                "Refund tried again",
                format!("The refund of {amount} for your payment to {merchant} ({sale}) is being tried again."),
            ),
            (EventKind::RefundResolved, Merchant) => (
                "Refund resolved",
                format!("Two persons looked at refund {refund} of {amount} ({sale}) and settled its outcome.{because}"),
            ),
            (EventKind::RefundInformationAsked, Merchant) => (
                "Refund: information needed",
                format!("The reviewer of refund {refund} of {amount} ({sale}) asks you something: look at the refund."),
            ),
            (EventKind::RefundInformationGiven, Merchant) => (
                "Refund: information given",
                format!(
                    "Your answer on refund {refund} of {amount} ({sale}) was submitted. It is reviewed afresh, and earlier approvals do not count any more."
                ),
            ),
            (EventKind::RefundInformationGiven, Reviewer) => (
                "Refund waiting: information given",
                format!(
                    "{merchant} has given more information on refund {refund} of {amount} ({sale}); please review it afresh.{}",
                    approvals(story.approvals_left)
                ),
            ),
            (EventKind::RefundTraceRequested, Merchant) => (
                "Refund being traced",
                format!(
                    "The provider is asked whether refund {refund} of {amount} ({sale}) arrived. Do not submit it again."
                ),
            ),
            (EventKind::RefundTraceRequested, Customer) => (
                "Refund being traced",
                format!(
                    "The provider is asked whether the refund of {amount} for your payment to {merchant} ({sale}) arrived. You need not do anything."
                ),
            ),
            (EventKind::RefundTraceAnswered, Merchant) => match story.arrived {
                Some(true) => (
                    "Refund arrived",
                    format!("The provider confirms that refund {refund} of {amount} ({sale}) arrived."),
                ),
                Some(false) => (
                    "Refund did not arrive",
                    format!(
                        "The provider says that refund {refund} of {amount} ({sale}) did not arrive; a person has to look at it.{because}"
                    ),
                ),
                None => (
                    "Refund being traced",
                    format!("The provider does not know yet whether refund {refund} of {amount} ({sale}) arrived."),
                ),
            },
            (EventKind::RefundTraceAnswered, Customer) => match story.arrived? {
                true => (
                    "Refund arrived",
                    format!(
                        "The refund of {amount} for your payment to {merchant} ({sale}) arrived, as the provider confirms. Please look at the account you paid from."
                    ),
                ),
                false => (
                    "Refund has not arrived",
                    format!(
                        "The refund of {amount} for your payment to {merchant} ({sale}) has not arrived and is being looked into. You can ask the merchant about it."
                    ),
                ),
            },
            (EventKind::RefundTraceAnswered, Reviewer) if story.arrived == Some(false) => (
                "Refund did not arrive",
                format!("{merchant}: refund {refund} of {amount} ({sale}) did not arrive and needs a person.{because}"),
            ),
            (EventKind::RefundReturned, Merchant) => (
                "Refund came back",
                format!(
                    "The network gave refund {refund} of {amount} ({sale}) back; its record stays, and the amount can be refunded again.{because}"
                ),
            ),
            (EventKind::RefundReturned, Customer) => (
                "Refund came back",
                format!(
                    "The refund of {amount} for your payment to {merchant} ({sale}) came back and did not reach you. Please ask the merchant to make it again."
                ),
            ),
            _ => {
                return operation::message(story, &sale, &because).or_else(|| {
                    let told = origin::message(story, &sale).or_else(|| case::message(story, &sale, &because));
                    told.map(|(title, body)| (title.to_owned(), body))
                });
            }
        };
        Some((title.to_owned(), body))
    }

    fn confirmation(&self, code: &Confirmation) -> (String, String) {
        let Confirmation { merchant, amount, code, until, way } = code;
        let what = case::phrase(*way, amount);
        (
            "Confirmation code".to_owned(),
            format!(
                "Your code to confirm the {what} at {merchant} is {code}, valid until {until}. It is for you alone and for this only: do not tell it to anybody else."
            ),
        )
    }

    fn clauses(&self) -> &'static [Clause] {
        rule::CLAUSES
    }

    fn unknown_clause(&self, rule: &str) -> String {
        format!("the rule {rule} does not permit it")
    }

    fn seen(&self, observed: Option<&str>, limit: Option<&str>) -> String {
        match (observed, limit) {
            (Some(o), Some(l)) => format!(" (observed {o}, limit {l})"),
            (Some(o), None) => format!(" (observed {o})"),
            (None, Some(l)) => format!(" (limit {l})"),
            (None, None) => String::new(),
        }
    }

    fn remedy(&self, advice: &Advice) -> Option<String> {
        Some(match advice {
            Advice::UseVoid => "void the sale instead".to_owned(),
            Advice::UseRefund => "ask for a refund instead".to_owned(),
            Advice::UseRefundFrom(at) => format!("ask for a refund instead, from {at} on"),
            Advice::UseReversal => "let a reversal find out what happened first".to_owned(),
            Advice::AwaitOutcome => "wait until the operation under way has ended".to_owned(),
            Advice::AskRole(role) => format!("ask a person with the role {role} to do it"),
            Advice::RetryAfter(at) => format!("try again at {at} or later"),
            Advice::ReduceTo(amount) => format!("ask for at most {amount}"),
            Advice::ChooseReason => "choose a reason".to_owned(),
            Advice::TakeAll => "ask for the whole amount".to_owned(),
            Advice::GoOnline => "try again when the terminal is online".to_owned(),
            Advice::Provide(what) => format!("please provide: {what}"),
            Advice::UseOrderClose => "close the order or cancel the code instead".to_owned(),
            Advice::UseHoldRelease => "release the hold instead".to_owned(),
            Advice::UseCompletionVoid => "void the completion instead".to_owned(),
            Advice::Reprint => "the payment is good, print its slip again".to_owned(),
            Advice::NewSale => "a new sale can be made under a new trace number".to_owned(),
            Advice::Authenticate => {
                "let the operator prove who they are for this operation, by PIN or signature".to_owned()
            }
            Advice::Identify(IdentityKind::CardPresented) => {
                "ask the customer to present the card that paid".to_owned()
            }
            Advice::Identify(IdentityKind::PinVerified) => "ask the cardholder to enter the PIN".to_owned(),
            Advice::Identify(IdentityKind::CustomerConfirmed) => {
                "ask the customer to repeat the code that was sent to them".to_owned()
            }
            Advice::ContactSupport => "call support".to_owned(),
        })
    }

    fn sentence(&self, clause: &str, advice: Option<&str>) -> String {
        let advice = advice.map_or_else(String::new, |a| format!("; {a}"));
        format!("{}{advice}.", capitalised(clause))
    }

    fn allowed(&self, opening: &Opening) -> String {
        let Opening { amount, .. } = opening;
        let open = match opening.way {
            Way::Void => format!("The sale of {amount} can be voided"),
            Way::Refund => format!("A refund of {amount} is possible"),
            Way::Reversal => format!("The sale of {amount} can be reversed"),
            Way::OrderClose => format!("The unpaid order of {amount} can be closed"),
            Way::HoldRelease => format!("The hold of {amount} can be released"),
            Way::HoldCompletion => format!("The hold can be completed for {amount}"),
            Way::CompletionVoid => format!("The completion of {amount} can be voided"),
        };
        let until = opening.until.as_ref().map_or_else(String::new, |at| format!(" until {at}"));
        let approvals = match opening.approvals {
            0 => String::new(),
            1 => ", after one approval".to_owned(),
            n => format!(", after {n} approvals"),
        };
        let penalty =
            opening.penalty.as_ref().map_or_else(String::new, |kept| format!(", with a penalty of {kept} kept"));
        let identity = opening
            .identity
            .as_ref()
            .map_or_else(String::new, |ways| format!(", once the customer is identified ({ways})"));
        let authentication = if opening.authentication { ", once the operator has proved who they are" } else { "" };
        let arrival =
            opening.arrival.map_or_else(String::new, |arrival| format!(", and the money is {}", arriving(arrival)));
        let offline = match opening.offline {
            None => "",
            Some(OfflineEffect::CancelsLocally) => ", at the terminal itself, because the sale was never sent",
            Some(OfflineEffect::Queued) => ", but waits until the server has confirmed it",
        };
        format!("{open}{penalty}{until}{approvals}{identity}{authentication}{offline}{arrival}.")
    }

    fn not_allowed(&self, way: Way) -> String {
        let way = match way {
            Way::Void => "A void",
            Way::Refund => "A refund",
            Way::Reversal => "A reversal",
            Way::OrderClose => "Closing the order",
            Way::HoldRelease => "Releasing the hold",
            Way::HoldCompletion => "Completing the hold",
            Way::CompletionVoid => "Voiding the completion",
        };
        format!("{way} is not possible now; call support.")
    }

    fn lasting(&self, parts: [u64; 4]) -> String {
        let units = [("day", "days"), ("hour", "hours"), ("minute", "minutes"), ("second", "seconds")];
        let shown: Vec<String> = parts
            .iter()
            .zip(units)
            .filter(|(n, _)| **n > 0)
            .map(|(n, (one, many))| format!("{n} {}", if *n == 1 { one } else { many }))
            .collect();
        if shown.is_empty() { "0 seconds".to_owned() } else { shown.join(" ") }
    }

    fn word(&self, token: &str) -> String {
        // What was given is not repeated: it may be anything.
        if token == "unlisted" {
            return "given".to_owned();
        }
        // Tokens are English words joined by hyphens; anything else (an id, a number) stays as it is.
        let words = token.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        if words { token.replace('-', " ") } else { token.to_owned() }
    }

    fn slip(&self) -> &'static SlipWords {
        &SLIP
    }

    fn void_state(&self, state: OperationState) -> &'static str {
        match state {
            OperationState::Authorised | OperationState::Sent => "BEING PROCESSED",
            OperationState::Done => "VOID SUCCESSFUL",
            OperationState::Failed => "VOID FAILED",
            OperationState::Unknown => "OUTCOME UNKNOWN, DO NOT REPEAT",
        }
    }

    fn operation_title(&self, deed: Deed) -> &'static str {
        match deed {
            Deed::Reversal => "REVERSAL",
            Deed::OrderClose => "ORDER CLOSE",
            Deed::CodeCancel => "PAYMENT CODE CANCELLATION",
            Deed::HoldRelease => "HOLD RELEASE",
            Deed::HoldCompletion => "HOLD COMPLETION",
            Deed::Penalty => "HOLD COMPLETION (PENALTY)",
            Deed::CompletionVoid => "COMPLETION VOID",
        }
    }

    fn operation_state(&self, deed: Deed, state: OperationState) -> &'static str {
        match (state, deed) {
            (OperationState::Authorised | OperationState::Sent, _) => "BEING PROCESSED",
            (OperationState::Unknown, _) => "OUTCOME UNKNOWN, DO NOT REPEAT",
            (OperationState::Done, Deed::Reversal) => "REVERSAL SUCCESSFUL",
            (OperationState::Done, Deed::OrderClose) => "ORDER CLOSE SUCCESSFUL",
            (OperationState::Done, Deed::CodeCancel) => "CANCELLATION SUCCESSFUL",
            (OperationState::Done, Deed::HoldRelease) => "RELEASE SUCCESSFUL",
            (OperationState::Done, Deed::HoldCompletion | Deed::Penalty) => "COMPLETION SUCCESSFUL",
            (OperationState::Done, Deed::CompletionVoid) => "COMPLETION VOID SUCCESSFUL",
            (OperationState::Failed, Deed::Reversal) => "REVERSAL FAILED",
            (OperationState::Failed, Deed::OrderClose) => "ORDER CLOSE FAILED",
            (OperationState::Failed, Deed::CodeCancel) => "CANCELLATION FAILED",
            (OperationState::Failed, Deed::HoldRelease) => "RELEASE FAILED",
            (OperationState::Failed, Deed::HoldCompletion | Deed::Penalty) => "COMPLETION FAILED",
            (OperationState::Failed, Deed::CompletionVoid) => "COMPLETION VOID FAILED",
        }
    }

    fn operation_amount(&self, deed: Deed) -> &'static str {
        match deed {
            Deed::Reversal => "Reversed",
            Deed::OrderClose | Deed::CodeCancel => "Order amount",
            Deed::HoldRelease => "Released",
            Deed::HoldCompletion => "Captured",
            Deed::Penalty => "Penalty",
            Deed::CompletionVoid => "Voided",
        }
    }

    fn refund_state(&self, state: RefundState) -> &'static str {
        match state {
            RefundState::Submitted | RefundState::InReview | RefundState::NeedsInformation => {
                "SUBMITTED, BEING PROCESSED"
            }
            RefundState::Approved | RefundState::Queued | RefundState::Clearing => "BEING PROCESSED",
            RefundState::Cleared => "REFUND SUCCESSFUL",
            RefundState::Declined => "REFUND DECLINED",
            RefundState::Withdrawn => "REQUEST WITHDRAWN",
            RefundState::Expired => "REQUEST EXPIRED",
            RefundState::Failed => "REFUND FAILED",
            RefundState::Unknown => "OUTCOME UNKNOWN, DO NOT REPEAT",
        }
    }

    fn arrival(&self, arrival: Arrival) -> String {
        capitalised(&arriving(arrival))
    }

    fn offline_state(&self, effect: OfflineEffect) -> [&'static str; 2] {
        match effect {
            OfflineEffect::CancelsLocally => ["VOID SUCCESSFUL", "THE SALE WAS NEVER SENT"],
            OfflineEffect::Queued => ["WAITS FOR THE SERVER", "NOT DONE UNTIL IT CONFIRMS"],
        }
    }

    fn response_code(&self, code: &str) -> Option<&'static str> {
        Some(match code {
            "03" => "invalid merchant",
            "05" => "not honoured",
            "12" => "invalid transaction",
            "13" => "invalid amount",
            "14" => "invalid card number",
            "25" => "original not found",
            "30" => "format error",
            "41" => "card reported lost",
            "43" => "card reported stolen",
            "51" => "insufficient funds",
            "54" => "card expired",
            "55" => "wrong PIN",
            "57" => "not permitted to the cardholder",
            "58" => "not permitted to the terminal",
            "61" => "above the amount limit",
            "62" => "restricted card",
            "65" => "above the number limit",
            "68" => "answered too late",
            "91" => "issuer not available",
            "94" => "duplicate transmission",
            "96" => "system malfunction",
            "98" => "no answer from the network",
            _ => return None,
        })
    }

    fn coded(&self, code: &str) -> String {
        self.response_code(code).map_or_else(|| format!("code {code}"), |text| format!("{text} (code {code})"))
    }
}

/// When the money arrives, within a sentence.
fn arriving(arrival: Arrival) -> String {
    let (min, max) = (arrival.min_days.min(arrival.max_days), arrival.min_days.max(arrival.max_days));
    let unit = match (arrival.working_days, max) {
        (true, 1) => "working day",
        (true, _) => "working days",
        (false, 1) => "day",
        (false, _) => "days",
    };
    let days = match (min, max) {
        (_, 0) => return "expected to arrive at once".to_owned(),
        (0, max) => format!("expected to arrive within {max} {unit}"),
        (min, max) if min == max => format!("expected to arrive in {max} {unit}"),
        (min, max) => format!("expected to arrive in {min}–{max} {unit}"),
    };
    match (arrival.earliest, arrival.latest) {
        (Some(earliest), Some(latest)) if min > 0 && earliest < latest => format!("{days} ({earliest} to {latest})"),
        (_, Some(latest)) if min < max => format!("{days} (by {latest})"),
        (_, Some(latest)) => format!("{days} ({latest})"),
        (_, None) => days,
    }
}

/// A text with its first letter large, as a sentence begins.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

fn approvals(left: u32) -> String {
    match left {
        0 => String::new(),
        1 => " One approval is still needed.".to_owned(),
        n => format!(" {n} approvals are still needed."),
    }
}

const SLIP: SlipWords = SlipWords {
    void_title: "VOID",
    legal_mark: "LEGAL OR COMPLIANCE ORDER",
    refund_title: "REFUND",
    sale_title: "SALES SLIP",
    hold_title: "HOLD (PRE-AUTHORISATION)",
    reprint: "*** REPRINT ***",
    terminal: "Terminal",
    batch: "Batch",
    voucher: "Orig. voucher",
    trace: "Orig. trace",
    order: "Order",
    sale_id: "Sale",
    retrieval_reference: "Ref. no.",
    void_id: "Void no.",
    refund_id: "Refund no.",
    operation_id: "Operation no.",
    legal_order: "Legal order",
    corrects: "Corrects refund",
    own_voucher: "Voucher",
    own_trace: "Trace",
    authorisation_code: "Auth. code",
    provider_reference: "Provider ref.",
    paid_at: "Paid at",
    own_paid_at: "Paid at",
    valid_until: "Valid until",
    captured: "Orig. amount",
    own_amount: "Amount",
    held: "Held",
    released: "Rest released",
    taken: "PAYMENT SUCCESSFUL",
    reserved: "RESERVED, NOT TAKEN YET",
    asked_at: "Asked at",
    changed_at: "Last change",
    void_amount: "Void amount",
    refund_amount: "Refund amount",
    reason: "Reason",
    operator: "Operator",
    failure: "Why",
    signature: "Cardholder signature:",
    printed_at: "Printed at",
};
