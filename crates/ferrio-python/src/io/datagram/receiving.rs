//! Receiving datagrams.
//!
//! asyncio receives one datagram each time the loop finds the socket readable. Here, one such wake-up delivers up to
//! [`MAX_BATCH`] of them, but asks the kernel for a batch only while several are likely to be there: see [`Expectation`].

use ferrio::engine::{MAX_BATCH, ReceiveBatch};
use pyo3::exceptions::PyOSError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::{Arrived, DatagramTransport};
use crate::base::errors::{is_would_block, leaves_the_loop, os_error, would_block};
use crate::cpython;
use crate::io::address::{Family, decode};
use crate::io::connection::{Transport, TransportPhase};
use crate::kernel::event_loop::{Action, Callback, Direction, Loop, READ_SIZE};

static READABLE: Action = Action::of("reading from", |object| {
    DatagramTransport::on_readable(object.cast()?)
});

/// How many datagrams the next wake-up is likely to find.
///
/// Receiving a batch costs 0.25 µs more than receiving one datagram, and many requests arrive alone. So a transport
/// receives one at a time, and now and then tries a batch. After a batch of several it goes on with batches, until one of
/// them brings only one datagram.
#[derive(Clone, Copy)]
pub enum Expectation {
    /// One. A batch is tried after this many more wake-ups.
    One(u8),
    /// Several.
    Many,
}

/// The number of wake-ups that receive one datagram between two that try a batch.
const PATIENCE: u8 = 7;

impl Default for Expectation {
    fn default() -> Self {
        Self::One(PATIENCE)
    }
}

impl Expectation {
    /// Returns how many datagrams to ask for.
    fn limit(self) -> usize {
        match self {
            Self::One(1..) => 1,
            Self::One(0) | Self::Many => MAX_BATCH,
        }
    }

    /// Returns the next expectation, after asking for [`Self::limit`] datagrams has brought `received`.
    fn learn(self, received: usize) -> Self {
        match self {
            Self::One(left @ 1..) => Self::One(left - 1),
            _ if received > 1 => Self::Many,
            _ => Self::One(PATIENCE),
        }
    }
}

