//! One layout for all inputs of a merge, and batches of each input brought into it.
//!
//! An attribute keeps its column when some input had one, and gets one when it is frequent enough in all together. An input
//! that has the attribute in another place, or a column the output lacks, is laid out anew record by record.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use clewline_model::attributes::ValueKind;
use clewline_model::signal::Signal;
use hashbrown::HashMap;

use super::Input;
use crate::SegmentError;
use crate::gather::{self, RowRef};
use crate::limits::{ATTRIBUTE_COLUMNS_MAX, PROMOTE_ONE_ROW_IN, REST_NAMES_MAX};
use crate::promote::Layout;
use crate::reader::view_schema;
use crate::restore::part_of;
use crate::summary::{AttributeSummary, Scope, Summary};

/// The layout of the output.
pub(super) struct Unified {
    layout: Layout,
    /// Its schema, with texts as views.
    pub(super) schema: SchemaRef,
}

/// What all inputs say about one name.
#[derive(Default, Clone, Copy)]
struct Merged {
    values: u64,
    /// Values per kind, as far as the catalog tells: those of a column all count for its kind.
    per_kind: [u64; 7],
    kinds: u8,
    had_column: bool,
}

impl Unified {
    pub(super) fn of(signal: Signal, inputs: &[Input<'_>]) -> Unified {
        let rows: u64 = inputs.iter().map(|input| input.summary.rows).sum();
        let mut names: HashMap<(Scope, &str), Merged> = HashMap::new();
        for attribute in inputs.iter().flat_map(|input| &input.summary.attributes) {
            let merged = names.entry((attribute.scope, &attribute.name)).or_default();
            merged.values += attribute.values;
            for kind in attribute.kinds() {
                merged.kinds |= 1 << kind as u8;
            }
            let likely = attribute.column.or_else(|| attribute.kinds().next().map(|kind| kind as u8));
            if let Some(count) = likely.and_then(|kind| merged.per_kind.get_mut(usize::from(kind))) {
                *count += attribute.values;
            }
            merged.had_column |= attribute.column.is_some();
        }
        let mut attributes: Vec<(bool, AttributeSummary)> = names
            .into_iter()
            .map(|((scope, name), merged)| {
                let likely = (0..7u8).max_by_key(|&kind| (merged.per_kind[usize::from(kind)], std::cmp::Reverse(kind)));
                let fits =
                    !matches!(likely.and_then(ValueKind::from_number), None | Some(ValueKind::Null | ValueKind::Bytes));
                let wanted = fits && (merged.had_column || merged.values > rows / PROMOTE_ONE_ROW_IN);
                let summary = AttributeSummary {
                    scope,
                    name: name.to_owned(),
                    column: likely.filter(|_| wanted),
                    rest_kinds: merged.kinds,
                    values: merged.values,
                };
                (wanted, summary)
            })
            .collect();
        attributes.sort_by(|(a_wanted, a), (b_wanted, b)| {
            let frequent = b_wanted.cmp(a_wanted).then(b.values.cmp(&a.values));
            frequent.then_with(|| (a.scope, &a.name).cmp(&(b.scope, &b.name)))
        });
        let promoted = attributes.iter().filter(|(wanted, _)| *wanted).count().min(ATTRIBUTE_COLUMNS_MAX);
        let mut attributes: Vec<AttributeSummary> = attributes.into_iter().map(|(_, summary)| summary).collect();
        for (number, attribute) in attributes.iter_mut().enumerate() {
            if number >= promoted {
                attribute.column = None;
            }
            attribute.rest_kinds &= !attribute.column.map_or(0, |kind| 1 << kind);
        }
        let layout = Layout { signal, attributes, promoted };
        let schema = view_schema(&gather::schema(&layout));
        Unified { layout, schema }
    }

    /// What the catalog keeps of the output; rows, bytes and checksums are still those of nothing.
    pub(super) fn summary(&self, inputs: &[Input<'_>]) -> Summary {
        let of = |value: fn(&Summary) -> i64| inputs.iter().map(move |input| value(input.summary));
        let mut summary = Summary::empty(self.layout.signal);
        summary.time_min = of(|s| s.time_min).min().unwrap_or(0);
        summary.time_max = of(|s| s.time_max).max().unwrap_or(0);
        summary.seq_min = of(|s| s.seq_min).min().unwrap_or(0);
        summary.seq_max = of(|s| s.seq_max).max().unwrap_or(0);
        summary.names_truncated = inputs.iter().any(|input| input.summary.names_truncated)
            || self.layout.attributes.len() - self.layout.promoted > REST_NAMES_MAX;
        summary.attributes = self.layout.attributes.clone();
        summary.attributes.truncate(self.layout.promoted + REST_NAMES_MAX);
        summary
    }

    /// How to read an input.
    pub(super) fn input(&self, summary: &Summary) -> UnifiedInput<'_> {
        let known = |attribute: &AttributeSummary| {
            let place = summary.attribute(attribute.scope, &attribute.name);
            let Some(place) = place else { return !summary.names_truncated || attribute.column.is_none() };
            // In the same column, and nothing of its kind in the residual text.
            let kind = attribute.column.map_or(0, |kind| 1u8 << kind);
            place.column == attribute.column && place.rest_kinds & kind == 0
        };
        UnifiedInput { unified: self, as_is: self.layout.attributes.iter().all(known) }
    }
}

/// One input of a merge.
pub(super) struct UnifiedInput<'a> {
    unified: &'a Unified,
    /// Its columns are those of the output, apart from columns without values.
    as_is: bool,
}

impl UnifiedInput<'_> {
    /// A batch in the layout of the output.
    pub(super) fn batch(&self, batch: &RecordBatch) -> Result<RecordBatch, SegmentError> {
        let Unified { layout, schema } = self.unified;
        if self.as_is {
            let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
                Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
                Some(column) => Ok(cast(column, field.data_type())?),
                None => Ok(new_null_array(field.data_type(), batch.num_rows())),
            });
            let columns: Vec<ArrayRef> = columns.collect::<Result<_, SegmentError>>()?;
            return Ok(RecordBatch::try_new(Arc::clone(schema), columns)?);
        }
        let parts = [part_of(batch, layout.signal)?];
        let rows: Vec<RowRef> = (0..batch.num_rows()).map(|row| RowRef::new(0, row)).collect();
        let laid_out = gather::gather(layout, &parts, &rows)?;
        let fields = schema.fields().iter().zip(laid_out.columns());
        let columns: Vec<ArrayRef> =
            fields.map(|(field, column)| cast(column, field.data_type())).collect::<Result<_, _>>()?;
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }
}
