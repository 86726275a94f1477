//! 各条规则的说法: what each rule says when it stands in the way.

use crate::catalogue::Clause;

macro_rules! clauses {
    ($($rule:literal $($form:literal)/+;)*) => {
        &[$(Clause { rule: $rule, forms: &[$($form),+] },)*]
    };
}

pub(super) const CLAUSES: &[Clause] = clauses! {
    "sale.outcome" "原交易未确认成功(结果:{o})" / "原交易未确认成功";
    "void.enabled" "该商户不开放撤销";
    "void.window" "已超过撤销时限({o},时限 {l})" / "已超过撤销时限";
    "void.count" "撤销次数已用完(已有 {o} 次,上限 {l} 次)" / "撤销次数已用完";
    "void.amount" "撤销必须是全额 {l},不能是 {o}" / "撤销必须是全额";
    "void.amount-limit" "{o} 不在可撤销的金额范围内(限额 {l})" / "金额不在可撤销的范围内";
    "void.settled" "该交易已清算({o})" / "该交易已清算";
    "void.batch" "终端批次已结账({o})" / "终端批次已结账";
    "void.business-day" "原交易属于清算日 {l},现在是清算日 {o}" / "原交易的清算日已结束";
    "void.calendar-day" "原交易当日已结束({o},截止 {l})" / "原交易当日已结束";
    "void.paid-out" "款项已划付给商户({o})" / "款项已划付给商户";
    "void.real-time" "该交易为实时到账,款项已划付";
    "void.after-refund" "该交易已发送过退货";
    "void.balance" "该交易 {l} 仅剩 {o},不能全额撤销" / "该交易已申请退货,不能全额撤销";
    "void.in-progress" "该交易的撤销正在进行";
    "void.already-voided" "该交易已撤销";
    "void.minimum-wait" "现在撤销为时过早({o},至少 {l})" / "现在撤销为时过早";
    "void.operator-role" "操作员无撤销权限(当前 {o},需要 {l})" / "操作员无撤销权限(需要 {l})" / "操作员无撤销权限";
    "void.reason" "撤销原因 {o} 不在列表中({l})" / "缺少撤销原因(可选 {l})" / "缺少撤销原因";
    "refund.enabled" "该商户不开放退货";
    "refund.balance" "{o} 超过该交易可退余额 {l}" / "超过该交易可退余额";
    "refund.window" "已超过退货期限({o},期限 {l})" / "已超过退货期限";
    "refund.same-day" "当日交易不能退货(清算日 {o},{l} 起可退)" / "当日交易不能退货";
    "refund.partial" "只能全额退货 {l},不能是 {o}" / "只能全额退货";
    "refund.count" "该交易的退货次数已用完(已有 {o} 次,上限 {l} 次)" / "该交易的退货次数已用完";
    "refund.spacing" "距上次退货时间太短({o},至少 {l})" / "距上次退货时间太短";
    "refund.minimum-wait" "现在退货为时过早({o},至少 {l})" / "现在退货为时过早";
    "refund.kind" "{o}类交易不能退货" / "此类交易不能退货";
    "refund.real-time" "实时到账的交易不能在此退货";
    "refund.reason" "退货原因 {o} 不在列表中({l})" / "缺少退货原因(可选 {l})" / "缺少退货原因";
    "refund.evidence" "缺少凭证:{l}" / "缺少凭证";
    "refund.amount-limit" "{o} 不在可退货的金额范围内(限额 {l})" / "金额不在可退货的范围内";
    "refund.operator-role" "操作员无退货权限(当前 {o},需要 {l})" / "操作员无退货权限(需要 {l})" / "操作员无退货权限";
    "refund.void-open" "该交易的撤销正在进行";
    "refund.already-voided" "该交易已撤销";
    "legal.enabled" "该商户不开放司法或合规撤销";
    "legal.role" "无司法或合规撤销权限(当前 {o},需要 {l})" / "无司法或合规撤销权限(需要 {l})" / "无司法或合规撤销权限";
    "void.hold-completion" "该交易由预授权完成而来,不能直接撤销";
    "void.operation-open" "该交易的其他操作正在进行";
    "void.kind-not-cancellable" "{o}类预付交易不可取消" / "此类预付交易不可取消";
    "void.penalty" "该预付交易须扣违约金 {o},不能全额撤销" / "该预付交易应扣的违约金未能确定";
    "void.authentication" "操作员身份验证无效({o},须在 {l}内)" / "须有操作员 {l}内的身份验证" / "须有操作员的身份验证";
    "void.identity" "客户身份验证方式不符({o},需要 {l})" / "须验证客户身份({l})" / "须验证客户身份";
    "refund.operation-open" "该交易的其他操作正在进行";
    "refund.kind-not-cancellable" "{o}类预付交易不可取消" / "此类预付交易不可取消";
    "refund.penalty" "{o} 超过扣除违约金后可退的 {l}" / "该预付交易应扣的违约金未能确定";
    "refund.authentication" "操作员身份验证无效({o},须在 {l}内)" / "须有操作员 {l}内的身份验证" / "须有操作员的身份验证";
    "refund.identity" "客户身份验证方式不符({o},需要 {l})" / "须验证客户身份({l})" / "须验证客户身份";
    "reversal.enabled" "该商户不开放冲正";
    "reversal.outcome" "只有结果未知的交易才能冲正(该交易结果:{o})" / "只有结果未知的交易才能冲正";
    "reversal.nothing-to-reverse" "没有扣款,无需冲正(交易结果:{o})" / "没有扣款,无需冲正";
    "reversal.in-progress" "该交易的其他操作正在进行";
    "reversal.amount" "冲正必须是全额 {l},不能是 {o}" / "冲正必须是全额";
    "reversal.minimum-wait" "现在冲正为时过早({o},至少 {l})" / "现在冲正为时过早";
    "reversal.window" "已超过冲正时限({o},时限 {l})" / "已超过冲正时限";
    "order-close.enabled" "该商户不开放撤销付款码";
    "order-close.no-code" "该交易不是付款码交易";
    "order-close.in-progress" "该订单的其他操作正在进行";
    "order-close.amount" "关单必须是全额 {l},不能是 {o}" / "关单必须是全额";
    "order-close.scanned" "付款码已被扫描(付款结果:{o})" / "付款码已被扫描";
    "order-close.expired" "付款码已于 {l} 过期" / "付款码已过期";
    "order-close.paid" "付款码已付款,不能再撤销";
    "order-close.outcome" "该订单已结束(状态:{o})" / "该订单已结束";
    "hold-release.enabled" "该商户不开放预授权";
    "hold-release.no-hold" "该交易不是预授权";
    "hold-release.outcome" "没有可撤销的预授权(状态:{o})" / "没有可撤销的预授权";
    "hold-release.in-progress" "该预授权的其他操作正在进行";
    "hold-release.amount" "预授权撤销必须是全额 {l},不能是 {o}" / "预授权撤销必须是全额";
    "hold-release.operator-role" "操作员无预授权撤销权限(当前 {o},需要 {l})" / "操作员无预授权撤销权限(需要 {l})" / "操作员无预授权撤销权限";
    "hold-completion.enabled" "该商户不开放预授权";
    "hold-completion.no-hold" "该交易不是预授权";
    "hold-completion.outcome" "没有可完成的预授权(状态:{o})" / "没有可完成的预授权";
    "hold-completion.in-progress" "该预授权的其他操作正在进行";
    "hold-completion.validity" "预授权已于 {l} 到期,不能再完成" / "预授权已到期,不能再完成";
    "hold-completion.ceiling" "完成金额 {o} 超过预授权完成上限 {l}" / "超过预授权完成上限";
    "hold-completion.penalty" "违约金 {o} 超过可扣上限 {l}" / "违约金超过可扣上限";
    "completion-void.enabled" "该商户不开放预授权完成撤销";
    "completion-void.no-hold" "该交易不是预授权";
    "completion-void.outcome" "没有可撤销的预授权完成(状态:{o})" / "没有可撤销的预授权完成";
    "completion-void.in-progress" "该预授权的其他操作正在进行";
    "completion-void.after-refund" "该预授权完成已发送过退货";
    "completion-void.balance" "预授权完成 {l} 仅剩 {o},不能全额撤销" / "已申请退货,不能全额撤销预授权完成";
    "completion-void.amount" "预授权完成撤销必须是全额 {l},不能是 {o}" / "预授权完成撤销必须是全额";
    "completion-void.settled" "该预授权完成已清算({o})" / "该预授权完成已清算";
    "completion-void.window" "已超过预授权完成撤销时限({o},时限 {l})" / "已超过预授权完成撤销时限";
};
