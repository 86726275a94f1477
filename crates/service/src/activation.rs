//! Which version of a policy holds at which instant.
//!
//! A name has a list of activations, each a version and the instant from which it holds. Nothing in the list is ever
//! changed, except that one whose time has not come can be cancelled; so the answer for an instant that is over stays the
//! same for ever. A request is decided by what holds at the instant it was accepted; what it left in a ledger stays what the
//! policy of that instant demanded.
//!
//! A version that cannot be loaded never replaces one that can: it is refused when it is installed and when its activation
//! is asked for, and should it fail only at its instant (the component was replaced by one that does not know it), the one
//! before it goes on deciding and the operator is told, in the log and by the gauge `rescind_policies_not_loaded`.

use crate::app::App;
use crate::directory::{Merchant, Terminal};
use crate::error::Error;
use crate::limits::{ACTIVATIONS, ACTIVATIONS_AHEAD, CANCEL_AHEAD, SWAP_ATTEMPTS};
use crate::policies::{DEPLOYMENT, Deciding, PolicyDocument, PolicyVersion};
use crate::ports::{Policy as _, Ports};
use crate::principal::{Bearer, Principal};
use crate::store::Record;
use crate::store::key::Key;
use crate::store::list::{Entry, Position};
use crate::store::marks::Marks;
use rescind_model::{Asker, Digest, Instant, Needs, Sale, TerminalId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A version that holds from an instant on, until another does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// Names it.
    pub id: String,
    /// The version.
    pub version: String,
    /// Its document.
    pub hash: Digest,
    /// From when it holds.
    pub from: Instant,
    /// Until before when its document may be in force at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// The instant that was asked for. Absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<Instant>,
    /// The key with which it was asked for; `deployment` where the host did.
    pub by: String,
    /// When it was asked for.
    pub at: Instant,
    /// Who took it back before its time came, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<Cancelled>,
}

/// An activation was taken back before its time came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancelled {
    /// The key with which it was.
    pub by: String,
    /// When.
    pub at: Instant,
}

impl Activation {
    /// A version from an instant on.
    pub(crate) fn of(id: String, version: &PolicyVersion, from: Instant, by: &str, now: Instant) -> Self {
        Self {
            id,
            version: version.version.clone(),
            hash: version.hash.clone(),
            from,
            until: version.effective.until,
            asked_for: None,
            by: by.to_owned(),
            at: now,
            cancelled: None,
        }
    }

    /// Whether it could hold at an instant, if no other does.
    fn reaches(&self, at: Instant) -> bool {
        self.cancelled.is_none() && self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// A version that decides beside the one in force, without effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The version.
    pub version: String,
    /// Its document.
    pub hash: Digest,
    /// From when on decisions are compared.
    pub since: Instant,
    /// The key with which it was set.
    pub by: String,
    /// What it needs counted, so that a decision gathers it without loading it. Absent: an earlier release set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<Needs>,
}

/// What holds under a name, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activations {
    /// The name.
    pub name: String,
    /// The newest activations in the order they were asked for, at most [`ACTIVATIONS`].
    pub list: Vec<Activation>,
    /// The version that decides beside the one in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
    /// The last changes.
    marks: Marks,
}

/// The form of releases that knew one document per name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActivePolicy {
    name: String,
    version: String,
    hash: Digest,
    since: Instant,
}

impl Record for Activations {
    const FORMAT: &'static str = "active-policy/2";
    fn holds(&self, id: &str) -> bool {
        self.marks.has(id)
    }

    fn upcast(format: &str, data: serde_json::Value) -> Option<Result<Self, String>> {
        (format == "active-policy/1").then(|| {
            let old: ActivePolicy = serde_json::from_value(data).map_err(|e| e.to_string())?;
            let first = Activation {
                id: "first".to_owned(),
                version: old.version,
                hash: old.hash,
                from: old.since,
                until: None,
                asked_for: None,
                by: DEPLOYMENT.to_owned(),
                at: old.since,
                cancelled: None,
            };
            Ok(Self { name: old.name, list: vec![first], candidate: None, marks: Marks::default() })
        })
    }
}

