//! Exact counts by service, level (status for spans) and minute, and for spans a sketch of their durations: what answers
//! rates, errors and histograms without touching rows. Cells of segments add up.
//!
//! The sketch is DDSketch (Masson, Rim, Lee 2019) with relative accuracy [`ACCURACY`]: bucket `i` holds values in
//! `(g^(i-1), g^i]` with `g = (1 + a) / (1 - a)`, and any quantile read from it is within that share of a true one.

use hashbrown::HashMap;

use super::bytes::{In, Out};

/// A minute, the finest time step of the cube, ns.
pub const MINUTE_NS: i64 = 60_000_000_000;

/// Relative accuracy of quantiles.
pub const ACCURACY: f64 = 0.01;

/// Durations, as counts of geometric buckets. Adding two sketches adds their counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Values of zero and less.
    zeros: u64,
    first: i32,
    counts: Vec<u64>,
}

fn log_base() -> f64 {
    ((1.0 + ACCURACY) / (1.0 - ACCURACY)).ln()
}

impl Sketch {
    /// Adds a value.
    pub fn add(&mut self, value: i64) {
        if value <= 0 {
            self.zeros += 1;
        } else {
            self.add_bucket(((value as f64).ln() / log_base()).ceil() as i32, 1);
        }
    }

    fn add_bucket(&mut self, bucket: i32, count: u64) {
        if self.counts.is_empty() {
            self.first = bucket;
        }
        if bucket < self.first {
            let more = (self.first - bucket) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.first = bucket;
        }
        let at = (bucket - self.first) as usize;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += count;
    }

    /// Adds all values of another sketch.
    pub fn merge(&mut self, other: &Sketch) {
        self.zeros += other.zeros;
        for (bucket, &count) in (other.first..).zip(&other.counts) {
            if count > 0 {
                self.add_bucket(bucket, count);
            }
        }
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.zeros + self.counts.iter().sum::<u64>()
    }

    /// The value at rank `phi * (count - 1)`, within [`ACCURACY`]; `None` without values.
    pub fn quantile(&self, phi: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = (phi.clamp(0.0, 1.0) * (count - 1) as f64).round() as u64;
        let mut before = self.zeros;
        if rank < before {
            return Some(0.0);
        }
        for (bucket, &here) in (self.first..).zip(&self.counts) {
            before += here;
            if rank < before {
                let upper = (f64::from(bucket) * log_base()).exp();
                return Some(upper * (1.0 - ACCURACY));
            }
        }
        None
    }

    fn write(&self, out: &mut Out) {
        out.number(self.zeros);
        out.signed(i64::from(self.first));
        out.count(self.counts.len());
        self.counts.iter().for_each(|&count| out.number(count));
    }

    fn read(input: &mut In<'_>) -> Option<Sketch> {
        let zeros = input.number()?;
        let first = i32::try_from(input.signed()?).ok()?;
        let count = input.count(1)?;
        // Bucket numbers of 64-bit values stay far below this; beyond it arithmetic could overflow.
        if first.unsigned_abs() > 1 << 20 || count > 1 << 20 {
            return None;
        }
        let counts = (0..count).map(|_| input.number()).collect::<Option<_>>()?;
        Some(Sketch { zeros, first, counts })
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Position in [`Cube::services`].
    pub service: u32,
    /// Position in [`Cube::levels`].
    pub level: u32,
    /// Minutes since 1970, rounded down.
    pub minute: i64,
    /// Rows.
    pub count: u64,
    /// Their durations; spans only.
    pub durations: Option<Sketch>,
}

/// All cells of a segment, by service, level and minute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cube {
    /// Service names; empty for rows without one.
    pub services: Vec<String>,
    /// Levels of logs, statuses of spans; empty for rows without one.
    pub levels: Vec<String>,
    /// The cells.
    pub cells: Vec<Cell>,
}

/// Collects cells.
#[derive(Debug, Default)]
pub struct CubeBuilder {
    services: Names,
    levels: Names,
    cells: HashMap<(u32, u32, i64), usize>,
    found: Vec<Cell>,
    last: Option<((u32, u32, i64), usize)>,
}

/// Numbers for names, in order of appearance.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<Box<str>, u32>,
    names: Vec<String>,
    last: u32,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if self.names.get(self.last as usize).is_some_and(|last| last == name) {
            return self.last;
        }
        self.last = match self.numbers.get(name) {
            Some(&number) => number,
            None => {
                let number = self.names.len() as u32;
                self.numbers.insert(name.into(), number);
                self.names.push(name.to_owned());
                number
            }
        };
        self.last
    }
}

