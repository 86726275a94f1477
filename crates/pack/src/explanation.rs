//! Why a way is open or not: every rule that was asked, as a table for people.

use crate::{notation, rule_text};
use rescind_eligibility::{Considered, Engine, Explanation};
use rescind_model::token::Token as _;
use rescind_model::{Decision, Facts, Instant, Locale, Outcome, Remedy, Way};
use rescind_policy::scalar::UtcOffset;
use unicode_width::UnicodeWidthStr as _;

/// How a text is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    Plain,
    /// With a terminal's colours.
    Coloured,
}

/// A terminal's colours.
#[derive(Debug, Clone, Copy)]
enum Colour {
    Red,
    Green,
    Yellow,
    Dim,
    Bold,
}

impl Paint {
    fn set(self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Red => 31,
            Colour::Green => 32,
            Colour::Yellow => 33,
            Colour::Dim => 2,
            Colour::Bold => 1,
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// The words around an explanation.
struct Words {
    rule: &'static str,
    place: &'static str,
    observed: &'static str,
    limit: &'static str,
    meaning: &'static str,
    by: &'static str,
    variant: &'static str,
    open_until: &'static str,
    opens_at: &'static str,
    needs: &'static str,
    nothing: &'static str,
    comes_with: &'static str,
}

const EN: Words = Words {
    rule: "rule",
    place: "stated at",
    observed: "observed",
    limit: "limit",
    meaning: "what it demands",
    by: "by",
    variant: "variant",
    open_until: "open until",
    opens_at: "opens at",
    needs: "it needs",
    nothing: "nothing more",
    comes_with: "what comes with it",
};

const ZH: Words = Words {
    rule: "规则",
    place: "出处",
    observed: "实际",
    limit: "限制",
    meaning: "要求",
    by: "依据",
    variant: "特定规则",
    open_until: "截止时间",
    opens_at: "开放时间",
    needs: "还需要",
    nothing: "无",
    comes_with: "随附条款",
};

fn words(locale: Locale) -> &'static Words {
    match locale {
        Locale::En => &EN,
        Locale::ZhCn => &ZH,
    }
}

/// An explanation as text.
#[must_use]
pub fn text(engine: &Engine, facts: &Facts, explanation: &Explanation, locale: Locale, paint: Paint) -> String {
    let zone = engine.document().time_zone;
    let (words, decision) = (words(locale), &explanation.decision);
    let mut lines = vec![headline(facts, decision, engine, locale, paint)];
    let policy = &decision.policy;
    let variant = explanation.variant.as_ref().map(|name| format!(", {} {name}", words.variant)).unwrap_or_default();
    lines.push(format!("{} {} {}{variant}", words.by, policy.name, policy.version));
    let at = |word: &str, at| format!("{word} {}", notation::local(zone, at));
    lines.extend(decision.opens_at.map(|instant| at(words.opens_at, instant)));
    lines.extend(decision.open_until.map(|instant| at(words.open_until, instant)));
    lines.push(String::new());

    let terms = |rule: &&Considered| rescind_eligibility::rule::TERMS.contains(&rule.rule);
    let judged: Vec<&Considered> = explanation.considered.iter().filter(|rule| !terms(rule)).collect();
    lines.extend(table(engine, &judged, locale, paint));
    let attached: Vec<&Considered> = explanation.considered.iter().filter(terms).collect();
    if !attached.is_empty() {
        lines.push(String::new());
        lines.push(paint.set(Colour::Bold, words.comes_with));
        lines.extend(table(engine, &attached, locale, paint));
    }
    if decision.outcome != Outcome::Deny {
        let needs = needs(decision);
        let needs = if needs.is_empty() { words.nothing.to_owned() } else { needs.join("; ") };
        lines.push(String::new());
        lines.push(format!("{}: {needs}", words.needs));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn headline(facts: &Facts, decision: &Decision, engine: &Engine, locale: Locale, paint: Paint) -> String {
    let zone = engine.document().time_zone;
    let colour = match decision.outcome {
        Outcome::Allow => Colour::Green,
        Outcome::Refer => Colour::Yellow,
        Outcome::Deny => Colour::Red,
    };
    let sale = &facts.sale;
    let card = sale.card_type.map(|card| format!(", {}", card.token())).unwrap_or_default();
    let (amount, captured) = (decision.amount.decimal_text(), sale.captured.decimal_text());
    let (paid, asked) = (notation::local(zone, sale.paid_at), notation::local(zone, facts.now));
    let (kind, channel) = (&sale.kind, sale.channel.token());
    match locale {
        Locale::En => {
            let outcome = paint.set(colour, decision.outcome.token());
            let way = decision.way.token();
            format!("{outcome} {way} of {amount} on {kind} {captured} ({channel}{card}) paid {paid}, asked {asked}")
        }
        Locale::ZhCn => {
            let outcome = match decision.outcome {
                Outcome::Allow => "允许",
                Outcome::Refer => "转客服",
                Outcome::Deny => "拒绝",
            };
            let outcome = paint.set(colour, outcome);
            let way = way_in_chinese(decision.way);
            format!("{outcome}{way} {amount}:{kind} {captured}({channel}{card}),支付于 {paid},申请于 {asked}")
        }
    }
}

fn way_in_chinese(way: Way) -> &'static str {
    match way {
        Way::Void => "撤销",
        Way::Refund => "退款",
        Way::Reversal => "冲正",
        Way::OrderClose => "关单",
        Way::HoldRelease => "预授权撤销",
        Way::HoldCompletion => "预授权完成",
        Way::CompletionVoid => "预授权完成撤销",
    }
}

/// What to do, in words.
fn advice(zone: UtcOffset, remedy: &Remedy, locale: Locale) -> String {
    let at = |at: &Instant| notation::local(zone, *at);
    let english = locale == Locale::En;
    let of = |en: &str, zh: &str| if english { en.to_owned() } else { zh.to_owned() };
    match remedy {
        Remedy::None => of("nothing can be done here", "无法处理"),
        Remedy::UseVoid => of("void the sale", "请改用撤销"),
        Remedy::UseRefund => of("refund it", "请改用退款"),
        Remedy::UseRefundFrom(from) => {
            of(&format!("refund it from {} on", at(from)), &format!("{} 起可退款", at(from)))
        }
        Remedy::UseReversal => of("let a reversal find the truth", "请先冲正"),
        Remedy::AwaitOutcome => of("wait for what is under way", "请等待处理结果"),
        Remedy::AskRole(role) => of(&format!("let a {role} do it"), &format!("请由 {role} 操作")),
        Remedy::RetryAfter(from) => {
            of(&format!("try again from {} on", at(from)), &format!("请于 {} 后重试", at(from)))
        }
        Remedy::ReduceTo(most) => {
            let most = most.decimal_text();
            of(&format!("ask for at most {most}"), &format!("金额不超过 {most}"))
        }
        Remedy::Provide(what) => of(&format!("give the {what}"), &format!("请提供 {what}")),
        Remedy::ContactSupport => of("call support, who can open a case", "请联系客服"),
        Remedy::UseOrderClose => of("close the order", "请改用关单"),
        Remedy::UseHoldRelease => of("release the hold", "请改用预授权撤销"),
        Remedy::UseCompletionVoid => of("void the completion", "请改用预授权完成撤销"),
        Remedy::Reprint => of("print the slip again", "请重打凭证"),
        Remedy::NewSale => of("make a new sale", "请重新发起交易"),
        Remedy::Authenticate => of("let the operator prove who they are", "请操作员验证身份"),
        Remedy::Identify(kind) => {
            of(&format!("identify the customer: {}", kind.token()), &format!("请验证客户身份:{}", kind.token()))
        }
    }
}

/// A mark for each rule: whether it stands in the way, or whether what comes with the operation applies.
fn mark(rule: &Considered, paint: Paint) -> String {
    let terms = rescind_eligibility::rule::TERMS.contains(&rule.rule);
    match (rule.verdict, terms, rule.stands) {
        (Outcome::Deny, ..) => paint.set(Colour::Red, "✗"),
        (Outcome::Refer, ..) => paint.set(Colour::Yellow, "?"),
        (Outcome::Allow, true, true) => paint.set(Colour::Bold, "•"),
        (Outcome::Allow, true, false) => paint.set(Colour::Dim, "·"),
        (Outcome::Allow, false, _) => paint.set(Colour::Green, "✓"),
    }
}

fn table(engine: &Engine, rules: &[&Considered], locale: Locale, paint: Paint) -> Vec<String> {
    let (zone, words) = (engine.document().time_zone, words(locale));
    let head = [words.rule, words.observed, words.limit, words.place, words.meaning].map(str::to_owned);
    let row = |rule: &&Considered| {
        let place = if rule.place.is_empty() { "-".to_owned() } else { rule.place.clone() };
        let (observed, limit) = (notation::value(zone, &rule.observed), notation::value(zone, &rule.limit));
        [rule.rule.to_owned(), observed, limit, place, rule_text::of(rule.rule, locale).to_owned()]
    };
    let rows: Vec<[String; 5]> = rules.iter().map(row).collect();
    let width = |column: usize| {
        let cells = rows.iter().chain(std::iter::once(&head)).filter_map(|row| row.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..5).map(width).collect();
    let set = |cells: &[String; 5]| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width()))));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![paint.set(Colour::Dim, &format!("  {}", set(&head)))];
    for (rule, cells) in rules.iter().zip(&rows) {
        lines.push(format!("{} {}", mark(rule, paint), set(cells)));
        if let Some(remedy) = rule.remedy.as_ref().filter(|_| rule.verdict != Outcome::Allow) {
            lines.push(format!("    → {}", advice(zone, remedy, locale)));
        }
    }
    lines
}

