//! Delete jobs in the catalog: entered before they are promised, advanced with every segment they rewrite.

use clewline_model::signal::Signal;
use rusqlite::{Connection, params};

use super::{Catalog, SegmentRow, insert_segments, rows};
use crate::deletion::Selection;
use crate::error::StoreError;
use crate::limits::DELETE_JOBS_KEPT;

/// One row of the table of delete jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeleteRow {
    pub(crate) id: i64,
    pub(crate) tenant: u32,
    pub(crate) selection: Selection,
    pub(crate) seq: i64,
    pub(crate) created_ns: i64,
    pub(crate) matched: u64,
    pub(crate) deleted: u64,
    pub(crate) finished_ns: Option<i64>,
}

impl Catalog {
    /// Enters a job and returns its number; forgets the oldest finished ones.
    pub(crate) fn add_delete(&self, row: &DeleteRow) -> Result<i64, StoreError> {
        self.with(|connection| {
            let transaction = connection.transaction()?;
            let selection = &row.selection;
            transaction.execute(
                "INSERT INTO deletes (tenant, signal, query, start_ns, end_ns, now_ns, seq, created_ns, matched, deleted)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)",
                params![
                    row.tenant,
                    selection.signal as u8,
                    selection.query,
                    selection.start_ns,
                    selection.end_ns,
                    selection.now_ns,
                    row.seq,
                    row.created_ns,
                    row.matched.cast_signed()
                ],
            )?;
            let id = transaction.last_insert_rowid();
            transaction.execute(
                "DELETE FROM deletes WHERE finished_ns IS NOT NULL AND id <= ?1",
                [id - DELETE_JOBS_KEPT],
            )?;
            transaction.commit()?;
            Ok(id)
        })
    }

    /// Replaces a segment by what a job left of it and counts what it deleted, all or nothing.
    pub(crate) fn erase(
        &self,
        job: i64,
        removed: i64,
        left: Option<&SegmentRow>,
        deleted: u64,
    ) -> Result<(), StoreError> {
        self.with(|connection| {
            let transaction = connection.transaction()?;
            let one = transaction.execute("DELETE FROM segments WHERE id = ?1", [removed])?
                + transaction.execute(
                    "UPDATE deletes SET deleted = deleted + ?2 WHERE id = ?1",
                    params![job, deleted.cast_signed()],
                )?;
            if one != 2 {
                return Err(rusqlite::Error::QueryReturnedNoRows);
            }
            insert_segments(&transaction, left.map(std::slice::from_ref).unwrap_or_default())?;
            transaction.commit()
        })
    }

    /// Marks a job as done.
    pub(crate) fn finish_delete(&self, job: i64, now_ns: i64) -> Result<(), StoreError> {
        self.with(|connection| {
            connection.execute("UPDATE deletes SET finished_ns = ?2 WHERE id = ?1", params![job, now_ns]).map(drop)
        })
    }
}

/// All jobs.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Vec<DeleteRow>> {
    rows(
        connection,
        "SELECT id, tenant, signal, query, start_ns, end_ns, now_ns, seq, created_ns, matched, deleted, finished_ns
         FROM deletes ORDER BY id",
        |row| {
            let signal: u8 = row.get(2)?;
            let signal =
                Signal::from_number(signal).ok_or(rusqlite::Error::IntegralValueOutOfRange(2, signal.into()))?;
            Ok(DeleteRow {
                id: row.get(0)?,
                tenant: row.get(1)?,
                selection: Selection {
                    signal,
                    query: row.get(3)?,
                    start_ns: row.get(4)?,
                    end_ns: row.get(5)?,
                    now_ns: row.get(6)?,
                },
                seq: row.get(7)?,
                created_ns: row.get(8)?,
                matched: row.get::<_, i64>(9)?.cast_unsigned(),
                deleted: row.get::<_, i64>(10)?.cast_unsigned(),
                finished_ns: row.get(11)?,
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_kept_with_their_progress() {
        let catalog = Catalog::in_memory();
        catalog.add_tenant("a", 1).unwrap();
        let selection = Selection {
            signal: Signal::Spans,
            query: "user:\"x\" 'y'".to_owned(),
            start_ns: Some(-1),
            end_ns: None,
            now_ns: 5,
        };
        let mut row = DeleteRow {
            id: 0,
            tenant: 1,
            selection,
            seq: 77,
            created_ns: 6,
            matched: 3,
            deleted: 0,
            finished_ns: None,
        };
        row.id = catalog.add_delete(&row).unwrap();
        let contents = catalog.load().unwrap();
        assert_eq!((contents.deletes, contents.seq_published), (vec![row.clone()], 77));
        assert!(catalog.erase(row.id, 123, None, 9).is_err(), "a segment that is not there");
        assert_eq!(catalog.load().unwrap().deletes[0].deleted, 0, "all or nothing");
        catalog.finish_delete(row.id, 8).unwrap();
        assert_eq!(catalog.load().unwrap().deletes[0].finished_ns, Some(8));
    }
}
