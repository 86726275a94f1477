//! Bundles: what terminals decide with, given out by the server.
//!
//! A bundle is checked before any of it is kept, as a terminal would check it that was provisioned with the keys this
//! deployment is told of: signature, changes of keys, version, time, engine; and that the server itself could make the
//! terminal's decisions again: by this component, under policies that are installed here.
//!
//! Its bytes lie in parts that no other upload writes. One record per line of bundles says what is published; a bundle is
//! there once that record names it, and not before, however an upload ends. What an upload or a predecessor leaves is noted
//! in the record too, until it is swept up.

use crate::app::App;
use crate::directory::{Listed, Merchant, Terminal};
use crate::error::Error;
use crate::limits::{BUNDLE_LEAVES, BUNDLE_PART_BYTES, BUNDLE_UPLOADS, BUNDLES_OF_A_LINE, PROOF_ATTEMPTS};
use crate::policies::PolicyDocument;
use crate::ports::{Kv as _, Policy as _, Ports};
use crate::principal::{Bearer, Principal};
use crate::store::Record;
use crate::store::key::Key;
use crate::store::list::Entry;
use crate::store::marks::Marks;
use rescind_bundle::{Ed25519, Engine, Refusal, Trust, Verified, engines, verify_genuine};
use rescind_model::{Digest, Instant};
use serde::{Deserialize, Serialize};

/// A policy in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledPolicy {
    /// The class of terminals it is for. Absent: all that have none of their own in the bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Its name.
    pub name: String,
    /// Its author's version.
    pub version: String,
    /// Its content.
    pub hash: Digest,
}

/// A bundle that is published: for one engine, the newest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// What its code runs on.
    pub target: String,
    /// The version of the engine.
    pub engine: String,
    /// The digest of the engine's profile.
    pub profile: Digest,
    /// Its version; only grows.
    pub version: u64,
    /// The SHA-256 of its bytes.
    pub content: Digest,
    /// Bytes.
    pub size: u64,
    /// The component that decides in it, before it was translated.
    pub component: Digest,
    /// The policies it decides by.
    pub policies: Vec<BundledPolicy>,
    /// The first instant at which it holds.
    pub not_before: Instant,
    /// The first instant at which it no longer does.
    pub expires: Instant,
    /// When it was made.
    pub made_at: Instant,
    /// The id of the key that signed it.
    pub signed_by: String,
    /// The number of the set of keys it leads to.
    pub key_set: u64,
    /// The key with which it was published.
    pub by: String,
    /// When.
    pub at: Instant,
    /// Where its bytes are.
    pub(crate) upload: Upload,
}

impl Published {
    fn is_for(&self, other: &Self) -> bool {
        (&self.target, &self.engine, &self.profile) == (&other.target, &other.engine, &other.profile)
    }

    /// The policy that terminals of a class decide by.
    fn policy_for(&self, class: Option<&str>) -> Option<&BundledPolicy> {
        let of = |class: Option<&str>| self.policies.iter().find(|policy| policy.class.as_deref() == class);
        of(class).or_else(|| of(None))
    }
}

/// Parts under a name of their own: nobody else writes there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) parts: u32,
}

/// Parts that no published bundle is made of: of an upload under way or broken off, or of what was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Leaving {
    pub(crate) upload: Upload,
    since_at: Instant,
    /// They are being removed: nothing may be made of them any more.
    going: bool,
}

/// One line of bundles: what is published of it, for each engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// The digest of the set of keys that the deployment was told of when this was written.
    root: Digest,
    /// The set that published bundles led to from there: what was retired on the way signs nothing here any more.
    pub trust: Trust,
    /// What is published, in the order of first publication.
    pub published: Vec<Published>,
    pub(crate) leaving: Vec<Leaving>,
    marks: Marks,
}

impl Record for Line {
    const FORMAT: &'static str = "bundles/1";
    fn holds(&self, id: &str) -> bool {
        self.marks.has(id)
    }
}

