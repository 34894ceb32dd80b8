//! The extension module: what it exports, and in which order it is installed.
//!
//! | file | what is in it |
//! |---|---|
//! | `exports` | the module |
//! | `coroutine_functions` | which of its functions and methods return coroutines, as `async def` does |

mod coroutine_functions;
mod exports;
