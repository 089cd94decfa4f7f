//! `top 10 by (a, b)`: the most frequent combinations.

/// The `top` pipe. Output columns: the fields, then `hits`; most hits first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Top {
    /// How many combinations to keep.
    pub n: u64,
    /// The fields combined; never empty.
    pub fields: Vec<String>,
}
