//! Parameters of a question, from the address, a form or a JSON document.

use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use clewline_lang::{parse_duration, parse_time, parse_time_end};
use clewline_model::signal::Signal;
use clewline_query::Scoped;

use crate::call::Call;
use crate::ingest::body;
use crate::limits::QUERY_BODY_BYTES_MAX;
use crate::problem::Problem;

/// Names and values, in order.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Those of the address.
    pub(crate) fn of_url(call: &Call) -> Params {
        Params(form(call.parts.uri.query().unwrap_or("").as_bytes()))
    }

    /// Those of the address and, for POST, of the body: a form, a JSON object, or the query as text.
    pub(crate) async fn of_call(call: &mut Call) -> Result<Params, Problem> {
        let mut params = Params::of_url(call);
        if call.parts.method != Method::POST {
            return Ok(params);
        }
        let taken = std::mem::take(&mut call.body);
        let collected = body::collect(taken, &call.parts.headers, QUERY_BODY_BYTES_MAX, &call.app.budget)
            .await
            .map_err(|error| crate::ingest::Refusal::Body(error).problem())?;
        let bytes = collected.bytes;
        if bytes.is_empty() {
            return Ok(params);
        }
        let kind =
            call.header(CONTENT_TYPE.as_str()).unwrap_or("").split(';').next().unwrap_or("").trim().to_lowercase();
        match kind.as_str() {
            "application/x-www-form-urlencoded" => params.0.extend(form(&bytes)),
            "application/json" => params.0.extend(json(&bytes)?),
            "" | "text/plain" | "application/sql" => {
                let text =
                    String::from_utf8(bytes.into()).map_err(|_| Problem::bad_request("the body is not UTF-8"))?;
                params.0.push(("q".to_owned(), text));
            }
            _ => {
                return Err(Problem::new(
                    415,
                    "unknown_content_type",
                    format!("a question cannot be written as {kind}"),
                )
                .hint("send a form, a JSON object such as {\"q\":\"…\"}, or the query as text/plain"));
            }
        }
        Ok(params)
    }

    /// Those of a body that must be a JSON object: requests that change something. A web page of somebody else cannot make
    /// a browser send one without asking first (CORS preflight), and this server never agrees.
    pub(crate) async fn of_json(call: &mut Call) -> Result<Params, Problem> {
        let kind = call.header(CONTENT_TYPE.as_str()).unwrap_or("").split(';').next().unwrap_or("").trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            let problem = Problem::new(415, "unknown_content_type", "a change is asked for with a JSON object");
            return Err(problem.hint("send the header `Content-Type: application/json`"));
        }
        call.parts.uri = axum::http::Uri::from_static("/"); // parameters of the address do not count
        Params::of_call(call).await
    }

    /// The last value of a name; an empty one is none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The query.
    pub(crate) fn query(&self) -> &str {
        self.get("q").or_else(|| self.get("query")).unwrap_or("")
    }

    pub(crate) fn signal(&self) -> Result<Signal, Problem> {
        let name = self.get("signal").unwrap_or("logs");
        Signal::from_name(name).ok_or_else(|| bad_parameter("signal", name, "use logs, spans or metrics"))
    }

    /// `start` and `end`, ns.
    pub(crate) fn period(&self, now_ns: i64) -> Result<(Option<i64>, Option<i64>), Problem> {
        let bad = |name: &str, error: clewline_lang::ParseError| {
            let problem = Problem::new(400, "bad_parameter", format!("parameter {name}: {}", error.message));
            match error.hint {
                Some(hint) => problem.hint(hint),
                None => problem,
            }
        };
        let start = self.get("start").map(|text| parse_time(text, now_ns)).transpose().map_err(|e| bad("start", e))?;
        let end = self.get("end").map(|text| parse_time_end(text, now_ns)).transpose().map_err(|e| bad("end", e))?;
        Ok((start, end))
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let parse = |text: &str| text.parse().map_err(|_| bad_parameter(name, text, "use a whole number"));
        self.get(name).map(parse).transpose()
    }

    /// A length of time, ns; a number without a unit is seconds.
    pub(crate) fn duration_ns(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let seconds = text.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1_000_000_000));
        let length = seconds.or_else(|| parse_duration(text)).filter(|ns| *ns > 0);
        length.map(Some).ok_or_else(|| bad_parameter(name, text, "use a length of time such as 30s, 5m or 1h"))
    }

    /// What the page's questions have in common.
    pub(crate) fn scoped(&self, call: &Call) -> Result<Scoped, Problem> {
        let (start, end) = self.period(call.app.clock.now_ns())?;
        Ok(Scoped {
            tenant: call.tenant()?.to_string(),
            signal: self.signal()?,
            query: self.query().to_owned(),
            start,
            end,
        })
    }
}

/// A parameter that cannot be read.
pub(crate) fn bad_parameter(name: &str, value: &str, hint: &str) -> Problem {
    let value = clewline_model::text::truncate(value, 100);
    Problem::new(400, "bad_parameter", format!("parameter {name}: `{value}` cannot be used")).hint(hint)
}

fn form(bytes: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(bytes).into_owned().collect()
}

fn json(bytes: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let document: serde_json::Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))?;
    let serde_json::Value::Object(members) = document else {
        return Err(Problem::bad_request("the body is not a JSON object").hint("send {\"q\":\"…\"}"));
    };
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    Ok(members.into_iter().map(|(name, value)| (name, text(value))).collect())
}
