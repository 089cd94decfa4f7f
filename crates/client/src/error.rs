//! What can go wrong, as the user sees it: what is wrong, where, and what to do.
//!
//! Few public kinds; each has one exit code (1 failed, 2 usage, 3 server not reachable).

use crate::terminal::{Style, Terminal, escape};
use std::fmt;

/// Why a subcommand ended without success.
#[derive(Debug)]
#[non_exhaustive]
pub enum CliError {
    /// The question failed, or what was demanded is not there. Exit code 1.
    Failed {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The server refused the text of a query. Exit code 1.
    Query {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
        /// The text that was sent.
        text: String,
        /// 1-based column in characters, where the server knows it.
        column: Option<usize>,
    },
    /// The command line makes no sense. Exit code 2.
    Usage {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// No server answered. Exit code 3.
    Unreachable {
        /// Where the server was looked for.
        server: String,
        /// The system's reason.
        reason: String,
    },
    /// The reader of our output went away (`clewline query | head`). Silent, exit code 0.
    OutputClosed,
}

impl CliError {
    /// A failure without a hint.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        CliError::Failed { message: message.into(), hint: None }
    }

    /// A failure with what to do about it.
    pub(crate) fn failed_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        CliError::Failed { message: message.into(), hint: Some(hint.into()) }
    }

    /// A usage error with what to do about it.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        CliError::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// The process exit code of this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            CliError::OutputClosed => 0,
            CliError::Failed { .. } | CliError::Query { .. } => 1,
            CliError::Usage { .. } => 2,
            CliError::Unreachable { .. } => 3,
        }
    }

    /// The text for stderr, without a final newline; `None` when nothing is to be said.
    pub(crate) fn render(&self, terminal: &Terminal) -> Option<String> {
        let label = terminal.paint(Style::Error, "error:");
        let (message, hint, caret) = match self {
            CliError::OutputClosed => return None,
            CliError::Failed { message, hint } | CliError::Usage { message, hint } => {
                (message.clone(), hint.clone(), None)
            }
            CliError::Query { message, hint, text, column } => {
                (message.clone(), hint.clone(), column.map(|column| caret(text, column)))
            }
            CliError::Unreachable { server, reason } => (
                format!("no server answers at {server} ({reason})"),
                Some("start one with `clewline serve`, or name another with --server URL or CLEWLINE_SERVER".into()),
                None,
            ),
        };
        let mut text = format!("{label} {}", escape_lines(&message));
        if let Some(caret) = caret {
            text.push('\n');
            text.push_str(&caret);
        }
        if let Some(hint) = hint {
            text.push_str(&format!("\n{} {}", terminal.paint(Style::Dim, "hint:"), escape_lines(&hint)));
        }
        Some(text)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Terminal::plain()).unwrap_or_default())
    }
}

impl std::error::Error for CliError {}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            CliError::OutputClosed
        } else {
            CliError::failed(error.to_string())
        }
    }
}

/// Escapes control characters but keeps the line structure.
fn escape_lines(text: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join("\n")
}

/// The line of `text` that holds the 1-based character `column`, and a caret under that column.
fn caret(text: &str, column: usize) -> String {
    let mut left = column.saturating_sub(1);
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        let length = line.chars().count();
        if left <= length || lines.peek().is_none() {
            let before: String = line.chars().take(left).collect();
            let pad = crate::output::width::of(&escape(&before));
            return format!("  {}\n  {}^", escape(line), " ".repeat(pad));
        }
        left -= length + 1;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caret_stands_under_the_column() {
        assert_eq!(caret("error |", 7), "  error |\n        ^");
        assert_eq!(caret("größe x", 7), "  größe x\n        ^");
        assert_eq!(caret("a\nbcd", 4), "  bcd\n   ^");
        assert_eq!(caret("日本 x", 4), "  日本 x\n       ^");
        assert_eq!(caret("ab", 99), "  ab\n    ^");
    }

    #[test]
    fn a_query_error_shows_place_and_hint() {
        let error = CliError::Query {
            message: "a pipe is missing".into(),
            hint: Some("try | stats count()".into()),
            text: "error |".into(),
            column: Some(8),
        };
        assert_eq!(error.to_string(), "error: a pipe is missing\n  error |\n         ^\nhint: try | stats count()");
        assert_eq!(error.exit_code(), 1);
    }

    #[test]
    fn exit_codes() {
        assert_eq!(CliError::OutputClosed.exit_code(), 0);
        assert_eq!(CliError::failed("x").exit_code(), 1);
        assert_eq!(CliError::usage("x", "y").exit_code(), 2);
        assert_eq!(CliError::Unreachable { server: "s".into(), reason: "r".into() }.exit_code(), 3);
    }
}
