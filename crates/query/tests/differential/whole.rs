//! Whole records: every column and every attribute of every record comes back as it was sent.

use std::collections::BTreeMap;

use clewline_model::signal::Signal;
use serde_json::{Map, Value};

use crate::check::everything;
use crate::generate::DataSet;
use crate::oracle::fields::{Cell, Schema, text_columns};
use crate::oracle::pipes::UID;
use crate::records::{Attributes, Record, Val};
use crate::world::World;

/// Compares all records of a data set with what a search for everything answers.
pub(crate) async fn check(world: &World, data: &DataSet) -> Result<(), String> {
    let (names, rows) = everything(world, data.signal).await.map_err(|error| error.to_string())?;
    if rows.len() != data.records.len() {
        return Err(format!("{} records were sent, {} are there", data.records.len(), rows.len()));
    }
    let at = |name: &str| names.iter().position(|known| known == name).ok_or(format!("there is no column {name}"));
    let uid = at(UID)?;
    let by_uid: BTreeMap<String, &Vec<Cell>> = rows.iter().map(|row| (format!("{:?}", row[uid]), row)).collect();
    let schema = Schema::of(data.signal, &data.records);
    for record in &data.records {
        let Some(row) = by_uid.get(&format!("{:?}", Cell::Int(record.uid))) else {
            return Err(format!("a record is missing: {record:?}"));
        };
        for name in columns(data.signal) {
            let (sent, got) = (schema.value(record, &schema.field(name)), &row[at(name)?]);
            if sent != *got {
                return Err(format!("{name}: sent {sent:?}, got {got:?}: {record:?}"));
            }
        }
        for (name, sent) in objects(record) {
            let got = match &row[at(name)?] {
                Cell::Text(text) => serde_json::from_str(text).map_err(|error| format!("{name}: {error}: {text}"))?,
                _ => Value::Object(Map::new()),
            };
            if sent != got {
                return Err(format!("{name}: sent {sent}, got {got}: {record:?}"));
            }
        }
    }
    Ok(())
}

fn columns(signal: Signal) -> Vec<&'static str> {
    let mut names = text_columns(signal);
    names.extend(["time", "trace_id", "span_id", "flags"]);
    match signal {
        Signal::Logs => names.extend(["observed_time", "severity_number"]),
        _ => names.extend(["parent_span_id", "duration_ns"]),
    }
    names
}

fn objects(record: &Record) -> [(&'static str, Value); 3] {
    [
        ("attributes", object(&record.attributes)),
        ("resource", object(&record.resource)),
        ("scope", object(&record.scope)),
    ]
}

fn object(attributes: &Attributes) -> Value {
    attributes.iter().map(|(name, value)| (name.clone(), json(value))).collect::<Map<_, _>>().into()
}

/// As docs/formats/segment.md says: types are kept, and what JSON cannot say is an object of one member.
fn json(value: &Val) -> Value {
    let member = |name: &str, text: String| Value::from_iter([(name.to_owned(), Value::from(text))]);
    match value {
        Val::Text(text) => Value::from(text.as_str()),
        Val::Int(int) => Value::from(*int),
        Val::Double(double) if double.is_finite() => Value::from(*double),
        Val::Double(double) if double.is_nan() => member("$double", "NaN".to_owned()),
        Val::Double(double) => member("$double", if *double > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()),
        Val::Bool(bool) => Value::from(*bool),
        Val::Bytes(_) => member("$bytes", value.text().unwrap_or_default()),
        Val::Json(text) => serde_json::from_str(text).unwrap(),
        Val::Null => Value::Null,
    }
}
