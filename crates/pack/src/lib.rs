//! What experts do with policy packs: test them, explain a decision, compare two versions, find what can never be right,
//! and replay what was decided.
//!
//! Native only. It asks the same [`Engine`](rescind_eligibility::Engine) that decides in the cloud and in the terminal.

pub mod boundary;
pub mod case;
pub mod field;
pub mod notation;
