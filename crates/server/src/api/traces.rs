//! `GET /api/v1/traces/{trace_id}`

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use clewline_model::batch::Batch;
use clewline_model::text::parse_hex;
use clewline_protocol::otlp::encode::spans_json;

use super::params::{Params, bad_parameter};
use crate::call::Call;
use crate::problem::Problem;

/// One trace, as a tree or as OTLP JSON.
pub(crate) async fn trace(call: Call) -> Result<Response, Problem> {
    let params = Params::of_url(&call);
    let given = call.argument.trim();
    // Leading zeros are often cut off by other tools.
    let padded = format!("{:0>32}", given.to_ascii_lowercase());
    let id = parse_hex::<16>(padded.as_bytes()).filter(|_| !given.is_empty()).ok_or_else(|| {
        Problem::new(400, "bad_trace_id", format!("`{}` is no trace id", clewline_model::text::truncate(given, 100)))
            .hint("a trace id has up to 32 hexadecimal digits")
    })?;
    let unknown = || {
        Problem::new(404, "unknown_trace", format!("there is no trace {padded}"))
            .hint("it may not have arrived yet, be of another tenant, or be older than the retention")
    };
    let tenant = call.tenant()?;
    match params.get("format").unwrap_or("tree") {
        "tree" => {
            let trace = call.app.engine.trace(&tenant, id).await?.ok_or_else(unknown)?;
            super::json_response(&trace)
        }
        "otlp" => {
            let parts = call.app.engine.trace_parts(&tenant, id).await?;
            let batches: Vec<&Batch> = parts.iter().map(|part| &*part.batch).filter(|batch| batch.rows() > 0).collect();
            if batches.is_empty() {
                return Err(unknown());
            }
            Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], traces_data(&batches))
                .into_response())
        }
        other => Err(bad_parameter("format", other, "use tree or otlp")),
    }
}

/// The batches as one `TracesData` document.
fn traces_data(batches: &[&Batch]) -> String {
    const HEAD: &str = "{\"resourceSpans\":[";
    const TAIL: &str = "]}";
    let mut out = String::from(HEAD);
    for batch in batches {
        let mut document = String::new();
        spans_json(batch, &mut document);
        let inner = document.strip_prefix(HEAD).and_then(|rest| rest.strip_suffix(TAIL)).unwrap_or("");
        if !inner.is_empty() {
            if out.len() > HEAD.len() {
                out.push(',');
            }
            out.push_str(inner);
        }
    }
    out.push_str(TAIL);
    out
}
