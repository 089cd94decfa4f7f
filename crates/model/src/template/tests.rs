//! Golden vectors of the masking rules, and what must hold for any line.

use super::golden::GOLDEN;
use super::*;

#[derive(Default)]
struct Pieces(Vec<(Option<Kind>, String)>);

impl Sink for Pieces {
    fn constant(&mut self, text: &str, at: usize) {
        assert!(!text.is_empty() && at == self.length());
        assert!(!matches!(self.0.last(), Some((None, _))), "two constant pieces in a row");
        self.0.push((None, text.to_owned()));
    }
    fn variable(&mut self, kind: Kind, text: &str, at: usize) {
        assert!(!text.is_empty() && at == self.length());
        self.0.push((Some(kind), text.to_owned()));
    }
}

impl Pieces {
    fn length(&self) -> usize {
        self.0.iter().map(|(_, text)| text.len()).sum()
    }

    /// Kinds and constants: what two lines of one template share.
    fn shape(&self) -> Vec<(Option<Kind>, &str)> {
        self.0.iter().map(|(kind, text)| (*kind, if kind.is_some() { "" } else { text.as_str() })).collect()
    }
}

fn pieces(line: &str) -> Pieces {
    let mut pieces = Pieces::default();
    scan(line, &mut pieces);
    pieces
}

#[test]
fn the_rules_have_not_changed() {
    // A change here needs a new VERSION: segments of both kinds are read side by side.
    assert_eq!(VERSION, 2);
    assert!(GOLDEN.len() >= 60);
    for (line, masked, number) in GOLDEN {
        assert_eq!((mask(line).as_str(), id(line)), (*masked, *number), "{line}");
    }
}

#[test]
fn lines_of_one_template_have_one_id() {
    for (one, other) in [
        ("user 42 logged in", "user 7 logged in"),
        ("took 1, 2, 3 steps", "took 1 steps"),
        ("user=root host=10.0.0.1", "user=\"a b\" host=web-1.example.com"),
        ("sent 512 B", "sent 1.5 KB"),
        ("at 2026-01-02T03:04:05Z ok", "at 2026-01-02 03:04:05,678 +01:00 ok"),
    ] {
        assert_eq!(id(one), id(other), "{one} | {other}");
    }
    assert_ne!(id("user 42 logged in"), id("user 42 logged out"));
    assert_eq!(id(""), 0);
    assert_eq!(mask(""), "");
}

#[test]
fn the_tail_of_a_long_line_is_one_variable() {
    let long = "é".repeat(TEMPLATE_SCAN_BYTES);
    assert!(mask(&long).ends_with(Kind::Rest.placeholder()));
    assert_eq!(pieces(&long).length(), long.len());
    // A variable may end exactly where the reading ends.
    let number = format!("{} 77777", "a".repeat(TEMPLATE_SCAN_BYTES - 3));
    assert_eq!(pieces(&number).length(), number.len());
}

/// Lines made of parts that mean something to the scanner, by a small generator of numbers.
fn generated(count: usize) -> impl Iterator<Item = String> {
    const PARTS: [&str; 62] = [
        " ",
        " ",
        " ",
        " ",
        "user",
        "closed",
        "in",
        "=",
        ":",
        ",",
        "/",
        "//",
        "://",
        ".",
        "-",
        "_",
        "\"",
        "\"",
        "'",
        "\\",
        "<",
        ">",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "|",
        "@",
        "%",
        "\u{1b}[",
        "\t",
        "é",
        "日本",
        "µs",
        "µ",
        "5",
        "42",
        "0",
        "007",
        "00000001",
        "ff",
        "deadbeef",
        "12ms",
        "1.5",
        "KB",
        "e5",
        "0x1f",
        "10.0.0.1",
        "::1",
        "Dec",
        "2026-01-02",
        "T",
        "03:04:05",
        "Z",
        "+0100",
        "550e8400-e29b-41d4-a716-446655440000",
        "<num>",
        "<id>",
        "http",
        "a.b",
    ];
    let mut state = 1u64;
    let mut next = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    (0..count).map(move |_| {
        let parts = if next(50) == 0 { 700 } else { next(24) };
        (0..parts).map(|_| PARTS[next(PARTS.len())]).collect()
    })
}

#[test]
fn pieces_are_the_line_and_masks_are_the_ids() {
    let mut by_mask = hashbrown::HashMap::new();
    let mut by_id = hashbrown::HashMap::new();
    for line in generated(60_000) {
        let pieces = pieces(&line);
        assert_eq!(pieces.0.iter().map(|(_, text)| text.as_str()).collect::<String>(), line);
        let masked = mask(&line);
        let shown = |(kind, text): &(Option<Kind>, String)| kind.map_or(text.clone(), |kind| kind.placeholder().into());
        assert_eq!(pieces.0.iter().map(shown).collect::<String>(), masked);
        assert_eq!(id_of_mask(masked.as_bytes()), id(&line));
        assert_eq!(*by_id.entry(id(&line)).or_insert_with(|| masked.clone()), masked, "two masks of one id");
        let shape = format!("{:?}", pieces.shape());
        assert_eq!(*by_mask.entry(masked).or_insert_with(|| shape.clone()), shape, "two cuts of one mask: {line}");
    }
    assert!(by_id.len() > 30_000, "the lines differ");
}
