//! An export is believed for what it is and for nothing else: whatever is altered in it is found.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "tests may fail loudly, and count small things"
)]

use proptest::prelude::*;
use rescind_audit::export::SealedBytes;
use rescind_audit::{
    Checkpoint, Day, Export, FeedPosition, Hash, Head, Level, NotAnExport, Refused, Root, SalePart, Signed, Step, Tree,
    entries, verify,
};
use rescind_bundle::{PublicKey, Signer as _, SigningKey};
use rescind_model::{
    Account, ActingPerson, Actor, CommandId, Digest, Entry, Event, EventKind, Instant, MerchantId, Money, PersonId,
    Posting, Role, SaleId, Side, chain,
};
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;
/// 2026-11-23.
const TODAY: i64 = 20_780 * DAY_MS;

fn merchant() -> MerchantId {
    MerchantId::parse("M-1").unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed([7; 32])
}

fn public() -> PublicKey {
    key().public().clone()
}

/// A payment with three events, of which the last two posted something.
struct Payment {
    sale: SaleId,
    events: Vec<Event>,
    entries: Vec<Entry>,
}

impl Payment {
    fn new(name: &str) -> Self {
        let sale = SaleId::parse(name).unwrap();
        let mut link = chain::start(&merchant(), &sale);
        let kinds = [EventKind::SaleRegistered, EventKind::RefundSubmitted, EventKind::RefundCleared];
        let mut events = Vec::new();
        let mut posted = Vec::new();
        for (number, kind) in (1_u32..).zip(kinds) {
            let at = Instant { unix_ms: TODAY + i64::from(number) * 1_000 };
            let command = CommandId::parse(&format!("c-{number}")).unwrap();
            let person = PersonId::parse("kim").unwrap();
            let mut event = Event {
                sequence: number.into(),
                kind,
                at,
                command: command.clone(),
                operation: None,
                refund: None,
                amount: Some(Money::parse("60.00", "CNY").unwrap()),
                actor: Actor::Person(ActingPerson { id: person, roles: vec![Role::parse("manager").unwrap()] }),
                reason: Some("商品有误 \"returned\"".to_owned()),
                about: None,
                link: Digest::of(b""),
            };
            link = chain::link(&link, &event);
            event.link = link.clone();
            events.push(event);
            if number > 1 {
                let posting = |account, side| Posting { account, side, amount: Money::parse("60.00", "CNY").unwrap() };
                posted.push(Entry {
                    sequence: u64::from(number) - 1,
                    at,
                    command,
                    what: "refund".to_owned(),
                    about: Some("R-1".to_owned()),
                    postings: vec![posting(Account::Merchant, Side::Debit), posting(Account::Customer, Side::Credit)],
                });
            }
        }
        Self { sale, events, entries: posted }
    }

    fn head(&self, events: u64) -> Head {
        let salt = Hash::of(format!("salt {} {events}", self.sale).as_bytes());
        Head::after((&merchant(), &self.sale), (&self.events, &self.entries), events, salt).unwrap()
    }
}

/// A day of a few payments, in two volumes of two pages.
struct World {
    payments: Vec<Payment>,
    pages: Vec<Tree>,
    volumes: Vec<Tree>,
    day: Tree,
    row: Vec<Vec<u8>>,
}

impl World {
    fn new() -> Self {
        let payments: Vec<Payment> = (0..9).map(|n| Payment::new(&format!("S-{n}"))).collect();
        let digests: Vec<Vec<u8>> =
            payments.iter().map(|p| p.head(3).digest(&merchant(), &p.sale).0.to_vec()).collect();
        let pages: Vec<Tree> = digests.chunks(3).map(|page| Tree::of(page.to_vec())).collect();
        let volume = |part: &[Tree]| Tree::of(part.iter().map(|page| page.root().as_leaf(Level::Page)));
        let volumes: Vec<Tree> = pages.chunks(2).map(volume).collect();
        let day = Tree::of(volumes.iter().map(|volume| volume.root().as_leaf(Level::Volume)));
        let mut row: Vec<Vec<u8>> = Vec::new();
        for number in 1..=3_u64 {
            let previous = row.last().map(|before| Hash::of(before));
            // No two days have a head in common.
            let tree = if number == 1 { day.root() } else { Tree::of([number.to_be_bytes().to_vec()]).root() };
            let checkpoint = checkpoint(number, previous, tree);
            row.push(checkpoint.sign(&key()).unwrap());
        }
        Self { payments, pages, volumes, day, row }
    }

