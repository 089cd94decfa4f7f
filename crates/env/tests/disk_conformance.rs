//! What every disk must do, run by the real and the simulated one; then what only the simulated one can: forget.

#![allow(clippy::unwrap_used, reason = "tests may stop")]

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clewline_env::disk::Disk;
use clewline_env::os_disk::OsDisk;
use clewline_env::sim_disk::{Fault, Plan, SimDisk};

fn append(disk: &dyn Disk, path: &Path, bytes: &[u8]) {
    let mut file = disk.create(path).unwrap();
    file.append(&[bytes]).unwrap();
    file.sync_data().unwrap();
}

fn conforms(disk: &dyn Disk, root: &Path) {
    let dir = root.join("a/b");
    assert_eq!(disk.list(&dir).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(disk.create(&dir.join("x")).err().map(|e| e.kind()), Some(ErrorKind::NotFound));
    disk.create_dir_all(&dir).unwrap();
    disk.create_dir_all(&dir).unwrap();
    let path = dir.join("one");
    let mut file = disk.create(&path).unwrap();
    assert_eq!(disk.create(&path).err().map(|e| e.kind()), Some(ErrorKind::AlreadyExists));
    file.append(&[b"", b"hello ", b"", b"world"]).unwrap();
    let many: Vec<&[u8]> = vec![b"ab"; 3_000];
    file.append(&many).unwrap();
    file.append(&[]).unwrap();
    file.truncate(11).unwrap();
    file.append(&[b"!"]).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(&dir).unwrap();
    assert_eq!(disk.read(&path).unwrap(), b"hello world!");
    let mut again = disk.open_append(&path).unwrap();
    again.append(&[b"?"]).unwrap();
    again.sync_data().unwrap();

    let reader = disk.open_read(&path).unwrap();
    let mut middle = [0; 5];
    reader.read_exact_at(6, &mut middle).unwrap();
    assert_eq!((&middle, reader.size_bytes().unwrap()), (b"world", 13));
    assert_eq!(reader.read_exact_at(9, &mut middle).unwrap_err().kind(), ErrorKind::UnexpectedEof);

    append(disk, &dir.join("two"), b"22");
    disk.rename(&dir.join("two"), &path).unwrap();
    assert_eq!(disk.read(&path).unwrap(), b"22");
    reader.read_exact_at(0, &mut middle).unwrap();
    assert_eq!(&middle, b"hello", "an open file keeps its bytes");
    disk.create_dir_all(&dir.join("c")).unwrap();
    let names: Vec<_> = disk.list(&dir).unwrap().into_iter().map(|e| (e.name, e.size_bytes, e.is_dir)).collect();
    assert_eq!(names, [("c".to_owned(), 0, true), ("one".to_owned(), 2, false)]);
    disk.remove(&path).unwrap();
    for outcome in [disk.remove(&path).err(), disk.rename(&path, &dir.join("z")).err(), disk.read(&path).err()] {
        assert_eq!(outcome.map(|e| e.kind()), Some(ErrorKind::NotFound));
    }
    assert!(disk.open_read(&path).is_err() && disk.open_append(&path).is_err());
    assert!(disk.free_bytes(root).unwrap() > 0);

    let lock = disk.lock(&root.join("LOCK")).unwrap();
    let refused = disk.lock(&root.join("LOCK")).err().expect("held");
    assert_eq!(refused.kind(), ErrorKind::WouldBlock);
    assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
    drop(lock);
    disk.lock(&root.join("LOCK")).unwrap();
    disk.external("nothing").unwrap();
}

#[test]
fn the_real_disk_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&OsDisk, folder.path());
}

#[test]
fn the_simulated_disk_conforms() {
    let disk = SimDisk::new(1);
    disk.create_dir_all(Path::new("/data")).unwrap();
    conforms(&disk, Path::new("/data"));
}

fn folder(disk: &SimDisk) -> PathBuf {
    disk.create_dir_all(Path::new("/data")).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    PathBuf::from("/data")
}

#[test]
fn a_power_cut_keeps_what_was_synced_and_at_most_a_torn_tail() {
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let disk = SimDisk::new(seed);
        let path = folder(&disk).join("f");
        let mut file = disk.create(&path).unwrap();
        file.append(&[&[1; 1_000]]).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir(Path::new("/data")).unwrap();
        file.append(&[&[2; 2_000]]).unwrap();
        disk.crash();
        let bytes = disk.read(&path).unwrap();
        assert!(bytes.len() >= 1_000 && bytes[..1_000].iter().all(|b| *b == 1));
        assert!(bytes[1_000..].iter().all(|b| *b == 2 || *b == 0));
        assert!(file.append(&[b"x"]).is_err(), "handles do not survive");
        lengths.insert(bytes.len());
    }
    assert!(lengths.len() > 20, "tails tear at different places");
}

#[test]
fn names_need_a_folder_sync() {
    let (mut kept, mut lost) = (0, 0);
    for seed in 0..100 {
        let disk = SimDisk::new(seed);
        let dir = folder(&disk);
        append(&disk, &dir.join("synced"), b"1");
        disk.sync_dir(&dir).unwrap();
        append(&disk, &dir.join("unsynced"), b"2");
        disk.crash();
        assert_eq!(disk.read(&dir.join("synced")).unwrap(), b"1");
        if disk.read(&dir.join("unsynced")).is_ok() { kept += 1 } else { lost += 1 }
    }
    assert!(kept > 10 && lost > 10, "{kept} {lost}");
}

#[test]
fn a_failed_sync_loses_its_bytes_even_if_tried_again() {
    let disk = SimDisk::new(3);
    let path = folder(&disk).join("f");
    let mut file = disk.create(&path).unwrap();
    disk.sync_dir(Path::new("/data")).unwrap();
    file.append(&[b"abc"]).unwrap();
    disk.plan(Some(Plan { at: disk.operations() + 1, fault: Fault::Io, sticky: false }));
    assert!(file.sync_data().is_err());
    file.sync_data().unwrap();
    assert_eq!(disk.read(&path).unwrap(), b"abc", "the page cache still shows them");
    disk.crash();
    assert_eq!(disk.read(&path).unwrap(), b"");
    assert_eq!(disk.fired(), 1);
}

#[test]
fn a_kill_keeps_the_page_cache_and_a_full_disk_says_so() {
    let disk = SimDisk::new(4);
    let path = folder(&disk).join("f");
    let mut file = disk.create(&path).unwrap();
    file.append(&[b"abc"]).unwrap();
    disk.kill();
    assert_eq!(disk.read(&path).unwrap(), b"abc");
    disk.set_capacity_bytes(5);
    let mut file = disk.open_append(&path).unwrap();
    assert_eq!(file.append(&[b"defg"]).unwrap_err().kind(), ErrorKind::StorageFull);
    assert!(disk.free_bytes(Path::new("/data")).unwrap() <= 2);
    disk.plan(Some(Plan { at: disk.operations() + 1, fault: Fault::Power, sticky: false }));
    assert!(disk.read(&path).is_err());
    assert!(disk.read(&path).is_err(), "no power until the crash is over");
    disk.crash();
    assert!(disk.list(Path::new("/data")).is_ok());
}
