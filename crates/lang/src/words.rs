//! What a word matches: the meaning of the text tests, shared by the engine and by pruning.
//!
//! Rules.
//! - A word character is a letter or digit of any script, or `_`.
//! - Matching ignores case by [`fold`]: one character to one character (Unicode simple lowercase), so texts keep their
//!   shape. An ASCII needle matches ASCII letters only.
//! - A word boundary is wanted at an end of the needle whose edge is a word character: the neighbour in the text must then
//!   not continue the word. `error` matches `ERROR: x` and `an-error`, not `errors`.
//! - Chinese, Japanese and Korean characters ([`is_cjk`]) need no boundary and continue no word: those texts are searchable
//!   by any substring, and `error` matches `发生error了`.
//! - [`tokens`] cuts a text along the same lines; [`required_tokens`] says which tokens a text must hold to match.

/// Whether a character belongs to words: a letter or digit of any script, or `_`.
pub fn is_word_char(c: char) -> bool {
    if c.is_ascii() { is_word_byte(c as u8) } else { c.is_alphanumeric() }
}

/// Whether a character is Han, Hiragana, Katakana or Hangul (or a mark used within them, such as `々` and `ー`).
pub fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11FF}'      // Hangul Jamo
        | '\u{2E80}'..='\u{2FDF}'    // radicals
        | '\u{3005}'..='\u{3007}'    // 々 〆 〇
        | '\u{3021}'..='\u{3029}'    // Hangzhou numerals
        | '\u{3031}'..='\u{3035}' | '\u{3038}'..='\u{303C}'
        | '\u{3041}'..='\u{30FF}'    // Hiragana, Katakana
        | '\u{3105}'..='\u{318F}'    // Bopomofo, Hangul compatibility Jamo
        | '\u{31A0}'..='\u{31BF}' | '\u{31F0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{A960}'..='\u{A97F}' | '\u{AC00}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FFDC}'
        | '\u{1AFF0}'..='\u{1B16F}'  // Kana extensions
        | '\u{20000}'..='\u{323AF}'  // Han extensions B to H
    )
}

/// A character without its case: Unicode simple lowercase, except that the two non-ASCII letters with an ASCII lowercase
/// (`İ`, the Kelvin sign) stay as they are, and the Greek final sigma is a sigma.
pub fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    match c {
        'ς' => 'σ',
        '\u{212A}' | '\u{130}' => c,
        c => c.to_lowercase().next().unwrap_or(c),
    }
}

fn is_word_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// Whether a character can continue a word beyond its edge, so that a boundary is needed against it.
fn continues_word(c: char) -> bool {
    is_word_char(c) && !is_cjk(c)
}

/// The tokens of a text, in order, in its own case: each longest run of word characters that are not CJK, and each CJK
/// word character alone.
pub fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(is_word_char)?;
        let from = rest.get(start..)?;
        let first = from.chars().next()?;
        let len =
            if is_cjk(first) { first.len_utf8() } else { from.find(|c| !continues_word(c)).unwrap_or(from.len()) };
        let (token, after) = from.split_at_checked(len)?;
        rest = after;
        Some(token)
    })
}

/// The folded tokens every text matching the needle must hold, for skipping data by an index. May be empty, when nothing can
/// be told. A text's own tokens must be folded ([`fold`]) before comparing.
pub fn required_tokens(kind: WordKind, needle: &str) -> Vec<String> {
    let mut found: Vec<&str> = tokens(needle).collect();
    let cut_at_end = |token: &str, at_start: bool| {
        let edge = if at_start { needle.starts_with(token) } else { needle.ends_with(token) };
        edge && token.chars().next().is_some_and(|c| !is_cjk(c))
    };
    if !kind.bounds_end() && found.last().is_some_and(|token| cut_at_end(token, false)) {
        found.pop();
    }
    if !kind.bounds_start() && found.first().is_some_and(|token| cut_at_end(token, true)) {
        found.remove(0);
    }
    found.into_iter().map(|token| token.chars().map(fold).collect()).collect()
}

/// Whether a text holds a word; for many texts, prepare a [`WordMatcher`] once instead.
pub fn matches_word(text: &str, needle_lowercase: &str) -> bool {
    WordMatcher::new(WordKind::Word, needle_lowercase).is_match(text)
}

