//! What goes in: facts and questions.

use super::word::{
    AuthenticationMethod, CardType, Channel, Forwarding, IdentityKind, Presenter, SaleOutcome, SettlementMode, Trouble,
    Way,
};
use super::{BusinessDay, Duration, Instant, TallyNeed, outgoing};

outgoing! {
    Facts<'a> {
        "sale" sale: Sale<'a>,
        "status" status: SaleStatus<'a>,
        "balance" balance: Balance<'a>,
        "now" now: Instant,
        "business-day" business_day: Option<BusinessDay>,
        "tallies" tallies: Vec<Tally>,
        "requested-today" requested_today: Option<Money<'a>>,
        "asker" asker: Asker<'a>,
        "code" code: Option<PaymentCode<'a>>,
        "hold" hold: Option<Hold<'a>>,
        "operation" operation: Option<Digest<'a>>,
        "authentication" authentication: Option<Authentication<'a>>,
        "identity" identity: Vec<IdentityProof<'a>>,
        "offline" offline: Option<OfflineSituation<'a>>,
    }
    VoidQuestion<'a> {
        "amount" amount: Money<'a>,
        "reason" reason: Option<&'a str>,
        "legal" legal: bool,
        "evidence" evidence: Vec<&'a str>,
    }
    RefundQuestion<'a> {
        "amount" amount: Money<'a>,
        "reason" reason: Option<&'a str>,
        "evidence" evidence: Vec<&'a str>,
    }
    OperationQuestion<'a> {
        "way" way: Way,
        "amount" amount: Option<Money<'a>>,
        "trouble" trouble: Option<Trouble>,
        "reason" reason: Option<&'a str>,
        "penalty" penalty: bool,
    }
    Asker<'a> {
        "person" person: Option<PersonId<'a>>,
        "roles" roles: Vec<Role<'a>>,
        "terminal" terminal: Option<TerminalId<'a>>,
        "terminal-class" terminal_class: Option<&'a str>,
    }
    Authentication<'a> {
        "person" person: PersonId<'a>,
        "method" method: AuthenticationMethod,
        "at" at: Instant,
        "operation" operation: Option<Digest<'a>>,
    }
    Balance<'a> {
        "cleared" cleared: Money<'a>,
        "voided" voided: Money<'a>,
        "reserved" reserved: Money<'a>,
        "void-open" void_open: bool,
        "refunds-sent" refunds_sent: u32,
        "refunds-counted" refunds_counted: u32,
        "last-refund-at" last_refund_at: Option<Instant>,
        "fee-returned" fee_returned: Money<'a>,
        "coupon-returned" coupon_returned: Money<'a>,
        "operation-open" operation_open: bool,
        "requested" requested: Money<'a>,
    }
    Digest<'a> {
        "hex" hex: &'a str,
    }
    Hold<'a> {
        "authorised" authorised: Money<'a>,
        "ceiling" ceiling: Money<'a>,
        "authorised-at" authorised_at: Instant,
        "expires-at" expires_at: Instant,
        "authorisation-code" authorisation_code: Option<&'a str>,
    }
    IdentityProof<'a> {
        "kind" kind: IdentityKind,
        "reference" reference: Option<&'a str>,
        "at" at: Instant,
    }
    Money<'a> {
        "minor" minor: i64,
        "currency" currency: &'a str,
    }
    OfflineSituation<'a> {
        "forwarding" forwarding: Forwarding,
        "clock-bound" clock_bound: Duration,
        "last-contact" last_contact: Instant,
        "bundle-made" bundle_made: Instant,
        "stored-records" stored_records: u32,
        "operations" operations: u32,
        "total" total: Money<'a>,
    }
    PaymentCode<'a> {
        "presented-by" presented_by: Presenter,
        "reference" reference: &'a str,
        "created-at" created_at: Instant,
        "expires-at" expires_at: Instant,
        "scanned-at" scanned_at: Option<Instant>,
    }
    Sale<'a> {
        "id" id: SaleId<'a>,
        "merchant" merchant: MerchantId<'a>,
        "slip" slip: Option<SlipNumbers<'a>>,
        "order-number" order_number: Option<&'a str>,
        "retrieval-reference" retrieval_reference: Option<&'a str>,
        "operator" operator: Option<PersonId<'a>>,
        "captured" captured: Money<'a>,
        "coupon" coupon: Option<Money<'a>>,
        "fee-charged" fee_charged: Money<'a>,
        "channel" channel: Channel,
        "card-type" card_type: Option<CardType>,
        "kind" kind: &'a str,
        "payer-token" payer_token: Option<&'a str>,
        "contact" contact: Option<Digest<'a>>,
        "service-at" service_at: Option<Instant>,
        "paid-at" paid_at: Instant,
        "business-day" business_day: BusinessDay,
        "settlement" settlement: SettlementMode,
    }
    SaleStatus<'a> {
        "outcome" outcome: SaleOutcome,
        "batch-closed-at" batch_closed_at: Option<Instant>,
        "settled-at" settled_at: Option<Instant>,
        "paid-out-at" paid_out_at: Option<Instant>,
        "late" late: Option<LateAnswer<'a>>,
    }
    Tally {
        "need" need: TallyNeed,
        "count" count: u32,
    }
    PersonId<'a> {
        "value" value: &'a str,
    }
    Role<'a> {
        "value" value: &'a str,
    }
    TerminalId<'a> {
        "value" value: &'a str,
    }
    MerchantId<'a> {
        "value" value: &'a str,
    }
    SaleId<'a> {
        "value" value: &'a str,
    }
    SlipNumbers<'a> {
        "terminal" terminal: TerminalId<'a>,
        "batch" batch: &'a str,
        "voucher" voucher: &'a str,
        "trace" trace: &'a str,
    }
    LateAnswer<'a> {
        "outcome" outcome: SaleOutcome,
        "evidence" evidence: Evidence<'a>,
    }
    Evidence<'a> {
        "source" source: &'a str,
        "code" code: Option<&'a str>,
        "reference" reference: Option<&'a str>,
        "note" note: Option<&'a str>,
        "at" at: Instant,
    }
}
