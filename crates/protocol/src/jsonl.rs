//! stub
use crate::{Context, DecodeError, Decoded};
/// Which fields of a JSON record fill which columns: names in order of preference, dotted for nested objects.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "stub")]
pub struct MappingNames {
    pub time: Vec<String>,
    pub observed_time: Vec<String>,
    pub message: Vec<String>,
    pub level: Vec<String>,
    pub severity_number: Vec<String>,
    pub service: Vec<String>,
    pub node: Vec<String>,
    pub trace_id: Vec<String>,
    pub span_id: Vec<String>,
    pub default_service: String,
}
/// [`MappingNames`] made ready for use.
#[derive(Debug, Clone, Default)]
pub struct Mapping {}
impl Mapping {
    /// Ready for use.
    pub fn new(_names: &MappingNames) -> Mapping {
        Mapping {}
    }
    /// The default names with another service for records that name none.
    pub fn for_service(_service: &str) -> Mapping {
        Mapping {}
    }
}
/// JSON lines, or one JSON array of objects, to log records.
pub fn decode(_body: &[u8], _mapping: &Mapping, _context: &Context<'_>) -> Result<Decoded, DecodeError> {
    Err(DecodeError::TooDeep { offset: 0 })
}
