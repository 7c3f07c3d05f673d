//! The admin token: from the settings, or made at start and kept beside the database.

use std::io::Write;
use std::path::PathBuf;

use crate::domain::secret::Secret;
use crate::settings::Settings;

/// Where the token is kept.
pub fn path(settings: &Settings) -> PathBuf {
    settings.database.file().with_file_name("tagrelay.token")
}

/// The token of a gateway that runs with these settings: the one that was set, else the one that it keeps.
pub fn kept(settings: &Settings) -> Result<Secret, String> {
    if let Some(token) = &settings.admin_token {
        return Ok(token.clone());
    }
    let path = path(settings);
    let none = "set TAGRELAY_ADMIN_TOKEN, or run this where the gateway keeps its token";
    match std::fs::read_to_string(&path) {
        Ok(kept) if !kept.trim().is_empty() => Ok(Secret::new(kept.trim())),
        Ok(_) => Err(format!("{} is empty: {none}", path.display())),
        Err(error) => Err(format!("{}: {error}: {none}", path.display())),
    }
}

/// The token that was set, else the one kept, else a new one that is kept from now on, readable by the owner alone.
pub fn obtain(settings: &Settings) -> Result<Secret, String> {
    if let Some(token) = &settings.admin_token {
        return Ok(token.clone());
    }
    let path = path(settings);
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    match std::fs::read_to_string(&path) {
        Ok(kept) if !kept.trim().is_empty() => return Ok(Secret::new(kept.trim())),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(named(&error)),
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| named(&error))?;
    let token = hex::encode(bytes);
    let mut options = std::fs::File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path).and_then(|mut file| writeln!(file, "{token}")).map_err(|error| named(&error))?;
    Ok(Secret::new(&token))
}
