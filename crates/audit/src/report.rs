//! What a file proves, in plain words, and what it does not.

use crate::hash::Hash;
use crate::verify::{Proved, ProvedSale};
use rescind_model::token::Token as _;
use rescind_model::{Actor, Entry, Event, Money, Side};

impl Proved {
    /// Lines for people: what was checked and holds, then what no such file shows.
    #[must_use]
    pub fn report(&self) -> Vec<String> {
        let mut lines = vec![format!("Merchant {}.", self.merchant), String::new(), "Proved:".to_owned()];
        let mut say = |line: String| lines.push(line);
        for (checkpoint, hash) in &self.checkpoints {
            say(format!(
                "  checkpoint {} of {}: {} events, made {}, signed by one of the keys",
                checkpoint.number, checkpoint.day, checkpoint.heads, checkpoint.made_at
            ));
            say(format!("    hash {hash}"));
        }
        if self.checkpoints.len() > 1 {
            say("  each of these checkpoints names the one before it, and begins where that one ended".to_owned());
        }
        if let Some(payment) = &self.payment {
            payment.report(&mut say);
        }
        say(String::new());
        say("Not proved:".to_owned());
        self.not_proved(&mut say);
        lines
    }

    fn not_proved(&self, say: &mut impl FnMut(String)) {
        match &self.payment {
            Some(payment) => {
                say(format!(
                    "  what happened to the payment after event {}: later checkpoints commit to it",
                    payment.head.events
                ));
                if payment.events.is_none() {
                    say("  what its events say: whoever took the file out may not see all of it".to_owned());
                }
            }
            None => say("  anything about a single payment: the file shows none".to_owned()),
        }
        say(
            "  that nobody was shown another row of checkpoints: compare a hash above with one that somebody else kept"
                .to_owned(),
        );
        say("  when a checkpoint was made, but by its maker's own clock".to_owned());
        say("  that money moved: this is what the system recorded, not what a bank did".to_owned());
    }

    /// Whether a checkpoint of that hash is in the row.
    #[must_use]
    pub fn has_checkpoint(&self, kept: Hash) -> bool {
        self.checkpoints.iter().any(|(_, hash)| *hash == kept)
    }
}

impl ProvedSale {
    fn report(&self, say: &mut impl FnMut(String)) {
        say(format!("  payment {} is in checkpoint {} with {} events", self.sale, self.checkpoint, self.head.events));
        match &self.events {
            Some(events) => {
                say("  its whole history up to there is this, none changed, left out or added:".to_owned());
                events.iter().for_each(|event| say(format!("    {}", told(event))));
            }
            None => say(format!(
                "  the last link of its history is {}; the history itself is not in the file",
                self.head.link
            )),
        }
        if self.entries.is_empty() {
            say("  nothing was posted by then".to_owned());
        } else {
            say("  its double entries up to there are these, each summing to zero:".to_owned());
            self.entries.iter().for_each(|entry| say(format!("    {}", posted(entry))));
        }
    }
}

fn money(amount: &Money) -> String {
    format!("{} {}", amount.decimal_text(), amount.currency)
}

fn told(event: &Event) -> String {
    let who = match &event.actor {
        Actor::Person(person) => person.id.to_string(),
        Actor::Terminal(terminal) => format!("terminal {terminal}"),
        Actor::System => "the system".to_owned(),
    };
    let amount = event.amount.as_ref().map(|amount| format!(", {}", money(amount))).unwrap_or_default();
    let about = [event.operation.as_ref().map(ToString::to_string), event.refund.as_ref().map(ToString::to_string)];
    let about: String = about.iter().flatten().map(|id| format!(", {id}")).collect();
    let reason = event.reason.as_ref().map(|reason| format!(", {reason:?}")).unwrap_or_default();
    format!("{} {} {}{amount}{about} by {who}{reason}", event.sequence, event.at, event.kind.token())
}

fn posted(entry: &Entry) -> String {
    let lines = entry.postings.iter().map(|posting| {
        let side = if posting.side == Side::Debit { "debit" } else { "credit" };
        format!("{side} {} {}", posting.account.token(), money(&posting.amount))
    });
    format!("{} {} {}: {}", entry.sequence, entry.at, entry.what, lines.collect::<Vec<_>>().join(", "))
}
