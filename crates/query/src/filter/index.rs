//! Which rows of a segment can pass a filter, and which do for certain, from its index alone.
//!
//! Everything here is one-sided: `possible` never misses a row that passes, `sure` never holds one that does not. What
//! the index does not know makes rows possible and not sure.

use arrow::datatypes::DataType;
use clewline_model::signal::{Signal, log};
use clewline_model::text::parse_hex;
use clewline_segment::ranges::RowRanges;
use clewline_segment::sidecar::column::EMPTY_RANGE;
use clewline_segment::sidecar::column::ordered;
use clewline_segment::sidecar::runs::MIXED;
use clewline_segment::sidecar::template::{Needle, Verdict};
use clewline_segment::sidecar::tokens::{id_hash, int_hash};
use clewline_segment::sidecar::{Chunk, ColumnIndex, ColumnKind, Runs, Sidecar};
use clewline_segment::summary::Summary;

use super::evaluate::searched_as_text;
use super::needles;
use super::test::{NumberTest, TextTest};
use super::{Node, RowFilter};
use crate::columns::physical_names;
use crate::names::{Binding, LogicalColumn, Names};

/// Rows by what is known of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// These pass.
    pub sure: RowRanges,
    /// These may pass; disjoint from `sure`.
    pub maybe: RowRanges,
}

/// A source of rows seen through its index.
#[derive(Clone, Copy)]
pub(crate) struct Indexed<'a> {
    pub signal: Signal,
    pub summary: &'a Summary,
    pub index: &'a Sidecar,
}

/// Decides a filter for all rows of a segment.
pub(crate) fn decide(filter: &RowFilter, at: Indexed<'_>) -> Decision {
    let all = RowRanges::all(at.index.rows);
    let mut sets = Sets { sure: all.clone(), possible: all };
    for node in &filter.conjuncts {
        let next = at.node(filter, node);
        sets = Sets { sure: sets.sure.and(&next.sure), possible: sets.possible.and(&next.possible) };
        if sets.possible.is_empty() {
            break;
        }
    }
    Decision { maybe: sets.possible.minus(&sets.sure), sure: sets.sure }
}

/// The filter without what the index rules out for every row: a text that can only be in bodies is looked for there, not
/// in every field. `None` where nothing changes.
pub(crate) fn narrowed(filter: &RowFilter, at: Indexed<'_>) -> Option<RowFilter> {
    if at.signal != Signal::Logs || at.index.runs.is_none() {
        return None;
    }
    let only_bodies = |node: &Node| matches!(node, Node::Any { test } if at.any_but_bodies(test).is_empty());
    if !filter.conjuncts.iter().any(only_bodies) {
        return None;
    }
    let mut columns = filter.columns.clone();
    let column = columns.len();
    columns.push(Names { signal: Signal::Logs, summaries: Vec::new() }.column("body"));
    let narrow = |node: &Node| match node {
        Node::Any { test } if only_bodies(node) => Node::Text { column, test: test.clone() },
        other => other.clone(),
    };
    Some(RowFilter::new(columns, Node::And(filter.conjuncts.iter().map(narrow).collect())))
}

/// The number of rows that pass, where the lists of values alone tell it.
pub(crate) fn count(filter: &RowFilter, at: Indexed<'_>) -> Option<u64> {
    let [node] = filter.conjuncts.as_slice() else { return None };
    let (index, passes): (usize, Box<dyn Fn(&str, ColumnKind) -> bool>) = match node {
        Node::Text { column, test } => {
            let test = test.clone();
            (*column, Box::new(move |text, _| test.passes(text)))
        }
        Node::Number { column, test } => {
            let test = *test;
            (*column, Box::new(move |text, kind| value_passes(&test, text, kind)))
        }
        _ => return None,
    };
    let names = physical_names(at.signal, &filter.columns[index].binding, at.summary);
    let [name] = names.as_slice() else { return None };
    let column = at.index.column(name)?;
    if filter.columns[index].data_type == DataType::Float64 && column.kind == ColumnKind::Int {
        return None;
    }
    let usable = column.is_complete(at.index.chunks.len()) && !matches!(column.kind, ColumnKind::Rest | ColumnKind::Id);
    usable.then(|| column.values.iter().filter(|v| passes(&v.text, column.kind)).map(|v| v.count).sum())
}

