//! Pipes: the steps rows go through after the filter. One file each, and one line in [`PIPES`].

mod fields;
mod filter;
mod limit;
mod list;
mod offset;
mod sort;
mod stats;
mod top;
mod uniq;

use std::collections::BTreeSet;
use std::fmt;

use crate::ast::Filter;
use crate::error::ParseError;
use crate::limits::PIPES_MAX;
use crate::parser::Parser;

pub use sort::SortKey;
pub use stats::{Aggregate, Bucket, Function, GroupKey, Stats};
pub use top::Top;
pub use uniq::Uniq;

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub enum Pipe {
    /// `fields a, b`: keep these columns, in this order. Never empty.
    Fields(Vec<String>),
    /// `sort by (a desc, b)`: order the rows by the first key, ties by the next. Never empty.
    Sort(Vec<SortKey>),
    /// `limit 10`: keep the first rows.
    Limit(u64),
    /// `offset 10`: drop the first rows.
    Offset(u64),
    /// `stats by (a) count()`: one row per group.
    Stats(Stats),
    /// `top 10 by (a)`: the most frequent combinations, with their number in column `hits`, most first.
    Top(Top),
    /// `uniq by (a)`: each combination once.
    Uniq(Uniq),
    /// `where level:error`: keep the rows that pass.
    Where(Filter),
}
