//! The open-ended part of records: named, typed values, held column-wise.
//!
//! Layout: rows are ranges of one flat list of (key, kind, number). Text, bytes and JSON live in one arena and the
//! number holds `offset << 32 | length`. Keys are interned once a batch. Adding an attribute allocates nothing but the
//! growth of these five vectors. The key look-up guesses that a key is followed by the one that followed it last time,
//! which also holds where records of several shapes alternate; a decoder that knows better hands over the number it was
//! told before ([`Attributes::push_known`]).

use hashbrown::HashMap;

use crate::batch::Share;
use crate::json;
use crate::limits::{ATTRIBUTES_PER_RECORD_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::text::truncate;

/// Type of an attribute value, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ValueKind {
    /// UTF-8 text.
    Text = 0,
    /// 64-bit integer.
    Int = 1,
    /// 64-bit float.
    Double = 2,
    /// True or false.
    Bool = 3,
    /// Raw bytes.
    Bytes = 4,
    /// An array or object, as JSON text in the form of [`crate::json`].
    Json = 5,
    /// Present without a value (an empty OTLP `AnyValue`).
    Null = 6,
}

impl ValueKind {
    /// The kind of its number.
    pub fn from_number(number: u8) -> Option<ValueKind> {
        Some(match number {
            0 => ValueKind::Text,
            1 => ValueKind::Int,
            2 => ValueKind::Double,
            3 => ValueKind::Bool,
            4 => ValueKind::Bytes,
            5 => ValueKind::Json,
            6 => ValueKind::Null,
            _ => return None,
        })
    }

    /// Name for people: string, int, double, bool, bytes, json, null.
    pub fn name(self) -> &'static str {
        match self {
            ValueKind::Text => "string",
            ValueKind::Int => "int",
            ValueKind::Double => "double",
            ValueKind::Bool => "bool",
            ValueKind::Bytes => "bytes",
            ValueKind::Json => "json",
            ValueKind::Null => "null",
        }
    }
}

/// A borrowed attribute value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// UTF-8 text.
    Text(&'a str),
    /// 64-bit integer.
    Int(i64),
    /// 64-bit float.
    Double(f64),
    /// True or false.
    Bool(bool),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// JSON text of an array or object.
    Json(&'a str),
    /// No value.
    Null,
}

impl Value<'_> {
    /// The kind of this value.
    pub fn kind(&self) -> ValueKind {
        match self {
            Value::Text(_) => ValueKind::Text,
            Value::Int(_) => ValueKind::Int,
            Value::Double(_) => ValueKind::Double,
            Value::Bool(_) => ValueKind::Bool,
            Value::Bytes(_) => ValueKind::Bytes,
            Value::Json(_) => ValueKind::Json,
            Value::Null => ValueKind::Null,
        }
    }

    /// Appends the value as JSON, keeping its type.
    pub fn push_json(&self, out: &mut String) {
        match self {
            Value::Text(text) => json::push_string(out, text),
            Value::Int(int) => json::push_int(out, *int),
            Value::Double(double) => json::push_double(out, *double),
            Value::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
            Value::Bytes(bytes) => json::push_bytes(out, bytes),
            Value::Json(text) => out.push_str(text),
            Value::Null => out.push_str("null"),
        }
    }

    /// Appends the value as plain text: what a text comparison or a word search sees.
    pub fn push_text(&self, out: &mut String) {
        match self {
            Value::Text(text) | Value::Json(text) => out.push_str(text),
            Value::Double(double) => out.push_str(&format!("{double}")),
            Value::Bytes(bytes) => json::push_base64(out, bytes),
            Value::Null => {}
            Value::Int(_) | Value::Bool(_) => self.push_json(out),
        }
    }
}

/// Row ends, keys, kinds, numbers and arena: what the codec writes.
pub(crate) type Parts<'a> = (&'a [u32], &'a [u32], &'a [u8], &'a [u64], &'a [u8]);

/// What was left out of a batch to keep within bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Attributes dropped because a record had too many.
    pub attributes_dropped: u64,
    /// Values or names cut because they were too long.
    pub values_cut: u64,
}

/// No key has this number.
const NO_KEY: u32 = u32::MAX;

/// Attributes of many rows (records, resources or scopes).
#[derive(Debug, Clone)]
pub struct Attributes {
    keys: Vec<Box<str>>,
    key_ids: HashMap<Box<str>, u32>,
    offsets: Vec<u32>,
    key: Vec<u32>,
    kind: Vec<u8>,
    number: Vec<u64>,
    arena: Vec<u8>,
    /// The key that followed each key when it was last looked up.
    next: Vec<u32>,
    /// The key a row began with when it was last looked up.
    first: u32,
    /// The last key looked up in the open row; [`NO_KEY`] at its start.
    last: u32,
    /// What was left out so far.
    pub trimmed: Trimmed,
}