/// Which bundle a terminal asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleAsk {
    /// What its code runs on.
    pub target: String,
    /// The version of its engine; any, if it does not say.
    pub engine: Option<String>,
    /// The digest of its engine's profile; any, if it does not say.
    pub profile: Option<Digest>,
    /// The line whose keys it was provisioned with; chosen by its policies, if it does not say.
    pub line: Option<String>,
}

/// What to do with a bundle that is offered.
enum Standing {
    /// It is published as it is.
    Same(Box<Published>),
    /// It is newer than what is published for its engine.
    New,
}

impl Line {
    fn begin(root: &Trust) -> Self {
        Self {
            name: root.name.clone(),
            root: digest_of(root),
            trust: root.clone(),
            published: Vec::new(),
            leaving: Vec::new(),
            marks: Marks::default(),
        }
    }

    /// The line as it is under the keys that the deployment is told of now. A later set of the same keys changes nothing: what
    /// was retired after it stays retired. Under keys that were never heard of, only these count.
    fn under(line: Option<&Self>, root: &Trust) -> Self {
        let mut this = line.cloned().unwrap_or_else(|| Self::begin(root));
        if this.root != digest_of(root) {
            let known = |key| this.trust.keys.contains(key) || this.trust.retired.contains(key);
            if this.trust.number < root.number || !root.keys.iter().all(known) {
                this.trust = root.clone();
            }
            this.root = digest_of(root);
        }
        this
    }

    /// Whether a genuine bundle may follow what is published, at an instant.
    fn admits(&self, bundle: &Verified, offered: &Published, now: Instant) -> Result<Standing, Error> {
        if self.trust.is_retired(bundle.signer()) {
            return Err(refused(&Refusal::RetiredKey(bundle.signer())));
        }
        bundle.can_be_reached_from(&self.trust, &Ed25519).map_err(|refusal| refused(&refusal))?;
        match self.published.iter().find(|there| there.is_for(offered)) {
            Some(there) if there.content == offered.content => return Ok(Standing::Same(Box::new(there.clone()))),
            Some(there) if there.version == offered.version => {
                return Err(conflict(
                    "bundle.version-taken",
                    format!("version {} for {} is published with another content", there.version, there.target),
                ));
            }
            Some(there) if there.version > offered.version => {
                return Err(refused(&Refusal::Rollback { installed: there.version, offered: offered.version }));
            }
            Some(_) => {}
            None if self.published.iter().filter(|there| now < there.expires).count() >= BUNDLES_OF_A_LINE => {
                return Err(conflict(
                    "bundle.too-many-engines",
                    format!("bundles for {BUNDLES_OF_A_LINE} engines are published and hold"),
                ));
            }
            None => {}
        }
        Ok(Standing::New)
    }

    /// Publishes a bundle instead of what was there for its engine, and instead of what no longer holds where there are too
    /// many.
    fn publish(&mut self, offered: &Published, trust: &Trust, now: Instant) {
        self.trust = trust.clone();
        self.leaving.retain(|leaving| leaving.upload != offered.upload);
        let mut gone = Vec::new();
        if let Some(there) = self.published.iter_mut().find(|there| there.is_for(offered)) {
            gone.push(core::mem::replace(there, offered.clone()));
        } else {
            if self.published.len() >= BUNDLES_OF_A_LINE {
                gone.extend(self.published.extract_if(.., |there| there.expires <= now));
            }
            self.published.push(offered.clone());
        }
        let leaving = |gone: Published| Leaving { upload: gone.upload, since_at: now, going: false };
        self.leaving.extend(gone.into_iter().map(leaving));
    }
}

fn digest_of(trust: &Trust) -> Digest {
    // Names, numbers and keys: it can always be written.
    Digest::of(&serde_json::to_vec(trust).unwrap_or_default())
}

fn conflict(code: &'static str, message: impl Into<String>) -> Error {
    Error::Conflict { code, message: message.into() }
}

