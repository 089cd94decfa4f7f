//! The residual text: a JSON object holding the attributes that have no column, in the form of
//! [`clewline_model::json`]. This module reads back what [`crate::gather`] wrote, without building a tree.

use std::borrow::Cow;

use clewline_model::attributes::ValueKind;

/// A value found in residual text: its kind and its JSON text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawValue<'a> {
    /// Kind, told by the first character and form.
    pub kind: ValueKind,
    /// The JSON text of the value.
    pub text: &'a str,
}

impl<'a> RawValue<'a> {
    fn of(text: &'a str) -> RawValue<'a> {
        let kind = match text.as_bytes().first() {
            Some(b'"') => ValueKind::Text,
            Some(b't' | b'f') => ValueKind::Bool,
            Some(b'{') if text.starts_with("{\"$bytes\":") => ValueKind::Bytes,
            Some(b'{') if text.starts_with("{\"$double\":") => ValueKind::Double,
            Some(b'{' | b'[') => ValueKind::Json,
            Some(b'n') | None => ValueKind::Null,
            Some(_) if text.bytes().any(|b| matches!(b, b'.' | b'e' | b'E')) => ValueKind::Double,
            Some(_) => ValueKind::Int,
        };
        RawValue { kind, text }
    }

    /// The value as plain text (strings unescaped, bytes as base64).
    pub fn to_text(self) -> Cow<'a, str> {
        match self.kind {
            ValueKind::Text => unescape(&self.text[1..self.text.len() - 1]),
            ValueKind::Bytes => Cow::Borrowed(self.text.trim_start_matches("{\"$bytes\":\"").trim_end_matches("\"}")),
            ValueKind::Double => Cow::Owned(self.to_double().map_or_else(String::new, |v| format!("{v}"))),
            ValueKind::Null => Cow::Borrowed(""),
            _ => Cow::Borrowed(self.text),
        }
    }

    /// The value as an integer, if it is one.
    pub fn to_int(self) -> Option<i64> {
        if self.kind == ValueKind::Int { self.text.parse().ok() } else { None }
    }

    /// The value as a float, if it is a number.
    pub fn to_double(self) -> Option<f64> {
        match self.kind {
            ValueKind::Int => self.text.parse().ok(),
            ValueKind::Double => match self.text.strip_prefix("{\"$double\":\"") {
                Some(name) => match name.trim_end_matches("\"}") {
                    "NaN" => Some(f64::NAN),
                    "Infinity" => Some(f64::INFINITY),
                    "-Infinity" => Some(f64::NEG_INFINITY),
                    _ => None,
                },
                None => self.text.parse().ok(),
            },
            _ => None,
        }
    }
}

/// The members of a residual text, in order.
pub fn members(text: &str) -> impl Iterator<Item = (Cow<'_, str>, RawValue<'_>)> {
    let mut rest = text.strip_prefix('{').unwrap_or("");
    std::iter::from_fn(move || {
        let name_end = string_end(rest)?;
        let name = unescape(&rest[1..name_end - 1]);
        let after = rest[name_end..].strip_prefix(':')?;
        let value_end = value_end(after)?;
        let value = RawValue::of(&after[..value_end]);
        rest = after[value_end..].strip_prefix(',').unwrap_or("");
        Some((name, value))
    })
}

/// The value of one name.
pub fn get<'a>(text: &'a str, name: &str) -> Option<RawValue<'a>> {
    members(text).find(|(found, _)| found == name).map(|(_, value)| value)
}

/// Length of the JSON string at the start of `text`, quotes included.
fn string_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// Length of the JSON value at the start of `text`.
fn value_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    match bytes.first()? {
        b'"' => string_end(text),
        b'{' | b'[' => {
            let (mut depth, mut at) = (0usize, 0);
            while at < bytes.len() {
                match bytes[at] {
                    b'"' => at += string_end(&text[at..])? - 1,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
            None
        }
        _ => Some(bytes.iter().position(|b| matches!(b, b',' | b'}' | b']')).unwrap_or(bytes.len())),
    }
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let quoted = format!("\"{text}\"");
    serde_json::from_str(&quoted).map_or_else(|_| Cow::Owned(text.to_owned()), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_back_with_their_kinds() {
        let text = r#"{"a":1,"b":"x\"y,}","c":{"k":[1,"}"]},"d":1.5,"e":true,"f":{"$bytes":"Zg=="},"g":null,"h":{"$double":"NaN"}}"#;
        let kinds: Vec<(String, ValueKind)> = members(text).map(|(n, v)| (n.into_owned(), v.kind)).collect();
        let expect = [
            ("a", ValueKind::Int),
            ("b", ValueKind::Text),
            ("c", ValueKind::Json),
            ("d", ValueKind::Double),
            ("e", ValueKind::Bool),
            ("f", ValueKind::Bytes),
            ("g", ValueKind::Null),
            ("h", ValueKind::Double),
        ];
        assert_eq!(kinds, expect.map(|(n, k)| (n.to_owned(), k)));
        assert_eq!(get(text, "b").expect("present").to_text(), "x\"y,}");
        assert_eq!(get(text, "c").expect("present").text, r#"{"k":[1,"}"]}"#);
        assert!(get(text, "h").and_then(RawValue::to_double).expect("a float").is_nan());
        assert_eq!(get(text, "zz"), None);
    }

    #[test]
    fn damaged_text_ends_the_walk() {
        for text in ["", "{", "{\"a", "{\"a\":", "{\"a\":[1", "nonsense"] {
            assert!(members(text).count() <= 1, "{text}");
        }
    }
}
