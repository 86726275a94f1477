//! Who is told what.

use crate::counter::{at, cny, hold, liability, notice, notices, operation, refund, void};
use rescind_model::token::Token as _;
use rescind_model::{
    Audience, CaseState, ConfirmationRequest, EventKind, Instant, LiabilityCause, LiabilityState, Locale, Money,
    Notice, OperationState, Party, RefundState, RenderError, Way,
};
use rescind_notification::{TITLE_CHARS, confirmation, render};
use std::fmt::Write as _;

const AUDIENCES: [Audience; 3] = [Audience::Merchant, Audience::Customer, Audience::Reviewer];

fn everything(locale: Locale) -> String {
    let mut all = String::new();
    for (kind, token) in EventKind::ALL {
        for (name, told) in notices(*kind) {
            writeln!(all, "{}", format!("{token} {name}").trim_end()).unwrap();
            for audience in AUDIENCES {
                let said = match render(&told, audience, locale).unwrap() {
                    Some(message) => format!("[{}] {}", message.title, message.body),
                    None => "-".to_owned(),
                };
                writeln!(all, "    {audience:?}: {said}").unwrap();
            }
        }
    }
    all
}

/// All stories there are.
fn stories() -> impl Iterator<Item = (EventKind, String, Notice)> {
    EventKind::ALL.iter().flat_map(|(kind, token)| {
        notices(*kind).into_iter().map(move |(name, told)| (*kind, format!("{token} {name}"), told))
    })
}

fn body(notice: &Notice, audience: Audience, locale: Locale) -> String {
    render(notice, audience, locale).unwrap().expect("somebody is told").body
}

#[test]
fn every_event_in_chinese() {
    insta::assert_snapshot!(everything(Locale::ZhCn));
}

#[test]
fn every_event_in_english() {
    insta::assert_snapshot!(everything(Locale::En));
}

#[test]
fn titles_fit_a_phone_and_bodies_are_one_or_two_sentences() {
    for (_, name, told) in stories() {
        for audience in AUDIENCES {
            for locale in [Locale::ZhCn, Locale::En] {
                let Some(message) = render(&told, audience, locale).unwrap() else { continue };
                assert!(message.title.chars().count() <= TITLE_CHARS, "{name}: {}", message.title);
                let ends = match locale {
                    Locale::ZhCn => message.body.matches('。').count(),
                    Locale::En => format!("{} ", message.body).matches(". ").count(),
                };
                assert!((1..=2).contains(&ends), "{name}: {}", message.body);
            }
        }
    }
}

#[test]
fn both_languages_tell_the_same_people() {
    for (_, name, told) in stories() {
        for audience in AUDIENCES {
            let told = |locale| render(&told, audience, locale).unwrap().is_some();
            assert_eq!(told(Locale::ZhCn), told(Locale::En), "{name} {audience:?}");
        }
    }
}

#[test]
fn only_these_events_are_told_to_nobody() {
    // What a grant was used for has messages of its own.
    let silent = [EventKind::SaleRegistered, EventKind::CaseConsumed, EventKind::DataErased];
    for (kind, token) in EventKind::ALL {
        let heard = AUDIENCES.iter().any(|audience| render(&notice(*kind), *audience, Locale::En).unwrap().is_some());
        assert_eq!(heard, !silent.contains(kind), "{token}");
    }
}

#[test]
fn customers_learn_nothing_of_reviews_and_of_nobody_at_the_merchant() {
    for kind in [EventKind::RefundInReview, EventKind::RefundApprovalGiven, EventKind::RefundEscalated] {
        assert_eq!(render(&notice(kind), Audience::Customer, Locale::En), Ok(None));
    }
    for (_, name, told) in stories() {
        for locale in [Locale::ZhCn, Locale::En] {
            let message = render(&told, Audience::Customer, locale).unwrap();
            let text = message.map_or_else(String::new, |m| m.body);
            for person in ["boss-9", "boss-8", "op-7", "cashier-3", "sup-5", "law-1", "law-2"] {
                assert!(!text.contains(person), "{name}: {text}");
            }
        }
    }
    assert!(body(&notice(EventKind::RefundDeclined), Audience::Customer, Locale::En).contains("told *** so"));
    assert!(body(&notice(EventKind::RefundDeclined), Audience::Merchant, Locale::En).contains("told boss-9 so"));
}

