//! The server as its clients see it: in-process, on ports the system chooses, over real sockets.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod accounting;
mod answers;
mod grpc;
mod hostile;
mod lines;
mod otlp;
mod page;
mod records;
mod storage;
mod tail;
mod world;
