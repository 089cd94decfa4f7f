//! From a request body to stable storage: bounded reading, decompression, decoding, identity, acknowledgement.
//!
//! Every HTTP door goes the same way ([`receive`]); the doors differ in how they decode and how they answer. An
//! answer of success is given after the store has made the records durable, never before.

pub(crate) mod body;
pub(crate) mod budget;
pub(crate) mod grpc;
mod identity;
pub(crate) mod otlp;
pub(crate) mod records;
mod refusal;

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use clewline_protocol::compress::decompress;
use clewline_protocol::{Context, DecodeError, Decoded, Rejections};
use clewline_store::{Ack, Ingest, IngestError, Store};
use futures::FutureExt;

use crate::app::App;
use crate::call::Call;
use crate::limits::INLINE_BODY_BYTES_MAX;
use body::Collected;
pub(crate) use refusal::Refusal;

/// How a door turns bytes into records and names the batch.
pub(crate) trait Decode: Send + 'static {
    /// Name in the ledger.
    fn door(&self) -> &'static str;
    /// Decodes a whole body.
    fn decode(&self, body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError>;
    /// Names the batch by its content, where equal content means the same records.
    fn identity(&self, body: &[u8], decoded: &Decoded, now_ns: i64) -> Option<[u8; 16]>;
}

/// What became of a request.
#[derive(Debug)]
pub(crate) struct Received {
    /// What has to be said about single records.
    pub(crate) rejections: Rejections,
    /// Records that are durable now or were before.
    pub(crate) accepted: u64,
    /// The batch was known already.
    pub(crate) duplicate: bool,
}

/// Bytes as they came and how they are compressed.
pub(crate) struct Packed {
    pub(crate) body: Collected,
    /// `Content-Encoding`, or what gRPC calls so.
    pub(crate) encoding: String,
}

/// What [`process`] needs to know beyond the bytes.
pub(crate) struct Origin {
    pub(crate) tenant: Arc<str>,
    pub(crate) node: String,
    /// The client's own name for the batch.
    pub(crate) key: Option<[u8; 16]>,
}

impl Origin {
    pub(crate) fn of(call: &Call) -> Result<Origin, Refusal> {
        let tenant = call.tenant().map_err(|problem| Refusal::Tenant(problem.message))?;
        let key = match call.headers().get("idempotency-key") {
            Some(key) => Some(identity::of_key(key.as_bytes()).ok_or(Refusal::Key)?),
            None => None,
        };
        Ok(Origin { tenant, node: call.peer().to_string(), key })
    }
}

/// Refuses before anything is read while the store cannot take more.
pub(crate) fn admit(app: &App) -> Result<(), Refusal> {
    if app.gate.is_closed(&*app.clock) { Err(Refusal::Gate) } else { Ok(()) }
}

/// Reads the body of an HTTP request and stores its records.
pub(crate) async fn receive(call: Call, decode: impl Decode) -> Result<Received, Refusal> {
    let app = Arc::clone(&call.app);
    let door = decode.door();
    let result = async {
        admit(&app)?;
        let origin = Origin::of(&call)?;
        let encodings = call.headers().get_all("content-encoding").iter();
        let encodings: Option<Vec<&str>> = encodings.map(|value| value.to_str().ok()).collect();
        let encoding = encodings.ok_or(Refusal::Encoding)?.join(",");
        let limit = app.settings.body_bytes_max;
        let body = body::collect(call.body, &call.parts.headers, limit, &app.budget).await.map_err(Refusal::Body)?;
        process(&app, origin, Packed { body, encoding }, decode).await
    }
    .await;
    if let Err(refusal) = &result {
        app.metrics.refused(door, refusal.reason());
    }
    result
}

/// Decodes and stores. Returns when the records are durable.
pub(crate) async fn process(
    app: &Arc<App>,
    origin: Origin,
    packed: Packed,
    decode: impl Decode,
) -> Result<Received, Refusal> {
    let plain = packed.encoding.is_empty() || packed.encoding.eq_ignore_ascii_case("identity");
    let (handed, held) = if plain && packed.body.bytes.len() <= INLINE_BODY_BYTES_MAX {
        hand_over(app, origin, packed, &decode)?
    } else {
        let turn = Arc::clone(&app.decoders).acquire_owned().await;
        let turn = turn.map_err(|_| Refusal::Store(IngestError::Closing))?;
        let app = Arc::clone(app);
        let work = tokio::task::spawn_blocking(move || {
            let handed = hand_over(&app, origin, packed, &decode);
            drop(turn); // held by the work, not by the request: a client that goes away does not free it early
            handed
        });
        work.await.map_err(|panic| Refusal::Store(IngestError::Failed(panic.to_string())))??
    };
    let Handed { rejections, rows, submitted } = handed;
    let ack = match submitted {
        Submitted::Done(result) => result,
        Submitted::Waiting(waiting) => waiting.await,
    };
    drop(held);
    match ack {
        Ok(ack) => {
            app.gate.open();
            app.note_received();
            Ok(Received { rejections, accepted: rows, duplicate: ack.duplicate })
        }
        Err(error) => {
            if matches!(error, IngestError::Overloaded { .. } | IngestError::DiskFull { .. }) {
                app.gate.close(&*app.clock);
            }
            Err(Refusal::Store(error))
        }
    }
}

/// A batch the store has, or has refused.
struct Handed {
    rejections: Rejections,
    rows: u64,
    submitted: Submitted,
}

/// The part without waiting: decompress, decode, encode for the log.
fn hand_over(
    app: &Arc<App>,
    origin: Origin,
    packed: Packed,
    decode: &impl Decode,
) -> Result<(Handed, budget::Reservation), Refusal> {
    let Packed { body, encoding } = packed;
    let Collected { bytes, mut held } = body;
    let limit = app.settings.body_bytes_max;
    let plain = decompress(&encoding, &bytes, limit).map_err(Refusal::Compressed)?;
    if matches!(plain, Cow::Owned(_)) && !held.grow(plain.len()) {
        return Err(Refusal::Body(body::BodyError::Crowded));
    }
    let now_ns = app.clock.now_ns();
    let context = Context { now_ns, node: &origin.node };
    let decoded = decode.decode(&plain, &context).map_err(Refusal::Decode)?;
    let identity = origin.key.or_else(|| decode.identity(&plain, &decoded, now_ns));
    drop(plain);
    drop(bytes);
    let Decoded { batch, rejections } = decoded;
    let rows = batch.rows() as u64;
    let request = Ingest { tenant: origin.tenant, batch, identity, rejected: rejections.rejected, door: decode.door() };
    let submitted = submit(&app.store, request);
    Ok((Handed { rejections, rows, submitted }, held))
}

/// A batch on its way to stable storage.
pub(crate) enum Submitted {
    /// The store has answered at once.
    Done(Result<Ack, IngestError>),
    /// It will.
    Waiting(Pin<Box<dyn Future<Output = Result<Ack, IngestError>> + Send>>),
}

/// Hands a batch to the store, which encodes it for its log here and now; only waiting for the disk is left.
pub(crate) fn submit(store: &Arc<Store>, request: Ingest) -> Submitted {
    let store = Arc::clone(store);
    let mut waiting = Box::pin(async move { store.ingest(request).await });
    match (&mut waiting).now_or_never() {
        Some(result) => Submitted::Done(result),
        None => Submitted::Waiting(waiting),
    }
}
