//! The file objects by whose `fileno()` descriptors are watched.
//!
//! The loop keeps references to them, as `selectors` does. So a watched socket is not closed by dropping it, and one that
//! was closed, whose `fileno()` is -1, can still be removed.

use std::collections::HashMap;
use std::os::fd::RawFd;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyInt;

use super::Loop;
use super::watching::fileno;

/// File objects by the descriptors that are watched through them.
pub type WatchedFiles = HashMap<RawFd, Py<PyAny>>;

impl Loop {
    /// Keeps the file object through which the descriptor is going to be watched.
    pub fn keep_file(&self, fd: RawFd, file: &Bound<'_, PyAny>) {
        if !file.is_instance_of::<PyInt>() {
            let file_object = file.clone().unbind();
            let old = self
                .watched_files
                .with(file.py(), |files| files.insert(fd, file_object));
            drop(old);
        }
    }

    /// Drops the descriptor's file object unless the descriptor is still watched.
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

    /// Returns the file object through which the descriptor is watched, unless that is its number.
    pub fn file_of(&self, py: Python<'_>, fd: RawFd) -> Option<Py<PyAny>> {
        self.watched_files.get_ref(py, |files| files.get(&fd))
    }

    /// Returns the descriptor of an `int` or a file object. A file object that is watched may have been closed meanwhile.
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
