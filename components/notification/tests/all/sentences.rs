//! Decisions in sentences.

use crate::counter::{CHINA, at, cny};
use rescind_model::token::Token as _;
use rescind_model::{
    ApprovalPlan, Arrival, AuthenticationDemand, BusinessDay, Decision, Digest, Duration, Executor, Finding,
    IdentityKind, Instant, Locale, Money, Obligations, OfflineEffect, Outcome, PolicyIdentity, Remedy, RenderError,
    Role, Value, Way,
};
use rescind_notification::explain;

fn decision(outcome: Outcome, findings: Vec<Finding>) -> Decision {
    Decision {
        way: Way::Void,
        amount: cny("60.00"),
        outcome,
        findings,
        obligations: Obligations {
            offline: None,
            fees: vec![],
            approvals: None,
            evidence: vec![],
            operator_roles: vec![],
            executor: Executor::Courier,
            slip: true,
            arrival: None,
            identity: vec![],
            authentication: None,
            persons: 1,
            coupon: None,
            penalty: None,
            funding: None,
            queries: vec![],
        },
        opens_at: None,
        open_until: None,
        policy: PolicyIdentity { name: "p".into(), version: "1".into(), hash: Digest::of(b"p") },
    }
}

fn finding(rule: &str, observed: Value, limit: Value, remedy: Remedy) -> Finding {
    Finding { rule: rule.into(), verdict: Outcome::Deny, observed, limit, remedy }
}

/// What a terminal alone is advised: to ask the server.
fn online() -> Remedy {
    Remedy::Provide("connection".into())
}

fn say(findings: Vec<Finding>, locale: Locale) -> Vec<String> {
    explain(&decision(Outcome::Deny, findings), locale, CHINA).unwrap()
}

