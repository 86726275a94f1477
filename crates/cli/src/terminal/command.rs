//! What can be asked of the terminal, one command a line.

use std::path::PathBuf;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// 消费: an amount, and how it is paid.
    Sale { amount: String, means: Means },
    /// 撤销: a sale, a reason code, the operator's PIN.
    Void { sale: String, reason: String, pin: Option<String> },
    /// 退货: a sale, an amount, a reason code, the operator's PIN.
    Refund { sale: String, amount: String, reason: String, pin: Option<String> },
    /// 查询: which ways back are open for a sale.
    Check { sale: String },
    /// 流水: the sales, and what was done to them.
    Sales,
    /// 状态: how the terminal is, and what its ceilings leave.
    Status,
    /// 联机.
    Online,
    /// 脱机.
    Offline,
    /// 下载数据包: from the server, or from a file.
    Bundle { file: Option<PathBuf> },
    /// 同步.
    Sync,
    /// 登录: operator number and PIN.
    Login { number: String, pin: String },
    /// 交接: what the shift did; the operator leaves.
    Handover,
    /// 重打印: an operation, or the last one of a sale.
    Reprint { what: String },
    /// The next batch for the server goes into a file, to be looked at.
    Export { file: PathBuf },
    /// The wall clock is set so many seconds forward, or back.
    Clock { by_seconds: i64 },
    /// The language.
    Locale { tag: String },
    /// What there is.
    Help,
    /// The end.
    Quit,
}

/// How a sale is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// By card.
    Card,
    /// By payment code.
    Code,
}

/// A line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing, or a remark.
    Remark,
    /// A command.
    Command(Command),
    /// What was shown last has this text in it.
    Expect(String),
    /// What was shown last has not.
    ExpectNot(String),
    /// Nothing happens for so many seconds.
    Wait(u64),
}

/// How the commands are written, for people.
pub const USAGE: [&str; 21] = [
    "sale AMOUNT [card|code]            消费",
    "void SALE REASON [PIN]             撤销   SALE: voucher number, id, or last",
    "refund SALE AMOUNT REASON [PIN]    退货",
    "check SALE                         查询   which ways back are open",
    "sales                              流水",
    "status                             状态   bundle, clock, counters, ceilings left",
    "online | offline                   联机 | 脱机",
    "bundle [FILE]                      下载数据包",
    "sync                               同步",
    "login NUMBER PIN                   登录",
    "handover                           交接",
    "reprint SALE|OPERATION             重打印",
    "export FILE                        导出   the next batch, to be looked at",
    "clock SECONDS                      调钟   the wall clock shows so much more, or less",
    "locale zh-CN|en                    语言",
    "help                               帮助",
    "quit                               退出",
    "in a script only:",
    "expect TEXT                        what was shown last has this in it",
    "expect-not TEXT                    … has not",
    "wait SECONDS",
];

/// Reads a line of a script. What does not go well in it has to be expected by the line that follows.
///
/// # Errors
/// How the line is written, for one that cannot be read.
pub fn step(line: &str) -> Result<Step, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(Step::Remark);
    }
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match word {
        "expect" if !rest.is_empty() => Ok(Step::Expect(rest.to_owned())),
        "expect-not" if !rest.is_empty() => Ok(Step::ExpectNot(rest.to_owned())),
        "wait" => rest.parse().map(Step::Wait).map_err(|_| usage("wait")),
        _ => command(line).map(Step::Command),
    }
}

/// Reads a command.
///
/// # Errors
/// How it is written, for one that cannot be read.
pub fn command(line: &str) -> Result<Command, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let text = |word: &&str| (*word).to_owned();
    let Some((name, given)) = words.split_first() else { return Err(usage("help")) };
    let command = match (*name, given) {
        ("sale" | "消费", [amount]) => Command::Sale { amount: text(amount), means: Means::Card },
        ("sale" | "消费", [amount, "card"]) => Command::Sale { amount: text(amount), means: Means::Card },
        ("sale" | "消费", [amount, "code"]) => Command::Sale { amount: text(amount), means: Means::Code },
        ("void" | "撤销", [sale, reason, pin @ ..]) if pin.len() <= 1 => {
            Command::Void { sale: text(sale), reason: text(reason), pin: pin.first().map(text) }
        }
        ("refund" | "退货", [sale, amount, reason, pin @ ..]) if pin.len() <= 1 => {
            Command::Refund { sale: text(sale), amount: text(amount), reason: text(reason), pin: pin.first().map(text) }
        }
        ("check" | "查询", [sale]) => Command::Check { sale: text(sale) },
        ("sales" | "流水", []) => Command::Sales,
        ("status" | "状态", []) => Command::Status,
        ("online" | "联机", []) => Command::Online,
        ("offline" | "脱机", []) => Command::Offline,
        ("bundle" | "下载数据包", []) => Command::Bundle { file: None },
        ("bundle" | "下载数据包", [file]) => Command::Bundle { file: Some(PathBuf::from(file)) },
        ("sync" | "同步", []) => Command::Sync,
        ("login" | "登录", [number, pin]) => Command::Login { number: text(number), pin: text(pin) },
        ("handover" | "交接", []) => Command::Handover,
        ("reprint" | "重打印", [what]) => Command::Reprint { what: text(what) },
        ("export" | "导出", [file]) => Command::Export { file: PathBuf::from(file) },
        ("clock" | "调钟", [seconds]) => Command::Clock { by_seconds: seconds.parse().map_err(|_| usage("clock"))? },
        ("locale" | "语言", [tag @ ("zh-CN" | "en")]) => Command::Locale { tag: text(tag) },
        ("help" | "帮助", []) => Command::Help,
        ("quit" | "退出", []) => Command::Quit,
        (name, _) => return Err(usage(name)),
    };
    Ok(command)
}

/// How a command is written; all of them if there is none of that name.
fn usage(name: &str) -> String {
    let own: Vec<&str> =
        USAGE.iter().copied().filter(|line| line.split_whitespace().any(|word| word == name)).collect();
    match own.as_slice() {
        [] => format!("there is no command {name:?}: `help` lists them"),
        own => format!("expected {}", own.join("\n         ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_in_either_language() {
        let sale = Command::Sale { amount: "128.00".into(), means: Means::Card };
        assert_eq!(command("sale 128.00"), Ok(sale.clone()));
        assert_eq!(command(" 消费  128.00 card "), Ok(sale));
        let void = Command::Void { sale: "7".into(), reason: "wrong-amount".into(), pin: Some("839274".into()) };
        assert_eq!(command("撤销 7 wrong-amount 839274"), Ok(void));
        assert_eq!(command("clock -3600"), Ok(Command::Clock { by_seconds: -3_600 }));
        assert_eq!(step("# 早班"), Ok(Step::Remark));
        assert_eq!(step("expect 待联机确认 ·"), Ok(Step::Expect("待联机确认 ·".into())));
        assert_eq!(step("wait 3"), Ok(Step::Wait(3)));
    }

    #[test]
    fn a_line_that_cannot_be_read_says_how_it_is_written() {
        let wrong = command("void 7").unwrap_err();
        assert!(wrong.contains("void SALE REASON [PIN]"), "{wrong}");
        for bad in ["void 7 a b c", "sale", "sale 1 cash", "clock soon", "locale fr", "sell 3", "expect"] {
            assert!(step(bad).is_err(), "{bad}");
        }
        assert!(step("sell 3").unwrap_err().contains("help"));
    }
}
