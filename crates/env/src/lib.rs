//! The only door to time, randomness, disk and background threads, each with a simulated twin.
//!
//! Reason to exist: the compiler shall enforce that everything else takes these from here, so that the durable half of
//! the product runs unchanged under simulated power cuts. Reading order: [`clock`], [`random`], [`disk`] (the trait),
//! [`os_disk`] and [`sim_disk`] (its two implementations), [`thread`]; [`limits`] names every bound.
//!
//! One documented exception: SQLite opens the files of the catalog itself; users of [`disk::Disk`] announce that with
//! [`disk::Disk::external`] so that a simulated power cut also falls between its commits.

#![allow(clippy::disallowed_methods, reason = "this crate is the door the others are sent to")]

pub mod clock;
pub mod disk;
pub mod limits;
pub mod memory;
pub mod os_disk;
pub mod random;
pub mod sim_disk;
pub mod thread;

use std::sync::Arc;

use clock::{Clock, SystemClock};
use disk::Disk;
use os_disk::OsDisk;
use random::{OsRandom, Random};

/// The surroundings a component runs in.
#[derive(Clone)]
pub struct Env {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Files.
    pub disk: Arc<dyn Disk>,
}

impl Env {
    /// The machine this process runs on.
    pub fn system() -> Env {
        Env { clock: Arc::new(SystemClock::new()), random: Arc::new(OsRandom), disk: Arc::new(OsDisk) }
    }
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Env")
    }
}