impl DatagramTransport {
    /// Receives and delivers. The loop calls this when the socket is readable.
    pub fn on_readable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.is_reading(py) {
            return Ok(());
        }
        if me.state.with(py, |state| !state.undelivered.is_empty()) {
            return Self::deliver_undelivered(slf);
        }
        if me.family == Family::Other {
            return Self::receive_by_method(slf);
        }
        let event_loop = me.event_loop.get();
        let mut batch = event_loop
            .receive_buffers(py, Option::take)
            .unwrap_or_else(|| ReceiveBatch::new(READ_SIZE));
        let outcome = Self::receive(slf, &mut batch);
        let spare = event_loop.receive_buffers(py, |buffers| buffers.replace(batch));
        drop(spare);
        outcome
    }

    fn receive(slf: &Bound<'_, Self>, batch: &mut ReceiveBatch) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let expectation = me.state.with(py, |state| state.expectation);
        let received =
            cpython::borrow_fd(me.fd).and_then(|fd| batch.receive(fd, expectation.limit()));
        let error = match received {
            Ok(count) => {
                me.state
                    .with(py, |state| state.expectation = expectation.learn(count));
                Self::deliver_batch(slf, batch)?;
                batch.take_error()
            }
            Err(error) => Some(error),
        };
        match error {
            Some(error) if !would_block(&error) => {
                Self::in_receiving_context(slf, || me.report_to_protocol(&os_error(py, &error), py))
            }
            _ => Ok(()),
        }
    }

    fn deliver_batch(slf: &Bound<'_, Self>, batch: &ReceiveBatch) -> PyResult<()> {
        let py = slf.py();
        let mut datagrams = batch.datagrams();
        while let Some((data, sender)) = datagrams.next() {
            let data = PyBytes::new(py, data);
            let outcome = match Self::receiver(slf) {
                Some(protocol) => Self::deliver(slf, &protocol, data, decode(py, sender)?),
                // A callback has closed the transport. As in asyncio, the datagrams that are left are lost.
                None if slf.get().phase(py) != TransportPhase::Open => return Ok(()),
                // A callback has paused reading.
                None => {
                    Self::keep(slf, [(data.unbind(), decode(py, sender)?.unbind())]);
                    Ok(())
                }
            };
            if outcome.is_err() {
                // The rest is delivered in the next iteration, as if it had been received there.
                let rest = datagrams
                    .map(|(data, sender)| {
                        Ok((
                            PyBytes::new(py, data).unbind(),
                            decode(py, sender)?.unbind(),
                        ))
                    })
                    .collect::<PyResult<Vec<_>>>()?;
                Self::keep(slf, rest);
                return outcome;
            }
        }
        Ok(())
    }

    /// Returns the protocol, if the transport is reading.
    fn receiver<'py>(slf: &Bound<'py, Self>) -> Option<Bound<'py, PyAny>> {
        let py = slf.py();
        let me = slf.get();
        me.is_reading(py).then(|| me.protocol(py)).flatten()
    }

    fn deliver<'py>(
        slf: &Bound<'py, Self>,
        protocol: &Bound<'py, PyAny>,
        data: Bound<'py, PyBytes>,
        sender: Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let py = slf.py();
        Self::in_receiving_context(slf, || {
            let name = intern!(py, "datagram_received");
            cpython::call_method(protocol, name, [&data, &sender])
        })
    }

    fn in_receiving_context(
        slf: &Bound<'_, Self>,
        f: impl FnOnce() -> PyResult<()>,
    ) -> PyResult<()> {
        let py = slf.py();
        let context = slf
            .get()
            .state
            .with(py, |state| state.receiving_context.clone_ref(py));
        cpython::in_context(context.bind(py), f)
    }

    /// Keeps datagrams for the next iteration, or until reading is resumed.
    fn keep(slf: &Bound<'_, Self>, arrived: impl IntoIterator<Item = Arrived>) {
        let py = slf.py();
        slf.get()
            .state
            .with(py, |state| state.undelivered.extend(arrived));
        Self::deliver_soon(slf);
    }

    /// Has the loop deliver kept datagrams, which the kernel does not report again.
    fn deliver_soon(slf: &Bound<'_, Self>) {
        let py = slf.py();
        let me = slf.get();
        if me.state.with(py, |state| !state.undelivered.is_empty()) {
            let callback = Callback::action(&READABLE, slf);
            me.event_loop.get().push(py, callback);
        }
    }

    fn deliver_undelivered(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        while let Some(protocol) = Self::receiver(slf) {
            let Some((data, sender)) = me.state.with(py, |state| state.undelivered.pop_front())
            else {
                break;
            };
            let delivered =
                Self::deliver(slf, &protocol, data.into_bound(py), sender.into_bound(py));
            if delivered.is_err() {
                Self::deliver_soon(slf);
                return delivered;
            }
        }
        Ok(())
    }

    /// Receives one datagram by the Python socket's own method.
    fn receive_by_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let (Some(sock), Some(protocol)) = (me.file(py), me.protocol(py)) else {
            return Ok(());
        };
        Self::in_receiving_context(slf, || {
            match sock.call_method1(intern!(py, "recvfrom"), (READ_SIZE,)) {
                Ok(pair) => {
                    let args = pair.cast_into::<PyTuple>()?;
                    protocol
                        .call_method1(intern!(py, "datagram_received"), args)
                        .map(drop)
                }
                Err(error) if is_would_block(py, &error) => Ok(()),
                Err(error) if error.is_instance_of::<PyOSError>(py) => {
                    me.report_to_protocol(&error, py)
                }
                Err(error) if leaves_the_loop(py, &error) => Err(error),
                Err(error) => Self::fail(slf, &error, "Fatal read error on datagram transport"),
            }
        })
    }

    /// Has the loop watch for datagrams, unless the transport is paused or closing.
    pub(super) fn watch_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.is_reading(py) {
            return Ok(());
        }
        let callback = Callback::action(&READABLE, slf);
        me.event_loop
            .get()
            .watch(py, me.fd, Direction::Read, callback)
    }
}

#[pymethods]
impl DatagramTransport {
    /// Stop calling datagram_received() until resume_reading(). Does nothing if paused or closing.
    ///
    /// What arrives meanwhile waits in the kernel, which drops what does not fit.
    fn pause_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.is_reading(py) {
            return Ok(());
        }
        me.state.with(py, |state| state.paused = true);
        me.stop_watching(py, Direction::Read)?;
        Self::log(slf, "debug", "%r pauses reading")
    }

    /// Go on after pause_reading(). Does nothing if not paused or if closing.
    fn resume_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let resumed = me.state.with(py, |state| {
            state.connection.phase == TransportPhase::Open && std::mem::take(&mut state.paused)
        });
        if !resumed {
            return Ok(());
        }
        // asyncio registers a new handle, which runs in a copy of the current context.
        let context = cpython::copy_context(py)?;
        let old = me.state.with(py, |state| {
            std::mem::replace(&mut state.receiving_context, context)
        });
        drop(old);
        Self::deliver_soon(slf);
        Self::watch_reading(slf)?;
        Self::log(slf, "debug", "%r resumes reading")
    }
}

#[pymethods]
impl Loop {
    #[pyo3(name = "_make_datagram_transport", signature = (sock, protocol, address = None, waiter = None, extra = None))]
    fn make_datagram_transport<'py>(
        slf: &Bound<'py, Self>,
        sock: Bound<'py, PyAny>,
        protocol: Bound<'py, PyAny>,
        address: Option<Bound<'py, PyAny>>,
        waiter: Option<Bound<'py, PyAny>>,
        extra: Option<Bound<'py, pyo3::types::PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        DatagramTransport::open(slf, sock, protocol, address, waiter, extra)
    }
}
