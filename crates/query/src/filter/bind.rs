//! From a parsed search to a filter over the columns of one table.

use std::sync::Arc;

use arrow::datatypes::DataType;
use clewline_lang::{Bound, CompareOp, Filter, Scalar, Test, WordKind, WordMatcher, parse_time};
use clewline_model::text::parse_hex;
use regex::RegexBuilder;

use super::test::{Number, NumberTest, TextTest};
use super::{Node, RowFilter};
use crate::answer::QueryError;
use crate::limits::REGEX_BYTES_MAX;
use crate::names::{Binding, LogicalColumn, Names};

/// Binds a search filter; relative times count from `now_ns`.
pub(crate) fn bind(filter: &Filter, names: &Names<'_>, now_ns: i64) -> Result<RowFilter, QueryError> {
    let mut binder = Binder { names, now_ns, columns: Vec::new() };
    let node = binder.node(filter)?;
    Ok(RowFilter::new(binder.columns, node))
}

struct Binder<'a> {
    names: &'a Names<'a>,
    now_ns: i64,
    columns: Vec<LogicalColumn>,
}

impl Binder<'_> {
    fn node(&mut self, filter: &Filter) -> Result<Node, QueryError> {
        Ok(match filter {
            Filter::All => Node::All,
            Filter::And(children) => Node::And(self.nodes(children)?),
            Filter::Or(children) => Node::Or(self.nodes(children)?),
            Filter::Not(child) => Node::Not(Box::new(self.node(child)?)),
            Filter::Time(range) => {
                let (low, high) = range.resolve(self.now_ns);
                Node::Time { low: low.unwrap_or(i64::MIN), high: high.unwrap_or(i64::MAX) }
            }
            Filter::Match { field: None, test } => self.any(test)?,
            Filter::Match { field: Some(field), test } => self.field(field, test)?,
        })
    }

    fn nodes(&mut self, filters: &[Filter]) -> Result<Vec<Node>, QueryError> {
        filters.iter().map(|filter| self.node(filter)).collect()
    }

    fn column(&mut self, name: &str) -> usize {
        match self.columns.iter().position(|column| column.name == name) {
            Some(position) => position,
            None => {
                self.columns.push(self.names.column(name));
                self.columns.len() - 1
            }
        }
    }

    fn any(&mut self, test: &Test) -> Result<Node, QueryError> {
        match test {
            Test::Empty => Ok(Node::Nothing),
            Test::Any => Ok(Node::All),
            Test::Compare { .. } | Test::Range { .. } => {
                Err(QueryError::bad_query("a comparison needs a field, as in `duration:>100ms`"))
            }
            _ => Ok(Node::Any { test: text_test(test)? }),
        }
    }

    fn field(&mut self, name: &str, test: &Test) -> Result<Node, QueryError> {
        let column = self.column(name);
        let LogicalColumn { binding, data_type, .. } = &self.columns[column];
        let (binding, data_type) = (binding.clone(), data_type.clone());
        if let Binding::Object(_) = binding {
            let hint = "name the attribute itself, as in `http.method:GET`";
            return Err(QueryError::bad_query(format!("`{name}` is all attributes together")).with_hint(hint));
        }
        match test {
            Test::Any => return Ok(Node::Present { column }),
            Test::Empty => return Ok(Node::Not(Box::new(Node::Present { column }))),
            _ => {}
        }
        match &data_type {
            DataType::Timestamp(..) => self.time(name, test),
            DataType::FixedSizeBinary(width) => id(column, *width, test),
            DataType::Int64 if name == "template_id" => template(column, test),
            DataType::Int64 | DataType::Float64 => number(column, test),
            _ => text(column, test),
        }
    }

    /// Conditions on the record's own time; other time columns compare by their text.
    fn time(&mut self, name: &str, test: &Test) -> Result<Node, QueryError> {
        let at = |scalar: &Scalar| -> Result<i64, QueryError> {
            match scalar {
                Scalar::Int(value) => parse_time(&value.to_string(), self.now_ns),
                Scalar::Duration(ns) => return Ok(self.now_ns.saturating_sub(*ns)),
                Scalar::Text(text) => parse_time(text, self.now_ns),
                _ => return Err(QueryError::bad_query(format!("`{name}` needs a time"))),
            }
            .map_err(|error| QueryError::bad_query(error.message))
        };
        let range = |low: Option<i64>, high: Option<i64>| Node::Time {
            low: low.unwrap_or(i64::MIN),
            high: high.unwrap_or(i64::MAX),
        };
        Ok(match test {
            Test::Compare { op: CompareOp::Gt, value } => range(Some(at(value)?.saturating_add(1)), None),
            Test::Compare { op: CompareOp::Ge, value } => range(Some(at(value)?), None),
            Test::Compare { op: CompareOp::Lt, value } => range(None, Some(at(value)?)),
            Test::Compare { op: CompareOp::Le, value } => range(None, Some(at(value)?.saturating_add(1))),
            Test::Range { low, high } => {
                let low = low.as_ref().map(|b| at(&b.value).map(|ns| ns.saturating_add(i64::from(!b.inclusive))));
                let high = high.as_ref().map(|b| at(&b.value).map(|ns| ns.saturating_add(i64::from(b.inclusive))));
                range(low.transpose()?, high.transpose()?)
            }
            Test::Exact(text) | Test::Word(text) | Test::Phrase(text) => {
                let at = at(&Scalar::Text(text.clone()))?;
                range(Some(at), Some(at.saturating_add(1)))
            }
            _ => {
                let hint = "write `_time:5m`, `_time:2026-08-01` or `time:>=2026-08-01T10:00:00Z`";
                return Err(QueryError::bad_query(format!("`{name}` is a time")).with_hint(hint));
            }
        })
    }
}

