//! Helpers of the tables in each file, how filters combine, limits, and the properties of the whole language.

use crate::ast::*;
use crate::limits::{DEPTH_MAX, QUERY_BYTES_MAX};
use crate::parser::parse;
use crate::pipe::*;

/// A small seeded generator (xorshift64*), so that failures repeat.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    fn pick<'v, T>(&mut self, values: &'v [T]) -> &'v T {
        &values[self.below(values.len())]
    }
}

/// A tree in a form short enough for tables.
fn show(filter: &Filter) -> String {
    let list = |children: &[Filter]| children.iter().map(show).collect::<Vec<_>>().join(" ");
    match filter {
        Filter::All => "all".to_owned(),
        Filter::And(children) => format!("and({})", list(children)),
        Filter::Or(children) => format!("or({})", list(children)),
        Filter::Not(child) => format!("not({})", show(child)),
        Filter::Time(_) => filter.to_string().replacen("_time:", "time[", 1) + "]",
        Filter::Match { field, test } => {
            let field = field.as_deref().unwrap_or("any");
            match test {
                Test::Word(s) => format!("{field}[Word({s})]"),
                Test::Prefix(s) => format!("{field}[Prefix({s})]"),
                Test::Substring(s) => format!("{field}[Substring({s})]"),
                Test::Phrase(s) => format!("{field}[Phrase({s})]"),
                Test::Exact(s) => format!("{field}[Exact({s})]"),
                Test::Regex(s) => format!("{field}[Regex({s})]"),
                Test::Compare { op, value } => format!("{field}[{} {value:?}]", op.as_str()),
                Test::Range { low, high } => {
                    let end =
                        |bound: &Option<Bound>| bound.as_ref().map_or("*".to_owned(), |b| format!("{:?}", b.value));
                    let open = if low.as_ref().is_some_and(|b| !b.inclusive) { '(' } else { '[' };
                    let close = if high.as_ref().is_some_and(|b| !b.inclusive) { ')' } else { ']' };
                    format!("{field}[{open}{}, {}{close}]", end(low), end(high))
                }
                Test::OneOf(values) => format!("{field}[OneOf({})]", values.join(", ")),
                Test::Ipv4Range { low, high } => {
                    let ip = |n: &u32| std::net::Ipv4Addr::from(*n);
                    format!("{field}[{}-{}]", ip(low), ip(high))
                }
                Test::Empty => format!("{field}[Empty]"),
                Test::Any => format!("{field}[Any]"),
            }
        }
    }
}

/// Parses, compares the tree, and sees that the printed text parses to the same tree.
pub(crate) fn check_filter(text: &str, expect: &str) {
    let query = parse(text).unwrap_or_else(|error| panic!("{}", error.render(text)));
    assert_eq!(show(&query.filter), expect, "{text}");
    assert_round_trip(&query);
}

/// Parses, compares the pipes in canonical text, and sees that it parses to the same.
pub(crate) fn check_pipes(text: &str, expect: &str) {
    let query = parse(text).unwrap_or_else(|error| panic!("{}", error.render(text)));
    let pipes: Vec<String> = query.pipes.iter().map(Pipe::to_string).collect();
    assert_eq!(pipes.join(" | "), expect, "{text}");
    assert_round_trip(&query);
}

/// Parses to an error at the column (from 1), whose message and hint hold the texts.
pub(crate) fn check_error(text: &str, column: usize, message: &str, hint: &str) {
    let error = parse(text).expect_err(text);
    let all = format!("{error}");
    assert!(all.contains(message), "{text}: {all:?} lacks {message:?}");
    assert!(all.contains(hint), "{text}: {all:?} lacks {hint:?}");
    assert_eq!(error.column, column, "{text}: {all}");
}

fn assert_round_trip(query: &Query) {
    let text = query.to_string();
    match parse(&text) {
        Ok(again) => assert_eq!(&again, query, "printed as {text}"),
        Err(error) => panic!("{query:?} is printed as\n{}", error.render(&text)),
    }
}