/// Two sets of rows: those that pass, and those that may.
struct Sets {
    sure: RowRanges,
    possible: RowRanges,
}

impl Sets {
    fn possible(possible: RowRanges) -> Sets {
        Sets { sure: RowRanges::none(), possible }
    }
}

impl Indexed<'_> {
    fn all(&self) -> RowRanges {
        RowRanges::all(self.index.rows)
    }

    fn node(&self, filter: &RowFilter, node: &Node) -> Sets {
        match node {
            Node::All => Sets { sure: self.all(), possible: self.all() },
            Node::Nothing => Sets::possible(RowRanges::none()),
            Node::And(children) => children.iter().map(|child| self.node(filter, child)).fold(
                Sets { sure: self.all(), possible: self.all() },
                |a, b| Sets { sure: a.sure.and(&b.sure), possible: a.possible.and(&b.possible) },
            ),
            Node::Or(children) => {
                children.iter().map(|child| self.node(filter, child)).fold(Sets::possible(RowRanges::none()), |a, b| {
                    Sets { sure: a.sure.or(&b.sure), possible: a.possible.or(&b.possible) }
                })
            }
            Node::Not(child) => {
                let sets = self.node(filter, child);
                Sets { sure: self.all().minus(&sets.possible), possible: self.all().minus(&sets.sure) }
            }
            Node::Time { low, high } => {
                let inside = |chunk: &Chunk| chunk.time_min >= *low && chunk.time_max < *high;
                let touches = |chunk: &Chunk| chunk.time_max >= *low && chunk.time_min < *high;
                Sets {
                    sure: self.chunks(|number| inside(&self.index.chunks[number])),
                    possible: self.chunks(|number| touches(&self.index.chunks[number])),
                }
            }
            Node::Id { column, bytes } => match filter.columns[*column].binding {
                Binding::Fixed(at) if self.index.column(self.signal.columns()[at].name).is_some() => {
                    let trace = self.signal.columns()[at].name == "trace_id";
                    Sets::possible(self.chunks(|chunk| match trace {
                        true => self.index.may_contain_trace(chunk, id_hash(bytes)),
                        false => self.index.may_contain(chunk, id_hash(bytes)),
                    }))
                }
                _ => Sets::possible(self.all()),
            },
            Node::Present { .. } => Sets::possible(self.all()),
            Node::Number { column, test } => self.number(&filter.columns[*column].binding, test),
            Node::Text { column, test } => self.text(&filter.columns[*column], test),
            Node::Any { test } => self.any(test),
        }
    }

    /// The chunks that satisfy a condition, as rows.
    fn chunks(&self, keep: impl Fn(usize) -> bool) -> RowRanges {
        let kept = (0..self.index.chunks.len()).filter(|&chunk| keep(chunk));
        kept.map(|chunk| {
            let first = Sidecar::first_row(chunk);
            first..first + u64::from(self.index.chunks[chunk].rows)
        })
        .collect()
    }

    fn number(&self, binding: &Binding, test: &NumberTest) -> Sets {
        if let (Binding::Fixed(log::TEMPLATE_ID), Signal::Logs, Some(runs)) = (binding, self.signal, &self.index.runs) {
            return self.runs(runs, |run| {
                let id = runs.templates[run.template as usize].id;
                if id != 0 && test.passes_int(id) { Verdict::Yes } else { Verdict::No }
            });
        }
        let names = physical_names(self.signal, binding, self.summary);
        let mut columns = Vec::with_capacity(names.len());
        for name in &names {
            match self.index.column(name) {
                Some(column) => columns.push(column),
                None => return Sets::possible(self.all()),
            }
        }
        Sets::possible(self.chunks(|chunk| columns.iter().any(|column| may_hold_number(column, chunk, test))))
    }

    fn text(&self, column: &LogicalColumn, test: &TextTest) -> Sets {
        if let (Binding::Fixed(at), Signal::Logs, Some(runs)) = (&column.binding, self.signal, &self.index.runs) {
            match *at {
                log::BODY => return self.bodies(runs, test),
                log::SERVICE => return self.runs(runs, |run| verdict_of(test, &runs.services[run.service as usize])),
                log::LEVEL => {
                    return self.runs(runs, |run| match run.level {
                        MIXED => Verdict::Maybe,
                        level => verdict_of(test, &runs.levels[level as usize]),
                    });
                }
                _ => {}
            }
        }
        let demands = needles::of_test(test);
        let names = physical_names(self.signal, &column.binding, self.summary);
        // Integers that are floats elsewhere are compared by the text of the float, which may differ.
        let as_float = column.data_type == DataType::Float64;
        let mut possible = RowRanges::none();
        for name in &names {
            let column = self.index.column(name).filter(|column| !(as_float && column.kind == ColumnKind::Int));
            let Some(column) = column else { return Sets::possible(self.all()) };
            possible = possible.or(&self.column(column, test, &demands));
        }
        Sets::possible(possible)
    }

    /// A text in any field: bodies by their templates, everything else by its column.
    fn any(&self, test: &TextTest) -> Sets {
        let mut sets = match (&self.index.runs, self.signal) {
            (Some(runs), Signal::Logs) => self.bodies(runs, test),
            _ => Sets::possible(RowRanges::none()),
        };
        sets.possible = sets.possible.or(&self.any_but_bodies(test));
        sets
    }

    /// Rows of which some field may pass, bodies that have runs apart.
    fn any_but_bodies(&self, test: &TextTest) -> RowRanges {
        // Parent ids are not in the filters; only what looks like an id can be one.
        if self.signal == Signal::Spans && test.may_pass_numbers() && may_be_parent(test) {
            return self.all();
        }
        let demands = needles::of_test(test);
        let mut possible = RowRanges::none();
        let numbers = test.may_pass_numbers();
        for column in &self.index.columns {
            let text = matches!(column.kind, ColumnKind::Text | ColumnKind::Rest);
            if text || (numbers && searched_as_text(&column.name)) {
                possible = possible.or(&self.column(column, test, &demands));
            }
        }
        possible
    }

    /// Chunks in which some row may pass a test on this column.
    fn column(&self, column: &ColumnIndex, test: &TextTest, demands: &[Vec<Needle>]) -> RowRanges {
        let passing: Vec<_> = column.values.iter().filter(|value| test.passes(&value.text)).collect();
        let listed = |chunk: usize| {
            passing.iter().any(|value| {
                value.chunks.as_ref().is_none_or(|chunks| u32::try_from(chunk).is_ok_and(|c| chunks.contains(&c)))
            })
        };
        let writable = |needles: &Vec<Needle>| needles.iter().all(|needle| is_written_in(column, needle.text()));
        let is_trace = column.name == "trace_id";
        let demands: Vec<Demand> = match column.kind {
            _ if !demands.iter().any(writable) => Vec::new(),
            ColumnKind::Id => ids_of(test),
            ColumnKind::Int => ints_of(test),
            _ => demands.iter().filter(|needles| writable(needles)).map(|needles| Demand::of(needles)).collect(),
        };
        self.chunks(|chunk| {
            if chunk < column.unknown_chunks as usize {
                true
            } else if chunk < column.listed_chunks as usize {
                listed(chunk)
            } else {
                demands.iter().any(|demand| demand.is_met(self.index, chunk, is_trace))
            }
        })
    }

    /// Rows of the runs by the verdict on each.
    fn runs(&self, runs: &Runs, verdict: impl Fn(&clewline_segment::sidecar::runs::Run) -> Verdict) -> Sets {
        let (mut sure, mut possible) = (RowRanges::none(), RowRanges::none());
        let mut row = 0;
        for run in &runs.runs {
            let range = row..row + u64::from(run.rows);
            row = range.end;
            match verdict(run) {
                Verdict::Yes => {
                    sure.push(range.clone());
                    possible.push(range);
                }
                Verdict::Maybe => possible.push(range),
                Verdict::No => {}
            }
        }
        Sets { sure, possible }
    }

    /// Bodies: the template decides, or names the tokens the chunk must have.
    fn bodies(&self, runs: &Runs, test: &TextTest) -> Sets {
        let demands = needles::of_test(test);
        let judged: Vec<Judged> = runs.templates.iter().map(|template| Judged::of(template, &demands)).collect();
        let (mut sure, mut possible) = (RowRanges::none(), RowRanges::none());
        let mut row = 0;
        for run in &runs.runs {
            let range = row..row + u64::from(run.rows);
            row = range.end;
            match &judged[run.template as usize] {
                Judged::Yes => {
                    sure.push(range.clone());
                    possible.push(range);
                }
                Judged::No => {}
                Judged::Maybe(wanted) => {
                    let mut at = range.start;
                    while at < range.end {
                        let chunk = usize::try_from(at).unwrap_or(0) / clewline_segment::limits::CHUNK_ROWS;
                        let end = Sidecar::first_row(chunk + 1).min(range.end);
                        let met = |hashes: &Vec<u64>| hashes.iter().all(|&h| self.index.may_contain(chunk, h));
                        if wanted.iter().any(met) {
                            possible.push(at..end);
                        }
                        at = end;
                    }
                }
            }
        }
        Sets { sure, possible }
    }
}

