//! 转客服、司法或合规撤销、应收应付: what people decide beside the policy.

use super::operation;
use crate::catalogue::{Debt, Deed, Story};
use rescind_model::Audience::{Customer, Merchant, Reviewer};
use rescind_model::{EventKind, LiabilityCause, LiabilityState, Party, Way};

/// The name of a way.
pub(super) fn way(way: Way) -> &'static str {
    match way {
        Way::Void => "撤销",
        Way::Refund => "退货",
        Way::Reversal => operation::name(Deed::Reversal),
        Way::OrderClose => operation::name(Deed::OrderClose),
        Way::HoldRelease => operation::name(Deed::HoldRelease),
        Way::HoldCompletion => operation::name(Deed::HoldCompletion),
        Way::CompletionVoid => operation::name(Deed::CompletionVoid),
    }
}

pub(super) fn message(story: &Story, sale: &str, because: &str) -> Option<(&'static str, String)> {
    let Story { merchant, amount, number, .. } = story;
    let by = story.until.as_ref().map_or_else(String::new, |at| format!("请于 {at} 前作出决定。"));
    let case = format!("{} {amount}({sale},工单号 {number})", story.way.map_or("", way));
    let order = format!("司法或合规撤销 {amount}({sale},文书编号 {number})");
    Some(match (story.kind, story.audience) {
        (EventKind::CaseOpened, Merchant) => ("已转客服处理", format!("{case}:已提交客服,等待处理。")),
        (EventKind::CaseOpened, Reviewer) => ("有工单等待处理", format!("{merchant}申请{case}。{by}")),
        (EventKind::CaseAssigned, Merchant) => ("客服已受理", format!("{case}:客服已受理,正在处理中。")),
        (EventKind::CaseAssigned, Reviewer) => ("工单已分派", format!("{merchant}:{case}已分派。{by}")),
        (EventKind::CaseGranted, Merchant) => {
            let until = story.until.as_ref().map_or_else(String::new, |at| format!("请于 {at} 前重新操作,"));
            ("客服已同意", format!("{case}:客服已同意。{until}仅限一次、仅限该笔。"))
        }
        (EventKind::CaseRefused, Merchant) => ("客服未同意", format!("{case}:客服未同意。{because}")),
        (EventKind::CaseExpired, Merchant) if story.granted => {
            ("客服授权已过期", format!("{case}:客服的同意未在期限内使用,已过期。如仍需办理,请重新提交。"))
        }
        (EventKind::CaseExpired, Merchant) => {
            ("工单已过期", format!("{case}:未在期限内得到处理,已过期。如仍需办理,请重新提交。"))
        }
        (EventKind::CaseExpired, Reviewer) if !story.granted => {
            ("工单已过期", format!("{merchant}:{case}未在期限内得到处理,已过期,无需再处理。"))
        }

        (EventKind::OrderProposed, Reviewer) => {
            ("有司法或合规撤销等待确认", format!("{merchant}:{order}已提出,需第二人核对并确认。{because}"))
        }
        (EventKind::OrderConfirmed, Merchant) => {
            ("司法或合规撤销已确认", format!("{order}已由两人确认,将依法撤销。请勿另行退款。"))
        }
        (EventKind::OrderConfirmed, Reviewer) => {
            ("司法或合规撤销已确认", format!("{merchant}:{order}已由第二人确认。"))
        }
        (EventKind::OrderExpired, Reviewer) => {
            ("司法或合规撤销已过期", format!("{merchant}:{order}未在期限内得到第二人确认,已过期。"))
        }

        (EventKind::LiabilityOpened | EventKind::LiabilityEnded, audience) => {
            let debt = story.debt?;
            match audience {
                Merchant => liability_for_merchant(story, debt, sale, because),
                Customer if debt.concerns_customer() => liability_for_customer(story, debt, sale),
                Customer | Reviewer => return None,
            }
        }
        _ => return None,
    })
}

fn liability_for_merchant(story: &Story, debt: Debt, sale: &str, because: &str) -> (&'static str, String) {
    let Story { amount, refund, .. } = story;
    let cause = match debt.cause {
        LiabilityCause::OverReturned => "多退",
        LiabilityCause::RefundFailed => "退款失败",
        LiabilityCause::RefundReturned => "退款被退回",
    };
    let debt_of =
        format!("{}应付{} {amount}({sale},退款单号 {refund},{cause})", party(debt.debtor), party(debt.creditor));
    if story.kind == EventKind::LiabilityOpened {
        return ("有款项待结清", format!("{debt_of}:已登记,待结清。{because}"));
    }
    match debt.state {
        LiabilityState::Settled => ("款项已结清", format!("{debt_of}:已结清。{because}")),
        LiabilityState::Agreed => ("款项已另行约定", format!("{debt_of}:双方已另行约定。{because}")),
        LiabilityState::Open | LiabilityState::WrittenOff => ("款项已核销", format!("{debt_of}:已核销。{because}")),
    }
}

fn liability_for_customer(story: &Story, debt: Debt, sale: &str) -> (&'static str, String) {
    let Story { merchant, amount, .. } = story;
    let owed = format!("{merchant}应付您的款项 {amount}({sale})");
    if story.kind == EventKind::LiabilityOpened {
        let cause = match debt.cause {
            LiabilityCause::OverReturned => "",
            LiabilityCause::RefundFailed => "因退款未成功,",
            LiabilityCause::RefundReturned => "因退款被退回,",
        };
        return ("商户有款项待付给您", format!("{cause}{owed}已登记。请与商户联系领取方式。"));
    }
    match debt.state {
        LiabilityState::Settled => ("款项已结清", format!("{owed}已结清。")),
        LiabilityState::Agreed => ("款项已另行约定", format!("{owed}已按双方约定处理。")),
        LiabilityState::Open | LiabilityState::WrittenOff => {
            ("款项登记已结束", format!("{owed}的登记已结束。如有疑问,请与商户联系。"))
        }
    }
}

fn party(party: Party) -> &'static str {
    match party {
        Party::Merchant => "商户",
        Party::Customer => "客户",
        Party::Acquirer => "收单机构",
    }
}
