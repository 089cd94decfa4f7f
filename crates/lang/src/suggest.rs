//! "Did you mean": the nearest known word by edit distance.

use crate::limits::SUGGEST_EDITS_MAX;

/// The known word nearest to `word`, ignoring case, when it is near enough: at most [`SUGGEST_EDITS_MAX`] edits, and fewer
/// than half of the word.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word: Vec<char> = word.to_lowercase().chars().take(64).collect();
    let limit = SUGGEST_EDITS_MAX.min(word.len().saturating_sub(1) / 2 + usize::from(word.len() == 2));
    known
        .into_iter()
        .map(|name| (edits(&word, &name.chars().collect::<Vec<_>>()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, cb) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(ca != cb)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *ca == b[j - 1] && a[i - 1] == *cb {
                best = best.min(before[j - 1] + 1);
            }
            row[j + 1] = best;
        }
        before = last;
        last = row;
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_near_words_and_refuses_far_ones() {
        let known = ["stats", "sort", "limit", "fields", "top", "by"];
        let check = |word: &str, expect: Option<&str>| assert_eq!(nearest(word, known), expect, "{word}");
        check("stast", Some("stats"));
        check("Stat", Some("stats"));
        check("limt", Some("limit"));
        check("feilds", Some("fields"));
        check("tpo", Some("top"));
        check("extract", None);
        check("x", None);
        check("", None);
    }
}
