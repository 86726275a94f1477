//! Records of older formats. Each step goes from one format to the next on plain JSON, so that a later change of today's
//! types leaves it as it is; what it gives is read as today's only at the end.
//!
//! `sale/1` (contracts 0.1.0) → `sale/2`:
//!
//! - Fields that did not exist are absent or empty. A payment of which nobody knows is so since it was registered.
//! - Events get their links, computed over the events as they stand, and the ledger its head. From then on they are
//!   fixed; that nothing was changed *before* cannot be shown by them.
//! - What was captured, voided and refunded is posted as double entries, dated as it happened.
//! - The note of a refund stood in the ledger as text. It moves beside it ([`OldNote`]), where it can be erased, and stays
//!   readable. It gets no commitment: that would need a salt, and a salt that follows from the record protects nothing.
//! - The digest of a refund's request was taken over that text, and is taken anew without it. Approvals of exactly that
//!   digest follow. A digest that did not fit its request before does not fit it afterwards either: such consent stays
//!   worth nothing.

use crate::sale::{Aggregate, OldNote};
use rescind_model::encoding::{length, optional, text};
use rescind_model::{
    Account, Digest, Entry, Event, EventKind, Fee, FeeKind, Ledger, MerchantId, Money, OperationState, Party, Posting,
    RefundId, RefundState, SaleId, Side, chain, request,
};
use serde_json::{Map, Value, json};

/// Reads a sale of an older format.
pub(crate) fn sale(format: &str, data: Value) -> Option<Result<Aggregate, String>> {
    (format == "sale/1").then(|| from_1(data))
}

fn from_1(mut data: Value) -> Result<Aggregate, String> {
    let mut notes = Vec::new();
    let mut old_digests = Vec::new();
    {
        let ledger = object(&mut data, "/ledger")?;
        for (name, value) in [
            ("code", Value::Null),
            ("hold", Value::Null),
            ("refused_scan", Value::Null),
            ("operations", json!([])),
            ("cases", json!([])),
            ("orders", json!([])),
            ("returns", json!([])),
            ("liabilities", json!([])),
            ("entries", json!([])),
            ("chain", json!(Digest::of(b"").as_str())),
        ] {
            new_field(ledger, name, value)?;
        }
    }
    let doubt = doubt(&data)?;
    new_field(object(&mut data, "/ledger")?, "doubt", doubt)?;
    let (merchant, sale) = (word(&data, "/ledger/sale/merchant")?, word(&data, "/ledger/sale/id")?);
    for (place, names) in [("/ledger/sale", &["coupon", "contact", "service_at"][..]), ("/ledger/status", &["late"])] {
        for name in names {
            new_field(object(&mut data, place)?, name, Value::Null)?;
        }
    }
    let grounds = json!({"authentication": null, "identity": null, "grant": null, "order": null});
    for void in list(&mut data, "/ledger/voids")? {
        new_field(void.as_object_mut().ok_or("a void is no object")?, "grounds", grounds.clone())?;
    }
    for refund in list(&mut data, "/ledger/refunds")? {
        let old = digest_1(&merchant, &sale, refund)?;
        let id = word(refund, "/id")?;
        if word(refund, "/digest")? == old.as_str() {
            old_digests.push((id.clone(), old));
        }
        let request = object(refund, "/request")?;
        if let Some(Value::String(note)) = request.insert("note".to_owned(), Value::Null) {
            let refund = RefundId::parse(&id).map_err(|e| e.to_string())?;
            notes.push(OldNote { refund, text: note });
        }
        for name in ["contact", "corrects"] {
            new_field(request, name, Value::Null)?;
        }
        let refund = refund.as_object_mut().ok_or("a refund is no object")?;
        for (name, value) in [
            ("grounds", grounds.clone()),
            ("inquiries", json!([])),
            ("coupon", Value::Null),
            ("funding", Value::Null),
            ("trace", Value::Null),
        ] {
            new_field(refund, name, value)?;
        }
    }
    for event in list(&mut data, "/events")? {
        let event = event.as_object_mut().ok_or("an event is no object")?;
        new_field(event, "about", Value::Null)?;
        new_field(event, "link", json!(Digest::of(b"").as_str()))?;
    }
    let mut aggregate: Aggregate = serde_json::from_value(data).map_err(|e| e.to_string())?;
    aggregate.notes = notes;
    for (id, old) in old_digests {
        renew_digest(&mut aggregate.ledger, &id, &old);
    }
    post_what_happened(&mut aggregate)?;
    link(&mut aggregate);
    Ok(aggregate)
}

