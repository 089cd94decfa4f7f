//! Search and SQL over one snapshot of the store.
//!
//! Reason to exist: it quarantines DataFusion; no other crate knows it. Reading order: [`answer`] is what is asked and
//! answered; `engine` holds the threads and limits; `names` finds fields; `filter` decides rows; `source`, `scan` and
//! `columns` read them; `search` and `aggregate` answer without the engine, `pipes` and `sql` with it through `table`;
//! `trace`, `page` and `tail` are the questions the page asks; `erase` finds the rows of delete jobs, `bytes` tells where
//! the bytes go.

mod aggregate;
mod answer;
mod bytes;
mod columns;
mod engine;
mod erase;
mod error;
mod filter;
mod guard;
pub mod limits;
mod names;
mod page;
mod pipes;
mod render;
mod scan;
mod search;
mod source;
mod sql;
mod table;
mod tail;
mod trace;

pub use answer::{
    Answer, FieldInfo, FieldValue, FieldValues, HitGroup, Hits, JSON_KEY, QueryError, QueryErrorKind, QueryStatistics,
    Scoped, SearchRequest, ServiceSummary, Sparkline, Trace, TraceService,
};
pub use bytes::{AttributeBytes, BytesReport, ColumnBytes, TemplateBytes};
pub use engine::{Engine, EngineSettings};
pub use erase::row_test;

pub use tail::TailFilter;
