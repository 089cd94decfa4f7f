//! What a text test demands of a text, in a form the index can check: needles that must all be in it.

use clewline_segment::sidecar::template::Needle;
use regex_syntax::hir::{Hir, HirKind};

use super::test::TextTest;

/// Shortest literal of a pattern worth looking for.
const LITERAL_BYTES_MIN: usize = 2;

/// All needles a text must hold to pass; for a list of values, one set for each. An empty set says nothing.
pub(crate) fn of_test(test: &TextTest) -> Vec<Vec<Needle>> {
    match test {
        TextTest::Word(_, kind, needle) => vec![vec![Needle::word(*kind, needle)]],
        TextTest::Exact(value) => vec![vec![Needle::whole(value)]],
        TextTest::OneOf(values) => values.iter().map(|value| vec![Needle::whole(value)]).collect(),
        TextTest::Regex(regex) | TextTest::Like { regex, folds: false } => vec![of_pattern(regex.as_str())],
        TextTest::Like { folds: true, .. }
        | TextTest::Ipv4 { .. }
        | TextTest::Address { .. }
        | TextTest::Order { .. } => vec![Vec::new()],
    }
}

/// Literals every match of a pattern holds.
fn of_pattern(source: &str) -> Vec<Needle> {
    let parsed = regex_syntax::ParserBuilder::new().dot_matches_new_line(true).build().parse(source);
    let Ok(hir) = parsed else { return Vec::new() };
    if let HirKind::Literal(literal) = hir.kind()
        && let Ok(text) = std::str::from_utf8(&literal.0)
    {
        return vec![Needle::contained(text)];
    }
    let mut literals = Vec::new();
    let mut open = String::new();
    collect(&hir, &mut open, &mut literals);
    close(&mut open, &mut literals);
    literals.iter().map(|literal| Needle::literal(literal)).collect()
}

/// Walks what must follow each other: literals that touch are one.
fn collect(hir: &Hir, open: &mut String, literals: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => open.push_str(text),
            Err(_) => close(open, literals),
        },
        HirKind::Concat(parts) => parts.iter().for_each(|part| collect(part, open, literals)),
        HirKind::Capture(capture) => collect(&capture.sub, open, literals),
        HirKind::Look(_) | HirKind::Empty => {}
        HirKind::Repetition(repetition) => {
            close(open, literals);
            if repetition.min > 0 {
                collect(&repetition.sub, open, literals);
                close(open, literals);
            }
        }
        HirKind::Class(_) | HirKind::Alternation(_) => close(open, literals),
    }
}

fn close(open: &mut String, literals: &mut Vec<String>) {
    if open.len() >= LITERAL_BYTES_MIN {
        literals.push(std::mem::take(open));
    }
    open.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literals(source: &str) -> Vec<String> {
        of_pattern(source).iter().map(|needle| needle.text().to_owned()).collect()
    }

    #[test]
    fn patterns_give_the_literals_every_match_holds() {
        let check = |source: &str, expect: &[&str]| assert_eq!(literals(source), expect, "{source}");
        check("exhausted after [0-9]{2,} ms: [0-9]+ in use", &["exhausted after ", " ms: ", " in use"]);
        check("plain", &["plain"]);
        check("a(bc)d+e", &["abc"]);
        check("^GET /api", &["GET /api"]);
        check("(one|two) more", &[" more"]);
        check("(?i)error", &[]);
        check("x*", &[]);
        check("(ab)+", &["ab"]);
        check("(ab)*cd", &["cd"]);
        check("ab.*cd$", &["ab", "cd"]);
    }
}
