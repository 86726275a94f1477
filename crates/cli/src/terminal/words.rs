//! What the simulator itself says, in both languages. Decisions and slips come with their own words.

use rescind_model::{Instant, Locale, Money, Way};

/// Speaks one of the languages.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// The language.
    pub locale: Locale,
    /// The offset of local time from UTC, in minutes.
    pub utc_offset_minutes: i32,
}

impl Words {
    /// The text of the language.
    pub fn of<'t>(self, chinese: &'t str, english: &'t str) -> &'t str {
        self.pick(chinese, english)
    }

    /// The one of the language.
    pub fn pick<T>(self, chinese: T, english: T) -> T {
        match self.locale {
            Locale::ZhCn => chinese,
            Locale::En => english,
        }
    }

    /// The tag of the language, as the server's answers name it.
    pub fn tag(self) -> &'static str {
        match self.locale {
            Locale::ZhCn => "zh-CN",
            Locale::En => "en",
        }
    }

    /// A way back.
    pub fn way(self, way: Way) -> &'static str {
        match way {
            Way::Void => self.of("撤销", "void"),
            Way::Refund => self.of("退货", "refund"),
            Way::Reversal => self.of("冲正", "reversal"),
            Way::OrderClose => self.of("关单", "order close"),
            Way::HoldRelease => self.of("预授权撤销", "hold release"),
            Way::HoldCompletion => self.of("预授权完成", "hold completion"),
            Way::CompletionVoid => self.of("预授权完成撤销", "void of a completion"),
        }
    }

    /// A reason code, as the operator chooses it. One that only a policy knows stands for itself.
    pub fn reason(self, code: &str) -> &str {
        match code {
            "wrong-amount" => self.of("金额错误", "wrong amount"),
            "wrong-payee" => self.of("收款人错误", "wrong payee"),
            "duplicate" => self.of("重复消费", "paid twice"),
            "customer-request" => self.of("客户要求", "customer's wish"),
            "returned-goods" => self.of("退回商品", "goods returned"),
            "not-delivered" => self.of("未收到商品", "not delivered"),
            "quality" => self.of("质量问题", "quality"),
            other => other,
        }
    }

    /// How far an operation got, by the server's word for it.
    pub fn state(self, token: &str) -> &str {
        match token {
            "authorised" => self.of("已授权", "authorised"),
            "sent" => self.of("已发送", "sent"),
            "done" => self.of("完成", "done"),
            "failed" => self.of("失败", "failed"),
            "unknown" => self.of("结果未知", "outcome unknown"),
            "submitted" => self.of("已提交", "submitted"),
            "in-review" => self.of("审核中", "in review"),
            "approved" => self.of("已批准", "approved"),
            "declined" => self.of("已拒绝", "declined"),
            "queued" => self.of("排队中", "queued"),
            "clearing" => self.of("清算中", "clearing"),
            "cleared" => self.of("已到账", "cleared"),
            other => other,
        }
    }

    /// An amount: `¥128.00`, `CNY 128.00`.
    pub fn amount(self, money: &Money) -> String {
        match (self.locale, money.currency.as_str()) {
            (Locale::ZhCn, "CNY") => format!("¥{}", money.decimal_text()),
            _ => format!("{} {}", money.currency, money.decimal_text()),
        }
    }

    /// A point in time, local: `2026-11-23 16:02:06`. One that no calendar has stands as its number.
    pub fn at(self, at: Instant) -> String {
        let ahead = i64::from(self.utc_offset_minutes).saturating_mul(60_000);
        let local = Instant { unix_ms: at.unix_ms.saturating_add(ahead) };
        let Ok(time) = local.to_utc() else { return at.unix_ms.to_string() };
        time.format("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// A length of time in its two largest parts.
    pub fn lasting(self, ms: u64) -> String {
        let seconds = ms.div_euclid(1_000);
        let parts = [
            (seconds.div_euclid(86_400), self.of("天", "d")),
            (seconds.rem_euclid(86_400).div_euclid(3_600), self.of("小时", "h")),
            (seconds.rem_euclid(3_600).div_euclid(60), self.of("分", "min")),
            (seconds.rem_euclid(60), self.of("秒", "s")),
        ];
        let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
        let shown = parts.iter().skip(first).take(2).filter(|(count, _)| *count > 0 || first == 3);
        let gap = self.of("", " ");
        let texts: Vec<String> = shown.map(|(count, unit)| format!("{count}{gap}{unit}")).collect();
        texts.join(gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHINESE: Words = Words { locale: Locale::ZhCn, utc_offset_minutes: 480 };
    const ENGLISH: Words = Words { locale: Locale::En, utc_offset_minutes: 480 };

    #[test]
    fn times_are_local_and_lengths_are_said_in_two_parts() {
        assert_eq!(ENGLISH.at(Instant { unix_ms: 1_795_406_526_000 }), "2026-11-23 12:02:06");
        assert_eq!(ENGLISH.lasting(0), "0 s");
        assert_eq!(ENGLISH.lasting(59_999), "59 s");
        assert_eq!(ENGLISH.lasting(3_600_000), "1 h");
        assert_eq!(CHINESE.lasting(86_400_000 + 7_200_000 + 60_000), "1天2小时");
        assert_eq!(CHINESE.lasting(83_000), "1分23秒");
    }

    #[test]
    fn amounts_are_said_as_people_write_them() {
        let amount = Money::parse("128.00", "CNY").unwrap();
        assert_eq!((CHINESE.amount(&amount), ENGLISH.amount(&amount)), ("¥128.00".into(), "CNY 128.00".into()));
    }
}
