//! What generators of telemetry share: seeded random numbers and skewed choices.

pub(crate) mod random;
pub(crate) mod zipf;
