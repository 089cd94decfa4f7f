//! What the pipes make of the records that pass ("Pipes").
//!
//! A table is a list of runs. Rows of a run tie under the order asked for: they may come in any order, and where a limit
//! cuts through a run, any of its rows may be the ones that stay.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use clewline_lang::{Aggregate, Bucket, Filter, Function, Pipe, Query, SortKey, Stats, Test};

use super::Refused;
use super::fields::{Cell, Schema, Type};
use super::filter::{TextTest, cell_passes, passes};
use crate::records::Record;

pub(crate) type Row = Vec<Cell>;

/// The name under which whole records are compared.
pub(crate) const UID: &str = "dropped_attributes";

/// Rows that tie, of which `take` are in the answer.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) rows: Vec<Row>,
    pub(crate) take: usize,
}

/// The right answer.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) names: Vec<String>,
    types: Vec<Type>,
    pub(crate) runs: Vec<Run>,
}

/// The answer to a query: whole records (their uid alone), or what the pipes make.
pub(crate) fn answer(schema: &Schema, records: &[Record], query: &Query, now_ns: i64) -> Result<Table, Refused> {
    let leading = query.pipes.iter().take_while(|pipe| matches!(pipe, Pipe::Where(_))).count();
    let mut kept = Vec::new();
    for record in records {
        let mut pass = passes(schema, record, &query.filter, now_ns)?;
        for pipe in &query.pipes[..leading] {
            if let Pipe::Where(filter) = pipe {
                pass &= passes(schema, record, filter, now_ns)?;
            }
        }
        if pass {
            kept.push(record);
        }
    }
    let rest = &query.pipes[leading..];
    let table = newest_first(schema, kept, rest);
    let whole = !rest.iter().any(|pipe| pipe.makes_new_rows() || matches!(pipe, Pipe::Fields(_)));
    let mut table = rest.iter().try_fold(table, |table, pipe| apply(table, pipe, now_ns))?;
    if whole {
        table = table.project(&[UID.to_owned()])?;
    }
    Ok(table)
}

/// The records as a table of everything the pipes name, newest first.
fn newest_first(schema: &Schema, mut records: Vec<&Record>, pipes: &[Pipe]) -> Table {
    let named = Query { filter: Filter::All, pipes: pipes.to_vec() }.fields();
    let names: Vec<String> = named.into_iter().filter(|name| name != UID).chain([UID.to_owned()]).collect();
    let fields: Vec<_> = names.iter().map(|name| schema.field(name)).collect();
    let key = |record: &Record| (std::cmp::Reverse(record.time), std::cmp::Reverse(record.batch));
    records.sort_by_key(|record| key(record));
    let row = |record: &&Record| -> Row { fields.iter().map(|field| schema.value(record, field)).collect() };
    let runs = records.chunk_by(|a, b| key(a) == key(b)).map(|run| Run::whole(run.iter().map(row).collect()));
    Table { names, types: fields.iter().map(|field| schema.type_of(field)).collect(), runs: runs.collect() }
}

impl Run {
    fn whole(rows: Vec<Row>) -> Run {
        Run { take: rows.len(), rows }
    }
}

impl Table {
    fn column(&self, name: &str) -> Result<usize, Refused> {
        self.names.iter().position(|known| known == name).ok_or(Refused::Error("no such column here"))
    }

    fn columns(&self, names: &[String]) -> Result<Vec<usize>, Refused> {
        names.iter().map(|name| self.column(name)).collect()
    }

    /// All rows, unless which rows there are is open.
    fn rows(self) -> Result<Vec<Row>, Refused> {
        if self.runs.iter().any(|run| run.take < run.rows.len()) {
            return Err(Refused::Unspecified("a pipe after a limit that cuts through equal rows"));
        }
        Ok(self.runs.into_iter().flat_map(|run| run.rows).collect())
    }

    fn project(mut self, names: &[String]) -> Result<Table, Refused> {
        let columns = self.columns(names)?;
        for run in &mut self.runs {
            for row in &mut run.rows {
                *row = columns.iter().map(|&column| row[column].clone()).collect();
            }
        }
        let types = columns.iter().map(|&column| self.types[column]).collect();
        Ok(Table { names: names.to_vec(), types, runs: self.runs })
    }

