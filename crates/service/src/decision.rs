//! Decisions as they are kept: each with everything it depended on, so that anybody can make it again with the same bytes of
//! policy and component and compare.
//!
//! What is asked in order to act (voids, refunds, all other operations, cases) is recorded whatever the answer is, before
//! anything follows from it; the operation in the ledger names its record (`grounds.decision`). Where one way after the other
//! is tried, each is; so is what a policy could not decide for want of a fact. What is only asked (a void's
//! check, all ways back) is recorded likewise, unless the merchant's `record_checks` is off. A decision that was made anew
//! because somebody else changed the payment meanwhile has a record of its own: it was made.
//!
//! A record lies under a key of its own and in one of 16 lists per merchant and business day. It holds names, amounts and
//! tokens, no text that a person wrote but the reason code, and goes when the policy's `retention-days` are over.

use crate::app::App;
use crate::directory::Merchant;
use crate::error::Error;
use crate::limits::{DECISIONS_AT_ONCE, LANES, LIST_LIMIT, SWAP_ATTEMPTS};
use crate::mask::{self, Eyes, Sight};
use crate::planted::{Mistake, made};
use crate::ports::Ports;
use crate::principal::{Deed, Principal};
use crate::retention::Ends;
use crate::store::key::Key;
use crate::store::lane;
use crate::store::list::{Entry, Page, Position};
use crate::store::{Commit, Record};
use crate::void::tail;
use rescind_model::record::{Answer, DecisionRecord, FORMAT, Input, Question, WAYS_FORMAT, WaysRecord, ways_digest};
use rescind_model::token::Token as _;
use rescind_model::{
    BusinessDay, CommandId, Decision, DecisionError, Digest, Facts, MerchantId, Money, Outcome, PolicyIdentity, Sale,
    Way,
};

/// What a record's name begins with where all ways were asked for at once.
const WAYS: &str = "w-";

/// What stands for the outcome in a list where the policy could not decide.
const NO_ANSWER: &str = "error";

/// An amount that cannot be is the asker's slip and no question: nothing is stored for it.
fn answerable<T>(answer: Result<T, DecisionError>) -> Result<Result<T, DecisionError>, DecisionError> {
    match answer {
        Err(error @ DecisionError::BadAmount(_)) => Err(error),
        answer => Ok(answer),
    }
}

/// What a policy was asked, and what it answered.
pub(crate) type Asked = (Question, Result<Decision, DecisionError>);

impl Record for DecisionRecord {
    const FORMAT: &'static str = FORMAT;
    fn holds(&self, id: &str) -> bool {
        self.id == id
    }
}

impl Record for WaysRecord {
    const FORMAT: &'static str = WAYS_FORMAT;
    fn holds(&self, id: &str) -> bool {
        self.id == id
    }
}

/// A record, of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// One question and its answer.
    One(Box<DecisionRecord>),
    /// All ways at once.
    Ways(Box<WaysRecord>),
}

impl Kept {
    /// Its name within the merchant.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::One(record) => &record.id,
            Self::Ways(record) => &record.id,
        }
    }

    /// Takes out what is not for these eyes. `true`: something was; the record can then not be made again from it.
    fn mask(&mut self, eyes: Eyes) -> bool {
        if eyes.payer == Sight::Full {
            return false;
        }
        let facts = match self {
            Self::One(record) => &mut record.input.facts,
            Self::Ways(record) => &mut record.facts,
        };
        let mut masked = false;
        if let Some(token) = &mut facts.sale.payer_token {
            *token = mask::payer(eyes.payer, token);
            masked = true;
        }
        for reference in facts.identity.iter_mut().filter_map(|proof| proof.reference.as_mut()) {
            *reference = mask::payer(eyes.payer, reference);
            masked = true;
        }
        masked
    }
}

/// A record as somebody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The record.
    pub kept: Kept,
    /// Whether something in it is masked.
    pub masked: bool,
}

/// Records of a merchant's day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decisions {
    /// The day they are of.
    pub business_day: BusinessDay,
    /// In no particular order.
    pub items: Vec<Seen>,
    /// Where to go on, if there is more.
    pub next: Option<String>,
}

/// A place in the lists of a day.
struct Place {
    lane: u8,
    position: Position,
}

