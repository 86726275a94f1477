//! Decisions with every rule that was asked, for people: why a way is open, or not, and what came with it.
//!
//! Native only: the component decides and says what stands in the way; it is not larger for this.

use crate::engine::Engine;
use crate::place::Place;
use crate::report::Report;
use crate::router::{Look, looks};
use crate::situation::Situation;
use crate::{fee, rule};
use rescind_model::record::Question;
use rescind_model::{Decision, DecisionError, Facts, Money, Outcome, Remedy, Sale, Value};
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
        let situation = Situation::new(self, facts)?;
        let look = match question {
            Question::Void(question) => self.void_question(question),
            Question::Refund(question) => self.refund_question(question),
            Question::Operation(question) => self.operation_question(question),
        }?;
        explained(look, &situation)
    }

    /// Looks at all ways back at once, and says for each every rule that was asked.
    ///
    /// # Errors
    /// See [`DecisionError`]: then nothing was decided.
    pub fn explain_all(&self, facts: &Facts, amount: Option<&Money>) -> Result<Vec<Explanation>, DecisionError> {
        let situation = Situation::new(self, facts)?;
        looks(&situation, amount)?.map(|look| explained(look, &situation)).collect()
    }

    /// The acquiring fee that the policy's schedule of charges has for a sale, and every charge that was tried.
    ///
    /// # Errors
    /// See [`Engine::acquiring_fee`].
    pub fn explain_charge(&self, sale: &Sale) -> Result<(Option<Money>, Vec<Considered>), DecisionError> {
        let captured = self.minor("sale.captured", &sale.captured)?;
        let money = |minor| Money { minor, currency: sale.captured.currency.clone() };
        let amount = |minor| Value::Amount(money(minor));
        let applying = self.charge(sale)?;
        let mut report = Report::with_trace(None);
        for charge in &self.document().charge {
            let Some(applying) = applying.filter(|applying| core::ptr::eq(*applying, charge)) else {
                report.comes_with(rule::SALE_CHARGE, Place::Charge(&charge.name, ""), false, || {
                    (amount(captured), Value::Absent)
                });
                continue;
            };
            let charged = fee::charged(&applying.fee, captured)?;
            report.comes_with(rule::SALE_CHARGE, Place::Charge(&charge.name, ""), true, || {
                (amount(captured), amount(charged.minor))
            });
            let bounds = ["floor", "cap"].map(|part| Place::Charge(&charge.name, part));
            fee::bounds(rule::SALE_CHARGE, bounds, &applying.fee, charged, amount, &mut report);
            return Ok((Some(money(charged.minor)), report.into_trace().1));
        }
        Ok((None, report.into_trace().1))
    }
}

fn explained(look: Look<'_>, s: &Situation<'_>) -> Result<Explanation, DecisionError> {
    let mut report = Report::with_trace(s.drift());
    let decision = look.decide(s, &mut report)?;
    let (variant, considered) = report.into_trace();
    Ok(Explanation { decision, variant, considered })
}
