//! 流水: the terminal's own list of its sales and of what was done to them. The journal is what counts; this is what the
//! operator leafs through, and where numbers come from that are never used twice.

use super::folder::write_durably;
use rescind_model::{Instant, Money, OperationId, Sale, SaleId, Way};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Within the data directory.
const FILE: &str = "roll.json";

/// Most sales and most operations on the list: the oldest go, a terminal's list is of some days.
const ENTRIES: usize = 500;

/// The list.
#[derive(Debug)]
pub struct Roll {
    file: PathBuf,
    written: Written,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    /// Vouchers that were given out.
    vouchers: u32,
    /// Operations that were named.
    operations_named: u32,
    sales: Vec<Sold>,
    operations: Vec<Begun>,
    /// The tag of the bundle that was taken last, for asking whether there is a newer one.
    bundle: Option<String>,
}

/// A sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sold {
    /// The sale.
    pub sale: Sale,
    /// Where it is.
    pub place: Place,
    /// What was asked of the server about it, while the answer is owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<Owed>,
}

/// A question to the server whose answer is owed: asked again, it is asked under the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owed {
    /// The way.
    pub way: Way,
    /// How much.
    pub amount: Money,
    /// The reason code.
    pub reason: String,
    /// The idempotency key.
    pub key: String,
}

/// Where a sale is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// On its way into the journal.
    Storing,
    /// In the journal; the server has not acknowledged it.
    Stored,
    /// On its way to the server; whether it arrived nobody knows.
    Sending,
    /// The server has it.
    Server,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    /// Its name.
    pub id: OperationId,
    /// Of which sale.
    pub sale: SaleId,
    /// The way.
    pub way: Way,
    /// How much.
    pub amount: Money,
    /// When.
    pub at: Instant,
    /// How far it is, as the terminal knows.
    pub state: State,
}

/// How far an operation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is being decided.
    Beginning,
    /// It is done here.
    Done,
    /// It waits for the server.
    Queued,
    /// The server said so, in its words.
    Server(String),
    /// The server opened a refund in its place.
    Refund(String),
    /// Support decides.
    Case(String),
    /// It does not stand.
    Refused,
}

impl Roll {
    /// Reads the list of a data directory; an empty one if there is none.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let file = folder.join(FILE);
        let written = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Written::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { file, written })
    }

    fn write(&self) -> io::Result<()> {
        write_durably(&self.file, &serde_json::to_vec(&self.written).map_err(io::Error::other)?)
    }

    /// The next voucher number, 1 to 999999; it is never given out again before a million others were.
    pub fn next_voucher(&mut self) -> io::Result<u32> {
        self.written.vouchers = self.written.vouchers.checked_add(1).filter(|next| *next <= 999_999).unwrap_or(1);
        self.write()?;
        Ok(self.written.vouchers)
    }

    /// The next number for the name of an operation.
    pub fn next_operation(&mut self) -> io::Result<u32> {
        let next = self.written.operations_named.checked_add(1);
        self.written.operations_named = next.ok_or_else(|| io::Error::other("every number is used up"))?;
        self.write()?;
        Ok(self.written.operations_named)
    }

    /// The sales, oldest first.
    pub fn sales(&self) -> &[Sold] {
        &self.written.sales
    }

    /// The operations, oldest first.
    pub fn operations(&self) -> &[Begun] {
        &self.written.operations
    }

    /// The sale that an operator means: its voucher number, its id, or `last`. Of two with one number, the later.
    pub fn find(&self, name: &str) -> Option<&Sold> {
        let sales = &self.written.sales;
        if name == "last" {
            return sales.last();
        }
        let voucher = name.parse::<u32>().ok().map(|number| format!("{number:06}"));
        let by_voucher = |sold: &&Sold| {
            let slip = sold.sale.slip.as_ref();
            slip.is_some_and(|slip| voucher.as_ref().is_some_and(|voucher| slip.voucher == *voucher))
        };
        sales.iter().rev().find(|sold| sold.sale.id.as_str() == name || by_voucher(sold))
    }

    /// The operation of that name, or the last one of that sale.
    pub fn operation(&self, name: &str) -> Option<&Begun> {
        let sale = self.find(name).map(|sold| &sold.sale.id);
        let operations = self.written.operations.iter().rev();
        operations.into_iter().find(|begun| begun.id.as_str() == name || Some(&begun.sale) == sale)
    }

    /// Adds a sale.
    pub fn add_sale(&mut self, sale: Sale, place: Place) -> io::Result<()> {
        self.written.sales.push(Sold { sale, place, owed: None });
        let surplus = self.written.sales.len().saturating_sub(ENTRIES);
        self.written.sales.drain(..surplus);
        self.write()
    }

    /// Changes a sale.
    pub fn change_sale(&mut self, id: &SaleId, change: impl FnOnce(&mut Sold)) -> io::Result<()> {
        if let Some(sold) = self.written.sales.iter_mut().find(|sold| sold.sale.id == *id) {
            change(sold);
        }
        self.write()
    }

    /// Takes a sale off that never took place.
    pub fn remove_sale(&mut self, id: &SaleId) -> io::Result<()> {
        self.written.sales.retain(|sold| sold.sale.id != *id);
        self.write()
    }

    /// Adds an operation, or changes what is known of it.
    pub fn note(&mut self, begun: Begun) -> io::Result<()> {
        match self.written.operations.iter_mut().find(|known| known.id == begun.id) {
            Some(known) => *known = begun,
            None => self.written.operations.push(begun),
        }
        let surplus = self.written.operations.len().saturating_sub(ENTRIES);
        self.written.operations.drain(..surplus);
        self.write()
    }

    /// Says how far an operation is.
    pub fn becomes(&mut self, id: &OperationId, state: State) -> io::Result<()> {
        if let Some(known) = self.written.operations.iter_mut().find(|known| known.id == *id) {
            known.state = state;
        }
        self.write()
    }

    /// Takes an operation off that was not begun.
    pub fn remove_operation(&mut self, id: &OperationId) -> io::Result<()> {
        self.written.operations.retain(|known| known.id != *id);
        self.write()
    }

    /// The tag of the bundle that was taken last.
    pub fn bundle(&self) -> Option<&str> {
        self.written.bundle.as_deref()
    }

    /// Keeps the tag of the bundle that was taken.
    pub fn took_bundle(&mut self, tag: Option<String>) -> io::Result<()> {
        self.written.bundle = tag;
        self.write()
    }
}
