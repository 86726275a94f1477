//! A referral: what the policy alone does not allow, support decides on a case. Its grant is used once, for what it was
//! given for (way, amount, the reason where one was told, whether a penalty is kept), while it holds.
//!
//! | state | assign | decide | used | time is over |
//! |---|---|---|---|---|
//! | open | → assigned | → granted, refused | wrong-state | → expired |
//! | assigned | → assigned | → granted, refused, by whom it is assigned to | wrong-state | → expired |
//! | granted | wrong-state | wrong-state | → consumed | → expired |
//! | refused, consumed, expired | wrong-state | wrong-state | wrong-state | – |
//!
//! Whose role lets them decide is checked by whoever calls: the ledger knows no policy. It knows the persons: whoever opened
//! a case neither decides it nor has it assigned to them.

use crate::argument::{self, at_most, valid};
use crate::draft::{Draft, Subject, later, wrong_state};
use crate::{limits, refund, room};
use rescind_model::{
    CaseAssignment, CaseDecision, CaseId, CaseOpening, CaseState, EventKind, Instant, Ledger, Money, Outcome, PersonId,
    Referral, Rejection, Role, Way,
};

impl Subject {
    pub(crate) fn case(case: &Referral) -> Self {
        Self { amount: Some(case.amount.clone()), about: Some(case.id.to_string()), ..Self::default() }
    }
}

/// A case by name, to change.
pub(crate) fn find<'d>(draft: &'d mut Draft<'_>, id: &CaseId) -> Result<&'d mut Referral, Rejection> {
    draft.ledger.cases.iter_mut().find(|case| case.id == *id).ok_or(Rejection::NoSuchOperation)
}

/// Whether time can still end it.
pub(crate) fn is_live(state: CaseState) -> bool {
    matches!(state, CaseState::Open | CaseState::Assigned | CaseState::Granted)
}

/// The state at an instant: what has expired is so even if no timer has run yet.
pub(crate) fn state_at(case: &Referral, at: Instant) -> CaseState {
    if is_live(case.state) && case.expires_at <= at { CaseState::Expired } else { case.state }
}

/// Opens a case on a decision that refers. One way and amount has one live case: two grants would be two uses.
pub(crate) fn open(draft: &mut Draft<'_>, wanted: &CaseOpening) -> Result<(), Rejection> {
    let person = draft.person()?;
    let at = draft.clock().at;
    valid(CaseId::parse(wanted.id.as_str()))?;
    let decision = &wanted.decision;
    argument::policy(&decision.policy)?;
    let rules = referred_rules(wanted)?;
    must_be_of(&draft.ledger, &decision.amount)?;
    let reason = wanted.reason.as_deref().map(|text| argument::text("reason", text)).transpose()?;
    if wanted.penalty && decision.way != Way::HoldCompletion {
        return Err(Rejection::Invalid("penalty: only a completion keeps one".to_owned()));
    }
    refund::check_evidence(&wanted.evidence)?;
    for case in &draft.ledger.cases {
        if case.id == wanted.id {
            return Err(Rejection::NameTaken);
        }
        let same = case.way == decision.way && case.amount == decision.amount;
        if same && is_live(state_at(case, at)) {
            return Err(Rejection::ConflictsWith(case.id.to_string()));
        }
    }
    if draft.ledger.cases.len() >= limits::CASES {
        return Err(Rejection::LimitReached("cases".to_owned()));
    }
    let case = Referral {
        id: wanted.id.clone(),
        way: decision.way,
        amount: decision.amount.clone(),
        rules,
        reason: reason.clone(),
        penalty: wanted.penalty,
        evidence: wanted.evidence.clone(),
        opened_by: person.id.clone(),
        opened_at: at,
        state: CaseState::Open,
        assigned_to: None,
        decided_by: None,
        because: None,
        expires_at: later(at, wanted.lives),
        consumed_by: None,
        updated_at: at,
        policy: decision.policy.clone(),
    };
    let subject = Subject::case(&case);
    draft.ledger.cases.push(case);
    draft.record(EventKind::CaseOpened, &subject, reason);
    room::admit(draft)
}