#[test]
fn filters_combine() {
    check_filter("", "all");
    check_filter("  # nothing\n", "all");
    check_filter("a b", "and(any[Word(a)] any[Word(b)])");
    check_filter("a AND b and c", "and(any[Word(a)] any[Word(b)] any[Word(c)])");
    check_filter("a b OR c", "or(and(any[Word(a)] any[Word(b)]) any[Word(c)])");
    check_filter("a (b or c)", "and(any[Word(a)] or(any[Word(b)] any[Word(c)]))");
    check_filter("!a", "not(any[Word(a)])");
    check_filter("-a b", "and(not(any[Word(a)]) any[Word(b)])");
    check_filter("not a b", "and(not(any[Word(a)]) any[Word(b)])");
    check_filter("NOT (a OR b)", "not(or(any[Word(a)] any[Word(b)]))");
    check_filter("!!a", "not(not(any[Word(a)]))");
    check_filter("((a))", "any[Word(a)]");
    check_filter("a (b (c d))", "and(any[Word(a)] any[Word(b)] any[Word(c)] any[Word(d)])");
    check_filter("* a", "any[Word(a)]");
    check_filter("!*", "not(all)");
    check_filter("level:(error OR warn)", "or(level[Word(error)] level[Word(warn)])");
    check_filter(
        "level:(a !b \"c d\" ~\"e\")",
        "and(level[Word(a)] not(level[Word(b)]) level[Phrase(c d)] level[Regex(e)])",
    );
    check_filter("level:!error", "not(level[Word(error)])");
    check_filter("level:not error", "not(level[Word(error)])");
    check_filter("level:-error", "not(level[Word(error)])");
    check_filter("\"http method\":GET", "http method[Word(GET)]");
    check_filter("level: error", "level[Word(error)]");
    check_filter("a.b-c/d@e_f:x", "a.b-c/d@e_f[Word(x)]");
    check_filter("поле:x 名前:y", "and(поле[Word(x)] 名前[Word(y)])");
    check_filter("id:a:b", "id[Word(a:b)]");
    check_filter("id: //x", "id[Word(//x)]");
    check_filter("\"a\"::x", "a[Word(:x)]");
    check_filter("a:b -c:d", "and(a[Word(b)] not(c[Word(d)]))");
    check_filter("a#b", "any[Word(a#b)]");
    check_filter("a # b\nc", "and(any[Word(a)] any[Word(c)])");
    check_filter("and:x", "and[Word(x)]");
    check_filter("a\u{3000}b", "and(any[Word(a)] any[Word(b)])");
}

#[test]
fn combination_errors() {
    check_error("(a", 1, "the `(` opened here is never closed", "add `)`");
    check_error("x (a b | limit 5", 3, "the `(` opened here is never closed", "add `)`");
    check_error("a)", 2, "`)` closes nothing", "quote");
    check_error("()", 1, "the parentheses are empty", "");
    check_error("a OR", 5, "expected a filter, found the end", "");
    check_error("OR a", 1, "`OR` needs a filter on each side", "");
    check_error("a AND AND b", 7, "`AND` needs a filter", "");
    check_error("a !", 4, "expected a filter, found the end", "");
    check_error("level:", 7, "`level:` has no value", "level:*");
    check_error("(level: )", 8, "`level:` has no value", "level:\"\"");
    check_error("level:!", 8, "expected a value for `level:`", "");
    check_error("a:(b:c)", 4, "`b:` names a second field", "quote");
    check_error("\"\":x", 1, "name of the field is empty", "");
    check_error("错误 (", 5, "expected a filter", "");
    check_error("a]", 2, "`]` cannot stand here", "quote");
}

#[test]
fn limits_are_errors_not_crashes() {
    for open in ["(", "!", "-", "not ", "a:(", "!(", "x:range(", "in("] {
        let error = parse(&open.repeat(10_000)).unwrap_err();
        assert!(!error.message.is_empty());
    }
    check_error(&"(".repeat(10_000), DEPTH_MAX + 1, "nested more than 64 deep", "remove");
    let nested = format!("{}a{}", "(".repeat(DEPTH_MAX), ")".repeat(DEPTH_MAX));
    check_filter(&nested, "any[Word(a)]");
    assert!(parse(&format!("{}a", "!".repeat(DEPTH_MAX))).is_ok());
    assert!(parse(&format!("{}a", "!".repeat(DEPTH_MAX + 1))).is_err());
}

#[test]
fn length_is_bounded() {
    assert!(parse(&"a".repeat(QUERY_BYTES_MAX)).is_ok());
    let error = parse(&"é".repeat(QUERY_BYTES_MAX)).unwrap_err();
    assert!(error.message.contains("at most 65536"), "{error}");
}

