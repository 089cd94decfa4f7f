//! Datagrams: raw records and syslog over UDP, unicast and broadcast.
//!
//! What UDP loses here is counted. The kernel attaches to each datagram how many it had to drop before it because the
//! receive buffer was full (SO_RXQ_OVFL, socket(7)); what finds the queue behind the receiver full is dropped by us.

use std::io;
use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use clewline_model::signal::Signal;
use clewline_protocol::Decoded;
use clewline_store::ledger::{DropReason, Line, Outcome};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::lines::{self, Gather, Kind};
use crate::app::App;
use crate::limits::{
    DATAGRAM_BYTES_MAX, DATAGRAMS_PER_TURN, LINE_WAIT, UDP_BATCHES_IN_FLIGHT, UDP_QUEUE_BATCHES,
    UDP_RECEIVE_BUFFER_BYTES,
};

/// Opens a socket with a large receive buffer and the kernel's drop counter.
pub(super) async fn bind(address: &str) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address).await?;
    socket.set_broadcast(true)?;
    // Beyond net.core.rmem_max only with CAP_NET_ADMIN; else as much as the kernel gives.
    if setsockopt(&socket, sockopt::RcvBufForce, &UDP_RECEIVE_BUFFER_BYTES).is_err() {
        setsockopt(&socket, sockopt::RcvBuf, &UDP_RECEIVE_BUFFER_BYTES)?;
    }
    setsockopt(&socket, sockopt::RxqOvfl, &1)?;
    Ok(socket)
}

/// Receives until the server stops, then stores what is still in the socket.
pub(super) async fn serve(app: Arc<App>, door: &'static str, socket: UdpSocket, kind: Kind) {
    let (sender, receiver) = mpsc::channel(UDP_QUEUE_BATCHES);
    let storing = tokio::spawn(store_batches(Arc::clone(&app), door, receiver));
    let mut stopping = app.stopping.clone();
    let mut receiver = Receiver {
        socket,
        gather: Gather::new(kind),
        buffer: vec![0; DATAGRAM_BYTES_MAX],
        dropped_by_kernel: 0,
        sender,
        app,
        door,
    };
    let mut due: Option<Instant> = None;
    loop {
        let deadline = due.unwrap_or_else(|| Instant::now() + LINE_WAIT * 1_000);
        tokio::select! {
            ready = receiver.socket.readable() => {
                let more = ready.is_ok() && receiver.take(DATAGRAMS_PER_TURN);
                if receiver.gather.is_full() {
                    receiver.pass_on();
                    due = None;
                } else if due.is_none() && !receiver.gather.is_empty() {
                    due = Some(Instant::now() + LINE_WAIT);
                }
                if more {
                    tokio::task::yield_now().await;
                }
            }
            () = sleep_until(deadline) => {
                receiver.pass_on();
                due = None;
            }
            () = stopping.stopped() => break,
        }
    }
    while receiver.take(DATAGRAMS_PER_TURN) {
        receiver.pass_on();
    }
    receiver.pass_on();
    drop(receiver);
    let _ = storing.await;
}

struct Receiver {
    socket: UdpSocket,
    gather: Gather,
    buffer: Vec<u8>,
    dropped_by_kernel: u32,
    sender: mpsc::Sender<Decoded>,
    app: Arc<App>,
    door: &'static str,
}

/// One datagram in the buffer.
struct Datagram {
    length: usize,
    peer: IpAddr,
    /// Datagrams the kernel has dropped since the socket was opened.
    dropped: Option<u32>,
}

impl Receiver {
    /// Takes up to `count` datagrams; true when there may be more.
    fn take(&mut self, count: usize) -> bool {
        for _ in 0..count {
            let (socket, buffer) = (&self.socket, &mut self.buffer);
            let datagram = match socket.try_io(Interest::READABLE, || receive(socket, buffer)) {
                Ok(datagram) => datagram,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) => {
                    tracing::debug!(listener = self.door, %error, "a datagram could not be read");
                    return false;
                }
            };
            if let Some(dropped) = datagram.dropped {
                self.note_kernel_drops(dropped);
            }
            let node = lines::node_of(datagram.peer);
            let now_ns = self.app.clock.now_ns();
            let bytes = self.buffer.get(..datagram.length).unwrap_or(&[]);
            self.gather.push_datagram(bytes, now_ns, &node);
            if self.gather.is_full() {
                self.pass_on();
            }
        }
        true
    }

    fn note_kernel_drops(&mut self, dropped: u32) {
        let lost = u64::from(dropped.wrapping_sub(self.dropped_by_kernel));
        self.dropped_by_kernel = dropped;
        if lost > 0 {
            self.app.metrics.datagrams_lost(self.door, "udp_kernel", lost);
            // A datagram is at least one record.
            self.app.store.ledger().count(&self.line(), lost, 0, Outcome::Dropped(DropReason::LostInTransit));
        }
    }

    /// Hands what was gathered to the storing half, or counts it as dropped.
    fn pass_on(&mut self) {
        if self.gather.is_empty() {
            return;
        }
        if let Err(refused) = self.sender.try_send(self.gather.take()) {
            let Decoded { batch, rejections } = refused.into_inner();
            let rows = batch.rows() as u64;
            self.app.metrics.datagrams_lost(self.door, "udp_overload", rows);
            let outcome = Outcome::Dropped(DropReason::Overloaded);
            self.app.store.ledger().count(&self.line(), rows, rejections.rejected, outcome);
        }
    }

    fn line(&self) -> Line {
        Line { signal: Signal::Logs, tenant: Arc::clone(&self.app.settings.tenant_default), door: self.door }
    }
}

fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Datagram> {
    let mut slices = [IoSliceMut::new(buffer)];
    let mut control = nix::cmsg_space!(u32);
    let flags = MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags)?;
    let dropped = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::RxqOvfl(dropped) => Some(dropped),
        _ => None,
    });
    let peer = message.address.as_ref().and_then(|address| {
        let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
    });
    Ok(Datagram { length: message.bytes, peer: peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), dropped })
}

/// Stores batches, some at a time so that one group commit takes them together.
async fn store_batches(app: Arc<App>, door: &'static str, mut batches: mpsc::Receiver<Decoded>) {
    let mut running = FuturesUnordered::new();
    loop {
        tokio::select! {
            batch = batches.recv(), if running.len() < UDP_BATCHES_IN_FLIGHT => match batch {
                Some(batch) => running.push(lines::store(&app, door, batch)),
                None => break,
            },
            Some(()) = running.next(), if !running.is_empty() => {}
        }
    }
    while running.next().await.is_some() {}
}
