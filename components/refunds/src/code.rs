//! A payment code: made, paid by one scan, or ended by time. A scan that was not paid leaves it to the next.

use crate::argument::{self, at_most, valid};
use crate::draft::{Draft, Subject, contradicts, wrong_state};
use crate::limits::TEXT_BYTES;
use crate::{incident, operation, room, sale};
use rescind_model::{
    BusinessDay, Channel, EventKind, Instant, LateAnswer, Ledger, Money, PaymentCode, RefusedScan, Rejection, Sale,
    SaleOutcome, Scan, ScanOutcome,
};

/// A code that nobody has scanned yet, and that can be for a while.
pub(crate) fn check(code: &PaymentCode, sale: &Sale, outcome: SaleOutcome) -> Result<(), Rejection> {
    if outcome != SaleOutcome::Unpaid {
        return Err(Rejection::Invalid("outcome: a payment code begins unpaid".to_owned()));
    }
    if sale.channel != Channel::PaymentCode {
        return Err(Rejection::Invalid("channel: a payment code is paid by payment-code".to_owned()));
    }
    argument::printable("code reference", &code.reference)?;
    valid(Instant::from_unix_ms(code.created_at.unix_ms))?;
    valid(Instant::from_unix_ms(code.expires_at.unix_ms))?;
    if code.expires_at <= code.created_at {
        return Err(Rejection::Invalid("expires-at: expected after created-at".to_owned()));
    }
    if code.scanned_at.is_some() {
        return Err(Rejection::Invalid("scanned-at: a scan is recorded by its own command".to_owned()));
    }
    check_fee(&sale.fee_charged, &sale.captured)
}

/// The code was scanned: from now on there is a payment, unless the scan was declined or failed. Nothing was taken then, and
/// the code can still be paid: it is only told.
///
/// What counts is when it was scanned, not when that was heard: a scan before the expiry is one, even if a timer was
/// quicker. Against a cancellation the ledger decides, once: whoever is in it first.
///
/// | the code is | a scan before its expiry |
/// |---|---|
/// | unpaid or expired | → good or unknown; declined or failed: as before |
/// | unpaid or expired, its close under way | conflicts-with |
/// | cancelled | contradicts |
/// | scanned | nothing new if it is the same scan, else contradicts |
///
/// A scan that is known not to have been paid, told again by somebody who does not know more, is nothing new.
pub(crate) fn scanned(draft: &mut Draft<'_>, scan: &Scan) -> Result<(), Rejection> {
    let clock = draft.clock();
    let current = draft.ledger.status.outcome;
    let Some(code) = &draft.ledger.code else { return Err(wrong_state(current)) };
    check_scan(scan, code, &draft.ledger.sale, clock.at)?;
    if let Some(before) = code.scanned_at {
        let same = before == scan.at && writes_what_is_there(scan, &draft.ledger.sale);
        // A scan that knew nothing yet does not speak against what became known since.
        let agrees = scan.outcome == current || scan.outcome == SaleOutcome::Unknown;
        return if same && agrees { Ok(()) } else { Err(contradicts(current)) };
    }
    let refused = draft.ledger.refused_scan.as_ref().is_some_and(|refused| is_same(scan, refused, code));
    if refused && scan.outcome != SaleOutcome::Good {
        return Ok(());
    }
    if !matches!(current, SaleOutcome::Unpaid | SaleOutcome::Expired) {
        return Err(contradicts(current));
    }
    operation::must_have_none_open(&draft.ledger)?;
    if scan.at >= code.expires_at {
        return Err(wrong_state(SaleOutcome::Expired));
    }
    let outcome = rescind_model::token::Token::token(scan.outcome).to_owned();
    if matches!(scan.outcome, SaleOutcome::Declined | SaleOutcome::Failed) {
        let subject = Subject::sale(Some(draft.ledger.sale.captured.clone()));
        draft.record(EventKind::CodeScanned, &subject, Some(outcome));
        draft.ledger.refused_scan = Some(RefusedScan {
            at: scan.at,
            retrieval_reference: scan.retrieval_reference.clone(),
            payer_token: scan.payer_token.clone(),
        });
        // There can be any number of them.
        return room::admit(draft);
    }
    if let Some(code) = &mut draft.ledger.code {
        code.scanned_at = Some(scan.at);
    }
    let sale = &mut draft.ledger.sale;
    sale.paid_at = scan.at;
    sale.business_day = scan.business_day;
    sale.fee_charged = scan.fee_charged.clone();
    if scan.payer_token.is_some() {
        sale.payer_token.clone_from(&scan.payer_token);
    }
    if scan.retrieval_reference.is_some() {
        sale.retrieval_reference.clone_from(&scan.retrieval_reference);
    }
    let subject = Subject::sale(Some(sale.captured.clone()));
    draft.ledger.status.outcome = scan.outcome;
    draft.record(EventKind::CodeScanned, &subject, Some(outcome));
    sale::post_if_good(draft)
}

/// What was scanned was declined or failed: nothing was taken, and the code is as it was before, to be paid, closed or ended
/// by time. The business day stays that of the scan until there is another, as a hold's stays that of its completion.
///
/// Where the history has no room for another scan, the payment ends with this one.
pub(crate) fn put_back(draft: &mut Draft<'_>) {
    let ended = draft.ledger.clone();
    let ledger = &mut draft.ledger;
    let Some(code) = &mut ledger.code else { return };
    let sale = &mut ledger.sale;
    ledger.refused_scan = code.scanned_at.take().map(|at| RefusedScan {
        at,
        retrieval_reference: sale.retrieval_reference.take(),
        payer_token: sale.payer_token.take(),
    });
    ledger.status.outcome = SaleOutcome::Unpaid;
    sale.paid_at = code.created_at;
    sale.fee_charged = sale.captured.zero_like();
    if room::admit(draft).is_err() {
        draft.ledger = ended;
    }
}

