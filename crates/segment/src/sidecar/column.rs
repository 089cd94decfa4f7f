//! What the index knows of one physical column: its few distinct values with counts, or that it has many.
//!
//! As long as a column has at most [`VALUES_MAX`] distinct values, they are listed with how many rows carry them and in
//! which chunks. From the chunk on in which it has more (`listed_chunks`), its tokens are in the chunk filters instead.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use hashbrown::HashMap;

use super::alphabet::Alphabet;
use super::bytes::{In, Out};
use super::tokens::{each_token, id_hash, int_hash};
use crate::limits::{VALUE_LIST_BYTES_MAX, VALUES_MAX};
use crate::rest;

/// Type of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ColumnKind {
    /// Text, looked through as it is.
    Text = 0,
    /// Residual attributes: the values inside the JSON text are looked through.
    Rest = 1,
    /// 64-bit integers.
    Int = 2,
    /// 64-bit floats.
    Double = 3,
    /// True or false.
    Bool = 4,
    /// Ids of 8 or 16 bytes; only their hashes are kept.
    Id = 5,
}

impl ColumnKind {
    fn of(number: u64) -> Option<ColumnKind> {
        [ColumnKind::Text, ColumnKind::Rest, ColumnKind::Int, ColumnKind::Double, ColumnKind::Bool, ColumnKind::Id]
            .get(usize::try_from(number).ok()?)
            .copied()
    }
}

/// One distinct value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedValue {
    /// Its text form.
    pub text: String,
    /// Rows of the listed chunks that carry it.
    pub count: u64,
    /// The chunks it occurs in; `None` for most of them.
    pub chunks: Option<Vec<u32>>,
}

/// One column.
#[derive(Debug, Clone)]
pub struct ColumnIndex {
    /// Physical name.
    pub name: String,
    /// Type.
    pub kind: ColumnKind,
    /// Rows without a value.
    pub nulls: u64,
    /// Nothing is known of the first so many chunks.
    pub unknown_chunks: u32,
    /// The first so many chunks are described by `values`; the others by the filters.
    pub listed_chunks: u32,
    /// Distinct values of the listed chunks.
    pub values: Vec<ListedValue>,
    /// Bytes that occur in the texts of the chunks that are not listed.
    pub alphabet: Alphabet,
    /// Smallest and largest number per chunk, as ordered bits ([`ordered`]); empty where it is no number.
    pub ranges: Vec<(i64, i64)>,
}

/// A float as an integer of the same order; NaN sorts above all others. Infinite ranges stand for chunks without values.
pub fn ordered(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    bits ^ (((bits >> 63).cast_unsigned()) >> 1).cast_signed()
}

/// The range of a chunk without any value.
pub const EMPTY_RANGE: (i64, i64) = (i64::MAX, i64::MIN);

impl ColumnIndex {
    /// True when the values of all `chunks` chunks are listed, so that their counts are exact.
    pub fn is_complete(&self, chunks: usize) -> bool {
        self.unknown_chunks == 0 && self.listed_chunks as usize >= chunks
    }

    pub(super) fn write(&self, out: &mut Out) {
        out.text(&self.name);
        out.number(self.kind as u64);
        out.number(self.nulls);
        out.number(u64::from(self.unknown_chunks));
        out.number(u64::from(self.listed_chunks));
        out.count(self.values.len());
        for value in &self.values {
            out.text(&value.text);
            out.number(value.count);
            out.count(value.chunks.as_ref().map_or(0, |chunks| chunks.len() + 1));
            let mut last = 0;
            for &chunk in value.chunks.iter().flatten() {
                out.number(u64::from(chunk - last));
                last = chunk;
            }
        }
        self.alphabet.write(out);
        out.count(self.ranges.len());
        for &(low, high) in &self.ranges {
            out.signed(low);
            out.signed(high);
        }
    }