    /// The file of a payment, which is in the first checkpoint.
    fn export(&self, at: usize) -> Export {
        let payment = &self.payments[at];
        let step = |tree: &Tree, index: usize| {
            let index = u64::try_from(index).unwrap();
            Step { tree: tree.root(), index, siblings: tree.siblings(index).unwrap() }
        };
        let (page, volume) = (at / 3, at / 6);
        let part = SalePart {
            sale: payment.sale.clone(),
            checkpoint: 1,
            head: payment.head(3),
            way: [step(&self.pages[page], at % 3), step(&self.volumes[volume], page % 2), step(&self.day, volume)],
            events: Some(payment.events.clone()),
            entries: payment.entries.clone(),
        };
        Export::new(merchant(), self.row.iter().cloned().map(SealedBytes).collect(), Some(part))
    }
}

fn checkpoint(number: u64, previous: Option<Hash>, tree: Root) -> Checkpoint {
    let at = Instant { unix_ms: TODAY + i64::try_from(number).unwrap() * DAY_MS };
    Checkpoint {
        merchant: merchant(),
        number,
        day: Day::of(at).before(),
        previous,
        from: FeedPosition { page: number - 1, index: 0 },
        until: FeedPosition { page: number, index: 0 },
        heads: 9,
        tree,
        made_at: at,
    }
}

fn check(export: &Export) -> Result<rescind_audit::Proved, Refused> {
    verify(export.to_text().unwrap().as_bytes(), &[public()])
}

#[test]
fn every_payment_of_a_day_is_proved_by_its_file() {
    let world = World::new();
    for at in 0..world.payments.len() {
        let proved = check(&world.export(at)).unwrap();
        let payment = proved.payment.unwrap();
        assert_eq!((payment.sale.clone(), payment.checkpoint), (world.payments[at].sale.clone(), 1));
        assert_eq!(payment.head, world.payments[at].head(3));
        assert_eq!((payment.events.unwrap().len(), payment.entries.len()), (3, 2));
        let days: Vec<String> = proved.checkpoints.iter().map(|(c, _)| c.day.to_string()).collect();
        assert_eq!(days, ["2026-11-23", "2026-11-24", "2026-11-25"]);
    }
}

#[test]
fn a_head_commits_to_what_was_posted_by_then_and_to_nothing_later() {
    let payment = Payment::new("S-1");
    let posted: Vec<u64> = (1..=3).map(|events| payment.head(events).entries).collect();
    assert_eq!(posted, [0, 1, 2]);
    let earlier = Payment { events: payment.events[..2].to_vec(), entries: payment.entries[..1].to_vec(), ..payment };
    assert_eq!(earlier.head(2), Payment::new("S-1").head(2), "the same before and after something else happened");
    let salt = Hash::of(b"");
    assert_eq!(Head::after((&merchant(), &earlier.sale), (&earlier.events, &earlier.entries), 3, salt), None);
}

#[test]
fn not_one_byte_can_differ() {
    let text = World::new().export(4).to_text().unwrap().into_bytes();
    assert!(verify(&text, &[public()]).is_ok());
    let mut accepted = Vec::new();
    for at in 0..text.len() {
        // A bit of its value, its case, and another digit or letter.
        let byte = text[at];
        for other in [byte ^ 1, byte ^ 0x20, byte.wrapping_add(1)] {
            let mut altered = text.clone();
            altered[at] = other;
            if verify(&altered, &[public()]).is_ok() {
                accepted.push((at, char::from(byte), char::from(other)));
            }
        }
        let mut without = text.clone();
        without.remove(at);
        let mut twice = text.clone();
        twice.insert(at, byte);
        for altered in [without, twice, text[..at].to_vec()] {
            if verify(&altered, &[public()]).is_ok() {
                accepted.push((at, char::from(byte), ' '));
            }
        }
    }
    assert_eq!(accepted, [], "of {} bytes", text.len());
}

