//! A trace drawn as text: guides, service, name, duration, and a bar that shows when in the trace it happened.

use crate::output::{record, width};
use crate::terminal::{Style, Terminal, escape, level_style};
use crate::time;
use serde_json::{Map, Value};

/// Columns of the bar.
const BAR: usize = 24;
/// Columns of the duration.
const DURATION: usize = 8;

/// What to show besides the spans.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Show {
    /// Span events and correlated logs.
    pub(crate) logs: bool,
    /// Span attributes.
    pub(crate) attributes: bool,
}

/// The lines of a trace as the server describes it.
pub(crate) fn render(trace: &Value, show: Show, terminal: &Terminal) -> Vec<String> {
    let spans: Vec<&Value> = trace.get("spans").and_then(Value::as_array).into_iter().flatten().collect();
    let logs: Vec<&Value> = trace.get("logs").and_then(Value::as_array).into_iter().flatten().collect();
    let mut lines = header(trace, logs.len(), terminal);
    let total_ns = number(trace, "duration_ns").max(1.0);
    let depths: Vec<u64> = spans.iter().map(|span| span.get("depth").and_then(Value::as_u64).unwrap_or(0)).collect();
    let text_width = terminal.width.saturating_sub(BAR + DURATION + 4).max(24);
    let mut shown_logs = vec![false; logs.len()];
    for (index, span) in spans.iter().enumerate() {
        let (branch, below) = guides(&depths, index);
        lines.push(span_line(span, &branch, total_ns, text_width, terminal));
        let detail = |text: String, style: Option<Style>| {
            let room = terminal.width.saturating_sub(width::of(&below) + 2).max(20);
            let text = width::cut(&escape(&text), room);
            let text = style.map_or_else(|| text.clone(), |style| terminal.paint(style, &text));
            format!("{}  {text}", terminal.paint(Style::Dim, &below))
        };
        let message = string(span, "status_message");
        if string(span, "status") == "error" && !message.is_empty() {
            lines.push(detail(format!("✗ {message}"), Some(Style::Error)));
        }
        if span.get("missing_parent").and_then(Value::as_bool) == Some(true) {
            lines.push(detail("its parent was not received".into(), Some(Style::Warn)));
        }
        if show.attributes
            && let Some(Value::Object(attributes)) = span.get("attributes")
        {
            lines.extend(
                attributes
                    .iter()
                    .map(|(name, value)| detail(format!("{name}={}", record::text_of(value)), Some(Style::Dim))),
            );
        }
        if show.logs {
            lines.extend(event_texts(span).into_iter().map(|text| detail(text, None)));
            for (at, log) in logs.iter().enumerate() {
                if !shown_logs[at] && string(log, "span_id") == string(span, "span_id") {
                    shown_logs[at] = true;
                    let level = string(log, "level");
                    lines.push(detail(log_text(log), level_style(&level).filter(|_| level != "info")));
                }
            }
        }
    }
    let left: Vec<&&Value> = logs.iter().zip(&shown_logs).filter(|(_, shown)| !**shown).map(|(log, _)| log).collect();
    if show.logs && !left.is_empty() {
        lines.push(terminal.paint(Style::Strong, "logs of the trace outside these spans"));
        let empty = Map::new();
        lines.extend(left.iter().map(|log| record::one_line(log.as_object().unwrap_or(&empty), terminal)));
    }
    lines
}

fn header(trace: &Value, logs: usize, terminal: &Terminal) -> Vec<String> {
    let errors = number(trace, "error_count");
    let mut first = format!(
        "trace {}  {}  {}  {} spans",
        terminal.paint(Style::Strong, &escape(&string(trace, "trace_id"))),
        escape(&time::short(&string(trace, "start"))),
        time::duration(number(trace, "duration_ns")),
        number(trace, "span_count"),
    );
    if errors > 0.0 {
        first.push_str(&format!("  {}", terminal.paint(Style::Error, &format!("{errors} errors"))));
    }
    if logs > 0 {
        first.push_str(&format!("  {logs} logs"));
    }
    let services = trace.get("services").and_then(Value::as_array).into_iter().flatten().map(|service| {
        let name = terminal.paint(Style::Name, &escape(&string(service, "service")));
        format!("{name} {}", time::duration(number(service, "self_time_ns")))
    });
    let mut lines = vec![first];
    let services = services.collect::<Vec<_>>().join("  ");
    if !services.is_empty() {
        lines.push(format!("self time  {services}"));
    }
    for problem in trace.get("problems").and_then(Value::as_array).into_iter().flatten() {
        lines.push(terminal.paint(Style::Warn, &format!("! {}", escape(&record::text_of(problem)))));
    }
    lines
}

