//! Who is told what.

use crate::counter::{notice, refund, void};
use rescind_model::token::Token as _;
use rescind_model::{Audience, EventKind, Locale, Money, Notice, OperationState, RefundState, RenderError};
use rescind_notification::{TITLE_CHARS, render};
use std::fmt::Write as _;

const AUDIENCES: [Audience; 3] = [Audience::Merchant, Audience::Customer, Audience::Reviewer];

fn everything(locale: Locale) -> String {
    let mut all = String::new();
    for (kind, token) in EventKind::ALL {
        writeln!(all, "{token}").unwrap();
        for audience in AUDIENCES {
            let said = match render(&notice(*kind), audience, locale).unwrap() {
                Some(message) => format!("[{}] {}", message.title, message.body),
                None => "-".to_owned(),
            };
            writeln!(all, "    {audience:?}: {said}").unwrap();
        }
    }
    all
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
    for (kind, token) in EventKind::ALL {
        for audience in AUDIENCES {
            for locale in [Locale::ZhCn, Locale::En] {
                let Some(message) = render(&notice(*kind), audience, locale).unwrap() else { continue };
                assert!(message.title.chars().count() <= TITLE_CHARS, "{token}: {}", message.title);
                let ends = match locale {
                    Locale::ZhCn => message.body.matches('。').count(),
                    Locale::En => format!("{} ", message.body).matches(". ").count(),
                };
                assert!((1..=2).contains(&ends), "{token}: {}", message.body);
            }
        }
    }
}

#[test]
fn both_languages_tell_the_same_people() {
    for (kind, token) in EventKind::ALL {
        for audience in AUDIENCES {
            let told = |locale| render(&notice(*kind), audience, locale).unwrap().is_some();
            assert_eq!(told(Locale::ZhCn), told(Locale::En), "{token} {audience:?}");
        }
    }
}

#[test]
fn customers_learn_nothing_of_reviews_and_of_nobody_at_the_merchant() {
    for kind in [EventKind::RefundInReview, EventKind::RefundApprovalGiven, EventKind::RefundEscalated] {
        assert_eq!(render(&notice(kind), Audience::Customer, Locale::En), Ok(None));
    }
    for (kind, token) in EventKind::ALL {
        for locale in [Locale::ZhCn, Locale::En] {
            let message = render(&notice(*kind), Audience::Customer, locale).unwrap();
            let text = message.map_or_else(String::new, |m| m.body);
            for person in ["boss-9", "boss-8", "op-7", "cashier-3"] {
                assert!(!text.contains(person), "{token}: {text}");
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
    for (kind, _) in EventKind::ALL {
        for audience in AUDIENCES {
            let message = render(&notice(*kind), audience, Locale::ZhCn).unwrap();
            let text = message.map_or_else(String::new, |m| format!("{} {}", m.title, m.body));
            assert_eq!(
                text.contains("撤销成功"),
                *kind == EventKind::VoidDone && audience != Audience::Reviewer,
                "{text}"
            );
        }
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
fn a_notice_that_lacks_what_it_is_about_is_refused() {
    for (kind, token) in EventKind::ALL {
        let bare = Notice { void_operation: None, refund: None, ..notice(*kind) };
        let answer = render(&bare, Audience::Reviewer, Locale::En);
        if token.starts_with("sale.") {
            assert_eq!(answer, Ok(None), "{token}");
        } else {
            assert!(matches!(answer, Err(RenderError::Incomplete(_))), "{token}: {answer:?}");
        }
    }
    let mut other = notice(EventKind::RefundFailed);
    other.refund.as_mut().unwrap().id.value = "R-2".into();
    assert!(matches!(render(&other, Audience::Merchant, Locale::En), Err(RenderError::Incomplete(_))));
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
