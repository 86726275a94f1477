//! What is said, in every language. The files below hold words only; when to say them is decided elsewhere.

mod chinese;
mod english;

use rescind_model::{
    Arrival, Audience, EventKind, IdentityKind, LiabilityCause, LiabilityState, Locale, OfflineEffect, OperationState,
    Party, RefundState, SaleOutcome, Trouble, Way,
};

/// The words of a language.
pub(crate) fn language(locale: Locale) -> &'static dyn Language {
    match locale {
        Locale::ZhCn => &chinese::Chinese,
        Locale::En => &english::English,
    }
}

/// All there is to say in one language.
pub(crate) trait Language: Sync {
    /// Title and body for an event, or nothing if the audience is not concerned.
    fn message(&self, story: &Story) -> Option<(String, String)>;
    /// Title and body of the message that carries a confirmation code.
    fn confirmation(&self, code: &Confirmation) -> (String, String);

    /// What each rule says when it stands in the way.
    fn clauses(&self) -> &'static [Clause];
    /// What a rule says that is not in the catalogue.
    fn unknown_clause(&self, rule: &str) -> String;
    /// What was seen and allowed, in brackets behind a clause that does not say it itself.
    fn seen(&self, observed: Option<&str>, limit: Option<&str>) -> String;
    /// What the person can do about it; nothing if there is nothing to do.
    fn remedy(&self, remedy: &Advice) -> Option<String>;
    /// A clause and the advice as one sentence.
    fn sentence(&self, clause: &str, advice: Option<&str>) -> String;
    /// That a way is open.
    fn allowed(&self, opening: &Opening) -> String;
    /// That a way is not open, when no finding says why.
    fn not_allowed(&self, way: Way) -> String;
    /// A length of time; its parts are whole days, hours, minutes, seconds.
    fn lasting(&self, parts: [u64; 4]) -> String;
    /// A token of a vocabulary (roles, kinds, reasons) as people say it.
    fn word(&self, token: &str) -> String;

    /// The fixed words of a slip.
    fn slip(&self) -> &'static SlipWords;
    /// What a slip says of a void's state.
    fn void_state(&self, state: OperationState) -> &'static str;
    /// The title of an operation's slip.
    fn operation_title(&self, deed: Deed) -> &'static str;
    /// What a slip says of an operation's state.
    fn operation_state(&self, deed: Deed, state: OperationState) -> &'static str;
    /// What the amount of an operation is called on a slip.
    fn operation_amount(&self, deed: Deed) -> &'static str;
    /// What a slip says of a refund's state.
    fn refund_state(&self, state: RefundState) -> &'static str;
    /// When the money arrives, with the dates if they are known.
    fn arrival(&self, arrival: Arrival) -> String;
    /// What a slip says of what a terminal did without the server: the state, and what that means.
    fn offline_state(&self, effect: OfflineEffect) -> [&'static str; 2];
    /// What a provider's response code means.
    fn response_code(&self, code: &str) -> Option<&'static str>;
    /// A response code with its meaning, if that is known.
    fn coded(&self, code: &str) -> String;
}

/// An event as a reader knows it.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) kind: EventKind,
    pub(crate) audience: Audience,
    pub(crate) merchant: String,
    pub(crate) sale: SaleName,
    pub(crate) amount: String,
    pub(crate) refund: String,
    pub(crate) reason: Option<String>,
    pub(crate) arrival: Option<Arrival>,
    pub(crate) approvals_left: u32,
    pub(crate) outcome: Option<SaleOutcome>,
    /// Whether the payment began as a hold.
    pub(crate) hold: bool,
    /// What is done, for events about an operation.
    pub(crate) deed: Option<Deed>,
    /// Whether an answer came after the operation was done that says the opposite.
    pub(crate) contested: bool,
    /// The id of the referral or the authority's reference of the legal order.
    pub(crate) number: String,
    /// When the code, the hold, the referral, the grant or the order ends.
    pub(crate) until: Option<String>,
    /// What went wrong at the till, if it is a trouble that is known.
    pub(crate) trouble: Option<Trouble>,
    /// What a search for a refund found.
    pub(crate) arrived: Option<bool>,
    /// The way that was referred.
    pub(crate) way: Option<Way>,
    /// Whether support had granted the referral that ended by time.
    pub(crate) granted: bool,
    /// Who owes whom, and why.
    pub(crate) debt: Option<Debt>,
}

/// What an operation does, as people tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// A sale of unknown outcome is undone.
    Reversal,
    /// An order that may have been paid is closed.
    OrderClose,
    /// A code that nobody has scanned is cancelled.
    CodeCancel,
    /// Reserved money is released.
    HoldRelease,
    /// Reserved money is captured.
    HoldCompletion,
    /// A penalty is captured out of reserved money.
    Penalty,
    /// A completion is cancelled.
    CompletionVoid,
}

/// Who owes whom because of a refund.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Debt {
    pub(crate) cause: LiabilityCause,
    pub(crate) debtor: Party,
    pub(crate) creditor: Party,
    pub(crate) state: LiabilityState,
}

