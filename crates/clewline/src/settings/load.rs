//! Joins flags, environment, file and defaults.

use std::fmt;

use toml::de::{DeTable, DeValue};

use super::value::{Kind, TenantRule, Value};
use super::{TABLE, index_of, variable_of};

/// Variables with our prefix that are no settings: those of the client commands, the place of the file.
const OTHER_VARIABLES: [&str; 3] = ["CLEWLINE_SERVER", "CLEWLINE_TENANT", "CLEWLINE_CONFIG"];

/// Who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    /// Path and line.
    File(String, usize),
    /// The variable.
    Environment(String),
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => write!(f, "default"),
            Origin::File(path, line) => write!(f, "{path} line {line}"),
            Origin::Environment(variable) => write!(f, "environment {variable}"),
            Origin::Flag => write!(f, "flag"),
        }
    }
}

/// Where values come from.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Names and texts.
    pub(crate) flags: Vec<(&'static str, String)>,
    /// All variables of the process.
    pub(crate) environment: Vec<(String, String)>,
    /// Path and text.
    pub(crate) file: Option<(String, String)>,
}

/// A chosen value.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) value: Value,
    /// As it was written.
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// All settings with their values, in the order of [`TABLE`].
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) chosen: Vec<Chosen>,
}

impl Settings {
    fn value(&self, name: &str) -> &Value {
        let index = index_of(name).expect("settings are asked for by names of the table");
        &self.chosen[index].value
    }

    /// A path, address, name or word.
    pub(crate) fn text(&self, name: &str) -> String {
        if let Value::Text(text) = self.value(name) { text.clone() } else { String::new() }
    }

    /// A count, bytes or seconds.
    pub(crate) fn number(&self, name: &str) -> u64 {
        if let Value::Number(number) = self.value(name) { *number } else { 0 }
    }

    /// As [`Self::number`].
    pub(crate) fn size(&self, name: &str) -> usize {
        usize::try_from(self.number(name)).unwrap_or(usize::MAX)
    }

    /// A flag.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.value(name), Value::Flag(true))
    }

    /// Seconds, or for ever.
    pub(crate) fn age(&self, name: &str) -> Option<u64> {
        if let Value::Age(age) = self.value(name) { *age } else { None }
    }
}

impl Settings {
    /// Bytes, or any number.
    pub(crate) fn limit(&self, name: &str) -> Option<u64> {
        if let Value::Limit(limit) = self.value(name) { *limit } else { None }
    }

    /// Rules of tenants.
    pub(crate) fn rules(&self, name: &str) -> &[TenantRule] {
        if let Value::Tenants(rules) = self.value(name) { rules } else { &[] }
    }
}

/// Joins the sources; all that is wrong is told at once, one line each.
pub(crate) fn load(sources: &Sources) -> Result<Settings, Vec<String>> {
    let mut errors = Vec::new();
    let mut chosen: Vec<Chosen> = Vec::with_capacity(TABLE.len());
    for setting in TABLE {
        let value = setting.kind.parse(setting.default).expect("a test parses every default");
        chosen.push(Chosen { value, text: setting.default.to_owned(), origin: Origin::Default });
    }
    let mut choose = |index: usize, text: String, origin: Origin, errors: &mut Vec<String>| {
        let name = TABLE[index].name;
        match TABLE[index].kind.parse(&text) {
            Ok(value) => chosen[index] = Chosen { value, text, origin },
            Err(message) => errors.push(match &origin {
                Origin::Flag => format!("--{name}: {message}"),
                Origin::File(path, line) => format!("{path} line {line}: {name}: {message}"),
                Origin::Environment(variable) => format!("{variable}: {message}"),
                Origin::Default => message,
            }),
        }
    };
    if let Some((path, text)) = &sources.file {
        for (name, text, line) in file_entries(path, text, &mut errors) {
            match index_of(&name) {
                Some(index) => choose(index, text, Origin::File(path.clone(), line), &mut errors),
                None => errors.push(format!("{path} line {line}: there is no setting {name}{}", suggestion(&name))),
            }
        }
    }
    for (variable, text) in &sources.environment {
        match variable_entry(variable) {
            Entry::Setting(index) => {
                choose(index, text.clone(), Origin::Environment(variable.clone()), &mut errors);
            }
            Entry::Unknown(hint) => errors.push(format!("{variable}: there is no such setting{hint}")),
            Entry::Other => {}
        }
    }
    for (name, text) in &sources.flags {
        if let Some(index) = index_of(name) {
            choose(index, text.clone(), Origin::Flag, &mut errors);
        }
    }
    if errors.is_empty() { Ok(Settings { chosen }) } else { Err(errors) }
}

