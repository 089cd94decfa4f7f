//! One promise at a time, on a simulated disk.

use std::path::Path;
use std::time::Duration;

use clewline_env::disk::Disk;
use clewline_env::sim_disk::{Fault, Plan};
use clewline_model::signal::Signal;

use super::world::{Sent, TENANTS, World, settings};
use crate::limits::{COMPACTION_FAN_IN, FROZEN_GENERATIONS_MAX, TENANT_NAME_BYTES_MAX};
use crate::retention::{Bounds, Retention};
use crate::writer::check_tenant;
use crate::{IngestError, StoreSettings};

fn open(settings: StoreSettings) -> World {
    let mut world = World::new(1, settings);
    world.open().unwrap();
    world
}

fn log_batch(world: &mut World, identity: bool) -> usize {
    let sent = Sent { tenant: 0, signal: Signal::Logs, rows: 2, identity, acknowledged: false, sent_ns: 0 };
    world.sent.push(sent);
    world.sent.len() - 1
}

fn logs_kept(bounds: Bounds) -> Retention {
    let mut retention = Retention::default();
    retention.signals[Signal::Logs as usize] = bounds;
    retention
}

fn duplicates(world: &mut World, numbers: &[usize]) -> Vec<bool> {
    world.send(numbers).into_iter().map(|outcome| outcome.unwrap().duplicate).collect()
}

#[test]
fn repeats_are_removed_in_a_group_later_and_after_restarts() {
    let mut world = open(settings());
    let number = log_batch(&mut world, true);
    assert_eq!(duplicates(&mut world, &[number, number]), [false, true]);
    assert_eq!(duplicates(&mut world, &[number]), [true]);
    world.crash();
    world.open().unwrap();
    assert_eq!(duplicates(&mut world, &[number]), [true], "remembered by the log");
    world.flush().unwrap();
    world.crash();
    world.open().unwrap();
    assert_eq!(duplicates(&mut world, &[number]), [true], "remembered by the catalog");
    world.clock.advance_ns(world.settings.dedupe_window.as_nanos() as u64 + 1);
    assert_eq!(duplicates(&mut world, &[number]), [false], "forgotten after the window");
    let counts = world.store().ledger().total();
    assert_eq!((counts.received, counts.stored, counts.duplicate), (4, 2, 2));
}

#[test]
fn a_repeat_of_a_batch_that_failed_is_stored() {
    let mut world = open(settings());
    let (first, number) = (log_batch(&mut world, true), log_batch(&mut world, true));
    world.send(&[first]);
    // The append succeeds, the sync fails: nothing of the group counts, not even for its own repeats.
    world.disk.plan(Some(Plan { at: world.disk.operations() + 2, fault: Fault::Io, sticky: false }));
    let outcomes = world.send(&[number, number]);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(IngestError::Failed(_)))), "{outcomes:?}");
    assert_eq!(duplicates(&mut world, &[number, first]), [false, true]);
    assert!(world.disk.read(Path::new("/data/wal/0000000000000002.wal")).is_ok(), "never again in the failed file");
    world.judge().unwrap();
    world.crash();
    world.open().unwrap();
    world.judge().unwrap();
    assert_eq!(world.store().statistics().log_damaged_bytes, 0);
}

#[test]
fn a_failed_group_that_reached_the_disk_is_not_doubled_by_its_repeat() {
    let mut world = open(settings());
    let (first, number) = (log_batch(&mut world, true), log_batch(&mut world, true));
    world.send(&[first]);
    // The sync fails and so does the cut: the file keeps the refused record.
    world.disk.plan(Some(Plan { at: world.disk.operations() + 2, fault: Fault::Io, sticky: true }));
    assert!(world.send(&[number])[0].is_err());
    world.disk.plan(None);
    assert_eq!(duplicates(&mut world, &[number]), [false]);
    world.kill();
    world.open().unwrap();
    world.judge().unwrap();
    assert_eq!(world.rows().len(), 4);
}

#[test]
fn what_a_killed_process_left_in_the_page_cache_is_synced_before_its_repeat_is_acknowledged() {
    for seed in 0..20 {
        let mut world = World::new(seed, settings());
        world.open().unwrap();
        let (first, number) = (log_batch(&mut world, true), log_batch(&mut world, true));
        world.send(&[first]);
        world.disk.plan(Some(Plan { at: world.disk.operations() + 2, fault: Fault::Power, sticky: true }));
        assert!(world.send(&[number])[0].is_err(), "killed between write and sync");
        world.kill();
        world.open().unwrap();
        assert_eq!(duplicates(&mut world, &[number]), [true]);
        world.crash();
        world.open().unwrap();
        world.judge().unwrap();
    }
}

#[test]
fn plain_repeats_without_identity_are_records_of_their_own() {
    let mut world = open(settings());
    let number = log_batch(&mut world, false);
    assert_eq!(duplicates(&mut world, &[number, number]), [false, false]);
    assert_eq!(world.rows().len(), 4);
}