impl Default for Attributes {
    fn default() -> Attributes {
        Attributes {
            keys: Vec::new(),
            key_ids: HashMap::new(),
            offsets: Vec::new(),
            key: Vec::new(),
            kind: Vec::new(),
            number: Vec::new(),
            arena: Vec::new(),
            next: Vec::new(),
            first: NO_KEY,
            last: NO_KEY,
            trimmed: Trimmed::default(),
        }
    }
}

impl Attributes {
    /// Closed rows.
    pub fn rows(&self) -> usize {
        self.offsets.len()
    }

    /// The interned names; an entry's key is a position in this list.
    pub fn keys(&self) -> &[Box<str>] {
        &self.keys
    }

    /// The number of a name, if any row uses it.
    pub fn key_id(&self, name: &str) -> Option<u32> {
        self.key_ids.get(name).copied()
    }

    /// Bytes held in memory, roughly.
    pub fn size_bytes(&self) -> usize {
        self.arena.len() + self.key.len() * 13 + self.offsets.len() * 4 + self.keys.len() * 68
    }

    fn row_start(&self, row: usize) -> usize {
        if row == 0 { 0 } else { self.offsets[row - 1] as usize }
    }

    /// Adds an attribute to the open row.
    #[inline]
    pub fn push(&mut self, name: &str, value: Value<'_>) {
        if self.has_room() {
            let key = self.intern(name);
            self.push_entry(key, value);
        }
    }

    /// [`Self::push`] without looking the name up again: `known` is where the caller keeps its number for this list.
    #[inline]
    pub fn push_known(&mut self, known: &mut Option<u32>, name: &str, value: Value<'_>) {
        if self.has_room() {
            let key = known.unwrap_or_else(|| self.intern(name));
            debug_assert_eq!(&*self.keys[key as usize], truncate(name, KEY_BYTES_MAX));
            // A name that is cut is counted every time.
            *known = (name.len() <= KEY_BYTES_MAX).then_some(key);
            self.push_entry(key, value);
        }
    }

    /// [`Self::push`] if the name, given as bytes, is the one that followed last time; otherwise nothing happens and the
    /// result is false.
    #[inline]
    pub fn push_guessed(&mut self, name: &[u8], value: Value<'_>) -> bool {
        let guess = self.guess();
        let hit = self.keys.get(guess as usize).is_some_and(|known| known.as_bytes() == name);
        if hit && self.has_room() {
            self.last = guess;
            self.push_entry(guess, value);
        }
        hit
    }

    /// Counts an attribute too many.
    #[inline]
    fn has_room(&mut self) -> bool {
        let open = self.key.len() - self.row_start(self.offsets.len());
        let room = open < ATTRIBUTES_PER_RECORD_MAX;
        self.trimmed.attributes_dropped += u64::from(!room);
        room
    }

    #[inline]
    fn push_entry(&mut self, key: u32, value: Value<'_>) {
        let kind = value.kind();
        let number = match value {
            Value::Text(text) => {
                let kept = truncate(text, VALUE_BYTES_MAX);
                self.trimmed.values_cut += u64::from(kept.len() < text.len());
                self.store(kept.as_bytes())
            }
            Value::Bytes(bytes) => {
                let kept = &bytes[..bytes.len().min(VALUE_BYTES_MAX)];
                self.trimmed.values_cut += u64::from(kept.len() < bytes.len());
                self.store(kept)
            }
            // JSON is never cut: half an object is no object. Its size is bounded by the body limit.
            Value::Json(text) => self.store(text.as_bytes()),
            Value::Int(int) => int.cast_unsigned(),
            Value::Double(double) => double.to_bits(),
            Value::Bool(bool) => u64::from(bool),
            Value::Null => 0,
        };
        self.key.push(key);
        self.kind.push(kind as u8);
        self.number.push(number);
    }

    /// Makes room for more rows like those held.
    pub(crate) fn reserve(&mut self, share: Share) {
        share.reserve(&mut self.offsets);
        share.reserve(&mut self.key);
        share.reserve(&mut self.kind);
        share.reserve(&mut self.number);
        share.reserve(&mut self.arena);
    }

    fn store(&mut self, bytes: &[u8]) -> u64 {
        let at = self.arena.len() as u64;
        self.arena.extend_from_slice(bytes);
        at << 32 | bytes.len() as u64
    }

    /// The name that probably comes next.
    #[inline]
    fn guess(&self) -> u32 {
        self.next.get(self.last as usize).copied().unwrap_or(self.first)
    }

    #[inline]
    fn intern(&mut self, name: &str) -> u32 {
        let guess = self.guess();
        let key = match self.keys.get(guess as usize) {
            Some(known) if **known == *name => guess,
            _ => self.look_up(name),
        };
        self.last = key;
        key
    }

