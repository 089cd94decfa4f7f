//! stub
use crate::{Context, DecodeError, Decoded};
/// Lines of text to log records.
pub fn decode(_body: &[u8], _service: &str, _context: &Context<'_>) -> Result<Decoded, DecodeError> {
    Err(DecodeError::TooDeep { offset: 0 })
}
