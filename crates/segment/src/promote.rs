//! Which attributes of some rows get a typed column, and which stay in the residual text.
//!
//! An attribute is promoted when one row in [`PROMOTE_ONE_ROW_IN`] carries it, the most frequent first, up to
//! [`ATTRIBUTE_COLUMNS_MAX`]. The column has the kind most of its values have; values of other kinds stay in the
//! residual text under the same name, so a conflict of types loses nothing.

use clewline_model::attributes::{Attributes, ValueKind};
use clewline_model::signal::Signal;
use hashbrown::HashMap;

use crate::limits::{ATTRIBUTE_COLUMNS_MAX, PROMOTE_ONE_ROW_IN, REST_NAMES_MAX};
use crate::part::Part;
use crate::summary::{AttributeSummary, SCOPES, Scope};

/// The attribute columns of some rows.
#[derive(Debug)]
pub struct Layout {
    /// The signal.
    pub signal: Signal,
    /// The names, promoted ones first; of a hostile number of names the most frequent, one more than the catalog keeps.
    pub attributes: Vec<AttributeSummary>,
    /// Number of promoted names.
    pub promoted: usize,
}

#[derive(Default, Clone, Copy)]
struct Seen {
    per_kind: [u32; 7],
}

impl Seen {
    fn total(&self) -> u64 {
        self.per_kind.iter().map(|&count| u64::from(count)).sum()
    }
}

impl Layout {
    /// The layout of a segment made of these parts.
    pub fn of_segment(signal: Signal, parts: &[Part]) -> Layout {
        let rows: u64 = parts.iter().map(|part| part.rows() as u64).sum();
        Layout::choose(signal, parts, ATTRIBUTE_COLUMNS_MAX, rows / PROMOTE_ONE_ROW_IN)
    }

    /// The layout of parts in memory: columns cost nothing there, but a hostile batch must not make thousands.
    pub fn of_memory(signal: Signal, parts: &[Part]) -> Layout {
        Layout::choose(signal, parts, ATTRIBUTE_COLUMNS_MAX, 0)
    }

    fn choose(signal: Signal, parts: &[Part], columns_max: usize, values_min: u64) -> Layout {
        // A hostile batch may have a million names: those nobody will look at again never become text of their own.
        let mut seen: Vec<(Seen, Scope, &str)> = Vec::new();
        for scope in SCOPES {
            seen.extend(count(parts, scope).into_iter().map(|(name, count)| (count, scope, name)));
        }
        seen.sort_unstable_by(|a, b| b.0.total().cmp(&a.0.total()).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
        seen.truncate(columns_max + REST_NAMES_MAX + 1);
        let mut attributes: Vec<AttributeSummary> =
            seen.iter().map(|(count, scope, name)| summarise(*scope, name, count)).collect();
        let mut promoted = 0;
        for attribute in &mut attributes {
            let kind = attribute.column.and_then(ValueKind::from_number);
            let fits = !matches!(kind, None | Some(ValueKind::Null | ValueKind::Bytes));
            if promoted < columns_max && attribute.values > values_min && fits {
                attribute.rest_kinds &= !(1 << kind.map_or(0, |k| k as u8));
                promoted += 1;
            } else {
                attribute.column = None;
            }
        }
        attributes.sort_by_key(|attribute| attribute.column.is_none());
        Layout { signal, attributes, promoted }
    }
}

/// Counts of each name by kind; resources and scopes count once per row that refers to them.
fn count(parts: &[Part], scope: Scope) -> HashMap<&str, Seen> {
    let mut all: HashMap<&str, Seen> = HashMap::new();
    for part in parts {
        let batch = &*part.batch;
        let (list, weights) = match scope {
            Scope::Attribute => (&batch.attributes, None),
            Scope::Resource => (&batch.resources, Some(uses(&batch.resource, batch.resources.rows()))),
            Scope::Scope => (&batch.scopes, Some(uses(&batch.scope, batch.scopes.rows()))),
        };
        let mut seen = vec![Seen::default(); list.keys().len()];
        count_rows(list, weights.as_deref(), &mut seen);
        for (name, seen) in list.keys().iter().zip(seen) {
            if seen.per_kind.iter().any(|&n| n > 0) {
                let total = all.entry(name).or_default();
                for (sum, n) in total.per_kind.iter_mut().zip(seen.per_kind) {
                    *sum = sum.saturating_add(n);
                }
            }
        }
    }
    all
}

fn count_rows(list: &Attributes, weights: Option<&[u32]>, seen: &mut [Seen]) {
    for row in 0..list.rows() {
        let weight = weights.map_or(1, |w| w[row]);
        for (key, kind) in list.row_kinds(row) {
            let count = &mut seen[key as usize].per_kind[kind as usize];
            *count = count.saturating_add(weight);
        }
    }
}

fn uses(references: &[u32], rows: usize) -> Vec<u32> {
    let mut weights = vec![0; rows];
    for &reference in references {
        weights[reference as usize] += 1;
    }
    weights
}

fn summarise(scope: Scope, name: &str, seen: &Seen) -> AttributeSummary {
    let best = (0..7u8).max_by_key(|&kind| (seen.per_kind[usize::from(kind)], std::cmp::Reverse(kind)));
    let rest_kinds = (0..7).filter(|&kind| seen.per_kind[kind] > 0).fold(0u8, |bits, kind| bits | 1 << kind);
    AttributeSummary { scope, name: name.to_owned(), column: best, rest_kinds, values: seen.total() }
}
