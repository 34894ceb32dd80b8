//! The methods that read: each takes bytes from the buffer if there are enough, and else waits for more.

use ferrio::engine::Search;
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyOverflowError, PyStopAsyncIteration, PyTypeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::overridden::{AwaitOverride, ReadAllByOverride};
use super::reader::StreamReader;
use crate::base::arguments::Omittable;
use crate::cpython::ByteView;
use crate::cpython::subclasses::has_own;
use crate::kernel::coroutine::{Body, Call, Step, Wait, body};
use crate::{base::imports, cpython};

/// The bytes that a method waits for.
enum Wanted {
    /// At least one byte, and at most this many.
    AtMost(usize),
    /// All bytes up to the end of the stream. Holds those that were read before.
    All(Vec<u8>),
    /// Exactly this many bytes.
    Exactly(usize),
    /// The bytes up to and including a separator.
    Until(Search),
    /// A line, which at the end of the stream may lack its newline.
    Line(Search),
    /// A line of the asynchronous iteration.
    Next(Search),
}

impl Wanted {
    /// Returns the name of the method in asyncio's error message.
    const fn method(&self) -> &'static str {
        match self {
            Self::AtMost(_) | Self::All(_) => "read",
            Self::Exactly(_) => "readexactly",
            Self::Until(_) | Self::Line(_) | Self::Next(_) => "readuntil",
        }
    }

    /// Returns the end of the wanted bytes in the buffer, if they are all there and not longer than the limit.
    #[inline]
    fn end(&mut self, bytes: &[u8], limit: usize) -> Option<usize> {
        match self {
            Self::AtMost(count) => (!bytes.is_empty()).then(|| bytes.len().min(*count)),
            Self::Exactly(count) => (bytes.len() >= *count).then_some(*count),
            Self::Until(search) | Self::Line(search) | Self::Next(search) => {
                let found = search.find(bytes)?;
                (found.start <= limit).then_some(found.end)
            }
            Self::All(_) => None,
        }
    }

    fn search(&mut self) -> Option<&mut Search> {
        match self {
            Self::Until(search) | Self::Line(search) | Self::Next(search) => Some(search),
            Self::AtMost(_) | Self::All(_) | Self::Exactly(_) => None,
        }
    }
}

/// Takes the wanted bytes or waits for them, as a step of a coroutine.
#[inline]
fn read(reader: &Bound<'_, StreamReader>, mut wanted: Wanted) -> PyResult<Step> {
    let py = reader.py();
    let me = reader.get();
    let outcome = check_exception(py, me).and_then(|()| try_take(py, me, &mut wanted));
    if let Some(result) = method_outcome(py, me, &wanted, outcome)? {
        return Ok(Step::Return(result));
    }
    let waiter = me.wait_for_data(py, wanted.method())?;
    let reader = reader.clone().unbind();
    Ok(Step::Wait(waiter, Box::new(Reading { reader, wanted })))
}

/// The rest of a method that reads, once more bytes have arrived.
struct Reading {
    reader: Py<StreamReader>,
    wanted: Wanted,
}

impl Wait for Reading {
    fn resume(mut self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let me = self.reader.get();
        me.forget_waiter(py);
        let outcome = outcome.and_then(|_| try_take(py, me, &mut self.wanted));
        match method_outcome(py, me, &self.wanted, outcome)? {
            Some(result) => Ok(Step::Return(result)),
            None => Ok(Step::Wait(
                me.wait_for_data(py, self.wanted.method())?,
                self,
            )),
        }
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.reader)
    }
}

/// Raises the exception that was set by `set_exception`.
#[inline]
fn check_exception(py: Python<'_>, reader: &StreamReader) -> PyResult<()> {
    if reader.state.with(py, |state| state.exception.is_none()) {
        return Ok(());
    }
    match reader.exception(py) {
        None => Ok(()),
        Some(exception) => Err(cpython::raise(exception.into_bound(py))),
    }
}

