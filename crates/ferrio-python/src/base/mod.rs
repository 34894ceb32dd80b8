//! Helpers for all other layers, which know none of ferrio's classes.
//!
//! | file | what is in it |
//! |---|---|
//! | `cell` | cells for the state of objects; one of the two homes of `unsafe` |
//! | `errors` | conversion of the engine's errors into exceptions |
//! | `imports` | the names of the standard library and of the package `ferrio` that the bindings use |
//! | `running_code` | questions to the code of the asyncio that runs |
//! | `arguments` | arguments that may be left out, and arguments that are tested for truth |
//! | `attributes` | getters and setters of private attributes |
//! | `warning` | `ResourceWarning`s |

pub mod arguments;
pub mod attributes;
pub mod cell;
pub mod errors;
pub mod imports;
pub mod running_code;
pub mod warning;
