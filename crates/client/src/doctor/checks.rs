//! The checks that only look.

use super::{Finding, Verdict};
use crate::http::Server;
use crate::machine;
use crate::time;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

/// Longest wait for a listener.
const LISTENER_TIMEOUT: Duration = Duration::from_secs(3);
/// Clock difference worth mentioning, and worth failing.
const SKEW_ODD_SECONDS: i64 = 5;
const SKEW_BAD_SECONDS: i64 = 60;
/// Free disk space worth mentioning, and worth failing.
const DISK_ODD_BYTES: u64 = 5_000_000_000;
const DISK_BAD_BYTES: u64 = 500_000_000;

/// Whether anything answers HTTP at the address.
pub(crate) fn reachable(server: &Server) -> Finding {
    match server.get_raw("/health", &[], &[]) {
        Ok(reply) if reply.status == 200 => Finding::new(format!("server answers at {}", server.base()), Verdict::Good),
        Ok(reply) => Finding::new(
            format!("something answers {} at {}, but it is no healthy Clewline", reply.status, server.base()),
            Verdict::Bad("see who listens there (ss -ltnp), or name the right address with --server URL".into()),
        ),
        Err(error) => Finding::new(
            format!("no server answers at {}: {}", server.base(), error.reason),
            Verdict::Bad(
                "start one with `clewline serve`, or name another with --server URL or CLEWLINE_SERVER".into(),
            ),
        ),
    }
}

/// Hints when the main address is silent: do the usual ports listen?
pub(crate) fn without_server(server: &Server) -> Vec<Finding> {
    let (host, port) = server.host_port();
    let mut findings = Vec::new();
    for (other, what) in [(4300, "page and API"), (4317, "OTLP gRPC"), (4318, "OTLP HTTP")] {
        if other != port && connect(&host, other).is_ok() {
            findings.push(Finding::new(
                format!("{host}:{other} ({what}) does listen"),
                if other == 4300 {
                    Verdict::Odd(format!("try --server http://{host}:4300"))
                } else {
                    Verdict::Odd(
                        "the server (or another collector) runs, but its API is elsewhere: see its log for the address"
                            .into(),
                    )
                },
            ));
        }
    }
    findings
}

/// Whether the server takes records, or how far its start has come.
pub(crate) fn ready(server: &Server) -> Finding {
    match server.get_raw("/ready", &[], &[]) {
        Ok(reply) if reply.status == 200 => Finding::new("server is ready", Verdict::Good),
        Ok(reply) => {
            let state = reply.json().unwrap_or(Value::Null);
            let count = |name: &str| state.get(name).and_then(Value::as_u64);
            let detail = match (count("replayed_bytes"), count("total_bytes")) {
                (Some(done), Some(total)) => format!(" (replayed {} of {})", time::bytes(done), time::bytes(total)),
                _ => String::new(),
            };
            Finding::new(
                format!("server is not ready{detail}"),
                Verdict::Bad("it reads its write-ahead log after a start; wait, or look at its log".into()),
            )
        }
        Err(error) => Finding::new("server stopped answering", Verdict::Bad(error.reason)),
    }
}

/// Whether server and client are of one release.
pub(crate) fn version(server: &Server) -> Finding {
    let own = env!("CARGO_PKG_VERSION");
    match server.get_json("/api/v1/status", &[]) {
        Ok(status) => {
            let theirs = status.get("version").and_then(Value::as_str).unwrap_or("unknown").to_string();
            let verdict = if theirs.starts_with(own) {
                Verdict::Good
            } else {
                Verdict::Odd(format!(
                    "this program is {own}; different releases may not understand each other in everything"
                ))
            };
            Finding::new(format!("server is version {theirs}"), verdict)
        }
        Err(error) => Finding::new("the server does not tell its status", Verdict::Bad(error.to_string())),
    }
}

/// Clock difference by the Date header (whole seconds).
pub(crate) fn clock(server: &Server) -> Finding {
    let before = machine::now_ns();
    let date = server.get_raw("/health", &[], &[]).ok();
    let date = date.and_then(|reply| reply.header("date").and_then(time::parse_http_date));
    let Some(theirs) = date else {
        return Finding::new("clocks", Verdict::Skipped("the server sends no Date header".into()));
    };
    let own = i64::try_from((before + machine::now_ns()) / 2 / 1_000_000_000).unwrap_or(0);
    clock_verdict(theirs - own)
}

