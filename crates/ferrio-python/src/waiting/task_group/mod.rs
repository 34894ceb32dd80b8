//! `TaskGroup`: an `async with` block that ends when all tasks made in it have ended (CPython: `asyncio/taskgroups.py`).
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`TaskGroup`] |
//! | `tasks` | the tasks of the group, and what happens when one ends |
//! | `ending` | the end of the block: waiting for the tasks, and the exception to raise |

mod class;
mod ending;
mod tasks;

pub use self::class::TaskGroup;
