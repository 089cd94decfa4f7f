//! Recognisers of variables: each looks at the bytes from a place on and says where a thing of its kind ends.
//!
//! Pure functions over ASCII; none looks further than a few dozen bytes, so a line costs linear time. Sources: RFC 3339
//! and the time stamps of common log formats, RFC 4122 (UUID), RFC 4291 (IPv6), the units of Go durations.

use super::Kind;
use super::blocks::is_delimiter;

/// What a token is made of, one bit a class.
pub(super) mod class {
    pub(in crate::template) const DIGIT: u8 = 1;
    pub(in crate::template) const HEX_LETTER: u8 = 2;
    pub(in crate::template) const LETTER: u8 = 4;
    pub(in crate::template) const DOT: u8 = 8;
    pub(in crate::template) const SIGN: u8 = 16;
    pub(in crate::template) const SLASH: u8 = 32;
    pub(in crate::template) const AT: u8 = 64;
    pub(in crate::template) const OTHER: u8 = 128;
}

/// The class of every byte.
static CLASSES: [u8; 256] = {
    let mut classes = [class::OTHER; 256];
    let mut byte = 0u8;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'0'..=b'9' => class::DIGIT,
            b'a'..=b'f' | b'A'..=b'F' => class::HEX_LETTER,
            b'g'..=b'z' | b'G'..=b'Z' => class::LETTER,
            b'.' => class::DOT,
            b'-' | b'+' => class::SIGN,
            b'/' | b'\\' => class::SLASH,
            b'@' => class::AT,
            _ => class::OTHER,
        };
        byte += 1;
    }
    classes
};

/// All classes that occur in a token.
#[inline]
pub(super) fn classes(token: &[u8]) -> u8 {
    token.iter().fold(0, |all, &byte| all | CLASSES[byte as usize])
}

fn is(bytes: &[u8], at: usize, wanted: u8) -> bool {
    bytes.get(at) == Some(&wanted)
}

fn is_alphanumeric(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(u8::is_ascii_alphanumeric)
}

/// Length of the run of digits at `at`, at most `most`.
fn digits(bytes: &[u8], at: usize, most: usize) -> usize {
    bytes.iter().skip(at).take(most).take_while(|byte| byte.is_ascii_digit()).count()
}

/// A word, or a part of a name behind `-`, `.`, `/`, goes on at `at`.
fn goes_on(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        Some(b'-' | b'.' | b'/') => is_alphanumeric(bytes, at + 1),
        Some(byte) => byte.is_ascii_alphanumeric() || *byte == b'_',
        None => false,
    }
}

/// End of a time of day with its fraction and zone: `hh:mm:ss`, `hh.mm.ss`.
fn clock(bytes: &[u8], at: usize, separator: u8) -> Option<usize> {
    let hour = digits(bytes, at, 2);
    let minute = at + hour + 1;
    let mut end = minute + 5;
    if hour == 0
        || !is(bytes, minute - 1, separator)
        || digits(bytes, minute, 2) != 2
        || !is(bytes, minute + 2, separator)
        || digits(bytes, minute + 3, 2) != 2
    {
        return None;
    }
    if is(bytes, end, b'.') {
        let fraction = digits(bytes, end + 1, 10);
        end += if fraction > 0 { fraction + 1 } else { 0 };
    } else if is(bytes, end, b',') {
        let fraction = digits(bytes, end + 1, 10);
        end += if matches!(fraction, 3 | 6 | 9) { fraction + 1 } else { 0 };
    }
    end = zone(bytes, end);
    (!goes_on(bytes, end)).then_some(end)
}

/// End of a zone at `at`, or `at`.
fn zone(bytes: &[u8], at: usize) -> usize {
    if is(bytes, at, b'Z') {
        return at + 1;
    }
    let spaced = at + usize::from(is(bytes, at, b' '));
    if matches!(bytes.get(spaced), Some(b'+' | b'-')) {
        let colon = usize::from(is(bytes, spaced + 3, b':'));
        if digits(bytes, spaced + 1, 2) == 2 && digits(bytes, spaced + 3 + colon, 2) == 2 {
            return spaced + 5 + colon;
        }
    }
    let named = bytes.get(spaced..spaced + 3).is_some_and(|name| name == b"UTC" || name == b"GMT");
    if spaced > at && named && !is_alphanumeric(bytes, spaced + 3) { spaced + 3 } else { at }
}

