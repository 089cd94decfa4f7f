//! What the catalog remembers of a segment: enough to decide, without opening it, whether a query needs it and which
//! columns it will find there.

use clewline_model::attributes::ValueKind;
use clewline_model::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::gather::RowRef;
use crate::limits::REST_NAMES_MAX;
use crate::part::Part;
use crate::promote::Layout;

/// Where an attribute belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The record itself.
    Attribute,
    /// The resource that emitted it.
    Resource,
    /// The instrumentation scope.
    Scope,
}

/// All scopes, in the order names are looked up.
pub const SCOPES: [Scope; 3] = [Scope::Attribute, Scope::Resource, Scope::Scope];

impl Scope {
    /// Prefix of its columns: `attributes.`, `resource.`, `scope.`.
    pub fn prefix(self) -> &'static str {
        match self {
            Scope::Attribute => "attributes.",
            Scope::Resource => "resource.",
            Scope::Scope => "scope.",
        }
    }

    /// Name of the residual column.
    pub fn rest_column(self) -> &'static str {
        match self {
            Scope::Attribute => "attributes_rest",
            Scope::Resource => "resource_rest",
            Scope::Scope => "scope_rest",
        }
    }
}

/// One attribute name of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeSummary {
    /// Where it belongs.
    #[serde(rename = "s")]
    pub scope: Scope,
    /// Its name, without prefix.
    #[serde(rename = "n")]
    pub name: String,
    /// Kind of its typed column (a [`ValueKind`] number), if it has one.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none", default)]
    pub column: Option<u8>,
    /// Kinds found in the residual text, one bit per [`ValueKind`] number.
    #[serde(rename = "r", skip_serializing_if = "is_zero", default)]
    pub rest_kinds: u8,
    /// Values in the segment.
    #[serde(rename = "v")]
    pub values: u64,
}

fn is_zero(bits: &u8) -> bool {
    *bits == 0
}

impl AttributeSummary {
    /// All kinds its values have.
    pub fn kinds(&self) -> impl Iterator<Item = ValueKind> {
        let bits = self.rest_kinds | self.column.map_or(0, |kind| 1 << kind);
        (0..7).filter(move |kind| bits >> kind & 1 == 1).filter_map(ValueKind::from_number)
    }
}

/// The checksum of segment files: xxh3-64, fed piece by piece.
pub use xxhash_rust::xxh3::Xxh3Default as Checksum;

/// A segment in the catalog.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    /// Signal number.
    pub signal: u8,
    /// Rows.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of the index beside it, when it was written.
    #[serde(default)]
    pub index_bytes: u64,
    /// Earliest time, ns.
    pub time_min: i64,
    /// Latest time, ns.
    pub time_max: i64,
    /// Smallest sequence number.
    pub seq_min: i64,
    /// Largest sequence number.
    pub seq_max: i64,
    /// Attribute names; all of them unless `names_truncated`.
    pub attributes: Vec<AttributeSummary>,
    /// True when there were more names than the catalog keeps: any name may be in the residual text.
    #[serde(default)]
    pub names_truncated: bool,
    /// Version of the template rules that made `template_id`.
    pub template_version: u32,
    /// Repeated spans left out when it was written.
    pub duplicates_removed: u64,
    /// xxh3-64 of the whole file.
    pub checksum: u64,
}

impl Summary {
    /// The summary of nothing.
    pub fn empty(signal: Signal) -> Summary {
        Summary {
            signal: signal as u8,
            rows: 0,
            bytes: 0,
            index_bytes: 0,
            time_min: i64::MAX,
            time_max: i64::MIN,
            seq_min: i64::MAX,
            seq_max: i64::MIN,
            attributes: Vec::new(),
            names_truncated: false,
            template_version: clewline_model::template::VERSION,
            duplicates_removed: 0,
            checksum: 0,
        }
    }

    /// The summary of some rows laid out by `layout`; `bytes` and `duplicates_removed` are still 0.
    pub fn of(layout: &Layout, parts: &[Part], rows: &[RowRef]) -> Summary {
        let mut summary = Summary { rows: rows.len() as u64, ..Summary::empty(layout.signal) };
        for at in rows {
            let part = &parts[at.part()];
            let (time, seq) = (part.batch.times()[at.row()], part.seqs.at(at.row()));
            summary.time_min = summary.time_min.min(time);
            summary.time_max = summary.time_max.max(time);
            summary.seq_min = summary.seq_min.min(seq);
            summary.seq_max = summary.seq_max.max(seq);
        }
        let mut rest_names = 0;
        for attribute in &layout.attributes {
            if attribute.column.is_none() {
                rest_names += 1;
                if rest_names > REST_NAMES_MAX {
                    summary.names_truncated = true;
                    continue;
                }
            }
            summary.attributes.push(attribute.clone());
        }
        summary
    }

    /// The signal.
    pub fn signal(&self) -> Signal {
        Signal::from_number(self.signal).unwrap_or(Signal::Logs)
    }

    /// The attribute of this scope and name.
    pub fn attribute(&self, scope: Scope, name: &str) -> Option<&AttributeSummary> {
        self.attributes.iter().find(|a| a.scope == scope && a.name == name)
    }

    /// True when `file` is, byte for byte, what was written.
    pub fn matches(&self, file: &[u8]) -> bool {
        file.len() as u64 == self.bytes && xxhash_rust::xxh3::xxh3_64(file) == self.checksum
    }

    /// As JSON text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a summary has only plain members")
    }

    /// From the text of [`Self::to_json`].
    pub fn from_json(text: &str) -> Result<Summary, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}
