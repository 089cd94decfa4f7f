//! Every bound of this crate, with its reason.

/// Rows of one page of a search without pipes. More is fetched with the cursor.
pub const SEARCH_ROWS_MAX: u64 = 10_000;

/// Rows of one page when the question does not say.
pub const SEARCH_ROWS_DEFAULT: u64 = 100;

/// Chunks a newest-first search looks at before it asks whether it has enough; each time four times as many.
pub const PIECES_FIRST: usize = 4;

/// Rows decoded at a time. Small enough that cancelling is felt at once, large enough to amortise.
pub const BATCH_ROWS: usize = 8 << 10;

/// Memory of the footers and indexes kept between queries.
pub const OPENED_BYTES_MAX: usize = 48 << 20;

/// Largest program a regular expression may compile to, and its lazy DFA.
pub const REGEX_BYTES_MAX: usize = 2 << 20;

/// Length of an SQL text.
pub const SQL_BYTES_MAX: usize = 128 << 10;

/// Words and signs of an SQL text: planning recurses once per operator of a chain.
pub const SQL_TOKENS_MAX: usize = 5_000;

/// Length of a text literal in SQL: functions such as `replace` put it into every row, many times.
pub const SQL_LITERAL_BYTES_MAX: usize = 1 << 10;

/// Stack of a query thread. Chains of [`SQL_TOKENS_MAX`] operators fit; only what is used is ever touched.
pub const STACK_BYTES: usize = 256 << 20;

/// SQL functions that make a text of any length from a number: one row could take all memory.
pub const FUNCTIONS_LEFT_OUT: [&str; 3] = ["repeat", "lpad", "rpad"];

/// The process may grow by this share of `query.memory_bytes_max`, in percent, while queries run, before they are stopped.
/// More than 100, because flush and merges grow it at the same time and reading memory parts is not accounted.
pub const GROWTH_PERCENT: u64 = 550;

/// How often the growth is looked at.
pub const GROWTH_POLL_MS: u64 = 20;

/// Nesting of an SQL expression.
pub const SQL_DEPTH_MAX: usize = 50;

/// Spans of one trace the tree answer holds.
pub const TRACE_SPANS_MAX: usize = 200_000;

/// Logs of one trace the tree answer holds.
pub const TRACE_LOGS_MAX: usize = 20_000;

/// Buckets of a histogram.
pub const HIT_BUCKETS_MAX: i64 = 2_000;

/// Groups of a histogram; the rest is summed under `…`.
pub const HIT_GROUPS_MAX: usize = 20;

/// Names the field list returns.
pub const FIELDS_MAX: usize = 5_000;

/// Distinct values the value list returns.
pub const VALUES_MAX: usize = 1_000;

/// How long a query waits for its turn before the answer is "busy".
pub const QUEUE_MS: u64 = 10_000;

/// Batches a running query may be ahead of its reader.
pub const AHEAD_BATCHES: usize = 4;

/// Keys of a question that is counted without the engine.
pub const COUNTING_KEYS_MAX: usize = 3;

/// Groups of such a question; with more the engine answers it, within its memory limit.
pub const COUNTING_GROUPS_MAX: usize = 100_000;

/// Segments whose footers a report about bytes reads, the largest first.
pub const BYTES_SEGMENTS_MAX: usize = 2_000;

/// Entries of each list of such a report.
pub const BYTES_TOP_MAX: u64 = 1_000;

/// Values of one column compressed to estimate its floor; about half a second of work.
pub const FLOOR_COLUMN_BYTES_MAX: usize = 1 << 20;

/// The same for all columns of a report together.
pub const FLOOR_BYTES_MAX: usize = 12 << 20;

/// Residual text of one scope looked at for the names in it.
pub const RESIDUAL_SAMPLE_BYTES: usize = 16 << 20;

/// Rows looked at for their templates.
pub const TEMPLATE_SAMPLE_ROWS: u64 = 500_000;

/// Templates, or names of a residual, told apart while counting.
pub const TEMPLATES_MAX: usize = 100_000;

/// How often the files of segments that are no more are closed.
pub const FORGET_POLL_MS: u64 = 1_000;
