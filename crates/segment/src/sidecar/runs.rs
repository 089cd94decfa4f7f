//! Runs of a log segment: neighbouring rows of one service and template, and the dictionary of those templates.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use clewline_model::template as rules;
use hashbrown::HashMap;

use super::bytes::{In, Out};
use super::column::Texts;
use super::template::{Cutter, Template, touched};
use super::tokens::each_token;
use crate::limits::TEMPLATES_MAX;

/// Level of a run whose rows have several.
pub const MIXED: u32 = u32::MAX;

/// Neighbouring rows of one service and template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Position in [`Runs::services`].
    pub service: u32,
    /// Position in [`Runs::templates`]; rows without a body have a template without text.
    pub template: u32,
    /// Position in [`Runs::levels`], or [`MIXED`].
    pub level: u32,
    /// Rows.
    pub rows: u32,
}

/// All runs of a segment, in row order, with what they refer to.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// Service names; empty for rows without one.
    pub services: Vec<String>,
    /// Level names; empty for rows without one.
    pub levels: Vec<String>,
    /// Templates.
    pub templates: Vec<Template>,
    /// The runs.
    pub runs: Vec<Run>,
}

impl Runs {
    pub(super) fn write(&self, out: &mut Out) {
        for names in [&self.services, &self.levels] {
            out.count(names.len());
            names.iter().for_each(|name| out.text(name));
        }
        out.count(self.templates.len());
        self.templates.iter().for_each(|template| template.write(out));
        out.count(self.runs.len());
        for run in &self.runs {
            out.number(u64::from(run.service));
            out.number(u64::from(run.template));
            out.number(if run.level == MIXED { 0 } else { u64::from(run.level) + 1 });
            out.number(u64::from(run.rows));
        }
    }

    pub(super) fn read(input: &mut In<'_>, rows: u64) -> Option<Runs> {
        let mut names = || -> Option<Vec<String>> {
            let count = input.count(1)?;
            (0..count).map(|_| input.text().map(str::to_owned)).collect()
        };
        let (services, levels) = (names()?, names()?);
        let count = input.count(3)?;
        let templates: Vec<Template> = (0..count).map(|_| Template::read(input)).collect::<Option<_>>()?;
        let count = input.count(4)?;
        let mut runs = Vec::with_capacity(count);
        let mut total = 0u64;
        for _ in 0..count {
            let mut small = || u32::try_from(input.number()?).ok();
            let (service, template, level, rows) = (small()?, small()?, small()?, small()?);
            let level = if level == 0 { MIXED } else { level - 1 };
            let known = (service as usize) < services.len()
                && (template as usize) < templates.len()
                && (level == MIXED || (level as usize) < levels.len());
            if !known {
                return None;
            }
            total += u64::from(rows);
            runs.push(Run { service, template, level, rows });
        }
        (total == rows).then_some(Runs { services, levels, templates, runs })
    }
}

/// Collects runs, and the words of the gaps.
#[derive(Default)]
pub(super) struct RunsBuilder {
    services: HashMap<Box<str>, u32>,
    levels: HashMap<Box<str>, u32>,
    by_id: HashMap<i64, u32>,
    out: Runs,
    cutters: Vec<Cutter>,
    gaps: Vec<(usize, usize)>,
}

fn number(numbers: &mut HashMap<Box<str>, u32>, names: &mut Vec<String>, name: &str) -> u32 {
    if let Some(&number) = numbers.get(name) {
        return number;
    }
    let number = names.len() as u32;
    numbers.insert(name.into(), number);
    names.push(name.to_owned());
    number
}

impl RunsBuilder {
    /// Takes one chunk; false when there are too many templates for a dictionary to be worth it.
    pub(super) fn chunk(&mut self, batch: &RecordBatch, hashes: &mut Vec<u64>) -> bool {
        let column = |name: &str| batch.column_by_name(name);
        let (Some(service), Some(level), Some(body), Some(ids)) =
            (column("service"), column("level"), column("body"), column("template_id"))
        else {
            return false;
        };
        let (Some(service), Some(level), Some(body)) = (Texts::of(service), Texts::of(level), Texts::of(body)) else {
            return false;
        };
        let Some(ids) = ids.as_primitive_opt::<Int64Type>() else { return false };
        let (mut open, mut last): (Option<Run>, (&str, &str, i64)) = (None, ("", "", 0));
        for row in 0..batch.num_rows() {
            let id = if ids.is_valid(row) { ids.value(row) } else { 0 };
            let at = (service.get(row).unwrap_or(""), level.get(row).unwrap_or(""), id);
            let line = body.get(row).unwrap_or("");
            let run = match &mut open {
                Some(run) if (at.0, at.2) == (last.0, last.2) => run,
                _ => {
                    if let Some(run) = open.take() {
                        self.close(run);
                    }
                    let Some(template) = self.template(id, line) else { return false };
                    let level = number(&mut self.levels, &mut self.out.levels, at.1);
                    let service = number(&mut self.services, &mut self.out.services, at.0);
                    open.insert(Run { service, template, level, rows: 0 })
                }
            };
            run.rows += 1;
            if run.level != MIXED && at.1 != last.1 && run.rows > 1 {
                run.level = MIXED;
            }
            last = at;
            let template = run.template as usize;
            self.line(template, line, hashes);
        }
        if let Some(run) = open {
            self.close(run);
        }
        true
    }

    /// Runs end with their chunk; one that goes on is joined again.
    fn close(&mut self, run: Run) {
        if let Some(last) = self.out.runs.last_mut()
            && (last.service, last.template, last.level) == (run.service, run.template, run.level)
            && let Some(rows) = last.rows.checked_add(run.rows)
        {
            last.rows = rows;
            return;
        }
        self.out.runs.push(run);
    }

    fn template(&mut self, id: i64, line: &str) -> Option<u32> {
        if let Some(&number) = self.by_id.get(&id) {
            return Some(number);
        }
        if self.out.templates.len() >= TEMPLATES_MAX {
            return None;
        }
        let number = self.out.templates.len() as u32;
        let pieces = pieces(line);
        self.cutters.push(Cutter::new(&pieces));
        self.out.templates.push(Template::new(id, pieces));
        self.by_id.insert(id, number);
        Some(number)
    }

    fn line(&mut self, template: usize, line: &str, hashes: &mut Vec<u64>) {
        let known = &mut self.out.templates[template];
        if !self.cutters[template].cut(line, &mut self.gaps) {
            known.loose = true;
            each_token(line, |hash| hashes.push(hash));
            return;
        }
        for (alphabet, &(start, end)) in known.gaps.iter_mut().zip(&self.gaps) {
            alphabet.add(&line.as_bytes()[start..end]);
            each_token(touched(line, start, end), |hash| hashes.push(hash));
        }
    }

    pub(super) fn finish(self) -> Runs {
        self.out
    }
}

/// The constant pieces of a line's template: one more than it has variables.
fn pieces(line: &str) -> Vec<String> {
    struct Pieces(Vec<String>);
    impl rules::Sink for Pieces {
        fn constant(&mut self, text: &str, _: usize) {
            if let Some(last) = self.0.last_mut() {
                last.push_str(text);
            }
        }
        fn variable(&mut self, _: rules::Kind, _: &str, _: usize) {
            self.0.push(String::new());
        }
    }
    let mut pieces = Pieces(vec![String::new()]);
    rules::scan(line, &mut pieces);
    pieces.0
}
