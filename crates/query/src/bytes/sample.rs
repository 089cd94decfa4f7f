//! Samples of values, taken from the largest segments first, and what follows from them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampNanosecondType};
use clewline_model::signal::Signal;
use clewline_model::template;
use clewline_segment::{Scope, reader, rest};
use clewline_store::SegmentEntry;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{ColumnBytes, TemplateBytes, stopped};
use crate::answer::{QueryError, QueryErrorKind};
use crate::limits::{
    BATCH_ROWS, FLOOR_BYTES_MAX, FLOOR_COLUMN_BYTES_MAX, RESIDUAL_SAMPLE_BYTES, TEMPLATE_SAMPLE_ROWS, TEMPLATES_MAX,
};
use crate::scan::Stop;
use crate::source::Opened;

/// Effort of the compressor that estimates the floor. 19 is the highest that needs no special decoder memory.
const FLOOR_LEVEL: i32 = 19;

/// Where samples come from.
pub(super) struct Sampler<'a> {
    /// Largest first.
    pub(super) entries: &'a [&'a Arc<SegmentEntry>],
    pub(super) signal: Signal,
    pub(super) opened: &'a Opened,
    pub(super) stop: &'a Stop,
}

/// Templates and the rows they were counted in.
pub(super) struct Templates {
    pub(super) templates: Vec<TemplateBytes>,
    pub(super) rows: u64,
}

#[derive(Default)]
struct Seen {
    rows: u64,
    bytes: u64,
    example: String,
}

/// Some values of a column: their bytes, and what the files use for them.
#[derive(Default)]
struct Values {
    /// Values one after another; texts end with a line feed.
    plain: Vec<u8>,
    /// Numbers as differences, where the column holds numbers.
    differences: Option<Vec<u8>>,
    stored: f64,
}

