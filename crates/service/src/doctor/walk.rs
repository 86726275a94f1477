//! The pass over all keys: what each holds, and what it is held against.

use super::books::Ledgers;
use super::content::Contents;
use super::finding::{Code, Finding};
use super::list::{OpenList, Part, part};
use super::promise::Promises;
use super::publication::Publication;
use super::repair::Repair;
use super::shelf::{Body, Listed, Shelf};
use super::{Notes, REPAIRS_AT_ONCE, Report};
use crate::error::Error;
use crate::store::key::Key;
use crate::store::list::{Page, Tail};
use crate::store::{Record, decode, head};
use crate::{
    checkpoint, confirmation, courier, directory, endpoint, gauge, operation, operator, outbox, outstanding, proof,
    retention, sale, secret, session, shadow, terminal,
};
use rescind_model::Instant;
use std::collections::BTreeMap;

/// Keys of lists begin so.
const LISTS: [&str; 14] = [
    "cancels",
    "cases",
    "decisions",
    "due",
    "feed",
    "index",
    "liabilities",
    "list",
    "orders",
    "policy-past",
    "policy-versions",
    "queued",
    "refunds",
    "retain",
];

/// Lists whose pages are removed from the first on once they are worked off.
const WORKED_OFF: [&str; 3] = ["decisions", "due", "retain"];

/// Records that are removed when their time is over.
const REMOVED: [&str; 5] = ["decision", "decisions", "due", "evidence", "retain"];

/// A walk under way.
pub(super) struct Walk<'a, 'n, K: crate::ports::Kv> {
    pub(super) shelf: Shelf<'a, K>,
    pub(super) now: Instant,
    notes: &'n mut dyn Notes,
    pub(super) report: Report,
    repairs: Vec<Repair>,
    list: Option<OpenList>,
    pub(super) publication: Publication,
    pub(super) promises: Promises,
    pub(super) contents: Contents,
    pub(super) ledgers: Ledgers,
    /// The checkpoint that was met last: the one before the next of its merchant.
    pub(super) checkpoint: Option<rescind_audit::Signed>,
    /// Merchants that were looked for, and whether they are there.
    pub(super) merchants: BTreeMap<String, bool>,
}

impl<'a, 'n, K: Listed> Walk<'a, 'n, K> {
    /// Walks a store; gives what was found, and what can be put right.
    pub(super) async fn over(
        kv: &'a K,
        now: Instant,
        notes: &'n mut dyn Notes,
    ) -> Result<(Report, Vec<Repair>), Error> {
        let shelf = Shelf::of(kv);
        let mut this = Self {
            shelf,
            now,
            notes,
            report: Report::default(),
            repairs: Vec::new(),
            list: None,
            publication: Publication::default(),
            promises: Promises::default(),
            contents: Contents::default(),
            ledgers: Ledgers::default(),
            checkpoint: None,
            merchants: BTreeMap::new(),
        };
        this.read_what_waits().await?;
        this.read_uploads().await?;
        let mut at: Option<String> = None;
        loop {
            let rows = this.shelf.after(at.as_deref()).await?;
            let Some((last, _)) = rows.last() else { break };
            at = Some(last.clone());
            for (key, bytes) in rows {
                this.row(&key, bytes).await?;
                this.report.keys = this.report.keys.saturating_add(1);
            }
            this.notes.walked(this.report.keys);
        }
        this.close_list();
        this.name_what_is_left().await?;
        this.look_at_deliveries();
        this.look_at_books();
        Ok((this.report, this.repairs))
    }

    /// Something was found that nobody can put right from here.
    pub(super) fn found(&mut self, code: Code, key: &str, what: impl Into<String>) {
        self.note(&Finding { code, key: key.to_owned(), what: what.into(), repairable: false });
    }

    /// Something was found that can be put right.
    pub(super) fn mend(&mut self, code: Code, key: &str, what: impl Into<String>, repairs: Vec<Repair>) {
        self.note(&Finding { code, key: key.to_owned(), what: what.into(), repairable: true });
        for repair in repairs {
            if self.repairs.len() < REPAIRS_AT_ONCE {
                self.repairs.push(repair);
            } else {
                self.report.left = self.report.left.saturating_add(1);
            }
        }
    }

    fn note(&mut self, finding: &Finding) {
        let count = self.report.findings.entry(finding.code).or_insert(0);
        *count = count.saturating_add(1);
        self.notes.found(finding);
    }

