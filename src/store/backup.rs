//! A consistent copy of the file while it is written to.

use std::fs::File;
use std::path::Path;

use rusqlite::Connection;

use super::StoreError;
use super::schema;

/// Makes a copy beside the database and gives it, open and already without a name: nobody else can reach it, and it goes
/// with the last reader.
pub(super) fn copy(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".copy");
    let copy = Path::new(&name);
    let refused = |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", copy.display()));
    // What a crash in the middle of an earlier copy left.
    remove(copy).map_err(refused)?;
    // A connection of its own: look-ups go on meanwhile.
    let made = schema::open_reader(path).and_then(|db| vacuum(&db, copy));
    let opened = made.and_then(|()| File::open(copy).map_err(refused));
    remove(copy).map_err(refused)?;
    opened
}

fn vacuum(db: &Connection, copy: &Path) -> Result<(), StoreError> {
    let text = copy.to_str().ok_or(StoreError::Damaged("the database's path is not UTF-8"))?;
    Ok(db.execute("VACUUM INTO ?1", [text]).map(drop)?)
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
