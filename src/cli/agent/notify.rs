//! Tells the service manager how we do (sd_notify(3)): a datagram to the socket that it named.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::config::Vars;

/// The service manager; nobody when no socket is named.
pub(super) struct Notify(Option<(UnixDatagram, SocketAddr)>);

impl Notify {
    /// The one that the environment names.
    pub(super) fn of(vars: &Vars) -> Self {
        let Some(name) = vars.get("NOTIFY_SOCKET") else { return Self(None) };
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(name),
        };
        let open = address.and_then(|address| Ok((UnixDatagram::unbound()?, address)));
        Self(open.inspect_err(|error| tracing::warn!(%error, "the service manager cannot be told")).ok())
    }

    /// Tells it: lines of `NAME=value`. A manager that does not listen is no reason to fail.
    pub(super) fn tell(&self, state: &str) {
        if let Some((socket, address)) = &self.0
            && let Err(error) = socket.send_to_addr(state.as_bytes(), address)
        {
            tracing::warn!(%error, "the service manager was not told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_hears_what_is_told_and_nobody_need_listen() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let vars = |name: &str| Vars::from_iter([("NOTIFY_SOCKET", name)]);
        Notify::of(&vars(path.to_str().unwrap())).tell("READY=1");
        let mut heard = [0; 16];
        let n = manager.recv(&mut heard).unwrap();
        assert_eq!(&heard[..n], b"READY=1");
        let hidden = format!("noctule-test-{}", uuid::Uuid::new_v4());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&hidden).unwrap()).unwrap();
        Notify::of(&vars(&format!("@{hidden}"))).tell("STOPPING=1");
        assert_eq!(manager.recv(&mut heard).unwrap(), 10);
        Notify::of(&vars("/nowhere/at/all")).tell("READY=1");
        Notify::of(&Vars::default()).tell("READY=1");
    }
}