/// What is known of all lines of a template.
enum Judged {
    Yes,
    No,
    /// A line may pass where the filter has all tokens of one of these sets.
    Maybe(Vec<Vec<u64>>),
}

impl Judged {
    fn of(template: &clewline_segment::sidecar::template::Template, demands: &[Vec<Needle>]) -> Judged {
        // Rows without a body have the template of an empty line, and pass nothing.
        if template.pieces.iter().all(String::is_empty) && template.pieces.len() == 1 {
            return Judged::No;
        }
        let mut sets = Vec::new();
        for needles in demands {
            let mut wanted = Vec::new();
            let mut verdict = Verdict::Yes;
            for needle in needles {
                match template.judge(needle) {
                    (Verdict::Yes, _) => {}
                    (Verdict::No, _) => verdict = Verdict::No,
                    (Verdict::Maybe, missing) => {
                        wanted.extend(missing);
                        verdict = if verdict == Verdict::No { Verdict::No } else { Verdict::Maybe };
                    }
                }
            }
            match verdict {
                // Only a single needle that says it is proof enough can have been a Yes.
                Verdict::Yes if !needles.is_empty() => return Judged::Yes,
                Verdict::No => {}
                _ => sets.push(wanted),
            }
        }
        if sets.is_empty() { Judged::No } else { Judged::Maybe(sets) }
    }
}

