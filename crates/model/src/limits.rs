//! Every bound of this crate, with its reason.

/// Attributes kept per record, resource or scope; more are dropped and counted. OTel SDKs stop at 128; wide
/// security events carry a few hundred.
pub const ATTRIBUTES_PER_RECORD_MAX: usize = 2_000;

/// Longest text kept of one value; the rest is cut at a character border and counted. Keeps one hostile record from
/// filling a row group.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

/// Deepest nesting accepted in JSON and `AnyValue`. Deeper input is refused before the stack is at risk.
pub const NESTING_DEPTH_MAX: usize = 64;

/// Longest attribute name kept; longer names are cut.
pub const KEY_BYTES_MAX: usize = 512;

/// Bytes of a log line the template scan reads; what follows is one variable.
pub const TEMPLATE_SCAN_BYTES: usize = 8 << 10;

/// Longest quoted text the template scan takes for one variable; a quotation mark without a partner within this reach is
/// constant.
pub const QUOTED_BYTES_MAX: usize = 1 << 10;

/// Room made ahead for the rest of a request, at most: a beginning of tiny records must not ask for more memory than the
/// usual request takes in the end.
pub const RESERVED_BYTES_MAX: usize = 8 << 20;

/// Largest encoded batch the codec accepts back: a body at its limit of 64 MiB with room for its columns.
pub const ENCODED_BATCH_BYTES_MAX: usize = 512 << 20;
