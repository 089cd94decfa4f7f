//! The classes of questions that are measured, with their published goals.
//!
//! Goals hold for 2,000,000 log records and 1,000,000 spans, warm, on the reference machine of 2 cores.

use super::logs::{RARE_WORD, SERVICES, trace_of_record};
use super::spans::{RARE_TIER, trace_id_of};
use crate::load::random::hex;

/// How a class asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Question {
    /// `/api/v1/search`: signal, query, limit.
    Search(&'static str, String, u32),
    /// `/api/v1/sql`.
    Sql(String),
    /// `/api/v1/traces/{id}`.
    Trace(String),
}

/// One class.
#[derive(Debug, Clone)]
pub(crate) struct Class {
    /// `logs` or `spans`.
    pub(crate) data: &'static str,
    /// What is asked, in words.
    pub(crate) name: &'static str,
    /// Milliseconds to reach.
    pub(crate) goal_ms: f64,
    /// The question.
    pub(crate) question: Question,
}

fn class(data: &'static str, name: &'static str, goal_ms: f64, question: Question) -> Class {
    Class { data, name, goal_ms, question }
}

/// Every class, for data generated from `seed`.
pub(crate) fn all(seed: u64) -> Vec<Class> {
    let logs = |query: &str, limit| Question::Search("logs", query.to_string(), limit);
    let spans = |query: &str, limit| Question::Search("spans", query.to_string(), limit);
    let busy = SERVICES[2];
    let needle = hex(&trace_id_of(seed, trace_of_record(20).unwrap_or(2)));
    let trace = hex(&trace_id_of(seed, 7));
    let number_in_text = "SELECT approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50, \
        approx_percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99 \
        FROM (SELECT TRY_CAST(split_part(split_part(body, ' in ', 2), ' ms', 1) AS BIGINT) AS ms FROM logs \
        WHERE body LIKE '%completed with status%') WHERE ms IS NOT NULL";
    vec![
        class("logs", "rare word, rows", 5.0, logs(RARE_WORD, 100)),
        class("logs", "substring anywhere", 30.0, logs("*\"nsufficient fu\"* | stats count() as n", 100)),
        class(
            "logs",
            "regex",
            120.0,
            logs("~\"exhausted after [0-9]{2,} ms: [0-9]+ in use\" | stats count() as n", 100),
        ),
        class("logs", "needle: one trace id in the logs", 4.0, logs(&format!("trace_id:=\"{needle}\""), 100)),
        class("logs", "frequent word, count", 5.0, logs("ms | stats count() as n", 100)),
        class("logs", "count by level per minute", 20.0, logs("* | stats by (level, _time:1m) count() as n", 10_000)),
        class("logs", "top-10 services", 1.4, logs("* | top 10 by (service)", 100)),
        class("logs", "errors by service", 4.0, logs("level:=error | stats by (service) count() as n", 100)),
        class("logs", "last 100 lines of one service", 4.0, logs(&format!("service:={busy}"), 100)),
        class("logs", "p50/p99 of a number inside the text", 40.0, Question::Sql(number_in_text.into())),
        class("logs", "distinct trace ids", 12.0, logs("* | stats count_uniq(trace_id) as n", 100)),
        class("spans", "trace by id", 3.0, Question::Trace(trace)),
        class(
            "spans",
            "attribute + duration search",
            2.5,
            spans("http.response.status_code:=500 duration_ns:>100000000", 20),
        ),
        class(
            "spans",
            "p50/p99 duration by service",
            15.0,
            spans("* | stats by (service) quantile(0.5, duration_ns) as p50, quantile(0.99, duration_ns) as p99", 100),
        ),
        class("spans", "errors by service", 3.0, spans("status:=error | stats by (service) count() as n", 100)),
        class("spans", "top-10 services by spans", 2.0, spans("* | top 10 by (service)", 100)),
        class(
            "spans",
            "spans per minute by status",
            8.0,
            spans("* | stats by (status, _time:1m) count() as n", 10_000),
        ),
        class("spans", "rare attribute value", 4.0, spans(&format!("customer.tier:={RARE_TIER}"), 100)),
        class("spans", "substring in db.query.text", 8.0, spans("db.query.text:*rder_lin* | stats count() as n", 100)),
        class(
            "spans",
            "p99 duration per minute of one service",
            6.0,
            spans(&format!("service:={busy} | stats by (_time:1m) quantile(0.99, duration_ns) as p99"), 10_000),
        ),
    ]
}
