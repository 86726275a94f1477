//! A shop counter: one sale of 100.00, its void, its refund of 60.00.

use rescind_model::{
    ActingPerson, Actor, Approval, ApprovalPlan, Arrival, BusinessDay, Channel, CommandId, Digest, Duration, Event,
    EventKind, Evidence, Executor, Instant, MerchantId, Money, Notice, OperationId, OperationState, PersonId,
    PolicyIdentity, Refund, RefundId, RefundRequest, RefundState, Role, Sale, SaleId, SettlementMode, SlipNumbers,
    SlipRequest, TerminalId, VoidOperation,
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
        fee_charged: cny("0.60"),
        channel: Channel::Card,
        card_type: None,
        kind: "purchase".into(),
        payer_token: None,
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
        arrival: Some(Arrival { min_days: 1, max_days: 3, working_days: true }),
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
        K::RefundCleared | K::RefundResolved => Some(RefundState::Cleared),
        K::RefundFailed => Some(RefundState::Failed),
        K::RefundUnknown | K::RefundAttention => Some(RefundState::Unknown),
        _ => None,
    };
    let void_operation = voiding.map(void);
    let refund = refunding.map(refund);
    Notice {
        event: Event {
            sequence: 1,
            kind,
            at: at("15:00:00"),
            command: CommandId::parse("c-1").unwrap(),
            operation: void_operation.as_ref().map(|v| v.id.clone()),
            refund: refund.as_ref().map(|r| r.id.clone()),
            amount: None,
            actor: Actor::Person(ActingPerson { id: person("boss-9"), roles: vec![] }),
            reason: (kind == K::SaleOutcomeKnown).then(|| "good".into()),
        },
        sale: sale(),
        void_operation,
        refund,
        merchant_name: SHOP.into(),
        utc_offset_minutes: CHINA,
    }
}

pub fn void_slip(state: OperationState) -> SlipRequest {
    SlipRequest {
        merchant_name: SHOP.into(),
        sale: sale(),
        void_operation: Some(void(state)),
        refund: None,
        reprint: false,
        at: at("14:10:09"),
        utc_offset_minutes: CHINA,
    }
}

pub fn refund_slip(state: RefundState) -> SlipRequest {
    SlipRequest { void_operation: None, refund: Some(refund(state)), ..void_slip(OperationState::Done) }
}
