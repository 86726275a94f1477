//! Slips of sales and of what was done to them, for a printer of 32 columns.

use crate::catalogue::{Deed, Language, SlipWords, language};
use crate::clock::Clock;
use crate::columns::{centred, row, width, wrap};
use crate::render::{OrderStanding, deed, merchant_name, provider_reason, without_persons};
use crate::{amount, arrival, plain};
use rescind_model::{
    Actor, Channel, Evidence, Hold, Instant, Locale, OfflineEffect, Operation, OperationState, Refund, RefundState,
    RenderError, SaleOutcome, SlipRequest, VoidOperation,
};

/// Columns of the paper: 58 mm rolls, which every terminal takes.
pub const SLIP_COLUMNS: usize = 32;

/// Prints a slip of a void, a refund, another operation or the payment itself: lines of at most [`SLIP_COLUMNS`]
/// columns, each ended by a line feed. It says that an operation succeeded only if it is done, and that a payment did
/// only if it is known to be good; the slip of a hold says that nothing was taken yet. What a terminal could only queue is
/// printed as waiting for the server, whatever it may become.
///
/// # Errors
/// - [`RenderError::Incomplete`] if more than one of void, refund and operation is given; if none is, and the payment is
///   neither good nor held (or held without its hold); if it is said to wait for the server, or to have cancelled at the
///   terminal, and its state is another one; without a merchant name.
/// - [`RenderError::Unprintable`] for an operation that is none, an unknown currency, or an amount, instant, offset or
///   name out of range.
pub fn slip(request: &SlipRequest, locale: Locale) -> Result<String, RenderError> {
    let subject = Subject::of(request)?;
    if let Some(effect) = request.offline {
        subject.must_be(effect)?;
    }
    let mut paper = Paper {
        lines: Vec::new(),
        words: language(locale).slip(),
        language: language(locale),
        clock: Clock::ahead_by(request.utc_offset_minutes)?,
    };
    paper.head(request, &subject)?;
    paper.numbers(request, &subject)?;
    paper.money(request, &subject)?;
    match request.offline {
        Some(effect) => paper.offline_state(effect),
        None => paper.state(&subject)?,
    }
    paper.foot(request, &subject)?;
    let mut text = paper.lines.join("\n");
    text.push('\n');
    Ok(text)
}

