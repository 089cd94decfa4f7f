//! Seeded SQL: a condition as a tree, written as text for the product and evaluated here by SQL's three-valued logic.

use clewline_model::signal::Signal;

use crate::ask::Asker;
use crate::oracle::Refused;
use crate::oracle::fields::{Cell, Schema, Type, hex, text_columns};
use crate::oracle::pipes::{Row, Run, UID, order};
use crate::random::Random;
use crate::records::{Record, Val};

/// A literal.
#[derive(Debug, Clone)]
pub(crate) enum Literal {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
    Id(Vec<u8>),
    Time(i64),
}

/// A condition.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    True,
    Compare(String, &'static str, Literal),
    Like { column: String, pattern: String, fold: bool, negated: bool },
    In { column: String, list: Vec<Literal>, negated: bool },
    IsNull { column: String, negated: bool },
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
}

/// What is selected.
#[derive(Debug, Clone)]
pub(crate) enum Select {
    Count,
    Records,
    /// Keys, then (function, argument).
    Groups(Vec<String>, Vec<(&'static str, String)>),
}

/// One question.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    pub(crate) table: &'static str,
    pub(crate) select: Select,
    pub(crate) condition: Condition,
}

fn name(column: &str) -> String {
    format!("\"{column}\"")
}

impl Literal {
    fn sql(&self) -> String {
        match self {
            Literal::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Literal::Int(int) => int.to_string(),
            Literal::Double(double) => format!("{double:?}"),
            Literal::Bool(bool) => bool.to_string(),
            Literal::Id(bytes) => format!("'{}'", hex(bytes)),
            Literal::Time(ns) => format!("'{}'", clewline_lang::format_time(*ns)),
        }
    }

    fn cell(&self) -> Cell {
        match self {
            Literal::Text(text) => Cell::Text(text.clone()),
            Literal::Int(int) => Cell::Int(*int),
            Literal::Double(double) => Cell::Double(*double),
            Literal::Bool(bool) => Cell::Bool(*bool),
            Literal::Id(bytes) => Cell::Id(bytes.clone()),
            Literal::Time(ns) => Cell::Time(*ns),
        }
    }
}

impl Condition {
    fn sql(&self) -> String {
        let join = |list: &[Condition], word: &str| {
            list.iter().map(|c| format!("({})", c.sql())).collect::<Vec<_>>().join(word)
        };
        let not = |negated: bool| if negated { "NOT " } else { "" };
        match self {
            Condition::True => "true".to_owned(),
            Condition::Compare(column, op, literal) => format!("{} {op} {}", name(column), literal.sql()),
            Condition::Like { column, pattern, fold, negated } => {
                let like = if *fold { "ILIKE" } else { "LIKE" };
                format!("{} {}{like} '{}'", name(column), not(*negated), pattern.replace('\'', "''"))
            }
            Condition::In { column, list, negated } => {
                let list: Vec<String> = list.iter().map(Literal::sql).collect();
                format!("{} {}IN ({})", name(column), not(*negated), list.join(", "))
            }
            Condition::IsNull { column, negated } => format!("{} IS {}NULL", name(column), not(*negated)),
            Condition::And(list) => join(list, " AND "),
            Condition::Or(list) => join(list, " OR "),
            Condition::Not(inner) => format!("NOT ({})", inner.sql()),
        }
    }