/// The outcome of one scan became known: that of the payment that there is, or of one that was refused.
///
/// | it is about | good | declined or failed |
/// |---|---|---|
/// | the payment, which is being undone or was | a late answer | a late answer |
/// | the payment | → good | the code is put back |
/// | the scan that was refused | a late answer, and a person is called | nothing new |
/// | another, and there is no payment | a late answer, and a person is called, if one was refused | invalid |
/// | another, and there is a payment | invalid | invalid |
pub(crate) fn outcome_known(draft: &mut Draft<'_>, told: &ScanOutcome) -> Result<(), Rejection> {
    use SaleOutcome::{Declined, Failed, Good};
    let Some(code) = &draft.ledger.code else {
        return Err(Rejection::Invalid("scan: only a payment code has scans".to_owned()));
    };
    if !matches!(told.outcome, Good | Declined | Failed) {
        return Err(Rejection::Invalid("outcome: expected good, declined or failed".to_owned()));
    }
    let reference = told.retrieval_reference.as_deref();
    at_most("retrieval-reference", "bytes", reference.map_or(0, str::len), TEXT_BYTES)?;
    let names = |at: Instant, its: Option<&str>| match (reference, its) {
        (Some(named), Some(its)) => named == its,
        _ => told.at == Some(at),
    };
    let sale = &draft.ledger.sale;
    let of_payment = code.scanned_at.is_some_and(|at| names(at, sale.retrieval_reference.as_deref()));
    let refused = draft.ledger.refused_scan.as_ref();
    let of_refused = refused.is_some_and(|refused| names(refused.at, refused.retrieval_reference.as_deref()));
    let unscanned = code.scanned_at.is_none() && refused.is_some();
    let late = LateAnswer { outcome: told.outcome, evidence: told.evidence.clone() };
    match (of_payment, of_refused) {
        (true, true) => Err(Rejection::Invalid(
            "scan: the code was scanned twice at that instant; say which by its retrieval-reference".to_owned(),
        )),
        (true, false) if incident::can_call(&draft.ledger) => incident::late_answer(draft, &late),
        (true, false) => sale::became_known(draft, told.outcome),
        (false, true) if told.outcome != Good => Ok(()),
        (false, true) => incident::late_answer(draft, &late),
        (false, false) if told.outcome == Good && unscanned => incident::late_answer(draft, &late),
        (false, false) => Err(Rejection::Invalid(
            "scan: the code has no such scan; expected its at, as scanned-at has it, or its retrieval-reference"
                .to_owned(),
        )),
    }
}

/// Whether this is the scan that was refused, told again: the network's reference says so. Where neither has one, payer and
/// instant do, but an instant at which the code was made may stand for any before it: a slow clock's.
fn is_same(scan: &Scan, refused: &RefusedScan, code: &PaymentCode) -> bool {
    match (&scan.retrieval_reference, &refused.retrieval_reference) {
        (Some(one), Some(other)) => one == other,
        (None, None) => scan.at > code.created_at && scan.at == refused.at && scan.payer_token == refused.payer_token,
        _ => false,
    }
}

fn check_scan(scan: &Scan, code: &PaymentCode, sale: &Sale, now: Instant) -> Result<(), Rejection> {
    use SaleOutcome::{Declined, Failed, Good, Unknown};
    if !matches!(scan.outcome, Good | Unknown | Declined | Failed) {
        return Err(Rejection::Invalid("outcome: expected good, unknown, declined or failed".to_owned()));
    }
    valid(Instant::from_unix_ms(scan.at.unix_ms))?;
    if scan.at < code.created_at || scan.at > now {
        return Err(Rejection::Invalid("at: expected between the code's creation and now".to_owned()));
    }
    let day = scan.business_day;
    valid(BusinessDay::new(day.year, day.month, day.day))?;
    check_fee(&scan.fee_charged, &sale.captured)?;
    for (what, text) in [("payer-token", &scan.payer_token), ("retrieval-reference", &scan.retrieval_reference)] {
        at_most(what, "bytes", text.as_deref().map_or(0, str::len), TEXT_BYTES)?;
    }
    Ok(())
}

/// Whether a scan would write nothing that is not there already.
fn writes_what_is_there(scan: &Scan, sale: &Sale) -> bool {
    scan.business_day == sale.business_day
        && scan.fee_charged == sale.fee_charged
        && (scan.payer_token.is_none() || scan.payer_token == sale.payer_token)
        && (scan.retrieval_reference.is_none() || scan.retrieval_reference == sale.retrieval_reference)
}

/// A fee in the payment's currency that is not more than the payment.
pub(crate) fn check_fee(fee: &Money, of: &Money) -> Result<(), Rejection> {
    valid(Money::new(fee.minor, &fee.currency))?;
    if valid(fee.exceeds(of))? {
        return Err(Rejection::Invalid("fee-charged: expected at most the payment".to_owned()));
    }
    Ok(())
}

/// When time ends a code: nobody has scanned it, nothing is under way that could still say what became of it, and no person
/// was called to find out.
pub(crate) fn ends_at(ledger: &Ledger) -> Option<Instant> {
    let code = ledger.code.as_ref()?;
    let waits =
        ledger.status.outcome == SaleOutcome::Unpaid && !operation::is_open(ledger) && !operation::is_doubtful(ledger);
    waits.then_some(code.expires_at)
}
