//! Row filters: one tree for the search language and for what SQL pushes down.
//!
//! [`bind`] makes the tree from a parsed search, [`pushdown`] from SQL conditions; [`evaluate`] answers it for a physical
//! batch, [`prune`] answers "can any row of this source pass?" from what the catalog and the footer know. Two-valued: a
//! condition on an absent value is false, and NOT of it is true (the search language); SQL conditions are pushed down only
//! in forms where that agrees with SQL.

pub(crate) mod bind;
pub(crate) mod evaluate;
pub(crate) mod index;
mod needles;
pub(crate) mod prune;
pub(crate) mod pushdown;
pub(crate) mod test;

use crate::names::LogicalColumn;
use test::{NumberTest, TextTest};

/// A condition on rows. Columns are positions in the [`RowFilter`] that owns the node.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// Every row.
    All,
    /// No row.
    Nothing,
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// Start time in `[low, high)`, ns.
    Time {
        low: i64,
        high: i64,
    },
    /// The text form of a column passes.
    Text {
        column: usize,
        test: TextTest,
    },
    /// The number in a column passes; texts are read as numbers with units where they are.
    Number {
        column: usize,
        test: NumberTest,
    },
    /// An id column equals these bytes.
    Id {
        column: usize,
        bytes: Vec<u8>,
    },
    /// The column has a value that is not empty.
    Present {
        column: usize,
    },
    /// The text form of any field of the record passes.
    Any {
        test: TextTest,
    },
}

/// A condition and the columns it looks at.
#[derive(Debug, Clone)]
pub(crate) struct RowFilter {
    pub columns: Vec<LogicalColumn>,
    /// All of these must hold; cheap ones first.
    pub conjuncts: Vec<Node>,
}

impl RowFilter {
    /// Lets everything pass.
    pub(crate) fn all() -> RowFilter {
        RowFilter { columns: Vec::new(), conjuncts: Vec::new() }
    }

    /// A filter of one tree.
    pub(crate) fn new(columns: Vec<LogicalColumn>, node: Node) -> RowFilter {
        let mut conjuncts = match node {
            Node::All => Vec::new(),
            Node::And(children) => children,
            other => vec![other],
        };
        conjuncts.sort_by_key(Node::cost);
        RowFilter { columns, conjuncts }
    }

    /// Adds conditions that must hold too. Their column positions refer to `columns`.
    pub(crate) fn and(&mut self, columns: Vec<LogicalColumn>, mut node: Node) {
        let shift = self.columns.len();
        node.shift(shift);
        self.columns.extend(columns);
        match node {
            Node::All => {}
            Node::And(children) => self.conjuncts.extend(children),
            other => self.conjuncts.push(other),
        }
        self.conjuncts.sort_by_key(Node::cost);
    }

    /// Rows outside these times cannot pass.
    pub(crate) fn time_bounds(&self) -> (i64, i64) {
        self.conjuncts.iter().fold((i64::MIN, i64::MAX), |(low, high), node| match node {
            Node::Time { low: l, high: h } => (low.max(*l), high.min(*h)),
            _ => (low, high),
        })
    }
}

impl Node {
    /// Evaluation order: what reads little and rejects much first.
    fn cost(&self) -> u32 {
        match self {
            Node::All | Node::Nothing => 0,
            Node::Id { .. } => 1,
            Node::Time { .. } => 2,
            Node::Number { .. } | Node::Present { .. } => 3,
            Node::Text { .. } => 4,
            Node::Not(child) => 5 + child.cost(),
            Node::And(children) | Node::Or(children) => 6 + children.iter().map(Node::cost).max().unwrap_or(0),
            Node::Any { .. } => 100,
        }
    }

    fn shift(&mut self, by: usize) {
        match self {
            Node::And(children) | Node::Or(children) => children.iter_mut().for_each(|child| child.shift(by)),
            Node::Not(child) => child.shift(by),
            Node::Text { column, .. }
            | Node::Number { column, .. }
            | Node::Id { column, .. }
            | Node::Present { column } => {
                *column += by;
            }
            Node::All | Node::Nothing | Node::Time { .. } | Node::Any { .. } => {}
        }
    }

    /// Adds the columns the node names; false when it also looks at every field of the record.
    pub(crate) fn columns(&self, into: &mut Vec<usize>) -> bool {
        match self {
            // Every child adds its columns, also those after one that looks at every field.
            Node::And(children) | Node::Or(children) => {
                let mut named = true;
                for child in children {
                    named &= child.columns(into);
                }
                named
            }
            Node::Not(child) => child.columns(into),
            Node::Text { column, .. }
            | Node::Number { column, .. }
            | Node::Id { column, .. }
            | Node::Present { column } => {
                into.push(*column);
                true
            }
            Node::All | Node::Nothing | Node::Time { .. } => true,
            Node::Any { .. } => false,
        }
    }

    /// True when the node looks at the start time.
    pub(crate) fn reads_time(&self) -> bool {
        match self {
            Node::And(children) | Node::Or(children) => children.iter().any(Node::reads_time),
            Node::Not(child) => child.reads_time(),
            Node::Time { .. } => true,
            _ => false,
        }
    }
}