impl Activations {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), list: Vec::new(), candidate: None, marks: Marks::default() }
    }

    /// What holds at an instant, and after it what held before, in case it cannot be loaded: the latest first, of two from
    /// the same instant the one that was asked for last.
    pub fn at(&self, at: Instant) -> impl Iterator<Item = &Activation> {
        let mut reaching: Vec<(usize, &Activation)> =
            self.list.iter().enumerate().filter(|(_, activation)| activation.reaches(at)).collect();
        reaching.sort_by_key(|(index, activation)| core::cmp::Reverse((activation.from, *index)));
        reaching.into_iter().map(|(_, activation)| activation)
    }

    /// The oldest one that holds no more and never will, to make room.
    fn superseded(&self, now: Instant) -> Option<usize> {
        // Whatever ends by its own dates, one stays that does not: else there could be nothing left to decide.
        let for_ever = self.at(now).find(|a| a.until.is_none());
        let in_force: Vec<&str> =
            self.at(now).take(ACTIVATIONS_BEHIND).chain(for_ever).map(|a| a.id.as_str()).collect();
        self.list.iter().position(|a| {
            let waits = a.from > now && a.cancelled.is_none();
            !waits && !in_force.contains(&a.id.as_str())
        })
    }
}

/// Activations that are kept ready behind the one that holds, should that one not load or end by its own dates.
const ACTIVATIONS_BEHIND: usize = 4;

/// What is to hold, and from when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivationAsk {
    /// The version.
    pub version: String,
    /// From when on. Absent: at once.
    pub at: Option<Instant>,
}

/// Where an activation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivationState {
    /// Its time has not come.
    Scheduled,
    /// It holds.
    InForce,
    /// Another holds, or its document's time is over.
    Superseded,
    /// It was taken back before its time came.
    Cancelled,
    /// Its time came, and its document cannot be loaded: the one before goes on deciding.
    NotLoaded,
}

/// The instant asked for is over.
fn is_over() -> Error {
    Error::invalid("/at", "expected an instant that is not over: what was decided stays decided")
}

/// The instant asked for is outside the document's own dates.
pub(crate) fn not_effective(version: &PolicyVersion) -> Error {
    let from = version.effective.from.map_or_else(String::new, |at| format!(" from {at}"));
    let until = version.effective.until.map_or_else(String::new, |at| format!(" until before {at}"));
    Error::Conflict {
        code: "policy.not-effective",
        message: format!("the document says that version {:?} is in force{from}{until}", version.version),
    }
}

impl<P: Ports> App<P> {
    /// What holds under a name, and when. `None`: nothing ever did.
    pub(crate) async fn activations(&self, name: &str) -> Result<Option<Activations>, Error> {
        self.records().await?.read::<Activations>(&Key::policy_name(name)).await
    }

    /// A document, loaded. `None`: it cannot be; the operator is told.
    ///
    /// # Errors
    /// The store's: that says nothing about the document.
    pub(crate) async fn loaded(
        &self,
        name: &str,
        version: &str,
        hash: &Digest,
    ) -> Result<Option<Arc<P::Policy>>, Error> {
        if let Some(policy) = self.ports.cached_policy(hash.as_str()) {
            return Ok(Some(policy));
        }
        let refused = |why: String| {
            self.ports
                .log(&format!("ALERT policy {name} {version} ({hash}) cannot be loaded and does not decide: {why}"));
        };
        let Some(document) = self.records().await?.read::<PolicyDocument>(&Key::policy(hash)).await? else {
            refused("its document is missing".to_owned());
            return Ok(None);
        };
        match self.ports.load_policy(hash.as_str(), document.canonical.as_bytes()) {
            Ok(policy) => Ok(Some(policy)),
            Err(error) => {
                refused(format!("{}: {}", error.code, error.message));
                Ok(None)
            }
        }
    }

    /// What decides for a merchant, at terminals of a class, on what was accepted at an instant.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if nothing is in force that can be loaded.
    pub(crate) async fn deciding(
        &self,
        merchant: &Merchant,
        class: Option<&str>,
        at: Instant,
    ) -> Result<Deciding<P::Policy>, Error> {
        let name = merchant.policy_at(class);
        let nothing =
            || Error::Unavailable(format!("no policy named {name:?} is in force for merchant {}", merchant.id));
        let known = self.activations(name).await?.ok_or_else(nothing)?;
        for activation in known.at(at) {
            if let Some(policy) = self.loaded(name, &activation.version, &activation.hash).await? {
                // The candidate itself is no matter here: whatever is wrong with it, this is decided.
                let candidate = known.candidate.as_ref().and_then(|candidate| candidate.needs.clone());
                return Ok(Deciding { policy, candidate });
            }
        }
        Err(nothing())
    }

