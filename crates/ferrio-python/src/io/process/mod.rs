//! Subprocesses: `SubprocessTransport` (CPython: `asyncio.base_subprocess.BaseSubprocessTransport`).
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`SubprocessTransport`] |
//! | `starting` | `subprocess.Popen`, then the pipes |
//! | `pipes` | `PipeProtocol`, between the transport of each pipe and the protocol of the process |
//! | `exit` | noticing that the process has exited, and its exit code |
//! | `closing` | signals, `close`, `connection_lost` |
//! | `running_version` | behaviours that differ between releases of Python |
//! | `loop_methods` | the loop's method that starts a process |
//!
//! `subprocess.Popen` starts the process with the arguments of the program. The loop watches a descriptor of the process
//! (`pidfd_open(2)`); without one, a thread waits for the process. So nothing here waits for a process that it has not
//! started, SIGCHLD is not handled, and loops in any threads can have processes.

mod class;
mod closing;
mod exit;
mod loop_methods;
mod pipes;
mod running_version;
mod starting;

pub use self::class::SubprocessTransport;
use self::class::{ProcessPhase, ProtocolCalls, State, Stream};
pub use self::pipes::PipeProtocol;
pub use self::starting::Command;
