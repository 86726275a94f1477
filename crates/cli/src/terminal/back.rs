//! 撤销, 退货, 查询: taking back. What the server has, it decides while the line is on; everything else the terminal does.

use super::line::Request;
use super::roll::{Begun, Owed, Place, Sold, State};
use super::screen::Screen;
use super::till::{Till, Went};
use super::trouble::Trouble;
use super::verdict::Verdict;
use rescind_model::record::Question;
use rescind_model::token::Token as _;
use rescind_model::{
    Money, OfflineEffect, OperationId, RefundQuestion, SaleId, SaleOutcome, SaleStatus, VoidQuestion, Way,
};
use rescind_terminal::{Answer, Ask, Begin, Subject, TerminalError, Told};
use serde_json::{Value, json};
use std::time::Duration;

/// How often the server is asked what became of an operation, and how long between: the operator stands and waits.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(400);

/// How far an operation is that the terminal began.
pub(super) fn state_of(effect: OfflineEffect) -> State {
    match effect {
        OfflineEffect::CancelsLocally => State::Done,
        OfflineEffect::Queued => State::Queued,
    }
}

/// Something that is asked to be taken back.
struct Asked<'a> {
    way: Way,
    sold: Sold,
    amount: Money,
    reason: &'a str,
    pin: Option<&'a str>,
}

impl Till {
    /// 撤销.
    pub(super) fn void(
        &mut self,
        sale: &str,
        reason: &str,
        pin: Option<&str>,
        screen: &mut Screen,
    ) -> Result<Went, Trouble> {
        let sold = self.sold_as(sale)?;
        let amount = sold.sale.captured.clone();
        self.take_back(&Asked { way: Way::Void, sold, amount, reason, pin }, screen)
    }

    /// 退货.
    pub(super) fn refund(
        &mut self,
        sale: &str,
        amount: &str,
        reason: &str,
        pin: Option<&str>,
        screen: &mut Screen,
    ) -> Result<Went, Trouble> {
        let sold = self.sold_as(sale)?;
        let amount = self.amount(amount)?;
        self.take_back(&Asked { way: Way::Refund, sold, amount, reason, pin }, screen)
    }

    fn sold_as(&self, name: &str) -> Result<Sold, Trouble> {
        let found = self.roll.find(name).cloned();
        found.ok_or_else(|| self.wrong("没有这笔消费,请看流水", "there is no such sale: look at the list of sales"))
    }

    fn take_back(&mut self, asked: &Asked<'_>, screen: &mut Screen) -> Result<Went, Trouble> {
        if !self.line.is_on() {
            return self.begin_here(asked, screen);
        }
        match asked.sold.place {
            // It never left the terminal, or the server has not said that it arrived: the journal knows.
            Place::Storing | Place::Stored => self.begin_here(asked, screen),
            Place::Sending => {
                self.send(&asked.sold.sale)?;
                self.ask_server(asked, screen)
            }
            Place::Server => self.ask_server(asked, screen),
        }
    }

    // --------------------------------------------------------------------------------------- by the terminal

    fn begin_here(&mut self, asked: &Asked<'_>, screen: &mut Screen) -> Result<Went, Trouble> {
        let proof = if self.line.is_on() && self.operator.is_some() { Some(self.step_up(asked)?) } else { None };
        let reason = Some(asked.reason.to_owned());
        let amount = asked.amount.clone();
        let question = match asked.way {
            Way::Refund => Question::Refund(RefundQuestion { amount, reason, evidence: Vec::new() }),
            _ => Question::Void(VoidQuestion { amount, reason, legal: false, evidence: Vec::new() }),
        };
        let sale = self.subject(&asked.sold);
        let ask = Ask { sale, question, operator: self.standing(), proof, identity: Vec::new(), fees: None };
        let id = self.name_operation()?;
        let mut begun = Begun {
            id: id.clone(),
            sale: asked.sold.sale.id.clone(),
            way: asked.way,
            amount: asked.amount.clone(),
            at: self.now()?,
            state: State::Beginning,
        };
        // Named before it is begun: after a power loss its answer is asked for by that name.
        self.roll.note(begun.clone())?;
        let reading = self.clocks.read();
        let answer = match self.device.begin(reading, &Begin { operation: id, ask }) {
            Ok(answer) => answer,
            Err(error) => {
                if !matches!(error, TerminalError::Disk(_)) {
                    self.roll.remove_operation(&begun.id)?;
                }
                return Err(error.into());
            }
        };
        Verdict::of_terminal(self.words, &answer).show(self.words, screen);
        let Some(done) = &answer.operation else {
            self.roll.remove_operation(&begun.id)?;
            return Ok(Went::Otherwise);
        };
        begun.state = state_of(done.effect);
        self.roll.note(begun)?;
        screen.slip(self.words.pick(&done.slip.chinese, &done.slip.english));
        Ok(Went::Well)
    }

