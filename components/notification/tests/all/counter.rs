//! A shop counter: one sale of 100.00, its void, its refund of 60.00, and everything else that can happen to it.

use rescind_model::{
    ActingPerson, Actor, Approval, ApprovalPlan, Arrival, BusinessDay, CaseId, CaseState, Channel, CommandId, Digest,
    Duration, Event, EventKind, Evidence, Executor, Grounds, Hold, Inquiry, Instant, LegalOrder, Liability,
    LiabilityCause, LiabilityId, LiabilityState, MerchantId, Money, Notice, Operation, OperationId, OperationState,
    OrderId, OrderState, Party, PaymentCode, PersonId, PolicyIdentity, Presenter, Referral, Refund, RefundId,
    RefundRequest, RefundState, Role, Sale, SaleId, SaleOutcome, SettlementMode, SlipNumbers, SlipRequest, TerminalId,
    Trace, VoidOperation, Way,
};

pub const SHOP: &str = "天天便利店";
pub const CHINA: i32 = 480;

pub fn at(text: &str) -> Instant {
    Instant::parse(&format!("2026-11-23T{text}+08:00")).unwrap()
}

pub fn cny(text: &str) -> Money {
    Money::parse(text, "CNY").unwrap()
}

pub fn person(id: &str) -> PersonId {
    PersonId::parse(id).unwrap()
}

fn policy() -> PolicyIdentity {
    PolicyIdentity { name: "lakala".into(), version: "1".into(), hash: Digest::of(b"policy") }
}

pub fn sale() -> Sale {
    Sale {
        id: SaleId::parse("S-1").unwrap(),
        merchant: MerchantId::parse("m-1").unwrap(),
        slip: Some(SlipNumbers {
            terminal: TerminalId::parse("T-0042").unwrap(),
            batch: "000017".into(),
            voucher: "000123".into(),
            trace: "004567".into(),
        }),
        order_number: Some("2026112300017".into()),
        retrieval_reference: Some("123456789012".into()),
        operator: Some(person("op-7")),
        captured: cny("100.00"),
        coupon: None,
        fee_charged: cny("0.60"),
        channel: Channel::Card,
        card_type: None,
        kind: "purchase".into(),
        payer_token: None,
        contact: None,
        service_at: None,
        paid_at: at("14:03:21"),
        business_day: BusinessDay::parse("2026-11-23").unwrap(),
        settlement: SettlementMode::Ordinary,
    }
}

pub fn evidence(code: &str, note: Option<&str>) -> Evidence {
    Evidence {
        source: "provider".into(),
        code: Some(code.into()),
        reference: Some("A00000000017".into()),
        note: note.map(Into::into),
        at: at("14:10:05"),
    }
}

pub fn void(state: OperationState) -> VoidOperation {
    VoidOperation {
        id: OperationId::parse("V-1").unwrap(),
        amount: cny("100.00"),
        reason: "customer-request".into(),
        requested_by: person("op-7"),
        terminal: Some(TerminalId::parse("T-0042").unwrap()),
        executor: Executor::Courier,
        provider_reference: "RV1".into(),
        state,
        reversing: false,
        queries: 0,
        attention: false,
        fees: vec![],
        policy: policy(),
        authorised_at: at("14:10:00"),
        updated_at: at("14:10:05"),
        due_at: None,
        evidence: match state {
            OperationState::Done => Some(evidence("00", None)),
            OperationState::Failed => Some(evidence("51", Some("issuer says no"))),
            _ => None,
        },
        grounds: grounds(),
    }
}

