//! One question asked of the product and of the oracle, and the two answers compared.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampNanosecondType};
use clewline_lang::Query;
use clewline_model::signal::Signal;
use clewline_query::{Answer, QueryError, QueryErrorKind, SearchRequest};
use futures::StreamExt;

use crate::oracle::Refused;
use crate::oracle::fields::{Cell, Schema};
use crate::oracle::pipes::{self, Row, Run, UID};
use crate::records::Record;
use crate::sql::Sql;
use crate::world::{NOW, TENANT, World};

/// Rows asked for: the most one search answers.
const ROWS_MAX: usize = 10_000;

/// A question.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    Search(Query),
    /// A filter walked page by page.
    Pages {
        query: Query,
        limit: u64,
        ascending: bool,
    },
    Sql(Sql),
}

/// What is right.
pub(crate) enum Expected {
    Rows { names: Option<Vec<String>>, runs: Vec<Run> },
    Error(&'static str),
}

/// A wrong answer made on purpose: the comparison must notice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Tamper {
    Nothing,
    /// The product loses the last row of answers with more than two.
    LosesARow,
    /// The oracle takes words for substrings.
    ForgetsBoundaries,
}

impl std::fmt::Display for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Question::Search(query) => write!(f, "search  {query}"),
            Question::Pages { query, limit, ascending } => {
                write!(f, "search in pages of {limit}{}  {query}", if *ascending { ", oldest first" } else { "" })
            }
            Question::Sql(sql) => write!(f, "sql     {}", sql.text()),
        }
    }
}

/// The oracle's answer; `None` where the documentation leaves it open.
pub(crate) fn expect(question: &Question, schema: &Schema, records: &[Record], tamper: Tamper) -> Option<Expected> {
    let outcome = match question {
        Question::Search(query) => {
            let query = if tamper == Tamper::ForgetsBoundaries { without_boundaries(query) } else { query.clone() };
            pipes::answer(schema, records, &query, NOW).map(|table| {
                let table = table.limited(ROWS_MAX);
                Expected::Rows { names: Some(table.names), runs: table.runs }
            })
        }
        Question::Pages { query, ascending, .. } => pipes::answer(schema, records, query, NOW).map(|table| {
            let mut runs = table.runs;
            if *ascending {
                runs.reverse();
            }
            Expected::Rows { names: Some(table.names), runs }
        }),
        Question::Sql(sql) => sql.answer(schema, records).map(|runs| Expected::Rows { names: None, runs }),
    };
    match outcome {
        Ok(expected) => Some(expected),
        Err(Refused::Error(why)) => Some(Expected::Error(why)),
        Err(Refused::Unspecified(_)) => None,
    }
}

fn without_boundaries(query: &Query) -> Query {
    fn changed(filter: &clewline_lang::Filter) -> clewline_lang::Filter {
        use clewline_lang::{Filter, Test};
        match filter {
            Filter::And(children) => Filter::And(children.iter().map(changed).collect()),
            Filter::Or(children) => Filter::Or(children.iter().map(changed).collect()),
            Filter::Not(child) => Filter::Not(Box::new(changed(child))),
            Filter::Match { field, test: Test::Word(text) } => {
                Filter::Match { field: field.clone(), test: Test::Substring(text.clone()) }
            }
            other => other.clone(),
        }
    }
    Query { filter: changed(&query.filter), pipes: query.pipes.clone() }
}

/// Asks the product; an error is the difference found, in words.
pub(crate) async fn check(
    world: &World,
    signal: Signal,
    question: &Question,
    expected: &Expected,
    tamper: Tamper,
) -> Result<(), String> {
    let answer = ask(world, signal, question).await;
    let (names, runs) = match (expected, &answer) {
        (Expected::Error(_), Err(error)) if error.kind == QueryErrorKind::BadQuery => return Ok(()),
        (Expected::Error(why), Err(error)) => return Err(format!("expected a refusal ({why}), got {error:?}")),
        (Expected::Error(why), Ok((_, rows))) => {
            return Err(format!("expected a refusal ({why}), got {} rows", rows.len()));
        }
        (Expected::Rows { .. }, Err(error)) => return Err(format!("expected an answer, got {error:?}")),
        (Expected::Rows { names, runs }, Ok(_)) => (names, runs),
    };
    let (got_names, mut got) = answer.unwrap_or_default();
    if let Some(names) = names {
        let Some(columns) = positions(names, &got_names) else {
            return Err(format!("expected the columns {names:?}, got {got_names:?}"));
        };
        got = got.into_iter().map(|row| columns.iter().map(|&column| row[column].clone()).collect()).collect();
    }
    if tamper == Tamper::LosesARow && got.len() > 2 {
        got.pop();
    }
    compare(runs, &got)
}

/// Whole records are compared by their uid; everything else must have exactly the columns asked for.
fn positions(names: &[String], got: &[String]) -> Option<Vec<usize>> {
    if names == [UID] {
        return got.iter().position(|name| name == UID).map(|column| vec![column]);
    }
    (names == got).then(|| (0..names.len()).collect())
}

fn request(signal: Signal, query: String) -> SearchRequest {
    SearchRequest {
        tenant: TENANT.into(),
        signal,
        query,
        start: None,
        end: None,
        limit: Some(ROWS_MAX as u64),
        cursor: None,
        ascending: false,
    }
}

/// Every record, whole.
pub(crate) async fn everything(world: &World, signal: Signal) -> Result<(Vec<String>, Vec<Row>), QueryError> {
    let query = Query { filter: clewline_lang::Filter::All, pipes: Vec::new() };
    ask(world, signal, &Question::Pages { query, limit: ROWS_MAX as u64, ascending: false }).await
}

