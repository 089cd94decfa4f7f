//! The OTLP/HTTP contract, rule by rule (opentelemetry-proto docs/specification.md), in protobuf and JSON.

use serde_json::json;

use crate::world::{World, field, gzip, log_request};

const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");
const JSON: (&str, &str) = ("Content-Type", "application/json");
const TIME: u64 = 1_795_485_600_000_000_000;

fn log_json(body: &str) -> Vec<u8> {
    json!({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"api"}}]},
        "scopeLogs":[{"logRecords":[{"timeUnixNano":TIME.to_string(),"severityNumber":17,"body":{"stringValue":body}}]}]}]})
    .to_string()
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn success_has_the_content_type_of_the_request_and_no_partial_success() {
    let world = World::new().await;
    for (port, path) in
        [("http", "/v1/logs"), ("otlp_http", "/v1/logs"), ("otlp_http", "/v1/traces"), ("otlp_http", "/v1/metrics")]
    {
        // An empty request is a success.
        let reply = world.ask_at(port, "POST", path, &[PROTOBUF], b"").await;
        assert_eq!(
            (reply.status, reply.header("content-type"), reply.body.len()),
            (200, Some("application/x-protobuf"), 0)
        );
        let reply = world.ask_at(port, "POST", path, &[JSON], b"{}").await;
        assert_eq!(
            (reply.status, reply.header("content-type"), reply.text().as_str()),
            (200, Some("application/json"), "{}")
        );
    }
    let reply =
        world.post("/v1/logs", &[("Content-Type", "application/json; charset=utf-8")], &log_json("hello json")).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "{}"));
    let reply = world.post("/v1/logs", &[PROTOBUF], &log_request(TIME, "hello protobuf")).await;
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    let rows = world.search("q=hello").await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["time"], "2026-11-24T02:00:00Z");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_compression_is_understood() {
    let world = World::new().await;
    let plain = |n: u64| log_request(TIME + n, &format!("packed {n}"));
    let zstd = zstd::encode_all(&plain(1)[..], 3).unwrap();
    for (encoding, body) in
        [("identity", plain(0)), ("zstd", zstd), ("gzip", gzip(&plain(2))), ("GZIP", gzip(&plain(3)))]
    {
        let reply = world.post("/v1/logs", &[PROTOBUF, ("Content-Encoding", encoding)], &body).await;
        assert_eq!(reply.status, 200, "{encoding}: {reply:?}");
    }
    assert_eq!(world.search("q=packed").await.len(), 4);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_a_status_in_the_encoding_of_the_request() {
    let world = World::with(|settings| settings.body_bytes_max = 128 << 10).await;
    let big = vec![b'x'; 200 << 10];
    let bomb = gzip(&vec![0; 64 << 20]);
    let cases: [(&str, &[(&str, &str)], &[u8], u16, i32); 9] = [
        ("garbage", &[], b"\xff\xff\xff\xff", 400, 3),
        ("truncated", &[], &log_request(TIME, "x")[..7], 400, 3),
        ("too large", &[], &big, 413, 8),
        ("bomb", &[("Content-Encoding", "gzip")], &bomb, 413, 8),
        ("not gzip", &[("Content-Encoding", "gzip")], b"hello", 400, 3),
        ("unknown encoding", &[("Content-Encoding", "br")], b"", 415, 12),
        ("bad tenant", &[("X-Scope-OrgID", "../etc")], b"", 400, 3),
        ("two tenants", &[("X-Scope-OrgID", "a|b")], b"", 400, 3),
        ("empty key", &[("Idempotency-Key", "")], b"", 400, 3),
    ];
    for (what, extra, body, status, code) in cases {
        let headers: Vec<(&str, &str)> = extra.iter().copied().chain([PROTOBUF]).collect();
        let reply = world.post("/v1/logs", &headers, body).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (status, Some("application/x-protobuf")),
            "{what}: {reply:?}"
        );
        assert_eq!(reply.body[..2], [0x08, code as u8], "{what}: google.rpc.Status with its code");
        assert_eq!(reply.text().contains("google.rpc.BadRequest"), status == 400, "{what}");
        assert_eq!(reply.header("retry-after"), None, "{what} is never stored, however often it is sent");
        let headers: Vec<(&str, &str)> = extra.iter().copied().chain([JSON]).collect();
        let reply = world.post("/v1/logs", &headers, body).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (status, Some("application/json")),
            "{what}: {reply:?}"
        );
        assert_eq!(reply.json()["code"], code, "{what}");
        assert!(!reply.json()["message"].as_str().unwrap().is_empty(), "{what}");
    }
    let reply = world.post("/v1/logs", &[("Content-Type", "text/plain")], b"x").await;
    assert_eq!((reply.status, reply.json()["code"].clone()), (415, json!(12)));
    let reply = world.post("/v1/logs", &[], b"x").await;
    assert_eq!(reply.status, 415);
    let reply = world.get("/v1/logs").await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    let reply = world.ask_at("otlp_http", "POST", "/v1/log", &[JSON], b"{}").await;
    assert!(reply.status == 404 && reply.text().contains("/v1/logs"), "{reply:?}");
    let reply = world.ask_at("otlp_grpc", "POST", "/v1/logs", &[PROTOBUF], b"").await;
    assert!(reply.status == 415 && reply.text().contains("over gRPC"), "{reply:?}");
    assert_eq!(world.search("q=*").await.len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_success_keeps_the_good_and_names_the_bad() {
    let world = World::new().await;
    let body = json!({"resourceSpans":[{"scopeSpans":[{"spans":[
        {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"good","startTimeUnixNano":TIME.to_string()},
        {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"0000000000000000","name":"bad","startTimeUnixNano":TIME.to_string()},
    ]}]}]});
    let reply = world.post("/v1/traces", &[JSON], body.to_string().as_bytes()).await;
    assert_eq!(reply.status, 200);
    let partial = &reply.json()["partialSuccess"];
    assert_eq!(partial["rejectedSpans"], "1", "{reply:?}");
    assert!(partial["errorMessage"].as_str().unwrap().contains("spans[1]"), "{partial}");
    assert_eq!(world.search("signal=spans").await.len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_field_is_ignored_and_an_equal_body_is_stored_once() {
    let world = World::new().await;
    let body = r#"{"surprise":{"a":[1]},"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":1795485600000000000,"body":{"stringValue":"once"},"new":1}]}]}]}"#;
    for _ in 0..3 {
        assert_eq!(world.post("/v1/logs", &[JSON], body.as_bytes()).await.text(), "{}");
    }
    // The same in a compressed request is the same.
    let headers = [JSON, ("Content-Encoding", "gzip")];
    assert_eq!(world.post("/v1/logs", &headers, &gzip(body.as_bytes())).await.status, 200);
    assert_eq!(world.search("q=once").await.len(), 1);
    // Another tenant has its own.
    assert_eq!(world.post("/v1/logs", &[JSON, ("X-Scope-OrgID", "b")], body.as_bytes()).await.status, 200);
    assert_eq!(world.search_as("b", "q=once").await.len(), 1);
    assert_eq!(world.search_as("c", "q=once").await.len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn overload_is_told_with_retry_after_before_anything_is_stored() {
    // No memory for bodies: every request with one has to come again.
    let world = World::with(|settings| settings.in_flight_bytes_max = 10).await;
    let reply = world.post("/v1/logs", &[PROTOBUF], &log_request(TIME, "too much")).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("1")), "{reply:?}");
    assert!(reply.body.starts_with(&[0x08, 14]) && reply.text().contains("google.rpc.RetryInfo"), "{reply:?}");
    let reply = world.post("/v1/logs", &[JSON], &log_json("too much")).await;
    assert_eq!((reply.status, reply.json()["code"].clone()), (429, json!(14)));
    let reply = world.post("/api/v1/ingest/text", &[], b"a text that is too long").await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("1")));
    assert_eq!(reply.json()["code"], "overloaded");
    world.stop().await;
    // No disk space.
    let world = World::with_store(|_| {}, |store| store.free_bytes_min = u64::MAX / 2).await;
    for _ in 0..3 {
        let reply = world.post("/v1/logs", &[PROTOBUF], &log_request(TIME, "full")).await;
        assert_eq!(reply.status, 503, "{reply:?}");
        assert!(reply.header("retry-after").is_some_and(|seconds| seconds.parse::<u64>().unwrap() >= 1));
    }
    assert_eq!(world.search("q=*").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_values_do_not_hurt() {
    let world = World::new().await;
    let mut value = field(1, b"deep");
    for _ in 0..10_000 {
        value = field(5, &field(1, &value));
    }
    let mut record = vec![0x09];
    record.extend_from_slice(&TIME.to_le_bytes());
    record.extend(field(5, &value));
    let body = field(1, &field(2, &field(2, &record)));
    let reply = world.post("/v1/logs", &[PROTOBUF], &body).await;
    assert!(matches!(reply.status, 200 | 400), "{reply:?}");
    let json = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let reply = world.post("/v1/logs", &[JSON], json.as_bytes()).await;
    assert_eq!(reply.status, 400);
    assert_eq!(world.get("/health").await.status, 200);
    world.stop().await;
}
