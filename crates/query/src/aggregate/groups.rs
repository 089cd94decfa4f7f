//! Groups under construction: keys as numbers, counts, sketches of durations, a set of ids.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, Int64Array, StringViewArray, StringViewBuilder,
    TimestampNanosecondArray,
};
use arrow::datatypes::TimestampNanosecondType;
use clewline_segment::sidecar::cube::Sketch;
use hashbrown::{HashMap, HashSet};

use super::Key;
use crate::limits::COUNTING_KEYS_MAX;

/// A key of a group: per column the number of a text, or a time; [`ABSENT`] without one.
pub(super) type GroupId = [u64; COUNTING_KEYS_MAX];

/// Stands for a missing value.
pub(super) const ABSENT: u64 = u64::MAX;

/// All groups found so far.
#[derive(Debug, Default)]
pub(super) struct Groups {
    texts: Vec<Texts>,
    numbers: HashMap<GroupId, usize>,
    ids: Vec<GroupId>,
    counts: Vec<u64>,
    sketches: Option<Vec<Sketch>>,
    seen: Ids,
}

/// The texts of one key column and their numbers.
#[derive(Debug, Default)]
struct Texts {
    numbers: HashMap<Box<str>, u64>,
    texts: Vec<Box<str>>,
}

impl Texts {
    fn number(&mut self, text: &str) -> u64 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as u64;
        self.numbers.insert(text.into(), number);
        self.texts.push(text.into());
        number
    }
}

/// Distinct 16-byte ids, in parts small enough for the processor's caches.
#[derive(Debug)]
struct Ids {
    parts: Vec<Part>,
}

#[derive(Debug, Default, Clone)]
struct Part {
    ids: Vec<[u8; 16]>,
    /// Repeats are removed when there are so many again.
    tidy_at: usize,
}

impl Default for Ids {
    fn default() -> Ids {
        Ids { parts: vec![Part::default(); ID_PARTS] }
    }
}

impl Ids {
    fn add(&mut self, id: [u8; 16]) {
        // Ids are random; where a sender counts them up, the last bytes differ.
        let part = &mut self.parts[usize::from(id[0] ^ id[15])];
        part.ids.push(id);
        if part.ids.len() >= part.tidy_at.max(ID_PART_MIN) {
            part.tidy();
        }
    }

    fn distinct(&mut self) -> usize {
        self.parts.iter_mut().map(Part::tidy).sum()
    }
}

impl Part {
    fn tidy(&mut self) -> usize {
        let mut seen = HashSet::with_capacity_and_hasher(self.ids.len(), Hashed::default());
        self.ids.retain(|id| seen.insert(*id));
        self.tidy_at = self.ids.len() * 2;
        self.ids.len()
    }
}

type Hashed = std::hash::BuildHasherDefault<IdHasher>;

/// Ids are random already; multiplied, so that ids counted up by a sender do not all fall together.
#[derive(Debug, Default, Clone)]
struct IdHasher(u64);

impl std::hash::Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn write_usize(&mut self, _: usize) {}
}

/// Parts of a set of ids, by one byte.
const ID_PARTS: usize = 256;

/// Ids a part holds before repeats are looked for.
const ID_PART_MIN: usize = 4 << 10;

impl Groups {
    pub(super) fn new(keys: usize, with_sketches: bool) -> Groups {
        let texts = (0..keys).map(|_| Texts::default()).collect();
        Groups { texts, sketches: with_sketches.then(Vec::new), ..Groups::default() }
    }