fn id(column: usize, width: i32, test: &Test) -> Result<Node, QueryError> {
    let node = |text: &str| {
        let bytes = match width {
            16 => parse_hex::<16>(text.as_bytes()).map(|id| id.to_vec()),
            _ => parse_hex::<8>(text.as_bytes()).map(|id| id.to_vec()),
        };
        bytes.map_or(Node::Nothing, |bytes| Node::Id { column, bytes })
    };
    Ok(match test {
        Test::Exact(text) | Test::Word(text) | Test::Phrase(text) => node(text),
        Test::OneOf(texts) => Node::Or(texts.iter().map(|text| node(text)).collect()),
        other => Node::Text { column, test: text_test(other)? },
    })
}

fn template(column: usize, test: &Test) -> Result<Node, QueryError> {
    let node = |text: &str| {
        let number = parse_hex::<8>(text.as_bytes()).map(i64::from_be_bytes).or_else(|| text.parse().ok());
        number.map_or(Node::Nothing, |id| equals(column, Number::Int(id)))
    };
    Ok(match test {
        Test::Exact(text) | Test::Word(text) | Test::Phrase(text) => node(text),
        Test::OneOf(texts) => Node::Or(texts.iter().map(|text| node(text)).collect()),
        other => number(column, other)?,
    })
}

fn equals(column: usize, number: Number) -> Node {
    Node::Number { column, test: NumberTest::between(Some((number, true)), Some((number, true))) }
}

/// The number a text says, as a value of a numeric field; units count.
fn number_of(text: &str) -> Option<Number> {
    Number::of(&clewline_lang::parse_scalar(text))
}

fn number(column: usize, test: &Test) -> Result<Node, QueryError> {
    Ok(match test {
        Test::Exact(text) | Test::Word(text) | Test::Phrase(text) => {
            number_of(text).map_or(Node::Nothing, |number| equals(column, number))
        }
        Test::OneOf(texts) => {
            Node::Or(texts.iter().filter_map(|t| number_of(t)).map(|number| equals(column, number)).collect())
        }
        Test::Compare { op, value } => Node::Number { column, test: NumberTest::compare(*op, needed(value)?) },
        Test::Range { low, high } => Node::Number { column, test: interval(low.as_ref(), high.as_ref())? },
        other => Node::Text { column, test: text_test(other)? },
    })
}