/// What the filter of a chunk must have for a text of one column to pass.
enum Demand {
    Never,
    Always,
    All(Vec<u64>),
    Any(Vec<u64>),
}

impl Demand {
    fn of(needles: &[Needle]) -> Demand {
        Demand::All(needles.iter().flat_map(|needle| needle.wanted().0.iter().copied()).collect())
    }

    /// `trace`: trace ids have filters of their own.
    fn is_met(&self, index: &Sidecar, chunk: usize, trace: bool) -> bool {
        let held = |&hash: &u64| match trace {
            true => index.may_contain_trace(chunk, hash),
            false => index.may_contain(chunk, hash),
        };
        match self {
            Demand::Never => false,
            Demand::Always => true,
            Demand::All(hashes) => hashes.iter().all(held),
            Demand::Any(hashes) => hashes.iter().any(held),
        }
    }
}

/// False when no value of the column can hold the text, by the characters its kind is written in.
fn is_written_in(column: &ColumnIndex, text: &str) -> bool {
    match column.kind {
        ColumnKind::Text | ColumnKind::Rest => column.alphabet.may_hold_all(text),
        ColumnKind::Id => text.bytes().all(|b| b.is_ascii_hexdigit()),
        ColumnKind::Int => text.bytes().all(|b| b.is_ascii_digit() || b == b'-'),
        ColumnKind::Double => text.bytes().all(|b| b"0123456789.-nNaAiIfF".contains(&b)),
        ColumnKind::Bool => text.bytes().all(|b| b"truefalsTRUEFALS".contains(&b)),
    }
}

