//! The engine of ferrio.
