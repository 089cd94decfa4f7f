//! `clewline bench write`: generated records as files of request bodies, so that other programs get the same bytes.
//!
//! Below the folder: `logs/*.jsonl` and `logs-otlp/*.pb` hold the same records, file by file, as do `spans/*.jsonl` and
//! `spans-otlp/*.pb`. `manifest.json` counts them and names what is worth asking for. One body is in memory at a time.

use super::BenchArgs;
use super::ingest::PERIOD_NS;
use super::logs::{self, Logs, RARE_WORD, SERVICES, trace_of_record};
use super::spans::{self, RARE_TIER, SPANS_PER_TRACE, Spans, trace_id_of};
use crate::error::CliError;
use crate::load::random::hex;
use crate::machine;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Writes everything below `--dir`.
pub(crate) fn run(args: &BenchArgs) -> Result<(), CliError> {
    let folder = args
        .dir
        .as_deref()
        .ok_or_else(|| CliError::usage("write needs a folder", "clewline bench write --dir /tmp/records"))?;
    if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(CliError::failed_hint(
            format!("{} is not empty", folder.display()),
            "name a new or an empty folder: leftovers would be measured too",
        ));
    }
    let end_ns = machine::now_ns();
    if args.logs > 0 {
        write_logs(args, folder, end_ns)?;
    }
    let spans = if args.spans > 0 { write_spans(args, folder, end_ns)? } else { 0 };
    let manifest = manifest(args, spans, end_ns);
    store(&folder.join("manifest.json"), manifest.to_string().as_bytes())
}

fn write_logs(args: &BenchArgs, folder: &Path, end_ns: u64) -> Result<(), CliError> {
    let (lines, otlp) = (Files::new(folder, "logs", "jsonl")?, Files::new(folder, "logs-otlp", "pb")?);
    let mut logs = Logs::new(args.seed, args.logs, end_ns, PERIOD_NS);
    for number in 0.. {
        let records: Vec<_> = std::iter::from_fn(|| logs.record()).take(args.batch).collect();
        if records.is_empty() {
            break;
        }
        let mut body = Vec::with_capacity(records.len() * 300);
        records.iter().for_each(|record| logs::json_line(record, &mut body));
        lines.store(number, &body)?;
        otlp.store(number, &logs::otlp(records))?;
    }
    Ok(())
}

/// Returns the number of spans: whole traces are written.
fn write_spans(args: &BenchArgs, folder: &Path, end_ns: u64) -> Result<u64, CliError> {
    let (lines, otlp) = (Files::new(folder, "spans", "jsonl")?, Files::new(folder, "spans-otlp", "pb")?);
    let mut spans = Spans::new(args.seed, args.spans, end_ns, PERIOD_NS);
    let per_body = (args.batch as u64 / SPANS_PER_TRACE).max(1) as usize;
    let mut written = 0;
    for number in 0.. {
        let traces: Vec<_> = std::iter::from_fn(|| spans.trace()).take(per_body).collect();
        if traces.is_empty() {
            break;
        }
        let mut body = Vec::new();
        for (service, span) in traces.iter().flatten() {
            spans::json_line(*service, span, &mut body);
            written += 1;
        }
        lines.store(number, &body)?;
        otlp.store(number, &spans::otlp(&traces))?;
    }
    Ok(written)
}

/// Counts, and the values that the questions of `clewline bench query` ask for.
fn manifest(args: &BenchArgs, spans: u64, end_ns: u64) -> Value {
    json!({
        "seed": args.seed,
        "logs": args.logs,
        "spans": spans,
        "batch": args.batch,
        "start_ns": end_ns.saturating_sub(PERIOD_NS),
        "end_ns": end_ns,
        "rare_word": RARE_WORD,
        "busy_service": SERVICES[2],
        "needle_trace_id": hex(&trace_id_of(args.seed, trace_of_record(20).unwrap_or(2))),
        "trace_id": hex(&trace_id_of(args.seed, 7)),
        "rare_tier": RARE_TIER,
    })
}

/// Numbered files of one kind.
struct Files {
    folder: PathBuf,
    ending: &'static str,
}

impl Files {
    fn new(folder: &Path, kind: &str, ending: &'static str) -> Result<Self, CliError> {
        let folder = folder.join(kind);
        std::fs::create_dir_all(&folder).map_err(|error| cannot(&folder, &error))?;
        Ok(Files { folder, ending })
    }

    fn store(&self, number: u32, body: &[u8]) -> Result<(), CliError> {
        store(&self.folder.join(format!("{number:06}.{}", self.ending)), body)
    }
}

fn store(path: &Path, body: &[u8]) -> Result<(), CliError> {
    std::fs::write(path, body).map_err(|error| cannot(path, &error))
}

fn cannot(path: &Path, error: &std::io::Error) -> CliError {
    CliError::failed(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn lines(folder: &Path) -> Vec<Value> {
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let text: String = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn files_hold_every_record_in_both_forms() {
        let folder = std::env::temp_dir().join(format!("clewline-bench-write-{}", std::process::id()));
        let args = BenchArgs { logs: 2_500, spans: 295, batch: 1_000, dir: Some(folder.clone()), ..BenchArgs::small() };
        run(&args).unwrap();
        let count = |kind: &str| std::fs::read_dir(folder.join(kind)).unwrap().count();
        assert_eq!((count("logs"), count("logs-otlp"), count("spans"), count("spans-otlp")), (3, 3, 1, 1));
        assert_eq!(lines(&folder.join("logs")).len(), 2_500);
        let spans = lines(&folder.join("spans"));
        let manifest: Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join("manifest.json")).unwrap()).unwrap();
        assert_eq!((spans.len(), manifest["spans"].as_u64()), (300, Some(300)));
        let mut of_trace: BTreeMap<&str, usize> = BTreeMap::new();
        spans.iter().for_each(|span| *of_trace.entry(span["trace_id"].as_str().unwrap()).or_default() += 1);
        assert_eq!(of_trace.get(manifest["trace_id"].as_str().unwrap()), Some(&10));
        assert!(run(&args).is_err(), "a folder with files is refused");
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(run(&BenchArgs { dir: None, ..args }).is_err());
    }
}
