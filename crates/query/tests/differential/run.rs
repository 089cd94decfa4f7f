//! Many questions of many data sets in every state; the first difference stops the run, made small.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use crate::ask::Asker;
use crate::check::{Expected, Question, Tamper, check, expect};
use crate::generate::{DataSet, data_set};
use crate::oracle::fields::Schema;
use crate::records::Record;
use crate::shrink;
use crate::sql;
use crate::whole;
use crate::world::{State, WAYS, World};

/// How much to ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Data sets have the seeds from this one on.
    pub(crate) first_seed: u64,
    /// Comparisons of one answer in one state wanted, at least.
    pub(crate) comparisons: u64,
    /// Questions of one data set.
    pub(crate) questions: usize,
    /// Failing data sets after which the run stops.
    pub(crate) failures_max: usize,
    pub(crate) tamper: Tamper,
}

/// What was asked.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Answers compared: one question in one state.
    pub(crate) comparisons: u64,
    pub(crate) questions: u64,
    pub(crate) data_sets: u64,
    /// Questions whose answer the documentation leaves open; not asked.
    pub(crate) left_open: u64,
    /// Questions that must be refused, and were.
    pub(crate) refusals: u64,
    /// Questions whose right answer has no row.
    pub(crate) empty: u64,
    /// Data sets some of whose segments were merged.
    pub(crate) merged: u64,
    /// Comparisons by state.
    pub(crate) by_state: Vec<(String, u64)>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.comparisons += other.comparisons;
        self.questions += other.questions;
        self.data_sets += other.data_sets;
        self.left_open += other.left_open;
        self.refusals += other.refusals;
        self.empty += other.empty;
        self.merged += other.merged;
        for (state, count) in other.by_state {
            match self.by_state.iter_mut().find(|(known, _)| *known == state) {
                Some((_, sum)) => *sum += count,
                None => self.by_state.push((state, count)),
            }
        }
    }
}

/// Runs the plan on two threads.
pub(crate) fn run(plan: Plan) -> Result<Tally, String> {
    let (next, done) = (AtomicU64::new(plan.first_seed), AtomicU64::new(0));
    let failures: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let total = Mutex::new(Tally::default());
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let failed = || failures.lock().unwrap_or_else(PoisonError::into_inner).len() >= plan.failures_max;
                while done.load(Ordering::Relaxed) < plan.comparisons && !failed() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    match runtime.block_on(one_seed(seed, plan)) {
                        Ok(tally) => {
                            let before = done.fetch_add(tally.comparisons, Ordering::Relaxed);
                            let after = before + tally.comparisons;
                            if before / 50_000 < after / 50_000 {
                                eprintln!("{after} comparisons, {} s", started.elapsed().as_secs());
                            }
                            total.lock().unwrap_or_else(PoisonError::into_inner).add(tally);
                        }
                        Err(report) => failures.lock().unwrap_or_else(PoisonError::into_inner).push(report),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    if failures.is_empty() {
        Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner))
    } else {
        Err(failures.join("\n\n"))
    }
}

/// The questions of a data set and their right answers.
fn questions(seed: u64, count: usize, data: &DataSet, tamper: Tamper, tally: &mut Tally) -> Vec<(Question, Expected)> {
    let schema = Schema::of(data.signal, &data.records);
    let mut asker = Asker::new(seed, data);
    let mut list = Vec::new();
    while list.len() < count {
        let question = question(&mut asker, &schema);
        match expect(&question, &schema, &data.records, tamper) {
            Some(expected) => {
                match &expected {
                    Expected::Error(_) => tally.refusals += 1,
                    Expected::Rows { runs, .. } => tally.empty += u64::from(runs.is_empty()),
                }
                list.push((question, expected));
            }
            None => tally.left_open += 1,
        }
    }
    list
}

fn question(asker: &mut Asker<'_>, schema: &Schema) -> Question {
    let parse = |text: &str| match clewline_lang::parse(text) {
        Ok(query) => query,
        Err(error) => panic!("the generator wrote `{text}`, which does not parse: {error:?}"),
    };
    match asker.random().weighted(&[70, 22, 8]) {
        0 => Question::Search(parse(&asker.query())),
        1 => Question::Sql(sql::question(asker, schema)),
        _ => {
            let depth = asker.random().below(2);
            let text = if asker.random().chance(40) { "*".to_owned() } else { asker.filter(depth) };
            let ascending = asker.random().chance(50);
            // A walk of some dozen pages at most.
            let least = asker.records().div_ceil(40).max(3);
            let limit = (least * asker.random().choose(&[1, 3, 10])) as u64;
            Question::Pages { query: parse(&text), limit, ascending }
        }
    }
}

async fn one_seed(seed: u64, plan: Plan) -> Result<Tally, String> {
    let data = data_set(seed);
    let mut tally = Tally { data_sets: 1, ..Tally::default() };
    let count = if data.is_big() { plan.questions.div_ceil(4) } else { plan.questions };
    let questions = questions(seed, count, &data, plan.tamper, &mut tally);
    tally.questions = questions.len() as u64;
    for way in WAYS {
        let mut world = World::begin(&data, way[0]).await;
        let mut segments = Vec::new();
        for &state in way {
            let reached;
            (world, reached) = world.advance(state);
            if !reached {
                continue;
            }
            segments.push((state, world.segments(data.signal)));
            sane(&segments).map_err(|what| format!("seed {seed}: {what}"))?;
            whole::check(&world, &data).await.map_err(|what| format!("seed {seed}, {state:?}: {what}"))?;
            for (question, expected) in &questions {
                if let Err(difference) = check(&world, data.signal, question, expected, plan.tamper).await {
                    let smaller = shrink::shrink(&data, question, state, plan.tamper).await;
                    return Err(report(seed, state, question, &difference, smaller));
                }
            }
            tally.comparisons += questions.len() as u64;
            tally.by_state.push((format!("{state:?}"), questions.len() as u64));
        }
        let count = |wanted: State| segments.iter().find(|(state, _)| *state == wanted).map(|(_, count)| *count);
        tally.merged += u64::from(count(State::Compacted) < count(State::Segments));
    }
    Ok(tally)
}

/// The states are what they claim to be. A flush writes a segment per day, so their number is not told exactly.
fn sane(segments: &[(State, usize)]) -> Result<(), String> {
    let of = |wanted: State| segments.iter().find(|(state, _)| *state == wanted).map(|(_, count)| *count);
    let right = match segments.last() {
        Some((State::Memory, count)) => *count == 0,
        Some((State::Mixed, _)) => true,
        Some((State::Segments, count)) => of(State::Mixed).is_some_and(|before| *count > before),
        Some((State::Compacted, count)) => of(State::Segments).is_some_and(|before| *count <= before),
        Some((_, count)) => *count > 0,
        None => false,
    };
    if right { Ok(()) } else { Err(format!("the states have these numbers of segments: {segments:?}")) }
}

fn report(seed: u64, state: State, question: &Question, difference: &str, smaller: Option<shrink::Case>) -> String {
    let mut text = format!("seed {seed}, {state:?}\n  {question}\n  {difference}");
    match smaller {
        None => text.push_str("\n(a new store with the same records answers rightly)"),
        Some(case) => {
            let _ = write!(
                text,
                "\nsmaller, {} records:\n  {}\n  {}\n",
                case.records.len(),
                case.question,
                case.difference
            );
            for record in case.records.iter().take(5) {
                let record = Record { searchable: OnceLock::new(), ..record.clone() };
                let _ = writeln!(text, "  {record:?}");
            }
        }
    }
    text
}
