//! Which records pass a filter ("Words and phrases", "Fields", "Values", "Combining", "Time").

use std::net::{IpAddr, Ipv4Addr};

use clewline_lang::{Bound, CompareOp, Filter, Scalar, Test};

use super::Refused;
use super::fields::{Cell, Field, Schema, Type};
use super::words::{Bounds, contains, folded};
use crate::records::Record;

/// True when the record passes. `now_ns` is the time relative ranges count from.
pub(crate) fn passes(schema: &Schema, record: &Record, filter: &Filter, now_ns: i64) -> Result<bool, Refused> {
    Ok(match filter {
        Filter::All => true,
        Filter::And(children) => all(children, |child| passes(schema, record, child, now_ns))?,
        Filter::Or(children) => !all(children, |child| Ok(!passes(schema, record, child, now_ns)?))?,
        Filter::Not(child) => !passes(schema, record, child, now_ns)?,
        Filter::Time(range) => {
            let (low, high) = range.resolve(now_ns);
            low.is_none_or(|low| record.time >= low) && high.is_none_or(|high| record.time < high)
        }
        Filter::Match { field: None, test } => match test {
            Test::Any => true,
            Test::Empty => false,
            Test::Compare { .. } | Test::Range { .. } => return Err(Refused::Error("a comparison needs a field")),
            _ => {
                let test = TextTest::of(test)?;
                schema.searchable(record).iter().any(|(text, folded)| test.passes_folded(text, folded))
            }
        },
        Filter::Match { field: Some(name), test } => {
            let field = schema.field(name);
            if field == Field::Object {
                return Err(Refused::Error("all attributes together"));
            }
            cell_passes(&schema.value(record, &field), schema.type_of(&field), test, now_ns)?
        }
    })
}

/// No early way out: a refusal in any child is a refusal.
fn all(children: &[Filter], test: impl Fn(&Filter) -> Result<bool, Refused>) -> Result<bool, Refused> {
    let outcomes: Result<Vec<bool>, Refused> = children.iter().map(test).collect();
    Ok(outcomes?.into_iter().all(|passed| passed))
}

/// True when a value of a field of this type passes the test.
pub(crate) fn cell_passes(cell: &Cell, of: Type, test: &Test, now_ns: i64) -> Result<bool, Refused> {
    match test {
        Test::Any => return Ok(cell.is_present()),
        Test::Empty => return Ok(!cell.is_present()),
        _ => {}
    }
    match of {
        Type::Time => time_passes(cell, test, now_ns),
        Type::Id => id_passes(cell, test),
        Type::Int | Type::Double => number_passes(cell, test),
        Type::Bool | Type::Text => text_passes(cell, test),
    }
}

/// A time is compared with moments.
fn time_passes(cell: &Cell, test: &Test, now_ns: i64) -> Result<bool, Refused> {
    let moment = |scalar: &Scalar| -> Result<i64, Refused> {
        match scalar {
            Scalar::Duration(ns) => Ok(now_ns - ns),
            Scalar::Int(int) => clewline_lang::parse_time(&int.to_string(), now_ns).map_err(|_| Refused::Error("time")),
            Scalar::Text(text) => clewline_lang::parse_time(text, now_ns).map_err(|_| Refused::Error("time")),
            _ => Err(Refused::Error("a time is needed")),
        }
    };
    let time = if let Cell::Time(ns) = cell { Some(*ns) } else { None };
    match test {
        Test::Compare { op, value } => {
            let bound = moment(value)?;
            Ok(time.is_some_and(|time| ordered(*op, time.cmp(&bound))))
        }
        Test::Range { low, high } => {
            let low = low.as_ref().map(|b| moment(&b.value).map(|at| (at, b.inclusive))).transpose()?;
            let high = high.as_ref().map(|b| moment(&b.value).map(|at| (at, b.inclusive))).transpose()?;
            Ok(time.is_some_and(|time| {
                low.is_none_or(|(at, inclusive)| time > at || inclusive && time == at)
                    && high.is_none_or(|(at, inclusive)| time < at || inclusive && time == at)
            }))
        }
        Test::Exact(text) | Test::Word(text) | Test::Phrase(text) => {
            let at = moment(&Scalar::Text(text.clone()))?;
            Ok(time == Some(at))
        }
        _ => Err(Refused::Error("the field is a time")),
    }
}

