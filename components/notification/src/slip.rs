//! Void and refund slips for a printer of 32 columns.

use crate::catalogue::{Language, SlipWords, language};
use crate::clock::Clock;
use crate::columns::{centred, row, width, wrap};
use crate::render::{merchant_name, provider_reason, without_persons};
use crate::{amount, plain};
use rescind_model::{
    Channel, Instant, Locale, OperationState, Refund, RefundState, RenderError, Sale, SlipRequest, VoidOperation,
};

/// Columns of the paper: 58 mm rolls, which every terminal takes.
pub const SLIP_COLUMNS: usize = 32;

/// Prints a void or refund slip: lines of at most [`SLIP_COLUMNS`] columns, each ended by a line feed. It says that an
/// operation succeeded only if it is done.
///
/// # Errors
/// - [`RenderError::Incomplete`] unless exactly one of void and refund is given, and a merchant name.
/// - [`RenderError::Unprintable`] for an unknown currency, or an amount, instant, offset or name out of range.
pub fn slip(request: &SlipRequest, locale: Locale) -> Result<String, RenderError> {
    let operation = match (&request.void_operation, &request.refund) {
        (Some(void), None) => Operation::Void(void),
        (None, Some(refund)) => Operation::Refund(refund),
        _ => {
            return Err(RenderError::Incomplete("void-operation, refund: exactly one of the two is needed".to_owned()));
        }
    };
    let mut paper = Paper {
        lines: Vec::new(),
        words: language(locale).slip(),
        language: language(locale),
        clock: Clock::ahead_by(request.utc_offset_minutes)?,
    };
    paper.head(request, &operation)?;
    paper.numbers(&request.sale, &operation)?;
    paper.money(&request.sale, &operation)?;
    paper.state(&operation);
    paper.foot(request, &operation)?;
    let mut text = paper.lines.join("\n");
    text.push('\n');
    Ok(text)
}

/// What the slip is about.
enum Operation<'a> {
    Void(&'a VoidOperation),
    Refund(&'a Refund),
}

impl Operation<'_> {
    fn asked_at(&self) -> Instant {
        match self {
            Self::Void(void) => void.authorised_at,
            Self::Refund(refund) => refund.submitted_at,
        }
    }

    fn changed_at(&self) -> Instant {
        match self {
            Self::Void(void) => void.updated_at,
            Self::Refund(refund) => refund.updated_at,
        }
    }

    fn evidence(&self) -> Option<&rescind_model::Evidence> {
        match self {
            Self::Void(void) => void.evidence.as_ref(),
            Self::Refund(refund) => refund.evidence.as_ref(),
        }
    }

    /// Nobody signs for money that does not move.
    fn may_move_money(&self) -> bool {
        match self {
            Self::Void(void) => void.state != OperationState::Failed,
            Self::Refund(refund) => !matches!(
                refund.state,
                RefundState::Declined | RefundState::Withdrawn | RefundState::Expired | RefundState::Failed
            ),
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
    fn head(&mut self, request: &SlipRequest, operation: &Operation<'_>) -> Result<(), RenderError> {
        self.middle(&merchant_name(&request.merchant_name)?);
        self.middle(match operation {
            Operation::Void(_) => self.words.void_title,
            Operation::Refund(_) => self.words.refund_title,
        });
        if request.reprint {
            self.middle(self.words.reprint);
        }
        self.divider();
        Ok(())
    }

    fn numbers(&mut self, sale: &Sale, operation: &Operation<'_>) -> Result<(), RenderError> {
        let words = self.words;
        let asked_at_terminal = match operation {
            Operation::Void(void) => void.terminal.as_ref(),
            Operation::Refund(_) => None,
        };
        let terminal = asked_at_terminal.or(sale.slip.as_ref().map(|slip| &slip.terminal));
        self.pair(words.terminal, terminal.map(|t| t.as_str()));
        if let Some(slip) = &sale.slip {
            self.pair(words.batch, Some(&slip.batch));
            self.pair(words.voucher, Some(&slip.voucher));
            self.pair(words.trace, Some(&slip.trace));
        }
        self.pair(words.order, sale.order_number.as_deref());
        self.pair(words.retrieval_reference, sale.retrieval_reference.as_deref());
        if sale.order_number.is_none() && sale.retrieval_reference.is_none() {
            self.pair(words.sale_id, Some(sale.id.as_str()));
        }
        match operation {
            Operation::Void(void) => self.pair(words.void_id, Some(void.id.as_str())),
            Operation::Refund(refund) => self.pair(words.refund_id, Some(refund.id.as_str())),
        }
        self.pair(words.provider_reference, operation.evidence().and_then(|e| e.reference.as_deref()));
        self.time(words.paid_at, sale.paid_at)?;
        self.time(words.asked_at, operation.asked_at())?;
        if operation.changed_at() != operation.asked_at() {
            self.time(words.changed_at, operation.changed_at())?;
        }
        self.divider();
        Ok(())
    }

    fn money(&mut self, sale: &Sale, operation: &Operation<'_>) -> Result<(), RenderError> {
        let (label, money, reason) = match operation {
            Operation::Void(void) => (self.words.void_amount, &void.amount, &void.reason),
            Operation::Refund(refund) => {
                let request = &refund.request;
                (self.words.refund_amount, &request.amount, &request.reason)
            }
        };
        let captured = amount::show(&sale.captured, Locale::En)?;
        self.pair(self.words.captured, Some(&captured));
        let returned = amount::show_returned(money)?;
        self.pair(label, Some(&returned));
        let reason = self.language.word(reason);
        self.pair(self.words.reason, Some(&reason));
        self.divider();
        Ok(())
    }

    fn state(&mut self, operation: &Operation<'_>) {
        match operation {
            Operation::Void(void) => {
                self.middle(self.language.void_state(void.state));
                if void.state == OperationState::Failed {
                    let why = provider_reason(void.evidence.as_ref(), self.language);
                    self.pair(self.words.failure, why.as_deref());
                }
            }
            Operation::Refund(refund) => {
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
                if let Some(arrival) = refund.arrival.filter(|_| operation.may_move_money()) {
                    self.middle(&self.language.arrival(arrival));
                }
            }
        }
        self.divider();
    }

    fn foot(&mut self, request: &SlipRequest, operation: &Operation<'_>) -> Result<(), RenderError> {
        let operator = match operation {
            Operation::Void(void) => &void.requested_by,
            Operation::Refund(refund) => refund.request.operator.as_ref().unwrap_or(&refund.request.requested_by),
        };
        self.pair(self.words.operator, Some(operator.as_str()));
        self.time(self.words.printed_at, request.at)?;
        if request.sale.channel == Channel::Card && operation.may_move_money() {
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
