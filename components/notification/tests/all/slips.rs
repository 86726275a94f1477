//! What the printer prints.

use crate::counter::{hold, operation, operation_slip, penalty, refund, refund_slip, sale, sale_slip, void, void_slip};
use proptest::prelude::*;
use rescind_model::token::Token as _;
use rescind_model::{
    Actor, BusinessDay, Channel, Duration, Locale, OfflineEffect, Operation, OperationState, OrderId, RefundId,
    RefundState, RenderError, SaleOutcome, SlipRequest, Way,
};
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
    for state in OPERATION_STATES {
        let done = state == OperationState::Done;
        for operation in operations(state) {
            let printed = |locale| slip(&operation_slip(operation.clone()), locale).unwrap();
            assert_eq!(printed(Locale::ZhCn).contains("成功"), done, "{:?} {state:?}", operation.kind);
            assert_eq!(printed(Locale::En).contains("SUCCESSFUL"), done, "{:?} {state:?}", operation.kind);
        }
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
fn at_most_one_operation_is_printed() {
    let both = SlipRequest { refund: Some(refund(RefundState::Cleared)), ..void_slip(OperationState::Done) };
    let reversal = operation(Way::Reversal, OperationState::Done);
    let other = SlipRequest { operation: Some(reversal), ..void_slip(OperationState::Done) };
    for request in [both, other] {
        assert!(matches!(slip(&request, Locale::En), Err(RenderError::Incomplete(_))));
    }
    // Voids and refunds have records of their own.
    for way in [Way::Void, Way::Refund] {
        let request = operation_slip(operation(way, OperationState::Done));
        assert!(matches!(slip(&request, Locale::En), Err(RenderError::Unprintable(_))));
    }
}

/// One operation of every kind.
fn operations(state: OperationState) -> Vec<Operation> {
    let ways = [Way::Reversal, Way::OrderClose, Way::HoldRelease, Way::HoldCompletion, Way::CompletionVoid];
    ways.map(|way| operation(way, state)).into_iter().chain([penalty(state)]).collect()
}

#[test]
fn operations_have_slips() {
    let mut all = String::new();
    for operation in operations(OperationState::Done) {
        for locale in [Locale::ZhCn, Locale::En] {
            all.push_str(&slip(&operation_slip(operation.clone()), locale).unwrap());
            all.push('\n');
        }
    }
    insta::assert_snapshot!("operations_done", all);
    let failed = operation_slip(operation(Way::Reversal, OperationState::Failed));
    insta::assert_snapshot!("reversal_failed_zh", slip(&failed, Locale::ZhCn).unwrap());
}

#[test]
fn a_code_that_nobody_paid_is_cancelled_and_an_order_that_may_be_paid_is_closed() {
    for (outcome, _) in SaleOutcome::ALL {
        let close = operation_slip(operation(Way::OrderClose, OperationState::Done));
        let printed = slip(&SlipRequest { outcome: *outcome, ..close }, Locale::ZhCn).unwrap();
        let unpaid = matches!(outcome, SaleOutcome::Unpaid | SaleOutcome::Cancelled | SaleOutcome::Expired);
        assert_eq!(printed.contains("撤销付款码成功"), unpaid, "{printed}");
        assert_eq!(printed.contains("关单成功"), !unpaid, "{printed}");
    }
}

#[test]
fn a_penalty_is_called_one_and_the_rest_is_released() {
    let printed = slip(&operation_slip(penalty(OperationState::Done)), Locale::ZhCn).unwrap();
    assert!(printed.contains("违约金                 CNY 20.00\n"), "{printed}");
    assert!(printed.contains("其余解冻              CNY -80.00\n"), "{printed}");
    // Nothing is released before it is done, nor by a completion of the whole hold or above it.
    let pending = slip(&operation_slip(penalty(OperationState::Unknown)), Locale::ZhCn).unwrap();
    assert!(!pending.contains("其余解冻"), "{pending}");
    for amount in ["100.00", "115.00"] {
        let mut whole = operation(Way::HoldCompletion, OperationState::Done);
        whole.amount = crate::counter::cny(amount);
        let printed = slip(&operation_slip(whole), Locale::ZhCn).unwrap();
        assert!(!printed.contains("其余解冻") && printed.contains(amount), "{printed}");
    }
}

#[test]
fn the_slip_of_the_sale_is_printed_again_after_a_printer_fault() {
    let request = SlipRequest { reprint: true, ..sale_slip(SaleOutcome::Good) };
    insta::assert_snapshot!("sale_reprint_zh", slip(&request, Locale::ZhCn).unwrap());
    insta::assert_snapshot!("sale_reprint_en", slip(&request, Locale::En).unwrap());
}

#[test]
fn the_slip_of_a_hold_says_that_nothing_was_taken() {
    let request = sale_slip(SaleOutcome::Held);
    insta::assert_snapshot!("hold_zh", slip(&request, Locale::ZhCn).unwrap());
    let english = slip(&request, Locale::En).unwrap();
    assert!(english.contains("RESERVED, NOT TAKEN YET") && !english.contains("SUCCESSFUL"), "{english}");
    let without = SlipRequest { hold: None, ..request };
    assert!(matches!(slip(&without, Locale::En), Err(RenderError::Incomplete(_))));
}

#[test]
fn a_payment_that_is_neither_good_nor_held_has_no_slip() {
    for (outcome, token) in SaleOutcome::ALL {
        let request = SlipRequest { outcome: *outcome, hold: Some(hold()), ..sale_slip(SaleOutcome::Good) };
        let printable = matches!(outcome, SaleOutcome::Good | SaleOutcome::Held);
        assert_eq!(slip(&request, Locale::ZhCn).is_ok(), printable, "{token}");
    }
}

#[test]
fn a_legal_void_is_marked_and_says_neither_who_nor_why() {
    let mut request = void_slip(OperationState::Done);
    let void = request.void_operation.as_mut().unwrap();
    void.grounds.order = Some(OrderId::parse("L-1").unwrap());
    insta::assert_snapshot!("void_legal_zh", slip(&request, Locale::ZhCn).unwrap());
    let english = slip(&request, Locale::En).unwrap();
    assert!(english.contains("LEGAL OR COMPLIANCE ORDER") && english.contains("L-1"), "{english}");
    for hidden in ["op-7", "customer request", "signature"] {
        assert!(!english.contains(hidden), "{english}");
    }
    assert!(!slip(&void_slip(OperationState::Done), Locale::En).unwrap().contains("LEGAL"));
}

/// Everything that a terminal can only queue, as its slip is asked for.
fn queued() -> Vec<SlipRequest> {
    let mut all = vec![void_slip(OperationState::Authorised), refund_slip(RefundState::Submitted)];
    all.extend(operations(OperationState::Authorised).into_iter().map(operation_slip));
    for request in &mut all {
        request.offline = Some(OfflineEffect::Queued);
    }
    all
}

#[test]
fn what_waits_for_the_server_is_never_called_done() {
    for request in queued() {
        let chinese = slip(&request, Locale::ZhCn).unwrap();
        assert!(chinese.contains("待联机确认") && chinese.contains("尚未完成"), "{chinese}");
        assert!(!chinese.contains("成功") && !chinese.contains("到账"), "{chinese}");
        let english = slip(&request, Locale::En).unwrap();
        assert!(english.contains("WAITS FOR THE SERVER") && english.contains("NOT DONE"), "{english}");
        assert!(!english.contains("SUCCESSFUL") && !english.contains("arrive"), "{english}");
    }
    insta::assert_snapshot!("void_queued_zh", slip(&queued()[0], Locale::ZhCn).unwrap());
    insta::assert_snapshot!("refund_queued_en", slip(&queued()[1], Locale::En).unwrap());
}

#[test]
fn a_void_that_cancelled_at_the_terminal_is_done() {
    let request = SlipRequest { offline: Some(OfflineEffect::CancelsLocally), ..void_slip(OperationState::Done) };
    insta::assert_snapshot!("void_cancelled_locally_zh", slip(&request, Locale::ZhCn).unwrap());
    let english = slip(&request, Locale::En).unwrap();
    assert!(english.contains("VOID SUCCESSFUL") && english.contains("NEVER SENT"), "{english}");
}

#[test]
fn nothing_else_is_printed_as_done_or_waiting_by_a_terminal_alone() {
    let printed = |effect, request| slip(&SlipRequest { offline: Some(effect), ..request }, Locale::ZhCn);
    for state in OPERATION_STATES {
        let (done, authorised) = (state == OperationState::Done, state == OperationState::Authorised);
        assert_eq!(printed(OfflineEffect::CancelsLocally, void_slip(state)).is_ok(), done, "{state:?}");
        assert_eq!(printed(OfflineEffect::Queued, void_slip(state)).is_ok(), authorised, "{state:?}");
        for operation in operations(state) {
            let request = || operation_slip(operation.clone());
            assert!(printed(OfflineEffect::CancelsLocally, request()).is_err(), "{state:?}");
            assert_eq!(printed(OfflineEffect::Queued, request()).is_ok(), authorised, "{state:?}");
        }
    }
    for effect in [OfflineEffect::CancelsLocally, OfflineEffect::Queued] {
        for request in [refund_slip(RefundState::Cleared), sale_slip(SaleOutcome::Good), sale_slip(SaleOutcome::Held)] {
            assert!(matches!(printed(effect, request), Err(RenderError::Incomplete(_))), "{effect:?}");
        }
    }
    assert!(printed(OfflineEffect::CancelsLocally, refund_slip(RefundState::Submitted)).is_err());
}

#[test]
fn dates_of_arrival_are_printed_on_the_day_they_were_counted_from() {
    let day = |text: &str| Some(BusinessDay::parse(text).unwrap());
    let mut request = refund_slip(RefundState::Cleared);
    let refund = request.refund.as_mut().unwrap();
    let arrival = refund.arrival.as_mut().unwrap();
    (arrival.earliest, arrival.latest) = (day("2026-11-24"), day("2026-11-26"));
    let printed = |request: &SlipRequest| slip(request, Locale::En).unwrap().replace(['\n', ' '], "");
    assert!(printed(&request).contains("1–3workingdays(2026-11-24to2026-11-26)"), "{}", printed(&request));
    // It waited for an approver until the next day.
    let refund = request.refund.as_mut().unwrap();
    refund.updated_at = refund.submitted_at.plus(Duration::minutes(24 * 60)).unwrap();
    let later = printed(&request);
    assert!(later.contains("1–3workingdays") && !later.contains("2026-11-26"), "{later}");
}

#[test]
fn a_correction_names_the_refund_it_corrects() {
    let mut request = refund_slip(RefundState::Cleared);
    assert!(!slip(&request, Locale::En).unwrap().contains("Corrects refund"));
    request.refund.as_mut().unwrap().request.corrects = Some(RefundId::parse("R-0").unwrap());
    assert!(slip(&request, Locale::En).unwrap().contains("Corrects refund              R-0\n"));
}

#[test]
fn who_is_not_at_the_counter_does_not_sign() {
    for (operation, signs) in operations(OperationState::Done).into_iter().zip([false, false, true, true, true, false])
    {
        let printed = slip(&operation_slip(operation.clone()), Locale::En).unwrap();
        assert_eq!(printed.contains("signature"), signs, "{printed}");
        let failed = operation_slip(Operation { state: OperationState::Failed, ..operation });
        assert!(!slip(&failed, Locale::En).unwrap().contains("signature"));
    }
    // What the system does by itself has no operator.
    let timed = Operation { requested_by: Actor::System, ..operation(Way::Reversal, OperationState::Sent) };
    assert!(!slip(&operation_slip(timed), Locale::En).unwrap().contains("Operator"));
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
        printed in 0_usize..4,
        reprint in any::<bool>(),
    ) {
        let mut sale = sale();
        sale.order_number = order;
        if let Some(slip) = &mut sale.slip {
            slip.voucher = voucher;
        }
        let mut request = SlipRequest { merchant_name: name, sale, reprint, ..void_slip(state) };
        if printed == 0 {
            request = SlipRequest { void_operation: None, hold: Some(hold()), outcome: SaleOutcome::Held, ..request };
        } else if printed == 1 {
            for mut operation in operations(state) {
                operation.cause = reason.clone();
                if let Some(evidence) = &mut operation.evidence {
                    evidence.note = Some(note.clone());
                }
                let request = SlipRequest { sale: request.sale.clone(), ..operation_slip(operation) };
                for line in slip(&request, locale).unwrap().lines() {
                    prop_assert!(line.width() <= SLIP_COLUMNS && line.width_cjk() <= SLIP_COLUMNS, "{line:?}");
                }
            }
        } else if printed == 2 {
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