pub fn refund(state: RefundState) -> Refund {
    let digest = Digest::of(b"request");
    let approval = |by: &str, revision| Approval {
        by: person(by),
        role: Role::parse("manager").unwrap(),
        revision,
        digest: digest.clone(),
        at: at("15:00:00"),
    };
    Refund {
        id: RefundId::parse("R-1").unwrap(),
        request: RefundRequest {
            amount: cny("60.00"),
            reason: "goods-returned".into(),
            note: None,
            evidence: vec![],
            requested_by: person("cashier-3"),
            operator: Some(person("op-7")),
            contact: None,
            corrects: None,
        },
        revision: 2,
        digest: digest.clone(),
        state,
        plan: ApprovalPlan {
            tier: "large".into(),
            needed: 2,
            roles: vec![Role::parse("manager").unwrap()],
            expires_after: Duration::minutes(60),
            escalations: vec![],
        },
        // One consent counts; the other was given to an earlier revision.
        approvals: vec![approval("boss-9", 2), approval("boss-8", 1)],
        fees: vec![],
        arrival: Some(Arrival { min_days: 1, max_days: 3, working_days: true, earliest: None, latest: None }),
        executor: Executor::Courier,
        provider_reference: "RR1".into(),
        attempts: 1,
        queries: 0,
        attention: false,
        policy: policy(),
        submitted_at: at("14:30:00"),
        updated_at: at("15:00:00"),
        due_at: None,
        evidence: match state {
            RefundState::Cleared => Some(evidence("00", None)),
            RefundState::Failed => Some(evidence("96", None)),
            _ => None,
        },
        ended_because: match state {
            RefundState::Declined => Some("No receipt; told boss-9 so.".into()),
            RefundState::Withdrawn => Some("customer-request".into()),
            _ => None,
        },
        grounds: grounds(),
        inquiries: vec![],
        coupon: None,
        funding: None,
        trace: None,
    }
}

pub fn grounds() -> Grounds {
    Grounds { authentication: None, identity: None, grant: None, order: None, decision: None }
}

pub fn operation(kind: Way, state: OperationState) -> Operation {
    let (amount, cause) = match kind {
        Way::HoldCompletion => ("80.00", "purchase"),
        Way::Reversal => ("100.00", "no-answer"),
        _ => ("100.00", "customer-request"),
    };
    Operation {
        id: OperationId::parse("O-1").unwrap(),
        kind,
        amount: cny(amount),
        cause: cause.into(),
        penalty: false,
        capture: None,
        requested_by: Actor::Person(ActingPerson { id: person("op-7"), roles: vec![] }),
        terminal: Some(TerminalId::parse("T-0042").unwrap()),
        executor: Executor::Courier,
        provider_reference: "RO1".into(),
        state,
        attempts: 1,
        queries: 0,
        schedule: vec![],
        attention: false,
        fees: vec![],
        policy: policy(),
        authorised_at: at("14:10:00"),
        updated_at: at("14:10:05"),
        due_at: None,
        evidence: match state {
            OperationState::Done => Some(evidence("00", None)),
            OperationState::Failed => Some(evidence("25", Some("issuer says no"))),
            _ => None,
        },
        grounds: grounds(),
    }
}

/// A penalty of 20.00 out of the hold.
pub fn penalty(state: OperationState) -> Operation {
    Operation { penalty: true, amount: cny("20.00"), cause: "no-show".into(), ..operation(Way::HoldCompletion, state) }
}

pub fn code(scanned: bool) -> PaymentCode {
    PaymentCode {
        presented_by: Presenter::Merchant,
        reference: "QR-1".into(),
        created_at: at("14:03:00"),
        expires_at: at("14:08:00"),
        scanned_at: scanned.then(|| at("14:03:21")),
    }
}

pub fn hold() -> Hold {
    Hold {
        authorised: cny("100.00"),
        ceiling: cny("115.00"),
        authorised_at: at("14:03:21"),
        expires_at: Instant::parse("2026-12-23T14:03:21+08:00").unwrap(),
        authorisation_code: Some("A1B2C3".into()),
    }
}

pub fn referral(state: CaseState) -> Referral {
    let decided = matches!(state, CaseState::Granted | CaseState::Refused | CaseState::Consumed);
    Referral {
        penalty: false,
        id: CaseId::parse("C-1").unwrap(),
        way: Way::Void,
        amount: cny("100.00"),
        rules: vec!["void.count".into()],
        reason: Some("customer-request".into()),
        evidence: vec![],
        opened_by: person("op-7"),
        opened_at: at("14:30:00"),
        state,
        assigned_to: Some(person("sup-5")),
        decided_by: decided.then(|| person("sup-5")),
        because: decided.then(|| "sup-5 has checked the receipt.".into()),
        expires_at: at("16:30:00"),
        consumed_by: None,
        updated_at: at("15:00:00"),
        policy: policy(),
    }
}