    /// What decides about a payment: the policy of the class of the terminal that made it. Where no terminal did, the
    /// merchant's own. Nobody but a terminal chooses by the terminal that is named in a request: one whose class has another
    /// policy is refused. A terminal asks under the policy of its own class.
    ///
    /// # Errors
    /// [`Error::Invalid`] for such a terminal; as [`App::deciding`].
    pub(crate) async fn deciding_on(
        &self,
        who: &Principal,
        merchant: &Merchant,
        sale: &Sale,
        asker: &Asker,
        at: Instant,
    ) -> Result<Deciding<P::Policy>, Error> {
        if let Bearer::Terminal { .. } = who.bearer {
            return self.deciding(merchant, asker.terminal_class.as_deref(), at).await;
        }
        let class = self.class_of(merchant, sale).await?;
        let name = merchant.policy_at(class.as_deref());
        if let Some(terminal) = &asker.terminal
            && let Some(own) = self.class_at(merchant, terminal).await?
            && merchant.policy_at(Some(&own)) != name
        {
            let named = merchant.policy_at(Some(&own));
            let message = format!(
                "this payment is decided by the policy {name:?}, and terminal {terminal} is under {named:?}: name the terminal that made the payment, or none"
            );
            return Err(Error::invalid("/terminal", message));
        }
        self.deciding(merchant, class.as_deref(), at).await
    }

    /// The class of the terminal that made a payment, if one did and it matters to which policy decides.
    pub(crate) async fn class_of(&self, merchant: &Merchant, sale: &Sale) -> Result<Option<String>, Error> {
        match &sale.slip {
            Some(slip) => self.class_at(merchant, &slip.terminal).await,
            None => Ok(None),
        }
    }

    /// The class of a terminal, if it matters to which policy decides.
    async fn class_at(&self, merchant: &Merchant, terminal: &TerminalId) -> Result<Option<String>, Error> {
        if merchant.policies_by_class.is_empty() {
            return Ok(None);
        }
        let key = Key::terminal(&merchant.id, terminal);
        Ok(self.records().await?.read::<Terminal>(&key).await?.and_then(|terminal| terminal.class))
    }

    /// Puts a version in force from an instant on, or at once. `key` is the caller's idempotency key: the same again is the
    /// same activation. `false`: it was there.
    ///
    /// # Errors
    /// Not an admin; no such version; [`Error::Invalid`] for an instant that is over; [`Error::Conflict`]
    /// `policy.not-effective` outside the document's own dates, `policy.too-many-activations`; [`Error::KeyReused`].
    pub async fn activate(
        &self,
        who: &Principal,
        name: &str,
        ask: &ActivationAsk,
        key: &str,
    ) -> Result<(Activation, bool), Error> {
        who.require_admin()?;
        let id = crate::idempotency::short(&Digest::of(format!("activation\n{name}\n{key}").as_bytes()));
        let same = |there: &Activation| {
            let same = there.version == ask.version && there.asked_for == ask.at;
            if same { Ok((there.clone(), false)) } else { Err(Error::KeyReused) }
        };
        let known = self.activations(name).await?;
        if let Some(there) = known.iter().flat_map(|known| &known.list).find(|there| there.id == id) {
            return same(there);
        }
        let version = self.policy_version(name, &ask.version).await.map_err(|e| match e {
            Error::NotFound(_) => {
                Error::invalid("/version", format!("there is no version {:?} of {name}", ask.version))
            }
            other => other,
        })?;
        let now = self.ports.now();
        let from = ask.at.unwrap_or(now);
        if from < now {
            return Err(is_over());
        }
        if !version.effective.holds_at(from) {
            return Err(not_effective(&version));
        }
        if self.loaded(name, &version.version, &version.hash).await?.is_none() {
            return Err(Error::invalid("/version", "it cannot be loaded by the component that decides here"));
        }
        let activation = Activation { asked_for: ask.at, ..Activation::of(id, &version, from, &who.key, now) };
        let kept = self.put_in_force(name, &activation).await?;
        // At once is the instant at which it was written.
        if kept == (Activation { from: kept.from, ..activation }) { Ok((kept, true)) } else { same(&kept) }
    }

