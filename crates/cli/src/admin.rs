//! `rescind admin`: the admin routes from the command line.

use crate::stdio::say;
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// Set up merchants, terminals, persons and keys over the API.
#[derive(Debug, Args)]
pub struct Admin {
    /// Where the application is.
    #[arg(long, env = "RESCIND_URL", default_value = "http://127.0.0.1:3000")]
    url: String,
    /// An admin key.
    #[arg(long, env = "RESCIND_ADMIN_KEY", hide_env_values = true)]
    key: String,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Create a merchant.
    CreateMerchant {
        /// Its id.
        id: String,
        /// Its name, as printed on slips.
        #[arg(long)]
        name: String,
        /// The policy that decides for it.
        #[arg(long)]
        policy: String,
        /// The offset of its clock from UTC, in minutes.
        #[arg(long, default_value_t = 480)]
        utc_offset_minutes: i32,
    },
    /// List merchants.
    Merchants,
    /// Create a terminal.
    CreateTerminal {
        /// Its merchant.
        #[arg(long)]
        merchant: String,
        /// Its id.
        id: String,
        /// Where it stands.
        #[arg(long)]
        label: String,
    },
    /// List a merchant's terminals.
    Terminals {
        /// The merchant.
        #[arg(long)]
        merchant: String,
    },
    /// Create a person with roles at a merchant.
    CreatePerson {
        /// The person's id.
        id: String,
        /// The person's name.
        #[arg(long)]
        name: String,
        /// At which merchant.
        #[arg(long)]
        merchant: String,
        /// Which roles.
        #[arg(long, required = true)]
        role: Vec<String>,
    },
    /// List persons.
    Persons,
    /// Make a key; its token is printed once. One of --admin, --person, --terminal with --merchant, or --merchant alone
    /// for a back office.
    CreateKey {
        /// What it is for.
        #[arg(long)]
        label: String,
        /// An admin's.
        #[arg(long, conflicts_with_all = ["person", "terminal", "merchant"])]
        admin: bool,
        /// A person's.
        #[arg(long, conflicts_with_all = ["terminal", "merchant"])]
        person: Option<String>,
        /// A terminal's.
        #[arg(long, requires = "merchant")]
        terminal: Option<String>,
        /// A merchant's back office, or the terminal's merchant.
        #[arg(long)]
        merchant: Option<String>,
    },
    /// List keys, without their secrets.
    Keys,
    /// Void a key.
    RevokeKey {
        /// The key's id.
        id: String,
    },
}

impl Admin {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let answer = match &self.what {
            What::CreateMerchant { id, name, policy, utc_offset_minutes } => self.post(
                "/v1/merchants",
                &json!({"id": id, "name": name, "policy": policy, "utc_offset_minutes": utc_offset_minutes}),
            )?,
            What::Merchants => self.get("/v1/merchants")?,
            What::CreateTerminal { merchant, id, label } => {
                self.post("/v1/terminals", &json!({"merchant": merchant, "id": id, "label": label}))?
            }
            What::Terminals { merchant } => self.get(&format!("/v1/terminals?merchant={merchant}"))?,
            What::CreatePerson { id, name, merchant, role } => self.post(
                "/v1/persons",
                &json!({"id": id, "name": name, "grants": [{"merchant": merchant, "roles": role}]}),
            )?,
            What::Persons => self.get("/v1/persons")?,
            What::CreateKey { label, admin, person, terminal, merchant } => {
                let bearer = match (admin, person, terminal, merchant) {
                    (true, ..) => json!({"kind": "admin"}),
                    (_, Some(person), ..) => json!({"kind": "person", "person": person}),
                    (_, _, Some(terminal), merchant) => {
                        json!({"kind": "terminal", "merchant": merchant, "terminal": terminal})
                    }
                    (_, _, _, Some(merchant)) => json!({"kind": "system", "merchant": merchant}),
                    _ => bail!("say whose key it is: --admin, --person, --terminal with --merchant, or --merchant"),
                };
                self.post("/v1/keys", &json!({"label": label, "bearer": bearer}))?
            }
            What::Keys => self.get("/v1/keys")?,
            What::RevokeKey { id } => self.call("DELETE", &format!("/v1/keys/{id}"), None)?,
        };
        say(format_args!("{}", serde_json::to_string_pretty(&answer)?))?;
        Ok(())
    }

    fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call("GET", path, None)
    }

    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call("POST", path, Some(body))
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let key = format!("Bearer {}", self.key);
        let sent = match (method, body) {
            ("POST", Some(body)) => agent.post(&url).header("authorization", &key).send_json(body),
            ("DELETE", _) => agent.delete(&url).header("authorization", &key).call(),
            _ => agent.get(&url).header("authorization", &key).call(),
        };
        let mut answer = sent.with_context(|| format!("no answer from {}", self.url))?;
        let status = answer.status();
        let text = answer.body_mut().read_to_string().context("the answer broke off")?;
        let value: Value = if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? };
        if !status.is_success() {
            let detail = value.get("detail").or_else(|| value.get("title")).and_then(Value::as_str).unwrap_or(&text);
            let field = value.get("field").and_then(Value::as_str).unwrap_or_default();
            bail!("{status}: {field} {detail}");
        }
        Ok(value)
    }
}