async fn ask(world: &World, signal: Signal, question: &Question) -> Result<(Vec<String>, Vec<Row>), QueryError> {
    let request = |query: &Query| request(signal, query.to_string());
    match question {
        Question::Search(query) => rows_of(world.engine.search(request(query)).await?).await,
        Question::Sql(sql) => rows_of(world.engine.sql(TENANT, &sql.text()).await?).await,
        Question::Pages { query, limit, ascending } => {
            let mut all = (Vec::new(), Vec::new());
            let mut cursor = None;
            loop {
                let page = SearchRequest { limit: Some(*limit), cursor, ascending: *ascending, ..request(query) };
                let answer = world.engine.search(page).await?;
                cursor = answer.cursor.clone();
                let (names, rows) = rows_of(answer).await?;
                let full = u64::try_from(rows.len()).is_ok_and(|rows| rows == *limit);
                all.0 = names;
                all.1.extend(rows);
                if cursor.is_none() {
                    return Ok(all);
                }
                if !full {
                    return Err(QueryError::bad_query("a page with a next one is not full"));
                }
            }
        }
    }
}

async fn rows_of(mut answer: Answer) -> Result<(Vec<String>, Vec<Row>), QueryError> {
    let names = answer.schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut rows = Vec::new();
    while let Some(batch) = answer.batches.next().await {
        add_rows(&batch?, &mut rows);
    }
    Ok((names, rows))
}

fn add_rows(batch: &RecordBatch, rows: &mut Vec<Row>) {
    for at in 0..batch.num_rows() {
        rows.push(batch.columns().iter().map(|array| cell(array, at)).collect());
    }
}

/// A value of an Arrow array.
pub(crate) fn cell(array: &ArrayRef, at: usize) -> Cell {
    if array.is_null(at) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Int64 => Cell::Int(array.as_primitive::<Int64Type>().value(at)),
        DataType::Float64 => Cell::Double(array.as_primitive::<Float64Type>().value(at)),
        DataType::Boolean => Cell::Bool(array.as_boolean().value(at)),
        DataType::Utf8View => Cell::Text(array.as_string_view().value(at).to_owned()),
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(at).to_owned()),
        DataType::Timestamp(..) => Cell::Time(array.as_primitive::<TimestampNanosecondType>().value(at)),
        DataType::FixedSizeBinary(_) => Cell::Id(array.as_fixed_size_binary().value(at).to_vec()),
        other => panic!("an answer with a column of type {other}"),
    }
}

/// The rows of each run, in any order within it; of a run that was cut, as many as were left.
fn compare(runs: &[Run], got: &[Row]) -> Result<(), String> {
    let wanted: usize = runs.iter().map(|run| run.take).sum();
    if wanted != got.len() {
        return Err(format!("expected {wanted} rows, got {}\n{}", got.len(), difference(runs, got)));
    }
    let mut rest = got;
    for run in runs {
        let (mine, after) = rest.split_at(run.take);
        rest = after;
        let (mine, mut candidates) = unmatched(mine, &run.rows);
        for row in mine {
            match candidates.iter().position(|candidate| same_row(candidate, row)) {
                Some(at) => drop(candidates.swap_remove(at)),
                None => return Err(format!("{row:?} is wrong here\n{}", difference(runs, got))),
            }
        }
    }
    Ok(())
}

/// What is left of both sides when rows that are equal to the last bit are taken away: usually nothing.
fn unmatched<'a>(got: &'a [Row], expected: &'a [Row]) -> (Vec<&'a Row>, Vec<&'a Row>) {
    let mut counts = HashMap::<String, Vec<&Row>>::new();
    for row in expected {
        counts.entry(format!("{row:?}")).or_default().push(row);
    }
    let rest = got.iter().filter(|row| counts.get_mut(&format!("{row:?}")).is_none_or(|same| same.pop().is_none()));
    let rest = rest.collect();
    (rest, counts.into_values().flatten().collect())
}

fn same_row(expected: &Row, got: &Row) -> bool {
    expected.len() == got.len() && expected.iter().zip(got).all(|(expected, got)| same(expected, got))
}

/// Sums of floats depend on the order they are added in; everything else is exact.
fn same(expected: &Cell, got: &Cell) -> bool {
    match (expected, got) {
        (Cell::Between(low, high), Cell::Double(value)) => {
            // Sketches of durations are right to one percent.
            let slack = 0.01 * low.abs().max(high.abs()).max(1e-6);
            (low - slack..=high + slack).contains(value)
        }
        (Cell::Double(a), Cell::Double(b)) => a.to_bits() == b.to_bits() || (a - b).abs() <= 1e-9 * a.abs().max(1.0),
        (a, b) => a == b,
    }
}

/// The first few rows only one side has.
fn difference(runs: &[Run], got: &[Row]) -> String {
    let all: Vec<Row> = runs.iter().flat_map(|run| run.rows.clone()).collect();
    let (mut extra, rest) = unmatched(got, &all);
    let mut missing: Vec<&Row> = Vec::new();
    for row in rest {
        match extra.iter().position(|candidate| same_row(row, candidate)) {
            Some(at) => drop(extra.remove(at)),
            None => missing.push(row),
        }
    }
    let show = |rows: &[&Row]| rows.iter().take(5).map(|row| format!("    {row:?}\n")).collect::<String>();
    format!(
        "  expected and not got ({}):\n{}  got and not expected ({}):\n{}",
        missing.len(),
        show(&missing),
        extra.len(),
        show(&extra)
    )
}