    /// The sale as the library knows it, or as it was told of.
    fn subject(&self, sold: &Sold) -> Subject {
        match sold.place {
            Place::Storing | Place::Stored => Subject::Stored(sold.sale.id.clone()),
            Place::Sending | Place::Server => Subject::Told(Told {
                sale: sold.sale.clone(),
                status: SaleStatus {
                    outcome: SaleOutcome::Good,
                    batch_closed_at: None,
                    settled_at: None,
                    paid_out_at: None,
                    late: None,
                },
                balance: None,
                code: None,
                hold: None,
            }),
        }
    }

    fn name_operation(&mut self) -> Result<OperationId, Trouble> {
        let number = self.roll.next_operation()?;
        let journal: String = self.identity.journal.chars().take(6).collect();
        let id = OperationId::parse(&format!("{}-{journal}-V{number}", self.identity.terminal));
        id.map_err(|error| Trouble::Input(error.to_string()))
    }

    // ----------------------------------------------------------------------------------------- by the server

    /// The operator's proof for this very operation.
    fn step_up(&mut self, asked: &Asked<'_>) -> Result<String, Trouble> {
        let log_in = || self.wrong("请操作员先登录", "have an operator log in first");
        let at_work = self.operator.as_ref().ok_or_else(log_in)?;
        let pin = asked.pin.unwrap_or(&at_work.pin).to_owned();
        match self.proof(asked, &pin) {
            Err(Trouble::Server(problem)) if problem.code() == "session.ended" => {
                // Nobody touched it for a while: the operator is let in again with the PIN that was typed.
                let again = self.begin_session(at_work.number.clone(), pin.clone())?;
                self.operator = Some(again);
                self.proof(asked, &pin)
            }
            proof => proof,
        }
    }

    fn proof(&self, asked: &Asked<'_>, pin: &str) -> Result<String, Trouble> {
        let Some(at_work) = &self.operator else {
            return Err(self.wrong("请操作员先登录", "have an operator log in first"));
        };
        let (session, token) = &at_work.session;
        let operation = json!({
            "way": asked.way.token(),
            "sale": asked.sold.sale.id.as_str(),
            "amount": money(&asked.amount),
            "reason": asked.reason,
        });
        let body = json!({"token": token, "pin": pin, "operation": operation});
        let path = format!("/v1/operator-sessions/{session}/proofs");
        let given = self.line.post(&self.clocks, &path, Vec::new(), &body)?;
        let proof = given.get("proof").and_then(Value::as_str).map(str::to_owned);
        proof.ok_or_else(|| Trouble::NoAnswer("the proof is not as expected".to_owned()))
    }

    fn ask_server(&mut self, asked: &Asked<'_>, screen: &mut Screen) -> Result<Went, Trouble> {
        let proof = self.step_up(asked)?;
        let sale = asked.sold.sale.id.clone();
        let owed = asked
            .sold
            .owed
            .clone()
            .filter(|owed| owed.way == asked.way && owed.amount == asked.amount && owed.reason == asked.reason);
        // One that is owed its answer is asked for again under its key: nothing happens twice.
        let key = match owed {
            Some(owed) => owed.key,
            None => self.name_operation()?.as_str().to_owned(),
        };
        let owed =
            Owed { way: asked.way, amount: asked.amount.clone(), reason: asked.reason.to_owned(), key: key.clone() };
        self.roll.change_sale(&sale, |sold| sold.owed = Some(owed))?;
        let headers = vec![("idempotency-key", key), ("operator-proof", proof)];
        let (path, body) = match asked.way {
            Way::Refund => (
                "/v1/refunds".to_owned(),
                json!({"sale": sale.as_str(), "amount": money(&asked.amount), "reason": asked.reason}),
            ),
            _ => (format!("/v1/transactions/{sale}/voids"), json!({"reason": asked.reason})),
        };
        let answer = self.line.post(&self.clocks, &path, headers, &body);
        if !is_owed(&answer) {
            self.roll.change_sale(&sale, |sold| sold.owed = None)?;
        }
        let made = match answer {
            Ok(made) => made,
            Err(Trouble::Server(problem)) => {
                let decision = problem.body.get("decision");
                if let Some(verdict) = decision.and_then(|decision| Verdict::of_server(self.words, decision)) {
                    verdict.show(self.words, screen);
                    return Ok(Went::Otherwise);
                }
                return Err(Trouble::Server(problem));
            }
            Err(trouble) => return Err(trouble),
        };
        let id = made.get("id").and_then(Value::as_str).and_then(|id| OperationId::parse(id).ok());
        let id = id.ok_or_else(|| Trouble::NoAnswer("the operation is not as expected".to_owned()))?;
        let begun =
            Begun { id, sale, way: asked.way, amount: asked.amount.clone(), at: self.now()?, state: State::Queued };
        self.follow(begun, &made, screen)
    }

