//! Plain text: one log record a line.
//!
//! A line ends at LF, a CR before it is dropped, empty lines are skipped. A line that starts with a date and time (RFC
//! 3339 and its relatives, no zone = UTC) happened then, others at the time of arrival. The line stays whole. The level
//! is found as `level` describes.

use std::borrow::Cow;
use std::ops::Range;

use clewline_model::signal::Signal;
use memchr::memchr;

use crate::limits::REPEATED_BYTES_MAX;
use crate::record::{Any, Fault, Origin, RawLog, Sink};
use crate::report::DecodeError;
use crate::time::Cursor;
use crate::{Context, Decoded, level};

/// Lines of text to log records of `service`.
pub fn decode(body: &[u8], service: &str, context: &Context<'_>) -> Result<Decoded, DecodeError> {
    let mut sink = Sink::new(Signal::Logs, context);
    let service = clewline_model::text::truncate(service, REPEATED_BYTES_MAX);
    let origin = Origin { service: service.to_owned(), ..Origin::default() };
    for (number, range) in line_ranges(body).enumerate() {
        sink.expect_rest(range.start, body.len());
        match push_line(&mut sink, &origin, &body[range], "") {
            Ok(()) => {}
            Err(Fault::Request(error)) => return Err(error),
            Err(Fault::Record(message)) => sink.reject(|| format!("line {}", number + 1), message),
        }
    }
    Ok(sink.finish())
}

/// The lines of a text without their ends; a last line without an end counts, empty ones are given too.
pub(crate) fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    line_ranges(body).map(|range| &body[range])
}

/// Where the lines of a text stand.
pub(crate) fn line_ranges(body: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    std::iter::from_fn(move || {
        let rest = body.get(at..).filter(|rest| !rest.is_empty())?;
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        let start = at;
        at += length + 1;
        let end = start + length;
        Some(start..end - usize::from(rest[..length].ends_with(b"\r")))
    })
}

/// Adds one line; an empty one adds nothing.
pub(crate) fn push_line(sink: &mut Sink<'_>, origin: &Origin, line: &[u8], node: &str) -> Result<(), Fault> {
    if line.is_empty() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(line);
    sink.report.warnings.text_repaired += u64::from(matches!(text, Cow::Owned(_)));
    let time = Cursor(line).date_time().and_then(|time| u64::try_from(time).ok()).unwrap_or(0);
    let severity_number = level::of_line(line).map_or(0, |(_, number)| number);
    let raw = RawLog { node, time, severity_number, body: Any::Text(text), ..RawLog::default() };
    sink.push_log(origin, &raw, "")
}

#[cfg(test)]
mod tests {
    use clewline_model::signal::log;

    use super::*;

    const CONTEXT: Context<'_> = Context { now_ns: 7, node: "peer" };

    #[test]
    fn a_line_is_a_record() {
        let body = b"\xef\xbb\xbffirst\r\n\n2023-11-14T22:13:20Z ERROR second \n\r\nlast \xff";
        let decoded = decode(body, "shop", &CONTEXT).expect("text is always good");
        let columns = &decoded.batch.columns;
        let rows: Vec<_> = (0..decoded.batch.rows())
            .map(|row| (columns[log::TIME].ints()[row], columns[log::LEVEL].text(row), columns[log::BODY].text(row)))
            .collect();
        assert_eq!(
            rows,
            vec![
                (7, "", "first"),
                (1_700_000_000_000_000_000, "error", "2023-11-14T22:13:20Z ERROR second "),
                (7, "", "last \u{fffd}"),
            ]
        );
        assert_eq!(columns[log::SERVICE].text(0), "shop");
        assert_eq!(columns[log::NODE].text(0), "peer");
        assert_eq!(decoded.rejections.warnings.text_repaired, 1);
        assert_eq!(decode(b"", "", &CONTEXT).expect("empty is good").batch.rows(), 0);
    }
}
