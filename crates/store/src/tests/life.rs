//! The later life of segments, one promise at a time, on a simulated disk.

use std::sync::Arc;
use std::time::Duration;

use clewline_model::batch::{Batch, LogRecord};
use clewline_model::signal::Signal;

use super::world::{TENANTS, World, settings};
use crate::deletion::{DeleteRequest, Selection};
use crate::limits::{COMPACTION_FAN_IN, PARTITIONS_PER_FLUSH_MAX, QUIET_NS};
use crate::partition::DAY_NS;
use crate::retention::{Bounds, Override};
use crate::store::Submitted;
use crate::{Ingest, StoreSettings};

const HOUR_NS: u64 = 3_600_000_000_000;

fn open(settings: StoreSettings) -> World {
    let mut world = World::new(1, settings);
    world.open().unwrap();
    world
}

fn now_ns(world: &World) -> i64 {
    use clewline_env::clock::Clock;
    world.clock.now_ns()
}

/// Stores log records of these times and flushes.
fn flush_logs(world: &World, tenant: &str, times: &[i64]) {
    let mut batch = Batch::new(Signal::Logs);
    for time in times {
        let body = format!("at {time}");
        batch.push_log(0, 0, &LogRecord { time: *time, body: &body, ..LogRecord::default() });
    }
    let request = Ingest { tenant: Arc::from(tenant), batch, identity: None, rejected: 0, door: "test" };
    let Ok(Submitted::Waiting(mut reply)) = world.store().submit(request) else { panic!("it was refused") };
    world.store().core.commit_next();
    assert!(reply.try_recv().unwrap().is_ok());
    world.flush().unwrap();
}

/// Rows of the segments of a tenant's logs, oldest partition first.
fn segments(world: &World, tenant: &str) -> Vec<u64> {
    let mut segments = world.store().snapshot(tenant, Signal::Logs).unwrap().segments;
    segments.sort_by_key(|segment| (segment.day(now_ns(world)), segment.summary.seq_min));
    segments.iter().map(|segment| segment.summary.rows).collect()
}

#[test]
fn a_flush_gives_each_day_its_segment_up_to_a_bound() {
    let world = open(settings());
    let now = now_ns(&world);
    flush_logs(&world, "a", &[now, now - DAY_NS, now - 1, now + 3 * DAY_NS]);
    assert_eq!(segments(&world, "a"), [1, 2, 1]);
    let report = &world.store().storage(Some("a"))[0];
    let days: Vec<Option<i64>> = report.partitions.iter().map(|partition| partition.day_ns).collect();
    let today = now.div_euclid(DAY_NS) * DAY_NS;
    assert_eq!(days, [None, Some(today), Some(today - DAY_NS)], "newest first; the future has a partition of its own");
    assert_eq!((report.extent.rows, report.extent.segments, report.partitions[1].levels[0]), (4, 3, 1));
    let many: Vec<i64> = (0..50).map(|day| now - day * DAY_NS).collect();
    flush_logs(&world, "b", &many);
    assert_eq!(segments(&world, "b").len(), PARTITIONS_PER_FLUSH_MAX);
    assert_eq!(segments(&world, "b").iter().sum::<u64>(), 50);
}

#[test]
fn merges_stay_within_their_day() {
    let world = open(settings());
    let now = now_ns(&world);
    for _ in 0..COMPACTION_FAN_IN {
        flush_logs(&world, "a", &[now, now - DAY_NS]);
    }
    assert_eq!(segments(&world, "a").len(), 2 * COMPACTION_FAN_IN);
    assert_eq!(world.store().storage(None)[0].merges_pending, 2);
    world.store().maintain();
    assert_eq!(segments(&world, "a"), [4, 4]);
    let statistics = world.store().statistics();
    assert_eq!((statistics.compactions, world.store().storage(None)[0].merges_pending), (2, 0));
    assert!(statistics.merged_bytes > 0 && statistics.merged_bytes < statistics.flushed_bytes);
    let expect = 1.0 + statistics.merged_bytes as f64 / statistics.flushed_bytes as f64;
    assert!((statistics.write_amplification() - expect).abs() < 1e-9);
}

