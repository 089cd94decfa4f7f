//! Questions asked of a real store: the same answers from memory, from segments, and from both.
#![allow(clippy::unwrap_used, reason = "tests")]

mod erase;
mod fixture;
mod large;
mod search;
mod sql;
mod traces;
