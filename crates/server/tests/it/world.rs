//! A server in a temporary folder, and the smallest clients that can talk to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clewline_env::Env;
use clewline_query::{Engine, EngineSettings};
use clewline_server::{Server, ServerSettings};
use clewline_store::{Store, StoreSettings};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A running server.
pub struct World {
    pub server: Option<Server>,
    pub store: Arc<Store>,
    folder: tempfile::TempDir,
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let same = |line: &&str| line.split(':').next().is_some_and(|key| key.eq_ignore_ascii_case(name));
        self.head.lines().find(same).and_then(|line| line.split_once(':')).map(|(_, value)| value.trim())
    }
}

impl World {
    pub async fn new() -> World {
        World::with(|_| {}).await
    }

    /// A server with other settings.
    pub async fn with(change: impl FnOnce(&mut ServerSettings)) -> World {
        World::with_store(change, |_| {}).await
    }

    pub async fn with_store(
        change: impl FnOnce(&mut ServerSettings),
        change_store: impl FnOnce(&mut StoreSettings),
    ) -> World {
        let folder = tempfile::tempdir().unwrap();
        let env = Env::system();
        let mut store_settings = StoreSettings::new(folder.path().join("data"));
        store_settings.free_bytes_min = 0;
        change_store(&mut store_settings);
        let store = Store::open(env.clone(), store_settings).unwrap();
        let engine_settings = EngineSettings {
            memory_bytes_per_query: 64 << 20,
            timeout: Duration::from_secs(20),
            concurrent_max: 8,
            threads: 2,
        };
        let engine = Arc::new(Engine::new(Arc::clone(&store), Arc::clone(&env.clock), engine_settings).unwrap());
        let any = || "127.0.0.1:0".to_owned();
        let mut settings = ServerSettings {
            http: any(),
            otlp_grpc: any(),
            otlp_http: any(),
            raw_tcp: any(),
            raw_udp: any(),
            syslog: String::new(),
            ..ServerSettings::default()
        };
        change(&mut settings);
        let server = Server::start(env, Arc::clone(&store), engine, settings).await.unwrap();
        World { server: Some(server), store, folder }
    }

    pub fn address(&self, name: &str) -> SocketAddr {
        self.server.as_ref().unwrap().address(name).unwrap_or_else(|| panic!("{name} listens"))
    }

    /// Removed files of the data folder that somebody in this process still has open.
    pub fn removed_but_open(&self) -> Vec<String> {
        let folder = self.folder.path().display().to_string();
        let links = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        let targets = links.filter_map(|link| Some(std::fs::read_link(link.path()).ok()?.display().to_string()));
        targets.filter(|target| target.starts_with(&folder) && target.ends_with("(deleted)")).collect()
    }

    /// Stops the server in order.
    pub async fn stop(mut self) {
        self.server.take().unwrap().stop(Duration::from_secs(5)).await;
        let store = Arc::clone(&self.store);
        tokio::task::spawn_blocking(move || store.close().unwrap()).await.unwrap();
        drop(self.folder);
    }

    /// One request with `Connection: close`.
    pub async fn ask_at(&self, name: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
        for (key, value) in headers {
            request.push_str(&format!("{key}: {value}\r\n"));
        }
        if method != "GET" {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        parse(&exchange(self.address(name), &bytes).await)
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.ask_at("http", "GET", path, &[], b"").await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.ask_at("http", "POST", path, headers, body).await
    }

    /// Rows of a search, oldest first.
    pub async fn search(&self, query: &str) -> Vec<Value> {
        self.search_as("default", query).await
    }

    pub async fn search_as(&self, tenant: &str, query: &str) -> Vec<Value> {
        let path = format!("/api/v1/search?limit=1000&order=asc&{query}");
        let reply = self.ask_at("http", "GET", &path, &[("X-Scope-OrgID", tenant)], b"").await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.lines()
    }

    /// Waits until a search has `count` rows.
    pub async fn until(&self, query: &str, count: usize) -> Vec<Value> {
        for _ in 0..200 {
            let rows = self.search(query).await;
            if rows.len() >= count {
                return rows;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{count} rows did not arrive: {:?}", self.search(query).await);
    }
}

/// Sends bytes and reads until the other side closes.
pub async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(bytes).await; // a server may answer and close before it has read everything
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
    answer
}

/// Splits an HTTP/1.1 answer; undoes chunks.
pub fn parse(answer: &[u8]) -> Reply {
    let split = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let split = split.unwrap_or_else(|| panic!("an HTTP answer was expected: {:?}", String::from_utf8_lossy(answer)));
    let head = String::from_utf8_lossy(&answer[..split]).into_owned();
    let mut body = answer[split + 4..].to_vec();
    if head.to_lowercase().contains("transfer-encoding: chunked") {
        body = unchunk(&body);
    }
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head, body }
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            break;
        }
        out.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 4 + length..];
    }
    out
}

/// A protobuf field of bytes.
pub fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

/// A log request in protobuf with one record: `time_unix_nano` (fixed64, field 1) and a text body (field 5).
pub fn log_request(time_ns: u64, body: &str) -> Vec<u8> {
    let mut record = vec![0x09];
    record.extend_from_slice(&time_ns.to_le_bytes());
    record.extend(field(5, &field(1, body.as_bytes())));
    field(1, &field(2, &field(2, &record)))
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}