    /// The number of a name that was not guessed; it will be guessed next time.
    fn look_up(&mut self, name: &str) -> u32 {
        let kept = truncate(name, KEY_BYTES_MAX);
        self.trimmed.values_cut += u64::from(kept.len() < name.len());
        let key = match self.key_ids.get(kept) {
            Some(&key) => key,
            None => {
                let key = u32::try_from(self.keys.len()).expect("a batch of at most 512 MiB has fewer names than u32");
                self.keys.push(kept.into());
                self.key_ids.insert(kept.into(), key);
                self.next.push(NO_KEY);
                key
            }
        };
        match self.next.get_mut(self.last as usize) {
            Some(next) => *next = key,
            None => self.first = key,
        }
        key
    }

    /// Closes the open row.
    pub fn end_row(&mut self) {
        self.last = NO_KEY;
        self.offsets.push(u32::try_from(self.key.len()).expect("attribute count of a bounded batch fits u32"));
    }

    /// Forgets the open row.
    pub fn abort_row(&mut self) {
        let start = self.row_start(self.offsets.len());
        self.key.truncate(start);
        self.kind.truncate(start);
        self.number.truncate(start);
        self.last = NO_KEY;
    }

    /// The attributes of a closed row, in the order they came: (key, value).
    pub fn row(&self, row: usize) -> impl Iterator<Item = (u32, Value<'_>)> {
        let end = self.offsets[row] as usize;
        (self.row_start(row)..end).map(|entry| (self.key[entry], self.value(entry)))
    }

    /// Keys and kinds of a closed row, without looking at the values.
    pub fn row_kinds(&self, row: usize) -> impl Iterator<Item = (u32, u8)> {
        let range = self.row_start(row)..self.offsets[row] as usize;
        self.key[range.clone()].iter().copied().zip(self.kind[range].iter().copied())
    }

    /// The value of `key` in a closed row; the first one where a name repeats.
    pub fn get(&self, row: usize, key: u32) -> Option<Value<'_>> {
        let end = self.offsets[row] as usize;
        (self.row_start(row)..end).find(|&entry| self.key[entry] == key).map(|entry| self.value(entry))
    }

    fn value(&self, entry: usize) -> Value<'_> {
        let number = self.number[entry];
        let (at, len) = ((number >> 32) as usize, (number & 0xffff_ffff) as usize);
        match ValueKind::from_number(self.kind[entry]).unwrap_or(ValueKind::Null) {
            ValueKind::Text => Value::Text(text_of(&self.arena[at..at + len])),
            ValueKind::Json => Value::Json(text_of(&self.arena[at..at + len])),
            ValueKind::Bytes => Value::Bytes(&self.arena[at..at + len]),
            ValueKind::Int => Value::Int(number.cast_signed()),
            ValueKind::Double => Value::Double(f64::from_bits(number)),
            ValueKind::Bool => Value::Bool(number != 0),
            ValueKind::Null => Value::Null,
        }
    }

    /// Appends a row as a JSON object; names that repeat appear once, with their first value.
    pub fn push_json(&self, row: usize, out: &mut String) {
        let end = self.offsets[row] as usize;
        out.push('{');
        let mut first = true;
        let start = self.row_start(row);
        for entry in start..end {
            if self.key[start..entry].contains(&self.key[entry]) {
                continue;
            }
            if !first {
                out.push(',');
            }
            first = false;
            json::push_string(out, &self.keys[self.key[entry] as usize]);
            out.push(':');
            self.value(entry).push_json(out);
        }
        out.push('}');
    }

    /// Closes a copy of a row of `other`.
    pub(crate) fn append_row(&mut self, other: &Attributes, row: usize) {
        for (key, value) in other.row(row) {
            self.push(&other.keys[key as usize], value);
        }
        self.end_row();
    }

    /// True when a row here and a row there have the same names and values in the same order.
    pub(crate) fn row_equals(&self, row: usize, other: &Attributes, other_row: usize) -> bool {
        let same = |(a, b): ((u32, Value<'_>), (u32, Value<'_>))| {
            self.keys[a.0 as usize] == other.keys[b.0 as usize] && a.1 == b.1
        };
        let counts = (self.row_kinds(row).count(), other.row_kinds(other_row).count());
        counts.0 == counts.1 && self.row(row).zip(other.row(other_row)).all(same)
    }

    pub(crate) fn parts(&self) -> Parts<'_> {
        (&self.offsets, &self.key, &self.kind, &self.number, &self.arena)
    }

    /// Rebuilds from the parts of [`Self::parts`]; `None` unless every reference stays inside.
    pub(crate) fn from_parts(
        keys: Vec<Box<str>>,
        offsets: Vec<u32>,
        key: Vec<u32>,
        kind: Vec<u8>,
        number: Vec<u64>,
        arena: Vec<u8>,
    ) -> Option<Attributes> {
        let ordered = offsets.windows(2).all(|w| w[0] <= w[1]);
        let closed = offsets.last().map_or(0, |&end| end as usize) == key.len();
        if !ordered || !closed || key.len() != kind.len() || key.len() != number.len() {
            return None;
        }
        for ((&key, &kind), &number) in key.iter().zip(&kind).zip(&number) {
            if key as usize >= keys.len() {
                return None;
            }
            let kind = ValueKind::from_number(kind)?;
            if matches!(kind, ValueKind::Text | ValueKind::Json | ValueKind::Bytes) {
                let (at, len) = ((number >> 32) as usize, (number & 0xffff_ffff) as usize);
                let bytes = arena.get(at..at.checked_add(len)?)?;
                if kind != ValueKind::Bytes {
                    std::str::from_utf8(bytes).ok()?;
                }
            }
        }
        let next = vec![NO_KEY; keys.len()];
        let key_ids = keys.iter().zip(0..).map(|(name, id)| (name.clone(), id)).collect();
        Some(Attributes { keys, key_ids, offsets, key, kind, number, arena, next, ..Attributes::default() })
    }
}

