//! The folder with the env files: one command at a time, and each file is either the old one or the new one.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io::ErrorKind;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;

/// Another command needs milliseconds; one that hangs must not hang this one too.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The folder, locked until dropped. The lock ends with the process, however that ends, and leaves no file behind.
pub struct Folder {
    path: PathBuf,
    locked: File,
}

impl Folder {
    /// Makes the folder where there is none, for its owner alone.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| path.display().to_string())?;
        Self::open(path)
    }

    /// Waits for other commands to end.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let locked = File::open(path).with_context(|| {
            format!("{}: name the folder with --dir, or make it with `tiffin keys make`", path.display())
        })?;
        let give_up_at = Instant::now() + LOCK_WAIT_MAX;
        loop {
            match locked.try_lock() {
                Ok(()) => return Ok(Self { path: path.to_owned(), locked }),
                Err(TryLockError::WouldBlock) if Instant::now() < give_up_at => sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => {
                    anyhow::bail!("{}: another `tiffin keys` is at work there", path.display())
                }
                Err(TryLockError::Error(error)) => return Err(error).context(path.display().to_string()),
            }
        }
    }

    /// The file's place, for people.
    pub fn place(&self, file: &str) -> String {
        self.path.join(file).display().to_string()
    }

    /// Whether the file is there.
    pub fn has(&self, file: &str) -> bool {
        self.path.join(file).exists()
    }

    /// The file's text.
    pub fn read(&self, file: &str) -> anyhow::Result<String> {
        fs::read_to_string(self.path.join(file)).with_context(|| self.place(file))
    }

    /// Replaces the file, or makes it: readable by its owner alone, and on the disk when this returns.
    pub fn write(&self, file: &str, text: &str) -> anyhow::Result<()> {
        self.replace(file, text).with_context(|| self.place(file))
    }

    fn replace(&self, file: &str, text: &str) -> std::io::Result<()> {
        let (path, fresh) = (self.path.join(file), self.path.join(format!(".{file}.new")));
        // What a command left that was killed: nobody else writes here while we hold the lock.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        if let Ok(old) = fs::metadata(&path) {
            // Root may rotate the keys of a service that runs as another user.
            let new = out.metadata()?;
            if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                std::os::unix::fs::fchown(&out, Some(old.uid()), Some(old.gid()))?;
            }
        }
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&fresh, &path)?;
        self.locked.sync_all()
    }
}
