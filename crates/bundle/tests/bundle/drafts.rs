//! Keys that never leave their module: drafts go to it, signatures come back.

use crate::world::{NOW, content, engine, key, trust};
use rescind_bundle::{
    Algorithm, Draft, Ed25519, PublicKey, SignFailed, Signer, Trust, Unsignable, inspect_draft, limits, verify,
};

/// A module's answer: a signature that was made elsewhere.
struct Answered {
    public: PublicKey,
    signature: Vec<u8>,
}

impl Signer for Answered {
    fn public(&self) -> &PublicKey {
        &self.public
    }
    fn sign(&self, _: &[&[u8]]) -> Result<Vec<u8>, SignFailed> {
        Ok(self.signature.clone())
    }
}

#[test]
fn a_draft_that_is_signed_elsewhere_is_the_bundle_that_would_have_been_signed_here() {
    let (second, change) = trust().change(vec![key(2).public().clone()], &key(1)).unwrap();
    let draft = Draft::new(&content(7, 100), vec![change.clone()]).unwrap();
    let again = Draft::read(&draft.write().unwrap()).unwrap();
    assert_eq!(again, draft);
    assert_eq!(again.changes(), core::slice::from_ref(&change));

    let message = again.message(key(2).public()).unwrap();
    let answered = Answered { public: key(2).public().clone(), signature: key(2).sign(&[&message]).unwrap() };
    let bundle = again.sign(&answered).unwrap();
    assert_eq!(bundle, content(7, 100).sign(&[change], &key(2)).unwrap());
    let seen = verify(bundle, &trust(), NOW, None, &engine(), &Ed25519).unwrap();
    assert_eq!(seen.trust(), &second);
}

#[test]
fn a_change_of_keys_that_is_signed_elsewhere_is_the_same_change() {
    let keys = vec![key(2).public().clone(), key(3).public().clone()];
    let message = trust().change_message(keys.clone(), key(1).public()).unwrap();
    let answered = Answered { public: key(1).public().clone(), signature: key(1).sign(&[&message]).unwrap() };
    assert_eq!(trust().change(keys.clone(), &answered), trust().change(keys.clone(), &key(1)));
    assert!(trust().change_message(keys, key(2).public()).is_err(), "only a key of the set can change it");
}

#[test]
fn what_terminals_would_refuse_is_no_draft() {
    let mut none = content(7, 100);
    none.policies.clear();
    assert!(matches!(Draft::new(&none, vec![]), Err(Unsignable::Content(_))));
    let bytes = Draft::new(&content(7, 100), vec![]).unwrap().write().unwrap();
    for cut in 0..bytes.len() {
        assert!(Draft::read(&bytes[..cut]).is_err(), "{cut} bytes");
    }
    assert!(Draft::read(&[bytes.clone(), vec![0]].concat()).is_err());
    assert!(Draft::read(&content(7, 100).sign(&[], &key(1)).unwrap()).is_err(), "a bundle is no draft");
    let long = Answered { public: key(1).public().clone(), signature: vec![0; limits::SIGNATURE_BYTES + 1] };
    assert!(matches!(Draft::read(&bytes).unwrap().sign(&long), Err(Unsignable::Sign(_))));
}

#[test]
fn a_draft_shows_what_its_bundle_will_say() {
    let bytes = Draft::new(&content(7, 100), vec![]).unwrap().write().unwrap();
    let shown = inspect_draft(&bytes).unwrap();
    assert_eq!((shown.version, &shown.key), (7, &None));
    assert_eq!(shown.to_string().lines().nth(2), Some("signed by   nobody: a draft"));
    assert!(serde_json::to_value(&shown).unwrap().get("key").is_none());
}

#[test]
fn a_set_of_keys_that_people_wrote_is_checked() {
    assert_eq!(trust().checked(), Ok(trust()));
    for bad in [
        Trust { name: String::new(), ..trust() },
        Trust { name: "two words".into(), ..trust() },
        Trust { number: 0, ..trust() },
        Trust { keys: vec![], ..trust() },
        Trust { keys: vec![key(1).public().clone(); 2], ..trust() },
        Trust { retired: vec![key(1).public().clone()], ..trust() },
    ] {
        assert!(bad.clone().checked().is_err(), "{bad:?}");
    }
    let module = PublicKey::new(Algorithm(-65_600), &[4; 65]).unwrap();
    assert!(Trust::first("lakala-north", module).checked().is_ok());
}
