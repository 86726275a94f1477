//! The rules of a void: it cancels a known-good, unsettled sale as a whole.

use crate::engine::need;
use crate::report::{Report, Until, verdict};
use crate::situation::{Asked, Situation};
use crate::{prepaid, proof, reason, rule, window};
use rescind_model::token::Token as _;
use rescind_model::{DecisionError, Outcome, Remedy, SaleOutcome, SettlementMode, Tally, TallyNeed, Value};
use rescind_policy::document::{Permission, Same, VoidRules};
use rescind_policy::word::Word as _;

/// Judges a void by every rule, in this order; all that stand in the way are reported.
pub(crate) fn judge(
    s: &Situation<'_>,
    amount: i64,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    outcome_is_known_good(s, report);
    let rules = s.engine.void_rules();
    if rules.is_none_or(|rules| !rules.enabled) {
        report.stands(rule::VOID_ENABLED, Outcome::Deny, Until::Changed, || {
            (Value::Text("disabled".to_owned()), Value::Text("enabled".to_owned()), s.refund_instead(amount))
        });
    }
    let Some(rules) = rules else { return Ok(()) };
    completions_have_their_own(s, report);
    nothing_under_way(s, report);
    nothing_else_happened(s, rules, report);
    amount_is_the_sale(s, rules, amount, report);
    money_is_still_here(s, rules, report);
    prepaid::judge_void(s, report)?;
    in_time(s, rules, report)?;
    not_too_many(s, rules, asked, report)?;
    operator_may(s, rules, asked, report)?;
    if let Asked::Decide { reason, .. } = asked {
        proof::of_operator(rule::VOID_AUTHENTICATION, rules.authentication.as_ref(), s, report);
        proof::of_customer(rule::VOID_IDENTITY, &rules.identity, s, s.captured, report);
        reason::judge(rule::VOID_REASON, rules.reason, &rules.reasons, s.engine.void_reasons(), reason, report);
    }
    Ok(())
}

/// Void and refund alike: only a sale known to be good can be taken back by them.
pub(crate) fn outcome_is_known_good(s: &Situation<'_>, report: &mut Report) {
    let outcome = s.facts.status.outcome;
    if outcome == SaleOutcome::Good {
        return;
    }
    report.stands(rule::SALE_OUTCOME, Outcome::Deny, Until::Changed, || {
        // Declined, failed, cancelled, …: no money was taken or none is left, so there is nothing to do.
        let remedy = s.way_back_of_open();
        (Value::Text(outcome.token().to_owned()), Value::Text(SaleOutcome::Good.token().to_owned()), remedy)
    });
}

/// What came from a hold goes back to it: the completion is voided, not the sale.
fn completions_have_their_own(s: &Situation<'_>, report: &mut Report) {
    if s.facts.hold.is_some() && s.is_good() {
        report.stands(rule::VOID_HOLD_COMPLETION, Outcome::Deny, Until::Changed, || {
            let open = s.completion_void_is_open();
            let remedy = if open { Remedy::UseCompletionVoid } else { s.refund_instead(s.refundable()) };
            (Value::Text("hold".to_owned()), Value::Absent, remedy)
        });
    }
}

/// No void and no other operation may be under way.
pub(crate) fn nothing_under_way(s: &Situation<'_>, report: &mut Report) {
    let balance = &s.facts.balance;
    let one = || (Value::Count(1), Value::Count(0), Remedy::AwaitOutcome);
    if balance.void_open {
        report.stands(rule::VOID_IN_PROGRESS, Outcome::Deny, Until::Changed, one);
    }
    if balance.operation_open {
        report.stands(rule::VOID_OPERATION_OPEN, Outcome::Deny, Until::Changed, one);
    }
}

