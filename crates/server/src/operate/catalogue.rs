//! Every metric of the product, in one table. `/metrics` prints them in this order.

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    /// Name in the text format.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
}

const fn counter(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, help }
}

const fn gauge(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, help }
}

/// All metrics.
pub(crate) const CATALOGUE: &[Metric] = &[
    gauge("clewline_build_info", "1, with the version as label."),
    gauge("clewline_ready", "1 when queries may run, 0 while the log of the last run is read."),
    counter(
        "clewline_records_received_total",
        "Records handed over by senders; received = stored + duplicate + rejected + dropped.",
    ),
    counter("clewline_records_stored_total", "Records on stable storage."),
    counter("clewline_records_duplicate_total", "Records known already."),
    counter("clewline_records_rejected_total", "Records that could not be read."),
    counter("clewline_records_dropped_total", "Records not stored, by reason; a sender that can sends them again."),
    counter(
        "clewline_ingest_requests_refused_total",
        "Whole requests refused before their records were counted, by reason.",
    ),
    counter(
        "clewline_datagrams_lost_total",
        "UDP datagrams lost: udp_kernel = the socket buffer was full, udp_overload = the queue behind it was.",
    ),
    counter(
        "clewline_line_batches_retried_total",
        "Batches of lines the store did not take at once; their connections were not read meanwhile.",
    ),
    counter("clewline_lines_cut_total", "Lines longer than a frame may be, stored in pieces."),
    gauge("clewline_connections", "Open connections, by listener."),
    counter("clewline_connections_total", "Connections accepted, by listener."),
    counter("clewline_http_requests_total", "Requests answered, by route and status."),
    Metric {
        name: "clewline_http_request_duration_seconds",
        kind: Kind::Histogram,
        help: "Time to the head of the answer, by route.",
    },
    gauge("clewline_body_bytes", "Bytes of request bodies in memory."),
    gauge("clewline_tails", "Live tails."),
    counter("clewline_tail_rows_dropped_total", "Rows live tails did not get because their readers were too slow."),
    gauge("clewline_segments", "Segments."),
    gauge("clewline_segment_bytes", "Bytes of all segments."),
    gauge("clewline_segment_rows", "Rows in segments, by signal."),
    gauge("clewline_memory_rows", "Rows not yet in segments, by signal."),
    gauge("clewline_memory_bytes", "Bytes of rows not yet in segments."),
    gauge("clewline_wal_bytes", "Bytes of write-ahead-log files not yet turned into segments."),
    counter("clewline_wal_fsyncs_total", "Groups committed to the write-ahead log, each with one fdatasync."),
    counter("clewline_wal_committed_requests_total", "Requests in them."),
    counter("clewline_wal_committed_bytes_total", "Bytes in them."),
    counter("clewline_wal_failures_total", "Writes or syncs of the write-ahead log that failed."),
    counter("clewline_wal_damaged_bytes_total", "Acknowledged bytes of the log found damaged at start-up."),
    gauge("clewline_queue_requests", "Requests waiting for the log writer."),
    gauge("clewline_queue_bytes", "Bytes of requests waiting for the log writer."),
    counter("clewline_flushes_total", "Times memory was turned into segments."),
    counter("clewline_flush_failures_total", "Times that failed."),
    counter("clewline_compactions_total", "Merges of small segments."),
    counter("clewline_compaction_failures_total", "Merges that failed."),
    counter("clewline_indexes_rebuilt_total", "Segment indexes made anew because they were missing or damaged."),
    counter("clewline_flushed_bytes_total", "Bytes of segments written by flushes."),
    counter("clewline_merged_bytes_total", "Bytes of segments written by merges."),
    counter("clewline_erased_bytes_total", "Bytes of segments written again without records that were deleted."),
    gauge(
        "clewline_write_amplification",
        "Bytes of segments written for each byte flushed, since the process started.",
    ),
    gauge("clewline_compaction_paused", "1 while an operator has paused merging."),
    counter("clewline_segments_expired_total", "Segments deleted by age or by bytes."),
    counter("clewline_records_expired_total", "Records in them."),
    counter("clewline_records_deleted_total", "Records removed by delete jobs."),
    gauge("clewline_delete_jobs_open", "Delete jobs that are not done."),
    gauge("clewline_segments_missing", "Segments whose file was not there at start-up."),
    gauge("clewline_retention_suspended", "1 while deletion by age waits because the clock jumped."),
    gauge("clewline_writes_refused", "1 when the store refuses writes until it is restarted."),
    gauge("clewline_tenants", "Tenants that have stored something."),
    gauge("process_resident_memory_bytes", "Resident memory."),
    gauge("process_start_time_seconds", "Start of the process, Unix time."),
];

/// Upper bounds of the duration histogram, in seconds.
pub(crate) const DURATION_BOUNDS_S: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