#[test]
fn a_short_id_is_hidden_as_a_word_not_inside_one() {
    let mut told = notice(EventKind::RefundDeclined);
    let refund = told.refund.as_mut().unwrap();
    refund.approvals[0].by.value = "1".into();
    refund.ended_because = Some("1 says: 11 days late, see 1.".into());
    assert!(body(&told, Audience::Customer, Locale::En).ends_with("Reason: *** says: 11 days late, see ***."));
}

#[test]
fn success_is_told_of_what_is_done_and_of_nothing_else() {
    for state in [OperationState::Authorised, OperationState::Sent, OperationState::Failed, OperationState::Unknown] {
        let told = Notice { void_operation: Some(void(state)), ..notice(EventKind::VoidDone) };
        assert!(
            matches!(render(&told, Audience::Merchant, Locale::ZhCn), Err(RenderError::Incomplete(_))),
            "{state:?}"
        );
    }
    for (kind, name, told) in stories() {
        for audience in AUDIENCES {
            for (locale, word) in [(Locale::ZhCn, "成功"), (Locale::En, "succe")] {
                let message = render(&told, audience, locale).unwrap();
                let text = message.map_or_else(String::new, |m| format!("{} {}", m.title, m.body));
                // 未成功 and 请求已成功撤回 say nothing of money; an answer that came late or after a scan is good news of the
                // sale, not of its way back.
                let text = text.replace("未成功", "").replace("请求已成功撤回", "");
                let of_the_sale =
                    matches!(kind, EventKind::SaleOutcomeKnown | EventKind::SaleLateAnswer | EventKind::CodeScanned);
                let done = matches!(kind, EventKind::VoidDone | EventKind::RefundCleared | EventKind::OperationDone);
                assert!(!text.contains(word) || done || of_the_sale, "{name}: {text}");
                assert!(
                    audience != Audience::Merchant || !done || text.to_lowercase().contains(word),
                    "{name}: {text}"
                );
            }
        }
    }
    for state in [OperationState::Authorised, OperationState::Sent, OperationState::Failed, OperationState::Unknown] {
        let told = Notice { operation: Some(operation(Way::Reversal, state)), ..notice(EventKind::OperationDone) };
        assert!(matches!(render(&told, Audience::Merchant, Locale::En), Err(RenderError::Incomplete(_))), "{state:?}");
    }
    let unfinished = Notice { refund: Some(refund(RefundState::Unknown)), ..notice(EventKind::RefundCleared) };
    assert!(matches!(render(&unfinished, Audience::Customer, Locale::ZhCn), Err(RenderError::Incomplete(_))));
}

#[test]
fn a_resolution_is_told_without_its_persons_and_once() {
    // `refund.resolved` is followed by `refund.cleared` or `refund.failed`, which everybody hears of.
    assert_eq!(render(&notice(EventKind::RefundResolved), Audience::Customer, Locale::En), Ok(None));
    let mut told = notice(EventKind::RefundFailed);
    let evidence = told.refund.as_mut().unwrap().evidence.as_mut().unwrap();
    evidence.source = "resolution".into();
    evidence.code = None;
    evidence.note = Some("boss-8, boss-9: not in the provider's file".into());
    let text = body(&told, Audience::Merchant, Locale::En);
    assert!(text.ends_with("Reason: not in the provider's file."), "{text}");
}

#[test]
fn a_reversed_void_did_not_fail_because_of_code_00() {
    let mut told = notice(EventKind::VoidFailed);
    told.void_operation.as_mut().unwrap().evidence = Some(crate::counter::evidence("00", None));
    let text = body(&told, Audience::Merchant, Locale::En);
    assert!(text.ends_with("the sale still stands."), "{text}");
}

#[test]
fn an_unknown_operation_is_being_looked_up_and_not_repeated() {
    for (_, told) in notices(EventKind::OperationUnknown) {
        let text = body(&told, Audience::Merchant, Locale::ZhCn);
        assert!(text.contains("结果未知,正在查询。") && text.contains("请勿"), "{text}");
        let text = body(&told, Audience::Customer, Locale::ZhCn);
        assert!(text.contains("结果未知,正在查询"), "{text}");
    }
}

