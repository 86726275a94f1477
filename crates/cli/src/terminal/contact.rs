//! 联机, 脱机, 下载数据包, 同步, 状态: the terminal and its server.

use super::line::{Reply, Request};
use super::roll::{Place, State};
use super::screen::Screen;
use super::till::{Till, Went};
use super::trouble::Trouble;
use rescind_journal::{Acknowledgement, Became, OperationAnswer};
use rescind_model::{Money, Sale, SaleId};
use rescind_terminal::{Source, Status};
use std::path::Path;

/// Records in one batch: what is sent in one request, and again if its answer is lost.
const BATCH: usize = 64;

/// Most batches of one sync: twice what the largest journal holds.
const BATCHES: usize = 700;

/// How long ago the server may have told the time before it is asked for again, when the line is switched on.
const FRESH_MS: u64 = 600_000;

/// What a batch is sent as. What its answer says to people is asked for in the operator's language.
const SYNC_TYPE: &str = "application/cbor";

impl Till {
    /// 联机.
    pub(super) fn online(&mut self, screen: &mut Screen) -> Result<Went, Trouble> {
        if !self.line.has_server() {
            return Err(self.wrong(
                "没有配置服务器:用 --server 和 --token 启动",
                "there is no server: start with --server and --token",
            ));
        }
        self.line.switch(true);
        self.greet(screen)
    }

    /// Asks the server for the time, where it is not known well.
    pub fn greet(&mut self, screen: &mut Screen) -> Result<Went, Trouble> {
        let words = self.words;
        self.hear()?;
        screen.line(format!("● {}", words.of("联机", "online")));
        let reading = self.clocks.read();
        let records = self.device.status(reading)?.journal.counters.operations;
        let sending = self.roll.sales().iter().any(|sold| sold.place == Place::Sending);
        if records > 0 || sending {
            screen
                .line(format!("  → {}", words.of("有待联机确认的业务,请同步", "operations wait for the server: sync")));
        }
        Ok(Went::Well)
    }

    fn hear(&mut self) -> Result<(), Trouble> {
        let reading = self.clocks.read();
        let status = self.device.status(reading)?;
        let age = status.last_contact.map(|at| status.clock.now.since(at).ms);
        let is_fresh = status.clock.source != Source::Unknown && age.is_some_and(|age| age < FRESH_MS);
        let reply = self.line.ask(&self.clocks, Request { path: "/healthz", ..Request::default() })?;
        if let Some(date) = reply.date.filter(|_| !is_fresh && reply.is_success()) {
            self.device.hear(reply.asked, reply.heard, date)?;
        }
        Ok(())
    }

    /// 脱机.
    pub(super) fn offline(&mut self, screen: &mut Screen) -> Result<Went, Trouble> {
        self.line.switch(false);
        screen.line(format!("○ {}", self.words.of("脱机:不发送任何数据", "offline: nothing is sent")));
        Ok(Went::Well)
    }

    // -------------------------------------------------------------------------------------------- 下载数据包

    pub(super) fn bundle(&mut self, file: Option<&Path>, screen: &mut Screen) -> Result<Went, Trouble> {
        if let Some(file) = file {
            let read = std::fs::read(file).map_err(|error| Trouble::Input(format!("{}: {error}", file.display())))?;
            return self.apply(read, None, screen);
        }
        if !self.line.is_on() {
            return Err(
                self.wrong("脱机不能下载:先联机,或给出文件", "nothing is fetched offline: go online, or name a file")
            );
        }
        self.hear()?;
        let reading = self.clocks.read();
        let Status { target, engine, profile, .. } = self.device.status(reading)?;
        let name = &self.identity.trust.name;
        let path = format!("/v1/terminal/bundle?target={target}&engine={engine}&profile={profile}&name={name}");
        // Asked for anew if there is none here, whatever was taken once.
        let known = self.device.bundle().and_then(|_| self.roll.bundle().map(str::to_owned));
        let headers = known.into_iter().map(|tag| ("if-none-match", tag)).collect();
        let reply = self.line.ask(&self.clocks, Request { path: &path, headers, body: None })?;
        match reply.status {
            304 => {
                screen.line(format!("✓ {}", self.words.of("数据包已是最新", "the bundle is the newest")));
                self.show_bundle(screen)?;
                Ok(Went::Well)
            }
            _ if reply.is_success() => {
                let Reply { body, tag, .. } = reply;
                self.apply(body, tag, screen)
            }
            _ => Err(reply.problem()),
        }
    }

