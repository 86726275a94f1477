//! The HTTP API: JSON in, JSON out, problem details for everything that is not an answer.
//!
//! Parse at the edge into types that cannot be wrong, call one function of [`App`](crate::App), write what it gave. No
//! rule of the domain lives here. What a request goes through:
//!
//! | file | idea |
//! |---|---|
//! | `router` | which path is answered by whom |
//! | `caller` | whose key it is, which merchant it is about, the query's parameters |
//! | `body` | a JSON body as a type, or the path of what is wrong with it |
//! | `instruction` | a request that changes money: once per `Idempotency-Key` |
//! | `problem`, `code` | what is not an answer; begins with how this API thinks about errors |
//! | `answer` | what is |
//! | `money`, `time`, `word`, `text`, `number`, `id` | the scalars of the wire |
//! | `sale`, `payment_code`, `hold`, `trouble`, `void`, `operation`, `refund`, `review`, `event`, `endpoint`, `directory`, `policy`, `health` | routes by noun |
//! | `sync` | the route of terminals that come back from being offline |
//! | `operator`, `session`, `proof`, `confirmation` | routes on who stands at the till, and who at the counter |
//! | `case`, `order`, `inquiry`, `liability`, `funding`, `export` | routes on who else is in it, and what is left to do |
//! | `checkpoint` | what was signed of a day, and files that prove a payment by it |
//! | `identity` | how the customer was identified, in a body |
//! | `personal`, `evidence` | what is kept outside the ledger: contacts, erasures, content |
//! | `bundle` | what terminals decide with: published, and fetched |
//! | `decision`, `decision_record` | decisions as JSON; those that were recorded |
//! | `openapi` | the document that describes all of it |

mod answer;
mod body;
mod bundle;
mod caller;
mod case;
mod checkpoint;
mod code;
mod confirmation;
mod decision;
mod decision_record;
mod directory;
mod endpoint;
pub(crate) mod event;
mod evidence;
mod export;
mod funding;
mod health;
mod hold;
mod id;
mod identity;
mod inquiry;
mod instruction;
mod liability;
mod limits;
mod money;
mod number;
#[cfg(feature = "openapi")]
pub mod openapi;
mod operation;
mod operator;
mod order;
mod payment_code;
mod personal;
mod policy;
mod problem;
mod proof;
mod refund;
mod review;
mod router;
pub(crate) mod sale;
mod session;
mod sync;
mod text;
mod tick;
mod time;
mod trouble;
mod void;
mod word;

#[cfg(test)]
mod tests;

pub use caller::{Caller, Scope};
pub use problem::Problem;
pub use router::{protect, router, routes};
pub use tick::courier_router;

/// What handlers share.
pub(crate) type Shared<P> = std::sync::Arc<crate::App<P>>;
