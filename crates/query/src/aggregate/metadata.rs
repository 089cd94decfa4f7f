//! What segments answer without rows, and which rows remain to be read.

use std::sync::Arc;

use clewline_model::signal::{Signal, log, span};
use clewline_segment::SegmentError;
use clewline_segment::sidecar::cube::{Cube, MINUTE_NS};
use clewline_segment::sidecar::{ColumnKind, Sidecar};
use clewline_store::{SegmentEntry, Snapshot};

use super::groups::{ABSENT, Groups, time_id};
use super::{Counting, Key, looked_at};
use crate::answer::QueryStatistics;
use crate::columns::physical_names;
use crate::filter::index::{Indexed, count};
use crate::filter::test::TextTest;
use crate::filter::{Node, RowFilter, prune};
use crate::limits::COUNTING_KEYS_MAX;
use crate::names::Binding;
use crate::scan::Scan;
use crate::source::Unit;

/// Rows to read: a scan and its units.
pub(super) type Task = (Scan, Vec<Unit>);

/// Puts into `groups` what needs no rows; returns the reads that are left.
pub(super) fn answer(
    counting: &Counting,
    scan: &Scan,
    snapshot: &Snapshot,
    groups: &mut Groups,
) -> Result<(Vec<Task>, QueryStatistics), SegmentError> {
    let mut statistics = QueryStatistics::default();
    let mut units = Vec::new();
    for part in &snapshot.parts {
        let (_, summary) = part.columns()?;
        if !prune::source_is_out(&scan.filter, summary) {
            units.push(Unit::of_memory(part, summary));
        }
    }
    let mut tasks = Vec::new();
    for entry in &snapshot.segments {
        if prune::source_is_out(&scan.filter, &entry.summary) {
            statistics.segments_pruned += 1;
            continue;
        }
        statistics.segments += 1;
        let rest = match scan.opened.index(entry) {
            Some(index) => of_segment(counting, scan, entry, &index, groups),
            None => Rest::Rows,
        };
        match rest {
            Rest::Nothing => {}
            Rest::Rows => {
                let before = units.len();
                scan.segment_units(entry, &mut units)?;
                if counting.keys.is_empty() && counting.counts_only() {
                    count_sure(&mut units, before, groups);
                }
            }
            Rest::Windows(windows) => {
                let mut filter = (*scan.filter).clone();
                filter.and(Vec::new(), windows);
                let scan = Scan { filter: Arc::new(filter), ..scan.clone() };
                let mut units = Vec::new();
                scan.segment_units(entry, &mut units)?;
                looked_at(&mut statistics, &units);
                tasks.push((scan, units));
            }
        }
    }
    looked_at(&mut statistics, &units);
    tasks.push((scan.clone(), units));
    Ok((tasks, statistics))
}

/// What is left to do for a segment.
enum Rest {
    Nothing,
    /// All its rows.
    Rows,
    /// The rows of these times.
    Windows(Node),
}

/// Counts rows known to pass instead of reading them.
fn count_sure(units: &mut Vec<Unit>, from: usize, groups: &mut Groups) {
    let mut sure = 0;
    let mut at = 0;
    units.retain(|unit| {
        at += 1;
        if at > from && unit.sure {
            sure += unit.rows;
            return false;
        }
        true
    });
    groups.add([ABSENT; COUNTING_KEYS_MAX], sure, None);
}

fn of_segment(counting: &Counting, scan: &Scan, entry: &SegmentEntry, index: &Sidecar, groups: &mut Groups) -> Rest {
    let at = Indexed { signal: scan.signal, summary: &entry.summary, index };
    if counting.counts_only() {
        if counting.keys.is_empty()
            && let Some(rows) = count(&scan.filter, at)
        {
            groups.add([ABSENT; COUNTING_KEYS_MAX], rows, None);
            return Rest::Nothing;
        }
        let (low, high) = scan.filter.time_bounds();
        let inside = entry.summary.time_min >= low && entry.summary.time_max < high;
        let only_time = scan.filter.conjuncts.iter().all(|node| matches!(node, Node::Time { .. }));
        if only_time && inside && from_values(counting, at, groups) {
            return Rest::Nothing;
        }
    }
    match &index.cube {
        Some(cube) if entry.summary.time_min > 0 => from_cube(counting, scan, entry, cube, groups),
        _ => Rest::Rows,
    }
}