/// Since when nobody knows of a payment whose outcome is unknown: since it was registered.
fn doubt(data: &Value) -> Result<Value, String> {
    if word(data, "/ledger/status/outcome")? != "Unknown" {
        return Ok(Value::Null);
    }
    let since = data.pointer("/events/0/at").ok_or("/events/0/at: expected an instant")?;
    Ok(json!({"since": since, "attention": false}))
}

fn object<'a>(data: &'a mut Value, place: &str) -> Result<&'a mut Map<String, Value>, String> {
    data.pointer_mut(place).and_then(Value::as_object_mut).ok_or_else(|| format!("{place}: expected an object"))
}

fn list<'a>(data: &'a mut Value, place: &str) -> Result<&'a mut Vec<Value>, String> {
    data.pointer_mut(place).and_then(Value::as_array_mut).ok_or_else(|| format!("{place}: expected a list"))
}

fn word(data: &Value, place: &str) -> Result<String, String> {
    let found = data.pointer(place).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| format!("{place}: expected a text"))
}

fn number(data: &Value, place: &str) -> Result<i64, String> {
    data.pointer(place).and_then(Value::as_i64).ok_or_else(|| format!("{place}: expected a whole number"))
}

/// A field that the older format did not have.
fn new_field(of: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), String> {
    match of.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(format!("{name}: not a field of this format")),
    }
}

/// The digest of a request as contracts 0.1.0 took it (`rescind-refund-request/1`).
fn digest_1(merchant: &str, sale: &str, refund: &Value) -> Result<Digest, String> {
    let mut bytes = b"rescind-refund-request/1\0".to_vec();
    for name in [merchant, sale, word(refund, "/id")?.as_str()] {
        text(&mut bytes, name);
    }
    let revision = u32::try_from(number(refund, "/revision")?).map_err(|e| e.to_string())?;
    bytes.extend_from_slice(&revision.to_be_bytes());
    bytes.extend_from_slice(&number(refund, "/request/amount/minor")?.to_be_bytes());
    text(&mut bytes, &word(refund, "/request/amount/currency")?);
    text(&mut bytes, &word(refund, "/request/reason")?);
    let maybe = |place: &str| refund.pointer(place).and_then(Value::as_str);
    optional(&mut bytes, maybe("/request/note"));
    let evidence = refund.pointer("/request/evidence").and_then(Value::as_array);
    let evidence = evidence.ok_or("/request/evidence: expected a list")?;
    length(&mut bytes, evidence.len());
    for item in evidence {
        text(&mut bytes, &word(item, "/kind")?);
        text(&mut bytes, &word(item, "/content")?);
    }
    text(&mut bytes, &word(refund, "/request/requested_by")?);
    optional(&mut bytes, maybe("/request/operator"));
    Ok(Digest::of(&bytes))
}

/// Gives a refund, and the approvals of exactly what it was, the digest of today's encoding.
fn renew_digest(ledger: &mut Ledger, id: &str, old: &Digest) {
    let (merchant, sale): (MerchantId, SaleId) = (ledger.sale.merchant.clone(), ledger.sale.id.clone());
    for refund in ledger.refunds.iter_mut().filter(|r| r.id.as_str() == id) {
        let fresh = request::digest(&merchant, &sale, &refund.id, refund.revision, &refund.request);
        for approval in refund.approvals.iter_mut().filter(|a| a.digest == *old && a.revision == refund.revision) {
            approval.digest = fresh.clone();
        }
        refund.digest = fresh;
    }
}

