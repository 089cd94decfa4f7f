//! The commands that ask: one file each.

pub(crate) mod bytes;
pub(crate) mod delete;
mod period;
pub(crate) mod query;
mod report;
pub(crate) mod sql;
mod sql_prompt;
pub(crate) mod storage;
pub(crate) mod tail;
pub(crate) mod trace;
mod trace_tree;

/// Kinds of telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Signal {
    /// Log records
    #[default]
    Logs,
    /// Spans of traces
    Spans,
    /// Metric points
    Metrics,
}

impl Signal {
    /// The value of the `signal` parameter.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Signal::Logs => "logs",
            Signal::Spans => "spans",
            Signal::Metrics => "metrics",
        }
    }
}
