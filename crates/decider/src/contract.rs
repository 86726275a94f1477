//! What the component exports, checked once when it is loaded.

use crate::error::DeciderError;
use crate::wire::answer::{Decision, DecisionError, LoadError, Money, Needs, PolicyIdentity, Terms};
use crate::wire::question;
use crate::wire::{BusinessDay, Instant};
use std::marker::PhantomData;
use wasmtime::Store;
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower, ResourceAny, TypedFunc,
};

/// The interface of decisions.
const DECISIONS: &str = "rescind:eligibility/decisions@0.2.0";

/// The vocabulary: types alone, so giving it gives nothing.
pub(crate) const TYPES: &str = "rescind:types/types@0.2.0";

/// A function that the component exports.
pub(crate) trait Export {
    /// Its name within [`DECISIONS`].
    const NAME: &'static str;
    /// What it takes.
    type Params<'a>: ComponentNamedList + Lower;
    /// What it gives.
    type Answer: ComponentNamedList + Lift + 'static;
}

macro_rules! exports {
    ($($(#[$doc:meta])* $export:ident $name:literal ($($param:ty),*) -> $answer:ty;)+) => {$(
        $(#[$doc])*
        pub(crate) struct $export;

        impl Export for $export {
            const NAME: &'static str = $name;
            type Params<'a> = ($($param,)*);
            type Answer = ($answer,);
        }
    )+};
}

exports! {
    /// Loads a compiled policy.
    Load "[static]policy.load" (&'a [u8]) -> Result<ResourceAny, LoadError>;
    /// Name, version and hash of the policy.
    Identity "[method]policy.identity" (ResourceAny) -> PolicyIdentity;
    /// Which counts have to be gathered.
    NeedsOf "[method]policy.needs" (ResourceAny) -> Needs;
    /// How long things live.
    TermsOf "[method]policy.terms" (ResourceAny) -> Terms;
    /// What a sale is charged.
    AcquiringFee "[method]policy.acquiring-fee" (ResourceAny, question::Sale<'a>) -> Result<Option<Money>, DecisionError>;
    /// The business day of an instant.
    BusinessDayOf "[method]policy.business-day-of" (ResourceAny, Instant) -> Result<BusinessDay, DecisionError>;
    /// Every way at once.
    Assess "[method]policy.assess" (ResourceAny, question::Facts<'a>, Option<question::Money<'a>>)
        -> Result<Vec<Decision>, DecisionError>;
    /// Decides a void.
    DecideVoid "[method]policy.decide-void" (ResourceAny, question::Facts<'a>, question::VoidQuestion<'a>)
        -> Result<Decision, DecisionError>;
    /// Decides a refund.
    DecideRefund "[method]policy.decide-refund" (ResourceAny, question::Facts<'a>, question::RefundQuestion<'a>)
        -> Result<Decision, DecisionError>;
    /// Decides anything else.
    DecideOperation "[method]policy.decide-operation" (ResourceAny, question::Facts<'a>, question::OperationQuestion<'a>)
        -> Result<Decision, DecisionError>;
}

/// Where an export is, once its type was compared with what is called.
///
/// INVARIANT: the component's function at `index` takes `E::Params` and gives `E::Answer`.
pub(crate) struct Checked<E> {
    index: ComponentExportIndex,
    export: PhantomData<fn() -> E>,
}

impl<E: Export> Checked<E> {
    fn find(
        component: &Component,
        interface: &ComponentExportIndex,
        instance: &Instance,
        store: &mut Store<()>,
    ) -> Result<Self, DeciderError> {
        let contract = |reason: String| DeciderError::Contract { reason: format!("{}: {reason}", E::NAME) };
        let index = component
            .get_export_index(Some(interface), E::NAME)
            .ok_or_else(|| contract("it is not exported".to_owned()))?;
        instance
            .get_typed_func::<E::Params<'_>, E::Answer>(store, &index)
            .map_err(|error| contract(format!("{error:#}")))?;
        Ok(Self { index, export: PhantomData })
    }

    /// The function in an instance of the component it was found in. `None` never happens.
    pub(crate) fn of<'a>(
        &self,
        instance: &Instance,
        store: &mut Store<()>,
    ) -> Option<TypedFunc<E::Params<'a>, E::Answer>> {
        let func = instance.get_func(store, self.index)?;
        // SAFETY: the types were compared in `find`, the only place that makes a `Checked`; instances of one component
        // have functions of the same types. Comparing them again takes longer than a decision.
        #[expect(unsafe_code, reason = "see above")]
        let typed = unsafe { TypedFunc::new_unchecked(func) };
        Some(typed)
    }
}

/// All that is called.
pub(crate) struct Contract {
    pub(crate) load: Checked<Load>,
    pub(crate) identity: Checked<Identity>,
    pub(crate) needs: Checked<NeedsOf>,
    pub(crate) terms: Checked<TermsOf>,
    pub(crate) acquiring_fee: Checked<AcquiringFee>,
    pub(crate) business_day_of: Checked<BusinessDayOf>,
    pub(crate) assess: Checked<Assess>,
    pub(crate) decide_void: Checked<DecideVoid>,
    pub(crate) decide_refund: Checked<DecideRefund>,
    pub(crate) decide_operation: Checked<DecideOperation>,
}

impl Contract {
    /// Compares every export with what is called.
    pub(crate) fn check(
        component: &Component,
        instance: &Instance,
        store: &mut Store<()>,
    ) -> Result<Self, DeciderError> {
        let interface = component
            .get_export_index(None, DECISIONS)
            .ok_or_else(|| DeciderError::Contract { reason: "it does not export that interface".to_owned() })?;
        Ok(Self {
            load: Checked::find(component, &interface, instance, store)?,
            identity: Checked::find(component, &interface, instance, store)?,
            needs: Checked::find(component, &interface, instance, store)?,
            terms: Checked::find(component, &interface, instance, store)?,
            acquiring_fee: Checked::find(component, &interface, instance, store)?,
            business_day_of: Checked::find(component, &interface, instance, store)?,
            assess: Checked::find(component, &interface, instance, store)?,
            decide_void: Checked::find(component, &interface, instance, store)?,
            decide_refund: Checked::find(component, &interface, instance, store)?,
            decide_operation: Checked::find(component, &interface, instance, store)?,
        })
    }
}
