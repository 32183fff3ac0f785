//! Which masters there are: every source that goes through the same host shares one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::master::Master;
use crate::config::schema::Ssh;

static MASTERS: Mutex<BTreeMap<Ssh, Weak<Master>>> = Mutex::new(BTreeMap::new());

/// The master of a host: the one that others use already, or a new one. It logs in at its first use
/// and ends with its last user.
#[must_use]
pub fn master(ssh: &Ssh) -> Arc<Master> {
    let mut masters = MASTERS.lock().unwrap_or_else(PoisonError::into_inner);
    masters.retain(|_, master| master.strong_count() > 0);
    if let Some(found) = masters.get(ssh).and_then(Weak::upgrade) {
        return found;
    }
    let new = Arc::new(Master::new(ssh.clone()));
    masters.insert(ssh.clone(), Arc::downgrade(&new));
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_master_while_somebody_uses_it() {
        let ssh = |host: &str| Ssh { host: host.to_owned(), port: None, config_file: None };
        let (a, b, c) = (master(&ssh("pool-a")), master(&ssh("pool-a")), master(&ssh("pool-b")));
        assert!(Arc::ptr_eq(&a, &b));
        assert!(!Arc::ptr_eq(&a, &c));
    }
}
