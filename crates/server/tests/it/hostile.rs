//! Garbage on every port; peers that break off or are too slow.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

use crate::world::{World, exchange, gzip, log_request};

/// Bytes without sense, the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(next).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_harms_no_port() {
    let world = World::new().await;
    let noise = noise(100_000);
    for port in ["http", "otlp_http", "otlp_grpc", "raw_tcp"] {
        for piece in [
            &noise[..],
            &noise[..1],
            b"\0",
            b"\n\n\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage",
            b"GET",
            b"POST /v1/logs HTTP/1.1\r\n\r\n",
        ] {
            let mut stream = TcpStream::connect(world.address(port)).await.unwrap();
            let _ = stream.write_all(piece).await;
            drop(stream);
        }
    }
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for chunk in noise.chunks(9_000) {
        socket.send_to(chunk, world.address("raw_udp")).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(world.get("/health").await.status, 200);
    // What came as lines was kept, whatever it was.
    let counts = world.store.statistics().records;
    assert!(counts.received > 0 && counts.received == counts.stored, "{counts:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_stores_nothing() {
    let world = World::new().await;
    for body in [log_request(1, "half"), vec![b'x'; 10]] {
        let head = format!(
            "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
            body.len() + 100
        );
        let mut stream = TcpStream::connect(world.address("http")).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        drop(stream);
    }
    let answer = exchange(world.address("http"), b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.store.statistics().records.received, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_bombs_at_once_are_refused_within_bounds() {
    let world = World::with(|settings| settings.body_bytes_max = 8 << 20).await;
    let bomb = gzip(&vec![b' '; 256 << 20]);
    let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
    let replies = futures::future::join_all((0..20).map(|_| world.post("/v1/logs", &headers, &bomb))).await;
    for reply in replies {
        assert_eq!(reply.status, 413, "{reply:?}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_head_is_refused() {
    let world = World::new().await;
    let request = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Big: {}\r\n\r\n", "a".repeat(1 << 20));
    let answer = exchange(world.address("http"), request.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
    let path = format!("/api/v1/search?q={}", "(".repeat(10_000));
    assert_eq!(world.get(&path).await.status, 400);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_serves_many_requests() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.address("http")).await.unwrap();
    let mut all = Vec::new();
    for n in 0..50 {
        let close = if n == 49 { "Connection: close\r\n" } else { "" };
        all.extend_from_slice(format!("GET /health HTTP/1.1\r\nHost: x\r\n{close}\r\n").as_bytes());
    }
    stream.write_all(&all).await.unwrap();
    let mut answer = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer).matches("HTTP/1.1 200").count(), 50);
    world.stop().await;
}
