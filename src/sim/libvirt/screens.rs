//! The screens of machines over VNC: a socket or a port while a machine runs. A picture is drawn only
//! while somebody looks.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

use super::guest::{Key, Keys, vga::Vga};
use super::live::Live;
use super::world::{Display, Happened, World};
use crate::engine::vga::render::{CursorShape, Mode, render};
use crate::model::console::Picture;
use crate::sim::rfb::{self, Guest, RfbOptions};

/// Listeners by machine.
type Open = BTreeMap<(usize, [u8; 16]), Listening>;

/// A screen that can be connected to, until this is dropped.
#[derive(Debug)]
struct Listening {
    /// The run of the machine that it belongs to.
    run: u64,
    end: CancellationToken,
    /// The file of its socket. It goes before a successor makes its own of the same name, not when the
    /// listener has come to its end: that may be later.
    socket: Option<PathBuf>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.end.cancel();
        if let Some(path) = &self.socket {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The screens that can be connected to.
#[derive(Debug, Default)]
pub(super) struct Screens {
    open: Mutex<Open>,
    /// Who looks, by machine: how many.
    viewers: Mutex<BTreeMap<(usize, [u8; 16]), usize>>,
}

/// What a screen shows now; black when the machine is gone.
pub(super) fn picture(live: &Arc<Live>, host: usize, uuid: &[u8; 16]) -> Picture {
    let mut world = live.world();
    let vga = world.tty(host, uuid, 0).ok().and_then(|(tty, machine)| {
        tty.advance(&machine);
        tty.vga().map(Vga::screen)
    });
    drop(world);
    vga.map_or_else(|| Picture::new(720, 400), |screen| render(&screen, Mode::Nine, CursorShape::Underline))
}

impl Screens {
    /// Opens and closes what the machines that run make necessary.
    pub(super) fn follow(&self, live: &Arc<Live>, world: &mut World) {
        // Whoever changes the world may do so from a thread of its own.
        let _inside = live.runtime.enter();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wanted = Vec::new();
        for (host, h) in world.hosts.iter().enumerate() {
            for vm in h.vms.iter().filter(|vm| vm.active()) {
                if matches!(vm.display, Display::VncSocket { .. } | Display::VncPort { .. }) {
                    wanted.push((host, vm.uuid, vm.run));
                }
            }
        }
        open.retain(|(host, uuid), listening| {
            wanted.iter().any(|w| w.0 == *host && w.1 == *uuid && w.2 == listening.run)
        });
        for (host, uuid, run) in wanted {
            if open.contains_key(&(host, uuid)) {
                continue;
            }
            let end = CancellationToken::new();
            if let Ok(socket) = Self::open(live, world, host, &uuid, &end) {
                open.insert((host, uuid), Listening { run, end, socket });
            }
        }
    }

    /// How many look at a screen.
    pub(super) fn viewers(&self, host: usize, uuid: &[u8; 16]) -> usize {
        let viewers = self.viewers.lock().unwrap_or_else(PoisonError::into_inner);
        viewers.get(&(host, *uuid)).copied().unwrap_or(0)
    }

    fn count(&self, host: usize, uuid: [u8; 16], viewers: usize) {
        let mut all = self.viewers.lock().unwrap_or_else(PoisonError::into_inner);
        if viewers == 0 {
            all.remove(&(host, uuid));
        } else {
            all.insert((host, uuid), viewers);
        }
    }

    /// Ends all of them.
    pub(super) fn close(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Listens for viewers of a machine; the file of the socket, when it is one.
    fn open(
        live: &Arc<Live>,
        world: &mut World,
        host: usize,
        uuid: &[u8; 16],
        token: &CancellationToken,
    ) -> std::io::Result<Option<PathBuf>> {
        let Ok(vm) = world.vm_by_uuid(host, uuid) else { return Ok(None) };
        let options = |password: &Option<String>| RfbOptions {
            name: format!("QEMU ({})", vm.name),
            password: password.clone(),
            ..RfbOptions::default()
        };
        let watched = Arc::new(Watched { live: Arc::downgrade(live), host, uuid: *uuid, shown: Mutex::default() });
        match &vm.display {
            Display::VncSocket { password } => {
                let path = PathBuf::from(world.screen_socket(host, vm));
                // One that a run of the simulator before has left in the same folder.
                let _ = std::fs::remove_file(&path);
                let listener = std::os::unix::net::UnixListener::bind(&path)?;
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
                listener.set_nonblocking(true)?;
                let listener = UnixListener::from_std(listener)?;
                let (token, options) = (token.clone(), options(password));
                tokio::spawn(async move {
                    let accept = async || listener.accept().await.map(|(stream, _)| stream);
                    serve(accept, watched, options, token).await;
                });
                return Ok(Some(path));
            }
            Display::VncPort { password } => {
                let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
                listener.set_nonblocking(true)?;
                let port = listener.local_addr()?.port();
                let listener = TcpListener::from_std(listener)?;
                let (token, options) = (token.clone(), options(password));
                tokio::spawn(async move {
                    let accept = async || listener.accept().await.map(|(stream, _)| stream);
                    serve(accept, watched, options, token).await;
                });
                if let Ok(vm) = world.vm_mut(host, uuid) {
                    vm.port = Some(port);
                }
            }
            Display::None | Display::Spice => {}
        }
        Ok(None)
    }
}

/// Serves everybody who comes until the machine is off.
async fn serve<S, F>(
    mut accept: impl FnMut() -> F,
    watched: Arc<Watched>,
    options: RfbOptions,
    token: CancellationToken,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = std::io::Result<S>>,
{
    loop {
        let stream = tokio::select! {
            () = token.cancelled() => return,
            stream = accept() => stream,
        };
        let Ok(stream) = stream else {
            // Out of descriptors: later there may be some again.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (watched, options, token) = (Arc::clone(&watched), options.clone(), token.clone());
        tokio::spawn(async move {
            let Some(display) = watched.look(&token) else { return };
            let guest = Arc::clone(&watched);
            tokio::select! {
                () = token.cancelled() => {}
                _ = rfb::serve(stream, &options, &display, &*guest) => {}
            }
            watched.leave();
        });
    }
}

/// A screen that somebody looks at, or nobody.
#[derive(Debug)]
struct Watched {
    live: Weak<Live>,
    host: usize,
    uuid: [u8; 16],
    shown: Mutex<Option<Shown>>,
}

#[derive(Debug)]
struct Shown {
    display: rfb::Display,
    viewers: usize,
    keys: Keys,
    painter: CancellationToken,
}

impl Watched {
    /// One more looks: the first starts the painter.
    fn look(self: &Arc<Self>, token: &CancellationToken) -> Option<rfb::Display> {
        let live = self.live.upgrade()?;
        let first = picture(&live, self.host, &self.uuid);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = shown.get_or_insert_with(|| {
            let display = rfb::Display::new(first);
            let painter = token.child_token();
            tokio::spawn(paint(live, self.host, self.uuid, display.clone(), painter.clone()));
            Shown { display, viewers: 0, keys: Keys::default(), painter }
        });
        shown.viewers += 1;
        self.told(shown.viewers, 1);
        Some(shown.display.clone())
    }

    /// Counts and tells who came (1) or left (2).
    fn told(&self, viewers: usize, phase: i32) {
        let Some(live) = self.live.upgrade() else { return };
        live.screens.count(self.host, self.uuid, viewers);
        let mut world = live.world();
        let Ok(vm) = world.vm_by_uuid(self.host, &self.uuid) else { return };
        let (socket, auth) = match &vm.display {
            Display::VncSocket { password } => (world.screen_socket(self.host, vm), password.is_some()),
            Display::VncPort { password } => (String::new(), password.is_some()),
            Display::None | Display::Spice => return,
        };
        let auth = if auth { "vnc" } else { "none" };
        world.tell(self.host, &self.uuid, Happened::Graphics { phase, socket, auth });
    }

    /// One less: the last ends it.
    fn leave(&self) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = shown.as_mut() {
            one.viewers -= 1;
            self.told(one.viewers, 2);
            if one.viewers == 0 {
                one.painter.cancel();
                *shown = None;
            }
        }
    }
}

impl Guest for Watched {
    fn key(&self, _: &rfb::Display, keysym: u32, down: bool) {
        let Some(live) = self.live.upgrade() else { return };
        let pressed = {
            let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.as_mut().and_then(|shown| super::guest::keysym(&mut shown.keys, keysym, down))
        };
        match pressed {
            Some(Key::Bytes(bytes)) => live.type_in(self.host, &self.uuid, 0, &bytes),
            Some(Key::Restart) => live.restart_keys(self.host, &self.uuid),
            None => {}
        }
    }
}

/// Draws the screen whenever it changes.
async fn paint(live: Arc<Live>, host: usize, uuid: [u8; 16], display: rfb::Display, stop: CancellationToken) {
    let mut changes = live.changes();
    let mut drawn = None;
    loop {
        let (screen, version, next) = {
            let mut world = live.world();
            let now = world.now();
            let Ok((tty, machine)) = world.tty(host, &uuid, 0) else { return };
            tty.advance(&machine);
            let next = tty.next().map(|at| at - now);
            let version = tty.vga().map(|vga| vga.version);
            let screen = (version != drawn).then(|| tty.vga().map(Vga::screen)).flatten();
            (screen, version, next)
        };
        if let Some(screen) = screen {
            drawn = version;
            display.show(render(&screen, Mode::Nine, CursorShape::Underline));
        }
        let wait = async {
            match next {
                // A flood is drawn some thirty times a second, as a card would.
                Some(us) => tokio::time::sleep(live.real(us).max(Duration::from_millis(30))).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            _ = changes.changed() => {}
            () = wait => {}
        }
    }
}