    fn apply(&mut self, bytes: Vec<u8>, tag: Option<String>, screen: &mut Screen) -> Result<Went, Trouble> {
        let reading = self.clocks.read();
        self.device.apply_bundle(reading, bytes)?;
        self.roll.took_bundle(tag)?;
        screen.line(format!(
            "✓ {}",
            self.words.of("数据包已校验并启用", "the bundle is genuine, and decides from now on")
        ));
        self.show_bundle(screen)?;
        Ok(Went::Well)
    }

    fn show_bundle(&mut self, screen: &mut Screen) -> Result<(), Trouble> {
        let reading = self.clocks.read();
        let status = self.device.status(reading)?;
        let row = self.bundle_row(&status);
        screen.table(&[row]);
        Ok(())
    }

    fn bundle_row(&self, status: &Status) -> [String; 2] {
        let words = self.words;
        let named = words.of("数据包", "bundle").to_owned();
        let Some(bundle) = &status.bundle else {
            let why = status.unusable.clone().unwrap_or_default();
            return [named, format!("{} {why}", words.of("没有", "none"))];
        };
        let policy = bundle.policy.as_ref().map(|policy| format!("{} {}", policy.name, policy.version));
        let until = words.of("有效至", "until");
        let ended = if bundle.holds { "" } else { words.of("(现在无效)", " (does not hold now)") };
        [
            named,
            format!(
                "{} #{}   {}   {until} {}{ended}",
                bundle.name,
                bundle.version,
                policy.unwrap_or_default(),
                words.at(bundle.expires)
            ),
        ]
    }

    // -------------------------------------------------------------------------------------------------- 同步

    /// Everything goes to the server, batch by batch, and what it says is taken over.
    pub(super) fn sync(&mut self, screen: &mut Screen) -> Result<Went, Trouble> {
        if !self.line.is_on() {
            return Err(self.wrong("脱机不能同步:先联机", "nothing is sent offline: go online first"));
        }
        self.send_waiting()?;
        let words = self.words;
        let (mut released, mut news) = (0_u64, Vec::new());
        for _ in 0..BATCHES {
            let reading = self.clocks.read();
            let from = self.device.status(reading)?.journal.acknowledged.next;
            let Some(export) = self.device.export(reading, from, BATCH)? else { break };
            let body = Some((SYNC_TYPE, export.batch));
            let reply =
                self.line.ask(&self.clocks, Request { path: "/v1/terminal/sync", headers: Vec::new(), body })?;
            if !reply.is_success() {
                return Err(reply.problem());
            }
            let answer = Acknowledgement::read(&reply.body).map_err(|error| Trouble::NoAnswer(error.to_string()))?;
            let synced = self.device.acknowledge(reply.asked, reply.heard, &answer)?;
            released = released.saturating_add(synced.released);
            news.extend(synced.operations);
            // A server that takes a part of a batch is asked again with the rest; one that takes nothing is not.
            let part = answer.head.next <= export.last;
            if (export.remaining == 0 && !part) || synced.released == 0 {
                break;
            }
        }
        self.place_sales()?;
        screen.line(format!("✓ {}: {released} {}", words.of("同步完成", "synced"), words.of("条记录", "records")));
        let mut went = Went::Well;
        for answer in news {
            if !self.tell(&answer, screen)? {
                went = Went::Otherwise;
            }
        }
        let reading = self.clocks.read();
        let left = self.device.status(reading)?.journal.counters;
        if left.operations > 0 {
            let waiting = words.of("笔业务仍待联机确认,稍后再同步", "operations still wait: sync again in a moment");
            screen.line(format!("  {} {waiting}", left.operations));
        }
        Ok(went)
    }