/// All values of a document that differ from it in one place, each with where that is.
fn altered(value: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    match value {
        Value::Null => all.push((String::new(), json!(0))),
        Value::Bool(b) => all.push((String::new(), json!(!b))),
        Value::Number(n) => {
            all.push((String::new(), json!(n.as_i64().unwrap() + 1)));
            all.push((String::new(), json!(0_i64.min(n.as_i64().unwrap() - 1))));
        }
        Value::String(s) => {
            all.push((String::new(), json!(format!("{s}x"))));
            all.push((String::new(), json!("")));
            all.push((String::new(), json!("S-1")));
            all.push((String::new(), json!("0".repeat(64))));
        }
        Value::Array(items) => {
            for at in 0..items.len() {
                let mut fewer = items.clone();
                let item = fewer.remove(at);
                all.push((format!("/{at} removed"), json!(fewer)));
                let mut more = items.clone();
                more.insert(at, item);
                all.push((format!("/{at} twice"), json!(more)));
                if at > 0 && items[at] != items[at - 1] {
                    let mut swapped = items.clone();
                    swapped.swap(at, at - 1);
                    all.push((format!("/{at} swapped"), json!(swapped)));
                }
                for (place, other) in altered(&items[at]) {
                    let mut next = items.clone();
                    next[at] = other;
                    all.push((format!("/{at}{place}"), json!(next)));
                }
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let mut fewer = members.clone();
                fewer.remove(name);
                all.push((format!("/{name} removed"), json!(fewer)));
                for (place, other) in altered(member) {
                    let mut next = members.clone();
                    next.insert(name.clone(), other);
                    all.push((format!("/{name}{place}"), json!(next)));
                }
            }
        }
    }
    all.into_iter().filter(|(_, other)| other != value).collect()
}

#[test]
fn not_one_value_can_differ_however_well_it_is_written() {
    let export = World::new().export(4);
    let document = serde_json::to_value(&export).unwrap();
    let mut accepted = Vec::new();
    let mut tried = 0;
    for (place, other) in altered(&document) {
        // Written as the program itself writes it, so that nothing but the value is refused.
        let Ok(other) = serde_json::from_value::<Export>(other) else { continue };
        tried += 1;
        if other != export && check(&other).is_ok() {
            accepted.push(place);
        }
    }
    // What is left out of the end of a row, and a history that is withheld, is shorter and as true.
    let shorter = ["/checkpoints/2 removed", "/payment removed", "/payment/events removed"];
    assert_eq!(accepted, shorter, "of {tried}");
    assert!(tried > 200, "{tried}");
}

#[test]
fn a_history_that_was_told_anew_is_refused_although_it_fits_itself() {
    let world = World::new();
    let mut export = world.export(4);
    let part = export.payment.as_mut().unwrap();
    let events = part.events.as_mut().unwrap();
    let mut link = chain::start(&merchant(), &part.sale);
    for event in events.iter_mut() {
        event.amount = Some(Money::parse("6.00", "CNY").unwrap());
        event.link = chain::link(&link, event);
        link = event.link.clone();
    }
    assert_eq!(check(&export), Err(Refused::History(chain::Broken::Head)));
    // And with the head of that history, it is in no tree.
    part_of(&mut export).head.link = link;
    assert_eq!(check(&export), Err(Refused::NotIncluded { number: 1, tree: "page" }));
}

fn part_of(export: &mut Export) -> &mut SalePart {
    export.payment.as_mut().unwrap()
}

