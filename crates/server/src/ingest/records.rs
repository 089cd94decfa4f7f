//! JSON lines and text over HTTP: `POST /api/v1/ingest/jsonl` and `/api/v1/ingest/text`.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use clewline_model::signal::log;
use clewline_protocol::jsonl::{FieldNames, Mapping};
use clewline_protocol::{Context, DecodeError, Decoded, jsonl, text};
use serde_json::{Map, Value, json};

use super::{Decode, Received, identity};
use crate::api::params::Params;
use crate::call::Call;
use crate::problem::Problem;

/// Decodes JSON lines.
struct JsonLines {
    mapping: Mapping,
    /// The parameters: the same lines read in another way are other records.
    beside: String,
}

impl Decode for JsonLines {
    fn door(&self) -> &'static str {
        "jsonl"
    }

    fn decode(&self, body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
        jsonl::decode(body, &self.mapping, context)
    }

    fn identity(&self, body: &[u8], decoded: &Decoded, now_ns: i64) -> Option<[u8; 16]> {
        // Without a time of their own two equal records are two records. A record without one has the time of arrival.
        let timed = decoded.batch.columns[log::TIME].ints().iter().all(|time| *time != now_ns);
        timed.then(|| identity::of_body(body, &self.beside))
    }
}

/// Decodes lines of text.
struct TextLines {
    service: String,
}

impl Decode for TextLines {
    fn door(&self) -> &'static str {
        "text"
    }

    fn decode(&self, body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
        let mut decoded = text::decode(body, &self.service, context)?;
        decoded.rejections.warnings.times_replaced = 0; // lines without a time are usual
        Ok(decoded)
    }

    fn identity(&self, _: &[u8], _: &Decoded, _: i64) -> Option<[u8; 16]> {
        None
    }
}

/// `POST /api/v1/ingest/jsonl`
pub(crate) async fn json_lines(call: Call) -> Result<Response, Problem> {
    let params = Params::of_url(&call);
    let mut names = FieldNames::default();
    for (parameter, list) in [
        ("time_field", &mut names.time),
        ("message_field", &mut names.message),
        ("level_field", &mut names.level),
        ("service_field", &mut names.service),
        ("trace_id_field", &mut names.trace_id),
        ("span_id_field", &mut names.span_id),
        ("node_field", &mut names.node),
    ] {
        if let Some(name) = params.get(parameter) {
            list.insert(0, name.to_owned());
        }
    }
    if let Some(service) = params.get("service") {
        names.default_service = service.to_owned();
    }
    let beside = call.parts.uri.query().unwrap_or("").to_owned();
    let decode = JsonLines { mapping: Mapping::new(&names), beside };
    super::receive(call, decode).await.map(|received| answer(&received)).map_err(|refusal| refusal.problem())
}

/// `POST /api/v1/ingest/text`
pub(crate) async fn text_lines(call: Call) -> Result<Response, Problem> {
    let service = Params::of_url(&call).get("service").unwrap_or("").to_owned();
    let decode = TextLines { service };
    super::receive(call, decode).await.map(|received| answer(&received)).map_err(|refusal| refusal.problem())
}

fn answer(received: &Received) -> Response {
    let errors = received.rejections.reasons.iter().map(|reason| {
        let mut error = Map::new();
        match reason.place.split_once(' ').and_then(|(what, number)| Some((what, number.parse::<u64>().ok()?))) {
            Some((what, number)) => error.insert(what.to_owned(), number.into()),
            None => error.insert("place".to_owned(), reason.place.as_str().into()),
        };
        error.insert("message".to_owned(), reason.message.as_ref().into());
        Value::Object(error)
    });
    let mut members = Map::new();
    members.insert("accepted".to_owned(), received.accepted.into());
    members.insert("rejected".to_owned(), received.rejections.rejected.into());
    members.insert("errors".to_owned(), errors.collect());
    if received.duplicate {
        members.insert("duplicate".to_owned(), json!(true));
    }
    let mut said = received.rejections.clone();
    (said.rejected, said.reasons) = (0, Vec::new());
    if !said.is_empty() {
        members.insert("warning".to_owned(), said.message().into());
    }
    ([(CONTENT_TYPE, "application/json")], Value::Object(members).to_string()).into_response()
}
