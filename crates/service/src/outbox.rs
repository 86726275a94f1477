//! The outbox: messages to customers that are not events. They hold what must not be kept, a code and an address, so they
//! never are in the feed, and are removed when they are delivered or their time is over.
//!
//! A letter is written down before the request that wants it is answered, and struck out only after every endpoint that
//! takes such messages has taken it: a courier that dies in between sends it again under the same `webhook-id`.

use crate::app::App;
use crate::courier::{TickReport, side_by_side};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::limits::{DELIVERY_BACKOFF, LANES, OUTBOX_MESSAGES, OUTBOX_MESSAGES_OF_ONE, PARALLEL};
use crate::ports::{Outbound, Ports};
use crate::store::key::Key;
use crate::store::marks::Marks;
use crate::store::{Record, lane};
use rescind_model::token::Token as _;
use rescind_model::{ConfirmationRequest, Digest, Duration, Instant, MerchantId, Money, SaleId, Way};
use serde::{Deserialize, Serialize};

/// The type of the webhook that carries a confirmation's code.
pub const CUSTOMER_CONFIRMATION: &str = "customer.confirmation";

/// A confirmation's code on its way to a customer. No `Debug`: it must not end up in a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Letter {
    /// The confirmation.
    pub(crate) id: String,
    pub(crate) merchant: MerchantId,
    pub(crate) sale: SaleId,
    pub(crate) way: Way,
    pub(crate) amount: Money,
    pub(crate) code: String,
    pub(crate) contact: Option<String>,
    pub(crate) created_at: Instant,
    pub(crate) expires_at: Instant,
    /// Endpoints that took it.
    pub(crate) delivered: Vec<String>,
    pub(crate) failures: u32,
    pub(crate) not_before: Option<Instant>,
}

/// One lane of it.
#[derive(Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outbox {
    letters: Vec<Letter>,
    marks: Marks,
}

impl Record for Outbox {
    const FORMAT: &'static str = "outbox/1";
    fn holds(&self, id: &str) -> bool {
        self.marks.has(id)
    }
}

impl<P: Ports> App<P> {
    /// Writes a letter down, or the newer one of that name; `false` if there is no room.
    pub(crate) async fn post_letter(&self, letter: Letter) -> Result<bool, Error> {
        let lane = lane::of(&letter.merchant, &letter.sale);
        self.change_outbox(lane, |letters| {
            letters.retain(|l| l.id != letter.id || l.merchant != letter.merchant);
            // One merchant's letters do not take the room of another's that shares its lane.
            let own = letters.iter().filter(|l| l.merchant == letter.merchant).count();
            let room = letters.len() < OUTBOX_MESSAGES && own < OUTBOX_MESSAGES_OF_ONE;
            if room {
                letters.push(letter.clone());
            }
            room
        })
        .await
    }

    async fn change_outbox<R: Send>(
        &self,
        lane: u8,
        mut change: impl FnMut(&mut Vec<Letter>) -> R + Send,
    ) -> Result<R, Error> {
        let mark = self.random_hex(16);
        let records = self.records().await?;
        records
            .update::<Outbox, _, _>(&Key::outbox(lane), &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                let result = change(&mut next.letters);
                next.marks.add(&mark);
                Ok((Some(next), result))
            })
            .await
    }
}

/// What became of a letter in one round.
struct Posted {
    letter: Letter,
    took: Vec<String>,
    refused: u32,
    /// Nobody is left who has to be told.
    done: bool,
}

