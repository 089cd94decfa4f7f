//! A template as the index sees it: constant pieces with gaps between, and what the gaps held.
//!
//! Soundness rests on one fact: every line of the template (in this segment) is `piece gap piece gap … piece` for some cut,
//! the words that touch a gap are in the filter of the line's chunk, and the bytes of each gap are in its alphabet. Which
//! cut it was does not matter. A line that cannot be cut so makes its template *loose*: nothing is concluded from it.

use clewline_lang::{WordKind, WordMatcher, is_word_char};
use hashbrown::HashSet;
use memchr::memmem;

use super::alphabet::Alphabet;
use super::bytes::{In, Out};
use super::tokens::{Wanted, each_token};

/// Stands for "something that continues a word" beside a gap when a piece is searched: a letter nobody's needle has.
const EDGE: char = '\u{10900}';

/// Work bound of [`Template::may_hold`]: needles longer than this are not judged.
const JUDGED_NEEDLE_BYTES_MAX: usize = 256;

/// What a question finds out about the lines of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every line passes.
    Yes,
    /// No line passes.
    No,
    /// It depends on what the gaps held: look at the lines.
    Maybe,
}

/// A needle, ready to be held against many templates.
#[derive(Debug)]
pub struct Needle {
    text: String,
    folds: bool,
    proof: Proof,
    wanted: Wanted,
}

/// What shows that a constant piece alone satisfies the question.
#[derive(Debug)]
enum Proof {
    /// Nothing does.
    None,
    /// The piece matches.
    Match(WordMatcher),
    /// The piece holds the needle as it is written.
    Contains,
}

impl Needle {
    /// A word, phrase, prefix or substring, ignoring case.
    pub fn word(kind: WordKind, text: &str) -> Needle {
        let proof = if text.contains(EDGE) { Proof::None } else { Proof::Match(WordMatcher::new(kind, text)) };
        Needle { text: text.to_owned(), folds: true, proof, wanted: Wanted::of(kind, text) }
    }

    /// Text that a line must hold in exactly this case; to find it proves nothing more.
    pub fn literal(text: &str) -> Needle {
        Needle { proof: Proof::None, ..Needle::contained(text) }
    }

    /// Text that a line must hold in exactly this case, and that is all that is asked of it.
    pub fn contained(text: &str) -> Needle {
        let wanted = Wanted::of(WordKind::Substring, text);
        Needle { text: text.to_owned(), folds: false, proof: Proof::Contains, wanted }
    }

    /// Text that a line must be.
    pub fn whole(text: &str) -> Needle {
        let wanted = Wanted::of(WordKind::Word, text);
        Needle { text: text.to_owned(), folds: false, proof: Proof::None, wanted }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Tokens a text that holds the needle must have.
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }
}

/// Constant pieces and what was between them.
#[derive(Clone)]
pub struct Template {
    /// Its id; see [`clewline_model::template`].
    pub id: i64,
    /// The constant texts; a gap lies between each two. The first and last may be empty.
    pub pieces: Vec<String>,
    pub(super) gaps: Vec<Alphabet>,
    pub(super) loose: bool,
    words: HashSet<u64>,
}

impl std::fmt::Debug for Template {
    /// Without the words, which follow from the pieces and have no order.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Template { id, pieces, gaps, loose, words: _ } = self;
        f.debug_struct("Template")
            .field("id", id)
            .field("pieces", pieces)
            .field("gaps", gaps)
            .field("loose", loose)
            .finish()
    }
}

impl Template {
    /// A template of these pieces; at least one.
    pub(super) fn new(id: i64, pieces: Vec<String>) -> Template {
        let gaps = vec![Alphabet::default(); pieces.len().saturating_sub(1)];
        let words = constant_words(&pieces);
        Template { id, pieces, gaps, loose: false, words }
    }

    /// What is known about `needle` in every line, and the tokens the chunk's filter must have for [`Verdict::Maybe`].
    pub fn judge(&self, needle: &Needle) -> (Verdict, Vec<u64>) {
        if self.loose {
            return (Verdict::Maybe, needle.wanted.0.clone());
        }
        let certain = match &needle.proof {
            Proof::None => false,
            Proof::Match(matcher) => self.holds_for_certain(matcher),
            Proof::Contains => self.pieces.iter().any(|piece| piece.contains(&needle.text)),
        };
        if certain {
            return (Verdict::Yes, Vec::new());
        }
        if !self.may_hold(needle) {
            return (Verdict::No, Vec::new());
        }
        let missing = needle.wanted.0.iter().copied().filter(|hash| !self.words.contains(hash)).collect();
        (Verdict::Maybe, missing)
    }

    /// True when one piece alone holds the needle, whatever stands in the gaps beside it.
    fn holds_for_certain(&self, matcher: &WordMatcher) -> bool {
        let last = self.pieces.len() - 1;
        let mut framed = String::new();
        self.pieces.iter().enumerate().any(|(index, piece)| {
            framed.clear();
            if index > 0 {
                framed.push(EDGE);
            }
            framed.push_str(piece);
            if index < last {
                framed.push(EDGE);
            }
            matcher.is_match(&framed)
        })
    }