#[test]
fn a_legal_order_is_no_customers_business() {
    for kind in [EventKind::OrderProposed, EventKind::OrderConfirmed, EventKind::OrderExpired] {
        for locale in [Locale::ZhCn, Locale::En] {
            assert_eq!(render(&notice(kind), Audience::Customer, locale), Ok(None));
        }
    }
    // Before it is confirmed, not the merchant's either; and never why it was given.
    assert_eq!(render(&notice(EventKind::OrderProposed), Audience::Merchant, Locale::En), Ok(None));
    assert!(!body(&notice(EventKind::OrderConfirmed), Audience::Merchant, Locale::En).contains("court"));
    assert!(body(&notice(EventKind::OrderProposed), Audience::Reviewer, Locale::En).contains("court order"));
}

#[test]
fn customers_hear_what_is_owed_to_them_and_are_never_asked_for_money() {
    for kind in [EventKind::LiabilityOpened, EventKind::LiabilityEnded] {
        let state = if kind == EventKind::LiabilityOpened { LiabilityState::Open } else { LiabilityState::Settled };
        for debtor in [Party::Merchant, Party::Customer, Party::Acquirer] {
            for creditor in [Party::Merchant, Party::Customer, Party::Acquirer] {
                let mut owed = liability(LiabilityCause::RefundReturned, state);
                (owed.debtor, owed.creditor) = (debtor, creditor);
                let told = Notice { liability: Some(owed), ..notice(kind) };
                let heard = render(&told, Audience::Customer, Locale::En).unwrap().is_some();
                assert_eq!(heard, debtor == Party::Merchant && creditor == Party::Customer, "{debtor:?} {creditor:?}");
            }
        }
    }
}

#[test]
fn a_grant_may_be_used_before_its_message_is_written_but_a_refusal_is_none() {
    for (state, is_one) in [
        (CaseState::Open, false),
        (CaseState::Assigned, false),
        (CaseState::Granted, true),
        (CaseState::Refused, false),
        (CaseState::Consumed, true),
        (CaseState::Expired, true),
    ] {
        let mut told = notice(EventKind::CaseGranted);
        told.referral.as_mut().unwrap().state = state;
        assert_eq!(render(&told, Audience::Merchant, Locale::En).is_ok(), is_one, "{state:?}");
    }
}

#[test]
fn a_notice_that_lacks_what_it_is_about_is_refused() {
    for (kind, token) in EventKind::ALL {
        let bare = Notice {
            void_operation: None,
            refund: None,
            operation: None,
            referral: None,
            order: None,
            liability: None,
            code: None,
            hold: None,
            ..notice(*kind)
        };
        let answer = render(&bare, Audience::Reviewer, Locale::En);
        if token.starts_with("sale.") || token.starts_with("data.") {
            // What reviewers hear of the payment itself: that nobody knows of it.
            assert_eq!(answer.map(|told| told.is_some()), Ok(*kind == EventKind::SaleAttention), "{token}");
        } else {
            assert!(matches!(answer, Err(RenderError::Incomplete(_))), "{token}: {answer:?}");
        }
    }
}

#[test]
fn a_notice_that_holds_another_one_is_refused() {
    let refused = |told: &Notice| {
        let answer = render(told, Audience::Merchant, Locale::En);
        assert!(matches!(answer, Err(RenderError::Incomplete(_))), "{:?}: {answer:?}", told.event.kind);
    };
    let mut other = notice(EventKind::RefundFailed);
    other.refund.as_mut().unwrap().id.value = "R-2".into();
    refused(&other);
    let mut other = notice(EventKind::OperationFailed);
    other.operation.as_mut().unwrap().id.value = "O-2".into();
    refused(&other);
    for kind in [EventKind::CaseOpened, EventKind::OrderConfirmed, EventKind::LiabilityOpened] {
        let mut other = notice(kind);
        other.event.about = Some("X-2".into());
        refused(&other);
    }
    // A void is no operation of this kind.
    refused(&Notice {
        operation: Some(operation(Way::Void, OperationState::Done)),
        ..notice(EventKind::OperationDone)
    });
    for kind in [EventKind::RefundTraceAnswered, EventKind::RefundInformationAsked] {
        let mut bare = notice(kind);
        bare.refund = Some(refund(RefundState::Cleared));
        refused(&bare);
    }
}