#[test]
fn a_day_that_is_over_and_quiet_merges_what_it_has() {
    let world = open(settings());
    let now = now_ns(&world);
    flush_logs(&world, "a", &[now - DAY_NS]);
    flush_logs(&world, "a", &[now - DAY_NS, now]);
    flush_logs(&world, "a", &[now]);
    world.clock.advance_ns(QUIET_NS.cast_unsigned() - 1);
    world.store().maintain();
    assert_eq!(segments(&world, "a").len(), 4, "too early");
    world.clock.advance_ns(1);
    world.store().maintain();
    assert_eq!(segments(&world, "a"), [2, 1, 1], "yesterday is over, today is not");
    // A late record makes the day wait again.
    flush_logs(&world, "a", &[now - DAY_NS]);
    world.store().maintain();
    assert_eq!(segments(&world, "a"), [2, 1, 1, 1]);
    world.clock.advance_ns(HOUR_NS);
    world.store().maintain();
    assert_eq!(segments(&world, "a"), [3, 1, 1]);
}

#[test]
fn a_large_segment_is_not_rewritten_for_a_few_late_records() {
    let world = open(StoreSettings { flush_bytes: 64 << 20, ..settings() });
    let yesterday = now_ns(&world) - DAY_NS;
    let many: Vec<i64> = (0..40_000_i64).map(|n| yesterday + n.wrapping_mul(7_919) % 1_000_003).collect();
    flush_logs(&world, "a", &many);
    flush_logs(&world, "a", &[yesterday]);
    let bytes: Vec<u64> = world
        .store()
        .snapshot("a", Signal::Logs)
        .unwrap()
        .segments
        .iter()
        .map(|segment| segment.summary.bytes)
        .collect();
    assert!(bytes[0] > 5 * bytes[1], "{bytes:?}");
    world.clock.advance_ns(2 * HOUR_NS);
    world.store().maintain();
    assert_eq!(world.store().statistics().compactions, 0);
    for _ in 0..3 {
        flush_logs(&world, "a", &[yesterday]);
    }
    world.store().maintain();
    assert_eq!(segments(&world, "a").len(), 2, "the late ones are merged among themselves");
}

#[test]
fn merging_can_be_paused() {
    let world = open(settings());
    let now = now_ns(&world);
    world.store().set_merging_paused(true);
    for _ in 0..COMPACTION_FAN_IN {
        flush_logs(&world, "a", &[now]);
    }
    world.store().maintain();
    assert!(world.store().statistics().merging_paused);
    assert_eq!(segments(&world, "a").len(), COMPACTION_FAN_IN);
    world.store().set_merging_paused(false);
    world.store().maintain();
    assert_eq!(segments(&world, "a"), [4]);
}

#[test]
fn the_oldest_segments_go_until_there_are_few_enough_bytes_also_after_a_clock_jump() {
    let mut settings = settings();
    settings.retention.signals[Signal::Logs as usize].bytes_max = Some(1 << 20);
    let own = Override { age: None, bytes_max: Some(Some(1)) };
    settings.retention.tenants.insert(Arc::from("small"), [own; 3]);
    let mut world = open(StoreSettings { compaction: false, ..settings });
    let now = now_ns(&world);
    for tenant in ["a", "small"] {
        for day in [1, 3, 2] {
            flush_logs(&world, tenant, &[now - day * DAY_NS]);
        }
    }
    world.store().maintain();
    assert_eq!((segments(&world, "a").len(), segments(&world, "small").len()), (3, 0), "a tenant's own bound counts");
    // Room for two: the oldest goes, by the times of its records, not by their arrival.
    let bytes = world.store().statistics().segment_bytes;
    world.settings.retention.signals[Signal::Logs as usize].bytes_max = Some(bytes - 1);
    world.open().unwrap();
    world.clock.step_wall_ns(10 * 365 * DAY_NS);
    world.store().maintain();
    let statistics = world.store().statistics();
    assert!(statistics.retention_suspended, "the fuse rules age alone");
    assert_eq!((statistics.segments_expired, statistics.records_expired), (1, 1));
    let oldest = world.store().snapshot("a", Signal::Logs).unwrap().segments.iter().map(|s| s.summary.time_min).min();
    assert_eq!(oldest, Some(now - 2 * DAY_NS));
}

#[test]
fn late_and_future_records_keep_nobody_alive() {
    let mut settings = settings();
    settings.retention.signals[Signal::Logs as usize] =
        Bounds { age: Some(Duration::from_secs(2 * 86_400)), bytes_max: None };
    let world = open(settings);
    let now = now_ns(&world);
    flush_logs(&world, "a", &[now, now - 5 * DAY_NS, now + 4_000 * DAY_NS]);
    world.store().maintain();
    assert_eq!(segments(&world, "a"), [1, 1], "the late record went with its day at once");
    for _ in 0..3 {
        world.clock.advance_ns(DAY_NS.cast_unsigned());
        world.store().maintain();
    }
    assert_eq!(segments(&world, "a"), [] as [u64; 0], "records of the future age from their receipt");
}

