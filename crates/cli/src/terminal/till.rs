//! The terminal at work: it carries out what is asked of it, through the library for firmware and over the line.

use super::clocks::Clocks;
use super::command::{Command, Means, USAGE};
use super::folder::{Folder, Identity};
use super::line::{Line, Request};
use super::roll::{Begun, Place, Roll, State};
use super::screen::Screen;
use super::trouble::Trouble;
use super::words::Words;
use rescind_bundle::SigningKey;
use rescind_journal::Room;
use rescind_model::token::Token as _;
use rescind_model::{
    BusinessDay, CardType, Channel, Forwarding, Instant, Locale, Money, OperationId, PersonId, Role, Sale, SaleId,
    SaleOutcome, SettlementMode, SlipNumbers, SlipRequest, Way,
};
use rescind_policy::Policy as Rules;
use rescind_service::native::NativePolicy;
use rescind_service::ports::Policy as _;
use rescind_terminal::{ClockQuality, Operator, Setup, Source, Terminal, TerminalError};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The batch that the terminal's slips name. It is closed at the counter, which is not played here.
const BATCH: &str = "000001";

/// How a command went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// As it was meant.
    Well,
    /// It was refused, or something went wrong; what to do was shown.
    Otherwise,
    /// Nothing more is wanted.
    Over,
}

/// The terminal.
pub struct Till {
    /// The library.
    pub(super) device: Terminal,
    /// Its clocks.
    pub(super) clocks: Clocks,
    /// Its line.
    pub(super) line: Line,
    /// Its list.
    pub(super) roll: Roll,
    /// Who it is.
    pub(super) identity: Identity,
    /// Its language.
    pub(super) words: Words,
    /// Who stands there.
    pub(super) operator: Option<AtWork>,
    /// The bundle's policy, for what a sale is charged, its business day, and what may be chosen.
    pub(super) rules: Option<Loaded>,
    /// Since when the shift lasts.
    shift: Instant,
}

/// An operator who logged in.
pub(super) struct AtWork {
    pub(super) number: String,
    pub(super) pin: String,
    pub(super) person: PersonId,
    pub(super) role: Role,
    /// Id and token.
    pub(super) session: (String, String),
}

/// A policy.
pub(super) struct Loaded {
    pub(super) hash: String,
    pub(super) rules: Rules,
    engine: NativePolicy,
}

impl Till {
    /// Opens the terminal in its folder.
    pub fn open(folder: Folder, key: SigningKey, line: Line, locale: Locale) -> Result<Self, Trouble> {
        let clocks = Clocks::of_this_machine();
        let Folder { path, identity, .. } = folder;
        let roll = Roll::open(&path).map_err(|error| Trouble::Folder(error.to_string()))?;
        let room = Room::default();
        let setup = Setup {
            merchant: identity.merchant.clone(),
            merchant_name: identity.merchant_name.clone(),
            terminal: identity.terminal.clone(),
            class: identity.class.clone(),
            utc_offset_minutes: identity.utc_offset_minutes,
            folder: path,
            trust: identity.trust.clone(),
            code: identity.code,
            boot: clocks.boot().to_owned(),
            journal_id: identity.journal.clone(),
            clocks: ClockQuality::default(),
            max_records: room.records,
            max_bytes: room.bytes,
        };
        let device = Terminal::open(setup, Box::new(key), clocks.read())?;
        let words = Words { locale, utc_offset_minutes: identity.utc_offset_minutes };
        let shift = Instant { unix_ms: 0 };
        let mut this = Self { device, clocks, line, roll, identity, words, operator: None, rules: None, shift };
        this.take_up()?;
        this.shift = this.now()?;
        Ok(this)
    }