/// The texts a test wants whole; `None` where parts may do.
fn whole_texts(test: &TextTest) -> Option<Vec<&str>> {
    use clewline_lang::WordKind;
    match test {
        TextTest::Word(_, WordKind::Word | WordKind::Phrase, needle) => Some(vec![needle]),
        other => other.exact_values(),
    }
}

/// Ids are one word of hexadecimal digits: a word in one is all of it.
fn ids_of(test: &TextTest) -> Vec<Demand> {
    let Some(texts) = whole_texts(test) else { return vec![Demand::Always] };
    let demand = |text: &&str| {
        let id = parse_hex::<16>(text.as_bytes()).map(|id| id_hash(&id));
        let id = id.or_else(|| parse_hex::<8>(text.as_bytes()).map(|id| id_hash(&id)));
        match id {
            Some(hash) => Demand::All(vec![hash]),
            None if text.is_empty() => Demand::Always,
            None => Demand::Never,
        }
    };
    texts.iter().map(demand).collect()
}

/// Integers are written as digits, with a sign before that is no part of the word.
fn ints_of(test: &TextTest) -> Vec<Demand> {
    let Some(texts) = whole_texts(test) else { return vec![Demand::Always] };
    let demand = |text: &&str| match text.trim_start_matches('-').parse::<i64>() {
        Ok(value) => Demand::Any(vec![int_hash(value), int_hash(value.wrapping_neg())]),
        // The smallest integer has no positive twin; other signs and nothing at all may still match.
        Err(_) if text.contains("9223372036854775808") || !text.chars().any(char::is_alphanumeric) => Demand::Always,
        Err(_) => Demand::Never,
    };
    texts.iter().map(demand).collect()
}

fn may_be_parent(test: &TextTest) -> bool {
    whole_texts(test).is_none_or(|texts| texts.iter().any(|t| t.is_empty() || parse_hex::<8>(t.as_bytes()).is_some()))
}

fn verdict_of(test: &TextTest, text: &str) -> Verdict {
    // Absent texts are kept as empty ones, and pass nothing.
    if !text.is_empty() && test.passes(text) { Verdict::Yes } else { Verdict::No }
}

fn value_passes(test: &NumberTest, text: &str, kind: ColumnKind) -> bool {
    match kind {
        ColumnKind::Int => text.parse().is_ok_and(|value: i64| test.passes_int(value) || test.passes(value as f64)),
        ColumnKind::Double => text.parse().is_ok_and(|value| test.passes(value)),
        ColumnKind::Text => test.passes_text(text),
        ColumnKind::Rest | ColumnKind::Bool | ColumnKind::Id => false,
    }
}

/// True when a row of the chunk may have a number that passes.
fn may_hold_number(column: &ColumnIndex, chunk: usize, test: &NumberTest) -> bool {
    if let Some(&(low, high)) = column.ranges.get(chunk) {
        let outside = match column.kind {
            // Where other sources have floats under this name, integers are compared as floats too.
            ColumnKind::Int => {
                (low > test.high_int && low as f64 > test.high) || (high < test.low_int && (high as f64) < test.low)
            }
            _ => low > ordered(test.high) || high < ordered(test.low),
        };
        if (low, high) == EMPTY_RANGE || outside {
            return false;
        }
    }
    if chunk < column.unknown_chunks as usize || chunk >= column.listed_chunks as usize {
        return true;
    }
    if matches!(column.kind, ColumnKind::Rest | ColumnKind::Id) {
        return true;
    }
    column.values.iter().any(|value| {
        value_passes(test, &value.text, column.kind)
            && value.chunks.as_ref().is_none_or(|chunks| u32::try_from(chunk).is_ok_and(|c| chunks.contains(&c)))
    })
}