#[test]
fn names_of_fields() {
    let check = |text: &str, expect: &[&str]| assert_eq!(parse(text).unwrap().fields(), expect, "{text}");
    check("error", &[]);
    check("b:x !a:y _time:5m (b:z OR c:=1)", &["_time", "a", "b", "c"]);
    check("x:1 | where y:2 | fields z", &["x", "y", "z"]);
    check("* | stats by (a, _time:1m) sum(b) as n | sort by (n) | where n:>1", &["_time", "a", "b"]);
    check("* | sort by (a) | top 3 by (b)", &["a", "b"]);
    check("* | uniq by (c) | fields c", &["c"]);
}

#[test]
fn constructors_keep_normal_form() {
    let word = |s: &str| Filter::Match { field: None, test: Test::Word(s.into()) };
    assert_eq!(Filter::and(vec![]), Filter::All);
    assert_eq!(Filter::and(vec![Filter::All, word("a")]), word("a"));
    assert_eq!(
        Filter::and(vec![word("a"), Filter::And(vec![word("b"), word("c")])]),
        Filter::And(vec![word("a"), word("b"), word("c")])
    );
    assert_eq!(Filter::or(vec![word("a")]), word("a"));
}

/// Trees built by hand, outside what the parser yields, still print as text of the same meaning.
#[test]
fn hand_made_trees_print_safely() {
    let word =
        |field: Option<&str>, s: &str| Filter::Match { field: field.map(str::to_owned), test: Test::Word(s.into()) };
    let check = |filter: Filter, expect: &str| {
        assert_eq!(filter.to_string(), expect);
        assert!(parse(expect).is_ok(), "{expect}");
    };
    check(word(None, "a:b"), "\"a:b\"");
    check(word(None, "and"), "\"and\"");
    check(word(None, "two words"), "\"two words\"");
    check(word(None, "-5"), "\"-5\"");
    check(word(None, "#x"), "*:#x");
    check(word(None, "=x"), "\"=x\"");
    check(word(Some("a b"), "x"), "\"a b\":x");
    check(Filter::And(vec![]), "*");
    check(Filter::Or(vec![]), "!*");
    check(Filter::And(vec![Filter::And(vec![word(None, "a"), word(None, "b")]), word(None, "c")]), "(a b) c");
}

const TEXTS: &[&str] = &[
    "error",
    "foo-bar",
    "two words",
    "and",
    "OR",
    "offset",
    "10",
    "-5",
    "1.5s",
    "a:b",
    "//x",
    ":x",
    "http://h:1/?a=b",
    "\"",
    "\\",
    "\\d+",
    "`",
    "'",
    "don't",
    "错误",
    "é",
    "a,b",
    "(",
    ")",
    "|",
    "#c",
    "a\nb\t\u{7}",
    "*",
    "x*",
    "=",
    "~",
    "!",
    "in",
    "inf",
    "now",
    "by",
    "😀",
    " ",
    "{}",
    "[a]",
    "%20+&;$^",
];

/// Trees in normal form, at random.
struct Generator(Random);

impl Generator {
    fn text(&mut self) -> String {
        let mut text = (*self.0.pick(TEXTS)).to_owned();
        if self.0.below(4) == 0 {
            text.push_str(self.0.pick::<&str>(TEXTS));
        }
        text
    }

    fn filter(&mut self, depth: usize) -> Filter {
        let kind = if depth == 0 { self.0.below(6) } else { self.0.below(10) };
        match kind {
            0 => Filter::Time(self.time()),
            1..=5 => self.one_match(),
            6 => Filter::Not(Box::new(self.filter(depth - 1))),
            7 | 8 => {
                let children = (0..2 + self.0.below(2)).map(|_| self.filter(depth - 1)).collect();
                Filter::and(children)
            }
            _ => {
                let children = (0..2 + self.0.below(2)).map(|_| self.filter(depth - 1)).collect();
                Filter::or(children)
            }
        }
    }

