//! `uniq by (a, b) with hits limit 100`: each combination once.

/// The `uniq` pipe. Output columns: the fields, then `hits` when asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uniq {
    /// The fields combined; never empty.
    pub fields: Vec<String>,
    /// Also give the number of rows of each combination, in column `hits`.
    pub with_hits: bool,
    /// Stop after this many combinations; which ones is unspecified.
    pub limit: Option<u64>,
}