#[test]
fn what_a_head_commits_to_is_held_against_the_sum_of_each_entry() {
    let world = World::new();
    let mut payment = Payment::new("S-1");
    payment.entries[1].postings[0].amount = Money::parse("60.01", "CNY").unwrap();
    let head = payment.head(3);
    let page = Tree::of([head.digest(&merchant(), &payment.sale).0.to_vec()]);
    let volume = Tree::of([page.root().as_leaf(Level::Page)]);
    let day = Tree::of([volume.root().as_leaf(Level::Volume)]);
    let sealed = checkpoint(1, None, day.root()).sign(&key()).unwrap();
    let step = |tree: &Tree| Step { tree: tree.root(), index: 0, siblings: vec![] };
    let mut export = world.export(1);
    export.checkpoints = vec![SealedBytes(sealed)];
    let part = part_of(&mut export);
    (part.head, part.way) = (head, [step(&page), step(&volume), step(&day)]);
    (part.events, part.entries) = (Some(payment.events), payment.entries);
    assert_eq!(check(&export), Err(Refused::Unbalanced(2)));
}

#[test]
fn entries_balance_in_one_currency_and_not_by_nothing() {
    let good = Payment::new("S-1").entries.remove(0);
    assert!(entries::balances(&good));
    let with = |change: fn(&mut Entry)| {
        let mut entry = good.clone();
        change(&mut entry);
        entries::balances(&entry)
    };
    assert!(!with(|e| e.postings.clear()));
    assert!(!with(|e| e.postings.truncate(1)));
    assert!(!with(|e| e.postings[0].side = Side::Credit));
    assert!(!with(|e| e.postings[0].amount.currency = "USD".to_owned()));
    assert!(!with(|e| e.postings.iter_mut().for_each(|p| p.amount.minor = 0)));
    assert!(!with(|e| e.postings.iter_mut().for_each(|p| p.amount.minor = i64::MIN)));
}

#[test]
fn the_right_key_is_needed_and_another_is_named() {
    let text = World::new().export(0).to_text().unwrap();
    let other = SigningKey::from_seed([8; 32]);
    assert!(verify(text.as_bytes(), &[other.public().clone(), public()]).is_ok());
    let refused = verify(text.as_bytes(), &[other.public().clone()]);
    assert_eq!(refused, Err(Refused::UnknownKey { number: 1, key: public().id() }));
    // Somebody else's signature under the name of the right key.
    let world = World::new();
    let mut export = world.export(0);
    let own = checkpoint(1, None, world.day.root()).sign(&other).unwrap();
    let (from, to) = (other.public().id().0, public().id().0);
    let at = own.windows(8).position(|window| window == from).unwrap();
    let mut renamed = own;
    renamed[at..at + 8].copy_from_slice(&to);
    export.checkpoints = vec![SealedBytes(renamed)];
    assert_eq!(check(&export), Err(Refused::Signature { number: 1 }));
}

#[test]
fn a_row_has_no_gap_and_no_second_history() {
    let world = World::new();
    let row = |seals: &[&Vec<u8>]| {
        let seals = seals.iter().map(|sealed| SealedBytes((*sealed).clone())).collect();
        check(&Export::new(merchant(), seals, None)).map(|proved| proved.checkpoints.len())
    };
    let [one, two, three] = &world.row[..] else { panic!("three") };
    assert_eq!((row(&[one, two, three]), row(&[two, three]), row(&[three])), (Ok(3), Ok(2), Ok(1)));
    assert_eq!(row(&[]), Err(Refused::Checkpoints(0)));
    assert_eq!(row(&[one, three]), Err(Refused::Row { number: 3 }));
    assert_eq!(row(&[two, one]), Err(Refused::Row { number: 1 }));
    assert_eq!(row(&[one, one]), Err(Refused::Row { number: 1 }));
    // Signed by the same key, and of another history: the day before was told anew.
    let retold = checkpoint(1, None, Root { size: 1, root: Hash::of(b"retold") }).sign(&key()).unwrap();
    assert_eq!(row(&[&retold, two]), Err(Refused::Row { number: 2 }));
    // One that begins elsewhere than the one before it ended.
    let mut moved = checkpoint(2, Some(Hash::of(one)), world.day.root());
    moved.from = FeedPosition { page: 0, index: 5 };
    assert_eq!(row(&[one, &moved.sign(&key()).unwrap()]), Err(Refused::Row { number: 2 }));
    // Another merchant's.
    let mut other = checkpoint(1, None, world.day.root());
    other.merchant = MerchantId::parse("M-2").unwrap();
    let refused = row(&[&other.sign(&key()).unwrap()]);
    assert_eq!(
        refused,
        Err(Refused::OtherMerchant { number: 1, expected: merchant(), found: MerchantId::parse("M-2").unwrap() })
    );
}