impl Debt {
    /// Customers hear of what the merchant owes them. Nobody asks a customer for money back (`DOMAIN.md` §3.10).
    pub(crate) fn concerns_customer(self) -> bool {
        self.debtor == Party::Merchant && self.creditor == Party::Customer
    }
}

/// A confirmation code with what it is for.
#[derive(Debug)]
pub(crate) struct Confirmation {
    pub(crate) merchant: String,
    pub(crate) way: Way,
    pub(crate) amount: String,
    pub(crate) code: String,
    pub(crate) until: String,
}

/// By what a reader finds the sale again.
#[derive(Debug)]
pub(crate) enum SaleName {
    /// The merchant's order number.
    Order(String),
    /// The network's reference.
    Reference(String),
    /// The sale's id.
    Id(String),
}

/// What a rule says. `{o}` stands for what was observed, `{l}` for the limit.
#[derive(Debug)]
pub(crate) struct Clause {
    /// The rule's id.
    pub(crate) rule: &'static str,
    /// The best way to say it first; each needs fewer values than the one before, the last none.
    pub(crate) forms: &'static [&'static str],
}

/// A remedy with its values as text.
#[derive(Debug)]
pub(crate) enum Advice {
    UseVoid,
    UseRefund,
    UseRefundFrom(String),
    UseReversal,
    AwaitOutcome,
    AskRole(String),
    RetryAfter(String),
    ReduceTo(String),
    Provide(String),
    ChooseReason,
    TakeAll,
    GoOnline,
    UseOrderClose,
    UseHoldRelease,
    UseCompletionVoid,
    Reprint,
    NewSale,
    Authenticate,
    Identify(IdentityKind),
    ContactSupport,
}

/// A way that is open.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) way: Way,
    pub(crate) amount: String,
    pub(crate) until: Option<String>,
    pub(crate) approvals: u32,
    /// What is kept and is not part of the amount.
    pub(crate) penalty: Option<String>,
    /// How the customer can be identified, one of these in words.
    pub(crate) identity: Option<String>,
    /// Whether the operator has to prove who they are.
    pub(crate) authentication: bool,
    /// When the money arrives, where the policy says it.
    pub(crate) arrival: Option<Arrival>,
    /// What the terminal may do with it, where it decides without the server.
    pub(crate) offline: Option<OfflineEffect>,
}

/// The labels of a slip.
#[derive(Debug)]
pub(crate) struct SlipWords {
    pub(crate) void_title: &'static str,
    pub(crate) legal_mark: &'static str,
    pub(crate) refund_title: &'static str,
    pub(crate) sale_title: &'static str,
    pub(crate) hold_title: &'static str,
    pub(crate) reprint: &'static str,
    pub(crate) terminal: &'static str,
    pub(crate) batch: &'static str,
    pub(crate) voucher: &'static str,
    pub(crate) trace: &'static str,
    pub(crate) order: &'static str,
    pub(crate) sale_id: &'static str,
    pub(crate) retrieval_reference: &'static str,
    pub(crate) void_id: &'static str,
    pub(crate) refund_id: &'static str,
    pub(crate) operation_id: &'static str,
    pub(crate) legal_order: &'static str,
    pub(crate) corrects: &'static str,
    pub(crate) own_voucher: &'static str,
    pub(crate) own_trace: &'static str,
    pub(crate) authorisation_code: &'static str,
    pub(crate) provider_reference: &'static str,
    pub(crate) paid_at: &'static str,
    pub(crate) own_paid_at: &'static str,
    pub(crate) valid_until: &'static str,
    pub(crate) captured: &'static str,
    pub(crate) own_amount: &'static str,
    pub(crate) held: &'static str,
    pub(crate) released: &'static str,
    pub(crate) taken: &'static str,
    pub(crate) reserved: &'static str,
    pub(crate) asked_at: &'static str,
    pub(crate) changed_at: &'static str,
    pub(crate) void_amount: &'static str,
    pub(crate) refund_amount: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) operator: &'static str,
    pub(crate) failure: &'static str,
    pub(crate) signature: &'static str,
    pub(crate) printed_at: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_has_its_words_in_every_language() {
        let rules = |locale| language(locale).clauses().iter().map(|c| c.rule).collect::<Vec<_>>();
        let (chinese, english) = (rules(Locale::ZhCn), rules(Locale::En));
        assert_eq!(chinese, english);
        assert_eq!(BTreeSet::from_iter(&english).len(), english.len(), "a rule is there twice");
        for locale in [Locale::ZhCn, Locale::En] {
            for clause in language(locale).clauses() {
                assert!(clause.forms.last().is_some_and(|last| !last.contains('{')), "{}", clause.rule);
                for form in clause.forms {
                    let rest = form.replace("{o}", "").replace("{l}", "");
                    assert!(!rest.contains(['{', '}']), "{}", clause.rule);
                }
            }
        }
    }
}