/// What an operation that is open still needs, and what it brings with it.
fn needs(decision: &Decision) -> Vec<String> {
    let obligations = &decision.obligations;
    let mut needs = Vec::new();
    if let Some(plan) = &obligations.approvals {
        let roles: Vec<&str> = plan.roles.iter().map(|role| role.as_str()).collect();
        needs.push(match plan.needed {
            0 => format!("no approval ({})", plan.tier),
            n => format!(
                "{} of {} ({}), within {}",
                notation::counted(u64::from(n), "approval"),
                roles.join(" or "),
                plan.tier,
                notation::lasting(plan.expires_after)
            ),
        });
    }
    if !obligations.evidence.is_empty() {
        needs.push(format!("evidence: {}", obligations.evidence.join(", ")));
    }
    if !obligations.operator_roles.is_empty() {
        let roles: Vec<&str> = obligations.operator_roles.iter().map(|role| role.as_str()).collect();
        needs.push(format!("an operator who is {}", roles.join(" or ")));
    }
    if let Some(demand) = &obligations.authentication {
        let bound = if demand.bound { ", for this very operation" } else { "" };
        needs.push(format!("the operator's proof, at most {} old{bound}", notation::lasting(demand.max_age)));
    }
    if !obligations.identity.is_empty() {
        let kinds: Vec<&str> = obligations.identity.iter().map(|kind| kind.token()).collect();
        needs.push(format!("the customer: {}", kinds.join(" or ")));
    }
    for fee in &obligations.fees {
        let (kind, amount, payer) = (fee.kind.token(), fee.amount.decimal_text(), fee.payer.token());
        needs.push(format!("{kind} fee {amount}, from the {payer}"));
    }
    needs.extend(obligations.penalty.as_ref().map(|kept| format!("{} is kept", kept.decimal_text())));
    needs.extend(
        obligations.coupon.as_ref().map(|part| format!("{} goes to the coupon's sponsor", part.decimal_text())),
    );
    needs.extend(obligations.arrival.as_ref().map(|arrival| format!("arrives in {}", notation::arrival(arrival))));
    needs.extend(obligations.offline.map(|effect| format!("offline: {}", notation::offline(effect))));
    needs
}