/// What a variable is.
enum Entry {
    Setting(usize),
    Unknown(String),
    Other,
}

/// A variable with our prefix and two underscores names a setting. One without may belong to somebody else and is only
/// refused when it looks like a setting written wrongly.
fn variable_entry(variable: &str) -> Entry {
    if !variable.starts_with("CLEWLINE_") || OTHER_VARIABLES.contains(&variable) {
        return Entry::Other;
    }
    if let Some(index) = TABLE.iter().position(|setting| variable_of(setting.name) == variable) {
        return Entry::Setting(index);
    }
    let names: Vec<String> = TABLE.iter().map(|setting| variable_of(setting.name)).collect();
    let flat = |name: &str| name.replace("__", "_");
    let nearest = names.iter().min_by_key(|name| distance(&flat(name), &flat(variable)));
    match nearest.filter(|name| distance(&flat(name), &flat(variable)) <= 3) {
        Some(name) => Entry::Unknown(format!("; did you mean {name}?")),
        None if variable.contains("__") => Entry::Unknown("; `clewline config print` lists all".to_owned()),
        None => Entry::Other,
    }
}

/// The entries of a TOML file as names, texts and lines.
fn file_entries(path: &str, text: &str, errors: &mut Vec<String>) -> Vec<(String, String, usize)> {
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            errors.push(format!("{path} line {line}: this is not TOML: {}", error.message()));
            return Vec::new();
        }
    };
    let mut entries = Vec::new();
    walk(table.get_ref(), "", &mut |name, start, value| {
        let line = line_of(text, start);
        match value {
            DeValue::String(text) => entries.push((name, text.to_string(), line)),
            DeValue::Integer(number) => entries.push((name, number.to_string(), line)),
            DeValue::Float(number) => entries.push((name, number.to_string(), line)),
            DeValue::Boolean(flag) => entries.push((name, flag.to_string(), line)),
            _ => errors.push(format!("{path} line {line}: {name}: a text, a number, true or false was expected")),
        }
    });
    join_tables(entries)
}

/// Joins the tables of tenants into the one text of their setting: `[retention.tenants.acme]`, `logs = "7d"` is
/// `acme.logs=7d`.
fn join_tables(entries: Vec<(String, String, usize)>) -> Vec<(String, String, usize)> {
    let tables: Vec<&str> =
        TABLE.iter().filter(|setting| setting.kind == Kind::Tenants).map(|setting| setting.name).collect();
    let mut joined: Vec<(String, String, usize)> = Vec::with_capacity(entries.len());
    for (name, text, line) in entries {
        let inside = tables.iter().find_map(|table| Some((*table, name.strip_prefix(table)?.strip_prefix('.')?)));
        let Some((table, place)) = inside else {
            joined.push((name, text, line));
            continue;
        };
        let rule = format!("{place}={text}");
        match joined.iter_mut().find(|(known, ..)| known == table) {
            Some((_, rules, _)) => {
                rules.push_str(", ");
                rules.push_str(&rule);
            }
            None => joined.push((table.to_owned(), rule, line)),
        }
    }
    joined
}