/// End of the time of day behind a date that ends at `date`.
fn clock_behind(bytes: &[u8], date: usize) -> Option<usize> {
    match bytes.get(date)? {
        b'T' | b't' | b' ' | b'_' | b':' => clock(bytes, date + 1, b':'),
        b'-' => clock(bytes, date + 1, b'.').or_else(|| clock(bytes, date + 1, b':')),
        _ => None,
    }
}

/// End of a time stamp that starts with a digit at `at`.
pub(super) fn time(bytes: &[u8], at: usize) -> Option<usize> {
    let year_or_day = digits(bytes, at, 5);
    let separator = *bytes.get(at + year_or_day)?;
    let second = at + year_or_day + 1;
    match (year_or_day, separator) {
        (1 | 2, b':') => clock(bytes, at, b':'),
        (4, b'-' | b'/' | b'.') => {
            let month = digits(bytes, second, 2);
            let day = digits(bytes, second + month + 1, 2);
            if month == 0 || day == 0 || !is(bytes, second + month, separator) {
                return None;
            }
            let date = second + month + 1 + day;
            // Four numbers are an address or a version.
            clock_behind(bytes, date).or_else(|| (!goes_on(bytes, date)).then_some(date))
        }
        (1 | 2, b'-' | b'/' | b'.') => {
            let named = bytes.get(second..second + 3).is_some_and(is_month);
            let month = if named { 3 } else { digits(bytes, second, 2) };
            if month == 0 || !is(bytes, second + month, separator) {
                return None;
            }
            let year = digits(bytes, second + month + 1, 5);
            let date = second + month + 1 + year;
            match (clock_behind(bytes, date), year) {
                (Some(end), 2 | 4) => Some(end),
                (None, 4) if !goes_on(bytes, date) => Some(date),
                _ => None,
            }
        }
        // 20260102T030405Z of ISO 8601 without separators: the fifth digit ended the look.
        _ if year_or_day == 5 && digits(bytes, at, 9) == 8 && is(bytes, at + 8, b'T') => {
            let end = zone(bytes, at + 15);
            (digits(bytes, at + 9, 7) == 6 && !goes_on(bytes, end)).then_some(end)
        }
        _ => None,
    }
}

fn is_month(word: &[u8]) -> bool {
    matches!(
        word,
        b"Jan" | b"Feb" | b"Mar" | b"Apr" | b"May" | b"Jun" | b"Jul" | b"Aug" | b"Sep" | b"Oct" | b"Nov" | b"Dec"
    )
}

