//! Tokens of texts as 64-bit hashes: what filters hold and what questions ask them for.
//!
//! Tokens are those of [`clewline_lang::tokens`], folded by [`clewline_lang::fold`]; each two neighbouring Chinese, Japanese
//! or Korean characters are a token besides. Ids and integers are hashed as bytes, each kind in a domain of its own. A
//! token of four hexadecimal digits that mixes letters and digits is left out: the middle of every UUID has three, and they
//! prune nothing; whoever asks for one is told "maybe" everywhere ([`Wanted`]).

use clewline_lang::{WordKind, fold, is_cjk, is_word_char, tokens};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Longest ASCII token that is folded without allocating.
const SHORT: usize = 64;

const ID_SEED: u64 = 0x1d;
const INT_SEED: u64 = 0x127;

/// Calls `found` with the hash of every token of a text; tokens that repeat are reported again.
pub fn each_token(text: &str, mut found: impl FnMut(u64)) {
    if text.is_ascii() { ascii(text.as_bytes(), &mut found) } else { any_script(text, &mut found) }
}

/// The hash of an id's bytes.
pub fn id_hash(id: &[u8]) -> u64 {
    xxh3_64_with_seed(id, ID_SEED)
}

/// The hash of an integer value.
pub fn int_hash(value: i64) -> u64 {
    xxh3_64_with_seed(&value.to_le_bytes(), INT_SEED)
}

const WORD: [u8; 256] = word_table();

/// The lower-case byte of a word byte; 0 for the others.
const fn word_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0usize;
    while byte < 128 {
        let b = byte as u8;
        if b.is_ascii_alphanumeric() || b == b'_' {
            table[byte] = b.to_ascii_lowercase();
        }
        byte += 1;
    }
    table
}

fn ascii(text: &[u8], found: &mut impl FnMut(u64)) {
    let mut word = [0u8; SHORT];
    let mut at = 0;
    while at < text.len() {
        let start = at;
        let mut len = 0;
        while at < text.len() && WORD[text[at] as usize] != 0 {
            if len < SHORT {
                word[len] = WORD[text[at] as usize];
            }
            len += 1;
            at += 1;
        }
        if len > SHORT {
            found(xxh3_64(&text[start..at].to_ascii_lowercase()));
        } else if len > 0 && is_indexed(&word[..len]) {
            found(xxh3_64(&word[..len]));
        }
        at += usize::from(at == start);
        while at < text.len() && WORD[text[at] as usize] == 0 {
            at += 1;
        }
    }
}

fn any_script(text: &str, found: &mut impl FnMut(u64)) {
    let mut folded = String::new();
    // Where the last CJK character ended, and what it was.
    let mut before: Option<(usize, char)> = None;
    for token in tokens(text) {
        let at = token.as_ptr().addr() - text.as_ptr().addr();
        folded.clear();
        folded.extend(token.chars().map(fold));
        if is_indexed(folded.as_bytes()) {
            found(xxh3_64(folded.as_bytes()));
        }
        let Some(first) = token.chars().next().filter(|c| is_cjk(*c)) else { continue };
        if let Some((end, last)) = before
            && end == at
        {
            found(pair(last, first));
        }
        before = Some((at + token.len(), first));
    }
}

/// The hash of two neighbouring CJK characters.
fn pair(first: char, second: char) -> u64 {
    let mut both = [0u8; 8];
    let len = fold(first).encode_utf8(&mut both).len();
    let len = len + fold(second).encode_utf8(&mut both[len..]).len();
    xxh3_64(&both[..len])
}

/// False for four hexadecimal digits that mix letters and digits.
fn is_indexed(token: &[u8]) -> bool {
    if token.len() != 4 {
        return true;
    }
    let digits = token.iter().filter(|b| b.is_ascii_digit()).count();
    !(token.iter().all(u8::is_ascii_hexdigit) && (1..4).contains(&digits))
}

/// Hashes of the tokens every text that passes must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted(pub Vec<u64>);

impl Wanted {
    /// The tokens a text must hold to match a needle of this kind. Empty when nothing can be told.
    pub fn of(kind: WordKind, needle: &str) -> Wanted {
        let inner = inner_text(kind, needle);
        let mut hashes = Vec::new();
        each_token(inner, |hash| hashes.push(hash));
        hashes.sort_unstable();
        hashes.dedup();
        Wanted(hashes)
    }
}

/// The needle without a word that its text may continue: at the end of a prefix, at both ends of a substring.
fn inner_text(kind: WordKind, needle: &str) -> &str {
    let open = |c: char| is_word_char(c) && !is_cjk(c);
    let mut inner = needle;
    if !matches!(kind, WordKind::Word | WordKind::Phrase) {
        inner = inner.trim_end_matches(open);
    }
    if kind == WordKind::Substring {
        inner = inner.trim_start_matches(open);
    }
    inner
}

#[cfg(test)]
mod tests {
    use super::*;
    use clewline_lang::{WordMatcher, required_tokens};
    use proptest::prelude::*;

    fn hashes(text: &str) -> Vec<u64> {
        let mut all = Vec::new();
        each_token(text, |hash| all.push(hash));
        all
    }

    #[test]
    fn tokens_fold_and_scripts_agree() {
        assert_eq!(hashes("Error: x_1"), hashes("ERROR x_1"));
        // The same word in a text with another script takes the slow way and hashes alike.
        assert!(hashes("ERROR é").contains(&hashes("error")[0]));
        assert_eq!(hashes("a3f1 8080 dead 1f").len(), 3, "mixed four hexadecimal digits are left out");
        assert_eq!(hashes("错误日志").len(), 4 + 3);
        assert!(hashes("发生错误了").contains(&hashes("错误")[2]));
        assert_eq!(hashes(&"x".repeat(100)).len(), 1);
        assert_eq!(hashes("!?").len(), 0);
    }

    #[test]
    fn open_ends_are_not_wanted() {
        let wanted = |kind, needle: &str| Wanted::of(kind, needle).0.len();
        assert_eq!(wanted(WordKind::Word, "connection refused"), 2);
        assert_eq!(wanted(WordKind::Prefix, "connection ref"), 1);
        assert_eq!(wanted(WordKind::Substring, "nsufficient fu"), 0);
        assert_eq!(wanted(WordKind::Substring, "x failed: y"), 1);
        assert_eq!(wanted(WordKind::Substring, "错误"), 3);
    }

    proptest! {
        /// A text that matches holds every wanted token: pruning by tokens never loses a row.
        #[test]
        fn a_match_has_all_wanted_tokens(text in "[ab1错误İKé_ .:-]{0,24}", from in 0usize..24, len in 1usize..10, kind in 0u8..4) {
            let kind = [WordKind::Word, WordKind::Phrase, WordKind::Prefix, WordKind::Substring][kind as usize];
            let needle: String = text.chars().skip(from).take(len).collect();
            let all = hashes(&text);
            if WordMatcher::new(kind, &needle).is_match(&text) {
                let wanted = Wanted::of(kind, &needle);
                prop_assert!(wanted.0.iter().all(|hash| all.contains(hash)), "{kind:?} {needle:?} in {text:?}");
            }
            prop_assert!(required_tokens(kind, &needle).len() <= needle.chars().count());
        }
    }
}
