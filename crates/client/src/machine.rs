//! The crate's one door to clock, threads, signals and processes.

use crate::error::CliError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970, wall clock; 0 for a clock before 1970.
pub(crate) fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The monotonic clock.
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// Blocks the calling thread.
pub(crate) fn sleep(duration: Duration) {
    std::thread::sleep(duration);
}

/// Sleeps until `deadline` or until `stop` is set, whichever comes first; looks at `stop` every 50 ms.
pub(crate) fn sleep_until(deadline: Instant, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let left = deadline.saturating_duration_since(monotonic());
        if left.is_zero() {
            return;
        }
        sleep(left.min(Duration::from_millis(50)));
    }
}

/// Starts a named thread.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, CliError> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map_err(|error| CliError::failed(format!("cannot start a thread: {error}")))
}

/// A flag that becomes true at the first Ctrl-C (or SIGTERM); the second one ends the process with code 130.
///
/// Must be called before other threads are started: they inherit the blocked signals.
pub(crate) fn stop_on_interrupt() -> Result<Arc<AtomicBool>, CliError> {
    use nix::sys::signal::{SigSet, Signal};
    let flag = Arc::new(AtomicBool::new(false));
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block().map_err(|error| CliError::failed(format!("cannot watch for Ctrl-C: {error}")))?;
    let shared = Arc::clone(&flag);
    spawn("interrupt", move || {
        while signals.wait().is_ok() {
            if shared.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        }
    })?;
    Ok(flag)
}

/// CPU seconds (user, system) a process has used, from `/proc/<pid>/stat` (proc(5), fields 14 and 15).
pub(crate) fn cpu_seconds(pid: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks = cpu_ticks(&text)?;
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
    Some(ticks as f64 / per_second as f64)
}

/// User plus system ticks of a `/proc/<pid>/stat` line; the command name may hold blanks and parentheses.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Peak resident memory of a process in bytes, `VmHWM` of `/proc/<pid>/status`.
pub(crate) fn peak_resident_bytes(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// The process that listens on a local TCP port: `/proc/net/tcp*` gives the socket, `/proc/*/fd` its owner.
pub(crate) fn process_listening_on(port: u16) -> Option<u32> {
    let mut sockets = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = std::fs::read_to_string(table).unwrap_or_default();
        sockets.extend(text.lines().skip(1).filter_map(|line| listening_inode(line, port)));
    }
    if sockets.is_empty() {
        return None;
    }
    let processes = std::fs::read_dir("/proc").ok()?;
    for entry in processes.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(open) = std::fs::read_dir(entry.path().join("fd")) else { continue };
        let owns = open.flatten().filter_map(|fd| std::fs::read_link(fd.path()).ok()).any(|target| {
            let target = target.to_string_lossy();
            let inode = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
            inode.is_some_and(|inode| sockets.iter().any(|socket| socket == inode))
        });
        if owns {
            return Some(pid);
        }
    }
    None
}

/// The inode of one `/proc/net/tcp` line when it listens (state 0A) on `port`.
fn listening_inode(line: &str, port: u16) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let local = fields.get(1)?.rsplit_once(':')?.1;
    let listens = *fields.get(3)? == "0A" && u16::from_str_radix(local, 16).ok()? == port;
    listens.then(|| fields.get(9).map(|inode| (*inode).to_string()))?
}

/// Bytes used by the files below `directory`.
pub(crate) fn bytes_below(directory: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_behind_an_awkward_name() {
        let stat = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks(""), None);
    }

    #[test]
    fn the_listening_line() {
        let line = "  0: 0100007F:10CC 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 4711 1 x";
        assert_eq!(listening_inode(line, 4300).as_deref(), Some("4711"));
        assert_eq!(listening_inode(line, 4301), None);
    }

    #[test]
    fn own_process_has_used_memory() {
        assert!(peak_resident_bytes(std::process::id()).unwrap() > 0);
        assert!(cpu_seconds(std::process::id()).is_some());
    }
}
