//! Everything about one payment, for a dispute: gathered at once, masked by who asks.

use crate::app::App;
use crate::endpoint::{Cursor, Endpoint};
use crate::error::Error;
use crate::feed::reference;
use crate::limits::{EXPORT_SCAN, PAGE_ENTRIES};
use crate::mask::Lens;
use crate::policies::PolicyDocument;
use crate::ports::Ports;
use crate::principal::{Bearer, Deed, Principal};
use crate::sale::Aggregate;
use crate::store::key::Key;
use crate::store::lane::Lane;
use crate::store::list::Position;
use rescind_model::{Digest, Instant, MerchantId, PersonId, PolicyIdentity, SaleId, chain};

/// Roles that see an export unmasked. Everybody else who may take one out sees no payer token, no commitment and no note.
const UNMASKED: [&str; 3] = ["manager", "auditor", "compliance"];

/// What stands in for what is masked.
const MASK: &str = "***";

/// Everything about one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The ledger and its history.
    pub aggregate: Aggregate,
    /// When it was taken out.
    pub at: Instant,
    /// Whether personal data is masked in it.
    pub masked: bool,
    /// What is wrong with the chain of events, if anything is.
    pub broken: Option<String>,
    /// What is personal about it, as who asks sees it.
    pub lens: Lens,
    /// The policies that decided, each once.
    pub policies: Vec<ExportedPolicy>,
    /// The digest of the component that makes transitions here.
    pub component: String,
    /// Evidence, in the order it was given.
    pub evidence: Vec<ExportedEvidence>,
    /// What the merchant's systems were told.
    pub deliveries: Vec<Delivery>,
}

/// A policy that decided something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedPolicy {
    /// Its identity; the hash is the SHA-256 of its canonical document.
    pub identity: PolicyIdentity,
    /// Whether the document is kept, and still hashes to that.
    pub kept: bool,
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedEvidence {
    /// What it is.
    pub kind: String,
    /// The SHA-256 of its content.
    pub content: Digest,
    /// The refund or case it was given for.
    pub about: String,
    /// Who asked for that.
    pub by: PersonId,
    /// When that was asked for.
    pub at: Instant,
}

/// How far a webhook endpoint was told of the payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The endpoint.
    pub endpoint: String,
    /// Since when it exists; what happened before was not for it.
    pub since: Instant,
    /// Events of the payment that it has not been told of. All of them, if `complete`.
    pub waiting: Vec<u64>,
    /// Whether there are no others: the feed was read to the payment's last event or to its end, and nothing of the payment
    /// waits to be published. Otherwise more than [`EXPORT_SCAN`] events are before the endpoint that is furthest behind.
    pub complete: bool,
    /// Since when deliveries fail, if they do.
    pub failing_since: Option<Instant>,
}

/// Whether somebody who takes an export out sees it masked.
pub(crate) fn is_masked_for(who: &Principal, merchant: &MerchantId) -> bool {
    match &who.bearer {
        Bearer::Person { .. } => !who.roles_at(merchant).iter().any(|role| UNMASKED.contains(&role.as_str())),
        Bearer::System { .. } => false,
        // An admin sets things up and has no business with whom a merchant's customers are.
        Bearer::Admin | Bearer::Terminal { .. } => true,
    }
}

impl<P: Ports> App<P> {
    /// Everything about one payment.
    ///
    /// # Errors
    /// Not permitted; no such payment.
    pub async fn export(&self, who: &Principal, merchant: &MerchantId, sale: &SaleId) -> Result<Exported, Error> {
        who.may(Deed::Export, merchant)?;
        self.publish_waiting().await;
        let mut aggregate = self.sale(who, merchant, sale).await?;
        let broken = chain::verify(&aggregate.ledger, &aggregate.events).err().map(|broken| broken.to_string());
        let lens = self.lens(who, merchant, &aggregate).await?;
        let evidence = evidence_of(&aggregate);
        let policies = self.policies_of(&aggregate).await?;
        let deliveries = self.deliveries_of(merchant, &aggregate).await?;
        let masked = is_masked_for(who, merchant);
        if masked {
            mask(&mut aggregate);
        }
        let component = self.ports.component().to_owned();
        Ok(Exported {
            aggregate,
            at: self.ports.now(),
            masked,
            broken,
            lens,
            policies,
            component,
            evidence,
            deliveries,
        })
    }

    async fn policies_of(&self, aggregate: &Aggregate) -> Result<Vec<ExportedPolicy>, Error> {
        let ledger = &aggregate.ledger;
        let voids = ledger.voids.iter().map(|void| &void.policy);
        let refunds = ledger.refunds.iter().map(|refund| &refund.policy);
        let operations = ledger.operations.iter().map(|operation| &operation.policy);
        let cases = ledger.cases.iter().map(|case| &case.policy);
        let mut policies: Vec<ExportedPolicy> = Vec::new();
        for identity in voids.chain(refunds).chain(operations).chain(cases) {
            if policies.iter().any(|policy| policy.identity == *identity) {
                continue;
            }
            let key = Key::policy(&identity.hash);
            let kept = self.records().await?.read::<PolicyDocument>(&key).await?;
            let kept = kept.is_some_and(|document| Digest::of(document.canonical.as_bytes()) == identity.hash);
            policies.push(ExportedPolicy { identity: identity.clone(), kept });
        }
        Ok(policies)
    }

