//! The catalog: which segments exist, which generations are published, who the tenants are. SQLite, one connection.
//!
//! It is the truth for visibility: a segment exists when its row does. One transaction publishes a generation (all its
//! segments, its identities, its number), one replaces the inputs of a compaction by its output. Durability is
//! SQLite's: WAL journal, `synchronous=FULL`. Tables: [`schema`], docs/formats/catalog.md.

mod deletes;
mod schema;

use std::path::Path;
use std::sync::Arc;

use clewline_model::signal::Signal;
use clewline_segment::Summary;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

pub(crate) use self::deletes::DeleteRow;
use crate::dedupe::{self, Remembered};
use crate::error::StoreError;

/// One row of the segment table.
#[derive(Debug, Clone)]
pub(crate) struct SegmentRow {
    pub(crate) id: i64,
    pub(crate) tenant: u32,
    pub(crate) signal: Signal,
    pub(crate) file: String,
    pub(crate) level: u32,
    pub(crate) summary: Summary,
    /// When its newest record was flushed; what it was merged or rewritten from hands this on.
    pub(crate) created_ns: i64,
}

/// What one generation becomes.
#[derive(Debug)]
pub(crate) struct Publication<'a> {
    pub(crate) generation: u64,
    pub(crate) rows: u64,
    pub(crate) seq_max: i64,
    pub(crate) segments: &'a [SegmentRow],
    pub(crate) identities: &'a [Remembered],
    /// Identities received before this are forgotten.
    pub(crate) identities_from_ns: i64,
    pub(crate) now_ns: i64,
}

/// What the catalog knows at start-up.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) tenants: Vec<(u32, String)>,
    pub(crate) segments: Vec<SegmentRow>,
    pub(crate) deletes: Vec<DeleteRow>,
    /// In the order they were published.
    pub(crate) identities: Vec<Remembered>,
    pub(crate) generation_published: u64,
    /// Highest sequence number in segments, or that bounds a delete job: later records need larger ones.
    pub(crate) seq_published: i64,
    pub(crate) segment_id_last: i64,
}

/// The open catalog. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Catalog {
    connection: Arc<Mutex<Connection>>,
    path: String,
}

impl Catalog {
    /// Opens or creates the catalog file. Another program's file, a damaged one or a newer version is refused.
    pub(crate) fn open(path: &Path) -> Result<Catalog, StoreError> {
        let shown = path.display().to_string();
        let connection = Connection::open(path);
        Catalog::prepare(connection.map_err(|error| failed(&shown, &error))?, shown)
    }

