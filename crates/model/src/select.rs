//! Some records of a batch as a batch of their own.

use hashbrown::HashMap;

use crate::attributes::Attributes;
use crate::batch::{Batch, Column};

impl Batch {
    /// The records at `rows`, in that order; sets of resources and scopes no record refers to are left behind.
    /// Every position must be below [`Batch::rows`].
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Batch {
        let mut batch = Batch::new(self.signal);
        batch.columns = self.columns.iter().map(|column| column.select(rows)).collect();
        for &row in rows {
            batch.attributes.append_row(&self.attributes, row);
        }
        batch.resource = select_sets(&mut batch.resources, &self.resources, rows.iter().map(|&row| self.resource[row]));
        batch.scope = select_sets(&mut batch.scopes, &self.scopes, rows.iter().map(|&row| self.scope[row]));
        debug_assert!(batch.check());
        batch
    }
}

impl Column {
    fn select(&self, rows: &[usize]) -> Column {
        match self {
            Column::Int(values) => Column::Int(rows.iter().map(|&row| values[row]).collect()),
            Column::Double(values) => Column::Double(rows.iter().map(|&row| values[row]).collect()),
            Column::Id16(values) => Column::Id16(rows.iter().map(|&row| values[row]).collect()),
            Column::Id8(values) => Column::Id8(rows.iter().map(|&row| values[row]).collect()),
            Column::Text { .. } => {
                let (mut ends, mut data) = (Vec::with_capacity(rows.len()), Vec::new());
                for &row in rows {
                    data.extend_from_slice(self.text_bytes(row));
                    ends.push(u32::try_from(data.len()).expect("a selection is not larger than its batch"));
                }
                Column::Text { ends, data }
            }
        }
    }
}

/// Copies the sets that are referred to; returns the new references. Set 0 is the empty one on both sides.
fn select_sets(to: &mut Attributes, from: &Attributes, references: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    numbers.insert(0, 0);
    references
        .map(|old| {
            *numbers.entry(old).or_insert_with(|| {
                to.append_row(from, old as usize);
                u32::try_from(to.rows() - 1).expect("there are not more sets than before")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::attributes::Value;
    use crate::batch::{Batch, LogRecord};
    use crate::signal::{Signal, log};

    #[test]
    fn selected_records_keep_everything_and_nothing_else_stays() {
        let mut batch = Batch::new(Signal::Logs);
        for n in 0..6_i64 {
            if n % 2 == 0 {
                batch.resource_attribute("host", Value::Text(&format!("h{n}")));
                batch.end_resource();
            }
            let resource = u32::try_from(n / 2 + 1).expect("small");
            batch.attribute("n", Value::Int(n));
            let body = format!("line {n}");
            batch.push_log(resource, 0, &LogRecord { time: n, body: &body, ..LogRecord::default() });
        }
        let selected = batch.select(&[5, 1]);
        assert!(selected.check());
        assert_eq!(selected.times(), [5, 1]);
        assert_eq!((selected.columns[log::BODY].text(0), selected.columns[log::BODY].text(1)), ("line 5", "line 1"));
        let mut json = String::new();
        selected.attributes.push_json(0, &mut json);
        selected.resources.push_json(selected.resource[0] as usize, &mut json);
        selected.resources.push_json(selected.resource[1] as usize, &mut json);
        assert_eq!(json, "{\"n\":5}{\"host\":\"h4\"}{\"host\":\"h0\"}");
        assert_eq!(selected.resources.rows(), 3, "sets nobody refers to are gone");
        assert_eq!(batch.select(&[]).rows(), 0);
    }
}
