//! The judge: the search language and a piece of SQL over plain records, written from `docs/search-language.md` and
//! `docs/api.md` as simply as possible. It shares the parsers with the product, and nothing that decides an answer.

pub(crate) mod fields;
pub(crate) mod filter;
pub(crate) mod pipes;
pub(crate) mod words;

/// The question has no answer the documentation promises.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refused {
    /// The product must answer with an error.
    Error(&'static str),
    /// More than one answer would be right; the case is not counted.
    Unspecified(&'static str),
}