/// Counts of one text column from its list of values; false when the list is not enough.
fn from_values(counting: &Counting, at: Indexed<'_>, groups: &mut Groups) -> bool {
    let [(_, Key::Text(key))] = counting.keys.as_slice() else { return false };
    let names = physical_names(at.signal, &key.binding, at.summary);
    let [name] = names.as_slice() else { return false };
    let Some(column) = at.index.column(name) else { return false };
    if !column.is_complete(at.index.chunks.len()) || matches!(column.kind, ColumnKind::Rest | ColumnKind::Id) {
        return false;
    }
    for value in &column.values {
        let mut id = [ABSENT; COUNTING_KEYS_MAX];
        id[0] = groups.text(0, Some(&value.text));
        groups.add(id, value.count, None);
    }
    groups.add([ABSENT; COUNTING_KEYS_MAX], column.nulls, None);
    true
}

/// A dimension of the cube.
#[derive(Clone, Copy, PartialEq)]
enum Dimension {
    Service,
    Level,
}

fn dimension(signal: Signal, binding: &Binding) -> Option<Dimension> {
    match (signal, binding) {
        (Signal::Logs, Binding::Fixed(log::SERVICE)) | (Signal::Spans, Binding::Fixed(span::SERVICE)) => {
            Some(Dimension::Service)
        }
        (Signal::Logs, Binding::Fixed(log::LEVEL)) | (Signal::Spans, Binding::Fixed(span::STATUS)) => {
            Some(Dimension::Level)
        }
        _ => None,
    }
}

/// The conditions on cells a filter consists of, its times apart; `None` when it has others.
fn conditions(filter: &RowFilter, signal: Signal) -> Option<Vec<(Dimension, &TextTest)>> {
    let mut tests = Vec::new();
    for node in &filter.conjuncts {
        match node {
            Node::Time { .. } | Node::All => {}
            Node::Text { column, test } => tests.push((dimension(signal, &filter.columns[*column].binding)?, test)),
            _ => return None,
        }
    }
    Some(tests)
}

fn from_cube(counting: &Counting, scan: &Scan, entry: &SegmentEntry, cube: &Cube, groups: &mut Groups) -> Rest {
    let usable_key = |(_, key): &(String, Key)| match key {
        Key::Text(column) => dimension(scan.signal, &column.binding).is_some(),
        Key::Time(_, step) => step % MINUTE_NS == 0,
    };
    let Some(tests) = conditions(&scan.filter, scan.signal) else { return Rest::Rows };
    if counting.ids.is_some() || !counting.keys.iter().all(usable_key) {
        return Rest::Rows;
    }
    let (low, high) = scan.filter.time_bounds();
    // Whole minutes inside the asked time; all of them where the segment lies inside.
    let inside = entry.summary.time_min >= low && entry.summary.time_max < high;
    let first = if inside { i64::MIN } else { low.saturating_add(MINUTE_NS - 1).div_euclid(MINUTE_NS) };
    let end = if inside { i64::MAX } else { high.div_euclid(MINUTE_NS) };
    if first >= end {
        return Rest::Rows;
    }
    let passes: [Vec<bool>; 2] =
        [(Dimension::Service, &cube.services), (Dimension::Level, &cube.levels)].map(|(dimension, names)| {
            let mine = || tests.iter().filter(|(of, _)| *of == dimension);
            // Absent texts are empty here, and pass no test.
            names.iter().map(|name| mine().all(|(_, test)| !name.is_empty() && test.passes(name))).collect()
        });
    let numbers: Vec<Vec<u64>> = counting
        .keys
        .iter()
        .enumerate()
        .map(|(at, (_, key))| match key {
            Key::Text(column) => {
                let service = dimension(scan.signal, &column.binding) == Some(Dimension::Service);
                let names = if service { &cube.services } else { &cube.levels };
                names.iter().map(|name| groups.text(at, Some(name.as_str()).filter(|n| !n.is_empty()))).collect()
            }
            Key::Time(..) => Vec::new(),
        })
        .collect();
    for cell in &cube.cells {
        let wanted = passes[0][cell.service as usize] && passes[1][cell.level as usize];
        if !wanted || cell.minute < first || cell.minute >= end {
            continue;
        }
        let mut id = [ABSENT; COUNTING_KEYS_MAX];
        for (at, (_, key)) in counting.keys.iter().enumerate() {
            id[at] = match key {
                Key::Time(_, step) => time_id(cell.minute * MINUTE_NS, *step),
                Key::Text(column) if dimension(scan.signal, &column.binding) == Some(Dimension::Service) => {
                    numbers[at][cell.service as usize]
                }
                Key::Text(_) => numbers[at][cell.level as usize],
            };
        }
        groups.add(id, cell.count, cell.durations.as_ref());
    }
    if inside {
        return Rest::Nothing;
    }
    Rest::Windows(Node::Or(vec![
        Node::Time { low, high: first.saturating_mul(MINUTE_NS).min(high) },
        Node::Time { low: end.saturating_mul(MINUTE_NS).max(low), high },
    ]))
}
