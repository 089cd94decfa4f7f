//! Every bound of this crate, with its reason. Bounds of single values are in `clewline_model::limits`.

/// Largest body after decompression a server should hand over: the default of the OTLP specification.
pub const BODY_BYTES_MAX: usize = 64 << 20;

/// Largest batch one request may become. A body of tiny records under a resource with long names grows a hundredfold
/// in columns; beyond this the request is refused as too large. Below the 512 MiB the write-ahead log accepts.
pub const BATCH_BYTES_MAX: usize = 384 << 20;

/// Rows between two looks at the size of a growing batch: keeps the look out of the cost of a row, and with
/// [`REPEATED_BYTES_MAX`] bounds what can be added unseen to a few MiB.
pub const ROWS_BETWEEN_SIZE_CHECKS: usize = 256;

/// Rows from which the size of the rest of a request is guessed.
pub const ROWS_BEFORE_GUESS: usize = 32;

/// Longest text kept of a column all records of a resource, scope or metric repeat (service, scope name, node, metric
/// name). The uncut value stays among the resource attributes.
pub const REPEATED_BYTES_MAX: usize = 4 << 10;

/// Encoded size up to which the metadata of a metric is kept: every data point repeats it.
pub const METADATA_BYTES_MAX: usize = 4 << 10;

/// Reasons listed in a report; further rejections are only counted.
pub const REASONS_MAX: usize = 20;

/// Longest summary of a report. The OTLP response limit is 4 MiB; people read less.
pub const MESSAGE_BYTES_MAX: usize = 4 << 10;

/// Longest frame of the line and syslog framers by default: what fits a UDP datagram, and what syslog daemons accept.
pub const FRAME_BYTES_MAX: usize = 64 << 10;

/// Fields of JSON records remembered per request, so that a key that comes again needs no look-up. The widest sources have
/// some hundred; requests of random keys must not fill memory with them.
pub const FIELDS_MAX: usize = 4_096;

/// Digits of a syslog octet count: a count of more is not one.
pub const OCTET_COUNT_DIGITS_MAX: usize = 8;

/// Longest name before the tab of a `node<TAB>message` line: a DNS name has at most 253 bytes.
pub const NODE_BYTES_MAX: usize = 253;

/// Bytes at the start of a text line in which a severity word is looked for: behind a time stamp, a thread and a name.
pub const LEVEL_SCAN_BYTES: usize = 96;

/// First output buffer of a decompressor; grown to the limit in one step, so that a bomb never makes two large ones.
pub const DECOMPRESS_STEP_BYTES: usize = 1 << 20;