    /// A record with its version; what cannot be read is a finding.
    pub(super) fn decode<T: Record>(&mut self, key: &str, bytes: &[u8]) -> Option<(T, u64)> {
        match decode::<T>(key, bytes) {
            Ok(read) => Some(read),
            Err(error) => {
                // The message of an internal error is for logs: it names key and format, and no content.
                let what = if let Error::Internal(why) = &error { why.clone() } else { error.to_string() };
                self.found(Code::RecordUnreadable, key, what);
                None
            }
        }
    }

    /// A record of which nothing is looked at but that it can be read.
    fn readable<T: Record>(&mut self, key: &str, bytes: &[u8]) {
        let _read: Option<(T, u64)> = self.decode(key, bytes);
    }

    /// A record whose key follows from what is in it.
    pub(super) fn fitting<T: Record>(&mut self, key: &str, bytes: &[u8], fits: impl Fn(&T) -> Key) -> Option<T> {
        let (value, _) = self.decode::<T>(key, bytes)?;
        let expected = fits(&value);
        if expected.as_str() == key {
            return Some(value);
        }
        self.found(Code::RecordElsewhere, key, format!("what is in it belongs under {expected}"));
        None
    }

    async fn row(&mut self, key: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let kind = key.split([':', '#']).next().unwrap_or_default();
        let count = self.report.kinds.entry(kind.to_owned()).or_insert(0);
        *count = count.saturating_add(1);
        if let Some((record, nonce)) = key.rsplit_once('#') {
            return self.orphaned(key, record, nonce).await;
        }
        if !LISTS.contains(&kind) || !key.contains(':') {
            self.close_list();
        }
        match kind {
            "evidence-part" => return self.evidence_part(key, &bytes).await,
            "bundle-part" => {
                self.bundle_part(key);
                return Ok(());
            }
            "probe" | "probe-head" => {
                self.mend(Code::ProbeLeft, key, "left by a probe", vec![Repair::Delete { key: key.to_owned() }]);
                return Ok(());
            }
            _ => {}
        }
        match self.shelf.body(key, bytes).await? {
            Body::There(bytes) => self.record(kind, key, &bytes).await,
            Body::NotYet => Ok(()),
            Body::Gone => {
                if !REMOVED.contains(&kind) {
                    self.found(Code::RecordLost, key, "its head points to a body that is not there");
                }
                Ok(())
            }
        }
    }

    async fn orphaned(&mut self, key: &str, record: &str, nonce: &str) -> Result<(), Error> {
        let nonce = i64::from_str_radix(nonce, 16).ok();
        let pointed_to = self.shelf.raw(record).await?.as_deref().and_then(head);
        if nonce.is_none() || pointed_to != nonce {
            let what = format!("the head {record} does not point to it");
            self.mend(Code::BodyOrphan, key, what, vec![Repair::Delete { key: key.to_owned() }]);
        }
        Ok(())
    }

