//! `rescind terminal` as a sales engineer uses it: against a server that is played here, by scripts.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]
#![allow(clippy::arithmetic_side_effects, reason = "counts of tests; overflow stops the run")]

use rescind_bundle::{ClassPolicy, Content, Ed25519, PublicKey, Signer as _, SigningKey, Times};
use rescind_decider::Translation;
use rescind_journal::{Acknowledgement, Became, Entry, Head, OperationAnswer, Owner, verify_batch};
use rescind_model::{Digest, Instant, RefundId};
use rescind_terminal::Code;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of this test's own, empty.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("terminal-{test}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[expect(clippy::disallowed_methods, reason = "runs natively, where there is a clock")]
fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// `Mon, 23 Nov 2026 11:49:24 GMT`.
fn http_date() -> String {
    Instant { unix_ms: now_ms() }.to_utc().unwrap().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn bundle_key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

static COMPONENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let path = root().join("target/components/eligibility.wasm");
    // `cargo xtask build --components` makes it.
    fs::read(path).unwrap()
});

/// What handhelds may do alone: 300.00 at once, 500.00 in all.
static POLICY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let text = fs::read_to_string(root().join("examples/terminal/handheld.toml")).unwrap();
    rescind_policy::compile(&text, "handheld.toml").unwrap().canonical().to_vec()
});

/// A bundle of a version, for this machine.
fn bundle(version: u64) -> Vec<u8> {
    static CODE: LazyLock<Vec<u8>> =
        LazyLock::new(|| Translation::of(&COMPONENT, &Code::Native.target()).unwrap().bytes().to_vec());
    let engine = rescind_terminal::engine(Code::Native);
    let mut component = [0; 32];
    let digits = Digest::of(&COMPONENT).hex;
    for (byte, pair) in component.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    }
    let made = now_ms() - 60_000;
    let content = Content {
        name: "handhelds".into(),
        version,
        target: engine.target,
        wasmtime: engine.wasmtime,
        profile: engine.profile,
        component,
        code: CODE.clone(),
        policies: vec![ClassPolicy { class: None, canonical: POLICY.clone() }],
        proof_keys: vec![],
        times: Times { not_before: made, expires: made + 86_400_000, made_at: made, server_time: made },
    };
    content.sign(&[], &bundle_key()).unwrap()
}

/// What the server that is played knows.
#[derive(Default)]
struct Known {
    /// The key that the terminal said it signs with.
    key: Option<PublicKey>,
    head: Option<Head>,
    /// Paths that were asked for, in order.
    asked: Vec<String>,
    /// Whether a queued void comes too late.
    too_late: bool,
}

/// A server as far as a terminal sees it: one request per connection.
struct Server {
    url: String,
    known: Arc<Mutex<Known>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let known = Arc::new(Mutex::new(Known::default()));
        let shared = Arc::clone(&known);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &shared);
            }
        });
        Self { url, known }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }
}

