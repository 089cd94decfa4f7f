//! One syslog message: RFC 5424, or RFC 3164 with the freedoms devices take.
//!
//! Reading order: [`parse`] tries the priority, then the 5424 header, then the 3164 header; what fits neither is the
//! message text with a note. RFC 3164 times carry neither year nor zone: the latest year is taken that does not bring
//! the time more than [`AHEAD_NS_MAX`] beyond the time of arrival, and UTC.

use crate::time::{Cursor, days_from_civil, year_of};

/// How far a clock of a sender may be ahead: a week, for zones and bad clocks around New Year.
const AHEAD_NS_MAX: i64 = 7 * 86_400_000_000_000;

/// The parts of a message; empty = absent.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) priority: Option<u8>,
    pub(super) time: Option<i64>,
    pub(super) host: &'a str,
    pub(super) app: &'a str,
    pub(super) process: &'a str,
    pub(super) message_id: &'a str,
    /// The structured data of RFC 5424 section 6.3, checked.
    pub(super) data: &'a str,
    pub(super) text: &'a str,
    /// A timestamp that could not be read.
    pub(super) unread_time: &'a str,
    /// What did not follow the standards.
    pub(super) note: Option<&'static str>,
}

/// Takes a message apart; never fails.
pub(super) fn parse(text: &str, now_ns: i64) -> Message<'_> {
    let Some((priority, rest)) = priority(text) else {
        let mut message = rfc3164(text, now_ns);
        message.note = Some("no priority");
        return message;
    };
    let mut message = rfc5424(rest).unwrap_or_else(|| rfc3164(rest, now_ns));
    message.priority = Some(priority);
    message
}

/// `<0>` to `<191>` at the start.
fn priority(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.strip_prefix('<')?.split_once('>')?;
    let plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let value: u8 = digits.parse().ok().filter(|value| plain && *value <= 191)?;
    Some((value, rest))
}

/// The header behind the priority: `1 TIMESTAMP HOST APP PROCID MSGID SD [MSG]`.
fn rfc5424(rest: &str) -> Option<Message<'_>> {
    let rest = rest.strip_prefix("1 ")?;
    let mut fields = rest.splitn(6, ' ');
    let mut field = || fields.next().filter(|field| !field.is_empty());
    let (time, host, app) = (field()?, field()?, field()?);
    let (process, message_id, rest) = (field()?, field()?, field()?);
    let present = |field| if field == "-" { "" } else { field };
    let mut message = Message {
        host: present(host),
        app: present(app),
        process: present(process),
        message_id: present(message_id),
        ..Message::default()
    };
    let mut cursor = Cursor(time.as_bytes());
    message.time = cursor.date_time().filter(|time| *time > 0 && cursor.0.is_empty());
    if message.time.is_none() && time != "-" {
        message.unread_time = time;
        message.note = Some("the timestamp could not be read");
    }
    let (data, text) = match structured_data(rest) {
        Some(length) => rest.split_at(length),
        None => {
            message.note = Some("the structured data is malformed");
            ("", rest)
        }
    };
    message.data = present(data);
    let text = text.strip_prefix(' ').unwrap_or(text);
    message.text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Some(message)
}

/// Length of the structured data at the start of `text`: `-`, or elements without space between.
fn structured_data(text: &str) -> Option<usize> {
    let rest = if let Some(rest) = text.strip_prefix('-') {
        rest
    } else {
        let mut rest = text;
        while rest.starts_with('[') {
            rest = element(rest, |_, _, _| {})?;
        }
        if rest.len() == text.len() {
            return None;
        }
        rest
    };
    (rest.is_empty() || rest.starts_with(' ')).then(|| text.len() - rest.len())
}

/// Calls `each` with (sd-id, name, value as written) of every parameter of checked structured data.
pub(super) fn parameters<'a>(data: &'a str, mut each: impl FnMut(&'a str, &'a str, &'a str)) {
    let mut rest = data;
    while rest.starts_with('[') {
        match element(rest, &mut each) {
            Some(after) => rest = after,
            None => return,
        }
    }
}

/// Reads `[id name="value" …]`; gives what is behind it.
fn element<'a>(text: &'a str, mut each: impl FnMut(&'a str, &'a str, &'a str)) -> Option<&'a str> {
    let (id, mut rest) = name(text.strip_prefix('[')?)?;
    let mut parameters = 0usize;
    loop {
        if let Some(after) = rest.strip_prefix(']') {
            if parameters == 0 {
                each(id, "", "");
            }
            return Some(after);
        }
        let (name, after) = name(rest.strip_prefix(' ')?)?;
        let value = after.strip_prefix("=\"")?;
        let end = value_end(value.as_bytes())?;
        each(id, name, &value[..end]);
        parameters += 1;
        rest = &value[end + 1..];
    }
}

/// An SD-NAME: printable ASCII but space, `=`, `]` and `"`.
fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_graphic() || matches!(byte, b'=' | b']' | b'"'))?;
    (end > 0).then(|| text.split_at(end))
}