fn code_for(way: Way) -> ConfirmationRequest {
    ConfirmationRequest {
        merchant_name: crate::counter::SHOP.into(),
        way,
        amount: cny("60.00"),
        code: "042917".into(),
        expires_at: at("15:10:00"),
        utc_offset_minutes: crate::counter::CHINA,
    }
}

#[test]
fn a_confirmation_code_says_what_for_how_much_and_until_when() {
    let said = |locale| confirmation(&code_for(Way::Refund), locale).unwrap();
    assert_eq!(said(Locale::ZhCn).title, "退货确认码");
    assert_eq!(
        said(Locale::ZhCn).body,
        "您正在确认天天便利店的退货 ¥60.00,确认码 042917,2026-11-23 15:10 前有效。仅供您本人确认此笔业务,请勿告诉他人。"
    );
    assert_eq!(said(Locale::En).title, "Confirmation code");
    assert_eq!(
        said(Locale::En).body,
        "Your code to confirm the refund of CNY 60.00 at 天天便利店 is 042917, valid until 2026-11-23 15:10. It is for you alone and for this only: do not tell it to anybody else."
    );
    let mut bodies = std::collections::BTreeSet::new();
    for (way, _) in Way::ALL {
        for locale in [Locale::ZhCn, Locale::En] {
            let message = confirmation(&code_for(*way), locale).unwrap();
            assert!(message.title.chars().count() <= TITLE_CHARS, "{}", message.title);
            assert!(bodies.insert(message.body));
        }
    }
}

#[test]
fn what_is_no_confirmation_code_is_refused_and_not_repeated() {
    for code in ["", "123", "12345678901", "12a456", " 12345", "１２３４５６"] {
        let request = ConfirmationRequest { code: code.into(), ..code_for(Way::Void) };
        let Err(RenderError::Unprintable(why)) = confirmation(&request, Locale::En) else { panic!("{code} was sent") };
        assert_eq!(why, "code: expected 4 to 10 decimal digits");
    }
    let late = ConfirmationRequest { expires_at: Instant { unix_ms: i64::MAX }, ..code_for(Way::Void) };
    assert!(matches!(confirmation(&late, Locale::En), Err(RenderError::Unprintable(_))));
    let nameless = ConfirmationRequest { merchant_name: " ".into(), ..code_for(Way::Void) };
    assert!(matches!(confirmation(&nameless, Locale::En), Err(RenderError::Incomplete(_))));
}

#[test]
fn a_hold_ends_within_the_range_of_the_calendar() {
    let mut told = notice(EventKind::HoldAuthorised);
    told.hold = Some(rescind_model::Hold { expires_at: Instant { unix_ms: i64::MAX }, ..hold() });
    assert!(matches!(render(&told, Audience::Customer, Locale::En), Err(RenderError::Unprintable(_))));
}

#[test]
fn what_cannot_be_printed_is_refused() {
    let good = notice(EventKind::RefundCleared);
    let mut currency = good.clone();
    currency.refund.as_mut().unwrap().request.amount = Money { minor: 1, currency: "XXX".into() };
    let cases = [
        currency,
        Notice { utc_offset_minutes: 841, ..good.clone() },
        Notice { merchant_name: "店".repeat(129), ..good.clone() },
    ];
    for case in cases {
        let answer = render(&case, Audience::Customer, Locale::ZhCn);
        assert!(matches!(answer, Err(RenderError::Unprintable(_))), "{answer:?}");
    }
    let nameless = Notice { merchant_name: " \u{200b} ".into(), ..good };
    assert!(matches!(render(&nameless, Audience::Customer, Locale::ZhCn), Err(RenderError::Incomplete(_))));
}

#[test]
fn a_card_number_in_a_reason_is_masked() {
    let mut told = notice(EventKind::RefundDeclined);
    told.refund.as_mut().unwrap().ended_because = Some("card 4111 1111 1111 1111 is not ours".into());
    let text = body(&told, Audience::Merchant, Locale::En);
    assert!(!text.contains("1111 1111 1111") && text.contains("is not ours"), "{text}");
}