/// A refusal in the terminal's own words and under its code.
fn refused(refusal: &Refusal) -> Error {
    if let Refusal::TooLarge { limit, .. } = refusal {
        return Error::TooLarge(*limit);
    }
    conflict(refusal.code(), refusal.to_string())
}

fn instant(unix_ms: i64) -> Instant {
    Instant { unix_ms }
}

fn hex_of(bytes: &[u8; 32]) -> Digest {
    Digest { hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
}

/// The sets of keys in the variable `bundle_keys`: one set as JSON, in the form in which terminals are provisioned with it, or
/// a list of them.
fn roots(text: &str) -> Result<Vec<Trust>, String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Roots {
        One(Trust),
        Many(Vec<Trust>),
    }
    let sets = match serde_json::from_str(text) {
        Ok(Roots::One(set)) => vec![set],
        Ok(Roots::Many(sets)) => sets,
        Err(_) => return Err(r#"expected {"name":…,"number":…,"keys":["ed25519:…"]}, or a list of such"#.to_owned()),
    };
    let mut names = Vec::new();
    for set in &sets {
        if names.contains(&&set.name) {
            return Err(format!("{} is there twice", set.name));
        }
        names.push(&set.name);
    }
    sets.iter().map(|set| set.clone().checked().map_err(|error| format!("{}: {error}", set.name))).collect()
}

impl<P: Ports> App<P> {
    /// The set of keys that the deployment was told of for a line of bundles.
    ///
    /// # Errors
    /// [`Error::Conflict`] `bundle.no-keys`: there is none, or what there is cannot be read.
    pub fn bundle_root(&self, name: &str) -> Result<Trust, Error> {
        let none = |why: &str| conflict("bundle.no-keys", format!("{why}: set the variable bundle_keys"));
        let Some(text) = self.ports.bundle_keys() else {
            return Err(none("this deployment knows no keys that sign bundles"));
        };
        let known = roots(&text).map_err(|why| {
            self.ports.log(&format!("the variable bundle_keys cannot be read: {why}"));
            none("the keys that sign bundles cannot be read")
        })?;
        known
            .into_iter()
            .find(|set| set.name == name)
            .ok_or_else(|| none("this deployment knows no keys that sign bundles of this name"))
    }

    /// Publishes a bundle of a line. The same again is harmless. Gives what is published, and whether it was not before.
    ///
    /// # Errors
    /// Not an admin; [`Error::Conflict`] with the code of the check it did not pass (`bundle.…`); the store's.
    pub async fn publish_bundle(
        &self,
        who: &Principal,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<(Published, bool), Error> {
        who.require_admin()?;
        let root = self.bundle_root(name)?;
        let bundle = verify_genuine(bytes, &root, &Ed25519).map_err(|refusal| refused(&refusal))?;
        let now = self.ports.now();
        let offered = self.offered(who, &bundle, now).await?;
        let key = Key::bundles(name);
        let listed = Entry { id: name.to_owned(), at: String::new() };
        if let Some(same) = self.note_upload(&key, &root, &bundle, &offered).await? {
            return Ok((same, false));
        }
        self.records().await?.append(&Key::directory("bundles"), &listed, self.unique()).await?;
        self.put_parts(&offered.upload, bundle.bytes()).await?;
        self.commit_bundle(&key, &root, &bundle, &offered).await
    }

    /// What would be published, once everything that does not depend on what is was checked.
    async fn offered(&self, who: &Principal, bundle: &Verified, now: Instant) -> Result<Published, Error> {
        bundle.holds_at(now.unix_ms).map_err(|refusal| refused(&refusal))?;
        let engine = bundle.made_for();
        if !engines::is_known(&engine) {
            let Engine { target, wasmtime, .. } = engine;
            return Err(conflict(
                "bundle.engine-unknown",
                format!("no terminal has the engine it was made for: {wasmtime} for {target} with this profile"),
            ));
        }
        let component = hex_of(bundle.component());
        if self.ports.eligibility().is_some_and(|own| own != component.as_str()) {
            return Err(conflict(
                "bundle.component",
                format!("terminals would decide by component {component}, and another one decides here"),
            ));
        }
        let mut policies = Vec::new();
        for (class, canonical) in bundle.policies() {
            policies.push(self.bundled(class, canonical).await?);
        }
        let times = bundle.times();
        let parts = bundle.bytes().len().div_ceil(BUNDLE_PART_BYTES);
        Ok(Published {
            target: engine.target,
            engine: engine.wasmtime,
            profile: hex_of(&engine.profile),
            version: bundle.version(),
            content: hex_of(bundle.digest()),
            size: u64::try_from(bundle.bytes().len()).unwrap_or(u64::MAX),
            component,
            policies,
            not_before: instant(times.not_before),
            expires: instant(times.expires),
            made_at: instant(times.made_at),
            signed_by: bundle.signer().to_string(),
            key_set: bundle.trust().number,
            by: who.key.clone(),
            at: now,
            upload: Upload { id: self.random_hex(32), parts: u32::try_from(parts).unwrap_or(u32::MAX) },
        })
    }

    /// A policy of a bundle, if the server could decide by it again.
    async fn bundled(&self, class: Option<&str>, canonical: &[u8]) -> Result<BundledPolicy, Error> {
        let hash = Digest::of(canonical);
        let of = class.map_or_else(|| "for every class".to_owned(), |class| format!("for the class {class}"));
        let not_here = |why: String| conflict("bundle.policy", format!("its policy {of}, {hash}: {why}"));
        let loaded = self.ports.load_policy(hash.as_str(), canonical);
        let identity = loaded.map_err(|error| not_here(error.message))?.identity();
        if self.records().await?.read::<PolicyDocument>(&Key::policy(&hash)).await?.is_none() {
            return Err(not_here("install it first, so that the server can decide by it again".to_owned()));
        }
        Ok(BundledPolicy { class: class.map(str::to_owned), name: identity.name, version: identity.version, hash })
    }

    /// Notes an upload before its first part is written, and sweeps up what others left. Gives what is published if that is
    /// the very bundle.
    async fn note_upload(
        &self,
        key: &Key,
        root: &Trust,
        bundle: &Verified,
        offered: &Published,
    ) -> Result<Option<Published>, Error> {
        let (now, mark) = (offered.at, self.random_hex(32));
        let change = |line: Option<&Line>| {
            let mut next = Line::under(line, root);
            if let Standing::Same(same) = next.admits(bundle, offered, now)? {
                return Ok((None, Err(same)));
            }
            for leaving in &mut next.leaving {
                leaving.going = leaving.going || leaving.since_at.plus(BUNDLE_LEAVES).is_ok_and(|end| end < now);
            }
            if !next.leaving.iter().any(|leaving| leaving.upload == offered.upload) {
                if next.leaving.len() >= BUNDLE_UPLOADS {
                    return Err(conflict("bundle.too-many-uploads", "try again in two minutes"));
                }
                next.leaving.push(Leaving { upload: offered.upload.clone(), since_at: now, going: false });
            }
            next.marks.add(&mark);
            let going = next.leaving.iter().filter(|leaving| leaving.going);
            let going: Vec<Upload> = going.map(|leaving| leaving.upload.clone()).collect();
            Ok((Some(next), Ok(going)))
        };
        let going = match self.records().await?.update::<Line, _, _>(key, &mark, self.unique(), change).await? {
            Ok(going) => going,
            Err(same) => return Ok(Some(*same)),
        };
        for upload in &going {
            self.remove_parts(upload).await?;
        }
        self.forget(key, &going).await?;
        Ok(None)
    }

    /// Publishes an upload whose parts are all there, unless somebody else was faster.
    async fn commit_bundle(
        &self,
        key: &Key,
        root: &Trust,
        bundle: &Verified,
        offered: &Published,
    ) -> Result<(Published, bool), Error> {
        let mark = self.random_hex(32);
        let change = |line: Option<&Line>| {
            let mut next = Line::under(line, root);
            match next.admits(bundle, offered, offered.at) {
                Ok(Standing::New) => {}
                Ok(Standing::Same(same)) if same.upload == offered.upload => return Ok((None, Ok((*same, true)))),
                Ok(Standing::Same(same)) => return Ok((None, Ok((*same, false)))),
                Err(why) => return Ok((None, Err(why))),
            }
            let noted = next.leaving.iter().any(|leaving| leaving.upload == offered.upload && !leaving.going);
            if !noted {
                let why = Error::Unavailable("an upload took longer than any request lives".to_owned());
                return Ok((None, Err(why)));
            }
            next.publish(offered, bundle.trust(), offered.at);
            next.marks.add(&mark);
            Ok((Some(next), Ok((offered.clone(), true))))
        };
        let done: Result<(Published, bool), Error> =
            self.records().await?.update::<Line, _, _>(key, &mark, self.unique(), change).await?;
        if !matches!(&done, Ok((published, _)) if published.upload == offered.upload) {
            // Somebody else's was published meanwhile: nothing is made of these parts.
            self.remove_parts(&offered.upload).await?;
            self.forget(key, core::slice::from_ref(&offered.upload)).await?;
        }
        done
    }

    /// Strikes out uploads whose parts were removed.
    async fn forget(&self, key: &Key, gone: &[Upload]) -> Result<(), Error> {
        if gone.is_empty() {
            return Ok(());
        }
        let mark = self.random_hex(32);
        let change = |line: Option<&Line>| {
            let Some(mut next) = line.cloned() else { return Ok((None, ())) };
            let before = next.leaving.len();
            next.leaving.retain(|leaving| !gone.contains(&leaving.upload));
            next.marks.add(&mark);
            Ok(((next.leaving.len() < before).then_some(next), ()))
        };
        self.records().await?.update::<Line, _, _>(key, &mark, self.unique(), change).await
    }

    async fn put_parts(&self, upload: &Upload, bytes: &[u8]) -> Result<(), Error> {
        let records = self.records().await?;
        let kv = records.store();
        for (number, part) in (0_u32..).zip(bytes.chunks(BUNDLE_PART_BYTES)) {
            let key = Key::bundle_part(&upload.id, number);
            let mut there = false;
            for _ in 0..PROOF_ATTEMPTS {
                // Whatever a write says: look.
                let said = kv.set(key.as_str(), part).await;
                let found = kv.get(key.as_str()).await;
                there = matches!(&found, Ok(Some(found)) if found.as_slice() == part);
                if there {
                    break;
                }
                if let (Err(why), Err(_)) = (said, found) {
                    return Err(why.into());
                }
            }
            if !there {
                return Err(Error::Unavailable("a part of a bundle could not be proved".to_owned()));
            }
        }
        Ok(())
    }

    async fn remove_parts(&self, upload: &Upload) -> Result<(), Error> {
        let records = self.records().await?;
        for number in 0..upload.parts {
            records.store().delete(Key::bundle_part(&upload.id, number).as_str()).await?;
        }
        Ok(())
    }

    /// A line of bundles.
    ///
    /// # Errors
    /// Not an admin; [`Error::NotFound`] for one of which nothing is published.
    pub async fn bundle_line(&self, who: &Principal, name: &str) -> Result<Line, Error> {
        who.require_admin()?;
        let line = self.records().await?.read::<Line>(&Key::bundles(name)).await?;
        line.filter(|line| !line.published.is_empty()).ok_or(Error::NotFound("bundle"))
    }

    /// The lines of which something is published, in the order of their first upload.
    ///
    /// # Errors
    /// Not an admin; a position that is not one; the store's.
    pub async fn bundle_lines(
        &self,
        who: &Principal,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listed<Line>, Error> {
        who.require_admin()?;
        let list = Key::directory("bundles");
        let mut lines = self.listed::<Line>(&list, after, limit, |name| Some(Key::bundles(name))).await?;
        lines.items.retain(|line| !line.published.is_empty());
        Ok(lines)
    }

    /// The bundle for a terminal: of the line it names, or of the one that is named as the policy for its class, or as its
    /// merchant's policy for all others. Only one that holds now, and by whose policy the server decides for it too.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for keys that are no terminal's; [`Error::Conflict`] `bundle.none`, saying what there is instead.
    pub async fn bundle_for(&self, who: &Principal, ask: &BundleAsk) -> Result<Published, Error> {
        let Bearer::Terminal { merchant, terminal } = &who.bearer else {
            return Err(Error::Forbidden("a terminal fetches its bundle with its own key".to_owned()));
        };
        let records = self.records().await?;
        let merchant: Merchant = self.merchant(merchant).await?;
        let terminal: Option<Terminal> = records.read(&Key::terminal(&merchant.id, terminal)).await?;
        let class = terminal.ok_or(Error::NotFound("terminal"))?.class;
        let policy = merchant.policy_at(class.as_deref());
        let mut names = vec![policy, merchant.policy.as_str()];
        if let Some(line) = &ask.line {
            names = vec![line.as_str()];
        }
        names.dedup();
        let mut why = format!("nothing is published for {} in {}", ask.target, names.join(" or "));
        for name in names {
            let Some(line) = records.read::<Line>(&Key::bundles(name)).await? else { continue };
            match chosen(line, ask, class.as_deref(), policy, self.ports.now()) {
                Ok(Some(published)) => return Ok(published),
                Ok(None) => {}
                Err(instead) => why = instead,
            }
        }
        Err(conflict("bundle.none", why))
    }

    /// The bytes of a published bundle, checked against its digest.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if a part cannot be read now, [`Error::Internal`] if they are not what was published.
    pub async fn bundle_bytes(&self, published: &Published) -> Result<Vec<u8>, Error> {
        let records = self.records().await?;
        let mut whole = Vec::with_capacity(usize::try_from(published.size).unwrap_or_default());
        for number in 0..published.upload.parts {
            let key = Key::bundle_part(&published.upload.id, number);
            // A store may show what was written a moment ago only a moment later.
            let part = records.store().get(key.as_str()).await?;
            whole.extend(part.ok_or_else(|| Error::Unavailable(format!("{key} cannot be read")))?);
        }
        if Digest::of(&whole) != published.content {
            return Err(Error::Internal(format!("the parts of bundle {} are damaged", published.content)));
        }
        Ok(whole)
    }
}

/// The bundle of a line for a terminal. `None`: none is for its engine; an error says why those that are do not do.
fn chosen(
    line: Line,
    ask: &BundleAsk,
    class: Option<&str>,
    policy: &str,
    now: Instant,
) -> Result<Option<Published>, String> {
    let name = line.name;
    let fits = line.published.into_iter().filter(|there| {
        there.target == ask.target
            && ask.engine.as_ref().is_none_or(|engine| *engine == there.engine)
            && ask.profile.as_ref().is_none_or(|profile| *profile == there.profile)
    });
    let Some(newest) = fits.max_by_key(|there| (there.version, there.at.unix_ms)) else { return Ok(None) };
    if newest.expires <= now {
        return Err(format!("version {} of {name} for {} expired at {}", newest.version, ask.target, newest.expires));
    }
    match newest.policy_for(class).map(|bundled| bundled.name.as_str()) {
        Some(bundled) if bundled == policy => Ok(Some(newest)),
        Some(other) => Err(format!(
            "in version {} of {name} this terminal would decide by {other}, and {policy} decides here",
            newest.version
        )),
        None => Err(format!("version {} of {name} has no policy for terminals of this class", newest.version)),
    }
}
