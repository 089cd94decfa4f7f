//! `clewline tail`: records as they arrive, over server-sent events, with reconnects.

use super::Signal;
use crate::error::CliError;
use crate::global::Global;
use crate::http::{Reply, Server};
use crate::limits::{SSE_LINE_BYTES_MAX, TAIL_SILENCE_MAX};
use crate::machine;
use crate::output::{parse_row, record};
use crate::retry::{Backoff, is_retryable};
use crate::sse::{Event, Parser};
use crate::terminal::{Out, Style, Terminal, escape, note};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};

const EXAMPLES: &str = "\
Examples:
  clewline tail
  clewline tail 'level:error'
  clewline tail service:checkout -o ndjson | jq -r .body
  clewline tail --signal spans status:error

Filters only: a pipe (| stats …) needs the whole answer, use `clewline query`.
A lost connection is taken up again after the last record received; records the
server had to leave out are counted on stderr.
Exit codes: 0 ended, 1 refused, 2 usage, 3 no server.";

/// How `tail` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TailFormat {
    /// One readable line per record
    Table,
    /// One JSON object a line
    Ndjson,
}

/// Arguments of `clewline tail`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TailArgs {
    /// Words and field:value; everything when left out
    #[arg(value_name = "QUERY", default_value = "")]
    pub query: Vec<String>,
    /// What to follow
    #[arg(long, value_enum, default_value_t)]
    pub signal: Signal,
    /// Stop after this many records
    #[arg(long, short = 'n', value_name = "N")]
    pub limit: Option<u64>,
    /// Output format
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<TailFormat>,
}

struct Tail {
    text: String,
    signal: Signal,
    server: Server,
    terminal: Terminal,
    stderr: Terminal,
    format: TailFormat,
    left: u64,
}

/// Why a connection ended.
enum Ended {
    LimitReached,
    Broken(String),
}

/// Follows until Ctrl-C, the limit, or a refusal.
pub(crate) fn run(args: TailArgs, global: &Global) -> Result<(), CliError> {
    let terminal = Terminal::of_stdout(global);
    let address = global.server.as_deref().unwrap_or(crate::global::DEFAULT_SERVER);
    let default = if terminal.is_tty { TailFormat::Table } else { TailFormat::Ndjson };
    let mut tail = Tail {
        text: args.query.join(" ").trim().to_string(),
        signal: args.signal,
        server: Server::at(address, global.tenant.clone(), Some(TAIL_SILENCE_MAX))?,
        stderr: Terminal::of_stderr(global),
        format: args.output.unwrap_or(default),
        terminal,
        left: args.limit.unwrap_or(u64::MAX),
    };
    tail.follow()
}

impl Tail {
    fn follow(&mut self) -> Result<(), CliError> {
        let mut parser = Parser::default();
        let mut out = Out::stdout();
        let mut backoff = Backoff::new(machine::now_ns());
        let mut connected_once = false;
        while self.left > 0 {
            let reason = match self.connect(parser.last_id()) {
                Ok(reply) if reply.status == 200 => {
                    if connected_once {
                        self.say("connected again");
                    }
                    connected_once = true;
                    backoff = Backoff::new(machine::now_ns());
                    parser.reconnected();
                    match self.receive(reply, &mut parser, &mut out)? {
                        Ended::LimitReached => return Ok(()),
                        Ended::Broken(reason) => reason,
                    }
                }
                Ok(reply) if connected_once && is_retryable(reply.status) => {
                    format!("the server answered {}", reply.status)
                }
                Ok(reply) => return Err(reply.problem(Some(&self.text))),
                Err(error) if connected_once => error.reason,
                Err(error) => return Err(self.server.unreachable(error)),
            };
            let pause = backoff.pause(None);
            self.say(&format!("connection lost ({reason}); trying again in {:.1} s", pause.as_secs_f64()));
            machine::sleep(pause);
        }
        Ok(())
    }

