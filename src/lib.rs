//! noctule: the network operations centre in one terminal.
//!
//! The map: [`model`] holds the types, [`engine`] the pure state machines, [`store`] the journal
//! and the cache that is folded from it, [`controllers`] the systems noctule speaks to,
//! [`workers`] what runs beside the screen, [`app`] the kernel of the screen, [`panes`] what is on
//! it, [`commands`] everything an operator can do, [`sim`] simulators that speak the real wire
//! protocols, [`cli`] the command line. `tests/architecture.rs` enforces who may use whom.
#![recursion_limit = "256"]

pub mod app;
pub mod cli;
pub mod commands;
pub mod config;
pub mod controllers;
pub mod engine;
pub mod keymap;
pub mod model;
pub mod panes;
pub mod sim;
pub mod store;
pub mod telemetry;
pub mod terminal;
pub mod theme;
pub mod ui;
pub mod workers;

/// One allocator for everything that is built of this crate, benches included. glibc's keeps an arena
/// for each thread that ever worked, and gives little of one back while anything in it lives: with
/// 200 appliances it held 28 MB for the 16 MB in use, this one less than 17.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
