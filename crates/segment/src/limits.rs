//! Every bound of this crate, with its reason.

/// Attribute columns of one segment; the rest goes to the residual text. More columns make footers heavier than data.
pub const ATTRIBUTE_COLUMNS_MAX: usize = 200;

/// An attribute carried by at least one row in this many gets a column of its own.
pub const PROMOTE_ONE_ROW_IN: u64 = 200;

/// Residual names the catalog remembers per segment; beyond it any unknown name may be in the residual.
pub const REST_NAMES_MAX: usize = 5_000;

/// Rows of a row group: the unit of statistics and of memory while writing.
pub const ROW_GROUP_ROWS: usize = 128 << 10;

/// Rows of a data page: what is unpacked of each column to show one record.
pub const PAGE_ROWS: usize = 4 << 10;

/// Rows encoded between two looks at the size of a page.
pub const WRITE_BATCH_ROWS: usize = 512;

/// Size of a page of long texts before compression: what is unpacked to show one record.
pub const TEXT_PAGE_BYTES: usize = 64 << 10;

/// Rows of a chunk: the unit of the index. Row groups are whole chunks.
pub const CHUNK_ROWS: usize = 8 << 10;

/// Distinct values the index lists of a column; one with more is found by its tokens.
pub const VALUES_MAX: usize = 256;

/// Bytes of those values together: long texts are better found by their tokens.
pub const VALUE_LIST_BYTES_MAX: usize = 32 << 10;

/// Templates of one segment the index keeps; beyond it, bodies are indexed like any other text.
pub const TEMPLATES_MAX: usize = 16 << 10;

/// A cell of the cube stands for at least so many rows on average, or the cube is left out.
pub const CUBE_ROWS_PER_CELL: u64 = 16;

/// Rows of each input a merge holds decoded.
pub const MERGE_BATCH_ROWS: usize = 4 << 10;
