//! The store as a whole, on simulated and real disks.

mod behaviour;
mod crash;
mod life;
mod real;
mod world;
