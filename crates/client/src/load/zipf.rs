//! Skewed choice: rank k is drawn with probability proportional to 1 / k^s (Zipf), through a cumulative table.

use super::random::Random;

/// A Zipf distribution over `0..n`.
#[derive(Debug, Clone)]
pub(crate) struct Zipf {
    cumulative: Vec<f64>,
}

impl Zipf {
    /// `n` ranks (at least one) with exponent `s`.
    pub(crate) fn new(n: usize, s: f64) -> Self {
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = (1..=n.max(1))
            .map(|rank| {
                sum += (rank as f64).powf(-s);
                sum
            })
            .collect();
        for value in &mut cumulative {
            *value /= sum;
        }
        Zipf { cumulative }
    }

    /// A rank, 0 the most frequent.
    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        let at = random.unit();
        self.cumulative.partition_point(|edge| *edge <= at).min(self.cumulative.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_follow_the_law() {
        let zipf = Zipf::new(20, 1.0);
        let mut random = Random::new(3);
        let mut counts = [0u32; 20];
        for _ in 0..200_000 {
            counts[zipf.draw(&mut random)] += 1;
        }
        let harmonic: f64 = (1..=20).map(|k| 1.0 / f64::from(k)).sum();
        for (rank, count) in counts.iter().enumerate() {
            let expect = 200_000.0 / harmonic / (rank as f64 + 1.0);
            assert!((f64::from(*count) - expect).abs() < 5.0 * expect.sqrt(), "{rank}: {count} against {expect}");
        }
    }

    #[test]
    fn one_rank_is_certain() {
        assert_eq!(Zipf::new(1, 1.2).draw(&mut Random::new(1)), 0);
        assert_eq!(Zipf::new(0, 1.2).draw(&mut Random::new(1)), 0);
    }
}
