//! The northbound interface and the file server, over HTTP/1.1.

mod answer;
mod change;
mod files;
mod list;
mod route;
mod script;
mod server;
mod tasks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::world::World;
use crate::sim::net::Faults;

pub(crate) use server::{serve, serve_files};

/// What the answers say of the release.
pub(crate) const VERSION: &str = "1.2.16+26112038e9";

/// A world whose clock runs, or is moved by whoever waits for it.
#[derive(Debug)]
pub(crate) struct Live {
    world: Mutex<World>,
    started: Instant,
    speed: f64,
    stepped: bool,
}

impl Live {
    pub(crate) fn new(world: World, speed: f64, stepped: bool) -> Self {
        Self { world: Mutex::new(world), started: Instant::now(), speed, stepped }
    }

    /// The world as of now.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.stepped {
            world.advance((self.started.elapsed().as_micros() as f64 * self.speed / 1_000.0) as i64);
        }
        world
    }

    /// Real duration of a virtual one. What no clock of ours moves (a worker that dies) is quick
    /// beside a stepped clock.
    pub(crate) fn real(&self, ms: i64) -> Duration {
        let speed = if self.stepped { 100.0 } else { self.speed };
        Duration::from_micros((ms as f64 * 1_000.0 / speed) as u64)
    }

    /// Lets virtual milliseconds pass at once.
    pub(crate) fn advance(&self, ms: i64) {
        let mut world = self.world();
        let to = world.now() + ms;
        world.advance(to);
    }

    /// Waits for virtual milliseconds. A stepped clock is moved by that, so nobody really waits.
    pub(crate) async fn pass(&self, ms: i64) {
        if self.stepped {
            self.advance(ms);
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(self.real(ms)).await;
        }
    }
}

/// What the connections of the interface share.
#[derive(Debug)]
pub(crate) struct Nbi {
    pub(crate) live: Live,
    pub(crate) faults: Arc<Faults>,
    /// Whether the machine has a `ping` program.
    pub(crate) can_ping: bool,
    /// A request made the worker throw.
    pub(crate) thrown: Notify,
}

impl Nbi {
    /// The worker throws: whoever asked gets no answer.
    pub(crate) fn throw(&self, why: &str) {
        tracing::debug!(why, "the simulated NBI worker dies");
        self.thrown.notify_one();
    }
}
