//! The rules of a reversal (冲正): it undoes a payment whose outcome nobody knows, as a whole.

use crate::report::{Report, Until, verdict};
use crate::situation::Situation;
use crate::{operation, rule, window};
use rescind_model::token::Token as _;
use rescind_model::{DecisionError, Outcome, Remedy, SaleOutcome, Trouble, Value};

/// Judges a reversal by every rule, in this order; all that stand in the way are reported.
pub(crate) fn judge(
    s: &Situation<'_>,
    amount: i64,
    trouble: Option<Trouble>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let rules = s.engine.document().reversal.as_ref();
    if rules.is_some_and(|rules| !rules.enabled) {
        operation::disabled(rule::REVERSAL_ENABLED, Outcome::Refer, report, || Remedy::ContactSupport);
    }
    let is_unknown = outcome_is_unknown(s, trouble, report);
    operation::nothing_under_way(rule::REVERSAL_IN_PROGRESS, s, report);
    operation::whole(rule::REVERSAL_AMOUNT, s, amount, s.captured, report);
    let Some(rules) = rules.filter(|_| is_unknown) else { return Ok(()) };
    let paid = s.facts.sale.paid_at;
    if let Some(wait) = rules.minimum_wait {
        let opens = window::after(paid, wait)?;
        if s.now < opens {
            report.stands(rule::REVERSAL_MINIMUM_WAIT, Outcome::Deny, Until::At(opens), || {
                (Value::Lasting(s.now.since(paid)), Value::Lasting(wait.duration()), Remedy::RetryAfter(opens))
            });
        }
    }
    if let (Some(length), Some(verdict)) = (rules.window, rules.after_window.and_then(verdict)) {
        let end = window::after(paid, length)?;
        if verdict == Outcome::Deny {
            report.ends(end);
        }
        if s.now >= end {
            report.stands(rule::REVERSAL_WINDOW, verdict, Until::Changed, || {
                (Value::Lasting(s.now.since(paid)), Value::Lasting(length.duration()), Remedy::ContactSupport)
            });
        }
    }
    Ok(())
}

/// Whether the outcome is unknown: what the terminal says of it can only make it known that nothing was taken.
fn outcome_is_unknown(s: &Situation<'_>, trouble: Option<Trouble>, report: &mut Report) -> bool {
    let outcome = s.facts.status.outcome;
    let refused = outcome == SaleOutcome::Unknown && trouble == Some(Trouble::Declined);
    if outcome == SaleOutcome::Unknown && !refused {
        return true;
    }
    let nothing_was_taken = matches!(
        outcome,
        SaleOutcome::Declined
            | SaleOutcome::Failed
            | SaleOutcome::Reversed
            | SaleOutcome::Cancelled
            | SaleOutcome::Released
            | SaleOutcome::Lapsed
    );
    let id = if refused || nothing_was_taken { rule::REVERSAL_NOTHING } else { rule::REVERSAL_OUTCOME };
    report.stands(id, Outcome::Deny, Until::Changed, || {
        let observed = if refused { SaleOutcome::Declined } else { outcome };
        let remedy = match trouble {
            _ if refused => Remedy::NewSale,
            // The payment is as good as its slip would have said.
            Some(Trouble::PrinterFault) if outcome == SaleOutcome::Good => Remedy::Reprint,
            _ => s.way_back(),
        };
        (Value::Text(observed.token().to_owned()), Value::Text(SaleOutcome::Unknown.token().to_owned()), remedy)
    });
    false
}
