//! Virtual machines: what is known of a host after each poll.

pub mod track;
