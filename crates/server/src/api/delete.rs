//! `POST /api/v1/delete` and `GET /api/v1/delete`: deletion by query.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use clewline_lang::format_time;
use clewline_store::{DeleteJob, DeleteRequest, Selection, StoreError};
use serde_json::{Value, json};

use super::json_response;
use super::params::{Params, bad_parameter};
use super::storage::blocking;
use crate::call::Call;
use crate::problem::Problem;

/// Counts what a query matches and, unless it is a rehearsal, begins a job that deletes it.
pub(crate) async fn delete(mut call: Call) -> Result<Response, Problem> {
    let params = Params::of_json(&mut call).await?;
    let tenant = call.tenant()?;
    let query = params.query().trim();
    if query.is_empty() {
        let problem = Problem::new(400, "bad_parameter", "parameter query: it says which records are deleted");
        return Err(problem.hint("`*` deletes every record of the signal in the period"));
    }
    if params.get("signal").is_none() {
        let problem = Problem::new(400, "bad_parameter", "parameter signal: a deletion names it");
        return Err(problem.hint("use logs, spans or metrics"));
    }
    let dry_run = match params.get("dry_run").unwrap_or("false") {
        "true" | "1" => true,
        "false" | "0" => false,
        other => return Err(bad_parameter("dry_run", other, "use true or false")),
    };
    let now_ns = call.app.clock.now_ns();
    let (start_ns, end_ns) = params.period(now_ns)?;
    let selection = Selection { signal: params.signal()?, query: query.to_owned(), start_ns, end_ns, now_ns };
    let matched = call.app.engine.matching(&tenant, &selection).await?;
    if dry_run {
        return json_response(&json!({ "dry_run": true, "matched": matched }));
    }
    let store = Arc::clone(&call.app.store);
    let job = blocking(move || store.delete(DeleteRequest { tenant, selection, matched })).await?;
    let job = job.map_err(|error| problem_of(&error))?;
    let mut response = json_response(&json!({ "dry_run": false, "matched": matched, "job": job_json(&job) }))?;
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// The jobs of a tenant, newest first.
pub(crate) async fn delete_jobs(call: Call) -> Result<Response, Problem> {
    let tenant = call.tenant()?;
    let jobs = call.app.store.delete_jobs();
    let jobs: Vec<Value> = jobs.iter().filter(|job| job.tenant == tenant).map(job_json).collect();
    json_response(&json!({ "jobs": jobs }))
}

/// A job as JSON.
pub(super) fn job_json(job: &DeleteJob) -> Value {
    let state = match (job.finished_ns, &job.error) {
        (Some(_), _) => "done",
        (None, Some(_)) => "failing",
        (None, None) => "running",
    };
    json!({
        "id": job.id,
        "tenant": &*job.tenant,
        "signal": job.selection.signal.name(),
        "query": job.selection.query,
        "start": job.selection.start_ns.map(format_time),
        "end": job.selection.end_ns.map(format_time),
        "requested": format_time(job.selection.now_ns),
        "finished": job.finished_ns.map(format_time),
        "state": state,
        "matched": job.matched,
        "deleted": job.deleted,
        "segments_clean": job.segments_clean,
        "segments_left": job.segments_left,
        "files_leaving": job.files_leaving,
        "error": job.error,
    })
}

fn problem_of(error: &StoreError) -> Problem {
    match error {
        StoreError::Refused(message) => Problem::new(400, "refused", message.clone()),
        StoreError::NotReady { .. } | StoreError::Poisoned(_) => {
            Problem::new(503, "not_ready", error.to_string()).retry_after(crate::limits::RETRY_AFTER_S)
        }
        _ => Problem::new(500, "internal", error.to_string()),
    }
}