fn clock_verdict(difference: i64) -> Finding {
    let advice = "records sent from here carry the local time: set both clocks by NTP (timedatectl)".to_string();
    let what = format!("the server's clock differs by {difference} s");
    match difference.abs() {
        0..SKEW_ODD_SECONDS => Finding::new("clocks agree within seconds", Verdict::Good),
        SKEW_ODD_SECONDS..SKEW_BAD_SECONDS => Finding::new(what, Verdict::Odd(advice)),
        _ => Finding::new(what, Verdict::Bad(advice)),
    }
}

/// The listeners the server names, or the usual three.
pub(crate) fn listeners(server: &Server) -> Vec<Finding> {
    let (host, _) = server.host_port();
    let status = server.get_json("/api/v1/status", &[]).unwrap_or(Value::Null);
    let named = status.get("listeners").and_then(Value::as_array).cloned().unwrap_or_default();
    let port_of = |name: &str, default: u16| {
        let entry = named.iter().find(|entry| entry.get("name").and_then(Value::as_str) == Some(name));
        let address = entry.and_then(|entry| entry.get("address")).and_then(Value::as_str);
        address.and_then(|address| address.rsplit_once(':')?.1.parse().ok()).unwrap_or(default)
    };
    vec![
        grpc(&host, port_of("otlp_grpc", 4317)),
        otlp_http(&host, port_of("otlp_http", 4318)),
        raw_tcp(&host, port_of("raw_tcp", 8080)),
    ]
}

/// What spoke behind a port.
#[derive(Debug, PartialEq, Eq)]
enum Spoken {
    Http2,
    Http1,
    Other,
    Nothing,
}

/// HTTP/2 connection preface and an empty SETTINGS frame (RFC 9113 §3.4): a server answers with SETTINGS (type 4).
fn grpc(host: &str, port: u16) -> Finding {
    let what = format!("OTLP gRPC at {host}:{port}");
    match speak(host, port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00") {
        Ok(Spoken::Http2) => Finding::new(what, Verdict::Good),
        Ok(Spoken::Http1) => Finding::new(
            format!("{what} speaks HTTP/1.1 only"),
            Verdict::Bad(
                "that is an OTLP/HTTP port: gRPC exporters want 4317, HTTP exporters 4318; are they swapped?".into(),
            ),
        ),
        Ok(_) => Finding::new(
            format!("{what} does not speak HTTP/2"),
            Verdict::Bad("another program listens there (ss -ltnp)".into()),
        ),
        Err(reason) => closed(&what, &reason, "listen.otlp_grpc"),
    }
}

fn otlp_http(host: &str, port: u16) -> Finding {
    let what = format!("OTLP HTTP at {host}:{port}");
    let request = format!("GET /health HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
    match speak(host, port, request.as_bytes()) {
        Ok(Spoken::Http1) => Finding::new(what, Verdict::Good),
        Ok(Spoken::Http2) => Finding::new(
            format!("{what} speaks HTTP/2 only"),
            Verdict::Bad(
                "that is a gRPC port: HTTP exporters want 4318, gRPC exporters 4317; are they swapped?".into(),
            ),
        ),
        Ok(_) => Finding::new(
            format!("{what} does not speak HTTP"),
            Verdict::Bad("another program listens there (ss -ltnp)".into()),
        ),
        Err(reason) => closed(&what, &reason, "listen.otlp_http"),
    }
}

fn raw_tcp(host: &str, port: u16) -> Finding {
    let what = format!("raw lines over TCP at {host}:{port}");
    match connect(host, port) {
        Ok(_) => Finding::new(what, Verdict::Good),
        Err(reason) => closed(&what, &reason, "listen.raw_tcp"),
    }
}

fn closed(what: &str, reason: &str, setting: &str) -> Finding {
    let advice = format!("switched off, on another address, or behind a firewall: see the setting {setting}");
    Finding::new(format!("{what}: {reason}"), Verdict::Bad(advice))
}

fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    let addresses = (host, port).to_socket_addrs().map_err(|error| error.to_string())?;
    let mut reason = "the host name has no address".to_string();
    for address in addresses {
        match TcpStream::connect_timeout(&address, LISTENER_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => reason = error.to_string(),
        }
    }
    Err(reason)
}