fn needed(value: &Scalar) -> Result<Number, QueryError> {
    Number::of(value).ok_or_else(|| {
        QueryError::bad_query("this field holds numbers; it cannot be compared with a text")
            .with_hint("compare with a number, a duration such as `100ms` or a size such as `10KiB`")
    })
}

fn interval(low: Option<&Bound>, high: Option<&Bound>) -> Result<NumberTest, QueryError> {
    let end = |bound: Option<&Bound>| bound.map(|b| needed(&b.value).map(|number| (number, b.inclusive))).transpose();
    Ok(NumberTest::between(end(low)?, end(high)?))
}

fn text(column: usize, test: &Test) -> Result<Node, QueryError> {
    let order = |low: Option<&Bound>, high: Option<&Bound>| {
        let end = |bound: Option<&Bound>| bound.map(|b| (Arc::from(scalar_text(&b.value)), b.inclusive));
        Node::Text { column, test: TextTest::Order { low: end(low), high: end(high) } }
    };
    Ok(match test {
        Test::Compare { op, value } => match Number::of(value) {
            Some(number) => Node::Number { column, test: NumberTest::compare(*op, number) },
            None => {
                let inclusive = matches!(op, CompareOp::Ge | CompareOp::Le);
                let bound = Bound { value: value.clone(), inclusive };
                match op {
                    CompareOp::Gt | CompareOp::Ge => order(Some(&bound), None),
                    CompareOp::Lt | CompareOp::Le => order(None, Some(&bound)),
                }
            }
        },
        Test::Range { low, high } => {
            let numeric = |bound: &Option<Bound>| bound.as_ref().is_none_or(|b| Number::of(&b.value).is_some());
            if numeric(low) && numeric(high) {
                Node::Number { column, test: interval(low.as_ref(), high.as_ref())? }
            } else {
                order(low.as_ref(), high.as_ref())
            }
        }
        other => Node::Text { column, test: text_test(other)? },
    })
}

fn scalar_text(value: &Scalar) -> String {
    match value {
        Scalar::Text(text) => text.clone(),
        Scalar::Ip(ip) => ip.to_string(),
        Scalar::Int(value) | Scalar::Duration(value) => value.to_string(),
        Scalar::Float(value) => value.to_string(),
        Scalar::Size(value) => value.to_string(),
    }
}

/// The text test of a search test that has one.
pub(crate) fn text_test(test: &Test) -> Result<TextTest, QueryError> {
    let word = |kind, needle: &str| TextTest::Word(Arc::new(WordMatcher::new(kind, needle)), kind, Arc::from(needle));
    Ok(match test {
        Test::Word(needle) => word(WordKind::Word, needle),
        Test::Phrase(needle) => word(WordKind::Phrase, needle),
        Test::Prefix(needle) => word(WordKind::Prefix, needle),
        Test::Substring(needle) => word(WordKind::Substring, needle),
        Test::Exact(value) => TextTest::Exact(Arc::from(value.as_str())),
        Test::OneOf(values) => TextTest::OneOf(values.clone().into()),
        Test::Regex(source) => TextTest::Regex(Arc::new(regex(source)?)),
        Test::Ipv4Range { low, high } => TextTest::Ipv4 { low: *low, high: *high },
        Test::Compare { .. } | Test::Range { .. } | Test::Empty | Test::Any => {
            return Err(QueryError::bad_query("this comparison needs a field"));
        }
    })
}

/// A regular expression of bounded size.
pub(crate) fn regex(source: &str) -> Result<regex::Regex, QueryError> {
    RegexBuilder::new(source)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|error| QueryError::bad_query(format!("bad regular expression: {error}")))
}
