//! Every bound of this crate, with its reason. What an operator may change is in [`crate::settings`].

use std::time::Duration;

/// Time a connection may take from its first byte to a whole request head (slow senders hold nothing for long).
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Silence after which a connection without a request in progress is closed. Longer than the export interval of the
/// OpenTelemetry SDKs (5 to 60 s), so that they keep theirs.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// Time a peer may take none of an answer. Long, because a reader behind a pager pauses.
pub const WRITE_STALL_TIMEOUT: Duration = Duration::from_secs(600);

/// Bytes of one header block.
pub const HEADER_BYTES_MAX: u32 = 64 << 10;

/// Requests at a time on one HTTP/2 connection.
pub const STREAMS_MAX: u32 = 256;

/// Bytes in flight on one HTTP/2 stream. The default of 64 KiB limits a single exporter to one window per round trip.
pub const STREAM_WINDOW_BYTES: u32 = 1 << 20;

/// Bytes in flight on one HTTP/2 connection.
pub const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;

/// HTTP/2 pings find peers that are gone.
pub const PING_INTERVAL: Duration = Duration::from_secs(30);

/// Time before a body must have arrived, plus what [`BODY_BYTES_PER_SECOND_MIN`] allows for its size.
pub const BODY_GRACE: Duration = Duration::from_secs(15);

/// Slowest body that is waited for.
pub const BODY_BYTES_PER_SECOND_MIN: u64 = 4 << 10;

/// Tables (a tenant's signal) one answer about storage names, the largest first.
pub const STORAGE_TABLES_MAX: usize = 1_000;

/// Body of a query: an SQL text or a form.
pub const QUERY_BODY_BYTES_MAX: usize = 1 << 20;

/// Bodies up to this size without compression are decoded where they arrive; larger ones on the blocking threads.
pub const INLINE_BODY_BYTES_MAX: usize = 32 << 10;

/// Bytes of an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 256;

/// Bytes of a tenant name. Same as the store's bound.
pub const TENANT_BYTES_MAX: usize = 150;

/// Time in which requests are refused before their body is read after the store said it cannot take more.
pub const OVERLOAD_GATE: Duration = Duration::from_millis(100);

/// Lines of one connection or socket that make a batch.
pub const LINES_PER_BATCH: usize = 1_000;

/// Bytes of such lines that make a batch.
pub const LINE_BATCH_BYTES: usize = 64 << 10;

/// Longest wait for company of a line that has arrived.
pub const LINE_WAIT: Duration = Duration::from_millis(50);

/// Connections of one line listener.
pub const LINE_CONNECTIONS_MAX: usize = 4_096;

/// Silence after which a line connection is closed: half-open peers must not use up the connections.
pub const LINE_IDLE_TIMEOUT: Duration = Duration::from_secs(3_600);

/// Bytes read from a line connection at once.
pub const LINE_READ_BYTES: usize = 16 << 10;

/// Longest pause before lines the store did not take are tried again.
pub const LINE_RETRY_MAX: Duration = Duration::from_secs(1);

/// Receive buffer asked of the kernel for UDP: bursts wait there, not in the bin.
pub const UDP_RECEIVE_BUFFER_BYTES: usize = 16 << 20;

/// Batches between the UDP receiver and the store; more are dropped and counted.
pub const UDP_QUEUE_BATCHES: usize = 256;

/// UDP batches on their way to stable storage at a time: one group commit takes them together.
pub const UDP_BATCHES_IN_FLIGHT: usize = 8;

/// Largest UDP datagram.
pub const DATAGRAM_BYTES_MAX: usize = 64 << 10;

/// Datagrams taken before other tasks run.
pub const DATAGRAMS_PER_TURN: usize = 256;

/// Rows a live tail may be ahead of its reader; more are dropped and counted.
pub const TAIL_ROWS_AHEAD: usize = 2_048;

/// Live tails at a time: each looks at every batch.
pub const TAILS_MAX: usize = 64;

/// Silence after which a live tail sends a comment, so that proxies and readers know it lives.
pub const TAIL_HEARTBEAT: Duration = Duration::from_secs(10);

/// Bytes of rows encoded before they are handed to the connection.
pub const ANSWER_CHUNK_BYTES: usize = 64 << 10;

/// Rows of one Parquet row group of an answer.
pub const PARQUET_GROUP_ROWS: usize = 64 << 10;

/// Values the value list gives when the question does not say.
pub const VALUES_DEFAULT: usize = 20;

/// Values the value list gives at most.
pub const VALUES_MAX: usize = 1_000;

/// Time running requests get to end when the server stops.
pub const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// Pause after a failed `accept` (usually no file descriptors left).
pub const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Seconds after which a refused sender may try again when nothing better is known.
pub const RETRY_AFTER_S: u64 = 1;

/// Seconds after which a sender whose records met a defect may try again.
pub const DEFECT_RETRY_S: u64 = 5;
