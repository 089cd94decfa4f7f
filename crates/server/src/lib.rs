//! Listeners, ingest endpoints, query API, live tail and the embedded page.
