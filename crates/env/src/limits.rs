//! Every bound of this crate, with its reason.

/// Slices handed to one `writev` call. Linux refuses more than 1,024 (`IOV_MAX`).
pub const SLICES_PER_WRITE_MAX: usize = 1_024;

/// Sector of the simulated disk: the unit that is written whole or not at all when the power fails.
pub const SIM_SECTOR_BYTES: usize = 512;
