//! Asks every class: one warm-up, then five measured runs, the median counts. From request to last byte.

use super::classes::{Class, Question};
use crate::error::CliError;
use crate::http::{Reply, Server};
use crate::machine;

/// Measured runs of each class.
const RUNS: usize = 5;

/// What one class took.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    /// The class.
    pub(crate) class: Class,
    /// Median in milliseconds, or why it could not be asked.
    pub(crate) median_ms: Result<f64, String>,
    /// Rows of the answer.
    pub(crate) rows: usize,
}

/// Measures every class in turn.
pub(crate) fn measure(
    server: &Server,
    classes: Vec<Class>,
    mut progress: impl FnMut(&str),
) -> Result<Vec<Timing>, CliError> {
    let mut timings = Vec::new();
    for class in classes {
        progress(class.name);
        let timing = match time_class(server, &class) {
            Ok((median_ms, rows)) => Timing { class, median_ms: Ok(median_ms), rows },
            Err(error @ CliError::Unreachable { .. }) => return Err(error),
            Err(error) => {
                let reason = error.to_string().replace("error: ", "").lines().next().unwrap_or_default().to_string();
                Timing { class, median_ms: Err(reason), rows: 0 }
            }
        };
        timings.push(timing);
    }
    Ok(timings)
}

fn time_class(server: &Server, class: &Class) -> Result<(f64, usize), CliError> {
    let mut times = Vec::with_capacity(RUNS);
    let mut rows = 0;
    for run in 0..=RUNS {
        let started = machine::monotonic();
        let body = ask(server, &class.question)?.text()?;
        let took_ms = started.elapsed().as_secs_f64() * 1e3;
        rows = body.lines().filter(|line| !line.is_empty()).count();
        if run > 0 {
            times.push(took_ms);
        }
    }
    Ok((median(&mut times), rows))
}

fn ask(server: &Server, question: &Question) -> Result<Reply, CliError> {
    match question {
        Question::Search(signal, query, limit) => {
            let params = [("q", query.clone()), ("signal", (*signal).to_string()), ("limit", limit.to_string())];
            server.search("/api/v1/search", &params, query)
        }
        Question::Sql(statement) => server.sql(statement, "ndjson"),
        Question::Trace(id) => server.get(&format!("/api/v1/traces/{id}"), &[], None),
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::Stub;

    #[test]
    fn a_refused_class_does_not_end_the_others() {
        let stub = Stub::start(|request| {
            if request.target.contains("sql") {
                (400, vec![], b"{\"message\":\"no\"}".to_vec())
            } else {
                (200, vec![], b"{}\n{}\n".to_vec())
            }
        });
        let server = Server::at(&stub.address, None, None).unwrap();
        let timings = measure(&server, super::super::classes::all(1), |_| {}).unwrap();
        assert_eq!(timings.len(), 20);
        assert_eq!(timings.iter().filter(|timing| timing.median_ms.is_err()).count(), 1);
        assert!(timings.iter().filter(|timing| timing.median_ms.is_ok()).all(|timing| timing.rows == 2));
    }

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(&mut [5.0, 1.0, 3.0, 2.0, 4.0]) - 3.0).abs() < 1e-9);
    }
}
