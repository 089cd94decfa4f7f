//! The store as a whole, on simulated and real disks.

mod behaviour;
mod crash;
mod real;
mod world;
