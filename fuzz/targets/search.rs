//! The search language: any text is a query or an error with a place in the text; a query prints as text that means the
//! same.
#![no_main]

use clewline_lang::{WordKind, WordMatcher, fold, parse, required_tokens, time_bounds, tokens};
use libfuzzer_sys::fuzz_target;

const NOW: i64 = 1_780_000_000_000_000_000;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse(text) {
        Ok(query) => {
            let printed = query.to_string();
            let again = parse(&printed).unwrap_or_else(|error| panic!("`{printed}` does not parse: {error:?}"));
            assert_eq!(again, query, "`{text}` and its canonical form `{printed}` differ");
            let _ = time_bounds(&query.filter, NOW);
            let _ = query.fields();
        }
        Err(error) => assert!(error.offset <= text.len() && text.is_char_boundary(error.offset), "{error:?}"),
    }
    // The first line is a needle, the rest a text: what is found holds every token an index would ask for.
    let (needle, hay) = text.split_once('\n').unwrap_or((text, text));
    for kind in [WordKind::Word, WordKind::Phrase, WordKind::Prefix, WordKind::Substring] {
        if WordMatcher::new(kind, needle).is_match(hay) {
            let held: Vec<String> = tokens(hay).map(|token| token.chars().map(fold).collect()).collect();
            for token in required_tokens(kind, needle) {
                assert!(held.contains(&token), "{kind:?} {needle:?} is in {hay:?}, its token {token:?} is not");
            }
        }
    }
});
