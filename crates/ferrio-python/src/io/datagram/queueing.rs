//! The queue of datagrams that the kernel has refused, and flow control.

use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;

use ferrio::engine::send_batch;
use pyo3::prelude::*;

use super::sending::{Destination, Outcome};
use super::{DatagramTransport, State};
use crate::base::errors::{os_error, would_block};
use crate::cpython;
use crate::io::connection::{Transport, TransportPhase};
use crate::io::outgoing::{Chunk, flow_control_methods};
use crate::kernel::event_loop::{Action, Callback, Direction};

static WRITABLE: Action = Action::of("writing to", |object| {
    DatagramTransport::on_writable(object.cast()?)
});

/// Datagrams that were taken out of the queue, to be dropped when the state is not borrowed.
type Taken = VecDeque<(Chunk, Destination)>;

/// The outcome of sending the head of the queue.
enum Progress {
    /// These datagrams were sent.
    Sent(Taken),
    /// This datagram cannot be sent.
    Failed(io::Error, Taken),
    /// This datagram has to be sent by a method of the Python socket.
    ByMethod(Taken),
    /// The kernel takes no more for now.
    Blocked,
    /// The queue is empty.
    Drained,
}

impl State {
    /// Sends as many datagrams as one system call takes.
    fn send_next(&mut self, fd: RawFd) -> Progress {
        let by_method = match self.queue.iter().next() {
            None => return Progress::Drained,
            Some((_, destination)) => !destination.is_native(),
        };
        if by_method {
            return Progress::ByMethod(self.queue.take(1));
        }
        let batch = self
            .queue
            .iter()
            .take_while(|(_, destination)| destination.is_native())
            .map(|(data, destination)| (data.as_ref(), destination.address()));
        match cpython::borrow_fd(fd).and_then(|fd| send_batch(fd, batch)) {
            Ok(sent) => Progress::Sent(self.queue.take(sent)),
            Err(error) if would_block(&error) => Progress::Blocked,
            Err(error) => Progress::Failed(error, self.queue.take(1)),
        }
    }
}

impl DatagramTransport {
    /// Sends queued datagrams. The loop calls this when the socket is writable again.
    pub fn on_writable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let context = me.state.get_ref(py, |state| {
            if state.connection.phase.is_lost() {
                return None;
            }
            state.sending_context.as_ref()
        });
        match context {
            Some(context) => cpython::in_context(context.bind(py), || Self::send_queue(slf)),
            None => Ok(()),
        }
    }

    fn send_queue(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        loop {
            match me.state.with(py, |state| state.send_next(me.fd)) {
                Progress::Sent(taken) => drop(taken),
                // As in asyncio, the rest is sent in the next iteration.
                Progress::Failed(error, taken) => {
                    drop(taken);
                    return me.report_to_protocol(&os_error(py, &error), py);
                }
                Progress::ByMethod(mut taken) => {
                    let Some((data, destination)) = taken.pop_front() else {
                        break;
                    };
                    match me.send_by_method(py, data.as_ref(), &destination) {
                        Ok(Outcome::Sent) => (),
                        Ok(Outcome::Refused) => {
                            me.state
                                .with(py, |state| state.queue.put_back(data, destination));
                            break;
                        }
                        Err(error) => return Self::send_failed(slf, error),
                    }
                }
                Progress::Blocked | Progress::Drained => break,
            }
        }
        // resume_writing may send again, or close.
        Self::maybe_resume_protocol(slf)?;
        let (phase, drained) = me
            .state
            .with(py, |state| (state.connection.phase, state.queue.is_empty()));
        if !drained || phase.is_lost() {
            return Ok(());
        }
        me.stop_watching(py, Direction::Write)?;
        let context = me.state.with(py, |state| {
            if phase == TransportPhase::Draining {
                state.connection.phase = TransportPhase::Lost;
            }
            state.sending_context.take()
        });
        drop(context);
        if phase == TransportPhase::Draining {
            return Self::lose_connection(slf, None);
        }
        Ok(())
    }

    /// Queues a datagram that the kernel has refused, or that follows a queued one.
    pub(super) fn queue(slf: &Bound<'_, Self>, data: Chunk, to: Destination) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let first = me.state.with(py, |state| {
            state.queue.push(data, to);
            state.sending_context.is_none()
        });
        if first {
            let context = cpython::copy_context(py)?;
            me.state
                .with(py, |state| state.sending_context = Some(context));
            let callback = Callback::action(&WRITABLE, slf);
            me.event_loop
                .get()
                .watch(py, me.fd, Direction::Write, callback)?;
        }
        Self::maybe_pause_protocol(slf)
    }

    pub(super) fn maybe_pause_protocol(slf: &Bound<'_, Self>) -> PyResult<()> {
        let grew = |state: &mut State| state.flow.grew(state.queue.size());
        if slf.get().state.with(slf.py(), grew) {
            Self::call_flow_method(slf, "pause_writing")
        } else {
            Ok(())
        }
    }

    pub(super) fn maybe_resume_protocol(slf: &Bound<'_, Self>) -> PyResult<()> {
        let shrank = |state: &mut State| state.flow.shrank(state.queue.size());
        if slf.get().state.with(slf.py(), shrank) {
            Self::call_flow_method(slf, "resume_writing")
        } else {
            Ok(())
        }
    }
}

flow_control_methods!(DatagramTransport);
