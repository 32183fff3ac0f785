//! A GenieACS in this process: the northbound interface of release 1.2.16 on loopback, over a seeded
//! fleet of CPEs, deterministic from one seed.
//!
//! It answers as the real one was seen to answer, including what is surprising: a 200 for a value
//! that was never set, a download that is "done" when it has only been accepted, requests that kill
//! the worker. Scripts (provisions, virtual parameters) are stored and checked for gross errors of
//! syntax, not run.

mod control;
mod data;
mod fleet;
mod nbi;
mod query;
mod world;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use control::{AcsControl, Answers};
use fleet::{Fleet, INFORM_S, Plan};
use nbi::{Live, Nbi};
use world::store::Store;
use world::{Rules, World};

use super::net::Faults;
use super::{Error, Scale};
use crate::config::schema::{Genieacs, Source, SourceKind};

/// What the source is called.
const NAME: &str = "acs";

/// What is simulated, and how.
#[derive(Debug, Clone)]
pub struct AcsOptions {
    /// 40, 5,000 or 100,000 CPEs.
    pub scale: Scale,
    /// The same seed gives the same fleet and the same events.
    pub seed: u64,
    /// Virtual seconds a real second.
    pub speed: f64,
    /// Serial numbers of ONUs: CPEs are behind them, one each as far as they reach, and carry the same.
    pub onu_serials: Vec<String>,
    /// Whether things happen by themselves.
    pub life: bool,
    /// Seconds between two informs of a CPE, when it is not to be the usual time.
    pub inform_s: Option<u32>,
    /// An ACS as it is after its installation, without CPEs: tests plug in what they need.
    pub bare: bool,
    /// Time stands still but for requests that wait and for [`AcsControl::advance`]: no test waits.
    pub stepped: bool,
    /// Real time at the start, milliseconds since 1970, when it is not to be now.
    pub anchor_ms: Option<i64>,
}

impl Default for AcsOptions {
    fn default() -> Self {
        Self {
            scale: Scale::Small,
            seed: 1,
            speed: 1.0,
            onu_serials: Vec::new(),
            life: true,
            inform_s: None,
            bare: false,
            stepped: false,
            anchor_ms: None,
        }
    }
}

impl AcsOptions {
    /// A fleet in which nothing happens but what a test asks for, and time moves only with it.
    #[must_use]
    pub fn still() -> Self {
        Self { life: false, stepped: true, ..Self::default() }
    }
}

/// The simulator.
#[derive(Debug, Clone, Copy)]
pub struct Acs;

/// An ACS that runs; it stops when this is dropped.
#[derive(Debug)]
pub struct RunningAcs {
    nbi: Arc<Nbi>,
    nbi_port: u16,
    fs_port: u16,
    inform_s: u32,
    stop: CancellationToken,
}

impl Acs {
    /// Builds the fleet, binds the ports and starts the clock. Needs a tokio runtime.
    ///
    /// # Errors
    /// No loopback port, or an impossible speed.
    pub async fn start(options: AcsOptions) -> Result<RunningAcs, Error> {
        if !(0.01..=1_000.0).contains(&options.speed) {
            return Err(Error::Speed(options.speed));
        }
        let real = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64);
        let anchor = options.anchor_ms.unwrap_or_else(real);
        let plan = Plan { inform_s: options.inform_s.unwrap_or(INFORM_S), ..Plan::of(options.scale) };
        let rules = Rules {
            seed: options.seed,
            speed: options.speed,
            anchor,
            workers: plan.workers,
            life: options.life && !options.bare,
            inform_s: plan.inform_s,
        };
        let (fleet, store) = if options.bare {
            (Fleet::new(false), Store::fresh())
        } else {
            (fleet::seeded(plan, options.seed, anchor, &options.onu_serials), Store::seeded(anchor))
        };
        let live = Live::new(World::new(rules, fleet, store), options.speed, options.stepped);
        let nbi = Arc::new(Nbi {
            live,
            faults: Arc::new(Faults::default()),
            can_ping: !options.bare,
            thrown: tokio::sync::Notify::new(),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let files = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (nbi_port, fs_port) = (listener.local_addr()?.port(), files.local_addr()?.port());
        let stop = CancellationToken::new();
        tokio::spawn(nbi::serve(listener, Arc::clone(&nbi), stop.clone()));
        tokio::spawn(nbi::serve_files(files, Arc::clone(&nbi), stop.clone()));
        tokio::spawn(keep_up(Arc::clone(&nbi), stop.clone()));
        Ok(RunningAcs { nbi, nbi_port, fs_port, inform_s: plan.inform_s, stop })
    }
}

/// Whoever looks at the world brings it up to date; this keeps what is due from piling up.
async fn keep_up(nbi: Arc<Nbi>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => drop(nbi.live.world()),
        }
    }
}

impl RunningAcs {
    /// Base URL of the northbound interface.
    #[must_use]
    pub fn nbi_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.nbi_port)
    }

    /// Base URL of the file server.
    #[must_use]
    pub fn fs_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.fs_port)
    }

    /// The source that watches this ACS.
    #[must_use]
    pub fn config(&self) -> Source {
        let mut genieacs = Genieacs { fs: Some(self.fs_url()), ..Genieacs::new(self.nbi_url()) };
        if self.inform_s < INFORM_S {
            // An inform and the look that sees it may each be late; a CPE that missed one is not.
            genieacs.poll_s = u64::from(self.inform_s / 4).max(1);
            genieacs.online_s = u64::from(self.inform_s) * 3 / 2;
        }
        Source { name: NAME.into(), kind: SourceKind::Genieacs(genieacs) }
    }

    /// What makes things happen.
    #[must_use]
    pub fn control(&self) -> AcsControl {
        AcsControl::new(Arc::clone(&self.nbi))
    }

    /// Stops the servers and the clock; connections are closed.
    pub fn stop(self) {}
}

impl Drop for RunningAcs {
    fn drop(&mut self) {
        self.stop.cancel();
        self.nbi.faults.drop_connections();
    }
}