/// Takes the wanted bytes. Returns `None` if they are not there and may still arrive.
#[inline]
fn try_take(
    py: Python<'_>,
    reader: &StreamReader,
    wanted: &mut Wanted,
) -> PyResult<Option<Py<PyAny>>> {
    if let Wanted::All(read) = wanted {
        return take_all(py, reader, read);
    }
    if let Some(bytes) = reader.take(py, |bytes, limit| wanted.end(bytes, limit))? {
        reader.maybe_resume(py)?;
        return Ok(Some(bytes));
    }
    if let Some(search) = wanted.search() {
        check_limit(py, reader, search)?;
    }
    if !reader.state.with(py, |state| state.eof) {
        return Ok(None);
    }
    match wanted {
        Wanted::AtMost(_) => {
            reader.maybe_resume(py)?;
            Ok(Some(PyBytes::new(py, b"").into_any().unbind()))
        }
        Wanted::Exactly(count) => incomplete(py, reader, Some(*count)),
        _ => incomplete(py, reader, None),
    }
}

/// Converts the outcome of [`try_take`] to that of the method.
#[inline]
fn method_outcome(
    py: Python<'_>,
    reader: &StreamReader,
    wanted: &Wanted,
    outcome: PyResult<Option<Py<PyAny>>>,
) -> PyResult<Option<Py<PyAny>>> {
    match (wanted, outcome) {
        (Wanted::Line(_), Err(error)) => end_line(py, reader, error).map(Some),
        (Wanted::Next(_), Err(error)) => line_or_stop(py, end_line(py, reader, error)?).map(Some),
        (Wanted::Next(_), Ok(Some(line))) => line_or_stop(py, line).map(Some),
        (_, outcome) => outcome,
    }
}

/// Takes bytes until the end of the stream. If an exception is set, a coroutine that has waited takes up to `limit`
/// bytes before it raises the exception.
fn take_all(
    py: Python<'_>,
    reader: &StreamReader,
    read: &mut Vec<u8>,
) -> PyResult<Option<Py<PyAny>>> {
    let checked = check_exception(py, reader);
    let (limit, eof) = reader.state.with(py, |state| (state.limit, state.eof));
    let taken = reader.buffer(py, |buffer| {
        let most = if checked.is_ok() { usize::MAX } else { limit };
        let taken = buffer.len().min(most);
        read.extend_from_slice(&buffer.bytes()[..taken]);
        buffer.consume(taken);
        taken
    })?;
    reader.maybe_resume(py)?;
    if taken > 0 || !eof {
        checked?;
    }
    Ok(eof.then(|| PyBytes::new(py, read).into_any().unbind()))
}

/// Raises `LimitOverrunError` if more than `limit` bytes precede the separator, or the place where it could begin.
#[cold]
fn check_limit(py: Python<'_>, reader: &StreamReader, search: &mut Search) -> PyResult<()> {
    let limit = reader.state.with(py, |state| state.limit);
    match reader.buffer(py, |buffer| search.find(buffer.bytes()))? {
        Some(found) if found.start > limit => {
            let text = "Separator is found, but chunk is longer than limit";
            Err(limit_overrun(py, text, found.start))
        }
        None if search.offset() > limit => {
            let text = "Separator is not found, and chunk exceed the limit";
            Err(limit_overrun(py, text, search.offset()))
        }
        _ => Ok(()),
    }
}

/// Empties the buffer and raises `IncompleteReadError`.
#[cold]
fn incomplete(
    py: Python<'_>,
    reader: &StreamReader,
    expected: Option<usize>,
) -> PyResult<Option<Py<PyAny>>> {
    let partial = reader.take(py, |bytes, _| Some(bytes.len()))?;
    Err(cpython::raise_new(
        imports::incomplete_read_error(py),
        (partial, expected),
    ))
}

#[cold]
fn limit_overrun(py: Python<'_>, text: &str, consumed: usize) -> PyErr {
    cpython::raise_new(imports::limit_overrun_error(py), (text, consumed))
}

/// Handles an error of `readuntil` in `readline`: the rest at the end of the stream is a line, and a line that is too long is
/// dropped with a `ValueError`.
fn end_line(py: Python<'_>, reader: &StreamReader, error: PyErr) -> PyResult<Py<PyAny>> {
    let value = error.value(py);
    if value.is_instance(imports::incomplete_read_error(py)?)? {
        return Ok(value.getattr(intern!(py, "partial"))?.unbind());
    }
    if !value.is_instance(imports::limit_overrun_error(py)?)? {
        return Err(error);
    }
    cpython::handling(py, &error, || {
        let consumed: usize = value.getattr(intern!(py, "consumed"))?.extract()?;
        reader.buffer(py, |buffer| {
            if buffer.bytes().get(consumed) == Some(&b'\n') {
                buffer.consume(consumed + 1);
            } else {
                buffer.clear();
            }
        })?;
        reader.maybe_resume(py)?;
        let text = value.getattr(intern!(py, "args"))?.get_item(0)?.unbind();
        Err(PyValueError::new_err((text,)))
    })
}