fn nothing_else_happened(s: &Situation<'_>, rules: &VoidRules, report: &mut Report) {
    let balance = &s.facts.balance;
    let voided = balance.voided.minor;
    if voided > 0 {
        report.stands(rule::VOID_ALREADY_VOIDED, Outcome::Deny, Until::Changed, || {
            (s.amount(voided), s.amount(0), Remedy::None)
        });
    }
    if let Some(verdict) = verdict(rules.after_refund).filter(|_| balance.refunds_sent > 0) {
        report.stands(rule::VOID_AFTER_REFUND, verdict, Until::Changed, || {
            (Value::Count(u64::from(balance.refunds_sent)), Value::Count(0), s.refund_instead(s.left))
        });
    }
    // Not a choice of the policy: a void takes all of the sale, so nothing of it may be promised to a refund.
    if !balance.void_open && !balance.operation_open && voided == 0 && s.left < s.captured {
        report.stands(rule::VOID_BALANCE, Outcome::Deny, Until::Changed, || {
            (s.amount(s.left), s.amount(s.captured), s.refund_instead(s.left))
        });
    }
}

fn amount_is_the_sale(s: &Situation<'_>, rules: &VoidRules, amount: i64, report: &mut Report) {
    if amount != s.captured {
        report.stands(rule::VOID_AMOUNT, Outcome::Deny, Until::Changed, || {
            let remedy = if amount > s.captured {
                Remedy::ReduceTo(s.money(s.captured))
            } else {
                match s.refund_instead(amount) {
                    Remedy::ContactSupport => Remedy::Provide("full-amount".to_owned()),
                    remedy => remedy,
                }
            };
            (s.amount(amount), s.amount(s.captured), remedy)
        });
    }
    let least = rules.min_amount.map_or(0, |least| least.minor());
    let most = rules.max_amount.map_or(i64::MAX, |most| most.minor());
    if !(least..=most).contains(&s.captured) {
        let limit = if s.captured < least { least } else { most };
        report.stands(rule::VOID_AMOUNT_LIMIT, Outcome::Deny, Until::Changed, || {
            (s.amount(s.captured), s.amount(limit), s.refund_instead(s.left))
        });
    }
}

fn money_is_still_here(s: &Situation<'_>, rules: &VoidRules, report: &mut Report) {
    let status = &s.facts.status;
    let real_time = s.facts.sale.settlement == SettlementMode::RealTime;
    if let Some(verdict) = verdict(rules.paid_out).filter(|_| real_time || status.paid_out_at.is_some()) {
        report.stands(rule::VOID_PAID_OUT, verdict, Until::Changed, || {
            let real_time = Value::Text(s.facts.sale.settlement.token().to_owned());
            (status.paid_out_at.map_or(real_time, Value::At), Value::Absent, s.refund_instead(s.left))
        });
    }
    if let Some(settled) = status.settled_at.filter(|_| rules.until_settlement) {
        report.stands(rule::VOID_SETTLED, Outcome::Deny, Until::Changed, || {
            (Value::At(settled), Value::Absent, s.refund_instead(s.left))
        });
    }
}

fn in_time(s: &Situation<'_>, rules: &VoidRules, report: &mut Report) -> Result<(), DecisionError> {
    for same in &rules.same {
        match same {
            Same::OpenBatch => in_open_batch(s, report)?,
            Same::BusinessDay => in_business_day(s, report),
            Same::CalendarDay => in_calendar_day(s, report)?,
        }
    }
    let paid = s.facts.sale.paid_at;
    if let Some(wait) = rules.minimum_wait {
        let opens = window::after(paid, wait)?;
        if s.now < opens {
            report.stands(rule::VOID_MINIMUM_WAIT, Outcome::Deny, Until::At(opens), || {
                (Value::Lasting(s.now.since(paid)), Value::Lasting(wait.duration()), Remedy::RetryAfter(opens))
            });
        }
    }
    if let Some(length) = rules.window {
        let end = window::after(paid, length)?;
        report.ends(end);
        if s.now >= end {
            report.stands(rule::VOID_WINDOW, Outcome::Deny, Until::Changed, || {
                (Value::Lasting(s.now.since(paid)), Value::Lasting(length.duration()), s.refund_instead(s.left))
            });
        }
    }
    Ok(())
}

