//! A small file system of its own for a gateway's database, which can run full and become read-only while it is in use.
//!
//! It is a tmpfs in a namespace of its own, held by a process that sleeps: the gateway is started inside, as often as a test likes,
//! and so is everything that is done to it. Nobody else on the machine sees it, and it goes with its holder.
//!
//! Where nobody may mount anything, as in most containers, an ordinary folder stands in for it, and the process's own limit on the size
//! of files makes its writes fail; `scripts/test` says so in its summary.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::eventually;
use super::process::Process;

/// The folder of the database, below the gateway's own.
const FOLDER: &str = "disk";

/// Where it may be mounted: as anybody in a user namespace, or as root in a mount namespace alone.
const WAYS: [(&[&str], &[&str]); 2] = [
    (&["--user", "--map-root-user", "--mount"], &["--user", "--preserve-credentials", "--mount"]),
    (&["--mount"], &["--mount"]),
];

pub struct Disk {
    /// `None`: it is imitated.
    mounted: Option<Mounted>,
    folder: PathBuf,
}

struct Mounted {
    holder: Process,
    enter: &'static [&'static str],
}

impl Disk {
    /// A disk of `size` (as `8m`) below a gateway's folder.
    pub fn below(folder: &Path, size: &str) -> Self {
        let folder = folder.join(FOLDER);
        std::fs::create_dir(&folder).expect("a folder");
        let mount = format!("mount -t tmpfs -o size={size} tagrelay-test '{}'", folder.display());
        let tried = WAYS.into_iter().find(|(leave, _)| {
            let tried = Command::new("unshare").args(*leave).args(["sh", "-c", &mount]).stderr(Stdio::null()).status();
            tried.is_ok_and(|status| status.success())
        });
        let Some((leave, enter)) = tried else { return Self { mounted: None, folder } };
        let held = format!("{mount} && exec sleep 86400");
        let holder = Process::start(Command::new("unshare").args(leave).args(["sh", "-c", &held]));
        let this = Self { mounted: Some(Mounted { holder, enter }), folder };
        eventually("the disk", || this.does("mountpoint -q .").then_some(()));
        this
    }

    /// Where the gateway's database is.
    pub fn database_url(&self) -> String {
        format!("sqlite://{}/tagrelay.db", self.folder.display())
    }

    /// The shell line with which a process goes where the disk is.
    pub fn entry(&self) -> String {
        let Some(Mounted { holder, enter }) = &self.mounted else { return String::new() };
        let (id, enter) = (holder.id(), enter.join(" "));
        let home = self.folder.parent().expect("it is below the gateway's folder").display();
        // Whoever changes over is at the root: the gateway's folder is entered anew.
        format!("exec nsenter --target {id} {enter} sh -c 'cd {home} && exec \"$0\" \"$@\"' \"$0\" \"$@\"")
    }

    /// Runs a shell line in the disk's folder; whether it succeeded.
    fn does(&self, line: &str) -> bool {
        let Some(Mounted { holder, enter }) = &self.mounted else { return false };
        let line = format!("cd '{}' && {line}", self.folder.display());
        let mut command = Command::new("nsenter");
        command.args(["--target", &holder.id().to_string()]).args(*enter).args(["sh", "-c", &line]);
        command.stderr(Stdio::null()).status().expect("util-linux has nsenter").success()
    }

    /// Another file takes all the room that there is, or all but so many MiB of `of` for `process`.
    pub fn fill(&self, process: &Process, leave: Option<(u32, u32)>) {
        match (&self.mounted, leave) {
            (None, None) => process.limit_files("0"),
            (None, Some((left, _))) => process.limit_files(&(u64::from(left) << 20).to_string()),
            (Some(_), None) => assert!(!self.does("cat /dev/zero > other-file"), "it is full"),
            (Some(_), Some((left, of))) => {
                assert!(self.does(&format!("head -c {}M /dev/zero > other-file", of - left)));
            }
        }
    }

    /// There is room again, for `process` too where it still runs.
    pub fn free(&self, process: Option<&Process>) {
        match (&self.mounted, process) {
            (None, Some(process)) => process.limit_files("unlimited"),
            // A limit goes with the process that it is of.
            (None, None) => {}
            (Some(_), _) => assert!(self.does("rm other-file")),
        }
    }

    /// Nothing in it can be written any more. A disk that breaks asks nobody; a healthy one refuses to become read-only while files
    /// are open for writing. So it is laid over its own folder read-only, where all that is opened from now on is refused, and
    /// what `process` has open already is cut off by its limit on the size of files: SQLite takes both alike.
    pub fn make_read_only(&self, process: &Process) {
        if self.mounted.is_some() {
            assert!(self.does("mount --bind . . && mount -o remount,bind,ro \"$PWD\""), "laid over");
            assert!(!self.does("touch new"), "it is read-only");
        }
        process.limit_files("0");
    }

    pub fn make_writable(&self, process: &Process) {
        process.limit_files("unlimited");
        if self.mounted.is_some() {
            assert!(self.does("mount -o remount,bind,rw \"$PWD\""));
            assert!(self.does("touch new && rm new"));
        }
    }
}