    /// True, false or unknown.
    fn holds(&self, schema: &Schema, record: &Record) -> Option<bool> {
        let value = |column: &str| schema.value(record, &schema.field(column));
        match self {
            Condition::True => Some(true),
            Condition::Compare(column, op, literal) => compare(&value(column), op, literal),
            Condition::Like { column, pattern, fold, negated } => {
                let Cell::Text(text) = value(column) else { return None };
                let lower = |text: &str| if *fold { text.to_lowercase() } else { text.to_owned() };
                let (text, pattern): (Vec<char>, Vec<char>) =
                    (lower(&text).chars().collect(), lower(pattern).chars().collect());
                Some(like(&text, &pattern) != *negated)
            }
            Condition::In { column, list, negated } => {
                let cell = value(column);
                let found = list.iter().map(|literal| compare(&cell, "=", literal));
                let found = found.collect::<Option<Vec<bool>>>()?;
                Some(found.contains(&true) != *negated)
            }
            Condition::IsNull { column, negated } => Some((value(column) == Cell::Null) != *negated),
            Condition::And(list) => {
                let all: Vec<Option<bool>> = list.iter().map(|c| c.holds(schema, record)).collect();
                if all.contains(&Some(false)) { Some(false) } else { all.iter().all(Option::is_some).then_some(true) }
            }
            Condition::Or(list) => {
                let all: Vec<Option<bool>> = list.iter().map(|c| c.holds(schema, record)).collect();
                if all.contains(&Some(true)) { Some(true) } else { all.iter().all(Option::is_some).then_some(false) }
            }
            Condition::Not(inner) => inner.holds(schema, record).map(|holds| !holds),
        }
    }

    /// Simpler conditions, for shrinking.
    pub(crate) fn simpler(&self) -> Vec<Condition> {
        match self {
            Condition::And(list) | Condition::Or(list) => list.clone(),
            Condition::Not(inner) => vec![(**inner).clone()],
            Condition::True => Vec::new(),
            _ => vec![Condition::True],
        }
    }
}

fn compare(cell: &Cell, op: &str, literal: &Literal) -> Option<bool> {
    let right = literal.cell();
    let order = match (cell, &right) {
        (Cell::Null, _) => return None,
        (Cell::Int(a), Cell::Double(b)) => (*a as f64).total_cmp(b),
        (Cell::Double(a), Cell::Int(b)) => a.total_cmp(&(*b as f64)),
        (a, b) => order(a, b),
    };
    Some(match op {
        "=" => order.is_eq(),
        "<>" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// `%` is any text, `_` one character, `\` makes the next one itself.
fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|skip| like(&text[skip..], rest)),
        ['_', rest @ ..] => !text.is_empty() && like(&text[1..], rest),
        ['\\', c, rest @ ..] | [c, rest @ ..] => text.first() == Some(c) && like(&text[1..], rest),
    }
}

impl Sql {
    pub(crate) fn text(&self) -> String {
        let condition = match &self.condition {
            Condition::True => String::new(),
            other => format!(" WHERE {}", other.sql()),
        };
        let table = self.table;
        match &self.select {
            Select::Count => format!("SELECT count(*) FROM {table}{condition}"),
            Select::Records => format!("SELECT {UID} FROM {table}{condition}"),
            Select::Groups(keys, functions) => {
                let mut items: Vec<String> = keys.iter().map(|key| name(key)).collect();
                items.extend(functions.iter().map(|(function, column)| match *function {
                    "count(*)" => "count(*)".to_owned(),
                    "count_distinct" => format!("count(DISTINCT {})", name(column)),
                    function => format!("{function}({})", name(column)),
                }));
                let by: Vec<String> = keys.iter().map(|key| name(key)).collect();
                let by = if by.is_empty() { String::new() } else { format!(" GROUP BY {}", by.join(", ")) };
                format!("SELECT {} FROM {table}{condition}{by}", items.join(", "))
            }
        }
    }