#[test]
fn a_full_disk_refuses_writes_and_serves_reads_until_there_is_space() {
    let mut world = open(StoreSettings { free_bytes_min: 10_000, ..settings() });
    let number = log_batch(&mut world, false);
    world.send(&[number]);
    world.disk.set_capacity_bytes(5_000);
    world.clock.advance_ns(1_000_000_000);
    let number = log_batch(&mut world, false);
    let outcome = world.send(&[number]).remove(0).unwrap_err();
    assert!(matches!(outcome, IngestError::DiskFull { free_bytes_min: 10_000, .. }) && outcome.retryable());
    world.judge().unwrap();
    world.disk.set_capacity_bytes(1_000_000);
    assert!(world.send(&[number])[0].is_err(), "the disk is asked once a second");
    world.clock.advance_ns(1_000_000_000);
    assert!(world.send(&[number])[0].is_ok());
    world.judge().unwrap();
}

#[test]
fn a_disk_that_fills_up_while_writing_is_full() {
    let mut world = open(settings());
    let number = log_batch(&mut world, true);
    world.disk.set_capacity_bytes(100);
    for _ in 0..3 {
        let outcome = world.send(&[number]).remove(0).unwrap_err();
        assert!(matches!(outcome, IngestError::DiskFull { .. }), "{outcome}");
        world.clock.advance_ns(1_000_000_000);
    }
    world.disk.set_capacity_bytes(1 << 30);
    world.clock.advance_ns(1_000_000_000);
    assert_eq!(duplicates(&mut world, &[number]), [false]);
    world.crash();
    world.open().unwrap();
    world.judge().unwrap();
}

#[test]
fn full_queues_and_waiting_generations_are_overload() {
    let mut world = open(StoreSettings { queue_bytes_max: 1, flush_bytes: 1, ..settings() });
    let (one, two) = (log_batch(&mut world, false), log_batch(&mut world, false));
    let outcomes = world.send(&[one, two]);
    assert!(outcomes[0].is_ok(), "a request larger than the budget passes alone");
    assert!(matches!(outcomes[1], Err(IngestError::Overloaded { retry_after_s: 1, .. })));
    for _ in 1..FROZEN_GENERATIONS_MAX {
        assert!(world.send(&[two])[0].is_ok());
    }
    assert!(matches!(world.send(&[two])[0], Err(IngestError::Overloaded { .. })), "as many generations wait as may");
    world.flush().unwrap();
    assert!(world.send(&[two])[0].is_ok());
    let mut world = open(StoreSettings { memory_bytes_max: 10, ..settings() });
    let number = log_batch(&mut world, false);
    assert!(world.send(&[number])[0].is_ok());
    assert!(matches!(world.send(&[number])[0], Err(IngestError::Overloaded { .. })));
    world.flush().unwrap();
    assert!(world.send(&[number])[0].is_ok(), "the generation was frozen and flushed");
}

#[test]
fn damage_is_reported_and_costs_only_what_it_hit() {
    let mut world = open(StoreSettings { flush_bytes: 1 << 20, ..settings() });
    let numbers: Vec<usize> = (0..5).map(|_| log_batch(&mut world, false)).collect();
    numbers.iter().for_each(|number| drop(world.send(&[*number])));
    world.crash();
    let path = Path::new("/data/wal/0000000000000001.wal");
    let mut bytes = world.disk.read(path).unwrap();
    bytes[200] ^= 0x40;
    world.disk.overwrite(path, bytes);
    world.open().unwrap();
    let statistics = world.store().statistics();
    assert!(statistics.log_damaged_bytes > 0 && statistics.last_error.is_some_and(|error| error.contains("damaged")));
    assert_eq!(world.rows().len(), 8);
    world.flush().unwrap();
    assert!(world.disk.read(&path.with_extension("damaged")).is_ok(), "kept for inspection");
    world.crash();
    world.open().unwrap();
    assert_eq!(world.rows().len(), 8);
}

#[test]
fn every_byte_of_damage_in_a_log_costs_at_most_one_batch() {
    let mut world = open(StoreSettings { flush_bytes: 1 << 20, ..settings() });
    for _ in 0..3 {
        let number = log_batch(&mut world, false);
        world.send(&[number]);
    }
    world.crash();
    let path = Path::new("/data/wal/0000000000000001.wal");
    let good = world.disk.read(path).unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        world.disk.overwrite(path, bytes);
        world.open().unwrap();
        let rows = world.rows();
        let salt_was_hit = (20..24).contains(&at);
        assert!(rows.len() >= 4 || salt_was_hit, "byte {at}: {rows:?}");
        assert!(
            rows.len() == 6
                || world.store().statistics().log_damaged_bytes + world.store().statistics().log_torn_bytes > 0
        );
        assert!(rows.iter().all(|(tenant, signal, name)| *tenant == 0
            && *signal == Signal::Logs
            && ["0/0", "0/1", "1/0", "1/1", "2/0", "2/1"].contains(&name.as_str())));
        world.kill();
        if salt_was_hit {
            world.disk.remove(&path.with_extension("damaged")).unwrap();
            world.disk.create(path).unwrap();
        }
    }
}

