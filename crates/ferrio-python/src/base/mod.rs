//! What everything else is made with. It knows nothing of ferrio.
//!
//! | file | what is in it |
//! |---|---|
//! | `cell` | cells for the state of objects; one of the two homes of `unsafe` |
//! | `errors` | the one conversion of errors into exceptions |
//! | `imports` | the one list of what is imported of the standard library and of ferrio's Python half |
//! | `running_code` | questions to the code of the asyncio that runs |
//! | `arguments` | arguments of which it counts whether they were given |
//! | `attributes` | getters and setters of private attributes |
//! | `warning` | `ResourceWarning`s |

pub mod arguments;
pub mod attributes;
pub mod cell;
pub mod errors;
pub mod imports;
pub mod running_code;
pub mod warning;