/// Returns a line of the asynchronous iteration. Raises `StopAsyncIteration` after the last one.
fn line_or_stop(py: Python<'_>, line: Py<PyAny>) -> PyResult<Py<PyAny>> {
    if line.bind(py).eq(PyBytes::new(py, b""))? {
        return Err(PyStopAsyncIteration::new_err(()));
    }
    Ok(line)
}

/// Prepares the search for a separator, or for a tuple of them.
fn search(separator: &Bound<'_, PyAny>) -> PyResult<Search> {
    let py = separator.py();
    let views = match separator.cast::<PyTuple>() {
        Ok(separators) if separators.is_empty() => {
            let text = "Separator should contain at least one element";
            return Err(PyValueError::new_err(text));
        }
        Ok(separators) => separators
            .iter()
            .map(|separator| view(&separator))
            .collect::<PyResult<Vec<_>>>()?,
        Err(_) => vec![view(separator)?],
    };
    Search::new(views.iter().map(|view| view.bytes(py)))
        .ok_or_else(|| PyValueError::new_err("Separator should be at least one-byte string"))
}

fn view(separator: &Bound<'_, PyAny>) -> PyResult<ByteView> {
    ByteView::readable(separator).map_err(|_| {
        let name = separator.get_type().name();
        let name = name.map_or_else(|_| "object".to_owned(), |name| name.to_string());
        PyTypeError::new_err(format!(
            "argument should be integer or bytes-like object, not '{name}'"
        ))
    })
}

/// Converts a number of bytes. A number that is too large saturates.
#[inline]
fn size(count: &Bound<'_, PyAny>) -> PyResult<isize> {
    match count.extract::<isize>() {
        Err(error) if error.is_instance_of::<PyOverflowError>(count.py()) => {
            Ok(if count.lt(0)? { -1 } else { isize::MAX })
        }
        size => size,
    }
}

fn begin_read(reader: &Bound<'_, StreamReader>, count: Option<Py<PyAny>>) -> PyResult<Step> {
    let py = reader.py();
    check_exception(py, reader.get())?;
    let count = count.map_or(Ok(-1), |count| size(count.bind(py)))?;
    match usize::try_from(count) {
        Ok(0) => Ok(Step::Return(PyBytes::new(py, b"").into_any().unbind())),
        Ok(count) => read(reader, Wanted::AtMost(count)),
        Err(_) if has_own::<StreamReader>(reader, intern!(reader.py(), "read"))? => {
            ReadAllByOverride::begin(reader)
        }
        Err(_) => read(reader, Wanted::All(Vec::new())),
    }
}

fn begin_readexactly(reader: &Bound<'_, StreamReader>, count: Option<Py<PyAny>>) -> PyResult<Step> {
    let py = reader.py();
    let count = count.map_or(Ok(0), |count| size(count.bind(py)))?;
    let Ok(count) = usize::try_from(count) else {
        let text = "readexactly size can not be less than zero";
        return Err(PyValueError::new_err(text));
    };
    if count == 0 {
        check_exception(py, reader.get())?;
        return Ok(Step::Return(PyBytes::new(py, b"").into_any().unbind()));
    }
    read(reader, Wanted::Exactly(count))
}

fn begin_readuntil(
    reader: &Bound<'_, StreamReader>,
    separator: Option<Py<PyAny>>,
) -> PyResult<Step> {
    let py = reader.py();
    let search = match separator {
        None => Search::byte(b'\n'),
        Some(separator) => search(separator.bind(py))?,
    };
    read(reader, Wanted::Until(search))
}

fn begin_readline(reader: &Bound<'_, StreamReader>) -> PyResult<Step> {
    let py = reader.py();
    if has_own::<StreamReader>(reader, intern!(reader.py(), "readuntil"))? {
        let line = reader.call_method1(intern!(py, "readuntil"), (PyBytes::new(py, b"\n"),))?;
        return Ok(AwaitOverride::wait(reader, line, |py, reader, line| {
            line.or_else(|error| end_line(py, reader, error))
        }));
    }
    read(reader, Wanted::Line(Search::byte(b'\n')))
}

