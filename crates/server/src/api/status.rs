//! `GET /api/v1/status`: the accounting, the listeners, the storage.

use axum::response::Response;
use clewline_lang::format_time;
use clewline_model::signal::SIGNALS;
use clewline_store::ledger::{Counts, DROP_REASONS};
use serde_json::{Map, Value, json};

use super::json_response;
use crate::call::Call;
use crate::problem::Problem;

/// What came in, what became of it, where it is. Counters are of this process and of all tenants.
pub(crate) async fn status(call: Call) -> Result<Response, Problem> {
    let app = &call.app;
    let mut sums = [Counts::default(); SIGNALS.len()];
    for (line, counts) in app.store.ledger().lines() {
        let sum = &mut sums[line.signal as usize];
        sum.received += counts.received;
        sum.stored += counts.stored;
        sum.duplicate += counts.duplicate;
        sum.rejected += counts.rejected;
        for (sum, more) in sum.dropped.iter_mut().zip(counts.dropped) {
            *sum += more;
        }
    }
    let by_signal = |count: &dyn Fn(&Counts) -> u64| -> Value {
        SIGNALS
            .iter()
            .zip(&sums)
            .map(|(signal, counts)| (signal.name().to_owned(), count(counts).into()))
            .collect::<Map<_, _>>()
            .into()
    };
    let dropped: Map<String, Value> = DROP_REASONS
        .iter()
        .enumerate()
        .map(|(reason, name)| (name.name().to_owned(), sums.iter().map(|sum| sum.dropped[reason]).sum::<u64>().into()))
        .filter(|(_, count): &(String, Value)| count.as_u64() != Some(0))
        .collect();
    let store = app.store.statistics();
    let rows: Map<String, Value> = SIGNALS
        .iter()
        .map(|signal| {
            let rows = store.segment_rows[*signal as usize] + store.memory_rows[*signal as usize];
            (signal.name().to_owned(), rows.into())
        })
        .collect();
    let listeners: Vec<Value> = app.listeners.get().into_iter().flatten().map(|listening| {
        json!({ "name": listening.name, "address": listening.address.to_string(), "setting": listening.setting })
    }).collect();
    json_response(&json!({
        "version": app.settings.version,
        "started": format_time(app.started_ns()),
        "ready": app.store.progress().ready,
        "listeners": listeners,
        "received": by_signal(&|counts| counts.received),
        "stored": by_signal(&|counts| counts.stored),
        "duplicate": by_signal(&|counts| counts.duplicate),
        "rejected": by_signal(&|counts| counts.rejected),
        "dropped": by_signal(&|counts| counts.dropped.iter().sum()),
        "dropped_by_reason": dropped,
        "last_received": app.last_received_ns().map(format_time),
        "storage": {
            "segments": store.segments,
            "bytes": store.segment_bytes + store.log_bytes,
            "segment_bytes": store.segment_bytes,
            "wal_bytes": store.log_bytes,
            "memory_bytes": store.memory_bytes,
            "rows": rows,
            "directory": app.settings.data_folder,
            "last_error": store.last_error,
        },
    }))
}
