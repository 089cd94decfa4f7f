//! What is known about the fields of earlier records: records of one sender look alike.
//!
//! A field is found by its parent and its key. Each remembers which two fields followed it last and how their keys were
//! written: when the same bytes come next, the key needs neither unescaping nor a look-up nor a look into the mapping. Of the
//! keys of wide, sparse events of several kinds in turn 87 of 100 are guessed by the first and 8 by the second. At most
//! [`FIELDS_MAX`] fields are remembered; further ones are forgotten after use.

use clewline_model::attributes::{Attributes, Value};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

use super::mapping::{Mapping, Role};
use crate::limits::FIELDS_MAX;

/// A field by its place in [`Fields`]; one that is not remembered is valid until [`Fields::forget`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FieldId(u32);

impl FieldId {
    /// The outer object.
    pub(super) const ROOT: FieldId = FieldId(0);
}

#[derive(Debug, Default)]
struct Field {
    parent: u32,
    /// Its dotted name; the last `key_bytes` of it are its key.
    name: String,
    key_bytes: usize,
    /// The key as it was written when it was first seen, with quotation marks and colon.
    written: Vec<u8>,
    role: Option<(Role, usize)>,
    /// The number of its name among the attributes of the batch.
    attribute: Option<u32>,
    /// The fields that followed in the same object, the last one first; 0 = none.
    next: [u32; 2],
    /// The first fields of the object that is its value, likewise.
    child: [u32; 2],
}

/// The fields of one batch.
#[derive(Debug)]
pub(super) struct Fields {
    fields: Vec<Field>,
    by_key: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Fields {
    pub(super) fn new() -> Fields {
        Fields { fields: vec![Field::default()], by_key: HashTable::new(), hasher: DefaultHashBuilder::default() }
    }

    /// The field behind `before`, or first in the object `parent`, if it is one of those that came there last. `comes` tells
    /// whether a key written like this comes next.
    #[inline]
    pub(super) fn guess(
        &mut self,
        parent: FieldId,
        before: Option<FieldId>,
        mut comes: impl FnMut(&[u8]) -> bool,
    ) -> Option<FieldId> {
        let [last, other] = *self.followers(parent, before);
        if comes(&self.fields[last as usize].written) {
            return Some(FieldId(last));
        }
        if comes(&self.fields[other as usize].written) {
            *self.followers(parent, before) = [other, last];
            return Some(FieldId(other));
        }
        None
    }

    #[inline]
    fn followers(&mut self, parent: FieldId, before: Option<FieldId>) -> &mut [u32; 2] {
        match before {
            Some(before) => &mut self.fields[before.0 as usize].next,
            None => &mut self.fields[parent.0 as usize].child,
        }
    }

    /// Notes that the guess was wrong and `field` came.
    fn correct(&mut self, parent: FieldId, before: Option<FieldId>, field: FieldId) {
        if self.is_temporary(field) {
            return;
        }
        let followers = self.followers(parent, before);
        *followers = [field.0, followers[0]];
    }

    /// The field `key` of the object `parent`, which was not guessed. `written` is how its key stands there; empty if those
    /// bytes must not be taken for the key again.
    pub(super) fn find(
        &mut self,
        parent: FieldId,
        before: Option<FieldId>,
        key: &str,
        written: &[u8],
        mapping: &Mapping,
    ) -> FieldId {
        let field = self.look_up(parent, key, written, mapping);
        self.correct(parent, before, field);
        field
    }

    fn look_up(&mut self, parent: FieldId, key: &str, written: &[u8], mapping: &Mapping) -> FieldId {
        let fields = &self.fields;
        let hash = self.hasher.hash_one((parent.0, key));
        let same = |&id: &u32| fields[id as usize].parent == parent.0 && fields[id as usize].key() == key;
        if let Some(&id) = self.by_key.find(hash, same) {
            return FieldId(id);
        }
        let id =
            u32::try_from(self.fields.len()).expect("fields are bounded, and what is beyond by the depth of a value");
        let prefix = &fields[parent.0 as usize].name;
        let mut name = String::with_capacity(prefix.len() + 1 + key.len());
        if parent != FieldId::ROOT {
            name.push_str(prefix);
            name.push('.');
        }
        name.push_str(key);
        let role = mapping.role(&name);
        let kept = self.fields.len() < FIELDS_MAX;
        let written = if kept { written.to_vec() } else { Vec::new() };
        self.fields.push(Field { parent: parent.0, name, key_bytes: key.len(), written, role, ..Field::default() });
        if kept {
            let (fields, hasher) = (&self.fields, &self.hasher);
            self.by_key.insert_unique(hash, id, |&id| {
                let field = &fields[id as usize];
                hasher.hash_one((field.parent, field.key()))
            });
        }
        FieldId(id)
    }

    /// True if a field will not be remembered: call [`Self::forget`] when its value was read.
    #[inline]
    pub(super) fn is_temporary(&self, field: FieldId) -> bool {
        field.0 as usize >= FIELDS_MAX
    }

    /// Forgets a field that is not remembered, and those after it.
    pub(super) fn forget(&mut self, field: FieldId) {
        debug_assert!(self.is_temporary(field));
        self.fields.truncate(field.0 as usize);
    }

    /// Forgets what a broken record may have left.
    pub(super) fn begin_record(&mut self) {
        self.fields.truncate(FIELDS_MAX);
    }

    /// Its dotted name.
    pub(super) fn name(&self, field: FieldId) -> &str {
        &self.fields[field.0 as usize].name
    }

    /// The column it may fill.
    #[inline]
    pub(super) fn role(&self, field: FieldId) -> Option<(Role, usize)> {
        self.fields[field.0 as usize].role
    }

    /// Adds it to the open row.
    #[inline]
    pub(super) fn push(&mut self, field: FieldId, value: Value<'_>, attributes: &mut Attributes) {
        let field = &mut self.fields[field.0 as usize];
        attributes.push_known(&mut field.attribute, &field.name, value);
    }
}

impl Field {
    fn key(&self) -> &str {
        &self.name[self.name.len() - self.key_bytes..]
    }
}
