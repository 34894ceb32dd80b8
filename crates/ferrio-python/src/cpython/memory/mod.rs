//! The life of objects: allocation from reused memory, finalizers, deallocation, the garbage collector.
//!
//! | file | what is in it |
//! |---|---|
//! | `deallocators` | replacing PyO3's deallocators |
//! | `in_turn` | deallocation of chains without deep recursion |
//! | `incomplete` | incomplete objects in garbage collections, before Python 3.12 |
//! | `known_classes` | checks whether an object is of one of a few classes |
//! | `untracked` | short-lived objects that the garbage collector need not see |
//! | `lifetime` | finalizers |
//! | `recycling` | objects whose memory is reused |
//! | `references` | reference counts |
//! | `weak_table` | a table that does not keep its objects alive |

mod deallocators;
pub(super) mod in_turn;
#[cfg(not(Py_3_12))]
mod incomplete;
mod known_classes;
mod lifetime;
pub(super) mod recycling;
mod references;
pub(super) mod untracked;
mod weak_table;

pub use self::in_turn::install_in_turn;
#[cfg(not(Py_3_12))]
pub use self::incomplete::skip_incomplete;
pub use self::known_classes::KnownClasses;
pub use self::lifetime::{Finalize, install_finalizer};
pub(crate) use self::recycling::recycle;
pub use self::recycling::{
    Keep, Recycle, Shell, create, create_extended, install_recycling, keep, keep_extended, show,
};
pub use self::references::is_only_reference;
pub use self::untracked::Untracked;
pub use self::weak_table::WeakTable;
