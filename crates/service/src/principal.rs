//! Who is asking. Keys belong to somebody: a person, a terminal, a merchant's system, or the operator of Rescind.

use crate::error::Error;
use rescind_model::{ActingPerson, Actor, MerchantId, PersonId, Role, TerminalId};
use serde::{Deserialize, Serialize};

/// The roles that [`Principal::may`] knows. A policy may name others for those whose approval counts.
pub const ROLES: [&str; 8] =
    ["cashier", "supervisor", "manager", "reviewer", "finance", "support", "auditor", "compliance"];

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Bearer {
    /// The operator of Rescind: sets up merchants, persons, keys and policies. Moves no money.
    Admin,
    /// A person. What the person may do follows from the person's roles at the merchant in question.
    Person {
        /// Who.
        person: PersonId,
    },
    /// A terminal of a merchant. Names its operator in each request.
    Terminal {
        /// Whose.
        merchant: MerchantId,
        /// Which.
        terminal: TerminalId,
    },
    /// A merchant's back office or the acquirer's feed. Names the person it acts for where one is needed.
    System {
        /// Whose.
        merchant: MerchantId,
    },
}

/// Roles of a person at a merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// At which merchant.
    pub merchant: MerchantId,
    /// Which roles.
    pub roles: Vec<Role>,
}

/// Somebody whose key was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The key's id, for the log and for the record.
    pub key: String,
    /// What the key stands for.
    pub bearer: Bearer,
    /// The person's grants; empty for everybody else.
    pub grants: Vec<Grant>,
}

/// What somebody wants to do, for [`Principal::may`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Read sales, refunds and operations.
    Read,
    /// Register a sale.
    RegisterSale,
    /// Say what happened to a sale (outcome, settled, paid out), close a batch.
    ReportSale,
    /// Ask for a void or a refund.
    TakeBack,
    /// Say what became of an operation.
    ReportOutcome,
    /// Approve or decline.
    Review,
    /// Send an approved refund to clearing, or a failed one again.
    Clear,
    /// Manage webhook endpoints and review sources.
    Configure,
    /// Give persons operator numbers, register their devices.
    ManageOperators,
    /// See which operators are locked, give one a new PIN.
    ResetOperators,
    /// Show which operator one is: session, step-up, the own PIN and devices.
    ShowOperator,
    /// Have a cleared refund that has not arrived searched for.
    Trace,
    /// Say that the network gave a cleared refund back.
    ReportReturn,
    /// Record that somebody owes money, or how that ended.
    Owe,
    /// See a merchant's accounts and funds.
    Account,
    /// Pay in funds for refunds.
    PayIn,
    /// Take out everything about one payment as one file.
    Export,
    /// See a merchant's checkpoints.
    Audit,
    /// Give evidence.
    GiveEvidence,
    /// See the content of evidence.
    ReadEvidence,
    /// Erase what is personal.
    Erase,
    /// Hand in what a terminal did without the server.
    Sync,
}

impl Principal {
    /// The admin's right to set things up.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for everybody else.
    pub fn require_admin(&self) -> Result<(), Error> {
        if self.bearer == Bearer::Admin { Ok(()) } else { Err(Error::Forbidden("this needs an admin key".to_owned())) }
    }

    /// The merchant this request is about: the key's own, or the named one if it is among the person's. For an admin any
    /// named one. What does not exist and what is somebody else's look the same.
    ///
    /// # Errors
    /// [`Error::NotFound`] for somebody else's merchant, [`Error::Malformed`] if one must be named.
    pub fn merchant(&self, named: Option<&MerchantId>) -> Result<MerchantId, Error> {
        let must_name = || Error::Malformed {
            field: "merchant".to_owned(),
            message: "this key reaches more than one merchant: name one".to_owned(),
        };
        match &self.bearer {
            Bearer::Admin => named.cloned().ok_or_else(must_name),
            Bearer::Terminal { merchant, .. } | Bearer::System { merchant } => match named {
                Some(other) if other != merchant => Err(Error::NotFound("merchant")),
                _ => Ok(merchant.clone()),
            },
            Bearer::Person { .. } => match (named, self.grants.as_slice()) {
                (Some(named), grants) => {
                    let own = grants.iter().any(|g| g.merchant == *named);
                    if own { Ok(named.clone()) } else { Err(Error::NotFound("merchant")) }
                }
                (None, [only]) => Ok(only.merchant.clone()),
                (None, []) => Err(Error::Forbidden("this person has no role at any merchant".to_owned())),
                (None, _) => Err(must_name()),
            },
        }
    }

    /// The person's roles at a merchant.
    #[must_use]
    pub fn roles_at(&self, merchant: &MerchantId) -> Vec<Role> {
        self.grants.iter().filter(|g| g.merchant == *merchant).flat_map(|g| g.roles.iter().cloned()).collect()
    }

    /// Whether this is a person who holds one of these roles at the merchant.
    #[must_use]
    pub fn holds_any(&self, merchant: &MerchantId, roles: &[Role]) -> bool {
        self.roles_at(merchant).iter().any(|held| roles.contains(held))
    }

    /// The person, where one holds one of the roles that a policy names for what is rare.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for keys that are no person's, and for persons without such a role.
    pub fn person_with(&self, merchant: &MerchantId, roles: &[Role]) -> Result<ActingPerson, Error> {
        let Bearer::Person { person } = &self.bearer else {
            return Err(Error::Forbidden("this is decided by persons".to_owned()));
        };
        if roles.is_empty() {
            return Err(Error::Forbidden("the merchant's policy lets nobody do this".to_owned()));
        }
        if !self.holds_any(merchant, roles) {
            let names: Vec<&str> = roles.iter().map(Role::as_str).collect();
            return Err(Error::Forbidden(format!("this needs one of the roles {}", names.join(", "))));
        }
        Ok(ActingPerson { id: person.clone(), roles: self.roles_at(merchant) })
    }

