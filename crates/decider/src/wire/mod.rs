//! Facts and answers as they cross the component's border.
//!
//! The shapes are those of `wit/types`, with texts borrowed from the model on the way in. Written by hand and not generated:
//! generated bindings own what they pass, and cloning every text of the facts takes longer than the decision. The engine
//! compares each of them, name by name, with the component's own types when it is loaded, so a shape that drifted from
//! the contract is refused and never misread.
#![allow(unsafe_code, reason = "the derives implement the engine's unsafe traits; nothing here is unsafe by hand")]

pub(crate) mod answer;
pub(crate) mod question;
mod word;

use rescind_model as model;

/// Something of the model as it goes in: copied if it is a number, borrowed if it is a text.
pub(crate) trait Outgoing<'a> {
    /// Its shape at the border.
    type Shape;
    /// Takes that shape.
    fn shape(&'a self) -> Self::Shape;
}

/// A shape as it came out.
pub(crate) trait Incoming {
    /// What it is in the model.
    type Model;
    /// Becomes that.
    fn model(self) -> Self::Model;
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Outgoing<'_> for $number {
            type Shape = $number;
            #[inline]
            fn shape(&self) -> $number {
                *self
            }
        }

        impl Incoming for $number {
            type Model = $number;
            #[inline]
            fn model(self) -> $number {
                self
            }
        }
    )*};
}

numbers!(bool u8 u16 u32 u64 i64);

impl<'a> Outgoing<'a> for String {
    type Shape = &'a str;
    #[inline]
    fn shape(&'a self) -> &'a str {
        self
    }
}

impl Incoming for String {
    type Model = String;
    #[inline]
    fn model(self) -> String {
        self
    }
}

impl<'a, T: Outgoing<'a>> Outgoing<'a> for Option<T> {
    type Shape = Option<T::Shape>;
    #[inline]
    fn shape(&'a self) -> Self::Shape {
        self.as_ref().map(T::shape)
    }
}

impl<T: Incoming> Incoming for Option<T> {
    type Model = Option<T::Model>;
    #[inline]
    fn model(self) -> Self::Model {
        self.map(T::model)
    }
}

impl<'a, T: Outgoing<'a>> Outgoing<'a> for Vec<T> {
    type Shape = Vec<T::Shape>;
    #[inline]
    fn shape(&'a self) -> Self::Shape {
        self.iter().map(T::shape).collect()
    }
}

impl<T: Incoming> Incoming for Vec<T> {
    type Model = Vec<T::Model>;
    #[inline]
    fn model(self) -> Self::Model {
        self.into_iter().map(T::model).collect()
    }
}

/// A record that goes in. Its fields are named once more, so that none of the model's is left out.
macro_rules! outgoing {
    ($($name:ident $(<$life:lifetime>)? { $($wit:literal $field:ident: $shape:ty,)+ })+) => {$(
        #[derive(wasmtime::component::ComponentType, wasmtime::component::Lower)]
        #[component(record)]
        pub(crate) struct $name $(<$life>)? {
            $(#[component(name = $wit)] $field: $shape,)+
        }

        impl<'a> $crate::wire::Outgoing<'a> for rescind_model::$name {
            type Shape = $name $(<$life>)?;
            #[inline]
            fn shape(&'a self) -> Self::Shape {
                let Self { $($field,)+ } = self;
                $name { $($field: $crate::wire::Outgoing::shape($field),)+ }
            }
        }
    )+};
}

/// A record that comes out.
macro_rules! incoming {
    ($($name:ident { $($wit:literal $field:ident: $shape:ty,)+ })+) => {$(
        #[derive(wasmtime::component::ComponentType, wasmtime::component::Lift)]
        #[component(record)]
        pub(crate) struct $name {
            $(#[component(name = $wit)] $field: $shape,)+
        }

        impl $crate::wire::Incoming for $name {
            type Model = rescind_model::$name;
            #[inline]
            fn model(self) -> Self::Model {
                let Self { $($field,)+ } = self;
                rescind_model::$name { $($field: $crate::wire::Incoming::model($field),)+ }
            }
        }
    )+};
}

/// Words: enumerations without content, the same both ways.
macro_rules! words {
    ($($name:ident { $($wit:literal $word:ident,)+ })+) => {$(
        #[derive(wasmtime::component::ComponentType, wasmtime::component::Lift, wasmtime::component::Lower)]
        #[derive(Clone, Copy)]
        #[component(enum)]
        #[repr(u8)]
        pub(crate) enum $name {
            $(#[component(name = $wit)] $word,)+
        }

        impl $crate::wire::Outgoing<'_> for rescind_model::$name {
            type Shape = $name;
            #[inline]
            fn shape(&self) -> $name {
                match self {
                    $(Self::$word => $name::$word,)+
                }
            }
        }

        impl $crate::wire::Incoming for $name {
            type Model = rescind_model::$name;
            #[inline]
            fn model(self) -> Self::Model {
                match self {
                    $(Self::$word => rescind_model::$name::$word,)+
                }
            }
        }
    )+};
}

/// Small records of numbers, the same both ways.
macro_rules! scalars {
    ($($name:ident { $($wit:literal $field:ident: $shape:ty,)+ })+) => {$(
        #[derive(wasmtime::component::ComponentType, wasmtime::component::Lift, wasmtime::component::Lower)]
        #[derive(Clone, Copy)]
        #[component(record)]
        pub(crate) struct $name {
            $(#[component(name = $wit)] $field: $shape,)+
        }

        impl $crate::wire::Outgoing<'_> for rescind_model::$name {
            type Shape = $name;
            #[inline]
            fn shape(&self) -> $name {
                let Self { $($field,)+ } = self;
                $name { $($field: $crate::wire::Outgoing::shape($field),)+ }
            }
        }

        impl $crate::wire::Incoming for $name {
            type Model = rescind_model::$name;
            #[inline]
            fn model(self) -> Self::Model {
                let Self { $($field,)+ } = self;
                rescind_model::$name { $($field: $crate::wire::Incoming::model($field),)+ }
            }
        }
    )+};
}

use {incoming, outgoing, words};

scalars! {
    Instant { "unix-ms" unix_ms: i64, }
    Duration { "ms" ms: u64, }
    BusinessDay { "year" year: u16, "month" month: u8, "day" day: u8, }
    TallyNeed { "way" way: word::Way, "counted" counted: word::Counted, "period" period: Period, }
}

/// Over which time something is counted.
#[derive(wasmtime::component::ComponentType, wasmtime::component::Lift, wasmtime::component::Lower, Clone, Copy)]
#[component(variant)]
pub(crate) enum Period {
    #[component(name = "business-day")]
    BusinessDay,
    #[component(name = "rolling")]
    Rolling(Duration),
}

impl Outgoing<'_> for model::Period {
    type Shape = Period;
    #[inline]
    fn shape(&self) -> Period {
        match self {
            Self::BusinessDay => Period::BusinessDay,
            Self::Rolling(within) => Period::Rolling(within.shape()),
        }
    }
}

impl Incoming for Period {
    type Model = model::Period;
    #[inline]
    fn model(self) -> Self::Model {
        match self {
            Self::BusinessDay => model::Period::BusinessDay,
            Self::Rolling(within) => model::Period::Rolling(within.model()),
        }
    }
}
