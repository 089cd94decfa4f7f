//! The search language, from every place.

use std::collections::BTreeSet;

use clewline_model::signal::Signal;
use clewline_query::{QueryErrorKind, Scoped};

use crate::fixture::{Fixture, PLACES, Place, T0, lines, request};

#[tokio::test(flavor = "multi_thread")]
async fn filters_find_the_same_rows_everywhere() {
    for place in PLACES {
        let f = Fixture::filled(place).await;
        for (query, expect) in [
            ("*", 1000),
            ("", 1000),
            ("order", 250),
            ("ORDER", 250),
            ("orde", 0),
            ("orde*", 250),
            ("\"connection refused\"", 250),
            ("refused connection", 250),
            ("*onnectio*", 250),
            ("支付", 250),
            ("付失", 250),
            ("order OR refused", 500),
            ("order -service:shop", 0),
            ("service:=shop", 500),
            ("service:shop", 500),
            ("service.name:=shop", 500),
            ("level:error", 100),
            ("-level:error", 900),
            ("http.method:GET", 334),
            ("attributes.http.method:GET", 334),
            ("resource.host.arch:amd64", 1000),
            ("host.arch:amd64", 1000),
            ("amd64", 1000),
            ("needle-in-haystack", 4),
            ("rare.key:*", 4),
            ("rare.key:\"\"", 996),
            ("unknown.key:*", 0),
            ("-unknown.key:x", 1000),
            ("n:>=990", 10),
            ("n:=17", 1),
            ("n:range[10, 20)", 10),
            ("latency:<1.5", 3),
            ("ok:true", 500),
            ("mixed:=four", 250),
            ("mixed:=17", 1),
            ("mixed:>=990", 8),
            ("client:ipv4_range(\"10.0.0.0/8\")", 200),
            ("_msg:~\"db-[0-3]\"", 111),
            ("~\"took \\d+ms\"", 250),
            ("trace_id:=01010101010101010101010101010101", 3),
            ("01010101010101010101010101010101", 3),
            ("service:in(shop, cart)", 1000),
            ("(order OR refused) level:error", 50),
            ("!(order OR refused)", 500),
        ] {
            assert_eq!(f.count(query).await, expect, "{query} in {place:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_newest_first_with_all_their_fields() {
    for place in PLACES {
        let f = Fixture::filled(place).await;
        let rows = f.search(Signal::Logs, "n:=17").await;
        assert_eq!(rows.len(), 1);
        for part in
            ["connection refused to db-8", "\"http.method\":\"POST\"", "\"n\":17", "\"latency\":8.5", "\"mixed\":17"]
        {
            assert!(rows[0].contains(part), "{part} in {}", rows[0]);
        }
        let times = f.search(Signal::Logs, "* | fields _time").await;
        assert_eq!(times.len(), 1000);
        assert!(times.is_sorted_by(|a, b| a >= b), "newest first in {place:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_each_row_once_while_data_moves() {
    for ascending in [false, true] {
        let f = Fixture::filled(Place::Both).await;
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = None;
        let mut pages = 0;
        loop {
            let page = clewline_query::SearchRequest {
                limit: Some(37),
                cursor: cursor.take(),
                ascending,
                ..request(Signal::Logs, "-level:error")
            };
            let answer = f.engine.search(page).await.unwrap();
            cursor.clone_from(&answer.cursor);
            seen.extend(lines(answer).await);
            pages += 1;
            if pages == 5 {
                f.store.flush().unwrap();
            }
            if pages == 9 {
                // Later records do not enter a walk that has begun.
                f.ingest("default", clewline_model::batch::Batch::new(Signal::Logs)).await;
            }
            if cursor.is_none() {
                break;
            }
        }
        let distinct: BTreeSet<&String> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (900, 900), "ascending: {ascending}");
        assert_eq!(pages, 25);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pipes_give_the_rows_they_promise() {
    for place in PLACES {
        let f = Fixture::filled(place).await;
        for (query, expect) in [
            ("* | stats by (service) count() as n", vec!["cart|500", "shop|500"]),
            ("* | stats count_uniq(service) as s, sum(n) as t, min(n) as a, max(n) as z", vec!["2|499500|0|999"]),
            ("level:error | top 1 by (service)", vec!["cart|100"]),
            ("* | uniq by (http.method) | sort by (http.method)", vec!["GET", "POST"]),
            ("* | sort by (n desc) | limit 2 | fields n", vec!["999", "998"]),
            ("* | sort by (n) | offset 3 | limit 1 | fields n", vec!["3"]),
            ("* | where n:<3 | stats avg(latency) as a", vec!["0.5"]),
            ("* | stats by (service) count() as n | where n:>600", vec![]),
            ("* | stats by (service) count() as n | where service:cart", vec!["cart|500"]),
            ("n:<4 | stats by (n:2) count() as c", vec!["0.0|2", "2.0|2"]),
        ] {
            assert_eq!(f.search(Signal::Logs, query).await, expect, "{query} in {place:?}");
        }
        let median: f64 = f.search(Signal::Logs, "* | stats median(n) as m").await[0].parse().unwrap();
        assert!((median - 499.5).abs() < 10.0, "{median}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_name_the_place_and_the_remedy() {
    let f = Fixture::filled(Place::Memory).await;
    for (query, part) in [
        ("service:", "no value"),
        ("(a", "("),
        ("* | statz count()", "stats"),
        ("a | fields x | sort by (y)", "`y`"),
        ("n:>abc | stats count()", "number"),
        ("~\"(\"", "regular expression"),
    ] {
        let error = f.engine.search(request(Signal::Logs, query)).await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind, QueryErrorKind::BadQuery, "{query}");
        let text = format!("{} {:?} {:?}", error.message, error.hint, error.position);
        assert!(text.contains(part), "{query}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_never_meet() {
    let f = Fixture::filled(Place::Both).await;
    let mut other = request(Signal::Logs, "*");
    other.tenant = "other".into();
    assert_eq!(lines(f.engine.search(other).await.unwrap()).await.len(), 100);
    let mut nobody = request(Signal::Logs, "*");
    nobody.tenant = "nobody".into();
    assert_eq!(lines(f.engine.search(nobody).await.unwrap()).await.len(), 0);
    let none = f.engine.sql("nobody", "SELECT count(*) FROM spans").await.unwrap();
    assert_eq!(lines(none).await, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_values_and_hits_agree_with_the_rows() {
    for place in PLACES {
        let f = Fixture::filled(place).await;
        let scoped = |query: &str| Scoped {
            tenant: "default".into(),
            signal: Signal::Logs,
            query: query.into(),
            start: None,
            end: None,
        };
        let fields = f.engine.fields(scoped(""), "").await.unwrap();
        let mixed = fields.iter().find(|field| field.name == "mixed").unwrap();
        assert_eq!((mixed.scope, mixed.types.clone()), ("attribute", vec!["string", "int"]));
        assert!(fields.iter().any(|field| field.name == "body" && field.scope == "record"));
        let values = f.engine.values(scoped("level:error"), "http.method", "", 10).await.unwrap();
        let pairs: Vec<(&str, u64)> = values.values.iter().map(|v| (v.value.as_str(), v.count)).collect();
        assert_eq!(pairs, [("POST", 67), ("GET", 33)]);
        let prefixed = f.engine.values(scoped(""), "service", "SH", 10).await.unwrap();
        assert_eq!(prefixed.values.len(), 1);
        let ids = f.engine.values(scoped(""), "trace_id", "0101", 10).await.unwrap();
        assert_eq!((ids.values.len(), ids.values[0].count), (1, 3));
        let hits = f.engine.hits(scoped("order"), Some(100_000_000_000), Some("level")).await.unwrap();
        assert_eq!(hits.total, 250);
        assert_eq!(hits.groups.iter().map(|g| g.counts.iter().sum::<u64>()).sum::<u64>(), 250);
        assert_eq!(hits.start_ns % hits.step_ns, 0);
        let plain =
            f.engine.hits(Scoped { start: Some(T0), end: Some(T0 + 10_000_000_000), ..scoped("") }, None, None).await;
        assert_eq!(plain.unwrap().total, 20);
    }
}
