//! From the wire to the rows and back, without a screen: simulated VOLTHA stacks, the real client,
//! the real store.

mod commands;
mod life;
mod rig;