fn findings() -> Vec<Finding> {
    let text = |t: &str| Value::Text(t.into());
    let role = Role::parse("supervisor").unwrap();
    let day = |d: &str| Value::Day(BusinessDay::parse(d).unwrap());
    vec![
        finding("sale.outcome", text("unknown"), text("good"), Remedy::UseReversal),
        finding("void.enabled", Value::Absent, Value::Absent, Remedy::UseRefund),
        finding(
            "void.window",
            Value::At(at("23:05:00")),
            Value::At(at("23:00:00")),
            Remedy::UseRefundFrom(at("23:00:00")),
        ),
        finding(
            "void.window",
            Value::Lasting(Duration::seconds(2_105)),
            Value::Lasting(Duration::minutes(30)),
            Remedy::UseRefund,
        ),
        finding("void.count", Value::Count(3), Value::Count(3), Remedy::ContactSupport),
        finding("void.amount", Value::Amount(cny("60.00")), Value::Amount(cny("100.00")), Remedy::UseRefund),
        finding(
            "void.amount-limit",
            Value::Amount(cny("20000.00")),
            Value::Amount(cny("19999.99")),
            Remedy::ContactSupport,
        ),
        finding("void.settled", Value::At(at("23:00:01")), Value::Absent, Remedy::UseRefund),
        finding("void.batch", Value::Absent, Value::Absent, Remedy::UseRefund),
        finding("void.business-day", day("2026-11-24"), day("2026-11-23"), Remedy::UseRefund),
        finding("void.calendar-day", Value::At(at("23:59:59")), Value::At(at("23:00:00")), Remedy::UseRefund),
        finding("void.balance", Value::Amount(cny("40.00")), Value::Amount(cny("100.00")), Remedy::UseRefund),
        finding("void.paid-out", Value::At(at("14:03:25")), Value::Absent, Remedy::UseRefund),
        finding("void.after-refund", Value::Count(1), Value::Count(0), Remedy::UseRefund),
        finding("void.in-progress", Value::Absent, Value::Absent, Remedy::AwaitOutcome),
        finding("void.already-voided", Value::Absent, Value::Absent, Remedy::None),
        finding(
            "void.minimum-wait",
            Value::Lasting(Duration::seconds(9)),
            Value::Lasting(Duration::seconds(15)),
            Remedy::RetryAfter(at("14:03:36")),
        ),
        finding("void.operator-role", text("cashier"), text("supervisor|manager"), Remedy::AskRole(role)),
        finding("void.reason", Value::Absent, text("customer-request,wrong-amount"), Remedy::Provide("reason".into())),
        finding(
            "void.reason",
            text("unlisted"),
            text("customer-request,wrong-amount"),
            Remedy::Provide("reason".into()),
        ),
        finding(
            "refund.balance",
            Value::Amount(cny("60.00")),
            Value::Amount(cny("40.00")),
            Remedy::ReduceTo(cny("40.00")),
        ),
        finding(
            "refund.window",
            Value::Lasting(Duration::minutes(31 * 24 * 60 + 61)),
            Value::Lasting(Duration::minutes(30 * 24 * 60)),
            Remedy::ContactSupport,
        ),
        finding("refund.same-day", day("2026-11-23"), Value::At(at("23:00:00")), Remedy::UseVoid),
        finding(
            "refund.partial",
            Value::Amount(cny("60.00")),
            Value::Amount(cny("100.00")),
            Remedy::Provide("full-amount".into()),
        ),
        finding("refund.count", Value::Count(20), Value::Count(20), Remedy::None),
        finding("refund.kind", text("hotel"), Value::Absent, Remedy::ContactSupport),
        finding("refund.evidence", Value::Absent, text("receipt"), Remedy::Provide("receipt".into())),
        finding("refund.void-open", Value::Absent, Value::Absent, Remedy::AwaitOutcome),
        finding("void.authentication", Value::Absent, Value::Lasting(Duration::minutes(5)), Remedy::Authenticate),
        finding(
            "void.authentication",
            text("other-person"),
            Value::Lasting(Duration::minutes(5)),
            Remedy::Authenticate,
        ),
        finding(
            "void.authentication",
            Value::Lasting(Duration::minutes(9)),
            Value::Lasting(Duration::minutes(5)),
            Remedy::Authenticate,
        ),
        finding(
            "refund.identity",
            Value::Absent,
            text("card-presented|customer-confirmed"),
            Remedy::Identify(IdentityKind::CardPresented),
        ),
        finding(
            "refund.penalty",
            Value::Amount(cny("100.00")),
            Value::Amount(cny("80.00")),
            Remedy::ReduceTo(cny("80.00")),
        ),
        finding("void.penalty", Value::Amount(cny("20.00")), Value::Amount(cny("0.00")), Remedy::UseRefund),
        finding("void.hold-completion", text("hold"), Value::Absent, Remedy::UseCompletionVoid),
        finding("refund.kind-not-cancellable", text("hotel"), text("refer"), Remedy::ContactSupport),
        finding("reversal.nothing-to-reverse", text("declined"), text("unknown"), Remedy::NewSale),
        finding("reversal.outcome", text("good"), text("unknown"), Remedy::Reprint),
        finding("order-close.scanned", text("unknown"), text("unpaid"), Remedy::UseReversal),
        finding("order-close.expired", Value::At(at("14:09:00")), Value::At(at("14:08:00")), Remedy::NewSale),
        finding("hold-release.no-hold", Value::Absent, text("hold"), Remedy::UseOrderClose),
        finding(
            "hold-completion.validity",
            Value::At(at("14:09:00")),
            Value::At(at("14:08:00")),
            Remedy::UseHoldRelease,
        ),
        finding(
            "hold-completion.ceiling",
            Value::Amount(cny("120.00")),
            Value::Amount(cny("115.00")),
            Remedy::ReduceTo(cny("115.00")),
        ),
        finding("policy.effective", Value::At(at("14:09:00")), Value::At(at("23:00:00")), Remedy::ContactSupport),
        finding("void.kind", text("top-up"), Value::Absent, Remedy::UseRefund),
        finding("void.evidence", Value::Absent, text("photo"), Remedy::Provide("photo".into())),
        finding(
            "refund.minimum-wait",
            Value::Lasting(Duration::seconds(9)),
            Value::Lasting(Duration::minutes(1)),
            Remedy::RetryAfter(at("14:04:21")),
        ),
        finding("refund.tally", Value::Count(5), Value::Count(5), Remedy::ContactSupport),
        finding("offline.enabled", text("disabled"), text("enabled"), online()),
        finding("offline.way", text("offline"), text("refer"), online()),
        finding("offline.amount", Value::Amount(cny("800.00")), Value::Amount(cny("500.00")), online()),
        finding("offline.total", Value::Amount(cny("5200.00")), Value::Amount(cny("5000.00")), online()),
        finding("offline.count", Value::Count(10), Value::Count(10), online()),
        finding("offline.records", Value::Count(500), Value::Count(500), online()),
        finding(
            "offline.contact",
            Value::Lasting(Duration::minutes(25 * 60)),
            Value::Lasting(Duration::minutes(24 * 60)),
            online(),
        ),
        // A clock that was set back: the last contact comes after now.
        finding("offline.contact", Value::At(at("23:30:00")), Value::Lasting(Duration::minutes(24 * 60)), online()),
        finding(
            "offline.bundle",
            Value::Lasting(Duration::minutes(8 * 24 * 60)),
            Value::Lasting(Duration::minutes(7 * 24 * 60)),
            online(),
        ),
        finding("offline.clock", Value::At(at("22:59:58")), Value::At(at("23:00:00")), online()),
        finding("offline.unknown", Value::Absent, text("merchant-account"), online()),
        finding("shop.full-moon", Value::Count(1), Value::Count(0), Remedy::RetryAfter(at("23:59:59"))),
    ]
}