pub fn order(state: OrderState) -> LegalOrder {
    LegalOrder {
        id: OrderId::parse("L-1").unwrap(),
        reference: "2026-JZ-0815".into(),
        reason: "court order".into(),
        amount: cny("40.00"),
        state,
        proposed_by: person("law-1"),
        proposed_at: at("14:30:00"),
        expires_at: at("20:00:00"),
        confirmed_by: (state == OrderState::Confirmed).then(|| person("law-2")),
        updated_at: at("15:00:00"),
        operation: None,
    }
}

pub fn liability(cause: LiabilityCause, state: LiabilityState) -> Liability {
    // Too much was returned: the customer owes, and nobody asks the customer for it.
    let (debtor, creditor) = match cause {
        LiabilityCause::OverReturned => (Party::Customer, Party::Merchant),
        _ => (Party::Merchant, Party::Customer),
    };
    Liability {
        id: LiabilityId::parse("D-1").unwrap(),
        cause,
        refund: RefundId::parse("R-1").unwrap(),
        amount: cny("60.00"),
        debtor,
        creditor,
        state,
        because: Some("told boss-9 so".into()),
        opened_at: at("14:30:00"),
        ended_by: (state != LiabilityState::Open).then(|| person("boss-9")),
        updated_at: at("15:00:00"),
    }
}

fn inquiry() -> Inquiry {
    Inquiry {
        asked_by: person("boss-9"),
        question: Digest::of(b"Which receipt is it?"),
        asked_at: at("14:40:00"),
        answered_by: None,
        answered_at: None,
    }
}

pub fn trace(arrived: Option<bool>) -> Trace {
    Trace {
        requested_by: person("cashier-3"),
        requested_at: at("14:40:00"),
        due_at: None,
        queries: 1,
        arrived,
        evidence: Some(evidence("25", None)),
    }
}