/// Where the closing quote of a value is.
fn value_end(value: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', value.get(at..)?)?;
        if value[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// Undoes the escapes of a parameter value (`\"`, `\\`, `\]`; other backslashes stand for themselves).
pub(super) fn push_unescaped(value: &str, out: &mut String) {
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some(&escaped @ ('"' | '\\' | ']'))) => {
                out.push(escaped);
                characters.next();
            }
            _ => out.push(character),
        }
    }
}

/// The header behind the priority: `[TIMESTAMP [HOST]] [TAG[PID]:] MSG`.
fn rfc3164(rest: &str, now_ns: i64) -> Message<'_> {
    let Some((time, after)) = timestamp(rest, now_ns) else {
        let mut message = Message { text: rest, note: Some("no timestamp"), ..Message::default() };
        if let Some((app, process, text)) = tag(rest) {
            message = Message { app, process, text, ..message };
        }
        return message;
    };
    let mut message = Message { time: Some(time), ..Message::default() };
    // Cisco devices end the time with a colon and name no host.
    let body = match after.strip_prefix(':') {
        Some(body) => body.trim_start_matches(' '),
        None => {
            let body = after.trim_start_matches(' ');
            // Local senders leave the host out: then a tag comes first.
            match (tag(body), body.split_once(' ')) {
                (None, Some((host, behind))) => {
                    message.host = host;
                    behind
                }
                _ => body,
            }
        }
    };
    message.text = body;
    if let Some((app, process, text)) = tag(body) {
        message = Message { app, process, text, ..message };
    }
    message
}

/// `tag:`, `tag[pid]:` or `tag[pid]`, then the message. A word that does not end so is no tag.
fn tag(text: &str) -> Option<(&str, &str, &str)> {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b'%' | b'@' | b'+');
    let end = text.bytes().position(|byte| !allowed(byte))?;
    // RFC 3164 ends a tag at 32 characters, programs do not; longer words are hardly names.
    if !(1..=128).contains(&end) {
        return None;
    }
    let (app, rest) = text.split_at(end);
    if let Some(rest) = rest.strip_prefix('[') {
        let (process, rest) = rest.split_once(']')?;
        let short = process.len() <= 64 && !process.contains(' ');
        let text = rest.strip_prefix(':').unwrap_or(rest);
        return short.then(|| (app, process, text.strip_prefix(' ').unwrap_or(text)));
    }
    let text = rest.strip_prefix(':')?;
    // `10:15` and `http://` are no tags.
    let separated = text.is_empty() || text.starts_with(' ');
    separated.then(|| (app, "", text.strip_prefix(' ').unwrap_or(text)))
}

/// `Mmm dd [yyyy] hh:mm:ss[.fraction]`, or a date and time as in RFC 3339.
fn timestamp(text: &str, now_ns: i64) -> Option<(i64, &str)> {
    let text = text.trim_start_matches(' ');
    // Cisco marks a clock that is not set with a star, one that is not synchronised with a point.
    let text = text.strip_prefix(['*', '.']).unwrap_or(text);
    let mut cursor = Cursor(text.as_bytes());
    let time = match cursor.date_time() {
        Some(time) => time,
        None => {
            let month = month(cursor.0.get(..3)?)?;
            cursor.0 = &cursor.0[3..];
            civil_time(&mut cursor, month, now_ns)?
        }
    };
    let after = text.get(text.len() - cursor.0.len()..)?;
    (time > 0 && (after.is_empty() || after.starts_with([' ', ':']))).then_some((time, after))
}

fn civil_time(cursor: &mut Cursor<'_>, month: i64, now_ns: i64) -> Option<i64> {
    cursor.one_of(b" ")?;
    let day = match cursor.one_of(b" ") {
        Some(_) => cursor.digits(1)?,
        None => cursor.digits(2).or_else(|| cursor.digits(1))?,
    };
    cursor.one_of(b" ")?;
    let mut year = *cursor;
    let written = year.digits(4).filter(|_| year.one_of(b" ").is_some());
    if written.is_some() {
        *cursor = year;
    }
    let of_day = cursor.time_of_day()?;
    let at = |year: i64| {
        let days = days_from_civil(year, month, day)?;
        days.checked_mul(86_400_000_000_000)?.checked_add(of_day)
    };
    match written {
        Some(year) => at(year),
        None => {
            let this = year_of(now_ns);
            // Eight years hold a February 29 wherever they start.
            let latest = now_ns.saturating_add(AHEAD_NS_MAX);
            (this - 8..=this + 1).rev().filter_map(at).find(|time| *time <= latest)
        }
    }
}

fn month(name: &[u8]) -> Option<i64> {
    const NAMES: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    (1..=12).zip(NAMES.chunks_exact(3)).find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(month, _)| month)
}
