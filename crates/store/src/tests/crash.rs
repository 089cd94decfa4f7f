//! Power cuts, kills and failing disks at every step.

use clewline_env::sim_disk::{Fault, Plan};

use super::world::{TENANTS, World, settings};
use crate::StoreSettings;
use crate::retention::Override;

/// One random life of a store; `Err` says what the oracle found.
fn life(seed: u64, settings: StoreSettings, steps: u64) -> Result<World, String> {
    live(World::new(seed, settings), steps)
}

fn live(mut world: World, steps: u64) -> Result<World, String> {
    world.open().map_err(|error| error.to_string())?;
    for _ in 0..steps {
        if !world.is_open() {
            reopen(&mut world)?;
        }
        step(&mut world);
    }
    world.crash();
    reopen(&mut world)?;
    world.flush().map_err(|error| error.to_string())?;
    world.judge()?;
    world.finish_jobs()?;
    world.judge()?;
    world.crash();
    reopen(&mut world)?;
    Ok(world)
}

fn reopen(world: &mut World) -> Result<(), String> {
    world.disk.plan(None);
    if let Err(error) = world.open() {
        return Err(format!("the store does not open again: {error}"));
    }
    world.judge()
}

fn step(world: &mut World) {
    match world.below(100) {
        0..=41 => {
            let mut numbers: Vec<usize> = (0..=world.below(3)).map(|_| world.draw()).collect();
            // Senders repeat what they have an identity for, acknowledged or not, also within one group.
            for _ in 0..world.below(3) {
                let number = world.below(world.sent.len() as u64) as usize;
                if world.sent[number].identity {
                    numbers.push(number);
                }
            }
            world.send(&numbers);
        }
        42..=44 => {
            let modulus = 1 + world.below(5) as usize;
            let rest = world.below(modulus as u64) as usize;
            drop(world.delete(modulus, rest));
        }
        45..=57 => drop(world.flush()),
        58..=66 => world.maintain(),
        67..=72 => world.clock.advance_ns(world.below(12_000_000_000)),
        73..=74 => world.clock.advance_ns(world.below(7_200_000_000_000)),
        75..=82 => {
            let fault = if world.below(2) == 0 { Fault::Io } else { Fault::Full };
            let at = world.disk.operations() + 1 + world.below(20);
            world.disk.plan(Some(Plan { at, fault, sticky: world.below(3) == 0 }));
        }
        83..=88 => world.disk.plan(None),
        89..=92 => {
            let at = world.disk.operations() + 1 + world.below(25);
            world.disk.plan(Some(Plan { at, fault: Fault::Power, sticky: true }));
        }
        93..=96 => world.kill(),
        _ => world.crash(),
    }
}

/// Settings of a life with everything: repeats are known for its whole length, and one tenant has a bound on its bytes.
fn life_settings() -> StoreSettings {
    let mut settings = StoreSettings { dedupe_window: std::time::Duration::from_secs(30 * 86_400), ..settings() };
    let own = Override { age: None, bytes_max: Some(Some(40_000)) };
    settings.retention.tenants.insert(TENANTS[1].into(), [own; 3]);
    settings
}

#[test]
fn acknowledged_batches_survive_every_crash_exactly_once() {
    let (mut syncs, mut sent, mut acknowledged, mut totals) = (0, 0, 0, [0; 3]);
    for seed in 0..300 {
        match life(seed, life_settings(), 80) {
            Ok(world) => {
                totals.iter_mut().zip(world.totals).for_each(|(total, more)| *total += more);
                syncs += world.disk.syncs();
                sent += world.sent.len();
                acknowledged += world.sent.iter().filter(|sent| sent.acknowledged).count();
            }
            Err(found) => panic!("seed {seed}: {found}"),
        }
    }
    assert!(syncs > 10_000 && sent > 10_000 && acknowledged > sent / 3, "{syncs} {sent} {acknowledged}");
    assert!(totals[0] > 100 && totals[1] > 300 && totals[2] > 50, "compactions, deleted, expired: {totals:?}");
}

#[test]
fn a_delete_job_that_misses_segments_is_noticed_by_the_same_loop() {
    let forgetful = |seed| {
        let mut world = World::new(seed, life_settings());
        world.forgetful = true;
        world
    };
    let noticed = (0..60).filter(|seed| live(forgetful(*seed), 80).is_err()).count();
    assert!(noticed > 10, "the loop found something in {noticed} of 60 lives: it would not notice records that stay");
}

