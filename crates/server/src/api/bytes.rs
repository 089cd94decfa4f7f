//! `GET /api/v1/bytes`: where the bytes go.

use axum::response::Response;
use clewline_model::signal::SIGNALS;
use serde_json::{Value, json};

use super::json_response;
use super::params::Params;
use crate::call::Call;
use crate::problem::Problem;

/// Entries of each list when the question does not say.
const TOP_DEFAULT: u64 = 30;

/// Raw, stored and estimated bytes by column, attribute and template, of one signal or of all.
pub(crate) async fn bytes(call: Call) -> Result<Response, Problem> {
    let params = Params::of_url(&call);
    let top = params.number("top")?.unwrap_or(TOP_DEFAULT).clamp(1, clewline_query::limits::BYTES_TOP_MAX);
    let top = usize::try_from(top).unwrap_or(usize::MAX);
    // The parameter wins over the header: an address can be shared.
    let tenant = match params.get("tenant") {
        Some(name) => crate::call::check_tenant(name)
            .map_err(|reason| super::params::bad_parameter("tenant", name, reason))?
            .into(),
        None => call.tenant()?,
    };
    let signals = match params.get("signal") {
        Some(_) => vec![params.signal()?],
        None => SIGNALS.to_vec(),
    };
    let mut reports = Vec::with_capacity(signals.len());
    for signal in signals {
        let report = call.app.engine.bytes(&tenant, signal, top).await?;
        let mut document = serde_json::to_value(report)
            .map_err(|error| Problem::new(500, "internal", format!("the answer could not be written: {error}")))?;
        if let Value::Object(members) = &mut document {
            members.insert("signal".to_owned(), signal.name().into());
        }
        reports.push(document);
    }
    let statistics = call.app.store.statistics();
    json_response(&json!({ "tenant": &*tenant, "wal_bytes": statistics.log_bytes, "signals": reports }))
}
