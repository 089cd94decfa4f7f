//! `GET /api/v1/fields` and `GET /api/v1/fields/{name}/values`

use axum::response::Response;
use serde_json::json;

use super::json_response;
use super::params::Params;
use crate::call::Call;
use crate::limits::{VALUES_DEFAULT, VALUES_MAX};
use crate::problem::Problem;

/// Names that may be asked for.
pub(crate) async fn fields(call: Call) -> Result<Response, Problem> {
    let params = Params::of_url(&call);
    let fields = call.app.engine.fields(params.scoped(&call)?, params.get("prefix").unwrap_or("")).await?;
    json_response(&json!({ "fields": fields }))
}

/// Values of a field, most frequent first.
pub(crate) async fn values(call: Call) -> Result<Response, Problem> {
    let params = Params::of_url(&call);
    let limit = params.number("limit")?.map_or(VALUES_DEFAULT, |limit| usize::try_from(limit).unwrap_or(VALUES_MAX));
    let prefix = params.get("prefix").unwrap_or("");
    let scoped = params.scoped(&call)?;
    let values = call.app.engine.values(scoped, &call.argument, prefix, limit.clamp(1, VALUES_MAX)).await?;
    json_response(&values)
}