#[test]
fn every_finding_in_chinese() {
    insta::assert_snapshot!(say(findings(), Locale::ZhCn).join("\n"));
}

#[test]
fn every_finding_in_english() {
    insta::assert_snapshot!(say(findings(), Locale::En).join("\n"));
}

#[test]
fn every_rule_of_the_eligibility_component_has_its_own_words() {
    for rule in rescind_eligibility::rule::ALL {
        for locale in [Locale::ZhCn, Locale::En] {
            let said = say(vec![finding(rule, Value::Absent, Value::Absent, Remedy::None)], locale);
            assert!(!said[0].contains(rule), "{said:?}");
        }
    }
}

#[test]
fn each_finding_is_one_line_whatever_its_values_are() {
    let values = [
        Value::Absent,
        Value::Text("a\r\nb {l} {o}".into()),
        Value::Text(String::new()),
        Value::Count(u64::MAX),
        Value::Amount(cny("1.00")),
        Value::At(at("00:00:00")),
        Value::Lasting(Duration { ms: u64::MAX }),
        Value::Day(BusinessDay::parse("2026-01-01").unwrap()),
    ];
    for rule in findings().into_iter().map(|f| f.rule) {
        for observed in &values {
            for limit in &values {
                for locale in [Locale::ZhCn, Locale::En] {
                    let said = say(vec![finding(&rule, observed.clone(), limit.clone(), Remedy::None)], locale);
                    assert_eq!(said.len(), 1);
                    assert!(!said[0].contains('\n') && said[0].ends_with(['.', '。']), "{said:?}");
                }
            }
        }
    }
}

#[test]
fn an_unknown_rule_is_named_with_what_it_saw() {
    let said = |observed, limit| say(vec![finding("shop.full-moon", observed, limit, Remedy::None)], Locale::En);
    assert_eq!(
        said(Value::Count(2), Value::Count(1)),
        ["The rule shop.full-moon does not permit it (observed 2, limit 1)."]
    );
    assert_eq!(said(Value::Absent, Value::Absent), ["The rule shop.full-moon does not permit it."]);
}

