//! How objects come and go: memory that is used again, finalizers, deallocation, the garbage collector.
//!
//! | file | what is in it |
//! |---|---|
//! | `in_turn` | Deallocation of chains. When an object goes away, what it refers to may go with it, and so on: before Python 3.14 the |
//! | `incomplete` | Objects that are not complete yet, before Python 3.12 |
//! | `known_classes` | Which objects are of one of a few classes, found out without asking the interpreter: a comparison of addresses each |
//! | `untracked` | Objects that the garbage collector is shown late |
//! | `lifetime` | The end of objects: finalizers |
//! | `recycling` | Objects whose memory is used again: for classes whose instances come and go all the time |
//! | `references` | Counts of references |
//! | `weak_table` | A table that does not keep what is in it alive |

pub(super) mod in_turn;
#[cfg(not(Py_3_12))]
mod incomplete;
mod known_classes;
mod lifetime;
pub(super) mod recycling;
mod references;
pub(super) mod untracked;
mod weak_table;

pub(crate) use self::in_turn::in_turn;
pub use self::in_turn::{InTurn, install_in_turn};
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