fn span_line(span: &Value, branch: &str, total_ns: f64, text_width: usize, terminal: &Terminal) -> String {
    let failed = string(span, "status") == "error";
    let service = escape(&string(span, "service"));
    let name = escape(&string(span, "name"));
    let room = text_width.saturating_sub(width::of(branch));
    let service = width::cut(&service, room);
    let name = width::cut(&name, room.saturating_sub(width::of(&service) + 1));
    let used = width::of(branch) + width::of(&service) + 1 + width::of(&name);
    let style = if failed { Style::Error } else { Style::Name };
    let name = if failed { terminal.paint(Style::Error, &name) } else { name };
    let duration = time::duration(number(span, "duration_ns"));
    let pad = DURATION.saturating_sub(width::of(&duration));
    let bar = bar(number(span, "start_offset_ns") / total_ns, number(span, "duration_ns") / total_ns);
    format!(
        "{}{} {name}{}  {}{duration}  {}",
        terminal.paint(Style::Dim, branch),
        terminal.paint(style, &service),
        " ".repeat(text_width.saturating_sub(used)),
        " ".repeat(pad),
        if failed { terminal.paint(Style::Error, &bar) } else { terminal.paint(Style::Good, &bar) },
    )
    .trim_end()
    .to_string()
}

/// A bar of [`BAR`] columns for a part of the trace, both ends as fractions; at least one mark.
fn bar(offset: f64, length: f64) -> String {
    let scale = BAR as f64;
    let start = ((offset.clamp(0.0, 1.0) * scale).floor() as usize).min(BAR - 1);
    let marks = ((length.clamp(0.0, 1.0) * scale).round() as usize).clamp(1, BAR - start);
    format!("{}{}", " ".repeat(start), "━".repeat(marks))
}

/// The guide in front of a span, and the guide of the lines below it. Spans come in pre-order.
fn guides(depths: &[u64], index: usize) -> (String, String) {
    let depth = depths[index];
    // Whether another span of `level` follows before the tree climbs above it.
    let goes_on =
        |level: u64| depths.iter().skip(index + 1).find(|next| **next <= level).is_some_and(|next| *next == level);
    let mut branch = String::new();
    for level in 1..depth {
        branch.push_str(if goes_on(level) { "│ " } else { "  " });
    }
    let mut below = branch.clone();
    if depth > 0 {
        branch.push_str(if goes_on(depth) { "├─" } else { "└─" });
        below.push_str(if goes_on(depth) { "│ " } else { "  " });
    }
    let has_children = depths.get(index + 1).is_some_and(|next| *next > depth);
    below.push_str(if has_children { "│" } else { " " });
    (branch, below)
}

fn event_texts(span: &Value) -> Vec<String> {
    let events = span.get("events").and_then(Value::as_array).into_iter().flatten();
    events
        .map(|event| {
            let attributes = event.get("attributes").and_then(Value::as_object).map(record::pairs).unwrap_or_default();
            format!("• {} {} {attributes}", time::duration(number(event, "offset_ns")), string(event, "name"))
        })
        .collect()
}

fn log_text(log: &Value) -> String {
    let time = time::short(&string(log, "time"));
    format!("{} {:5} {}", time.get(11..).unwrap_or_default(), string(log, "level"), string(log, "body"))
}

fn string(value: &Value, name: &str) -> String {
    value.get(name).map(record::text_of).unwrap_or_default()
}

fn number(value: &Value, name: &str) -> f64 {
    value.get(name).and_then(Value::as_f64).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bars() {
        assert_eq!(bar(0.0, 1.0), "━".repeat(24));
        assert_eq!(bar(0.5, 0.0), format!("{}━", " ".repeat(12)));
        assert_eq!(bar(1.0, 1.0), format!("{}━", " ".repeat(23)));
    }

    #[test]
    fn guides_of_a_small_tree() {
        let depths = [0, 1, 2, 2, 1];
        let drawn: Vec<String> = (0..5).map(|index| guides(&depths, index).0).collect();
        assert_eq!(drawn, ["", "├─", "│ ├─", "│ └─", "└─"]);
        assert_eq!(guides(&depths, 1).1, "│ │");
        assert_eq!(guides(&depths, 4).1, "   ");
    }

    #[test]
    fn a_failed_trace() {
        let trace = json!({"trace_id":"ab","start":"2026-11-24T02:00:00Z","duration_ns":1000000,"span_count":2,"error_count":1,
            "services":[{"service":"a","self_time_ns":400000}],"problems":["one span is missing"],
            "spans":[
              {"span_id":"1","depth":0,"service":"a","name":"GET /","status":"unset","start_offset_ns":0,"duration_ns":1000000},
              {"span_id":"2","depth":1,"service":"b","name":"pay\u{1b}","status":"error","status_message":"declined","start_offset_ns":500000,"duration_ns":500000,
               "events":[{"name":"exception","offset_ns":600000,"attributes":{"exception.type":"Declined"}}]}],
            "logs":[{"time":"2026-11-24T02:00:00.6Z","level":"error","body":"card declined","span_id":"2"}]});
        let lines = render(&trace, Show { logs: true, attributes: false }, &Terminal::plain());
        let text = lines.join("\n");
        for part in [
            "1 errors",
            "! one span is missing",
            "└─b pay\\u{1b}",
            "✗ declined",
            "• 600µs exception exception.type=Declined",
            "02:00:00.600 error card declined",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains('\u{1b}'));
        let bars: Vec<usize> = lines.iter().filter(|line| line.contains('━')).map(|line| width::of(line)).collect();
        assert_eq!(bars, [bars[0]; 2], "bars end at the same column");
    }
}
