//! 冲正、关单、预授权: what became of an operation.

use crate::catalogue::{Deed, Story};
use rescind_model::Audience::{Customer, Merchant, Reviewer};
use rescind_model::EventKind;

/// The operation's name.
pub(super) fn name(deed: Deed) -> &'static str {
    match deed {
        Deed::Reversal => "冲正",
        Deed::OrderClose => "关单",
        Deed::CodeCancel => "撤销付款码",
        Deed::HoldRelease => "预授权撤销",
        Deed::HoldCompletion => "预授权完成",
        Deed::Penalty => "违约金扣收",
        Deed::CompletionVoid => "预授权完成撤销",
    }
}

pub(super) fn message(story: &Story, sale: &str, because: &str) -> Option<(String, String)> {
    let deed = story.deed?;
    let (name, merchant) = (name(deed), &story.merchant);
    let it = format!("{name} {}({sale})", story.amount);
    Some(match (story.kind, story.audience) {
        (EventKind::OperationAuthorised, Merchant) => {
            (format!("{name}请求已提交"), format!("{it}:请求已提交,正在处理中。"))
        }
        (EventKind::OperationSent, Merchant) => (format!("{name}处理中"), format!("{it}:请求已发送,正在处理中。")),
        (EventKind::OperationDone, Merchant) => {
            (format!("{name}成功"), format!("{it}:{name}成功,{}。", effect(deed, story.hold)))
        }
        (EventKind::OperationFailed, Merchant) => {
            (format!("{name}失败"), format!("{it}:{name}失败,{}。{because}", stands(deed)))
        }
        (EventKind::OperationUnknown, Merchant) => {
            (format!("{name}结果未知"), format!("{it}:结果未知,正在查询。{}。", forbidden(deed)))
        }
        (EventKind::OperationAttention, Merchant) if story.contested => (
            format!("{name}后收到迟到应答"),
            format!("{it}:{name}结束后收到应答,称原交易已扣款,已转人工核对。请勿重复操作。"),
        ),
        (EventKind::OperationAttention, Reviewer) if story.contested => (
            format!("{name}后收到迟到应答"),
            format!("{merchant}:{it}结束后收到应答,称原交易已扣款。请核对渠道记录后处理。"),
        ),
        (EventKind::OperationAttention, Merchant) => {
            (format!("{name}需人工处理"), format!("{it}:无法自动完成,已转人工处理。{}。", forbidden(deed)))
        }
        (EventKind::OperationAttention, Reviewer) => {
            (format!("{name}需人工处理"), format!("{merchant}:{it}无法自动完成,需人工处理。请核对渠道记录后处理。"))
        }
        (EventKind::OperationResolved, Merchant) => {
            (format!("{name}已人工处理"), format!("{it}:已由两人核对并确定结果。{because}"))
        }
        (kind, Customer) => {
            let (title, body) = customer(kind, deed, story, sale)?;
            (title.to_owned(), body)
        }
        _ => return None,
    })
}

/// What the operation did, now that it is done.
fn effect(deed: Deed, hold: bool) -> &'static str {
    match deed {
        Deed::Reversal if hold => "如已冻结,金额将解冻",
        Deed::Reversal => "如已扣款,款项将原路退回",
        Deed::OrderClose => "订单已关闭,如已扣款,款项将原路退回",
        Deed::CodeCancel => "付款码已失效",
        Deed::HoldRelease => "冻结金额将全部解冻",
        Deed::HoldCompletion => "款项已扣收,其余冻结金额(如有)将解冻",
        Deed::Penalty => "其余冻结金额(如有)将解冻",
        Deed::CompletionVoid => "扣款已取消,预授权恢复有效",
    }
}

/// What holds now that the operation failed.
fn stands(deed: Deed) -> &'static str {
    match deed {
        Deed::Reversal | Deed::OrderClose => "原交易仍然有效",
        Deed::CodeCancel => "付款码状态不变",
        Deed::HoldRelease | Deed::HoldCompletion | Deed::Penalty => "原预授权仍然有效",
        Deed::CompletionVoid => "原预授权完成仍然有效",
    }
}

/// What must not be done while nobody knows.
fn forbidden(deed: Deed) -> &'static str {
    match deed {
        Deed::Reversal | Deed::OrderClose | Deed::CodeCancel => "结果确认前请勿重复操作或重新收款",
        Deed::HoldRelease | Deed::HoldCompletion | Deed::Penalty | Deed::CompletionVoid => "请勿重复操作",
    }
}