    pub(super) fn read(input: &mut In<'_>) -> Option<ColumnIndex> {
        let name = input.text()?.to_owned();
        let kind = ColumnKind::of(input.number()?)?;
        let nulls = input.number()?;
        let unknown_chunks = u32::try_from(input.number()?).ok()?;
        let listed_chunks = u32::try_from(input.number()?).ok()?;
        let count = input.count(3)?;
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            let text = input.text()?.to_owned();
            let count = input.number()?;
            let chunks = match input.count(1)? {
                0 => None,
                listed => {
                    let mut last = 0u32;
                    let mut chunks = Vec::with_capacity(listed - 1);
                    for _ in 1..listed {
                        last = last.checked_add(u32::try_from(input.number()?).ok()?)?;
                        chunks.push(last);
                    }
                    Some(chunks)
                }
            };
            values.push(ListedValue { text, count, chunks });
        }
        let alphabet = Alphabet::read(input)?;
        let count = input.count(2)?;
        let ranges = (0..count).map(|_| Some((input.signed()?, input.signed()?))).collect::<Option<_>>()?;
        Some(ColumnIndex { name, kind, nulls, unknown_chunks, listed_chunks, values, alphabet, ranges })
    }
}

/// Texts of either layout.
pub(super) enum Texts<'a> {
    Offsets(&'a arrow::array::StringArray),
    Views(&'a arrow::array::StringViewArray),
}

impl<'a> Texts<'a> {
    pub(super) fn of(array: &'a ArrayRef) -> Option<Texts<'a>> {
        match array.data_type() {
            DataType::Utf8 => array.as_string_opt::<i32>().map(Texts::Offsets),
            DataType::Utf8View => array.as_string_view_opt().map(Texts::Views),
            _ => None,
        }
    }

    /// The text of a row; empty where there is none.
    pub(super) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Texts::Offsets(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Texts::Views(texts) => texts.is_valid(row).then(|| texts.value(row)),
        }
    }
}

/// A column while a segment is indexed.
#[derive(Debug)]
pub(super) struct ColumnBuilder {
    name: String,
    kind: ColumnKind,
    /// Its numbers are what a search without a field would read.
    searched: bool,
    nulls: u64,
    unknown_chunks: u32,
    listed_chunks: u32,
    /// Text form to number, and what is known of each, while there are few.
    numbers: HashMap<Box<str>, u32>,
    listed: Vec<(Box<str>, u64, Vec<u32>)>,
    listed_bytes: usize,
    overflowed: bool,
    alphabet: Alphabet,
    ranges: Vec<(i64, i64)>,
}

impl ColumnBuilder {
    pub(super) fn new(name: &str, kind: ColumnKind, searched: bool) -> ColumnBuilder {
        ColumnBuilder {
            name: name.to_owned(),
            kind,
            searched,
            nulls: 0,
            unknown_chunks: 0,
            listed_chunks: 0,
            numbers: HashMap::new(),
            listed: Vec::new(),
            listed_bytes: 0,
            overflowed: kind == ColumnKind::Id || kind == ColumnKind::Rest,
            alphabet: Alphabet::default(),
            ranges: Vec::new(),
        }
    }

    /// True for the column of trace ids, whose hashes have filters of their own.
    pub(super) fn is_trace_id(&self) -> bool {
        self.kind == ColumnKind::Id && self.name == "trace_id"
    }

    /// The column begins to be indexed at this chunk; nothing is known of those before.
    pub(super) fn skip_to(&mut self, chunk: u32) {
        self.unknown_chunks = chunk;
    }

    /// Takes one chunk; the hashes of what is not listed go to `hashes`.
    pub(super) fn chunk(&mut self, chunk: u32, array: &ArrayRef, hashes: &mut Vec<u64>) {
        self.nulls += array.null_count() as u64;
        let none = array.null_count() == array.len();
        match self.kind {
            ColumnKind::Int => self.ranges.push(int_range(array)),
            ColumnKind::Double => self.ranges.push(double_range(array)),
            _ => {}
        }
        if !self.overflowed {
            if none || self.list(chunk, array) {
                self.listed_chunks = chunk + 1;
                return;
            }
            self.overflowed = true;
            self.forget_from(chunk);
        }
        if none {
            return;
        }
        self.hash_all(array, hashes);
    }

    /// Lists the values of a chunk; false when they become too many.
    fn list(&mut self, chunk: u32, array: &ArrayRef) -> bool {
        match self.kind {
            ColumnKind::Text => {
                let Some(texts) = Texts::of(array) else { return false };
                let mut last: Option<(&str, usize)> = None;
                for row in 0..array.len() {
                    let Some(text) = texts.get(row) else { continue };
                    let at = match last {
                        Some((before, at)) if before == text => at,
                        _ => match self.number_of(text) {
                            Some(at) => at,
                            None => return false,
                        },
                    };
                    last = Some((text, at));
                    self.see(at, chunk);
                }
                true
            }
            ColumnKind::Int => {
                let values = array.as_primitive::<Int64Type>();
                self.list_each(chunk, (0..array.len()).map(|row| values.is_valid(row).then(|| values.value(row))))
            }
            ColumnKind::Double => {
                let values = array.as_primitive::<Float64Type>();
                let bits = |row| values.is_valid(row).then(|| Bits(values.value(row)));
                self.list_each(chunk, (0..array.len()).map(bits))
            }
            ColumnKind::Bool => {
                let values = array.as_boolean();
                self.list_each(chunk, (0..array.len()).map(|row| values.is_valid(row).then(|| values.value(row))))
            }
            ColumnKind::Rest | ColumnKind::Id => false,
        }
    }

    fn list_each<T: PartialEq + Copy + ToString>(
        &mut self,
        chunk: u32,
        values: impl Iterator<Item = Option<T>>,
    ) -> bool {
        // Few values: the last ones are found without making text of them.
        let mut recent: Vec<(T, usize)> = Vec::new();
        for value in values.flatten() {
            let at = match recent.iter().find(|(seen, _)| *seen == value) {
                Some(&(_, at)) => at,
                None => {
                    let Some(at) = self.number_of(&value.to_string()) else { return false };
                    if recent.len() < 16 {
                        recent.push((value, at));
                    }
                    at
                }
            };
            self.see(at, chunk);
        }
        true
    }

    fn number_of(&mut self, text: &str) -> Option<usize> {
        if let Some(&number) = self.numbers.get(text) {
            return Some(number as usize);
        }
        if self.listed.len() >= VALUES_MAX || self.listed_bytes + text.len() > VALUE_LIST_BYTES_MAX {
            return None;
        }
        let number = self.listed.len();
        self.listed_bytes += text.len();
        self.numbers.insert(text.into(), u32::try_from(number).ok()?);
        self.listed.push((text.into(), 0, Vec::new()));
        Some(number)
    }

    fn see(&mut self, at: usize, chunk: u32) {
        let (_, count, chunks) = &mut self.listed[at];
        *count += 1;
        if chunks.last() != Some(&chunk) {
            chunks.push(chunk);
        }
    }

    /// Takes back what the chunk added; its rows are hashed instead.
    fn forget_from(&mut self, chunk: u32) {
        self.numbers = HashMap::new();
        for (_, _, chunks) in &mut self.listed {
            chunks.retain(|&seen| seen < chunk);
        }
        // Counts are not exact any more, and nobody asks for them of an incomplete list.
        self.listed.retain(|(_, _, chunks)| !chunks.is_empty());
    }

    fn hash_all(&mut self, array: &ArrayRef, hashes: &mut Vec<u64>) {
        match self.kind {
            ColumnKind::Text => {
                let Some(texts) = Texts::of(array) else { return };
                let mut last = "";
                for row in 0..array.len() {
                    let Some(text) = texts.get(row).filter(|text| *text != last) else { continue };
                    last = text;
                    self.alphabet.add(text.as_bytes());
                    each_token(text, |hash| hashes.push(hash));
                }
            }
            ColumnKind::Rest => {
                let Some(texts) = Texts::of(array) else { return };
                for row in 0..array.len() {
                    for (_, value) in rest::members(texts.get(row).unwrap_or("")) {
                        let text = value.to_text();
                        self.alphabet.add(text.as_bytes());
                        each_token(&text, |hash| hashes.push(hash));
                    }
                }
            }
            ColumnKind::Int if self.searched => {
                let values = array.as_primitive::<Int64Type>();
                hashes.extend(values.iter().flatten().map(int_hash));
            }
            ColumnKind::Double if self.searched => {
                for value in array.as_primitive::<Float64Type>().iter().flatten() {
                    each_token(&value.to_string(), |hash| hashes.push(hash));
                }
            }
            ColumnKind::Id => {
                let mut last: &[u8] = &[];
                for id in array.as_fixed_size_binary().iter().flatten() {
                    if id != last {
                        hashes.push(id_hash(id));
                        last = id;
                    }
                }
            }
            ColumnKind::Int | ColumnKind::Double | ColumnKind::Bool => {}
        }
    }

    pub(super) fn finish(self, chunks: u32) -> ColumnIndex {
        let most = chunks / 2;
        let value = |(text, count, seen): (Box<str>, u64, Vec<u32>)| ListedValue {
            text: text.into(),
            count,
            chunks: (seen.len() as u64 <= u64::from(most)).then_some(seen),
        };
        ColumnIndex {
            name: self.name,
            kind: self.kind,
            nulls: self.nulls,
            unknown_chunks: self.unknown_chunks,
            listed_chunks: self.listed_chunks,
            values: self.listed.into_iter().map(value).collect(),
            alphabet: self.alphabet,
            ranges: self.ranges,
        }
    }
}

/// A float compared by its bits, shown as a float.
#[derive(Clone, Copy)]
struct Bits(f64);

impl PartialEq for Bits {
    fn eq(&self, other: &Bits) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl std::fmt::Display for Bits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn int_range(array: &ArrayRef) -> (i64, i64) {
    let values = array.as_primitive::<Int64Type>();
    match values.null_count() {
        0 => values.values().iter().fold(EMPTY_RANGE, |(low, high), &v| (low.min(v), high.max(v))),
        _ => values.iter().flatten().fold(EMPTY_RANGE, |(low, high), v| (low.min(v), high.max(v))),
    }
}

fn double_range(array: &ArrayRef) -> (i64, i64) {
    let values = array.as_primitive::<Float64Type>().iter().flatten().map(ordered);
    values.fold(EMPTY_RANGE, |(low, high), v| (low.min(v), high.max(v)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use std::sync::Arc;

    fn text(values: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn few_values_are_listed_and_many_are_hashed() {
        let mut column = ColumnBuilder::new("service", ColumnKind::Text, true);
        let mut hashes = Vec::new();
        column.chunk(0, &text(&["a", "a", "b"]), &mut hashes);
        column.chunk(1, &text(&["a"]), &mut hashes);
        assert!(hashes.is_empty());
        let many: Vec<String> = (0..VALUES_MAX + 1).map(|i| format!("v{i}")).collect();
        column.chunk(2, &text(&many.iter().map(String::as_str).collect::<Vec<_>>()), &mut hashes);
        assert_eq!(hashes.len(), VALUES_MAX + 1);
        let index = column.finish(3);
        assert_eq!(index.listed_chunks, 2);
        let mut texts: Vec<(&str, Option<Vec<u32>>)> =
            index.values.iter().map(|v| (v.text.as_str(), v.chunks.clone())).collect();
        texts.sort();
        assert_eq!(texts, [("a", None), ("b", Some(vec![0]))]);
        let mut out = Out::default();
        index.write(&mut out);
        let back = ColumnIndex::read(&mut In(&out.0)).expect("own bytes");
        assert_eq!((back.values, back.alphabet, back.nulls), (index.values, index.alphabet, 0));
    }

    #[test]
    fn numbers_have_ranges_per_chunk() {
        let mut column = ColumnBuilder::new("n", ColumnKind::Int, true);
        let array: ArrayRef = Arc::new(Int64Array::from(vec![Some(5), None, Some(-3)]));
        column.chunk(0, &array, &mut Vec::new());
        column.chunk(1, &(Arc::new(Int64Array::from(vec![None::<i64>])) as ArrayRef), &mut Vec::new());
        let index = column.finish(2);
        assert_eq!(index.ranges, [(-3, 5), EMPTY_RANGE]);
        assert_eq!(index.nulls, 2);
        assert!(index.is_complete(2));
        let order = [f64::NEG_INFINITY, -2.0, -0.5, 0.0, 1e-9, 3.0, f64::INFINITY];
        assert!(order.windows(2).all(|w| ordered(w[0]) < ordered(w[1])));
    }
}
