//! The states, limits and flags of a TLS connection.

use ferrio::WriteBuffer;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::TlsTransport;
use super::underlying::Underlying;
use crate::io::outgoing::Chunk;

/// How far the TLS connection is: asyncio's `SSLProtocolState`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// There is none, or no longer.
    Unwrapped,
    /// The handshake is under way.
    Handshake,
    /// Data flows.
    Wrapped,
    /// The application has closed it, or the peer: what has arrived is still delivered.
    Flushing,
    /// `close_notify` is being exchanged.
    Shutdown,
}

impl Stage {
    /// As asyncio's error message names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unwrapped => "UNWRAPPED",
            Self::Handshake => "DO_HANDSHAKE",
            Self::Wrapped => "WRAPPED",
            Self::Flushing => "FLUSHING",
            Self::Shutdown => "SHUTDOWN",
        }
    }

    /// Raises `RuntimeError` unless `next` may follow.
    pub fn check(self, next: Self) -> PyResult<()> {
        let allowed = matches!(
            (self, next),
            (_, Self::Unwrapped)
                | (Self::Unwrapped, Self::Handshake)
                | (Self::Handshake, Self::Wrapped)
                | (Self::Wrapped, Self::Flushing)
                | (Self::Flushing, Self::Shutdown)
        );
        if allowed {
            return Ok(());
        }
        Err(PyRuntimeError::new_err(format!(
            "cannot switch state from SSLProtocolState.{} to SSLProtocolState.{}",
            self.name(),
            next.name()
        )))
    }
}

/// What the application's protocol has been told: asyncio's `AppProtocolState`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// `connection_made`.
    Made,
    /// `eof_received`.
    Eof,
    /// `connection_lost`.
    Lost,
}

/// How the application's protocol takes plaintext.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// `data_received`.
    Bytes,
    /// `get_buffer` and `buffer_updated`.
    Buffer,
}

/// The application's transport.
pub enum AppTransport {
    /// Not asked for yet.
    Unmade,
    /// This one.
    Made(Py<TlsTransport>),
    /// The connection is lost.
    Gone,
}

/// Water marks in bytes. The high one is reached, not exceeded.
#[derive(Clone, Copy)]
pub struct Limits {
    pub low: usize,
    pub high: usize,
}

impl Limits {
    /// What asyncio makes of the arguments of `set_…_buffer_limits`.
    pub fn new(high: Option<i64>, low: Option<i64>, default: usize) -> PyResult<Self> {
        let default = i64::try_from(default).unwrap_or(i64::MAX);
        let hi = high.unwrap_or_else(|| low.map_or(default, |low| low.saturating_mul(4)));
        let lo = low.unwrap_or(hi.div_euclid(4));
        if hi < lo || lo < 0 {
            let shown = |given: Option<i64>, used| given.unwrap_or(used);
            return Err(PyValueError::new_err(format!(
                "high ({}) must be >= low ({}) must be >= 0",
                shown(high, hi),
                shown(low, lo)
            )));
        }
        Ok(Self {
            low: usize::try_from(lo).unwrap_or(0),
            high: usize::try_from(hi).unwrap_or(0),
        })
    }
}

/// `constants.FLOW_CONTROL_HIGH_WATER_SSL_READ`, in bytes.
pub const READ_HIGH: usize = 256 * 1024;
/// `constants.FLOW_CONTROL_HIGH_WATER_SSL_WRITE`, in bytes.
pub const WRITE_HIGH: usize = 512 * 1024;

/// The way from the network to the application.
pub struct Reading {
    /// The application has called `pause_reading`.
    pub app_paused: bool,
    /// The underlying transport is paused, since too much ciphertext has arrived.
    pub ssl_paused: bool,
    /// The underlying transport has received the end of the stream.
    pub eof: bool,
    pub limits: Limits,
}

/// The way from the application to the network.
pub struct Writing {
    /// The application was told to pause.
    pub app_paused: bool,
    /// The underlying transport has told to pause.
    pub ssl_paused: bool,
    /// The backlog is encrypted at the end of the iteration.
    pub queued: bool,
    pub limits: Limits,
    /// Plaintext.
    pub backlog: WriteBuffer<Chunk>,
}

/// What changes in the life of a TLS connection.
pub struct State {
    pub stage: Stage,
    pub told: Told,
    pub delivery: Delivery,
    pub underlying: Option<Underlying>,
    pub app_protocol: Option<Py<PyAny>>,
    pub app_transport: AppTransport,
    /// A future to finish when the handshake is over.
    pub waiter: Option<Py<PyAny>>,
    pub extra: Py<PyDict>,
    pub reading: Reading,
    pub writing: Writing,
    /// What the backlog is being encrypted by, further up the stack.
    pub encrypting: bool,
    pub handshake_timer: Option<Py<PyAny>>,
    pub shutdown_timer: Option<Py<PyAny>>,
    /// When the handshake began, in debug mode.
    pub handshake_start: Option<f64>,
    /// asyncio's `_conn_lost`: how often the connection was lost or written to too late.
    pub lost_writes: u32,
    /// What a foreign transport reads into.
    pub ssl_buffer: Option<Py<PyAny>>,
}

impl State {
    pub fn new(told: Told, waiter: Option<Py<PyAny>>, extra: Py<PyDict>) -> Self {
        Self {
            stage: Stage::Unwrapped,
            told,
            delivery: Delivery::Bytes,
            underlying: None,
            app_protocol: None,
            app_transport: AppTransport::Unmade,
            waiter,
            extra,
            reading: Reading {
                app_paused: false,
                ssl_paused: false,
                eof: false,
                limits: Limits {
                    low: READ_HIGH / 4,
                    high: READ_HIGH,
                },
            },
            writing: Writing {
                app_paused: false,
                ssl_paused: false,
                queued: false,
                limits: Limits {
                    low: WRITE_HIGH / 4,
                    high: WRITE_HIGH,
                },
                backlog: WriteBuffer::new(),
            },
            encrypting: false,
            handshake_timer: None,
            shutdown_timer: None,
            handshake_start: None,
            lost_writes: 0,
            ssl_buffer: None,
        }
    }
}
