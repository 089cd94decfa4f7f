//! A small seeded generator: xoshiro256** seeded by splitmix64 (Blackman and Vigna, 2018). Not for secrets.

/// Deterministic random numbers; the same seed gives the same sequence on every machine.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    /// A generator for `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        let mut mix = seed;
        Random { state: std::array::from_fn(|_| split_mix(&mut mix)) }
    }

    /// 64 uniform bits.
    pub(crate) fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (mut c, mut d) = (c ^ a, d ^ b);
        let (a, b2) = (a ^ d, b ^ c);
        c ^= b << 17;
        d = d.rotate_left(45);
        self.state = [a, b2, c, d];
        result
    }

    /// Uniform in `[0, 1)`, 53 bits.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `0..bound`; 0 for an empty range (multiply-shift, bias below 2^-32 for the bounds used here).
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// True with probability `p`.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// One of `items`, uniformly.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// Exponential with the given mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Log-normal by median and sigma (of the logarithm); Box-Muller.
    pub(crate) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        median * (sigma * normal).exp()
    }

    /// Eight random bytes, never all zero (a zero span id is invalid in OpenTelemetry).
    pub(crate) fn span_id(&mut self) -> [u8; 8] {
        (self.bits() | 1).to_be_bytes()
    }

    /// Sixteen random bytes, never all zero.
    pub(crate) fn trace_id(&mut self) -> [u8; 16] {
        ((u128::from(self.bits()) << 64) | u128::from(self.bits()) | 1).to_be_bytes()
    }
}

/// Sebastiano Vigna's splitmix64.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_values() {
        // splitmix64 of seed 0, and xoshiro256** from the state [1, 2, 3, 4]: published reference outputs.
        let mut mix = 0;
        assert_eq!(split_mix(&mut mix), 0xe220_a839_7b1d_cdaf);
        assert_eq!(split_mix(&mut mix), 0x6e78_9e6a_a1b9_65f4);
        let mut random = Random { state: [1, 2, 3, 4] };
        let first: Vec<u64> = (0..5).map(|_| random.bits()).collect();
        assert_eq!(first, [11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360]);
    }

    #[test]
    fn shapes() {
        let mut random = Random::new(1);
        let n = 20_000;
        let mean = (0..n).map(|_| random.unit()).sum::<f64>() / f64::from(n);
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        let mean = (0..n).map(|_| random.exponential(3.0)).sum::<f64>() / f64::from(n);
        assert!((mean - 3.0).abs() < 0.1, "{mean}");
        let mut drawn: Vec<f64> = (0..n).map(|_| random.log_normal(10.0, 0.5)).collect();
        drawn.sort_by(f64::total_cmp);
        assert!((drawn[10_000] - 10.0).abs() < 0.3, "{}", drawn[10_000]);
        assert!((0..1_000).all(|_| random.below(7) < 7));
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn the_same_seed_repeats() {
        let (mut a, mut b) = (Random::new(42), Random::new(42));
        assert!((0..100).all(|_| a.bits() == b.bits()));
        assert_ne!(Random::new(1).bits(), Random::new(2).bits());
        assert_eq!(hex(&[0, 15, 255]), "000fff");
    }
}
