//! Every path of the server, in one table: the router is built from it and docs/openapi.json is compared with it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use clewline_protocol::otlp::response::code;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::app::App;
use crate::call::Call;
use crate::ingest::{grpc, otlp, records};
use crate::limits::DEFECT_RETRY_S;
use crate::problem::Problem;
use crate::{api, operate, page};

/// Header with the name of the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Which listeners serve a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The main listener.
    Main,
    /// The main listener and the OTLP/HTTP one.
    Ingest,
    /// All three; gRPC calls are of this kind.
    Everywhere,
}

/// One listener that speaks HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Main,
    OtlpHttp,
    OtlpGrpc,
}

impl Place {
    fn includes(self, port: Port) -> bool {
        match self {
            Place::Main => port == Port::Main,
            Place::Ingest => port != Port::OtlpGrpc,
            Place::Everywhere => true,
        }
    }
}

type Handler = fn(Call) -> BoxFuture<'static, Response>;

/// One path and method.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) place: Place,
    run: Handler,
}

/// Turns a handler into a function pointer and its problem into an answer.
macro_rules! route {
    ($method:ident $path:literal $place:ident $handler:path) => {
        Route {
            method: Method::$method,
            path: $path,
            place: Place::$place,
            run: |call| {
                let id = Arc::clone(&call.id);
                Box::pin(async move { $handler(call).await.unwrap_or_else(|problem: Problem| problem.response(&id)) })
            },
        }
    };
}

/// All paths.
pub(crate) const ROUTES: &[Route] = &[
    route!(GET "/api/v1/search" Main api::search),
    route!(POST "/api/v1/search" Main api::search),
    route!(GET "/api/v1/sql" Main api::sql),
    route!(POST "/api/v1/sql" Main api::sql),
    route!(GET "/api/v1/traces/{trace_id}" Main api::trace),
    route!(GET "/api/v1/tail" Main api::tail),
    route!(GET "/api/v1/fields" Main api::fields),
    route!(GET "/api/v1/fields/{name}/values" Main api::values),
    route!(GET "/api/v1/hits" Main api::hits),
    route!(POST "/api/v1/hits" Main api::hits),
    route!(GET "/api/v1/services" Main api::services),
    route!(GET "/api/v1/status" Main api::status),
    route!(GET "/api/v1/storage" Main api::storage),
    route!(POST "/api/v1/storage/compaction" Main api::compaction),
    route!(GET "/api/v1/bytes" Main api::bytes),
    route!(GET "/api/v1/delete" Main api::delete_jobs),
    route!(POST "/api/v1/delete" Main api::delete),
    route!(GET "/api/openapi.json" Main operate::openapi),
    route!(POST "/v1/logs" Ingest otlp::logs),
    route!(POST "/v1/traces" Ingest otlp::traces),
    route!(POST "/v1/metrics" Ingest otlp::metrics),
    route!(POST "/api/v1/ingest/jsonl" Ingest records::json_lines),
    route!(POST "/api/v1/ingest/text" Ingest records::text_lines),
    route!(POST "/opentelemetry.proto.collector.logs.v1.LogsService/Export" Everywhere grpc::logs),
    route!(POST "/opentelemetry.proto.collector.trace.v1.TraceService/Export" Everywhere grpc::traces),
    route!(POST "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" Everywhere grpc::metrics),
    route!(POST "/grpc.health.v1.Health/Check" Everywhere grpc::health),
    route!(GET "/health" Everywhere operate::health),
    route!(GET "/ready" Everywhere operate::ready),
    route!(GET "/metrics" Main operate::metrics_page),
    route!(GET "/version" Everywhere operate::version),
];

/// The router of one listener.
pub(crate) fn router(app: &Arc<App>, port: Port) -> Router {
    let mut router = Router::new();
    for route in ROUTES.iter().filter(|route| route.place.includes(port)) {
        let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
        let handler =
            move |State(app): State<Arc<App>>, request: Request| dispatch(app, route.path, route.run, request);
        router = router.route(route.path, on(filter, handler));
    }
    let missing: Handler = match port {
        Port::Main => |call| Box::pin(page::page(call)),
        Port::OtlpHttp => |call| Box::pin(std::future::ready(nothing_here(&call))),
        Port::OtlpGrpc => |call| Box::pin(std::future::ready(grpc_only(&call))),
    };
    router
        .method_not_allowed_fallback(move |State(app): State<Arc<App>>, request: Request| {
            dispatch(app, "other", |call| Box::pin(std::future::ready(wrong_method(&call))), request)
        })
        .fallback(move |State(app): State<Arc<App>>, request: Request| dispatch(app, "other", missing, request))
        .with_state(Arc::clone(app))
}

