//! Every bound of this crate, with its reason.

/// Longest tenant name, in bytes.
pub const TENANT_NAME_BYTES_MAX: usize = 150;

/// Tenants of one store. Each costs a folder per signal and a segment per flush.
pub const TENANTS_MAX: usize = 10_000;

/// Identities remembered for removing repeats; about 64 MB of memory when full.
pub const IDENTITIES_MAX: usize = 1_000_000;

/// Requests committed by one fdatasync.
pub const GROUP_REQUESTS_MAX: usize = 1_024;

/// Payload bytes committed by one fdatasync, the last request apart. Bounds how long the first one waits.
pub const GROUP_BYTES_MAX: usize = 32 << 20;

/// Requests waiting for the writer. Together with the byte budget it bounds the queue.
pub const QUEUE_REQUESTS_MAX: usize = 16_384;

/// Longest write-ahead-log record: an encoded batch at its own limit and the record's head.
pub const RECORD_BYTES_MAX: usize = clewline_model::limits::ENCODED_BATCH_BYTES_MAX + (1 << 10);

/// Generations that may wait to become segments; with more, ingest answers Overloaded. Bounds memory and replay time.
pub const FROZEN_GENERATIONS_MAX: usize = 2;

/// Longest wait between two looks at the free space of a disk that was full.
pub const FREE_SPACE_CHECK_NS: u64 = 1_000_000_000;

/// Seconds a refused sender is asked to wait: a flush of one generation takes about that long.
pub const RETRY_AFTER_S: u64 = 1;

/// How long the writer waits for a generation to become segments before it refuses a group: about what that takes.
pub const ROOM_WAIT_MS: u64 = 2_000;

/// How often it looks.
pub const ROOM_POLL_MS: u64 = 20;

/// Pause between two attempts to write a segment that failed.
pub const FLUSH_RETRY_MS: u64 = 1_000;

/// How often a waiting background thread looks at its stop flag and the clock.
pub const BACKGROUND_POLL_MS: u64 = 200;

/// How often compaction and retention look for work.
pub const MAINTENANCE_INTERVAL_MS: u64 = 2_000;

/// Committed batches a live-tail receiver may lag behind before it loses the oldest.
pub const SUBSCRIBERS_LAG_MAX: usize = 1_024;

/// A forward jump of the wall clock against the monotonic clock that suspends deletion by age.
pub const CLOCK_JUMP_NS_MAX: i64 = 24 * 3_600 * 1_000_000_000;

/// Segments of one level that make a compaction.
pub const COMPACTION_FAN_IN: usize = 4;

/// The same for levels from [`FLUSH_LEVEL`] on.
pub const COMPACTION_LARGE_FAN_IN: usize = 8;

/// Level of the segments a full generation of logs becomes (4 MB and more).
pub const FLUSH_LEVEL: u32 = 4;

/// Segments merged at once.
pub const COMPACTION_INPUTS_MAX: usize = 16;

/// Size below which a segment is of level 0; each level is four times the one below.
pub const LEVEL_ZERO_BYTES: u64 = 64 << 10;

/// Segments of this level (64 MB and more) are not merged any more.
pub const LEVEL_MAX: u32 = 6;

/// Segments of days that are over that make a compaction, once nothing came in for a while.
pub const QUIET_FAN_IN: usize = 2;

/// How long a day that is over must have received nothing before its segments are merged with [`QUIET_FAN_IN`].
pub const QUIET_NS: i64 = 3_600 * 1_000_000_000;

/// In such a merge the largest segment has at most this many times the bytes of the others together: each rewrite of a
/// record then makes its segment larger by a quarter at least, so late records trickling in cost a bounded number.
pub const QUIET_RATIO_MAX: u64 = 4;

/// Segments of one tenant and signal written by one flush. Bounds what records of many days cost.
pub const PARTITIONS_PER_FLUSH_MAX: usize = 8;

/// Days of one table a report names.
pub const PARTITIONS_SHOWN_MAX: usize = 400;

/// Delete jobs that may wait at a time. Each keeps segments from before and after it apart.
pub const DELETE_JOBS_OPEN_MAX: u64 = 100;

/// Finished delete jobs the catalog keeps for people who look.
pub const DELETE_JOBS_KEPT: i64 = 1_000;

/// Longest query of a delete job.
pub const DELETE_QUERY_BYTES_MAX: usize = 64 << 10;

/// Pause before a delete job that failed is tried again.
pub const DELETE_RETRY_NS: u64 = 10 * 1_000_000_000;

/// Buffer between the Parquet writer and the disk.
pub const SEGMENT_BUFFER_BYTES: usize = 256 << 10;

/// Doors and tenants the ledger tells apart; further ones share one line named `other`.
pub const LEDGER_LINES_MAX: usize = 50_000;

/// A part with fewer rows is joined with its neighbour: queries pay per part.
pub const SMALL_PART_ROWS: usize = 512;

/// Most rows of a joined part; joining copies, and it does so under the state lock.
pub const JOINED_PART_ROWS_MAX: usize = 4_096;

/// Most bytes of a joined part, for the same reason.
pub const JOINED_PART_BYTES_MAX: usize = 4 << 20;