#[test]
fn what_is_open_is_said_with_its_end() {
    let mut open = Decision { open_until: Some(at("23:00:00")), ..decision(Outcome::Allow, vec![]) };
    let said = |decision: &Decision, locale| explain(decision, locale, CHINA).unwrap().concat();
    assert_eq!(said(&open, Locale::En), "The sale of CNY 60.00 can be voided until 2026-11-23 23:00.");
    assert_eq!(said(&open, Locale::ZhCn), "可以撤销 ¥60.00,截止 2026-11-23 23:00。");
    open.way = Way::Refund;
    open.open_until = None;
    open.obligations.approvals = Some(ApprovalPlan {
        tier: "large".into(),
        needed: 2,
        roles: vec![],
        expires_after: Duration::minutes(1),
        escalations: vec![],
    });
    assert_eq!(said(&open, Locale::En), "A refund of CNY 60.00 is possible, after 2 approvals.");
    assert_eq!(said(&open, Locale::ZhCn), "可以申请退货 ¥60.00,需 2 人审批。");
    open.obligations.approvals = None;
    open.obligations.penalty = Some(cny("20.00"));
    open.obligations.identity = vec![IdentityKind::CardPresented, IdentityKind::CustomerConfirmed];
    open.obligations.authentication = Some(AuthenticationDemand { max_age: Duration::minutes(5), bound: true });
    assert_eq!(
        said(&open, Locale::En),
        "A refund of CNY 60.00 is possible, with a penalty of CNY 20.00 kept, once the customer is identified (card presented, customer confirmed), once the operator has proved who they are."
    );
    assert_eq!(
        said(&open, Locale::ZhCn),
        "可以申请退货 ¥60.00,另扣违约金 ¥20.00,需验证客户身份(出示付款原卡、客户确认码),需操作员验证身份。"
    );
    for (way, _) in Way::ALL.iter().copied() {
        for outcome in [Outcome::Allow, Outcome::Refer, Outcome::Deny] {
            for locale in [Locale::ZhCn, Locale::En] {
                assert_eq!(explain(&Decision { way, ..decision(outcome, vec![]) }, locale, 0).unwrap().len(), 1);
            }
        }
    }
}

#[test]
fn what_is_open_is_said_with_the_days_of_arrival() {
    let day = |text: &str| Some(BusinessDay::parse(text).unwrap());
    let said = |arrival: Arrival, locale| {
        let mut open = Decision { way: Way::Refund, ..decision(Outcome::Allow, vec![]) };
        open.obligations.arrival = Some(arrival);
        explain(&open, locale, CHINA).map(|said| said.concat())
    };
    let days = Arrival { min_days: 1, max_days: 3, working_days: true, earliest: None, latest: None };
    for (arrival, chinese, english) in [
        (days, "预计1–3个工作日到账", "expected to arrive in 1–3 working days"),
        (
            Arrival { earliest: day("2026-11-24"), latest: day("2026-11-26"), ..days },
            "预计1–3个工作日到账(2026-11-24 至 2026-11-26)",
            "expected to arrive in 1–3 working days (2026-11-24 to 2026-11-26)",
        ),
        // The calendar of working days ends before the latest.
        (
            Arrival { earliest: day("2026-12-31"), ..days },
            "预计1–3个工作日到账",
            "expected to arrive in 1–3 working days",
        ),
        (
            Arrival {
                min_days: 0,
                max_days: 2,
                working_days: false,
                earliest: day("2026-11-23"),
                latest: day("2026-11-25"),
            },
            "预计2天内到账(最迟 2026-11-25)",
            "expected to arrive within 2 days (by 2026-11-25)",
        ),
        (
            Arrival { max_days: 1, earliest: day("2026-11-24"), latest: day("2026-11-24"), ..days },
            "预计1个工作日到账(2026-11-24)",
            "expected to arrive in 1 working day (2026-11-24)",
        ),
        (
            Arrival { min_days: 0, max_days: 0, earliest: day("2026-11-23"), latest: day("2026-11-23"), ..days },
            "预计实时到账",
            "expected to arrive at once",
        ),
    ] {
        assert_eq!(said(arrival, Locale::ZhCn).unwrap(), format!("可以申请退货 ¥60.00,{chinese}。"));
        assert_eq!(
            said(arrival, Locale::En).unwrap(),
            format!("A refund of CNY 60.00 is possible, and the money is {english}.")
        );
    }
    let no_day = Some(BusinessDay { year: 2026, month: 2, day: 30 });
    let answer = said(Arrival { latest: no_day, ..days }, Locale::En);
    assert!(matches!(answer, Err(RenderError::Unprintable(_))), "{answer:?}");
}

