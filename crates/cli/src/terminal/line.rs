//! The line to the server. Switched off, nothing is sent.

use super::clocks::Clocks;
use super::trouble::{Problem, Trouble};
use rescind_model::Instant;
use rescind_terminal::Reading;
use serde_json::Value;
use std::time::Duration;

/// The longest an answer may take: what takes longer tells no time either.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer that is read: the largest bundle, and some.
const ANSWER_BYTES: u64 = 8 * 1024 * 1024;

/// The line.
#[derive(Debug)]
pub struct Line {
    agent: ureq::Agent,
    server: Option<Server>,
    is_on: bool,
}

#[derive(Debug)]
struct Server {
    url: String,
    token: String,
}

/// A request.
#[derive(Debug, Default)]
pub struct Request<'r> {
    /// The path, with its query.
    pub path: &'r str,
    /// Headers: name and value.
    pub headers: Vec<(&'static str, String)>,
    /// The body, with its content type. Without one it is a GET.
    pub body: Option<(&'static str, Vec<u8>)>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The tag of what it holds.
    pub tag: Option<String>,
    /// When the server made it: to the second.
    pub date: Option<Instant>,
    /// The body.
    pub body: Vec<u8>,
    /// What the clocks showed before it was asked for.
    pub asked: Reading,
    /// What they showed when it was there.
    pub heard: Reading,
}

impl Line {
    /// A line to a server, if there is one.
    pub fn new(server: Option<(String, String)>, is_on: bool) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build();
        let server = server.map(|(url, token)| Server { url: url.trim_end_matches('/').to_owned(), token });
        Self { agent: agent.into(), is_on: is_on && server.is_some(), server }
    }

    /// Whether it is switched on.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether there is a server to switch to.
    pub fn has_server(&self) -> bool {
        self.server.is_some()
    }

    /// Switches it. Without a server it stays off.
    pub fn switch(&mut self, on: bool) {
        self.is_on = on && self.server.is_some();
    }

    /// Asks.
    ///
    /// # Errors
    /// [`Trouble::NoAnswer`]; also while it is switched off.
    pub fn ask(&self, clocks: &Clocks, request: Request<'_>) -> Result<Reply, Trouble> {
        let lost = |why: String| Trouble::NoAnswer(why);
        let Some(server) = self.server.as_ref().filter(|_| self.is_on) else {
            return Err(lost("the line is switched off".to_owned()));
        };
        let url = format!("{}{}", server.url, request.path);
        let asked = clocks.read();
        let authorization = format!("Bearer {}", server.token);
        let sent = match request.body {
            None => {
                let mut get = self.agent.get(&url).header("authorization", &authorization);
                for (name, value) in &request.headers {
                    get = get.header(*name, value);
                }
                get.call()
            }
            Some((content_type, body)) => {
                let mut post = self.agent.post(&url).header("authorization", &authorization);
                for (name, value) in &request.headers {
                    post = post.header(*name, value);
                }
                post.header("content-type", content_type).send(&body[..])
            }
        };
        let mut answer = sent.map_err(|error| lost(format!("{}: {error}", server.url)))?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (tag, date) = (header("etag"), header("date").as_deref().and_then(date));
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec();
        let body = body.map_err(|error| lost(format!("{}: the answer broke off: {error}", server.url)))?;
        Ok(Reply { status, tag, date, body, asked, heard: clocks.read() })
    }

    /// Asks for JSON.
    ///
    /// # Errors
    /// As [`Line::ask`]; [`Trouble::Server`] for an answer that is no success.
    pub fn get(&self, clocks: &Clocks, path: &str) -> Result<Value, Trouble> {
        self.ask(clocks, Request { path, ..Request::default() })?.json()
    }

    /// Deletes something.
    ///
    /// # Errors
    /// As [`Line::get`].
    pub fn delete(&self, path: &str) -> Result<(), Trouble> {
        let Some(server) = self.server.as_ref().filter(|_| self.is_on) else {
            return Err(Trouble::NoAnswer("the line is switched off".to_owned()));
        };
        let url = format!("{}{path}", server.url);
        let sent = self.agent.delete(&url).header("authorization", &format!("Bearer {}", server.token)).call();
        sent.map(|_| ()).map_err(|error| Trouble::NoAnswer(error.to_string()))
    }

    /// Posts JSON.
    ///
    /// # Errors
    /// As [`Line::get`].
    pub fn post(
        &self,
        clocks: &Clocks,
        path: &str,
        headers: Vec<(&'static str, String)>,
        body: &Value,
    ) -> Result<Value, Trouble> {
        let body = Some(("application/json", body.to_string().into_bytes()));
        self.ask(clocks, Request { path, headers, body })?.json()
    }
}

impl Reply {
    /// Whether it is a success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The problem that it is.
    pub fn problem(&self) -> Trouble {
        Trouble::Server(Problem {
            status: self.status,
            body: serde_json::from_slice(&self.body).unwrap_or(Value::Null),
        })
    }

    /// Its JSON, if it is a success.
    ///
    /// # Errors
    /// [`Trouble::Server`]; [`Trouble::NoAnswer`] for what is no JSON.
    pub fn json(&self) -> Result<Value, Trouble> {
        if !self.is_success() {
            return Err(self.problem());
        }
        serde_json::from_slice(&self.body).map_err(|error| Trouble::NoAnswer(format!("the answer is no JSON: {error}")))
    }

    /// Its text, if it is a success.
    ///
    /// # Errors
    /// As [`Reply::json`].
    pub fn text(&self) -> Result<&str, Trouble> {
        if !self.is_success() {
            return Err(self.problem());
        }
        std::str::from_utf8(&self.body).map_err(|error| Trouble::NoAnswer(format!("the answer is no text: {error}")))
    }
}

/// `Mon, 23 Nov 2026 11:49:24 GMT`: the middle of that second.
fn date(text: &str) -> Option<Instant> {
    let time = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    Instant::from_unix_ms(time.timestamp_millis().checked_add(500)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_date_is_read_to_the_middle_of_its_second() {
        assert_eq!(date("Mon, 23 Nov 2026 04:02:06 GMT"), Some(Instant { unix_ms: 1_795_406_526_500 }));
        assert_eq!(date("tomorrow"), None);
    }

    #[test]
    fn nothing_is_sent_over_a_line_that_is_switched_off() {
        let mut line = Line::new(Some(("http://192.0.2.1".into(), "rsk_".into())), false);
        let clocks = Clocks::of_this_machine();
        let asked = line.get(&clocks, "/healthz");
        assert!(matches!(&asked, Err(Trouble::NoAnswer(why)) if why.contains("switched off")), "{asked:?}");
        line.switch(true);
        assert!(line.is_on());
        let mut nowhere = Line::new(None, true);
        nowhere.switch(true);
        assert!(!nowhere.is_on());
    }
}