fn walk(table: &DeTable<'_>, prefix: &str, entry: &mut impl FnMut(String, usize, &DeValue<'_>)) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.get_ref().to_string() } else { format!("{prefix}.{}", key.get_ref()) };
        match value.get_ref() {
            DeValue::Table(inner) => walk(inner, &name, entry),
            other => entry(name, key.span().start, other),
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// `; did you mean …?` where a name is near.
fn suggestion(name: &str) -> String {
    let key = |name: &str| name.rsplit('.').next().unwrap_or("").to_owned();
    let near =
        |setting: &&super::Setting| distance(setting.name, name).min(1 + distance(&key(setting.name), &key(name)));
    match TABLE.iter().min_by_key(near).filter(|setting| near(setting) <= 3) {
        Some(setting) => format!("; did you mean {}?", setting.name),
        None => "; `clewline config print` lists all".to_owned(),
    }
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(flags: &[(&'static str, &str)], environment: &[(&str, &str)], file: &str) -> Sources {
        Sources {
            flags: flags.iter().map(|(name, text)| (*name, (*text).to_owned())).collect(),
            environment: environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
            file: Some(("c.toml".to_owned(), file.to_owned())),
        }
    }

    #[test]
    fn flag_beats_environment_beats_file_beats_default() {
        let file = "[listen]\nhttp = \"a:1\"\notlp_http = \"a:2\"\n[listen.nothing]\n[query]\ntimeout_s = 7\n[wal]\nfsync = false\n";
        let environment = [("CLEWLINE_LISTEN__HTTP", "b:1"), ("CLEWLINE_LISTEN__OTLP_HTTP", "b:2"), ("PATH", "x")];
        let settings = load(&sources(&[("listen.http", "c:1")], &environment, file)).unwrap();
        assert_eq!(settings.text("listen.http"), "c:1");
        assert_eq!(settings.text("listen.otlp_http"), "b:2");
        assert_eq!(settings.number("query.timeout_s"), 7);
        assert!(!settings.flag("wal.fsync"));
        assert_eq!(settings.text("listen.raw_tcp"), "127.0.0.1:8080");
        let origin = |name| settings.chosen[index_of(name).unwrap()].origin.to_string();
        assert_eq!(origin("listen.http"), "flag");
        assert_eq!(origin("listen.otlp_http"), "environment CLEWLINE_LISTEN__OTLP_HTTP");
        assert_eq!(origin("query.timeout_s"), "c.toml line 6");
        assert_eq!(origin("listen.raw_tcp"), "default");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let table: [(&[(&str, &str)], &str, &str); 9] = [
            (
                &[],
                "[listen]\nhtp = \"a:1\"",
                "c.toml line 2: there is no setting listen.htp; did you mean listen.http?",
            ),
            (&[], "[lisen]\nhttp = \"a:1\"", "did you mean listen.http?"),
            (
                &[],
                "[query]\n\ntimeout_s = \"soon\"",
                "c.toml line 3: query.timeout_s: `soon` cannot be used; expected a length of time",
            ),
            (
                &[],
                "[query]\ntimeout_s = []",
                "c.toml line 2: query.timeout_s: a text, a number, true or false was expected",
            ),
            (&[], "[query\n", "c.toml line 1: this is not TOML"),
            (&[], "[zebra]\nx = 1", "there is no setting zebra.x; `clewline config print` lists all"),
            (&[("CLEWLINE_LISTEN_HTTP", "a:1")], "", "did you mean CLEWLINE_LISTEN__HTTP?"),
            (&[("CLEWLINE_ZEBRA__X", "1")], "", "CLEWLINE_ZEBRA__X: there is no such setting"),
            (
                &[("CLEWLINE_WAL__FSYNC", "maybe")],
                "",
                "CLEWLINE_WAL__FSYNC: `maybe` cannot be used; expected true or false",
            ),
        ];
        for (environment, file, expect) in table {
            let errors = load(&sources(&[], environment, file)).unwrap_err();
            assert!(errors.len() == 1 && errors[0].contains(expect), "{errors:?} should say {expect}");
        }
        let errors = load(&sources(&[("listen.http", "x")], &[], "a = 1")).unwrap_err();
        assert_eq!(errors.len(), 2);
        assert!(errors[1].starts_with("--listen.http: `x` cannot be used; expected HOST:PORT"), "{errors:?}");
    }

    #[test]
    fn tables_of_tenants_are_one_setting() {
        let file = "[retention]\nlogs = \"30d\"\n[retention.tenants.acme]\nlogs = \"7d\"\nspans_bytes_max = \"1GiB\"\n\
                    [retention.tenants.\"a.b\"]\nmetrics = \"none\"\n";
        let settings = load(&sources(&[], &[], file)).unwrap();
        let rules = settings.rules("retention.tenants");
        let mut shown: Vec<String> = rules.iter().map(|rule| format!("{} {}", rule.tenant, rule.signal)).collect();
        shown.sort();
        assert_eq!(shown, ["a.b metrics", "acme logs", "acme spans"]);
        assert_eq!(
            (settings.age("retention.logs"), settings.limit("retention.logs_bytes_max")),
            (Some(2_592_000), None)
        );
        let flags = [("retention.tenants", "x.logs=1d")];
        let settings = load(&sources(&flags, &[], file)).unwrap();
        assert_eq!(settings.rules("retention.tenants").len(), 1, "a flag replaces the tables");
        let errors = load(&sources(&[], &[], "[retention.tenants.acme]\nlog = \"7d\"")).unwrap_err();
        assert!(errors[0].contains("c.toml line 2") && errors[0].contains("no such key"), "{errors:?}");
    }

    #[test]
    fn variables_of_others_are_left_alone() {
        let others = [("CLEWLINE_SERVER", "x"), ("CLEWLINE_BIN", "x"), ("CLEWLINEX", "x")];
        assert!(load(&sources(&[], &others, "")).is_ok());
    }
}