    fn one_match(&mut self) -> Filter {
        let field = if self.0.below(3) == 0 { None } else { Some(self.text()) };
        let test = match self.0.below(if field.is_some() { 11 } else { 7 }) {
            0 => return self.word(field),
            1 => Test::Prefix(self.text()),
            2 => Test::Substring(self.text()),
            3 => Test::Phrase(self.text()),
            4 => Test::Exact(self.text()),
            5 => Test::Regex(self.text()),
            6 => Test::OneOf((0..=self.0.below(3)).map(|_| self.text()).collect()),
            7 => {
                let op = *self.0.pick(&[CompareOp::Gt, CompareOp::Ge, CompareOp::Lt, CompareOp::Le]);
                Test::Compare { op, value: self.scalar() }
            }
            8 => {
                let (low, high) = (self.bound(), self.bound());
                if low.is_none() && high.is_none() { Test::Any } else { Test::Range { low, high } }
            }
            9 => {
                let (a, b) = (self.0.next() as u32, self.0.next() as u32);
                Test::Ipv4Range { low: a.min(b), high: a.max(b) }
            }
            _ => Test::Empty,
        };
        Filter::Match { field, test }
    }

    /// A word the parser itself accepts with this field; any text at all would not be in normal form.
    fn word(&mut self, field: Option<String>) -> Filter {
        loop {
            let word = self.text();
            let prefix = if field.is_some() { "f:" } else { "" };
            let wanted =
                Filter::Match { field: field.as_ref().map(|_| "f".to_owned()), test: Test::Word(word.clone()) };
            if parse(&format!("{prefix}{word}")).is_ok_and(|query| query.pipes.is_empty() && query.filter == wanted) {
                return Filter::Match { field, test: Test::Word(word) };
            }
        }
    }

    fn scalar(&mut self) -> Scalar {
        let wide = self.0.next() as i64 >> self.0.below(60);
        match self.0.below(7) {
            0 => Scalar::Int(wide),
            1 => Scalar::Float(wide as f64 / 1024.0),
            2 => Scalar::Float(f64::from_bits(self.0.next())),
            3 => Scalar::Duration(wide),
            4 => Scalar::Size((wide as u64) << (self.0.below(3) * 10)),
            5 => Scalar::Ip(if wide & 1 == 0 {
                std::net::Ipv4Addr::from(wide as u32).into()
            } else {
                std::net::Ipv6Addr::from(u128::from(self.0.next()) << self.0.below(64)).into()
            }),
            _ => Scalar::Text(self.text()),
        }
    }

    fn bound(&mut self) -> Option<Bound> {
        let inclusive = self.0.below(2) == 0;
        (self.0.below(4) > 0).then(|| Bound { value: self.scalar(), inclusive })
    }

    fn time(&mut self) -> TimeRange {
        let mut point = || {
            let wide = self.0.next() as i64 >> self.0.below(60);
            if self.0.below(2) == 0 { TimePoint::Absolute(wide) } else { TimePoint::Ago(wide.max(-i64::MAX)) }
        };
        let (low, high) = (point(), point());
        match self.0.below(4) {
            0 => TimeRange::Between { low: Some(low), high: Some(high) },
            1 => TimeRange::Between { low: Some(low), high: None },
            2 => TimeRange::Between { low: None, high: Some(high) },
            _ => {
                let positive = |n: u64| (n >> 1 >> 20) as i64 + 1;
                let offset_ns = if self.0.below(2) == 0 { 0 } else { positive(self.0.next()) };
                TimeRange::Last { duration_ns: positive(self.0.next()), offset_ns }
            }
        }
    }

    fn names(&mut self) -> Vec<String> {
        let mut names: Vec<String> = (0..=self.0.below(3)).map(|_| self.text()).collect();
        names.sort();
        names.dedup();
        names
    }

    fn pipe(&mut self) -> Pipe {
        match self.0.below(8) {
            0 => Pipe::Fields(self.names()),
            1 => Pipe::Limit(self.0.next() >> 1),
            2 => Pipe::Offset(self.0.next() >> 40),
            3 => Pipe::Sort(
                self.names().into_iter().map(|field| SortKey { field, desc: self.0.below(2) == 0 }).collect(),
            ),
            4 => Pipe::Top(Top { n: self.0.next() >> 50, fields: self.names() }),
            5 => Pipe::Uniq(Uniq {
                fields: self.names(),
                with_hits: self.0.below(2) == 0,
                limit: (self.0.below(2) == 0).then_some(7),
            }),
            6 => Pipe::Where(self.filter(2)),
            _ => self.stats(),
        }
    }

