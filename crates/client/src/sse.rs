//! Server-sent events (WHATWG HTML §9.2) as a push parser: lines in, events out. No sockets.

/// One dispatched event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Event {
    /// `message` when the stream names none.
    pub(crate) name: String,
    /// The `data` lines, joined by newlines.
    pub(crate) data: String,
}

/// Collects the fields of the current event and remembers the last id for reconnecting.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    name: String,
    data: String,
    has_data: bool,
    last_id: Option<String>,
}

impl Parser {
    /// Takes one line without its line ending; an empty line dispatches the event.
    pub(crate) fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.name = value.to_string(),
            "data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(value);
                self.has_data = true;
            }
            "id" if !value.contains('\0') => self.last_id = Some(value.to_string()),
            _ => {}
        }
        None
    }

    /// The id to resume after.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// Forgets a half-received event; the last id stays.
    pub(crate) fn reconnected(&mut self) {
        self.name.clear();
        self.data.clear();
        self.has_data = false;
    }

    fn dispatch(&mut self) -> Option<Event> {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        let complete = std::mem::take(&mut self.has_data);
        complete.then(|| Event { name: if name.is_empty() { "message".into() } else { name }, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> (Vec<Event>, Option<String>) {
        let mut parser = Parser::default();
        let events = text.lines().filter_map(|line| parser.line(line)).collect();
        (events, parser.last_id().map(String::from))
    }

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.into(), data: data.into() }
    }

    #[test]
    fn records_heartbeats_and_notices() {
        let (events, last) =
            events("event: record\nid: 7\ndata: {\"a\":1}\n\n: heartbeat\n\nevent: dropped\ndata: {\"count\":3}\n\n");
        assert_eq!(events, [event("record", "{\"a\":1}"), event("dropped", "{\"count\":3}")]);
        assert_eq!(last.as_deref(), Some("7"));
    }

    #[test]
    fn odd_but_legal_streams() {
        assert_eq!(events("data\n\n").0, [event("message", "")]);
        assert_eq!(events("data:x\ndata:  y\n\n").0, [event("message", "x\n y")]);
        assert_eq!(events("event: lost\n\n").0, []);
        assert_eq!(events("data: unfinished\n").0, []);
        assert_eq!(events("retry: 10\nunknown: x\ndata: a:b\n\n").0, [event("message", "a:b")]);
    }

    #[test]
    fn a_reconnect_drops_the_half_event_and_keeps_the_id() {
        let mut parser = Parser::default();
        parser.line("id: 9");
        parser.line("data: half");
        parser.reconnected();
        assert_eq!(parser.line(""), None);
        assert_eq!(parser.last_id(), Some("9"));
    }
}