/// An id is one word of hexadecimal digits.
fn id_passes(cell: &Cell, test: &Test) -> Result<bool, Refused> {
    if matches!(test, Test::Compare { .. } | Test::Range { .. }) {
        return Err(Refused::Error("ids have no order"));
    }
    let test = TextTest::of(test)?;
    Ok(cell.text().is_some_and(|text| test.passes(&text)))
}

/// A field all of whose values are numbers: words are numbers there, with units; `=` and `in` compare the text.
fn number_passes(cell: &Cell, test: &Test) -> Result<bool, Refused> {
    let number = match cell {
        Cell::Int(int) => Some(Number::Int(*int)),
        Cell::Double(double) => Some(Number::Double(*double)),
        _ => None,
    };
    match test {
        Test::Word(text) | Test::Phrase(text) => {
            let wanted = Number::of(&clewline_lang::parse_scalar(text));
            Ok(number.zip(wanted).is_some_and(|(a, b)| a.compare(b) == Some(std::cmp::Ordering::Equal)))
        }
        Test::Compare { op, value } => {
            let bound = Number::of(value).ok_or(Refused::Error("a number is needed"))?;
            Ok(number.and_then(|n| n.compare(bound)).is_some_and(|order| ordered(*op, order)))
        }
        Test::Range { low, high } => {
            let numeric = |bound: &Option<Bound>| bound.as_ref().is_none_or(|b| Number::of(&b.value).is_some());
            if !numeric(low) || !numeric(high) {
                return Err(Refused::Error("a number is needed"));
            }
            Ok(number.is_some_and(|n| in_range(low.as_ref(), high.as_ref(), |b| n.compare(Number::of(b)?))))
        }
        other => {
            let test = TextTest::of(other)?;
            Ok(cell.text().is_some_and(|text| test.passes(&text)))
        }
    }
}

/// A field with texts: compared with a number, a text counts where it says a number; with an address, where it says one.
fn text_passes(cell: &Cell, test: &Test) -> Result<bool, Refused> {
    let text = match cell {
        Cell::Bool(bool) => Some(bool.to_string()),
        other => other.text(),
    };
    let is_bool = matches!(cell, Cell::Bool(_));
    match test {
        Test::Compare { op, value } => {
            Ok(text.is_some_and(|text| compare_text(&text, is_bool, value).is_some_and(|order| ordered(*op, order))))
        }
        Test::Range { low, high } => {
            let kinds: Vec<bool> =
                [low, high].into_iter().flatten().map(|b| matches!(b.value, Scalar::Text(_))).collect();
            if kinds.windows(2).any(|pair| pair[0] != pair[1]) {
                return Err(Refused::Unspecified("a range from a number to a text"));
            }
            Ok(text
                .is_some_and(|text| in_range(low.as_ref(), high.as_ref(), |bound| compare_text(&text, is_bool, bound))))
        }
        other => {
            let test = TextTest::of(other)?;
            Ok(text.is_some_and(|text| test.passes(&text)))
        }
    }
}

fn compare_text(text: &str, is_bool: bool, bound: &Scalar) -> Option<std::cmp::Ordering> {
    match bound {
        Scalar::Text(bound) => Some(text.cmp(bound)),
        Scalar::Ip(bound) => match (text.parse::<IpAddr>().ok()?, bound) {
            (IpAddr::V4(a), IpAddr::V4(b)) => Some(a.cmp(b)),
            (IpAddr::V6(a), IpAddr::V6(b)) => Some(a.cmp(b)),
            _ => None,
        },
        number if !is_bool => Number::of(&clewline_lang::parse_scalar(text))?.compare(Number::of(number)?),
        _ => None,
    }
}