    /// A catalog that lives as long as its clones: for tests that cut the power of a simulated disk, whose catalog
    /// commits are trusted to SQLite.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Catalog {
        let connection = Connection::open_in_memory().expect("memory is there");
        Catalog::prepare(connection, ":memory:".to_owned()).expect("an empty catalog can be made")
    }

    fn prepare(connection: Connection, path: String) -> Result<Catalog, StoreError> {
        let version = tables_version(&connection).map_err(|error| failed(&path, &error))?;
        let refuse = |cause: String| Err(StoreError::Catalog { path: path.clone(), cause });
        match version {
            Some((schema::APPLICATION_ID, 1..=schema::VERSION)) => {}
            Some((schema::APPLICATION_ID, newer)) if newer > schema::VERSION => {
                return refuse(format!(
                    "it has version {newer} and this program knows {} and older; use the program that wrote it, or a newer one",
                    schema::VERSION
                ));
            }
            Some(_) => return refuse("it is a database of another program; choose another data folder".to_owned()),
            None => {}
        }
        let made = (|| {
            connection.busy_timeout(std::time::Duration::from_secs(5))?;
            connection.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(()))?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            if version.is_none() {
                connection.execute_batch(&format!(
                    "BEGIN; {} {} PRAGMA application_id={}; PRAGMA user_version={}; COMMIT;",
                    schema::CREATE_VERSION_1,
                    schema::TO_VERSION_2,
                    schema::APPLICATION_ID,
                    schema::VERSION
                ))?;
            }
            if matches!(version, Some((_, 1))) {
                connection.execute_batch(&format!("BEGIN; {} PRAGMA user_version=2; COMMIT;", schema::TO_VERSION_2))?;
            }
            let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            Ok(sound)
        })();
        match made.map_err(|error| failed(&path, &error))?.as_str() {
            "ok" => Ok(Catalog { connection: Arc::new(Mutex::new(connection)), path }),
            damage => refuse(format!("it is damaged ({damage}); restore it from a backup")),
        }
    }

    /// Everything, read once at start-up.
    pub(crate) fn load(&self) -> Result<Contents, StoreError> {
        self.with(|connection| {
            let mut contents = Contents::default();
            for (name, value) in rows(connection, "SELECT name, value FROM meta", |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
            })? {
                match name.as_str() {
                    "generation_published" => contents.generation_published = value.cast_unsigned(),
                    "seq_published" => contents.seq_published = value,
                    "segment_id_last" => contents.segment_id_last = value,
                    _ => {}
                }
            }
            contents.tenants =
                rows(connection, "SELECT number, name FROM tenants", |row| Ok((row.get(0)?, row.get(1)?)))?;
            contents.segments = rows(
                connection,
                "SELECT id, tenant, signal, file, level, summary_json, created_ns FROM segments ORDER BY seq_min, id",
                segment_of,
            )?;
            contents.deletes = deletes::load(connection)?;
            let bound = contents.deletes.iter().map(|row| row.seq).max().unwrap_or(0);
            contents.seq_published = contents.seq_published.max(bound);
            let blobs: Vec<Vec<u8>> =
                rows(connection, "SELECT entries FROM identities ORDER BY generation", |row| row.get(0))?;
            for blob in blobs {
                let entries = dedupe::unpack(&blob).ok_or(rusqlite::Error::InvalidQuery)?;
                contents.identities.extend(entries);
            }
            Ok(contents)
        })
    }

    /// The number of a tenant, given now if it has none. Safe to repeat after an error.
    pub(crate) fn add_tenant(&self, name: &str, now_ns: i64) -> Result<u32, StoreError> {
        self.with(|connection| {
            connection.execute(
                "INSERT INTO tenants SELECT coalesce(max(number), 0) + 1, ?1, ?2 FROM tenants WHERE true
                 ON CONFLICT (name) DO NOTHING",
                params![name, now_ns],
            )?;
            connection.query_row("SELECT number FROM tenants WHERE name = ?1", [name], |row| row.get(0))
        })
    }

    /// Publishes a generation, all or nothing. Publishing one twice is an error.
    pub(crate) fn publish(&self, publication: &Publication<'_>) -> Result<(), StoreError> {
        self.with(|connection| {
            let transaction = connection.transaction()?;
            let generation = publication.generation.cast_signed();
            transaction.execute(
                "INSERT INTO generations VALUES (?1, ?2, ?3, ?4)",
                params![generation, publication.rows.cast_signed(), publication.seq_max, publication.now_ns],
            )?;
            insert_segments(&transaction, publication.segments)?;
            raise(&transaction, "generation_published", generation)?;
            raise(&transaction, "seq_published", publication.seq_max)?;
            transaction.execute("DELETE FROM identities WHERE newest_ns < ?1", [publication.identities_from_ns])?;
            if let Some(newest_ns) = publication.identities.iter().map(|entry| entry.received_ns).max() {
                transaction.execute(
                    "INSERT INTO identities VALUES (?1, ?2, ?3)",
                    params![generation, newest_ns, dedupe::pack(publication.identities)],
                )?;
            }
            transaction
                .execute("DELETE FROM generations WHERE generation <= ?1", [generation - schema::GENERATIONS_KEPT])?;
            transaction.commit()
        })
    }

    /// Replaces segments by others (compaction) or by none (retention), all or nothing.
    pub(crate) fn replace(&self, remove: &[i64], insert: &[SegmentRow]) -> Result<(), StoreError> {
        self.with(|connection| {
            let transaction = connection.transaction()?;
            for id in remove {
                if transaction.execute("DELETE FROM segments WHERE id = ?1", [id])? != 1 {
                    return Err(rusqlite::Error::QueryReturnedNoRows);
                }
            }
            insert_segments(&transaction, insert)?;
            transaction.commit()
        })
    }

    /// Moves SQLite's own log into the file and empties it.
    pub(crate) fn checkpoint(&self) -> Result<(), StoreError> {
        self.with(|connection| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).optional().map(drop)
        })
    }

    fn with<T>(&self, run: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        run(&mut self.connection.lock()).map_err(|error| failed(&self.path, &error))
    }
}