    /// Adds an activation to those of its policy, and gives the one that is there under its id. It holds from an instant that
    /// is not over when it is written, however long that took: what was decided meanwhile stays decided by what held.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the instant that was asked for is over by then.
    pub(crate) async fn put_in_force(&self, name: &str, activation: &Activation) -> Result<Activation, Error> {
        let records = self.records().await?;
        let (key, past) = (Key::policy_name(name), Key::policy_past(name));
        for _ in 0..SWAP_ATTEMPTS {
            let now = self.ports.now();
            // What has to make room is written down where it stays before it goes.
            let there = records.read::<Activations>(&key).await?;
            let full = there.as_ref().filter(|there| there.list.len() >= ACTIVATIONS);
            let gone = full.and_then(|there| there.superseded(now).and_then(|at| there.list.get(at)));
            if let Some(gone) = gone {
                let text = serde_json::to_string(gone).map_err(|e| Error::Internal(e.to_string()))?;
                records.append(&past, &Entry { id: gone.id.clone(), at: text }, self.unique()).await?;
            }
            let gone = gone.map(|gone| gone.id.clone());
            let added = records
                .update::<Activations, _, _>(&key, &activation.id, self.unique(), |there| {
                    let mut next = there.cloned().unwrap_or_else(|| Activations::new(name));
                    if let Some(there) = next.list.iter().find(|there| there.id == activation.id) {
                        return Ok((None, Some(there.clone())));
                    }
                    let now = self.ports.now();
                    if activation.asked_for.is_some_and(|asked_for| asked_for < now) {
                        return Err(is_over());
                    }
                    let activation = Activation { from: activation.from.max(now), ..activation.clone() };
                    if next.list.iter().filter(|a| a.from > now && a.cancelled.is_none()).count() >= ACTIVATIONS_AHEAD {
                        return Err(Error::Conflict {
                            code: "policy.too-many-activations",
                            message: format!(
                                "{ACTIVATIONS_AHEAD} activations of {name} wait for their time: cancel one first"
                            ),
                        });
                    }
                    next.list.retain(|a| Some(&a.id) != gone.as_ref());
                    if next.list.len() >= ACTIVATIONS {
                        // Somebody else took the room: once more.
                        return Ok((None, None));
                    }
                    next.list.push(activation.clone());
                    next.marks.add(&activation.id);
                    Ok((Some(next), Some(activation)))
                })
                .await?;
            if let Some(added) = added {
                return Ok(added);
            }
        }
        Err(Error::Unavailable(format!("{key} is written by too many at once")))
    }

    /// Takes back an activation whose time has not come. Again is harmless.
    ///
    /// # Errors
    /// Not an admin; no such activation; [`Error::Conflict`] `policy.in-force` if its time has come, or comes within
    /// [`CANCEL_AHEAD`].
    pub async fn cancel_activation(&self, who: &Principal, name: &str, id: &str) -> Result<Activation, Error> {
        who.require_admin()?;
        let mark = self.random_hex(32);
        self.records()
            .await?
            .update::<Activations, _, _>(&Key::policy_name(name), &mark, self.unique(), |there| {
                // Read here: what holds by the time of the write is not taken back.
                let now = self.ports.now();
                let mut next = there.cloned().ok_or(Error::NotFound("activation"))?;
                let found = next.list.iter_mut().find(|a| a.id == id).ok_or(Error::NotFound("activation"))?;
                if found.cancelled.is_some() {
                    return Ok((None, found.clone()));
                }
                if found.from <= now {
                    return Err(Error::Conflict {
                        code: "policy.in-force",
                        message: format!("it holds since {}: activate another version instead", found.from),
                    });
                }
                if found.from.since(now) < CANCEL_AHEAD {
                    return Err(Error::Conflict {
                        code: "policy.in-force",
                        message: format!(
                            "it holds from {} on, in less than {} seconds, and may hold already by another instance's clock: activate another version instead",
                            found.from,
                            CANCEL_AHEAD.ms / 1_000
                        ),
                    });
                }
                found.cancelled = Some(Cancelled { by: who.key.clone(), at: now });
                let found = found.clone();
                next.marks.add(&mark);
                Ok((Some(next), found))
            })
            .await
    }