    /// Finishes what the last run of the program was in the middle of.
    fn take_up(&mut self) -> Result<(), Trouble> {
        let storing = self.roll.sales().iter().filter(|sold| sold.place == Place::Storing);
        let storing: Vec<Sale> = storing.map(|sold| sold.sale.clone()).collect();
        for sale in storing {
            self.store(sale)?;
        }
        let beginning = self.roll.operations().iter().filter(|begun| begun.state == State::Beginning);
        let beginning: Vec<Begun> = beginning.cloned().collect();
        for begun in beginning {
            // The journal has it if it was begun.
            let reading = self.clocks.read();
            match self.device.reprint(reading, &begun.id) {
                Ok(answer) => {
                    let state = answer.operation.map_or(State::Refused, |done| super::back::state_of(done.effect));
                    self.roll.becomes(&begun.id, state)?;
                }
                Err(TerminalError::Conflict(_)) => self.roll.remove_operation(&begun.id)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Who it is, for the header.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its language.
    pub fn words(&self) -> Words {
        self.words
    }

    /// Whether its line is switched on.
    pub fn is_online(&self) -> bool {
        self.line.is_on()
    }

    /// Who stands there, by number.
    pub fn operator(&self) -> Option<&str> {
        self.operator.as_ref().map(|at_work| at_work.number.as_str())
    }

    /// The reasons that can be chosen for a way.
    pub fn reasons(&mut self, way: Way) -> Vec<String> {
        const USUAL: [&str; 4] = ["wrong-amount", "wrong-payee", "duplicate", "customer-request"];
        let document = self.rules().map(|loaded| loaded.rules.document());
        let listed = document.map(|document| match way {
            Way::Refund => document.refund.as_ref().map(|refund| refund.reasons.clone()),
            _ => document.void.as_ref().map(|void| void.reasons.clone()),
        });
        let listed = listed.flatten().unwrap_or_default();
        if listed.is_empty() { USUAL.map(str::to_owned).to_vec() } else { listed }
    }

    /// Carries a command out. What went wrong is shown, with what to do.
    pub fn carry_out(&mut self, command: Command, screen: &mut Screen) -> Went {
        let done = match command {
            Command::Sale { amount, means } => self.sale(&amount, means, screen),
            Command::Void { sale, reason, pin } => self.void(&sale, &reason, pin.as_deref(), screen),
            Command::Refund { sale, amount, reason, pin } => {
                self.refund(&sale, &amount, &reason, pin.as_deref(), screen)
            }
            Command::Check { sale } => self.check(&sale, screen),
            Command::Sales => self.list(screen),
            Command::Status => self.status(screen),
            Command::Online => self.online(screen),
            Command::Offline => self.offline(screen),
            Command::Bundle { file } => self.bundle(file.as_deref(), screen),
            Command::Sync => self.sync(screen),
            Command::Login { number, pin } => self.login(number, pin, screen),
            Command::Handover => self.handover(screen),
            Command::Reprint { what } => self.reprint(&what, screen),
            Command::Export { file } => self.export(&file, screen),
            Command::Clock { by_seconds } => self.set_clock(by_seconds, screen),
            Command::Locale { tag } => {
                self.words.locale = if tag == "en" { Locale::En } else { Locale::ZhCn };
                Ok(Went::Well)
            }
            Command::Help => {
                USAGE.iter().for_each(|line| screen.line(format!("  {line}")));
                Ok(Went::Well)
            }
            Command::Quit => Ok(Went::Over),
        };
        done.unwrap_or_else(|trouble| {
            trouble.show(self.words, screen);
            Went::Otherwise
        })
    }

    pub(super) fn wrong(&self, chinese: &str, english: &str) -> Trouble {
        Trouble::Input(self.words.of(chinese, english).to_owned())
    }

    /// The bundle's policy, read again when another bundle is active.
    pub(super) fn rules(&mut self) -> Option<&Loaded> {
        let canonical = self.device.bundle()?.policy(self.identity.class.as_deref())?;
        let hash = rescind_model::Digest::of(canonical).hex;
        if self.rules.as_ref().is_none_or(|loaded| loaded.hash != hash) {
            // The library loaded the very bytes; if they cannot be read here, nothing is charged and the day is the calendar's.
            let read = (Rules::from_canonical(canonical), NativePolicy::load(canonical));
            self.rules = match read {
                (Ok(rules), Ok(engine)) => Some(Loaded { hash, rules, engine }),
                _ => None,
            };
        }
        self.rules.as_ref()
    }

    /// The currency of the shop.
    pub(super) fn currency(&mut self) -> String {
        self.rules().map_or_else(|| "CNY".to_owned(), |loaded| loaded.rules.document().currency.clone())
    }

    pub(super) fn amount(&mut self, text: &str) -> Result<Money, Trouble> {
        let currency = self.currency();
        let amount = Money::parse(text, &currency).ok().filter(|amount| !amount.is_zero());
        amount.ok_or_else(|| self.wrong("金额应大于零,例如 128.00", "expected an amount above zero, such as 128.00"))
    }

    /// The time, as well as the terminal knows it.
    pub(super) fn now(&mut self) -> Result<Instant, Trouble> {
        let reading = self.clocks.read();
        let clock = self.device.status(reading)?.clock;
        Ok(if clock.source == Source::Unknown { reading.wall } else { clock.now })
    }

    // ------------------------------------------------------------------------------------------------ 消费

    fn sale(&mut self, amount: &str, means: Means, screen: &mut Screen) -> Result<Went, Trouble> {
        let sale = self.new_sale(amount, means)?;
        if !self.line.is_on() {
            self.roll.add_sale(sale.clone(), Place::Storing)?;
            self.store(sale.clone())?;
            let stored = self.words.of("脱机消费,已存入本机", "sold without the server, stored here");
            self.sold(&sale, stored, screen)?;
            return Ok(Went::Well);
        }
        self.roll.add_sale(sale.clone(), Place::Sending)?;
        self.send(&sale)?;
        let known = self.words.of("消费成功,服务器已登记", "sold, and the server has it");
        self.sold(&sale, known, screen)?;
        Ok(Went::Well)
    }

    fn new_sale(&mut self, amount: &str, means: Means) -> Result<Sale, Trouble> {
        let captured = self.amount(amount)?;
        let paid_at = self.now()?;
        let voucher = self.roll.next_voucher()?;
        let journal: String = self.identity.journal.chars().take(6).collect();
        let id = SaleId::parse(&format!("{}-{journal}-{voucher:06}", self.identity.terminal));
        let operator = self.operator.as_ref().map(|at_work| at_work.person.clone());
        let mut sale = Sale {
            id: id.map_err(|error| Trouble::Input(error.to_string()))?,
            merchant: self.identity.merchant.clone(),
            slip: Some(SlipNumbers {
                terminal: self.identity.terminal.clone(),
                batch: BATCH.to_owned(),
                voucher: format!("{voucher:06}"),
                trace: format!("{voucher:06}"),
            }),
            order_number: None,
            retrieval_reference: None,
            operator,
            fee_charged: captured.zero_like(),
            captured,
            coupon: None,
            channel: match means {
                Means::Card => Channel::Card,
                Means::Code => Channel::PaymentCode,
            },
            card_type: (means == Means::Card).then_some(CardType::Debit),
            kind: "purchase".to_owned(),
            payer_token: None,
            contact: None,
            service_at: None,
            paid_at,
            business_day: self.business_day(paid_at)?,
            settlement: SettlementMode::Ordinary,
        };
        let charged = self.rules().and_then(|loaded| loaded.engine.acquiring_fee(&sale).ok().flatten());
        if let Some(fee) = charged {
            sale.fee_charged = fee;
        }
        Ok(sale)
    }

    /// The policy's business day; the calendar's where there is no policy yet.
    fn business_day(&mut self, at: Instant) -> Result<BusinessDay, Trouble> {
        let known = self.rules().and_then(|loaded| loaded.engine.business_day_of(at).ok());
        if let Some(day) = known {
            return Ok(day);
        }
        let ahead = i64::from(self.identity.utc_offset_minutes).saturating_mul(60_000);
        let local = Instant { unix_ms: at.unix_ms.saturating_add(ahead) }.to_utc();
        let day = local.and_then(|time| BusinessDay::from_date(time.date_naive()));
        day.map_err(|error| Trouble::Input(error.to_string()))
    }

    /// Stores a sale in the journal: it never left the terminal.
    fn store(&mut self, sale: Sale) -> Result<(), Trouble> {
        let (id, reading) = (sale.id.clone(), self.clocks.read());
        match self.device.record_sale(reading, sale, SaleOutcome::Good, Forwarding::Kept) {
            Ok(()) => Ok(self.roll.change_sale(&id, |sold| sold.place = Place::Stored)?),
            Err(error) => {
                // What is not in the journal did not take place; after a failed disk that shows at the next start.
                if !matches!(error, TerminalError::Disk(_)) {
                    self.roll.remove_sale(&id)?;
                }
                Err(error.into())
            }
        }
    }

    /// Sends a sale to the server. As long as nobody knows whether it arrived, it stays on its way.
    pub(super) fn send(&mut self, sale: &Sale) -> Result<(), Trouble> {
        let posted = self.line.post(&self.clocks, "/v1/transactions", Vec::new(), &registered(sale));
        match posted {
            Ok(_) => Ok(self.roll.change_sale(&sale.id, |sold| sold.place = Place::Server)?),
            Err(Trouble::Server(problem)) if problem.status < 500 && problem.status != 429 => {
                if problem.status != 409 {
                    self.roll.remove_sale(&sale.id)?;
                }
                Err(Trouble::Server(problem))
            }
            Err(trouble) => Err(trouble),
        }
    }

    fn sold(&mut self, sale: &Sale, how: &str, screen: &mut Screen) -> Result<(), Trouble> {
        let words = self.words;
        let voucher = sale.slip.as_ref().map_or("", |slip| slip.voucher.as_str());
        let named = words.of("凭证号", "voucher");
        screen.line(format!("✓ {how}   {named} {voucher}   {}", words.amount(&sale.captured)));
        let request = SlipRequest {
            merchant_name: self.identity.merchant_name.clone(),
            sale: sale.clone(),
            void_operation: None,
            refund: None,
            operation: None,
            outcome: SaleOutcome::Good,
            hold: None,
            reprint: false,
            at: sale.paid_at,
            utc_offset_minutes: self.identity.utc_offset_minutes,
            offline: None,
        };
        let slip = rescind_notification::slip(&request, words.locale).map_err(TerminalError::from)?;
        screen.slip(&slip);
        Ok(())
    }

    // ------------------------------------------------------------------------------------------- 登录, 交接

    fn login(&mut self, number: String, pin: String, screen: &mut Screen) -> Result<Went, Trouble> {
        if !self.line.is_on() {
            return Err(self.wrong(
                "操作员须联机登录:密码只有服务器知道",
                "an operator logs in online: only the server knows PINs",
            ));
        }
        let at_work = self.begin_session(number, pin)?;
        screen.line(format!(
            "✓ {} {}: {} ({})",
            self.words.of("操作员", "operator"),
            at_work.number,
            at_work.person,
            at_work.role
        ));
        self.operator = Some(at_work);
        Ok(Went::Well)
    }

    pub(super) fn begin_session(&self, number: String, pin: String) -> Result<AtWork, Trouble> {
        let body = json!({"number": number, "pin": pin});
        let session = self.line.post(&self.clocks, "/v1/operator-sessions", Vec::new(), &body)?;
        let text = |pointer: &str| session.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let person = text("/operator/person").and_then(|person| PersonId::parse(&person).ok());
        let role = text("/operator/role").and_then(|role| Role::parse(&role).ok());
        match (person, role, text("/id"), text("/token")) {
            (Some(person), Some(role), Some(id), Some(token)) => {
                Ok(AtWork { number, pin, person, role, session: (id, token) })
            }
            _ => Err(Trouble::NoAnswer("the session is not as expected".to_owned())),
        }
    }

    /// Who stands there, as the terminal itself knows.
    pub(super) fn standing(&self) -> Option<Operator> {
        let at_work = self.operator.as_ref()?;
        Some(Operator { person: at_work.person.clone(), roles: vec![at_work.role.clone()] })
    }

    fn handover(&mut self, screen: &mut Screen) -> Result<Went, Trouble> {
        let words = self.words;
        let since = self.shift;
        let sales = self.roll.sales().iter().filter(|sold| sold.sale.paid_at >= since);
        let (mut total, mut count): (Option<Money>, u32) = (None, 0);
        for sold in sales {
            count = count.saturating_add(1);
            let amount = &sold.sale.captured;
            total = match total {
                None => Some(amount.clone()),
                Some(sum) => Some(sum.plus(amount).map_err(|error| Trouble::Input(error.to_string()))?),
            };
        }
        let in_state = |state: &State| {
            let operations = self.roll.operations().iter();
            operations.filter(|begun| begun.at >= since && begun.state == *state).count()
        };
        let (done, waiting) = (in_state(&State::Done), in_state(&State::Queued));
        let total = total.map_or_else(|| "0".to_owned(), |total| words.amount(&total));
        let by = self.operator.as_ref().map_or("—", |at_work| at_work.number.as_str()).to_owned();
        let rows = [
            [words.of("交接班", "shift of operator").to_owned(), by],
            [words.of("消费", "sales").to_owned(), format!("{count}   {total}")],
            [words.of("本机完成撤销", "voids done here").to_owned(), done.to_string()],
            [words.of("待联机确认", "waiting for the server").to_owned(), waiting.to_string()],
        ];
        screen.table(&rows);
        let reading = self.clocks.read();
        let records = self.device.status(reading)?.journal.counters.records;
        if records > 0 {
            let left = words.of("条记录尚未上传,请在交接前同步", "records wait for the server: sync before you leave");
            screen.line(format!("  {records} {left}"));
        }
        if let Some(at_work) = self.operator.take()
            && self.line.is_on()
        {
            // A session that is not ended here ends by itself after 15 minutes.
            let path = format!("/v1/operator-sessions/{}", at_work.session.0);
            self.line.delete(&path).unwrap_or(());
        }
        self.shift = self.now()?;
        screen.line(format!("✓ {}", words.of("操作员已签退", "the operator is logged out")));
        Ok(Went::Well)
    }

    // -------------------------------------------------------------------------------------------------- 流水

    fn list(&mut self, screen: &mut Screen) -> Result<Went, Trouble> {
        let words = self.words;
        if self.roll.sales().is_empty() {
            screen.line(words.of("没有流水", "there are no sales yet"));
            return Ok(Went::Well);
        }
        let mut rows = vec![
            [
                words.of("凭证号", "voucher"),
                words.of("时间", "time"),
                words.of("金额", "amount"),
                words.of("所在", "where"),
                words.of("退回", "taken back"),
            ]
            .map(str::to_owned),
        ];
        for sold in self.roll.sales().iter().rev().take(20) {
            let sale = &sold.sale;
            let place = match sold.place {
                Place::Storing | Place::Stored => words.of("本机", "here"),
                Place::Sending => words.of("发送中", "on its way"),
                Place::Server => words.of("服务器", "server"),
            };
            let operations = self.roll.operations().iter().filter(|begun| begun.sale == sale.id);
            let operations: Vec<String> = operations.map(|begun| self.said(begun)).collect();
            rows.push([
                sale.slip.as_ref().map_or_else(|| sale.id.to_string(), |slip| slip.voucher.clone()),
                words.at(sale.paid_at),
                words.amount(&sale.captured),
                place.to_owned(),
                operations.join("; "),
            ]);
        }
        screen.table(&rows);
        Ok(Went::Well)
    }

    /// An operation in a few words.
    fn said(&self, begun: &Begun) -> String {
        let words = self.words;
        let state = match &begun.state {
            State::Beginning => words.of("判断中", "being decided").to_owned(),
            State::Done => words.of("成功", "done").to_owned(),
            State::Queued => words.of("待联机确认", "waits for the server").to_owned(),
            State::Server(state) => words.state(state).to_owned(),
            State::Refund(refund) => format!("{} {refund}", words.of("已转退货", "became refund")),
            State::Case(case) => format!("{} {case}", words.of("客服处理", "support decides, case")),
            State::Refused => words.of("不成立", "does not stand").to_owned(),
        };
        format!("{} {} {state}", words.way(begun.way), words.amount(&begun.amount))
    }

    fn reprint(&mut self, what: &str, screen: &mut Screen) -> Result<Went, Trouble> {
        let unknown = || self.wrong("没有这笔业务,请看流水", "there is no such operation: look at the list of sales");
        let begun = self.roll.operation(what).cloned().ok_or_else(unknown)?;
        let reading = self.clocks.read();
        match self.device.reprint(reading, &begun.id) {
            Ok(answer) => {
                if let Some(done) = answer.operation {
                    screen.slip(self.words.pick(&done.slip.chinese, &done.slip.english));
                }
                Ok(Went::Well)
            }
            Err(TerminalError::Conflict(_)) if self.line.is_on() => {
                let begun = self.named_by_server(begun)?;
                self.slip_of_server(&begun, true, screen)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// An operation by the server's name for it: that of a refund was told, any other is the sale's last of its way.
    fn named_by_server(&self, mut begun: Begun) -> Result<Begun, Trouble> {
        let named = |id: &str| OperationId::parse(id).map_err(|error| Trouble::NoAnswer(error.to_string()));
        if let State::Refund(refund) = &begun.state {
            begun.id = named(refund)?;
            begun.way = Way::Refund;
            return Ok(begun);
        }
        let sale = self.line.get(&self.clocks, &format!("/v1/transactions/{}", begun.sale))?;
        let operations = sale.get("operations").and_then(Value::as_array).into_iter().flatten();
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let own = operations.filter(|operation| text(operation, "kind").as_deref() == Some(begun.way.token()));
        if let Some(id) = own.filter_map(|operation| text(operation, "id")).next_back() {
            begun.id = named(&id)?;
        }
        Ok(begun)
    }

    /// The slip of an operation that the server has.
    pub(super) fn slip_of_server(&mut self, begun: &Begun, again: bool, screen: &mut Screen) -> Result<Went, Trouble> {
        let resource = if begun.way == Way::Refund { "refunds" } else { "operations" };
        let again = if again { "&reprint=true" } else { "" };
        let path = format!("/v1/{resource}/{}/slip?locale={}{again}", begun.id, self.words.tag());
        let reply = self.line.ask(&self.clocks, Request { path: &path, ..Request::default() })?;
        screen.slip(reply.text()?);
        Ok(Went::Well)
    }

    fn set_clock(&mut self, by_seconds: i64, screen: &mut Screen) -> Result<Went, Trouble> {
        let before = self.clocks.read();
        let records = self.device.status(before)?.journal.counters.records;
        self.clocks.set_wrong_by(by_seconds.saturating_mul(1_000));
        let reading = self.clocks.read();
        // Telling the time is what notices it.
        let time = self.device.status(reading)?.clock;
        let written = self.device.status(reading)?.journal.counters.records.saturating_sub(records);
        let words = self.words;
        screen.line(format!("  {} {}", words.of("机器时钟", "the wall clock shows"), words.at(reading.wall)));
        screen.line(format!("  {} {}", words.of("终端时间", "the terminal goes by"), words.at(time.now)));
        if written > 0 {
            let noticed = words.of("时钟被调回,已记入日志", "the clock was set back, which is in the journal now");
            screen.line(format!("! {noticed}"));
        }
        Ok(Went::Well)
    }

    /// Where a batch goes that is to be looked at.
    pub(super) fn write_file(&self, file: &std::path::Path, bytes: &[u8]) -> Result<(), Trouble> {
        let file: PathBuf = file.to_owned();
        std::fs::write(&file, bytes).map_err(|error| Trouble::Input(format!("{}: {error}", file.display())))
    }
}

/// A sale as it is registered: with everything the terminal knows, so that it is the same whenever it arrives.
fn registered(sale: &Sale) -> Value {
    let money = |money: &Money| json!({"amount": money.decimal_text(), "currency": money.currency});
    let mut body = json!({
        "id": sale.id.as_str(),
        "amount": money(&sale.captured),
        "fee_charged": money(&sale.fee_charged),
        "channel": sale.channel.token(),
        "kind": sale.kind,
        "paid_at": sale.paid_at.to_string(),
        "business_day": sale.business_day.to_string(),
        "settlement": sale.settlement.token(),
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let (Some(fields), Some(value)) = (body.as_object_mut(), value) {
            fields.insert(name.to_owned(), value);
        }
    };
    add("card_type", sale.card_type.map(|card| json!(card.token())));
    add("operator", sale.operator.as_ref().map(|person| json!(person.as_str())));
    add(
        "slip",
        sale.slip.as_ref().map(|slip| {
            json!({
                "terminal": slip.terminal.as_str(), "batch": slip.batch, "voucher": slip.voucher, "trace": slip.trace,
            })
        }),
    );
    body
}
