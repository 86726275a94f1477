//! What experts do with policy packs: test them, explain a decision, compare two versions, find what can never be right,
//! and replay what was decided.
//!
//! Native only. It asks the same [`Engine`](rescind_eligibility::Engine) that decides in the cloud and in the terminal.

pub mod backtest;
pub mod boundary;
pub mod carried;
pub mod case;
pub mod coverage;
pub mod difference;
pub mod draw;
pub mod effect;
pub mod explanation;
pub mod field;
pub mod generator;
pub mod lint;
pub mod meaning;
pub mod mutants;
pub mod notation;
pub mod pack;
pub mod plot;
pub mod records;
pub mod reference;
pub mod replay;
pub mod rule_text;
pub mod sources;
pub mod starter;
pub mod subject;
pub mod suite;
