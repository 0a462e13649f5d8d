//! Values that must never be printed.

use zeroize::Zeroize;

/// A value without `Debug`, `Display` or `Serialize`, wiped from memory when dropped.
///
/// ```compile_fail
/// let key = tiffin_shared::secret::Secret::new([7u8; 32]);
/// println!("{key:?}");
/// ```
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that uses it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
