//! What is not loaded, and what a runtime bears.

#[cfg(not(rescind_translated))]
use crate::world::component;
use crate::world::{NATIVE, machine, packs, runtime, translated};
#[cfg(not(rescind_translated))]
use rescind_decider::Translation;
use rescind_decider::{DeciderError, Runtime, Target, Verified};

#[cfg(not(rescind_translated))]
#[test]
fn a_component_that_is_something_else_is_refused() {
    let error = Translation::of(&wat::parse_str("(component)").unwrap(), &Target::Host).unwrap().run(1).unwrap_err();
    assert!(matches!(&error, DeciderError::Contract { reason } if reason.contains("does not export")), "{error}");
    let wants = r#"(component (import "wasi:cli/exit@0.2.0" (instance (export "exit" (func)))))"#;
    let error = Translation::of(&wat::parse_str(wants).unwrap(), &Target::Host).unwrap().run(1).unwrap_err();
    assert!(matches!(&error, DeciderError::Contract { reason } if reason.contains("wasi:cli/exit")), "{error}");
}

#[cfg(not(rescind_translated))]
#[test]
fn what_is_no_component_is_not_translated() {
    let error = Translation::of(b"\0asm\x01\0\0\0", &Target::Host).unwrap_err();
    assert!(matches!(error, DeciderError::Translation { .. }), "{error}");
    let error = Translation::of(component(), &Target::Named("abacus".to_owned())).unwrap_err();
    assert!(matches!(error, DeciderError::Profile { .. }), "{error}");
}

#[test]
fn a_translation_for_another_target_does_not_load() {
    let pulley = translated(&Target::Pulley);
    // The byte code of the other pointer width.
    let other = if cfg!(target_pointer_width = "32") { "pulley64" } else { "pulley32" };
    let other = translated(&Target::Named(other.to_owned()));
    // SAFETY: made above, unaltered.
    #[allow(unsafe_code, reason = "see above")]
    let (verified, other) = unsafe { (Verified::new(&pulley), Verified::new(&other)) };
    let foreign = if machine().is_pulley() { other } else { verified };
    for (target, translation) in [(machine(), foreign), (Target::Pulley, other)] {
        let error = Runtime::load(&target, translation).unwrap_err();
        assert!(matches!(error, DeciderError::Mismatch { .. }), "{error}");
    }
    assert!(Runtime::load(&Target::Pulley, verified).is_ok());
}

#[cfg(not(rescind_translated))]
#[test]
fn the_narrow_processors_have_byte_code() {
    for target in ["pulley32", "pulley64"] {
        let translation = Translation::of(component(), &Target::Named(target.to_owned())).unwrap();
        assert!(translation.bytes().len() < 2_000_000, "{target}: {}", translation.bytes().len());
    }
}

#[test]
fn instances_are_bounded_and_come_back() {
    let runtime = runtime(&machine(), 2);
    let (first, second) = (runtime.instance().unwrap(), runtime.instance().unwrap());
    assert!(matches!(runtime.instance(), Err(DeciderError::Instance { .. })));
    drop(first);
    assert!(runtime.instance().is_ok());
    drop(second);
}

#[test]
fn a_refused_policy_says_why() {
    let error = NATIVE.decider(b"{}").unwrap_err();
    assert!(matches!(&error, DeciderError::Policy { code, .. } if code.starts_with("policy.")), "{error}");
}

#[test]
fn a_runtime_outlives_nobody_it_must_not() {
    let pack = packs().remove(0);
    let runtime = runtime(&machine(), 1);
    let decider = runtime.decider(&pack.document).unwrap();
    drop(runtime);
    // The decider holds what it needs, on another thread too.
    let mut decider = decider;
    std::thread::spawn(move || decider.needs().unwrap()).join().unwrap();
}