    pub(crate) fn limited(mut self, mut count: usize) -> Table {
        for run in &mut self.runs {
            run.take = run.take.min(count);
            count -= run.take;
        }
        self.runs.retain(|run| run.take > 0);
        self
    }

    fn skipped(mut self, mut count: usize) -> Table {
        for run in &mut self.runs {
            let gone = run.take.min(count);
            run.take -= gone;
            count -= gone;
        }
        self.runs.retain(|run| run.take > 0);
        self
    }
}

fn apply(table: Table, pipe: &Pipe, now_ns: i64) -> Result<Table, Refused> {
    let size = |count: u64| usize::try_from(count).unwrap();
    match pipe {
        Pipe::Fields(names) => table.project(names),
        Pipe::Limit(count) => Ok(table.limited(size(*count))),
        Pipe::Offset(count) => Ok(table.skipped(size(*count))),
        Pipe::Sort(keys) => sort(table, keys),
        Pipe::Stats(wanted) => stats(table, wanted),
        Pipe::Top(top) => {
            let mut counted = groups(table, &top.fields)?;
            counted.runs.sort_by(|a, b| {
                let hits = |run: &Run| run.rows[0].last().cloned().unwrap_or(Cell::Null);
                order(&hits(b), &hits(a)).then_with(|| order_rows(&a.rows[0], &b.rows[0]))
            });
            Ok(counted.limited(size(top.n)))
        }
        Pipe::Uniq(uniq) => {
            let counted = groups(table, &uniq.fields)?;
            let mut rows = counted.runs.iter().flat_map(|run| run.rows.clone()).collect::<Vec<_>>();
            let (mut names, mut types) = (counted.names, counted.types);
            if !uniq.with_hits {
                names.pop();
                types.pop();
                rows.iter_mut().for_each(|row| drop(row.pop()));
            }
            let table = Table { names, types, runs: vec![Run::whole(rows)] };
            Ok(uniq.limit.map_or(table.clone(), |limit| table.limited(size(limit))))
        }
        Pipe::Where(filter) => {
            let (names, types) = (table.names.clone(), table.types.clone());
            let runs = table.runs.clone();
            table.rows()?;
            // A refusal does not wait for a row.
            row_passes(&names, &types, &vec![Cell::Null; names.len()], filter, now_ns)?;
            let mut kept = Vec::new();
            for run in runs {
                let mut rows = Vec::new();
                for row in run.rows {
                    if row_passes(&names, &types, &row, filter, now_ns)? {
                        rows.push(row);
                    }
                }
                kept.push(Run::whole(rows));
            }
            Ok(Table { names, types, runs: kept })
        }
    }
}

/// True when a row between two pipes passes.
fn row_passes(names: &[String], types: &[Type], row: &Row, filter: &Filter, now_ns: i64) -> Result<bool, Refused> {
    let child = |child: &Filter| row_passes(names, types, row, child, now_ns);
    let list = |children: &[Filter]| children.iter().map(child).collect::<Result<Vec<bool>, Refused>>();
    Ok(match filter {
        Filter::All => true,
        Filter::And(children) => list(children)?.into_iter().all(|passed| passed),
        Filter::Or(children) => list(children)?.into_iter().any(|passed| passed),
        Filter::Not(inner) => !child(inner)?,
        Filter::Time(_) => return Err(Refused::Error("a time range belongs before the first pipe")),
        Filter::Match { field: None, .. } if names.iter().any(|name| name == UID) => {
            return Err(Refused::Unspecified("any field of a record, after a pipe"));
        }
        Filter::Match { field: None, test: Test::Any } => true,
        Filter::Match { field: None, test } => {
            let test = TextTest::of(test)?;
            row.iter().any(|cell| cell.text().is_some_and(|text| test.passes(&text)))
        }
        Filter::Match { field: Some(name), test } => {
            let column = names.iter().position(|known| known == name).ok_or(Refused::Error("no such column"))?;
            if matches!(types[column], Type::Time | Type::Id) {
                return Err(Refused::Unspecified("times and ids after a pipe"));
            }
            cell_passes(&row[column], types[column], test, now_ns)?
        }
    })
}