/// What the slip is about.
enum Subject<'a> {
    Void(&'a VoidOperation),
    Refund(&'a Refund),
    Operation(&'a Operation, Deed),
    Sale,
    Hold(&'a Hold),
}

impl<'a> Subject<'a> {
    fn of(request: &'a SlipRequest) -> Result<Self, RenderError> {
        Ok(match (&request.void_operation, &request.refund, &request.operation) {
            (Some(void), None, None) => Self::Void(void),
            (None, Some(refund), None) => Self::Refund(refund),
            (None, None, Some(operation)) => {
                let order = match request.outcome {
                    SaleOutcome::Unpaid | SaleOutcome::Cancelled | SaleOutcome::Expired => OrderStanding::Unscanned,
                    _ => OrderStanding::MayBePaid,
                };
                let deed = deed(operation, order).ok_or_else(|| {
                    RenderError::Unprintable("operation: a void or refund has a record of its own".to_owned())
                })?;
                Self::Operation(operation, deed)
            }
            (None, None, None) => match (request.outcome, &request.hold) {
                (SaleOutcome::Good, _) => Self::Sale,
                (SaleOutcome::Held, Some(hold)) => Self::Hold(hold),
                _ => {
                    return Err(RenderError::Incomplete("outcome: only a good or held payment has a slip".to_owned()));
                }
            },
            _ => {
                return Err(RenderError::Incomplete(
                    "void-operation, refund, operation: at most one of the three is printed".to_owned(),
                ));
            }
        })
    }

    /// Nothing but what cancelled at the terminal is done before the server has heard of it (`DOMAIN.md` §8).
    fn must_be(&self, effect: OfflineEffect) -> Result<(), RenderError> {
        let so = match (effect, self) {
            (OfflineEffect::CancelsLocally, Self::Void(void)) => void.state == OperationState::Done,
            (OfflineEffect::Queued, Self::Void(void)) => void.state == OperationState::Authorised,
            (OfflineEffect::Queued, Self::Refund(refund)) => refund.state == RefundState::Submitted,
            (OfflineEffect::Queued, Self::Operation(operation, _)) => operation.state == OperationState::Authorised,
            (OfflineEffect::CancelsLocally, _) | (OfflineEffect::Queued, Self::Sale | Self::Hold(_)) => false,
        };
        if so {
            return Ok(());
        }
        Err(RenderError::Incomplete(
            "offline: what is printed is not in the state that a terminal alone can reach".to_owned(),
        ))
    }

    /// When the operation was asked for and when it changed last; nothing for the payment itself.
    fn times(&self) -> Option<(Instant, Instant)> {
        match self {
            Self::Void(void) => Some((void.authorised_at, void.updated_at)),
            Self::Refund(refund) => Some((refund.submitted_at, refund.updated_at)),
            Self::Operation(operation, _) => Some((operation.authorised_at, operation.updated_at)),
            Self::Sale | Self::Hold(_) => None,
        }
    }

    fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::Void(void) => void.evidence.as_ref(),
            Self::Refund(refund) => refund.evidence.as_ref(),
            Self::Operation(operation, _) => operation.evidence.as_ref(),
            Self::Sale | Self::Hold(_) => None,
        }
    }

    fn is_legal(&self) -> bool {
        matches!(self, Self::Void(void) if void.grounds.order.is_some())
    }

    /// Whether the cardholder signs: nobody does for money that does not move, nor where they are not at the counter.
    fn is_signed(&self) -> bool {
        match self {
            Self::Void(void) => void.state != OperationState::Failed && !self.is_legal(),
            Self::Refund(_) => self.may_move_money(),
            Self::Operation(operation, deed) => {
                let at_the_counter = matches!(deed, Deed::HoldRelease | Deed::HoldCompletion | Deed::CompletionVoid);
                operation.state != OperationState::Failed && at_the_counter
            }
            Self::Sale | Self::Hold(_) => true,
        }
    }

    fn may_move_money(&self) -> bool {
        match self {
            Self::Void(void) => void.state != OperationState::Failed,
            Self::Refund(refund) => !matches!(
                refund.state,
                RefundState::Declined | RefundState::Withdrawn | RefundState::Expired | RefundState::Failed
            ),
            Self::Operation(operation, _) => operation.state != OperationState::Failed,
            Self::Sale | Self::Hold(_) => true,
        }
    }
}

/// The lines printed so far, and in which words.
struct Paper {
    lines: Vec<String>,
    words: &'static SlipWords,
    language: &'static dyn Language,
    clock: Clock,
}

impl Paper {
    fn head(&mut self, request: &SlipRequest, subject: &Subject<'_>) -> Result<(), RenderError> {
        self.middle(&merchant_name(&request.merchant_name)?);
        self.middle(match subject {
            Subject::Void(_) => self.words.void_title,
            Subject::Refund(_) => self.words.refund_title,
            Subject::Operation(_, deed) => self.language.operation_title(*deed),
            Subject::Sale => self.words.sale_title,
            Subject::Hold(_) => self.words.hold_title,
        });
        if subject.is_legal() {
            self.middle(self.words.legal_mark);
        }
        if request.reprint {
            self.middle(self.words.reprint);
        }
        self.divider();
        Ok(())
    }

    fn numbers(&mut self, request: &SlipRequest, subject: &Subject<'_>) -> Result<(), RenderError> {
        let (words, sale) = (self.words, &request.sale);
        let asked_at_terminal = match subject {
            Subject::Void(void) => void.terminal.as_ref(),
            Subject::Operation(operation, _) => operation.terminal.as_ref(),
            Subject::Refund(_) | Subject::Sale | Subject::Hold(_) => None,
        };
        let (voucher, trace, paid_at) = match subject {
            Subject::Sale | Subject::Hold(_) => (words.own_voucher, words.own_trace, words.own_paid_at),
            _ => (words.voucher, words.trace, words.paid_at),
        };
        let terminal = asked_at_terminal.or(sale.slip.as_ref().map(|slip| &slip.terminal));
        self.pair(words.terminal, terminal.map(|t| t.as_str()));
        if let Some(slip) = &sale.slip {
            self.pair(words.batch, Some(&slip.batch));
            self.pair(voucher, Some(&slip.voucher));
            self.pair(trace, Some(&slip.trace));
        }
        self.pair(words.order, sale.order_number.as_deref());
        self.pair(words.retrieval_reference, sale.retrieval_reference.as_deref());
        if sale.order_number.is_none() && sale.retrieval_reference.is_none() {
            self.pair(words.sale_id, Some(sale.id.as_str()));
        }
        self.pair(words.authorisation_code, request.hold.as_ref().and_then(|hold| hold.authorisation_code.as_deref()));
        match subject {
            Subject::Void(void) => {
                self.pair(words.void_id, Some(void.id.as_str()));
                self.pair(words.legal_order, void.grounds.order.as_ref().map(|order| order.as_str()));
            }
            Subject::Refund(refund) => {
                self.pair(words.refund_id, Some(refund.id.as_str()));
                self.pair(words.corrects, refund.request.corrects.as_ref().map(|id| id.as_str()));
            }
            Subject::Operation(operation, _) => self.pair(words.operation_id, Some(operation.id.as_str())),
            Subject::Sale | Subject::Hold(_) => {}
        }
        self.pair(words.provider_reference, subject.evidence().and_then(|e| e.reference.as_deref()));
        self.time(paid_at, sale.paid_at)?;
        if let Subject::Hold(hold) = subject {
            self.time(words.valid_until, hold.expires_at)?;
        }
        if let Some((asked_at, changed_at)) = subject.times() {
            self.time(words.asked_at, asked_at)?;
            if changed_at != asked_at {
                self.time(words.changed_at, changed_at)?;
            }
        }
        self.divider();
        Ok(())
    }

    fn money(&mut self, request: &SlipRequest, subject: &Subject<'_>) -> Result<(), RenderError> {
        let (words, captured) = (self.words, &request.sale.captured);
        let plainly = |money| amount::show(money, Locale::En);
        match subject {
            Subject::Sale => self.pair(words.own_amount, Some(&plainly(captured)?)),
            Subject::Hold(hold) => self.pair(words.held, Some(&plainly(&hold.authorised)?)),
            Subject::Void(void) => {
                self.pair(words.captured, Some(&plainly(captured)?));
                self.pair(words.void_amount, Some(&amount::show_returned(&void.amount)?));
                // Why an authority orders a void is not for the paper.
                if !subject.is_legal() {
                    self.reason(&void.reason);
                }
            }
            Subject::Refund(refund) => {
                self.pair(words.captured, Some(&plainly(captured)?));
                self.pair(words.refund_amount, Some(&amount::show_returned(&refund.request.amount)?));
                self.reason(&refund.request.reason);
            }
            Subject::Operation(operation, deed) => self.operation_money(request, operation, *deed)?,
        }
        self.divider();
        Ok(())
    }

    fn operation_money(&mut self, request: &SlipRequest, operation: &Operation, deed: Deed) -> Result<(), RenderError> {
        let (words, hold) = (self.words, request.hold.as_ref());
        let captured = amount::show(&request.sale.captured, Locale::En)?;
        let held = hold.map(|hold| amount::show(&hold.authorised, Locale::En)).transpose()?;
        match (deed, held) {
            // The order's amount is the operation's: it would stand there twice.
            (Deed::OrderClose | Deed::CodeCancel, _) => {}
            (_, Some(held)) => self.pair(words.held, Some(&held)),
            (_, None) => self.pair(words.captured, Some(&captured)),
        }
        let taken = match deed {
            Deed::Reversal | Deed::HoldRelease | Deed::CompletionVoid => amount::show_returned(&operation.amount)?,
            // Money that is taken, and orders that nobody paid.
            Deed::HoldCompletion | Deed::Penalty | Deed::OrderClose | Deed::CodeCancel => {
                amount::show(&operation.amount, Locale::En)?
            }
        };
        self.pair(self.language.operation_amount(deed), Some(&taken));
        let completes = matches!(deed, Deed::HoldCompletion | Deed::Penalty);
        if completes && operation.state == OperationState::Done {
            // A completion above the hold, up to its ceiling, leaves nothing to release.
            let rest = hold.and_then(|hold| hold.authorised.minus(&operation.amount).ok()).filter(|r| !r.is_zero());
            if let Some(rest) = rest {
                self.pair(words.released, Some(&amount::show_returned(&rest)?));
            }
        }
        self.reason(&operation.cause);
        Ok(())
    }

    fn reason(&mut self, reason: &str) {
        let reason = self.language.word(reason);
        self.pair(self.words.reason, Some(&reason));
    }

    /// No arrival is promised: when the server confirms it is not known.
    fn offline_state(&mut self, effect: OfflineEffect) {
        for line in self.language.offline_state(effect) {
            self.middle(line);
        }
        self.divider();
    }

    fn state(&mut self, subject: &Subject<'_>) -> Result<(), RenderError> {
        match subject {
            Subject::Void(void) => {
                self.middle(self.language.void_state(void.state));
                self.failure(void.state, void.evidence.as_ref());
            }
            Subject::Operation(operation, deed) => {
                self.middle(self.language.operation_state(*deed, operation.state));
                self.failure(operation.state, operation.evidence.as_ref());
            }
            Subject::Refund(refund) => {
                self.middle(self.language.refund_state(refund.state));
                let why = match refund.state {
                    RefundState::Failed => provider_reason(refund.evidence.as_ref(), self.language),
                    RefundState::Declined => refund.ended_because.as_deref().map(|r| self.language.word(r)),
                    _ => None,
                };
                // The customer reads it too.
                let approvers: Vec<&str> = refund.approvals.iter().map(|approval| approval.by.as_str()).collect();
                let why = why.map(|why| without_persons(&why, &approvers));
                self.pair(self.words.failure, why.as_deref());
                let arrival = arrival::of_refund(refund, refund.updated_at, self.clock)?;
                if let Some(arrival) = arrival.filter(|_| subject.may_move_money()) {
                    self.middle(&self.language.arrival(arrival));
                }
            }
            Subject::Sale => self.middle(self.words.taken),
            Subject::Hold(_) => self.middle(self.words.reserved),
        }
        self.divider();
        Ok(())
    }

    fn failure(&mut self, state: OperationState, evidence: Option<&Evidence>) {
        if state == OperationState::Failed {
            let why = provider_reason(evidence, self.language);
            self.pair(self.words.failure, why.as_deref());
        }
    }

    fn foot(&mut self, request: &SlipRequest, subject: &Subject<'_>) -> Result<(), RenderError> {
        let operator = match subject {
            // Persons behind a legal order are in its report, not on paper.
            Subject::Void(_) if subject.is_legal() => None,
            Subject::Void(void) => Some(&void.requested_by),
            Subject::Refund(refund) => Some(refund.request.operator.as_ref().unwrap_or(&refund.request.requested_by)),
            Subject::Operation(operation, _) => match &operation.requested_by {
                Actor::Person(person) => Some(&person.id),
                Actor::Terminal(_) | Actor::System => None,
            },
            Subject::Sale | Subject::Hold(_) => request.sale.operator.as_ref(),
        };
        self.pair(self.words.operator, operator.map(|person| person.as_str()));
        self.time(self.words.printed_at, request.at)?;
        if request.sale.channel == Channel::Card && subject.is_signed() {
            let label = self.words.signature;
            self.lines.push(String::new());
            let line = "_".repeat(SLIP_COLUMNS.saturating_sub(width(label)));
            self.lines.extend(wrap(&format!("{label}{line}"), SLIP_COLUMNS));
        }
        Ok(())
    }

    fn middle(&mut self, text: &str) {
        self.lines.extend(centred(text, SLIP_COLUMNS));
    }

    fn divider(&mut self) {
        self.lines.push("-".repeat(SLIP_COLUMNS));
    }

    fn time(&mut self, label: &str, at: Instant) -> Result<(), RenderError> {
        let shown = self.clock.show_seconds(at)?;
        self.lines.extend(row(label, &shown, SLIP_COLUMNS));
        Ok(())
    }

    /// A label with its value; nothing if there is no value.
    fn pair(&mut self, label: &str, value: Option<&str>) {
        if let Some(value) = value.and_then(plain::note) {
            self.lines.extend(row(label, &value, SLIP_COLUMNS));
        }
    }
}
