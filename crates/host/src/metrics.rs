//! The host's own figures, as Prometheus text.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::instance::Failure;
use crate::store::{BATCH_BUCKETS, Figures};

/// Upper bounds of the duration buckets, in microseconds. From one decision to a slow disk.
const DURATION_BUCKETS: [u64; 13] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000, 30_000_000];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Counters since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: [Durations; 5],
    refused: AtomicU64,
    failures: [AtomicU64; Failure::ALL.len()],
    instances_made: AtomicU64,
    outbound_answered: AtomicU64,
    outbound_failed: AtomicU64,
    ticks: AtomicU64,
    failed_ticks: AtomicU64,
}

#[derive(Debug, Default)]
struct Durations {
    /// One for every bound and one for longer; not cumulative.
    buckets: [AtomicU64; 14],
    micros: AtomicU64,
}

/// What is read from elsewhere at the moment of asking.
pub(crate) struct Gauges {
    pub(crate) instances: usize,
    pub(crate) waiting: usize,
    pub(crate) store: Figures,
}

fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

impl Metrics {
    pub(crate) fn request(&self, status: http::StatusCode, duration: Duration) {
        let class = usize::from(status.as_u16()).checked_div(100).and_then(|class| class.checked_sub(1)).unwrap_or(4);
        let Some(durations) = self.requests.get(class) else {
            return;
        };
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = DURATION_BUCKETS.iter().position(|bound| micros <= *bound).unwrap_or(DURATION_BUCKETS.len());
        if let Some(count) = durations.buckets.get(bucket) {
            add(count, 1);
        }
        add(&durations.micros, micros);
    }

    pub(crate) fn refused(&self) {
        add(&self.refused, 1);
    }

    pub(crate) fn failure(&self, failure: Failure) {
        let counter =
            Failure::ALL.iter().position(|known| *known == failure).and_then(|index| self.failures.get(index));
        if let Some(counter) = counter {
            add(counter, 1);
        }
    }

    pub(crate) fn instance_made(&self) {
        add(&self.instances_made, 1);
    }

    pub(crate) fn outbound(&self, answered: bool) {
        add(if answered { &self.outbound_answered } else { &self.outbound_failed }, 1);
    }

    pub(crate) fn tick(&self, done: bool) {
        add(&self.ticks, 1);
        if !done {
            add(&self.failed_ticks, 1);
        }
    }

    /// The text of all of them.
    pub(crate) fn text(&self, gauges: &Gauges) -> String {
        let mut text = Text(String::with_capacity(8 * 1024));
        self.requests(&mut text);
        text.counter("refused_requests_total", "Requests refused with 503 before anything ran.", get(&self.refused));
        text.head("component_failures_total", "Requests a component did not answer, by reason.", "counter");
        for (failure, count) in Failure::ALL.iter().zip(&self.failures) {
            text.line("component_failures_total", &format!("{{reason=\"{}\"}}", failure.label()), get(count));
        }
        text.counter("instances_made_total", "Component instances made.", get(&self.instances_made));
        text.gauge("instances", "Component instances there are.", gauges.instances);
        text.gauge("waiting_requests", "Requests waiting for an instance.", gauges.waiting);
        text.counter("outbound_answered_total", "Outbound requests that got an answer.", get(&self.outbound_answered));
        text.counter("outbound_failed_total", "Outbound requests refused or failed.", get(&self.outbound_failed));
        text.counter("ticks_total", "Ticks sent to the application.", get(&self.ticks));
        text.counter("failed_ticks_total", "Ticks not answered with 2xx.", get(&self.failed_ticks));
        store(&mut text, &gauges.store);
        text.0
    }

    fn requests(&self, text: &mut Text) {
        let name = "request_duration_seconds";
        text.head(name, "Time from the head of a request to its answer being ready, by class of status.", "histogram");
        for (class, durations) in CLASSES.iter().zip(&self.requests) {
            let counts: Vec<u64> = durations.buckets.iter().map(get).collect();
            text.histogram(
                name,
                &format!("class=\"{class}\""),
                &DURATION_BUCKETS.map(seconds),
                &counts,
                &seconds(get(&durations.micros)),
            );
        }
    }
}

