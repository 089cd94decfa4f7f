//! The query engine against a naive judge: random records, random questions, every state a store can be in.
//!
//! `cargo test --release -p clewline-query --test differential` compares 20,000 answers. A million, with the number in
//! the environment if another is wanted:
//! `CLEWLINE_DIFFERENTIAL_QUERIES=1000000 cargo test --release -p clewline-query --test differential -- --ignored million`.
//! `CLEWLINE_DIFFERENTIAL_SEED` begins elsewhere; a failure names its seed. `CLEWLINE_DIFFERENTIAL_FAILURES` goes on until
//! so many data sets have failed. docs/testing.md has the map.
//!
//! What is counted: one question, asked of one data set in one state, its answer compared with the judge's. The judge
//! (`oracle/`) is written from the documentation and shares only the parsers with the product.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods, reason = "tests")]

mod ask;
mod check;
mod generate;
mod oracle;
mod random;
mod records;
mod run;
mod shrink;
mod sql;
mod whole;
mod world;

use check::Tamper;
use run::{Plan, Tally, run};

/// Comparisons of the run that is part of every `cargo test`.
const COMPARISONS: u64 = 20_000;

fn plan(comparisons: u64) -> Plan {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    Plan {
        first_seed: number("CLEWLINE_DIFFERENTIAL_SEED").unwrap_or(1),
        comparisons: number("CLEWLINE_DIFFERENTIAL_QUERIES").unwrap_or(comparisons),
        questions: 120,
        failures_max: usize::try_from(number("CLEWLINE_DIFFERENTIAL_FAILURES").unwrap_or(1)).unwrap(),
        tamper: Tamper::Nothing,
    }
}

fn finished(outcome: Result<Tally, String>, wanted: u64) {
    match outcome {
        Ok(tally) => {
            eprintln!("{tally:#?}");
            assert!(tally.comparisons >= wanted);
            assert!(tally.merged * 3 > tally.data_sets, "segments are rarely merged: {tally:?}");
            // Questions that find nothing prove little; most must find something.
            assert!(tally.empty * 2 < tally.questions, "most questions find nothing: {tally:?}");
        }
        Err(report) => panic!("the product and the judge disagree\n{report}"),
    }
}

#[test]
fn answers_agree_with_the_judge_in_every_state() {
    let plan = plan(COMPARISONS);
    finished(run(plan), plan.comparisons);
}

#[test]
#[ignore = "hours: docs/testing.md"]
fn million() {
    let plan = plan(1_000_000);
    finished(run(Plan { first_seed: plan.first_seed + 1_000_000, ..plan }), plan.comparisons);
}

#[test]
fn a_lost_row_is_noticed_and_made_small() {
    let report = run(Plan { comparisons: 2_000, tamper: Tamper::LosesARow, questions: 20, ..plan(0) }).unwrap_err();
    assert!(report.contains("expected and not got (1)"), "{report}");
    assert!(report.contains("smaller, 3 records"), "{report}");
}

#[test]
fn a_wrong_judge_is_noticed() {
    let plan = Plan { comparisons: 20_000, tamper: Tamper::ForgetsBoundaries, ..plan(0) };
    let report = run(plan).unwrap_err();
    assert!(report.contains("seed ") && report.contains("smaller, "), "{report}");
}
