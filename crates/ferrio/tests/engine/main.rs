//! Behaviour of the engine through its public face, laid out like its source.

mod inject;
mod proto;
mod reactor;
mod ready;
mod sync;
mod sys;
mod time;
mod turn;