#[test]
fn a_terminal_alone_says_what_waits_for_the_server() {
    let said = |effect, locale| {
        let mut open = decision(Outcome::Allow, vec![]);
        open.obligations.offline = Some(effect);
        explain(&open, locale, CHINA).unwrap().concat()
    };
    assert_eq!(said(OfflineEffect::Queued, Locale::ZhCn), "可以撤销 ¥60.00,待联机确认,以联机结果为准。");
    assert_eq!(
        said(OfflineEffect::Queued, Locale::En),
        "The sale of CNY 60.00 can be voided, but waits until the server has confirmed it."
    );
    assert_eq!(said(OfflineEffect::CancelsLocally, Locale::ZhCn), "可以撤销 ¥60.00,交易尚未上送,在终端本地撤销。");
    assert_eq!(
        said(OfflineEffect::CancelsLocally, Locale::En),
        "The sale of CNY 60.00 can be voided, at the terminal itself, because the sale was never sent."
    );
}

#[test]
fn a_referral_never_ends_without_advice() {
    let referred =
        Finding { verdict: Outcome::Refer, ..finding("void.count", Value::Count(3), Value::Count(3), Remedy::None) };
    let said = explain(&decision(Outcome::Refer, vec![referred]), Locale::En, 0).unwrap();
    assert_eq!(said, ["The number of voids is used up (3 so far, limit 3); call support."]);
}

#[test]
fn every_remedy_is_said_in_both_languages() {
    let mut remedies = vec![
        Remedy::UseVoid,
        Remedy::UseRefund,
        Remedy::UseRefundFrom(at("23:00:00")),
        Remedy::UseReversal,
        Remedy::AwaitOutcome,
        Remedy::AskRole(Role::parse("supervisor").unwrap()),
        Remedy::RetryAfter(at("23:00:00")),
        Remedy::ReduceTo(cny("40.00")),
        Remedy::Provide("receipt".into()),
        online(),
        Remedy::UseOrderClose,
        Remedy::UseHoldRelease,
        Remedy::UseCompletionVoid,
        Remedy::Reprint,
        Remedy::NewSale,
        Remedy::Authenticate,
        Remedy::ContactSupport,
    ];
    remedies.extend(IdentityKind::ALL.iter().map(|(kind, _)| Remedy::Identify(*kind)));
    let advised = |locale| -> Vec<String> {
        let said =
            |remedy: &Remedy| say(vec![finding("void.settled", Value::Absent, Value::Absent, remedy.clone())], locale);
        remedies.iter().map(|remedy| said(remedy).concat()).collect()
    };
    insta::assert_snapshot!(format!("{}\n{}", advised(Locale::ZhCn).join("\n"), advised(Locale::En).join("\n")));
    let bare = say(vec![finding("void.settled", Value::Absent, Value::Absent, Remedy::None)], Locale::En).concat();
    assert!(advised(Locale::En).iter().all(|said| *said != bare));
}

#[test]
fn what_cannot_be_printed_is_refused() {
    let unprintable = [
        Value::Amount(Money { minor: -1, currency: "CNY".into() }),
        Value::At(Instant { unix_ms: i64::MAX }),
        Value::Day(BusinessDay { year: 2026, month: 2, day: 30 }),
    ];
    for value in unprintable {
        let answer =
            explain(&decision(Outcome::Deny, vec![finding("x", value, Value::Absent, Remedy::None)]), Locale::En, 0);
        assert!(matches!(answer, Err(RenderError::Unprintable(_))), "{answer:?}");
    }
    assert!(explain(&decision(Outcome::Allow, vec![]), Locale::En, 9_999).is_err());
}
