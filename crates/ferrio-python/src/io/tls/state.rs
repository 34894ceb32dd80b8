//! The states, limits and flags of a TLS connection.

use ferrio::engine::WriteBuffer;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::TlsTransport;
use super::underlying::Underlying;
use crate::io::outgoing::Chunk;

/// The state of the TLS connection: asyncio's `SSLProtocolState`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// There is no TLS connection, or no longer.
    Unwrapped,
    /// The handshake is going on.
    Handshake,
    /// Data is exchanged.
    Wrapped,
    /// The application or the peer has closed the connection. Data that was received before is delivered.
    Flushing,
    /// `close_notify` is being exchanged.
    Shutdown,
}

impl Stage {
    /// Returns the name of the member of asyncio's enumeration.
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

/// Which methods of the application's protocol were called last: asyncio's `AppProtocolState`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppStage {
    /// No method was called.
    Init,
    /// `connection_made` was called.
    ConnectionMade,
    /// `eof_received` was called.
    EofReceived,
    /// `connection_lost` was called or scheduled.
    ConnectionLost,
}

/// How the application's protocol receives plaintext.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// By `data_received`.
    Bytes,
    /// By `get_buffer` and `buffer_updated`.
    Buffer,
}

/// The application's transport.
pub enum AppTransport {
    /// Not made yet, since nothing has asked for it.
    Unmade,
    /// The transport that was made.
    Made(Py<TlsTransport>),
    /// Dropped, since the connection is lost.
    Gone,
}

/// Limits of flow control in bytes. Pausing begins when `high` is reached, not when it is exceeded.
#[derive(Clone, Copy)]
pub struct Limits {
    pub low: usize,
    pub high: usize,
}

impl Limits {
    /// Computes the limits from the arguments of `set_…_buffer_limits`, as asyncio does.
    pub fn new(high: Option<i64>, low: Option<i64>, default: usize) -> PyResult<Self> {
        let default = i64::try_from(default).unwrap_or(i64::MAX);
        let hi = high.unwrap_or_else(|| low.map_or(default, |low| low.saturating_mul(4)));
        let lo = low.unwrap_or(hi.div_euclid(4));
        if hi < lo || lo < 0 {
            return Err(PyValueError::new_err(format!(
                "high ({}) must be >= low ({}) must be >= 0",
                high.unwrap_or(hi),
                low.unwrap_or(lo)
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

/// The state of the way from the network to the application.
pub struct Reading {
    /// Whether the application has called `pause_reading`.
    pub app_paused: bool,
    /// Whether the underlying transport is paused, because too much ciphertext has arrived.
    pub ssl_paused: bool,
    /// Whether the underlying transport has received the end of the stream.
    pub eof: bool,
    pub limits: Limits,
}

/// The state of the way from the application to the network.
pub struct Writing {
    /// Whether `pause_writing` of the application's protocol was called.
    pub app_paused: bool,
    /// Whether the underlying transport has called `pause_writing` of this protocol.
    pub ssl_paused: bool,
    /// Whether the backlog is going to be encrypted at the end of the iteration.
    pub queued: bool,
    pub limits: Limits,
    /// Plaintext that waits to be encrypted.
    pub backlog: WriteBuffer<Chunk>,
}

/// The interior state of a TLS connection.
pub struct State {
    pub stage: Stage,
    pub app_stage: AppStage,
    pub delivery: Delivery,
    pub underlying: Option<Underlying>,
    pub app_protocol: Option<Py<PyAny>>,
    pub app_transport: AppTransport,
    /// The future to finish when the handshake is over.
    pub waiter: Option<Py<PyAny>>,
    pub extra: Py<PyDict>,
    pub reading: Reading,
    pub writing: Writing,
    /// Whether a call further up the stack is encrypting the backlog.
    pub encrypting: bool,
    pub handshake_timer: Option<Py<PyAny>>,
    pub shutdown_timer: Option<Py<PyAny>>,
    /// The loop's time when the handshake began, in debug mode.
    pub handshake_start: Option<f64>,
    /// The number of writes after the connection was lost, plus one for the loss: asyncio's `_conn_lost`.
    pub lost_writes: u32,
    /// The buffer that a foreign transport reads into.
    pub ssl_buffer: Option<Py<PyAny>>,
}

impl State {
    pub fn new(app_stage: AppStage, waiter: Option<Py<PyAny>>, extra: Py<PyDict>) -> Self {
        Self {
            stage: Stage::Unwrapped,
            app_stage,
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
