//! The order of rows inside a segment, and the removal of repeated spans.
//!
//! Logs: (service, template, time). Rows of one template lie together: their bodies compress against each other and a
//! template is a few contiguous ranges. Spans: (first start of the trace in this segment, trace id, start, span id), so
//! a trace is one range. Metrics: (service, name, time). Equal spans (same trace id, span id and start) are one span
//! written twice; the first sequence number stays.

use clewline_model::batch::{Batch, Column};
use clewline_model::signal::{Signal, log, metric, span};
use hashbrown::HashMap;

use crate::gather::RowRef;
use crate::part::Part;

/// All rows of `parts` in segment order, and how many repeated spans were left out.
pub fn ordered(signal: Signal, parts: &[Part]) -> (Vec<RowRef>, u64) {
    match signal {
        Signal::Logs => (
            by_key(parts, &[log::SERVICE], |batch, row| batch.columns[log::TEMPLATE_ID].ints()[row].cast_unsigned()),
            0,
        ),
        Signal::Metrics => (by_key(parts, &[metric::SERVICE, metric::NAME], |_, _| 0), 0),
        Signal::Spans => by_trace(parts),
    }
}

fn rows_of(parts: &[Part]) -> impl Iterator<Item = RowRef> + '_ {
    parts.iter().enumerate().flat_map(|(part, p)| (0..p.rows()).map(move |row| RowRef::new(part, row)))
}

/// Sorts by some text columns, a number and the time.
fn by_key(parts: &[Part], texts: &[usize], number: impl Fn(&Batch, usize) -> u64) -> Vec<RowRef> {
    let ranks = Ranks::of(parts, texts);
    let mut keyed: Vec<(u32, u64, i64, RowRef)> = rows_of(parts)
        .map(|at| {
            let batch = &*parts[at.part()].batch;
            (ranks.rank(at), number(batch, at.row()), batch.times()[at.row()], at)
        })
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(.., at)| at).collect()
}

/// The alphabetical rank of each row's texts, found once per distinct text.
struct Ranks {
    per_part: Vec<Vec<u32>>,
}

impl Ranks {
    fn of(parts: &[Part], texts: &[usize]) -> Ranks {
        let mut numbers: HashMap<Vec<u8>, u32> = HashMap::new();
        let mut per_part: Vec<Vec<u32>> = Vec::with_capacity(parts.len());
        let mut key = Vec::new();
        for part in parts {
            let columns: Vec<&Column> = texts.iter().map(|&text| &part.batch.columns[text]).collect();
            let mut ids = Vec::with_capacity(part.rows());
            let mut last: Option<u32> = None;
            let mut last_key = Vec::new();
            for row in 0..part.rows() {
                key.clear();
                for column in &columns {
                    key.extend_from_slice(column.text_bytes(row));
                    key.push(0);
                }
                let id = match last {
                    Some(id) if last_key == key => id,
                    _ => {
                        let next = u32::try_from(numbers.len()).expect("distinct texts of a bounded segment fit u32");
                        let id = *numbers.entry_ref(&key[..]).or_insert(next);
                        last_key.clone_from(&key);
                        id
                    }
                };
                last = Some(id);
                ids.push(id);
            }
            per_part.push(ids);
        }
        let mut sorted: Vec<(&Vec<u8>, u32)> = numbers.iter().map(|(key, &id)| (key, id)).collect();
        sorted.sort_unstable();
        let mut rank_of = vec![0u32; sorted.len()];
        for (rank, (_, id)) in (0u32..).zip(sorted) {
            rank_of[id as usize] = rank;
        }
        for ids in &mut per_part {
            for id in ids {
                *id = rank_of[*id as usize];
            }
        }
        Ranks { per_part }
    }

    fn rank(&self, at: RowRef) -> u32 {
        self.per_part[at.part()][at.row()]
    }
}

fn by_trace(parts: &[Part]) -> (Vec<RowRef>, u64) {
    let mut first_start: HashMap<[u8; 16], i64> = HashMap::new();
    for part in parts {
        let (traces, _) = ids(&part.batch);
        for (trace, &time) in traces.iter().zip(part.batch.times()) {
            first_start.entry(*trace).and_modify(|first| *first = time.min(*first)).or_insert(time);
        }
    }
    let mut keyed: Vec<(i64, [u8; 16], i64, [u8; 8], i64, RowRef)> = rows_of(parts)
        .map(|at| {
            let part = &parts[at.part()];
            let (traces, spans) = ids(&part.batch);
            let (trace, row) = (traces[at.row()], at.row());
            (first_start[&trace], trace, part.batch.times()[row], spans[row], part.seqs.at(row), at)
        })
        .collect();
    keyed.sort_unstable();
    let before = keyed.len();
    keyed.dedup_by(|a, b| (a.1, a.2, a.3) == (b.1, b.2, b.3));
    let removed = (before - keyed.len()) as u64;
    (keyed.into_iter().map(|(.., at)| at).collect(), removed)
}

/// Trace and span ids of a span batch.
fn ids(batch: &Batch) -> (&[[u8; 16]], &[[u8; 8]]) {
    match (&batch.columns[span::TRACE_ID], &batch.columns[span::SPAN_ID]) {
        (Column::Id16(traces), Column::Id8(spans)) => (traces, spans),
        _ => (&[], &[]),
    }
}