fn is_weekday(word: &[u8]) -> bool {
    matches!(word, b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun")
}

/// The three bytes before the blanks that end at `at`, and where they start, if no word goes on before them.
fn word_before(bytes: &[u8], at: usize, floor: usize) -> Option<(&[u8], usize)> {
    let blanks = bytes[floor..at].iter().rev().take(2).take_while(|&&byte| byte == b' ').count();
    let start = (at - blanks).checked_sub(3).filter(|&start| start >= floor && blanks > 0)?;
    let alone = start == 0 || is_delimiter(bytes[start - 1]);
    alone.then_some((&bytes[start..start + 3], start))
}

/// Start and end of a time stamp with a month's name around the day of the month at `at..end`: `Dec 10 10:13:59`,
/// `Sun Dec 04 04:47:44 2005`, `06 Nov 1994 08:49:37 GMT`.
pub(super) fn named_date(bytes: &[u8], at: usize, end: usize, floor: usize) -> Option<(usize, usize)> {
    if let Some((month, start)) = word_before(bytes, at, floor).filter(|(word, _)| is_month(word)) {
        debug_assert!(is_month(month));
        let mut stop = clock_behind(bytes, end)?;
        if is(bytes, stop, b' ') && digits(bytes, stop + 1, 5) == 4 && !goes_on(bytes, stop + 5) {
            stop += 5;
        }
        let weekday = word_before(bytes, start, floor).filter(|(word, _)| is_weekday(word));
        return Some((weekday.map_or(start, |(_, start)| start), stop));
    }
    let month = bytes.get(end + 1..end + 4)?;
    if !is(bytes, end, b' ') || !is_month(month) || !is(bytes, end + 4, b' ') || digits(bytes, end + 5, 5) != 4 {
        return None;
    }
    Some((at, clock_behind(bytes, end + 9).unwrap_or(end + 9)))
}

/// End of an IPv4 address at `at`, its port or prefix length included.
pub(super) fn ipv4(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at;
    for group in 0..4 {
        if group > 0 {
            if !is(bytes, end, b'.') {
                return None;
            }
            end += 1;
        }
        let length = digits(bytes, end, 4);
        if !(1..=3).contains(&length) {
            return None;
        }
        end += length;
    }
    let suffix = match bytes.get(end) {
        Some(b':') => digits(bytes, end + 1, 6),
        Some(b'/') => digits(bytes, end + 1, 3),
        _ => 0,
    };
    if suffix > 0 && !goes_on(bytes, end + 1 + suffix) {
        return Some(end + 1 + suffix);
    }
    let open = matches!(bytes.get(end), Some(b'.' | b'-')) && is_alphanumeric(bytes, end + 1);
    (!open && !is_alphanumeric(bytes, end) && !is(bytes, end, b'_')).then_some(end)
}

/// Kind, start and end of a MAC or IPv6 address around the token at `at`, which is followed or preceded by a colon.
pub(super) fn colons(bytes: &[u8], at: usize, floor: usize) -> Option<(Kind, usize, usize)> {
    let part = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b':';
    // Before the token stand at most seven groups.
    let start = at - bytes[floor..at].iter().rev().take(36).take_while(|byte| part(byte)).count();
    let (mut groups, mut pairs, mut end) = (0, 0, start);
    let mut gap = false;
    loop {
        let length = bytes.iter().skip(end).take(5).take_while(|byte| byte.is_ascii_hexdigit()).count();
        if length > 4 {
            return None;
        }
        end += length;
        groups += usize::from(length > 0);
        pairs += usize::from(length == 2);
        if !is(bytes, end, b':') || groups == 8 {
            break;
        }
        if is(bytes, end + 1, b':') && !gap {
            gap = true;
            end += 2;
        } else if bytes.get(end + 1).is_some_and(u8::is_ascii_hexdigit) {
            end += 1;
        } else {
            break;
        }
    }
    let kind = match groups {
        6 if pairs == 6 && !gap => Kind::Mac,
        8 if !gap => Kind::Ip,
        1..=7 if gap => Kind::Ip,
        _ => return None,
    };
    if kind == Kind::Ip && is(bytes, end, b'.') && gap {
        // ::ffff:192.0.2.1
        let last = end - bytes[start..end].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        end = ipv4(bytes, last)?;
    }
    if kind == Kind::Ip && groups == 8 && is(bytes, end, b':') {
        let port = digits(bytes, end + 1, 6);
        end += if port > 0 && !goes_on(bytes, end + 1 + port) { port + 1 } else { 0 };
    }
    (end > at && !is_alphanumeric(bytes, end) && !is(bytes, end, b'_')).then_some((kind, start, end))
}

/// True for `0x1f`, perhaps with a sign.
pub(super) fn is_prefixed_hex(token: &[u8]) -> bool {
    let unsigned = token.strip_prefix(b"+").or_else(|| token.strip_prefix(b"-")).unwrap_or(token);
    let digits = unsigned.strip_prefix(b"0x").or_else(|| unsigned.strip_prefix(b"0X")).unwrap_or_default();
    !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit)
}

/// True for the 36 bytes of a UUID.
pub(super) fn is_uuid(token: &[u8]) -> bool {
    let Ok(token) = <&[u8; 36]>::try_from(token) else { return false };
    let dashes = token[8] == b'-' && token[13] == b'-' && token[18] == b'-' && token[23] == b'-';
    // Without a branch on each digit: they are random.
    let signs = token.iter().filter(|&&byte| CLASSES[byte as usize] == class::SIGN).count();
    dashes && signs == 4 && classes(token) & !(class::DIGIT | class::HEX_LETTER | class::SIGN) == 0
}

