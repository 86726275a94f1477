//! What the printer prints.

use crate::counter::{refund, refund_slip, sale, void, void_slip};
use proptest::prelude::*;
use rescind_model::{Channel, Locale, OperationState, RefundState, RenderError, SlipRequest};
use rescind_notification::{SLIP_COLUMNS, slip};
use unicode_width::UnicodeWidthStr as _;

const OPERATION_STATES: [OperationState; 5] = [
    OperationState::Authorised,
    OperationState::Sent,
    OperationState::Done,
    OperationState::Failed,
    OperationState::Unknown,
];

#[test]
fn a_void_that_is_done() {
    insta::assert_snapshot!("void_done_zh", slip(&void_slip(OperationState::Done), Locale::ZhCn).unwrap());
    insta::assert_snapshot!("void_done_en", slip(&void_slip(OperationState::Done), Locale::En).unwrap());
}

#[test]
fn a_void_that_failed_says_why() {
    insta::assert_snapshot!("void_failed_zh", slip(&void_slip(OperationState::Failed), Locale::ZhCn).unwrap());
    insta::assert_snapshot!("void_failed_en", slip(&void_slip(OperationState::Failed), Locale::En).unwrap());
}

#[test]
fn a_reprint_is_marked() {
    let mut request = void_slip(OperationState::Unknown);
    request.reprint = true;
    request.sale.channel = Channel::PaymentCode;
    insta::assert_snapshot!("reprint_zh", slip(&request, Locale::ZhCn).unwrap());
    let english = slip(&request, Locale::En).unwrap();
    assert!(english.contains("*** REPRINT ***") && english.contains("DO NOT REPEAT"), "{english}");
    assert!(!english.contains("signature"), "who paid by code does not sign");
}

#[test]
fn a_refund() {
    insta::assert_snapshot!("refund_cleared_zh", slip(&refund_slip(RefundState::Cleared), Locale::ZhCn).unwrap());
    insta::assert_snapshot!("refund_cleared_en", slip(&refund_slip(RefundState::Cleared), Locale::En).unwrap());
    insta::assert_snapshot!("refund_in_review_zh", slip(&refund_slip(RefundState::InReview), Locale::ZhCn).unwrap());
    insta::assert_snapshot!("refund_declined_en", slip(&refund_slip(RefundState::Declined), Locale::En).unwrap());
}

#[test]
fn long_names_are_wrapped_and_nothing_is_cut() {
    let mut request = void_slip(OperationState::Done);
    request.merchant_name =
        "南京天天便利商贸有限责任公司鼓楼区中山北路第三分店 International Convenience Supermarket".into();
    request.sale.order_number = Some("ORDER-2026-11-23-000000000000000017-NANJING-GULOU-3".into());
    let printed = slip(&request, Locale::ZhCn).unwrap();
    insta::assert_snapshot!("long_names_zh", printed);
    let solid: String = printed.chars().filter(|c| !c.is_whitespace()).collect();
    assert!(solid.contains("ORDER-2026-11-23-000000000000000017-NANJING-GULOU-3"));
    assert!(solid.contains("鼓楼区中山北路第三分店InternationalConvenienceSupermarket"));
}

#[test]
fn only_what_is_done_is_called_successful() {
    for state in OPERATION_STATES {
        let done = state == OperationState::Done;
        assert_eq!(slip(&void_slip(state), Locale::ZhCn).unwrap().contains("撤销成功"), done, "{state:?}");
        assert_eq!(slip(&void_slip(state), Locale::En).unwrap().contains("SUCCESSFUL"), done, "{state:?}");
    }
    use RefundState as S;
    for state in [
        S::Submitted,
        S::InReview,
        S::NeedsInformation,
        S::Approved,
        S::Queued,
        S::Clearing,
        S::Cleared,
        S::Declined,
        S::Withdrawn,
        S::Expired,
        S::Failed,
        S::Unknown,
    ] {
        let cleared = state == S::Cleared;
        assert_eq!(slip(&refund_slip(state), Locale::ZhCn).unwrap().contains("退货成功"), cleared, "{state:?}");
        assert_eq!(slip(&refund_slip(state), Locale::En).unwrap().contains("SUCCESSFUL"), cleared, "{state:?}");
    }
}

#[test]
fn exactly_one_operation_is_printed() {
    let both = SlipRequest { refund: Some(refund(RefundState::Cleared)), ..void_slip(OperationState::Done) };
    let none = SlipRequest { void_operation: None, ..void_slip(OperationState::Done) };
    for request in [both, none] {
        assert!(matches!(slip(&request, Locale::En), Err(RenderError::Incomplete(_))));
    }
}

#[test]
fn a_slip_without_a_sales_slip_is_still_a_slip() {
    let mut request = void_slip(OperationState::Sent);
    request.sale.slip = None;
    request.sale.order_number = None;
    request.sale.retrieval_reference = None;
    request.void_operation.as_mut().unwrap().terminal = None;
    let printed = slip(&request, Locale::ZhCn).unwrap();
    assert!(!printed.contains("终端号") && printed.contains("交易号"), "{printed}");
}

#[test]
fn no_escape_sequence_reaches_the_printer() {
    let mut request = void_slip(OperationState::Failed);
    request.merchant_name = "Shop\u{1b}m\u{1d}V\u{0}".into();
    request.void_operation.as_mut().unwrap().evidence.as_mut().unwrap().note = Some("\u{1b}@\u{9}\u{7f}x".into());
    let printed = slip(&request, Locale::En).unwrap();
    assert!(printed.chars().all(|c| c == '\n' || !c.is_control()), "{printed:?}");
}

proptest! {
    #[test]
    fn no_line_is_wider_than_the_paper(
        name in "(\\PC|[一-龥]|[😀-🙏]|[a-z ]){1,60}",
        order in proptest::option::of("(\\PC|[0-9]){0,200}"),
        voucher in ".{0,60}",
        reason in ".{0,200}",
        note in "(\\PC|[一-龥]|[Α-Ω]){0,300}",
        state in prop::sample::select(OPERATION_STATES.as_slice()),
        locale in prop::sample::select(vec![Locale::ZhCn, Locale::En]),
        refunded in any::<bool>(),
        reprint in any::<bool>(),
    ) {
        let mut sale = sale();
        sale.order_number = order;
        if let Some(slip) = &mut sale.slip {
            slip.voucher = voucher;
        }
        let mut request = SlipRequest { merchant_name: name, sale, reprint, ..void_slip(state) };
        if refunded {
            let mut refund = refund(RefundState::Declined);
            refund.request.reason = reason;
            refund.ended_because = Some(note);
            request = SlipRequest { void_operation: None, refund: Some(refund), ..request };
        } else {
            let mut void = void(state);
            void.reason = reason;
            if let Some(evidence) = &mut void.evidence {
                evidence.note = Some(note);
            }
            request.void_operation = Some(void);
        }
        match slip(&request, locale) {
            Ok(printed) => {
                prop_assert!(printed.ends_with('\n'));
                for line in printed.lines() {
                    prop_assert!(line.width() <= SLIP_COLUMNS && line.width_cjk() <= SLIP_COLUMNS, "{line:?}");
                    prop_assert!(!line.chars().any(char::is_control), "{line:?}");
                }
            }
            // A name of invisible characters only is no name.
            Err(error) => prop_assert!(matches!(error, RenderError::Incomplete(_)), "{error:?}"),
        }
    }
}
