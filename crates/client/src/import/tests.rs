//! The import against a small stub server: delivery, retries, resuming, rejections.

use super::*;
use crate::stub::{Answer, Request, Stub};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32};

/// A folder that disappears with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("clewline-client-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn args(file: &Path) -> ImportArgs {
    ImportArgs {
        files: vec![file.to_path_buf()],
        format: ImportFormat::Auto,
        service: None,
        signal: None,
        param: vec![],
        connections: Some(2),
        retry_for: 5,
        state: None,
        restart: false,
    }
}

fn import(stub: &Stub, args: &ImportArgs, state: Option<PathBuf>) -> Result<u64, CliError> {
    let source = Source::open(&args.files[0], 1).unwrap();
    let target = Target {
        server: Server::at(&stub.address, None, None).unwrap(),
        params: params_of(args).unwrap(),
        patience: Duration::from_secs(args.retry_for),
        fingerprint: source.identity.fingerprint,
        stop: Arc::new(AtomicBool::new(false)),
    };
    Import { args, target, state: State::at(state), key: "k".into(), stderr: Terminal::plain() }.file(source)
}

fn accept(request: &Request) -> Answer {
    let lines = request.body.iter().filter(|byte| **byte == b'\n').count();
    (200, vec![], format!("{{\"accepted\":{lines},\"rejected\":0,\"errors\":[]}}").into_bytes())
}

/// About 6 MB of JSON lines: four bodies.
fn large() -> Vec<u8> {
    let mut text = String::new();
    for number in 0..60_000 {
        text.push_str(&format!("{{\"message\":\"{number} {}\"}}\n", "x".repeat(80)));
    }
    text.into_bytes()
}

#[test]
fn every_byte_arrives_once() {
    let folder = Folder::new("once");
    let text = large();
    let file = folder.file("a.jsonl", &text);
    let stub = Stub::start(accept);
    let mut args = args(&file);
    args.service = Some("web shop".into());
    assert_eq!(import(&stub, &args, None).unwrap(), 0);
    let mut bodies: Vec<Vec<u8>> = stub.requests().into_iter().map(|request| request.body).collect();
    assert!(bodies.len() > 2);
    bodies.sort_by_key(|body| text.windows(20).position(|window| window == &body[..20]));
    assert_eq!(bodies.concat(), text);
    assert_eq!(stub.requests()[0].target, "/api/v1/ingest/jsonl?service=web%20shop");
    assert_eq!(stub.requests()[0].method, "POST");
}

#[test]
fn a_repeated_import_has_the_same_keys_and_a_changed_one_has_not() {
    let folder = Folder::new("keys");
    let file = folder.file("a.jsonl", &large());
    let keys = |service: Option<&str>| {
        let stub = Stub::start(accept);
        let mut args = args(&file);
        args.service = service.map(String::from);
        import(&stub, &args, None).unwrap();
        let mut keys: Vec<String> =
            stub.requests().iter().map(|request| request.header("idempotency-key").unwrap().to_string()).collect();
        keys.sort();
        keys
    };
    let first = keys(None);
    assert_eq!(first, keys(None));
    let mut unique = first.clone();
    unique.dedup();
    assert_eq!(unique.len(), first.len());
    assert!(keys(Some("other")).iter().all(|key| !first.contains(key)));
}

#[test]
fn busy_servers_are_asked_again_with_the_same_key() {
    let folder = Folder::new("busy");
    let file = folder.file("a.log", b"one\ntwo\n");
    let count = AtomicU32::new(0);
    let stub = Stub::start(move |request| match count.fetch_add(1, Ordering::Relaxed) {
        0 => (503, vec![("Retry-After", "0".into())], vec![]),
        1 => (429, vec![], b"{\"message\":\"slow down\"}".to_vec()),
        _ => accept(request),
    });
    assert_eq!(import(&stub, &args(&file), None).unwrap(), 0);
    let keys: Vec<_> =
        stub.requests().iter().map(|request| request.header("idempotency-key").map(String::from)).collect();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| *key == keys[0] && key.is_some()));
    assert_eq!(stub.requests()[2].target, "/api/v1/ingest/text");
}

