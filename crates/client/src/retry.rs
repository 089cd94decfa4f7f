//! When and how long to wait before a request is sent again.
//!
//! Rules (OTLP specification, "failures"; RFC 9110 §10.2.3): 429, 502, 503, 504 and connection trouble are worth
//! another try, everything else is an answer. `Retry-After` in seconds is a lower bound and is obeyed up to a minute.

use crate::limits::{RETRY_AFTER_MAX, RETRY_FIRST, RETRY_PAUSE_MAX};
use crate::load::random::Random;
use std::time::Duration;

/// Whether an HTTP status invites another try.
pub(crate) fn is_retryable(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

/// The pauses of one request: exponential with jitter, at least what the server asked for.
#[derive(Debug)]
pub(crate) struct Backoff {
    attempt: u32,
    random: Random,
}

impl Backoff {
    /// Pauses drawn from `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Backoff { attempt: 0, random: Random::new(seed) }
    }

    /// The next pause: between half and all of `200 ms * 2^attempt` (at most 10 s), never less than `retry_after`.
    pub(crate) fn pause(&mut self, retry_after: Option<Duration>) -> Duration {
        let whole = RETRY_FIRST.saturating_mul(1 << self.attempt.min(16)).min(RETRY_PAUSE_MAX);
        self.attempt += 1;
        let jittered = whole.mul_f64(0.5 + 0.5 * self.random.unit());
        match retry_after {
            Some(asked) => asked.min(RETRY_AFTER_MAX).max(jittered),
            None => jittered,
        }
    }
}

/// `Retry-After` as seconds; the date form is not used by the server.
pub(crate) fn parse_retry_after(value: &str) -> Option<Duration> {
    value.trim().parse::<u64>().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_answers_are_worth_another_try() {
        for (status, expect) in
            [(200, false), (400, false), (413, false), (429, true), (500, false), (502, true), (503, true), (504, true)]
        {
            assert_eq!(is_retryable(status), expect, "{status}");
        }
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        let mut backoff = Backoff::new(7);
        for attempt in 0..40u32 {
            let whole = RETRY_FIRST.saturating_mul(1 << attempt.min(16)).min(RETRY_PAUSE_MAX);
            let pause = backoff.pause(None);
            assert!(pause >= whole / 2 && pause <= whole, "{attempt}: {pause:?}");
        }
    }

    #[test]
    fn the_server_has_the_last_word_within_reason() {
        assert_eq!(Backoff::new(1).pause(Some(Duration::from_secs(3))), Duration::from_secs(3));
        assert_eq!(Backoff::new(1).pause(Some(Duration::from_secs(3_600))), RETRY_AFTER_MAX);
        assert_eq!(parse_retry_after(" 2 "), Some(Duration::from_secs(2)));
        assert_eq!(parse_retry_after("Tue, 24 Nov 2026 02:00:00 GMT"), None);
    }
}
