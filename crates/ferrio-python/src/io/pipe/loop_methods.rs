//! The loop's hooks by which asyncio's `connect_read_pipe` and `connect_write_pipe`, which are inherited, make transports.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{PipeArguments, ReadPipeTransport, WritePipeTransport};
use crate::kernel::event_loop::Loop;

#[pymethods]
impl Loop {
    #[pyo3(name = "_make_read_pipe_transport", signature = (pipe, protocol, waiter = None, extra = None))]
    fn make_read_pipe_transport<'py>(
        slf: &Bound<'py, Self>,
        pipe: Bound<'py, PyAny>,
        protocol: Bound<'py, PyAny>,
        waiter: Option<Bound<'py, PyAny>>,
        extra: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, ReadPipeTransport>> {
        let arguments = PipeArguments {
            file: pipe,
            protocol,
            waiter,
            extra,
        };
        ReadPipeTransport::open(slf, arguments)
    }

    #[pyo3(name = "_make_write_pipe_transport", signature = (pipe, protocol, waiter = None, extra = None))]
    fn make_write_pipe_transport<'py>(
        slf: &Bound<'py, Self>,
        pipe: Bound<'py, PyAny>,
        protocol: Bound<'py, PyAny>,
        waiter: Option<Bound<'py, PyAny>>,
        extra: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, WritePipeTransport>> {
        let arguments = PipeArguments {
            file: pipe,
            protocol,
            waiter,
            extra,
        };
        WritePipeTransport::open(slf, arguments)
    }
}