fn customer(kind: EventKind, deed: Deed, story: &Story, sale: &str) -> Option<(&'static str, String)> {
    let Story { merchant, amount, .. } = story;
    let payment = format!("您在{merchant}的付款 {amount}({sale})");
    let hold = format!("您在{merchant}的预授权({sale})");
    Some(match (kind, deed) {
        (EventKind::OperationAuthorised, Deed::Reversal) if story.hold => {
            ("预授权冲正中", format!("{hold}结果未能确认,正在冲正。如已冻结,该金额将解冻。"))
        }
        (EventKind::OperationDone, Deed::Reversal) if story.hold => {
            ("预授权已冲正", format!("{hold}已冲正,没有扣款。如已冻结,该金额将解冻。"))
        }
        (EventKind::OperationFailed, Deed::Reversal) if story.hold => {
            ("预授权仍然有效", format!("{hold}未被取消,预授权仍然有效。请与商户联系。"))
        }
        (EventKind::OperationUnknown, Deed::Reversal) if story.hold => {
            ("预授权结果确认中", format!("{hold}结果未知,正在查询,您无需操作。"))
        }
        (EventKind::OperationAuthorised, Deed::Reversal) => {
            ("付款冲正中", format!("{payment}结果未能确认,正在冲正,请勿重复付款。如已扣款,款项将原路退回。"))
        }
        (EventKind::OperationAuthorised, Deed::OrderClose) => {
            ("订单关闭中", format!("{payment}的订单正在关闭,请勿重复付款。如已扣款,款项将原路退回。"))
        }
        (EventKind::OperationAuthorised, Deed::HoldRelease) => {
            ("预授权撤销已提交", format!("{hold}撤销请求已提交,正在处理中,冻结金额 {amount}。"))
        }
        (EventKind::OperationAuthorised, Deed::HoldCompletion) => {
            ("预授权完成处理中", format!("{hold}正在办理预授权完成,扣款金额 {amount}。"))
        }
        (EventKind::OperationAuthorised, Deed::Penalty) => {
            ("违约金处理中", format!("{hold}将扣收违约金 {amount},正在处理中。其余冻结金额(如有)将解冻。"))
        }
        (EventKind::OperationAuthorised, Deed::CompletionVoid) => {
            ("预授权完成撤销已提交", format!("{hold}的扣款 {amount} 撤销请求已提交,正在处理中。"))
        }

        (EventKind::OperationDone, Deed::Reversal) => {
            ("付款已冲正", format!("{payment}已冲正。如已扣款,款项将原路退回。"))
        }
        (EventKind::OperationDone, Deed::OrderClose) => {
            ("订单已关闭", format!("{payment}的订单已关闭。如已扣款,款项将原路退回。"))
        }
        (EventKind::OperationDone, Deed::CodeCancel) => {
            ("付款码已撤销", format!("{payment}的付款码已撤销,未扣款。请勿再使用该付款码付款。"))
        }
        (EventKind::OperationDone, Deed::HoldRelease) => {
            ("预授权已撤销", format!("{hold}已撤销,冻结金额 {amount} 将全部解冻,没有扣款。"))
        }
        (EventKind::OperationDone, Deed::HoldCompletion) => {
            ("预授权已完成", format!("{hold}已完成,实际扣款 {amount}。其余冻结金额(如有)将解冻。"))
        }
        (EventKind::OperationDone, Deed::Penalty) => {
            ("违约金已扣收", format!("{hold}已扣收违约金 {amount}。其余冻结金额(如有)将解冻。"))
        }
        (EventKind::OperationDone, Deed::CompletionVoid) => {
            ("预授权扣款已撤销", format!("{hold}的扣款 {amount} 已撤销,预授权恢复有效。"))
        }

        (EventKind::OperationFailed, Deed::Reversal | Deed::OrderClose) => {
            ("付款仍然有效", format!("{payment}未被取消,付款仍然有效。请与商户联系。"))
        }
        (EventKind::OperationFailed, Deed::HoldRelease) => {
            ("预授权撤销未成功", format!("{hold}撤销未成功,预授权仍然有效。请与商户联系。"))
        }
        (EventKind::OperationFailed, Deed::HoldCompletion | Deed::Penalty) => {
            ("预授权扣款未成功", format!("{hold}扣款 {amount} 未成功,未扣款,预授权仍然有效。请与商户联系。"))
        }
        (EventKind::OperationFailed, Deed::CompletionVoid) => {
            ("预授权完成撤销未成功", format!("{hold}的扣款 {amount} 撤销未成功,扣款仍然有效。请与商户联系。"))
        }

        (EventKind::OperationUnknown, Deed::Reversal | Deed::OrderClose) => {
            ("付款结果确认中", format!("{payment}结果未知,正在查询。请勿重复付款。"))
        }
        (EventKind::OperationUnknown, Deed::CodeCancel) => {
            ("付款码撤销确认中", format!("{payment}的付款码撤销结果未知,正在查询。请勿使用该付款码付款。"))
        }
        (EventKind::OperationUnknown, _) => {
            (confirming(deed), format!("{hold}的{}({amount})结果未知,正在查询,您无需操作。", name(deed)))
        }
        _ => return None,
    })
}

fn confirming(deed: Deed) -> &'static str {
    match deed {
        Deed::HoldRelease => "预授权撤销确认中",
        Deed::CompletionVoid => "预授权完成撤销确认中",
        _ => "预授权扣款确认中",
    }
}
