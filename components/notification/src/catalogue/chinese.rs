//! Simplified Chinese, mainland usage. The phrases of the guides are kept: 「请求已提交,正在处理中」「请求已成功撤回」「撤销成功」.

mod case;
mod operation;
mod origin;
mod rule;

use super::{Advice, Clause, Confirmation, Deed, Language, Opening, SaleName, SlipWords, Story};
use rescind_model::Audience::{Customer, Merchant, Reviewer};
use rescind_model::{Arrival, EventKind, IdentityKind, OfflineEffect, OperationState, RefundState, SaleOutcome, Way};

pub(super) struct Chinese;

impl Language for Chinese {
    fn message(&self, story: &Story) -> Option<(String, String)> {
        let Story { merchant, amount, refund, .. } = story;
        let sale = match &story.sale {
            SaleName::Order(number) => format!("订单号 {number}"),
            SaleName::Reference(number) => format!("参考号 {number}"),
            SaleName::Id(id) => format!("交易号 {id}"),
        };
        let because = story.reason.as_ref().map_or_else(String::new, |reason| format!("原因:{reason}。"));
        let arrives = story.arrival.map_or_else(String::new, |a| format!("{}。", self.arrival(a)));
        let payment = format!("您在{merchant}的付款 {amount}({sale})");
        let paid_back = format!("您在{merchant}的退款 {amount}({sale})");
        let void = format!("撤销 {amount}({sale})");
        let back = format!("退款 {amount}({sale},退款单号 {refund})");
        let sold = if story.hold { "预授权" } else { "消费" };
        let (title, body) = match (story.kind, story.audience) {
            (EventKind::SaleOutcomeKnown, Merchant) => match story.outcome? {
                SaleOutcome::Held => ("预授权已生效", format!("预授权 {amount}({sale})已生效,金额已冻结。")),
                SaleOutcome::Good => ("交易结果已确认", format!("消费 {amount}({sale})已确认成功。")),
                SaleOutcome::Declined => ("交易被拒绝", format!("{sold} {amount}({sale})被拒绝,没有款项需要退回。")),
                SaleOutcome::Failed => ("交易失败", format!("{sold} {amount}({sale})失败,未扣款,没有款项需要退回。")),
                _ => return None,
            },
            (EventKind::SaleOutcomeKnown, Customer) => match story.outcome? {
                SaleOutcome::Held => {
                    ("预授权已生效", format!("您在{merchant}的预授权 {amount}({sale})已生效。该金额已冻结,尚未扣款。"))
                }
                SaleOutcome::Declined | SaleOutcome::Failed if story.hold => (
                    "预授权未成功",
                    format!("您在{merchant}的预授权 {amount}({sale})未成功,没有扣款。如金额已冻结,将由发卡行解冻。"),
                ),
                SaleOutcome::Good => ("付款已确认", format!("{payment}已确认成功。")),
                SaleOutcome::Declined | SaleOutcome::Failed => {
                    ("付款未成功", format!("{payment}未成功。如已扣款,款项将原路退回。"))
                }
                _ => return None,
            },
            (EventKind::SaleBatchClosed, Merchant) => {
                ("批次已结账", format!("消费 {amount}({sale})所在批次已结账。如不能再撤销,请申请退货。"))
            }
            (EventKind::SaleSettled, Merchant) => {
                ("交易已清算", format!("消费 {amount}({sale})已清算。如需退款,请申请退货。"))
            }
            (EventKind::SalePaidOut, Merchant) => {
                ("款项已划付", format!("消费 {amount}({sale})的款项已划付到您的银行账户。如需退款,请申请退货。"))
            }

            (EventKind::VoidAuthorised, Merchant) => ("撤销请求已提交", format!("{void}:请求已提交,正在处理中。")),
            (EventKind::VoidAuthorised, Customer) => {
                ("撤销请求已提交", format!("{payment}的撤销请求已提交,正在处理中。"))
            }
            (EventKind::VoidSent, Merchant) => ("撤销处理中", format!("{void}:请求已发送,正在处理中。")),
            (EventKind::VoidDone, Merchant) => ("撤销成功", format!("{void}:撤销成功,款项将原路退回。")),
            (EventKind::VoidDone, Customer) => ("撤销成功", format!("{payment}撤销成功,款项将原路退回。")),
            (EventKind::VoidFailed, Merchant) => ("撤销失败", format!("{void}:撤销失败,原交易仍然有效。{because}")),
            (EventKind::VoidFailed, Customer) => {
                ("撤销未成功", format!("{payment}撤销未成功,原付款仍然有效。请与商户联系。"))
            }
            (EventKind::VoidUnknown, Merchant) => {
                ("撤销结果未知", format!("{void}:结果未知,系统正在查询。请勿重复撤销或退款。"))
            }
            (EventKind::VoidUnknown, Customer) => {
                ("撤销结果确认中", format!("{payment}的撤销结果正在确认中,您无需操作。"))
            }
            (EventKind::VoidReversing, Merchant) => {
                ("撤销冲正中", format!("{void}:结果一直未知,正在冲正该笔撤销。冲正结束前请勿重复撤销或退款。"))
            }
            (EventKind::VoidAttention, Merchant) => {
                ("撤销需人工处理", format!("{void}:无法自动完成,已转人工处理。请勿重复操作。"))
            }
            (EventKind::VoidAttention, Reviewer) => {
                ("撤销需人工处理", format!("{merchant}:{void}结果未知,需人工处理。请核对渠道记录后处理。"))
            }

            (EventKind::RefundSubmitted, Merchant) => ("退款请求已提交", format!("{back}:请求已提交,正在处理中。")),
            (EventKind::RefundSubmitted, Customer) => ("退款请求已提交", format!("{paid_back}请求已提交,正在处理中。")),
            (EventKind::RefundInReview, Merchant) => ("退款审核中", format!("{back}:正在等待审批。")),
            (EventKind::RefundInReview, Reviewer) => {
                ("有退款等待您审核", format!("{merchant}申请{back}。{}", approvals(story.approvals_left)))
            }
            (EventKind::RefundApprovalGiven, Merchant) => {
                ("退款已获一人审批", format!("{back}:已有一人审批通过。{}", approvals(story.approvals_left)))
            }
            (EventKind::RefundApprovalGiven, Reviewer) if story.approvals_left > 0 => {
                ("退款还需审批", format!("{merchant}:{back}已有一人审批通过。{}", approvals(story.approvals_left)))
            }
            (EventKind::RefundApproved, Merchant) => ("退款审批通过", format!("{back}:审批通过,即将提交清算。")),
            (EventKind::RefundApproved, Customer) => ("退款已同意", format!("{paid_back}已同意,正在处理中。")),
            (EventKind::RefundDeclined, Merchant) => ("退款未通过", format!("{back}:审核未通过。{because}")),
            (EventKind::RefundDeclined, Customer) => ("退款未通过", format!("{paid_back}未通过审核。{because}")),
            (EventKind::RefundWithdrawn, Merchant) => {
                ("退款请求已撤回", format!("{back}:请求已成功撤回,没有款项变动。{because}"))
            }
            (EventKind::RefundWithdrawn, Customer) => {
                ("退款请求已撤回", format!("{paid_back}请求已成功撤回,原付款仍然有效。"))
            }
            (EventKind::RefundWithdrawn, Reviewer) => {
                ("退款请求已撤回", format!("{merchant}:{back}请求已成功撤回,无需再审核。"))
            }
            (EventKind::RefundExpired, Merchant) => (
                "退款请求已过期",
                format!("{back}:未在期限内获得审批,请求已过期,没有款项变动。如仍需退款,请重新提交。"),
            ),
            (EventKind::RefundExpired, Customer) => {
                ("退款请求已过期", format!("{paid_back}请求未在期限内得到处理,已过期。如仍需退款,请联系商户重新提交。"))
            }
            (EventKind::RefundExpired, Reviewer) => {
                ("退款请求已过期", format!("{merchant}:{back}未在期限内获得审批,已过期,无需再审核。"))
            }
            (EventKind::RefundEscalated, Merchant) => {
                ("退款审批已升级", format!("{back}:仍在等待审批,已扩大审批人范围。"))
            }
            (EventKind::RefundEscalated, Reviewer) => (
                "退款审批已转交给您",
                format!("{merchant}:{back}未及时获得审批,已升级转交。{}", approvals(story.approvals_left)),
            ),
            (EventKind::RefundQueued, Merchant) => {
                ("退款排队中", format!("{back}:审批通过,待当日可用资金充足后自动处理。请勿重复提交。"))
            }
            (EventKind::RefundQueued, Customer) => {
                ("退款排队中", format!("{paid_back}已同意,正在排队处理,您无需操作。"))
            }
            (EventKind::RefundClearing, Merchant) => ("退款清算中", format!("{back}:已提交清算,正在处理中。{arrives}")),
            (EventKind::RefundClearing, Customer) => ("退款处理中", format!("{paid_back}正在处理中。{arrives}")),
            (EventKind::RefundCleared, Merchant) => ("退款成功", format!("{back}:退款成功。{arrives}")),
            (EventKind::RefundCleared, Customer) => ("退款成功", format!("{paid_back}成功,款项将原路退回。{arrives}")),
            (EventKind::RefundFailed, Merchant) => ("退款失败", format!("{back}:退款失败,没有款项变动。{because}")),
            (EventKind::RefundFailed, Customer) => ("退款未成功", format!("{paid_back}未成功。请与商户联系。")),
            (EventKind::RefundUnknown, Merchant) => {
                ("退款结果未知", format!("{back}:结果未知,系统正在查询。请勿重复提交。"))
            }
            (EventKind::RefundUnknown, Customer) => {
                ("退款结果确认中", format!("{paid_back}结果正在确认中,您无需操作。"))
            }
            (EventKind::RefundAttention, Merchant) => {
                ("退款需人工处理", format!("{back}:无法自动完成,已转人工处理。请勿重复提交。"))
            }
            (EventKind::RefundAttention, Reviewer) => {
                ("退款需人工处理", format!("{merchant}:{back}无法自动完成,需人工处理。请核对渠道记录后处理。"))
            }
            (EventKind::RefundRetried, Merchant) => ("退款重新处理中", format!("{back}:正以原参考号重新处理。")),
            (EventKind::RefundRetried, Customer) => ("退款重新处理中", format!("{paid_back}正在重新处理中。")),
            (EventKind::RefundResolved, Merchant) => {
                ("退款已人工处理", format!("{back}:已由两人核对并确定结果。{because}"))
            }
            (EventKind::RefundInformationAsked, Merchant) => {
                ("退款需补充材料", format!("{back}:审核员有问题需要您答复,问题内容见该笔退款详情。"))
            }
            (EventKind::RefundInformationGiven, Merchant) => {
                ("补充材料已提交", format!("{back}:补充材料已提交,将重新审核,此前的审批失效。"))
            }
            (EventKind::RefundInformationGiven, Reviewer) => (
                "补充材料已提交",
                format!("{merchant}:{back}已补充材料,请重新审核。{}", approvals(story.approvals_left)),
            ),
            (EventKind::RefundTraceRequested, Merchant) => {
                ("退款到账查询中", format!("{back}:正在向渠道查询是否到账。请勿重复提交。"))
            }
            (EventKind::RefundTraceRequested, Customer) => {
                ("退款到账查询中", format!("{paid_back}正在向渠道查询是否到账,您无需操作。"))
            }
            (EventKind::RefundTraceAnswered, Merchant) => match story.arrived {
                Some(true) => ("退款确认到账", format!("{back}:渠道确认已到账。")),
                Some(false) => ("退款未到账", format!("{back}:渠道确认未到账,需人工处理。{because}")),
                None => ("退款到账查询中", format!("{back}:渠道暂无结果,仍在查询。")),
            },
            (EventKind::RefundTraceAnswered, Customer) => match story.arrived? {
                true => ("退款已到账", format!("{paid_back}经渠道确认已到账,请查看您原来的付款账户。")),
                false => ("退款尚未到账", format!("{paid_back}经渠道确认尚未到账,正在处理中。您可以与商户联系。")),
            },
            (EventKind::RefundTraceAnswered, Reviewer) if story.arrived == Some(false) => {
                ("退款未到账", format!("{merchant}:{back}渠道确认未到账,需人工处理。{because}"))
            }
            (EventKind::RefundReturned, Merchant) => {
                ("退款被退回", format!("{back}:款项已被网络退回,原退款记录不变,可退余额已恢复。{because}"))
            }
            (EventKind::RefundReturned, Customer) => {
                ("退款被退回", format!("{paid_back}已被退回,未能到账。请与商户联系,重新办理。"))
            }
            _ => {
                return operation::message(story, &sale, &because).or_else(|| {
                    let told = origin::message(story, &sale).or_else(|| case::message(story, &sale, &because));
                    told.map(|(title, body)| (title.to_owned(), body))
                });
            }
        };
        Some((title.to_owned(), body))
    }

