//! Opening the file: who owns it, whether it is sound, and what has to be brought up to date.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use super::error::Error;
use super::fold::FOLD_VERSION;
use super::fold::sql::{BASE, CACHE};
use super::{OpenOptions, Opened, refold};

/// Schema of what is kept, by `user_version`: append, never change.
const MIGRATIONS: [&str; 3] =
    [include_str!("sql/001_journal.sql"), include_str!("sql/002_measurements.sql"), include_str!("sql/003_hosts.sql")];
const FOLD_TABLES: &str = include_str!("sql/fold_tables.sql");
const READER_INDEXES: &str = include_str!("sql/reader_indexes.sql");

/// What SQLite calls a file that gives pages back when it is asked to.
const INCREMENTAL: i64 = 2;
/// Page cache of the writing connection, KiB.
const WRITER_CACHE_KIB: i64 = 8 * 1024;
/// Page cache of a reading connection, KiB.
const READER_CACHE_KIB: i64 = 4 * 1024;

/// The lock that makes us the owner; held as long as the file is open.
#[derive(Debug)]
pub(crate) struct Lock(#[allow(dead_code, reason = "the lock lives as long as the open file")] File);

/// `path` with something appended to its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn unusable(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |e| match e.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::DiskFull { path },
        _ => Error::Unusable { path, reason: e.to_string() },
    }
}

/// Takes the lock; the process id of the owner when it is taken.
pub(crate) fn lock(path: &Path) -> Result<Result<Lock, Option<u32>>, Error> {
    create_dir(path)?;
    let lock_path = beside(path, ".lock");
    let mut file = fs::OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(&lock_path)
        .map_err(unusable(&lock_path))?;
    match file.try_lock() {
        Ok(()) => {
            let written = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
            written.map_err(unusable(&lock_path))?;
            Ok(Ok(Lock(file)))
        }
        Err(fs::TryLockError::WouldBlock) => Ok(Err(holder(&mut file))),
        Err(fs::TryLockError::Error(e)) => Err(unusable(&lock_path)(e)),
    }
}

/// Whether a process owns the cache at `path` now, and its id when it can be read.
///
/// # Errors
/// When the lock cannot be looked at.
pub fn owner(path: &Path) -> Result<Option<Option<u32>>, Error> {
    let lock_path = beside(path, ".lock");
    let mut file = match File::open(&lock_path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unusable(&lock_path)(e)),
    };
    // Shared: two that look at the same time do not take each other for the owner.
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(fs::TryLockError::WouldBlock) => Ok(Some(holder(&mut file))),
        Err(fs::TryLockError::Error(e)) => Err(unusable(&lock_path)(e)),
    }
}

/// The process id that the owner wrote into its lock.
fn holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    let _ = lock.rewind().and_then(|()| lock.read_to_string(&mut text));
    text.trim().parse().ok()
}

/// Opens for writing: makes the file when it is missing, sets a damaged one aside, brings tables
/// up to date.
pub(crate) fn writer(options: &OpenOptions, opened: &mut Opened) -> Result<Connection, Error> {
    let path = &options.path;
    if beside(path, ".damaged").exists() {
        set_aside(path, opened, "an earlier run found it damaged")?;
    }
    match prepare(options) {
        Err(Error::Corrupt { detail, .. }) => {
            set_aside(path, opened, &detail)?;
            prepare(options)
        }
        other => other,
    }
}

fn prepare(options: &OpenOptions) -> Result<Connection, Error> {
    let path = &options.path;
    create_private(path)?;
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let fail = |doing| move |e| Error::from_sqlite(path, doing, &e);
    // Setting it writes, even where it is set already: every start would wait for the disk.
    let auto_vacuum: i64 = conn.query_row("PRAGMA auto_vacuum", [], |row| row.get(0)).map_err(fail("opening it"))?;
    if auto_vacuum != INCREMENTAL {
        conn.execute_batch("PRAGMA auto_vacuum = INCREMENTAL").map_err(fail("opening it"))?;
    }
    conn.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; \
         PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -{WRITER_CACHE_KIB}; PRAGMA temp_store = MEMORY;"
    ))
    .map_err(fail("opening it"))?;
    migrate(&mut conn, path)?;
    bring_cache_up(&mut conn, options)?;
    Ok(conn)
}

fn create_dir(path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() && !dir.exists() => {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(unusable(dir))
        }
        _ => Ok(()),
    }
}

/// Makes the file, for nobody else's eyes. SQLite gives -wal and -shm the same mode.
fn create_private(path: &Path) -> Result<(), Error> {
    let file = fs::OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(unusable(path))?;
    let mode = file.metadata().map_err(unusable(path))?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(unusable(path))?;
    }
    Ok(())
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, Error> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let conn = Connection::open_with_flags(path, flags).map_err(|e| Error::from_sqlite(path, "opening it", &e))?;
    conn.busy_timeout(std::time::Duration::from_secs(5)).map_err(|e| Error::from_sqlite(path, "opening it", &e))?;
    conn.set_prepared_statement_cache_capacity(160);
    Ok(conn)
}

/// A connection that only reads.
pub(crate) fn reader(path: &Path) -> Result<Connection, Error> {
    if !path.exists() {
        return Err(Error::Missing { path: path.to_path_buf() });
    }
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.execute_batch(&format!(
        "PRAGMA query_only = 1; PRAGMA cache_size = -{READER_CACHE_KIB}; PRAGMA temp_store = MEMORY;"
    ))
    .map_err(|e| Error::from_sqlite(path, "opening it", &e))?;
    Ok(conn)
}