    /// Sales that were on their way when the line broke.
    fn send_waiting(&mut self) -> Result<(), Trouble> {
        let sending = self.roll.sales().iter().filter(|sold| sold.place == Place::Sending);
        let sending: Vec<Sale> = sending.map(|sold| sold.sale.clone()).collect();
        for sale in sending {
            self.send(&sale)?;
        }
        Ok(())
    }

    /// What the library let go of, the server has.
    fn place_sales(&mut self) -> Result<(), Trouble> {
        let stored = self.roll.sales().iter().filter(|sold| sold.place == Place::Stored);
        let stored: Vec<SaleId> = stored.map(|sold| sold.sale.id.clone()).collect();
        for id in stored {
            if self.was_let_go(&id) {
                self.roll.change_sale(&id, |sold| sold.place = Place::Server)?;
            }
        }
        Ok(())
    }

    /// What became of an operation; whether it still stands.
    fn tell(&mut self, answer: &OperationAnswer, screen: &mut Screen) -> Result<bool, Trouble> {
        let words = self.words;
        let begun = self.roll.operations().iter().find(|begun| begun.id == answer.operation).cloned();
        let (sign, said, state) = match &answer.became {
            Became::Accepted => (
                "✓",
                words.of("服务器已受理", "the server carries it out").to_owned(),
                State::Server("sent".to_owned()),
            ),
            Became::Done => ("✓", words.of("完成", "done").to_owned(), State::Done),
            Became::Refund(refund) => (
                "!",
                format!(
                    "{} {refund}",
                    words.of(
                        "已过撤销时限,转为退货申请,审批后退款:",
                        "too late for a void; a refund was opened, which has to be approved:"
                    )
                ),
                State::Refund(refund.to_string()),
            ),
            Became::Case(case) => (
                "?",
                format!("{} {case}", words.of("由客服处理:", "support decides, case")),
                State::Case(case.to_string()),
            ),
            Became::Refused => {
                ("✗", words.of("不成立,款项未退", "it does not stand, no money went back").to_owned(), State::Refused)
            }
        };
        let what = match &begun {
            None => answer.operation.to_string(),
            Some(begun) => {
                let sold = self.roll.find(begun.sale.as_str());
                let voucher = sold.and_then(|sold| sold.sale.slip.as_ref()).map(|slip| slip.voucher.clone());
                let voucher = voucher.unwrap_or_else(|| begun.sale.to_string());
                format!("{} {voucher} {}", words.way(begun.way), words.amount(&begun.amount))
            }
        };
        screen.line(format!("{sign} {what}: {said}"));
        if let Some(detail) = &answer.detail {
            screen.line(format!("  · {detail}"));
        }
        self.roll.becomes(&answer.operation, state)?;
        Ok(answer.became != Became::Refused)
    }

    /// The next batch for the server goes into a file. It counts as perhaps sent: whoever has the file can send it.
    pub(super) fn export(&mut self, file: &Path, screen: &mut Screen) -> Result<Went, Trouble> {
        let reading = self.clocks.read();
        let from = self.device.status(reading)?.journal.acknowledged.next;
        let words = self.words;
        let Some(export) = self.device.export(reading, from, BATCH)? else {
            screen.line(words.of("没有待上传的记录", "nothing waits for the server"));
            return Ok(Went::Otherwise);
        };
        self.write_file(file, &export.batch)?;
        screen.line(format!(
            "✓ {}: {} {}–{}, {} {}",
            file.display(),
            words.of("记录", "records"),
            export.first,
            export.last,
            export.batch.len(),
            words.of("字节", "bytes")
        ));
        Ok(Went::Well)
    }

    // -------------------------------------------------------------------------------------------------- 状态

