//! The rules of a reversal (冲正): it undoes a payment whose outcome nobody knows, as a whole.

use crate::place::Place::{Field, Nowhere};
use crate::report::{Report, Until, denies, denies_until, verdict};
use crate::situation::Situation;
use crate::{effective, offline, operation, rule, window};
use rescind_model::token::Token as _;
use rescind_model::{DecisionError, Outcome, Remedy, SaleOutcome, Trouble, Value, Way};
use rescind_policy::document::ReversalRules;

/// Judges a reversal by every rule, in this order; all that stand in the way are reported.
pub(crate) fn judge(
    s: &Situation<'_>,
    amount: i64,
    trouble: Option<Trouble>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let held = s.reversal();
    report.holds("reversal", held.as_ref());
    effective::judge(s, report);
    let rules = held.map(|held| held.rules);
    operation::enabled(
        rule::REVERSAL_ENABLED,
        if rules.is_some() { Field("enabled") } else { Nowhere },
        rules.is_none_or(|rules| rules.enabled),
        Outcome::Refer,
        report,
        || Remedy::ContactSupport,
    );
    let is_unknown = outcome_is_unknown(s, trouble, report);
    operation::nothing_under_way(rule::REVERSAL_IN_PROGRESS, s, report);
    operation::whole(rule::REVERSAL_AMOUNT, s, amount, s.captured, report);
    if let Some(rules) = rules.filter(|_| is_unknown) {
        in_time(s, rules, report)?;
    }
    offline::judge(s, Way::Reversal, amount, report);
    Ok(())
}

fn in_time(s: &Situation<'_>, rules: &ReversalRules, report: &mut Report) -> Result<(), DecisionError> {
    let paid = s.facts.sale.paid_at;
    if let Some(wait) = rules.minimum_wait {
        let opens = window::after(paid, wait)?;
        report.edge(opens);
        report.asks(
            rule::REVERSAL_MINIMUM_WAIT,
            Field("minimum-wait"),
            denies_until(s.now < opens, opens),
            || (Value::Lasting(s.now.since(paid)), Value::Lasting(wait.duration())),
            || Remedy::RetryAfter(opens),
        );
    }
    if let (Some(length), Some(verdict)) = (rules.window, rules.after_window.and_then(verdict)) {
        let end = window::after(paid, length)?;
        report.edge(end);
        if verdict == Outcome::Deny {
            report.ends(end);
        }
        report.asks(
            rule::REVERSAL_WINDOW,
            Field("window"),
            (s.now >= end).then_some((verdict, Until::Changed)),
            || (Value::Lasting(s.now.since(paid)), Value::Lasting(length.duration())),
            || Remedy::ContactSupport,
        );
    }
    Ok(())
}

/// Whether the outcome is unknown: what the terminal says of it can only make it known that nothing was taken.
fn outcome_is_unknown(s: &Situation<'_>, trouble: Option<Trouble>, report: &mut Report) -> bool {
    let outcome = s.facts.status.outcome;
    let refused = outcome == SaleOutcome::Unknown && trouble == Some(Trouble::Declined);
    let nothing_was_taken = refused
        || matches!(
            outcome,
            SaleOutcome::Declined
                | SaleOutcome::Failed
                | SaleOutcome::Reversed
                | SaleOutcome::Cancelled
                | SaleOutcome::Released
                | SaleOutcome::Lapsed
        );
    let is_unknown = outcome == SaleOutcome::Unknown && !refused;
    for (id, stands) in
        [(rule::REVERSAL_NOTHING, nothing_was_taken), (rule::REVERSAL_OUTCOME, !nothing_was_taken && !is_unknown)]
    {
        report.asks(
            id,
            Nowhere,
            denies(stands),
            || {
                let observed = if refused { SaleOutcome::Declined } else { outcome };
                (Value::Text(observed.token().to_owned()), Value::Text(SaleOutcome::Unknown.token().to_owned()))
            },
            || match trouble {
                _ if refused => Remedy::NewSale,
                // The payment is as good as its slip would have said.
                Some(Trouble::PrinterFault) if outcome == SaleOutcome::Good => Remedy::Reprint,
                _ => s.way_back(),
            },
        );
    }
    is_unknown
}
