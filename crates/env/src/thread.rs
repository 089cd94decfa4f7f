//! Background threads.

use std::io;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Starts a named thread. The name (at most 15 bytes are shown) appears in `top -H` and in panic messages.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(run)
}

/// Waits.
pub fn sleep(time: Duration) {
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_thread_carries_its_name() {
        let handle = super::spawn("clew-test", || assert_eq!(std::thread::current().name(), Some("clew-test")));
        handle.expect("threads can be started").join().expect("the thread does not panic");
    }
}
