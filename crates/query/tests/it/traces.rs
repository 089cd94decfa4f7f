//! Traces, services and tail.

use std::sync::Arc;

use clewline_model::signal::Signal;
use clewline_segment::Part;

use crate::fixture::{Fixture, PLACES, Place, SECOND, T0};

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_a_tree_with_its_logs() {
    for place in PLACES {
        let f = Fixture::filled(place).await;
        let trace = f.engine.trace("default", [1; 16]).await.unwrap().unwrap();
        assert_eq!((trace.span_count, trace.error_count, trace.logs.len()), (5, 1, 3), "{place:?}");
        assert_eq!(trace.spans[0]["depth"], 0);
        assert_eq!(trace.spans[4]["depth"], 1);
        assert_eq!(trace.spans[1]["attributes"]["http.route"], "/cart");
        assert_eq!(trace.spans[0]["events"][0]["offset_ns"], 1);
        assert_eq!(trace.duration_ns, 9_000_000);
        assert!(trace.problems.is_empty());
        assert!(f.engine.trace("default", [200; 16]).await.unwrap().is_none());
        assert!(f.engine.trace("other", [1; 16]).await.unwrap().is_none_or(|t| t.span_count == 0));
        let parts = f.engine.trace_parts("default", [1; 16]).await.unwrap();
        assert_eq!(parts.iter().map(Part::rows).sum::<usize>(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_have_rate_errors_and_durations() {
    for place in PLACES {
        let f = Fixture::filled(place).await;
        let (_, _, services) = f.engine.services("default", Some(T0), Some(T0 + 100 * SECOND)).await.unwrap();
        let of = |name: &str| services.iter().find(|s| s.service == name).unwrap();
        let (db, shop, cart) = (of("db"), of("shop"), of("cart"));
        assert_eq!((db.spans, db.errors, shop.spans, cart.spans), (160, 5, 40, 0), "{place:?}");
        assert_eq!((shop.logs, cart.log_errors), (100, 20));
        assert_eq!(db.sparkline.spans.iter().sum::<u64>(), 160);
        assert_eq!(db.sparkline.errors.iter().sum::<u64>(), 5);
        assert!((db.p50_ms.unwrap() - 3.5).abs() < 0.6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_sees_what_search_would_find() {
    let f = Fixture::filled(Place::Memory).await;
    let mut parts = f.store.snapshot("default", Signal::Logs).unwrap().parts;
    let part = parts.remove(0);
    let filter = f.engine.tail(Signal::Logs, "order http.method:GET").unwrap();
    let rows = filter.matching(&part).unwrap().unwrap();
    let expected = f.search(Signal::Logs, &format!("order http.method:GET n:<{}", part.rows())).await.len();
    assert_eq!(rows.num_rows(), expected);
    assert!(f.engine.tail(Signal::Spans, "").unwrap().matching(&part).unwrap().is_none());
    assert!(f.engine.tail(Signal::Logs, "* | stats count()").is_err());
    let empty = Part::new(Arc::new(clewline_model::batch::Batch::new(Signal::Logs)), 1);
    assert!(filter.matching(&empty).unwrap().is_none());
}
