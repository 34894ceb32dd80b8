//! How objects come and go: memory that is used again, finalizers, deallocation, the garbage collector.
//!
//! | file | what is in it |
//! |---|---|
//! | `deallocators` | the deallocators that PyO3 has made for classes |
//! | `in_turn` | deallocation of chains, one object after the other |
//! | `incomplete` | objects that are not complete yet, before Python 3.12 |
//! | `known_classes` | which objects are of one of a few classes |
//! | `untracked` | objects that the garbage collector is shown late |
//! | `lifetime` | the end of objects: finalizers |
//! | `recycling` | objects whose memory is used again |
//! | `references` | counts of references |
//! | `weak_table` | a table that does not keep what is in it alive |

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
