//! Several noctule users of one machine at one console, through one connection to its host: the first
//! noctule that opens it serves it to the others.
//!
//! They meet at a socket ([`place`]) whose lock says whose the console is. Who has it feeds its [`hub`];
//! the others follow by a [`link`]. One of them types at a time ([`control`]); who has the console sees
//! to that, and keeps a log of who came, went and typed, never of what. When it leaves, the others are
//! there to open the console themselves, and the lock decides which of them does.

mod control;
mod hub;
mod link;
mod past;
mod place;
mod wire;

pub(super) use control::Done;
pub(super) use hub::{Asked, Audit, Event, Hub};
pub(super) use link::{End, Guest, Link, Told};
pub(super) use place::{Entry, Place, Seat};
