//! `--since`, `--start`, `--end`: the period a question is about.

use crate::error::CliError;
use crate::time::is_span_of_time;

/// The period options.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PeriodArgs {
    /// Only the last stretch of time: 90s, 15m, 1h, 2d [default: all time]
    #[arg(long, value_name = "TIME", conflicts_with_all = ["start", "end"])]
    pub since: Option<String>,
    /// First instant: RFC 3339, unix time, now-15m
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// Last instant: RFC 3339, unix time, now-5m, now
    #[arg(long, value_name = "TIME")]
    pub end: Option<String>,
}

impl PeriodArgs {
    /// The `start` and `end` parameters.
    pub(crate) fn params(&self) -> Result<Vec<(&'static str, String)>, CliError> {
        let mut params = Vec::new();
        if let Some(since) = &self.since {
            if !is_span_of_time(since) {
                return Err(CliError::usage(
                    format!("--since {since} is not a stretch of time"),
                    "a number and a unit: 90s, 15m, 1h, 2d, 1w",
                ));
            }
            params.push(("start", format!("now-{since}")));
        }
        params.extend(self.start.iter().map(|start| ("start", start.clone())));
        params.extend(self.end.iter().map(|end| ("end", end.clone())));
        Ok(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_becomes_a_start() {
        let args = PeriodArgs { since: Some("15m".into()), ..Default::default() };
        assert_eq!(args.params().unwrap(), [("start", "now-15m".to_string())]);
        let args = PeriodArgs { since: Some("yesterday".into()), ..Default::default() };
        assert_eq!(args.params().unwrap_err().exit_code(), 2);
    }
}
