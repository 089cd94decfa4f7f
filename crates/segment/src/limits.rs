//! Every bound of this crate, with its reason.

/// Attribute columns of one segment; the rest goes to the residual text. More columns make footers heavier than data.
pub const ATTRIBUTE_COLUMNS_MAX: usize = 200;

/// An attribute carried by at least one row in this many gets a column of its own.
pub const PROMOTE_ONE_ROW_IN: u64 = 200;

/// Residual names the catalog remembers per segment; beyond it any unknown name may be in the residual.
pub const REST_NAMES_MAX: usize = 5_000;

/// Rows of a row group: the unit of statistics and of memory while writing.
pub const ROW_GROUP_ROWS: usize = 128 << 10;

/// Rows of a data page: the unit of page pruning.
pub const PAGE_ROWS: usize = 8 << 10;
