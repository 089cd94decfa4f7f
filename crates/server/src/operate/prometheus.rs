//! `/metrics` in the Prometheus text format 0.0.4.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::Ordering;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use clewline_model::signal::SIGNALS;
use clewline_store::ledger::{Counts, DROP_REASONS};

use super::catalogue::{CATALOGUE, DURATION_BOUNDS_S};
use crate::app::App;
use crate::call::Call;
use crate::limits::TAILS_MAX;
use crate::problem::Problem;

/// `GET /metrics`
pub(crate) async fn metrics(call: Call) -> Result<Response, Problem> {
    let page = Page::of(&call.app);
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page.render()).into_response())
}

/// Samples by metric name. A name that is not in the catalogue is a defect (the tests see it).
#[derive(Default)]
pub(super) struct Page {
    samples: BTreeMap<&'static str, String>,
}

impl Page {
    fn put(&mut self, name: &'static str, labels: &[(&str, &str)], value: f64) {
        self.put_suffixed(name, "", labels, value);
    }

    fn put_suffixed(&mut self, name: &'static str, suffix: &str, labels: &[(&str, &str)], value: f64) {
        debug_assert!(CATALOGUE.iter().any(|metric| metric.name == name), "{name} is not in the catalogue");
        let out = self.samples.entry(name).or_default();
        let _ = write!(out, "{name}{suffix}");
        for (i, (key, label)) in labels.iter().enumerate() {
            let label = label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(out, "{}{key}=\"{label}\"", if i == 0 { '{' } else { ',' });
        }
        let _ = writeln!(out, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn render(&self) -> String {
        let mut out = String::new();
        for metric in CATALOGUE {
            let Some(samples) = self.samples.get(metric.name) else { continue };
            let _ =
                writeln!(out, "# HELP {} {}\n# TYPE {} {}", metric.name, metric.help, metric.name, metric.kind.name());
            out.push_str(samples);
        }
        out
    }

    fn of(app: &App) -> Page {
        let mut page = Page::default();
        page.put("clewline_build_info", &[("version", app.settings.version)], 1.0);
        page.put("clewline_ready", &[], f64::from(u8::from(app.store.progress().ready)));
        page.records(app);
        page.server(app);
        page.store(app);
        page.process(app);
        page
    }

    fn records(&mut self, app: &App) {
        let mut lines: BTreeMap<(&str, &str), Counts> = BTreeMap::new();
        for (line, counts) in app.store.ledger().lines() {
            let sum = lines.entry((line.signal.name(), line.door)).or_default();
            sum.received += counts.received;
            sum.stored += counts.stored;
            sum.duplicate += counts.duplicate;
            sum.rejected += counts.rejected;
            for (sum, more) in sum.dropped.iter_mut().zip(counts.dropped) {
                *sum += more;
            }
        }
        for ((signal, door), counts) in lines {
            let labels = [("signal", signal), ("door", door)];
            self.put("clewline_records_received_total", &labels, counts.received as f64);
            self.put("clewline_records_stored_total", &labels, counts.stored as f64);
            self.put("clewline_records_duplicate_total", &labels, counts.duplicate as f64);
            self.put("clewline_records_rejected_total", &labels, counts.rejected as f64);
            for (reason, count) in DROP_REASONS.iter().zip(counts.dropped).filter(|(_, count)| *count > 0) {
                let labels = [("signal", signal), ("door", door), ("reason", reason.name())];
                self.put("clewline_records_dropped_total", &labels, count as f64);
            }
        }
    }

    fn server(&mut self, app: &App) {
        let metrics = &app.metrics;
        for ((door, reason), count) in metrics.refused.lock().iter() {
            let labels = [("door", *door), ("reason", *reason)];
            self.put("clewline_ingest_requests_refused_total", &labels, *count as f64);
        }
        for ((listener, reason), count) in metrics.datagrams_lost.lock().iter() {
            let labels = [("listener", *listener), ("reason", *reason)];
            self.put("clewline_datagrams_lost_total", &labels, *count as f64);
        }
        for ((door, _), count) in metrics.retried.lock().iter() {
            self.put("clewline_line_batches_retried_total", &[("door", door)], *count as f64);
        }
        for ((door, _), count) in metrics.cut.lock().iter() {
            self.put("clewline_lines_cut_total", &[("door", door)], *count as f64);
        }
        for (listener, connections) in metrics.connections.lock().iter() {
            self.put("clewline_connections", &[("listener", listener)], connections.open as f64);
            self.put("clewline_connections_total", &[("listener", listener)], connections.total as f64);
        }
        for ((route, status), count) in metrics.requests.lock().iter() {
            let labels = [("route", *route), ("status", &status.to_string())];
            self.put("clewline_http_requests_total", &labels, *count as f64);
        }
        let name = "clewline_http_request_duration_seconds";
        for (route, durations) in metrics.durations.lock().iter() {
            let mut below = 0;
            for (bound, count) in DURATION_BOUNDS_S.iter().zip(durations.buckets) {
                below += count;
                self.put_suffixed(name, "_bucket", &[("route", route), ("le", &bound.to_string())], below as f64);
            }
            self.put_suffixed(name, "_bucket", &[("route", route), ("le", "+Inf")], durations.count as f64);
            self.put_suffixed(name, "_sum", &[("route", route)], durations.sum_s);
            self.put_suffixed(name, "_count", &[("route", route)], durations.count as f64);
        }
        self.put("clewline_body_bytes", &[], app.budget.used() as f64);
        self.put("clewline_tails", &[], (TAILS_MAX - app.tails.available_permits()) as f64);
        let dropped = metrics.tail_rows_dropped.load(Ordering::Relaxed);
        self.put("clewline_tail_rows_dropped_total", &[], dropped as f64);
    }

    fn store(&mut self, app: &App) {
        let store = app.store.statistics();
        for signal in SIGNALS {
            let labels = [("signal", signal.name())];
            self.put("clewline_segment_rows", &labels, store.segment_rows[signal as usize] as f64);
            self.put("clewline_memory_rows", &labels, store.memory_rows[signal as usize] as f64);
        }
        for (name, value) in [
            ("clewline_segments", store.segments),
            ("clewline_segment_bytes", store.segment_bytes),
            ("clewline_memory_bytes", store.memory_bytes),
            ("clewline_wal_bytes", store.log_bytes),
            ("clewline_wal_fsyncs_total", store.commits),
            ("clewline_wal_committed_requests_total", store.committed_requests),
            ("clewline_wal_committed_bytes_total", store.committed_bytes),
            ("clewline_wal_failures_total", store.log_failures),
            ("clewline_wal_damaged_bytes_total", store.log_damaged_bytes),
            ("clewline_queue_requests", store.queue_requests),
            ("clewline_queue_bytes", store.queue_bytes),
            ("clewline_flushes_total", store.flushes),
            ("clewline_flush_failures_total", store.flush_failures),
            ("clewline_compactions_total", store.compactions),
            ("clewline_compaction_failures_total", store.compaction_failures),
            ("clewline_indexes_rebuilt_total", store.indexes_rebuilt),
            ("clewline_flushed_bytes_total", store.flushed_bytes),
            ("clewline_merged_bytes_total", store.merged_bytes),
            ("clewline_erased_bytes_total", store.erased_bytes),
            ("clewline_compaction_paused", u64::from(store.merging_paused)),
            ("clewline_segments_expired_total", store.segments_expired),
            ("clewline_records_expired_total", store.records_expired),
            ("clewline_records_deleted_total", store.records_deleted),
            ("clewline_delete_jobs_open", store.delete_jobs_open),
            ("clewline_segments_missing", store.segments_missing),
            ("clewline_retention_suspended", u64::from(store.retention_suspended)),
            ("clewline_writes_refused", u64::from(store.poisoned.is_some())),
            ("clewline_tenants", store.tenants),
        ] {
            self.put(name, &[], value as f64);
        }
        self.put("clewline_write_amplification", &[], store.write_amplification());
    }

    fn process(&mut self, app: &App) {
        if let Some(bytes) = resident_bytes(app) {
            self.put("process_resident_memory_bytes", &[], bytes as f64);
        }
        self.put("process_start_time_seconds", &[], app.started_ns() as f64 / 1e9);
    }
}

/// Resident memory: the second number of `/proc/self/statm`, in pages (proc_pid_statm(5)). None on other systems.
fn resident_bytes(app: &App) -> Option<u64> {
    let statm = app.env.disk.read(Path::new("/proc/self/statm")).ok()?;
    let pages: u64 = std::str::from_utf8(&statm).ok()?.split(' ').nth(1)?.parse().ok()?;
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
    pages.checked_mul(u64::try_from(page).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_kinds_are_told() {
        let mut page = Page::default();
        page.put("clewline_segments", &[("a", "x\"y\\z\n")], 3.0);
        let text = page.render();
        assert!(text.starts_with("# HELP clewline_segments Segments.\n# TYPE clewline_segments gauge\n"), "{text}");
        assert!(text.ends_with("clewline_segments{a=\"x\\\"y\\\\z\\n\"} 3\n"), "{text}");
    }

    #[test]
    fn names_are_unique_and_follow_the_rules() {
        for (i, metric) in CATALOGUE.iter().enumerate() {
            assert!(CATALOGUE[..i].iter().all(|other| other.name != metric.name), "{}", metric.name);
            let total = metric.name.ends_with("_total");
            assert_eq!(total, metric.kind == super::super::catalogue::Kind::Counter, "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
    }
}
