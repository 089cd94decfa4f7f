//! The bounds of the language, each with its reason.

/// Longest query accepted, in bytes. A person writes hundreds; machines paste long `in(...)` lists. 64 KiB also fits the
/// request-line limits of common proxies, so a longer query could not be shared as a link.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;

/// Deepest nesting of parentheses and negations. The parser and every walk over the tree recurse once per level, so this
/// bounds the stack they need; people rarely write more than four.
pub const DEPTH_MAX: usize = 64;

/// Most pipes in one query. Each becomes a step of the plan, which the engine walks recursively.
pub const PIPES_MAX: usize = 64;

/// Farthest an unknown word may be from a known one, in edits, to be suggested.
pub const SUGGEST_EDITS_MAX: usize = 2;

/// Largest row count accepted by `limit`, `offset`, `top` and `uniq limit`: any count an `i64` engine can hold.
pub const ROWS_MAX: u64 = i64::MAX as u64;