fn failed(path: &str, error: &rusqlite::Error) -> StoreError {
    StoreError::Catalog { path: path.to_owned(), cause: error.to_string() }
}

/// Application id and version of a database that has tables.
fn tables_version(connection: &Connection) -> rusqlite::Result<Option<(i64, i64)>> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(None);
    }
    let number = |name| connection.pragma_query_value(None, name, |row| row.get(0));
    Ok(Some((number("application_id")?, number("user_version")?)))
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map([], |row| read(row))?.collect()
}

fn segment_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<SegmentRow> {
    let bad = |column: usize, what: String| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, what.into())
    };
    let signal: u8 = row.get(2)?;
    let summary: String = row.get(5)?;
    Ok(SegmentRow {
        id: row.get(0)?,
        tenant: row.get(1)?,
        signal: Signal::from_number(signal).ok_or_else(|| bad(2, format!("unknown signal {signal}")))?,
        file: row.get(3)?,
        level: row.get(4)?,
        summary: Summary::from_json(&summary).map_err(|error| bad(5, error))?,
        created_ns: row.get(6)?,
    })
}

fn insert_segments(transaction: &Transaction<'_>, segments: &[SegmentRow]) -> rusqlite::Result<()> {
    for segment in segments {
        let summary = &segment.summary;
        transaction.execute(
            "INSERT INTO segments VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            params![
                segment.id,
                segment.tenant,
                segment.signal as u8,
                segment.file,
                segment.level,
                summary.rows.cast_signed(),
                summary.bytes.cast_signed(),
                summary.time_min,
                summary.time_max,
                summary.seq_min,
                summary.seq_max,
                summary.to_json(),
                segment.created_ns
            ],
        )?;
        raise(transaction, "segment_id_last", segment.id)?;
    }
    Ok(())
}

fn raise(transaction: &Transaction<'_>, name: &str, value: i64) -> rusqlite::Result<()> {
    transaction.execute("UPDATE meta SET value = max(value, ?2) WHERE name = ?1", params![name, value]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_published_once() {
        let catalog = Catalog::in_memory();
        let identities = [Remembered { key: (1, 0, [7; 16]), received_ns: 50 }];
        let mut publication = Publication {
            generation: 4,
            rows: 1,
            seq_max: 9,
            segments: &[],
            identities: &identities,
            identities_from_ns: 0,
            now_ns: 60,
        };
        catalog.publish(&publication).unwrap();
        assert!(catalog.publish(&publication).is_err());
        let contents = catalog.load().unwrap();
        assert_eq!((contents.generation_published, contents.seq_published), (4, 9));
        assert_eq!(contents.identities, identities);
        (publication.generation, publication.identities_from_ns, publication.identities) = (5, 51, &[]);
        catalog.publish(&publication).unwrap();
        assert!(catalog.load().unwrap().identities.is_empty());
    }

    #[test]
    fn a_catalog_of_version_1_is_brought_up_to_date_with_all_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.sqlite");
        // What the program of version 1 made.
        Connection::open(&path)
            .unwrap()
            .execute_batch(&format!(
                "BEGIN; {} PRAGMA application_id={}; PRAGMA user_version=1; COMMIT;
                 INSERT INTO tenants VALUES (1, 'old', 5);
                 UPDATE meta SET value = 42 WHERE name = 'seq_published';",
                schema::CREATE_VERSION_1,
                schema::APPLICATION_ID
            ))
            .unwrap();
        for _ in 0..2 {
            let catalog = Catalog::open(&path).unwrap();
            let contents = catalog.load().unwrap();
            assert_eq!((contents.tenants, contents.seq_published), (vec![(1, "old".to_owned())], 42));
            assert!(contents.deletes.is_empty());
        }
        assert_eq!(tables_version(&Connection::open(&path).unwrap()).unwrap(), Some((schema::APPLICATION_ID, 2)));
    }

    #[test]
    fn foreign_and_newer_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.sqlite");
        drop(Catalog::open(&path).unwrap());
        drop(Catalog::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 3).unwrap();
        let refused = Catalog::open(&path).err().unwrap().to_string();
        assert!(refused.contains("version 3") && refused.contains("catalog.sqlite"), "{refused}");
        let other = folder.path().join("other.sqlite");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        assert!(Catalog::open(&other).err().unwrap().to_string().contains("another program"));
        std::fs::write(&path, "not a database").unwrap();
        assert!(Catalog::open(&path).is_err());
    }
}
