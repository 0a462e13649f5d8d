//! The directory that this process works with. Replaced whole, read without waiting.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use tiffin_shared::directory::Directory;

/// The directory of the moment.
pub struct Directories(RwLock<Arc<Directory>>);

impl Directories {
    /// To begin with.
    pub fn new(directory: Directory) -> Self {
        Self(RwLock::new(Arc::new(directory)))
    }

    /// As it stands. Hold it no longer than one request.
    pub fn current(&self) -> Arc<Directory> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From here on this one. True when it differs from the one before.
    pub fn replace(&self, directory: Directory) -> bool {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if **current == directory {
            return false;
        }
        *current = Arc::new(directory);
        true
    }
}