/// Names the request, runs its handler, and counts.
async fn dispatch(app: Arc<App>, route: &'static str, run: Handler, request: Request) -> Response {
    let id: Arc<str> = app.next_request_id().into();
    let started_ns = app.clock.monotonic_ns();
    let (mut parts, body) = request.into_parts();
    let is_ingest =
        ROUTES.iter().any(|known| known.path == route && known.place != Place::Main && known.method == Method::POST);
    let argument = RawPathParams::from_request_parts(&mut parts, &()).await;
    let argument = argument.map(|params| params.iter().next().map(|(_, value)| value.to_owned()).unwrap_or_default());
    let mut response = match argument {
        Ok(argument) => {
            let call = Call { app: Arc::clone(&app), parts, body, id: Arc::clone(&id), argument };
            // A defect in one answer is not the end of the others on this connection.
            let answered = AssertUnwindSafe(async move { run(call).await }).catch_unwind().await;
            answered.unwrap_or_else(|_| broken(is_ingest, route).response(&id))
        }
        Err(_) => Problem::bad_request("the path is not UTF-8").response(&id),
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    let took_ns = app.clock.monotonic_ns().saturating_sub(started_ns);
    app.metrics.answered(route, response.status().as_u16(), took_ns as f64 / 1e9);
    response
}

/// A handler panicked; the panic itself is in the log. Records are asked for again: senders drop them on 500.
fn broken(is_ingest: bool, route: &str) -> Problem {
    let message = format!("{route} failed by a defect of the server");
    match is_ingest {
        true => Problem::new(503, "defect", message).retry_after(DEFECT_RETRY_S),
        false => Problem::new(500, "defect", message).hint("the server's log has more; please report it"),
    }
}

/// The method does not fit the path; axum adds `Allow`.
fn wrong_method(call: &Call) -> Response {
    let path = call.parts.uri.path();
    if path.starts_with("/v1/") {
        let message = format!("{path} takes POST");
        return otlp::status_response(
            405,
            code::UNIMPLEMENTED,
            &message,
            &[],
            otlp::answer_encoding(call.headers()),
            None,
        );
    }
    Problem::new(405, "method_not_allowed", format!("{path} does not take {}", call.parts.method)).response(&call.id)
}

/// The answer to an unknown path of the OTLP/HTTP listener.
fn nothing_here(call: &Call) -> Response {
    if grpc::is_grpc(call.headers()) {
        return grpc::unimplemented(call.parts.uri.path());
    }
    let main = address_of(call, "http")
        .map_or_else(String::new, |address| format!("; the page and the API are at http://{address}"));
    let message =
        format!("there is nothing at {}: send to /v1/logs, /v1/traces or /v1/metrics{main}", call.parts.uri.path());
    otlp::status_response(404, code::UNIMPLEMENTED, &message, &[], otlp::answer_encoding(call.headers()), None)
}

/// The answer to anything but a gRPC call on the gRPC listener.
fn grpc_only(call: &Call) -> Response {
    if grpc::is_grpc(call.headers()) {
        return grpc::unimplemented(call.parts.uri.path());
    }
    let http = address_of(call, "otlp_http").map_or_else(String::new, |address| format!(" to http://{address}"));
    let message = format!("this port takes OTLP over gRPC; send OTLP over HTTP{http}");
    otlp::status_response(415, code::UNIMPLEMENTED, &message, &[], otlp::answer_encoding(call.headers()), None)
}

fn address_of(call: &Call, name: &str) -> Option<String> {
    let listening = call.app.listeners.get()?.iter().find(|listening| listening.name == name)?;
    Some(listening.address.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ROUTES;

    #[test]
    fn the_description_of_the_api_has_exactly_these_paths() {
        let document: serde_json::Value = serde_json::from_str(crate::operate::health::OPENAPI).unwrap();
        let mut described = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                described.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
        let routed: BTreeSet<String> = ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        let drift: Vec<&String> = routed.symmetric_difference(&described).collect();
        assert!(drift.is_empty(), "docs/openapi.json and the table of routes differ in {drift:?}");
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn every_reference_of_the_description_leads_somewhere() {
        let document: serde_json::Value = serde_json::from_str(crate::operate::health::OPENAPI).unwrap();
        let text = document.to_string();
        for piece in text.split("\"$ref\":\"#").skip(1) {
            let pointer = piece.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
