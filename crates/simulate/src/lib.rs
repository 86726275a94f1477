//! Runs the service over bad stores, crashes and races on virtual time.
//!
//! The gateway's and the courier's real code, with the pure components natively, works over a store that behaves as one of
//! the real ones does ([`model`]). Many actors act at once ([`actor`]); between any two operations of the store anybody can
//! die, be slow, or be told a lie ([`fault`]); which of those who could go on goes on is drawn ([`schedule`]). An auditor
//! who knows the rules and not the code watches every write and every movement of money ([`auditor`]), and asks in the end
//! whether everything ended and everybody was told ([`run`]). Everything follows from a seed.

pub mod actor;
pub mod auditor;
pub mod cents;
pub mod deed;
pub mod errand;
pub mod fault;
pub mod life;
pub mod minimise;
pub mod model;
pub mod point;
pub mod ports;
pub mod provider;
pub mod run;
pub mod schedule;
pub mod shop;
pub mod sim;
pub mod summary;
pub mod till;