#[test]
fn a_checkpoint_reads_back_and_one_that_cannot_be_does_not() {
    let good = checkpoint(2, Some(Hash::of(b"1")), Tree::of([vec![1]]).root());
    let sealed = good.sign(&key()).unwrap();
    let read = Signed::read(&sealed).unwrap();
    assert_eq!((read.checkpoint.clone(), read.hash, read.key), (good.clone(), Hash::of(&sealed), public().id()));
    assert_eq!(read.check(&public()), Ok(()));
    let impossible: [fn(&mut Checkpoint); 4] =
        [|c| c.number = 0, |c| c.number = 1, |c| c.previous = None, |c| c.until = c.from];
    for change in impossible {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(Signed::read(&bad.sign(&key()).unwrap()).is_err(), "{bad:?}");
    }
    // What such a key signs for another purpose is no checkpoint.
    let bundle = rescind_bundle::cose::seal(rescind_bundle::cose::Kind::Journal, &[], b"x", &key()).unwrap();
    assert!(Signed::read(&bundle).is_err());
}

#[test]
fn another_form_of_the_same_is_refused_by_name() {
    let export = World::new().export(0);
    let pretty = serde_json::to_vec_pretty(&export).unwrap();
    assert_eq!(verify(&pretty, &[public()]), Err(Refused::NotAnExport(NotAnExport::Rewritten)));
    let line = format!("{}\n", export.to_text().unwrap());
    assert_eq!(verify(line.as_bytes(), &[public()]), Err(Refused::NotAnExport(NotAnExport::Rewritten)));
}

/// A tree of so many leaves, all different.
fn tree(size: u16) -> Tree {
    Tree::of((0..size).map(leaf))
}

fn leaf(number: u16) -> Vec<u8> {
    Hash::of(&number.to_be_bytes()).0.to_vec()
}

#[test]
fn trees_are_those_of_rfc_6962() {
    // The empty tree, and that of one empty leaf, as the RFC's reference implementation has them.
    let empty = Tree::of([]).root();
    let known = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!((empty.size, empty.root.to_string().as_str()), (0, known));
    let known = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    assert_eq!(Tree::of([vec![]]).root().root.to_string(), known);
    // By the definition, for two leaves: SHA-256(1, SHA-256(0, a), SHA-256(0, b)).
    let hashed = |prefix: u8, parts: &[&[u8]]| Hash::of(&[&[prefix], parts.concat().as_slice()].concat());
    let (a, b) = (hashed(0, &[b"a"]), hashed(0, &[b"b"]));
    assert_eq!(Tree::of([b"a".to_vec(), b"b".to_vec()]).root().root, hashed(1, &[&a.0, &b.0]));
}

#[test]
fn in_trees_of_every_size_each_leaf_is_proved_at_its_place_and_at_no_other() {
    for size in 0..=300_u16 {
        let (tree, root) = (tree(size), tree(size).root());
        assert_eq!(root.size, u64::from(size));
        assert_eq!(tree.siblings(size.into()), None);
        // All places in small trees, some in large ones: the tests are not optimised.
        for at in (0..size).step_by(usize::from(size / 16).max(1)) {
            let siblings = tree.siblings(at.into()).unwrap();
            assert!(root.has(&leaf(at), at.into(), &siblings), "{at} of {size}");
            assert!(!root.has(&leaf(size), at.into(), &siblings), "another leaf at {at} of {size}");
            for other in [at.wrapping_sub(1), at + 1, size] {
                assert!(!root.has(&leaf(at), other.into(), &siblings), "{at} at {other} of {size}");
            }
        }
    }
}

