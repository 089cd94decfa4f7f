//! The progress line of an import (on a terminal) and its summary.

use crate::machine;
use crate::terminal::{Style, Terminal, escape, note, note_in_place};
use crate::time;
use std::time::{Duration, Instant};

/// Time between two updates of the line.
const EVERY: Duration = Duration::from_millis(200);

/// What one file came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    /// Records the server took, where it says; otherwise lines.
    pub(crate) records: u64,
    /// Records refused.
    pub(crate) rejected: u64,
    /// Bytes of the bodies sent.
    pub(crate) bytes: u64,
    /// Whether `records` counts lines or messages because the protocol does not count records.
    pub(crate) counts_lines: bool,
}

/// Draws the line.
pub(crate) struct Progress {
    terminal: Terminal,
    name: String,
    size: u64,
    started: Instant,
    drawn: Option<Instant>,
}

impl Progress {
    /// Progress of a file of `size` bytes (0: unknown).
    pub(crate) fn new(terminal: Terminal, name: &str, size: u64) -> Self {
        Progress { terminal, name: escape(name), size, started: machine::monotonic(), drawn: None }
    }

    /// Redraws when a person looks and some time has passed. `position` counts bytes of the file on disk.
    pub(crate) fn update(&mut self, position: u64, totals: &Totals) {
        let now = machine::monotonic();
        if !self.terminal.is_tty || self.drawn.is_some_and(|drawn| now - drawn < EVERY) {
            return;
        }
        self.drawn = Some(now);
        let line = line(&self.name, position, self.size, totals, self.started.elapsed().as_secs_f64());
        note_in_place(&crate::output::width::cut(&line, self.terminal.width.saturating_sub(1)));
    }

    /// Replaces the line by the summary.
    pub(crate) fn finish(&mut self, totals: &Totals) {
        if self.drawn.is_some() {
            note_in_place("");
        }
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let what = if totals.counts_lines { "lines sent" } else { "records accepted" };
        let mut text = format!(
            "{}: {} {what}, {} in {} ({}/s)",
            self.name,
            grouped(totals.records),
            time::bytes(totals.bytes),
            time::duration(seconds * 1e9),
            grouped((totals.records as f64 / seconds) as u64),
        );
        if totals.rejected > 0 {
            let rejected = format!(", {} rejected", grouped(totals.rejected));
            text.push_str(&self.terminal.paint(Style::Error, &rejected));
        }
        note(&text);
    }
}

fn line(name: &str, position: u64, size: u64, totals: &Totals, seconds: f64) -> String {
    let rate = totals.records as f64 / seconds.max(0.001);
    let counts = format!("{}  {}/s", grouped(totals.records), grouped(rate as u64));
    if size == 0 {
        return format!("{name}  {}  {counts}", time::bytes(position));
    }
    let share = (position as f64 / size as f64).min(1.0);
    let marks = (share * 20.0).round() as usize;
    let left = if share > 0.0 { time::duration(seconds * (1.0 - share) / share * 1e9) } else { "?".into() };
    format!(
        "{name}  [{}{}] {:3.0}%  {}  {counts}  {left} left",
        "█".repeat(marks),
        "░".repeat(20 - marks),
        share * 100.0,
        time::bytes(position),
    )
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_the_middle() {
        let totals = Totals { records: 5_000, ..Totals::default() };
        assert_eq!(
            line("a", 500_000, 1_000_000, &totals, 2.0),
            "a  [██████████░░░░░░░░░░]  50%  500 kB  5,000  2,500/s  2s left"
        );
        assert_eq!(line("-", 10, 0, &totals, 1.0), "-  10 B  5,000  5,000/s");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
    }
}