fn delete(world: &World, query: &str) -> i64 {
    let selection = Selection {
        signal: Signal::Logs,
        query: query.to_owned(),
        start_ns: None,
        end_ns: None,
        now_ns: now_ns(world),
    };
    world.store().delete(DeleteRequest { tenant: Arc::from(TENANTS[0]), selection, matched: 7 }).unwrap().id
}

/// Sends one batch of logs of the first tenant and says its number.
fn send(world: &mut World) -> usize {
    let sent = super::world::Sent {
        tenant: 0,
        signal: Signal::Logs,
        rows: 2,
        identity: false,
        acknowledged: false,
        sent_ns: 0,
    };
    world.sent.push(sent);
    let number = world.sent.len() - 1;
    assert!(world.send(&[number])[0].is_ok());
    number
}

#[test]
fn a_job_takes_what_matched_before_it_and_nothing_later() {
    let mut world = open(settings());
    send(&mut world);
    world.flush().unwrap();
    send(&mut world);
    let id = delete(&world, "1 0");
    send(&mut world);
    world.store().maintain();
    let job = world.store().delete_jobs().remove(0);
    assert_eq!((job.id, job.finished_ns, job.deleted), (id, None, 1), "what is in memory only waits for its flush");
    world.flush().unwrap();
    world.store().maintain();
    let job = world.store().delete_jobs().remove(0);
    assert!(job.finished_ns.is_some() && job.deleted == 2 && job.matched == 7, "{job:?}");
    let mut rows: Vec<String> = world.rows().into_iter().map(|(_, _, name)| name).collect();
    rows.sort();
    assert_eq!(rows, ["0/1", "1/1", "2/0", "2/1"]);
    assert_eq!(world.store().statistics().records_deleted, 2);
    assert!(crate::ledger::holds(&world.store().ledger().total()));
    world.crash();
    world.open().unwrap();
    assert_eq!(world.rows().len(), 4);
}

#[test]
fn segments_before_and_after_an_open_job_are_not_merged() {
    let mut world = open(settings());
    for _ in 0..COMPACTION_FAN_IN - 1 {
        send(&mut world);
        world.flush().unwrap();
    }
    let before = world.store().snapshot(TENANTS[0], Signal::Logs).unwrap();
    delete(&world, "1 0");
    send(&mut world);
    world.flush().unwrap();
    // The job rewrites its segments but cannot end while somebody reads the old ones: its fence stays.
    world.store().maintain();
    assert_eq!(world.store().statistics().compactions, 0);
    let job = world.store().delete_jobs().remove(0);
    assert_eq!((job.finished_ns, job.files_leaving, job.segments_left), (None, 3, 0));
    drop(before);
    world.store().maintain();
    assert!(world.store().delete_jobs()[0].finished_ns.is_some());
    world.store().maintain();
    assert_eq!((world.store().statistics().compactions, segments(&world, TENANTS[0])), (1, vec![5]));
}

#[test]
fn a_segment_that_cannot_be_read_holds_a_job_up_and_is_named() {
    let mut world = open(settings());
    send(&mut world);
    world.flush().unwrap();
    send(&mut world);
    world.flush().unwrap();
    let segment = world.store().snapshot(TENANTS[0], Signal::Logs).unwrap().segments.remove(0);
    clewline_env::disk::Disk::remove(&world.disk, &segment.path).unwrap();
    delete(&world, "1 0");
    world.store().maintain();
    let job = world.store().delete_jobs().remove(0);
    assert!(job.finished_ns.is_none() && job.deleted == 1, "the other segment is done: {job:?}");
    assert!(job.error.unwrap().contains("1.parquet"));
    assert_eq!(world.store().statistics().delete_jobs_open, 1);
}

#[test]
fn requests_that_cannot_be_carried_out_are_refused() {
    let world = open(settings());
    let selection =
        Selection { signal: Signal::Logs, query: String::new(), start_ns: None, end_ns: None, now_ns: now_ns(&world) };
    let request = DeleteRequest { tenant: Arc::from("nobody"), selection, matched: 0 };
    assert!(world.store().delete(request.clone()).unwrap_err().to_string().contains("has stored nothing"));
    flush_logs(&world, "nobody", &[1]);
    let mut long = request.clone();
    long.selection.query = "x".repeat(crate::limits::DELETE_QUERY_BYTES_MAX + 1);
    assert!(world.store().delete(long).unwrap_err().to_string().contains("at most"));
    for _ in 0..crate::limits::DELETE_JOBS_OPEN_MAX {
        world.store().delete(request.clone()).unwrap();
    }
    assert!(world.store().delete(request).unwrap_err().to_string().contains("delete jobs wait"));
}
