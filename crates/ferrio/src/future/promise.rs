//! A promise, and the future that gives its value.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::task::{Cancelled, Observers, take_cancellation};

use super::promise_error::{InvalidStateError, PromiseError};

/// What a promise and its futures share.
struct Shared<T> {
    state: RefCell<State<T>>,
    wakers: Observers<Waker>,
}

enum State<T> {
    Pending,
    // In an `Rc`, since cloning the value runs code of the program's.
    Set(Rc<T>),
    Cancelled(Option<Arc<str>>),
    Dropped,
}

impl<T> Clone for State<T> {
    fn clone(&self) -> State<T> {
        match self {
            State::Pending => State::Pending,
            State::Set(value) => State::Set(Rc::clone(value)),
            State::Cancelled(message) => State::Cancelled(message.clone()),
            State::Dropped => State::Dropped,
        }
    }
}

impl<T> Shared<T> {
    fn is_done(&self) -> bool {
        !matches!(*self.state.borrow(), State::Pending)
    }

    /// Leaves the state of one that is pending, and wakes all; gives the new state back if it is not.
    fn finish(&self, state: State<T>) -> Result<(), State<T>> {
        if self.is_done() {
            return Err(state);
        }
        self.state.replace(state);
        for (_, waker) in self.wakers.take() {
            waker.wake();
        }
        Ok(())
    }

    fn cancel(&self, message: Option<Arc<str>>) -> bool {
        self.finish(State::Cancelled(message)).is_ok()
    }
}

/// Makes a promise and the future that gives its value; asyncio's `loop.create_future`.
///
/// ```
/// ferrio::run(async {
///     let (promise, future) = ferrio::promise();
///     let waiting = [future.clone(), future].map(|future| ferrio::spawn(future));
///     ferrio::yield_now().await.unwrap();
///     promise.set(42).unwrap();
///     for task in waiting {
///         assert_eq!(task.await.unwrap(), Ok(42));
///     }
/// })?;
/// # Ok::<(), ferrio::RunError>(())
/// ```
pub fn promise<T>() -> (Promise<T>, Future<T>) {
    let shared = Rc::new(Shared {
        state: RefCell::new(State::Pending),
        wakers: Observers::new(),
    });
    let future = Future {
        shared: Rc::clone(&shared),
        waiting: None,
    };
    (Promise { shared }, future)
}

/// Sets what its futures give, once; made by [`promise`].
///
/// Dropping it before is an error for those who wait.
pub struct Promise<T> {
    shared: Rc<Shared<T>>,
}

impl<T> Promise<T> {
    /// Sets the value; asyncio's `Future.set_result`.
    ///
    /// Fails if it was set or cancelled before.
    ///
    /// ```
    /// let (promise, future) = ferrio::promise();
    /// promise.set(1)?;
    /// assert_eq!(promise.set(2), Err(ferrio::future::InvalidStateError));
    /// assert_eq!(ferrio::run(future).unwrap(), Ok(1));
    /// # Ok::<(), ferrio::future::InvalidStateError>(())
    /// ```
    pub fn set(&self, value: T) -> Result<(), InvalidStateError> {
        let finished = self.shared.finish(State::Set(Rc::new(value)));
        finished.map_err(|_| InvalidStateError)
    }

    /// Has those who wait fail as cancelled; returns `false` if it was set or cancelled before.
    pub fn cancel(&self, message: impl Into<Option<&'static str>>) -> bool {
        self.shared.cancel(message.into().map(Arc::from))
    }

    /// Whether it was set or cancelled.
    pub fn is_done(&self) -> bool {
        self.shared.is_done()
    }

    /// Whether it was cancelled, by this or by a future.
    pub fn is_cancelled(&self) -> bool {
        matches!(*self.shared.state.borrow(), State::Cancelled(_))
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        let _ = self.shared.finish(State::Dropped);
    }
}

impl<T> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Promise {}>", name_of(&self.shared))
    }
}

fn name_of<T>(shared: &Shared<T>) -> &'static str {
    match *shared.state.borrow() {
        State::Pending => "pending",
        State::Set(_) => "finished",
        State::Cancelled(_) => "cancelled",
        State::Dropped => "dropped",
    }
}

/// A value that a [`Promise`] will have; asyncio's class of this name.
///
/// Clones wait for the same value, and each who awaits one gets a clone of the value. As in asyncio, one who is cancelled
/// while he awaits it cancels it for all; [`shield`](crate::shield) prevents that. Dropping it changes nothing.
pub struct Future<T> {
    shared: Rc<Shared<T>>,
    waiting: Option<u64>,
}

impl<T> Future<T> {
    /// Has all who wait fail as cancelled; returns `false` if it is done already. asyncio's `Future.cancel`.
    pub fn cancel(&self, message: impl Into<Option<&'static str>>) -> bool {
        self.shared.cancel(message.into().map(Arc::from))
    }

    /// Whether there is a value, or will never be one.
    pub fn is_done(&self) -> bool {
        self.shared.is_done()
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(*self.shared.state.borrow(), State::Cancelled(_))
    }
}

impl<T: Clone> Future<T> {
    /// Returns what awaiting it would give, if it is done; asyncio's `Future.result`.
    pub fn try_get(&self) -> Option<Result<T, PromiseError>> {
        let state = self.shared.state.borrow().clone();
        match state {
            State::Pending => None,
            State::Set(value) => Some(Ok(T::clone(&value))),
            State::Cancelled(message) => {
                let cancelled = Cancelled::given(message);
                Some(Err(PromiseError::Cancelled(cancelled)))
            }
            State::Dropped => Some(Err(PromiseError::Dropped)),
        }
    }
}

impl<T: Clone> std::future::Future for Future<T> {
    type Output = Result<T, PromiseError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let has_waited = self.waiting.is_some();
        if (has_waited || !self.is_done())
            && let Some(cancelled) = take_cancellation()
        {
            self.shared.cancel(cancelled.shared_message());
            return Poll::Ready(Err(PromiseError::Cancelled(cancelled)));
        }
        if let Some(outcome) = self.try_get() {
            return Poll::Ready(outcome);
        }
        let wakers = &self.shared.wakers;
        match self.waiting {
            Some(key) => wakers.update(key, cx.waker(), |waker: &mut Waker| Some(waker)),
            None => self.waiting = Some(wakers.add(cx.waker().clone())),
        }
        Poll::Pending
    }
}

impl<T> Unpin for Future<T> {}

impl<T> Clone for Future<T> {
    fn clone(&self) -> Future<T> {
        Future {
            shared: Rc::clone(&self.shared),
            waiting: None,
        }
    }
}

impl<T> Drop for Future<T> {
    fn drop(&mut self) {
        if let Some(key) = self.waiting.take() {
            self.shared.wakers.forget(key);
        }
    }
}

impl<T> fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Future {}>", name_of(&self.shared))
    }
}
