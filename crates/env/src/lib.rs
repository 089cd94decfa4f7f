//! The only door to time, randomness, disk and sockets, each with a simulated twin.
