//! What each rule says when it stands in the way.

use crate::catalogue::Clause;

macro_rules! clauses {
    ($($rule:literal $($form:literal)/+;)*) => {
        &[$(Clause { rule: $rule, forms: &[$($form),+] },)*]
    };
}

pub(super) const CLAUSES: &[Clause] = clauses! {
    "sale.outcome" "the sale is not known to be good, its outcome is {o}" / "the sale is not known to be good";
    "void.enabled" "this policy does not offer voids";
    "void.window" "the void window has closed ({o}, limit {l})" / "the void window has closed";
    "void.count" "the number of voids is used up ({o} so far, limit {l})" / "the number of voids is used up";
    "void.amount" "a void must take back the whole sale, {l} and not {o}" / "a void must take back the whole sale";
    "void.amount-limit" "{o} is outside what may be voided here (limit {l})" / "the amount is outside what may be voided here";
    "void.settled" "the sale is already settled ({o})" / "the sale is already settled";
    "void.batch" "the terminal's batch is already closed ({o})" / "the terminal's batch is already closed";
    "void.business-day" "the sale belongs to business day {l}, and it is now business day {o}" / "the business day of the sale is over";
    "void.calendar-day" "the calendar day of the sale is over ({o}, it ended at {l})" / "the calendar day of the sale is over";
    "void.paid-out" "the money was already paid out to the merchant ({o})" / "the money was already paid out to the merchant";
    "void.real-time" "the money of this sale was paid out in real time";
    "void.after-refund" "a refund of this sale was already sent";
    "void.balance" "only {o} of {l} is left of the sale, so it cannot be voided as a whole" / "refunds were asked for, so the sale cannot be voided as a whole";
    "void.in-progress" "a void of this sale is under way";
    "void.already-voided" "the sale is already voided";
    "void.minimum-wait" "it is too early to void this sale ({o}, at least {l})" / "it is too early to void this sale";
    "void.operator-role" "the operator's role does not permit voids ({o}, needed {l})" / "the operator's role does not permit voids (needed {l})" / "the operator's role does not permit voids";
    "void.reason" "the reason {o} is not on the list ({l})" / "a reason for the void is missing (one of {l})" / "a reason for the void is missing";
    "refund.enabled" "this policy does not offer refunds";
    "refund.balance" "{o} is more than the {l} that is left of the sale" / "that is more than is left of the sale";
    "refund.window" "the refund window has closed ({o}, limit {l})" / "the refund window has closed";
    "refund.same-day" "a sale cannot be refunded on its own business day ({o}), only from {l} on" / "a sale cannot be refunded on its own business day";
    "refund.partial" "only the whole sale can be refunded, {l} and not {o}" / "only the whole sale can be refunded";
    "refund.count" "the number of refunds of this sale is used up ({o} so far, limit {l})" / "the number of refunds of this sale is used up";
    "refund.spacing" "the last refund of this sale was too recent ({o}, at least {l})" / "the last refund of this sale was too recent";
    "refund.minimum-wait" "it is too early to refund this sale ({o}, at least {l})" / "it is too early to refund this sale";
    "refund.kind" "sales of the kind {o} cannot be refunded" / "sales of this kind cannot be refunded";
    "refund.real-time" "a sale that is paid out in real time cannot be refunded here";
    "refund.reason" "the reason {o} is not on the list ({l})" / "a reason for the refund is missing (one of {l})" / "a reason for the refund is missing";
    "refund.evidence" "evidence is missing: {l}" / "evidence is missing";
    "refund.amount-limit" "{o} is outside what may be refunded here (limit {l})" / "the amount is outside what may be refunded here";
    "refund.operator-role" "the operator's role does not permit refunds ({o}, needed {l})" / "the operator's role does not permit refunds (needed {l})" / "the operator's role does not permit refunds";
    "refund.void-open" "a void of this sale is under way";
    "refund.already-voided" "the sale is already voided";
    "legal.enabled" "this policy knows no legal orders";
    "legal.role" "the person's role does not permit legal orders ({o}, needed {l})" / "the person's role does not permit legal orders (needed {l})" / "the person's role does not permit legal orders";
    "void.hold-completion" "the sale is the completion of a hold and is not voided itself";
    "void.operation-open" "another operation on this payment is under way";
    "void.kind-not-cancellable" "prepaid sales of the kind {o} cannot be cancelled" / "prepaid sales of this kind cannot be cancelled";
    "void.penalty" "a penalty of {o} is kept, so the sale cannot be voided as a whole" / "it is not known how much is kept as a penalty";
    "void.authentication" "the operator's proof does not do ({o}, no older than {l})" / "the operator has to prove who they are (no longer than {l} ago)" / "the operator has to prove who they are";
    "void.identity" "the customer was identified by {o}, which does not do (needed {l})" / "the customer has to be identified ({l})" / "the customer has to be identified";
    "refund.operation-open" "another operation on this payment is under way";
    "refund.kind-not-cancellable" "prepaid sales of the kind {o} cannot be cancelled" / "prepaid sales of this kind cannot be cancelled";
    "refund.penalty" "{o} is more than the {l} that is left once the penalty is kept" / "it is not known how much is kept as a penalty";
    "refund.authentication" "the operator's proof does not do ({o}, no older than {l})" / "the operator has to prove who they are (no longer than {l} ago)" / "the operator has to prove who they are";
    "refund.identity" "the customer was identified by {o}, which does not do (needed {l})" / "the customer has to be identified ({l})" / "the customer has to be identified";
    "reversal.enabled" "this policy does not offer reversals";
    "reversal.outcome" "only a sale of unknown outcome is reversed, and the outcome of this one is {o}" / "only a sale of unknown outcome is reversed";
    "reversal.nothing-to-reverse" "nothing was taken, so there is nothing to reverse (the outcome of the sale is {o})" / "nothing was taken, so there is nothing to reverse";
    "reversal.in-progress" "another operation on this payment is under way";
    "reversal.amount" "a reversal must undo the whole sale, {l} and not {o}" / "a reversal must undo the whole sale";
    "reversal.minimum-wait" "it is too early to reverse this sale ({o}, at least {l})" / "it is too early to reverse this sale";
    "reversal.window" "the reversal window has closed ({o}, limit {l})" / "the reversal window has closed";
    "order-close.enabled" "this policy does not offer payment codes";
    "order-close.no-code" "the payment did not begin as a payment code";
    "order-close.in-progress" "another operation on this order is under way";
    "order-close.amount" "an order is closed as a whole, {l} and not {o}" / "an order is closed as a whole";
    "order-close.scanned" "the code was already scanned (the outcome of the payment is {o})" / "the code was already scanned";
    "order-close.expired" "the code expired at {l}" / "the code has expired";
    "order-close.paid" "the code was already paid";
    "order-close.outcome" "the order is no longer open, it is {o}" / "the order is no longer open";
    "hold-release.enabled" "this policy does not offer holds";
    "hold-release.no-hold" "the payment did not begin as a hold";
    "hold-release.outcome" "no money is held, the payment is {o}" / "no money is held";
    "hold-release.in-progress" "another operation on this hold is under way";
    "hold-release.amount" "a hold is released as a whole, {l} and not {o}" / "a hold is released as a whole";
    "hold-release.operator-role" "the operator's role does not permit releasing holds ({o}, needed {l})" / "the operator's role does not permit releasing holds (needed {l})" / "the operator's role does not permit releasing holds";
    "hold-completion.enabled" "this policy does not offer holds";
    "hold-completion.no-hold" "the payment did not begin as a hold";
    "hold-completion.outcome" "no money is held, the payment is {o}" / "no money is held";
    "hold-completion.in-progress" "another operation on this hold is under way";
    "hold-completion.validity" "the hold could be completed until {l} only" / "the hold can no longer be completed";
    "hold-completion.ceiling" "{o} is more than the {l} that a completion may capture" / "that is more than a completion may capture";
    "hold-completion.penalty" "a penalty of {o} is more than the {l} that may be kept" / "the penalty is more than may be kept";
    "completion-void.enabled" "this policy does not offer voids of completions";
    "completion-void.no-hold" "the payment did not begin as a hold";
    "completion-void.outcome" "there is no completion to void, the payment is {o}" / "there is no completion to void";
    "completion-void.in-progress" "another operation on this hold is under way";
    "completion-void.after-refund" "a refund of this completion was already sent";
    "completion-void.balance" "only {o} of {l} is left of the completion, so it cannot be voided as a whole" / "refunds were asked for, so the completion cannot be voided as a whole";
    "completion-void.amount" "the void must take back the whole completion, {l} and not {o}" / "the void must take back the whole completion";
    "completion-void.settled" "the completion is already settled ({o})" / "the completion is already settled";
    "completion-void.window" "the window for voiding the completion has closed ({o}, limit {l})" / "the window for voiding the completion has closed";
};
