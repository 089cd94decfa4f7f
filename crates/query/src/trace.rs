//! One trace as a tree, with its logs.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use clewline_lang::{Filter, Test, format_time};
use clewline_model::signal::Signal;
use clewline_model::text::hex;
use clewline_segment::Part;
use clewline_segment::restore::part_of;
use hashbrown::{HashMap, HashSet};
use serde_json::{Map, Value};

use crate::answer::{QueryError, Trace, TraceService};
use crate::engine::{Engine, names};
use crate::filter::bind::bind;
use crate::limits::{TRACE_LOGS_MAX, TRACE_SPANS_MAX};
use crate::render;
use crate::scan::{Need, logical_batch};
use crate::search::record_columns;
use crate::table::schema_of;

type Row = Map<String, Value>;

impl Engine {
    /// A trace by its id; `None` when nobody sent a span or log of it.
    ///
    /// # Errors
    /// Limits, or damaged data.
    pub async fn trace(&self, tenant: &str, trace_id: [u8; 16]) -> Result<Option<Trace>, QueryError> {
        let spans = self.rows_of_trace(tenant, trace_id, Signal::Spans, TRACE_SPANS_MAX).await?;
        let mut logs = self.rows_of_trace(tenant, trace_id, Signal::Logs, TRACE_LOGS_MAX).await?;
        if spans.is_empty() && logs.is_empty() {
            return Ok(None);
        }
        logs.sort_by(|a, b| text(a, "time").cmp(text(b, "time")));
        Ok(Some(tree(hex(&trace_id), spans, logs)))
    }

    async fn rows_of_trace(
        &self,
        tenant: &str,
        trace_id: [u8; 16],
        signal: Signal,
        rows_max: usize,
    ) -> Result<Vec<Row>, QueryError> {
        let running = self.start().await?;
        let snapshot = self.snapshot(tenant, signal)?;
        let columns = record_columns(&names(signal, &snapshot)?);
        let scan =
            self.scan(signal, bind(&of_trace(trace_id), &names(signal, &snapshot)?, self.now_ns())?, &running.stop);
        let work = move || {
            let schema = schema_of(&columns);
            let (units, _) = scan.units(&snapshot)?;
            let mut rows = Vec::new();
            for unit in units {
                let summary = unit.source.summary()?;
                for batch in scan.rows(&unit, &Need::Everything, false)? {
                    let batch = logical_batch(signal, &columns, &schema, &batch?, summary)?;
                    let left = rows_max.saturating_sub(rows.len()).min(batch.num_rows());
                    rows.extend((0..left).map(|row| render::row(&batch, row)));
                }
            }
            Ok(rows)
        };
        self.run(&running, work).await
    }

    /// The spans of a trace as they were received, for export; each once.
    ///
    /// # Errors
    /// Limits, or damaged data.
    pub async fn trace_parts(&self, tenant: &str, trace_id: [u8; 16]) -> Result<Vec<Part>, QueryError> {
        let running = self.start().await?;
        let snapshot = self.snapshot(tenant, Signal::Spans)?;
        let filter = bind(&of_trace(trace_id), &names(Signal::Spans, &snapshot)?, self.now_ns())?;
        let scan = self.scan(Signal::Spans, filter, &running.stop);
        let work = move || {
            let (units, _) = scan.units(&snapshot)?;
            let mut parts = Vec::new();
            for unit in units {
                for batch in scan.rows(&unit, &Need::Everything, false)? {
                    let batch: RecordBatch = batch?;
                    if batch.num_rows() > 0 {
                        parts.push(part_of(&batch, Signal::Spans)?);
                    }
                }
            }
            Ok(parts)
        };
        self.run(&running, work).await
    }
}

fn of_trace(trace_id: [u8; 16]) -> Filter {
    Filter::Match { field: Some("trace_id".into()), test: Test::Exact(hex(&trace_id)) }
}

fn text<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or("")
}

/// Times of a span: start and end, ns.
#[derive(Clone, Copy)]
struct Times {
    start: i64,
    end: i64,
}