proptest! {
    #[test]
    fn a_proof_that_was_altered_proves_nothing(size in 1_u16..300, at: u16, bit in 0_usize..256, which: usize) {
        let at = at % size;
        let (tree, root) = (tree(size), tree(size).root());
        let siblings = tree.siblings(at.into()).unwrap();
        prop_assert!(root.has(&leaf(at), at.into(), &siblings));
        let flip = |hash: &mut Hash| hash.0[bit / 8] ^= 1 << (bit % 8);
        let mut other = root;
        flip(&mut other.root);
        prop_assert!(!other.has(&leaf(at), at.into(), &siblings));
        if !siblings.is_empty() {
            let mut altered = siblings.clone();
            let which = which % altered.len();
            flip(&mut altered[which]);
            prop_assert!(!root.has(&leaf(at), at.into(), &altered));
            prop_assert!(!root.has(&leaf(at), at.into(), &siblings[1..]));
        }
        let longer: Vec<Hash> = siblings.iter().copied().chain([Hash::of(b"")]).collect();
        prop_assert!(!root.has(&leaf(at), at.into(), &longer));
    }

    #[test]
    fn trees_with_other_leaves_have_other_roots(size in 1_u16..300, at: u16) {
        let at = at % size;
        let other = Tree::of((0..size).map(|n| if n == at { leaf(size) } else { leaf(n) }));
        prop_assert_ne!(other.root(), tree(size).root());
        prop_assert_ne!(tree(size + 1).root(), tree(size).root());
    }

    #[test]
    fn whatever_is_read_is_refused_or_an_export(bytes: Vec<u8>) {
        prop_assert!(verify(&bytes, &[public()]).is_err());
    }
}

#[test]
fn a_report_says_what_is_proved_and_what_is_not() {
    let world = World::new();
    let mut export = world.export(4);
    export.checkpoints.truncate(1);
    let proved = check(&export).unwrap();
    let hash = proved.checkpoints[0].1;
    let expected = [
        "Merchant M-1.",
        "",
        "Proved:",
        "  checkpoint 1 of 2026-11-23: 9 events, made 2026-11-24T00:00:00Z, signed by one of the keys",
        &format!("    hash {hash}"),
        "  payment S-4 is in checkpoint 1 with 3 events",
        "  its whole history up to there is this, none changed, left out or added:",
        "    1 2026-11-23T00:00:01Z sale.registered, 60.00 CNY by kim, \"商品有误 \\\"returned\\\"\"",
        "    2 2026-11-23T00:00:02Z refund.submitted, 60.00 CNY by kim, \"商品有误 \\\"returned\\\"\"",
        "    3 2026-11-23T00:00:03Z refund.cleared, 60.00 CNY by kim, \"商品有误 \\\"returned\\\"\"",
        "  its double entries up to there are these, each summing to zero:",
        "    1 2026-11-23T00:00:02Z refund: debit merchant 60.00 CNY, credit customer 60.00 CNY",
        "    2 2026-11-23T00:00:03Z refund: debit merchant 60.00 CNY, credit customer 60.00 CNY",
        "",
        "Not proved:",
        "  what happened to the payment after event 3: later checkpoints commit to it",
        "  that nobody was shown another row of checkpoints: compare a hash above with one that somebody else kept",
        "  when a checkpoint was made, but by its maker's own clock",
        "  that money moved: this is what the system recorded, not what a bank did",
    ];
    assert_eq!(proved.report(), expected);
    assert!(proved.has_checkpoint(hash) && !proved.has_checkpoint(Hash::of(b"")));

    part_of(&mut export).events = None;
    let withheld = check(&export).unwrap().report();
    let link = &world.payments[4].events[2].link;
    assert!(
        withheld.contains(&format!("  the last link of its history is {link}; the history itself is not in the file"))
    );
    assert!(withheld.contains(&"  what its events say: whoever took the file out may not see all of it".to_owned()));

    let days = check(&Export::new(merchant(), world.export(0).checkpoints, None)).unwrap().report();
    assert!(
        days.contains(
            &"  each of these checkpoints names the one before it, and begins where that one ended".to_owned()
        )
    );
    assert!(days.contains(&"  anything about a single payment: the file shows none".to_owned()));
}