impl<P: Outbound> App<P> {
    /// Delivers the letters of all lanes.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn deliver_letters(&self, begun: Instant, report: &mut TickReport) -> Result<(), Error> {
        // Begun anywhere: should the time not suffice for all, it is not the same ones that wait each time.
        let start = u8::try_from(self.unique().checked_rem(u64::from(LANES)).unwrap_or(0)).unwrap_or(0);
        for step in 0..LANES {
            let number = start.wrapping_add(step).checked_rem(LANES).unwrap_or(0);
            let there = self.records().await?.read::<Outbox>(&Key::outbox(number)).await?;
            let letters = there.map(|o| o.letters).unwrap_or_default();
            for part in letters.chunks(PARALLEL) {
                if self.out_of_time(begun) {
                    return Ok(());
                }
                let posted = side_by_side(part.iter().map(|letter| self.post_out(letter)).collect()).await;
                let mut round = Vec::new();
                for result in posted {
                    match result {
                        Ok(Some(posted)) => round.push(posted),
                        Ok(None) => {}
                        // One letter that cannot be sent must not hold up the others.
                        Err(error) => self.ports.log(&format!("a message to a customer waits: {error}: {error:?}")),
                    }
                }
                for posted in &round {
                    report.delivered =
                        report.delivered.saturating_add(u32::try_from(posted.took.len()).unwrap_or(u32::MAX));
                    report.undelivered = report.undelivered.saturating_add(posted.refused);
                }
                self.note_round(number, &round).await?;
            }
        }
        Ok(())
    }

    async fn note_round(&self, number: u8, round: &[Posted]) -> Result<(), Error> {
        if round.is_empty() {
            return Ok(());
        }
        let now = self.ports.now();
        self.change_outbox(number, |letters| {
            for posted in round {
                // A newer one of that name has another code, and is still to be sent.
                let same = |l: &Letter| {
                    l.id == posted.letter.id && l.merchant == posted.letter.merchant && l.code == posted.letter.code
                };
                if posted.done {
                    letters.retain(|l| !same(l));
                    continue;
                }
                for letter in letters.iter_mut().filter(|l| same(l)) {
                    letter.delivered.extend(posted.took.iter().cloned());
                    let step = usize::try_from(letter.failures).unwrap_or(usize::MAX);
                    let wait = DELIVERY_BACKOFF.get(step).or(DELIVERY_BACKOFF.last()).copied().unwrap_or(60);
                    letter.failures = letter.failures.saturating_add(1);
                    letter.not_before = now.plus(Duration::seconds(wait)).ok();
                }
            }
        })
        .await
    }

    /// Sends one letter to whoever has not taken it; `None` if it waits.
    async fn post_out(&self, letter: &Letter) -> Result<Option<Posted>, Error> {
        let now = self.ports.now();
        let mut posted = Posted { letter: letter.clone(), took: Vec::new(), refused: 0, done: true };
        if letter.expires_at <= now {
            self.ports.log(&format!("confirmation {} of {} was not delivered in time", letter.id, letter.merchant));
            return Ok(Some(posted));
        }
        if letter.not_before.is_some_and(|t| t > now) {
            return Ok(None);
        }
        for endpoint in self.endpoints_of(&letter.merchant).await?.iter().filter(|e| e.customer_messages) {
            if letter.delivered.contains(&endpoint.id) {
                continue;
            }
            if self.hand_over(letter, endpoint).await? {
                posted.took.push(endpoint.id.clone());
            } else {
                posted.refused = posted.refused.saturating_add(1);
                posted.done = false;
            }
        }
        // Should all endpoints have gone meanwhile, one may come back before it expires.
        posted.done = posted.done && !(posted.took.is_empty() && letter.delivered.is_empty());
        Ok(Some(posted))
    }

    async fn hand_over(&self, letter: &Letter, endpoint: &Endpoint) -> Result<bool, Error> {
        let merchant = self.merchant(&letter.merchant).await?;
        let request = ConfirmationRequest {
            merchant_name: merchant.name,
            way: letter.way,
            amount: letter.amount.clone(),
            code: letter.code.clone(),
            expires_at: letter.expires_at,
            utc_offset_minutes: merchant.utc_offset_minutes,
        };
        let message = self
            .ports
            .confirmation(&request, endpoint.locale)
            .map_err(|e| Error::Internal(format!("a confirmation cannot be written: {e:?}")))?;
        let body = serde_json::json!({
            "type": CUSTOMER_CONFIRMATION,
            "timestamp": letter.created_at.to_string(),
            "data": {
                "confirmation": letter.id,
                "merchant": letter.merchant.as_str(),
                "sale": letter.sale.as_str(),
                "way": letter.way.token(),
                "contact": letter.contact,
                "expires_at": letter.expires_at.to_string(),
                "message": { "title": message.title, "body": message.body },
            },
        });
        // Another code is another message.
        let name = format!("{}:{}:{}:{}", endpoint.id, letter.merchant, letter.id, letter.created_at.unix_ms);
        let id = format!("msg_{}", crate::idempotency::short(&Digest::of(name.as_bytes())));
        self.send_sealed(endpoint, &id, body.to_string().into_bytes()).await
    }
}
