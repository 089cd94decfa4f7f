//! Tables of the catalog, version 2 (docs/formats/catalog.md).

/// Version of the tables.
pub(crate) const VERSION: i64 = 2;

/// Marks the file as ours in SQLite's header: "Clew".
pub(crate) const APPLICATION_ID: i64 = 0x436c_6577;

/// Creates the tables of version 1.
pub(crate) const CREATE_VERSION_1: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE tenants (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_ns INTEGER NOT NULL
) STRICT;
CREATE TABLE segments (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenants (number),
    signal INTEGER NOT NULL,
    file TEXT NOT NULL UNIQUE,
    level INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    time_min INTEGER NOT NULL,
    time_max INTEGER NOT NULL,
    seq_min INTEGER NOT NULL,
    seq_max INTEGER NOT NULL,
    summary_json TEXT NOT NULL,
    created_ns INTEGER NOT NULL
) STRICT;
CREATE TABLE generations (
    generation INTEGER PRIMARY KEY,
    rows INTEGER NOT NULL,
    seq_max INTEGER NOT NULL,
    published_ns INTEGER NOT NULL
) STRICT;
CREATE TABLE identities (
    generation INTEGER PRIMARY KEY,
    newest_ns INTEGER NOT NULL,
    entries BLOB NOT NULL
) STRICT;
INSERT INTO meta VALUES ('generation_published', 0), ('seq_published', 0), ('segment_id_last', 0);
";

/// From version 1 to version 2.
pub(crate) const TO_VERSION_2: &str = "
CREATE TABLE deletes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenants (number),
    signal INTEGER NOT NULL,
    query TEXT NOT NULL,
    start_ns INTEGER,
    end_ns INTEGER,
    now_ns INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    created_ns INTEGER NOT NULL,
    matched INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    finished_ns INTEGER
) STRICT;
";

/// Published generations kept for people who look; the truth is `generation_published`.
pub(crate) const GENERATIONS_KEPT: i64 = 1_000;
