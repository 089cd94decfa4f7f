//! SQL conditions the scan can answer itself, exactly.
//!
//! Only forms that agree with SQL's three-valued logic under AND and OR at the top: comparisons of a column with a literal,
//! IN lists, LIKE, IS NOT NULL. A null compares to nothing, so such a row is left out, as SQL does.

use std::sync::Arc;

use arrow::datatypes::DataType;
use clewline_lang::CompareOp;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use regex::RegexBuilder;

use super::Node;
use super::test::{Number, NumberTest, TextTest};
use crate::limits::REGEX_BYTES_MAX;
use crate::names::{Binding, LogicalColumn};

/// The node of a condition over `columns`, or `None` when the engine must evaluate it.
pub(crate) fn node(expr: &Expr, columns: &[LogicalColumn]) -> Option<Node> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            Some(Node::And(vec![node(left, columns)?, node(right, columns)?]))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(Node::Or(vec![node(left, columns)?, node(right, columns)?]))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (&**left, &**right) {
            (Expr::Column(column), Expr::Literal(value, _)) => {
                compare(find(columns, &column.name)?, columns, *op, value)
            }
            (Expr::Literal(value, _), Expr::Column(column)) => {
                compare(find(columns, &column.name)?, columns, op.swap()?, value)
            }
            _ => None,
        },
        Expr::InList(list) if !list.negated => {
            let Expr::Column(column) = &*list.expr else { return None };
            let index = find(columns, &column.name)?;
            let mut nodes = Vec::with_capacity(list.list.len());
            for item in &list.list {
                let Expr::Literal(value, _) = item else { return None };
                nodes.push(compare(index, columns, Operator::Eq, value)?);
            }
            Some(Node::Or(nodes))
        }
        Expr::Like(like) if !like.negated && like.escape_char.is_none() => {
            let (Expr::Column(column), Expr::Literal(pattern, _)) = (&*like.expr, &*like.pattern) else { return None };
            let index = find(columns, &column.name)?;
            if columns[index].data_type != DataType::Utf8View {
                return None;
            }
            let folds = like.case_insensitive;
            let test = TextTest::Like { regex: Arc::new(like_regex(text(pattern)?, folds)?), folds };
            Some(Node::Text { column: index, test })
        }
        Expr::IsNotNull(inner) => {
            let Expr::Column(column) = &**inner else { return None };
            let index = find(columns, &column.name)?;
            // An empty text is a value to SQL but not to `Present`.
            (columns[index].data_type != DataType::Utf8View).then_some(Node::Present { column: index })
        }
        _ => None,
    }
}

fn find(columns: &[LogicalColumn], name: &str) -> Option<usize> {
    columns.iter().position(|column| column.name == name)
}

fn compare(column: usize, columns: &[LogicalColumn], op: Operator, value: &ScalarValue) -> Option<Node> {
    let LogicalColumn { binding, data_type, .. } = &columns[column];
    match data_type {
        DataType::Timestamp(..) if *binding == Binding::Fixed(0) => {
            let ScalarValue::TimestampNanosecond(Some(at), _) = value else { return None };
            let (low, high) = match op {
                Operator::Eq => (*at, at.checked_add(1)?),
                Operator::Lt => (i64::MIN, *at),
                Operator::LtEq => (i64::MIN, at.checked_add(1)?),
                Operator::Gt => (at.checked_add(1)?, i64::MAX),
                Operator::GtEq => (*at, i64::MAX),
                _ => return None,
            };
            Some(Node::Time { low, high })
        }
        DataType::Int64 | DataType::Float64 => {
            let number = match value {
                ScalarValue::Int64(Some(value)) => Number::Int(*value),
                ScalarValue::Float64(Some(value)) if !value.is_nan() => Number::Double(*value),
                _ => return None,
            };
            let test = match op {
                Operator::Eq => NumberTest::between(Some((number, true)), Some((number, true))),
                Operator::Lt => NumberTest::compare(CompareOp::Lt, number),
                Operator::LtEq => NumberTest::compare(CompareOp::Le, number),
                Operator::Gt => NumberTest::compare(CompareOp::Gt, number),
                Operator::GtEq => NumberTest::compare(CompareOp::Ge, number),
                _ => return None,
            };
            // SQL sorts NaN above every number; an interval does not.
            (*data_type == DataType::Int64 || op == Operator::Eq).then_some(Node::Number { column, test })
        }
        DataType::Utf8View if op == Operator::Eq => {
            Some(Node::Text { column, test: TextTest::Exact(Arc::from(text(value)?)) })
        }
        DataType::FixedSizeBinary(_) if op == Operator::Eq => match value {
            ScalarValue::FixedSizeBinary(_, Some(bytes)) => Some(Node::Id { column, bytes: bytes.clone() }),
            _ => None,
        },
        _ => None,
    }
}

fn text(value: &ScalarValue) -> Option<&str> {
    match value {
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)) => {
            Some(text)
        }
        _ => None,
    }
}

fn like_regex(pattern: &str, fold: bool) -> Option<regex::Regex> {
    let mut source = String::from("^");
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => source.push_str(".*"),
            '_' => source.push('.'),
            '\\' => source.push_str(&regex::escape(&chars.next().unwrap_or('\\').to_string())),
            c => source.push_str(&regex::escape(&c.to_string())),
        }
    }
    source.push('$');
    // `^.*x.*$` is `x` anywhere, and much faster said so.
    let source = source.strip_prefix("^.*").unwrap_or(&source);
    let source = source.strip_suffix(".*$").unwrap_or(source);
    RegexBuilder::new(source)
        .case_insensitive(fold)
        .dot_matches_new_line(true)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_BYTES_MAX)
        .build()
        .ok()
}