    /// The rows of the answer, in no order.
    pub(crate) fn answer(&self, schema: &Schema, records: &[Record]) -> Result<Vec<Run>, Refused> {
        let kept: Vec<&Record> =
            records.iter().filter(|record| self.condition.holds(schema, record) == Some(true)).collect();
        let count = |n: usize| Cell::Int(i64::try_from(n).unwrap());
        let rows: Vec<Row> = match &self.select {
            Select::Count => vec![vec![count(kept.len())]],
            Select::Records => kept.iter().map(|record| vec![Cell::Int(record.uid)]).collect(),
            Select::Groups(keys, functions) => {
                let mut groups = std::collections::BTreeMap::<String, (Row, Vec<&Record>)>::new();
                for record in kept {
                    let key: Row = keys.iter().map(|key| schema.value(record, &schema.field(key))).collect();
                    groups.entry(format!("{key:?}")).or_insert_with(|| (key, Vec::new())).1.push(record);
                }
                if keys.is_empty() && groups.is_empty() {
                    groups.insert(String::new(), (Vec::new(), Vec::new()));
                }
                let finish = |(mut row, members): (Row, Vec<&Record>)| {
                    for (function, column) in functions {
                        let field = schema.field(column);
                        let values = members.iter().map(|record| schema.value(record, &field));
                        row.push(aggregate(function, members.len(), values.filter(|c| *c != Cell::Null).collect()));
                    }
                    row
                };
                groups.into_values().map(finish).collect()
            }
        };
        Ok(vec![Run { take: rows.len(), rows }])
    }
}

fn aggregate(function: &str, rows: usize, values: Vec<Cell>) -> Cell {
    let count = |n: usize| Cell::Int(i64::try_from(n).unwrap());
    match function {
        "count(*)" => count(rows),
        "count" => count(values.len()),
        "count_distinct" => {
            count(values.iter().map(|c| format!("{c:?}")).collect::<std::collections::BTreeSet<_>>().len())
        }
        "min" => values.into_iter().min_by(order).unwrap_or(Cell::Null),
        "max" => values.into_iter().max_by(order).unwrap_or(Cell::Null),
        _ => values
            .into_iter()
            .reduce(|a, b| match (a, b) {
                (Cell::Int(a), Cell::Int(b)) => Cell::Int(a + b),
                (Cell::Double(a), Cell::Double(b)) => Cell::Double(a + b),
                (a, _) => a,
            })
            .unwrap_or(Cell::Null),
    }
}

const COLUMNS: [&str; 16] = [
    "n",
    "latency",
    "num",
    "ok",
    "mixed",
    "numtext",
    "client",
    "remark",
    "http.method",
    "host.arch",
    "huge",
    "rare.key",
    "trace_id",
    "time",
    "nobody.sent.this",
    "名前",
];

/// A question about the data set of `asker`.
pub(crate) fn question(asker: &mut Asker<'_>, schema: &Schema) -> Sql {
    let depth = asker.random().weighted(&[40, 40, 20]);
    let condition = if asker.random().chance(10) { Condition::True } else { condition(asker, schema, depth) };
    let select = match asker.random().below(10) {
        0..=2 => Select::Count,
        3..=4 => Select::Records,
        _ => groups(asker.random(), schema),
    };
    Sql { table: if schema.signal == Signal::Logs { "logs" } else { "spans" }, select, condition }
}

fn groups(r: &mut Random, schema: &Schema) -> Select {
    let mut keys: Vec<String> = Vec::new();
    for _ in 0..r.below(3) {
        let key = r.choose(&["service", "http.method", "ok", "n", "mixed", "node", "scope_name", "trace_id", "名前"]);
        if !keys.contains(&key.to_owned()) {
            keys.push(key.to_owned());
        }
    }
    let mut functions = vec![("count(*)", String::new())];
    let more = if r.chance(30) { 0 } else { r.below(4) };
    for _ in 0..more {
        let any =
            r.choose(&["n", "latency", "num", "mixed", "service", "remark", "trace_id", "http.method", "numtext"]);
        let number = r.choose(&["n", "latency", "num", "flags"]);
        let summable = matches!(schema.type_of(&schema.field(number)), Type::Int | Type::Double);
        let next = match r.below(5) {
            0 => ("count", any.to_owned()),
            1 => ("count_distinct", any.to_owned()),
            2 if any != "trace_id" => ("min", any.to_owned()),
            3 if any != "trace_id" => ("max", any.to_owned()),
            _ if summable => ("sum", number.to_owned()),
            _ => continue,
        };
        if !functions.contains(&next) {
            functions.push(next);
        }
    }
    Select::Groups(keys, functions)
}

fn condition(asker: &mut Asker<'_>, schema: &Schema, depth: usize) -> Condition {
    if depth == 0 {
        return leaf(asker, schema);
    }
    match asker.random().below(5) {
        0 | 1 => Condition::And(vec![condition(asker, schema, depth - 1), condition(asker, schema, depth - 1)]),
        2 | 3 => Condition::Or(vec![condition(asker, schema, depth - 1), condition(asker, schema, depth - 1)]),
        _ => Condition::Not(Box::new(condition(asker, schema, depth - 1))),
    }
}

fn leaf(asker: &mut Asker<'_>, schema: &Schema) -> Condition {
    let texts = text_columns(schema.signal);
    let r = asker.random();
    let column = (*if r.chance(45) { r.pick(&texts) } else { r.pick(&COLUMNS) }).to_owned();
    let of = schema.type_of(&schema.field(&column));
    if r.chance(12) {
        return Condition::IsNull { negated: r.chance(50), column };
    }
    if of == Type::Text && asker.random().chance(40) {
        let piece = asker.sql_piece();
        let r = asker.random();
        let mut escaped: String =
            piece.chars().map(|c| if "%_\\".contains(c) { format!("\\{c}") } else { c.into() }).collect();
        if r.chance(15) {
            escaped = escaped.replacen(['e', '错', 'r'], if r.chance(50) { "_" } else { "%" }, 1);
        }
        let pattern = match r.below(4) {
            0 => format!("{escaped}%"),
            1 => format!("%{escaped}"),
            _ => format!("%{escaped}%"),
        };
        // Folding beyond one character for one differs between engines; ASCII is enough for ILIKE.
        let fold = pattern.is_ascii() && r.chance(30);
        return Condition::Like { column, pattern, fold, negated: r.chance(15) };
    }
    let mut literal = || literal(asker, schema, &column, of);
    let (first, second) = (literal(), literal());
    let r = asker.random();
    let ops: &[&'static str] = match of {
        Type::Bool | Type::Id => &["=", "<>"],
        _ => &["=", "<>", "<", "<=", ">", ">="],
    };
    match r.below(6) {
        0 if of != Type::Time => Condition::In { column, list: vec![first, second], negated: r.chance(20) },
        _ => Condition::Compare(column, r.choose(ops), first),
    }
}

fn literal(asker: &mut Asker<'_>, schema: &Schema, column: &str, of: Type) -> Literal {
    let known = asker.value_of(column);
    let piece = asker.sql_piece();
    let r = asker.random();
    match of {
        Type::Int => match known {
            Some(Val::Int(int)) if r.chance(60) && int != i64::MIN => Literal::Int(int),
            _ => Literal::Int(r.between(-6, 60)),
        },
        Type::Double => match known {
            Some(Val::Double(double)) if r.chance(60) => Literal::Double(double),
            _ => Literal::Double(r.between(-6, 60) as f64 / 4.0),
        },
        Type::Bool => Literal::Bool(r.chance(50)),
        Type::Id => {
            let trace = u8::try_from(r.below(13)).unwrap();
            let mut id = vec![0x10 + trace; 16];
            id[15] = trace;
            Literal::Id(id)
        }
        Type::Time => Literal::Time(crate::generate::T0 + r.between(-60, 3_600) * crate::generate::SECOND),
        Type::Text => match known.and_then(|value| value.text()) {
            Some(text) if r.chance(80) && text.len() < 200 => Literal::Text(text),
            _ => Literal::Text(if schema.signal == Signal::Logs { piece } else { "shop".to_owned() }),
        },
    }
}
