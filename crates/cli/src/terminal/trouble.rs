//! What goes wrong at the terminal, as its operator is told: what happened, and what to do next. The text for engineers
//! follows in brackets.

use super::screen::Screen;
use super::words::Words;
use rescind_terminal::{TerminalError, code};
use serde_json::Value;

/// Something went wrong.
#[derive(Debug)]
pub enum Trouble {
    /// The terminal's library does not do it.
    Terminal(TerminalError),
    /// The server was not reached, or the answer broke off: nobody knows whether it heard.
    NoAnswer(String),
    /// The server said no.
    Server(Problem),
    /// What was typed cannot be, in words of the language.
    Input(String),
    /// The data directory cannot be read or written.
    Folder(String),
}

/// The server's answer that is no success.
#[derive(Debug)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The answer, `null` if it was no JSON.
    pub body: Value,
}

impl Problem {
    /// The stable code; empty if there is none.
    pub fn code(&self) -> &str {
        self.body.get("code").and_then(Value::as_str).unwrap_or_default()
    }

    fn detail(&self) -> &str {
        let text = |name: &str| self.body.get(name).and_then(Value::as_str);
        text("detail").or_else(|| text("title")).unwrap_or_default()
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Folder(error.to_string())
    }
}

impl From<TerminalError> for Trouble {
    fn from(error: TerminalError) -> Self {
        Self::Terminal(error)
    }
}

impl Trouble {
    /// Shows it.
    pub fn show(&self, words: Words, screen: &mut Screen) {
        match self {
            Self::Terminal(error) => {
                let (what, next) = of_terminal(words, error.code());
                said(screen, what, next, &format!("{}: {error}", error.code()));
            }
            Self::NoAnswer(why) => {
                let what = words
                    .of("没有收到服务器的应答,结果未知", "the server gave no answer: nobody knows whether it heard");
                let next = words.of(
                    "检查网络后重试(不会重复执行),或切换为脱机",
                    "look at the line and ask again (nothing happens twice), or switch offline",
                );
                said(screen, what, next, why);
            }
            Self::Server(problem) => of_server(words, problem, screen),
            Self::Input(text) => screen.line(format!("✗ {text}")),
            Self::Folder(why) => {
                let what = words.of("数据目录无法读写", "the data directory cannot be read or written");
                let next =
                    words.of("检查磁盘空间和权限后重新启动", "look at the disk and its permissions, then start again");
                said(screen, what, next, why);
            }
        }
    }
}

fn said(screen: &mut Screen, what: &str, next: &str, detail: &str) {
    screen.line(format!("✗ {what}"));
    screen.line(format!("  → {next}"));
    screen.line(format!("  [{detail}]"));
}

fn of_server(words: Words, problem: &Problem, screen: &mut Screen) {
    let what = words.of("服务器不接受", "the server does not take it");
    let next = match (problem.status, problem.code()) {
        (401, _) => words.of("检查 --token:须为本终端的密钥", "look at --token: it has to be this terminal's key"),
        (_, "journal.no-key") => words.of(
            "请管理员登记本终端的日志公钥(见「状态」)",
            "have the administrator register this terminal's journal key (see its status)",
        ),
        (_, "batch.gap" | "batch.fork" | "batch.journal" | "batch.signature" | "batch.chain" | "batch.record") => words
            .of(
                "停止使用并报修,保留数据目录:已通知商户",
                "stop, keep the data directory, call service: the merchant has been told",
            ),
        (_, "bundle.none") => {
            words.of("请管理员为本终端发布数据包", "have the administrator publish a bundle for this terminal")
        }
        (403, code) if code.starts_with("operator.") || code.starts_with("session.") || code.starts_with("proof.") => {
            words.of("请操作员重新登录并核对密码", "have the operator log in again and mind the PIN")
        }
        (403, _) => words.of("请联系管理员授予权限", "ask the administrator for the permission"),
        (409, "idempotency.in-flight" | "sync.in-flight") | (429 | 500..=599, _) => {
            words.of("稍后重试,不会重复执行", "try again in a moment: nothing happens twice")
        }
        (404, _) => words.of("先同步,再重试", "sync first, then try again"),
        _ => words.of("按提示更正后重试", "mend what it names, then try again"),
    };
    said(screen, what, next, &format!("{} {}: {}", problem.status, problem.code(), problem.detail()));
}

fn of_terminal(words: Words, number: i32) -> (&'static str, &'static str) {
    let (chinese, english) = match number {
        code::FULL => (("日志已满,不能再受理", "先联机同步"), ("the journal is full", "go online and sync first")),
        code::NO_BUNDLE => (
            ("没有可用的数据包,不能脱机判断", "联机下载数据包"),
            ("there is no bundle to decide by", "go online and fetch the bundle"),
        ),
        code::REFUSED => (
            ("数据包未通过校验,继续使用原数据包", "向发布方索取正确的数据包"),
            ("the bundle is refused; what was active stays", "ask whoever publishes it for the right one"),
        ),
        code::CLOCK_UNKNOWN => {
            (("时间未知", "先联机,由服务器校时"), ("the time is not known", "go online: the server tells it"))
        }
        code::UNKNOWN_SALE => (
            ("本机没有这笔消费", "用「流水」查看凭证号"),
            ("there is no such sale here", "look at the list of sales for its number"),
        ),
        code::CONFLICT => (
            ("与已存记录冲突", "用「流水」核对后重新办理"),
            ("it contradicts what is stored", "look at the list of sales, then ask anew"),
        ),
        code::PROOF => (
            ("操作员身份证明无效", "操作员重新输入密码"),
            ("the operator's proof does not hold", "have the operator type the PIN again"),
        ),
        code::CANCELLED => (
            ("该消费已在本机撤销,不会上传", "无需处理"),
            ("the sale was cancelled here and is not sent", "there is nothing to do"),
        ),
        code::ACKNOWLEDGEMENT => (
            ("服务器的应答与本机日志不符,未删除任何记录", "停止使用并报修,保留数据目录"),
            (
                "the server's answer does not fit this journal; nothing was let go",
                "stop, keep the data directory, call service",
            ),
        ),
        code::DISK => (
            ("存储故障", "退出后重新启动,再查看流水"),
            ("the disk failed", "end the program and start it again, then look at the list of sales"),
        ),
        code::DAMAGED => (
            ("存储内容损坏", "停止使用并报修,保留数据目录"),
            ("what is on the disk is damaged", "stop, keep the data directory, call service"),
        ),
        code::SIGN => (("终端密钥无法签名", "报修"), ("the terminal's key could not sign", "call service")),
        code::UNDECIDABLE => (
            ("信息不足,不能判断", "登录操作员或联机后重试"),
            ("too little is known to decide", "log an operator in, or go online, and try again"),
        ),
        _ => (("终端不接受", "更正后重试"), ("the terminal does not take it", "mend what it names, then try again")),
    };
    (words.of(chinese.0, english.0), words.of(chinese.1, english.1))
}
