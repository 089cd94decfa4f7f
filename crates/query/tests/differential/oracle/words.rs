//! Words, phrases, prefixes and substrings, by their definition ("Words and phrases", "Chinese, Japanese, Korean").

/// Which ends of the needle want a word boundary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bounds {
    Both,
    Start,
    None,
}

/// The case of a letter ignored, one character for one character.
fn fold(c: char) -> char {
    match c {
        // Their lowercase forms are ASCII letters (and more): ASCII needles match ASCII letters only.
        'İ' | '\u{212A}' => c,
        'ς' => 'σ',
        c => c.to_lowercase().next().unwrap_or(c),
    }
}

/// A character that continues a word: a letter or digit of a script that marks words by spaces, or `_`.
fn continues(c: char) -> bool {
    (c.is_alphanumeric() || c == '_') && !is_cjk(c)
}

/// Han, Hiragana, Katakana and Hangul, as far as the generator uses them and their usual marks.
fn is_cjk(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x11ff | 0x2e80..=0x2fdf | 0x3005..=0x3007 | 0x3041..=0x30ff | 0x3105..=0x318f | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xac00..=0xd7ff | 0xf900..=0xfaff | 0xff66..=0xffdc)
}

/// The characters of a text without their case.
pub(crate) fn folded(text: &str) -> Vec<char> {
    text.chars().map(fold).collect()
}

/// True when the text holds the needle; both without case.
pub(crate) fn contains(bounds: Bounds, needle: &[char], text: &[char]) -> bool {
    let is_edge = |c: Option<&char>| c.is_some_and(|&c| continues(c));
    (0..=text.len().saturating_sub(needle.len())).any(|start| {
        if text.get(start..start + needle.len()) != Some(needle) {
            return false;
        }
        let before = start.checked_sub(1).and_then(|at| text.get(at));
        let after = text.get(start + needle.len());
        let cut_before = bounds != Bounds::None && is_edge(needle.first()) && is_edge(before);
        let cut_after = bounds == Bounds::Both && is_edge(needle.last()) && is_edge(after);
        !cut_before && !cut_after
    })
}

#[test]
fn the_examples_of_the_documentation() {
    for (needle, text, expect) in [
        ("error", "ERROR: x", true),
        ("error", "an-error", true),
        ("error", "errors", false),
        ("error", "my_error", false),
        ("ошибка", "ОШИБКА", true),
        ("οδος", "ΟΔΟΣ", true),
        ("straße", "STRASSE", false),
        ("错误", "发生错误了", true),
        ("오류", "오류가", true),
        ("error", "发生error了", true),
        ("/api/", "x/api/v1", true),
    ] {
        assert_eq!(contains(Bounds::Both, &folded(needle), &folded(text)), expect, "{needle} in {text}");
    }
    let check = |bounds, needle, text| contains(bounds, &folded(needle), &folded(text));
    assert!(check(Bounds::Start, "err", "an Error") && !check(Bounds::Start, "rror", "error"));
    assert!(check(Bounds::None, "RRO", "error"));
}