    pub(super) fn status(&mut self, screen: &mut Screen) -> Result<Went, Trouble> {
        let reading = self.clocks.read();
        let status = self.device.status(reading)?;
        let words = self.words;
        let line = if self.line.is_on() { words.of("联机", "online") } else { words.of("脱机", "offline") };
        let source = match status.clock.source {
            Source::Monotonic => words.of("服务器校时后由本机计时", "counted on since the server told it"),
            Source::Wall => words.of("重启后按时钟推算", "by the clock, across a restart"),
            Source::Unknown => words.of("未知:请联机校时", "unknown: go online"),
        };
        let bound = if status.clock.source == Source::Unknown {
            String::new()
        } else {
            format!(" ±{}", words.lasting(status.clock.bound.ms))
        };
        let class = self.identity.class.as_ref().map(|class| format!(" ({class})")).unwrap_or_default();
        let contact = status.last_contact.map_or_else(
            || words.of("从未", "never").to_owned(),
            |at| format!("{}{}", words.lasting(status.clock.now.since(at).ms), words.of("前", " ago")),
        );
        let journal = &status.journal;
        let rows = [
            [
                words.of("终端", "terminal").to_owned(),
                format!("{} {}{class}   {line}", self.identity.merchant, self.identity.terminal),
            ],
            [words.of("引擎", "engine").to_owned(), format!("{}   wasmtime {}", status.target, status.engine)],
            self.bundle_row(&status),
            [words.of("时间", "time").to_owned(), format!("{}{bound}   {source}", words.at(status.clock.now))],
            [words.of("上次联机", "last contact").to_owned(), contact],
            [
                words.of("待上传", "waiting").to_owned(),
                format!(
                    "{} {} ({} {})",
                    journal.counters.records,
                    words.of("条记录", "records"),
                    words.of("最多", "room for"),
                    journal.max_records
                ),
            ],
            [words.of("日志公钥", "journal key").to_owned(), status.public_key.clone()],
        ];
        screen.table(&rows);
        self.ceilings(&status, screen);
        Ok(Went::Well)
    }

    /// What the policy's ceilings leave.
    fn ceilings(&mut self, status: &Status, screen: &mut Screen) {
        let words = self.words;
        let Some(document) = self.rules().map(|loaded| loaded.rules.document().clone()) else { return };
        let Some(rules) = document.offline else {
            screen.line(words.of("  本政策不允许脱机判断", "  this policy lets a terminal decide nothing alone"));
            return;
        };
        let counters = &status.journal.counters;
        let money = |minor: i64| Money { minor, currency: document.currency.clone() };
        let mut rows = vec![
            [
                words.of("脱机限额", "ceilings offline"),
                words.of("上限", "limit"),
                words.of("已用", "used"),
                words.of("剩余", "left"),
            ]
            .map(str::to_owned),
        ];
        if let Some(most) = rules.max_amount {
            rows.push([
                words.of("单笔", "one operation").to_owned(),
                words.amount(&money(most.minor())),
                String::new(),
                String::new(),
            ]);
        }
        if let Some(most) = rules.max_total {
            let used = counters.total(&document.currency).map_or(0, |total| total.minor);
            rows.push([
                words.of("累计金额", "in all").to_owned(),
                words.amount(&money(most.minor())),
                words.amount(&money(used)),
                words.amount(&money(most.minor().saturating_sub(used).max(0))),
            ]);
        }
        let mut count = |name: &str, most: u64, used: u64| {
            rows.push([name.to_owned(), most.to_string(), used.to_string(), most.saturating_sub(used).to_string()]);
        };
        if let Some(most) = rules.max_count {
            count(words.of("笔数", "operations"), u64::from(most), u64::from(counters.operations));
        }
        count(words.of("记录", "records"), u64::from(rules.max_records), counters.records);
        let mut age = |name: &str, most: u64, used: Option<u64>| {
            let used = used.unwrap_or(u64::MAX);
            let shown = if used == u64::MAX { "—".to_owned() } else { words.lasting(used) };
            rows.push([name.to_owned(), words.lasting(most), shown, words.lasting(most.saturating_sub(used))]);
        };
        let since = |at: Option<rescind_model::Instant>| at.map(|at| status.clock.now.since(at).ms);
        age(words.of("距上次联机", "since last contact"), rules.contact_age.duration().ms, since(status.last_contact));
        let made = status.bundle.as_ref().map(|bundle| bundle.made_at);
        age(words.of("数据包使用", "age of the bundle"), rules.bundle_age.duration().ms, since(made));
        screen.table(&rows);
    }
}
