//! OTLP decoders against an independent implementation: random requests are encoded by prost (and serde), decoded by
//! this crate, and every cell of every row is compared with what the message tree says it must be.

mod expect;
mod generate;

use clewline_model::attributes::Attributes;
use clewline_model::batch::{Batch, Column};
use clewline_model::signal::{ColumnType, NULL_DOUBLE_BITS, NULL_INT, Signal};
use clewline_model::text::hex;
use clewline_protocol::otlp::{self, encode};
use clewline_protocol::{Context, Decoded};
use expect::{Expected, NOW, Row};
use generate::Random;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

const SEEDS: u64 = 150;
const CONTEXT: Context<'_> = Context { now_ns: NOW, node: "peer" };

/// The rows of a batch in the form of [`expect::Row`].
fn rows(batch: &Batch) -> Vec<Row> {
    assert!(batch.check());
    (0..batch.rows()).map(|row| cells(batch, row)).collect()
}

fn cells(batch: &Batch, row: usize) -> Row {
    let mut cells = Vec::new();
    for (spec, column) in batch.signal.columns().iter().zip(&batch.columns) {
        // The template id is a function of the body and tested where it is made.
        if spec.name == "template_id" {
            continue;
        }
        cells.push(match column {
            Column::Int(values) => match (spec.kind, values[row]) {
                (ColumnType::NullableInt, NULL_INT) => String::new(),
                (ColumnType::Time | ColumnType::Int, 0) => String::new(),
                (_, value) => value.to_string(),
            },
            Column::Double(values) if values[row].to_bits() == NULL_DOUBLE_BITS => String::new(),
            Column::Double(values) => format!("{:?}", values[row]),
            Column::Text { .. } => column.text(row).to_owned(),
            Column::Id16(ids) if ids[row] == [0; 16] => String::new(),
            Column::Id16(ids) => hex(&ids[row]),
            Column::Id8(ids) if ids[row] == [0; 8] => String::new(),
            Column::Id8(ids) => hex(&ids[row]),
        });
    }
    cells.push(attributes(&batch.attributes, row));
    cells.push(attributes(&batch.resources, batch.resource[row] as usize));
    cells.push(attributes(&batch.scopes, batch.scope[row] as usize));
    cells
}

fn attributes(attributes: &Attributes, row: usize) -> String {
    let keys = attributes.keys();
    let cells: Vec<String> =
        attributes.row(row).map(|(key, value)| format!("{}={value:?}", keys[key as usize])).collect();
    cells.join("; ")
}

fn check(seed: u64, decoded: &Decoded, expected: &Expected) {
    let found = rows(&decoded.batch);
    assert_eq!(decoded.rejections.rejected, expected.rejected, "seed {seed}: {:?}", decoded.rejections);
    assert_eq!(found.len(), expected.rows.len(), "seed {seed}");
    for (row, (found, expected)) in found.iter().zip(&expected.rows).enumerate() {
        assert_eq!(found, expected, "seed {seed} row {row}");
    }
}

/// A request of a signal in both encodings, and what it must become.
fn request(signal: Signal, seed: u64, finite: bool) -> (Vec<u8>, String, Expected) {
    let mut random = Random::new(seed, finite);
    let text = "the message tree can be written as JSON";
    match signal {
        Signal::Logs => {
            let request = ExportLogsServiceRequest { resource_logs: random.logs() };
            (
                request.encode_to_vec(),
                serde_json::to_string(&request).expect(text),
                expect::logs(&request.resource_logs),
            )
        }
        Signal::Spans => {
            let request = ExportTraceServiceRequest { resource_spans: random.spans() };
            (
                request.encode_to_vec(),
                serde_json::to_string(&request).expect(text),
                expect::spans(&request.resource_spans),
            )
        }
        Signal::Metrics => {
            let request = ExportMetricsServiceRequest { resource_metrics: random.metrics() };
            let expected = expect::metrics(&request.resource_metrics);
            (request.encode_to_vec(), serde_json::to_string(&request).expect(text), expected)
        }
    }
}