fn begin_next(reader: &Bound<'_, StreamReader>) -> PyResult<Step> {
    let py = reader.py();
    if has_own::<StreamReader>(reader, intern!(reader.py(), "readline"))?
        || has_own::<StreamReader>(reader, intern!(reader.py(), "readuntil"))?
    {
        let line = reader.call_method0(intern!(py, "readline"))?;
        return Ok(AwaitOverride::wait(reader, line, |py, _, line| {
            line_or_stop(py, line?)
        }));
    }
    read(reader, Wanted::Next(Search::byte(b'\n')))
}

impl StreamReader {
    pub const READ: Body = body!("StreamReader.read", |reader: StreamReader, count| {
        begin_read(reader, count)
    });
    pub const READEXACTLY: Body =
        body!("StreamReader.readexactly", |reader: StreamReader, count| {
            begin_readexactly(reader, count)
        });
    pub const READLINE: Body = body!("StreamReader.readline", |reader: StreamReader| {
        begin_readline(reader)
    });
    pub const READUNTIL: Body = body!(
        "StreamReader.readuntil",
        |reader: StreamReader, separator| begin_readuntil(reader, separator)
    );
    pub const NEXT: Body = body!("StreamReader.__anext__", |reader: StreamReader| begin_next(
        reader
    ));
}

#[pymethods]
impl StreamReader {
    /// Read up to n bytes, at least one unless the stream has ended. If n is negative, read to the end of the stream.
    #[pyo3(name = "read", signature = (n = Omittable(None)), text_signature = "($self, n=-1)")]
    fn read_some(slf: Py<Self>, n: Omittable) -> Call {
        Self::READ.call(slf.into_any(), n.0)
    }

    /// Read exactly n bytes.
    ///
    /// Raises IncompleteReadError if the stream ends before, with the bytes so far as its `partial`; ValueError if n is
    /// negative.
    fn readexactly(slf: Py<Self>, n: Py<PyAny>) -> Call {
        Self::READEXACTLY.call(slf.into_any(), Some(n))
    }

    /// Read a line, including its newline. At the end of the stream, return the rest.
    ///
    /// Raises ValueError, and drops the line, if it is longer than the reader's limit.
    fn readline(slf: Py<Self>) -> Call {
        Self::READLINE.call(slf.into_any(), None)
    }

    /// Read up to and including a separator, or the first of a tuple of separators.
    ///
    /// Raises IncompleteReadError if the stream ends before; LimitOverrunError, and leaves the data in the buffer, if more
    /// bytes than the reader's limit precede the separator; ValueError for an empty separator.
    #[pyo3(signature = (separator = Omittable(None)), text_signature = "($self, separator=b'\\n')")]
    fn readuntil(slf: Py<Self>, separator: Omittable) -> Call {
        Self::READUNTIL.call(slf.into_any(), separator.0)
    }

    #[pyo3(name = "_wait_for_data")]
    fn wait_for_more(slf: Py<Self>, func_name: Py<PyAny>) -> Call {
        struct Waited(Py<StreamReader>);

        impl Wait for Waited {
            fn resume(
                self: Box<Self>,
                py: Python<'_>,
                outcome: PyResult<Py<PyAny>>,
            ) -> PyResult<Step> {
                self.0.get().forget_waiter(py);
                outcome?;
                Ok(Step::none(py))
            }

            fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
                visit.call(&self.0)
            }
        }

        fn wait(reader: &Bound<'_, StreamReader>, method: Option<Py<PyAny>>) -> PyResult<Step> {
            let py = reader.py();
            let method = method.unwrap_or_else(|| py.None());
            let method = method.bind(py).str()?;
            let waiter = reader.get().wait_for_data(py, &method.to_cow()?)?;
            Ok(Step::Wait(
                waiter,
                Box::new(Waited(reader.clone().unbind())),
            ))
        }

        const WAIT: Body = body!(
            "StreamReader._wait_for_data",
            |reader: StreamReader, method| wait(reader, method)
        );
        WAIT.call(slf.into_any(), Some(func_name))
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(slf: Py<Self>) -> Call {
        Self::NEXT.call(slf.into_any(), None)
    }
}
