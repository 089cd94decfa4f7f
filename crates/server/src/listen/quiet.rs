//! A connection that ends when it is silent where it should speak.
//!
//! Without a request in progress: [`HEAD_TIMEOUT`] from the first byte of a request to its whole head (HTTP/1), and for
//! the first byte of all; [`IDLE_TIMEOUT`] otherwise. With one: only a peer that takes nothing of an answer for
//! [`WRITE_STALL_TIMEOUT`] is cut off; the pace of bodies is watched where they are read.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::{HEAD_TIMEOUT, IDLE_TIMEOUT, WRITE_STALL_TIMEOUT};

/// Requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    begun: AtomicUsize,
    running: AtomicUsize,
}

/// A request in progress, until its answer is written.
#[derive(Debug)]
pub(super) struct InProgress(Arc<Activity>);

impl Activity {
    pub(super) fn begin(self: &Arc<Activity>) -> InProgress {
        self.begun.fetch_add(1, Ordering::AcqRel);
        self.running.fetch_add(1, Ordering::AcqRel);
        InProgress(Arc::clone(self))
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A watched connection.
pub(super) struct Quiet {
    stream: TcpStream,
    activity: Arc<Activity>,
    /// Requests begun when the head in progress started.
    begun: usize,
    /// When the head in progress started.
    head: Option<Instant>,
    /// HTTP/2 has no heads between requests that could be slow.
    http2: bool,
    fresh: bool,
    last: Instant,
    timer: Pin<Box<Sleep>>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Quiet {
    pub(super) fn new(stream: TcpStream, activity: Arc<Activity>) -> Quiet {
        let now = Instant::now();
        Quiet {
            stream,
            activity,
            begun: 0,
            head: Some(now),
            http2: false,
            fresh: true,
            last: now,
            timer: Box::pin(sleep_until(now + HEAD_TIMEOUT)),
            stalled: None,
        }
    }

    fn note_read(&mut self, bytes: &[u8]) {
        if std::mem::replace(&mut self.fresh, false) {
            self.http2 = bytes.starts_with(b"PRI");
        }
        self.last = Instant::now();
        if self.head.is_none() && self.activity.running.load(Ordering::Acquire) == 0 {
            self.head = Some(self.last);
            self.begun = self.activity.begun.load(Ordering::Acquire);
        }
    }

    /// When the connection has been silent for too long, as things are now.
    fn deadline(&mut self) -> Instant {
        if self.activity.begun.load(Ordering::Acquire) != self.begun || (self.http2 && !self.fresh) {
            self.head = None;
            self.begun = self.activity.begun.load(Ordering::Acquire);
        }
        if self.activity.running.load(Ordering::Acquire) > 0 {
            self.last = Instant::now();
        }
        match self.head {
            Some(since) => (since + HEAD_TIMEOUT).min(self.last + IDLE_TIMEOUT),
            None => self.last + IDLE_TIMEOUT,
        }
    }

    fn watch(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let deadline = self.deadline();
            if deadline <= Instant::now() {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.timer.as_mut().reset(deadline);
        }
    }

    fn watch_writing(&mut self, cx: &mut Context<'_>, waits: bool) -> Poll<io::Error> {
        if !waits {
            self.stalled = None;
            return Poll::Pending;
        }
        let timer = self.stalled.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + WRITE_STALL_TIMEOUT)));
        timer.as_mut().poll(cx).map(|()| io::ErrorKind::TimedOut.into())
    }

    fn written<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match self.watch_writing(cx, polled.is_pending()) {
            Poll::Ready(error) => Poll::Ready(Err(error)),
            Poll::Pending => polled,
        }
    }
}

impl AsyncRead for Quiet {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(result) => {
                let read = buf.filled().get(before..).unwrap_or(&[]);
                if !read.is_empty() {
                    self.note_read(read);
                }
                Poll::Ready(result)
            }
            Poll::Pending => self.watch(cx).map(Err),
        }
    }
}

impl AsyncWrite for Quiet {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
