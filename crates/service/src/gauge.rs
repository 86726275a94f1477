//! Numbers for the operator, in the Prometheus text format. The host adds its own (requests, swaps, commits).

use crate::app::App;
use crate::error::Error;
use crate::limits::LANES;
use crate::ports::Ports;
use crate::store::Record;
use crate::store::key::Key;
use crate::store::lane::Lane;
use core::fmt::Write as _;
use rescind_model::token::Token as _;
use rescind_model::{Event, Instant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Events published so far, by kind. A crash between publishing and counting may leave one out: for curves, not for
/// money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counters {
    events: BTreeMap<String, u64>,
    mark: String,
}

impl Record for Counters {
    const FORMAT: &'static str = "counters/1";
    fn holds(&self, id: &str) -> bool {
        self.mark == id
    }
}

impl<P: Ports> App<P> {
    pub(crate) async fn count_events(&self, events: &[&Event]) -> Result<(), Error> {
        let mark = self.random_hex(16);
        self.records()
            .await?
            .update::<Counters, _, _>(&Key::gauges(), &mark, self.unique(), |there| {
                let mut next = there.cloned().unwrap_or_default();
                for event in events {
                    let count = next.events.entry(event.kind.token().to_owned()).or_insert(0);
                    *count = count.saturating_add(1);
                }
                next.mark.clone_from(&mark);
                Ok((Some(next), ()))
            })
            .await
    }

    /// The service's numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn metrics(&self) -> Result<String, Error> {
        let records = self.records().await?;
        let now = self.ports.now();
        let mut pending = 0_usize;
        let mut oldest: Option<Instant> = None;
        for lane in 0..LANES {
            if let Some(lane) = records.read::<Lane>(&Key::lane(lane)).await? {
                pending = pending.saturating_add(lane.intents.len());
                oldest = lane.intents.iter().map(|i| i.at).chain(oldest).min();
            }
        }
        let lag = oldest.map_or(0, |at| now.since(at).ms);
        let counters = records.read::<Counters>(&Key::gauges()).await?.unwrap_or_default();
        let not_loaded = self.policies_not_loaded().await?;
        let mut text = String::new();
        let mut line = |kind: &str, name: &str, help: &str, values: &[(String, String)]| {
            let mut out = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
            for (labels, value) in values {
                out.push_str(&format!("{name}{labels} {value}\n"));
            }
            text.push_str(&out);
        };
        let one = |value: String| vec![(String::new(), value)];
        line(
            "gauge",
            "rescind_intents_pending",
            "Commits whose consequences are not all done.",
            &one(pending.to_string()),
        );
        let seconds = format!("{}.{:03}", lag.checked_div(1000).unwrap_or(0), lag.checked_rem(1000).unwrap_or(0));
        line("gauge", "rescind_intent_lag_seconds", "Age of the oldest of them.", &one(seconds));
        let of = |kinds: &[&str]| kinds.iter().filter_map(|k| counters.events.get(*k)).sum::<u64>().to_string();
        let unknown = of(&["void.unknown", "refund.unknown", "operation.unknown"]);
        line(
            "counter",
            "rescind_outcomes_unknown_total",
            "Operations whose outcome was unknown at some time.",
            &one(unknown),
        );
        line(
            "gauge",
            "rescind_policies_not_loaded",
            "Names whose newest version cannot be loaded, so that an older one decides.",
            &one(not_loaded.to_string()),
        );
        let attention = of(&["void.attention", "refund.attention", "operation.attention", "sale.attention"]);
        line(
            "counter",
            "rescind_attention_total",
            "Operations and payments that a person had to look at.",
            &one(attention),
        );
        let events: Vec<(String, String)> = counters
            .events
            .iter()
            .map(|(kind, count)| {
                let mut labels = String::new();
                let _written = write!(labels, "{{kind=\"{kind}\"}}");
                (labels, count.to_string())
            })
            .collect();
        line("counter", "rescind_events_total", "Events published to the feed.", &events);
        Ok(text)
    }
}