    async fn record(&mut self, kind: &str, key: &str, bytes: &[u8]) -> Result<(), Error> {
        let parts: Vec<&str> = key.split(':').collect();
        if LISTS.contains(&kind) && parts.len() > 1 {
            return self.in_list(kind, key, bytes).await;
        }
        match (kind, parts.as_slice()) {
            ("sale", [_, merchant, sale]) => self.sale(key, merchant, sale, bytes).await?,
            ("personal", [_, merchant, sale]) => self.personal(key, merchant, sale, bytes),
            ("evidence", [_, merchant, content]) => self.evidence(key, merchant, content, bytes).await?,
            ("decision", [_, merchant, id]) => self.decision(key, merchant, id, bytes).await?,
            ("policy", [_, hash]) => self.policy(key, hash, bytes),
            ("policy-name", _) => self.activations(key, bytes).await?,
            ("policy-version", _) => self.policy_version(key, bytes).await?,
            ("bundles", _) => self.bundles(key, bytes).await?,
            ("refund", [_, merchant, refund]) => self.pointer(key, merchant, refund, bytes),
            ("idem", [_, merchant, _]) => self.claim(key, merchant, bytes),
            ("voids" | "refunded" | "asked", [_, merchant, ..]) => self.tally(key, merchant, bytes).await?,
            ("rolling", [_, merchant, ..]) => self.rolling(key, merchant, bytes).await?,
            ("books", [_, merchant]) => self.books(key, merchant, bytes),
            ("funds", [_, merchant, _]) => self.receipt(key, merchant, bytes),
            ("endpoints", [_, merchant]) => self.endpoints(key, merchant, bytes).await?,
            ("cursor", _) => self.readable::<endpoint::Cursor>(key, bytes),
            ("lane", [_, number]) => self.lane(key, number, bytes),
            ("lane", [_, _, "tail"]) => self.readable::<courier::Waiting>(key, bytes),
            ("notice", [_, merchant, id]) => self.notice(key, merchant, id, bytes),
            ("notices", [_]) => self.notices(key, bytes),
            ("journal", _) => self.journal(key, bytes),
            ("offline", _) => self.readable::<terminal::operation::Offline>(key, bytes),
            ("merchant", _) => {
                self.fitting::<directory::Merchant>(key, bytes, |there| Key::merchant(&there.id));
            }
            ("terminal", _) => {
                self.fitting::<directory::Terminal>(key, bytes, |there| Key::terminal(&there.merchant, &there.id));
            }
            ("person", _) => {
                self.fitting::<directory::Person>(key, bytes, |there| Key::person(&there.id));
            }
            ("key", _) => {
                self.fitting::<directory::ApiKey>(key, bytes, |there| Key::api_key(&there.view.id));
            }
            ("source", _) => {
                self.fitting::<directory::Source>(key, bytes, |there| Key::source(&there.id));
            }
            ("revocations", [_]) => self.readable::<directory::Revocations>(key, bytes),
            ("operator", [_, _, number]) => {
                if let Some((there, _)) = self.decode::<operator::Operator>(key, bytes)
                    && there.view.number.as_str() != *number
                {
                    self.found(Code::RecordElsewhere, key, "the operator has another number");
                }
            }
            ("number-of", _) => self.readable::<operator::NumberOf>(key, bytes),
            ("operator-attempts", _) => self.readable::<operator::Attempts>(key, bytes),
            ("operator-sessions", _) => self.readable::<session::Sessions>(key, bytes),
            ("nobody", _) => self.readable::<operator::Nobody>(key, bytes),
            ("batch", _) => self.readable::<sale::ClosedBatch>(key, bytes),
            ("confirmations", _) => self.readable::<confirmation::Confirmations>(key, bytes),
            ("resolution", _) => self.readable::<operation::Proposal>(key, bytes),
            ("outbox", _) => self.readable::<outbox::Outbox>(key, bytes),
            ("outstanding", _) => self.readable::<outstanding::Outstanding>(key, bytes),
            ("shadow", _) => self.readable::<shadow::Comparison>(key, bytes),
            ("checkpoint", [_, merchant, number]) => self.checkpoint(key, merchant, number, bytes).await?,
            ("checkpoint-page", [_, _, root]) => self.checkpoint_page(key, root, bytes),
            ("checkpoint-volume", [_, merchant, root]) => self.checkpoint_volume(key, merchant, root, bytes).await?,
            ("checkpoint-work", [_, merchant]) => self.checkpoint_work(key, merchant, bytes),
            ("checkpoints", [_]) => self.readable::<checkpoint::Round>(key, bytes),
            ("secret", [_, "checkpoint-keys"]) => self.readable::<checkpoint::key::StoredKeys>(key, bytes),
            ("secret", [_, "proof-keys"]) => self.readable::<proof::StoredKeys>(key, bytes),
            ("secret", _) => self.readable::<secret::Secret>(key, bytes),
            ("gauges", [_]) => self.readable::<gauge::Counters>(key, bytes),
            ("retain", [_]) => self.readable::<retention::Progress>(key, bytes),
            ("due", [_]) => self.readable::<courier::Buckets>(key, bytes),
            ("unheard", [_]) => self.readable::<courier::unheard::Walk>(key, bytes),
            _ => self.found(Code::KeyUnknown, key, "it is not in this release's table of keys"),
        }
        Ok(())
    }

    async fn in_list(&mut self, kind: &str, key: &str, bytes: &[u8]) -> Result<(), Error> {
        let Some((name, part)) = part(key) else {
            self.found(Code::KeyUnknown, key, "it is neither a page nor the hint of a list");
            return Ok(());
        };
        if self.list.as_ref().is_none_or(|list| list.name != name) {
            self.close_list();
            self.list = Some(OpenList::begin(name, WORKED_OFF.contains(&kind)));
        }
        match part {
            Part::Tail => {
                if let (Some((tail, _)), Some(list)) = (self.decode::<Tail>(key, bytes), &mut self.list) {
                    list.tail(tail.page);
                }
            }
            Part::Page(number) => {
                let Some((page, _)) = self.decode::<Page>(key, bytes) else { return Ok(()) };
                let wrong = self.list.as_mut().map(|list| list.page(number, &page)).unwrap_or_default();
                for (code, what) in wrong {
                    self.found(code, key, what);
                }
                self.entries(kind, key, name, number, &page).await?;
            }
        }
        Ok(())
    }