/// The rules that refer. A decision that denies for any other reason is no matter for support: a grant would not open it.
fn referred_rules(wanted: &CaseOpening) -> Result<Vec<String>, Rejection> {
    let findings = &wanted.decision.findings;
    let denied = findings.iter().any(|finding| finding.verdict == Outcome::Deny);
    if wanted.decision.outcome != Outcome::Refer || denied {
        return Err(Rejection::NotAllowed("outcome".to_owned()));
    }
    at_most("findings", "rules", findings.len(), limits::RULES)?;
    let mut rules = Vec::new();
    for finding in findings.iter().filter(|finding| finding.verdict == Outcome::Refer) {
        // The vocabulary's tokens and names have one shape; a role is one.
        valid(Role::parse(&finding.rule).map_err(|_| "findings: expected a rule such as void.count"))?;
        if !rules.contains(&finding.rule) {
            rules.push(finding.rule.clone());
        }
    }
    if rules.is_empty() {
        return Err(Rejection::NotAllowed("findings".to_owned()));
    }
    Ok(rules)
}

/// An amount this payment can be about: a completion may take more than was held, up to its ceiling.
fn must_be_of(ledger: &Ledger, amount: &Money) -> Result<(), Rejection> {
    valid(Money::new(amount.minor, &amount.currency))?;
    if amount.is_zero() {
        return Err(Rejection::Invalid("amount: expected more than zero".to_owned()));
    }
    let mut most = &ledger.sale.captured;
    if let Some(hold) = &ledger.hold
        && valid(hold.ceiling.exceeds(most))?
    {
        most = &hold.ceiling;
    }
    if valid(amount.exceeds(most))? { Err(Rejection::ExceedsBalance(most.clone())) } else { Ok(()) }
}

/// Somebody of support takes a case, or is given it.
pub(crate) fn assign(draft: &mut Draft<'_>, assignment: &CaseAssignment) -> Result<(), Rejection> {
    draft.person()?;
    let at = draft.clock().at;
    let to = valid(PersonId::parse(assignment.to.as_str()))?;
    let case = undecided(draft, &assignment.id)?;
    if case.opened_by == to {
        return Err(not_permitted("requester"));
    }
    if case.assigned_to.as_ref() == Some(&to) {
        return Ok(());
    }
    case.state = CaseState::Assigned;
    case.assigned_to = Some(to.clone());
    case.updated_at = at;
    let subject = Subject::case(case);
    draft.record(EventKind::CaseAssigned, &subject, Some(to.to_string()));
    // The first assignment has its room; one that follows takes more.
    room::admit(draft)
}

/// Support grants or refuses.
pub(crate) fn decide(draft: &mut Draft<'_>, decision: &CaseDecision) -> Result<(), Rejection> {
    let person = draft.person()?;
    let at = draft.clock().at;
    let because = argument::reason(&decision.because)?;
    let case = undecided(draft, &decision.id)?;
    if case.opened_by == person.id {
        return Err(not_permitted("requester"));
    }
    if case.assigned_to.as_ref().is_some_and(|to| *to != person.id) {
        return Err(not_permitted("not-assigned"));
    }
    case.decided_by = Some(person.id.clone());
    case.because = Some(because.clone());
    case.updated_at = at;
    let kind = if decision.grant {
        case.state = CaseState::Granted;
        case.expires_at = later(at, decision.holds_for);
        EventKind::CaseGranted
    } else {
        case.state = CaseState::Refused;
        EventKind::CaseRefused
    };
    let subject = Subject::case(case);
    draft.record(kind, &subject, Some(because));
    Ok(())
}

/// A case that waits for support.
fn undecided<'d>(draft: &'d mut Draft<'_>, id: &CaseId) -> Result<&'d mut Referral, Rejection> {
    let at = draft.clock().at;
    let case = find(draft, id)?;
    match state_at(case, at) {
        CaseState::Open | CaseState::Assigned => Ok(case),
        other => Err(wrong_state(other)),
    }
}

/// When time ends a case or its grant.
pub(crate) fn due(case: &Referral) -> Option<Instant> {
    is_live(case.state).then_some(case.expires_at)
}

/// Ends what time has ended.
pub(crate) fn pass(case: &mut Referral, at: Instant) -> Option<(EventKind, Subject, Option<String>)> {
    let over = state_at(case, at) != case.state;
    over.then(|| {
        case.state = CaseState::Expired;
        case.updated_at = at;
        (EventKind::CaseExpired, Subject::case(case), None)
    })
}

fn not_permitted(why: &str) -> Rejection {
    Rejection::NotPermitted(why.to_owned())
}
