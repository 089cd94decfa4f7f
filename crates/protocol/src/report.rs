//! What decoders say about input they could not take as it is.
//!
//! Three outcomes, from mild to severe: a warning (the record is kept, a part of it was changed), a rejection (one
//! record is refused, the others are kept), a [`DecodeError`] (the whole request is refused). Reports are bounded: at
//! most [`REASONS_MAX`] reasons, a summary of at most [`MESSAGE_BYTES_MAX`].

use std::borrow::Cow;
use std::fmt::Write;

use clewline_model::text::truncate;

use crate::limits::{MESSAGE_BYTES_MAX, REASONS_MAX};

/// Why a whole request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes are not what they claim to be.
    Malformed {
        /// Where, in bytes from the start of the (decompressed) body.
        offset: usize,
        /// What is wrong there.
        message: &'static str,
    },
    /// Nested deeper than `clewline_model::limits::NESTING_DEPTH_MAX` where no single record could be blamed.
    TooDeep {
        /// Where, in bytes from the start of the (decompressed) body.
        offset: usize,
    },
    /// The records would take more memory than one request may.
    TooLarge {
        /// The bound that was exceeded.
        limit_bytes: usize,
    },
}

impl DecodeError {
    /// True when a smaller request could succeed: answer 413 or `RESOURCE_EXHAUSTED` instead of 400.
    pub fn is_too_large(&self) -> bool {
        matches!(self, DecodeError::TooLarge { .. })
    }
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DecodeError::Malformed { offset, message } => write!(f, "malformed at byte {offset}: {message}"),
            DecodeError::TooDeep { offset } => write!(f, "nested too deeply at byte {offset}"),
            DecodeError::TooLarge { limit_bytes } => {
                write!(f, "the records need more than {} MiB; send smaller requests", limit_bytes >> 20)
            }
        }
    }
}

impl std::error::Error for DecodeError {}

/// One refused record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Which record: `line 3`, `resource_logs[0].scope_logs[1].log_records[5]`.
    pub place: String,
    /// Why.
    pub message: Cow<'static, str>,
}

/// How often kept records were changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Warnings {
    /// Texts that were not UTF-8 and were repaired with U+FFFD.
    pub text_repaired: u64,
    /// Values or names cut because they were too long.
    pub values_cut: u64,
    /// Attributes dropped because a record had too many, or nested too deeply where no record could be blamed.
    pub attributes_dropped: u64,
    /// Trace or span ids dropped because they were not valid.
    pub ids_dropped: u64,
    /// Times that were missing where required, or absurd, and were replaced.
    pub times_replaced: u64,
    /// Spans that end before they start; their duration became zero.
    pub durations_clamped: u64,
}

impl Warnings {
    fn lines(&self) -> [(u64, &'static str); 6] {
        [
            (self.text_repaired, "texts were not UTF-8 and were repaired"),
            (self.values_cut, "values were too long and were cut"),
            (self.attributes_dropped, "attributes were dropped"),
            (self.ids_dropped, "trace or span ids were not valid and were dropped"),
            (self.times_replaced, "times were missing or not usable and were replaced"),
            (self.durations_clamped, "spans end before they start; their duration is kept as zero"),
        ]
    }
}

/// What was refused, changed or left out of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejections {
    /// Records refused.
    pub rejected: u64,
    /// The first of them, with reasons.
    pub reasons: Vec<Rejection>,
    /// Changes to records that were kept.
    pub warnings: Warnings,
}

impl Rejections {
    /// True when everything was taken as it came.
    pub fn is_empty(&self) -> bool {
        self.rejected == 0 && self.warnings == Warnings::default()
    }

    /// A summary for the client: what, where and how many; empty when there is nothing to say.
    pub fn message(&self) -> String {
        let mut out = String::new();
        if self.rejected > 0 {
            let records = if self.rejected == 1 { "record was" } else { "records were" };
            let _ = write!(out, "{} {records} rejected", self.rejected);
            for (i, reason) in self.reasons.iter().enumerate() {
                let _ = write!(out, "{} {}: {}", if i == 0 { ":" } else { ";" }, reason.place, reason.message);
            }
            let unlisted = self.rejected.saturating_sub(self.reasons.len() as u64);
            if unlisted > 0 && !self.reasons.is_empty() {
                let _ = write!(out, "; and {unlisted} more");
            }
        }
        for (count, what) in self.warnings.lines() {
            if count > 0 {
                let _ = write!(out, "{}{count} {what}", if out.is_empty() { "" } else { ". " });
            }
        }
        truncate(&out, MESSAGE_BYTES_MAX).to_owned()
    }

    /// Counts a refused record; `place` is only asked while reasons are still listed.
    pub(crate) fn reject(&mut self, place: impl FnOnce() -> String, message: Cow<'static, str>) {
        self.rejected += 1;
        if self.reasons.len() < REASONS_MAX {
            self.reasons.push(Rejection { place: place(), message });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_say_is_an_empty_message() {
        assert!(Rejections::default().is_empty());
        assert_eq!(Rejections::default().message(), "");
    }

    #[test]
    fn the_summary_is_bounded_and_counts_what_it_leaves_out() {
        let mut report = Rejections::default();
        for line in 0..1000 {
            report.reject(|| format!("line {line}"), "not JSON".into());
        }
        report.warnings.values_cut = 3;
        assert_eq!(report.reasons.len(), REASONS_MAX);
        let message = report.message();
        assert!(message.starts_with("1000 records were rejected: line 0: not JSON; line 1: not JSON"), "{message}");
        assert!(message.ends_with("and 980 more. 3 values were too long and were cut"), "{message}");
        report.reject(String::new, "x".into());
        report.reasons[0].message = "y".repeat(10_000).into();
        assert_eq!(report.message().len(), MESSAGE_BYTES_MAX);
    }
}