    /// How far the merchant's endpoints were told: the payment's events that are in the feed after where each of them is.
    async fn deliveries_of(&self, merchant: &MerchantId, aggregate: &Aggregate) -> Result<Vec<Delivery>, Error> {
        let records = self.records().await?;
        let mut endpoints = Vec::new();
        for endpoint in self.endpoints_of(merchant).await? {
            let cursor = records.read::<Cursor>(&Key::cursor(merchant, &endpoint.id)).await?;
            let from = cursor.as_ref().map_or(endpoint.from, |cursor| cursor.at);
            endpoints.push((endpoint, from, cursor.and_then(|cursor| cursor.failing_since)));
        }
        let Some(furthest_behind) = endpoints.iter().map(|(_, from, _)| *from).min() else { return Ok(Vec::new()) };
        let own = self.in_feed(merchant, aggregate, furthest_behind).await?;
        let told = |(endpoint, from, failing_since): (Endpoint, Position, Option<Instant>)| Delivery {
            endpoint: endpoint.id,
            since: endpoint.created_at,
            waiting: own.found.iter().filter(|(at, _)| *at > from).map(|(_, sequence)| *sequence).collect(),
            complete: own.complete,
            failing_since,
        };
        Ok(endpoints.into_iter().map(told).collect())
    }

    /// A payment's events in the feed from a position on. They are there in their order: after the last one are no more.
    async fn in_feed(
        &self,
        merchant: &MerchantId,
        aggregate: &Aggregate,
        mut from: Position,
    ) -> Result<OwnInFeed, Error> {
        let records = self.records().await?;
        let sale = &aggregate.ledger.sale.id;
        let last = aggregate.events.last().map_or(0, |event| event.sequence);
        let mut found: Vec<(Position, u64)> = Vec::new();
        let mut looked_at = 0_usize;
        while looked_at < EXPORT_SCAN {
            let slice = records.slice(&Key::feed(merchant), from, PAGE_ENTRIES).await?;
            let own = slice.entries.iter().filter_map(|(at, entry)| Some((*at, reference(entry)?)));
            found.extend(own.filter(|(_, (of, _))| of == sale).map(|(at, (_, sequence))| (at, sequence)));
            if found.iter().any(|(_, sequence)| *sequence >= last) {
                return Ok(OwnInFeed { found, complete: true });
            }
            if !slice.more {
                let lane = records.read::<Lane>(&Self::lane_of(merchant, sale)).await?.unwrap_or_default();
                let waits = lane.intents.iter().any(|i| i.merchant == *merchant && i.sale == *sale && !i.published);
                return Ok(OwnInFeed { found, complete: !waits });
            }
            looked_at = looked_at.saturating_add(slice.entries.len());
            from = slice.entries.last().map_or(from, |(at, _)| *at);
        }
        Ok(OwnInFeed { found, complete: false })
    }
}

/// A payment's events in a part of the feed.
struct OwnInFeed {
    /// Where each is, and its number.
    found: Vec<(Position, u64)>,
    /// Whether there are no others behind.
    complete: bool,
}

fn evidence_of(aggregate: &Aggregate) -> Vec<ExportedEvidence> {
    let ledger = &aggregate.ledger;
    let refunds = ledger.refunds.iter().flat_map(|refund| {
        refund.request.evidence.iter().map(|item| ExportedEvidence {
            kind: item.kind.clone(),
            content: item.content.clone(),
            about: refund.id.to_string(),
            by: refund.request.requested_by.clone(),
            at: refund.submitted_at,
        })
    });
    let cases = ledger.cases.iter().flat_map(|case| {
        case.evidence.iter().map(|item| ExportedEvidence {
            kind: item.kind.clone(),
            content: item.content.clone(),
            about: case.id.to_string(),
            by: case.opened_by.clone(),
            at: case.opened_at,
        })
    });
    let mut all: Vec<_> = refunds.chain(cases).collect();
    all.sort_by_key(|item| item.at);
    all
}

/// Takes out what says who the customer is, and what people wrote. The chain is verified before: a reader of a masked
/// export cannot verify what was masked, and is told so.
fn mask(aggregate: &mut Aggregate) {
    aggregate.notes.clear();
    let masked = |text: &mut Option<String>| {
        if let Some(text) = text {
            MASK.clone_into(text);
        }
    };
    let ledger = &mut aggregate.ledger;
    masked(&mut ledger.sale.payer_token);
    masked(&mut ledger.sale.order_number);
    ledger.sale.contact = None;
    for refund in &mut ledger.refunds {
        refund.request.note = None;
        masked(&mut refund.ended_because);
        refund.request.contact = None;
        if let Some(proof) = &mut refund.grounds.identity {
            masked(&mut proof.reference);
        }
        for inquiry in &mut refund.inquiries {
            // It is a commitment, and has to be one: that to nothing.
            inquiry.question = Digest { hex: "0".repeat(64) };
        }
    }
    for case in &mut ledger.cases {
        masked(&mut case.because);
    }
    for order in &mut ledger.orders {
        MASK.clone_into(&mut order.reason);
    }
    for liability in &mut ledger.liabilities {
        masked(&mut liability.because);
    }
    for event in &mut aggregate.events {
        masked(&mut event.reason);
    }
}
