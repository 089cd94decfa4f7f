//! `GET /api/v1/hits`

use axum::response::Response;
use clewline_lang::format_time;
use serde_json::json;

use super::json_response;
use super::params::Params;
use crate::call::Call;
use crate::problem::Problem;

/// Records over time, by the values of a field.
pub(crate) async fn hits(mut call: Call) -> Result<Response, Problem> {
    let params = Params::of_call(&mut call).await?;
    let step_ns = params.duration_ns("step")?;
    let hits = call.app.engine.hits(params.scoped(&call)?, step_ns, params.get("by")).await?;
    json_response(&json!({
        "start": format_time(hits.start_ns),
        "step_ns": hits.step_ns,
        "buckets": hits.buckets,
        "total": hits.total,
        "groups": hits.groups,
    }))
}
