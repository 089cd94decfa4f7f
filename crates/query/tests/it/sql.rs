//! SQL: names nobody declared, and refusal of everything that is not a question.

use clewline_query::QueryErrorKind;

use crate::fixture::{Fixture, PLACES, Place};

#[tokio::test(flavor = "multi_thread")]
async fn any_attribute_can_be_named() {
    for place in PLACES {
        let f = Fixture::filled(place).await;
        for (text, expect) in [
            ("SELECT count(*) FROM logs", vec!["1000"]),
            (
                "SELECT service, count(*) AS n FROM logs GROUP BY service ORDER BY n DESC, service",
                vec!["cart|500", "shop|500"],
            ),
            (
                "SELECT http.method AS m, count(*) FROM logs GROUP BY http.method ORDER BY m",
                vec!["GET|334", "POST|666"],
            ),
            ("SELECT count(*) FROM logs WHERE \"http.method\" = 'GET'", vec!["334"]),
            ("SELECT count(*) FROM logs l WHERE l.http.method = 'GET' AND l.n < 30", vec!["10"]),
            ("SELECT sum(n), max(latency) FROM logs", vec!["499500|499.5"]),
            ("SELECT count(*) FROM logs WHERE body LIKE '%refused%'", vec!["250"]),
            ("SELECT count(*) FROM logs WHERE body ILIKE '%ORDER%' AND ok", vec!["250"]),
            ("SELECT count(nobody.sent.this) FROM logs", vec!["0"]),
            ("SELECT count(DISTINCT trace_id) FROM spans", vec!["40"]),
            ("SELECT count(*) FROM spans WHERE trace_id = '01010101010101010101010101010101'", vec!["5"]),
            (
                "SELECT count(*) FROM logs WHERE time >= '2026-05-28T20:26:40Z' AND time < '2026-05-28T20:26:50Z'",
                vec!["20"],
            ),
            (
                "SELECT s.name, count(*) AS c FROM spans s JOIN logs l ON s.trace_id = l.trace_id \
                 WHERE l.level = 'info' GROUP BY s.name ORDER BY c",
                vec!["GET /cart|100", "SELECT|400"],
            ),
            (
                "WITH t AS (SELECT service AS who, duration_ns / 1000000 AS ms FROM spans) SELECT who, max(ms) FROM t GROUP BY who ORDER BY who",
                vec!["db|5", "shop|1"],
            ),
            ("SELECT count(*) FROM logs WHERE mixed = 'four'", vec!["250"]),
            ("SELECT count(*) FROM logs WHERE resource.host.arch = 'amd64'", vec!["1000"]),
            ("SELECT count(*) FROM metrics", vec!["0"]),
        ] {
            assert_eq!(f.sql(text).await.unwrap_or_else(|e| vec![e.to_string()]), expect, "{text} in {place:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_conditions_agree_with_the_engine() {
    for place in PLACES {
        let f = Fixture::filled(place).await;
        for condition in [
            "n > 500",
            "n >= 500 AND n <= 510",
            "500 < n",
            "latency < 3.5",
            "n IN (1, 2, 999)",
            "service = 'shop' OR level = 'error'",
            "rare.key IS NOT NULL",
            "body LIKE 'Order%user 7_'",
            "body LIKE '%\\%%'",
            "service <> 'shop'",
            "NOT (n > 500)",
            "rare.key <> 'x'",
            "mixed > '5'",
        ] {
            let pushed = f.sql(&format!("SELECT count(*) FROM logs WHERE {condition}")).await.unwrap();
            // `random() >= 0` cannot be pushed, and under OR nothing beside it can.
            let plain = format!("SELECT count(*) FROM logs WHERE ({condition}) AND random() >= 0 OR random() < 0");
            assert_eq!(pushed, f.sql(&plain).await.unwrap(), "{condition} in {place:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_leave_the_unknown_unknown() {
    // `rare.key` is null in 996 of 1,000 records: none of them is in a list, or not in one.
    for place in PLACES {
        let f = Fixture::filled(place).await;
        for (condition, expect) in [
            ("rare.key NOT IN ('a', 'b') OR rare.key NOT IN ('c', 'd')", "4"),
            ("rare.key NOT IN ('a') OR rare.key NOT IN ('c')", "4"),
            ("NOT (rare.key IN ('a', 'b') AND rare.key IN ('c', 'd'))", "4"),
            ("rare.key IN ('needle-in-haystack', 'b')", "4"),
            ("NOT (rare.key NOT IN ('a', 'b'))", "0"),
            ("rare.key NOT IN ('a', 'b') OR rare.key IS NULL", "1000"),
        ] {
            let counted = f.sql(&format!("SELECT count(*) FROM logs WHERE {condition}")).await.unwrap();
            assert_eq!(counted, [expect], "{condition} in {place:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_sql_is_refused_with_advice() {
    let f = Fixture::filled(Place::Memory).await;
    for (text, part) in [
        ("", "empty"),
        ("SELEC 1", "SELEC"),
        ("SELECT bodyy FROM logs", "`body`"),
        ("SELECT http.methid FROM logs", "`http.method`"),
        ("SELECT 1; SELECT 2", "one by one"),
        ("CREATE TABLE x (a INT)", "only questions"),
        ("INSERT INTO logs VALUES (1)", "only questions"),
        ("COPY logs TO '/tmp/x'", "only questions"),
        ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'", "only questions"),
        ("SET datafusion.execution.batch_size = 1", "only questions"),
        ("SELECT * FROM nowhere", "nowhere"),
    ] {
        let error = f.engine.sql("default", text).await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind, QueryErrorKind::BadQuery, "{text}: {error}");
        let all = format!("{} {:?}", error.message, error.hint);
        assert!(all.contains(part), "{text}: {all}");
    }
    let error = f.engine.sql("default", "SELECT body FROM logs WHERE\n  bodyy = 'x'").await.map(|_| ()).unwrap_err();
    assert_eq!(error.position, Some((30, 3)));
    for hostile in [
        format!("SELECT 1{}", "+1".repeat(4_000)),
        format!("SELECT count(*) FROM logs WHERE n = 1{}", " OR n = 2".repeat(2_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(2_000)),
        format!("SELECT '1'{}", "::int".repeat(4_000)),
        format!("SELECT 1{}", "+1".repeat(30_000)),
        format!("SELECT replace(body, 'a', '{}') FROM logs", "x".repeat(5_000)),
        "SELECT repeat('x', 2000000000)".into(),
        "SELECT lpad('x', 2000000000)".into(),
    ] {
        // Answered or refused; the process lives.
        let _ = f.sql(&hostile).await;
    }
    let deep = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(f.engine.sql("default", &deep).await.is_err());
}
