//! `TaskGroup`: tasks that end together (CPython: `asyncio/taskgroups.py`), the same on every version of Python.
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`TaskGroup`] |
//! | `ending` | the end of the block: waiting for the tasks, what is raised |
//! | `tasks` | the group's tasks, and what happens when one ends |

mod class;
mod ending;
mod tasks;

pub use self::class::TaskGroup;