fn in_open_batch(s: &Situation<'_>, report: &mut Report) -> Result<(), DecisionError> {
    if s.facts.sale.slip.is_none() {
        return Err(DecisionError::MissingFact("sale.slip".to_owned()));
    }
    if let Some(closed) = s.facts.status.batch_closed_at {
        report.stands(rule::VOID_BATCH, Outcome::Deny, Until::Changed, || {
            (Value::At(closed), Value::Absent, s.refund_instead(s.left))
        });
    }
    Ok(())
}

fn in_business_day(s: &Situation<'_>, report: &mut Report) {
    let of_sale = s.facts.sale.business_day;
    if s.today > of_sale {
        report.stands(rule::VOID_BUSINESS_DAY, Outcome::Deny, Until::Changed, || {
            (Value::Day(s.today), Value::Day(of_sale), s.refund_instead(s.left))
        });
    } else if s.sale_day_ends > s.now {
        report.ends(s.sale_day_ends);
    }
    // Otherwise the host says that the day goes on after its cut-off; until when, it does not say.
}

fn in_calendar_day(s: &Situation<'_>, report: &mut Report) -> Result<(), DecisionError> {
    let (clock, paid) = (s.engine.clock, s.facts.sale.paid_at);
    let end = clock.end_of_calendar_day(paid)?;
    report.ends(end);
    if !clock.same_calendar_day(s.now, paid)? {
        report.stands(rule::VOID_CALENDAR_DAY, Outcome::Deny, Until::Changed, || {
            (Value::At(s.now), Value::At(end), s.refund_instead(s.left))
        });
    }
    Ok(())
}

fn not_too_many(
    s: &Situation<'_>,
    rules: &VoidRules,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    for limit in &rules.count {
        let (at_ceiling, counted, most) = (limit.at_ceiling, limit.counted, limit.per_business_day.or(limit.at_most));
        let Some(most) = most else { continue };
        let Some(so_far) = tally(&s.facts.tallies, &need(limit)) else {
            // Advice on another way must not fail because a count of this one was not gathered: then it is not given.
            if matches!(asked, Asked::Probe) {
                report.stands(rule::VOID_COUNT, Outcome::Deny, Until::Changed, || {
                    (Value::Absent, Value::Absent, Remedy::None)
                });
                continue;
            }
            return Err(DecisionError::MissingFact(format!("tallies.{}", counted.word())));
        };
        if so_far >= most {
            let verdict = if at_ceiling == Permission::Refer { Outcome::Refer } else { Outcome::Deny };
            report.stands(rule::VOID_COUNT, verdict, Until::Changed, || {
                let remedy = if verdict == Outcome::Refer { Remedy::ContactSupport } else { s.refund_instead(s.left) };
                (Value::Count(u64::from(so_far)), Value::Count(u64::from(most)), remedy)
            });
        }
    }
    Ok(())
}

fn tally(tallies: &[Tally], need: &TallyNeed) -> Option<u32> {
    tallies.iter().find(|tally| tally.need == *need).map(|tally| tally.count)
}

fn operator_may(
    s: &Situation<'_>,
    rules: &VoidRules,
    asked: Asked<'_>,
    report: &mut Report,
) -> Result<(), DecisionError> {
    let Some(first) = rules.operator_roles.first() else { return Ok(()) };
    let asker = &s.facts.asker;
    let nobody = asker.person.is_none() && asker.roles.is_empty();
    match asked {
        Asked::Probe => return Ok(()),
        // Which ways are open can be asked before anybody signs in; the obligations name the roles.
        Asked::Assess if nobody => return Ok(()),
        Asked::Decide { .. } if nobody => return Err(DecisionError::MissingFact("asker.person".to_owned())),
        Asked::Assess | Asked::Decide { .. } => {}
    }
    if !asker.roles.iter().any(|role| rules.operator_roles.contains(role)) {
        report.stands(rule::VOID_OPERATOR_ROLE, Outcome::Deny, Until::Changed, || {
            let held = asker.roles.first().map_or(Value::Absent, |role| Value::Text(role.as_str().to_owned()));
            (held, Value::Text(s.engine.operator_roles().to_owned()), Remedy::AskRole(first.clone()))
        });
    }
    Ok(())
}
