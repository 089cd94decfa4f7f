//! Seeded questions in the search language, with terms drawn mostly from the data.

use clewline_lang::format_time;
use clewline_model::signal::Signal;

use crate::generate::{DataSet, SECOND, SERVICES, T0, WORDS};
use crate::oracle::fields::{hex, text_columns};
use crate::random::Random;
use crate::records::Val;

/// Fields whose values are texts, at least for some records.
const TEXTS: &[&str] = &[
    "http.method",
    "mixed",
    "numtext",
    "client",
    "remark",
    "名前",
    "host.arch",
    "resource.service.name",
    "list",
    "\"http method\"",
    "rare.key",
    "rare.text",
    "scope.lib",
    "blob",
];
const NUMBERS: &[&str] = &[
    "n",
    "latency",
    "num",
    "numtext",
    "mixed",
    "huge",
    "odd",
    "flags",
    "severity_number",
    "duration_ns",
    "process.pid",
    "attributes.n",
];
const KEYS: [&str; 12] =
    ["service", "level", "http.method", "ok", "n", "mixed", "num", "status", "node", "host.arch", "numtext", "名前"];

/// Asks about one data set.
pub(crate) struct Asker<'a> {
    r: Random,
    data: &'a DataSet,
}

/// A text in double quotes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out + "\""
}

/// Bare where that reads as one word, sometimes.
fn written(r: &mut Random, text: &str) -> String {
    let plain = text.chars().all(|c| c.is_alphanumeric() || c == '_') && !text.is_empty();
    let keyword = ["and", "or", "not", "offset"].contains(&text.to_lowercase().as_str());
    if plain && !keyword && r.chance(60) { text.to_owned() } else { quoted(text) }
}

impl<'a> Asker<'a> {
    pub(crate) fn new(seed: u64, data: &'a DataSet) -> Asker<'a> {
        Asker { r: Random::new(seed ^ 0x5eed), data }
    }

    /// A query of any form.
    pub(crate) fn query(&mut self) -> String {
        let depth = self.r.weighted(&[45, 35, 20]);
        let pipes = if self.r.chance(45) { String::new() } else { self.pipes() };
        // What is counted without a condition, or with an easy one, is answered without reading rows.
        let easy = if pipes.contains("stats") || pipes.contains("top") { 30 } else { 6 };
        let filter = match self.r.below(100) {
            dice if dice < easy / 2 => "*".to_owned(),
            dice if dice < easy => self.easy(),
            _ => self.filter(depth),
        };
        format!("{filter}{pipes}")
    }

    pub(crate) fn filter(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.leaf();
        }
        let depth = depth - 1;
        match self.r.weighted(&[40, 30, 20, 10]) {
            0 => format!("{} {}", self.operand(depth), self.operand(depth)),
            1 => format!("{} OR {}", self.filter(depth), self.filter(depth)),
            2 => {
                let not = self.r.choose(&["!", "-", "NOT "]);
                format!("{not}({})", self.filter(depth))
            }
            _ => format!("({}) AND ({})", self.filter(depth), self.filter(depth)),
        }
    }

    /// A condition that holds or fails for whole runs of rows.
    fn easy(&mut self) -> String {
        match self.r.below(5) {
            0 => self.time(),
            1 => self.text_test(),
            _ => {
                let names = ["service", "level", "name", "kind", "status", "node", "http.method", "host.arch"];
                let field = self.r.choose(&names);
                let value = self.whole_value(field);
                format!("{field}:{}{}", self.r.choose(&["=", "=", "", "!="]), quoted(&value))
            }
        }
    }

    fn operand(&mut self, depth: usize) -> String {
        let inner = self.filter(depth);
        if inner.contains(" OR ") { format!("({inner})") } else { inner }
    }

    /// A text of some record: a body, a name or an attribute.
    fn text(&mut self) -> String {
        let record = self.r.pick(&self.data.records);
        let mut texts: Vec<String> = record.texts.values().cloned().collect();
        texts.extend(record.attributes.iter().filter_map(|(_, value)| value.text()));
        let main = if self.data.signal == Signal::Logs { "body" } else { "name" };
        match record.texts.get(main) {
            Some(text) if self.r.chance(60) => text.clone(),
            _ if texts.is_empty() => self.r.choose(&WORDS).to_owned(),
            _ => self.r.pick(&texts).clone(),
        }
    }

