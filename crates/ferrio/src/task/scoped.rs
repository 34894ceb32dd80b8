//! A task whose future may borrow: the owner of the future polls it himself, while the loop runs around him.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::handle::Task;
use super::host::{self, Builder, Host, RemoteHost};
use super::{TaskRef, step};

/// A task whose future stays with its owner.
///
/// A task of its own, which borrows nothing, stands for it in the loop's queue: whenever that is run, the future is due.
pub(crate) struct Scoped {
    task: Task<()>,
    turn: Rc<Turn>,
    /// Dropping it ends the task that stands for the future.
    _stand_in: async_task::Task<()>,
}

/// What the owner and the stand-in share.
#[derive(Default)]
struct Turn {
    is_due: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// The future of the task that stands in.
struct StandIn(Rc<Turn>);

impl Future for StandIn {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.is_due.set(true);
        self.0.waker.replace(Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl Scoped {
    /// Makes the task and queues its first step.
    pub(crate) fn new(builder: Builder, host: &dyn Host) -> Scoped {
        let remote: Arc<dyn RemoteHost> = host.remote();
        let task = Task::from_builder(builder, remote.id());
        let task_ref = task.task_ref();
        task_ref.set_place(host.add(task_ref.clone()));
        let turn = Rc::new(Turn::default());
        let stand_in = StandIn(Rc::clone(&turn));
        let (runnable, stand_in) =
            async_task::spawn_local(stand_in, move |runnable| host::schedule(&remote, runnable));
        runnable.schedule();
        Scoped {
            task,
            turn,
            _stand_in: stand_in,
        }
    }

    pub(crate) fn task(&self) -> TaskRef {
        self.task.task_ref()
    }

    /// Makes a step if it is due. Returns whether the task is done.
    #[inline]
    pub(crate) fn poll<F>(&self, future: Pin<&mut Option<F>>) -> bool
    where
        F: Future<Output = ()>,
    {
        if !self.turn.is_due.replace(false) {
            return false;
        }
        let waker = self.turn.waker.borrow().clone();
        let waker = waker.expect("the stand-in has left its waker");
        step::poll(
            &self.task.shared(),
            future,
            &mut Context::from_waker(&waker),
        )
        .is_ready()
    }

    /// Ends the task if it is not done: drops its future.
    pub(crate) fn abandon<F>(&self, mut future: Pin<&mut Option<F>>) {
        step::abandon(&self.task.shared(), &mut future);
    }

    /// Takes the outcome, which is an error if the task has panicked or was cancelled.
    pub(crate) fn outcome(&self) -> Option<Result<(), super::JoinError>> {
        self.task.shared().take_outcome()
    }
}
