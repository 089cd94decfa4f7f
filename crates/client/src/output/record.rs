//! Records as a person reads them: which members become columns, and a log or span on one line.

use super::Row;
use crate::terminal::{Style, Terminal, escape, level_style};
use crate::time;
use serde_json::Value;

/// Members of a log row that a table does not repeat: they are shown otherwise or only matter to programs.
const LOG_HIDDEN: [&str; 9] = [
    "severity_number",
    "severity_text",
    "template_id",
    "resource",
    "scope_name",
    "span_id",
    "event_name",
    "attributes",
    "node",
];
/// Members of a span row that a table does not show.
const SPAN_HIDDEN: [&str; 8] =
    ["resource", "events", "links", "trace_state", "parent_span_id", "attributes", "scope_name", "span_id"];

/// A value as plain text: strings as they are, everything else as JSON.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A record as table cells: times shortened, durations readable, attributes joined into one cell. Rows of pipes and of
/// SQL pass through.
pub(crate) fn flatten(mut row: Row) -> Row {
    let is_log = ["body", "time"].iter().all(|name| row.contains_key(*name))
        && ["resource", "service", "severity_number", "template_id"].iter().any(|name| row.contains_key(*name));
    let is_span = row.contains_key("duration_ns") && row.contains_key("span_id");
    let attributes = attributes_line(&row);
    if is_log {
        return log_cells(&row, &attributes);
    }
    if is_span {
        let duration = row.get("duration_ns").and_then(Value::as_f64).map(time::duration);
        row.retain(|name, _| !SPAN_HIDDEN.contains(&name.as_str()) && name != "duration_ns");
        shorten_time(&mut row);
        row.insert("duration".into(), Value::String(duration.unwrap_or_default()));
        row.insert("attributes".into(), Value::String(attributes));
        return row;
    }
    row
}

fn log_cells(row: &Row, attributes: &str) -> Row {
    let mut cells = Row::new();
    for name in ["time", "level", "service", "body", "trace_id"] {
        cells.insert(name.into(), row.get(name).cloned().unwrap_or(Value::Null));
    }
    if row.get("service").is_none() {
        cells.insert("service".into(), row.get("node").cloned().unwrap_or(Value::Null));
    }
    shorten_time(&mut cells);
    let extra = row.iter().filter(|(name, _)| !cells.contains_key(*name) && !LOG_HIDDEN.contains(&name.as_str()));
    let extra: Vec<(String, Value)> = extra.map(|(name, value)| (name.clone(), value.clone())).collect();
    cells.extend(extra);
    cells.insert("attributes".into(), Value::String(attributes.to_string()));
    cells
}

fn shorten_time(row: &mut Row) {
    if let Some(Value::String(text)) = row.get_mut("time") {
        *text = time::short(text);
    }
}

/// `name=value name=value` of a row's attributes.
fn attributes_line(row: &Row) -> String {
    match row.get("attributes") {
        Some(Value::Object(attributes)) => pairs(attributes),
        _ => String::new(),
    }
}

/// `name=value name=value`.
pub(crate) fn pairs(attributes: &Row) -> String {
    attributes.iter().map(|(name, value)| format!("{name}={}", text_of(value))).collect::<Vec<_>>().join(" ")
}

/// One record on one line, as `tail` prints it: time, level, service, text, attributes.
pub(crate) fn one_line(row: &Row, terminal: &Terminal) -> String {
    let member = |name: &str| row.get(name).map(text_of).unwrap_or_default();
    let level = member("level");
    let mut line = terminal.paint(Style::Dim, &escape(&time::short(&member("time"))));
    let label = format!("{:5}", if level.is_empty() { "-" } else { &level });
    line.push(' ');
    line.push_str(&level_style(&level).map_or_else(|| escape(&label), |style| terminal.paint(style, &escape(&label))));
    let service = if row.contains_key("service") { member("service") } else { member("node") };
    if !service.is_empty() {
        line.push(' ');
        line.push_str(&terminal.paint(Style::Name, &escape(&service)));
    }
    let is_span = row.contains_key("duration_ns");
    line.push(' ');
    line.push_str(&escape(&if row.contains_key("body") { member("body") } else { member("name") }));
    if is_span {
        let duration = row.get("duration_ns").and_then(Value::as_f64).unwrap_or_default();
        line.push(' ');
        line.push_str(&time::duration(duration));
        if member("status") == "error" {
            line.push(' ');
            line.push_str(&terminal.paint(Style::Error, &escape(&format!("error {}", member("status_message")))));
        }
    } else if let Some(value) = row.get("value") {
        line.push(' ');
        line.push_str(&escape(&text_of(value)));
    }
    let attributes = attributes_line(row);
    if !attributes.is_empty() {
        line.push(' ');
        line.push_str(&terminal.paint(Style::Dim, &escape(&attributes)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(value: Value) -> Row {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_log_on_one_line_is_escaped() {
        let log = row(
            json!({"time":"2026-11-24T02:00:00.5Z","service":"cart","level":"warn","body":"low\x1b[2J","attributes":{"n":3}}),
        );
        assert_eq!(one_line(&log, &Terminal::plain()), "2026-11-24 02:00:00.500 warn  cart low\\u{1b}[2J n=3");
    }

    #[test]
    fn a_span_on_one_line() {
        let span = row(
            json!({"time":"2026-11-24T02:00:00Z","duration_ns":1500000,"service":"a","name":"GET /","status":"error","status_message":"boom","span_id":"1"}),
        );
        assert_eq!(one_line(&span, &Terminal::plain()), "2026-11-24 02:00:00.000 -     a GET / 1.5ms error boom");
    }

    #[test]
    fn cells_of_a_log_and_of_a_pipe() {
        let log = row(
            json!({"time":"2026-11-24T02:00:00Z","body":"x","service":"s","resource":{"a":1},"severity_number":9,"attributes":{"k":"v"}}),
        );
        let names: Vec<String> = flatten(log).keys().cloned().collect();
        assert_eq!(names, ["time", "level", "service", "body", "trace_id", "attributes"]);
        let counts = row(json!({"service":"s","count()":3}));
        assert_eq!(flatten(counts.clone()), counts);
    }
}
