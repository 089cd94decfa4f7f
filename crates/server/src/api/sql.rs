//! `GET|POST /api/v1/sql`

use axum::response::Response;

use super::output::{self, Format};
use super::params::Params;
use crate::call::Call;
use crate::problem::Problem;

/// Rows of an SQL question over the tables logs, spans and metrics.
pub(crate) async fn sql(mut call: Call) -> Result<Response, Problem> {
    let started_ns = call.app.clock.monotonic_ns();
    let params = Params::of_call(&mut call).await?;
    let format = Format::of(&params)?;
    let text = params.get("q").or_else(|| params.get("query")).unwrap_or("");
    if text.trim().is_empty() {
        return Err(Problem::new(400, "bad_query", "there is no SQL in the request")
            .hint("give it as parameter q or as the body, for example SELECT count(*) FROM logs"));
    }
    let answer = call.app.engine.sql(&call.tenant()?, text).await?;
    output::respond(&call.app, call.id, answer, format, started_ns).await
}