    /// False when no choice of gap texts from their alphabets gives a line that holds the needle.
    fn may_hold(&self, needle: &Needle) -> bool {
        let text = needle.text.as_bytes();
        if !text.is_ascii() || text.len() > JUDGED_NEEDLE_BYTES_MAX || text.is_empty() {
            return true;
        }
        let walk = Walk { template: self, needle: text, folds: needle.folds };
        let mut seen = vec![false; self.gaps.len() * (text.len() + 1)];
        let from_gaps = (0..self.gaps.len()).any(|gap| walk.goes_on_in_gap(gap, 0, &mut seen));
        from_gaps
            || self
                .pieces
                .iter()
                .enumerate()
                .any(|(piece, constant)| (0..constant.len()).any(|at| walk.goes_on_in_piece(piece, at, 0, &mut seen)))
    }

    pub(super) fn write(&self, out: &mut Out) {
        out.signed(self.id);
        out.number(u64::from(self.loose));
        out.count(self.pieces.len());
        self.pieces.iter().for_each(|piece| out.text(piece));
        self.gaps.iter().for_each(|gap| gap.write(out));
    }

    pub(super) fn read(input: &mut In<'_>) -> Option<Template> {
        let id = input.signed()?;
        let loose = input.number()? != 0;
        let count = input.count(1)?;
        let pieces: Vec<String> = (0..count).map(|_| input.text().map(str::to_owned)).collect::<Option<_>>()?;
        let gaps = (1..count).map(|_| Alphabet::read(input)).collect::<Option<_>>()?;
        let words = constant_words(&pieces);
        (count > 0).then_some(Template { id, pieces, gaps, loose, words })
    }
}

/// One attempt to lay a needle over pieces and gaps.
struct Walk<'a> {
    template: &'a Template,
    needle: &'a [u8],
    folds: bool,
}

impl Walk<'_> {
    /// The needle from `at` on, begun inside gap number `gap` (or at its end).
    fn goes_on_in_gap(&self, gap: usize, at: usize, seen: &mut [bool]) -> bool {
        let mut at = at;
        loop {
            if at == self.needle.len() {
                return true;
            }
            let mark = gap * (self.needle.len() + 1) + at;
            if std::mem::replace(&mut seen[mark], true) {
                return false;
            }
            if self.goes_on_in_piece(gap + 1, 0, at, seen) {
                return true;
            }
            if !self.template.gaps[gap].may_hold(self.needle[at]) {
                return false;
            }
            at += 1;
        }
    }

    /// The needle from `at` on, laid over piece number `piece` from its byte `from` on.
    fn goes_on_in_piece(&self, piece: usize, from: usize, at: usize, seen: &mut [bool]) -> bool {
        let (constant, needle) = (&self.template.pieces[piece].as_bytes()[from..], &self.needle[at..]);
        let len = constant.len().min(needle.len());
        let equal = |(a, b): (&u8, &u8)| if self.folds { a.eq_ignore_ascii_case(b) } else { a == b };
        if !constant.iter().zip(needle).all(equal) {
            return false;
        }
        if needle.len() <= constant.len() {
            return true;
        }
        piece < self.template.gaps.len() && self.goes_on_in_gap(piece, at + len, seen)
    }
}

/// Hashes of the words that lie inside the pieces and touch no gap.
fn constant_words(pieces: &[String]) -> HashSet<u64> {
    let mut words = HashSet::new();
    for (index, piece) in pieces.iter().enumerate() {
        let mut inner = piece.as_str();
        if index > 0 {
            inner = inner.trim_start_matches(is_word_char);
        }
        if index + 1 < pieces.len() {
            inner = inner.trim_end_matches(is_word_char);
        }
        each_token(inner, |hash| {
            words.insert(hash);
        });
    }
    words
}

/// Finds the pieces of one template in its lines.
pub(super) struct Cutter {
    first: String,
    last: String,
    middle: Vec<memmem::Finder<'static>>,
    alone: bool,
}

impl Cutter {
    pub(super) fn new(pieces: &[String]) -> Cutter {
        let inner = if pieces.len() > 2 { &pieces[1..pieces.len() - 1] } else { &[] };
        Cutter {
            first: pieces.first().cloned().unwrap_or_default(),
            last: pieces.last().cloned().unwrap_or_default(),
            middle: inner.iter().map(|piece| memmem::Finder::new(piece).into_owned()).collect(),
            alone: pieces.len() == 1,
        }
    }

    /// Puts start and end of every gap of a line into `gaps`; false when the line has not these pieces.
    pub(super) fn cut(&self, line: &str, gaps: &mut Vec<(usize, usize)>) -> bool {
        gaps.clear();
        if self.alone {
            return line == self.first;
        }
        if !line.starts_with(&self.first) || !line.ends_with(&self.last) {
            return false;
        }
        let mut at = self.first.len();
        let Some(end) = line.len().checked_sub(self.last.len()).filter(|&end| end >= at) else { return false };
        for finder in &self.middle {
            let Some(found) = finder.find(&line.as_bytes()[at..end]) else { return false };
            gaps.push((at, at + found));
            at += found + finder.needle().len();
        }
        gaps.push((at, end));
        true
    }
}

