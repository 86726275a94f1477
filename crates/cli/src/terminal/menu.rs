//! The prompt: a keypad's menu with numbers. What a choice needs is asked for one after the other; nothing typed goes back.

use super::command::{Command, Means, command};
use super::screen::{Screen, padded};
use super::till::{Till, Went};
use crate::stdio::say;
use rescind_model::Way;
use std::io::{self, BufRead, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use unicode_width::UnicodeWidthStr as _;

/// Columns of the display, without its frame.
const COLUMNS: usize = 38;

/// Serves the operator until they leave.
pub fn serve(till: &mut Till, keypad: &mut impl BufRead) -> anyhow::Result<ExitCode> {
    loop {
        for line in display(till) {
            say(format_args!("{line}"))?;
        }
        let Some(typed) = ask(keypad, "> ")? else { return Ok(ExitCode::SUCCESS) };
        let wanted = match chosen(till, keypad, &typed)? {
            Choice::Command(command) => command,
            Choice::Back => continue,
            Choice::End => return Ok(ExitCode::SUCCESS),
            Choice::Unknown => match command(&typed) {
                Ok(command) => command,
                Err(usage) => {
                    say(format_args!("✗ {usage}"))?;
                    continue;
                }
            },
        };
        let mut screen = Screen::default();
        let went = till.carry_out(wanted, &mut screen);
        for line in screen.lines() {
            say(format_args!("{line}"))?;
        }
        if went == Went::Over {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// What was chosen.
enum Choice {
    Command(Command),
    /// Nothing after all.
    Back,
    /// The input ended.
    End,
    /// Not from the menu.
    Unknown,
}

/// The display: who, whether online, and what can be chosen.
fn display(till: &Till) -> Vec<String> {
    let words = till.words();
    let line =
        if till.is_online() { words.of("● 联机", "● online") } else { words.of("○ 脱机", "○ offline") };
    let operator =
        till.operator().map_or_else(String::new, |number| format!("  {}{number}", words.of("操作员 ", "op. ")));
    let head = format!("{}  {}{operator}", till.identity().merchant_name, till.identity().terminal);
    let gap = COLUMNS.saturating_sub(head.width()).saturating_sub(line.width()).max(1);
    let switch = if till.is_online() { words.of("脱机", "go offline") } else { words.of("联机", "go online") };
    let entries: [[&str; 2]; 5] = [
        [words.of("1 消费", "1 sale"), words.of("2 撤销", "2 void")],
        [words.of("3 退货", "3 refund"), words.of("4 查询", "4 check")],
        [words.of("5 流水", "5 sales"), words.of("6 状态", "6 status")],
        ["", words.of("8 同步", "8 sync")],
        [words.of("9 登录/交接", "9 log in/hand over"), words.of("0 其他", "0 more")],
    ];
    let seventh = format!("7 {switch}");
    let edge = "─".repeat(COLUMNS.saturating_add(2));
    let mut lines = vec![
        String::new(),
        format!("┌{edge}┐"),
        format!("│ {} │", padded(&format!("{head}{}{line}", " ".repeat(gap)), COLUMNS)),
        format!("├{edge}┤"),
    ];
    for [left, right] in entries {
        let left = if left.is_empty() { seventh.as_str() } else { left };
        lines.push(format!("│ {}{} │", padded(left, COLUMNS / 2), padded(right, COLUMNS / 2)));
    }
    lines.push(format!("└{edge}┘"));
    lines
}

/// Reads what a choice needs.
fn chosen(till: &mut Till, keypad: &mut impl BufRead, typed: &str) -> anyhow::Result<Choice> {
    let words = till.words();
    let mut asked = Asked { keypad, ended: false };
    let named = words.of("凭证号 (last = 上一笔)", "voucher number (or last)");
    let choice = match typed {
        "" => return Ok(Choice::Back),
        "1" => asked
            .one(words.of("金额", "amount"))?
            .zip(asked.means(till)?)
            .map(|(amount, means)| Command::Sale { amount, means }),
        "2" => match asked.one(named)? {
            None => None,
            Some(sale) => match asked.reason(till, Way::Void)? {
                None => None,
                Some(reason) => asked.pin(till)?.map(|pin| Command::Void { sale, reason, pin }),
            },
        },
        "3" => match (asked.one(named)?, asked.one(words.of("退货金额", "amount to refund"))?) {
            (Some(sale), Some(amount)) => match asked.reason(till, Way::Refund)? {
                None => None,
                Some(reason) => asked.pin(till)?.map(|pin| Command::Refund { sale, amount, reason, pin }),
            },
            _ => None,
        },
        "4" => asked.one(named)?.map(|sale| Command::Check { sale }),
        "5" => Some(Command::Sales),
        "6" => Some(Command::Status),
        "7" if till.is_online() => Some(Command::Offline),
        "7" => Some(Command::Online),
        "8" => Some(Command::Sync),
        "9" if till.operator().is_some() => Some(Command::Handover),
        "9" => match (asked.one(words.of("操作员号", "operator number"))?, asked.one(words.of("密码", "PIN"))?) {
            (Some(number), Some(pin)) => Some(Command::Login { number, pin }),
            _ => None,
        },
        "0" => asked.more(till)?,
        _ => return Ok(Choice::Unknown),
    };
    Ok(match choice {
        Some(command) => Choice::Command(command),
        None if asked.ended => Choice::End,
        None => Choice::Back,
    })
}

/// Asks one thing after the other.
struct Asked<'k, K> {
    keypad: &'k mut K,
    ended: bool,
}

impl<K: BufRead> Asked<'_, K> {
    /// One thing; nothing if nothing was typed.
    fn one(&mut self, what: &str) -> anyhow::Result<Option<String>> {
        if self.ended {
            return Ok(None);
        }
        let typed = ask(self.keypad, &format!("  {what}: "))?;
        self.ended = typed.is_none();
        Ok(typed.filter(|typed| !typed.is_empty()))
    }

    /// One of several, by number or as it is.
    fn of(&mut self, what: &str, choices: &[String], shown: impl Fn(&str) -> String) -> anyhow::Result<Option<String>> {
        for (number, choice) in (1..).zip(choices) {
            say(format_args!("    {number} {}", shown(choice)))?;
        }
        let typed = self.one(what)?;
        Ok(typed.map(|typed| {
            let number = typed.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            number.and_then(|number| choices.get(number)).cloned().unwrap_or(typed)
        }))
    }

    fn means(&mut self, till: &Till) -> anyhow::Result<Option<Means>> {
        let words = till.words();
        let choices = ["card", "code"].map(str::to_owned);
        let shown = |choice: &str| {
            match choice {
                "code" => words.of("扫码", "payment code"),
                _ => words.of("刷卡", "card"),
            }
            .to_owned()
        };
        Ok(match self.of(words.of("支付方式 (1)", "paid by (1)"), &choices, shown)?.as_deref() {
            Some("code") => Some(Means::Code),
            Some("card") => Some(Means::Card),
            None if !self.ended => Some(Means::Card),
            _ => None,
        })
    }

    fn reason(&mut self, till: &mut Till, way: Way) -> anyhow::Result<Option<String>> {
        let words = till.words();
        let reasons = till.reasons(way);
        self.of(words.of("原因", "reason"), &reasons, |code| format!("{}   {code}", words.reason(code)))
    }

    /// The PIN, once more, where the server can check it: an idle screen voids nothing. Nothing if it was not typed.
    fn pin(&mut self, till: &Till) -> anyhow::Result<Option<Option<String>>> {
        if till.is_online() && till.operator().is_some() {
            return Ok(self.one(till.words().of("操作员密码", "operator's PIN"))?.map(Some));
        }
        Ok(Some(None))
    }

    fn more(&mut self, till: &Till) -> anyhow::Result<Option<Command>> {
        let words = till.words();
        let choices = ["bundle", "file", "reprint", "locale", "help", "quit"].map(str::to_owned);
        let shown = |choice: &str| {
            match choice {
                "bundle" => words.of("下载数据包", "fetch the bundle"),
                "file" => words.of("从文件安装数据包", "a bundle from a file"),
                "reprint" => words.of("重打印", "print a slip again"),
                "locale" => "English / 中文",
                "help" => words.of("命令", "commands"),
                _ => words.of("退出", "end"),
            }
            .to_owned()
        };
        Ok(match self.of(words.of("选择", "choice"), &choices, shown)?.as_deref() {
            Some("bundle") => Some(Command::Bundle { file: None }),
            Some("file") => {
                self.one(words.of("文件", "file"))?.map(|file| Command::Bundle { file: Some(PathBuf::from(file)) })
            }
            Some("reprint") => self.one(words.of("凭证号", "voucher number"))?.map(|what| Command::Reprint { what }),
            Some("locale") => Some(Command::Locale { tag: words.of("en", "zh-CN").to_owned() }),
            Some("help") => Some(Command::Help),
            Some("quit") => Some(Command::Quit),
            _ => None,
        })
    }
}

/// Reads a line; nothing if there is no more.
fn ask(keypad: &mut impl BufRead, prompt: &str) -> io::Result<Option<String>> {
    let mut out = io::stdout().lock();
    write!(out, "{prompt}")?;
    out.flush()?;
    let mut typed = String::new();
    let read = keypad.read_line(&mut typed)?;
    Ok((read > 0).then(|| typed.trim().to_owned()))
}