/// Which ends of the needle want a word boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordKind {
    /// Both ends.
    Word,
    /// Both ends; the needle may hold several words, separated in the text exactly as in the needle.
    Phrase,
    /// The start only.
    Prefix,
    /// Neither.
    Substring,
}

impl WordKind {
    fn bounds_start(self) -> bool {
        self != WordKind::Substring
    }

    fn bounds_end(self) -> bool {
        matches!(self, WordKind::Word | WordKind::Phrase)
    }
}

/// A needle prepared for many texts. Matching allocates nothing.
#[derive(Debug, Clone)]
pub struct WordMatcher {
    needle: Needle,
    bound_start: bool,
    bound_end: bool,
}

#[derive(Debug, Clone)]
enum Needle {
    /// Folded ASCII, not empty, and two places in it to look at first.
    Ascii { bytes: Vec<u8>, probes: [Probe; 2] },
    /// Not ASCII, but no character has another case: plain search.
    Caseless(String),
    /// Folded characters, not empty.
    Folded(Vec<char>),
    /// Matches every text.
    Empty,
}

/// One byte of an ASCII needle: it stands `at` bytes from the start, and a byte of the text agrees when it equals `byte`
/// after `or`-ing `case` (the bit that tells the cases of a letter apart, or nothing).
#[derive(Debug, Clone, Copy)]
struct Probe {
    at: usize,
    byte: u8,
    case: u8,
}

impl Probe {
    fn agrees(self, byte: u8) -> bool {
        byte | self.case == self.byte
    }
}

/// Starting places compared at once: enough for the compiler to use vector registers, and less than a usual line.
const LANES: usize = 32;

/// Bytes by how common they are in logs, most common first; what is not here is rarer.
const COMMON: &[u8] = b" e0tai1nsor2lc3d-u45m68p9.7h:gf/=\"_,bykwv";

impl WordMatcher {
    /// Prepares a needle, in any case. An empty needle matches every text.
    pub fn new(kind: WordKind, needle: &str) -> WordMatcher {
        let folded: Vec<char> = needle.chars().map(fold).collect();
        let edge = |c: Option<&char>| c.is_some_and(|c| continues_word(*c));
        let bound_start = kind.bounds_start() && edge(folded.first());
        let bound_end = kind.bounds_end() && edge(folded.last());
        let needle = if folded.is_empty() {
            Needle::Empty
        } else if folded.iter().all(char::is_ascii) {
            let bytes: Vec<u8> = folded.iter().map(|c| *c as u8).collect();
            Needle::Ascii { probes: probes(&bytes), bytes }
        } else if folded.iter().all(|c| is_caseless(*c)) {
            Needle::Caseless(folded.into_iter().collect())
        } else {
            Needle::Folded(folded)
        };
        WordMatcher { needle, bound_start, bound_end }
    }

    /// Whether the text holds the needle.
    pub fn is_match(&self, text: &str) -> bool {
        match &self.needle {
            Needle::Empty => true,
            Needle::Ascii { bytes, probes } => self.find_ascii(text, bytes, *probes),
            Needle::Caseless(needle) => self.find_caseless(text, needle),
            Needle::Folded(needle) => self.find_folded(text, needle),
        }
    }

    /// Looks at two bytes of every starting place, many places at once, and compares the rest where both agree.
    fn find_ascii(&self, text: &str, needle: &[u8], probes: [Probe; 2]) -> bool {
        let hay = text.as_bytes();
        let Some(starts) = (hay.len() + 1).checked_sub(needle.len()) else {
            return false;
        };
        let [a, b] = probes;
        let (Some(at_a), Some(at_b)) = (hay.get(a.at..a.at + starts), hay.get(b.at..b.at + starts)) else {
            return false;
        };
        let (blocks_a, tail_a) = at_a.as_chunks::<LANES>();
        let (blocks_b, tail_b) = at_b.as_chunks::<LANES>();
        let hit = |start: usize| {
            let end = start + needle.len();
            hay[start..end].eq_ignore_ascii_case(needle) && self.bounded(text, start, end)
        };
        let both = |(x, y): (&u8, &u8)| a.agrees(*x) & b.agrees(*y);
        for (index, (block_a, block_b)) in blocks_a.iter().zip(blocks_b).enumerate() {
            // No early way out of this loop: it becomes a few vector instructions.
            if !block_a.iter().zip(block_b).fold(false, |any, pair| any | both(pair)) {
                continue;
            }
            if (0..LANES).any(|lane| both((&block_a[lane], &block_b[lane])) && hit(index * LANES + lane)) {
                return true;
            }
        }
        let tail = blocks_a.len() * LANES;
        tail_a.iter().zip(tail_b).enumerate().any(|(lane, pair)| both(pair) && hit(tail + lane))
    }

