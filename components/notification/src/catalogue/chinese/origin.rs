//! 付款码、预授权、收银异常: how a payment began, and what went wrong at the till.

use crate::catalogue::Story;
use rescind_model::Audience::{Customer, Merchant, Reviewer};
use rescind_model::{EventKind, SaleOutcome, Trouble};

pub(super) fn message(story: &Story, sale: &str) -> Option<(&'static str, String)> {
    let Story { merchant, amount, .. } = story;
    let until = story.until.as_ref().map_or_else(String::new, |at| format!(",有效期至 {at}"));
    let code = format!("付款码 {amount}({sale})");
    let hold = format!("预授权 {amount}({sale})");
    let payment = format!("您在{merchant}的付款 {amount}({sale})");
    let held = format!("您在{merchant}的预授权 {amount}({sale})");
    // What the till was about.
    let (sold, paid) = if story.hold { (&hold, &held) } else { (&format!("消费 {amount}({sale})"), &payment) };
    Some(match (story.kind, story.audience) {
        (EventKind::CodeCreated, Merchant) => ("付款码已生成", format!("{code}已生成{until}。")),
        (EventKind::CodeScanned, Merchant) => match story.outcome {
            Some(SaleOutcome::Good) => ("付款码已付款", format!("{code}已被扫描,付款已确认成功。")),
            Some(SaleOutcome::Declined) => ("付款被拒绝", format!("{code}已被扫描,付款被拒绝,未扣款。")),
            Some(SaleOutcome::Failed) => ("付款失败", format!("{code}已被扫描,付款失败,未扣款。")),
            Some(SaleOutcome::Unknown) => {
                ("付款结果未知", format!("{code}已被扫描,付款结果未知,正在查询。结果确认前请勿重新收款。"))
            }
            _ => ("付款码已被扫描", format!("{code}已被扫描。付款结果确认前请勿重新收款。")),
        },
        (EventKind::CodeScanned, Customer) => match story.outcome? {
            SaleOutcome::Good => ("付款已确认", format!("{payment}已确认成功。")),
            SaleOutcome::Unknown => ("付款结果确认中", format!("{payment}结果未知,正在查询。请勿重复付款。")),
            SaleOutcome::Declined | SaleOutcome::Failed => {
                ("付款未成功", format!("{payment}未成功。如已扣款,款项将原路退回。"))
            }
            _ => return None,
        },
        (EventKind::CodeExpired, Merchant) => {
            ("付款码已过期", format!("{code}已过期,无人付款。如仍需收款,请重新生成付款码。"))
        }
        (EventKind::CodeExpired, Customer) => {
            ("付款码已过期", format!("{payment}的付款码已过期,未扣款。如仍需付款,请向商户索取新的付款码。"))
        }

        (EventKind::HoldAuthorised, Merchant) if story.outcome == Some(SaleOutcome::Unknown) => {
            ("预授权结果未知", format!("{hold}:结果未知,正在查询。结果确认前请勿重新发起。"))
        }
        (EventKind::HoldAuthorised, Customer) if story.outcome == Some(SaleOutcome::Unknown) => {
            ("预授权结果确认中", format!("{held}结果未知,正在查询,您无需操作。"))
        }
        (EventKind::HoldAuthorised, Merchant) => ("预授权已生效", format!("{hold}已生效,金额已冻结{until}。")),
        (EventKind::HoldAuthorised, Customer) => {
            ("预授权已生效", format!("{held}已生效{until}。该金额已冻结,尚未扣款。"))
        }
        (EventKind::HoldLapsed, Merchant) => {
            ("预授权已过期", format!("{hold}已过期,不能再做预授权完成,冻结金额将解冻。"))
        }
        (EventKind::HoldLapsed, Customer) => ("预授权已过期", format!("{held}已过期,没有扣款,冻结金额将解冻。")),

        (EventKind::SaleTrouble, Merchant) => trouble(story.trouble, sold),
        (EventKind::SaleTrouble, Customer) => match story.trouble? {
            Trouble::NoAnswer | Trouble::HardwareFault | Trouble::SoftwareFault => {
                ("付款结果确认中", format!("{paid}结果未知,正在查询。请勿重复付款。"))
            }
            Trouble::Unauthorised => ("付款异议已登记", format!("关于{paid}的异议已登记,正在处理中。")),
            Trouble::Declined | Trouble::PrinterFault => return None,
        },
        (EventKind::SaleTrouble, Reviewer) if story.trouble == Some(Trouble::Unauthorised) => {
            ("付款人称未授权", format!("{merchant}:付款人称未授权该笔{sold}。请核对后处理。"))
        }
        (EventKind::SaleLateAnswer, Merchant) => {
            let said = match story.outcome {
                Some(SaleOutcome::Good) => ",应答为原交易成功",
                Some(SaleOutcome::Declined) => ",应答为原交易被拒绝",
                Some(SaleOutcome::Failed) => ",应答为原交易失败",
                _ => "",
            };
            ("收到迟到应答", format!("{sold}在冲正开始后才收到应答{said}。已记录,以冲正结果为准,请勿重复处理。"))
        }
        (EventKind::SaleAttention, Merchant) => {
            ("交易结果仍未知", format!("{sold}结果未知,且未在冲正。请登记异常或向渠道查询,结果确认前请勿重新收款。"))
        }
        (EventKind::SaleAttention, Reviewer) => {
            ("交易结果仍未知", format!("{merchant}:{sold}结果未知,且未在冲正。请核对渠道记录后处理。"))
        }
        _ => return None,
    })
}

fn trouble(trouble: Option<Trouble>, sale: &str) -> (&'static str, String) {
    match trouble {
        Some(Trouble::NoAnswer) => {
            ("交易未收到应答", format!("{sale}未收到应答,结果未知,正在查询。结果确认前请勿重新收款。"))
        }
        Some(Trouble::Declined) => {
            ("交易被拒绝", format!("{sale}已登记为被拒绝,无需冲正。如仍需收款,请用新的流水号重新发起。"))
        }
        Some(Trouble::HardwareFault) => {
            ("终端硬件故障", format!("{sale}时终端硬件故障,结果未知,正在查询。结果确认前请勿重新收款。"))
        }
        Some(Trouble::SoftwareFault) => {
            ("终端程序故障", format!("{sale}时终端程序故障,结果未知,正在查询。结果确认前请勿重新收款。"))
        }
        Some(Trouble::PrinterFault) => {
            ("签购单未打印", format!("{sale}的签购单未打印,付款不受影响。请重打印签购单,请勿重新收款。"))
        }
        Some(Trouble::Unauthorised) => {
            ("付款人称未授权", format!("付款人称未授权该笔{sale}。请核对交易,再选择冲正、撤销或退货。"))
        }
        None => ("交易异常已登记", format!("{sale}的异常已登记。")),
    }
}
