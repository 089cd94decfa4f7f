//! Records as columns: what every other crate agrees on.
//!
//! Reason to exist: a pure leaf (no async, clock, files). Reading order: [`signal`] names the three kinds of record
//! and their fixed columns; [`batch`] holds records column by column as decoders write them; [`attributes`] is the
//! open-ended part of a record; [`codec`] turns a batch into the bytes of a write-ahead-log record and back;
//! [`template`] finds the constant part of a log line; [`json`] writes JSON text; [`select`] takes some records out of a batch;
//! [`limits`] names every bound.

pub mod attributes;
pub mod batch;
pub mod codec;
pub mod json;
pub mod limits;
pub mod select;
pub mod signal;
pub mod template;
pub mod text;
