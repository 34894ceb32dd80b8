//! Subprocesses: `SubprocessTransport` (CPython: `asyncio.base_subprocess.BaseSubprocessTransport`).
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`SubprocessTransport`] |
//! | `starting` | `subprocess.Popen`, then the pipes |
//! | `pipes` | `PipeProtocol`, between each pipe's transport and the process's protocol |
//! | `exit` | noticing that the process has exited, and its exit code |
//! | `closing` | signals, `close`, `connection_lost` |
//! | `running_version` | what the running Python's patch release does |
//! | `loop_methods` | the loop's method that makes one |
//!
//! `subprocess.Popen` starts the process, with whatever arguments the user gave. Nothing here waits for a process
//! that it has not started, or handles SIGCHLD: each process has a descriptor of its own (`pidfd_open(2)`), which the
//! loop watches, so any number of loops in any threads can have processes; where there is none, a thread waits.

mod class;
mod closing;
mod exit;
mod loop_methods;
mod pipes;
mod running_version;
mod starting;

pub use self::class::SubprocessTransport;
use self::class::{Calls, ProcessPhase, State, Stream};
pub use self::pipes::PipeProtocol;
pub use self::starting::Command;