impl Place {
    fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Malformed {
            field: "after".to_owned(),
            message: "expected a position that an earlier answer gave".to_owned(),
        };
        let (lane, position) = text.split_once('.').ok_or_else(wrong)?;
        let lane = lane.parse().ok().filter(|lane| *lane < LANES).ok_or_else(wrong)?;
        Ok(Self { lane, position: Position::parse(position)? })
    }
}

impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}", self.lane, self.position)
    }
}

impl<P: Ports> App<P> {
    /// The bytes that decide here, for the record. A host that decides natively says so.
    fn decided_by(&self) -> Digest {
        let named = self.ports.eligibility().and_then(|text| Digest::parse(text).ok());
        named.unwrap_or_else(|| Digest::of(self.ports.eligibility().unwrap_or("native").as_bytes()))
    }

    /// Records what a command asked a policy, in the order in which it asked, whatever was answered; gives the name of the
    /// last record, and its answer.
    ///
    /// # Errors
    /// The store's; once it is on record, what the policy could not decide without.
    pub(crate) async fn record_decisions(
        &self,
        policy: &PolicyIdentity,
        facts: &Facts,
        asked: Vec<Asked>,
        command: &CommandId,
    ) -> Result<(String, Decision), Error> {
        let mut last = Err(Error::Internal("nothing was asked of the policy".to_owned()));
        for (question, answer) in asked {
            let answer = answerable(answer)?;
            let input = Input { facts: facts.clone(), question };
            let digest = input.digest();
            // The same command that decides the same again writes the same record.
            let id = format!("d-{}-{}", tail(command), digest.as_str().chars().take(16).collect::<String>());
            self.keep_decision(id.clone(), policy, input, digest, &answer).await?;
            last = answer.map(|decision| (id, decision)).map_err(Error::from);
        }
        last
    }

    /// Records a decision that nothing follows from, if the merchant wants that; gives the decision.
    ///
    /// # Errors
    /// As [`App::record_decisions`].
    pub(crate) async fn record_check(
        &self,
        merchant: &Merchant,
        policy: &PolicyIdentity,
        facts: &Facts,
        (question, answer): Asked,
    ) -> Result<Decision, Error> {
        let answer = answerable(answer)?;
        if merchant.record_checks {
            let input = Input { facts: facts.clone(), question };
            let digest = input.digest();
            self.keep_decision(format!("k-{}", self.random_hex(32)), policy, input, digest, &answer).await?;
        }
        Ok(answer?)
    }

    async fn keep_decision(
        &self,
        id: String,
        policy: &PolicyIdentity,
        input: Input,
        input_digest: Digest,
        answer: &Result<Decision, DecisionError>,
    ) -> Result<(), Error> {
        let sale = &input.facts.sale;
        let record = DecisionRecord {
            format: FORMAT.to_owned(),
            id: id.clone(),
            merchant: sale.merchant.clone(),
            sale: sale.id.clone(),
            at: input.facts.now,
            policy: policy.clone(),
            component: self.decided_by(),
            input_digest,
            answer: match answer {
                Ok(decision) => Answer::Decided(decision.clone()),
                Err(error) => Answer::Error(error.clone()),
            },
            input,
        };
        let way = record.input.question.way();
        let said =
            format!("{} {}", way.token(), answer.as_ref().map_or(NO_ANSWER, |decision| decision.outcome.token()));
        let day = record.input.facts.business_day;
        self.keep_listed(&record, &record.input.facts.sale, day, Entry { id, at: said }).await
    }

    /// Keeps a decision that was made elsewhere and made again here, under a name of its own.
    pub(crate) async fn keep_foreign_decision(&self, record: &DecisionRecord, day: BusinessDay) -> Result<(), Error> {
        let outcome = match &record.answer {
            Answer::Decided(decision) => decision.outcome.token(),
            Answer::Error(_) => NO_ANSWER,
        };
        let said = format!("{} {outcome}", record.input.question.way().token());
        self.keep_listed(record, &record.input.facts.sale, Some(day), Entry { id: record.id.clone(), at: said }).await
    }