/// The kind of a token that is a number, perhaps with a unit.
pub(super) fn number(token: &[u8]) -> Option<Kind> {
    let mut at = usize::from(matches!(token.first(), Some(b'-' | b'+')));
    let mut kind = Kind::Number;
    loop {
        let whole = digits(token, at, token.len());
        if whole == 0 {
            return None;
        }
        at += whole;
        if is(token, at, b'.') {
            let fraction = digits(token, at + 1, token.len());
            if fraction == 0 {
                return None;
            }
            at += fraction + 1;
        }
        if at == token.len() {
            // A compound such as 1h30 lacks its last unit.
            return (kind == Kind::Number).then_some(kind);
        }
        if kind == Kind::Number && matches!(token[at], b'e' | b'E') {
            let sign = usize::from(matches!(token.get(at + 1), Some(b'-' | b'+')));
            let exponent = digits(token, at + 1 + sign, 4);
            if exponent > 0 && at + 1 + sign + exponent == token.len() {
                return Some(Kind::Number);
            }
        }
        let letters = token.iter().skip(at).take_while(|byte| byte.is_ascii_alphabetic()).count();
        kind = unit(&token[at..at + letters])?;
        at += letters;
        if at == token.len() {
            return Some(kind);
        }
        if kind != Kind::Duration {
            return None;
        }
    }
}

fn unit(letters: &[u8]) -> Option<Kind> {
    Some(match letters {
        b"ns" | b"us" | b"ms" | b"s" | b"sec" | b"secs" | b"m" | b"min" | b"mins" | b"h" | b"hr" | b"hrs" | b"d" => {
            Kind::Duration
        }
        b"B" | b"b" | b"k" | b"K" | b"kB" | b"KB" | b"KiB" | b"M" | b"MB" | b"MiB" | b"G" | b"GB" | b"GiB" | b"T"
        | b"TB" | b"TiB" => Kind::Size,
        _ => return None,
    })
}

/// End of the unit of size that stands behind a number and a space: programs that write sizes for people change it from
/// line to line.
pub(super) fn size_behind(bytes: &[u8], number: usize) -> Option<usize> {
    let unit = number + 1;
    if !is(bytes, number, b' ') || !matches!(bytes.get(unit), Some(b'B' | b'k' | b'K' | b'M' | b'G' | b'T')) {
        return None;
    }
    let letters = bytes.iter().skip(unit).take(4).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let end = unit + letters;
    let known = matches!(
        bytes.get(unit..end)?,
        b"B" | b"kB" | b"KB" | b"KiB" | b"MB" | b"MiB" | b"GB" | b"GiB" | b"TB" | b"TiB"
    );
    (known && !goes_on(bytes, end)).then_some(end)
}

/// True for `local@domain.tld`.
pub(super) fn is_mail(token: &[u8]) -> bool {
    let Some(at) = token.iter().position(|&byte| byte == b'@') else { return false };
    let (local, domain) = (&token[..at], &token[at + 1..]);
    !local.is_empty()
        && domain.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        && domain.iter().rposition(|&byte| byte == b'.').is_some_and(|dot| dot > 0 && dot + 2 < domain.len())
        && domain.last().is_some_and(u8::is_ascii_alphabetic)
}

/// End of a URL whose scheme ends at `colon`, before `://`; punctuation that ends a sentence is left out.
pub(super) fn url_end(bytes: &[u8], colon: usize) -> usize {
    let stops =
        |byte: u8| byte <= b' ' || byte >= 0x80 || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'|' | b'{' | b'}');
    let length = bytes[colon..].iter().take_while(|&&byte| !stops(byte)).count();
    without_punctuation(bytes, colon, colon + length)
}

/// End of a path's query that begins with the `?` at `at`.
pub(super) fn query_end(bytes: &[u8], at: usize) -> usize {
    url_end(bytes, at)
}

/// `end` without the punctuation of a sentence before it.
pub(super) fn without_punctuation(bytes: &[u8], start: usize, end: usize) -> usize {
    let ends = |byte: u8| matches!(byte, b'.' | b',' | b';' | b':' | b'!' | b'?' | b')' | b']');
    end - bytes[start..end].iter().rev().take_while(|&&byte| ends(byte)).count()
}
