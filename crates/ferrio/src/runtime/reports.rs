//! What goes wrong and concerns nobody who waits: reports, and the handler that gets them.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::task::TaskRef;

use super::event_loop::Inner;

/// A function that gets all reports of a loop; asyncio's exception handler.
pub type Handler = dyn Fn(&Report<'_>);

/// Something that has gone wrong, of which nobody else will hear; the context of asyncio's exception handlers.
#[derive(Debug)]
pub struct Report<'a> {
    message: &'a str,
    task: Option<&'a TaskRef>,
    error: Option<&'a (dyn Error + 'static)>,
}

impl<'a> Report<'a> {
    /// Makes a report of a message.
    pub const fn new(message: &'a str) -> Report<'a> {
        Report {
            message,
            task: None,
            error: None,
        }
    }

    /// Says which task it concerns.
    #[must_use]
    pub const fn task(mut self, task: &'a TaskRef) -> Report<'a> {
        self.task = Some(task);
        self
    }

    /// Says which error has caused it.
    #[must_use]
    pub const fn error(mut self, error: Option<&'a (dyn Error + 'static)>) -> Report<'a> {
        self.error = error;
        self
    }

    /// Returns what has happened.
    pub const fn message(&self) -> &str {
        self.message
    }

    /// Returns the task that it concerns.
    pub const fn get_task(&self) -> Option<&'a TaskRef> {
        self.task
    }

    /// Returns the error that has caused it.
    pub const fn get_error(&self) -> Option<&'a (dyn Error + 'static)> {
        self.error
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)?;
        if let Some(task) = self.task {
            write!(f, "\ntask: {task:?}")?;
        }
        let mut cause = self.error;
        while let Some(error) = cause {
            write!(f, "\nerror: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Inner {
    /// Passes a report on to the program's handler, or to standard error.
    pub(super) fn handle(&self, report: &Report<'_>) {
        let handler = self.handler.borrow().clone();
        let outcome = handler.map(|handler| catch_unwind(AssertUnwindSafe(|| handler(report))));
        match outcome {
            Some(Ok(())) => {}
            None => eprintln!("{report}"),
            Some(Err(_)) => eprintln!("{report}\nThe exception handler has panicked over this."),
        }
    }
}
