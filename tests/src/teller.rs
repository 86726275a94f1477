//! Tells a story on the terminal: numbered steps, requests, and the essential part of answers. Or keeps silent: the demo
//! and the tests end to end play the same chapters.

use crate::client::{Client, Reply, fresh_key};
use crate::program::Ended;
use anyhow::Result;
use http::Method;
use serde_json::Value;

/// Columns a line may take before it is cut: the story is to be read, not searched.
const COLUMNS: usize = 118;

/// The story so far.
#[derive(Debug)]
pub struct Teller {
    loud: bool,
    steps: u32,
    title: String,
}

impl Teller {
    /// Tells everything on standard output.
    #[must_use]
    pub fn aloud() -> Self {
        Self { loud: true, steps: 0, title: String::new() }
    }

    /// Counts the steps and says nothing.
    #[must_use]
    pub fn quiet() -> Self {
        Self { loud: false, ..Self::aloud() }
    }

    fn say(&self, line: &str) {
        if self.loud {
            println!("{line}");
        }
    }

    /// A part of the story begins.
    pub fn chapter(&self, title: &str) {
        self.say(&format!("\n── {title} {}", "─".repeat(COLUMNS.saturating_sub(title.chars().count() + 4))));
    }

    /// The next step.
    pub fn step(&mut self, title: &str) {
        self.steps += 1;
        title.clone_into(&mut self.title);
        self.say(&format!("\n{:>3}  {title}", self.steps));
    }

    /// How many steps there were.
    #[must_use]
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// The step that is told now, by number and title.
    #[must_use]
    pub fn now(&self) -> String {
        format!("step {} ({})", self.steps, self.title)
    }

    /// Something that is neither request nor answer.
    pub fn note(&self, text: &str) {
        for line in text.lines() {
            self.say(&format!("      {line}"));
        }
    }

    /// A request without a body, and what of its answer is essential.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn get(&self, who: &str, client: &Client, path: &str, essence: &[&str]) -> Result<Reply> {
        self.say(&format!("    → GET {path}   [{who}]"));
        let reply = client.get(path).await?;
        self.answer(&reply, essence);
        Ok(reply)
    }

    /// A request that changes nothing, or is harmless when repeated.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn post(&self, who: &str, client: &Client, path: &str, body: &Value, essence: &[&str]) -> Result<Reply> {
        self.say(&format!("    → POST {path}   [{who}]"));
        self.say(&format!("      {}", cut(&essential(body).to_string())));
        let reply = client.post(path, body).await?;
        self.answer(&reply, essence);
        Ok(reply)
    }

    /// A document that is put in its place. Its text is not told.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn put(&self, who: &str, client: &Client, path: &str, text: String, essence: &[&str]) -> Result<Reply> {
        self.say(&format!("    → PUT {path}   [{who}]"));
        let reply = client.call(Method::PUT, path, None, text).await?;
        self.answer(&reply, essence);
        Ok(reply)
    }

    /// A command, and what it wrote.
    pub fn command(&self, ended: &Ended) {
        self.say(&format!("    $ {}", cut(&ended.command)));
        for line in ended.said.lines().chain(ended.complained.lines()) {
            self.say(&format!("      {}", cut(line)));
        }
    }

    /// A request that changes money, under a new idempotency key. Gives the key too.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn tell(
        &self,
        who: &str,
        client: &Client,
        path: &str,
        body: &Value,
        essence: &[&str],
    ) -> Result<(Reply, String)> {
        let key = fresh_key();
        Ok((self.tell_under(&key, who, client, path, body, essence).await?, key))
    }

    /// The same under a key.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn tell_under(
        &self,
        key: &str,
        who: &str,
        client: &Client,
        path: &str,
        body: &Value,
        essence: &[&str],
    ) -> Result<Reply> {
        let proof = if client.shows_proof() { "   Operator-Proof: …" } else { "" };
        self.say(&format!("    → POST {path}   [{who}]   Idempotency-Key: {key}{proof}"));
        if body.as_object().is_none_or(|fields| !fields.is_empty()) {
            self.say(&format!("      {}", cut(&essential(body).to_string())));
        }
        let reply = client.call(Method::POST, path, Some(key), body.to_string()).await?;
        self.answer(&reply, essence);
        Ok(reply)
    }

    /// The status of an answer, and the parts that JSON pointers name.
    pub fn answer(&self, reply: &Reply, essence: &[&str]) {
        let body = reply.json().unwrap_or_default();
        let replayed =
            if reply.header("idempotency-replayed") == "true" { "   Idempotency-Replayed: true" } else { "" };
        self.say(&format!("    ← {}{replayed}", reply.status));
        self.parts(&body, essence);
    }

    /// The parts of a value that JSON pointers name. What is not there is not shown.
    pub fn parts(&self, body: &Value, essence: &[&str]) {
        for pointer in essence {
            if let Some(value) = body.pointer(pointer) {
                let name = pointer.trim_start_matches('/').replace('/', ".");
                self.say(&format!("      {name}: {}", cut(&plain(value))));
            }
        }
    }
}

/// A value as people read it: amounts as `60.00 CNY`, what findings observed without its type, texts without quotes.
#[must_use]
pub fn plain(value: &Value) -> String {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join("; "),
        Value::Object(fields) => {
            if let (Some(amount), Some(currency), 2) = (text("amount"), text("currency"), fields.len()) {
                return format!("{amount} {currency}");
            }
            if let (Some("lasting"), Some(ms)) = (text("type"), value.get("ms").and_then(Value::as_u64)) {
                return format!("{} s", ms / 1_000);
            }
            let others = fields.iter().filter(|(name, _)| !matches!(name.as_str(), "type" | "token"));
            let others: Vec<(&String, String)> = others.map(|(name, value)| (name, plain(value))).collect();
            match (text("type"), text("token"), others.as_slice()) {
                (Some(_), None, [(_, one)]) => one.clone(),
                (Some(word), None, []) | (None, Some(word), []) => word.to_owned(),
                (None, Some(word), [(_, one), ..]) => format!("{word} {one}"),
                (_, _, all) => all.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", "),
            }
        }
        other => other.to_string(),
    }
}

/// A request's body without what the story is not about, amounts in one word; secrets are not told.
#[must_use]
pub fn essential(body: &Value) -> Value {
    match body {
        Value::Object(fields) if fields.contains_key("currency") => Value::String(plain(body)),
        Value::Object(fields) => {
            let aside = ["card_type", "fee_charged", "slip", "token", "pin", "signature"];
            let kept = fields.iter().filter(|(name, _)| !aside.contains(&name.as_str()));
            kept.map(|(name, value)| (name.clone(), essential(value))).collect()
        }
        other => other.clone(),
    }
}

fn cut(line: &str) -> String {
    if line.chars().count() <= COLUMNS {
        return line.to_owned();
    }
    let head: String = line.chars().take(COLUMNS).collect();
    format!("{head}…")
}
