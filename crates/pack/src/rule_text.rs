//! What each rule demands, in words, for explanations.

use rescind_model::Locale;

/// A rule in both languages.
struct RuleText {
    rule: &'static str,
    en: &'static str,
    zh: &'static str,
}

const fn text(rule: &'static str, en: &'static str, zh: &'static str) -> RuleText {
    RuleText { rule, en, zh }
}

/// In the order of the engine's own list.
const RULES: &[RuleText] = &[
    text("policy.effective", "the policy is in force", "政策在有效期内"),
    text("policy.variant", "what holds for some sales applies to this one", "特定交易的规则适用于本笔交易"),
    text("sale.outcome", "the payment is known to be good", "支付结果已确认成功"),
    text("sale.charge", "the schedule of charges has a fee for this sale", "手续费表适用于本笔交易"),
    // Voids
    text("void.enabled", "there are voids", "已开通撤销"),
    text("void.in-progress", "no other void is under way", "没有其他撤销正在处理"),
    text("void.already-voided", "the sale has not been voided", "交易尚未撤销"),
    text("void.after-refund", "no refund may have reached the provider", "没有已发出的退款"),
    text("void.balance", "nothing of the sale is spoken for", "交易金额未被占用"),
    text("void.amount", "a void equals the sale", "撤销金额与原交易一致"),
    text("void.amount-limit", "the sale is within the amounts that can be voided", "交易金额在可撤销范围内"),
    text("void.paid-out", "the money has not been paid out", "资金尚未划付商户"),
    text("void.settled", "the sale has not been settled", "交易尚未结算"),
    text("void.batch", "the terminal batch is open", "终端批次尚未结账"),
    text("void.business-day", "it is the business day of the sale", "与原交易同一清算日"),
    text("void.calendar-day", "it is the calendar day of the sale", "与原交易同一自然日"),
    text("void.minimum-wait", "some time has passed since the payment", "支付后已满最短等待时间"),
    text("void.window", "the void is asked for in time", "在撤销时限内"),
    text("void.count", "there were not too many voids", "撤销次数未超限"),
    text("void.operator-role", "the operator holds a role", "操作员具备所需角色"),
    text("void.reason", "a reason from the list is chosen", "已选择撤销原因"),
    text("void.kind", "this kind of sale can be voided", "该类交易可以撤销"),
    text("void.evidence", "the evidence is given", "已提供撤销凭证"),
    text("void.hold-completion", "the sale did not come from a hold", "交易不是预授权完成"),
    text("void.operation-open", "no operation on the payment is under way", "该笔支付没有其他操作正在处理"),
    text("void.kind-not-cancellable", "this kind of prepaid sale can be cancelled", "该类预订可以取消"),
    text("void.penalty", "nothing of a prepaid sale is kept", "预订无需扣除违约金"),
    text(
        "void.authentication",
        "the operator proved who they are, freshly, for this void",
        "操作员已为本次撤销验证身份",
    ),
    text("void.identity", "the customer proved to be the payer", "客户已证明为付款人"),
    text("void.operation-fee", "the operation has a price", "撤销收取手续费"),
    text("void.acquiring-fee", "the acquiring fee comes back", "退还收单手续费"),
    text("void.arrival", "this arrival estimate applies", "适用该到账时间"),
    // Refunds
    text("refund.enabled", "there are refunds", "已开通退款"),
    text("refund.void-open", "no void is under way", "没有撤销正在处理"),
    text("refund.balance", "not more than what is left", "退款金额不超过可退余额"),
    text("refund.kind", "this kind of sale is refundable", "该类交易可以退款"),
    text("refund.real-time", "the sale was not paid out in real time", "交易不是实时结算"),
    text("refund.same-day", "it is not the business day of the sale", "不在原交易清算日内"),
    text("refund.window", "the refund is asked for in time", "在退款时限内"),
    text("refund.minimum-wait", "some time has passed since the payment", "支付后已满最短等待时间"),
    text("refund.partial", "it is the whole sale, or parts are refundable", "整笔退款,或允许部分退款"),
    text("refund.count", "the sale has not had too many refunds", "该笔交易退款次数未超限"),
    text("refund.tally", "there were not too many refunds", "退款总次数未超限"),
    text("refund.spacing", "some time has passed since the last refund", "与上次退款间隔足够"),
    text("refund.amount-limit", "the refund is within its limits", "退款金额在限额内"),
    text("refund.reason", "a reason from the list is chosen", "已选择退款原因"),
    text("refund.evidence", "the evidence is given", "已提供退款凭证"),
    text("refund.operation-open", "no operation on the payment is under way", "该笔支付没有其他操作正在处理"),
    text("refund.kind-not-cancellable", "this kind of prepaid sale can be cancelled", "该类预订可以取消"),
    text("refund.penalty", "the penalty of a prepaid sale is kept", "扣除预订违约金后可退"),
    text(
        "refund.authentication",
        "the operator proved who they are, freshly, for this refund",
        "操作员已为本次退款验证身份",
    ),
    text("refund.identity", "the customer proved to be the payer", "客户已证明为付款人"),
    text("refund.operation-fee", "the operation has a price", "退款收取手续费"),
    text("refund.late-fee", "asking late has a price", "收取滞纳金"),
    text("refund.acquiring-fee", "something of the acquiring fee comes back", "退还收单手续费"),
    text("refund.coupon", "something of a coupon goes back to its sponsor", "退还优惠券部分"),
    text("refund.tier", "this approval tier applies", "适用该审批级别"),
    text("refund.arrival", "this arrival estimate applies", "适用该到账时间"),
    text("prepaid.penalty", "this step of the penalty schedule applies", "适用该违约金档次"),
    // Legal orders
    text("legal.enabled", "there are legal orders", "允许执行法律指令"),
    text("legal.role", "the person may carry out legal orders", "人员有权执行法律指令"),
    // Reversals
    text("reversal.enabled", "there are reversals", "已开通冲正"),
    text("reversal.outcome", "the outcome of the payment is unknown", "支付结果未知"),
    text("reversal.nothing-to-reverse", "something may have been taken", "可能已经扣款"),
    text("reversal.in-progress", "nothing else is under way", "没有其他操作正在处理"),
    text("reversal.amount", "a reversal equals the payment", "冲正金额与原交易一致"),
    text("reversal.minimum-wait", "some time has passed since the payment", "支付后已满最短等待时间"),
    text("reversal.window", "the reversal is asked for in time", "在冲正时限内"),
    // Payment codes
    text("order-close.enabled", "there are payment codes", "已开通付款码"),
    text("order-close.no-code", "the payment began as a code", "支付由付款码发起"),
    text("order-close.in-progress", "nothing else is under way", "没有其他操作正在处理"),
    text("order-close.amount", "an order is closed as a whole", "订单整笔关闭"),
    text("order-close.scanned", "nobody has scanned the code", "付款码尚未被扫描"),
    text("order-close.expired", "the code's time has not run out", "付款码尚未过期"),
    text("order-close.paid", "nobody has paid", "付款码尚未支付"),
    text("order-close.outcome", "the order is open", "订单尚未结束"),
    // Holds
    text("hold-release.enabled", "there are holds", "已开通预授权"),
    text("hold-release.no-hold", "the payment began as a hold", "支付由预授权发起"),
    text("hold-release.outcome", "the money is held", "资金处于冻结状态"),
    text("hold-release.in-progress", "nothing else is under way", "没有其他操作正在处理"),
    text("hold-release.amount", "a hold is released as a whole", "预授权整笔撤销"),
    text("hold-release.operator-role", "the operator holds a role", "操作员具备所需角色"),
    text(
        "hold-release.authentication",
        "the operator proved who they are, freshly, for this release",
        "操作员已为本次预授权撤销验证身份",
    ),
    text("hold-completion.enabled", "there are holds", "已开通预授权"),
    text("hold-completion.no-hold", "the payment began as a hold", "支付由预授权发起"),
    text("hold-completion.outcome", "the money is held", "资金处于冻结状态"),
    text("hold-completion.in-progress", "nothing else is under way", "没有其他操作正在处理"),
    text("hold-completion.validity", "the hold is valid", "预授权在有效期内"),
    text("hold-completion.ceiling", "not more than the hold's ceiling", "完成金额不超过预授权上限"),
    text("hold-completion.penalty", "not more is kept than the policy lets", "违约金不超过上限"),
    text("hold-completion.operator-role", "the operator holds a role", "操作员具备所需角色"),
    text(
        "hold-completion.authentication",
        "the operator proved who they are, freshly, for this completion",
        "操作员已为本次预授权完成验证身份",
    ),
    text("completion-void.enabled", "completions can be voided", "允许撤销预授权完成"),
    text("completion-void.no-hold", "the payment began as a hold", "支付由预授权发起"),
    text("completion-void.outcome", "the hold was completed", "预授权已完成"),
    text("completion-void.in-progress", "nothing else is under way", "没有其他操作正在处理"),
    text("completion-void.after-refund", "no refund may have reached the provider", "没有已发出的退款"),
    text("completion-void.balance", "nothing of it is spoken for", "交易金额未被占用"),
    text("completion-void.amount", "the void equals the completion", "撤销金额与预授权完成一致"),
    text("completion-void.settled", "the completion has not been settled", "预授权完成尚未结算"),
    text("completion-void.window", "the void is asked for in time", "在预授权完成撤销时限内"),
    text("completion-void.operator-role", "the operator holds a role", "操作员具备所需角色"),
    text(
        "completion-void.authentication",
        "the operator proved who they are, freshly, for this void",
        "操作员已为本次预授权完成撤销验证身份",
    ),
    // A terminal alone
    text("offline.enabled", "the policy lets a terminal decide alone", "允许终端脱机处理"),
    text("offline.way", "the policy permits this way offline", "该操作允许脱机处理"),
    text("offline.amount", "the amount is within the offline ceiling", "金额未超过脱机限额"),
    text("offline.total", "the sum since the last contact is within the ceiling", "脱机累计金额未超限"),
    text("offline.count", "there were not too many operations since the last contact", "脱机操作次数未超限"),
    text("offline.records", "not too many records wait for the server", "待上送记录数未超限"),
    text("offline.contact", "the terminal heard from the server not too long ago", "与服务器失联时间未超限"),
    text("offline.bundle", "the terminal's rules are not too old", "终端规则包未过期"),
    text("offline.clock", "the clock is good enough for every limit in time", "时钟误差不影响时限判断"),
    text("offline.unknown", "nothing decides that only the server knows", "不依赖仅服务器掌握的信息"),
];

/// What a rule demands, or says applies. An unknown rule is its own text.
#[must_use]
pub fn of(rule: &str, locale: Locale) -> &str {
    let found = RULES.iter().find(|text| text.rule == rule);
    found.map_or(rule, |text| match locale {
        Locale::En => text.en,
        Locale::ZhCn => text.zh,
    })
}

/// Every rule that has words, in order.
pub fn all() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|text| text.rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rescind_eligibility::rule::{ALL, TERMS};

    #[test]
    fn every_rule_has_words_in_both_languages_once() {
        for rule in ALL.iter().chain(TERMS.iter()) {
            assert_eq!(RULES.iter().filter(|text| text.rule == *rule).count(), 1, "{rule}");
        }
        for RuleText { rule, en, zh } in RULES {
            assert!(en.is_ascii() && !en.is_empty(), "{rule}");
            assert!(zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{rule}");
        }
    }
}
