//! Questions: paging, formats, errors.

use crate::world::World;

async fn filled() -> World {
    let world = World::new().await;
    let body: String = (0..250)
        .map(|n| {
            format!(
                "{{\"time\":{},\"level\":\"{}\",\"message\":\"row {n}\",\"service\":\"s{}\",\"n\":{n}}}\n",
                1_795_485_600 + n,
                if n % 10 == 0 { "error" } else { "info" },
                n % 3
            )
        })
        .collect();
    let reply = world.post("/api/v1/ingest/jsonl", &[], body.as_bytes()).await;
    assert_eq!(reply.json()["accepted"], 250, "{reply:?}");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_gap_or_overlap() {
    let world = filled().await;
    for order in ["desc", "asc"] {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let reply = world.get(&format!("/api/v1/search?limit=100&order={order}{cursor}")).await;
            assert_eq!(reply.status, 200, "{reply:?}");
            seen.extend(reply.lines().iter().map(|row| row["attributes"]["n"].as_u64().unwrap()));
            pages += 1;
            let Some(next) = reply.header("x-clewline-cursor") else { break };
            cursor = format!("&cursor={next}");
        }
        let mut expect: Vec<u64> = (0..250).collect();
        if order == "desc" {
            expect.reverse();
        }
        assert_eq!((seen, pages), (expect, 3));
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_says_the_same() {
    let world = filled().await;
    let query = "/api/v1/search?q=level:error&limit=100";
    assert_eq!(world.get(query).await.lines().len(), 25);
    let document = world.get(&format!("{query}&format=json")).await.json();
    assert_eq!((document["rows"].as_array().unwrap().len(), &document["cursor"]), (25, &serde_json::Value::Null));
    assert_eq!((&document["stats"]["rows"], &document["stats"]["complete"]), (&25.into(), &true.into()));
    let csv = world.get("/api/v1/sql?q=select%20body%2C%20level%20from%20logs%20order%20by%20time&format=csv").await;
    assert!(csv.text().starts_with("body,level\r\nrow 0,error\r\nrow 1,info\r\n"), "{}", csv.text());
    let arrow = world.get(&format!("{query}&format=arrow")).await;
    let reader = arrow::ipc::reader::StreamReader::try_new(&arrow.body[..], None).unwrap();
    assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 25);
    let parquet = world.get(&format!("{query}&format=parquet")).await;
    let bytes = bytes::Bytes::from(parquet.body);
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 25);
    let piped = world.get("/api/v1/search?q=*%20%7C%20stats%20by%20(service)%20count()%20as%20n").await;
    assert_eq!(piped.lines().len(), 3);
    assert_eq!(piped.header("x-clewline-cursor"), None);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_can_be_sent_in_every_way() {
    let world = filled().await;
    let count = "select count(*) as n from logs";
    let form = "q=select+count(*)+as+n+from+logs&format=ndjson";
    for (kind, body) in [
        ("text/plain", count),
        ("application/json", r#"{"q":"select count(*) as n from logs"}"#),
        ("application/x-www-form-urlencoded", form),
    ] {
        let reply = world.post("/api/v1/sql", &[("Content-Type", kind)], body.as_bytes()).await;
        assert_eq!(reply.lines(), [serde_json::json!({"n": 250})], "{kind}");
    }
    let reply = world
        .post("/api/v1/search", &[("Content-Type", "application/json")], br#"{"q":"level:error","limit":5}"#)
        .await;
    assert_eq!(reply.lines().len(), 5);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_explained() {
    let world = filled().await;
    for (path, status, code) in [
        ("/api/v1/search?q=error%20%7C%20sats", 400, "bad_query"),
        ("/api/v1/search?signal=blogs", 400, "bad_parameter"),
        ("/api/v1/search?start=yesterdayish", 400, "bad_parameter"),
        ("/api/v1/search?limit=many", 400, "bad_parameter"),
        ("/api/v1/search?order=up", 400, "bad_parameter"),
        ("/api/v1/search?format=xml", 400, "bad_parameter"),
        ("/api/v1/search?cursor=zzz", 400, "bad_query"),
        ("/api/v1/sql", 400, "bad_query"),
        ("/api/v1/sql?q=selec", 400, "bad_query"),
        ("/api/v1/sql?q=delete%20from%20logs", 400, "bad_query"),
        ("/api/v1/hits?step=-1", 400, "bad_parameter"),
        ("/api/v1/traces/xyz", 400, "bad_trace_id"),
        ("/api/v1/traces/0123456789abcdef0123456789abcdef", 404, "unknown_trace"),
        ("/api/v1/traces/0123456789abcdef0123456789abcdef?format=otlp", 404, "unknown_trace"),
        ("/api/v1/fields/%ff%fe/values", 400, "bad_request"),
        ("/api/v1/nothing", 404, "unknown_path"),
    ] {
        let reply = world.get(path).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (status, Some("application/problem+json")),
            "{path}: {reply:?}"
        );
        assert_eq!(reply.json()["code"], code, "{path}");
        assert!(!reply.json()["message"].as_str().unwrap().is_empty(), "{path}");
    }
    let problem = world.get("/api/v1/search?q=error%20%7C%20sats").await.json();
    assert_eq!((&problem["position"]["column"], problem["hint"].as_str()), (&9.into(), Some("did you mean `stats`?")));
    let reply = world.ask_at("http", "DELETE", "/api/v1/search", &[], b"").await;
    assert_eq!((reply.status, reply.json()["code"].as_str()), (405, Some("method_not_allowed")));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_questions_have_their_shape() {
    let world = filled().await;
    let hits = world.get("/api/v1/hits?by=level&step=1m").await.json();
    assert_eq!((&hits["total"], &hits["step_ns"]), (&250.into(), &60_000_000_000u64.into()));
    assert_eq!(hits["groups"][0]["counts"].as_array().unwrap().len() as u64, hits["buckets"].as_u64().unwrap());
    let values = world.get("/api/v1/fields/service/values?limit=2").await.json();
    assert_eq!((values["values"].as_array().unwrap().len(), &values["complete"]), (2, &false.into()));
    let fields = world.get("/api/v1/fields?prefix=le").await.json();
    assert_eq!(fields["fields"][0]["name"], "level");
    let services = world.get("/api/v1/services?start=2026-11-24&end=2026-11-24").await.json();
    assert_eq!(services["services"].as_array().unwrap().len(), 3);
    world.stop().await;
}