impl Times {
    fn of(row: &Row) -> Times {
        let start = clewline_lang::parse_time(text(row, "time"), 0).unwrap_or(0);
        let duration = row.get("duration_ns").and_then(Value::as_i64).unwrap_or(0);
        Times { start, end: start.saturating_add(duration.max(0)) }
    }
}

fn tree(trace_id: String, spans: Vec<Row>, logs: Vec<Row>) -> Trace {
    let mut problems = Vec::new();
    let spans = unique(spans, &mut problems);
    let times: Vec<Times> = spans.iter().map(Times::of).collect();
    let start =
        times.iter().map(|t| t.start).min().or_else(|| logs.first().map(|log| Times::of(log).start)).unwrap_or(0);
    let end = times.iter().map(|t| t.end).max().unwrap_or(start);
    let shape = Shape::of(&spans, &times, &mut problems);
    let mut services: BTreeMap<String, TraceService> = BTreeMap::new();
    let mut rows = Vec::with_capacity(spans.len());
    let mut error_count = 0;
    let mut spans: Vec<Option<Row>> = spans.into_iter().map(Some).collect();
    for &(index, depth) in &shape.order {
        let Some(mut row) = spans[index].take() else { continue };
        let self_time = self_time(times[index], shape.children[index].iter().map(|&child| times[child]));
        let name = text(&row, "service").to_owned();
        let service = services.entry(name.clone()).or_insert(TraceService { service: name, spans: 0, self_time_ns: 0 });
        service.spans += 1;
        service.self_time_ns += self_time;
        error_count += usize::from(text(&row, "status") == "error");
        row.insert("depth".into(), depth.into());
        row.insert("start_offset_ns".into(), times[index].start.saturating_sub(start).into());
        row.insert("self_time_ns".into(), self_time.into());
        row.insert("missing_parent".into(), shape.orphans.contains(&index).into());
        row.remove("trace_id");
        finish_events(&mut row, start);
        rows.push(row);
    }
    let mut services: Vec<TraceService> = services.into_values().collect();
    services.sort_by_key(|service| std::cmp::Reverse(service.self_time_ns));
    Trace {
        trace_id,
        start: format_time(start),
        duration_ns: end.saturating_sub(start),
        span_count: rows.len(),
        error_count,
        services,
        problems,
        spans: rows,
        logs,
    }
}

/// Each (span id, start) once: a span may be in two segments until they are merged.
fn unique(spans: Vec<Row>, problems: &mut Vec<String>) -> Vec<Row> {
    let mut seen: HashSet<(String, String)> = HashSet::new();
    let before = spans.len();
    let unique: Vec<Row> =
        spans.into_iter().filter(|row| seen.insert((text(row, "span_id").into(), text(row, "time").into()))).collect();
    if unique.len() == TRACE_SPANS_MAX.min(before) && before == TRACE_SPANS_MAX {
        problems.push(format!("only the first {TRACE_SPANS_MAX} spans are shown"));
    }
    unique
}

/// Who is below whom.
struct Shape {
    /// Pre-order: index and depth.
    order: Vec<(usize, usize)>,
    children: Vec<Vec<usize>>,
    /// Spans whose parent is not here.
    orphans: HashSet<usize>,
}

impl Shape {
    fn of(spans: &[Row], times: &[Times], problems: &mut Vec<String>) -> Shape {
        let mut by_id: HashMap<&str, usize> = HashMap::new();
        for (index, span) in spans.iter().enumerate() {
            by_id.entry(text(span, "span_id")).or_insert(index);
        }
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
        let mut roots = Vec::new();
        let mut orphans = HashSet::new();
        for (index, span) in spans.iter().enumerate() {
            match (text(span, "parent_span_id"), by_id.get(text(span, "parent_span_id"))) {
                ("", _) => roots.push(index),
                (_, Some(&parent)) if parent != index => children[parent].push(index),
                _ => {
                    orphans.insert(index);
                    roots.push(index);
                }
            }
        }
        if !orphans.is_empty() {
            problems.push(format!("{} span(s) name a parent that is not here", orphans.len()));
        }
        let key = |&index: &usize| (times[index].start, std::cmp::Reverse(times[index].end), index);
        children.iter_mut().for_each(|list| list.sort_by_key(key));
        roots.sort_by_key(key);
        let mut shape = Shape { order: Vec::with_capacity(spans.len()), children, orphans };
        shape.walk(roots, &mut vec![false; spans.len()]);
        if shape.order.len() < spans.len() {
            problems.push(format!("{} span(s) are their own ancestors", spans.len() - shape.order.len()));
            let mut seen = vec![false; spans.len()];
            shape.order.iter().for_each(|&(index, _)| seen[index] = true);
            for index in 0..spans.len() {
                if !seen[index] {
                    shape.walk(vec![index], &mut seen);
                }
            }
        }
        shape
    }

