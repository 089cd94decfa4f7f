//! Lines over TCP: raw records and syslog.
//!
//! Lines of a connection are stored after [`crate::limits::LINES_PER_BATCH`] of them, some bytes, or
//! [`crate::limits::LINE_WAIT`] without company. While the store is overloaded nothing is read. A last line without its
//! end counts when the connection closes or the server stops.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::lines::{self, Framing, Gather, Kind};
use crate::app::App;
use crate::limits::{ACCEPT_RETRY, LINE_CONNECTIONS_MAX, LINE_IDLE_TIMEOUT, LINE_READ_BYTES, LINE_WAIT};

/// What a client that speaks HTTP to this port is told.
const NOT_HTTP: &str = "this port takes raw lines over TCP, not HTTP; send HTTP to the port of listen.http\n";

/// Accepts connections until the server stops, then stores what they have sent.
pub(super) async fn serve(app: Arc<App>, name: &'static str, listener: TcpListener, kind: Kind) {
    let mut stopping = app.stopping.clone();
    let slots = Arc::new(Semaphore::new(LINE_CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            next = next => next,
            () = stopping.stopped() => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                let app = Arc::clone(&app);
                connections.spawn(async move {
                    app.metrics.connected(name);
                    connection(&app, name, stream, peer, kind).await;
                    app.metrics.disconnected(name);
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::info!(listener = name, %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// What came of waiting for bytes.
enum Event {
    Read(usize),
    /// The lines that are there have waited long enough.
    Due,
    /// Closed, broken, silent for too long, or the server stops.
    End,
}

async fn connection(app: &Arc<App>, door: &'static str, mut stream: TcpStream, peer: SocketAddr, kind: Kind) {
    let node = lines::node_of(peer.ip());
    let mut stopping = app.stopping.clone();
    let mut framing = Framing::new(kind);
    let mut gather = Gather::new(kind);
    let mut buffer = vec![0; LINE_READ_BYTES];
    let mut due: Option<Instant> = None;
    let mut first = true;
    loop {
        let deadline = due.unwrap_or_else(|| Instant::now() + LINE_IDLE_TIMEOUT);
        let event = tokio::select! {
            biased;
            read = timeout_at(deadline, stream.read(&mut buffer)) => match read {
                Ok(Ok(0) | Err(_)) => Event::End,
                Ok(Ok(count)) => Event::Read(count),
                Err(_) if due.is_some() => Event::Due,
                Err(_) => Event::End,
            },
            () = stopping.stopped() => Event::End,
        };
        match event {
            Event::Read(count) => {
                let bytes = buffer.get(..count).unwrap_or(&[]);
                if std::mem::replace(&mut first, false) && kind == Kind::Raw && is_http(bytes) {
                    app.metrics.refused(door, "http");
                    refuse_http(&mut stream).await;
                    return;
                }
                let now_ns = app.clock.now_ns();
                framing.push(bytes, |line| gather.push(line, now_ns, &node));
                if due.is_none() && !gather.is_empty() {
                    due = Some(Instant::now() + LINE_WAIT);
                }
                if !gather.is_full() {
                    continue;
                }
            }
            Event::Due => {}
            Event::End => break,
        }
        due = None;
        lines::store(app, door, gather.take()).await;
    }
    let now_ns = app.clock.now_ns();
    framing.finish(|line| gather.push(line, now_ns, &node));
    app.metrics.cut(door, framing.oversized());
    lines::store(app, door, gather.take()).await;
}

/// True for the head of an HTTP request: a request line and a header line. A line of an access log is not followed by a
/// header.
fn is_http(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return false };
    let method = [&b"GET "[..], b"POST ", b"PUT ", b"HEAD ", b"OPTIONS ", b"DELETE ", b"PATCH "];
    let named = second.iter().position(|byte| *byte == b':').and_then(|colon| second.get(..colon));
    method.iter().any(|method| first.starts_with(method))
        && (first.ends_with(b" HTTP/1.1\r") || first.ends_with(b" HTTP/1.0\r"))
        && named.is_some_and(|name| name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-'))
}

async fn refuse_http(stream: &mut TcpStream) {
    let length = NOT_HTTP.len();
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let _ = stream.write_all(format!("{head}{NOT_HTTP}").as_bytes()).await;
    let _ = stream.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::is_http;

    #[test]
    fn http_is_told_from_logs_about_http() {
        assert!(is_http(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(is_http(b"POST /v1/logs HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"));
        for line in [&b"GET / HTTP/1.1\r\n"[..], b"GET / HTTP/1.1 200 5ms\nGET: x\n", b"hello\nworld: x\n", b"node_1"] {
            assert!(!is_http(line), "{line:?}");
        }
    }
}