/// Text of arena bytes that were text when they were stored or decoded.
fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text enters the arena as &str or after validation")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_names_types_and_order() {
        let mut attributes = Attributes::default();
        for row in 0..3i64 {
            attributes.push("a", Value::Int(row));
            attributes.push("b", Value::Text("x"));
            if row == 1 {
                attributes.push("c", Value::Double(1.0));
                attributes.push("c", Value::Bool(true));
            }
            attributes.end_row();
        }
        assert_eq!(attributes.keys().len(), 3);
        assert_eq!(attributes.get(2, 0), Some(Value::Int(2)));
        assert_eq!(attributes.get(1, 2), Some(Value::Double(1.0)));
        let mut json = String::new();
        attributes.push_json(1, &mut json);
        assert_eq!(json, r#"{"a":1,"b":"x","c":1.0}"#);
    }

    #[test]
    fn guesses_are_right_or_change_nothing() {
        let mut attributes = Attributes::default();
        assert!(!attributes.push_guessed(b"a", Value::Null), "nothing came before");
        // Two shapes in turn: behind `a` comes what came behind it last time.
        for names in [["a", "b"], ["a", "c"], ["d", "c"]] {
            names.iter().for_each(|name| attributes.push(name, Value::Text(name)));
            attributes.end_row();
        }
        assert!(!attributes.push_guessed(b"a", Value::Null), "the last row began with d");
        assert!(attributes.push_guessed(b"d", Value::Null));
        assert!(!attributes.push_guessed(b"b", Value::Null));
        assert!(attributes.push_guessed(b"c", Value::Null));
        attributes.end_row();
        let mut known = None;
        attributes.push_known(&mut known, "b", Value::Int(1));
        attributes.push_known(&mut known, "b", Value::Int(2));
        attributes.end_row();
        let long = "n".repeat(KEY_BYTES_MAX + 1);
        let mut cut = None;
        attributes.push_known(&mut cut, &long, Value::Null);
        attributes.push_known(&mut cut, &long, Value::Null);
        attributes.end_row();
        let row = |row| attributes.row(row).map(|(key, _)| &*attributes.keys()[key as usize]).collect::<Vec<_>>();
        assert_eq!((row(1), row(3), row(4)), (vec!["a", "c"], vec!["d", "c"], vec!["b", "b"]));
        assert_eq!((known, cut), (attributes.key_id("b"), None));
        assert_eq!(attributes.trimmed.values_cut, 2, "every cut name is counted");
    }

    #[test]
    fn an_aborted_row_leaves_nothing() {
        let mut attributes = Attributes::default();
        attributes.push("a", Value::Int(1));
        attributes.end_row();
        attributes.push("a", Value::Int(2));
        attributes.push("b", Value::Int(2));
        attributes.abort_row();
        attributes.push("a", Value::Int(3));
        attributes.end_row();
        assert_eq!(attributes.row(1).collect::<Vec<_>>(), vec![(0, Value::Int(3))]);
    }

    #[test]
    fn too_many_and_too_long_are_counted() {
        let mut attributes = Attributes::default();
        for i in 0..ATTRIBUTES_PER_RECORD_MAX + 5 {
            attributes.push(&format!("k{i}"), Value::Null);
        }
        attributes.end_row();
        let long = "é".repeat(VALUE_BYTES_MAX);
        attributes.push("long", Value::Text(&long));
        attributes.end_row();
        assert_eq!(attributes.trimmed, Trimmed { attributes_dropped: 5, values_cut: 1 });
    }
}