    /// Number of groups, or of distinct ids where there are more.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn count(&self, group: usize) -> u64 {
        self.counts[group]
    }

    pub(super) fn distinct(&mut self) -> usize {
        self.seen.distinct()
    }

    pub(super) fn quantile(&self, group: usize, phi: f64) -> Option<f64> {
        self.sketches.as_ref().and_then(|sketches| sketches[group].quantile(phi))
    }

    /// Without keys there is one group, also of no rows.
    pub(super) fn ensure_one(&mut self) {
        self.group([ABSENT; COUNTING_KEYS_MAX]);
    }

    /// The number of a text of key column `key`.
    pub(super) fn text(&mut self, key: usize, text: Option<&str>) -> u64 {
        text.map_or(ABSENT, |text| self.texts[key].number(text))
    }

    fn group(&mut self, id: GroupId) -> usize {
        let next = self.ids.len();
        let group = *self.numbers.entry(id).or_insert(next);
        if group == next {
            self.ids.push(id);
            self.counts.push(0);
            if let Some(sketches) = &mut self.sketches {
                sketches.push(Sketch::default());
            }
        }
        group
    }

    /// Adds rows to a group.
    pub(super) fn add(&mut self, id: GroupId, count: u64, durations: Option<&Sketch>) {
        if count == 0 {
            return;
        }
        let group = self.group(id);
        self.counts[group] += count;
        if let (Some(sketches), Some(durations)) = (&mut self.sketches, durations) {
            sketches[group].merge(durations);
        }
    }

    /// Adds rows one by one; `arrays` begin with the key columns.
    pub(super) fn add_rows(
        &mut self,
        keys: &[(String, Key)],
        arrays: &[ArrayRef],
        durations: Option<&Int64Array>,
        ids: Option<&FixedSizeBinaryArray>,
        rows: usize,
    ) {
        if let Some(ids) = ids {
            ids.iter().flatten().filter_map(|id| id.try_into().ok()).for_each(|id| self.seen.add(id));
            return;
        }
        let columns: Vec<Vec<u64>> =
            keys.iter().zip(arrays).enumerate().map(|(at, ((_, key), array))| self.key_ids(at, key, array)).collect();
        if columns.is_empty() && durations.is_none() {
            self.add([ABSENT; COUNTING_KEYS_MAX], rows as u64, None);
            return;
        }
        let mut last: Option<(GroupId, usize)> = None;
        for row in 0..rows {
            let mut id = [ABSENT; COUNTING_KEYS_MAX];
            for (part, column) in id.iter_mut().zip(&columns) {
                *part = column[row];
            }
            let group = match last {
                Some((before, group)) if before == id => group,
                _ => self.group(id),
            };
            last = Some((id, group));
            self.counts[group] += 1;
            if let (Some(sketches), Some(durations)) = (&mut self.sketches, durations)
                && durations.is_valid(row)
            {
                sketches[group].add(durations.value(row));
            }
        }
    }

    fn key_ids(&mut self, at: usize, key: &Key, array: &ArrayRef) -> Vec<u64> {
        match key {
            Key::Text(_) => self.text_ids(at, array.as_string_view()),
            Key::Time(_, step) => {
                let times = array.as_primitive::<TimestampNanosecondType>();
                times.iter().map(|time| time.map_or(ABSENT, |time| time_id(time, *step))).collect()
            }
        }
    }

    fn text_ids(&mut self, at: usize, texts: &StringViewArray) -> Vec<u64> {
        // Equal views are equal texts, and dictionary values share their view.
        let mut known: HashMap<u128, u64> = HashMap::new();
        let views = texts.views();
        let mut last: Option<(u128, u64)> = None;
        (0..texts.len())
            .map(|row| {
                if texts.is_null(row) {
                    return ABSENT;
                }
                let view = views[row];
                if let Some((seen, id)) = last
                    && seen == view
                {
                    return id;
                }
                let id = match known.get(&view) {
                    Some(&id) => id,
                    None => {
                        let id = self.texts[at].number(texts.value(row));
                        if known.len() < 4_096 {
                            known.insert(view, id);
                        }
                        id
                    }
                };
                last = Some((view, id));
                id
            })
            .collect()
    }

    /// Adds all groups of another collection with the same keys.
    pub(super) fn merge(&mut self, other: &Groups) {
        other.seen.parts.iter().flat_map(|part| &part.ids).for_each(|id| self.seen.add(*id));
        for (group, theirs) in other.ids.iter().enumerate() {
            let mut id = *theirs;
            for (at, part) in id.iter_mut().enumerate().take(self.texts.len()) {
                // Time keys have no texts; their numbers mean the same everywhere.
                if let Some(text) = usize::try_from(*part).ok().and_then(|n| other.texts[at].texts.get(n)) {
                    *part = self.texts[at].number(text);
                }
            }
            self.add(id, other.counts[group], other.sketches.as_ref().map(|sketches| &sketches[group]));
        }
    }

    /// All groups, ordered by their keys, absent values last.
    pub(super) fn by_keys(&self, keys: &[(String, Key)]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.ids.len()).collect();
        order.sort_by(|&a, &b| {
            let parts = keys.iter().enumerate().map(|(at, (_, key))| {
                let (x, y) = (self.ids[a][at], self.ids[b][at]);
                match key {
                    _ if x == ABSENT || y == ABSENT => x.cmp(&y),
                    Key::Text(_) => self.texts[at].texts[x as usize].cmp(&self.texts[at].texts[y as usize]),
                    Key::Time(..) => time_of(x).cmp(&time_of(y)),
                }
            });
            parts.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        order
    }

    /// A key column of the answer.
    pub(super) fn key_column(&self, at: usize, key: &Key, order: &[usize]) -> ArrayRef {
        match key {
            Key::Text(_) => {
                let mut out = StringViewBuilder::with_capacity(order.len());
                for &group in order {
                    out.append_option(self.texts[at].texts.get(self.ids[group][at] as usize));
                }
                Arc::new(out.finish())
            }
            Key::Time(..) => {
                let times = order.iter().map(|&group| match self.ids[group][at] {
                    ABSENT => None,
                    id => Some(time_of(id)),
                });
                Arc::new(times.collect::<TimestampNanosecondArray>().with_timezone("UTC"))
            }
        }
    }
}

/// The id of the time step `time` is in. Steps are counted from 1970; times before it are rounded down too.
pub(super) fn time_id(time: i64, step: i64) -> u64 {
    time.saturating_sub(time.rem_euclid(step)).cast_unsigned() ^ 1 << 63
}

fn time_of(id: u64) -> i64 {
    (id ^ 1 << 63).cast_signed()
}
