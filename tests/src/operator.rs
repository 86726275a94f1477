//! Operators at the tills: their numbers and PINs, and the proofs they give for one operation.

use crate::client::Client;
use crate::shop::{Shop, text};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Somebody who stands at a till.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    /// The number that is typed.
    pub number: &'static str,
    /// The PIN.
    pub pin: &'static str,
    /// As what they stand there.
    pub role: &'static str,
    /// The name of the person, within the shop.
    pub person: &'static str,
}

/// The first PIN of every operator, given by whoever registers them.
const FIRST_PIN: &str = "730519";

/// Who sells.
pub const CASHIER: Operator = Operator { number: "01", pin: "280617", role: "cashier", person: "cashier" };
/// Who may void.
pub const SUPERVISOR: Operator = Operator { number: "07", pin: "839274", role: "supervisor", person: "supervisor" };
/// Who may do all of it.
pub const MANAGER: Operator = Operator { number: "09", pin: "514902", role: "manager", person: "manager" };

/// The sessions that have begun, by the key and the number they began under.
///
/// They are behind a lock, held while somebody shows who they are: attempts are counted before they are checked, so that
/// many at once under one number would lock it although each is right.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<BTreeMap<(String, &'static str), Session>>>);

/// An operator at work.
#[derive(Debug, Clone)]
pub struct Session {
    /// Names it.
    pub id: String,
    /// Proves it, under the key it began under.
    pub token: String,
}

impl Shop {
    /// Registers the operators of a shop.
    pub(crate) async fn hire_operators(&self) -> Result<()> {
        for operator in [CASHIER, SUPERVISOR, MANAGER] {
            self.register_operator(&operator).await?;
        }
        Ok(())
    }

    /// Registers an operator for the person of that name.
    ///
    /// # Errors
    /// It was not answered as expected.
    pub async fn register_operator(&self, operator: &Operator) -> Result<Value> {
        let body = json!({
            "number": operator.number,
            "person": self.person(operator.person),
            "role": operator.role,
            "pin": FIRST_PIN,
        });
        let made = self.admin.post(&format!("/v1/operators?merchant={}", self.merchant), &body).await?.is(201)?;
        self.choose_pin(operator.number, FIRST_PIN, operator.pin).await?;
        Ok(made)
    }

    /// An operator chooses another PIN, at the terminal.
    ///
    /// # Errors
    /// It was not answered as expected.
    pub async fn choose_pin(&self, number: &str, pin: &str, new: &str) -> Result<()> {
        let path = format!("/v1/operators/{number}/pin");
        let chosen = self.terminal.post(&path, &json!({"pin": pin, "new_pin": new})).await?;
        ensure!(chosen.status == 204, "{chosen}");
        Ok(())
    }

    /// The operation of voiding a sale, as a proof is bound to it.
    ///
    /// # Errors
    /// There is no such sale.
    pub async fn void_operation(&self, sale: &str, reason: &str) -> Result<Value> {
        let amount = self.look_at(sale).await?["amount"].clone();
        ensure!(amount.is_object(), "{sale} has no amount");
        Ok(json!({"way": "void", "sale": sale, "amount": amount, "reason": reason}))
    }

    /// An operator's proof for one operation, given under a key.
    ///
    /// # Errors
    /// The operator is refused.
    pub async fn proof(&self, at: &Client, who: &Operator, operation: &Value) -> Result<String> {
        let mut sessions = self.sessions.0.lock().await;
        let name = (at.key().to_owned(), who.number);
        let session = match sessions.get(&name) {
            Some(session) => session.clone(),
            None => {
                let begun = begin(at, who).await?;
                sessions.insert(name, begun.clone());
                begun
            }
        };
        let path = format!("/v1/operator-sessions/{}/proofs", session.id);
        let body = json!({"token": session.token, "pin": who.pin, "operation": operation});
        text(&at.post(&path, &body).await?.is(201)?, "proof")
    }

    /// Somebody with a proof for voiding this sale, for the reason that [`Shop::void`] gives.
    ///
    /// # Errors
    /// The operator is refused, or there is no such sale.
    pub async fn proving_void(&self, at: &Client, who: &Operator, sale: &str) -> Result<Client> {
        let operation = self.void_operation(sale, &text(&self.void(), "reason")?).await?;
        Ok(at.showing(&self.proof(at, who, &operation).await?))
    }

    /// The supervisor, with a proof for voiding this sale.
    ///
    /// # Errors
    /// As [`Shop::proving_void`].
    pub async fn voiding(&self, sale: &str) -> Result<Client> {
        let proving = self.proving_void(&self.supervisor, &SUPERVISOR, sale).await;
        proving.with_context(|| format!("the supervisor has no proof for voiding {sale}"))
    }

    /// The supervisor asks for the void of a sale, with a proof.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn void_sale(&self, sale: &str) -> Result<crate::Reply> {
        self.voiding(sale).await?.tell(&format!("/v1/transactions/{sale}/voids"), &self.void()).await
    }
}

/// An operator begins to work under a key.
///
/// # Errors
/// The operator is refused.
pub async fn begin(at: &Client, who: &Operator) -> Result<Session> {
    let body = json!({"number": who.number, "pin": who.pin});
    let begun = at.post("/v1/operator-sessions", &body).await?.is(201)?;
    Ok(Session { id: text(&begun, "id")?, token: text(&begun, "token")? })
}