    /// Looks what becomes of an operation at the server, for as long as an operator waits, then prints its slip.
    fn follow(&mut self, mut begun: Begun, made: &Value, screen: &mut Screen) -> Result<Went, Trouble> {
        let state_in = |value: &Value| value.get("state").and_then(Value::as_str).unwrap_or_default().to_owned();
        let by_terminal = made.get("executor").and_then(Value::as_str) == Some("terminal");
        let mut state = state_in(made);
        begun.state = State::Server(state.clone());
        self.roll.note(begun.clone())?;
        let resource = if begun.way == Way::Refund { "refunds" } else { "operations" };
        if by_terminal && state == "authorised" {
            // The terminal's own acquirer: a simulated one, which does what it is asked.
            let headers = vec![("idempotency-key", format!("{}-result", begun.id))];
            let body = json!({"outcome": "done", "code": "00"});
            let path = format!("/v1/{resource}/{}/results", begun.id);
            state = state_in(&self.line.post(&self.clocks, &path, headers, &body)?);
        }
        let moves = |state: &str| matches!(state, "authorised" | "sent" | "clearing");
        let mut looks = 0_u32;
        while moves(&state) && looks < LOOKS {
            std::thread::sleep(BETWEEN_LOOKS);
            looks = looks.saturating_add(1);
            state = state_in(&self.line.get(&self.clocks, &format!("/v1/{resource}/{}", begun.id))?);
        }
        begun.state = State::Server(state.clone());
        self.roll.note(begun.clone())?;
        let sign = if state == "failed" || state == "declined" { "✗" } else { "✓" };
        let words = self.words;
        screen.line(format!("{sign} {} {}: {}", words.way(begun.way), begun.id, words.state(&state)));
        let slip = self.slip_of_server(&begun, false, screen);
        if let Err(trouble) = slip {
            // It has happened all the same.
            trouble.show(words, screen);
        }
        Ok(if sign == "✓" { Went::Well } else { Went::Otherwise })
    }

    // -------------------------------------------------------------------------------------------------- 查询

    /// Which ways back are open. Nothing is written.
    pub(super) fn check(&mut self, sale: &str, screen: &mut Screen) -> Result<Went, Trouble> {
        let sold = self.sold_as(sale)?;
        let words = self.words;
        screen.line(format!("  {}   {}", sold.sale.id, words.amount(&sold.sale.captured)));
        if self.line.is_on() && matches!(sold.place, Place::Server) {
            let path = format!("/v1/transactions/{}/ways-back", sold.sale.id);
            let ways = self.line.ask(&self.clocks, Request { path: &path, ..Request::default() })?.json()?;
            for decision in ways.get("ways").and_then(Value::as_array).into_iter().flatten() {
                if let Some(verdict) = Verdict::of_server(words, decision) {
                    verdict.show(words, screen);
                }
            }
            return Ok(Went::Well);
        }
        let (subject, standing, reading) = (self.subject(&sold), self.standing(), self.clocks.read());
        let answers: Vec<Answer> = self.device.assess(reading, &subject, None, standing.as_ref())?;
        answers.iter().for_each(|answer| Verdict::of_terminal(words, answer).show(words, screen));
        Ok(Went::Well)
    }

    /// Whether the library let go of a sale: the server has it.
    pub(super) fn was_let_go(&mut self, id: &SaleId) -> bool {
        let (reading, sale) = (self.clocks.read(), Subject::Stored(id.clone()));
        matches!(self.device.assess(reading, &sale, None, None), Err(TerminalError::UnknownSale(_)))
    }
}

fn money(money: &Money) -> Value {
    json!({"amount": money.decimal_text(), "currency": money.currency})
}

/// Whether an answer is still owed: it may have happened, and nobody here knows.
fn is_owed(answer: &Result<Value, Trouble>) -> bool {
    match answer {
        Ok(_) => false,
        Err(Trouble::Server(problem)) => problem.status >= 500 || problem.code() == "idempotency.in-flight",
        Err(_) => true,
    }
}