#[test]
fn protobuf_agrees_with_prost() {
    for signal in clewline_model::signal::SIGNALS {
        let mut seen = 0;
        for seed in 0..SEEDS {
            let (bytes, _, expected) = request(signal, seed, false);
            let decoded = otlp::decode_protobuf(signal, &bytes, &CONTEXT).expect("prost writes good protobuf");
            check(seed, &decoded, &expected);
            seen += expected.rows.len();
        }
        assert!(seen > SEEDS as usize, "the generator makes rows: {seen}");
    }
}

#[test]
fn json_agrees_with_serde() {
    for signal in clewline_model::signal::SIGNALS {
        for seed in 0..SEEDS {
            let (_, text, expected) = request(signal, seed, true);
            let decoded =
                otlp::decode_json(signal, text.as_bytes(), &CONTEXT).unwrap_or_else(|e| panic!("{e}\n{text}"));
            check(seed, &decoded, &expected);
        }
    }
}

/// A wrong expectation must be noticed: the comparison is not vacuous.
#[test]
#[should_panic(expected = "seed 1")]
fn the_comparison_notices_a_changed_cell() {
    for seed in 1.. {
        let (bytes, _, mut expected) = request(Signal::Spans, seed, false);
        if let Some(row) = expected.rows.first_mut() {
            row[3].push('!');
            let decoded = otlp::decode_protobuf(Signal::Spans, &bytes, &CONTEXT).expect("good protobuf");
            check(1, &decoded, &expected);
        }
    }
}

#[test]
fn encoding_is_the_inverse_of_decoding() {
    for signal in [Signal::Logs, Signal::Spans] {
        for seed in 0..SEEDS {
            let (bytes, ..) = request(signal, seed, false);
            let first = otlp::decode_protobuf(signal, &bytes, &CONTEXT).expect("good protobuf").batch;
            let mut text = String::new();
            if signal == Signal::Logs {
                encode::logs_json(&first, &mut text);
                serde_json::from_str::<serde_json::Value>(&text).expect("it is JSON");
            } else {
                encode::spans_json(&first, &mut text);
                serde_json::from_str::<serde_json::Value>(&text).expect("it is JSON");
            }
            let again = otlp::decode_json(signal, text.as_bytes(), &CONTEXT).unwrap_or_else(|e| panic!("{e}\n{text}"));
            let (mut first, mut again) = (comparable(&first), comparable(&again.batch));
            first.sort();
            again.sort();
            assert_eq!(first, again, "seed {seed}\n{text}");
        }
    }
}

/// Rows without what an encoding may change: attributes given twice come once, in another place of the list.
fn comparable(batch: &Batch) -> Vec<Row> {
    let mut rows = rows(batch);
    let fixed = batch.columns.len() - usize::from(batch.signal == Signal::Logs);
    for (at, row) in rows.iter_mut().enumerate() {
        row.truncate(fixed);
        for (attributes, of) in [
            (&batch.attributes, at),
            (&batch.resources, batch.resource[at] as usize),
            (&batch.scopes, batch.scope[at] as usize),
        ] {
            let mut last: Vec<String> = (0..attributes.keys().len())
                .filter_map(|key| {
                    let value = attributes.get(of, key as u32)?;
                    Some(format!("{}={value:?}", attributes.keys()[key]))
                })
                .collect();
            last.sort();
            row.push(last.join("; "));
        }
    }
    rows
}

#[test]
fn truncation_and_flipped_bits_never_panic() {
    for signal in clewline_model::signal::SIGNALS {
        for seed in 0..6 {
            let (bytes, text, _) = request(signal, seed, true);
            for body in [bytes.as_slice(), text.as_bytes()] {
                let json = body.first() == Some(&b'{');
                let decode = |bytes: &[u8]| {
                    let decoded = if json {
                        otlp::decode_json(signal, bytes, &CONTEXT)
                    } else {
                        otlp::decode_protobuf(signal, bytes, &CONTEXT)
                    };
                    if let Ok(decoded) = decoded {
                        assert!(decoded.batch.check());
                        let _ = decoded.rejections.message();
                    }
                };
                let body = &body[..body.len().min(1500)];
                for at in 0..body.len() {
                    decode(&body[..at]);
                    let mut damaged = body.to_vec();
                    damaged[at] ^= 1 << (at % 8);
                    decode(&damaged);
                }
            }
        }
    }
}