fn store(text: &mut Text, figures: &Figures) {
    text.counter("store_commits_total", "Transactions made durable.", figures.commits);
    text.counter("store_failed_commits_total", "Transactions that failed.", figures.failed_commits);
    text.counter("store_swaps_total", "Compare-and-swaps tried.", figures.swaps);
    text.counter("store_failed_swaps_total", "Compare-and-swaps that found another value.", figures.failed_swaps);
    text.gauge("store_waiting_writes", "Writes not durable yet.", figures.waiting);
    text.gauge("store_waiting_bytes", "Their size.", figures.waiting_bytes);
    text.gauge("store_log_pages", "Pages of 4 KiB in the write-ahead log.", figures.log_pages);
    let failed = "Times that the write-ahead log could not be copied into the database.";
    text.counter("store_failed_checkpoints_total", failed, figures.failed_checkpoints);
    text.head("store_commit_writes", "Writes in one transaction.", "histogram");
    text.histogram(
        "store_commit_writes",
        "",
        &BATCH_BUCKETS.map(|bound| bound.to_string()),
        &figures.batches,
        &figures.writes.to_string(),
    );
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Microseconds as seconds, without floating point.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// Lines in Prometheus' format. Writing to a string cannot fail.
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        write!(self.0, "# HELP rescind_host_{name} {help}\n# TYPE rescind_host_{name} {kind}\n").unwrap_or(());
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        writeln!(self.0, "rescind_host_{name}{labels} {value}").unwrap_or(());
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        self.line(name, "", value);
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, help, "gauge");
        self.line(name, "", value);
    }

    fn histogram(&mut self, name: &str, label: &str, bounds: &[String], counts: &[u64], sum: &str) {
        let comma = if label.is_empty() { "" } else { "," };
        let mut total = 0_u64;
        for (bound, count) in bounds.iter().map(String::as_str).chain(["+Inf"]).zip(counts) {
            total = total.saturating_add(*count);
            self.line(&format!("{name}_bucket"), &format!("{{{label}{comma}le=\"{bound}\"}}"), total);
        }
        let labels = if label.is_empty() { String::new() } else { format!("{{{label}}}") };
        self.line(&format!("{name}_sum"), &labels, sum);
        self.line(&format!("{name}_count"), &labels, total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let metrics = Metrics::default();
        metrics.request(http::StatusCode::CREATED, Duration::from_micros(1_500));
        metrics.request(http::StatusCode::OK, Duration::from_secs(60));
        metrics.failure(Failure::Deadline);
        let mut figures = Figures { commits: 2, writes: 9, ..Figures::default() };
        figures.batches[0] = 1;
        figures.batches[3] = 1;
        let text = metrics.text(&Gauges { instances: 3, waiting: 0, store: figures });
        for expected in [
            "rescind_host_request_duration_seconds_bucket{class=\"2xx\",le=\"0.001000\"} 0\n",
            "rescind_host_request_duration_seconds_bucket{class=\"2xx\",le=\"0.002500\"} 1\n",
            "rescind_host_request_duration_seconds_bucket{class=\"2xx\",le=\"+Inf\"} 2\n",
            "rescind_host_request_duration_seconds_sum{class=\"2xx\"} 60.001500\n",
            "rescind_host_request_duration_seconds_count{class=\"2xx\"} 2\n",
            "rescind_host_component_failures_total{reason=\"deadline\"} 1\n",
            "rescind_host_instances 3\n",
            "rescind_host_store_commit_writes_bucket{le=\"1\"} 1\n",
            "rescind_host_store_commit_writes_bucket{le=\"8\"} 2\n",
            "rescind_host_store_commit_writes_sum 9\n",
            "rescind_host_store_commit_writes_count 2\n",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }
}
