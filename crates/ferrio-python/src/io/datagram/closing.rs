//! How a datagram transport closes, where that differs from other transports (`crate::io::connection`).

use pyo3::prelude::*;

use super::DatagramTransport;
use crate::base::imports;
use crate::io::connection::{SelectorTransport, Transport, TransportRepr, transport_accessors};

impl Transport for DatagramTransport {
    transport_accessors!();

    fn describe(&self, py: Python<'_>) -> String {
        let (phase, queued) = self
            .state
            .with(py, |state| (state.connection.phase, state.queue.size()));
        let repr = TransportRepr {
            class: "DatagramTransport",
            phase,
            fd: self.fd,
            paused: false,
            buffered: queued,
        };
        repr.describe(py, self.event_loop.get())
    }

    fn warning_function(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
        imports::warn_of_transport(py)
    }

    fn discard(&self, py: Python<'_>) {
        let dropped = self.state.with(py, |state| {
            (
                state.queue.take_all(),
                std::mem::take(&mut state.undelivered),
                state.sending_context.take(),
            )
        });
        drop(dropped);
    }

    fn unregister(slf: &Bound<'_, Self>) {
        let me = slf.get();
        me.event_loop.get().forget_transport(me.fd, slf);
    }
}

impl SelectorTransport for DatagramTransport {
    fn is_paused(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.paused)
    }

    fn has_unsent(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| !state.queue.is_empty())
    }

    fn lost_writes(&self, py: Python<'_>) -> u32 {
        self.state.with(py, |state| state.lost_writes)
    }

    fn discard_received(&self, py: Python<'_>) {
        let undelivered = self
            .state
            .with(py, |state| std::mem::take(&mut state.undelivered));
        drop(undelivered);
    }
}