    /// Records what was answered for all ways at once, or that nothing could be, if the merchant wants that; gives the
    /// answers.
    ///
    /// # Errors
    /// As [`App::record_decisions`].
    pub(crate) async fn record_ways(
        &self,
        merchant: &Merchant,
        policy: &PolicyIdentity,
        facts: &Facts,
        amount: Option<&Money>,
        answer: Result<Vec<Decision>, DecisionError>,
    ) -> Result<Vec<Decision>, Error> {
        let answer = answerable(answer)?;
        if merchant.record_checks {
            let id = format!("{WAYS}{}", self.random_hex(32));
            let (answers, error) = match &answer {
                Ok(answers) => (answers.clone(), None),
                Err(error) => (Vec::new(), Some(error.clone())),
            };
            let at = if error.is_some() { format!("all {NO_ANSWER}") } else { "all".to_owned() };
            let record = WaysRecord {
                format: WAYS_FORMAT.to_owned(),
                id: id.clone(),
                merchant: facts.sale.merchant.clone(),
                sale: facts.sale.id.clone(),
                at: facts.now,
                policy: policy.clone(),
                component: self.decided_by(),
                input_digest: ways_digest(facts, amount),
                facts: facts.clone(),
                amount: amount.cloned(),
                answers,
                error,
            };
            self.keep_listed(&record, &facts.sale, facts.business_day, Entry { id, at }).await?;
        }
        Ok(answer?)
    }

    /// The record first, then its entry: an entry always leads to a record, until both go.
    ///
    /// Whoever finds the record there may come after somebody who has listed it already, on a page that is full by now: they look
    /// for it there. Nobody has listed it before its record was there, so the others need not: the page that was open before is
    /// the first on which it can be.
    async fn keep_listed<T: Record>(
        &self,
        record: &T,
        sale: &Sale,
        day: Option<BusinessDay>,
        entry: Entry,
    ) -> Result<(), Error> {
        let (merchant, lane) = (&sale.merchant, lane::of(&sale.merchant, &sale.id));
        let day = day.ok_or_else(|| Error::Internal("a decision has no business day".to_owned()))?;
        let records = self.records().await?;
        let list = Key::decisions(merchant, day, lane);
        let mut page = records.tail(&list).await?;
        let key = Key::decision(merchant, &entry.id).checked()?;
        if records.is_there(&key).await? && !made(Mistake::DecideTwice) {
            for full in (0..page).rev() {
                let before = records.read::<Page>(&list.page(full)).await?;
                if before.is_some_and(|before| before.has(&entry.id)) {
                    return Ok(());
                }
            }
        } else {
            records.put(&key, record).await?;
        }
        for _ in 0..SWAP_ATTEMPTS {
            let slot = records.open::<Page>(&list.page(page)).await?;
            let mut next = slot.value.clone().unwrap_or_default();
            if next.has(&entry.id) {
                return Ok(());
            }
            if next.is_full() {
                page = records.advance(&list, page, self.unique()).await?;
                continue;
            }
            if page == 0 && slot.value.is_none() {
                // Before the list is there it has a day on which it goes.
                let until = self.keep_until(merchant, self.ports.now()).await?;
                Box::pin(self.ends_on(merchant, &Ends::Decisions(day, lane), until)).await?;
            }
            next.entries.push(entry.clone());
            if records.commit(slot, &next, &entry.id, self.unique()).await? == Commit::Written {
                return Ok(());
            }
        }
        Err(Error::Unavailable(format!("{list} is written by too many at once")))
    }

    /// A record by its name. `None`: there is none, or it is gone.
    pub(crate) async fn kept_decision(&self, merchant: &MerchantId, id: &str) -> Result<Option<Kept>, Error> {
        let records = self.records().await?;
        let key = Key::decision(merchant, id);
        Ok(if id.starts_with(WAYS) {
            records.read::<WaysRecord>(&key).await?.map(|record| Kept::Ways(Box::new(record)))
        } else {
            records.read::<DecisionRecord>(&key).await?.map(|record| Kept::One(Box::new(record)))
        })
    }

    /// A decision with everything it depended on, as who asks may see it.
    ///
    /// # Errors
    /// Not permitted; no such decision.
    pub async fn decision(&self, who: &Principal, merchant: &MerchantId, id: &str) -> Result<Seen, Error> {
        who.may(Deed::Export, merchant)?;
        let mut kept = self.kept_decision(merchant, id).await?.ok_or(Error::NotFound("decision"))?;
        let masked = kept.mask(Eyes::of(who, merchant));
        Ok(Seen { kept, masked })
    }

