//! Every bound of the client, with its reason.

use std::time::Duration;

/// Rows asked for at once when following cursors: large enough to amortise a request, small enough for a quick first row.
pub(crate) const PAGE_ROWS: u64 = 1_000;
/// Query text above this many bytes goes in the body of a POST: proxies commonly refuse longer request lines.
pub(crate) const QUERY_IN_URL_BYTES_MAX: usize = 4_096;
/// A reply that must be held in memory (a trace, a status, a page of rows) may be this large.
pub(crate) const REPLY_BYTES_MAX: u64 = 1 << 30;
/// An error reply is read up to here; problems are a few hundred bytes.
pub(crate) const PROBLEM_BYTES_MAX: u64 = 64 << 10;
/// Time allowed for a TCP connection to the server.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest silence on a tail: the server sends a heartbeat every 10 s, three missed ones mean a dead connection.
pub(crate) const TAIL_SILENCE_MAX: Duration = Duration::from_secs(35);
/// Longest single SSE line kept; a longer one is cut (a record is far smaller than this).
pub(crate) const SSE_LINE_BYTES_MAX: usize = 16 << 20;
/// Target size of one import request body, in bytes before any compression.
pub(crate) const IMPORT_BATCH_BYTES: usize = 2 << 20;
/// Largest single import unit (one line, one message, one pretty-printed document).
pub(crate) const IMPORT_UNIT_BYTES_MAX: usize = 256 << 20;
/// Bytes looked at to recognise a file's format.
pub(crate) const DETECT_BYTES: usize = 64 << 10;
/// Bytes of the beginning that identify a file together with size and modification time.
pub(crate) const FINGERPRINT_BYTES: usize = 4 << 10;
/// How many rejected lines an import prints before it only counts.
pub(crate) const REJECTIONS_SHOWN_MAX: usize = 20;
/// First pause before a retry; doubles each time.
pub(crate) const RETRY_FIRST: Duration = Duration::from_millis(200);
/// Longest pause the client chooses itself.
pub(crate) const RETRY_PAUSE_MAX: Duration = Duration::from_secs(10);
/// Longest `Retry-After` it obeys.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// Lines of a table looked at before column widths are fixed.
pub(crate) const TABLE_SAMPLE_ROWS: usize = 1_000;
