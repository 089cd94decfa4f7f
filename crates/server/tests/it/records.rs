//! JSON lines and text over HTTP.

use crate::world::{World, gzip};

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_are_named_and_good_ones_kept() {
    let world = World::new().await;
    let body = "{\"message\":\"one\",\"n\":1}\nnot json\n\n{\"message\":\"two\"}\n{\"message\":";
    let reply = world.post("/api/v1/ingest/jsonl?service=web", &[], body.as_bytes()).await;
    let answer = reply.json();
    assert_eq!((reply.status, &answer["accepted"], &answer["rejected"]), (200, &2.into(), &2.into()), "{reply:?}");
    assert_eq!(answer["errors"][0]["line"], 2);
    assert_eq!(answer["errors"][1]["line"], 5);
    let rows = world.search("q=service:web").await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["attributes"]["n"], 1);
    assert_eq!(rows[0]["node"], "127.0.0.1");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_are_removed_only_where_records_carry_their_time() {
    let world = World::new().await;
    let timed = b"{\"time\":\"2026-11-24T02:00:00Z\",\"message\":\"timed\"}";
    let untimed = b"{\"message\":\"untimed\"}";
    for _ in 0..2 {
        for body in [&timed[..], untimed] {
            assert_eq!(world.post("/api/v1/ingest/jsonl", &[], body).await.json()["accepted"], 1);
        }
        assert_eq!(world.post("/api/v1/ingest/text", &[], b"plain").await.json()["accepted"], 1);
    }
    assert_eq!(world.search("q=timed").await.len(), 1);
    assert_eq!(world.search("q=untimed").await.len(), 2);
    assert_eq!(world.search("q=plain").await.len(), 2);
    // A key of the sender removes repeats everywhere.
    let headers = [("Idempotency-Key", "k-1"), ("Content-Encoding", "gzip")];
    for n in 0..3 {
        let reply = world.post("/api/v1/ingest/text", &headers, &gzip(b"keyed")).await;
        assert_eq!(reply.json().get("duplicate").is_some(), n > 0, "{reply:?}");
    }
    assert_eq!(world.search("q=keyed").await.len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_can_be_named() {
    let world = World::new().await;
    let path = "/api/v1/ingest/jsonl?time_field=when&message_field=what&level_field=how&service_field=who";
    let body = br#"{"when":1795485600,"what":"renamed","how":"warn","who":"me"}"#;
    assert_eq!(world.post(path, &[], body).await.status, 200);
    let rows = world.search("q=renamed").await;
    assert_eq!(rows[0]["time"], "2026-11-24T02:00:00Z");
    assert_eq!((rows[0]["level"].as_str(), rows[0]["service"].as_str()), (Some("warn"), Some("me")));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_problems() {
    let world = World::with(|settings| settings.body_bytes_max = 1_000).await;
    for (path, headers, body, status, code) in [
        ("/api/v1/ingest/jsonl", &[][..], &[b'x'; 2_000][..], 413, "too_large"),
        ("/api/v1/ingest/jsonl", &[], b"[{\"a\":1},", 400, "malformed"),
        ("/api/v1/ingest/text", &[("Content-Encoding", "lzma")], b"x", 415, "unknown_encoding"),
        ("/api/v1/ingest/text", &[("X-Scope-OrgID", "")], b"x", 400, "bad_tenant"),
    ] {
        let reply = world.post(path, headers, body).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (status, Some("application/problem+json")),
            "{reply:?}"
        );
        assert_eq!(reply.json()["code"], code);
        assert_eq!(reply.json()["request_id"].as_str(), reply.header("x-request-id"));
    }
    world.stop().await;
}
