//! Certificates as `openssl` makes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder with certificates and keys.
pub struct Certificates(TempDir);

impl Certificates {
    pub fn new() -> Self {
        let this = Self(TempDir::new().expect("a folder"));
        let settings = "[req]\ndistinguished_name = name\n[name]\n[authority]\nbasicConstraints = critical,CA:TRUE\n\
                        [localhost]\nbasicConstraints = CA:FALSE\nsubjectAltName = DNS:localhost\n\
                        [elsewhere]\nbasicConstraints = CA:FALSE\nsubjectAltName = DNS:db.example.org\n\
                        [client]\nbasicConstraints = CA:FALSE\n";
        fs::write(this.0.path().join("settings"), settings).expect("written");
        this
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    pub fn crt(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}.crt"))
    }

    pub fn key(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}.key"))
    }

    /// One of a kind of the settings, signed by an authority or by itself.
    pub fn make(&self, name: &str, kind: &str, by: Option<&str>) {
        let (crt, key) = (self.crt(name), self.key(name));
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        command.args(["-days", "20", "-config", "settings", "-extensions", kind, "-subj", &format!("/CN={name}")]);
        command.arg("-out").arg(crt).arg("-keyout").arg(key);
        if let Some(by) = by {
            command.arg("-CA").arg(self.crt(by)).arg("-CAkey").arg(self.key(by));
        }
        let made = command.current_dir(self.0.path()).output().expect("openssl is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
}
