//! `GET /api/v1/storage` and `POST /api/v1/storage/compaction`: what is stored where, and what becomes of it.

use std::sync::Arc;

use axum::response::Response;
use clewline_lang::format_time;
use clewline_store::Store;
use clewline_store::storage::{Extent, Partition, TableStorage};
use serde_json::{Value, json};

use super::delete::job_json;
use super::json_response;
use super::params::{Params, bad_parameter};
use crate::call::{Call, TENANT_HEADER};
use crate::limits::STORAGE_TABLES_MAX;
use crate::problem::Problem;

/// Every table with its days and levels, the work on them, and the delete jobs. With a tenant header only that tenant's.
pub(crate) async fn storage(call: Call) -> Result<Response, Problem> {
    let tenant = match call.header(TENANT_HEADER) {
        Some(_) => Some(call.tenant()?),
        None => None,
    };
    let store = Arc::clone(&call.app.store);
    let document = blocking(move || storage_json(&store, tenant.as_deref())).await?;
    json_response(&document)
}

/// Pauses merging or resumes it.
pub(crate) async fn compaction(mut call: Call) -> Result<Response, Problem> {
    let params = Params::of_json(&mut call).await?;
    let paused = match params.get("action") {
        Some("pause") => true,
        Some("resume") => false,
        other => return Err(bad_parameter("action", other.unwrap_or(""), "use pause or resume")),
    };
    call.app.store.set_merging_paused(paused);
    json_response(&json!({ "compaction": state(&call.app.store) }))
}

/// Runs what looks at files or waits for a disk on the blocking threads.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Problem::new(500, "internal", format!("the work was not finished: {error}")))
}

fn state(store: &Store) -> &'static str {
    if store.statistics().merging_paused { "paused" } else { "running" }
}

fn storage_json(store: &Store, tenant: Option<&str>) -> Value {
    let statistics = store.statistics();
    let mut tables = store.storage(tenant);
    tables.sort_by_key(|table| std::cmp::Reverse(table.extent.bytes));
    let left_out = tables.len().saturating_sub(STORAGE_TABLES_MAX);
    tables.truncate(STORAGE_TABLES_MAX);
    let jobs = store.delete_jobs();
    let jobs = jobs.iter().filter(|job| tenant.is_none_or(|only| only == &*job.tenant));
    json!({
        "compaction": {
            "state": state(store),
            "pending": tables.iter().map(|table| table.merges_pending).sum::<u64>(),
            "done": statistics.compactions,
            "failed": statistics.compaction_failures,
        },
        "written": {
            "flushed_bytes": statistics.flushed_bytes,
            "merged_bytes": statistics.merged_bytes,
            "erased_bytes": statistics.erased_bytes,
            "amplification": statistics.write_amplification(),
        },
        "deleted": {
            "segments_expired": statistics.segments_expired,
            "records_expired": statistics.records_expired,
            "records_deleted": statistics.records_deleted,
        },
        "retention_suspended": statistics.retention_suspended,
        "tables": tables.iter().map(table_json).collect::<Vec<_>>(),
        "tables_left_out": left_out,
        "delete_jobs": jobs.map(job_json).collect::<Vec<_>>(),
    })
}

fn table_json(table: &TableStorage) -> Value {
    let mut document = extent_json(&table.extent);
    let more = json!({
        "tenant": &*table.tenant,
        "signal": table.signal.name(),
        "memory_rows": table.memory_rows,
        "memory_bytes": table.memory_bytes,
        "pending": table.merges_pending,
        "retention": {
            "age_s": table.retention.age.map(|age| age.as_secs()),
            "bytes_max": table.retention.bytes_max,
        },
        "partitions": table.partitions.iter().map(partition_json).collect::<Vec<_>>(),
        "partitions_left_out": table.partitions_left_out,
    });
    join(&mut document, more);
    document
}

fn partition_json(partition: &Partition) -> Value {
    let day = |ns| format_time(ns).split('T').next().unwrap_or_default().to_owned();
    let mut document = extent_json(&partition.extent);
    let more = json!({
        "day": partition.day_ns.map_or_else(|| "future".to_owned(), day),
        "levels": partition.levels,
    });
    join(&mut document, more);
    document
}

fn extent_json(extent: &Extent) -> Value {
    json!({
        "segments": extent.segments,
        "rows": extent.rows,
        "bytes": extent.bytes,
        "index_bytes": extent.index_bytes,
        "oldest": extent.oldest_ns.map(format_time),
        "newest": extent.newest_ns.map(format_time),
    })
}

fn join(document: &mut Value, more: Value) {
    if let (Value::Object(members), Value::Object(more)) = (document, more) {
        members.extend(more);
    }
}
