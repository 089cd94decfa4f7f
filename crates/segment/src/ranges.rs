//! Sets of rows as sorted, disjoint, non-empty ranges.

use std::ops::Range;

/// Some rows of a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowRanges(Vec<Range<u64>>);

impl RowRanges {
    /// No row.
    pub fn none() -> RowRanges {
        RowRanges::default()
    }

    /// The first `rows` rows.
    pub fn all(rows: u64) -> RowRanges {
        std::iter::once(0..rows).collect()
    }

    /// Adds a range that begins at or behind the end of all there are; touching ones become one.
    pub fn push(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => self.0.push(range),
        }
    }

    /// The ranges, in order.
    pub fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.0.iter().cloned()
    }

    /// Number of rows.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Rows in either.
    #[must_use]
    pub fn or(&self, other: &RowRanges) -> RowRanges {
        let mut out = RowRanges::none();
        let (mut a, mut b) = (self.0.iter().peekable(), other.0.iter().peekable());
        loop {
            let next = match (a.peek(), b.peek()) {
                (Some(x), Some(y)) if x.start <= y.start => a.next(),
                (_, Some(_)) => b.next(),
                (Some(_), None) => a.next(),
                (None, None) => return out,
            };
            if let Some(range) = next {
                out.push(range.clone());
            }
        }
    }

    /// Rows in both.
    #[must_use]
    pub fn and(&self, other: &RowRanges) -> RowRanges {
        let mut out = RowRanges::none();
        let (mut a, mut b) = (0, 0);
        while let (Some(x), Some(y)) = (self.0.get(a), other.0.get(b)) {
            out.push(x.start.max(y.start)..x.end.min(y.end));
            if x.end <= y.end {
                a += 1;
            } else {
                b += 1;
            }
        }
        out
    }

    /// Rows here that are not in `other`.
    #[must_use]
    pub fn minus(&self, other: &RowRanges) -> RowRanges {
        let mut out = RowRanges::none();
        let mut b = 0;
        for range in &self.0 {
            let mut at = range.start;
            while let Some(hole) = other.0.get(b).filter(|hole| hole.start < range.end) {
                if hole.end > at {
                    if hole.start > at {
                        out.push(at..hole.start);
                    }
                    at = at.max(hole.end);
                }
                if hole.end > range.end {
                    break;
                }
                b += 1;
            }
            if at < range.end {
                out.push(at..range.end);
            }
        }
        out
    }

    /// The rows between `start` and `end`, counted from `start`.
    #[must_use]
    pub fn within(&self, start: u64, end: u64) -> RowRanges {
        let mut out = RowRanges::none();
        let first = self.0.partition_point(|range| range.end <= start);
        for range in self.0[first..].iter().take_while(|range| range.start < end) {
            out.push(range.start.max(start) - start..range.end.min(end) - start);
        }
        out
    }
}

impl FromIterator<Range<u64>> for RowRanges {
    /// From ranges in order.
    fn from_iter<T: IntoIterator<Item = Range<u64>>>(ranges: T) -> RowRanges {
        let mut out = RowRanges::none();
        ranges.into_iter().for_each(|range| out.push(range));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(bits: &[bool]) -> RowRanges {
        (0u64..).zip(bits).filter(|(_, bit)| **bit).map(|(row, _)| row..row + 1).collect()
    }

    proptest! {
        #[test]
        fn sets_behave_like_sets(pairs in prop::collection::vec(any::<(bool, bool)>(), 0..40), cut in 0usize..40) {
            let (a, b): (Vec<bool>, Vec<bool>) = pairs.iter().copied().unzip();
            let (x, y) = (of(&a), of(&b));
            let both = |f: fn(bool, bool) -> bool| of(&pairs.iter().map(|&(p, q)| f(p, q)).collect::<Vec<_>>());
            prop_assert_eq!(x.or(&y), both(|p, q| p || q));
            prop_assert_eq!(x.and(&y), both(|p, q| p && q));
            prop_assert_eq!(x.minus(&y), both(|p, q| p && !q));
            prop_assert_eq!(x.len(), a.iter().filter(|p| **p).count() as u64);
            let cut = cut.min(a.len());
            prop_assert_eq!(x.within(cut as u64, a.len() as u64), of(&a[cut..]));
        }
    }
}
