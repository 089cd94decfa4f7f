//! The rows of delete jobs: counted and found the same way as a search finds them, wherever they are.

use clewline_model::signal::Signal;
use clewline_query::{QueryErrorKind, row_test};
use clewline_store::Selection;

use crate::fixture::{Fixture, PLACES, Place, SECOND, T0};

fn selection(query: &str) -> Selection {
    Selection { signal: Signal::Logs, query: query.to_owned(), start_ns: None, end_ns: None, now_ns: T0 + 10 * SECOND }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_search_finds_is_what_matches() {
    for place in PLACES {
        let f = Fixture::filled(place).await;
        for query in [
            "*",
            "order",
            "\"connection refused\"",
            "service:=shop",
            "-level:error",
            "http.method:GET",
            "host.arch:amd64",
            "amd64",
            "rare.key:*",
            "rare.key:\"\"",
            "order OR refused",
            "nowhere.at.all:x",
        ] {
            let found = f.search(Signal::Logs, query).await.len() as u64;
            let matching = f.engine.matching("default", &selection(query)).await.unwrap();
            assert_eq!(matching, found, "{place:?}: {query}");
        }
        let nothing = Selection { start_ns: Some(i64::MAX - 1), ..selection("*") };
        assert_eq!(f.engine.matching("default", &nothing).await.unwrap(), 0);
        assert_eq!(f.engine.matching("nobody", &selection("*")).await.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_those_of_the_file() {
    let f = Fixture::filled(Place::Segments).await;
    let snapshot = f.store.snapshot("default", Signal::Logs).unwrap();
    let test = row_test(&selection("level:error")).unwrap();
    let mut found = 0;
    for entry in &snapshot.segments {
        let rows = test(entry).unwrap();
        assert!(rows.is_sorted());
        let parts = clewline_segment::read_parts(entry.read().unwrap(), Signal::Logs).unwrap();
        let level = clewline_model::signal::log::LEVEL;
        let levels = parts.iter().flat_map(|part| (0..part.rows()).map(|row| part.batch.columns[level].text(row)));
        let expect: Vec<usize> = levels.enumerate().filter(|(_, level)| *level == "error").map(|(at, _)| at).collect();
        assert_eq!(rows, expect);
        found += rows.len();
    }
    assert_eq!(found, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_filters_select() {
    let f = Fixture::empty();
    let error = f.engine.matching("default", &selection("* | limit 1")).await.unwrap_err();
    assert!(error.kind == QueryErrorKind::BadQuery && error.message.contains("without pipes"), "{error:?}");
    assert!(row_test(&selection("* | limit 1")).is_err() && row_test(&selection("a:(")).is_err());
}
