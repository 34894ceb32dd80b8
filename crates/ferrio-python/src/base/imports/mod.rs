//! The Python objects that the bindings use: those of the standard library, and those of the package `ferrio`.
//!
//! | file | what is in it |
//! |---|---|
//! | `standard_library` | names of the standard library, each imported once |
//! | `package` | the table of objects that the package hands down when it is imported |

mod package;
mod standard_library;

pub use self::package::*;
pub use self::standard_library::*;