/// Whether a file that we only read has the format we know.
pub(crate) fn check_format(conn: &Connection, path: &Path) -> Result<(), Error> {
    let found = user_version(conn, path)?;
    let known = MIGRATIONS.len() as i64;
    let path = path.to_path_buf();
    match found {
        _ if found > known => Err(Error::Newer { path, found, known }),
        _ if found < known => Err(Error::Older { path }),
        _ if fold_version(conn).ok().flatten() != Some(FOLD_VERSION) => Err(Error::Older { path }),
        _ => Ok(()),
    }
}

fn user_version(conn: &Connection, path: &Path) -> Result<i64, Error> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|e| Error::from_sqlite(path, "reading its version", &e))
}

fn fold_version(conn: &Connection) -> rusqlite::Result<Option<i64>> {
    conn.query_row("SELECT value FROM meta WHERE key = 'fold_version'", [], |row| row.get(0)).optional()
}

fn migrate(conn: &mut Connection, path: &Path) -> Result<(), Error> {
    let found = user_version(conn, path)?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(Error::Newer { path: path.to_path_buf(), found, known });
    }
    let fail = |e| Error::from_sqlite(path, "bringing it up to date", &e);
    for (version, text) in (1_i64..).zip(MIGRATIONS).skip(found as usize) {
        let tx = conn.transaction().map_err(fail)?;
        tx.execute_batch(text).map_err(fail)?;
        tx.pragma_update(None, "user_version", version).map_err(fail)?;
        tx.commit().map_err(fail)?;
    }
    Ok(())
}

/// Makes the cache tables when they are missing or were folded by other rules, and folds what they
/// do not hold yet.
fn bring_cache_up(conn: &mut Connection, options: &OpenOptions) -> Result<(), Error> {
    let path = &options.path;
    let fail = |e| Error::from_sqlite(path, "making the cache tables", &e);
    let sound = fold_version(conn).map_err(fail)? == Some(FOLD_VERSION) && has_tables(conn, CACHE).map_err(fail)?;
    if !sound {
        let tx = conn.transaction().map_err(fail)?;
        complete_base(&tx).map_err(fail)?;
        drop_tables(&tx, CACHE).map_err(fail)?;
        create_tables(&tx, CACHE).map_err(fail)?;
        if has_tables(&tx, BASE).map_err(fail)? {
            refold::copy_base(&tx).map_err(fail)?;
        }
        tx.execute("INSERT OR REPLACE INTO meta VALUES ('fold_version', ?1)", [FOLD_VERSION]).map_err(fail)?;
        tx.commit().map_err(fail)?;
    }
    refold::catch_up(conn, path, &options.tenant)
}

/// Whether all tables of a prefix are there.
pub(crate) fn has_tables(conn: &Connection, prefix: &str) -> rusqlite::Result<bool> {
    let tables: i64 = conn.query_row(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name GLOB ?1",
        [format!("{prefix}*")],
        |row| row.get(0),
    )?;
    Ok(tables == FOLD_TABLES.matches("CREATE TABLE").count() as i64)
}

/// Makes the tables that the base at the horizon lacks because an older noctule began it.
fn complete_base(conn: &Connection) -> rusqlite::Result<()> {
    let begun: bool =
        conn.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'b_state')", [], |row| row.get(0))?;
    if begun && !has_tables(conn, BASE)? {
        let tables = FOLD_TABLES
            .replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ")
            .replace("CREATE INDEX ", "CREATE INDEX IF NOT EXISTS ");
        conn.execute_batch(&tables.replace('@', BASE))?;
    }
    Ok(())
}

/// Makes the fold's tables.
pub(crate) fn create_tables(conn: &Connection, prefix: &str) -> rusqlite::Result<()> {
    conn.execute_batch(&FOLD_TABLES.replace('@', prefix))?;
    if prefix == CACHE {
        conn.execute_batch(READER_INDEXES)?;
    }
    Ok(())
}

/// Drops the fold's tables.
pub(crate) fn drop_tables(conn: &Connection, prefix: &str) -> rusqlite::Result<()> {
    let mut stmt = conn.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB ?1")?;
    let names: Vec<String> =
        stmt.query_map([format!("{prefix}*")], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for name in names {
        conn.execute_batch(&format!("DROP TABLE \"{name}\""))?;
    }
    Ok(())
}

/// Moves a damaged file away, with what belongs to it. Never deletes.
fn set_aside(path: &Path, opened: &mut Opened, why: &str) -> Result<(), Error> {
    let stamp = chrono::Utc::now().format("%Y%m%dT%H%M%S%3fZ");
    let to = beside(path, &format!(".corrupt-{stamp}"));
    fs::rename(path, &to).map_err(unusable(path))?;
    for suffix in ["-wal", "-shm"] {
        let from = beside(path, suffix);
        if from.exists() {
            fs::rename(&from, beside(&to, suffix)).map_err(unusable(&from))?;
        }
    }
    let _ = fs::remove_file(beside(path, ".damaged"));
    opened.notes.push(format!("the cache was damaged ({why}); it is kept as {} and a new one is begun", to.display()));
    opened.set_aside = Some(to);
    Ok(())
}

impl Error {
    /// From SQLite's error, with the file and what was being done.
    pub(crate) fn from_sqlite(path: &Path, doing: &'static str, error: &rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, detail },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::OperationInterrupted) => Self::Interrupted,
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::Unusable { path, reason: detail }
            }
            _ => Self::Sqlite { doing, detail },
        }
    }
}
