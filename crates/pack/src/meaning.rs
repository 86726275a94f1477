//! What a document means: two that differ in what nothing is decided by mean the same.

use rescind_model::Channel;
use rescind_policy::document::{
    ArrivalRule, Calendar, CouponRule, FeeRule, Instead, Permission, RefundRules, ReturnedFee, Since, Variant,
    VoidRules,
};
use rescind_policy::scalar::{Amount, Date};
use rescind_policy::word::Word as _;
use rescind_policy::{Document, WorkingDays};

/// The document with everything alike that decides nothing. Two that mean the same answer every question alike:
///
/// - names, sources and versions are for people, and what layers may loosen is for layers;
/// - what holds where nothing is said may be said;
/// - a calendar is the days that are worked, whether or not it names one that its weekend says already;
/// - an arrival estimate need not name the only channel that those above it leave;
/// - it is all the same who pays nothing;
/// - no refund is smaller than the smallest amount there is;
/// - a void takes back the whole sale, so a fee that comes back in proportion comes back in full.
#[must_use]
pub fn meaning(document: &Document) -> Document {
    fn nameless<R>(variants: &mut [Variant<R>]) {
        variants.iter_mut().for_each(|variant| variant.name.clear());
    }
    let mut meant = document.clone();
    for text in [&mut meant.name, &mut meant.version, &mut meant.source] {
        text.clear();
    }
    meant.layers.clear();
    meant.leaves_to_layers.clear();
    meant.charge.iter_mut().for_each(|charge| charge.name.clear());
    let when = &mut meant.when;
    nameless(&mut when.code);
    nameless(&mut when.hold);
    nameless(&mut when.refund);
    nameless(&mut when.reversal);
    nameless(&mut when.void);
    meant.calendar.iter_mut().for_each(only_what_matters);
    meant.refund.iter_mut().chain(when.refund.iter_mut().map(|variant| &mut variant.rules)).for_each(of_refund);
    meant.void.iter_mut().chain(when.void.iter_mut().map(|variant| &mut variant.rules)).for_each(of_void);
    meant
}

fn of_refund(rules: &mut RefundRules) {
    let deny = |permission: &mut Option<Permission>| *permission = permission.or(Some(Permission::Deny));
    [&mut rules.after_window, &mut rules.closed, &mut rules.not_refundable].into_iter().for_each(deny);
    rules.instead = rules.instead.or(Some(Instead::OtherWay));
    rules.since = rules.since.or(Some(Since::Capture));
    rules.coupon = rules.coupon.or(Some(CouponRule::Proportion));
    rules.min_amount = rules.min_amount.filter(|least| least.minor() > 1);
    rules.operation_fee = rules.operation_fee.take().filter(is_something);
    only_what_is_left(&mut rules.arrival);
}

fn of_void(rules: &mut VoidRules) {
    rules.closed = rules.closed.or(Some(Permission::Deny));
    rules.instead = rules.instead.or(Some(Instead::OtherWay));
    rules.since = rules.since.or(Some(Since::Capture));
    if rules.acquiring_fee == ReturnedFee::Proportion {
        rules.acquiring_fee = ReturnedFee::Full;
    }
    rules.operation_fee = rules.operation_fee.take().filter(is_something);
    only_what_is_left(&mut rules.arrival);
}

fn only_what_is_left(estimates: &mut [ArrivalRule]) {
    let mut left: Vec<Channel> = Channel::ALL.iter().map(|(channel, _)| *channel).collect();
    for estimate in estimates {
        let of_all_cards = estimate.card_type.is_none();
        let channel = estimate.channel;
        if channel.is_some_and(|channel| left == [channel]) {
            estimate.channel = None;
        }
        left.retain(|other| !of_all_cards || channel.is_some_and(|channel| channel != *other));
    }
}

fn only_what_matters(calendar: &mut Calendar) {
    let said = |holidays: &[Date], workdays: &[Date]| {
        WorkingDays::new(Some(&Calendar {
            holidays: holidays.to_vec(),
            until: calendar.until,
            weekend: calendar.weekend.clone(),
            workdays: workdays.to_vec(),
        }))
    };
    let (plain, whole) = (said(&[], &[]), said(&calendar.holidays, &calendar.workdays));
    let matters = |date: &Date| plain.is_worked(date.day()) != whole.is_worked(date.day());
    let (holidays, workdays) = (&calendar.holidays, &calendar.workdays);
    let only = |dates: &[Date]| dates.iter().copied().filter(matters).collect::<Vec<_>>();
    let (holidays, workdays) = (only(holidays), only(workdays));
    (calendar.holidays, calendar.workdays) = (holidays, workdays);
}

/// Whether a fee can be more than nothing.
fn is_something(fee: &FeeRule) -> bool {
    let more = |amount: Option<Amount>| amount.is_some_and(|amount| amount.minor() > 0);
    more(fee.fixed) || more(fee.floor) || fee.rate.is_some_and(|rate| rate.millionths() > 0)
}