fn answer(mut stream: TcpStream, known: &Mutex<Known>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        head.push(std::mem::take(&mut line).trim().to_owned());
    }
    let Some(first) = head.first().cloned() else { return };
    let value = |name: &str| {
        let found = head.iter().filter_map(|line| line.split_once(':')).find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned())
    };
    let mut body = vec![0; value("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let path = first.split(' ').nth(1).unwrap().to_owned();
    let mut known = known.lock().unwrap();
    known.asked.push(path.clone());
    let etag = format!("\"{}\"", Digest::of(b"bundle 1").hex);
    let (status, headers, body) = match path.split('?').next().unwrap() {
        "/healthz" => (200, String::new(), br#"{"status":"ok"}"#.to_vec()),
        "/v1/operator-sessions" => {
            let session = r#"{"id":"S","token":"t","operator":{"number":"07","person":"li","role":"supervisor"}}"#;
            (201, String::new(), session.as_bytes().to_vec())
        }
        "/v1/transactions" => (201, String::new(), b"{}".to_vec()),
        "/v1/terminal/bundle" if value("if-none-match").as_ref() == Some(&etag) => (304, String::new(), Vec::new()),
        "/v1/terminal/bundle" => (200, format!("etag: {etag}\r\n"), bundle(1)),
        "/v1/terminal/sync" => (200, String::new(), acknowledged(&mut known, &body)),
        _ => (404, String::new(), br#"{"code":"route.unknown","title":"no such route","status":404}"#.to_vec()),
    };
    let head = format!(
        "HTTP/1.1 {status} -\r\ndate: {}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
        http_date(),
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).unwrap();
}

fn acknowledged(known: &mut Known, batch: &[u8]) -> Vec<u8> {
    let owner = Owner { merchant: "M-1".parse().unwrap(), terminal: "T1".parse().unwrap() };
    let key = known.key.clone().unwrap();
    let batch = verify_batch(batch, &key, &Ed25519, &owner, known.head.as_ref()).unwrap();
    let operations = batch.new_records().iter().filter_map(|(record, _)| match &record.entry {
        Entry::Operation(operation) => Some(OperationAnswer {
            operation: operation.id.clone(),
            became: match operation.effect {
                rescind_model::OfflineEffect::CancelsLocally => Became::Done,
                rescind_model::OfflineEffect::Queued if known.too_late => {
                    Became::Refund(RefundId::parse("RF-1").unwrap())
                }
                rescind_model::OfflineEffect::Queued => Became::Accepted,
            },
            detail: None,
        }),
        _ => None,
    });
    let answer = Acknowledgement {
        head: batch.end,
        server_time: Instant { unix_ms: now_ms() },
        counted: None,
        operations: operations.collect(),
    };
    known.head = Some(batch.end);
    serde_json::to_vec(&answer).unwrap()
}

/// A terminal in a folder.
struct Terminal<'s> {
    folder: PathBuf,
    server: Option<&'s Server>,
}

impl<'s> Terminal<'s> {
    fn new(test: &str, server: Option<&'s Server>) -> Self {
        Self { folder: folder(test), server }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rescind"));
        command.current_dir(&self.folder).args(["terminal", "--data", "data"]).args(arguments);
        command.env_remove("RESCIND_URL").env_remove("RESCIND_TERMINAL_KEY");
        if let Some(server) = self.server {
            command.args(["--server", &server.url, "--token", "rsk_test"]);
        }
        command
    }

    /// Plays a script.
    fn plays(&self, arguments: &[&str], script: &str) -> Output {
        fs::write(self.folder.join("script"), script).unwrap();
        let mut command = self.command(arguments);
        command.args(["--script", "script"]).stdin(Stdio::null()).output().unwrap()
    }

    /// Plays a script that holds, and gives what was shown.
    fn holds(&self, arguments: &[&str], script: &str) -> String {
        let output = self.plays(arguments, script);
        let said = text(&output.stdout);
        assert!(output.status.success(), "{said}{}", text(&output.stderr));
        said
    }

    /// Its first start; the server is told its key.
    fn begins(&self) {
        let said = self.holds(&provisioned(), "");
        let key = said.lines().find_map(|line| line.strip_prefix("journal key, to be registered for it: ")).unwrap();
        if let Some(server) = self.server {
            server.known().key = Some(PublicKey::parse(key).unwrap());
        }
    }
}

fn provisioned() -> [&'static str; 8] {
    static TRUST: LazyLock<String> = LazyLock::new(|| format!("handhelds={}", bundle_key().public()));
    ["--merchant", "M-1", "--merchant-name", "静安小店", "--terminal", "T1", "--trust", TRUST.as_str()]
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_new_terminal_says_what_has_to_be_registered_and_stays_who_it_is() {
    let terminal = Terminal::new("new", None);
    let stranger = terminal.plays(&[], "");
    assert!(!stranger.status.success() && text(&stranger.stderr).contains("say who the terminal is"));
    assert!(!terminal.folder.join("data/journal.key").exists());
    let said = terminal.holds(&provisioned(), "status\nexpect journal key\n");
    assert!(said.contains("a new terminal T1 of M-1") && said.contains("1 expectations held"), "{said}");
    let key = said.lines().find_map(|line| line.strip_prefix("journal key, to be registered for it: ")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(terminal.folder.join("data/journal.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = terminal.holds(&[], "status\n");
    assert!(!again.contains("a new terminal") && again.contains(key), "{again}");
    let other = terminal.plays(&["--merchant", "M-2"], "");
    assert!(!other.status.success() && text(&other.stderr).contains("another merchant"), "{other:?}");
    fs::remove_file(terminal.folder.join("data/journal.key")).unwrap();
    let lost = terminal.plays(&[], "");
    assert!(!lost.status.success() && text(&lost.stderr).contains("cannot read the terminal's key"), "{lost:?}");
}

#[test]
fn a_day_without_the_network_goes_by_script() {
    let server = Server::start();
    let terminal = Terminal::new("day", Some(&server));
    terminal.begins();
    let said = terminal.holds(
        &["--locale", "zh-cn"],
        "# 早上联机\n\
         bundle\n\
         expect 数据包已校验并启用\n\
         bundle\n\
         expect 数据包已是最新\n\
         login 07 839274\n\
         expect li (supervisor)\n\
         sale 80.00\n\
         expect 服务器已登记\n\
         offline\n\
         sync\n\
         expect 先联机\n\
         sale 120.00\n\
         expect 已存入本机\n\
         void last wrong-amount\n\
         expect 撤销成功\n\
         expect-not 待联机确认\n\
         void 1 duplicate\n\
         expect 待联机确认\n\
         expect-not 撤销成功\n\
         sale 300.01\n\
         void last wrong-amount\n\
         expect [offline.amount]\n\
         sale 300.00\n\
         void last wrong-amount\n\
         expect 撤销成功\n\
         sale 0.01\n\
         void last wrong-amount\n\
         expect [offline.total]\n\
         refund 1 10.00 returned-goods\n\
         expect [offline.way]\n\
         status\n\
         expect ¥500.00\n\
         sales\n\
         expect 待联机确认\n\
         handover\n\
         expect 条记录尚未上传\n",
    );
    assert!(!said.contains("839274"), "what is secret is not repeated: {said}");
    assert!(!server.known().asked.iter().any(|path| path == "/v1/terminal/sync"), "nothing is sent offline");
    let frames: Vec<&str> = said.lines().filter(|line| line.starts_with("  │")).collect();
    assert!(frames.iter().any(|line| line.contains("静安小店")) && frames.iter().all(|line| line.ends_with('│')));
    // The next morning: what waited goes to the server, and is told of.
    let said = terminal.holds(
        &["--locale", "en"],
        "sync\n\
         expect void 000002 CNY 120.00: done\n\
         expect void 000001 CNY 80.00: the server carries it out\n\
         sales\n\
         expect server\n\
         status\n\
         expect CNY 500.00  CNY 0.00\n",
    );
    assert!(said.contains("operations wait for the server: sync"), "{said}");
}

#[test]
fn what_comes_too_late_is_told_as_the_refund_that_it_became() {
    let server = Server::start();
    let terminal = Terminal::new("late", Some(&server));
    terminal.begins();
    server.known().too_late = true;
    terminal.holds(
        &[],
        "bundle\nlogin 07 839274\nsale 80.00\noffline\nvoid 1 duplicate\nexpect waits for the server\nonline\nsync\n\
         expect a refund was opened, which has to be approved: RF-1\nsales\nexpect became refund RF-1\n",
    );
}

#[test]
fn what_is_not_expected_makes_the_script_fail() {
    let terminal = Terminal::new("unexpected", None);
    terminal.begins();
    for (script, why) in [
        ("status\nexpect a unicorn\n", "line 2: expected \"a unicorn\""),
        ("status\nexpect-not bundle\n", "line 2: did not expect \"bundle\""),
        ("sync\n", "line 1: this did not go well"),
        ("sync\nsales\nexpect there are no sales yet\n", "line 1: this did not go well"),
        ("sell 3\n", "there is no command \"sell\""),
    ] {
        let output = terminal.plays(&[], script);
        let said = text(&output.stdout);
        assert!(output.status.code() == Some(1) && said.contains(why), "{script}: {said}");
    }
    let said = terminal.holds(&[], "sync\nexpect go online first\nquit\nsell 3\n");
    assert!(said.ends_with("1 expectations held, 0 did not\n"), "{said}");
    // The same from a pipe.
    let mut child = terminal.command(&[]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"sales\nexpect no sales\n").unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
}

#[test]
fn an_altered_bundle_is_refused_and_says_what_to_do() {
    let server = Server::start();
    let terminal = Terminal::new("altered", Some(&server));
    terminal.begins();
    let mut altered = bundle(2);
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    fs::write(terminal.folder.join("altered.bundle"), altered).unwrap();
    fs::write(terminal.folder.join("good.bundle"), bundle(2)).unwrap();
    terminal.holds(
        &[],
        "bundle\nexpect handhelds #1\nbundle altered.bundle\nexpect what was active stays\nexpect signature\n\
         status\nexpect handhelds #1\nbundle good.bundle\nexpect handhelds #2\nbundle nowhere.bundle\nexpect nowhere\n",
    );
}

#[cfg(unix)]
#[test]
fn it_can_be_killed_at_any_time() {
    let server = Server::start();
    let terminal = Terminal::new("killed", Some(&server));
    terminal.begins();
    terminal.holds(&[], "bundle\n");
    for round in 1..=5_u32 {
        let mut child = terminal.command(&["--offline"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut keypad = child.stdin.take().unwrap();
        keypad.write_all(b"sale 10.00\nsale 20.00\nsale 30.00\n").unwrap();
        // Killed once the first sale was answered, somewhere in what follows.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.by_ref().any(|line| line.unwrap().contains("stored here")));
        child.kill().unwrap();
        child.wait().unwrap();
        let said = terminal.holds(&["--offline"], "sales\nstatus\nexpect records\n");
        let first = format!("{:06}", said.lines().filter(|line| line.contains("10.00")).count());
        assert_eq!(first, format!("{round:06}"), "what was answered is there: {said}");
    }
    // The server finds the chain whole.
    terminal.holds(&[], "sync\nexpect synced\n");
}
