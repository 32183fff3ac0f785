//! Whether a northbound interface stands open to strangers. It has no login, and whoever reaches it
//! reads the password hashes of its users and changes every CPE (facts: genieacs-api §2).

use std::net::IpAddr;

use crate::config::schema::Genieacs;
use crate::controllers::http::host;

/// A warning for an interface at these addresses, when one is due. Without addresses the host of the
/// URL is judged, when it is written as one.
#[must_use]
pub fn warning(config: &Genieacs, addresses: &[IpAddr]) -> Option<String> {
    let literal = host(&config.nbi).parse::<IpAddr>().ok();
    let public = addresses.iter().copied().chain(literal).find(|a| !is_private(*a))?;
    let secure = config.nbi.starts_with("https://");
    let guarded = !config.auth.is_none() || (secure && config.tls.cert.is_some());
    match (guarded, secure) {
        (false, _) => Some(format!(
            "{} is reached at the public address {public} without a login: everyone who reaches it reads password \
             hashes and controls every CPE; put a proxy with TLS and a login before it",
            config.nbi
        )),
        (true, false) => {
            Some(format!("the login for {} goes to the public address {public} in clear: use https://", config.nbi))
        }
        (true, true) => None,
    }
}

/// Loopback, private and link-local addresses.
#[must_use]
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_loopback() || a.is_private() || a.is_link_local() || a.is_unspecified(),
        IpAddr::V6(a) => match a.to_ipv4_mapped() {
            Some(v4) => is_private(IpAddr::V4(v4)),
            None => a.is_loopback() || a.is_unique_local() || a.is_unicast_link_local() || a.is_unspecified(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::BasicAuth;

    #[test]
    fn open_interfaces_are_warned_of_unless_they_are_private() {
        for quiet in [
            "http://127.0.0.1:7557",
            "http://10.1.2.3/nbi",
            "http://[::1]:7557",
            "http://[fd00::1]/",
            "http://acs:7557",
        ] {
            assert_eq!(warning(&Genieacs::new(quiet), &[]), None, "{quiet}");
        }
        // 100.64.0.0/10 is where subscribers live.
        for open in
            ["http://192.0.2.1:7557", "https://[2001:db8::1]", "http://100.64.0.1:7557", "http://[::ffff:8.8.8.8]"]
        {
            assert!(warning(&Genieacs::new(open), &[]).unwrap().contains("without a login"), "{open}");
        }
        let named = Genieacs::new("http://acs:7557/x");
        assert!(warning(&named, &["10.0.0.1".parse().unwrap(), "8.8.8.8".parse().unwrap()]).is_some());
    }

    #[test]
    fn a_login_in_clear_is_warned_of_too() {
        let mut acs = Genieacs::new("http://8.8.8.8:7557");
        acs.auth.basic = Some(BasicAuth { username: "u".into(), password: "env:X".parse().unwrap() });
        assert!(warning(&acs, &[]).unwrap().contains("in clear"));
        acs.nbi = "https://8.8.8.8".into();
        assert_eq!(warning(&acs, &[]), None);
    }
}
