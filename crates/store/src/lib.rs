//! Durable storage: write-ahead log, memtable, flush, catalog, compaction and retention.
//!
//! Reason to exist: it quarantines SQLite and owns every promise about durability. A batch is acknowledged when it is
//! on stable storage; it is visible from then on and stored exactly once whatever stops the process.
//! Reading order: [`store`] is the public face; `queue` and `writer` commit groups to `wal`; `state` is what snapshots
//! see; `flush` turns generations into segments through `catalog`; `recover` starts from what a crash left;
//! `maintain` merges and deletes, within the days of `partition`; `index` keeps the files that make queries fast;
//! [`deletion`] is deletion by query; [`retention`] says what is kept; `fuse` guards deletion against clocks that jump;
//! [`ledger`] accounts for every
//! record; [`limits`] names every bound. Decisions: docs/adr/0003-write-ahead-log.md.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests may stop and touch real files")
)]

mod background;
mod catalog;
mod core;
mod dedupe;
pub mod deletion;
pub mod entry;
pub mod error;
mod flush;
mod fuse;
mod index;
mod layout;
pub mod ledger;
pub mod limits;
mod maintain;
mod partition;
mod queue;
mod recover;
pub mod retention;
pub mod settings;
mod state;
pub mod statistics;
pub mod storage;
pub mod store;
mod wal;
mod writer;

pub use deletion::{DeleteJob, DeleteRequest, Selection};
pub use entry::SegmentEntry;
pub use error::{IngestError, StoreError};
pub use ledger::Ledger;
pub use settings::StoreSettings;
pub use statistics::Statistics;
pub use store::{Ack, Committed, Ingest, Pause, ReplayProgress, Snapshot, Store};

#[cfg(test)]
mod tests;
