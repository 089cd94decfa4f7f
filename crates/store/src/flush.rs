//! Frozen generations become segments, exactly once.
//!
//! Steps, in this order: write every segment under a temporary name and sync it; give it its name; sync the folders;
//! one catalog transaction makes all segments visible and the generation published; memory is swapped for segments;
//! the log file is removed. A stop before the transaction leaves files the next start removes and a log it replays; a
//! stop behind it leaves a log the next start removes. Written segments are kept for the next attempt when the
//! transaction fails, because whether it took effect is then only known after a restart.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clewline_env::disk::DiskFile;
use clewline_segment::{Part, SegmentError, Written};

use crate::catalog::{Publication, SegmentRow};
use crate::core::Core;
use crate::entry::{SegmentEntry, level_of};
use crate::error::StoreError;
use crate::layout::{Layout, folder_of, index_path};
use crate::limits::SEGMENT_BUFFER_BYTES;
use crate::partition;
use crate::state::{Generation, Owner};
use crate::statistics::add;

/// State of publishing.
#[derive(Default)]
pub(crate) struct Publishing {
    /// Segments of a generation whose transaction failed.
    written: Option<(u64, Vec<SegmentRow>)>,
}

impl Core {
    /// Publishes the oldest frozen generation; false where none waits.
    pub(crate) fn publish_oldest(&self) -> Result<bool, StoreError> {
        let mut publishing = self.publishing.lock();
        let Some(generation) = self.state.read().frozen.first().cloned() else { return Ok(false) };
        match self.publish(&mut publishing, &generation) {
            Ok(()) => {
                add(&self.counters.flushes, 1);
                self.progress.update(|progress| progress.published = generation.number);
                Ok(true)
            }
            Err(error) => {
                tracing::error!(generation = generation.number, %error, "a generation could not be written as segments; its records stay readable and durable in the log");
                add(&self.counters.flush_failures, 1);
                self.counters.note_error(&error.to_string());
                self.progress.update(|progress| progress.failures += 1);
                Err(error)
            }
        }
    }

    fn publish(&self, publishing: &mut Publishing, generation: &Generation) -> Result<(), StoreError> {
        let rows = match publishing.written.take() {
            Some((number, rows)) if number == generation.number => rows,
            _ => self.write_generation(generation)?,
        };
        let now_ns = self.env.clock.now_ns();
        let window_ns = i64::try_from(self.settings.dedupe_window.as_nanos()).unwrap_or(i64::MAX);
        let publication = Publication {
            generation: generation.number,
            rows: generation.rows,
            seq_max: generation.seq_max,
            segments: &rows,
            identities: &generation.identities,
            identities_from_ns: self.fuse.now(&*self.env.clock).now_ns.saturating_sub(window_ns),
            now_ns,
        };
        let announced = self.env.disk.external("publish a generation").map_err(StoreError::from);
        if let Err(error) = announced.and_then(|()| self.catalog.publish(&publication)) {
            publishing.written = Some((generation.number, rows));
            return Err(error);
        }
        add(&self.counters.flushed_bytes, rows.iter().map(|row| row.summary.bytes).sum());
        let removed = rows.iter().map(|row| row.summary.duplicates_removed).sum();
        add(&self.counters.spans_deduplicated, removed);
        let entries = rows.into_iter().map(|row| ((row.tenant, row.signal), self.entry_of(row))).collect();
        let published = {
            let mut state = self.state.write();
            state.add_segments(entries);
            state.frozen.remove(0)
        };
        debug_assert_eq!(published.number, generation.number);
        self.discard_log(generation);
        Ok(())
    }

    /// Removes the log file of a published generation, or puts it aside if it was damaged.
    fn discard_log(&self, generation: &Generation) {
        let path = self.layout.wal(generation.number);
        let done = if generation.damaged {
            self.env.disk.rename(&path, &path.with_extension("damaged"))
        } else {
            self.env.disk.remove(&path)
        };
        if let Err(error) = done {
            tracing::warn!(path = %path.display(), %error, "a log file that is not needed any more could not be removed; the next start removes it");
        }
    }

    pub(crate) fn entry_of(&self, row: SegmentRow) -> Arc<SegmentEntry> {
        Arc::new(SegmentEntry::new(row, &self.layout.folder, self.env.disk.clone()))
    }

