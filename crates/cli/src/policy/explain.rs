//! `rescind policy explain`.

use super::{Language, paint, read_one, say_json, say_text};
use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use rescind_model::record::Question;
use rescind_model::token::Token;
use rescind_model::{Money, OperationQuestion, RefundQuestion, Trouble, VoidQuestion, Way};
use rescind_pack::case::Asked;
use rescind_pack::explanation;
use rescind_pack::pack::Pack;
use rescind_pack::subject::Subject;
use std::path::PathBuf;
use std::process::ExitCode;

/// Say why a way is open or not: every rule that was asked, what it saw, its limit, and what to do.
#[derive(Debug, Args)]
pub struct Explain {
    /// The pack.
    pack: PathBuf,
    /// A case of the pack: its name, or a part of it that no other case has.
    #[arg(long, conflicts_with_all = ["facts", "void", "refund", "operation"], required_unless_present = "facts")]
    case: Option<String>,
    /// Facts as JSON, facts with a question, or a recorded decision.
    #[arg(long)]
    facts: Option<PathBuf>,
    /// Ask for the void of this amount.
    #[arg(long, value_name = "AMOUNT", group = "question")]
    void: Option<String>,
    /// Ask for the refund of this amount.
    #[arg(long, value_name = "AMOUNT", group = "question")]
    refund: Option<String>,
    /// Ask for another way: `reversal`, `order-close`, `hold-release`, `hold-completion`, `completion-void`.
    #[arg(long, value_name = "WAY", group = "question")]
    operation: Option<String>,
    /// Of that amount; all of it unless told.
    #[arg(long, requires = "operation")]
    amount: Option<String>,
    /// The reason code.
    #[arg(long, requires = "question")]
    reason: Option<String>,
    /// A kind of evidence that comes with it. May be repeated.
    #[arg(long, requires = "question")]
    evidence: Vec<String>,
    /// What went wrong, for a reversal.
    #[arg(long, requires = "operation")]
    trouble: Option<String>,
    /// Whether a completion keeps a penalty.
    #[arg(long, requires = "operation")]
    penalty: bool,
    /// Whether a void carries out a legal order.
    #[arg(long, requires = "void")]
    legal: bool,
    /// The language of the rules.
    #[arg(long, value_enum, default_value_t = Language::En)]
    locale: Language,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let pack = read_one(&self.pack)?;
        let subject = match (&self.case, &self.facts) {
            (Some(case), _) => Subject::of_case(&pack, case)?,
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read the facts {}", file.display()))?;
                Subject::of_json(&text, self.asked(&pack)?).with_context(|| format!("{}", file.display()))?
            }
            (None, None) => bail!("say which case, or give facts"),
        };
        let explained = subject.explain(&pack)?;
        if self.json {
            say_json(&explained)?;
            return Ok(ExitCode::SUCCESS);
        }
        let (locale, paint) = (self.locale.locale(), paint());
        for explanation in &explained {
            say_text(&explanation::text(&pack.engine, &subject.facts, explanation, locale, paint))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The question that was asked for on the command line.
    fn asked(&self, pack: &Pack) -> anyhow::Result<Option<Asked>> {
        let money = |text: &str| Money::parse(text, &pack.compiled.document().currency).map_err(|e| anyhow!("{e}"));
        let (reason, evidence) = (self.reason.clone(), self.evidence.clone());
        let question = match (&self.void, &self.refund, &self.operation) {
            (Some(amount), None, None) => {
                Question::Void(VoidQuestion { amount: money(amount)?, reason, legal: self.legal, evidence })
            }
            (None, Some(amount), None) => Question::Refund(RefundQuestion { amount: money(amount)?, reason, evidence }),
            (None, None, Some(way)) => Question::Operation(OperationQuestion {
                way: word::<Way>(way)?,
                amount: self.amount.as_deref().map(money).transpose()?,
                trouble: self.trouble.as_deref().map(word::<Trouble>).transpose()?,
                reason,
                penalty: self.penalty,
            }),
            _ => return Ok(None),
        };
        Ok(Some(Asked::One(question)))
    }
}

fn word<T: Token>(text: &str) -> anyhow::Result<T> {
    let words: Vec<&str> = T::ALL.iter().map(|(_, word)| *word).collect();
    T::from_token(text).with_context(|| format!("expected one of {}, found {text:?}", words.join(", ")))
}
