//! Nothing is lost without being counted; readiness, metrics, status.

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn received_is_stored_and_duplicate_and_rejected_and_dropped() {
    let world = World::new().await;
    let json = [("Content-Type", "application/json")];
    let body = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":1,"body":{"stringValue":"a"}},{"timeUnixNano":2,"body":{"stringValue":"b"}}]}]}]}"#;
    for _ in 0..2 {
        world.post("/v1/logs", &json, body).await;
    }
    world.post("/api/v1/ingest/jsonl", &[], b"{\"a\":1}\nbroken").await;
    world.post("/api/v1/ingest/text", &[], b"x\ny").await;
    let status = world.get("/api/v1/status").await.json();
    let of = |what: &str| status[what]["logs"].as_u64().unwrap();
    assert_eq!(of("received"), of("stored") + of("duplicate") + of("rejected") + of("dropped"), "{status}");
    assert!(of("duplicate") >= 1 && of("rejected") >= 1 && of("stored") >= 4, "{status}");
    assert!(status["last_received"].is_string() && status["ready"] == true, "{status}");
    assert_eq!(status["listeners"][0]["setting"], "listen.http");
    let metrics = world.get("/metrics").await.text();
    let sum = |name: &str| -> f64 {
        let samples = metrics.lines().filter(|line| line.starts_with(name));
        samples.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    };
    assert_eq!(sum("clewline_records_received_total"), of("received") as f64);
    assert_eq!(sum("clewline_records_stored_total"), of("stored") as f64);
    assert!(sum("clewline_wal_fsyncs_total") >= 3.0 && sum("process_resident_memory_bytes") > 1e6);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_that_is_refused_is_counted() {
    let world = World::new().await;
    world.post("/v1/logs", &[("Content-Type", "application/x-protobuf")], b"\xff").await;
    world.post("/v1/logs", &[], b"").await;
    let metrics = world.get("/metrics").await.text();
    for reason in ["malformed", "unknown_content_type"] {
        let sample = format!("clewline_ingest_requests_refused_total{{door=\"otlp_http\",reason=\"{reason}\"}} 1");
        assert!(metrics.contains(&sample), "{metrics}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_tells_how_it_is() {
    let world = World::new().await;
    for port in ["http", "otlp_http", "otlp_grpc"] {
        assert_eq!(world.ask_at(port, "GET", "/health", &[], b"").await.status, 200);
    }
    for _ in 0..100 {
        if world.get("/ready").await.status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(world.get("/ready").await.json()["ready"], true);
    assert_eq!(world.get("/version").await.json()["name"], "clewline");
    assert!(world.get("/api/openapi.json").await.json()["paths"].is_object());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_names_the_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let env = clewline_env::Env::system();
    let store = clewline_store::Store::open(env.clone(), clewline_store::StoreSettings::new(folder.path())).unwrap();
    let settings = clewline_query::EngineSettings {
        memory_bytes_per_query: 1 << 20,
        timeout: std::time::Duration::from_secs(1),
        concurrent_max: 1,
        threads: 1,
    };
    let engine = clewline_query::Engine::new(store.clone(), env.clock.clone(), settings).unwrap();
    let settings = clewline_server::ServerSettings {
        http: String::new(),
        otlp_grpc: address.to_string(),
        ..clewline_server::ServerSettings::default()
    };
    let error = clewline_server::Server::start(env, store, engine.into(), settings).await.unwrap_err().to_string();
    assert!(error.contains("listen.otlp_grpc") && error.contains(&address.port().to_string()), "{error}");
}