/// A notice as it stands after the event.
pub fn notice(kind: EventKind) -> Notice {
    use EventKind as K;
    let voiding = match kind {
        K::VoidAuthorised => Some(OperationState::Authorised),
        K::VoidSent => Some(OperationState::Sent),
        K::VoidDone => Some(OperationState::Done),
        K::VoidFailed => Some(OperationState::Failed),
        K::VoidUnknown | K::VoidReversing | K::VoidAttention => Some(OperationState::Unknown),
        _ => None,
    };
    let refunding = match kind {
        K::RefundSubmitted => Some(RefundState::Submitted),
        K::RefundInReview | K::RefundApprovalGiven | K::RefundEscalated => Some(RefundState::InReview),
        K::RefundApproved => Some(RefundState::Approved),
        K::RefundDeclined => Some(RefundState::Declined),
        K::RefundWithdrawn => Some(RefundState::Withdrawn),
        K::RefundExpired => Some(RefundState::Expired),
        K::RefundQueued => Some(RefundState::Queued),
        K::RefundClearing | K::RefundRetried => Some(RefundState::Clearing),
        K::RefundCleared | K::RefundResolved | K::RefundTraceRequested | K::RefundTraceAnswered | K::RefundReturned => {
            Some(RefundState::Cleared)
        }
        K::RefundInformationAsked => Some(RefundState::NeedsInformation),
        K::RefundInformationGiven => Some(RefundState::InReview),
        K::RefundFailed => Some(RefundState::Failed),
        K::RefundUnknown | K::RefundAttention => Some(RefundState::Unknown),
        _ => None,
    };
    let operating = match kind {
        K::OperationAuthorised => Some(OperationState::Authorised),
        K::OperationSent => Some(OperationState::Sent),
        K::OperationDone | K::OperationResolved => Some(OperationState::Done),
        K::OperationFailed => Some(OperationState::Failed),
        K::OperationUnknown | K::OperationAttention => Some(OperationState::Unknown),
        _ => None,
    };
    let referred = match kind {
        K::CaseOpened => Some(CaseState::Open),
        K::CaseAssigned => Some(CaseState::Assigned),
        K::CaseGranted => Some(CaseState::Granted),
        K::CaseRefused => Some(CaseState::Refused),
        K::CaseConsumed => Some(CaseState::Consumed),
        K::CaseExpired => Some(CaseState::Expired),
        _ => None,
    };
    let ordered = match kind {
        K::OrderProposed => Some(OrderState::Proposed),
        K::OrderConfirmed => Some(OrderState::Confirmed),
        K::OrderExpired => Some(OrderState::Expired),
        _ => None,
    };
    let owed = match kind {
        K::LiabilityOpened => Some(LiabilityState::Open),
        K::LiabilityEnded => Some(LiabilityState::Settled),
        _ => None,
    };
    let void_operation = voiding.map(void);
    let operation = operating.map(|state| operation(Way::Reversal, state));
    let referral = referred.map(referral);
    let order = ordered.map(order);
    let liability = owed.map(|state| liability(LiabilityCause::RefundFailed, state));
    let refund = refunding.map(|state| {
        let traced = matches!(kind, K::RefundTraceRequested | K::RefundTraceAnswered);
        let asked = matches!(kind, K::RefundInformationAsked | K::RefundInformationGiven);
        Refund {
            trace: traced.then(|| trace(None)),
            inquiries: asked.then(inquiry).into_iter().collect(),
            ..refund(state)
        }
    });
    let about = referral.as_ref().map(|c| c.id.value.clone()).or(order.as_ref().map(|o| o.id.value.clone()));
    Notice {
        event: Event {
            sequence: 1,
            kind,
            at: at("15:00:00"),
            command: CommandId::parse("c-1").unwrap(),
            operation: void_operation
                .as_ref()
                .map(|v| v.id.clone())
                .or(operation.as_ref().map(|o: &Operation| o.id.clone())),
            refund: refund.as_ref().map(|r| r.id.clone()),
            amount: None,
            actor: Actor::Person(ActingPerson { id: person("boss-9"), roles: vec![] }),
            reason: (kind == K::SaleOutcomeKnown).then(|| "good".into()),
            about: about.or(liability.as_ref().map(|l| l.id.value.clone())),
            link: Digest::of(b"link"),
        },
        sale: sale(),
        void_operation,
        refund,
        operation,
        referral,
        order,
        liability,
        code: matches!(kind, K::CodeCreated | K::CodeScanned | K::CodeExpired).then(|| code(kind == K::CodeScanned)),
        hold: matches!(kind, K::HoldAuthorised | K::HoldLapsed).then(hold),
        merchant_name: SHOP.into(),
        utc_offset_minutes: CHINA,
    }
}

