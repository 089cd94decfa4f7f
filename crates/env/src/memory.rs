//! How much memory this process holds, as the kernel counts it.

/// Resident bytes, from `/proc/self/statm`; `None` where there is no such file.
#[expect(clippy::disallowed_methods, reason = "this crate is the door")]
pub fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_holds_some_memory() {
        assert!(super::resident_bytes().is_none_or(|bytes| bytes > 100_000));
    }
}