    fn confirmation(&self, code: &Confirmation) -> (String, String) {
        let Confirmation { merchant, amount, code, until, way } = code;
        let way = case::way(*way);
        (
            format!("{way}确认码"),
            format!(
                "您正在确认{merchant}的{way} {amount},确认码 {code},{until} 前有效。仅供您本人确认此笔业务,请勿告诉他人。"
            ),
        )
    }

    fn clauses(&self) -> &'static [Clause] {
        rule::CLAUSES
    }

    fn unknown_clause(&self, rule: &str) -> String {
        format!("规则 {rule} 不允许此操作")
    }

    fn seen(&self, observed: Option<&str>, limit: Option<&str>) -> String {
        match (observed, limit) {
            (Some(o), Some(l)) => format!("(实际 {o},限制 {l})"),
            (Some(o), None) => format!("(实际 {o})"),
            (None, Some(l)) => format!("(限制 {l})"),
            (None, None) => String::new(),
        }
    }

    fn remedy(&self, advice: &Advice) -> Option<String> {
        Some(match advice {
            Advice::UseVoid => "请改用撤销".to_owned(),
            Advice::UseRefund => "请改为申请退货".to_owned(),
            Advice::UseRefundFrom(at) => format!("请于 {at} 起申请退货"),
            Advice::UseReversal => "请先由冲正确认交易结果".to_owned(),
            Advice::AwaitOutcome => "请等待正在进行的操作结束".to_owned(),
            Advice::AskRole(role) => format!("请由{role}操作"),
            Advice::RetryAfter(at) => format!("请于 {at} 或之后再试"),
            Advice::ReduceTo(amount) => format!("最多可申请 {amount}"),
            Advice::ChooseReason => "请选择原因".to_owned(),
            Advice::TakeAll => "请按全额申请".to_owned(),
            Advice::GoOnline => "请联机后再试".to_owned(),
            Advice::Provide(what) => format!("请提供{what}"),
            Advice::UseOrderClose => "请改为关单或撤销付款码".to_owned(),
            Advice::UseHoldRelease => "请改用预授权撤销".to_owned(),
            Advice::UseCompletionVoid => "请改用预授权完成撤销".to_owned(),
            Advice::Reprint => "交易无误,请重打印签购单".to_owned(),
            Advice::NewSale => "可用新的流水号重新收款".to_owned(),
            Advice::Authenticate => "请操作员为此笔业务验证身份(密码或签名)".to_owned(),
            Advice::Identify(IdentityKind::CardPresented) => "请客户出示付款原卡".to_owned(),
            Advice::Identify(IdentityKind::PinVerified) => "请持卡人输入密码".to_owned(),
            Advice::Identify(IdentityKind::CustomerConfirmed) => "请客户提供收到的确认码".to_owned(),
            Advice::ContactSupport => "请联系客服".to_owned(),
        })
    }

    fn sentence(&self, clause: &str, advice: Option<&str>) -> String {
        let advice = advice.map_or_else(String::new, |a| format!(",{a}"));
        format!("{clause}{advice}。")
    }

    fn allowed(&self, opening: &Opening) -> String {
        let way = match opening.way {
            Way::Void => "可以撤销",
            Way::Refund => "可以申请退货",
            Way::Reversal => "可以冲正",
            Way::OrderClose => "可以关单",
            Way::HoldRelease => "可以做预授权撤销",
            Way::HoldCompletion => "可以做预授权完成",
            Way::CompletionVoid => "可以做预授权完成撤销",
        };
        let until = opening.until.as_ref().map_or_else(String::new, |at| format!(",截止 {at}"));
        let approvals =
            if opening.approvals > 0 { format!(",需 {} 人审批", opening.approvals) } else { String::new() };
        let penalty = opening.penalty.as_ref().map_or_else(String::new, |kept| format!(",另扣违约金 {kept}"));
        let identity = opening.identity.as_ref().map_or_else(String::new, |ways| format!(",需验证客户身份({ways})"));
        let authentication = if opening.authentication { ",需操作员验证身份" } else { "" };
        let arrival = opening.arrival.map_or_else(String::new, |arrival| format!(",{}", self.arrival(arrival)));
        let offline = match opening.offline {
            None => "",
            Some(OfflineEffect::CancelsLocally) => ",交易尚未上送,在终端本地撤销",
            Some(OfflineEffect::Queued) => ",待联机确认,以联机结果为准",
        };
        format!("{way} {}{penalty}{until}{approvals}{identity}{authentication}{offline}{arrival}。", opening.amount)
    }

    fn not_allowed(&self, way: Way) -> String {
        format!("目前不能做{},请联系客服。", case::way(way))
    }

    fn lasting(&self, parts: [u64; 4]) -> String {
        let shown: String = parts
            .iter()
            .zip(["天", "小时", "分钟", "秒"])
            .filter(|(n, _)| **n > 0)
            .map(|(n, unit)| format!("{n}{unit}"))
            .collect();
        if shown.is_empty() { "0秒".to_owned() } else { shown }
    }

    fn word(&self, token: &str) -> String {
        match token {
            "good" => "成功",
            "unknown" => "未知",
            "declined" => "被拒绝",
            "failed" => "失败",
            "done" => "已完成",
            "authorised" => "已授权",
            "sent" => "已发送",
            "ordinary" => "普通结算",
            "real-time" => "实时到账",
            "cashier" => "收银员",
            "operator" => "操作员",
            "supervisor" => "主管",
            "manager" => "经理",
            "reviewer" => "审核员",
            "finance" => "财务",
            "support" => "客服",
            "merchant-account" => "商户账户",
            "payer-token" => "付款人",
            "terminal" => "终端",
            "requester-day" => "申请人当日的申请总额",
            "reason" => "原因",
            "receipt" => "小票",
            "photo" => "照片",
            "invoice" => "发票",
            "identity" => "身份证明",
            "reversed" => "已冲正",
            "unpaid" => "未付款",
            "cancelled" => "已撤销",
            "expired" => "已过期",
            "held" => "预授权中",
            "released" => "预授权已撤销",
            "lapsed" => "预授权已过期",
            "no-answer" => "未收到应答",
            "hardware-fault" => "终端硬件故障",
            "software-fault" => "终端程序故障",
            "printer-fault" => "打印机故障",
            "unauthorised" => "付款人称未授权",
            "card-presented" => "出示付款原卡",
            "pin-verified" => "验证密码",
            "customer-confirmed" => "客户确认码",
            "pin" => "密码",
            "signature" => "签名",
            "void" => "撤销",
            "refund" => "退货",
            "reversal" => "冲正",
            "order-close" => "关单",
            "hold-release" => "预授权撤销",
            "hold-completion" => "预授权完成",
            "completion-void" => "预授权完成撤销",
            "payment-code" => "付款码",
            "card" => "银行卡",
            "merchant" => "商户",
            "customer" => "客户",
            "payer" => "付款人",
            "acquirer" => "收单机构",
            "compliance" => "合规",
            "legal" => "法务",
            "scanned" => "已扫描",
            "unscanned" => "未扫描",
            "paid" => "已付款",
            "other-person" => "他人的验证",
            "other-operation" => "其他业务的验证",
            "unbound" => "未绑定此笔业务",
            "penalty" => "违约金",
            "no-show" => "未到店",
            "change-of-plan" => "计划变更",
            "legal-order" => "司法或合规要求",
            "medical" => "医疗证明",
            "police-report" => "报案回执",
            "screenshot" => "截图",
            "purchase" => "消费",
            "reservation" => "预订",
            "deposit" => "定金",
            "ticket" => "票务",
            "hotel" => "酒店",
            "travel" => "旅游",
            "hold" => "预授权",
            "customer-request" => "客户要求",
            "customer-cancelled" => "客户取消",
            "wrong-amount" => "金额错误",
            "duplicate" | "duplicate-payment" => "重复收款",
            "wrong-payee" => "收款方错误",
            "goods-returned" | "returned-goods" => "客户退货",
            "goods-damaged" => "商品损坏",
            "not-delivered" => "未交付",
            "system-error" => "系统错误",
            "operator-error" => "操作失误",
            "quality" => "质量问题",
            "unlisted" => "(未列出)",
            "top-up" => "充值",
            "fraud" => "疑似欺诈",
            "other" => "其他",
            _ => token,
        }
        .to_owned()
    }

    fn slip(&self) -> &'static SlipWords {
        &SLIP
    }

    fn void_state(&self, state: OperationState) -> &'static str {
        match state {
            OperationState::Authorised | OperationState::Sent => "处理中",
            OperationState::Done => "撤销成功",
            OperationState::Failed => "撤销失败",
            OperationState::Unknown => "结果未知,请勿重复操作",
        }
    }

    fn operation_title(&self, deed: Deed) -> &'static str {
        match deed {
            Deed::Reversal => "冲正凭条",
            Deed::OrderClose => "关单凭条",
            Deed::CodeCancel => "撤销付款码凭条",
            Deed::HoldRelease => "预授权撤销",
            Deed::HoldCompletion => "预授权完成",
            Deed::Penalty => "预授权完成(违约金)",
            Deed::CompletionVoid => "预授权完成撤销",
        }
    }

    fn operation_state(&self, deed: Deed, state: OperationState) -> &'static str {
        match (state, deed) {
            (OperationState::Authorised | OperationState::Sent, _) => "处理中",
            (OperationState::Unknown, _) => "结果未知,请勿重复操作",
            (OperationState::Done, Deed::Reversal) => "冲正成功",
            (OperationState::Done, Deed::OrderClose) => "关单成功",
            (OperationState::Done, Deed::CodeCancel) => "撤销付款码成功",
            (OperationState::Done, Deed::HoldRelease) => "预授权撤销成功",
            (OperationState::Done, Deed::HoldCompletion) => "预授权完成成功",
            (OperationState::Done, Deed::Penalty) => "违约金扣收成功",
            (OperationState::Done, Deed::CompletionVoid) => "预授权完成撤销成功",
            (OperationState::Failed, Deed::Reversal) => "冲正失败",
            (OperationState::Failed, Deed::OrderClose) => "关单失败",
            (OperationState::Failed, Deed::CodeCancel) => "撤销付款码失败",
            (OperationState::Failed, Deed::HoldRelease) => "预授权撤销失败",
            (OperationState::Failed, Deed::HoldCompletion) => "预授权完成失败",
            (OperationState::Failed, Deed::Penalty) => "违约金扣收失败",
            (OperationState::Failed, Deed::CompletionVoid) => "预授权完成撤销失败",
        }
    }

    fn operation_amount(&self, deed: Deed) -> &'static str {
        match deed {
            Deed::Reversal => "冲正金额",
            Deed::OrderClose | Deed::CodeCancel => "订单金额",
            Deed::HoldRelease => "解冻金额",
            Deed::HoldCompletion => "完成金额",
            Deed::Penalty => "违约金",
            Deed::CompletionVoid => "撤销金额",
        }
    }

    fn refund_state(&self, state: RefundState) -> &'static str {
        match state {
            RefundState::Submitted | RefundState::InReview | RefundState::NeedsInformation => "请求已提交,正在处理中",
            RefundState::Approved | RefundState::Queued | RefundState::Clearing => "处理中",
            RefundState::Cleared => "退货成功",
            RefundState::Declined => "退货未通过",
            RefundState::Withdrawn => "请求已成功撤回",
            RefundState::Expired => "请求已过期",
            RefundState::Failed => "退货失败",
            RefundState::Unknown => "结果未知,请勿重复操作",
        }
    }

    fn arrival(&self, arrival: Arrival) -> String {
        let (min, max) = (arrival.min_days.min(arrival.max_days), arrival.min_days.max(arrival.max_days));
        let unit = if arrival.working_days { "个工作日" } else { "天" };
        let days = match (min, max) {
            (_, 0) => return "预计实时到账".to_owned(),
            (0, max) => format!("预计{max}{unit}内到账"),
            (min, max) if min == max => format!("预计{max}{unit}到账"),
            (min, max) => format!("预计{min}–{max}{unit}到账"),
        };
        match (arrival.earliest, arrival.latest) {
            (Some(earliest), Some(latest)) if min > 0 && earliest < latest => {
                format!("{days}({earliest} 至 {latest})")
            }
            (_, Some(latest)) if min < max => format!("{days}(最迟 {latest})"),
            (_, Some(latest)) => format!("{days}({latest})"),
            (_, None) => days,
        }
    }

    fn offline_state(&self, effect: OfflineEffect) -> [&'static str; 2] {
        match effect {
            OfflineEffect::CancelsLocally => ["撤销成功", "交易未上送,已在终端本地撤销"],
            OfflineEffect::Queued => ["待联机确认", "尚未完成,以联机结果为准"],
        }
    }

    fn response_code(&self, code: &str) -> Option<&'static str> {
        Some(match code {
            "03" => "无效商户",
            "05" => "交易被拒绝",
            "12" => "无效交易",
            "13" => "无效金额",
            "14" => "无效卡号",
            "25" => "找不到原交易",
            "30" => "报文格式错误",
            "41" => "挂失卡",
            "43" => "被盗卡",
            "51" => "余额不足",
            "54" => "卡已过期",
            "55" => "密码错误",
            "57" => "不允许持卡人进行的交易",
            "58" => "不允许终端进行的交易",
            "61" => "超出金额限制",
            "62" => "受限制的卡",
            "65" => "超出次数限制",
            "68" => "应答超时",
            "91" => "发卡方不可用",
            "94" => "重复交易",
            "96" => "系统异常",
            "98" => "网络无应答",
            _ => return None,
        })
    }

    fn coded(&self, code: &str) -> String {
        self.response_code(code).map_or_else(|| format!("响应码 {code}"), |text| format!("{text}(响应码 {code})"))
    }
}

