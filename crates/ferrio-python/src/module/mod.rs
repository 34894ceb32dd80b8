//! The extension module `_ferrio`: its exports, and the order in which they are installed.
//!
//! | file | what is in it |
//! |---|---|
//! | `exports` | the module, its classes and functions |
//! | `coroutine_functions` | the functions and methods that asyncio defines with `async def` |

mod coroutine_functions;
mod exports;
