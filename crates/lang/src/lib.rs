//! The search language: text → syntax tree, with errors that point at the column and suggest.
//!
//! Pure code: no clock, no files, no async, no dependencies. The words are those of VictoriaLogs LogsQL wherever it has
//! one; `docs/search-language.md` is the user's reference. A query is a filter and then pipes:
//!
//! ```text
//! level:error "connection refused" -service:test _time:1h | stats by (service) count() as n | sort by (n desc)
//! ```
//!
//! Invariants: [`parse`] never panics and never recurses deeper than [`limits::DEPTH_MAX`]; the text printed by
//! `Display` for a [`Query`] made by [`parse`] parses to the same tree again.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod ast;
mod bounds;
mod error;
mod filter;
pub mod limits;
mod parser;
mod pipe;
mod print;
mod scalar;
mod suggest;
#[cfg(test)]
mod tests;
mod time;
mod words;

pub use ast::{Bound, CompareOp, Filter, Query, Scalar, Test, TimePoint, TimeRange};
pub use bounds::time_bounds;
pub use error::ParseError;
pub use parser::{parse, parse_checked, parse_filter};
pub use pipe::{Aggregate, Bucket, Function, GroupKey, Pipe, SortKey, Stats, Top, Uniq};
pub use scalar::{format_duration, parse_duration, parse_scalar};
pub use time::{format_time, parse_time, parse_time_end};
pub use words::{WordKind, WordMatcher, fold, is_cjk, is_word_char, matches_word, required_tokens, tokens};