#[test]
fn an_interrupted_import_continues_after_the_last_acknowledged_byte() {
    let folder = Folder::new("resume");
    let text = large();
    let file = folder.file("a.jsonl", &text);
    let state = folder.path("state.json");
    // The third body is refused for good.
    let seen = Mutex::new(0);
    let stub = Stub::start(move |request| {
        let mut seen = seen.lock().unwrap();
        *seen += 1;
        if *seen == 3 { (400, vec![], b"{\"message\":\"disk full\"}".to_vec()) } else { accept(request) }
    });
    let mut args = args(&file);
    args.connections = Some(1);
    let error = import(&stub, &args, Some(state.clone())).unwrap_err();
    assert!(error.to_string().contains("disk full"), "{error}");
    let acknowledged: usize = stub.requests()[..2].iter().map(|request| request.body.len()).sum();

    let again = Stub::start(accept);
    import(&again, &args, Some(state.clone())).unwrap();
    assert_eq!(again.requests()[0].body[..], text[acknowledged..][..again.requests()[0].body.len()]);
    let rest: usize = again.requests().iter().map(|request| request.body.len()).sum();
    assert_eq!(rest, text.len() - acknowledged);

    // Finished: the state is gone and a further import begins at the beginning.
    let third = Stub::start(accept);
    import(&third, &args, Some(state)).unwrap();
    assert_eq!(third.requests().iter().map(|request| request.body.len()).sum::<usize>(), text.len());
}

#[test]
fn restart_and_changed_files_begin_anew() {
    let folder = Folder::new("anew");
    let text = large();
    let file = folder.file("a.jsonl", &text);
    let state = State::at(Some(folder.path("state.json")));
    let identity = Source::open(&file, 1).unwrap().identity;
    let line = text.iter().position(|byte| *byte == b'\n').unwrap() as u64 + 1;
    state.save("k", &identity, Position { offset: line, line: 2 }).unwrap();
    let mut args = args(&file);
    args.restart = true;
    let stub = Stub::start(accept);
    import(&stub, &args, Some(folder.path("state.json"))).unwrap();
    assert_eq!(stub.requests().iter().map(|request| request.body.len()).sum::<usize>(), text.len());
}

#[test]
fn rejections_name_the_line_of_the_file() {
    let chunk = Chunk { first_line: 101, lines: 10, body: b"x".to_vec(), ..Chunk::default() };
    let stub = Stub::start(|_| {
        (200, vec![], br#"{"accepted":9,"rejected":1,"errors":[{"line":3,"message":"not JSON"}]}"#.to_vec())
    });
    let target = Target {
        server: Server::at(&stub.address, None, None).unwrap(),
        params: vec![],
        patience: Duration::from_secs(1),
        fingerprint: 0,
        stop: Arc::new(AtomicBool::new(false)),
    };
    let receipt = send::deliver(&target, &chunk).unwrap();
    assert_eq!(receipt.errors, [(Some(103), "not JSON".to_string())]);
    assert_eq!((receipt.accepted, receipt.rejected), (Some(9), 1));
}

#[test]
fn otlp_partial_success_is_a_rejection() {
    let folder = Folder::new("partial");
    let file = folder.file("a.json", b"{\"resourceSpans\":[{}]}\n");
    let stub = Stub::start(|_| {
        (200, vec![], br#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}"#.to_vec())
    });
    assert_eq!(import(&stub, &args(&file), None).unwrap(), 2);
    assert_eq!(stub.requests()[0].target, "/v1/traces");
    assert_eq!(stub.requests()[0].header("content-type"), Some("application/json"));
}

#[test]
fn patience_ends() {
    let folder = Folder::new("patience");
    let file = folder.file("a.log", b"one\n");
    let stub = Stub::start(|_| (503, vec![], vec![]));
    let mut args = args(&file);
    args.retry_for = 0;
    let error = import(&stub, &args, None).unwrap_err();
    assert!(error.to_string().contains("run the same command again"), "{error}");
}

#[test]
fn unknown_parameters_are_usage_errors() {
    let mut args = args(Path::new("x"));
    args.param = vec!["tiem_field=x".into()];
    assert_eq!(params_of(&args).unwrap_err().exit_code(), 2);
}