    fn write_generation(&self, generation: &Generation) -> Result<Vec<SegmentRow>, StoreError> {
        let mut owners: Vec<(&Owner, &Vec<Part>)> = generation.parts.iter().collect();
        owners.sort_by_key(|(owner, _)| **owner);
        let mut rows = Vec::with_capacity(owners.len());
        let now_ns = self.fuse.now(&*self.env.clock).now_ns;
        let written = owners.into_iter().try_for_each(|(owner, parts)| {
            for parts in partition::split(parts, now_ns) {
                rows.push(self.write_segment(*owner, &parts)?);
            }
            Ok(())
        });
        match written.and_then(|()| self.sync_folders(&rows)) {
            Ok(()) => Ok(rows),
            Err(error) => {
                self.remove_segments(&rows);
                Err(error)
            }
        }
    }

    /// Makes the names of written segments durable.
    pub(crate) fn sync_folders(&self, rows: &[SegmentRow]) -> Result<(), StoreError> {
        let mut folders: Vec<PathBuf> =
            rows.iter().map(|row| folder_of(&self.layout.folder.join(&row.file)).to_owned()).collect();
        folders.dedup();
        for folder in folders {
            self.env.disk.sync_dir(&folder)?;
        }
        Ok(())
    }

    /// Removes segments that were not published.
    pub(crate) fn remove_segments(&self, rows: &[SegmentRow]) {
        for row in rows {
            let path = self.layout.folder.join(&row.file);
            let _ = self.env.disk.remove(&path); // the next start removes it otherwise
            let _ = self.env.disk.remove(&index_path(&path));
        }
    }

    /// Writes one segment of these rows; see [`Self::write_file`].
    pub(crate) fn write_segment(&self, owner: Owner, parts: &[Part]) -> Result<SegmentRow, StoreError> {
        self.write_file(owner, |sink| clewline_segment::write(owner.1, parts, sink))
    }

    /// Writes one segment under its name. Its bytes are durable, its name is not yet.
    pub(crate) fn write_file(
        &self,
        owner: Owner,
        write: impl FnOnce(&mut BufWriter<Sink>) -> Result<Written, SegmentError>,
    ) -> Result<SegmentRow, StoreError> {
        let (tenant, signal) = owner;
        let id = self.segment_id.fetch_add(1, Ordering::AcqRel) + 1;
        let file = Layout::segment_file(tenant, signal, id);
        let path = self.layout.folder.join(&file);
        self.make_folder(folder_of(&path))?;
        let unfinished = path.with_extension("parquet.tmp");
        let written = (|| {
            let mut sink = BufWriter::with_capacity(SEGMENT_BUFFER_BYTES, Sink(self.env.disk.create(&unfinished)?));
            let Written { summary, index } = write(&mut sink)?;
            let mut sink = sink.into_inner().map_err(|error| StoreError::Io(error.into_error()))?;
            sink.0.sync_data()?;
            // A segment without its index is whole; the next reader asks for a new one.
            if let Err(error) = self.write_index(&path, &index) {
                tracing::warn!(path = %path.display(), %error, "the index of a segment could not be written");
            }
            self.env.disk.rename(&unfinished, &path)?;
            Ok(summary)
        })();
        match written {
            Ok(summary) => {
                let created_ns = self.env.clock.now_ns();
                Ok(SegmentRow { id, tenant, signal, file, level: level_of(summary.bytes), summary, created_ns })
            }
            Err(error) => {
                let _ = self.env.disk.remove(&unfinished); // the next start removes it otherwise
                Err(error)
            }
        }
    }

    fn make_folder(&self, folder: &Path) -> Result<(), StoreError> {
        if self.folders.lock().contains(folder) {
            return Ok(());
        }
        self.env.disk.create_dir_all(folder)?;
        let tenant = folder_of(folder);
        self.env.disk.sync_dir(tenant)?;
        self.env.disk.sync_dir(folder_of(tenant))?;
        self.folders.lock().insert(folder.to_owned());
        Ok(())
    }
}

/// A disk file as the Parquet writer wants it.
pub(crate) struct Sink(Box<dyn DiskFile>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(&[bytes])?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