/// The part of a line whose words touch the gap between `start` and `end`.
pub(super) fn touched(line: &str, start: usize, end: usize) -> &str {
    let before = line[..start].trim_end_matches(is_word_char).len();
    let after = line[end..].len() - line[end..].trim_start_matches(is_word_char).len();
    &line[before..end + after]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn template(pieces: &[&str], gaps: &[&str]) -> Template {
        let mut template = Template::new(1, pieces.iter().map(|&piece| piece.to_owned()).collect());
        for (alphabet, text) in template.gaps.iter_mut().zip(gaps) {
            alphabet.add(text.as_bytes());
        }
        template
    }

    #[test]
    fn constants_decide_and_gaps_may() {
        let template =
            template(&["charge for order ", " declined: insufficient funds, amount ", ""], &["123", "12.5 EUR"]);
        let check = |kind, needle: &str, expect: Verdict| {
            assert_eq!(template.judge(&Needle::word(kind, needle)).0, expect, "{kind:?} {needle}");
        };
        check(WordKind::Word, "declined", Verdict::Yes);
        check(WordKind::Word, "ORDER", Verdict::Yes);
        check(WordKind::Substring, "nsufficient fu", Verdict::Yes);
        check(WordKind::Word, "nsufficient", Verdict::Maybe);
        check(WordKind::Word, "refund", Verdict::No);
        check(WordKind::Word, "321", Verdict::Maybe);
        check(WordKind::Word, "456", Verdict::No);
        check(WordKind::Phrase, "order 12", Verdict::Maybe);
        check(WordKind::Phrase, "order 12 declined", Verdict::Maybe);
        check(WordKind::Phrase, "order 12 accepted", Verdict::No);
        check(WordKind::Prefix, "EU", Verdict::Maybe);
        assert_eq!(template.judge(&Needle::literal("Charge")).0, Verdict::No);
        assert_eq!(template.judge(&Needle::literal("charge")).0, Verdict::Maybe);
        let (_, missing) = template.judge(&Needle::word(WordKind::Phrase, "order 12 declined"));
        assert_eq!(missing.len(), 1, "order and declined are constant, 12 must be in the filter");
    }

    #[test]
    fn lines_are_cut_at_their_pieces() {
        let cutter = Cutter::new(&["a ".into(), " b ".into(), String::new()]);
        let mut gaps = Vec::new();
        assert!(cutter.cut("a x b y b z", &mut gaps));
        assert_eq!(gaps, [(2, 3), (6, 11)]);
        assert!(!cutter.cut("a x c", &mut gaps) && !cutter.cut("b", &mut gaps) && !cutter.cut("a ", &mut gaps));
        assert!(Cutter::new(&["only".into()]).cut("only", &mut gaps) && gaps.is_empty());
        assert!(!Cutter::new(&["ab".into(), "bc".into()]).cut("abc", &mut gaps), "pieces may not overlap");
        assert_eq!(touched("xab12cd e", 3, 5), "xab12cd");
    }

    proptest! {
        /// Whatever line a template makes: Yes and No are never wrong, and Maybe names only tokens the line has in a gap.
        #[test]
        fn verdicts_hold_for_every_line(
            pieces in prop::collection::vec("[ab_ .]{0,4}", 1..4), texts in prop::collection::vec("[ab1 .]{0,4}", 3),
            needle in "[ab1_ .]{1,4}", kind in 0u8..4,
        ) {
            let kind = [WordKind::Word, WordKind::Phrase, WordKind::Prefix, WordKind::Substring][kind as usize];
            let mut line = pieces[0].clone();
            for (text, piece) in texts.iter().zip(&pieces[1..]) {
                line.push_str(text);
                line.push_str(piece);
            }
            let mut template = Template::new(1, pieces.clone());
            let mut gaps = Vec::new();
            prop_assert!(Cutter::new(&pieces).cut(&line, &mut gaps));
            let mut in_filter = Vec::new();
            for (alphabet, &(start, end)) in template.gaps.iter_mut().zip(&gaps) {
                alphabet.add(&line.as_bytes()[start..end]);
                each_token(touched(&line, start, end), |hash| in_filter.push(hash));
            }
            let matches = WordMatcher::new(kind, &needle).is_match(&line);
            match template.judge(&Needle::word(kind, &needle)) {
                (Verdict::Yes, _) => prop_assert!(matches),
                (Verdict::No, _) => prop_assert!(!matches),
                (Verdict::Maybe, wanted) if matches => prop_assert!(wanted.iter().all(|hash| in_filter.contains(hash))),
                _ => {}
            }
            if line.contains(&needle) {
                prop_assert!(template.judge(&Needle::literal(&needle)).0 != Verdict::No);
            }
            let mut out = Out::default();
            template.write(&mut out);
            let back = Template::read(&mut In(&out.0)).expect("own bytes");
            prop_assert_eq!(back.judge(&Needle::word(kind, &needle)), template.judge(&Needle::word(kind, &needle)));
        }
    }
}
