//! What is stored where, where the bytes go, and deletion by query.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{Reply, World};

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

/// 300 logs: user ids 0 to 9, three templates, a long rare attribute on some.
async fn filled(world: &World) {
    let line = |n: usize| {
        let rare = if n.is_multiple_of(100) { format!(",\"rare.{n}\":\"{}\"", "x".repeat(50)) } else { String::new() };
        format!(
            "{{\"time\":{},\"message\":\"template {} took {n} ms\",\"service\":\"s\",\"user.id\":{}{rare}}}\n",
            1_700_000_000 + n,
            ["one", "two", "three"][n % 3],
            n % 10
        )
    };
    let body: String = (0..300).map(line).collect();
    let reply = world.post("/api/v1/ingest/jsonl", &[], body.as_bytes()).await;
    assert_eq!(reply.json()["accepted"], 300, "{reply:?}");
}

async fn flush(world: &World) {
    let store = std::sync::Arc::clone(&world.store);
    tokio::task::spawn_blocking(move || store.flush().unwrap()).await.unwrap();
}

async fn delete(world: &World, body: Value) -> Reply {
    world.post("/api/v1/delete", &JSON, body.to_string().as_bytes()).await
}

/// Waits until all jobs are done; the newest.
async fn done(world: &World) -> Value {
    for _ in 0..400 {
        let jobs = world.get("/api/v1/delete").await.json()["jobs"].clone();
        if jobs.as_array().unwrap().iter().all(|job| job["state"] == "done") {
            return jobs[0].clone();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("jobs are not done: {}", world.get("/api/v1/delete").await.text());
}

async fn count(world: &World, query: &str) -> usize {
    world.search(&format!("q={query}")).await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_records_are_gone_and_others_are_not_touched() {
    let world = World::new().await;
    filled(&world).await;
    flush(&world).await;
    let more = world.post("/api/v1/ingest/jsonl", &[], b"{\"message\":\"m\",\"user.id\":4,\"time\":1700000000}").await;
    assert_eq!(more.json()["accepted"], 1);
    assert_eq!(count(&world, "user.id:=4").await, 31);
    let wish = json!({ "signal": "logs", "query": "user.id:=4", "dry_run": true });
    let rehearsed = delete(&world, wish).await;
    assert_eq!((rehearsed.status, rehearsed.json()), (200, json!({ "dry_run": true, "matched": 31 })));
    assert_eq!(count(&world, "user.id:=4").await, 31);
    let begun = delete(&world, json!({ "signal": "logs", "query": "user.id:=4" })).await;
    assert_eq!((begun.status, begun.json()["matched"].as_u64()), (202, Some(31)), "{begun:?}");
    let later =
        world.post("/api/v1/ingest/jsonl", &[], b"{\"message\":\"later\",\"user.id\":4,\"time\":1700000001}").await;
    assert_eq!(later.json()["accepted"], 1);
    let job = done(&world).await;
    assert_eq!((&job["deleted"], &job["matched"], &job["error"]), (&31.into(), &31.into(), &Value::Null), "{job}");
    assert_eq!((count(&world, "user.id:=4").await, count(&world, "*").await), (1, 271));
    for _ in 0..200 {
        if world.removed_but_open().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(world.removed_but_open().is_empty(), "an open file keeps deleted records on the disk");
    // A window of time, and everything in it.
    let window = json!({ "signal": "logs", "query": "*", "start": 1_700_000_000, "end": 1_700_000_010 });
    delete(&world, window).await;
    assert_eq!(done(&world).await["deleted"], 10, "ten seconds without user 4, and the later one");
    let metrics = world.get("/metrics").await.text();
    assert!(metrics.contains("clewline_records_deleted_total 41\n"), "{metrics}");
    let status = world.get("/api/v1/status").await.json();
    assert_eq!(
        status["received"]["logs"],
        status["stored"]["logs"].as_u64().unwrap() + status["duplicate"]["logs"].as_u64().unwrap()
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_clearly_a_wish_to_delete_deletes_nothing() {
    let world = World::new().await;
    filled(&world).await;
    for (body, status, code) in [
        (json!({ "signal": "logs" }), 400, "bad_parameter"),
        (json!({ "query": "*" }), 400, "bad_parameter"),
        (json!({ "signal": "logs", "query": "* | limit 1" }), 400, "bad_query"),
        (json!({ "signal": "logs", "query": "a:(" }), 400, "bad_query"),
        (json!({ "signal": "logs", "query": "*", "dry_run": "maybe" }), 400, "bad_parameter"),
        (json!({ "signal": "logs", "query": "*", "start": "soon" }), 400, "bad_parameter"),
    ] {
        let reply = delete(&world, body.clone()).await;
        assert_eq!((reply.status, reply.json()["code"].as_str()), (status, Some(code)), "{body}: {reply:?}");
    }
    // What a form on another web page could send.
    for kind in ["application/x-www-form-urlencoded", "text/plain", ""] {
        let reply =
            world.post("/api/v1/delete?signal=logs&query=*", &[("Content-Type", kind)], b"signal=logs&query=*").await;
        assert_eq!(reply.status, 415, "{kind}");
        let reply = world.post("/api/v1/storage/compaction", &[("Content-Type", kind)], b"action=pause").await;
        assert_eq!(reply.status, 415, "{kind}");
    }
    let reply = world.post("/api/v1/delete?signal=logs&query=*", &JSON, b"{}").await;
    assert_eq!(reply.status, 400, "the address does not count");
    let nobody = [JSON[0], ("X-Scope-OrgID", "nobody")];
    let reply = world.post("/api/v1/delete", &nobody, br#"{"signal":"logs","query":"*"}"#).await;
    assert_eq!((reply.status, reply.json()["code"].as_str()), (400, Some("refused")));
    assert_eq!(world.get("/api/v1/delete").await.json(), json!({ "jobs": [] }));
    assert_eq!(count(&world, "*").await, 300);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_delete_only_their_own() {
    let world = World::new().await;
    let acme = [JSON[0], ("X-Scope-OrgID", "acme")];
    for headers in [&JSON[..], &acme[..]] {
        world.post("/api/v1/ingest/jsonl", headers, b"{\"message\":\"secret\",\"time\":1700000000}").await;
    }
    world.post("/api/v1/delete", &acme, br#"{"signal":"logs","query":"secret"}"#).await;
    for _ in 0..200 {
        let jobs = world.ask_at("http", "GET", "/api/v1/delete", &acme[1..], b"").await.json();
        if jobs["jobs"][0]["state"] == "done" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(world.search_as("acme", "").await.len(), 0);
    assert_eq!(world.search("").await.len(), 1);
    assert_eq!(world.get("/api/v1/delete").await.json(), json!({ "jobs": [] }), "nor see each other's jobs");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_is_shown_and_merging_paused() {
    let world = World::with_store(
        |_| {},
        |store| {
            let bounds = store.retention.signal_mut("logs").unwrap();
            bounds.bytes_max = Some(1 << 30);
            store.retention.tenant_mut("acme", "logs").unwrap().age = Some(Some(Duration::from_secs(86_400)));
        },
    )
    .await;
    filled(&world).await;
    flush(&world).await;
    let storage = world.get("/api/v1/storage").await.json();
    let table = &storage["tables"][0];
    assert_eq!((&table["tenant"], &table["signal"], &table["rows"]), (&"default".into(), &"logs".into(), &300.into()));
    assert_eq!(table["retention"], json!({ "age_s": null, "bytes_max": 1 << 30 }));
    assert_eq!(
        (&table["partitions"][0]["day"], &table["partitions"][0]["levels"][0]),
        (&"2023-11-14".into(), &1.into())
    );
    assert_eq!(storage["written"]["amplification"], 1.0);
    assert_eq!(storage["compaction"]["state"], "running");
    let paused = world.post("/api/v1/storage/compaction", &JSON, br#"{"action":"pause"}"#).await;
    assert_eq!(paused.json(), json!({ "compaction": "paused" }));
    assert_eq!(world.get("/api/v1/storage").await.json()["compaction"]["state"], "paused");
    assert!(world.get("/metrics").await.text().contains("clewline_compaction_paused 1\n"));
    let resumed = world.post("/api/v1/storage/compaction", &JSON, br#"{"action":"resume"}"#).await;
    assert_eq!(resumed.json(), json!({ "compaction": "running" }));
    assert_eq!(world.post("/api/v1/storage/compaction", &JSON, br#"{"action":"stop"}"#).await.status, 400);
    let acme = world.ask_at("http", "GET", "/api/v1/storage", &[("X-Scope-OrgID", "acme")], b"").await.json();
    assert_eq!(acme["tables"], json!([]), "a tenant sees only its own");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_add_up() {
    let world = World::new().await;
    filled(&world).await;
    flush(&world).await;
    let document = world.get("/api/v1/bytes?signal=logs&top=1000").await.json();
    let report = &document["signals"][0];
    assert_eq!((&report["signal"], &report["rows"], &report["segments"]), (&"logs".into(), &300.into(), &1.into()));
    let columns = report["columns"].as_array().unwrap();
    let sum = |member: &str| columns.iter().map(|column| column[member].as_u64().unwrap()).sum::<u64>();
    let number = |member: &str| report[member].as_u64().unwrap();
    assert_eq!(sum("raw_bytes"), number("raw_bytes"));
    assert_eq!(sum("stored_bytes") + number("overhead_bytes"), number("stored_bytes"));
    let named =
        |name: &str| columns.iter().find(|column| column["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"));
    let bodies: usize =
        (0..300).map(|n| format!("template {} took {n} ms", ["one", "two", "three"][n % 3]).len()).sum();
    assert_eq!(
        (named("body")["raw_bytes"].as_u64(), named("body")["values"].as_u64()),
        (Some(bodies as u64), Some(300))
    );
    assert_eq!((named("time")["raw_bytes"].as_u64(), named("trace_id")["raw_bytes"].as_u64()), (Some(2_400), Some(0)));
    assert!(named("body")["floor_bytes"].as_u64().unwrap() > 0 && named("body")["efficiency"].as_f64().unwrap() > 0.0);
    let attributes = report["attributes"].as_array().unwrap();
    let attribute =
        |name: &str| attributes.iter().find(|a| a["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"));
    assert_eq!((&attribute("user.id")["raw_bytes"], &attribute("user.id")["column"]), (&2_400.into(), &true.into()));
    // `"rare.100":"xx…",`: a name of 8, a value of 52 with its quotes, 4 signs.
    let rare = attribute("rare.100");
    assert_eq!(rare["column"], false, "one row in 300 gets no column");
    assert!((55..=70).contains(&rare["raw_bytes"].as_u64().unwrap()), "{rare}");
    let templates = report["templates"].as_array().unwrap();
    assert_eq!((templates.len(), &templates[0]["rows"], &report["template_rows"]), (3, &100.into(), &300.into()));
    assert!(templates[0]["text"].as_str().unwrap().starts_with("template t"), "{templates:?}");
    let shares: f64 = templates.iter().map(|template| template["share"].as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 1e-9);
    let all = world.get("/api/v1/bytes?top=2").await.json();
    assert_eq!(
        (all["signals"].as_array().unwrap().len(), all["signals"][0]["columns"].as_array().unwrap().len()),
        (3, 2)
    );
    assert_eq!(world.get("/api/v1/bytes?tenant=nobody&signal=logs").await.json()["signals"][0]["rows"], 0);
    assert_eq!(world.get("/api/v1/bytes?signal=x").await.status, 400);
    assert_eq!(world.get("/api/v1/bytes?tenant=a/b").await.status, 400);
    world.stop().await;
}
