//! `sort by (a desc, b)`: order the rows.

/// One key of a sort order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// The field.
    pub field: String,
    /// Largest first.
    pub desc: bool,
}
