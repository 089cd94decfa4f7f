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
        match (one_column(column, name, &data_type, test, self.now_ns)?, binding) {
            // The record's own time is known to the catalog and to footers, so it has a node of its own.
            (Node::Number { test, .. }, Binding::Fixed(0)) if matches!(data_type, DataType::Timestamp(..)) => {
                Ok(Node::Time { low: test.low_int, high: test.high_int.saturating_add(1) })
            }
            (node, _) => Ok(node),
        }
    }
}

/// A test of one column of this type, in question and data alike. The node names no other column than `column`.
pub(crate) fn one_column(
    column: usize,
    name: &str,
    data_type: &DataType,
    test: &Test,
    now_ns: i64,
) -> Result<Node, QueryError> {
    match test {
        Test::Any => return Ok(Node::Present { column }),
        Test::Empty => return Ok(Node::Not(Box::new(Node::Present { column }))),
        _ => {}
    }
    match data_type {
        DataType::Timestamp(..) => time(column, name, test, now_ns),
        DataType::FixedSizeBinary(width) => id(column, *width, test),
        DataType::Int64 if name == "template_id" => template(column, test),
        DataType::Int64 | DataType::Float64 => number(column, data_type, test),
        _ => text(column, test),
    }
}

/// A test of a time: an interval of nanoseconds.
fn time(column: usize, name: &str, test: &Test, now_ns: i64) -> Result<Node, QueryError> {
    let at = |scalar: &Scalar| -> Result<Number, QueryError> {
        match scalar {
            Scalar::Int(value) => parse_time(&value.to_string(), now_ns),
            Scalar::Duration(ns) => return Ok(Number::Int(now_ns.saturating_sub(*ns))),
            Scalar::Text(text) => parse_time(text, now_ns),
            _ => return Err(QueryError::bad_query(format!("`{name}` needs a time"))),
        }
        .map(Number::Int)
        .map_err(|error| QueryError::bad_query(error.message))
    };
    let test = match test {
        Test::Compare { op, value } => NumberTest::compare(*op, at(value)?),
        Test::Range { low, high } => {
            let end = |bound: &Option<Bound>| {
                bound.as_ref().map(|b| at(&b.value).map(|moment| (moment, b.inclusive))).transpose()
            };
            NumberTest::between(end(low)?, end(high)?)
        }
        Test::Exact(text) | Test::Word(text) | Test::Phrase(text) => {
            let at = at(&Scalar::Text(text.clone()))?;
            NumberTest::between(Some((at, true)), Some((at, true)))
        }
        _ => {
            let hint = "write `_time:5m`, `_time:2026-08-01` or `time:>=2026-08-01T10:00:00Z`";
            return Err(QueryError::bad_query(format!("`{name}` is a time")).with_hint(hint));
        }
    };
    Ok(Node::Number { column, test })
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
        other => number(column, &DataType::Int64, other)?,
    })
}

fn equals(column: usize, number: Number) -> Node {
    Node::Number { column, test: NumberTest::between(Some((number, true)), Some((number, true))) }
}

/// The value whose text form this is: compared as a number where no other number reads so, which needs no text made.
fn written(column: usize, data_type: &DataType, text: &str) -> Node {
    let is_int = *data_type == DataType::Int64;
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(int), _) if is_int && int.to_string() == text => equals(column, Number::Int(int)),
        // Zero is also written `-0`.
        (_, Ok(double)) if !is_int && double != 0.0 && double.is_finite() && double.to_string() == text => {
            equals(column, Number::Double(double))
        }
        _ => Node::Text { column, test: TextTest::Exact(Arc::from(text)) },
    }
}

/// The number a text says, as a value of a numeric field; units count.
fn number_of(text: &str) -> Option<Number> {
    Number::of(&clewline_lang::parse_scalar(text))
}

fn number(column: usize, data_type: &DataType, test: &Test) -> Result<Node, QueryError> {
    Ok(match test {
        Test::Word(text) | Test::Phrase(text) => number_of(text).map_or(Node::Nothing, |number| equals(column, number)),
        Test::Exact(text) => written(column, data_type, text),
        Test::OneOf(texts) => Node::Or(texts.iter().map(|text| written(column, data_type, text)).collect()),
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
    Ok(match test {
        Test::Compare { op, value } => {
            let inclusive = matches!(op, CompareOp::Ge | CompareOp::Le);
            let bound = Bound { value: value.clone(), inclusive };
            let (low, high) = match op {
                CompareOp::Gt | CompareOp::Ge => (Some(&bound), None),
                CompareOp::Lt | CompareOp::Le => (None, Some(&bound)),
            };
            between(column, low, high)?
        }
        Test::Range { low, high } => between(column, low.as_ref(), high.as_ref())?,
        other => Node::Text { column, test: text_test(other)? },
    })
}

/// Values of a text column between two bounds: numbers by number, addresses by address, anything else by text.
fn between(column: usize, low: Option<&Bound>, high: Option<&Bound>) -> Result<Node, QueryError> {
    let all = |test: fn(&Scalar) -> bool| [low, high].into_iter().flatten().all(|bound| test(&bound.value));
    if all(|value| Number::of(value).is_some()) {
        return Ok(Node::Number { column, test: interval(low, high)? });
    }
    if all(|value| matches!(value, Scalar::Ip(_))) {
        let end = |bound: Option<&Bound>| match bound {
            Some(Bound { value: Scalar::Ip(ip), inclusive }) => Some((*ip, *inclusive)),
            _ => None,
        };
        return Ok(Node::Text { column, test: TextTest::Address { low: end(low), high: end(high) } });
    }
    let end = |bound: Option<&Bound>| bound.map(|b| (Arc::from(scalar_text(&b.value)), b.inclusive));
    Ok(Node::Text { column, test: TextTest::Order { low: end(low), high: end(high) } })
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