fn approvals(left: u32) -> String {
    if left == 0 { String::new() } else { format!("还需 {left} 人审批。") }
}

const SLIP: SlipWords = SlipWords {
    void_title: "消费撤销",
    legal_mark: "司法或合规撤销",
    refund_title: "退货",
    sale_title: "签购单(消费)",
    hold_title: "签购单(预授权)",
    reprint: "*** 重打印 ***",
    terminal: "终端号",
    batch: "批次号",
    voucher: "原凭证号",
    trace: "原流水号",
    order: "订单号",
    sale_id: "交易号",
    retrieval_reference: "参考号",
    void_id: "撤销单号",
    refund_id: "退货单号",
    operation_id: "业务单号",
    legal_order: "文书登记号",
    corrects: "更正退货单号",
    own_voucher: "凭证号",
    own_trace: "流水号",
    authorisation_code: "授权码",
    provider_reference: "渠道参考号",
    paid_at: "原交易时间",
    own_paid_at: "交易时间",
    valid_until: "有效期至",
    captured: "原交易金额",
    own_amount: "交易金额",
    held: "预授权金额",
    released: "其余解冻",
    taken: "交易成功",
    reserved: "金额已冻结,尚未扣款",
    asked_at: "申请时间",
    changed_at: "更新时间",
    void_amount: "撤销金额",
    refund_amount: "退货金额",
    reason: "原因",
    operator: "操作员",
    failure: "失败原因",
    signature: "持卡人签名:",
    printed_at: "打印时间",
};