fn sort(table: Table, keys: &[SortKey]) -> Result<Table, Refused> {
    let columns: Vec<(usize, bool)> =
        keys.iter().map(|key| Ok((table.column(&key.field)?, key.desc))).collect::<Result<_, Refused>>()?;
    let (names, types) = (table.names.clone(), table.types.clone());
    let mut rows = table.rows()?;
    let compare = |a: &Row, b: &Row| {
        let by = |&(column, desc): &(usize, bool)| match (&a[column], &b[column]) {
            // Absent comes last in either direction.
            (Cell::Null, _) | (_, Cell::Null) => order(&a[column], &b[column]),
            (x, y) if desc => order(y, x),
            (x, y) => order(x, y),
        };
        columns.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    rows.sort_by(compare);
    let runs = rows.chunk_by(|a, b| compare(a, b).is_eq()).map(|run| Run::whole(run.to_vec())).collect();
    Ok(Table { names, types, runs })
}

/// Rows by their values in some columns, in the order of those values.
struct Grouped(BTreeMap<String, (Row, Vec<Row>)>);

impl Grouped {
    fn of(rows: Vec<Row>, key: impl Fn(&Row) -> Row) -> Grouped {
        let mut groups = BTreeMap::<String, (Row, Vec<Row>)>::new();
        for row in rows {
            let key = key(&row);
            groups.entry(format!("{key:?}")).or_insert_with(|| (key, Vec::new())).1.push(row);
        }
        Grouped(groups)
    }

    fn in_order(self) -> Vec<(Row, Vec<Row>)> {
        let mut groups: Vec<(Row, Vec<Row>)> = self.0.into_values().collect();
        groups.sort_by(|a, b| order_rows(&a.0, &b.0));
        groups
    }
}

/// Each combination and its number, a run each.
fn groups(table: Table, fields: &[String]) -> Result<Table, Refused> {
    let columns = table.columns(fields)?;
    let mut types: Vec<Type> = columns.iter().map(|&column| table.types[column]).collect();
    types.push(Type::Int);
    let mut names = fields.to_vec();
    names.push("hits".to_owned());
    let grouped = Grouped::of(table.rows()?, |row| columns.iter().map(|&column| row[column].clone()).collect());
    let runs = grouped.in_order().into_iter().map(|(mut key, rows)| {
        key.push(Cell::Int(i64::try_from(rows.len()).unwrap()));
        Run::whole(vec![key])
    });
    Ok(Table { names, types, runs: runs.collect() })
}

fn stats(table: Table, wanted: &Stats) -> Result<Table, Refused> {
    let by: Vec<(usize, Option<Bucket>)> =
        wanted.by.iter().map(|key| Ok((table.column(&key.field)?, key.bucket))).collect::<Result<_, Refused>>()?;
    let arguments: Vec<Vec<usize>> =
        wanted.aggregates.iter().map(|a| table.columns(&a.fields)).collect::<Result<_, Refused>>()?;
    let kinds = table.types.clone();
    let mut names: Vec<String> = wanted.by.iter().map(|key| key.field.clone()).collect();
    names.extend(wanted.aggregates.iter().map(|a| a.alias.clone()));
    let mut types: Vec<Type> = by
        .iter()
        .map(
            |(column, bucket)| {
                if bucket.is_some() && kinds[*column] != Type::Time { Type::Double } else { kinds[*column] }
            },
        )
        .collect();
    for (aggregate, fields) in wanted.aggregates.iter().zip(&arguments) {
        types.push(type_of(aggregate.function, fields.first().map_or(Type::Int, |&column| kinds[column])));
    }
    let key = |row: &Row| -> Row { by.iter().map(|(column, bucket)| bucket_of(&row[*column], *bucket)).collect() };
    let mut grouped = Grouped::of(table.rows()?, key).in_order();
    if by.is_empty() && grouped.is_empty() {
        grouped.push((Vec::new(), Vec::new()));
    }
    let mut runs = Vec::new();
    for (mut row, rows) in grouped {
        for (aggregate, fields) in wanted.aggregates.iter().zip(&arguments) {
            let values: Vec<Row> =
                rows.iter().map(|row| fields.iter().map(|&column| row[column].clone()).collect()).collect();
            row.push(value_of(aggregate, &values));
        }
        runs.push(Run::whole(vec![row]));
    }
    Ok(Table { names, types, runs })
}

fn type_of(function: Function, argument: Type) -> Type {
    match function {
        Function::Count | Function::CountUniq => Type::Int,
        Function::Sum if matches!(argument, Type::Int | Type::Bool) => Type::Int,
        Function::Min | Function::Max => argument,
        Function::Sum | Function::Avg | Function::Median | Function::Quantile(_) => Type::Double,
    }
}

/// Down to a multiple of the width; times from the epoch.
fn bucket_of(cell: &Cell, bucket: Option<Bucket>) -> Cell {
    let (step, ns) = match bucket {
        None => return cell.clone(),
        Some(Bucket::Duration(ns)) => (ns as f64, ns),
        Some(Bucket::Number(step)) => (step, 0),
    };
    match cell {
        Cell::Time(time) if ns > 0 => Cell::Time(time.div_euclid(ns) * ns),
        other => number(other).map_or(Cell::Null, |value| Cell::Double((value / step).floor() * step)),
    }
}

/// A value as a number; a text counts where it is one.
fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Int(int) => Some(*int as f64),
        Cell::Double(double) => Some(*double),
        Cell::Bool(bool) => Some(f64::from(u8::from(*bool))),
        Cell::Text(text) => text.parse().ok(),
        Cell::Null | Cell::Time(_) | Cell::Id(_) | Cell::Between(..) => None,
    }
}

