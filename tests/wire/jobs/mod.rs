//! Jobs against a simulated ACS: what they do to devices, and that nothing is done twice or
//! forgotten whatever goes wrong.

mod control;
mod crash;
mod firmware;
mod rig;
mod set;
mod trouble;