    /// The activations of a policy as they stand now, oldest first, and the candidate. Those that are too long ago are on
    /// the pages of [`App::past_activations`].
    ///
    /// # Errors
    /// [`Error::NotFound`] for a name under which nothing was ever put in force, and for a policy of merchants that the key
    /// does not reach.
    pub async fn list_activations(
        &self,
        who: &Principal,
        name: &str,
    ) -> Result<(Vec<(Activation, ActivationState)>, Option<Candidate>), Error> {
        self.may_read_policy(who, name).await?;
        let known = self.activations(name).await?.ok_or(Error::NotFound("policy"))?;
        let now = self.ports.now();
        let mut not_loaded: Vec<&str> = Vec::new();
        let mut in_force = None;
        for activation in known.at(now) {
            if self.loaded(name, &activation.version, &activation.hash).await?.is_some() {
                in_force = Some(activation.id.as_str());
                break;
            }
            not_loaded.push(&activation.id);
        }
        let state = |a: &Activation| match a {
            a if a.cancelled.is_some() => ActivationState::Cancelled,
            a if a.from > now => ActivationState::Scheduled,
            a if in_force == Some(a.id.as_str()) => ActivationState::InForce,
            a if not_loaded.contains(&a.id.as_str()) => ActivationState::NotLoaded,
            _ => ActivationState::Superseded,
        };
        let items = known.list.iter().map(|a| (a.clone(), state(a))).collect();
        Ok((items, known.candidate))
    }

    /// Activations that were moved out of the way, oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a policy of merchants that the key does not reach; a position that is not one; the store's.
    pub async fn past_activations(
        &self,
        who: &Principal,
        name: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Activation>, Option<String>), Error> {
        self.may_read_policy(who, name).await?;
        self.pages_of_the_past(name, after, limit).await
    }

    pub(crate) async fn pages_of_the_past(
        &self,
        name: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Activation>, Option<String>), Error> {
        let from = after.map_or(Ok(Position::START), Position::parse)?;
        let slice = self.records().await?.slice(&Key::policy_past(name), from, limit).await?;
        let next = slice.entries.last().map(|(position, _)| position.to_string()).filter(|_| slice.more);
        let mut items: Vec<Activation> = Vec::new();
        for (_, entry) in slice.entries {
            let past: Activation = serde_json::from_str(&entry.at)
                .map_err(|e| Error::Internal(format!("a past activation of {name}: {e}")))?;
            if !items.iter().any(|known| known.id == past.id) {
                items.push(past);
            }
        }
        Ok((items, next))
    }

    /// How many names have a version whose time has come and that cannot be loaded.
    pub(crate) async fn policies_not_loaded(&self) -> Result<usize, Error> {
        let now = self.ports.now();
        let mut count = 0_usize;
        for name in self.policy_names().await? {
            let Some(known) = self.activations(&name).await? else { continue };
            let Some(due) = known.at(now).next() else { continue };
            if self.loaded(&name, &due.version, &due.hash).await?.is_none() {
                count = count.saturating_add(1);
            }
        }
        Ok(count)
    }

