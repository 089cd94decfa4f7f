//! `GET /api/v1/services`

use axum::response::Response;
use clewline_lang::format_time;
use serde_json::json;

use super::json_response;
use super::params::Params;
use crate::call::Call;
use crate::problem::Problem;

/// Rate, errors and duration of every service.
pub(crate) async fn services(call: Call) -> Result<Response, Problem> {
    let params = Params::of_url(&call);
    let (start, end) = params.period(call.app.clock.now_ns())?;
    let (start, end, services) = call.app.engine.services(&call.tenant()?, start, end).await?;
    json_response(&json!({ "start": format_time(start), "end": format_time(end), "services": services }))
}
