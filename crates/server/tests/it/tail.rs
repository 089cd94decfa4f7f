//! Live tail.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::World;

/// Reads until the text is there.
async fn read_until(stream: &mut TcpStream, seen: &mut String, wanted: &str) {
    let mut buffer = vec![0; 4096];
    while !seen.contains(wanted) {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut buffer)).await;
        let count = read.unwrap_or_else(|_| panic!("{wanted} did not come: {seen}")).unwrap();
        assert!(count > 0, "closed before {wanted}: {seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_records_are_shown_to_whom_they_concern() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.address("http")).await.unwrap();
    stream.write_all(b"GET /api/v1/tail?q=level:error HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut seen = String::new();
    read_until(&mut stream, &mut seen, ": following").await;
    assert!(seen.contains("content-type: text/event-stream"), "{seen}");
    let lines = b"{\"level\":\"info\",\"message\":\"quiet\"}\n{\"level\":\"error\",\"message\":\"loud\"}";
    world
        .post("/api/v1/ingest/jsonl", &[("X-Scope-OrgID", "other")], b"{\"level\":\"error\",\"message\":\"foreign\"}")
        .await;
    world.post("/api/v1/ingest/jsonl", &[], lines).await;
    read_until(&mut stream, &mut seen, "\"loud\"").await;
    assert!(seen.contains("event: record\nid: 1\ndata: {\"time\":"), "{seen}");
    assert!(!seen.contains("quiet") && !seen.contains("foreign"), "{seen}");
    // Stopping ends it.
    world.stop().await;
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the tail ends with the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn pipes_and_bad_filters_are_refused() {
    let world = World::new().await;
    let reply = world.get("/api/v1/tail?q=error%20%7C%20stats%20count()").await;
    assert_eq!((reply.status, reply.json()["code"].as_str()), (400, Some("bad_query")));
    assert_eq!(world.get("/api/v1/tail?q=(").await.status, 400);
    assert_eq!(world.get("/api/v1/tail?signal=x").await.status, 400);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_slow_reader_misses_is_counted() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.address("http")).await.unwrap();
    stream.write_all(b"GET /api/v1/tail HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut seen = String::new();
    read_until(&mut stream, &mut seen, ": following").await;
    let padding = "x".repeat(1_000);
    let body: String = (0..20_000).map(|n| format!("{{\"message\":\"row {n} {padding}\"}}\n")).collect();
    world.post("/api/v1/ingest/jsonl", &[], body.as_bytes()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut events = String::new();
    read_until(&mut stream, &mut events, "event: dropped").await;
    read_until(&mut stream, &mut events, "}\n\n").await;
    world.stop().await;
}
