//! Writing to people and to pipes: width, colours, escaping of hostile text, and a stdout that knows broken pipes.
//!
//! Telemetry is written by strangers. On a terminal, control characters (C0, C1, DEL) and characters that reorder or
//! hide text (bidirectional controls, zero-width marks; Unicode TR 36, CVE-2021-42574) are shown as escapes.

use crate::error::CliError;
use crate::global::{ColorChoice, Global};
use std::io::{IsTerminal, Write};

/// Width assumed when nothing tells.
const WIDTH_DEFAULT: usize = 100;

/// What a stretch of text means; colours follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Errors and fatal levels.
    Error,
    /// Warnings.
    Warn,
    /// Information and success.
    Good,
    /// Names that should stand out.
    Strong,
    /// Secondary text.
    Dim,
    /// Service names.
    Name,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Style::Error => "31",
            Style::Warn => "33",
            Style::Good => "32",
            Style::Strong => "1",
            Style::Dim => "2",
            Style::Name => "36",
        }
    }
}

/// What the other end of a stream can show.
#[derive(Debug, Clone)]
pub(crate) struct Terminal {
    /// Whether a person looks at it.
    pub(crate) is_tty: bool,
    /// Columns.
    pub(crate) width: usize,
    /// Whether colours are used.
    pub(crate) color: bool,
}

impl Terminal {
    /// Standard output.
    pub(crate) fn of_stdout(global: &Global) -> Self {
        let stream = std::io::stdout();
        let size = rustix::termios::tcgetwinsize(&stream).ok();
        Self::new(global, stream.is_terminal(), size.map(|size| size.ws_col))
    }

    /// Standard error.
    pub(crate) fn of_stderr(global: &Global) -> Self {
        let stream = std::io::stderr();
        let size = rustix::termios::tcgetwinsize(&stream).ok();
        Self::new(global, stream.is_terminal(), size.map(|size| size.ws_col))
    }

    /// A stream without a person: no colours.
    pub(crate) fn plain() -> Self {
        Terminal { is_tty: false, width: WIDTH_DEFAULT, color: false }
    }

    fn new(global: &Global, is_tty: bool, columns: Option<u16>) -> Self {
        let told = columns.map(usize::from).filter(|columns| *columns > 0);
        let width = told.or(global.columns).unwrap_or(WIDTH_DEFAULT).clamp(20, 1_000);
        let color = match global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_tty,
        };
        Terminal { is_tty, width, color }
    }

    /// `text` in a colour, or as it is when colours are off.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        if self.color && !text.is_empty() { format!("\x1b[{}m{text}\x1b[0m", style.code()) } else { text.to_string() }
    }
}

/// The style of a log level or span status; `None` for those that stay plain.
pub(crate) fn level_style(level: &str) -> Option<Style> {
    match level {
        "error" | "fatal" => Some(Style::Error),
        "warn" => Some(Style::Warn),
        "info" => Some(Style::Good),
        "debug" | "trace" => Some(Style::Dim),
        _ => None,
    }
}

/// `text` with everything a terminal would obey instead of show written as an escape.
pub(crate) fn escape(text: &str) -> String {
    if !text.chars().any(is_hostile) {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hostile(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Control characters, bidirectional controls, invisible marks, line and paragraph separators.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Writes one message to stderr; an unwritable stderr is nobody's fault.
pub(crate) fn note(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "{text}");
}

/// Replaces the current line of stderr (progress on a terminal).
pub(crate) fn note_in_place(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = write!(stderr, "\r\x1b[K{text}");
    let _ = stderr.flush();
}

/// Buffered standard output. A reader that went away is [`CliError::OutputClosed`].
pub(crate) struct Out {
    inner: std::io::BufWriter<Box<dyn Write>>,
}

impl Out {
    /// Locks standard output.
    pub(crate) fn stdout() -> Self {
        Out { inner: std::io::BufWriter::with_capacity(64 << 10, Box::new(std::io::stdout().lock())) }
    }

    /// Writes bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.inner.write_all(bytes).map_err(CliError::from)
    }

    /// Writes text and a newline.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), CliError> {
        self.bytes(text.as_bytes())?;
        self.bytes(b"\n")
    }

    /// Hands everything to the system.
    pub(crate) fn flush(&mut self) -> Result<(), CliError> {
        self.inner.flush().map_err(CliError::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_shown_not_obeyed() {
        assert_eq!(escape("plain größe 日本"), "plain größe 日本");
        assert_eq!(escape("a\x1b[31mb"), "a\\u{1b}[31mb");
        assert_eq!(escape("x\u{202e}y\u{9b}z"), "x\\u{202e}y\\u{9b}z");
        assert_eq!(escape("one\ntwo\t3\r"), "one\\ntwo\\t3\\r");
    }

    #[test]
    fn colours_only_when_asked() {
        assert_eq!(Terminal::plain().paint(Style::Error, "x"), "x");
        let always = Global { color: ColorChoice::Always, ..Default::default() };
        assert_eq!(Terminal::new(&always, false, None).paint(Style::Error, "x"), "\x1b[31mx\x1b[0m");
        let never = Global { color: ColorChoice::Never, ..Default::default() };
        assert_eq!(Terminal::new(&never, true, None).paint(Style::Error, "x"), "x");
    }
}