    /// Fails unless this key may do the deed at the merchant.
    ///
    /// # Errors
    /// [`Error::Forbidden`] naming what is missing.
    pub fn may(&self, deed: Deed, merchant: &MerchantId) -> Result<(), Error> {
        let any_role = |wanted: &[&str]| {
            let roles = self.roles_at(merchant);
            let held = roles.iter().any(|r| wanted.contains(&r.as_str()));
            if held {
                Ok(())
            } else {
                Err(Error::Forbidden(format!("this needs one of the roles {}", wanted.join(", "))))
            }
        };
        let never = |what: &str| Err(Error::Forbidden(format!("this key's holder cannot {what}")));
        match (&self.bearer, deed) {
            (
                Bearer::Admin,
                Deed::Read
                | Deed::Configure
                | Deed::ManageOperators
                | Deed::ResetOperators
                | Deed::Account
                | Deed::PayIn
                | Deed::Export
                | Deed::Audit,
            )
            | (
                Bearer::Terminal { .. },
                Deed::Read
                | Deed::RegisterSale
                | Deed::ReportSale
                | Deed::TakeBack
                | Deed::ShowOperator
                | Deed::ReportOutcome
                | Deed::Trace
                | Deed::GiveEvidence
                | Deed::Sync,
            )
            | (
                Bearer::System { .. },
                Deed::Read
                | Deed::RegisterSale
                | Deed::ReportSale
                | Deed::TakeBack
                | Deed::ShowOperator
                | Deed::ReportOutcome
                | Deed::Clear
                | Deed::Configure
                | Deed::Trace
                | Deed::ReportReturn
                | Deed::Account
                | Deed::PayIn
                | Deed::Export
                | Deed::Audit
                | Deed::GiveEvidence
                | Deed::ReadEvidence,
            ) => Ok(()),
            (Bearer::Admin, Deed::Sync) => never("sync: a terminal hands in its own journal"),
            (Bearer::Admin, _) => never("move money: admin keys set things up and read"),
            (Bearer::Terminal { .. }, _) => never("do this: it takes a person or the back office"),
            // A PIN that is set is one that its operator has to change: a person answers for it.
            (Bearer::System { .. }, Deed::ManageOperators | Deed::ResetOperators) => never("set PINs: persons do"),
            (Bearer::Person { .. }, Deed::ManageOperators) => any_role(&["manager"]),
            (Bearer::Person { .. }, Deed::ResetOperators) => any_role(&["supervisor", "manager"]),
            (Bearer::System { .. }, Deed::Erase) => never("erase: a person decides on that and stands for it"),
            (Bearer::System { .. } | Bearer::Person { .. }, Deed::Sync) => {
                never("sync: a terminal hands in its own journal")
            }
            // Separation of duties is by person: a system cannot consent.
            (Bearer::System { .. }, Deed::Review) => never("consent: approvals are given by persons"),
            (Bearer::System { .. }, Deed::Owe) => never("say who owes what: that is a person's word"),
            (Bearer::Person { .. }, Deed::Read) => any_role(&ROLES),
            (Bearer::Person { .. }, Deed::TakeBack) => any_role(&["cashier", "supervisor", "manager"]),
            (Bearer::Person { .. }, Deed::ShowOperator) => {
                any_role(&["cashier", "supervisor", "manager", "compliance"])
            }
            (Bearer::Person { .. }, Deed::Review) => any_role(&["reviewer", "manager", "finance", "supervisor"]),
            (Bearer::Person { .. }, Deed::Clear) => any_role(&["manager", "finance"]),
            (Bearer::Person { .. }, Deed::Configure | Deed::ReportSale) => any_role(&["manager"]),
            (Bearer::Person { .. }, Deed::RegisterSale) => any_role(&["cashier", "supervisor", "manager"]),
            (Bearer::Person { .. }, Deed::Trace) => any_role(&["cashier", "supervisor", "manager", "support"]),
            (Bearer::Person { .. }, Deed::Owe) => any_role(&["manager", "finance"]),
            (Bearer::Person { .. }, Deed::Account) => any_role(&["manager", "finance", "auditor"]),
            (Bearer::Person { .. }, Deed::Export) => {
                any_role(&["manager", "finance", "support", "auditor", "compliance"])
            }
            (Bearer::Person { .. }, Deed::Audit) => any_role(&["manager", "auditor", "compliance"]),
            (Bearer::Person { .. }, Deed::PayIn) => never("pay in: the acquirer's feed or an admin says what came"),
            (Bearer::Person { .. }, Deed::GiveEvidence) => {
                any_role(&["cashier", "supervisor", "manager", "support", "compliance"])
            }
            (Bearer::Person { .. }, Deed::ReadEvidence) => {
                any_role(&["reviewer", "manager", "finance", "support", "compliance", "auditor"])
            }
            (Bearer::Person { .. }, Deed::Erase) => any_role(&["manager", "compliance"]),
            // One person could otherwise call an operation failed that took place, and have it done again.
            (Bearer::Person { .. }, Deed::ReportOutcome | Deed::ReportReturn) => {
                never("report outcomes: who carried the operation out does")
            }
        }
    }

    /// The actor of a command by this principal itself.
    #[must_use]
    pub fn actor(&self, merchant: &MerchantId) -> Actor {
        match &self.bearer {
            Bearer::Person { person } => {
                Actor::Person(ActingPerson { id: person.clone(), roles: self.roles_at(merchant) })
            }
            Bearer::Terminal { terminal, .. } => Actor::Terminal(terminal.clone()),
            Bearer::Admin | Bearer::System { .. } => Actor::System,
        }
    }
}
