//! `GET|POST /api/v1/search`

use axum::response::Response;
use clewline_query::SearchRequest;

use super::output::{self, Format};
use super::params::{Params, bad_parameter};
use crate::call::Call;
use crate::problem::Problem;

/// Rows that match, newest first.
pub(crate) async fn search(mut call: Call) -> Result<Response, Problem> {
    let started_ns = call.app.clock.monotonic_ns();
    let params = Params::of_call(&mut call).await?;
    let format = Format::of(&params)?;
    let (start, end) = params.period(call.app.clock.now_ns())?;
    let ascending = match params.get("order").unwrap_or("desc") {
        "desc" => false,
        "asc" => true,
        other => return Err(bad_parameter("order", other, "use desc or asc")),
    };
    let request = SearchRequest {
        tenant: call.tenant()?.to_string(),
        signal: params.signal()?,
        query: params.query().to_owned(),
        start,
        end,
        limit: params.number("limit")?,
        cursor: params.get("cursor").map(str::to_owned),
        ascending,
    };
    let answer = call.app.engine.search(request).await?;
    output::respond(&call.app, call.id, answer, format, started_ns).await
}
