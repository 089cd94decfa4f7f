//! How long and how much is kept, per signal and tenant.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clewline_model::signal::{SIGNALS, Signal};

/// Bounds for the segments of one tenant and signal; `None` keeps everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Age of the newest record after which a segment is deleted.
    pub age: Option<Duration>,
    /// Bytes of segment files and the indexes beside them, beyond which the oldest segments are deleted.
    pub bytes_max: Option<u64>,
}

/// What one tenant has of its own; `None` leaves what holds for everybody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Override {
    /// Its age, or for ever.
    pub age: Option<Option<Duration>>,
    /// Its bytes, or any number.
    pub bytes_max: Option<Option<u64>>,
}

/// Retention of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    /// For every tenant, by signal number. Bytes are those of each tenant, not of all together.
    pub signals: [Bounds; SIGNALS.len()],
    /// Exceptions by tenant, by signal number.
    pub tenants: BTreeMap<Arc<str>, [Override; SIGNALS.len()]>,
}

impl Retention {
    /// The bounds of a signal by its name.
    pub fn signal_mut(&mut self, signal: &str) -> Option<&mut Bounds> {
        Some(&mut self.signals[Signal::from_name(signal)? as usize])
    }

    /// What a tenant has of its own, by the name of the signal.
    pub fn tenant_mut(&mut self, tenant: &str, signal: &str) -> Option<&mut Override> {
        let signal = Signal::from_name(signal)?;
        Some(&mut self.tenants.entry(Arc::from(tenant)).or_default()[signal as usize])
    }

    /// What holds for a tenant and signal.
    pub fn of(&self, tenant: &str, signal: Signal) -> Bounds {
        let bounds = self.signals[signal as usize];
        let Some(own) = self.tenants.get(tenant).map(|own| own[signal as usize]) else { return bounds };
        Bounds { age: own.age.unwrap_or(bounds.age), bytes_max: own.bytes_max.unwrap_or(bounds.bytes_max) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_may_differ_in_one_bound() {
        let day = Duration::from_secs(86_400);
        let mut retention = Retention::default();
        retention.signals[Signal::Logs as usize] = Bounds { age: Some(day), bytes_max: Some(7) };
        let mut own = [Override::default(); SIGNALS.len()];
        own[Signal::Logs as usize].age = Some(None);
        own[Signal::Spans as usize].bytes_max = Some(Some(9));
        retention.tenants.insert(Arc::from("a"), own);
        assert_eq!(retention.of("a", Signal::Logs), Bounds { age: None, bytes_max: Some(7) });
        assert_eq!(retention.of("a", Signal::Spans), Bounds { age: None, bytes_max: Some(9) });
        assert_eq!(retention.of("b", Signal::Logs), Bounds { age: Some(day), bytes_max: Some(7) });
        assert_eq!(retention.of("b", Signal::Spans), Bounds::default());
    }
}
