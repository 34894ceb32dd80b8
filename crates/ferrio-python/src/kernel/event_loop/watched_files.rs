//! The objects by whose `fileno()` descriptors are watched. They are kept as `selectors` keeps them: nobody closes a
//! watched socket by dropping it, and one that was closed, which no longer tells its descriptor, can still be removed.

use std::collections::HashMap;
use std::os::fd::RawFd;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyInt;

use super::Loop;
use super::watching::fileno;

/// The object of each descriptor that is watched by an object.
pub type WatchedFiles = HashMap<RawFd, Py<PyAny>>;

impl Loop {
    /// Keeps the object by which the descriptor is going to be watched.
    pub fn keep_file(&self, fd: RawFd, file: &Bound<'_, PyAny>) {
        if !file.is_instance_of::<PyInt>() {
            let file_object = file.clone().unbind();
            let old = self
                .watched_files
                .with(file.py(), |files| files.insert(fd, file_object));
            drop(old);
        }
    }

    /// Gives up the descriptor's object unless the descriptor is watched.
    pub fn forget_file(&self, py: Python<'_>, fd: RawFd) {
        if self.watched_files.with(py, |files| files.is_empty()) {
            return;
        }
        let watched = self.core(py, |core| {
            core.reader(fd).is_some() || core.writer(fd).is_some()
        });
        if !watched {
            let old = self.watched_files.with(py, |files| files.remove(&fd));
            drop(old);
        }
    }

    /// The object by which the descriptor is watched, if that is not its number.
    pub fn file_of(&self, py: Python<'_>, fd: RawFd) -> Option<Py<PyAny>> {
        self.watched_files.get_ref(py, |files| files.get(&fd))
    }

    /// The descriptor that is watched by this `int` or object, which may have been closed meanwhile.
    pub fn watched_fd(&self, file: &Bound<'_, PyAny>) -> PyResult<RawFd> {
        let py = file.py();
        fileno(file).or_else(|error| {
            let known = self.watched_files.with(py, |files| {
                let entry = files.iter().find(|(_fd, kept)| kept.is(file));
                entry.map(|(fd, _kept)| *fd)
            });
            known
                .filter(|_| error.is_instance_of::<PyValueError>(py))
                .ok_or(error)
        })
    }
}