fn in_range(
    low: Option<&Bound>,
    high: Option<&Bound>,
    compare: impl Fn(&Scalar) -> Option<std::cmp::Ordering>,
) -> bool {
    let holds = |bound: &Bound, ge: CompareOp, gt: CompareOp| {
        compare(&bound.value).is_some_and(|order| ordered(if bound.inclusive { ge } else { gt }, order))
    };
    low.is_none_or(|b| holds(b, CompareOp::Ge, CompareOp::Gt))
        && high.is_none_or(|b| holds(b, CompareOp::Le, CompareOp::Lt))
}

fn ordered(op: CompareOp, order: std::cmp::Ordering) -> bool {
    match op {
        CompareOp::Gt => order.is_gt(),
        CompareOp::Ge => order.is_ge(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Le => order.is_le(),
    }
}

/// A number: whole ones exactly.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Int(i64),
    Double(f64),
}

impl Number {
    /// Durations are nanoseconds, sizes bytes.
    pub(crate) fn of(scalar: &Scalar) -> Option<Number> {
        Some(match scalar {
            Scalar::Int(value) | Scalar::Duration(value) => Number::Int(*value),
            Scalar::Float(value) => Number::Double(*value),
            Scalar::Size(value) => i64::try_from(*value).map_or(Number::Double(*value as f64), Number::Int),
            Scalar::Ip(_) | Scalar::Text(_) => return None,
        })
    }

    /// The mathematical order; none with NaN.
    pub(crate) fn compare(self, other: Number) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
            (Number::Double(a), Number::Double(b)) => a.partial_cmp(&b),
            (Number::Double(_), Number::Int(_)) => other.compare(self).map(std::cmp::Ordering::reverse),
            (Number::Int(a), Number::Double(b)) if b.abs() < 9e18 => {
                let whole = b.floor();
                let order = a.cmp(&(whole as i64));
                Some(if order.is_eq() && b > whole { std::cmp::Ordering::Less } else { order })
            }
            (Number::Int(_), Number::Double(b)) => 0.0f64.partial_cmp(&b),
        }
    }
}

/// A test of one text.
pub(crate) enum TextTest {
    Contains(Bounds, Vec<char>),
    Regex(regex::Regex),
    OneOf(Vec<String>),
    Ipv4(u32, u32),
}

impl TextTest {
    pub(crate) fn of(test: &Test) -> Result<TextTest, Refused> {
        Ok(match test {
            Test::Word(text) | Test::Phrase(text) => TextTest::Contains(Bounds::Both, folded(text)),
            Test::Prefix(text) => TextTest::Contains(Bounds::Start, folded(text)),
            Test::Substring(text) => TextTest::Contains(Bounds::None, folded(text)),
            Test::Exact(text) => TextTest::OneOf(vec![text.clone()]),
            Test::OneOf(texts) => TextTest::OneOf(texts.clone()),
            Test::Regex(source) => {
                TextTest::Regex(regex::Regex::new(source).map_err(|_| Refused::Error("a bad regular expression"))?)
            }
            Test::Ipv4Range { low, high } => TextTest::Ipv4(*low, *high),
            _ => return Err(Refused::Error("the comparison needs a field")),
        })
    }

    pub(crate) fn passes(&self, text: &str) -> bool {
        match self {
            TextTest::Contains(..) => self.passes_folded(text, &folded(text)),
            _ => self.passes_folded(text, &[]),
        }
    }

    /// As [`Self::passes`], with the text's characters without case at hand.
    fn passes_folded(&self, text: &str, folded: &[char]) -> bool {
        match self {
            TextTest::Contains(bounds, needle) => contains(*bounds, needle, folded),
            TextTest::Regex(regex) => regex.is_match(text),
            TextTest::OneOf(texts) => texts.iter().any(|wanted| wanted == text),
            TextTest::Ipv4(low, high) => {
                text.parse::<Ipv4Addr>().is_ok_and(|ip| (*low..=*high).contains(&u32::from(ip)))
            }
        }
    }
}
