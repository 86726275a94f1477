//! The eligibility component's own bytes as a decider, for replays: what decided at the time decides again.

use anyhow::Context as _;
use rescind_decider::{Runtime, Target, Translation};
use rescind_model::record::{Answer, Input};
use rescind_model::{Digest, Facts, Money};
use rescind_pack::records::WaysAnswer;
use rescind_pack::replay::{Decider, Judge};
use std::num::NonZeroUsize;
use std::path::Path;

/// A component that was read and translated for this machine.
#[derive(Debug)]
pub struct Component {
    digest: Digest,
    runtime: Runtime,
}

impl Component {
    /// Reads a component for so many threads and policies.
    pub fn read(file: &Path, threads: NonZeroUsize, policies: usize) -> anyhow::Result<Self> {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read the component {}", file.display()))?;
        let translation =
            Translation::of(&bytes, &Target::Host).with_context(|| format!("{} cannot be used", file.display()))?;
        // Each thread keeps an instance for each policy.
        let instances = u32::try_from(threads.get().saturating_mul(policies.max(1))).unwrap_or(u32::MAX);
        let runtime = translation.run(instances).with_context(|| format!("{} cannot be used", file.display()))?;
        Ok(Self { digest: Digest::of(&bytes), runtime })
    }
}

impl Decider for Component {
    fn component(&self) -> Option<&Digest> {
        Some(&self.digest)
    }

    fn load(&self, canonical: &[u8]) -> Result<Box<dyn Judge + '_>, String> {
        let decider = self.runtime.decider(canonical).map_err(|error| error.to_string())?;
        Ok(Box::new(Loaded(decider)))
    }
}

/// A policy in an instance of its own.
struct Loaded(rescind_decider::Decider);

impl Judge for Loaded {
    fn decide(&mut self, input: &Input) -> Result<Answer, String> {
        self.0.decide(&input.facts, &input.question).map_err(|error| error.to_string())
    }

    fn assess(&mut self, facts: &Facts, amount: Option<&Money>) -> Result<WaysAnswer, String> {
        self.0.assess(facts, amount).map_err(|error| error.to_string())
    }
}