    fn find_caseless(&self, text: &str, needle: &str) -> bool {
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|rest| rest.find(needle)) {
            let start = from + at;
            if self.bounded(text, start, start + needle.len()) {
                return true;
            }
            from = start + needle.chars().next().map_or(1, char::len_utf8);
        }
        false
    }

    fn find_folded(&self, text: &str, needle: &[char]) -> bool {
        let Some((first, others)) = needle.split_first() else {
            return true;
        };
        for (start, c) in text.char_indices() {
            if fold(c) != *first {
                continue;
            }
            let mut rest = text.get(start + c.len_utf8()..).unwrap_or("").chars();
            if others.iter().all(|wanted| rest.next().map(fold) == Some(*wanted))
                && self.bounded(text, start, text.len() - rest.as_str().len())
            {
                return true;
            }
        }
        false
    }

    /// Whether the neighbours of a hit leave the word alone. The hit lies on character boundaries.
    fn bounded(&self, text: &str, start: usize, end: usize) -> bool {
        if self.bound_start {
            let before = text.get(..start).and_then(|before| before.chars().next_back());
            if before.is_some_and(continues_word) {
                return false;
            }
        }
        if self.bound_end {
            let after = text.get(end..).and_then(|after| after.chars().next());
            if after.is_some_and(continues_word) {
                return false;
            }
        }
        true
    }
}

/// Whether a folded character is matched by itself alone.
fn is_caseless(c: char) -> bool {
    // Digits, CJK and most symbols; anything cased, or the target of a fold, takes the careful way.
    (c.is_ascii() && !c.is_ascii_alphabetic()) || is_cjk(c) || !(c.is_alphabetic() || c.is_ascii() || is_circled(c))
}

/// Letter-like symbols that have case without being letters by category: Roman numerals and circled letters.
fn is_circled(c: char) -> bool {
    matches!(c, '\u{2160}'..='\u{2188}' | '\u{24B6}'..='\u{24E9}')
}