    /// A piece of a text of the data: from one character to a few words.
    fn piece(&mut self) -> String {
        let chars: Vec<char> = self.text().chars().collect();
        if chars.is_empty() {
            return self.r.choose(&WORDS).to_owned();
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let at = self.r.below(chars.len());
        let (mut start, mut end) = (at, at + 1);
        match self.r.weighted(&[60, 25, 15]) {
            0 => {
                while start > 0 && is_word(chars[start - 1]) {
                    start -= 1;
                }
                while end < chars.len() && is_word(chars[end]) {
                    end += 1;
                }
                if self.r.chance(25) {
                    end = (end + 1 + self.r.below(8)).min(chars.len());
                }
            }
            1 => end = (at + 1 + self.r.below(6)).min(chars.len()),
            _ => end = (at + 1 + self.r.below(25)).min(chars.len()),
        }
        let mut piece: String = chars[start..end].iter().collect();
        if self.r.chance(25) {
            piece = self.mutated(&piece);
        }
        if piece.trim().is_empty() { "error".to_owned() } else { piece }
    }

    fn mutated(&mut self, text: &str) -> String {
        match self.r.below(5) {
            0 => text.to_uppercase(),
            1 => text.to_lowercase(),
            2 => format!("{text}x"),
            3 => text.chars().skip(1).collect(),
            _ => text.chars().rev().collect(),
        }
    }

    fn term(&mut self) -> String {
        if self.r.chance(15) { self.r.choose(&WORDS).to_owned() } else { self.piece() }
    }

    /// A text test, without a field.
    fn text_test(&mut self) -> String {
        let term = self.term();
        match self.r.weighted(&[40, 15, 15, 12, 10]) {
            0 => written(&mut self.r, &term),
            1 => format!("{}*", written(&mut self.r, &term)),
            2 => format!("*{}*", written(&mut self.r, &term)),
            3 => self.regex(),
            _ => quoted(&term),
        }
    }

    fn regex(&mut self) -> String {
        let literal = regex::escape(&self.piece());
        let source = match self.r.below(8) {
            0 => literal,
            1 => format!("(?i){literal}"),
            2 => format!("^{literal}"),
            3 => format!("{literal}$"),
            4 => r"\d+ms".to_owned(),
            5 => r"[a-c]\d+[x-z]?".to_owned(),
            6 => format!("{literal}|timeout"),
            _ => literal.replace('e', "."),
        };
        format!("~{}", quoted(&source))
    }

    fn text_field(&mut self) -> String {
        if self.r.chance(50) {
            let columns = text_columns(self.data.signal);
            return (self.r.choose(&columns)).to_owned();
        }
        let more = ["_msg", "service.name", "nobody.sent.this"];
        (*if self.r.chance(15) { self.r.pick(&more) } else { self.r.pick(TEXTS) }).to_owned()
    }

    /// The whole value some record has for a field, or nearly.
    fn whole_value(&mut self, field: &str) -> String {
        let record = self.r.pick(&self.data.records);
        let name = field.trim_matches('"');
        let all = record.attributes.iter().chain(&record.resource).chain(&record.scope);
        let known = record
            .texts
            .get(name)
            .cloned()
            .or_else(|| all.filter(|(key, _)| name.ends_with(key.as_str())).find_map(|(_, value)| value.text()));
        match known {
            Some(value) if self.r.chance(85) && !value.is_empty() => value,
            _ => self.term(),
        }
    }

    fn number(&mut self) -> String {
        match self.r.below(12) {
            0..=5 => self.r.between(-6, 60).to_string(),
            6 => format!("{}", self.r.between(-9, 9) as f64 / 4.0),
            7 => self
                .r
                .choose(&["1e6", "1e30", "-1e30", "9007199254740993", "9007199254740992", "0.5", "3.0", "1e19"])
                .to_owned(),
            8 => self.r.choose(&["10ms", "1.5s", "5m", "1us", "1m"]).to_owned(),
            9 => self.r.choose(&["10KiB", "1KB", "7B"]).to_owned(),
            _ => i64::MAX.to_string(),
        }
    }

    fn leaf(&mut self) -> String {
        match self.r.weighted(&[30, 22, 10, 14, 5, 6, 6, 3, 2, 2]) {
            0 => self.text_test(),
            1 => format!("{}:{}", self.text_field(), self.text_test()),
            2 => self.whole(),
            3 => self.comparison(),
            4 => self.id(),
            5 => self.time(),
            6 => {
                let field = if self.r.chance(50) { self.text_field() } else { self.r.choose(NUMBERS).to_owned() };
                format!("{field}:{}", if self.r.chance(50) { "*" } else { "\"\"" })
            }
            7 => {
                let network = self.r.choose(&["\"10.0.0.0/8\"", "10.0.0.1, 10.0.0.9", "\"192.168.0.0/16\""]);
                format!("{}:ipv4_range({network})", self.r.pick(&["client", "node", "numtext"]))
            }
            8 => {
                let field = self.text_field();
                format!("{field}:({} OR {} !{})", self.text_test(), self.text_test(), self.text_test())
            }
            _ => format!("{}:{}", self.r.pick(NUMBERS), self.text_test()),
        }
    }

    /// `=`, `!=` and `in`.
    fn whole(&mut self) -> String {
        let field = match self.r.below(10) {
            0..=6 => self.text_field(),
            7 => "ok".to_owned(),
            _ => self.r.choose(NUMBERS).to_owned(),
        };
        let value = self.whole_value(&field);
        match self.r.weighted(&[45, 15, 30, 10]) {
            0 => format!("{field}:={}", written(&mut self.r, &value)),
            1 => format!("{field}:!={}", written(&mut self.r, &value)),
            2 => {
                let other = self.whole_value(&field);
                format!("{field}:in({}, {})", quoted(&value), quoted(&other))
            }
            _ => format!("={}", quoted(&value)),
        }
    }

    fn comparison(&mut self) -> String {
        let field = self.r.choose(NUMBERS);
        let op = self.r.choose(&[">", ">=", "<", "<="]);
        match self.r.weighted(&[45, 20, 15, 10, 10]) {
            0 => format!("{field}:{op}{}", self.number()),
            1 => {
                let (open, close) = (self.r.choose(&["[", "("]), self.r.choose(&["]", ")"]));
                let low = if self.r.chance(20) { "*".to_owned() } else { self.number() };
                format!("{field}:range{open}{low}, {}{close}", self.number())
            }
            2 => format!("{field}:{}", self.number()),
            3 => {
                let field = self.text_field();
                let value = self.whole_value(&field);
                format!("{field}:{op}{}", quoted(&value))
            }
            _ => format!("{}:{op}{}", self.r.pick(&["client", "node"]), self.r.pick(&["10.0.0.9", "10.0.0.10", "::1"])),
        }
    }

    fn id(&mut self) -> String {
        let record = self.r.pick(&self.data.records);
        let trace = self.r.chance(70);
        let id = if trace { hex(&record.trace_id) } else { hex(&record.span_id) };
        let field = if trace { "trace_id" } else { "span_id" };
        match self.r.below(8) {
            0 => id,
            1 => format!("{field}:{}", id.to_uppercase()),
            2 => format!("{field}:={id}"),
            3 => format!("{field}:{}*", &id[..6]),
            4 => format!("*{}*", &id[3..9]),
            5 => format!("{field}:in({id}, ffffffffffffffffffffffffffffffff, nonsense)"),
            6 => format!("{field}:*"),
            _ => format!("{field}:{}", &id[1..]),
        }
    }

    fn moment(&mut self) -> i64 {
        if self.r.chance(50) { self.r.pick(&self.data.records).time } else { T0 + self.r.between(-10, 3_700) * SECOND }
    }

    fn time(&mut self) -> String {
        let (a, b) = (self.moment(), self.moment());
        let (low, high) = (format_time(a.min(b)), format_time(a.max(b)));
        match self.r.below(9) {
            0 => format!("_time:[{low}, {high})"),
            1 => format!("_time:[{low}, {high}]"),
            2 => format!("_time:>={low}"),
            3 => format!("_time:<{high}"),
            4 => (self.r.choose(&["_time:2026-05-28", "_time:2026-05", "_time:1969", "_time:2026-05-28T20:27"]))
                .to_owned(),
            5 => self.r.choose(&["_time:10m", "_time:2h offset 10m", "_time:2d", "_time:>1h", "_time:<3d"]).to_owned(),
            6 => format!("time:>{}", quoted(&low)),
            7 if self.data.signal == Signal::Logs => {
                format!("observed_time:{}{}", self.r.pick(&["<", ">="]), quoted(&format_time(T0 + 200 * SECOND)))
            }
            _ => format!("!_time:[{low}, {high})"),
        }
    }

    fn key(&mut self) -> String {
        self.r.choose(&KEYS).to_owned()
    }

    /// Up to three fields, none twice.
    fn keys(&mut self, most: usize) -> Vec<String> {
        let mut keys = vec![self.key()];
        for _ in 1..=self.r.below(most) {
            let next = self.key();
            if !keys.contains(&next) {
                keys.push(next);
            }
        }
        keys
    }

    fn pipes(&mut self) -> String {
        match self.r.weighted(&[40, 12, 12, 14, 10, 6, 6]) {
            0 => self.stats(),
            1 => {
                let limit = if self.r.chance(30) { " limit 3" } else { "" };
                let hits = if self.r.chance(50) { " with hits" } else { "" };
                format!(" | uniq by ({}){hits}{limit}", self.keys(3).join(", "))
            }
            2 => format!(" | top {} by ({})", self.r.between(1, 12), self.keys(2).join(", ")),
            3 => {
                let keys = self.keys(3);
                let by: Vec<String> =
                    keys.iter().map(|key| format!("{key}{}", if self.r.chance(40) { " desc" } else { "" })).collect();
                let (a, b) = (self.r.between(0, 5), self.r.between(1, 40));
                let offset = if self.r.chance(30) { format!(" | offset {a}") } else { String::new() };
                format!(" | fields {} | sort by ({}){offset} | limit {b}", keys.join(", "), by.join(", "))
            }
            4 => format!(" | fields {}, _time", self.keys(3).join(", ")),
            5 => format!(" | limit {}", self.r.between(1, 50)),
            _ => {
                let key = self.key();
                format!(" | where {} | sort by ({key} desc) | limit {}", self.filter(1), self.r.between(1, 60))
            }
        }
    }

    fn stats(&mut self) -> String {
        let mut by = Vec::new();
        if self.r.chance(75) {
            by = self.keys(2);
        }
        if self.r.chance(25) {
            by.push(format!("_time:{}", self.r.pick(&["1m", "1h", "day", "17s"])));
        }
        if self.r.chance(15) && !by.contains(&"n".to_owned()) {
            by.push(format!("n:{}", self.r.pick(&["10", "0.5", "7"])));
        }
        if self.r.chance(8) {
            return format!(" | stats {}", self.r.choose(&["count_uniq(trace_id)", "count_uniq(span_id)", "count()"]));
        }
        let mut functions = vec!["count() as c".to_owned()];
        if self.data.signal == Signal::Spans && self.r.chance(30) {
            functions.push("quantile(0.9, duration_ns), median(duration_ns)".to_owned());
        }
        let more = if self.r.chance(40) { 0 } else { self.r.below(4) };
        for _ in 0..more {
            let number = self.r.choose(&["n", "latency", "num", "flags", "ok", "numtext", "mixed"]);
            let any = self.r.choose(&["trace_id", "service", "mixed", "remark", "client", "level", "n", "ok"]);
            let next = match self.r.below(9) {
                0 | 1 => format!("sum({number})"),
                2 => format!("avg({number})"),
                3 => format!("min({number})"),
                4 => format!("max({number})"),
                5 => format!("count({any})"),
                6 => format!("count_uniq({any})"),
                7 => format!("count_uniq({any}, {})", self.key()),
                _ => format!("quantile(0.9, {})", self.r.pick(&["n", "latency", "num"])),
            };
            if !functions.contains(&next) {
                functions.push(next);
            }
        }
        let after = match self.r.below(10) {
            0 => format!(" | where c:>{}", self.r.between(0, 5)),
            1 if !by.is_empty() => {
                let key = by[0].split(':').next().unwrap_or("").to_owned();
                if key == "_time" { String::new() } else { format!(" | where {key}:{}", self.text_test()) }
            }
            2 if !by.is_empty() => {
                let key = by[0].split(':').next().unwrap_or("").to_owned();
                let value = quoted(self.r.choose(&SERVICES[..5]));
                if key == "_time" { String::new() } else { format!(" | where {key}:>{value}") }
            }
            3 => " | sort by (c desc)".to_owned(),
            4 => " | sort by (c desc) | where c:>1".to_owned(),
            _ => String::new(),
        };
        let by = if by.is_empty() { String::new() } else { format!("by ({}) ", by.join(", ")) };
        format!(" | stats {by}{}{after}", functions.join(", "))
    }

    /// A value of an attribute or column, for SQL; the generator of conditions picks the type.
    pub(crate) fn value_of(&mut self, name: &str) -> Option<Val> {
        let record = self.r.pick(&self.data.records);
        let text = record.texts.get(name).map(|text| Val::Text(text.clone()));
        text.or_else(|| record.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
    }

    /// A piece of the data's texts, for SQL.
    pub(crate) fn sql_piece(&mut self) -> String {
        self.piece()
    }

    /// Records of the data set.
    pub(crate) fn records(&self) -> usize {
        self.data.records.len()
    }

    pub(crate) fn random(&mut self) -> &mut Random {
        &mut self.r
    }
}