    /// Lets a version decide beside the one in force, without effect, or ends that. The same again changes nothing; another
    /// version begins anew.
    ///
    /// # Errors
    /// Not an admin; no such version; it cannot be loaded; nothing is in force under the name.
    pub async fn set_candidate(
        &self,
        who: &Principal,
        name: &str,
        version: Option<&str>,
    ) -> Result<Option<Candidate>, Error> {
        who.require_admin()?;
        let candidate = match version {
            None => None,
            Some(version) => {
                let version = self.policy_version(name, version).await.map_err(|e| match e {
                    Error::NotFound(_) => {
                        Error::invalid("/version", format!("there is no version {version:?} of {name}"))
                    }
                    other => other,
                })?;
                let loaded = self.loaded(name, &version.version, &version.hash).await?.ok_or_else(|| {
                    Error::invalid("/version", "it cannot be loaded by the component that decides here")
                })?;
                let (since, by, needs) = (self.ports.now(), who.key.clone(), Some(loaded.needs()));
                Some(Candidate { version: version.version, hash: version.hash, since, by, needs })
            }
        };
        let mark = self.random_hex(32);
        self.records()
            .await?
            .update::<Activations, _, _>(&Key::policy_name(name), &mark, self.unique(), |there| {
                let mut next = there.cloned().ok_or(Error::NotFound("policy"))?;
                let candidate = match (&candidate, &next.candidate) {
                    // The same goes on; should it not be known what it needs, it now is.
                    (Some(set), Some(there)) if set.hash == there.hash => {
                        Some(Candidate { needs: set.needs.clone(), ..there.clone() })
                    }
                    _ => candidate.clone(),
                };
                if next.candidate == candidate {
                    return Ok((None, candidate));
                }
                next.candidate.clone_from(&candidate);
                next.marks.add(&mark);
                Ok((Some(next), candidate))
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Instant {
        Instant { unix_ms: ms }
    }

    fn activation(id: &str, from: i64) -> Activation {
        let (hash, version) = (Digest::of(id.as_bytes()), format!("v-{id}"));
        let (id, by) = (id.to_owned(), "k".to_owned());
        Activation { id, version, hash, from: at(from), until: None, asked_for: None, by, at: at(0), cancelled: None }
    }

    fn holding(known: &Activations, ms: i64) -> Vec<&str> {
        known.at(at(ms)).map(|a| a.id.as_str()).collect()
    }

    #[test]
    fn what_holds_at_an_instant_is_a_function_of_the_list() {
        let mut known = Activations::new("p");
        known.list = vec![activation("a", 10), activation("b", 30), activation("c", 20), activation("d", 30)];
        assert_eq!(holding(&known, 9), [""; 0]);
        assert_eq!((holding(&known, 10), holding(&known, 19)), (vec!["a"], vec!["a"]));
        assert_eq!(holding(&known, 20), ["c", "a"]);
        assert_eq!(holding(&known, 29), ["c", "a"]);
        // Of two from the same instant the later word counts.
        assert_eq!(holding(&known, 30), ["d", "b", "c", "a"]);
        known.list[3].cancelled = Some(Cancelled { by: "k".to_owned(), at: at(25) });
        assert_eq!(holding(&known, 30), ["b", "c", "a"]);
        known.list[1].until = Some(at(40));
        assert_eq!((holding(&known, 39), holding(&known, 40)), (vec!["b", "c", "a"], vec!["c", "a"]));
    }

    #[test]
    fn what_makes_room_neither_holds_nor_waits_nor_stands_in_if_the_newest_cannot_be_loaded() {
        let mut known = Activations::new("p");
        known.list = vec![activation("a", 10), activation("b", 20), activation("c", 30), activation("d", 90)];
        assert_eq!(known.superseded(at(50)), None);
        known.list.insert(2, activation("e", 40));
        known.list.insert(2, activation("f", 45));
        assert_eq!(holding(&known, 50), ["f", "e", "c", "b", "a"]);
        assert_eq!((known.superseded(at(50)), known.superseded(at(44))), (Some(0), None));
        known.list.remove(0);
        assert_eq!(known.superseded(at(50)), None);
        // What never ends is kept, however many that end hold in front of it.
        let mut ending = known.clone();
        ending.list = vec![activation("a", 10)];
        ending
            .list
            .extend(["b", "c", "d", "e", "f"].map(|id| Activation { until: Some(at(90)), ..activation(id, 20) }));
        assert_eq!(holding(&ending, 50), ["f", "e", "d", "c", "b", "a"]);
        assert_eq!(ending.superseded(at(50)), Some(1));
        known.list[4].cancelled = Some(Cancelled { by: "k".to_owned(), at: at(40) });
        assert_eq!(known.superseded(at(50)), Some(4));
    }

    #[test]
    fn what_an_earlier_release_put_in_force_holds_on() {
        let old = serde_json::json!({
            "name": "p", "version": "1", "hash": Digest::of(b"p").as_str(), "since": {"unix_ms": 7},
        });
        let known = Activations::upcast("active-policy/1", old).unwrap().unwrap();
        assert_eq!((holding(&known, 6), holding(&known, 7)), (vec![], vec!["first"]));
        assert_eq!(Activations::upcast("active-policy/0", serde_json::Value::Null), None);
        assert!(Activations::upcast("active-policy/1", serde_json::json!({"name": "p"})).unwrap().is_err());
    }
}
