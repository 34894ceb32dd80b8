//! asyncio, whole, in Rust: tasks, timers, sockets and all that waits for them, on one thread, with asyncio's names,
//! order and semantics.
//!
//! ```
//! use std::time::Duration;
//!
//! async fn say(word: &'static str, after: u64) -> Result<&'static str, ferrio::Cancelled> {
//!     ferrio::sleep(Duration::from_millis(after)).await?;
//!     Ok(word)
//! }
//!
//! ferrio::run(async {
//!     let late = ferrio::spawn(say("world", 20));
//!     let early = ferrio::spawn(say("hello", 10));
//!     println!("{} {}", early.await??, late.await??);
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })??;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layers
//!
//! Arrows point down only; nothing below knows anything above.
//!
//! ```text
//! tasks             spawn, sleep, timeout, gather, groups, and what else makes tasks and waits for them
//! queues            queues that pass items between tasks
//! locks             locks, events, conditions, semaphores, barriers
//! future            a value that is set once, and awaited by many
//! runtime           EventLoop, run, Runner: the loop for Rust programs
//! task              a future that a loop runs in steps: waker, cancellation, outcome; knows no loop
//! engine            which callback runs next, descriptors, timers; knows no task
//! ```
//!
//! ferrio's Python package is built on [`engine`] alone, without the default features.

#![deny(unsafe_code)]
// `cfg(loom)` is set by hand, to run the models of the injector.
#![allow(unexpected_cfgs)]

pub mod engine;
#[cfg(feature = "runtime")]
pub mod future;
#[cfg(feature = "runtime")]
mod locks;
#[cfg(feature = "runtime")]
mod queues;
#[cfg(feature = "runtime")]
mod runtime;
#[cfg(feature = "runtime")]
pub mod task;
#[cfg(feature = "runtime")]
mod tasks;

#[cfg(feature = "runtime")]
#[doc(hidden)]
pub use tasks::gather_tuple as __gather_tuple;
#[cfg(feature = "runtime")]
pub use {
    engine::sync::{ReleasedTooOften, TooManyDone},
    future::{Promise, PromiseError, promise},
    locks::{
        Barrier, BarrierError, BarrierWait, BoundedSemaphore, BrokenBarrier, CannotNotify,
        Condition, ConditionError, ConditionWait, Event, EventWait, Lock, LockAcquire, LockGuard,
        Semaphore, SemaphoreAcquire, SemaphoreGuard,
    },
    queues::{
        BaseQueue, Fifo, GetError, Lifo, LifoQueue, Order, Priority, PriorityQueue, PutError,
        Queue, QueueGet, QueueJoin, QueuePut, TryGetError, TryPutError,
    },
    runtime::{
        EventLoop, Handle, Handler, LoopClosed, Remote, Report, RunError, Runner, Submitted,
        ThreadPool, TimerHandle, run, to_thread,
    },
    task::{
        AlreadyRunning, Builder, Cancelled, JoinError, LocalKey, Panicked, Task, TaskRef,
        current_task,
    },
    tasks::{
        AsCompleted, AsTask, Fallible, Gather, GatherAll, GroupError, RescheduleError, ReturnWhen,
        Shield, Sleep, TaskError, TaskGroup, Timed, Timeout, TimeoutError, Wait, YieldNow,
        all_tasks, as_completed, gather, gather_all, shield, sleep, sleep_until, spawn, spawn_with,
        timeout, timeout_at, wait, wait_for, yield_now,
    },
};

/// The programs in README.md are tested.
#[cfg(all(doctest, feature = "runtime"))]
#[doc = include_str!("../README.md")]
struct Readme;