impl CubeBuilder {
    /// Adds a row; `duration_ns` for spans.
    pub fn add(&mut self, service: &str, level: &str, time_ns: i64, duration_ns: Option<i64>) {
        let key = (self.services.number(service), self.levels.number(level), time_ns.div_euclid(MINUTE_NS));
        let at = match self.last {
            Some((last, at)) if last == key => at,
            _ => {
                let found = &mut self.found;
                *self.cells.entry(key).or_insert_with(|| {
                    let (service, level, minute) = key;
                    found.push(Cell { service, level, minute, count: 0, durations: None });
                    found.len() - 1
                })
            }
        };
        self.last = Some((key, at));
        let cell = &mut self.found[at];
        cell.count += 1;
        if let Some(duration) = duration_ns {
            cell.durations.get_or_insert_default().add(duration);
        }
    }

    /// Number of cells so far.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The cube.
    pub fn finish(mut self) -> Cube {
        self.found.sort_unstable_by_key(|cell| (cell.service, cell.level, cell.minute));
        Cube { services: self.services.names, levels: self.levels.names, cells: self.found }
    }
}

impl Cube {
    pub(super) fn write(&self, out: &mut Out) {
        for names in [&self.services, &self.levels] {
            out.count(names.len());
            names.iter().for_each(|name| out.text(name));
        }
        out.count(self.cells.len());
        let mut last = 0;
        for cell in &self.cells {
            out.number(u64::from(cell.service));
            out.number(u64::from(cell.level));
            out.signed(cell.minute - last);
            last = cell.minute;
            out.number(cell.count);
            out.number(u64::from(cell.durations.is_some()));
            if let Some(sketch) = &cell.durations {
                sketch.write(out);
            }
        }
    }

    pub(super) fn read(input: &mut In<'_>) -> Option<Cube> {
        let mut names = || -> Option<Vec<String>> {
            let count = input.count(1)?;
            (0..count).map(|_| input.text().map(str::to_owned)).collect()
        };
        let (services, levels) = (names()?, names()?);
        let count = input.count(5)?;
        let mut cells = Vec::with_capacity(count);
        let mut minute = 0i64;
        for _ in 0..count {
            let service = u32::try_from(input.number()?).ok().filter(|&at| (at as usize) < services.len())?;
            let level = u32::try_from(input.number()?).ok().filter(|&at| (at as usize) < levels.len())?;
            minute = minute.checked_add(input.signed()?)?;
            let count = input.number()?;
            let durations = if input.number()? == 0 { None } else { Some(Sketch::read(input)?) };
            cells.push(Cell { service, level, minute, count, durations });
        }
        Some(Cube { services, levels, cells })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_the_promised_accuracy() {
        let values: Vec<i64> = (1..=20_000).map(|i| i * i * 37).collect();
        let (mut all, mut half) = (Sketch::default(), Sketch::default());
        values.iter().step_by(2).for_each(|&v| all.add(v));
        values.iter().skip(1).step_by(2).for_each(|&v| half.add(v));
        all.merge(&half);
        assert_eq!(all.count(), 20_000);
        for phi in [0.0, 0.01, 0.5, 0.9, 0.99, 1.0] {
            let exact = values[(phi * 19_999.0_f64).round() as usize] as f64;
            let read = all.quantile(phi).expect("there are values");
            assert!((read - exact).abs() <= exact * 0.0101, "{phi}: {read} for {exact}");
        }
        let mut zeros = Sketch::default();
        zeros.add(0);
        zeros.add(-5);
        assert_eq!((zeros.quantile(0.5), zeros.count()), (Some(0.0), 2));
        assert_eq!(Sketch::default().quantile(0.5), None);
    }

    #[test]
    fn cells_add_up_and_come_back() {
        let mut builder = CubeBuilder::default();
        for i in 0..1_000i64 {
            let service = ["a", "b", ""][i as usize % 3];
            builder.add(service, ["ok", "error"][i as usize % 2], i * 1_000_000_000 - 50_000_000_000, Some(i));
        }
        let cube = builder.finish();
        assert_eq!(cube.cells.iter().map(|cell| cell.count).sum::<u64>(), 1_000);
        assert_eq!(cube.cells.iter().map(|cell| cell.minute).min(), Some(-1));
        let mut out = Out::default();
        cube.write(&mut out);
        assert_eq!(Cube::read(&mut In(&out.0)), Some(cube));
    }
}