    async fn entries(&mut self, kind: &str, key: &str, name: &str, number: u64, page: &Page) -> Result<(), Error> {
        let parts: Vec<&str> = name.split(':').collect();
        match (kind, parts.as_slice()) {
            ("feed", [_, merchant]) => self.feed_page(key, merchant, number, page),
            ("cancels", [_, merchant, _]) => self.things(key, &format!("cancels:{merchant}"), page),
            ("cases" | "liabilities" | "orders" | "queued" | "refunds", _) => self.things(key, name, page),
            ("decisions", [_, merchant, ..]) => self.listed_decisions(key, name, merchant, page).await?,
            ("due", [_, start, width]) => self.due_page(key, start, width, page),
            ("index", [_, merchant, ..]) => self.index_page(key, merchant, page).await?,
            ("list", [_, of, rest @ ..]) => self.directory_page(key, of, rest.first().copied(), page).await?,
            ("retain", [_, day]) => {
                let over =
                    self.contents.retained_from.is_some_and(|from| day.parse::<i64>().is_ok_and(|day| day < from));
                if over {
                    self.found(Code::RetentionPassed, key, "the days up to it were worked off");
                }
            }
            ("policy-past" | "policy-versions", [_, _]) => {}
            _ => self.found(Code::KeyUnknown, key, "there is no such list"),
        }
        Ok(())
    }

    /// Entries of directories lead to what was made.
    async fn directory_page(&mut self, key: &str, of: &str, at: Option<&str>, page: &Page) -> Result<(), Error> {
        use rescind_model::{MerchantId, PersonId, TerminalId};
        let merchant = at.and_then(|at| MerchantId::parse(at).ok());
        for entry in &page.entries {
            let id = &entry.id;
            let record = match (of, &merchant) {
                ("merchants", _) => MerchantId::parse(id).ok().map(|id| Key::merchant(&id)),
                ("persons", _) => PersonId::parse(id).ok().map(|id| Key::person(&id)),
                ("keys", _) => Some(Key::api_key(id)),
                ("policies", _) => Some(Key::policy_name(id)),
                ("terminals", Some(merchant)) => {
                    TerminalId::parse(id).ok().map(|terminal| Key::terminal(merchant, &terminal))
                }
                ("sources", _) => Some(Key::source(id)),
                ("operators", Some(merchant)) => Some(Key::operator(merchant, id)),
                _ => continue,
            };
            let there = match &record {
                Some(record) => self.shelf.has(record).await?,
                None => false,
            };
            if !there {
                self.found(Code::DirectoryUnused, key, format!("{id} is listed and was never made"));
            }
        }
        Ok(())
    }

    fn close_list(&mut self) {
        let Some(list) = self.list.take() else { return };
        if let Some(merchant) = list.name.strip_prefix("feed:") {
            self.publication.ends.insert(merchant.to_owned(), list.end());
        }
        if let Some((what, repair)) = list.close() {
            let key = format!("{}:tail", list.name);
            self.mend(Code::ListTail, &key, what, vec![repair]);
        }
    }

    /// Whether a list names something.
    pub(super) async fn is_listed(&self, list: &Key, id: &str) -> Result<bool, Error> {
        let mut number = 0_u64;
        loop {
            let Some(page) = self.shelf.read::<Page>(&list.page(number)).await? else { return Ok(false) };
            if page.has(id) {
                return Ok(true);
            }
            if !page.is_full() {
                return Ok(false);
            }
            number = number.saturating_add(1);
        }
    }

    /// The records whose keys begin so are looked at once more, to name what is left of what they promised.
    pub(super) async fn again<T: Record>(
        &mut self,
        prefix: &str,
        mut look: impl FnMut(&mut Self, &str, T),
    ) -> Result<(), Error> {
        let mut at = prefix.to_owned();
        loop {
            let rows = self.shelf.beginning(prefix, &at).await?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            at.clone_from(last);
            for (key, bytes) in rows {
                // Bodies come by their heads; hints are no pages; what cannot be read was said before.
                if key.contains('#') {
                    continue;
                }
                if let Body::There(bytes) = self.shelf.body(&key, bytes).await?
                    && let Ok((value, _)) = decode::<T>(&key, &bytes)
                {
                    look(self, &key, value);
                }
            }
        }
    }

    /// Whether a merchant is there.
    pub(super) async fn is_merchant(&mut self, merchant: &rescind_model::MerchantId) -> Result<bool, Error> {
        if let Some(known) = self.merchants.get(merchant.as_str()) {
            return Ok(*known);
        }
        let there = self.shelf.has(&Key::merchant(merchant)).await?;
        self.merchants.insert(merchant.to_string(), there);
        Ok(there)
    }
}