    /// The decisions of a merchant's business day: today's, unless told. With an `outcome`, only those.
    ///
    /// # Errors
    /// Not permitted, or a position that is not one.
    pub async fn list_decisions(
        &self,
        who: &Principal,
        merchant: &MerchantId,
        day: Option<BusinessDay>,
        outcome: Option<Outcome>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Decisions, Error> {
        who.may(Deed::Export, merchant)?;
        let business_day = match day {
            Some(day) => day,
            None => self.business_day_of(merchant, self.ports.now()).await?,
        };
        let eyes = Eyes::of(who, merchant);
        let from = after.map_or(Ok(Place { lane: 0, position: Position::START }), Place::parse)?;
        let limit = limit.clamp(1, LIST_LIMIT);
        let records = self.records().await?;
        let mut items: Vec<Seen> = Vec::new();
        // Rare outcomes must not make one request read the whole day.
        let mut looked_at = 0_usize;
        for lane in from.lane..LANES {
            let mut position = if lane == from.lane { from.position } else { Position::START };
            let list = Key::decisions(merchant, business_day, lane);
            let slice = records.slice(&list, position, limit.saturating_mul(4).saturating_sub(looked_at)).await?;
            let more = slice.more;
            for (after, entry) in slice.entries {
                if items.len() >= limit {
                    let next = Some(Place { lane, position }.to_string());
                    return Ok(Decisions { business_day, items, next });
                }
                (position, looked_at) = (after, looked_at.saturating_add(1));
                let said = entry.at.rsplit(' ').next();
                if outcome.is_some_and(|outcome| said != Some(outcome.token())) {
                    continue;
                }
                if items.iter().any(|seen| seen.kept.id() == entry.id) {
                    continue;
                }
                let Some(mut kept) = self.kept_decision(merchant, &entry.id).await? else { continue };
                let masked = kept.mask(eyes);
                items.push(Seen { kept, masked });
            }
            if more || looked_at >= limit.saturating_mul(4) {
                let next = Some(Place { lane, position }.to_string());
                return Ok(Decisions { business_day, items, next });
            }
        }
        Ok(Decisions { business_day, items, next: None })
    }

    /// Whether somebody sees decisions whole, as what makes them again needs them.
    ///
    /// # Errors
    /// [`Error::Forbidden`] otherwise.
    pub fn sees_decisions_whole(&self, who: &Principal, merchant: &MerchantId) -> Result<(), Error> {
        who.may(Deed::Export, merchant)?;
        if Eyes::of(who, merchant).payer == Sight::Full {
            return Ok(());
        }
        let why = "decisions are made again from what is masked for this key: a person who sees payer tokens, or the merchant's system, takes them out";
        Err(Error::Forbidden(why.to_owned()))
    }

    /// Removes the decisions of a day in a lane, a part at a time. `true`: all of it is gone.
    pub(crate) async fn expire_decisions(
        &self,
        merchant: &MerchantId,
        day: BusinessDay,
        lane: u8,
    ) -> Result<(u32, bool), Error> {
        let records = self.records().await?;
        let list = Key::decisions(merchant, day, lane);
        let mut gone = 0_usize;
        for page in 0..=records.tail(&list).await? {
            let Some(there) = records.read::<Page>(&list.page(page)).await? else { continue };
            if gone >= DECISIONS_AT_ONCE {
                return Ok((u32::try_from(gone).unwrap_or(u32::MAX), false));
            }
            for entry in &there.entries {
                records.remove(&Key::decision(merchant, &entry.id)).await?;
                gone = gone.saturating_add(1);
            }
            records.remove(&list.page(page)).await?;
        }
        records.remove(&list.tail()).await?;
        Ok((u32::try_from(gone).unwrap_or(u32::MAX), true))
    }
}

/// The way of a record, if it is of one.
#[must_use]
pub fn way_of(kept: &Kept) -> Option<Way> {
    match kept {
        Kept::One(record) => Some(record.input.question.way()),
        Kept::Ways(_) => None,
    }
}