/// Posts what the events say, as the refunds component posts it when it happens (its `entry.rs` has the table).
fn post_what_happened(aggregate: &mut Aggregate) -> Result<(), String> {
    let mut entries: Vec<Entry> = Vec::new();
    let ledger = &aggregate.ledger;
    for event in &aggregate.events {
        let good = event.reason.as_deref() == Some("good");
        match event.kind {
            EventKind::SaleRegistered | EventKind::SaleOutcomeKnown if good => {
                let (captured, fee) = (&ledger.sale.captured, &ledger.sale.fee_charged);
                post(&mut entries, event, "sale", None, &[(Account::Customer, Account::Merchant, captured)])?;
                let fee = [(Account::Merchant, Account::AcquiringFees, fee)];
                post(&mut entries, event, "acquiring-fee", None, &fee)?;
            }
            EventKind::VoidDone => {
                let void = ledger.voids.iter().find(|v| event.operation.as_ref() == Some(&v.id));
                let void = void.filter(|v| v.state == OperationState::Done).ok_or("a void that was done is missing")?;
                give_back(&mut entries, event, "void", void.id.as_str(), &void.amount, &void.fees)?;
            }
            EventKind::RefundCleared => {
                let refund = ledger.refunds.iter().find(|r| event.refund.as_ref() == Some(&r.id));
                let refund =
                    refund.filter(|r| r.state == RefundState::Cleared).ok_or("a refund that cleared is missing")?;
                give_back(&mut entries, event, "refund", refund.id.as_str(), &refund.request.amount, &refund.fees)?;
            }
            _ => {}
        }
    }
    aggregate.ledger.entries = entries;
    Ok(())
}

fn give_back(
    entries: &mut Vec<Entry>,
    event: &Event,
    what: &str,
    about: &str,
    amount: &Money,
    fees: &[Fee],
) -> Result<(), String> {
    post(entries, event, what, Some(about), &[(Account::Merchant, Account::Customer, amount)])?;
    let fees: Vec<(Account, Account, &Money)> = fees
        .iter()
        .map(|fee| {
            let payer = match fee.payer {
                Party::Merchant => Account::Merchant,
                Party::Customer => Account::Customer,
                Party::Acquirer => Account::Acquirer,
            };
            match fee.kind {
                FeeKind::AcquiringReturned => (Account::AcquiringFees, Account::Merchant, &fee.amount),
                FeeKind::Operation => (payer, Account::OperationFees, &fee.amount),
                FeeKind::Late => (payer, Account::LateFees, &fee.amount),
            }
        })
        .collect();
    post(entries, event, "fee", Some(about), &fees)
}

/// Posts lines of debit, credit and amount, unless they move nothing.
fn post(
    entries: &mut Vec<Entry>,
    event: &Event,
    what: &str,
    about: Option<&str>,
    lines: &[(Account, Account, &Money)],
) -> Result<(), String> {
    let postings: Vec<Posting> = lines
        .iter()
        .filter(|(_, _, amount)| !amount.is_zero())
        .flat_map(|(debit, credit, amount)| {
            let line = |account, side| Posting { account, side, amount: (*amount).clone() };
            [line(*debit, Side::Debit), line(*credit, Side::Credit)]
        })
        .collect();
    if postings.is_empty() {
        return Ok(());
    }
    let sequence = u64::try_from(entries.len()).ok().and_then(|n| n.checked_add(1)).ok_or("too many entries")?;
    entries.push(Entry {
        sequence,
        at: event.at,
        command: event.command.clone(),
        what: what.to_owned(),
        about: about.map(str::to_owned),
        postings,
    });
    Ok(())
}

fn link(aggregate: &mut Aggregate) {
    let sale = &aggregate.ledger.sale;
    let mut head = chain::start(&sale.merchant, &sale.id);
    for event in &mut aggregate.events {
        event.link = chain::link(&head, event);
        head = event.link.clone();
    }
    aggregate.ledger.chain = head;
}