#[test]
fn compaction_keeps_every_row_and_old_files_live_with_their_snapshots() {
    let mut world = open(settings());
    for _ in 0..COMPACTION_FAN_IN {
        let number = log_batch(&mut world, false);
        world.send(&[number]);
        world.flush().unwrap();
    }
    let before = world.store().snapshot(TENANTS[0], Signal::Logs).unwrap();
    assert_eq!(before.segments.len(), COMPACTION_FAN_IN);
    let paused = world.store().pause_maintenance();
    world.store().maintain();
    assert_eq!(world.store().statistics().compactions, 0);
    drop(paused);
    world.store().maintain();
    let after = world.store().snapshot(TENANTS[0], Signal::Logs).unwrap();
    assert_eq!((after.segments.len(), world.store().statistics().compactions), (1, 1));
    world.judge().unwrap();
    // Each segment with its index.
    let files = |world: &World| world.disk.list(Path::new("/data/segments/1/logs")).unwrap().len() / 2;
    assert_eq!(files(&world), COMPACTION_FAN_IN + 1);
    assert!(before.segments.iter().all(|segment| segment.read().is_ok()));
    drop(before);
    assert_eq!(files(&world), 1, "the files went with their last reader");
    world.crash();
    world.open().unwrap();
    world.judge().unwrap();
    assert_eq!(files(&world), 1);
}

#[test]
fn a_damaged_segment_is_not_merged() {
    let mut world = open(settings());
    for _ in 0..COMPACTION_FAN_IN {
        let number = log_batch(&mut world, false);
        world.send(&[number]);
        world.flush().unwrap();
    }
    let segments = world.store().snapshot(TENANTS[0], Signal::Logs).unwrap().segments;
    let mut bytes = segments[0].read().unwrap().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    world.disk.overwrite(&segments[0].path, bytes);
    drop(segments);
    world.store().maintain();
    let statistics = world.store().statistics();
    assert_eq!((statistics.compactions, statistics.compaction_failures), (0, 1), "{:?}", statistics.last_error);
    assert!(statistics.last_error.unwrap_or_default().contains("not those that were written"));
    assert_eq!(world.store().snapshot(TENANTS[0], Signal::Logs).unwrap().segments.len(), COMPACTION_FAN_IN);
}

#[test]
fn retention_deletes_by_age_but_not_after_a_clock_jump() {
    let age = Duration::from_secs(3 * 86_400);
    let mut world =
        open(StoreSettings { retention: logs_kept(Bounds { age: Some(age), bytes_max: None }), ..settings() });
    let number = log_batch(&mut world, false);
    world.send(&[number]);
    world.flush().unwrap();
    world.clock.step_wall_ns(10 * 365 * 86_400 * 1_000_000_000);
    world.store().maintain();
    assert!(world.store().statistics().retention_suspended);
    world.judge().unwrap();
    world.store().confirm_clock();
    world.store().maintain();
    assert_eq!(world.store().statistics().segments_expired, 1);
    assert!(world.rows().is_empty());
    assert!(world.disk.list(Path::new("/data/segments/1/logs")).unwrap().is_empty());
}

#[test]
fn a_poisoned_store_refuses_writes_and_serves_reads() {
    let mut world = open(settings());
    let number = log_batch(&mut world, false);
    world.send(&[number]);
    world.store().core.poison("the test says so".to_owned());
    let outcome = world.send(&[number]).remove(0);
    assert!(matches!(outcome, Err(IngestError::Failed(reason)) if reason.contains("the test says so")));
    assert!(world.store().flush().is_err());
    world.judge().unwrap();
}

#[test]
fn tenants_are_checked_and_unknown_ones_are_empty() {
    for (name, good) in
        [("a", true), ("../etc/passwd", true), ("日本", true), ("", false), ("a\nb", false), ("\0", false)]
    {
        assert_eq!(check_tenant(name).is_ok(), good, "{name:?}");
    }
    assert!(check_tenant(&"x".repeat(TENANT_NAME_BYTES_MAX)).is_ok());
    assert!(check_tenant(&"x".repeat(TENANT_NAME_BYTES_MAX + 1)).is_err());
    let world = open(settings());
    let snapshot = world.store().snapshot("nobody", Signal::Logs).unwrap();
    assert!(snapshot.parts.is_empty() && snapshot.segments.is_empty());
}

#[test]
fn old_generations_are_flushed_by_age() {
    let mut world = open(settings());
    let number = log_batch(&mut world, false);
    world.send(&[number]);
    let core = &world.store().core;
    core.writer.lock().freeze_if_old(core);
    assert_eq!(world.store().statistics().frozen_generations, 0);
    world.clock.advance_ns(world.settings.flush_age_s * 1_000_000_000);
    core.writer.lock().freeze_if_old(core);
    assert_eq!(world.store().statistics().frozen_generations, 1);
}

#[test]
fn a_folder_of_another_version_is_refused() {
    let mut world = open(settings());
    world.crash();
    world.disk.overwrite(Path::new("/data/VERSION"), b"9\n".to_vec());
    let refused = world.open().unwrap_err().to_string();
    assert!(refused.contains("version \"9\""), "{refused}");
}