impl Sampler<'_> {
    /// Calls `take` with batches of some columns until it says stop; row group by row group, largest segments first.
    fn each(
        &self,
        columns: &[&str],
        take: &mut dyn FnMut(&[ArrayRef], &Group) -> Result<bool, QueryError>,
    ) -> Result<(), QueryError> {
        for entry in self.entries {
            let open = self.opened.segment(entry, self.signal)?;
            let schema = open.plain.parquet_schema();
            let fields = schema.root_schema().get_fields();
            let roots: Vec<usize> =
                columns.iter().filter_map(|name| fields.iter().position(|field| field.name() == *name)).collect();
            if roots.len() != columns.len() {
                continue;
            }
            for (index, group) in open.plain.metadata().row_groups().iter().enumerate() {
                stopped(self.stop)?;
                let own = group.columns().iter().filter(|chunk| {
                    chunk.column_path().parts().first().is_some_and(|name| columns.contains(&name.as_str()))
                });
                let stored = own.map(|chunk| u64::try_from(chunk.compressed_size()).unwrap_or(0)).sum::<u64>();
                let place = Group { rows: u64::try_from(group.num_rows()).unwrap_or(0), stored };
                let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(open.file.clone(), open.plain.clone())
                    .with_batch_size(BATCH_ROWS)
                    .with_row_groups(vec![index])
                    .with_projection(ProjectionMask::roots(schema, roots.clone()));
                let mut batches = reader::guarded(|| Ok(builder.build()?))?;
                while let Some(batch) = reader::guarded(|| batches.next().transpose().map_err(Into::into))? {
                    let arrays: Option<Vec<ArrayRef>> =
                        columns.iter().map(|name| batch.column_by_name(name).cloned()).collect();
                    let Some(arrays) = arrays else { break };
                    if !take(&arrays, &place)? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Estimates the floor of columns, in their order, until the bytes for it are used up.
    pub(super) fn floors(&self, columns: &mut [ColumnBytes]) -> Result<(), QueryError> {
        let mut left = FLOOR_BYTES_MAX;
        for column in columns.iter_mut().filter(|column| column.stored_bytes > 0) {
            if left == 0 {
                break;
            }
            stopped(self.stop)?;
            let values = self.values(&column.name, left.min(FLOOR_COLUMN_BYTES_MAX))?;
            if values.plain.is_empty() || values.stored <= 0.0 {
                continue;
            }
            left = left.saturating_sub(values.plain.len());
            let mut floor = compressed(&values.plain)?;
            if let Some(differences) = &values.differences {
                floor = floor.min(compressed(differences)?);
            }
            let efficiency = floor as f64 / values.stored;
            column.sample_bytes = values.plain.len() as u64;
            column.floor_bytes = Some((column.stored_bytes as f64 * efficiency) as u64);
            column.efficiency = Some(efficiency);
        }
        Ok(())
    }

    /// Values of one column, at most about `bytes_max`.
    fn values(&self, column: &str, bytes_max: usize) -> Result<Values, QueryError> {
        let mut values = Values::default();
        self.each(&[column], &mut |arrays, group| {
            values.push(&arrays[0]);
            values.stored += group.stored as f64 * arrays[0].len() as f64 / group.rows.max(1) as f64;
            Ok(values.plain.len() < bytes_max)
        })?;
        // One batch of long texts may hold many times what is wanted.
        if values.plain.len() > 2 * bytes_max {
            values.stored *= bytes_max as f64 / values.plain.len() as f64;
            values.plain.truncate(bytes_max);
        }
        Ok(values)
    }

    /// Bytes of each name in the residual texts of a scope: the name, its value and the signs around them.
    pub(super) fn residual(&self, scope: Scope) -> Result<HashMap<String, u64>, QueryError> {
        let mut names: HashMap<String, u64> = HashMap::new();
        let mut read = 0;
        self.each(&[scope.rest_column()], &mut |arrays, _| {
            for row in 0..arrays[0].len() {
                let Some(text) = text_at(&arrays[0], row) else { continue };
                read += text.len();
                for (name, value) in rest::members(text) {
                    // `"name":value,`
                    let bytes = (name.len() + 4 + value.text.len()) as u64;
                    let known = names.len();
                    match names.get_mut(name.as_ref()) {
                        Some(sum) => *sum += bytes,
                        None if known < TEMPLATES_MAX => {
                            names.insert(name.into_owned(), bytes);
                        }
                        None => *names.entry("…".to_owned()).or_default() += bytes,
                    }
                }
            }
            Ok(read < RESIDUAL_SAMPLE_BYTES)
        })?;
        Ok(names)
    }

    /// The templates with most bytes, scaled to all rows.
    pub(super) fn templates(&self, top: usize) -> Result<Templates, QueryError> {
        let mut seen: HashMap<i64, Seen> = HashMap::new();
        let (mut rows, mut bytes, mut others) = (0, 0, Seen::default());
        self.each(&["template_id", "body"], &mut |arrays, _| {
            let Some(ids) = arrays[0].as_primitive_opt::<Int64Type>() else { return Ok(false) };
            for row in 0..ids.len() {
                let body = text_at(&arrays[1], row).unwrap_or("");
                rows += 1;
                bytes += body.len() as u64;
                let known = seen.len();
                let entry = match seen.get_mut(&ids.value(row)) {
                    Some(entry) => entry,
                    None if known >= TEMPLATES_MAX => &mut others,
                    None => {
                        let example = clewline_model::text::truncate(body, 500).to_owned();
                        seen.entry(ids.value(row)).or_insert(Seen { example, ..Seen::default() })
                    }
                };
                entry.rows += 1;
                entry.bytes += body.len() as u64;
            }
            Ok(rows < TEMPLATE_SAMPLE_ROWS)
        })?;
        let all: u64 = self.entries.iter().map(|entry| entry.summary.rows).sum();
        let scale = all as f64 / (rows.max(1)) as f64;
        let template = |(id, seen): (i64, Seen)| TemplateBytes {
            template_id: format!("{:016x}", id.cast_unsigned()),
            text: template::mask(&seen.example),
            rows: (seen.rows as f64 * scale) as u64,
            body_bytes: (seen.bytes as f64 * scale) as u64,
            share: seen.bytes as f64 / bytes.max(1) as f64,
        };
        let mut templates: Vec<TemplateBytes> = seen.into_iter().map(template).collect();
        templates.sort_by(|a, b| b.body_bytes.cmp(&a.body_bytes).then_with(|| a.template_id.cmp(&b.template_id)));
        templates.truncate(top);
        Ok(Templates { templates, rows })
    }
}

/// A row group of a sample.
struct Group {
    rows: u64,
    /// Bytes of the columns asked for.
    stored: u64,
}

impl Values {
    fn push(&mut self, array: &ArrayRef) {
        let numbers: Option<Vec<i64>> = match array.data_type() {
            DataType::Int64 => array.as_primitive_opt::<Int64Type>().map(|a| a.iter().flatten().collect()),
            DataType::Timestamp(..) => {
                array.as_primitive_opt::<TimestampNanosecondType>().map(|a| a.iter().flatten().collect())
            }
            _ => None,
        };
        if let Some(numbers) = numbers {
            let differences = self.differences.get_or_insert_default();
            let mut before = 0_i64;
            for number in numbers {
                self.plain.extend_from_slice(&number.to_le_bytes());
                differences.extend_from_slice(&number.wrapping_sub(before).to_le_bytes());
                before = number;
            }
            return;
        }
        if let Some(doubles) = array.as_primitive_opt::<Float64Type>() {
            doubles.iter().flatten().for_each(|double| self.plain.extend_from_slice(&double.to_le_bytes()));
        } else if let Some(bools) = array.as_boolean_opt() {
            self.plain.extend(bools.iter().flatten().map(u8::from));
        } else if let Some(ids) = array.as_fixed_size_binary_opt() {
            ids.iter().flatten().for_each(|id| self.plain.extend_from_slice(id));
        } else {
            for row in 0..array.len() {
                if let Some(text) = text_at(array, row) {
                    self.plain.extend_from_slice(text.as_bytes());
                    self.plain.push(b'\n');
                }
            }
        }
    }
}

fn text_at(array: &ArrayRef, row: usize) -> Option<&str> {
    if !array.is_valid(row) {
        return None;
    }
    match array.as_string_view_opt() {
        Some(texts) => Some(texts.value(row)),
        None => array.as_string_opt::<i32>().map(|texts| texts.value(row)),
    }
}

/// Length after compression.
fn compressed(bytes: &[u8]) -> Result<u64, QueryError> {
    let failed =
        |error| QueryError::new(QueryErrorKind::Internal, format!("a sample could not be compressed: {error}"));
    zstd::bulk::compress(bytes, FLOOR_LEVEL).map(|out| out.len() as u64).map_err(failed)
}