    fn stats(&mut self) -> Pipe {
        let by = if self.0.below(3) == 0 { vec![] } else { self.names() };
        let by = by.into_iter().map(|field| GroupKey { field, bucket: self.bucket() }).collect();
        let aggregates = (0..=self.0.below(3)).map(|index| self.aggregate(index)).collect();
        Pipe::Stats(Stats { aggregates, by })
    }

    fn bucket(&mut self) -> Option<Bucket> {
        match self.0.below(4) {
            0 => Some(Bucket::Duration((self.0.next() >> 1 >> self.0.below(63)) as i64 | 1)),
            1 => Some(Bucket::Number(((self.0.next() >> 32) + 1) as f64 / 64.0)),
            _ => None,
        }
    }

    fn aggregate(&mut self, index: usize) -> Aggregate {
        let level = self.0.below(1001) as f64 / 1000.0;
        let function = *self.0.pick(&[
            Function::Count,
            Function::CountUniq,
            Function::Sum,
            Function::Avg,
            Function::Min,
            Function::Max,
            Function::Median,
            Function::Quantile(level),
        ]);
        let fields = match function {
            Function::Count if self.0.below(2) == 0 => vec![],
            Function::CountUniq => self.names(),
            _ => vec![self.text()],
        };
        Aggregate { function, fields, alias: format!("{} column {index}", self.text()) }
    }
}

#[test]
fn printed_trees_parse_to_the_same_tree() {
    let mut generator = Generator(Random::new(42));
    let mut kinds = std::collections::HashSet::new();
    for _ in 0..20_000 {
        let filter = generator.filter(4);
        let pipes = (0..generator.0.below(3)).map(|_| generator.pipe()).collect();
        let query = Query { filter, pipes };
        if has_odd_float(&query) {
            continue;
        }
        kinds.insert(std::mem::discriminant(&query.filter));
        assert_round_trip(&query);
    }
    assert!(kinds.len() >= 5, "only {} kinds of filter", kinds.len());
}

/// Random bits may be no number at all, which no text yields.
fn has_odd_float(query: &Query) -> bool {
    let text = format!("{query:?}");
    text.contains("NaN") || text.contains("Float(inf") || text.contains("Float(-inf")
}

#[test]
fn damaged_queries_never_panic_and_point_inside() {
    let mut random = Random::new(3);
    let mut generator = Generator(Random::new(9));
    let mut failures = 0;
    for _ in 0..20_000 {
        let query = Query { filter: generator.filter(3), pipes: vec![generator.pipe()] };
        let mut chars: Vec<char> = query.to_string().chars().collect();
        for _ in 0..=random.below(3) {
            if chars.is_empty() {
                break;
            }
            let at = random.below(chars.len());
            match random.below(3) {
                0 => drop(chars.remove(at)),
                1 => chars.truncate(at),
                _ => chars.insert(at, *random.pick(&['(', ')', '"', ':', '|', '*', '!', '\\', ',', '错', '#', '['])),
            }
        }
        let text: String = chars.into_iter().collect();
        match parse(&text) {
            Ok(query) => assert_round_trip(&query),
            Err(error) => {
                failures += 1;
                assert!(text.is_char_boundary(error.offset), "{text}");
                assert!(error.render(&text).contains('^'));
            }
        }
    }
    assert!(failures > 5_000, "the damage rarely matters: {failures}");
}

/// Every example in the first column of the tables of the user reference is a query.
#[test]
fn examples_of_the_reference_parse() {
    let reference = include_str!("../../../docs/search-language.md");
    let mut section = "";
    let mut examples = 0;
    for line in reference.lines() {
        section = line.strip_prefix("## ").unwrap_or(section);
        let before = match section {
            "Words and phrases" | "Fields" | "Time" => "",
            "Pipes" => "* | ",
            _ => continue,
        };
        let Some(cell) = line.strip_prefix("| `").and_then(|rest| rest.split(" | ").next()) else {
            continue;
        };
        for example in cell.split('`').step_by(2).filter(|span| !span.is_empty()) {
            let functions = example.ends_with(')') && section == "Pipes";
            if example == "where filter" || (functions && !example.contains("by")) {
                continue;
            }
            let text = format!("{before}{example}");
            parse(&text).unwrap_or_else(|error| panic!("{}", error.render(&text)));
            examples += 1;
        }
    }
    assert!(examples > 50, "only {examples} examples were found");
}
