//! More rows than one row group holds: positions, pruning and pages must not depend on where a row lies.

use clewline_model::attributes::Value;
use clewline_model::batch::{Batch, LogRecord};
use clewline_model::signal::Signal;

use crate::fixture::{Fixture, SECOND, T0, lines, request};

const ROWS: i64 = 300_000;

async fn filled() -> Fixture {
    let f = Fixture::empty();
    for first in (0..ROWS).step_by(20_000) {
        let mut batch = Batch::new(Signal::Logs);
        for n in first..first + 20_000 {
            batch.attribute("n", Value::Int(n));
            let body = format!("event {n} of kind {}", ["alpha", "beta", "gamma"][usize::try_from(n % 3).unwrap()]);
            let service = format!("service-{}", n % 7);
            let mut trace_id = [0u8; 16];
            trace_id[8..].copy_from_slice(&(n / 5 + 1).to_be_bytes());
            // The time runs against the order of arrival.
            let record = LogRecord {
                time: T0 + (ROWS - n) * SECOND,
                service: &service,
                body: &body,
                trace_id,
                ..LogRecord::default()
            };
            batch.push_log(0, 0, &record);
        }
        f.ingest("default", batch).await;
    }
    f.store.flush().unwrap();
    f
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_group_is_read_and_found_again() {
    let f = filled().await;
    assert_eq!(
        f.sql("SELECT count(*), sum(n), count(DISTINCT service) FROM logs").await.unwrap(),
        ["300000|44999850000|7"]
    );
    for n in [0, 1, 131_071, 131_072, 200_000, 299_999] {
        let rows = f.search(Signal::Logs, &format!("n:={n}")).await;
        assert_eq!(rows.len(), 1, "{n}");
        assert!(rows[0].contains(&format!("event {n} of kind")), "{n}: {}", rows[0]);
        let hex = format!("{:032x}", n / 5 + 1);
        assert_eq!(f.search(Signal::Logs, &format!("trace_id:={hex}")).await.len(), 5, "{hex}");
    }
    assert_eq!(f.search(Signal::Logs, "gamma | stats count() as n").await, ["100000"]);
    assert_eq!(f.search(Signal::Logs, "service:=service-3 beta | stats count() as n").await, ["14286"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_page_is_the_newest() {
    let f = filled().await;
    let mut cursor = None;
    let mut expect = 0;
    for _ in 0..3 {
        let page =
            clewline_query::SearchRequest { limit: Some(1_000), cursor: cursor.take(), ..request(Signal::Logs, "") };
        let answer = f.engine.search(page).await.unwrap();
        cursor.clone_from(&answer.cursor);
        for line in lines(answer).await {
            assert!(line.contains(&format!("event {expect} of kind")), "{expect}: {line}");
            expect += 1;
        }
    }
    let oldest = clewline_query::SearchRequest { limit: Some(2), ascending: true, ..request(Signal::Logs, "alpha") };
    let rows = lines(f.engine.search(oldest).await.unwrap()).await;
    assert!(rows[0].contains("event 299997 of kind alpha") && rows[1].contains("event 299994"), "{rows:?}");
}
