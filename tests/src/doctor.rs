//! `rescind doctor` over a database that no server has open.

use crate::checkout;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::path::Path;
use tokio::process::Command;

/// What a doctor says of a database.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// Every finding: `code`, `severity`, `key`, `what`, `repairable`.
    pub findings: Vec<Value>,
    /// Counts.
    pub summary: Value,
}

/// Looks at a database; with `repair`, after putting right what can be.
///
/// # Errors
/// It cannot be read.
pub async fn doctor(db: &Path, repair: bool) -> Result<Diagnosis> {
    let mut command = Command::new(checkout::program()?);
    command.args(["doctor", "--json", "--store"]).arg(db);
    if repair {
        command.arg("--repair");
    }
    let output = command.output().await.context("rescind cannot be started")?;
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut findings = Vec::new();
    for line in said.lines() {
        let mut line: Value = serde_json::from_str(line).with_context(|| format!("{line:?} is no JSON"))?;
        let summary = line["summary"].take();
        if summary.is_object() {
            let broken = summary["broken"].as_u64().context("the summary does not count")?;
            ensure!(output.status.code() == Some(i32::from(broken > 0)), "it ended with {}", output.status);
            return Ok(Diagnosis { findings, summary });
        }
        findings.push(line);
    }
    bail!("rescind doctor ended with {}: {complained}", output.status)
}

impl Diagnosis {
    /// Nothing is broken, and what is untidy can be put right.
    ///
    /// # Errors
    /// What is not so.
    pub fn in_order(&self) -> Result<()> {
        let bad: Vec<&Value> = self.findings.iter().filter(|f| is_bad(f)).collect();
        ensure!(bad.is_empty(), "doctor: {bad:#?}");
        Ok(())
    }

    /// Nothing is broken or untidy.
    ///
    /// # Errors
    /// What is.
    pub fn clean(&self) -> Result<()> {
        let untidy: Vec<&Value> = self.findings.iter().filter(|f| f["severity"] != "unfinished").collect();
        ensure!(untidy.is_empty(), "doctor, after it repaired: {untidy:#?}");
        Ok(())
    }
}

fn is_bad(finding: &Value) -> bool {
    match finding["severity"].as_str() {
        Some("unfinished") => false,
        Some("untidy") => finding["repairable"] != true,
        _ => true,
    }
}