fn value_of(aggregate: &Aggregate, values: &[Row]) -> Cell {
    let count = |n: usize| Cell::Int(i64::try_from(n).unwrap());
    let first = || values.iter().map(|row| &row[0]).filter(|cell| cell.is_present());
    let numbers = || first().filter_map(number);
    match aggregate.function {
        Function::Count if aggregate.fields.is_empty() => count(values.len()),
        Function::Count => count(first().count()),
        Function::CountUniq => {
            let present = values.iter().filter(|row| row.iter().any(Cell::is_present));
            let texts = present.map(|row| row.iter().map(|cell| cell.text().unwrap_or_default()).collect::<Vec<_>>());
            count(texts.collect::<BTreeSet<_>>().len())
        }
        Function::Sum if first().all(|cell| matches!(cell, Cell::Int(_) | Cell::Bool(_))) => {
            let whole =
                |cell: &Cell| if let Cell::Int(int) = cell { *int } else { i64::from(*cell == Cell::Bool(true)) };
            first().map(whole).reduce(|a, b| a + b).map_or(Cell::Null, Cell::Int)
        }
        Function::Sum => numbers().reduce(|a, b| a + b).map_or(Cell::Null, Cell::Double),
        Function::Avg => {
            let n = numbers().count();
            if n == 0 { Cell::Null } else { Cell::Double(numbers().sum::<f64>() / n as f64) }
        }
        Function::Min => first().min_by(|a, b| order(a, b)).cloned().unwrap_or(Cell::Null),
        Function::Max => first().max_by(|a, b| order(a, b)).cloned().unwrap_or(Cell::Null),
        // Quantiles are approximate: checked to lie between the least and the greatest value.
        Function::Median | Function::Quantile(_) => {
            let low = numbers().reduce(f64::min);
            low.zip(numbers().reduce(f64::max)).map_or(Cell::Null, |(low, high)| Cell::Between(low, high))
        }
    }
}

/// The order of values of one field; absent last.
pub(crate) fn order(a: &Cell, b: &Cell) -> Ordering {
    match (a, b) {
        (Cell::Null, Cell::Null) => Ordering::Equal,
        (Cell::Null, _) => Ordering::Greater,
        (_, Cell::Null) => Ordering::Less,
        (Cell::Int(a), Cell::Int(b)) => a.cmp(b),
        (Cell::Double(a), Cell::Double(b)) => a.total_cmp(b),
        (Cell::Bool(a), Cell::Bool(b)) => a.cmp(b),
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        (Cell::Time(a), Cell::Time(b)) => a.cmp(b),
        (Cell::Id(a), Cell::Id(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

fn order_rows(a: &Row, b: &Row) -> Ordering {
    a.iter().zip(b).map(|(a, b)| order(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