/// Every story that an event of this kind can tell, with a name for each.
pub fn notices(kind: EventKind) -> Vec<(String, Notice)> {
    use EventKind as K;
    let plain = || notice(kind);
    let because = |reasons: &[&str]| -> Vec<(String, Notice)> {
        let told = |reason: &str| {
            let mut told = plain();
            told.event.reason = Some(reason.into());
            (reason.to_owned(), told)
        };
        reasons.iter().map(|reason| told(reason)).collect()
    };
    let mut all = match kind {
        K::SaleOutcomeKnown => {
            let mut all = because(&["good", "declined", "failed", "reversed"]);
            let of_a_hold = because(&["held", "declined", "failed"]);
            all.extend(
                of_a_hold
                    .into_iter()
                    .map(|(name, told)| (format!("{name}, a hold"), Notice { hold: Some(hold()), ..told })),
            );
            return all;
        }
        K::SaleTrouble => {
            let mut all = because(&[
                "no-answer",
                "declined",
                "hardware-fault: the screen went dark",
                "software-fault",
                "printer-fault",
                "unauthorised",
                "earthquake",
            ]);
            let of_a_hold = because(&["no-answer", "unauthorised"]);
            all.extend(
                of_a_hold
                    .into_iter()
                    .map(|(name, told)| (format!("{name}, a hold"), Notice { hold: Some(hold()), ..told })),
            );
            return all;
        }
        K::SaleLateAnswer => return because(&["good", "declined", "failed", "unknown"]),
        K::CodeScanned => return because(&["good", "unknown", "declined", "failed", ""]),
        K::HoldAuthorised => return because(&["held", "unknown"]),
        K::CaseExpired => {
            let mut granted = plain();
            granted.referral.as_mut().unwrap().decided_by = Some(person("sup-5"));
            vec![("granted".to_owned(), granted)]
        }
        K::RefundTraceAnswered => [true, false]
            .map(|arrived| {
                let mut told = plain();
                told.refund.as_mut().unwrap().trace = Some(trace(Some(arrived)));
                (format!("arrived: {arrived}"), told)
            })
            .to_vec(),
        K::OperationAuthorised
        | K::OperationSent
        | K::OperationDone
        | K::OperationFailed
        | K::OperationUnknown
        | K::OperationAttention
        | K::OperationResolved => {
            let state = plain().operation.unwrap().state;
            let mut told = vec![
                ("reversal of a hold", operation(Way::Reversal, state), None, Some(hold())),
                ("order close", operation(Way::OrderClose, state), Some(code(true)), None),
                ("code cancel", operation(Way::OrderClose, state), Some(code(false)), None),
                ("penalty", penalty(state), None, Some(hold())),
            ];
            for (name, way) in [
                ("hold release", Way::HoldRelease),
                ("hold completion", Way::HoldCompletion),
                ("completion void", Way::CompletionVoid),
            ] {
                told.push((name, operation(way, state), None, Some(hold())));
            }
            let tell = |(name, operation, code, hold): (&str, _, _, _)| {
                (name.to_owned(), Notice { operation: Some(operation), code, hold, ..plain() })
            };
            let mut told: Vec<_> = told.into_iter().map(tell).collect();
            if kind == K::OperationAttention {
                let mut contested = plain();
                contested.operation = Some(operation(Way::Reversal, OperationState::Done));
                contested.event.reason = Some("late-answer".into());
                told.push(("late answer".to_owned(), contested));
            }
            told
        }
        K::LiabilityOpened | K::LiabilityEnded => {
            let mut told = vec![];
            let ends: &[LiabilityState] = match kind {
                K::LiabilityOpened => &[LiabilityState::Open],
                _ => &[LiabilityState::Settled, LiabilityState::Agreed, LiabilityState::WrittenOff],
            };
            for cause in [LiabilityCause::OverReturned, LiabilityCause::RefundReturned] {
                for state in ends {
                    let owed = Some(liability(cause, *state));
                    told.push((format!("{cause:?} {state:?}"), Notice { liability: owed, ..plain() }));
                }
            }
            told
        }
        _ => vec![],
    };
    all.insert(0, (String::new(), plain()));
    all
}

pub fn void_slip(state: OperationState) -> SlipRequest {
    SlipRequest {
        merchant_name: SHOP.into(),
        sale: sale(),
        void_operation: Some(void(state)),
        refund: None,
        operation: None,
        outcome: SaleOutcome::Good,
        hold: None,
        reprint: false,
        at: at("14:10:09"),
        utc_offset_minutes: CHINA,
        offline: None,
    }
}

pub fn refund_slip(state: RefundState) -> SlipRequest {
    SlipRequest { void_operation: None, refund: Some(refund(state)), ..void_slip(OperationState::Done) }
}

/// The slip of an operation on the sale, or on the hold for ways that need one.
pub fn operation_slip(operation: Operation) -> SlipRequest {
    let on_a_hold = matches!(operation.kind, Way::HoldRelease | Way::HoldCompletion | Way::CompletionVoid);
    let outcome = match operation.kind {
        Way::HoldRelease | Way::HoldCompletion | Way::CompletionVoid => SaleOutcome::Held,
        _ => SaleOutcome::Unknown,
    };
    SlipRequest { operation: Some(operation), hold: on_a_hold.then(hold), outcome, ..sale_slip(outcome) }
}

/// The slip of the payment itself.
pub fn sale_slip(outcome: SaleOutcome) -> SlipRequest {
    let hold = (outcome == SaleOutcome::Held).then(hold);
    SlipRequest { void_operation: None, outcome, hold, ..void_slip(OperationState::Done) }
}
