//! A simulated acquirer, and the reference of the provider protocol.
//!
//! `rescind acquirer` runs it beside `rescind serve`; tests start it in their own process:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use rescind_acquirer::{Acquirer, Options};
//!
//! let acquirer = Acquirer::bind("127.0.0.1:0", Options::default()).await?;
//! println!("{}", acquirer.url()); // http://127.0.0.1:40123
//! assert!(acquirer.effects().references.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # The protocol
//!
//! What the courier speaks to whoever moves the money. An adapter to a real provider translates it; this crate plays the
//! provider itself. All bodies are JSON, at most 64 KiB.
//!
//! ## `POST /operations`
//!
//! Carries one operation out.
//!
//! ```json
//! {
//!   "reference": "RV-7c1",
//!   "kind": "void",
//!   "original": null,
//!   "merchant": "m-1",
//!   "sale": "S-1",
//!   "retrieval_reference": "123456789012",
//!   "slip": { "terminal": "T1", "batch": "000001", "voucher": "000042", "trace": "000137" },
//!   "amount": { "amount": "60.00", "currency": "CNY" },
//!   "attempt": 1
//! }
//! ```
//!
//! - `kind`: see the table.
//! - `merchant`, `sale`: the payment. `retrieval_reference`, `slip`, `order` (what the network calls the order behind a
//!   payment code) and `authorisation_code` (of a hold) are what the network knows it by, as far as Rescind knows them:
//!   an adapter takes what its provider asks for. They belong to the content.
//! - `reference`: 1 to 128 visible ASCII characters without `/ ? # %`.
//! - `attempt`: absent means 1. See *Idempotency*.
//! - Unknown fields are refused: a field that the provider ignores is a misunderstanding about money.
//!
//! | `kind` | what it does | refused for good if |
//! |---|---|---|
//! | `void` | 撤销: cancels a sale | |
//! | `refund` | 退货: returns money of a sale | |
//! | `reversal` | 冲正 of a void: `original` is the void's reference | |
//! | `reversal` with `"undoes": "sale"` | 冲正 of the payment itself, whatever became of it | part of a hold was captured (`captured`) |
//! | `order-close` | 关单: ends an order that nobody has paid | it was paid (`paid`): it stays so |
//! | `hold-completion` | 预授权完成: captures the amount, releases the rest | there is no hold (`25`), the amount is above its ceiling (`61`), it was `captured` or `released` |
//! | `hold-release` | 预授权撤销: releases the hold | there is no hold (`25`), it was `captured` |
//! | `completion-void` | 预授权完成撤销: what was captured is held again | nothing is captured (`held`, `released`, `25`), the amount is another (`13`) |
//!
//! The answer is `200`:
//!
//! ```json
//! {
//!   "reference": "RV-7c1", "status": "done", "code": "00", "provider_reference": "A00000000001",
//!   "at": "2026-11-23T06:10:05.120Z", "attempt": 1, "duplicate": false
//! }
//! ```
//!
//! | `status` | `code` | what it means |
//! |---|---|---|
//! | `done` | `00` | it took place |
//! | `processing` | `09` | accepted; ask again |
//! | `failed` | `94` | **duplicate transmission: it took place when it was sent before. Read it as done**, or ask with `GET` |
//! | `failed` | `reversed` | a reversal undid it, or came before it: it has no effect and never will |
//! | `failed` | `paid` | of an order close: the order was paid. The payment is good |
//! | `failed` | another | definitively refused, with an ISO 8583 response code such as `51` |
//!
//! Anything else says nothing about the outcome: no answer, a closed connection, `500`, `503`. The caller must ask, or
//! send the same again.
//!
//! | HTTP | `code` | nothing was done, because |
//! |---|---|---|
//! | 400 | `malformed` | the body is no JSON |
//! | 413 | `too-large` | it is longer than 64 KiB |
//! | 422 | `invalid` | a field is missing, unknown or out of range |
//! | 422 | `other-content` | the reference stands for something else |
//! | 422 | `original-mismatch` | a reversal names an original that is no void, or one of another sale or amount |
//! | 409 | `undone` | a payment arrives that was reversed or closed before |
//! | 422 | `other-currency` | the sale has had effects in another currency |
//! | 503 | `full` | 100,000 references or payments are known |
//!
//! Such an answer is `{"status": "refused", "code": "…", "message": "…"}`.
//!
//! ## Idempotency
//!
//! A reference has at most one effect, ever. The same reference with the same content is answered with the state of the
//! operation it stands for and `"duplicate": true`; with other content it is refused. An operation that `failed` stays
//! failed, however often the same message arrives. To try it again *on purpose* under its old reference, the caller
//! raises `attempt`: that is a new try if the latest one failed (and was not reversed), and a repeat in any other state. So a late copy
//! of an old message can never move money.
//!
//! ## Reversals
//!
//! A reversal of a void that took place undoes it. If the void never arrived, its reference is blocked for ever: should
//! it arrive later, it has no effect. Either way the reversal is `done`.
//!
//! A reversal of a sale undoes it if it took place, and an order close ends the order if it was not paid. If the
//! payment never arrived, it is blocked for ever: should it arrive later, it is refused. Then too they are `done`: what
//! was wanted is so. Sent again under another reference they are `done` without a second effect. So a reversal can be
//! stored and forwarded: sent under one reference until it is answered.
//!
//! ## `POST /sales/query`
//!
//! Asks what became of a payment, before it is undone. It changes nothing.
//!
//! ```json
//! { "merchant": "m-1", "sale": "S-1", "order": "4200001", "retrieval_reference": null, "slip": null,
//!   "authorisation_code": null }
//! ```
//!
//! The answer is `200` with `{"status": "paid", "code": "paid", "provider_reference": "A00000000001", "at": "…"}`, or
//! `404` with `{"status": "not-found"}` for a payment that never arrived.
//!
//! | `status` | what it means |
//! |---|---|
//! | `paid` | it took place |
//! | `not-paid` | nobody paid it so far; it may still be paid until its order is closed |
//! | `declined` | the issuer or network refused it |
//! | `held` | the money is held and not captured |
//! | `undone` | it was reversed, closed or released (`code`), and cannot take place any more |
//! | `unknown` | nobody can tell yet; ask again |
//!
//! ## `GET /operations/{reference}/trace`
//!
//! Asks whether the money of a refund has reached the payer: `arrived`, `not-arrived` (it did not and is not on its way)
//! or `unknown`, in the form above; `404` with `{"status": "not-found"}` for a refund that was never seen.
//!
//! ## `GET /operations/{reference}`
//!
//! The operation's state as above (`200`), or `404` with `{"status": "not-found"}`. Any other `404` is some proxy's.
//!
//! # The simulation
//!
//! Everything below is for tests and demonstrations. It is deliberately naive: two references for one sale both take
//! effect, so that a mistake of the caller shows as a double payment in `/effects` and is not caught here.
//!
//! `POST /sales` lets a payment reach the acquirer past Rescind, as a terminal or a payer's telephone would send it:
//!
//! ```json
//! { "merchant": "m-1", "sale": "S-1", "means": "code", "state": "unpaid",
//!   "amount": { "amount": "60.00", "currency": "CNY" } }
//! ```
//!
//! `means` is `card` (`state` is `paid` or `declined`), `code` (also `unpaid`, and then paid or declined by a second
//! message) or `hold` (`held` or `declined`, with a `ceiling` for completions; absent, it is the amount). The answer is
//! `{"status": "taken", "state": "unpaid"}`; the same again changes nothing, another under the name is refused, and so
//! is one that was reversed or closed (`409`, `undone`). Voids and refunds need no such message, they work on any sale;
//! a hold has to be known before it can be completed or released.
//!
//! `POST /scripts` makes matching calls go wrong; `DELETE /scripts` ends that; `GET /scripts` shows what is left:
//!
//! ```json
//! { "match": { "kind": "refund", "sale": "S-1", "amount": "60.00", "reference": "RR-1" }, "times": 1,
//!   "behaviour": { "kind": "timeout", "took_place": true } }
//! ```
//!
//! All parts of `match` are optional; `times` is 1 if absent. The oldest script that matches is used.
//!
//! | `behaviour` | what happens |
//! |---|---|
//! | `{"kind":"delay","ms":500}` | the effect at once, the answer later |
//! | `{"kind":"decline","code":"51"}` | `failed` with the code. Only for a new try: what took place is never declined |
//! | `{"kind":"timeout","took_place":true,"hold_ms":5000}` | with or without the effect; the connection is held open for `hold_ms` (absent: 30 s), then closed without an answer |
//! | `{"kind":"late-success","after_ms":800}` | `processing`; it takes place after that time. Only for a new try |
//! | `{"kind":"duplicate"}` | the effect, and code `94` as the answer |
//! | `{"kind":"server-error"}` | `500` without effect |
//! | `{"kind":"says","status":"unknown"}` | only for questions: they are answered with this word, whatever is in the books |
//!
//! With `"question": "sale"` or `"question": "trace"` in `match` a script is for those questions and not for operations;
//! `sale` (and for a trace `reference`) narrow it down. A question can be delayed, timed out, refused by `server-error`
//! or told what to say: `"times": 3` with `unknown` makes the truth come out at the fourth.
//!
//! `GET /effects` says what really happened; `GET /effects/{reference}` for one reference; `GET /healthz` answers `200`:
//!
//! ```json
//! { "references": { "RV-7c1": { "kind": "void", "effects": 1, "calls": 2 } },
//!   "sales": { "m-1/S-1": { "currency": "CNY", "voided": "60.00", "refunded": "0.00", "reversed": "0.00", "count": 1 } } }
//! ```
//!
//! `voided` is what is voided now, `reversed` what was voided once and is not any more, `count` how many voids and refunds
//! took effect. `calls` counts every `POST`, also those that a script swallowed. `payments` are those the acquirer was told
//! of or that were blocked, each with its `state`, what is `captured` now, and how many operations changed it.

mod api;
mod books;
mod effects;
mod limits;
mod operation;
mod payment;
mod refusal;
mod script;
mod server;

pub use effects::{Effects, PaymentEffects, ReferenceEffects, SaleEffects};
pub use limits::{BODY_BYTES, CONNECTIONS, PAYMENTS, REFERENCES, SCRIPTS, WAIT_MS};
pub use operation::{AmountBody, Answer, Kind, Status};
pub use payment::{Arrival, Arriving, Means, PaymentState, QuestionAnswer, Word};
pub use refusal::Refusal;
pub use script::{AmountMatch, Behaviour, Match, Question, Script};
pub use server::{Acquirer, Clock, Options};