/// The two bytes of a needle least common in logs; the same one twice when there is only one.
fn probes(needle: &[u8]) -> [Probe; 2] {
    let rank = |byte: u8| COMMON.iter().position(|common| *common == byte).unwrap_or(COMMON.len());
    let mut places: Vec<usize> = (0..needle.len()).collect();
    places.sort_by_key(|at| std::cmp::Reverse(rank(needle[*at])));
    let first = places.first().copied().unwrap_or(0);
    [first, places.get(1).copied().unwrap_or(first)].map(|at| Probe {
        at,
        byte: needle[at],
        case: if needle[at].is_ascii_alphabetic() { 0x20 } else { 0 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_boundaries() {
        use WordKind::{Phrase, Prefix, Substring, Word};
        let check = |kind, needle: &str, text: &str, expect: bool| {
            assert_eq!(WordMatcher::new(kind, needle).is_match(text), expect, "{kind:?} {needle:?} in {text:?}");
        };
        check(Word, "error", "ERROR: x", true);
        check(Word, "Error", "an-error", true);
        check(Word, "error", "errors", false);
        check(Word, "error", "terror", false);
        check(Word, "error", "errors and error", true);
        check(Word, "error", "my_error", false);
        check(Word, "error", "", false);
        check(Word, "err", "er", false);
        check(Word, "foo-bar", "a Foo-Bar b", true);
        check(Word, "foo-bar", "foo bar", false);
        check(Word, "/api", "x/api/v1", true);
        check(Word, "/api/", "x/api/v1", true);
        check(Word, "a=", "a=b", true);
        check(Word, "error", "éerror", false);
        check(Word, "error", "发生error了", true);
        check(Word, "错误", "发生错误了", true);
        check(Word, "误", "错误", true);
        check(Word, "エラ", "エラーが", true);
        check(Word, "오류", "오류가", true);
        check(Word, "a错", "a错误", true);
        check(Word, "a错", "ba错误", false);
        check(Word, "错a", "错ab", false);
        check(Word, "错a", "错a错", true);
        check(Word, "straße", "STRAßE", true);
        check(Word, "ÄRGER", "kein ärger!", true);
        check(Word, "ärger", "ärgern", false);
        check(Word, "ошибка", "ОШИБКА сети", true);
        check(Word, "ὀδός", "ΟΔΟΣ", false);
        check(Word, "οδος", "ΟΔΟΣ", true);
        check(Word, "ⓐ", "Ⓐ", true);
        check(Word, "✓", "a✓b", true);
        check(Phrase, "Two Words", "(two words)", true);
        check(Phrase, "two words", "two  words", false);
        check(Prefix, "err", "an error", true);
        check(Prefix, "err", "terror", false);
        check(Prefix, "ош", "ОШИБКА", true);
        check(Substring, "AMPL", "an apple", false);
        check(Substring, "AMPL", "xamples", true);
        check(Substring, "é", "CAFÉS", true);
        check(Word, "", "anything", true);
        assert!(matches_word("an ERROR", "error"));
    }

    #[test]
    fn cutting_into_tokens() {
        let check = |text: &str, expect: &[&str]| assert_eq!(tokens(text).collect::<Vec<_>>(), expect, "{text}");
        check("", &[]);
        check("GET /api/v1?id=42_x", &["GET", "api", "v1", "id", "42_x"]);
        check("发生error了", &["发", "生", "error", "了"]);
        check("été—ok", &["été", "ok"]);
    }

    #[test]
    fn required_tokens_leave_out_cut_ends() {
        let check = |kind, needle: &str, expect: &[&str]| assert_eq!(required_tokens(kind, needle), expect, "{needle}");
        check(WordKind::Word, "Foo-Bar", &["foo", "bar"]);
        check(WordKind::Prefix, "foo-ba", &["foo"]);
        check(WordKind::Prefix, "foo-", &["foo"]);
        check(WordKind::Prefix, "err", &[]);
        check(WordKind::Substring, "a-b-c", &["b"]);
        check(WordKind::Substring, "/b/", &["b"]);
        check(WordKind::Substring, "ab", &[]);
        check(WordKind::Substring, "错误", &["错", "误"]);
    }

    /// The definition, written without care for speed.
    fn oracle(kind: WordKind, needle: &str, text: &str) -> bool {
        let needle: Vec<char> = needle.chars().map(fold).collect();
        let text: Vec<char> = text.chars().map(fold).collect();
        let edge = |c: Option<&char>| c.is_some_and(|c| continues_word(*c));
        (0..=text.len()).any(|start| {
            let Some(hit) = text.get(start..start + needle.len()) else {
                return false;
            };
            let before = start.checked_sub(1).and_then(|at| text.get(at));
            let after = text.get(start + needle.len());
            hit == needle
                && !(kind.bounds_start() && edge(needle.first()) && edge(before))
                && !(kind.bounds_end() && edge(needle.last()) && edge(after))
        })
    }

    #[test]
    fn matchers_agree_with_the_definition_and_with_the_tokens() {
        let mut random = crate::tests::Random::new(7);
        let alphabet: Vec<char> = "aAbBeE_-. 错误Éé ςΣσİiK\u{212A}kⒶⓐ".chars().collect();
        let mut hits = 0;
        for _ in 0..60_000 {
            let mut pick = |max: usize| -> String {
                (0..random.below(max)).map(|_| alphabet[random.below(alphabet.len())]).collect()
            };
            let (needle, text) = (pick(4), pick(90));
            for kind in [WordKind::Word, WordKind::Phrase, WordKind::Prefix, WordKind::Substring] {
                let expect = oracle(kind, &needle, &text);
                assert_eq!(WordMatcher::new(kind, &needle).is_match(&text), expect, "{kind:?} {needle:?} {text:?}");
                if expect {
                    hits += 1;
                    let held: Vec<String> = tokens(&text).map(|token| token.chars().map(fold).collect()).collect();
                    for token in required_tokens(kind, &needle) {
                        assert!(held.contains(&token), "{kind:?} {needle:?} {text:?} lacks {token:?}");
                    }
                }
            }
        }
        assert!(hits > 10_000, "the generator rarely matches: {hits}");
    }
}
