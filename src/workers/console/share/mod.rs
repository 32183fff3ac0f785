//! Several noctule users of one machine at one console, through one connection to its host: the first
//! noctule that opens it serves it to the others.
//!
//! What is shared is a serial line ([`line`]) or a machine's screen ([`screen`], [`picture`]); the rest is
//! the same for both. They meet at a socket ([`place`]) whose lock says whose the console is. Who has it feeds its [`hub`];
//! the others follow by a [`link`]. One of them types at a time ([`control`]); who has the console sees
//! to that, and keeps a log of who came, went and typed, never of what. When it leaves, the others are
//! there to open the console themselves, and the lock decides which of them does.

mod control;
mod hub;
mod keys;
mod line;
mod link;
mod past;
mod picture;
mod place;
mod screen;
mod wire;

pub(super) use control::{Done, Member};
pub(super) use hub::{Asked, Audit, Event, Hub, Subject};
pub(super) use line::Typed;
pub(super) use link::{End, Guest, Link, Told, garbled};
pub(super) use past::Past;
pub(super) use place::{Entry, Place, Seat};
pub(super) use screen::{MOST_TYPED, Shown};
