//! Raw lines and syslog over TCP and UDP.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

use crate::world::{World, exchange};

#[tokio::test(flavor = "multi_thread")]
async fn the_smallest_client_is_found_by_its_node() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.address("raw_tcp")).await.unwrap();
    stream.write_all(b"node_1").await.unwrap();
    stream.write_all(b"Hello, World!").await.unwrap();
    drop(stream);
    let rows = world.until("q=World", 1).await;
    assert_eq!((rows[0]["body"].as_str(), rows[0]["node"].as_str()), (Some("node_1Hello, World!"), Some("127.0.0.1")));
    let mut stream = TcpStream::connect(world.address("raw_tcp")).await.unwrap();
    stream.write_all(b"node_1\tHello again").await.unwrap();
    drop(stream);
    let rows = world.until("q=node:node_1", 1).await;
    assert_eq!(rows[0]["body"], "Hello again");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_an_open_connection_arrive_soon_and_in_order() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.address("raw_tcp")).await.unwrap();
    stream.write_all(b"open 1\nopen 2\r\nopen frag").await.unwrap();
    let rows = world.until("q=open", 2).await;
    assert_eq!(rows.len(), 2);
    stream.write_all(b"ment\n").await.unwrap();
    let rows = world.until("q=open", 3).await;
    assert_eq!(rows[2]["body"], "open fragment");
    let many: String = (0..20_000).map(|n| format!("many {n}\n")).collect();
    stream.write_all(many.as_bytes()).await.unwrap();
    drop(stream);
    world.stop_after_rows("many", 20_000).await;
}

impl World {
    /// Stops when so many rows with a word are there; nothing may be lost by stopping.
    async fn stop_after_rows(self, word: &str, count: u64) {
        let path = format!("/api/v1/search?q={word}%20%7C%20stats%20count()%20as%20n");
        for _ in 0..200 {
            if self.get(&path).await.lines()[0]["n"] == count {
                return self.stop().await;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{count} rows of {word} did not arrive");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_keeps_what_was_read() {
    let mut world = World::new().await;
    let mut stream = TcpStream::connect(world.address("raw_tcp")).await.unwrap();
    stream.write_all(b"kept line\nkept fragment").await.unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    udp.send_to(b"kept datagram", world.address("raw_udp")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    world.server.take().unwrap().stop(Duration::from_secs(5)).await;
    let counts = world.store.statistics().records;
    assert_eq!((counts.received, counts.stored), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_are_lines() {
    let world = World::new().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = world.address("raw_udp");
    for n in 0..100 {
        socket.send_to(format!("dgram {n} first\ndgram {n} second").as_bytes(), to).await.unwrap();
    }
    socket.send_to(b"", to).await.unwrap();
    socket.send_to(&vec![b'z'; 60_000], to).await.unwrap();
    let rows = world.until("q=dgram", 200).await;
    assert_eq!((rows.len(), rows[0]["node"].as_str()), (200, Some("127.0.0.1")));
    world.until("q=node:127.0.0.1%20-dgram", 1).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_in_both_framings_and_over_udp() {
    let address = {
        // UDP and TCP share a port number: find one that is free.
        let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        probe.local_addr().unwrap().to_string()
    };
    let world = World::with(|settings| settings.syslog = address).await;
    let message = "<34>1 2026-11-24T02:00:00Z host1 app 12 ID - syslog counted";
    let counted = format!("{} {message}{} {message}", message.len(), message.len());
    assert!(exchange_and_close(&world, counted.as_bytes()).await.is_empty());
    let lines = "<13>1 2026-11-24T02:00:00Z host2 app - - - syslog line\n<13>Nov 24 02:00:00 host3 su: syslog old";
    exchange_and_close(&world, lines.as_bytes()).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket
        .send_to(b"<11>1 2026-11-24T02:00:00Z host4 app - - - syslog datagram", world.address("syslog_udp"))
        .await
        .unwrap();
    let rows = world.until("q=syslog", 5).await;
    assert_eq!(rows.len(), 5);
    let nodes: Vec<&str> = rows.iter().filter_map(|row| row["node"].as_str()).collect();
    for node in ["host1", "host2", "host3", "host4"] {
        assert!(nodes.contains(&node), "{nodes:?}");
    }
    assert_eq!(world.search("q=level:error%20syslog").await.len(), 3);
    world.stop().await;
}

async fn exchange_and_close(world: &World, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(world.address("syslog_tcp")).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn http_on_the_line_port_gets_an_answer() {
    let world = World::new().await;
    let answer = exchange(world.address("raw_tcp"), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    assert!(text.starts_with("HTTP/1.1 400") && text.contains("raw lines"), "{text}");
    world.stop().await;
}
