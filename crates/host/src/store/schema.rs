//! The version of a database's schema, in its `user_version`, and the way from each version to the next.
//!
//! | version | what |
//! |---|---|
//! | 0 | as Spin makes it: the table `spin_key_value` alone; or as `rescind` made it before it counted, with the archive |
//! | 1 | the table `rescind_component`, the archive of components |
//!
//! Spin neither reads nor changes this number, so a database that was marked here moves to Spin and back. What changes is
//! only what stands beside Spin's table: that one stays as Spin makes it. The formats of records are not counted here;
//! every record names its own.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{component, database};
use crate::error::OpenError;

/// The newest version this program knows.
pub const VERSION: i64 = {
    let known = MIGRATIONS.len();
    #[expect(clippy::as_conversions, reason = "a constant number of migrations; `From` is not const")]
    let known = known as i64;
    known
};

/// One step, from the version before it to its own.
pub(super) struct Migration {
    /// What it brings, for the log.
    pub(super) brings: &'static str,
    /// Does it. What it did is undone if it fails, and nothing else is in its transaction but the new number.
    pub(super) step: fn(&Transaction<'_>) -> rusqlite::Result<()>,
}

/// All steps, in order: the first leads from 0 to 1. A released one is never changed, and none is ever taken out.
pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    brings: "the archive of components",
    step: |changes| changes.execute_batch(component::CREATE_TABLE),
}];

/// The version of a database.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Refuses a version that this program does not know.
pub(super) fn check(path: &Path, connection: &Connection) -> Result<i64, OpenError> {
    let found = version(connection).map_err(|error| database::classify(path, &error))?;
    if (0..=VERSION).contains(&found) {
        return Ok(found);
    }
    Err(OpenError::Newer { path: path.to_owned(), found, known: VERSION })
}

/// Takes every step that is still to be taken. Each is one transaction together with its number: where one fails, the
/// database is as the step before it left it.
pub(super) fn migrate(path: &Path, connection: &mut Connection, steps: &[Migration]) -> Result<(), OpenError> {
    let mut from = version(connection).map_err(|error| database::classify(path, &error))?;
    let done = usize::try_from(from).unwrap_or(usize::MAX);
    for migration in steps.iter().skip(done) {
        let to = from.saturating_add(1);
        let taken = take(connection, migration, to);
        taken.map_err(|error| OpenError::Migration { path: path.to_owned(), from, to, reason: error.to_string() })?;
        tracing::info!(database = %path.display(), from, to, brings = migration.brings, "brought the database to the next version");
        from = to;
    }
    Ok(())
}

fn take(connection: &mut Connection, migration: &Migration, to: i64) -> rusqlite::Result<()> {
    let changes = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    (migration.step)(&changes)?;
    changes.pragma_update(None, "user_version", to)?;
    changes.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Spin 4.1 leaves it, and as `rescind` left it before versions were counted.
    const OLD: [&str; 2] = [include_str!("schema/0-spin.sql"), include_str!("schema/0-rescind.sql")];

    fn old(sql: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        (folder, path)
    }

    /// Everything that a database says of itself and holds, as text.
    fn dump(connection: &Connection) -> Vec<String> {
        let mut all = vec![format!("version {}", version(connection).unwrap())];
        let mut say = |sql: &str| {
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            all.extend(rows.map(Result::unwrap));
        };
        say("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name");
        say("SELECT store || ' ' || key || ' ' || hex(value) FROM spin_key_value ORDER BY store, key");
        all
    }

    #[test]
    fn old_databases_are_brought_to_this_version_with_all_they_hold() {
        for sql in OLD {
            let (_folder, path) = old(sql);
            let held = |path: &Path| {
                let connection = Connection::open(path).unwrap();
                let values =
                    "SELECT group_concat(key || hex(value)) FROM (SELECT * FROM spin_key_value ORDER BY store, key)";
                connection.query_row(values, [], |row| row.get::<_, String>(0)).unwrap()
            };
            let before = held(&path);
            drop(super::super::SqliteStore::open(&path).unwrap());
            assert_eq!(held(&path), before);
            let connection = Connection::open(&path).unwrap();
            assert_eq!(version(&connection).unwrap(), VERSION);
            assert!(dump(&connection).iter().any(|line| line.contains("rescind_component")));
            drop(connection);
            // The next start has nothing to do.
            drop(super::super::SqliteStore::open(&path).unwrap());
        }
    }

    #[test]
    fn a_migration_that_breaks_leaves_the_old_one_as_it_was() {
        let steps = [
            Migration { brings: "a table", step: |changes| changes.execute_batch("CREATE TABLE one (a)") },
            Migration {
                brings: "another, and breaks",
                step: |changes| {
                    changes.execute_batch(
                        "CREATE TABLE two (a); DELETE FROM spin_key_value; INSERT INTO nowhere VALUES (1)",
                    )
                },
            },
            Migration { brings: "what is never reached", step: |changes| changes.execute_batch("DROP TABLE one") },
        ];
        for sql in OLD {
            let (_folder, path) = old(sql);
            let mut connection = Connection::open(&path).unwrap();
            migrate(&path, &mut connection, &steps[..1]).unwrap();
            let before = dump(&connection);
            let refused = migrate(&path, &mut connection, &steps).unwrap_err();
            let OpenError::Migration { from: 1, to: 2, reason, .. } = &refused else { panic!("{refused}") };
            assert!(reason.contains("nowhere"), "{reason}");
            assert_eq!(dump(&connection), before);
            assert_eq!(before[0], "version 1");
        }
    }

    #[test]
    fn a_newer_database_is_refused_and_left_alone() {
        for found in [VERSION + 1, 900, -1] {
            let (_folder, path) = old(OLD[0]);
            let connection = Connection::open(&path).unwrap();
            connection.pragma_update(None, "user_version", found).unwrap();
            let before = dump(&connection);
            drop(connection);
            let refused = super::super::SqliteStore::open(&path).unwrap_err();
            assert!(matches!(&refused, OpenError::Newer { found: f, known: VERSION, .. } if *f == found), "{refused}");
            assert!(refused.to_string().contains(&format!("version {found}")), "{refused}");
            assert_eq!(dump(&Connection::open(&path).unwrap()), before);
        }
    }
}
