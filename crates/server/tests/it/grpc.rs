//! The OTLP/gRPC contract.

use bytes::Bytes;
use h2::client;
use tokio::net::TcpStream;

use crate::world::{World, gzip, log_request};

const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const TIME: u64 = 1_795_485_600_000_000_000;

/// Outcome of a call: `grpc-status`, all headers and trailers as text, the message.
struct Outcome {
    status: String,
    headers: String,
    message: Vec<u8>,
}

async fn call(world: &World, port: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Outcome {
    let stream = TcpStream::connect(world.address(port)).await.unwrap();
    let (client, connection) = client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let mut request = axum::http::Request::builder().method("POST").uri(format!("http://test{path}"));
    request = request.header("content-type", "application/grpc").header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (response, mut send) = client.send_request(request.body(()).unwrap(), false).unwrap();
    let _ = send.send_data(Bytes::from(body), true);
    let response = response.await.unwrap();
    assert_eq!(response.status(), 200);
    let (head, mut body) = response.into_parts();
    let mut message = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        let _ = body.flow_control().release_capacity(data.len());
        message.extend_from_slice(&data);
    }
    let trailers = body.trailers().await.unwrap().unwrap_or_default();
    let all = head.headers.iter().chain(trailers.iter());
    let status = head.headers.get("grpc-status").or(trailers.get("grpc-status")).unwrap().to_str().unwrap().to_owned();
    let headers = all.map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect();
    Outcome { status, headers, message }
}

fn framed(compressed: u8, message: &[u8]) -> Vec<u8> {
    let mut out = vec![compressed];
    out.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    out.extend_from_slice(message);
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_are_stored_and_acknowledged() {
    let world = World::new().await;
    let plain = framed(0, &log_request(TIME, "call one"));
    let packed = framed(1, &gzip(&log_request(TIME, "call two")));
    let zstd = framed(1, &zstd::encode_all(&log_request(TIME, "call three")[..], 1).unwrap());
    for (headers, body) in
        [(&[][..], plain), (&[("grpc-encoding", "gzip")], packed), (&[("grpc-encoding", "zstd")], zstd)]
    {
        let outcome = call(&world, "otlp_grpc", LOGS, headers, body).await;
        assert_eq!((outcome.status.as_str(), outcome.message.as_slice()), ("0", &[0u8; 5][..]), "{}", outcome.headers);
    }
    // The other HTTP ports speak it too.
    for port in ["http", "otlp_http"] {
        let outcome = call(&world, port, LOGS, &[], framed(0, &log_request(TIME, &format!("call {port}")))).await;
        assert_eq!(outcome.status, "0");
    }
    assert_eq!(world.search("q=call").await.len(), 5);
    let outcome = call(&world, "otlp_grpc", "/grpc.health.v1.Health/Check", &[], framed(0, b"")).await;
    assert_eq!((outcome.status.as_str(), &outcome.message[5..]), ("0", &[0x08, 0x01][..]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_have_the_right_code() {
    let world = World::with(|settings| settings.body_bytes_max = 64 << 10).await;
    let long = framed(0, &vec![0; 70 << 10]);
    let bomb = framed(1, &gzip(&vec![0; 32 << 20]));
    let two = [framed(0, b""), framed(0, b"")].concat();
    let cases: [(&str, &str, &[(&str, &str)], Vec<u8>, &str); 10] = [
        ("garbage", LOGS, &[], framed(0, b"\xff\xff\xff"), "3"),
        ("no message", LOGS, &[], Vec::new(), "3"),
        ("short frame", LOGS, &[], framed(0, b"abc")[..7].to_vec(), "3"),
        ("two messages", LOGS, &[], two, "3"),
        ("bad flag", LOGS, &[], framed(7, b""), "3"),
        ("bad tenant", LOGS, &[("x-scope-orgid", "a/b")], framed(0, b""), "3"),
        ("too large", LOGS, &[], long, "8"),
        ("bomb", LOGS, &[("grpc-encoding", "gzip")], bomb, "8"),
        ("unknown encoding", LOGS, &[("grpc-encoding", "snappy")], framed(1, b""), "12"),
        ("unknown method", "/a.b.C/D", &[], framed(0, b""), "12"),
    ];
    for (what, path, headers, body, code) in cases {
        let outcome = call(&world, "otlp_grpc", path, headers, body).await;
        assert_eq!(outcome.status, code, "{what}: {}", outcome.headers);
        assert!(outcome.message.is_empty() && outcome.headers.contains("grpc-message: "), "{what}");
        // Never RetryInfo: sending it again does not help.
        assert_eq!(outcome.headers.contains("grpc-status-details-bin"), code == "3", "{what}");
    }
    world.stop().await;
    let world = World::with(|settings| settings.in_flight_bytes_max = 4).await;
    let outcome = call(&world, "otlp_grpc", LOGS, &[], framed(0, &log_request(TIME, "busy"))).await;
    assert_eq!(outcome.status, "14");
    assert!(outcome.headers.contains("grpc-status-details-bin: "), "{}", outcome.headers);
    world.stop().await;
}
