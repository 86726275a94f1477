//! A decision as the operator sees it, whoever made it: the terminal alone or the server.

use super::screen::Screen;
use super::words::Words;
use rescind_model::token::Token as _;
use rescind_model::{OfflineEffect, Outcome, Way};
use rescind_terminal::Answer;
use serde_json::Value;

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    way: String,
    outcome: Outcome,
    /// What it says, each with the rule it follows from.
    sentences: Vec<(String, Option<String>)>,
    /// What it may do without the server.
    effect: Option<OfflineEffect>,
    policy: String,
}

impl Verdict {
    /// One that the terminal made.
    pub fn of_terminal(words: Words, answer: &Answer) -> Self {
        let texts = words.pick(&answer.messages.chinese, &answer.messages.english);
        let mut rules = answer.decision.findings.iter().map(|finding| finding.rule.clone());
        let policy = &answer.decision.policy;
        Self {
            way: words.way(answer.decision.way).to_owned(),
            outcome: answer.decision.outcome,
            sentences: texts.iter().map(|text| (text.clone(), rules.next())).collect(),
            effect: answer.decision.obligations.offline,
            policy: format!("{} {}", policy.name, policy.version),
        }
    }

    /// One that the server made; nothing if it is none.
    pub fn of_server(words: Words, decision: &Value) -> Option<Self> {
        let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let outcome = match decision.get("outcome").and_then(Value::as_str)? {
            "allow" => Outcome::Allow,
            "refer" => Outcome::Refer,
            "deny" => Outcome::Deny,
            _ => return None,
        };
        let list = |pointer: &str| decision.pointer(pointer).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut rules = list("/findings").iter().map(|finding| text(finding, "/rule").unwrap_or_default());
        let said = list(&format!("/messages/{}", words.tag())).iter().filter_map(Value::as_str).map(str::to_owned);
        let sentences = said.map(|said| (said, rules.next())).collect();
        let way = text(decision, "/way")?;
        Some(Self {
            way: Way::from_token(&way).map_or(way, |way| words.way(way).to_owned()),
            outcome,
            sentences,
            effect: None,
            policy: [text(decision, "/policy/name"), text(decision, "/policy/version")]
                .map(Option::unwrap_or_default)
                .join(" "),
        })
    }

    /// Shows it.
    pub fn show(&self, words: Words, screen: &mut Screen) {
        let sign = match self.outcome {
            Outcome::Allow => "✓",
            Outcome::Refer => "?",
            Outcome::Deny => "✗",
        };
        let outcome = match self.outcome {
            Outcome::Allow => words.of("可以办理", "open"),
            Outcome::Refer => words.of("须由服务器或客服决定", "not decided here"),
            Outcome::Deny => words.of("不可办理", "closed"),
        };
        let effect = match self.effect.filter(|_| self.outcome == Outcome::Allow) {
            None => "",
            Some(OfflineEffect::CancelsLocally) => words.of(",本机即可完成", ", done here at once"),
            Some(OfflineEffect::Queued) => words.of(",待联机确认", ", waits for the server"),
        };
        screen.line(format!("{sign} {}: {outcome}{effect}   ({})", self.way, self.policy));
        for (sentence, rule) in &self.sentences {
            let rule = rule.as_ref().map(|rule| format!("   [{rule}]")).unwrap_or_default();
            screen.line(format!("  · {sentence}{rule}"));
        }
    }
}