fn speak(host: &str, port: u16, words: &[u8]) -> Result<Spoken, String> {
    let mut stream = connect(host, port)?;
    let prepared = stream.set_read_timeout(Some(LISTENER_TIMEOUT)).and_then(|()| stream.write_all(words));
    prepared.map_err(|error| error.to_string())?;
    let mut answer = [0; 9];
    let mut length = 0;
    while length < answer.len() {
        match stream.read(answer.get_mut(length..).unwrap_or_default()) {
            Ok(0) | Err(_) => break,
            Ok(read) => length += read,
        }
    }
    Ok(spoken(answer.get(..length).unwrap_or_default()))
}

fn spoken(answer: &[u8]) -> Spoken {
    match answer {
        [] => Spoken::Nothing,
        [b'H', b'T', b'T', b'P', b'/', b'1', ..] => Spoken::Http1,
        [_, _, _, 4, _, 0, 0, 0, 0] => Spoken::Http2,
        _ => Spoken::Other,
    }
}

/// Free space where a local server stores; its folder is the argument or what the status says.
pub(crate) fn disk(server: &Server, folder: Option<&Path>) -> Option<Finding> {
    let status = server.get_json("/api/v1/status", &[]).unwrap_or(Value::Null);
    let told = status.pointer("/storage/directory").and_then(Value::as_str).map(Path::new);
    let folder = folder.or(told.filter(|folder| folder.is_dir()))?;
    let finding = match nix::sys::statvfs::statvfs(folder) {
        Ok(space) => {
            let free = space.blocks_available() * space.fragment_size();
            disk_verdict(&folder.display().to_string(), free)
        }
        Err(error) => Finding::new(format!("disk space of {}", folder.display()), Verdict::Bad(error.to_string())),
    };
    Some(finding)
}

fn disk_verdict(folder: &str, free: u64) -> Finding {
    let what = format!("{} free in {folder}", time::bytes(free));
    let advice = "shorten the retention or give it more room: a full disk refuses records".to_string();
    match free {
        0..DISK_BAD_BYTES => Finding::new(what, Verdict::Bad(advice)),
        DISK_BAD_BYTES..DISK_ODD_BYTES => Finding::new(what, Verdict::Odd(advice)),
        _ => Finding::new(what, Verdict::Good),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::Stub;

    #[test]
    fn who_speaks() {
        assert_eq!(spoken(b"HTTP/1.1 "), Spoken::Http1);
        assert_eq!(spoken(&[0, 0, 18, 4, 0, 0, 0, 0, 0]), Spoken::Http2);
        assert_eq!(spoken(b"220 smtp "), Spoken::Other);
        assert_eq!(spoken(b""), Spoken::Nothing);
    }

    #[test]
    fn swapped_ports_are_named() {
        let stub = Stub::start(|_| (200, vec![], vec![]));
        let (host, port) = Server::at(&stub.address, None, None).unwrap().host_port();
        assert_eq!(otlp_http(&host, port).verdict, Verdict::Good);
        let finding = grpc(&host, port);
        assert!(matches!(finding.verdict, Verdict::Bad(_)), "{finding:?}");
    }

    #[test]
    fn clocks_and_disks() {
        assert_eq!(clock_verdict(1).verdict, Verdict::Good);
        assert!(matches!(clock_verdict(-10).verdict, Verdict::Odd(_)));
        assert!(matches!(clock_verdict(3_600).verdict, Verdict::Bad(_)));
        assert!(matches!(disk_verdict("/", 1).verdict, Verdict::Bad(_)));
        assert_eq!(disk_verdict("/", 1 << 40).verdict, Verdict::Good);
    }

    #[test]
    fn a_replaying_server_is_not_ready() {
        let stub =
            Stub::start(|_| (503, vec![], br#"{"ready":false,"replayed_bytes":1000,"total_bytes":2000}"#.to_vec()));
        let finding = ready(&Server::at(&stub.address, None, None).unwrap());
        assert!(finding.what.contains("1 kB of 2 kB"), "{finding:?}");
    }
}