    /// Appends the trees under `roots`; no recursion, so depth is no danger.
    fn walk(&mut self, roots: Vec<usize>, seen: &mut [bool]) {
        let mut stack: Vec<(usize, usize)> = roots.into_iter().rev().map(|root| (root, 0)).collect();
        while let Some((index, depth)) = stack.pop() {
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            self.order.push((index, depth));
            stack.extend(self.children[index].iter().rev().map(|&child| (child, depth + 1)));
        }
    }
}

/// The part of a span no child covers.
fn self_time(span: Times, children: impl Iterator<Item = Times>) -> i64 {
    let mut covered = 0;
    let mut reached = span.start;
    // Children come by start.
    for child in children {
        let (start, end) = (child.start.max(reached), child.end.min(span.end));
        if end > start {
            covered += end.saturating_sub(start);
            reached = end;
        }
    }
    span.end.saturating_sub(span.start).saturating_sub(covered).max(0)
}

/// Event times as people read them, and their offset in the trace.
fn finish_events(row: &mut Row, start: i64) {
    if let Some(Value::Array(events)) = row.get_mut("events") {
        for event in events {
            let Some(event) = event.as_object_mut() else { continue };
            let at = event.remove("time_ns").as_ref().and_then(Value::as_i64).unwrap_or(start);
            event.insert("time".into(), format_time(at).into());
            event.insert("offset_ns".into(), at.saturating_sub(start).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: &str, start: i64, duration: i64) -> Row {
        let mut row = Row::new();
        row.insert("span_id".into(), id.into());
        row.insert("parent_span_id".into(), parent.into());
        row.insert("time".into(), format_time(1_700_000_000_000_000_000 + start).into());
        row.insert("duration_ns".into(), duration.into());
        row.insert("service".into(), "s".into());
        row
    }

    fn ids(trace: &Trace) -> Vec<(&str, u64)> {
        trace.spans.iter().map(|s| (text(s, "span_id"), s["depth"].as_u64().expect("a depth"))).collect()
    }

    #[test]
    fn children_follow_their_parent_by_start() {
        let spans = vec![span("c", "a", 30, 10), span("b", "a", 10, 10), span("a", "", 0, 100), span("d", "b", 12, 3)];
        let trace = tree("t".into(), spans, Vec::new());
        assert_eq!(ids(&trace), [("a", 0), ("b", 1), ("d", 2), ("c", 1)]);
        assert_eq!(trace.spans[0]["self_time_ns"], 80);
        assert_eq!(trace.duration_ns, 100);
        assert!(trace.problems.is_empty());
    }

    #[test]
    fn orphans_cycles_and_repeats_are_shown_and_named() {
        let spans = vec![span("a", "z", 0, 5), span("b", "c", 1, 1), span("c", "b", 2, 1), span("a", "z", 0, 5)];
        let trace = tree("t".into(), spans, Vec::new());
        assert_eq!(trace.span_count, 3);
        assert_eq!(trace.problems.len(), 2);
        assert_eq!(trace.spans[0]["missing_parent"], true);
    }

    #[test]
    fn overlapping_children_are_not_counted_twice() {
        let at = |start, end| Times { start, end };
        assert_eq!(self_time(at(0, 100), [at(10, 50), at(20, 30), at(40, 120)].into_iter()), 10);
    }
}
