//! Write-ahead log, memtable, flush, catalog, compaction and retention.