    fn connect(&self, last_id: Option<&str>) -> Result<Reply, crate::http::NoAnswer> {
        let params = [("q", self.text.clone()), ("signal", self.signal.name().to_string())];
        let mut headers = vec![("Accept", "text/event-stream")];
        headers.extend(last_id.map(|id| ("Last-Event-ID", id)));
        self.server.get_raw("/api/v1/tail", &params, &headers)
    }

    fn receive(&mut self, reply: Reply, parser: &mut Parser, out: &mut Out) -> Result<Ended, CliError> {
        let mut reader = BufReader::new(reply.reader());
        let mut line = Vec::new();
        loop {
            // What is buffered goes out before the next wait, so that a slow stream is shown at once.
            if reader.buffer().is_empty() {
                out.flush()?;
            }
            line.clear();
            match reader.by_ref().take(SSE_LINE_BYTES_MAX as u64).read_until(b'\n', &mut line) {
                Ok(0) => return Ok(Ended::Broken("the server closed it".into())),
                Ok(_) => {}
                Err(error) => return Ok(Ended::Broken(error.to_string())),
            }
            let text = String::from_utf8_lossy(&line);
            if let Some(event) = parser.line(text.trim_end_matches(['\n', '\r'])) {
                self.event(&event, out)?;
                if self.left == 0 {
                    out.flush()?;
                    return Ok(Ended::LimitReached);
                }
            }
        }
    }

    fn event(&mut self, event: &Event, out: &mut Out) -> Result<(), CliError> {
        match event.name.as_str() {
            "record" | "message" => {
                self.left -= 1;
                match self.format {
                    TailFormat::Ndjson => out.line(&event.data),
                    TailFormat::Table => out.line(&record::one_line(&parse_row(&event.data)?, &self.terminal)),
                }
            }
            "dropped" => {
                let notice: Value = serde_json::from_str(&event.data).unwrap_or(Value::Null);
                let count = notice.get("count").and_then(Value::as_u64).unwrap_or(0);
                self.say(&format!(
                    "{count} records left out: this reader is too slow (they are stored, `clewline query` finds them)"
                ));
                Ok(())
            }
            "error" => {
                let problem: Value = serde_json::from_str(&event.data).unwrap_or(Value::Null);
                let message = problem.get("message").and_then(Value::as_str).unwrap_or(&event.data);
                Err(CliError::failed(format!("the server ended the tail: {}", escape(message))))
            }
            _ => Ok(()),
        }
    }

    fn say(&self, text: &str) {
        note(&self.stderr.paint(Style::Warn, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::Stub;

    fn tail(stub: &Stub, limit: u64) -> Tail {
        Tail {
            text: "x".into(),
            signal: Signal::Logs,
            server: Server::at(&stub.address, None, Some(TAIL_SILENCE_MAX)).unwrap(),
            terminal: Terminal::plain(),
            stderr: Terminal::plain(),
            format: TailFormat::Table,
            left: limit,
        }
    }

    #[test]
    fn takes_up_after_the_last_id() {
        let stub = Stub::start(|request| {
            let next = request.header("last-event-id").and_then(|id| id.parse::<u32>().ok()).unwrap_or(0) + 1;
            let body = format!("event: record\nid: {next}\ndata: {{\"body\":\"n{next}\"}}\n\nevent: rec");
            (200, vec![("Content-Type", "text/event-stream".into())], body.into_bytes())
        });
        tail(&stub, 3).follow().unwrap();
        let ids: Vec<Option<String>> =
            stub.requests().iter().map(|request| request.header("last-event-id").map(String::from)).collect();
        assert_eq!(ids, [None, Some("1".into()), Some("2".into())]);
    }

    #[test]
    fn a_refusal_ends_it() {
        let stub = Stub::start(|_| (400, vec![], br#"{"message":"no pipes here","position":{"column":1}}"#.to_vec()));
        assert_eq!(tail(&stub, 1).follow().unwrap_err().exit_code(), 1);
    }

    #[test]
    fn an_error_event_ends_it() {
        let stub = Stub::start(|_| (200, vec![], b"event: error\ndata: {\"message\":\"gone\"}\n\n".to_vec()));
        assert!(tail(&stub, 1).follow().unwrap_err().to_string().contains("gone"));
    }
}