#[test]
fn without_sync_the_same_loop_loses_data() {
    let unsafe_settings = || StoreSettings { fsync: false, ..life_settings() };
    let lost = (0..60).filter(|seed| life(*seed, unsafe_settings(), 60).is_err()).count();
    assert!(lost > 10, "the loop found a loss in {lost} of 60 lives: it would not notice a missing sync");
}

/// A short life with every kind of operation; failures are part of it.
fn script(world: &mut World) {
    for round in 0..5 {
        if !world.is_open() {
            return;
        }
        let numbers = [world.draw(), world.draw()];
        world.send(&numbers);
        if round % 2 == 0 {
            world.send(&numbers[..1].iter().copied().filter(|n| world.sent[*n].identity).collect::<Vec<_>>());
        }
        let _ = world.flush();
        if round == 2 {
            let _ = world.delete(2, 0);
        }
        world.clock.advance_ns(1_500_000_000);
    }
    world.maintain();
    let _ = world.delete(1, 0);
    let _ = world.flush();
    world.maintain();
    let number = world.draw();
    world.send(&[number]);
}

#[test]
fn a_power_cut_at_any_operation_loses_and_doubles_nothing() {
    sweep(Fault::Power, true);
}

#[test]
fn an_error_at_any_operation_loses_and_doubles_nothing() {
    for fault in [Fault::Io, Fault::Full] {
        sweep(fault, false);
        sweep(fault, true);
    }
}

/// Fails the k-th operation of [`script`] for every k until none is left to fail.
fn sweep(fault: Fault, sticky: bool) {
    for at in 1.. {
        let mut world = World::new(at, settings());
        world.disk.plan(Some(Plan { at, fault, sticky }));
        let opened = world.open();
        if opened.is_ok() {
            script(&mut world);
        }
        let fired = world.disk.fired();
        if fired == 0 {
            assert!(at > 100, "the script has only {at} operations");
            return;
        }
        let context = format!("{fault:?} at {at}, sticky {sticky}");
        if opened.is_ok() && fault != Fault::Power {
            world.disk.plan(None);
            world.judge().unwrap_or_else(|found| panic!("{context}, same process: {found}"));
            world.clock.advance_ns(2_000_000_000);
            let number = world.draw();
            let outcome = world.send(&[number]);
            let _ = world.flush();
            assert!(outcome[0].is_ok() || world.send(&[number])[0].is_ok(), "{context}: ingest does not resume");
        }
        world.crash();
        reopen(&mut world).unwrap_or_else(|found| panic!("{context}: {found}"));
        world.flush().unwrap_or_else(|error| panic!("{context}: {error}"));
        world.judge().unwrap_or_else(|found| panic!("{context}, flushed: {found}"));
        world.finish_jobs().unwrap_or_else(|found| panic!("{context}, jobs: {found}"));
        world.judge().unwrap_or_else(|found| panic!("{context}, jobs done: {found}"));
    }
}

#[test]
fn each_step_of_publishing_may_be_the_last() {
    for at in 1.. {
        let mut world = World::new(at, settings());
        world.open().unwrap();
        let numbers: Vec<usize> = (0..6).map(|_| world.draw()).collect();
        assert!(world.send(&numbers).iter().all(Result::is_ok));
        let before = world.disk.operations();
        world.disk.plan(Some(Plan { at: before + at, fault: Fault::Power, sticky: true }));
        let done = world.flush();
        if world.disk.fired() == 0 {
            assert!(done.is_ok() && at > 15, "publishing has only {at} operations");
            return;
        }
        world.crash();
        reopen(&mut world).unwrap_or_else(|found| panic!("stopped at step {at}: {found}"));
        let repeated: Vec<usize> = numbers.iter().copied().filter(|number| world.sent[*number].identity).collect();
        assert!(world.send(&repeated).iter().all(|outcome| outcome.as_ref().is_ok_and(|ack| ack.duplicate)));
        world.judge().unwrap_or_else(|found| panic!("stopped at step {at}, repeated: {found}"));
    }
}

#[test]
fn lives_are_repeatable() {
    let run = |seed| {
        let world = life(seed, life_settings(), 60).unwrap();
        (world.disk.operations(), world.disk.syncs(), world.sent.iter().filter(|sent| sent.acknowledged).count())
    };
    for seed in [3, 17] {
        assert_eq!(run(seed), run(seed));
    }
}
